#include "compiler/internal/pattern_automaton.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>

#include "vm/base/ensure.h"

namespace entail::compiler::internal {

namespace {

using datalog::PatternKind;
using datalog::PatternNode;

constexpr std::size_t kInstructionsMax = 10'000;
constexpr std::size_t kPermutedMax = 6;

enum class Op : std::uint8_t { kSymbol, kSplit, kJoint, kStart, kEnd, kDue, kMatch };

struct Instruction {
  Op op = Op::kMatch;
  std::uint32_t next = 0, other = 0;  // kSplit: `other` is less preferred.
  std::uint32_t symbol = 0;
  std::uint32_t due_word = 0;
  bool excluded = false;
  std::vector<std::uint32_t> forbidden;  // kJoint.
};

struct TooLarge {
  std::string message;
};

class AutomatonBuilder {
 public:
  explicit AutomatonBuilder(const std::vector<std::uint32_t>& due_words) : due_words_(due_words) {}

  std::vector<vm::PatternState> run(const PatternNode& root) {
    number_deadlines(root);
    const std::uint32_t match = add({});
    const std::uint32_t entry = emit(root, match, /*excluded=*/false);
    state_of(entry);
    for (std::size_t s = 0; s < entries_.size(); ++s) {
      vm::PatternState state;
      std::set<std::pair<std::uint32_t, unsigned>> seen;
      open(entries_[s], 0, state, seen);
      states_.push_back(std::move(state));
    }
    return std::move(states_);
  }

 private:
  void number_deadlines(const PatternNode& node) {
    if (node.deadline) deadlines_.emplace(&node, deadlines_.size());
    for (const PatternNode& child : node.children) number_deadlines(child);
  }

  std::uint32_t add(Instruction instruction) {
    if (code_.size() >= kInstructionsMax) throw TooLarge{"the pattern is too large"};
    code_.push_back(std::move(instruction));
    return static_cast<std::uint32_t>(code_.size() - 1);
  }
  std::uint32_t split(std::uint32_t body, std::uint32_t exit, bool reluctant) {
    Instruction both;
    both.op = Op::kSplit;
    both.next = reluctant ? exit : body;
    both.other = reluctant ? body : exit;
    return add(std::move(both));
  }
  std::uint32_t joint(std::uint32_t next, bool relaxed) {
    if (!relaxed) return next;
    Instruction instruction;
    instruction.op = Op::kJoint;
    instruction.next = next;
    return add(std::move(instruction));
  }

  // The first instruction of the node, with `next` behind it.
  std::uint32_t emit(const PatternNode& node, std::uint32_t next, bool excluded) {
    switch (node.kind) {
      case PatternKind::kSymbol: {
        Instruction symbol;
        symbol.op = Op::kSymbol;
        symbol.symbol = node.symbol;
        symbol.excluded = excluded;
        symbol.next = next;
        return add(std::move(symbol));
      }
      case PatternKind::kConcat:
        return emit_concat(node, next, excluded);
      case PatternKind::kAlternate: {
        std::uint32_t entry = 0;
        for (std::size_t i = node.children.size(); i-- > 0;) {
          const std::uint32_t child = emit(node.children[i], next, excluded);
          entry = i + 1 == node.children.size() ? child : split(child, entry, false);
        }
        return entry;
      }
      case PatternKind::kRepeat:
        return emit_repeat(node, next, excluded);
      case PatternKind::kPermute:
        return emit_permute(node, next, excluded);
      case PatternKind::kExclude:
        return emit(node.children.front(), next, true);
      case PatternKind::kAbsent: {
        if (node.deadline) {
          Instruction due;
          due.op = Op::kDue;
          due.due_word = due_words_[deadlines_.at(&node)];
          next = add(std::move(due));
        }
        if (!node.deadline && code_[next].op == Op::kJoint && !code_[next].forbidden.empty()) {
          code_[next].forbidden.push_back(node.symbol);  // Of two absences in a row both count.
          return next;
        }
        const std::uint32_t entry = joint(next, true);
        code_[entry].forbidden = {node.symbol};
        return entry;
      }
      case PatternKind::kAnchorStart:
      case PatternKind::kAnchorEnd: {
        Instruction anchor;
        anchor.op = node.kind == PatternKind::kAnchorStart ? Op::kStart : Op::kEnd;
        anchor.next = next;
        return add(std::move(anchor));
      }
    }
    ENTAIL_UNREACHABLE("a part of a pattern");
  }

  std::uint32_t emit_concat(const PatternNode& node, std::uint32_t next, bool excluded) {
    for (std::size_t i = node.children.size(); i-- > 0;) {
      next = emit(node.children[i], next, excluded);
      // An absence is a joint of its own.
      const bool waits = node.relaxed && i > 0 && node.children[i].kind != PatternKind::kAbsent &&
                         node.children[i - 1].kind != PatternKind::kAbsent;
      next = joint(next, waits);
    }
    return next;
  }

  std::uint32_t emit_repeat(const PatternNode& node, std::uint32_t next, bool excluded) {
    const PatternNode& child = node.children.front();
    if (node.repeat_max == 0) return next;
    if (node.repeat_max == UINT32_MAX) {
      // The last iteration that must be is the loop's first: what leads back to it leads nowhere new.
      const std::uint32_t loop = split(next, next, node.reluctant);
      std::uint32_t entry = emit(child, loop, excluded);
      const std::uint32_t again = joint(entry, node.relaxed);
      (node.reluctant ? code_[loop].other : code_[loop].next) = again;
      if (node.repeat_min == 0) return split(entry, next, node.reluctant);
      for (std::uint32_t i = 1; i < node.repeat_min; ++i) {
        entry = emit(child, joint(entry, node.relaxed), excluded);
      }
      return entry;
    }
    std::uint32_t behind = next;  // What an iteration that is not the first goes to.
    for (std::uint32_t more = node.repeat_max - std::max(node.repeat_min, 1U); more > 0; --more) {
      behind = split(joint(emit(child, behind, excluded), node.relaxed), next, node.reluctant);
    }
    for (std::uint32_t i = 1; i < node.repeat_min; ++i) {
      behind = joint(emit(child, behind, excluded), node.relaxed);
    }
    const std::uint32_t first = emit(child, behind, excluded);
    return node.repeat_min == 0 ? split(first, next, node.reluctant) : first;
  }

  std::uint32_t emit_permute(const PatternNode& node, std::uint32_t next, bool excluded) {
    if (node.children.size() > kPermutedMax) {
      throw TooLarge{"a permutation of more than " + std::to_string(kPermutedMax) +
                     " parts of a pattern is not supported"};
    }
    std::vector<std::size_t> places(node.children.size());
    std::iota(places.begin(), places.end(), 0U);
    std::vector<std::uint32_t> entries;
    do {
      std::uint32_t entry = next;
      for (std::size_t i = places.size(); i-- > 0;) {
        entry = emit(node.children[places[i]], entry, excluded);
      }
      entries.push_back(entry);
    } while (std::next_permutation(places.begin(), places.end()));
    std::uint32_t entry = entries.back();
    for (std::size_t i = entries.size() - 1; i-- > 0;) entry = split(entries[i], entry, false);
    return entry;
  }

  std::uint32_t state_of(std::uint32_t entry) {
    const auto [known, is_new] =
        state_by_entry_.emplace(entry, static_cast<std::uint32_t>(entries_.size()));
    if (is_new) entries_.push_back(entry);
    return known->second;
  }

  // Walks the epsilon steps; false where nothing less preferred counts any more. `flags`: 1 where the way led
  // past ^, 2 past $.
  bool open(std::uint32_t position, unsigned flags, vm::PatternState& state,
            std::set<std::pair<std::uint32_t, unsigned>>& seen) {
    if (!seen.emplace(position, flags).second) return true;
    const Instruction instruction = code_[position];
    vm::PatternTransition transition;
    transition.at_start = (flags & 1) != 0;
    transition.at_end = (flags & 2) != 0;
    switch (instruction.op) {
      case Op::kSplit:
        return open(instruction.next, flags, state, seen) &&
               open(instruction.other, flags, state, seen);
      case Op::kStart:
        return open(instruction.next, flags | 1, state, seen);
      case Op::kEnd:
        return open(instruction.next, flags | 2, state, seen);
      case Op::kJoint:
        state.waits.push_back({state_of(position), instruction.forbidden});
        return open(instruction.next, flags, state, seen);
      case Op::kSymbol:
        transition.kind = vm::PatternTransition::Kind::kConsume;
        transition.symbol = instruction.symbol;
        transition.excluded = instruction.excluded;
        transition.target = state_of(instruction.next);
        state.transitions.push_back(transition);
        return true;
      case Op::kDue:
        transition.kind = vm::PatternTransition::Kind::kDue;
        transition.due_word = instruction.due_word;
        state.transitions.push_back(transition);
        return true;
      case Op::kMatch:
        transition.kind = vm::PatternTransition::Kind::kMatch;
        state.transitions.push_back(transition);
        return flags != 0;
    }
    return true;
  }

  const std::vector<std::uint32_t>& due_words_;
  std::map<const PatternNode*, std::size_t> deadlines_;
  std::vector<Instruction> code_;
  std::map<std::uint32_t, std::uint32_t> state_by_entry_;
  std::vector<std::uint32_t> entries_;  // By state.
  std::vector<vm::PatternState> states_;
};

}  // namespace

Expected<std::vector<vm::PatternState>> pattern_automaton(
    const PatternNode& root, const std::vector<std::uint32_t>& due_words) {
  try {
    return AutomatonBuilder(due_words).run(root);
  } catch (const TooLarge& found) {
    return unexpected(ErrorCode::kUnsupported, found.message);
  }
}

}  // namespace entail::compiler::internal
