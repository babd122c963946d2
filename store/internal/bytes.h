// store/internal/bytes.h - the few ways in which the store writes numbers and checks bytes.
//
//     varint     vm/base/varint.h
//     zigzag     0, -1, 1, -2 ... as 0, 1, 2, 3 ...
//     big-endian for keys, so that their memcmp order is that of the numbers
//
// Reading never trusts a length: each take_* says whether the bytes were there.
//
// Threads: pure functions.

#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "vm/base/expected.h"
#include "vm/base/kv.h"
#include "vm/base/varint.h"

namespace entail::store {

inline void put_zigzag(std::string& out, std::int64_t value) {
  put_varint(out,
             (static_cast<std::uint64_t>(value) << 1U) ^ static_cast<std::uint64_t>(value >> 63));
}

inline void put_bytes(std::string& out, std::string_view bytes) {
  put_varint(out, bytes.size());
  out.append(bytes);
}

inline void put_big_endian_32(std::string& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

inline void put_big_endian_64(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

// REQUIRES for both: that many bytes.
inline std::uint32_t big_endian_32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8U | static_cast<unsigned char>(bytes[i]);
  return value;
}
inline std::uint64_t big_endian_64(std::string_view bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8U | static_cast<unsigned char>(bytes[i]);
  return value;
}

[[nodiscard]] inline bool take_byte(std::string_view& bytes, std::uint8_t& out) {
  if (bytes.empty()) return false;
  out = static_cast<std::uint8_t>(bytes.front());
  bytes.remove_prefix(1);
  return true;
}

[[nodiscard]] inline bool take_varint_32(std::string_view& bytes, std::uint32_t& out) {
  std::uint64_t wide = 0;
  if (!take_varint(bytes, wide) || wide > 0xFFFFFFFFU) return false;
  out = static_cast<std::uint32_t>(wide);
  return true;
}

[[nodiscard]] inline bool take_zigzag(std::string_view& bytes, std::int64_t& out) {
  std::uint64_t raw = 0;
  if (!take_varint(bytes, raw)) return false;
  out = static_cast<std::int64_t>(raw >> 1U) ^ -static_cast<std::int64_t>(raw & 1U);
  return true;
}

[[nodiscard]] inline bool take_bytes(std::string_view& bytes, std::string_view& out) {
  std::uint64_t length = 0;
  if (!take_varint(bytes, length) || length > bytes.size()) return false;
  out = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return true;
}

[[nodiscard]] inline bool take_string(std::string_view& bytes, std::string& out) {
  std::string_view view;
  if (!take_bytes(bytes, view)) return false;
  out = view;
  return true;
}

// --- Checksums ------------------------------------------------------------------------------------

inline constexpr std::size_t kChecksumBytes = 4;

// Covers where a value lies as well as what it is: a value under another key or in another family
// is found out.
std::uint32_t value_checksum(KvFamily family, std::string_view key, std::string_view value);

// Appends the checksum of what `value` holds so far.
void seal(KvFamily family, std::string_view key, std::string& value);

// The value without its checksum. Fails with kCorrupt, naming what and where.
Expected<std::string_view> unseal(KvFamily family, std::string_view key, std::string_view value);

// --- Naming what is wrong ---------------------------------------------------------------------------

// Letters as they are, other bytes as \xNN; cut short after 80 bytes.
std::string readable(std::string_view bytes);

// kCorrupt with SQLSTATE XX001.
Unexpected corrupt(std::string message);

}  // namespace entail::store
