#include "vm/base/clock.h"

#include "vm/base/ensure.h"

namespace entail {

void ManualClock::advance_us(std::int64_t us) {
  ENTAIL_ENSURE(us >= 0);
  now_us_.fetch_add(us, std::memory_order_acq_rel);
  steady_ns_.fetch_add(us * 1000, std::memory_order_acq_rel);
}

}  // namespace entail
