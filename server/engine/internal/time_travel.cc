#include "server/engine/internal/time_travel.h"

#include <algorithm>
#include <optional>

#include "server/engine/internal/constraints.h"
#include "server/engine/internal/past_changes.h"
#include "server/engine/internal/persistence.h"
#include "server/engine/internal/session_impl.h"
#include "server/engine/internal/stored_row.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

using compiler::ParameterValue;
using vm::Word;

namespace {

// The value of an AS OF expression: a constant or a parameter, a bigint or a timestamptz.
std::optional<std::int64_t> value_of(const datalog::Expression& expression,
                                     std::span<const ParameterValue> parameters) {
  switch (expression.op) {
    case datalog::ExpressionOp::kConstant:
      return vm::int_of(expression.words[0]);
    case datalog::ExpressionOp::kParameter:
      if (expression.detail >= parameters.size() || parameters[expression.detail].null) {
        return std::nullopt;
      }
      return vm::int_of(parameters[expression.detail].words[0]);
    case datalog::ExpressionOp::kCast:
    case datalog::ExpressionOp::kConvert:
      return expression.arguments.size() == 1 ? value_of(expression.arguments.front(), parameters)
                                              : std::nullopt;
    default:
      return std::nullopt;
  }
}

// Where the columns of a table were in one of its former forms; those that it did not have are null.
Expected<std::vector<std::optional<std::uint32_t>>> columns_in(const Table& table,
                                                               const Table& form) {
  std::vector<std::optional<std::uint32_t>> places(table.columns.size());
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const TableColumn& column = table.columns[c];
    for (std::uint32_t f = 0; f < form.columns.size(); ++f) {
      if (form.columns[f].attribute == column.attribute) places[c] = f;
    }
    if (!places[c] && column.not_null) {
      return sql_error("0A000", "column \"" + column.name + "\" of relation \"" + table.name +
                                    "\" did not exist at that version, and cannot be null");
    }
    if (places[c] && form.columns[*places[c]].type != column.type) {
      return sql_error("0A000", "column \"" + column.name + "\" of relation \"" + table.name +
                                    "\" had another type at that version");
    }
  }
  return places;
}

// Hands the rows of a table at a version, in batches, to somebody.
template <typename Take>
Expected<void> scan_table(EngineState& state, const Catalog& catalog, const Table& table,
                          std::uint64_t version, Take take) {
  auto form = form_at(state, table, version);
  if (!form) return unexpected(std::move(form).error());
  if (*form == nullptr) return {};
  auto places = columns_in(table, **form);
  if (!places) return unexpected(std::move(places).error());
  const datalog::Relation stored_relation =
      *form == &table ? state.program.relation(table.relation) : relation_of(**form, catalog);
  const compiler::RelationLayout stored = compiler::layout_of(stored_relation, state.program.types);
  const compiler::RelationLayout layout =
      compiler::layout_of(state.program.relation(table.relation), state.program.types);
  const StoredRowCodec codec(stored_relation, stored, *state.pool);
  auto scan = state.store->scan((*form)->storage, version);
  if (!scan) return unexpected(std::move(scan).error());
  std::vector<std::vector<Word>> columns(stored.words.size());
  std::vector<Word> zeros, ones;
  const auto give = [&]() -> Expected<void> {
    const std::size_t n = columns[0].size();
    if (n == 0) return {};
    zeros.resize(n, 0);
    ones.resize(n, 1);
    std::vector<const Word*> arrays;
    for (std::size_t c = 0; c < layout.columns.size(); ++c) {
      const compiler::ColumnLayout& column = layout.columns[c];
      const compiler::ColumnLayout* const from =
          (*places)[c] ? &stored.columns[*(*places)[c]] : nullptr;
      for (std::uint32_t w = 0; w < column.value_words; ++w) {
        arrays.push_back(from == nullptr ? zeros.data() : columns[from->first_word + w].data());
      }
      if (!column.nullable) {
        if (from == nullptr || !from->nullable) continue;
        const std::vector<Word>& nulls = columns[from->null_word()];
        if (std::find(nulls.begin(), nulls.end(), Word{1}) == nulls.end()) continue;
        return sql_error("0A000", "column \"" + table.columns[c].name + "\" of relation \"" +
                                      table.name + "\" had null values at that version");
      }
      arrays.push_back(from == nullptr  ? ones.data()
                       : from->nullable ? columns[from->null_word()].data()
                                        : zeros.data());
    }
    if (arrays.empty()) arrays.push_back(zeros.data());  // A relation without columns.
    auto taken = take(compiler::RowBatch{arrays, n});
    for (std::vector<Word>& column : columns) column.clear();
    return taken;
  };
  while ((*scan)->next()) {
    if (!codec.decode((*scan)->row().image.row, columns)) {
      return sql_error("XX001", "a stored row of \"" + table.name + "\" is damaged");
    }
    if (columns[0].size() < 4096) continue;
    if (auto given = give(); !given) return given;
  }
  if (auto status = (*scan)->status(); !status) return status;
  return give();
}

}  // namespace

Expected<RowSet> rows_of_the_past(SessionImpl& session, const sql2datalog::GivenRelation& given,
                                  std::span<const ParameterValue> parameters) {
  EngineState& state = session.state();
  if (state.store == nullptr) {
    return sql_error("0A000", "AS OF needs a data directory: this engine keeps no versions");
  }
  ENTAIL_ENSURE(given.as_of.has_value() && given.table != nullptr);
  const auto value = value_of(*given.as_of, parameters);
  if (!value) return sql_error("22004", "AS OF needs a value that is not null");
  std::uint64_t version = 0;
  if (given.travel == grammar::sql::TimeTravelKind::kVersion) {
    if (*value < 0 || static_cast<std::uint64_t>(*value) > state.store->version()) {
      return sql_error("22023", "version " + std::to_string(*value) +
                                    " does not exist: the newest "
                                    "is " +
                                    std::to_string(state.store->version()));
    }
    version = static_cast<std::uint64_t>(*value);
  } else {
    auto at = state.store->version_at(*value);
    if (!at) return unexpected(std::move(at).error());
    version = *at;
  }
  const Table* const table = session.catalog().table(given.table->oid);
  if (table == nullptr) return sql_error("42P01", "relation does not exist");
  return rows_at(state, session.catalog(), table->relation, version);
}

Expected<RowSet> rows_at(EngineState& state, const Catalog& catalog, RelationId relation,
                         std::uint64_t version) {
  // As declared: what stands has more columns where it is a derived bag.
  RowSet rows(compiler::layout_of(state.program.relation(relation), state.program.types),
              *state.pool);
  if (is_derived(state, relation)) {
    auto network = network_at(state, catalog, relation, version);
    if (!network) return unexpected(std::move(network).error());
    append_standing_rows((*network)->relation(relation), rows);
    return rows;
  }
  const Table* const table = catalog.table_of(relation);
  ENTAIL_ENSURE(table != nullptr);
  auto scanned = scan_table(state, catalog, *table, version, [&](const compiler::RowBatch& batch) {
    rows.append(batch);
    return Expected<void>();
  });
  if (!scanned) return unexpected(std::move(scanned).error());
  return rows;
}

Expected<std::unique_ptr<rete::Network>> network_at(EngineState& state, const Catalog& catalog,
                                                    RelationId relation, std::uint64_t version) {
  rete::NetworkOptions options = state.side_network_options();
  options.cancel = &state.cancel;
  datalog::RuleProgram program;
  program.types = state.program.types.clone();
  program.relations = state.program.relations;
  program.rules = state.program.rules;
  program.strata = state.program.strata;
  auto network = rete::Network::create(program, std::move(options));
  if (!network) return unexpected(with_sqlstate(std::move(network).error()));
  std::set<RelationId> bases;
  state.add_base_relations(relation, bases);
  for (const RelationId base : bases) {
    const Table* const source = catalog.table_of(base);
    if (source == nullptr || source->kind == TableKind::kMaterializedView) continue;
    auto scanned =
        scan_table(state, catalog, *source, version, [&](const compiler::RowBatch& batch) {
          return (*network)->load(base, {batch.columns, batch.n});
        });
    if (!scanned) return unexpected(std::move(scanned).error());
  }
  if (auto ended = (*network)->end_load(1); !ended) {
    return unexpected(with_sqlstate(std::move(ended).error()));
  }
  return network;
}

}  // namespace entail::engine
