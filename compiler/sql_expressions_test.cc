// SQL's expressions and aggregates through the compiler and the machine.

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "compiler/evaluate.h"
#include "datalog/program_builder.h"
#include "datalog/stratify.h"
#include "vm/scalar_functions.h"
#include "vm/sql_text.h"

namespace entail::compiler {
namespace {

using datalog::Aggregate;
using datalog::AggregateOp;
using datalog::Expression;
using datalog::ExpressionOp;
using datalog::VariableId;
using vm::ScalarFunction;
using vm::Type;
using vm::TypeKind;

constexpr Type kInt4 = Type::of(TypeKind::kInt4);

Expression made(ExpressionOp op, Type type, std::vector<Expression> arguments,
                std::uint32_t detail = 0) {
  Expression expression;
  expression.op = op;
  expression.type = type;
  expression.detail = detail;
  for (const Expression& argument : arguments) expression.nullable |= argument.nullable;
  expression.arguments = std::move(arguments);
  return expression;
}

Expression called(ScalarFunction function, Type type, std::vector<Expression> arguments) {
  return made(ExpressionOp::kCallFunction, type, std::move(arguments),
              static_cast<std::uint32_t>(function));
}

// The rows of t(k, v): (1, 10), (1, 20), (2, 5), and one rule under construction.
struct Case {
  Case() : t(builder.relation("t", {kInt4, kInt4})) {
    builder.fact(t, "1 10");
    builder.fact(t, "1 20");
    builder.fact(t, "2 5");
  }

  // "1,30 2,5" of the relation, or the error.
  std::string rows(datalog::RelationId relation) {
    grammar::Diagnostics diagnostics;
    REQUIRE(datalog::stratify(builder.program(), diagnostics));
    auto evaluation = Evaluation::create(builder.program(), {});
    if (!evaluation) return evaluation.error().message;
    if (auto ran = (*evaluation)->run(); !ran) {
      return std::string(ran.error().sqlstate()) + " " + ran.error().message;
    }
    const RelationLayout& layout = (*evaluation)->layout(relation);
    std::vector<std::vector<vm::Word>> columns(layout.words.size(), std::vector<vm::Word>(8));
    std::vector<vm::Word*> arrays;
    for (auto& column : columns) arrays.push_back(column.data());
    RowCursor cursor = (*evaluation)->rows(relation);
    std::vector<std::string> lines;
    while (const std::size_t n = cursor.next(arrays, 8)) {
      for (std::size_t i = 0; i < n; ++i) {
        std::string line;
        for (const ColumnLayout& column : layout.columns) {
          std::vector<vm::Word> words;
          for (unsigned k = 0; k < column.word_count(); ++k) {
            words.push_back(columns[column.first_word + k][i]);
          }
          if (!line.empty()) line += ',';
          if (column.nullable && words.back() != 0) {
            line += "null";
          } else {
            vm::print_sql_value((*evaluation)->pool(), column.type, words.data(), line);
          }
        }
        lines.push_back(line);
      }
    }
    std::sort(lines.begin(), lines.end());
    std::string joined;
    for (const std::string& line : lines) joined += (joined.empty() ? "" : " ") + line;
    return joined;
  }

  // r(value of the expression over t(k, v)).
  std::string of(Type type, const std::function<Expression(Expression k, Expression v)>& make,
                 bool nullable = false) {
    const auto r = builder.relation("r", {type});
    builder.at(r).columns[0].nullable = nullable;
    builder.at(r).collection = datalog::Collection::kBag;
    auto rule = builder.rule(r, "_");
    rule.match(t, "k v");
    rule.head_term(0, make(rule.term("k", kInt4), rule.term("v", kInt4)));
    return rows(r);
  }

  // r(k, result) of an aggregate of v by k.
  std::string grouped(Type type, const std::function<void(Aggregate&)>& shape) {
    const auto r = builder.relation("r", {kInt4, type});
    builder.at(r).columns[1].nullable = true;
    auto rule = builder.rule(r, "key out");
    rule.begin_group("key", "k", AggregateOp::kSum, "out", "v").match(t, "k v").end();
    datalog::Rule& written = builder.program().rules.back();
    Aggregate& aggregate = std::get<datalog::Reduce>(written.body.back().node).aggregates.front();
    auto& variable = written.variables[datalog::index_of(aggregate.result)];
    variable.type = type;
    variable.nullable = true;
    shape(aggregate);
    Expression result = rule.term("out", type);
    result.nullable = true;
    result.type = type;
    rule.head_term(1, result);
    return rows(r);
  }

  datalog::ProgramBuilder builder;
  datalog::RelationId t;
};

}  // namespace

TEST_CASE("Checked arithmetic gives values, or PostgreSQL's errors", "[sql]") {
  CHECK(Case().of(kInt4, [](Expression k, Expression v) {
    return made(ExpressionOp::kAddChecked, kInt4, {k, v});
  }) == "11 21 7");
  CHECK(Case().of(kInt4, [](Expression, Expression v) {
    const Expression large = datalog::constant(kInt4, "2147483640");
    return made(ExpressionOp::kAddChecked, kInt4, {large, v});
  }) == "22003 integer out of range");
  CHECK(Case().of(kInt4, [](Expression, Expression v) {
    return made(ExpressionOp::kDivideChecked, kInt4, {v, datalog::constant(kInt4, "0")});
  }) == "22012 division by zero");
}

TEST_CASE("Functions and casts run in expressions", "[sql]") {
  CHECK(Case().of(Type::text(), [](Expression, Expression v) {
    return called(ScalarFunction::kLpadWith, Type::text(),
                  {made(ExpressionOp::kCast, Type::text(), {v}), datalog::constant(kInt4, "4"),
                   datalog::constant(Type::text(), "*")});
  }) == "***5 **10 **20");
  CHECK(Case().of(Type::displayed_numeric(), [](Expression k, Expression v) {
    const Type numeric = Type::displayed_numeric();
    return made(ExpressionOp::kDivideChecked, numeric,
                {made(ExpressionOp::kCast, numeric, {v}), made(ExpressionOp::kCast, numeric, {k})});
  }) == "10.0000000000000000 2.5000000000000000 20.0000000000000000");
  CHECK(Case().of(kInt4, [](Expression, Expression) {
    return made(ExpressionOp::kCast, kInt4, {datalog::constant(Type::text(), "abc")});
  }) == "22P02 invalid input syntax for type integer: \"abc\"");
}

TEST_CASE("Aggregates have SQL's types, filters and orders", "[sql]") {
  CHECK(Case().grouped(Type::of(TypeKind::kInt8),
                       [](Aggregate& a) { a.op = AggregateOp::kSqlSum; }) == "1,30 2,5");
  CHECK(Case().grouped(Type::displayed_numeric(), [](Aggregate& a) {
    a.op = AggregateOp::kAverage;
  }) == "1,15.0000000000000000 2,5.0000000000000000");
  CHECK(Case().grouped(Type::of(TypeKind::kInt8), [](Aggregate& a) {
    a.op = AggregateOp::kSqlSum;
    a.condition = made(ExpressionOp::kGreater, Type::boolean(),
                       {*a.argument, datalog::constant(kInt4, "15")});
  }) == "1,20 2,null");
  CHECK(Case().grouped(Type::text(), [](Aggregate& a) {
    const Expression value = *a.argument;
    a.op = AggregateOp::kStringAgg;
    a.argument = made(ExpressionOp::kCast, Type::text(), {value});
    a.delimiter = datalog::constant(Type::text(), "/");
    a.order.push_back({value, true, false});
  }) == "1,20/10 2,5");
}

}  // namespace entail::compiler
