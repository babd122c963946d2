// vm/datetime_test.cc - see datetime.h.

#include "vm/datetime.h"

#include <string>

#include <catch2/catch.hpp>

#include "vm/base/random.h"

namespace entail::vm {
namespace {

constexpr const char* kMalformed = "malformed";
constexpr const char* kOutOfRange = "out of range";
constexpr const char* kHasZone = "has a zone";

std::string failure(DateTimeError error) {
  switch (error) {
    case DateTimeError::kNone:
      return "";
    case DateTimeError::kMalformed:
      return kMalformed;
    case DateTimeError::kOutOfRange:
      return kOutOfRange;
    case DateTimeError::kHasZone:
      return kHasZone;
  }
  return "?";
}

// What the text reads as, printed again; or why it does not read.
std::string date_again(std::string_view text) {
  std::int32_t days = 0;
  std::string out = failure(parse_date(text, days));
  if (out.empty()) print_date(days, out);
  return out;
}
std::string time_again(std::string_view text) {
  std::int64_t micros = 0;
  std::string out = failure(parse_time(text, micros));
  if (out.empty()) print_time(micros, out);
  return out;
}
std::string timestamp_again(std::string_view text, bool zone) {
  std::int64_t micros = 0;
  std::string out = failure(parse_timestamp(text, zone, micros));
  if (out.empty()) print_timestamp(micros, zone, out);
  return out;
}
std::string interval_again(std::string_view text) {
  Interval interval;
  std::string out = failure(parse_interval(text, interval));
  if (out.empty()) print_interval(interval, out);
  return out;
}

TEST_CASE("days and dates agree over all of 2,000 years, one day after the other") {
  CHECK(days_of({1970, 1, 1}) == 0);
  CHECK(days_of({2000, 3, 1}) == 11'017);
  CivilDate date{1000, 1, 1};
  for (std::int64_t day = days_of(date); date.year < 3000; ++day) {
    REQUIRE(days_of(date) == day);
    REQUIRE(civil_of(day) == date);
    if (++date.day > days_in_month(date.year, date.month)) {
      date.day = 1;
      if (++date.month > 12) {
        date.month = 1;
        ++date.year;
      }
    }
  }
}

TEST_CASE("dates read and print in ISO form") {
  CHECK(date_again("2026-01-31") == "2026-01-31");
  CHECK(date_again("2024-02-29") == "2024-02-29");
  CHECK(date_again("+12345-06-07") == "+12345-06-07");
  CHECK(date_again("-0044-03-15") == "-0044-03-15");
  CHECK(date_again("0000-01-01") == "0000-01-01");
  CHECK(date_again("infinity") == "infinity");
  CHECK(date_again("-infinity") == "-infinity");
  CHECK(date_again("2026-02-29") == kOutOfRange);
  CHECK(date_again("2026-13-01") == kOutOfRange);
  CHECK(date_again("+999999999-01-01") == kOutOfRange);
  CHECK(date_again("2026-1-1") == kMalformed);
  CHECK(date_again("2026-01-01x") == kMalformed);
  CHECK(date_again("") == kMalformed);
}

TEST_CASE("times read and print with the fraction they have") {
  CHECK(time_again("10:00") == "10:00:00");
  CHECK(time_again("10:00:00.25") == "10:00:00.25");
  CHECK(time_again("23:59:59.9999995") == "24:00:00");
  CHECK(time_again("24:00:00") == "24:00:00");
  CHECK(time_again("24:00:01") == kOutOfRange);
  CHECK(time_again("10:60") == kOutOfRange);
  CHECK(time_again("10:00:00.") == kMalformed);
  CHECK(time_again("10") == kMalformed);
}

TEST_CASE("timestamps read with or without zone, as their type has it") {
  CHECK(timestamp_again("2026-01-31T10:00:00.25", false) == "2026-01-31T10:00:00.25");
  CHECK(timestamp_again("2026-01-31 10:00", false) == "2026-01-31T10:00:00");
  CHECK(timestamp_again("2026-01-31T10:00:00Z", false) == "2026-01-31T10:00:00");
  CHECK(timestamp_again("2026-01-31", false) == "2026-01-31T00:00:00");
  CHECK(timestamp_again("2026-01-31T10:00:00+02:00", false) == kHasZone);
  CHECK(timestamp_again("2026-01-31T10:00:00+02:00", true) == "2026-01-31T08:00:00Z");
  CHECK(timestamp_again("2026-01-31T10:00:00-0530", true) == "2026-01-31T15:30:00Z");
  CHECK(timestamp_again("1969-12-31T23:59:59.999999Z", true) == "1969-12-31T23:59:59.999999Z");
  CHECK(timestamp_again("2026-01-31T24:00:00Z", true) == "2026-02-01T00:00:00Z");
  CHECK(timestamp_again("+300000-01-01", true) == kOutOfRange);
  CHECK(timestamp_again("infinity", true) == "infinity");
  CHECK(timestamp_again("2026-01-31X10:00", true) == kMalformed);
  CHECK(timestamp_again("2026-01-31T10:00 +02", true) == kMalformed);
  std::string lowest;
  print_timestamp(kTimestampMinusInfinity + 1, true, lowest);
  std::int64_t micros = 0;
  CHECK(parse_timestamp(lowest, true, micros) == DateTimeError::kNone);
  CHECK(micros == kTimestampMinusInfinity + 1);
}

TEST_CASE("intervals read and print in ISO form") {
  CHECK(interval_again("P1Y2M3DT4H5M6.5S") == "P1Y2M3DT4H5M6.5S");
  CHECK(interval_again("P2W") == "P14D");
  CHECK(interval_again("PT90M") == "PT1H30M");
  CHECK(interval_again("PT0S") == "PT0S");
  CHECK(interval_again("P14M") == "P1Y2M");
  CHECK(interval_again("-P1DT2H") == "P-1DT-2H");
  CHECK(interval_again("P1DT-0.5S") == "P1DT-0.5S");
  CHECK(interval_again("P") == kMalformed);
  CHECK(interval_again("PT") == kMalformed);
  CHECK(interval_again("P1H") == kMalformed);
  CHECK(interval_again("P1D1Y") == kMalformed);
  CHECK(interval_again("PT1.5H") == kMalformed);
  CHECK(interval_again("P999999999999Y") == kOutOfRange);
}

TEST_CASE("random timestamps and intervals read back") {
  Random random(11);
  for (int i = 0; i < 5'000; ++i) {
    const auto timestamp = static_cast<std::int64_t>(random.next()) >> random.below(60);
    if (timestamp == kTimestampInfinity || timestamp == kTimestampMinusInfinity) continue;
    std::string text;
    print_timestamp(timestamp, true, text);
    std::int64_t micros = 0;
    REQUIRE(parse_timestamp(text, true, micros) == DateTimeError::kNone);
    REQUIRE(micros == timestamp);

    const Interval interval{static_cast<std::int32_t>(random.next()) >> random.below(31),
                            static_cast<std::int32_t>(random.next()) >> random.below(31),
                            static_cast<std::int64_t>(random.next()) >> random.below(63)};
    text.clear();
    print_interval(interval, text);
    Interval again;
    INFO(text);
    REQUIRE(parse_interval(text, again) == DateTimeError::kNone);
    REQUIRE(again == interval);
    const WordPair words = interval_words(interval);
    REQUIRE(interval_of(words.high, words.low) == interval);
  }
}

TEST_CASE("a month of 30 days is the measure that orders intervals") {
  CHECK((compare_intervals({0, 30, 0}, {1, 0, 0}) < 0));  // The same measure: by months.
  CHECK((compare_intervals({0, 31, 0}, {1, 0, 0}) > 0));
  CHECK((compare_intervals({0, 1, 0}, {0, 0, kMicrosPerDay}) > 0));
  CHECK((compare_intervals({1, 2, 3}, {1, 2, 3}) == 0));
}

TEST_CASE("adding months cuts the day to the month") {
  const auto add = [](std::string_view start, const Interval& interval) {
    std::int64_t micros = 0;
    REQUIRE(parse_timestamp(start, true, micros) == DateTimeError::kNone);
    REQUIRE(add_interval(micros, interval, micros));
    std::string out;
    print_timestamp(micros, true, out);
    return out;
  };
  CHECK(add("2026-01-31T10:00:00Z", {1, 0, 0}) == "2026-02-28T10:00:00Z");
  CHECK(add("2024-03-31", {-1, 1, 0}) == "2024-03-01T00:00:00Z");
  CHECK(add("2026-01-01", {-12, 0, -1}) == "2024-12-31T23:59:59.999999Z");
  CHECK(add("infinity", {1, 0, 0}) == "infinity");
  std::int64_t out = 0;
  CHECK_FALSE(add_interval(kTimestampInfinity - 1, {0, 1, 0}, out));
}

}  // namespace
}  // namespace entail::vm
