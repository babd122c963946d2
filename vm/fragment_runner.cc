// The instructions that move rows: sources, probes, filters, inner pipelines, insertion.
//
// run_frame() is one switch over the code of a fragment. Each instruction works on a whole batch, so
// the switch is taken once for up to 1,024 rows.

#include <algorithm>
#include <cstring>

#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/internal/frame.h"
#include "vm/standing_relation.h"

namespace entail::vm {

namespace {

View view_of(const Instruction& in) { return static_cast<View>(in.flags & kViewMask); }

// ---- sources ---------------------------------------------------------------------------------------

std::size_t next_scan_rows(Frame& frame, Cursor& cursor, Row* out) {
  for (;;) {
    const std::size_t n = cursor.relation->next_rows(cursor.range, out, kBatchRows);
    if (n > 0 || !cursor.shared) return n;
    const std::uint64_t morsel = frame.source->morsel;
    const std::uint64_t begin = frame.source->next.fetch_add(morsel, std::memory_order_relaxed);
    if (begin >= frame.source->end) return 0;
    cursor.range = {static_cast<Row>(begin),
                    static_cast<Row>(std::min(begin + morsel, frame.source->end))};
    if (ENTAIL_PLANT_BUG(26)) --cursor.range.end;
  }
}

void open_scan(Frame& frame, const Instruction& in) {
  if ((*frame.bindings)[in.b].standing != nullptr) return open_standing_scan(frame, in);
  Cursor& cursor = frame.cursors[in.a];
  cursor.kind = CursorKind::kScan;
  cursor.standing = nullptr;
  cursor.relation = (*frame.bindings)[in.b].relation;
  // The first instruction of a fragment is its source; any later scan is run whole by each worker.
  cursor.shared = frame.source_is_shared && &in == &frame.program->code[frame.fragment_entry];
  cursor.range = cursor.shared ? RowRange{} : cursor.relation->range(view_of(in));
}

// ---- probes ----------------------------------------------------------------------------------------

void open_probe(Frame& frame, const Instruction& in) {
  if ((*frame.bindings)[in.b].standing != nullptr) return open_standing_probe(frame, in);
  Cursor& cursor = frame.cursors[in.a];
  cursor.standing = nullptr;
  const std::size_t n = frame.batch_rows[in.c];
  cursor.kind = CursorKind::kProbe;
  cursor.relation = (*frame.bindings)[in.b].relation;
  cursor.lanes.clear();
  if (cursor.postings.size() < kBatchRows) cursor.postings.resize(kBatchRows);
  cursor.relation->probe(in.e, view_of(in), frame.arrays(in.f), n, cursor.postings.data());
  cursor.lane = cursor.offset = 0;
  cursor.lane_count = static_cast<std::uint32_t>(n);
  frame.counters.rows_probed += n;
}

void open_range(Frame& frame, const Instruction& in) {
  if ((*frame.bindings)[in.b].standing != nullptr) return open_standing_range(frame, in);
  Cursor& cursor = frame.cursors[in.a];
  cursor.standing = nullptr;
  const std::size_t n = frame.batch_rows[in.c];
  cursor.kind = CursorKind::kProbe;
  cursor.relation = (*frame.bindings)[in.b].relation;
  const std::uint16_t count = frame.list_size(in.f);
  const std::uint16_t* items = frame.list(in.f);
  const std::uint16_t low = items[count - 2], high = items[count - 1];
  frame.pointers.resize(count - 2U);
  for (std::size_t k = 0; k + 2 < count; ++k) frame.pointers[k] = frame.word(items[k]);
  cursor.postings.clear();
  cursor.lanes.clear();
  cursor.relation->probe_range(in.e, view_of(in), frame.pointers,
                               low == kNoRegister ? nullptr : frame.word(low),
                               (in.flags & kLowInclusive) != 0 || ENTAIL_PLANT_BUG(31),
                               high == kNoRegister ? nullptr : frame.word(high),
                               (in.flags & kHighInclusive) != 0, n, cursor.postings, cursor.lanes);
  cursor.lane = cursor.offset = 0;
  cursor.lane_count = static_cast<std::uint32_t>(cursor.postings.size());
  frame.counters.rows_probed += n;
}

// Every row of the view for each outer row: the same run of row ids under every lane.
void open_cross(Frame& frame, const Instruction& in) {
  if ((*frame.bindings)[in.b].standing != nullptr) return open_standing_cross(frame, in);
  Cursor& cursor = frame.cursors[in.a];
  cursor.standing = nullptr;
  const std::size_t n = frame.batch_rows[in.c];
  cursor.kind = CursorKind::kProbe;
  cursor.relation = (*frame.bindings)[in.b].relation;
  cursor.lanes.clear();
  cursor.cross_rows.clear();
  RowRange range = cursor.relation->range(view_of(in));
  if (n > 0) {
    cursor.cross_rows.resize(range.size());
    cursor.cross_rows.resize(
        cursor.relation->next_rows(range, cursor.cross_rows.data(), range.size()));
  }
  const Posting all{cursor.cross_rows.data(), static_cast<std::uint32_t>(cursor.cross_rows.size())};
  cursor.postings.assign(std::max(n, kBatchRows), all);
  cursor.lane = cursor.offset = 0;
  cursor.lane_count = static_cast<std::uint32_t>(n);
}

// Copies matches into the two row registers until they are full or the postings are used up.
std::size_t next_matches(Cursor& cursor, Row* lanes, Row* rows) {
  if (cursor.standing != nullptr) return next_standing_matches(cursor, lanes, rows);
  std::size_t n = 0;
  std::uint32_t lane = cursor.lane, offset = cursor.offset;
  const bool renamed = !cursor.lanes.empty();
  while (lane < cursor.lane_count) {
    const Posting& posting = cursor.postings[lane];
    const std::size_t left = posting.count - offset;
    const std::size_t take = std::min(left, kBatchRows - n);
    const Row* source = posting.rows + offset;
    const Row outer = renamed ? cursor.lanes[lane] : lane;
    if (take == 1) {
      rows[n] = source[0];
      lanes[n] = outer;
    } else {
      for (std::size_t i = 0; i < take; ++i) {
        rows[n + i] = source[i];
        lanes[n + i] = outer;
      }
    }
    n += take;
    if (take < left) {
      offset += static_cast<std::uint32_t>(take);
      if (ENTAIL_PLANT_BUG(8)) ++offset;
      break;
    }
    ++lane;
    offset = 0;
  }
  cursor.lane = lane;
  cursor.offset = offset;
  return n;
}

// Keeps the lanes whose flag is `wanted`. Branch-free: the position moves by the comparison.
std::size_t keep_lanes(const std::uint8_t* flags, std::uint8_t wanted, std::size_t n, Row* out) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < n; ++i) {
    out[kept] = static_cast<Row>(i);
    kept += flags[i] == wanted;
  }
  return kept;
}

void run_contains(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.c];
  const RelationBinding& binding = (*frame.bindings)[in.b];
  if (binding.standing != nullptr) {
    mark_standing_members(frame, in);
  } else if (const auto columns = frame.arrays(in.e); in.op == Opcode::kEqContains) {
    binding.equivalence->contains(columns[0], columns[1], n, frame.flags.data());
  } else {
    binding.relation->contains(columns, n, frame.flags.data());
  }
  frame.counters.rows_probed += n;
  const std::uint8_t wanted = (in.flags & kNegate) != 0 ? 0 : 1;
  frame.batch_rows[in.d] =
      static_cast<std::uint32_t>(keep_lanes(frame.flags.data(), wanted, n, frame.row(in.a)));
}

void run_contains_key(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.c];
  const Relation* relation = (*frame.bindings)[in.b].relation;
  if ((*frame.bindings)[in.b].standing != nullptr) {
    mark_standing_keys(frame, in);
  } else {
    if (frame.postings.size() < kBatchRows) frame.postings.resize(kBatchRows);
    relation->probe(in.e, view_of(in), frame.arrays(in.f), n, frame.postings.data());
    for (std::size_t i = 0; i < n; ++i) frame.flags[i] = frame.postings[i].count != 0;
  }
  frame.counters.rows_probed += n;
  if (ENTAIL_PLANT_BUG(6) && (in.flags & kNegate) != 0 && n > 0) frame.flags[n - 1] = 0;
  const std::uint8_t wanted = (in.flags & kNegate) != 0 ? 0 : 1;
  frame.batch_rows[in.d] =
      static_cast<std::uint32_t>(keep_lanes(frame.flags.data(), wanted, n, frame.row(in.a)));
}

void run_non_empty(Frame& frame, const Instruction& in) {
  const RelationBinding& binding = (*frame.bindings)[in.b];
  bool found = false;
  if (binding.standing != nullptr) {
    found = standing_has_rows(frame, in);
  } else if (binding.equivalence != nullptr) {
    found = binding.equivalence->size() > 0;
  } else {
    Row row = 0;
    RowRange range = binding.relation->range(view_of(in));
    found = binding.relation->next_rows(range, &row, 1) > 0;
  }
  const bool wanted = (in.flags & kNegate) == 0;
  const std::uint32_t n = found == wanted ? frame.batch_rows[in.c] : 0;
  Row* lanes = frame.row(in.a);
  for (std::uint32_t i = 0; i < n; ++i) lanes[i] = i;
  frame.batch_rows[in.d] = n;
}

// All pairs of an equivalence for each outer row, one outer row after the other.
std::size_t next_cross_pairs(Frame& frame, const Instruction& in) {
  Cursor& cursor = frame.cursors[in.a];
  Row* lanes = frame.row(in.c);
  Word* left = frame.word(in.d);
  Word* right = frame.word(in.e);
  while (cursor.lane < cursor.lane_count) {
    const std::size_t n = cursor.equivalence->next_pairs(cursor.pairs, left, right, kBatchRows);
    if (n > 0) {
      std::fill_n(lanes, n, static_cast<Row>(cursor.lane));
      return n;
    }
    ++cursor.lane;
    cursor.pairs = cursor.equivalence->pairs(cursor.view);
  }
  return 0;
}

void count_matches(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.c];
  const Relation* relation = (*frame.bindings)[in.b].relation;
  frame.counters.rows_probed += n;
  Word* out = frame.word(in.a);
  if (relation == nullptr) return count_standing_matches(frame, in);
  if (frame.postings.size() < kBatchRows) frame.postings.resize(kBatchRows);
  relation->probe(in.e, view_of(in), frame.arrays(in.f), n, frame.postings.data());
  for (std::size_t i = 0; i < n; ++i) out[i] = frame.postings[i].count;
}

// ---- generators ------------------------------------------------------------------------------------

void open_range_generator(Frame& frame, const Instruction& in) {
  Cursor& cursor = frame.cursors[in.a];
  const std::size_t n = frame.batch_rows[in.c];
  const std::uint16_t* bounds = frame.list(in.f);
  const Word* from = frame.word(bounds[0]);
  const Word* to = frame.word(bounds[1]);
  cursor.kind = CursorKind::kRangeGen;
  cursor.number_kind = (in.flags & kRangeFloat) != 0 ? 2 : (in.flags & kRangeUnsigned) != 0 ? 1 : 0;
  cursor.from.assign(from, from + n);
  cursor.to.assign(to, to + n);
  if (bounds[2] != kNoRegister) {
    cursor.step.assign(frame.word(bounds[2]), frame.word(bounds[2]) + n);
  } else {
    // Without a step the range runs from the first bound towards the second.
    cursor.step.resize(n);
    const Word one = cursor.number_kind == 2 ? double_word(1.0) : 1;
    const Word minus_one = cursor.number_kind == 2 ? double_word(-1.0) : ~Word{0};
    for (std::size_t i = 0; i < n; ++i) {
      const bool down = cursor.number_kind == 2   ? double_of(to[i]) < double_of(from[i])
                        : cursor.number_kind == 1 ? to[i] < from[i]
                                                  : int_of(to[i]) < int_of(from[i]);
      cursor.step[i] = down ? minus_one : one;
    }
  }
  cursor.lane = 0;
  cursor.lane_count = static_cast<std::uint32_t>(n);
  cursor.value_ready = false;
}

// One lane's sequence, as far as there is room. A step of 0 gives the first value alone, unless the
// range is empty; a negative one counts down.
template <typename Number, typename ToWord, typename FromWord>
std::size_t next_in_range(Cursor& cursor, Row* lanes, Word* values, FromWord from_word,
                          ToWord to_word) {
  std::size_t n = 0;
  while (cursor.lane < cursor.lane_count && n < kBatchRows) {
    const Number to = from_word(cursor.to[cursor.lane]), step = from_word(cursor.step[cursor.lane]);
    const Number start = from_word(cursor.from[cursor.lane]);
    Number value = cursor.value_ready ? from_word(cursor.value) : start;
    const bool down = to_word.is_down(step);
    bool finished = step == Number{};
    if (finished && start != to) {
      lanes[n] = cursor.lane;
      values[n++] = to_word(start);
    }
    while (!finished && n < kBatchRows) {
      if (!(down ? value > to : value < to) && !(ENTAIL_PLANT_BUG(22) && value == to)) {
        finished = true;
        break;
      }
      lanes[n] = cursor.lane;
      values[n] = to_word(value);
      ++n;
      const Number next = to_word.add(value, step);
      finished = down ? next >= value : next <= value;  // Wrapped around, or too small to move.
      value = next;
    }
    if (finished) {
      ++cursor.lane;
      cursor.value_ready = false;
    } else {
      cursor.value = to_word(value);
      cursor.value_ready = true;
    }
  }
  return n;
}

struct SignedWords {
  Word operator()(std::int64_t v) const { return int_word(v); }
  bool is_down(std::int64_t step) const { return step < 0; }
  std::int64_t add(std::int64_t v, std::int64_t step) const {
    return int_of(int_word(v) + int_word(step));
  }
};
struct UnsignedWords {
  Word operator()(std::uint64_t v) const { return v; }
  // An unsigned step cannot be negative: all ones is the way down by one that a range without a step takes.
  bool is_down(std::uint64_t step) const { return step == ~std::uint64_t{0}; }
  std::uint64_t add(std::uint64_t v, std::uint64_t step) const { return v + step; }
};
struct FloatWords {
  Word operator()(double v) const { return double_word(v); }
  bool is_down(double step) const { return step < 0; }
  double add(double v, double step) const { return v + step; }
};

void open_elements(Frame& frame, const Instruction& in) {
  Cursor& cursor = frame.cursors[in.a];
  const std::size_t n = frame.batch_rows[in.c];
  const Word* arrays = frame.word(in.d);
  cursor.kind = CursorKind::kElements;
  cursor.members.resize(n);
  for (std::size_t i = 0; i < n; ++i) cursor.members[i] = frame.functors.pool().fields(arrays[i]);
  cursor.lane = cursor.offset = 0;
  cursor.lane_count = static_cast<std::uint32_t>(n);
}

std::size_t next_members(Cursor& cursor, Row* lanes, Word* values) {
  std::size_t n = 0;
  while (cursor.lane < cursor.lane_count && n < kBatchRows) {
    const auto members = cursor.members[cursor.lane];
    while (cursor.offset < members.size() && n < kBatchRows) {
      lanes[n] = cursor.lane;
      values[n++] = members[cursor.offset++];
    }
    if (cursor.offset < members.size()) break;
    ++cursor.lane;
    cursor.offset = 0;
  }
  return n;
}

std::size_t next_generated(Frame& frame, const Instruction& in) {
  Cursor& cursor = frame.cursors[in.a];
  Row* lanes = frame.row(in.c);
  Word* values = frame.word(in.d);
  if (cursor.kind == CursorKind::kElements) return next_members(cursor, lanes, values);
  switch (cursor.number_kind) {
    case 1:
      return next_in_range<std::uint64_t>(
          cursor, lanes, values, [](Word w) { return w; }, UnsignedWords{});
    case 2:
      return next_in_range<double>(cursor, lanes, values, double_of, FloatWords{});
    default:
      return next_in_range<std::int64_t>(cursor, lanes, values, int_of, SignedWords{});
  }
}

// ---- equivalences ----------------------------------------------------------------------------------

void open_eq_probe(Frame& frame, const Instruction& in) {
  Cursor& cursor = frame.cursors[in.a];
  const std::size_t n = frame.batch_rows[in.c];
  const Word* values = frame.word(in.d);
  const EquivalenceRelation* equivalence = (*frame.bindings)[in.b].equivalence;
  cursor.kind = CursorKind::kEqProbe;
  cursor.members.resize(n);
  for (std::size_t i = 0; i < n; ++i) cursor.members[i] = equivalence->members(values[i]);
  cursor.lane = cursor.offset = 0;
  cursor.lane_count = static_cast<std::uint32_t>(n);
  frame.counters.rows_probed += n;
}

// ---- groups ----------------------------------------------------------------------------------------

// SQL's result of an aggregate into the registers of the list: the first word at `item`, and the second,
// the null flag and the error at `beside`, where they are wanted.
void put_sql_result(Frame& frame, const AccumulatorSet& set, std::size_t k, std::size_t lane,
                    const std::uint16_t* item, const std::uint16_t* beside, std::size_t row) {
  const SqlAggregateResult result = set.sql_result(k, lane, frame.functors.pool());
  const auto put = [&](std::uint16_t number, Word word) {
    if (number != kNoRegister) frame.word(number)[row] = word;
  };
  put(item[0], result.words[0]);
  put(beside[0], result.words[1]);
  put(beside[1], result.null ? 1 : 0);
  put(beside[2], result.error);
}

std::size_t next_groups(Frame& frame, const Instruction& in) {
  Cursor& cursor = frame.cursors[in.a];
  const GroupTable& groups = *cursor.groups;
  const std::uint16_t* out = frame.list(in.e);
  std::size_t n = 0;
  while (cursor.position < groups.size() && n < kBatchRows) {
    const std::size_t group = cursor.position++;
    if (!groups.has_results(group)) continue;
    std::size_t item = 0;
    for (std::size_t k = 0; k < groups.key_words(); ++k)
      frame.word(out[item++])[n] = groups.key(group, k);
    const AccumulatorSet& set = groups.accumulators();
    const std::uint16_t* beside = out + item + set.aggregate_count();
    for (std::size_t k = 0; k < set.aggregate_count(); ++k, ++item) {
      if (set.is_sql(k)) {
        put_sql_result(frame, set, k, group, out + item, beside, n);
        beside += 3;
      } else {
        frame.word(out[item])[n] = set.result(k, group);
      }
    }
    ++n;
  }
  return n;
}

// Splits a list of value and null-flag registers, one pair for each aggregate, into two arrays of
// pointers; what follows the pairs joins the values.
void split_values(Frame& frame, std::uint32_t list, std::size_t aggregates) {
  const std::uint16_t* items = frame.list(list);
  const auto array = [&](std::size_t i) {
    return items[i] == kNoRegister ? nullptr : frame.word(items[i]);
  };
  frame.values.resize(frame.list_size(list) - aggregates);
  frame.nulls.resize(aggregates);
  for (std::size_t k = 0; k < aggregates; ++k) {
    frame.values[k] = array(2 * k);
    frame.nulls[k] = array(2 * k + 1);
  }
  for (std::size_t k = aggregates; k < frame.values.size(); ++k) {
    frame.values[k] = array(aggregates + k);
  }
}

std::span<const std::uint16_t> kinds_of(Frame& frame, std::uint32_t list) {
  return {frame.list(list), frame.list_size(list)};
}

void end_aggregates(Frame& frame, const Instruction& in) {
  const AccumulatorSet& set = frame.accumulators[in.a];
  const std::size_t n = frame.batch_rows[in.c];
  Row* lanes = frame.row(in.b);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < n; ++i) {
    bool complete = true;
    for (std::size_t k = 0; k < set.aggregate_count(); ++k)
      complete = complete && set.has_result(k, i);
    lanes[kept] = static_cast<Row>(i);
    kept += complete;
  }
  const std::uint16_t* out = frame.list(in.e);
  const std::uint16_t* beside = out + set.aggregate_count();
  for (std::size_t k = 0; k < set.aggregate_count(); ++k) {
    if (set.is_sql(k)) {
      for (std::size_t i = 0; i < kept; ++i) {
        put_sql_result(frame, set, k, lanes[i], out + k, beside, i);
      }
      beside += 3;
      continue;
    }
    Word* values = frame.word(out[k]);
    for (std::size_t i = 0; i < kept; ++i) values[i] = set.result(k, lanes[i]);
  }
  frame.batch_rows[in.d] = static_cast<std::uint32_t>(kept);
}

// Whether the worker has to stop between two batches.
bool must_stop(Frame& frame, FrameStatus& status) {
  if (frame.cancel != nullptr && frame.cancel->cancelled()) {
    status = FrameStatus::kCancelled;
    return true;
  }
  if (frame.counters.rows_scanned + frame.counters.rows_matched > frame.rows_touched_limit) {
    frame.error = {ErrorCode::kLimit, "the budget of rows touched is used up"};
    status = FrameStatus::kError;
    return true;
  }
  return false;
}

}  // namespace

FrameStatus run_frame(Frame& frame) {
  const Instruction* const code = frame.program->code.data();
  FrameStatus status = FrameStatus::kDone;
  // A batch of no rows ends the innermost loop; the target is the next source outwards.
  const auto deliver = [&](const Instruction& in, std::size_t n) {
    frame.batch_rows[in.b] = static_cast<std::uint32_t>(n);
    if (n == 0) frame.position = in.f;
    if (n > frame.constant_lanes) fill_constants(frame, kBatchRows);
  };
  for (;;) {
    const Instruction& in = code[frame.position++];
    switch (in.op) {
      case Opcode::kEnd:
        return FrameStatus::kDone;
      case Opcode::kJump:
        frame.position = in.f;
        break;

      case Opcode::kUnitOpen: {
        Cursor& cursor = frame.cursors[in.a];
        cursor.kind = CursorKind::kUnit;
        cursor.position = 0;
        break;
      }
      case Opcode::kUnitNext: {
        Cursor& cursor = frame.cursors[in.a];
        const bool mine = cursor.position++ == 0 && !frame.source->unit_taken.exchange(true);
        deliver(in, mine ? 1 : 0);
        break;
      }
      case Opcode::kScanOpen:
        open_scan(frame, in);
        break;
      case Opcode::kScanNext: {
        if (must_stop(frame, status)) return status;
        Cursor& cursor = frame.cursors[in.a];
        const std::size_t n = cursor.standing != nullptr
                                  ? next_standing_rows(frame, cursor, frame.row(in.c))
                                  : next_scan_rows(frame, cursor, frame.row(in.c));
        frame.counters.rows_scanned += n;
        deliver(in, n);
        break;
      }
      case Opcode::kProbeOpen:
        open_probe(frame, in);
        break;
      case Opcode::kRangeOpen:
        open_range(frame, in);
        break;
      case Opcode::kProbeNext: {
        const std::size_t n = next_matches(frame.cursors[in.a], frame.row(in.c), frame.row(in.d));
        frame.counters.rows_matched += n;
        if (n == kBatchRows && must_stop(frame, status)) return status;
        deliver(in, n);
        break;
      }
      case Opcode::kLoad: {
        const RelationBinding& binding = (*frame.bindings)[in.c];
        const std::size_t n = frame.batch_rows[in.d];
        if (binding.standing != nullptr) {
          binding.standing->load(in.e, frame.row(in.b), n, frame.word(in.a));
        } else {
          binding.relation->load(in.e, frame.row(in.b), n, frame.word(in.a));
        }
        break;
      }
      case Opcode::kLoadRank: {
        const RelationBinding& binding = (*frame.bindings)[in.c];
        const std::size_t n = frame.batch_rows[in.d];
        if (binding.standing != nullptr) {
          binding.standing->load_ranks(frame.row(in.b), n, frame.word(in.a));
        } else {
          binding.relation->load_ranks(frame.row(in.b), n, frame.word(in.a));
        }
        break;
      }
      case Opcode::kLoadRowIdentity: {
        if ((*frame.bindings)[in.c].standing != nullptr) {
          load_standing_identities(frame, in);
          break;
        }
        Word* out = frame.word(in.a);
        const Row* rows = frame.row(in.b);
        for (std::size_t i = 0; i < frame.batch_rows[in.d]; ++i) out[i] = rows[i];
        break;
      }
      case Opcode::kTake: {
        Word* out = frame.word(in.a);
        const Word* source = frame.word(in.b);
        const Row* lanes = frame.row(in.c);
        const std::size_t n = frame.batch_rows[in.d];
        for (std::size_t i = 0; i < n; ++i) out[i] = source[lanes[i]];
        break;
      }
      case Opcode::kTakeRows: {
        Row* out = frame.row(in.a);
        const Row* source = frame.row(in.b);
        const Row* lanes = frame.row(in.c);
        const std::size_t n = frame.batch_rows[in.d];
        for (std::size_t i = 0; i < n; ++i) out[i] = source[lanes[i]];
        break;
      }
      case Opcode::kIota: {
        Row* out = frame.row(in.a);
        const std::size_t n = frame.batch_rows[in.b];
        for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<Row>(i);
        break;
      }
      case Opcode::kContains:
      case Opcode::kEqContains:
        run_contains(frame, in);
        break;
      case Opcode::kContainsKey:
        run_contains_key(frame, in);
        break;
      case Opcode::kCountMatches:
        count_matches(frame, in);
        break;
      case Opcode::kFilter: {
        const Word* condition = frame.word(in.b);
        Row* out = frame.row(in.a);
        const std::size_t n = frame.batch_rows[in.c];
        std::size_t kept = 0;
        for (std::size_t i = 0; i < n; ++i) {
          out[kept] = static_cast<Row>(i);
          kept += condition[i] != 0;
        }
        frame.batch_rows[in.d] = static_cast<std::uint32_t>(kept);
        break;
      }
      case Opcode::kInsert: {
        const std::size_t n = frame.batch_rows[in.b];
        if (n == 0) break;
        const RelationBinding& binding = (*frame.bindings)[in.a];
        const auto columns = frame.arrays(in.e);
        frame.counters.candidates += n;
        if (binding.equivalence != nullptr) {
          auto& pairs = (*frame.equivalence_pairs)[in.a];
          for (std::size_t i = 0; i < n; ++i) {
            pairs.push_back(columns[0][i]);
            pairs.push_back(columns[1][i]);
          }
          break;
        }
        auto& buffer = (*frame.buffers)[in.a];
        if (!buffer) buffer = std::make_unique<CandidateBuffer>(*binding.relation);
        buffer->append(columns, n, in.c == kNoRegister ? nullptr : frame.word(in.c));
        if (buffer->full()) return FrameStatus::kBufferFull;
        break;
      }

      case Opcode::kEqScanOpen: {
        Cursor& cursor = frame.cursors[in.a];
        cursor.kind = CursorKind::kEqScan;
        cursor.equivalence = (*frame.bindings)[in.b].equivalence;
        cursor.pairs = cursor.equivalence->pairs(view_of(in));
        break;
      }
      case Opcode::kEqScanNext: {
        if (must_stop(frame, status)) return status;
        Cursor& cursor = frame.cursors[in.a];
        const std::size_t n = cursor.equivalence->next_pairs(cursor.pairs, frame.word(in.c),
                                                             frame.word(in.d), kBatchRows);
        frame.counters.rows_scanned += n;
        deliver(in, n);
        break;
      }
      case Opcode::kEqProbeOpen:
        open_eq_probe(frame, in);
        break;
      case Opcode::kEqProbeNext: {
        const std::size_t n = next_members(frame.cursors[in.a], frame.row(in.c), frame.word(in.d));
        frame.counters.rows_matched += n;
        if (n == kBatchRows && must_stop(frame, status)) return status;
        deliver(in, n);
        break;
      }

      case Opcode::kCrossOpen:
        open_cross(frame, in);
        break;
      case Opcode::kNonEmpty:
        run_non_empty(frame, in);
        break;
      case Opcode::kEqCrossOpen: {
        Cursor& cursor = frame.cursors[in.a];
        cursor.kind = CursorKind::kEqScan;
        cursor.equivalence = (*frame.bindings)[in.b].equivalence;
        cursor.view = view_of(in);
        cursor.pairs = cursor.equivalence->pairs(cursor.view);
        cursor.lane = 0;
        cursor.lane_count = frame.batch_rows[in.c];
        break;
      }
      case Opcode::kEqCrossNext: {
        if (must_stop(frame, status)) return status;
        const std::size_t n = next_cross_pairs(frame, in);
        frame.counters.rows_matched += n;
        deliver(in, n);
        break;
      }
      case Opcode::kRangeGenOpen:
        open_range_generator(frame, in);
        break;
      case Opcode::kElementsOpen:
        open_elements(frame, in);
        break;
      case Opcode::kGenNext: {
        if (must_stop(frame, status)) return status;
        const std::size_t n = next_generated(frame, in);
        frame.counters.rows_scanned += n;
        deliver(in, n);
        break;
      }

      case Opcode::kGivenOpen:
        open_given(frame, in);
        break;
      case Opcode::kGivenNext: {
        if (must_stop(frame, status)) return status;
        const std::size_t n = next_given_rows(frame, in);
        frame.counters.rows_scanned += n;
        deliver(in, n);
        break;
      }
      case Opcode::kEmit:
        if (!emit_rows(frame, in)) return FrameStatus::kEnough;
        break;
      case Opcode::kDivert:
        divert_errors(frame, in);
        break;

      case Opcode::kMarkBegin: {
        auto& marks = frame.marks[in.a];
        if (ENTAIL_PLANT_BUG(28) && !marks.empty()) break;
        marks.assign(kBatchRows, 0);
        break;
      }
      case Opcode::kMark: {
        auto& marks = frame.marks[in.a];
        const Row* origins = frame.row(in.b);
        const std::size_t n = frame.batch_rows[in.c];
        for (std::size_t i = 0; i < n; ++i) marks[origins[i]] = 1;
        break;
      }
      case Opcode::kMarkEnd: {
        const std::uint8_t wanted = (in.flags & kNegate) != 0 ? 0 : 1;
        frame.batch_rows[in.d] = static_cast<std::uint32_t>(
            keep_lanes(frame.marks[in.a].data(), wanted, frame.batch_rows[in.c], frame.row(in.b)));
        break;
      }
      case Opcode::kAggBegin:
        frame.accumulators[in.a].begin(kinds_of(frame, in.e), frame.program->aggregates,
                                       frame.batch_rows[in.c]);
        break;
      case Opcode::kAggStep: {
        AccumulatorSet& set = frame.accumulators[in.a];
        split_values(frame, in.e, set.aggregate_count());
        set.step_all(frame.row(in.b), frame.values, frame.nulls, frame.batch_rows[in.c],
                     frame.functors.pool());
        break;
      }
      case Opcode::kAggEnd:
        end_aggregates(frame, in);
        break;
      case Opcode::kGroupBegin:
        (*frame.groups)[in.a].begin(in.b, kinds_of(frame, in.e), frame.program->aggregates);
        break;
      case Opcode::kGroupStep: {
        split_values(frame, in.f, (*frame.groups)[in.a].accumulators().aggregate_count());
        (*frame.groups)[in.a].step(frame.arrays(in.e), frame.values, frame.nulls,
                                   frame.batch_rows[in.c], frame.functors.pool());
        break;
      }
      case Opcode::kGroupScanOpen: {
        Cursor& cursor = frame.cursors[in.a];
        cursor.kind = CursorKind::kGroups;
        cursor.groups = &(*frame.groups)[in.b];
        cursor.position = 0;
        break;
      }
      case Opcode::kGroupScanNext: {
        const std::size_t n = next_groups(frame, in);
        frame.counters.rows_scanned += n;
        deliver(in, n);
        break;
      }
      default:
        if (!run_vector_operation(frame, in)) return FrameStatus::kError;
    }
  }
}

}  // namespace entail::vm
