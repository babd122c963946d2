// vm/value_multisets.h - many ordered multisets of words, small ones a few words large.
//
// What a standing min or max keeps for each group (vm/standing_groups.h): each value and how often it is
// there, so that the next best one is known when the best one goes. All multisets of an owner share one
// array of words, in which a multiset is named by its *root*, a word that the owner keeps; 0 is the empty
// multiset.
//
//     few values:   one leaf      | header | keys, ascending … | counts … |    room for 1, 3, 7 … 63
//     many:         a B+ tree     leaves as above; inner nodes with children in the place of counts
//
//     inner node    | header | -, k1, k2 … | c0, c1, c2 … |     k[i] is the least key below c[i]
//
// A node is freed when it is empty, never merged with another before (Johnson and Shasha 1993: where
// insertions are no rarer than deletions that costs little room), and a root with one child gives way to
// it. A separator is always a key that is there, so that texts stay comparable. A leaf that is full at
// either end of the tree is split at that end: values that only grow, or only fall, leave full leaves.
//
// Counts are signed: a value may be taken away before it is added. The owner asks any_negative() when
// its changes are complete.
//
// Invariants (verify() checks them)
//   (1) Keys ascend strictly in each node, and over the leaves from left to right.
//   (2) k[i] of an inner node, i > 0, is the least key below its child i.
//   (3) No node is empty, no count is 0, and a root that is an inner node has two children at least.
//
// Cost: O(log n) a change, first() a step a level. Threads: one owner.
// Source: Bayer and McCreight 1972 for the tree.

#pragma once

#include <array>
#include <cstdint>

#include "vm/base/memory_budget.h"
#include "vm/base/tiny.h"
#include "vm/flat_array.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::vm {

class ValueMultisets {
 public:
  enum class Order : std::uint8_t {
    kWords,
    kText,
    kTextBackwards
  };  // kWords: as unsigned numbers.

  // The pool is for comparing texts; nullptr where all are in the order of words.
  ValueMultisets(const ValuePool* pool, MemoryBudget* budget) : pool_(pool), arena_(budget) {}

  // Room for one add() to this root; false, and nothing changed, when the budget refuses.
  [[nodiscard]] bool reserve_change(Word root);
  void reserve_change_anyway(Word root);

  // Changes the count of `value` by `delta`; returns the new count. A count of 0 removes the value.
  // REQUIRES: room was reserved since the last add().
  std::int64_t add(Word& root, Order order, Word value, std::int64_t delta);

  // A multiset of n values that ascend in its order, and how often each is there. 0: the budget refuses,
  // and what this holds is not to be changed any more. REQUIRES: n > 0; counts above 0.
  Word build(const Word* values, const std::int64_t* counts, std::size_t n);

  // The first value in the order. REQUIRES: root != 0.
  Word first(Word root) const;

  bool any_negative() const { return negatives_ != 0; }

  // visit(value, count), in order.
  template <typename Visit>
  void for_each(Word root, Visit visit) const {
    if (root != 0) visit_node(node_of(root), height_of(root), visit);
  }

  // Gives the array back when no multiset has a value.
  void trim();
  std::uint64_t bytes_used() const { return arena_.bytes(); }

  // What verify() counted in one multiset, for the checks of the owner.
  struct Census {
    std::uint64_t values = 0;
    std::int64_t occurrences = 0;
    std::uint64_t words = 0;  // Of nodes.
  };
  Census verify(Word root, Order order) const;
  std::uint64_t live_words() const { return live_words_; }

 private:
  static constexpr std::uint32_t kCapacityMax = size_or_tiny(63, 3);
  static constexpr std::size_t kClasses = 6;
  static constexpr std::size_t kHeightMax = 40;
  static constexpr Word kNone = ~Word{0};

  struct PathStep {
    Word node;
    std::uint32_t child;  // Position of the child that was taken.
  };
  struct Path {
    std::array<PathStep, kHeightMax> steps;  // steps[0] is the root's.
    std::size_t size = 0;
    bool leftmost = true;
    bool rightmost = true;
  };

  // A node's header: its count in the low half, its capacity in the high half.
  static constexpr Word words_of(std::uint32_t capacity) { return 1 + Word{2} * capacity; }
  static Word node_of(Word root) { return (root & 0xffffffffU) - 1; }
  static std::size_t height_of(Word root) { return root >> 32; }
  static Word root_of(Word node, std::size_t height) { return Word{height} << 32 | (node + 1); }

  std::uint32_t count_of(Word node) const { return static_cast<std::uint32_t>(arena_[node]); }
  std::uint32_t capacity_of(Word node) const {
    return static_cast<std::uint32_t>(arena_[node] >> 32);
  }
  void set_count(Word node, std::uint32_t count) {
    arena_[node] = (arena_[node] & ~Word{0xffffffffU}) | count;
  }
  Word* keys_of(Word node) { return arena_.data() + node + 1; }
  const Word* keys_of(Word node) const { return arena_.data() + node + 1; }
  Word* payloads_of(Word node) { return keys_of(node) + capacity_of(node); }
  const Word* payloads_of(Word node) const { return keys_of(node) + capacity_of(node); }

  static std::uint64_t room_for_change(Word root);
  Word allocate(std::uint32_t capacity);
  void free_node(Word node);
  void note_count(std::int64_t before, std::int64_t after);

  template <typename Less>
  std::int64_t add_ordered(Word& root, Word value, std::int64_t delta, const Less& less);
  template <typename Less>
  Census verify_node(Word node, std::size_t height, const Less& less) const;
  void insert_at(Word node, std::uint32_t position, Word key, Word payload);
  void remove_at(Word node, std::uint32_t position);
  void insert(Word& root, const Path& path, Word leaf, std::uint32_t position, Word key,
              Word count);
  void remove(Word& root, const Path& path, Word leaf, std::uint32_t position);

  template <typename Visit>
  void visit_node(Word node, std::size_t height, Visit& visit) const {
    for (std::uint32_t i = 0; i < count_of(node); ++i) {
      if (height > 0) {
        visit_node(payloads_of(node)[i], height - 1, visit);
      } else {
        visit(keys_of(node)[i], static_cast<std::int64_t>(payloads_of(node)[i]));
      }
    }
  }

  const ValuePool* pool_;
  FlatArray<Word> arena_;
  std::array<Word, kClasses> free_ = {kNone, kNone, kNone, kNone, kNone, kNone};
  std::uint64_t live_words_ = 0;
  std::uint64_t negatives_ = 0;  // Values whose count is below 0.
};

}  // namespace entail::vm
