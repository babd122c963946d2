// tests/fuzz/sql_fuzz.cc - no text crashes the SQL parser, and what it accepts prints as what parses
// to the same tree.
//
// A libFuzzer target. `./dev fuzz sql [seconds]` builds it and starts from the statements of the tests.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "grammar/sql_parser.h"
#include "grammar/sql_printer.h"

using namespace entail::grammar::sql;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto statements = parse_sql(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!statements) return 0;
  for (const Statement& statement : *statements) {
    const auto again = parse_sql(print_sql(statement));
    // Printing may put parentheses where there were none, and so nest deeper than input may.
    if (!again && again.error().sqlstate() == "54001") continue;
    if (!again || again->size() != 1 || !(again->front() == statement)) std::abort();
  }
  return 0;
}
