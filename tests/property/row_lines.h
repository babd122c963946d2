// tests/property/row_lines.h - rows of any engine as lines of text, and how two answers differ.
//
// A line is what the reference evaluator prints (tests/oracle/reference_evaluator.h): the values
// separated by tabs, `()` for a row without columns.
//
// Threads: pure.
#pragma once

#include <string>
#include <vector>

#include "compiler/layout.h"
#include "datalog/rule_program.h"
#include "vm/value_pool.h"

namespace entail::testing {

using Lines = std::vector<std::string>;  // Sorted.

// A disagreement on its way out of a check.
struct Broken {
  std::string message;
};

// Row number `row` of `columns`, which hold an array a word column.
std::string line_of(const datalog::Relation& relation, const compiler::RelationLayout& layout,
                    const vm::ValuePool& pool, const std::vector<std::vector<vm::Word>>& columns,
                    std::size_t row);

// Throws Broken with a few of the lines that are missing or too many.
void expect_equal(const std::string& name, const Lines& expected, const Lines& found);

}  // namespace entail::testing
