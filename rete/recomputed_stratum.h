// rete/recomputed_stratum.h - a stratum that is evaluated anew when what it reads has changed.
//
// For recursion that ranks do not serve: minima and maxima through recursion whose steps are not known to
// be inflationary, equivalences in a cycle. What it read and what is stated is evaluated from scratch
// (compiler/evaluate.h), and compared with what stands.
//
// Stated facts are kept apart from the rows: under a minimum, a stated row may be there and not visible.
//
// Cost: a fresh evaluation of the stratum, and its rows, for each change. Threads: one.
#pragma once

#include <memory>
#include <vector>

#include "grammar/source_span.h"
#include "rete/internal/network_state.h"
#include "rete/node.h"

namespace entail::rete {

class RecomputedStratum final : public Node {
 public:
  // Fails with kUnsupported where a rule has an expression that can fail: there would be no place for
  // its error.
  static Expected<std::unique_ptr<RecomputedStratum>> create(
      const NetworkState& state, const compiler::StandingStratum& stratum,
      const grammar::SourceFiles* files);

  // Takes over what is stated in another network's node for the same stratum; both have it.
  void share_stated(const RecomputedStratum& other);
  const vm::StandingRelation& stated(datalog::RelationId id) const;

  Expected<void> turn(NetworkState& state) override;
  void commit() override;
  void abort(NetworkState& state) override;
  Expected<void> save(const NetworkState& state, ImageWriter& to) const override;
  Expected<void> restore(NetworkState& state, ImageFrames& from) override;
  std::uint64_t bytes_used() const override;
  void verify(const NetworkState& state) const override;

 private:
  struct Member {
    datalog::RelationId id{};
    std::shared_ptr<vm::StandingRelation> stated;
  };

  Expected<void> state_facts(NetworkState& state);
  Expected<void> compare(NetworkState& state, datalog::RelationId id,
                         const std::function<std::size_t(std::span<vm::Word* const>)>& next);

  std::vector<Member> members_;
  std::vector<datalog::RelationId> inputs_;
  datalog::RuleProgram program_;  // Its rules alone.
  const grammar::SourceFiles* files_ = nullptr;
  vm::Version version_ = 0;  // Of the stated facts: a count of commits.
};

}  // namespace entail::rete
