#include "server/cli/why_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "compiler/constant_rows.h"
#include "datalog/body_walk.h"
#include "datalog/program_printer.h"
#include "server/cli/fact_json.h"
#include "server/cli/fact_text.h"
#include "vm/base/ensure.h"
#include "vm/value_codec.h"

namespace entail::cli {

using datalog::ExpressionOp;
using datalog::index_of;
using datalog::Match;
using datalog::RelationId;
using datalog::Rule;
using datalog::RuleId;
using datalog::VariableId;
using vm::Word;

datalog::Expression variable_term(const Rule& rule, VariableId id) {
  const datalog::Variable& variable = rule.variables[index_of(id)];
  datalog::Expression term;
  term.op = ExpressionOp::kVariable;
  term.variable = id;
  term.type = variable.type;
  term.nullable = variable.nullable;
  return term;
}

namespace {

// Takes the literals out of each Exists; variables that occur inside alone have numbers of their own.
void flatten(const datalog::Body& body, datalog::Body& out) {
  for (const datalog::Literal& literal : body) {
    if (const auto* exists = std::get_if<datalog::Exists>(&literal.node)) {
      flatten(exists->body, out);
    } else {
      out.push_back(literal);
    }
  }
}

}  // namespace

void open_body(Rule& rule, const datalog::RuleProgram& program) {
  datalog::Body body;
  flatten(rule.body, body);
  rule.body = std::move(body);
  for (datalog::Literal& literal : rule.body) {
    auto* match = std::get_if<Match>(&literal.node);
    if (match == nullptr) continue;
    for (std::size_t i = 0; i < match->terms.size(); ++i) {
      if (match->terms[i].op != ExpressionOp::kWildcard) continue;
      const datalog::Column& column = program.relation(match->relation).columns[i];
      const auto id = static_cast<VariableId>(rule.variables.size());
      rule.variables.push_back({"_" + column.name, column.type, column.nullable, literal.span});
      match->terms[i] = variable_term(rule, id);
    }
  }
}

KnownFacts::KnownFacts(ProgramRun& run, const grammar::SourceFiles& files,
                       const StatedFacts& stated)
    : run_(run), files_(files), stated_(stated) {
  for (const datalog::Relation& relation : program().relations) {
    shapes_.push_back(row_shape(relation));
  }
  stratum_.resize(program().relations.size());
  for (std::size_t i = 0; i < program().strata.size(); ++i) {
    for (const RelationId id : program().strata[i].relations) stratum_[index_of(id)] = i;
  }
}

std::string KnownFacts::text(const Fact& fact) const {
  const RowShape& form = shape(fact.relation);
  std::string out = program().relation(fact.relation).name + "(";
  for (std::size_t i = 0; i < form.columns.size(); ++i) {
    if (i > 0) out += ", ";
    append_fact_value(run_.pool(), form.columns[i].type, form.columns[i].nullable,
                      fact.words.data() + form.word_of_column[i], out);
  }
  return out + ")";
}

std::string KnownFacts::json_row(const Fact& fact) const {
  const RowShape& form = shape(fact.relation);
  std::string out = "[";
  for (std::size_t i = 0; i < form.columns.size(); ++i) {
    if (i > 0) out += ", ";
    append_json_value(run_.pool(), form.columns[i].type, form.columns[i].nullable,
                      fact.words.data() + form.word_of_column[i], true, out);
  }
  return out + "]";
}

std::string KnownFacts::value_text(const datalog::Variable& variable,
                                   const std::vector<Word>& words) const {
  std::string out;
  append_fact_value(run_.pool(), variable.type, variable.nullable, words.data(), out);
  return out;
}

std::string KnownFacts::place(const grammar::SourceSpan& span) const {
  const grammar::SourcePlace place = files_.locate(span);
  return fmt::format("{}:{}", place.file_name, place.line);
}

std::string KnownFacts::with_values(const Rule& rule, const datalog::Literal& literal,
                                    const Bindings& bindings) const {
  // The printer knows variables by name: a value is the name of the first variable that has it. Names of
  // variables that do not occur are taken away, so that none is told apart from them by a number.
  Rule shown;
  shown.variables = rule.variables;
  datalog::Literal copy = literal;
  const std::set<VariableId> mentioned = datalog::variables_of(literal);
  std::map<std::string, VariableId> first_with;
  for (std::size_t i = 0; i < shown.variables.size(); ++i) {
    const auto id = static_cast<VariableId>(i);
    const auto value = bindings.find(id);
    if (!mentioned.contains(id)) {
      shown.variables[i].name.clear();
    } else if (value != bindings.end()) {
      std::string text = value_text(rule.variables[i], value->second);
      shown.variables[i].name.clear();
      if (first_with.emplace(text, id).second) shown.variables[i].name = std::move(text);
    }
  }
  datalog::walk_variables(copy, [&](VariableId& id) {
    const auto value = bindings.find(id);
    if (value == bindings.end()) return;
    id = first_with.at(value_text(rule.variables[index_of(id)], value->second));
  });
  if (const auto* bind = std::get_if<datalog::Bind>(&copy.node)) {
    return fmt::format(
        "{} = {}",
        datalog::print_expression(program(), shown, variable_term(shown, bind->variable)),
        datalog::print_expression(program(), shown, bind->value));
  }
  return datalog::print_literal(program(), shown, copy);
}

Expected<bool> KnownFacts::holds(const Fact& fact) {
  const std::vector<datalog::Column>& columns = program().relation(fact.relation).columns;
  Rule question;
  Match given;
  given.relation = evaluation().given_id();
  for (const datalog::Column& column : columns) {
    const auto id = static_cast<VariableId>(question.variables.size());
    question.variables.push_back({column.name, column.type, column.nullable, {}});
    given.terms.push_back(variable_term(question, id));
  }
  Match stored = given;
  stored.relation = fact.relation;
  question.body.push_back({std::move(given), {}});
  question.body.push_back({std::move(stored), {}});
  auto found = instances(question, columns, fact.words);
  if (!found) return unexpected(found.error());
  return !found->empty();
}

std::optional<std::string> KnownFacts::stated_at(const Fact& fact) {
  for (const Rule& rule : program().rules) {
    if (rule.head.relation != fact.relation || !rule.body.empty()) continue;
    const auto row = compiler::constant_row(rule, evaluation().layout(fact.relation), run_.pool());
    if (row && *row == fact.words) return place(rule.span);
  }
  if (stated_.contains(fact)) return std::string();
  // Rows of relations that nothing derives are not gathered: they can only have been given.
  const bool is_derived =
      program().relation(fact.relation).equivalence || !rules_of(fact.relation).empty();
  return is_derived ? std::nullopt : std::optional<std::string>(std::string());
}

std::vector<Fact> KnownFacts::stated_of(RelationId relation) {
  std::vector<Fact> found;
  for (const Rule& rule : program().rules) {
    if (rule.head.relation != relation || !rule.body.empty()) continue;
    auto row = compiler::constant_row(rule, evaluation().layout(relation), run_.pool());
    if (row) found.push_back({relation, std::move(*row)});
  }
  for (auto at = stated_.lower_bound({relation, {}});
       at != stated_.end() && at->relation == relation; ++at) {
    found.push_back(*at);
  }
  return found;
}

std::vector<RuleId> KnownFacts::rules_of(RelationId relation) const {
  std::vector<RuleId> found;
  for (std::size_t i = 0; i < program().rules.size(); ++i) {
    const Rule& rule = program().rules[i];
    if (rule.head.relation != relation) continue;
    const bool is_constant =
        rule.body.empty() &&
        compiler::constant_row(rule, run_.evaluation().layout(relation), run_.pool());
    if (!is_constant) found.push_back(static_cast<RuleId>(i));
  }
  return found;
}

bool KnownFacts::has_ranks(RelationId relation) const {
  const vm::Relation* const rows = std::as_const(run_).evaluation().relation(relation);
  return rows != nullptr && rows->options().ranks;
}

Expected<std::vector<Bindings>> KnownFacts::instances(const Rule& question,
                                                      const std::vector<datalog::Column>& given,
                                                      const std::vector<Word>& row) {
  compiler::Evaluation::Question asked;
  asked.rule = question;
  asked.rule.plan.reset();
  asked.given = given;
  asked.rule.head = {};
  asked.rule.head.relation = evaluation().answers_id();
  std::set<VariableId> bound;
  for (const datalog::Literal& literal : question.body) {
    bound.merge(datalog::exported_variables(literal));
  }
  for (const VariableId id : bound) {
    const datalog::Variable& variable = question.variables[index_of(id)];
    asked.answers.push_back({variable.name, variable.type, variable.nullable, variable.span});
    asked.rule.head.terms.push_back(variable_term(question, id));
  }
  std::vector<const Word*> columns;
  for (const Word& word : row) columns.push_back(&word);
  auto rows = evaluation().answer(asked, columns, 1);
  if (!rows) return unexpected(rows.error());
  // In the order of their values: that of the words depends on when a text was met first.
  std::sort(rows->begin(), rows->end(), [&](const auto& left, const auto& right) {
    std::size_t word = 0;
    for (const datalog::Column& column : asked.answers) {
      const int order =
          vm::compare_values(run_.pool(), column.type, column.nullable, left.data() + word,
                             right.data() + word, {.nulls_first = true});
      if (order != 0) return order < 0;
      word += vm::words_of(column.type, column.nullable);
    }
    return false;
  });
  std::vector<Bindings> found;
  for (const std::vector<Word>& words : *rows) {
    Bindings bindings;
    auto word = words.begin();
    for (const VariableId id : bound) {
      const datalog::Variable& variable = question.variables[index_of(id)];
      const auto end = word + vm::words_of(variable.type, variable.nullable);
      bindings.emplace(id, std::vector<Word>(word, end));
      word = end;
    }
    found.push_back(std::move(bindings));
  }
  return found;
}

Fact KnownFacts::row_of(const Match& match, const Rule& rule, const Bindings& bindings) {
  Fact fact{match.relation, {}};
  const std::vector<datalog::Column>& columns = program().relation(match.relation).columns;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const datalog::Expression& term = match.terms[i];
    const unsigned value_words = vm::value_words(columns[i].type);
    if (term.op == ExpressionOp::kVariable) {
      std::vector<Word> words = bindings.at(term.variable);
      if (!rule.variables[index_of(term.variable)].nullable) words.push_back(0);
      words.resize(value_words + (columns[i].nullable ? 1 : 0));
      fact.words.insert(fact.words.end(), words.begin(), words.end());
      continue;
    }
    const auto words = compiler::constant_words(term, columns[i].nullable, run_.pool());
    ENTAIL_ENSURE(words.has_value());
    fact.words.insert(fact.words.end(), words->begin(), words->end());
  }
  if (fact.words.empty()) fact.words.push_back(0);
  return fact;
}

}  // namespace entail::cli
