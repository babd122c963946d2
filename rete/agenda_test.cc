#include "rete/agenda.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "datalog/lower.h"
#include "datalog/stratify.h"
#include "grammar/parser.h"
#include "vm/value_text.h"

namespace entail::rete {
namespace {

using datalog::RelationId;
using vm::Word;

// Productions from text, whose facts are words.
struct Fired {
  explicit Fired(const std::string& text, std::uint64_t firings = 1000) {
    grammar::Diagnostics diagnostics;
    grammar::NoFiles reader;
    const grammar::Program tree = grammar::parse_text("t.dl", text, {}, reader, files, diagnostics);
    program = datalog::lower(tree, {}, diagnostics);
    const bool good = program && datalog::stratify(*program, diagnostics);
    INFO(diagnostics.render(files));
    REQUIRE(good);
    pool.emplace(program->types);
    NetworkOptions options;
    options.pool = &*pool;
    options.files = &files;
    options.limits.firings = firings;
    options.start_time = [this] { return time; };
    auto made = Network::create(*program, options);
    if (!made) {
      refusal = made.error().message;
      return;
    }
    network = std::move(*made);
    network->verify();
  }
  ~Fired() { network.reset(); }

  RelationId id(const std::string& name) const {
    for (std::size_t i = 0; i < program->relations.size(); ++i) {
      if (program->relations[i].name == name) return static_cast<RelationId>(i);
    }
    FAIL("no relation " << name);
    return {};
  }
  Word text(const std::string& value) { return pool->intern(value); }

  void change(const std::string& name, const std::vector<Word>& row, std::int64_t weight = 1) {
    std::vector<const Word*> columns;
    for (const Word& word : row) columns.push_back(&word);
    REQUIRE(network->change(id(name), {columns, 1, &weight}).has_value());
  }
  // As a step of its own.
  void insert(const std::string& name, const std::vector<Word>& row) {
    change(name, row);
    step();
  }
  void erase(const std::string& name, const std::vector<Word>& row) {
    change(name, row, -1);
    step();
  }
  void step() {
    auto done = network->step();
    if (!done) FAIL(done.error().message);
    network->verify();
  }
  // What was emitted: "kind,7 kind,8".
  std::string commit() {
    auto committed = network->commit();
    if (!committed) FAIL(committed.error().message);
    network->verify();
    logged = committed->logged;
    std::string joined;
    for (const EmittedRow& event : committed->emitted) {
      joined += (joined.empty() ? "" : " ") + line(event.relation, event.words);
    }
    return joined;
  }
  void abort() {
    network->abort();
    network->verify();
  }

  std::string line(RelationId relation, const std::vector<Word>& row) const {
    std::string result;
    for (const compiler::ColumnLayout& column : network->layout(relation).columns) {
      if (!result.empty()) result += ',';
      vm::print_value(*pool, column.type, column.nullable, row.data() + column.first_word, {},
                      result);
    }
    return result;
  }
  // "1,2 1,3": sorted by text.
  std::string rows(const std::string& name) const {
    const vm::StandingRelation& relation = network->relation(id(name));
    std::vector<std::string> lines;
    vm::Row position = 0, row = 0;
    while (relation.scan(vm::View::kTotal, position, &row, 1) == 1) {
      std::vector<Word> words(relation.column_count());
      for (std::uint32_t c = 0; c < words.size(); ++c) relation.load(c, &row, 1, &words[c]);
      lines.push_back(line(id(name), words));
    }
    std::sort(lines.begin(), lines.end());
    std::string joined;
    for (const std::string& each : lines) joined += (joined.empty() ? "" : " ") + each;
    return joined;
  }

  grammar::SourceFiles files;
  std::optional<datalog::RuleProgram> program;
  std::optional<vm::ValuePool> pool;
  std::unique_ptr<Network> network;
  std::string refusal;
  std::int64_t time = 0;
  std::vector<std::string> logged;
};

const std::string kShop = R"(
  relation Order(id: number key, customer: number, total: number, status: symbol default "NEW");
  relation Customer(id: number key, tier: symbol);
  relation Review(order: number key, reason: symbol);
  stream Alert(kind: symbol, subject: number);
  stream Request(customer: number, reason: symbol);
)";

}  // namespace

TEST_CASE("A big order of a basic customer goes to review") {
  Fired shop(kShop + R"(
    rule "big order" salience 10 no_loop
    when Order{id, customer: c, total: t > 10000, status: "NEW"} as o, Customer{id: c, tier: tier},
      tier != "GOLD", not Review{order: id}
    then
      insert Review{order: id, reason: "big"};
      modify o { status: "HOLD" };
      emit Alert{kind: "review", subject: id};
      if (t > 50000) { emit Request{customer: c, reason: "very big order"}; }
      else { log "held ", id; }
    end
  )");
  shop.insert("Customer", {1, shop.text("BASIC")});
  shop.insert("Customer", {2, shop.text("GOLD")});
  shop.insert("Order", {7, 1, 20000, shop.text("NEW")});
  shop.insert("Order", {8, 2, 20000, shop.text("NEW")});
  shop.insert("Order", {9, 1, 60000, shop.text("NEW")});
  CHECK(shop.commit() == "review,7 review,9 1,very big order");
  CHECK(shop.logged == std::vector<std::string>{"held 7"});
  CHECK(shop.rows("Review") == "7,big 9,big");
  CHECK(shop.rows("Order") == "7,1,20000,HOLD 8,2,20000,NEW 9,1,60000,HOLD");
}

TEST_CASE("An activation fires once until its match goes away and comes back") {
  Fired fired(R"(
    .decl a(x: number)
    .decl b(x: number)
    stream Seen(x: number);
    rule r when a(x), b(x) then emit Seen{x}; end
  )");
  fired.insert("a", {1});
  fired.insert("b", {1});
  CHECK(fired.commit() == "1");
  fired.insert("a", {1});
  fired.insert("a", {2});
  CHECK(fired.commit().empty());
  fired.erase("b", {1});
  fired.insert("b", {1});
  CHECK(fired.commit() == "1");
  // Within one step nothing has happened.
  fired.change("b", {1}, -1);
  fired.change("b", {1}, 1);
  CHECK(fired.commit().empty());
}

TEST_CASE("An aborted transaction leaves no trace in refraction") {
  Fired fired(R"(
    .decl a(x: number)
    stream Seen(x: number);
    rule r when a(x) then emit Seen{x}; end
  )");
  fired.insert("a", {1});
  CHECK(fired.commit() == "1");
  fired.insert("a", {2});
  fired.erase("a", {1});
  fired.insert("a", {1});
  fired.abort();
  CHECK(fired.rows("a") == "1");
  fired.insert("a", {3});
  CHECK(fired.commit() == "3");
  fired.insert("a", {2});
  CHECK(fired.commit() == "2");
}

TEST_CASE("Activations fire by salience, then the newest first, then as written, then by fact") {
  Fired fired(R"(
    .decl a(x: number)
    stream Seen(name: symbol, x: number);
    rule low salience -5 when a(x) then emit Seen{name: "low", x}; end
    rule first when a(x) then emit Seen{name: "first", x}; end
    rule second when a(x) then emit Seen{name: "second", x}; end
    rule own salience x when a(x), x > 5 then emit Seen{name: "own", x}; end
  )");
  fired.change("a", {9});
  fired.change("a", {3});
  fired.change("a", {7});
  CHECK(fired.commit() ==
        "own,9 own,7 first,9 first,3 first,7 second,9 second,3 second,7 "
        "low,9 low,3 low,7");
  Fired depth(R"(
    .decl a(x: number)
    .decl go(x: number)
    .decl held(x: number)
    stream Seen(x: number);
    rule up salience 10 when go(x) then insert a(x); insert a(x + 1); end
    rule more salience 10 when a(x), x = 1 then insert held(5); end
    rule see when a(x) then emit Seen{x}; end
    rule held when held(x) then emit Seen{x}; end
  )");
  depth.insert("go", {1});
  CHECK(depth.commit() == "5 1 2");
}

TEST_CASE("What is derived is told apart by its values") {
  Fired fired(R"(
    .decl a(x: number, y: number)
    .decl b(x: number, y: number)
    b(x, y) :- a(y, x), y > 0.
    stream Seen(x: number);
    rule r when b(x, _) then emit Seen{x}; end
  )");
  fired.change("a", {2, 9});
  fired.change("a", {1, 9});
  fired.change("a", {5, 4});
  CHECK(fired.commit() == "4 9 9");
}

TEST_CASE("A production with no_loop is not activated by what it does itself") {
  const std::string text = R"(
    relation Count(id: number key, n: number);
    stream Seen(n: number);
    rule up NO_LOOP when Count{id, n} as c, n < 5 then modify c { n: n + 1 }; emit Seen{n}; end
  )";
  const auto with = [&](const std::string& words) {
    std::string result = text;
    return result.replace(result.find("NO_LOOP"), 7, words);
  };
  Fired loops(with(""));
  loops.insert("Count", {1, 0});
  CHECK(loops.commit() == "0 1 2 3 4");
  CHECK(loops.rows("Count") == "1,5");
  Fired once(with("no_loop"));
  once.insert("Count", {1, 0});
  CHECK(once.commit() == "0");
  CHECK(once.rows("Count") == "1,1");
  once.insert("Count", {1, 3});
  CHECK(once.commit() == "3");
}

TEST_CASE("An agenda that does not settle is told with the rules of the loop") {
  Fired fired(R"(
    relation Count(id: number key, n: number);
    .decl start(x: number)
    rule begin when start(x) then insert Count{id: x, n: 0}; end
    rule ping when Count{id, n} as c, n % 2 = 0 then modify c { n: n + 1 }; end
    rule pong when Count{id, n} as c, n % 2 = 1 then modify c { n: n + 1 }; end
  )",
              100);
  fired.change("start", {1});
  const auto done = fired.network->step();
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == ErrorCode::kLimit);
  CHECK(done.error().message ==
        "the budget of 100 firings in a row is used up; the last to fire were 'pong', 'ping'");
  fired.abort();
  CHECK(fired.rows("start").empty());
  CHECK(fired.rows("Count").empty());
}

TEST_CASE("Rows of a bag are deleted for what they are") {
  Fired fired(R"(
    relation Login(user: number, ip: number);
    stream Seen(user: number);
    rule take when Login{user} as l then delete l; emit Seen{user}; end
  )");
  fired.change("Login", {1, 5});
  fired.change("Login", {1, 5});
  fired.change("Login", {2, 5});
  CHECK(fired.commit() == "1 1 2");
  CHECK(fired.rows("Login").empty());
}

TEST_CASE("Actions on one row build on each other") {
  Fired fired(R"(
    relation R(id: number key, a: number default 8, b: number default 7);
    .decl go(x: number)
    rule two when R{id, a: 0} as r then modify r { a: 1 }; modify r { b: 2 }; end
    rule put when go(x) then upsert R{id: x, a: 1}; upsert R{id: x, b: 3}; upsert R{id: 50, b: 4}; end
    rule gone when R{id: 9} as r then delete r; modify r { a: 3 }; end
  )");
  fired.insert("R", {1, 0, 0});
  CHECK(fired.rows("R") == "1,1,2");
  fired.insert("go", {1});
  CHECK(fired.rows("R") == "1,1,3 50,8,4");
  fired.insert("R", {9, 5, 5});
  CHECK(fired.rows("R") == "1,1,3 50,8,4");
}

TEST_CASE("A retraction takes the rows that have the given values") {
  Fired fired(R"(
    .decl f(a: number, b: number)
    relation Log(a: number, b: number);
    .decl go(x: number)
    rule r when go(x) then retract f(x, _); retract Log(x, _); end
  )");
  for (const Word b : {1, 2, 3}) {
    fired.change("f", {5, b});
    fired.change("Log", {5, b});
  }
  fired.change("f", {6, 1});
  fired.insert("go", {5});
  CHECK(fired.rows("f") == "6,1");
  CHECK(fired.rows("Log") == "5,1 5,2");
}

TEST_CASE(
    "An activation whose expression fails does nothing, and is an error while its match lives") {
  Fired fired(R"(
    .decl q(x: number)
    .decl done(x: number)
    rule r when q(x) then insert done(x); let y = 10 / x; log "ten"; end
    rule guarded when q(x) then if (x != 0) { insert done(100 / x); } end
  )");
  fired.insert("q", {0});
  fired.insert("q", {5});
  fired.commit();
  CHECK(fired.rows("done") == "20 5");
  REQUIRE(fired.network->errors().size() == 1);
  CHECK(fired.network->errors()[0].message == "division by zero in '10 / x' (x = 0)");
  CHECK(fired.network->errors()[0].weight == 1);
  CHECK(fired.network->errors()[0].as_sql->message == "division by zero");
  CHECK(fired.network->errors()[0].as_sql->sql->sqlstate == "22012");
  fired.erase("q", {0});
  CHECK(fired.network->errors().empty());
  fired.abort();
  CHECK(fired.network->errors().size() == 1);
  fired.erase("q", {0});
  fired.commit();
  CHECK(fired.network->errors().empty());
}

TEST_CASE("Branches ask the relations as the firing finds them") {
  Fired fired(R"(
    .decl q(x: number)
    .decl vip(x: number)
    stream Seen(kind: symbol, x: number);
    rule r when q(x) then
      insert vip(x);
      if (vip(x)) { emit Seen{kind: "vip", x}; } else { emit Seen{kind: "new", x}; }
      if (x > 1 ; vip(x)) { emit Seen{kind: "either", x}; }
      let y = x * 2;
      if (y > 4, not vip(y)) { let z = y + 1; emit Seen{kind: "big", x: z}; }
    end
  )");
  fired.change("vip", {1});
  fired.change("q", {1});
  fired.change("q", {2});
  fired.change("q", {3});
  CHECK(fired.commit() == "vip,1 either,1 new,2 either,2 new,3 either,3 big,7");
}

TEST_CASE("A group fires while it has the focus") {
  Fired fired(R"(
    .decl q(x: number)
    .decl open(x: number)
    stream Seen(kind: symbol, x: number);
    rule main when q(x) then emit Seen{kind: "main", x}; end
    rule review group review when q(x) then emit Seen{kind: "review", x}; end
    rule open salience 5 when open(x) then focus review; emit Seen{kind: "open", x}; end
    rule auto group fast auto_focus when q(x), x > 8 then emit Seen{kind: "fast", x}; end
  )");
  fired.insert("q", {1});
  fired.insert("q", {9});
  CHECK(fired.commit() == "main,1 fast,9 main,9");
  fired.change("open", {1});
  fired.change("q", {2});
  CHECK(fired.commit() == "open,1 review,2 review,9 review,1 main,2");
}

TEST_CASE("After a halt the next step goes on") {
  Fired fired(R"(
    .decl q(x: number)
    stream Seen(x: number);
    rule r when q(x) then emit Seen{x}; if (x = 2) { halt; } end
  )");
  fired.change("q", {1});
  fired.change("q", {2});
  fired.change("q", {3});
  fired.step();
  CHECK(fired.commit() == "1 2");
  CHECK(fired.commit() == "3");
}

TEST_CASE("now() is when the transaction began") {
  Fired fired(R"(
    .decl q(x: number)
    stream Seen(x: number, at: timestamp);
    rule r when q(x) then emit Seen{x, at: now()}; end
  )");
  fired.time = 1'000'000;
  fired.insert("q", {1});
  fired.time = 2'000'000;
  fired.insert("q", {2});
  CHECK(fired.commit() == "1,1970-01-01T00:00:01 2,1970-01-01T00:00:01");
  fired.insert("q", {3});
  CHECK(fired.commit() == "3,1970-01-01T00:00:02");
}

TEST_CASE("What the program states fires in the first transaction, even after an abort") {
  Fired fired(R"(
    .decl q(x: number)
    q(1). q(2).
    stream Seen(x: number);
    rule r when q(x) then emit Seen{x}; end
  )");
  fired.insert("q", {3});
  fired.abort();
  CHECK(fired.commit() == "1 2");
  CHECK(fired.commit().empty());
}

TEST_CASE("A long text that is emitted is there when it is read") {
  Fired fired(R"(
    .decl q(x: number, t: symbol)
    stream Seen(t: symbol);
    rule r when q(x, t) then emit Seen{t: cat(t, " and more of it")}; retract q(x, t); end
  )");
  fired.insert("q", {1, fired.text("a text of some length")});
  fired.insert("q", {2, fired.text("b text of some length")});
  CHECK(fired.commit() ==
        "a text of some length and more of it b text of some length and more of it");
  CHECK(fired.rows("q").empty());
}

TEST_CASE("Negation, aggregates, generators and equivalences are conditions") {
  Fired fired(R"(
    .decl q(x: number)
    .decl same(x: number, y: number) eqrel
    stream Seen(kind: symbol, x: number);
    rule total when n = count : { q(_) }, n > 1 then emit Seen{kind: "count", x: n}; end
    rule each when q(x), y = range(0, x), not q(y + 10) then emit Seen{kind: "each", x: y}; end
    rule same when same(x, y), x < y then emit Seen{kind: "same", x: y}; end
    rule none when not q(_) then emit Seen{kind: "none", x: 0}; end
  )");
  CHECK(fired.commit() == "none,0");
  fired.insert("q", {1});
  fired.insert("q", {2});
  fired.insert("q", {3});
  CHECK(fired.commit() == "each,0 count,2 each,0 each,1 count,3 each,0 each,1 each,2");
  fired.insert("same", {1, 2});
  fired.insert("same", {2, 3});
  CHECK(fired.commit() == "same,2 same,3 same,3");
  fired.erase("q", {1});
  fired.erase("q", {2});
  fired.erase("q", {3});
  CHECK(fired.commit() == "count,2 none,0");
}

TEST_CASE("What is not executed yet is refused by name") {
  const auto refusal = [](const std::string& text) { return Fired(text).refusal; };
  CHECK(refusal(".decl q(x: number)\n"
                "rule r when q(x) then for (q(y)) { log y; } end") ==
        "t.dl:2:23: error: a `for` in the actions of rule 'r' is not executed yet");
  CHECK(refusal(".decl q(x: number)\n"
                "rule r lock_on_active when q(x) then log x; end") ==
        "t.dl:2:1: error: lock_on_active of rule 'r' is not executed yet");
  CHECK(refusal(".decl q(x: number)\n"
                "rule r exclusive g when q(x) then log x; end") ==
        "t.dl:2:1: error: the exclusive group of rule 'r' is not executed yet");
}

}  // namespace entail::rete
