// vm/lane_error.h - what an error register holds for each row of a batch.
//
// 0 is no error. Small numbers are errors without a value in their text: hot loops write them. All other
// words are a text of the value pool with SQLSTATE, message and detail, marked by a bit: it is made when a
// row fails, not when one does not. Errors of rules say what they always said; errors of SQL carry an
// SQLSTATE and PostgreSQL's words.
//
// Threads: pure functions; make_lane_error() interns.
#pragma once

#include <string>
#include <string_view>

#include "vm/base/expected.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::vm {

enum LaneError : Word {
  kNoLaneError = 0,
  // Below 100: vm::FunctorError.
  kDivisionByZero = 100,
  kDoesNotFit,
  kNoSuchElement,
  // SQL's.
  kSqlDivisionByZero = 200,
  kSmallintOutOfRange,
  kIntegerOutOfRange,
  kBigintOutOfRange,
  kFloatOverflow,
  kFloatUnderflow,
  kTimestampOutOfRange,
  kDateOutOfRange,
  kIntervalOutOfRange,
  kNumericOutOfRange,
};

// The error word of an SQL error that has a value in its text.
Word make_lane_error(ValuePool& pool, std::string_view sqlstate, std::string_view message,
                     std::string_view detail = {});

// The words of an error, without the place: "division by zero".
std::string lane_error_text(const ValuePool& pool, Word code);

// The error as it ends a run: of rules with its place, `where` and `text` as vm::Place has them; of SQL as
// PostgreSQL reports it.
Error lane_error(const ValuePool& pool, Word code, std::string_view where, std::string_view text);

// The same as SQL's clients are told it, whoever made it.
Error sql_error(const ValuePool& pool, Word code);

}  // namespace entail::vm
