// sql2datalog/internal/typed.h - an expression of the rule program and what SQL calls its type.
//
// The machine type of a numeric is displayed_numeric in most expressions and kNumeric in columns of
// relations (datalog/expression.h says why); both are {1700, …}.
//
// A string literal or NULL whose type nothing has told yet is `unknown`: a text constant or a null; so is a
// parameter of unknown type. Coercion makes something of them.
#pragma once

#include <string_view>
#include <vector>

#include "datalog/expression.h"
#include "sql2datalog/sql_type.h"
#include "vm/scalar_functions.h"

namespace entail::sql2datalog::internal {

struct Typed {
  datalog::Expression value;
  SqlType type;

  bool is_unknown() const { return type.oid == oids::kUnknown; }
  bool nullable() const { return value.nullable; }
};

// --- making expressions
datalog::Expression constant_bool(bool value);
datalog::Expression constant_int(vm::TypeKind kind, std::int64_t value);
datalog::Expression constant_text(std::string_view text);
datalog::Expression null_of(vm::Type type);
datalog::Expression op_of(datalog::ExpressionOp op, vm::Type type,
                          std::vector<datalog::Expression> arguments);  // Null if an argument is.
datalog::Expression call_of(vm::ScalarFunction function, vm::Type type,
                            std::vector<datalog::Expression> arguments);
datalog::Expression if_else(datalog::Expression condition, datalog::Expression then_value,
                            datalog::Expression else_value);
datalog::Expression is_null(datalog::Expression value);
datalog::Expression is_not_null(datalog::Expression value);
// True where the value is true, false where it is false or null.
datalog::Expression is_true(datalog::Expression value);
datalog::Expression logical_not(datalog::Expression value);
datalog::Expression convert(datalog::Expression value,
                            vm::Type type);  // kCast, unless it is of that type.

// --- looking at them
bool same(const datalog::Expression& left, const datalog::Expression& right);
bool is_constant(const datalog::Expression& e);  // kConstant or kNull.
// Without what only says how many digits of a numeric are shown.
const datalog::Expression& undisplayed(const datalog::Expression& e);
// What a set, a key or a table can hold: a displayed numeric becomes a plain one.
datalog::Expression stored(datalog::Expression e);
vm::Type stored(vm::Type type);
// What SQL computes with: a numeric that shows the digits that its type declares, if it does.
datalog::Expression displayed(datalog::Expression e, SqlType type);

}  // namespace entail::sql2datalog::internal
