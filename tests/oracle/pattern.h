// tests/oracle/pattern.h - the matches of an event pattern, from its definition: all ways, the preferred ones
// first, until one holds.
//
//     what is left of the pattern    a list of parts; a row takes it to another such list
//     options                        what may come next, in the order of preference: a symbol, a match
//
// No automaton, no threads, nothing kept from one attempt to the next. Exponential: for few rows.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "datalog/rule_program.h"
#include "tests/oracle/expression_evaluator.h"
#include "tests/oracle/value.h"

namespace entail::oracle {

// Thrown where trying everything would take too long.
struct PatternTooLarge {};

// The values of the measures, for each row that is put out. `partition`: of each row what the body's variables
// are, in order. `watermark`: none where it is not known.
std::vector<Row> pattern_rows(const datalog::Pattern& pattern,
                              const std::vector<Environment>& partition,
                              std::optional<std::int64_t> watermark,
                              ExpressionEvaluator& expressions);

}  // namespace entail::oracle
