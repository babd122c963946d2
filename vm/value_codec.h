// vm/value_codec.h - values as byte strings whose memcmp order is the values' order.
//
// A key of several columns is their encodings end to end: each encoding ends where its own bytes
// say, and none is the beginning of another, so keys compare column by column. What is encoded can
// be decoded. Drawn per kind, ascending:
//
//     null flag        01 for a value, 02 for a null (00 if nulls go first); only if nullable
//     bool             1 byte
//     integers         big-endian in the width of the type, the sign bit flipped
//     unsigned         big-endian
//     float            big-endian; negative ones complemented, others with the sign bit flipped
//     date, time, …    as int32, int64
//     interval         its measure (vm/datetime.h) in 16 bytes, then months and days
//     decimal          8 or 16 bytes as an integer;  uuid  its 16 bytes
//     text, bytes, json   the bytes with 00 as 00 ff, then 00 00
//     numeric          its own bytes (vm/numeric.h)
//     enum             the ordinal in 4 bytes
//     record           00 for nil, else 01 and its fields
//     adt              the branch ordinal in 4 bytes, then the branch's fields
//     array            01 and an element, for each; then 00
//
// Descending complements every byte but the outermost null flag. Inside records nulls go last.
//
// The order this makes, and compare_values() decides directly: numbers by value with NaN above
// infinity, text by bytes, records field by field, adts by branch first, arrays as words in a
// dictionary.
//
// Threads: encode and compare are pure; decode interns into the pool.

#pragma once

#include <string>
#include <string_view>

#include "vm/type.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::vm {

struct SortStyle {
  bool descending = false;
  bool nulls_first = false;  // Whatever the direction.
};

// Appends the encoding of the value at `words` (value_words(type) of them, then the null flag if
// `nullable`).
void encode_value(const ValuePool& pool, Type type, bool nullable, const Word* words,
                  const SortStyle& style, std::string& out);

// Takes one encoding from the front of `bytes` and puts the words at `out` (words_of(type,
// nullable) of them). Returns false, with `bytes` and `out` in any state, if there is none: only
// bytes that encode_value() never wrote do that.
[[nodiscard]] bool decode_value(ValuePool& pool, Type type, bool nullable, const SortStyle& style,
                                std::string_view& bytes, Word* out);

// Negative, 0 or positive, as left goes before, with or after right in that style.
int compare_values(const ValuePool& pool, Type type, bool nullable, const Word* left,
                   const Word* right, const SortStyle& style = {});

}  // namespace entail::vm
