// vm/json_text.cc - see json_text.h.

#include "vm/json_text.h"

#include <nlohmann/json.hpp>

namespace entail::vm {

bool canonical_json(std::string_view text, std::string& out) {
  const nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  if (document.is_discarded()) return false;
  out = document.dump();
  return true;
}

}  // namespace entail::vm
