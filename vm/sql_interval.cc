// Intervals as SQL reads and prints them.

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "vm/base/ascii.h"
#include "vm/sql_datetime.h"

namespace entail::vm {

namespace {

using Error = SqlDateTimeError;

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
  print_sql_time(static_cast<std::int64_t>(micros), out);
}

}  // namespace entail::vm
