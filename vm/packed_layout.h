// vm/packed_layout.h - how the words of a row share one key of 64 or 128 bits.
//
// Most columns hold small numbers: node ids, ordinals, dates, handles. A layout gives each column as
// many bits as its values have needed so far plus an equal share of what is left over, so that a row
// is one integer: hashed, compared and stored as such. The leading column has the highest bits.
//
//     pair of ids          [ x:32 ][ y:32 ]                  64-bit key
//     triple of ids        [ x:22 ][ r:21 ][ z:21 ]          64-bit key
//     pair of short texts  [ 64 ][ 64 ]                      128-bit key
//
// A value that does not fit is found while packing. The relation then chooses a wider layout and
// packs its rows anew; the shares of slack make that rare (each time some column outgrew its share).
//
// A signed column stores its low bits and is sign-extended on the way out; others are zero-extended.
// A column whose words fit 32 bits never gets more than 32, so that narrow storage can hold it.
//
// Threads: a value.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vm/word.h"

namespace entail::vm {

// Bits that hold `word`, at least 1: with the sign bit if `is_signed`.
unsigned bits_of(Word word, bool is_signed);
// Bits that hold each of n words.
unsigned bits_of(const Word* words, std::size_t n, bool is_signed);

struct PackedColumn {
  std::uint8_t bits = 1;   // 1 … 64.
  std::uint8_t shift = 0;  // From the lowest bit of the key.
  bool is_signed = false;

  Word mask() const { return bits == 64 ? ~Word{0} : (Word{1} << bits) - 1; }
  // What is added before the check "no bit at or above `bits`".
  Word bias() const { return is_signed && bits < 64 ? Word{1} << (bits - 1) : 0; }
  bool fits(Word word) const { return bits == 64 || ((word + bias()) >> bits) == 0; }
  Word extend(Word stored) const {
    if (!is_signed || bits == 64) return stored;
    return static_cast<Word>(static_cast<std::int64_t>(stored << (64 - bits)) >> (64 - bits));
  }
  friend bool operator==(const PackedColumn&, const PackedColumn&) = default;
};

// What a column must be able to hold.
struct PackedNeed {
  unsigned bits = 1;
  bool is_signed = false;
};

class PackedLayout {
 public:
  static constexpr unsigned kBitsMax = 128;

  PackedLayout() = default;

  // The layout for columns with these needs; none when they exceed `bits_max`.
  static std::optional<PackedLayout> choose(std::span<const PackedNeed> needs,
                                            unsigned bits_max = kBitsMax);

  bool is_wide() const { return wide_; }  // 128-bit keys.
  std::span<const PackedColumn> columns() const { return columns_; }

  // keys[i] = the row columns[…][i]. Returns whether all n fit; if not, the keys are worthless.
  // REQUIRES: the key type is that of is_wide().
  bool pack(const Word* const* columns, std::size_t n, std::uint64_t* keys) const;
  bool pack(const Word* const* columns, std::size_t n, Uint128* keys) const;

  // Whether row i of the columns fits.
  bool fits(const Word* const* columns, std::size_t i) const;

  // out[i] = the word of `column` in keys[i].
  void unpack(const std::uint64_t* keys, std::size_t n, std::size_t column, Word* out) const;
  void unpack(const Uint128* keys, std::size_t n, std::size_t column, Word* out) const;
  // The same for narrow storage. REQUIRES: the column has at most 32 bits.
  void unpack_narrow(const std::uint64_t* keys, std::size_t n, std::size_t column,
                     std::uint32_t* out) const;
  void unpack_narrow(const Uint128* keys, std::size_t n, std::size_t column,
                     std::uint32_t* out) const;

 private:
  std::vector<PackedColumn> columns_;
  bool wide_ = false;
};

}  // namespace entail::vm
