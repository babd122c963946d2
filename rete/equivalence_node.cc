#include "rete/equivalence_node.h"

#include <algorithm>
#include <utility>

#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/row_scan.h"

namespace entail::rete {

using vm::Row;

namespace {

std::pair<vm::Word, vm::Word> edge_of(vm::Word a, vm::Word b) {
  return {std::min(a, b), std::max(a, b)};
}

}  // namespace

std::vector<EquivalenceNode::Edge> EquivalenceNode::load(const NetworkState& state,
                                                         std::span<const Row> rows) const {
  const vm::StandingRelation& relation = *state.relations[datalog::index_of(pairs_)].rows;
  std::vector<Word> left(rows.size()), right(rows.size());
  relation.load(0, rows.data(), rows.size(), left.data());
  relation.load(1, rows.data(), rows.size(), right.data());
  std::vector<Edge> result;
  for (std::size_t i = 0; i < rows.size(); ++i) result.emplace_back(left[i], right[i]);
  return result;
}

void EquivalenceNode::note(Word element) {
  const auto found = elements_.find(element);
  before_.emplace(element, found == elements_.end() ? Before{} : Before{true, found->second.name});
}

void EquivalenceNode::rename(const std::vector<Word>& members, Word name) {
  for (const Word member : members) {
    note(member);
    elements_.at(member).name = name;
  }
}

void EquivalenceNode::add_pair(Word a, Word b) {
  for (const Word element : {a, b}) {
    if (elements_.contains(element)) continue;
    note(element);
    elements_[element].name = element;
    members_[element] = {element};
  }
  if (a == b) {
    elements_.at(a).is_paired_with_itself = true;
    return;
  }
  EdgeState& edge = edges_[edge_of(a, b)];
  if (++edge.pairs > 1) return;
  elements_.at(a).neighbours.insert(b);
  elements_.at(b).neighbours.insert(a);
  Word larger = elements_.at(a).name, smaller = elements_.at(b).name;
  if (larger == smaller) return;
  edge.in_forest = true;
  if (members_.at(larger).size() < members_.at(smaller).size()) std::swap(larger, smaller);
  const std::vector<Word> moved = std::move(members_.at(smaller));
  members_.erase(smaller);
  rename(moved, larger);
  std::vector<Word>& members = members_.at(larger);
  members.insert(members.end(), moved.begin(), moved.end());
}

void EquivalenceNode::remove_pair(Word a, Word b) {
  if (a == b) {
    elements_.at(a).is_paired_with_itself = false;
  } else {
    const auto edge = edges_.find(edge_of(a, b));
    ENTAIL_ENSURE(edge != edges_.end() && edge->second.pairs > 0);
    if (--edge->second.pairs > 0) return;
    elements_.at(a).neighbours.erase(b);
    elements_.at(b).neighbours.erase(a);
    if (edge->second.in_forest && !ENTAIL_PLANT_BUG(63)) broken_.insert(elements_.at(a).name);
    edges_.erase(edge);
  }
  for (const Word element : {a, b}) {
    const Element& known = elements_.at(element);
    if (known.neighbours.empty() && !known.is_paired_with_itself) broken_.insert(known.name);
  }
}

// The components of what is left of a class. The one that holds the member it is named by keeps the name.
void EquivalenceNode::search_anew(Word name) {
  const std::vector<Word> old = std::move(members_.at(name));
  members_.erase(name);
  boost::unordered_flat_set<Word> seen;
  for (const Word start : old) {
    if (seen.contains(start)) continue;
    std::vector<Word> component{start};
    seen.insert(start);
    for (std::size_t i = 0; i < component.size(); ++i) {
      for (const Word next : elements_.at(component[i]).neighbours) {
        EdgeState& edge = edges_.at(edge_of(component[i], next));
        const bool is_new = seen.insert(next).second;
        if (is_new) {
          component.push_back(next);
          edge.in_forest = true;
        }
      }
    }
    // Which edges of the old forest lie in the new one does not matter, but there must be one only.
    const Element& first = elements_.at(start);
    if (component.size() == 1 && first.neighbours.empty() && !first.is_paired_with_itself) {
      note(start);
      elements_.erase(start);
      continue;
    }
    const bool keeps = std::find(component.begin(), component.end(), name) != component.end();
    const Word own = keeps ? name : component.front();
    if (!keeps && !ENTAIL_PLANT_BUG(62)) rename(component, own);
    members_[own] = std::move(component);
  }
}

Expected<void> EquivalenceNode::turn(NetworkState& state) {
  vm::StandingRelation& pairs = state.rows(pairs_);
  before_.clear();
  broken_.clear();
  const bool derives_all = std::exchange(derives_all_, false);
  if (!derives_all) {
    for (const auto& [a, b] : load(state, pairs.left())) remove_pair(a, b);
  }
  std::vector<Word> broken(broken_.begin(), broken_.end());
  std::sort(broken.begin(), broken.end());
  for (const Word name : broken) {
    for (const Word member : members_.at(name)) {
      for (const Word next : elements_.at(member).neighbours) {
        edges_.at(edge_of(member, next)).in_forest = false;
      }
    }
    search_anew(name);
  }
  std::vector<Row> all;
  if (derives_all) all = vm::visible_rows(pairs);
  for (const auto& [a, b] : load(state, derives_all ? std::span<const Row>(all) : pairs.entered()))
    add_pair(a, b);
  vm::ChangeBatch& out = state.at(classes_).derived;
  std::vector<Word> changed;
  for (const auto& [element, before] : before_) changed.push_back(element);
  std::sort(changed.begin(), changed.end());
  for (const Word element : changed) {
    const Before before = before_.at(element);
    const auto now = elements_.find(element);
    const bool is_there = now != elements_.end();
    if (before.was_there && is_there && before.name == now->second.name) continue;
    auto emit = [&](Word name, std::int64_t weight) {
      const Word* const row[2] = {&element, &name};
      out.append(row, 1, weight);
    };
    if (before.was_there) emit(before.name, -1);
    if (is_there) emit(now->second.name, 1);
  }
  work.rows_touched += pairs.left().size() + pairs.entered().size() + changed.size();
  return {};
}

void EquivalenceNode::abort(NetworkState& state) {
  elements_.clear();
  members_.clear();
  edges_.clear();
  const vm::StandingRelation& classes = state.rows(classes_);
  const std::vector<Row> rows = vm::visible_rows(classes);
  std::vector<Word> element(rows.size()), name(rows.size());
  classes.load(0, rows.data(), rows.size(), element.data());
  classes.load(1, rows.data(), rows.size(), name.data());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    elements_[element[i]].name = name[i];
    members_[name[i]].push_back(element[i]);
  }
  for (const auto& [a, b] : load(state, vm::visible_rows(state.rows(pairs_)))) {
    if (a == b) {
      elements_.at(a).is_paired_with_itself = true;
      continue;
    }
    if (++edges_[edge_of(a, b)].pairs > 1) continue;
    elements_.at(a).neighbours.insert(b);
    elements_.at(b).neighbours.insert(a);
  }
  std::vector<Word> names;
  for (const auto& [own, members] : members_) names.push_back(own);
  for (const Word own : names) search_anew(own);
}

std::uint64_t EquivalenceNode::bytes_used() const {
  std::uint64_t bytes = elements_.bucket_count() * (sizeof(Word) + sizeof(Element)) +
                        members_.bucket_count() * (sizeof(Word) + sizeof(std::vector<Word>)) +
                        edges_.bucket_count() * (sizeof(Edge) + sizeof(EdgeState));
  for (const auto& [word, element] : elements_) {
    bytes += element.neighbours.bucket_count() * (sizeof(Word) + 1);
  }
  for (const auto& [name, members] : members_) bytes += members.capacity() * sizeof(Word);
  return bytes;
}

void EquivalenceNode::verify(const NetworkState& state) const {
  ENTAIL_ENSURE(elements_.size() == state.relations[datalog::index_of(classes_)].rows->size());
  std::size_t in_forest = 0;
  for (const auto& [edge, known] : edges_) {
    ENTAIL_ENSURE(known.pairs > 0);
    ENTAIL_ENSURE(elements_.at(edge.first).name == elements_.at(edge.second).name);
    in_forest += known.in_forest ? 1U : 0U;
  }
  ENTAIL_ENSURE(in_forest + members_.size() == elements_.size());
  for (const auto& [name, members] : members_) {
    ENTAIL_ENSURE(elements_.at(name).name == name);
    for (const Word member : members) ENTAIL_ENSURE(elements_.at(member).name == name);
  }
}

}  // namespace entail::rete
