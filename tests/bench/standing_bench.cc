// tests/bench/standing_bench.cc - what does one change of the facts cost a standing program?
//
// Questions, one a mode; all single-threaded, in memory, by the network's own interface:
//
//   closure EDGES.facts REPEATS [BATCH]
//               one edge (or BATCH at once) deleted and inserted again: medians, to be set beside
//               limits/closure_delete.cpp on the same file
//   tc NODES EDGES SEED SINGLES BATCH BATCHES
//               the same graph, changes and checksums as the differential-dataflow peer
//   batches [SIZE]
//               batches of 1, 10, 100, 1,000 and all edges against a fresh evaluation
//   join3       orders, customers, items: replaced rows, with the peer's checksums
//   facts       one-fact changes through a three-way join of 1 M, 100 k and 10 k rows
//   rules       an event through ten rules and through two thousand of five shapes
//   bytes       bytes a row of a kept relation of two 32-bit columns with an index and ranks
//
// Expected before measuring: an edge of the 5,000-edge closure touches some 5,000 rows at 20 to 40 ns;
// an order replaced is two rows, two probes each, and two groups: 4 us; an event that matches nothing
// is one row in and out of one relation: 1 us.
//
// Prints one line a measurement: medians and the work counters. Times are of the wall; with BENCH_CPU=1 of
// the thread, where others share the machine.

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "datalog/lower.h"
#include "datalog/stratify.h"
#include "grammar/parser.h"
#include "rete/network.h"

namespace {

using namespace entail;
using vm::Word;

// Of the wall, or of this thread with BENCH_CPU=1, where others share the machine.
double now_ms() {
  static const bool is_cpu = std::getenv("BENCH_CPU") != nullptr;
  timespec time{};
  clock_gettime(is_cpu ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double percentile(std::vector<double> values, double part) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1,
                         static_cast<std::size_t>(part * static_cast<double>(values.size())))];
}

std::uint64_t peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) / 1024;
}

[[noreturn]] void die(const std::string& why) {
  fmt::print(stderr, "standing_bench: {}\n", why);
  std::exit(1);
}

// SplitMix64, as the peers draw.
struct Rng {
  std::uint64_t state;
  std::uint64_t next() {
    state += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t n) { return (next() >> 11) % n; }
};
std::uint64_t mix(std::uint64_t v) { return Rng{v}.next(); }

// A standing program and rows on their way into it.
struct Standing {
  explicit Standing(const std::string& text, double recompute_fraction = 1) {
    grammar::Diagnostics diagnostics;
    grammar::NoFiles reader;
    const grammar::Program tree =
        grammar::parse_text("bench.dl", text, {}, reader, files, diagnostics);
    program = datalog::lower(tree, {}, diagnostics);
    if (!program || !datalog::stratify(*program, diagnostics)) die(diagnostics.render(files));
    pool.emplace(program->types);
    rete::NetworkOptions options;
    options.pool = &*pool;
    options.files = &files;
    options.recompute_fraction = recompute_fraction;
    auto made = rete::Network::create(*program, options);
    if (!made) die(made.error().message);
    network = std::move(*made);
  }
  ~Standing() { network.reset(); }

  datalog::RelationId id(const std::string& name) const {
    for (std::size_t i = 0; i < program->relations.size(); ++i) {
      if (program->relations[i].name == name) return static_cast<datalog::RelationId>(i);
    }
    die("no relation " + name);
  }

  // One row.
  template <typename Number, std::size_t kWidth>
  void change(datalog::RelationId relation, const std::array<Number, kWidth>& row,
              std::int64_t weight) {
    Word words[kWidth];
    const Word* columns[kWidth];
    for (std::size_t c = 0; c < kWidth; ++c) {
      words[c] = row[c];
      columns[c] = &words[c];
    }
    if (auto done = network->change(relation, {columns, 1, &weight}); !done) {
      die(done.error().message);
    }
  }
  void step() {
    if (auto done = network->step(); !done) die(done.error().message);
  }
  rete::Committed commit() {
    auto committed = network->commit();
    if (!committed) die(committed.error().message);
    return std::move(*committed);
  }
  std::uint64_t touched() const { return network->statistics().rows_touched; }

  grammar::SourceFiles files;
  std::optional<datalog::RuleProgram> program;
  std::optional<vm::ValuePool> pool;
  std::unique_ptr<rete::Network> network;
};

using Edge = std::pair<std::uint32_t, std::uint32_t>;

const char* const kClosure = R"(
.decl e(x: number, y: number)
.decl tc(x: number, y: number)
tc(x, y) :- e(x, y).
tc(x, z) :- tc(x, y), e(y, z).
.output tc
)";

struct Closure : Standing {
  explicit Closure(double recompute_fraction = 1)
      : Standing(kClosure, recompute_fraction), edge(id("e")), path(id("tc")) {}

  void change_edge(Edge changed, std::int64_t weight) {
    change(edge, std::array<Word, 2>{changed.first, changed.second}, weight);
  }
  // Follows the size and the checksum of the closure.
  void follow(const rete::Committed& committed) {
    for (const rete::NetChange& net : committed.changes) {
      for (std::size_t i = 0; i < net.size(); ++i) {
        const std::uint64_t m = mix(net.columns[0][i] << 32 | net.columns[1][i]);
        pairs += net.signs[i];
        sum += net.signs[i] > 0 ? m : std::uint64_t{0} - m;
      }
    }
  }
  double timed_change(const std::vector<Edge>& edges, std::int64_t weight) {
    const double start = now_ms();
    for (const Edge& changed : edges) change_edge(changed, weight);
    const rete::Committed committed = commit();
    const double time = now_ms() - start;
    follow(committed);
    return time;
  }

  datalog::RelationId edge, path;
  std::int64_t pairs = 0;
  std::uint64_t sum = 0;
};

void run_closure(int argc, char** argv) {
  if (argc < 4) die("closure EDGES.facts REPEATS [BATCH]");
  std::FILE* const file = std::fopen(argv[2], "r");
  if (file == nullptr) die(std::string("cannot open ") + argv[2]);
  std::set<Edge> unique;
  for (unsigned a = 0, b = 0; std::fscanf(file, "%u %u", &a, &b) == 2;) unique.emplace(a, b);
  std::fclose(file);
  const std::vector<Edge> edges(unique.begin(), unique.end());
  Closure closure;
  const double first = closure.timed_change(edges, 1);
  const std::int64_t whole = closure.pairs;
  const std::size_t batch = argc > 4 ? std::strtoul(argv[4], nullptr, 10) : 1;
  std::uint64_t seed = 7;
  std::vector<double> removed, inserted;
  const std::uint64_t touched = closure.touched();
  const long repeats = std::atol(argv[3]);
  for (long i = repeats; i > 0; --i) {
    std::vector<Edge> change;
    while (change.size() < batch) {
      seed = seed * 6364136223846793005U + 1442695040888963407U;
      const Edge& e = edges[(seed >> 33) % edges.size()];
      if (std::find(change.begin(), change.end(), e) == change.end()) change.push_back(e);
    }
    removed.push_back(closure.timed_change(change, -1));
    inserted.push_back(closure.timed_change(change, 1));
    if (closure.pairs != whole) die("the closure was not restored");
  }
  fmt::print(
      "pairs {} first_ms {:.1f} delete_ms {:.3f} insert_ms {:.3f} rows_touched {} recomputed {} "
      "peak {} MiB\n",
      whole, first, median(removed), median(inserted),
      (closure.touched() - touched) / static_cast<std::uint64_t>(std::max(1L, 2 * repeats)),
      closure.network->statistics().strata_recomputed, peak_mib());
}

std::vector<Edge> unique_edges(Rng& rng, std::uint32_t nodes, std::size_t count) {
  std::set<Edge> seen;
  std::vector<Edge> edges;
  while (edges.size() < count) {
    const auto x = static_cast<std::uint32_t>(rng.below(nodes));
    const auto y = static_cast<std::uint32_t>(rng.below(nodes));
    if (x != y && seen.emplace(x, y).second) edges.emplace_back(x, y);
  }
  return edges;
}

std::uint64_t argument(int argc, char** argv, int position, std::uint64_t otherwise) {
  return argc > position ? std::strtoull(argv[position], nullptr, 10) : otherwise;
}

void run_tc(int argc, char** argv) {
  const auto nodes = static_cast<std::uint32_t>(argument(argc, argv, 2, 1000));
  const std::size_t count = argument(argc, argv, 3, 5000);
  Rng rng{argument(argc, argv, 4, 29)};
  const std::vector<Edge> edges = unique_edges(rng, nodes, count);
  Closure closure;
  const double first = closure.timed_change(edges, 1);
  fmt::print("tc {} nodes {} edges: {} pairs, checksum {:016x}, initial {:.3f} s, peak {} MiB\n",
             nodes, count, closure.pairs, closure.sum, first / 1e3, peak_mib());
  const auto state = std::pair(closure.pairs, closure.sum);
  const std::pair<std::uint64_t, std::size_t> rounds[] = {
      {argument(argc, argv, 5, 200), 1},
      {argument(argc, argv, 7, 5), argument(argc, argv, 6, 100)}};
  for (const auto& [times, size] : rounds) {
    std::vector<double> removed, inserted;
    std::uint64_t check = 0;
    const std::uint64_t touched = closure.touched();
    for (std::uint64_t round = 0; round < times; ++round) {
      std::vector<std::size_t> picked;
      while (picked.size() < size) {
        const std::size_t i = rng.below(count);
        if (std::find(picked.begin(), picked.end(), i) == picked.end()) picked.push_back(i);
      }
      std::vector<Edge> change;
      for (const std::size_t i : picked) change.push_back(edges[i]);
      removed.push_back(closure.timed_change(change, -1));
      check = check * 31 + closure.sum;
      inserted.push_back(closure.timed_change(change, 1));
      if (state != std::pair(closure.pairs, closure.sum)) die("the closure was not restored");
    }
    if (times == 0) continue;
    fmt::print(
        "  {} per change: check {:016x}, delete p50 {:.3f} p99 {:.3f} ms, insert p50 {:.3f} "
        "p99 {:.3f} ms, rows touched {} a change\n",
        size, check, median(removed), percentile(removed, 0.99), median(inserted),
        percentile(inserted, 0.99), (closure.touched() - touched) / (2 * times));
  }
}

void run_batches(std::size_t only) {
  Rng rng{29};
  const std::vector<Edge> edges = unique_edges(rng, 1000, 5000);
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{10}, std::size_t{100}, std::size_t{1000}, edges.size()}) {
    if (only != 0 && size != only) continue;
    std::vector<double> fresh, removed, inserted;
    Closure closure;
    closure.timed_change(edges, 1);
    for (int round = 0; round < 5; ++round) {
      const double start = now_ms();
      Closure anew;
      anew.timed_change(edges, 1);
      fresh.push_back(now_ms() - start);
      std::vector<Edge> change(edges.begin(), edges.begin() + static_cast<std::ptrdiff_t>(size));
      removed.push_back(closure.timed_change(change, -1));
      inserted.push_back(closure.timed_change(change, 1));
    }
    fmt::print(
        "batch {:5}: delete {:8.2f} ms, insert {:8.2f} ms, fresh {:8.2f} ms, ratio {:.2f} {:.2f}, "
        "recomputed {}\n",
        size, median(removed), median(inserted), median(fresh), median(removed) / median(fresh),
        median(inserted) / median(fresh), closure.network->statistics().strata_recomputed);
  }
}

const char* const kJoin3 = R"(
.decl orders(o: number, c: number, i: number, q: number)
.decl customers(c: number, r: number)
.decl items(i: number, k: number, p: number)
.decl sales(r: number, k: number, n: number, s: number)
sales(r, k, n, s) :-
  group { orders(_, c, i, q), customers(c, r), items(i, k, p), a = q * p } by (r, k) => { n: count(), s: sum(a) }.
.output sales
)";

struct World {
  Rng rng{1};
  // Narrow, as the peer keeps them: the driver's inputs count in its memory.
  std::vector<std::array<std::uint32_t, 4>> orders;
  std::vector<std::array<std::uint32_t, 2>> customers;
  std::vector<std::array<std::uint32_t, 3>> items;

  std::uint32_t below(std::size_t n) { return static_cast<std::uint32_t>(rng.below(n)); }
  std::array<std::uint32_t, 4> order(std::uint32_t id) {
    const std::uint32_t customer = below(customers.size());
    const std::uint32_t item = below(items.size());
    return {id, customer, item, 1 + below(10)};
  }
  std::array<std::uint32_t, 2> customer(std::uint32_t id) { return {id, below(100)}; }
  std::array<std::uint32_t, 3> item(std::uint32_t id) {
    const std::uint32_t category = below(50);
    return {id, category, 1 + below(1000)};
  }
};

void run_join3() {
  World w;
  constexpr std::uint32_t kOrders = 1'000'000, kCustomers = 100'000, kItems = 10'000;
  for (std::uint32_t i = 0; i < kCustomers; ++i) w.customers.push_back(w.customer(i));
  for (std::uint32_t i = 0; i < kItems; ++i) w.items.push_back(w.item(i));
  for (std::uint32_t i = 0; i < kOrders; ++i) w.orders.push_back(w.order(i));
  Standing standing(kJoin3);
  const auto orders = standing.id("orders"), customers = standing.id("customers"),
             items = standing.id("items");
  std::uint64_t sum = 0, moved = 0;
  std::int64_t groups = 0;
  auto follow = [&](const rete::Committed& committed) {
    for (const rete::NetChange& net : committed.changes) {
      for (std::size_t i = 0; i < net.size(); ++i) {
        const std::uint64_t key = net.columns[0][i] << 32 | net.columns[1][i];
        const std::uint64_t row = mix(key ^ mix(net.columns[2][i] ^ mix(net.columns[3][i])));
        sum += net.signs[i] > 0 ? row : std::uint64_t{0} - row;
        groups += net.signs[i];
        ++moved;
      }
    }
  };
  const double start = now_ms();
  for (const auto& row : w.customers) standing.change(customers, row, 1);
  for (const auto& row : w.items) standing.change(items, row, 1);
  standing.step();
  for (std::size_t i = 0; i < w.orders.size(); ++i) {
    standing.change(orders, w.orders[i], 1);
    if (i % 50'000 == 49'999) standing.step();  // So that what waits stays small.
  }
  const rete::Committed loaded = standing.commit();
  const double load = now_ms() - start;
  follow(loaded);
  fmt::print("join3: {} groups, checksum {:016x}, initial {:.3f} s, peak {} MiB\n", groups, sum,
             load / 1e3, peak_mib());
  struct Round {
    const char* name;
    int kind;
    std::size_t size, rounds;
  };
  for (const Round& round :
       {Round{"orders", 0, 1, 20'000}, Round{"customers", 1, 1, 5'000}, Round{"items", 2, 1, 2'000},
        Round{"orders", 0, 1'000, 200}, Round{"customers", 1, 1'000, 50},
        Round{"items", 2, 1'000, 20}, Round{"mixed", 3, 1, 5'000}, Round{"mixed", 3, 1'000, 100}}) {
    std::vector<double> times;
    moved = 0;
    const std::uint64_t touched = standing.touched();
    for (std::size_t r = 0; r < round.rounds; ++r) {
      std::vector<std::pair<std::array<std::uint32_t, 4>, std::array<std::uint32_t, 4>>>
          changed_orders;
      std::vector<std::pair<std::array<std::uint32_t, 2>, std::array<std::uint32_t, 2>>>
          changed_customers;
      std::vector<std::pair<std::array<std::uint32_t, 3>, std::array<std::uint32_t, 3>>>
          changed_items;
      for (std::size_t k = 0; k < round.size; ++k) {
        int which = round.kind;
        if (which == 3) {
          const std::uint64_t draw = w.rng.below(100);
          which = draw == 0 ? 2 : draw < 10 ? 1 : 0;
        }
        if (which == 0) {
          const std::uint32_t at = w.below(kOrders);
          const auto fresh = w.order(at);
          changed_orders.emplace_back(w.orders[at], fresh);
          w.orders[at] = fresh;
        } else if (which == 1) {
          const std::uint32_t at = w.below(kCustomers);
          const auto fresh = w.customer(at);
          changed_customers.emplace_back(w.customers[at], fresh);
          w.customers[at] = fresh;
        } else {
          const std::uint32_t at = w.below(kItems);
          const auto fresh = w.item(at);
          changed_items.emplace_back(w.items[at], fresh);
          w.items[at] = fresh;
        }
      }
      const double begin = now_ms();
      for (const auto& [old, fresh] : changed_orders) {
        standing.change(orders, old, -1);
        standing.change(orders, fresh, 1);
      }
      for (const auto& [old, fresh] : changed_customers) {
        standing.change(customers, old, -1);
        standing.change(customers, fresh, 1);
      }
      for (const auto& [old, fresh] : changed_items) {
        standing.change(items, old, -1);
        standing.change(items, fresh, 1);
      }
      const rete::Committed committed = standing.commit();
      times.push_back(now_ms() - begin);
      follow(committed);
    }
    fmt::print(
        "  {:9} {:4} replaced: p50 {:8.4f} p99 {:8.4f} ms, delivered {:.2f}, rows touched "
        "{} a round, checksum {:016x}, peak {} MiB\n",
        round.name, round.size, median(times), percentile(times, 0.99),
        static_cast<double>(moved) / static_cast<double>(round.rounds),
        (standing.touched() - touched) / round.rounds, sum, peak_mib());
  }
}

// One-fact changes: each an insertion or its deletion, a step and a commit of its own every hundred.
void run_facts() {
  Standing standing(R"(
.decl a(x: number, y: number)
.decl b(y: number, z: number)
.decl c(z: number, w: number)
.decl j(x: number, w: number)
j(x, w) :- a(x, y), b(y, z), c(z, w).
.output j
)");
  const auto a = standing.id("a"), b = standing.id("b"), c = standing.id("c");
  for (Word i = 0; i < 1'000'000; ++i) standing.change(a, std::array<Word, 2>{i, i % 100'000}, 1);
  for (Word i = 0; i < 100'000; ++i) standing.change(b, std::array<Word, 2>{i, i % 10'000}, 1);
  for (Word i = 0; i < 10'000; ++i) standing.change(c, std::array<Word, 2>{i, i}, 1);
  standing.commit();
  Rng rng{3};
  for (const bool matches : {false, true}) {
    std::vector<double> rates;
    for (int round = 0; round < 5; ++round) {
      constexpr std::size_t kChanges = 200'000;
      const double start = now_ms();
      for (std::size_t i = 0; i < kChanges / 2; ++i) {
        const std::array<Word, 2> row{2'000'000 + i,
                                      matches ? rng.below(100'000) : 200'000 + rng.below(100'000)};
        standing.change(a, row, 1);
        standing.step();
        standing.change(a, row, -1);
        standing.step();
        if (i % 50 == 49) standing.commit();
      }
      standing.commit();
      rates.push_back(static_cast<double>(kChanges) / (now_ms() - start) * 1e3);
    }
    fmt::print("one-fact changes that {}: {:.0f} a second\n",
               matches ? "change a result" : "match nothing", median(rates));
  }
}

void run_rules() {
  for (const std::size_t count : {std::size_t{10}, std::size_t{2000}}) {
    std::string text =
        ".decl ev(id: number, kind: number, user: number, amount: number)\n"
        ".decl vip(user: number)\n.decl blocked(user: number)\n.decl limits(kind: number, top: "
        "number)\n";
    for (std::size_t i = 0; i < count; ++i) {
      const std::string head = fmt::format("alert{}", i);
      text += fmt::format(".decl {}(id: number, user: number)\n", head);
      switch (i % 5) {
        case 0:
          text += fmt::format("{}(id, u) :- ev(id, {}, u, _).\n", head, 100 + i);
          break;
        case 1:
          text += fmt::format("{}(id, u) :- ev(id, _, u, a), a > {}.\n", head, 1'000'000 + i);
          break;
        case 2:
          text += fmt::format("{}(id, u) :- ev(id, {}, u, a), vip(u), a > 10.\n", head, 100 + i);
          break;
        case 3:
          text += fmt::format("{}(id, u) :- ev(id, {}, u, _), !blocked(u).\n", head, 100 + i);
          break;
        default:
          text += fmt::format("{}(id, {}) :- ev(id, k, {}, a), limits(k, t), a > t.\n", head,
                              100'000 + i, 100'000 + i);
          break;
      }
    }
    Standing standing(text);
    const auto ev = standing.id("ev"), vip = standing.id("vip"), limits = standing.id("limits");
    for (Word i = 0; i < 1000; ++i) standing.change(vip, std::array<Word, 1>{i}, 1);
    for (Word i = 0; i < 1000; ++i) standing.change(limits, std::array<Word, 2>{i, 500}, 1);
    standing.commit();
    Rng rng{5};
    std::vector<double> times;
    for (int round = 0; round < 5; ++round) {
      constexpr std::size_t kEvents = 20'000;
      const double start = now_ms();
      for (std::size_t i = 0; i < kEvents; ++i) {
        standing.change(
            ev,
            std::array<Word, 4>{i + static_cast<std::size_t>(round) * kEvents,
                                100 + rng.below(5000), rng.below(100'000), rng.below(1000)},
            1);
        standing.step();
        if (i % 100 == 99) standing.commit();
      }
      times.push_back((now_ms() - start) * 1e3 / kEvents);
    }
    fmt::print("{} rules of five shapes: {:.3f} us an event\n", count, median(times));
  }
}

void run_bytes() {
  Rng rng{29};
  const std::vector<Edge> edges = unique_edges(rng, 1000, 5000);
  Closure closure;
  closure.timed_change(edges, 1);
  const vm::StandingRelation& path = closure.network->relation(closure.path);
  fmt::print("closure: {} rows, {} bytes, {:.1f} bytes a row\n", path.size(), path.bytes_used(),
             static_cast<double>(path.bytes_used()) / static_cast<double>(path.size()));
  const rete::NetworkStatistics statistics = closure.network->statistics();
  for (const rete::NodeStatistics& node : statistics.nodes) {
    if (node.bytes > 1 << 20) fmt::print("  {:60} {:>12} bytes\n", node.node, node.bytes);
  }
  fmt::print("sum of nodes {} MiB, process peak {} MiB\n", statistics.bytes >> 20, peak_mib());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "closure") {
    run_closure(argc, argv);
  } else if (mode == "tc") {
    run_tc(argc, argv);
  } else if (mode == "batches") {
    run_batches(argument(argc, argv, 2, 0));
  } else if (mode == "join3") {
    run_join3();
  } else if (mode == "facts") {
    run_facts();
  } else if (mode == "rules") {
    run_rules();
  } else if (mode == "bytes") {
    run_bytes();
  } else {
    fmt::print(stderr,
               "usage: standing_bench closure | tc | batches | join3 | facts | rules | bytes\n");
    return 2;
  }
  return 0;
}
