#include "server/cli/lint.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "server/cli/relation_use.h"

namespace entail::cli {
namespace {

// --- singleton variables ----------------------------------------------------------------------------

// Counts how often each variable of a clause is written.
class VariableCounter {
 public:
  struct Use {
    std::size_t count = 0;
    grammar::SourceSpan span;
  };

  void atom(const grammar::Atom& atom) {
    for (const auto& argument : atom.args) expression(argument);
    for (const auto& field : atom.fields) {
      if (field.is_pun()) use(field.field.text, field.field.span);
      if (field.value) expression(*field.value);
      if (field.constraint) expression(field.constraint->value);
    }
    if (atom.alias) use(atom.alias->text, atom.alias->span);
    if (atom.window) {
      expression(atom.window->size);
      if (atom.window->slide) expression(*atom.window->slide);
    }
  }

  void formula(const grammar::Formula& formula) {
    std::visit([this](const auto& node) { part(node); }, formula.node);
  }

  void expression(const grammar::Expr& expression) {
    if (const auto* variable = expression.as<grammar::Variable>()) {
      use(variable->name, expression.span);
    } else if (const auto* path = expression.as<grammar::Path>()) {
      use(path->name.text.substr(0, path->name.text.find('.')), expression.span);
    } else {
      std::visit([this](const auto& node) { inside(node); }, expression.node);
    }
  }

  const std::map<std::string, Use>& uses() const { return uses_; }

 private:
  void use(const std::string& name, const grammar::SourceSpan& span) {
    Use& known = uses_[name];
    if (known.count++ == 0) known.span = span;
  }

  void all(const std::vector<grammar::Expr>& list) {
    for (const auto& item : list) expression(item);
  }
  void all(const std::vector<grammar::Formula>& list) {
    for (const auto& item : list) formula(item);
  }

  // Expressions.
  template <typename Leaf>
  void inside(const Leaf&) {}
  void inside(const grammar::Unary& node) { expression(*node.operand); }
  void inside(const grammar::Binary& node) {
    expression(*node.left);
    expression(*node.right);
  }
  void inside(const grammar::Conditional& node) {
    formula(*node.condition);
    expression(*node.then_value);
    expression(*node.else_value);
  }
  void inside(const grammar::Call& node) { all(node.args); }
  void inside(const grammar::Aggregate& node) {
    all(node.target);
    all(node.initial);
    formula(*node.body);
  }
  void inside(const grammar::RecordInit& node) { all(node.args); }
  void inside(const grammar::AdtInit& node) { all(node.args); }
  void inside(const grammar::Cast& node) { expression(*node.value); }
  void inside(const grammar::Range& node) {
    expression(*node.low);
    expression(*node.high);
  }

  // Conditions.
  void part(const grammar::BooleanConstant&) {}
  void part(const grammar::Conjunction& node) { all(node.parts); }
  void part(const grammar::Disjunction& node) { all(node.parts); }
  void part(const grammar::Negation& node) { formula(*node.operand); }
  void part(const grammar::Atom& node) { atom(node); }
  void part(const grammar::Comparison& node) {
    expression(node.left);
    expression(node.right);
  }
  void part(const grammar::Allen& node) {
    expression(node.left);
    expression(node.right);
    all(node.bounds);
  }
  void part(const grammar::Membership& node) {
    expression(node.value);
    expression(node.collection);
  }
  void part(const grammar::NullTest& node) { expression(node.value); }
  void part(const grammar::BooleanTest& node) { expression(node.value); }
  void part(const grammar::Exists& node) { formula(*node.body); }
  void part(const grammar::Forall& node) {
    formula(*node.condition);
    formula(*node.consequence);
  }
  void part(const grammar::Group& node) {
    formula(*node.body);
    all(node.keys);
    for (const auto& result : node.results) {
      use(result.name.text, result.name.span);
      expression(result.value);
    }
  }
  void part(const grammar::AsOfMatch& node) {
    atom(node.atom);
    expression(node.before);
  }
  void part(const grammar::Sequence& node) {
    pattern(node.pattern);
    if (node.within) expression(*node.within);
    all(node.keys);
  }
  void pattern(const grammar::SequencePattern& node) {
    for (const auto& step : node.steps) {
      if (step.atom) atom(*step.atom);
      for (const auto& alternative : step.alternatives) pattern(alternative);
      if (step.within) expression(*step.within);
      if (step.until) atom(*step.until);
    }
  }

  std::map<std::string, Use> uses_;
};

void report_singletons(const VariableCounter& counter, grammar::Diagnostics& diagnostics) {
  for (const auto& [name, use] : counter.uses()) {
    if (use.count != 1 || name.starts_with('_')) continue;
    diagnostics.warning(use.span, fmt::format("the variable '{}' occurs only once", name),
                        fmt::format("Write _ or _{} if any value will do.", name));
  }
}

void lint_items(const std::vector<grammar::Item>& items, grammar::Diagnostics& diagnostics) {
  for (const grammar::Item& item : items) {
    if (const auto* clause = item.as<grammar::Clause>()) {
      if (!clause->body) continue;
      VariableCounter counter;
      for (const auto& head : clause->heads) counter.atom(head);
      counter.formula(*clause->body);
      report_singletons(counter, diagnostics);
    } else if (const auto* component = item.as<grammar::Component>()) {
      lint_items(component->items, diagnostics);
    }
  }
}

// --- relations --------------------------------------------------------------------------------------

using datalog::RuleProgram;

// The names, without those of components, of the relations declared inline.
std::set<std::string> inline_names(const std::vector<grammar::Item>& items) {
  std::set<std::string> names;
  for (const grammar::Item& item : items) {
    if (const auto* component = item.as<grammar::Component>()) {
      names.merge(inline_names(component->items));
    }
    const auto* declaration = item.as<grammar::Decl>();
    if (declaration == nullptr) continue;
    for (const grammar::Tag& tag : declaration->tags) {
      if (tag.tag != grammar::RelationTag::kInline) continue;
      for (const grammar::Name& name : declaration->names) names.insert(name.text);
    }
  }
  return names;
}

}  // namespace

void lint_tree(const grammar::Program& tree, grammar::Diagnostics& diagnostics) {
  lint_items(tree.items, diagnostics);
}

void lint_rules(const RuleProgram& program, const grammar::Program& tree,
                grammar::Diagnostics& diagnostics) {
  const std::set<std::string> inlined = inline_names(tree.items);
  const std::vector<RelationUse> usages = relation_uses(program);
  // Late rows of streams; those relations that the text does not declare have no place of their own.
  std::set<datalog::RelationId> late, undeclared;
  for (const datalog::Relation& relation : program.relations) {
    if (!relation.stream) continue;
    for (const auto& rows : {relation.stream->late_rows, relation.stream->sideline}) {
      if (!rows) continue;
      late.insert(*rows);
      if (program.relation(*rows).span == relation.span) undeclared.insert(*rows);
    }
    if (relation.stream->clock && !relation.stream->expire_after) {
      diagnostics.warning(relation.span,
                          fmt::format("the rows of '{}' are never forgotten", relation.name),
                          "It has no `expire`, so what is kept grows as long as rows come.");
    }
  }
  bool has_goal = false;
  for (const RelationUse& usage : usages) has_goal = has_goal || usage.leads_to_output;
  for (std::size_t i = 0; i < program.relations.size(); ++i) {
    const datalog::Relation& relation = program.relations[i];
    const RelationUse& usage = usages[i];
    // Productions insert into relations, which their procedures do not show here.
    if (relation.auxiliary || !program.productions.empty()) continue;
    const auto id = static_cast<datalog::RelationId>(i);
    if (undeclared.contains(id)) continue;
    if (inlined.contains(relation.name.substr(relation.name.rfind('.') + 1))) continue;
    const bool has_rows = usage.has_facts || usage.has_rules || usage.is_input || relation.stream ||
                          late.contains(id);
    if (usage.is_read && !has_rows) {
      diagnostics.warning(relation.span, fmt::format("'{}' is always empty", relation.name),
                          "It is read, but has no facts and no rules, and no .input fills it.");
    } else if (!usage.is_read && !usage.is_output && (has_goal || !has_rows)) {
      diagnostics.warning(relation.span, fmt::format("'{}' is not used", relation.name),
                          "Nothing reads it, and no .output or .printsize shows it.");
    } else if (has_goal && usage.has_rules && !usage.leads_to_output) {
      diagnostics.warning(relation.span,
                          fmt::format("the rules of '{}' lead to no output", relation.name),
                          "What reads it is never output itself.");
    }
  }
}

}  // namespace entail::cli
