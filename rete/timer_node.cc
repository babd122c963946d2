#include "rete/timer_node.h"

#include <map>
#include <utility>
#include <vector>

#include "datalog/event_time.h"
#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/row_scan.h"

namespace entail::rete {

using datalog::add_times;
using vm::Row;
using vm::View;
using vm::Word;

Expected<void> index_clock(vm::StandingRelation& clock) {
  auto index = clock.add_index({{}, 0});
  if (!index) return unexpected(std::move(index).error());
  return {};
}

// By index: rows that left in the open epoch are in the way of a scan.
std::optional<std::int64_t> latest_time(const vm::StandingRelation& clock, View view) {
  const auto index = clock.find_index({{}, 0});
  ENTAIL_ENSURE(index.has_value());
  std::vector<Row> rows;
  std::vector<std::uint32_t> lanes;
  clock.probe_range(*index, view, {}, nullptr, false, nullptr, false, 1, rows, lanes);
  if (rows.empty()) return std::nullopt;
  Word word = 0;
  clock.load(0, &rows.back(), 1, &word);
  return static_cast<std::int64_t>(word);
}

Expected<std::shared_ptr<TimerNode>> TimerNode::create(NetworkState& state,
                                                       const compiler::StandingStratum& stratum) {
  const std::uint32_t word = state.layouts[datalog::index_of(stratum.timer.source)]
                                 .columns[stratum.timer.column]
                                 .first_word;
  auto index = state.rows(stratum.timer.source).add_index({{}, static_cast<std::int32_t>(word)});
  if (!index) return unexpected(std::move(index).error());
  if (auto done = index_clock(state.rows(stratum.timer.clock)); !done) {
    return unexpected(std::move(done).error());
  }
  return std::shared_ptr<TimerNode>(new TimerNode());
}

void TimerNode::rebind(const NetworkState& state, const compiler::StandingStratum& stratum) {
  timer_ = stratum.timer;
  head_ = stratum.relations.front();
  word_ = state.layouts[datalog::index_of(timer_.source)].columns[timer_.column].first_word;
  const auto index = state.relations[datalog::index_of(timer_.source)].rows->find_index(
      {{}, static_cast<std::int32_t>(word_)});
  ENTAIL_ENSURE(index.has_value());
  index_ = *index;
}

std::optional<std::int64_t> TimerNode::limit(const NetworkState& state, View view) const {
  const auto at = latest_time(*state.relations[datalog::index_of(timer_.clock)].rows, view);
  if (!at) return std::nullopt;
  return add_times(*at, ENTAIL_PLANT_BUG(90) ? -timer_.after - 1 : -timer_.after);
}

// Those of the rows that are due at the limit.
void TimerNode::emit(NetworkState& state, std::span<const Row> rows, std::int64_t weight,
                     std::optional<std::int64_t> up_to) {
  if (rows.empty() || !up_to) return;
  const vm::StandingRelation& source = state.rows(timer_.source);
  vm::ChangeBatch& out = state.at(head_).derived;
  if (out.columns.empty()) out.columns.resize(1);
  std::vector<Word> times(rows.size());
  source.load(word_, rows.data(), rows.size(), times.data());
  work.rows_touched += rows.size();
  for (const Word time : times) {
    if (static_cast<std::int64_t>(time) > *up_to) continue;
    const Word* const words[] = {&time};
    out.append(words, 1, weight);
  }
}

// Those of the view whose times are above one limit, and not above the other.
void TimerNode::emit_range(NetworkState& state, View view, std::optional<std::int64_t> above,
                           std::optional<std::int64_t> up_to, std::int64_t weight) {
  if (!up_to) return;
  std::vector<Row> rows;
  std::vector<std::uint32_t> lanes;
  const Word low = static_cast<Word>(above.value_or(0)), high = static_cast<Word>(*up_to);
  state.rows(timer_.source)
      .probe_range(index_, view, {}, above ? &low : nullptr, /*low_inclusive=*/false, &high,
                   /*high_inclusive=*/true, 1, rows, lanes);
  emit(state, rows, weight, up_to);
}

Expected<void> TimerNode::turn(NetworkState& state) {
  const auto now = limit(state, View::kTotal);
  if (std::exchange(derives_all_, false)) {
    emit_range(state, View::kTotal, std::nullopt, now, 1);
    return {};
  }
  // What is due now less what was: where the limit has moved, rows between the two that were there or are, and
  // of those that came or went what lies before both.
  vm::StandingRelation& source = state.rows(timer_.source);
  const auto before = limit(state, View::kOld);
  const bool is_ahead = now && (!before || *now >= *before);
  if (is_ahead) {
    if (before != now) emit_range(state, View::kTotal, before, now, 1);
    emit(state, source.left(), -1, before);
    emit(state, source.entered(), 1, before);
  } else {
    emit_range(state, View::kOld, now, before, -1);
    emit(state, source.left(), -1, now);
    emit(state, source.entered(), 1, now);
  }
  return {};
}

std::optional<std::int64_t> TimerNode::next_due(const NetworkState& state) const {
  const vm::StandingRelation& source = *state.relations[datalog::index_of(timer_.source)].rows;
  const auto reached = limit(state, View::kTotal);
  const Word low = static_cast<Word>(reached.value_or(0));
  const Row next =
      source.first_in_range(index_, View::kTotal, reached ? &low : nullptr, /*inclusive=*/false);
  if (next == vm::kNoRow) return std::nullopt;
  Word time = 0;
  source.load(word_, &next, 1, &time);
  return add_times(static_cast<std::int64_t>(time), timer_.after);
}

void TimerNode::verify(const NetworkState& state) const {
  const auto now = limit(state, View::kTotal);
  std::map<Word, std::int64_t> due;
  const auto visit = [&](datalog::RelationId id, std::uint32_t word, auto count) {
    const vm::StandingRelation& relation = *state.relations[datalog::index_of(id)].rows;
    for (const Row row : vm::visible_rows(relation)) {
      Word time = 0;
      relation.load(word, &row, 1, &time);
      count(relation, row, time);
    }
  };
  visit(timer_.source, word_, [&](const vm::StandingRelation&, Row, Word time) {
    if (now && static_cast<std::int64_t>(time) <= *now) ++due[time];
  });
  visit(head_, 0, [&](const vm::StandingRelation& relation, Row row, Word time) {
    const auto found = due.find(time);
    ENTAIL_ENSURE(found != due.end() && found->second == relation.weight(row));
    due.erase(found);
  });
  ENTAIL_ENSURE(due.empty());
}

}  // namespace entail::rete
