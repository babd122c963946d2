#include "vm/row_tree.h"

#include <array>
#include <bit>
#include <numeric>
#include <utility>

#include "vm/base/ensure.h"

namespace entail::vm {

RowTree::RowTree(const RowColumns& columns, std::vector<std::uint32_t> key,
                 std::uint32_t range_column, ColumnOrderKind kind, const ValuePool* pool)
    : columns_(columns),
      key_(std::move(key)),
      range_column_(range_column),
      kind_(kind),
      pool_(pool) {
  ENTAIL_ENSURE(kind != ColumnOrderKind::kText || pool != nullptr);
}

RowTree::~RowTree() {
  if (root_ != nullptr) free_tree(root_);
}

// ------------------------------------------------------------------------------ nodes

RowTree::Leaf* RowTree::new_leaf() {
  ++leaves_;
  return new Leaf;
}

RowTree::Inner* RowTree::new_inner() {
  ++inners_;
  return new Inner;
}

void RowTree::free_node(Node* node) {
  if (node->is_leaf) {
    --leaves_;
    delete leaf_of(node);
  } else {
    --inners_;
    delete inner_of(node);
  }
}

void RowTree::free_tree(Node* node) {
  if (!node->is_leaf) {
    for (std::size_t i = 0; i < node->count; ++i) free_tree(inner_of(node)->children[i]);
  }
  free_node(node);
}

// Within one node or between two of a kind; counts are the caller's.
void RowTree::move_items(Node* to, std::size_t to_at, Node* from, std::size_t from_at,
                         std::size_t n) {
  const auto move = [&](auto* target, auto* source) {
    if (target + to_at <= source + from_at) {
      std::copy(source + from_at, source + from_at + n, target + to_at);
    } else {
      std::copy_backward(source + from_at, source + from_at + n, target + to_at + n);
    }
  };
  if (to->is_leaf) {
    move(leaf_of(to)->rows, leaf_of(from)->rows);
  } else {
    move(inner_of(to)->firsts, inner_of(from)->firsts);
    move(inner_of(to)->children, inner_of(from)->children);
  }
}

// ------------------------------------------------------------------------------ order

int RowTree::compare(Row left, Row right) const {
  for (const std::uint32_t column : key_) {
    const Word a = columns_.at(column, left);
    const Word b = columns_.at(column, right);
    if (a != b) return a < b ? -1 : 1;
  }
  const int order = compare_words(columns_.at(range_column_, left),
                                  columns_.at(range_column_, right), kind_, pool_);
  if (order != 0) return order;
  return left == right ? 0 : left < right ? -1 : 1;
}

int RowTree::compare_key(Row row, std::span<const Word* const> keys, std::size_t i) const {
  for (std::size_t c = 0; c < key_.size(); ++c) {
    const Word word = columns_.at(key_[c], row);
    if (word != keys[c][i]) return word < keys[c][i] ? -1 : 1;
  }
  return 0;
}

bool RowTree::is_before(Row row, std::span<const Word* const> keys, std::size_t i,
                        Bound low) const {
  const int order = compare_key(row, keys, i);
  if (order != 0 || low.word == nullptr) return order < 0;
  const int value = compare_words(columns_.at(range_column_, row), *low.word, kind_, pool_);
  return low.inclusive ? value < 0 : value <= 0;
}

bool RowTree::is_after(Row row, std::span<const Word* const> keys, std::size_t i,
                       Bound high) const {
  const int order = compare_key(row, keys, i);
  if (order != 0 || high.word == nullptr) return order > 0;
  const int value = compare_words(columns_.at(range_column_, row), *high.word, kind_, pool_);
  return high.inclusive ? value > 0 : value >= 0;
}

// The child where the row is or belongs.
std::size_t RowTree::child_of(const Inner& inner, Row row) const {
  const Row* const after =
      std::partition_point(inner.firsts, inner.firsts + inner.count,
                           [&](Row first) { return compare(first, row) <= 0; });
  return after == inner.firsts ? 0 : static_cast<std::size_t>(after - inner.firsts) - 1;
}

const RowTree::Leaf* RowTree::find_leaf(std::span<const Word* const> keys, std::size_t i,
                                        Bound low) const {
  const Node* node = root_;
  while (node != nullptr && !node->is_leaf) {
    const auto& inner = static_cast<const Inner&>(*node);
    const Row* const after =
        std::partition_point(inner.firsts, inner.firsts + inner.count,
                             [&](Row first) { return is_before(first, keys, i, low); });
    node = inner.children[after == inner.firsts ? 0 : after - inner.firsts - 1];
  }
  return static_cast<const Leaf*>(node);
}

const RowTree::Leaf* RowTree::first_leaf() const {
  const Node* node = root_;
  while (node != nullptr && !node->is_leaf) node = static_cast<const Inner*>(node)->children[0];
  return static_cast<const Leaf*>(node);
}

// ------------------------------------------------------------------------------ insert

// Level by level, in nodes as equally full as they can be.
void RowTree::build(std::vector<Row> rows) {
  ENTAIL_ENSURE(size_ == 0);
  if (rows.empty()) return;
  sort(rows);
  size_ = rows.size();
  const auto share = [](std::size_t whole, std::size_t parts, std::size_t i) {
    return static_cast<std::uint16_t>(whole * (i + 1) / parts - whole * i / parts);
  };
  std::vector<Node*> level((rows.size() + kLeafRows - 1) / kLeafRows);
  auto row = rows.cbegin();
  for (std::size_t i = 0; i < level.size(); ++i) {
    Leaf* const leaf = new_leaf();
    leaf->count = share(rows.size(), level.size(), i);
    std::copy_n(row, leaf->count, leaf->rows);
    row += leaf->count;
    if (i > 0) leaf_of(level[i - 1])->next = leaf;
    level[i] = leaf;
  }
  while (level.size() > 1) {
    std::vector<Node*> above((level.size() + kChildren - 1) / kChildren);
    auto child = level.cbegin();
    for (std::size_t i = 0; i < above.size(); ++i) {
      Inner* const inner = new_inner();
      inner->count = share(level.size(), above.size(), i);
      std::copy_n(child, inner->count, inner->children);
      std::transform(child, child + inner->count, inner->firsts, first_of);
      child += inner->count;
      above[i] = inner;
    }
    level = std::move(above);
  }
  root_ = level.front();
}

void RowTree::sort(std::vector<Row>& rows) const {
  if (sort_as_numbers(rows)) return;
  std::sort(rows.begin(), rows.end(), [this](Row a, Row b) { return compare(a, b) < 0; });
}

// Where what is compared fits a number of 64 bits, digit by digit: comparing through the columns would miss the
// cache at each step. False: it does not, and nothing was done.
bool RowTree::sort_as_numbers(std::vector<Row>& rows) const {
  constexpr unsigned kDigitBits = 11;
  constexpr std::uint64_t kDigitMask = (std::uint64_t{1} << kDigitBits) - 1;
  constexpr std::size_t kRowsMin = size_or_tiny(1024, 2);
  if (kind_ == ColumnOrderKind::kText || rows.size() < kRowsMin) return false;
  if (!std::is_sorted(rows.begin(), rows.end())) std::sort(rows.begin(), rows.end());
  struct Numbered {
    std::uint64_t number = 0;
    Row row = 0;
  };
  std::vector<Numbered> numbered(rows.size());
  unsigned bits = 0;
  const auto append = [&](std::uint32_t column, ColumnOrderKind kind) {
    std::uint64_t least = ~std::uint64_t{0}, greatest = 0;
    for (const Row row : rows) {
      const std::uint64_t number = order_key(columns_.at(column, row), kind);
      least = std::min(least, number);
      greatest = std::max(greatest, number);
    }
    const auto width = static_cast<unsigned>(std::bit_width(greatest - least));
    bits += width;
    if (bits > 64) return false;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::uint64_t number = order_key(columns_.at(column, rows[i]), kind) - least;
      numbered[i] = {width == 64 ? number : numbered[i].number << width | number, rows[i]};
    }
    return true;
  };
  for (const std::uint32_t column : key_) {
    if (!append(column, ColumnOrderKind::kUnsigned)) return false;
  }
  if (!append(range_column_, kind_)) return false;
  // Each pass keeps the order of what came before: in the end equal numbers are by row.
  std::vector<Numbered> sorted(rows.size());
  for (unsigned shift = 0; shift < bits; shift += kDigitBits) {
    std::array<std::size_t, kDigitMask + 2> starts{};
    for (const Numbered& one : numbered) ++starts[(one.number >> shift & kDigitMask) + 1];
    std::partial_sum(starts.begin(), starts.end(), starts.begin());
    for (const Numbered& one : numbered) sorted[starts[one.number >> shift & kDigitMask]++] = one;
    numbered.swap(sorted);
  }
  std::transform(numbered.begin(), numbered.end(), rows.begin(),
                 [](const Numbered& one) { return one.row; });
  return true;
}

void RowTree::insert(Row row) {
  ++size_;
  if (root_ == nullptr) root_ = new_leaf();
  Node* const sibling = insert_into(root_, row);
  if (sibling == nullptr) return;
  Inner* const root = new_inner();
  root->count = 2;
  root->children[0] = root_;
  root->children[1] = sibling;
  root->firsts[0] = first_of(root_);
  root->firsts[1] = first_of(sibling);
  root_ = root;
}

// A node that was split gives its right half.
RowTree::Node* RowTree::insert_into(Node* node, Row row) {
  if (node->is_leaf) return insert_into_leaf(*leaf_of(node), row);
  Inner& inner = *inner_of(node);
  const std::size_t at = child_of(inner, row);
  Node* const sibling = insert_into(inner.children[at], row);
  inner.firsts[at] = first_of(inner.children[at]);
  return sibling == nullptr ? nullptr : insert_child(inner, at + 1, sibling);
}

RowTree::Node* RowTree::insert_into_leaf(Leaf& leaf, Row row) {
  const auto at = static_cast<std::size_t>(
      std::partition_point(leaf.rows, leaf.rows + leaf.count,
                           [&](Row other) { return compare(other, row) < 0; }) -
      leaf.rows);
  if (leaf.count < kLeafRows) {
    move_items(&leaf, at + 1, &leaf, at, leaf.count - at);
    leaf.rows[at] = row;
    ++leaf.count;
    return nullptr;
  }
  Leaf* const right = new_leaf();
  right->next = std::exchange(leaf.next, right);
  // What arrives in order fills its leaves.
  const std::size_t kept = at == kLeafRows && right->next == nullptr ? kLeafRows : kLeafRows / 2;
  move_items(right, 0, &leaf, kept, kLeafRows - kept);
  right->count = static_cast<std::uint16_t>(kLeafRows - kept);
  leaf.count = static_cast<std::uint16_t>(kept);
  Leaf& target = at <= kept && kept < kLeafRows ? leaf : *right;
  const std::size_t place = &target == &leaf ? at : at - kept;
  move_items(&target, place + 1, &target, place, target.count - place);
  target.rows[place] = row;
  ++target.count;
  return right;
}

RowTree::Node* RowTree::insert_child(Inner& inner, std::size_t at, Node* child) {
  Inner* right = nullptr;
  Inner* target = &inner;
  if (inner.count == kChildren) {
    constexpr std::size_t kKept = kChildren / 2;
    right = new_inner();
    move_items(right, 0, &inner, kKept, kChildren - kKept);
    right->count = kChildren - kKept;
    inner.count = kKept;
    if (at > kKept) {
      target = right;
      at -= kKept;
    }
  }
  move_items(target, at + 1, target, at, target->count - at);
  target->children[at] = child;
  target->firsts[at] = first_of(child);
  ++target->count;
  return right;
}

// ------------------------------------------------------------------------------ erase

void RowTree::erase(Row row) {
  ENTAIL_ENSURE(size_ > 0);
  --size_;
  erase_from(root_, row);
  if (root_->count == 0) {
    free_node(std::exchange(root_, nullptr));
  } else if (root_->count == 1 && !root_->is_leaf) {
    Node* const only = inner_of(root_)->children[0];
    free_node(std::exchange(root_, only));
  }
}

void RowTree::erase_from(Node* node, Row row) {
  if (node->is_leaf) {
    Leaf& leaf = *leaf_of(node);
    const auto at = static_cast<std::size_t>(
        std::partition_point(leaf.rows, leaf.rows + leaf.count,
                             [&](Row other) { return compare(other, row) < 0; }) -
        leaf.rows);
    ENTAIL_ENSURE(at < leaf.count && leaf.rows[at] == row);
    move_items(&leaf, at, &leaf, at + 1, leaf.count - at - 1);
    --leaf.count;
    return;
  }
  Inner& inner = *inner_of(node);
  const std::size_t at = child_of(inner, row);
  erase_from(inner.children[at], row);
  if (inner.children[at]->count >= least_of(*inner.children[at])) {
    inner.firsts[at] = first_of(inner.children[at]);
  } else {
    mend(inner, at);
  }
}

// A child that has become too small is merged with its neighbour, or takes some of it.
void RowTree::mend(Inner& inner, std::size_t at) {
  const std::size_t l = at == 0 ? 0 : at - 1;
  Node* const left = inner.children[l];
  Node* const right = inner.children[l + 1];
  const std::size_t sum = left->count + right->count;
  if (sum <= most_of(*left)) {
    move_items(left, left->count, right, 0, right->count);
    left->count = static_cast<std::uint16_t>(sum);
    if (left->is_leaf) leaf_of(left)->next = leaf_of(right)->next;
    free_node(right);
    move_items(&inner, l + 1, &inner, l + 2, inner.count - l - 2);
    --inner.count;
  } else {
    const std::size_t half = sum / 2;
    if (left->count < half) {
      const std::size_t moved = half - left->count;
      move_items(left, left->count, right, 0, moved);
      move_items(right, 0, right, moved, right->count - moved);
    } else {
      const std::size_t moved = left->count - half;
      move_items(right, moved, right, 0, right->count);
      move_items(right, 0, left, half, moved);
    }
    left->count = static_cast<std::uint16_t>(half);
    right->count = static_cast<std::uint16_t>(sum - half);
    inner.firsts[l + 1] = first_of(right);
  }
  inner.firsts[l] = first_of(left);
}

// ------------------------------------------------------------------------------ verify

std::size_t RowTree::verify_node(const Node* node, std::size_t depth, std::size_t& depth_of_leaves,
                                 const Leaf*& last) const {
  ENTAIL_ENSURE(node->count > 0);
  if (node->is_leaf) {
    if (last != nullptr) ENTAIL_ENSURE(last->next == node && depth_of_leaves == depth);  // (3)
    depth_of_leaves = depth;
    last = static_cast<const Leaf*>(node);
    return node->count;
  }
  const auto& inner = static_cast<const Inner&>(*node);
  ENTAIL_ENSURE(inner.count >= 2);  // (2)
  std::size_t rows = 0;
  for (std::size_t i = 0; i < inner.count; ++i) {
    ENTAIL_ENSURE(inner.firsts[i] == first_of(inner.children[i]));  // (2)
    rows += verify_node(inner.children[i], depth + 1, depth_of_leaves, last);
  }
  return rows;
}

void RowTree::verify() const {
  if (root_ == nullptr) {
    ENTAIL_ENSURE(size_ == 0);
    return;
  }
  std::size_t depth = 0;
  const Leaf* last = nullptr;
  ENTAIL_ENSURE(verify_node(root_, 0, depth, last) == size_);
  ENTAIL_ENSURE(last->next == nullptr);
  bool has_before = false;
  Row before = 0;
  for_each([&](Row row) {
    ENTAIL_ENSURE(!has_before || compare(before, row) < 0);  // (1)
    has_before = true;
    before = row;
  });
}

}  // namespace entail::vm
