// server/engine/internal/scram_verifier.h - what is kept of a password: "SCRAM-SHA-256$4096:salt$stored:server".
//
// Source: RFC 5802, RFC 7677; the form is PostgreSQL's. Threads: any.
#pragma once

#include <string>
#include <string_view>

#include "vm/base/expected.h"

namespace entail::engine {

Expected<std::string> make_scram_verifier(std::string_view password);

}  // namespace entail::engine
