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

Expression variable(const datalog::Rule& rule, std::string_view name) {
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

TEST_CASE("nulls are equal to nothing, whether they are joined or given") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber, kNumber});
  b.builder.at(r).columns[1].nullable = true;
  const RelationId s = b.catalog("s", {kNumber, kNumber});
  b.builder.at(s).columns[0].nullable = true;
  const RelationId answer = b.answer({kNumber, kNumber});
  auto join = b.builder.rule(answer, "x z").match(r, "x y").match(s, "w z");
  Expression y = join.term("y"), w = join.term("w");
  y.nullable = w.nullable = true;
  join.filter(operation(ExpressionOp::kEqual, {y, w}));
  b.stand();
  b.change(r, {{1, 10, 0}, {2, 0, 1}, {3, 30, 0}});
  b.change(s, {{10, 0, 100}, {0, 1, 200}, {30, 0, 300}});
  b.prepare();
  CHECK(b.sorted_rows() == std::vector<Tuple>{{1, 100}, {3, 300}});
}

TEST_CASE("a parameter is compared with a column that may be null") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber, kNumber});
  b.builder.at(r).columns[1].nullable = true;
  const RelationId answer = b.answer({kNumber});
  auto rule = b.builder.rule(answer, "x").match(r, "x y");
  Expression y = rule.term("y");
  y.nullable = true;
  rule.filter(operation(ExpressionOp::kEqual, {y, parameter(0)}));
  b.query.parameters = {kNumber};
  b.stand();
  b.change(r, {{1, 10, 0}, {2, 0, 1}, {3, 0, 0}, {4, 10, 0}});
  const bool indexed = GENERATE(false, true);
  if (indexed) REQUIRE(b.at(r).add_index({{1, 2}, -1}).has_value());
  b.prepare();
  CHECK(b.sorted_rows({value(10)}) == std::vector<Tuple>{{1}, {4}});
  CHECK(b.sorted_rows({value(0)}) == std::vector<Tuple>{{3}});
  CHECK(b.sorted_rows({null_value()}).empty());
  if (indexed) CHECK(b.counters().rows_scanned <= 1);
}

TEST_CASE("rows that are given are joined with what stands, run by run") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber, kNumber}, {0});
  const RelationId answer = b.answer({kNumber, kNumber});
  const RelationId given = b.builder.relation("given", {kNumber, kNumber});
  b.builder.at(given).collection = datalog::Collection::kBag;
  b.builder.rule(answer, "n y").match(given, "n x").match(r, "x y");
  b.query.given = {given};
  b.stand();
  b.change(r, {{1, 10}, {2, 20}});
  b.prepare();
  CHECK(b.sorted_rows({}, {{{0, 2}, {1, 2}, {2, 7}}}) == std::vector<Tuple>{{0, 20}, {1, 20}});
  CHECK(b.sorted_rows({}, {{}}).empty());
  CHECK(b.sorted_rows({}, {{{5, 1}}}) == std::vector<Tuple>{{5, 10}});
}

TEST_CASE("recursion starts from what stands and is done anew by each run") {
  Bench b;
  const RelationId edge = b.catalog("edge", {kNumber, kNumber});
  const RelationId answer = b.answer({kNumber});
  const RelationId reach = b.builder.relation("reach", {kNumber});
  auto start = b.builder.rule(reach, "x").bind("x", parameter(0));
  b.builder.rule(reach, "y").match(reach, "x").match(edge, "x y");
  b.builder.rule(answer, "x").match(reach, "x");
  b.query.parameters = {kNumber};
  b.stand();
  std::vector<Tuple> edges;
  for (Word i = 0; i < 500; ++i) edges.push_back({i, i + 1});
  edges.push_back({900, 901});
  b.change(edge, edges);
  b.prepare();
  CHECK(b.rows({value(0)}).size() == 501);
  CHECK(b.counters().rounds >= 500);
  CHECK(b.sorted_rows({value(900)}) == std::vector<Tuple>{{900}, {901}});
  b.change(edge, {{901, 499}});
  CHECK(b.sorted_rows({value(900)}) == std::vector<Tuple>{{499}, {500}, {900}, {901}});
  CHECK(b.indexes_added == 1);
}

TEST_CASE("rows are sorted by the keys, limited, and ties decided by the row") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber, Type::text(), kNumber});
  b.builder.at(r).columns[1].nullable = true;
  const RelationId answer = b.answer({kNumber, Type::text(), kNumber});
  b.builder.at(answer).columns[1].nullable = true;
  b.builder.rule(answer, "x t z").match(r, "x t z");
  b.query.answer_columns = 2;
  const bool descending = GENERATE(false, true), nulls_first = GENERATE(false, true);
  b.query.order = {{1, descending, nulls_first}};
  const bool limited = GENERATE(false, true);
  if (limited) {
    b.query.limit = parameter(0);
    b.query.offset = parameter(1);
    b.query.parameters = {kNumber, kNumber};
  }
  b.stand();
  std::vector<Tuple> facts;
  const std::string texts[] = {"a", "", "ab", "a rather long text", "a rather long word", "zz"};
  std::vector<std::pair<std::string, Word>> expected;
  std::vector<Word> nulls;
  for (Word i = 0; i < 3000; ++i) {
    if (i % 7 == 0) {
      facts.push_back({i, 0, 1, i});
      nulls.push_back(i);
      continue;
    }
    const std::string& text = texts[i % 6];
    const Word word = b.pool->intern(text);
    facts.push_back({i, word, 0, i});
    expected.push_back({text, i});
  }
  b.change(r, facts);
  b.prepare();
  std::stable_sort(expected.begin(), expected.end(), [&](const auto& x, const auto& y) {
    return descending ? x.first > y.first : x.first < y.first;
  });
  std::vector<Word> order;
  if (nulls_first) order = nulls;
  for (const auto& [text, i] : expected) order.push_back(i);
  if (!nulls_first) order.insert(order.end(), nulls.begin(), nulls.end());
  const auto first_column = [](const std::vector<Tuple>& rows) {
    std::vector<Word> result;
    for (const Tuple& row : rows) result.push_back(row[0]);
    return result;
  };
  if (!limited) {
    CHECK(first_column(b.rows()) == order);
    return;
  }
  const auto part = [&](std::size_t first, std::size_t count) {
    first = std::min(first, order.size());
    count = std::min(count, order.size() - first);
    const auto begin = order.begin() + static_cast<std::ptrdiff_t>(first);
    return std::vector<Word>(begin, begin + static_cast<std::ptrdiff_t>(count));
  };
  CHECK(first_column(b.rows({value(10), value(0)})) == part(0, 10));
  CHECK(first_column(b.rows({value(10), value(425)})) == part(425, 10));
  CHECK(first_column(b.rows({null_value(), value(2990)})) == part(2990, 3000));
  CHECK(b.rows({value(0), null_value()}).empty());
  CHECK(b.rows({value(vm::int_word(-1)), value(0)}).empty());
  CHECK(b.error.sqlstate() == "2201W");
  CHECK(b.error.message == "LIMIT must not be negative");
}

TEST_CASE("a limit without an order stops early") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber});
  const RelationId answer = b.answer({kNumber});
  b.builder.rule(answer, "x").match(r, "x");
  b.query.limit = datalog::constant(kNumber, "5");
  b.query.offset = datalog::constant(kNumber, "2");
  b.stand();
  std::vector<Tuple> facts;
  for (Word i = 0; i < 20000; ++i) facts.push_back({i});
  b.change(r, facts);
  b.prepare();
  CHECK(b.rows().size() == 5);
  CHECK(b.counters().rows_scanned <= vm::kBatchRows);
}

TEST_CASE("one of several values is looked up, each by the index") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber, kNumber}, {0});
  const RelationId answer = b.answer({kNumber, kNumber});
  auto rule = b.builder.rule(answer, "x y").match(r, "x y");
  const auto is = [&](Expression e) {
    return operation(ExpressionOp::kEqual, {rule.term("x"), std::move(e)});
  };
  rule.filter(operation(
      ExpressionOp::kOr,
      {operation(ExpressionOp::kOr, {is(datalog::constant(kNumber, "7")), is(parameter(0))}),
       is(datalog::constant(kNumber, "9"))}));
  b.query.parameters = {kNumber};
  b.stand();
  std::vector<Tuple> facts;
  for (Word i = 0; i < 5000; ++i) facts.push_back({i, i + 1});
  b.change(r, facts);
  b.prepare();
  INFO(b.prepared->explain() << b.prepared->bytecode());
  CHECK(b.sorted_rows({value(8)}) == std::vector<Tuple>{{7, 8}, {8, 9}, {9, 10}});
  CHECK(b.sorted_rows({value(7)}) == std::vector<Tuple>{{7, 8}, {9, 10}});
  CHECK(b.sorted_rows({null_value()}) == std::vector<Tuple>{{7, 8}, {9, 10}});
  CHECK(b.counters().rows_touched() < 20);
}

TEST_CASE("a range is read from an ordered index, nulls left out") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber, kNumber});
  b.builder.at(r).columns[1].nullable = true;
  const RelationId answer = b.answer({kNumber});
  auto rule = b.builder.rule(answer, "x").match(r, "x y");
  Expression y = rule.term("y");
  y.nullable = true;
  rule.filter(operation(ExpressionOp::kGreaterEqual, {y, parameter(0)}));
  rule.filter(operation(ExpressionOp::kLess, {y, parameter(1)}));
  b.query.parameters = {kNumber, kNumber};
  b.stand();
  std::vector<Tuple> facts;
  for (Word i = 0; i < 5000; ++i) facts.push_back({i, i % 10 == 0 ? 0 : i, i % 10 == 0 ? 1U : 0U});
  b.change(r, facts);
  REQUIRE(b.at(r).add_index({{}, 1}).has_value());
  b.prepare();
  CHECK(b.sorted_rows({value(98), value(102)}) == std::vector<Tuple>{{98}, {99}, {101}});
  CHECK(b.counters().rows_touched() < 10);
  CHECK(b.sorted_rows({value(0), value(3)}) == std::vector<Tuple>{{1}, {2}});
  CHECK(b.sorted_rows({null_value(), value(3)}).empty());
}

TEST_CASE(
    "of several columns that are given the index takes those it has, and the rest is compared") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber, kNumber, kNumber}, {0});
  const RelationId s = b.catalog("s", {kNumber, kNumber});
  const RelationId answer = b.answer({kNumber, kNumber});
  // s gives x and y; r is looked up by x alone.
  b.builder.rule(answer, "x z").match(s, "x y").match(r, "x y z");
  b.stand();
  std::vector<Tuple> facts;
  for (Word i = 0; i < 3000; ++i) facts.push_back({i, i % 3, i});
  b.change(r, facts);
  b.change(s, {{5, 2}, {6, 1}, {7, 1}, {4000, 1}});
  b.prepare();
  CHECK(b.sorted_rows() == std::vector<Tuple>{{5, 5}, {7, 7}});
  CHECK(b.indexes_added == 0);
  CHECK(b.counters().rows_touched() < 10);
}

TEST_CASE("an index that is refused gives way to a scan") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber, kNumber});
  const RelationId s = b.catalog("s", {kNumber, kNumber});
  const RelationId answer = b.answer({kNumber, kNumber});
  auto rule = b.builder.rule(answer, "x z").match(r, "x y").match(s, "y z");
  rule.begin_absent().match(s, "z _").end();
  b.adds_indexes = false;
  b.stand();
  std::vector<Tuple> left, right;
  for (Word i = 0; i < 100; ++i) {
    left.push_back({i, i + 1000});
    right.push_back({i + 1000, i + 2000});
  }
  b.change(r, left);
  b.change(s, right);
  b.change(s, {{2005, 1}});
  b.prepare();
  std::vector<Tuple> expected;
  for (Word i = 0; i < 100; ++i) {
    if (i != 5) expected.push_back({i, i + 2000});
  }
  CHECK(b.sorted_rows() == expected);
}

TEST_CASE("an expression that fails tells SQL's clients why") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber, kNumber});
  const RelationId answer = b.answer({kNumber});
  auto rule = b.builder.rule(answer, "q").match(r, "x y");
  rule.bind("q", rule.operation(ExpressionOp::kDivide, "x", "y"));
  b.stand();
  b.change(r, {{10, 5}});
  b.prepare();
  CHECK(b.rows() == std::vector<Tuple>{{2}});
  b.change(r, {{10, 0}});
  CHECK(b.rows().empty());
  CHECK(b.error.code == ErrorCode::kData);
  CHECK(b.error.message == "division by zero");
  CHECK(b.error.sqlstate() == "22012");
  b.change(r, {{10, 0}}, -1);
  CHECK(b.rows() == std::vector<Tuple>{{2}});
}

// Rows numbered in each partition, the best two kept.
TEST_CASE("a ranking numbers the rows of each partition and keeps the first") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber, kNumber, kNumber});
  const RelationId answer = b.answer({kNumber, kNumber, kNumber, kNumber, kNumber, kNumber});
  for (std::size_t c : {4U, 5U}) b.builder.at(answer).columns[c].nullable = true;
  auto rule = b.builder.rule(answer, "p v n k b f").match(r, "p v _");
  b.stand();
  b.change(r, {{1, 30, 0}, {1, 10, 0}, {1, 20, 0}, {1, 20, 1}, {2, 5, 0}});
  // The match goes into the ranking.
  datalog::RuleProgram& program = b.builder.program();
  datalog::Rule& last = program.rules.back();
  datalog::Rank rank;
  rank.body = std::move(last.body);
  last.body.clear();
  for (datalog::Variable& v : last.variables) v.nullable = v.name == "b" || v.name == "f";
  rank.partition = {variable(last, "p")};
  rank.order = {{variable(last, "v"), false, false}};
  const auto function = [&](datalog::RankFunction f, std::string_view name,
                            std::vector<Expression> arguments = {}) {
    datalog::RankResult result;
    result.function = f;
    result.result = variable(last, name).variable;
    result.arguments = std::move(arguments);
    return result;
  };
  rank.functions = {function(datalog::RankFunction::kRowNumber, "n"),
                    function(datalog::RankFunction::kRank, "k"),
                    function(datalog::RankFunction::kLag, "b", {variable(last, "v")}),
                    function(datalog::RankFunction::kLastValue, "f", {variable(last, "v")})};
  rank.frame.to.bound = datalog::FrameBound::kUnbounded;
  rank.limit = parameter(0);
  rank.offset = parameter(1);
  b.query.parameters = {kNumber, kNumber};
  last.body.push_back({std::move(rank), {}});
  for (Expression& term : last.head.terms) {
    term.nullable = last.variables[datalog::index_of(term.variable)].nullable;
  }
  b.prepare();
  using Rows = std::vector<Tuple>;
  const Rows all{{1, 10, 1, 1, 0, 1, 30, 0},
                 {1, 20, 2, 2, 10, 0, 30, 0},
                 {1, 20, 3, 2, 20, 0, 30, 0},
                 {1, 30, 4, 4, 20, 0, 30, 0},
                 {2, 5, 1, 1, 0, 1, 5, 0}};
  CHECK(b.sorted_rows({null_value(), null_value()}) == all);
  CHECK(b.sorted_rows({value(2), value(0)}) == Rows{all[0], all[1], all[4]});
  CHECK(b.sorted_rows({value(1), value(2)}) == Rows{all[2]});
}

TEST_CASE("existence and its absence are asked with SQL's equality") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber, kNumber});
  const RelationId s = b.catalog("s", {kNumber, kNumber});
  b.builder.at(r).columns[1].nullable = b.builder.at(s).columns[0].nullable = true;
  const RelationId answer = b.answer({kNumber});
  auto rule = b.builder.rule(answer, "x").match(r, "x y");
  const bool negated = GENERATE(false, true);
  if (negated) {
    rule.begin_absent();
  } else {
    rule.begin_exists();
  }
  rule.match(s, "w z");
  Expression y = rule.term("y"), w = rule.term("w");
  y.nullable = w.nullable = true;
  rule.filter(operation(ExpressionOp::kEqual, {y, w}));
  rule.filter(operation(ExpressionOp::kGreater, {rule.term("z"), parameter(0)}));
  rule.end();
  b.query.parameters = {kNumber};
  b.stand();
  b.change(r, {{1, 10, 0}, {2, 20, 0}, {3, 0, 1}, {4, 0, 0}});
  b.change(s, {{10, 0, 5}, {20, 0, 1}, {0, 1, 9}});
  b.prepare();
  CHECK(b.sorted_rows({value(2)}) ==
        (negated ? std::vector<Tuple>{{2}, {3}, {4}} : std::vector<Tuple>{{1}}));
  CHECK(b.sorted_rows({value(0)}) ==
        (negated ? std::vector<Tuple>{{3}, {4}} : std::vector<Tuple>{{1}, {2}}));
}

TEST_CASE("groups are made of rows that stand") {
  Bench b;
  const RelationId r = b.catalog("r", {kNumber, kNumber});
  const RelationId answer = b.answer({kNumber, kNumber});
  b.builder.rule(answer, "k s")
      .begin_group("k", "g", datalog::AggregateOp::kSum, "s", "v")
      .match(r, "g v")
      .end();
  b.stand();
  b.change(r, {{1, 10}, {1, 5}, {2, 7}});
  b.prepare();
  CHECK(b.sorted_rows() == std::vector<Tuple>{{1, 15}, {2, 7}});
  b.change(r, {{1, 10}}, -1);
  CHECK(b.sorted_rows() == std::vector<Tuple>{{1, 5}, {2, 7}});
}

}  // namespace
}  // namespace entail::compiler
