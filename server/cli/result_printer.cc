#include "server/cli/result_printer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "server/cli/fact_json.h"
#include "vm/base/text.h"
#include "vm/value_text.h"

namespace entail::cli {
namespace {

using vm::TypeKind;
using vm::Word;

constexpr std::size_t kRowsAtOnce = 1024;
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kPlain = "\x1b[0m";

bool is_right_aligned(const datalog::Column& column) {
  return vm::is_numeric_kind(column.type.kind);
}

void append_without_controls(std::string_view text, std::string& out) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
}

void append_csv_field(std::string_view text, bool quote_always, std::string& out) {
  if (!quote_always && text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

// Calls f(row's words by column) for every row until it returns a failure.
class RowWalk {
 public:
  explicit RowWalk(const RowShape& shape) : shape_(shape) {
    storage_.resize(std::max<std::size_t>(shape.word_count, 1));
    for (auto& column : storage_) {
      column.resize(kRowsAtOnce);
      columns_.push_back(column.data());
    }
  }

  template <typename F>
  Expected<void> run(const RowSource& source, F&& f) {
    while (const std::size_t rows = source(columns_, kRowsAtOnce)) {
      for (row_ = 0; row_ < rows; ++row_) {
        Expected<void> done = f();
        if (!done) return done;
      }
    }
    return {};
  }

  std::array<Word, 3> words(std::size_t column) const {
    const datalog::Column& described = shape_.columns[column];
    std::array<Word, 3> words{};
    for (unsigned i = 0; i < vm::words_of(described.type, described.nullable); ++i) {
      words[i] = storage_[shape_.word_of_column[column] + i][row_];
    }
    return words;
  }

  bool is_null(std::size_t column) const {
    const datalog::Column& described = shape_.columns[column];
    return described.nullable && words(column)[vm::value_words(described.type)] != 0;
  }

 private:
  const RowShape& shape_;
  std::vector<std::vector<Word>> storage_;
  std::vector<Word*> columns_;
  std::size_t row_ = 0;
};

class ResultPrinter {
 public:
  ResultPrinter(const ResultStyle& style, const RowShape& shape, const vm::ValuePool& pool,
                OutputBytes& out)
      : style_(style), shape_(shape), pool_(pool), out_(out), walk_(shape) {}

  Expected<void> print_table(const std::function<RowSource()>& rows) {
    const std::size_t arity = shape_.columns.size();
    std::vector<std::size_t> widths;
    for (const datalog::Column& column : shape_.columns) {
      widths.push_back(display_width(column.name));
    }
    std::uint64_t count = 0;
    (void)walk_.run(rows(), [&]() -> Expected<void> {
      ++count;
      for (std::size_t i = 0; i < arity; ++i) {
        widths[i] = std::max(widths[i], display_width(cell(i)));
      }
      return {};
    });
    if (!style_.title.empty()) emphasised(style_.title + "\n");
    if (arity > 0) {
      std::string names;
      std::string rule;
      for (std::size_t i = 0; i < arity; ++i) {
        names += i == 0 ? " " : " | ";
        rule += i == 0 ? "-" : "-+-";
        const bool right = is_right_aligned(shape_.columns[i]);
        names += padded(shape_.columns[i].name, i + 1 == arity && !right ? 0 : widths[i], right);
        rule.append(widths[i], '-');
      }
      emphasised(names + "\n");
      text_ += rule + "-\n";
    }
    auto printed = walk_.run(rows(), [&]() -> Expected<void> {
      for (std::size_t i = 0; i < arity; ++i) {
        const bool right = is_right_aligned(shape_.columns[i]);
        text_ += i == 0 ? " " : " | ";
        text_ += padded(cell(i), i + 1 == arity && !right ? 0 : widths[i], right);
      }
      if (arity == 0) text_ += " ()";
      text_ += '\n';
      return flush_if_due();
    });
    if (!printed) return printed;
    text_ += fmt::format("({})\n", count_of(count, "row"));
    return flush();
  }

  Expected<void> print_csv(const RowSource& source) {
    for (std::size_t i = 0; i < shape_.columns.size(); ++i) {
      if (i > 0) text_ += ',';
      append_csv_field(shape_.columns[i].name, false, text_);
    }
    text_ += '\n';
    auto printed = walk_.run(source, [&]() -> Expected<void> {
      for (std::size_t i = 0; i < shape_.columns.size(); ++i) {
        if (i > 0) text_ += ',';
        if (walk_.is_null(i)) continue;
        const std::string value = value_text(i);
        append_csv_field(value, value.empty(), text_);
      }
      text_ += '\n';
      return flush_if_due();
    });
    return printed ? flush() : printed;
  }

  Expected<void> print_json(const RowSource& source) {
    auto printed = walk_.run(source, [&]() -> Expected<void> {
      text_ += '{';
      for (std::size_t i = 0; i < shape_.columns.size(); ++i) {
        if (i > 0) text_ += ", ";
        append_json_string(shape_.columns[i].name, text_);
        text_ += ": ";
        const auto words = walk_.words(i);
        append_json_value(pool_, shape_.columns[i].type, shape_.columns[i].nullable, words.data(),
                          true, text_);
      }
      text_ += "}\n";
      return flush_if_due();
    });
    return printed ? flush() : printed;
  }

 private:
  std::string value_text(std::size_t column) {
    std::string text;
    const auto words = walk_.words(column);
    vm::TextStyle style;
    style.quote_nested_text = true;
    vm::print_value(pool_, shape_.columns[column].type, shape_.columns[column].nullable,
                    words.data(), style, text);
    return text;
  }

  std::string cell(std::size_t column) {
    std::string shown;
    append_without_controls(value_text(column), shown);
    return shown;
  }

  std::string padded(std::string text, std::size_t width, bool right) const {
    const std::size_t used = display_width(text);
    if (used >= width) return text;
    const std::string blanks(width - used, ' ');
    return right ? blanks + text : text + blanks;
  }

  void emphasised(const std::string& line) {
    if (style_.colours) text_ += kBold;
    text_ += line;
    if (style_.colours) text_ += kPlain;
  }

  Expected<void> flush_if_due() { return text_.size() < kWriteBytes ? Expected<void>{} : flush(); }
  Expected<void> flush() {
    auto written = out_.write(text_);
    text_.clear();
    return written;
  }

  const ResultStyle& style_;
  const RowShape& shape_;
  const vm::ValuePool& pool_;
  OutputBytes& out_;
  RowWalk walk_;
  std::string text_;
};

}  // namespace

std::size_t display_width(std::string_view text) {
  struct Range {
    char32_t first, last;
  };
  // East Asian wide characters and emoji, by blocks: near enough for a table.
  constexpr Range kWide[] = {{0x1100, 0x115F}, {0x2E80, 0xA4CF},   {0xAC00, 0xD7A3},
                             {0xF900, 0xFAFF}, {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
                             {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD}};
  constexpr Range kZero[] = {{0x0300, 0x036F}, {0x200B, 0x200F}, {0xFE00, 0xFE0F}};
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80    ? 1
                               : lead >= 0xF0 ? 4
                               : lead >= 0xE0 ? 3
                               : lead >= 0xC0 ? 2
                                              : 1;
    char32_t code = length == 1 ? lead : lead & (0xFFU >> (length + 1));
    for (std::size_t k = 1; k < length && i + k < text.size(); ++k) {
      code = (code << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    }
    const auto within = [code](const Range& range) {
      return code >= range.first && code <= range.last;
    };
    if (std::any_of(std::begin(kWide), std::end(kWide), within)) {
      width += 2;
    } else if (std::none_of(std::begin(kZero), std::end(kZero), within)) {
      width += 1;
    }
    i += length;
  }
  return width;
}

Expected<void> print_result(const ResultStyle& style, const RowShape& shape,
                            const vm::ValuePool& pool, const std::function<RowSource()>& rows,
                            OutputBytes& out) {
  ResultPrinter printer(style, shape, pool, out);
  switch (style.format) {
    case OutputFormat::kText:  // Of other commands.
    case OutputFormat::kDot:
    case OutputFormat::kTable:
      return printer.print_table(rows);
    case OutputFormat::kCsv:
      return printer.print_csv(rows());
    case OutputFormat::kJson:
      return printer.print_json(rows());
  }
  return {};
}

}  // namespace entail::cli
