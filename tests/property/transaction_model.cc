#include "tests/property/transaction_model.h"

#include <limits>
#include <set>

namespace entail::testing {

namespace {

constexpr std::int64_t kLowest = std::numeric_limits<std::int32_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int32_t>::max();

void append(std::string& text, std::initializer_list<std::int64_t> values) {
  if (!text.empty()) text.push_back(';');
  bool first = true;
  for (const std::int64_t value : values) {
    if (!first) text.push_back(',');
    first = false;
    text += std::to_string(value);
  }
}

std::optional<ModelRow> row_of(const ModelState& state, std::int64_t key) {
  const auto found = state.find(key);
  return found == state.end() ? std::nullopt : std::optional(found->second);
}

Predicate of_key(std::int64_t key, Shown shown) { return {key, key, std::nullopt, shown}; }
Predicate of_group(std::int64_t group, Shown shown) { return {kLowest, kHighest, group, shown}; }
Predicate of_all(Shown shown) { return {kLowest, kHighest, std::nullopt, shown}; }

constexpr const char* kStrengths[] = {"UPDATE", "NO KEY UPDATE", "SHARE", "KEY SHARE"};
constexpr const char* kWishes[] = {"", " NOWAIT", " SKIP LOCKED"};

}  // namespace

ModelState with_writes(const ModelState& state, const ModelWrites& writes) {
  ModelState result = state;
  for (const auto& [key, row] : writes) {
    if (row) {
      result[key] = *row;
    } else {
      result.erase(key);
    }
  }
  return result;
}

bool Predicate::matches(std::int64_t key, const std::optional<ModelRow>& row) const {
  return row && key >= key_low && key <= key_high && (!group || row->group == *group);
}

bool Predicate::tells_apart(std::int64_t key, const std::optional<ModelRow>& before,
                            const std::optional<ModelRow>& after) const {
  const bool matched = matches(key, before), matches_now = matches(key, after);
  if (matched != matches_now) return true;
  if (!matched) return false;
  switch (shown) {
    case Shown::kExistence:
      return false;
    case Shown::kGroup:
      return before->group != after->group;
    case Shown::kAll:
      return *before != *after;
  }
  return true;
}

std::string Operation::sql() const {
  switch (kind) {
    case OperationKind::kReadKey:
      return "SELECT k, g, v FROM t WHERE k = $1::int";
    case OperationKind::kReadGroup:
      return "SELECT k, g, v FROM t WHERE g = $1::int ORDER BY k";
    case OperationKind::kReadRange:
      return "SELECT k, g, v FROM t WHERE k BETWEEN $1::int AND $2::int ORDER BY k";
    case OperationKind::kReadAll:
      return "SELECT k, g, v FROM t ORDER BY k";
    case OperationKind::kCount:
      return "SELECT count(*) FROM t WHERE k > $1::int";
    case OperationKind::kReadSums:
      return "SELECT g, n, s FROM groups WHERE g = $1::int";
    case OperationKind::kReadPairs:
      return "SELECT a, b FROM pairs WHERE a = $1::int ORDER BY b";
    case OperationKind::kReadReach:
      return "SELECT b FROM reach WHERE a = $1::int ORDER BY b";
    case OperationKind::kReadPlain:
      return "SELECT k, g, v FROM plain WHERE g = $1::int ORDER BY k";
    case OperationKind::kLockKey:
      return std::string("SELECT k, g, v FROM t WHERE k = $1::int FOR ") + kStrengths[strength] +
             kWishes[static_cast<unsigned>(wish)];
    case OperationKind::kLockGroup:
      return std::string("SELECT k, g, v FROM t WHERE g = $1::int ORDER BY k FOR ") +
             kStrengths[strength] + kWishes[static_cast<unsigned>(wish)];
    case OperationKind::kUpdateKey:
      return "UPDATE t SET v = $2::bigint WHERE k = $1::int";
    case OperationKind::kUpdateGroup:
      return "UPDATE t SET v = $2::bigint + k WHERE g = $1::int";
    case OperationKind::kMove:
      return "UPDATE t SET g = $2::int, v = $3::bigint WHERE k = $1::int";
    case OperationKind::kShift:
      return "UPDATE t SET k = $2::int, v = $3::bigint WHERE k = $1::int";
    case OperationKind::kInsert:
      return "INSERT INTO t VALUES ($1::int, $2::int, $3::bigint)";
    case OperationKind::kInsertNothing:
      return "INSERT INTO t VALUES ($1::int, $2::int, $3::bigint) ON CONFLICT DO NOTHING";
    case OperationKind::kUpsert:
      return "INSERT INTO t VALUES ($1::int, $2::int, $3::bigint) ON CONFLICT (k) DO UPDATE SET "
             "v = EXCLUDED.v";
    case OperationKind::kCopyCount:
      return "INSERT INTO t SELECT $1::int, (count(*) % 2)::int, $2::bigint FROM t ON CONFLICT DO "
             "NOTHING";
    case OperationKind::kDelete:
      return "DELETE FROM t WHERE k = $1::int";
    case OperationKind::kDeleteGroup:
      return "DELETE FROM t WHERE g = $1::int";
  }
  return {};
}

std::vector<std::int64_t> Operation::parameters() const {
  switch (kind) {
    case OperationKind::kReadAll:
      return {};
    case OperationKind::kReadKey:
    case OperationKind::kLockKey:
    case OperationKind::kDelete:
    case OperationKind::kCount:
    case OperationKind::kReadPairs:
    case OperationKind::kReadReach:
      return {key};
    case OperationKind::kReadRange:
      return {key, other_key};
    case OperationKind::kReadGroup:
    case OperationKind::kReadSums:
    case OperationKind::kReadPlain:
    case OperationKind::kLockGroup:
    case OperationKind::kDeleteGroup:
      return {group};
    case OperationKind::kUpdateKey:
    case OperationKind::kCopyCount:
      return {key, value};
    case OperationKind::kUpdateGroup:
      return {group, value};
    case OperationKind::kShift:
      return {key, other_key, value};
    case OperationKind::kMove:
    case OperationKind::kInsert:
    case OperationKind::kInsertNothing:
    case OperationKind::kUpsert:
      return {key, group, value};
  }
  return {};
}

std::string Operation::to_text() const {
  std::string text = sql();
  std::string given;
  for (const std::int64_t parameter : parameters()) given += " " + std::to_string(parameter);
  return text + "   --" + given;
}

std::vector<Predicate> Operation::reads() const {
  switch (kind) {
    case OperationKind::kReadKey:
    case OperationKind::kLockKey:
      return {of_key(key, Shown::kAll)};
    case OperationKind::kReadGroup:
    case OperationKind::kReadSums:
    case OperationKind::kReadPlain:
    case OperationKind::kLockGroup:
      return {of_group(group, Shown::kAll)};
    case OperationKind::kReadRange:
      return {{key, other_key, std::nullopt, Shown::kAll}};
    case OperationKind::kReadAll:
      return {of_all(Shown::kAll)};
    case OperationKind::kCount:
      return {{key + 1, kHighest, std::nullopt, Shown::kExistence}};
    case OperationKind::kCopyCount:
      return {of_all(Shown::kExistence)};
    case OperationKind::kReadPairs:
    case OperationKind::kReadReach:
      return {};  // Where a join shows what it read is not told row by row: the model still is.
    case OperationKind::kUpdateGroup:
    case OperationKind::kDeleteGroup:
      return {of_group(group, Shown::kExistence)};
    case OperationKind::kUpdateKey:
    case OperationKind::kMove:
    case OperationKind::kInsert:
    case OperationKind::kInsertNothing:
    case OperationKind::kUpsert:
    case OperationKind::kDelete:
      return {of_key(key, Shown::kExistence)};
    case OperationKind::kShift:
      return {of_key(key, Shown::kExistence), of_key(other_key, Shown::kExistence)};
  }
  return {};
}

ModelAnswer answer_of(const Operation& operation, const ModelState& seen) {
  ModelAnswer answer;
  const auto row = row_of(seen, operation.key);
  const auto show_rows = [&](auto wanted) {
    for (const auto& [key, values] : seen) {
      if (wanted(key, values)) append(answer.text, {key, values.group, values.value});
    }
  };
  const auto tag = [&](const char* word, std::size_t count) {
    answer.text = word + std::to_string(count);
  };
  switch (operation.kind) {
    case OperationKind::kReadKey:
    case OperationKind::kLockKey:
      show_rows([&](std::int64_t key, const ModelRow&) { return key == operation.key; });
      break;
    case OperationKind::kReadGroup:
    case OperationKind::kReadPlain:
    case OperationKind::kLockGroup:
      show_rows(
          [&](std::int64_t, const ModelRow& values) { return values.group == operation.group; });
      break;
    case OperationKind::kReadRange:
      show_rows([&](std::int64_t key, const ModelRow&) {
        return key >= operation.key && key <= operation.other_key;
      });
      break;
    case OperationKind::kReadAll:
      answer.text = text_of(seen);
      break;
    case OperationKind::kCount: {
      std::int64_t count = 0;
      for (const auto& [key, values] : seen) count += key > operation.key ? 1 : 0;
      answer.text = std::to_string(count);
      break;
    }
    case OperationKind::kReadSums: {
      std::int64_t count = 0, sum = 0;
      for (const auto& [key, values] : seen) {
        if (values.group != operation.group) continue;
        ++count;
        sum += values.value;
      }
      if (count > 0) append(answer.text, {operation.group, count, sum});
      break;
    }
    case OperationKind::kReadPairs:
      if (!row) break;
      for (const auto& [key, values] : seen) {
        if (key > operation.key && values.group == row->group) {
          append(answer.text, {operation.key, key});
        }
      }
      break;
    case OperationKind::kReadReach:
      if (!row) break;
      for (std::int64_t key = operation.key + 1;; ++key) {
        const auto next = row_of(seen, key);
        if (!next || next->group != row->group) break;
        append(answer.text, {key});
      }
      break;
    case OperationKind::kUpdateKey:
      if (row) answer.writes[operation.key] = ModelRow{row->group, operation.value};
      tag("UPDATE ", answer.writes.size());
      break;
    case OperationKind::kUpdateGroup:
      for (const auto& [key, values] : seen) {
        if (values.group != operation.group) continue;
        answer.writes[key] = ModelRow{values.group, operation.value + key};
      }
      tag("UPDATE ", answer.writes.size());
      break;
    case OperationKind::kMove:
      if (row) answer.writes[operation.key] = ModelRow{operation.group, operation.value};
      tag("UPDATE ", answer.writes.size());
      break;
    case OperationKind::kShift:
      if (!row) {
        tag("UPDATE ", 0);
        break;
      }
      if (operation.other_key != operation.key && row_of(seen, operation.other_key)) {
        answer.is_duplicate = true;
        break;
      }
      answer.writes[operation.key] = std::nullopt;
      answer.writes[operation.other_key] = ModelRow{row->group, operation.value};
      tag("UPDATE ", 1);
      break;
    case OperationKind::kInsert:
    case OperationKind::kInsertNothing:
      if (!row) answer.writes[operation.key] = ModelRow{operation.group, operation.value};
      answer.is_duplicate = row && operation.kind == OperationKind::kInsert;
      tag("INSERT 0 ", answer.writes.size());
      break;
    case OperationKind::kUpsert:
      answer.writes[operation.key] = ModelRow{row ? row->group : operation.group, operation.value};
      tag("INSERT 0 ", 1);
      break;
    case OperationKind::kCopyCount:
      if (!row) {
        answer.writes[operation.key] =
            ModelRow{static_cast<std::int64_t>(seen.size() % 2), operation.value};
      }
      tag("INSERT 0 ", answer.writes.size());
      break;
    case OperationKind::kDelete:
      if (row) answer.writes[operation.key] = std::nullopt;
      tag("DELETE ", answer.writes.size());
      break;
    case OperationKind::kDeleteGroup:
      for (const auto& [key, values] : seen) {
        if (values.group == operation.group) answer.writes[key] = std::nullopt;
      }
      tag("DELETE ", answer.writes.size());
      break;
  }
  return answer;
}

std::string text_of(const ModelState& state) {
  std::string text;
  for (const auto& [key, values] : state) append(text, {key, values.group, values.value});
  return text;
}

std::string sums_of(const ModelState& state) {
  std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>> groups;
  for (const auto& [key, values] : state) {
    ++groups[values.group].first;
    groups[values.group].second += values.value;
  }
  std::string text;
  for (const auto& [group, sums] : groups) append(text, {group, sums.first, sums.second});
  return text;
}

}  // namespace entail::testing
