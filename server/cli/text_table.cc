#include "server/cli/text_table.h"

#include <algorithm>
#include <utility>

#include "server/cli/result_printer.h"

namespace entail::cli {

void TextTable::add(std::vector<std::string> cells) {
  widths_.resize(std::max(widths_.size(), cells.size()));
  for (std::size_t i = 0; i < cells.size(); ++i) {
    widths_[i] = std::max(widths_[i], display_width(cells[i]));
  }
  rows_.push_back(std::move(cells));
}

void TextTable::print(const std::string& indent, bool last_is_text, std::string& out) const {
  for (const auto& row : rows_) {
    std::string line = indent;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string blanks(widths_[i] - display_width(row[i]), ' ');
      const bool left = (i == 0 && left_first_) || (last_is_text && i + 1 == widths_.size());
      if (i > 0) line += "  ";
      line += left ? row[i] + blanks : blanks + row[i];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
}

}  // namespace entail::cli
