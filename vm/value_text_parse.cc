// vm/value_text_parse.cc - see value_text.h; the reading half.

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <vector>

#include "vm/base/ensure.h"
#include "vm/base/text.h"
#include "vm/datetime.h"
#include "vm/json_text.h"
#include "vm/numeric.h"
#include "vm/value_text.h"

namespace entail::vm {

namespace {

// Records nested deeper than this are refused rather than let the stack run out.
constexpr int kNestingMax = 4'000;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view without_leading_space(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

// The text as a message shows it: whole if short, else its beginning.
std::string shown(std::string_view text) {
  constexpr std::size_t kShownMax = 60;
  std::string out = "'";
  out += text.substr(0, kShownMax);
  if (text.size() > kShownMax) out += "…";
  out += "'";
  return out;
}

bool fail(std::string& error, std::string_view text, std::string_view what) {
  error = shown(text);
  error += what;
  return false;
}

// "99999999999 does not fit a 32-bit number"
bool fail_range(std::string& error, std::string_view text, std::string_view type_name) {
  error = text.size() > 60 ? shown(text) : std::string(text);
  error += " does not fit ";
  error += type_name;
  return false;
}

std::string_view number_name(unsigned width) {
  return width == 32 ? "a 32-bit number" : "a 64-bit number";
}
std::string_view unsigned_name(unsigned width) {
  return width == 32 ? "a 32-bit unsigned" : "a 64-bit unsigned";
}

enum class IntegerError { kNone, kMalformed, kOutOfRange };

// A magnitude in decimal, 0x… or 0b….
IntegerError read_magnitude(std::string_view digits, std::uint64_t& out) {
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0') {
    if (digits[1] == 'x' || digits[1] == 'X') base = 16;
    if (digits[1] == 'b' || digits[1] == 'B') base = 2;
    if (base != 10) digits.remove_prefix(2);
  }
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), out, base);
  if (end != digits.data() + digits.size()) return IntegerError::kMalformed;
  if (error == std::errc::result_out_of_range) return IntegerError::kOutOfRange;
  return error == std::errc() ? IntegerError::kNone : IntegerError::kMalformed;
}

IntegerError read_integer(std::string_view text, std::int64_t min, std::int64_t max,
                          std::int64_t& out) {
  // The common case is decimal digits, perhaps after a minus, and nothing else. A leading 0 may
  // begin another base, so "0x1f" ends early here and falls through.
  {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error == std::errc() && end == text.data() + text.size()) {
      return out >= min && out <= max ? IntegerError::kNone : IntegerError::kOutOfRange;
    }
  }
  std::string_view digits = without_leading_space(text);
  const bool negative = !digits.empty() && digits[0] == '-';
  if (negative || (!digits.empty() && digits[0] == '+')) digits.remove_prefix(1);
  std::uint64_t magnitude = 0;
  if (const IntegerError error = read_magnitude(digits, magnitude); error != IntegerError::kNone) {
    return error;
  }
  const Int128 value = negative ? -static_cast<Int128>(magnitude) : static_cast<Int128>(magnitude);
  if (value < min || value > max) return IntegerError::kOutOfRange;
  out = static_cast<std::int64_t>(value);
  return IntegerError::kNone;
}

template <typename Float>
IntegerError read_float(std::string_view text, Float& out) {
  std::string_view digits = without_leading_space(text);
  if (!digits.empty() && digits[0] == '+') {
    digits.remove_prefix(1);
    if (!digits.empty() && digits[0] == '-') return IntegerError::kMalformed;
  }
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  const bool whole = end == digits.data() + digits.size();
  if (error == std::errc() && whole) return IntegerError::kNone;
  // What from_chars leaves: hexadecimal floats, as Souffle reads them, and numbers so small that
  // they are 0.
  const std::string copy(digits);
  if (copy.empty() || is_space(copy[0])) return IntegerError::kMalformed;
  char* copy_end = nullptr;
  if constexpr (sizeof(Float) == sizeof(float)) {
    out = std::strtof(copy.c_str(), &copy_end);
  } else {
    out = std::strtod(copy.c_str(), &copy_end);
  }
  if (copy_end != copy.c_str() + copy.size()) return IntegerError::kMalformed;
  const bool overflow =
      error == std::errc::result_out_of_range && (out == std::numeric_limits<Float>::infinity() ||
                                                  out == -std::numeric_limits<Float>::infinity());
  return overflow ? IntegerError::kOutOfRange : IntegerError::kNone;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool read_uuid(std::string_view text, WordPair& out) {
  Uint128 value = 0;
  std::size_t digits = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '-') {
      // Dashes stand after digits 8, 12, 16 and 20, or nowhere.
      if (text.size() != 36 || (at != 8 && at != 13 && at != 18 && at != 23)) return false;
      continue;
    }
    const int digit = hex_value(text[at]);
    if (digit < 0) return false;
    value = (value << 4) | static_cast<unsigned>(digit);
    ++digits;
  }
  if (digits != 32) return false;
  out = {static_cast<Word>(value >> 64), static_cast<Word>(value)};
  return true;
}

bool read_bytes(std::string_view text, std::string& out) {
  if (text.size() < 2 || text[0] != '\\' || text[1] != 'x' || text.size() % 2 != 0) return false;
  for (std::size_t at = 2; at < text.size(); at += 2) {
    const int high = hex_value(text[at]);
    const int low = hex_value(text[at + 1]);
    if (high < 0 || low < 0) return false;
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return true;
}

bool finish_datetime(DateTimeError result, std::string_view text, std::string_view article_name,
                     std::string_view form, std::string& error) {
  switch (result) {
    case DateTimeError::kNone:
      return true;
    case DateTimeError::kMalformed:
      return fail(error, text,
                  " is not " + std::string(article_name) + ": expected " + std::string(form));
    case DateTimeError::kOutOfRange:
      return fail(error, text, " is not " + std::string(article_name) + " that exists");
    case DateTimeError::kHasZone:
      return fail(error, text, " has a time zone, which a timestamp has not");
  }
  ENTAIL_UNREACHABLE("not a DateTimeError");
}

// Reads one value that may contain others, from a text in which it is followed by something else.
class NestedReader {
 public:
  NestedReader(ValuePool& pool, std::string_view text, std::string& error)
      : pool_(pool), text_(text), error_(error) {}

  bool read_whole(Type type, Word* out) {
    if (!read(type, {}, 0, out)) return false;
    skip_space();
    if (at_ != text_.size()) return complain("nothing more");
    return true;
  }

 private:
  // `stops` are the characters that end a scalar here.
  bool read(Type type, std::string_view stops, int depth, Word* out) {
    if (depth > kNestingMax) {
      error_ = "the value is nested deeper than " + std::to_string(kNestingMax);
      return false;
    }
    skip_space();
    switch (type.kind) {
      case TypeKind::kRecord:
        return read_record(type, depth, out);
      case TypeKind::kAdt:
        return read_adt(type, depth, out);
      case TypeKind::kArray:
        return read_array(type, depth, out);
      default:
        return read_scalar(type, stops, out);
    }
  }

  bool read_scalar(Type type, std::string_view stops, Word* out) {
    if (at_ < text_.size() && text_[at_] == '"') {
      std::string unquoted;
      if (!read_quoted(unquoted)) return false;
      return parse_value(pool_, type, unquoted, out, error_);
    }
    const std::size_t end = text_.find_first_of(stops, at_);
    if (end == std::string_view::npos) {
      at_ = text_.size();
      return complain("',' or the closing bracket");
    }
    std::string_view scalar = text_.substr(at_, end - at_);
    at_ = end;
    // Text keeps the white space before the separator, as in Souffle.
    if (type.kind != TypeKind::kText) {
      while (!scalar.empty() && is_space(scalar.back())) scalar.remove_suffix(1);
    }
    return parse_value(pool_, type, scalar, out, error_);
  }

  bool read_quoted(std::string& out) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        return true;
      }
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      out.push_back(text_[at_]);
    }
    return complain("a closing '\"'");
  }

  bool read_field(Type type, bool nullable, std::string_view stops, int depth, Word* out) {
    if (nullable) {
      skip_space();
      const bool is_null =
          text_.substr(at_, 4) == "null" && (at_ + 4 == text_.size() || is_space(text_[at_ + 4]) ||
                                             stops.find(text_[at_ + 4]) != std::string_view::npos);
      out[value_words(type)] = bool_word(is_null);
      if (is_null) {
        at_ += 4;
        std::fill(out, out + value_words(type), Word{0});
        return true;
      }
    }
    return read(type, stops, depth + 1, out);
  }

  bool read_fields(const std::vector<FieldType>& fields, std::string_view stops, int depth,
                   std::vector<Word>& words) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (i > 0 && !expect(',')) return false;
      const std::size_t offset = words.size();
      words.resize(offset + words_of(fields[i].type, fields[i].nullable));
      if (!read_field(fields[i].type, fields[i].nullable, stops, depth, words.data() + offset)) {
        return false;
      }
    }
    return true;
  }

  bool read_record(Type type, int depth, Word* out) {
    if (text_.substr(at_, 3) == "nil") {
      at_ += 3;
      *out = kNilWord;
      return true;
    }
    std::vector<Word> words;
    if (!expect('[')) return false;
    if (!read_fields(pool_.types().record_fields(type.detail), ",]", depth, words)) return false;
    if (!expect(']')) return false;
    *out = pool_.intern_record(type.detail, words);
    return true;
  }

  bool read_adt(Type type, int depth, Word* out) {
    const std::size_t start = at_;
    if (!expect('$')) return false;
    skip_space();
    const std::size_t name_start = at_;
    const auto is_name = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '?' || c == '.';
    };
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    const std::string_view name = text_.substr(name_start, at_ - name_start);
    const TypeTable& types = pool_.types();
    const auto branch = types.branch_ordinal(type.detail, name);
    if (!branch) {
      return fail(error_, text_.substr(start),
                  " is not a value of " + types.name(type.detail) + ": it has no branch " +
                      shown(name) + meant_branch(type, name));
    }
    const std::vector<FieldType>& fields = types.adt_branches(type.detail)[*branch].fields;
    std::vector<Word> words;
    if (!fields.empty()) {
      if (!expect('(')) return false;
      if (!read_fields(fields, ",)", depth, words)) return false;
      if (!expect(')')) return false;
    }
    *out = pool_.intern_adt(type.detail, *branch, words);
    return true;
  }

  bool read_array(Type type, int depth, Word* out) {
    const TypeTable& types = pool_.types();
    const Type element = types.array_element(type.detail);
    const bool nullable = types.array_element_nullable(type.detail);
    const std::size_t unit = words_of(element, nullable);
    std::vector<Word> words;
    if (!expect('[')) return false;
    skip_space();
    if (at_ < text_.size() && text_[at_] == ']') {
      ++at_;
      *out = pool_.intern_record(type.detail, words);
      return true;
    }
    do {
      if (!words.empty()) ++at_;  // The comma.
      words.resize(words.size() + unit);
      if (!read_field(element, nullable, ",]", depth, words.data() + words.size() - unit)) {
        return false;
      }
      skip_space();
    } while (at_ < text_.size() && text_[at_] == ',');
    if (!expect(']')) return false;
    *out = pool_.intern_record(type.detail, words);
    return true;
  }

  std::string meant_branch(Type type, std::string_view name) const {
    std::vector<std::string> names;
    for (const BranchType& branch : pool_.types().adt_branches(type.detail)) {
      names.push_back(branch.name);
    }
    const auto meant = closest_name(name, names);
    return meant ? "; did you mean '" + *meant + "'?" : "";
  }

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  bool expect(char wanted) {
    skip_space();
    if (at_ < text_.size() && text_[at_] == wanted) {
      ++at_;
      return true;
    }
    return complain(std::string("'") + wanted + "'");
  }

  bool complain(std::string_view expected) {
    error_ = "expected " + std::string(expected) + " at position " + std::to_string(at_ + 1) +
             " of " + shown(text_);
    if (at_ >= text_.size()) {
      error_ += ", which ends there";
    } else {
      error_ += ", found '" + std::string(1, text_[at_]) + "'";
    }
    return false;
  }

  ValuePool& pool_;
  std::string_view text_;
  std::string& error_;
  std::size_t at_ = 0;
};

bool read_bool(std::string_view text, Word& out, std::string& error) {
  if (text == "true" || text == "t" || text == "1") {
    out = 1;
  } else if (text == "false" || text == "f" || text == "0") {
    out = 0;
  } else {
    return fail(error, text, " is not a bool: expected true or false");
  }
  return true;
}

bool read_int(std::string_view text, std::int64_t min, std::int64_t max, std::string_view name,
              Word& out, std::string& error) {
  std::int64_t value = 0;
  switch (read_integer(text, min, max, value)) {
    case IntegerError::kNone:
      out = int_word(value);
      return true;
    case IntegerError::kMalformed:
      return fail(error, text, " is not a number");
    case IntegerError::kOutOfRange:
      return fail_range(error, text, name);
  }
  ENTAIL_UNREACHABLE("not an IntegerError");
}

template <typename Int>
bool read_int_of(std::string_view text, std::string_view name, Word& out, std::string& error) {
  return read_int(text, std::numeric_limits<Int>::min(), std::numeric_limits<Int>::max(), name, out,
                  error);
}

bool read_decimal(const ValuePool& pool, Type type, std::string_view text, Word* out,
                  std::string& error) {
  Int128 value = 0;
  switch (parse_decimal(text, type.width, type.scale, value)) {
    case NumericError::kNone:
      break;
    case NumericError::kMalformed:
      return fail(error, text, " is not a decimal number");
    case NumericError::kOutOfRange:
      return fail_range(error, text, pool.types().type_name(type));
  }
  if (value_words(type) == 2) {
    const WordPair words = int128_words(value);
    out[0] = words.high;
    out[1] = words.low;
  } else {
    out[0] = int_word(static_cast<std::int64_t>(value));
  }
  return true;
}

bool read_enum(const ValuePool& pool, Type type, std::string_view text, Word* out,
               std::string& error) {
  const auto ordinal = pool.types().label_ordinal(type.detail, text);
  if (!ordinal) {
    const auto meant = closest_name(text, pool.types().enum_labels(type.detail));
    return fail(error, text,
                " is not a value of " + pool.types().name(type.detail) +
                    (meant ? "; did you mean '" + *meant + "'?" : ""));
  }
  *out = *ordinal;
  return true;
}

}  // namespace

bool parse_number(std::string_view text, unsigned width, Word& out, std::string& error) {
  return width == 32 ? read_int_of<std::int32_t>(text, number_name(32), out, error)
                     : read_int_of<std::int64_t>(text, number_name(64), out, error);
}

bool parse_unsigned(std::string_view text, unsigned width, Word& out, std::string& error) {
  std::string_view digits = without_leading_space(text);
  if (!digits.empty() && digits[0] == '+') digits.remove_prefix(1);
  std::uint64_t value = 0;
  IntegerError result = read_magnitude(digits, value);
  if (result == IntegerError::kNone && width == 32 &&
      value > std::numeric_limits<std::uint32_t>::max()) {
    result = IntegerError::kOutOfRange;
  }
  switch (result) {
    case IntegerError::kNone:
      out = value;
      return true;
    case IntegerError::kMalformed:
      return fail(error, text, " is not an unsigned number");
    case IntegerError::kOutOfRange:
      return fail_range(error, text, unsigned_name(width));
  }
  ENTAIL_UNREACHABLE("not an IntegerError");
}

bool parse_double(std::string_view text, Word& out, std::string& error) {
  double value = 0;
  switch (read_float(text, value)) {
    case IntegerError::kNone:
      out = double_word(value);
      return true;
    case IntegerError::kMalformed:
      return fail(error, text, " is not a number");
    case IntegerError::kOutOfRange:
      return fail_range(error, text, "a 64-bit float");
  }
  ENTAIL_UNREACHABLE("not an IntegerError");
}

bool parse_float(std::string_view text, Word& out, std::string& error) {
  float value = 0;
  switch (read_float(text, value)) {
    case IntegerError::kNone:
      out = float_word(value);
      return true;
    case IntegerError::kMalformed:
      return fail(error, text, " is not a number");
    case IntegerError::kOutOfRange:
      return fail_range(error, text, "a 32-bit float");
  }
  ENTAIL_UNREACHABLE("not an IntegerError");
}

bool parse_value(ValuePool& pool, Type type, std::string_view text, Word* out, std::string& error) {
  switch (type.kind) {
    case TypeKind::kBool:
      return read_bool(text, *out, error);
    case TypeKind::kInt2:
      return read_int_of<std::int16_t>(text, "an int16", *out, error);
    case TypeKind::kInt4:
      return read_int_of<std::int32_t>(text, "an int32", *out, error);
    case TypeKind::kInt8:
      return read_int_of<std::int64_t>(text, "an int64", *out, error);
    case TypeKind::kNumber:
      return parse_number(text, type.width, *out, error);
    case TypeKind::kUnsigned:
      return parse_unsigned(text, type.width, *out, error);
    case TypeKind::kFloat4:
      return parse_float(text, *out, error);
    case TypeKind::kFloat8:
      return parse_double(text, *out, error);
    case TypeKind::kDate: {
      std::int32_t days = 0;
      if (!finish_datetime(parse_date(text, days), text, "a date", "yyyy-mm-dd", error)) {
        return false;
      }
      *out = int_word(days);
      return true;
    }
    case TypeKind::kTime: {
      std::int64_t micros = 0;
      if (!finish_datetime(parse_time(text, micros), text, "a time", "hh:mm:ss", error)) {
        return false;
      }
      *out = int_word(micros);
      return true;
    }
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz: {
      std::int64_t micros = 0;
      const bool zone = type.kind == TypeKind::kTimestampTz;
      if (!finish_datetime(parse_timestamp(text, zone, micros), text, "a timestamp",
                           zone ? "yyyy-mm-ddThh:mm:ssZ" : "yyyy-mm-ddThh:mm:ss", error)) {
        return false;
      }
      *out = int_word(micros);
      return true;
    }
    case TypeKind::kInterval: {
      Interval interval;
      if (!finish_datetime(parse_interval(text, interval), text, "an interval",
                           "a form like P1DT2H30M", error)) {
        return false;
      }
      const WordPair words = interval_words(interval);
      out[0] = words.high;
      out[1] = words.low;
      return true;
    }
    case TypeKind::kDecimal:
      return read_decimal(pool, type, text, out, error);
    case TypeKind::kNumeric: {
      std::string bytes;
      switch (parse_numeric(text, bytes)) {
        case NumericError::kNone:
          *out = pool.intern(bytes);
          return true;
        case NumericError::kMalformed:
          return fail(error, text, " is not a number");
        case NumericError::kOutOfRange:
          return fail_range(error, text, "a numeric");
      }
      ENTAIL_UNREACHABLE("not a NumericError");
    }
    case TypeKind::kUuid: {
      WordPair words;
      if (!read_uuid(text, words)) {
        return fail(error, text, " is not a uuid: expected 32 hexadecimal digits, as 8-4-4-4-12");
      }
      out[0] = words.high;
      out[1] = words.low;
      return true;
    }
    case TypeKind::kText:
      *out = pool.intern(text);
      return true;
    case TypeKind::kBytes: {
      std::string bytes;
      if (!read_bytes(text, bytes)) {
        return fail(error, text, " is not bytes: expected \\x and pairs of hexadecimal digits");
      }
      *out = pool.intern(bytes);
      return true;
    }
    case TypeKind::kJson: {
      std::string canonical;
      if (!canonical_json(text, canonical)) return fail(error, text, " is not JSON");
      *out = pool.intern(canonical);
      return true;
    }
    case TypeKind::kEnum:
      return read_enum(pool, type, text, out, error);
    case TypeKind::kRecord:
    case TypeKind::kAdt:
    case TypeKind::kArray:
      return NestedReader(pool, text, error).read_whole(type, out);
  }
  ENTAIL_UNREACHABLE("not a TypeKind");
}

}  // namespace entail::vm
