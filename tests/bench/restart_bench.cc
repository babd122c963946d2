// How long until a database answers again after its process has ended?
//
// Five million rows in four tables and ten materialized views of different shapes. The engine is opened
// after a clean end (with a checkpoint of derived state), then once more without the checkpoint, as after a
// kill long ago; each time every view is read whole and its rows are hashed. Expected: the same hashes, 60 s
// at most without a checkpoint, 10 s with one. On a busy machine look at the seconds of CPU: one thread opens,
// RocksDB's own help.
//
// Arguments: the folder to work in (default: the current one), which should be on a real disk, and the
// number of rows in thousands (default: 5000).

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "server/engine/engine.h"
#include "store/rocks_kv.h"
#include "store/versioned_store.h"

namespace {

using namespace entail;
using namespace entail::engine;

class SteadyClock final : public Clock {
 public:
  std::int64_t now_us() const override {
    return std::chrono::system_clock::now().time_since_epoch() / std::chrono::microseconds(1);
  }
  std::int64_t steady_ns() const override {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
  }
};

const SteadyClock kClock;

double cpu_seconds(std::clock_t since) {
  return static_cast<double>(std::clock() - since) / CLOCKS_PER_SEC;
}

double seconds(const std::function<void()>& work) {
  const std::int64_t begin = kClock.steady_ns();
  work();
  return static_cast<double>(kClock.steady_ns() - begin) / 1e9;
}

template <typename T>
T need(Expected<T> value) {
  if (!value) {
    fmt::print(stderr, "{}\n", value.error().message);
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*value);
}

const std::vector<std::pair<std::string, std::string>> kViews = {
    {"v_filter", "SELECT id, customer, amount FROM orders WHERE amount > 900"},
    {"v_join",
     "SELECT o.id, c.name, o.amount FROM orders o JOIN customers c ON o.customer = c.id "
     "WHERE c.region < 5"},
    {"v_group",
     "SELECT customer, count(*) AS n, sum(amount) AS total FROM orders GROUP BY customer"},
    {"v_regions",
     "SELECT c.region, l.item, sum(l.quantity) AS n FROM lines l JOIN orders o ON l.order_id = "
     "o.id "
     "JOIN customers c ON o.customer = c.id GROUP BY c.region, l.item"},
    {"v_distinct", "SELECT DISTINCT item, quantity FROM lines"},
    {"v_top", "SELECT id, amount FROM orders ORDER BY amount DESC, id LIMIT 100"},
    {"v_reach",
     "WITH RECURSIVE r(a, b) AS (SELECT a, b FROM edges UNION SELECT r.a, e.b FROM r JOIN edges e "
     "ON r.b = e.a) SELECT a, b FROM r"},
    {"v_idle",
     "SELECT id, name FROM customers c WHERE NOT EXISTS (SELECT 1 FROM orders o WHERE o.customer = "
     "c.id AND o.amount > 990)"},
    {"v_outer",
     "SELECT c.id, c.name, o.id AS big FROM customers c LEFT JOIN orders o ON o.customer = c.id "
     "AND o.amount > 980"},
    {"v_best",
     "SELECT item, max(quantity) AS most, min(order_id) AS first FROM lines GROUP BY item"},
};

// Reads a result and forgets it: the sum of the rows' hashes does not depend on their order.
class HashingSink final : public RowSink {
 public:
  void row(const RowView& row) override {
    text_.clear();
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (!row.is_null(c)) row.append_text(c, settings_, text_);
      text_.push_back('|');
    }
    hash += std::hash<std::string>()(text_);
    ++rows;
  }
  std::uint64_t hash = 0, rows = 0;

 private:
  TextSettings settings_;
  std::string text_;
};

std::vector<std::pair<std::uint64_t, std::uint64_t>> hashes(Engine& engine) {
  auto session = need(engine.connect({}));
  std::vector<std::pair<std::uint64_t, std::uint64_t>> result;
  for (const auto& [name, query] : kViews) {
    HashingSink sink;
    auto portal = need(session->bind(need(session->parse("SELECT * FROM " + name, {})), {}));
    need(portal->run(sink, 0));
    portal.reset();
    need(session->sync());
    result.emplace_back(sink.rows, sink.hash);
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string folder =
      (std::filesystem::path(argc > 1 ? argv[1] : ".") / "restart_bench.data").string();
  const long thousands = argc > 2 ? std::atol(argv[2]) : 5000;
  std::filesystem::remove_all(folder);
  EngineOptions options;
  options.directory = folder;
  options.clock = &kClock;
  options.notice = [](const std::string& text) { fmt::print("{}\n", text); };
  auto engine = need(Engine::open(options));
  const double filled = seconds([&] {
    auto session = need(engine->connect({}));
    const auto say = [&](const std::string& text) { need(session->query(text)); };
    say("CREATE TABLE customers (id int PRIMARY KEY, name text, region int)");
    say("CREATE TABLE orders (id int PRIMARY KEY, customer int, amount int)");
    say("CREATE TABLE lines (order_id int, item int, quantity int)");
    say("CREATE TABLE edges (a int, b int, PRIMARY KEY (a, b))");
    const auto rows = [&](const std::string& into, long count, const std::string& columns) {
      for (long first = 0; first < count; first += 100'000) {
        say("INSERT INTO " + into + " SELECT " + columns + " FROM generate_series(" +
            std::to_string(first) + ", " + std::to_string(std::min(first + 100'000, count) - 1) +
            ") AS g(i)");
      }
    };
    rows("customers", 20 * thousands, "i, 'customer number ' || i, i % 20");
    rows("orders", 440 * thousands,
         "i, (i::bigint * 7919 % " + std::to_string(19 * thousands) +
             ")::int, (i::bigint * 104729 % 1000)::int");
    rows("lines", 500 * thousands,
         "(i::bigint * 15485863 % " + std::to_string(440 * thousands) +
             ")::int, (i::bigint * 32452843 % 5000)::int, (i::bigint * 49979687 % 97)::int");
    rows("edges", 40 * thousands, "i, CASE WHEN i % 8 = 7 THEN i - 7 ELSE i + 1 END");
    for (const auto& [name, query] : kViews) {
      const double taken =
          seconds([&] { say("CREATE MATERIALIZED VIEW " + name + " AS " + query); });
      fmt::print("  {:<12} filled in {:>6.2f} s\n", name, taken);
    }
  });
  const auto expected = hashes(*engine);
  fmt::print("{} rows stated and {} views filled in {:.1f} s\n", thousands * 1000, kViews.size(),
             filled);
  for (std::size_t i = 0; i < kViews.size(); ++i) {
    fmt::print("  {:<12} {:>9} rows\n", kViews[i].first, expected[i].first);
  }
  std::fflush(stdout);
  const std::clock_t closing = std::clock();
  const double closed = seconds([&] { engine.reset(); });
  fmt::print("clean end, with a checkpoint, in {:.1f} s, {:.1f} s of CPU\n", closed,
             cpu_seconds(closing));
  std::fflush(stdout);
  bool all_right = true;
  const auto restart = [&](std::string_view how) {
    const std::clock_t begin = std::clock();
    const double opened = seconds([&] { engine = need(Engine::open(options)); });
    bool right = false;
    const double read = seconds([&] { right = hashes(*engine) == expected; });
    const double cpu = cpu_seconds(begin);
    fmt::print(
        "{:<18} opened in {:>5.2f} s, all views read in {:>5.2f} s, {:>5.2f} s of CPU, hashes {}\n",
        how, opened, read, cpu, right ? "right" : "WRONG");
    std::fflush(stdout);
    all_right = all_right && right;
    engine.reset();
  };
  restart("with a checkpoint");
  {
    auto store = need(store::VersionedStore::open(
        {.open_kv = store::rocks_kv_opener({.directory = folder}), .clock = &kClock}));
    need(store->drop_derived_state());
    need(store->sync());
  }
  restart("without");
  std::filesystem::remove_all(folder);
  return all_right ? 0 : 1;
}
