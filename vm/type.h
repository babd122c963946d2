// vm/type.h - what the words of a column mean: a small value, compared by ==.
//
// A Type is a kind and, where the kind needs it, a width or precision, a scale, and the id of a
// definition in a TypeTable (vm/type_table.h): record, adt, enum and array types are their
// definition, so two types are the same exactly when their fields are equal.
//
// Nullability belongs to the column, not to the type: pass it to words_of().

#pragma once

#include <cstdint>
#include <string_view>

namespace entail::vm {

enum class TypeKind : std::uint8_t {
  kBool,
  kInt2,
  kInt4,
  kInt8,
  kNumber,    // Souffle's number: width 32 or 64, arithmetic wraps at it.
  kUnsigned,  // Souffle's unsigned: width 32 or 64.
  kFloat4,
  kFloat8,
  kDate,
  kTime,
  kTimestamp,
  kTimestampTz,
  kInterval,
  kDecimal,  // width = precision 1..38, scale 0..precision.
  kNumeric,  // Any precision; a byte string in memcmp order, see vm/numeric.h.
  kUuid,
  kText,
  kBytes,
  kJson,  // Canonical text.
  kEnum,
  kRecord,
  kAdt,
  kArray,
};

// A definition in a TypeTable. Unused (kNoTypeId) in types without one.
enum class TypeId : std::uint32_t {};
inline constexpr TypeId kNoTypeId{0xffffffffU};

struct Type {
  TypeKind kind = TypeKind::kNumber;
  // kNumber, kUnsigned: 32 or 64 bits. kDecimal: precision. kNumeric: 1 if displayed. Else 0.
  std::uint8_t width = 0;
  std::uint8_t scale = 0;  // kDecimal: digits after the point. Else 0.
  TypeId detail = kNoTypeId;

  friend bool operator==(const Type&, const Type&) = default;

  static constexpr Type of(TypeKind kind) { return {kind, 0, 0, kNoTypeId}; }
  static constexpr Type number(unsigned width = 64) {
    return {TypeKind::kNumber, static_cast<std::uint8_t>(width), 0, kNoTypeId};
  }
  static constexpr Type unsigned_number(unsigned width = 64) {
    return {TypeKind::kUnsigned, static_cast<std::uint8_t>(width), 0, kNoTypeId};
  }
  // REQUIRES: 1 <= precision <= 38, scale <= precision.
  static constexpr Type decimal(unsigned precision, unsigned scale) {
    return {TypeKind::kDecimal, static_cast<std::uint8_t>(precision),
            static_cast<std::uint8_t>(scale), kNoTypeId};
  }
  // A numeric that carries how many digits it shows: equal values may differ in their words, so no key
  // and no set holds it; see datalog/expression.h and vm/numeric.h.
  static constexpr Type displayed_numeric() { return {TypeKind::kNumeric, 1, 0, kNoTypeId}; }
  static constexpr Type text() { return of(TypeKind::kText); }
  static constexpr Type float8() { return of(TypeKind::kFloat8); }
  static constexpr Type boolean() { return of(TypeKind::kBool); }
  // REQUIRES: kind is kEnum, kRecord, kAdt or kArray, and `detail` names such a definition.
  static constexpr Type defined(TypeKind kind, TypeId detail) { return {kind, 0, 0, detail}; }
};
static_assert(sizeof(Type) == 8);

inline constexpr unsigned kDecimalDigitsMax = 38;
inline constexpr unsigned kDecimalOneWordDigitsMax = 18;

// Words of a value: 1, or 2 for the 16-byte class.
constexpr unsigned value_words(Type type) {
  switch (type.kind) {
    case TypeKind::kInterval:
    case TypeKind::kUuid:
      return 2;
    case TypeKind::kDecimal:
      return type.width > kDecimalOneWordDigitsMax ? 2 : 1;
    default:
      return 1;
  }
}

// Words of a column: the value's, then the null flag if there is one.
constexpr unsigned words_of(Type type, bool nullable) {
  return value_words(type) + (nullable ? 1U : 0U);
}

// Whether the value word may be a handle that a stored row must retain. An adt without any field
// is an ordinal, which only its definition tells: see TypeTable::is_handle().
constexpr bool may_be_handle(TypeKind kind) {
  switch (kind) {
    case TypeKind::kNumeric:
    case TypeKind::kText:
    case TypeKind::kBytes:
    case TypeKind::kJson:
    case TypeKind::kRecord:
    case TypeKind::kAdt:
    case TypeKind::kArray:
      return true;
    default:
      return false;
  }
}

// Whether arithmetic is defined on the kind (integers, floats, decimals, numeric).
constexpr bool is_numeric_kind(TypeKind kind) {
  switch (kind) {
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8:
    case TypeKind::kNumber:
    case TypeKind::kUnsigned:
    case TypeKind::kFloat4:
    case TypeKind::kFloat8:
    case TypeKind::kDecimal:
    case TypeKind::kNumeric:
      return true;
    default:
      return false;
  }
}

// The kind's name as error messages and dumps spell it: "number", "unsigned", "float", "text" …
std::string_view type_kind_name(TypeKind kind);

}  // namespace entail::vm
