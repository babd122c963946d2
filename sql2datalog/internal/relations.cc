// Auxiliary relations, and what gives their rules the values of outer variables.

#include <algorithm>
#include <utility>

#include "datalog/body_walk.h"
#include "sql2datalog/internal/lowerer.h"
#include "vm/base/ensure.h"

namespace entail::sql2datalog::internal {

VariableId Lowerer::new_variable(std::string_view name, vm::Type type, bool nullable) {
  variables_.push_back({std::string(name), type, nullable, {}});
  depths_.push_back(depth_);
  return static_cast<VariableId>(variables_.size() - 1);
}

Expression Lowerer::mention(VariableId id) const {
  const datalog::Variable& variable = variables_[datalog::index_of(id)];
  Expression e;
  e.op = ExpressionOp::kVariable;
  e.type = variable.type;
  e.nullable = variable.nullable;
  e.variable = id;
  return e;
}

RelationId Lowerer::new_relation(std::string_view hint, std::vector<datalog::Column> columns,
                                 Collection collection) {
  const auto number = relations_.size();
  datalog::Relation relation;
  relation.name = "_" + std::string(hint) + std::to_string(number);
  relation.columns = std::move(columns);
  relation.collection = collection;
  relation.auxiliary = true;
  relations_.push_back(std::move(relation));
  return static_cast<RelationId>(catalog_relations_ + number);
}

void Lowerer::add_rule(RelationId head, std::vector<Expression> terms, Body body) {
  rules_.push_back({head, std::move(terms), std::move(body)});
}

std::set<VariableId> Lowerer::outer_variables(const Body& body,
                                              std::span<const Expression> terms) const {
  std::set<VariableId> outer;
  auto take = [&](VariableId id) {
    if (depths_[datalog::index_of(id)] < depth_) outer.insert(id);
  };
  if (depth_ == 0) return outer;
  for (const Literal& literal : body) datalog::walk_variables(literal, take);
  for (const Expression& term : terms) {
    for (const VariableId id : datalog::variables_of(term)) take(id);
  }
  return outer;
}

// The values that the outer bodies give to `outer`: a set, made for this use.
void Lowerer::domain_literals(const std::set<VariableId>& outer, Body& body) {
  if (outer.empty()) return;
  ENTAIL_ENSURE(!frames_.empty() && frames_.back().body != nullptr);
  const Frame frame = frames_.back();
  Body* const around = frame.body;
  const std::uint32_t here = depth_;
  frames_.pop_back();
  depth_ = frame.depth;
  stage(*around);
  std::vector<datalog::Column> columns;
  std::vector<Expression> terms;
  for (const VariableId id : outer) {
    const datalog::Variable& variable = variables_[datalog::index_of(id)];
    columns.push_back({variable.name, variable.type, variable.nullable, {}});
    terms.push_back(mention(id));
  }
  const RelationId domain = new_relation("domain", std::move(columns), Collection::kSet);
  Body rule;
  domain_literals(outer_variables(*around, terms), rule);
  rule.insert(rule.end(), around->begin(), around->end());
  add_rule(domain, terms, std::move(rule));
  depth_ = here;
  frames_.push_back(frame);
  body.insert(body.begin(), Literal{Match{domain, std::move(terms), {}}, {}});
}

MadeRelation Lowerer::make_relation(std::string_view hint, Collection collection,
                                    std::vector<Alternative> alternatives) {
  ENTAIL_ENSURE(!alternatives.empty());
  std::set<VariableId> outer;
  for (const Alternative& alternative : alternatives) {
    outer.merge(outer_variables(alternative.body, alternative.terms));
  }
  MadeRelation made;
  made.outer.assign(outer.begin(), outer.end());
  std::vector<datalog::Column> columns;
  for (const VariableId id : outer) {
    const datalog::Variable& variable = variables_[datalog::index_of(id)];
    columns.push_back({variable.name, variable.type, variable.nullable, {}});
  }
  for (std::size_t i = 0; i < alternatives.front().terms.size(); ++i) {
    datalog::Column column;
    const Expression& first = alternatives.front().terms[i];
    column.name = first.op == ExpressionOp::kVariable
                      ? variables_[datalog::index_of(first.variable)].name
                      : "c" + std::to_string(i);
    column.type = collection == Collection::kSet ? stored(first.type) : first.type;
    for (Alternative& alternative : alternatives) {
      Expression& term = alternative.terms[i];
      if (collection == Collection::kSet) {
        term = stored(std::move(term));
      } else {
        term = convert(std::move(term), column.type);  // Numerics, displayed or not.
      }
      column.nullable = column.nullable || term.nullable;
    }
    made.columns.push_back(column);
    columns.push_back(std::move(column));
  }
  made.relation = new_relation(hint, std::move(columns), collection);
  for (Alternative& alternative : alternatives) {
    domain_literals(outer, alternative.body);
    std::vector<Expression> terms;
    for (const VariableId id : outer) terms.push_back(mention(id));
    for (Expression& term : alternative.terms) terms.push_back(std::move(term));
    add_rule(made.relation, std::move(terms), std::move(alternative.body));
  }
  return made;
}

std::vector<VariableId> Lowerer::read_relation(const MadeRelation& made, Body& body) {
  Match match;
  match.relation = made.relation;
  for (const VariableId id : made.outer) match.terms.push_back(mention(id));
  std::vector<VariableId> fresh;
  for (const datalog::Column& column : made.columns) {
    fresh.push_back(new_variable(column.name, column.type, column.nullable));
    match.terms.push_back(mention(fresh.back()));
  }
  body.push_back({std::move(match), {}});
  return fresh;
}

void Lowerer::stage(Body& body) {
  if (body.size() == 1 && std::holds_alternative<Match>(body.front().node)) return;
  if (body.empty()) return;
  std::set<VariableId> kept;
  for (const Literal& literal : body) kept.merge(datalog::exported_variables(literal));
  const std::set<VariableId> outer = outer_variables(body, {});
  Alternative all;
  Match match;
  for (const VariableId id : kept) {
    if (outer.count(id) == 0) all.terms.push_back(mention(id));
  }
  all.body = std::move(body);
  const std::vector<Expression> terms = all.terms;
  const MadeRelation made = make_relation("rows", Collection::kBag, {std::move(all)});
  match.relation = made.relation;
  for (const VariableId id : made.outer) match.terms.push_back(mention(id));
  match.terms.insert(match.terms.end(), terms.begin(), terms.end());
  body.clear();
  body.push_back({std::move(match), {}});
}

Rows Lowerer::materialized(Rows rows, std::string_view hint, Collection collection) {
  Alternative all;
  all.body = std::move(rows.body);
  for (const ScopeColumn& column : rows.columns) all.terms.push_back(column.value.value);
  const MadeRelation made = make_relation(hint, collection, {std::move(all)});
  rows.body.clear();
  const std::vector<VariableId> fresh = read_relation(made, rows.body);
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    ScopeColumn& column = rows.columns[i];
    variables_[datalog::index_of(fresh[i])].name = column.name;
    column.value.value = mention(fresh[i]);
    if (column.value.type.oid == oids::kNumeric) {
      column.value.value = convert(column.value.value, vm::Type::displayed_numeric());
    }
  }
  return rows;
}

}  // namespace entail::sql2datalog::internal
