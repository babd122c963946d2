// vm/json_text.cc - see json_text.h.

#include "vm/json_text.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

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

void print(const nlohmann::json& value, std::string& out) {
  bool first = true;
  const auto separate = [&] {
    if (!first) out += ", ";
    first = false;
  };
  if (value.is_array()) {
    out += '[';
    for (const nlohmann::json& element : value) {
      separate();
      print(element, out);
    }
    out += ']';
  } else if (value.is_object()) {
    std::vector<const std::string*> names;
    for (auto at = value.begin(); at != value.end(); ++at) names.push_back(&at.key());
    std::sort(names.begin(), names.end(), [](const std::string* a, const std::string* b) {
      return comes_first_in_jsonb(*a, *b);
    });
    out += '{';
    for (const std::string* name : names) {
      separate();
      out += nlohmann::json(*name).dump() + ": ";
      print(value.at(*name), out);
    }
    out += '}';
  } else {
    out += value.dump();
  }
}

}  // namespace

bool comes_first_in_jsonb(std::string_view name, std::string_view other) {
  return name.size() != other.size() ? name.size() < other.size() : name < other;
}

std::string printed_json(std::string_view canonical) {
  if (canonical.empty() || (canonical[0] != '{' && canonical[0] != '[')) {
    return std::string(canonical);
  }
  const nlohmann::json document = nlohmann::json::parse(canonical, nullptr, false);
  std::string out;
  print(document, out);
  return out;
}

bool canonical_json(std::string_view text, std::string& out) {
  if (nested_too_deeply(text)) return false;
  nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  if (document.is_discarded()) return false;
  make_integers(document);
  out = document.dump();
  return true;
}

}  // namespace entail::vm
