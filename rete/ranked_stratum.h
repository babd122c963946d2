// rete/ranked_stratum.h - a recursive stratum that stands, by ranks.
//
// A rank is a number that rises with every row that is made: a row's premises were there before it, so
// their ranks are lower. A derivation is *well-founded* for its head when all its premises of the stratum
// are alive with strictly lower ranks: what rests only on such derivations cannot hold itself up.
//
//     turn   1 suspect   heads of derivations that lost a premise below
//            2 judge     lower ranks first: a suspect with a well-founded derivation (its rules' bound
//                        forms) stays; else it is lost, and heads that rest on it are suspected
//            3 return    lost facts that still have a derivation come back, with a new rank
//            4 gain      derivations by new premises below, then semi-naively by what is new here
//
//     e(1,2) e(2,3) e(3,2)   path(1,2) rank 1, path(2,3) rank 2 … path(1,3) rank 4     delete e(1,2):
//     path(1,2) is lost; path(1,3) rests on it; path(1,2) by path(1,3), e(3,2) is no well-founded
//     derivation, so nothing keeps the cycle alive.
//
// Why not 1 + the highest rank of the premises: that is as sound, but all rows of one round then have the
// same rank and cannot prove each other. With an order of making, a row has more well-founded derivations,
// and fewer rows are lost to come back at once.
//
// Ranks of facts that stay never change, and they do not run out: a stratum whose ranks come near to 2^32 is
// derived anew.
//
// The guard. Where the facts touched while judging pass a fraction of what deriving everything would
// touch, everything that is not stated is taken out and derived anew; what comes back was never away.
//
// Cost: suspects times their derivations, and what is lost and gained. Threads: one.
// Sources: design.md section 5; Motik, Nenov, Piro, Horrocks 2015 for the alternatives it was measured
// against.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "rete/internal/network_state.h"
#include "rete/internal/row_marks.h"
#include "rete/node.h"

namespace entail::rete {

class RankedStratum final : public Node {
 public:
  RankedStratum(std::vector<datalog::RelationId> relations, double recompute_fraction);

  Expected<void> turn(NetworkState& state) override;
  void commit() override { rank_at_commit_ = last_rank_; }
  // Rows have the ranks again that they had, also where ranks were given anew.
  void abort(NetworkState&) override { last_rank_ = std::max(last_rank_, rank_at_commit_); }
  void rebind(const NetworkState& state, const compiler::StandingStratum& stratum) override;
  void derive_all() override { derives_all_ = true; }
  Expected<void> save(const NetworkState&, ImageWriter& to) const override;
  Expected<void> restore(NetworkState& state, ImageFrames& from) override;
  std::uint64_t bytes_used() const override;
  void verify(const NetworkState& state) const override;

  std::uint64_t times_recomputed() const { return times_recomputed_; }

 private:
  // Its rank does not change while suspects are judged.
  struct Suspect {
    std::uint32_t rank = 0;
    vm::Row row = 0;
  };
  // One relation of the stratum, and the fragments that belong to it, as positions in the code.
  struct Member {
    datalog::RelationId id{};
    std::vector<std::uint32_t> feeds;  // Change fragments whose source it is.
    std::vector<std::uint32_t> bound;  // Of its rules.
    std::vector<vm::Row> lost;         // In this turn.
    std::vector<vm::Row> stated;       // Stated in this turn, and nothing derived from them yet.
    std::vector<Suspect> doubts;       // To be judged.
    RowMarks suspected;                // The same rows.
    RowMarks retracted;                // Left with their statement in this turn.
  };
  // Candidates by member.
  using Batches = std::vector<vm::ChangeBatch>;

  std::size_t member_of(datalog::RelationId id) const;

  Expected<void> state_facts(NetworkState& state);
  Expected<void> insert_facts(NetworkState& state, std::size_t member,
                              const vm::ChangeBatch& facts);
  Expected<void> retract_facts(NetworkState& state, std::size_t member,
                               const vm::ChangeBatch& facts);
  Expected<bool> suspect_from_below(NetworkState& state);  // False: better derived anew.
  void suspect(NetworkState& state, std::size_t member, const vm::ChangeBatch& heads);
  void suspect_row(std::size_t member, vm::Row row, std::uint32_t rank);
  std::uint32_t ranks_to_judge();  // Those up to it; 0: none is left.
  const std::uint32_t* next_ranks(std::size_t n);
  Expected<void> suspect_heads(NetworkState& state, std::size_t member,
                               std::span<const vm::Row> lost);
  Expected<void> judge(NetworkState& state);
  Expected<void> judge_rows(NetworkState& state, std::size_t member, std::vector<vm::Row> rows);
  template <typename IsEnough, typename Take>
  Expected<void> take_proven(NetworkState& state, const Member& member, std::vector<vm::Row>& rows,
                             IsEnough&& is_enough, Take&& take);
  Expected<void> return_lost(NetworkState& state);
  Expected<void> gain_from_below(NetworkState& state);
  Expected<void> derive(NetworkState& state);
  Expected<void> run_all(NetworkState& state, const std::vector<std::uint32_t>& fragments,
                         std::span<const vm::Row> rows, vm::RunViews views);
  void await(NetworkState& state, const Batches& batches);
  Expected<void> recompute(NetworkState& state);
  Expected<void> note_errors(NetworkState& state);
  bool is_over_the_guard(const NetworkState& state) const;
  std::uint64_t rows_now(NetworkState& state) const;

  std::vector<Member> members_;
  std::vector<std::uint32_t> below_;  // Change fragments whose source is below the stratum.
  std::vector<std::uint32_t> units_;  // Rules without a positive atom: run once, when it is made.
  std::vector<std::uint32_t>
      bases_;  // Of rules that read nothing of the stratum: one fragment each.
  std::vector<std::uint32_t> errors_;  // Error fragments.
  Batches pending_;                    // Candidates of the next round.
  std::uint32_t last_rank_ = 0;
  std::uint32_t rank_at_commit_ = 0;
  Batches derived_;                   // Scratch.
  vm::ChangeBatch origins_;           // Scratch.
  std::vector<vm::Row> found_;        // Scratch.
  std::vector<std::uint32_t> ranks_;  // Scratch.
  RowMarks proven_;                   // Scratch.
  double recompute_fraction_;
  // What deriving has cost so far: rows touched, and rows that it made.
  std::uint64_t touched_deriving_ = 0;
  std::uint64_t made_deriving_ = 0;
  std::uint64_t touched_at_start_ = 0;
  std::uint64_t times_recomputed_ = 0;
  bool derives_all_ = false;  // In the next turn.
  bool has_run_units_ = false;
  bool gains_below_ = false;  // In this turn.
};

}  // namespace entail::rete
