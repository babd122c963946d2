#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "datalog/lower.h"
#include "datalog/stratify.h"
#include "grammar/parser.h"
#include "rete/network.h"
#include "vm/row_scan.h"
#include "vm/value_text.h"

namespace entail::rete {
namespace {

using datalog::RelationId;
using vm::Word;

constexpr std::int64_t kSecond = 1'000'000;

// Rows of numbers; times are seconds.
struct Timed {
  explicit Timed(const std::string& text) {
    grammar::Diagnostics diagnostics;
    grammar::NoFiles reader;
    const grammar::Program tree = grammar::parse_text("t.dl", text, {}, reader, files, diagnostics);
    program = datalog::lower(tree, {}, diagnostics);
    const bool good =
        program && !diagnostics.has_errors() && datalog::stratify(*program, diagnostics);
    INFO(diagnostics.render(files));
    REQUIRE(good);
    pool.emplace(program->types);
    make();
  }
  ~Timed() { network.reset(); }

  void make() {
    NetworkOptions options;
    options.pool = &*pool;
    options.files = &files;
    options.reports_stated = true;
    auto made = Network::create(*program, options);
    if (!made) FAIL(made.error().message);
    network = std::move(*made);
    network->verify();
  }

  RelationId id(const std::string& name) const {
    for (std::size_t i = 0; i < program->relations.size(); ++i) {
      if (program->relations[i].name == name) return static_cast<RelationId>(i);
    }
    FAIL("no relation " << name);
    return {};
  }

  // Rows (n, seconds) of a stream, in one batch.
  void send(const std::string& name, const std::vector<std::pair<int, int>>& rows,
            std::int64_t partition = 0, std::int64_t weight = 1) {
    std::vector<Word> numbers, times;
    for (const auto& [number, second] : rows) {
      numbers.push_back(static_cast<Word>(number));
      times.push_back(static_cast<Word>(second * kSecond));
    }
    const std::vector<std::int64_t> weights(rows.size(), weight);
    const Word* const columns[] = {numbers.data(), times.data()};
    FactChanges changes{columns, rows.size(), weights.data()};
    changes.partition = partition;
    REQUIRE(network->change(id(name), changes).has_value());
  }
  void step() {
    auto done = network->step();
    if (!done) FAIL(done.error().message);
    network->verify();
  }
  void tick(int second) {
    auto done = network->tick(std::nullopt, second * kSecond);
    if (!done) FAIL(done.error().message);
    network->verify();
  }
  void commit() {
    auto committed = network->commit();
    if (!committed) FAIL(committed.error().message);
    network->verify();
    last = std::move(*committed);
  }
  void abort() {
    network->abort();
    network->verify();
  }

  // "1,10 2,12": sorted; times as seconds.
  std::string rows(const std::string& name) const {
    const vm::StandingRelation& relation = network->relation(id(name));
    std::vector<std::string> lines;
    for (const vm::Row row : vm::visible_rows(relation)) {
      std::string line;
      for (const compiler::ColumnLayout& column : network->layout(id(name)).columns) {
        Word word = 0;
        relation.load(column.first_word, &row, 1, &word);
        const auto value = static_cast<std::int64_t>(word);
        const bool is_time = column.type.kind == vm::TypeKind::kTimestamp;
        line += (line.empty() ? "" : ",") + std::to_string(is_time ? value / kSecond : value);
      }
      lines.push_back(std::move(line));
    }
    std::sort(lines.begin(), lines.end());
    std::string joined;
    for (const std::string& each : lines) joined += (joined.empty() ? "" : " ") + each;
    return joined;
  }
  std::string emitted() const {
    std::string joined;
    for (const EmittedRow& event : last.emitted)
      joined += (joined.empty() ? "" : " ") + std::to_string(event.words[0]);
    return joined;
  }

  grammar::SourceFiles files;
  std::optional<datalog::RuleProgram> program;
  std::optional<vm::ValuePool> pool;
  std::unique_ptr<Network> network;
  Committed last;
};

}  // namespace

TEST_CASE("a stream's clock is its highest event time less the delay") {
  Timed t("stream E(n: number, ts: timestamp) time ts watermark 5s;");
  CHECK(t.rows("E.clock") == "");
  t.send("E", {{1, 100}, {2, 103}, {3, 101}});
  t.step();
  CHECK(t.rows("E.clock") == "98");
  CHECK(t.rows("E.partitions") == "0,103,0");
  t.commit();
  CHECK(t.rows("E") == "1,100 2,103 3,101");
  t.tick(110);
  CHECK(t.rows("E.clock") == "105");
  t.abort();
  CHECK(t.rows("E.clock") == "98");
  t.send("E", {{4, 104}});
  t.commit();
  CHECK(t.rows("E.clock") == "99");
}

TEST_CASE("the clock of several partitions is that of the slowest") {
  Timed t("stream E(n: number, ts: timestamp) time ts;");
  t.send("E", {{1, 100}}, 1);
  t.send("E", {{2, 50}}, 2);
  t.step();
  CHECK(t.rows("E.clock") == "100");  // It never goes back.
  CHECK(t.rows("E_late") == "2,50");
  t.send("E", {{3, 120}}, 1);
  t.step();
  CHECK(t.rows("E.clock") == "100");
  t.send("E", {{4, 110}}, 2);
  t.commit();
  CHECK(t.rows("E.clock") == "110");
  CHECK(t.rows("E.partitions") == "1,120,0 2,110,0");
}

TEST_CASE("an idle partition holds up nobody") {
  Timed t("stream E(n: number, ts: timestamp) time ts;");
  t.send("E", {{1, 100}}, 1);
  t.send("E", {{2, 100}}, 2);
  t.send("E", {{3, 150}}, 1);
  t.commit();
  CHECK(t.rows("E.clock") == "100");
  const Word row[] = {2, static_cast<Word>(100 * kSecond), 1};
  const Word* const columns[] = {&row[0], &row[1], &row[2]};
  REQUIRE(t.network->change(t.id("E.partitions"), {columns, 1}).has_value());
  t.commit();
  t.tick(1);
  CHECK(t.rows("E.clock") == "150");
  t.send("E", {{4, 151}}, 2);
  t.commit();
  CHECK(t.rows("E.partitions") == "1,150,0 2,151,0");
}

TEST_CASE("a row at the watermark is on time, and one below it is late") {
  Timed apply("stream E(n: number, ts: timestamp) time ts;");
  apply.send("E", {{1, 100}, {2, 100}, {3, 99}});
  apply.commit();
  CHECK(apply.rows("E") == "1,100 2,100 3,99");
  CHECK(apply.rows("E_late") == "3,99");

  Timed sideline(
      "stream E(n: number, ts: timestamp) time ts late sideline Late;\n"
      "relation Late(n: number, ts: timestamp);");
  sideline.send("E", {{1, 100}, {3, 99}, {2, 100}});
  sideline.commit();
  CHECK(sideline.rows("E") == "1,100 2,100");
  CHECK(sideline.rows("Late") == "3,99");

  Timed drop("stream E(n: number, ts: timestamp) time ts late drop;");
  drop.send("E", {{1, 100}, {3, 99}, {4, 98}, {2, 101}});
  drop.step();
  CHECK(drop.network->statistics().streams[0].dropped == 0);
  drop.commit();
  CHECK(drop.rows("E") == "1,100 2,101");
  CHECK(drop.network->statistics().streams[0].dropped == 2);
}

TEST_CASE("rows that are past their expiry leave in a step of their own") {
  Timed t(
      "stream E(n: number, ts: timestamp) time ts expire 10s;\n"
      ".decl seen(n: number)\n"
      "seen(n) :- E{n}.");
  t.send("E", {{1, 100}, {2, 105}});
  t.commit();
  t.tick(109);
  CHECK(t.rows("seen") == "1 2");
  t.tick(110);
  CHECK(t.rows("E") == "2,105");
  CHECK(t.rows("seen") == "2");
  t.abort();
  CHECK(t.rows("seen") == "1 2");
  t.send("E", {{3, 120}});
  t.commit();
  CHECK(t.rows("E") == "3,120");
  CHECK(t.network->statistics().streams[0].expired == 2);
  bool found = false;
  for (const StatedChange& change : t.last.stated) {
    found = found || (change.relation == t.id("E") && change.size() == 3);
  }
  CHECK(found);
}

TEST_CASE("what a final relation would lose by expiry stays, and a correction takes it back") {
  Timed t(
      "stream A(n: number, ts: timestamp) time ts expire 10s;\n"
      "final relation seen(n: number);\n"
      ".decl above(n: number)\n"
      "seen(n) :- A{n}.\n"
      "above(n) :- seen(n).");
  t.send("A", {{1, 100}, {2, 101}});
  t.commit();
  t.send("A", {{2, 101}}, 0, -1);
  t.commit();
  CHECK(t.rows("seen") == "1");
  t.tick(120);
  t.abort();
  CHECK(t.rows("A") == "1,100");
  t.tick(120);
  t.commit();
  CHECK(t.rows("A") == "");
  CHECK(t.rows("seen") == "1");
  CHECK(t.rows("above") == "1");
  REQUIRE(t.last.changes.empty());
  // It is stated now, and can be taken back like any fact.
  const Word one = 1;
  const Word* const columns[] = {&one};
  const std::int64_t away = -1;
  REQUIRE(t.network->change(t.id("seen"), {columns, 1, &away}).has_value());
  t.commit();
  CHECK(t.rows("above") == "");
}

TEST_CASE("`over current` follows the clock") {
  Timed t(
      "stream E(n: number, ts: timestamp) time ts watermark 1s;\n"
      ".decl now_here(n: number)\n.decl many(n: number)\n"
      "now_here(n) :- E{n} over current 10s.\n"
      "many(k) :- k = count : { E{} over current 10s }.");
  t.send("E", {{1, 100}, {2, 105}, {3, 105}});
  t.commit();
  CHECK(t.rows("now_here") == "1 2 3");
  CHECK(t.rows("many") == "3");
  t.tick(110);
  CHECK(t.rows("now_here") == "1 2 3");
  t.tick(111);  // The watermark is 110: 100 is 10 s behind it.
  CHECK(t.rows("now_here") == "2 3");
  CHECK(t.rows("many") == "2");
  t.abort();
  CHECK(t.rows("now_here") == "1 2 3");
  t.tick(200);
  t.commit();
  CHECK(t.rows("now_here") == "");
  CHECK(t.rows("many") == "0");
  t.send("E", {{4, 150}});  // Late, and long gone.
  t.commit();
  CHECK(t.rows("now_here") == "");
}

TEST_CASE("now() in a rule is the clock of its streams") {
  Timed t(
      "stream E(n: number, ts: timestamp) time ts;\n"
      "stream F(n: number, ts: timestamp) time ts;\n"
      ".decl recent(n: number)\n.decl old(n: number)\n.decl both(n: number)\n"
      "recent(n) :- E{n, ts}, ts > now() - 10s.\n"
      "old(n) :- E{n, ts}, now() - 10s >= ts.\n"
      "both(n) :- E{n, ts}, F{n}, ts < now() - 5s.");
  t.send("E", {{1, 100}, {2, 107}});
  t.send("F", {{1, 100}});
  t.commit();
  CHECK(t.rows("recent") == "1 2");
  t.send("E", {{3, 110}});
  t.commit();
  CHECK(t.rows("recent") == "2 3");
  CHECK(t.rows("old") == "1");
  CHECK(t.rows("both") == "");  // F's clock is at 100.
  t.send("F", {{9, 106}});
  t.commit();
  CHECK(t.rows("both") == "1");
}

TEST_CASE("moving a clock costs what becomes due") {
  Timed t(
      "stream E(n: number, ts: timestamp) time ts;\n"
      ".decl here(n: number)\n"
      "here(n) :- E{n} over current 5000s.");
  std::vector<std::pair<int, int>> rows;
  for (int i = 0; i < 4000; ++i) rows.emplace_back(i, i);
  t.send("E", rows);
  t.commit();
  const std::uint64_t before = t.network->statistics().rows_touched;
  std::uint64_t touched = 0;
  for (const NodeStatistics& node : t.network->statistics().nodes) {
    if (node.node.starts_with("timed")) touched = node.rows_touched;
  }
  t.tick(5003);
  t.commit();
  for (const NodeStatistics& node : t.network->statistics().nodes) {
    if (node.node.starts_with("timed")) CHECK(node.rows_touched - touched == 4);
  }
  CHECK(t.network->statistics().rows_touched - before < 50);
  CHECK(t.network->row_count(t.id("here")) == 3996);
}

TEST_CASE("what is due before a row has its steps before it, however rows are batched") {
  // An A without a B in the 10 s behind it.
  const std::string text =
      "stream A(n: number, ts: timestamp) time ts;\n"
      "stream B(n: number, ts: timestamp) time ts;\n"
      "stream Out(n: number);\n"
      "rule missing when A{n, ts}, ts <= now() - 10s,\n"
      "  !(B{n, ts: b}, b >= ts, b < ts + 10s)\n"
      "then emit Out{n}; end";
  const std::vector<std::pair<int, int>> rows{{1, 100}, {2, 104}, {3, 111}, {4, 130}};
  Timed one(text), all(text);
  std::string sent;
  for (const auto& row : rows) {
    one.send("A", {row});
    one.commit();
    if (!one.emitted().empty()) sent += (sent.empty() ? "" : " ") + one.emitted();
  }
  all.send("A", rows);
  all.commit();
  CHECK(sent == "1 2 3");
  CHECK(all.emitted() == sent);
  CHECK(all.last.steps > one.last.steps);
}

TEST_CASE("an event at the time of a timer comes behind it") {
  const std::string text =
      "stream A(n: number, ts: timestamp) time ts;\n"
      "stream Out(n: number);\n"
      ".decl pair(n: number)\n"
      "pair(n) :- A{n} over current 10s, A{n: m} over current 10s, m > n.\n"
      "rule two when pair(n) then emit Out{n}; end";
  Timed at(text), before(text);
  at.send("A", {{1, 100}, {2, 110}});
  at.commit();
  CHECK(at.emitted() == "");
  before.send("A", {{1, 100}, {2, 109}});
  before.commit();
  CHECK(before.emitted() == "1");
}

TEST_CASE("a network that is loaded has the clocks that it had") {
  const std::string text =
      "stream E(n: number, ts: timestamp) time ts watermark 2s expire 100s;\n"
      ".decl here(n: number)\n"
      "here(n) :- E{n} over current 10s.";
  Timed t(text);
  t.send("E", {{1, 100}, {2, 95}, {3, 108}}, 7);
  t.commit();
  CHECK(t.rows("here") == "1 3");
  std::vector<std::pair<RelationId, std::vector<std::vector<Word>>>> stated;
  for (const char* const name : {"E", "E_late", "E.clock", "E.partitions"}) {
    const vm::StandingRelation& relation = t.network->relation(t.id(name));
    const std::vector<vm::Row> found = vm::visible_rows(relation);
    std::vector<std::vector<Word>> columns(relation.column_count());
    for (std::uint32_t c = 0; c < columns.size(); ++c) {
      columns[c].resize(found.size());
      relation.load(c, found.data(), found.size(), columns[c].data());
    }
    stated.emplace_back(t.id(name), std::move(columns));
  }
  t.network.reset();
  t.make();
  for (const auto& [id, words] : stated) {
    std::vector<const Word*> columns;
    for (const auto& column : words) columns.push_back(column.data());
    REQUIRE(t.network->load(id, {columns, words[0].size()}).has_value());
  }
  REQUIRE(t.network->end_load(5).has_value());
  t.network->verify();
  CHECK(t.rows("here") == "1 3");
  CHECK(t.rows("E.clock") == "106");
  t.send("E", {{4, 113}}, 7);
  t.commit();
  CHECK(t.rows("E.clock") == "111");
  CHECK(t.rows("here") == "3 4");
}

TEST_CASE("another program in force keeps clocks and timers") {
  const std::string text =
      "stream E(n: number, ts: timestamp) time ts;\n"
      ".decl here(n: number)\n.decl there(n: number)\n"
      "here(n) :- E{n} over current 10s.\n";
  Timed t(text);
  t.send("E", {{1, 100}, {2, 105}});
  t.commit();
  grammar::Diagnostics diagnostics;
  grammar::NoFiles reader;
  const grammar::Program tree = grammar::parse_text(
      "t2.dl", text + "there(n) :- E{n} over current 20s.", {}, reader, t.files, diagnostics);
  auto program = datalog::lower(tree, {}, diagnostics);
  REQUIRE(program);
  REQUIRE(datalog::stratify(*program, diagnostics));
  auto extended = t.network->extend(*program, {.files = &t.files});
  if (!extended) FAIL(extended.error().message);
  t.program = std::move(program);
  t.network->verify();
  CHECK(t.rows("there") == "1 2");
  t.tick(111);
  CHECK(t.rows("here") == "2");
  t.tick(120);
  CHECK(t.rows("there") == "2");
  t.commit();
}

}  // namespace entail::rete
