// server/engine/internal/stored_row.h - rows of relations as keys and values of the store.
//
//     key     keyed relation   the key columns, each in its memcmp encoding (vm/value_codec.h)
//             set              the encoding of the whole row, or a prefix and a hash (store/row_key.h)
//             bag              the durable id: source 8, ordinal 8, big-endian
//     value   all columns in order, each in its memcmp encoding, null flags included
//
// Threads: pure, but that decoding interns into the pool.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/layout.h"
#include "datalog/rule_program.h"
#include "vm/base/expected.h"
#include "vm/standing_relation.h"
#include "vm/value_pool.h"

namespace entail::engine {

class StoredRowCodec {
 public:
  StoredRowCodec(const datalog::Relation& relation, const compiler::RelationLayout& layout,
                 vm::ValuePool& pool)
      : relation_(&relation), layout_(&layout), pool_(&pool) {}

  struct Key {
    std::string bytes;
    bool hashed = false;
  };
  // `id`: of bags.
  Key key(std::span<const std::vector<vm::Word>> columns, std::size_t row, vm::DurableId id) const;
  std::string value(std::span<const std::vector<vm::Word>> columns, std::size_t row) const;
  // Appends the words of a stored row to `columns`. False: the bytes are none that value() wrote.
  [[nodiscard]] bool decode(std::string_view bytes,
                            std::vector<std::vector<vm::Word>>& columns) const;
  // The same of one row by itself: `words` is the row then.
  [[nodiscard]] bool decode_row(std::string_view bytes, std::vector<vm::Word>& words) const;
  static bool decode_id(std::string_view key, vm::DurableId& id);

 private:
  void encode_column(std::span<const std::vector<vm::Word>> columns, std::size_t row,
                     std::uint32_t column, bool with_null, std::string& out) const;
  // Gives each word to put(position, word), in the order of the layout.
  template <typename Put>
  bool decode_words(std::string_view bytes, Put&& put) const;

  const datalog::Relation* relation_;
  const compiler::RelationLayout* layout_;
  vm::ValuePool* pool_;
};

}  // namespace entail::engine
