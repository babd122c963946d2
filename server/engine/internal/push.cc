// Rows that are pushed: from lines to a commit whose cause is a source batch.
#include "server/engine/push.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "server/engine/internal/json_line.h"
#include "server/engine/internal/row_input.h"
#include "server/engine/internal/session_impl.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

namespace sql = grammar::sql;

namespace {

constexpr std::size_t kLineErrorsMax = 20;

sql::QualifiedName name_of(std::string_view text) {
  sql::QualifiedName name;
  for (;;) {
    const std::size_t end = std::min(text.find('.'), text.size());
    name.parts.push_back({std::string(text.substr(0, end)), true, {}});
    if (end == text.size()) return name;
    text.remove_prefix(end + 1);
  }
}

// The sequence numbers that are remembered, newest first, with the versions that they made: "7@31 6@30".
class Pushes {
 public:
  explicit Pushes(std::string_view position) {
    while (!position.empty()) {
      const std::string_view entry = position.substr(0, position.find(' '));
      position.remove_prefix(std::min(entry.size() + 1, position.size()));
      const std::size_t at = entry.find('@');
      if (at == std::string_view::npos) continue;
      Push push;
      std::from_chars(entry.data(), entry.data() + at, push.sequence);
      std::from_chars(entry.data() + at + 1, entry.data() + entry.size(), push.version);
      known_.push_back(push);
    }
  }
  std::optional<std::uint64_t> version_of(std::uint64_t sequence) const {
    for (const Push& push : known_) {
      if (push.sequence == sequence) return push.version;
    }
    return std::nullopt;
  }
  // Whether the number may have been forgotten.
  bool may_have_had(std::uint64_t sequence) const {
    return known_.size() >= kPushesRemembered && sequence < known_.back().sequence;
  }
  // With the new one, the oldest forgotten.
  std::string with(std::uint64_t sequence, std::uint64_t version) {
    known_.push_back({sequence, version});
    std::sort(known_.begin(), known_.end(),
              [](const Push& a, const Push& b) { return a.sequence > b.sequence; });
    if (known_.size() > kPushesRemembered) known_.resize(kPushesRemembered);
    std::string text;
    for (const Push& push : known_) {
      if (!text.empty()) text.push_back(' ');
      text += std::to_string(push.sequence) + "@" + std::to_string(push.version);
    }
    return text;
  }

 private:
  struct Push {
    std::uint64_t sequence = 0, version = 0;
  };
  std::vector<Push> known_;
};

Expected<void> add_line(RowInput& input, std::string_view line) {
  auto fields = read_json_line(line);
  if (!fields) return unexpected(std::move(fields).error());
  const Table& table = input.table();
  std::vector<InputValue> values(table.columns.size());
  std::vector<std::string> texts;  // Of columns of JSON.
  texts.reserve(fields->size());
  for (const JsonField& field : *fields) {
    const auto column = table.find_column(field.name);
    if (!column) {
      return sql_error("42703", "column \"" + field.name + "\" of relation \"" + table.name +
                                    "\" does not exist");
    }
    InputValue& value = values[*column];
    if (field.kind == JsonField::Kind::kNull) {
      value.kind = InputValue::Kind::kNull;
      continue;
    }
    value.kind = InputValue::Kind::kText;
    const vm::TypeKind kind = table.columns[*column].type.kind;
    if (kind == vm::TypeKind::kJson) {
      value.text = texts.emplace_back(field.json());
    } else if (field.kind == JsonField::Kind::kArray && kind == vm::TypeKind::kArray) {
      value.text = field.array;
    } else {
      value.text = field.text;
    }
  }
  return input.add(values);
}

}  // namespace

Expected<PushOutcome> SessionImpl::push(const PushBatch& batch) {
  const bool goes_on = is_waiting_;
  is_waiting_ = false;
  deadline_us_ = 0;
  if (goes_on && wait_error_) {
    Error error = *std::exchange(wait_error_, std::nullopt);
    give_up_waiting();
    rollback_transaction();
    return unexpected(std::move(error));
  }
  if (!goes_on && transaction_ != nullptr) {
    return sql_error("25001", "rows cannot be pushed in a transaction block");
  }
  auto outcome = push_once(batch, goes_on);
  if (outcome) {
    give_up_waiting();
    // Nothing was changed, or nothing had to be.
    if (transaction_ != nullptr) rollback_transaction();
    return outcome;
  }
  if (is_must_wait(outcome.error())) {
    undo_to({});
    auto waits = wait_outcome();
    PushOutcome waiting;
    waiting.progress = waits->progress;
    return waiting;
  }
  give_up_waiting();
  if (transaction_ != nullptr) rollback_transaction();
  return unexpected(with_sqlstate(std::move(outcome).error()));
}

Expected<PushOutcome> SessionImpl::push_once(const PushBatch& batch, bool goes_on) {
  PushOutcome outcome;
  const std::string source = "http/" + batch.client;
  std::string position;
  if (batch.sequence) {
    auto known = state_.position_of(source);
    if (!known) return unexpected(std::move(known).error());
    Pushes pushes(*known);
    if (const auto version = pushes.version_of(*batch.sequence)) {
      outcome.version = *version;
      outcome.is_repeated = true;
      return outcome;
    }
    if (pushes.may_have_had(*batch.sequence)) {
      return sql_error("55000",
                       "sequence " + std::to_string(*batch.sequence) + " of client \"" +
                           batch.client + "\" is older than those that are remembered",
                       {.hint = "Sequence numbers of a client rise."});
    }
    position = pushes.with(*batch.sequence, state_.version + 1);
  }
  if (!goes_on) {
    ensure_transaction();
    cancel_requested_.store(false, std::memory_order_release);
    statement_since_us_ = state_.now_us();
    current_query_ = "push to " + batch.relation;
    state_.cancel.reset();
  }
  transaction_->statement_us = state_.now_us();
  if (transaction_->read_only) {
    return sql_error("25006", "cannot push rows in a read-only transaction");
  }
  const SessionCatalog names = session_catalog();
  const Table* const table = names.table(name_of(batch.relation));
  if (table == nullptr) {
    return sql_error("42P01", "relation \"" + batch.relation + "\" does not exist");
  }
  LockName lock_name;
  lock_name.table = table->oid;
  if (auto locked = lock(lock_name, LockMode::kTableRowExclusive); !locked) {
    return unexpected(std::move(locked).error());
  }
  auto input = RowInput::create(*this, *table, "push to");
  if (!input) return unexpected(std::move(input).error());
  std::uint64_t number = 0;
  for (std::string_view rest = batch.lines; !rest.empty();) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto added = add_line(**input, line);
    if (added) continue;
    outcome.errors.push_back({number, with_sqlstate(std::move(added).error())});
    if (outcome.errors.size() == kLineErrorsMax) break;
  }
  if (!outcome.errors.empty()) return outcome;
  if (auto changed = (*input)->change(); !changed) {
    return unexpected(with_sqlstate(std::move(changed).error()));
  }
  SourceCause cause{source, {}};
  if (batch.sequence) cause.positions.push_back({source, "", std::move(position)});
  transaction_->source = std::move(cause);
  auto version = commit_transaction();
  if (!version) return unexpected(std::move(version).error());
  outcome.version = *version != 0 ? *version : state_.version;
  outcome.rows = (*input)->size();
  state_.rows_pushed += outcome.rows;
  return outcome;
}

}  // namespace entail::engine
