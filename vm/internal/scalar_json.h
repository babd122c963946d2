// vm/internal/scalar_json.h - a value as a JSON document, whose dump() is the canonical text.
//
// Threads: one.
#pragma once

#include <nlohmann/json.hpp>

#include "vm/internal/scalar_call.h"

namespace entail::vm {

nlohmann::json json_of(ScalarCall& call, Type type, const Word* words);

}  // namespace entail::vm
