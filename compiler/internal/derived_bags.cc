#include "compiler/internal/derived_bags.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "compiler/internal/action_parts.h"
#include "compiler/internal/rule_parts.h"
#include "datalog/body_walk.h"

namespace entail::compiler::internal {

namespace {

using datalog::Body;
using datalog::Collection;
using datalog::Column;
using datalog::Expression;
using datalog::ExpressionOp;
using datalog::Literal;
using datalog::Match;
using datalog::RelationId;
using datalog::Rule;
using datalog::RuleId;
using datalog::RuleProgram;
using datalog::VariableId;

class BagRewriter {
 public:
  BagRewriter(RuleProgram program, std::set<RelationId> bags, const grammar::SourceFiles* files)
      : program_(std::move(program)), bags_(std::move(bags)), files_(files) {}

  Expected<RuleProgram> run() {
    for (const datalog::Stratum& stratum : program_.strata) {
      for (const RelationId id : stratum.relations) {
        if (bags_.count(id) == 0) continue;
        if (stratum.recursive) {
          return refuse("a bag in recursion: relation '" + program_.relation(id).name + "'",
                        program_.relation(id).span);
        }
        if (auto done = rewrite(id); !done) return unexpected(std::move(done).error());
      }
    }
    for (Rule& rule : program_.rules) lengthen(rule.body);
    for (datalog::Query& query : program_.queries) lengthen(query.rule.body);
    for (datalog::Production& production : program_.productions) {
      lengthen(production.body);
      if (auto done = check(production); !done) return unexpected(std::move(done).error());
    }
    return std::move(program_);
  }

 private:
  // What a rule of a bag needs beside the declared columns.
  struct Identity {
    Rule* rule = nullptr;
    std::vector<VariableId> variables;
    std::vector<std::size_t> columns;  // Which column each has, among the hidden ones.
  };

  Unexpected refuse(const std::string& what, const datalog::SourceSpan& span) const {
    return unexpected(ErrorCode::kUnsupported,
                      grammar::error_prefix(files_, span) + what + " cannot stand");
  }

  // Atoms of bags that were rewritten have their wildcards.
  void lengthen(Body& body) {
    for (Literal& literal : body) {
      datalog::walk_matches(literal, [this](Match& match, datalog::Reading) {
        while (match.terms.size() < program_.relation(match.relation).columns.size()) {
          match.terms.push_back(wildcard_term());
        }
      });
    }
  }

  Expected<void> rewrite(RelationId id) {
    std::vector<Identity> identities;
    for (Rule& rule : program_.rules) {
      if (rule.head.relation != id) continue;
      lengthen(rule.body);
      Identity identity;
      identity.rule = &rule;
      if (auto done = identify(identity); !done) return done;
      identities.push_back(std::move(identity));
    }
    std::vector<Column> hidden;
    const bool has_number = identities.size() > 1;
    if (has_number) hidden.push_back({"_rule", vm::Type::of(vm::TypeKind::kInt4), false, {}});
    for (Identity& identity : identities) {
      std::set<std::size_t> taken;
      for (const VariableId variable : identity.variables) {
        const datalog::Variable& described = identity.rule->variables[datalog::index_of(variable)];
        std::size_t column = has_number ? 1 : 0;
        while (column < hidden.size() &&
               (taken.count(column) != 0 || !(hidden[column].type == described.type))) {
          ++column;
        }
        if (column == hidden.size()) {
          hidden.push_back({"_identity" + std::to_string(column), described.type, false, {}});
        }
        hidden[column].nullable |= described.nullable;
        taken.insert(column);
        identity.columns.push_back(column);
      }
    }
    for (std::size_t column = has_number ? 1 : 0; column < hidden.size(); ++column) {
      hidden[column].nullable |=
          std::any_of(identities.begin(), identities.end(), [column](const Identity& identity) {
            return std::find(identity.columns.begin(), identity.columns.end(), column) ==
                   identity.columns.end();
          });
    }
    for (std::size_t r = 0; r < identities.size(); ++r) {
      add_terms(identities[r], hidden, has_number ? std::optional(r) : std::nullopt);
    }
    datalog::Relation& relation = program_.relation(id);
    relation.collection = Collection::kSet;
    relation.columns.insert(relation.columns.end(), hidden.begin(), hidden.end());
    if (!relation.defaults.empty()) relation.defaults.resize(relation.columns.size());
    return {};
  }

  static void add_terms(const Identity& identity, const std::vector<Column>& hidden,
                        std::optional<std::size_t> number) {
    std::vector<Expression> terms;
    for (const Column& column : hidden) {
      Expression nothing;
      nothing.op = ExpressionOp::kNull;
      nothing.type = column.type;
      nothing.nullable = true;
      terms.push_back(std::move(nothing));
    }
    if (number) {
      terms[0].op = ExpressionOp::kConstant;
      terms[0].nullable = false;
      terms[0].words[0] = *number;
    }
    for (std::size_t i = 0; i < identity.columns.size(); ++i) {
      terms[identity.columns[i]] = variable_term(*identity.rule, identity.variables[i]);
    }
    std::vector<Expression>& head = identity.rule->head.terms;
    head.insert(head.end(), terms.begin(), terms.end());
  }

  Expected<void> identify(Identity& identity) {
    Rule& rule = *identity.rule;
    VariableSet known;  // What declared columns hold as it is.
    for (const Expression& term : rule.head.terms) {
      if (term.op == ExpressionOp::kVariable) known.insert(term.variable);
    }
    auto done = identify_matches(program_, rule, [&](VariableId variable) {
      if (known.insert(variable).second) identity.variables.push_back(variable);
    });
    if (!done) return refuse(done.error().message, rule.span);
    return {};
  }

  Expected<void> check(const datalog::Production& production) const {
    Expected<void> result;
    walk_actions(production.actions, [&](const datalog::Statement& statement) {
      const auto* branch = std::get_if<datalog::Branch>(&statement.node);
      if (branch == nullptr) return;
      for (const Literal& literal : branch->condition) {
        datalog::walk_matches(literal, [&](const Match& match, datalog::Reading) {
          if (bags_.count(match.relation) == 0) return;
          result = refuse("a branch on the derived bag '" + program_.relation(match.relation).name +
                              "' in rule '" + production.name + "'",
                          statement.span);
        });
      }
    });
    return result;
  }

  RuleProgram program_;
  const std::set<RelationId> bags_;
  const grammar::SourceFiles* files_;
};

void identify_row(const RuleProgram& program, Rule& rule, Match& match,
                  const std::function<void(VariableId)>& add) {
  const datalog::Relation& relation = program.relation(match.relation);
  if (relation.collection == Collection::kBag) {
    if (!match.row) {
      match.row = new_variable(rule, "_row", datalog::row_identity_type(), false, rule.span);
    }
    add(*match.row);
    return;
  }
  for (std::uint32_t i = 0; i < match.terms.size(); ++i) {
    const bool tells = relation.key.empty() ||
                       std::find(relation.key.begin(), relation.key.end(), i) != relation.key.end();
    Expression& term = match.terms[i];
    if (!tells) continue;
    if (term.op == ExpressionOp::kWildcard) {
      const Column& column = relation.columns[i];
      term = variable_term(
          rule, new_variable(rule, "_" + column.name, column.type, column.nullable, column.span));
    }
    if (term.op == ExpressionOp::kVariable) add(term.variable);
  }
}

}  // namespace

namespace {

Expected<void> identify_pattern(const RuleProgram& program, Rule& rule, datalog::Pattern& pattern,
                                const std::function<void(VariableId)>& add);

Expected<void> identify_in(const RuleProgram& program, Rule& rule, Body& body,
                           const std::function<void(VariableId)>& add) {
  for (Literal& literal : body) {
    if (auto* match = std::get_if<Match>(&literal.node)) {
      identify_row(program, rule, *match, add);
    } else if (const auto* each = std::get_if<datalog::Each>(&literal.node)) {
      if (each->generator == datalog::Generator::kElements) {
        return unexpected(
            ErrorCode::kUnsupported,
            "the elements of an array, where rows count, in rule '" + rule.name + "'");
      }
      add(each->variable);
    } else if (const auto* reduce = std::get_if<datalog::Reduce>(&literal.node)) {
      for (const datalog::GroupKey& key : reduce->keys) add(key.result);
    } else if (auto* rank = std::get_if<datalog::Rank>(&literal.node)) {
      // A row of it is a match of its body.
      if (auto done = identify_in(program, rule, rank->body, add); !done) return done;
    } else if (auto* pattern = std::get_if<datalog::Pattern>(&literal.node)) {
      if (auto done = identify_pattern(program, rule, *pattern, add); !done) return done;
    }
  }
  return {};
}

// A match is told by the row at which it begins, a row of it by that as well.
Expected<void> identify_pattern(const RuleProgram& program, Rule& rule, datalog::Pattern& pattern,
                                const std::function<void(VariableId)>& add) {
  using datalog::PatternValueKind;
  std::vector<VariableId> known;
  auto done = identify_in(program, rule, pattern.body,
                          [&](VariableId variable) { known.push_back(variable); });
  if (!done) return done;
  const auto hand_on = [&](VariableId variable, PatternValueKind kind) {
    for (const datalog::PatternValue& measure : pattern.measures) {
      if (measure.kind == kind && measure.value->op == ExpressionOp::kVariable &&
          measure.value->variable == variable) {
        return add(measure.result);
      }
    }
    const datalog::Variable described = rule.variables[datalog::index_of(variable)];
    datalog::PatternValue measure;
    measure.kind = kind;
    measure.value = variable_term(rule, variable);
    measure.result = new_variable(rule, "_of_match", described.type, described.nullable, rule.span);
    pattern.measures.push_back(measure);
    add(measure.result);
  };
  for (const VariableId variable : known) {
    hand_on(variable, PatternValueKind::kStart);
    if (pattern.rows != datalog::PatternRows::kOne) hand_on(variable, PatternValueKind::kRow);
  }
  return {};
}

}  // namespace

Expected<void> identify_matches(const RuleProgram& program, Rule& rule,
                                const std::function<void(VariableId)>& add) {
  return identify_in(program, rule, rule.body, add);
}

RuleProgram copy_of(const RuleProgram& program) {
  RuleProgram copy;
  copy.types = program.types.clone();
  copy.relations = program.relations;
  copy.rules = program.rules;
  copy.productions = program.productions;
  copy.procedures = program.procedures;
  copy.queries = program.queries;
  copy.directives = program.directives;
  copy.strata = program.strata;
  copy.pragmas = program.pragmas;
  copy.number_bits = program.number_bits;
  return copy;
}

Expected<std::optional<RuleProgram>> without_derived_bags(const RuleProgram& program,
                                                          const grammar::SourceFiles* files) {
  std::set<RelationId> bags;
  for (const Rule& rule : program.rules) {
    const bool is_bag = program.relation(rule.head.relation).collection == Collection::kBag;
    if (is_bag && !rule.body.empty()) bags.insert(rule.head.relation);
  }
  if (bags.empty()) return std::optional<RuleProgram>();
  auto done = BagRewriter(copy_of(program), std::move(bags), files).run();
  if (!done) return unexpected(std::move(done).error());
  return std::optional<RuleProgram>(std::move(*done));
}

}  // namespace entail::compiler::internal
