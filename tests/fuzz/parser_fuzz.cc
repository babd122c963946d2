// tests/fuzz/parser_fuzz.cc - no text crashes the parser, and what it accepts prints as what parses
// to the same tree.
//
// A libFuzzer target. `./dev fuzz [seconds]` builds it and starts from the programs of the examples
// and tests.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "grammar/parser.h"
#include "grammar/printer.h"

using namespace entail::grammar;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  ParseOptions options;
  options.program_limit = std::size_t{1} << 16;
  NoFiles reader;
  SourceFiles files;
  Diagnostics diagnostics;
  const Program program = parse_text("fuzz.dl", text, options, reader, files, diagnostics);
  static_cast<void>(diagnostics.render(files));
  if (diagnostics.has_errors()) return 0;

  // Printing may make the text longer, and parentheses deeper, than the limits allow for input.
  ParseOptions wide;
  wide.nesting_limit = 4 * options.nesting_limit;
  wide.item_tokens_max = 4 * options.item_tokens_max;
  SourceFiles printed_files;
  Diagnostics printed_diagnostics;
  const Program again =
      parse_text("printed.dl", print(program), wide, reader, printed_files, printed_diagnostics);
  if (printed_diagnostics.has_errors() || !(again == program)) std::abort();
  return 0;
}
