#include "tests/property/row_lines.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "vm/value_text.h"

namespace entail::testing {

using vm::Word;

std::string line_of(const datalog::Relation& relation, const compiler::RelationLayout& layout,
                    const vm::ValuePool& pool, const std::vector<std::vector<Word>>& columns,
                    std::size_t row) {
  if (relation.columns.empty()) return "()";
  std::string line;
  // A standing bag that rules derive has columns behind those that were declared.
  for (std::size_t i = 0; i < relation.columns.size(); ++i) {
    const compiler::ColumnLayout& column = layout.columns[i];
    Word words[3] = {0, 0, 0};
    for (std::uint32_t w = 0; w < column.word_count(); ++w) {
      words[w] = columns[column.first_word + w][row];
    }
    if (i > 0) line += '\t';
    vm::print_value(pool, column.type, column.nullable, words, {}, line);
  }
  return line;
}

void expect_equal(const std::string& name, const Lines& expected, const Lines& found) {
  if (expected == found) return;
  std::string message = "'" + name + "' has " + std::to_string(found.size()) + " rows instead of " +
                        std::to_string(expected.size());
  Lines missing, surplus;
  std::set_difference(expected.begin(), expected.end(), found.begin(), found.end(),
                      std::back_inserter(missing));
  std::set_difference(found.begin(), found.end(), expected.begin(), expected.end(),
                      std::back_inserter(surplus));
  constexpr std::size_t kShown = 5;
  for (std::size_t i = 0; i < std::min(kShown, missing.size()); ++i) {
    message += "\n  missing: " + missing[i];
  }
  for (std::size_t i = 0; i < std::min(kShown, surplus.size()); ++i) {
    message += "\n  surplus: " + surplus[i];
  }
  throw Broken{std::move(message)};
}

}  // namespace entail::testing
