// server/cli/fact_text.cc - see fact_text.h; the printing half, and what reading shares with it.

#include "server/cli/fact_text.h"

#include <span>

#include "vm/type_table.h"
#include "vm/value_text.h"

namespace entail::cli {
namespace {

using vm::Type;
using vm::TypeKind;
using vm::Word;

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  for (const char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\a':
        out += "\\a";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\v':
        out += "\\v";
        break;
      default:
        out += c;
    }
  }
  out += '"';
}

void append_fields(const vm::ValuePool& pool, const std::vector<vm::FieldType>& fields,
                   const vm::TypeTable::Layout& layout, std::span<const Word> words,
                   std::string& out) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out += ',';
    append_fact_value(pool, fields[i].type, fields[i].nullable, &words[layout.field_offsets[i]],
                      out);
  }
}

void append_variant(const vm::ValuePool& pool, Type type, Word word, std::string& out) {
  const vm::TypeTable& types = pool.types();
  const bool is_ordinal = types.is_ordinal_adt(type.detail);
  const std::span<const Word> words = is_ordinal ? std::span<const Word>() : pool.fields(word);
  const std::size_t branch = is_ordinal ? word : words[0];
  const vm::BranchType& shape = types.adt_branches(type.detail)[branch];
  out += '$';
  out += shape.name;
  if (shape.fields.empty()) return;
  out += '(';
  append_fields(pool, shape.fields, types.layout(type.detail, branch), words, out);
  out += ')';
}

void append_array(const vm::ValuePool& pool, Type type, Word word, std::string& out) {
  const Type element = pool.types().array_element(type.detail);
  const bool nullable = pool.types().array_element_nullable(type.detail);
  const unsigned step = vm::words_of(element, nullable);
  const std::span<const Word> words = pool.fields(word);
  out += '[';
  for (std::size_t i = 0; i < words.size(); i += step) {
    if (i > 0) out += ',';
    append_fact_value(pool, element, nullable, &words[i], out);
  }
  out += ']';
}

}  // namespace

std::string literal_form(const vm::TypeTable& types, Type type) {
  switch (type.kind) {
    case TypeKind::kBool:
      return "true or false";
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8:
    case TypeKind::kNumber:
    case TypeKind::kUnsigned:
      return "a whole number";
    case TypeKind::kFloat4:
    case TypeKind::kFloat8:
    case TypeKind::kDecimal:
    case TypeKind::kNumeric:
      return "a number";
    case TypeKind::kText:
      return "a text in double quotes";
    case TypeKind::kDate:
      return "a date as in \"2026-01-31\"";
    case TypeKind::kTime:
      return "a time as in \"10:00:00\"";
    case TypeKind::kTimestamp:
      return "a timestamp as in 2026-01-31T10:00:00";
    case TypeKind::kTimestampTz:
      return "a timestamp as in 2026-01-31T10:00:00Z";
    case TypeKind::kInterval:
      return "an interval as in 1h30m or \"P1DT2H\"";
    case TypeKind::kUuid:
      return "a uuid in double quotes";
    case TypeKind::kBytes:
      return "bytes as in \"\\\\x0aff\"";
    case TypeKind::kJson:
      return "JSON in double quotes";
    case TypeKind::kEnum:
      return "a label of " + types.name(type.detail) + " in double quotes";
    case TypeKind::kRecord:
      return "a record as in [1, 2], or nil";
    case TypeKind::kAdt:
      return "a value of " + types.name(type.detail) + " as in $" +
             types.adt_branches(type.detail).front().name;
    case TypeKind::kArray:
      return "an array as in [1, 2]";
  }
  return "a value";
}

void append_fact_value(const vm::ValuePool& pool, Type type, bool nullable, const Word* words,
                       std::string& out) {
  if (nullable && words[vm::value_words(type)] != 0) {
    out += "null";
    return;
  }
  switch (type.kind) {
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8:
    case TypeKind::kNumber:
      vm::print_int(vm::int_of(words[0]), out);
      return;
    case TypeKind::kText:
    case TypeKind::kJson: {
      vm::TextScratch scratch;
      append_quoted(pool.view(words[0], scratch), out);
      return;
    }
    case TypeKind::kRecord:
      if (words[0] == vm::kNilWord) {
        out += "nil";
        return;
      }
      out += '[';
      append_fields(pool, pool.types().record_fields(type.detail), pool.types().layout(type.detail),
                    pool.fields(words[0]), out);
      out += ']';
      return;
    case TypeKind::kAdt:
      append_variant(pool, type, words[0], out);
      return;
    case TypeKind::kArray:
      append_array(pool, type, words[0], out);
      return;
    case TypeKind::kBool:
    case TypeKind::kUnsigned:
    case TypeKind::kFloat4:
    case TypeKind::kFloat8:
    case TypeKind::kDecimal:
    case TypeKind::kNumeric:
      vm::print_value(pool, type, false, words, {}, out);
      return;
    default: {
      std::string text;
      vm::print_value(pool, type, false, words, {}, text);
      append_quoted(text, out);
    }
  }
}

void append_fact(const vm::ValuePool& pool, std::string_view name, const RowShape& shape,
                 const Word* words, std::string& out) {
  out += name;
  out += '(';
  for (std::size_t i = 0; i < shape.columns.size(); ++i) {
    if (i > 0) out += ',';
    append_fact_value(pool, shape.columns[i].type, shape.columns[i].nullable,
                      words + shape.word_of_column[i], out);
  }
  out += ')';
}

std::size_t find_bad_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned char first = byte(i);
    if (first < 0x80) {
      ++i;
      continue;
    }
    const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || i + size > text.size()) return i;
    for (std::size_t k = 1; k < size; ++k) {
      if ((byte(i + k) & 0xc0U) != 0x80) return i;
    }
    const unsigned char second = byte(i + 1);
    const bool is_overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    const bool is_surrogate = first == 0xed && second >= 0xa0;
    const bool is_too_large = first == 0xf4 && second >= 0x90;
    if (is_overlong || is_surrogate || is_too_large) return i;
    i += size;
  }
  return std::string_view::npos;
}

}  // namespace entail::cli
