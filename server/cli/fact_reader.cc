#include "server/cli/fact_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/cli/batch_builder.h"
#include "server/cli/fact_json.h"
#include "server/cli/input_bytes.h"
#include "vm/base/text.h"

namespace entail::cli {
namespace {

using vm::TypeKind;
using vm::Word;

// --- lines -----------------------------------------------------------------------------------------

// A window of the file that ends at a line's end. Behind the last line stands a '\n' in any case,
// so that loops over digits stop without looking at the end.
class LineWindow {
 public:
  LineWindow(InputBytes& input, std::size_t size)
      : input_(input), buffer_(std::max<std::size_t>(size, 16)) {}

  const char* begin() const { return buffer_.data() + begin_; }
  const char* end() const { return buffer_.data() + lines_end_; }
  bool empty() const { return begin_ == lines_end_; }
  bool is_last() const { return at_end_; }

  // The next lines; those from `keep` on stay in front of them. At the end of the file there are
  // none left. Views into the window are invalid afterwards.
  Expected<void> advance(const char* keep) {
    const std::size_t kept = static_cast<std::size_t>(buffer_.data() + filled_ - keep);
    std::size_t scanned = static_cast<std::size_t>(end() - keep);
    std::memmove(buffer_.data(), keep, kept);
    begin_ = 0;
    filled_ = kept;
    lines_end_ = scanned;
    while (!at_end_) {
      if (filled_ + 1 >= buffer_.size()) buffer_.resize(buffer_.size() * 2);
      auto got = input_.read(buffer_.data() + filled_, buffer_.size() - filled_ - 1);
      if (!got) return unexpected(got.error());
      if (*got == 0) {
        at_end_ = true;
        if (filled_ > lines_end_) buffer_[filled_++] = '\n';  // The last line had no end.
        lines_end_ = filled_;
        break;
      }
      filled_ += *got;
      const void* last = memrchr(buffer_.data() + scanned, '\n', filled_ - scanned);
      if (last != nullptr) {
        lines_end_ = static_cast<std::size_t>(static_cast<const char*>(last) - buffer_.data()) + 1;
        // Small reads (pipes, gzip) are gathered while there is room.
        if (filled_ * 2 >= buffer_.size()) break;
      }
      scanned = filled_;
    }
    return {};
  }

 private:
  InputBytes& input_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t lines_end_ = 0;
  std::size_t filled_ = 0;
  bool at_end_ = false;
};

const char* line_end(const char* begin, const char* end) {
  return static_cast<const char*>(std::memchr(begin, '\n', static_cast<std::size_t>(end - begin)));
}

// --- fields ----------------------------------------------------------------------------------------

// A field of a line: bytes of the window, or a copy where quotes had to be taken away.
struct Field {
  std::string_view text;
  bool is_copy = false;
};

enum class Split : std::uint8_t { kDone, kNeedsMore, kBad };

class LineSplitter {
 public:
  LineSplitter(const FactForm& form, const RowShape& shape)
      : form_(form),
        brackets_count_(!form.rfc4180 && form.delimiter.find(',') != std::string::npos) {
    // Texts often hold round brackets; only values that print with them are kept together.
    for (const datalog::Column& column : shape.columns) {
      if (column.type.kind == TypeKind::kAdt || column.type.kind == TypeKind::kRecord) {
        round_brackets_count_ = true;
      }
    }
  }

  const std::vector<Field>& fields() const { return fields_; }

  // Takes the record that starts at `at` apart; `at` moves behind its line end. `message` is set
  // on kBad. kNeedsMore: a quoted field goes on behind the window.
  Split split(const char*& at, const char* end, std::size_t& lines, std::string& message) {
    fields_.clear();
    copies_used_ = 0;
    lines = 1;
    return form_.rfc4180 ? split_quoted(at, end, lines, message) : split_plain(at, end);
  }

 private:
  static std::string_view without_return(const char* begin, const char* end) {
    if (end > begin && end[-1] == '\r') --end;
    return {begin, static_cast<std::size_t>(end - begin)};
  }

  Split split_plain(const char*& at, const char* end) {
    const char* const stop = line_end(at, end);
    const std::string_view line = without_return(at, stop);
    at = stop + 1;
    std::size_t begin = 0;
    for (;;) {
      const std::size_t found = brackets_count_ ? delimiter_outside_brackets(line, begin)
                                                : line.find(form_.delimiter, begin);
      fields_.push_back({line.substr(begin, found - begin), false});
      if (found == std::string_view::npos) return Split::kDone;
      begin = found + form_.delimiter.size();
    }
  }

  // The first delimiter that no open bracket surrounds; where brackets do not balance, the first.
  std::size_t delimiter_outside_brackets(std::string_view line, std::size_t begin) const {
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = begin; i < line.size(); ++i) {
      const char c = line[i];
      if (quoted) {
        if (c == '\\')
          ++i;
        else if (c == '"')
          quoted = false;
        continue;
      }
      if (depth > 0 && c == '"') {
        quoted = true;
      } else if (c == '[' || (c == '(' && round_brackets_count_)) {
        ++depth;
      } else if (c == ']' || (c == ')' && round_brackets_count_)) {
        --depth;
      } else if (depth == 0 && line.compare(i, form_.delimiter.size(), form_.delimiter) == 0) {
        return i;
      }
      if (depth < 0) break;
    }
    return depth == 0 && !quoted ? std::string_view::npos : line.find(form_.delimiter, begin);
  }

  std::string& next_copy() {
    if (copies_used_ == copies_.size()) copies_.push_back(std::make_unique<std::string>());
    std::string& copy = *copies_[copies_used_++];
    copy.clear();
    return copy;
  }

  Split split_quoted(const char*& at, const char* end, std::size_t& lines, std::string& message) {
    const char* p = at;
    for (;;) {
      const char* stop = line_end(p, end);
      if (*p != '"') {
        const std::string_view rest = without_return(p, stop);
        const std::size_t found = rest.find(form_.delimiter);
        fields_.push_back({rest.substr(0, found), false});
        if (found == std::string_view::npos) {
          at = stop + 1;
          return Split::kDone;
        }
        p += found + form_.delimiter.size();
        continue;
      }
      std::string& text = next_copy();
      ++p;
      for (;;) {
        const char* const quote =
            static_cast<const char*>(std::memchr(p, '"', static_cast<std::size_t>(end - p)));
        if (quote == nullptr) {
          message = fmt::format("column {}: the quote is not closed", fields_.size() + 1);
          return Split::kNeedsMore;
        }
        lines += static_cast<std::size_t>(std::count(p, quote, '\n'));
        text.append(p, quote);
        p = quote + 1;
        if (*p != '"') break;
        text += '"';
        ++p;
      }
      fields_.push_back({text, true});
      stop = line_end(p, end);
      const std::string_view rest = without_return(p, stop);
      if (rest.empty()) {
        at = stop + 1;
        return Split::kDone;
      }
      if (!rest.starts_with(form_.delimiter)) {
        message = fmt::format(
            "column {}: the closing quote is followed by '{}', not by the "
            "delimiter",
            fields_.size(), rest.substr(0, 10));
        return Split::kBad;
      }
      p += form_.delimiter.size();
    }
  }

  const FactForm& form_;
  bool brackets_count_;
  bool round_brackets_count_ = false;
  std::vector<Field> fields_;
  std::vector<std::unique_ptr<std::string>> copies_;
  std::size_t copies_used_ = 0;
};

// --- the reader ------------------------------------------------------------------------------------

class DelimitedReader {
 public:
  DelimitedReader(const FactForm& form, const RowShape& shape, vm::ValuePool& pool,
                  const ReadOptions& options, const RowSink& sink, InputBytes& input)
      : form_(form),
        shape_(shape),
        options_(options),
        input_(input),
        window_(input, options.buffer_bytes),
        batch_(shape, pool, sink),
        splitter_(form, shape) {
    for (const datalog::Column& column : shape.columns) {
      kinds_.push_back(column.nullable ? FastKind::kOther : fast_kind(column.type));
    }
  }

  Expected<std::uint64_t> run() {
    const bool is_simple = !form_.rfc4180 && form_.delimiter.size() == 1 &&
                           form_.delimiter != "," && form_.column_of_field.empty() &&
                           !shape_.columns.empty();
    bool skip_header = form_.headers;
    const char* keep = window_.end();
    for (;;) {
      if (auto advanced = window_.advance(keep); !advanced) return unexpected(advanced.error());
      const char* at = window_.begin();
      const char* const end = window_.end();
      if (at == end) break;
      if (skip_header) {
        at = line_end(at, end) + 1;
        ++line_;
        skip_header = false;
      }
      auto done = is_simple ? read_simple(at, end) : read_general(at, end);
      if (!done) return unexpected(done.error());
      // The texts of the batch lie in the window.
      if (auto flushed = flush(); !flushed) return unexpected(flushed.error());
      keep = at;
    }
    return batch_.rows_total();
  }

 private:
  enum class FastKind : std::uint8_t { kNumber32, kNumber64, kText, kOther };

  static FastKind fast_kind(vm::Type type) {
    switch (type.kind) {
      case TypeKind::kNumber:
        return type.width == 32 ? FastKind::kNumber32 : FastKind::kNumber64;
      case TypeKind::kInt8:
        return FastKind::kNumber64;
      case TypeKind::kText:
        return FastKind::kText;
      default:
        return FastKind::kOther;
    }
  }

  Expected<void> flush() {
    if (options_.cancel != nullptr && options_.cancel->cancelled()) {
      return unexpected(ErrorCode::kCancelled, "interrupted");
    }
    return batch_.flush();
  }

  Unexpected bad(std::size_t line, const std::string& message) const {
    return unexpected(ErrorCode::kData, fmt::format("{}:{}: {}", input_.name(), line, message));
  }
  Unexpected bad_value(std::size_t line, std::size_t column, const std::string& message) const {
    return bad(line,
               fmt::format("column {} ({}): {}", column + 1, shape_.columns[column].name, message));
  }
  Unexpected bad_count(std::size_t line, std::size_t count) const {
    const std::size_t arity = shape_.columns.size();
    if (count < arity) {
      return bad(line, fmt::format("column {} ({}) is missing: the line has {}", count + 1,
                                   shape_.columns[count].name, count_of(count, "field")));
    }
    return bad(line, fmt::format("{} where {} has {}", count_of(count, "field"), form_.relation,
                                 count_of(arity, "column")));
  }

  static std::size_t fields_in(std::string_view line, char delimiter) {
    return static_cast<std::size_t>(std::count(line.begin(), line.end(), delimiter)) + 1;
  }

  // One-byte delimiter, no quotes, field i is column i.
  Expected<void> read_simple(const char*& at, const char* end) {
    const char delimiter = form_.delimiter[0];
    const std::size_t arity = kinds_.size();
    const char* p = at;
    while (p != end) {
      if (batch_.full()) {
        if (auto flushed = flush(); !flushed) return flushed;
      }
      ++line_;
      const char* const line_begin = p;
      const std::size_t row = batch_.row();
      for (std::size_t column = 0;; ++column) {
        const bool is_last = column + 1 == arity;
        const char* const field = p;
        const FastKind kind = kinds_[column];
        if (kind <= FastKind::kNumber64) {
          const bool negative = *p == '-';
          p += negative ? 1 : 0;
          const char* const digits = p;
          std::uint64_t value = 0;
          for (unsigned digit; (digit = static_cast<unsigned char>(*p) - unsigned{'0'}) < 10; ++p) {
            value = value * 10 + digit;
          }
          const auto digit_count = static_cast<std::size_t>(p - digits);
          const std::uint64_t limit =
              (kind == FastKind::kNumber32 ? std::uint64_t{1} << 31 : std::uint64_t{1} << 63) -
              (negative ? 0 : 1);
          constexpr std::size_t kSafeDigits = 19;  // 19 nines fit 64 bits.
          if (digit_count > 0 && digit_count <= kSafeDigits && value <= limit) {
            if (is_last && *p == '\r' && p[1] == '\n') ++p;
            const bool ends_here = *p == delimiter ? !is_last : is_last && *p == '\n';
            if (ends_here) {
              batch_.words(column)[row] = negative ? Word{0} - value : value;
              ++p;
              if (is_last) break;
              continue;
            }
          }
          p = field;
        }
        // The field's end; then whether the line has as many fields as there are columns.
        const char* stop = line_end(p, end);
        bool ends_line = true;
        if (!is_last) {
          const void* const found = std::memchr(p, delimiter, static_cast<std::size_t>(stop - p));
          if (found == nullptr) return missing(line_begin, stop, delimiter);
          stop = static_cast<const char*>(found);
          ends_line = false;
        }
        std::string_view text(p, static_cast<std::size_t>(stop - p));
        if (ends_line) {
          if (text.ends_with('\r')) text.remove_suffix(1);
          if (text.find(delimiter) != std::string_view::npos) {
            return missing(line_begin, stop, delimiter);
          }
        }
        if (kind == FastKind::kText) {
          batch_.texts(column)[row] = text;
        } else if (std::string message; !batch_.parse(column, text, message)) {
          return bad_value(line_, column, message);
        }
        p = stop + 1;
        if (is_last) break;
      }
      batch_.end_row();
    }
    at = p;
    return {};
  }

  // The error of a line with too few or too many fields.
  Unexpected missing(const char* begin, const char* stop, char delimiter) const {
    return bad_count(line_, fields_in({begin, static_cast<std::size_t>(stop - begin)}, delimiter));
  }

  Expected<void> read_general(const char*& at, const char* end) {
    std::string message;
    while (at != end) {
      if (batch_.full()) {
        if (auto flushed = flush(); !flushed) return flushed;
      }
      std::size_t lines = 0;
      const char* next = at;
      const Split result = splitter_.split(next, end, lines, message);
      if (result == Split::kNeedsMore && !window_.is_last()) return {};
      if (result != Split::kDone) return bad(line_ + 1, message);
      if (auto stored = store_fields(); !stored) return stored;
      line_ += lines;
      at = next;
    }
    return {};
  }

  Expected<void> store_fields() {
    const std::vector<Field>& fields = splitter_.fields();
    const std::size_t arity = shape_.columns.size();
    const std::size_t line = line_ + 1;
    if (arity == 0) {  // Whatever the line holds, it says that the proposition is true.
      batch_.end_row();
      return {};
    }
    const auto& map = form_.column_of_field;
    if (map.empty() ? fields.size() != arity : fields.size() < map.size()) {
      if (map.empty()) return bad_count(line, fields.size());
      return bad(line, fmt::format("{} where columns=… asks for {}",
                                   count_of(fields.size(), "field"), map.size()));
    }
    const std::size_t used = map.empty() ? arity : map.size();
    std::string message;
    for (std::size_t i = 0; i < used; ++i) {
      const std::int32_t target = map.empty() ? static_cast<std::int32_t>(i) : map[i];
      if (target == kIgnoredField) continue;
      const auto column = static_cast<std::size_t>(target);
      const bool ok = fields[i].is_copy ? batch_.parse_passing(column, fields[i].text, message)
                                        : batch_.parse(column, fields[i].text, message);
      if (!ok) return bad_value(line, column, message);
    }
    batch_.end_row();
    return {};
  }

  const FactForm& form_;
  const RowShape& shape_;
  const ReadOptions& options_;
  InputBytes& input_;
  LineWindow window_;
  BatchBuilder batch_;
  LineSplitter splitter_;
  std::vector<FastKind> kinds_;
  std::size_t line_ = 0;
};

}  // namespace

Expected<std::uint64_t> read_facts(const FactForm& form, const RowShape& shape, vm::ValuePool& pool,
                                   const ReadOptions& options, const RowSink& sink) {
  auto input = InputBytes::open(form.path);
  if (!input) return unexpected(input.error());
  if (form.syntax == RowSyntax::kJson) {
    return read_json_facts(form, shape, pool, options, sink, *input);
  }
  return DelimitedReader(form, shape, pool, options, sink, *input).run();
}

}  // namespace entail::cli
