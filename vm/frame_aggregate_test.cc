#include "vm/frame_aggregate.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "vm/base/random.h"
#include "vm/type_table.h"

namespace entail::vm {
namespace {

// What the aggregate of a frame is, row by row.
SqlAggregateResult by_rows(const AggregateSpec& spec, const std::vector<std::vector<Word>>& columns,
                           const std::vector<Word>& flags, const RowFrame& frame, ValuePool& pool) {
  SqlAccumulator once(spec);
  once.grow(1);
  const std::uint32_t origin = 0;
  const std::size_t first = columns.size() - spec.extra_words();
  for (const RowFrame::Stretch& stretch : frame) {
    for (std::uint32_t row = stretch.from; row < stretch.to; ++row) {
      std::vector<const Word*> extras;
      for (std::size_t c = first; c < columns.size(); ++c) extras.push_back(&columns[c][row]);
      once.step(&origin, first == 0 ? nullptr : &columns[0][row], &flags[row], extras, 1, pool);
    }
  }
  return once.result(0, pool);
}

TEST_CASE("an aggregate over frames agrees with adding up each frame's rows") {
  TypeTable types;
  ValuePool pool(types);
  Random random(5);
  const SqlAggregate ops[] = {SqlAggregate::kCount, SqlAggregate::kSum,     SqlAggregate::kMin,
                              SqlAggregate::kMax,   SqlAggregate::kAverage, SqlAggregate::kVarPop};
  for (int round = 0; round < 200; ++round) {
    AggregateSpec spec;
    spec.op = ops[random.below(std::size(ops))];
    spec.argument = Type::of(TypeKind::kInt8);
    const bool fraction = spec.op == SqlAggregate::kAverage || spec.op == SqlAggregate::kVarPop;
    spec.result = fraction ? Type::of(TypeKind::kNumeric) : spec.argument;
    const auto n = static_cast<std::uint32_t>(1 + random.below(round % 2 == 0 ? 8 : 100));
    std::vector<std::vector<Word>> columns(1);
    std::vector<Word> flags;
    for (std::uint32_t i = 0; i < n; ++i) {
      columns[0].push_back(int_word(static_cast<std::int64_t>(random.below(20)) - 10));
      flags.push_back(random.below(4));  // A value, a null, what FILTER dropped, or both.
    }
    FrameAggregate aggregate(spec, columns, flags, pool);
    std::uint32_t from = 0, to = 0;
    for (int step = 0; step < 60; ++step) {
      // Frames that grow, move, jump, and have a hole.
      if (random.chance(1, 2)) {
        to = std::min(n, to + static_cast<std::uint32_t>(random.below(5)));
      } else {
        from = static_cast<std::uint32_t>(random.below(n + 1));
        to = from + static_cast<std::uint32_t>(random.below(n - from + 1));
      }
      RowFrame frame;
      const auto hole = static_cast<std::uint32_t>(random.below(n + 1));
      if (random.chance(1, 3)) {
        frame.add(from, std::min(to, hole));
        frame.add(std::max(from, hole + 1), to);
      } else {
        frame.add(from, to);
      }
      const SqlAggregateResult expected = by_rows(spec, columns, flags, frame, pool);
      const SqlAggregateResult& got = aggregate.over(frame);
      REQUIRE(got.null == expected.null);
      if (!got.null) REQUIRE(got.words[0] == expected.words[0]);
    }
  }
}

TEST_CASE("a frame with a hole counts its rows on both sides") {
  RowFrame frame;
  frame.add(2, 4);
  frame.add(4, 4);
  frame.add(5, 7);
  CHECK(frame.rows() == 4);
  CHECK(frame.nth(0) == 2U);
  CHECK(frame.nth(2) == 5U);
  CHECK_FALSE(frame.nth(4).has_value());
  frame.move(2);
  CHECK(frame.nth(3) == 4U);
}

}  // namespace
}  // namespace entail::vm
