// vm/word.h - the 8 bytes that everything in the VM is made of.
//
// A column of a type takes words_of(type) words (vm/type.h): one for the 8-byte class, two for the
// 16-byte class (most significant word first), and one more, 0 or 1, for the null flag of a
// nullable column. A null has its value words 0 and its flag word 1.
//
// Invariant: equal values have equal bits, so identity, hashing and joins are word comparisons.
// The functions below are the only way in for the kinds where C++ has several bit patterns for one
// value: -0.0 becomes 0.0, and every NaN becomes the one NaN.
//
//     bool            0 or 1
//     int2/4/8        sign-extended
//     number 32|64    sign-extended from its width        number_word() wraps to the width
//     unsigned 32|64  zero-extended from its width
//     float8          the bits of the double
//     float4          the bits of the float in the low half, the high half 0
//     date            days since 1970-01-01, sign-extended; min and max of int32 are -+infinity
//     time            microseconds since midnight, 0 .. 86'400'000'000
//     timestamp(tz)   microseconds since 1970-01-01 (UTC), min and max of int64 are -+infinity
//     interval        word 0: months (high half) and days (low half); word 1: microseconds
//     decimal         the unscaled integer, two's complement, 64 or 128 bits
//     uuid            its 16 bytes read big-endian, so that words compare as the bytes do
//     text, bytes, json, numeric    see vm/value_pool.h: inline up to 7 bytes, else a handle
//     record, adt, array            a handle; nil is the word 0
//     enum, adt without any field   the ordinal
//
// Threads: pure functions.

#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace entail::vm {

using Word = std::uint64_t;

// The word of a record that is nil, and the value words of a null.
inline constexpr Word kNilWord = 0;

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 Uint128;

// ------------------------------------------------------------------------------ integers

constexpr Word int_word(std::int64_t value) { return static_cast<Word>(value); }
constexpr std::int64_t int_of(Word word) { return static_cast<std::int64_t>(word); }

// `value` wrapped to `width` bits (32 or 64) and sign-extended: how a `number` is stored.
constexpr Word number_word(std::int64_t value, unsigned width) {
  return width == 32 ? int_word(static_cast<std::int32_t>(value)) : int_word(value);
}

// `value` wrapped to `width` bits (32 or 64) and zero-extended: how an `unsigned` is stored.
constexpr Word unsigned_word(std::uint64_t value, unsigned width) {
  return width == 32 ? static_cast<Word>(static_cast<std::uint32_t>(value)) : value;
}

constexpr Word bool_word(bool value) { return value ? 1 : 0; }

// ------------------------------------------------------------------------------ floats

inline Word double_word(double value) {
  if (value == 0.0) return 0;
  if (value != value) return std::bit_cast<Word>(std::numeric_limits<double>::quiet_NaN());
  return std::bit_cast<Word>(value);
}
inline double double_of(Word word) { return std::bit_cast<double>(word); }

inline Word float_word(float value) {
  if (value == 0.0F) return 0;
  if (value != value) return std::bit_cast<std::uint32_t>(std::numeric_limits<float>::quiet_NaN());
  return std::bit_cast<std::uint32_t>(value);
}
inline float float_of(Word word) { return std::bit_cast<float>(static_cast<std::uint32_t>(word)); }

// ------------------------------------------------------------------------------ 16-byte values

struct WordPair {
  Word high = 0;  // The column's first word.
  Word low = 0;   // Its second.
  friend bool operator==(const WordPair&, const WordPair&) = default;
};

constexpr WordPair int128_words(Int128 value) {
  return {static_cast<Word>(static_cast<Uint128>(value) >> 64), static_cast<Word>(value)};
}
constexpr Int128 int128_of(Word high, Word low) {
  return static_cast<Int128>((static_cast<Uint128>(high) << 64) | low);
}

}  // namespace entail::vm
