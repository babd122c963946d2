// The instructions whose relation stands: they read a view of it, and hand changes on.

#include <algorithm>

#include "vm/base/ensure.h"
#include "vm/internal/frame.h"
#include "vm/standing_relation.h"

namespace entail::vm {

namespace {

View view_of(const Frame& frame, const Instruction& in) {
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
  StandingRun& run = *frame.run;
  if (run.was_cut == nullptr) return;
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
  frame.run->position = 0;
}

std::size_t next_standing_rows(Frame& frame, Row* out) {
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

// Every row for each outer row, written out: what a join without any key costs anyway.
void open_standing_cross(Frame& frame, const Instruction& in) {
  Cursor& cursor = begin_matches(frame, in);
  const std::size_t n = frame.batch_rows[in.c];
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

std::size_t next_standing_matches(Cursor& cursor, Row* lanes, Row* rows) {
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

std::size_t next_given_rows(Frame& frame, const Instruction& in) {
  StandingRun& run = *frame.run;
  const std::size_t n = std::min(run.given_rows - run.position, kBatchRows);
  const std::uint16_t* registers = frame.list(in.e);
  ENTAIL_DEBUG_ENSURE(frame.list_size(in.e) == run.given.size());
  for (std::size_t k = 0; k < run.given.size(); ++k) {
    std::copy_n(run.given[k] + run.position, n, frame.word(registers[k]));
  }
  run.position += n;
  return n;
}

void emit_changes(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.b];
  if (n == 0) return;
  frame.counters.candidates += n;
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
