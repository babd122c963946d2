// server/cli/batch_builder.h - puts the fields of a row into word columns, batch by batch.
//
//     builder.set_number(0, 12);  builder.parse(1, "abc", message);  builder.end_row();
//     …
//     builder.flush();            // interns the texts of the batch, hands it to the sink
//
// Text columns keep views of the fields until flush(), so that a batch is interned at once; whoever
// owns the bytes flushes before they go.
//
// Threads: one at a time.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/cli/fact_form.h"
#include "server/cli/fact_reader.h"
#include "vm/base/expected.h"
#include "vm/value_pool.h"

namespace entail::cli {

class BatchBuilder {
 public:
  // The arguments must outlive the builder.
  BatchBuilder(const RowShape& shape, vm::ValuePool& pool, const RowSink& sink);

  bool full() const { return rows_ == kBatchRowsMax; }
  std::uint64_t rows_total() const { return rows_total_ + rows_; }

  // The arrays behind a column, for loops that know its kind; the row to fill is at row().
  vm::Word* words(std::size_t column) { return word_columns_[shape_.word_of_column[column]]; }
  std::string_view* texts(std::size_t column) { return texts_[column].data(); }
  std::size_t row() const { return rows_; }

  bool is_plain_text(std::size_t column) const { return !texts_[column].empty(); }

  // Sets the column from its text. The text must live until flush(). On failure `message` says
  // what is wrong with it.
  [[nodiscard]] bool parse(std::size_t column, std::string_view text, std::string& message);
  // The same for text whose bytes go away at once.
  [[nodiscard]] bool parse_passing(std::size_t column, std::string_view text, std::string& message);
  void set_null(std::size_t column);
  // Sets the column's words, the null flag included.
  void set_words(std::size_t column, const vm::Word* words);

  void end_row() { ++rows_; }

  // Hands the batch on; nothing happens when it is empty.
  Expected<void> flush();

 private:
  const RowShape& shape_;
  vm::ValuePool& pool_;
  const RowSink& sink_;
  std::vector<std::vector<vm::Word>> storage_;
  std::vector<vm::Word*> word_columns_;
  std::vector<std::vector<std::string_view>> texts_;  // Per column; empty where not plain text.
  std::size_t rows_ = 0;
  std::uint64_t rows_total_ = 0;
};

}  // namespace entail::cli
