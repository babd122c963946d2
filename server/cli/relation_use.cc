#include "server/cli/relation_use.h"

#include <set>

#include "datalog/body_walk.h"

namespace entail::cli {

using datalog::DirectiveKind;
using datalog::index_of;
using datalog::RelationId;
using datalog::RuleProgram;

std::vector<RelationUse> relation_uses(const RuleProgram& program) {
  std::vector<RelationUse> usages(program.relations.size());
  // What each relation is derived from.
  std::vector<std::set<RelationId>> sources(program.relations.size());
  const auto read = [&](const datalog::Body& body) {
    std::set<RelationId> found;
    for (const auto& literal : body) {
      datalog::walk_matches(literal, [&](const datalog::Match& match, datalog::Reading) {
        usages[index_of(match.relation)].is_read = true;
        found.insert(match.relation);
      });
    }
    return found;
  };
  std::vector<RelationId> wanted;
  for (const auto& directive : program.directives) {
    RelationUse& usage = usages[index_of(directive.relation)];
    const bool is_in =
        directive.kind == DirectiveKind::kInput || directive.kind == DirectiveKind::kSource;
    if (is_in) {
      usage.is_input = true;
    } else if (directive.kind != DirectiveKind::kLimitSize) {
      usage.is_output = true;
      wanted.push_back(directive.relation);
    }
  }
  for (const auto& rule : program.rules) {
    RelationUse& usage = usages[index_of(rule.head.relation)];
    (rule.body.empty() ? usage.has_facts : usage.has_rules) = true;
    sources[index_of(rule.head.relation)].merge(read(rule.body));
  }
  for (const auto& query : program.queries) {
    const auto found = read(query.rule.body);
    wanted.insert(wanted.end(), found.begin(), found.end());
  }
  for (const auto& production : program.productions) {
    const auto found = read(production.body);
    wanted.insert(wanted.end(), found.begin(), found.end());
  }
  while (!wanted.empty()) {
    const RelationId id = wanted.back();
    wanted.pop_back();
    if (usages[index_of(id)].leads_to_output) continue;
    usages[index_of(id)].leads_to_output = true;
    wanted.insert(wanted.end(), sources[index_of(id)].begin(), sources[index_of(id)].end());
  }
  return usages;
}

}  // namespace entail::cli
