#include "vm/packed_layout.h"

#include <algorithm>
#include <bit>

#include "vm/base/ensure.h"

namespace entail::vm {

namespace {

unsigned bits_of_union(Word merged, bool is_signed) {
  const unsigned magnitude = static_cast<unsigned>(std::bit_width(merged));
  return std::max(1U, std::min(64U, is_signed ? magnitude + 1 : magnitude));
}

// A negative number needs as many bits as its complement.
Word magnitude_of(Word word, bool is_signed) {
  return is_signed ? word ^ static_cast<Word>(static_cast<std::int64_t>(word) >> 63) : word;
}

template <typename Key>
bool pack_rows(std::span<const PackedColumn> layout, const Word* const* columns, std::size_t n,
               Key* keys) {
  Word excess = 0;
  for (std::size_t c = 0; c < layout.size(); ++c) {
    const PackedColumn column = layout[c];
    const Word mask = column.mask();
    const Word bias = column.bias();
    const unsigned shift = column.shift;
    const Word* const words = columns[c];
    if (column.bits < 64) {
      const unsigned bits = column.bits;
      for (std::size_t i = 0; i < n; ++i) excess |= (words[i] + bias) >> bits;
    }
    if (c == 0) {
      for (std::size_t i = 0; i < n; ++i) keys[i] = static_cast<Key>(words[i] & mask) << shift;
    } else {
      for (std::size_t i = 0; i < n; ++i) keys[i] |= static_cast<Key>(words[i] & mask) << shift;
    }
  }
  return excess == 0;
}

// The common case, two columns of 32 bits, in one pass.
bool pack_pairs(const PackedColumn first, const PackedColumn second, const Word* a, const Word* b,
                std::size_t n, std::uint64_t* keys) {
  const Word first_bias = first.bias();
  const Word second_bias = second.bias();
  Word excess = 0;
  for (std::size_t i = 0; i < n; ++i) {
    excess |= ((a[i] + first_bias) | (b[i] + second_bias)) >> 32;
    keys[i] = (a[i] << 32) | (b[i] & 0xffffffffU);
  }
  return excess == 0;
}

}  // namespace

unsigned bits_of(Word word, bool is_signed) {
  return bits_of_union(magnitude_of(word, is_signed), is_signed);
}

unsigned bits_of(const Word* words, std::size_t n, bool is_signed) {
  Word merged = 0;
  for (std::size_t i = 0; i < n; ++i) merged |= magnitude_of(words[i], is_signed);
  return bits_of_union(merged, is_signed);
}

std::optional<PackedLayout> PackedLayout::choose(std::span<const PackedNeed> needs,
                                                 unsigned bits_max) {
  unsigned total = 0;
  for (const PackedNeed& need : needs) total += need.bits;
  if (total > bits_max) return std::nullopt;
  PackedLayout layout;
  layout.wide_ = total > 64;
  const unsigned room = layout.wide_ ? 128 : 64;
  std::vector<unsigned> bits;
  for (const PackedNeed& need : needs) bits.push_back(need.bits);
  // Deal the slack out bit by bit; a column of up to 32 bits stays within them.
  for (bool dealt = true; dealt && total < room;) {
    dealt = false;
    for (std::size_t c = 0; c < bits.size() && total < room; ++c) {
      if (bits[c] == 32 || bits[c] == 64) continue;
      ++bits[c];
      ++total;
      dealt = true;
    }
  }
  unsigned shift = total;
  for (std::size_t c = 0; c < needs.size(); ++c) {
    shift -= bits[c];
    layout.columns_.push_back(
        {static_cast<std::uint8_t>(bits[c]), static_cast<std::uint8_t>(shift), needs[c].is_signed});
  }
  return layout;
}

bool PackedLayout::pack(const Word* const* columns, std::size_t n, std::uint64_t* keys) const {
  ENTAIL_DEBUG_ENSURE(!wide_);
  if (columns_.size() == 2 && columns_[0].bits == 32 && columns_[1].bits == 32) {
    return pack_pairs(columns_[0], columns_[1], columns[0], columns[1], n, keys);
  }
  return pack_rows(columns_, columns, n, keys);
}

bool PackedLayout::pack(const Word* const* columns, std::size_t n, Uint128* keys) const {
  ENTAIL_DEBUG_ENSURE(wide_);
  return pack_rows(columns_, columns, n, keys);
}

bool PackedLayout::fits(const Word* const* columns, std::size_t i) const {
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    if (!columns_[c].fits(columns[c][i])) return false;
  }
  return true;
}

namespace {

template <typename Key>
void unpack_words(PackedColumn column, const Key* keys, std::size_t n, Word* out) {
  const Word mask = column.mask();
  const unsigned shift = column.shift;
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = column.extend(static_cast<Word>(keys[i] >> shift) & mask);
  }
}

template <typename Key>
void unpack_halves(PackedColumn column, const Key* keys, std::size_t n, std::uint32_t* out) {
  const unsigned shift = column.shift;
  if (column.bits == 32) {
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint32_t>(keys[i] >> shift);
    return;
  }
  const Word mask = column.mask();
  if (!column.is_signed) {
    for (std::size_t i = 0; i < n; ++i) {
      out[i] = static_cast<std::uint32_t>(static_cast<Word>(keys[i] >> shift) & mask);
    }
    return;
  }
  const unsigned drop = 32U - column.bits;
  for (std::size_t i = 0; i < n; ++i) {
    const auto low = static_cast<std::uint32_t>(keys[i] >> shift);
    out[i] = static_cast<std::uint32_t>(static_cast<std::int32_t>(low << drop) >> drop);
  }
}

}  // namespace

void PackedLayout::unpack(const std::uint64_t* keys, std::size_t n, std::size_t column,
                          Word* out) const {
  unpack_words(columns_[column], keys, n, out);
}
void PackedLayout::unpack(const Uint128* keys, std::size_t n, std::size_t column, Word* out) const {
  unpack_words(columns_[column], keys, n, out);
}
void PackedLayout::unpack_narrow(const std::uint64_t* keys, std::size_t n, std::size_t column,
                                 std::uint32_t* out) const {
  unpack_halves(columns_[column], keys, n, out);
}
void PackedLayout::unpack_narrow(const Uint128* keys, std::size_t n, std::size_t column,
                                 std::uint32_t* out) const {
  unpack_halves(columns_[column], keys, n, out);
}

}  // namespace entail::vm
