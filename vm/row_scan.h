// vm/row_scan.h - all rows that the writer of a standing relation sees, at once or a part at a time.
//
// Rows come in the order of StandingRelation::scan(). What came last, rows and words, is good until the
// next call of next().
// REQUIRES: the relation outlives the scan and is not changed while it goes on.
//
// Threads: the relation's writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "vm/standing_relation.h"

namespace entail::vm {

// All rows. Cost: a word of memory for every two.
inline std::vector<Row> visible_rows(const StandingRelation& relation) {
  std::vector<Row> rows(relation.size());
  Row position = 0;
  rows.resize(relation.scan(View::kTotal, position, rows.data(), rows.size()));
  return rows;
}

//     for (RowScan scan(relation); scan.next();) use(scan.rows());
class RowScan {
 public:
  static constexpr std::size_t kRowsAtOnce = 1024;

  explicit RowScan(const StandingRelation& relation, std::size_t rows_at_once = kRowsAtOnce)
      : relation_(relation), rows_(rows_at_once) {}

  // Goes to the next part; false at the end.
  bool next() {
    n_ = relation_.scan(View::kTotal, position_, rows_.data(), rows_.size());
    return n_ > 0;
  }
  std::span<const Row> rows() const { return {rows_.data(), n_}; }
  // The words of rows(), one array per column. Cost: reads all columns at each call.
  std::span<const Word* const> load_words() {
    words_.resize(relation_.column_count(), std::vector<Word>(rows_.size()));
    arrays_.clear();
    for (std::uint32_t c = 0; c < words_.size(); ++c) {
      relation_.load(c, rows_.data(), n_, words_[c].data());
      arrays_.push_back(words_[c].data());
    }
    return arrays_;
  }

 private:
  const StandingRelation& relation_;
  Row position_ = 0;
  std::size_t n_ = 0;
  std::vector<Row> rows_;
  std::vector<std::vector<Word>> words_;
  std::vector<const Word*> arrays_;
};

}  // namespace entail::vm
