#include "server/pgwire/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

namespace entail::pgwire {
namespace {

// Bytes of the well-formed character that `text` begins with; 0 if it begins with none.
std::size_t character_size(std::string_view text) {
  const auto byte = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto is_tail = [&byte](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return first == 0 ? 0 : 1;
  if (first >= 0xc2 && first <= 0xdf) return is_tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (first == 0xe0 && byte(1) < 0xa0) return 0;  // Shorter forms exist.
    if (first == 0xed && byte(1) > 0x9f) return 0;  // Surrogates.
    return is_tail(1) && is_tail(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (first == 0xf0 && byte(1) < 0x90) return 0;
    if (first == 0xf4 && byte(1) > 0x8f) return 0;  // Beyond U+10FFFF.
    return is_tail(1) && is_tail(2) && is_tail(3) ? 4 : 0;
  }
  return 0;
}

// How many bytes the first one announces: what the message shows.
std::size_t announced_size(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf8 ? 4 : 1;
}

// Eight bytes at once, none of them 0 and none of them above 127.
bool is_plain(std::uint64_t bytes) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080U;
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  return ((bytes | (bytes - kOnes)) & kHighBits) == 0;
}

}  // namespace

Expected<void> check_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t eight = 0;
    if (text.size() - at >= sizeof eight) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if (is_plain(eight)) {
        at += sizeof eight;
        continue;
      }
    }
    const std::size_t size = character_size(text.substr(at));
    if (size == 0) {
      std::string shown;
      for (const char c : text.substr(at, announced_size(text[at]))) {
        shown += fmt::format("{}0x{:02x}", shown.empty() ? "" : " ",
                             static_cast<unsigned>(static_cast<unsigned char>(c)));
      }
      return unexpected(ErrorCode::kData,
                        fmt::format("invalid byte sequence for encoding \"UTF8\": {}", shown),
                        SqlFields{.sqlstate = "22021"});
    }
    at += size;
  }
  return {};
}

}  // namespace entail::pgwire
