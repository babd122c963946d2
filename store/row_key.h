// store/row_key.h - the key of a row whose whole content is its identity.
//
// The rows of a stated set have no key of their own: the encoding of the row is it. Long rows would
// make long keys, so beyond 64 bytes the key is a prefix, which keeps the order useful, and a
// 128-bit hash (XXH3) of the whole encoding:
//
//     up to 64 bytes     | encoding |
//     longer             | the first 64 bytes | hash 16 |
//
// Two rows may share a hash. A row stored under a hashed key must therefore be stored with its
// bytes, and inserted with RowChange::check_absent, so that the commit compares and refuses.
// Encodings of which none is a prefix of another give keys of which none is.
//
// Threads: a pure function.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace entail::store {

inline constexpr std::size_t kPlainKeyBytesMax = 64;

struct SetRowKey {
  std::string key;
  bool hashed = false;
};

SetRowKey set_row_key(std::string_view encoding);

}  // namespace entail::store
