// tests/property/pattern_generator.h - puts the body of a rule into a random event pattern.
//
//     p(x, y) :- q(x, z), r(z, y).      p(x, y) :- sequence { q(x, z), r(z, y) } … => { x = …, y = … }.
//
// The matches of the body are the rows; all constructs of patterns occur, conditions on rows in hand and on others,
// deadlines and rows that are watermarks. Order values repeat, so that ties count.
// REQUIRES: no plan of its own that the rule depends on; its plan hint goes.
#pragma once

#include "datalog/rule_program.h"
#include "vm/base/random.h"

namespace entail {

void add_pattern(datalog::Rule& rule, Random& random);

}  // namespace entail
