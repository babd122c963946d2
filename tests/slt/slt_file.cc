#include "tests/slt/slt_file.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace entail::slt {
namespace {

class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}
  bool at_end() const { return position_ >= text_.size(); }
  std::size_t number() const { return number_; }
  std::string_view next() {
    const std::size_t end = std::min(text_.find('\n', position_), text_.size());
    std::string_view line = text_.substr(position_, end - position_);
    position_ = std::min(end + 1, text_.size());
    if (end == text_.size()) position_ = text_.size();
    ++number_;
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
  }

 private:
  std::string_view text_;
  std::size_t position_ = 0, number_ = 0;
};

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : line) {
    if (c == ' ' || c == '\t') {
      if (!word.empty()) words.push_back(std::move(word));
      word.clear();
    } else {
      word.push_back(c);
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

}  // namespace

SltFile parse_slt(std::string path, std::string_view text) {
  SltFile file;
  file.path = std::move(path);
  Lines lines(text);
  std::string sqlstate;
  while (!lines.at_end()) {
    const std::string_view line = lines.next();
    if (line.empty()) continue;
    if (line.front() == '#') {
      const std::vector<std::string> words = words_of(line);
      if (words.size() == 3 && words[1] == "sqlstate") sqlstate = words[2];
      continue;
    }
    const std::vector<std::string> words = words_of(line);
    if (words.empty()) continue;
    if (words[0] == "halt") break;
    if (words[0] != "statement" && words[0] != "query") continue;
    Record record;
    record.line = lines.number();
    std::string ended;
    while (!lines.at_end()) {
      const std::string_view body = lines.next();
      if (body.empty() || body == "----") {
        ended = body;
        break;
      }
      if (!record.sql.empty()) record.sql.push_back('\n');
      record.sql += body;
    }
    if (words[0] == "statement") {
      record.expects_error = words.size() > 1 && words[1] == "error";
      record.is_copy = words.size() > 1 && words[1] == "copy";
      record.sqlstate = sqlstate;
      if (ended == "----") {
        while (!lines.at_end()) {
          const std::string_view data = lines.next();
          if (data == "\\.") break;
          if (!record.is_copy && data.empty()) break;
          record.copy_data += data;
          record.copy_data.push_back('\n');
        }
      }
    } else {
      record.kind = RecordKind::kQuery;
      record.types = words.size() > 1 ? words[1] : "";
      const std::string sort = words.size() > 2 ? words[2] : "nosort";
      record.sort = sort == "rowsort"     ? SortMode::kRows
                    : sort == "valuesort" ? SortMode::kValues
                                          : SortMode::kNone;
      if (ended == "----") {
        while (!lines.at_end()) {
          const std::string_view value = lines.next();
          if (value.empty()) break;
          record.expected.emplace_back(value);
        }
      }
      record.value_count = record.expected.size();
      if (record.expected.size() == 1) {
        const std::vector<std::string> parts = words_of(record.expected.front());
        if (parts.size() == 5 && parts[1] == "values" && parts[2] == "hashing") {
          record.hash = parts[4];
          record.value_count = std::strtoull(parts[0].c_str(), nullptr, 10);
          record.expected.clear();
        }
      }
    }
    sqlstate.clear();
    file.records.push_back(std::move(record));
  }
  return file;
}

std::vector<std::string> arrange(std::vector<std::vector<std::string>> rows, SortMode sort) {
  if (sort == SortMode::kRows) std::sort(rows.begin(), rows.end());
  std::vector<std::string> values;
  for (std::vector<std::string>& row : rows) {
    for (std::string& value : row) values.push_back(std::move(value));
  }
  if (sort == SortMode::kValues) std::sort(values.begin(), values.end());
  return values;
}

std::string md5_of(const std::vector<std::string>& values) {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  EVP_DigestInit_ex(context, EVP_md5(), nullptr);
  for (const std::string& value : values) {
    EVP_DigestUpdate(context, value.data(), value.size());
    EVP_DigestUpdate(context, "\n", 1);
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_DigestFinal_ex(context, digest.data(), &size);
  EVP_MD_CTX_free(context);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    std::array<char, 3> two{};
    std::snprintf(two.data(), two.size(), "%02x", digest[i]);
    hex += two.data();
  }
  return hex;
}

std::string format_value(char type, const std::string& text, bool is_null) {
  if (is_null) return "NULL";
  if (type == 'R') {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (end != text.c_str() && *end == '\0') {
      std::array<char, 400> out{};
      std::snprintf(out.data(), out.size(), "%.3f", value);
      return out.data();
    }
  }
  if (text.empty()) return "(empty)";
  std::string out = text;
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '@';
  }
  return out;
}

}  // namespace entail::slt
