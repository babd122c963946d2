// rete/make_network.cc - how a network is made of a program: its form, relations, code and nodes; see network.h.

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <utility>

#include "compiler/constant_rows.h"
#include "compiler/internal/measured.h"
#include "compiler/standing_form.h"
#include "datalog/body_walk.h"
#include "rete/equivalence_node.h"
#include "rete/group_node.h"
#include "rete/internal/network_impl.h"
#include "rete/limit_node.h"
#include "rete/order_node.h"
#include "rete/pattern_node.h"
#include "rete/ranked_stratum.h"
#include "rete/recomputed_stratum.h"
#include "rete/regroup_node.h"
#include "vm/base/ensure.h"
#include "vm/base/plant.h"

namespace entail::rete {

using compiler::FragmentRole;
using compiler::StandingFragment;
using compiler::StandingKind;
using compiler::StandingStratum;
using datalog::RelationId;
using vm::Row;
using vm::RunViews;
using vm::Word;

namespace {

// Sizes now, and what is about to be stated; what is derived is taken for as large as the largest of it.
class PlannedSizes final : public compiler::Cardinalities {
 public:
  explicit PlannedSizes(const NetworkState& state) : state_(state) {
    for (const RelationNode& relation : state.relations) {
      double rows = relation.rows ? static_cast<double>(relation.rows->size()) : 0;
      for (std::size_t r = 0; r < relation.stated_runs; ++r) {
        rows += static_cast<double>(relation.stated[r].inserted.n);
      }
      rows_.push_back(rows);
      largest_ = std::max(largest_, rows);
    }
  }

  double rows(RelationId relation, vm::View view) const override {
    if (view == vm::View::kDelta) return 1;
    const double rows = rows_[datalog::index_of(relation)];
    const RelationNode& node = state_.relations[datalog::index_of(relation)];
    const bool is_unknown = rows == 0 && node.rows && node.rows->size() == 0;
    return std::max(1.0, is_unknown ? largest_ : rows);
  }

  double distinct(RelationId relation, const std::vector<std::uint32_t>& words) const override {
    const double all = rows(relation, vm::View::kTotal);
    const RelationNode& node = state_.relations[datalog::index_of(relation)];
    const std::size_t width = state_.layouts[datalog::index_of(relation)].words.size();
    if (node.rows && node.rows->size() > 0 && node.rows->size() * 2 > all) {
      return std::clamp(static_cast<double>(node.rows->estimate_distinct(words)), 1.0, all);
    }
    if (const StatedRun* run = largest_run(node)) return sampled(*run, words, all);
    return std::max(1.0, std::pow(all, static_cast<double>(words.size()) /
                                           static_cast<double>(std::max<std::size_t>(width, 1))));
  }

 private:
  static const StatedRun* largest_run(const RelationNode& node) {
    const StatedRun* best = nullptr;
    for (std::size_t r = 0; r < node.stated_runs; ++r) {
      if (best == nullptr || best->inserted.n < node.stated[r].inserted.n) best = &node.stated[r];
    }
    return best;
  }

  // Distinct keys among some rows; where nearly all differ, so they do among all.
  static double sampled(const StatedRun& run, const std::vector<std::uint32_t>& words, double all) {
    constexpr std::size_t kSampleRows = 1024;
    const std::size_t n = std::min(run.inserted.n, kSampleRows);
    if (n == 0) return 1;
    std::set<std::vector<Word>> seen;
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<Word> key;
      for (const std::uint32_t word : words)
        key.push_back(run.inserted.columns[word][i * (run.inserted.n / n)]);
      seen.insert(std::move(key));
    }
    const double part = static_cast<double>(seen.size()) / static_cast<double>(n);
    return std::clamp(part > 0.9 ? all * part : static_cast<double>(seen.size()), 1.0, all);
  }

  const NetworkState& state_;
  std::vector<double> rows_;
  double largest_ = 1;
};

// Those whose rows productions tell apart by what they are, not by their values.
std::set<RelationId> identified_relations(const datalog::RuleProgram& program) {
  std::set<RelationId> result;
  for (const datalog::Rule& rule : program.rules) {
    datalog::walk_rule_matches(rule, [&](const datalog::Match& match, datalog::Reading) {
      if (match.row) result.insert(match.relation);
    });
  }
  for (std::size_t i = 0; i < program.relations.size() && !program.productions.empty(); ++i) {
    if (program.relations[i].collection == datalog::Collection::kBag) {
      result.insert(static_cast<RelationId>(i));
    }
  }
  return result;
}

}  // namespace

// ---------------------------------------------------------------------------------------------------
// Making

Network::Impl::~Impl() {
  for (const Word word : state.code.retained) options.pool->release(word);
}

Expected<void> Network::Impl::make(const datalog::RuleProgram& program) {
  if (auto made = make_form(program); !made) return made;
  nodes.resize(state.form.strata.size());
  if (auto made = finish_making(); !made) return made;
  version = options.version;
  return load_program();
}

// The form of the program and what is known of it without any rows.
Expected<void> Network::Impl::make_form(const datalog::RuleProgram& program) {
  ENTAIL_ENSURE(options.pool != nullptr);
  state.pool = options.pool;
  state.memory = options.memory;
  state.cancel = options.cancel;
  watched = options.watched;
  for (const datalog::Directive& directive : program.directives) {
    if (directive.kind == datalog::DirectiveKind::kOutput ||
        directive.kind == datalog::DirectiveKind::kPrintSize) {
      outputs.insert(directive.relation);
    }
  }
  watched.insert(outputs.begin(), outputs.end());
  relation_count = program.relations.size();
  original_relations = program.relations;
  for (std::size_t i = 0; i < relation_count; ++i) {
    const datalog::Relation& relation = original_relations[i];
    if (!relation.denial.empty() && !relation.dropped)
      denials.push_back(static_cast<RelationId>(i));
  }
  std::set<RelationId> read_whole = watched;
  read_whole.insert(options.read_whole.begin(), options.read_whole.end());
  auto form = compiler::standing_form(program, read_whole, options.files);
  if (!form) return unexpected(std::move(form).error());
  state.form = std::move(*form);
  // Those of recomputed strata: their rows are pairs, for whoever reads them.
  for (std::size_t i = 0; i < state.form.program.relations.size(); ++i) {
    datalog::Relation& relation = state.form.program.relations[i];
    if (!relation.equivalence) continue;
    state.recomputed_equivalences.insert(static_cast<RelationId>(i));
    relation.equivalence = false;
  }
  state.wake = [this](std::uint32_t node) { wake(node); };
  for (const datalog::Relation& relation : state.form.program.relations) {
    state.layouts.push_back(compiler::layout_of(relation, state.form.program.types));
  }
  state.relations.resize(state.form.program.relations.size());
  for (const datalog::Relation& relation : program.relations) {
    const compiler::RelationLayout& layout = state.layouts[declared_words.size()];
    declared_words.push_back(relation.columns.size() == layout.columns.size()
                                 ? static_cast<std::uint32_t>(layout.words.size())
                                 : layout.columns[relation.columns.size()].first_word);
  }
  statement_of.resize(state.relations.size());
  for (std::size_t i = 0; i < relation_count; ++i) {
    statement_of[datalog::index_of(state.form.stated_in[i])] = static_cast<RelationId>(i);
  }
  find_meanings();
  find_owners();
  return {};
}

// By original relation: itself, and the auxiliary relations that its rules go through.
void Network::Impl::find_owners() {
  std::vector<std::vector<RelationId>> reads(state.relations.size());
  for (const datalog::Rule& rule : state.form.program.rules) {
    datalog::walk_rule_matches(rule, [&](const datalog::Match& match, datalog::Reading) {
      if (datalog::index_of(match.relation) < relation_count) return;
      reads[datalog::index_of(rule.head.relation)].push_back(match.relation);
    });
  }
  for (const StandingStratum& stratum : state.form.strata) {
    if (stratum.kind != StandingKind::kEquivalence) continue;
    reads[datalog::index_of(stratum.relations.front())].push_back(stratum.pairs);
  }
  for (std::size_t i = 0; i < relation_count; ++i) {
    std::vector<RelationId> found{static_cast<RelationId>(i)};
    std::set<RelationId> seen(found.begin(), found.end());
    for (std::size_t k = 0; k < found.size(); ++k) {
      for (const RelationId id : reads[datalog::index_of(found[k])]) {
        if (seen.insert(id).second) found.push_back(id);
      }
    }
    made_for.push_back(std::move(found));
  }
}

Expected<void> Network::Impl::finish_making() {
  if (auto made = make_relations(); !made) return made;
  return make_code_and_nodes();
}

Expected<void> Network::Impl::make_code_and_nodes() {
  vm::StandingMachine::Options machine;
  machine.pool = options.pool;
  machine.cancel = options.cancel;
  state.machine = std::make_unique<vm::StandingMachine>(machine);
  if (auto made = compile(); !made) return made;
  if (auto made = make_nodes(); !made) return made;
  if (auto made = make_streams(); !made) return made;
  if (!state.form.productions.empty()) {
    auto made = Agenda::create(state);
    if (!made) return unexpected(std::move(made).error());
    agenda = std::move(*made);
  }
  connect();
  return {};
}

// Whether it only states a row.
bool Network::Impl::is_fact(datalog::RuleId id) const {
  const datalog::Rule& rule = state.form.program.rule(id);
  return rule.body.empty() && fact_row(rule).has_value();
}

std::optional<std::vector<Word>> Network::Impl::fact_row(const datalog::Rule& rule) const {
  if (!rule.body.empty()) return std::nullopt;
  return compiler::constant_row(rule, state.layouts[datalog::index_of(rule.head.relation)],
                                *options.pool);
}

Expected<void> Network::Impl::make_relations() {
  const datalog::RuleProgram& program = state.form.program;
  const std::set<RelationId> identified = identified_relations(program);
  for (std::uint32_t s = 0; s < state.form.strata.size(); ++s) {
    const StandingStratum& stratum = state.form.strata[s];
    const bool has_rules = std::any_of(stratum.rules.begin(), stratum.rules.end(),
                                       [this](datalog::RuleId rule) { return !is_fact(rule); });
    for (const RelationId id : stratum.relations) {
      const datalog::Relation& relation = program.relation(id);
      const bool is_bag = relation.collection == datalog::Collection::kBag;
      state.at(id).node = s;
      if (nodes[s].is_kept) {
        if (identified.count(id) != 0) state.rows(id).keep_identities();
        continue;
      }
      vm::RelationOptions made;
      made.name = relation.name;
      made.columns = state.layouts[datalog::index_of(id)].words;
      made.standing = true;
      made.bag = is_bag;
      made.ranks = stratum.kind == StandingKind::kRanked;
      // A bag holds a row for each derivation instead.
      made.weights =
          !made.bag &&
          (stratum.kind == StandingKind::kReduced || stratum.kind == StandingKind::kRegrouped ||
           stratum.kind == StandingKind::kOrdered || stratum.kind == StandingKind::kEquivalence ||
           stratum.kind == StandingKind::kTimed ||
           (stratum.kind == StandingKind::kCounted && has_rules));
      // The rows of a keyed relation are its stated facts; what rules derive beside them is checked
      // when it is applied.
      made.key = state.layouts[datalog::index_of(id)].words_of_columns(relation.key);
      made.identities = is_bag || identified.count(id) != 0;
      made.pool = options.pool;
      made.budget = options.memory;
      auto rows = vm::StandingRelation::create(std::move(made));
      if (!rows) return unexpected(std::move(rows).error());
      RelationNode& node = state.at(id);
      node.rows = std::move(*rows);
      node.work.node = "relation " + relation.name;
    }
  }
  for (std::size_t i = 0; i < state.relations.size(); ++i) {
    ENTAIL_ENSURE(state.relations[i].rows != nullptr);
  }
  return {};
}

Expected<std::uint32_t> Network::Impl::add_index(RelationId id, const vm::IndexSpec& spec) {
  vm::StandingRelation& rows = state.rows(id);
  if (spec.range_column < 0 && spec.key.size() == rows.column_count() && !rows.options().bag) {
    return vm::kMembershipIndex;
  }
  return rows.add_index(spec);
}

Expected<void> Network::Impl::compile() {
  compiler::StandingScope scope;
  const PlannedSizes sizes(state);
  scope.form = &state.form;
  scope.layouts = &state.layouts;
  scope.pool = options.pool;
  scope.files = options.files;
  const compiler::internal::InventedCardinalities invented(options.plan_seed);
  scope.cardinalities = &sizes;
  if (options.plan_seed != 0) scope.cardinalities = &invented;
  Expected<void> indexed;
  scope.add_index = [&](RelationId id, const vm::IndexSpec& spec) -> std::uint32_t {
    auto index = add_index(id, spec);
    if (!index) {
      indexed = unexpected(std::move(index).error());
      return 0;
    }
    return *index;
  };
  auto code = compiler::compile_standing(scope);
  if (!code) return unexpected(std::move(code).error());
  if (!indexed) return indexed;
  for (const Word word : state.code.retained) options.pool->release(word);
  state.code = std::move(*code);
  std::vector<vm::RelationBinding> bindings;
  for (const RelationId id : state.code.operands) {
    vm::RelationBinding binding;
    binding.standing = &state.rows(id);
    bindings.push_back(binding);
  }
  state.machine->bind(state.code.program, std::move(bindings));
  planned_sizes.clear();
  for (RelationId id{}; datalog::index_of(id) < state.relations.size();
       id = static_cast<RelationId>(datalog::index_of(id) + 1)) {
    planned_sizes.push_back(static_cast<std::uint64_t>(sizes.rows(id, vm::View::kTotal)));
  }
  return {};
}

Expected<void> Network::Impl::make_nodes() {
  for (std::size_t s = 0; s < nodes.size(); ++s) {
    const StandingStratum& stratum = state.form.strata[s];
    NodeOfStratum& node = nodes[s];
    switch (stratum.kind) {
      case StandingKind::kCounted:
        break;
      case StandingKind::kRanked:
        if (node.is_kept) break;
        node.parts.push_back(
            std::make_shared<RankedStratum>(stratum.relations, options.recompute_fraction));
        break;
      case StandingKind::kReduced:
        for (std::size_t k = 0; k < stratum.rules.size() && !node.is_kept; ++k) {
          auto groups = GroupNode::create(state, stratum, k);
          if (!groups) return unexpected(std::move(groups).error());
          node.parts.push_back(std::move(*groups));
        }
        break;
      case StandingKind::kRegrouped:
        if (!node.is_kept) node.parts.push_back(std::make_shared<RegroupNode>());
        break;
      case StandingKind::kOrdered:
        if (node.is_kept) break;
        if (PatternNode::matches(state, stratum)) {
          node.parts.push_back(std::make_shared<PatternNode>());
        } else if (LimitNode::follows(state, stratum)) {
          node.parts.push_back(std::make_shared<LimitNode>(options.memory));
        } else {
          node.parts.push_back(std::make_shared<OrderNode>());
        }
        break;
      case StandingKind::kTimed: {
        if (node.is_kept) break;
        auto timer = TimerNode::create(state, stratum);
        if (!timer) return unexpected(std::move(timer).error());
        node.parts.push_back(std::move(*timer));
        break;
      }
      case StandingKind::kEquivalence:
        if (!node.is_kept) node.parts.push_back(std::make_shared<EquivalenceNode>(stratum));
        break;
      case StandingKind::kRecomputed: {
        auto recomputed = RecomputedStratum::create(state, stratum, options.files);
        if (!recomputed) return unexpected(std::move(recomputed).error());
        // It has a program of its own, which goes by the numbers of this form.
        if (node.is_kept) {
          (*recomputed)->share_stated(static_cast<const RecomputedStratum&>(*node.parts.front()));
        }
        node.parts.clear();
        node.parts.push_back(std::move(*recomputed));
        break;
      }
    }
  }
  return {};
}

// Who hears of whose changes.
void Network::Impl::connect() {
  for (RelationNode& relation : state.relations) {
    relation.readers.clear();
    relation.woken.clear();
  }
  for (std::uint32_t i = 0; i < state.code.fragments.size(); ++i) {
    const StandingFragment& fragment = state.code.fragments[i];
    if (fragment.role == FragmentRole::kRegroup || fragment.role == FragmentRole::kPartition) {
      state.at(fragment.source).woken.push_back(node_of_rule(fragment.rule));
    }
    if (fragment.role != FragmentRole::kChange) continue;
    const std::uint32_t target = node_of_rule(fragment.rule);
    RelationNode& source = state.at(fragment.source);
    if (source.node == target) continue;  // Recursion sees to itself.
    if (state.form.strata[target].kind == StandingKind::kRanked) {
      source.woken.push_back(target);
    } else {
      source.readers.add(i, fragment);
    }
  }
  for (std::uint32_t s = 0; s < state.form.strata.size(); ++s) {
    const StandingStratum& stratum = state.form.strata[s];
    if (stratum.kind == StandingKind::kEquivalence) state.at(stratum.pairs).woken.push_back(s);
    if (stratum.kind == StandingKind::kTimed) {
      state.at(stratum.timer.source).woken.push_back(s);
      state.at(stratum.timer.clock).woken.push_back(s);
    }
    if (stratum.kind != StandingKind::kRecomputed) continue;
    for (const datalog::RuleId id : stratum.rules) {
      datalog::walk_rule_matches(state.form.program.rule(id),
                                 [&](const datalog::Match& match, datalog::Reading) {
                                   if (state.at(match.relation).node != s)
                                     state.at(match.relation).woken.push_back(s);
                                 });
    }
  }
  for (RelationNode& relation : state.relations) {
    std::sort(relation.woken.begin(), relation.woken.end());
    relation.woken.erase(std::unique(relation.woken.begin(), relation.woken.end()),
                         relation.woken.end());
  }
  group_of_rule.clear();
  for (std::size_t s = 0; s < nodes.size(); ++s) {
    for (const auto& part : nodes[s].parts) {
      part->rebind(state, state.form.strata[s]);
      if (auto* groups = dynamic_cast<GroupNode*>(part.get())) {
        group_of_rule[groups->rule()] = groups;
      }
    }
  }
  if (agenda) agenda->rebind(state);
  find_due_readers();
}

std::uint32_t Network::Impl::node_of_rule(datalog::RuleId rule) const {
  return state.relations[datalog::index_of(state.form.program.rule(rule).head.relation)].node;
}

vm::ChangeBatch& Network::Impl::input_of(datalog::RuleId rule) {
  const auto groups = group_of_rule.find(rule);
  if (groups != group_of_rule.end()) return groups->second->input();
  return state.at(state.form.program.rule(rule).head.relation).derived;
}

// The program's own facts, and what holds without any.
Expected<void> Network::Impl::load_program() {
  state.machine->set_rows_left(options.limits.rows_touched);
  for (const datalog::Rule& rule : state.form.program.rules) {
    if (!options.states_facts) break;
    const auto row = fact_row(rule);
    if (!row) continue;
    std::vector<const Word*> row_words;
    for (const Word& word : *row) row_words.push_back(&word);
    state_facts(rule.head.relation, row_words, 1, /*is_deletion=*/false);
  }
  start_clocks();
  if (auto done = derive_new(/*takes_over=*/false); !done) return done;
  Committed ignored;
  if (agenda) agenda->commit(ignored);
  end_epoch(version);
  return {};
}

}  // namespace entail::rete
