// store/internal/keys.h - the families of the store and the keys in them.
//
// The layouts are drawn in store/versioned_store.h. Every key of rows and of the log begins with a
// branch; all that is written so far belongs to the main one.
//
// Threads: pure functions.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/log_record.h"
#include "vm/base/kv.h"

namespace entail::store {

inline constexpr KvFamily kCurrent{0}, kHistory{1}, kLog{2}, kOutbox{3}, kMeta{4}, kDerived{5};

inline constexpr std::uint32_t kMainBranch = 1;
inline constexpr std::size_t kRowPrefixBytes = 8;  // Branch and relation.
inline constexpr std::size_t kVersionBytes = 8;

std::string_view family_name(KvFamily family);

std::string relation_prefix(RelationNumber relation);
// The first key behind every one that begins with `prefix`; empty where there is none.
std::string prefix_end(std::string prefix);

std::string row_key(RelationNumber relation, std::string_view key);
// Replaces `out`; for loops.
void row_key_into(RelationNumber relation, std::string_view key, std::string& out);
std::string history_key(std::string_view row_key, Version died);

// What a key of `current` or, without its version, of `history` is made of.
struct RowKeyParts {
  RelationNumber relation = 0;
  std::string_view key;
};
std::optional<RowKeyParts> split_row_key(std::string_view stored);
struct HistoryKeyParts {
  std::string_view row_key;
  RelationNumber relation = 0;
  std::string_view key;
  Version died = 0;
};
std::optional<HistoryKeyParts> split_history_key(std::string_view stored);

std::string log_key(Version version, std::uint32_t piece);
struct LogKeyParts {
  Version version = 0;
  std::uint32_t piece = 0;
};
std::optional<LogKeyParts> split_log_key(std::string_view stored);

inline constexpr std::uint8_t kOutboxEntryKind = 1, kDeadLetterKind = 2;
std::string outbox_key(std::uint8_t kind, Version version, std::uint32_t ordinal);

inline constexpr std::string_view kFormatKey = "format";
inline constexpr std::string_view kFloorPrefix = "floor";
inline constexpr std::string_view kLogFloorKey = "log floor";
inline constexpr std::string_view kPositionPrefix = "position";
std::string floor_key(RelationNumber relation);
std::string position_key(std::string_view source, std::string_view partition);

// "current row of relation 12, key \x80\x01": how a message names a stored entry.
std::string describe_key(KvFamily family, std::string_view key);

}  // namespace entail::store
