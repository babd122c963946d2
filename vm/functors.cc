// vm/functors.cc - see functors.h.

#include "vm/functors.h"
#include "vm/base/ascii.h"

#include <re2/re2.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>

#include "vm/base/ensure.h"

namespace entail::vm {

namespace {

// The base that a text announces, and where its digits begin. Souffle looks for the prefix at the
// very beginning, before white space would be skipped.
struct Announced {
  int base = 10;
  bool negative = false;
  std::string_view digits;
};

Announced announced(std::string_view text) {
  Announced result{.digits = text};
  std::string_view rest = text;
  const bool minus = rest.starts_with('-');
  if (minus) rest.remove_prefix(1);
  if (rest.starts_with("0b") || rest.starts_with("0x")) {
    result.base = rest[1] == 'b' ? 2 : 16;
    result.negative = minus;
    result.digits = rest.substr(2);
    // "0x" without a digit behind it is the number 0 and a letter that is ignored.
    if (result.base == 16) {
      const bool has_digit = !result.digits.empty() &&
                             (std::string_view("0123456789abcdefABCDEF").find(result.digits[0]) !=
                              std::string_view::npos);
      if (!has_digit) result.digits = rest;
    }
    return result;
  }
  while (!result.digits.empty() && is_ascii_space(result.digits.front())) {
    result.digits.remove_prefix(1);
  }
  if (result.digits.starts_with('-') || result.digits.starts_with('+')) {
    result.negative = result.digits.front() == '-';
    result.digits.remove_prefix(1);
  }
  return result;
}

FunctorError magnitude_of(const Announced& number, std::uint64_t& magnitude) {
  const char* const first = number.digits.data();
  const auto [end, error] =
      std::from_chars(first, first + number.digits.size(), magnitude, number.base);
  static_cast<void>(end);  // What follows the digits is ignored.
  if (error == std::errc::invalid_argument) return FunctorError::kNotANumber;
  if (error == std::errc::result_out_of_range) return FunctorError::kOutOfRange;
  return FunctorError::kNone;
}

template <typename Float>
FunctorError float_of_prefix(std::string_view text, Float& value) {
  const std::string copy(text);  // strtod needs an end.
  char* end = nullptr;
  errno = 0;
  if constexpr (sizeof(Float) == sizeof(float)) {
    value = std::strtof(copy.c_str(), &end);
  } else {
    value = std::strtod(copy.c_str(), &end);
  }
  if (end == copy.c_str()) return FunctorError::kNotANumber;
  // The same errno tells of results too small; those are rounded, which is no error here.
  const bool infinite = value == std::numeric_limits<Float>::infinity() ||
                        value == -std::numeric_limits<Float>::infinity();
  return errno == ERANGE && infinite ? FunctorError::kOutOfRange : FunctorError::kNone;
}

}  // namespace

std::string_view functor_error_text(FunctorError error) {
  switch (error) {
    case FunctorError::kNone:
      return "";
    case FunctorError::kNotANumber:
      return "the text is not a number";
    case FunctorError::kOutOfRange:
      return "the number does not fit its type";
    case FunctorError::kPositionOutside:
      return "the position lies outside the text";
    case FunctorError::kBadPattern:
      return "the pattern is not a regular expression";
  }
  ENTAIL_UNREACHABLE("not a FunctorError");
}

// Two generations: when the young one is full it becomes the old one, and what was old and not
// used since is dropped. A pattern that does not compile is remembered as such.
struct Functors::PatternCache {
  using Patterns = std::unordered_map<std::string, std::unique_ptr<RE2>>;
  static constexpr std::size_t kGenerationMax = 256;

  const RE2& pattern(std::string_view text) {
    if (last != nullptr && last->pattern() == text) return *last;
    std::string key(text);
    auto found = young.find(key);
    if (found == young.end()) {
      std::unique_ptr<RE2> compiled;
      if (const auto aged = old.find(key); aged != old.end()) {
        compiled = std::move(aged->second);
        old.erase(aged);
      } else {
        RE2::Options options;
        options.set_encoding(RE2::Options::EncodingLatin1);  // Text is bytes.
        options.set_log_errors(false);
        compiled = std::make_unique<RE2>(key, options);
      }
      if (young.size() >= kGenerationMax) {
        old = std::move(young);
        young.clear();
      }
      found = young.emplace(std::move(key), std::move(compiled)).first;
    }
    last = found->second.get();
    return *last;
  }

  Patterns young;
  Patterns old;
  const RE2* last = nullptr;  // In `young`, so it lives until the next one is looked up.
};

Functors::Functors(ValuePool& pool) : pool_(pool), patterns_(std::make_unique<PatternCache>()) {}

Functors::~Functors() = default;

// ------------------------------------------------------------------------------ text to text

Word Functors::cat(Word left, Word right) {
  const Word parts[] = {left, right};
  return cat(parts);
}

Word Functors::cat(std::span<const Word> parts) {
  buffer_.clear();
  for (const Word part : parts) {
    TextScratch scratch;
    buffer_ += pool_.view(part, scratch);
  }
  return pool_.intern(buffer_);
}

FunctorError Functors::substr(Word text, std::int64_t position, std::int64_t length, Word& out) {
  TextScratch scratch;
  const std::string_view whole = pool_.view(text, scratch);
  if (position < 0 || static_cast<std::uint64_t>(position) > whole.size()) {
    out = kEmptyText;
    return FunctorError::kPositionOutside;
  }
  const std::size_t count = length < 0 ? std::string_view::npos : static_cast<std::size_t>(length);
  out = pool_.intern(whole.substr(static_cast<std::size_t>(position), count));
  return FunctorError::kNone;
}

Word Functors::lower(Word text) {
  TextScratch scratch;
  const std::string_view whole = pool_.view(text, scratch);
  buffer_.resize(whole.size());
  std::transform(whole.begin(), whole.end(), buffer_.begin(),
                 [](char c) { return ascii_lower(c); });
  return pool_.intern(buffer_);
}

Word Functors::upper(Word text) {
  TextScratch scratch;
  const std::string_view whole = pool_.view(text, scratch);
  buffer_.resize(whole.size());
  std::transform(whole.begin(), whole.end(), buffer_.begin(), ascii_upper);
  return pool_.intern(buffer_);
}

Word Functors::trim(Word text) {
  TextScratch scratch;
  std::string_view whole = pool_.view(text, scratch);
  whole = trimmed(whole);
  return pool_.intern(whole);
}

Word Functors::replace(Word text, Word from, Word to) {
  TextScratch scratch;
  TextScratch from_scratch;
  TextScratch to_scratch;
  std::string_view rest = pool_.view(text, scratch);
  const std::string_view old_part = pool_.view(from, from_scratch);
  const std::string_view new_part = pool_.view(to, to_scratch);
  if (old_part.empty()) return text;
  buffer_.clear();
  for (std::size_t at = rest.find(old_part); at != std::string_view::npos;
       at = rest.find(old_part)) {
    buffer_ += rest.substr(0, at);
    buffer_ += new_part;
    rest.remove_prefix(at + old_part.size());
  }
  buffer_ += rest;
  return pool_.intern(buffer_);
}

// ------------------------------------------------------------------------------ text to others

bool Functors::contains(Word needle, Word text) const {
  TextScratch scratch;
  TextScratch needle_scratch;
  return pool_.view(text, scratch).find(pool_.view(needle, needle_scratch)) !=
         std::string_view::npos;
}

bool Functors::starts_with(Word text, Word prefix) const {
  TextScratch scratch;
  TextScratch prefix_scratch;
  return pool_.view(text, scratch).starts_with(pool_.view(prefix, prefix_scratch));
}

bool Functors::ends_with(Word text, Word suffix) const {
  TextScratch scratch;
  TextScratch suffix_scratch;
  return pool_.view(text, scratch).ends_with(pool_.view(suffix, suffix_scratch));
}

FunctorError Functors::match(Word pattern, Word text, bool& out) {
  TextScratch scratch;
  TextScratch pattern_scratch;
  out = false;
  const RE2& compiled = patterns_->pattern(pool_.view(pattern, pattern_scratch));
  if (!compiled.ok()) return FunctorError::kBadPattern;
  const std::string_view whole = pool_.view(text, scratch);
  out = RE2::FullMatch(re2::StringPiece(whole.data(), whole.size()), compiled);
  return FunctorError::kNone;
}

FunctorError Functors::to_number(Word text, unsigned width, Word& out) const {
  TextScratch scratch;
  out = 0;
  const Announced number = announced(pool_.view(text, scratch));
  std::uint64_t magnitude = 0;
  if (const FunctorError error = magnitude_of(number, magnitude); error != FunctorError::kNone) {
    return error;
  }
  const Int128 value =
      number.negative ? -static_cast<Int128>(magnitude) : static_cast<Int128>(magnitude);
  const Int128 limit = Int128{1} << (width - 1);
  if (value < -limit || value >= limit) return FunctorError::kOutOfRange;
  out = int_word(static_cast<std::int64_t>(value));
  return FunctorError::kNone;
}

FunctorError Functors::to_unsigned(Word text, unsigned width, Word& out) const {
  TextScratch scratch;
  out = 0;
  const Announced number = announced(pool_.view(text, scratch));
  if (number.negative) return FunctorError::kNotANumber;
  std::uint64_t magnitude = 0;
  if (const FunctorError error = magnitude_of(number, magnitude); error != FunctorError::kNone) {
    return error;
  }
  if (width == 32 && magnitude > std::numeric_limits<std::uint32_t>::max()) {
    return FunctorError::kOutOfRange;
  }
  out = magnitude;
  return FunctorError::kNone;
}

FunctorError Functors::to_float8(Word text, Word& out) const {
  TextScratch scratch;
  double value = 0;
  const FunctorError error = float_of_prefix(pool_.view(text, scratch), value);
  out = error == FunctorError::kNone ? double_word(value) : 0;
  return error;
}

FunctorError Functors::to_float4(Word text, Word& out) const {
  TextScratch scratch;
  float value = 0;
  const FunctorError error = float_of_prefix(pool_.view(text, scratch), value);
  out = error == FunctorError::kNone ? float_word(value) : 0;
  return error;
}

Word Functors::to_text(Type type, const Word* words) {
  if (type.kind == TypeKind::kText) return words[0];
  buffer_.clear();
  print_value(pool_, type, false, words, {.floats = FloatStyle::kFixed6}, buffer_);
  return pool_.intern(buffer_);
}

Word Functors::number_to_text(std::int64_t value) {
  buffer_.clear();
  print_int(value, buffer_);
  return pool_.intern(buffer_);
}

Word Functors::unsigned_to_text(std::uint64_t value) {
  buffer_.clear();
  print_unsigned(value, buffer_);
  return pool_.intern(buffer_);
}

Word Functors::double_to_text(double value) {
  buffer_.clear();
  print_double(value, FloatStyle::kFixed6, buffer_);
  return pool_.intern(buffer_);
}

Word Functors::ord(Word text, unsigned width) {
  return number_word(int_of(pool_.ordinal(text)), width);
}

}  // namespace entail::vm
