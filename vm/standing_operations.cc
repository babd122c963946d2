// The instructions whose relation stands: they read a view of it, and hand changes on.

#include <algorithm>

#include "vm/base/ensure.h"
#include "vm/gathering_table.h"
#include "vm/internal/frame.h"
#include "vm/standing_relation.h"

namespace entail::vm {

namespace {

View view_of(const Frame& frame, const Instruction& in) {
  if (frame.run == nullptr) return View::kTotal;  // A query.
  switch (frame.run->views) {
    case RunViews::kAllTotal:
      return View::kTotal;
    case RunViews::kAllOld:
      return View::kOld;
    case RunViews::kAsPlanned:
      break;
  }
  return static_cast<View>(in.flags & kViewMask);
}

const StandingRelation& relation_of(const Frame& frame, std::uint16_t operand) {
  return *(*frame.bindings)[operand].standing;
}

Cursor& begin_matches(Frame& frame, const Instruction& in) {
  Cursor& cursor = frame.cursors[in.a];
  cursor.kind = CursorKind::kProbe;
  cursor.standing = &relation_of(frame, in.b);
  cursor.matches.clear();
  cursor.match_lanes.clear();
  cursor.offset = 0;
  frame.counters.rows_probed += frame.batch_rows[in.c];
  return cursor;
}

// Of the first probe's matches, those that the run asks for. Lanes ascend.
void cut_matches(Frame& frame, const Instruction& in, Cursor& cursor) {
  if (frame.run == nullptr || frame.run->was_cut == nullptr) return;
  StandingRun& run = *frame.run;
  if (run.first_probe == nullptr) run.first_probe = &in;
  if (run.first_probe != &in) return;
  std::size_t kept = 0;
  std::uint32_t lane = 0xffffffff, number = 0;
  for (std::size_t i = 0; i < cursor.matches.size(); ++i) {
    number = cursor.match_lanes[i] == lane ? number + 1 : 0;
    lane = cursor.match_lanes[i];
    *run.was_cut = *run.was_cut || number >= run.end_match;
    if (number < run.first_match || number >= run.end_match) continue;
    cursor.matches[kept] = cursor.matches[i];
    cursor.match_lanes[kept] = lane;
    ++kept;
  }
  cursor.matches.resize(kept);
  cursor.match_lanes.resize(kept);
}

}  // namespace

void fill_constants(Frame& frame, std::size_t lanes) {
  for (const ConstantRegister& constant : *frame.constants) {
    std::fill_n(frame.word(constant.register_number), lanes, constant.word);
  }
  frame.constant_lanes = lanes;
}

void open_standing_scan(Frame& frame, const Instruction& in) {
  ENTAIL_DEBUG_ENSURE(&in == &frame.program->code[frame.fragment_entry]);
  Cursor& cursor = frame.cursors[in.a];
  cursor.kind = CursorKind::kScan;
  cursor.standing = &relation_of(frame, in.b);
  cursor.scan_position = 0;
  if (frame.run != nullptr) frame.run->position = 0;
}

// In a query all rows, in a standing program those that the run is given.
std::size_t next_standing_rows(Frame& frame, Cursor& cursor, Row* out) {
  if (frame.run == nullptr) {
    return cursor.standing->scan(View::kTotal, cursor.scan_position, out, kBatchRows);
  }
  StandingRun& run = *frame.run;
  const std::size_t n = std::min(run.rows.size() - run.position, kBatchRows);
  std::copy_n(run.rows.data() + run.position, n, out);
  run.position += n;
  return n;
}

void open_standing_probe(Frame& frame, const Instruction& in) {
  Cursor& cursor = begin_matches(frame, in);
  const std::size_t n = frame.batch_rows[in.c];
  const auto keys = frame.arrays(in.f);
  if (in.e != kMembershipIndex) {
    cursor.standing->probe(in.e, view_of(frame, in), keys, n, cursor.matches, cursor.match_lanes);
    cut_matches(frame, in, cursor);
    return;
  }
  cursor.matches.resize(n);
  cursor.standing->find(view_of(frame, in), keys, n, cursor.matches.data());
  std::size_t kept = 0;
  cursor.match_lanes.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    cursor.matches[kept] = cursor.matches[i];
    cursor.match_lanes[kept] = static_cast<std::uint32_t>(i);
    kept += cursor.matches[i] != kNoRow;
  }
  cursor.matches.resize(kept);
  cursor.match_lanes.resize(kept);
}

void open_standing_range(Frame& frame, const Instruction& in) {
  Cursor& cursor = begin_matches(frame, in);
  const std::uint16_t count = frame.list_size(in.f);
  const std::uint16_t* items = frame.list(in.f);
  const std::uint16_t low = items[count - 2], high = items[count - 1];
  frame.pointers.resize(count - 2U);
  for (std::size_t k = 0; k + 2 < count; ++k) frame.pointers[k] = frame.word(items[k]);
  cursor.standing->probe_range(
      in.e, view_of(frame, in), frame.pointers, low == kNoRegister ? nullptr : frame.word(low),
      (in.flags & kLowInclusive) != 0, high == kNoRegister ? nullptr : frame.word(high),
      (in.flags & kHighInclusive) != 0, frame.batch_rows[in.c], cursor.matches, cursor.match_lanes);
  cut_matches(frame, in, cursor);
}

// Every row for each outer row, written out: what a join without any key costs anyway. A query reads the
// rows as they are asked for.
void open_standing_cross(Frame& frame, const Instruction& in) {
  Cursor& cursor = begin_matches(frame, in);
  const std::size_t n = frame.batch_rows[in.c];
  if (frame.run == nullptr) {
    frame.counters.rows_probed -= n;  // No key is looked up.
    cursor.kind = CursorKind::kScan;
    cursor.scan_position = 0;
    cursor.lane = 0;
    cursor.lane_count = static_cast<std::uint32_t>(n);
    return;
  }
  if (n == 0) return;
  const View view = view_of(frame, in);
  Row position = 0;
  Row chunk[64];
  std::vector<Row>& all = cursor.cross_rows;
  all.clear();
  while (const std::size_t k = cursor.standing->scan(view, position, chunk, std::size(chunk))) {
    all.insert(all.end(), chunk, chunk + k);
  }
  for (std::size_t i = 0; i < n; ++i) {
    cursor.matches.insert(cursor.matches.end(), all.begin(), all.end());
    cursor.match_lanes.insert(cursor.match_lanes.end(), all.size(), static_cast<std::uint32_t>(i));
  }
  cut_matches(frame, in, cursor);
}

namespace {

// Lane by lane, each with all rows.
std::size_t next_cross_rows(Cursor& cursor, Row* lanes, Row* rows) {
  std::size_t n = 0;
  while (cursor.lane < cursor.lane_count && n < kBatchRows) {
    const std::size_t k =
        cursor.standing->scan(View::kTotal, cursor.scan_position, rows + n, kBatchRows - n);
    std::fill_n(lanes + n, k, static_cast<Row>(cursor.lane));
    n += k;
    if (n == kBatchRows) break;
    ++cursor.lane;
    cursor.scan_position = 0;
  }
  return n;
}

}  // namespace

std::size_t next_standing_matches(Cursor& cursor, Row* lanes, Row* rows) {
  if (cursor.kind == CursorKind::kScan) return next_cross_rows(cursor, lanes, rows);
  const std::size_t n = std::min<std::size_t>(cursor.matches.size() - cursor.offset, kBatchRows);
  std::copy_n(cursor.matches.data() + cursor.offset, n, rows);
  std::copy_n(cursor.match_lanes.data() + cursor.offset, n, lanes);
  cursor.offset += static_cast<std::uint32_t>(n);
  return n;
}

void mark_standing_members(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.c];
  const auto columns = frame.arrays(in.e);
  frame.found.resize(kBatchRows);
  relation_of(frame, in.b).find(view_of(frame, in), columns, n, frame.found.data());
  for (std::size_t i = 0; i < n; ++i) frame.flags[i] = frame.found[i] != kNoRow;
}

void mark_standing_keys(Frame& frame, const Instruction& in) {
  if (in.e == kMembershipIndex) {  // The key is the row.
    const std::size_t n = frame.batch_rows[in.c];
    frame.found.resize(kBatchRows);
    relation_of(frame, in.b).find(view_of(frame, in), frame.arrays(in.f), n, frame.found.data());
    for (std::size_t i = 0; i < n; ++i) frame.flags[i] = frame.found[i] != kNoRow;
    return;
  }
  relation_of(frame, in.b)
      .probe_any(in.e, view_of(frame, in), frame.arrays(in.f), frame.batch_rows[in.c],
                 frame.flags.data());
}

void count_standing_matches(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.c];
  Word* const out = frame.word(in.a);
  std::fill_n(out, n, 0);
  const auto keys = frame.arrays(in.f);
  if (in.e == kMembershipIndex) {
    frame.found.resize(kBatchRows);
    relation_of(frame, in.b).find(view_of(frame, in), keys, n, frame.found.data());
    for (std::size_t i = 0; i < n; ++i) out[i] = frame.found[i] != kNoRow ? 1 : 0;
    return;
  }
  frame.matches.clear();
  frame.match_lanes.clear();
  relation_of(frame, in.b)
      .probe(in.e, view_of(frame, in), keys, n, frame.matches, frame.match_lanes);
  for (const std::uint32_t lane : frame.match_lanes) ++out[lane];
}

bool standing_has_rows(Frame& frame, const Instruction& in) {
  Row position = 0, row = 0;
  return relation_of(frame, in.b).scan(view_of(frame, in), position, &row, 1) > 0;
}

void load_standing_identities(Frame& frame, const Instruction& in) {
  const StandingRelation& relation = relation_of(frame, in.c);
  const Row* rows = frame.row(in.b);
  Word* out = frame.word(in.a);
  for (std::size_t i = 0; i < frame.batch_rows[in.d]; ++i) out[i] = relation.identity(rows[i]);
}

void open_given(Frame& frame, const Instruction& in) {
  if (frame.run != nullptr) {
    frame.run->position = 0;
    return;
  }
  Cursor& cursor = frame.cursors[in.a];
  cursor.ranks = frame.rank_tables[in.b - 1U];
  cursor.position = 0;
}

std::size_t next_given_rows(Frame& frame, const Instruction& in) {
  if (frame.run == nullptr) {
    Cursor& cursor = frame.cursors[in.a];
    frame.targets.clear();
    for (std::uint16_t k = 0; k < frame.list_size(in.e); ++k) {
      frame.targets.push_back(frame.word(frame.list(in.e)[k]));
    }
    return cursor.ranks->next(cursor.position, frame.targets, kBatchRows);
  }
  StandingRun& run = *frame.run;
  const std::size_t n = std::min(run.given_rows - run.position, kBatchRows);
  const std::uint16_t* registers = frame.list(in.e);
  ENTAIL_DEBUG_ENSURE(frame.list_size(in.e) == run.given.size());
  for (std::size_t k = 0; k < run.given.size(); ++k) {
    if (registers[k] == kNoRegister) continue;
    std::copy_n(run.given[k] + run.position, n, frame.word(registers[k]));
  }
  run.position += n;
  return n;
}

bool emit_rows(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.b];
  if (n == 0) return true;
  frame.counters.candidates += n;
  if (frame.run == nullptr) {
    const auto columns = frame.arrays(in.e);
    return in.a == 0 ? frame.receiver->receive(columns, n)
                     : frame.rank_tables[in.a - 1U]->receive(columns, n);
  }
  ChangeBatch& out = *frame.run->out;
  out.append(frame.arrays(in.e), n, frame.run->weight);
  if (in.c != kNoRegister) {
    const Word* ranks = frame.word(in.c);
    for (std::size_t i = 0; i < n; ++i) out.ranks.push_back(static_cast<std::uint32_t>(ranks[i]));
  }
  if (in.d != kNoRegister) {
    const Row* origins = frame.row(in.d);
    out.origins.insert(out.origins.end(), origins, origins + n);
  }
  return true;
}

void divert_errors(Frame& frame, const Instruction& in) {
  std::vector<Diverted>* const diverted = frame.run->diverted;
  if (diverted == nullptr) return;
  const Word* errors = frame.word(in.a);
  const std::size_t n = frame.batch_rows[in.d];
  for (std::size_t i = 0; i < n; ++i) {
    if (errors[i] == 0) continue;
    Diverted instance;
    instance.place = in.e;
    instance.error = errors[i];
    instance.weight = frame.run->weight;
    for (std::uint16_t k = 0; k < frame.list_size(in.f); ++k) {
      instance.values.push_back(frame.word(frame.list(in.f)[k])[i]);
    }
    diverted->push_back(std::move(instance));
  }
}

}  // namespace entail::vm
