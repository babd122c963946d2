#include "server/cli/fact_json.h"

#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>
#include <vector>

#include "server/cli/batch_builder.h"
#include "vm/base/text.h"
#include "vm/type_table.h"
#include "vm/value_text.h"

namespace entail::cli {
namespace {

using nlohmann::json;
using vm::Type;
using vm::TypeKind;
using vm::Word;

// --- reading ---------------------------------------------------------------------------------------

class ValueReader {
 public:
  explicit ValueReader(vm::ValuePool& pool) : pool_(pool) {}

  // Whether `value` is one of `type`; its words go to `out`, the null flag included.
  bool read(const json& value, Type type, bool nullable, Word* out, std::string& message) {
    const unsigned value_words = vm::value_words(type);
    if (nullable) out[value_words] = value.is_null() ? 1 : 0;
    if (value.is_null()) {
      for (unsigned i = 0; i < value_words; ++i) out[i] = 0;
      if (nullable || type.kind == TypeKind::kRecord) return true;
      message = "null is not a " + pool_.types().type_name(type);
      return false;
    }
    switch (type.kind) {
      case TypeKind::kText:
        if (!value.is_string()) break;
        out[0] = pool_.intern(value.get_ref<const std::string&>());
        return true;
      case TypeKind::kRecord:
        if (value.is_structured()) return read_record(value, type, out, message);
        break;
      case TypeKind::kArray:
        if (value.is_array()) return read_array(value, type, out, message);
        break;
      case TypeKind::kJson:
        return vm::parse_value(pool_, type, value.dump(), out, message);
      case TypeKind::kFloat8:
        if (value.is_number()) {
          out[0] = vm::double_word(value.get<double>());
          return true;
        }
        break;
      case TypeKind::kFloat4:
        if (value.is_number()) {
          out[0] = vm::float_word(value.get<float>());
          return true;
        }
        break;
      default:
        break;
    }
    if (value.is_string()) {
      return vm::parse_value(pool_, type, value.get_ref<const std::string&>(), out, message);
    }
    if (value.is_number() || value.is_boolean()) {
      return vm::parse_value(pool_, type, value.dump(), out, message);
    }
    message = excerpt(value) + " is not a " + pool_.types().type_name(type);
    return false;
  }

  static std::string excerpt(const json& value) {
    constexpr std::size_t kLong = 40;
    std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
    if (text.size() > kLong) text = text.substr(0, kLong) + "…";
    return text;
  }

 private:
  bool read_record(const json& value, Type type, Word* out, std::string& message) {
    const vm::TypeTable& types = pool_.types();
    const auto& fields = types.record_fields(type.detail);
    const auto& layout = types.layout(type.detail);
    if (value.size() != fields.size()) {
      message =
          fmt::format("{} has {} where {} has {}", excerpt(value), count_of(value.size(), "field"),
                      types.type_name(type), count_of(fields.size(), "field"));
      return false;
    }
    std::vector<Word> words(layout.word_count);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const json* field = nullptr;
      if (value.is_array()) {
        field = &value[i];
      } else if (const auto found = value.find(fields[i].name); found != value.end()) {
        field = &*found;
      } else {
        message = fmt::format("{} lacks the field '{}'", excerpt(value), fields[i].name);
        return false;
      }
      if (!read(*field, fields[i].type, fields[i].nullable, &words[layout.field_offsets[i]],
                message)) {
        return false;
      }
    }
    out[0] = pool_.intern_record(type.detail, words);
    return true;
  }

  bool read_array(const json& value, Type type, Word* out, std::string& message) {
    const vm::TypeTable& types = pool_.types();
    const Type element = types.array_element(type.detail);
    const bool nullable = types.array_element_nullable(type.detail);
    const unsigned step = vm::words_of(element, nullable);
    std::vector<Word> words(step * value.size());
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (!read(value[i], element, nullable, &words[i * step], message)) return false;
    }
    out[0] = pool_.intern_record(type.detail, words);
    return true;
  }

  vm::ValuePool& pool_;
};

// Puts one row of JSON into the batch. Returns what is wrong with it, or nothing.
std::string store_row(const json& row, const RowShape& shape, ValueReader& values,
                      BatchBuilder& batch) {
  if (!row.is_structured()) {
    return ValueReader::excerpt(row) + " is neither an array nor an object";
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
  ValueReader values(pool);
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

// --- writing ---------------------------------------------------------------------------------------

void append_json_string(std::string_view text, std::string& out) {
  // Bytes that are not UTF-8 become the replacement character: JSON has no other text.
  out += json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

void append_json_value(const vm::ValuePool& pool, Type type, bool nullable, const Word* words,
                       bool as_object, std::string& out) {
  const vm::TypeTable& types = pool.types();
  if ((nullable && words[vm::value_words(type)] != 0) ||
      (type.kind == TypeKind::kRecord && words[0] == vm::kNilWord)) {
    out += "null";
    return;
  }
  const auto as_text = [&] {
    std::string text;
    vm::print_value(pool, type, false, words, {}, text);
    return text;
  };
  switch (type.kind) {
    case TypeKind::kNumber:
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8:
      vm::print_int(vm::int_of(words[0]), out);
      return;
    case TypeKind::kUnsigned:
      vm::print_unsigned(words[0], out);
      return;
    case TypeKind::kBool:
    case TypeKind::kDecimal:
    case TypeKind::kNumeric:
    case TypeKind::kJson:
      out += as_text();
      return;
    case TypeKind::kFloat4:
    case TypeKind::kFloat8: {
      const double value = type.kind == TypeKind::kFloat8
                               ? vm::double_of(words[0])
                               : static_cast<double>(vm::float_of(words[0]));
      if (std::isfinite(value)) {
        out += as_text();
      } else {
        append_json_string(as_text(), out);
      }
      return;
    }
    case TypeKind::kText: {
      vm::TextScratch scratch;
      append_json_string(pool.view(words[0], scratch), out);
      return;
    }
    case TypeKind::kRecord: {
      const auto& fields = types.record_fields(type.detail);
      const auto& layout = types.layout(type.detail);
      const std::span<const Word> inner = pool.fields(words[0]);
      out += as_object ? '{' : '[';
      for (std::size_t i = 0; i < fields.size(); ++i) {
        if (i > 0) out += ", ";
        if (as_object) {
          append_json_string(fields[i].name, out);
          out += ": ";
        }
        append_json_value(pool, fields[i].type, fields[i].nullable, &inner[layout.field_offsets[i]],
                          as_object, out);
      }
      out += as_object ? '}' : ']';
      return;
    }
    case TypeKind::kArray: {
      const Type element = types.array_element(type.detail);
      const bool element_nullable = types.array_element_nullable(type.detail);
      const unsigned step = vm::words_of(element, element_nullable);
      const std::span<const Word> inner = pool.fields(words[0]);
      out += '[';
      for (std::size_t i = 0; i < inner.size(); i += step) {
        if (i > 0) out += ", ";
        append_json_value(pool, element, element_nullable, &inner[i], as_object, out);
      }
      out += ']';
      return;
    }
    default:
      append_json_string(as_text(), out);
  }
}

}  // namespace entail::cli
