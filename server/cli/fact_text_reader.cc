// server/cli/fact_text_reader.cc - see fact_text.h; the reading half; what holds other values is in fact_text_nested.cc.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <system_error>

#include "server/cli/fact_text.h"
#include "vm/base/text.h"
#include "vm/datetime.h"
#include "vm/type_table.h"
#include "vm/value_text.h"

namespace entail::cli {
namespace {

using vm::Type;
using vm::TypeKind;
using vm::Word;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_character(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '?'; }

// What may stand behind a value.
bool ends_value(char c) {
  return c == ',' || c == ')' || c == ']' || c == '}' || c == ' ' || c == '\t';
}

std::string shown(std::string_view text) {
  constexpr std::size_t kShownMax = 40;
  if (text.size() <= kShownMax) return "'" + std::string(text) + "'";
  std::size_t cut = kShownMax;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0U) == 0x80) --cut;
  return "'" + std::string(text.substr(0, cut)) + "…'";
}

// The number that the four bytes of an address are.
std::optional<std::uint64_t> address_value(std::string_view text) {
  std::uint64_t value = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0) {
      if (!text.starts_with('.')) return std::nullopt;
      text.remove_prefix(1);
    }
    unsigned byte = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), byte);
    if (error != std::errc() || byte > 255) return std::nullopt;
    value = value << 8U | byte;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
  return text.empty() ? std::optional(value) : std::nullopt;
}

// 1h30m, 250ms, 7d.
std::optional<vm::Interval> duration_value(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t days;
    std::int64_t micros;
  };
  constexpr Unit kUnits[] = {{"us", 0, 1},         {"ms", 0, 1'000},        {"s", 0, 1'000'000},
                             {"m", 0, 60'000'000}, {"h", 0, 3'600'000'000}, {"d", 1, 0},
                             {"w", 7, 0}};
  std::int64_t days = 0;
  std::int64_t micros = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || count < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const std::size_t letters = std::min(text.find_first_of("0123456789"), text.size());
    const std::string_view name = text.substr(0, letters);
    text.remove_prefix(letters);
    const Unit* unit = nullptr;
    for (const Unit& known : kUnits) {
      if (known.name == name) unit = &known;
    }
    std::int64_t more_days = 0;
    std::int64_t more_micros = 0;
    if (unit == nullptr || __builtin_mul_overflow(count, unit->days, &more_days) ||
        __builtin_mul_overflow(count, unit->micros, &more_micros) ||
        __builtin_add_overflow(days, more_days, &days) ||
        __builtin_add_overflow(micros, more_micros, &micros)) {
      return std::nullopt;
    }
  }
  if (days > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return vm::Interval{0, static_cast<std::int32_t>(days), micros};
}

unsigned integer_bits(Type type) {
  switch (type.kind) {
    case TypeKind::kInt2:
      return 16;
    case TypeKind::kInt4:
      return 32;
    case TypeKind::kInt8:
      return 64;
    default:
      return type.width;
  }
}

// Kinds whose text form needs no quotes of its own: numbers with digits of any count.
bool is_bare_number(TypeKind kind) {
  return kind == TypeKind::kFloat4 || kind == TypeKind::kFloat8 || kind == TypeKind::kDecimal ||
         kind == TypeKind::kNumeric;
}

// The functor that makes a value of the kind from its text: date("2026-01-31").
std::string_view maker_of(TypeKind kind) {
  switch (kind) {
    case TypeKind::kDate:
      return "date";
    case TypeKind::kTime:
      return "time";
    case TypeKind::kTimestamp:
      return "timestamp";
    case TypeKind::kTimestampTz:
      return "timestamptz";
    case TypeKind::kInterval:
      return "interval";
    case TypeKind::kUuid:
      return "uuid";
    case TypeKind::kJson:
      return "json";
    case TypeKind::kBytes:
      return "bytes";
    case TypeKind::kDecimal:
      return "decimal";
    case TypeKind::kNumeric:
      return "numeric";
    default:
      return "";
  }
}

}  // namespace

bool FactTextReader::expect(char wanted, std::string_view why) {
  if (take(wanted)) return true;
  const bool ended = at_ >= text_.size();
  return fail(at_, fmt::format("expected '{}' {}{}", wanted, why,
                               ended ? ", and the line ends here"
                                     : fmt::format(", not {}", shown(rest().substr(0, 1)))));
}

std::string_view FactTextReader::take_name() {
  skip_blanks();
  const std::size_t begin = at_;
  for (;;) {
    if (at_ < text_.size() && text_[at_] == '`') {
      const std::size_t close = text_.find('`', at_ + 1);
      if (close == std::string_view::npos) break;
      at_ = close + 1;
    } else if (at_ < text_.size() && is_name_character(text_[at_]) && !is_digit(text_[at_])) {
      while (at_ < text_.size() && is_name_character(text_[at_])) ++at_;
    } else {
      break;
    }
    const bool goes_on =
        at_ + 1 < text_.size() && text_[at_] == '.' &&
        (text_[at_ + 1] == '`' || (is_name_character(text_[at_ + 1]) && !is_digit(text_[at_ + 1])));
    if (!goes_on) break;
    ++at_;
  }
  return text_.substr(begin, at_ - begin);
}

bool FactTextReader::at_end() {
  skip_blanks();
  return at_ >= text_.size() || text_.substr(at_).starts_with("//");
}

bool FactTextReader::read(Type type, bool nullable, Word* out) {
  if (nullable) {
    skip_blanks();
    const unsigned value_words = vm::value_words(type);
    const bool is_null = take_word("null");
    out[value_words] = vm::bool_word(is_null);
    if (is_null) {
      std::fill(out, out + value_words, Word{0});
      return true;
    }
  }
  return read_value(type, out);
}

bool FactTextReader::take_word(std::string_view word) {
  if (!rest().starts_with(word)) return false;
  const std::size_t end = at_ + word.size();
  if (end < text_.size() && is_name_character(text_[end])) return false;
  at_ = end;
  return true;
}

bool FactTextReader::wrong_kind(std::size_t at, Type type, std::string_view found) {
  if (found.empty()) {
    return fail(at,
                fmt::format("a value is missing: expected {}", literal_form(pool_.types(), type)));
  }
  return fail(at, fmt::format("{} is not a {}: expected {}", found, pool_.types().type_name(type),
                              literal_form(pool_.types(), type)));
}

bool FactTextReader::wrong_here(Type type) {
  return wrong_kind(at_, type, at_ < text_.size() ? shown(rest().substr(0, 1)) : "");
}

bool FactTextReader::read_value(Type type, Word* out) {
  skip_blanks();
  switch (type.kind) {
    case TypeKind::kNumber:
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8:
      if (read_quick_integer(type, out)) return true;
      break;
    case TypeKind::kRecord:
      return read_record(type, out);
    case TypeKind::kAdt:
      return read_variant(type, out);
    case TypeKind::kArray:
      return read_array(type, out);
    default:
      break;
  }
  if (at_ < text_.size() && text_[at_] == '"') return read_quoted_scalar(type, out);
  return read_bare_scalar(type, out);
}

// Decimal digits that fit: nearly all there is. Anything else is left where it stands.
bool FactTextReader::read_quick_integer(Type type, Word* out) {
  std::int64_t value = 0;
  const char* const last = text_.data() + text_.size();
  const auto [end, error] = std::from_chars(text_.data() + at_, last, value);
  if (error != std::errc() || (end != last && !ends_value(*end))) return false;
  const unsigned shift = 64 - integer_bits(type);
  if (static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << shift) >> shift != value) {
    return false;
  }
  *out = vm::int_word(value);
  at_ = static_cast<std::size_t>(end - text_.data());
  return true;
}

// The text of the literal at `at_` without quotes and escapes; good until the next one.
bool FactTextReader::decode_quoted(std::string_view& out) {
  const std::size_t begin = ++at_;
  const std::size_t stop = text_.find_first_of("\"\\", begin);
  if (stop != std::string_view::npos && text_[stop] == '"') {
    out = text_.substr(begin, stop - begin);
    at_ = stop + 1;
    return true;
  }
  decoded_.clear();
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '"') {
      ++at_;
      out = decoded_;
      return true;
    }
    if (c != '\\' || at_ + 1 >= text_.size()) {
      decoded_ += c;
      continue;
    }
    constexpr std::string_view kNames = "\"'\\abfnrtv";
    constexpr std::string_view kValues = "\"'\\\a\b\f\n\r\t\v";
    const std::size_t which = kNames.find(text_[at_ + 1]);
    if (which == std::string_view::npos) {
      return fail(at_,
                  fmt::format("unknown escape {} in a text: there are \\\" \\\\ \\n \\t \\r \\' "
                              "\\a \\b \\f \\v",
                              shown(text_.substr(at_, 2))));
    }
    decoded_ += kValues[which];
    ++at_;
  }
  return fail(begin - 1, "the text is not closed: expected '\"' before the line ends");
}

bool FactTextReader::read_quoted_scalar(Type type, Word* out) {
  const std::size_t begin = at_;
  std::string_view text;
  if (!decode_quoted(text)) return false;
  switch (type.kind) {
    case TypeKind::kText:
      out[0] = pool_.intern(text);
      return true;
    case TypeKind::kBool:
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8:
    case TypeKind::kNumber:
    case TypeKind::kUnsigned:
    case TypeKind::kFloat4:
    case TypeKind::kFloat8:
      return wrong_kind(begin, type, "a text");
    default:
      break;
  }
  std::string message;
  if (vm::parse_value(pool_, type, text, out, message)) return true;
  return fail(begin, message);
}

bool FactTextReader::read_bare_scalar(Type type, Word* out) {
  const std::size_t begin = at_;
  std::size_t end = begin;
  while (end < text_.size() && !ends_value(text_[end]) && text_[end] != '"' && text_[end] != '(') {
    ++end;
  }
  const std::string_view token = text_.substr(begin, end - begin);
  std::string message;
  if (end < text_.size() && text_[end] == '(' && !token.empty() && token == maker_of(type.kind)) {
    at_ = end + 1;
    if (peek() != '"') return fail(at_, fmt::format("expected a text in {}(…)", token));
    return read_quoted_scalar(type, out) && expect(')', fmt::format("behind {}(…", token));
  }
  at_ = end;
  if (token.empty()) {
    return wrong_kind(begin, type, end < text_.size() ? shown(text_.substr(begin, 1)) : "");
  }
  const bool is_number = is_digit(token[0]) || (token.size() > 1 && token[0] == '-');
  switch (type.kind) {
    case TypeKind::kBool:
      if (token != "true" && token != "false") break;
      out[0] = vm::bool_word(token == "true");
      return true;
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8:
    case TypeKind::kNumber:
    case TypeKind::kUnsigned:
      if (!is_number) break;
      if (read_whole(type, token, out)) return true;
      if (problem_.at == begin && !problem_.message.empty()) return false;
      break;
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
      if (token.find('T') == std::string_view::npos || !is_number) break;
      if (vm::parse_value(pool_, type, token, out, message)) return true;
      return fail(begin, message);
    case TypeKind::kInterval: {
      const auto duration = duration_value(token);
      if (!duration) break;
      const vm::WordPair words = vm::interval_words(*duration);
      out[0] = words.high;
      out[1] = words.low;
      return true;
    }
    default:
      if (!is_bare_number(type.kind)) break;
      if (!is_number && token != "inf" && token != "nan") break;
      std::string digits(token);
      std::erase(digits, '_');
      const bool is_float = type.kind == TypeKind::kFloat4 || type.kind == TypeKind::kFloat8;
      const bool has_suffix = is_float && digits.size() > 1 && digits.back() == 'f' &&
                              is_digit(digits[digits.size() - 2]) &&
                              digits.find_first_of("xX") == std::string::npos;
      if (has_suffix) digits.pop_back();
      if (vm::parse_value(pool_, type, digits, out, message)) return true;
      return fail(begin, message);
  }
  return wrong_kind(begin, type, shown(token));
}

// What read_quick_integer() left: other bases, underscores, suffixes, addresses, what does not fit.
bool FactTextReader::read_whole(Type type, std::string_view token, Word* out) {
  problem_ = {};
  std::string digits(token);
  const bool negative = digits.starts_with('-');
  if (negative) digits.erase(0, 1);
  const bool is_unsigned = type.kind == TypeKind::kUnsigned;
  if (is_unsigned && digits.size() > 1 && digits.back() == 'u') digits.pop_back();
  std::uint64_t magnitude = 0;
  bool spells_bits = false;
  bool fits = true;
  if (const auto address = address_value(digits); address && !negative) {
    magnitude = *address;
    spells_bits = true;
  } else {
    int base = 10;
    if (digits.starts_with("0x") || digits.starts_with("0X")) base = 16;
    if (digits.starts_with("0b") || digits.starts_with("0B")) base = 2;
    spells_bits = base != 10;
    if (spells_bits) digits.erase(0, 2);
    std::erase(digits, '_');
    const char* const last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, magnitude, base);
    if (digits.empty() || end != last || error == std::errc::invalid_argument) return false;
    fits = error == std::errc();
  }
  const unsigned bits = integer_bits(type);
  const std::uint64_t all = bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  // Bases other than ten spell bits, so that all of the word may be used.
  std::uint64_t limit = all;
  if (!is_unsigned && (!spells_bits || negative)) limit = all / 2 + (negative ? 1 : 0);
  if (is_unsigned && negative) limit = 0;
  if (!fits || magnitude > limit) {
    return fail(at_ - token.size(),
                fmt::format("{} does not fit {} {} of {} bits", token, is_unsigned ? "an" : "a",
                            is_unsigned ? "unsigned" : "number", bits));
  }
  if (is_unsigned) {
    *out = magnitude;
    return true;
  }
  const std::uint64_t value = negative ? ~magnitude + 1 : magnitude;
  const unsigned shift = 64 - bits;
  *out = vm::int_word(static_cast<std::int64_t>(value << shift) >> shift);
  return true;
}

}  // namespace entail::cli
