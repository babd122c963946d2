#include "server/engine/internal/json_line.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "server/engine/sql_error.h"

namespace entail::engine {
namespace {

using nlohmann::json;

constexpr std::size_t kDepthMax = 512;

std::string json_text(const std::string& text) { return json(text).dump(); }

// An element of an array in SQL's form.
std::string element(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

class LineReader final : public nlohmann::json_sax<json> {
 public:
  std::vector<JsonField> fields;
  std::string complaint;

  bool null() override { return scalar(JsonField::Kind::kNull, "null", "NULL"); }
  bool boolean(bool value) override {
    const std::string text = value ? "true" : "false";
    return scalar(JsonField::Kind::kScalar, text, text);
  }
  bool number_integer(number_integer_t value) override {
    const std::string text = std::to_string(value);
    return scalar(JsonField::Kind::kScalar, text, text);
  }
  bool number_unsigned(number_unsigned_t value) override {
    const std::string text = std::to_string(value);
    return scalar(JsonField::Kind::kScalar, text, text);
  }
  bool number_float(number_float_t /*value*/, const string_t& written) override {
    return scalar(JsonField::Kind::kScalar, written, written);
  }
  bool string(string_t& value) override {
    if (depth_ == 1) return take({{}, JsonField::Kind::kString, value, {}});
    return nested(json_text(value), element(value));
  }
  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override {
    if (depth_ > 0) begin('{', '{', JsonField::Kind::kObject);
    return deeper();
  }
  bool key(string_t& name) override {
    if (depth_ > 1) {
      separate();
      json_ += json_text(name) + ":";
      is_first_ = true;  // The value follows without a comma.
      return true;
    }
    for (const JsonField& field : fields) {
      if (field.name == name) return complain("\"" + name + "\" is there twice");
    }
    name_ = name;
    return true;
  }
  bool end_object() override {
    --depth_;
    if (depth_ > 0) end('}');
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ == 0) return complain("it is an array and no object");
    begin('[', '{', JsonField::Kind::kArray);
    return deeper();
  }
  bool end_array() override {
    --depth_;
    end(']');
    return true;
  }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    if (complaint.empty()) {
      complaint =
          "it is not well formed at byte " + std::to_string(std::max<std::size_t>(position, 1));
    }
    return false;
  }

 private:
  bool complain(std::string text) {
    complaint = std::move(text);
    return false;
  }
  bool deeper() { return ++depth_ <= kDepthMax || complain("it is nested too deeply"); }
  bool take(JsonField field) {
    if (depth_ == 0) return complain("it is no object");
    field.name = std::move(name_);
    fields.push_back(std::move(field));
    return true;
  }
  bool scalar(JsonField::Kind kind, const std::string& text, const std::string& array) {
    if (depth_ <= 1) return take({{}, kind, text, {}});
    return nested(text, array);
  }
  void separate() {
    if (!is_first_) {
      json_.push_back(',');
      array_.push_back(',');
    }
    is_first_ = false;
  }
  bool nested(const std::string& text, const std::string& array) {
    separate();
    json_ += text;
    array_ += array;
    return true;
  }
  void begin(char json_bracket, char array_bracket, JsonField::Kind kind) {
    if (depth_ == 1) {
      kind_ = kind;
      json_.clear();
      array_.clear();
    } else {
      separate();
    }
    json_.push_back(json_bracket);
    array_.push_back(array_bracket);
    is_first_ = true;
  }
  void end(char json_bracket) {
    json_.push_back(json_bracket);
    array_.push_back('}');
    is_first_ = false;
    if (depth_ == 1) take({{}, kind_, std::move(json_), std::move(array_)});
  }

  std::size_t depth_ = 0;  // 1: among the members of the line's object.
  std::string name_, json_, array_;
  JsonField::Kind kind_ = JsonField::Kind::kNull;
  bool is_first_ = true;
};

}  // namespace

std::string JsonField::json() const { return kind == Kind::kString ? json_text(text) : text; }

Expected<std::vector<JsonField>> read_json_line(std::string_view line) {
  LineReader reader;
  const bool is_well = json::sax_parse(line.begin(), line.end(), &reader);
  if (!is_well || !reader.complaint.empty()) {
    return sql_error("22P02", "the line is no JSON object: " + reader.complaint);
  }
  return std::move(reader.fields);
}

}  // namespace entail::engine
