// server/engine/copy_format.h - the lines of COPY, read and written.
//
//     text   a\tb\\n\N            tab, backslash escapes, \N for null, \. ends the data
//     csv    a,"b ""c""",         quotes, an unquoted empty field is null
//
// A CopyReader is fed bytes in any pieces and gives out lines as fields; what the fields mean is the caller's.
// PostgreSQL's messages and states (22P04).
//
// Threads: plain values. Source: PostgreSQL 15, reference page of COPY.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/sql_tree.h"
#include "server/engine/result.h"
#include "vm/base/expected.h"

namespace entail::engine {

struct CopyOptions {
  CopyFormat format = CopyFormat::kText;
  char delimiter = '\t';
  std::string null_text = "\\N";
  char quote = '"', escape = '"';
  bool header = false;
  std::vector<std::string> force_quote;  // "*": all.
  std::vector<std::string> force_null, force_not_null;

  // 42601, 22023 and 0A000 as PostgreSQL has them.
  static Expected<CopyOptions> from(std::span<const grammar::sql::Option> options);
};

struct CopyField {
  std::string text;
  bool is_null = false;
  bool was_quoted = false;
};

class CopyReader {
 public:
  // `line`: called for each line of data.
  CopyReader(CopyOptions options, std::size_t columns,
             std::function<Expected<void>(std::span<const CopyField> fields)> line);

  Expected<void> feed(std::string_view bytes);
  // What is left is the last line.
  Expected<void> end();
  const CopyOptions& options() const { return options_; }
  std::size_t columns() const { return columns_; }
  std::uint64_t line_number() const { return lines_; }

 private:
  Expected<void> take_line(std::string_view line);
  Expected<void> split_text(std::string_view line);
  Expected<void> split_csv(std::string_view line);

  CopyOptions options_;
  std::size_t columns_;
  std::function<Expected<void>(std::span<const CopyField>)> line_;
  std::string pending_;
  std::vector<CopyField> fields_;
  std::uint64_t lines_ = 0;
  bool in_quotes_ = false;
  bool escaped_ = false;  // csv with an escape that is not the quote.
  bool ended_ = false;    // After \.
};

// Appends one line, its end included.
class CopyWriter {
 public:
  explicit CopyWriter(CopyOptions options) : options_(std::move(options)) {}
  void header(const ResultShape& shape, std::string& out) const;
  void begin_line() { first_ = true; }
  // `text`: nothing: null.
  void field(std::optional<std::string_view> text, std::string_view column, std::string& out);
  void end_line(std::string& out) const { out.push_back('\n'); }
  const CopyOptions& options() const { return options_; }

 private:
  CopyOptions options_;
  bool first_ = true;
};

}  // namespace entail::engine
