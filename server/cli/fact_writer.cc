#include "server/cli/fact_writer.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "server/cli/fact_json.h"
#include "vm/value_text.h"

namespace entail::cli {
namespace {

using vm::Type;
using vm::TypeKind;
using vm::Word;

constexpr std::size_t kRowsAtOnce = 4096;
// An integer, its sign and a delimiter never need more.
constexpr std::size_t kIntegerBytesMax = 24;

// "00" "01" … "99": two digits for one division.
constexpr std::array<char, 200> make_digit_pairs() {
  std::array<char, 200> pairs{};
  for (std::size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}
constexpr std::array<char, 200> kDigitPairs = make_digit_pairs();

constexpr unsigned digit_count(std::uint64_t value) {
  unsigned digits = 1;
  for (;;) {
    if (value < 10) return digits;
    if (value < 100) return digits + 1;
    if (value < 1000) return digits + 2;
    if (value < 10'000) return digits + 3;
    value /= 10'000;
    digits += 4;
  }
}

// Writes `value` at `out`, returns the place behind it.
char* put_unsigned(std::uint64_t value, char* out) {
  char* const end = out + digit_count(value);
  char* p = end;
  while (value >= 100) {
    const std::uint64_t rest = value / 100;
    p -= 2;
    std::memcpy(p, &kDigitPairs[2 * (value - rest * 100)], 2);
    value = rest;
  }
  if (value >= 10) {
    std::memcpy(p - 2, &kDigitPairs[2 * value], 2);
  } else {
    p[-1] = static_cast<char>('0' + value);
  }
  return end;
}

char* put_signed(Word word, char* out) {
  if (static_cast<std::int64_t>(word) >= 0) return put_unsigned(word, out);
  *out = '-';
  return put_unsigned(Word{0} - word, out + 1);
}

enum class CellKind : std::uint8_t { kSigned, kUnsigned, kText, kOther };

CellKind cell_kind(const datalog::Column& column) {
  if (column.nullable) return CellKind::kOther;
  switch (column.type.kind) {
    case TypeKind::kNumber:
    case TypeKind::kInt2:
    case TypeKind::kInt4:
    case TypeKind::kInt8:
      return CellKind::kSigned;
    case TypeKind::kUnsigned:
      return CellKind::kUnsigned;
    case TypeKind::kText:
      return CellKind::kText;
    default:
      return CellKind::kOther;
  }
}

// A buffer in front of an OutputBytes that grows by what a row needs.
class Buffer {
 public:
  explicit Buffer(OutputBytes& out) : out_(out), bytes_(kWriteBytes + (kWriteBytes >> 4U)) {}

  // Room for `size` more bytes; write them at the result, then call grown().
  char* room(std::size_t size) {
    if (bytes_.size() - used_ < size) bytes_.resize(std::max(bytes_.size() * 2, used_ + size));
    return bytes_.data() + used_;
  }
  void grown_to(const char* end) { used_ = static_cast<std::size_t>(end - bytes_.data()); }

  void put(std::string_view text) {
    char* const to = room(text.size());
    std::memcpy(to, text.data(), text.size());
    used_ += text.size();
  }

  bool due() const { return used_ >= kWriteBytes; }
  Expected<void> flush() {
    auto written = out_.write({bytes_.data(), used_});
    bytes_written_ += used_;
    used_ = 0;
    return written;
  }
  std::uint64_t bytes_written() const { return bytes_written_ + used_; }

 private:
  OutputBytes& out_;
  std::vector<char> bytes_;
  std::size_t used_ = 0;
  std::uint64_t bytes_written_ = 0;
};

class RowWriter {
 public:
  RowWriter(const FactForm& form, const RowShape& shape, const vm::ValuePool& pool, Buffer& buffer)
      : form_(form), shape_(shape), pool_(pool), buffer_(buffer) {
    for (const datalog::Column& column : shape.columns) cells_.push_back(cell_kind(column));
    style_.floats = shape.floats;
    style_.quote_nested_text = form.rfc4180;
    for (std::size_t i = 0; i < shape.columns.size(); ++i) {
      has_text_ = has_text_ || cells_[i] == CellKind::kText;
    }
  }

  void put_delimited(std::span<Word* const> columns, std::size_t row) {
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      if (i > 0) put_delimiter();
      const Word* const words = columns[shape_.word_of_column[i]];
      switch (cells_[i]) {
        case CellKind::kSigned:
          buffer_.grown_to(put_signed(words[row], buffer_.room(kIntegerBytesMax)));
          break;
        case CellKind::kUnsigned:
          buffer_.grown_to(put_unsigned(words[row], buffer_.room(kIntegerBytesMax)));
          break;
        case CellKind::kText: {
          vm::TextScratch scratch;
          const std::string_view text = pool_.view(words[row], scratch);
          if (form_.rfc4180) {
            put_quoted(text);
          } else {
            buffer_.put(text);
          }
          break;
        }
        case CellKind::kOther:
          put_other(i, columns, row);
      }
    }
    buffer_.put("\n");
  }

  void put_json(std::span<Word* const> columns, std::size_t row, bool is_first) {
    text_.assign(is_first ? "" : ",\n");
    text_ += form_.json_objects ? '{' : '[';
    for (std::size_t i = 0; i < shape_.columns.size(); ++i) {
      if (i > 0) text_ += ", ";
      if (form_.json_objects) {
        append_json_string(shape_.columns[i].name, text_);
        text_ += ": ";
      }
      const auto words = gather(i, columns, row);
      append_json_value(pool_, shape_.columns[i].type, shape_.columns[i].nullable, words.data(),
                        form_.json_objects, text_);
    }
    text_ += form_.json_objects ? '}' : ']';
    buffer_.put(text_);
  }

  // Texts of the batch lie anywhere in the pool: tell the processor early.
  void prefetch(std::span<Word* const> columns, std::size_t row) const {
    if (!has_text_) return;
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      if (cells_[i] == CellKind::kText) pool_.prefetch(columns[shape_.word_of_column[i]][row]);
    }
  }

 private:
  void put_delimiter() {
    if (form_.delimiter.size() == 1) {
      char* const to = buffer_.room(1);
      *to = form_.delimiter[0];
      buffer_.grown_to(to + 1);
    } else {
      buffer_.put(form_.delimiter);
    }
  }

  void put_quoted(std::string_view text) {
    buffer_.put("\"");
    for (;;) {
      const std::size_t quote = text.find('"');
      buffer_.put(text.substr(0, quote));
      if (quote == std::string_view::npos) break;
      buffer_.put("\"\"");
      text.remove_prefix(quote + 1);
    }
    buffer_.put("\"");
  }

  std::array<Word, 3> gather(std::size_t column, std::span<Word* const> columns,
                             std::size_t row) const {
    const datalog::Column& described = shape_.columns[column];
    const unsigned count = vm::words_of(described.type, described.nullable);
    std::array<Word, 3> words{};
    for (unsigned i = 0; i < count; ++i) {
      words[i] = columns[shape_.word_of_column[column] + i][row];
    }
    return words;
  }

  void put_other(std::size_t column, std::span<Word* const> columns, std::size_t row) {
    const datalog::Column& described = shape_.columns[column];
    const auto words = gather(column, columns, row);
    text_.clear();
    vm::print_value(pool_, described.type, described.nullable, words.data(), style_, text_);
    const bool may_hold_delimiters = vm::may_be_handle(described.type.kind);
    if (form_.rfc4180 && may_hold_delimiters) {
      put_quoted(text_);
    } else {
      buffer_.put(text_);
    }
  }

  const FactForm& form_;
  const RowShape& shape_;
  const vm::ValuePool& pool_;
  Buffer& buffer_;
  vm::TextStyle style_;
  std::vector<CellKind> cells_;
  bool has_text_ = false;
  std::string text_;
};

Expected<void> write_rows(const FactForm& form, const RowShape& shape, const vm::ValuePool& pool,
                          const WriteOptions& options, const RowSource& source, Buffer& buffer) {
  std::vector<std::vector<Word>> storage(std::max<std::size_t>(shape.word_count, 1));
  std::vector<Word*> columns;
  for (auto& column : storage) {
    column.resize(kRowsAtOnce);
    columns.push_back(column.data());
  }
  RowWriter writer(form, shape, pool, buffer);
  const bool is_json = form.syntax == RowSyntax::kJson;
  bool is_first = true;
  constexpr std::size_t kPrefetchDistance = 12;
  while (const std::size_t rows = source(columns, kRowsAtOnce)) {
    if (options.cancel != nullptr && options.cancel->cancelled()) {
      return unexpected(ErrorCode::kCancelled, "interrupted");
    }
    if (shape.columns.empty()) {
      buffer.put(is_json ? "null\n" : "()\n");
      continue;
    }
    for (std::size_t row = 0; row < rows; ++row) {
      if (row + kPrefetchDistance < rows) writer.prefetch(columns, row + kPrefetchDistance);
      if (is_json) {
        writer.put_json(columns, row, is_first);
        is_first = false;
      } else {
        writer.put_delimited(columns, row);
      }
      if (buffer.due()) {
        if (auto flushed = buffer.flush(); !flushed) return flushed;
      }
    }
  }
  return {};
}

}  // namespace

Expected<std::uint64_t> write_facts(const FactForm& form, const RowShape& shape,
                                    const vm::ValuePool& pool, const WriteOptions& options,
                                    std::uint64_t row_count, const RowSource& source,
                                    OutputBytes& out) {
  Buffer buffer(out);
  if (form.medium == Medium::kPrintSize) {
    buffer.put(fmt::format("{}\t{}\n", form.title, row_count));
  } else {
    const bool is_json = form.syntax == RowSyntax::kJson;
    const bool has_heading = form.medium == Medium::kStandard && !is_json;
    if (has_heading) {
      buffer.put(fmt::format("---------------\n{}", form.title));
      if (form.headers) buffer.put("\n" + form.header_line);
      buffer.put("\n===============\n");
    } else if (is_json) {
      buffer.put("[");
    } else if (form.headers) {
      buffer.put(form.header_line + "\n");
    }
    if (auto written = write_rows(form, shape, pool, options, source, buffer); !written) {
      return unexpected(written.error());
    }
    if (has_heading) buffer.put("===============\n");
    if (is_json) buffer.put("]\n");
  }
  if (auto flushed = buffer.flush(); !flushed) return unexpected(flushed.error());
  return buffer.bytes_written();
}

}  // namespace entail::cli
