// vm/internal/integer_width.h - how many bits the integers of a type have.
#pragma once

#include "vm/type.h"

namespace entail::vm {

inline unsigned integer_width(Type type) {
  switch (type.kind) {
    case TypeKind::kInt2:
      return 16;
    case TypeKind::kInt4:
      return 32;
    case TypeKind::kNumber:
    case TypeKind::kUnsigned:
      return type.width;
    default:
      return 64;
  }
}

}  // namespace entail::vm
