// The edge of the module for queries and views: makes a Lowerer, catches what stops it, puts the program
// together.

#include <algorithm>
#include <utility>

#include "datalog/body_walk.h"
#include "datalog/stratify.h"
#include "grammar/diagnostics.h"
#include "sql2datalog/internal/guarded.h"
#include "sql2datalog/internal/lowerer.h"
#include "sql2datalog/internal/tidy.h"
#include "sql2datalog/lower_statement.h"
#include "vm/base/ensure.h"

namespace entail::sql2datalog {

namespace internal {

namespace {

constexpr std::uint32_t kSessionBit = 0x80000000U;

void settle_parameters(Expression& e, std::uint32_t statement_parameters) {
  datalog::internal::walk_expression(e, [&](Expression& node) {
    if (node.op == ExpressionOp::kParameter && (node.detail & kSessionBit) != 0) {
      node.detail = (node.detail & ~kSessionBit) + statement_parameters;
    }
  });
}

}  // namespace

Lowerer::Lowerer(const LoweringContext& context)
    : context_(context),
      catalog_(*context.catalog),
      search_path_(context.catalog->search_path().begin(), context.catalog->search_path().end()),
      catalog_relations_(static_cast<std::uint32_t>(context.catalog->program().relations.size())),
      parameters_(context.parameter_types.begin(), context.parameter_types.end()) {}

void Lowerer::take_parameter_types() {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_known_ && (parameters_[i].oid == 0 || parameters_[i].oid == oids::kUnknown)) {
      fail("42P18", "could not determine data type of parameter $" + std::to_string(i + 1), {});
    }
  }
}

datalog::RuleProgram Lowerer::assemble(RelationId answer) {
  const auto statement_parameters = static_cast<std::uint32_t>(parameters_.size());
  // Given relations keep their columns: somebody lays out rows for them.
  std::set<RelationId> wanted{answer};
  for (const GivenRelation& given : given_) wanted.insert(given.relation);
  tidy({&relations_, &rules_, &variables_, catalog_relations_, wanted});
  datalog::RuleProgram program;
  const datalog::RuleProgram& catalog = catalog_.program();
  program.number_bits = catalog.number_bits;
  program.types = catalog_.types().clone();
  for (PendingRule& rule : rules_) {
    for (Expression& term : rule.terms) settle_parameters(term, statement_parameters);
    for (Literal& literal : rule.body) {
      datalog::walk_expressions(literal, [&](Expression& node) {
        if (node.op == ExpressionOp::kParameter && (node.detail & kSessionBit) != 0) {
          node.detail = (node.detail & ~kSessionBit) + statement_parameters;
        }
      });
    }
    program.rules.push_back(compact(std::move(rule), variables_));
  }
  reads_.clear();
  for (const datalog::Rule& rule : program.rules) {
    datalog::walk_rule_matches(rule, [&](const Match& match, datalog::Reading) {
      if (datalog::index_of(match.relation) < catalog_relations_) reads_.insert(match.relation);
    });
  }
  // Of the catalog only what is read has a declaration; the others keep their numbers.
  program.relations.reserve(catalog_relations_ + relations_.size());
  for (std::uint32_t i = 0; i < catalog_relations_; ++i) {
    if (reads_.count(static_cast<RelationId>(i)) != 0) {
      program.relations.push_back(catalog.relations[i]);
      continue;
    }
    datalog::Relation unread;
    unread.name = "_";
    unread.dropped = true;
    program.relations.push_back(std::move(unread));
  }
  for (datalog::Relation& relation : relations_) program.relations.push_back(std::move(relation));
  grammar::Diagnostics diagnostics;
  if (!datalog::stratify(program, diagnostics)) {
    fail("0A000", "a recursive query that is not monotone is not supported yet", {});
  }
  return program;
}

LoweredQuery Lowerer::finish(Rows rows, std::size_t visible) {
  LoweredQuery result;
  resolve_unknowns(rows);
  const bool shows_digits =
      std::any_of(rows.columns.begin(), rows.columns.end(), [](const ScopeColumn& column) {
        return column.value.value.type.kind == vm::TypeKind::kNumeric;
      });
  if (rows.distinct && shows_digits) make_distinct(rows);
  std::vector<Expression> terms;
  std::vector<datalog::Column> columns;
  auto add = [&](const std::string& name, Expression value) {
    if (rows.distinct) value = stored(std::move(value));
    columns.push_back({name, value.type, value.nullable, {}});
    terms.push_back(std::move(value));
    return static_cast<std::uint32_t>(terms.size() - 1);
  };
  for (std::size_t c = 0; c < rows.columns.size(); ++c) {
    ScopeColumn& column = rows.columns[c];
    if (c < visible) {
      OutputColumn output;
      output.name = column.name;
      output.type = column.value.type;
      output.table = column.table;
      output.attribute = column.attribute;
      if (const EnumDescription* const named = catalog_.find_enum(output.type.oid)) {
        output.type_name = type_name(output.type);
        (void)named;
      }
      result.columns.push_back(std::move(output));
    }
    add(column.name, column.value.value);
  }
  const auto answer_columns = static_cast<std::uint32_t>(terms.size());
  std::vector<datalog::SortKey> order;
  for (const OrderKey& key : rows.order) {
    if (is_constant(key.value.value) || key.value.value.op == ExpressionOp::kParameter) continue;
    datalog::SortKey sort;
    sort.descending = key.descending;
    sort.nulls_first = key.nulls_first;
    std::optional<std::uint32_t> found;
    for (std::uint32_t i = 0; i < terms.size() && !found; ++i) {
      if (same(terms[i], key.value.value) ||
          same(undisplayed(terms[i]), undisplayed(key.value.value))) {
        found = i;
      }
    }
    sort.column = found ? *found : add("_order", Expression(undisplayed(key.value.value)));
    order.push_back(sort);
  }
  for (std::size_t i = 0; i < rows.locking.size(); ++i) {
    rows.locking[i].first_column = static_cast<std::uint32_t>(terms.size());
    for (Typed& value : rows.locked_rows[i]) add("_locked", std::move(value.value));
  }
  const bool skips = std::any_of(
      rows.locking.begin(), rows.locking.end(),
      [](const LockingRequest& request) { return request.wait == ast::LockWait::kSkipLocked; });
  const auto move_behind = [&](std::optional<Expression>& bound,
                               std::optional<std::uint32_t>& column, const char* name) {
    if (!skips || !bound) return;
    column = add(name, stored(std::move(*bound)));
    bound.reset();
  };
  move_behind(rows.limit, result.limit_column, "_limit");
  move_behind(rows.offset, result.offset_column, "_offset");
  const RelationId answer = new_relation("answer", std::move(columns),
                                         rows.distinct ? Collection::kSet : Collection::kBag);
  relations_.back().name = "_answer";
  add_rule(answer, std::move(terms), std::move(rows.body));
  take_parameter_types();
  const auto statement_parameters = static_cast<std::uint32_t>(parameters_.size());
  result.program.program = assemble(answer);
  result.program.catalog_relations = catalog_relations_;
  result.program.answer = answer;
  result.program.answer_columns = answer_columns;
  result.program.order = std::move(order);
  for (auto* bound : {&rows.limit, &rows.offset}) {
    if (*bound) settle_parameters(**bound, statement_parameters);
  }
  result.program.limit = std::move(rows.limit);
  result.program.offset = std::move(rows.offset);
  for (const SqlType& type : parameters_) {
    result.program.parameters.push_back(stored(machine(type)));
  }
  for (const SessionValue& value : session_values_) {
    result.program.parameters.push_back(value.type);
  }
  for (GivenRelation& given : given_) {
    result.program.given.push_back(given.relation);
    if (given.as_of) settle_parameters(*given.as_of, statement_parameters);
  }
  result.parameters = parameters_;
  result.session_values = std::move(session_values_);
  result.given = std::move(given_);
  result.locking = std::move(rows.locking);
  result.reads.assign(reads_.begin(), reads_.end());
  return result;
}

LoweredQuery Lowerer::query(const ast::Query& query) {
  Rows rows = rows_of(query, nullptr, true);
  const std::size_t visible = rows.columns.size();
  return finish(std::move(rows), visible);
}

LoweredView Lowerer::view(Rows rows, bool materialized) {
  resolve_unknowns(rows);
  if (!parameters_.empty()) fail("42P02", "there is no parameter $1", {});
  LoweredView view;
  std::set<std::string> names;
  for (const ScopeColumn& column : rows.columns) {
    if (!names.insert(column.name).second) {
      fail("42701", "column \"" + column.name + "\" specified more than once", {});
    }
    OutputColumn output;
    output.name = column.name;
    output.type = column.value.type;
    if (catalog_.find_enum(output.type.oid) != nullptr) output.type_name = type_name(output.type);
    view.columns.push_back(std::move(output));
    view.machine.push_back(stored(column.value.value.type));
    view.nullable.push_back(column.value.nullable());
  }
  if (!materialized) return view;
  if (!given_.empty()) unsupported("a materialized view over a system relation or AS OF", {});
  if (!session_values_.empty()) {
    unsupported("a materialized view that depends on the session or the clock", {});
  }
  if (rows.limit || rows.offset) {
    make_distinct(rows);
    cut(rows, false);
  }
  // The view's own relation is the first behind those of the catalog.
  std::vector<Expression> terms;
  std::vector<datalog::Column> columns;
  for (const ScopeColumn& column : rows.columns) {
    Expression value = stored(column.value.value);
    columns.push_back({column.name, value.type, value.nullable, {}});
    terms.push_back(std::move(value));
  }
  const RelationId own =
      new_relation("view", std::move(columns), rows.distinct ? Collection::kSet : Collection::kBag);
  relations_.back().auxiliary = false;
  add_rule(own, std::move(terms), std::move(rows.body));
  datalog::RuleProgram program = assemble(own);
  // Numbers of relations that are left: the view's first.
  std::map<RelationId, RelationId> numbers;
  auto number = [&](RelationId id) {
    if (datalog::index_of(id) < catalog_relations_) return id;
    const auto [found, fresh] = numbers.emplace(id, RelationId{});
    if (fresh) {
      found->second = static_cast<RelationId>(catalog_relations_ + view.relations.size());
      view.relations.push_back(program.relation(id));
    }
    return found->second;
  };
  number(own);
  for (datalog::Rule& rule : program.rules) {
    rule.head.relation = number(rule.head.relation);
    datalog::walk_rule_matches(
        rule, [&](Match& match, datalog::Reading) { match.relation = number(match.relation); });
    view.rules.push_back(std::move(rule));
  }
  view.reads.assign(reads_.begin(), reads_.end());
  return view;
}

}  // namespace internal

Expected<LoweredQuery> lower_query(const grammar::sql::Query& query,
                                   const LoweringContext& context) {
  return internal::guarded<LoweredQuery>([&] { return internal::Lowerer(context).query(query); });
}

namespace {

Expected<LoweredView> view_of(const grammar::sql::Query& query,
                              std::span<const grammar::sql::Identifier> column_names,
                              const LoweringContext& context, bool materialized) {
  return internal::guarded<LoweredView>([&] {
    internal::Lowerer lowerer(context);
    internal::Rows rows = lowerer.rows_of(query, nullptr, materialized);
    if (column_names.size() > rows.columns.size()) {
      lowerer.fail("42601", "CREATE VIEW specifies more column names than columns",
                   column_names.back().span);
    }
    for (std::size_t i = 0; i < column_names.size(); ++i) {
      rows.columns[i].name = column_names[i].text;
    }
    return lowerer.view(std::move(rows), materialized);
  });
}

}  // namespace

Expected<LoweredView> lower_view(const grammar::sql::Query& query,
                                 std::span<const grammar::sql::Identifier> column_names,
                                 const LoweringContext& context) {
  return view_of(query, column_names, context, false);
}

Expected<LoweredView> lower_materialized_view(
    const grammar::sql::Query& query, std::span<const grammar::sql::Identifier> column_names,
    const LoweringContext& context) {
  return view_of(query, column_names, context, true);
}

}  // namespace entail::sql2datalog
