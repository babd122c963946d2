#include "server/engine/internal/upkeep.h"

#include <algorithm>
#include <map>

#include "server/engine/internal/constraints.h"
#include "server/engine/internal/engine_state.h"
#include "server/engine/internal/stored_row.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

using vm::Word;

namespace {

// All rows of a relation, sorted by their words: equal values have equal words.
std::vector<std::vector<Word>> sorted_rows(const vm::StandingRelation& relation,
                                           std::uint32_t words) {
  std::vector<std::vector<Word>> rows;
  vm::Row position = 0, row = 0;
  while (relation.scan(vm::View::kTotal, position, &row, 1) == 1) {
    std::vector<Word>& out = rows.emplace_back(words);
    for (std::uint32_t c = 0; c < words; ++c) relation.load(c, &row, 1, &out[c]);
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

Expected<void> compare_with_store(EngineState& state, const Table& table, CheckReport& report) {
  const compiler::RelationLayout& layout = state.layout_of(table.relation);
  const StoredRowCodec codec(state.program.relation(table.relation), layout, *state.pool);
  auto scan = state.store->scan(table.storage);
  if (!scan) return unexpected(std::move(scan).error());
  std::vector<std::vector<Word>> columns(layout.words.size());
  while ((*scan)->next()) {
    if (!codec.decode((*scan)->row().image.row, columns)) {
      report.problems.push_back("a stored row of \"" + table.name + "\" cannot be read");
    }
  }
  if (auto status = (*scan)->status(); !status) return status;
  std::vector<std::vector<Word>> stored(columns[0].size());
  for (std::size_t i = 0; i < stored.size(); ++i) {
    for (const std::vector<Word>& column : columns) stored[i].push_back(column[i]);
  }
  std::sort(stored.begin(), stored.end());
  const auto words = static_cast<std::uint32_t>(layout.words.size());
  if (stored != sorted_rows(state.rows_of(table.relation), words)) {
    report.problems.push_back("the rows of \"" + table.name + "\" are not those of the store");
  }
  return {};
}

}  // namespace

Expected<CheckReport> check_engine(EngineState& state) {
  CheckReport report;
  state.take_head_back();
  state.network->verify();
  if (state.store != nullptr) {
    if (auto verified = state.store->verify(); !verified) {
      report.problems.push_back(verified.error().message);
    }
  }
  rete::NetworkOptions options;
  options.pool = state.pool.get();
  options.memory = &state.memory;
  auto fresh = rete::Network::create(state.program, std::move(options));
  if (!fresh) return unexpected(with_sqlstate(std::move(fresh).error()));
  for (const auto& [oid, table] : state.catalog->tables()) {
    if (!table->holds_rows() || table->kind == TableKind::kMaterializedView) continue;
    const vm::StandingRelation& rows = state.rows_of(table->relation);
    RowSet stated(state.layout_of(table->relation), *state.pool);
    vm::Row position = 0, row = 0;
    while (rows.scan(vm::View::kTotal, position, &row, 1) == 1) {
      if (rows.is_stated(row)) append_standing_row(rows, row, stated);
    }
    if (auto loaded = (*fresh)->load(table->relation, {stated.arrays(), stated.size()}); !loaded) {
      return unexpected(with_sqlstate(std::move(loaded).error()));
    }
    if (state.store != nullptr && !table->temporary && table->kind == TableKind::kTable) {
      if (auto compared = compare_with_store(state, *table, report); !compared) {
        report.problems.push_back(compared.error().message);
      }
    }
  }
  if (auto ended = (*fresh)->end_load(1); !ended) {
    return unexpected(with_sqlstate(std::move(ended).error()));
  }
  for (std::size_t i = 0; i < state.program.relations.size(); ++i) {
    const auto id = static_cast<RelationId>(i);
    if (state.program.relations[i].dropped) continue;
    ++report.relations;
    report.rows += state.network->row_count(id);
    const std::uint32_t words = state.network->declared_words(id);
    if (sorted_rows(state.network->relation(id), words) !=
        sorted_rows((*fresh)->relation(id), (*fresh)->declared_words(id))) {
      report.problems.push_back("relation \"" + state.program.relations[i].name +
                                "\" differs from what its rules derive from scratch");
    }
  }
  return report;
}

// The rows that the log says there are, from its first record on, against those that are current.
Expected<CheckReport> replay_engine(EngineState& state) {
  CheckReport report;
  if (state.store == nullptr) return report;
  if (state.store->log_floor() > 1) {
    return sql_error("72000", "the log begins at version " +
                                  std::to_string(state.store->log_floor()) +
                                  ": what was before cannot be replayed");
  }
  auto log = state.store->read_log(1);
  if (!log) return unexpected(std::move(log).error());
  std::map<std::pair<store::RelationNumber, std::string>, std::string> rows;
  while ((*log)->next()) {
    const store::LogRecord& record = (*log)->record();
    ++report.records;
    for (const store::RowChange& change : record.changes) {
      const std::pair key(change.relation, std::string(change.key));
      const auto found = rows.find(key);
      const bool matches = change.before
                               ? found != rows.end() && found->second == change.before->row
                               : found == rows.end();
      if (!matches) {
        report.problems.push_back("version " + std::to_string(record.info.version) +
                                  " changes a row that was not there as it says");
      }
      if (change.after) {
        rows[key] = std::string(change.after->row);
      } else if (found != rows.end()) {
        rows.erase(found);
      }
    }
  }
  if (auto status = (*log)->status(); !status) return unexpected(status.error());
  for (const auto& [oid, table] : state.catalog->tables()) {
    if (!table->holds_rows() || table->kind == TableKind::kMaterializedView) continue;
    auto scan = state.store->scan(table->storage);
    if (!scan) return unexpected(std::move(scan).error());
    ++report.relations;
    std::uint64_t seen = 0;
    while ((*scan)->next()) {
      const store::StoredRow& row = (*scan)->row();
      ++seen;
      const auto found = rows.find({table->storage, std::string(row.key)});
      if (found == rows.end() || found->second != row.image.row) {
        report.problems.push_back("a row of \"" + table->name +
                                  "\" is not what the log made of it");
      }
    }
    if (auto status = (*scan)->status(); !status) return unexpected(status.error());
    report.rows += seen;
    const auto first = rows.lower_bound({table->storage, ""});
    const auto last = rows.lower_bound({table->storage + 1, ""});
    if (static_cast<std::uint64_t>(std::distance(first, last)) != seen) {
      report.problems.push_back("the log made another number of rows of \"" + table->name + "\"");
    }
  }
  return report;
}

}  // namespace entail::engine
