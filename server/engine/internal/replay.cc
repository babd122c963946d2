#include "server/engine/internal/replay.h"

#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "server/engine/internal/engine_state.h"
#include "server/engine/internal/first_step.h"
#include "server/engine/internal/persistence.h"
#include "server/engine/internal/stored_row.h"
#include "server/engine/sql_error.h"
#include "store/simulated_kv.h"

namespace entail::engine {

namespace {

constexpr std::uint64_t kVersionsASync = 256;

// The first line in which two texts differ.
std::string first_difference(const std::string& stored, const std::string& made) {
  std::istringstream a(stored), b(made);
  std::string one, other;
  for (;;) {
    const bool has_one = static_cast<bool>(std::getline(a, one));
    const bool has_other = static_cast<bool>(std::getline(b, other));
    if (!has_one && !has_other) return "their bytes differ";
    if (!has_one) return "it lacks '" + other + "'";
    if (!has_other) return "'" + one + "' is not made";
    if (one != other) return "'" + one + "' is made as '" + other + "'";
  }
}

class Replayer {
 public:
  Replayer() : disk_(store::SimulatedDisk::create(1)) {}

  Expected<void> open() { return open_with({}); }

  // Makes the record's version anew. What differs, or nothing.
  Expected<std::string> replay(const store::LogRecord& record) {
    clock_.set_us(record.info.time_us);
    const store::CauseKind kind = record.info.cause.kind;
    if (kind != store::CauseKind::kSession && kind != store::CauseKind::kDeployment &&
        kind != store::CauseKind::kSourceBatch && kind != store::CauseKind::kTick) {
      return "it was caused by a " + std::string(store::cause_kind_name(kind)) +
             ", which is not replayed";
    }
    std::shared_ptr<const Catalog> old = state().catalog;
    if (!record.catalog.empty()) {
      engine_.reset();
      if (auto opened = open_with(record.catalog); !opened) {
        return unexpected(std::move(opened).error());
      }
    }
    EngineState& made = state();
    Transaction transaction;
    transaction.id = made.next_transaction++;
    transaction.session = static_cast<std::uint32_t>(record.info.cause.number);
    if (kind == store::CauseKind::kTick) {
      auto tick = made.clock_tick(record.info.cause.origin, record.info.cause.time_us);
      if (!tick) return "it is refused: " + tick.error().message;
      transaction.tick = *tick;
    }
    // What stands for the first step there is written anew.
    if (kind == store::CauseKind::kDeployment) {
      transaction.deployment = record.info.cause.origin;
      transaction.cause_detail = record.info.cause.detail;
    }
    if (kind == store::CauseKind::kSourceBatch) {
      transaction.source = SourceCause{record.info.cause.origin, record.info.cause.positions};
    }
    bool changes_objects = false;
    for (const store::CatalogChange& change : record.catalog) {
      if (change.key.starts_with("state/") && change.value) {
        transaction.dirty_sequences.insert(static_cast<Oid>(std::stoul(change.key.substr(6))));
      } else if (!change.key.starts_with("state/")) {
        changes_objects = true;
      }
    }
    if (changes_objects) transaction.catalog = std::make_shared<Catalog>(*made.catalog);
    if (!transaction.tick) {
      auto added = add_changes(record, transaction);
      if (!added) return unexpected(std::move(added).error());
    }
    name_rows_alike(record);
    made.catalog = std::move(old);
    // Who was not let in left no record.
    auto version = made.commit(
        transaction, record.info.cause.origin,
        [](const std::vector<rete::StatedChange>& /*stated*/) { return Expected<void>(); });
    if (!version) return "it is refused: " + version.error().message;
    if (*version != record.info.version) return std::string("its cause makes no version");
    if (*version % kVersionsASync == 0) {
      if (auto synced = made.store->sync(); !synced) return unexpected(std::move(synced).error());
    }
    auto log = made.store->read_log(*version);
    if (!log) return unexpected(std::move(log).error());
    if (!(*log)->next()) return std::string("it makes no record");
    const store::LogRecord& own = (*log)->record();
    if (own.bytes == record.bytes) return std::string();
    return first_difference(store::to_text(record), store::to_text(own));
  }

  // The rows of the other engine's store that are not here, or the reverse.
  Expected<void> compare_rows(const EngineState& other, CheckReport& report) {
    for (const auto& [oid, table] : other.catalog->tables()) {
      if (!table->holds_rows() || table->temporary || table->kind == TableKind::kMaterializedView) {
        continue;
      }
      auto stored = other.store->scan(table->storage);
      if (!stored) return unexpected(std::move(stored).error());
      auto made = state().store->scan(table->storage);
      if (!made) return unexpected(std::move(made).error());
      ++report.relations;
      for (;;) {
        const bool has_stored = (*stored)->next(), has_made = (*made)->next();
        if (auto status = (*stored)->status(); !status) return status;
        if (auto status = (*made)->status(); !status) return status;
        if (!has_stored && !has_made) break;
        ++report.rows;
        if (has_stored && has_made && (*stored)->row().key == (*made)->row().key &&
            (*stored)->row().image.row == (*made)->row().image.row &&
            (*stored)->row().born == (*made)->row().born) {
          continue;
        }
        report.problems.push_back("the rows of \"" + table->name +
                                  "\" are not what the log makes of them");
        break;
      }
    }
    return {};
  }

 private:
  EngineState& state() { return state_of(*engine_); }

  // Rows of bags are named by the number that the network gave its commit. It counts changes of the program, too,
  // which are made here in another way: the first row that came tells the number.
  void name_rows_alike(const store::LogRecord& record) {
    EngineState& made = state();
    std::set<store::RelationNumber> bags;
    for (const auto& [oid, table] : made.catalog->tables()) {
      if (table->holds_rows() && table->kind != TableKind::kMaterializedView &&
          made.program.relation(table->relation).collection == datalog::Collection::kBag) {
        bags.insert(table->storage);
      }
    }
    for (const store::RowChange& change : record.changes) {
      if (!change.after || change.before || bags.count(change.relation) == 0) continue;
      vm::Version number = 0;
      for (const char byte : change.key.substr(0, sizeof number)) {
        number = number << 8U | static_cast<unsigned char>(byte);
      }
      if (number > made.network->version()) made.network->set_next_version(number);
      return;
    }
  }

  Expected<void> open_with(const std::vector<store::CatalogChange>& overlay) {
    EngineOptions options;
    options.open_kv = disk_->opener();
    options.clock = &clock_;
    options.limits.checkpoint_changes = ~std::uint64_t{0};
    options.catalog_overlay = &overlay;
    auto opened = Engine::open(std::move(options));
    if (!opened) return unexpected(std::move(opened).error());
    engine_ = std::move(*opened);
    return {};
  }

  // What the record's own cause changed: deletions before insertions.
  Expected<void> add_changes(const store::LogRecord& record, Transaction& transaction) {
    EngineState& made = state();
    std::map<store::RelationNumber, const Table*> tables;
    for (const auto& [oid, table] : made.catalog->tables()) {
      if (table->holds_rows() && table->kind != TableKind::kMaterializedView) {
        tables[table->storage] = table.get();
      }
    }
    bool is_whole = true;
    const bool is_told = decode_first_step(
        record.info.cause.detail,
        [&](bool is_deletion, std::uint32_t storage, std::string_view row) {
          const auto found = tables.find(storage);
          if (found == tables.end()) {
            is_whole = false;
            return;
          }
          const RelationId id = found->second->relation;
          const compiler::RelationLayout& layout = made.layout_of(id);
          std::vector<vm::Word> words;
          is_whole &=
              StoredRowCodec(made.program.relation(id), layout, *made.pool).decode_row(row, words);
          if (!is_whole) return;
          transaction.changes.push_back({id, is_deletion, RowSet(layout, *made.pool), {}});
          transaction.changes.back().rows.append(words);
        });
    if (is_told) {
      if (is_whole) return {};
      return sql_error("XX001", "the first step of a logged transaction is damaged");
    }
    for (const bool deletion : {true, false}) {
      store::RelationNumber last = 0;
      std::vector<vm::Word> words;
      for (const store::RowChange& change : record.changes) {
        const auto& image = deletion ? change.before : change.after;
        if (!image || change.firing != 0) continue;
        const auto found = tables.find(change.relation);
        if (found == tables.end()) {
          return sql_error("XX001", "a record changes relation " + std::to_string(change.relation) +
                                        ", which no table stores");
        }
        const Table& table = *found->second;
        const datalog::Relation& relation = made.program.relation(table.relation);
        const compiler::RelationLayout& layout = made.layout_of(table.relation);
        const bool is_bag = relation.collection == datalog::Collection::kBag;
        if (change.relation != last || transaction.changes.empty()) {
          last = change.relation;
          transaction.changes.push_back({table.relation, deletion, RowSet(layout, *made.pool)});
        }
        ChangeChunk& chunk = transaction.changes.back();
        vm::DurableId id;
        if (!StoredRowCodec(relation, layout, *made.pool).decode_row(image->row, words) ||
            (is_bag && !StoredRowCodec::decode_id(change.key, id))) {
          return sql_error("XX001", "a logged row of \"" + table.name + "\" is damaged");
        }
        chunk.rows.append(words);
        if (is_bag) chunk.ids.push_back(id);
      }
    }
    return {};
  }

  ManualClock clock_;
  std::shared_ptr<store::SimulatedDisk> disk_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace

Expected<CheckReport> replay_engine(EngineState& state) {
  CheckReport report;
  if (state.store == nullptr) return report;
  if (state.store->log_floor() > 1) {
    return sql_error("72000", "the log begins at version " +
                                  std::to_string(state.store->log_floor()) +
                                  ": what was before cannot be replayed");
  }
  Replayer replayer;
  if (auto opened = replayer.open(); !opened) return unexpected(std::move(opened).error());
  auto log = state.store->read_log(1);
  if (!log) return unexpected(std::move(log).error());
  while ((*log)->next()) {
    const store::LogRecord& record = (*log)->record();
    ++report.records;
    auto difference = replayer.replay(record);
    if (!difference) return unexpected(std::move(difference).error());
    if (difference->empty()) continue;
    report.problems.push_back("the record of version " + std::to_string(record.info.version) +
                              " is not what its cause leads to: " + *difference);
    return report;
  }
  if (auto status = (*log)->status(); !status) return unexpected(status.error());
  if (auto compared = replayer.compare_rows(state, report); !compared) {
    return unexpected(std::move(compared).error());
  }
  return report;
}

}  // namespace entail::engine
