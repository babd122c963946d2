// From the text of a statement to a plan, and the plan cache.
#include <algorithm>

#include "grammar/sql_parser.h"
#include "server/engine/internal/changer.h"
#include "server/engine/internal/portal_impl.h"
#include "server/engine/internal/session_impl.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

namespace sql = grammar::sql;

namespace {

std::string cache_key(std::string_view text, std::span<const std::uint32_t> oids,
                      const Catalog& catalog, const EngineState& state,
                      const std::string& search_path, const std::string& temporary_schema) {
  std::string key(text);
  key.push_back('\0');
  key += std::to_string(catalog.version()) + "," + std::to_string(state.objects_epoch) + "," +
         search_path + "," + temporary_schema;
  for (const std::uint32_t oid : oids) key += "," + std::to_string(oid);
  return key;
}

constexpr std::size_t kPlansMax = 4096;

}  // namespace

Expected<std::vector<std::shared_ptr<const sql::Statement>>> parse_statements(
    std::string_view text) {
  auto parsed = sql::parse_sql(text);
  if (!parsed) return unexpected(with_sqlstate(std::move(parsed).error()));
  std::vector<std::shared_ptr<const sql::Statement>> result;
  for (sql::Statement& statement : *parsed) {
    result.push_back(std::make_shared<const sql::Statement>(std::move(statement)));
  }
  return result;
}

Expected<std::shared_ptr<Plan>> SessionImpl::plan_text(
    std::string_view text, std::span<const std::uint32_t> parameter_oids) {
  std::string key = cache_key(text, parameter_oids, catalog(), state_,
                              settings_.ready().search_path, temporary_schema_);
  const auto cached = state_.plans.find(key);
  if (cached != state_.plans.end()) return cached->second;
  auto statements = parse_statements(text);
  if (!statements) return unexpected(std::move(statements).error());
  if (statements->size() > 1) {
    return sql_error("42601", "cannot insert multiple commands into a prepared statement");
  }
  auto plan =
      plan_statement(statements->empty() ? nullptr : statements->front(), text, parameter_oids);
  if (!plan) return plan;
  // What depends on more than names is planned each time.
  if ((*plan)->kind != PlanKind::kUtility) {
    if (state_.plans.size() >= kPlansMax) state_.plans.clear();
    state_.plans.emplace(std::move(key), *plan);
  }
  return plan;
}

Expected<std::shared_ptr<Plan>> SessionImpl::refresh(const std::shared_ptr<Plan>& plan) {
  if (plan->kind == PlanKind::kUtility || plan->kind == PlanKind::kEmpty) return plan;
  if (plan->catalog_version == catalog().version() && plan->objects_epoch == state_.objects_epoch &&
      plan->search_path == settings_.ready().search_path) {
    return plan;
  }
  auto fresh = plan_statement(plan->statement, plan->text, plan->parameter_oids);
  if (!fresh) return fresh;
  const bool same_shape = (*fresh)->gives_rows == plan->gives_rows &&
                          std::equal((*fresh)->shape.columns.begin(), (*fresh)->shape.columns.end(),
                                     plan->shape.columns.begin(), plan->shape.columns.end(),
                                     [](const OutputColumn& a, const OutputColumn& b) {
                                       return a.type_oid == b.type_oid;
                                     });
  if (!same_shape) return sql_error("0A000", "cached plan must not change result type");
  return fresh;
}

Expected<NamedChecks> SessionImpl::checks_of(const Table& table) {
  const SessionCatalog names = session_catalog();
  NamedChecks checks;
  for (const TableConstraint& constraint : table.constraints) {
    if (constraint.type != ConstraintType::kCheck) continue;
    sql2datalog::LoweringContext context;
    context.catalog = &names;
    context.text = constraint.check_text;
    auto lowered = sql2datalog::lower_check(catalog().description(table), *constraint.check,
                                            /*violations=*/true, context);
    if (!lowered) return unexpected(std::move(lowered).error());
    auto runner = QueryRunner::create(state_, std::move(*lowered));
    if (!runner) return unexpected(std::move(runner).error());
    checks.emplace_back(constraint.name, std::move(*runner));
  }
  return checks;
}

Expected<std::shared_ptr<Plan>> SessionImpl::plan_statement(
    std::shared_ptr<const sql::Statement> statement, std::string_view text,
    std::span<const std::uint32_t> parameter_oids) {
  auto plan = std::make_shared<Plan>();
  plan->text = std::string(text);
  plan->statement = statement;
  plan->catalog_version = catalog().version();
  plan->objects_epoch = state_.objects_epoch;
  plan->search_path = settings_.ready().search_path;
  if (statement == nullptr) return plan;
  const SessionCatalog names = session_catalog();
  std::vector<SqlType> declared;
  for (const std::uint32_t oid : parameter_oids) declared.push_back({oid, -1});
  sql2datalog::LoweringContext context;
  context.catalog = &names;
  context.text = plan->text;
  context.parameter_types = declared;

  const auto take_parameters = [&](const QueryRunner& runner) {
    const auto& types = runner.lowered().parameters;
    for (std::size_t i = 0; i < types.size(); ++i) {
      plan->parameter_oids.push_back(types[i].oid);
      plan->parameter_types.push_back(runner.parameter_types()[i]);
    }
  };
  const auto compile = [&](sql2datalog::LoweredQuery& lowered) {
    const std::vector<RelationId> reads = lowered.reads;
    plan->reads.insert(plan->reads.end(), reads.begin(), reads.end());
    return QueryRunner::create(state_, std::move(lowered));
  };
  const auto compile_checks = [&](const Table& table) -> Expected<void> {
    auto checks = checks_of(table);
    if (!checks) return unexpected(std::move(checks).error());
    for (auto& [name, runner] : *checks) {
      const std::vector<RelationId>& reads = runner->lowered().reads;
      plan->reads.insert(plan->reads.end(), reads.begin(), reads.end());
    }
    plan->checks = std::move(*checks);
    return {};
  };

  if (const auto* select = statement->as<sql::SelectStatement>();
      select != nullptr && !is_select_into(*select)) {
    auto lowered = sql2datalog::lower_query(select->query, context);
    if (!lowered) return unexpected(std::move(lowered).error());
    auto runner = compile(*lowered);
    if (!runner) return unexpected(std::move(runner).error());
    plan->kind = PlanKind::kQuery;
    plan->query = std::move(*runner);
    plan->shape = plan->query->shape();
    plan->gives_rows = true;
    take_parameters(*plan->query);
    return plan;
  }
  if (const auto* insert = statement->as<sql::Insert>()) {
    auto lowered = sql2datalog::lower_insert(*insert, context);
    if (!lowered) return unexpected(std::move(lowered).error());
    plan->kind = PlanKind::kInsert;
    plan->insert = std::make_unique<InsertPlan>();
    InsertPlan& made = *plan->insert;
    auto source = compile(lowered->source);
    if (!source) return unexpected(std::move(source).error());
    made.source = std::move(*source);
    for (auto [from, to] : {std::pair{&lowered->generated, &made.generated},
                            std::pair{&lowered->conflict_update, &made.conflict_update},
                            std::pair{&lowered->returning, &made.returning}}) {
      if (!*from) continue;
      auto runner = compile(**from);
      if (!runner) return unexpected(std::move(runner).error());
      *to = std::move(*runner);
    }
    made.lowered = std::move(*lowered);
    take_parameters(*made.source);
    if (made.returning != nullptr) {
      plan->shape = made.returning->shape();
      plan->gives_rows = true;
    }
    const Table* const table = catalog().table(made.lowered.table->oid);
    if (table != nullptr) {
      if (auto checks = compile_checks(*table); !checks) return unexpected(checks.error());
    }
    return plan;
  }
  if (const auto* update = statement->as<sql::Update>()) {
    auto lowered = sql2datalog::lower_update(*update, context);
    if (!lowered) return unexpected(std::move(lowered).error());
    plan->kind = PlanKind::kUpdate;
    plan->update = std::make_unique<UpdatePlan>();
    UpdatePlan& made = *plan->update;
    auto source = compile(lowered->source);
    if (!source) return unexpected(std::move(source).error());
    made.source = std::move(*source);
    made.lowered = std::move(*lowered);
    made.may_repeat = !update->from.empty();
    take_parameters(*made.source);
    if (made.lowered.has_returning) {
      made.returning = shape_of(made.lowered.returning, made.source->layout(),
                                2 * made.lowered.table->columns.size());
      plan->shape = made.returning;
      plan->gives_rows = true;
    }
    const Table* const table = catalog().table(made.lowered.table->oid);
    if (table != nullptr) {
      if (auto checks = compile_checks(*table); !checks) return unexpected(checks.error());
    }
    return plan;
  }
  if (const auto* remove = statement->as<sql::Delete>()) {
    auto lowered = sql2datalog::lower_delete(*remove, context);
    if (!lowered) return unexpected(std::move(lowered).error());
    plan->kind = PlanKind::kDelete;
    plan->remove = std::make_unique<DeletePlan>();
    DeletePlan& made = *plan->remove;
    auto source = compile(lowered->source);
    if (!source) return unexpected(std::move(source).error());
    made.source = std::move(*source);
    made.lowered = std::move(*lowered);
    made.may_repeat = !remove->using_items.empty();
    take_parameters(*made.source);
    if (made.lowered.has_returning) {
      made.returning = shape_of(made.lowered.returning, made.source->layout(),
                                made.lowered.table->columns.size());
      plan->shape = made.returning;
      plan->gives_rows = true;
    }
    return plan;
  }
  plan->kind = PlanKind::kUtility;
  if (auto described = describe_utility(*plan); !described) return unexpected(described.error());
  return plan;
}

// ---------------------------------------------------------------------------------------------------
// The protocols

Expected<std::shared_ptr<const Prepared>> SessionImpl::parse(
    std::string_view text, std::span<const std::uint32_t> parameter_oids) {
  auto plan = plan_text(text, parameter_oids);
  if (!plan) {
    fail_statement(plan.error());
    return unexpected(std::move(plan).error());
  }
  return std::shared_ptr<const Prepared>(std::make_shared<PreparedImpl>(*plan));
}

Expected<std::unique_ptr<Portal>> SessionImpl::bind(std::shared_ptr<const Prepared> prepared,
                                                    std::vector<Parameter> parameters) {
  auto own = std::dynamic_pointer_cast<const PreparedImpl>(prepared);
  ENTAIL_ENSURE(own != nullptr);
  Plan& plan = *own->plan();
  if (parameters.size() != plan.parameter_oids.size()) {
    Error error =
        make_sql_error("08P01", "bind message supplies " + std::to_string(parameters.size()) +
                                    " parameters, but prepared statement requires " +
                                    std::to_string(plan.parameter_oids.size()));
    fail_statement(error);
    return unexpected(std::move(error));
  }
  std::vector<compiler::ParameterValue> values;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    auto value = parameter_value(parameters[i], plan.parameter_types[i], plan.parameter_oids[i]);
    if (!value) {
      fail_statement(value.error());
      return unexpected(std::move(value).error());
    }
    values.push_back(*value);
  }
  return std::unique_ptr<Portal>(
      std::make_unique<PortalImpl>(*this, own, own->plan(), std::move(values)));
}

Expected<compiler::ParameterValue> SessionImpl::parameter_value(const Parameter& parameter,
                                                                vm::Type type, Oid oid) {
  compiler::ParameterValue value;
  value.null = parameter.is_null;
  if (value.null) return value;
  if (!parameter.words.empty()) {
    for (std::size_t w = 0; w < parameter.words.size() && w < 2; ++w) {
      value.words[w] = parameter.words[w];
    }
    return value;
  }
  if (auto read =
          read_sql_text(*state_.pool, type, oid, -1, parameter.text, text_settings(), value.words);
      !read) {
    return unexpected(std::move(read).error());
  }
  return value;
}

Expected<std::unique_ptr<SimpleQuery>> SessionImpl::simple(std::string_view text) {
  const std::string key =
      cache_key(text, {}, catalog(), state_, settings_.ready().search_path, temporary_schema_);
  const auto cached = state_.plans.find(key);
  std::vector<std::shared_ptr<const sql::Statement>> statements;
  if (cached != state_.plans.end()) {
    if (cached->second->statement != nullptr) statements.push_back(cached->second->statement);
  } else {
    auto parsed = parse_statements(text);
    if (!parsed) {
      fail_statement(parsed.error());
      return unexpected(std::move(parsed).error());
    }
    statements = std::move(*parsed);
  }
  return std::unique_ptr<SimpleQuery>(
      std::make_unique<SimpleQueryImpl>(*this, std::string(text), std::move(statements)));
}

namespace {

class TextSink final : public RowSink {
 public:
  TextSink(TextResult& result, const TextSettings& settings, std::string_view null_text)
      : result_(result), settings_(settings), null_text_(null_text) {}

  void describe(const ResultShape& shape) override { result_.columns = shape.columns; }
  void row(const RowView& row) override {
    std::vector<std::string>& out = result_.rows.emplace_back(row.size());
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (row.is_null(c)) {
        out[c] = null_text_;
      } else {
        row.append_text(c, settings_, out[c]);
      }
    }
  }
  void copy_out(std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::size_t end = std::min(bytes.find('\n'), bytes.size());
      result_.rows.push_back({std::string(bytes.substr(0, end))});
      bytes.remove_prefix(std::min(end + 1, bytes.size()));
    }
  }

 private:
  TextResult& result_;
  const TextSettings& settings_;
  std::string null_text_;
};

}  // namespace

Expected<std::vector<TextResult>> SessionImpl::query_all(std::string_view text,
                                                         std::string_view null_text) {
  auto simple_query = simple(text);
  if (!simple_query) return unexpected(std::move(simple_query).error());
  std::vector<TextResult> results;
  while (true) {
    auto more = (*simple_query)->next();
    if (!more) return unexpected(std::move(more).error());
    if (!*more) break;
    TextResult& result = results.emplace_back();
    TextSink sink(result, text_settings(), null_text);
    auto outcome = (*simple_query)->portal().run(sink, 0);
    if (!outcome) return unexpected(std::move(outcome).error());
    if (outcome->progress == Progress::kWaitsForChanges) {
      Error error = make_sql_error("0A000", "SUBSCRIBE needs a client that waits for changes");
      give_up_waiting();
      fail_statement(error);
      return unexpected(std::move(error));
    }
    if (outcome->progress == Progress::kMustWait) {
      Error error =
          make_sql_error("55P03", "could not obtain lock on row: it is held by another session");
      give_up_waiting();
      fail_statement(error);
      return unexpected(std::move(error));
    }
    if (outcome->progress == Progress::kCopyIn) {
      return unexpected((*simple_query)->portal().copy_fail("no data can follow here"));
    }
    result.tag = outcome->tag;
  }
  auto finished = (*simple_query)->finish();
  if (!finished) return unexpected(std::move(finished).error());
  if (finished->progress == Progress::kMustWait) {
    rollback_transaction();
    return sql_error("55P03", "could not obtain lock on row: it is held by another session");
  }
  return results;
}

Expected<TextResult> SessionImpl::query(std::string_view text, std::string_view null_text) {
  auto results = query_all(text, null_text);
  if (!results) return unexpected(std::move(results).error());
  if (results->empty()) return TextResult{};
  return std::move(results->back());
}

}  // namespace entail::engine
