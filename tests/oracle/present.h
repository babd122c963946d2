// tests/oracle/present.h - what rules say of the present, with the present filled in.
//
// `over current d` and now() are read as they are written: the clocks' facts are looked up in the program, and
// each condition becomes one of constants. No code is shared with datalog/time_conditions.h.
//
//     R(x, ts) over current 10s        R(x, ts), ts > 10:07:50         R.clock holds 10:08
//     R(x, ts), ts > now() - 10s       R(x, ts), ts > 10:07:50
//
// now() is the least of the clocks of the streams that a body matches, or those of the bodies around it. A clock
// without a row is before all times.
//
// Threads: pure.
#pragma once

#include "datalog/rule_program.h"

namespace entail::oracle {

// REQUIRES: the program states the facts of its clocks. Its strata are to be found anew.
datalog::RuleProgram with_present(datalog::RuleProgram program);

}  // namespace entail::oracle
