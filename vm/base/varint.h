// vm/base/varint.h - numbers in as few bytes as they need: 7 bits a byte, least significant first, and the
// top bit says that more follow.
//
// Threads: pure functions. Source: the varints of Protocol Buffers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace entail {

inline void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80U) {
    out.push_back(static_cast<char>(value | 0x80U));
    value >>= 7U;
  }
  out.push_back(static_cast<char>(value));
}

// Takes one from the front. False: the bytes end within it, or it is longer than any number.
[[nodiscard]] inline bool take_varint(std::string_view& bytes, std::uint64_t& out) {
  out = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (bytes.empty()) return false;
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    out |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80U) return true;
  }
  return false;
}

}  // namespace entail
