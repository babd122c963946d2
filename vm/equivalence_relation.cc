#include "vm/equivalence_relation.h"

#include <fmt/format.h>

#include <algorithm>

#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/value_pool.h"

namespace entail::vm {

namespace {

std::uint32_t tag_of(Word word) {
  const Word* const column = &word;
  std::uint32_t tag = 0;
  hash_rows({&column, 1}, 1, &tag);
  return tag;
}

// What an element takes: two slots of the map at most, its word, its root, its class, its membership
// (twice, for growth) and a group of its own.
constexpr std::uint64_t kElementBytes = 16 + 8 + 4 + 48 + 16 + 8;

}  // namespace

EquivalenceRelation::EquivalenceRelation(Options options)
    : options_(std::move(options)), elements_(nullptr) {
  ENTAIL_ENSURE(!options_.handle || options_.pool != nullptr);
}

EquivalenceRelation::~EquivalenceRelation() {
  if (options_.handle) options_.pool->release_column(words_);
  if (options_.budget != nullptr) options_.budget->release(reserved_);
}

Expected<std::uint64_t> EquivalenceRelation::insert_pairs(std::span<const Word> pairs) {
  ENTAIL_ENSURE(pairs.size() % 2 == 0);
  std::uint64_t added = 0;
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    const std::uint32_t left = find_element(pairs[i]);
    const std::uint32_t right = left == RowMap::kNone ? left : find_element(pairs[i + 1]);
    if (right != RowMap::kNone && root_of(left) == root_of(right)) continue;
    // Both may be new elements, and the pair waits for the round to end.
    const std::uint64_t bytes = 2 * kElementBytes + 2 * sizeof(Word);
    if (options_.budget != nullptr && !options_.budget->reserve(bytes)) {
      return unexpected(ErrorCode::kLimit,
                        fmt::format("relation {} with {} elements and {} bytes cannot grow: the "
                                    "memory budget of {} bytes has {} in use",
                                    options_.name, words_.size(), bytes_used(),
                                    options_.budget->limit(), options_.budget->used()));
    }
    reserved_ += bytes;
    pending_.push_back(pairs[i]);
    pending_.push_back(pairs[i + 1]);
    ++added;
  }
  return added;
}

bool EquivalenceRelation::advance() {
  settle();
  for (std::size_t i = 0; i < pending_.size(); i += 2) {
    const std::uint32_t left = add_element(pending_[i]);
    const std::uint32_t right = add_element(pending_[i + 1]);
    unite(root_of(left), root_of(right));
  }
  pending_.clear();
  // Of what was reserved for pairs that added no element, give back the rest.
  const std::uint64_t needed = std::min(reserved_, words_.size() * kElementBytes);
  if (options_.budget != nullptr) options_.budget->release(reserved_ - needed);
  reserved_ = needed;
  return has_delta();
}

void EquivalenceRelation::settle() {
  for (const std::uint32_t root : touched_) classes_[root].groups = {};
  touched_.clear();
  delta_size_ = 0;
}

std::uint32_t EquivalenceRelation::find_element(Word word) const {
  return elements_.find(tag_of(word),
                        [&](std::uint32_t element) { return words_[element] == word; });
}

std::uint32_t EquivalenceRelation::add_element(Word word) {
  const std::uint32_t found = find_element(word);
  if (found != RowMap::kNone) return found;
  const auto element = static_cast<std::uint32_t>(words_.size());
  elements_.reserve_anyway(words_.size() + 1);
  elements_.insert(tag_of(word), element);
  words_.push_back(word);
  roots_.push_back(element);
  classes_.push_back({{word}, {{0, true}}});
  touched_.push_back(element);
  if (options_.handle) options_.pool->retain(word);
  ++size_;
  ++delta_size_;
  return element;
}

// Paths stay short by union by size alone; a const member may not shorten them.
std::uint32_t EquivalenceRelation::root_of(std::uint32_t element) const {
  while (roots_[element] != element) element = roots_[element];
  return element;
}

void EquivalenceRelation::touch(Class& part, std::uint32_t root) {
  if (!part.groups.empty()) return;
  part.groups.push_back({0, false});
  touched_.push_back(root);
}

void EquivalenceRelation::unite(std::uint32_t left, std::uint32_t right) {
  if (left == right) return;
  if (classes_[left].members.size() < classes_[right].members.size()) std::swap(left, right);
  Class& larger = classes_[left];
  Class& smaller = classes_[right];
  touch(larger, left);
  touch(smaller, right);
  const std::uint64_t crossing = 2 * larger.members.size() * smaller.members.size();
  size_ += crossing;
  delta_size_ += crossing;
  const auto shift = static_cast<std::uint32_t>(larger.members.size());
  for (const Group& group : smaller.groups) {
    larger.groups.push_back({group.begin + shift, group.is_new_element});
  }
  larger.members.insert(larger.members.end(), smaller.members.begin(), smaller.members.end());
  smaller = {};
  roots_[right] = left;
}

void EquivalenceRelation::contains(const Word* left, const Word* right, std::size_t n,
                                   std::uint8_t* out) const {
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t a = find_element(left[i]);
    const std::uint32_t b = left[i] == right[i] || a == RowMap::kNone ? a : find_element(right[i]);
    out[i] = b != RowMap::kNone && root_of(a) == root_of(b) ? 1 : 0;
  }
}

std::span<const Word> EquivalenceRelation::members(Word x) const {
  const std::uint32_t element = find_element(x);
  if (element == RowMap::kNone) return {};
  return classes_[root_of(element)].members;
}

std::size_t EquivalenceRelation::next_pairs(PairCursor& cursor, Word* left, Word* right,
                                            std::size_t limit) const {
  std::size_t n = 0;
  const bool is_delta = cursor.view == View::kDelta;
  const auto class_count = static_cast<std::uint32_t>(is_delta ? touched_.size() : classes_.size());
  for (; cursor.class_number < class_count; ++cursor.class_number, cursor.left = cursor.right = 0) {
    const Class& part = classes_[is_delta ? touched_[cursor.class_number] : cursor.class_number];
    const auto size = static_cast<std::uint32_t>(part.members.size());
    for (; cursor.left < size; ++cursor.left, cursor.right = 0) {
      // The stretch of members that were equivalent to this one before the round.
      std::uint32_t known_begin = 0;
      std::uint32_t known_end = size;
      if (!part.groups.empty()) {
        const auto next = std::upper_bound(
            part.groups.begin(), part.groups.end(), cursor.left,
            [](std::uint32_t member, const Group& group) { return member < group.begin; });
        known_begin = next[-1].begin;
        known_end = next[-1].is_new_element     ? known_begin
                    : next == part.groups.end() ? size
                                                : next->begin;
      }
      std::uint32_t from = cursor.right;
      const auto emit = [&](std::uint32_t begin, std::uint32_t end) {
        for (from = std::max(from, begin); from < end && n < limit; ++from, ++n) {
          left[n] = part.members[cursor.left];
          right[n] = part.members[from];
        }
        return from >= end;
      };
      const bool done = cursor.view == View::kTotal ? emit(0, size)
                        : cursor.view == View::kOld ? emit(known_begin, known_end)
                        : ENTAIL_PLANT_BUG(18)      ? emit(0, known_begin)
                                                    : emit(0, known_begin) && emit(known_end, size);
      if (done) continue;
      cursor.right = from;
      return n;
    }
  }
  return n;
}

std::uint64_t EquivalenceRelation::bytes_used() const {
  std::uint64_t bytes =
      elements_.bytes_used() + words_.capacity() * sizeof(Word) +
      roots_.capacity() * sizeof(std::uint32_t) + classes_.capacity() * sizeof(Class) +
      touched_.capacity() * sizeof(std::uint32_t) + pending_.capacity() * sizeof(Word);
  for (const Class& part : classes_) {
    bytes += part.members.capacity() * sizeof(Word) + part.groups.capacity() * sizeof(Group);
  }
  return bytes;
}

void EquivalenceRelation::verify() const {
  std::uint64_t pairs = 0;
  std::uint64_t members_seen = 0;
  for (std::uint32_t root = 0; root < classes_.size(); ++root) {
    const Class& part = classes_[root];
    pairs += std::uint64_t{part.members.size()} * part.members.size();
    members_seen += part.members.size();
    for (const Word word : part.members) {
      const std::uint32_t element = find_element(word);
      ENTAIL_ENSURE(element != RowMap::kNone && root_of(element) == root);  // (1)
    }
  }
  ENTAIL_ENSURE(members_seen == words_.size());  // (1)
  ENTAIL_ENSURE(pairs == size_);                 // (2)
}

}  // namespace entail::vm
