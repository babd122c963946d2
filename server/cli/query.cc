#include "server/cli/query.h"

#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "datalog/body_walk.h"
#include "grammar/parser.h"

namespace entail::cli {
namespace {

using datalog::Expression;
using datalog::ExpressionOp;
using datalog::index_of;
using datalog::Match;
using datalog::Relation;
using datalog::RelationId;
using datalog::Rule;
using datalog::RuleProgram;
using datalog::VariableId;

constexpr const char* kQuestionName = "entail_question";
constexpr const char* kFileName = "--query";

Expression variable_expression(const Rule& rule, VariableId id) {
  const datalog::Variable& variable = rule.variables[index_of(id)];
  Expression expression;
  expression.op = ExpressionOp::kVariable;
  expression.variable = id;
  expression.type = variable.type;
  expression.nullable = variable.nullable;
  return expression;
}

// One atom: the answer has the columns of its relation. A wildcard becomes a variable.
void answer_with_rows(const Relation& asked, Match& match, Rule& rule, Relation& answer) {
  answer.columns = asked.columns;
  for (std::size_t i = 0; i < match.terms.size(); ++i) {
    Expression& term = match.terms[i];
    if (term.op == ExpressionOp::kWildcard) {
      const auto id = static_cast<VariableId>(rule.variables.size());
      const datalog::Column& column = asked.columns[i];
      rule.variables.push_back({"_" + column.name, column.type, column.nullable, term.span});
      term = variable_expression(rule, id);
    }
    rule.head.terms.push_back(term);
  }
}

// Several conditions: the answer has the variables that the person named.
void answer_with_variables(Rule& rule, Relation& answer) {
  std::set<VariableId> bound;
  for (const datalog::Literal& literal : rule.body) {
    bound.merge(datalog::exported_variables(literal));
  }
  for (const VariableId id : bound) {
    const datalog::Variable& variable = rule.variables[index_of(id)];
    if (variable.name.starts_with('_')) continue;
    answer.columns.push_back({variable.name, variable.type, variable.nullable, variable.span});
    rule.head.terms.push_back(variable_expression(rule, id));
  }
}

// Whether constants, different variables and wildcards are all that the terms are.
bool is_plain(const Match& match) {
  std::set<VariableId> seen;
  for (const Expression& term : match.terms) {
    if (term.op == ExpressionOp::kVariable && !seen.insert(term.variable).second) return false;
  }
  return true;
}

}  // namespace

void add_question(const std::string& text, grammar::Program& tree, grammar::SourceFiles& files,
                  grammar::Diagnostics& diagnostics) {
  std::string body = text;
  while (!body.empty() && (body.back() == '.' || body.back() == '?' || body.back() == ' ')) {
    body.pop_back();
  }
  // The body stands on a line of its own, so that places in it are those of the option's value.
  const std::string program = std::string(".decl ") + kQuestionName + "()\n" + kQuestionName +
                              "() :-\n#line 1 \"" + kFileName + "\"\n" + body + ".\n";
  grammar::NoFiles no_files;
  grammar::Program question =
      grammar::parse_text(kFileName, program, {}, no_files, files, diagnostics);
  for (auto& item : question.items) tree.items.push_back(std::move(item));
}

std::optional<Question> settle_question(RuleProgram& program, grammar::Diagnostics& diagnostics) {
  Question question;
  for (std::size_t i = 0; i < program.relations.size(); ++i) {
    if (program.relations[i].name == kQuestionName) question.answer = static_cast<RelationId>(i);
  }
  Rule* rule = nullptr;
  for (Rule& candidate : program.rules) {
    if (candidate.head.relation != question.answer) continue;
    if (rule != nullptr) {
      // The rule itself begins before the text of the option.
      const auto place = candidate.body.empty() ? candidate.span : candidate.body.front().span;
      diagnostics.error(place, "--query takes one conjunction, without alternatives",
                        "Ask one question after the other.");
      return std::nullopt;
    }
    rule = &candidate;
  }
  if (rule == nullptr || rule->body.empty()) {
    diagnostics.error({}, "--query asks for nothing that is stored",
                      "Ask for the rows of a relation, as in 'path(99990, x)'.");
    return std::nullopt;
  }
  Relation& answer = program.relation(question.answer);
  answer.auxiliary = true;

  std::vector<Match*> matches;
  for (datalog::Literal& literal : rule->body) {
    if (auto* match = std::get_if<Match>(&literal.node)) matches.push_back(match);
  }
  const bool is_one_atom = matches.size() == 1;
  if (is_one_atom && rule->body.size() == 1 && is_plain(*matches[0])) {
    question.demand.relation = matches[0]->relation;
    for (const Expression& term : matches[0]->terms) {
      const bool is_constant = term.op == ExpressionOp::kConstant || term.op == ExpressionOp::kNull;
      question.demand.arguments.push_back(is_constant ? std::optional<Expression>(term)
                                                      : std::nullopt);
    }
  } else {
    question.demand.relation = question.answer;
  }
  if (is_one_atom) {
    const Relation& asked = program.relation(matches[0]->relation);
    question.name = asked.name;
    answer_with_rows(asked, *matches[0], *rule, answer);
  } else {
    answer_with_variables(*rule, answer);
  }
  if (question.demand.relation == question.answer) {
    question.demand.arguments.resize(answer.columns.size());
  }
  return question;
}

}  // namespace entail::cli
