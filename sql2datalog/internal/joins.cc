// Joins. An inner join is its two sides in one body; an outer join is a relation of two or three rules:
//
//     a LEFT JOIN b ON c      _join(a, b)    :- a, b, c.
//                             _join(a, null) :- a, !(b, c).
//     a FULL JOIN b ON c      … and          _join(null, b) :- b, !(a, c).

#include <algorithm>
#include <utility>

#include "datalog/body_walk.h"
#include "sql2datalog/internal/lowerer.h"

namespace entail::sql2datalog::internal {

namespace {

// The columns that both sides have, in the order of the left one.
std::vector<std::string> shared_names(const Scope& left, const Scope& right) {
  std::vector<std::string> names;
  for (const VisibleColumn& mine : left.visible) {
    const bool there = std::any_of(
        right.visible.begin(), right.visible.end(),
        [&](const VisibleColumn& other) { return other.column.name == mine.column.name; });
    if (there) names.push_back(mine.column.name);
  }
  return names;
}

template <typename F>
void each_column(Scope& scope, F&& f) {
  for (ScopeItem& item : scope.items) {
    for (ScopeColumn& column : item.columns) f(column);
  }
  for (VisibleColumn& visible : scope.visible) f(visible.column);
}

// One side of an outer join as columns of its relation: the terms with rows of that side, and what its
// columns are afterwards.
struct Side {
  std::vector<Expression> terms;
  std::vector<VariableId> variables;  // Behind the join.
  std::map<VariableId, VariableId> renamed;
  std::vector<std::pair<Expression, VariableId>> computed;
};

bool is_plain(const Expression& e) {
  const Expression& inside = undisplayed(e);
  return inside.op == ExpressionOp::kVariable ||
         (inside.op == ExpressionOp::kReinterpret &&
          inside.arguments[0].op == ExpressionOp::kVariable);
}

}  // namespace

void Lowerer::rename(Expression& e, const std::map<VariableId, VariableId>& to,
                     const std::vector<datalog::Variable>& variables) {
  if (e.op == ExpressionOp::kVariable) {
    const auto found = to.find(e.variable);
    if (found == to.end()) return;
    e.variable = found->second;
    e.nullable = variables[datalog::index_of(found->second)].nullable;
    return;
  }
  for (Expression& argument : e.arguments) {
    rename(argument, to, variables);
    e.nullable = e.nullable || argument.nullable;
  }
}

void Lowerer::from_join(const ast::Join& join, ast::Span span, Scope& scope, Body& body) {
  const bool outer_join = join.kind == ast::JoinKind::kLeft || join.kind == ast::JoinKind::kRight ||
                          join.kind == ast::JoinKind::kFull;
  Scope left, right;
  left.outer = &scope;
  right.outer = &left;
  left.enclosing = right.enclosing = scope.enclosing;
  Body left_body, right_body, on;
  std::optional<Deeper> beside;
  if (outer_join) {
    if (!body.empty()) beside.emplace(*this, &body);
    from_item(*join.left, false, left, left_body);
    const Deeper behind(*this, &left_body);
    from_item(*join.right, false, right, right_body);
  } else {
    from_item(*join.left, false, left, body);
    from_item(*join.right, false, right, body);
  }

  std::vector<std::string> names;
  if (join.natural) {
    names = shared_names(left, right);
  } else {
    for (const ast::Identifier& column : join.using_columns) {
      if (std::find(names.begin(), names.end(), column.text) != names.end()) {
        fail("42701", "column name \"" + column.text + "\" appears more than once in USING clause",
             column.span);
      }
      names.push_back(column.text);
    }
  }

  // Both sides as one scope, merged columns first.
  Scope both;
  both.outer = scope.outer;
  both.enclosing = scope.enclosing;
  for (const ScopeItem& item : right.items) {
    for (const ScopeItem& other : left.items) {
      if (!item.alias.empty() && item.alias == other.alias && item.schema == other.schema) {
        fail("42712", "table name \"" + item.alias + "\" specified more than once", span);
      }
    }
  }
  Body combined;
  Place place;
  place.clause = "JOIN conditions";
  if (outer_join) {
    combined = left_body;
    combined.insert(combined.end(), right_body.begin(), right_body.end());
    place.out = &on;
    place.domain = &combined;
  } else {
    place.out = place.domain = &body;
  }
  std::vector<std::pair<ScopeColumn, ScopeColumn>> merged;
  for (const std::string& name : names) {
    ScopeColumn sides[2];
    for (int side = 0; side < 2; ++side) {
      const ScopeColumn* found = nullptr;
      for (const VisibleColumn& visible : (side == 0 ? left : right).visible) {
        if (visible.column.name != name) continue;
        if (found != nullptr) {
          fail("42702",
               "common column name \"" + name + "\" appears more than once in " +
                   (side == 0 ? "left" : "right") + " table",
               span);
        }
        found = &visible.column;
      }
      if (found == nullptr) {
        fail("42703",
             "column \"" + name + "\" specified in USING clause does not exist in " +
                 (side == 0 ? "left" : "right") + " table",
             span);
      }
      sides[side] = *found;
    }
    Typed equal = comparison("=", sides[0].value, sides[1].value, span);
    place.out->push_back({datalog::Filter{std::move(equal.value)}, {}});
    merged.emplace_back(std::move(sides[0]), std::move(sides[1]));
  }
  if (join.condition) {
    both.items = left.items;
    both.items.insert(both.items.end(), right.items.begin(), right.items.end());
    both.visible = left.visible;
    both.visible.insert(both.visible.end(), right.visible.begin(), right.visible.end());
    place.scope = &both;
    condition(*join.condition, place);
    both.items.clear();
    both.visible.clear();
  }

  if (outer_join) {
    const bool keep_left = join.kind != ast::JoinKind::kRight;
    const bool keep_right = join.kind != ast::JoinKind::kLeft;
    if (keep_left) stage(left_body);
    if (keep_right) stage(right_body);
    std::set<VariableId> of_left_body;
    for (const Literal& literal : left_body) {
      of_left_body.merge(datalog::exported_variables(literal));
    }
    // The columns of a side that may be missing become variables that may be null.
    auto columns_of = [&](Scope& side_scope, bool missing) {
      Side side;
      std::set<VariableId> taken;
      // A lateral subquery on the right may hand on variables of the left, or of what stands around.
      auto is_own = [&](const Expression& e) {
        const std::set<VariableId> used = datalog::variables_of(e);
        return is_plain(e) && std::all_of(used.begin(), used.end(), [&](VariableId id) {
                 return depths_[datalog::index_of(id)] >= depth_ &&
                        (&side_scope == &left || of_left_body.count(id) == 0);
               });
      };
      auto take_variables = [&](const Expression& e) {
        for (const VariableId id : datalog::variables_of(e)) {
          if (depths_[datalog::index_of(id)] < depth_ || !taken.insert(id).second) continue;
          side.terms.push_back(mention(id));
          VariableId now = id;
          if (missing) {
            const datalog::Variable old = variables_[datalog::index_of(id)];
            now = new_variable(old.name, old.type, true);
            column_names_[now] = column_names_[id];
            side.renamed[id] = now;
          }
          side.variables.push_back(now);
        }
      };
      each_column(side_scope, [&](ScopeColumn& column) {
        Expression& e = column.value.value;
        if (!missing || is_own(e)) {
          take_variables(e);
          return;
        }
        for (const auto& [known, id] : side.computed) {
          if (same(known, e)) return;
        }
        const VariableId id = new_variable(column.name, e.type, true);
        side.terms.push_back(e);
        side.variables.push_back(id);
        side.computed.emplace_back(e, id);
      });
      if (!missing) return side;
      auto renew = [&](ScopeColumn& column) {
        Expression& e = column.value.value;
        if (is_own(e)) {
          rename(e, side.renamed, variables_);
          return;
        }
        for (const auto& [known, id] : side.computed) {
          if (!same(known, e)) continue;
          e = mention(id);
          return;
        }
      };
      each_column(side_scope, renew);
      for (auto& [mine, other] : merged) renew(&side_scope == &left ? mine : other);
      return side;
    };
    const Side of_left = columns_of(left, keep_right);
    const Side of_right = columns_of(right, keep_left);
    auto alternative = [&](bool with_left, bool with_right) {
      Alternative made;
      for (const Expression& term : of_left.terms) {
        made.terms.push_back(with_left ? term : null_of(term.type));
      }
      for (const Expression& term : of_right.terms) {
        made.terms.push_back(with_right ? term : null_of(term.type));
      }
      const Body& first = with_left ? left_body : right_body;
      Body other = with_left ? right_body : left_body;
      made.body = first;
      other.insert(other.end(), on.begin(), on.end());
      if (with_left && with_right) {
        made.body.insert(made.body.end(), other.begin(), other.end());
      } else {
        made.body.push_back({datalog::Absent{std::move(other)}, {}});
      }
      return made;
    };
    std::vector<Alternative> alternatives;
    alternatives.push_back(alternative(true, true));
    if (keep_left) alternatives.push_back(alternative(true, false));
    if (keep_right) alternatives.push_back(alternative(false, true));
    const MadeRelation made = make_relation("join", Collection::kBag, std::move(alternatives));
    Match match;
    match.relation = made.relation;
    for (const VariableId id : made.outer) match.terms.push_back(mention(id));
    for (const VariableId id : of_left.variables) match.terms.push_back(mention(id));
    for (const VariableId id : of_right.variables) match.terms.push_back(mention(id));
    body.push_back({std::move(match), {}});
  }
  beside.reset();

  // What the join brings into scope.
  const auto base = static_cast<std::uint32_t>(scope.items.size());
  std::vector<VisibleColumn> visible;
  for (auto& [mine, other] : merged) {
    ScopeColumn column = join.kind == ast::JoinKind::kRight ? other : mine;
    std::vector<Typed> values = to_common_type({mine.value, other.value}, "JOIN/USING", span);
    if (join.kind == ast::JoinKind::kFull) {
      Expression e;
      e.op = ExpressionOp::kCoalesce;
      e.type = values[0].value.type;
      e.nullable = values[0].nullable() && values[1].nullable();
      e.arguments = {values[0].value, values[1].value};
      column.value = {std::move(e), values[0].type};
    } else {
      column.value = values[join.kind == ast::JoinKind::kRight ? 1 : 0];
    }
    visible.push_back({std::move(column), kMerged});
  }
  auto add_side = [&](Scope& side) {
    const auto first = static_cast<std::uint32_t>(scope.items.size());
    for (const VisibleColumn& column : side.visible) {
      if (std::find(names.begin(), names.end(), column.column.name) != names.end()) continue;
      visible.push_back({column.column, column.item == kMerged ? kMerged : column.item + first});
    }
    for (ScopeItem& item : side.items) {
      for (std::uint32_t i = 0; i < base; ++i) {
        if (!item.alias.empty() && scope.items[i].alias == item.alias &&
            scope.items[i].schema == item.schema) {
          fail("42712", "table name \"" + item.alias + "\" specified more than once", span);
        }
      }
      scope.items.push_back(std::move(item));
    }
  };
  add_side(left);
  add_side(right);
  if (join.using_alias) {
    ScopeItem item;
    item.alias = join.using_alias->text;
    for (std::size_t i = 0; i < merged.size(); ++i) item.columns.push_back(visible[i].column);
    scope.items.push_back(std::move(item));
  }
  if (join.alias) {
    // The alias hides the names inside.
    ScopeItem item;
    item.alias = join.alias->name.text;
    for (const VisibleColumn& column : visible) item.columns.push_back(column.column);
    scope.items.resize(base);
    add_item(scope, std::move(item), join.alias, span);
    return;
  }
  scope.visible.insert(scope.visible.end(), std::make_move_iterator(visible.begin()),
                       std::make_move_iterator(visible.end()));
}

}  // namespace entail::sql2datalog::internal
