// Time in a network: arrivals, ticks, expiry, final rows; see network.h.

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "datalog/event_time.h"
#include "rete/internal/network_impl.h"
#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/row_scan.h"

namespace entail::rete {

using compiler::StandingKind;
using datalog::add_times;
using datalog::RelationId;
using vm::Row;
using vm::View;
using vm::Word;

namespace {

void take_least(std::optional<std::int64_t>& least, std::optional<std::int64_t> other) {
  if (other && (!least || *other < *least)) least = other;
}

StreamClock::Partitions read_partitions(const vm::StandingRelation& relation) {
  StreamClock::Partitions result;
  for (const Row row : vm::visible_rows(relation)) {
    Word words[3];
    for (std::uint32_t c = 0; c < 3; ++c) relation.load(c, &row, 1, &words[c]);
    result[static_cast<std::int64_t>(words[0])] = {static_cast<std::int64_t>(words[1]),
                                                   words[2] != 0};
  }
  return result;
}

}  // namespace

// ---------------------------------------------------------------------------------------------------
// Making

Expected<void> Network::Impl::make_streams() {
  stream_of.assign(relation_count, -1);
  stream_of_clock.assign(relation_count, -1);
  for (std::size_t i = 0; i < relation_count; ++i) {
    const datalog::Relation& relation = original_relations[i];
    if (relation.final_rows && !relation.dropped) {
      steps_are_seen = true;
      const StandingKind kind = state.form.strata[state.relations[i].node].kind;
      if (kind == StandingKind::kRanked || kind == StandingKind::kRecomputed) {
        return unexpected(ErrorCode::kUnsupported, "'" + relation.name +
                                                       "' is final and recursive, which is not "
                                                       "executed yet");
      }
    }
    const auto declared = datalog::clock_of(relation);
    if (!declared) continue;
    TimedStream made;
    made.stream = static_cast<RelationId>(i);
    made.clock_rows = declared->clock;
    made.partition_rows = declared->partitions;
    made.time_word = state.layouts[i].columns[declared->time_column].first_word;
    made.late = relation.stream->late;
    made.late_rows = made.late == datalog::LatePolicy::kSideline ? relation.stream->sideline
                                                                 : relation.stream->late_rows;
    made.delay = declared->delay;
    made.expire_after = declared->expire_after;
    made.clock = StreamClock(made.delay);
    if (auto done = index_clock(state.rows(made.clock_rows)); !done) return done;
    if (made.expire_after) {
      auto index =
          state.rows(made.stream).add_index({{}, static_cast<std::int32_t>(made.time_word)});
      if (!index) return unexpected(std::move(index).error());
      made.time_index = *index;
    }
    const auto number = static_cast<std::int32_t>(streams.size());
    stream_of[i] = number;
    stream_of_clock[datalog::index_of(made.clock_rows)] = number;
    stream_of_clock[datalog::index_of(made.partition_rows)] = number;
    streams.push_back(std::move(made));
  }
  steps_are_seen = steps_are_seen || agenda != nullptr || !state.form.productions.empty();
  return {};
}

// Who goes by a clock, and when they will have something to do.
void Network::Impl::find_due_readers() {
  for (TimedStream& stream : streams) {
    stream.timers.clear();
    stream.row_due_after = stream.expire_after;
    const RelationNode& clock = state.at(stream.clock_rows);
    stream.has_other_readers = clock.readers.size() > 0;
    for (const std::uint32_t node : clock.woken) {
      if (state.form.strata[node].kind != StandingKind::kTimed) {
        stream.has_other_readers = true;
        continue;
      }
      const auto& timer = static_cast<const TimerNode&>(*nodes[node].parts.front());
      stream.timers.push_back(&timer);
      const bool is_direct =
          timer.timer().source == stream.stream && state.layouts[datalog::index_of(stream.stream)]
                                                           .columns[timer.timer().column]
                                                           .first_word == stream.time_word;
      if (is_direct) {
        take_least(stream.row_due_after, timer.timer().after);
      } else {
        stream.has_other_readers = true;
      }
    }
    stream.due_is_known = false;
  }
}

// Before the first row arrives a clock is as far as the rows that are stated, if nobody states it.
void Network::Impl::start_clocks() {
  for (TimedStream& stream : streams) {
    if (state.at(stream.clock_rows).stated_runs > 0) continue;
    know(stream);
    if (!stream.clock.partitions().empty()) continue;
    std::optional<std::int64_t> highest;
    const RelationNode& rows = state.at(stream.stream);
    for (std::size_t r = 0; r < rows.stated_runs; ++r) {
      for (const Word time : rows.stated[r].inserted.columns.empty()
                                 ? std::vector<Word>{}
                                 : rows.stated[r].inserted.columns[stream.time_word]) {
        highest = std::max(highest.value_or(static_cast<std::int64_t>(time)),
                           static_cast<std::int64_t>(time));
      }
    }
    if (highest) stream.clock.tick(*highest);
  }
  state_clocks();
}

// ---------------------------------------------------------------------------------------------------
// The clock as facts

void Network::Impl::know(TimedStream& stream) {
  if (stream.is_known) return;
  stream.is_known = true;
  stream.stated_watermark = latest_time(state.rows(stream.clock_rows), View::kTotal);
  stream.stated_partitions = read_partitions(state.rows(stream.partition_rows));
  stream.clock.restore(stream.stated_watermark, stream.stated_partitions);
}

// What moved since the last step becomes part of the next.
void Network::Impl::state_clocks() {
  for (TimedStream& stream : streams) {
    if (!stream.is_known) continue;
    const std::optional<std::int64_t> watermark = stream.clock.watermark();
    if (watermark != stream.stated_watermark) {
      const auto state_time = [&](std::int64_t time, bool is_deletion) {
        const Word word = static_cast<Word>(time);
        const Word* const words[] = {&word};
        state_facts(stream.clock_rows, words, 1, is_deletion);
      };
      if (stream.stated_watermark) state_time(*stream.stated_watermark, true);
      state_time(*watermark, false);
      stream.stated_watermark = watermark;
    }
    for (const auto& [number, partition] : stream.clock.partitions()) {
      const auto stated = stream.stated_partitions.find(number);
      if (stated != stream.stated_partitions.end() && stated->second == partition) continue;
      const Word words[] = {static_cast<Word>(number), static_cast<Word>(partition.high),
                            static_cast<Word>(partition.is_idle ? 1 : 0)};
      const Word* const columns[] = {&words[0], &words[1], &words[2]};
      state_facts(stream.partition_rows, columns, 1, /*is_deletion=*/false);
      stream.stated_partitions[number] = partition;
    }
  }
}

void Network::Impl::forget_clocks() {
  for (TimedStream& stream : streams) {
    stream.is_known = stream.due_is_known = false;
    stream.open_due.reset();
    stream.open_counts = {};
  }
}

void Network::Impl::verify_clocks() const {
  for (const TimedStream& stream : streams) {
    const vm::StandingRelation& clock = *state.relations[datalog::index_of(stream.clock_rows)].rows;
    if (!stream.is_known) continue;
    ENTAIL_ENSURE(clock.size() <= 1);
    ENTAIL_ENSURE(stream.stated_watermark == latest_time(clock, View::kTotal));
    ENTAIL_ENSURE(stream.stated_partitions ==
                  read_partitions(*state.relations[datalog::index_of(stream.partition_rows)].rows));
  }
}

// ---------------------------------------------------------------------------------------------------
// Changes and arrivals

Expected<void> Network::Impl::change(RelationId relation, const FactChanges& changes) {
  const std::size_t i = datalog::index_of(relation);
  if (const std::int32_t clock = stream_of_clock[i]; clock >= 0 && changes.n > 0) {
    TimedStream& stream = streams[static_cast<std::size_t>(clock)];
    const bool has_moved =
        stream.is_known && (stream.clock.watermark() != stream.stated_watermark ||
                            stream.clock.partitions() != stream.stated_partitions);
    if (has_moved || !arrivals.empty()) {
      return unexpected(ErrorCode::kInvalidArgument,
                        "the clock of '" +
                            original_relations[datalog::index_of(stream.stream)].name +
                            "' is stated in a step in which its rows arrive");
    }
    stream.is_known = false;
  }
  // Runs of one weight go together.
  std::vector<const Word*> part(changes.columns.begin(), changes.columns.end());
  for (std::size_t first = 0; first < changes.n;) {
    const std::int64_t weight = changes.weights == nullptr ? 1 : changes.weights[first];
    std::size_t end = changes.weights == nullptr ? changes.n : first + 1;
    while (end < changes.n && changes.weights[end] == weight) ++end;
    for (std::size_t c = 0; c < part.size(); ++c) part[c] = changes.columns[c] + first;
    const vm::DurableId* const ids = changes.ids == nullptr ? nullptr : changes.ids + first;
    for (std::int64_t k = 0; k < std::abs(weight); ++k) {
      if (stream_of[i] >= 0 && changes.is_arrival) {
        arrive(static_cast<std::size_t>(stream_of[i]), part, end - first, weight < 0, ids,
               changes.partition);
      } else {
        state_rows(relation, part, end - first, weight < 0, ids);
      }
    }
    first = end;
  }
  return {};
}

void Network::Impl::state_rows(RelationId relation, std::span<const Word* const> columns,
                               std::size_t n, bool is_deletion, const vm::DurableId* ids) {
  state_facts(state.form.stated_in[datalog::index_of(relation)], columns, n, is_deletion, ids);
}

// Rows arrive, or wait for what is due before them. Deletions keep their place among them.
void Network::Impl::arrive(std::size_t number, std::span<const Word* const> columns, std::size_t n,
                           bool is_deletion, const vm::DurableId* ids, std::int64_t partition) {
  TimedStream& stream = streams[number];
  std::size_t done = 0;
  if (arrivals.empty() && !step_is_full) {
    if (is_deletion) {
      state_rows(stream.stream, columns, n, /*is_deletion=*/true, ids);
      return;
    }
    done = take_arrivals(number, columns, n, ids, partition);
    if (done == n) return;
  }
  Arrivals rest;
  rest.stream = number;
  rest.partition = partition;
  rest.are_deletions = is_deletion;
  std::vector<const Word*> part(columns.begin(), columns.end());
  for (const Word*& column : part) column += done;
  rest.rows.append(part, n - done, is_deletion ? -1 : 1);
  if (ids != nullptr) rest.ids.assign(ids + done, ids + n);
  arrivals.push_back(std::move(rest));
}

// Rows from the first on, up to one before which something is due: how many.
std::size_t Network::Impl::take_arrivals(std::size_t number, std::span<const Word* const> columns,
                                         std::size_t n, const vm::DurableId* ids,
                                         std::int64_t partition) {
  TimedStream& stream = streams[number];
  know(stream);
  may_expire = true;
  std::vector<const Word*> part(columns.begin(), columns.end());
  const auto state_run = [&](RelationId relation, std::size_t first, std::size_t end,
                             bool with_ids) {
    if (first == end) return;
    for (std::size_t c = 0; c < part.size(); ++c) part[c] = columns[c] + first;
    state_rows(relation, part, end - first, /*is_deletion=*/false,
               with_ids && ids != nullptr ? ids + first : nullptr);
  };
  std::size_t first = 0, i = 0;  // Rows from `first` on are yet to be stated.
  for (; i < n; ++i) {
    const auto time = static_cast<std::int64_t>(columns[stream.time_word][i]);
    const bool is_late = stream.clock.is_late(time);
    if (is_late) {
      ++stream.open_counts.late;
    } else if (steps_are_seen) {
      const auto next = stream.clock.watermark_after(partition, time);
      if (next != stream.clock.watermark() && is_due(stream, *next, i > first)) break;
    }
    stream.clock.see(partition, time);
    const bool goes_in = !is_late || stream.late == datalog::LatePolicy::kApply;
    if (goes_in && stream.row_due_after)
      take_least(stream.open_due, add_times(time, *stream.row_due_after));
    if (is_late && !goes_in) {
      state_run(stream.stream, first, i, true);
      first = i + 1;
    }
    if (is_late && stream.late_rows) {
      state_run(*stream.late_rows, i, i + 1, false);
    } else if (is_late) {
      ++stream.open_counts.dropped;
    }
    // No other row may find one that is past its expiry already, nor be there when something compares this one with
    // the clock.
    const bool is_expired = goes_in && stream.expire_after &&
                            add_times(time, *stream.expire_after) <= *stream.clock.watermark();
    if (steps_are_seen && (is_expired || stream.has_other_readers)) {
      step_is_full = true;
      ++i;
      break;
    }
  }
  state_run(stream.stream, first, i, true);
  return i;
}

// Whether a timer or an expiry is due when the clock gets there.
bool Network::Impl::is_due(TimedStream& stream, std::int64_t watermark, bool has_open_rows) {
  if (stream.has_other_readers && (has_open_rows || !turns.empty())) return true;
  if (stream.open_due && *stream.open_due <= watermark) return true;
  if (!stream.due_is_known) {
    stream.due_is_known = true;
    stream.due.reset();
    if (stream.expire_after) {
      const vm::StandingRelation& rows = state.rows(stream.stream);
      const Row row = rows.first_in_range(stream.time_index, View::kTotal, nullptr, false);
      if (row != vm::kNoRow) {
        Word time = 0;
        rows.load(stream.time_word, &row, 1, &time);
        stream.due = add_times(static_cast<std::int64_t>(time), *stream.expire_after);
      }
    }
    for (const TimerNode* timer : stream.timers) take_least(stream.due, timer->next_due(state));
  }
  return stream.due && *stream.due <= watermark;
}

// The clock moves first, and what is due then has its steps; then come the row that moved it, and others behind it.
Expected<void> Network::Impl::take_next_arrivals(Productions productions) {
  Arrivals next = std::move(arrivals.front());
  arrivals.pop_front();
  std::vector<const Word*> columns;
  next.rows.arrays(columns);
  const vm::DurableId* const ids = next.ids.empty() ? nullptr : next.ids.data();
  if (next.are_deletions) {
    state_rows(streams[next.stream].stream, columns, next.rows.n, /*is_deletion=*/true, ids);
    return run_step(productions);
  }
  std::size_t done = take_arrivals(next.stream, columns, next.rows.n, ids, next.partition);
  if (done < next.rows.n) {
    Arrivals rest;
    rest.stream = next.stream;
    rest.partition = next.partition;
    for (const Word*& column : columns) column += done;
    rest.rows.append(columns, next.rows.n - done, 1);
    if (ids != nullptr) rest.ids.assign(ids + done, ids + next.rows.n);
    arrivals.push_front(std::move(rest));
  }
  if (done > 0) return run_step(productions);
  // Nothing could be taken, so the first row's time is what something is due at.
  TimedStream& stream = streams[next.stream];
  stream.clock.see(next.partition, static_cast<std::int64_t>(columns[stream.time_word][0]));
  return run_step(productions);
}

// ---------------------------------------------------------------------------------------------------
// Ticks, expiry, final rows

Expected<void> Network::Impl::tick(std::optional<RelationId> only, std::int64_t time,
                                   Productions productions) {
  if (failed) return unexpected(*failed);
  if (only && stream_of[datalog::index_of(*only)] < 0) {
    return unexpected(
        ErrorCode::kInvalidArgument,
        "'" + original_relations[datalog::index_of(*only)].name + "' is no stream with event time");
  }
  if (!turns.empty() || !arrivals.empty()) {
    if (auto done = step(StepKind::kChange, productions); !done) return done;
  }
  bool has_moved = false;
  for (TimedStream& stream : streams) {
    if (only && stream.stream != *only) continue;
    know(stream);
    stream.clock.tick(time);
    has_moved |= stream.clock.watermark() != stream.stated_watermark;
  }
  if (!has_moved) return {};
  may_expire = true;
  return step(StepKind::kTick, productions);
}

// Rows past their expiry leave in a step that holds nothing else.
Expected<void> Network::Impl::expire() {
  if (!std::exchange(may_expire, false)) return {};
  bool any = false;
  for (TimedStream& stream : streams) {
    if (!stream.expire_after) continue;
    know(stream);
    if (!stream.clock.watermark()) continue;
    const vm::StandingRelation& rows = state.rows(stream.stream);
    const Word up_to =
        static_cast<Word>(add_times(*stream.clock.watermark(), -*stream.expire_after));
    std::vector<Row> expired;
    std::vector<std::uint32_t> lanes;
    rows.probe_range(stream.time_index, View::kTotal, {}, nullptr, false, &up_to,
                     /*high_inclusive=*/true, 1, expired, lanes);
    if (expired.empty()) continue;
    std::vector<std::vector<Word>> words(rows.column_count(), std::vector<Word>(expired.size()));
    std::vector<const Word*> columns;
    for (std::uint32_t c = 0; c < words.size(); ++c) {
      rows.load(c, expired.data(), expired.size(), words[c].data());
      columns.push_back(words[c].data());
    }
    std::vector<vm::DurableId> ids;
    for (const Row row : expired) ids.push_back(rows.durable_id(row));
    state_facts(stream.stream, columns, expired.size(), /*is_deletion=*/true, ids.data());
    stream.open_counts.expired += expired.size();
    any = true;
  }
  if (!any) return {};
  is_expiring = true;
  auto done = take_step();
  is_expiring = false;
  return done;
}

// What the relation has just lost is stated in it, before anybody sees it gone.
Expected<void> Network::Impl::keep_final_rows(RelationId id) {
  if (ENTAIL_PLANT_BUG(93)) return {};
  vm::StandingRelation& rows = state.rows(id);
  const std::vector<Row> lost(rows.left().begin(), rows.left().end());
  if (lost.empty() || state.form.program.relation(id).stream) return {};
  std::vector<std::vector<Word>> words(rows.column_count(), std::vector<Word>(lost.size()));
  std::vector<const Word*> columns;
  for (std::uint32_t c = 0; c < words.size(); ++c) {
    rows.load(c, lost.data(), lost.size(), words[c].data());
    columns.push_back(words[c].data());
  }
  return rows.apply({columns, lost.size()}, vm::Counting::kStated);
}

}  // namespace entail::rete
