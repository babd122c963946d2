#include "server/cli/fact_json.h"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>
#include <vector>

#include "server/cli/batch_builder.h"
#include "streams/formats/json_value.h"
#include "vm/base/text.h"

namespace entail::cli {
namespace {

using nlohmann::json;
using vm::Word;

// --- reading ---------------------------------------------------------------------------------------

// Puts one row of JSON into the batch. Returns what is wrong with it, or nothing.
std::string store_row(const json& row, const RowShape& shape, streams::JsonValueReader& values,
                      BatchBuilder& batch) {
  if (!row.is_structured()) {
    return streams::json_excerpt(row) + " is neither an array nor an object";
  }
  if (row.size() != shape.columns.size()) {
    return fmt::format("{} where there should be {}", count_of(row.size(), "value"),
                       shape.columns.size());
  }
  std::string message;
  for (std::size_t column = 0; column < shape.columns.size(); ++column) {
    const datalog::Column& described = shape.columns[column];
    const json* value = nullptr;
    if (row.is_array()) {
      value = &row[column];
    } else if (const auto found = row.find(described.name); found != row.end()) {
      value = &*found;
    } else {
      return fmt::format("column {} ({}) is missing", column + 1, described.name);
    }
    Word words[3] = {0, 0, 0};
    if (!values.read(*value, described.type, described.nullable, words, message)) {
      return fmt::format("column {} ({}): {}", column + 1, described.name, message);
    }
    batch.set_words(column, words);
  }
  batch.end_row();
  return {};
}

}  // namespace

Expected<std::uint64_t> read_json_facts(const FactForm& form, const RowShape& shape,
                                        vm::ValuePool& pool, const ReadOptions& options,
                                        const RowSink& sink, InputBytes& input) {
  std::string text;
  for (;;) {
    const std::size_t size = text.size();
    text.resize(size + options.buffer_bytes);
    auto got = input.read(text.data() + size, options.buffer_bytes);
    if (!got) return unexpected(got.error());
    text.resize(size + *got);
    if (*got == 0) break;
  }
  json document;
  try {
    document = json::parse(text);
  } catch (const json::parse_error& error) {
    return unexpected(ErrorCode::kData,
                      fmt::format("{}: not JSON: {}", input.name(), error.what()));
  }
  text = std::string();
  BatchBuilder batch(shape, pool, sink);
  if (document.is_null() && shape.columns.empty()) {  // How Souffle writes a true proposition.
    batch.end_row();
    document = json::array();
  }
  if (!document.is_array()) {
    return unexpected(ErrorCode::kData,
                      fmt::format("{}: the rows of {} must be a JSON array of arrays or objects",
                                  input.name(), form.relation));
  }
  streams::JsonValueReader values(pool);
  std::size_t number = 0;
  for (const json& row : document) {
    ++number;
    if (const std::string message = store_row(row, shape, values, batch); !message.empty()) {
      return unexpected(ErrorCode::kData,
                        fmt::format("{}: row {}: {}", input.name(), number, message));
    }
    if (!batch.full()) continue;
    if (options.cancel != nullptr && options.cancel->cancelled()) {
      return unexpected(ErrorCode::kCancelled, "interrupted");
    }
    if (auto flushed = batch.flush(); !flushed) return unexpected(flushed.error());
  }
  if (auto flushed = batch.flush(); !flushed) return unexpected(flushed.error());
  return batch.rows_total();
}

}  // namespace entail::cli
