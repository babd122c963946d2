#include "datalog/internal/literals.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "vm/value_pool.h"
#include "vm/value_text.h"

namespace entail::datalog {
namespace {

using grammar::LiteralKind;

// "-0x1F", "0b101", "42" as sign and magnitude.
bool read_whole(std::string_view text, bool& negative, std::uint64_t& magnitude) {
  negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) base = 16;
  if (text.starts_with("0b") || text.starts_with("0B")) base = 2;
  if (base != 10) text.remove_prefix(2);
  if (text.empty()) return false;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), magnitude, base);
  return error == std::errc{} && end == text.data() + text.size();
}

// An address as the number that its four bytes are.
std::optional<std::string> ipv4_as_whole(const std::string& text) {
  std::uint64_t value = 0;
  std::size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    std::uint64_t byte = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), byte);
    if (error != std::errc{} || byte > 255) return std::nullopt;
    value = value << 8 | byte;
    at = static_cast<std::size_t>(end - text.data()) + 1;
  }
  // In hexadecimal, which spells bits: 255.255.255.255 is -1 as a number of 32 bits.
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value, 16);
  return "0x" + std::string(digits, end);
}

// "1h30m", "250ms" in microseconds, or days where only those are named.
bool read_duration(std::string_view text, std::int64_t& days, std::int64_t& microseconds) {
  days = microseconds = 0;
  while (!text.empty()) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc{}) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    std::size_t letters = 0;
    while (letters < text.size() && (text[letters] < '0' || text[letters] > '9')) ++letters;
    const std::string_view unit = text.substr(0, letters);
    text.remove_prefix(letters);
    std::int64_t scale = 0;
    if (unit == "us")
      scale = 1;
    else if (unit == "ms")
      scale = 1'000;
    else if (unit == "s")
      scale = 1'000'000;
    else if (unit == "m")
      scale = 60'000'000;
    else if (unit == "h")
      scale = 3'600'000'000;
    if (unit == "d" || unit == "w") {
      days += count * (unit == "w" ? 7 : 1);
    } else if (scale != 0) {
      microseconds += count * scale;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<Expression> read_literal(LiteralKind kind, const std::string& text, vm::Type type,
                                       const vm::TypeTable& types, std::string& problem) {
  Expression result;
  result.op = ExpressionOp::kConstant;
  result.type = type;
  if (kind == LiteralKind::kNull) {
    result.op = ExpressionOp::kNull;
    result.nullable = true;
    return result;
  }
  if (kind == LiteralKind::kNil) {
    if (type.kind == vm::TypeKind::kRecord) return result;
    problem = "nil is a record, and none is expected here";
    return std::nullopt;
  }
  const std::string type_name = types.type_name(type);
  if (kind == LiteralKind::kTrue || kind == LiteralKind::kFalse) {
    if (type.kind == vm::TypeKind::kBool) {
      result.words[0] = vm::bool_word(kind == LiteralKind::kTrue);
      return result;
    }
    problem = "a bool is not a " + type_name;
    return std::nullopt;
  }
  if (kind == LiteralKind::kIpv4) {
    const auto whole = ipv4_as_whole(text);
    if (!whole) {
      problem = "'" + text + "' is not an IPv4 address";
      return std::nullopt;
    }
    return read_literal(LiteralKind::kNumber, *whole, type, types, problem);
  }
  if (kind == LiteralKind::kDuration) {
    std::int64_t days = 0, microseconds = 0;
    if (type.kind != vm::TypeKind::kInterval || !read_duration(text, days, microseconds)) {
      problem = "'" + text + "' is not a " + type_name;
      return std::nullopt;
    }
    result.words[0] = static_cast<std::uint32_t>(static_cast<std::int32_t>(days));
    result.words[1] = vm::int_word(microseconds);
    return result;
  }
  if (kind == LiteralKind::kUnsigned && type.kind != vm::TypeKind::kUnsigned) {
    problem = "the unsigned constant '" + text + "u' is not a " + type_name;
    return std::nullopt;
  }
  const bool is_text = kind == LiteralKind::kString;
  const bool is_fraction = kind == LiteralKind::kFloat;
  using vm::TypeKind;
  const auto wrong_kind = [&]() -> std::optional<Expression> {
    problem = is_text ? "a text is not a " + type_name : "'" + text + "' is not a " + type_name;
    return std::nullopt;
  };
  const auto out_of_range = [&]() -> std::optional<Expression> {
    problem = "'" + text + "' does not fit a " + type_name;
    return std::nullopt;
  };
  switch (type.kind) {
    case TypeKind::kText:
      if (!is_text) return wrong_kind();
      result.text = text;
      return result;
    case TypeKind::kNumber:
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8: {
      if (is_text || is_fraction) return wrong_kind();
      bool negative = false;
      std::uint64_t magnitude = 0;
      if (!read_whole(text, negative, magnitude)) return out_of_range();
      const unsigned bits = type.kind == TypeKind::kInt2   ? 16
                            : type.kind == TypeKind::kInt4 ? 32
                            : type.kind == TypeKind::kInt8 ? 64
                                                           : type.width;
      const std::uint64_t limit = (std::uint64_t{1} << (bits - 1)) - (negative ? 0 : 1);
      // Hexadecimal and binary spell bits: all of the word may be used.
      const bool spells_bits = text.find_first_of("xXbB") != std::string::npos;
      const std::uint64_t all = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
      if (magnitude > (spells_bits && !negative ? all : limit)) return out_of_range();
      const std::uint64_t value = negative ? ~magnitude + 1 : magnitude;
      const unsigned shift = 64 - bits;
      result.words[0] = vm::int_word(static_cast<std::int64_t>(value << shift) >> shift);
      return result;
    }
    case TypeKind::kUnsigned: {
      if (is_text || is_fraction) return wrong_kind();
      bool negative = false;
      std::uint64_t magnitude = 0;
      if (!read_whole(text, negative, magnitude) || (negative && magnitude != 0))
        return out_of_range();
      if (type.width == 32 && magnitude > std::numeric_limits<std::uint32_t>::max())
        return out_of_range();
      result.words[0] = magnitude;
      return result;
    }
    case TypeKind::kFloat8:
    case TypeKind::kFloat4: {
      if (is_text) return wrong_kind();
      bool negative = false;
      std::uint64_t magnitude = 0;
      double value = 0;
      const bool spells_bits =
          text.find_first_of("xX") != std::string::npos || text.starts_with("0b");
      if (spells_bits && read_whole(text, negative, magnitude)) {
        value = negative ? -static_cast<double>(magnitude) : static_cast<double>(magnitude);
      } else {
        char* end = nullptr;
        value = std::strtod(text.c_str(), &end);
        if (end != text.c_str() + text.size()) return wrong_kind();
      }
      if (std::isinf(value)) return out_of_range();
      if (type.kind == TypeKind::kFloat8) {
        result.words[0] = vm::double_word(value);
      } else {
        const float narrow = static_cast<float>(value);
        if (std::isinf(narrow)) return out_of_range();
        result.words[0] = vm::float_word(narrow);
      }
      return result;
    }
    case TypeKind::kEnum: {
      if (!is_text) return wrong_kind();
      const auto ordinal = types.label_ordinal(type.detail, text);
      if (!ordinal) {
        problem = "'" + text + "' is none of the values of " + type_name;
        return std::nullopt;
      }
      result.words[0] = *ordinal;
      return result;
    }
    case TypeKind::kBool:
    case TypeKind::kRecord:
    case TypeKind::kAdt:
    case TypeKind::kArray:
      return wrong_kind();
    default:
      break;
  }
  // Everything else has a text form of its own, which vm reads.
  vm::ValuePool pool(types);
  vm::Word words[2] = {0, 0};
  if (!vm::parse_value(pool, type, text, words, problem)) return std::nullopt;
  result.words[0] = words[0];
  if (vm::value_words(type) > 1) result.words[1] = words[1];
  if (vm::may_be_handle(type.kind)) {
    vm::TextScratch scratch{};
    result.text = std::string(pool.view(words[0], scratch));
    result.words[0] = 0;
  }
  return result;
}

}  // namespace entail::datalog
