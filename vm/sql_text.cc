#include "vm/sql_text.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "vm/base/ascii.h"
#include "vm/base/ensure.h"
#include "vm/json_text.h"
#include "vm/numeric.h"
#include "vm/numeric_value.h"
#include "vm/sql_datetime.h"
#include "vm/value_text.h"

namespace entail::vm {

namespace {

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (ascii_lower(text[i]) != lower[i]) return false;
  }
  return true;
}

// The shortest digits as PostgreSQL lays them out: an exponent below 1e-4 and from 1e15 (1e6) on.
template <typename Float>
void print_shortest(Float value, int plain_digits, std::string& out) {
  if (value != value) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  if (value == 0) {
    out += std::signbit(value) ? "-0" : "0";
    return;
  }
  char buffer[64];
  const auto [end, error] =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  static_cast<void>(error);
  const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  const std::size_t e = text.find('e');
  const int exponent = std::atoi(std::string(text.substr(e + 1)).c_str());
  if (exponent < -4 || exponent >= plain_digits) {
    out += text;
    return;
  }
  const auto [fixed_end, fixed_error] =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  static_cast<void>(fixed_error);
  out.append(buffer, fixed_end);
}

void print_quoted_element(const std::string& text, std::string& out) {
  const bool quoted = text.empty() || equals_ignoring_case(text, "null") ||
                      text.find_first_of(" \t\n\r\v\f{},\"\\") != std::string::npos;
  if (!quoted) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void print_quoted_field(const std::string& text, std::string& out) {
  if (!text.empty() && text.find_first_of(" \t\n\r\v\f(),\"\\") == std::string::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += c;
    out += c;
  }
  out += '"';
}

void print_array(const ValuePool& pool, Type type, Word word, std::string& out) {
  const TypeTable& types = pool.types();
  const Type element = types.array_element(type.detail);
  const bool nullable = types.array_element_nullable(type.detail);
  const unsigned stride = words_of(element, nullable);
  const auto words = pool.fields(word);
  out += '{';
  for (std::size_t i = 0; i + stride <= words.size(); i += stride) {
    if (i > 0) out += ',';
    if (nullable && words[i + stride - 1] != 0) {
      out += "NULL";
      continue;
    }
    std::string text;
    print_sql_value(pool, element, words.data() + i, text);
    if (element.kind == TypeKind::kArray) {
      out += text;
    } else {
      print_quoted_element(text, out);
    }
  }
  out += '}';
}

void print_record(const ValuePool& pool, Type type, Word word, std::string& out) {
  const auto words = pool.fields(word);
  out += '(';
  std::size_t at = 0;
  bool first = true;
  for (const FieldType& field : pool.types().record_fields(type.detail)) {
    if (!first) out += ',';
    first = false;
    const unsigned count = words_of(field.type, field.nullable);
    if (at + count <= words.size() && !(field.nullable && words[at + count - 1] != 0)) {
      std::string text;
      print_sql_value(pool, field.type, words.data() + at, text);
      print_quoted_field(text, out);
    }
    at += count;
  }
  out += ')';
}

// ---------------------------------------------------------------------------------------------------
// Reading

bool bad_syntax(std::string_view type, std::string_view text, SqlTextError& error) {
  error = {"22P02", fmt::format("invalid input syntax for type {}: \"{}\"", type, text), {}};
  return false;
}

bool too_large(std::string_view type, std::string_view text, SqlTextError& error) {
  error = {"22003", fmt::format("value \"{}\" is out of range for type {}", text, type), {}};
  return false;
}

bool read_integer(std::string_view text, unsigned bits, std::string_view name, Word* out,
                  SqlTextError& error) {
  std::string_view digits = trimmed(text);
  const bool negative = !digits.empty() && digits[0] == '-';
  if (!digits.empty() && (digits[0] == '-' || digits[0] == '+')) digits.remove_prefix(1);
  if (digits.empty()) return bad_syntax(name, text, error);
  Uint128 value = 0;
  bool over = false;
  for (const char c : digits) {
    if (c < '0' || c > '9') return bad_syntax(name, text, error);
    value = value * 10 + static_cast<unsigned>(c - '0');
    if (value > static_cast<Uint128>(1) << 70) {
      over = true;
      value = 0;
    }
  }
  const auto limit = static_cast<Uint128>(1) << (bits - 1);
  if (over || value > limit || (value == limit && !negative)) return too_large(name, text, error);
  *out = static_cast<Word>(negative ? -value : value);
  return true;
}

bool read_bool(std::string_view text, Word* out, SqlTextError& error) {
  const std::string_view word = trimmed(text);
  const auto begins = [&](std::string_view whole, std::size_t least) {
    return word.size() >= least && word.size() <= whole.size() &&
           equals_ignoring_case(word, whole.substr(0, word.size()));
  };
  if (begins("true", 1) || begins("yes", 1) || begins("on", 2) || word == "1") {
    *out = 1;
    return true;
  }
  if (begins("false", 1) || begins("no", 1) || begins("off", 2) || word == "0") {
    *out = 0;
    return true;
  }
  return bad_syntax("boolean", text, error);
}

template <typename Float>
bool read_float(std::string_view text, std::string_view name, Float& value, SqlTextError& error) {
  std::string_view word = trimmed(text);
  if (word.empty()) return bad_syntax(name, text, error);
  const bool signed_word = word[0] == '-' || word[0] == '+';
  const std::string_view bare = word.substr(signed_word ? 1 : 0);
  if (equals_ignoring_case(bare, "infinity") || equals_ignoring_case(bare, "inf")) {
    value = std::numeric_limits<Float>::infinity();
    if (word[0] == '-') value = -value;
    return true;
  }
  if (equals_ignoring_case(word, "nan")) {
    value = std::numeric_limits<Float>::quiet_NaN();
    return true;
  }
  if (bare.empty() || !((bare[0] >= '0' && bare[0] <= '9') || bare[0] == '.')) {
    return bad_syntax(name, text, error);
  }
  const auto [end, failed] = std::from_chars(bare.data(), bare.data() + bare.size(), value);
  if (failed == std::errc::invalid_argument || end != bare.data() + bare.size()) {
    return bad_syntax(name, text, error);
  }
  if (failed == std::errc::result_out_of_range) {
    error = {"22003", fmt::format("\"{}\" is out of range for type {}", word, name), {}};
    return false;
  }
  if (word[0] == '-') value = -value;
  return true;
}

bool read_datetime(SqlDateTimeError failure, std::string_view name, std::string_view text,
                   SqlTextError& error) {
  switch (failure) {
    case SqlDateTimeError::kNone:
      return true;
    case SqlDateTimeError::kSyntax:
      error = {"22007", fmt::format("invalid input syntax for type {}: \"{}\"", name, text), {}};
      return false;
    case SqlDateTimeError::kFieldOutOfRange:
      error =
          name == "interval"
              ? SqlTextError{"22015",
                             fmt::format("interval field value out of range: \"{}\"", text),
                             {}}
              : SqlTextError{
                    "22008", fmt::format("date/time field value out of range: \"{}\"", text), {}};
      return false;
    case SqlDateTimeError::kZone:
      error = {"22007", fmt::format("invalid input syntax for type {}: \"{}\"", name, text), {}};
      return false;
    default:
      error = {"22008",
               fmt::format("{} out of range: \"{}\"",
                           name.substr(0, 4) == "date" ? "date" : "timestamp", text),
               {}};
      return false;
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool read_bytes(std::string_view text, std::string& bytes, SqlTextError& error) {
  if (text.substr(0, 2) == "\\x") {
    int high = -1;
    for (const char c : text.substr(2)) {
      if (is_ascii_space(c) && high < 0) continue;
      const int digit = hex_digit(c);
      if (digit < 0) {
        error = {"22023", fmt::format("invalid hexadecimal digit: \"{}\"", c), {}};
        return false;
      }
      if (high < 0) {
        high = digit;
      } else {
        bytes.push_back(static_cast<char>(high * 16 + digit));
        high = -1;
      }
    }
    if (high >= 0) {
      error = {"22023", "invalid hexadecimal data: odd number of digits", {}};
      return false;
    }
    return true;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes.push_back(text[i]);
    } else if (i + 1 < text.size() && text[i + 1] == '\\') {
      bytes.push_back('\\');
      ++i;
    } else if (i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '3' &&
               text[i + 2] >= '0' && text[i + 2] <= '7' && text[i + 3] >= '0' &&
               text[i + 3] <= '7') {
      bytes.push_back(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 +
                                        (text[i + 3] - '0')));
      i += 3;
    } else {
      error = {"22P02", "invalid input syntax for type bytea", {}};
      return false;
    }
  }
  return true;
}

bool read_uuid(std::string_view text, Word* out, SqlTextError& error) {
  std::string_view word = text;
  if (word.size() > 1 && word.front() == '{' && word.back() == '}') {
    word = word.substr(1, word.size() - 2);
  }
  std::string digits;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (word[i] == '-' && !digits.empty() && digits.size() % 4 == 0 && word[i - 1] != '-') continue;
    if (hex_digit(word[i]) < 0) return bad_syntax("uuid", text, error);
    digits.push_back(word[i]);
  }
  if (digits.size() != 32 || word.back() == '-') return bad_syntax("uuid", text, error);
  out[0] = out[1] = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    out[i / 16] = out[i / 16] * 16 + static_cast<Word>(hex_digit(digits[i]));
  }
  return true;
}

bool bad_array(std::string_view text, std::string_view detail, SqlTextError& error) {
  error = {"22P02", fmt::format("malformed array literal: \"{}\"", text), std::string(detail)};
  return false;
}

bool read_array(ValuePool& pool, Type type, std::string_view text, Word* out, SqlTextError& error) {
  const TypeTable& types = pool.types();
  const Type element = types.array_element(type.detail);
  const bool nullable = types.array_element_nullable(type.detail);
  const unsigned count = value_words(element);
  const std::string_view whole = trimmed(text);
  if (whole.size() < 2 || whole.front() != '{') {
    return bad_array(text, "Array value must start with \"{\" or dimension information.", error);
  }
  if (whole.back() != '}') return bad_array(text, "Unexpected end of input.", error);
  std::vector<Word> words;
  std::string_view rest = whole.substr(1, whole.size() - 2);
  if (trimmed(rest).empty()) {
    *out = pool.intern_record(type.detail, words);
    return true;
  }
  for (std::size_t i = 0; i <= rest.size();) {
    while (i < rest.size() && is_ascii_space(rest[i])) ++i;
    std::string item;
    bool quoted = false;
    std::size_t kept = 0;
    int depth = 0;
    for (; i < rest.size() && (rest[i] != ',' || depth > 0); ++i) {
      if (element.kind == TypeKind::kArray) {
        depth += rest[i] == '{' ? 1 : rest[i] == '}' ? -1 : 0;
        item.push_back(rest[i]);
        kept = item.size();
        continue;
      }
      if (rest[i] == '"') {
        quoted = true;
        for (++i; i < rest.size() && rest[i] != '"'; ++i) {
          if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
          item.push_back(rest[i]);
        }
        if (i == rest.size()) return bad_array(text, "Unexpected end of input.", error);
        kept = item.size();
      } else if (rest[i] == '\\' && i + 1 < rest.size()) {
        item.push_back(rest[++i]);
        kept = item.size();
      } else if (rest[i] == '{' || rest[i] == '}') {
        return bad_array(text, fmt::format("Unexpected \"{}\" character.", rest[i]), error);
      } else {
        item.push_back(rest[i]);
        if (!is_ascii_space(rest[i])) kept = item.size();
      }
    }
    item.resize(kept);
    if (item.empty() && !quoted) return bad_array(text, "Unexpected \",\" character.", error);
    Word value[2] = {0, 0};
    const bool null = !quoted && equals_ignoring_case(item, "null");
    if (null && !nullable) return bad_array(text, "Its elements cannot be null.", error);
    if (!null && !read_sql_value(pool, element, item, value, error)) return false;
    for (unsigned w = 0; w < count; ++w) words.push_back(value[w]);
    if (nullable) words.push_back(null ? 1 : 0);
    ++i;
    if (i > rest.size()) break;
  }
  *out = pool.intern_record(type.detail, words);
  return true;
}

}  // namespace

void print_sql_float8(double value, std::string& out) { print_shortest(value, 15, out); }
void print_sql_float4(float value, std::string& out) { print_shortest(value, 6, out); }

void print_sql_value(const ValuePool& pool, Type type, const Word* words, std::string& out) {
  TextScratch scratch;
  switch (type.kind) {
    case TypeKind::kBool:
      out += words[0] != 0 ? 't' : 'f';
      return;
    case TypeKind::kFloat8:
      return print_sql_float8(double_of(words[0]), out);
    case TypeKind::kFloat4:
      return print_sql_float4(float_of(words[0]), out);
    case TypeKind::kNumeric: {
      std::string text;
      print_numeric(pool.view(words[0], scratch), text);
      out += text == "nan"    ? "NaN"
             : text == "inf"  ? "Infinity"
             : text == "-inf" ? "-Infinity"
                              : text;
      return;
    }
    case TypeKind::kJson:
      out += printed_json(pool.view(words[0], scratch));
      return;
    case TypeKind::kDate:
      return print_sql_date(static_cast<std::int32_t>(int_of(words[0])), out);
    case TypeKind::kTime:
      return print_sql_time(int_of(words[0]), out);
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
      return print_sql_timestamp(int_of(words[0]), type.kind == TypeKind::kTimestampTz, out);
    case TypeKind::kInterval:
      return print_sql_interval(interval_of(words[0], words[1]), out);
    case TypeKind::kArray:
      return print_array(pool, type, words[0], out);
    case TypeKind::kRecord:
      return print_record(pool, type, words[0], out);
    default:
      print_value(pool, type, false, words, {}, out);
  }
}

bool read_sql_value(ValuePool& pool, Type type, std::string_view text, Word* out,
                    SqlTextError& error) {
  switch (type.kind) {
    case TypeKind::kBool:
      return read_bool(text, out, error);
    case TypeKind::kInt2:
      return read_integer(text, 16, "smallint", out, error);
    case TypeKind::kInt4:
      return read_integer(text, 32, "integer", out, error);
    case TypeKind::kInt8:
      return read_integer(text, 64, "bigint", out, error);
    case TypeKind::kNumber:
      return read_integer(text, type.width, type.width == 32 ? "integer" : "bigint", out, error);
    case TypeKind::kFloat8: {
      double value = 0;
      if (!read_float(text, "double precision", value, error)) return false;
      *out = double_word(value);
      return true;
    }
    case TypeKind::kFloat4: {
      float value = 0;
      if (!read_float(text, "real", value, error)) return false;
      *out = float_word(value);
      return true;
    }
    case TypeKind::kNumeric: {
      NumericValue value;
      bool out_of_range = false;
      if (!NumericValue::parse(trimmed(text), value, out_of_range)) {
        if (!out_of_range) return bad_syntax("numeric", text, error);
        error = {"22003", "value overflows numeric format", {}};
        return false;
      }
      std::string bytes;
      value.encode(type == Type::displayed_numeric(), bytes);
      *out = pool.intern(bytes);
      return true;
    }
    case TypeKind::kText:
      *out = pool.intern(text);
      return true;
    case TypeKind::kBytes: {
      std::string bytes;
      if (!read_bytes(text, bytes, error)) return false;
      *out = pool.intern(bytes);
      return true;
    }
    case TypeKind::kDate: {
      std::int32_t days = 0;
      if (!read_datetime(read_sql_date(text, days), "date", text, error)) return false;
      *out = int_word(days);
      return true;
    }
    case TypeKind::kTime: {
      std::int64_t micros = 0;
      if (!read_datetime(read_sql_time(text, micros), "time", text, error)) return false;
      *out = int_word(micros);
      return true;
    }
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz: {
      const bool zoned = type.kind == TypeKind::kTimestampTz;
      std::int64_t micros = 0;
      if (!read_datetime(read_sql_timestamp(text, zoned, micros),
                         zoned ? "timestamp with time zone" : "timestamp", text, error)) {
        return false;
      }
      *out = int_word(micros);
      return true;
    }
    case TypeKind::kInterval: {
      Interval interval;
      if (!read_datetime(read_sql_interval(text, interval), "interval", text, error)) return false;
      const WordPair pair = interval_words(interval);
      out[0] = pair.high;
      out[1] = pair.low;
      return true;
    }
    case TypeKind::kUuid:
      return read_uuid(text, out, error);
    case TypeKind::kArray:
      return read_array(pool, type, text, out, error);
    case TypeKind::kEnum: {
      const auto label = pool.types().label_ordinal(type.detail, text);
      if (!label) {
        error = {"22P02",
                 fmt::format("invalid input value for enum {}: \"{}\"",
                             pool.types().name(type.detail), text),
                 {}};
        return false;
      }
      *out = *label;
      return true;
    }
    default: {
      std::string reason;
      if (parse_value(pool, type, text, out, reason)) return true;
      return bad_syntax(sql_type_name(pool.types(), type), text, error);
    }
  }
}

std::string sql_type_name(const TypeTable& types, Type type) {
  switch (type.kind) {
    case TypeKind::kBool:
      return "boolean";
    case TypeKind::kInt2:
      return "smallint";
    case TypeKind::kInt4:
      return "integer";
    case TypeKind::kInt8:
      return "bigint";
    case TypeKind::kFloat4:
      return "real";
    case TypeKind::kFloat8:
      return "double precision";
    case TypeKind::kNumeric:
      return "numeric";
    case TypeKind::kBytes:
      return "bytea";
    case TypeKind::kTime:
      return "time without time zone";
    case TypeKind::kTimestamp:
      return "timestamp without time zone";
    case TypeKind::kTimestampTz:
      return "timestamp with time zone";
    case TypeKind::kJson:
      return "json";
    case TypeKind::kArray:
      return sql_type_name(types, types.array_element(type.detail)) + "[]";
    default:
      return types.type_name(type);
  }
}

}  // namespace entail::vm
