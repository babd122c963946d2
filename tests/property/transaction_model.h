// tests/property/transaction_model.h - what the table of a random history holds, and what each operation on it
// answers, too simple to be wrong.
//
//     t(k int PRIMARY KEY, g int, v bigint)
//     groups    SELECT g, count(*) AS n, sum(v) AS s FROM t GROUP BY g               (materialized)
//     pairs     pairs of keys that share a group                                     (materialized)
//     reach     keys k1, k2 with a way over neighbours k, k + 1 of one group         (materialized, recursive)
//
// A value v is written once in a history, so that a value read names its writer.
//
// Threads: values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace entail::testing {

struct ModelRow {
  std::int64_t group = 0, value = 0;
  bool operator==(const ModelRow&) const = default;
};
using ModelState = std::map<std::int64_t, ModelRow>;  // By key.
// What a transaction has written: no row is a deletion.
using ModelWrites = std::map<std::int64_t, std::optional<ModelRow>>;

ModelState with_writes(const ModelState& state, const ModelWrites& writes);

// What of a row a reading shows of it: less shown, fewer writes concern it.
enum class Shown : std::uint8_t { kExistence, kGroup, kAll };

// The rows that a reading asks for, whether they are there or not.
struct Predicate {
  std::int64_t key_low = 0, key_high = 0;  // Both included.
  std::optional<std::int64_t> group;
  Shown shown = Shown::kAll;

  bool matches(std::int64_t key, const std::optional<ModelRow>& row) const;
  // Whether a reader could tell the two versions of a row apart.
  bool tells_apart(std::int64_t key, const std::optional<ModelRow>& before,
                   const std::optional<ModelRow>& after) const;
};

enum class OperationKind : std::uint8_t {
  kReadKey,
  kReadGroup,
  kReadRange,
  kReadAll,
  kCount,
  kReadSums,   // Through a view of sums.
  kReadPairs,  // Through a view that joins.
  kReadReach,  // Through a recursive view.
  kReadPlain,  // Through a view that is expanded.
  kLockKey,    // FOR UPDATE, NO KEY UPDATE, SHARE, KEY SHARE; waiting, NOWAIT or SKIP LOCKED.
  kLockGroup,
  kUpdateKey,
  kUpdateGroup,
  kMove,   // To another group.
  kShift,  // To another key.
  kInsert,
  kInsertNothing,  // ON CONFLICT DO NOTHING.
  kUpsert,         // ON CONFLICT DO UPDATE.
  kCopyCount,      // Inserts a row whose group is the parity of a count.
  kDelete,
  kDeleteGroup,
};
inline constexpr std::size_t kOperationKinds = 21;

enum class LockWish : std::uint8_t { kWait, kNoWait, kSkipLocked };

struct Operation {
  OperationKind kind = OperationKind::kReadKey;
  std::int64_t key = 0, other_key = 0, group = 0, value = 0;
  std::uint32_t strength = 0;  // Of a lock, 0 the strongest.
  LockWish wish = LockWish::kWait;

  bool is_write() const { return kind >= OperationKind::kUpdateKey; }
  std::string sql() const;  // With $1, $2 …
  std::vector<std::int64_t> parameters() const;
  std::string to_text() const;
  // What it reads, its own writes aside.
  std::vector<Predicate> reads() const;
};

struct ModelAnswer {
  std::string text;           // "k,g,v;k,g,v", or the tag.
  bool is_duplicate = false;  // 23505 instead.
  ModelWrites writes;
};

// What the operation answers and writes, on what the transaction sees.
ModelAnswer answer_of(const Operation& operation, const ModelState& seen);
// "k,g,v;…" by key: what SELECT k, g, v FROM t ORDER BY k gives.
std::string text_of(const ModelState& state);
// The view `groups`, by group.
std::string sums_of(const ModelState& state);

}  // namespace entail::testing
