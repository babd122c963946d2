// server/cli/json_tree.h - a JSON document as a tree that knows where each value stands.
//
// Messages about a line of JSON name the column of what is wrong, and numbers keep all their digits, so
// values are views of the text until somebody wants them. RFC 8259; members keep their order, equal names
// stay both.
//
// Cost: about as fast as the bytes can be looked at, and no allocation once the tree has grown.
// Threads: one a tree.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "server/cli/fact_text.h"

namespace entail::cli {

struct JsonNode {
  enum class Kind : std::uint8_t { kNull, kTrue, kFalse, kNumber, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  std::size_t begin = 0;       // Offset in the text …
  std::size_t end = 0;         // … and behind it.
  std::string_view text;       // kString: without quotes and escapes; kNumber: as spelled.
  std::string_view name;       // Of a member of an object.
  std::size_t name_at = 0;     // Where that stands.
  std::uint32_t children = 0;  // How many.
  std::uint32_t next = 0;      // The node behind this one and all that it holds.

  bool is(Kind wanted) const { return kind == wanted; }
};

class JsonTree {
 public:
  // Reads the whole of `text` from `at` on; it must outlive the tree's use. False: see `problem`.
  [[nodiscard]] bool parse(std::string_view text, std::size_t at, TextProblem& problem);

  const JsonNode& root() const { return nodes_.front(); }
  const JsonNode& at(std::uint32_t position) const { return nodes_[position]; }
  // The first child of a node; its siblings follow at `next`.
  std::uint32_t first_child(const JsonNode& node) const {
    return static_cast<std::uint32_t>(&node - nodes_.data()) + 1;
  }
  // Calls visit(child) for each child until it returns false; whether it never did.
  template <typename Visit>
  bool for_each(const JsonNode& node, const Visit& visit) const {
    std::uint32_t child = first_child(node);
    for (std::uint32_t i = 0; i < node.children; ++i) {
      if (!visit(nodes_[child])) return false;
      child = nodes_[child].next;
    }
    return true;
  }
  std::string_view source(const JsonNode& node) const {
    return text_.substr(node.begin, node.end - node.begin);
  }

 private:
  bool read_value(int depth);
  bool read_number(JsonNode& node);
  bool read_string(std::string_view& out);
  bool read_escape(std::string& out);
  bool read_word(std::string_view word);
  bool read_children(std::uint32_t parent, bool is_object, int depth);
  void skip_space();
  bool fail(std::size_t at, std::string message);

  std::string_view text_;
  std::size_t at_ = 0;
  TextProblem* problem_ = nullptr;
  std::vector<JsonNode> nodes_;      // In the order of the text.
  std::deque<std::string> decoded_;  // Texts that had escapes.
};

}  // namespace entail::cli
