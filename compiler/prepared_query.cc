#include "compiler/prepared_query.h"

#include <algorithm>
#include <array>
#include <deque>
#include <set>
#include <utility>

#include "compiler/constant_rows.h"
#include "compiler/emit.h"
#include "compiler/explain.h"
#include "compiler/hoist.h"
#include "compiler/index_selection.h"
#include "compiler/internal/answer_collector.h"
#include "compiler/internal/measured.h"
#include "compiler/internal/query_rewrite.h"
#include "compiler/rule_plan.h"
#include "datalog/body_walk.h"
#include "vm/base/ensure.h"
#include "vm/base/thread_team.h"
#include "vm/disassembler.h"
#include "vm/gathering_table.h"
#include "vm/relation.h"

namespace entail::compiler {

namespace {

using datalog::RelationId;
using datalog::RuleId;
using vm::Word;

// Sizes that differ by this factor want another plan, unless both are small.
constexpr std::uint64_t kReplanFactor = 8;
constexpr std::uint64_t kReplanRowsMin = 1024;

Unexpected sql_error(ErrorCode code, std::string message, std::string sqlstate) {
  SqlFields fields;
  fields.sqlstate = std::move(sqlstate);
  return unexpected(code, std::move(message), std::move(fields));
}

// Errors that came from below without saying what SQL calls them.
Unexpected with_sqlstate(Error error) {
  if (error.sql != nullptr) return unexpected(std::move(error));
  std::string sqlstate = "XX000";
  std::string message = error.message;
  switch (error.code) {
    case ErrorCode::kUnsupported:
      sqlstate = "0A000";
      break;
    case ErrorCode::kLimit:
      sqlstate = "53200";
      break;
    case ErrorCode::kCancelled:
      sqlstate = "57014";
      message = "canceling statement due to user request";
      break;
    case ErrorCode::kData:
      sqlstate = "22000";
      break;
    default:
      break;
  }
  return sql_error(error.code, std::move(message), std::move(sqlstate));
}

bool differ(std::uint64_t planned, std::uint64_t now) {
  const std::uint64_t larger = std::max(planned, now), smaller = std::min(planned, now);
  return larger >= kReplanRowsMin && larger / kReplanFactor > smaller;
}

}  // namespace

// ---------------------------------------------------------------------------------------------------
// Results that are kept

QueryResult::~QueryResult() { clear(); }

QueryResult::QueryResult(QueryResult&& other) noexcept { *this = std::move(other); }

QueryResult& QueryResult::operator=(QueryResult&& other) noexcept {
  if (this == &other) return *this;
  clear();
  pool_ = other.pool_;
  memory_ = std::exchange(other.memory_, nullptr);
  booked_ = std::exchange(other.booked_, 0);
  handle_columns_ = std::move(other.handle_columns_);
  columns_ = std::move(other.columns_);
  rows_ = std::exchange(other.rows_, 0);
  position_ = std::exchange(other.position_, 0);
  other.columns_.clear();
  return *this;
}

void QueryResult::begin(const RelationLayout& layout, vm::ValuePool& pool, MemoryBudget* memory) {
  clear();
  pool_ = &pool;
  memory_ = memory;
  columns_.resize(layout.words.size());
  handle_columns_.clear();
  for (std::uint32_t c = 0; c < layout.words.size(); ++c) {
    if (layout.words[c].handle) handle_columns_.push_back(c);
  }
}

void QueryResult::clear() {
  for (const std::uint32_t c : handle_columns_) {
    if (c < columns_.size()) pool_->release_column(columns_[c]);
  }
  for (auto& column : columns_) column.clear();
  if (memory_ != nullptr) memory_->release(booked_);
  booked_ = 0;
  rows_ = position_ = 0;
}

Expected<bool> QueryResult::take(const RowBatch& rows) {
  if (memory_ != nullptr) {
    const std::uint64_t bytes = rows.n * columns_.size() * sizeof(Word);
    if (!memory_->reserve(bytes)) {
      return sql_error(ErrorCode::kLimit,
                       "the memory budget of " + std::to_string(memory_->limit()) +
                           " bytes is used up by the rows of an answer",
                       "53200");
    }
    booked_ += bytes;
  }
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    columns_[c].insert(columns_[c].end(), rows.columns[c], rows.columns[c] + rows.n);
  }
  for (const std::uint32_t c : handle_columns_) {
    pool_->retain_column(rows.columns[c], rows.n);
  }
  rows_ += rows.n;
  return true;
}

RowBatch QueryResult::next(std::size_t max_rows) {
  const std::size_t n = std::min(max_rows, rows_ - position_);
  portion_.clear();
  for (const auto& column : columns_) portion_.push_back(column.data() + position_);
  position_ += n;
  return {portion_, n};
}

// ---------------------------------------------------------------------------------------------------
// The query

struct PreparedQuery::Impl final : StandingIndexes {
  Impl(datalog::QueryProgram given_query, PreparedQueryOptions given_options)
      : query(std::move(given_query)), program(query.program), options(std::move(given_options)) {}
  ~Impl() override;

  // What a bound of the answer is: a constant, a parameter, or a column of a relation of its own.
  struct Bound {
    bool is_there = false;
    const datalog::Expression* expression = nullptr;
    std::optional<std::uint32_t> column;  // Of bounds_relation.
  };

  struct PlannedStratum {
    std::uint32_t number = 0;  // In program.strata.
    bool emits = false;
    StratumPlan plan;
    StratumCode code;
    std::vector<std::unique_ptr<vm::GatheringTable>> ranks;
    std::unique_ptr<vm::LoadedProgram> loaded;
    std::vector<std::uint64_t> sizes;  // When it was planned, by operand.
    StratumStatistics work;
  };

  // Making.
  Expected<void> prepare();
  Expected<void> check_shape();
  void add_bounds();
  void find_reached();
  Expected<void> make_relations();
  Expected<void> load_constants();
  bool looks_up(RelationId id, std::uint32_t column) const;
  Expected<void> plan(PlannedStratum& stratum);
  bool build_indexes(StratumPlan& plan);

  // StandingIndexes.
  const std::vector<vm::IndexSpec>* of(RelationId id) const override {
    const std::size_t i = datalog::index_of(id);
    return i < query.catalog_relations ? &specs[i] : nullptr;
  }
  bool may_add(RelationId id, const vm::IndexSpec& spec) const override {
    return options.add_index && refused.count({id, spec.key, spec.range_column}) == 0;
  }

  // Running.
  Expected<void> run(const QueryArguments& arguments, RowSink& sink);
  Expected<void> run_strata();
  Expected<void> run_stratum(PlannedStratum& stratum);
  Expected<void> set_arguments(const QueryArguments& arguments);
  Expected<void> hand_on_set();
  Expected<std::optional<std::int64_t>> value_of(const Bound& bound,
                                                 const QueryArguments& arguments) const;
  std::uint64_t size_of(RelationId id) const;
  void count(const PlannedStratum& stratum);

  vm::RelationBinding binding(RelationId id) const {
    const std::size_t i = datalog::index_of(id);
    return {temporaries[i].get(), nullptr, standing[i]};
  }
  bool is_bag_answer() const {
    return program.relation(query.answer).collection == datalog::Collection::kBag;
  }

  datalog::QueryProgram query;
  datalog::RuleProgram& program;
  PreparedQueryOptions options;
  SerialTeam team;
  std::vector<bool> reached;            // By relation: the answer depends on it.
  std::vector<RelationLayout> layouts;  // Of those.
  std::vector<const vm::StandingRelation*> standing;
  std::vector<std::vector<vm::IndexSpec>> specs;  // Of standing relations.
  std::set<std::tuple<RelationId, std::vector<std::uint32_t>, std::int32_t>> refused;
  std::vector<std::unique_ptr<vm::Relation>> temporaries;
  std::vector<vm::Relation*> emptied;  // By each run; those of constants stay.
  std::vector<bool> is_constant;       // By relation.
  RelationLayout answer_layout;        // Without the columns that only sort.
  std::optional<RelationId> bounds_relation;
  Bound limit, offset;
  std::unique_ptr<internal::MeasuredCardinalities> cardinalities;
  std::unique_ptr<internal::AnswerCollector> collector;
  std::unique_ptr<vm::Machine> machine;
  std::vector<std::array<Word, 3>> parameters;  // Of the last run.
  std::deque<PlannedStratum> strata;            // Programs are pointed to.
  bool leaves_values = false;
  QueryCounters counters;
  // Buffers of hand_on_set().
  struct SetRows {
    std::vector<std::vector<Word>> columns;
    std::vector<const Word*> arrays;
    std::vector<vm::Row> rows;
  } set_rows;
};

PreparedQuery::Impl::~Impl() {
  for (const PlannedStratum& stratum : strata) {
    for (const Word word : stratum.code.retained) options.pool->release(word);
  }
}

Expected<void> PreparedQuery::Impl::check_shape() {
  const auto wrong = [](const char* what) {
    return unexpected(ErrorCode::kInvalidArgument, std::string("this is no query: ") + what);
  };
  const std::size_t count = program.relations.size();
  if (query.catalog_relations > count) return wrong("it lacks relations of the catalog");
  const auto is_own = [&](RelationId id) {
    return datalog::index_of(id) >= query.catalog_relations && datalog::index_of(id) < count;
  };
  if (!is_own(query.answer)) return wrong("its answer is no relation of its own");
  if (query.answer_columns > program.relation(query.answer).columns.size()) {
    return wrong("its answer lacks columns");
  }
  for (const datalog::SortKey& key : query.order) {
    if (key.column >= program.relation(query.answer).columns.size()) {
      return wrong("it is sorted by a column that the answer lacks");
    }
  }
  for (const RelationId id : query.given) {
    if (!is_own(id)) return wrong("rows are given for a relation of the catalog");
  }
  for (const datalog::Rule& rule : program.rules) {
    if (!is_own(rule.head.relation)) return wrong("a rule derives rows of the catalog");
  }
  for (std::size_t i = query.catalog_relations; i < count; ++i) {
    if (program.relations[i].equivalence) {
      return unexpected(ErrorCode::kUnsupported, "an equivalence relation in a query");
    }
  }
  return {};
}

// Bounds that must be computed are a row of a relation of their own.
void PreparedQuery::Impl::add_bounds() {
  std::vector<const datalog::Expression*> computed;
  const auto take = [&](const std::optional<datalog::Expression>& expression, Bound& bound) {
    if (!expression) return;
    bound.is_there = true;
    bound.expression = &*expression;
    switch (expression->op) {
      case datalog::ExpressionOp::kConstant:
      case datalog::ExpressionOp::kNull:
      case datalog::ExpressionOp::kParameter:
        return;
      default:
        bound.column = static_cast<std::uint32_t>(computed.size());
        computed.push_back(bound.expression);
    }
  };
  take(query.limit, limit);
  take(query.offset, offset);
  if (computed.empty()) return;
  bounds_relation = static_cast<RelationId>(program.relations.size());
  const auto rule_id = static_cast<RuleId>(program.rules.size());
  datalog::Relation relation;
  relation.name = "_bounds";
  relation.auxiliary = true;
  datalog::Rule rule;
  rule.name = relation.name;
  rule.head.relation = *bounds_relation;
  for (const datalog::Expression* expression : computed) {
    relation.columns.push_back({"bound", expression->type, true, {}});
    rule.head.terms.push_back(*expression);
  }
  program.relations.push_back(std::move(relation));
  program.rules.push_back(std::move(rule));
  program.strata.insert(program.strata.begin(), {{*bounds_relation}, {rule_id}, false});
}

void PreparedQuery::Impl::find_reached() {
  reached.assign(program.relations.size(), false);
  std::vector<RelationId> open{query.answer};
  if (bounds_relation) open.push_back(*bounds_relation);
  for (const RelationId id : open) reached[datalog::index_of(id)] = true;
  std::vector<std::vector<const datalog::Rule*>> rules(program.relations.size());
  for (const datalog::Rule& rule : program.rules) {
    rules[datalog::index_of(rule.head.relation)].push_back(&rule);
  }
  while (!open.empty()) {
    const RelationId id = open.back();
    open.pop_back();
    for (const datalog::Rule* rule : rules[datalog::index_of(id)]) {
      datalog::walk_rule_matches(*rule, [&](const datalog::Match& match, datalog::Reading) {
        const std::size_t i = datalog::index_of(match.relation);
        if (reached[i]) return;
        reached[i] = true;
        open.push_back(match.relation);
      });
    }
  }
}

bool PreparedQuery::Impl::looks_up(RelationId id, std::uint32_t column) const {
  const std::size_t i = datalog::index_of(id);
  if (i >= query.catalog_relations || standing[i] == nullptr) return false;
  const std::vector<std::uint32_t> words = layouts[i].words_of_columns({column});
  return standing[i]->find_index({words, -1}).has_value();
}

Expected<void> PreparedQuery::Impl::make_relations() {
  const std::size_t count = program.relations.size();
  layouts.resize(count);
  standing.resize(count, nullptr);
  temporaries.resize(count);
  specs.resize(query.catalog_relations);
  is_constant.assign(count, false);
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = static_cast<RelationId>(i);
    const bool is_given =
        std::find(query.given.begin(), query.given.end(), id) != query.given.end();
    if (!reached[i] && !is_given) continue;
    if (i < query.catalog_relations) {
      if (standing[i] != nullptr) continue;
      standing[i] = options.bind ? options.bind(id) : nullptr;
      if (standing[i] == nullptr) {
        return unexpected(ErrorCode::kInvalidArgument,
                          "nothing stands for relation " + program.relations[i].name);
      }
      // Its pairs stand there as rows, and its best rows are all there are.
      program.relations[i].equivalence = false;
      program.relations[i].extremum = datalog::Extremum::kNone;
      layouts[i] = layout_of(program.relations[i], program.types);
      if (standing[i]->column_count() < layouts[i].words.size()) {
        return unexpected(
            ErrorCode::kInvalidArgument,
            "what stands for relation " + program.relations[i].name + " has other columns");
      }
      continue;
    }
    if (temporaries[i] != nullptr) continue;
    const datalog::Relation& relation = program.relations[i];
    layouts[i] = layout_of(relation, program.types);
    if (id == query.answer && is_bag_answer()) continue;
    vm::RelationOptions made;
    made.name = relation.name;
    made.columns = layouts[i].words;
    made.bag = relation.collection == datalog::Collection::kBag;
    made.key = layouts[i].words_of_columns(relation.key);
    made.pool = options.pool;
    made.budget = options.memory;
    if (relation.extremum != datalog::Extremum::kNone) {
      const ColumnLayout& column = layouts[i].columns[relation.extremum_column];
      if (!has_word_order(column.type) || column.nullable) {
        return unexpected(ErrorCode::kUnsupported,
                          "a minimum or maximum of this type in relation " + relation.name);
      }
      made.extremum = relation.extremum == datalog::Extremum::kMin ? vm::RelationExtremum::kMin
                                                                   : vm::RelationExtremum::kMax;
      made.extremum_column = column.first_word;
    }
    auto created = vm::Relation::create(std::move(made));
    if (!created) return unexpected(std::move(created).error());
    temporaries[i] = std::move(*created);
  }
  return {};
}

// Relations that only facts derive are filled once.
Expected<void> PreparedQuery::Impl::load_constants() {
  std::vector<char> computed(program.relations.size(), 0);
  for (const RelationId id : query.given) computed[datalog::index_of(id)] = 1;
  computed[datalog::index_of(query.answer)] = 1;
  for (const datalog::Rule& rule : program.rules) {
    const std::size_t i = datalog::index_of(rule.head.relation);
    if (!reached[i]) continue;
    if (!rule.body.empty() || !constant_row(rule, layouts[i], *options.pool)) computed[i] = 1;
  }
  for (const datalog::Rule& rule : program.rules) {
    const std::size_t i = datalog::index_of(rule.head.relation);
    if (!reached[i] || computed[i] != 0) continue;
    is_constant[i] = true;
    const auto row = constant_row(rule, layouts[i], *options.pool);
    std::vector<const Word*> columns;
    for (const Word& word : *row) columns.push_back(&word);
    auto appended = temporaries[i]->append(columns, 1, /*strict_keys=*/true);
    if (!appended) return unexpected(std::move(appended).error());
  }
  for (std::size_t i = 0; i < temporaries.size(); ++i) {
    if (temporaries[i] == nullptr) continue;
    temporaries[i]->advance();
    temporaries[i]->settle();
    if (!is_constant[i]) emptied.push_back(temporaries[i].get());
  }
  return {};
}

Expected<void> PreparedQuery::Impl::prepare() {
  if (auto checked = check_shape(); !checked) return checked;
  parameters.resize(query.parameters.size());
  add_bounds();
  find_reached();
  if (auto made = make_relations(); !made) return made;
  internal::rewrite_conditions(
      program, [this](RelationId id, std::uint32_t column) { return looks_up(id, column); });
  hoist_reductions(program);
  // Both have added relations.
  find_reached();
  if (auto made = make_relations(); !made) return made;
  if (auto loaded = load_constants(); !loaded) return loaded;

  const RelationLayout& answer = layouts[datalog::index_of(query.answer)];
  answer_layout.columns.assign(answer.columns.begin(),
                               answer.columns.begin() + query.answer_columns);
  std::uint32_t words = 0;
  for (const ColumnLayout& column : answer_layout.columns) words += column.word_count();
  answer_layout.words.assign(answer.words.begin(), answer.words.begin() + words);
  collector = std::make_unique<internal::AnswerCollector>(answer, words, query.order, *options.pool,
                                                          options.memory);
  cardinalities = std::make_unique<internal::MeasuredCardinalities>([this](RelationId id) {
    const vm::RelationBinding bound = binding(id);
    return internal::MeasuredCardinalities::Source{bound.relation, nullptr, bound.standing};
  });
  vm::Machine::Options made;
  made.pool = options.pool;
  made.team = &team;
  made.cancel = options.cancel;
  made.memory = options.memory;
  made.clock = options.clock;
  made.limits = options.limits;
  made.receiver = collector.get();
  made.shares_pool = true;
  made.sql_errors = true;
  machine = std::make_unique<vm::Machine>(std::move(made));

  for (std::uint32_t number = 0; number < program.strata.size(); ++number) {
    const datalog::Stratum& stratum = program.strata[number];
    const bool is_needed =
        !stratum.rules.empty() &&
        std::any_of(stratum.relations.begin(), stratum.relations.end(), [&](RelationId id) {
          return reached[datalog::index_of(id)] && !is_constant[datalog::index_of(id)];
        });
    if (!is_needed) continue;
    PlannedStratum& planned = strata.emplace_back();
    planned.number = number;
    planned.emits = is_bag_answer() && stratum.relations == std::vector{query.answer};
    if (auto done = plan(planned); !done) return done;
  }
  counters = {};
  return {};
}

// Whether all indexes that the plan asks for could be had.
bool PreparedQuery::Impl::build_indexes(StratumPlan& plan) {
  std::vector<RulePlan*> all;
  for (RulePlan& rule : plan.base) all.push_back(&rule);
  for (RulePlan& rule : plan.deltas) all.push_back(&rule);
  bool complete = true;
  select_indexes(all, [&](RelationId id, const vm::IndexSpec& spec) -> std::uint32_t {
    const std::size_t i = datalog::index_of(id);
    if (standing[i] == nullptr) {
      const std::uint32_t index = temporaries[i]->add_index(spec);
      temporaries[i]->prepare_index(index);
      return index;
    }
    if (const auto found = standing[i]->find_index(spec)) return *found;
    if (spec.range_column < 0 && !standing[i]->options().bag &&
        spec.key.size() == standing[i]->column_count()) {
      return vm::kMembershipIndex;
    }
    if (const auto added = options.add_index ? options.add_index(id, spec) : std::nullopt) {
      return *added;
    }
    refused.insert({id, spec.key, spec.range_column});
    complete = false;
    return 0;
  });
  return complete;
}

Expected<void> PreparedQuery::Impl::plan(PlannedStratum& planned) {
  const datalog::Stratum& stratum = program.strata[planned.number];
  for (std::size_t i = 0; i < query.catalog_relations; ++i) {
    if (standing[i] == nullptr) continue;
    specs[i].clear();
    for (std::size_t k = 0; k < standing[i]->index_count(); ++k) {
      specs[i].push_back(standing[i]->index_spec(k));
    }
    if (standing[i]->options().bag) continue;
    vm::IndexSpec whole;
    for (std::uint32_t c = 0; c < standing[i]->column_count(); ++c) whole.key.push_back(c);
    specs[i].push_back(std::move(whole));
  }
  PlanScope scope;
  scope.program = &program;
  scope.layouts = &layouts;
  scope.cardinalities = cardinalities.get();
  scope.standing = this;
  double expected = 1000;
  for (const RuleId id : stratum.rules) {
    datalog::walk_rule_matches(
        program.rule(id), [&](const datalog::Match& match, datalog::Reading) {
          expected = std::max(expected, static_cast<double>(size_of(match.relation)));
        });
  }
  cardinalities->expect_growth(stratum.recursive ? stratum.relations : std::vector<RelationId>{},
                               expected);
  StratumPlan made;
  do {  // A refusal is remembered, so that this ends.
    auto found = plan_stratum(scope, stratum);
    if (!found) return unexpected(std::move(found).error());
    made = std::move(*found);
  } while (!build_indexes(made));

  EmitScope emitted;
  emitted.program = &program;
  emitted.layouts = &layouts;
  emitted.pool = options.pool;
  if (planned.emits) emitted.emitted = query.answer;
  auto code = emit_stratum(emitted, made);
  if (!code) return unexpected(std::move(code).error());
  for (const Word word : planned.code.retained) options.pool->release(word);
  planned.loaded.reset();
  planned.plan = std::move(made);
  planned.code = std::move(*code);
  leaves_values = leaves_values || planned.code.leaves_values;
  std::vector<vm::RelationBinding> bindings;
  planned.sizes.clear();
  for (const RelationId id : planned.code.operands) {
    bindings.push_back(binding(id));
    planned.sizes.push_back(size_of(id));
  }
  planned.ranks = rank_tables_of(planned.code, *options.pool, options.memory);
  std::vector<vm::GatheringTable*> tables;
  for (const auto& table : planned.ranks) tables.push_back(table.get());
  planned.loaded = std::make_unique<vm::LoadedProgram>(planned.code.program, std::move(bindings),
                                                       std::move(tables));
  // Those of the run that found the plan stale.
  for (std::uint32_t p = 0; p < parameters.size(); ++p) {
    planned.loaded->set_parameter(p, parameters[p]);
  }
  return {};
}

std::uint64_t PreparedQuery::Impl::size_of(RelationId id) const {
  const vm::RelationBinding bound = binding(id);
  if (bound.standing != nullptr) return bound.standing->size();
  return bound.relation != nullptr ? bound.relation->size() : 0;
}

// ---------------------------------------------------------------------------------------------------
// Running

Expected<void> PreparedQuery::Impl::set_arguments(const QueryArguments& arguments) {
  if (arguments.parameters.size() != query.parameters.size() ||
      arguments.given.size() != query.given.size()) {
    return unexpected(ErrorCode::kInvalidArgument,
                      "a query is run with other parameters than it has");
  }
  for (std::size_t p = 0; p < arguments.parameters.size(); ++p) {
    const ParameterValue& value = arguments.parameters[p];
    Word words[3] = {value.words[0], value.words[1], 0};
    const unsigned count = vm::value_words(query.parameters[p]);
    if (value.null) words[0] = words[1] = 0;
    words[count] = value.null ? 1 : 0;
    std::copy_n(words, 3, parameters[p].begin());
    for (PlannedStratum& stratum : strata) {
      stratum.loaded->set_parameter(static_cast<std::uint32_t>(p), words);
    }
  }
  for (PlannedStratum& stratum : strata) {
    for (const auto& table : stratum.ranks) table->clear();
  }
  for (vm::Relation* const relation : emptied) relation->clear();
  for (std::size_t g = 0; g < arguments.given.size(); ++g) {
    const RowBatch& rows = arguments.given[g];
    vm::Relation& target = *temporaries[datalog::index_of(query.given[g])];
    if (rows.n > 0) {
      auto appended = target.append(rows.columns, rows.n, /*strict_keys=*/true);
      if (!appended) return unexpected(std::move(appended).error());
    }
    target.advance();
    target.settle();
  }
  return {};
}

Expected<std::optional<std::int64_t>> PreparedQuery::Impl::value_of(
    const Bound& bound, const QueryArguments& arguments) const {
  if (!bound.is_there) return std::optional<std::int64_t>();
  if (bound.column) {
    const vm::Relation& bounds = *temporaries[datalog::index_of(*bounds_relation)];
    const ColumnLayout& column =
        layouts[datalog::index_of(*bounds_relation)].columns[*bound.column];
    const vm::Row row = 0;
    Word word = 0, null = 0;
    bounds.load(column.first_word, &row, 1, &word);
    bounds.load(column.null_word(), &row, 1, &null);
    return null != 0 ? std::optional<std::int64_t>() : std::optional(vm::int_of(word));
  }
  switch (bound.expression->op) {
    case datalog::ExpressionOp::kConstant:
      return std::optional(vm::int_of(bound.expression->words[0]));
    case datalog::ExpressionOp::kParameter: {
      const ParameterValue& value = arguments.parameters[bound.expression->detail];
      return value.null ? std::optional<std::int64_t>() : std::optional(vm::int_of(value.words[0]));
    }
    default:
      return std::optional<std::int64_t>();
  }
}

void PreparedQuery::Impl::count(const PlannedStratum&) {
  for (const vm::FragmentCounters& fragment : machine->fragment_counters()) {
    counters.rows_scanned += fragment.rows_scanned;
    counters.rows_probed += fragment.rows_probed;
    counters.rows_matched += fragment.rows_matched;
  }
}

Expected<void> PreparedQuery::Impl::run_stratum(PlannedStratum& stratum) {
  bool is_stale = false;
  for (std::size_t i = 0; i < stratum.sizes.size(); ++i) {
    const RelationId id = stratum.code.operands[i];
    const auto& own = program.strata[stratum.number].relations;
    if (!differ(stratum.sizes[i], size_of(id))) continue;
    is_stale = is_stale || std::find(own.begin(), own.end(), id) == own.end();
  }
  bool resuming = false;
  for (;;) {
    if (is_stale) {
      ++counters.plans;
      if (auto planned = plan(stratum); !planned) return planned;
    }
    const vm::Program& code = stratum.code.program;
    auto outcome =
        machine->run(*stratum.loaded, resuming ? code.resume_entry : code.entry, stratum.sizes);
    count(stratum);
    if (!outcome) return unexpected(std::move(outcome).error());
    if (*outcome != vm::Outcome::kReplan) return {};
    resuming = is_stale = true;
  }
}

// The rows of an answer that is stored.
Expected<void> PreparedQuery::Impl::hand_on_set() {
  const vm::Relation& answer = *temporaries[datalog::index_of(query.answer)];
  vm::RowRange range = answer.range(vm::View::kTotal);
  const std::size_t most = std::min(range.size(), vm::kBatchRows);
  SetRows& out = set_rows;
  out.columns.resize(answer.column_count());
  out.arrays.clear();
  for (auto& column : out.columns) {
    if (column.size() < most) column.resize(most);
    out.arrays.push_back(column.data());
  }
  if (out.rows.size() < most) out.rows.resize(most);
  while (const std::size_t n = answer.next_rows(range, out.rows.data(), most)) {
    for (std::uint32_t c = 0; c < out.columns.size(); ++c) {
      answer.load(c, out.rows.data(), n, out.columns[c].data());
    }
    if (!collector->receive(out.arrays, n)) break;
  }
  return {};
}

Expected<void> PreparedQuery::Impl::run(const QueryArguments& arguments, RowSink& sink) {
  counters = {};
  const std::int64_t started = options.clock != nullptr ? options.clock->steady_ns() : 0;
  machine->begin_run(leaves_values);
  const auto finished = [&](Expected<void> result) -> Expected<void> {
    collector->clear();
    machine->end_run();
    if (options.clock != nullptr) counters.nanoseconds = options.clock->steady_ns() - started;
    if (!result) return with_sqlstate(std::move(result).error());
    return {};
  };
  if (auto set = set_arguments(arguments); !set) return finished(std::move(set));
  bool is_begun = false;
  const auto begin = [&]() -> Expected<void> {
    auto most = value_of(limit, arguments);
    if (!most) return unexpected(std::move(most).error());
    auto first = value_of(offset, arguments);
    if (!first) return unexpected(std::move(first).error());
    if (*most && **most < 0) {
      return sql_error(ErrorCode::kData, "LIMIT must not be negative", "2201W");
    }
    if (*first && **first < 0) {
      return sql_error(ErrorCode::kData, "OFFSET must not be negative", "2201X");
    }
    std::optional<std::uint64_t> rows;
    if (*most) rows = static_cast<std::uint64_t>(**most);
    collector->begin(sink, *first ? static_cast<std::uint64_t>(**first) : 0, rows);
    is_begun = true;
    return {};
  };
  for (PlannedStratum& stratum : strata) {
    // The bounds, which may be computed, are known before the first row of the answer is.
    if (stratum.emits && !is_begun) {
      if (auto begun = begin(); !begun) return finished(std::move(begun));
    }
    if (auto done = run_stratum(stratum); !done) return finished(std::move(done));
  }
  if (!is_begun) {
    if (auto begun = begin(); !begun) return finished(std::move(begun));
  }
  if (!is_bag_answer()) {
    if (auto handed = hand_on_set(); !handed) return finished(std::move(handed));
  }
  auto handed = collector->finish();
  counters.rounds = machine->rounds();
  counters.rows_found = collector->rows_found();
  counters.rows_returned = collector->rows_returned();
  return finished(std::move(handed));
}

// ---------------------------------------------------------------------------------------------------
// The face

PreparedQuery::PreparedQuery(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PreparedQuery::~PreparedQuery() = default;

Expected<std::unique_ptr<PreparedQuery>> PreparedQuery::create(datalog::QueryProgram program,
                                                               PreparedQueryOptions options) {
  ENTAIL_ENSURE(options.pool != nullptr);
  auto impl = std::make_unique<Impl>(std::move(program), std::move(options));
  if (auto prepared = impl->prepare(); !prepared) {
    return with_sqlstate(std::move(prepared).error());
  }
  return std::unique_ptr<PreparedQuery>(new PreparedQuery(std::move(impl)));
}

const RelationLayout& PreparedQuery::layout() const { return impl_->answer_layout; }

std::span<const datalog::Column> PreparedQuery::columns() const {
  const auto& columns = impl_->program.relation(impl_->query.answer).columns;
  return std::span(columns).first(impl_->query.answer_columns);
}

const RelationLayout& PreparedQuery::given_layout(std::size_t position) const {
  return impl_->layouts[datalog::index_of(impl_->query.given[position])];
}

Expected<void> PreparedQuery::run(const QueryArguments& arguments, RowSink& sink) {
  return impl_->run(arguments, sink);
}

Expected<void> PreparedQuery::run(const QueryArguments& arguments, QueryResult& result) {
  result.begin(impl_->answer_layout, *impl_->options.pool, impl_->options.memory);
  auto done = impl_->run(arguments, result);
  if (!done) result.clear();
  return done;
}

const QueryCounters& PreparedQuery::counters() const { return impl_->counters; }

std::uint64_t PreparedQuery::bytes_used() const {
  std::uint64_t bytes = impl_->collector->bytes_used();
  for (const auto& relation : impl_->temporaries) {
    if (relation != nullptr) bytes += relation->bytes_used();
  }
  return bytes;
}

std::string PreparedQuery::explain(bool analyze) const {
  std::string text;
  for (const Impl::PlannedStratum& stratum : impl_->strata) {
    text += print_stratum_plan(impl_->program, stratum.plan, nullptr);
  }
  if (analyze) {
    const QueryCounters& c = impl_->counters;
    text += "rows: " + std::to_string(c.rows_scanned) + " scanned, " +
            std::to_string(c.rows_probed) + " keys looked up, " + std::to_string(c.rows_matched) +
            " matched, " + std::to_string(c.rows_found) + " found, " +
            std::to_string(c.rows_returned) + " returned\n";
  }
  return text;
}

std::string PreparedQuery::bytecode() const {
  std::string text;
  for (const Impl::PlannedStratum& stratum : impl_->strata) {
    text += vm::disassemble(stratum.code.program);
  }
  return text;
}

}  // namespace entail::compiler
