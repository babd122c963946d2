// streams/event_rows.h - decoded rows on their way from a source to the engine, held by column.
//
// A source decodes on its own thread, while the engine's pool belongs to the engine's. So rows are made
// of what needs no pool: a word is final where the value fits one, and names bytes of the batch where it
// would be a handle. intern() on the engine's thread turns those into handles, many at a time.
//
//     decoder   rows.begin_row(); rows.set_text(0, "c-17"); … rows.end_row(origin);
//     engine    rows.intern(pool); rows.words(c)[i]
//
// A row has the layout of its relation (compiler/layout.h): value words of each column, then its null flag
// where the column is nullable. A value that is not set is null, in a column that can be; decoders see to it
// that others are set.
//
// Cost: nothing is allocated per row once the columns have grown. Threads: one at a time.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/layout.h"
#include "datalog/rule_program.h"
#include "streams/position.h"
#include "vm/base/ensure.h"
#include "vm/type_table.h"
#include "vm/value_pool.h"

namespace entail::streams {

// What rows of a relation are like; of its own, so that another thread may keep it.
struct RowShape {
  std::string relation;
  std::vector<datalog::Column> columns;
  std::vector<std::uint32_t> key;  // Positions; empty: none is declared.
  compiler::RelationLayout layout;
  vm::TypeTable types;

  static std::shared_ptr<const RowShape> of(const datalog::Relation& relation,
                                            const vm::TypeTable& types);
};

// Where a row was read.
struct RowOrigin {
  std::uint32_t partition = 0;  // Place in SourceBatch::partitions.
  Position at;
  Position next;                              // Where to go on behind it.
  std::uint32_t raw_begin = 0, raw_size = 0;  // Its bytes, in SourceBatch::raw.
};

class EventRows {
 public:
  EventRows() = default;
  explicit EventRows(std::shared_ptr<const RowShape> shape);
  EventRows(EventRows&&) = default;
  EventRows& operator=(EventRows&&) = default;

  const RowShape& shape() const { return *shape_; }
  std::size_t size() const { return origins_.size(); }
  bool empty() const { return origins_.empty(); }
  std::size_t bytes_used() const;

  // --- writing. begin_row(), any set_…(), then end_row() or drop_row().
  void begin_row();
  // A value whose words are no handles: value_words() of them.
  void set_words(std::size_t column, const vm::Word* words);
  void set_word(std::size_t column, vm::Word word) { set_words(column, &word); }
  // Text, bytes, json (canonical) or numeric (its canonical bytes).
  void set_text(std::size_t column, std::string_view bytes);
  // Records, arrays and what else is made of values: as vm/value_codec.h encodes it.
  void set_encoded(std::size_t column, std::string_view encoded);
  // REQUIRES: the column is nullable.
  void set_null(std::size_t column);
  void end_row(const RowOrigin& origin);
  void drop_row();

  // --- reading
  const RowOrigin& origin(std::size_t row) const { return origins_[row]; }
  // Words that would be handles become those of the pool: fresh, nobody has retained them. Once.
  void intern(vm::ValuePool& pool);
  // REQUIRES: intern().
  const std::vector<vm::Word>& words(std::size_t word_column) const { return words_[word_column]; }

 private:
  struct Piece {
    std::uint32_t begin = 0, size = 0;  // In bytes_.
  };
  vm::Word keep(std::string_view bytes);

  std::shared_ptr<const RowShape> shape_;
  std::vector<std::vector<vm::Word>> words_;
  std::vector<RowOrigin> origins_;
  std::vector<Piece> pieces_;
  std::string bytes_;
  std::size_t pieces_before_ = 0, bytes_before_ = 0;  // At begin_row().
  bool is_interned_ = false;
};

}  // namespace entail::streams
