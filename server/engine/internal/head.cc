// Lending the head: bringing the network into the state that a transaction sees (transaction.h).
#include <algorithm>

#include "server/engine/internal/engine_state.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

using datalog::RelationId;

const vm::StandingRelation& EngineState::rows_of(RelationId relation) const {
  return network->relation(relation);
}

const compiler::RelationLayout& EngineState::layout_of(RelationId relation) const {
  return network->layout(relation);
}

void EngineState::take_head_back() {
  if (network->in_transaction()) network->abort();
  head = {};
}

namespace {

Expected<void> give(rete::Network& network, const ChangeChunk& chunk, bool inverse) {
  const bool is_deletion = chunk.deletion != inverse;
  const bool has_ids = !chunk.ids.empty();
  std::vector<std::int64_t> weights;
  if (is_deletion || has_ids) weights.assign(chunk.rows.size(), is_deletion ? -1 : 1);
  rete::FactChanges facts{chunk.rows.arrays(), chunk.rows.size(),
                          weights.empty() ? nullptr : weights.data(),
                          has_ids ? chunk.ids.data() : nullptr};
  facts.is_arrival = !inverse;  // Nothing arrives when a commit is taken back.
  return network.change(chunk.relation, facts);
}

}  // namespace

Expected<void> EngineState::apply_chunks(const Transaction& transaction, std::size_t first) {
  const Catalog& names = transaction.catalog != nullptr ? *transaction.catalog : *catalog;
  for (std::size_t i = first; i < transaction.changes.size(); ++i) {
    if (transaction.changes[i].rows.empty()) continue;
    // Of a table that the transaction has dropped, or whose rows it has put into another relation.
    if (names.table_of(transaction.changes[i].relation) == nullptr) continue;
    if (auto done = give(*network, transaction.changes[i], false); !done) return done;
  }
  return network->step(rete::StepKind::kChange, rete::Productions::kWait);
}

// The commits behind the snapshot are taken back, newest first.
Expected<void> EngineState::go_back_to(std::uint64_t snapshot) {
  for (auto commit = kept.rbegin(); commit != kept.rend() && commit->version > snapshot; ++commit) {
    for (auto chunk = commit->changes.rbegin(); chunk != commit->changes.rend(); ++chunk) {
      if (auto done = give(*network, *chunk, true); !done) return done;
    }
    if (auto done = network->step(rete::StepKind::kChange, rete::Productions::kWait); !done) {
      return done;
    }
  }
  return {};
}

Expected<void> EngineState::lend_head(Transaction* transaction) {
  const bool is_behind =
      transaction != nullptr && transaction->snapshot && *transaction->snapshot < version;
  const bool needs_nothing = transaction == nullptr || (transaction->changes.empty() && !is_behind);
  if (needs_nothing) {
    if (head.owner != 0) take_head_back();
    return {};
  }
  const std::optional<std::uint64_t> base =
      is_behind ? transaction->snapshot : std::optional<std::uint64_t>();
  const bool has_head = head.owner == transaction->id &&
                        head.change_epoch == transaction->change_epoch && head.snapshot == base;
  if (!has_head) {
    take_head_back();
    if (is_behind) {
      if (auto kept_all = require_kept(*transaction->snapshot); !kept_all) return kept_all;
      if (auto done = go_back_to(*transaction->snapshot); !done) {
        take_head_back();
        return done;
      }
    }
    head = {transaction->id, transaction->change_epoch, 0, base};
  }
  if (head.applied < transaction->changes.size()) {
    if (auto done = apply_chunks(*transaction, head.applied); !done) {
      take_head_back();
      return done;
    }
    head.applied = transaction->changes.size();
  }
  return {};
}

namespace {

bool touches(const Transaction& transaction, std::size_t first, std::size_t end,
             const std::set<RelationId>& bases) {
  for (std::size_t i = first; i < end; ++i) {
    const ChangeChunk& chunk = transaction.changes[i];
    if (!chunk.rows.empty() && bases.count(chunk.relation) != 0) return true;
  }
  return false;
}

}  // namespace

Expected<void> EngineState::lend_head_for(Transaction& transaction,
                                          const std::set<RelationId>& bases) {
  const bool is_behind = transaction.snapshot && *transaction.snapshot < version;
  if (is_behind || head.snapshot) return lend_head(&transaction);
  const bool has_head = head.owner == transaction.id;
  if (head.owner != 0) {
    const auto owner = transactions.find(head.owner);
    const bool is_known = owner != transactions.end() &&
                          owner->second->change_epoch == head.change_epoch &&
                          head.applied <= owner->second->changes.size();
    if (!is_known || (!has_head && touches(*owner->second, 0, head.applied, bases))) {
      take_head_back();
    }
  }
  const std::size_t applied = head.owner == transaction.id ? head.applied : 0;
  if (!touches(transaction, applied, transaction.changes.size(), bases)) return {};
  return lend_head(&transaction);
}

Expected<void> EngineState::lend_head_for_commit(Transaction& transaction) {
  const std::optional<std::uint64_t> snapshot = transaction.snapshot;
  transaction.snapshot.reset();
  auto done = lend_head(&transaction);
  transaction.snapshot = snapshot;
  return done;
}

std::optional<std::uint64_t> EngineState::oldest_snapshot() const {
  std::optional<std::uint64_t> oldest;
  for (const auto& [id, transaction] : transactions) {
    if (transaction->snapshot && (!oldest || *transaction->snapshot < *oldest)) {
      oldest = transaction->snapshot;
    }
  }
  return oldest;
}

Expected<void> EngineState::require_kept(std::uint64_t snapshot) const {
  if (snapshot >= version || (!kept.empty() && kept.front().version <= snapshot + 1)) return {};
  return sql_error("72000", "snapshot too old");
}

void EngineState::forget_kept_commits() {
  const std::optional<std::uint64_t> oldest = oldest_snapshot();
  const auto forget_first = [this] {
    for (const ChangeChunk& chunk : kept.front().changes) kept_rows -= chunk.rows.size();
    kept.pop_front();
  };
  while (!kept.empty() && (!oldest || kept.front().version <= *oldest)) forget_first();
  while (!kept.empty() && kept_rows > options.limits.snapshot_changes) forget_first();
}

}  // namespace entail::engine
