#include "compiler/prepared_query.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "datalog/program_builder.h"
#include "datalog/stratify.h"
#include "datalog/verify.h"

namespace entail::compiler {
namespace {

using datalog::Expression;
using datalog::ExpressionOp;
using datalog::ProgramBuilder;
using datalog::RelationId;
using vm::Type;
using vm::Word;
using Tuple = std::vector<Word>;

Expression parameter(std::uint32_t number, Type type = Type::number()) {
  Expression e;
  e.op = ExpressionOp::kParameter;
  e.type = type;
  e.nullable = true;
  e.detail = number;
  return e;
}

[[maybe_unused]] Expression variable(const datalog::Rule& rule, std::string_view name) {
  for (std::size_t i = 0; i < rule.variables.size(); ++i) {
    if (rule.variables[i].name != name) continue;
    Expression e;
    e.op = ExpressionOp::kVariable;
    e.variable = static_cast<datalog::VariableId>(i);
    e.type = rule.variables[i].type;
    e.nullable = rule.variables[i].nullable;
    return e;
  }
  FAIL("no such variable");
  return {};
}

Expression operation(ExpressionOp op, std::vector<Expression> arguments,
                     Type type = Type::boolean()) {
  Expression e;
  e.op = op;
  e.type = type;
  for (const Expression& argument : arguments) e.nullable = e.nullable || argument.nullable;
  e.arguments = std::move(arguments);
  return e;
}

// Relations that stand, a query over them, and its answers.
class Bench {
 public:
  ProgramBuilder builder;
  datalog::QueryProgram query;
  std::uint64_t indexes_added = 0;
  bool adds_indexes = true;

  // Relations of the catalog come first.
  RelationId catalog(const std::string& name, std::vector<Type> columns,
                     std::vector<std::uint32_t> key = {}) {
    const RelationId id = builder.relation(name, std::move(columns));
    builder.at(id).key = std::move(key);
    ++query.catalog_relations;
    return id;
  }

  // The answer is the first relation behind the catalog.
  RelationId answer(std::vector<Type> columns, bool bag = true) {
    const std::size_t count = columns.size();
    query.answer = builder.relation("answer", std::move(columns));
    query.answer_columns = static_cast<std::uint32_t>(count);
    if (bag) builder.at(query.answer).collection = datalog::Collection::kBag;
    return query.answer;
  }

  void stand() {
    const datalog::RuleProgram& program = builder.program();
    types = std::make_unique<vm::TypeTable>(program.types.clone());
    pool = std::make_unique<vm::ValuePool>(*types);
    for (std::uint32_t i = 0; i < query.catalog_relations; ++i) {
      const datalog::Relation& relation = program.relations[i];
      const RelationLayout layout = layout_of(relation, program.types);
      vm::RelationOptions options;
      options.name = relation.name;
      options.columns = layout.words;
      options.bag = relation.collection == datalog::Collection::kBag;
      options.key = layout.words_of_columns(relation.key);
      options.pool = pool.get();
      auto made = vm::StandingRelation::create(std::move(options));
      REQUIRE(made.has_value());
      standing.push_back(std::move(*made));
    }
  }

  void change(RelationId id, const std::vector<Tuple>& rows, std::int64_t weight = 1) {
    vm::StandingRelation& target = *standing[datalog::index_of(id)];
    std::vector<std::vector<Word>> columns(target.column_count());
    std::vector<const Word*> arrays;
    for (const Tuple& row : rows) {
      REQUIRE(row.size() == columns.size());
      for (std::size_t c = 0; c < row.size(); ++c) columns[c].push_back(row[c]);
    }
    for (const auto& column : columns) arrays.push_back(column.data());
    const std::vector<std::int64_t> weights(rows.size(), weight);
    REQUIRE(target.apply({.columns = arrays, .n = rows.size(), .weights = weights.data()},
                         vm::Counting::kStated));
    target.commit(++version);
  }

  vm::StandingRelation& at(RelationId id) { return *standing[datalog::index_of(id)]; }

  void prepare() {
    query.program = builder.take();
    if (query.program.strata.empty()) {
      grammar::Diagnostics diagnostics;
      REQUIRE(datalog::stratify(query.program, diagnostics));
    }
    PreparedQueryOptions options;
    options.pool = pool.get();
    options.bind = [this](RelationId id) { return standing[datalog::index_of(id)].get(); };
    options.add_index = [this](RelationId id,
                               const vm::IndexSpec& spec) -> std::optional<std::uint32_t> {
      if (!adds_indexes) return std::nullopt;
      ++indexes_added;
      auto added = standing[datalog::index_of(id)]->add_index(spec);
      REQUIRE(added.has_value());
      return *added;
    };
    auto created = PreparedQuery::create(std::move(query), std::move(options));
    if (!created) FAIL(created.error().message);
    prepared = std::move(*created);
  }

  // The rows in the order in which they came.
  std::vector<Tuple> rows(const std::vector<ParameterValue>& parameters = {},
                          const std::vector<std::vector<Tuple>>& given = {}) {
    std::deque<std::vector<std::vector<Word>>> columns;
    std::deque<std::vector<const Word*>> arrays;
    std::vector<RowBatch> batches;
    for (std::size_t g = 0; g < given.size(); ++g) {
      columns.emplace_back(prepared->given_layout(g).words.size());
      for (const Tuple& row : given[g]) {
        for (std::size_t c = 0; c < row.size(); ++c) columns.back()[c].push_back(row[c]);
      }
      arrays.emplace_back();
      for (const auto& column : columns.back()) arrays.back().push_back(column.data());
      batches.push_back({arrays.back(), given[g].size()});
    }
    QueryArguments arguments;
    arguments.parameters = parameters;
    arguments.given = batches;
    auto done = prepared->run(arguments, result);
    error = done ? Error{} : done.error();
    std::vector<Tuple> found;
    if (!done) return found;
    while (const RowBatch portion = result.next(7)) {
      for (std::size_t i = 0; i < portion.n; ++i) {
        Tuple row;
        for (const Word* const column : portion.columns) row.push_back(column[i]);
        found.push_back(std::move(row));
      }
    }
    return found;
  }
  std::vector<Tuple> sorted_rows(const std::vector<ParameterValue>& parameters = {},
                                 const std::vector<std::vector<Tuple>>& given = {}) {
    std::vector<Tuple> found = rows(parameters, given);
    std::sort(found.begin(), found.end());
    return found;
  }
  const QueryCounters& counters() const { return prepared->counters(); }

  std::unique_ptr<vm::TypeTable> types;
  std::unique_ptr<vm::ValuePool> pool;
  std::vector<std::unique_ptr<vm::StandingRelation>> standing;
  std::unique_ptr<PreparedQuery> prepared;
  QueryResult result;
  Error error;
  vm::Version version = 0;
};

ParameterValue value(Word word) { return {{word, 0}, false}; }
ParameterValue null_value() { return {{0, 0}, true}; }

const Type kNumber = Type::number();

TEST_CASE("a join of two relations that stand gives the rows that are there now") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber, kNumber});
  const RelationId s = b.catalog("s", {kNumber, kNumber});
  const RelationId answer = b.answer({kNumber, kNumber});
  b.builder.rule(answer, "x z").match(r, "x y").match(s, "y z");
  b.stand();
  b.change(r, {{1, 10}, {2, 20}, {3, 10}});
  b.change(s, {{10, 100}, {10, 101}, {30, 300}});
  b.prepare();
  CHECK(b.sorted_rows() == std::vector<Tuple>{{1, 100}, {1, 101}, {3, 100}, {3, 101}});
  b.change(s, {{20, 200}});
  b.change(r, {{3, 10}}, -1);
  CHECK(b.sorted_rows() == std::vector<Tuple>{{1, 100}, {1, 101}, {2, 200}});
}

TEST_CASE("a look-up by key touches one row") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber, kNumber, kNumber}, {0});
  const RelationId answer = b.answer({kNumber, kNumber});
  auto rule = b.builder.rule(answer, "a c").match(r, "i a c");
  rule.filter(operation(ExpressionOp::kEqual, {rule.term("i"), parameter(0)}));
  b.query.parameters = {kNumber};
  b.stand();
  std::vector<Tuple> facts;
  for (Word i = 0; i < 5000; ++i) facts.push_back({i, i * 2, i * 3});
  b.change(r, facts);
  b.prepare();
  CHECK(b.rows({value(77)}) == std::vector<Tuple>{{154, 231}});
  CHECK(b.counters().rows_touched() <= 2);  // The unit, and the row.
  CHECK(b.counters().rows_matched == 1);
  CHECK(b.rows({value(5000)}).empty());
  CHECK(b.rows({null_value()}).empty());
  CHECK(b.rows({value(4999)}) == std::vector<Tuple>{{9998, 14997}});
  CHECK(b.indexes_added == 0);
}

TEST_CASE("rows of bags count as often as they are there") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber, kNumber});
  b.builder.at(r).collection = datalog::Collection::kBag;
  const RelationId answer = b.answer({kNumber});
  b.builder.rule(answer, "x").match(r, "x _");
  b.stand();
  b.change(r, {{1, 1}, {1, 1}, {1, 2}, {2, 5}});
  b.prepare();
  CHECK(b.sorted_rows() == std::vector<Tuple>{{1}, {1}, {1}, {2}});
}

TEST_CASE("an answer that is a set has each row once") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber, kNumber});
  const RelationId answer = b.answer({kNumber}, /*bag=*/false);
  b.builder.rule(answer, "x").match(r, "x _");
  b.stand();
  b.change(r, {{1, 1}, {1, 2}, {2, 5}});
  b.prepare();
  CHECK(b.sorted_rows() == std::vector<Tuple>{{1}, {2}});
  CHECK(b.sorted_rows() == std::vector<Tuple>{{1}, {2}});
  b.change(r, {{2, 5}}, -1);
  CHECK(b.sorted_rows() == std::vector<Tuple>{{1}});
}

}  // namespace
}  // namespace entail::compiler
