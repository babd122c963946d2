#include "rete/agenda.h"

#include <algorithm>

#include "rete/internal/firing.h"
#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/row_scan.h"
#include "vm/value_text.h"

namespace entail::rete {

using datalog::RelationId;
using vm::Row;
using vm::Word;

namespace {

// So many firings are remembered, to name the rules of a loop.
constexpr std::size_t kFiredKept = 64;

}  // namespace

// ---------------------------------------------------------------------------------------------------
// Making

Expected<std::unique_ptr<Agenda>> Agenda::create(NetworkState& state) {
  std::unique_ptr<Agenda> agenda(new Agenda(state));
  if (auto made = agenda->make(); !made) return unexpected(std::move(made).error());
  return agenda;
}

Agenda::~Agenda() {
  release(emitted_);
  release(delivered_);
}

Expected<void> Agenda::make() {
  rebind(state_);
  group_of("");
  group_by_name_.emplace("MAIN", 0);
  for (const compiler::StandingProduction& standing : state_.form.productions) {
    Rule rule;
    rule.standing = &standing;
    rule.production = &state_.form.program.productions[standing.number];
    rule.group = group_of(rule.production->group);
    if (rule.production->salience && !standing.has_salience) {
      rule.salience = static_cast<std::int64_t>(rule.production->salience->words[0]);
    }
    production_of_[standing.matches] = static_cast<std::uint32_t>(rules_.size());
    rules_.push_back(std::move(rule));
  }
  for (std::uint32_t p = 0; p < actions_->size(); ++p) {
    for (std::size_t a = 0; a < (*actions_)[p].size(); ++a) {
      const compiler::ActionCode& action = (*actions_)[p][a];
      if (action.kind == compiler::ActionKind::kFocus) group_of(action.group);
      if (action.kind != compiler::ActionKind::kRetract) continue;
      const RelationId target = state_.form.stated_in[datalog::index_of(action.relation)];
      vm::IndexSpec spec;
      spec.key = state_.layouts[datalog::index_of(target)].words_of_columns(action.given);
      if (spec.key.empty()) continue;
      auto index = state_.rows(target).add_index(spec);
      if (!index) return unexpected(std::move(index).error());
      retract_indexes_[{p, a}] = *index;
    }
  }
  return {};
}

std::uint32_t Agenda::group_of(const std::string& name) {
  const auto [found, added] =
      group_by_name_.emplace(name, static_cast<std::uint32_t>(heaps_.size()));
  if (added) heaps_.emplace_back(FiresBefore{this});
  return found->second;
}

void Agenda::adopt(Agenda& other, const KeptProductions& kept) {
  std::map<std::uint32_t, std::uint32_t> own_number;
  for (const auto& [own, its] : kept) {
    std::swap(rules_[own].activations, other.rules_[its].activations);
    own_number[its] = own;
  }
  for (const Heap& heap : other.heaps_) {
    for (Waiting waiting : heap) {
      const auto found = own_number.find(waiting.production);
      if (found == own_number.end()) continue;
      waiting.production = found->second;
      heaps_[rules_[waiting.production].group].insert(waiting);
    }
  }
  for (const auto& [match, failure] : other.failures_) {
    const auto found = own_number.find(match.first);
    if (found == own_number.end()) continue;
    ErrorInstance own = failure;
    own.relation = rules_[found->second].standing->matches;
    failures_.emplace(Match{found->second, match.second}, std::move(own));
  }
  focus_.clear();
  for (const std::uint32_t group : other.focus_) {
    for (const auto& [name, number] : other.group_by_name_) {
      if (number != group) continue;
      focus_.push_back(group_of(name));
      break;
    }
  }
  committed_focus_ = focus_;
  halted_ = committed_halted_ = other.halted_;
}

void Agenda::give_back(Agenda& other, const KeptProductions& kept) {
  for (const auto& [own, its] : kept) {
    std::swap(rules_[own].activations, other.rules_[its].activations);
  }
}

void Agenda::settle() {
  for (Heap& heap : heaps_) {
    for (const Waiting& waiting : heap) {
      change(waiting.production, waiting.row).status = Status::kFired;
    }
    heap.clear();
  }
  focus_ = {0};
}

// ---------------------------------------------------------------------------------------------------
// The order

const vm::StandingRelation& Agenda::matches(std::uint32_t production) const {
  return *state_.relations[datalog::index_of(rules_[production].standing->matches)].rows;
}

Word Agenda::word(std::uint32_t production, std::uint32_t column, Row row) const {
  Word result = 0;
  matches(production).load(column, &row, 1, &result);
  return result;
}

// By value: negative, 0, positive.
int Agenda::compare(std::uint32_t production, std::uint32_t column, Row a, Row b) const {
  const compiler::RelationLayout& layout =
      state_.layouts[datalog::index_of(rules_[production].standing->matches)];
  const compiler::ColumnLayout& placed = layout.columns[column];
  Word words[2][3] = {};
  for (std::uint32_t w = 0; w < placed.word_count(); ++w) {
    words[0][w] = word(production, placed.first_word + w, a);
    words[1][w] = word(production, placed.first_word + w, b);
  }
  if (std::equal(words[0], words[0] + 3, words[1])) return 0;
  if (placed.nullable) {
    const Word *left = &words[0][placed.value_words], *right = &words[1][placed.value_words];
    if (*left != *right) return *left > *right ? -1 : 1;  // A null comes first.
  }
  const vm::ColumnOptions& options = layout.words[placed.first_word];
  if (options.order == vm::ColumnOrderKind::kText && options.handle) {
    return state_.pool->compare_text(words[0][0], words[1][0]);
  }
  if (options.handle) {  // Records: their words are places in memory.
    std::string texts[2];
    for (int side = 0; side < 2; ++side) {
      vm::print_value(*state_.pool, placed.type, placed.nullable, words[side], {}, texts[side]);
    }
    if (const int order = texts[0].compare(texts[1]); order != 0) return order;
  }
  for (std::uint32_t w = 0; w < placed.value_words; ++w) {
    const vm::ColumnOrderKind kind = layout.words[placed.first_word + w].order;
    if (kind == vm::ColumnOrderKind::kText) continue;
    const std::uint64_t left = vm::order_key(words[0][w], kind);
    const std::uint64_t right = vm::order_key(words[1][w], kind);
    if (left != right) return left < right ? -1 : 1;
  }
  return words[0][0] < words[1][0] ? -1 : 1;
}

bool Agenda::before(const Waiting& a, const Waiting& b) const {
  if (a.salience != b.salience && !ENTAIL_PLANT_BUG(45)) return a.salience > b.salience;
  if (a.step != b.step) return ENTAIL_PLANT_BUG(48) ? a.step < b.step : a.step > b.step;
  if (a.production != b.production) return a.production < b.production;
  if (a.row == b.row) return false;
  const auto columns = static_cast<std::uint32_t>(rules_[a.production].standing->columns.size());
  for (std::uint32_t column = 0; column < columns; ++column) {
    if (const int order = compare(a.production, column, a.row, b.row); order != 0) return order < 0;
  }
  return a.row < b.row;
}

Agenda::Waiting Agenda::key(std::uint32_t production, Row row) const {
  const Rule& rule = rules_[production];
  Waiting result{rule.salience, rule.activations[row].step, production, row};
  if (rule.standing->has_salience) {
    const compiler::ColumnLayout& placed =
        state_.layouts[datalog::index_of(rule.standing->matches)].columns.back();
    result.salience = static_cast<std::int64_t>(word(production, placed.first_word, row));
  }
  return result;
}

// ---------------------------------------------------------------------------------------------------
// Matches come and go

Agenda::Activation& Agenda::change(std::uint32_t production, Row row) {
  std::vector<Activation>& activations = rules_[production].activations;
  if (activations.size() <= row) activations.resize(std::max<std::size_t>(row + 1, 2 * row));
  Activation& activation = activations[row];
  if (!activation.in_epoch) {
    saved_.push_back({production, row, activation});
    activation.in_epoch = true;
  }
  return activation;
}

void Agenda::enter(std::uint32_t production, Row row, std::uint64_t step) {
  const Rule& rule = rules_[production];
  Activation& activation = change(production, row);
  ENTAIL_DEBUG_ENSURE(activation.status == Status::kNone);
  activation.step = step;
  if (firing_ && rule.production->no_loop &&
      rules_[*firing_].production->name == rule.production->name) {
    activation.status = Status::kFired;
    return;
  }
  activation.status = Status::kWaiting;
  heaps_[rule.group].insert(key(production, row));
  if (rule.production->auto_focus && focus_.back() != rule.group) focus_.push_back(rule.group);
}

void Agenda::leave(std::uint32_t production, Row row) {
  Activation& activation = change(production, row);
  if (activation.status == Status::kWaiting) {
    heaps_[rules_[production].group].erase(key(production, row));
  }
  activation.status = Status::kNone;
  if (failures_.count({production, row}) != 0) put_failure({production, row}, std::nullopt);
}

void Agenda::take(std::uint64_t step) {
  // By production, so that the focus stack does not depend on the order of relations.
  std::vector<std::uint32_t> changed;
  for (const RelationId id : state_.step_relations) {
    const auto found = production_of_.find(id);
    if (found != production_of_.end()) changed.push_back(found->second);
  }
  std::sort(changed.begin(), changed.end());
  for (const std::uint32_t production : changed) {
    vm::StandingRelation& relation = state_.rows(rules_[production].standing->matches);
    for (const Row row : relation.left()) leave(production, row);
    for (const Row row : relation.entered()) enter(production, row, step);
  }
}

// The error side follows what is known of the match.
void Agenda::put_failure(Match match, std::optional<ErrorInstance> failure) {
  const auto known = failures_.find(match);
  SavedFailure saved{match, std::nullopt};
  if (known != failures_.end()) {
    saved.failure = known->second;
    ErrorInstance gone = std::move(known->second);
    gone.weight = -gone.weight;
    state_.errors.add(gone);
    failures_.erase(known);
  }
  saved_failures_.push_back(std::move(saved));
  if (!failure) return;
  state_.errors.add(*failure);
  failures_.emplace(match, std::move(*failure));
}

// ---------------------------------------------------------------------------------------------------
// Firing

bool Agenda::has_next() {
  if (halted_) return false;
  while (focus_.size() > 1 && heaps_[focus_.back()].empty()) focus_.pop_back();
  return !heaps_[focus_.back()].empty();
}

Expected<std::vector<FactChange>> Agenda::fire(std::int64_t time) {
  ENTAIL_ENSURE(has_next());
  Heap& heap = heaps_[focus_.back()];
  const std::uint32_t production = heap.begin()->production;
  const Row row = heap.begin()->row;
  change(production, row).status = Status::kFired;
  heap.erase(heap.begin());
  firing_ = production;
  fired_.push_back(production);
  if (fired_.size() >= 2 * kFiredKept) fired_.erase(fired_.begin(), fired_.end() - kFiredKept);

  std::vector<Word> words;
  for (std::uint32_t column = 0; column < matches(production).column_count(); ++column) {
    words.push_back(word(production, column, row));
  }
  words.push_back(static_cast<Word>(time));
  const RelationId relation = rules_[production].standing->matches;
  Firing firing(state_, relation, std::move(words));
  const std::vector<compiler::ActionCode>& actions = (*actions_)[production];
  for (std::size_t a = 0; a < actions.size(); ++a) {
    const auto index = retract_indexes_.find({production, a});
    auto done = firing.carry_out(
        actions[a], index == retract_indexes_.end() ? vm::kMembershipIndex : index->second);
    if (!done) return unexpected(std::move(done).error());
    if (firing.failure()) {
      put_failure({production, row}, firing.failure());
      return std::vector<FactChange>();
    }
  }
  for (EmittedRow& event : firing.emitted()) {
    emit(event.relation, std::move(event.words));
    emitted_.back().production = production + 1;
  }
  for (std::string& line : firing.logged()) logged_.push_back(std::move(line));
  for (const std::string& group : firing.focused()) focus_.push_back(group_of(group));
  halted_ = firing.halts();
  return std::move(firing.changes());
}

std::string Agenda::last_fired() const {
  std::vector<std::string> order;
  std::map<std::string, std::size_t> times;
  const std::size_t first = fired_.size() - std::min(fired_.size(), kFiredKept);
  for (std::size_t i = first; i < fired_.size(); ++i) {
    const std::string& name = rules_[fired_[i]].production->name;
    if (++times[name] == 1) order.push_back(name);
  }
  // What fired once led to the loop at most.
  const bool has_repeated =
      std::any_of(times.begin(), times.end(), [](const auto& named) { return named.second > 1; });
  std::string names;
  for (const std::string& name : order) {
    if (has_repeated && times[name] == 1) continue;
    names += (names.empty() ? "'" : ", '") + name + "'";
  }
  return names;
}

void Agenda::emit(RelationId relation, std::vector<Word> words) {
  const compiler::RelationLayout& layout = state_.layouts[datalog::index_of(relation)];
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (layout.words[i].handle) state_.pool->retain(words[i]);
  }
  emitted_.push_back({relation, std::move(words)});
}

void Agenda::release(std::vector<EmittedRow>& rows) {
  for (const EmittedRow& event : rows) {
    const compiler::RelationLayout& layout = state_.layouts[datalog::index_of(event.relation)];
    for (std::size_t i = 0; i < event.words.size(); ++i) {
      if (layout.words[i].handle) state_.pool->release(event.words[i]);
    }
  }
  rows.clear();
}

// ---------------------------------------------------------------------------------------------------
// The epoch

void Agenda::commit(Committed& committed) {
  for (const Saved& saved : saved_) {
    rules_[saved.production].activations[saved.row].in_epoch = false;
  }
  saved_.clear();
  saved_failures_.clear();
  fired_.clear();
  committed_focus_ = focus_;
  committed_halted_ = halted_;
  release(delivered_);
  delivered_ = emitted_;
  committed.emitted = std::move(emitted_);
  committed.logged = std::move(logged_);
  emitted_.clear();
  logged_.clear();
}

void Agenda::abort() {
  for (const Saved& saved : saved_) {
    if (rules_[saved.production].activations[saved.row].status == Status::kWaiting) {
      heaps_[rules_[saved.production].group].erase(key(saved.production, saved.row));
    }
  }
  for (const Saved& saved : saved_) {
    Activation& activation = rules_[saved.production].activations[saved.row];
    if (ENTAIL_PLANT_BUG(46) && activation.status == Status::kNone &&
        saved.activation.status == Status::kFired) {
      activation = {saved.activation.step, Status::kWaiting, false};
    } else {
      activation = saved.activation;
    }
    if (activation.status == Status::kWaiting) {
      heaps_[rules_[saved.production].group].insert(key(saved.production, saved.row));
    }
  }
  saved_.clear();
  // The error side takes back its own part.
  for (; !saved_failures_.empty(); saved_failures_.pop_back()) {
    SavedFailure& saved = saved_failures_.back();
    failures_.erase(saved.match);
    if (saved.failure) failures_.emplace(saved.match, std::move(*saved.failure));
  }
  firing_.reset();
  fired_.clear();
  focus_ = committed_focus_;
  halted_ = committed_halted_;
  release(delivered_);
  if (!ENTAIL_PLANT_BUG(47)) release(emitted_);
  logged_.clear();
}

std::uint64_t Agenda::waiting() const {
  std::uint64_t count = 0;
  for (const Heap& heap : heaps_) count += heap.size();
  return count;
}

std::uint64_t Agenda::bytes_used() const {
  std::uint64_t bytes =
      waiting() * (sizeof(Waiting) + 4 * sizeof(void*)) + saved_.capacity() * sizeof(Saved);
  for (const Rule& rule : rules_) bytes += rule.activations.capacity() * sizeof(Activation);
  return bytes;
}

void Agenda::verify() const {
  std::uint64_t count = 0;
  for (std::uint32_t p = 0; p < rules_.size(); ++p) {
    const std::vector<Activation>& activations = rules_[p].activations;
    const std::vector<Row> rows = vm::visible_rows(matches(p));
    for (const Row row : rows) {
      ENTAIL_ENSURE(row < activations.size() && activations[row].status != Status::kNone);
      if (activations[row].status != Status::kWaiting) continue;
      ++count;
      ENTAIL_ENSURE(heaps_[rules_[p].group].count(key(p, row)) == 1);
    }
    std::uint64_t known = 0;
    for (const Activation& activation : activations) {
      known += activation.status != Status::kNone ? 1 : 0;
    }
    ENTAIL_ENSURE(known == rows.size());
  }
  ENTAIL_ENSURE(count == waiting());
}

}  // namespace entail::rete
