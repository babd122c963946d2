// vm/equivalence_relation.h - an equivalence as its classes: n members stand for n * n pairs.
//
// FOR ONE-SHOT EVALUATION ONLY: pairs are never stored, so a pair cannot be taken back. (A standing
// equivalence keeps a spanning forest of its stated pairs and rebuilds the class that lost one.)
//
// What is inserted is closed under reflexivity, symmetry and transitivity: one pair (x, y) makes x and y
// elements and merges their classes. Rounds are those of vm/relation.h: inserted pairs are pending until
// advance(); reading shows what was visible.
//
//     insert (1,2) (3,4)   advance     classes {1,2} {3,4}     8 pairs, all in the delta
//     insert (2,3)         advance     class {1,2 | 3,4}       16 pairs, 8 in the delta: across the bar
//
// A class is an array of members. Merging appends the smaller to the larger, so what was a class before
// the round stays side by side: the bars, kept for the classes that the round touched. The pairs of the
// delta are those that cross a bar (and (x, x) of a new element), and are walked, never materialised.
//
// Invariants (verify() checks them)
//   (1) Every element is a member of exactly the class that its root names.
//   (2) size() is the sum of n * n over classes of n members.
//
// Cost: insert and contains about one cache miss an element; n insertions move O(n log n) members.
// Threads: const members may run concurrently, others alone. Sources: Tarjan 1975 (union by size); Nappa, Zhao, Subotić, Scholz, "Fast parallel equivalence relations in a Datalog compiler"
// (PACT 2019) for the idea in Datalog, not for this layout.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vm/base/expected.h"
#include "vm/relation.h"
#include "vm/row_map.h"
#include "vm/word.h"

namespace entail::vm {

class EquivalenceRelation {
 public:
  struct Options {
    std::string name;     // As the program spells it; appears in messages.
    bool handle = false;  // Elements own a reference in the pool, which outlives the relation.
    ValuePool* pool = nullptr;       // Required if `handle`.
    MemoryBudget* budget = nullptr;  // nullptr: no limit.
  };

  // Where a walk over the pairs of a view stands. Valid until the next advance() or settle().
  struct PairCursor {
    View view = View::kTotal;
    std::uint32_t class_number = 0;
    std::uint32_t left = 0;
    std::uint32_t right = 0;
  };

  explicit EquivalenceRelation(Options options);
  ~EquivalenceRelation();
  EquivalenceRelation(const EquivalenceRelation&) = delete;
  EquivalenceRelation& operator=(const EquivalenceRelation&) = delete;

  const std::string& name() const { return options_.name; }

  // Takes pairs (words 0 and 1, 2 and 3, …); those that do not hold yet become pending. Returns how
  // many they are, duplicates included. Fails with kLimit when the budget refuses.
  Expected<std::uint64_t> insert_pairs(std::span<const Word> pairs);

  // Pending pairs hold from now on; the pairs that this adds are the delta. Whether there is a delta.
  bool advance();
  void settle();  // The delta becomes empty; total unchanged.
  bool has_delta() const { return delta_size_ > 0; }

  std::uint64_t size() const { return size_; }  // Visible pairs.
  std::uint64_t delta_size() const { return delta_size_; }
  std::uint64_t element_count() const { return words_.size(); }

  // out[i] = 1 when left[i] and right[i] are equivalent (an element is to itself).
  void contains(const Word* left, const Word* right, std::size_t n, std::uint8_t* out) const;

  // The class of x, x included; empty if x is no element. Valid until the next advance().
  std::span<const Word> members(Word x) const;

  // A walk over the pairs of a view, up to `limit` at a time; returns how many, 0 at the end. The order
  // depends on what was inserted and when, on nothing else.
  PairCursor pairs(View view) const { return {view, 0, 0, 0}; }
  std::size_t next_pairs(PairCursor& cursor, Word* left, Word* right, std::size_t limit) const;

  std::uint64_t bytes_used() const;
  void verify() const;

 private:
  // Where an old class begins among the members; the whole array if the round did not touch it.
  struct Group {
    std::uint32_t begin = 0;
    bool is_new_element = false;
  };
  struct Class {
    std::vector<Word> members;
    std::vector<Group> groups;  // Of the last round; empty if it did not touch the class.
  };

  std::uint32_t find_element(Word word) const;
  std::uint32_t add_element(Word word);
  std::uint32_t root_of(std::uint32_t element) const;
  void unite(std::uint32_t left, std::uint32_t right);
  void touch(Class& part, std::uint32_t root);

  Options options_;
  RowMap elements_;                     // Word -> element number.
  std::vector<Word> words_;             // By element.
  std::vector<std::uint32_t> roots_;    // By element: towards the root; a root names itself.
  std::vector<Class> classes_;          // By root; empty for elements that are no root.
  std::vector<std::uint32_t> touched_;  // Roots of classes that have groups.
  std::vector<Word> pending_;
  std::uint64_t size_ = 0;
  std::uint64_t delta_size_ = 0;
  std::uint64_t reserved_ = 0;  // Bytes booked with the budget.
};

}  // namespace entail::vm
