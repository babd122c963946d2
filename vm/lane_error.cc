#include "vm/lane_error.h"

#include <utility>

#include "vm/functors.h"

namespace entail::vm {

namespace {

// Set in words that are texts; handles and inline texts are below it and above the small numbers.
constexpr Word kTextMark = Word{1} << 62;
constexpr char kSeparator = '\x1f';

struct Static {
  std::string_view sqlstate, message;
};

Static static_error(Word code) {
  switch (code) {
    case kDivisionByZero:
      return {"", "division by zero"};
    case kDoesNotFit:
      return {"", "the result does not fit its type"};
    case kNoSuchElement:
      return {"", "the array has no such element"};
    case kSqlDivisionByZero:
      return {"22012", "division by zero"};
    case kSmallintOutOfRange:
      return {"22003", "smallint out of range"};
    case kIntegerOutOfRange:
      return {"22003", "integer out of range"};
    case kBigintOutOfRange:
      return {"22003", "bigint out of range"};
    case kFloatOverflow:
      return {"22003", "value out of range: overflow"};
    case kFloatUnderflow:
      return {"22003", "value out of range: underflow"};
    case kTimestampOutOfRange:
      return {"22008", "timestamp out of range"};
    case kDateOutOfRange:
      return {"22008", "date out of range"};
    case kIntervalOutOfRange:
      return {"22008", "interval out of range"};
    case kNumericOutOfRange:
      return {"22003", "value overflows numeric format"};
    default:
      return {"", functor_error_text(static_cast<FunctorError>(code))};
  }
}

struct Parts {
  std::string sqlstate, message, detail;
};

Parts parts_of(const ValuePool& pool, Word code) {
  if ((code & kTextMark) == 0) {
    const Static fixed = static_error(code);
    return {std::string(fixed.sqlstate), std::string(fixed.message), {}};
  }
  TextScratch scratch;
  const std::string_view text = pool.view(code & ~kTextMark, scratch);
  const std::size_t end = text.find(kSeparator, 5);
  return {std::string(text.substr(0, 5)), std::string(text.substr(5, end - 5)),
          std::string(text.substr(end + 1))};
}

}  // namespace

Word make_lane_error(ValuePool& pool, std::string_view sqlstate, std::string_view message,
                     std::string_view detail) {
  std::string text(sqlstate);
  text += message;
  text += kSeparator;
  text += detail;
  return pool.intern(text) | kTextMark;  // Long enough to be a handle: its upper bits are free.
}

std::string lane_error_text(const ValuePool& pool, Word code) {
  return parts_of(pool, code).message;
}

Error sql_error(const ValuePool& pool, Word code) {
  Parts parts = parts_of(pool, code);
  SqlFields fields;
  fields.sqlstate = std::move(parts.sqlstate);
  if (fields.sqlstate.empty()) {
    fields.sqlstate = code == kDivisionByZero ? "22012" : code == kDoesNotFit ? "22003" : "22000";
  }
  fields.detail = std::move(parts.detail);
  return {ErrorCode::kData, std::move(parts.message),
          std::make_shared<const SqlFields>(std::move(fields))};
}

Error lane_error(const ValuePool& pool, Word code, std::string_view where, std::string_view text) {
  const Parts parts = parts_of(pool, code);
  if (!parts.sqlstate.empty()) return sql_error(pool, code);
  return {ErrorCode::kData,
          std::string(where) + "error: " + parts.message + " in '" + std::string(text) + "'",
          nullptr};
}

}  // namespace entail::vm
