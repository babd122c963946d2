#include "vm/scalar_functions.h"

#include <algorithm>
#include <array>

namespace entail::vm {

namespace {

constexpr ScalarSignature make_signature(ScalarFunction function, std::string_view name,
                                         std::string_view arguments, char result,
                                         std::string_view flags) {
  const auto has = [flags](char flag) { return flags.find(flag) != std::string_view::npos; };
  return {function, name, arguments, result, has('!'), has('?'), !has('~'), has('+')};
}

constexpr std::array<ScalarSignature, kScalarFunctionCount> kSignatures = {
#define SCALAR_FUNCTION(id, name, arguments, result, flags) \
  make_signature(ScalarFunction::id, name, arguments, result[0], flags),
#include "vm/scalar_functions.def"
#undef SCALAR_FUNCTION
};

const std::array<ScalarSignature, kScalarFunctionCount>& by_name() {
  static const auto sorted = [] {
    auto copy = kSignatures;
    std::stable_sort(
        copy.begin(), copy.end(),
        [](const ScalarSignature& a, const ScalarSignature& b) { return a.name < b.name; });
    return copy;
  }();
  return sorted;
}

// Which kinds a value may have that a smaller type's value always fits.
bool is_integer(TypeKind kind) {
  return kind == TypeKind::kInt2 || kind == TypeKind::kInt4 || kind == TypeKind::kInt8;
}
bool is_rule_integer(TypeKind kind) {
  return kind == TypeKind::kNumber || kind == TypeKind::kUnsigned;
}
bool is_float(TypeKind kind) { return kind == TypeKind::kFloat4 || kind == TypeKind::kFloat8; }
bool is_number(TypeKind kind) {
  return is_integer(kind) || is_rule_integer(kind) || is_float(kind) ||
         kind == TypeKind::kNumeric || kind == TypeKind::kDecimal;
}

}  // namespace

const ScalarSignature& scalar_signature(ScalarFunction function) {
  return kSignatures[static_cast<std::size_t>(function)];
}

std::span<const ScalarSignature> scalar_signatures_by_name() { return by_name(); }

std::span<const ScalarSignature> scalar_signatures_of(std::string_view name) {
  const auto& all = by_name();
  const auto [first, last] = std::equal_range(
      all.begin(), all.end(), ScalarSignature{{}, name, {}, 'x', false, false, true, false},
      [](const ScalarSignature& a, const ScalarSignature& b) { return a.name < b.name; });
  return {all.data() + (first - all.begin()), static_cast<std::size_t>(last - first)};
}

bool fits_letter(char letter, Type type) {
  switch (letter) {
    case 'b':
      return type.kind == TypeKind::kBool;
    case 'h':
      return type.kind == TypeKind::kInt2;
    case 'i':
      return type.kind == TypeKind::kInt4;
    case 'l':
      return type.kind == TypeKind::kInt8;
    case 'f':
      return type.kind == TypeKind::kFloat4;
    case 'd':
      return type.kind == TypeKind::kFloat8;
    case 'n':
      return type.kind == TypeKind::kNumeric;
    case 't':
      return type.kind == TypeKind::kText;
    case 'y':
      return type.kind == TypeKind::kBytes;
    case 'D':
      return type.kind == TypeKind::kDate;
    case 'T':
      return type.kind == TypeKind::kTime;
    case 'S':
      return type.kind == TypeKind::kTimestamp;
    case 'Z':
      return type.kind == TypeKind::kTimestampTz;
    case 'V':
      return type.kind == TypeKind::kInterval;
    case 'u':
      return type.kind == TypeKind::kUuid;
    case 'j':
      return type.kind == TypeKind::kJson;
    case 'a':
    case 'I':
      return type.kind == TypeKind::kArray;
    default:
      return true;
  }
}

bool cast_can_fail(Type from, Type to) {
  if (from == to || to.kind == TypeKind::kText) return false;
  if (from.kind == TypeKind::kNumeric && to.kind == TypeKind::kNumeric) return false;
  if (from.kind == TypeKind::kBool && is_number(to.kind)) return false;
  if (is_integer(from.kind)) {
    if (to.kind == TypeKind::kBool || to.kind == TypeKind::kNumeric || is_float(to.kind)) {
      return false;
    }
    return !(is_integer(to.kind) && to.kind >= from.kind);
  }
  if (from.kind == TypeKind::kFloat4 && to.kind == TypeKind::kFloat8) return false;
  if (is_float(from.kind) && to.kind == TypeKind::kNumeric) return false;
  if (from.kind == TypeKind::kTimestampTz && to.kind == TypeKind::kTimestamp) return false;
  if (from.kind == TypeKind::kTimestamp && to.kind == TypeKind::kTimestampTz) return false;
  if (to.kind == TypeKind::kTime) return from.kind == TypeKind::kText;
  return true;
}

bool can_cast(const TypeTable& types, Type from, Type to) {
  if (from == to || from.kind == TypeKind::kText || to.kind == TypeKind::kText) return true;
  if (from.kind == TypeKind::kArray && to.kind == TypeKind::kArray) {
    return can_cast(types, types.array_element(from.detail), types.array_element(to.detail));
  }
  if (is_number(from.kind) && is_number(to.kind)) return true;
  const auto one_way = [&](TypeKind a, TypeKind b) { return from.kind == a && to.kind == b; };
  const auto between = [&](TypeKind a, TypeKind b) { return one_way(a, b) || one_way(b, a); };
  return between(TypeKind::kBool, TypeKind::kInt4) ||
         between(TypeKind::kDate, TypeKind::kTimestamp) ||
         between(TypeKind::kDate, TypeKind::kTimestampTz) ||
         between(TypeKind::kTimestamp, TypeKind::kTimestampTz) ||
         one_way(TypeKind::kTimestamp, TypeKind::kTime) ||
         one_way(TypeKind::kTimestampTz, TypeKind::kTime) ||
         one_way(TypeKind::kTime, TypeKind::kInterval) ||
         one_way(TypeKind::kInterval, TypeKind::kTime);
}

}  // namespace entail::vm
