#include "server/cli/sql_printer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/cli/fact_json.h"
#include "sql2datalog/sql_type.h"
#include "vm/base/text.h"

namespace entail::cli {
namespace {

// Characters, which stand for columns of the terminal.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (;;) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

bool goes_right(const engine::OutputColumn& column) {
  return sql2datalog::is_number_type(column.type_oid) || sql2datalog::is_oid_like(column.type_oid);
}

// Whether the text form is a number of JSON: not NaN, not Infinity.
bool is_json_number(std::uint32_t oid, std::string_view text) {
  if (!sql2datalog::is_number_type(oid) && oid != sql2datalog::oids::kOid) return false;
  return text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
}

}  // namespace

void SqlPrinter::describe(const engine::ResultShape& shape) {
  if (shape_) return;  // Told again after a lock wait.
  shape_ = shape;
  if (format_ != OutputFormat::kCsv) return;
  for (std::size_t c = 0; c < shape.columns.size(); ++c) {
    if (c > 0) text_ += ',';
    print_csv_field(shape.columns[c].name);
  }
  text_ += '\n';
}

void SqlPrinter::row(const engine::RowView& row) {
  if (format_ == OutputFormat::kJson) return print_json_row(row);
  if (format_ == OutputFormat::kCsv) {
    std::string value;
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c > 0) text_ += ',';
      if (row.is_null(c)) continue;
      value.clear();
      row.append_text(c, settings_, value);
      print_csv_field(value);
    }
    text_ += '\n';
    return;
  }
  Row kept;
  kept.reserve(row.size());
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (row.is_null(c)) {
      kept.emplace_back();
    } else {
      kept.emplace_back(std::in_place);
      row.append_text(c, settings_, *kept.back());
    }
  }
  rows_.push_back(std::move(kept));
}

void SqlPrinter::copy_out(std::string_view bytes) {
  is_copy_ = true;
  text_ += bytes;
}

void SqlPrinter::finish(const std::string& tag) {
  if (format_ == OutputFormat::kTable) {
    if (shape_) {
      print_table();
    } else if (!is_copy_ && !tag.empty()) {
      text_ += tag + "\n";
    }
  }
  abandon();
}

void SqlPrinter::abandon() {
  shape_.reset();
  rows_.clear();
  is_copy_ = false;
}

std::string SqlPrinter::take_text() { return std::exchange(text_, {}); }

void SqlPrinter::print_csv_field(std::string_view text) {
  const bool needs_quotes = text.empty() || text.find_first_of(",\"\r\n") != std::string_view::npos;
  if (!needs_quotes) {
    text_ += text;
    return;
  }
  text_ += '"';
  for (const char c : text) {
    if (c == '"') text_ += '"';
    text_ += c;
  }
  text_ += '"';
}

void SqlPrinter::print_json_row(const engine::RowView& row) {
  text_ += '{';
  std::string value;
  for (std::size_t c = 0; c < row.size(); ++c) {
    const engine::OutputColumn& column = row.column(c);
    if (c > 0) text_ += ", ";
    append_json_string(column.name, text_);
    text_ += ": ";
    if (row.is_null(c)) {
      text_ += "null";
      continue;
    }
    value.clear();
    row.append_text(c, settings_, value);
    if (column.type_oid == sql2datalog::oids::kBool) {
      text_ += value == "t" ? "true" : "false";
    } else if (is_json_number(column.type_oid, value) ||
               column.type_oid == sql2datalog::oids::kJson ||
               column.type_oid == sql2datalog::oids::kJsonb) {
      text_ += value;
    } else {
      append_json_string(value, text_);
    }
  }
  text_ += "}\n";
}

// As psql's aligned format with border 1: values that have several lines end each but the last
// with a +.
void SqlPrinter::print_table() {
  const std::vector<engine::OutputColumn>& columns = shape_->columns;
  std::vector<std::size_t> widths;
  for (const engine::OutputColumn& column : columns) widths.push_back(width_of(column.name));
  for (const Row& row : rows_) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (!row[c]) continue;
      for (const std::string_view line : lines_of(*row[c])) {
        widths[c] = std::max(widths[c], width_of(line));
      }
    }
  }
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const std::size_t space = widths[c] - width_of(columns[c].name);
    text_ += c > 0 ? "| " : " ";
    text_.append(space / 2, ' ');
    text_ += columns[c].name;
    text_.append(space - space / 2, ' ');
    text_ += ' ';
  }
  text_ += '\n';
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (c > 0) text_ += '+';
    text_.append(widths[c] + 2, '-');
  }
  text_ += '\n';
  for (const Row& row : rows_) {
    std::vector<std::vector<std::string_view>> cells;
    std::size_t height = 1;
    for (const auto& value : row) {
      cells.push_back(lines_of(value ? std::string_view(*value) : std::string_view()));
      height = std::max(height, cells.back().size());
    }
    for (std::size_t l = 0; l < height; ++l) {
      for (std::size_t c = 0; c < cells.size(); ++c) {
        const std::string_view line = l < cells[c].size() ? cells[c][l] : std::string_view();
        const bool goes_on = l + 1 < cells[c].size();
        const bool is_last = c + 1 == cells.size();
        const std::size_t space = widths[c] - width_of(line);
        const bool is_right = goes_right(columns[c]);
        text_ += c > 0 ? "| " : " ";
        if (is_right) text_.append(space, ' ');
        text_ += line;
        if (!is_right && (!is_last || goes_on)) text_.append(space, ' ');
        if (goes_on) {
          text_ += '+';
        } else if (!is_last) {
          text_ += ' ';
        }
      }
      text_ += '\n';
    }
  }
  text_ += rows_.size() == 1 ? "(1 row)\n\n" : fmt::format("({} rows)\n\n", rows_.size());
}

}  // namespace entail::cli
