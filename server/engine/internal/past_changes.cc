#include "server/engine/internal/past_changes.h"

#include <algorithm>

#include "server/engine/internal/constraints.h"
#include "server/engine/internal/persistence.h"
#include "server/engine/internal/time_travel.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

using vm::Word;

namespace {

std::string name_of(const EngineState& state, const Catalog& catalog, RelationId relation) {
  const Table* const table = catalog.table_of(relation);
  return table != nullptr ? table->name : state.program.relation(relation).name;
}

// The entries of the catalog area that say what the relations are.
std::set<std::string> definitions_of(const EngineState& state, const Catalog& catalog,
                                     RelationId relation) {
  std::set<RelationId> closure;
  state.add_base_relations(relation, closure);
  std::set<std::string> keys;
  for (const RelationId part : closure) {
    const Table* const table = catalog.table_of(part);
    if (table == nullptr || !is_derived(state, part)) continue;
    keys.insert(table->deployment.empty() ? "table/" + std::to_string(table->oid)
                                          : "deployment/" + table->deployment);
  }
  return keys;
}

}  // namespace

bool is_derived(const EngineState& state, RelationId relation) {
  return std::any_of(state.program.rules.begin(), state.program.rules.end(),
                     [&](const datalog::Rule& rule) { return rule.head.relation == relation; });
}

bool is_stored(const EngineState& state, const Catalog& catalog, RelationId relation) {
  if (state.store == nullptr) return false;
  std::set<RelationId> closure;
  state.add_base_relations(relation, closure);
  return std::all_of(closure.begin(), closure.end(), [&](RelationId part) {
    if (is_derived(state, part)) return true;
    // What nobody can state anything of has no rows at any version.
    if (catalog.table_of(part) == nullptr) return state.network->row_count(part) == 0;
    return storage_of(state, catalog, part) != 0;
  });
}

Expected<void> check_same_since(const EngineState& state, const Catalog& catalog,
                                RelationId relation, std::uint64_t version) {
  const auto refuse = [&](const std::string& what) {
    return sql_error("72000",
                     "the changes of \"" + name_of(state, catalog, relation) + "\" since version " +
                         std::to_string(version) + " cannot be told: " + what,
                     {.hint = "Subscribe again without AS OF: the snapshot shows what is there."});
  };
  std::set<RelationId> closure;
  state.add_base_relations(relation, closure);
  for (const RelationId part : closure) {
    const Table* const table = catalog.table_of(part);
    if (table == nullptr || is_derived(state, part)) continue;
    auto form = form_at(state, *table, version);
    if (!form) return unexpected(std::move(form).error());
    if (*form != nullptr && *form != table) {
      return refuse("the rows of \"" + table->name + "\" were rewritten since");
    }
  }
  for (const std::string& key : definitions_of(state, catalog, relation)) {
    auto now = state.store->catalog_get(key);
    if (!now) return unexpected(std::move(now).error());
    const auto is_same_at = [&](std::uint64_t at) -> Expected<bool> {
      auto then = state.store->catalog_get(key, at);
      if (!then) return unexpected(std::move(then).error());
      return *then == *now;
    };
    auto same = is_same_at(version);
    if (!same) return unexpected(std::move(same).error());
    if (*same) continue;
    std::uint64_t other = version, first = state.version;
    while (first - other > 1) {
      const std::uint64_t middle = other + (first - other) / 2;
      auto middle_same = is_same_at(middle);
      if (!middle_same) return unexpected(std::move(middle_same).error());
      (*middle_same ? first : other) = middle;
    }
    return refuse("its rules are those of version " + std::to_string(first) + " and later");
  }
  return {};
}

PastChanges::Base::Base(EngineState& state, std::shared_ptr<const Table> of_table)
    : table(std::move(of_table)),
      relation(state.program.relation(table->relation)),
      layout(state.layout_of(table->relation)),
      codec(relation, layout, *state.pool) {}

PastChanges::~PastChanges() = default;

Expected<std::unique_ptr<PastChanges>> PastChanges::open(EngineState& state, const Catalog& catalog,
                                                         RelationId relation, std::uint64_t since) {
  std::unique_ptr<PastChanges> past(new PastChanges(state, relation, since));
  std::set<RelationId> closure{relation};
  if (is_derived(state, relation)) {
    auto network = network_at(state, catalog, relation, since);
    if (!network) return unexpected(std::move(network).error());
    past->network_ = std::move(*network);
    past->network_->set_watched({relation});
    closure.clear();
    state.add_base_relations(relation, closure);
  }
  for (const RelationId part : closure) {
    const Table* const table = catalog.table_of(part);
    const std::uint32_t storage = storage_of(state, catalog, part);
    if (table == nullptr || storage == 0 || table->kind == TableKind::kMaterializedView) continue;
    past->bases_.emplace(storage, std::make_unique<Base>(state, catalog.shared_table(table->oid)));
  }
  auto log = state.store->read_log(since + 1);
  if (!log) return unexpected(std::move(log).error());
  past->log_ = std::move(*log);
  return past;
}

RowSet PastChanges::make_rows() const {
  return RowSet(compiler::layout_of(state_.program.relation(relation_), state_.program.types),
                *state_.pool);
}

Expected<RowSet> PastChanges::rows() const {
  if (network_ == nullptr) return rows_at(state_, *state_.catalog, relation_, done_);
  RowSet rows = make_rows();
  append_standing_rows(network_->relation(relation_), rows);
  return rows;
}

// What a record says of the bases: a table's are the changes themselves, else the network is given them.
Expected<void> PastChanges::add_changes(const store::LogRecord& record, VersionChanges& changes,
                                        bool& any) {
  std::vector<Word> row;
  std::vector<const Word*> words;
  for (const bool deletion : {true, false}) {
    for (const store::RowChange& change : record.changes) {
      const auto& image = deletion ? change.before : change.after;
      const auto found = bases_.find(change.relation);
      if (!image || found == bases_.end()) continue;
      const Base& base = *found->second;
      if (!base.codec.decode_row(image->row, row)) {
        return sql_error("XX001", "a logged row of \"" + base.table->name + "\" is damaged");
      }
      any = true;
      if (network_ == nullptr) {
        changes.rows.append(row);
        changes.signs.push_back(deletion ? -1 : 1);
        continue;
      }
      words.clear();
      for (const Word& word : row) words.push_back(&word);
      const std::int64_t weight = deletion ? -1 : 1;
      rete::FactChanges facts{words, 1, &weight};
      facts.is_arrival = false;  // The log says what became of it.
      auto changed = network_->change(base.table->relation, facts);
      if (!changed) return unexpected(with_sqlstate(std::move(changed).error()));
    }
  }
  return {};
}

Expected<std::optional<VersionChanges>> PastChanges::next(std::uint64_t last) {
  while (done_ < last) {
    if (!has_record_) {
      if (log_ == nullptr) {
        auto log = state_.store->read_log(done_ + 1);
        if (!log) return unexpected(std::move(log).error());
        log_ = std::move(*log);
      }
      if (!log_->next()) {
        if (auto status = log_->status(); !status) return unexpected(std::move(status).error());
        log_.reset();  // It ended where the log did when it was opened.
        if (state_.store->version() <= done_) break;
        continue;
      }
      has_record_ = true;
    }
    const store::LogRecord& record = log_->record();
    if (record.info.version > last) break;
    has_record_ = false;
    done_ = record.info.version;
    VersionChanges changes{done_, make_rows(), {}};
    bool any = false;
    if (auto added = add_changes(record, changes, any); !added) return unexpected(added.error());
    if (!any) continue;
    if (network_ != nullptr) {
      auto committed = network_->commit();
      if (!committed) return unexpected(with_sqlstate(std::move(committed).error()));
      for (const rete::NetChange& net : committed->changes) {
        if (net.relation != relation_) continue;
        std::vector<const Word*> arrays;
        for (const std::vector<Word>& column : net.columns) arrays.push_back(column.data());
        changes.rows.append(compiler::RowBatch{arrays, net.size()});
        changes.signs = net.signs;
      }
    }
    if (changes.rows.empty()) continue;
    return std::optional<VersionChanges>(std::move(changes));
  }
  return std::optional<VersionChanges>();
}

}  // namespace entail::engine
