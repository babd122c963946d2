#include "server/engine/sql_error.h"

namespace entail::engine {

ErrorCode code_of_state(std::string_view sqlstate) {
  const std::string_view group = sqlstate.substr(0, 2);
  if (sqlstate == "0A000") return ErrorCode::kUnsupported;
  if (sqlstate == "57014") return ErrorCode::kCancelled;
  if (group == "53" || group == "54" || group == "72") return ErrorCode::kLimit;
  if (group == "58") return ErrorCode::kIo;
  if (group == "22" || group == "23" || group == "21") return ErrorCode::kData;
  if (sqlstate == "42P01" || sqlstate == "42704") return ErrorCode::kNotFound;
  if (group == "XX") return ErrorCode::kCorrupt;
  return ErrorCode::kInvalidArgument;
}

Error with_sqlstate(Error error) {
  if (error.sql != nullptr) return error;
  std::string_view state = "XX000";
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
      state = "22023";
      break;
    case ErrorCode::kNotFound:
      state = "42704";
      break;
    case ErrorCode::kUnsupported:
      state = "0A000";
      break;
    case ErrorCode::kData:
      state = "22000";
      break;
    case ErrorCode::kCorrupt:
      state = "XX001";
      break;
    case ErrorCode::kLimit:
      state = "54000";
      break;
    case ErrorCode::kCancelled:
      state = "57014";
      break;
    case ErrorCode::kIo:
      state = "58030";
      break;
  }
  SqlFields fields;
  fields.sqlstate = std::string(state);
  error.sql = std::make_shared<const SqlFields>(std::move(fields));
  return error;
}

}  // namespace entail::engine
