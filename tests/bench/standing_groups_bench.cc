// tests/bench/standing_groups_bench.cc - what a change of a group costs (vm/standing_groups.h).
//
//     single   5,000 groups, count and sum: two groups touched by a row each, changes taken, committed
//     batch    1,000 rows at a time over 5,000 groups; the same for float sums and for extrema
//     large    one group of a million values: the extremum and the number of distinct values follow
//     memory   bytes a group, count and sum

#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

#include "vm/base/random.h"
#include "vm/standing_groups.h"

namespace {

using namespace entail;
using namespace entail::vm;
using enum AggregateKind;

// Of the process: others on the machine do not count.
double processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

std::unique_ptr<StandingGroups> make(std::uint32_t key_words, std::vector<AggregateKind> kinds,
                                     bool nullable = false) {
  StandingGroups::Options options;
  options.key_words = key_words;
  options.argument_nullable.assign(kinds.size(), nullable);
  options.kinds = std::move(kinds);
  return std::move(StandingGroups::create(std::move(options))).value();
}

// Rows (key below `groups`, one value for all aggregates).
struct Rows {
  Rows(std::size_t n, std::size_t groups, bool floats, std::uint64_t seed) {
    Random random(seed);
    for (std::size_t i = 0; i < n; ++i) {
      keys.push_back(i < groups ? i : random.below(groups));
      const Word value = random.below(1'000'000);
      values.push_back(floats ? double_word(static_cast<double>(value) * 0.01) : value);
    }
  }
  void apply(StandingGroups& groups, std::size_t first, std::size_t n, int sign) const {
    const Word* const key[] = {keys.data() + first};
    const Word* const arguments[] = {values.data() + first, values.data() + first};
    groups.apply(key, arguments, {}, n, sign).value();
  }
  std::vector<Word> keys, values;
};

void load(StandingGroups& groups, const Rows& rows, StandingGroups::Changes& changes) {
  for (std::size_t i = 0; i < rows.keys.size(); i += 1'000) rows.apply(groups, i, 1'000, 1);
  groups.take_changes(changes);
  groups.commit();
}

void single() {
  constexpr std::size_t kGroups = 5'000, kRows = 100'000, kRounds = 2'000'000;
  const auto groups = make(1, {kCount, kSumI});
  const Rows rows(kRows, kGroups, false, 1);
  StandingGroups::Changes changes;
  load(*groups, rows, changes);
  std::size_t changed = 0;
  const double start = processor_seconds();
  for (std::size_t round = 0; round < kRounds; ++round) {
    // A row leaves one group and another enters another group; two rounds on, they are back.
    const std::size_t i = round / 2 * 2 % kRows;
    rows.apply(*groups, i, 1, round % 2 == 0 ? -1 : 1);
    rows.apply(*groups, i + 1, 1, round % 2 == 0 ? 1 : -1);
    groups->take_changes(changes);
    changed += changes.left_count + changes.entered_count;
    groups->commit();
  }
  std::printf("single  2 applies of a row, take_changes, commit: %.0f ns (%.1f rows changed)\n",
              (processor_seconds() - start) * 1e9 / kRounds,
              static_cast<double>(changed) / kRounds);
  double applying = 0, taking = 0, ending = 0;
  constexpr std::size_t kRun = 64;  // So many applies between two looks at the clock.
  for (std::size_t round = 0; round < kRounds / kRun; ++round) {
    const std::size_t i = round / 2 * kRun % (kRows - kRun);
    const double before = processor_seconds();
    for (std::size_t k = 0; k < kRun; ++k) rows.apply(*groups, i + k, 1, round % 2 == 0 ? -1 : 1);
    const double applied = processor_seconds();
    groups->take_changes(changes);
    const double taken = processor_seconds();
    groups->commit();
    applying += applied - before, taking += taken - applied, ending += processor_seconds() - taken;
  }
  const double each = 1e9 / static_cast<double>(kRounds / kRun * kRun);
  std::printf("single  of that an apply %.0f ns, a group taken %.0f ns and committed %.0f ns\n",
              applying * each, taking * each, ending * each);
}

void batch() {
  constexpr std::size_t kGroups = 5'000, kRows = 100'000, kBatch = 1'000, kRounds = 2'000;
  const auto run = [](const char* name, std::vector<AggregateKind> kinds, bool floats) {
    const auto groups = make(1, std::move(kinds));
    const Rows rows(kRows, kGroups, floats, 2);
    StandingGroups::Changes changes;
    load(*groups, rows, changes);
    double applying = 0, ending = 0, aborting = 0;
    for (std::size_t round = 0; round < kRounds; ++round) {
      const std::size_t i = round / 2 * kBatch % kRows;
      const double before = processor_seconds();
      rows.apply(*groups, i, kBatch, round % 2 == 0 ? -1 : 1);
      const double applied = processor_seconds();
      groups->take_changes(changes);
      groups->commit();
      const double committed = processor_seconds();
      applying += applied - before, ending += committed - applied;
      rows.apply(*groups, i, kBatch, 1);
      const double again = processor_seconds();
      groups->abort();
      aborting += processor_seconds() - again;
    }
    const double each = 1e9 / static_cast<double>(kRounds * kBatch);
    std::printf("batch   %-12s apply %.0f ns a row, take and commit %.0f, abort %.0f\n", name,
                applying * each, ending * each, aborting * each);
  };
  run("count, sum", {kCount, kSumI}, false);
  run("count, mean", {kCount, kMeanI}, false);
  run("float sum", {kCount, kSumF}, true);
  run("min, max", {kMinI, kMaxI}, false);
  run("distinct", {kCount, kCountDistinct}, false);
}

void large() {
  constexpr std::size_t kValues = 1'000'000, kRounds = 200'000;
  for (const AggregateKind kind : {kMinI, kCountDistinct}) {
    const auto groups = make(0, {kind});
    Random random(3);
    std::vector<Word> values(kValues);
    for (Word& value : values) value = random.below(1ULL << 40);
    StandingGroups::Changes changes;
    const double start = processor_seconds();
    for (std::size_t i = 0; i < kValues; i += 1'000) {
      const Word* const arguments[] = {&values[i]};
      groups->apply({}, arguments, {}, 1'000, 1).value();
      groups->take_changes(changes);
      groups->commit();
    }
    const double loaded = processor_seconds();
    for (std::size_t round = 0; round < kRounds; ++round) {
      Word& value = values[random.below(kValues)];
      const Word* const arguments[] = {&value};
      groups->apply({}, arguments, {}, 1, -1).value();
      value = random.below(1ULL << 40);
      groups->apply({}, arguments, {}, 1, 1).value();
      groups->take_changes(changes);
      groups->commit();
    }
    std::printf("large   %s: %.0f ns a row loaded, %.0f ns a value replaced, %.1f bytes a value\n",
                kind == kMinI ? "min" : "count distinct", (loaded - start) * 1e9 / kValues,
                (processor_seconds() - loaded) * 1e9 / kRounds,
                static_cast<double>(groups->bytes_used()) / kValues);
  }
}

void memory() {
  for (const std::size_t count : {5'000, 20'000, 100'000, 170'000, 1'000'000}) {
    for (const bool nullable : {false, true}) {
      const auto groups = make(1, {kCount, kSumI}, nullable);
      StandingGroups::Changes changes;
      load(*groups, Rows(count, count, false, 4), changes);
      std::printf("memory  %zu groups: %.1f bytes each%s\n", groups->size(),
                  static_cast<double>(groups->bytes_used()) / static_cast<double>(groups->size()),
                  nullable ? " where the arguments may be null" : "");
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto wanted = [&](const char* name) { return argc < 2 || std::strcmp(argv[1], name) == 0; };
  if (wanted("single")) single();
  if (wanted("batch")) batch();
  if (wanted("large")) large();
  if (wanted("memory")) memory();
  return 0;
}
