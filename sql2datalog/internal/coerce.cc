// Types: which converts into which, what several have in common, what an unknown literal is.

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "sql2datalog/internal/lowerer.h"
#include "vm/base/ascii.h"
#include "vm/datetime.h"
#include "vm/numeric.h"
#include "vm/sql_text.h"
#include "vm/value_pool.h"

namespace entail::sql2datalog::internal {

namespace {

using vm::TypeKind;

// The implicit casts of pg_cast between types that Entail has.
struct Implicit {
  Oid from;
  std::array<Oid, 9> to;
};
constexpr Implicit kImplicit[] = {
    {oids::kInt2,
     {oids::kInt4, oids::kInt8, oids::kNumeric, oids::kFloat4, oids::kFloat8, oids::kOid,
      oids::kRegclass, oids::kRegtype, oids::kRegproc}},
    {oids::kInt4,
     {oids::kInt8, oids::kNumeric, oids::kFloat4, oids::kFloat8, oids::kOid, oids::kRegclass,
      oids::kRegtype, oids::kRegproc, oids::kRegnamespace}},
    {oids::kInt8,
     {oids::kNumeric, oids::kFloat4, oids::kFloat8, oids::kOid, oids::kRegclass, oids::kRegtype,
      oids::kRegproc, oids::kRegnamespace}},
    {oids::kNumeric, {oids::kFloat4, oids::kFloat8}},
    {oids::kFloat4, {oids::kFloat8}},
    {oids::kText, {oids::kBpchar, oids::kVarchar, oids::kRegclass}},
    {oids::kVarchar, {oids::kText, oids::kBpchar, oids::kRegclass}},
    {oids::kBpchar, {oids::kText, oids::kVarchar}},
    {oids::kName, {oids::kText}},
    {oids::kChar, {oids::kText}},
    {oids::kDate, {oids::kTimestamp, oids::kTimestampTz}},
    {oids::kTimestamp, {oids::kTimestampTz}},
    {oids::kTime, {oids::kInterval}},
    {oids::kOid,
     {oids::kRegclass, oids::kRegtype, oids::kRegproc, oids::kRegnamespace, oids::kRegprocedure,
      oids::kRegrole, oids::kRegoper, oids::kRegoperator}},
    {oids::kRegclass, {oids::kOid}},
    {oids::kRegtype, {oids::kOid}},
    {oids::kRegproc, {oids::kOid}},
    {oids::kRegprocedure, {oids::kOid}},
    {oids::kRegnamespace, {oids::kOid}},
    {oids::kRegrole, {oids::kOid}},
};

bool casts_implicitly(Oid from, Oid to) {
  for (const Implicit& row : kImplicit) {
    if (row.from == from) return std::find(row.to.begin(), row.to.end(), to) != row.to.end();
  }
  return false;
}

bool is_datetime(Oid oid) {
  return oid == oids::kDate || oid == oids::kTimestamp || oid == oids::kTimestampTz;
}

bool casts_on_assignment(Oid from, Oid to) {
  if (is_number_type(from) && is_number_type(to)) return true;
  if (is_string_type(to)) return true;  // Everything has a text.
  if (is_datetime(from) && (is_datetime(to) || (to == oids::kTime && from != oids::kDate))) {
    return true;
  }
  if ((from == oids::kJson && to == oids::kJsonb) || (from == oids::kJsonb && to == oids::kJson)) {
    return true;
  }
  if (from == oids::kInterval && to == oids::kTime) return true;
  return is_oid_like(from) && (to == oids::kInt4 || to == oids::kInt8);
}

bool casts_explicitly(Oid from, Oid to) {
  if (is_string_type(from)) return true;  // Reads the text.
  if ((from == oids::kInt4 && to == oids::kBool) || (from == oids::kBool && to == oids::kInt4)) {
    return true;
  }
  return from == oids::kJsonb && (is_number_type(to) || to == oids::kBool);
}

std::optional<bool> read_bool(std::string_view given) {
  const std::string text = ascii_lower(given);
  if (text.empty()) return std::nullopt;
  for (const std::string_view word : {"true", "yes", "1"}) {
    if (word.substr(0, text.size()) == text) return true;
  }
  for (const std::string_view word : {"false", "no", "0"}) {
    if (word.substr(0, text.size()) == text) return false;
  }
  if (text == "on") return true;
  if (text == "of" || text == "off") return false;
  return std::nullopt;
}

std::int64_t integer_limit(TypeKind kind) {
  return kind == TypeKind::kInt2 ? INT16_MAX : kind == TypeKind::kInt4 ? INT32_MAX : INT64_MAX;
}

}  // namespace

vm::Type Lowerer::machine(SqlType type) {
  if (type.oid == oids::kNumeric) return vm::Type::displayed_numeric();
  if (type.oid == oids::kUnknown) return vm::Type::text();
  if (const auto known = machine_type(type, catalog_.types())) return *known;
  if (const EnumDescription* const named = catalog_.find_enum(type.oid)) {
    if (named->oid == type.oid) return named->machine;
    return catalog_.types().array_of(named->machine, true);
  }
  return vm::Type::text();
}

std::string Lowerer::type_name(SqlType type) const {
  if (type.oid >= oids::kFirstUser) {
    if (const EnumDescription* const named = catalog_.find_enum(type.oid)) {
      return named->oid == type.oid ? named->name : named->name + "[]";
    }
  }
  return format_type({type.oid, -1});
}

char Lowerer::category(Oid oid) const {
  if (const TypeInfo* const info = find_type(oid)) return info->category;
  return 'E';
}

bool Lowerer::preferred(Oid oid) const {
  const TypeInfo* const info = find_type(oid);
  return info != nullptr && info->preferred;
}

bool Lowerer::can_coerce(Oid from, Oid to, CastContext context) const {
  if (from == to || from == oids::kUnknown || to == oids::kAny) return true;
  const TypeInfo* const source = find_type(from);
  const TypeInfo* const target = find_type(to);
  if (source != nullptr && target != nullptr && source->element != 0 && target->element != 0) {
    return can_coerce(source->element, target->element, context);
  }
  if (casts_implicitly(from, to)) return true;
  if (context == CastContext::kImplicit) return false;
  if (casts_on_assignment(from, to)) return true;
  if (context == CastContext::kAssignment) return false;
  return casts_explicitly(from, to);
}

void Lowerer::set_parameter_type(std::uint32_t number, SqlType type, ast::Span span) {
  if (parameters_.size() < number) parameters_.resize(number);
  SqlType& known = parameters_[number - 1];
  if (known.oid == 0 || known.oid == oids::kUnknown) {
    known = {type.oid, -1};
  } else if (known.oid != type.oid) {
    fail("42P08", "inconsistent types deduced for parameter $" + std::to_string(number), span, {},
         type_name(known) + " versus " + type_name(type));
  }
}

void Lowerer::check_literal(vm::Type type, const std::string& text, ast::Span span) const {
  vm::ValuePool pool(catalog_.types());
  vm::Word words[3] = {};
  vm::SqlTextError error;
  if (!vm::read_sql_value(pool, type, text, words, error)) {
    fail(error.sqlstate, error.message, span, {}, error.detail);
  }
}

// What a literal between quotes, a NULL or a parameter becomes where a type is wanted.
Typed Lowerer::unknown_to(Typed value, SqlType to, ast::Span span) {
  if (to.oid == oids::kUnknown) return value;
  const vm::Type type = machine(to);
  if (value.value.op == ExpressionOp::kNull) return {null_of(type), to};
  if (value.value.op == ExpressionOp::kParameter) {
    set_parameter_type(value.value.detail + 1, to, span);
    Expression given = value.value;
    given.type = stored(type);
    return {displayed(std::move(given), {to.oid, -1}), to};
  }
  if (value.value.op != ExpressionOp::kConstant) return {convert(std::move(value.value), type), to};
  const std::string& text = value.value.text;
  Expression constant;
  constant.op = ExpressionOp::kConstant;
  constant.type = type;
  if (is_oid_like(to.oid) && to.oid != oids::kOid) {
    const std::string name(trimmed(text));
    if (!name.empty() && name.find_first_not_of("0123456789") == std::string::npos) {
      return {constant_int(TypeKind::kInt8, std::stoll(name)), to};
    }
    if (name == "-") return {constant_int(TypeKind::kInt8, 0), to};
    if (const auto found = catalog_.find_object(to.oid, name)) {
      return {constant_int(TypeKind::kInt8, *found), to};
    }
    if (to.oid == oids::kRegtype) fail("42704", "type \"" + name + "\" does not exist", span);
    if (to.oid == oids::kRegnamespace) {
      fail("3F000", "schema \"" + name + "\" does not exist", span);
    }
    fail("42P01", "relation \"" + name + "\" does not exist", span);
  }
  switch (type.kind) {
    case TypeKind::kText:
      if (to.oid == oids::kBpchar) {  // The blanks at the end of a char(n) say nothing.
        const auto last = text.find_last_not_of(' ');
        return {constant_text(last == std::string::npos ? "" : text.substr(0, last + 1)), to};
      }
      return {constant_text(text), to};
    case TypeKind::kBool:
      if (const auto flag = read_bool(trimmed(text))) return {constant_bool(*flag), to};
      fail("22P02", "invalid input syntax for type boolean: \"" + text + "\"", span);
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8: {
      std::string digits(trimmed(text));
      if (!digits.empty() && digits.front() == '+') digits.erase(0, 1);
      std::int64_t number = 0;
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), number);
      if (digits.empty() || end != digits.data() + digits.size() ||
          error == std::errc::invalid_argument) {
        fail("22P02", "invalid input syntax for type " + type_name(to) + ": \"" + text + "\"",
             span);
      }
      const std::int64_t limit = integer_limit(type.kind);
      if (error != std::errc{} || number > limit || number < -limit - 1) {
        fail("22003", "value \"" + text + "\" is out of range for type " + type_name(to), span);
      }
      return {constant_int(type.kind, number), to};
    }
    case TypeKind::kNumeric: {
      const std::string digits(trimmed(text));
      std::string bytes;
      if (vm::parse_numeric(digits, bytes) != vm::NumericError::kNone) break;
      constant.type = vm::Type::of(TypeKind::kNumeric);
      constant.text = std::move(bytes);
      const auto exponent = digits.find_first_of("eE");
      const auto point = digits.find('.');
      if (exponent != std::string::npos && point != std::string::npos) break;
      const auto scale = point == std::string::npos ? 0 : digits.size() - point - 1;
      return {displayed(std::move(constant),
                        {oids::kNumeric, numeric_typmod(38, static_cast<std::int32_t>(scale))}),
              to};
    }
    case TypeKind::kDate: {
      std::int32_t days = 0;
      if (vm::parse_date(trimmed(text), days) != vm::DateTimeError::kNone) break;
      return {constant_int(TypeKind::kDate, days), to};
    }
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz: {
      std::int64_t micros = 0;
      if (type.kind == TypeKind::kTimestampTz && catalog_.setting("timezone") != "UTC") break;
      if (vm::parse_timestamp(trimmed(text), type.kind == TypeKind::kTimestampTz, micros) !=
          vm::DateTimeError::kNone) {
        break;
      }
      return {constant_int(type.kind, micros), to};
    }
    case TypeKind::kEnum:
      if (const auto label = catalog_.types().label_ordinal(type.detail, text)) {
        constant.words[0] = *label;
        return {std::move(constant), to};
      }
      fail("22P02", "invalid input value for enum " + type_name(to) + ": \"" + text + "\"", span);
    default:
      break;
  }
  // The machine reads it again for each run; what is wrong with it is told now, reached or not.
  check_literal(type, text, span);
  Expression source = constant_text(text);
  Expression e = op_of(ExpressionOp::kCast, type, {std::move(source)});
  return {std::move(e), to};
}

Typed Lowerer::apply_typmod(Typed value, SqlType to, bool explicit_cast) {
  value.type.typmod = to.typmod;
  if (to.typmod < 0 || value.value.op == ExpressionOp::kNull) return value;
  auto number = [](std::int32_t n) { return constant_int(TypeKind::kInt4, n); };
  using vm::ScalarFunction;
  ScalarFunction function{};
  std::vector<Expression> arguments;
  switch (to.oid) {
    case oids::kNumeric:
      function = ScalarFunction::kCoerceNumeric;
      arguments = {std::move(value.value), number(numeric_precision(to.typmod)),
                   number(numeric_scale(to.typmod))};
      break;
    case oids::kVarchar:
    case oids::kBpchar:
      function = explicit_cast              ? ScalarFunction::kCutText
                 : to.oid == oids::kVarchar ? ScalarFunction::kCoerceVarchar
                                            : ScalarFunction::kCoerceBpchar;
      arguments = {std::move(value.value), number(to.typmod - 4)};
      break;
    case oids::kTime:
      function = ScalarFunction::kCoerceTime;
      break;
    case oids::kTimestamp:
      function = ScalarFunction::kCoerceTimestamp;
      break;
    case oids::kTimestampTz:
      function = ScalarFunction::kCoerceTimestampTz;
      break;
    default:
      return value;
  }
  if (arguments.empty()) {
    if (to.typmod >= 6) return value;
    arguments = {std::move(value.value), number(to.typmod)};
  }
  const vm::Type type = machine({to.oid, -1});
  value.value = call_of(function, type, std::move(arguments));
  return value;
}

Typed Lowerer::cast(Typed value, SqlType to, ast::Span span) {
  return coerce(std::move(value), to, CastContext::kExplicit, span);
}

Typed Lowerer::coerce(Typed value, SqlType to, CastContext context, ast::Span span) {
  if (value.is_unknown()) {
    Typed known = unknown_to(std::move(value), {to.oid, -1}, span);
    return apply_typmod(std::move(known), to, context == CastContext::kExplicit);
  }
  if (value.type.oid == to.oid) {
    if (to.typmod < 0 || to.typmod == value.type.typmod) return value;
    return apply_typmod(std::move(value), to, context == CastContext::kExplicit);
  }
  if (!can_coerce(value.type.oid, to.oid, context)) {
    fail("42846", "cannot cast type " + type_name(value.type) + " to " + type_name(to), span);
  }
  const vm::Type type = machine(to);
  Typed result{{}, {to.oid, -1}};
  const bool was_char = value.type.oid == oids::kBpchar && type.kind == TypeKind::kText;
  if (value.value.op == ExpressionOp::kConstant && is_integer_type(value.type.oid) &&
      is_integer_type(to.oid)) {
    const auto number = static_cast<std::int64_t>(value.value.words[0]);
    const std::int64_t limit = integer_limit(type.kind);
    if (number > limit || number < -limit - 1) {
      fail("22003", type_name(to) + " out of range", span);
    }
    result.value = constant_int(type.kind, number);
  } else if (value.value.op == ExpressionOp::kConstant && is_integer_type(value.type.oid) &&
             to.oid == oids::kNumeric) {
    const auto number = static_cast<std::int64_t>(value.value.words[0]);
    result = unknown_to({constant_text(std::to_string(number)), {oids::kUnknown, -1}}, {to.oid, -1},
                        span);
  } else if (value.value.op == ExpressionOp::kConstant && is_integer_type(value.type.oid) &&
             is_oid_like(to.oid)) {
    const auto number = static_cast<std::int64_t>(value.value.words[0]);
    if (number < INT32_MIN || number > UINT32_MAX) fail("22003", "OID out of range", span);
    result.value = constant_int(TypeKind::kInt8, number);
  } else if (is_string_type(value.type.oid) && is_oid_like(to.oid) &&
             value.value.op == ExpressionOp::kConstant) {
    return unknown_to({std::move(value.value), {oids::kUnknown, -1}}, to, span);
  } else if (value.value.type.kind == TypeKind::kJson && type.kind != TypeKind::kJson &&
             type.kind != TypeKind::kText) {
    result.value = convert(convert(std::move(value.value), vm::Type::text()), type);
  } else if (value.value.type == type || was_char) {
    result.value = std::move(value.value);
  } else {
    result.value = convert(std::move(value.value), type);
  }
  if (to.oid == oids::kBpchar && result.value.op != ExpressionOp::kNull) {
    result.value = call_of(vm::ScalarFunction::kRtrim, type, {std::move(result.value)});
  }
  return apply_typmod(std::move(result), to, context == CastContext::kExplicit);
}

Typed Lowerer::assign(Typed value, const ColumnDescription& column, ast::Span span) {
  if (!value.is_unknown() &&
      !can_coerce(value.type.oid, column.type.oid, CastContext::kAssignment)) {
    fail("42804",
         "column \"" + column.name + "\" is of type " + type_name(column.type) +
             " but expression is of type " + type_name(value.type),
         span, "You will need to rewrite or cast the expression.");
  }
  Typed result = coerce(std::move(value), column.type, CastContext::kAssignment, span);
  result.value = stored(std::move(result.value));
  // Rule relations have machine types of their own.
  if (!(result.value.type == column.machine)) {
    result.value = convert(std::move(result.value), column.machine);
  }
  return result;
}

Typed Lowerer::resolved(Typed value, ast::Span span) {
  if (!value.is_unknown()) return value;
  return unknown_to(std::move(value), {oids::kText, -1}, span);
}

// PostgreSQL's select_common_type: the first type that is known and to which the others convert.
SqlType Lowerer::common_type(const std::vector<Typed>& values, std::string_view construct,
                             ast::Span span) {
  SqlType found{oids::kUnknown, -1};
  bool first = true;
  for (const Typed& value : values) {
    if (value.is_unknown()) continue;
    if (first) {
      found = value.type;
      first = false;
      continue;
    }
    if (value.type.oid == found.oid) {
      if (value.type.typmod != found.typmod) found.typmod = -1;
      continue;
    }
    if (category(value.type.oid) != category(found.oid)) {
      fail("42804",
           std::string(construct) + " types " + type_name(found) + " and " + type_name(value.type) +
               " cannot be matched",
           span);
    }
    if (!preferred(found.oid) && can_coerce(found.oid, value.type.oid, CastContext::kImplicit) &&
        !can_coerce(value.type.oid, found.oid, CastContext::kImplicit)) {
      found = {value.type.oid, -1};
    } else {
      found.typmod = -1;
    }
  }
  if (found.oid == oids::kUnknown) return {oids::kText, -1};
  return found;
}

std::vector<Typed> Lowerer::to_common_type(std::vector<Typed> values, std::string_view construct,
                                           ast::Span span) {
  const SqlType type = common_type(values, construct, span);
  for (Typed& value : values) {
    if (!value.is_unknown() && !can_coerce(value.type.oid, type.oid, CastContext::kImplicit)) {
      fail("42846",
           std::string(construct) + " could not convert type " + type_name(value.type) + " to " +
               type_name(type),
           span);
    }
    const std::int32_t typmod = value.type.typmod;
    value = coerce(std::move(value), {type.oid, -1}, CastContext::kImplicit, span);
    value.type.typmod = type.typmod == typmod ? typmod : -1;
  }
  return values;
}

DeclaredType Lowerer::declared_type(const ast::TypeName& name) {
  DeclaredType declared;
  const std::string& last = name.name.last().text;
  const bool qualified = name.name.parts.size() > 1;
  std::string schema = qualified ? name.name.parts[name.name.parts.size() - 2].text : "";
  const bool quoted = name.name.last().quoted;
  const TypeInfo* info = nullptr;
  if (!qualified || schema == "pg_catalog") {
    if (quoted && last == "char") {
      info = find_type(Oid{oids::kChar});
    } else if (!quoted && last == "char") {
      info = find_type(Oid{oids::kBpchar});
    } else {
      info = find_type(last);
    }
  }
  SqlType type;
  if (info != nullptr) {
    if (!info->kind && info->oid != oids::kUnknown) {
      unsupported("type " + std::string(info->printed), name.span);
    }
    type.oid = info->oid;
    declared.serial = last.find("serial") != std::string::npos;
    if (last == "float" && !name.modifiers.empty()) {
      const auto digits = name.modifiers.front();
      if (digits < 1) fail("22023", "precision for type float must be at least 1 bit", name.span);
      if (digits > 53)
        fail("22023", "precision for type float must be less than 54 bits", name.span);
      type.oid = digits <= 24 ? oids::kFloat4 : oids::kFloat8;
    } else if (!name.modifiers.empty()) {
      const auto length = static_cast<std::int32_t>(name.modifiers.front());
      if (type.oid == oids::kVarchar || type.oid == oids::kBpchar) {
        if (length < 1) {
          fail("22023",
               "length for type " + std::string(type.oid == oids::kVarchar ? "varchar" : "char") +
                   " must be at least 1",
               name.span);
        }
        type.typmod = length_typmod(length);
      } else if (type.oid == oids::kNumeric) {
        const auto scale =
            name.modifiers.size() > 1 ? static_cast<std::int32_t>(name.modifiers[1]) : 0;
        if (length < 1 || length > 1000) {
          fail("22023",
               "NUMERIC precision " + std::to_string(length) + " must be between 1 and 1000",
               name.span);
        }
        if (scale < -1000 || scale > 1000) {
          fail("22023",
               "NUMERIC scale " + std::to_string(scale) + " must be between -1000 and 1000",
               name.span);
        }
        type.typmod = numeric_typmod(length, scale);
      } else if (type.oid == oids::kTime || type.oid == oids::kTimestamp ||
                 type.oid == oids::kTimestampTz) {
        type.typmod = std::min(length, 6);
      } else if (type.oid != oids::kInterval) {
        fail("42601", "type modifier is not allowed for type \"" + last + "\"", name.span);
      }
    } else if (type.oid == oids::kBpchar && last != "bpchar") {
      type.typmod = length_typmod(1);
    }
  } else if (const EnumDescription* const named = catalog_.find_enum(schema, last)) {
    type.oid = named->oid;
    declared.type_name = named->name;
    if (name.array_dimensions > 0) type.oid = named->array_oid;
  } else {
    static constexpr std::string_view kKnown[] = {"bit",
                                                  "bit varying",
                                                  "money",
                                                  "xml",
                                                  "inet",
                                                  "cidr",
                                                  "macaddr",
                                                  "point",
                                                  "box",
                                                  "circle",
                                                  "line",
                                                  "lseg",
                                                  "path",
                                                  "polygon",
                                                  "tsvector",
                                                  "tsquery",
                                                  "time with time zone",
                                                  "timetz",
                                                  "int4range",
                                                  "int8range",
                                                  "numrange",
                                                  "daterange",
                                                  "tsrange",
                                                  "tstzrange",
                                                  "varbit",
                                                  "macaddr8",
                                                  "pg_lsn"};
    if (std::find(std::begin(kKnown), std::end(kKnown), last) != std::end(kKnown)) {
      unsupported("type " + last, name.span);
    }
    fail("42704", "type \"" + (qualified ? schema + "." : "") + last + "\" does not exist",
         name.span);
  }
  if (name.array_dimensions > 0 && info != nullptr) {
    if (info->array == 0) unsupported("an array of " + std::string(info->printed), name.span);
    if (name.array_dimensions > 1) unsupported("an array of several dimensions", name.span);
    type.oid = find_type(type.oid)->array;
  }
  declared.type = type;
  declared.machine = stored(machine(type));
  return declared;
}

}  // namespace entail::sql2datalog::internal
