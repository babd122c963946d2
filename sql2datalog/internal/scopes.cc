// Names: which column a name means, and what a star stands for.

#include <algorithm>
#include <utility>

#include "sql2datalog/internal/lowerer.h"

namespace entail::sql2datalog::internal {

namespace {

std::string dotted(const std::vector<ast::Identifier>& parts) {
  std::string text;
  for (const ast::Identifier& part : parts) text += (text.empty() ? "" : ".") + part.text;
  return text;
}

// `t` or `s.t` before the column's name.
bool is_item(const ScopeItem& item, const std::vector<ast::Identifier>& parts, std::size_t count) {
  if (count == 1) return item.alias == parts[0].text;
  return item.alias == parts[count - 1].text && item.schema == parts[count - 2].text;
}

}  // namespace

const ScopeColumn* Lowerer::find_column(const ast::ColumnRef& name, const Scope* scope,
                                        ast::Span span) {
  const std::string& last = name.parts.back().text;
  if (name.parts.size() == 1) {
    for (; scope != nullptr; scope = scope->outer) {
      const ScopeColumn* found = nullptr;
      for (const VisibleColumn& visible : scope->visible) {
        if (visible.column.name != last) continue;
        if (found != nullptr) fail("42702", "column reference \"" + last + "\" is ambiguous", span);
        found = &visible.column;
      }
      if (found != nullptr) return found;
      for (const ScopeItem& item : scope->items) {
        if (item.scalar_function && item.alias == last) return &item.columns.front();
      }
    }
    return nullptr;
  }
  for (; scope != nullptr; scope = scope->outer) {
    const ScopeItem* found = nullptr;
    for (const ScopeItem& item : scope->items) {
      if (!is_item(item, name.parts, name.parts.size() - 1)) continue;
      if (found != nullptr) {
        fail("42P09", "table reference \"" + item.alias + "\" is ambiguous", span);
      }
      found = &item;
    }
    if (found == nullptr) continue;
    const ScopeColumn* column = nullptr;
    for (const ScopeColumn& candidate : found->columns) {
      if (candidate.name != last) continue;
      if (column != nullptr) fail("42702", "column reference \"" + last + "\" is ambiguous", span);
      column = &candidate;
    }
    if (column == nullptr) {
      fail("42703", "column " + dotted(name.parts) + " does not exist", span);
    }
    return column;
  }
  return nullptr;
}

const ScopeColumn& Lowerer::resolve_column(const ast::ColumnRef& name, const Scope* scope,
                                           ast::Span span) {
  if (const ScopeColumn* const found = find_column(name, scope, span)) return *found;
  if (name.parts.size() > 1) {
    std::vector<ast::Identifier> table = name.parts;
    table.pop_back();
    fail("42P01", "missing FROM-clause entry for table \"" + table.back().text + "\"", span);
  }
  for (const Scope* at = scope; at != nullptr; at = at->outer) {
    for (const ScopeItem& item : at->items) {
      if (item.alias == name.parts.back().text) unsupported("a whole row as a value", span);
    }
  }
  fail("42703", "column \"" + name.parts.back().text + "\" does not exist", span);
}

void Lowerer::expand_star(const ast::ColumnRef& star, const Scope& scope, ast::Span span,
                          std::vector<ScopeColumn>& out) {
  if (star.parts.empty()) {
    if (scope.items.empty()) {
      fail("42601", "SELECT * with no tables specified is not valid", span);
    }
    for (const VisibleColumn& visible : scope.visible) out.push_back(visible.column);
    return;
  }
  for (const Scope* at = &scope; at != nullptr; at = at->outer) {
    for (const ScopeItem& item : at->items) {
      if (!is_item(item, star.parts, star.parts.size())) continue;
      out.insert(out.end(), item.columns.begin(), item.columns.end());
      return;
    }
  }
  fail("42P01", "missing FROM-clause entry for table \"" + star.parts.back().text + "\"", span);
}

std::uint32_t Lowerer::position(ast::Span span) const {
  if (view_depth_ > 0 || span.end == 0 || span.begin > context_.text.size()) return 0;
  std::uint32_t characters = 1;
  for (std::uint32_t i = 0; i < span.begin; ++i) {
    if ((static_cast<unsigned char>(context_.text[i]) & 0xC0U) != 0x80U) ++characters;
  }
  return characters;
}

void Lowerer::fail(std::string_view sqlstate, std::string message, ast::Span span, std::string hint,
                   std::string detail) const {
  SqlFields fields;
  fields.sqlstate = sqlstate;
  fields.position = position(span);
  fields.hint = std::move(hint);
  fields.detail = std::move(detail);
  const ErrorCode code =
      sqlstate == "0A000" ? ErrorCode::kUnsupported : ErrorCode::kInvalidArgument;
  throw LoweringStop{
      Error{code, std::move(message), std::make_shared<const SqlFields>(std::move(fields))}};
}

void Lowerer::unsupported(std::string construct, ast::Span span) const {
  fail("0A000", std::move(construct) + " is not supported yet", span);
}

}  // namespace entail::sql2datalog::internal
