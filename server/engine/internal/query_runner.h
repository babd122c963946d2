// server/engine/internal/query_runner.h - a lowered query, compiled once, and what it needs to be run: values of the
// session, rows of system relations, rows of the past.
//
// Threads: the engine's.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "compiler/prepared_query.h"
#include "server/engine/internal/engine_state.h"
#include "server/engine/internal/read_set.h"
#include "server/engine/internal/row_set.h"
#include "server/engine/result.h"
#include "sql2datalog/lower_statement.h"

namespace entail::engine {

class SessionImpl;

// Rows of somebody's layout for a given relation of kind kInput; the columns of several batches side by side,
// all with the same number of rows. Columns that can be null in one layout and not in the other are fitted.
struct InputPart {
  compiler::RowBatch rows;
  const compiler::RelationLayout* layout = nullptr;
};
using InputRows = std::vector<InputPart>;

class QueryRunner {
 public:
  static Expected<std::unique_ptr<QueryRunner>> create(EngineState& state,
                                                       sql2datalog::LoweredQuery lowered);

  // The program has gone into the compiled query; the rest is as lowering left it.
  const sql2datalog::LoweredQuery& lowered() const { return lowered_; }
  const ResultShape& shape() const { return shape_; }
  const compiler::RelationLayout& layout() const { return query_->layout(); }
  const compiler::RelationLayout& given_layout(std::size_t position) const {
    return query_->given_layout(position);
  }
  std::size_t statement_parameters() const { return lowered_.parameters.size(); }
  // Of all parameters, those of the statement first.
  std::span<const vm::Type> parameter_types() const { return parameter_types_; }

  // `input`: the rows of the given relation of kind kInput, if the query has one.
  Expected<void> run(SessionImpl& session, std::span<const compiler::ParameterValue> parameters,
                     const InputRows& input, compiler::RowSink& sink);
  Expected<void> run(SessionImpl& session, std::span<const compiler::ParameterValue> parameters,
                     const InputRows& input, compiler::QueryResult& result);

  std::string explain(bool analyze) const { return query_->explain(analyze); }
  const compiler::QueryCounters& counters() const { return query_->counters(); }

 private:
  QueryRunner(EngineState& state, sql2datalog::LoweredQuery lowered)
      : state_(state), lowered_(std::move(lowered)) {}

  template <typename Sink>
  Expected<void> run_into(SessionImpl& session,
                          std::span<const compiler::ParameterValue> parameters,
                          const InputRows& input, Sink& sink);
  compiler::RowBatch fit(const InputRows& input, const compiler::RelationLayout& layout);

  EngineState& state_;
  sql2datalog::LoweredQuery lowered_;
  void note_reads(Transaction& transaction) const;

  std::unique_ptr<compiler::PreparedQuery> query_;
  std::vector<Reading> readings_;  // Of base relations.
  std::vector<vm::Type> parameter_types_;
  ResultShape shape_;
  std::vector<compiler::ParameterValue> values_;
  std::vector<compiler::RowBatch> given_;
  std::vector<const vm::Word*> input_arrays_;
  std::vector<vm::Word> zeros_;  // Null flags of columns that have none where the rows come from.
};

// The columns of a result as clients are told of them; types from the layout.
ResultShape shape_of(std::span<const sql2datalog::OutputColumn> columns,
                     const compiler::RelationLayout& layout, std::size_t first = 0);

}  // namespace entail::engine
