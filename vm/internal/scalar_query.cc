// What the lowering of queries asks of values: that a subquery had one row.

#include "vm/internal/scalar_call.h"

namespace entail::vm::scalar {

void kSingleRow(ScalarCall& call) {
  if (call.integer(0) > 1) {
    call.fail("21000", "more than one row returned by a subquery used as an expression");
  } else if (call.is_null(1)) {
    call.give_null();
  } else {
    call.word = call.argument(1).word;
    call.low = call.argument(1).low;
  }
}

}  // namespace entail::vm::scalar
