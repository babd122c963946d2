// What subscribers are told: snapshot, changes by version, progress, and only what is durable.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <sstream>

#include "server/engine/internal/test_database.h"

namespace entail::engine {
namespace {

// "5:+1,a 5:-2,b | 6>" : changes by version; "|" where a version has been given; "6>" progress.
class Told final : public ChangeSink {
 public:
  explicit Told(const Session& session) : session_(session) {}
  void change(std::uint64_t version, int diff, const RowView& row, bool is_snapshot) override {
    add(std::to_string(version) + (is_snapshot ? "=" : ":") + (diff > 0 ? "+" : "-"));
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c > 0) text_.push_back(',');
      if (row.is_null(c)) {
        text_ += "null";
      } else {
        row.append_text(c, session_.text_settings(), text_);
      }
    }
  }
  void end_version(std::uint64_t /*version*/, bool /*is_snapshot*/) override { add("|"); }
  void progress(std::uint64_t version) override { add(std::to_string(version) + ">"); }
  std::string take() { return std::exchange(text_, {}); }

 private:
  void add(const std::string& word) { text_ += (text_.empty() ? "" : " ") + word; }
  const Session& session_;
  std::string text_;
};

struct Bell final : LockWaiter {
  void wake() override { ++rings; }
  int rings = 0;
};

class Subscriber {
 public:
  Subscriber(Session& session, const std::string& text) : told_(session) {
    auto made = session.subscribe(text, &bell);
    if (!made) {
      error_ = std::string(made.error().sqlstate()) + " " + made.error().message;
    } else {
      subscription_ = std::move(*made);
    }
  }
  // All there is, `rows` at a time; "." behind it: ended.
  std::string read(std::uint64_t rows = 1000) {
    if (subscription_ == nullptr) return "!" + error_;
    for (;;) {
      auto reading = subscription_->read(told_, rows);
      if (!reading) {
        return told_.take() + "!" + std::string(reading.error().sqlstate()) + " " +
               reading.error().message;
      }
      if (*reading == Subscription::Reading::kMore) continue;
      return told_.take() + (*reading == Subscription::Reading::kEnded ? "." : "");
    }
  }
  Bell bell;

 private:
  Told told_;
  std::string error_;
  std::unique_ptr<Subscription> subscription_;
};

TEST_CASE("a subscription begins with the rows that are there and goes on with what changes") {
  Database database;
  auto writer = database.connect(), reader = database.connect();
  ask(*writer, "CREATE TABLE t (id int PRIMARY KEY, name text)");             // 1
  ask(*writer, "INSERT INTO t VALUES (1, 'a much longer text'), (2, null)");  // 2
  Subscriber subscriber(*reader, "SUBSCRIBE t");
  CHECK(subscriber.read() == "2=+1,a much longer text 2=+2,null |");
  CHECK(subscriber.read().empty());
  ask(*writer, "UPDATE t SET name = 'b' WHERE id = 2");
  ask(*writer, "BEGIN; INSERT INTO t VALUES (3, 'c'); DELETE FROM t WHERE id = 3; COMMIT");
  ask(*writer, "DELETE FROM t WHERE id = 1");
  database.engine().deliver();
  CHECK(subscriber.bell.rings == 1);
  CHECK(subscriber.read(1) == "3:-2,null 3:+2,b | 4:-1,a much longer text |");
  database.engine().deliver();
  CHECK(subscriber.bell.rings == 1);
}

TEST_CASE("uncommitted changes are nobody's, whoever has the head") {
  Database database;
  auto writer = database.connect(), reader = database.connect();
  ask(*writer, "CREATE TABLE t (id int PRIMARY KEY)");
  ask(*writer, "BEGIN");
  ask(*writer, "INSERT INTO t VALUES (1)");
  CHECK(ask(*writer, "SELECT count(*) FROM t") == "1");
  Subscriber subscriber(*reader, "SUBSCRIBE t");
  CHECK(subscriber.read() == "|");
  CHECK(ask(*writer, "SELECT count(*) FROM t") == "1");
  CHECK(subscriber.read().empty());
  ask(*writer, "COMMIT");
  CHECK(subscriber.read() == "2:+1 |");
}

TEST_CASE("progress comes first, behind the snapshot, and with each version") {
  Database database;
  auto writer = database.connect(), reader = database.connect();
  ask(*writer, "CREATE TABLE t (id int); CREATE TABLE u (id int)");
  ask(*writer, "INSERT INTO t VALUES (7)");
  Subscriber subscriber(*reader, "SUBSCRIBE TO t WITH (PROGRESS)");
  CHECK(subscriber.read() == "2> 2=+7 | 3>");
  ask(*writer, "INSERT INTO u VALUES (1)");
  database.engine().deliver();
  CHECK(subscriber.bell.rings == 1);
  CHECK(subscriber.read() == "4>");
  Subscriber later(*reader, "SUBSCRIBE TO t WITH (PROGRESS, SNAPSHOT = false)");
  CHECK(later.read() == "3> 4>");
}

TEST_CASE("UP TO ends a subscription, and is not part of it") {
  Database database;
  auto writer = database.connect(), reader = database.connect();
  ask(*writer, "CREATE TABLE t (id int)");
  ask(*writer, "INSERT INTO t VALUES (1)");
  Subscriber none(*reader, "SUBSCRIBE t AS OF 2 UP TO 2");
  CHECK(none.read() == ".");
  Subscriber before(*reader, "SUBSCRIBE t AS OF 2 UP TO 1");
  CHECK(before.read() == "!22023 UP TO 1 is before the version that it begins at, 2");
  Subscriber subscriber(*reader, "SUBSCRIBE t UP TO 4 WITH (PROGRESS)");
  CHECK(subscriber.read() == "2> 2=+1 | 3>");
  ask(*writer, "INSERT INTO t VALUES (2)");
  ask(*writer, "INSERT INTO t VALUES (3)");
  database.engine().deliver();
  CHECK(subscriber.read() == "3:+2 | 4>.");
}

TEST_CASE("views and queries are subscribed to as they derive from each commit") {
  Database database;
  auto writer = database.connect(), reader = database.connect();
  ask(*writer, "CREATE TABLE sale (shop text, amount int)");
  ask(*writer,
      "CREATE MATERIALIZED VIEW total AS SELECT shop, sum(amount) AS s FROM sale GROUP BY shop");
  ask(*writer, "CREATE VIEW big AS SELECT shop FROM total WHERE s > 10");
  ask(*writer, "INSERT INTO sale VALUES ('x', 8), ('y', 20)");
  Subscriber total(*reader, "SUBSCRIBE total WITH (SNAPSHOT = false)");
  Subscriber big(*reader, "SUBSCRIBE big");
  CHECK(big.read() == "4=+y |");
  {
    Subscriber query(*reader, "SUBSCRIBE (SELECT shop || '!' FROM sale WHERE amount < 5)");
    CHECK(query.read() == "|");
    ask(*writer, "INSERT INTO sale VALUES ('x', 4), ('x', 4)");
    CHECK(query.read() == "5:+x! 5:+x! |");
  }
  CHECK(total.read() == "5:-x,8 5:+x,16 |");
  CHECK(big.read() == "5:+x |");
  // Its view has gone with it, and nobody minds.
  ask(*writer, "INSERT INTO sale VALUES ('x', 1)");
  CHECK(total.read() == "6:-x,16 6:+x,17 |");
}

TEST_CASE("a relation that goes or changes ends its subscriptions") {
  Database database;
  auto writer = database.connect(), reader = database.connect();
  ask(*writer, "CREATE TABLE t (id int)");
  Subscriber subscriber(*reader, "SUBSCRIBE t"), query(*reader, "SUBSCRIBE (SELECT id + 1 FROM t)");
  CHECK(subscriber.read() == "|");
  ask(*writer, "DROP TABLE t");
  CHECK(subscriber.bell.rings == 1);
  CHECK(subscriber.read() ==
        "!55000 relation \"t\" was dropped or changed while it was subscribed to");
}

TEST_CASE("what cannot be subscribed to is refused") {
  Database database;
  auto session = database.connect();
  ask(*session, "CREATE TABLE t (id int)");
  const auto refused = [&](const std::string& text) {
    return Subscriber(*session, text).read().substr(0, 6);
  };
  CHECK(refused("SUBSCRIBE nothing") == "!42P01");
  CHECK(refused("SUBSCRIBE entail.versions") == "!0A000");
  CHECK(refused("SUBSCRIBE t AS OF 99") == "!22023");
  CHECK(refused("SUBSCRIBE t AS OF 0") == "!0A000");
  CHECK(refused("SUBSCRIBE t UP TO CAST(null AS bigint)") == "!22004");
  CHECK(refused("SUBSCRIBE t WITH (SNAPSHOT = maybe)") == "!22023");
  CHECK(refused("SUBSCRIBE t WITH (PROGRES)") == "!42601");
  CHECK(refused("SUBSCRIBE t ENVELOPE UPSERT (KEY (id))") == "!0A000");
  CHECK(refused("SELECT 1") == "!42601");
  CHECK(refused("SUBSCRIBE (SELECT now())") == "!0A000");
}

// ---------------------------------------------------------------------------------------------------
// With a store

TEST_CASE("subscribers are told of a version when it is durable") {
  const auto disk = store::SimulatedDisk::create(1);
  Database database(on(disk));
  auto writer = database.connect(), reader = database.connect();
  ask(*writer, "CREATE TABLE t (id int)");
  ask(*writer, "INSERT INTO t VALUES (1)");
  Subscriber subscriber(*reader, "SUBSCRIBE t");
  CHECK(subscriber.read().empty());
  database.engine().deliver();
  CHECK(subscriber.bell.rings == 0);
  REQUIRE(database.engine().wait_durable(2));
  database.engine().deliver();
  CHECK(subscriber.bell.rings == 1);
  CHECK(subscriber.read() == "2=+1 |");
  ask(*writer, "INSERT INTO t VALUES (2)");
  CHECK(subscriber.read().empty());
  REQUIRE(database.engine().wait_durable(3));
  CHECK(subscriber.read() == "3:+2 |");
}

TEST_CASE("a subscription resumes at a version, of tables and of what is derived") {
  const auto disk = store::SimulatedDisk::create(1);
  Database database(on(disk));
  auto writer = database.connect(), reader = database.connect();
  ask(*writer, "CREATE TABLE t (id int PRIMARY KEY, n int)");                          // 1
  ask(*writer, "CREATE MATERIALIZED VIEW v AS SELECT n, count(*) FROM t GROUP BY n");  // 2
  ask(*writer, "INSERT INTO t VALUES (1, 1), (2, 1)");                                 // 3
  ask(*writer, "UPDATE t SET n = 2 WHERE id = 2");                                     // 4
  ask(*writer, "CREATE TABLE other (id int)");                                         // 5
  ask(*writer, "DELETE FROM t WHERE id = 1");                                          // 6
  REQUIRE(database.engine().wait_durable(6));
  Subscriber table(*reader, "SUBSCRIBE t AS OF 3 WITH (SNAPSHOT = false)");
  CHECK(table.read(1) == "4:-2,1 4:+2,2 | 6:-1,1 |");
  Subscriber snapshot(*reader, "SUBSCRIBE t AS OF 4 WITH (PROGRESS)");
  CHECK(snapshot.read() == "4> 4=+1,1 4=+2,2 | 6:-1,1 | 7>");
  Subscriber view(*reader, "SUBSCRIBE v AS OF 3");
  CHECK(view.read() == "3=+1,2 | 4:-1,2 4:+1,1 4:+2,1 | 6:-1,1 |");
  Subscriber past(*reader, "SUBSCRIBE v AS OF 3 UP TO 5 WITH (SNAPSHOT = false)");
  CHECK(past.read() == "4:-1,2 4:+1,1 4:+2,1 |.");
  Subscriber query(*reader, "SUBSCRIBE (SELECT sum(n) FROM t) AS OF 5");
  CHECK(query.read() == "5=+3 | 6:-3 6:+2 |");
  ask(*writer, "INSERT INTO t VALUES (9, 2)");
  REQUIRE(database.engine().wait_durable(7));
  CHECK(table.read() == "7:+9,2 |");
  CHECK(view.read() == "7:-2,1 7:+2,2 |");
  CHECK(query.read() == "7:-2 7:+4 |");
}

TEST_CASE("what was made otherwise since cannot be resumed, and it is said where one can begin") {
  const auto disk = store::SimulatedDisk::create(1);
  Database database(on(disk));
  auto writer = database.connect(), reader = database.connect();
  REQUIRE(writer->deploy("r", ".decl a(x: number)\na(1).\n.decl b(x: number)\nb(x) :- a(x).\n"));
  ask(*writer, "CREATE TABLE t (id int)");  // 2
  REQUIRE(
      writer->deploy("r", ".decl a(x: number)\na(1).\n.decl b(x: number)\nb(x + 1) :- a(x).\n"));
  Subscriber rules(*reader, "SUBSCRIBE b AS OF 1 WITH (SNAPSHOT = false)");
  CHECK(
      rules.read() ==
      "!72000 the changes of \"b\" since version 1 cannot be told: its rules are those of version "
      "3 and later");
}

TEST_CASE("who is slow reads a table from the log, and is ended where there is none") {
  const auto disk = store::SimulatedDisk::create(1);
  EngineOptions options = on(disk);
  options.limits.subscription_bytes = 2000;
  Database database(options);
  auto writer = database.connect(), reader = database.connect();
  ask(*writer, "CREATE TABLE t (id int PRIMARY KEY, n text)");
  ask(*writer, "CREATE MATERIALIZED VIEW v AS SELECT id FROM t WHERE id > 0");
  REQUIRE(database.engine().wait_durable(2));
  Subscriber table(*reader, "SUBSCRIBE t"), view(*reader, "SUBSCRIBE v");
  CHECK(table.read() == "|");
  CHECK(view.read() == "|");
  std::string expected;
  for (int i = 1; i <= 40; ++i) {
    const std::string n = std::to_string(i);
    ask(*writer, "INSERT INTO t VALUES (" + n + ", 'a text of some length " + n + "')");
    expected += (i > 1 ? " " : "") + std::to_string(i + 2) + ":+" + n + ",a text of some length " +
                n + " |";
  }
  REQUIRE(database.engine().wait_durable(42));
  database.engine().deliver();
  CHECK(table.bell.rings == 1);
  CHECK(table.read(7) == expected);
  CHECK(view.read() ==
        "!72000 the subscription to \"v\" fell behind: what changed since version 2 is not kept in "
        "memory any more");
  ask(*writer, "DELETE FROM t WHERE id < 40");
  REQUIRE(database.engine().wait_durable(43));
  CHECK(table.read().size() > 39 * 20);
  ask(*writer, "INSERT INTO t VALUES (99, '')");
  REQUIRE(database.engine().wait_durable(44));
  CHECK(table.read() == "44:+99, |");
}

// What one subscriber has been told, added up, and by version.
class Copy final : public ChangeSink {
 public:
  Copy(Session& session, std::string relation) : session_(session), relation_(std::move(relation)) {
    subscribe(relation_);
  }
  void change(std::uint64_t version, int diff, const RowView& row, bool is_snapshot) override {
    CHECK(version >= position_);
    position_ = version;
    std::string text;
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c > 0) text.push_back(',');
      if (!row.is_null(c)) row.append_text(c, session_.text_settings(), text);
    }
    rows_[text] += diff;
    if (!is_snapshot) changes_[version][text] += diff;
  }
  void end_version(std::uint64_t version, bool /*is_snapshot*/) override { position_ = version; }

  // Goes on reading; who fell behind comes back with the last version that it has all of.
  void read(std::uint64_t rows) {
    for (int i = 0; i < 1000; ++i) {
      auto reading = subscription_->read(*this, rows);
      if (!reading) {
        REQUIRE(reading.error().sqlstate() == "72000");
        ++returns;
        subscribe(relation_ + " AS OF " + std::to_string(position_) + " WITH (SNAPSHOT = false)");
        continue;
      }
      if (*reading == Subscription::Reading::kWaiting) return;
    }
  }
  std::string rows() const {
    std::string out;
    for (const auto& [text, count] : rows_) {
      REQUIRE(count >= 0);
      for (int i = 0; i < count; ++i) out += (out.empty() ? "" : ";") + text;
    }
    return out;
  }
  // Of versions that it was told of change by change.
  const std::map<std::uint64_t, std::map<std::string, int>>& changes() const { return changes_; }
  const std::string& relation() const { return relation_; }
  int returns = 0;

 private:
  void subscribe(const std::string& what) {
    subscription_.reset();
    auto made = session_.subscribe("SUBSCRIBE " + what, nullptr);
    INFO(what << (made ? "" : ": " + made.error().message));
    REQUIRE(made);
    subscription_ = std::move(*made);
  }
  Session& session_;
  std::string relation_;
  std::unique_ptr<Subscription> subscription_;
  std::map<std::string, int> rows_;
  std::map<std::uint64_t, std::map<std::string, int>> changes_;
  std::uint64_t position_ = 0;
};

TEST_CASE("whenever subscribers begin, read, fall behind and come back, they have what there is") {
  const std::vector<std::pair<std::string, std::string>> kRelations = {
      {"t", "SELECT * FROM t"},
      {"b", "SELECT * FROM b"},
      {"v", "SELECT * FROM v"},
      {"(SELECT t.id, b.n FROM t JOIN b ON b.n = t.n)",
       "SELECT t.id, b.n FROM t JOIN b ON b.n = t.n"}};
  int returns = 0, copies = 0;
  for (unsigned seed = 1; seed <= 12; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    const auto disk = store::SimulatedDisk::create(seed);
    EngineOptions options = on(disk);
    options.limits.subscription_bytes = 300 + pick(3000);
    Database database(options);
    auto writer = database.connect(), other = database.connect(), reader = database.connect();
    ask(*writer, "CREATE TABLE t (id int PRIMARY KEY, n int)");
    ask(*writer, "CREATE TABLE b (n int, s text)");
    ask(*writer, "CREATE MATERIALIZED VIEW v AS SELECT n, count(*) FROM t GROUP BY n");
    std::vector<std::unique_ptr<Copy>> readers;
    for (int step = 0; step < 120; ++step) {
      const std::string id = std::to_string(pick(8)), n = std::to_string(pick(4));
      switch (pick(9)) {
        case 0:
        case 1:
          ask(*writer, "INSERT INTO t VALUES (" + id + ", " + n + ")");
          break;
        case 2:
          ask(*writer, "UPDATE t SET n = " + n + " WHERE id >= " + id);
          break;
        case 3:
          ask(*writer, "DELETE FROM t WHERE id = " + id + "; DELETE FROM b WHERE n = " + n);
          break;
        case 4:
          ask(*writer,
              "INSERT INTO b VALUES (" + n + ", repeat('x', " + id + "0)), (" + n + ", '')");
          break;
        case 5:
          ask(*other, "BEGIN; INSERT INTO b VALUES (" + n + ", 'mine')");
          ask(*other, pick(2) == 0 ? "COMMIT" : "SELECT * FROM v; ROLLBACK");
          break;
        case 6:
          static_cast<void>(database.engine().wait_durable(database.engine().version()));
          break;
        default: {
          if (readers.size() < 6 && pick(3) == 0) {
            readers.push_back(std::make_unique<Copy>(*reader, kRelations[pick(4)].first));
            ++copies;
          } else if (!readers.empty() && pick(8) == 0) {
            readers.erase(readers.begin() + pick(static_cast<unsigned>(readers.size())));
          } else if (!readers.empty()) {
            readers[pick(static_cast<unsigned>(readers.size()))]->read(1 + pick(5));
          }
        }
      }
    }
    REQUIRE(database.engine().wait_durable(database.engine().version()));
    for (const auto& [relation, query] : kRelations) {
      readers.push_back(std::make_unique<Copy>(*reader, relation + " AS OF 3"));
      auto whole = std::make_unique<Copy>(*reader, relation + " AS OF 3");
      whole->read(1000);
      std::string expected = ask(*reader, query);
      std::vector<std::string> rows;
      for (std::istringstream in(expected); std::getline(in, expected, ';');)
        rows.push_back(expected);
      std::sort(rows.begin(), rows.end());
      expected.clear();
      for (const std::string& row : rows) expected += (expected.empty() ? "" : ";") + row;
      INFO("seed " << seed << ", " << relation);
      CHECK(whole->rows() == expected);
      for (const auto& copy : readers) {
        if (copy->relation() != relation) continue;
        copy->read(1 + pick(3));
        CHECK(copy->rows() == expected);
        // Change by change what the log tells, too.
        for (auto [version, changes] : copy->changes()) {
          auto logged = whole->changes().find(version);
          std::erase_if(changes, [](const auto& change) { return change.second == 0; });
          REQUIRE(logged != whole->changes().end());
          auto others = logged->second;
          std::erase_if(others, [](const auto& change) { return change.second == 0; });
          CHECK(changes == others);
        }
        returns += copy->returns;
      }
    }
  }
  CHECK(copies > 20);
  CHECK(returns > 5);
}

// ---------------------------------------------------------------------------------------------------
// The statement

struct Lines final : RowSink {
  void copy_out(std::string_view bytes) override { text += bytes; }
  void row(const RowView& row) override {
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c > 0) text.push_back(' ');
      if (row.is_null(c)) {
        text += "null";
      } else {
        row.append_text(c, TextSettings{}, text);
      }
    }
    text.push_back('\n');
  }
  std::string text;
};

TEST_CASE("COPY of a SUBSCRIBE goes on until it is cancelled") {
  Database database;
  auto writer = database.connect();
  Bell bell;
  SessionOptions options;
  options.waiter = &bell;
  auto reader = database.engine().connect(options);
  REQUIRE(reader);
  ask(*writer, "CREATE TABLE t (id int, n text)");
  ask(*writer, "INSERT INTO t VALUES (1, null)");
  auto simple = (*reader)->simple("COPY (SUBSCRIBE t WITH (PROGRESS)) TO STDOUT");
  REQUIRE(simple);
  REQUIRE((*simple)->next());
  Lines lines;
  auto outcome = (*simple)->portal().run(lines, 100);
  REQUIRE(outcome);
  CHECK(outcome->progress == Progress::kWaitsForChanges);
  CHECK(lines.text == "2\tt\t\\N\t\\N\t\\N\n2\tf\t1\t1\t\\N\n3\tt\t\\N\t\\N\t\\N\n");
  lines.text.clear();
  ask(*writer, "DELETE FROM t");
  database.engine().deliver();
  CHECK(bell.rings == 1);
  outcome = (*simple)->portal().run(lines, 100);
  REQUIRE(outcome);
  CHECK(lines.text == "3\tf\t-1\t1\t\\N\n4\tt\t\\N\t\\N\t\\N\n");
  (*reader)->cancel();
  database.engine().tick();
  CHECK(bell.rings == 2);
  outcome = (*simple)->portal().run(lines, 100);
  REQUIRE(!outcome);
  CHECK(outcome.error().sqlstate() == "57014");
}

TEST_CASE("FETCH from a subscription waits for the first row, no longer than its time-out") {
  Database database;
  auto writer = database.connect();
  Bell bell;
  SessionOptions options;
  options.waiter = &bell;
  auto reader = database.engine().connect(options);
  REQUIRE(reader);
  ask(*writer, "CREATE TABLE t (id int)");
  ask(*writer, "INSERT INTO t VALUES (1), (2), (3)");
  CHECK(ask(**reader, "DECLARE c CURSOR FOR SUBSCRIBE t").starts_with("!25P01"));
  ask(**reader, "BEGIN");
  CHECK(ask(**reader, "DECLARE c CURSOR FOR SUBSCRIBE t") == "DECLARE CURSOR");
  CHECK(ask(**reader, "FETCH 2 c") == "2,1,1;2,1,2");
  CHECK(ask(**reader, "FETCH ALL c WITH (TIMEOUT = '1s')") == "2,1,3");
  CHECK(ask(**reader, "FETCH 5 c WITH (TIMEOUT = '0s')").empty());
  {
    auto simple = (*reader)->simple("FETCH 5 c WITH (TIMEOUT = '1s')");
    REQUIRE(simple);
    REQUIRE((*simple)->next());
    Lines lines;
    auto outcome = (*simple)->portal().run(lines, 100);
    REQUIRE(outcome);
    CHECK(outcome->progress == Progress::kWaitsForChanges);
    CHECK(database.engine().next_deadline_us() == database.clock().now_us() + 1'000'000);
    database.clock().set_us(database.clock().now_us() + 1'000'000);
    database.engine().tick();
    CHECK(bell.rings == 1);
    outcome = (*simple)->portal().run(lines, 100);
    REQUIRE(outcome);
    CHECK(outcome->tag == "FETCH 0");
  }
  {
    auto simple = (*reader)->simple("FETCH 5 c");
    REQUIRE(simple);
    REQUIRE((*simple)->next());
    Lines lines;
    REQUIRE((*simple)->portal().run(lines, 100));
    CHECK(database.engine().next_deadline_us() == 0);
    ask(*writer, "DELETE FROM t WHERE id = 2");
    database.engine().deliver();
    CHECK(bell.rings == 2);
    auto outcome = (*simple)->portal().run(lines, 100);
    REQUIRE(outcome);
    CHECK(outcome->tag == "FETCH 1");
    CHECK(lines.text == "3 -1 2\n");
  }
  CHECK(ask(**reader, "FETCH BACKWARD 1 c").starts_with("!0A000"));
}

}  // namespace
}  // namespace entail::engine
