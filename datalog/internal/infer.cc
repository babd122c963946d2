#include "datalog/internal/infer.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "datalog/internal/literals.h"

namespace entail::datalog {
namespace {

using Slot = std::uint32_t;

enum class ConstraintKind : std::uint8_t {
  kBelow,      // slots[0]'s types flow into slots[1]
  kBelowType,  // slots[0] is a subtype of `type`
  kAmong,      // slots[0] is a subtype of one of `set`
  kSameBase,   // slots[0] and slots[1] have the same root
  kOverload,   // a call: slots[0] the result, the rest the arguments
  kComponent,  // slots[0] is component `index` of slots[1]
  kElement,    // slots[0] is an element of slots[1]
};

struct Constraint {
  ConstraintKind kind = ConstraintKind::kBelow;
  std::vector<Slot> slots = {};
  SourceTypeId type = kNoSourceType;
  SourceTypeSet set = {};
  std::size_t index = 0;
  std::vector<Signature> signatures = {};
  bool loose_result = false;    // Infix: the result may be any subtype of the signature's.
  bool result_was_set = false;  // A strict result replaces the set once.
  bool any_arguments = false;   // ord: arguments are not constrained.
};

class Inference {
 public:
  Inference(CoreClause& clause, Environment& environment,
            const std::vector<DeclaredType>& parameters)
      : clause_(clause),
        environment_(environment),
        types_(environment.types),
        diagnostics_(environment.diagnostics),
        parameters_(parameters) {}

  std::optional<ClauseTypes> run() {
    number_slots();
    const std::size_t errors_before = diagnostics_.error_count();
    for (int round = 0; round < 32; ++round) {
      constraints_.clear();
      result_.slots.assign(slot_count_, SourceTypeSet{});
      collect();
      solve();
      if (!decide()) break;
    }
    check();
    if (diagnostics_.error_count() != errors_before) return std::nullopt;
    return std::move(result_);
  }

 private:
  // -------------------------------------------------------------------------------------------------
  // Slots

  void number_slots() {
    slot_count_ = static_cast<Slot>(clause_.variables.size());
    const auto number = [&](CoreTerm& term) {
      term.slot = term.kind == TermKind::kVariable ? term.variable : slot_count_++;
    };
    visit_terms(clause_.head_args, true, number);
    visit_terms(clause_.body, true, number);
    result_.signatures.resize(slot_count_);
    result_.literals.resize(slot_count_);
  }

  // -------------------------------------------------------------------------------------------------
  // Constraints

  void below(Slot a, Slot b) {
    constraints_.push_back({.kind = ConstraintKind::kBelow, .slots = {a, b}});
  }
  void same(Slot a, Slot b) { below(a, b), below(b, a); }
  void below_type(Slot slot, SourceTypeId type) {
    if (type == kNoSourceType) return;
    constraints_.push_back({.kind = ConstraintKind::kBelowType, .slots = {slot}, .type = type});
  }
  void among(Slot slot, SourceTypeSet set) {
    constraints_.push_back(
        {.kind = ConstraintKind::kAmong, .slots = {slot}, .set = std::move(set)});
  }

  SourceTypeSet constants_where(bool RootTraits::* trait) const {
    SourceTypeSet set = SourceTypeSet::of({});
    for (const Root root : types_.literal_roots()) {
      if (types_.traits(root).*trait) set.insert(types_.constant_of(root));
    }
    return set;
  }

  void collect() {
    for (Slot i = 0; i < parameters_.size(); ++i) below_type(i, parameters_[i].source);
    for (std::size_t i = 0; i < clause_.head_args.size(); ++i)
      sink(clause_.head_args[i], clause_.head, i);
    for (CoreTerm& term : clause_.head_args) collect(term);
    collect(clause_.body, false);
  }

  void sink(const CoreTerm& term, RelationId relation, std::size_t column) {
    if (term.kind == TermKind::kWildcard ||
        column >= environment_.info(relation).column_types.size())
      return;
    const SourceTypeId type = environment_.info(relation).column_types[column];
    if (type == kNoSourceType) return;
    const SourceType& declared = types_.at(type);
    if (declared.form == SourceForm::kRecord || declared.form == SourceForm::kArray) {
      below_type(term.slot, type);
    } else if (declared.root != Root::kVariant) {
      below_type(term.slot, types_.constant_of(declared.root));
    }
  }

  void collect(CoreBody& body, bool negated) {
    for (CoreCondition& condition : body) {
      for (CoreTerm& term : condition.args) collect(term);
      if (condition.window || condition.sequence != nullptr) {
        for (CoreTerm& term : condition.keys) collect(term);
      }
      switch (condition.kind) {
        case ConditionKind::kAtom:
          for (std::size_t i = 0; i < condition.args.size(); ++i) {
            if (negated) {
              sink(condition.args[i], condition.relation, i);
            } else if (condition.args[i].kind != TermKind::kWildcard) {
              below_type(condition.args[i].slot,
                         environment_.info(condition.relation).column_types[i]);
            }
          }
          break;
        case ConditionKind::kCompare:
          same(condition.args[0].slot, condition.args[1].slot);
          break;
        case ConditionKind::kInList:
        case ConditionKind::kInRange:
          for (std::size_t i = 1; i < condition.args.size(); ++i)
            same(condition.args[0].slot, condition.args[i].slot);
          break;
        case ConditionKind::kInArray:
          constraints_.push_back({.kind = ConstraintKind::kElement,
                                  .slots = {condition.args[0].slot, condition.args[1].slot}});
          break;
        case ConditionKind::kTest:
          below_type(condition.args[0].slot, *types_.find("bool"));
          break;
        case ConditionKind::kChange:
          for (std::size_t i = 0; i < condition.args.size(); ++i)
            sink(condition.args[i], condition.relation, i);
          break;
        case ConditionKind::kLet:
          same(condition.args[0].slot, condition.args[1].slot);
          break;
        case ConditionKind::kSchedule:
          below_type(condition.args[0].slot, *types_.find("interval"));
          break;
        case ConditionKind::kGroup:
          for (std::size_t i = 0; i < condition.keys.size(); ++i)
            same(condition.keys[i].slot, condition.args[i].slot);
          for (CoreGroupResult& result : condition.results) {
            for (CoreTerm& target : result.target) collect(target);
            aggregate(result.variable.slot, result.op, result.target, true);
          }
          break;
        default:
          break;
      }
      collect(condition.body, condition.kind == ConditionKind::kAbsent && condition.plain);
    }
  }

  void aggregate(Slot slot, AggregateOp op, const std::vector<CoreTerm>& target, bool in_group) {
    if (op == AggregateOp::kCount || op == AggregateOp::kCountDistinct) {
      below_type(slot, types_.constant_of(Root::kNumber));
    } else if (op == AggregateOp::kMean) {
      below_type(slot, types_.constant_of(Root::kFloat));
    } else {
      among(slot, aggregable(op, in_group));
    }
    if (!target.empty() &&
        (op == AggregateOp::kSum || op == AggregateOp::kMin || op == AggregateOp::kMax))
      same(target.front().slot, slot);
    if (!target.empty() && op == AggregateOp::kMean && !mean_is_free(target.front()))
      same(target.front().slot, slot);
  }

  // Souffle takes means of floats only; decimals and the like are ours and converted.
  bool mean_is_free(const CoreTerm& target) const {
    const SourceTypeSet& set = result_.slots[target.slot];
    return !set.all && !set.types.empty() && types_.at(set.types.front()).root >= Root::kFirstOther;
  }

  // Souffle has minima of numbers only; ours, and those in groups, are of whatever has an order.
  SourceTypeSet aggregable(AggregateOp op, bool in_group) const {
    SourceTypeSet set = SourceTypeSet::of({});
    for (const Root root : types_.literal_roots()) {
      const RootTraits& traits = types_.traits(root);
      const bool fits = traits.arithmetic || (op != AggregateOp::kSum && traits.ordered &&
                                              (in_group || root >= Root::kFirstOther));
      if (fits) set.insert(types_.constant_of(root));
    }
    return set;
  }

  void collect(CoreTerm& term) {
    for (CoreTerm& arg : term.args) collect(arg);
    switch (term.kind) {
      case TermKind::kLiteral:
        literal(term);
        break;
      case TermKind::kCounter:
        below_type(term.slot, types_.constant_of(Root::kNumber));
        break;
      case TermKind::kCall:
        call(term);
        break;
      case TermKind::kRecord:
        for (std::size_t i = 0; i < term.args.size(); ++i) {
          constraints_.push_back({.kind = ConstraintKind::kComponent,
                                  .slots = {term.args[i].slot, term.slot},
                                  .index = i});
        }
        break;
      case TermKind::kVariant:
        variant(term);
        break;
      case TermKind::kCast:
        below_type(term.slot, term.type);
        if (term.args[0].kind == TermKind::kLiteral) below_type(term.args[0].slot, term.type);
        break;
      case TermKind::kTyped: {
        const Root root = types_.at(term.type).root;
        below_type(term.slot, term.type);
        below_type(term.args[0].slot, types_.constant_of(root) == kNoSourceType
                                          ? term.type
                                          : types_.constant_of(root));
        break;
      }
      case TermKind::kAggregate:
        for (CoreTerm& target : (*term.aggregate).target) collect(target);
        collect((*term.aggregate).body, false);
        aggregate(term.slot, (*term.aggregate).op, (*term.aggregate).target, false);
        break;
      case TermKind::kIf:
        collect(term.condition, false);
        same(term.args[0].slot, term.slot);
        same(term.args[1].slot, term.slot);
        break;
      default:
        break;
    }
  }

  void literal(const CoreTerm& term) {
    using grammar::LiteralKind;
    switch (term.literal) {
      case LiteralKind::kString:
        among(term.slot, constants_where(&RootTraits::text));
        break;
      case LiteralKind::kNumber:
      case LiteralKind::kIpv4:
        if (result_.literals[term.slot]) {
          among(term.slot, SourceTypeSet::of({types_.constant_of(*result_.literals[term.slot])}));
        } else {
          among(term.slot, constants_where(&RootTraits::whole));
        }
        break;
      case LiteralKind::kUnsigned:
        among(term.slot, SourceTypeSet::of({types_.constant_of(Root::kUnsigned)}));
        break;
      case LiteralKind::kFloat:
        among(term.slot, constants_where(&RootTraits::fraction));
        break;
      case LiteralKind::kDuration:
        below_type(term.slot, *types_.find("interval"));
        break;
      case LiteralKind::kTimestamp: {
        SourceTypeSet set = SourceTypeSet::of({});
        for (const char* name : {"timestamptz", "timestamp"})
          set.insert(types_.constant_of(types_.at(*types_.find(name)).root));
        among(term.slot, set);
        break;
      }
      case LiteralKind::kTrue:
      case LiteralKind::kFalse:
        below_type(term.slot, *types_.find("bool"));
        break;
      case LiteralKind::kNil:
      case LiteralKind::kNull:
        break;
    }
  }

  void variant(const CoreTerm& term) {
    const auto found = environment_.branches.find(term.name);
    if (found == environment_.branches.end()) return;
    below_type(term.slot, found->second.type);
    const SourceBranch& branch = types_.at(found->second.type).branches[found->second.ordinal];
    if (branch.fields.size() != term.args.size()) return;
    for (std::size_t i = 0; i < term.args.size(); ++i)
      below_type(term.args[i].slot, branch.fields[i].type);
  }

  // `ts + 10m`, `now() - 1h - d`: types that differ, of which none is a subset of another.
  static bool is_sum_of_times(const CoreTerm& term) {
    if (term.kind == TermKind::kLiteral) return term.literal == grammar::LiteralKind::kDuration;
    if (term.kind != TermKind::kCall) return false;
    if (term.functor == Functor::kNow) return true;
    return (term.functor == Functor::kAdd || term.functor == Functor::kSubtract) &&
           std::any_of(term.args.begin(), term.args.end(), is_sum_of_times);
  }

  void call(const CoreTerm& term) {
    if (term.functor == Functor::kNone) return;
    const bool infix = is_infix(term.functor);
    const auto& decided = result_.signatures[term.slot];
    if (!decided) {
      Constraint constraint;
      constraint.kind = ConstraintKind::kOverload;
      constraint.slots.push_back(term.slot);
      for (const CoreTerm& arg : term.args) constraint.slots.push_back(arg.slot);
      constraint.signatures = signatures_of(term.functor, term.name, types_);
      constraint.loose_result = infix;
      constraint.any_arguments = term.functor == Functor::kOrd;
      constraints_.push_back(std::move(constraint));
    }
    if (infix && !is_sum_of_times(term)) {
      for (const CoreTerm& arg : term.args) {
        constraints_.push_back({.kind = ConstraintKind::kSameBase, .slots = {arg.slot, term.slot}});
      }
      return;
    }
    if (!decided) return;
    below_type(term.slot, types_.constant_of(decided->result));
    if (term.functor == Functor::kOrd) return;
    for (std::size_t i = 0; i < term.args.size(); ++i) {
      const Root root = decided->params[decided->variadic ? 0 : i];
      if (types_.constant_of(root) != kNoSourceType)
        below_type(term.args[i].slot, types_.constant_of(root));
    }
  }

  // -------------------------------------------------------------------------------------------------
  // Solving

  void solve() {
    // Sets only shrink, apart from one replacement a call, so this ends; the bound is against bugs.
    for (int round = 0; round < 10'000; ++round) {
      bool changed = false;
      for (Constraint& constraint : constraints_) changed |= update(constraint);
      if (!changed) return;
    }
  }

  bool assign(Slot slot, SourceTypeSet set) {
    if (result_.slots[slot] == set) return false;
    result_.slots[slot] = std::move(set);
    return true;
  }

  bool update(Constraint& constraint) {
    const Slot first = constraint.slots[0];
    const SourceTypeSet& current = result_.slots[first];
    switch (constraint.kind) {
      case ConstraintKind::kBelow: {
        const Slot second = constraint.slots[1];
        return assign(second, types_.common_subtypes(result_.slots[second], current));
      }
      case ConstraintKind::kBelowType: {
        if (current.all) return assign(first, SourceTypeSet::of({constraint.type}));
        SourceTypeSet narrowed = SourceTypeSet::of({});
        for (const SourceTypeId type : current.types) {
          for (const SourceTypeId common : types_.common_subtypes(type, constraint.type).types)
            narrowed.insert(common);
        }
        return assign(first, std::move(narrowed));
      }
      case ConstraintKind::kAmong: {
        if (current.all) return assign(first, constraint.set);
        SourceTypeSet narrowed = SourceTypeSet::of({});
        for (const SourceTypeId type : current.types) {
          const bool fits =
              std::any_of(constraint.set.types.begin(), constraint.set.types.end(),
                          [&](SourceTypeId above) { return types_.is_subtype(type, above); });
          if (fits) narrowed.insert(type);
        }
        return assign(first, std::move(narrowed));
      }
      case ConstraintKind::kSameBase:
        return update_same_base(first, constraint.slots[1]);
      case ConstraintKind::kOverload:
        return update_overload(constraint);
      case ConstraintKind::kComponent:
        return update_component(first, constraint.slots[1], constraint.index);
      case ConstraintKind::kElement: {
        const SourceTypeSet& arrays = result_.slots[constraint.slots[1]];
        if (arrays.all) return false;
        SourceTypeSet elements = SourceTypeSet::of({});
        for (const SourceTypeId type : arrays.types) {
          if (types_.at(type).form == SourceForm::kArray) elements.insert(types_.at(type).element);
        }
        return assign(first, types_.common_subtypes(current, elements));
      }
    }
    return false;
  }

  bool update_same_base(Slot left, Slot right) {
    const auto bases = [&](const SourceTypeSet& set) {
      SourceTypeSet result = SourceTypeSet::of({});
      if (set.all) return result;
      for (const SourceTypeId type : set.types) {
        const SourceForm form = types_.at(type).form;
        if (form == SourceForm::kConstant || form == SourceForm::kPrimitive ||
            form == SourceForm::kSubset) {
          result.insert(types_.base_of(type));
        }
      }
      return result;
    };
    const SourceTypeSet left_bases = bases(result_.slots[left]);
    const SourceTypeSet right_bases = bases(result_.slots[right]);
    if (result_.slots[left].all && result_.slots[right].all) return false;
    if (result_.slots[left].all) return assign(left, right_bases);
    if (result_.slots[right].all) return assign(right, left_bases);
    const auto narrowed = [&](const SourceTypeSet& set) {
      SourceTypeSet result = SourceTypeSet::of({});
      for (const SourceTypeId type : set.types) {
        for (const SourceTypeId base : left_bases.types) {
          const bool common =
              std::binary_search(right_bases.types.begin(), right_bases.types.end(), base);
          if (common && types_.is_subtype(type, base)) result.insert(type);
        }
      }
      return result;
    };
    SourceTypeSet new_left = narrowed(result_.slots[left]);
    SourceTypeSet new_right = narrowed(result_.slots[right]);
    const bool changed = assign(left, std::move(new_left));
    return assign(right, std::move(new_right)) || changed;
  }

  bool possible(Root root, Slot slot) const {
    const SourceTypeSet& set = result_.slots[slot];
    return set.all || std::any_of(set.types.begin(), set.types.end(),
                                  [&](SourceTypeId type) { return types_.at(type).root == root; });
  }

  SourceTypeSet of_root(const SourceTypeSet& set, Root root) const {
    const SourceTypeId constant = types_.constant_of(root);
    if (set.all) return constant == kNoSourceType ? set : SourceTypeSet::of({constant});
    SourceTypeSet result = SourceTypeSet::of({});
    for (const SourceTypeId type : set.types) {
      if (types_.at(type).root == root) result.insert(type);
    }
    return result;
  }

  bool fits(const Signature& signature, const std::vector<Slot>& slots) const {
    const std::size_t arity = slots.size() - 1;
    if (!signature.variadic && signature.params.size() != arity) return false;
    for (std::size_t i = 0; i < arity; ++i) {
      if (!possible(signature.params[signature.variadic ? 0 : i], slots[i + 1])) return false;
    }
    return possible(signature.result, slots[0]);
  }

  bool update_overload(Constraint& constraint) {
    std::erase_if(constraint.signatures,
                  [&](const Signature& s) { return !fits(s, constraint.slots); });
    if (constraint.signatures.size() > 1) return false;
    if (constraint.signatures.empty()) return assign(constraint.slots[0], SourceTypeSet::of({}));
    const Signature& signature = constraint.signatures.front();
    bool changed = false;
    if (!constraint.any_arguments) {
      for (std::size_t i = 1; i < constraint.slots.size(); ++i) {
        const Root root = signature.params[signature.variadic ? 0 : i - 1];
        changed |= assign(constraint.slots[i], of_root(result_.slots[constraint.slots[i]], root));
      }
    }
    const SourceTypeId constant = types_.constant_of(signature.result);
    if (constraint.loose_result || constraint.result_was_set || constant == kNoSourceType) {
      return assign(constraint.slots[0],
                    of_root(result_.slots[constraint.slots[0]], signature.result)) ||
             changed;
    }
    constraint.result_was_set = true;
    return assign(constraint.slots[0], SourceTypeSet::of({constant})) || changed;
  }

  bool update_component(Slot component, Slot record, std::size_t index) {
    const SourceTypeSet& records = result_.slots[record];
    if (records.all) return false;
    SourceTypeSet kept = SourceTypeSet::of({});
    SourceTypeSet components = SourceTypeSet::of({});
    for (const SourceTypeId type : records.types) {
      const SourceType& candidate = types_.at(type);
      if (candidate.form == SourceForm::kArray) {
        kept.insert(type);
        components.insert(candidate.element);
      } else if (candidate.form == SourceForm::kRecord) {
        kept.insert(type);
        // A field too many is reported by the check, which knows how many there are.
        if (index < candidate.fields.size()) components.insert(candidate.fields[index].type);
      }
    }
    if (!kept.types.empty() && components.types.empty()) return assign(record, std::move(kept));
    SourceTypeSet narrowed = types_.common_subtypes(result_.slots[component], components);
    if (components.types.empty()) narrowed = SourceTypeSet::of({});
    const bool changed = assign(record, std::move(kept));
    return assign(component, std::move(narrowed)) || changed;
  }

  // Picks signatures and literals that are open. True when something changed.
  bool decide() {
    bool changed = false;
    const auto visit = [&](CoreTerm& term) {
      if (term.kind == TermKind::kCall && term.functor != Functor::kNone) {
        std::vector<Slot> slots{term.slot};
        for (const CoreTerm& arg : term.args) slots.push_back(arg.slot);
        std::vector<Signature> candidates = signatures_of(term.functor, term.name, types_);
        std::erase_if(candidates, [&](const Signature& s) { return !fits(s, slots); });
        std::stable_sort(candidates.begin(), candidates.end(),
                         [](const Signature& a, const Signature& b) {
                           return std::pair(a.result, a.params) < std::pair(b.result, b.params);
                         });
        std::optional<Signature>& decided = result_.signatures[term.slot];
        const bool same_as_before = decided.has_value() == !candidates.empty() &&
                                    (!decided || (decided->result == candidates.front().result &&
                                                  decided->params == candidates.front().params));
        if (same_as_before) return;
        decided = candidates.empty() ? std::nullopt : std::optional<Signature>(candidates.front());
        changed = true;
      } else if (term.kind == TermKind::kLiteral &&
                 (term.literal == grammar::LiteralKind::kNumber ||
                  term.literal == grammar::LiteralKind::kIpv4)) {
        std::optional<Root> root;
        for (const Root candidate : types_.literal_roots()) {
          if (!root && types_.traits(candidate).whole && !result_.slots[term.slot].all &&
              possible(candidate, term.slot)) {
            root = candidate;
          }
        }
        if (root == result_.literals[term.slot]) return;
        result_.literals[term.slot] = root;
        changed = true;
      }
    };
    visit_terms(clause_.head_args, true, visit);
    visit_terms(clause_.body, true, visit);
    return changed;
  }

  // -------------------------------------------------------------------------------------------------
  // Checks

  void check() {
    std::set<std::uint32_t> reported;
    // A call without a version leaves the variables around it without a type: it alone is the mistake.
    bool call_failed = false;
    const auto look = [&](CoreTerm& term) {
      call_failed |= term.kind == TermKind::kCall && !result_.signatures[term.slot];
    };
    visit_terms(clause_.head_args, true, look);
    visit_terms(clause_.body, true, look);
    const auto visit = [&](CoreTerm& term) {
      if (term.kind == TermKind::kVariable && result_.slots[term.slot].empty() &&
          reported.insert(term.slot).second) {
        const std::string reason = clash(term.slot);
        if (!call_failed || !reason.empty())
          diagnostics_.error(term.span, "no type fits " + term.name + reason);
      }
      check(term);
    };
    check_atom(clause_.head_args, clause_.head, false);
    visit_terms(clause_.head_args, true, visit);
    check_atoms(clause_.head_args);
    check_atoms(clause_.body, false);
    visit_terms(clause_.body, true, visit);
  }

  // ": it would be both 'symbol' and 'number'", from the types that meet in the slot.
  std::string clash(Slot slot) const {
    std::vector<std::string> names;
    for (const Constraint& constraint : constraints_) {
      if (constraint.kind != ConstraintKind::kBelowType || constraint.slots[0] != slot) continue;
      const std::string name = types_.spelled(constraint.type);
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    if (names.size() < 2) return {};
    return ": it would be both '" + names[0] + "' and '" + names[1] + "'";
  }

  void check_atoms(std::vector<CoreTerm>& terms) {
    visit_terms(terms, true, [&](CoreTerm& term) {
      if (term.aggregate) check_atoms((*term.aggregate).body, false);
    });
  }

  void check_atoms(CoreBody& body, bool negated) {
    for (CoreCondition& condition : body) {
      if (condition.kind == ConditionKind::kAtom)
        check_atom(condition.args, condition.relation, negated);
      if (condition.kind == ConditionKind::kChange)
        check_atom(condition.args, condition.relation, false);
      if (condition.kind == ConditionKind::kCompare) check_compare(condition);
      if (condition.kind == ConditionKind::kInRange)
        check_order(condition, condition.args[0], condition.args[1]);
      for (CoreTerm& arg : condition.args) {
        visit_own_aggregates(arg);
      }
      check_atoms(condition.body, condition.kind == ConditionKind::kAbsent && condition.plain);
    }
  }

  void visit_own_aggregates(CoreTerm& term) {
    for (CoreTerm& arg : term.args) visit_own_aggregates(arg);
    check_atoms(term.condition, false);
    if (term.aggregate) check_atoms((*term.aggregate).body, false);
  }

  void check_atom(const std::vector<CoreTerm>& args, RelationId id, bool negated) {
    if (args.empty()) return;  // A production has no head.
    const Relation& relation = environment_.program.relation(id);
    for (std::size_t i = 0; i < args.size() && i < relation.columns.size(); ++i) {
      const SourceTypeId declared = environment_.info(id).column_types[i];
      if (args[i].kind == TermKind::kWildcard || declared == kNoSourceType) continue;
      const SourceTypeSet& set = result_.slots[args[i].slot];
      if (set.all || set.types.empty()) continue;  // Reported elsewhere.
      const bool valid = std::all_of(set.types.begin(), set.types.end(), [&](SourceTypeId type) {
        const SourceType& given = types_.at(type);
        if (given.root == types_.at(declared).root && given.root >= Root::kFirstOther) return true;
        if (negated) {
          return type == declared ||
                 (types_.is_subtype(type, declared) && types_.is_subtype(declared, type)) ||
                 (given.root == types_.at(declared).root &&
                  types_.constant_of(given.root) != kNoSourceType);
        }
        if (types_.is_subtype(type, declared)) return true;
        if (!types_.is_subtype(declared, type)) return false;
        return given.form == SourceForm::kConstant || given.form == SourceForm::kRecord;
      });
      if (valid) continue;
      diagnostics_.error(args[i].span, "column '" + relation.columns[i].name + "' of '" +
                                           relation.name + "' takes '" + types_.spelled(declared) +
                                           "', not '" + types_.spelled(set.types.front()) + "'");
      if (relation.columns[i].span.file != grammar::kNoFile) {
        diagnostics_.note(relation.columns[i].span, "the column is declared here");
      }
    }
  }

  void check_order(const CoreCondition& condition, const CoreTerm& left, const CoreTerm& right) {
    const SourceTypeSet& left_set = result_.slots[left.slot];
    const SourceTypeSet& right_set = result_.slots[right.slot];
    if (!left_set.single() || !right_set.single()) return;
    const SourceTypeId a = left_set.types.front();
    const SourceTypeId b = right_set.types.front();
    if (!(types_.is_subtype(a, b) && types_.is_subtype(b, a))) {
      diagnostics_.error(condition.span, "'" + types_.spelled(a) + "' and '" + types_.spelled(b) +
                                             "' have no common order");
      return;
    }
    if (!types_.traits(types_.at(a).root).ordered) {
      diagnostics_.error(condition.span, "values of '" + types_.spelled(a) + "' have no order");
    }
  }

  void check_compare(const CoreCondition& condition) {
    if (condition.compare == grammar::CompareOp::kEqual ||
        condition.compare == grammar::CompareOp::kNotEqual)
      return;
    check_order(condition, condition.args[0], condition.args[1]);
  }

  void check(CoreTerm& term) {
    const SourceTypeSet& set = result_.slots[term.slot];
    switch (term.kind) {
      case TermKind::kLiteral:
        check_literal(term, set);
        break;
      case TermKind::kRecord: {
        if (!set.single() || (types_.at(set.types.front()).root != Root::kRecord &&
                              types_.at(set.types.front()).root != Root::kArray)) {
          diagnostics_.error(term.span, "which record type this is does not follow from its place");
          break;
        }
        const SourceType& type = types_.at(set.types.front());
        if (type.form == SourceForm::kRecord && type.fields.size() != term.args.size()) {
          diagnostics_.error(term.span, "a '" + type.name + "' has " +
                                            count_of(type.fields.size(), "field") + ", but " +
                                            given(term.args.size()));
        }
        break;
      }
      case TermKind::kVariant: {
        const auto found = environment_.branches.find(term.name);
        if (found == environment_.branches.end()) break;  // Reported where it was built.
        const SourceBranch& branch = types_.at(found->second.type).branches[found->second.ordinal];
        if (!set.single() || types_.at(set.types.front()).root != Root::kVariant) {
          diagnostics_.error(term.span,
                             "a '" + types_.spelled(found->second.type) + "' does not fit here");
        } else if (branch.fields.size() != term.args.size()) {
          diagnostics_.error(term.span, "branch '" + term.name + "' has " +
                                            count_of(branch.fields.size(), "field") + ", but " +
                                            given(term.args.size()));
        } else {
          for (std::size_t i = 0; i < term.args.size(); ++i) {
            const SourceTypeSet& given = result_.slots[term.args[i].slot];
            if (given.all || term.args[i].kind == TermKind::kWildcard) continue;
            for (const SourceTypeId type : given.types) {
              if (types_.is_subtype(type, branch.fields[i].type)) continue;
              diagnostics_.error(term.args[i].span, "field '" + branch.fields[i].name + "' of '" +
                                                        term.name + "' takes '" +
                                                        types_.spelled(branch.fields[i].type) +
                                                        "', not '" + types_.spelled(type) + "'");
              break;
            }
          }
        }
        break;
      }
      case TermKind::kCast:
        if (!set.single())
          diagnostics_.error(
              term.span, "the value cannot be read as '" + types_.spelled(term.type) + "' here");
        break;
      case TermKind::kTyped:
        if (set.empty() || result_.slots[term.args[0].slot].empty()) {
          diagnostics_.error(term.span, "a '" + types_.spelled(term.type) +
                                            "' is needed here, or does not fit here");
        }
        break;
      case TermKind::kCall:
        check_call(term);
        break;
      case TermKind::kAggregate: {
        const AggregateOp op = (*term.aggregate).op;
        if (set.empty() || set.all)
          diagnostics_.error(term.span,
                             "the values cannot be aggregated: no type fits '" + term.name + "'");
        if (op == AggregateOp::kMean && !types_.has_root(set, Root::kFloat)) {
          diagnostics_.error(term.span, "a mean is a float");
        }
        break;
      }
      default:
        break;
    }
  }

  void check_call(const CoreTerm& term) {
    if (term.functor == Functor::kNone || result_.signatures[term.slot]) return;
    std::string given;
    for (const CoreTerm& arg : term.args) {
      const SourceTypeSet& set = result_.slots[arg.slot];
      if (!given.empty()) given += ", ";
      given += set.all || set.types.empty() ? "?" : types_.spelled(set.types.front());
    }
    const std::vector<Signature> all = signatures_of(term.functor, term.name, types_);
    const bool arity = std::any_of(all.begin(), all.end(), [&](const Signature& s) {
      return s.variadic || s.params.size() == term.args.size();
    });
    const std::string name =
        term.name.empty() ? std::string("the operator") : "'" + term.name + "'";
    if (!arity) {
      diagnostics_.error(term.span,
                         name + " does not take " + count_of(term.args.size(), "argument"));
    } else {
      diagnostics_.error(term.span, name + " has no version for (" + given + ") here");
    }
  }

  void check_literal(const CoreTerm& term, const SourceTypeSet& set) {
    using grammar::LiteralKind;
    switch (term.literal) {
      case LiteralKind::kNil:
        if (!types_.has_root(set, Root::kRecord))
          diagnostics_.error(term.span, "nil is a record, and none is expected here");
        return;
      case LiteralKind::kNull:
        return;
      case LiteralKind::kString:
        if (set.empty()) diagnostics_.error(term.span, "a text does not fit here");
        break;
      default:
        if (set.empty() || set.all)
          diagnostics_.error(term.span, "the constant '" + term.text + "' does not fit here");
        break;
    }
    if (set.all || set.types.empty()) return;
    SourceTypeId type = set.types.front();
    if (result_.literals[term.slot]) {
      for (const SourceTypeId candidate : set.types) {
        if (types_.at(candidate).root == *result_.literals[term.slot]) {
          type = candidate;
          break;
        }
      }
    }
    std::string problem;
    if (!read_literal(term.literal, term.text, types_.at(type).type, environment_.program.types,
                      problem)) {
      diagnostics_.error(term.span, problem);
    }
  }

  CoreClause& clause_;
  Environment& environment_;
  SourceTypes& types_;
  grammar::Diagnostics& diagnostics_;
  const std::vector<DeclaredType>& parameters_;
  Slot slot_count_ = 0;
  std::vector<Constraint> constraints_;
  ClauseTypes result_;
};

}  // namespace

std::optional<ClauseTypes> infer_types(CoreClause& clause, Environment& environment,
                                       const std::vector<DeclaredType>& parameters) {
  return Inference(clause, environment, parameters).run();
}

}  // namespace entail::datalog
