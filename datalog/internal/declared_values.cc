#include "datalog/internal/declared_values.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "datalog/event_time.h"
#include "datalog/internal/build.h"
#include "datalog/internal/emit.h"
#include "datalog/internal/infer.h"
#include "datalog/internal/scopes.h"

namespace entail::datalog {
namespace {

// The terms, none of which may use a variable, as values for the columns of the relation.
std::optional<std::vector<Expression>> constants(RelationId relation, std::vector<CoreTerm> terms,
                                                 Environment& environment) {
  CoreClause clause;
  clause.head = relation;
  clause.head_args = std::move(terms);
  clause.is_fact = true;
  const std::size_t errors_before = environment.diagnostics.error_count();
  const bool bound = assign_variables(clause, {}, environment.diagnostics);
  const auto types = infer_types(clause, environment);
  if (!bound || !types || environment.diagnostics.error_count() != errors_before)
    return std::nullopt;
  Rule rule = emit_rule(clause, *types, environment);
  if (environment.diagnostics.error_count() != errors_before) return std::nullopt;
  if (!rule.body.empty()) {
    environment.diagnostics.error(clause.head_args.front().span,
                                  "a default is computed from constants alone");
    return std::nullopt;
  }
  return std::move(rule.head.terms);
}

void place_constants(Relation& relation, const RelationInfo& info, std::vector<Expression> values) {
  const std::size_t column_count = relation.columns.size();
  if (!info.defaults.empty()) relation.defaults.resize(column_count);
  for (std::size_t column = 0; column < info.defaults.size(); ++column) {
    if (info.defaults[column]) relation.defaults[column] = std::move(values[column]);
  }
  std::size_t at = column_count;
  if (info.watermark) {
    if (relation.stream) relation.stream->watermark_delay = std::move(values[at]);
    ++at;
  }
  if (info.expire) {
    if (relation.stream) relation.stream->expire_after = std::move(values[at]);
    ++at;
  }
  if (info.retain) relation.retain_versions_for = std::move(values[at]);
}

void check_durations(RelationId id, const RelationInfo& info, Environment& environment) {
  const Relation& relation = environment.program.relation(id);
  if (!relation.stream) return;
  const auto check = [&](const std::optional<Expression>& value,
                         const std::optional<grammar::Expr>& source, const std::string& what) {
    if (!value) return;
    const auto duration = constant_duration(*value);
    if (duration && *duration >= 0) return;
    environment.diagnostics.error(
        source->span,
        what + " of '" + relation.name + "' is a constant duration that is not negative",
        "A month has no length: write days.");
  };
  check(relation.stream->watermark_delay, info.watermark, "the delay of the watermark");
  check(relation.stream->expire_after, info.expire, "the expiry");
}

void lower_sideline(RelationId id, const grammar::Name& name, Environment& environment) {
  const auto found = environment.relations.find(name.text);
  if (found == environment.relations.end()) {
    environment.diagnostics.error(name.span, "there is no relation '" + name.text + "'",
                                  Environment::suggestion(name.text, environment.relation_names()));
  } else if (environment.program.relation(id).stream) {
    environment.program.relation(id).stream->sideline = found->second;
  }
}

// Late rows go where they go as they are.
void check_late_rows(RelationId id, Environment& environment) {
  const Relation& relation = environment.program.relation(id);
  if (!relation.stream) return;
  for (const auto& clock : {relation.stream->clock, relation.stream->partitions}) {
    if (!clock || !environment.info(*clock).has_rules) continue;
    environment.diagnostics.error(relation.span, "the clock of '" + relation.name +
                                                     "' follows its rows, and no "
                                                     "rule derives it");
  }
  for (const auto& target : {relation.stream->sideline, relation.stream->late_rows}) {
    if (!target) continue;
    const Relation& late = environment.program.relation(*target);
    const bool fits = std::equal(late.columns.begin(), late.columns.end(), relation.columns.begin(),
                                 relation.columns.end(), [](const Column& a, const Column& b) {
                                   return a.type == b.type && a.nullable == b.nullable;
                                 });
    if (!fits) {
      environment.diagnostics.error(late.span, "'" + late.name + "' takes the late rows of '" +
                                                   relation.name +
                                                   "', and has not the types of its columns");
      environment.diagnostics.note(relation.span, "the stream");
    }
    if (environment.info(*target).has_rules) {
      environment.diagnostics.error(late.span, "'" + late.name + "' takes the late rows of '" +
                                                   relation.name + "', and no rule derives those");
    }
  }
}

void lower_values(RelationId id, Environment& environment) {
  const RelationInfo info = environment.info(id);
  const std::size_t column_count = environment.program.relation(id).columns.size();
  ClauseBuilder builder(environment);
  std::vector<CoreTerm> terms(column_count);
  bool any = false;
  for (std::size_t column = 0; column < info.defaults.size(); ++column) {
    if (!info.defaults[column]) continue;
    any = true;
    terms[column] = builder.build_column_value(*info.defaults[column], id, column);
  }
  // Durations follow the columns.
  for (const auto* duration : {&info.watermark, &info.expire, &info.retain}) {
    if (!*duration) continue;
    any = true;
    CoreTerm typed;
    typed.kind = TermKind::kTyped;
    typed.span = (*duration)->span;
    typed.type = *environment.types.find("interval");
    typed.args.push_back(builder.build_term(**duration));
    terms.push_back(std::move(typed));
  }
  if (any) {
    auto values = constants(id, std::move(terms), environment);
    if (values) place_constants(environment.program.relation(id), info, std::move(*values));
  }
  check_durations(id, info, environment);
  if (info.sideline) lower_sideline(id, *info.sideline, environment);
  check_late_rows(id, environment);
}

}  // namespace

void lower_declared_values(Environment& environment) {
  for (std::size_t i = 0; i < environment.infos.size(); ++i)
    lower_values(RelationId{static_cast<std::uint32_t>(i)}, environment);
}

}  // namespace entail::datalog
