#include "datalog/stratify.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "datalog/body_walk.h"

namespace entail::datalog {

namespace {

// The head's relation reads `to` in a literal of `rule`.
struct Dependency {
  RelationId from{};
  RelationId to{};
  Reading reading = Reading::kPositive;
  RuleId rule{};
  const Literal* literal = nullptr;
};

// How a person would say that a body reads a relation this way.
std::string reading_phrase(const Literal& literal, const std::string& name) {
  const std::string quoted_name = "'" + name + "'";
  if (std::holds_alternative<Absent>(literal.node)) return "not " + quoted_name;
  if (std::holds_alternative<Reduce>(literal.node)) return "an aggregate over " + quoted_name;
  if (std::holds_alternative<Rank>(literal.node)) return "a ranking of " + quoted_name;
  if (std::holds_alternative<Window>(literal.node)) return "a window over " + quoted_name;
  if (std::holds_alternative<Pattern>(literal.node)) return "a sequence over " + quoted_name;
  return quoted_name;
}

class Stratifier {
 public:
  Stratifier(RuleProgram& program, grammar::Diagnostics& diagnostics)
      : program_(program), diagnostics_(diagnostics), component_of_(program.relations.size(), 0) {}

  bool run() {
    collect_dependencies();
    find_components();
    fill_strata();
    refuse_cycles_that_need_completeness();
    refuse_counters();
    refuse_bags_and_mixed_extrema();
    if (refused_) program_.strata.clear();
    return !refused_;
  }

 private:
  void collect_dependencies() {
    outgoing_.resize(program_.relations.size());
    for (std::size_t i = 0; i < program_.rules.size(); ++i) {
      const Rule& rule = program_.rules[i];
      for (const Literal& literal : rule.body) {
        walk_matches(literal, [&](const Match& match, Reading reading) {
          outgoing_[index_of(rule.head.relation)].push_back(dependencies_.size());
          dependencies_.push_back({rule.head.relation, match.relation, reading,
                                   RuleId{static_cast<std::uint32_t>(i)}, &literal});
        });
      }
    }
  }

  // Tarjan's algorithm; components come out dependencies first.
  void find_components() {
    const std::size_t count = program_.relations.size();
    constexpr std::size_t kUnvisited = SIZE_MAX;
    std::vector<std::size_t> order(count, kUnvisited), low(count, 0), next_edge(count, 0);
    std::vector<bool> on_stack(count, false);
    std::vector<std::size_t> stack, path;
    std::size_t clock = 0;
    for (std::size_t root = 0; root < count; ++root) {
      if (order[root] != kUnvisited) continue;
      path.push_back(root);
      while (!path.empty()) {
        const std::size_t at = path.back();
        if (order[at] == kUnvisited) {
          order[at] = low[at] = clock++;
          stack.push_back(at);
          on_stack[at] = true;
        }
        bool descended = false;
        while (next_edge[at] < outgoing_[at].size()) {
          const std::size_t to = index_of(dependencies_[outgoing_[at][next_edge[at]++]].to);
          if (order[to] == kUnvisited) {
            path.push_back(to);
            descended = true;
            break;
          }
          if (on_stack[to]) low[at] = std::min(low[at], order[to]);
        }
        if (descended) continue;
        path.pop_back();
        if (!path.empty()) low[path.back()] = std::min(low[path.back()], low[at]);
        if (low[at] == order[at]) close_component(at, stack, on_stack);
      }
    }
  }

  void close_component(std::size_t root, std::vector<std::size_t>& stack,
                       std::vector<bool>& on_stack) {
    Stratum stratum;
    std::size_t member = 0;
    do {
      member = stack.back();
      stack.pop_back();
      on_stack[member] = false;
      component_of_[member] = program_.strata.size();
      stratum.relations.push_back(RelationId{static_cast<std::uint32_t>(member)});
    } while (member != root);
    std::sort(stratum.relations.begin(), stratum.relations.end());
    program_.strata.push_back(std::move(stratum));
  }

  void fill_strata() {
    for (std::size_t i = 0; i < program_.rules.size(); ++i) {
      stratum_of(program_.rules[i].head.relation)
          .rules.push_back(RuleId{static_cast<std::uint32_t>(i)});
    }
    for (const Dependency& dependency : dependencies_) {
      if (within_stratum(dependency)) stratum_of(dependency.from).recursive = true;
    }
  }

  Stratum& stratum_of(RelationId relation) {
    return program_.strata[component_of_[index_of(relation)]];
  }

  bool within_stratum(const Dependency& dependency) const {
    return component_of_[index_of(dependency.from)] == component_of_[index_of(dependency.to)];
  }

  const std::string& name(RelationId relation) const { return program_.relation(relation).name; }

  // One diagnostic a stratum: its first reading that needs completeness, closed to the shortest
  // cycle.
  void refuse_cycles_that_need_completeness() {
    std::vector<bool> reported(program_.strata.size(), false);
    for (const Dependency& dependency : dependencies_) {
      const std::size_t component = component_of_[index_of(dependency.from)];
      if (dependency.reading != Reading::kComplete || !within_stratum(dependency)) continue;
      if (reported[component]) continue;
      reported[component] = true;
      refused_ = true;
      const std::vector<const Dependency*> way_back = shortest_way(dependency.to, dependency.from);
      std::string message = "'" + name(dependency.from) + "' depends on " +
                            reading_phrase(*dependency.literal, name(dependency.to));
      for (const Dependency* step : way_back) {
        message += ", '" + name(step->from) + "' depends on " + phrase(*step);
      }
      message += ": such a cycle has no meaning";
      diagnostics_.error(dependency.literal->span, std::move(message),
                         "Take the negation or aggregate out of the cycle, for instance into a "
                         "relation that is complete before '" +
                             name(dependency.from) + "' begins.");
      for (const Dependency* step : way_back) {
        diagnostics_.note(step->literal->span,
                          "here '" + name(step->from) + "' depends on " + phrase(*step));
      }
    }
  }

  std::string phrase(const Dependency& dependency) const {
    return reading_phrase(*dependency.literal, name(dependency.to));
  }

  // The dependencies that lead from `start` to `goal` inside their stratum; none if they are the
  // same.
  std::vector<const Dependency*> shortest_way(RelationId start, RelationId goal) const {
    std::vector<const Dependency*> reached_by(program_.relations.size(), nullptr);
    std::vector<RelationId> frontier = {start};
    for (std::size_t i = 0; i < frontier.size() && frontier[i] != goal; ++i) {
      for (const std::size_t position : outgoing_[index_of(frontier[i])]) {
        const Dependency& step = dependencies_[position];
        if (step.to == start || reached_by[index_of(step.to)] || !within_stratum(step)) continue;
        reached_by[index_of(step.to)] = &step;
        frontier.push_back(step.to);
      }
    }
    std::vector<const Dependency*> way;
    for (RelationId at = goal; at != start; at = way.back()->from) {
      way.push_back(reached_by[index_of(at)]);
    }
    std::reverse(way.begin(), way.end());
    return way;
  }

  void refuse_counters() {
    std::optional<RuleId> last;
    for (const Dependency& dependency : dependencies_) {
      if (!within_stratum(dependency) || last == dependency.rule) continue;
      last = dependency.rule;
      const Rule& rule = program_.rule(dependency.rule);
      walk_rule_expressions(rule, [&](const Expression& expression) {
        if (expression.op != ExpressionOp::kAutoIncrement) return;
        refused_ = true;
        diagnostics_.error(
            expression.span.file == grammar::kNoFile ? rule.span : expression.span,
            "autoinc() in a recursive rule: '" + name(rule.head.relation) +
                "' depends on itself here, so that the count would not be determined",
            "Count in a rule of its own, over the finished relation.");
      });
    }
  }

  void refuse_bags_and_mixed_extrema() {
    for (const Stratum& stratum : program_.strata) {
      if (!stratum.recursive) continue;
      for (const RelationId id : stratum.relations) {
        const Relation& relation = program_.relation(id);
        if (relation.collection == Collection::kBag) {
          refused_ = true;
          diagnostics_.error(relation.span,
                             "'" + relation.name +
                                 "' keeps every row and depends on itself, so that "
                                 "the number of its rows would not be determined",
                             "Give it a key, or declare it with .decl: then it is a set.");
        }
      }
      for (const RuleId id : stratum.rules) refuse_use_of_replaced_values(program_.rule(id));
    }
  }

  // A rule may read an extremum of its own stratum only so that a better value derives the same, or a
  // better value for the same group.
  void refuse_use_of_replaced_values(const Rule& rule) {
    const std::size_t component = component_of_[index_of(rule.head.relation)];
    const Relation& head = program_.relation(rule.head.relation);
    std::map<VariableId, const Relation*> values;
    const auto refuse = [&](const Relation& improved, grammar::SourceSpan span) {
      refused_ = true;
      const bool itself = &improved == &head;
      const char* const test = improved.extremum == Extremum::kMin ? "`v <= …`" : "`v >= …`";
      diagnostics_.error(
          span.file == grammar::kNoFile ? rule.span : span,
          itself
              ? "'" + head.name +
                    "' replaces a value by a better one, and this rule of it would keep rows "
                    "that came from replaced values"
              : "'" + head.name + "' and '" + improved.name + "' depend on each other, but only '" +
                    improved.name + "' replaces a value by a better one: '" + head.name +
                    "' would keep rows that came from replaced values",
          std::string("In such a cycle a rule may ask whether a value v is good enough, by ") +
              test + ", and compute another extremum from it.");
    };
    for (const Literal& literal : rule.body) {
      bool sound = true;
      walk_matches(literal, [&](const Match& match, Reading) {
        const Relation& read = program_.relation(match.relation);
        if (!sound || read.extremum == Extremum::kNone ||
            component_of_[index_of(match.relation)] != component)
          return;
        const Expression& value = match.terms[read.extremum_column];
        if (value.op == ExpressionOp::kWildcard) return;
        const bool comparable = !value.nullable || head.extremum != Extremum::kNone;
        sound = std::holds_alternative<Match>(literal.node) && comparable &&
                value.op == ExpressionOp::kVariable && values.emplace(value.variable, &read).second;
        if (!sound) refuse(read, literal.span);
      });
      if (!sound) return;
    }
    if (values.empty()) return;
    std::set<VariableId> computed;
    if (head.extremum != Extremum::kNone) computed = add_computed_values(rule.body, values);
    std::map<VariableId, std::size_t> matched;
    for (const VariableId variable : computed) matched[variable] = 1;  // A match would compare it.
    for (const Literal& literal : rule.body) {
      if (is_test_of_one(literal, values)) continue;
      const auto* bind = std::get_if<Bind>(&literal.node);
      if (bind != nullptr && computed.erase(bind->variable) == 1) continue;
      for (const VariableId variable : variables_of(literal)) {
        const auto found = values.find(variable);
        if (found == values.end()) continue;
        if (std::holds_alternative<Match>(literal.node) && mentions(literal, variable) == 1 &&
            ++matched[variable] == 1)
          continue;
        refuse(*found->second, literal.span);
        return;
      }
    }
    for (std::size_t i = 0; i < rule.head.terms.size(); ++i) {
      if (head.extremum != Extremum::kNone && head.extremum_column == i) continue;
      for (const VariableId variable : variables_of(rule.head.terms[i])) {
        const auto found = values.find(variable);
        if (found == values.end()) continue;
        refuse(*found->second, rule.head.span);
        return;
      }
    }
  }

  // `n := v + c` makes n a value of the same sort: that it gets better with v is the author's to see.
  static std::set<VariableId> add_computed_values(const Body& body,
                                                  std::map<VariableId, const Relation*>& values) {
    std::set<VariableId> computed;
    for (bool changed = true; changed;) {
      changed = false;
      for (const Literal& literal : body) {
        const auto* bind = std::get_if<Bind>(&literal.node);
        if (bind == nullptr || values.contains(bind->variable)) continue;
        for (const VariableId variable : variables_of(bind->value)) {
          const auto found = values.find(variable);
          if (found == values.end()) continue;
          values.emplace(bind->variable, found->second);
          computed.insert(bind->variable);
          changed = true;
          break;
        }
      }
    }
    return computed;
  }

  static std::size_t mentions(const Literal& literal, VariableId variable) {
    std::size_t count = 0;
    walk_variables(literal, [&](VariableId id) { count += id == variable ? 1 : 0; });
    return count;
  }

  // `v <= e`, where a better v than one that passes passes too, and e knows of no such value.
  static bool is_test_of_one(const Literal& literal,
                             const std::map<VariableId, const Relation*>& values) {
    const auto* filter = std::get_if<Filter>(&literal.node);
    if (filter == nullptr || filter->condition.arguments.size() != 2) return false;
    ExpressionOp op = filter->condition.op;
    const Expression* value = &filter->condition.arguments[0];
    const Expression* bound = &filter->condition.arguments[1];
    const auto is_value = [&](const Expression& expression) {
      return expression.op == ExpressionOp::kVariable && values.contains(expression.variable);
    };
    if (!is_value(*value)) {
      std::swap(value, bound);
      op = mirrored(op).value_or(ExpressionOp::kEqual);
    }
    if (!is_value(*value)) return false;
    for (const VariableId variable : variables_of(*bound)) {
      if (values.contains(variable)) return false;
    }
    return values.at(value->variable)->extremum == Extremum::kMin
               ? op == ExpressionOp::kLess || op == ExpressionOp::kLessEqual
               : op == ExpressionOp::kGreater || op == ExpressionOp::kGreaterEqual;
  }

  RuleProgram& program_;
  grammar::Diagnostics& diagnostics_;
  std::vector<Dependency> dependencies_;            // In order of rules and literals.
  std::vector<std::vector<std::size_t>> outgoing_;  // Positions in dependencies_, by relation.
  std::vector<std::size_t> component_of_;           // By relation: its stratum.
  bool refused_ = false;
};

}  // namespace

bool stratify(RuleProgram& program, grammar::Diagnostics& diagnostics) {
  program.strata.clear();
  return Stratifier(program, diagnostics).run();
}

}  // namespace entail::datalog
