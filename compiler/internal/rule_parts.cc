#include "compiler/internal/rule_parts.h"

#include <algorithm>
#include <map>
#include <utility>

#include "datalog/body_walk.h"
#include "vm/base/ensure.h"

namespace entail::compiler::internal {

using datalog::Body;
using datalog::Expression;
using datalog::ExpressionOp;
using datalog::Literal;
using datalog::Rule;
using datalog::VariableId;

Expression variable_term(const Rule& rule, VariableId id) {
  const datalog::Variable& variable = rule.variables[datalog::index_of(id)];
  Expression expression;
  expression.op = ExpressionOp::kVariable;
  expression.type = variable.type;
  expression.nullable = variable.nullable;
  expression.variable = id;
  expression.span = variable.span;
  return expression;
}

Expression wildcard_term() {
  Expression expression;
  expression.op = ExpressionOp::kWildcard;
  return expression;
}

VariableId new_variable(Rule& rule, std::string name, vm::Type type, bool nullable,
                        const datalog::SourceSpan& span) {
  const auto id = static_cast<VariableId>(rule.variables.size());
  rule.variables.push_back({std::move(name), type, nullable, span});
  return id;
}

void flatten_exists(Body& body, const std::function<bool(const datalog::Exists&)>& is_wanted) {
  for (std::size_t i = 0; i < body.size();) {
    auto* exists = std::get_if<datalog::Exists>(&body[i].node);
    if (exists == nullptr || !is_wanted(*exists)) {
      ++i;
      continue;
    }
    Body inner = std::move(exists->body);
    body.erase(body.begin() + static_cast<std::ptrdiff_t>(i));
    body.insert(body.begin() + static_cast<std::ptrdiff_t>(i), inner.begin(), inner.end());
  }
}

bool counts_rows(const datalog::Reduce& reduce) {
  for (const datalog::Aggregate& aggregate : reduce.aggregates) {
    switch (aggregate.op) {
      case datalog::AggregateOp::kMin:
      case datalog::AggregateOp::kMax:
      case datalog::AggregateOp::kCountDistinct:
      case datalog::AggregateOp::kBoolAnd:
      case datalog::AggregateOp::kBoolOr:
        break;
      default:
        return true;
    }
  }
  return false;
}

std::vector<VariableId> variables_in_order(const Body& body) {
  std::vector<VariableId> result;
  VariableSet seen;
  for (const Literal& literal : body) {
    datalog::walk_variables(literal, [&](VariableId variable) {
      if (seen.insert(variable).second) result.push_back(variable);
    });
  }
  return result;
}

VariableSet bound_variables(const Body& body, VariableSet given) {
  const auto is_bound = [&](const VariableSet& variables) {
    return std::includes(given.begin(), given.end(), variables.begin(), variables.end());
  };
  for (bool grew = true; grew;) {
    const std::size_t before = given.size();
    for (const Literal& literal : body) {
      if (const auto* bind = std::get_if<datalog::Bind>(&literal.node)) {
        if (is_bound(datalog::variables_of(bind->value))) given.insert(bind->variable);
        if (bind->value.op == ExpressionOp::kVariable && given.count(bind->variable) != 0) {
          given.insert(bind->value.variable);
        }
      } else if (const auto* each = std::get_if<datalog::Each>(&literal.node)) {
        VariableSet needed;
        for (const Expression& argument : each->arguments) {
          needed.merge(datalog::variables_of(argument));
        }
        if (is_bound(needed)) given.insert(each->variable);
      } else {
        given.merge(datalog::exported_variables(literal));
      }
    }
    grew = given.size() > before;
  }
  return given;
}

bool raises(const Expression& expression) {
  return (expression.op != ExpressionOp::kField && datalog::operation_can_fail(expression)) ||
         std::any_of(expression.arguments.begin(), expression.arguments.end(),
                     [](const Expression& part) { return raises(part); });
}

bool raises(const Literal& literal) {
  bool found = false;
  datalog::walk_expressions(literal, [&](const Expression& expression) {
    found =
        found || (expression.op != ExpressionOp::kField && datalog::operation_can_fail(expression));
  });
  return found;
}

bool raises(const Body& body) {
  return std::any_of(body.begin(), body.end(), [](const Literal& l) { return raises(l); });
}

Rule compacted(const Rule& rule) {
  Rule result = rule;
  std::map<VariableId, VariableId> renumbered;
  result.variables.clear();
  datalog::walk_rule_variables(result, [&](VariableId& variable) {
    const auto [place, added] =
        renumbered.emplace(variable, static_cast<VariableId>(result.variables.size()));
    if (added) result.variables.push_back(rule.variables[datalog::index_of(variable)]);
    variable = place->second;
  });
  return result;
}

// ---------------------------------------------------------------------------------------------------
// Signatures: every field in order, numbers behind a separator, texts behind their length.

namespace {

class Signature {
 public:
  std::string of(const Rule& rule) {
    for (const datalog::Variable& variable : rule.variables) {
      add(variable.type);
      add(variable.nullable);
    }
    add(rule.head.terms);
    add(rule.body);
    return std::move(text_);
  }

 private:
  void add(std::uint64_t number) { text_ += std::to_string(number) + ' '; }
  void add(const std::string& text) {
    add(text.size());
    text_ += text;
  }
  void add(vm::Type type) {
    for (const auto part : {static_cast<std::uint64_t>(type.kind), std::uint64_t{type.width},
                            std::uint64_t{type.scale}, static_cast<std::uint64_t>(type.detail)}) {
      add(part);
    }
  }
  void add(VariableId variable) { add(std::uint64_t{datalog::index_of(variable)}); }

  void add(const Expression& expression) {
    add(static_cast<std::uint64_t>(expression.op));
    if (expression.op == ExpressionOp::kWildcard) return;
    add(expression.type);
    add(expression.nullable);
    add(expression.variable);
    add(expression.detail);
    add(expression.branch);
    add(expression.words[0]);
    add(expression.words[1]);
    add(expression.text);
    add(expression.arguments);
  }
  void add(const std::vector<Expression>& expressions) {
    add(expressions.size());
    for (const Expression& expression : expressions) add(expression);
  }

  void add(const std::optional<Expression>& expression) {
    add(expression.has_value());
    if (expression) add(*expression);
  }
  void add(const std::vector<datalog::OrderItem>& order) {
    add(order.size());
    for (const datalog::OrderItem& item : order) {
      add(item.value);
      add(item.descending);
      add(item.nulls_first);
    }
  }

  void add(const Body& body) {
    add(body.size());
    for (const Literal& literal : body) {
      add(literal.node.index());
      std::visit([this](const auto& node) { add_node(node); }, literal.node);
    }
  }
  void add_node(const datalog::Match& match) {
    add(std::uint64_t{datalog::index_of(match.relation)});
    add(match.terms);
    add(match.row.has_value());
    if (match.row) add(*match.row);
  }
  void add_node(const datalog::Absent& absent) { add(absent.body); }
  void add_node(const datalog::Exists& exists) { add(exists.body); }
  void add_node(const datalog::Filter& filter) { add(filter.condition); }
  void add_node(const datalog::Bind& bind) {
    add(bind.variable);
    add(bind.value);
  }
  void add_node(const datalog::Each& each) {
    add(each.variable);
    add(static_cast<std::uint64_t>(each.generator));
    add(each.arguments);
  }
  void add_node(const datalog::Reduce& reduce) {
    add(static_cast<std::uint64_t>(reduce.form));
    add(reduce.keys.size());
    for (const datalog::GroupKey& key : reduce.keys) {
      add(key.result);
      add(key.value);
    }
    add(reduce.aggregates.size());
    for (const datalog::Aggregate& aggregate : reduce.aggregates) {
      add(static_cast<std::uint64_t>(aggregate.op));
      add(aggregate.result);
      add(aggregate.argument);
      add(aggregate.condition);
      add(aggregate.distinct);
      add(aggregate.delimiter);
      add(aggregate.order);
    }
    add(reduce.body);
  }
  void add_node(const datalog::Rank& rank) {
    add(rank.partition);
    add(rank.order);
    add(static_cast<std::uint64_t>(rank.frame.mode));
    for (const datalog::FrameEdge* edge : {&rank.frame.from, &rank.frame.to}) {
      add(static_cast<std::uint64_t>(edge->bound));
      add(edge->offset);
      add(edge->value);
    }
    add(rank.frame.range_value);
    add(static_cast<std::uint64_t>(rank.frame.exclusion));
    add(rank.functions.size());
    for (const datalog::RankResult& result : rank.functions) {
      add(static_cast<std::uint64_t>(result.function));
      add(result.result);
      add(result.arguments);
      add(static_cast<std::uint64_t>(result.aggregate));
      add(result.filter);
    }
    add(rank.limit);
    add(rank.offset);
    add(rank.with_ties);
    add(rank.body);
  }
  // Refused before anything is compared.
  void add_node(const datalog::Window&) { ENTAIL_UNREACHABLE("a window"); }

  void add(const datalog::PatternNode& node) {
    add(static_cast<std::uint64_t>(node.kind));
    add(std::uint64_t{node.symbol});
    add(std::uint64_t{node.repeat_min});
    add(std::uint64_t{node.repeat_max});
    add(node.reluctant);
    add(node.relaxed);
    add(node.deadline);
    add(node.children.size());
    for (const datalog::PatternNode& child : node.children) add(child);
  }
  void add(const std::vector<std::uint32_t>& numbers) {
    add(numbers.size());
    for (const std::uint32_t number : numbers) add(std::uint64_t{number});
  }
  void add(const std::vector<datalog::PatternValue>& values) {
    add(values.size());
    for (const datalog::PatternValue& value : values) {
      add(static_cast<std::uint64_t>(value.kind));
      add(value.result);
      add(value.symbols);
      add(value.from_first);
      add(std::uint64_t{value.occurrence});
      add(static_cast<std::uint64_t>(value.shift));
      add(value.final_rows);
      add(value.value);
      add(static_cast<std::uint64_t>(value.aggregate));
    }
  }
  void add_node(const datalog::Pattern& pattern) {
    add(pattern.partition);
    add(pattern.order);
    add(pattern.root);
    add(pattern.symbols.size());
    for (const datalog::PatternSymbol& symbol : pattern.symbols) {
      text_ += symbol.name + " ";
      add(symbol.condition);
    }
    add(pattern.operands);
    add(pattern.measures);
    add(pattern.time);
    add(pattern.within);
    add(pattern.watermark);
    add(static_cast<std::uint64_t>(pattern.after_match));
    add(pattern.skip_symbols);
    add(static_cast<std::uint64_t>(pattern.rows));
    add(pattern.only_decided);
    add(pattern.body);
  }

  std::string text_;
};

}  // namespace

std::string signature(const Rule& rule) { return Signature().of(rule); }

}  // namespace entail::compiler::internal
