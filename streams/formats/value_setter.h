// streams/formats/value_setter.h - texts and JSON as values of a row under construction.
//
// What all decoders share: a value of any type from its text (vm/value_text.h), with the quick ways for
// texts, integers and floats, and a pool of its own for the rest.
//
// Threads: one at a time.

#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "streams/event_rows.h"
#include "vm/value_pool.h"

namespace entail::streams {

class ValueSetter {
 public:
  explicit ValueSetter(std::shared_ptr<const RowShape> shape)
      : shape_(std::move(shape)), pool_(shape_->types) {}

  // Before the rows of a batch: what the last one left is let go.
  void begin_batch() { pool_.end_step(); }

  // Whether `text` is a value of the column; if so it is set, if not `problem` says what is wrong.
  [[nodiscard]] bool set_text(EventRows& rows, std::size_t column, std::string_view text,
                              std::string& problem);
  // The same of a JSON text: for records, arrays and json.
  [[nodiscard]] bool set_json(EventRows& rows, std::size_t column, std::string_view text,
                              std::string& problem);
  // Words of our own pool.
  void set_words(EventRows& rows, std::size_t column, const vm::Word* words);

 private:
  std::shared_ptr<const RowShape> shape_;
  vm::ValuePool pool_;
  std::string scratch_;
};

}  // namespace entail::streams
