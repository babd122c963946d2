// server/cli/result_printer.h - rows for people and for other programs: --format.
//
//     table     x     | y          csv    x,y            json    {"x": 99990, "y": "a b"}
//              -------+-----              99990,a b
//               99990 | a b
//              (1 row)
//
// A table is aligned by the characters' width, numbers to the right; line ends and other control
// characters in it are shown as \n, \t or \x1b, so that a row is a line. CSV is RFC 4180 with a
// header, quotes where they are needed and bare line feeds; null is an empty field, an empty text is "". JSON is one
// object a line.
//
// Threads: one at a time.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "server/cli/fact_form.h"
#include "server/cli/fact_writer.h"
#include "server/cli/options.h"
#include "server/cli/output_bytes.h"
#include "vm/base/expected.h"
#include "vm/value_pool.h"

namespace entail::cli {

struct ResultStyle {
  OutputFormat format = OutputFormat::kTable;
  bool colours = false;
  std::string title;  // Printed above a table if it is not empty.
};

// `rows` gives a source that starts at the first row each time it is called; a table needs two
// passes, one for the widths.
Expected<void> print_result(const ResultStyle& style, const RowShape& shape,
                            const vm::ValuePool& pool, const std::function<RowSource()>& rows,
                            OutputBytes& out);

// Columns that the text takes on a terminal.
std::size_t display_width(std::string_view text);

}  // namespace entail::cli
