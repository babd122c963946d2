// compiler/internal/arithmetic_kind.h - how the machine computes with a type.
//
// Threads: pure functions.
#pragma once

#include <cstdint>

#include "vm/type.h"

namespace entail::compiler::internal {

// How the machine computes with a type of one word.
enum class Arithmetic : std::uint8_t { kSigned, kUnsigned, kFloat8, kFloat4, kDecimal, kNone };

inline Arithmetic arithmetic_of(vm::Type type) {
  switch (type.kind) {
    case vm::TypeKind::kUnsigned:
      return Arithmetic::kUnsigned;
    case vm::TypeKind::kFloat8:
      return Arithmetic::kFloat8;
    case vm::TypeKind::kFloat4:
      return Arithmetic::kFloat4;
    case vm::TypeKind::kDecimal:
      return Arithmetic::kDecimal;
    case vm::TypeKind::kBool:
    case vm::TypeKind::kInt2:
    case vm::TypeKind::kInt4:
    case vm::TypeKind::kInt8:
    case vm::TypeKind::kNumber:
    case vm::TypeKind::kDate:
    case vm::TypeKind::kTime:
    case vm::TypeKind::kTimestamp:
    case vm::TypeKind::kTimestampTz:
    case vm::TypeKind::kEnum:
      return Arithmetic::kSigned;
    default:
      return Arithmetic::kNone;
  }
}

inline bool is_byte_string(vm::TypeKind kind) {
  return kind == vm::TypeKind::kText || kind == vm::TypeKind::kBytes ||
         kind == vm::TypeKind::kJson || kind == vm::TypeKind::kNumeric;
}

inline std::uint32_t width_of(vm::Type type) {
  return type.width == 32 || type.kind == vm::TypeKind::kInt4 ? 32 : 64;
}

inline bool is_float(Arithmetic arithmetic) {
  return arithmetic == Arithmetic::kFloat8 || arithmetic == Arithmetic::kFloat4;
}

}  // namespace entail::compiler::internal
