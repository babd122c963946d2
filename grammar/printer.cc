#include "grammar/printer.h"

#include <string_view>

#include "grammar/internal/condition_printer.h"

namespace entail::grammar {

namespace {

using internal::ConditionPrinter;
using internal::quoted_name;
using internal::quoted_string;
using internal::spelling;

class ItemPrinter : public ConditionPrinter {
 public:
  void item(const Item& i) {
    i.visit([&](const auto& node) { print(node); });
  }

 private:
  using ConditionPrinter::print;

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
    if (clause.heads.empty()) put("false");
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
    list(
        adt.branches,
        [&](const AdtBranch& branch) {
          name(branch.name);
          put(" { ");
          columns(branch.fields);
          put(" }");
        },
        " | ");
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
    put(decl.kind == RelationKind::kRelation ? "relation "
        : decl.kind == RelationKind::kStream ? "stream "
                                             : "event ");
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
    if (decl.late == LatePolicy::kSideline)
      put(" late sideline " + quoted_name(decl.sideline->text));
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
    const bool bare = literal != nullptr && (literal->kind == LiteralKind::kDuration ||
                                             literal->kind == LiteralKind::kTimestamp);
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
      list(
          row.cells,
          [&](const TableCell& cell) {
            if (cell.op) {
              put(spelling(*cell.op));
              put(" ");
            }
            exprs(cell.values);
          },
          " | ");
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
};

}  // namespace

std::string print(const Program& program) {
  std::string text;
  for (const Item& item : program.items) text += print(item) + "\n";
  return text;
}

std::string print(const Item& item) {
  ItemPrinter printer;
  printer.item(item);
  return printer.take();
}

std::string print(const Formula& formula) {
  ConditionPrinter printer;
  printer.formula(formula);
  return printer.take();
}

std::string print(const Expr& expr) {
  ConditionPrinter printer;
  printer.expr(expr);
  return printer.take();
}

}  // namespace entail::grammar
