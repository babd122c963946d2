// vm/functors.h - the functions of the rule language over text, one value at a time.
//
// What they mean is what Souffle's functors mean: text is bytes, positions count from 0. A
// function that can fail returns a FunctorError; on failure its result is the one a program goes
// on with where Souffle goes on (the empty text of a substr out of range, the `false` of a bad
// pattern), and the caller decides whether that is a warning or the end.
//
// Text functions take and give text words; the words they give are fresh (vm/value_pool.h).
//
// Threads: a Functors is for one thread at a time; several may share a pool.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "vm/type.h"
#include "vm/value_pool.h"
#include "vm/value_text.h"
#include "vm/word.h"

namespace entail::vm {

enum class FunctorError : std::uint8_t {
  kNone,
  kNotANumber,       // to_number and its like: the text does not begin with a number.
  kOutOfRange,       // The number does not fit the type.
  kPositionOutside,  // substr: the position lies behind the end.
  kBadPattern,       // match: the pattern is not a regular expression RE2 takes.
};

// What the error says to a person; empty for kNone.
std::string_view functor_error_text(FunctorError error);

class Functors {
 public:
  explicit Functors(ValuePool& pool);
  ~Functors();
  Functors(const Functors&) = delete;  // Caches of compiled patterns stay with their thread.
  Functors& operator=(const Functors&) = delete;

  ValuePool& pool() { return pool_; }

  // ---- text to text

  Word cat(Word left, Word right);
  Word cat(std::span<const Word> parts);

  // `length` bytes from `position`, or as many as there are. A position behind the end, or
  // negative, gives "" and kPositionOutside; a negative length means "to the end", as in Souffle.
  FunctorError substr(Word text, std::int64_t position, std::int64_t length, Word& out);

  Word lower(Word text);  // ASCII letters only: other bytes stay.
  Word upper(Word text);
  Word trim(Word text);  // Without ASCII white space at both ends.
  // Every occurrence of `from`, left to right, replaced by `to`; an empty `from` changes nothing.
  Word replace(Word text, Word from, Word to);

  // ---- text to others

  std::size_t strlen(Word text) const { return pool_.text_size(text); }
  bool contains(Word needle, Word text) const;  // Argument order as in Souffle.
  bool starts_with(Word text, Word prefix) const;
  bool ends_with(Word text, Word suffix) const;

  // Whether the whole of `text` matches the regular expression. Each distinct pattern is compiled
  // once; the cache keeps the most recent ones.
  FunctorError match(Word pattern, Word text, bool& out);

  // Reads a number from the beginning of the text, after white space; what follows it is ignored,
  // and 0x and 0b are taken, as in Souffle. `width` is 32 or 64. On error `out` is 0.
  FunctorError to_number(Word text, unsigned width, Word& out) const;
  FunctorError to_unsigned(Word text, unsigned width, Word& out) const;
  FunctorError to_float8(Word text, Word& out) const;
  FunctorError to_float4(Word text, Word& out) const;

  // The text of a value as Souffle's to_string gives it for number, unsigned and float (six digits
  // after the point), and as print_value() for every other type.
  Word to_text(Type type, const Word* words);
  Word number_to_text(std::int64_t value);
  Word unsigned_to_text(std::uint64_t value);
  Word double_to_text(double value);

  // Souffle's ord: a number that is the same for equal texts of this run and differs for others.
  // It keeps the text for the life of the pool.
  Word ord(Word text, unsigned width);

 private:
  struct PatternCache;

  ValuePool& pool_;
  std::unique_ptr<PatternCache> patterns_;
  std::string buffer_;  // Where results are put together before they are interned.
};

}  // namespace entail::vm
