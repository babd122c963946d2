#include "datalog/internal/facts.h"

#include <utility>

#include "datalog/internal/literals.h"

namespace entail::datalog {

void FactWriter::add(const grammar::Facts& facts, std::vector<CoreClause>& clauses) {
  const auto found = environment_.relations.find(facts.relation.text);
  if (found == environment_.relations.end()) {
    environment_.diagnostics.error(
        facts.relation.span, "there is no relation '" + facts.relation.text + "'",
        Environment::suggestion(facts.relation.text, environment_.relation_names()));
    return;
  }
  const RelationId id = found->second;
  const Relation& relation = environment_.program.relation(id);
  RelationInfo& info = environment_.info(id);
  info.has_facts = true;
  for (std::size_t row = 0; row < facts.count(); ++row) {
    const grammar::SourceSpan span = facts.spans[row];
    if (facts.arity != relation.columns.size()) {
      environment_.diagnostics.error(span, "'" + relation.name + "' has " +
                                               count_of(relation.columns.size(), "column") +
                                               ", but " + given(facts.arity));
      continue;
    }
    const grammar::Constant* const constants = facts.constants.data() + row * facts.arity;
    if (info.inlined) {
      CoreClause clause;
      clause.head = id;
      clause.is_fact = true;
      clause.span = clause.head_span = span;
      for (std::size_t i = 0; i < facts.arity; ++i) {
        CoreTerm term;
        term.kind = TermKind::kLiteral;
        term.literal = constants[i].kind;
        term.text = constants[i].text;
        term.span = constants[i].span;
        clause.head_args.push_back(std::move(term));
      }
      clauses.push_back(std::move(clause));
      continue;
    }
    Rule rule;
    rule.span = rule.head.span = span;
    rule.head.relation = id;
    rule.head.terms.reserve(facts.arity);
    bool sound = true;
    for (std::size_t i = 0; i < facts.arity; ++i) {
      std::string problem;
      auto value = read_literal(constants[i].kind, constants[i].text, relation.columns[i].type,
                                environment_.program.types, problem);
      if (value && value->nullable && !relation.columns[i].nullable) {
        value.reset();
        problem =
            "column '" + relation.columns[i].name + "' of '" + relation.name + "' may not be null";
      }
      if (!value) {
        // A column whose type is unknown was reported with its declaration.
        if (info.column_types[i] != kNoSourceType)
          environment_.diagnostics.error(constants[i].span, problem);
        sound = false;
        continue;
      }
      value->span = constants[i].span;
      rule.head.terms.push_back(std::move(*value));
    }
    if (sound) add(std::move(rule));
  }
}

void FactWriter::add(Rule fact) {
  const Relation& relation = environment_.program.relation(fact.head.relation);
  if (relation.key.empty()) {
    environment_.program.rules.push_back(std::move(fact));
    return;
  }
  std::string key;
  for (const std::uint32_t column : relation.key) {
    const Expression& term = fact.head.terms[column];
    if (term.op != ExpressionOp::kConstant) {  // A computed key: known only when it runs.
      environment_.program.rules.push_back(std::move(fact));
      return;
    }
    key += std::to_string(term.words[0]) + ":" + std::to_string(term.words[1]) + ":" +
           std::to_string(term.text.size()) + ":" + term.text;
  }
  const auto [place, fresh] =
      keys_.emplace(std::pair(fact.head.relation, key), environment_.program.rules.size());
  if (fresh) {
    environment_.program.rules.push_back(std::move(fact));
    return;
  }
  Rule& before = environment_.program.rules[place->second];
  const bool stands_earlier =
      before.span.file == fact.span.file && fact.span.begin < before.span.begin;
  if (!stands_earlier) before = std::move(fact);
}

}  // namespace entail::datalog
