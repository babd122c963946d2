// server/cli/text_table.h - cells of text in aligned columns, for reports.
//
// Threads: one a table.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace entail::cli {

// Columns of text, all but the last to the right unless `left_first` keeps the first to the left.
class TextTable {
 public:
  explicit TextTable(bool left_first) : left_first_(left_first) {}

  void add(std::vector<std::string> cells);
  // Each line begins with `indent`; the last column is to the left if it `last_is_text`.
  void print(const std::string& indent, bool last_is_text, std::string& out) const;

 private:
  bool left_first_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace entail::cli
