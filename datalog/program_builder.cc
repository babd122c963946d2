#include "datalog/program_builder.h"

#include <cctype>
#include <cstdlib>
#include <utility>

#include "vm/base/ensure.h"

namespace entail::datalog {

namespace {

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

bool is_constant(std::string_view text) {
  return text.starts_with('\'') || text.starts_with('-') ||
         std::isdigit(static_cast<unsigned char>(text.front())) != 0;
}

bool is_comparison(ExpressionOp op) {
  return op >= ExpressionOp::kEqual && op <= ExpressionOp::kNotIdentical;
}

}  // namespace

Expression constant(vm::Type type, std::string_view text) {
  Expression expression;
  expression.op = ExpressionOp::kConstant;
  expression.type = type;
  const std::string spelled(text.starts_with('\'') ? text.substr(1) : text);
  switch (type.kind) {
    case vm::TypeKind::kText:
      expression.text = spelled;
      break;
    case vm::TypeKind::kFloat8:
      expression.words[0] = vm::double_word(std::strtod(spelled.c_str(), nullptr));
      break;
    case vm::TypeKind::kFloat4:
      expression.words[0] = vm::float_word(std::strtof(spelled.c_str(), nullptr));
      break;
    case vm::TypeKind::kUnsigned:
      expression.words[0] = std::strtoull(spelled.c_str(), nullptr, 10);
      break;
    default:
      expression.words[0] = vm::int_word(std::strtoll(spelled.c_str(), nullptr, 10));
      break;
  }
  return expression;
}

// --- rules
// -----------------------------------------------------------------------------------------------

Rule& RuleBuilder::rule() { return program_->program_.rules[rule_]; }

Body& RuleBuilder::body() {
  Body* at = &rule().body;
  for (const std::size_t position : open_) {
    Literal& literal = (*at)[position];
    if (auto* absent = std::get_if<Absent>(&literal.node)) at = &absent->body;
    if (auto* exists = std::get_if<Exists>(&literal.node)) at = &exists->body;
    if (auto* reduce = std::get_if<Reduce>(&literal.node)) at = &reduce->body;
  }
  return *at;
}

RuleBuilder& RuleBuilder::append(Literal literal) {
  body().push_back(std::move(literal));
  return *this;
}

VariableId RuleBuilder::variable(std::string_view name, vm::Type type) {
  std::vector<Variable>& variables = rule().variables;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    if (variables[i].name == name) return VariableId{static_cast<std::uint32_t>(i)};
  }
  variables.push_back({std::string(name), type, false, {}});
  return VariableId{static_cast<std::uint32_t>(variables.size() - 1)};
}

vm::Type RuleBuilder::type_of(std::string_view text) {
  for (const Variable& known : rule().variables) {
    if (known.name == text) return known.type;
  }
  if (text.starts_with('\'')) return vm::Type::text();
  return text.find('.') != std::string_view::npos
             ? vm::Type::float8()
             : vm::Type::number(program_->program_.number_bits);
}

Expression RuleBuilder::term(std::string_view text, vm::Type type) {
  Expression expression;
  expression.type = type;
  if (text == "_") return expression;
  if (is_constant(text)) return constant(type, text);
  expression.op = ExpressionOp::kVariable;
  expression.variable = variable(text, type);
  const Variable& known = rule().variables[index_of(expression.variable)];
  expression.type = known.type;
  expression.nullable = known.nullable;
  return expression;
}

std::vector<Expression> RuleBuilder::terms(RelationId relation, std::string_view text) {
  const std::vector<std::string_view> words = split(text);
  const std::vector<Column> columns = program_->program_.relation(relation).columns;
  ENTAIL_ENSURE(words.size() == columns.size());
  std::vector<Expression> out;
  for (std::size_t i = 0; i < words.size(); ++i) out.push_back(term(words[i], columns[i].type));
  return out;
}

void RuleBuilder::set_head(RelationId relation, std::string_view text) {
  rule().head.relation = relation;
  std::vector<Expression> head = terms(relation, text);
  rule().head.terms = std::move(head);
  rule().name = program_->program_.relation(relation).name + "#" + std::to_string(rule_);
}

RuleBuilder& RuleBuilder::head_term(std::size_t column, Expression value) {
  rule().head.terms[column] = std::move(value);
  return *this;
}

RuleBuilder& RuleBuilder::match(RelationId relation, std::string_view text) {
  return append({Match{relation, terms(relation, text), {}}, {}});
}

Expression RuleBuilder::operation(ExpressionOp op, std::string_view left, std::string_view right) {
  const vm::Type type = is_constant(left) ? type_of(right) : type_of(left);
  Expression expression;
  expression.op = op;
  expression.arguments = {term(left, type), term(right, type)};
  expression.type = is_comparison(op) ? vm::Type::boolean() : type;
  return expression;
}

RuleBuilder& RuleBuilder::filter(Expression condition) {
  return append({Filter{std::move(condition)}, {}});
}

RuleBuilder& RuleBuilder::filter(ExpressionOp comparison, std::string_view left,
                                 std::string_view right) {
  return filter(operation(comparison, left, right));
}

RuleBuilder& RuleBuilder::bind(std::string_view name, Expression value) {
  const VariableId id = variable(name, value.type);
  return append({Bind{id, std::move(value)}, {}});
}

RuleBuilder& RuleBuilder::bind(std::string_view name, std::string_view value) {
  return bind(name, term(value, type_of(value)));
}

RuleBuilder& RuleBuilder::range(std::string_view name, std::string_view from, std::string_view to) {
  const vm::Type type = type_of(from);
  Each each{variable(name, type), Generator::kRange, {term(from, type), term(to, type)}};
  return append({std::move(each), {}});
}

RuleBuilder& RuleBuilder::begin_absent() {
  append({Absent{}, {}});
  open_.push_back(body().size() - 1);
  return *this;
}

RuleBuilder& RuleBuilder::begin_exists() {
  append({Exists{}, {}});
  open_.push_back(body().size() - 1);
  return *this;
}

RuleBuilder& RuleBuilder::begin_reduce(AggregateOp op, std::string_view result,
                                       std::string_view argument) {
  Reduce reduce;
  Aggregate aggregate;
  aggregate.op = op;
  if (!argument.empty()) aggregate.argument = term(argument, type_of(argument));
  const vm::Type type = op == AggregateOp::kMean ? vm::Type::float8()
                        : argument.empty()       ? vm::Type::number(program_->program_.number_bits)
                        : op == AggregateOp::kCountDistinct
                            ? vm::Type::number(program_->program_.number_bits)
                            : type_of(argument);
  aggregate.result = variable(result, type);
  reduce.aggregates.push_back(std::move(aggregate));
  append({std::move(reduce), {}});
  open_.push_back(body().size() - 1);
  return *this;
}

RuleBuilder& RuleBuilder::begin_group(std::string_view key, std::string_view value, AggregateOp op,
                                      std::string_view result, std::string_view argument) {
  const Expression key_value = term(value, type_of(value));
  const VariableId key_variable = variable(key, key_value.type);
  begin_reduce(op, result, argument);
  const std::size_t position = open_.back();
  open_.pop_back();
  auto& reduce = std::get<Reduce>(body()[position].node);
  reduce.form = ReduceForm::kPerGroup;
  reduce.keys.push_back({key_variable, key_value});
  open_.push_back(position);
  return *this;
}

RuleBuilder& RuleBuilder::end() {
  ENTAIL_ENSURE(!open_.empty());
  open_.pop_back();
  return *this;
}

RuleBuilder& RuleBuilder::absent(RelationId relation, std::string_view text) {
  return begin_absent().match(relation, text).end();
}

// --- programs
// --------------------------------------------------------------------------------------------

RelationId ProgramBuilder::relation(std::string name, std::vector<vm::Type> columns) {
  Relation relation;
  relation.name = std::move(name);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    relation.columns.push_back({"c" + std::to_string(i), columns[i], false, {}});
  }
  program_.relations.push_back(std::move(relation));
  return RelationId{static_cast<std::uint32_t>(program_.relations.size() - 1)};
}

RuleBuilder ProgramBuilder::rule(RelationId head, std::string_view terms) {
  program_.rules.emplace_back();
  RuleBuilder builder(*this, program_.rules.size() - 1);
  builder.set_head(head, terms);
  return builder;
}

}  // namespace entail::datalog
