// compiler/layout.h - how the columns of the rule program become columns of words.
//
// A column takes its value words and, if it is nullable, one word more for the null flag. A relation
// without columns is stored as one column of 0, so that every row has a word.
//
//     r(x: number, u: uuid, t: symbol?)      words  0    1 2     3 4
//                                                   x    u.hi lo t null
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "datalog/rule_program.h"
#include "vm/relation.h"
#include "vm/type.h"
#include "vm/type_table.h"

namespace entail::compiler {

struct ColumnLayout {
  vm::Type type;
  bool nullable = false;
  std::uint32_t first_word = 0;
  std::uint32_t value_words = 1;

  std::uint32_t word_count() const { return value_words + (nullable ? 1 : 0); }
  std::uint32_t null_word() const { return first_word + value_words; }  // REQUIRES: nullable.
};

struct RelationLayout {
  std::vector<ColumnLayout> columns;
  std::vector<vm::ColumnOptions> words;  // Never empty.

  // The word columns of some columns, ascending where those are.
  std::vector<std::uint32_t> words_of_columns(const std::vector<std::uint32_t>& positions) const;
};

RelationLayout layout_of(const datalog::Relation& relation, const vm::TypeTable& types);

// Whether one word column holds the values in an order that an index or an extremum can use.
bool has_word_order(vm::Type type);

}  // namespace entail::compiler
