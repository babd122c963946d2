// SQL's functions of dates, times, timestamps and intervals. The session's time zone is UTC.

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "vm/base/ascii.h"
#include "vm/internal/scalar_call.h"
#include "vm/internal/scalar_numeric.h"
#include "vm/sql_datetime.h"
#include "vm/sql_text.h"

namespace entail::vm {

namespace {

constexpr std::int64_t kMicrosPerHour = 3600 * kMicrosPerSecond;
constexpr std::int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;

struct Moment {
  CivilDate date;
  std::int64_t days = 0;
  std::int64_t micros = 0;  // Of the day.
};

std::int64_t floor_divide(std::int64_t value, std::int64_t divisor) {
  const std::int64_t quotient = value / divisor;
  return quotient - (value % divisor < 0 ? 1 : 0);
}

Moment moment_of(std::int64_t timestamp) {
  const std::int64_t days = floor_divide(timestamp, kMicrosPerDay);
  return {civil_of(days), days, timestamp - days * kMicrosPerDay};
}

bool is_infinite(std::int64_t timestamp) {
  return timestamp == kTimestampInfinity || timestamp == kTimestampMinusInfinity;
}
bool is_infinite_date(std::int64_t days) {
  return days == kDateInfinity || days == kDateMinusInfinity;
}

void give_timestamp(ScalarCall& call, Int128 micros) {
  if (micros < INT64_MIN || micros > INT64_MAX ||
      !is_sql_timestamp(static_cast<std::int64_t>(micros))) {
    return call.fail(kTimestampOutOfRange);
  }
  call.give_integer(static_cast<std::int64_t>(micros));
}

void give_date(ScalarCall& call, Int128 days) {
  if (days < INT32_MIN || days > INT32_MAX || !is_sql_date(static_cast<std::int64_t>(days))) {
    return call.fail(kDateOutOfRange);
  }
  call.give_integer(static_cast<std::int64_t>(days));
}

void give_interval(ScalarCall& call, Int128 months, Int128 days, Int128 micros) {
  if (months < INT32_MIN || months > INT32_MAX || days < INT32_MIN || days > INT32_MAX ||
      micros < INT64_MIN || micros > INT64_MAX) {
    return call.fail(kIntervalOutOfRange);
  }
  call.give_interval({static_cast<std::int32_t>(months), static_cast<std::int32_t>(days),
                      static_cast<std::int64_t>(micros)});
}

Interval negated(const Interval& i) { return {-i.months, -i.days, -i.micros}; }

void timestamp_plus(ScalarCall& call, std::int64_t timestamp, const Interval& interval) {
  if (is_infinite(timestamp)) return call.give_integer(timestamp);
  std::int64_t out = 0;
  if (!add_interval(timestamp, interval, out) || !is_sql_timestamp(out)) {
    return call.fail(kTimestampOutOfRange);
  }
  call.give_integer(out);
}

void date_plus(ScalarCall& call, std::int64_t days, const Interval& interval) {
  if (is_infinite_date(days)) {
    return call.give_integer(days == kDateInfinity ? kTimestampInfinity : kTimestampMinusInfinity);
  }
  if (days >= 106'751'983) return call.fail("22008", "date out of range for timestamp");
  timestamp_plus(call, days * kMicrosPerDay, interval);
}

void date_plus_time(ScalarCall& call, std::int64_t days, std::int64_t micros) {
  date_plus(call, days, {0, 0, micros});
}

void date_plus_days(ScalarCall& call, std::int64_t date, std::int64_t days) {
  if (is_infinite_date(date)) return call.give_integer(date);
  give_date(call, static_cast<Int128>(date) + days);
}

void timestamp_difference(ScalarCall& call) {
  const std::int64_t left = call.integer(0), right = call.integer(1);
  if (is_infinite(left) || is_infinite(right)) {
    return call.fail("22008", "cannot subtract infinite timestamps");
  }
  const Int128 micros = static_cast<Int128>(left) - right;
  give_interval(call, 0, micros / kMicrosPerDay, micros % kMicrosPerDay);
}

void time_plus(ScalarCall& call, std::int64_t time, std::int64_t micros) {
  const std::int64_t sum = time + micros % kMicrosPerDay;
  call.give_integer(sum - floor_divide(sum, kMicrosPerDay) * kMicrosPerDay);
}

void interval_sum(ScalarCall& call, int sign) {
  const Interval a = call.interval(0), b = call.interval(1);
  give_interval(call, static_cast<Int128>(a.months) + sign * static_cast<Int128>(b.months),
                static_cast<Int128>(a.days) + sign * static_cast<Int128>(b.days),
                static_cast<Int128>(a.micros) + sign * static_cast<Int128>(b.micros));
}

// Rounds away what floats add behind the microsecond.
double rounded_micros(double seconds) { return std::rint(seconds * 1e6) / 1e6; }

// Months and days keep their whole part; what is left goes to days, and to the time.
void interval_scaled(ScalarCall& call, const Interval& i, double factor, bool divide) {
  const auto scaled = [&](double value) { return divide ? value / factor : value * factor; };
  const double months = scaled(i.months), days = scaled(i.days);
  if (std::isnan(months) || std::fabs(months) > INT32_MAX || std::isnan(days) ||
      std::fabs(days) > INT32_MAX) {
    return call.fail(kIntervalOutOfRange);
  }
  Interval out;
  out.months = static_cast<std::int32_t>(months);
  out.days = static_cast<std::int32_t>(days);
  double month_days = rounded_micros((months - out.months) * 30);
  double seconds = rounded_micros(
      (days - out.days + month_days - static_cast<double>(static_cast<std::int32_t>(month_days))) *
      86400);
  if (std::fabs(seconds) >= 86400) {
    out.days += static_cast<std::int32_t>(seconds / 86400);
    seconds -= static_cast<double>(static_cast<std::int32_t>(seconds / 86400)) * 86400;
  }
  out.days += static_cast<std::int32_t>(month_days);
  const double micros = std::rint(scaled(static_cast<double>(i.micros)) + seconds * 1e6);
  if (std::isnan(micros) || std::fabs(micros) >= 9223372036854775807.0) {
    return call.fail(kIntervalOutOfRange);
  }
  out.micros = static_cast<std::int64_t>(micros);
  call.give_interval(out);
}

// ---- parts

enum class Part : std::uint8_t {
  kCentury,
  kDay,
  kDecade,
  kDow,
  kDoy,
  kEpoch,
  kHour,
  kIsodow,
  kIsoyear,
  kJulian,
  kMicroseconds,
  kMillennium,
  kMilliseconds,
  kMinute,
  kMonth,
  kQuarter,
  kSecond,
  kTimezone,
  kTimezoneHour,
  kTimezoneMinute,
  kWeek,
  kYear
};

std::optional<Part> part_of(std::string_view name) {
  struct Entry {
    std::string_view name;
    Part part;
  };
  static constexpr Entry kParts[] = {{"century", Part::kCentury},
                                     {"centuries", Part::kCentury},
                                     {"cent", Part::kCentury},
                                     {"c", Part::kCentury},
                                     {"day", Part::kDay},
                                     {"days", Part::kDay},
                                     {"d", Part::kDay},
                                     {"decade", Part::kDecade},
                                     {"decades", Part::kDecade},
                                     {"dec", Part::kDecade},
                                     {"dow", Part::kDow},
                                     {"doy", Part::kDoy},
                                     {"epoch", Part::kEpoch},
                                     {"hour", Part::kHour},
                                     {"hours", Part::kHour},
                                     {"h", Part::kHour},
                                     {"hr", Part::kHour},
                                     {"hrs", Part::kHour},
                                     {"isodow", Part::kIsodow},
                                     {"isoyear", Part::kIsoyear},
                                     {"julian", Part::kJulian},
                                     {"microseconds", Part::kMicroseconds},
                                     {"microsecond", Part::kMicroseconds},
                                     {"us", Part::kMicroseconds},
                                     {"usec", Part::kMicroseconds},
                                     {"millennium", Part::kMillennium},
                                     {"millennia", Part::kMillennium},
                                     {"mil", Part::kMillennium},
                                     {"milliseconds", Part::kMilliseconds},
                                     {"millisecond", Part::kMilliseconds},
                                     {"ms", Part::kMilliseconds},
                                     {"msec", Part::kMilliseconds},
                                     {"minute", Part::kMinute},
                                     {"minutes", Part::kMinute},
                                     {"m", Part::kMinute},
                                     {"min", Part::kMinute},
                                     {"mins", Part::kMinute},
                                     {"month", Part::kMonth},
                                     {"months", Part::kMonth},
                                     {"mon", Part::kMonth},
                                     {"mons", Part::kMonth},
                                     {"quarter", Part::kQuarter},
                                     {"qtr", Part::kQuarter},
                                     {"second", Part::kSecond},
                                     {"seconds", Part::kSecond},
                                     {"s", Part::kSecond},
                                     {"sec", Part::kSecond},
                                     {"secs", Part::kSecond},
                                     {"timezone", Part::kTimezone},
                                     {"timezone_hour", Part::kTimezoneHour},
                                     {"timezone_minute", Part::kTimezoneMinute},
                                     {"week", Part::kWeek},
                                     {"weeks", Part::kWeek},
                                     {"w", Part::kWeek},
                                     {"year", Part::kYear},
                                     {"years", Part::kYear},
                                     {"y", Part::kYear},
                                     {"yr", Part::kYear},
                                     {"yrs", Part::kYear}};
  const std::string lowered = ascii_lower(name);
  for (const Entry& entry : kParts) {
    if (entry.name == lowered) return entry.part;
  }
  return {};
}

// The days of a week from Monday, 1 to 7.
std::int64_t iso_weekday(std::int64_t days) { return ((days + 3) % 7 + 7) % 7 + 1; }

// The Monday of the first ISO week of a year: the week of January 4.
std::int64_t first_iso_monday(std::int64_t year) {
  const std::int64_t fourth = days_of({year, 1, 4});
  return fourth - (iso_weekday(fourth) - 1);
}

std::int64_t iso_year(std::int64_t days) {
  const std::int64_t year = civil_of(days).year;
  if (days < first_iso_monday(year)) return year - 1;
  return days >= first_iso_monday(year + 1) ? year + 1 : year;
}

std::int64_t iso_week(std::int64_t days) {
  return (days - first_iso_monday(iso_year(days))) / 7 + 1;
}

std::int64_t shown_year(std::int64_t year) { return year > 0 ? year : year - 1; }
std::int64_t century_of(std::int64_t year) {
  return year > 0 ? (year + 99) / 100 : -((99 - (year - 1)) / 100);
}
std::int64_t millennium_of(std::int64_t year) {
  return year > 0 ? (year + 999) / 1000 : -((999 - (year - 1)) / 1000);
}

struct Extracted {
  Int128 value = 0;
  std::int32_t scale = 0;
};

std::optional<Extracted> time_part(Part part, std::int64_t micros) {
  switch (part) {
    case Part::kHour:
      return Extracted{micros / kMicrosPerHour};
    case Part::kMinute:
      return Extracted{micros / kMicrosPerMinute % 60};
    case Part::kSecond:
      return Extracted{micros % kMicrosPerMinute, 6};
    case Part::kMilliseconds:
      return Extracted{micros % kMicrosPerMinute, 3};
    case Part::kMicroseconds:
      return Extracted{micros % kMicrosPerMinute};
    default:
      return {};
  }
}

std::optional<Extracted> date_part(Part part, std::int64_t days) {
  const CivilDate date = civil_of(days);
  switch (part) {
    case Part::kCentury:
      return Extracted{century_of(date.year)};
    case Part::kDay:
      return Extracted{date.day};
    case Part::kDecade:
      return Extracted{floor_divide(date.year, 10)};
    case Part::kDow:
      return Extracted{iso_weekday(days) % 7};
    case Part::kDoy:
      return Extracted{days - days_of({date.year, 1, 1}) + 1};
    case Part::kIsodow:
      return Extracted{iso_weekday(days)};
    case Part::kIsoyear:
      return Extracted{shown_year(iso_year(days))};
    case Part::kMillennium:
      return Extracted{millennium_of(date.year)};
    case Part::kMonth:
      return Extracted{date.month};
    case Part::kQuarter:
      return Extracted{(date.month - 1) / 3 + 1};
    case Part::kWeek:
      return Extracted{iso_week(days)};
    case Part::kYear:
      return Extracted{shown_year(date.year)};
    default:
      return {};
  }
}

std::optional<Extracted> interval_part(Part part, const Interval& i) {
  switch (part) {
    case Part::kCentury:
      return Extracted{i.months / 1200};
    case Part::kDay:
      return Extracted{i.days};
    case Part::kDecade:
      return Extracted{i.months / 120};
    case Part::kEpoch: {
      const Int128 days = static_cast<Int128>(i.months / 12) * 36525 * 864 +
                          (static_cast<Int128>(i.months % 12) * 30 + i.days) * 86400;
      return Extracted{days * kMicrosPerSecond + i.micros, 6};
    }
    case Part::kMillennium:
      return Extracted{i.months / 12000};
    case Part::kMonth:
      return Extracted{i.months % 12};
    case Part::kQuarter:
      return Extracted{i.months % 12 / 3 + 1};
    case Part::kYear:
      return Extracted{i.months / 12};
    default:
      return time_part(part, i.micros);
  }
}

void give_extracted(ScalarCall& call, const Extracted& extracted) {
  NumericValue value = NumericValue::of_integer(extracted.value);
  value.scale = extracted.scale;
  if (call.result_type().kind == TypeKind::kFloat8) {
    return call.give_float8(static_cast<double>(extracted.value) / std::pow(10.0, extracted.scale));
  }
  give_numeric(call, value);
}

void extract(ScalarCall& call) {
  const TypeKind kind = call.argument(1).type.kind;
  const std::string_view type = kind == TypeKind::kDate        ? "date"
                                : kind == TypeKind::kTime      ? "time without time zone"
                                : kind == TypeKind::kTimestamp ? "timestamp without time zone"
                                : kind == TypeKind::kInterval  ? "interval"
                                                               : "timestamp with time zone";
  const auto part = part_of(call.bytes(0));
  if (!part) {
    return call.fail("22023",
                     fmt::format("unit \"{}\" not recognized for type {}", call.bytes(0), type));
  }
  std::optional<Extracted> found;
  const std::int64_t value = call.integer(1);
  if (kind == TypeKind::kInterval) {
    found = interval_part(*part, call.interval(1));
  } else if (kind == TypeKind::kTime) {
    found = *part == Part::kEpoch ? Extracted{value, 6} : time_part(*part, value);
  } else {
    const bool date = kind == TypeKind::kDate;
    if (date ? is_infinite_date(value) : is_infinite(value)) {
      const bool grows = *part == Part::kYear || *part == Part::kEpoch || *part == Part::kDecade ||
                         *part == Part::kCentury || *part == Part::kMillennium ||
                         *part == Part::kJulian || *part == Part::kIsoyear;
      if (!grows) return call.give_null();
      const bool negative = value < 0;
      if (call.result_type().kind == TypeKind::kFloat8) {
        return call.give_float8(negative ? -INFINITY : INFINITY);
      }
      return give_numeric(call, NumericValue::special(negative ? NumericKind::kMinusInfinity
                                                               : NumericKind::kPlusInfinity));
    }
    const std::int64_t days = date ? value : floor_divide(value, kMicrosPerDay);
    const std::int64_t micros = date ? 0 : value - days * kMicrosPerDay;
    if (*part == Part::kEpoch) {
      found = date ? Extracted{static_cast<Int128>(value) * 86400} : Extracted{value, 6};
    } else if (*part == Part::kJulian) {
      NumericValue julian = NumericValue::of_integer(days + 2440588);
      if (!date) {
        NumericValue fraction;
        static_cast<void>(numeric_divide(NumericValue::of_integer(micros),
                                         NumericValue::of_integer(kMicrosPerDay), fraction));
        static_cast<void>(numeric_add(julian, fraction, julian));
      }
      if (call.result_type().kind == TypeKind::kFloat8) return call.give_float8(julian.to_double());
      return give_numeric(call, julian);
    } else if (kind == TypeKind::kTimestampTz &&
               (*part == Part::kTimezone || *part == Part::kTimezoneHour ||
                *part == Part::kTimezoneMinute)) {
      found = Extracted{0};
    } else {
      found = date_part(*part, days);
      // date_part() takes a date as its midnight, extract() has no hours for it.
      const bool timed = !date || call.result_type().kind == TypeKind::kFloat8;
      if (!found && timed) found = time_part(*part, micros);
    }
  }
  if (!found) {
    return call.fail("0A000",
                     fmt::format("unit \"{}\" not supported for type {}", call.bytes(0), type));
  }
  give_extracted(call, *found);
}

// Parts that name no unit are not known to date_trunc().
bool is_truncation(Part part) {
  return part != Part::kEpoch && part != Part::kDow && part != Part::kDoy &&
         part != Part::kIsodow && part != Part::kIsoyear && part != Part::kJulian;
}

void truncate(ScalarCall& call) {
  const std::int64_t value = call.integer(1);
  const auto part = part_of(call.bytes(0));
  const std::string_view type = call.argument(1).type.kind == TypeKind::kTimestamp
                                    ? "timestamp without time zone"
                                    : "timestamp with time zone";
  if (!part || !is_truncation(*part)) {
    return call.fail("22023",
                     fmt::format("unit \"{}\" not recognized for type {}", call.bytes(0), type));
  }
  if (is_infinite(value)) return call.give_integer(value);
  const Moment m = moment_of(value);
  const auto midnight = [&](std::int64_t year, unsigned month, unsigned day) {
    give_timestamp(call, static_cast<Int128>(days_of({year, month, day})) * kMicrosPerDay);
  };
  const auto unit = [&](std::int64_t micros) { call.give_integer(value - (m.micros % micros)); };
  const std::int64_t year = m.date.year;
  switch (*part) {
    case Part::kMicroseconds:
      return call.give_integer(value);
    case Part::kMilliseconds:
      return unit(1000);
    case Part::kSecond:
      return unit(kMicrosPerSecond);
    case Part::kMinute:
      return unit(kMicrosPerMinute);
    case Part::kHour:
      return unit(kMicrosPerHour);
    case Part::kDay:
      return unit(kMicrosPerDay);
    case Part::kWeek:
      return give_timestamp(
          call, static_cast<Int128>(m.days - (iso_weekday(m.days) - 1)) * kMicrosPerDay);
    case Part::kMonth:
      return midnight(year, m.date.month, 1);
    case Part::kQuarter:
      return midnight(year, (m.date.month - 1) / 3 * 3 + 1, 1);
    case Part::kYear:
      return midnight(year, 1, 1);
    case Part::kDecade:
      return midnight(floor_divide(year, 10) * 10, 1, 1);
    case Part::kCentury:
      return midnight(floor_divide(year - 1, 100) * 100 + 1, 1, 1);
    case Part::kMillennium:
      return midnight(floor_divide(year - 1, 1000) * 1000 + 1, 1, 1);
    default:
      return call.fail("0A000",
                       fmt::format("unit \"{}\" not supported for type {}", call.bytes(0), type));
  }
}

void truncate_interval(ScalarCall& call) {
  const auto part = part_of(call.bytes(0));
  Interval i = call.interval(1);
  if (!part || !is_truncation(*part)) {
    return call.fail("22023",
                     fmt::format("unit \"{}\" not recognized for type interval", call.bytes(0)));
  }
  const auto months = [&](std::int32_t unit) {
    i.months = i.months / unit * unit;
    i.days = 0;
    i.micros = 0;
  };
  const auto micros = [&](std::int64_t unit) { i.micros = i.micros / unit * unit; };
  switch (*part) {
    case Part::kMicroseconds:
      break;
    case Part::kMilliseconds:
      micros(1000);
      break;
    case Part::kSecond:
      micros(kMicrosPerSecond);
      break;
    case Part::kMinute:
      micros(kMicrosPerMinute);
      break;
    case Part::kHour:
      micros(kMicrosPerHour);
      break;
    case Part::kDay:
      i.micros = 0;
      break;
    case Part::kMonth:
      months(1);
      break;
    case Part::kQuarter:
      months(3);
      break;
    case Part::kYear:
      months(12);
      break;
    case Part::kDecade:
      months(120);
      break;
    case Part::kCentury:
      months(1200);
      break;
    case Part::kMillennium:
      months(12000);
      break;
    default:
      return call.fail("0A000",
                       fmt::format("unit \"{}\" not supported for type interval", call.bytes(0)));
  }
  call.give_interval(i);
}

// In years, months, days and time, as a person counts them.
void age(ScalarCall& call) {
  const std::int64_t left = call.integer(0), right = call.integer(1);
  if (is_infinite(left) || is_infinite(right)) return call.fail(kIntervalOutOfRange);
  const bool negative = left < right;
  const Moment a = moment_of(negative ? right : left), b = moment_of(negative ? left : right);
  std::int64_t micros = a.micros - b.micros;
  std::int64_t days = static_cast<std::int64_t>(a.date.day) - b.date.day;
  std::int64_t months = (a.date.year - b.date.year) * 12 + a.date.month - b.date.month;
  if (micros < 0) {
    micros += kMicrosPerDay;
    --days;
  }
  if (days < 0) {
    // A month has the length of the earlier date's.
    days += days_in_month(b.date.year, b.date.month);
    --months;
  }
  const int sign = negative ? -1 : 1;
  give_interval(call, sign * months, sign * days, sign * static_cast<Int128>(micros));
}

bool is_day(std::int64_t year, std::int64_t month, std::int64_t day) {
  return year != 0 && month >= 1 && month <= 12 && day >= 1 && std::llabs(year) < 6'000'000 &&
         day <= days_in_month(year < 0 ? year + 1 : year, static_cast<unsigned>(month));
}

std::int64_t day_of(std::int64_t year, std::int64_t month, std::int64_t day) {
  return days_of(
      {year < 0 ? year + 1 : year, static_cast<unsigned>(month), static_cast<unsigned>(day)});
}

std::optional<std::int64_t> clock_of(std::int64_t hour, std::int64_t minute, double second) {
  if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || !(second >= 0 && second <= 60)) {
    return {};
  }
  const std::int64_t micros = hour * kMicrosPerHour + minute * kMicrosPerMinute +
                              static_cast<std::int64_t>(std::rint(second * 1e6));
  return micros <= kMicrosPerDay ? std::optional(micros) : std::nullopt;
}

void make_timestamp(ScalarCall& call) {
  const std::int64_t year = call.integer(0), month = call.integer(1), day = call.integer(2);
  if (!is_day(year, month, day)) {
    return call.fail(
        "22008", fmt::format("date field value out of range: {}-{:02}-{:02}", year, month, day));
  }
  const auto clock = clock_of(call.integer(3), call.integer(4), call.float8(5));
  if (!clock) {
    return call.fail("22008", fmt::format("time field value out of range: {}:{:02}:{:02}",
                                          call.integer(3), call.integer(4), call.float8(5)));
  }
  give_timestamp(call, static_cast<Int128>(day_of(year, month, day)) * kMicrosPerDay + *clock);
}

void justify(ScalarCall& call, bool hours, bool days) {
  const Interval i = call.interval(0);
  Int128 d = i.days, micros = i.micros, months = i.months;
  if (hours) {
    d += micros / kMicrosPerDay;
    micros %= kMicrosPerDay;
  }
  if (days) {
    months += d / 30;
    d %= 30;
  }
  if (days && months > 0 && (d < 0 || (d == 0 && hours && micros < 0))) {
    d += 30;
    --months;
  } else if (days && months < 0 && (d > 0 || (d == 0 && hours && micros > 0))) {
    d -= 30;
    ++months;
  }
  if (hours && d > 0 && micros < 0) {
    micros += kMicrosPerDay;
    --d;
  } else if (hours && d < 0 && micros > 0) {
    micros -= kMicrosPerDay;
    ++d;
  }
  give_interval(call, months, d, micros);
}

void at_zone(ScalarCall& call, int sign) {
  std::int64_t offset = 0;
  if (!read_zone(call.bytes(0), offset)) {
    return call.fail("22023", fmt::format("time zone \"{}\" not recognized", call.bytes(0)));
  }
  const std::int64_t value = call.integer(1);
  if (is_infinite(value)) return call.give_integer(value);
  give_timestamp(call, static_cast<Int128>(value) + sign * offset);
}

std::int64_t rounded_to(std::int64_t micros, std::int64_t digits) {
  std::int64_t unit = 1;
  for (std::int64_t i = std::max<std::int64_t>(digits, 0); i < 6; ++i) unit *= 10;
  const std::int64_t half = unit / 2;
  return micros >= 0 ? (micros + half) / unit * unit : -((-micros + half) / unit * unit);
}

}  // namespace

namespace scalar {

void kDatePlusDays(ScalarCall& call) { date_plus_days(call, call.integer(0), call.integer(1)); }
void kDaysPlusDate(ScalarCall& call) { date_plus_days(call, call.integer(1), call.integer(0)); }
void kDateMinusDays(ScalarCall& call) { date_plus_days(call, call.integer(0), -call.integer(1)); }
void kDateMinusDate(ScalarCall& call) {
  if (is_infinite_date(call.integer(0)) || is_infinite_date(call.integer(1))) {
    return call.fail("22008", "cannot subtract infinite dates");
  }
  call.give_integer(call.integer(0) - call.integer(1));
}
void kDatePlusInterval(ScalarCall& call) { date_plus(call, call.integer(0), call.interval(1)); }
void kIntervalPlusDate(ScalarCall& call) { date_plus(call, call.integer(1), call.interval(0)); }
void kDateMinusInterval(ScalarCall& call) {
  date_plus(call, call.integer(0), negated(call.interval(1)));
}
void kDatePlusTime(ScalarCall& call) { date_plus_time(call, call.integer(0), call.integer(1)); }
void kTimePlusDate(ScalarCall& call) { date_plus_time(call, call.integer(1), call.integer(0)); }
void kTimestampPlusInterval(ScalarCall& call) {
  timestamp_plus(call, call.integer(0), call.interval(1));
}
void kIntervalPlusTimestamp(ScalarCall& call) {
  timestamp_plus(call, call.integer(1), call.interval(0));
}
void kTimestampMinusInterval(ScalarCall& call) {
  timestamp_plus(call, call.integer(0), negated(call.interval(1)));
}
void kTimestampMinusTimestamp(ScalarCall& call) { timestamp_difference(call); }
void kTimestampTzPlusInterval(ScalarCall& call) { kTimestampPlusInterval(call); }
void kIntervalPlusTimestampTz(ScalarCall& call) { kIntervalPlusTimestamp(call); }
void kTimestampTzMinusInterval(ScalarCall& call) { kTimestampMinusInterval(call); }
void kTimestampTzMinusTimestampTz(ScalarCall& call) { timestamp_difference(call); }
void kTimePlusInterval(ScalarCall& call) {
  time_plus(call, call.integer(0), call.interval(1).micros);
}
void kIntervalPlusTime(ScalarCall& call) {
  time_plus(call, call.integer(1), call.interval(0).micros);
}
void kTimeMinusInterval(ScalarCall& call) {
  time_plus(call, call.integer(0), -call.interval(1).micros);
}
void kTimeMinusTime(ScalarCall& call) {
  call.give_interval({0, 0, call.integer(0) - call.integer(1)});
}
void kIntervalPlusInterval(ScalarCall& call) { interval_sum(call, 1); }
void kIntervalMinusInterval(ScalarCall& call) { interval_sum(call, -1); }
void kNegateInterval(ScalarCall& call) {
  const Interval i = call.interval(0);
  give_interval(call, -static_cast<Int128>(i.months), -static_cast<Int128>(i.days),
                -static_cast<Int128>(i.micros));
}
void kIntervalTimes(ScalarCall& call) {
  interval_scaled(call, call.interval(0), call.float8(1), false);
}
void kTimesInterval(ScalarCall& call) {
  interval_scaled(call, call.interval(1), call.float8(0), false);
}
void kIntervalDivided(ScalarCall& call) {
  if (call.float8(1) == 0.0) return call.fail(kSqlDivisionByZero);
  interval_scaled(call, call.interval(0), call.float8(1), true);
}
void kExtractDate(ScalarCall& call) { extract(call); }
void kExtractTime(ScalarCall& call) { extract(call); }
void kExtractTimestamp(ScalarCall& call) { extract(call); }
void kExtractTimestampTz(ScalarCall& call) { extract(call); }
void kExtractInterval(ScalarCall& call) { extract(call); }
void kDatePartDate(ScalarCall& call) { extract(call); }
void kDatePartTime(ScalarCall& call) { extract(call); }
void kDatePartTimestamp(ScalarCall& call) { extract(call); }
void kDatePartTimestampTz(ScalarCall& call) { extract(call); }
void kDatePartInterval(ScalarCall& call) { extract(call); }
void kDateTruncTimestamp(ScalarCall& call) { truncate(call); }
void kDateTruncTimestampTz(ScalarCall& call) { truncate(call); }
void kDateTruncInterval(ScalarCall& call) { truncate_interval(call); }
void kDateBin(ScalarCall& call) {
  const Interval stride = call.interval(0);
  const std::int64_t value = call.integer(1), origin = call.integer(2);
  if (is_infinite(value)) return call.give_integer(value);
  if (is_infinite(origin)) return call.fail("22008", "origin out of range");
  if (stride.months != 0) {
    return call.fail("0A000",
                     "timestamps cannot be binned into intervals containing months or years");
  }
  const Int128 step = static_cast<Int128>(stride.days) * kMicrosPerDay + stride.micros;
  if (step <= 0) return call.fail("22008", "stride must be greater than zero");
  const Int128 distance = static_cast<Int128>(value) - origin;
  Int128 rest = distance % step;
  if (rest < 0) rest += step;
  give_timestamp(call, value - rest);
}
void kDateBinTz(ScalarCall& call) { kDateBin(call); }
void kAgeTimestamp(ScalarCall& call) { age(call); }
void kAgeTimestampTz(ScalarCall& call) { age(call); }
void kMakeDate(ScalarCall& call) {
  const std::int64_t year = call.integer(0), month = call.integer(1), day = call.integer(2);
  if (!is_day(year, month, day)) {
    return call.fail(
        "22008", fmt::format("date field value out of range: {}-{:02}-{:02}", year, month, day));
  }
  give_date(call, day_of(year, month, day));
}
void kMakeTime(ScalarCall& call) {
  const auto clock = clock_of(call.integer(0), call.integer(1), call.float8(2));
  if (!clock) {
    return call.fail("22008", fmt::format("time field value out of range: {}:{:02}:{:02}",
                                          call.integer(0), call.integer(1), call.float8(2)));
  }
  call.give_integer(*clock);
}
void kMakeTimestamp(ScalarCall& call) { make_timestamp(call); }
void kMakeTimestampTz(ScalarCall& call) { make_timestamp(call); }
void kMakeInterval(ScalarCall& call) {
  const double seconds = std::rint(call.float8(6) * 1e6);
  if (!(std::fabs(seconds) < 9.2e18)) return call.fail(kIntervalOutOfRange);
  give_interval(call, static_cast<Int128>(call.integer(0)) * 12 + call.integer(1),
                static_cast<Int128>(call.integer(2)) * 7 + call.integer(3),
                static_cast<Int128>(call.integer(4)) * kMicrosPerHour +
                    static_cast<Int128>(call.integer(5)) * kMicrosPerMinute +
                    static_cast<Int128>(seconds));
}
void kJustifyDays(ScalarCall& call) { justify(call, false, true); }
void kJustifyHours(ScalarCall& call) { justify(call, true, false); }
void kJustifyInterval(ScalarCall& call) { justify(call, true, true); }
void kIsFiniteDate(ScalarCall& call) { call.give_bool(!is_infinite_date(call.integer(0))); }
void kIsFiniteTimestamp(ScalarCall& call) { call.give_bool(!is_infinite(call.integer(0))); }
void kIsFiniteTimestampTz(ScalarCall& call) { call.give_bool(!is_infinite(call.integer(0))); }
void kIsFiniteInterval(ScalarCall& call) { call.give_bool(true); }
void kTimezoneTimestamp(ScalarCall& call) { at_zone(call, -1); }
void kTimezoneTimestampTz(ScalarCall& call) { at_zone(call, 1); }
void kToTimestampEpoch(ScalarCall& call) {
  const double seconds = call.float8(0);
  if (std::isnan(seconds)) return call.fail("22008", "timestamp cannot be NaN");
  if (std::isinf(seconds)) {
    return call.give_integer(seconds < 0 ? kTimestampMinusInfinity : kTimestampInfinity);
  }
  const double micros = std::rint(seconds * 1e6);
  if (!(std::fabs(micros) < 9.2e18) || !is_sql_timestamp(static_cast<std::int64_t>(micros))) {
    std::string text;
    print_sql_float8(seconds, text);
    return call.fail("22008", "timestamp out of range: \"" + text + "\"");
  }
  call.give_integer(static_cast<std::int64_t>(micros));
}
void kCoerceTime(ScalarCall& call) {
  call.give_integer(rounded_to(call.integer(0), call.integer(1)));
}
void kCoerceTimestamp(ScalarCall& call) {
  const std::int64_t value = call.integer(0);
  if (is_infinite(value)) return call.give_integer(value);
  give_timestamp(call, rounded_to(value, call.integer(1)));
}
void kCoerceTimestampTz(ScalarCall& call) { kCoerceTimestamp(call); }

}  // namespace scalar
}  // namespace entail::vm
