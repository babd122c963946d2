// vm/datetime.cc - see datetime.h.

#include "vm/datetime.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace entail::vm {

namespace {

constexpr std::int64_t kDaysPerEra = 146'097;  // 400 years.

std::int64_t floor_div(std::int64_t value, std::int64_t unit) {
  return value / unit - (value % unit < 0 ? 1 : 0);
}

bool is_leap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

void put_padded(std::int64_t value, std::size_t width, std::string& out) {
  std::array<char, 20> buffer;
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  static_cast<void>(error);
  const auto size = static_cast<std::size_t>(end - buffer.data());
  if (size < width) out.append(width - size, '0');
  out.append(buffer.data(), size);
}

// ".25" for 250,000 microseconds; nothing for 0.
void put_fraction(std::int64_t micros, std::string& out) {
  if (micros == 0) return;
  out.push_back('.');
  put_padded(micros, 6, out);
  while (out.back() == '0') out.pop_back();
}

// Reads a text from left to right; each member takes what it names, or returns false.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }

  bool take(char c) {
    if (peek() != c || at_end()) return false;
    ++at_;
    return true;
  }

  // Between `min` and `max` digits.
  bool take_digits(std::size_t min, std::size_t max, std::int64_t& value) {
    const std::size_t start = at_;
    value = 0;
    while (!at_end() && at_ - start < max && peek() >= '0' && peek() <= '9') {
      value = value * 10 + (text_[at_++] - '0');
    }
    return at_ - start >= min;
  }

  // Digits after a point as microseconds, rounded half up from the seventh.
  bool take_fraction(std::int64_t& micros) {
    const std::size_t start = at_;
    micros = 0;
    std::int64_t unit = kMicrosPerSecond / 10;
    for (; !at_end() && peek() >= '0' && peek() <= '9'; ++at_) {
      const std::int64_t digit = text_[at_] - '0';
      if (at_ - start < 6) {
        micros += digit * unit;
        unit /= 10;
      } else if (at_ - start == 6 && digit >= 5) {
        ++micros;
      }
    }
    return at_ > start;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

DateTimeError take_date(Cursor& cursor, std::int64_t& days) {
  const bool negative = cursor.take('-');
  const bool long_year = negative || cursor.take('+');
  CivilDate date;
  std::int64_t month = 0;
  std::int64_t day = 0;
  if (!cursor.take_digits(4, long_year ? 9 : 4, date.year) || !cursor.take('-') ||
      !cursor.take_digits(2, 2, month) || !cursor.take('-') || !cursor.take_digits(2, 2, day)) {
    return DateTimeError::kMalformed;
  }
  if (negative) date.year = -date.year;
  if (month < 1 || month > 12) return DateTimeError::kOutOfRange;
  date.month = static_cast<unsigned>(month);
  if (day < 1 || day > days_in_month(date.year, date.month)) return DateTimeError::kOutOfRange;
  date.day = static_cast<unsigned>(day);
  days = days_of(date);
  return DateTimeError::kNone;
}

// hh:mm[:ss[.ffffff]], up to and including 24:00.
DateTimeError take_time(Cursor& cursor, std::int64_t& micros) {
  std::int64_t hours = 0;
  std::int64_t minutes = 0;
  std::int64_t seconds = 0;
  std::int64_t fraction = 0;
  if (!cursor.take_digits(2, 2, hours) || !cursor.take(':') || !cursor.take_digits(2, 2, minutes)) {
    return DateTimeError::kMalformed;
  }
  if (cursor.take(':')) {
    if (!cursor.take_digits(2, 2, seconds)) return DateTimeError::kMalformed;
    if (cursor.take('.') && !cursor.take_fraction(fraction)) return DateTimeError::kMalformed;
  }
  if (hours > 24 || minutes > 59 || seconds > 59) return DateTimeError::kOutOfRange;
  micros = ((hours * 60 + minutes) * 60 + seconds) * kMicrosPerSecond + fraction;
  return micros <= kMicrosPerDay ? DateTimeError::kNone : DateTimeError::kOutOfRange;
}

DateTimeError take_zone(Cursor& cursor, bool zone_allowed, std::int64_t& offset_micros) {
  offset_micros = 0;
  if (cursor.at_end() || cursor.take('Z') || cursor.take('z')) return DateTimeError::kNone;
  const bool west = cursor.take('-');
  if (!west && !cursor.take('+')) return DateTimeError::kMalformed;
  std::int64_t hours = 0;
  std::int64_t minutes = 0;
  if (!cursor.take_digits(2, 2, hours)) return DateTimeError::kMalformed;
  if (!cursor.at_end()) {
    cursor.take(':');
    if (!cursor.take_digits(2, 2, minutes)) return DateTimeError::kMalformed;
  }
  if (!zone_allowed) return DateTimeError::kHasZone;
  if (hours > 15 || minutes > 59) return DateTimeError::kOutOfRange;
  offset_micros = (hours * 60 + minutes) * 60 * kMicrosPerSecond;
  if (west) offset_micros = -offset_micros;
  return DateTimeError::kNone;
}

}  // namespace

// Years begin in March here, so that the leap day is the last day of a year; then the days before
// a month are (153 * month + 2) / 5, months counted from March.
std::int64_t days_of(const CivilDate& date) {
  const std::int64_t year = date.year - (date.month <= 2 ? 1 : 0);
  const std::int64_t era = floor_div(year, 400);
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t month = (date.month + 9) % 12;
  const std::int64_t day_of_year = (153 * month + 2) / 5 + date.day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  constexpr std::int64_t kEpoch = 719'468;  // 1970-01-01, counted from 0000-03-01.
  return era * kDaysPerEra + day_of_era - kEpoch;
}

CivilDate civil_of(std::int64_t days) {
  const std::int64_t shifted = days + 719'468;
  const std::int64_t era = floor_div(shifted, kDaysPerEra);
  const std::int64_t day_of_era = shifted - era * kDaysPerEra;
  // The leap days before: one in 1,460 days, less one in 36,524, plus one in 146,096.
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month = (5 * day_of_year + 2) / 153;
  CivilDate date;
  date.day = static_cast<unsigned>(day_of_year - (153 * month + 2) / 5 + 1);
  date.month = static_cast<unsigned>(month < 10 ? month + 3 : month - 9);
  date.year = year_of_era + era * 400 + (date.month <= 2 ? 1 : 0);
  return date;
}

unsigned days_in_month(std::int64_t year, unsigned month) {
  constexpr std::array<unsigned, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : kDays[month - 1];
}

Int128 interval_measure(const Interval& interval) {
  const Int128 days = static_cast<Int128>(interval.months) * 30 + interval.days;
  return days * kMicrosPerDay + interval.micros;
}

std::strong_ordering compare_intervals(const Interval& left, const Interval& right) {
  const Int128 left_measure = interval_measure(left);
  const Int128 right_measure = interval_measure(right);
  if (left_measure != right_measure) {
    return left_measure < right_measure ? std::strong_ordering::less
                                        : std::strong_ordering::greater;
  }
  if (const auto months = left.months <=> right.months; months != 0) return months;
  return left.days <=> right.days;
}

bool add_interval(std::int64_t timestamp, const Interval& interval, std::int64_t& out) {
  if (timestamp == kTimestampInfinity || timestamp == kTimestampMinusInfinity) {
    out = timestamp;
    return true;
  }
  std::int64_t days = floor_div(timestamp, kMicrosPerDay);
  const std::int64_t time = timestamp - days * kMicrosPerDay;
  if (interval.months != 0) {
    CivilDate date = civil_of(days);
    const std::int64_t months = date.year * 12 + (date.month - 1) + interval.months;
    date.year = floor_div(months, 12);
    date.month = static_cast<unsigned>(months - date.year * 12) + 1;
    date.day = std::min(date.day, days_in_month(date.year, date.month));
    days = days_of(date);
  }
  const Int128 sum =
      static_cast<Int128>(days + interval.days) * kMicrosPerDay + time + interval.micros;
  if (sum >= kTimestampInfinity || sum <= kTimestampMinusInfinity) return false;
  out = static_cast<std::int64_t>(sum);
  return true;
}

// ------------------------------------------------------------------------------ parsing

DateTimeError parse_date(std::string_view text, std::int32_t& days) {
  if (text == "infinity" || text == "-infinity") {
    days = text[0] == '-' ? kDateMinusInfinity : kDateInfinity;
    return DateTimeError::kNone;
  }
  Cursor cursor(text);
  std::int64_t wide = 0;
  if (const DateTimeError error = take_date(cursor, wide); error != DateTimeError::kNone) {
    return error;
  }
  if (!cursor.at_end()) return DateTimeError::kMalformed;
  if (wide <= kDateMinusInfinity || wide >= kDateInfinity) return DateTimeError::kOutOfRange;
  days = static_cast<std::int32_t>(wide);
  return DateTimeError::kNone;
}

DateTimeError parse_time(std::string_view text, std::int64_t& micros) {
  Cursor cursor(text);
  std::int64_t value = 0;
  if (const DateTimeError error = take_time(cursor, value); error != DateTimeError::kNone) {
    return error;
  }
  if (!cursor.at_end()) return DateTimeError::kMalformed;
  micros = value;
  return DateTimeError::kNone;
}

DateTimeError parse_timestamp(std::string_view text, bool zone_allowed, std::int64_t& micros) {
  if (text == "infinity" || text == "-infinity") {
    micros = text[0] == '-' ? kTimestampMinusInfinity : kTimestampInfinity;
    return DateTimeError::kNone;
  }
  Cursor cursor(text);
  std::int64_t days = 0;
  std::int64_t time = 0;
  std::int64_t offset = 0;
  if (const DateTimeError error = take_date(cursor, days); error != DateTimeError::kNone) {
    return error;
  }
  if (!cursor.at_end()) {
    if (!cursor.take('T') && !cursor.take('t') && !cursor.take(' ')) {
      return DateTimeError::kMalformed;
    }
    if (const DateTimeError error = take_time(cursor, time); error != DateTimeError::kNone) {
      return error;
    }
    if (const DateTimeError error = take_zone(cursor, zone_allowed, offset);
        error != DateTimeError::kNone) {
      return error;
    }
    if (!cursor.at_end()) return DateTimeError::kMalformed;
  }
  const Int128 sum = static_cast<Int128>(days) * kMicrosPerDay + time - offset;
  if (sum >= kTimestampInfinity || sum <= kTimestampMinusInfinity) {
    return DateTimeError::kOutOfRange;
  }
  micros = static_cast<std::int64_t>(sum);
  return DateTimeError::kNone;
}

DateTimeError parse_interval(std::string_view text, Interval& interval) {
  Cursor cursor(text);
  const bool all_negative = cursor.take('-');
  if (!cursor.take('P')) return DateTimeError::kMalformed;

  struct Unit {
    char letter;
    bool in_time;
    std::int64_t months;
    std::int64_t days;
    std::int64_t micros;
  };
  constexpr std::int64_t kSecond = kMicrosPerSecond;
  constexpr std::array<Unit, 7> kUnits{{{'Y', false, 12, 0, 0},
                                        {'M', false, 1, 0, 0},
                                        {'W', false, 0, 7, 0},
                                        {'D', false, 0, 1, 0},
                                        {'H', true, 0, 0, 3'600 * kSecond},
                                        {'M', true, 0, 0, 60 * kSecond},
                                        {'S', true, 0, 0, kSecond}}};
  Int128 months = 0;
  Int128 days = 0;
  Int128 micros = 0;
  bool in_time = false;
  std::size_t next_unit = 0;  // Units come in this order, each at most once.
  bool any = false;
  while (!cursor.at_end()) {
    if (!in_time && cursor.take('T')) {
      in_time = true;
      if (cursor.at_end()) return DateTimeError::kMalformed;
    }
    const bool negative = cursor.take('-') != all_negative;
    std::int64_t count = 0;
    std::int64_t fraction = 0;
    if (!cursor.take_digits(1, 17, count)) return DateTimeError::kMalformed;
    const bool has_fraction = cursor.take('.');
    if (has_fraction && !cursor.take_fraction(fraction)) return DateTimeError::kMalformed;
    while (next_unit < kUnits.size() &&
           (kUnits[next_unit].letter != cursor.peek() || kUnits[next_unit].in_time != in_time)) {
      ++next_unit;
    }
    if (next_unit == kUnits.size()) return DateTimeError::kMalformed;
    const Unit& unit = kUnits[next_unit++];
    cursor.take(unit.letter);
    if (has_fraction && unit.letter != 'S') return DateTimeError::kMalformed;
    const std::int64_t sign = negative ? -1 : 1;
    months += static_cast<Int128>(count) * unit.months * sign;
    days += static_cast<Int128>(count) * unit.days * sign;
    micros += (static_cast<Int128>(count) * unit.micros + fraction) * sign;
    any = true;
  }
  if (!any) return DateTimeError::kMalformed;
  const auto fits32 = [](Int128 value) {
    return value >= std::numeric_limits<std::int32_t>::min() &&
           value <= std::numeric_limits<std::int32_t>::max();
  };
  if (!fits32(months) || !fits32(days) || micros < std::numeric_limits<std::int64_t>::min() ||
      micros > std::numeric_limits<std::int64_t>::max()) {
    return DateTimeError::kOutOfRange;
  }
  interval = {static_cast<std::int32_t>(months), static_cast<std::int32_t>(days),
              static_cast<std::int64_t>(micros)};
  return DateTimeError::kNone;
}

// ------------------------------------------------------------------------------ printing

namespace {

void put_date(std::int64_t days, std::string& out) {
  const CivilDate date = civil_of(days);
  if (date.year > 9999) out.push_back('+');
  if (date.year < 0) out.push_back('-');
  put_padded(date.year < 0 ? -date.year : date.year, 4, out);
  out.push_back('-');
  put_padded(date.month, 2, out);
  out.push_back('-');
  put_padded(date.day, 2, out);
}

}  // namespace

void print_date(std::int32_t days, std::string& out) {
  if (days == kDateInfinity) {
    out += "infinity";
  } else if (days == kDateMinusInfinity) {
    out += "-infinity";
  } else {
    put_date(days, out);
  }
}

void print_time(std::int64_t micros, std::string& out) {
  const std::int64_t seconds = micros / kMicrosPerSecond;
  put_padded(seconds / 3600, 2, out);
  out.push_back(':');
  put_padded(seconds / 60 % 60, 2, out);
  out.push_back(':');
  put_padded(seconds % 60, 2, out);
  put_fraction(micros % kMicrosPerSecond, out);
}

void print_timestamp(std::int64_t micros, bool zone, std::string& out) {
  if (micros == kTimestampInfinity) {
    out += "infinity";
    return;
  }
  if (micros == kTimestampMinusInfinity) {
    out += "-infinity";
    return;
  }
  const std::int64_t days = floor_div(micros, kMicrosPerDay);
  put_date(days, out);
  out.push_back('T');
  // The remainder is taken in 128 bits: days * kMicrosPerDay overflows near the lower limit.
  print_time(static_cast<std::int64_t>(micros - static_cast<Int128>(days) * kMicrosPerDay), out);
  if (zone) out.push_back('Z');
}

void print_interval(const Interval& interval, std::string& out) {
  const std::size_t start = out.size();
  const auto put = [&out](std::int64_t count, char unit) {
    if (count == 0) return;
    put_padded(count, 0, out);
    out.push_back(unit);
  };
  out.push_back('P');
  put(interval.months / 12, 'Y');
  put(interval.months % 12, 'M');
  put(interval.days, 'D');
  if (interval.micros != 0) {
    out.push_back('T');
    const std::int64_t seconds = interval.micros / kMicrosPerSecond;
    const std::int64_t fraction = interval.micros % kMicrosPerSecond;
    put(seconds / 3600, 'H');
    put(seconds / 60 % 60, 'M');
    if (seconds % 60 != 0 || fraction != 0) {
      if (interval.micros < 0) out.push_back('-');
      put_padded(seconds % 60 < 0 ? -(seconds % 60) : seconds % 60, 0, out);
      put_fraction(fraction < 0 ? -fraction : fraction, out);
      out.push_back('S');
    }
  }
  if (out.size() == start + 1) out += "T0S";
}

}  // namespace entail::vm
