#include "rete/ranked_stratum.h"

#include <algorithm>
#include <utility>

#include "rete/internal/image_codec.h"
#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/row_scan.h"

namespace entail::rete {

namespace {

using compiler::FragmentRole;
using compiler::StandingFragment;
using datalog::RelationId;
using vm::Row;
using vm::RunViews;
using vm::View;
using vm::Word;

// A stratum this small is derived again faster than anybody could think about it, and a fraction of
// nothing says nothing.
constexpr std::uint64_t kGuardRowsMin = 4096;
// Losing so large a part (a fourth) of what a rule reads is reason enough to derive everything anew.
constexpr std::size_t kLossShare = 4;
// How many lost rows are looked into before the guard is asked.
constexpr std::size_t kSuspectRows = 64;
// Sources are fed in parts, so that what they derive stays in the cache.
constexpr std::size_t kFeedRows = 1024;
// How many matches of a suspect are looked at in the first go; four times as many in each further one.
constexpr std::uint32_t kFirstDerivations = 2;
// At least so many suspects are judged together.
constexpr std::size_t kJudgedMin = 128;
// Ranks rise with every row that is made; far past this they are given anew.
constexpr std::uint32_t kRanksMax = 3'000'000'000;

void keep_distinct(std::vector<Row>& rows) {
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
}

}  // namespace

RankedStratum::RankedStratum(std::vector<RelationId> relations, double recompute_fraction)
    : recompute_fraction_(recompute_fraction) {
  for (const RelationId id : relations) {
    members_.emplace_back();
    members_.back().id = id;
  }
}

std::size_t RankedStratum::member_of(RelationId id) const {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [id](const Member& member) { return member.id == id; });
  return static_cast<std::size_t>(found - members_.begin());
}

void RankedStratum::rebind(const NetworkState& state, const compiler::StandingStratum&) {
  below_.clear();
  units_.clear();
  bases_.clear();
  errors_.clear();
  for (Member& member : members_) {
    member.feeds.clear();
    member.bound.clear();
  }
  const auto& fragments = state.code.fragments;
  std::vector<datalog::RuleId> recursive_rules;
  auto is_mine = [&](const StandingFragment& fragment) {
    return member_of(state.form.program.rule(fragment.rule).head.relation) < members_.size();
  };
  for (std::uint32_t i = 0; i < fragments.size(); ++i) {
    const StandingFragment& fragment = fragments[i];
    if (!is_mine(fragment)) continue;
    switch (fragment.role) {
      case FragmentRole::kChange:
        if (const std::size_t source = member_of(fragment.source); source < members_.size()) {
          members_[source].feeds.push_back(i);
          recursive_rules.push_back(fragment.rule);
        } else {
          below_.push_back(i);
        }
        break;
      case FragmentRole::kBound:
        members_[member_of(fragment.source)].bound.push_back(i);
        break;
      case FragmentRole::kUnit:
        units_.push_back(i);
        break;
      case FragmentRole::kErrors:
        errors_.push_back(i);
        break;
      case FragmentRole::kResult:
      case FragmentRole::kAction:
      case FragmentRole::kRegroup:
      case FragmentRole::kPartition:
        ENTAIL_UNREACHABLE("groups and actions are no ranked stratum");
    }
  }
  std::vector<datalog::RuleId> seen = recursive_rules;
  for (const std::uint32_t i : below_) {
    if (fragments[i].is_negated) continue;
    if (std::find(seen.begin(), seen.end(), fragments[i].rule) != seen.end()) continue;
    seen.push_back(fragments[i].rule);
    bases_.push_back(i);
  }
}

std::uint64_t RankedStratum::rows_now(NetworkState& state) const {
  std::uint64_t rows = 0;
  for (const Member& member : members_) rows += state.rows(member.id).size();
  return rows;
}

// ---------------------------------------------------------------------------------------------------
// Running fragments

Expected<void> RankedStratum::run_all(NetworkState& state,
                                      const std::vector<std::uint32_t>& fragments,
                                      std::span<const Row> rows, RunViews views) {
  derived_.resize(members_.size());
  for (vm::ChangeBatch& batch : derived_) batch.clear();
  for (const std::uint32_t fragment : fragments) {
    const RelationId head =
        state.form.program.rule(state.code.fragments[fragment].rule).head.relation;
    if (auto done = state.run(fragment, rows, 1, views, derived_[member_of(head)]); !done)
      return done;
  }
  return {};
}

// Candidates that are not known wait for the next round.
void RankedStratum::await(NetworkState& state, const Batches& batches) {
  pending_.resize(members_.size());
  for (std::size_t m = 0; m < batches.size(); ++m) {
    const vm::ChangeBatch& from = batches[m];
    if (from.empty()) continue;
    found_.resize(from.n);
    state.rows(members_[m].id)
        .find(View::kTotal, from.arrays(state.scratch), from.n, found_.data());
    vm::ChangeBatch& to = pending_[m];
    to.columns.resize(from.columns.size());
    for (std::size_t c = 0; c < from.columns.size(); ++c) {
      for (std::size_t i = 0; i < from.n; ++i) {
        if (found_[i] == vm::kNoRow) to.columns[c].push_back(from.columns[c][i]);
      }
    }
    to.n = to.columns.front().size();
  }
}

// Ranks for n rows that are made now: greater than those of all their premises, which are there already.
const std::uint32_t* RankedStratum::next_ranks(std::size_t n) {
  ranks_.resize(std::max(ranks_.size(), n));
  for (std::size_t i = 0; i < n; ++i) ranks_[i] = ++last_rank_;
  return ranks_.data();
}

// ---------------------------------------------------------------------------------------------------
// Suspects

void RankedStratum::suspect_row(std::size_t member, Row row, std::uint32_t rank) {
  if (members_[member].suspected.insert(row)) members_[member].doubts.push_back({rank, row});
}

// Heads of derivations that are gone. Only a derivation that was well-founded may have been what its
// head rested on.
void RankedStratum::suspect(NetworkState& state, std::size_t member, const vm::ChangeBatch& heads) {
  if (heads.empty()) return;
  const vm::StandingRelation& relation = state.rows(members_[member].id);
  std::vector<Row> rows(heads.n);
  relation.find(View::kTotal, heads.arrays(state.scratch), heads.n, rows.data());
  for (std::size_t i = 0; i < heads.n; ++i) {
    if (rows[i] == vm::kNoRow) continue;
    const std::uint32_t rank = relation.rank(rows[i]);
    if (rank < heads.ranks[i] || (ENTAIL_PLANT_BUG(56) && rank == heads.ranks[i])) continue;
    suspect_row(member, rows[i], rank);
  }
}

Expected<bool> RankedStratum::suspect_from_below(NetworkState& state) {
  derived_.resize(members_.size());
  const bool is_large = made_deriving_ > 0 && rows_now(state) >= kGuardRowsMin;
  for (const std::uint32_t fragment : below_) {
    const StandingFragment& read = state.code.fragments[fragment];
    const std::span<const Row> rows = state.losing_rows(read);
    if (rows.empty()) continue;
    // Where a good part of what was read goes, most of what rested on it does, too.
    if (is_large && rows.size() * kLossShare > state.rows(read.source).size() + rows.size()) {
      return false;
    }
    const std::size_t member = member_of(state.form.program.rule(read.rule).head.relation);
    for (std::size_t first = 0; first < rows.size(); first += kSuspectRows) {
      derived_[member].clear();
      const auto part = rows.subspan(first, std::min(kSuspectRows, rows.size() - first));
      if (auto done = state.run(fragment, part, 1, RunViews::kAllOld, derived_[member]); !done) {
        return unexpected(std::move(done).error());
      }
      suspect(state, member, derived_[member]);
      if (is_large && is_over_the_guard(state)) return false;
    }
  }
  return true;
}

// Stated facts come and go without a derivation. One that goes may still have one; what follows from one
// that comes is derived when it is clear what is lost.
Expected<void> RankedStratum::state_facts(NetworkState& state) {
  for (std::size_t m = 0; m < members_.size(); ++m) {
    RelationNode& node = state.at(members_[m].id);
    for (std::size_t r = 0; r < node.stated_runs; ++r) {
      if (auto done = retract_facts(state, m, node.stated[r].deleted); !done) return done;
      if (auto done = insert_facts(state, m, node.stated[r].inserted); !done) return done;
    }
    node.stated_runs = 0;
    keep_distinct(members_[m].stated);
  }
  return {};
}

Expected<void> RankedStratum::insert_facts(NetworkState& state, std::size_t m,
                                           const vm::ChangeBatch& facts) {
  if (facts.empty()) return {};
  vm::StandingRelation& relation = state.rows(members_[m].id);
  std::vector<const Word*> arrays;
  const auto columns = facts.arrays(arrays);
  std::vector<Row> before(facts.n), after(facts.n);
  relation.find(View::kTotal, columns, facts.n, before.data());
  if (auto done = relation.apply({columns, facts.n, facts.weights.data(), next_ranks(facts.n)},
                                 vm::Counting::kStated);
      !done) {
    return done;
  }
  relation.find(View::kTotal, columns, facts.n, after.data());
  for (std::size_t i = 0; i < facts.n; ++i) {
    if (before[i] == vm::kNoRow) members_[m].stated.push_back(after[i]);
  }
  return {};
}

Expected<void> RankedStratum::retract_facts(NetworkState& state, std::size_t m,
                                            const vm::ChangeBatch& facts) {
  if (facts.empty()) return {};
  Member& member = members_[m];
  vm::StandingRelation& relation = state.rows(member.id);
  std::vector<const Word*> arrays;
  const auto columns = facts.arrays(arrays);
  std::vector<Row> before(facts.n), after(facts.n), stated;
  relation.find(View::kTotal, columns, facts.n, before.data());
  for (const Row row : before) {
    if (row != vm::kNoRow && relation.is_stated(row)) stated.push_back(row);
  }
  keep_distinct(stated);
  if (auto done = relation.apply({columns, facts.n, facts.weights.data()}, vm::Counting::kStated);
      !done) {
    return done;
  }
  relation.find(View::kTotal, columns, facts.n, after.data());
  std::vector<Row> gone;
  for (std::size_t i = 0; i < facts.n; ++i) {
    if (before[i] == vm::kNoRow || !std::binary_search(stated.begin(), stated.end(), before[i])) {
      continue;
    }
    // Held by a derivation, too, but perhaps by one that went while the statement held it.
    if (after[i] != vm::kNoRow) suspect_row(m, after[i], relation.rank(after[i]));
    if (after[i] == vm::kNoRow) gone.push_back(before[i]);
  }
  keep_distinct(gone);
  if (gone.empty()) return {};
  member.lost.insert(member.lost.end(), gone.begin(), gone.end());
  for (const Row row : gone) member.retracted.insert(row);
  return suspect_heads(state, m, gone);
}

// ---------------------------------------------------------------------------------------------------
// Judging

// Takes those rows out that have a derivation whose rank is_enough(row, rank) accepts, and gives each to
// take(row), in the order in which they were proven. One derivation is enough, and most rows have one among
// the first: some are looked at before all.
template <typename IsEnough, typename Take>
Expected<void> RankedStratum::take_proven(NetworkState& state, const Member& member,
                                          std::vector<Row>& rows, IsEnough&& is_enough,
                                          Take&& take) {
  for (const std::uint32_t fragment : member.bound) {
    std::uint32_t first = 0, count = kFirstDerivations;
    for (bool is_more = true; is_more && !rows.empty(); first += count, count *= 4) {
      origins_.clear();
      auto more = state.run_some(fragment, rows, first, first + count, origins_);
      if (!more) return unexpected(std::move(more).error());
      is_more = *more;
      proven_.clear();
      bool is_any_proven = false;
      for (std::size_t i = 0; i < origins_.n; ++i) {
        if (!is_enough(origins_.origins[i], origins_.ranks[i])) continue;
        proven_.insert(origins_.origins[i]);
        is_any_proven = true;
      }
      if (!is_any_proven) continue;
      std::size_t open = 0;
      for (const Row row : rows) {
        if (proven_.contains(row)) {
          take(row);
        } else {
          rows[open++] = row;
        }
      }
      rows.resize(open);
    }
  }
  return {};
}

// Which of the rows have a well-founded derivation; the others are taken out, and what rests on them is
// suspected.
Expected<void> RankedStratum::judge_rows(NetworkState& state, std::size_t m,
                                         std::vector<Row> rows) {
  Member& member = members_[m];
  vm::StandingRelation& relation = state.rows(member.id);
  for (const Row row : rows) member.suspected.erase(row);  // It may be suspected again.
  rows.erase(std::remove_if(rows.begin(), rows.end(),
                            [&](Row row) {
                              return relation.is_stated(row) || member.retracted.contains(row);
                            }),
             rows.end());
  const auto is_well_founded = [&](Row row, std::uint32_t rank) {
    return rank <= relation.rank(row) + (ENTAIL_PLANT_BUG(57) ? 1 : 0);
  };
  if (auto done = take_proven(state, member, rows, is_well_founded, [](Row) {}); !done) return done;
  if (rows.empty()) return {};
  state.touch(member.id);
  relation.remove(rows);
  member.lost.insert(member.lost.end(), rows.begin(), rows.end());
  return suspect_heads(state, m, rows);
}

// What rests on rows that are lost. A row may have been proven by a premise that was to be lost and by
// something new below, which the old view does not know.
Expected<void> RankedStratum::suspect_heads(NetworkState& state, std::size_t m,
                                            std::span<const Row> lost) {
  for (const RunViews views : {RunViews::kAllOld, RunViews::kAllTotal}) {
    if (views == RunViews::kAllTotal && !gains_below_) continue;
    if (auto done = run_all(state, members_[m].feeds, lost, views); !done) return done;
    for (std::size_t k = 0; k < members_.size(); ++k) suspect(state, k, derived_[k]);
  }
  return {};
}

bool RankedStratum::is_over_the_guard(const NetworkState& state) const {
  if (made_deriving_ == 0) return false;
  std::uint64_t rows = 0;
  for (const Member& member : members_) {
    rows += state.relations[datalog::index_of(member.id)].rows->size() + member.lost.size();
  }
  if (rows < kGuardRowsMin && recompute_fraction_ > 0) return false;
  const std::uint64_t touched = touched_at_start_ - state.machine->rows_left();
  const double whole = static_cast<double>(touched_deriving_) /
                       static_cast<double>(made_deriving_) * static_cast<double>(rows);
  return static_cast<double>(touched) > recompute_fraction_ * whole;
}

// The suspects of lower rank first: what is lost makes suspects of higher rank only, and one that was
// proven by a premise which is lost later is suspected again.
std::uint32_t RankedStratum::ranks_to_judge() {
  std::vector<std::uint32_t>& ranks = ranks_;
  ranks.clear();
  for (const Member& member : members_) {
    for (const Suspect& suspect : member.doubts) ranks.push_back(suspect.rank);
  }
  if (ranks.empty()) return 0;
  const std::size_t part = std::min(ranks.size() - 1, std::max(kJudgedMin, ranks.size() / 4));
  std::nth_element(ranks.begin(), ranks.begin() + static_cast<std::ptrdiff_t>(part), ranks.end());
  return ranks[part];
}

Expected<void> RankedStratum::judge(NetworkState& state) {
  while (const std::uint32_t most = ranks_to_judge()) {
    for (std::size_t m = 0; m < members_.size(); ++m) {
      std::vector<Suspect>& doubts = members_[m].doubts;
      const auto now = std::partition(doubts.begin(), doubts.end(),
                                      [&](const Suspect& suspect) { return suspect.rank > most; });
      std::vector<Row> rows;
      rows.reserve(static_cast<std::size_t>(doubts.end() - now));
      for (auto suspect = now; suspect != doubts.end(); ++suspect) rows.push_back(suspect->row);
      doubts.erase(now, doubts.end());
      if (rows.empty()) continue;
      if (auto done = judge_rows(state, m, std::move(rows)); !done) return done;
    }
    if (is_over_the_guard(state)) return recompute(state);
  }
  return {};
}

// ---------------------------------------------------------------------------------------------------
// Deriving

Expected<void> RankedStratum::return_lost(NetworkState& state) {
  if (ENTAIL_PLANT_BUG(58)) return {};
  for (std::size_t m = 0; m < members_.size(); ++m) {
    Member& member = members_[m];
    if (member.lost.empty()) continue;
    const vm::StandingRelation& relation = state.rows(member.id);
    std::vector<Row> open = member.lost, rows;
    const auto is_any = [](Row, std::uint32_t) { return true; };
    const auto take = [&](Row row) { rows.push_back(row); };
    if (auto done = take_proven(state, member, open, is_any, take); !done) return done;
    if (rows.empty()) continue;
    Batches back(members_.size());
    vm::ChangeBatch& batch = back[m];
    batch.columns.resize(relation.column_count());
    for (std::uint32_t c = 0; c < relation.column_count(); ++c) {
      batch.columns[c].resize(rows.size());
      relation.load(c, rows.data(), rows.size(), batch.columns[c].data());
    }
    batch.n = rows.size();
    await(state, back);
  }
  return {};
}

Expected<void> RankedStratum::gain_from_below(NetworkState& state) {
  derived_.resize(members_.size());
  for (vm::ChangeBatch& batch : derived_) batch.clear();
  for (const std::uint32_t fragment : below_) {
    const StandingFragment& read = state.code.fragments[fragment];
    const std::size_t member = member_of(state.form.program.rule(read.rule).head.relation);
    if (auto done =
            state.run(fragment, state.gaining_rows(read), 1, RunViews::kAllTotal, derived_[member]);
        !done) {
      return done;
    }
  }
  await(state, derived_);
  for (Member& member : members_) {
    const vm::StandingRelation& relation = state.rows(member.id);
    std::vector<Row> rows = std::exchange(member.stated, {});
    // Some went again in the same step; what went and was stated again is there.
    rows.erase(
        std::remove_if(rows.begin(), rows.end(), [&](Row row) { return !relation.is_stated(row); }),
        rows.end());
    if (rows.empty()) continue;
    if (auto done = run_all(state, member.feeds, rows, RunViews::kAllTotal); !done) return done;
    await(state, derived_);
  }
  for (vm::ChangeBatch& batch : derived_) batch.clear();
  if (!has_run_units_) {
    for (const std::uint32_t fragment : units_) {
      const std::size_t member =
          member_of(state.form.program.rule(state.code.fragments[fragment].rule).head.relation);
      if (auto done = state.run_given(fragment, {}, 0, 1, derived_[member]); !done) return done;
    }
    has_run_units_ = true;
  }
  await(state, derived_);
  return {};
}

// Semi-naively, a round after the other.
Expected<void> RankedStratum::derive(NetworkState& state) {
  const std::uint64_t left_before = state.machine->rows_left();
  std::uint64_t made = 0;
  std::vector<Row> fresh;
  auto waits = [](const vm::ChangeBatch& batch) { return !batch.empty(); };
  while (std::any_of(pending_.begin(), pending_.end(), waits)) {
    Batches round = std::exchange(pending_, {});
    for (std::size_t m = 0; m < round.size(); ++m) {
      vm::ChangeBatch& batch = round[m];
      if (batch.empty()) continue;
      state.touch(members_[m].id);
      fresh.clear();
      vm::StandingRelation& relation = state.rows(members_[m].id);
      if (auto done = relation.insert_ranked(batch.arrays(state.scratch), batch.n,
                                             next_ranks(batch.n), fresh);
          !done) {
        return done;
      }
      made += fresh.size();
      for (std::size_t first = 0; first < fresh.size(); first += kFeedRows) {
        const std::span<const Row> part(fresh.data() + first,
                                        std::min(kFeedRows, fresh.size() - first));
        if (auto done = run_all(state, members_[m].feeds, part, RunViews::kAllTotal); !done) {
          return done;
        }
        await(state, derived_);
      }
    }
  }
  touched_deriving_ += left_before - state.machine->rows_left();
  made_deriving_ += made;
  return {};
}

Expected<void> RankedStratum::recompute(NetworkState& state) {
  ++times_recomputed_;
  pending_.clear();
  last_rank_ = 0;
  for (Member& member : members_) {
    member.lost.clear();
    vm::StandingRelation& relation = state.rows(member.id);
    state.touch(member.id);
    std::vector<Row> rows = vm::visible_rows(relation), kept;
    auto derived_end =
        std::partition(rows.begin(), rows.end(), [&](Row row) { return !relation.is_stated(row); });
    kept.assign(derived_end, rows.end());
    rows.erase(derived_end, rows.end());
    relation.remove(rows);
    for (const Row row : kept) relation.set_rank(row, *next_ranks(1));
    member.suspected.clear();
    member.doubts.clear();
    member.retracted.clear();
    if (ENTAIL_PLANT_BUG(59)) continue;
    member.stated = std::move(kept);  // What follows from them is derived like that from new ones.
  }
  for (const std::uint32_t fragment : bases_) {
    const StandingFragment& read = state.code.fragments[fragment];
    const std::vector<Row> rows = vm::visible_rows(state.rows(read.source));
    derived_.resize(members_.size());
    for (vm::ChangeBatch& batch : derived_) batch.clear();
    const std::size_t member = member_of(state.form.program.rule(read.rule).head.relation);
    for (std::size_t first = 0; first < rows.size(); first += kFeedRows) {
      const std::span<const Row> part(rows.data() + first,
                                      std::min(kFeedRows, rows.size() - first));
      if (auto done = state.run(fragment, part, 1, RunViews::kAllTotal, derived_[member]); !done) {
        return done;
      }
    }
    await(state, derived_);
  }
  has_run_units_ = false;
  return {};
}

// ---------------------------------------------------------------------------------------------------

// Each instance that failed and fails no more, and the reverse.
Expected<void> RankedStratum::note_errors(NetworkState& state) {
  vm::ChangeBatch unused;
  for (const std::uint32_t fragment : errors_) {
    const StandingFragment& read = state.code.fragments[fragment];
    if (auto done = state.run(fragment, state.losing_rows(read), -1, RunViews::kAsPlanned, unused);
        !done) {
      return done;
    }
    if (auto done = state.run(fragment, state.gaining_rows(read), 1, RunViews::kAsPlanned, unused);
        !done) {
      return done;
    }
    unused.clear();
  }
  return {};
}

Expected<void> RankedStratum::turn(NetworkState& state) {
  touched_at_start_ = state.machine->rows_left();
  pending_.clear();
  gains_below_ = std::any_of(below_.begin(), below_.end(), [&](std::uint32_t fragment) {
    return !state.gaining_rows(state.code.fragments[fragment]).empty();
  });
  for (Member& member : members_) {
    member.lost.clear();
    member.stated.clear();
    member.suspected.clear();
    member.doubts.clear();
    member.retracted.clear();
    if (state.at(member.id).stated_runs > 0) state.touch(member.id);
  }
  if (auto done = state_facts(state); !done) return done;
  if (last_rank_ > kRanksMax || std::exchange(derives_all_, false)) {
    if (auto done = recompute(state); !done) return done;
  }
  auto suspected = suspect_from_below(state);
  if (!suspected) return unexpected(std::move(suspected).error());
  if (auto done = *suspected ? judge(state) : recompute(state); !done) return done;
  if (auto done = return_lost(state); !done) return done;
  if (auto done = gain_from_below(state); !done) return done;
  if (auto done = derive(state); !done) return done;
  return note_errors(state);
}

Expected<void> RankedStratum::save(const NetworkState&, ImageWriter& to) const {
  std::string body;
  for (const std::uint64_t number :
       {touched_deriving_, made_deriving_, std::uint64_t{last_rank_}}) {
    put_varint(body, number);
  }
  return to.frame(body);
}

// Ranks go on above those that are there.
Expected<void> RankedStratum::restore(NetworkState&, ImageFrames& from) {
  auto body = from.next();
  if (!body) return unexpected(std::move(body).error());
  ImageCursor cursor(*body);
  touched_deriving_ = cursor.number();
  made_deriving_ = cursor.number();
  last_rank_ = static_cast<std::uint32_t>(cursor.number());
  if (cursor.has_failed() || !cursor.is_at_end()) {
    return unexpected(damaged_image("what a recursion keeps"));
  }
  rank_at_commit_ = last_rank_;
  has_run_units_ = true;
  return {};
}

std::uint64_t RankedStratum::bytes_used() const {
  std::uint64_t bytes = origins_.bytes_used();
  for (const vm::ChangeBatch& batch : derived_) bytes += batch.bytes_used();
  for (const Member& member : members_) {
    bytes +=
        member.lost.capacity() * sizeof(Row) + member.suspected.bytes() + member.retracted.bytes();
  }
  return bytes;
}

void RankedStratum::verify(const NetworkState& state) const {
  for (const Member& member : members_) {
    const vm::StandingRelation& relation = *state.relations[datalog::index_of(member.id)].rows;
    for (const Row row : vm::visible_rows(relation)) ENTAIL_ENSURE(relation.rank(row) > 0);
  }
}

}  // namespace entail::rete
