#include "datalog/event_time.h"

#include <limits>

#include "vm/datetime.h"

namespace entail::datalog {

std::optional<std::int64_t> constant_duration(const Expression& expression) {
  if (expression.op != ExpressionOp::kConstant || expression.type.kind != vm::TypeKind::kInterval) {
    return std::nullopt;
  }
  const vm::Interval interval = vm::interval_of(expression.words[0], expression.words[1]);
  constexpr std::int64_t kDay = 86'400'000'000;
  std::int64_t micros = 0;
  if (interval.months != 0 || __builtin_mul_overflow(std::int64_t{interval.days}, kDay, &micros) ||
      __builtin_add_overflow(micros, interval.micros, &micros)) {
    return std::nullopt;
  }
  return micros;
}

std::int64_t add_times(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? std::numeric_limits<std::int64_t>::min()
               : std::numeric_limits<std::int64_t>::max();
}

std::optional<StreamClock> clock_of(const Relation& relation) {
  if (relation.dropped || !relation.stream || !relation.stream->clock) return std::nullopt;
  const StreamAttributes& stream = *relation.stream;
  StreamClock result;
  result.time_column = *stream.event_time_column;
  if (stream.watermark_delay) result.delay = *constant_duration(*stream.watermark_delay);
  if (stream.expire_after) result.expire_after = constant_duration(*stream.expire_after);
  result.clock = *stream.clock;
  result.partitions = *stream.partitions;
  return result;
}

}  // namespace entail::datalog
