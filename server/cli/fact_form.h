// server/cli/fact_form.h - what a directive says about a file: where it lies and how its rows look.
//
//     .input edge(filename="roads.csv", rfc4180=true, headers=true)
//         FactForm{path = "<facts>/roads.csv", rfc4180, headers, delimiter ","}
//
// Parameters (Souffle's names and defaults)
//     IO            file (default), stdin, stdout, stdoutprintsize, jsonfile, json
//     filename      default NAME.facts to read; NAME.csv, NAME.csv.gz or NAME.json to write;
//                   relative ones lie in the directory of -F or -D
//     name          what NAME is; default the relation's name
//     delimiter     any text; default a tab, or a comma with rfc4180
//     headers       true: the first line names the columns
//     rfc4180       true: fields may be quoted, and may then hold delimiters and line ends
//     columns       "2:0": which field of a line goes to the first column, to the second, …
//     compress      present: written with gzip; a name that ends in .gz is, too. Reading looks at
//                   the bytes and needs no parameter
//     format        list (default) or object: how JSON rows are written; reading takes both
//
// sqlite and other connectors are refused by name. A parameter nobody knows is kept silent about,
// as in Souffle, whose programs pass parameters to plug-ins.
//
// Threads: pure functions.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "datalog/rule_program.h"
#include "vm/base/expected.h"
#include "vm/type.h"
#include "vm/value_text.h"

namespace entail::cli {

enum class Medium : std::uint8_t {
  kFile,
  kStandard,   // Standard input or output.
  kPrintSize,  // `NAME<tab>COUNT` on standard output.
};

enum class RowSyntax : std::uint8_t { kDelimited, kJson };

inline constexpr std::int32_t kIgnoredField = -1;

struct FactForm {
  std::string relation;  // As the program names it, for messages.
  std::string title;     // The parameter `name`: the heading on standard output.
  Medium medium = Medium::kFile;
  RowSyntax syntax = RowSyntax::kDelimited;
  std::string path;  // kFile; empty otherwise.
  std::string delimiter = "\t";
  bool headers = false;
  bool rfc4180 = false;
  bool gzip = false;          // For writing.
  bool json_objects = false;  // For writing.
  // Field of a line -> column of the relation, or kIgnoredField. Empty: field i is column i and a
  // line has no others.
  std::vector<std::int32_t> column_of_field;
  std::string header_line;  // The column names, joined by the delimiter.
};

// The columns of a relation as files see them.
struct RowShape {
  std::vector<datalog::Column> columns;
  std::uint32_t word_count = 0;               // Words of a row.
  std::vector<std::uint32_t> word_of_column;  // First word of each column.
  vm::FloatStyle floats = vm::FloatStyle::kSouffleIo;
};

RowShape row_shape(const datalog::Relation& relation);

// REQUIRES: directive.kind is kInput. Fails with kUnsupported for a connector that is not built,
// kInvalidArgument for parameters that contradict each other; the message names the relation.
Expected<FactForm> input_form(const datalog::Directive& directive,
                              const datalog::Relation& relation, const std::string& directory);

// REQUIRES: directive.kind is kOutput or kPrintSize. `directory` is "-" for `-D-`, which sends all
// outputs to standard output, with headers.
Expected<FactForm> output_form(const datalog::Directive& directive,
                               const datalog::Relation& relation, const std::string& directory);

}  // namespace entail::cli
