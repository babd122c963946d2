#include <catch2/catch.hpp>
#include <string>

#include "server/engine/internal/test_database.h"
#include "server/engine/session.h"
#include "store/simulated_kv.h"

namespace entail::engine {
namespace {

void deploy(Session& session, const std::string& name, const std::string& text) {
  auto deployed = session.deploy(name, text);
  INFO((deployed ? std::string() : deployed.error().message + deployed.error().sql->detail));
  REQUIRE(deployed);
}

const std::string kOrders = R"(
  relation Review(id: int64 key, reason: symbol);
  stream Alert(kind: symbol, subject: int64);
  rule "big order" no_loop
  when orders{id, total: t > 1000, status: "NEW"} as o, not Review{id}
  then
    insert Review{id, reason: "big"};
    modify o { status: "HOLD" };
    emit Alert{kind: "review", subject: id};
  end
)";

void make_orders(Session& session) {
  CHECK(ask(session,
            "CREATE TABLE orders (id bigint PRIMARY KEY, total bigint NOT NULL, "
            "status text NOT NULL DEFAULT 'NEW' CHECK (status <> 'BAD'))") == "CREATE TABLE");
}

TEST_CASE("Productions fire at commit, and what they emit lands in the outbox", "[engine]") {
  const auto disk = store::SimulatedDisk::create(1);
  Database database(on(disk));
  const auto s = database.connect();
  make_orders(*s);
  deploy(*s, "orders.dl", kOrders);
  ask(*s, "BEGIN");
  ask(*s, "INSERT INTO orders VALUES (1, 500), (2, 5000)");
  // Nothing has fired yet: the session's writes are the first step of the commit.
  CHECK(ask(*s, "SELECT id, status FROM orders ORDER BY id") == "1,NEW;2,NEW");
  CHECK(ask(*s, "COMMIT") == "COMMIT");
  CHECK(ask(*s, "SELECT id, status FROM orders ORDER BY id") == "1,NEW;2,HOLD");
  CHECK(ask(*s, "SELECT id, reason FROM \"Review\"") == "2,big");
  CHECK(ask(*s, "SELECT relation, payload FROM entail.outbox") ==
        "Alert,{\"kind\":\"review\",\"subject\":\"2\"}");
  auto report = database.engine().check();
  REQUIRE(report);
  CHECK(report->problems.empty());
}

TEST_CASE("A restart fires nothing again, and goes on with what is new", "[engine]") {
  const auto disk = store::SimulatedDisk::create(1);
  {
    Database database(on(disk));
    const auto s = database.connect();
    make_orders(*s);
    deploy(*s, "orders.dl", R"(
      stream Seen(id: int64);
      rule "seen" when orders{id} then emit Seen{id}; end
    )");
    ask(*s, "INSERT INTO orders VALUES (1, 500)");
    CHECK(ask(*s, "SELECT count(*) FROM entail.outbox") == "1");
  }
  Database database(on(disk));
  const auto s = database.connect();
  CHECK(ask(*s, "SELECT count(*) FROM entail.outbox") == "1");
  ask(*s, "UPDATE orders SET status = 'X' WHERE id = 7");
  CHECK(ask(*s, "SELECT count(*) FROM entail.outbox") == "1");
  ask(*s, "INSERT INTO orders VALUES (2, 500)");
  CHECK(ask(*s, "SELECT payload FROM entail.outbox ORDER BY version, ordinal") ==
        "{\"id\":\"1\"};{\"id\":\"2\"}");
}

TEST_CASE("Productions that do not settle abort the transaction and are named", "[engine]") {
  EngineOptions options;
  options.limits.firings = 100;
  Database database(std::move(options));
  const auto s = database.connect();
  ask(*s, "CREATE TABLE n (id bigint PRIMARY KEY, v bigint NOT NULL)");
  deploy(*s, "loop.dl", R"(
    rule "up" when n{id, v: v} as r then modify r { v: v + 1 }; end
  )");
  const std::string answer = ask(*s, "INSERT INTO n VALUES (1, 1)");
  CHECK(answer.starts_with("!54000 "));
  CHECK(answer.find("'up'") != std::string::npos);
  CHECK(ask(*s, "SELECT count(*) FROM n") == "0");
  CHECK(s->status() == TransactionStatus::kIdle);
}

TEST_CASE("What productions change keeps constraints, or the transaction is none", "[engine]") {
  Database database;
  const auto s = database.connect();
  make_orders(*s);
  ask(*s, "CREATE TABLE lines (id bigint PRIMARY KEY, o bigint NOT NULL REFERENCES orders)");
  deploy(*s, "bad.dl", R"(
    rule "bad" when orders{id, total: t > 1000, status: "NEW"} as o then modify o { status: "BAD" }; end
    rule "gone" when orders{id, total: t < 0} as o then delete o; end
  )");
  CHECK(ask(*s, "INSERT INTO orders VALUES (1, 5000)") ==
        "!23514 new row for relation \"orders\" violates check constraint \"orders_status_check\"");
  CHECK(ask(*s, "INSERT INTO orders VALUES (2, 10)") == "INSERT 0 1");
  CHECK(ask(*s, "INSERT INTO lines VALUES (1, 2)") == "INSERT 0 1");
  CHECK(state_of(*s, "UPDATE orders SET total = -1 WHERE id = 2") == "23503");
  CHECK(ask(*s, "SELECT id, total FROM orders") == "2,10");
}

TEST_CASE("A commit whose productions change a row that somebody has locked waits for it",
          "[engine]") {
  Database database;
  const auto a = database.connect();
  const auto b = database.connect();
  make_orders(*a);
  ask(*a, "CREATE TABLE hold (id bigint PRIMARY KEY)");
  ask(*a, "INSERT INTO orders VALUES (1, 10)");
  deploy(*a, "hold.dl", R"(
    rule "hold" when hold{id}, orders{id, status: "NEW"} as o then modify o { status: "HOLD" }; end
  )");
  ask(*b, "BEGIN");
  ask(*b, "UPDATE orders SET total = 11 WHERE id = 1");
  Waiting waiting(*a, "INSERT INTO hold VALUES (1)");
  CHECK(waiting.waits());
  ask(*b, "COMMIT");
  waiting.go_on();
  CHECK(waiting.answer() == "INSERT 0 1");
  CHECK(ask(*a, "SELECT id, total, status FROM orders") == "1,11,HOLD");
}

TEST_CASE("Other rules in the place of those that ran", "[engine]") {
  const auto disk = store::SimulatedDisk::create(1);
  {
    Database database(on(disk));
    const auto s = database.connect();
    make_orders(*s);
    deploy(*s, "r.dl", R"(
      stream Seen(id: int64);
      rule "seen" when orders{id} then emit Seen{id}; end
    )");
    ask(*s, "INSERT INTO orders VALUES (1, 500)");
    CHECK(state_of(*s, "DROP TABLE orders") == "2BP01");
    CHECK(s->deploy("other.dl", R"(
      stream Again(id: int64);
      rule "seen" when orders{id} then emit Again{id}; end
    )")
              .error()
              .sqlstate() == "42710");
    // A new production finds what stands already.
    deploy(*s, "r.dl", R"(
      stream Found(id: int64);
      rule "found" when orders{id} then emit Found{id}; end
    )");
    CHECK(ask(*s, "SELECT relation FROM entail.outbox ORDER BY version") == "Seen;Found");
  }
  Database database(on(disk));
  const auto s = database.connect();
  ask(*s, "INSERT INTO orders VALUES (2, 500)");
  CHECK(ask(*s, "SELECT relation FROM entail.outbox ORDER BY version") == "Seen;Found;Found");
  deploy(*s, "r.dl", ".decl nothing(x: int64)\n");
  CHECK(ask(*s, "INSERT INTO orders VALUES (3, 500)") == "INSERT 0 1");
  CHECK(ask(*s, "SELECT count(*) FROM entail.outbox") == "3");
  CHECK(ask(*s, "DROP TABLE orders") == "DROP TABLE");
}

TEST_CASE("A denial rule refuses what would match it at commit, deployments included", "[engine]") {
  const auto disk = store::SimulatedDisk::create(1);
  {
    Database database(on(disk));
    const auto s = database.connect();
    ask(*s, "CREATE TABLE account (a bigint PRIMARY KEY, n bigint NOT NULL)");
    ask(*s, "INSERT INTO account VALUES (1, 10), (2, 20)");
    const std::string refused =
        "!23514 denial rule \"false :- account(a, n), n < 0.\" is violated by a = 2, n = -1";
    const std::string declared = ".decl account(a: int64, n: int64)\n";
    auto violated = s->deploy("large.dl", declared + "false :- account(a, n), n > 15.");
    REQUIRE_FALSE(violated);
    CHECK(violated.error().sqlstate() == "23514");
    // What the text itself states counts.
    const std::string limits = ".decl limit(n: int64)\nfalse :- account(_, n), !limit(n).\n";
    CHECK_FALSE(s->deploy("limits.dl", declared + limits + "limit(10)."));
    deploy(*s, "limits.dl", declared + limits + "limit(10).  limit(20).");
    CHECK_FALSE(s->deploy("limits.dl", declared + limits + "limit(20)."));
    CHECK(state_of(*s, "INSERT INTO account VALUES (3, 30)") == "23514");
    deploy(*s, "limits.dl", declared);
    deploy(*s, "rules.dl", declared + "false :- account(a, n), n < 0.");
    CHECK(ask(*s, "UPDATE account SET n = -1 WHERE a = 2") == refused);
    ask(*s, "BEGIN");
    CHECK(ask(*s, "UPDATE account SET n = n - 21") == "UPDATE 2");
    CHECK(ask(*s, "UPDATE account SET n = n + 11 WHERE a = 1") == "UPDATE 1");
    CHECK(ask(*s, "COMMIT") == refused);
    CHECK(ask(*s, "SELECT a, n FROM account ORDER BY a") == "1,10;2,20");
    // What is mended before the end was never there.
    ask(*s, "BEGIN");
    ask(*s, "UPDATE account SET n = n - 15");
    ask(*s, "UPDATE account SET n = n + 10 WHERE a = 1");
    CHECK(ask(*s, "COMMIT") == "COMMIT");
    CHECK(ask(*s, "SELECT a, n FROM account ORDER BY a") == "1,5;2,5");
  }
  Database database(on(disk));
  const auto s = database.connect();
  CHECK(state_of(*s, "UPDATE account SET n = -1 WHERE a = 2") == "23514");
  CHECK(ask(*s, "SELECT a, n FROM account ORDER BY a") == "1,5;2,5");
}

}  // namespace
}  // namespace entail::engine
