// rete/equivalence_node.h - an equivalence relation that stands, as the class of each element.
//
// The pairs that are stated or derived are edges of a graph; its connected components are the classes. Kept
// is one row an element, (element, class), never the pairs of the closure: a class of 100,000 is 100,000
// rows. A class is named by one of its members.
//
//     pairs (1,2) (2,3) (8,9)      class  (1,1) (2,1) (3,1) (8,8) (9,8)
//     pair (2,8) appears           the smaller class takes the name of the larger: (8,1) (9,1)
//     pair (2,8) goes              it is an edge of the spanning forest: the class is searched anew
//
// An edge outside the forest goes without any work; one of the forest costs its class.
//
// abort() reads everything anew from the relations, which have been taken back before.
//
// Threads: one. Source: union by size, Tarjan 1975; the forest is searched, not kept balanced.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <utility>
#include <vector>

#include "rete/internal/network_state.h"
#include "rete/node.h"

namespace entail::rete {

class EquivalenceNode final : public Node {
 public:
  explicit EquivalenceNode(const compiler::StandingStratum& stratum)
      : pairs_(stratum.pairs), classes_(stratum.relations.front()) {}

  Expected<void> turn(NetworkState& state) override;
  void abort(NetworkState& state) override;
  Expected<void> restore(NetworkState& state, ImageFrames&) override {
    abort(state);
    return {};
  }
  void derive_all() override { derives_all_ = true; }
  void rebind(const NetworkState&, const compiler::StandingStratum& stratum) override {
    pairs_ = stratum.pairs;
    classes_ = stratum.relations.front();
  }
  std::uint64_t bytes_used() const override;
  void verify(const NetworkState& state) const override;

 private:
  using Word = vm::Word;
  struct Element {
    Word name = 0;  // Of its class.
    boost::unordered_flat_set<Word> neighbours;
    bool is_paired_with_itself = false;
  };
  using Edge = std::pair<Word, Word>;  // The lesser word first.
  struct EdgeState {
    std::uint32_t pairs = 0;  // (a, b) and (b, a) may both be there.
    bool in_forest = false;
  };
  struct EdgeHash {
    std::size_t operator()(const Edge& edge) const {
      return (edge.first * 0x9e3779b97f4a7c15ULL) ^ (edge.second * 0xbf58476d1ce4e5b9ULL);
    }
  };

  void note(Word element);  // Before its class changes.
  void add_pair(Word a, Word b);
  void remove_pair(Word a, Word b);
  void search_anew(Word name);
  void rename(const std::vector<Word>& members, Word name);
  std::vector<Edge> load(const NetworkState& state, std::span<const vm::Row> rows) const;

  datalog::RelationId pairs_;
  datalog::RelationId classes_;
  boost::unordered_flat_map<Word, Element> elements_;
  boost::unordered_flat_map<Word, std::vector<Word>> members_;  // By the class's name.
  boost::unordered_flat_map<Edge, EdgeState, EdgeHash> edges_;
  bool derives_all_ = false;                // In the next turn.
  boost::unordered_flat_set<Word> broken_;  // Classes that lost an edge of the forest in this turn.
  struct Before {
    bool was_there = false;
    Word name = 0;
  };
  boost::unordered_flat_map<Word, Before> before_;  // Elements whose class may change in this turn.
};

}  // namespace entail::rete
