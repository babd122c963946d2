#include "streams/formats/csv_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "streams/formats/value_setter.h"
#include "vm/base/text.h"

namespace entail::streams {
namespace {

constexpr std::size_t kNone = ~std::size_t{0};

struct Field {
  std::string text;
  bool quoted = false;
};

class CsvRows final : public RowDecoder {
 public:
  CsvRows(std::shared_ptr<const RowShape> shape, CsvOptions options)
      : shape_(std::move(shape)), setter_(shape_), options_(std::move(options)) {
    for (std::size_t c = 0; c < shape_->columns.size(); ++c) columns_.push_back(c);
  }

  void begin_batch() override { setter_.begin_batch(); }
  bool has_header() const override { return options_.header; }

  Expected<void> read_header(std::string_view record) override {
    std::string problem;
    if (!split(record, problem)) {
      return unexpected(ErrorCode::kData, "the header: " + problem);
    }
    columns_.clear();
    for (std::size_t i = 0; i < field_count_; ++i) {
      const std::string& name = fields_[i].text;
      const auto found = std::find_if(shape_->columns.begin(), shape_->columns.end(),
                                      [&](const datalog::Column& c) { return c.name == name; });
      const auto column = static_cast<std::size_t>(found - shape_->columns.begin());
      const bool is_known = found != shape_->columns.end();
      if (is_known && std::find(columns_.begin(), columns_.end(), column) != columns_.end()) {
        return unexpected(ErrorCode::kData, "the header names '" + name + "' twice");
      }
      columns_.push_back(is_known ? column : kNone);
    }
    for (std::size_t c = 0; c < shape_->columns.size(); ++c) {
      if (!shape_->columns[c].nullable &&
          std::find(columns_.begin(), columns_.end(), c) == columns_.end()) {
        return unexpected(ErrorCode::kData,
                          "the header lacks the column '" + shape_->columns[c].name + "'");
      }
    }
    return {};
  }

  std::size_t record_end(std::string_view text) const override {
    bool is_quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '"') is_quoted = !is_quoted;
      if (text[i] == '\n' && !is_quoted) return i;
    }
    return std::string_view::npos;
  }

  void decode(std::string_view record, const RowOrigin& origin, SourceBatch& batch) override {
    if (!record.empty() && record.back() == '\r') record.remove_suffix(1);
    if (record.empty()) return;
    std::string problem;
    batch.rows.begin_row();
    if (read(record, batch.rows, problem)) {
      batch.rows.end_row(origin);
      return;
    }
    batch.rows.drop_row();
    batch.dead.push_back({origin, std::move(problem), batch.rows.size()});
  }

 private:
  bool read(std::string_view record, EventRows& rows, std::string& problem) {
    if (!split(record, problem)) return false;
    if (field_count_ != columns_.size()) {
      problem = fmt::format("{} where there should be {}", count_of(field_count_, "field"),
                            columns_.size());
      return false;
    }
    for (std::size_t i = 0; i < field_count_; ++i) {
      if (columns_[i] == kNone) continue;
      const datalog::Column& column = shape_->columns[columns_[i]];
      const bool is_null =
          column.nullable && !fields_[i].quoted && fields_[i].text == options_.null_text;
      if (is_null) continue;  // It is, until it is set.
      if (!setter_.set_text(rows, columns_[i], fields_[i].text, problem)) {
        problem = fmt::format("column '{}': {}", column.name, problem);
        return false;
      }
    }
    return true;
  }

  Field& next_field() {
    if (field_count_ == fields_.size()) fields_.emplace_back();
    Field& field = fields_[field_count_++];
    field.text.clear();
    field.quoted = false;
    return field;
  }

  bool split(std::string_view record, std::string& problem) {
    if (!record.empty() && record.back() == '\r') record.remove_suffix(1);
    field_count_ = 0;
    std::size_t at = 0;
    for (;;) {
      Field& field = next_field();
      if (at < record.size() && record[at] == '"') {
        field.quoted = true;
        ++at;
        for (;;) {
          const std::size_t quote = record.find('"', at);
          if (quote == std::string_view::npos) {
            problem = "a quoted field does not end";
            return false;
          }
          field.text.append(record.substr(at, quote - at));
          at = quote + 1;
          if (at == record.size() || record[at] != '"') break;
          field.text.push_back('"');
          ++at;
        }
        if (at < record.size() && record[at] != options_.delimiter) {
          problem = fmt::format("field {}: there is more behind its closing quote", field_count_);
          return false;
        }
      } else {
        const std::size_t end = std::min(record.find(options_.delimiter, at), record.size());
        field.text.assign(record.substr(at, end - at));
        at = end;
      }
      if (at >= record.size()) return true;
      ++at;  // The delimiter.
    }
  }

  std::shared_ptr<const RowShape> shape_;
  ValueSetter setter_;
  CsvOptions options_;
  std::vector<std::size_t> columns_;  // By field.
  std::vector<Field> fields_;         // Kept for their memory; field_count_ count.
  std::size_t field_count_ = 0;
};

}  // namespace

std::unique_ptr<RowDecoder> make_csv_rows(std::shared_ptr<const RowShape> shape,
                                          CsvOptions options) {
  return std::make_unique<CsvRows>(std::move(shape), std::move(options));
}

}  // namespace entail::streams
