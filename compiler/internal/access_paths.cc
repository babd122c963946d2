// One more atom of a body: by scan, look-up or range, whichever is cheapest.
#include <algorithm>
#include <cmath>
#include <utility>

#include "compiler/internal/body_planner.h"

namespace entail::compiler::internal {
namespace {

// An index that nobody has built yet is paid for by the plan that asks for it.
constexpr double kProbeCost = 2;
constexpr double kIndexBuildCost = 3;
// A growing relation's index takes in every row of every round, and matches found through it arrive in
// an order that scatters over the membership tables of what is derived. Reading the delta itself costs
// neither: tc_dense with the delta probed instead of scanned takes four times as long.
constexpr double kIndexUpkeepCost = 16;
// A range index pays when a key has more matches than this.
constexpr double kRangeWorthMatches = 8;

}  // namespace

// How to ask whether the atom has a row, its given columns given and the rest free.
void BodyPlanner::choose_test(const PlanState& state, const datalog::Match& match,
                              Step& step) const {
  step.match = &match;
  step.given = given_columns(state, match);
  if (relation(match).equivalence) {
    step.kind = StepKind::kEqMember;
  } else if (step.given.empty()) {
    step.kind = StepKind::kNonEmpty;
  } else if (step.given.size() == match.terms.size() && step.view != vm::View::kDelta &&
             has_membership(match)) {
    step.kind = StepKind::kMember;
  } else {
    step.kind = StepKind::kSemi;
    step.spec.key = layout(match).words_of_columns(step.given);
  }
}

// How many times a batch must look up for an index to be asked for.
constexpr double kIndexWorthRows = 4;

bool BodyPlanner::choose_index(const PlanState& state, const datalog::Match& match,
                               Step& step) const {
  const std::vector<std::uint32_t> words = layout(match).words_of_columns(step.given);
  const std::vector<vm::IndexSpec>* const standing = standing_indexes(match);
  if (standing == nullptr) {
    step.spec.key = words;
    return true;
  }
  // Columns whose words are all there, out of those given.
  const auto columns_of = [&](const std::vector<std::uint32_t>& key) {
    std::vector<std::uint32_t> columns;
    for (const std::uint32_t column : step.given) {
      const std::uint32_t word = layout(match).columns[column].first_word;
      if (std::find(key.begin(), key.end(), word) != key.end()) columns.push_back(column);
    }
    if (layout(match).words_of_columns(columns) != key) columns.clear();
    return columns;
  };
  const vm::IndexSpec* best = nullptr;
  double best_matches = 0;
  for (const vm::IndexSpec& spec : *standing) {
    if (spec.key.empty() || columns_of(spec.key).empty()) continue;
    const double matches = matches_per_key(match, step.view, spec.key);
    const bool better =
        best == nullptr || matches < best_matches ||
        (matches == best_matches && best->range_column >= 0 && spec.range_column < 0);
    if (!better) continue;
    best = &spec;
    best_matches = matches;
  }
  // Half as many rows are not worth an index more.
  if (state.has_batch && state.rows >= kIndexWorthRows && (best == nullptr || best->key != words)) {
    vm::IndexSpec wanted;
    wanted.key = words;
    const double total = scope_.cardinalities->rows(match.relation, step.view);
    const double matches = matches_per_key(match, step.view, words);
    const double without = best == nullptr ? total : best_matches;
    if (matches * 2 < without && scope_.standing->may_add(match.relation, wanted)) {
      step.spec = std::move(wanted);
      return true;
    }
  }
  if (best == nullptr) return false;
  step.given = columns_of(best->key);
  step.spec = *best;
  step.index_stands = true;
  step.open_range = best->range_column >= 0;
  return true;
}

bool BodyPlanner::can_test(const PlanState& state, Step& step) const {
  if (step.kind != StepKind::kSemi && step.kind != StepKind::kCount) return true;
  const std::vector<vm::IndexSpec>* const standing = standing_indexes(*step.match);
  if (standing == nullptr) return true;
  for (const vm::IndexSpec& spec : *standing) {
    step.index_stands = step.index_stands || (spec.key == step.spec.key && spec.range_column < 0);
  }
  return step.index_stands || (state.rows >= kIndexWorthRows &&
                               scope_.standing->may_add(step.match->relation, step.spec));
}

void BodyPlanner::extend_equivalence(PlanState& state, std::size_t literal) const {
  const datalog::Match& match = *facts_[literal].atom;
  Step step;
  step.match = &match;
  step.view = view_of(literal);
  step.given = given_columns(state, match);
  const double pairs = scope_.cardinalities->rows(match.relation, step.view);
  if (!step.given.empty() && !state.has_batch) open_unit(state);
  if (step.given.size() == match.terms.size()) {
    step.kind = StepKind::kEqMember;
    state.cost += state.rows * kMemberCost;
  } else if (!step.given.empty()) {
    step.kind = StepKind::kEqProbe;
    const double members = std::max(2.0, std::sqrt(pairs));
    state.cost += state.rows * (kProbeCost + members);
    state.rows *= members;
  } else {
    step.kind = state.has_batch ? StepKind::kEqCross : StepKind::kEqScan;
    state.rows *= pairs;
    state.cost += state.rows;
  }
  state.has_batch = true;
  bind_match(state, match);
  push(state, literal, std::move(step));
}

// Bounds on one column that stand as filters: `p(x), q(y), x < y, y <= 10`.
bool BodyPlanner::find_range(const PlanState& state, const datalog::Match& match, Step& step,
                             std::vector<std::size_t>& used) const {
  if (scope_.growing.count(match.relation) != 0) return false;
  for (std::uint32_t column = 0; column < match.terms.size(); ++column) {
    const datalog::Expression& term = match.terms[column];
    const ColumnLayout& placed = layout(match).columns[column];
    if (term.op != ExpressionOp::kVariable || contains(state.bound, term.variable) ||
        placed.value_words != 1 || !has_word_order(placed.type)) {
      continue;
    }
    const datalog::Expression* low = nullptr;
    const datalog::Expression* high = nullptr;
    for (std::size_t i = 0; i < body_.size(); ++i) {
      const auto* filter = std::get_if<datalog::Filter>(&body_[i].node);
      if (state.placed[i] || filter == nullptr || facts_[i].fallible) continue;
      const datalog::Expression& condition = filter->condition;
      const bool less =
          condition.op == ExpressionOp::kLess || condition.op == ExpressionOp::kLessEqual;
      const bool greater =
          condition.op == ExpressionOp::kGreater || condition.op == ExpressionOp::kGreaterEqual;
      if (!less && !greater) continue;
      for (std::size_t side = 0; side < 2; ++side) {
        const datalog::Expression& mine = condition.arguments[side];
        const datalog::Expression& other = condition.arguments[1 - side];
        if (mine.op != ExpressionOp::kVariable || mine.variable != term.variable) continue;
        if (other.type != placed.type || !includes(state.bound, datalog::variables_of(other))) {
          continue;
        }
        const bool is_high = less == (side == 0);  // x < other bounds x from above.
        const datalog::Expression*& bound = is_high ? high : low;
        if (bound != nullptr) continue;
        bound = &other;
        const bool inclusive =
            condition.op == ExpressionOp::kLessEqual || condition.op == ExpressionOp::kGreaterEqual;
        (is_high ? step.high_inclusive : step.low_inclusive) = inclusive;
        // NaN and null have a place in the index but satisfy no comparison: filtered again.
        if (placed.type.kind != vm::TypeKind::kFloat8 && !placed.nullable) used.push_back(i);
        break;
      }
    }
    if (low == nullptr && high == nullptr) continue;
    step.range_column = column;
    step.low = low;
    step.high = high;
    step.spec.key = layout(match).words_of_columns(step.given);
    step.spec.range_column = static_cast<std::int32_t>(placed.first_word);
    if (choose_range_index(state, match, step)) return true;
    step.low = step.high = nullptr;
    step.low_inclusive = step.high_inclusive = false;
    step.spec = {};
    used.clear();
  }
  return false;
}

// Of a relation that stands: an ordered index that it has, whose key is given; else one that it may get.
bool BodyPlanner::choose_range_index(const PlanState& state, const datalog::Match& match,
                                     Step& step) const {
  const std::vector<vm::IndexSpec>* const standing = standing_indexes(match);
  if (standing == nullptr) return true;
  const vm::IndexSpec* best = nullptr;
  std::vector<std::uint32_t> best_columns;
  for (const vm::IndexSpec& spec : *standing) {
    if (spec.range_column != step.spec.range_column) continue;
    std::vector<std::uint32_t> columns;
    for (const std::uint32_t column : step.given) {
      const std::uint32_t word = layout(match).columns[column].first_word;
      if (std::find(spec.key.begin(), spec.key.end(), word) != spec.key.end()) {
        columns.push_back(column);
      }
    }
    if (layout(match).words_of_columns(columns) != spec.key) continue;
    if (best != nullptr && best->key.size() >= spec.key.size()) continue;
    best = &spec;
    best_columns = std::move(columns);
  }
  if (best != nullptr) {
    // A key that is given whole is better looked up than part of it with a range.
    if (best_columns.size() < step.given.size()) {
      for (const vm::IndexSpec& spec : *standing) {
        if (spec.range_column < 0 && spec.key == step.spec.key) return false;
      }
    }
    step.given = std::move(best_columns);
    step.spec = *best;
    step.index_stands = true;
    return true;
  }
  return state.has_batch && state.rows >= kIndexWorthRows &&
         scope_.standing->may_add(match.relation, step.spec);
}

double BodyPlanner::upkeep(const datalog::Match& match) const {
  if (scope_.growing.count(match.relation) == 0) return 0;
  return scope_.cardinalities->rows(match.relation, vm::View::kDelta) * kIndexUpkeepCost;
}

void BodyPlanner::extend(PlanState& state, std::size_t literal) const {
  const datalog::Match& match = *facts_[literal].atom;
  if (relation(match).equivalence) {
    extend_equivalence(state, literal);
    place_ready(state);
    return;
  }
  Step step;
  step.match = &match;
  step.view = view_of(literal);
  step.given = given_columns(state, match);
  const double total = scope_.cardinalities->rows(match.relation, step.view);
  const std::vector<std::uint32_t> words = layout(match).words_of_columns(step.given);
  const double matches = step.given.empty() ? total : matches_per_key(match, step.view, words);
  const bool stands = standing_indexes(match) != nullptr;
  std::vector<std::size_t> used;
  // A row of a bag may be there twice, which counts where rows matter.
  const bool may_test =
      !task_.rows_matter || relation(match).collection == datalog::Collection::kSet;
  const bool starts_with_given =
      !state.has_batch && step.given.size() == match.terms.size() && !match.row;
  if (starts_with_given && is_ranked(match) && !step.given.empty()) open_unit(state);
  bool tests = starts_with_given && !is_ranked(match) && may_test;
  if (tests) {
    choose_test(state, match, step);
    tests = can_test(state, step);
    if (!tests) {
      Step plain;
      plain.match = step.match;
      plain.view = step.view;
      plain.given = step.given;
      step = std::move(plain);
    }
  }
  const auto look_up_range = [&] {
    step.kind = StepKind::kRange;
    const double fraction = step.low != nullptr && step.high != nullptr ? 0.1 : 0.4;
    if (!scope_.repeated && !step.index_stands) state.cost += total * kIndexBuildCost * 4;
    state.cost += state.rows * (kProbeCost + matches * fraction) + upkeep(match);
    state.rows *= matches * fraction;
  };
  if (tests) {
    open_unit(state);
    state.cost += kMemberCost;
    state.rows = 0.5;
  } else if (!state.has_batch) {
    Step sought = step;
    if (stands && matches > kRangeWorthMatches && find_range(state, match, sought, used) &&
        sought.index_stands) {
      step = std::move(sought);
      open_unit(state);
      look_up_range();
    } else if (used.clear(), sought = step;
               stands && !step.given.empty() && choose_index(state, match, sought)) {
      step = std::move(sought);
      open_unit(state);
      step.kind = StepKind::kProbe;
      state.cost += kProbeCost + matches_per_key(match, step.view, step.spec.key);
      state.rows = matches;
    } else {
      step.kind = StepKind::kScan;
      state.rows = matches;
      state.cost += total;
    }
  } else if (matches > kRangeWorthMatches && find_range(state, match, step, used)) {
    look_up_range();
  } else if (step.given.empty() || !choose_index(state, match, step)) {
    step.kind = StepKind::kCross;
    step.given.clear();  // Known columns are compared.
    state.cost += state.rows * total;
    state.rows *= matches;
  } else {
    step.kind = StepKind::kProbe;
    const double found = matches_per_key(match, step.view, step.spec.key);
    if (!scope_.repeated && !step.index_stands) state.cost += total * kIndexBuildCost;
    state.cost += state.rows * (kProbeCost + found) + upkeep(match);
    state.rows *= matches;
  }
  state.has_batch = true;
  bind_match(state, match);
  push(state, literal, std::move(step));
  for (const std::size_t i : used) state.placed[i] = 1;
  place_ready(state);
}

// Constants in the atom are compared row by row: whose rows they are is not the plan's to say.
void BodyPlanner::scan_source(PlanState& state) const {
  const std::size_t literal = task_.forced.front();
  const datalog::Match& match = *facts_[literal].atom;
  Step step;
  step.kind = StepKind::kScan;
  step.match = &match;
  step.view = view_of(literal);
  step.given = given_columns(state, match);
  state.rows = 1;
  state.cost += 1;
  state.has_batch = true;
  bind_match(state, match);
  push(state, literal, std::move(step));
}

}  // namespace entail::compiler::internal
