// store/row_value.h - a row as it lies on disk, in `current` and in `history`.
//
//     | format 1 | flags 1 | cause 1 | schema v | born v | weight s? | time tag s? | row | checksum 4 |
//
//     flags      bit 0: a weight other than 1 follows    bit 1: a time tag follows
//     cause      the kind of the cause of version `born`; the whole cause is in the log under it
//     row        the caller's bytes, up to the checksum
//     checksum   covers family, key and everything before it (XXH3, low half, big-endian)
//     v, s       varint, zigzag varint
//
// Threads: pure functions.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/versioned_store.h"
#include "vm/base/expected.h"
#include "vm/base/kv.h"

namespace entail::store {

inline constexpr std::uint8_t kRowValueFormat = 1;

// Replaces `out` by the value for `key` of `family`. `stored.key` is not looked at.
void encode_row_value(KvFamily family, std::string_view key, const StoredRow& stored,
                      std::string& out);

// The views point into `value`; `key` of the result is left empty. Fails with kCorrupt, naming the
// entry.
Expected<StoredRow> decode_row_value(KvFamily family, std::string_view key, std::string_view value);

}  // namespace entail::store
