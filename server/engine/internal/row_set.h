// server/engine/internal/row_set.h - rows of one relation, held by column, with references to their texts.
//
// What a transaction keeps of its changes, and what a statement hands from one step to the next. Rows are
// word columns as in compiler/layout.h; the set owns a reference to each handle, so that the words stay
// readable whatever happens to the relations.
//
// Threads: the engine's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "compiler/layout.h"
#include "compiler/prepared_query.h"
#include "vm/base/ensure.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::engine {

class RowSet {
 public:
  RowSet(const compiler::RelationLayout& layout, vm::ValuePool& pool);
  ~RowSet() { clear(); }
  RowSet(RowSet&& other) noexcept;
  RowSet& operator=(RowSet&& other) noexcept;
  RowSet(const RowSet&) = delete;
  RowSet& operator=(const RowSet&) = delete;

  std::size_t size() const { return n_; }
  bool empty() const { return n_ == 0; }
  std::size_t width() const { return columns_.size(); }
  vm::Word word(std::size_t row, std::size_t column) const { return columns_[column][row]; }
  const std::vector<vm::Word>& column(std::size_t c) const { return columns_[c]; }
  vm::ValuePool& pool() const { return *pool_; }

  // A row from words in layout order.
  void append(std::span<const vm::Word> words);
  void append(const RowSet& other, std::size_t row);
  // Rows of a batch: word column c of this is batch column `first + c`.
  void append(const compiler::RowBatch& batch, std::size_t first = 0);
  void copy_row(std::size_t row, std::vector<vm::Word>& words) const;
  void set_word(std::size_t row, std::size_t column, vm::Word word);
  void truncate(std::size_t rows);
  void clear() { truncate(0); }

  std::span<const vm::Word* const> arrays() const;
  compiler::RowBatch batch() const { return {arrays(), n_}; }
  std::uint64_t bytes_used() const;
  // The same with what the texts among them would need if nobody else held them.
  std::uint64_t content_bytes() const;

 private:
  vm::ValuePool* pool_;
  std::vector<std::uint32_t> handle_columns_;
  std::vector<std::vector<vm::Word>> columns_;
  mutable std::vector<const vm::Word*> arrays_;
  std::size_t n_ = 0;
};

// Keys as bytes in memcmp order: what locks and sets of keys go by.
class KeyEncoder {
 public:
  KeyEncoder(const compiler::RelationLayout& layout, const vm::ValuePool& pool)
      : layout_(&layout), pool_(&pool) {}
  // Appends the key of a row; false where one of the columns is null.
  bool encode(const RowSet& rows, std::size_t row, std::span<const std::uint32_t> columns,
              std::string& out) const;
  // All columns, nulls too.
  void encode_row(const RowSet& rows, std::size_t row, std::string& out) const;

 private:
  const compiler::RelationLayout* layout_;
  const vm::ValuePool* pool_;
};

}  // namespace entail::engine
