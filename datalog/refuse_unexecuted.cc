// What a program holds and nothing executes: refuse_unexecuted() of lower.h.
#include <algorithm>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "datalog/body_walk.h"
#include "datalog/lower.h"

namespace entail::datalog {
namespace {

// The first literal of the body, or of one inside it, that the test is true of.
const Literal* find_literal(const Body& body, bool (*test)(const Literal&)) {
  for (const Literal& literal : body) {
    if (test(literal)) return &literal;
    const Body* inner = nullptr;
    if (const auto* absent = std::get_if<Absent>(&literal.node)) inner = &absent->body;
    if (const auto* exists = std::get_if<Exists>(&literal.node)) inner = &exists->body;
    if (const auto* reduce = std::get_if<Reduce>(&literal.node)) inner = &reduce->body;
    if (inner == nullptr) continue;
    if (const Literal* const found = find_literal(*inner, test)) return found;
  }
  return nullptr;
}

void refuse_windows(const Body& body, grammar::Diagnostics& diagnostics) {
  const auto is_window = [](const Literal& l) { return std::holds_alternative<Window>(l.node); };
  if (const Literal* const window = find_literal(body, is_window)) {
    const bool before = std::get<Window>(window->node).kind == WindowKind::kLastBefore;
    diagnostics.error(window->span, before ? "`last … before` is not executed yet"
                                           : "windows are not executed yet");
  }
}

// Whether the relation's rules read it, directly or through others.
bool is_recursive(const RuleProgram& program, RelationId relation) {
  std::set<RelationId> seen;
  std::vector<RelationId> open{relation};
  while (!open.empty()) {
    const RelationId current = open.back();
    open.pop_back();
    for (const Rule& rule : program.rules) {
      if (rule.head.relation != current) continue;
      walk_rule_matches(rule, [&](const Match& match, Reading) {
        if (seen.insert(match.relation).second) open.push_back(match.relation);
      });
    }
  }
  return seen.contains(relation);
}

bool derives(const Rule& rule, const Relation& relation, const RuleProgram& program) {
  return &program.relation(rule.head.relation) == &relation && !rule.body.empty();
}

// Streams that nothing arrives in, and final relations whose rows are lost in ways that are not followed.
void refuse_timed(const RuleProgram& program, const Relation& relation, Execution execution,
                  grammar::Diagnostics& diagnostics) {
  const bool is_derived =
      std::any_of(program.rules.begin(), program.rules.end(),
                  [&](const Rule& rule) { return derives(rule, relation, program); });
  if (relation.stream && relation.stream->clock && is_derived) {
    diagnostics.error(relation.span, "'" + relation.name +
                                         "' is a stream with event time that rules derive, which "
                                         "is not executed yet");
  }
  if (!relation.final_rows || execution == Execution::kOnce) return;
  const auto refuse = [&](const std::string& what) {
    diagnostics.error(relation.span,
                      "'" + relation.name + "' is final " + what + ", which is not executed yet");
  };
  const auto id = static_cast<RelationId>(&relation - program.relations.data());
  if (!relation.key.empty()) refuse("and has a key");
  if (is_recursive(program, id)) refuse("and recursive");
  if (relation.extremum != Extremum::kNone) refuse("and keeps a minimum or maximum");
  if (relation.equivalence) refuse("and an equivalence");
  const auto is_bucket = [](const Literal& l) {
    const auto* window = std::get_if<Window>(&l.node);
    return window != nullptr && window->kind != WindowKind::kOverLast &&
           window->kind != WindowKind::kOverCurrent && window->kind != WindowKind::kLastBefore;
  };
  for (const Rule& rule : program.rules) {
    if (!derives(rule, relation, program) || find_literal(rule.body, is_bucket) == nullptr)
      continue;
    refuse("and goes by windows that close");
    break;
  }
}

}  // namespace

void refuse_unexecuted(const RuleProgram& program, grammar::Diagnostics& diagnostics,
                       Execution execution) {
  for (const Relation& relation : program.relations) {
    refuse_timed(program, relation, execution, diagnostics);
    if (relation.retain_versions_for)
      diagnostics.error(relation.span,
                        "'" + relation.name + "' is versioned, and versions are not kept yet");
  }
  for (const Directive& directive : program.directives) {
    const std::string& name = program.relation(directive.relation).name;
    // It ends a recursion early, and says nothing of other relations.
    if (directive.kind == DirectiveKind::kLimitSize && is_recursive(program, directive.relation)) {
      diagnostics.error(directive.span,
                        ".limitsize of the recursive relation '" + name + "' is not executed yet");
    }
    if (directive.kind == DirectiveKind::kSource) {
      diagnostics.error(directive.span, "the source `from " + directive.connector + "` of '" +
                                            name + "' is not executed yet");
    } else if (directive.kind == DirectiveKind::kSink) {
      diagnostics.error(directive.span, "the sink `to " + directive.connector + "` of '" + name +
                                            "' is not executed yet");
    }
  }
  for (const Production& production : program.productions) {
    grammar::SourceSpan keyword = production.span;
    keyword.end = std::min(keyword.end, keyword.begin + 4);  // `rule`
    if (execution == Execution::kOnce) {
      diagnostics.error(
          keyword,
          "rule '" + production.name +
              "' is a production, which fires as facts change: one evaluation has none",
          "`entail follow` fires productions.");
      break;  // It is the same for all of them.
    }
    if (production.cron)
      diagnostics.error(keyword,
                        "rule '" + production.name + "' has a cron, which is not executed yet");
  }
  for (const Rule& rule : program.rules) {
    refuse_windows(rule.body, diagnostics);
  }
  for (const Production& production : program.productions)
    refuse_windows(production.body, diagnostics);
  for (const Query& query : program.queries) refuse_windows(query.rule.body, diagnostics);
}

}  // namespace entail::datalog
