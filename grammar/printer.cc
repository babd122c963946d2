#include "grammar/printer.h"

#include <string_view>
#include <utility>

#include "grammar/internal/print_names.h"

namespace entail::grammar {

namespace {

using internal::precedence;
using internal::quoted_name;
using internal::quoted_string;
using internal::spelling;

// The strength of an expression as an operand: its operator's precedence, or more than any for what needs no parentheses.
constexpr int kPrefixStrength = 15;
constexpr int kPrimaryStrength = 100;

int strength(const Expr& expr) {
  if (const auto* binary = expr.as<Binary>()) return precedence(binary->op);
  if (expr.as<Unary>() != nullptr) return kPrefixStrength;
  if (expr.as<Conditional>() != nullptr) return 0;
  if (const auto* literal = expr.as<Literal>()) return literal->text.starts_with('-') && literal->kind != LiteralKind::kString ? kPrefixStrength : kPrimaryStrength;
  return kPrimaryStrength;
}

class Printer {
 public:
  std::string take() { return std::move(out_); }

  void expr(const Expr& e) {
    std::visit([&](const auto& node) { print(node); }, e.node);
  }

  void formula(const Formula& f) {
    std::visit([&](const auto& node) { print(node); }, f.node);
  }

  void item(const Item& i) {
    i.visit([&](const auto& node) { print(node); });
  }

 private:
  void put(std::string_view text) { out_ += text; }
  void name(const Name& n) { put(quoted_name(n.text)); }
  void line() { out_ += "\n" + std::string(indent_ * 2, ' '); }

  template <typename List, typename Each>
  void list(const List& values, Each&& each, std::string_view separator = ", ") {
    bool first = true;
    for (const auto& value : values) {
      if (!first) put(separator);
      first = false;
      each(value);
    }
  }
  void exprs(const std::vector<Expr>& values) {
    list(values, [&](const Expr& e) { expr(e); });
  }
  void names(const std::vector<Name>& values) {
    list(values, [&](const Name& n) { name(n); });
  }

  // Expressions ----------------------------------------------------------------------------------

  void operand(const Expr& e, int strength_min) {
    const bool parens = strength(e) < strength_min;
    if (parens) put("(");
    expr(e);
    if (parens) put(")");
  }

  void print(const Literal& literal) { constant(literal.kind, literal.text); }

  void constant(LiteralKind kind, const std::string& text) {
    switch (kind) {
      case LiteralKind::kString: put(quoted_string(text)); break;
      case LiteralKind::kUnsigned: put(text + "u"); break;
      case LiteralKind::kNil: put("nil"); break;
      case LiteralKind::kTrue: put("true"); break;
      case LiteralKind::kFalse: put("false"); break;
      case LiteralKind::kNull: put("null"); break;
      default: put(text);
    }
  }

  void print(const Variable& variable) { put(quoted_name(variable.name)); }
  void print(const Wildcard&) { put("_"); }
  void print(const Counter&) { put("autoinc()"); }
  void print(const Path& path) { name(path.name); }

  void print(const Unary& unary) {
    put(spelling(unary.op));
    const Expr& inner = *unary.operand;
    const auto* literal = inner.as<Literal>();
    const auto* power = inner.as<Binary>();
    const bool bare = (power != nullptr && power->op == BinaryOp::kPow) || inner.as<Unary>() != nullptr;
    // A number behind a minus would be folded into it.
    const bool folds = literal != nullptr && unary.op == UnaryOp::kMinus && literal->text.starts_with('-');
    const bool parens = folds || (!bare && strength(inner) < kPrefixStrength);
    if (parens) put("(");
    expr(inner);
    if (parens) put(")");
  }

  void print(const Binary& binary) {
    const int own = precedence(binary.op);
    const bool power = binary.op == BinaryOp::kPow;
    operand(*binary.left, power ? own + 1 : own);
    put(" ");
    put(spelling(binary.op));
    put(" ");
    const bool prefixed = strength(*binary.right) == kPrefixStrength;  // `x ^ -y` needs none.
    operand(*binary.right, power ? (prefixed ? kPrefixStrength : own) : own + 1);
  }

  void print(const Conditional& conditional) {
    put("if ");
    part(*conditional.condition);
    put(" then ");
    operand(*conditional.then_value, 1);
    put(" else ");
    operand(*conditional.else_value, 1);
  }

  void print(const Call& call) {
    if (call.user_functor) put("@");
    name(call.name);
    put("(");
    exprs(call.args);
    put(")");
  }

  void print(const Aggregate& aggregate) {
    if (aggregate.user_defined) {
      put("@@");
      name(aggregate.function);
      put(" ");
      list(aggregate.initial, [&](const Expr& e) { operand(e, 1); });
      put(" : ");
      operand(aggregate.target.front(), 1);
      put(", { ");
    } else {
      put(aggregate.function.text);
      for (const Expr& target : aggregate.target) {
        put(" ");
        operand(target, 1);
      }
      put(" : { ");
    }
    inline_body(*aggregate.body);
    put(" }");
  }

  void print(const RecordInit& record) {
    put("[");
    exprs(record.args);
    put("]");
  }

  void print(const AdtInit& adt) {
    put("$");
    name(adt.branch);
    put("(");
    exprs(adt.args);
    put(")");
  }

  void print(const Cast& cast) {
    put("as(");
    expr(*cast.value);
    put(", ");
    name(cast.type);
    put(")");
  }

  void print(const Range& range) {
    put(range.low_included ? "[" : "(");
    expr(*range.low);
    put("..");
    expr(*range.high);
    put(range.high_included ? "]" : ")");
  }

  // Conditions -----------------------------------------------------------------------------------

  // A condition among others: a conjunction or disjunction in parentheses.
  void part(const Formula& f) {
    const bool parens = f.as<Conjunction>() != nullptr || f.as<Disjunction>() != nullptr;
    if (parens) put("(");
    formula(f);
    if (parens) put(")");
  }

  // A body in braces or behind `:-`, on one line.
  void inline_body(const Formula& f) {
    if (const auto* disjunction = f.as<Disjunction>()) {
      list(disjunction->parts, [&](const Formula& each) { disjunct(each); }, " ; ");
    } else {
      formula(f);
    }
  }

  void disjunct(const Formula& f) {
    if (f.as<Disjunction>() != nullptr) {
      part(f);
    } else {
      formula(f);
    }
  }

  // A clause's body: one condition a line.
  void body(const Formula& f) {
    ++indent_;
    if (const auto* conjunction = f.as<Conjunction>()) {
      for (std::size_t i = 0; i < conjunction->parts.size(); ++i) {
        if (i > 0) put(",");
        line();
        part(conjunction->parts[i]);
      }
    } else {
      line();
      inline_body(f);
    }
    --indent_;
  }

  void print(const BooleanConstant& constant) { put(constant.value ? "true" : "false"); }
  void print(const Conjunction& conjunction) {
    list(conjunction.parts, [&](const Formula& f) { part(f); });
  }
  void print(const Disjunction& disjunction) {
    list(disjunction.parts, [&](const Formula& f) { disjunct(f); }, " ; ");
  }
  void print(const Negation& negation) {
    put("!");
    part(*negation.operand);
  }

  void print(const Atom& atom) {
    name(atom.relation);
    put(atom.named ? "{" : "(");
    if (atom.named) {
      list(atom.fields, [&](const FieldPattern& field) { print(field); });
    } else {
      exprs(atom.args);
    }
    put(atom.named ? "}" : ")");
    if (atom.window) {
      put(" over ");
      put(spelling(atom.window->kind));
      put(" ");
      operand(atom.window->size, 1);
      if (atom.window->kind == WindowKind::kLastEvents) put(" events");
      if (atom.window->slide) {
        put(", ");
        operand(*atom.window->slide, 1);
      }
    }
    if (atom.alias) {
      put(" as ");
      name(*atom.alias);
    }
  }

  void print(const FieldPattern& field) {
    name(field.field);
    if (field.value) {
      put(": ");
      operand(*field.value, 1);
    }
    if (field.constraint) {
      put(" ");
      put(spelling(field.constraint->op));
      put(" ");
      operand(field.constraint->value, 1);
    }
  }

  void print(const Comparison& comparison) {
    operand(comparison.left, 1);
    put(" ");
    put(spelling(comparison.op));
    put(" ");
    expr(comparison.right);
  }

  void print(const Allen& allen) {
    operand(allen.left, 1);
    put(" ");
    put(spelling(allen.relation));
    put(" ");
    if (!allen.bounds.empty()) {
      put("[");
      exprs(allen.bounds);
      put("] ");
    } else if (allen.right.as<RecordInit>() != nullptr || allen.right.as<Range>() != nullptr) {
      put("(");  // A bracket right behind the word would be its bounds.
      expr(allen.right);
      put(")");
      return;
    }
    expr(allen.right);
  }

  void print(const Membership& membership) {
    operand(membership.value, 1);
    put(" in ");
    expr(membership.collection);
  }

  void print(const NullTest& test) {
    operand(test.value, 1);
    put(test.negated ? " is not null" : " is null");
  }

  void print(const BooleanTest& test) {
    const auto* call = test.value.as<Call>();
    const bool reserved = call != nullptr && !call->user_functor && (call->name.text == "match" || call->name.text == "contains");
    if (!reserved) put("if ");
    const bool parens = !reserved && strength(test.value) < kPrimaryStrength;
    if (parens) put("(");
    expr(test.value);
    if (parens) put(")");
  }

  void print(const Exists& exists) {
    put("exists { ");
    inline_body(*exists.body);
    put(" }");
  }

  void print(const Forall& forall) {
    put("forall { ");
    inline_body(*forall.condition);
    put(" } => { ");
    inline_body(*forall.consequence);
    put(" }");
  }

  void keys(const std::vector<Expr>& values) {
    if (values.empty()) return;
    put(" by ");
    const bool bare = values.size() == 1 && (values.front().as<Variable>() != nullptr || values.front().as<Path>() != nullptr);
    if (!bare) put("(");
    exprs(values);
    if (!bare) put(")");
  }

  void print(const Group& group) {
    put("group { ");
    inline_body(*group.body);
    put(" }");
    keys(group.keys);
    put(" => { ");
    list(group.results, [&](const NamedExpr& result) {
      name(result.name);
      put(": ");
      expr(result.value);
    });
    put(" }");
  }

  void print(const AsOfMatch& match) {
    put("last ");
    print(match.atom);
    put(" before ");
    expr(match.before);
  }

  void steps(const SequencePattern& pattern) {
    for (const SequenceStep& step : pattern.steps) {
      if (step.connector == Connector::kFollowedBy) put(" -> ");
      if (step.connector == Connector::kFollowedByAny) put(" ->> ");
      if (step.connector == Connector::kNext) put(" next ");
      if (step.negated) put("not ");
      if (step.atom) {
        print(*step.atom);
      } else {
        put("(");
        list(step.alternatives, [&](const SequencePattern& each) { steps(each); }, " | ");
        put(")");
      }
      if (step.quantifier) {
        put(" [");
        operand(step.quantifier->min, 1);
        if (!step.quantifier->max) {
          put("..*");
        } else if (!(*step.quantifier->max == step.quantifier->min)) {
          put("..");
          operand(*step.quantifier->max, 1);
        }
        put("]");
      }
      if (step.within) {
        put(" within ");
        operand(*step.within, 1);
      }
      if (step.until) {
        put(" until ");
        print(*step.until);
      }
    }
  }

  void print(const Sequence& sequence) {
    put("sequence(");
    steps(sequence.pattern);
    put(")");
    if (sequence.within) {
      put(" within ");
      operand(*sequence.within, 1);
    }
    keys(sequence.keys);
    if (sequence.skip == SkipPolicy::kPastLast) put(" skip past_last");
    if (sequence.skip == SkipPolicy::kToNext) put(" skip to_next");
    if (sequence.skip == SkipPolicy::kNone) put(" skip none");
  }

  // Types and columns ----------------------------------------------------------------------------

  void type(const TypeExpr& t, bool lattice = false) {
    if (t.columns.empty()) {
      name(t.name);
    } else {
      put("[");
      columns(t.columns);
      put("]");
    }
    if (!t.numbers.empty()) {
      put("(");
      list(t.numbers, [&](const std::string& number) { put(number); });
      put(")");
    }
    if (!t.arguments.empty()) {
      put("<");
      list(t.arguments, [&](const TypeExpr& argument) { type(argument); });
      put(">");
    }
    if (lattice) put(" <>");
    if (t.array) put("[]");
    if (t.nullable) put("?");
  }

  void columns(const std::vector<Column>& values) {
    list(values, [&](const Column& column) { print(column); });
  }

  void print(const Column& column) {
    if (!column.name.text.empty()) {
      name(column.name);
      put(": ");
    }
    type(column.type, column.lattice);
    if (column.key) put(" key");
    if (column.unique) put(" unique");
    if (column.default_value) {
      put(" default ");
      operand(*column.default_value, 1);
    }
    if (column.ref) {
      put(" ref ");
      name(*column.ref);
    }
    if (column.from) put(" from " + quoted_string(*column.from));
  }

  void property_list(const std::vector<Property>& properties, std::string_view sign) {
    list(properties, [&](const Property& property) {
      name(property.name);
      put(sign);
      expr(property.value);
    });
  }

  // Souffle's items ------------------------------------------------------------------------------

  void annotations(const std::vector<Annotation>& values) {
    for (const Annotation& annotation : values) {
      put(annotation.inner ? "@![" : "@[");
      put(annotation.key);
      if (!annotation.text.empty()) put(" " + annotation.text);
      put("]\n");
    }
  }

  void plan(const std::vector<PlanOrder>& orders) {
    if (orders.empty()) return;
    put("\n.plan ");
    list(orders, [&](const PlanOrder& order) {
      put(order.version + ": (");
      list(order.positions, [&](const std::string& position) { put(position); });
      put(")");
    });
  }

  void print(const Facts& facts) {
    for (std::size_t row = 0; row < facts.count(); ++row) {
      if (row > 0) line();
      name(facts.relation);
      put("(");
      for (std::size_t i = 0; i < facts.arity; ++i) {
        if (i > 0) put(", ");
        const Constant& value = facts.constants[row * facts.arity + i];
        constant(value.kind, value.text);
      }
      put(").");
    }
  }

  void print(const Clause& clause) {
    annotations(clause.annotations);
    if (clause.final) put("final ");
    list(clause.heads, [&](const Atom& head) { print(head); });
    if (clause.body) {
      put(" :-");
      body(*clause.body);
    }
    put(".");
    plan(clause.plan);
  }

  void print(const Subsumption& subsumption) {
    annotations(subsumption.annotations);
    print(subsumption.dominated);
    put(" <= ");
    print(subsumption.dominating);
    put(" :-");
    body(subsumption.body);
    put(".");
    plan(subsumption.plan);
  }

  void print(const Decl& decl) {
    annotations(decl.annotations);
    put(".decl ");
    names(decl.names);
    if (decl.debug_delta_of) {
      put(" = debug_delta(");
      name(*decl.debug_delta_of);
    } else {
      put("(");
      columns(decl.columns);
    }
    put(")");
    for (const Tag& tag : decl.tags) {
      put(" ");
      put(spelling(tag.tag));
    }
    if (decl.choice.empty()) return;
    put(" choice-domain ");
    list(decl.choice, [&](const Dependency& dependency) {
      const bool several = dependency.columns.size() != 1;
      if (several) put("(");
      names(dependency.columns);
      if (several) put(")");
    });
  }

  void print(const Lattice& lattice) {
    annotations(lattice.annotations);
    put(".lattice ");
    name(lattice.type);
    put("<> { ");
    list(lattice.operators, [&](const LatticeOperator& op) {
      name(op.name);
      put(" -> ");
      expr(op.value);
    });
    put(" }");
  }

  void print(const TypeDecl& decl) {
    annotations(decl.annotations);
    if (decl.deprecated_form) {
      const auto* base = std::get_if<SubsetType>(&decl.definition);
      put(base->base.text == "number" ? ".number_type " : ".symbol_type ");
      name(decl.name);
      return;
    }
    put(".type ");
    name(decl.name);
    std::visit([&](const auto& definition) { print(definition); }, decl.definition);
  }
  void print(const SubsetType& subset) {
    put(" <: ");
    name(subset.base);
  }
  void print(const UnionType& type_union) {
    put(" = ");
    list(type_union.members, [&](const Name& member) { name(member); }, " | ");
  }
  void print(const RecordType& record) {
    put(" = [");
    columns(record.fields);
    put("]");
  }
  void print(const AdtType& adt) {
    put(" = ");
    list(adt.branches, [&](const AdtBranch& branch) {
      name(branch.name);
      put(" { ");
      columns(branch.fields);
      put(" }");
    }, " | ");
  }

  void print(const Directive& directive) {
    annotations(directive.annotations);
    put(spelling(directive.kind));
    put(" ");
    names(directive.relations);
    if (directive.properties.empty()) return;
    put("(");
    property_list(directive.properties, "=");
    put(")");
  }

  void print(const FunctorDecl& functor) {
    annotations(functor.annotations);
    put(".functor ");
    name(functor.name);
    put("(");
    columns(functor.args);
    put("): ");
    type(functor.result);
    if (functor.stateful) put(" stateful");
  }

  void print(const Pragma& pragma) {
    annotations(pragma.annotations);
    put(".pragma " + quoted_string(pragma.key));
    if (pragma.value) put(" " + quoted_string(*pragma.value));
  }

  void component_type(const ComponentType& component) {
    name(component.name);
    if (component.params.empty()) return;
    put("<");
    names(component.params);
    put(">");
  }

  void print(const Component& component) {
    annotations(component.annotations);
    put(".comp ");
    component_type(component.type);
    if (!component.bases.empty()) put(" : ");
    list(component.bases, [&](const ComponentType& base) { component_type(base); });
    put(" {");
    ++indent_;
    for (const Item& each : component.items) {
      line();
      item(each);
    }
    --indent_;
    line();
    put("}");
  }

  void print(const Init& init) {
    annotations(init.annotations);
    put(".init ");
    name(init.name);
    put(" = ");
    component_type(init.component);
  }

  void print(const Override& override_decl) {
    put(".override ");
    name(override_decl.relation);
  }

  // Our items ------------------------------------------------------------------------------------

  void print(const ModuleDecl& module) {
    put("module ");
    name(module.name);
    put(";");
  }

  void print(const Import& import) {
    put("import ");
    name(import.module);
    if (import.alias) {
      put(" as ");
      name(*import.alias);
    }
    if (!import.names.empty()) {
      put(".{");
      names(import.names);
      put("}");
    }
    put(";");
  }

  void print(const TypeAlias& alias) {
    put("type ");
    name(alias.name);
    put(" = ");
    type(alias.type);
    if (alias.where) {
      put(" where ");
      if (alias.where->as<Disjunction>() != nullptr) {
        part(*alias.where);
      } else {
        formula(*alias.where);
      }
    }
    put(";");
  }

  void print(const EnumDecl& decl) {
    put("enum ");
    name(decl.name);
    put(" { ");
    names(decl.values);
    put(" }");
  }

  void print(const Endpoint& endpoint) {
    name(endpoint.connector);
    put(" " + quoted_string(endpoint.address));
    if (endpoint.properties.empty()) return;
    put(" { ");
    property_list(endpoint.properties, ": ");
    put(" }");
  }

  void print(const RelationDecl& decl) {
    if (decl.final) put("final ");
    put(decl.kind == RelationKind::kRelation ? "relation " : decl.kind == RelationKind::kStream ? "stream " : "event ");
    name(decl.name);
    put("(");
    columns(decl.columns);
    put(")");
    const auto name_list = [&](std::string_view word, const std::vector<Name>& list_names) {
      put(word);
      put("(");
      names(list_names);
      put(")");
    };
    for (const auto& key : decl.keys) name_list(" key ", key);
    for (const auto& index : decl.indexes) name_list(" index ", index);
    const auto optional = [&](std::string_view word, const std::optional<Expr>& value) {
      if (!value) return;
      put(word);
      operand(*value, 1);
    };
    if (decl.versioned) put(" versioned");
    optional(" retain ", decl.retain);
    if (decl.time_column) put(" time " + quoted_name(decl.time_column->text));
    optional(" watermark ", decl.watermark);
    if (decl.late == LatePolicy::kDrop) put(" late drop");
    if (decl.late == LatePolicy::kSideline) put(" late sideline " + quoted_name(decl.sideline->text));
    if (decl.duration_column) put(" duration " + quoted_name(decl.duration_column->text));
    optional(" expire ", decl.expire);
    if (!decl.properties.empty()) {
      put(" with { ");
      property_list(decl.properties, ": ");
      put(" }");
    }
    for (const Endpoint& endpoint : decl.from) {
      put(" from ");
      print(endpoint);
    }
    for (const Endpoint& endpoint : decl.to) {
      put(" to ");
      print(endpoint);
    }
    put(";");
  }

  // A rule's name: as a string when it is no plain name.
  void rule_name(const Name& n) {
    const std::string quoted = quoted_name(n.text);
    put(quoted == n.text ? quoted : quoted_string(n.text));
  }

  void print(const RuleDecl& rule) {
    annotations(rule.annotations);
    put("rule ");
    rule_name(rule.name);
    const auto value = [&](std::string_view word, const std::optional<Expr>& e) {
      if (!e) return;
      put(word);
      operand(*e, 1);
    };
    value(" salience ", rule.salience);
    if (rule.group) put(" group " + quoted_name(rule.group->text));
    if (rule.exclusive) put(" exclusive " + quoted_name(rule.exclusive->text));
    if (rule.no_loop) put(" no_loop");
    if (rule.lock_on_active) put(" lock_on_active");
    if (rule.auto_focus) put(" auto_focus");
    value(" enabled ", rule.enabled);
    value(" every ", rule.every);
    if (rule.cron) put(" cron " + quoted_string(*rule.cron));
    value(" effective ", rule.effective_from);
    value(" to ", rule.effective_to);
    if (rule.doc) put(" doc " + quoted_string(*rule.doc));
    line();
    put("when");
    body(rule.when);
    line();
    put("then");
    actions(rule.then);
    line();
    put("end");
  }

  void actions(const Block& block) {
    ++indent_;
    for (const Action& action : block) {
      line();
      std::visit([&](const auto& node) { print(node); }, action.node);
    }
    --indent_;
  }

  void braced(const Block& block) {
    put(" {");
    actions(block);
    line();
    put("}");
  }

  void assignments(const std::vector<Assignment>& changes) {
    put(" { ");
    list(changes, [&](const Assignment& change) {
      name(change.field);
      put(": ");
      expr(change.value);
    });
    put(" }");
  }

  void print(const HaltAction&) { put("halt;"); }
  void print(const ChangeAction& change) {
    put(spelling(change.kind));
    put(" ");
    print(change.atom);
    put(";");
  }
  void print(const EmitAction& emit) {
    put("emit ");
    print(emit.atom);
    if (emit.to) put(" to " + quoted_name(emit.to->text));
    put(";");
  }
  void print(const ModifyAction& modify) {
    put("modify ");
    name(modify.row);
    assignments(modify.changes);
    put(";");
  }
  void print(const DeleteAction& action) { put("delete " + quoted_name(action.row.text) + ";"); }
  void print(const CallAction& call) {
    put("call ");
    expr(call.call);
    if (call.result) put(" as " + quoted_name(call.result->text));
    put(";");
  }
  void print(const LetAction& let) {
    put("let ");
    name(let.name);
    put(" = ");
    expr(let.value);
    put(";");
  }
  void print(const IfAction& branch) {
    put("if (");
    inline_body(branch.condition);
    put(")");
    braced(branch.then_block);
    if (branch.else_block.empty()) return;
    put(" else");
    braced(branch.else_block);
  }
  void print(const ForAction& loop) {
    put("for (");
    inline_body(loop.condition);
    put(")");
    braced(loop.block);
  }
  void moment(const Expr& e) {
    const auto* literal = e.as<Literal>();
    const bool bare = literal != nullptr && (literal->kind == LiteralKind::kDuration || literal->kind == LiteralKind::kTimestamp);
    if (!bare) put("(");
    expr(e);
    if (!bare) put(")");
  }
  void print(const ScheduleAction& schedule) {
    put("schedule after ");
    moment(schedule.after);
    braced(schedule.block);
  }
  void print(const FocusAction& focus) { put("focus " + quoted_name(focus.group.text) + ";"); }
  void print(const LogAction& log) {
    put("log ");
    exprs(log.args);
    put(";");
  }

  void print(const Query& query) {
    put("query ");
    name(query.name);
    put("(");
    columns(query.parameters);
    put(") :-");
    body(query.body);
    line();
    put("select ");
    list(query.select, [&](const SelectItem& selected) {
      expr(selected.value);
      if (selected.alias) put(" as " + quoted_name(selected.alias->text));
    });
    if (!query.order_by.empty()) {
      put(" order by ");
      list(query.order_by, [&](const OrderItem& ordered) {
        expr(ordered.value);
        if (ordered.descending) put(" desc");
      });
    }
    if (query.limit) {
      put(" limit ");
      expr(*query.limit);
    }
    if (query.as_of) {
      put(" as of ");
      expr(*query.as_of);
    }
    put(";");
  }

  void print(const View& view) {
    if (view.final) put("final ");
    put("view ");
    name(view.name);
    if (!view.columns.empty()) {
      put("(");
      columns(view.columns);
      put(")");
    }
    put(" as sql $$" + view.sql + "$$;");
  }

  void print(const Table& table) {
    put("table ");
    name(table.name);
    put("(");
    columns(table.inputs);
    put(") -> (");
    columns(table.outputs);
    put(") policy ");
    put(spelling(table.policy));
    put(" {");
    ++indent_;
    for (const TableRow& row : table.rows) {
      line();
      list(row.cells, [&](const TableCell& cell) {
        if (cell.op) {
          put(spelling(*cell.op));
          put(" ");
        }
        exprs(cell.values);
      }, " | ");
      put(" => ");
      list(row.results, [&](const Expr& e) { expr(e); }, " | ");
      put(";");
    }
    --indent_;
    line();
    put("}");
  }

  void print(const Function& function) {
    put("function ");
    name(function.name);
    put("(");
    columns(function.parameters);
    put(") -> ");
    type(function.result);
    if (function.external) {
      put(" extern " + quoted_string(*function.external));
    } else {
      put(" = ");
      expr(*function.body);
    }
    put(";");
  }

  void print(const Test& test) {
    put("test " + quoted_string(test.title.text));
    if (!test.uses.empty()) put(" uses ");
    names(test.uses);
    for (const TestRound& round : test.rounds) {
      line();
      put("given");
      steps_of(round.given);
      line();
      put("expect");
      steps_of(round.expect);
    }
    line();
    put("end");
  }

  void steps_of(const std::vector<TestStep>& test_steps) {
    ++indent_;
    for (const TestStep& step : test_steps) {
      line();
      std::visit([&](const auto& node) { print(node); }, step.node);
      put(";");
    }
    --indent_;
  }

  void print(const GivenRow& row) {
    if (row.at) {
      put("at ");
      moment(*row.at);
      put(" ");
    }
    print(row.atom);
  }
  void print(const GivenRetract& step) {
    put("retract ");
    print(step.atom);
  }
  void print(const GivenUpdate& step) {
    put("update ");
    print(step.atom);
    assignments(step.changes);
  }
  void print(const GivenAdvance& step) {
    put("advance ");
    expr(step.by);
  }
  void print(const GivenFire&) { put("fire"); }
  void print(const ExpectCondition& step) { part(step.condition); }
  void print(const ExpectFired& step) {
    put("fired ");
    rule_name(step.rule);
    if (step.times) {
      put(" ");
      expr(*step.times);
      put(" times");
    }
  }
  void print(const ExpectEmitted& step) {
    put("emitted ");
    print(step.atom);
  }
  void print(const ExpectDerived& step) {
    put("derived ");
    print(step.atom);
    put(" because ");
    rule_name(step.rule);
  }
  void print(const ExpectNoLoop&) { put("no loop"); }

  std::string out_;
  std::size_t indent_ = 0;
};

}  // namespace

std::string print(const Program& program) {
  std::string text;
  for (const Item& item : program.items) text += print(item) + "\n";
  return text;
}

std::string print(const Item& item) {
  Printer printer;
  printer.item(item);
  return printer.take();
}

std::string print(const Formula& formula) {
  Printer printer;
  printer.formula(formula);
  return printer.take();
}

std::string print(const Expr& expr) {
  Printer printer;
  printer.expr(expr);
  return printer.take();
}

}  // namespace entail::grammar
