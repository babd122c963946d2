#include "compiler/evaluate.h"

#include <algorithm>
#include <utility>

#include "compiler/constant_rows.h"
#include "compiler/denial.h"
#include "compiler/explain.h"
#include "compiler/hoist.h"
#include "compiler/index_selection.h"
#include "compiler/internal/measured.h"
#include "datalog/body_walk.h"
#include "datalog/event_time.h"
#include "datalog/program_printer.h"
#include "vm/base/ensure.h"
#include "vm/candidate_buffer.h"
#include "vm/disassembler.h"

namespace entail::compiler {

namespace {

using datalog::RelationId;
using datalog::RuleId;
using vm::Word;

// Facts of the program are handed over in batches of this many rows.
constexpr std::size_t kFactBatchRows = 1 << 16;
// How many rows a growing relation is expected to have when nothing is known: at least this.
constexpr double kGrowthRowsMin = 1000;

// Rows of constants on their way into a relation.
struct FactBatch {
  std::vector<std::vector<Word>> columns;
  std::size_t rows = 0;
};

// Facts of a relation that keeps ranks: theirs is 1.
Expected<void> load_ranked(vm::Relation& target, std::span<const Word* const> columns,
                           std::size_t n) {
  SerialTeam team;
  vm::CandidateBuffer buffer(target);
  vm::CandidateBuffer* const buffers[] = {&buffer};
  const std::vector<Word> ranks(std::min(n, vm::CandidateBuffer::kFullRows), 1);
  std::vector<const Word*> part(columns.begin(), columns.end());
  for (std::size_t first = 0; first < n; first += ranks.size()) {
    const std::size_t count = std::min(ranks.size(), n - first);
    for (std::size_t c = 0; c < part.size(); ++c) part[c] = columns[c] + first;
    buffer.append(part, count, ranks.data());
    auto merged = target.merge(buffers, team, /*strict_keys=*/true);
    if (!merged) return unexpected(std::move(merged).error());
  }
  return {};
}

}  // namespace

// ---------------------------------------------------------------------------------------------------
// Reading rows

std::size_t RowCursor::next(std::span<Word* const> columns, std::size_t capacity) {
  if (equivalence_ != nullptr) {
    return equivalence_->next_pairs(pairs_, columns[0], columns[1], capacity);
  }
  ids_.resize(capacity);
  const std::size_t n = relation_->next_rows(range_, ids_.data(), capacity);
  for (std::uint32_t column = 0; column < columns.size(); ++column) {
    relation_->load(column, ids_.data(), n, columns[column]);
  }
  return n;
}

RowCursor Evaluation::rows(RelationId id) const {
  RowCursor cursor;
  cursor.relation_ = relation(id);
  cursor.equivalence_ = equivalence(id);
  if (cursor.relation_ != nullptr) {
    cursor.range_ = cursor.relation_->range(vm::View::kTotal);
  } else {
    cursor.pairs_ = cursor.equivalence_->pairs(vm::View::kTotal);
  }
  return cursor;
}

std::uint64_t Evaluation::row_count(RelationId id) const {
  return relation(id) != nullptr ? relation(id)->size() : equivalence(id)->size();
}

std::uint64_t Evaluation::bytes_used(RelationId id) const {
  return relation(id) != nullptr ? relation(id)->bytes_used() : equivalence(id)->bytes_used();
}

std::uint64_t Evaluation::bytes_of_indexes(RelationId id) const {
  return relation(id) != nullptr ? relation(id)->bytes_of_indexes() : 0;
}

// ---------------------------------------------------------------------------------------------------
// Making

Evaluation::Evaluation(datalog::RuleProgram& program, EvaluationOptions options)
    : program_(program), options_(options) {
  if (options_.pool == nullptr) {
    own_pool_ = std::make_unique<vm::ValuePool>(program.types);
    options_.pool = own_pool_.get();
  }
  if (options_.team == nullptr) {
    own_team_ = std::make_unique<SerialTeam>();
    options_.team = own_team_.get();
  }
}

Evaluation::~Evaluation() = default;

Expected<std::unique_ptr<Evaluation>> Evaluation::create(datalog::RuleProgram& program,
                                                         EvaluationOptions options) {
  hoist_reductions(program);
  std::unique_ptr<Evaluation> evaluation(new Evaluation(program, options));
  if (auto made = evaluation->make_relations(); !made) return unexpected(std::move(made).error());
  if (auto loaded = evaluation->load_program_facts(); !loaded) {
    return unexpected(std::move(loaded).error());
  }
  return evaluation;
}

Expected<void> Evaluation::make_relations() {
  // The bound form adds two relations for the time of a call: references to the others stay valid.
  program_.relations.reserve(program_.relations.size() + 2);
  layouts_.reserve(program_.relations.size() + 2);
  std::set<RelationId> ranked;
  for (const datalog::Stratum& stratum : program_.strata) ranked.merge(ranked_relations(stratum));
  for (const datalog::Relation& relation : program_.relations) {
    const RelationLayout layout = layout_of(relation, program_.types);
    layouts_.push_back(layout);
    if (relation.equivalence) {
      vm::EquivalenceRelation::Options options;
      options.name = relation.name;
      options.handle = layout.words.front().handle;
      options.pool = options_.pool;
      options.budget = options_.memory;
      relations_.push_back(nullptr);
      equivalences_.push_back(std::make_unique<vm::EquivalenceRelation>(std::move(options)));
      continue;
    }
    vm::RelationOptions options;
    options.name = relation.name;
    options.columns = layout.words;
    options.bag = relation.collection == datalog::Collection::kBag;
    options.key = layout.words_of_columns(relation.key);
    options.ranks = ranked.count(static_cast<RelationId>(relations_.size())) != 0;
    options.pool = options_.pool;
    options.budget = options_.memory;
    if (relation.extremum != datalog::Extremum::kNone) {
      const ColumnLayout& column = layout.columns[relation.extremum_column];
      if (!has_word_order(column.type) || column.nullable || column.value_words != 1) {
        return unexpected(ErrorCode::kUnsupported,
                          "relation '" + relation.name +
                              "' keeps a minimum or maximum of a type that is "
                              "not executed yet");
      }
      options.extremum = relation.extremum == datalog::Extremum::kMin ? vm::RelationExtremum::kMin
                                                                      : vm::RelationExtremum::kMax;
      options.extremum_column = column.first_word;
    }
    auto made = vm::Relation::create(std::move(options));
    if (!made) return unexpected(std::move(made).error());
    relations_.push_back(std::move(*made));
    equivalences_.push_back(nullptr);
  }
  cardinalities_ = std::make_unique<internal::MeasuredCardinalities>([this](RelationId id) {
    return internal::MeasuredCardinalities::Source{relation(id), equivalence(id)};
  });
  if (options_.plan_seed != 0) {
    invented_ = std::make_unique<internal::InventedCardinalities>(options_.plan_seed);
  }
  vm::Machine::Options options;
  options.pool = options_.pool;
  options.team = options_.team;
  options.cancel = options_.cancel;
  options.memory = options_.memory;
  options.clock = options_.clock;
  options.limits = options_.limits;
  options.progress = options_.progress;
  if (options_.parallel_rows_min != 0) options.parallel_rows_min = options_.parallel_rows_min;
  machine_ = std::make_unique<vm::Machine>(options);
  return {};
}

std::set<RelationId> Evaluation::ranked_relations(const datalog::Stratum& stratum) const {
  std::set<RelationId> result;
  if (!options_.ranks || !stratum.recursive) return result;
  for (const RelationId id : stratum.relations) {
    const datalog::Relation& relation = program_.relation(id);
    if (!relation.equivalence && relation.collection == datalog::Collection::kSet)
      result.insert(id);
  }
  return result;
}

Expected<void> Evaluation::load(RelationId id, std::span<const Word* const> columns,
                                std::size_t n) {
  if (n == 0) return {};
  if (options_.starts_clocks) {
    loaded_.insert(id);
    if (const auto stream = datalog::clock_of(program_.relation(id))) {
      const Word* const times = columns[layout(id).columns[stream->time_column].first_word];
      std::int64_t& highest =
          highest_times_.emplace(id, static_cast<std::int64_t>(times[0])).first->second;
      for (std::size_t i = 0; i < n; ++i)
        highest = std::max(highest, static_cast<std::int64_t>(times[i]));
    }
  }
  vm::Relation* const target = relations_[datalog::index_of(id)].get();
  if (target != nullptr && target->options().ranks) return load_ranked(*target, columns, n);
  if (target != nullptr) {
    auto appended = target->append(columns, n, /*strict_keys=*/true);
    if (!appended) return unexpected(std::move(appended).error());
    return {};
  }
  std::vector<Word> pairs(2 * n);
  for (std::size_t i = 0; i < n; ++i) {
    pairs[2 * i] = columns[0][i];
    pairs[2 * i + 1] = columns[1][i];
  }
  auto inserted = equivalences_[datalog::index_of(id)]->insert_pairs(pairs);
  if (!inserted) return unexpected(std::move(inserted).error());
  return {};
}

Expected<void> Evaluation::load_program_facts() {
  rule_is_loaded_.assign(program_.rules.size(), false);
  std::vector<FactBatch> batches(program_.relations.size());
  auto flush = [&](std::size_t relation) -> Expected<void> {
    FactBatch& batch = batches[relation];
    std::vector<const Word*> columns;
    for (const auto& column : batch.columns) columns.push_back(column.data());
    auto loaded = load(static_cast<RelationId>(relation), columns, batch.rows);
    batch.rows = 0;
    for (auto& column : batch.columns) column.clear();
    return loaded;
  };
  for (std::size_t i = 0; i < program_.rules.size(); ++i) {
    const datalog::Rule& rule = program_.rules[i];
    if (!rule.body.empty()) continue;
    const std::size_t relation = datalog::index_of(rule.head.relation);
    const auto row = constant_row(rule, layouts_[relation], *options_.pool);
    if (!row) continue;
    rule_is_loaded_[i] = true;
    FactBatch& batch = batches[relation];
    batch.columns.resize(row->size());
    for (std::size_t column = 0; column < row->size(); ++column) {
      batch.columns[column].push_back((*row)[column]);
    }
    if (++batch.rows == kFactBatchRows) {
      if (auto loaded = flush(relation); !loaded) return loaded;
    }
  }
  for (std::size_t relation = 0; relation < batches.size(); ++relation) {
    if (batches[relation].rows == 0) continue;
    if (auto loaded = flush(relation); !loaded) return loaded;
  }
  return {};
}

// ---------------------------------------------------------------------------------------------------
// Running

void Evaluation::build_indexes(const std::vector<RulePlan*>& plans) {
  select_indexes(plans, [this](RelationId id, const vm::IndexSpec& spec) {
    vm::Relation& target = *relations_[datalog::index_of(id)];
    const std::uint32_t index = target.add_index(spec);
    target.prepare_index(index);
    return index;
  });
}

EmitScope Evaluation::emit_scope() const {
  return {&program_, &layouts_, options_.pool, options_.files};
}

PlanScope Evaluation::plan_scope() const {
  PlanScope scope;
  scope.program = &program_;
  scope.layouts = &layouts_;
  scope.cardinalities = cardinalities_.get();
  if (invented_) scope.cardinalities = invented_.get();
  return scope;
}

Expected<StratumCode> Evaluation::compile_stratum(const datalog::Stratum& stratum,
                                                  StratumPlan& plan) {
  // Facts that were loaded directly are no rules any more.
  datalog::Stratum remaining = stratum;
  remaining.rules.erase(
      std::remove_if(remaining.rules.begin(), remaining.rules.end(),
                     [this](RuleId id) { return rule_is_loaded_[datalog::index_of(id)]; }),
      remaining.rules.end());
  // A growing relation will be as large as what it is made from, for all we know.
  double expected = kGrowthRowsMin;
  for (const RuleId id : remaining.rules) {
    datalog::walk_rule_matches(
        program_.rule(id), [&](const datalog::Match& match, datalog::Reading) {
          expected = std::max(expected, static_cast<double>(row_count(match.relation)));
        });
  }
  cardinalities_->expect_growth(stratum.recursive ? stratum.relations : std::vector<RelationId>{},
                                expected);
  PlanScope scope = plan_scope();
  scope.ranked = ranked_relations(stratum);
  auto planned = plan_stratum(scope, remaining);
  if (!planned) return unexpected(std::move(planned).error());
  plan = std::move(*planned);
  std::vector<RulePlan*> all;
  for (RulePlan& rule : plan.base) all.push_back(&rule);
  for (RulePlan& rule : plan.deltas) all.push_back(&rule);
  build_indexes(all);
  EmitScope emitted = emit_scope();
  emitted.ranked = std::move(scope.ranked);
  return emit_stratum(emitted, plan);
}

std::vector<vm::RelationBinding> Evaluation::bindings_of(const StratumCode& code) const {
  std::vector<vm::RelationBinding> bindings;
  for (const RelationId id : code.operands) {
    bindings.push_back({relations_[datalog::index_of(id)].get(),
                        equivalences_[datalog::index_of(id)].get(), nullptr});
  }
  return bindings;
}

void Evaluation::release_constants(const StratumCode& code) {
  for (const Word word : code.retained) options_.pool->release(word);
}

void Evaluation::count_work(const StratumCode& code, StratumStatistics& into) const {
  const std::vector<vm::FragmentCounters>& counters = machine_->fragment_counters();
  for (std::size_t i = 0; i < counters.size(); ++i) {
    const auto rule = static_cast<RuleId>(code.program.fragments[i].rule);
    auto found =
        std::find_if(into.rules.begin(), into.rules.end(), [&](const RuleStatistics& known) {
          return known.rule == rule && known.version == code.versions[i];
        });
    if (found == into.rules.end()) {
      into.rules.push_back({});
      found = into.rules.end() - 1;
      found->rule = rule;
      found->version = code.versions[i];
    }
    found->runs += counters[i].runs;
    found->rows_scanned += counters[i].rows_scanned;
    found->rows_probed += counters[i].rows_probed;
    found->rows_matched += counters[i].rows_matched;
    found->candidates += counters[i].candidates;
    found->rows_inserted += counters[i].rows_inserted;
    found->nanoseconds += counters[i].nanoseconds;
  }
}

void Evaluation::explain(std::uint32_t number, const StratumPlan& plan, const StratumCode& code) {
  StratumExplanation explanation;
  explanation.stratum = number;
  explanation.plan = print_stratum_plan(program_, plan);
  explanation.bytecode = vm::disassemble(code.program);
  explanations_.push_back(std::move(explanation));
}

Expected<void> Evaluation::run_stratum(std::uint32_t number) {
  const datalog::Stratum& stratum = program_.strata[number];
  const bool only_facts =
      std::all_of(stratum.rules.begin(), stratum.rules.end(),
                  [this](RuleId id) { return rule_is_loaded_[datalog::index_of(id)]; });
  if (only_facts) {
    for (const RelationId id : stratum.relations) {
      if (vm::Relation* target = relations_[datalog::index_of(id)].get()) {
        target->advance();
        target->settle();
      } else {
        equivalences_[datalog::index_of(id)]->advance();
        equivalences_[datalog::index_of(id)]->settle();
      }
    }
    return {};
  }
  StratumStatistics work;
  work.stratum = number;
  const std::int64_t started = options_.clock != nullptr ? options_.clock->steady_ns() : 0;
  const std::uint64_t rounds_before = machine_->rounds();
  const std::uint64_t touched_before = machine_->rows_touched();
  bool resuming = false;
  for (;;) {
    StratumPlan plan;
    auto code = compile_stratum(stratum, plan);
    if (!code) return unexpected(std::move(code).error());
    ++work.plans;
    if (options_.keep_explanations) explain(number, plan, *code);
    std::vector<std::uint64_t> sizes;
    for (const RelationId id : code->operands) sizes.push_back(row_count(id));
    const auto ranks = rank_tables_of(*code, *options_.pool, options_.memory);
    std::vector<vm::GatheringTable*> tables;
    for (const auto& table : ranks) tables.push_back(table.get());
    vm::LoadedProgram loaded(code->program, bindings_of(*code), std::move(tables));
    auto outcome =
        machine_->run(loaded, resuming ? code->program.resume_entry : code->program.entry, sizes);
    count_work(*code, work);
    release_constants(*code);
    if (!outcome || *outcome == vm::Outcome::kDone) {
      work.rounds = machine_->rounds() - rounds_before;
      work.rows_touched = machine_->rows_touched() - touched_before;
      if (options_.clock != nullptr) work.nanoseconds = options_.clock->steady_ns() - started;
      std::sort(work.rules.begin(), work.rules.end(),
                [](const RuleStatistics& a, const RuleStatistics& b) {
                  return a.rule != b.rule ? a.rule < b.rule : a.version < b.version;
                });
      statistics_.rows_touched += work.rows_touched;
      for (const RuleStatistics& rule : work.rules) {
        statistics_.candidates += rule.candidates;
        statistics_.rows_derived += rule.rows_inserted;
      }
      statistics_.strata.push_back(std::move(work));
      if (!outcome) return unexpected(std::move(outcome).error());
      return {};
    }
    resuming = true;
  }
}

// Clocks of which nothing was loaded are as far as the rows are.
Expected<void> Evaluation::start_clocks() {
  for (const auto& [id, highest] : highest_times_) {
    const auto stream = datalog::clock_of(program_.relation(id));
    if (loaded_.count(stream->clock) != 0) continue;
    const Word at = static_cast<Word>(datalog::add_times(highest, -stream->delay));
    const Word* const columns[] = {&at};
    if (auto done = load(stream->clock, columns, 1); !done) return done;
  }
  return {};
}

Expected<void> Evaluation::run() {
  if (auto started = start_clocks(); !started) return started;
  for (std::uint32_t number = 0; number < program_.strata.size(); ++number) {
    if (options_.cancel != nullptr && options_.cancel->cancelled()) {
      return unexpected(ErrorCode::kCancelled, "interrupted");
    }
    if (options_.progress != nullptr) {
      options_.progress->stratum.store(number, std::memory_order_relaxed);
    }
    if (auto done = run_stratum(number); !done) return done;
  }
  return check_denials();
}

Expected<void> Evaluation::check_denials() const {
  for (std::size_t i = 0; i < program_.relations.size(); ++i) {
    const auto id = static_cast<RelationId>(i);
    const datalog::Relation& relation = program_.relation(id);
    if (relation.denial.empty() || row_count(id) == 0) continue;
    std::vector<Word> row(layouts_[i].words.size());
    std::vector<Word*> columns;
    for (Word& word : row) columns.push_back(&word);
    rows(id).next(columns, 1);
    return unexpected(denial_error(relation, layouts_[i], row, *options_.pool, options_.files));
  }
  return {};
}

// ---------------------------------------------------------------------------------------------------
// The bound form

template <typename Use>
Expected<void> Evaluation::ask(const datalog::Rule& rule, RuleId id, datalog::Relation given,
                               datalog::Relation answers, std::span<const Word* const> columns,
                               std::size_t n, Use&& use) {
  struct Guests {
    Evaluation& owner;
    std::size_t count = 0;
    ~Guests() {
      for (std::size_t i = 0; i < count; ++i) {
        owner.program_.relations.pop_back();
        owner.layouts_.pop_back();
        owner.relations_.pop_back();
        owner.equivalences_.pop_back();
      }
    }
  };
  Guests guests{*this};
  datalog::Relation* const described[] = {&given, &answers};
  for (datalog::Relation* guest : described) {
    guest->auxiliary = true;
    RelationLayout layout = layout_of(*guest, program_.types);
    vm::RelationOptions options;
    options.name = guest->name;
    options.columns = layout.words;
    options.pool = options_.pool;
    options.budget = options_.memory;
    auto made = vm::Relation::create(std::move(options));
    if (!made) return unexpected(std::move(made).error());
    program_.relations.push_back(std::move(*guest));
    layouts_.push_back(std::move(layout));
    relations_.push_back(std::move(*made));
    equivalences_.push_back(nullptr);
    ++guests.count;
  }
  const std::size_t first = program_.relations.size() - 2;
  if (auto loaded = load(static_cast<RelationId>(first), columns, n); !loaded) return loaded;
  relations_[first]->advance();
  relations_[first]->settle();

  cardinalities_->expect_growth({}, 0);
  auto plan = plan_bound(plan_scope(), rule, id);
  if (!plan) return unexpected(std::move(plan).error());
  build_indexes({&*plan});
  auto code = emit_once(emit_scope(), *plan);
  if (!code) return unexpected(std::move(code).error());
  const std::vector<std::uint64_t> sizes(code->operands.size(), 0);
  auto outcome = machine_->run(code->program, code->program.entry, bindings_of(*code), sizes);
  release_constants(*code);
  if (!outcome) return unexpected(std::move(outcome).error());
  use(*relations_[first + 1]);
  return {};
}

Expected<std::vector<bool>> Evaluation::derivable(RuleId id, std::span<const Word* const> columns,
                                                  std::size_t n) {
  const datalog::Rule& rule = program_.rule(id);
  datalog::Relation shape;
  shape.name = program_.relation(rule.head.relation).name;
  shape.columns = program_.relation(rule.head.relation).columns;
  const datalog::Rule bound = bound_rule(rule, given_id(), answers_id());
  std::vector<std::uint8_t> found(n);
  auto asked = ask(bound, id, shape, shape, columns, n, [&](const vm::Relation& answers) {
    answers.contains(columns, n, found.data());
  });
  if (!asked) return unexpected(std::move(asked).error());
  return std::vector<bool>(found.begin(), found.end());
}

Expected<std::vector<std::vector<Word>>> Evaluation::answer(const Question& question,
                                                            std::span<const Word* const> columns,
                                                            std::size_t n) {
  datalog::Relation given;
  given.name = "given";
  given.columns = question.given;
  datalog::Relation answers;
  answers.name = "answers";
  answers.columns = question.answers;
  std::vector<std::vector<Word>> rows;
  auto asked = ask(question.rule, RuleId{}, std::move(given), std::move(answers), columns, n,
                   [&](vm::Relation& found) {
                     found.advance();
                     vm::RowRange range = found.range(vm::View::kTotal);
                     vm::Row ids[256];
                     Word words[256];
                     while (const std::size_t count = found.next_rows(range, ids, 256)) {
                       const std::size_t base = rows.size();
                       rows.resize(base + count, std::vector<Word>(found.column_count()));
                       for (std::uint32_t c = 0; c < found.column_count(); ++c) {
                         found.load(c, ids, count, words);
                         if (found.options().columns[c].handle) {
                           for (std::size_t i = 0; i < count; ++i) options_.pool->retain(words[i]);
                         }
                         for (std::size_t i = 0; i < count; ++i) rows[base + i][c] = words[i];
                       }
                     }
                   });
  if (!asked) return unexpected(std::move(asked).error());
  return rows;
}

Word Evaluation::rank_of(RelationId id, const std::vector<Word>& row) {
  vm::Relation* const target = relations_[datalog::index_of(id)].get();
  if (target == nullptr || !target->options().ranks) return 0;
  vm::IndexSpec spec;
  for (std::uint32_t c = 0; c < target->column_count(); ++c) spec.key.push_back(c);
  const std::uint32_t index = target->add_index(spec);
  target->prepare_index(index);
  std::vector<const Word*> keys;
  for (const Word& word : row) keys.push_back(&word);
  vm::Posting found;
  target->probe(index, vm::View::kTotal, keys, 1, &found);
  Word rank = 0;
  if (found.count > 0) target->load_ranks(found.rows, 1, &rank);
  return rank;
}

}  // namespace entail::compiler
