#include "server/pgwire/binary_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <vector>

#include "sql2datalog/sql_type.h"
#include "vm/datetime.h"
#include "vm/type_table.h"

namespace entail::pgwire {
namespace {

using vm::Word;

using namespace sql2datalog::oids;  // The case labels below.

constexpr std::int64_t kEpochDays = 10'957;  // 2000-01-01 in days since 1970-01-01.
constexpr std::int64_t kEpochMicros = kEpochDays * vm::kMicrosPerDay;

template <typename Integer>
void put(Integer value, std::string& out) {
  using Unsigned = std::make_unsigned_t<Integer>;
  const auto bits = static_cast<Unsigned>(value);
  for (std::size_t i = sizeof(Integer); i-- > 0;) out += static_cast<char>(bits >> (8 * i));
}

template <typename Integer>
Integer take(std::string_view& bytes) {
  std::make_unsigned_t<Integer> bits = 0;
  for (std::size_t i = 0; i < sizeof(Integer); ++i) {
    bits = static_cast<decltype(bits)>((static_cast<std::uint64_t>(bits) << 8U) |
                                       static_cast<unsigned char>(bytes[i]));
  }
  bytes.remove_prefix(sizeof(Integer));
  return static_cast<Integer>(bits);
}

// ------------------------------------------------------------------------------ numeric

constexpr std::uint16_t kNegative = 0x4000, kNan = 0xc000, kInfinity = 0xd000,
                        kMinusInfinity = 0xf000;
constexpr std::size_t kGroupDigits = 4;

void put_special_numeric(std::uint16_t sign, std::string& out) {
  put<std::uint16_t>(0, out);
  put<std::int16_t>(0, out);
  put<std::uint16_t>(sign, out);
  put<std::uint16_t>(0, out);
}

// `text` is what the output function gave: [-]digits[.digits], NaN or [-]Infinity.
void put_numeric(std::string_view text, std::string& out) {
  if (text == "NaN") return put_special_numeric(kNan, out);
  if (text == "Infinity") return put_special_numeric(kInfinity, out);
  if (text == "-Infinity") return put_special_numeric(kMinusInfinity, out);
  const bool is_negative = text.starts_with("-");
  if (is_negative) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  std::string_view whole = text.substr(0, point);
  const std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  whole.remove_prefix(std::min(whole.find_first_not_of('0'), whole.size()));

  // Groups of four digits, counted from the point to both sides.
  const std::size_t whole_groups = (whole.size() + kGroupDigits - 1) / kGroupDigits;
  std::string digits(whole_groups * kGroupDigits - whole.size(), '0');
  digits += whole;
  digits += fraction;
  digits.append((kGroupDigits - digits.size() % kGroupDigits) % kGroupDigits, '0');
  std::vector<std::uint16_t> groups;
  for (std::size_t at = 0; at < digits.size(); at += kGroupDigits) {
    std::uint16_t group = 0;
    std::from_chars(digits.data() + at, digits.data() + at + kGroupDigits, group);
    groups.push_back(group);
  }
  std::size_t first = 0;
  while (first < groups.size() && groups[first] == 0) ++first;
  std::size_t last = groups.size();
  while (last > first && groups[last - 1] == 0) --last;

  const bool is_zero = first == last;
  put(static_cast<std::uint16_t>(last - first), out);
  put(is_zero ? std::int16_t{0}
              : static_cast<std::int16_t>(static_cast<std::ptrdiff_t>(whole_groups) - 1 -
                                          static_cast<std::ptrdiff_t>(first)),
      out);
  put<std::uint16_t>(is_negative && !is_zero ? kNegative : 0, out);
  put(static_cast<std::uint16_t>(fraction.size()), out);
  for (std::size_t i = first; i < last; ++i) put(groups[i], out);
}

// False where the bytes are no numeric.
bool take_numeric(std::string_view bytes, std::string& text) {
  if (bytes.size() < 8) return false;
  const auto count = take<std::uint16_t>(bytes);
  const auto weight = take<std::int16_t>(bytes);
  const auto sign = take<std::uint16_t>(bytes);
  const auto scale = take<std::uint16_t>(bytes);
  if (bytes.size() != std::size_t{count} * 2 || scale > 0x3fff) return false;
  if (sign == kNan) return text = "NaN", true;
  if (sign == kInfinity) return text = "Infinity", true;
  if (sign == kMinusInfinity) return text = "-Infinity", true;
  if (sign != 0 && sign != kNegative) return false;
  std::vector<std::uint16_t> groups;
  for (std::size_t i = 0; i < count; ++i) {
    groups.push_back(take<std::uint16_t>(bytes));
    if (groups.back() > 9999) return false;
  }
  const auto group_at = [&](int position) -> unsigned {  // By power of 10000.
    const int index = weight - position;
    return index >= 0 && index < static_cast<int>(groups.size())
               ? groups[static_cast<std::size_t>(index)]
               : 0;
  };
  if (sign == kNegative) text += '-';
  if (weight < 0) text += '0';
  for (int position = weight; position >= 0; --position) {
    text += position == weight ? fmt::format("{}", group_at(position))
                               : fmt::format("{:04}", group_at(position));
  }
  if (scale > 0) {
    std::string fraction;
    for (int position = -1; fraction.size() < scale; --position) {
      fraction += fmt::format("{:04}", group_at(position));
    }
    text += '.';
    text += fraction.substr(0, scale);
  }
  return true;
}

// ------------------------------------------------------------------------------ encoding

std::int64_t days_since_2000(Word word) {
  const auto days = static_cast<std::int32_t>(vm::int_of(word));
  const bool is_infinite = days == vm::kDateInfinity || days == vm::kDateMinusInfinity;
  return is_infinite ? days : days - kEpochDays;
}

std::int64_t micros_since_2000(Word word) {
  const std::int64_t micros = vm::int_of(word);
  const bool is_infinite =
      micros == vm::kTimestampInfinity || micros == vm::kTimestampMinusInfinity;
  return is_infinite ? micros : micros - kEpochMicros;
}

Unexpected no_binary_output(std::uint32_t oid) {
  return unexpected(ErrorCode::kUnsupported,
                    fmt::format("no binary output function available for type with OID {}", oid),
                    SqlFields{.sqlstate = "0A000"});
}

struct Encoder {
  const vm::ValuePool& pool;
  const engine::TextSettings& settings;

  bool is_text_like(vm::TypeKind kind) const {
    return kind == vm::TypeKind::kText || kind == vm::TypeKind::kJson ||
           kind == vm::TypeKind::kBytes;
  }

  void put_text(vm::Type type, std::uint32_t oid, std::int32_t typmod, const Word* words,
                std::string& out) const {
    if (is_text_like(type.kind) && oid != kBpchar) {
      vm::TextScratch scratch;
      out += pool.view(words[0], scratch);
    } else {
      engine::append_sql_text(pool, type, oid, typmod, words, settings, out);
    }
  }

  Expected<void> put_value(vm::Type type, std::uint32_t oid, std::int32_t typmod, const Word* words,
                           std::string& out) const {
    switch (oid) {
      case kBool:
        out += static_cast<char>(words[0] != 0);
        return {};
      case kInt2:
        put(static_cast<std::int16_t>(vm::int_of(words[0])), out);
        return {};
      case kInt4:
      case kOid:
      case kXid:
      case kCid:
      case kRegproc:
      case kRegprocedure:
      case kRegoper:
      case kRegoperator:
      case kRegclass:
      case kRegtype:
      case kRegnamespace:
      case kRegrole:
        put(static_cast<std::int32_t>(vm::int_of(words[0])), out);
        return {};
      case kInt8:
        put(vm::int_of(words[0]), out);
        return {};
      case kFloat4:
        put(static_cast<std::uint32_t>(words[0]), out);
        return {};
      case kFloat8:
        // A `float` of a rule file may be of 32 bits.
        put(type.kind == vm::TypeKind::kFloat4
                ? std::bit_cast<std::uint64_t>(static_cast<double>(vm::float_of(words[0])))
                : words[0],
            out);
        return {};
      case kDate:
        put(static_cast<std::int32_t>(days_since_2000(words[0])), out);
        return {};
      case kTime:
        put(vm::int_of(words[0]), out);
        return {};
      case kTimestamp:
      case kTimestampTz:
        put(micros_since_2000(words[0]), out);
        return {};
      case kInterval: {
        const vm::Interval interval = vm::interval_of(words[0], words[1]);
        put(interval.micros, out);
        put(interval.days, out);
        put(interval.months, out);
        return {};
      }
      case kUuid:
        put(words[0], out);
        put(words[1], out);
        return {};
      case kNumeric: {
        std::string text;
        engine::append_sql_text(pool, type, oid, typmod, words, settings, text);
        put_numeric(text, out);
        return {};
      }
      case kJsonb:
        out += '\1';
        put_text(type, oid, typmod, words, out);
        return {};
      default:
        break;
    }
    if (type.kind == vm::TypeKind::kArray) return put_array(type, oid, typmod, words, out);
    if (is_text_like(type.kind) || element_oid(oid) == 0) {
      // Text and its kin, bytea, enum labels, and what the engine shows as text (records).
      put_text(type, oid, typmod, words, out);
      return {};
    }
    return no_binary_output(oid);
  }

  Expected<void> put_array(vm::Type type, std::uint32_t oid, std::int32_t typmod, const Word* words,
                           std::string& out) const {
    const std::uint32_t element = element_oid(oid);
    if (element == 0) return no_binary_output(oid);
    const vm::Type element_type = pool.types().array_element(type.detail);
    const bool is_nullable = pool.types().array_element_nullable(type.detail);
    const unsigned stride = vm::words_of(element_type, is_nullable);
    const std::span<const Word> all = pool.fields(words[0]);
    const std::size_t count = all.size() / stride;
    const auto is_null = [&](std::size_t i) {
      return is_nullable && all[(i + 1) * stride - 1] != 0;
    };
    bool has_nulls = false;
    for (std::size_t i = 0; i < count; ++i) has_nulls = has_nulls || is_null(i);

    put<std::int32_t>(count == 0 ? 0 : 1, out);
    put<std::int32_t>(has_nulls ? 1 : 0, out);
    put(element, out);
    if (count == 0) return {};
    put(static_cast<std::int32_t>(count), out);
    put<std::int32_t>(1, out);
    for (std::size_t i = 0; i < count; ++i) {
      if (is_null(i)) {
        put<std::int32_t>(-1, out);
        continue;
      }
      const std::size_t length_at = out.size();
      out.append(4, '\0');
      if (auto done = put_value(element_type, element, typmod, all.data() + i * stride, out);
          !done) {
        return done;
      }
      std::string length;
      put(static_cast<std::int32_t>(out.size() - length_at - 4), length);
      out.replace(length_at, 4, length);
    }
    return {};
  }
};

// ------------------------------------------------------------------------------ decoding

Unexpected bad_parameter(std::size_t number) {
  return unexpected(ErrorCode::kData,
                    fmt::format("incorrect binary data format in bind parameter {}", number),
                    SqlFields{.sqlstate = "22P03"});
}

engine::Parameter of_word(Word word) { return {.is_null = false, .text = {}, .words = {word}}; }
engine::Parameter of_text(std::string text) {
  return {.is_null = false, .text = std::move(text), .words = {}};
}

// The text form of an element in an array's text form.
void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

// The value's text form; false where the bytes are no value of the type.
bool text_of_binary(std::uint32_t oid, std::string_view bytes, std::string& out);

bool text_of_array(std::string_view bytes, std::string& out) {
  constexpr std::int32_t kDimensionsMax = 6;
  if (bytes.size() < 12) return false;
  const auto dimensions = take<std::int32_t>(bytes);
  const auto flags = take<std::int32_t>(bytes);
  const auto oid = take<std::uint32_t>(bytes);
  if (dimensions < 0 || dimensions > kDimensionsMax || (flags != 0 && flags != 1)) return false;
  if (bytes.size() < static_cast<std::size_t>(dimensions) * 8) return false;
  std::vector<std::int32_t> sizes;
  std::size_t total = dimensions == 0 ? 0 : 1;
  for (std::int32_t d = 0; d < dimensions; ++d) {
    sizes.push_back(take<std::int32_t>(bytes));
    take<std::int32_t>(bytes);  // The lower bound; ours are all 1.
    if (sizes.back() < 0) return false;
    total *= static_cast<std::size_t>(sizes.back());
    if (total > bytes.size()) return false;  // Each element has at least its length.
  }
  if (total == 0) {
    out += "{}";
    return bytes.empty();
  }
  std::vector<std::int32_t> at(sizes.size(), 0);
  out.append(sizes.size(), '{');
  for (std::size_t i = 0; i < total; ++i) {
    if (bytes.size() < 4) return false;
    const auto length = take<std::int32_t>(bytes);
    if (length == -1) {
      out += "NULL";
    } else {
      if (length < 0 || static_cast<std::size_t>(length) > bytes.size()) return false;
      std::string element;
      if (!text_of_binary(oid, bytes.substr(0, static_cast<std::size_t>(length)), element)) {
        return false;
      }
      bytes.remove_prefix(static_cast<std::size_t>(length));
      append_quoted(element, out);
    }
    // Close the dimensions that end here, open them again if more follows.
    std::size_t closed = 0;
    for (std::size_t d = sizes.size(); d-- > 0;) {
      if (++at[d] < sizes[d]) break;
      at[d] = 0;
      ++closed;
    }
    out.append(closed, '}');
    if (i + 1 < total) {
      out += ',';
      out.append(closed, '{');
    }
  }
  return bytes.empty();
}

std::string hexadecimal_bytea(std::string_view bytes) {
  std::string text = "\\x";
  for (const char byte : bytes) {
    text += fmt::format("{:02x}", static_cast<unsigned>(static_cast<unsigned char>(byte)));
  }
  return text;
}

// The words of a value of fixed size; none where the bytes are no value, or the type has no words
// of its own here.
std::vector<Word> words_of_binary(std::uint32_t oid, std::string_view bytes) {
  if (static_cast<std::ptrdiff_t>(bytes.size()) != type_size(oid)) return {};
  switch (oid) {
    case kBool:
      return {vm::bool_word(bytes[0] != 0)};
    case kInt2:
      return {vm::int_word(take<std::int16_t>(bytes))};
    case kInt4:
      return {vm::int_word(take<std::int32_t>(bytes))};
    case kInt8:
      return {vm::int_word(take<std::int64_t>(bytes))};
    case kFloat4:
      return {vm::float_word(std::bit_cast<float>(take<std::uint32_t>(bytes)))};
    case kFloat8:
      return {vm::double_word(std::bit_cast<double>(take<std::uint64_t>(bytes)))};
    case kDate: {
      const auto days = take<std::int32_t>(bytes);
      const bool is_infinite = days == vm::kDateInfinity || days == vm::kDateMinusInfinity;
      const std::int64_t moved = is_infinite ? days : days + kEpochDays;
      // What does not fit is no date of PostgreSQL's either.
      if (!is_infinite && moved >= vm::kDateInfinity) return {};
      return {vm::int_word(moved)};
    }
    case kTime: {
      const auto micros = take<std::int64_t>(bytes);
      if (micros < 0 || micros > vm::kMicrosPerDay) return {};
      return {vm::int_word(micros)};
    }
    case kTimestamp:
    case kTimestampTz: {
      const auto micros = take<std::int64_t>(bytes);
      if (micros == vm::kTimestampInfinity || micros == vm::kTimestampMinusInfinity) {
        return {vm::int_word(micros)};
      }
      if (micros > vm::kTimestampInfinity - 1 - kEpochMicros) return {};
      return {vm::int_word(micros + kEpochMicros)};
    }
    case kInterval: {
      vm::Interval interval;
      interval.micros = take<std::int64_t>(bytes);
      interval.days = take<std::int32_t>(bytes);
      interval.months = take<std::int32_t>(bytes);
      const vm::WordPair pair = vm::interval_words(interval);
      return {pair.high, pair.low};
    }
    case kUuid: {
      const auto high = take<std::uint64_t>(bytes);
      const auto low = take<std::uint64_t>(bytes);
      return {high, low};
    }
    default:
      return {};
  }
}

bool text_of_binary(std::uint32_t oid, std::string_view bytes, std::string& out) {
  switch (oid) {
    case kBool:
      if (bytes.size() != 1) return false;
      out += bytes[0] != 0 ? 't' : 'f';
      return true;
    case kInt2:
    case kInt4:
    case kInt8: {
      const std::vector<Word> words = words_of_binary(oid, bytes);
      if (words.empty()) return false;
      out += fmt::format("{}", vm::int_of(words[0]));
      return true;
    }
    case kOid:
    case kXid:
    case kCid:
    case kRegproc:
    case kRegclass:
    case kRegtype:
    case kRegnamespace:
    case kRegrole:
      if (bytes.size() != 4) return false;
      out += fmt::format("{}", take<std::uint32_t>(bytes));
      return true;
    case kFloat4:
      if (bytes.size() != 4) return false;
      out += fmt::format("{}", std::bit_cast<float>(take<std::uint32_t>(bytes)));
      return true;
    case kFloat8:
      if (bytes.size() != 8) return false;
      out += fmt::format("{}", std::bit_cast<double>(take<std::uint64_t>(bytes)));
      return true;
    case kDate: {
      const std::vector<Word> words = words_of_binary(oid, bytes);
      if (words.empty()) return false;
      vm::print_date(static_cast<std::int32_t>(vm::int_of(words[0])), out);
      return true;
    }
    case kTime: {
      const std::vector<Word> words = words_of_binary(oid, bytes);
      if (words.empty()) return false;
      vm::print_time(vm::int_of(words[0]), out);
      return true;
    }
    case kTimestamp:
    case kTimestampTz: {
      const std::vector<Word> words = words_of_binary(oid, bytes);
      if (words.empty()) return false;
      vm::print_timestamp(vm::int_of(words[0]), oid == kTimestampTz, out);
      return true;
    }
    case kInterval: {
      const std::vector<Word> words = words_of_binary(oid, bytes);
      if (words.empty()) return false;
      vm::print_interval(vm::interval_of(words[0], words[1]), out);
      return true;
    }
    case kUuid:
      if (bytes.size() != 16) return false;
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
        out += fmt::format("{:02x}", static_cast<unsigned>(static_cast<unsigned char>(bytes[i])));
      }
      return true;
    case kNumeric:
      return take_numeric(bytes, out);
    case kBytea:
      out += hexadecimal_bytea(bytes);
      return true;
    case kJsonb:
      if (bytes.empty() || bytes[0] != '\1') return false;
      out += bytes.substr(1);
      return true;
    default:
      if (element_oid(oid) != 0) return text_of_array(bytes, out);
      out += bytes;
      return bytes.find('\0') == std::string_view::npos;
  }
}

}  // namespace

std::int16_t type_size(std::uint32_t type_oid) {
  switch (type_oid) {
    case kBool:
    case kChar:
      return 1;
    case kInt2:
      return 2;
    case kInt4:
    case kOid:
    case kXid:
    case kCid:
    case kRegproc:
    case kRegprocedure:
    case kRegoper:
    case kRegoperator:
    case kRegclass:
    case kRegtype:
    case kRegnamespace:
    case kRegrole:
    case kFloat4:
    case kDate:
      return 4;
    case kInt8:
    case kFloat8:
    case kTime:
    case kTimestamp:
    case kTimestampTz:
      return 8;
    case kInterval:
    case kUuid:
      return 16;
    case kName:
      return 64;
    case kUnknown:
      return -2;
    default:
      return -1;
  }
}

std::uint32_t element_oid(std::uint32_t array_oid) {
  const sql2datalog::TypeInfo* const type = sql2datalog::find_type(array_oid);
  return type == nullptr ? 0 : type->element;
}

Expected<void> append_binary(const engine::RowView& row, std::size_t c,
                             const engine::TextSettings& settings, std::string& out) {
  const engine::OutputColumn& column = row.column(c);
  return Encoder{row.pool(), settings}.put_value(column.type, column.type_oid, column.typmod,
                                                 row.words(c), out);
}

Expected<engine::Parameter> parameter_of_binary(std::uint32_t type_oid, std::string_view bytes,
                                                std::size_t number) {
  std::vector<Word> words = words_of_binary(type_oid, bytes);
  if (words.size() == 1) return of_word(words[0]);
  if (!words.empty()) {
    engine::Parameter parameter;
    parameter.is_null = false;
    parameter.words = std::move(words);
    return parameter;
  }
  std::string text;
  if (!text_of_binary(type_oid, bytes, text)) return bad_parameter(number);
  return of_text(std::move(text));
}

}  // namespace entail::pgwire
