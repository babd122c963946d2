// datalog/internal/tree_rename.h - gives the names in a syntax tree their full spelling.
//
// Instantiating a component and importing a module both copy items and rename what they define. A
// Renamer sees every place where a name of some kind stands, declarations included, and may change it.
// Cost: one walk of the tree. Threads: a value.
#pragma once

#include <functional>

#include "grammar/syntax_tree.h"

namespace entail::datalog {

struct Renamer {
  // Each may be empty: names of that kind are left alone.
  std::function<void(grammar::Name&)> relation;  // Atoms, heads, directives, declarations.
  std::function<void(grammar::Name&)> type;      // Types of columns and fields, casts, definitions.
  std::function<void(grammar::Name&)> branch;    // Branches of variants.
  std::function<void(grammar::Name&)>
      callable;  // Functions and decision tables, where called or declared.

  void walk(grammar::Item& item) const;
  void walk(grammar::Clause& clause) const;
  void walk(grammar::Formula& formula) const;
  void walk(grammar::Expr& expr) const;
  void walk(grammar::Atom& atom) const;
  void walk(grammar::TypeExpr& type_expr) const;
  void walk(grammar::Column& column) const;
  void walk(grammar::Block& block) const;

 private:
  void walk(grammar::SequencePattern& pattern) const;
  void walk(grammar::RelationDecl& decl) const;
  void walk(grammar::RuleDecl& rule) const;
  template <typename T>
  void walk(std::optional<T>& value) const {
    if (value) walk(*value);
  }
  template <typename T>
  void walk(std::vector<T>& values) const {
    for (T& value : values) walk(value);
  }
  static void apply(const std::function<void(grammar::Name&)>& rename, grammar::Name& name) {
    if (rename) rename(name);
  }
};

}  // namespace entail::datalog
