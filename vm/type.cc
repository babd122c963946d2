// vm/type.cc - see type.h.

#include "vm/type.h"

#include "vm/base/ensure.h"

namespace entail::vm {

std::string_view type_kind_name(TypeKind kind) {
  switch (kind) {
    case TypeKind::kBool:
      return "bool";
    case TypeKind::kInt2:
      return "int16";
    case TypeKind::kInt4:
      return "int32";
    case TypeKind::kInt8:
      return "int64";
    case TypeKind::kNumber:
      return "number";
    case TypeKind::kUnsigned:
      return "unsigned";
    case TypeKind::kFloat4:
      return "float32";
    case TypeKind::kFloat8:
      return "float";
    case TypeKind::kDate:
      return "date";
    case TypeKind::kTime:
      return "time";
    case TypeKind::kTimestamp:
      return "timestamp";
    case TypeKind::kTimestampTz:
      return "timestamptz";
    case TypeKind::kInterval:
      return "interval";
    case TypeKind::kDecimal:
      return "decimal";
    case TypeKind::kNumeric:
      return "numeric";
    case TypeKind::kUuid:
      return "uuid";
    case TypeKind::kText:
      return "text";
    case TypeKind::kBytes:
      return "bytes";
    case TypeKind::kJson:
      return "json";
    case TypeKind::kEnum:
      return "enum";
    case TypeKind::kRecord:
      return "record";
    case TypeKind::kAdt:
      return "adt";
    case TypeKind::kArray:
      return "array";
  }
  ENTAIL_UNREACHABLE("not a TypeKind");
}

}  // namespace entail::vm
