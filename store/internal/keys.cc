#include "store/internal/keys.h"

#include <fmt/format.h>

#include "store/internal/bytes.h"
#include "vm/base/ensure.h"

namespace entail::store {

std::string_view family_name(KvFamily family) {
  static constexpr std::string_view kNames[] = {"current", "history", "log",
                                                "outbox",  "meta",    "derived"};
  ENTAIL_ENSURE(family.position() < std::size(kNames));
  return kNames[family.position()];
}

std::string relation_prefix(RelationNumber relation) {
  std::string prefix;
  put_big_endian_32(prefix, kMainBranch);
  put_big_endian_32(prefix, relation);
  return prefix;
}

std::string prefix_end(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xFF') prefix.pop_back();
  if (!prefix.empty()) ++prefix.back();
  return prefix;
}

void row_key_into(RelationNumber relation, std::string_view key, std::string& out) {
  out.clear();
  put_big_endian_32(out, kMainBranch);
  put_big_endian_32(out, relation);
  out.append(key);
}

std::string row_key(RelationNumber relation, std::string_view key) {
  std::string out;
  out.reserve(kRowPrefixBytes + key.size());
  row_key_into(relation, key, out);
  return out;
}

std::string history_key(std::string_view row_key, Version died) {
  std::string out;
  out.reserve(row_key.size() + kVersionBytes);
  out.append(row_key);
  put_big_endian_64(out, ~died);
  return out;
}

std::optional<RowKeyParts> split_row_key(std::string_view stored) {
  if (stored.size() < kRowPrefixBytes) return std::nullopt;
  if (big_endian_32(stored) != kMainBranch) return std::nullopt;
  return RowKeyParts{big_endian_32(stored.substr(4)), stored.substr(kRowPrefixBytes)};
}

std::optional<HistoryKeyParts> split_history_key(std::string_view stored) {
  if (stored.size() < kRowPrefixBytes + kVersionBytes) return std::nullopt;
  const std::string_view row = stored.substr(0, stored.size() - kVersionBytes);
  const auto parts = split_row_key(row);
  if (!parts) return std::nullopt;
  return HistoryKeyParts{row, parts->relation, parts->key,
                         ~big_endian_64(stored.substr(row.size()))};
}

std::string log_key(Version version, std::uint32_t piece) {
  std::string key;
  key.reserve(16);
  put_big_endian_32(key, kMainBranch);
  put_big_endian_64(key, version);
  put_big_endian_32(key, piece);
  return key;
}

std::optional<LogKeyParts> split_log_key(std::string_view stored) {
  if (stored.size() != 16 || big_endian_32(stored) != kMainBranch) return std::nullopt;
  return LogKeyParts{big_endian_64(stored.substr(4)), big_endian_32(stored.substr(12))};
}

std::string outbox_key(std::uint8_t kind, Version version, std::uint32_t ordinal) {
  std::string key;
  key.reserve(17);
  put_big_endian_32(key, kMainBranch);
  key.push_back(static_cast<char>(kind));
  put_big_endian_64(key, version);
  put_big_endian_32(key, ordinal);
  return key;
}

std::string floor_key(RelationNumber relation) {
  std::string key(kFloorPrefix);
  put_big_endian_32(key, relation);
  return key;
}

std::string position_key(std::string_view source, std::string_view partition) {
  std::string key(kPositionPrefix);
  key.append(source);
  key.push_back('\0');
  key.append(partition);
  return key;
}

std::string describe_key(KvFamily family, std::string_view key) {
  if (family == kCurrent) {
    if (const auto parts = split_row_key(key)) {
      return fmt::format("current row of relation {}, key {}", parts->relation,
                         readable(parts->key));
    }
  } else if (family == kHistory) {
    if (const auto parts = split_history_key(key)) {
      return fmt::format("history row of relation {}, key {}, replaced by version {}",
                         parts->relation, readable(parts->key), parts->died);
    }
  } else if (family == kLog) {
    if (const auto parts = split_log_key(key)) {
      return fmt::format("log record of version {}, piece {}", parts->version, parts->piece);
    }
  }
  return fmt::format("entry of family {}, key {}", family_name(family), readable(key));
}

}  // namespace entail::store
