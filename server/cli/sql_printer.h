// server/cli/sql_printer.h - the rows of a statement as people and programs read them.
//
//     table   as psql aligns them: header, a rule of dashes, numbers to the right, (2 rows)
//     csv     RFC 4180 with a header; a null is an empty field without quotes
//     json    one object a line; numbers and booleans as such, everything else as text
//
// Rows are kept until the statement ends, for the width of a column is that of its widest value;
// csv and json go out as they come.
//
// Threads: one owner.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "server/cli/options.h"
#include "server/engine/result.h"

namespace entail::cli {

class SqlPrinter final : public engine::RowSink {
 public:
  // `settings` must outlive the printer.
  SqlPrinter(OutputFormat format, const engine::TextSettings& settings)
      : format_(format), settings_(settings) {}

  void describe(const engine::ResultShape& shape) override;
  void row(const engine::RowView& row) override;
  void copy_out(std::string_view bytes) override;

  // The statement has ended: what is left to print of it, and its tag where it has no rows.
  void finish(const std::string& tag);
  // It failed: nothing more is printed of it.
  void abandon();

  // The text so far. Everything that is to be written goes through here.
  std::string take_text();

 private:
  using Row = std::vector<std::optional<std::string>>;

  void print_table();
  void print_csv_field(std::string_view text);
  void print_json_row(const engine::RowView& row);

  OutputFormat format_;
  const engine::TextSettings& settings_;
  std::optional<engine::ResultShape> shape_;
  bool is_copy_ = false;
  std::vector<Row> rows_;
  std::string text_;
};

}  // namespace entail::cli
