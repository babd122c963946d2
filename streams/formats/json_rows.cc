#include "streams/formats/json_rows.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <limits>
#include <vector>

#include "streams/formats/json_value.h"
#include "streams/formats/value_setter.h"
#include "vm/type_table.h"
#include "vm/value_text.h"

namespace entail::streams {
namespace {

namespace ondemand = simdjson::ondemand;
using vm::TypeKind;
using vm::Word;

static_assert(kDecoderPadding >= simdjson::SIMDJSON_PADDING);

constexpr std::size_t kExcerptMax = 40;

std::string excerpt(std::string_view text) {
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  if (text.size() <= kExcerptMax) return std::string(text);
  return std::string(text.substr(0, kExcerptMax)) + "…";
}

bool is_time(vm::Type type) {
  return type.kind == TypeKind::kTimestamp || type.kind == TypeKind::kTimestampTz;
}

class JsonRows final : public RowDecoder {
 public:
  JsonRows(std::shared_ptr<const RowShape> shape, TimeUnit unit)
      : shape_(std::move(shape)), setter_(shape_), unit_(unit), seen_(shape_->columns.size()) {}

  void begin_batch() override { setter_.begin_batch(); }

  void decode(std::string_view record, const RowOrigin& origin, SourceBatch& batch) override {
    if (record.find_first_not_of(" \t\r") == std::string_view::npos) return;
    problem_.clear();
    batch.rows.begin_row();
    if (read(record, batch.rows)) {
      batch.rows.end_row(origin);
      return;
    }
    batch.rows.drop_row();
    batch.dead.push_back({origin, problem_, batch.rows.size()});
  }

 private:
  bool fail(std::string message) {
    problem_ = std::move(message);
    return false;
  }
  bool fail(simdjson::error_code error) {
    return fail(fmt::format("it is not a JSON object: {}", simdjson::error_message(error)));
  }
  bool fail_column(std::size_t column, std::string_view message) {
    return fail(fmt::format("column '{}': {}", shape_->columns[column].name, message));
  }

  bool read(std::string_view record, EventRows& rows) {
    const simdjson::padded_string_view padded(record.data(), record.size(),
                                              record.size() + simdjson::SIMDJSON_PADDING);
    ondemand::document document;
    if (const auto error = parser_.iterate(padded).get(document)) return fail(error);
    ondemand::object object;
    if (const auto error = document.get_object().get(object)) return fail(error);
    ++row_number_;
    std::size_t expected = 0;  // Members mostly come in the order of the columns.
    for (auto member : object) {
      std::string_view name;
      if (const auto error = member.unescaped_key().get(name)) return fail(error);
      const std::size_t column = find_column(name, expected);
      if (column == kNone) continue;
      expected = column + 1;
      if (seen_[column] == row_number_) return fail_column(column, "it is there twice");
      seen_[column] = row_number_;
      ondemand::value value;
      if (const auto error = member.value().get(value)) return fail(error);
      if (!set(rows, column, value)) return false;
    }
    const char* behind = nullptr;
    if (document.current_location().get(behind) == simdjson::SUCCESS) {
      return fail("there is more behind the JSON object");
    }
    for (std::size_t c = 0; c < seen_.size(); ++c) {
      if (seen_[c] != row_number_ && !shape_->columns[c].nullable) {
        return fail(fmt::format("column '{}' is missing", shape_->columns[c].name));
      }
    }
    return true;
  }

  static constexpr std::size_t kNone = ~std::size_t{0};

  std::size_t find_column(std::string_view name, std::size_t expected) const {
    if (expected < shape_->columns.size() && shape_->columns[expected].name == name) {
      return expected;
    }
    for (std::size_t c = 0; c < shape_->columns.size(); ++c) {
      if (shape_->columns[c].name == name) return c;
    }
    return kNone;
  }

  bool set(EventRows& rows, std::size_t column, ondemand::value& value) {
    const datalog::Column& described = shape_->columns[column];
    ondemand::json_type type{};
    if (const auto error = value.type().get(type)) return fail(error);
    switch (type) {
      case ondemand::json_type::null:
        return set_null(rows, column, value);
      case ondemand::json_type::string: {
        std::string_view text;
        if (const auto error = value.get_string().get(text)) return fail(error);
        if (described.type.kind == TypeKind::kText) {
          if (text.find('\0') != std::string_view::npos) {
            return fail_column(column, "a text cannot hold a zero byte");
          }
          rows.set_text(column, text);
          return true;
        }
        if (described.type.kind == TypeKind::kJson) {
          json_.clear();
          append_json_string(text, json_);
          return checked(column, setter_.set_text(rows, column, json_, message_));
        }
        return checked(column, setter_.set_text(rows, column, text, message_));
      }
      case ondemand::json_type::number:
        return set_number(rows, column, value);
      case ondemand::json_type::boolean: {
        bool truth = false;
        if (const auto error = value.get_bool().get(truth)) return fail(error);
        if (described.type.kind == TypeKind::kBool) {
          rows.set_word(column, truth ? 1 : 0);
          return true;
        }
        const std::string_view text = truth ? "true" : "false";
        if (described.type.kind != TypeKind::kJson) return mistyped(column, text);
        return checked(column, setter_.set_text(rows, column, text, message_));
      }
      case ondemand::json_type::array:
      case ondemand::json_type::object: {
        std::string_view text;
        if (const auto error = simdjson::to_json_string(value).get(text)) return fail(error);
        switch (described.type.kind) {
          case TypeKind::kJson:
          case TypeKind::kRecord:
          case TypeKind::kArray:
            return checked(column, setter_.set_json(rows, column, text, message_));
          default:
            return mistyped(column, text);
        }
      }
    }
    return fail_column(column, "it is no JSON value");
  }

  bool set_null(EventRows& rows, std::size_t column, ondemand::value& value) {
    const datalog::Column& described = shape_->columns[column];
    bool is_null = false;
    if (const auto error = value.is_null().get(is_null)) return fail(error);
    if (!is_null) return fail("it is not a JSON object: 'n…' is no value");
    if (described.nullable) {
      rows.set_null(column);
      return true;
    }
    if (described.type.kind == TypeKind::kRecord) {
      rows.set_word(column, vm::kNilWord);
      return true;
    }
    return fail_column(column, "it may not be null");
  }

  bool set_number(EventRows& rows, std::size_t column, ondemand::value& value) {
    const vm::Type type = shape_->columns[column].type;
    switch (type.kind) {
      case TypeKind::kInt8:
      case TypeKind::kNumber: {
        std::int64_t number = 0;
        if (type.kind == TypeKind::kNumber && type.width != 64) break;
        if (value.get_int64().get(number) != simdjson::SUCCESS) break;
        rows.set_word(column, vm::int_word(number));
        return true;
      }
      case TypeKind::kFloat8: {
        double number = 0;
        if (value.get_double().get(number) != simdjson::SUCCESS) break;
        rows.set_word(column, vm::double_word(number));
        return true;
      }
      case TypeKind::kTimestamp:
      case TypeKind::kTimestampTz: {
        std::int64_t number = 0;
        if (unit_ == TimeUnit::kNone) break;
        if (value.get_int64().get(number) != simdjson::SUCCESS) break;
        const std::int64_t scale = unit_ == TimeUnit::kSeconds        ? 1'000'000
                                   : unit_ == TimeUnit::kMilliseconds ? 1'000
                                                                      : 1;
        if (number > std::numeric_limits<std::int64_t>::max() / scale / 2 ||
            number < std::numeric_limits<std::int64_t>::min() / scale / 2) {
          return fail_column(column, fmt::format("{} is no time", number));
        }
        rows.set_word(column, vm::int_word(number * scale));
        return true;
      }
      default:
        break;
    }
    const std::string_view text = trimmed(value.raw_json_token());
    if (!vm::is_numeric_kind(type.kind) && type.kind != TypeKind::kJson) {
      return mistyped(column, text);
    }
    return checked(column, setter_.set_text(rows, column, text, message_));
  }

  static std::string_view trimmed(std::string_view token) {
    while (!token.empty() &&
           (token.back() == ' ' || token.back() == '\t' || token.back() == '\r')) {
      token.remove_suffix(1);
    }
    return token;
  }

  bool checked(std::size_t column, bool is_good) {
    return is_good || fail_column(column, message_);
  }
  bool mistyped(std::size_t column, std::string_view text) {
    const vm::Type type = shape_->columns[column].type;
    if (is_time(type) && unit_ == TimeUnit::kNone) {
      return fail_column(column, excerpt(text) +
                                     " is not a text of a time; the setting time_unit says what "
                                     "numbers are");
    }
    return fail_column(column,
                       fmt::format("{} is not a {}", excerpt(text), shape_->types.type_name(type)));
  }

  std::shared_ptr<const RowShape> shape_;
  ValueSetter setter_;
  TimeUnit unit_;
  ondemand::parser parser_;
  std::vector<std::uint64_t> seen_;  // The row in which the column was set last.
  std::uint64_t row_number_ = 0;
  std::string problem_, message_, json_;
};

}  // namespace

bool is_utf8_text(std::string_view bytes) {
  return bytes.find('\0') == std::string_view::npos &&
         simdjson::validate_utf8(bytes.data(), bytes.size());
}

std::unique_ptr<RowDecoder> make_json_rows(std::shared_ptr<const RowShape> shape, TimeUnit unit) {
  return std::make_unique<JsonRows>(std::move(shape), unit);
}

}  // namespace entail::streams
