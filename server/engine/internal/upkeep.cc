#include "server/engine/internal/upkeep.h"

#include <algorithm>

#include "server/engine/internal/constraints.h"
#include "server/engine/internal/engine_state.h"
#include "server/engine/internal/stored_row.h"
#include "server/engine/sql_error.h"
#include "vm/row_scan.h"

namespace entail::engine {

using vm::Word;

namespace {

// All rows of a relation, sorted by their words: equal values have equal words. `with_ids`: durable ones behind.
std::vector<std::vector<Word>> sorted_rows(const vm::StandingRelation& relation,
                                           std::uint32_t words, bool with_ids = false) {
  std::vector<std::vector<Word>> rows;
  for (const vm::Row row : vm::visible_rows(relation)) {
    std::vector<Word>& out = rows.emplace_back(words);
    for (std::uint32_t c = 0; c < words; ++c) relation.load(c, &row, 1, &out[c]);
    if (with_ids) {
      out.push_back(relation.durable_id(row).source);
      out.push_back(relation.durable_id(row).ordinal);
    }
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

Expected<void> compare_with_store(EngineState& state, const Table& table, CheckReport& report) {
  const compiler::RelationLayout& layout = state.layout_of(table.relation);
  const StoredRowCodec codec(state.program.relation(table.relation), layout, *state.pool);
  auto scan = state.store->scan(table.storage);
  if (!scan) return unexpected(std::move(scan).error());
  const vm::StandingRelation& relation = state.rows_of(table.relation);
  std::vector<std::vector<Word>> columns(layout.words.size());
  std::vector<vm::DurableId> ids;
  while ((*scan)->next()) {
    vm::DurableId id;
    if (!codec.decode((*scan)->row().image.row, columns) ||
        (relation.options().bag && !StoredRowCodec::decode_id((*scan)->row().key, id))) {
      report.problems.push_back("a stored row of \"" + table.name + "\" cannot be read");
      return {};
    }
    ids.push_back(id);
  }
  if (auto status = (*scan)->status(); !status) return status;
  std::vector<std::vector<Word>> stored(columns[0].size());
  for (std::size_t i = 0; i < stored.size(); ++i) {
    for (const std::vector<Word>& column : columns) stored[i].push_back(column[i]);
    if (relation.options().bag) {
      stored[i].push_back(ids[i].source);
      stored[i].push_back(ids[i].ordinal);
    }
  }
  std::sort(stored.begin(), stored.end());
  const auto words = static_cast<std::uint32_t>(layout.words.size());
  if (stored != sorted_rows(relation, words, /*with_ids=*/relation.options().bag)) {
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
  auto fresh = rete::Network::create(state.program, state.side_network_options());
  if (!fresh) return unexpected(with_sqlstate(std::move(fresh).error()));
  for (const auto& [oid, table] : state.catalog->tables()) {
    if (!table->holds_rows() || table->kind == TableKind::kMaterializedView) continue;
    const vm::StandingRelation& rows = state.rows_of(table->relation);
    RowSet stated(state.layout_of(table->relation), *state.pool);
    for (const vm::Row row : vm::visible_rows(rows)) {
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

}  // namespace entail::engine
