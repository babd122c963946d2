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

}  // namespace entail::vm
