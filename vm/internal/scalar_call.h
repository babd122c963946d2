// vm/internal/scalar_call.h - one call of an SQL function: its arguments, its result, or its error.
//
// The instruction CallScalar makes one ScalarCall and runs it for each row of a batch: set the arguments,
// call the function, take the result. What a function needs for longer (compiled patterns, buffers) stays
// in the ScalarContext, which is the worker's.
//
// An error is a word: a small number for the errors that hot loops find (vm/lane_error.h), else the text
// word of SQLSTATE and message, made only when the lane fails.
//
// Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vm/datetime.h"
#include "vm/lane_error.h"
#include "vm/scalar_functions.h"
#include "vm/value_pool.h"

namespace entail::vm {

// Compiled regular expressions, the most recent ones.
class PatternStore;

class ScalarContext {
 public:
  explicit ScalarContext(ValuePool& pool);
  ~ScalarContext();
  ScalarContext(const ScalarContext&) = delete;  // Caches stay with their thread.
  ScalarContext& operator=(const ScalarContext&) = delete;

  ValuePool& pool() { return pool_; }
  PatternStore& patterns() { return *patterns_; }

 private:
  ValuePool& pool_;
  std::unique_ptr<PatternStore> patterns_;
};

class ScalarCall {
 public:
  struct Argument {
    Type type;
    Word word = 0, low = 0;
    bool null = false;
  };

  ScalarCall(ScalarContext& context, Type result, const std::vector<Type>& arguments);

  ScalarContext& context() { return context_; }
  ValuePool& pool() { return context_.pool(); }
  const TypeTable& types() { return context_.pool().types(); }
  Type result_type() const { return result_type_; }
  std::vector<Argument>& arguments() { return arguments_; }
  std::size_t size() const { return arguments_.size(); }

  // ---- arguments
  const Argument& argument(std::size_t i) const { return arguments_[i]; }
  bool is_null(std::size_t i) const { return arguments_[i].null; }
  std::int64_t integer(std::size_t i) const { return int_of(arguments_[i].word); }
  double float8(std::size_t i) const { return double_of(arguments_[i].word); }
  Interval interval(std::size_t i) const {
    return interval_of(arguments_[i].word, arguments_[i].low);
  }
  // The bytes of a text, bytes, json or numeric argument, valid until the next row.
  std::string_view bytes(std::size_t i) { return pool().view(arguments_[i].word, scratches_[i]); }

  // ---- the result
  void clear() {
    word = 0;
    low = 0;
    null = false;
    error = 0;
  }
  void give(Word value) { word = value; }
  void give_integer(std::int64_t value) { word = int_word(value); }
  void give_bool(bool value) { word = value ? 1 : 0; }
  void give_float8(double value) { word = double_word(value); }
  void give_bytes(std::string_view value) { word = pool().intern(value); }
  void give_interval(const Interval& value) {
    const WordPair pair = interval_words(value);
    word = pair.high;
    low = pair.low;
  }
  void give_null() { null = true; }
  void fail(LaneError code) { error = code; }
  void fail(std::string_view sqlstate, std::string_view message, std::string_view detail = {}) {
    error = make_lane_error(pool(), sqlstate, message, detail);
  }

  Word word = 0, low = 0;
  bool null = false;
  Word error = 0;

 private:
  ScalarContext& context_;
  Type result_type_;
  std::vector<Argument> arguments_;
  std::vector<TextScratch> scratches_;
};

// The functions themselves, one for each line of the list; arguments of strict ones are not null.
namespace scalar {
#define SCALAR_FUNCTION(id, name, arguments, result, flags) void id(ScalarCall& call);
#include "vm/scalar_functions.def"
#undef SCALAR_FUNCTION
}  // namespace scalar

// The cast of the argument to the result's type; the argument is not null.
void run_cast(ScalarCall& call);

}  // namespace entail::vm
