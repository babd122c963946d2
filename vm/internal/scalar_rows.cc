// What functions that return rows, and aggregates of several values, are made of: see the list's last parts.

#include <cmath>
#include <limits>
#include <string>

#include "vm/datetime.h"
#include "vm/internal/array_elements.h"
#include "vm/internal/scalar_call.h"
#include "vm/internal/scalar_numeric.h"
#include "vm/numeric_value.h"
#include "vm/sql_text.h"

namespace entail::vm {

namespace {

constexpr std::size_t kMostRows = 100'000'000;

void fail_step(ScalarCall& call) { call.fail("22023", "step size cannot equal zero"); }

// start, start + step, … up to stop. The sum is computed by what adds intervals for everybody.
void series_of_times(ScalarCall& call, void (*plus)(ScalarCall&)) {
  const Interval step = call.interval(2);
  const std::int64_t stop = call.integer(1);
  const Int128 length = (static_cast<Int128>(step.months) * 30 + step.days) * kMicrosPerDay +
                        static_cast<Int128>(step.micros);
  if (length == 0) return fail_step(call);
  ArrayBuilder rows(call);
  const Type type = call.argument(0).type;
  ScalarCall sum(call.context(), type, {type, call.argument(2).type});
  sum.arguments()[1] = call.argument(2);
  Word at = call.argument(0).word;
  for (std::size_t n = 0; length > 0 ? int_of(at) <= stop : int_of(at) >= stop; ++n) {
    if (n > kMostRows) return call.fail("54000", "too many rows of generate_series");
    rows.add(&at, false);
    sum.clear();
    sum.arguments()[0].word = at;
    plus(sum);
    if (sum.error != 0) {
      call.error = sum.error;
      return;
    }
    at = sum.word;
  }
  rows.give();
}

// Where the sorted values that are not null end.
std::int64_t present(const ArrayElements& elements) {
  std::int64_t n = elements.size();
  while (n > 0 && elements.is_null(n - 1)) --n;
  return n;
}

bool fraction_of(ScalarCall& call, double& fraction) {
  if (call.is_null(0) || call.is_null(1)) {
    call.give_null();
    return false;
  }
  fraction = call.float8(1);
  if (fraction >= 0.0 && fraction <= 1.0) return true;
  std::string text;
  print_sql_float8(fraction, text);
  call.fail("22003", "percentile value " + text + " is not between 0 and 1");
  return false;
}

void give_element(ScalarCall& call, const ArrayElements& elements, std::int64_t i) {
  call.word = *elements.at(i);
  if (value_words(elements.type()) == 2) call.low = elements.at(i)[1];
}

// Sums over pairs, and what is measured from their means.
struct Pairs {
  explicit Pairs(ScalarCall& call) : n(static_cast<double>(call.integer(0))) {
    for (std::size_t i = 1; i < 6; ++i) known = known && !call.is_null(i);
    known = known && !call.is_null(0) && n > 0;
    if (!known) return;
    x = call.float8(1);
    y = call.float8(2);
    xx = call.float8(3) - x * x / n;
    yy = call.float8(4) - y * y / n;
    xy = call.float8(5) - x * y / n;
    if (xx < 0) xx = 0;
    if (yy < 0) yy = 0;
  }
  bool known = true;
  double n = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;
};

template <typename Function>
void of_pairs(ScalarCall& call, double least, Function function) {
  const Pairs pairs(call);
  if (!pairs.known || pairs.n < least) return call.give_null();
  const double result = function(pairs);
  if (std::isnan(result) && !std::isnan(pairs.x) && !std::isnan(pairs.y)) return call.give_null();
  call.give_float8(result);
}

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

}  // namespace

namespace scalar {

void kSeriesTimestamp(ScalarCall& call) { series_of_times(call, kTimestampPlusInterval); }
void kSeriesTimestampTz(ScalarCall& call) { series_of_times(call, kTimestampTzPlusInterval); }
void kSeriesNumeric(ScalarCall& call) {
  NumericValue at = NumericValue::decode(call.bytes(0));
  const NumericValue stop = NumericValue::decode(call.bytes(1));
  const NumericValue step = NumericValue::decode(call.bytes(2));
  const char* const names[] = {"start", "stop", "step size"};
  const NumericValue* const values[] = {&at, &stop, &step};
  for (std::size_t i = 0; i < 3; ++i) {
    if (values[i]->is_finite()) continue;
    return call.fail("22023", std::string(names[i]) + (values[i]->kind == NumericKind::kNan
                                                           ? " value cannot be NaN"
                                                           : " value cannot be infinity"));
  }
  if (step.sign() == 0) return fail_step(call);
  ArrayBuilder rows(call);
  for (std::size_t n = 0;; ++n) {
    const int order = compare(at, stop);
    if (step.sign() > 0 ? order > 0 : order < 0) break;
    if (n > kMostRows) return call.fail("54000", "too many rows of generate_series");
    std::string bytes;
    at.encode(/*displayed=*/false, bytes);
    const Word word = call.pool().intern(bytes);
    rows.add(&word, false);
    NumericValue next;
    static_cast<void>(numeric_add(at, step, next));
    at = std::move(next);
  }
  rows.give();
}

void kPercentileCont(ScalarCall& call) {
  double fraction = 0;
  if (!fraction_of(call, fraction)) return;
  const ArrayElements elements(call, 0);
  const std::int64_t n = present(elements);
  if (n == 0) return call.give_null();
  const double place = fraction * static_cast<double>(n - 1);
  const auto first = static_cast<std::int64_t>(std::floor(place));
  const auto second = static_cast<std::int64_t>(std::ceil(place));
  const double low = double_of(*elements.at(first)), high = double_of(*elements.at(second));
  call.give_float8(first == second ? low
                                   : low + (high - low) * (place - static_cast<double>(first)));
}
void kPercentileDisc(ScalarCall& call) {
  double fraction = 0;
  if (!fraction_of(call, fraction)) return;
  const ArrayElements elements(call, 0);
  const std::int64_t n = present(elements);
  if (n == 0) return call.give_null();
  const auto place = static_cast<std::int64_t>(std::ceil(fraction * static_cast<double>(n)));
  give_element(call, elements, place > 0 ? place - 1 : 0);
}
void kMode(ScalarCall& call) {
  if (call.is_null(0)) return call.give_null();
  const ArrayElements elements(call, 0);
  const std::int64_t n = present(elements);
  if (n == 0) return call.give_null();
  std::int64_t best = 0, most = 0;
  for (std::int64_t i = 0; i < n;) {
    std::int64_t end = i + 1;
    while (end < n && compare_values(call.pool(), elements.type(), false, elements.at(i),
                                     elements.at(end)) == 0) {
      ++end;
    }
    if (end - i > most) {
      most = end - i;
      best = i;
    }
    i = end;
  }
  give_element(call, elements, best);
}

void kCorr(ScalarCall& call) {
  of_pairs(call, 1, [](const Pairs& p) {
    if (p.xx == 0 || p.yy == 0) return kNothing;
    return p.xy / std::sqrt(p.xx * p.yy);
  });
}
void kCovarPop(ScalarCall& call) {
  of_pairs(call, 1, [](const Pairs& p) { return p.xy / p.n; });
}
void kCovarSamp(ScalarCall& call) {
  of_pairs(call, 2, [](const Pairs& p) { return p.xy / (p.n - 1); });
}
void kRegrSxx(ScalarCall& call) {
  of_pairs(call, 1, [](const Pairs& p) { return p.xx; });
}
void kRegrSyy(ScalarCall& call) {
  of_pairs(call, 1, [](const Pairs& p) { return p.yy; });
}
void kRegrSxy(ScalarCall& call) {
  of_pairs(call, 1, [](const Pairs& p) { return p.xy; });
}
void kRegrAvgx(ScalarCall& call) {
  of_pairs(call, 1, [](const Pairs& p) { return p.x / p.n; });
}
void kRegrAvgy(ScalarCall& call) {
  of_pairs(call, 1, [](const Pairs& p) { return p.y / p.n; });
}
void kRegrSlope(ScalarCall& call) {
  of_pairs(call, 1, [](const Pairs& p) { return p.xx == 0 ? kNothing : p.xy / p.xx; });
}
void kRegrIntercept(ScalarCall& call) {
  of_pairs(call, 1,
           [](const Pairs& p) { return p.xx == 0 ? kNothing : (p.y - p.x * p.xy / p.xx) / p.n; });
}
void kRegrR2(ScalarCall& call) {
  of_pairs(call, 1, [](const Pairs& p) {
    if (p.xx == 0) return kNothing;
    return p.yy == 0 ? 1.0 : (p.xy * p.xy) / (p.xx * p.yy);
  });
}

}  // namespace scalar
}  // namespace entail::vm
