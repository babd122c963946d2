// vm/json_text.cc - see json_text.h.

#include "vm/json_text.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace entail::vm {

namespace {

constexpr int kNestingMax = 1'000;

// Whether brackets outside strings are ever open more than kNestingMax times. What is not JSON may
// be counted wrongly; the parser refuses it.
bool nested_too_deeply(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') {
        ++at;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kNestingMax) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

// 15.0 and -0.0 become 15 and 0, wherever the integer is exact.
void make_integers(nlohmann::json& value) {
  if (value.is_structured()) {
    for (nlohmann::json& part : value) make_integers(part);
  } else if (value.is_number_float()) {
    constexpr double kExactMax = 9007199254740992.0;  // 2^53
    const auto number = value.get<double>();
    if (std::fabs(number) <= kExactMax && number == std::trunc(number)) {
      value = static_cast<std::int64_t>(number);
    }
  }
}

}  // namespace

bool canonical_json(std::string_view text, std::string& out) {
  if (nested_too_deeply(text)) return false;
  nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  if (document.is_discarded()) return false;
  make_integers(document);
  out = document.dump();
  return true;
}

}  // namespace entail::vm
