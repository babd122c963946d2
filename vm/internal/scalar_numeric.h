// vm/internal/scalar_numeric.h - numerics as arguments and results of SQL's functions.
//
// Threads: one.
#pragma once

#include "vm/internal/scalar_call.h"
#include "vm/numeric_value.h"

namespace entail::vm {

NumericValue numeric_argument(ScalarCall& call, std::size_t i);
void give_numeric(ScalarCall& call, const NumericValue& value);  // As the result's type wants it.
void fail_numeric(ScalarCall& call, NumericFailure failure);
// What assignment to numeric(precision, scale) does; false where the call has failed.
bool coerce_numeric(ScalarCall& call, NumericValue& value, std::int64_t precision,
                    std::int64_t scale);

}  // namespace entail::vm
