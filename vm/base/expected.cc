#include "vm/base/expected.h"

namespace entail {

std::string_view error_code_name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid argument";
    case ErrorCode::kNotFound:
      return "not found";
    case ErrorCode::kUnsupported:
      return "not supported";
    case ErrorCode::kData:
      return "bad data";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kLimit:
      return "limit reached";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kIo:
      return "input or output failed";
  }
  ENTAIL_UNREACHABLE("every code is named above");
}

}  // namespace entail
