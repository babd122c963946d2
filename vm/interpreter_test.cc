#include "vm/interpreter.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <thread>

#include "vm/base/random.h"
#include "vm/disassembler.h"
#include "vm/equivalence_relation.h"
#include "vm/opcodes.h"
#include "vm/verifier.h"

namespace entail::vm {
namespace {

// Threads for tests; the server has its own.
class TestTeam final : public ThreadTeam {
 public:
  explicit TestTeam(unsigned size) : size_(size) {}
  unsigned size() const override { return size_; }
  void run(const std::function<void(unsigned)>& work) override {
    std::vector<std::thread> others;
    for (unsigned i = 1; i < size_; ++i) others.emplace_back([&work, i] { work(i); });
    work(0);
    for (std::thread& thread : others) thread.join();
  }

 private:
  unsigned size_;
};

struct Pair {
  Word x, y;
  friend auto operator<=>(const Pair&, const Pair&) = default;
};

std::unique_ptr<Relation> pairs_relation(std::string name, ValuePool& pool) {
  auto made = Relation::create({.name = std::move(name), .columns = {{}, {}}, .pool = &pool});
  REQUIRE(made);
  return std::move(*made);
}

void add(Relation& relation, const std::vector<Pair>& rows) {
  std::vector<Word> x, y;
  for (const Pair& row : rows) {
    x.push_back(row.x);
    y.push_back(row.y);
  }
  const Word* columns[] = {x.data(), y.data()};
  REQUIRE(relation.append(columns, rows.size()));
}

std::set<Pair> rows_of(const Relation& relation) {
  std::set<Pair> out;
  RowRange range = relation.range(View::kTotal);
  Row rows[64];
  Word x[64], y[64];
  while (const std::size_t n = relation.next_rows(range, rows, 64)) {
    relation.load(0, rows, n, x);
    relation.load(1, rows, n, y);
    for (std::size_t i = 0; i < n; ++i) out.insert({x[i], y[i]});
  }
  return out;
}

// path(x, y) :- edge(x, y).  path(x, z) :- path(x, y), edge(y, z).   edge is operand 0, path is 1.
Program closure_program() {
  Program p;
  p.relation_names = {"edge", "path"};
  const auto path_list = p.add_list({1});
  const auto key = p.add_list({1});
  const auto head_copy = p.add_list({0, 1});
  const auto head_step = p.add_list({2, 3});
  const auto op = [&](Opcode o, std::uint16_t flags, std::uint16_t a = 0, std::uint16_t b = 0,
                      std::uint16_t c = 0, std::uint16_t d = 0, std::uint32_t e = 0,
                      std::uint32_t f = 0) { p.code.push_back({o, flags, a, b, c, d, e, f}); };
  op(Opcode::kRun, 0, 0);
  op(Opcode::kAdvance, 0, 0, 0, 0, 0, path_list);
  op(Opcode::kRun, 0, 1);
  op(Opcode::kAdvance, 0, 0, 0, 0, 0, path_list);
  op(Opcode::kLoopIfGrew, 0, 0, 0, 0, 0, path_list, 2);
  op(Opcode::kSettle, 0, 0, 0, 0, 0, path_list);
  op(Opcode::kHalt, 0);
  const auto copy_entry = static_cast<std::uint32_t>(p.code.size());
  op(Opcode::kScanOpen, 0, 0, 0);
  op(Opcode::kScanNext, 0, 0, 0, 0, 0, 0, copy_entry + 6);
  op(Opcode::kLoad, 0, 0, 0, 0, 0, 0);
  op(Opcode::kLoad, 0, 1, 0, 0, 0, 1);
  op(Opcode::kInsert, 0, 1, 0, kNoRegister, 0, head_copy);
  op(Opcode::kJump, 0, 0, 0, 0, 0, 0, copy_entry + 1);
  op(Opcode::kEnd, 0);
  const auto step_entry = static_cast<std::uint32_t>(p.code.size());
  op(Opcode::kScanOpen, kViewDelta, 0, 1);
  op(Opcode::kScanNext, 0, 0, 0, 0, 0, 0, step_entry + 10);
  op(Opcode::kLoad, 0, 0, 0, 1, 0, 0);
  op(Opcode::kLoad, 0, 1, 0, 1, 0, 1);
  op(Opcode::kProbeOpen, 0, 1, 0, 0, 0, 0, key);
  op(Opcode::kProbeNext, 0, 1, 1, 1, 2, 0, step_entry + 1);
  op(Opcode::kTake, 0, 2, 0, 1, 1);
  op(Opcode::kLoad, 0, 3, 2, 0, 1, 1);
  op(Opcode::kInsert, 0, 1, 1, kNoRegister, 0, head_step);
  op(Opcode::kJump, 0, 0, 0, 0, 0, 0, step_entry + 5);
  op(Opcode::kEnd, 0);
  Fragment copy;
  copy.entry = copy_entry;
  copy.registers = 2;
  copy.row_registers = copy.batches = copy.cursors = 1;
  copy.name = "path(x, y) :- edge(x, y).";
  Fragment step;
  step.entry = step_entry;
  step.registers = 4;
  step.row_registers = 3;
  step.batches = step.cursors = 2;
  step.name = "path(x, z) :- path(x, y), edge(y, z). delta 1";
  p.fragments = {copy, step};
  return p;
}

TEST_CASE("a closure by bytecode is the closure, whatever the number of threads") {
  const TypeTable types;
  for (const unsigned threads : {1U, 2U, 3U}) {
    for (const std::uint64_t nodes : {5U, 60U, 300U}) {
      ValuePool pool(types);
      Random random(nodes);
      std::vector<Pair> edges;
      for (std::uint64_t i = 0; i < nodes * 2; ++i)
        edges.push_back({random.below(nodes), random.below(nodes)});
      auto edge = pairs_relation("edge", pool), path = pairs_relation("path", pool);
      add(*edge, edges);
      edge->advance();
      edge->settle();
      REQUIRE(edge->add_index({{0}}) == 0);
      edge->prepare_index(0);

      const Program program = closure_program();
      auto verified = verify_program(program);
      INFO((verified ? "" : verified.error().message));
      REQUIRE(verified);
      TestTeam team(threads);
      Machine machine({.pool = &pool, .team = &team});
      const std::vector<RelationBinding> bindings = {{edge.get(), nullptr}, {path.get(), nullptr}};
      auto outcome = machine.run(program, 0, bindings, {0, 0});
      REQUIRE(outcome);
      CHECK(*outcome == Outcome::kDone);

      std::map<Word, std::set<Word>> successors;
      for (const Pair& e : edges) successors[e.x].insert(e.y);
      std::set<Pair> expected;
      for (const auto& [x, direct] : successors) {
        std::vector<Word> open(direct.begin(), direct.end());
        while (!open.empty()) {
          const Word y = open.back();
          open.pop_back();
          if (!expected.insert({x, y}).second) continue;
          if (successors.count(y) != 0)
            open.insert(open.end(), successors[y].begin(), successors[y].end());
        }
      }
      CHECK(rows_of(*path) == expected);
      CHECK(machine.fragment_counters()[1].rows_inserted +
                machine.fragment_counters()[0].rows_inserted ==
            expected.size());
    }
  }
}

TEST_CASE("a budget of touched rows ends a run with its name") {
  const TypeTable types;
  ValuePool pool(types);
  auto edge = pairs_relation("edge", pool), path = pairs_relation("path", pool);
  std::vector<Pair> edges;
  for (Word i = 0; i < 500; ++i) edges.push_back({i, (i + 1) % 500});
  add(*edge, edges);
  edge->advance();
  edge->settle();
  edge->add_index({{0}});
  edge->prepare_index(0);
  TestTeam team(1);
  Machine machine({.pool = &pool, .team = &team, .limits = {.rows_touched = 10'000}});
  const std::vector<RelationBinding> bindings = {{edge.get(), nullptr}, {path.get(), nullptr}};
  auto outcome = machine.run(closure_program(), 0, bindings, {0, 0});
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == ErrorCode::kLimit);
}

TEST_CASE("a cancelled run stops") {
  const TypeTable types;
  ValuePool pool(types);
  auto edge = pairs_relation("edge", pool), path = pairs_relation("path", pool);
  add(*edge, {{1, 2}, {2, 3}});
  edge->advance();
  edge->settle();
  edge->add_index({{0}});
  edge->prepare_index(0);
  TestTeam team(1);
  CancelToken cancel;
  cancel.cancel();
  Machine machine({.pool = &pool, .team = &team, .cancel = &cancel});
  const std::vector<RelationBinding> bindings = {{edge.get(), nullptr}, {path.get(), nullptr}};
  auto outcome = machine.run(closure_program(), 0, bindings, {0, 0});
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == ErrorCode::kCancelled);
}

TEST_CASE("the verifier refuses operands that do not exist") {
  const Program good = closure_program();
  REQUIRE(verify_program(good));
  const auto broken = [&](auto change) {
    Program p = good;
    change(p);
    return verify_program(p);
  };
  CHECK_FALSE(broken([](Program& p) { p.code[9].a = 7; }));      // register
  CHECK_FALSE(broken([](Program& p) { p.code[0].a = 2; }));      // fragment
  CHECK_FALSE(broken([](Program& p) { p.code[4].f = 9; }));      // jump out of control code
  CHECK_FALSE(broken([](Program& p) { p.code[12].f = 0; }));     // jump out of the fragment
  CHECK_FALSE(broken([](Program& p) { p.code[7].b = 2; }));      // relation
  CHECK_FALSE(broken([](Program& p) { p.code[11].e = 4000; }));  // list
  CHECK_FALSE(broken(
      [](Program& p) { p.code[6].op = Opcode::kEnd; }));  // a fragment instruction in control code
  CHECK_FALSE(broken([](Program& p) { p.code.pop_back(); }));  // code that runs off its end
  CHECK_FALSE(broken([](Program& p) { p.constants.push_back({0, 0, 5}); }));  // a written constant
  CHECK_FALSE(broken([](Program& p) { p.fragments[1].batches = 1; }));
}

TEST_CASE("the disassembly names relations, registers and targets") {
  const std::string text = disassemble(closure_program());
  CHECK(text.find("ScanOpen        c0 path delta") != std::string::npos);
  CHECK(text.find("ProbeNext       c1 b1 l1 l2 ->15") != std::string::npos);
  CHECK(text.find("LoopIfGrew      (path) ->2") != std::string::npos);
  CHECK(opcode_manual().find("ProbeNext") != std::string::npos);
}

}  // namespace
}  // namespace entail::vm
