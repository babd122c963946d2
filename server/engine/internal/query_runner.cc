#include "server/engine/internal/query_runner.h"

#include "server/engine/internal/session_catalog.h"
#include "server/engine/internal/session_impl.h"
#include "server/engine/internal/time_travel.h"
#include "server/engine/sql_error.h"
#include "server/engine/system_relation.h"

namespace entail::engine {

ResultShape shape_of(std::span<const sql2datalog::OutputColumn> columns,
                     const compiler::RelationLayout& layout, std::size_t first) {
  ResultShape shape;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const compiler::ColumnLayout& stored = layout.columns[first + c];
    OutputColumn column;
    column.name = columns[c].name;
    column.type_oid = columns[c].type.oid;
    column.typmod = columns[c].type.typmod;
    column.type = stored.type;
    column.nullable = stored.nullable;
    column.table_oid = columns[c].table;
    column.attribute = static_cast<std::int16_t>(columns[c].attribute);
    shape.add(std::move(column));
  }
  return shape;
}

Expected<std::unique_ptr<QueryRunner>> QueryRunner::create(EngineState& state,
                                                           sql2datalog::LoweredQuery lowered) {
  std::unique_ptr<QueryRunner> runner(new QueryRunner(state, std::move(lowered)));
  compiler::PreparedQueryOptions options;
  options.pool = state.pool.get();
  options.bind = [&state](RelationId relation) { return &state.rows_of(relation); };
  options.add_index = [&state](RelationId relation,
                               const vm::IndexSpec& spec) -> std::optional<std::uint32_t> {
    auto index = state.network->add_index(relation, spec);
    return index ? std::optional(*index) : std::nullopt;
  };
  options.cancel = &state.cancel;
  options.memory = &state.memory;
  runner->parameter_types_ = runner->lowered_.program.parameters;
  const std::size_t answer_columns = runner->lowered_.program.answer_columns;
  if (!runner->lowered_.locking.empty()) {
    // The rows that are locked stand behind the answer's columns.
    datalog::QueryProgram& program = runner->lowered_.program;
    program.answer_columns =
        static_cast<std::uint32_t>(program.program.relation(program.answer).columns.size());
  }
  std::set<RelationId> whole;
  for (Reading& reading : readings_of(runner->lowered_.program)) {
    std::set<RelationId> bases;
    state.add_base_relations(reading.relation, bases);
    if (bases.size() > 1) {
      whole.insert(bases.begin(), bases.end());
    } else {
      runner->readings_.push_back(std::move(reading));
    }
  }
  for (const RelationId relation : whole) runner->readings_.push_back({relation, {}});
  auto query = compiler::PreparedQuery::create(std::move(runner->lowered_.program), options);
  if (!query) return unexpected(with_sqlstate(std::move(query).error()));
  runner->query_ = std::move(*query);
  const std::span<const sql2datalog::OutputColumn> columns(runner->lowered_.columns);
  runner->shape_ =
      shape_of(columns.first(std::min(columns.size(), answer_columns)), runner->layout());
  return runner;
}

compiler::RowBatch QueryRunner::fit(const InputRows& input,
                                    const compiler::RelationLayout& layout) {
  ENTAIL_ENSURE(!input.empty());
  const std::size_t n = input.front().rows.n;
  if (zeros_.size() < n) zeros_.resize(n, 0);
  input_arrays_.clear();
  std::size_t to = 0;
  for (const InputPart& part : input) {
    ENTAIL_ENSURE(part.rows.n == n);
    for (const compiler::ColumnLayout& from : part.layout->columns) {
      const compiler::ColumnLayout& column = layout.columns[to++];
      ENTAIL_ENSURE(column.value_words == from.value_words);
      for (std::uint32_t w = 0; w < from.value_words; ++w) {
        input_arrays_.push_back(part.rows.columns[from.first_word + w]);
      }
      if (!column.nullable) continue;
      input_arrays_.push_back(from.nullable ? part.rows.columns[from.null_word()] : zeros_.data());
    }
  }
  if (layout.columns.empty()) input_arrays_.push_back(zeros_.data());
  ENTAIL_ENSURE(to == layout.columns.size() && input_arrays_.size() == layout.words.size());
  return {input_arrays_, n};
}

void QueryRunner::note_reads(Transaction& transaction) const {
  for (const Reading& reading : readings_) {
    transaction.reads.add(reading, values_, state_.layout_of(reading.relation), *state_.pool);
  }
}

template <typename Sink>
Expected<void> QueryRunner::run_into(SessionImpl& session,
                                     std::span<const compiler::ParameterValue> parameters,
                                     const InputRows& input, Sink& sink) {
  values_.assign(parameters.begin(), parameters.end());
  values_.resize(lowered_.parameters.size(), compiler::ParameterValue{{0, 0}, true});
  for (const sql2datalog::SessionValue& wanted : lowered_.session_values) {
    sql2datalog::SessionValue joined;
    if (!wanted.parts.empty()) {
      joined = wanted;
      for (const sql2datalog::TextPart& part : wanted.parts) {
        if (part.kind == sql2datalog::TextPart::Kind::kText) joined.value += part.text;
        if (part.kind == sql2datalog::TextPart::Kind::kSetting) {
          auto setting = session.settings().show(part.text);
          if (!setting) return unexpected(std::move(setting).error());
          joined.value += *setting;
        }
        if (part.kind == sql2datalog::TextPart::Kind::kParameter) {
          const compiler::ParameterValue& given = values_[part.parameter];
          vm::TextScratch scratch;
          if (!given.null) joined.value += state_.pool->view(given.words[0], scratch);
        }
      }
    }
    auto value = session.session_value(wanted.parts.empty() ? wanted : joined);
    if (!value) return unexpected(std::move(value).error());
    values_.push_back(*value);
  }
  if (Transaction* const transaction = session.transaction();
      transaction != nullptr && transaction->isolation == Isolation::kSerializable) {
    note_reads(*transaction);
  }
  std::vector<std::unique_ptr<SystemRows>> system_rows;
  std::vector<std::vector<const vm::Word*>> arrays;
  std::vector<RowSet> past;
  past.reserve(lowered_.given.size());
  arrays.reserve(lowered_.given.size());
  given_.clear();
  for (const sql2datalog::GivenRelation& given : lowered_.given) {
    switch (given.kind) {
      case sql2datalog::GivenKind::kInput:
        given_.push_back(fit(input, query_->given_layout(given_.size())));
        break;
      case sql2datalog::GivenKind::kSystem: {
        const SystemRelation* const relation = find_system_relation(given.table->oid);
        ENTAIL_ENSURE(relation != nullptr);
        auto rows = std::make_unique<SystemRows>(system_types(*relation, state_.program.types),
                                                 *state_.pool);
        const SystemContext context{session.catalog(),  *state_.engine, session,
                                    session.settings(), session.user(), session.options().database};
        if (auto made = relation->rows(context, *rows); !made) return made;
        arrays.emplace_back();
        for (const std::vector<vm::Word>& column : rows->columns()) {
          arrays.back().push_back(column.data());
        }
        given_.push_back({arrays.back(), rows->row_count()});
        system_rows.push_back(std::move(rows));
        break;
      }
      case sql2datalog::GivenKind::kSnapshot: {
        auto rows = rows_of_the_past(session, given, values_);
        if (!rows) return unexpected(std::move(rows).error());
        past.push_back(std::move(*rows));
        given_.push_back(past.back().batch());
        break;
      }
    }
  }
  compiler::QueryArguments arguments;
  arguments.parameters = values_;
  arguments.given = given_;
  auto done = query_->run(arguments, sink);
  if (!done) return unexpected(with_sqlstate(std::move(done).error()));
  return {};
}

Expected<void> QueryRunner::run(SessionImpl& session,
                                std::span<const compiler::ParameterValue> parameters,
                                const InputRows& input, compiler::RowSink& sink) {
  return run_into(session, parameters, input, sink);
}

Expected<void> QueryRunner::run(SessionImpl& session,
                                std::span<const compiler::ParameterValue> parameters,
                                const InputRows& input, compiler::QueryResult& result) {
  return run_into(session, parameters, input, result);
}

}  // namespace entail::engine
