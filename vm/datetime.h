// vm/datetime.h - calendar arithmetic and the ISO 8601 forms of dates, times and intervals.
//
// A date is days since 1970-01-01 in the proleptic Gregorian calendar, a time microseconds since
// midnight, a timestamp microseconds since 1970-01-01T00:00:00 UTC; the extreme values of date and
// timestamp are -infinity and infinity. Years are astronomical: year 0 is 1 BC.
//
// An interval is months, days and microseconds, which do not convert into one another: a month has
// 28 to 31 days and a day up to 25 hours. Order needs one measure, so, as in PostgreSQL, a month
// counts as 30 days and a day as 24 hours; unlike there, P1M and P30D then still differ, since
// equal values are equal words. They are ordered by their months.
//
// Parsing takes the whole text and says no more than whether it worked, or what part is out of
// range; vm/value_text.h makes the message.
//
// Threads: pure functions.

#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "vm/word.h"

namespace entail::vm {

inline constexpr std::int64_t kMicrosPerSecond = 1'000'000;
inline constexpr std::int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;

inline constexpr std::int32_t kDateMinusInfinity = std::numeric_limits<std::int32_t>::min();
inline constexpr std::int32_t kDateInfinity = std::numeric_limits<std::int32_t>::max();
inline constexpr std::int64_t kTimestampMinusInfinity = std::numeric_limits<std::int64_t>::min();
inline constexpr std::int64_t kTimestampInfinity = std::numeric_limits<std::int64_t>::max();

struct CivilDate {
  std::int64_t year = 1970;
  unsigned month = 1;  // 1..12
  unsigned day = 1;    // 1..31
  friend bool operator==(const CivilDate&, const CivilDate&) = default;
};

// Days since 1970-01-01. REQUIRES: a date that exists.
std::int64_t days_of(const CivilDate& date);
CivilDate civil_of(std::int64_t days);
unsigned days_in_month(std::int64_t year, unsigned month);

struct Interval {
  std::int32_t months = 0;
  std::int32_t days = 0;
  std::int64_t micros = 0;
  friend bool operator==(const Interval&, const Interval&) = default;
};

constexpr WordPair interval_words(const Interval& interval) {
  return {(static_cast<Word>(static_cast<std::uint32_t>(interval.months)) << 32) |
              static_cast<std::uint32_t>(interval.days),
          static_cast<Word>(interval.micros)};
}
constexpr Interval interval_of(Word high, Word low) {
  return {static_cast<std::int32_t>(high >> 32), static_cast<std::int32_t>(high),
          static_cast<std::int64_t>(low)};
}

// What intervals are ordered by: microseconds with months of 30 days, then months, then days.
Int128 interval_measure(const Interval& interval);
std::strong_ordering compare_intervals(const Interval& left, const Interval& right);

// timestamp + interval: months first (the day cut to the month's length), then days, then the
// rest. Infinities stay; returns false if the result does not fit.
[[nodiscard]] bool add_interval(std::int64_t timestamp, const Interval& interval,
                                std::int64_t& out);

enum class DateTimeError : std::uint8_t {
  kNone,
  kMalformed,   // Not of the form.
  kOutOfRange,  // A field is, such as month 13 or February 30, or the whole.
  kHasZone,     // A timestamp without time zone was given one other than Z.
};

[[nodiscard]] DateTimeError parse_date(std::string_view text, std::int32_t& days);
[[nodiscard]] DateTimeError parse_time(std::string_view text, std::int64_t& micros);
// Date, `T` or a space, time, and a zone: Z, +hh, +hhmm or +hh:mm. A date alone is its midnight.
// Without a zone UTC is meant. `zone_allowed` tells timestamptz from timestamp.
[[nodiscard]] DateTimeError parse_timestamp(std::string_view text, bool zone_allowed,
                                            std::int64_t& micros);
// P[nY][nM][nW][nD][T[nH][nM][n[.n]S]], each n with its own sign, the whole with one before P.
[[nodiscard]] DateTimeError parse_interval(std::string_view text, Interval& interval);

void print_date(std::int32_t days, std::string& out);
void print_time(std::int64_t micros, std::string& out);
void print_timestamp(std::int64_t micros, bool zone, std::string& out);
void print_interval(const Interval& interval, std::string& out);

}  // namespace entail::vm
