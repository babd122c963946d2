// datalog/internal/declared_values.h - the values that stand in declarations: defaults of columns, and
// how long a stream waits, rows expire and versions are kept.
//
// They are terms of the language like any other, so this runs when all names are declared. Reports
// what is no constant or does not fit.
#pragma once

#include "datalog/internal/environment.h"

namespace entail::datalog {

// Puts the values into the relations of the program. REQUIRES: the declarations were sound.
void lower_declared_values(Environment& environment);

}  // namespace entail::datalog
