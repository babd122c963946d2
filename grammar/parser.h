// grammar/parser.h - text -> syntax tree.
//
//     SourceFiles files;
//     Diagnostics diagnostics;
//     Program program = parse_text("shop.dl", text, {}, reader, files, diagnostics);
//     if (diagnostics.has_errors()) std::cerr << diagnostics.render(files);
//
// The way of a text
// -----------------
//     bytes -> preprocessor.h   includes, macros, #if; spans keep pointing into the files as
//     written
//           -> item_splitter.h  top-level items, by a hand-written scan; limits are judged here
//           -> ground facts     by hand (fact_parser.h): rows of literal constants, no ANTLR
//              anything else    ANTLR (Datalog.g4), one item at a time, its parse tree freed at
//              once
//           -> tree_builder.h   the nodes of syntax_tree.h
//
// After a mistake parsing goes on with the next item, so one run shows all mistakes (the first of
// each item, and up to Diagnostics::kErrorsMax in all). The program returned holds every item that
// was understood.
//
// Refusals are quick: text over program_limit is refused before it is scanned, nesting over
// nesting_limit and items of more than item_tokens_max tokens before ANTLR sees them; memory is
// bounded by the largest item plus the tree.
//
// Threads: any number may parse at once, each with its own files and diagnostics (ANTLR's caches
// are shared and lock, so it gains nothing).

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "grammar/diagnostics.h"
#include "grammar/source_span.h"
#include "grammar/syntax_tree.h"
#include "vm/base/expected.h"

namespace entail::grammar {

// How included files come in; the only way grammar looks at the world.
class FileReader {
 public:
  struct File {
    std::string
        // One name for one file, however it was spelled: cycles and `.once` are judged by it.
        name;
    std::string text;
  };

  virtual ~FileReader() = default;

  // Opens `name` as spelled in an include of the file `including` (a File::name, or empty for the
  // program itself). The usual order: beside the including file, then the directories of
  // --include-dir.
  virtual Expected<File> open(const std::string& name, const std::string& including) = 0;
};

// For programs that may not include: refuses every name.
class NoFiles : public FileReader {
 public:
  Expected<File> open(const std::string& name, const std::string& including) override;
};

struct ParseOptions {
  std::size_t program_limit = std::size_t{16}
                              << 20;  // Bytes, over all included text and what macros made of it.
  std::size_t nesting_limit = 200;    // Brackets and negations inside each other.
  std::size_t include_depth_max = 64;
  std::size_t item_tokens_max =
      100'000;  // Tokens of one clause or declaration; facts are not counted.
  std::vector<std::pair<std::string, std::string>>
      defines;                 // As `#define NAME VALUE` before the first line.
  bool fact_fast_path = true;  // Off: facts go through ANTLR too; same tree (tests).
};

// Parses a program held in memory. `name` is what diagnostics call it and, for `reader`, the
// including file.
Program parse_text(std::string name, std::string text, const ParseOptions& options,
                   FileReader& reader, SourceFiles& files, Diagnostics& diagnostics);

// The same of a file that `reader` opens. A file that does not open is an error among the
// diagnostics.
Program parse_file(const std::string& name, const ParseOptions& options, FileReader& reader,
                   SourceFiles& files, Diagnostics& diagnostics);

}  // namespace entail::grammar
