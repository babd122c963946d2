// streams/formats/csv_rows.h - records that are lines of fields: RFC 4180, with any one-byte delimiter.
//
//     id,card,amount,ts
//     p1,c17,12.50,2026-01-01T10:00:00Z
//     p2,"c ""18""",0.99,2026-01-01T10:00:01Z
//
// Fields stand for the columns in their order, or, with a header, by its names: a field that no column is
// called is left out. A field without quotes that is the null text is null in a column that can be. Line
// ends within quotes belong to the field.
//
// Threads: one at a time.

#pragma once

#include <memory>
#include <string>

#include "streams/formats/row_decoder.h"

namespace entail::streams {

struct CsvOptions {
  char delimiter = ',';
  bool header = false;
  std::string null_text;
};

std::unique_ptr<RowDecoder> make_csv_rows(std::shared_ptr<const RowShape> shape,
                                          CsvOptions options);

}  // namespace entail::streams
