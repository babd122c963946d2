#include "server/cli/json_tree.h"

#include <fmt/format.h>

#include <utility>

namespace entail::cli {
namespace {

constexpr int kNestingMax = 10'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::uint32_t code, std::string& out) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0U | code >> 6U);
    put(0x80U | (code & 0x3fU));
  } else if (code < 0x10000) {
    put(0xe0U | code >> 12U);
    put(0x80U | (code >> 6U & 0x3fU));
    put(0x80U | (code & 0x3fU));
  } else {
    put(0xf0U | code >> 18U);
    put(0x80U | (code >> 12U & 0x3fU));
    put(0x80U | (code >> 6U & 0x3fU));
    put(0x80U | (code & 0x3fU));
  }
}

}  // namespace

bool JsonTree::parse(std::string_view text, std::size_t at, TextProblem& problem) {
  text_ = text;
  at_ = at;
  problem_ = &problem;
  nodes_.clear();
  decoded_.clear();
  if (!read_value(0)) return false;
  skip_space();
  if (at_ == text_.size()) return true;
  return fail(at_, "expected the end of the line behind the JSON object");
}

bool JsonTree::fail(std::size_t at, std::string message) {
  *problem_ = {at, std::move(message)};
  return false;
}

void JsonTree::skip_space() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r'))
    ++at_;
}

bool JsonTree::read_word(std::string_view word) {
  if (!text_.substr(at_).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

bool JsonTree::read_value(int depth) {
  if (depth > kNestingMax) return fail(at_, "the JSON is nested too deep");
  skip_space();
  if (at_ >= text_.size()) return fail(at_, "expected a JSON value, and the line ends here");
  const auto position = static_cast<std::uint32_t>(nodes_.size());
  JsonNode node;
  node.begin = at_;
  using Kind = JsonNode::Kind;
  const char first = text_[at_];
  if (first == '{' || first == '[') {
    ++at_;
    node.kind = first == '{' ? Kind::kObject : Kind::kArray;
    nodes_.push_back(node);
    if (!read_children(position, first == '{', depth)) return false;
  } else {
    if (first == '"') {
      node.kind = Kind::kString;
      if (!read_string(node.text)) return false;
    } else if (first == '-' || is_digit(first)) {
      node.kind = Kind::kNumber;
      if (!read_number(node)) return false;
    } else if (read_word("null")) {
      node.kind = Kind::kNull;
    } else if (read_word("true")) {
      node.kind = Kind::kTrue;
    } else if (read_word("false")) {
      node.kind = Kind::kFalse;
    } else {
      return fail(at_, fmt::format("expected a JSON value, not '{}'", first));
    }
    nodes_.push_back(node);
  }
  nodes_[position].end = at_;
  nodes_[position].next = static_cast<std::uint32_t>(nodes_.size());
  return true;
}

bool JsonTree::read_children(std::uint32_t parent, bool is_object, int depth) {
  const char close = is_object ? '}' : ']';
  skip_space();
  if (at_ < text_.size() && text_[at_] == close) {
    ++at_;
    return true;
  }
  for (;;) {
    std::string_view name;
    skip_space();
    const std::size_t name_at = at_;
    if (is_object) {
      if (at_ >= text_.size() || text_[at_] != '"') {
        return fail(at_, "expected the name of a member in double quotes");
      }
      if (!read_string(name)) return false;
      skip_space();
      if (at_ >= text_.size() || text_[at_] != ':') {
        return fail(at_, "expected ':' behind the name of a member");
      }
      ++at_;
    }
    const std::size_t child = nodes_.size();
    if (!read_value(depth + 1)) return false;
    nodes_[child].name = name;
    nodes_[child].name_at = name_at;
    ++nodes_[parent].children;
    skip_space();
    if (at_ < text_.size() && text_[at_] == ',') {
      ++at_;
      continue;
    }
    if (at_ < text_.size() && text_[at_] == close) {
      ++at_;
      return true;
    }
    return fail(at_, fmt::format("expected ',' or '{}' in the JSON{}", close,
                                 at_ >= text_.size() ? ", and the line ends here" : ""));
  }
}

bool JsonTree::read_number(JsonNode& node) {
  const auto digits = [&] {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ > begin;
  };
  const auto is_next = [&](std::string_view characters) {
    return at_ < text_.size() && characters.find(text_[at_]) != std::string_view::npos;
  };
  if (is_next("-")) ++at_;
  bool is_number = true;
  if (is_next("0")) {
    ++at_;
  } else {
    is_number = digits();
  }
  if (is_number && is_next(".")) {
    ++at_;
    is_number = digits();
  }
  if (is_number && is_next("eE")) {
    ++at_;
    if (is_next("+-")) ++at_;
    is_number = digits();
  }
  if (!is_number || is_next("0123456789.eE+-_abcdfxABCDFX")) {
    return fail(node.begin, "this is no JSON number");
  }
  node.text = text_.substr(node.begin, at_ - node.begin);
  return true;
}

bool JsonTree::read_string(std::string_view& out) {
  const std::size_t begin = ++at_;
  std::string* decoded = nullptr;
  std::size_t run = begin;  // Where what is not copied yet begins.
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '"') {
      if (decoded != nullptr) {
        decoded->append(text_.substr(run, at_ - run));
        out = *decoded;
      } else {
        out = text_.substr(begin, at_ - begin);
      }
      ++at_;
      return true;
    }
    if (static_cast<unsigned char>(c) < 0x20) {
      return fail(at_, "a control character in a JSON text is written as an escape");
    }
    if (c != '\\') continue;
    if (decoded == nullptr) decoded = &decoded_.emplace_back();
    decoded->append(text_.substr(run, at_ - run));
    if (!read_escape(*decoded)) return false;
    run = at_;
    --at_;
  }
  return fail(begin - 1, "the JSON text is not closed: expected '\"' before the line ends");
}

// From the backslash on; `at_` stands behind the escape afterwards.
bool JsonTree::read_escape(std::string& out) {
  const std::size_t begin = at_++;
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
  const char name = at_ < text_.size() ? text_[at_] : '\0';
  if (const std::size_t which = kNames.find(name);
      which != std::string_view::npos && name != '\0') {
    out += kValues[which];
    ++at_;
    return true;
  }
  const auto unit = [&](std::uint32_t& code) {
    if (at_ + 5 > text_.size() || text_[at_] != 'u') return false;
    code = 0;
    for (std::size_t i = 1; i <= 4; ++i) {
      const int digit = hex_value(text_[at_ + i]);
      if (digit < 0) return false;
      code = code << 4U | static_cast<std::uint32_t>(digit);
    }
    at_ += 5;
    return true;
  };
  std::uint32_t code = 0;
  if (!unit(code)) return fail(begin, "unknown escape in a JSON text");
  const bool is_high = code >= 0xd800 && code < 0xdc00;
  if (is_high) {
    std::uint32_t low = 0;
    if (at_ >= text_.size() || text_[at_] != '\\') return fail(begin, "half of a surrogate pair");
    ++at_;
    if (!unit(low) || low < 0xdc00 || low > 0xdfff) return fail(begin, "half of a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10U) + (low - 0xdc00);
  } else if (code >= 0xdc00 && code <= 0xdfff) {
    return fail(begin, "half of a surrogate pair");
  }
  append_utf8(code, out);
  return true;
}

}  // namespace entail::cli
