#include "tests/oracle/reference_evaluator.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "datalog/body_walk.h"
#include "tests/oracle/aggregate.h"
#include "tests/oracle/expression_evaluator.h"
#include "tests/oracle/pattern.h"

namespace entail::oracle {

namespace {

using datalog::Body;
using datalog::Expression;
using datalog::ExpressionOp;
using datalog::index_of;
using datalog::Literal;
using datalog::Relation;
using datalog::RelationId;
using datalog::Rule;
using datalog::VariableId;

using Rows = std::multiset<Row, RowLess>;
using VariableSet = std::set<VariableId>;
using Continuation = std::function<void()>;

struct LimitReached {
  std::string message;
};

bool includes(const VariableSet& all, const VariableSet& some) {
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

// --- the order in which a body's literals are tried
// --------------------------------------------------

bool literal_can_fail(const Literal& literal) {
  bool found = false;
  datalog::walk_expressions(literal,
                            [&](const Expression& e) { found |= datalog::operation_can_fail(e); });
  return found;
}

// The variables that must have values before the literal can be tried. `elsewhere` holds the
// variables that occur outside the literal: what an inner body shares with them is the outer
// variable.
VariableSet needed_variables(const Literal& literal, const VariableSet& elsewhere) {
  VariableSet needed;
  auto add_shared = [&](const VariableSet& inner) {
    std::set_intersection(inner.begin(), inner.end(), elsewhere.begin(), elsewhere.end(),
                          std::inserter(needed, needed.end()));
  };
  if (const auto* filter = std::get_if<datalog::Filter>(&literal.node)) {
    needed = datalog::variables_of(filter->condition);
  } else if (const auto* bind = std::get_if<datalog::Bind>(&literal.node)) {
    needed = datalog::variables_of(bind->value);
  } else if (const auto* each = std::get_if<datalog::Each>(&literal.node)) {
    for (const Expression& argument : each->arguments)
      needed.merge(datalog::variables_of(argument));
  } else if (const auto* absent = std::get_if<datalog::Absent>(&literal.node)) {
    add_shared(datalog::variables_of(absent->body));
  } else if (const auto* exists = std::get_if<datalog::Exists>(&literal.node)) {
    add_shared(datalog::variables_of(exists->body));
  } else if (const auto* reduce = std::get_if<datalog::Reduce>(&literal.node)) {
    VariableSet inner = datalog::variables_of(reduce->body);
    for (const datalog::Aggregate& aggregate : reduce->aggregates) {
      inner.merge(datalog::variables_of_arguments(aggregate));
    }
    for (const datalog::GroupKey& key : reduce->keys) inner.merge(datalog::variables_of(key.value));
    add_shared(inner);
    for (const datalog::GroupKey& key : reduce->keys) needed.erase(key.result);
  }
  return needed;
}

// An equation with a variable on its right can also be read backwards.
bool reads_backwards(const Literal& literal, const VariableSet& bound) {
  const auto* bind = std::get_if<datalog::Bind>(&literal.node);
  return bind != nullptr && bind->value.op == ExpressionOp::kVariable &&
         bound.count(bind->variable) > 0;
}

bool generates_rows(const Literal& literal) {
  return std::holds_alternative<datalog::Match>(literal.node) ||
         std::holds_alternative<datalog::Each>(literal.node);
}

// Positions of the body's literals: tests as soon as they can run, then loops as written, and what
// can fail only when nothing else is left. `outside` holds the variables that occur beside the
// body.
std::vector<std::size_t> order_of(const Body& body, VariableSet bound, const VariableSet& outside) {
  std::vector<std::size_t> order;
  std::vector<bool> done(body.size(), false);
  auto elsewhere_of = [&](std::size_t position) {
    VariableSet elsewhere = outside;
    for (std::size_t i = 0; i < body.size(); ++i) {
      if (i != position) elsewhere.merge(datalog::variables_of(body[i]));
    }
    return elsewhere;
  };
  while (order.size() < body.size()) {
    std::optional<std::size_t> best;
    int best_class = 3;
    for (std::size_t i = 0; i < body.size(); ++i) {
      if (done[i]) continue;
      const bool ready = includes(bound, needed_variables(body[i], elsewhere_of(i))) ||
                         reads_backwards(body[i], bound);
      if (!ready) continue;
      const int its_class = literal_can_fail(body[i]) ? 2 : (generates_rows(body[i]) ? 1 : 0);
      if (its_class < best_class) {
        best = i;
        best_class = its_class;
      }
    }
    if (!best) throw Unsupported{"a body whose variables nothing binds"};
    done[*best] = true;
    order.push_back(*best);
    bound.merge(datalog::exported_variables(body[*best]));
  }
  return order;
}

// --- one program
// -------------------------------------------------------------------------------------

class Evaluator {
 public:
  Evaluator(const datalog::RuleProgram& program, const Options& options)
      : program_(program),
        options_(options),
        expressions_(program.types),
        contents_(program.relations.size()) {}

  void load(const Facts& facts) {
    for (const Rule& rule : program_.rules) {
      if (rule.body.empty()) state_fact(rule.head.relation, head_row(rule, {}));
    }
    for (std::size_t i = 0; i < program_.relations.size(); ++i) {
      const auto found = facts.find(program_.relations[i].name);
      if (found == facts.end()) continue;
      for (const Row& row : found->second)
        state_fact(RelationId{static_cast<std::uint32_t>(i)}, row);
    }
    for (const datalog::Directive& directive : program_.directives) {
      if (directive.kind == datalog::DirectiveKind::kLimitSize) throw Unsupported{"limitsize"};
    }
  }

  void run() {
    for (const datalog::Stratum& stratum : program_.strata) derive(stratum);
  }

  Answer answer() const {
    Answer answer;
    for (std::size_t i = 0; i < program_.relations.size(); ++i) {
      const Relation& relation = program_.relations[i];
      std::vector<std::string>& lines = answer.rows[relation.name];
      for (const Row& row : contents_[i]) {
        std::string line = row.empty() ? "()" : "";
        for (std::size_t c = 0; c < row.size(); ++c) {
          if (c > 0) line += '\t';
          line += to_text(program_.types, relation.columns[c].type, row[c]);
        }
        lines.push_back(std::move(line));
      }
      std::sort(lines.begin(), lines.end());
    }
    answer.errors = errors_;
    return answer;
  }

 private:
  Rows& rows_of(RelationId id) { return contents_[index_of(id)]; }

  // --- strata and merging

  void derive(const datalog::Stratum& stratum) {
    for (const RelationId id : stratum.relations) close_equivalence(id);
    for (std::uint64_t round = 0;; ++round) {
      if (round > options_.rounds_max) throw LimitReached{"too many rounds"};
      std::vector<std::pair<RelationId, Row>> derived;
      for (const datalog::RuleId id : stratum.rules) {
        const Rule& rule = program_.rule(id);
        if (!rule.body.empty()) derive(rule, derived);
      }
      bool grew = false;
      for (auto& [relation, row] : derived) grew |= merge(relation, std::move(row));
      for (const RelationId id : stratum.relations) grew |= close_equivalence(id);
      if (!stratum.recursive || !grew) return;
    }
  }

  void derive(const Rule& rule, std::vector<std::pair<RelationId, Row>>& derived) {
    rule_ = &rule;
    plans_.clear();
    environment_.assign(rule.variables.size(), std::nullopt);
    VariableSet in_head;
    for (const Expression& term : rule.head.terms) in_head.merge(datalog::variables_of(term));
    solve(rule.body, in_head, [&] {
      guarded([&] { derived.emplace_back(rule.head.relation, head_row(rule, environment_)); });
    });
  }

  Row head_row(const Rule& rule, const Environment& environment) {
    Row row;
    for (const Expression& term : rule.head.terms)
      row.push_back(expressions_.evaluate(term, environment));
    return row;
  }

  static Row key_of(const Relation& relation, const Row& row) {
    Row key;
    for (const std::uint32_t column : relation.key) key.push_back(row[column]);
    return key;
  }

  static Row group_of(const Relation& relation, Row row) {
    row.erase(row.begin() + relation.extremum_column);
    return row;
  }

  template <typename Part>
  Rows::iterator find_by(Rows& rows, const Row& row, Part part) {
    const Row wanted = part(row);
    return std::find_if(rows.begin(), rows.end(),
                        [&](const Row& other) { return compare(part(other), wanted) == 0; });
  }

  void state_fact(RelationId id, Row row) {
    const Relation& relation = program_.relation(id);
    if (!relation.key.empty()) {
      Rows& rows = rows_of(id);
      const auto old = find_by(rows, row, [&](const Row& r) { return key_of(relation, r); });
      if (old != rows.end()) rows.erase(old);
    }
    merge(id, std::move(row));
  }

  // Adds a row as its relation keeps rows; whether that changed the relation.
  bool merge(RelationId id, Row row) {
    const Relation& relation = program_.relation(id);
    Rows& rows = rows_of(id);
    if (relation.extremum != datalog::Extremum::kNone) {
      const auto old = find_by(rows, row, [&](const Row& r) { return group_of(relation, r); });
      if (old != rows.end()) {
        const int order = compare(row[relation.extremum_column], (*old)[relation.extremum_column]);
        const bool better = relation.extremum == datalog::Extremum::kMin ? order < 0 : order > 0;
        if (!better) return false;
        rows.erase(old);
      }
    } else if (!relation.key.empty()) {
      const auto old = find_by(rows, row, [&](const Row& r) { return key_of(relation, r); });
      if (old != rows.end()) {
        if (compare(*old, row) != 0) errors_.insert(relation.name + ": two rows under one key");
        return false;
      }
    } else if (relation.collection == datalog::Collection::kSet && rows.count(row) > 0) {
      return false;
    }
    rows.insert(std::move(row));
    return true;
  }

  bool close_equivalence(RelationId id) {
    if (!program_.relation(id).equivalence) return false;
    Rows& rows = rows_of(id);
    const std::size_t size_before = rows.size();
    for (bool grew = true; grew;) {
      std::vector<Row> implied;
      for (const Row& row : rows) {
        implied.push_back({row[1], row[0]});
        implied.push_back({row[0], row[0]});
        for (const Row& next : rows) {
          count_step();
          if (compare(row[1], next[0]) == 0) implied.push_back({row[0], next[1]});
        }
      }
      grew = false;
      for (Row& row : implied) {
        if (rows.count(row) > 0) continue;
        rows.insert(std::move(row));
        grew = true;
      }
    }
    return rows.size() > size_before;
  }

  // --- bodies

  void count_step() {
    if (++steps_ > options_.steps_max) throw LimitReached{"too many rows looked at"};
  }

  // Runs the action; a failure of this row is reported and ends no more than this row.
  template <typename Action>
  void guarded(Action action) {
    try {
      action();
    } catch (const RowError& error) {
      errors_.insert(rule_->name + ": " + error.message);
    }
  }

  Value value_of(const Expression& expression) {
    return expressions_.evaluate(expression, environment_);
  }

  // Calls `found` for each solution of the body, with the environment filled in. The order of the
  // literals depends only on where the body stands, so it is made once.
  void solve(const Body& body, const VariableSet& outside, const Continuation& found) {
    auto plan = plans_.find(&body);
    if (plan == plans_.end()) {
      VariableSet bound;
      for (std::size_t i = 0; i < environment_.size(); ++i) {
        if (environment_[i]) bound.insert(VariableId{static_cast<std::uint32_t>(i)});
      }
      plan = plans_.emplace(&body, order_of(body, bound, outside)).first;
    }
    solve_from(body, plan->second, 0, outside, found);
  }

  void solve_from(const Body& body, const std::vector<std::size_t>& order, std::size_t at,
                  const VariableSet& outside, const Continuation& found) {
    if (at == order.size()) return found();
    const Literal& literal = body[order[at]];
    const Continuation next = [&] { solve_from(body, order, at + 1, outside, found); };
    count_step();
    if (const auto* match = std::get_if<datalog::Match>(&literal.node))
      return solve_match(*match, next);
    if (const auto* filter = std::get_if<datalog::Filter>(&literal.node)) {
      bool holds = false;
      guarded([&] { holds = expressions_.holds(filter->condition, environment_); });
      if (holds) next();
      return;
    }
    if (const auto* bind = std::get_if<datalog::Bind>(&literal.node))
      return solve_bind(*bind, next);
    if (const auto* each = std::get_if<datalog::Each>(&literal.node))
      return solve_each(*each, next);

    // The rest have bodies of their own; outside of those is everything else.
    VariableSet beside = outside;
    for (const Literal& other : body) {
      if (&other != &literal) beside.merge(datalog::variables_of(other));
    }
    if (const auto* absent = std::get_if<datalog::Absent>(&literal.node)) {
      if (!has_solution(absent->body, beside)) next();
    } else if (const auto* exists = std::get_if<datalog::Exists>(&literal.node)) {
      if (has_solution(exists->body, beside)) next();
    } else if (const auto* reduce = std::get_if<datalog::Reduce>(&literal.node)) {
      solve_reduce(*reduce, beside, next);
    } else if (const auto* rank = std::get_if<datalog::Rank>(&literal.node)) {
      solve_rank(*rank, next);
    } else if (const auto* pattern = std::get_if<datalog::Pattern>(&literal.node)) {
      solve_pattern(*pattern, next);
    } else {
      throw Unsupported{"windows"};
    }
  }

  bool has_solution(const Body& body, const VariableSet& outside) {
    bool any = false;
    solve(body, outside, [&] { any = true; });
    return any;
  }

  // Goes on with `variable` being `value`: binds it where it has no value yet, compares where it
  // has.
  void with(VariableId variable, const Value& value, const Continuation& next) {
    std::optional<Value>& slot = environment_[index_of(variable)];
    if (slot) {
      if (compare(*slot, value) == 0) next();
      return;
    }
    slot = value;
    next();
    environment_[index_of(variable)].reset();
  }

  void solve_match(const datalog::Match& match, const Continuation& next) {
    if (match.row) throw Unsupported{"the identity of a row"};
    const Rows& rows = rows_of(match.relation);
    auto row = rows.begin();
    // Rows are in order: where the first column is known, the loop starts and ends with it.
    const std::optional<Value> first = match.terms.empty() ? std::nullopt : known(match.terms[0]);
    if (first) row = rows.lower_bound(Row{*first});
    for (; row != rows.end(); ++row) {
      if (first && compare((*row)[0], *first) != 0) break;
      count_step();
      unify(match, *row, 0, next);
    }
  }

  std::optional<Value> known(const Expression& term) const {
    if (term.op == ExpressionOp::kVariable) return environment_[index_of(term.variable)];
    if (term.op == ExpressionOp::kConstant) return constant_value(program_.types, term);
    if (term.op == ExpressionOp::kNull) return Null{};
    return std::nullopt;
  }

  void unify(const datalog::Match& match, const Row& row, std::size_t column,
             const Continuation& next) {
    if (column == row.size()) return next();
    const Expression& term = match.terms[column];
    const Continuation rest = [&] { unify(match, row, column + 1, next); };
    if (term.op == ExpressionOp::kWildcard) return rest();
    if (term.op == ExpressionOp::kVariable) return with(term.variable, row[column], rest);
    if (compare(*known(term), row[column]) == 0) rest();
  }

  void solve_bind(const datalog::Bind& bind, const Continuation& next) {
    if (bind.value.op == ExpressionOp::kVariable && !environment_[index_of(bind.value.variable)]) {
      return with(bind.value.variable, *environment_[index_of(bind.variable)], next);
    }
    std::optional<Value> value;
    guarded([&] { value = value_of(bind.value); });
    if (value) with(bind.variable, *value, next);
  }

  void solve_each(const datalog::Each& each, const Continuation& next) {
    std::vector<Value> arguments;
    guarded([&] {
      for (const Expression& argument : each.arguments) arguments.push_back(value_of(argument));
    });
    if (arguments.size() != each.arguments.size()) return;
    for (const Value& argument : arguments) {
      if (is_null(argument)) return;
    }
    if (each.generator == datalog::Generator::kElements) {
      for (const Value& part : std::get<std::shared_ptr<const Compound>>(arguments[0])->parts) {
        with(each.variable, part, next);
      }
      return;
    }
    std::visit(
        [&](const auto& from) {
          using Number = std::decay_t<decltype(from)>;
          if constexpr (std::is_arithmetic_v<Number>) {
            const Number to = std::get<Number>(arguments[1]);
            // Without a step the direction is that of the bounds.
            Number step = static_cast<Number>(1);
            if (arguments.size() > 2) {
              step = std::get<Number>(arguments[2]);
            } else if (to < from) {
              step = static_cast<Number>(-1);
            }
            each_of_range(each, from, to, step, arguments.size() > 2, next);
          } else {
            throw Unsupported{"a range of this type"};
          }
        },
        arguments[0]);
  }

  // As in Souffle: half open; a step of 0 gives the first value alone; numbers that wrap end the
  // range.
  template <typename Number>
  void each_of_range(const datalog::Each& each, Number from, Number to, Number step,
                     bool step_given, const Continuation& next) {
    const bool down = std::is_unsigned_v<Number> ? !step_given && to < from : step < 0;
    if (step == 0) {
      if (from != to) with(each.variable, from, next);
      return;
    }
    for (Number x = from; down ? to < x : x < to;) {
      count_step();
      with(each.variable, x, next);
      const Number before = x;
      if constexpr (std::is_floating_point_v<Number>) {
        x += step;
      } else {
        x = static_cast<Number>(static_cast<std::uint64_t>(x) + static_cast<std::uint64_t>(step));
      }
      if (down ? !(x < before) : !(before < x)) return;
    }
  }

  // --- reductions

  void solve_reduce(const datalog::Reduce& reduce, const VariableSet& outside,
                    const Continuation& next) {
    // For each group the values of each aggregate's argument, null for a count of rows.
    std::map<Row, std::vector<std::vector<Value>>, RowLess> groups;
    if (reduce.form == datalog::ReduceForm::kPerBinding)
      groups[{}].resize(reduce.aggregates.size());
    solve(reduce.body, outside, [&] {
      guarded([&] {
        Row key;
        for (const datalog::GroupKey& part : reduce.keys) key.push_back(value_of(part.value));
        std::vector<Value> arguments;
        std::vector<bool> counts;
        for (const datalog::Aggregate& aggregate : reduce.aggregates) {
          arguments.push_back(aggregate.argument ? value_of(*aggregate.argument)
                                                 : Value{std::int64_t{1}});
          counts.push_back(!aggregate.condition ||
                           expressions_.holds(*aggregate.condition, environment_));
        }
        auto& group = groups[key];
        group.resize(reduce.aggregates.size());
        for (std::size_t i = 0; i < arguments.size(); ++i) {
          if (counts[i]) group[i].push_back(arguments[i]);
        }
      });
    });
    for (const auto& [key, lists] : groups) {
      Row results = key;
      std::vector<VariableId> variables;
      for (const datalog::GroupKey& part : reduce.keys) variables.push_back(part.result);
      bool complete = true;
      for (std::size_t i = 0; i < reduce.aggregates.size() && complete; ++i) {
        const datalog::Aggregate& aggregate = reduce.aggregates[i];
        const auto result = aggregate_value(
            aggregate.op, rule_->variables[index_of(aggregate.result)].type, lists[i]);
        complete = result.has_value();
        if (complete) results.push_back(*result);
        variables.push_back(aggregate.result);
      }
      if (complete) with_all(variables, results, 0, next);
    }
  }

  // --- rankings

  static int compare_ordered(const Value& left, const Value& right, bool descending,
                             bool nulls_first) {
    if (is_null(left) != is_null(right)) return is_null(left) == nulls_first ? -1 : 1;
    const int order = compare(left, right);
    return descending ? -order : order;
  }

  static std::size_t bound_of(const std::optional<Expression>& bound, std::size_t otherwise) {
    if (!bound) return otherwise;
    if (bound->op != ExpressionOp::kConstant) throw Unsupported{"a limit that is no constant"};
    return bound->words[0];
  }

  struct RankedRow {
    Row partition, order, all;
  };

  // Partitions in any order, their rows as the ranking has them; what is behind the limit is left out.
  void solve_rank(const datalog::Rank& rank, const Continuation& next) {
    if (rank.with_ties) throw Unsupported{"a limit with ties"};
    VariableSet exported;
    for (const Literal& literal : rank.body) exported.merge(datalog::exported_variables(literal));
    std::vector<VariableId> variables;
    std::vector<RankedRow> rows;
    // The body knows nothing of what is bound around it.
    Environment outer(environment_.size());
    std::swap(outer, environment_);
    bool named = false;
    solve(rank.body, {}, [&] {
      guarded([&] {
        if (!named) {
          for (const VariableId variable : exported) {
            if (environment_[index_of(variable)]) variables.push_back(variable);
          }
          named = true;
        }
        RankedRow row;
        for (const Expression& value : rank.partition) row.partition.push_back(value_of(value));
        for (const datalog::OrderItem& item : rank.order) {
          row.order.push_back(value_of(item.value));
        }
        for (const VariableId variable : variables) {
          row.all.push_back(*environment_[index_of(variable)]);
        }
        rows.push_back(std::move(row));
      });
    });
    std::swap(outer, environment_);
    const auto by_order = [&](const RankedRow& a, const RankedRow& b) {
      for (std::size_t i = 0; i < rank.order.size(); ++i) {
        const int order = compare_ordered(a.order[i], b.order[i], rank.order[i].descending,
                                          rank.order[i].nulls_first);
        if (order != 0) return order;
      }
      return 0;
    };
    std::sort(rows.begin(), rows.end(), [&](const RankedRow& a, const RankedRow& b) {
      if (const int order = compare(a.partition, b.partition); order != 0) return order < 0;
      if (const int order = by_order(a, b); order != 0) return order < 0;
      for (std::size_t i = 0; i < a.all.size(); ++i) {
        const int order = compare_ordered(a.all[i], b.all[i], false, false);
        if (order != 0) return order < 0;
      }
      return false;
    });
    const std::size_t offset = bound_of(rank.offset, 0), limit = bound_of(rank.limit, rows.size());
    for (const datalog::RankResult& result : rank.functions) variables.push_back(result.result);
    std::int64_t number = 0, place = 0, dense = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const bool is_first = i == 0 || compare(rows[i - 1].partition, rows[i].partition) != 0;
      if (is_first) number = dense = 0;
      ++number;
      if (is_first || by_order(rows[i - 1], rows[i]) != 0) place = number, ++dense;
      const auto at = static_cast<std::size_t>(number - 1);
      if (at < offset || at - offset >= limit) continue;
      Row values = rows[i].all;
      for (const datalog::RankResult& result : rank.functions) {
        switch (result.function) {
          case datalog::RankFunction::kRowNumber:
            values.push_back(number);
            break;
          case datalog::RankFunction::kRank:
            values.push_back(place);
            break;
          case datalog::RankFunction::kDenseRank:
            values.push_back(dense);
            break;
          default:
            throw Unsupported{"this window function"};
        }
      }
      with_all(variables, values, 0, next);
    }
  }

  // Rows that are watermarks belong to no partition.
  void solve_pattern(const datalog::Pattern& pattern, const Continuation& next) {
    struct Event {
      Row partition, order, all;
      Environment values;
    };
    std::vector<Event> events;
    std::optional<std::int64_t> watermark;
    Environment outer(environment_.size());
    std::swap(outer, environment_);
    solve(pattern.body, {}, [&] {
      guarded([&] {
        if (pattern.watermark) {
          const Value at = value_of(*pattern.watermark);
          if (!is_null(at)) {
            const std::int64_t time = std::get<std::int64_t>(at);
            watermark = watermark ? std::min(*watermark, time) : time;
            return;
          }
        }
        Event event;
        for (const Expression& value : pattern.partition) {
          event.partition.push_back(value_of(value));
        }
        for (const datalog::OrderItem& item : pattern.order) {
          event.order.push_back(value_of(item.value));
        }
        for (const auto& value : environment_) {
          if (value) event.all.push_back(*value);
        }
        event.values = environment_;
        events.push_back(std::move(event));
      });
    });
    std::swap(outer, environment_);
    std::stable_sort(events.begin(), events.end(), [&](const Event& a, const Event& b) {
      if (const int order = compare(a.partition, b.partition); order != 0) return order < 0;
      for (std::size_t i = 0; i < pattern.order.size(); ++i) {
        const int order = compare_ordered(a.order[i], b.order[i], pattern.order[i].descending,
                                          pattern.order[i].nulls_first);
        if (order != 0) return order < 0;
      }
      for (std::size_t i = 0; i < a.all.size(); ++i) {
        const int order = compare_ordered(a.all[i], b.all[i], false, false);
        if (order != 0) return order < 0;
      }
      return false;
    });
    std::vector<VariableId> variables;
    for (const datalog::PatternValue& measure : pattern.measures) {
      variables.push_back(measure.result);
    }
    for (std::size_t begin = 0; begin < events.size();) {
      std::vector<Environment> partition;
      std::size_t end = begin;
      for (; end < events.size() && compare(events[end].partition, events[begin].partition) == 0;
           ++end) {
        partition.push_back(events[end].values);
      }
      begin = end;
      std::vector<Row> rows;
      guarded([&] { rows = pattern_rows(pattern, partition, watermark, expressions_); });
      for (const Row& row : rows) with_all(variables, row, 0, next);
    }
  }

  void with_all(const std::vector<VariableId>& variables, const Row& values, std::size_t at,
                const Continuation& next) {
    if (at == values.size()) return next();
    with(variables[at], values[at], [&] { with_all(variables, values, at + 1, next); });
  }

  const datalog::RuleProgram& program_;
  const Options options_;
  ExpressionEvaluator expressions_;
  std::vector<Rows> contents_;  // By relation.
  std::set<std::string> errors_;
  std::uint64_t steps_ = 0;

  // Of the rule being derived.
  const Rule* rule_ = nullptr;
  Environment environment_;
  std::map<const Body*, std::vector<std::size_t>> plans_;
};

}  // namespace

Expected<Answer> evaluate(const datalog::RuleProgram& program, const Facts& facts,
                          const Options& options) {
  if (program.strata.empty() && !program.relations.empty()) {
    return unexpected(ErrorCode::kInvalidArgument, "the program has no strata yet");
  }
  try {
    Evaluator evaluator(program, options);
    evaluator.load(facts);
    evaluator.run();
    return evaluator.answer();
  } catch (const LimitReached& limit) {
    return unexpected(ErrorCode::kLimit, limit.message);
  } catch (const PatternTooLarge&) {
    return unexpected(ErrorCode::kLimit, "a pattern has too many ways to match");
  } catch (const Unsupported& construct) {
    return unexpected(ErrorCode::kUnsupported,
                      "the reference evaluator does not know " + construct.message);
  } catch (const RowError& error) {
    return unexpected(ErrorCode::kData, "a fact has no value: " + error.message);
  }
}

}  // namespace entail::oracle
