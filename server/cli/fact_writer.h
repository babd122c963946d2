// server/cli/fact_writer.h - the rows of a relation as text, the way Souffle writes them.
//
//     file       1<tab>2                  the column names first with headers=true
//     stdout     ---------------          a heading around them; names below it with headers=true
//                path
//                ===============
//                1<tab>2
//                ===============
//     printsize  path<tab>2
//     nullary    ()                       one line when the proposition is true, none when not
//     rfc4180    "a ""b""",1              text always quoted, numbers never
//
// One thing differs from Souffle on purpose: with rfc4180 a quote inside a text column is doubled,
// as the RFC says and every reader expects; Souffle puts a backslash before the pair, and the text
// comes back longer by it. Texts inside records keep that backslash: there it is what Souffle's own
// reader needs.
//
// Rows are written in the order the source gives them.
// Cost: 10 million rows of two numbers (166 MB) in 0.4 to 0.7 s on a busy machine. Threads: one at a time.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "server/cli/fact_form.h"
#include "server/cli/output_bytes.h"
#include "vm/base/cancel.h"
#include "vm/base/expected.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::cli {

// Gives the next rows: up to `capacity` of them into one array a word column. 0 at the end.
using RowSource =
    std::function<std::size_t(std::span<vm::Word* const> columns, std::size_t capacity)>;

struct WriteOptions {
  const CancelToken* cancel = nullptr;
};

// Writes all rows with the heading that `form` asks for. `row_count` is what kPrintSize prints; the
// source is not asked then. Returns the bytes written (before packing).
// REQUIRES: `out` is the file of form.path, or standard output.
Expected<std::uint64_t> write_facts(const FactForm& form, const RowShape& shape,
                                    const vm::ValuePool& pool, const WriteOptions& options,
                                    std::uint64_t row_count, const RowSource& source,
                                    OutputBytes& out);

}  // namespace entail::cli
