// vm/internal/array_elements.h - arrays as SQL's functions read and make them.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "vm/internal/scalar_call.h"
#include "vm/value_codec.h"

namespace entail::vm {

// The elements of an array: runs of words, the null flag last.
class ArrayElements {
 public:
  ArrayElements(ScalarCall& call, std::size_t argument)
      : words_(call.pool().fields(call.argument(argument).word)) {
    const TypeId id = call.argument(argument).type.detail;
    type_ = call.types().array_element(id);
    nullable_ = call.types().array_element_nullable(id);
    stride_ = words_of(type_, nullable_);
  }
  std::int64_t size() const { return static_cast<std::int64_t>(words_.size() / stride_); }
  const Word* at(std::int64_t i) const {
    return words_.data() + static_cast<std::size_t>(i) * stride_;
  }
  bool is_null(std::int64_t i) const { return nullable_ && at(i)[stride_ - 1] != 0; }
  Type type() const { return type_; }

 private:
  std::span<const Word> words_;
  Type type_;
  bool nullable_ = false;
  unsigned stride_ = 1;
};

// An array of the result's type, put together element by element.
class ArrayBuilder {
 public:
  explicit ArrayBuilder(ScalarCall& call) : call_(call) {
    const TypeId id = call.result_type().detail;
    count_ = value_words(call.types().array_element(id));
    nullable_ = call.types().array_element_nullable(id);
  }
  void add(const Word* words, bool null) {
    for (unsigned i = 0; i < count_; ++i) words_.push_back(null ? 0 : words[i]);
    if (nullable_) words_.push_back(null ? 1 : 0);
  }
  void add(const ArrayElements& elements, std::int64_t from, std::int64_t to) {
    for (std::int64_t i = from; i < to; ++i) add(elements.at(i), elements.is_null(i));
  }
  void add_argument(std::size_t i) {
    const Word words[2] = {call_.argument(i).word, call_.argument(i).low};
    add(words, call_.is_null(i));
  }
  void give() { call_.give(call_.pool().intern_record(call_.result_type().detail, words_)); }

 private:
  ScalarCall& call_;
  unsigned count_ = 1;
  bool nullable_ = false;
  std::vector<Word> words_;
};

}  // namespace entail::vm
