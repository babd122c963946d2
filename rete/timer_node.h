// rete/timer_node.h - times that a clock reaches: what was not due becomes due.
//
//     _due(t) :- R(_, t), R.clock(at), at >= t + 10m.
//
//     times of R, in order   [ due … | t <= at - 10m ] limit [ not due yet … ]
//
//     the clock moves ▸ the limit moves ▸ the rows between the two limits ▸ changes of `_due`
//     a row comes or goes ▸ is it before the limit? ▸ a change of `_due`
//
// It has no state: R stands, with an index by the time. `_due` holds a time once, with the number of R's rows as
// its weight. Without a row in R.clock nothing is due.
//
// Cost: a tick, the rows that become due; a row of R, a comparison. Threads: one.
// Source: the timer queue of any discrete event simulation; here the queue is an index.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "compiler/standing_form.h"
#include "rete/internal/network_state.h"
#include "rete/node.h"

namespace entail::rete {

class TimerNode final : public Node {
 public:
  static Expected<std::shared_ptr<TimerNode>> create(NetworkState& state,
                                                     const compiler::StandingStratum& stratum);

  Expected<void> turn(NetworkState& state) override;
  void abort(NetworkState&) override { derives_all_ = false; }
  void rebind(const NetworkState& state, const compiler::StandingStratum& stratum) override;
  void derive_all() override { derives_all_ = true; }
  void verify(const NetworkState& state) const override;

  const compiler::StandingTimer& timer() const { return timer_; }
  // When the clock's next row becomes due: the least due time above what it has reached. Between steps.
  std::optional<std::int64_t> next_due(const NetworkState& state) const;

 private:
  TimerNode() = default;
  // Times up to here are due; nothing where the clock has not begun.
  std::optional<std::int64_t> limit(const NetworkState& state, vm::View view) const;
  void emit(NetworkState& state, std::span<const vm::Row> rows, std::int64_t weight,
            std::optional<std::int64_t> up_to);
  void emit_range(NetworkState& state, vm::View view, std::optional<std::int64_t> above,
                  std::optional<std::int64_t> up_to, std::int64_t weight);

  compiler::StandingTimer timer_;
  datalog::RelationId head_{};
  std::uint32_t word_ = 0;    // Of the source: the time.
  std::uint32_t index_ = 0;   // Of the source: by the time.
  bool derives_all_ = false;  // In the next turn: everything that is due is new.
};

// Makes latest_time() quick.
Expected<void> index_clock(vm::StandingRelation& clock);
// Where the clock stands; nothing before it has begun. Of several rows, which only others than the network state,
// the latest is its time. REQUIRES: index_clock().
std::optional<std::int64_t> latest_time(const vm::StandingRelation& clock, vm::View view);

}  // namespace entail::rete
