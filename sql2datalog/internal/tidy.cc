#include "sql2datalog/internal/tidy.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "datalog/body_walk.h"
#include "sql2datalog/internal/lowerer.h"

namespace entail::sql2datalog::internal {

namespace {

using datalog::Bind;
using datalog::Filter;
using datalog::index_of;

void each_body(Body& body, const std::function<void(Body&)>& f) {
  f(body);
  for (Literal& literal : body) {
    datalog::internal::take_apart(
        literal, [](auto&) {}, [](auto&) {}, [](auto&) {},
        [&](Body& inner, datalog::Reading) { each_body(inner, f); });
  }
}

void walk_rule(PendingRule& rule, const std::function<void(VariableId&)>& f) {
  for (Expression& term : rule.terms) {
    datalog::internal::walk_expression(term, [&](Expression& node) {
      if (node.op == ExpressionOp::kVariable) f(node.variable);
    });
  }
  for (Literal& literal : rule.body) datalog::walk_variables(literal, f);
}

class Tidy {
 public:
  explicit Tidy(const TidyInput& input)
      : relations_(*input.relations),
        rules_(*input.rules),
        variables_(*input.variables),
        first_(input.first),
        wanted_(input.wanted) {}

  void run() {
    reach();
    while (inline_one()) {
    }
    for (PendingRule& rule : rules_) equate_rule(rule);
    while (prune()) {
    }
    reach();
  }

 private:
  bool ours(RelationId id) const { return index_of(id) >= first_; }
  datalog::Relation& relation(RelationId id) { return relations_[index_of(id) - first_]; }

  void walk_reads(PendingRule& rule, const std::function<void(Match&)>& f) {
    for (Literal& literal : rule.body) {
      datalog::walk_matches(literal, [&](Match& match, datalog::Reading) { f(match); });
    }
  }

  void reach() {
    std::set<RelationId> needed = wanted_;
    bool grows = true;
    while (grows) {
      grows = false;
      for (PendingRule& rule : rules_) {
        if (needed.count(rule.head) == 0) continue;
        walk_reads(rule, [&](Match& match) {
          if (ours(match.relation)) grows = needed.insert(match.relation).second || grows;
        });
      }
    }
    rules_.erase(
        std::remove_if(rules_.begin(), rules_.end(),
                       [&](const PendingRule& rule) { return needed.count(rule.head) == 0; }),
        rules_.end());
  }

  // --- inline

  static bool is_simple(const Body& body) {
    return std::all_of(body.begin(), body.end(), [](const Literal& literal) {
      return !std::holds_alternative<datalog::Reduce>(literal.node) &&
             !std::holds_alternative<datalog::Rank>(literal.node);
    });
  }

  template <typename Node>
  static bool has(const Body& body, std::size_t but = SIZE_MAX) {
    for (std::size_t i = 0; i < body.size(); ++i) {
      if (i != but && std::holds_alternative<Node>(body[i].node)) return true;
    }
    return false;
  }

  // Whether its series are bound by itself.
  static bool stands_alone(const Body& body) {
    std::set<VariableId> bound;
    for (bool grows = true; grows;) {
      grows = false;
      for (const Literal& literal : body) {
        if (const auto* each = std::get_if<datalog::Each>(&literal.node)) {
          if (bound.contains(each->variable) ||
              !are_bound(inputs_of(literal, each->variable), bound))
            continue;
          grows = bound.insert(each->variable).second;
        } else if (const auto* bind = std::get_if<Bind>(&literal.node)) {
          if (bound.contains(bind->variable) ||
              !are_bound(inputs_of(literal, bind->variable), bound))
            continue;
          grows = bound.insert(bind->variable).second;
        } else if (std::holds_alternative<Match>(literal.node)) {
          for (const VariableId variable : datalog::variables_of(literal)) {
            grows = bound.insert(variable).second || grows;
          }
        }
      }
    }
    return std::all_of(body.begin(), body.end(), [&](const Literal& literal) {
      const auto* each = std::get_if<datalog::Each>(&literal.node);
      return each == nullptr || bound.contains(each->variable);
    });
  }
  static std::set<VariableId> inputs_of(const Literal& literal, VariableId result) {
    std::set<VariableId> inputs = datalog::variables_of(literal);
    inputs.erase(result);
    return inputs;
  }
  static bool are_bound(const std::set<VariableId>& variables, const std::set<VariableId>& bound) {
    return std::includes(bound.begin(), bound.end(), variables.begin(), variables.end());
  }

  bool inline_one() {
    std::map<RelationId, std::vector<std::size_t>> rules_of;
    for (std::size_t i = 0; i < rules_.size(); ++i) rules_of[rules_[i].head].push_back(i);
    std::map<RelationId, std::size_t> reads;
    for (PendingRule& rule : rules_) {
      walk_reads(rule, [&](Match& match) { ++reads[match.relation]; });
    }
    for (std::size_t reader = 0; reader < rules_.size(); ++reader) {
      bool done = false;
      each_body(rules_[reader].body, [&](Body& body) {
        for (std::size_t i = 0; i < body.size() && !done; ++i) {
          const auto* const match = std::get_if<Match>(&body[i].node);
          if (match == nullptr || !ours(match->relation) || wanted_.count(match->relation) != 0 ||
              reads[match->relation] != 1 ||
              relation(match->relation).collection != Collection::kBag) {
            continue;
          }
          const auto found = rules_of.find(match->relation);
          if (found == rules_of.end() || found->second.size() != 1 || found->second[0] == reader ||
              !is_simple(rules_[found->second[0]].body)) {
            continue;
          }
          // A series beside other rows stays a relation, which is joined by what it is compared with, unless
          // its bounds come from them.
          if (has<datalog::Each>(rules_[found->second[0]].body) &&
              stands_alone(rules_[found->second[0]].body) && body.size() > 1 &&
              (has<datalog::Each>(body) || has<Match>(body, i))) {
            continue;
          }
          splice(body, i, rules_[found->second[0]]);
          removed_ = found->second[0];
          done = true;
        }
      });
      if (!done) continue;
      rules_.erase(rules_.begin() + static_cast<std::ptrdiff_t>(removed_));
      return true;
    }
    return false;
  }

  void splice(Body& body, std::size_t at, const PendingRule& source) {
    PendingRule rule = source;
    const Match match = std::get<Match>(body[at].node);
    std::map<VariableId, VariableId> to;
    std::vector<Literal> equations;
    for (std::size_t c = 0; c < match.terms.size(); ++c) {
      const Expression& term = match.terms[c];
      const Expression& value = rule.terms[c];
      if (term.op == ExpressionOp::kWildcard) continue;
      if (term.op == ExpressionOp::kVariable && value.op == ExpressionOp::kVariable &&
          to.count(value.variable) == 0) {
        to[value.variable] = term.variable;
      } else if (term.op == ExpressionOp::kVariable) {
        equations.push_back({Bind{term.variable, value}, {}});
      }
    }
    auto renew = [&](VariableId& id) {
      const auto found = to.find(id);
      if (found != to.end()) {
        id = found->second;
        return;
      }
      variables_.push_back(datalog::Variable(variables_[index_of(id)]));
      const auto fresh = static_cast<VariableId>(variables_.size() - 1);
      to[id] = fresh;
      id = fresh;
    };
    for (Literal& literal : rule.body) datalog::walk_variables(literal, renew);
    for (Literal& equation : equations) {
      datalog::internal::walk_expression(std::get<Bind>(equation.node).value,
                                         [&](Expression& node) {
                                           if (node.op == ExpressionOp::kVariable) {
                                             renew(node.variable);
                                           }
                                         });
    }
    body.erase(body.begin() + static_cast<std::ptrdiff_t>(at));
    rule.body.insert(rule.body.end(), equations.begin(), equations.end());
    body.insert(body.begin() + static_cast<std::ptrdiff_t>(at), rule.body.begin(), rule.body.end());
  }

  // --- equate

  static std::set<VariableId> bound_by_matches(const Body& body) {
    std::set<VariableId> bound;
    for (const Literal& literal : body) {
      if (std::holds_alternative<Match>(literal.node)) {
        bound.merge(datalog::exported_variables(literal));
      }
    }
    return bound;
  }

  // `number` columns are read as bigint through kReinterpret: the equation is about the column itself.
  static bool turn_around(Expression& side, Expression& other) {
    if (side.op != ExpressionOp::kReinterpret || other.op == ExpressionOp::kReinterpret)
      return false;
    const vm::Type inner = side.arguments[0].type;
    if (side.arguments[0].op != ExpressionOp::kVariable) return false;
    if (other.op == ExpressionOp::kConstant) {
      other.type = inner;
    } else {
      Expression back;
      back.op = ExpressionOp::kReinterpret;
      back.type = inner;
      back.nullable = other.nullable;
      back.arguments.push_back(std::move(other));
      other = std::move(back);
    }
    Expression column = std::move(side.arguments[0]);
    side = std::move(column);
    return true;
  }

  void equate_rule(PendingRule& rule) {
    bool changed = true;
    while (changed) {
      changed = false;
      std::optional<std::pair<VariableId, VariableId>> unified;
      each_body(rule.body, [&](Body& body) {
        if (changed) return;
        changed = equate(body, unified);
      });
      if (unified) {
        walk_rule(rule, [&](VariableId& id) {
          if (id == unified->first) id = unified->second;
        });
      }
    }
  }

  // Takes one filter of the body, if it can. `unified`: the first variable is to become the second.
  bool equate(Body& body, std::optional<std::pair<VariableId, VariableId>>& unified) {
    const std::set<VariableId> own = bound_by_matches(body);
    for (std::size_t i = 0; i < body.size(); ++i) {
      auto* const filter = std::get_if<Filter>(&body[i].node);
      if (filter == nullptr) continue;
      Expression& condition = filter->condition;
      if (condition.op == ExpressionOp::kAnd) {
        std::vector<Expression> parts = std::move(condition.arguments);
        std::vector<Literal> filters;
        for (Expression& part : parts) filters.push_back({Filter{std::move(part)}, {}});
        body.erase(body.begin() + static_cast<std::ptrdiff_t>(i));
        body.insert(body.begin() + static_cast<std::ptrdiff_t>(i),
                    std::make_move_iterator(filters.begin()),
                    std::make_move_iterator(filters.end()));
        return true;
      }
      if (condition.op == ExpressionOp::kConstant && condition.words[0] != 0 && body.size() > 1) {
        body.erase(body.begin() + static_cast<std::ptrdiff_t>(i));
        return true;
      }
      if (condition.op != ExpressionOp::kEqual) continue;
      Expression a = condition.arguments[0], b = condition.arguments[1];
      if (!turn_around(a, b)) turn_around(b, a);
      if (a.op == ExpressionOp::kReinterpret && b.op == ExpressionOp::kReinterpret &&
          a.arguments[0].type == b.arguments[0].type) {
        Expression inner_a = a.arguments[0], inner_b = b.arguments[0];
        a = std::move(inner_a);
        b = std::move(inner_b);
      }
      if (!(a.type == b.type) || a.type == vm::Type::displayed_numeric()) continue;
      // A month and 30 days are equal and not the same.
      if (a.type.kind == vm::TypeKind::kInterval) continue;
      const bool a_own = a.op == ExpressionOp::kVariable && own.count(a.variable) != 0;
      const bool b_own = b.op == ExpressionOp::kVariable && own.count(b.variable) != 0;
      if (!a_own && !b_own) continue;
      if (a.op == ExpressionOp::kVariable && b.op == ExpressionOp::kVariable) {
        if (a.variable == b.variable) {
          if (!a.nullable) {
            erase_or_true(body, i);
          } else {
            condition = is_not_null(std::move(a));
          }
          return true;
        }
        // The one that stays: the one from around, else one that is never null.
        bool keep_a = a_own != b_own ? b_own
                                     : !variables_[index_of(a.variable)].nullable ||
                                           variables_[index_of(b.variable)].nullable;
        const Expression& kept = keep_a ? a : b;
        const Expression& gone = keep_a ? b : a;
        const bool both_nullable =
            variables_[index_of(a.variable)].nullable && variables_[index_of(b.variable)].nullable;
        unified = {gone.variable, kept.variable};
        if (both_nullable) {
          condition = is_not_null(Expression(kept));
        } else {
          erase_or_true(body, i);
        }
        return true;
      }
      const Expression& column = a_own ? a : b;
      const Expression& value = a_own ? b : a;
      const std::set<VariableId> used = datalog::variables_of(value);
      if (used.count(column.variable) != 0) continue;
      if (datalog::can_fail(value)) {
        if (!compute_first(body, i, column, value)) continue;
        return true;
      }
      if (!value.nullable) {
        Literal equation{Bind{column.variable, value}, {}};
        body[i] = std::move(equation);
        return true;
      }
      // The value may be null, which equals nothing.
      Expression there = new_value(column.type, true);
      std::vector<Literal> made;
      made.push_back({Bind{there.variable, value}, {}});
      made.push_back({Filter{is_not_null(there)}, {}});
      there.nullable = false;
      made.push_back({Bind{column.variable, std::move(there)}, {}});
      body.erase(body.begin() + static_cast<std::ptrdiff_t>(i));
      body.insert(body.begin() + static_cast<std::ptrdiff_t>(i),
                  std::make_move_iterator(made.begin()), std::make_move_iterator(made.end()));
      return true;
    }
    return false;
  }

  // A variable for a value that is computed before it is compared.
  Expression new_value(const vm::Type& type, bool nullable) {
    variables_.push_back({"_value", type, nullable, {}});
    Expression value;
    value.op = ExpressionOp::kVariable;
    value.type = type;
    value.variable = static_cast<VariableId>(variables_.size() - 1);
    value.nullable = nullable;
    return value;
  }

  // `a = b + 1`, filter i of the body, where `b + 1` can fail: it is computed for each row that has the b, as soon as
  // the tests of that row alone have run, whether there is an a or not, so that the column can be looked up by it.
  // False: both are of one row, and nothing is gained.
  bool compute_first(Body& body, std::size_t i, const Expression& column, const Expression& value) {
    const std::set<VariableId> used = datalog::variables_of(value);
    std::set<VariableId> own, beside;
    for (const Literal& literal : body) {
      if (!std::holds_alternative<Match>(literal.node)) continue;
      std::set<VariableId> bound = datalog::exported_variables(literal);
      const bool is_read = std::any_of(used.begin(), used.end(),
                                       [&](VariableId id) { return bound.count(id) != 0; });
      if (is_read && bound.count(column.variable) != 0) return false;
      (is_read ? beside : own).merge(bound);
    }
    for (const VariableId id : beside) own.erase(id);
    const auto comes_first = [&](const Literal& literal) {
      const auto* const filter = std::get_if<Filter>(&literal.node);
      if (filter == nullptr || datalog::can_fail(filter->condition)) return false;
      const std::set<VariableId> variables = datalog::variables_of(literal);
      return std::none_of(variables.begin(), variables.end(),
                          [&](VariableId id) { return own.count(id) != 0; });
    };
    Expression computed = new_value(column.type, value.nullable);
    Body first, rest;
    for (std::size_t k = 0; k < body.size(); ++k) {
      if (k == i) {
        Expression known = computed;
        known.nullable = false;
        rest.push_back({Bind{column.variable, std::move(known)}, {}});
      } else {
        (comes_first(body[k]) ? first : rest).push_back(std::move(body[k]));
      }
    }
    first.push_back({Bind{computed.variable, value}, {}});
    if (value.nullable) first.push_back({Filter{is_not_null(std::move(computed))}, {}});
    first.insert(first.end(), std::make_move_iterator(rest.begin()),
                 std::make_move_iterator(rest.end()));
    body = std::move(first);
    return true;
  }

  static void erase_or_true(Body& body, std::size_t i) {
    body.erase(body.begin() + static_cast<std::ptrdiff_t>(i));
  }

  // --- prune

  bool prune() {
    bool changed = false;
    std::map<RelationId, std::vector<bool>> used;
    for (std::size_t i = 0; i < relations_.size(); ++i) {
      used[static_cast<RelationId>(first_ + i)].assign(relations_[i].columns.size(), false);
    }
    for (PendingRule& rule : rules_) {
      std::map<VariableId, std::size_t> mentions;
      walk_rule(rule, [&](VariableId& id) { ++mentions[id]; });
      walk_reads(rule, [&](Match& match) {
        for (std::size_t c = 0; c < match.terms.size(); ++c) {
          Expression& term = match.terms[c];
          if (term.op == ExpressionOp::kVariable && mentions[term.variable] == 1) {
            term = Expression{};
            term.type =
                ours(match.relation) ? relation(match.relation).columns[c].type : vm::Type();
            changed = true;
          }
          if (term.op != ExpressionOp::kWildcard && ours(match.relation)) {
            used[match.relation][c] = true;
          }
        }
      });
    }
    for (auto& [id, columns] : used) {
      if (wanted_.count(id) != 0 || relation(id).collection != Collection::kBag) continue;
      if (columns.empty()) continue;
      // A relation of nothing but its rows keeps a column.
      if (std::find(columns.begin(), columns.end(), true) == columns.end()) columns[0] = true;
      if (std::find(columns.begin(), columns.end(), false) == columns.end()) continue;
      auto keep = [&, &kept = columns](auto& list) {
        std::size_t out = 0;
        for (std::size_t c = 0; c < kept.size(); ++c) {
          if (!kept[c]) continue;
          if (out != c) list[out] = std::move(list[c]);
          ++out;
        }
        list.resize(out);
      };
      keep(relation(id).columns);
      for (PendingRule& rule : rules_) {
        if (rule.head == id) keep(rule.terms);
        walk_reads(rule, [&](Match& match) {
          if (match.relation == id) keep(match.terms);
        });
      }
      changed = true;
    }
    return changed;
  }

  std::vector<datalog::Relation>& relations_;
  std::vector<PendingRule>& rules_;
  std::vector<datalog::Variable>& variables_;
  std::uint32_t first_;
  const std::set<RelationId>& wanted_;
  std::size_t removed_ = 0;
};

}  // namespace

void tidy(const TidyInput& input) { Tidy(input).run(); }

datalog::Rule compact(PendingRule rule, const std::vector<datalog::Variable>& variables) {
  datalog::Rule made;
  std::map<VariableId, VariableId> numbers;
  walk_rule(rule, [&](VariableId& id) {
    const auto found = numbers.find(id);
    if (found != numbers.end()) {
      id = found->second;
      return;
    }
    const auto fresh = static_cast<VariableId>(made.variables.size());
    made.variables.push_back(variables[index_of(id)]);
    numbers[id] = fresh;
    id = fresh;
  });
  made.head = {rule.head, std::move(rule.terms), {}};
  made.body = std::move(rule.body);
  return made;
}

}  // namespace entail::sql2datalog::internal
