#include "sql2datalog/internal/tree_walk.h"

namespace entail::sql2datalog::internal {

namespace ast = grammar::sql;

namespace {

class Search {
 public:
  explicit Search(const std::function<bool(const ast::Expression&)>& predicate)
      : predicate_(predicate) {}

  bool in(const ast::Expression& e) const {
    return predicate_(e) || std::visit([this](const auto& node) { return inside(node); }, e.node);
  }

 private:
  bool in_maybe(const grammar::Maybe<ast::Expression>& e) const { return e && in(*e); }
  bool in_all(const std::vector<ast::Expression>& list) const {
    for (const ast::Expression& e : list) {
      if (in(e)) return true;
    }
    return false;
  }

  template <typename Leaf>
  bool inside(const Leaf&) const {
    return false;
  }
  bool inside(const ast::Unary& n) const { return in(*n.operand); }
  bool inside(const ast::Binary& n) const { return in(*n.left) || in(*n.right); }
  bool inside(const ast::Logical& n) const { return in_all(n.operands); }
  bool inside(const ast::Not& n) const { return in(*n.operand); }
  bool inside(const ast::IsTest& n) const { return in(*n.operand); }
  bool inside(const ast::IsDistinct& n) const { return in(*n.left) || in(*n.right); }
  bool inside(const ast::Between& n) const { return in(*n.operand) || in(*n.low) || in(*n.high); }
  bool inside(const ast::InList& n) const { return in(*n.operand) || in_all(n.list); }
  bool inside(const ast::InQuery& n) const { return in(*n.operand); }
  bool inside(const ast::Like& n) const {
    return in(*n.operand) || in(*n.pattern) || in_maybe(n.escape);
  }
  bool inside(const ast::Quantified& n) const { return in(*n.left) || in_maybe(n.array); }
  bool inside(const ast::Cast& n) const { return in(*n.operand); }
  bool inside(const ast::Collate& n) const { return in(*n.operand); }
  bool inside(const ast::AtTimeZone& n) const { return in(*n.operand) || in(*n.zone); }
  bool inside(const ast::Subscript& n) const {
    if (in(*n.operand)) return true;
    for (const ast::SubscriptPart& part : n.parts) {
      if (in_maybe(part.lower) || in_maybe(part.upper)) return true;
    }
    return false;
  }
  bool inside(const ast::FieldSelection& n) const { return in(*n.operand); }
  bool inside(const ast::FunctionCall& n) const {
    for (const ast::Argument& argument : n.arguments) {
      if (in(*argument.value)) return true;
    }
    for (const ast::SortItem& item : n.order_by) {
      if (in(*item.expression)) return true;
    }
    if (n.over) {
      if (in_all(n.over->partition_by)) return true;
      for (const ast::SortItem& item : n.over->order_by) {
        if (in(*item.expression)) return true;
      }
    }
    return in_maybe(n.filter);
  }
  bool inside(const ast::SpecialCall& n) const { return in_all(n.arguments); }
  bool inside(const ast::Case& n) const {
    for (const ast::CaseBranch& branch : n.branches) {
      if (in(*branch.condition) || in(*branch.result)) return true;
    }
    return in_maybe(n.operand) || in_maybe(n.otherwise);
  }
  bool inside(const ast::Row& n) const { return in_all(n.fields); }
  bool inside(const ast::ArrayConstructor& n) const { return in_all(n.elements); }

  const std::function<bool(const ast::Expression&)>& predicate_;
};

}  // namespace

bool any_node(const ast::Expression& e,
              const std::function<bool(const ast::Expression&)>& predicate) {
  return Search(predicate).in(e);
}

std::vector<const grammar::sql::Expression*> fields_of(const grammar::sql::Expression& e) {
  std::vector<const grammar::sql::Expression*> fields;
  const auto* const row = e.as<grammar::sql::Row>();
  if (row == nullptr || row->fields.empty()) return {&e};
  for (const grammar::sql::Expression& field : row->fields) {
    for (const grammar::sql::Expression* inner : fields_of(field)) fields.push_back(inner);
  }
  return fields;
}

}  // namespace entail::sql2datalog::internal
