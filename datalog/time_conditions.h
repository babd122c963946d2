// datalog/time_conditions.h - what rules say of the present, in terms of the clocks of streams.
//
//     R(x, ts) over current 10m        R(x, ts), !{ R.clock(at), at >= ts + 10m }
//     R(x, ts), ts > now() - 10m       R(x, ts), !{ R.clock(at), at >= ts + 10m }
//     R(x, ts), ts <= now() - 10m      R(x, ts), exists { R.clock(at), at >= ts + 10m }
//
// So now() in a rule is the watermark of the streams that its body matches, the least of several, and may only
// bound a time. A clock that has not begun is before all times. In actions now() is the start of the
// transaction, and stays.
//
// A comparison of a clock with `ts + d`, as above, is what stands by a timer (rete/timer_node.h).
//
// Cost: linear in the program. Threads: the program is this call's alone.
#pragma once

#include <cstdint>
#include <optional>

#include "datalog/rule_program.h"
#include "grammar/diagnostics.h"

namespace entail::datalog {

// Rewrites all rules, productions and queries; reports what has no such form. Doing it again changes nothing.
void expand_time(RuleProgram& program, grammar::Diagnostics& diagnostics);

// What `at >= ts + d` says, where d is a constant: which variable, and how much later.
struct DueTime {
  VariableId time{};
  std::int64_t after = 0;
};
std::optional<DueTime> due_time(const Expression& expression);
// time + so many microseconds. REQUIRES: a timestamp.
Expression time_after(const Expression& time, std::int64_t micros);

}  // namespace entail::datalog
