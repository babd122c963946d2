// GROUP BY and window functions as relations.
//
//     SELECT city, count(*) FROM t GROUP BY city HAVING count(*) > 1
//
//     _group(city, n) :- group { t(…, city, …) } by city => { n: count() }.
//     answer(city, n) :- _group(city, n), n > 1.
//
// Without GROUP BY it is a Reduce for each binding, which always has one row. GROUPING SETS make a rule for
// each set. Window functions make a relation of the block's rows and their results, one for each window.

#include <algorithm>
#include <utility>

#include "datalog/body_walk.h"
#include "sql2datalog/internal/lowerer.h"

namespace entail::sql2datalog::internal {

namespace {

using datalog::Aggregate;
using datalog::GroupKey;
using datalog::Reduce;
using datalog::ReduceForm;

constexpr std::size_t kMaxGroupingSets = 4096;

using Sets = std::vector<std::vector<const ast::Expression*>>;

Sets combined(const Sets& left, const Sets& right) {
  Sets all;
  for (const auto& a : left) {
    for (const auto& b : right) {
      all.push_back(a);
      all.back().insert(all.back().end(), b.begin(), b.end());
    }
  }
  return all;
}

void add_fields(const ast::Expression& e, std::vector<const ast::Expression*>& out) {
  if (const auto* row = e.as<ast::Row>(); row != nullptr && !row->explicit_row) {
    for (const ast::Expression& field : row->fields) out.push_back(&field);
  } else {
    out.push_back(&e);
  }
}

Sets sets_of(const ast::GroupingItem& item) {
  std::vector<std::vector<const ast::Expression*>> operands;
  for (const ast::Expression& e : item.expressions) {
    operands.emplace_back();
    add_fields(e, operands.back());
  }
  auto of = [&](std::uint64_t mask) {
    std::vector<const ast::Expression*> set;
    for (std::size_t i = 0; i < operands.size(); ++i) {
      if ((mask >> i & 1U) != 0) set.insert(set.end(), operands[i].begin(), operands[i].end());
    }
    return set;
  };
  Sets sets;
  switch (item.kind) {
    case ast::GroupingKind::kExpression:
      sets.push_back(of(~std::uint64_t{0}));
      break;
    case ast::GroupingKind::kEmpty:
      sets.emplace_back();
      break;
    case ast::GroupingKind::kRollup:
      for (std::size_t n = operands.size() + 1; n-- > 0;)
        sets.push_back(of((std::uint64_t{1} << n) - 1));
      break;
    case ast::GroupingKind::kCube:
      for (std::uint64_t mask = std::uint64_t{1} << std::min<std::size_t>(operands.size(), 12);
           mask-- > 0;) {
        sets.push_back(of(mask));
      }
      break;
    case ast::GroupingKind::kSets:
      for (const ast::GroupingItem& inner : item.sets) {
        for (auto& set : sets_of(inner)) sets.push_back(std::move(set));
      }
      break;
  }
  return sets;
}

}  // namespace

void Lowerer::each_value(Block& block, const std::function<void(Typed&)>& f) {
  for (ScopeColumn& item : block.items) f(item.value);
  for (OrderKey& key : block.order) f(key.value);
  for (Typed& value : block.distinct_on) f(value);
  const auto take = [&](Expression& expression) {
    Typed value{std::move(expression), {}};
    f(value);
    expression = std::move(value.value);
  };
  for (SetFunction& function : block.collector.set_functions) {
    for (auto& [variable, value] : function.binds) take(value);
  }
  for (WindowCall& call : block.collector.windows) {
    for (Typed& value : call.partition) f(value);
    for (OrderKey& key : call.order) f(key.value);
    const auto take_if = [&](std::optional<Expression>& expression) {
      if (expression) take(*expression);
    };
    for (Expression& argument : call.result.arguments) take(argument);
    take_if(call.result.filter);
    take_if(call.frame.range_value);
    take_if(call.frame.from.value);
    take_if(call.frame.to.value);
  }
}

void Lowerer::spread_rows(Block& block) {
  Collector& collector = block.collector;
  spread(collector.set_functions, collector.position, /*numbered=*/false, block.body);
}

void Lowerer::take_grouping(Block& block, const ast::Select& select, Place& place) {
  if (select.group_by.empty()) return;
  Sets sets{{}};
  for (const ast::GroupingItem& item : select.group_by) sets = combined(sets, sets_of(item));
  if (sets.size() > kMaxGroupingSets) {
    fail("54001", "too many grouping sets present (maximum 4096)", select.group_by.front().span);
  }
  for (const auto& set : sets) {
    std::vector<std::size_t> positions;
    for (const ast::Expression* e : set) {
      if (has_aggregate(*e)) {
        fail("42803", "aggregate functions are not allowed in GROUP BY", e->span);
      }
      if (has_window(*e)) {
        fail("42P20", "window functions are not allowed in GROUP BY", e->span);
      }
      Typed value = resolved(order_value(*e, block, place, true), e->span);
      std::size_t i = 0;
      while (i < block.keys.size() && !same(block.keys[i].value.value, value.value)) ++i;
      if (i == block.keys.size()) {
        const Expression key = stored(value.value);
        const VariableId result = new_variable(
            key.op == ExpressionOp::kVariable ? variables_[datalog::index_of(key.variable)].name
                                              : "key",
            key.type, key.nullable);
        if (key.op == ExpressionOp::kVariable) column_names_[result] = column_names_[key.variable];
        block.keys.push_back({std::move(value), result});
      }
      if (std::find(positions.begin(), positions.end(), i) == positions.end()) {
        positions.push_back(i);
      }
    }
    block.sets.push_back(std::move(positions));
  }
}

void Lowerer::move_up(Block& block) {
  std::set<VariableId> needed;
  for (const Key& key : block.keys) needed.merge(datalog::variables_of(key.value.value));
  std::vector<bool> moves(block.post.size(), false);
  // Backwards: a literal needs what stands before it.
  for (std::size_t i = block.post.size(); i-- > 0;) {
    for (const VariableId id : datalog::exported_variables(block.post[i])) {
      moves[i] = moves[i] || needed.count(id) != 0;
    }
    if (!moves[i]) continue;
    datalog::walk_variables(block.post[i], [&](VariableId id) { needed.insert(id); });
  }
  Body left;
  for (std::size_t i = 0; i < block.post.size(); ++i) {
    (moves[i] ? block.body : left).push_back(std::move(block.post[i]));
  }
  block.post = std::move(left);
}

void Lowerer::group(Block& block) {
  std::set<VariableId> inside;
  for (const Literal& literal : block.body) inside.merge(datalog::exported_variables(literal));
  for (const VariableId id : outer_variables(block.body, {})) inside.erase(id);
  const bool several = block.sets.size() > 1;
  if (several) {
    for (const Key& key : block.keys) {
      variables_[datalog::index_of(key.result)].nullable = true;
    }
  }

  // A primary key among the keys determines the other columns of its table.
  auto dependent_key = [&](VariableId id) -> bool {
    for (const ScopeItem& item : block.scope.items) {
      if (item.table == nullptr || item.table->keys.empty() || !item.table->keys.front().primary) {
        continue;
      }
      auto variable_of = [](const Typed& value) {
        const std::set<VariableId> used = datalog::variables_of(value.value);
        return used.size() == 1 ? *used.begin() : static_cast<VariableId>(UINT32_MAX);
      };
      const bool here = std::any_of(item.columns.begin(), item.columns.end(),
                                    [&](const auto& c) { return variable_of(c.value) == id; });
      if (!here || several) continue;
      const auto& columns = item.table->keys.front().columns;
      if (std::all_of(columns.begin(), columns.end(), [&](std::uint32_t column) {
            return std::any_of(block.keys.begin(), block.keys.end(), [&](const Key& key) {
              return same(key.value.value, item.columns[column].value.value);
            });
          })) {
        return true;
      }
    }
    return false;
  };
  std::function<Expression(const Expression&)> over_groups =
      [&](const Expression& e) -> Expression {
    for (const Key& key : block.keys) {
      const bool whole = same(e, key.value.value);
      if (whole || same(e, undisplayed(key.value.value))) {
        Expression value = mention(key.result);
        return e.type == value.type ? value : displayed(std::move(value), key.value.type);
      }
    }
    if (e.op == ExpressionOp::kVariable) {
      if (inside.count(e.variable) == 0) return e;
      if (dependent_key(e.variable)) {
        const VariableId result =
            new_variable(variables_[datalog::index_of(e.variable)].name, e.type, e.nullable);
        for (auto& set : block.sets) set.push_back(block.keys.size());
        block.keys.push_back({{e, {}}, result});
        return mention(result);
      }
      const auto name = column_names_.find(e.variable);
      const auto at = mentions_.find(e.variable);
      fail("42803",
           "column \"" +
               (name != column_names_.end() ? name->second
                                            : variables_[datalog::index_of(e.variable)].name) +
               "\" must appear in the GROUP BY clause or be used in an aggregate function",
           at != mentions_.end() ? at->second : ast::Span{});
    }
    Expression copy = e;
    for (Expression& argument : copy.arguments) {
      argument = over_groups(argument);
      copy.nullable =
          copy.nullable ||
          (argument.nullable && copy.op != ExpressionOp::kIsNull &&
           copy.op != ExpressionOp::kIsNotNull && copy.op != ExpressionOp::kIdentical &&
           copy.op != ExpressionOp::kNotIdentical && copy.op != ExpressionOp::kCoalesce && several);
    }
    return copy;
  };
  each_value(block, [&](Typed& value) { value.value = over_groups(value.value); });
  std::function<void(Literal&)> literal_over_groups = [&](Literal& literal) {
    datalog::internal::take_apart(
        literal,
        [&](Expression& e) {
          // A term of a match must stay a variable.
          e = over_groups(e);
        },
        [](VariableId&) {}, [](Match&) {},
        [&](Body& body, datalog::Reading) {
          for (Literal& inner : body) literal_over_groups(inner);
        });
  };
  for (Literal& literal : block.post) literal_over_groups(literal);
  for (GroupingCall& call : block.collector.groupings) {
    for (Expression& e : call.arguments) {
      const bool known = std::any_of(block.keys.begin(), block.keys.end(),
                                     [&](const Key& key) { return same(key.value.value, e); });
      if (!known) {
        fail("42803",
             "arguments to GROUPING must be grouping expressions of the associated query level",
             {});
      }
    }
  }

  std::vector<Aggregate> aggregates;
  for (AggregateCall& call : block.collector.aggregates) {
    aggregates.push_back(std::move(call.aggregate));
  }
  if (block.sets.empty()) {  // One row, whatever there is.
    Reduce reduce;
    reduce.aggregates = std::move(aggregates);
    if (reduce.aggregates.empty()) {
      Aggregate count;
      count.result = new_variable("rows", vm::Type::of(vm::TypeKind::kInt8), false);
      reduce.aggregates.push_back(std::move(count));
    }
    reduce.body = std::move(block.body);
    block.body.clear();
    block.body.push_back({std::move(reduce), {}});
  } else {
    if (several) stage(block.body);
    std::vector<Expression> used;
    for (const Key& key : block.keys) used.push_back(key.value.value);
    for (const Aggregate& aggregate : aggregates) {
      if (aggregate.argument) used.push_back(*aggregate.argument);
      if (aggregate.condition) used.push_back(*aggregate.condition);
    }
    const std::set<VariableId> outer = outer_variables(block.body, used);
    Body inner = block.body;
    domain_literals(outer, inner);
    std::vector<datalog::Column> columns;
    std::vector<Expression> reading;
    for (const VariableId id : outer) {
      const datalog::Variable& v = variables_[datalog::index_of(id)];
      columns.push_back({v.name, v.type, v.nullable, {}});
      reading.push_back(mention(id));
    }
    auto add_column = [&](VariableId id) {
      const datalog::Variable& v = variables_[datalog::index_of(id)];
      columns.push_back({v.name, v.type, v.nullable, {}});
      reading.push_back(mention(id));
    };
    for (const Key& key : block.keys) add_column(key.result);
    for (const Aggregate& aggregate : aggregates) add_column(aggregate.result);
    for (const GroupingCall& call : block.collector.groupings) add_column(call.result);
    const RelationId relation = new_relation("group", std::move(columns), Collection::kBag);
    for (const std::vector<std::size_t>& set : block.sets) {
      Reduce reduce;
      reduce.form = ReduceForm::kPerGroup;
      reduce.body = inner;
      reduce.aggregates = aggregates;
      std::vector<Expression> terms;
      // No keys at all: a group of everything, also of nothing.
      const bool everything = set.empty() && outer.empty();
      if (everything) reduce.form = ReduceForm::kPerBinding;
      for (const VariableId id : outer) {
        const datalog::Variable v = variables_[datalog::index_of(id)];
        const VariableId fresh = new_variable(v.name, v.type, v.nullable);
        reduce.keys.push_back({fresh, mention(id)});
        terms.push_back(mention(fresh));
      }
      for (std::size_t k = 0; k < block.keys.size(); ++k) {
        const Key& key = block.keys[k];
        if (std::find(set.begin(), set.end(), k) == set.end()) {
          terms.push_back(null_of(variables_[datalog::index_of(key.result)].type));
          continue;
        }
        reduce.keys.push_back({key.result, stored(key.value.value)});
        terms.push_back(mention(key.result));
      }
      for (const Aggregate& aggregate : aggregates) terms.push_back(mention(aggregate.result));
      for (const GroupingCall& call : block.collector.groupings) {
        std::int64_t bits = 0;
        for (const Expression& e : call.arguments) {
          const bool grouped = std::any_of(set.begin(), set.end(), [&](std::size_t k) {
            return same(block.keys[k].value.value, e);
          });
          bits = bits * 2 + (grouped ? 0 : 1);
        }
        terms.push_back(constant_int(vm::TypeKind::kInt4, bits));
      }
      Body rule;
      if (reduce.aggregates.empty() && reduce.keys.empty()) {
        Aggregate count;
        count.result = new_variable("rows", vm::Type::of(vm::TypeKind::kInt8), false);
        reduce.aggregates.push_back(std::move(count));
      }
      rule.push_back({std::move(reduce), {}});
      add_rule(relation, std::move(terms), std::move(rule));
    }
    block.body.clear();
    block.body.push_back({Match{relation, std::move(reading), {}}, {}});
  }
  for (Literal& literal : block.post) block.body.push_back(std::move(literal));
  block.post.clear();
}

void Lowerer::rank(Block& block) {
  std::vector<WindowCall> left = std::move(block.collector.windows);
  block.collector.windows.clear();
  auto same_window = [](const WindowCall& a, const WindowCall& b) {
    auto same_edge = [](const datalog::FrameEdge& x, const datalog::FrameEdge& y) {
      return x.bound == y.bound && x.offset.has_value() == y.offset.has_value() &&
             (!x.offset || same(*x.offset, *y.offset)) &&
             x.value.has_value() == y.value.has_value() && (!x.value || same(*x.value, *y.value));
    };
    return a.partition.size() == b.partition.size() && a.order.size() == b.order.size() &&
           std::equal(a.partition.begin(), a.partition.end(), b.partition.begin(),
                      [](const Typed& x, const Typed& y) { return same(x.value, y.value); }) &&
           std::equal(a.order.begin(), a.order.end(), b.order.begin(),
                      [](const OrderKey& x, const OrderKey& y) {
                        return same(x.value.value, y.value.value) && x.descending == y.descending &&
                               x.nulls_first == y.nulls_first;
                      }) &&
           a.frame.mode == b.frame.mode && same_edge(a.frame.from, b.frame.from) &&
           same_edge(a.frame.to, b.frame.to) && a.frame.exclusion == b.frame.exclusion;
  };
  while (!left.empty()) {
    const WindowCall first = left.front();
    datalog::Rank ranking;
    std::vector<WindowCall> later;
    for (WindowCall& call : left) {
      if (same_window(first, call)) {
        ranking.functions.push_back(std::move(call.result));
      } else {
        later.push_back(std::move(call));
      }
    }
    left = std::move(later);
    for (const Typed& value : first.partition) ranking.partition.push_back(stored(value.value));
    for (const OrderKey& key : first.order) {
      ranking.order.push_back(
          {Expression(undisplayed(key.value.value)), key.descending, key.nulls_first});
    }
    ranking.frame = first.frame;
    std::vector<Expression> used = ranking.partition;
    for (const datalog::OrderItem& item : ranking.order) used.push_back(item.value);
    for (const datalog::RankResult& result : ranking.functions) {
      used.insert(used.end(), result.arguments.begin(), result.arguments.end());
      if (result.filter) used.push_back(*result.filter);
    }
    for (const auto& value :
         {ranking.frame.range_value, ranking.frame.from.value, ranking.frame.to.value}) {
      if (value) used.push_back(*value);
    }
    const std::set<VariableId> outer = outer_variables(block.body, used);
    std::set<VariableId> kept;
    for (const Literal& literal : block.body) kept.merge(datalog::exported_variables(literal));
    ranking.body = std::move(block.body);
    domain_literals(outer, ranking.body);
    stand_on_something(ranking);
    for (const VariableId id : outer) {
      ranking.partition.push_back(mention(id));
      kept.insert(id);
    }
    for (const datalog::RankResult& result : ranking.functions) kept.insert(result.result);
    std::vector<datalog::Column> columns;
    std::vector<Expression> terms;
    for (const VariableId id : kept) {
      const datalog::Variable& v = variables_[datalog::index_of(id)];
      columns.push_back({v.name, v.type, v.nullable, {}});
      terms.push_back(mention(id));
    }
    const RelationId relation = new_relation("window", std::move(columns), Collection::kBag);
    Body rule;
    rule.push_back({std::move(ranking), {}});
    add_rule(relation, terms, std::move(rule));
    block.body.clear();
    block.body.push_back({Match{relation, std::move(terms), {}}, {}});
  }
}

}  // namespace entail::sql2datalog::internal
