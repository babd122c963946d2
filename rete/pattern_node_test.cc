// Sequences of events that stand, and the clock that decides them.

#include "rete/pattern_node.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "datalog/lower.h"
#include "datalog/stratify.h"
#include "grammar/parser.h"
#include "rete/network.h"
#include "vm/value_text.h"

namespace entail::rete {
namespace {

using vm::Word;

constexpr Word kSecond = 1'000'000;

class Standing {
 public:
  explicit Standing(const std::string& text) {
    grammar::Diagnostics diagnostics;
    grammar::NoFiles no_files;
    const grammar::Program tree =
        grammar::parse_text("test.dl", text, {}, no_files, files_, diagnostics);
    program_ = datalog::lower(tree, {}, diagnostics);
    INFO(diagnostics.render(files_));
    REQUIRE(program_);
    REQUIRE(datalog::stratify(*program_, diagnostics));
    pool_.emplace(program_->types);
    NetworkOptions options;
    options.pool = &*pool_;
    auto made = Network::create(*program_, options);
    if (!made) FAIL(made.error().message);
    network_ = std::move(*made);
  }

  datalog::RelationId id(const std::string& name) const {
    for (std::size_t i = 0; i < program_->relations.size(); ++i) {
      if (program_->relations[i].name == name) return static_cast<datalog::RelationId>(i);
    }
    FAIL("no relation " + name);
    throw 0;
  }
  void change(const std::string& name, const std::vector<Word>& row, std::int64_t weight = 1) {
    std::vector<const Word*> columns;
    for (const Word& word : row) columns.push_back(&word);
    FactChanges changes{columns, 1, &weight};
    changes.is_arrival = false;  // The clock is moved by hand.
    REQUIRE(network_->change(id(name), changes).has_value());
    REQUIRE(network_->step().has_value());
    network_->verify();
  }
  // The clock of the stream goes from one second to another.
  void tick(const std::string& stream, std::optional<Word> from, Word to) {
    if (from) change(stream + ".clock", {*from * kSecond}, -1);
    change(stream + ".clock", {to * kSecond});
  }
  void abort() { network_->abort(); }
  void commit() { REQUIRE(network_->commit().has_value()); }

  // "1,2 1,3": sorted by text.
  std::string rows(const std::string& name) const {
    const vm::StandingRelation& relation = network_->relation(id(name));
    std::vector<std::string> lines;
    vm::Row position = 0, row = 0;
    while (relation.scan(vm::View::kTotal, position, &row, 1) == 1) {
      std::string line;
      for (std::uint32_t c = 0; c < relation.column_count(); ++c) {
        Word word = 0;
        relation.load(c, &row, 1, &word);
        line += (c == 0 ? "" : ",") + std::to_string(vm::int_of(word));
      }
      lines.push_back(line);
    }
    std::sort(lines.begin(), lines.end());
    std::string joined;
    for (const std::string& line : lines) joined += (joined.empty() ? "" : " ") + line;
    return joined;
  }

 private:
  grammar::SourceFiles files_;
  std::optional<datalog::RuleProgram> program_;
  std::optional<vm::ValuePool> pool_;
  std::unique_ptr<Network> network_;
};

}  // namespace

TEST_CASE("a sequence is found, and corrected by an event that comes late", "[rete]") {
  Standing standing(R"(
    stream Login(user: int64, ok: bool, ts: timestamp) time ts;
    .decl alarm(user: int64)
    alarm(u) :- sequence( Login{user: u, ok: false} [3..*] -> Login{user: u, ok: true} ) within 1m by u skip past_last.
  )");
  standing.change("Login", {7, 0, 1 * kSecond});
  standing.change("Login", {7, 0, 3 * kSecond});
  standing.change("Login", {8, 0, 3 * kSecond});
  standing.change("Login", {7, 1, 5 * kSecond});
  CHECK(standing.rows("alarm").empty());
  standing.commit();
  standing.change("Login", {7, 0, 2 * kSecond});  // Now there are three.
  CHECK(standing.rows("alarm") == "7");
  standing.abort();
  CHECK(standing.rows("alarm").empty());
  standing.change("Login", {7, 0, 2 * kSecond});
  standing.commit();
  CHECK(standing.rows("alarm") == "7");
  standing.change("Login", {7, 0, 1 * kSecond}, -1);
  CHECK(standing.rows("alarm").empty());
}

TEST_CASE("an absence is there when the clock has passed, and not before", "[rete]") {
  Standing standing(R"(
    stream Order(id: int64, ts: timestamp) time ts;
    stream Payment(order: int64, ts: timestamp) time ts;
    .decl unpaid(id: int64)
    unpaid(i) :- sequence( Order{id: i} -> not Payment{order: i} within 30s ).
  )");
  standing.tick("Order", {}, 1);
  standing.tick("Payment", {}, 1);
  standing.change("Order", {1, 0});
  standing.change("Order", {2, 0});
  standing.change("Payment", {2, 29 * kSecond});
  standing.change("Order", {3, 0});
  standing.change("Payment", {3, 30 * kSecond});  // Exactly then is too late.
  CHECK(standing.rows("unpaid").empty());
  standing.tick("Order", 1, 40);
  CHECK(standing.rows("unpaid").empty());  // The least clock counts.
  standing.tick("Payment", 1, 29);
  CHECK(standing.rows("unpaid").empty());
  standing.commit();
  standing.tick("Payment", 29, 30);
  CHECK(standing.rows("unpaid") == "1 3");
  standing.abort();
  CHECK(standing.rows("unpaid").empty());
  standing.tick("Payment", 29, 31);
  standing.commit();
  CHECK(standing.rows("unpaid") == "1 3");
  standing.change("Payment", {1, 10 * kSecond});  // Late, and applied.
  CHECK(standing.rows("unpaid") == "3");
}

TEST_CASE("neighbours are those of the same keys", "[rete]") {
  Standing standing(R"(
    stream Tick(sym: int64, px: int64, ts: timestamp) time ts;
    .decl rise(sym: int64, low: int64, high: int64)
    rise(s, a, c) :- sequence( Tick{sym: s, px: a} next Tick{sym: s, px: b > a} next Tick{sym: s, px: c > b} ) by s.
  )");
  for (const Word second : {1, 2, 3, 4}) {
    standing.change("Tick", {1, second * 10, second * kSecond});
    standing.change("Tick", {2, 100 - second, second * kSecond});
  }
  CHECK(standing.rows("rise") == "1,10,30 1,20,40");
  standing.change("Tick", {1, 5, 2 * kSecond + 1});
  CHECK(standing.rows("rise") == "1,5,40");
}

}  // namespace entail::rete
