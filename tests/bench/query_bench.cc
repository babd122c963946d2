// tests/bench/query_bench.cc - what does one run of a prepared query cost?
//
//   query_bench [ROWS]      default 1,000,000: account(id, branch, balance) with a key and an index
//
//   look-up     select balance from account where id = $1
//   branch      select id from account where branch = $1        (10 rows)
//   join        an account with its branch's name
//   top         select id from account order by balance desc limit 10
//   groups      select branch, sum(balance) from account group by branch
//
// Expected before measuring: a look-up is one probe out of the cache (100 ns), some thirty instructions of
// the machine at 10 ns, and the entry and exit of a run: 1 to 2 us. A row of a scan that is sorted with a
// limit 20 ns.
//
// Prints one line a question: nanoseconds a run, rows touched. Single-threaded, in memory.

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "compiler/prepared_query.h"
#include "datalog/program_builder.h"
#include "datalog/stratify.h"

namespace {

using namespace entail;
using datalog::Expression;
using datalog::ExpressionOp;
using datalog::ProgramBuilder;
using datalog::RelationId;
using vm::Word;

const vm::Type kNumber = vm::Type::number();

struct Facts {
  vm::TypeTable types;
  vm::ValuePool pool{types};
  std::unique_ptr<vm::StandingRelation> account, branch;
};

Expression parameter() {
  Expression e;
  e.op = ExpressionOp::kParameter;
  e.type = kNumber;
  e.nullable = true;
  return e;
}

Expression equals(Expression left, Expression right) {
  Expression e;
  e.op = ExpressionOp::kEqual;
  e.type = vm::Type::boolean();
  e.nullable = true;
  e.arguments = {std::move(left), std::move(right)};
  return e;
}

template <typename T>
T must(Expected<T> result) {
  if (result) return std::move(*result);
  fmt::print("failed: {}\n", result.error().message);
  std::exit(1);
}

std::unique_ptr<vm::StandingRelation> fill(vm::ValuePool& pool, const char* name,
                                           const std::vector<std::vector<Word>>& columns) {
  vm::RelationOptions options;
  options.name = name;
  options.columns.resize(columns.size());
  options.key = {0};
  options.pool = &pool;
  auto made = must(vm::StandingRelation::create(std::move(options)));
  std::vector<const Word*> arrays;
  for (const auto& column : columns) arrays.push_back(column.data());
  auto applied =
      made->apply({.columns = arrays, .n = columns.front().size()}, vm::Counting::kStated);
  if (!applied) std::exit(1);
  made->commit(1);
  return made;
}

// A query under construction: account and branch are relations 0 and 1.
struct Question {
  ProgramBuilder builder;
  datalog::QueryProgram query;
  RelationId account, branch, answer{};

  explicit Question(std::size_t columns) {
    account = builder.relation("account", {kNumber, kNumber, kNumber});
    branch = builder.relation("branch", {kNumber, kNumber});
    builder.at(account).key = {0};
    builder.at(branch).key = {0};
    query.catalog_relations = 2;
    answer = builder.relation("answer", std::vector<vm::Type>(columns, kNumber));
    builder.at(answer).collection = datalog::Collection::kBag;
    query.answer = answer;
    query.answer_columns = static_cast<std::uint32_t>(columns);
  }
};

void measure(const char* name, Question question, const Facts& facts, std::size_t runs,
             Word parameters) {
  question.query.program = question.builder.take();
  grammar::Diagnostics diagnostics;
  if (!datalog::stratify(question.query.program, diagnostics)) std::exit(1);
  const bool has_parameter = parameters > 0;
  if (has_parameter) question.query.parameters = {kNumber};
  compiler::PreparedQueryOptions options;
  options.pool = const_cast<vm::ValuePool*>(&facts.pool);
  options.bind = [&](RelationId id) {
    return datalog::index_of(id) == 0 ? facts.account.get() : facts.branch.get();
  };
  const auto before = std::chrono::steady_clock::now();
  auto query = must(compiler::PreparedQuery::create(std::move(question.query), options));
  const auto started = std::chrono::steady_clock::now();
  compiler::QueryResult result;
  std::uint64_t rows = 0, touched = 0;
  for (std::size_t i = 0; i < runs; ++i) {
    const compiler::ParameterValue value{{(i * 7919) % std::max<Word>(parameters, 1), 0}, false};
    compiler::QueryArguments arguments;
    if (has_parameter) arguments.parameters = std::span(&value, 1);
    if (auto done = query->run(arguments, result); !done) {
      fmt::print("failed: {}\n", done.error().message);
      std::exit(1);
    }
    rows += result.row_count();
    touched += query->counters().rows_touched();
  }
  const auto ended = std::chrono::steady_clock::now();
  const auto ns = [](auto from, auto to) {
    return std::chrono::duration<double, std::nano>(to - from).count();
  };
  fmt::print("{:<10} {:>12.0f} ns a run {:>10.1f} rows {:>10.1f} touched {:>10.0f} us to prepare\n",
             name, ns(started, ended) / static_cast<double>(runs),
             static_cast<double>(rows) / static_cast<double>(runs),
             static_cast<double>(touched) / static_cast<double>(runs), ns(before, started) / 1e3);
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t rows = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  Facts facts;
  std::vector<std::vector<Word>> account(3), branch(2);
  for (Word i = 0; i < rows; ++i) {
    account[0].push_back(i);
    account[1].push_back(i / 10);
    account[2].push_back(i * 2654435761U % 1000003);
  }
  for (Word i = 0; i < rows / 10 + 1; ++i) {
    branch[0].push_back(i);
    branch[1].push_back(i + 7);
  }
  facts.account = fill(facts.pool, "account", account);
  facts.branch = fill(facts.pool, "branch", branch);
  must(facts.account->add_index({{1}, -1}));

  {
    Question q(1);
    auto rule = q.builder.rule(q.answer, "v").match(q.account, "i _ v");
    rule.filter(equals(rule.term("i"), parameter()));
    measure("look-up", std::move(q), facts, 1'000'000, rows);
  }
  {
    Question q(1);
    auto rule = q.builder.rule(q.answer, "i").match(q.account, "i b _");
    rule.filter(equals(rule.term("b"), parameter()));
    measure("branch", std::move(q), facts, 200'000, rows / 10);
  }
  {
    Question q(2);
    auto rule = q.builder.rule(q.answer, "i n").match(q.account, "i b _").match(q.branch, "b n");
    rule.filter(equals(rule.term("i"), parameter()));
    measure("join", std::move(q), facts, 500'000, rows);
  }
  {
    Question q(2);
    q.builder.rule(q.answer, "i v").match(q.account, "i _ v");
    q.query.order = {{1, true, false}};
    q.query.limit = datalog::constant(kNumber, "10");
    measure("top", std::move(q), facts, 5, 0);
  }
  {
    Question q(2);
    q.builder.rule(q.answer, "k s")
        .begin_group("k", "b", datalog::AggregateOp::kSum, "s", "v")
        .match(q.account, "_ b v")
        .end();
    measure("groups", std::move(q), facts, 3, 0);
  }
  return 0;
}
