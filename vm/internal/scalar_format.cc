// to_char, to_date, to_timestamp and to_number: values by templates.
//
// Of the templates for dates all patterns are read that do not ask for a locale; of those for numbers
// 9 0 . , D G FM S MI PL PR SG $ L and quoted text. Others are refused.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "vm/base/ascii.h"
#include "vm/internal/scalar_call.h"
#include "vm/internal/scalar_numeric.h"
#include "vm/sql_datetime.h"

namespace entail::vm {

namespace {

constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kRoman = {"I",   "II",   "III", "IV", "V",  "VI",
                                                     "VII", "VIII", "IX",  "X",  "XI", "XII"};

std::string in_case(std::string_view name, std::string_view pattern) {
  std::string out(name);
  const bool first_lower = pattern[0] != ascii_upper(pattern[0]);
  const bool second_lower = pattern.size() < 2 || pattern[1] != ascii_upper(pattern[1]);
  for (char& c : out) {
    if (first_lower) c = ascii_lower(c);
    if (!first_lower && !second_lower) c = ascii_upper(c);
  }
  return out;
}

// The patterns, longer before their beginnings. Those of letters with a case of their own match either.
constexpr std::string_view kPatterns[] = {
    "SSSSS", "SSSS", "Y,YYY", "YYYY", "YYY",  "YY",  "Y",   "IYYY", "IYY",   "IY",   "IDDD",
    "ID",    "IW",   "I",     "HH24", "HH12", "HH",  "MI",  "MS",   "MONTH", "MON",  "MM",
    "SS",    "US",   "FF1",   "FF2",  "FF3",  "FF4", "FF5", "FF6",  "A.M.",  "P.M.", "AM",
    "PM",    "B.C.", "A.D.",  "BC",   "AD",   "DAY", "DDD", "DD",   "DY",    "D",    "WW",
    "W",     "CC",   "J",     "Q",    "RM",   "TZH", "TZM", "TZ",   "OF"};

struct Piece {
  std::string_view pattern;  // Upper case; empty: literal text.
  std::string_view spelled;
  bool fill = false;        // FM before it.
  std::string_view suffix;  // TH or th behind it.
};

std::vector<Piece> pieces_of(std::string_view text) {
  std::vector<Piece> pieces;
  bool fill = false;
  for (std::size_t i = 0; i < text.size();) {
    const auto matches = [&](std::string_view pattern) {
      if (text.size() - i < pattern.size()) return false;
      for (std::size_t k = 0; k < pattern.size(); ++k) {
        if (ascii_upper(text[i + k]) != pattern[k]) return false;
      }
      return true;
    };
    if (matches("FM") || matches("TM") || matches("FX")) {
      fill = ascii_upper(text[i]) == 'F' && ascii_upper(text[i + 1]) == 'M';
      i += 2;
      continue;
    }
    if (text[i] == '"') {
      const std::size_t end = std::min(text.find('"', i + 1), text.size());
      pieces.push_back({{}, text.substr(i + 1, end - i - 1), false, {}});
      i = end + 1;
      continue;
    }
    Piece piece;
    for (const std::string_view pattern : kPatterns) {
      if (!matches(pattern)) continue;
      piece = {pattern, text.substr(i, pattern.size()), fill, {}};
      break;
    }
    if (piece.pattern.empty()) {
      if (text[i] == '\\' && i + 1 < text.size()) ++i;
      pieces.push_back({{}, text.substr(i, 1), false, {}});
      ++i;
      continue;
    }
    i += piece.pattern.size();
    if (matches("TH")) {
      piece.suffix = text.substr(i, 2);
      i += 2;
    }
    fill = false;
    pieces.push_back(piece);
  }
  return pieces;
}

struct Shown {
  std::int64_t year = 0, month = 0, day = 0, days = 0;
  std::int64_t hour = 0, micros_of_hour = 0;
  std::int64_t micros = 0;
  bool interval = false, zoned = false;
};

std::string ordinal_suffix(std::int64_t number, std::string_view spelled) {
  const std::int64_t last = std::llabs(number) % 10, tens = std::llabs(number) / 10 % 10;
  const std::string_view suffix = tens == 1   ? "th"
                                  : last == 1 ? "st"
                                  : last == 2 ? "nd"
                                  : last == 3 ? "rd"
                                              : "th";
  return in_case(suffix, spelled);
}

std::int64_t iso_weekday(std::int64_t days) { return ((days + 3) % 7 + 7) % 7 + 1; }
std::int64_t first_monday(std::int64_t year) {
  const std::int64_t fourth = days_of({year, 1, 4});
  return fourth - (iso_weekday(fourth) - 1);
}
std::int64_t iso_year(std::int64_t days) {
  const std::int64_t year = civil_of(days).year;
  if (days < first_monday(year)) return year - 1;
  return days >= first_monday(year + 1) ? year + 1 : year;
}

// Appends one pattern's value; false where an interval has none.
bool append_piece(const Shown& s, const Piece& piece, std::string& out) {
  const std::string_view p = piece.pattern;
  const auto number = [&](std::int64_t value, int width) {
    out += piece.fill ? fmt::format("{}", value) : fmt::format("{:0{}}", value, width);
    if (!piece.suffix.empty()) out += ordinal_suffix(value, piece.suffix);
    return true;
  };
  const auto name = [&](std::string_view text, std::size_t width) {
    out += in_case(text, piece.spelled);
    if (!piece.fill && text.size() < width) out.append(width - text.size(), ' ');
    return true;
  };
  const std::int64_t hour12 = s.hour % 12 == 0 ? 12 : s.hour % 12;
  const std::int64_t minute = s.micros_of_hour / 60'000'000;
  const std::int64_t second = s.micros_of_hour / 1'000'000 % 60;
  const std::int64_t fraction = s.micros_of_hour % 1'000'000;
  const bool dotted = p.find('.') != std::string_view::npos;
  if (p == "HH24") return number(s.hour, 2);
  if (p == "HH12" || p == "HH")
    return number(s.interval ? s.hour % 12 == 0 ? 12 : s.hour % 12 : hour12, 2);
  if (p == "MI") return number(minute, 2);
  if (p == "SS") return number(second, 2);
  if (p == "MS") return number(fraction / 1000, 3);
  if (p == "US") return number(fraction, 6);
  if (p.size() == 3 && p.substr(0, 2) == "FF") {
    out += fmt::format("{:06}", fraction).substr(0, static_cast<std::size_t>(p[2] - '0'));
    return true;
  }
  if (p == "SSSS" || p == "SSSSS") return number(s.hour * 3600 + minute * 60 + second, 1);
  if (p == "AM" || p == "PM" || p == "A.M." || p == "P.M.") {
    const bool evening = s.hour % 24 >= 12;
    const bool small = piece.spelled[0] != ascii_upper(piece.spelled[0]);
    std::string text = dotted ? (evening ? "P.M." : "A.M.") : (evening ? "PM" : "AM");
    if (small) {
      for (char& c : text) c = ascii_lower(c);
    }
    out += text;
    return true;
  }
  const std::int64_t shown_year = s.year > 0 || s.interval ? s.year : 1 - s.year;
  if (p == "YYYY") return number(shown_year, 4);
  if (p == "Y,YYY") {
    out += fmt::format("{},{:03}", shown_year / 1000, shown_year % 1000);
    return true;
  }
  if (p == "YYY") return number(shown_year % 1000, 3);
  if (p == "YY") return number(shown_year % 100, 2);
  if (p == "Y") return number(shown_year % 10, 1);
  if (p == "MM") return number(s.month, 2);
  if (p == "DD") return number(s.day, 2);
  if (p == "CC") {
    if (s.interval) return number(s.year / 100, 2);
    return number(s.year > 0 ? (s.year - 1) / 100 + 1 : s.year / 100 - 1, 2);
  }
  if (p == "Q") {
    if (s.month == 0) return true;
    return number((s.month - 1) / 3 + 1, 1);
  }
  if (p == "RM") {
    if (s.month == 0) return true;
    return name(kRoman[static_cast<std::size_t>(s.month - 1)], 4);
  }
  if (s.interval) return false;
  if (p == "MONTH") return name(kMonths[static_cast<std::size_t>(s.month - 1)], 9);
  if (p == "MON") return name(kMonths[static_cast<std::size_t>(s.month - 1)].substr(0, 3), 3);
  const auto weekday = static_cast<std::size_t>(iso_weekday(s.days) % 7);
  if (p == "DAY") return name(kDays[weekday], 9);
  if (p == "DY") return name(kDays[weekday].substr(0, 3), 3);
  if (p == "D") return number(static_cast<std::int64_t>(weekday) + 1, 1);
  if (p == "ID") return number(iso_weekday(s.days), 1);
  const std::int64_t day_of_year = s.days - days_of({s.year, 1, 1}) + 1;
  if (p == "DDD") return number(day_of_year, 3);
  if (p == "WW") return number((day_of_year - 1) / 7 + 1, 2);
  if (p == "W") return number((s.day - 1) / 7 + 1, 1);
  const std::int64_t iso = iso_year(s.days);
  if (p == "IW") return number((s.days - first_monday(iso)) / 7 + 1, 2);
  if (p == "IDDD") return number(s.days - first_monday(iso) + 1, 3);
  if (p == "IYYY") return number(iso, 4);
  if (p == "IYY") return number(iso % 1000, 3);
  if (p == "IY") return number(iso % 100, 2);
  if (p == "I") return number(iso % 10, 1);
  if (p == "J") return number(s.days + 2440588, 1);
  if (p == "BC" || p == "AD" || p == "B.C." || p == "A.D.") {
    const bool before = s.year <= 0;
    out += in_case(dotted ? (before ? "B.C." : "A.D.") : (before ? "BC" : "AD"), piece.spelled);
    return true;
  }
  if (p == "TZ") {
    if (s.zoned) out += in_case("UTC", piece.spelled);
  } else if (s.zoned) {
    out += p == "TZM" ? "00" : "+00";
  }
  return true;
}

void show(ScalarCall& call, const Shown& shown) {
  const std::string_view pattern = call.bytes(1);
  if (pattern.empty()) return call.give_null();
  std::string out;
  for (const Piece& piece : pieces_of(pattern)) {
    if (piece.pattern.empty()) {
      out += piece.spelled;
    } else if (!append_piece(shown, piece, out)) {
      return call.fail("22007", "invalid format specification for an interval value");
    }
  }
  call.give_bytes(out);
}

void show_timestamp(ScalarCall& call, std::int64_t timestamp, bool zoned) {
  if (timestamp == kTimestampInfinity || timestamp == kTimestampMinusInfinity) {
    return call.give_null();
  }
  std::int64_t days = timestamp / kMicrosPerDay, micros = timestamp % kMicrosPerDay;
  if (micros < 0) {
    --days;
    micros += kMicrosPerDay;
  }
  const CivilDate date = civil_of(days);
  Shown shown{date.year, date.month, date.day, days, micros / 3'600'000'000, micros % 3'600'000'000,
              micros,    false,      zoned};
  show(call, shown);
}

// ---- reading dates

struct Read {
  std::int64_t year = 1, month = 1, day = 1;
  std::optional<std::int64_t> day_of_year, julian;
  std::int64_t hour = 0, minute = 0, second = 0, micros = 0;
  std::optional<bool> pm;
  bool bc = false;
};

bool read_pieces(ScalarCall& call, Read& read) {
  const std::string_view text = call.bytes(0);
  std::size_t at = 0;
  const auto skip_blanks = [&] {
    while (at < text.size() && text[at] == ' ') ++at;
  };
  const auto pieces = pieces_of(call.bytes(1));
  for (std::size_t i = 0; i < pieces.size() && at < text.size(); ++i) {
    const Piece& piece = pieces[i];
    const std::string_view p = piece.pattern;
    if (p.empty()) {
      const char c = piece.spelled.empty() ? ' ' : piece.spelled[0];
      const bool separator = std::isalnum(static_cast<unsigned char>(c)) == 0;
      if (!separator || piece.spelled.size() != 1) {
        at += piece.spelled.size();
      } else if (std::isalnum(static_cast<unsigned char>(text[at])) == 0) {
        ++at;
      }
      continue;
    }
    skip_blanks();
    const auto fail_value = [&] {
      std::size_t end = at;
      while (end < text.size() && text[end] != ' ') ++end;
      call.fail("22007",
                fmt::format("invalid value \"{}\" for \"{}\"",
                            text.substr(at, std::max(piece.spelled.size(), std::size_t{1})),
                            piece.spelled),
                "Value must be an integer.");
      return false;
    };
    const bool next_is_digits = i + 1 < pieces.size() && !pieces[i + 1].pattern.empty();
    const auto number = [&](std::size_t width, std::int64_t& value) {
      std::size_t end = at;
      const bool sign = end < text.size() && (text[end] == '-' || text[end] == '+');
      if (sign) ++end;
      const std::size_t limit = next_is_digits ? at + width : text.size();
      while (end < text.size() && end < limit && text[end] >= '0' && text[end] <= '9') ++end;
      if (end == at + (sign ? 1 : 0)) return fail_value();
      value = std::atoll(std::string(text.substr(at, end - at)).c_str());
      at = end;
      return true;
    };
    const auto name = [&](const auto& names, std::size_t least, std::int64_t& value) {
      for (std::size_t k = 0; k < names.size(); ++k) {
        const std::string_view wanted = least == 0 ? names[k] : names[k].substr(0, least);
        bool equal = text.size() - at >= wanted.size();
        for (std::size_t c = 0; equal && c < wanted.size(); ++c) {
          equal = ascii_lower(text[at + c]) == ascii_lower(wanted[c]);
        }
        if (!equal) continue;
        at += wanted.size();
        value = static_cast<std::int64_t>(k) + 1;
        return true;
      }
      call.fail("22007",
                fmt::format("invalid value \"{}\" for \"{}\"", text.substr(at, 3), piece.spelled),
                "The given value did not match any of the allowed values for this field.");
      return false;
    };
    std::int64_t value = 0;
    bool good = true;
    if (p == "YYYY" || p == "IYYY") {
      good = number(4, read.year);
    } else if (p == "YYY" || p == "YY" || p == "Y") {
      const std::size_t before = at;
      good = number(p.size(), value);
      if (at - before > 3) {
        read.year = value;
      } else {
        read.year = value < 70    ? 2000 + value
                    : value < 100 ? 1900 + value
                    : value < 520 ? 2000 + value
                                  : 1000 + value;
      }
    } else if (p == "MM") {
      good = number(2, read.month);
    } else if (p == "MONTH") {
      good = name(kMonths, 0, read.month);
    } else if (p == "MON") {
      good = name(kMonths, 3, read.month);
    } else if (p == "DD") {
      good = number(2, read.day);
    } else if (p == "DDD") {
      good = number(3, value);
      read.day_of_year = value;
    } else if (p == "J") {
      good = number(7, value);
      read.julian = value;
    } else if (p == "DAY") {
      good = name(kDays, 0, value);
    } else if (p == "DY") {
      good = name(kDays, 3, value);
    } else if (p == "HH24" || p == "HH12" || p == "HH") {
      good = number(2, read.hour);
      if (good && p != "HH24" && (read.hour < 1 || read.hour > 12)) {
        call.fail("22007", fmt::format("hour \"{}\" is invalid for the 12-hour clock", read.hour));
        return false;
      }
    } else if (p == "MI") {
      good = number(2, read.minute);
    } else if (p == "SS") {
      good = number(2, read.second);
    } else if (p == "MS" || p == "US" || p.substr(0, 2) == "FF") {
      const std::size_t digits = p == "MS"   ? 3
                                 : p == "US" ? 6
                                             : static_cast<std::size_t>(p[2] - '0');
      const std::size_t before = at;
      good = number(digits, value);
      for (std::size_t k = at - before; k < 6; ++k) value *= 10;
      read.micros = value;
    } else if (p == "AM" || p == "PM" || p == "A.M." || p == "P.M.") {
      read.pm = ascii_lower(text[at]) == 'p';
      at += p.size();
    } else if (p == "BC" || p == "AD" || p == "B.C." || p == "A.D.") {
      read.bc = ascii_lower(text[at]) == 'b';
      at += p.size();
    } else {
      call.fail("0A000", fmt::format("template pattern \"{}\" is not supported for reading", p));
      return false;
    }
    if (!good) return false;
  }
  return true;
}

// The microseconds since 1970 of what the template found.
bool read_timestamp(ScalarCall& call, std::int64_t& micros) {
  Read read;
  if (!read_pieces(call, read)) return false;
  const auto fail = [&] {
    call.fail("22008", fmt::format("date/time field value out of range: \"{}\"", call.bytes(0)));
    return false;
  };
  if (read.pm) {
    if (*read.pm && read.hour < 12) read.hour += 12;
    if (!*read.pm && read.hour == 12) read.hour = 0;
  }
  const std::int64_t year = read.bc ? 1 - read.year : read.year;
  if (read.month < 1 || read.month > 12 || read.day < 1 || read.hour < 0 || read.hour > 23 ||
      read.minute < 0 || read.minute > 59 || read.second < 0 || read.second > 59) {
    return fail();
  }
  const auto month = static_cast<unsigned>(read.month);
  if (read.day > days_in_month(year, month)) return fail();
  std::int64_t days = days_of({year, month, static_cast<unsigned>(read.day)});
  if (read.day_of_year) days = days_of({year, 1, 1}) + *read.day_of_year - 1;
  if (read.julian) days = *read.julian - 2440588;
  if (!is_sql_date(days) || days >= 106'751'983) {
    call.fail("22008", fmt::format("date out of range: \"{}\"", call.bytes(0)));
    return false;
  }
  micros = days * kMicrosPerDay +
           ((read.hour * 60 + read.minute) * 60 + read.second) * kMicrosPerSecond + read.micros;
  return true;
}

// ---- numbers

struct NumberFormat {
  std::string integers;  // 9 and 0 and , before the point, in order.
  std::string fraction;  // 9 and 0 behind it.
  bool point = false, fill = false;
  enum class Sign : std::uint8_t { kPlain, kLead, kTrail, kMinusTrail, kMinusLead, kAngle, kPlus };
  Sign sign = Sign::kPlain;
  std::string before, after;  // Literal text around it.
};

bool read_format(ScalarCall& call, std::string_view text, NumberFormat& format) {
  using Sign = NumberFormat::Sign;
  bool any = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = ascii_upper(text[i]);
    const char next = i + 1 < text.size() ? ascii_upper(text[i + 1]) : '\0';
    if (c == '9' || c == '0') {
      any = true;
      (format.point ? format.fraction : format.integers) += c;
    } else if (c == ',' || c == 'G') {
      if (!format.point) format.integers += ',';
    } else if (c == '.' || c == 'D') {
      format.point = true;
      any = true;
    } else if (c == 'F' && next == 'M') {
      format.fill = true;
      ++i;
    } else if (c == 'M' && next == 'I') {
      format.sign = any ? Sign::kMinusTrail : Sign::kMinusLead;
      ++i;
    } else if (c == 'P' && next == 'R') {
      format.sign = Sign::kAngle;
      ++i;
    } else if (c == 'P' && next == 'L') {
      format.sign = Sign::kPlus;
      ++i;
    } else if (c == 'S' && next == 'G') {
      format.sign = any ? Sign::kTrail : Sign::kLead;
      ++i;
    } else if (c == 'S') {
      format.sign = any ? Sign::kTrail : Sign::kLead;
    } else if (c == '"') {
      const std::size_t end = std::min(text.find('"', i + 1), text.size());
      (any ? format.after : format.before) += text.substr(i + 1, end - i - 1);
      i = end;
    } else if (c == 'E' || c == 'V' || (c == 'R' && next == 'N') || (c == 'T' && next == 'H')) {
      call.fail("0A000", fmt::format("number template \"{}\" is not supported", text));
      return false;
    } else {
      (any ? format.after : format.before) += c == 'L' ? ' ' : text[i];
    }
  }
  return true;
}

void show_number(ScalarCall& call, NumericValue value) {
  using Sign = NumberFormat::Sign;
  NumberFormat format;
  if (!read_format(call, call.bytes(1), format)) return;
  const auto places = static_cast<std::int32_t>(format.fraction.size());
  std::size_t slots = 0;
  for (const char c : format.integers) slots += c != ',';
  std::string whole, fraction;
  bool overflow = !value.is_finite();
  if (value.is_finite()) {
    value = value.rounded(places);
    std::string digits;
    value.magnitude.append_digits(digits);
    if (digits.size() < static_cast<std::size_t>(places)) {
      digits.insert(0, static_cast<std::size_t>(places) - digits.size(), '0');
    }
    whole = digits.substr(0, digits.size() - static_cast<std::size_t>(places));
    fraction = digits.substr(digits.size() - static_cast<std::size_t>(places));
    if (whole.empty() && !format.point) whole = "0";
    overflow = whole.size() > slots;
  }
  if (overflow) {
    whole.assign(slots, '#');
    fraction.assign(format.fraction.size(), '#');
  }
  const bool negative = value.is_negative();
  std::string body;
  std::size_t first = std::string::npos;  // Where the first digit stands.
  bool zeros = false;
  std::size_t slot = 0;
  for (const char c : format.integers) {
    if (c == ',') {
      if (first != std::string::npos) {
        body += ',';
      } else if (!format.fill) {
        body += ' ';
      }
      continue;
    }
    zeros = zeros || c == '0';
    const std::size_t left = slots - slot;
    ++slot;
    if (left <= whole.size() || zeros) {
      if (first == std::string::npos) first = body.size();
      body += left <= whole.size() ? whole[whole.size() - left] : '0';
    } else if (!format.fill) {
      body += ' ';
    }
  }
  if (first == std::string::npos) first = body.size();
  if (format.point) {
    body += '.';
    std::size_t kept = fraction.size();
    if (format.fill) {
      while (kept > 0 && fraction[kept - 1] == '0' && format.fraction[kept - 1] == '9' &&
             format.fraction.find('0', kept - 1) == std::string::npos) {
        --kept;
      }
    }
    body += fraction.substr(0, kept);
  }
  const std::string blank = format.fill ? "" : " ";
  switch (format.sign) {
    case Sign::kPlain:
      body.insert(first, negative ? "-" : blank);
      break;
    case Sign::kLead:
      body.insert(first, negative ? "-" : "+");
      break;
    case Sign::kTrail:
      body += negative ? "-" : "+";
      break;
    case Sign::kMinusTrail:
      body += negative ? "-" : blank;
      break;
    case Sign::kMinusLead:
      body.insert(0, negative ? "-" : blank);
      break;
    case Sign::kAngle:
      body.insert(first, negative ? "<" : blank);
      body += negative ? ">" : blank;
      break;
    case Sign::kPlus:
      body.insert(first, negative ? "-" : blank);
      body.insert(0, negative ? blank : "+");
      break;
  }
  call.give_bytes(format.before + body + format.after);
}

}  // namespace

namespace scalar {

void kToCharTimestamp(ScalarCall& call) { show_timestamp(call, call.integer(0), false); }
void kToCharTimestampTz(ScalarCall& call) { show_timestamp(call, call.integer(0), true); }
void kToCharDate(ScalarCall& call) {
  const std::int64_t days = call.integer(0);
  if (days == kDateInfinity || days == kDateMinusInfinity) return call.give_null();
  show_timestamp(call, days * kMicrosPerDay, false);
}
void kToCharInterval(ScalarCall& call) {
  const Interval i = call.interval(0);
  Shown shown;
  shown.year = i.months / 12;
  shown.month = i.months % 12;
  shown.day = i.days;
  shown.hour = i.micros / 3'600'000'000;
  shown.micros_of_hour = i.micros % 3'600'000'000;
  shown.interval = true;
  show(call, shown);
}
void kToCharInt4(ScalarCall& call) { show_number(call, NumericValue::of_integer(call.integer(0))); }
void kToCharInt8(ScalarCall& call) { show_number(call, NumericValue::of_integer(call.integer(0))); }
void kToCharFloat8(ScalarCall& call) {
  // A float is rounded half to even, before it becomes digits.
  NumberFormat format;
  if (!read_format(call, call.bytes(1), format)) return;
  const double value = call.float8(0);
  NumericValue shown = NumericValue::of_double(value, 15);
  if (format.fraction.empty() && shown.is_finite()) {
    shown = NumericValue::of_double(std::rint(value), 15);
  }
  show_number(call, shown);
}
void kToCharNumeric(ScalarCall& call) { show_number(call, numeric_argument(call, 0)); }
void kToDate(ScalarCall& call) {
  std::int64_t micros = 0;
  if (!read_timestamp(call, micros)) return;
  const std::int64_t days = micros / kMicrosPerDay - (micros % kMicrosPerDay < 0 ? 1 : 0);
  call.give_integer(days);
}
void kToTimestampFormat(ScalarCall& call) {
  std::int64_t micros = 0;
  if (read_timestamp(call, micros)) call.give_integer(micros);
}
void kToNumber(ScalarCall& call) {
  const std::string_view text = call.bytes(0);
  NumberFormat format;
  if (!read_format(call, call.bytes(1), format)) return;
  if (text.empty()) return call.give_null();
  std::string digits;
  bool negative = false, point = false;
  for (const char c : text) {
    if (c >= '0' && c <= '9') digits += c;
    if (c == '.' && !point) {
      digits += c;
      point = true;
    }
    negative = negative || c == '-' || c == '<';
  }
  if (negative) digits.insert(0, 1, '-');
  NumericValue value;
  bool out_of_range = false;
  if (!NumericValue::parse(digits, value, out_of_range)) {
    return call.fail("22P02", fmt::format("invalid input syntax for type numeric: \"{}\"", text));
  }
  give_numeric(call, value.truncated(static_cast<std::int32_t>(format.fraction.size())));
}

}  // namespace scalar
}  // namespace entail::vm
