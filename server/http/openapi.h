// server/http/openapi.h - what the door offers, described for programs and shown to people.
//
// Threads: pure. Source: OpenAPI 3.1.
#pragma once

#include <string_view>

namespace entail::http {

// The document of /openapi.json.
std::string_view openapi();
// A page that shows the document, and needs nothing from anywhere else.
std::string_view openapi_page();

}  // namespace entail::http
