// tests/bench/relation_bench.cc - how close are relations to a plain loop over the same data?
//
//   closure        path(x, z) :- path(x, y), edge(y, z) over 4,000 nodes and 10,000 random edges: 12.5 M
//                  rows from 31.5 M candidates, by a join loop over probe(), load() and merge(), against
//                  a loop with one small hash set for each x and no engine round it. Expected: no slower.
//   load           10 M random pairs, appended and deduplicated; then an index on the first column.
//                  Expected: 80 ns a row (two cache misses and the page faults of 200 MB), 100 ns a key.
//   contains       40 M probes that come in runs of one leading value, in 10 M rows: 10 ns each.
//   tiny_rounds    12,000 rounds of 700 rows with an index on the new rows' second column: 2 us and
//                  40 ns a row.
//   standing       standing relations: one-row epochs beside 100,000 rows, each index 60 ns more; a million
//                  ranked rows with an index, 200 ns and 40 bytes a row, 30 ns to find one; a million
//                  rows under one key.
//
//     relation_bench [closure | load | contains | tiny_rounds | standing]
//
// Times are processor time: the machine may be shared.

#include <ctime>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "vm/base/random.h"
#include "vm/relation.h"
#include "vm/standing_relation.h"

namespace {

using namespace entail;
using namespace entail::vm;

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

std::unique_ptr<Relation> pairs(const char* name) {
  RelationOptions options;
  options.name = name;
  options.columns.resize(2);
  return std::move(Relation::create(std::move(options))).value();
}

using Edges = std::pair<std::vector<Word>, std::vector<Word>>;

Edges random_edges(std::size_t nodes, std::size_t count, std::uint64_t seed) {
  Random random(seed);
  Edges edges;
  for (std::size_t i = 0; i < count; ++i) {
    edges.first.push_back(random.below(nodes));
    edges.second.push_back(random.below(nodes));
  }
  return edges;
}

// ---- closure

class SmallSet {
 public:
  bool insert(std::uint32_t key) {
    if ((count_ + 1) * 10 >= slots_.size() * 7) grow();
    std::size_t i = home(key);
    for (; slots_[i] != kEmpty; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i] == key) return false;
    }
    slots_[i] = key;
    ++count_;
    return true;
  }

 private:
  static constexpr std::uint32_t kEmpty = ~0U;
  std::size_t home(std::uint32_t key) const {
    return (key * 2654435769U >> 7) & (slots_.size() - 1);
  }
  void grow() {
    std::vector<std::uint32_t> old(slots_.empty() ? 8 : slots_.size() * 2, kEmpty);
    old.swap(slots_);
    for (const std::uint32_t key : old) {
      if (key == kEmpty) continue;
      std::size_t i = home(key);
      while (slots_[i] != kEmpty) i = (i + 1) & (slots_.size() - 1);
      slots_[i] = key;
    }
  }
  std::vector<std::uint32_t> slots_;
  std::size_t count_ = 0;
};

double plain_closure(const Edges& edges, std::size_t nodes, std::size_t* rows) {
  const double start = processor_seconds();
  std::vector<std::vector<std::uint32_t>> targets(nodes);
  std::vector<std::vector<std::uint32_t>> delta(nodes);
  std::vector<std::vector<std::uint32_t>> next(nodes);
  std::vector<SmallSet> known(nodes);
  *rows = 0;
  for (std::size_t i = 0; i < edges.first.size(); ++i) {
    const Word x = edges.first[i];
    const auto y = static_cast<std::uint32_t>(edges.second[i]);
    if (!known[x].insert(y)) continue;
    targets[x].push_back(y);
    delta[x].push_back(y);
    ++*rows;
  }
  for (bool grew = true; grew;) {
    grew = false;
    for (std::size_t x = 0; x < nodes; ++x) {
      next[x].clear();
      for (const std::uint32_t y : delta[x]) {
        for (const std::uint32_t z : targets[y]) {
          if (known[x].insert(z)) next[x].push_back(z);
        }
      }
      *rows += next[x].size();
      grew |= !next[x].empty();
    }
    delta.swap(next);
  }
  return processor_seconds() - start;
}

double relation_closure(const Edges& edges, std::size_t* rows, std::uint64_t* bytes) {
  constexpr std::size_t kBatch = 1024;
  const double start = processor_seconds();
  const auto edge = pairs("edge");
  const auto path = pairs("path");
  const Word* const facts[] = {edges.first.data(), edges.second.data()};
  edge->append(facts, edges.first.size()).value();
  edge->advance();
  edge->settle();
  const std::uint32_t by_source = edge->add_index({{0}, -1});
  edge->prepare_index(by_source);
  path->append(facts, edges.first.size()).value();

  SerialTeam team;
  CandidateBuffer candidates(*path);
  CandidateBuffer* const buffers[] = {&candidates};
  std::vector<Row> outer(kBatch);
  std::vector<Row> inner(kBatch);
  std::vector<std::uint32_t> lanes(kBatch);
  std::vector<Word> x(kBatch);
  std::vector<Word> y(kBatch);
  std::vector<Word> out_x(kBatch);
  std::vector<Word> z(kBatch);
  std::vector<Posting> postings(kBatch);
  std::size_t n = 0;
  const auto flush = [&] {
    for (std::size_t i = 0; i < n; ++i) out_x[i] = x[lanes[i]];
    edge->load(1, inner.data(), n, z.data());
    const Word* const derived[] = {out_x.data(), z.data()};
    candidates.append(derived, n);
    n = 0;
    if (candidates.full()) path->merge(buffers, team, false).value();
  };
  while (path->advance()) {
    RowRange range = path->range(View::kDelta);
    while (const std::size_t count = path->next_rows(range, outer.data(), kBatch)) {
      path->load(0, outer.data(), count, x.data());
      path->load(1, outer.data(), count, y.data());
      const Word* const keys[] = {y.data()};
      edge->probe(by_source, View::kTotal, keys, count, postings.data());
      for (std::size_t i = 0; i < count; ++i) {
        for (std::uint32_t k = 0; k < postings[i].count; ++k) {
          lanes[n] = static_cast<std::uint32_t>(i);
          inner[n] = postings[i].rows[k];
          if (++n == kBatch) flush();
        }
      }
      if (n > 0) flush();
    }
    path->merge(buffers, team, false).value();
  }
  *rows = path->size();
  *bytes = path->bytes_used();
  return processor_seconds() - start;
}

void closure() {
  constexpr std::size_t kNodes = 4000;
  const Edges edges = random_edges(kNodes, 10'000, 101);
  for (int run = 0; run < 3; ++run) {
    std::size_t plain_rows = 0;
    std::size_t rows = 0;
    std::uint64_t bytes = 0;
    const double relation = relation_closure(edges, &rows, &bytes);
    const double plain = plain_closure(edges, kNodes, &plain_rows);
    std::printf("closure      rows %zu%s relation %.3f s plain loop %.3f s ratio %.2f, %.1f MB\n",
                rows, rows == plain_rows ? "" : " (WRONG)", relation, plain, relation / plain,
                static_cast<double>(bytes) * 1e-6);
  }
}

// ---- load and contains

void load() {
  constexpr std::size_t kRows = 10'000'000;
  const Edges edges = random_edges(std::size_t{1} << 31, kRows, 1);
  const Word* const columns[] = {edges.first.data(), edges.second.data()};
  const auto relation = pairs("load");
  double start = processor_seconds();
  const std::uint64_t inserted = relation->append(columns, kRows)->inserted;
  relation->advance();
  std::printf("load         rows %llu %.3f s, %.1f MB\n", static_cast<unsigned long long>(inserted),
              processor_seconds() - start, static_cast<double>(relation->bytes_used()) * 1e-6);
  start = processor_seconds();
  const std::uint32_t index = relation->add_index({{0}, -1});
  relation->prepare_index(index);
  std::printf("index        keys %llu %.3f s, %.1f MB\n",
              static_cast<unsigned long long>(relation->distinct_keys(index)),
              processor_seconds() - start,
              static_cast<double>(relation->bytes_of_indexes()) * 1e-6);
}

void contains() {
  constexpr std::size_t kRows = 10'000'000;
  constexpr Word kDomain = 20'000;
  constexpr std::size_t kRun = 500;
  constexpr std::size_t kProbes = 40'000'000;
  const Edges edges = random_edges(kDomain, kRows, 1);
  const Word* const columns[] = {edges.first.data(), edges.second.data()};
  const auto relation = pairs("contains");
  relation->append(columns, kRows).value();
  relation->advance();
  Random random(2);
  std::vector<Word> x(kRun);
  std::vector<Word> y(kRun);
  std::vector<std::uint8_t> found(kRun);
  double seconds = 0;
  std::uint64_t hits = 0;
  for (std::size_t i = 0; i < kProbes; i += kRun) {
    std::fill(x.begin(), x.end(), random.below(kDomain));
    for (Word& word : y) word = random.below(kDomain);
    const Word* const keys[] = {x.data(), y.data()};
    const double start = processor_seconds();
    relation->contains(keys, kRun, found.data());
    seconds += processor_seconds() - start;
    for (const std::uint8_t one : found) hits += one;
  }
  std::printf("contains     probes %zu hits %llu, %.1f ns each\n", kProbes,
              static_cast<unsigned long long>(hits), seconds * 1e9 / kProbes);
}

void tiny_rounds() {
  constexpr std::size_t kRounds = 12'000;
  constexpr std::size_t kRows = 700;
  const auto relation = pairs("flow");
  const std::uint32_t index = relation->add_index({{1}, -1});
  relation->prepare_index(index);
  SerialTeam team;
  CandidateBuffer candidates(*relation);
  CandidateBuffer* const buffers[] = {&candidates};
  std::vector<Word> x(kRows);
  std::vector<Word> y(kRows);
  for (Word i = 0; i < kRows; ++i) x[i] = i;
  const double start = processor_seconds();
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (Word i = 0; i < kRows; ++i) y[i] = round + i % 16;
    const Word* const columns[] = {x.data(), y.data()};
    candidates.append(columns, kRows);
    relation->merge(buffers, team, false).value();
    relation->advance();
  }
  const double seconds = processor_seconds() - start;
  std::printf("tiny_rounds  rounds %zu rows %zu %.3f s, %.1f us a round, %.1f ns a row\n", kRounds,
              relation->size(), seconds, seconds * 1e6 / kRounds,
              seconds * 1e9 / (kRounds * kRows));
}

// ---- standing

std::unique_ptr<StandingRelation> standing_pairs(bool ranks, PinRegistry* pins = nullptr) {
  RelationOptions options;
  options.name = "standing";
  options.columns.resize(2);
  options.ranks = ranks;
  return std::move(StandingRelation::create(std::move(options), pins)).value();
}

// One-row epochs, with readers' versions and without.
void standing() {
  constexpr std::size_t kRows = 100'000;
  constexpr std::size_t kEpochs = 500'000;
  std::vector<Word> x(kRows);
  std::vector<Word> y(kRows);
  for (Word i = 0; i < kRows; ++i) x[i] = i, y[i] = i / 3;
  const Word* const all[] = {x.data(), y.data()};
  for (std::uint32_t kind = 0; kind < 4; ++kind) {
    PinRegistry pins;
    const bool versions = kind == 3;
    const auto relation = standing_pairs(false, versions ? &pins : nullptr);
    for (std::uint32_t column = 0; column < std::min(kind, 2U); ++column) {
      relation->add_index({{column}, -1}).value();
    }
    relation->apply({.columns = all, .n = kRows}).value();
    Version version = 1;
    relation->commit(version);
    if (versions) pins.publish(version);
    Random random(4);
    const double start = processor_seconds();
    for (std::size_t epoch = 0; epoch < kEpochs; epoch += 2) {
      const std::size_t i = random.below(kRows);
      const Word* const row[] = {&x[i], &y[i]};
      for (std::int64_t weight = -1; weight <= 1; weight += 2) {
        relation->apply({.columns = row, .n = 1, .weights = &weight}).value();
        relation->commit(++version);
        if (versions) pins.publish(version);
      }
    }
    std::printf("standing     epochs of a row %zu, indexes %zu%s: %.0f ns each, %.1f MB\n", kEpochs,
                static_cast<std::size_t>(std::min(kind, 2U)), versions ? ", versions" : "",
                (processor_seconds() - start) * 1e9 / kEpochs,
                static_cast<double>(relation->bytes_used()) * 1e-6);
  }
}

// Ranked rows at once, their bytes, and what looking at them costs.
void standing_load(std::size_t rows) {
  Random random(5);
  std::vector<Word> x(rows);
  std::vector<Word> y(rows);
  for (std::size_t i = 0; i < rows; ++i)
    x[i] = random.below(rows / 3), y[i] = random.below(1U << 30);
  const Word* const all[] = {x.data(), y.data()};
  const std::vector<std::uint32_t> ranks(rows, 7);
  const auto relation = standing_pairs(true);
  const std::uint32_t by_x = relation->add_index({{0}, -1}).value();
  std::vector<Row> fresh;
  fresh.reserve(rows);
  const auto nanos = [&](double start) {
    return (processor_seconds() - start) * 1e9 / static_cast<double>(rows);
  };
  double start = processor_seconds();
  relation->insert_ranked(all, rows, ranks.data(), fresh).value();
  const double inserted = nanos(start);
  start = processor_seconds();
  relation->commit(1);
  std::printf(
      "standing     rows %zu, ranks, 1 index: %.0f ns a row, commit %.0f, %.1f bytes a row\n",
      relation->size(), inserted, nanos(start),
      static_cast<double>(relation->bytes_used()) / static_cast<double>(relation->size()));

  constexpr std::size_t kBatch = 1024;
  std::vector<Row> found(kBatch);
  std::vector<Word> probe_x(rows);
  std::vector<Word> probe_y(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t k = random.below(rows);
    probe_x[i] = x[k], probe_y[i] = y[k];
  }
  start = processor_seconds();
  std::size_t hits = 0;
  for (std::size_t i = 0; i + kBatch <= rows; i += kBatch) {
    const Word* const some[] = {&probe_x[i], &probe_y[i]};
    relation->find(View::kTotal, some, kBatch, found.data());
    for (const Row row : found) hits += row != kNoRow ? 1 : 0;
  }
  std::printf("  find       %zu hits, %.1f ns each\n", hits, nanos(start));
  std::vector<Row> matches;
  std::vector<std::uint32_t> lanes;
  std::size_t count = 0;
  start = processor_seconds();
  for (std::size_t i = 0; i + kBatch <= rows; i += kBatch) {
    const Word* const some[] = {&probe_x[i]};
    matches.clear();
    lanes.clear();
    relation->probe(by_x, View::kTotal, some, kBatch, matches, lanes);
    count += matches.size();
  }
  std::printf("  probe      %zu matches, %.1f ns a key\n", count, nanos(start));

  start = processor_seconds();
  relation->remove(fresh);
  const double removed = nanos(start);
  start = processor_seconds();
  relation->commit(2);
  std::printf("  remove     %.0f ns a row, commit %.0f\n", removed, nanos(start));
}

// One key that has all the rows.
void standing_one_key() {
  constexpr std::size_t kRows = 1'000'000;
  std::vector<Word> x(kRows, 7);
  std::vector<Word> y(kRows);
  for (Word i = 0; i < kRows; ++i) y[i] = i;
  const Word* const all[] = {x.data(), y.data()};
  const auto relation = standing_pairs(false);
  const std::uint32_t by_x = relation->add_index({{0}, -1}).value();
  const std::uint32_t ordered = relation->add_index({{0}, 1}).value();
  std::vector<Row> rows;
  double start = processor_seconds();
  relation->insert_ranked(all, kRows, nullptr, rows).value();
  const auto lap = [&] {
    const double nanos = (processor_seconds() - start) * 1e9 / kRows;
    start = processor_seconds();
    return nanos;
  };
  std::printf("standing     one key of %zu rows, hash and ordered index: insert %.0f ns a row",
              kRows, lap());
  relation->commit(1);
  lap();
  const Word* const key[] = {x.data()};
  std::vector<Row> matches;
  std::vector<std::uint32_t> lanes;
  matches.reserve(kRows);
  lanes.reserve(kRows);
  lap();
  relation->probe(by_x, View::kTotal, key, 1, matches, lanes);
  std::printf(", probe %.1f", lap());
  matches.clear();
  lanes.clear();
  relation->probe_range(ordered, View::kTotal, key, nullptr, false, nullptr, false, 1, matches,
                        lanes);
  std::printf(", range %.1f", lap());
  Random random(6);
  for (std::size_t i = 0; i < kRows; ++i) std::swap(rows[i], rows[random.below(kRows)]);
  lap();
  relation->remove(rows);
  std::printf(", remove %.0f", lap());
  relation->end_step();
  std::printf(", end of step %.0f\n", lap());
}

}  // namespace

int main(int argc, char** argv) {
  const auto wanted = [&](const char* name) { return argc < 2 || std::strcmp(argv[1], name) == 0; };
  if (wanted("closure")) closure();
  if (wanted("load")) load();
  if (wanted("contains")) contains();
  if (wanted("tiny_rounds")) tiny_rounds();
  if (wanted("standing")) {
    standing();
    standing_load(1'000'000);
    standing_load(987'042);
    standing_one_key();
  }
  return 0;
}
