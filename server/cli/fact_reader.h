// server/cli/fact_reader.h - rows of a fact file, as batches of words.
//
// The way of a file: InputBytes -> a buffer of whole lines -> fields -> words -> a batch of up to
// kBatchRowsMax rows, column by column -> the sink. Numbers in files with a one-byte delimiter take
// a loop of their own; texts are interned a batch at a time.
//
// What a line may look like: form `delimited` as Souffle reads it (a final CR is dropped; with a
// delimiter that contains a comma, commas inside brackets do not count; numbers may have leading
// spaces), and RFC 4180 where asked for. Stricter than Souffle in one thing: fields behind the last
// column are an error, unless the parameter `columns` chose among them.
// A field "null" in a nullable column is null, and so is an empty one unless the column is text.
//
// Errors: kData, one line that names file, line and column:
//     facts/edge.facts:17: column 2 (y): 'abc' is not a number
// The rows before it may have reached the sink.
//
// Cost: 10 million rows of two numbers (166 MB) in 0.23 s, with a sink that copies them.
// Threads: one at a time; the pool may be shared.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "server/cli/fact_form.h"
#include "vm/base/cancel.h"
#include "vm/base/expected.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::cli {

inline constexpr std::size_t kBatchRowsMax = std::size_t{16} << 10;

// Takes `rows` rows, one array a word column; a relation without columns has one of zeros. The
// arrays are valid during the call. What it refuses ends the reading.
using RowSink =
    std::function<Expected<void>(std::span<const vm::Word* const> columns, std::size_t rows)>;

struct ReadOptions {
  const CancelToken* cancel = nullptr;
  // Bytes read at a time; small in tests, so that lines cross the buffer's end.
  std::size_t buffer_bytes = std::size_t{2} << 20;
};

// Returns the number of rows read.
Expected<std::uint64_t> read_facts(const FactForm& form, const RowShape& shape, vm::ValuePool& pool,
                                   const ReadOptions& options, const RowSink& sink);

}  // namespace entail::cli
