#include "tests/oracle/value.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace entail::oracle {

namespace {

template <typename T>
int order(const T& left, const T& right) {
  return left < right ? -1 : (right < left ? 1 : 0);
}

// 1970-01-01 is day 0. Counts whole years and months, one at a time: slow, and obviously right.
std::string date_text(std::int64_t days) {
  auto leap = [](std::int64_t y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; };
  std::int64_t year = 1970;
  while (days < 0) days += leap(--year) ? 366 : 365;
  while (days >= (leap(year) ? 366 : 365)) days -= leap(year++) ? 366 : 365;
  const int lengths[] = {31, leap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int month = 0;
  while (days >= lengths[month]) days -= lengths[month++];
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%s%04lld-%02d-%02d", year > 9999 ? "+" : "",
                static_cast<long long>(year), month + 1, static_cast<int>(days) + 1);
  return buffer;
}

std::string time_text(std::int64_t microseconds) {
  const std::int64_t seconds = microseconds / 1'000'000;
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%02d:%02d:%02d", static_cast<int>(seconds / 3600),
                static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  std::string out = buffer;
  if (const auto fraction = static_cast<int>(microseconds % 1'000'000); fraction != 0) {
    std::snprintf(buffer, sizeof buffer, ".%06d", fraction);
    out += buffer;
    out.erase(out.find_last_not_of('0') + 1);
  }
  return out;
}

std::string timestamp_text(std::int64_t microseconds) {
  if (microseconds == std::numeric_limits<std::int64_t>::max()) return "infinity";
  if (microseconds == std::numeric_limits<std::int64_t>::min()) return "-infinity";
  constexpr std::int64_t kDay = 86'400'000'000;
  std::int64_t days = microseconds / kDay;
  if (microseconds % kDay < 0) --days;
  return date_text(days) + "T" + time_text(microseconds - days * kDay);
}

std::string parts_text(const vm::TypeTable& types, const std::vector<vm::FieldType>& fields,
                       const std::vector<Value>& parts) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += ", ";
    out += to_text(types, fields[i].type, parts[i]);
  }
  return out;
}

}  // namespace

Value float_value(double value) {
  if (value == 0.0) return 0.0;
  if (std::isnan(value)) return std::numeric_limits<double>::quiet_NaN();
  return value;
}

Value compound_value(std::uint32_t branch, std::vector<Value> parts) {
  return std::make_shared<const Compound>(Compound{branch, std::move(parts)});
}

int compare(const Value& left, const Value& right) {
  if (left.index() != right.index()) return order(left.index(), right.index());
  if (const auto* a = std::get_if<std::int64_t>(&left))
    return order(*a, std::get<std::int64_t>(right));
  if (const auto* a = std::get_if<std::uint64_t>(&left))
    return order(*a, std::get<std::uint64_t>(right));
  if (const auto* a = std::get_if<std::string>(&left))
    return order(*a, std::get<std::string>(right));
  if (const auto* a = std::get_if<double>(&left)) {
    const double b = std::get<double>(right);
    if (std::isnan(*a) || std::isnan(b)) return order(std::isnan(*a), std::isnan(b));
    return order(*a, b);
  }
  if (const auto* a = std::get_if<std::shared_ptr<const Compound>>(&left)) {
    const Compound& b = *std::get<std::shared_ptr<const Compound>>(right);
    if ((*a)->branch != b.branch) return order((*a)->branch, b.branch);
    return compare((*a)->parts, b.parts);
  }
  return 0;
}

int compare(const Row& left, const Row& right) {
  for (std::size_t i = 0; i < left.size() && i < right.size(); ++i) {
    if (const int result = compare(left[i], right[i]); result != 0) return result;
  }
  return order(left.size(), right.size());
}

std::string shortest_text(double value, bool single_precision) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  // The fewest significant digits that read back, by trying them all; then the shorter of the plain
  // and the exponent form, the plain one when both are as long.
  for (int digits = 1; digits <= 17; ++digits) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%.*e", digits - 1, value);
    const double back = single_precision ? static_cast<double>(std::strtof(buffer, nullptr))
                                         : std::strtod(buffer, nullptr);
    if (back != value) continue;
    const std::string exponent_form = buffer;
    const std::size_t e = exponent_form.find('e');
    const int exponent = std::stoi(exponent_form.substr(e + 1));
    std::string plain(512, '\0');
    plain.resize(static_cast<std::size_t>(std::snprintf(
        plain.data(), plain.size(), "%.*f", std::max(0, digits - 1 - exponent), value)));
    return plain.size() <= exponent_form.size() ? plain : exponent_form;
  }
  return "unreachable";
}

std::string to_text(const vm::TypeTable& types, vm::Type type, const Value& value) {
  if (is_null(value)) return "null";
  if (std::holds_alternative<Nil>(value)) return "nil";
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    switch (type.kind) {
      case vm::TypeKind::kBool:
        return *number != 0 ? "true" : "false";
      case vm::TypeKind::kEnum:
        return types.enum_labels(type.detail).at(static_cast<std::size_t>(*number));
      case vm::TypeKind::kDate:
        return date_text(*number);
      case vm::TypeKind::kTime:
        return time_text(*number);
      case vm::TypeKind::kTimestamp:
        return timestamp_text(*number);
      case vm::TypeKind::kTimestampTz: {
        const std::string text = timestamp_text(*number);
        return text.ends_with("infinity") ? text : text + "Z";
      }
      default:
        return std::to_string(*number);
    }
  }
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&value)) {
    return shortest_text(*number, type.kind == vm::TypeKind::kFloat4);
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (type.kind != vm::TypeKind::kBytes) return *text;
    std::string out = "\\x";
    for (const char c : *text) {
      char buffer[4];
      std::snprintf(buffer, sizeof buffer, "%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += buffer;
    }
    return out;
  }
  const Compound& compound = *std::get<std::shared_ptr<const Compound>>(value);
  if (type.kind == vm::TypeKind::kRecord) {
    return "[" + parts_text(types, types.record_fields(type.detail), compound.parts) + "]";
  }
  if (type.kind == vm::TypeKind::kAdt) {
    const vm::BranchType& branch = types.adt_branches(type.detail).at(compound.branch);
    if (branch.fields.empty()) return "$" + branch.name;
    return "$" + branch.name + "(" + parts_text(types, branch.fields, compound.parts) + ")";
  }
  std::string out = "[";
  for (std::size_t i = 0; i < compound.parts.size(); ++i) {
    if (i > 0) out += ", ";
    out += to_text(types, types.array_element(type.detail), compound.parts[i]);
  }
  return out + "]";
}

}  // namespace entail::oracle
