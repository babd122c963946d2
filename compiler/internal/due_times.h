// compiler/internal/due_times.h - comparisons of a stream's clock with times of rows, in bodies.
//
//     R(x, ts), exists { R.clock(at), at >= ts + d }      a timer: R's times, d, R.clock      _due(ts)
//
// Threads: pure.
#pragma once

#include <optional>
#include <set>
#include <utility>

#include "compiler/standing_form.h"
#include "datalog/rule_program.h"

namespace entail::compiler::internal {

// `clock(at), at >= e` where nothing else asks for `at` becomes `exists { clock(at), at >= e }`.
void compare_clocks_only(const datalog::RuleProgram& program, datalog::Rule& rule);

// Of { clock(at), at >= t + d } beside an atom that t is a column of, and that does not grow: the timer, and t.
std::optional<std::pair<StandingTimer, datalog::Expression>> timer_of(
    const datalog::RuleProgram& program, const datalog::Body& comparison,
    const datalog::Body& around, const std::set<datalog::RelationId>& growing);

// head(t) :- source(…, t, …), clock(at), at >= t + d.
datalog::Rule due_rule(const datalog::RuleProgram& program, const StandingTimer& timer,
                       datalog::RelationId head, const datalog::SourceSpan& span);

}  // namespace entail::compiler::internal
