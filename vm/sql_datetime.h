// vm/sql_datetime.h - dates, times and intervals as SQL reads and prints them (ISO, MDY, UTC).
//
//     date         2026-01-31, 31 January 2026, 1/31/2026, 20260131, 44-03-15 BC, infinity, epoch
//     time         10:00, 10:00:00.25, 10:00 PM, 100000
//     timestamp    a date, a space or T, a time; timestamptz: a zone behind it: Z, UTC, +02, +02:30
//     interval     1 year 2 mons 3 days 04:05:06.5, 1-2, P1Y2M, 3 hours ago, 1.5 days
//
// Values are those of vm/datetime.h. Reading takes all forms; printing gives the first.
//
// Threads: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "vm/datetime.h"

namespace entail::vm {

enum class SqlDateTimeError : std::uint8_t {
  kNone,
  kSyntax,           // invalid input syntax for type …
  kFieldOutOfRange,  // date/time field value out of range
  kOutOfRange,       // date out of range, timestamp out of range
  kZone,             // time zone not recognized
};

[[nodiscard]] SqlDateTimeError read_sql_date(std::string_view text, std::int32_t& days);
[[nodiscard]] SqlDateTimeError read_sql_time(std::string_view text, std::int64_t& micros);
[[nodiscard]] SqlDateTimeError read_sql_timestamp(std::string_view text, bool zoned,
                                                  std::int64_t& micros);

// Which fields of an interval a type means: `interval hour to minute`.
enum class IntervalField : std::uint8_t { kYear, kMonth, kDay, kHour, kMinute, kSecond };
struct IntervalFields {
  IntervalField first = IntervalField::kYear, last = IntervalField::kSecond;
};
// A number without a unit is one of the last field; what stands behind that field is cut off.
[[nodiscard]] SqlDateTimeError read_sql_interval(std::string_view text, Interval& interval,
                                                 IntervalFields fields = {});

void print_sql_date(std::int32_t days, std::string& out);
void print_sql_time(std::int64_t micros, std::string& out);
void print_sql_timestamp(std::int64_t micros, bool zoned, std::string& out);
void print_sql_interval(const Interval& interval, std::string& out);

// The offset east of UTC in microseconds of a zone's name: UTC, GMT, Z, an abbreviation or an offset as
// POSIX writes it (west is positive). False where it is none of these.
[[nodiscard]] bool read_zone(std::string_view name, std::int64_t& offset);

// What PostgreSQL takes: dates from 4713 BC to 5874897, timestamps to 294276.
bool is_sql_date(std::int64_t days);
bool is_sql_timestamp(std::int64_t micros);

// 1..12 of a month's name or its first three letters; 0 if it is none.
unsigned month_of_name(std::string_view name);

}  // namespace entail::vm
