// UNION, INTERSECT, EXCEPT, and WITH.
//
//     a UNION ALL b        _union(x) :- a.  _union(x) :- b.                    a bag; a set without ALL
//     a INTERSECT b        _left(x), _right(x)                                 sets
//     a EXCEPT b           _left(x), !_right(x)
//     a EXCEPT ALL b       by counts: _left(x, n), _right(x, m), i in range(0, n - m)
//
// A WITH query is a relation that its uses read; the program's clean-up puts it into the only rule that reads
// it, where there is but one. WITH RECURSIVE with UNION is a recursive set. With UNION ALL the rows have hidden
// columns that tell derivations apart: the iteration, and a digest of the rows that were joined on the way.

#include <algorithm>
#include <utility>

#include "datalog/body_walk.h"
#include "sql2datalog/internal/lowerer.h"

namespace entail::sql2datalog::internal {

namespace {

using datalog::Reduce;
using datalog::ReduceForm;
using vm::ScalarFunction;

const char* name_of(ast::SetOperator op) {
  switch (op) {
    case ast::SetOperator::kUnion:
      return "UNION";
    case ast::SetOperator::kIntersect:
      return "INTERSECT";
    case ast::SetOperator::kExcept:
      return "EXCEPT";
  }
  return "UNION";
}

}  // namespace

void Lowerer::common_columns(std::vector<Rows*> operands, std::string_view construct,
                             ast::Span span) {
  const std::size_t width = operands.front()->columns.size();
  for (const Rows* rows : operands) {
    if (rows->columns.size() != width) {
      fail("42601",
           "each " + std::string(construct) + " query must have the same number of columns", span);
    }
  }
  for (std::size_t c = 0; c < width; ++c) {
    std::vector<Typed> column;
    column.reserve(operands.size());
    for (Rows* rows : operands) column.push_back(std::move(rows->columns[c].value));
    column = to_common_type(std::move(column), construct, span);
    for (std::size_t i = 0; i < operands.size(); ++i) {
      column[i].value = convert(std::move(column[i].value), machine(column[i].type));
      operands[i]->columns[c].value = std::move(column[i]);
      operands[i]->columns[c].table = 0;
    }
  }
}

Rows Lowerer::combine(ast::SetOperator op, bool all, Rows left, Rows right, ast::Span span) {
  common_columns({&left, &right}, name_of(op), span);
  auto alternative = [](Rows& rows) {
    Alternative made;
    made.body = std::move(rows.body);
    for (const ScopeColumn& column : rows.columns) made.terms.push_back(column.value.value);
    return made;
  };
  Rows result;
  result.columns = left.columns;
  if (op == ast::SetOperator::kUnion) {
    std::vector<Alternative> alternatives;
    alternatives.push_back(alternative(left));
    alternatives.push_back(alternative(right));
    const MadeRelation made =
        make_relation("union", all ? Collection::kBag : Collection::kSet, std::move(alternatives));
    const std::vector<VariableId> fresh = read_relation(made, result.body);
    for (std::size_t c = 0; c < fresh.size(); ++c) {
      result.columns[c].value.value = displayed(mention(fresh[c]), result.columns[c].value.type);
    }
    return result;
  }
  const Collection collection = all ? Collection::kBag : Collection::kSet;
  auto make = [&](Rows& rows, const char* hint) {
    Alternative one = alternative(rows);
    for (Expression& term : one.terms) term = stored(std::move(term));
    std::vector<Alternative> alternatives;
    alternatives.push_back(std::move(one));
    return make_relation(hint, collection, std::move(alternatives));
  };
  MadeRelation of_left = make(left, "left");
  MadeRelation of_right = make(right, "right");
  // A column for each distinct row's count.
  auto counted = [&](const MadeRelation& bag, const char* hint) {
    Reduce reduce;
    reduce.form = ReduceForm::kPerGroup;
    Match match;
    match.relation = bag.relation;
    std::vector<datalog::Column> columns;
    std::vector<Expression> terms;
    auto add = [&](const datalog::Column& column) {
      const VariableId inner = new_variable(column.name, column.type, column.nullable);
      const VariableId key = new_variable(column.name, column.type, column.nullable);
      match.terms.push_back(mention(inner));
      reduce.keys.push_back({key, mention(inner)});
      terms.push_back(mention(key));
      columns.push_back(column);
    };
    for (const VariableId id : bag.outer) {
      const datalog::Variable v = variables_[datalog::index_of(id)];
      add({v.name, v.type, v.nullable, {}});
    }
    for (const datalog::Column& column : bag.columns) add(column);
    datalog::Aggregate count;
    count.result = new_variable("n", vm::Type::of(vm::TypeKind::kInt8), false);
    terms.push_back(mention(count.result));
    columns.push_back({"n", vm::Type::of(vm::TypeKind::kInt8), false, {}});
    reduce.aggregates.push_back(std::move(count));
    reduce.body.push_back({std::move(match), {}});
    MadeRelation made;
    made.outer = bag.outer;
    made.columns.assign(columns.begin() + static_cast<std::ptrdiff_t>(bag.outer.size()),
                        columns.end());
    made.relation = new_relation(hint, std::move(columns), Collection::kBag);
    Body rule;
    rule.push_back({std::move(reduce), {}});
    add_rule(made.relation, std::move(terms), std::move(rule));
    return made;
  };
  if (all) {
    of_left = counted(of_left, "left");
    of_right = counted(of_right, "right");
  }
  const std::size_t width = result.columns.size();
  std::vector<Expression> shared;
  for (std::size_t c = 0; c < width; ++c) {
    const bool nullable = of_left.columns[c].nullable || of_right.columns[c].nullable;
    const VariableId id = new_variable(result.columns[c].name, of_left.columns[c].type, nullable);
    shared.push_back(mention(id));
  }
  auto reading = [&](const MadeRelation& made, std::optional<VariableId> count) {
    Match match;
    match.relation = made.relation;
    for (const VariableId id : made.outer) match.terms.push_back(mention(id));
    match.terms.insert(match.terms.end(), shared.begin(), shared.end());
    if (all) {
      Expression anything;
      anything.type = vm::Type::of(vm::TypeKind::kInt8);
      match.terms.push_back(count ? mention(*count) : anything);
    }
    return Literal{std::move(match), {}};
  };
  const bool both = op == ast::SetOperator::kIntersect;
  if (!all) {
    result.body.push_back(reading(of_left, std::nullopt));
    if (both) {
      result.body.push_back(reading(of_right, std::nullopt));
    } else {
      Body there;
      there.push_back(reading(of_right, std::nullopt));
      result.body.push_back({datalog::Absent{std::move(there)}, {}});
    }
    for (std::size_t c = 0; c < width; ++c) {
      result.columns[c].value.value = displayed(shared[c], result.columns[c].value.type);
    }
    return result;
  }
  const vm::Type int8 = vm::Type::of(vm::TypeKind::kInt8);
  const VariableId n = new_variable("n", int8, false), m = new_variable("m", int8, false);
  auto times = [&](Expression end, Body& body) {
    datalog::Each each;
    each.variable = new_variable("i", int8, false);
    // With a step, for without one a range goes down where its end is negative.
    each.arguments = {constant_int(vm::TypeKind::kInt8, 0), std::move(end),
                      constant_int(vm::TypeKind::kInt8, 1)};
    body.push_back({std::move(each), {}});
  };
  std::vector<Alternative> alternatives;
  Alternative paired;
  paired.terms = shared;
  paired.body.push_back(reading(of_left, n));
  paired.body.push_back(reading(of_right, m));
  times(op_of(both ? ExpressionOp::kMinimum : ExpressionOp::kSubtract, int8,
              {mention(n), mention(m)}),
        paired.body);
  alternatives.push_back(std::move(paired));
  if (!both) {
    Alternative alone;
    alone.terms = shared;
    alone.body.push_back(reading(of_left, n));
    Body there;
    there.push_back(reading(of_right, std::nullopt));
    alone.body.push_back({datalog::Absent{std::move(there)}, {}});
    times(mention(n), alone.body);
    alternatives.push_back(std::move(alone));
  }
  const MadeRelation made =
      make_relation(both ? "intersect" : "except", Collection::kBag, std::move(alternatives));
  const std::vector<VariableId> fresh = read_relation(made, result.body);
  for (std::size_t c = 0; c < width; ++c) {
    result.columns[c].value.value = displayed(mention(fresh[c]), result.columns[c].value.type);
  }
  return result;
}

Rows Lowerer::rows_of_set_operation(const ast::Query&, const ast::SetOperation& operation,
                                    const Scope* outer) {
  std::vector<Rows> operands;
  for (const ast::Query& operand : operation.operands) {
    operands.push_back(rows_of(operand, outer, false));
  }
  if (operation.op != ast::SetOperator::kUnion) {
    Rows result = std::move(operands.front());
    for (std::size_t i = 1; i < operands.size(); ++i) {
      result = combine(operation.op, operation.all, std::move(result), std::move(operands[i]),
                       operation.op_span);
    }
    return result;
  }
  std::vector<Rows*> pointers;
  for (Rows& rows : operands) pointers.push_back(&rows);
  common_columns(pointers, "UNION", operation.op_span);
  std::vector<Alternative> alternatives;
  for (Rows& rows : operands) {
    Alternative alternative;
    alternative.body = std::move(rows.body);
    for (const ScopeColumn& column : rows.columns) {
      alternative.terms.push_back(column.value.value);
    }
    alternatives.push_back(std::move(alternative));
  }
  Rows result;
  result.columns = operands.front().columns;
  const MadeRelation made = make_relation(
      "union", operation.all ? Collection::kBag : Collection::kSet, std::move(alternatives));
  const std::vector<VariableId> fresh = read_relation(made, result.body);
  for (std::size_t c = 0; c < fresh.size(); ++c) {
    result.columns[c].value.value = displayed(mention(fresh[c]), result.columns[c].value.type);
  }
  return result;
}

void Lowerer::declare_common_tables(const ast::With& with, const Scope* outer) {
  for (const ast::CommonTable& table : with.tables) {
    for (const ast::CommonTable& before : with.tables) {
      if (&before == &table) break;
      if (before.name.text == table.name.text) {
        fail("42712", "WITH query name \"" + table.name.text + "\" specified more than once",
             table.name.span);
      }
    }
    if (table.change) unsupported("a change in WITH", table.name.span);
    if (with.recursive) {
      const auto* const operation = table.query->as<ast::SetOperation>();
      if (operation != nullptr && operation->op == ast::SetOperator::kUnion) {
        declare_recursive(table, outer);
        continue;
      }
    }
    Rows rows = rows_of(*table.query, outer, false);
    resolve_unknowns(rows);
    CommonTable common;
    common.name = table.name.text;
    if (table.columns.size() > rows.columns.size()) {
      fail("42P10",
           "WITH query \"" + common.name + "\" has " + std::to_string(rows.columns.size()) +
               " columns available but " + std::to_string(table.columns.size()) +
               " columns specified",
           table.name.span);
    }
    Alternative all;
    all.body = std::move(rows.body);
    for (std::size_t c = 0; c < rows.columns.size(); ++c) {
      ScopeColumn& column = rows.columns[c];
      if (c < table.columns.size()) column.name = table.columns[c].text;
      column.table = 0;
      all.terms.push_back(column.value.value);
    }
    std::vector<Alternative> alternatives;
    alternatives.push_back(std::move(all));
    const MadeRelation made = make_relation("with", Collection::kBag, std::move(alternatives));
    common.relation = made.relation;
    common.outer = made.outer;
    common.columns = std::move(rows.columns);
    common_tables_.push_back(std::move(common));
  }
}

void Lowerer::declare_recursive(const ast::CommonTable& table, const Scope* outer) {
  const auto& operation = *table.query->as<ast::SetOperation>();
  if (!table.query->order_by.empty() || table.query->limit || table.query->offset) {
    unsupported("ORDER BY or LIMIT in a recursive query", table.name.span);
  }
  const std::size_t scope_tables = common_tables_.size();
  if (table.query->with) declare_common_tables(*table.query->with, outer);
  std::vector<Rows> starts;
  for (std::size_t i = 0; i + 1 < operation.operands.size(); ++i) {
    starts.push_back(rows_of(operation.operands[i], outer, false));
  }
  std::vector<Rows*> pointers;
  for (Rows& rows : starts) pointers.push_back(&rows);
  common_columns(pointers, "UNION", operation.op_span);
  for (Rows& rows : starts) resolve_unknowns(rows);

  const vm::Type int8 = vm::Type::of(vm::TypeKind::kInt8);
  CommonTable common;
  common.name = table.name.text;
  common.columns = starts.front().columns;
  common.hidden = operation.all ? 2 : 0;
  common.recursive_use = true;
  if (table.columns.size() > common.columns.size()) {
    fail("42P10",
         "WITH query \"" + common.name + "\" has " + std::to_string(common.columns.size()) +
             " columns available but " + std::to_string(table.columns.size()) +
             " columns specified",
         table.name.span);
  }
  std::vector<datalog::Column> columns;
  if (operation.all) {
    columns.push_back({"_iteration", int8, false, {}});
    columns.push_back({"_way", vm::Type::text(), false, {}});
  }
  for (std::size_t c = 0; c < common.columns.size(); ++c) {
    ScopeColumn& column = common.columns[c];
    if (c < table.columns.size()) column.name = table.columns[c].text;
    column.table = 0;
    columns.push_back({column.name, stored(machine(column.value.type)), true, {}});
  }
  common.relation = new_relation("recursive", std::move(columns), Collection::kSet);
  const RelationId relation = common.relation;
  common_tables_.push_back(common);
  const std::size_t first_new = relations_.size();
  Rows step = rows_of(operation.operands.back(), outer, false);
  const std::uint32_t uses = common_tables_.back().uses;
  common_tables_.back().recursive_use = false;
  if (uses > 1) {
    fail("42P19",
         "recursive reference to query \"" + common.name + "\" must not appear more than once",
         table.name.span);
  }
  // The step's columns have the types of the start.
  if (step.columns.size() != common.columns.size()) {
    fail("42601", "each UNION query must have the same number of columns", operation.op_span);
  }
  for (std::size_t c = 0; c < step.columns.size(); ++c) {
    Typed& value = step.columns[c].value;
    const SqlType wanted = common.columns[c].value.type;
    if (!value.is_unknown() && value.type.oid != wanted.oid) {
      const SqlType overall =
          common_type({common.columns[c].value, value}, "UNION", operation.op_span);
      if (overall.oid != wanted.oid) {
        fail("42804",
             "recursive query \"" + common.name + "\" column " + std::to_string(c + 1) +
                 " has type " + type_name(wanted) + " in non-recursive term but type " +
                 type_name(overall) + " overall",
             table.name.span, "Cast the output of the non-recursive term to the correct type.");
      }
    }
    value = coerce(std::move(value), {wanted.oid, -1}, CastContext::kImplicit, operation.op_span);
  }
  pointers.push_back(&step);
  for (const Rows* rows : pointers) {
    std::vector<Expression> values;
    for (const ScopeColumn& column : rows->columns) values.push_back(column.value.value);
    if (!outer_variables(rows->body, values).empty()) {
      unsupported("a recursive query that uses columns from around it", table.name.span);
    }
  }
  // What tells the rows of one iteration apart: the other rows that were matched.
  auto way_of = [&](std::optional<Expression> before, const std::set<VariableId>& used) {
    std::vector<Expression> parts;
    if (before) parts.push_back(*before);
    for (const VariableId id : used) {
      Expression text = convert(mention(id), vm::Type::text());
      parts.push_back(call_of(ScalarFunction::kQuoteNullable, vm::Type::text(), {std::move(text)}));
    }
    if (parts.empty()) return constant_text("");
    if (before && parts.size() == 1) return *before;
    Expression all = call_of(ScalarFunction::kConcat, vm::Type::text(), std::move(parts));
    return call_of(ScalarFunction::kMd5, vm::Type::text(), {std::move(all)});
  };
  auto matched = [&](const Body& body) {
    std::set<VariableId> used;
    for (const Literal& literal : body) {
      const auto* const match = std::get_if<Match>(&literal.node);
      const auto* const each = std::get_if<datalog::Each>(&literal.node);
      if (each != nullptr) used.insert(each->variable);
      if (match == nullptr || match->relation == relation) continue;
      for (const Expression& term : match->terms) {
        if (term.op == ExpressionOp::kVariable) used.insert(term.variable);
      }
    }
    return used;
  };
  for (std::size_t i = 0; i < starts.size(); ++i) {
    std::vector<Expression> terms;
    if (operation.all) {
      terms.push_back(constant_int(vm::TypeKind::kInt8, 0));
      std::set<VariableId> used = matched(starts[i].body);
      Expression way = way_of(std::nullopt, used);
      if (starts.size() > 1) {
        way = call_of(ScalarFunction::kConcat, vm::Type::text(),
                      {constant_text(std::to_string(i) + ":"), std::move(way)});
      }
      way.nullable = false;
      terms.push_back(std::move(way));
    }
    for (ScopeColumn& column : starts[i].columns) {
      terms.push_back(stored(std::move(column.value.value)));
    }
    add_rule(relation, std::move(terms), std::move(starts[i].body));
  }
  std::vector<Expression> terms;
  if (operation.all) {
    const Match* self = nullptr;
    for (const Literal& literal : step.body) {
      const auto* const match = std::get_if<Match>(&literal.node);
      if (match != nullptr && match->relation == relation) self = match;
    }
    if (uses == 0) {
      terms.push_back(constant_int(vm::TypeKind::kInt8, 0));
      Expression way = call_of(ScalarFunction::kConcat, vm::Type::text(),
                               {constant_text("+"), way_of(std::nullopt, matched(step.body))});
      way.nullable = false;
      terms.push_back(std::move(way));
    } else if (self == nullptr) {
      unsupported("a recursive reference inside an outer join or a subquery", table.name.span);
    } else {
      terms.push_back(
          op_of(ExpressionOp::kAdd, int8, {self->terms[0], constant_int(vm::TypeKind::kInt8, 1)}));
      Expression way = way_of(self->terms[1], matched(step.body));
      way.nullable = false;
      terms.push_back(std::move(way));
    }
  }
  for (ScopeColumn& column : step.columns) terms.push_back(stored(std::move(column.value.value)));
  add_rule(relation, std::move(terms), std::move(step.body));
  // Recursion holds sets: what the step was taken apart into carries the rows' identity along.
  for (std::size_t i = first_new; i < relations_.size(); ++i) {
    if (uses > 0) relations_[i].collection = Collection::kSet;
  }
  // WITH queries of its own are out of scope behind it.
  CommonTable kept = std::move(common_tables_.back());
  common_tables_.resize(scope_tables);
  common_tables_.push_back(std::move(kept));
}

}  // namespace entail::sql2datalog::internal
