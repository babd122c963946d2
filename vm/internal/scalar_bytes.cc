// SQL's functions of byte strings.

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string>

#include "vm/internal/scalar_call.h"

namespace entail::vm {

namespace {

// False, and the call has failed, where there is no such byte or bit.
bool in_range(ScalarCall& call, std::int64_t index, std::int64_t count) {
  if (index >= 0 && index < count) return true;
  call.fail("2202E", fmt::format("index {} out of valid range, 0..{}", index, count - 1));
  return false;
}

std::int64_t size_of(ScalarCall& call) { return static_cast<std::int64_t>(call.bytes(0).size()); }

void trim(ScalarCall& call, bool left, bool right) {
  std::string_view bytes = call.bytes(0);
  const std::string_view set = call.bytes(1);
  const auto in_set = [&](char c) { return set.find(c) != std::string_view::npos; };
  while (left && !bytes.empty() && in_set(bytes.front())) bytes.remove_prefix(1);
  while (right && !bytes.empty() && in_set(bytes.back())) bytes.remove_suffix(1);
  call.give_bytes(bytes);
}

void part(ScalarCall& call, bool has_length) {
  const std::string_view bytes = call.bytes(0);
  std::int64_t from = call.integer(1) - 1;
  std::int64_t to = static_cast<std::int64_t>(bytes.size());
  if (has_length) {
    if (call.integer(2) < 0) return call.fail("22011", "negative substring length not allowed");
    to = std::min(to, from + call.integer(2));
  }
  from = std::clamp<std::int64_t>(from, 0, static_cast<std::int64_t>(bytes.size()));
  call.give_bytes(to <= from ? std::string_view()
                             : bytes.substr(static_cast<std::size_t>(from),
                                            static_cast<std::size_t>(to - from)));
}

}  // namespace

namespace scalar {

void kBytesBitLength(ScalarCall& call) { call.give_integer(size_of(call) * 8); }
void kBytesBitCount(ScalarCall& call) {
  std::int64_t bits = 0;
  for (const char c : call.bytes(0)) bits += std::popcount(static_cast<unsigned char>(c));
  call.give_integer(bits);
}
void kGetByte(ScalarCall& call) {
  const std::int64_t at = call.integer(1);
  if (!in_range(call, at, size_of(call))) return;
  call.give_integer(static_cast<unsigned char>(call.bytes(0)[static_cast<std::size_t>(at)]));
}
void kSetByte(ScalarCall& call) {
  const std::int64_t at = call.integer(1);
  if (!in_range(call, at, size_of(call))) return;
  std::string bytes(call.bytes(0));
  bytes[static_cast<std::size_t>(at)] = static_cast<char>(call.integer(2));
  call.give_bytes(bytes);
}
void kGetBit(ScalarCall& call) {
  const std::int64_t at = call.integer(1);
  if (!in_range(call, at, size_of(call) * 8)) return;
  const auto byte = static_cast<unsigned char>(call.bytes(0)[static_cast<std::size_t>(at / 8)]);
  call.give_integer(byte >> (at % 8) & 1);
}
void kSetBit(ScalarCall& call) {
  const std::int64_t at = call.integer(1), bit = call.integer(2);
  if (!in_range(call, at, size_of(call) * 8)) return;
  if (bit != 0 && bit != 1) return call.fail("22023", "new bit must be 0 or 1");
  std::string bytes(call.bytes(0));
  char& byte = bytes[static_cast<std::size_t>(at / 8)];
  const unsigned mask = 1U << (at % 8);
  const auto old = static_cast<unsigned char>(byte);
  byte = static_cast<char>(bit == 1 ? old | mask : old & ~mask);
  call.give_bytes(bytes);
}
void kBytesBtrim(ScalarCall& call) { trim(call, true, true); }
void kBytesLtrim(ScalarCall& call) { trim(call, true, false); }
void kBytesRtrim(ScalarCall& call) { trim(call, false, true); }
void kBytesSubstringFrom(ScalarCall& call) { part(call, false); }
void kBytesSubstringFor(ScalarCall& call) { part(call, true); }
void kBytesSubstrFrom(ScalarCall& call) { part(call, false); }
void kBytesSubstrFor(ScalarCall& call) { part(call, true); }
void kBytesPosition(ScalarCall& call) {
  const auto found = call.bytes(0).find(call.bytes(1));
  call.give_integer(found == std::string_view::npos ? 0 : static_cast<std::int64_t>(found) + 1);
}

}  // namespace scalar
}  // namespace entail::vm
