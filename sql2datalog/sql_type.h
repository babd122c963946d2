// sql2datalog/sql_type.h - SQL's types: PostgreSQL's numbers for them, and what they are to the machine.
//
// A SqlType is what a client is told of a column: the type's oid and its modifier, in PostgreSQL's
// encoding. Several SQL types share a machine type (text, varchar(10), name are kText; oid and regclass are
// kInt8), so the SqlType travels beside the vm::Type and is never recomputed from it.
//
//     varchar(10)     {1043, 14}       the length + 4
//     numeric(8, 2)   {1700, 524294}   precision << 16 | scale, + 4
//     timestamp(3)    {1114, 3}
//     integer[]       {1007, -1}
//
// Categories and preferred types are those by which PostgreSQL chooses among overloads.
//
// Source: the manual of PostgreSQL 15, chapters 8 and 10, and its catalog pg_type. Threads: pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "vm/type.h"
#include "vm/type_table.h"

namespace entail::sql2datalog {

using Oid = std::uint32_t;

struct SqlType {
  Oid oid = 0;
  std::int32_t typmod = -1;  // -1: none.

  friend bool operator==(const SqlType&, const SqlType&) = default;
};

namespace oids {
inline constexpr Oid kBool = 16, kBytea = 17, kChar = 18, kName = 19, kInt8 = 20, kInt2 = 21,
                     kInt2Vector = 22, kInt4 = 23, kRegproc = 24, kText = 25, kOid = 26, kTid = 27,
                     kXid = 28, kCid = 29, kOidVector = 30, kJson = 114, kFloat4 = 700,
                     kFloat8 = 701, kUnknown = 705, kBpchar = 1042, kVarchar = 1043, kDate = 1082,
                     kTime = 1083, kTimestamp = 1114, kTimestampTz = 1184, kInterval = 1186,
                     kNumeric = 1700, kRegprocedure = 2202, kRegoper = 2203, kRegoperator = 2204,
                     kRegclass = 2205, kRegtype = 2206, kRecord = 2249, kAny = 2276,
                     kAnyArray = 2277, kVoid = 2278, kAnyElement = 2283, kAnyNonArray = 2776,
                     kUuid = 2950, kRegconfig = 3734, kJsonb = 3802, kRegnamespace = 4089,
                     kRegrole = 4096, kAnyCompatible = 5077, kAnyCompatibleArray = 5078;
// Types of users (enums) have oids from here on.
inline constexpr Oid kFirstUser = 16384;
}  // namespace oids

struct TypeInfo {
  Oid oid = 0;
  std::string_view name;     // In pg_type: "int4".
  std::string_view printed;  // By format_type: "integer".
  char category = 'U';       // pg_type.typcategory.
  bool preferred = false;
  Oid array = 0;                     // The type of its arrays; 0: none.
  Oid element = 0;                   // Of an array type.
  std::optional<vm::TypeKind> kind;  // Nothing: no column can have it (unknown, record, any…).
};

// Every type that is known by number, ascending.
std::span<const TypeInfo> builtin_types();
// Null where the number is no built-in type.
const TypeInfo* find_type(Oid oid);
// By any of its names, folded to lower case: "int4", "integer", "double precision", "timestamptz",
// "timestamp with time zone".
const TypeInfo* find_type(std::string_view name);

bool is_string_type(Oid oid);   // text, varchar, char, name, "char".
bool is_integer_type(Oid oid);  // smallint, integer, bigint.
bool is_number_type(Oid oid);   // These, real, double precision, numeric.
bool is_array_type(Oid oid);
bool is_oid_like(Oid oid);  // oid and the reg types.

// The machine type of a built-in type; array types are added to `types` at first use. Nothing where no
// column can have the type, and for types of users, which the catalog knows.
std::optional<vm::Type> machine_type(SqlType type, vm::TypeTable& types);

// What SQL calls the values of a relation of rules: number and unsigned are bigint, decimal(p, s) is
// numeric(p, s), records and variants read as text.
SqlType sql_type_of(vm::Type type, const vm::TypeTable& types);

// As PostgreSQL prints it: "character varying(10)", "numeric(8,2)", "integer[]". `user_name` is the name of
// a type of users.
std::string format_type(SqlType type, std::string_view user_name = {});

// Modifiers in PostgreSQL's encoding.
constexpr std::int32_t length_typmod(std::int32_t length) { return length + 4; }
constexpr std::int32_t numeric_typmod(std::int32_t precision, std::int32_t scale) {
  return ((precision << 16) | (scale & 0x7ff)) + 4;
}
constexpr std::int32_t numeric_precision(std::int32_t typmod) {
  return ((typmod - 4) >> 16) & 0xffff;
}
// From -1000 to 1000.
constexpr std::int32_t numeric_scale(std::int32_t typmod) {
  return (((typmod - 4) & 0x7ff) ^ 1024) - 1024;
}

}  // namespace entail::sql2datalog
