// vm/row_tree.h - rows in the order of one column behind an equality prefix: an ordered index for rows
// that come and go.
//
// A B+-tree of row ids. Its order is that of vm/ordered_index.h: the key's words, then the range column in
// its own order, then the row id, so that no two rows are equal.
//
//     inner   [ first | child ][ first | child ] …       `first` is the first row of the child's subtree
//     leaf    [ row ][ row ][ row ] …  ──► next leaf
//
// Words are read from the columns at each comparison: the tree is four bytes a row at best, six as a rule,
// and what is in it must keep its words until it is erased.
//
// Invariants (verify() checks them)
//   (1) Rows ascend; each linked row is there once.
//   (2) An inner node names the first row of each child; it has two children at least.
//   (3) All leaves are equally deep and linked from left to right.
//
// Cost: insert and erase O(log n) comparisons, about 20 at a million rows, each one or two loads.
// Memory is never refused; the owner books what bytes() says. Threads: const members may run concurrently.
// Source: Bayer and McCreight 1972; Comer, "The ubiquitous B-tree" (1979).

#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "vm/base/tiny.h"
#include "vm/ordered_index.h"
#include "vm/row_columns.h"

namespace entail::vm {

class RowTree {
 public:
  struct Bound {
    const Word* word = nullptr;  // nullptr: open.
    bool inclusive = false;
  };

  // `key`: columns, ascending, perhaps none. The columns outlive the index, and so does the pool.
  RowTree(const RowColumns& columns, std::vector<std::uint32_t> key, std::uint32_t range_column,
          ColumnOrderKind kind, const ValuePool* pool);
  ~RowTree();
  RowTree(const RowTree&) = delete;  // Owns nodes.
  RowTree& operator=(const RowTree&) = delete;

  std::span<const std::uint32_t> key() const { return key_; }
  std::size_t size() const { return size_; }
  std::uint64_t bytes() const { return leaves_ * sizeof(Leaf) + inners_ * sizeof(Inner); }

  void build(std::vector<Row> rows);  // REQUIRES: empty. A tenth of what as many insertions cost.
  void insert(Row row);               // REQUIRES: it is not there.
  void erase(Row row);  // REQUIRES: it is there, and its words are those it came with.

  // visit(row) for the rows of key number i between the bounds, in order.
  template <typename Visit>
  void range(std::span<const Word* const> keys, std::size_t i, Bound low, Bound high,
             Visit visit) const {
    // The first row that is not before the range; behind it, until one is after the range.
    const Leaf* leaf = find_leaf(keys, i, low);
    if (leaf == nullptr) return;
    std::size_t at = static_cast<std::size_t>(
        std::partition_point(leaf->rows, leaf->rows + leaf->count,
                             [&](Row row) { return is_before(row, keys, i, low); }) -
        leaf->rows);
    for (; leaf != nullptr; leaf = leaf->next, at = 0) {
      for (; at < leaf->count; ++at) {
        if (is_after(leaf->rows[at], keys, i, high)) return;
        visit(leaf->rows[at]);
      }
    }
  }

  // The first row behind the lower bound that is wanted, if there is one. REQUIRES: no key.
  template <typename Wanted>
  std::optional<Row> first(Bound low, Wanted is_wanted) const {
    const Leaf* leaf = find_leaf({}, 0, low);
    if (leaf == nullptr) return std::nullopt;
    std::size_t at = static_cast<std::size_t>(
        std::partition_point(leaf->rows, leaf->rows + leaf->count,
                             [&](Row row) { return is_before(row, {}, 0, low); }) -
        leaf->rows);
    for (; leaf != nullptr; leaf = leaf->next, at = 0) {
      for (; at < leaf->count; ++at) {
        if (is_wanted(leaf->rows[at])) return leaf->rows[at];
      }
    }
    return std::nullopt;
  }

  template <typename Visit>
  void for_each(Visit visit) const {
    for (const Leaf* leaf = first_leaf(); leaf != nullptr; leaf = leaf->next) {
      for (std::size_t at = 0; at < leaf->count; ++at) visit(leaf->rows[at]);
    }
  }

  void verify() const;

 private:
  static constexpr std::size_t kLeafRows = size_or_tiny(60, 4);
  static constexpr std::size_t kChildren = size_or_tiny(42, 4);

  struct Node {
    explicit Node(bool leaf) : is_leaf(leaf) {}
    const bool is_leaf;
    std::uint16_t count = 0;
  };
  struct Leaf : Node {
    Leaf() : Node(true) {}
    Row rows[kLeafRows];
    Leaf* next = nullptr;
  };
  struct Inner : Node {
    Inner() : Node(false) {}
    Row firsts[kChildren];
    Node* children[kChildren];
  };

  static Leaf* leaf_of(Node* node) { return static_cast<Leaf*>(node); }
  static Inner* inner_of(Node* node) { return static_cast<Inner*>(node); }
  static std::size_t least_of(const Node& node) {
    return std::max<std::size_t>(2, (node.is_leaf ? kLeafRows : kChildren) / 3);
  }
  static std::size_t most_of(const Node& node) { return node.is_leaf ? kLeafRows : kChildren; }
  static Row first_of(const Node* node) {
    return node->is_leaf ? static_cast<const Leaf*>(node)->rows[0]
                         : static_cast<const Inner*>(node)->firsts[0];
  }

  int compare(Row left, Row right) const;
  void sort(std::vector<Row>& rows) const;
  bool sort_as_numbers(std::vector<Row>& rows) const;
  bool is_before(Row row, std::span<const Word* const> keys, std::size_t i, Bound low) const;
  bool is_after(Row row, std::span<const Word* const> keys, std::size_t i, Bound high) const;
  int compare_key(Row row, std::span<const Word* const> keys, std::size_t i) const;
  const Leaf* find_leaf(std::span<const Word* const> keys, std::size_t i, Bound low) const;
  const Leaf* first_leaf() const;
  std::size_t child_of(const Inner& inner, Row row) const;

  Leaf* new_leaf();
  Inner* new_inner();
  void free_node(Node* node);
  void free_tree(Node* node);
  Node* insert_into(Node* node, Row row);
  Node* insert_into_leaf(Leaf& leaf, Row row);
  Node* insert_child(Inner& inner, std::size_t at, Node* child);
  void erase_from(Node* node, Row row);
  void mend(Inner& inner, std::size_t at);
  static void move_items(Node* to, std::size_t to_at, Node* from, std::size_t from_at,
                         std::size_t n);
  std::size_t verify_node(const Node* node, std::size_t depth, std::size_t& depth_of_leaves,
                          const Leaf*& last) const;

  const RowColumns& columns_;
  std::vector<std::uint32_t> key_;
  std::uint32_t range_column_;
  ColumnOrderKind kind_;
  const ValuePool* pool_;
  Node* root_ = nullptr;
  std::size_t size_ = 0;
  std::size_t leaves_ = 0;
  std::size_t inners_ = 0;
};

}  // namespace entail::vm
