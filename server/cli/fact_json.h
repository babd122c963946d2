// server/cli/fact_json.h - rows as JSON, in the two forms Souffle has.
//
//     list      [[1, [2, null]], [4, null]]                      a row is an array
//     object    [{"a": 1, "b": {"x": 2, "y": null}}, …]          a row is an object
//
// A record is an array or an object of its fields, nil is null. An adt, which Souffle's JSON does
// not know, is its text ("$Circle(2)"); so are dates, uuids and the like, and a float that is no
// JSON number ("inf"). Reading takes either form row by row, and any value as a string of its text.
//
// The file is read whole before its first row is taken.
//
// Threads: one at a time.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/cli/fact_form.h"
#include "server/cli/fact_reader.h"
#include "server/cli/input_bytes.h"
#include "streams/formats/json_value.h"
#include "vm/base/expected.h"
#include "vm/value_pool.h"

namespace entail::cli {

// As read_facts(), for a file that is open.
Expected<std::uint64_t> read_json_facts(const FactForm& form, const RowShape& shape,
                                        vm::ValuePool& pool, const ReadOptions& options,
                                        const RowSink& sink, InputBytes& input);

using streams::append_json_string;
using streams::append_json_value;

}  // namespace entail::cli
