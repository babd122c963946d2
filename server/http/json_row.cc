#include "server/http/json_row.h"

#include <fmt/format.h>

#include <set>

#include "server/http/request.h"
#include "vm/type.h"

namespace entail::http {
namespace {

using vm::TypeKind;
using vm::Word;

void append_value(const vm::ValuePool& pool, vm::Type type, std::uint32_t oid, std::int32_t typmod,
                  const Word* words, const engine::TextSettings& settings, std::string& out);

void append_array(const vm::ValuePool& pool, vm::Type type, Word array,
                  const engine::TextSettings& settings, std::string& out) {
  const vm::Type element = pool.types().array_element(type.detail);
  const bool nullable = pool.types().array_element_nullable(type.detail);
  const std::uint32_t width = vm::words_of(element, nullable);
  const auto fields = pool.fields(array);
  out.push_back('[');
  for (std::size_t at = 0; at + width <= fields.size(); at += width) {
    if (at > 0) out.push_back(',');
    if (nullable && fields[at + width - 1] != 0) {
      out += "null";
    } else {
      append_value(pool, element, 0, -1, fields.data() + at, settings, out);
    }
  }
  out.push_back(']');
}

void append_value(const vm::ValuePool& pool, vm::Type type, std::uint32_t oid, std::int32_t typmod,
                  const Word* words, const engine::TextSettings& settings, std::string& out) {
  switch (type.kind) {
    case TypeKind::kBool:
      out += words[0] != 0 ? "true" : "false";
      return;
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8:
    case TypeKind::kNumber:
    case TypeKind::kUnsigned:
    case TypeKind::kFloat4:
    case TypeKind::kFloat8:
    case TypeKind::kDecimal:
    case TypeKind::kNumeric: {
      std::string text;
      engine::append_sql_text(pool, type, oid, typmod, words, settings, text);
      const bool is_number = !text.empty() && (text.back() >= '0' && text.back() <= '9');
      if (is_number) {
        out += text;
      } else {
        append_json_string(text, out);
      }
      return;
    }
    case TypeKind::kArray:
      append_array(pool, type, words[0], settings, out);
      return;
    case TypeKind::kJson: {
      const std::size_t begin = out.size();
      engine::append_sql_text(pool, type, oid, typmod, words, settings, out);
      // Ends of lines stand between its parts only; an event's data is one line.
      for (std::size_t i = begin; i < out.size(); ++i) {
        if (out[i] == '\n' || out[i] == '\r') out[i] = ' ';
      }
      return;
    }
    default: {
      std::string text;
      engine::append_sql_text(pool, type, oid, typmod, words, settings, text);
      append_json_string(text, out);
    }
  }
}

}  // namespace

JsonRow::JsonRow(const engine::ResultShape& shape, const engine::TextSettings& settings)
    : settings_(settings) {
  std::set<std::string> taken;
  for (const engine::OutputColumn& column : shape.columns) {
    std::string name = column.name;
    for (int n = 2; !taken.insert(name).second; ++n) name = fmt::format("{}_{}", column.name, n);
    append_json_string(name, names_.emplace_back());
  }
}

void JsonRow::append(const engine::RowView& row, std::string& out) const {
  out.push_back('{');
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (c > 0) out.push_back(',');
    out += names_[c];
    out.push_back(':');
    if (row.is_null(c)) {
      out += "null";
      continue;
    }
    const engine::OutputColumn& column = row.column(c);
    append_value(row.pool(), column.type, column.type_oid, column.typmod, row.words(c), settings_,
                 out);
  }
  out.push_back('}');
}

void JsonRow::append_columns(const engine::ResultShape& shape, std::string& out) const {
  out.push_back('[');
  for (std::size_t c = 0; c < names_.size(); ++c) {
    if (c > 0) out.push_back(',');
    out += fmt::format(R"({{"name":{},"type_oid":{}}})", names_[c], shape.columns[c].type_oid);
  }
  out.push_back(']');
}

}  // namespace entail::http
