#include "datalog/internal/decision_tables.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "datalog/internal/build.h"

namespace entail::datalog {
namespace {

using grammar::CompareOp;

CoreTerm whole(std::size_t value, grammar::SourceSpan span) {
  CoreTerm term;
  term.kind = TermKind::kLiteral;
  term.literal = grammar::LiteralKind::kNumber;
  term.text = std::to_string(value);
  term.span = span;
  return term;
}

CoreTerm typed(CoreTerm value, const DeclaredType& type) {
  CoreTerm term;
  term.kind = TermKind::kTyped;
  term.type = type.source;
  term.exact = type.type;
  term.span = value.span;
  term.args.push_back(std::move(value));
  return term;
}

CoreTerm choice(CoreCondition condition, CoreTerm then_value, CoreTerm else_value,
                grammar::SourceSpan span) {
  CoreTerm term;
  term.kind = TermKind::kIf;
  term.span = span;
  term.condition.push_back(std::move(condition));
  term.args.push_back(std::move(then_value));
  term.args.push_back(std::move(else_value));
  return term;
}

CoreCondition compare(CompareOp op, CoreTerm left, CoreTerm right, grammar::SourceSpan span) {
  CoreCondition condition;
  condition.kind = ConditionKind::kCompare;
  condition.compare = op;
  condition.span = span;
  condition.args.push_back(std::move(left));
  condition.args.push_back(std::move(right));
  return condition;
}

// What one cell asks of its input; nothing where it takes any value.
std::optional<CoreCondition> cell_condition(const grammar::TableCell& cell, const CoreTerm& input,
                                            ClauseBuilder& builder,
                                            const std::map<std::string, CoreTerm>& arguments,
                                            grammar::SourceSpan span) {
  if (cell.values.empty()) return std::nullopt;
  if (cell.op)
    return compare(*cell.op, input, builder.build_term(cell.values.front(), arguments), span);
  if (cell.values.size() == 1 && cell.values.front().as<grammar::Wildcard>() != nullptr)
    return std::nullopt;
  std::vector<CoreCondition> alternatives;
  for (const grammar::Expr& value : cell.values) {
    if (const auto* range = value.as<grammar::Range>()) {
      CoreCondition within;
      within.kind = ConditionKind::kInRange;
      within.span = value.span;
      within.args = {input, builder.build_term(*range->low, arguments),
                     builder.build_term(*range->high, arguments)};
      within.low_included = range->low_included;
      within.high_included = range->high_included;
      alternatives.push_back(std::move(within));
    } else {
      alternatives.push_back(
          compare(CompareOp::kEqual, input, builder.build_term(value, arguments), value.span));
    }
  }
  if (alternatives.size() == 1) return std::move(alternatives.front());
  CoreCondition any;
  any.kind = ConditionKind::kOr;
  any.span = span;
  any.body = std::move(alternatives);
  return any;
}

CoreCondition row_condition(const grammar::TableRow& row, const std::vector<CoreTerm>& inputs,
                            ClauseBuilder& builder,
                            const std::map<std::string, CoreTerm>& arguments) {
  CoreCondition all;
  all.kind = ConditionKind::kAnd;
  all.span = row.span;
  for (std::size_t i = 0; i < row.cells.size() && i < inputs.size(); ++i) {
    if (auto condition = cell_condition(row.cells[i], inputs[i], builder, arguments, row.span))
      all.body.push_back(std::move(*condition));
  }
  if (all.body.size() == 1) return std::move(all.body.front());
  if (all.body.empty()) all.kind = ConditionKind::kConstant;
  return all;
}

bool is_constant(const grammar::Expr& expr) { return expr.as<grammar::Literal>() != nullptr; }

// (row, outputs that are constants), as facts.
RelationId rows_relation(TableInfo& table, const std::vector<std::size_t>& stored,
                         Environment& environment) {
  if (table.rows) return *table.rows;
  const grammar::Table& definition = *table.table;
  Relation relation;
  RelationInfo info;
  relation.name = "_" + definition.name.text + ".rows";
  relation.auxiliary = true;
  relation.span = definition.name.span;
  const SourceTypeId number = environment.types.primitive_of(Root::kNumber);
  relation.columns.push_back(
      {"row", environment.types.at(number).type, false, definition.name.span});
  info.column_types.push_back(number);
  for (const std::size_t output : stored) {
    relation.columns.push_back({definition.outputs[output].name.text, table.outputs[output].type,
                                table.outputs[output].nullable, definition.outputs[output].span});
    info.column_types.push_back(table.outputs[output].source);
  }
  info.has_facts = true;
  table.rows = environment.add_relation(std::move(relation), std::move(info));
  ClauseBuilder builder(environment);
  for (std::size_t row = 0; row < definition.rows.size(); ++row) {
    CoreClause fact;
    fact.head = *table.rows;
    fact.is_fact = true;
    fact.span = fact.head_span = definition.rows[row].span;
    fact.head_args.push_back(whole(row + 1, definition.rows[row].span));
    for (const std::size_t output : stored) {
      fact.head_args.push_back(
          typed(builder.build_term(definition.rows[row].results[output]), table.outputs[output]));
    }
    environment.extra_clauses.push_back(std::move(fact));
  }
  return *table.rows;
}

// ---------------------------------------------------------------------------------------------------
// Large tables

// One cell as the shape sees it: a test with constants. Kinds: '_' anything, '=' a value, 'c' a comparison,
// 'r' a range; with the details that make two tests the same.
struct CellForm {
  char kind = '_';
  CompareOp op = CompareOp::kEqual;
  bool low_included = true, high_included = true;
  auto operator<=>(const CellForm&) const = default;
};

struct StoredCell {
  CellForm form;
  std::vector<const grammar::Expr*> constants;
};

// The alternatives of a cell; nothing when it compares with something that is no constant.
std::optional<std::vector<StoredCell>> stored_cells(const grammar::TableCell& cell) {
  std::vector<StoredCell> result;
  if (cell.values.empty()) return std::vector<StoredCell>{{}};
  for (const grammar::Expr& value : cell.values) {
    if (value.as<grammar::Wildcard>() != nullptr) {
      result.push_back({});
    } else if (const auto* range = value.as<grammar::Range>()) {
      if (!is_constant(*range->low) || !is_constant(*range->high)) return std::nullopt;
      result.push_back({{'r', CompareOp::kEqual, range->low_included, range->high_included},
                        {&*range->low, &*range->high}});
    } else if (!is_constant(value)) {
      return std::nullopt;
    } else if (cell.op && *cell.op != CompareOp::kEqual) {
      result.push_back({{'c', *cell.op, true, true}, {&value}});
    } else {
      result.push_back({{'=', CompareOp::kEqual, true, true}, {&value}});
    }
  }
  return result;
}

class LargeTable {
 public:
  LargeTable(TableInfo& table, Environment& environment)
      : table_(table),
        definition_(*table.table),
        environment_(environment),
        builder_(environment) {}

  // Makes the relations, once. False, with an error, when a cell or result is no constant.
  bool declare() {
    if (table_.look_up) return true;
    if (!read_rows()) return false;
    declare_look_up();
    for (const auto& [form, relation] : shapes_) {
      environment_.extra_clauses.push_back(clause_of(form, relation));
    }
    return true;
  }

 private:
  using Shape = std::vector<CellForm>;

  grammar::SourceSpan span() const { return definition_.name.span; }

  bool read_rows() {
    for (std::size_t row = 0; row < definition_.rows.size(); ++row) {
      const grammar::TableRow& written = definition_.rows[row];
      std::vector<std::vector<StoredCell>> combinations(1);
      bool constant = std::all_of(written.results.begin(), written.results.end(), is_constant);
      for (std::size_t i = 0; constant && i < written.cells.size(); ++i) {
        const auto cells = stored_cells(written.cells[i]);
        constant = cells.has_value();
        if (!constant) break;
        std::vector<std::vector<StoredCell>> next;
        for (const auto& so_far : combinations) {
          for (const StoredCell& cell : *cells) {
            next.push_back(so_far);
            next.back().push_back(cell);
          }
        }
        combinations = std::move(next);
      }
      if (!constant) {
        environment_.diagnostics.error(written.span, "a table of more than " +
                                                         std::to_string(kChainRowsMax) +
                                                         " rows has constants in its rows only");
        return false;
      }
      for (const auto& cells : combinations) add_fact(row, written, cells);
    }
    return true;
  }

  void add_fact(std::size_t row, const grammar::TableRow& written,
                const std::vector<StoredCell>& cells) {
    Shape shape;
    for (const StoredCell& cell : cells) shape.push_back(cell.form);
    CoreClause fact;
    fact.head = relation_of(shape);
    fact.is_fact = true;
    fact.span = fact.head_span = written.span;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      for (const grammar::Expr* constant : cells[i].constants) {
        fact.head_args.push_back(typed(builder_.build_term(*constant), table_.inputs[i]));
      }
    }
    fact.head_args.push_back(whole(row + 1, written.span));
    for (std::size_t i = 0; i < written.results.size(); ++i) {
      fact.head_args.push_back(typed(builder_.build_term(written.results[i]), table_.outputs[i]));
    }
    environment_.extra_clauses.push_back(std::move(fact));
  }

  RelationId relation_of(const Shape& shape) {
    if (const auto found = shapes_.find(shape); found != shapes_.end()) return found->second;
    Relation relation;
    RelationInfo info;
    info.has_facts = true;
    relation.name = "_" + definition_.name.text + "." + std::to_string(shapes_.size() + 1);
    relation.auxiliary = true;
    relation.span = span();
    const auto column = [&](const std::string& name, const DeclaredType& type) {
      relation.columns.push_back({name, type.type, false, span()});
      info.column_types.push_back(type.source);
    };
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const std::string& name = definition_.inputs[i].name.text;
      if (shape[i].kind == 'r') {
        column(name + ".low", table_.inputs[i]);
        column(name + ".high", table_.inputs[i]);
      } else if (shape[i].kind != '_') {
        column(name, table_.inputs[i]);
      }
    }
    column("row", number());
    for (std::size_t i = 0; i < table_.outputs.size(); ++i)
      column(definition_.outputs[i].name.text, table_.outputs[i]);
    const RelationId id = environment_.add_relation(std::move(relation), std::move(info));
    shapes_.emplace(shape, id);
    return id;
  }

  DeclaredType number() const {
    const SourceTypeId source = environment_.types.primitive_of(Root::kNumber);
    return {source, environment_.types.at(source).type, false};
  }

  void declare_look_up() {
    Relation relation;
    RelationInfo info;
    info.inlined = true;
    info.has_rules = true;
    relation.name = "_" + definition_.name.text + ".look_up";
    relation.auxiliary = true;
    relation.span = span();
    const auto columns = [&](const std::vector<grammar::Column>& names,
                             const std::vector<DeclaredType>& types) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        relation.columns.push_back({names[i].name.text, types[i].type, types[i].nullable, span()});
        info.column_types.push_back(types[i].source);
      }
    };
    columns(definition_.inputs, table_.inputs);
    columns(definition_.outputs, table_.outputs);
    table_.look_up = environment_.add_relation(std::move(relation), std::move(info));
  }

  CoreTerm variable(const std::string& name) const { return CoreTerm::make_variable(name, span()); }
  std::string input(std::size_t i) const { return "in." + std::to_string(i); }
  std::string output(std::size_t i) const { return "out." + std::to_string(i); }

  // The rows of a shape that fit the inputs; their number is `row`, their results the outputs if wanted.
  void match(const Shape& shape, RelationId relation, const std::string& row, bool with_outputs,
             CoreBody& out) {
    CoreCondition atom;
    atom.kind = ConditionKind::kAtom;
    atom.span = span();
    atom.relation = relation;
    atom.relation_name = definition_.name.text;
    CoreBody tests;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const CoreTerm value = variable(input(i));
      const CoreTerm bound = variable(row + ".bound." + std::to_string(i));
      const CoreTerm upper = variable(row + ".upper." + std::to_string(i));
      switch (shape[i].kind) {
        case '=':
          atom.args.push_back(value);
          break;
        case 'c':
          atom.args.push_back(bound);
          tests.push_back(compare(shape[i].op, value, bound, span()));
          break;
        case 'r':
          atom.args.push_back(bound);
          atom.args.push_back(upper);
          tests.push_back(
              compare(shape[i].low_included ? CompareOp::kGreaterEqual : CompareOp::kGreater, value,
                      bound, span()));
          tests.push_back(compare(shape[i].high_included ? CompareOp::kLessEqual : CompareOp::kLess,
                                  value, upper, span()));
          break;
        default:
          break;
      }
    }
    atom.args.push_back(variable(row));
    for (std::size_t i = 0; i < table_.outputs.size(); ++i) {
      CoreTerm wildcard;
      wildcard.span = span();
      atom.args.push_back(with_outputs ? variable(output(i)) : wildcard);
    }
    out.push_back(std::move(atom));
    for (CoreCondition& test : tests) out.push_back(std::move(test));
  }

  CoreClause clause_of(const Shape& shape, RelationId relation) {
    CoreClause clause;
    clause.head = *table_.look_up;
    clause.span = clause.head_span = span();
    for (std::size_t i = 0; i < table_.inputs.size(); ++i)
      clause.head_args.push_back(variable(input(i)));
    for (std::size_t i = 0; i < table_.outputs.size(); ++i)
      clause.head_args.push_back(variable(output(i)));
    match(shape, relation, "row", true, clause.body);
    for (const auto& [other, other_relation] : shapes_) {
      CoreCondition none;
      none.kind = ConditionKind::kAbsent;
      none.span = span();
      match(other, other_relation, "other", false, none.body);
      const bool unique = definition_.policy == grammar::TablePolicy::kUnique;
      none.body.push_back(compare(unique ? CompareOp::kNotEqual : CompareOp::kLess,
                                  variable("other"), variable("row"), span()));
      clause.body.push_back(std::move(none));
    }
    return clause;
  }

  TableInfo& table_;
  const grammar::Table& definition_;
  Environment& environment_;
  ClauseBuilder builder_;
  std::map<Shape, RelationId> shapes_;
};

}  // namespace

void call_table(TableInfo& table, std::vector<CoreTerm> inputs, std::vector<CoreTerm> outputs,
                grammar::SourceSpan span, ClauseBuilder& builder, Environment& environment,
                CoreBody& out) {
  const grammar::Table& definition = *table.table;
  const std::string name = "table '" + definition.name.text + "'";
  for (const grammar::TableRow& row : definition.rows) {
    if (row.cells.size() != table.inputs.size() || row.results.size() != table.outputs.size()) {
      environment.diagnostics.error(
          row.span, "a row of " + name + " has " + std::to_string(table.inputs.size()) +
                        " conditions and " + std::to_string(table.outputs.size()) + " results");
      return;
    }
  }
  if (definition.policy == grammar::TablePolicy::kCollect ||
      definition.policy == grammar::TablePolicy::kPriority) {
    const std::string policy =
        definition.policy == grammar::TablePolicy::kCollect ? "collect" : "priority";
    environment.diagnostics.error(span,
                                  name + " has policy " + policy + ", which is not supported yet");
    return;
  }
  if (definition.rows.size() > kChainRowsMax) {
    if (!LargeTable(table, environment).declare()) return;
    CoreCondition look_up;
    look_up.kind = ConditionKind::kAtom;
    look_up.span = span;
    look_up.relation = *table.look_up;
    look_up.relation_name = definition.name.text;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      CoreTerm variable =
          CoreTerm::make_variable(environment.invent(definition.inputs[i].name.text), span);
      out.push_back(
          compare(CompareOp::kEqual, variable, typed(std::move(inputs[i]), table.inputs[i]), span));
      look_up.args.push_back(std::move(variable));
    }
    for (CoreTerm& output : outputs) look_up.args.push_back(std::move(output));
    out.push_back(std::move(look_up));
    return;
  }
  // Inputs get names, so that the tests of all rows read one value.
  std::map<std::string, CoreTerm> arguments;
  std::vector<CoreTerm> named;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    CoreTerm variable =
        CoreTerm::make_variable(environment.invent(definition.inputs[i].name.text), span);
    out.push_back(
        compare(CompareOp::kEqual, variable, typed(std::move(inputs[i]), table.inputs[i]), span));
    arguments[definition.inputs[i].name.text] = variable;
    named.push_back(std::move(variable));
  }
  CoreTerm row_number = whole(0, span);
  CoreTerm matches = whole(0, span);
  for (std::size_t row = definition.rows.size(); row-- > 0;) {
    CoreCondition condition = row_condition(definition.rows[row], named, builder, arguments);
    if (definition.policy == grammar::TablePolicy::kUnique) {
      CoreTerm sum;
      sum.kind = TermKind::kCall;
      sum.functor = Functor::kAdd;
      sum.span = span;
      sum.args = {std::move(matches), choice(condition, whole(1, span), whole(0, span), span)};
      matches = std::move(sum);
    }
    row_number = choice(std::move(condition), whole(row + 1, span), std::move(row_number), span);
  }
  const SourceTypeId number_source = environment.types.primitive_of(Root::kNumber);
  const DeclaredType number{number_source, environment.types.at(number_source).type, false};
  const CoreTerm row_variable = CoreTerm::make_variable(environment.invent("row"), span);
  out.push_back(
      compare(CompareOp::kEqual, row_variable, typed(std::move(row_number), number), span));
  out.push_back(compare(CompareOp::kNotEqual, row_variable, whole(0, span), span));
  if (definition.policy == grammar::TablePolicy::kUnique) {
    // Several rows at once are no answer.
    out.push_back(
        compare(CompareOp::kEqual, typed(std::move(matches), number), whole(1, span), span));
  }

  std::vector<std::size_t> stored;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const bool constant =
        std::all_of(definition.rows.begin(), definition.rows.end(),
                    [&](const grammar::TableRow& row) { return is_constant(row.results[i]); });
    if (constant) {
      stored.push_back(i);
      continue;
    }
    CoreTerm value = builder.build_term(definition.rows.back().results[i], arguments);
    for (std::size_t row = definition.rows.size() - 1; row-- > 0;) {
      value = choice(compare(CompareOp::kEqual, row_variable, whole(row + 1, span), span),
                     builder.build_term(definition.rows[row].results[i], arguments),
                     std::move(value), span);
    }
    out.push_back(compare(CompareOp::kEqual, std::move(outputs[i]),
                          typed(std::move(value), table.outputs[i]), span));
  }
  if (stored.empty()) return;
  CoreCondition match;
  match.kind = ConditionKind::kAtom;
  match.span = span;
  match.relation = rows_relation(table, stored, environment);
  match.relation_name = definition.name.text;
  match.args.push_back(row_variable);
  for (const std::size_t i : stored) match.args.push_back(std::move(outputs[i]));
  out.push_back(std::move(match));
}

}  // namespace entail::datalog
