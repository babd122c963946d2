// What definitions need lowered: CHECK conditions, defaults, conversions of columns, type names.

#include <utility>

#include "sql2datalog/internal/changes.h"
#include "sql2datalog/internal/guarded.h"
#include "sql2datalog/internal/lowerer.h"
#include "sql2datalog/lower_statement.h"

namespace entail::sql2datalog {

using internal::Lowerer;
using internal::Place;
using internal::Rows;
using internal::Scope;

Expected<LoweredQuery> lower_check(const TableDescription& table,
                                   const grammar::sql::Expression& condition, bool violations,
                                   const LoweringContext& context) {
  return internal::guarded<LoweredQuery>([&] {
    Lowerer lowerer(context);
    Rows rows;
    std::vector<internal::ScopeItem> items =
        internal::given_items(lowerer, {&table}, true, rows.body);
    const std::vector<datalog::Expression> raw = internal::raw_row(rows.body, 0);
    Scope scope;
    internal::put_in_scope(scope, std::move(items[0]));
    Place place;
    place.scope = &scope;
    place.clause = violations ? "check constraints" : "WHERE";
    if (!violations) place.out = place.domain = &rows.body;
    datalog::Expression value = lowerer.boolean(condition, place, "CHECK").value;
    if (violations) value = internal::logical_not(std::move(value));
    rows.body.push_back({datalog::Filter{std::move(value)}, {}});
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      rows.columns.push_back({table.columns[c].name, {raw[c], table.columns[c].type}, 0, 0});
    }
    return lowerer.finish(std::move(rows), table.columns.size());
  });
}

Expected<LoweredQuery> lower_default(const grammar::sql::Expression& value, SqlType type,
                                     std::string_view column_name, const LoweringContext& context) {
  return internal::guarded<LoweredQuery>([&] {
    Lowerer lowerer(context);
    Place place;
    place.clause = "DEFAULT";
    place.one_row = true;
    ColumnDescription column;
    column.name = column_name;
    column.type = type;
    column.machine = internal::stored(lowerer.machine(type));
    Rows rows;
    internal::Typed typed = lowerer.expression(value, place);
    if (!typed.is_unknown() &&
        !lowerer.can_coerce(typed.type.oid, type.oid, Lowerer::CastContext::kAssignment)) {
      lowerer.fail("42804",
                   "column \"" + column.name + "\" is of type " + lowerer.type_name(type) +
                       " but default expression is of type " + lowerer.type_name(typed.type),
                   value.span, "You will need to rewrite or cast the expression.");
    }
    rows.columns.push_back(
        {column.name, lowerer.assign(std::move(typed), column, value.span), 0, 0});
    rows.exactly_one = true;
    return lowerer.finish(std::move(rows), 1);
  });
}

std::optional<std::string> default_sequence(const grammar::sql::Expression& value,
                                            const LoweringContext& context) {
  namespace ast = grammar::sql;
  if (const auto* cast = value.as<ast::Cast>()) return default_sequence(*cast->operand, context);
  const auto* const call = value.as<ast::FunctionCall>();
  if (call == nullptr || call->name.last().text != "nextval" || call->arguments.size() != 1) {
    return std::nullopt;
  }
  const ast::Expression* argument = &*call->arguments[0].value;
  while (const auto* cast = argument->as<ast::Cast>()) argument = &*cast->operand;
  const auto* const literal = argument->as<ast::Literal>();
  if (literal == nullptr || literal->kind != ast::LiteralKind::kString) return std::nullopt;
  const auto point = literal->text.find('.');
  if (point == std::string::npos) return context.catalog->find_sequence("", literal->text);
  return context.catalog->find_sequence(literal->text.substr(0, point),
                                        literal->text.substr(point + 1));
}

Expected<LoweredQuery> lower_column_change(const TableDescription& table, std::uint32_t column,
                                           SqlType type, const grammar::sql::Expression* value,
                                           const LoweringContext& context) {
  return internal::guarded<LoweredQuery>([&] {
    Lowerer lowerer(context);
    Rows rows;
    std::vector<internal::ScopeItem> items =
        internal::given_items(lowerer, {&table}, false, rows.body);
    const std::vector<datalog::Expression> raw = internal::raw_row(rows.body, 0);
    Scope scope;
    internal::put_in_scope(scope, std::move(items[0]));
    Place place;
    place.scope = &scope;
    place.clause = "transform expressions";
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
      internal::ScopeColumn out{table.columns[c].name, {raw[c], table.columns[c].type}, 0, 0};
      if (c == column) {
        internal::Typed from =
            value != nullptr ? lowerer.expression(*value, place) : scope.items[0].columns[c].value;
        if (!from.is_unknown() &&
            !lowerer.can_coerce(from.type.oid, type.oid, Lowerer::CastContext::kAssignment)) {
          const std::string name = table.columns[c].name;
          lowerer.fail(
              "42804",
              value != nullptr
                  ? "result of USING clause for column \"" + name +
                        "\" cannot be cast automatically to type " + lowerer.type_name(type)
                  : "column \"" + name + "\" cannot be cast automatically to type " +
                        lowerer.type_name(type),
              value != nullptr ? value->span : grammar::sql::Span{},
              "You might need to specify \"USING " + name + "::" + lowerer.type_name(type) + "\".");
        }
        ColumnDescription target;
        target.name = table.columns[c].name;
        target.type = type;
        target.machine = internal::stored(lowerer.machine(type));
        out.value = lowerer.assign(std::move(from), target, {});
      }
      rows.columns.push_back(std::move(out));
    }
    return lowerer.finish(std::move(rows), table.columns.size());
  });
}

Expected<DeclaredType> resolve_type(const grammar::sql::TypeName& name,
                                    const LoweringContext& context) {
  return internal::guarded<DeclaredType>([&] { return Lowerer(context).declared_type(name); });
}

}  // namespace entail::sql2datalog
