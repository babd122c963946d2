#include "vm/sql_datetime.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <vector>

#include "vm/base/ascii.h"

namespace entail::vm {

namespace {

using Error = SqlDateTimeError;

constexpr std::array<std::string_view, 12> kMonths = {
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};
constexpr std::array<std::string_view, 7> kWeekdays = {"sunday",   "monday", "tuesday", "wednesday",
                                                       "thursday", "friday", "saturday"};

// A whole number of digits only; at most nine of them count.
std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

bool all_digits(std::string_view text) {
  for (const char c : text) {
    if (!is_ascii_digit(c)) return false;
  }
  return !text.empty();
}

// Microseconds of ".25", rounded; "" is 0.
std::optional<std::int64_t> fraction_micros(std::string_view text) {
  if (text.empty() || text == ".") return 0;
  if (text[0] != '.' || !all_digits(text.substr(1))) return {};
  return static_cast<std::int64_t>(
      std::llrint(std::strtod(std::string(text).c_str(), nullptr) * 1e6));
}

struct Fields {
  std::optional<std::int64_t> year, month, day;
  std::optional<std::int64_t> time;    // Microseconds.
  std::optional<std::int64_t> offset;  // East of UTC.
  bool bc = false;
  bool year_is_short = false;
  std::optional<bool> pm;
  std::string special;
};

// hh:mm[:ss[.f]] without sign.
Error read_clock(std::string_view text, std::int64_t& micros) {
  std::array<std::string_view, 3> parts{};
  std::size_t count = 0;
  while (true) {
    const std::size_t colon = text.find(':');
    if (count == 3) return Error::kSyntax;
    parts[count++] = text.substr(0, colon);
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
  }
  if (count < 2) return Error::kSyntax;
  std::string_view fraction;
  std::string_view& last = parts[count - 1];
  if (const std::size_t point = last.find('.'); point != std::string_view::npos) {
    fraction = last.substr(point);
    last = last.substr(0, point);
  }
  std::array<std::int64_t, 3> values{};
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = all_digits(parts[i]) ? number(parts[i]) : std::nullopt;
    if (!value) return Error::kSyntax;
    values[i] = *value;
  }
  const auto micro = fraction_micros(fraction);
  if (!micro) return Error::kSyntax;
  std::int64_t hours = values[0], minutes = values[1], seconds = values[2];
  if (count == 2 && !fraction.empty()) {  // mm:ss.f
    seconds = minutes;
    minutes = hours;
    hours = 0;
  }
  if (minutes > 59 || seconds > 60 || hours > 24) return Error::kFieldOutOfRange;
  micros = ((hours * 60 + minutes) * 60 + seconds) * kMicrosPerSecond + *micro;
  return micros > kMicrosPerDay ? Error::kFieldOutOfRange : Error::kNone;
}

// +hh, +hhmm, +hh:mm[:ss], the sign first.
bool read_offset(std::string_view text, std::int64_t& micros) {
  if (text.size() < 2 || (text[0] != '+' && text[0] != '-')) return false;
  const bool negative = text[0] == '-';
  text.remove_prefix(1);
  std::array<std::int64_t, 3> values{};
  if (text.find(':') == std::string_view::npos) {
    const auto value = all_digits(text) ? number(text) : std::nullopt;
    if (!value) return false;
    if (text.size() <= 2) {
      values[0] = *value;
    } else {
      values[0] = *value / 100;
      values[1] = *value % 100;
    }
  } else {
    for (std::size_t i = 0; i < 3 && !text.empty(); ++i) {
      const std::size_t colon = text.find(':');
      const auto value = number(text.substr(0, colon));
      if (!value) return false;
      values[i] = *value;
      text.remove_prefix(colon == std::string_view::npos ? text.size() : colon + 1);
    }
    if (!text.empty()) return false;
  }
  if (values[0] > 15 || values[1] > 59 || values[2] > 59) return false;
  micros = ((values[0] * 60 + values[1]) * 60 + values[2]) * kMicrosPerSecond;
  if (negative) micros = -micros;
  return true;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < text.size();) {
    if (is_ascii_space(text[i]) || text[i] == ',') {
      ++i;
      continue;
    }
    std::size_t end = i;
    if (is_ascii_digit(text[i]) || text[i] == '+' || text[i] == '-') {
      const bool sign = !is_ascii_digit(text[i]);
      ++end;
      while (end < text.size() && !is_ascii_space(text[end]) && text[end] != ',') {
        const char c = text[end];
        // A T between date and time, a zone behind a time.
        if (is_ascii_letter(c) && !sign) {
          const bool inside = end + 1 < text.size() && is_ascii_letter(text[end + 1]);
          const bool in_date = text.substr(i, end - i).back() == '-';
          if (!in_date && !inside) break;
          if (!in_date && inside) break;
          while (end < text.size() && is_ascii_letter(text[end])) ++end;
          continue;
        }
        const std::string_view before = text.substr(i, end - i);
        if ((c == '+' || c == '-') && before.find(':') != std::string_view::npos && !sign) break;
        ++end;
      }
    } else if (is_ascii_letter(text[i])) {
      while (end < text.size() &&
             (is_ascii_letter(text[end]) || text[end] == '/' || text[end] == '_')) {
        ++end;
      }
      if (end < text.size() && text[end] == '.') ++end;
    } else {
      ++end;
    }
    words.push_back(text.substr(i, end - i));
    i = end;
  }
  return words;
}

// 2026-01-31, 31-Jan-2026, 1/31/2026, 2026.031 is not taken.
Error read_dashed_date(std::string_view word, Fields& fields) {
  std::array<std::string_view, 3> parts{};
  std::size_t count = 0, begin = 0;
  for (std::size_t i = 0; i <= word.size(); ++i) {
    if (i < word.size() && word[i] != '-' && word[i] != '/' && word[i] != '.') continue;
    if (count == 3) return Error::kSyntax;
    parts[count++] = word.substr(begin, i - begin);
    begin = i + 1;
  }
  if (count != 3) return Error::kSyntax;
  std::array<std::optional<std::int64_t>, 3> values;
  int named = -1;
  for (std::size_t i = 0; i < 3; ++i) {
    if (!parts[i].empty() && is_ascii_letter(parts[i][0])) {
      const unsigned month = month_of_name(parts[i]);
      if (month == 0 || named >= 0) return Error::kSyntax;
      named = static_cast<int>(i);
      values[i] = month;
    } else {
      if (!all_digits(parts[i])) return Error::kSyntax;
      values[i] = number(parts[i]);
      if (!values[i]) return Error::kFieldOutOfRange;
    }
  }
  std::size_t year, month, day;
  if (parts[0].size() >= 3 && named != 0) {
    year = 0;
    month = named == 2 ? 2 : 1;
    day = named == 2 ? 1 : 2;
  } else if (named >= 0) {
    month = static_cast<std::size_t>(named);
    day = named == 0 ? 1 : 0;
    year = 2;
  } else {
    month = 0;
    day = 1;
    year = 2;
  }
  fields.year = values[year];
  fields.year_is_short = parts[year].size() <= 2;
  fields.month = values[month];
  fields.day = values[day];
  return Error::kNone;
}

Error read_fields(std::string_view text, Fields& fields) {
  const std::vector<std::string_view> words = words_of(text);
  if (words.empty()) return Error::kSyntax;
  std::vector<std::int64_t> loose;
  std::vector<std::size_t> loose_sizes;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (is_ascii_letter(word[0])) {
      std::string name = ascii_lower(word);
      if (!name.empty() && name.back() == '.') name.pop_back();
      if (const unsigned month = month_of_name(name); month != 0) {
        if (fields.month) return Error::kSyntax;
        fields.month = month;
        continue;
      }
      bool weekday = false;
      for (const std::string_view day : kWeekdays) {
        weekday |= name == day || (name.size() >= 3 && name == day.substr(0, name.size()));
      }
      if (weekday || name == "at" || name == "on") continue;
      if (name == "t" && i > 0 && i + 1 < words.size()) continue;
      if (name == "am" || name == "pm") {
        fields.pm = name == "pm";
      } else if (name == "bc" || name == "ad") {
        fields.bc = name == "bc";
      } else if (name == "infinity" || name == "epoch" || name == "allballs") {
        fields.special = name;
      } else if (std::int64_t offset = 0; fields.time && read_zone(word, offset)) {
        fields.offset = offset;
      } else {
        return fields.time && (fields.year || fields.month) ? Error::kZone : Error::kSyntax;
      }
      continue;
    }
    if (word[0] == '+' || word[0] == '-') {
      if (word == "-" && i + 1 < words.size() && ascii_lower(words[i + 1]) == "infinity") {
        fields.special = "-infinity";
        ++i;
        continue;
      }
      std::int64_t offset = 0;
      if (!fields.time || !read_offset(word, offset)) return Error::kSyntax;
      fields.offset = offset;
      continue;
    }
    if (!is_ascii_digit(word[0])) return Error::kSyntax;
    if (word.find(':') != std::string_view::npos) {
      std::int64_t micros = 0;
      if (fields.time) return Error::kSyntax;
      if (const Error error = read_clock(word, micros); error != Error::kNone) return error;
      fields.time = micros;
    } else if (word.find_first_of("-/") != std::string_view::npos ||
               std::count(word.begin(), word.end(), '.') == 2) {
      if (fields.year) return Error::kSyntax;
      if (const Error error = read_dashed_date(word, fields); error != Error::kNone) return error;
    } else if (all_digits(word)) {
      if (word.size() == 8 && !fields.year) {
        fields.year = number(word.substr(0, 4));
        fields.month = number(word.substr(4, 2));
        fields.day = number(word.substr(6, 2));
      } else if (word.size() == 6 && fields.year) {
        std::int64_t micros = 0;
        const std::string clock =
            fmt::format("{}:{}:{}", word.substr(0, 2), word.substr(2, 2), word.substr(4, 2));
        if (const Error error = read_clock(clock, micros); error != Error::kNone) return error;
        fields.time = micros;
      } else if (word.size() == 6) {
        fields.year = number(word.substr(0, 2));
        fields.year_is_short = true;
        fields.month = number(word.substr(2, 2));
        fields.day = number(word.substr(4, 2));
      } else {
        const auto value = number(word);
        if (!value) return Error::kFieldOutOfRange;
        loose.push_back(*value);
        loose_sizes.push_back(word.size());
      }
    } else {
      return Error::kSyntax;
    }
  }
  // Day and year around a month's name: January 31 2026, 31 January 2026, 2026 January 31.
  for (std::size_t i = 0; i < loose.size(); ++i) {
    if (!fields.month) return Error::kSyntax;
    if (!fields.year && (loose_sizes[i] > 2 || fields.day)) {
      fields.year = loose[i];
      fields.year_is_short = loose_sizes[i] <= 2;
    } else if (!fields.day) {
      fields.day = loose[i];
    } else {
      return Error::kSyntax;
    }
  }
  return Error::kNone;
}

Error days_of_fields(const Fields& fields, std::int64_t& days) {
  if (!fields.year || !fields.month || !fields.day) return Error::kSyntax;
  std::int64_t year = *fields.year;
  if (fields.bc) {
    if (year <= 0) return Error::kFieldOutOfRange;
    year = 1 - year;
  } else if (fields.year_is_short) {
    year += year < 70 ? 2000 : 1900;
  } else if (year <= 0) {
    return Error::kFieldOutOfRange;
  }
  if (*fields.month < 1 || *fields.month > 12) return Error::kFieldOutOfRange;
  const auto month = static_cast<unsigned>(*fields.month);
  if (*fields.day < 1 || *fields.day > 31) return Error::kFieldOutOfRange;
  if (year > 6'000'000) return Error::kOutOfRange;
  if (*fields.day > days_in_month(year, month)) return Error::kFieldOutOfRange;
  days = days_of({year, month, static_cast<unsigned>(*fields.day)});
  return Error::kNone;
}

Error time_of_fields(const Fields& fields, std::int64_t& micros) {
  micros = fields.time.value_or(0);
  if (!fields.pm) return Error::kNone;
  const std::int64_t hour = kMicrosPerDay / 24;
  if (!fields.time || micros >= 13 * hour) return Error::kFieldOutOfRange;
  if (*fields.pm && micros < 12 * hour) micros += 12 * hour;
  if (!*fields.pm && micros >= 12 * hour) micros -= 12 * hour;
  return Error::kNone;
}

constexpr std::int64_t kFirstDay = -2'440'588;          // 4714-11-24 BC
constexpr std::int64_t kEndDay = 2'145'031'949;         // 5874898-01-01
constexpr std::int64_t kEndTimestampDay = 106'751'983;  // 294277-01-01

void print_year_month_day(const CivilDate& date, std::string& out) {
  const std::int64_t year = date.year > 0 ? date.year : 1 - date.year;
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}", year, date.month, date.day);
}

void print_clock(std::int64_t micros, std::string& out) {
  const std::int64_t seconds = micros / kMicrosPerSecond, rest = micros % kMicrosPerSecond;
  fmt::format_to(std::back_inserter(out), "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60,
                 seconds % 60);
  if (rest == 0) return;
  std::string digits = fmt::format("{:06}", rest);
  while (digits.back() == '0') digits.pop_back();
  out += '.' + digits;
}

}  // namespace

unsigned month_of_name(std::string_view name) {
  const std::string lowered = ascii_lower(name);
  for (unsigned i = 0; i < kMonths.size(); ++i) {
    if (lowered == kMonths[i] || lowered == kMonths[i].substr(0, 3)) return i + 1;
  }
  return lowered == "sept" ? 9 : 0;
}

bool is_sql_date(std::int64_t days) { return days >= kFirstDay && days < kEndDay; }

bool is_sql_timestamp(std::int64_t micros) {
  return micros >= kFirstDay * kMicrosPerDay && micros < kEndTimestampDay * kMicrosPerDay;
}

bool read_zone(std::string_view name, std::int64_t& offset) {
  struct Zone {
    std::string_view name;
    int hours;
  };
  static constexpr Zone kZones[] = {
      {"utc", 0},  {"gmt", 0},  {"z", 0},       {"zulu", 0},    {"ut", 0},       {"uct", 0},
      {"est", -5}, {"edt", -4}, {"cst", -6},    {"cdt", -5},    {"mst", -7},     {"mdt", -6},
      {"pst", -8}, {"pdt", -7}, {"cet", 1},     {"cest", 2},    {"eet", 2},      {"eest", 3},
      {"msk", 3},  {"jst", 9},  {"etc/utc", 0}, {"etc/gmt", 0}, {"universal", 0}};
  const std::string lowered = ascii_lower(trimmed(name));
  for (const Zone& zone : kZones) {
    if (lowered == zone.name) {
      offset = zone.hours * 3600 * kMicrosPerSecond;
      return true;
    }
  }
  // As POSIX has it, a positive offset lies west of Greenwich.
  if (!read_offset(lowered, offset)) return false;
  offset = -offset;
  return true;
}

Error read_sql_date(std::string_view text, std::int32_t& days) {
  Fields fields;
  if (const Error error = read_fields(trimmed(text), fields); error != Error::kNone) return error;
  if (!fields.special.empty()) {
    if (fields.special == "allballs") return Error::kSyntax;
    days = fields.special == "epoch"      ? 0
           : fields.special == "infinity" ? kDateInfinity
                                          : kDateMinusInfinity;
    return Error::kNone;
  }
  std::int64_t value = 0;
  if (const Error error = days_of_fields(fields, value); error != Error::kNone) return error;
  if (!is_sql_date(value)) return Error::kOutOfRange;
  days = static_cast<std::int32_t>(value);
  return Error::kNone;
}

Error read_sql_time(std::string_view text, std::int64_t& micros) {
  Fields fields;
  text = trimmed(text);
  if (text.size() == 6 && all_digits(text)) {
    return read_clock(fmt::format("{}:{}:{}", text.substr(0, 2), text.substr(2, 2), text.substr(4)),
                      micros);
  }
  if (const Error error = read_fields(text, fields); error != Error::kNone) return error;
  if (fields.special == "allballs") {
    micros = 0;
    return Error::kNone;
  }
  if (!fields.time || !fields.special.empty()) return Error::kSyntax;
  return time_of_fields(fields, micros);
}

Error read_sql_timestamp(std::string_view text, bool zoned, std::int64_t& micros) {
  Fields fields;
  if (const Error error = read_fields(trimmed(text), fields); error != Error::kNone) return error;
  if (!fields.special.empty()) {
    if (fields.special == "allballs") return Error::kSyntax;
    micros = fields.special == "epoch"      ? 0
             : fields.special == "infinity" ? kTimestampInfinity
                                            : kTimestampMinusInfinity;
    return Error::kNone;
  }
  std::int64_t days = 0, time = 0;
  if (const Error error = days_of_fields(fields, days); error != Error::kNone) return error;
  if (const Error error = time_of_fields(fields, time); error != Error::kNone) return error;
  if (days < kFirstDay || days >= kEndTimestampDay) return Error::kOutOfRange;
  micros = days * kMicrosPerDay + time;
  if (zoned) micros -= fields.offset.value_or(0);
  return is_sql_timestamp(micros) ? Error::kNone : Error::kOutOfRange;
}

// ---------------------------------------------------------------------------------------------------
// Intervals

namespace {

enum class Unit : std::uint8_t { kMicro, kDay, kMonth, kNone };

struct UnitSize {
  Unit unit;
  double size;
};

UnitSize unit_of(std::string_view name) {
  struct Entry {
    std::string_view name;
    UnitSize size;
  };
  static constexpr Entry kUnits[] = {{"us", {Unit::kMicro, 1}},
                                     {"usec", {Unit::kMicro, 1}},
                                     {"microsecon", {Unit::kMicro, 1}},
                                     {"microsecond", {Unit::kMicro, 1}},
                                     {"ms", {Unit::kMicro, 1e3}},
                                     {"msec", {Unit::kMicro, 1e3}},
                                     {"millisecond", {Unit::kMicro, 1e3}},
                                     {"s", {Unit::kMicro, 1e6}},
                                     {"sec", {Unit::kMicro, 1e6}},
                                     {"second", {Unit::kMicro, 1e6}},
                                     {"m", {Unit::kMicro, 6e7}},
                                     {"min", {Unit::kMicro, 6e7}},
                                     {"minute", {Unit::kMicro, 6e7}},
                                     {"h", {Unit::kMicro, 3.6e9}},
                                     {"hr", {Unit::kMicro, 3.6e9}},
                                     {"hour", {Unit::kMicro, 3.6e9}},
                                     {"d", {Unit::kDay, 1}},
                                     {"day", {Unit::kDay, 1}},
                                     {"w", {Unit::kDay, 7}},
                                     {"week", {Unit::kDay, 7}},
                                     {"mon", {Unit::kMonth, 1}},
                                     {"month", {Unit::kMonth, 1}},
                                     {"qtr", {Unit::kMonth, 3}},
                                     {"quarter", {Unit::kMonth, 3}},
                                     {"y", {Unit::kMonth, 12}},
                                     {"yr", {Unit::kMonth, 12}},
                                     {"year", {Unit::kMonth, 12}},
                                     {"dec", {Unit::kMonth, 120}},
                                     {"decade", {Unit::kMonth, 120}},
                                     {"c", {Unit::kMonth, 1200}},
                                     {"cent", {Unit::kMonth, 1200}},
                                     {"century", {Unit::kMonth, 1200}},
                                     {"centurie", {Unit::kMonth, 1200}},
                                     {"mil", {Unit::kMonth, 12000}},
                                     {"millennium", {Unit::kMonth, 12000}},
                                     {"millennia", {Unit::kMonth, 12000}}};
  std::string_view wanted = name;
  for (int pass = 0; pass < 2; ++pass) {
    for (const Entry& entry : kUnits) {
      if (entry.name == wanted) return entry.size;
    }
    if (wanted.size() < 2 || wanted.back() != 's') break;
    wanted.remove_suffix(1);
  }
  return {Unit::kNone, 0};
}

// A number of an interval: its whole part, and what stands behind the point with the number's sign.
struct IntervalNumber {
  Int128 whole = 0;
  double fraction = 0;
};

bool read_number(std::string_view text, IntervalNumber& number) {
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  const std::string_view digits = text.substr(0, point);
  const std::string_view behind =
      point == std::string_view::npos ? std::string_view() : text.substr(point + 1);
  const auto all_digits = [](std::string_view part) {
    return part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if ((digits.empty() && behind.empty()) || !all_digits(digits) || !all_digits(behind) ||
      digits.size() > 24) {
    return false;
  }
  for (const char digit : digits) number.whole = number.whole * 10 + (digit - '0');
  if (!behind.empty()) {
    const std::string with_point = "0." + std::string(behind);
    std::from_chars(with_point.data(), with_point.data() + with_point.size(), number.fraction);
  }
  if (negative) {
    number.whole = -number.whole;
    number.fraction = -number.fraction;
  }
  return true;
}

class IntervalSum {
 public:
  // A number of units; a fraction goes to the smaller ones.
  bool add(const IntervalNumber& number, UnitSize size) {
    const auto whole_size = static_cast<Int128>(size.size);
    switch (size.unit) {
      case Unit::kMicro:
        micros_ += number.whole * whole_size + rounded(number.fraction * size.size);
        return true;
      case Unit::kDay:
        days_ += number.whole * whole_size;
        add_days(number.fraction * size.size);
        return true;
      case Unit::kMonth:
        months_ += number.whole * whole_size;
        if (size.size > 1) {  // Of a year the fraction is in months only.
          months_ += rounded(number.fraction * size.size);
        } else {
          add_days(number.fraction * 30);
        }
        return true;
      default:
        return false;
    }
  }
  bool result(bool ago, Interval& interval) const {
    const Int128 sign = ago ? -1 : 1;
    const auto fits = [](Int128 value, Int128 least, Int128 most) {
      return value >= least && value <= most;
    };
    if (!fits(sign * months_, INT32_MIN, INT32_MAX) || !fits(sign * days_, INT32_MIN, INT32_MAX) ||
        !fits(sign * micros_, INT64_MIN, INT64_MAX)) {
      return false;
    }
    interval.months = static_cast<std::int32_t>(sign * months_);
    interval.days = static_cast<std::int32_t>(sign * days_);
    interval.micros = static_cast<std::int64_t>(sign * micros_);
    return true;
  }

 private:
  static Int128 rounded(double value) { return static_cast<Int128>(std::rint(value)); }
  void add_days(double days) {
    const double whole = std::trunc(days);
    days_ += static_cast<Int128>(whole);
    micros_ += rounded((days - whole) * 86'400e6);
  }

  Int128 months_ = 0, days_ = 0, micros_ = 0;
};

// What the words of an interval say; a part may be said once.
enum IntervalPart : unsigned {
  kSaysYears = 1,
  kSaysMonths = 2,
  kSaysDays = 4,
  kSaysHours = 8,
  kSaysMinutes = 16,
  kSaysSeconds = 32,
  kSaysMillis = 64,
  kSaysMicros = 128,
  kSaysWeeks = 256,
  kSaysDecades = 512,
  kSaysCenturies = 1024,
  kSaysMillennia = 2048,
};

unsigned part_of(UnitSize size, bool has_fraction) {
  if (size.unit == Unit::kMicro) {
    return size.size == 1     ? kSaysMicros
           : size.size == 1e3 ? kSaysMillis
           : size.size == 1e6
               ? (has_fraction ? kSaysSeconds | kSaysMillis | kSaysMicros : kSaysSeconds)
           : size.size == 6e7 ? kSaysMinutes
                              : kSaysHours;
  }
  if (size.unit == Unit::kDay) return size.size == 1 ? kSaysDays : kSaysWeeks;
  return size.size == 1      ? kSaysMonths
         : size.size == 12   ? kSaysYears
         : size.size == 120  ? kSaysDecades
         : size.size == 1200 ? kSaysCenturies
                             : kSaysMillennia;
}

// P1Y2M3DT4H5M6.5S
Error read_iso_interval(std::string_view text, Interval& interval) {
  IntervalSum sum;
  bool time = false;
  for (std::size_t i = 1; i < text.size();) {
    if (text[i] == 'T') {
      time = true;
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && !is_ascii_letter(text[end])) ++end;
    IntervalNumber value;
    if (end == text.size() || !read_number(text.substr(i, end - i), value)) return Error::kSyntax;
    UnitSize size{Unit::kNone, 0};
    switch (text[end]) {
      case 'Y':
        size = {Unit::kMonth, 12};
        break;
      case 'M':
        size = time ? UnitSize{Unit::kMicro, 6e7} : UnitSize{Unit::kMonth, 1};
        break;
      case 'W':
        size = {Unit::kDay, 7};
        break;
      case 'D':
        size = {Unit::kDay, 1};
        break;
      case 'H':
        size = {Unit::kMicro, 3.6e9};
        break;
      case 'S':
        size = {Unit::kMicro, 1e6};
        break;
      default:
        break;
    }
    if (!sum.add(value, size)) return Error::kSyntax;
    i = end + 1;
  }
  return sum.result(false, interval) ? Error::kNone : Error::kFieldOutOfRange;
}

// [+-]hh:mm[:ss[.f]], any number of hours; mm:ss where minutes and seconds are meant.
bool read_duration(std::string_view word, IntervalFields fields, IntervalNumber& micros) {
  const bool negative = word[0] == '-';
  if (word[0] == '-' || word[0] == '+') word.remove_prefix(1);
  std::array<IntervalNumber, 3> values{};
  std::size_t count = 0;
  bool fraction = false;
  for (;;) {
    const std::size_t colon = word.find(':');
    const std::string_view part = word.substr(0, colon);
    if (count == 3 || part.empty() || part[0] == '-' || part[0] == '+' ||
        !read_number(part, values[count]) || fraction) {
      return false;
    }
    fraction = part.find('.') != std::string_view::npos;
    ++count;
    if (colon == std::string_view::npos) break;
    word.remove_prefix(colon + 1);
  }
  const bool minutes_first =
      fields.first == IntervalField::kMinute && fields.last == IntervalField::kSecond;
  if (count == 2 && (fraction || minutes_first)) values = {IntervalNumber{}, values[0], values[1]};
  if (values[1].whole >= 60 || values[2].whole > 60) return false;
  micros.whole = ((values[0].whole * 60 + values[1].whole) * 60 + values[2].whole) * 1'000'000 +
                 static_cast<Int128>(std::rint(values[2].fraction * 1e6));
  if (negative) micros.whole = -micros.whole;
  return true;
}

// Of a number without a unit: the last of the fields that are meant.
UnitSize unit_of(IntervalField field) {
  switch (field) {
    case IntervalField::kYear:
      return {Unit::kMonth, 12};
    case IntervalField::kMonth:
      return {Unit::kMonth, 1};
    case IntervalField::kDay:
      return {Unit::kDay, 1};
    case IntervalField::kHour:
      return {Unit::kMicro, 3.6e9};
    case IntervalField::kMinute:
      return {Unit::kMicro, 6e7};
    default:
      return {Unit::kMicro, 1e6};
  }
}

// What stands behind the last field that is meant goes.
void cut_interval(Interval& interval, IntervalField last) {
  const auto cut = [&](std::int64_t unit) { interval.micros -= interval.micros % unit; };
  switch (last) {
    case IntervalField::kYear:
      interval.months -= interval.months % 12;
      [[fallthrough]];
    case IntervalField::kMonth:
      interval.days = 0;
      [[fallthrough]];
    case IntervalField::kDay:
      interval.micros = 0;
      break;
    case IntervalField::kHour:
      cut(3'600'000'000);
      break;
    case IntervalField::kMinute:
      cut(60'000'000);
      break;
    default:
      break;
  }
}

}  // namespace

Error read_sql_interval(std::string_view text, Interval& interval, IntervalFields fields) {
  text = trimmed(text);
  if (text.empty()) return Error::kSyntax;
  if (text[0] == 'P') return read_iso_interval(text, interval);
  if (text[0] == '@') text.remove_prefix(1);
  // Words: a sign and digits with points, colons and dashes; or letters.
  std::vector<std::string_view> words;
  for (std::size_t i = 0; i < text.size();) {
    if (is_ascii_space(text[i])) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    if (is_ascii_letter(text[i])) {
      while (end < text.size() && is_ascii_letter(text[end])) ++end;
    } else {
      while (end < text.size() && !is_ascii_space(text[end]) && !is_ascii_letter(text[end])) ++end;
    }
    words.push_back(text.substr(i, end - i));
    i = end;
  }
  IntervalSum sum;
  bool ago = false, any = false;
  unsigned said = 0;
  const auto say = [&](unsigned parts) {
    const bool again = (said & parts) != 0;
    said |= parts;
    return !again;
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (is_ascii_letter(word[0])) {
      if (ascii_lower(word) != "ago" || i + 1 != words.size() || !any) return Error::kSyntax;
      ago = true;
      continue;
    }
    any = true;
    if (word.find(':') != std::string_view::npos) {
      IntervalNumber micros;
      if (!read_duration(word, fields, micros)) {
        return word.find_first_not_of("0123456789:.+-") == std::string_view::npos
                   ? Error::kFieldOutOfRange
                   : Error::kSyntax;
      }
      if (!say(kSaysHours | kSaysMinutes | kSaysSeconds)) return Error::kSyntax;
      sum.add(micros, {Unit::kMicro, 1});
      continue;
    }
    if (const std::size_t dash = word.find('-', 1);
        dash != std::string_view::npos) {  // years-months
      IntervalNumber years, months;
      if (!read_number(word.substr(0, dash), years) ||
          !read_number(word.substr(dash + 1), months)) {
        return Error::kSyntax;
      }
      if (months.whole >= 12) return Error::kFieldOutOfRange;
      if (!say(kSaysYears | kSaysMonths)) return Error::kSyntax;
      if (word[0] == '-') months.whole = -months.whole;
      sum.add(years, {Unit::kMonth, 12});
      sum.add(months, {Unit::kMonth, 1});
      continue;
    }
    IntervalNumber value;
    if (!read_number(word, value)) return Error::kSyntax;
    UnitSize size = unit_of(fields.last);  // Before a time: days.
    if (i + 1 < words.size() && is_ascii_letter(words[i + 1][0]) &&
        ascii_lower(words[i + 1]) != "ago") {
      size = unit_of(ascii_lower(words[i + 1]));
      ++i;
    } else if (i + 1 < words.size() && words[i + 1].find(':') != std::string_view::npos) {
      size = {Unit::kDay, 1};
    }
    if (size.unit == Unit::kNone || !say(part_of(size, value.fraction != 0))) return Error::kSyntax;
    sum.add(value, size);
  }
  if (!any) return Error::kSyntax;
  if (!sum.result(ago, interval)) return Error::kFieldOutOfRange;
  cut_interval(interval, fields.last);
  return Error::kNone;
}

// ---------------------------------------------------------------------------------------------------
// Printing

void print_sql_date(std::int32_t days, std::string& out) {
  if (days == kDateInfinity || days == kDateMinusInfinity) {
    out += days == kDateInfinity ? "infinity" : "-infinity";
    return;
  }
  const CivilDate date = civil_of(days);
  print_year_month_day(date, out);
  if (date.year <= 0) out += " BC";
}

void print_sql_time(std::int64_t micros, std::string& out) { print_clock(micros, out); }

void print_sql_timestamp(std::int64_t micros, bool zoned, std::string& out) {
  if (micros == kTimestampInfinity || micros == kTimestampMinusInfinity) {
    out += micros == kTimestampInfinity ? "infinity" : "-infinity";
    return;
  }
  std::int64_t days = micros / kMicrosPerDay, rest = micros % kMicrosPerDay;
  if (rest < 0) {
    --days;
    rest += kMicrosPerDay;
  }
  const CivilDate date = civil_of(days);
  print_year_month_day(date, out);
  out += ' ';
  print_clock(rest, out);
  if (zoned) out += "+00";
  if (date.year <= 0) out += " BC";
}

void print_sql_interval(const Interval& interval, std::string& out) {
  const std::size_t start = out.size();
  bool negative_before = false;
  const auto part = [&](std::int64_t value, std::string_view unit) {
    if (value == 0) return;
    if (out.size() > start) out += ' ';
    if (negative_before && value > 0) out += '+';
    fmt::format_to(std::back_inserter(out), "{} {}{}", value, unit, value == 1 ? "" : "s");
    negative_before = value < 0;
  };
  part(interval.months / 12, "year");
  part(interval.months % 12, "mon");
  part(interval.days, "day");
  if (interval.micros == 0 && out.size() > start) return;
  if (out.size() > start) out += ' ';
  std::uint64_t micros = static_cast<std::uint64_t>(interval.micros);
  if (interval.micros < 0) {
    out += '-';
    micros = std::uint64_t{0} - micros;
  } else if (negative_before) {
    out += '+';
  }
  print_clock(static_cast<std::int64_t>(micros), out);
}

}  // namespace entail::vm
