// vm/json_text_test.cc - see json_text.h.

#include "vm/json_text.h"

#include <catch2/catch.hpp>
#include <string>

namespace entail::vm {
namespace {

std::string canonical(std::string_view text) {
  std::string out;
  return canonical_json(text, out) ? out : "refused";
}

TEST_CASE("equal JSON documents have one text") {
  CHECK(canonical(R"( {"b" : 1 , "a":[ true,null ]} )") == R"({"a":[true,null],"b":1})");
  CHECK(canonical(R"({"a":1,"a":2})") == R"({"a":2})");
  CHECK(canonical(R"("\u0041\/\n")") == R"("A/\n")");
  CHECK(canonical("1.50e1") == "15");
  CHECK(canonical("18446744073709551615") == "18446744073709551615");
  CHECK(canonical("[-0.0, 1.5, 1e300]") == "[0,1.5,1e+300]");
  CHECK(canonical(canonical(R"([1e-7, 0.1, 12345678901234567890123])")) ==
        canonical(R"([1e-7, 0.1, 12345678901234567890123])"));
}

TEST_CASE("what is not JSON is refused") {
  for (const std::string_view text : {"", "{", "nul", "[1,]", "'a'", "1 2", "\"\xff\"", "NaN"}) {
    CHECK(canonical(text) == "refused");
  }
  CHECK(canonical(std::string(1'000'000, '[')) == "refused");
  CHECK(canonical(std::string(1'001, '[') + std::string(1'001, ']')) == "refused");
  CHECK(canonical(std::string(1'000, '[') + std::string(1'000, ']')).size() == 2'000);
  const std::string brackets = "\"" + std::string(2'000, '[') + "\\\"" + "\"";
  CHECK(canonical(brackets) == brackets);
}

}  // namespace
}  // namespace entail::vm
