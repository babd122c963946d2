#include "vm/value_multisets.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <vector>

#include "vm/base/ensure.h"

namespace entail::vm {

namespace {

struct WordLess {
  bool operator()(Word left, Word right) const { return left < right; }
};

struct TextLess {
  const ValuePool& pool;
  bool operator()(Word left, Word right) const { return pool.compare_text(left, right) < 0; }
};

struct TextGreater {
  const ValuePool& pool;
  bool operator()(Word left, Word right) const { return pool.compare_text(left, right) > 0; }
};

// Capacities are 1, 3, 7 … 63: the number of bits less one tells the class.
std::size_t class_of(std::uint32_t capacity) {
  return static_cast<std::size_t>(std::bit_width(capacity)) - 1;
}

}  // namespace

// ------------------------------------------------------------------------------ room

// A change makes a node a level at most, and one more for a new root.
std::uint64_t ValueMultisets::room_for_change(Word root) {
  return (height_of(root) + 2) * words_of(kCapacityMax);
}

bool ValueMultisets::reserve_change(Word root) {
  const std::uint64_t size = arena_.size() + room_for_change(root);
  if (size <= arena_.capacity()) return true;
  return size < std::numeric_limits<std::uint32_t>::max() && arena_.reserve(size);
}

void ValueMultisets::reserve_change_anyway(Word root) {
  arena_.reserve_anyway(arena_.size() + room_for_change(root));
}

Word ValueMultisets::allocate(std::uint32_t capacity) {
  const Word words = words_of(capacity);
  Word& list = free_[class_of(capacity)];
  Word node = list;
  if (node != kNone) {
    list = arena_[node];
  } else {
    node = arena_.size();
    ENTAIL_ENSURE(node + words < std::numeric_limits<std::uint32_t>::max());
    arena_.resize_uninitialized(node + words);
  }
  arena_[node] = Word{capacity} << 32;
  live_words_ += words;
  return node;
}

void ValueMultisets::free_node(Word node) {
  const std::uint32_t capacity = capacity_of(node);
  Word& list = free_[class_of(capacity)];
  live_words_ -= words_of(capacity);
  arena_[node] = list;
  list = node;
}

void ValueMultisets::trim() {
  if (live_words_ != 0) return;
  arena_.reset();
  free_.fill(kNone);
}

void ValueMultisets::note_count(std::int64_t before, std::int64_t after) {
  if (before >= 0 && after < 0) ++negatives_;
  if (before < 0 && after >= 0) --negatives_;
}

// ------------------------------------------------------------------------------ changes

Word ValueMultisets::first(Word root) const {
  Word node = node_of(root);
  for (std::size_t height = height_of(root); height > 0; --height) node = payloads_of(node)[0];
  return keys_of(node)[0];
}

std::int64_t ValueMultisets::add(Word& root, Order order, Word value, std::int64_t delta) {
  switch (order) {
    case Order::kWords:
      return add_ordered(root, value, delta, WordLess());
    case Order::kText:
      return add_ordered(root, value, delta, TextLess{*pool_});
    case Order::kTextBackwards:
      return add_ordered(root, value, delta, TextGreater{*pool_});
  }
  ENTAIL_UNREACHABLE("not an order");
}

template <typename Less>
std::int64_t ValueMultisets::add_ordered(Word& root, Word value, std::int64_t delta,
                                         const Less& less) {
  if (root == 0) {
    const Word leaf = allocate(1);
    insert_at(leaf, 0, value, static_cast<Word>(delta));
    root = root_of(leaf, 0);
    note_count(0, delta);
    return delta;
  }
  Path path;
  Word node = node_of(root);
  for (std::size_t height = height_of(root); height > 0; --height) {
    const Word* const keys = keys_of(node);
    const std::uint32_t count = count_of(node);
    // The last child whose least key is not above the value; the first child has no lower bound.
    const Word* const above = std::upper_bound(keys + 1, keys + count, value, less);
    const auto child = static_cast<std::uint32_t>(above - keys - 1);
    path.steps[path.size++] = {node, child};
    path.leftmost &= child == 0;
    path.rightmost &= child + 1 == count;
    node = payloads_of(node)[child];
  }
  const Word* const keys = keys_of(node);
  const std::uint32_t count = count_of(node);
  const auto position =
      static_cast<std::uint32_t>(std::lower_bound(keys, keys + count, value, less) - keys);
  // Equal values are equal words, in text as in numbers.
  if (position == count || keys[position] != value) {
    insert(root, path, node, position, value, static_cast<Word>(delta));
    note_count(0, delta);
    return delta;
  }
  Word& occurrences = payloads_of(node)[position];
  const auto before = static_cast<std::int64_t>(occurrences);
  const std::int64_t after = before + delta;
  occurrences = static_cast<Word>(after);
  note_count(before, after);
  if (after == 0) remove(root, path, node, position);
  return after;
}

// Level by level, in nodes as equally full as they can be, with some room in each.
Word ValueMultisets::build(const Word* values, const std::int64_t* counts, std::size_t n) {
  constexpr std::size_t kFull = std::max<std::size_t>(2, kCapacityMax - kCapacityMax / 8);
  const auto share = [](std::size_t whole, std::size_t parts, std::size_t i) {
    return whole * i / parts;
  };
  if (n <= kCapacityMax) {
    const auto capacity =
        static_cast<std::uint32_t>(std::bit_ceil(static_cast<std::uint64_t>(n) + 1) - 1);
    if (!reserve_change(0)) return 0;
    const Word leaf = allocate(capacity);
    std::copy_n(values, n, keys_of(leaf));
    std::copy_n(counts, n, payloads_of(leaf));
    set_count(leaf, static_cast<std::uint32_t>(n));
    return root_of(leaf, 0);
  }
  std::vector<Word> keys(values, values + n), payloads(counts, counts + n);
  for (std::size_t height = 0;; ++height) {
    const std::size_t nodes = (keys.size() + kFull - 1) / kFull;
    if (height > 0 && keys.size() <= kCapacityMax) {
      if (!reserve_change(0)) return 0;
      const Word top = allocate(kCapacityMax);
      std::copy(keys.begin(), keys.end(), keys_of(top));
      std::copy(payloads.begin(), payloads.end(), payloads_of(top));
      set_count(top, static_cast<std::uint32_t>(keys.size()));
      return root_of(top, height);
    }
    const std::uint64_t size = arena_.size() + nodes * words_of(kCapacityMax);
    if (size >= std::numeric_limits<std::uint32_t>::max() || !arena_.reserve(size)) return 0;
    std::vector<Word> next_keys, next_payloads;
    for (std::size_t i = 0; i < nodes; ++i) {
      const std::size_t first = share(keys.size(), nodes, i);
      const std::size_t count = share(keys.size(), nodes, i + 1) - first;
      const Word node = allocate(kCapacityMax);
      std::copy_n(keys.data() + first, count, keys_of(node));
      std::copy_n(payloads.data() + first, count, payloads_of(node));
      set_count(node, static_cast<std::uint32_t>(count));
      next_keys.push_back(keys[first]);
      next_payloads.push_back(node);
    }
    keys = std::move(next_keys);
    payloads = std::move(next_payloads);
  }
}

void ValueMultisets::insert_at(Word node, std::uint32_t position, Word key, Word payload) {
  const std::uint32_t count = count_of(node);
  Word* const keys = keys_of(node);
  Word* const payloads = payloads_of(node);
  std::copy_backward(keys + position, keys + count, keys + count + 1);
  std::copy_backward(payloads + position, payloads + count, payloads + count + 1);
  keys[position] = key;
  payloads[position] = payload;
  set_count(node, count + 1);
}

void ValueMultisets::remove_at(Word node, std::uint32_t position) {
  const std::uint32_t count = count_of(node);
  Word* const keys = keys_of(node);
  Word* const payloads = payloads_of(node);
  std::copy(keys + position + 1, keys + count, keys + position);
  std::copy(payloads + position + 1, payloads + count, payloads + position);
  set_count(node, count - 1);
}

void ValueMultisets::insert(Word& root, const Path& path, Word leaf, std::uint32_t position,
                            Word key, Word count) {
  if (path.size == 0 && count_of(leaf) == capacity_of(leaf) && capacity_of(leaf) < kCapacityMax) {
    const Word bigger = allocate(2 * capacity_of(leaf) + 1);
    std::copy_n(keys_of(leaf), count_of(leaf), keys_of(bigger));
    std::copy_n(payloads_of(leaf), count_of(leaf), payloads_of(bigger));
    set_count(bigger, count_of(leaf));
    free_node(leaf);
    root = root_of(bigger, 0);
    leaf = bigger;
  }
  Word node = leaf;
  Word payload = count;
  for (std::size_t level = path.size;; --level) {
    const std::uint32_t size = count_of(node);
    if (size < capacity_of(node)) return insert_at(node, position, key, payload);
    // In halves, the new entry counted: a half that is full again would be cut at the next change.
    bool in_left = position <= size / 2;
    std::uint32_t cut = size / 2 + (in_left ? 0 : 1);
    if (path.rightmost && position == size) cut = size, in_left = false;
    if (path.leftmost && position == 0) cut = 0, in_left = true;
    const Word right = allocate(kCapacityMax);
    std::copy(keys_of(node) + cut, keys_of(node) + size, keys_of(right));
    std::copy(payloads_of(node) + cut, payloads_of(node) + size, payloads_of(right));
    set_count(right, size - cut);
    set_count(node, cut);
    if (in_left) {
      insert_at(node, position, key, payload);
    } else {
      insert_at(right, position - cut, key, payload);
    }
    key = keys_of(right)[0];
    payload = right;
    if (level == 0) {
      const Word top = allocate(kCapacityMax);
      insert_at(top, 0, keys_of(node)[0], node);
      insert_at(top, 1, key, right);
      ENTAIL_ENSURE(path.size + 1 < kHeightMax);
      root = root_of(top, path.size + 1);
      return;
    }
    node = path.steps[level - 1].node;
    position = path.steps[level - 1].child + 1;
  }
}

void ValueMultisets::remove(Word& root, const Path& path, Word leaf, std::uint32_t position) {
  Word node = leaf;
  std::size_t level = path.size;  // Of the node; that of the root is 0.
  remove_at(node, position);
  while (count_of(node) == 0) {
    free_node(node);
    if (level == 0) {
      root = 0;
      return;
    }
    node = path.steps[--level].node;
    position = path.steps[level].child;
    remove_at(node, position);
  }
  // The least key below the node has changed: so does the separator that names it.
  if (position == 0) {
    const Word least = keys_of(node)[0];
    while (level > 0) {
      const PathStep& above = path.steps[--level];
      if (above.child == 0) continue;
      keys_of(above.node)[above.child] = least;
      break;
    }
  }
  std::size_t height = height_of(root);
  Word top = node_of(root);
  while (height > 0 && count_of(top) == 1) {
    const Word only = payloads_of(top)[0];
    free_node(top);
    top = only;
    --height;
  }
  root = root_of(top, height);
}

// ------------------------------------------------------------------------------ checks

template <typename Less>
ValueMultisets::Census ValueMultisets::verify_node(Word node, std::size_t height,
                                                   const Less& less) const {
  Census census;
  const std::uint32_t count = count_of(node);
  const std::uint32_t capacity = capacity_of(node);
  ENTAIL_ENSURE(count > 0 && count <= capacity && capacity <= kCapacityMax);
  census.words = words_of(capacity);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Word key = keys_of(node)[i];
    const Word payload = payloads_of(node)[i];
    // The first key of an inner node is not used.
    if (i > (height > 0 ? 1U : 0U)) ENTAIL_ENSURE(less(keys_of(node)[i - 1], key));
    if (height == 0) {
      ENTAIL_ENSURE(payload != 0);
      ++census.values;
      census.occurrences += static_cast<std::int64_t>(payload);
      continue;
    }
    if (i > 0) ENTAIL_ENSURE(first(root_of(payload, height - 1)) == key);
    const Census below = verify_node(payload, height - 1, less);
    census.values += below.values;
    census.occurrences += below.occurrences;
    census.words += below.words;
  }
  return census;
}

ValueMultisets::Census ValueMultisets::verify(Word root, Order order) const {
  if (root == 0) return {};
  ENTAIL_ENSURE(height_of(root) == 0 || count_of(node_of(root)) > 1);
  Census census;
  const auto check = [&](const auto& less) {
    census = verify_node(node_of(root), height_of(root), less);
    bool any = false;
    Word previous = 0;
    for_each(root, [&](Word value, std::int64_t) {
      ENTAIL_ENSURE(!any || less(previous, value));
      any = true;
      previous = value;
    });
  };
  switch (order) {
    case Order::kWords:
      check(WordLess());
      break;
    case Order::kText:
      check(TextLess{*pool_});
      break;
    case Order::kTextBackwards:
      check(TextGreater{*pool_});
      break;
  }
  return census;
}

}  // namespace entail::vm
