#include "datalog/program_printer.h"

#include <charconv>
#include <set>
#include <string_view>

#include "datalog/internal/expression_printer.h"

namespace entail::datalog {

namespace {

using internal::Printer;

std::string_view directive_name(DirectiveKind kind) {
  switch (kind) {
    case DirectiveKind::kInput:
      return "input";
    case DirectiveKind::kOutput:
      return "output";
    case DirectiveKind::kPrintSize:
      return "printsize";
    case DirectiveKind::kLimitSize:
      return "limitsize";
    case DirectiveKind::kSource:
      return "from";
    case DirectiveKind::kSink:
      return "to";
  }
  return "";
}

std::string column_list(const Relation& relation, const std::vector<std::uint32_t>& columns) {
  std::string out = "(";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) out += ", ";
    out += relation.columns[columns[i]].name;
  }
  return out + ")";
}

std::string id_list(std::string_view word, const std::vector<RuleId>& rules) {
  if (rules.empty()) return "";
  std::string out = "; ";
  out += word;
  // Runs of ids as ranges, so that a million facts fit a line.
  for (std::size_t i = 0; i < rules.size();) {
    std::size_t last = i;
    while (last + 1 < rules.size() && index_of(rules[last + 1]) == index_of(rules[last]) + 1)
      ++last;
    out += i == 0 ? " " : ", ";
    out += std::to_string(index_of(rules[i]));
    if (last > i) out += (last == i + 1 ? ", " : "-") + std::to_string(index_of(rules[last]));
    i = last + 1;
  }
  return out;
}

std::string print_type_definition(const RuleProgram& program, vm::TypeId id) {
  const vm::TypeTable& types = program.types;
  auto fields_text = [&](const std::vector<vm::FieldType>& fields) {
    std::string out;
    for (const vm::FieldType& field : fields) {
      if (!out.empty()) out += ", ";
      out += field.name + ": " + types.type_name(field.type) + (field.nullable ? "?" : "");
    }
    return out;
  };
  std::string out = types.name(id) + " = ";
  switch (types.kind(id)) {
    case vm::TypeKind::kRecord:
      return out + "[" + fields_text(types.record_fields(id)) + "]";
    case vm::TypeKind::kAdt: {
      bool first = true;
      for (const vm::BranchType& branch : types.adt_branches(id)) {
        if (!first) out += " | ";
        first = false;
        out += branch.name + " {" + fields_text(branch.fields) + "}";
      }
      return out;
    }
    case vm::TypeKind::kEnum: {
      bool first = true;
      for (const std::string& label : types.enum_labels(id)) {
        if (!first) out += " | ";
        first = false;
        out += label;
      }
      return out;
    }
    default:
      return {};  // Array types are spelled out where they stand.
  }
}

void print_directive(const RuleProgram& program, const Directive& directive, std::string& out) {
  out += "  ";
  out += directive_name(directive.kind);
  out += " " + program.relation(directive.relation).name;
  if (!directive.connector.empty()) out += " " + directive.connector;
  if (!directive.parameters.empty()) {
    out += "(";
    bool first = true;
    for (const auto& [key, value] : directive.parameters) {
      if (!first) out += ", ";
      first = false;
      out += key + "=" + internal::quoted(value);
    }
    out += ")";
  }
  out += "\n";
}

void print_production(const RuleProgram& program, const Production& production, std::string& out) {
  Printer printer(program, production.variables);
  out += "  rule " + internal::quoted(production.name);
  if (production.salience) out += " salience " + printer.expression(*production.salience);
  if (!production.group.empty()) out += " group " + production.group;
  if (!production.exclusive_group.empty()) out += " exclusive " + production.exclusive_group;
  if (production.no_loop) out += " no_loop";
  if (production.lock_on_active) out += " lock_on_active";
  if (production.auto_focus) out += " auto_focus";
  if (production.cron) out += " cron " + internal::quoted(*production.cron);
  if (!production.doc.empty()) out += " doc " + internal::quoted(production.doc);
  out += "\n    when " + printer.body(production.body) + "\n    then\n";
  printer.block(production.actions, 6, out);
}

void print_procedure(const RuleProgram& program, const Procedure& procedure, std::string& out) {
  std::vector<Variable> variables = procedure.parameters;
  variables.insert(variables.end(), procedure.locals.begin(), procedure.locals.end());
  Printer printer(program, variables);
  out += "  procedure " + procedure.name + "(";
  for (std::size_t i = 0; i < procedure.parameters.size(); ++i) {
    if (i > 0) out += ", ";
    out += printer.typed_variable(VariableId{static_cast<std::uint32_t>(i)});
  }
  out += ")\n";
  printer.block(procedure.block, 4, out);
}

void print_query(const RuleProgram& program, const Query& query, std::string& out) {
  Printer printer(program, query.rule.variables);
  out += "  query " + query.name + "(";
  for (std::size_t i = 0; i < query.parameters.size(); ++i) {
    if (i > 0) out += ", ";
    out += printer.typed_variable(VariableId{static_cast<std::uint32_t>(i)});
  }
  out += ")\n    " + printer.rule(query.rule) + "\n    select";
  for (std::size_t i = 0; i < query.column_names.size(); ++i) {
    out += (i > 0 ? ", " : " ") + query.column_names[i];
  }
  if (!query.order.empty()) out += " order by " + printer.order(query.order);
  if (query.limit) out += " limit " + printer.expression(*query.limit);
  if (query.as_of) out += " as of " + printer.expression(*query.as_of);
  out += "\n";
}

}  // namespace

std::string print_relation(const RuleProgram& program, const Relation& relation) {
  // Defaults and the like hold constants, so no variable is needed to print them.
  Printer printer(program, {});
  std::string out = relation.name + "(";
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    const Column& column = relation.columns[i];
    if (i > 0) out += ", ";
    out += column.name + ": " + program.types.type_name(column.type) + (column.nullable ? "?" : "");
    if (i < relation.defaults.size() && relation.defaults[i]) {
      out += " default " + printer.expression(*relation.defaults[i]);
    }
  }
  out += ")";
  if (relation.collection == Collection::kBag) out += " bag";
  if (!relation.key.empty()) out += " key " + column_list(relation, relation.key);
  for (const auto& index : relation.indexes) out += " index " + column_list(relation, index);
  if (relation.equivalence) out += " eqrel";
  if (relation.extremum != Extremum::kNone) {
    out += relation.extremum == Extremum::kMin ? " min " : " max ";
    out += column_list(relation, {relation.extremum_column});
  }
  if (relation.final_rows) out += " final";
  if (relation.auxiliary) out += " auxiliary";
  if (!relation.denial.empty()) out += " denial";
  if (relation.stream) {
    const StreamAttributes& stream = *relation.stream;
    out += " stream";
    if (stream.event_time_column)
      out += " time " + relation.columns[*stream.event_time_column].name;
    if (stream.duration_column)
      out += " duration " + relation.columns[*stream.duration_column].name;
    if (stream.watermark_delay) out += " watermark " + printer.expression(*stream.watermark_delay);
    out += stream.late == LatePolicy::kApply      ? " late apply"
           : stream.late == LatePolicy::kSideline ? " late sideline"
                                                  : " late drop";
    if (stream.sideline) out += " " + program.relation(*stream.sideline).name;
    if (stream.late_rows) out += " " + program.relation(*stream.late_rows).name;
    if (stream.expire_after) out += " expire " + printer.expression(*stream.expire_after);
    if (!stream.partition_columns.empty()) {
      out += " partition " + column_list(relation, stream.partition_columns);
    }
    if (stream.clock) out += " clock " + program.relation(*stream.clock).name;
    if (stream.partitions) out += " partitions " + program.relation(*stream.partitions).name;
  }
  if (relation.retain_versions_for) {
    out += " versioned retain " + printer.expression(*relation.retain_versions_for);
  }
  return out;
}

std::string print_rule(const RuleProgram& program, const Rule& rule) {
  return Printer(program, rule.variables).rule(rule);
}

std::string print_production(const RuleProgram& program, const Production& production) {
  std::string out;
  print_production(program, production, out);
  return out;
}

std::string print_literal(const RuleProgram& program, const Rule& rule, const Literal& literal) {
  return Printer(program, rule.variables).literal(literal);
}

std::string print_expression(const RuleProgram& program, const Rule& rule,
                             const Expression& expression) {
  return Printer(program, rule.variables).expression(expression);
}

std::string print_program(const RuleProgram& program) {
  std::string out;
  if (program.number_bits != 64)
    out += "number bits: " + std::to_string(program.number_bits) + "\n";
  std::string types;
  for (std::size_t i = 0; i < program.types.size(); ++i) {
    const vm::TypeId id{static_cast<std::uint32_t>(i)};
    if (!program.types.is_defined(id)) continue;
    const std::string definition = print_type_definition(program, id);
    if (!definition.empty()) types += "  " + definition + "\n";
  }
  if (!types.empty()) out += "types\n" + types;
  if (!program.pragmas.empty()) {
    out += "pragmas\n";
    for (const auto& [key, value] : program.pragmas) {
      out += "  " + key + " " + internal::quoted(value) + "\n";
    }
  }
  out += "relations\n";
  for (const Relation& relation : program.relations) {
    out += "  " + print_relation(program, relation) + "\n";
  }
  if (!program.directives.empty()) {
    out += "directives\n";
    for (const Directive& directive : program.directives) print_directive(program, directive, out);
  }
  if (!program.rules.empty()) {
    out += "rules\n";
    for (std::size_t i = 0; i < program.rules.size(); ++i) {
      out += "  " + std::to_string(i) + "  " + print_rule(program, program.rules[i]) + "\n";
    }
  }
  if (!program.productions.empty()) {
    out += "productions\n";
    for (const Production& production : program.productions)
      print_production(program, production, out);
  }
  if (!program.procedures.empty()) {
    out += "procedures\n";
    for (const Procedure& procedure : program.procedures) print_procedure(program, procedure, out);
  }
  if (!program.queries.empty()) {
    out += "queries\n";
    for (const Query& query : program.queries) print_query(program, query, out);
  }
  if (!program.strata.empty()) {
    out += "strata\n";
    for (std::size_t i = 0; i < program.strata.size(); ++i) {
      const Stratum& stratum = program.strata[i];
      out += "  " + std::to_string(i) + "  ";
      for (std::size_t k = 0; k < stratum.relations.size(); ++k) {
        if (k > 0) out += ", ";
        out += program.relation(stratum.relations[k]).name;
      }
      if (stratum.recursive) out += ", recursive";
      out += id_list("rules", stratum.rules) + "\n";
    }
  }
  return out;
}

}  // namespace entail::datalog
