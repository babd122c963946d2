#include "store/internal/bytes.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "store/internal/keys.h"

namespace entail::store {

std::uint32_t value_checksum(KvFamily family, std::string_view key, std::string_view value) {
  const std::uint64_t place = XXH3_64bits_withSeed(key.data(), key.size(), family.value());
  return static_cast<std::uint32_t>(XXH3_64bits_withSeed(value.data(), value.size(), place));
}

void seal(KvFamily family, std::string_view key, std::string& value) {
  put_big_endian_32(value, value_checksum(family, key, value));
}

Expected<std::string_view> unseal(KvFamily family, std::string_view key, std::string_view value) {
  if (value.size() >= kChecksumBytes) {
    const std::string_view body = value.substr(0, value.size() - kChecksumBytes);
    if (big_endian_32(value.substr(body.size())) == value_checksum(family, key, body)) return body;
  }
  return corrupt(
      fmt::format("the {} is damaged: its checksum is wrong", describe_key(family, key)));
}

std::string readable(std::string_view bytes) {
  constexpr std::size_t kShownMax = 80;
  std::string text;
  for (const char byte : bytes.substr(0, kShownMax)) {
    if (byte >= ' ' && byte <= '~' && byte != '\\') {
      text.push_back(byte);
    } else {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    }
  }
  if (bytes.size() > kShownMax) text += fmt::format("... ({} bytes)", bytes.size());
  return text;
}

Unexpected corrupt(std::string message) {
  return unexpected(ErrorCode::kCorrupt, std::move(message), {.sqlstate = "XX001"});
}

}  // namespace entail::store
