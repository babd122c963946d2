// The commit of a transaction: one version of the network and of the store.
#include <algorithm>
#include <unordered_map>

#include "server/engine/internal/checkpoint.h"
#include "server/engine/internal/engine_state.h"
#include "server/engine/internal/first_step.h"
#include "server/engine/internal/persistence.h"
#include "server/engine/internal/stored_row.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

using datalog::RelationId;
using vm::Word;

namespace {

Error serialization_failure() {
  return make_sql_error("40001",
                        "could not serialize access due to read/write dependencies among "
                        "transactions",
                        {.detail = "Reason code: Canceled on identification as a pivot, during "
                                   "commit attempt.",
                         .hint = "The transaction might succeed if retried."});
}

// Stated changes as rows of the store; replaced rows under one key become one change.
class StoredChanges {
 public:
  StoredChanges(const EngineState& state, const Catalog& catalog, vm::Version version)
      : state_(state), catalog_(catalog), version_(version) {}

  void add(const rete::StatedChange& change) {
    const datalog::Relation& relation = state_.program.relation(change.relation);
    const std::uint32_t storage = storage_of(state_, catalog_, change.relation);
    if (storage == 0) return;
    const StoredRowCodec codec(relation, state_.layout_of(change.relation), *state_.pool);
    // Of the rows that are no more, which come first: what takes the place of one is one change with it.
    std::unordered_map<std::string, std::size_t> gone;
    entries_.reserve(entries_.size() + change.size());
    for (std::size_t i = 0; i < change.size(); ++i) {
      vm::DurableId id = change.ids.empty() ? vm::DurableId{} : change.ids[i];
      if (id.source == rete::StatedChange::kOpenSource) id.source = version_;
      StoredRowCodec::Key key = codec.key(change.columns, i, id);
      const std::string image = codec.value(change.columns, i);
      if (change.signs[i] < 0) {
        Entry& entry =
            entries_.emplace_back(Entry{storage, keep(key.bytes), {}, {}, key.hashed, 0});
        entry.before = keep(image);
        if (!change.firings.empty()) entry.firing = change.firings[i];
        gone.emplace(std::move(key.bytes), entries_.size() - 1);
        continue;
      }
      const auto place = gone.empty() ? gone.end() : gone.find(key.bytes);
      Entry& entry =
          place != gone.end()
              ? entries_[place->second]
              : entries_.emplace_back(Entry{storage, keep(key.bytes), {}, {}, key.hashed, 0});
      entry.after = keep(image);
      if (!change.firings.empty()) entry.firing = std::max(entry.firing, change.firings[i]);
    }
  }

  void move_to(store::CommitBatch& batch) const {
    const auto view = [this](const Piece& piece) {
      return std::string_view(bytes_).substr(piece.first, piece.size);
    };
    batch.changes.reserve(entries_.size());
    for (const Entry& entry : entries_) {
      store::RowChange& change = batch.changes.emplace_back();
      change.relation = entry.storage;
      change.key = view(entry.key);
      if (entry.before.size > 0) change.before = store::RowImage{.row = view(entry.before)};
      if (entry.after.size > 0) change.after = store::RowImage{.row = view(entry.after)};
      change.check_absent = entry.hashed && entry.before.size == 0;
      change.firing = entry.firing;
    }
  }

 private:
  struct Piece {
    std::size_t first = 0, size = 0;  // In bytes_.
  };
  struct Entry {
    std::uint32_t storage = 0;
    Piece key, before, after;  // Images are never empty where there is one.
    bool hashed = false;
    std::uint32_t firing = 0;
  };

  Piece keep(std::string_view bytes) {
    const Piece piece{bytes_.size(), bytes.size()};
    bytes_.append(bytes);
    return piece;
  }

  const EngineState& state_;
  const Catalog& catalog_;
  vm::Version version_;
  std::vector<Entry> entries_;
  std::string bytes_;
};

// A record tells its changes by table, whatever the order in which relations were made; within one, those of
// a deletion or replacement first, each kind in the order in which it came about.
void sort_by_table(std::vector<store::RowChange>& changes) {
  const auto before = [](const store::RowChange& a, const store::RowChange& b) {
    return a.relation < b.relation;
  };
  if (std::is_sorted(changes.begin(), changes.end(), before)) return;
  std::stable_sort(changes.begin(), changes.end(), before);
}

std::vector<ChangeChunk> chunks_of(const EngineState& state,
                                   const std::vector<rete::StatedChange>& stated) {
  std::vector<ChangeChunk> chunks;
  std::vector<Word> words;
  for (const rete::StatedChange& change : stated) {
    for (const bool deletion : {true, false}) {
      ChangeChunk chunk{change.relation, deletion,
                        RowSet(state.layout_of(change.relation), *state.pool)};
      for (std::size_t i = 0; i < change.size(); ++i) {
        if ((change.signs[i] < 0) != deletion) continue;
        words.clear();
        for (const std::vector<Word>& column : change.columns) words.push_back(column[i]);
        chunk.rows.append(words);
        if (!change.ids.empty()) chunk.ids.push_back(change.ids[i]);
      }
      if (!chunk.rows.empty()) chunks.push_back(std::move(chunk));
    }
  }
  return chunks;
}

}  // namespace

Expected<void> EngineState::validate(const Transaction& transaction) const {
  if (transaction.isolation != Isolation::kSerializable || !transaction.snapshot) return {};
  if (auto kept_all = require_kept(*transaction.snapshot); !kept_all) return kept_all;
  for (const KeptCommit& commit : kept) {
    if (commit.version <= *transaction.snapshot) continue;
    for (const ChangeChunk& chunk : commit.changes) {
      if (transaction.reads.holds_one_of(chunk.relation, chunk.rows, layout_of(chunk.relation))) {
        return unexpected(serialization_failure());
      }
    }
  }
  return {};
}

Expected<std::uint64_t> EngineState::commit(Transaction& transaction, const std::string& user,
                                            const AdmitFirings& admit) {
  const bool has_changes =
      std::any_of(transaction.changes.begin(), transaction.changes.end(),
                  [](const ChangeChunk& chunk) { return !chunk.rows.empty(); });
  const bool has_catalog = transaction.catalog != nullptr;
  // How far a source was read is remembered, whatever its rows changed.
  const bool is_source = transaction.source.has_value();
  if (!has_changes && !has_catalog && !is_source && !transaction.tick &&
      transaction.dirty_sequences.empty()) {
    return std::uint64_t{0};
  }
  if (auto valid = validate(transaction); !valid) return unexpected(std::move(valid).error());
  std::vector<rete::StatedChange> stated;
  std::vector<rete::NetChange> watched;
  std::vector<rete::EmittedRow> emitted;
  vm::Version network_version = network->version();
  FirstStep first_step;
  // Productions of new rules find what stands already.
  const bool fires =
      transaction.tick || has_arrivals(transaction) ||
      (!program.productions.empty() && (has_changes || !transaction.deployment.empty()));
  if (has_changes || fires) {
    auto ready = fires ? fire_productions(transaction, first_step, admit)
                       : lend_head_for_commit(transaction);
    if (!ready) {
      take_head_back();
      return unexpected(with_sqlstate(std::move(ready).error()));
    }
    auto committed = network->commit();
    if (!committed) {
      take_head_back();
      return unexpected(with_sqlstate(std::move(committed).error()));
    }
    head = {};
    network_version = committed->version;
    stated = std::move(committed->stated);
    watched = std::move(committed->changes);
    emitted = std::move(committed->emitted);
  } else {
    take_head_back();
    // New rules may deny what stands.
    if (auto allowed = network->check_denials(); !allowed) {
      return unexpected(std::move(allowed).error());
    }
  }

  // What was changed and changed back is no version.
  if (stated.empty() && emitted.empty() && !has_catalog && !is_source &&
      transaction.dirty_sequences.empty()) {
    return std::uint64_t{0};
  }

  if (store != nullptr) {
    store::CommitBatch batch;
    batch.cause.kind =
        transaction.deployment.empty() ? store::CauseKind::kSession : store::CauseKind::kDeployment;
    batch.cause.origin = transaction.deployment.empty() ? user : transaction.deployment;
    batch.cause.number = transaction.session;
    batch.cause.detail = transaction.cause_detail;
    if (is_source) {
      batch.cause.kind = store::CauseKind::kSourceBatch;
      batch.cause.origin = transaction.source->source;
      batch.cause.number = 0;
      batch.cause.positions = transaction.source->positions;
    }
    const Catalog& names = has_catalog ? *transaction.catalog : *catalog;
    if (transaction.tick) {
      batch.cause.kind = store::CauseKind::kTick;
      batch.cause.time_us = transaction.tick->time_us;
      batch.cause.origin =
          transaction.tick->stream ? program.relation(*transaction.tick->stream).name : "";
    }
    if (first_step.was_changed && transaction.deployment.empty()) {
      batch.cause.detail = first_step.encode(*this, names);
    }
    StoredChanges rows(*this, names, network_version);
    for (const rete::StatedChange& change : stated) rows.add(change);
    rows.move_to(batch);
    sort_by_table(batch.changes);
    if (has_catalog) {
      batch.catalog = catalog_changes(*catalog, *transaction.catalog);
      batch.dropped = dropped_storages(*catalog, *transaction.catalog);
    }
    for (const Oid sequence : transaction.dirty_sequences) {
      batch.catalog.push_back(sequence_change(sequence, sequences));
    }
    for (const rete::EmittedRow& row : emitted) {
      batch.outbox.push_back(outbox_entry(*this, row));
    }
    auto made = store->commit(
        std::move(batch), options.durability == Durability::kSync    ? store::Durability::kSync
                          : options.durability == Durability::kAsync ? store::Durability::kAsync
                                                                     : store::Durability::kGroup);
    if (!made) {
      // The network goes back to what the store has.
      for (const ChangeChunk& chunk : chunks_of(*this, stated)) {
        std::vector<std::int64_t> weights(chunk.rows.size(), chunk.deletion ? 1 : -1);
        rete::FactChanges facts{chunk.rows.arrays(), chunk.rows.size(), weights.data(),
                                chunk.ids.empty() ? nullptr : chunk.ids.data()};
        facts.is_arrival = false;
        auto undone = network->change(chunk.relation, facts);
        ENTAIL_ENSURE(undone.has_value());
      }
      if (!stated.empty()) {
        auto undone = network->commit();
        ENTAIL_ENSURE(undone.has_value());
      }
      return unexpected(with_sqlstate(std::move(made).error()));
    }
    version = *made;
  } else {
    ++version;
    if (is_source) {
      for (const store::SourcePosition& position : transaction.source->positions) {
        positions[position.source] = position.position;
      }
    }
  }
  if (has_catalog) {
    catalog = transaction.catalog;
    plans.clear();
  }
  feeds.take(version, watched);
  if (oldest_snapshot()) {
    KeptCommit kept_commit;
    kept_commit.version = version;
    kept_commit.changes = chunks_of(*this, stated);
    for (const ChangeChunk& chunk : kept_commit.changes) {
      kept_commit.written.insert(chunk.relation);
      kept_rows += chunk.rows.size();
    }
    kept.push_back(std::move(kept_commit));
  }
  std::size_t changed_rows = 0;
  for (const rete::StatedChange& change : stated) changed_rows += change.size();
  ++commits;
  rows_changed += changed_rows;
  // Where the disk refuses, the next commit says so; a start without it takes longer and is as right.
  if (is_checkpoint_due(*this, changed_rows)) static_cast<void>(make_checkpoint(*this));
  return version;
}

}  // namespace entail::engine
