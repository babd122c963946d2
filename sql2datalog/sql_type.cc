#include "sql2datalog/sql_type.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace entail::sql2datalog {

namespace {

using vm::TypeKind;

constexpr std::nullopt_t kNone = std::nullopt;

// Ascending by oid. Arrays follow their elements below.
constexpr TypeInfo kTypes[] = {
    {16, "bool", "boolean", 'B', true, 1000, 0, TypeKind::kBool},
    {17, "bytea", "bytea", 'U', false, 1001, 0, TypeKind::kBytes},
    {18, "char", "\"char\"", 'Z', false, 1002, 0, TypeKind::kText},
    {19, "name", "name", 'S', false, 1003, 0, TypeKind::kText},
    {20, "int8", "bigint", 'N', false, 1016, 0, TypeKind::kInt8},
    {21, "int2", "smallint", 'N', false, 1005, 0, TypeKind::kInt2},
    {22, "int2vector", "int2vector", 'A', false, 1006, 21, TypeKind::kArray},
    {23, "int4", "integer", 'N', false, 1007, 0, TypeKind::kInt4},
    {24, "regproc", "regproc", 'N', false, 1008, 0, TypeKind::kInt8},
    {25, "text", "text", 'S', true, 1009, 0, TypeKind::kText},
    {26, "oid", "oid", 'N', true, 1028, 0, TypeKind::kInt8},
    {27, "tid", "tid", 'U', false, 1010, 0, TypeKind::kInt8},
    {28, "xid", "xid", 'U', false, 1011, 0, TypeKind::kInt8},
    {29, "cid", "cid", 'U', false, 1012, 0, TypeKind::kInt8},
    {30, "oidvector", "oidvector", 'A', false, 1013, 26, TypeKind::kArray},
    {114, "json", "json", 'U', false, 199, 0, TypeKind::kJson},
    {194, "pg_node_tree", "pg_node_tree", 'Z', false, 0, 0, TypeKind::kText},
    {199, "_json", "json[]", 'A', false, 0, 114, TypeKind::kArray},
    {700, "float4", "real", 'N', false, 1021, 0, TypeKind::kFloat4},
    {701, "float8", "double precision", 'N', true, 1022, 0, TypeKind::kFloat8},
    {705, "unknown", "unknown", 'X', false, 0, 0, kNone},
    {1000, "_bool", "boolean[]", 'A', false, 0, 16, TypeKind::kArray},
    {1001, "_bytea", "bytea[]", 'A', false, 0, 17, TypeKind::kArray},
    {1002, "_char", "\"char\"[]", 'A', false, 0, 18, TypeKind::kArray},
    {1003, "_name", "name[]", 'A', false, 0, 19, TypeKind::kArray},
    {1005, "_int2", "smallint[]", 'A', false, 0, 21, TypeKind::kArray},
    {1007, "_int4", "integer[]", 'A', false, 0, 23, TypeKind::kArray},
    {1009, "_text", "text[]", 'A', false, 0, 25, TypeKind::kArray},
    {1014, "_bpchar", "character[]", 'A', false, 0, 1042, TypeKind::kArray},
    {1015, "_varchar", "character varying[]", 'A', false, 0, 1043, TypeKind::kArray},
    {1016, "_int8", "bigint[]", 'A', false, 0, 20, TypeKind::kArray},
    {1021, "_float4", "real[]", 'A', false, 0, 700, TypeKind::kArray},
    {1022, "_float8", "double precision[]", 'A', false, 0, 701, TypeKind::kArray},
    {1028, "_oid", "oid[]", 'A', false, 0, 26, TypeKind::kArray},
    {1034, "_aclitem", "aclitem[]", 'A', false, 0, 25, TypeKind::kArray},
    {1042, "bpchar", "character", 'S', false, 1014, 0, TypeKind::kText},
    {1043, "varchar", "character varying", 'S', false, 1015, 0, TypeKind::kText},
    {1082, "date", "date", 'D', false, 1182, 0, TypeKind::kDate},
    {1083, "time", "time without time zone", 'D', false, 1183, 0, TypeKind::kTime},
    {1114, "timestamp", "timestamp without time zone", 'D', false, 1115, 0, TypeKind::kTimestamp},
    {1115, "_timestamp", "timestamp without time zone[]", 'A', false, 0, 1114, TypeKind::kArray},
    {1182, "_date", "date[]", 'A', false, 0, 1082, TypeKind::kArray},
    {1183, "_time", "time without time zone[]", 'A', false, 0, 1083, TypeKind::kArray},
    {1184, "timestamptz", "timestamp with time zone", 'D', true, 1185, 0, TypeKind::kTimestampTz},
    {1185, "_timestamptz", "timestamp with time zone[]", 'A', false, 0, 1184, TypeKind::kArray},
    {1186, "interval", "interval", 'T', true, 1187, 0, TypeKind::kInterval},
    {1187, "_interval", "interval[]", 'A', false, 0, 1186, TypeKind::kArray},
    {1231, "_numeric", "numeric[]", 'A', false, 0, 1700, TypeKind::kArray},
    {1700, "numeric", "numeric", 'N', false, 1231, 0, TypeKind::kNumeric},
    {2202, "regprocedure", "regprocedure", 'N', false, 0, 0, TypeKind::kInt8},
    {2203, "regoper", "regoper", 'N', false, 0, 0, TypeKind::kInt8},
    {2204, "regoperator", "regoperator", 'N', false, 0, 0, TypeKind::kInt8},
    {2205, "regclass", "regclass", 'N', false, 2210, 0, TypeKind::kInt8},
    {2206, "regtype", "regtype", 'N', false, 2211, 0, TypeKind::kInt8},
    {2210, "_regclass", "regclass[]", 'A', false, 0, 2205, TypeKind::kArray},
    {2211, "_regtype", "regtype[]", 'A', false, 0, 2206, TypeKind::kArray},
    {2249, "record", "record", 'P', false, 2287, 0, kNone},
    {2276, "any", "\"any\"", 'P', false, 0, 0, kNone},
    {2277, "anyarray", "anyarray", 'P', false, 0, 0, kNone},
    {2278, "void", "void", 'P', false, 0, 0, TypeKind::kText},
    {2283, "anyelement", "anyelement", 'P', false, 0, 0, kNone},
    {2287, "_record", "record[]", 'P', false, 0, 2249, kNone},
    {2776, "anynonarray", "anynonarray", 'P', false, 0, 0, kNone},
    {2950, "uuid", "uuid", 'U', false, 2951, 0, TypeKind::kUuid},
    {2951, "_uuid", "uuid[]", 'A', false, 0, 2950, TypeKind::kArray},
    {3734, "regconfig", "regconfig", 'N', false, 0, 0, TypeKind::kInt8},
    {3802, "jsonb", "jsonb", 'U', false, 3807, 0, TypeKind::kJson},
    {3807, "_jsonb", "jsonb[]", 'A', false, 0, 3802, TypeKind::kArray},
    {4089, "regnamespace", "regnamespace", 'N', false, 0, 0, TypeKind::kInt8},
    {4096, "regrole", "regrole", 'N', false, 0, 0, TypeKind::kInt8},
    {5077, "anycompatible", "anycompatible", 'P', false, 0, 0, kNone},
    {5078, "anycompatiblearray", "anycompatiblearray", 'P', false, 0, 0, kNone},
};

// Names that the grammar of SQL knows beside those of pg_type.
constexpr std::pair<std::string_view, Oid> kSynonyms[] = {
    {"boolean", oids::kBool},
    {"smallint", oids::kInt2},
    {"int", oids::kInt4},
    {"integer", oids::kInt4},
    {"bigint", oids::kInt8},
    {"real", oids::kFloat4},
    {"float", oids::kFloat8},
    {"double precision", oids::kFloat8},
    {"decimal", oids::kNumeric},
    {"dec", oids::kNumeric},
    {"character varying", oids::kVarchar},
    {"char varying", oids::kVarchar},
    {"national character varying", oids::kVarchar},
    {"character", oids::kBpchar},
    {"national character", oids::kBpchar},
    {"nchar", oids::kBpchar},
    {"time without time zone", oids::kTime},
    {"timestamp without time zone", oids::kTimestamp},
    {"timestamp with time zone", oids::kTimestampTz},
    {"serial", oids::kInt4},
    {"serial4", oids::kInt4},
    {"bigserial", oids::kInt8},
    {"serial8", oids::kInt8},
    {"smallserial", oids::kInt2},
    {"serial2", oids::kInt2},
};

// What stands in parentheses behind the name; for timestamps, in the middle of it.
std::string with_modifier(const TypeInfo& info, std::int32_t typmod) {
  std::string name(info.printed);
  if (typmod < 0) return name;
  auto in_parentheses = [](std::int32_t number) { return "(" + std::to_string(number) + ")"; };
  switch (info.oid) {
    case oids::kBpchar:
    case oids::kVarchar:
      return typmod > 4 ? name + in_parentheses(typmod - 4) : name;
    case oids::kNumeric:
      return name + "(" + std::to_string(numeric_precision(typmod)) + "," +
             std::to_string(numeric_scale(typmod)) + ")";
    case oids::kTime:
    case oids::kTimestamp:
    case oids::kTimestampTz:
      return name.insert(name.find(' '), in_parentheses(typmod));
    case oids::kInterval: {
      const std::int32_t digits = typmod & 0xffff;
      return digits == 0xffff ? name : name + in_parentheses(digits);
    }
    default:
      return name;
  }
}

}  // namespace

std::span<const TypeInfo> builtin_types() { return kTypes; }

const TypeInfo* find_type(Oid oid) {
  const auto* const found =
      std::lower_bound(std::begin(kTypes), std::end(kTypes), oid,
                       [](const TypeInfo& info, Oid wanted) { return info.oid < wanted; });
  return found != std::end(kTypes) && found->oid == oid ? found : nullptr;
}

const TypeInfo* find_type(std::string_view name) {
  for (const auto& [synonym, oid] : kSynonyms) {
    if (synonym == name) return find_type(oid);
  }
  for (const TypeInfo& info : kTypes) {
    if (info.name == name) return &info;
  }
  return nullptr;
}

bool is_string_type(Oid oid) {
  return oid == oids::kText || oid == oids::kVarchar || oid == oids::kBpchar ||
         oid == oids::kName || oid == oids::kChar;
}

bool is_integer_type(Oid oid) {
  return oid == oids::kInt2 || oid == oids::kInt4 || oid == oids::kInt8;
}

bool is_number_type(Oid oid) {
  return is_integer_type(oid) || oid == oids::kFloat4 || oid == oids::kFloat8 ||
         oid == oids::kNumeric;
}

bool is_array_type(Oid oid) {
  const TypeInfo* const info = find_type(oid);
  return info != nullptr && info->element != 0;
}

bool is_oid_like(Oid oid) {
  switch (oid) {
    case oids::kOid:
    case oids::kRegproc:
    case oids::kRegprocedure:
    case oids::kRegoper:
    case oids::kRegoperator:
    case oids::kRegclass:
    case oids::kRegtype:
    case oids::kRegconfig:
    case oids::kRegnamespace:
    case oids::kRegrole:
      return true;
    default:
      return false;
  }
}

std::optional<vm::Type> machine_type(SqlType type, vm::TypeTable& types) {
  const TypeInfo* const info = find_type(type.oid);
  if (info == nullptr || !info->kind) return std::nullopt;
  if (*info->kind != TypeKind::kArray) return vm::Type::of(*info->kind);
  const std::optional<vm::Type> element = machine_type({info->element, -1}, types);
  if (!element) return std::nullopt;
  return types.array_of(*element, true);
}

SqlType sql_type_of(vm::Type type, const vm::TypeTable& types) {
  switch (type.kind) {
    case TypeKind::kBool:
      return {oids::kBool, -1};
    case TypeKind::kInt2:
      return {oids::kInt2, -1};
    case TypeKind::kInt4:
      return {oids::kInt4, -1};
    case TypeKind::kInt8:
    case TypeKind::kNumber:
    case TypeKind::kUnsigned:
      return {oids::kInt8, -1};
    case TypeKind::kFloat4:
      return {oids::kFloat4, -1};
    case TypeKind::kFloat8:
      return {oids::kFloat8, -1};
    case TypeKind::kDate:
      return {oids::kDate, -1};
    case TypeKind::kTime:
      return {oids::kTime, -1};
    case TypeKind::kTimestamp:
      return {oids::kTimestamp, -1};
    case TypeKind::kTimestampTz:
      return {oids::kTimestampTz, -1};
    case TypeKind::kInterval:
      return {oids::kInterval, -1};
    case TypeKind::kDecimal:
      return {oids::kNumeric, numeric_typmod(type.width, type.scale)};
    case TypeKind::kNumeric:
      return {oids::kNumeric, -1};
    case TypeKind::kUuid:
      return {oids::kUuid, -1};
    case TypeKind::kBytes:
      return {oids::kBytea, -1};
    case TypeKind::kJson:
      return {oids::kJsonb, -1};
    case TypeKind::kArray: {
      const SqlType element = sql_type_of(types.array_element(type.detail), types);
      const TypeInfo* const info = find_type(element.oid);
      return {info != nullptr && info->array != 0 ? info->array : oids::kText, -1};
    }
    case TypeKind::kText:
    case TypeKind::kEnum:
    case TypeKind::kRecord:
    case TypeKind::kAdt:
      return {oids::kText, -1};
  }
  return {oids::kText, -1};
}

std::string format_type(SqlType type, std::string_view user_name) {
  const TypeInfo* const info = find_type(type.oid);
  if (info == nullptr) return user_name.empty() ? "???" : std::string(user_name);
  if (info->element == 0 || info->category != 'A' || info->name.front() != '_') {
    return with_modifier(*info, type.typmod);
  }
  return with_modifier(*find_type(info->element), type.typmod) + "[]";
}

}  // namespace entail::sql2datalog
