#include "datalog/internal/tree_rename.h"

#include <variant>

namespace entail::datalog {
namespace {

template <typename... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

}  // namespace

void Renamer::walk(grammar::TypeExpr& type_expr) const {
  if (!type_expr.name.text.empty()) apply(type, type_expr.name);
  walk(type_expr.arguments);
  walk(type_expr.columns);
}

void Renamer::walk(grammar::Column& column) const {
  walk(column.type);
  walk(column.default_value);
  if (column.ref) apply(relation, *column.ref);
}

void Renamer::walk(grammar::Atom& atom) const {
  apply(relation, atom.relation);
  walk(atom.args);
  for (grammar::FieldPattern& field : atom.fields) {
    walk(field.value);
    if (field.constraint) walk(field.constraint->value);
  }
  if (atom.window) {
    walk((*atom.window).size);
    walk((*atom.window).slide);
  }
}

void Renamer::walk(grammar::Expr& expr) const {
  std::visit(Overloaded{
                 [&](grammar::Unary& node) { walk(*node.operand); },
                 [&](grammar::Binary& node) { walk(*node.left), walk(*node.right); },
                 [&](grammar::Conditional& node) {
                   walk(*node.condition), walk(*node.then_value), walk(*node.else_value);
                 },
                 [&](grammar::Call& node) {
                   if (!node.user_functor) apply(callable, node.name);
                   walk(node.args);
                 },
                 [&](grammar::Aggregate& node) {
                   walk(node.target), walk(node.initial), walk(*node.body);
                 },
                 [&](grammar::RecordInit& node) { walk(node.args); },
                 [&](grammar::AdtInit& node) { apply(branch, node.branch), walk(node.args); },
                 [&](grammar::Cast& node) { walk(*node.value), apply(type, node.type); },
                 [&](grammar::Range& node) { walk(*node.low), walk(*node.high); },
                 [](auto&) {},
             },
             expr.node);
}

void Renamer::walk(grammar::SequencePattern& pattern) const {
  for (grammar::SequenceStep& step : pattern.steps) {
    walk(step.atom);
    walk(step.alternatives);
    walk(step.within);
    if (step.until) walk(*step.until);
  }
}

void Renamer::walk(grammar::Formula& formula) const {
  std::visit(
      Overloaded{
          [&](grammar::Conjunction& node) { walk(node.parts); },
          [&](grammar::Disjunction& node) { walk(node.parts); },
          [&](grammar::Negation& node) { walk(*node.operand); },
          [&](grammar::Atom& node) { walk(node); },
          [&](grammar::Comparison& node) { walk(node.left), walk(node.right); },
          [&](grammar::Allen& node) { walk(node.left), walk(node.right), walk(node.bounds); },
          [&](grammar::Membership& node) { walk(node.value), walk(node.collection); },
          [&](grammar::NullTest& node) { walk(node.value); },
          [&](grammar::BooleanTest& node) { walk(node.value); },
          [&](grammar::BooleanConstant&) {},
          [&](grammar::Exists& node) { walk(*node.body); },
          [&](grammar::Forall& node) { walk(*node.condition), walk(*node.consequence); },
          [&](grammar::Group& node) {
            walk(*node.body), walk(node.keys);
            for (grammar::NamedExpr& result : node.results) walk(result.value);
          },
          [&](grammar::AsOfMatch& node) { walk(node.atom), walk(node.before); },
          [&](grammar::Sequence& node) { walk(node.pattern), walk(node.within), walk(node.keys); },
      },
      formula.node);
}

void Renamer::walk(grammar::Clause& clause) const {
  walk(clause.heads);
  walk(clause.body);
}

void Renamer::walk(grammar::Block& block) const {
  for (grammar::Action& action : block) {
    std::visit(Overloaded{
                   [&](grammar::ChangeAction& node) { walk(node.atom); },
                   [&](grammar::EmitAction& node) { walk(node.atom); },
                   [&](grammar::ModifyAction& node) {
                     for (grammar::Assignment& change : node.changes) walk(change.value);
                   },
                   [&](grammar::CallAction& node) { walk(node.call); },
                   [&](grammar::LetAction& node) { walk(node.value); },
                   [&](grammar::IfAction& node) {
                     walk(node.condition), walk(node.then_block), walk(node.else_block);
                   },
                   [&](grammar::ForAction& node) { walk(node.condition), walk(node.block); },
                   [&](grammar::ScheduleAction& node) { walk(node.after), walk(node.block); },
                   [&](grammar::LogAction& node) { walk(node.args); },
                   [](auto&) {},
               },
               action.node);
  }
}

void Renamer::walk(grammar::RelationDecl& decl) const {
  apply(relation, decl.name);
  walk(decl.columns);
  if (decl.sideline) apply(relation, *decl.sideline);
}

void Renamer::walk(grammar::RuleDecl& rule) const {
  walk(rule.when);
  walk(rule.then);
  walk(rule.salience);
}

void Renamer::walk(grammar::Item& item) const {
  using namespace grammar;
  if (auto* facts = item.as<Facts>()) {
    apply(relation, facts->relation);
  } else if (auto* clause = item.as<Clause>()) {
    walk(*clause);
  } else if (auto* subsumption = item.as<Subsumption>()) {
    walk(subsumption->dominated), walk(subsumption->dominating), walk(subsumption->body);
  } else if (auto* decl = item.as<Decl>()) {
    for (Name& declared : decl->names) apply(relation, declared);
    walk(decl->columns);
    if (decl->debug_delta_of) apply(relation, *decl->debug_delta_of);
  } else if (auto* lattice = item.as<Lattice>()) {
    apply(type, lattice->type);
  } else if (auto* type_decl = item.as<TypeDecl>()) {
    apply(type, type_decl->name);
    std::visit(Overloaded{
                   [&](SubsetType& node) { apply(type, node.base); },
                   [&](UnionType& node) {
                     for (Name& member : node.members) apply(type, member);
                   },
                   [&](RecordType& node) { walk(node.fields); },
                   [&](AdtType& node) {
                     for (AdtBranch& defined : node.branches) {
                       apply(branch, defined.name);
                       walk(defined.fields);
                     }
                   },
               },
               type_decl->definition);
  } else if (auto* directive = item.as<Directive>()) {
    for (Name& named : directive->relations) apply(relation, named);
  } else if (auto* functor = item.as<FunctorDecl>()) {
    walk(functor->args), walk(functor->result);
  } else if (auto* alias = item.as<TypeAlias>()) {
    apply(type, alias->name);
    walk(alias->type), walk(alias->where);
  } else if (auto* enumeration = item.as<EnumDecl>()) {
    apply(type, enumeration->name);
  } else if (auto* relation_decl = item.as<RelationDecl>()) {
    walk(*relation_decl);
  } else if (auto* rule = item.as<RuleDecl>()) {
    walk(*rule);
  } else if (auto* query = item.as<Query>()) {
    walk(query->parameters), walk(query->body), walk(query->limit);
    for (SelectItem& selected : query->select) walk(selected.value);
    for (OrderItem& order : query->order_by) walk(order.value);
  } else if (auto* table = item.as<Table>()) {
    apply(callable, table->name);
    walk(table->inputs), walk(table->outputs);
    for (TableRow& row : table->rows) {
      for (TableCell& cell : row.cells) walk(cell.values);
      walk(row.results);
    }
  } else if (auto* function = item.as<Function>()) {
    apply(callable, function->name);
    walk(function->parameters), walk(function->result), walk(function->body);
  }
}

}  // namespace entail::datalog
