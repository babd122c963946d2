#include "server/engine/copy_format.h"

#include <algorithm>

#include "server/engine/sql_error.h"

namespace entail::engine {

Expected<CopyOptions> CopyOptions::from(std::span<const grammar::sql::Option> options) {
  CopyOptions result;
  bool has_delimiter = false, has_null = false, has_escape = false;
  const auto truth = [](const grammar::sql::Option& option) {
    return !option.value || *option.value == "true" || *option.value == "on" ||
           *option.value == "1";
  };
  const auto one_byte = [](const grammar::sql::Option& option,
                           std::string_view what) -> Expected<char> {
    if (!option.value || option.value->size() != 1) {
      return sql_error("0A000",
                       "COPY " + std::string(what) + " must be a single one-byte character");
    }
    return option.value->front();
  };
  for (const grammar::sql::Option& option : options) {
    if (option.name == "format") {
      const std::string format = option.value.value_or("");
      if (format == "csv") {
        result.format = CopyFormat::kCsv;
      } else if (format == "binary") {
        return sql_error("0A000", "COPY in binary format is not supported yet");
      } else if (format != "text") {
        return sql_error("22023", "COPY format \"" + format + "\" not recognized");
      }
    } else if (option.name == "delimiter") {
      auto byte = one_byte(option, "delimiter");
      if (!byte) return unexpected(byte.error());
      result.delimiter = *byte;
      has_delimiter = true;
    } else if (option.name == "null") {
      result.null_text = option.value.value_or("");
      has_null = true;
    } else if (option.name == "header") {
      result.header = truth(option) || option.value == "match";
    } else if (option.name == "quote") {
      auto byte = one_byte(option, "quote");
      if (!byte) return unexpected(byte.error());
      result.quote = *byte;
      if (!has_escape) result.escape = *byte;
    } else if (option.name == "escape") {
      auto byte = one_byte(option, "escape");
      if (!byte) return unexpected(byte.error());
      result.escape = *byte;
      has_escape = true;
    } else if (option.name == "force_quote") {
      result.force_quote = option.list;
    } else if (option.name == "force_null") {
      result.force_null = option.list;
    } else if (option.name == "force_not_null") {
      result.force_not_null = option.list;
    } else if (option.name == "encoding" || option.name == "freeze" || option.name == "oids") {
      continue;
    } else {
      return sql_error("42601", "option \"" + option.name + "\" not recognized");
    }
  }
  if (result.format == CopyFormat::kCsv) {
    if (!has_delimiter) result.delimiter = ',';
    if (!has_null) result.null_text.clear();
  }
  return result;
}

CopyReader::CopyReader(CopyOptions options, std::size_t columns,
                       std::function<Expected<void>(std::span<const CopyField>)> line)
    : options_(std::move(options)), columns_(columns), line_(std::move(line)) {}

Expected<void> CopyReader::feed(std::string_view bytes) {
  const bool is_csv = options_.format == CopyFormat::kCsv;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (is_csv) {
      if (escaped_) {
        escaped_ = false;
      } else if (in_quotes_ && c == options_.escape && options_.escape != options_.quote) {
        escaped_ = true;
      } else if (c == options_.quote) {
        in_quotes_ = !in_quotes_;
      }
    } else if (escaped_) {
      escaped_ = false;  // A backslash before a line's end makes it part of the value.
      continue;
    } else if (c == '\\') {
      escaped_ = true;
      continue;
    }
    if (c != '\n' || in_quotes_) continue;
    pending_.append(bytes, begin, i - begin);
    begin = i + 1;
    const std::string line = std::move(pending_);
    pending_.clear();
    if (auto taken = take_line(line); !taken) return taken;
  }
  pending_.append(bytes.substr(begin));
  return {};
}

Expected<void> CopyReader::end() {
  if (pending_.empty()) return {};
  if (in_quotes_) return sql_error("22P04", "unterminated CSV quoted field");
  const std::string line = std::move(pending_);
  pending_.clear();
  return take_line(line);
}

Expected<void> CopyReader::take_line(std::string_view line) {
  if (ended_) return {};
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line == "\\.") {
    ended_ = true;
    return {};
  }
  ++lines_;
  if (options_.header && lines_ == 1) return {};
  fields_.clear();
  auto split = options_.format == CopyFormat::kCsv ? split_csv(line) : split_text(line);
  if (!split) return split;
  if (columns_ == 0 && fields_.size() == 1 && fields_[0].text.empty()) fields_.clear();
  if (fields_.size() > columns_) {
    return sql_error("22P04", "extra data after last expected column");
  }
  return line_(fields_);
}

Expected<void> CopyReader::split_text(std::string_view line) {
  std::size_t begin = 0;
  for (std::size_t i = 0;; ++i) {
    if (i < line.size() && line[i] == '\\') {
      ++i;
      continue;
    }
    if (i < line.size() && line[i] != options_.delimiter) continue;
    const std::string_view raw = line.substr(begin, std::min(i, line.size()) - begin);
    CopyField& field = fields_.emplace_back();
    if (raw == options_.null_text) {
      field.is_null = true;
    } else {
      for (std::size_t j = 0; j < raw.size(); ++j) {
        if (raw[j] != '\\' || j + 1 == raw.size()) {
          field.text.push_back(raw[j]);
          continue;
        }
        const char c = raw[++j];
        switch (c) {
          case 'b':
            field.text.push_back('\b');
            break;
          case 'f':
            field.text.push_back('\f');
            break;
          case 'n':
            field.text.push_back('\n');
            break;
          case 'r':
            field.text.push_back('\r');
            break;
          case 't':
            field.text.push_back('\t');
            break;
          case 'v':
            field.text.push_back('\v');
            break;
          case 'x': {
            const auto hex = [](char digit) {
              return digit >= '0' && digit <= '9'   ? digit - '0'
                     : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                     : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                                    : -1;
            };
            int value = -1;
            for (int n = 0; n < 2 && j + 1 < raw.size() && hex(raw[j + 1]) >= 0; ++n) {
              value = (value < 0 ? 0 : value * 16) + hex(raw[++j]);
            }
            field.text.push_back(value < 0 ? 'x' : static_cast<char>(value));
            break;
          }
          default:
            if (c >= '0' && c <= '7') {
              int value = c - '0';
              for (int n = 0; n < 2 && j + 1 < raw.size() && raw[j + 1] >= '0' && raw[j + 1] <= '7';
                   ++n) {
                value = value * 8 + (raw[++j] - '0');
              }
              field.text.push_back(static_cast<char>(value));
            } else {
              field.text.push_back(c);
            }
        }
      }
    }
    if (i >= line.size()) return {};
    begin = i + 1;
  }
}

Expected<void> CopyReader::split_csv(std::string_view line) {
  std::size_t i = 0;
  while (true) {
    CopyField& field = fields_.emplace_back();
    bool quoted = false;
    while (i < line.size() && (quoted || line[i] != options_.delimiter)) {
      const char c = line[i];
      if (quoted && c == options_.escape && i + 1 < line.size() &&
          (line[i + 1] == options_.quote || line[i + 1] == options_.escape)) {
        field.text.push_back(line[i + 1]);
        i += 2;
        continue;
      }
      if (c == options_.quote) {
        quoted = !quoted;
        field.was_quoted = true;
      } else {
        field.text.push_back(c);
      }
      ++i;
    }
    if (quoted) return sql_error("22P04", "unterminated CSV quoted field");
    field.is_null = !field.was_quoted && field.text == options_.null_text;
    if (i >= line.size()) return {};
    ++i;
  }
}

void CopyWriter::header(const ResultShape& shape, std::string& out) const {
  CopyWriter writer(options_);
  for (const OutputColumn& column : shape.columns) writer.field(column.name, column.name, out);
  out.push_back('\n');
}

void CopyWriter::field(std::optional<std::string_view> text, std::string_view column,
                       std::string& out) {
  if (!first_) out.push_back(options_.delimiter);
  first_ = false;
  if (!text) {
    out += options_.null_text;
    return;
  }
  if (options_.format == CopyFormat::kCsv) {
    const auto& forced = options_.force_quote;
    bool quote = *text == options_.null_text ||
                 std::find(forced.begin(), forced.end(), "*") != forced.end() ||
                 std::find(forced.begin(), forced.end(), column) != forced.end() || *text == "\\.";
    for (const char c : *text) {
      quote |= c == options_.delimiter || c == options_.quote || c == '\n' || c == '\r';
    }
    if (!quote) {
      out += *text;
      return;
    }
    out.push_back(options_.quote);
    for (const char c : *text) {
      if (c == options_.quote || c == options_.escape) out.push_back(options_.escape);
      out.push_back(c);
    }
    out.push_back(options_.quote);
    return;
  }
  for (const char c : *text) {
    switch (c) {
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
      case '\\':
        out += "\\\\";
        break;
      default:
        if (c == options_.delimiter) out.push_back('\\');
        out.push_back(c);
    }
  }
}

}  // namespace entail::engine
