#include "rete/network.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <utility>

#include "compiler/denial.h"
#include "rete/group_node.h"
#include "rete/internal/network_impl.h"
#include "rete/recomputed_stratum.h"
#include "vm/base/ensure.h"
#include "vm/base/plant.h"

namespace entail::rete {

using compiler::StandingFragment;
using compiler::StandingKind;
using compiler::StandingStratum;
using datalog::RelationId;
using vm::Row;
using vm::RunViews;
using vm::Word;

namespace {

// Plans are made anew when a relation has outgrown what they were made for so many fold.
constexpr std::uint64_t kReplanGrowth = 16;
constexpr std::uint64_t kReplanRowsMin = 1024;

}  // namespace

// ---------------------------------------------------------------------------------------------------
// A step

void Network::Impl::state_facts(RelationId id, std::span<const Word* const> columns, std::size_t n,
                                bool is_deletion, const vm::DurableId* ids) {
  RelationNode& node = state.at(id);
  if (n == 0) return;
  if (node.stated_runs == 0) {
    open_run(node);
    wake(node.node);
    pending.push_back(id);
  }
  for (std::size_t first = 0;;) {
    first += node.stated[node.stated_runs - 1].add(columns, ids, first, n, is_deletion);
    if (first == n) return;
    open_run(node);
  }
}

// What is loaded waits for the step like any change: a relation whose turn has not come must show nothing of
// it to those before it.
Expected<void> Network::Impl::load(RelationId id, const FactChanges& rows) {
  state_facts(id, rows.columns, rows.n, /*is_deletion=*/false, rows.ids);
  return {};
}

Expected<void> Network::Impl::end_load(vm::Version made) {
  if (failed) return unexpected(*failed);
  if (auto done = take_step(); !done) return done;
  Committed ignored;
  if (agenda) {
    agenda->settle();
    agenda->commit(ignored);
  }
  end_epoch(made);
  forget_clocks();
  version = made;
  return {};
}

void Network::Impl::open_run(RelationNode& node) {
  if (node.stated.size() == node.stated_runs) node.stated.emplace_back();
  node.stated[node.stated_runs++].clear();
}

void Network::Impl::retract_row(FactChange change) {
  RelationNode& node = state.at(change.relation);
  if (node.stated_runs == 0) {
    wake(node.node);
    pending.push_back(change.relation);
  }
  node.retracted.push_back({std::move(change.words), change.identity});
}

void Network::Impl::wake(std::uint32_t node) {
  if (nodes_awake.size() < state.form.strata.size()) nodes_awake.resize(state.form.strata.size());
  if (nodes_awake[node]) return;
  nodes_awake[node] = true;
  turns.push_back(node);
  std::push_heap(turns.begin(), turns.end(), std::greater<>());
}

Expected<void> Network::Impl::propagate() {
  while (!turns.empty()) {
    std::pop_heap(turns.begin(), turns.end(), std::greater<>());
    const std::uint32_t node = turns.back();
    turns.pop_back();
    nodes_awake[node] = false;
    if (auto done = turn(node); !done) return done;
  }
  return {};
}

Expected<void> Network::Impl::turn(std::uint32_t number) {
  NodeOfStratum& node = nodes[number];
  const StandingStratum& stratum = state.form.strata[number];
  for (const auto& part : node.parts) {
    if (!node.in_epoch) {
      node.in_epoch = true;
      epoch_nodes.push_back(number);
    }
    ++part->work.activations;
    if (auto done = part->turn(state); !done) return done;
  }
  for (const RelationId id : stratum.relations) {
    if (auto done = settle(id); !done) return done;
    if (is_expiring && state.form.program.relation(id).final_rows) {
      if (auto done = keep_final_rows(id); !done) return done;
    }
    if (!state.at(id).in_step) continue;
    if (auto done = hand_on(id); !done) return done;
  }
  return {};
}

// What was stated and what came from below become changes of the relation.
Expected<void> Network::Impl::settle(RelationId id) {
  RelationNode& node = state.at(id);
  if (node.stated_runs == 0 && node.derived.empty() && node.retracted.empty()) return {};
  state.touch(id);
  ++node.work.activations;
  for (const RowRetraction& retracted : node.retracted) {
    std::vector<const Word*> words;
    for (const Word& word : retracted.words) words.push_back(&word);
    std::vector<Row> equal_rows;
    std::vector<std::uint32_t> lanes;
    node.rows->probe(0, vm::View::kTotal, words, 1, equal_rows, lanes);
    for (const Row row : equal_rows) {
      if (node.rows->identity(row) != retracted.identity) continue;
      node.rows->retract(row);
      break;
    }
  }
  node.retracted.clear();
  for (std::size_t r = 0; r < node.stated_runs; ++r) {
    const StatedRun& run = node.stated[r];
    for (const vm::ChangeBatch* rows : {&run.deleted, &run.inserted}) {
      if (rows->empty()) continue;
      vm::StandingRelation::Batch batch{rows->arrays(state.scratch), rows->n, rows->weights.data()};
      const auto& ids = rows == &run.deleted ? run.deleted_ids : run.inserted_ids;
      if (!ids.empty()) batch.ids = ids.data();
      const bool replaces = !node.rows->options().key.empty() && rows == &run.inserted;
      auto done =
          replaces ? node.rows->replace(batch) : node.rows->apply(batch, vm::Counting::kStated);
      if (!done) return done;
    }
  }
  node.stated_runs = 0;
  if (!node.derived.empty()) {
    vm::StandingRelation::Batch batch{node.derived.arrays(state.scratch), node.derived.n,
                                      node.derived.weights.data()};
    if (auto done = node.rows->apply(batch); !done) return done;
    node.derived.clear();
  }
  return {};
}

Expected<void> Network::Impl::hand_on(RelationId id) {
  RelationNode& node = state.at(id);
  const std::span<const Row> left = node.rows->left(), entered = node.rows->entered();
  if (left.empty() && entered.empty()) return {};
  node.work.rows_changed += left.size() + entered.size();
  for (const std::uint32_t woken : node.woken) wake(woken);
  if (node.readers.size() == 0) return {};
  Expected<void> result;
  auto feed = [&](std::span<const Row> rows, std::int64_t weight) {
    node.readers.match(*node.rows, rows, [&](std::uint32_t position, std::span<const Row> own) {
      if (!result) return;
      const StandingFragment& fragment = state.code.fragments[position];
      vm::ChangeBatch& out = input_of(fragment.rule);
      const bool was_empty = out.empty();
      const bool is_reversed = fragment.is_negated && !ENTAIL_PLANT_BUG(52);
      result = state.run(position, own, is_reversed ? -weight : weight, RunViews::kAsPlanned, out);
      if (was_empty && !out.empty()) wake(node_of_rule(fragment.rule));
    });
  };
  const bool is_keyed = !node.rows->options().key.empty();
  if (!(ENTAIL_PLANT_BUG(53) && is_keyed && !entered.empty())) feed(left, -1);
  feed(entered, 1);
  return result;
}

void Network::Impl::end_step() {
  for (const RelationId id : state.step_relations) {
    RelationNode& node = state.at(id);
    node.rows->end_step();
    node.in_step = false;
  }
  state.step_relations.clear();
  pending.clear();
  for (TimedStream& stream : streams) {
    stream.due_is_known = false;
    stream.open_due.reset();
  }
  if (arrivals.empty()) options.pool->end_step();  // Rows that wait may hold new texts.
}

Expected<void> Network::Impl::step(StepKind kind, Productions productions) {
  if (failed) return unexpected(*failed);
  const bool waits = productions == Productions::kWait;
  if (kind != StepKind::kFiring && !waits) {
    firings_in_a_row = 0;
    if (agenda) agenda->resume();
  }
  has_held = waits || (has_held && kind == StepKind::kFiring);
  if (auto done = run_step(productions); !done) return done;
  while (!arrivals.empty()) {
    if (auto done = take_next_arrivals(productions); !done) return done;
  }
  return {};
}

// What was collected is a step; so is what expires then; and productions fire.
Expected<void> Network::Impl::run_step(Productions productions) {
  step_is_full = false;
  state_clocks();
  if (auto done = take_step(); !done) return done;
  if (auto done = expire(); !done) return done;
  if (productions == Productions::kWait) return {};
  while (agenda && agenda->has_next()) {
    if (auto done = fire(); !done) return done;
  }
  return {};
}

// The next activation of the agenda fires, and what it changes is a step.
Expected<void> Network::Impl::fire() {
  if (++firings_in_a_row > options.limits.firings) {
    return fail({ErrorCode::kLimit, "the budget of " + std::to_string(options.limits.firings) +
                                        " firings in a row is used up; the last to fire were " +
                                        agenda->last_fired()});
  }
  if (!transaction_time) transaction_time = options.start_time ? options.start_time() : 0;
  auto changes = agenda->fire(*transaction_time);
  if (!changes) return fail(std::move(changes).error());
  for (FactChange& change : *changes) {
    fired_changes[{change.relation, change.words}] = *agenda->firing() + 1;
    if (change.identity != 0) {
      retract_row(std::move(change));
      continue;
    }
    arrays.clear();
    for (const Word& word : change.words) arrays.push_back(&word);
    state_facts(change.relation, arrays, 1, change.is_deletion);
  }
  auto done = take_step();
  agenda->end_firing();
  return done;
}

Expected<void> Network::Impl::take_step() {
  ++steps_in_transaction;
  ++steps;
  if (auto done = plan_again_if_outgrown(); !done) return fail(std::move(done).error());
  if (auto done = propagate(); !done) return fail(std::move(done).error());
  if (agenda) agenda->take(steps);
  end_step();
  if (options.memory != nullptr && options.memory->limit() != MemoryBudget::kUnlimited) {
    const std::uint64_t texts = options.pool->bytes_used();
    if (texts + options.memory->used() > options.memory->limit()) {
      return fail({ErrorCode::kLimit, "the memory budget of " +
                                          std::to_string(options.memory->limit()) +
                                          " bytes is used up"});
    }
  }
  return {};
}

Unexpected Network::Impl::fail(Error error) {
  failed = error;
  return unexpected(std::move(error));
}

Expected<void> Network::Impl::plan_again_if_outgrown() {
  bool outgrown = false;
  for (const RelationId id : pending) {
    const RelationNode& node = state.at(id);
    if (node.readers.size() == 0 && node.woken.empty()) continue;  // No plan goes by it.
    std::uint64_t rows = node.rows->size();
    for (std::size_t r = 0; r < node.stated_runs; ++r) rows += node.stated[r].inserted.n;
    outgrown = outgrown || (rows >= kReplanRowsMin &&
                            rows / kReplanGrowth >= planned_sizes[datalog::index_of(id)]);
  }
  if (!outgrown) return {};
  if (auto done = compile(); !done) return done;
  connect();
  return {};
}

// ---------------------------------------------------------------------------------------------------
// The end of a transaction

Expected<Committed> Network::Impl::commit() {
  if (failed) return unexpected(*failed);
  if (agenda && (steps_in_transaction == 0 || has_held)) agenda->resume();
  if (!turns.empty() || !arrivals.empty() || (agenda && agenda->has_next())) {
    if (auto done = step(StepKind::kChange, Productions::kFire); !done) {
      return unexpected(std::move(done).error());
    }
  }
  if (auto allowed = check_denials(); !allowed) return unexpected(std::move(allowed).error());
  Committed committed;
  committed.version = next_version.value_or(version + 1);
  committed.steps = steps_in_transaction;
  if (agenda) agenda->commit(committed);
  std::sort(state.epoch_relations.begin(), state.epoch_relations.end());
  for (const RelationId id : state.epoch_relations) {
    if (datalog::index_of(id) < relation_count && watched.count(id) != 0) {
      NetChange change = net_change(id);
      if (change.size() > 0) committed.changes.push_back(std::move(change));
    }
  }
  if (options.reports_stated) committed.stated = stated_changes(committed.version);
  end_epoch(committed.version);
  version = committed.version;
  next_version.reset();
  return committed;
}

Expected<void> Network::Impl::check_denials() const {
  for (const RelationId id : denials) {
    const vm::StandingRelation& rows = *state.relations[datalog::index_of(id)].rows;
    vm::Row row = 0, position = 0;
    if (rows.scan(vm::View::kTotal, position, &row, 1) == 0) continue;
    std::vector<Word> words(rows.column_count());
    for (std::uint32_t c = 0; c < words.size(); ++c) rows.load(c, &row, 1, &words[c]);
    return unexpected(compiler::denial_error(original_relations[datalog::index_of(id)],
                                             state.layouts[datalog::index_of(id)], words,
                                             *options.pool, nullptr));
  }
  return {};
}

// What was changed stays. `source`: of the durable ids that bags give.
void Network::Impl::end_epoch(Word source) {
  fired_changes.clear();
  for (const RelationId id : state.epoch_relations) {
    RelationNode& node = state.at(id);
    node.rows->commit(++commits, source);
    node.in_epoch = node.in_step = false;
  }
  state.epoch_relations.clear();
  state.step_relations.clear();
  for (const std::uint32_t number : epoch_nodes) {
    nodes[number].in_epoch = false;
    for (const auto& part : nodes[number].parts) part->commit();
  }
  epoch_nodes.clear();
  state.errors.commit();
  for (TimedStream& stream : streams) {
    stream.counts.late += stream.open_counts.late;
    stream.counts.dropped += stream.open_counts.dropped;
    stream.counts.expired += stream.open_counts.expired;
    stream.open_counts = {};
  }
  begin_transaction();
}

// Where the statements of a relation of the form are kept.
const vm::StandingRelation& Network::Impl::stated_rows(RelationId id) const {
  const RelationNode& node = state.relations[datalog::index_of(id)];
  if (state.form.strata[node.node].kind == StandingKind::kRecomputed) {
    return static_cast<const RecomputedStratum&>(*nodes[node.node].parts.front()).stated(id);
  }
  return *node.rows;
}

std::vector<StatedChange> Network::Impl::stated_changes(Word source) const {
  std::set<RelationId> changed;  // By original relation.
  const auto add = [&](RelationId id) {
    if (const auto original = statement_of[datalog::index_of(id)]) changed.insert(*original);
  };
  for (const RelationId id : state.epoch_relations) add(id);
  for (const std::uint32_t number : epoch_nodes) {
    if (state.form.strata[number].kind != StandingKind::kRecomputed) continue;
    for (const RelationId id : state.form.strata[number].relations) add(id);
  }
  std::vector<StatedChange> result;
  std::vector<Row> gained, lost;
  for (const RelationId id : changed) {
    const vm::StandingRelation& rows = stated_rows(state.form.stated_in[datalog::index_of(id)]);
    gained.clear();
    lost.clear();
    rows.epoch_stated(gained, lost);
    if (gained.empty() && lost.empty()) continue;
    StatedChange change;
    change.relation = id;
    change.columns.resize(rows.column_count());
    std::vector<Word> words(rows.column_count());
    for (const std::vector<Row>* part : {&lost, &gained}) {
      const std::size_t first = change.signs.size();
      const std::int8_t sign = part == &lost ? -1 : 1;
      change.signs.insert(change.signs.end(), part->size(), sign);
      for (std::uint32_t c = 0; c < change.columns.size(); ++c) {
        change.columns[c].resize(first + part->size());
        rows.load(c, part->data(), part->size(), change.columns[c].data() + first);
      }
      for (std::size_t i = 0; !fired_changes.empty() && i < part->size(); ++i) {
        for (std::uint32_t c = 0; c < words.size(); ++c) words[c] = change.columns[c][first + i];
        const auto fired = fired_changes.find({state.form.stated_in[datalog::index_of(id)], words});
        change.firings.push_back(fired == fired_changes.end() ? 0 : fired->second);
      }
      for (std::size_t i = 0; rows.options().bag && i < part->size(); ++i) {
        vm::DurableId durable = rows.durable_id((*part)[i]);
        if (durable.source == vm::StandingRelation::kOpenSource) durable.source = source;
        change.ids.push_back(durable);
      }
    }
    result.push_back(std::move(change));
  }
  return result;
}

NetChange Network::Impl::net_change(RelationId id) {
  const vm::StandingRelation& rows = state.rows(id);
  NetChange change;
  change.relation = id;
  change.columns.resize(declared_words[datalog::index_of(id)]);
  auto add = [&](const std::vector<Row>& from, std::int8_t sign) {
    const std::size_t first = change.signs.size();
    change.signs.insert(change.signs.end(), from.size(), sign);
    for (std::uint32_t c = 0; c < change.columns.size(); ++c) {
      change.columns[c].resize(first + from.size());
      rows.load(c, from.data(), from.size(), change.columns[c].data() + first);
    }
  };
  if (!ENTAIL_PLANT_BUG(54) || rows.epoch_entered().empty()) add(rows.epoch_left(), -1);
  add(rows.epoch_entered(), 1);
  return change;
}

void Network::Impl::abort() {
  fired_changes.clear();
  arrivals.clear();
  may_expire = is_expiring = step_is_full = false;
  if (agenda) agenda->abort();
  const auto forget = [](RelationNode& relation) {
    if (!ENTAIL_PLANT_BUG(55)) relation.stated_runs = 0;
    relation.retracted.clear();
    relation.derived.clear();
  };
  for (const std::uint32_t node : turns) {
    nodes_awake[node] = false;
    // It may have been fed already when the step failed.
    if (!std::exchange(nodes[node].in_epoch, true)) epoch_nodes.push_back(node);
    for (const RelationId id : state.form.strata[node].relations) forget(state.at(id));
  }
  turns.clear();
  for (const RelationId id : pending) forget(state.at(id));
  if (failed) {  // In the middle of somebody's turn.
    for (RelationNode& relation : state.relations) forget(relation);
  }
  pending.clear();
  for (const RelationId id : state.epoch_relations) {
    RelationNode& node = state.at(id);
    node.rows->abort();
    node.in_epoch = node.in_step = false;
  }
  state.epoch_relations.clear();
  state.step_relations.clear();
  for (const std::uint32_t number : epoch_nodes) {
    nodes[number].in_epoch = false;
    for (const auto& part : nodes[number].parts) part->abort(state);
  }
  epoch_nodes.clear();
  state.errors.abort();
  if (!ENTAIL_PLANT_BUG(92)) forget_clocks();
  options.pool->end_step();
  begin_transaction();
}

void Network::Impl::begin_transaction() {
  failed.reset();
  has_held = false;
  steps_in_transaction = firings_in_a_row = 0;
  transaction_time.reset();
  if (state.machine) state.machine->set_rows_left(options.limits.rows_touched);
}

// ---------------------------------------------------------------------------------------------------
// The public face

Network::Network(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Network::~Network() = default;

Expected<std::unique_ptr<Network>> Network::create(const datalog::RuleProgram& program,
                                                   NetworkOptions options) {
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  if (auto made = impl->make(program); !made) return unexpected(std::move(made).error());
  return std::unique_ptr<Network>(new Network(std::move(impl)));
}

Expected<void> Network::change(RelationId relation, const FactChanges& changes) {
  ENTAIL_ENSURE(datalog::index_of(relation) < impl_->relation_count);
  if (impl_->failed) return unexpected(*impl_->failed);
  if (impl_->declared_words[datalog::index_of(relation)] != layout(relation).words.size()) {
    return unexpected(ErrorCode::kInvalidArgument,
                      "relation '" + program().relation(relation).name +
                          "' is a bag that rules derive: rows are not stated in it");
  }
  return impl_->change(relation, changes);
}

Expected<void> Network::step(StepKind kind, Productions productions) {
  return impl_->step(kind, productions);
}
Expected<void> Network::tick(std::optional<RelationId> stream, std::int64_t time,
                             Productions productions) {
  return impl_->tick(stream, time, productions);
}
Expected<Committed> Network::commit() { return impl_->commit(); }
Expected<void> Network::check_denials() const { return impl_->check_denials(); }
void Network::abort() { impl_->abort(); }

Expected<void> Network::load(RelationId relation, const FactChanges& rows) {
  ENTAIL_ENSURE(datalog::index_of(relation) < impl_->relation_count && rows.weights == nullptr);
  if (impl_->failed) return unexpected(*impl_->failed);
  return impl_->load(impl_->state.form.stated_in[datalog::index_of(relation)], rows);
}
Expected<void> Network::end_load(vm::Version version) { return impl_->end_load(version); }
void Network::start_clocks() { impl_->start_clocks(); }

std::vector<StatedChange> Network::stated_changes() const {
  return impl_->stated_changes(StatedChange::kOpenSource);
}
bool Network::in_transaction() const {
  return impl_->failed || impl_->steps_in_transaction > 0 || !impl_->turns.empty() ||
         !impl_->arrivals.empty();
}
void Network::set_next_version(vm::Version version) {
  ENTAIL_ENSURE(version > impl_->version);
  impl_->next_version = version;
}

void Network::set_watched(std::set<RelationId> relations) {
  impl_->watched = std::move(relations);
  impl_->watched.insert(impl_->outputs.begin(), impl_->outputs.end());
}

vm::Version Network::version() const { return impl_->version; }
const datalog::RuleProgram& Network::program() const { return impl_->state.form.program; }
const compiler::RelationLayout& Network::layout(RelationId id) const {
  return impl_->state.layouts[datalog::index_of(id)];
}
std::uint64_t Network::row_count(RelationId id) const { return relation(id).size(); }
const vm::StandingRelation& Network::relation(RelationId id) const {
  return *impl_->state.relations[datalog::index_of(id)].rows;
}
std::uint32_t Network::declared_words(RelationId id) const {
  return impl_->declared_words[datalog::index_of(id)];
}
Expected<std::uint32_t> Network::add_index(RelationId id, const vm::IndexSpec& spec) {
  return impl_->add_index(id, spec);
}
std::vector<ErrorInstance> Network::errors() const { return impl_->state.errors.instances(); }
bool Network::has_errors(RelationId id) const {
  const auto& owned = impl_->made_for[datalog::index_of(id)];
  return std::any_of(owned.begin(), owned.end(),
                     [this](RelationId part) { return impl_->state.errors.has(part); });
}
std::vector<ErrorInstance> Network::errors(RelationId id) const {
  std::vector<ErrorInstance> result;
  for (const RelationId part : impl_->made_for[datalog::index_of(id)]) {
    for (ErrorInstance& instance : impl_->state.errors.instances(part)) {
      result.push_back(std::move(instance));
    }
  }
  return result;
}

void Network::verify() const {
  for (const RelationNode& relation : impl_->state.relations) relation.rows->verify();
  for (const auto& node : impl_->nodes) {
    for (const auto& part : node.parts) part->verify(impl_->state);
  }
  impl_->state.errors.verify();
  impl_->verify_clocks();
  if (impl_->agenda) impl_->agenda->verify();
}

}  // namespace entail::rete
