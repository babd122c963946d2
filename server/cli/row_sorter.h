// server/cli/row_sorter.h - rows in the order of their values, so that output never shows an accident.
//
// What the engine derives lies in an order that depends on hashing and threads. Before it is printed
// it is put in the order of its columns: numbers by size, texts by bytes, false before true, nil and
// null first, records and arrays element by element, adts by branch and then by fields.
//
// One or two columns of whole numbers whose ranges fit 64 bits together, the common case, are sorted
// as one number each.
//
// Cost: a copy of the rows, and 48 bytes a row while they are sorted; 16 in the common case.
// Threads: one at a time.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "server/cli/fact_form.h"
#include "server/cli/fact_writer.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::cli {

class SortedRows {
 public:
  // Takes all rows of `source`. Pool and shape must outlive the object.
  SortedRows(const RowShape& shape, const vm::ValuePool& pool, const RowSource& source);

  std::size_t size() const { return size_; }

  // The rows from the first one on, each time it is called. Valid as long as this object.
  RowSource source() const;

 private:
  // One column of packed rows: its part of the number, and the smallest value.
  struct PackedColumn {
    unsigned shift = 0;
    vm::Word mask = 0;
    vm::Word smallest = 0;  // As an unsigned number of the same order.
    vm::Word flip = 0;      // What turns that number back into the value's word.
  };

  bool pack();
  void sort_items();
  RowSource packed_source() const;

  const RowShape& shape_;
  const vm::ValuePool& pool_;
  std::vector<std::vector<vm::Word>> columns_;
  std::vector<std::uint32_t> order_;
  std::vector<vm::Word> packed_;  // Instead of columns and order.
  std::vector<PackedColumn> packed_columns_;
  std::size_t size_ = 0;
};

}  // namespace entail::cli
