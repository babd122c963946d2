// Values as PostgreSQL's input and output functions have them, under a session's settings.
#include <algorithm>

#include "server/engine/result.h"
#include "server/engine/sql_error.h"
#include "sql2datalog/sql_type.h"
#include "vm/datetime.h"
#include "vm/sql_datetime.h"
#include "vm/sql_text.h"

namespace entail::engine {

namespace oids = sql2datalog::oids;
using vm::TypeKind;
using vm::Word;

namespace {

// A zoned timestamp shows the clock of the session's zone and its offset.
void print_timestamp_tz(std::int64_t micros, const TextSettings& settings, std::string& out) {
  std::int64_t offset = 0;
  if (micros == INT64_MAX || micros == INT64_MIN || !vm::read_zone(settings.time_zone, offset) ||
      offset == 0) {
    vm::print_sql_timestamp(micros, true, out);
    return;
  }
  vm::print_sql_timestamp(micros + offset, false, out);
  const bool is_west = offset < 0;
  const std::int64_t seconds = (is_west ? -offset : offset) / 1'000'000;
  const auto two = [&](std::int64_t value) {
    out.push_back(static_cast<char>('0' + value / 10 % 10));
    out.push_back(static_cast<char>('0' + value % 10));
  };
  out.push_back(is_west ? '-' : '+');
  two(seconds / 3600);
  if (seconds % 3600 != 0) {
    out.push_back(':');
    two(seconds / 60 % 60);
  }
}

void print_bytea_escaped(std::string_view bytes, std::string& out) {
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') {
      out += "\\\\";
    } else if (byte < 0x20 || byte > 0x7e) {
      out.push_back('\\');
      out.push_back(static_cast<char>('0' + (byte >> 6)));
      out.push_back(static_cast<char>('0' + ((byte >> 3) & 7)));
      out.push_back(static_cast<char>('0' + (byte & 7)));
    } else {
      out.push_back(c);
    }
  }
}

// numeric(8, 2) shows two digits behind the point.
void pad_scale(std::int32_t scale, std::size_t begin, std::string& out) {
  if (scale <= 0) return;
  const std::size_t point = out.find('.', begin);
  std::size_t digits = 0;
  if (point == std::string::npos) {
    if (begin < out.size() && (out.back() < '0' || out.back() > '9')) return;  // NaN, Infinity.
    out.push_back('.');
  } else {
    digits = out.size() - point - 1;
  }
  for (; digits < static_cast<std::size_t>(scale); ++digits) out.push_back('0');
}

std::size_t character_count(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

void ResultShape::add(OutputColumn column) {
  first_words.push_back(word_count);
  word_count += vm::words_of(column.type, column.nullable);
  columns.push_back(std::move(column));
}

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return "DEBUG";
    case Severity::kLog:
      return "LOG";
    case Severity::kInfo:
      return "INFO";
    case Severity::kNotice:
      return "NOTICE";
    case Severity::kWarning:
      return "WARNING";
  }
  return "NOTICE";
}

void append_sql_text(const vm::ValuePool& pool, vm::Type type, std::uint32_t type_oid,
                     std::int32_t typmod, const Word* words, const TextSettings& settings,
                     std::string& out) {
  const std::size_t begin = out.size();
  switch (type.kind) {
    case TypeKind::kTimestampTz:
      print_timestamp_tz(vm::int_of(words[0]), settings, out);
      return;
    case TypeKind::kBytes:
      if (settings.bytea_escape) {
        vm::TextScratch scratch;
        print_bytea_escaped(pool.view(words[0], scratch), out);
        return;
      }
      break;
    case TypeKind::kJson:
      if (type_oid == oids::kJson) {  // Unlike jsonb it is not set in blanks.
        vm::TextScratch scratch;
        out += pool.view(words[0], scratch);
        return;
      }
      break;
    case TypeKind::kNumeric:
      vm::print_sql_value(pool, type, words, out);
      if (typmod >= 4) pad_scale(sql2datalog::numeric_scale(typmod), begin, out);
      return;
    case TypeKind::kText:
      vm::print_sql_value(pool, type, words, out);
      if (type_oid == oids::kBpchar && typmod > 4) {
        const std::size_t length = character_count(std::string_view(out).substr(begin));
        const auto wanted = static_cast<std::size_t>(typmod - 4);
        if (length < wanted) out.append(wanted - length, ' ');
      }
      return;
    default:
      break;
  }
  vm::print_sql_value(pool, type, words, out);
}

void RowView::append_text(std::size_t c, const TextSettings& settings, std::string& out) const {
  const OutputColumn& of = column(c);
  append_sql_text(*pool_, of.type, of.type_oid, of.typmod, words(c), settings, out);
}

Expected<void> read_sql_text(vm::ValuePool& pool, vm::Type type, std::uint32_t type_oid,
                             std::int32_t typmod, std::string_view text,
                             const TextSettings& /*settings*/, Word* out) {
  if (type.kind == TypeKind::kText && typmod >= 4 &&
      (type_oid == oids::kVarchar || type_oid == oids::kBpchar)) {
    // Blanks beyond the length are cut, anything else is an error; char(n) keeps no blanks at its end.
    const auto length = static_cast<std::size_t>(typmod - 4);
    std::size_t bytes = 0, characters = 0;
    while (bytes < text.size() && characters < length) {
      ++bytes;
      while (bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80)
        ++bytes;
      ++characters;
    }
    if (text.find_first_not_of(' ', bytes) != std::string_view::npos) {
      return sql_error("22001",
                       std::string("value too long for type ") +
                           (type_oid == oids::kVarchar ? "character varying(" : "character(") +
                           std::to_string(length) + ")");
    }
    text = text.substr(0, bytes);
  }
  if (type.kind == TypeKind::kText && type_oid == oids::kBpchar) {
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  }
  vm::SqlTextError error;
  if (!vm::read_sql_value(pool, type, text, out, error)) {
    return sql_error(error.sqlstate, error.message, {.detail = error.detail});
  }
  return {};
}

}  // namespace entail::engine
