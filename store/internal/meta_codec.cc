#include "store/internal/meta_codec.h"

#include <fmt/format.h>

#include "store/internal/bytes.h"
#include "store/internal/keys.h"

namespace entail::store {
namespace {

constexpr std::uint8_t kValueFormat = 1;
constexpr std::string_view kFormatMagic = "entail store ";

std::string begin_value() { return {static_cast<char>(kValueFormat)}; }

// The value behind its format byte, checked.
Expected<std::string_view> open_value(KvFamily family, std::string_view key,
                                      std::string_view value) {
  auto body = unseal(family, key, value);
  if (!body) return body;
  std::uint8_t format = 0;
  if (!take_byte(*body, format) || format != kValueFormat) {
    return corrupt(fmt::format("the {} has format {}, and this program reads format {}",
                               describe_key(family, key), format, kValueFormat));
  }
  return body;
}

Unexpected cut_short(KvFamily family, std::string_view key) {
  return corrupt(fmt::format("the {} is cut short", describe_key(family, key)));
}

}  // namespace

std::string format_value() {
  std::string value(kFormatMagic);
  value.push_back(static_cast<char>(kStoreFormat));
  seal(kMeta, kFormatKey, value);
  return value;
}

Expected<void> check_format_value(std::string_view value) {
  auto body = unseal(kMeta, kFormatKey, value);
  if (!body) return unexpected(std::move(body).error());
  if (body->size() != kFormatMagic.size() + 1 || !body->starts_with(kFormatMagic)) {
    return corrupt("what is stored here is not a store of this program");
  }
  const auto format = static_cast<std::uint8_t>(body->back());
  if (format == kStoreFormat) return {};
  return unexpected(ErrorCode::kUnsupported,
                    fmt::format("the store has format {}, and this program reads format {}", format,
                                kStoreFormat),
                    {.sqlstate = "0A000"});
}

std::string floor_value(std::string_view key, Version floor) {
  std::string value = begin_value();
  put_varint(value, floor);
  seal(kMeta, key, value);
  return value;
}

Expected<Version> read_floor_value(std::string_view key, std::string_view value) {
  auto body = open_value(kMeta, key, value);
  if (!body) return unexpected(std::move(body).error());
  Version floor = 0;
  if (!take_varint(*body, floor)) return cut_short(kMeta, key);
  return floor;
}

std::string position_value(std::string_view key, std::string_view position) {
  std::string value = begin_value();
  value.append(position);
  seal(kMeta, key, value);
  return value;
}

Expected<SourcePosition> read_position(std::string_view key, std::string_view value) {
  auto body = open_value(kMeta, key, value);
  if (!body) return unexpected(std::move(body).error());
  const std::string_view name = key.substr(kPositionPrefix.size());
  const std::size_t end = name.find('\0');
  if (end == std::string_view::npos) return cut_short(kMeta, key);
  return SourcePosition{std::string(name.substr(0, end)), std::string(name.substr(end + 1)),
                        std::string(*body)};
}

std::string outbox_value(std::string_view key, const OutboxEntry& entry) {
  std::string value = begin_value();
  put_varint(value, entry.rule);
  put_bytes(value, entry.sink);
  put_bytes(value, entry.payload);
  seal(kOutbox, key, value);
  return value;
}

Expected<OutboxEntry> read_outbox_value(std::string_view key, std::string_view value) {
  auto body = open_value(kOutbox, key, value);
  if (!body) return unexpected(std::move(body).error());
  OutboxEntry entry;
  if (!take_varint_32(*body, entry.rule) || !take_string(*body, entry.sink) ||
      !take_string(*body, entry.payload)) {
    return cut_short(kOutbox, key);
  }
  return entry;
}

std::string dead_letter_value(std::string_view key, const DeadLetter& letter) {
  std::string value = begin_value();
  put_bytes(value, letter.source);
  put_bytes(value, letter.partition);
  put_bytes(value, letter.position);
  put_bytes(value, letter.reason);
  put_bytes(value, letter.payload);
  seal(kOutbox, key, value);
  return value;
}

Expected<DeadLetter> read_dead_letter_value(std::string_view key, std::string_view value) {
  auto body = open_value(kOutbox, key, value);
  if (!body) return unexpected(std::move(body).error());
  DeadLetter letter;
  if (!take_string(*body, letter.source) || !take_string(*body, letter.partition) ||
      !take_string(*body, letter.position) || !take_string(*body, letter.reason) ||
      !take_string(*body, letter.payload)) {
    return cut_short(kOutbox, key);
  }
  return letter;
}

}  // namespace entail::store
