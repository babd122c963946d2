#include "tests/property/standing_law.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "compiler/constant_rows.h"
#include "compiler/evaluate.h"
#include "compiler/internal/derived_bags.h"
#include "compiler/internal/rule_parts.h"
#include "datalog/lower.h"
#include "datalog/program_printer.h"
#include "datalog/stratify.h"
#include "datalog/verify.h"
#include "grammar/parser.h"
#include "rete/network.h"
#include "tests/oracle/reference_evaluator.h"
#include "tests/property/pattern_generator.h"
#include "tests/property/row_lines.h"
#include "vm/base/cancel.h"
#include "vm/base/memory_budget.h"
#include "vm/base/random.h"

namespace entail::testing {

namespace {

using datalog::RelationId;
using rete::Network;
using vm::Word;

using Answer = std::map<std::string, Lines>;  // By relation.

// Enough for every program whose reference answer is known, and an end for those that run away.
constexpr std::uint64_t kOracleStepsMax = 150'000;
constexpr std::uint64_t kRowsTouchedMax = 40'000'000;
constexpr std::uint64_t kMemoryMax = std::uint64_t{1} << 34U;

// The reference gave up.
struct TooLarge {};

std::optional<datalog::RuleProgram> lowered(const GeneratedProgram& generated,
                                            grammar::SourceFiles& files, std::string& message) {
  grammar::Diagnostics diagnostics;
  grammar::NoFiles no_files;
  const grammar::Program tree =
      grammar::parse_text("law.dl", generated.text, {}, no_files, files, diagnostics);
  std::optional<datalog::RuleProgram> program;
  if (!diagnostics.has_errors()) program = datalog::lower(tree, {}, diagnostics);
  if (program) datalog::refuse_unexecuted(*program, diagnostics);
  if (program && !diagnostics.has_errors() && datalog::stratify(*program, diagnostics)) {
    return program;
  }
  message = diagnostics.render(files);
  return std::nullopt;
}

// What the model says after a transaction.
struct Expectation {
  Answer rows;
  std::set<std::string> failing;  // Names of rules that report an error in the data.
  bool has_key_error = false;     // Two rows under one key.
};

class StandingLaw {
 public:
  StandingLaw(const GeneratedProgram& generated, std::uint64_t seed, LawProgress& progress,
              const std::optional<FactHistory>& history)
      : generated_(generated), seed_(seed), progress_(progress), given_(history) {}

  StandingReport check() {
    try {
      run();
    } catch (Broken& broken) {
      report_.outcome = LawOutcome::kBroken;
      report_.message = std::string(progress_.stage) + ": " + std::move(broken.message);
      if (transaction_) {
        report_.message += "\nin transaction " + std::to_string(*transaction_ + 1);
        history_.transactions.resize(*transaction_ + 1);
        report_.message += " of\n" + to_text(*program_, history_);
      }
    } catch (TooLarge&) {
      report_.outcome = LawOutcome::kTooLarge;
    }
    return report_;
  }

 private:
  void run() {
    progress_.stage = "lower";
    std::string message;
    program_ = lowered(generated_, files_, message);
    if (!program_) throw Broken{message};
    history_ = generate_history(*program_, seed_);
    make_bags();
    make_sql();
    if (given_) history_ = *given_;
    model_.emplace(*program_);
    now_ = expected();
    pool_.emplace(program_->types);
    progress_.stage = "make";
    if (!make()) return;
    note_kinds();
    progress_.stage = "version 0";
    compare(now_);
    for (std::size_t i = 0; i < history_.transactions.size(); ++i) {
      if (i % 3 == 0) extend();
      if (i % 3 == 2) restart();
      transaction_ = i;
      run_transaction(history_.transactions[i]);
    }
    progress_.stage = "the end";
    report_.recomputed = network_->statistics().strata_recomputed;
    network_.reset();
    pool_->end_step();
    pool_->verify();
    if (pool_->stats().entries_live != 0) throw Broken{"texts outlive the network"};
    if (memory_.used() != 0) {
      throw Broken{std::to_string(memory_.used()) + " bytes are not given back"};
    }
  }

  // The generator knows derived sets only: in some cases some of them become bags, if nothing is stated in them.
  void make_bags() {
    if (seed_ % 3 != 0) return;
    std::set<RelationId> kept;
    for (const datalog::Rule& rule : program_->rules) {
      if (rule.body.empty()) kept.insert(rule.head.relation);
    }
    for (const FactTransaction& transaction : history_.transactions) {
      for (const ChangeStep& step : transaction.steps) {
        for (const FactChange& change : step.changes) {
          if (const auto id = find(change.relation)) kept.insert(*id);
        }
      }
    }
    for (const datalog::Stratum& stratum : program_->strata) {
      const RelationId id = stratum.relations.front();
      datalog::Relation& relation = program_->relation(id);
      if (stratum.recursive || stratum.rules.empty() || kept.count(id) != 0 ||
          !relation.key.empty() || relation.equivalence ||
          relation.extremum != datalog::Extremum::kNone) {
        continue;
      }
      if ((seed_ / 3 >> (datalog::index_of(id) % 16) & 1) != 0) continue;
      relation.collection = datalog::Collection::kBag;
    }
  }

  // Nor does it know limits and filters of aggregates, which only SQL has: in some cases some rules get them.
  void make_sql() {
    if (seed_ % 4 != 1) return;
    Random random(seed_);
    for (const datalog::Stratum& stratum : program_->strata) {
      for (const datalog::RuleId id : stratum.rules) {
        datalog::Rule& rule = program_->rules[datalog::index_of(id)];
        if (rule.body.empty()) continue;
        for (datalog::Literal& literal : rule.body) {
          auto* reduce = std::get_if<datalog::Reduce>(&literal.node);
          if (reduce != nullptr && random.chance(1, 2)) add_filter(rule, *reduce, random);
        }
        const datalog::Relation& relation = program_->relation(rule.head.relation);
        const bool is_plain =
            !relation.equivalence && relation.extremum == datalog::Extremum::kNone;
        if (stratum.recursive || !is_plain) continue;
        if (random.chance(1, 4)) {
          add_limit(rule, random);
        } else if (random.chance(1, 4)) {
          add_pattern(rule, random);
        }
      }
    }
    grammar::Diagnostics diagnostics;
    if (!datalog::stratify(*program_, diagnostics)) throw Broken{diagnostics.render(files_)};
  }

  static datalog::Expression constant_of(vm::Type type, std::uint64_t value) {
    datalog::Expression constant;
    constant.op = datalog::ExpressionOp::kConstant;
    constant.type = type;
    constant.words[0] = value;
    return constant;
  }

  // Only rows with a small number count.
  static void add_filter(const datalog::Rule& rule, datalog::Reduce& reduce, Random& random) {
    for (const datalog::VariableId variable : compiler::internal::bound_variables(reduce.body)) {
      const datalog::Variable& described = rule.variables[datalog::index_of(variable)];
      if (described.type.kind != vm::TypeKind::kNumber || described.nullable) continue;
      datalog::Expression condition;
      condition.op = datalog::ExpressionOp::kLess;
      condition.type = vm::Type::boolean();
      condition.arguments = {compiler::internal::variable_term(rule, variable),
                             constant_of(described.type, 1 + random.below(4))};
      for (datalog::Aggregate& aggregate : reduce.aggregates) {
        if (aggregate.op == datalog::AggregateOp::kCollect || random.chance(1, 3)) continue;
        aggregate.condition = condition;
      }
      return;
    }
  }

  // Only some of the matches count, by an order of them.
  static void add_limit(datalog::Rule& rule, Random& random) {
    const auto bound = compiler::internal::bound_variables(rule.body);
    if (bound.empty()) return;
    const std::vector<datalog::VariableId> variables(bound.begin(), bound.end());
    const auto any = [&] {
      return compiler::internal::variable_term(rule, random.pick(variables));
    };
    datalog::Rank rank;
    for (std::uint64_t n = random.below(3); n > 0; --n) {
      rank.order.push_back({any(), random.chance(1, 2), random.chance(1, 2)});
    }
    if (random.chance(1, 3)) rank.partition.push_back(any());
    if (random.chance(1, 3)) rank.offset = constant_of(vm::Type::of(vm::TypeKind::kInt8), 1);
    rank.limit = constant_of(vm::Type::of(vm::TypeKind::kInt8), random.below(6));
    if (random.chance(1, 3)) {
      datalog::RankResult number;
      number.result = compiler::internal::new_variable(
          rule, "_number", vm::Type::of(vm::TypeKind::kInt8), false, rule.span);
      rank.functions.push_back(std::move(number));
    }
    rank.body = std::move(rule.body);
    rule.body.clear();
    rule.body.push_back({std::move(rank), rule.span});
    rule.plan.reset();
  }

  // The program without the rules of some relations.
  std::optional<datalog::RuleProgram> reduced(std::uint64_t salt) const {
    datalog::RuleProgram program = compiler::internal::copy_of(*program_);
    const auto goes = [&](RelationId id) {
      return ((seed_ * 0x9e3779b97f4a7c15ULL + salt * 0xbf58476d1ce4e5b9ULL) >>
                  (20 + datalog::index_of(id) % 40) &
              1) != 0;
    };
    std::erase_if(program.rules, [&](const datalog::Rule& rule) {
      return !rule.body.empty() && goes(rule.head.relation);
    });
    grammar::Diagnostics diagnostics;
    if (!datalog::stratify(program, diagnostics)) return std::nullopt;
    return program;
  }

  // Another program is in force for a moment, then the whole one again.
  void extend() {
    if (seed_ % 2 != 0 || network_->in_transaction()) return;
    const auto other = reduced(transaction_.value_or(77));
    if (!other) return;
    const rete::ExtendOptions options = extend_options();
    const datalog::RuleProgram* const both[] = {&*other, &*program_};
    for (const datalog::RuleProgram* program : both) {
      progress_.stage = program == &*other ? "with fewer rules" : "with all rules again";
      auto done = network_->extend(*program, options);
      if (!done) {
        if (done.error().code == ErrorCode::kLimit && history_.rows_touched != 0) throw TooLarge{};
        throw Broken{done.error().message};
      }
      network_->verify();
    }
    compare(now_);
  }

  // Another process goes on with an image of the network, in a pool of its own; sometimes one of a program
  // with fewer rules.
  void restart() {
    if (seed_ % 5 > 2 || network_->in_transaction() || history_.rows_touched != 0) return;
    progress_.stage = "saved";
    if (seed_ % 5 == 2) {
      if (const auto other = reduced(transaction_.value_or(78))) {
        if (auto done = network_->extend(*other, extend_options()); !done) {
          throw Broken{done.error().message};
        }
      }
    }
    const rete::RelationNames names = [this](RelationId id) {
      return program_->relations[datalog::index_of(id)].name;
    };
    Bytes image;
    if (auto saved = network_->save(image, names); !saved) throw Broken{saved.error().message};
    const vm::Version version = network_->version();
    network_.reset();
    pool_->end_step();
    pool_->verify();
    pool_.reset();
    pool_.emplace(program_->types);
    progress_.stage = "restored";
    rete::NetworkOptions options = network_options();
    options.states_facts = false;
    auto made = Network::restore(*program_, options, image, names);
    if (!made) throw Broken{made.error().message};
    network_ = std::move(*made);
    for (const datalog::Rule& fact : model_->program().rules) {
      if (!is_fact(fact) || network_->is_restored(fact.head.relation)) continue;
      const auto row = compiler::constant_row(fact, network_->layout(fact.head.relation), *pool_);
      if (!row) throw Broken{"a fact is no constant row"};
      std::vector<const Word*> columns;
      for (const Word& word : *row) columns.push_back(&word);
      if (auto done = network_->load(fact.head.relation, {columns, 1}); !done) {
        throw Broken{done.error().message};
      }
    }
    if (auto done = network_->end_load(version); !done) throw Broken{done.error().message};
    compare(now_);
  }

  // An image in memory, given back in small pieces.
  class Bytes final : public rete::ImageSink, public rete::ImageSource {
   public:
    Expected<void> append(std::string_view bytes) override {
      bytes_ += bytes;
      return {};
    }
    Expected<std::string_view> next() override {
      const std::string_view piece = std::string_view(bytes_).substr(position_, 61);
      position_ += piece.size();
      return piece;
    }

   private:
    std::string bytes_;
    std::size_t position_ = 0;
  };

  rete::ExtendOptions extend_options() const {
    rete::ExtendOptions options;
    options.files = &files_;
    for (std::size_t i = 0; i < program_->relations.size(); ++i) {
      options.watched.insert(static_cast<RelationId>(i));
    }
    return options;
  }

  rete::NetworkOptions network_options() {
    rete::NetworkOptions options;
    options.pool = &*pool_;
    options.files = &files_;
    options.memory = &memory_;
    options.cancel = &cancel_;
    options.plan_seed = history_.plan_seed;
    options.recompute_fraction = history_.recompute_fraction;
    options.limits.rows_touched = kRowsTouchedMax;
    for (std::size_t i = 0; i < program_->relations.size(); ++i) {
      options.watched.insert(static_cast<RelationId>(i));
    }
    return options;
  }

  // False when the network refuses the program.
  bool make() {
    rete::NetworkOptions options = network_options();
    auto made = Network::create(*program_, options);
    if (made && history_.rows_touched != 0) {
      options.limits.rows_touched = (*made)->statistics().rows_touched + history_.rows_touched;
      made->reset();
      auto again = Network::create(*program_, options);
      if (again || again.error().code != ErrorCode::kLimit) made = std::move(again);
      if (!made->get()) {  // Making it touches more than it counted.
        options.limits.rows_touched = kRowsTouchedMax;
        made = Network::create(*program_, options);
      }
    }
    if (made) {
      network_ = std::move(*made);
      return true;
    }
    if (made.error().code == ErrorCode::kUnsupported) {
      report_.refusal = made.error().message;
      return false;
    }
    if (made.error().code == ErrorCode::kData && now_.has_key_error) return false;
    throw Broken{made.error().message};
  }

  void note_kinds() {
    std::set<RelationId> all;
    for (std::size_t i = 0; i < program_->relations.size(); ++i) {
      all.insert(static_cast<RelationId>(i));
    }
    const auto form = compiler::standing_form(*program_, all, &files_);
    if (!form) throw Broken{form.error().message};
    for (const compiler::StandingStratum& stratum : form->strata) {
      report_.kinds.set(static_cast<std::size_t>(stratum.kind));
    }
  }

  void run_transaction(const FactTransaction& transaction) {
    const StatedFacts before = *model_;
    bool fails = false;
    for (std::size_t i = 0; i < transaction.steps.size() && !fails; ++i) {
      const ChangeStep& step = transaction.steps[i];
      const bool is_open = transaction.ends_open && i + 1 == transaction.steps.size();
      progress_.stage = "step";
      for (const FactChange& change : step.changes) apply(change);
      if (!is_open) fails = !run_step(step);
    }
    if (!fails && !transaction.is_aborted) {
      progress_.stage = "commit";
      Expectation next = expected();
      auto committed = network_->commit();
      if (committed) {
        ++report_.commits;
        progress_.stage = "after a commit";
        compare(next);
        progress_.stage = "the reported changes";
        compare_changes(*committed, next);
        now_ = std::move(next);
        return;
      }
      if (!may_fail(committed.error(), next)) throw Broken{committed.error().message};
    }
    progress_.stage = "abort";
    network_->abort();
    ++report_.aborts;
    *model_ = before;
    progress_.stage = "after an abort";
    compare(now_);
  }

  // False when the step could not be done, and need not.
  bool run_step(const ChangeStep& step) {
    std::uint64_t held = 0;
    if (step.hindrance == Hindrance::kMemory) {
      const std::uint64_t left = kMemoryMax - memory_.used();
      held = left - std::min(step.bytes_left, left);
      memory_.reserve_anyway(held);
    }
    if (step.hindrance == Hindrance::kCancel) cancel_.cancel();
    const auto done = network_->step();
    cancel_.reset();
    memory_.release(held);
    if (!done) {
      const bool is_asked_for =
          step.hindrance != Hindrance::kNone &&
          (done.error().code == ErrorCode::kLimit || done.error().code == ErrorCode::kCancelled);
      if (!is_asked_for && !may_fail(done.error(), expected())) throw Broken{done.error().message};
      ++report_.hindered;
      return false;
    }
    if (step.is_checked) {
      progress_.stage = "after a step";
      compare(expected());
    }
    return true;
  }

  bool may_fail(const Error& error, const Expectation& expected) {
    if (error.code == ErrorCode::kLimit && history_.rows_touched != 0) return true;
    return error.code == ErrorCode::kData && expected.has_key_error;
  }

  void apply(const FactChange& change) {
    const auto relation = find(change.relation);
    if (!relation) return;
    datalog::Rule fact;
    fact.head.relation = *relation;
    fact.head.terms = change.terms;
    const auto row = compiler::constant_row(fact, network_->layout(*relation), *pool_);
    if (!row) throw Broken{"a fact is no constant row"};
    std::vector<const Word*> columns;
    for (const Word& word : *row) columns.push_back(&word);
    rete::FactChanges changes{columns, 1, &change.weight};
    changes.is_arrival = false;  // The model knows nothing of time: that is the clock law's.
    const auto done = network_->change(*relation, changes);
    if (!done) throw Broken{done.error().message};
    model_->apply(change);
  }

  std::optional<RelationId> find(const std::string& name) const {
    for (std::size_t i = 0; i < program_->relations.size(); ++i) {
      if (program_->relations[i].name == name) return static_cast<RelationId>(i);
    }
    return std::nullopt;
  }

  // --- what is expected

  // The reference's answer for what is stated now, and the same from scratch by the engine.
  Expectation expected() const {
    datalog::RuleProgram program = model_->program();
    grammar::Diagnostics diagnostics;
    if (!datalog::stratify(program, diagnostics)) throw Broken{diagnostics.render(files_)};
    if (auto sound = datalog::verify_rule_program(program); !sound) {
      throw Broken{sound.error().message};
    }
    auto answer = oracle::evaluate(program, {}, {.steps_max = kOracleStepsMax});
    if (!answer) {
      if (answer.error().code == ErrorCode::kLimit) throw TooLarge{};
      throw Broken{answer.error().message};
    }
    Expectation made;
    for (const std::string& error : answer->errors) {
      made.failing.insert(error.substr(0, error.find(": ")));
      made.has_key_error = made.has_key_error || error.ends_with("two rows under one key");
    }
    made.rows = std::move(answer->rows);
    evaluate(program, made);
    return made;
  }

  void evaluate(datalog::RuleProgram& program, const Expectation& expected) const {
    const char* const stage = progress_.stage;
    progress_.stage = "from scratch";
    compiler::EvaluationOptions options;
    options.limits.rows_touched = kRowsTouchedMax;
    auto made = compiler::Evaluation::create(program, options);
    Expected<void> done;
    if (!made) {
      done = unexpected(made.error());
    } else {
      done = (*made)->run();
    }
    if (done) {
      for (std::size_t i = 0; i < program_->relations.size(); ++i) {
        const auto id = static_cast<RelationId>(i);
        expect_equal(program_->relations[i].name, expected.rows.at(program_->relations[i].name),
                     lines_of(**made, id));
      }
    } else if (done.error().code != ErrorCode::kData ||
               (expected.failing.empty() && !generated_.may_fail)) {
      throw Broken{done.error().message};
    }
    progress_.stage = stage;
  }

  Lines lines_of(const compiler::Evaluation& evaluation, RelationId id) const {
    constexpr std::size_t kAtOnce = 64;
    std::vector<std::vector<Word>> columns(evaluation.layout(id).words.size(),
                                           std::vector<Word>(kAtOnce));
    std::vector<Word*> pointers;
    for (auto& column : columns) pointers.push_back(column.data());
    Lines lines;
    compiler::RowCursor cursor = evaluation.rows(id);
    while (const std::size_t n = cursor.next(pointers, kAtOnce)) {
      for (std::size_t row = 0; row < n; ++row) {
        lines.push_back(line_of(program_->relation(id), evaluation.layout(id), evaluation.pool(),
                                columns, row));
      }
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  // --- what is found

  void compare(const Expectation& expected) {
    network_->verify();
    for (std::size_t i = 0; i < program_->relations.size(); ++i) {
      const auto id = static_cast<RelationId>(i);
      const std::string& name = program_->relations[i].name;
      const Lines found = lines_of(id);
      expect_equal(name, expected.rows.at(name), found);
      if (network_->row_count(id) != found.size()) {
        throw Broken{"'" + name + "' counts " + std::to_string(network_->row_count(id)) +
                     " rows and shows " + std::to_string(found.size())};
      }
    }
    compare_errors(expected);
    if (!expected.failing.empty()) ++report_.versions_with_errors;
  }

  // Rules that failed were perhaps made into others, of relations that the program does not name.
  void compare_errors(const Expectation& expected) {
    std::set<std::string> found;
    bool is_exact = true;
    for (const rete::ErrorInstance& error : network_->errors()) {
      is_exact = is_exact && datalog::index_of(error.relation) < program_->relations.size();
      found.insert(network_->program().relation(error.relation).name);
    }
    std::set<std::string> wanted;
    for (const datalog::Rule& rule : program_->rules) {
      if (expected.failing.count(rule.name) == 0) continue;
      wanted.insert(program_->relation(rule.head.relation).name);
    }
    const bool agree = is_exact ? found == wanted : !wanted.empty();
    if (agree) return;
    std::string message = "errors of";
    for (const std::string& name : found) message += " '" + name + "'";
    message += " instead of";
    for (const std::string& name : wanted) message += " '" + name + "'";
    throw Broken{std::move(message)};
  }

  Lines lines_of(RelationId id) const {
    const vm::StandingRelation& relation = network_->relation(id);
    std::vector<std::vector<Word>> columns(relation.column_count());
    vm::Row position = 0;
    vm::Row rows[5];  // Few, so that scans go on where they were.
    std::size_t count = 0;
    while (const std::size_t n = relation.scan(vm::View::kTotal, position, rows, std::size(rows))) {
      for (std::uint32_t c = 0; c < columns.size(); ++c) {
        columns[c].resize(count + n);
        relation.load(c, rows, n, columns[c].data() + count);
      }
      count += n;
    }
    return lines_of(id, columns, count);
  }

  Lines lines_of(RelationId id, const std::vector<std::vector<Word>>& columns,
                 std::size_t count) const {
    Lines lines;
    for (std::size_t row = 0; row < count; ++row) {
      lines.push_back(line_of(program_->relation(id), network_->layout(id), *pool_, columns, row));
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  // Every relation is watched: each row that came or went is reported once, in bags as often as it did.
  void compare_changes(const rete::Committed& committed, const Expectation& next) {
    std::map<std::string, Lines> reported;
    for (const rete::NetChange& change : committed.changes) {
      const std::string& name = program_->relation(change.relation).name;
      report_.rows_changed += change.size();
      if (change.size() == 0 || reported.count(name) != 0) {
        throw Broken{"the change of '" + name + "' is empty or reported twice"};
      }
      for (std::size_t row = 0; row < change.size(); ++row) {
        reported[name].push_back((change.signs[row] > 0 ? "+ " : "- ") +
                                 line_of(program_->relation(change.relation),
                                         network_->layout(change.relation), *pool_, change.columns,
                                         row));
      }
    }
    for (const auto& [name, lines] : next.rows) {
      Lines wanted, came, went;
      const Lines& before = now_.rows.at(name);
      std::set_difference(lines.begin(), lines.end(), before.begin(), before.end(),
                          std::back_inserter(came));
      std::set_difference(before.begin(), before.end(), lines.begin(), lines.end(),
                          std::back_inserter(went));
      for (const std::string& line : came) wanted.push_back("+ " + line);
      for (const std::string& line : went) wanted.push_back("- " + line);
      Lines found = std::move(reported[name]);
      std::sort(wanted.begin(), wanted.end());
      std::sort(found.begin(), found.end());
      if (is_bag(name)) found = netted(found);
      expect_equal("the change of " + name, wanted, found);
    }
  }

  bool is_bag(const std::string& name) const {
    return program_->relation(*find(name)).collection == datalog::Collection::kBag;
  }

  // Without the pairs of equal rows of which one came and one went.
  static Lines netted(const Lines& signed_lines) {
    std::map<std::string, int> sums;
    for (const std::string& line : signed_lines) sums[line.substr(2)] += line[0] == '+' ? 1 : -1;
    Lines lines;
    for (const auto& [line, sum] : sums) {
      lines.insert(lines.end(), static_cast<std::size_t>(std::abs(sum)),
                   (sum > 0 ? "+ " : "- ") + line);
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  const GeneratedProgram& generated_;
  std::uint64_t seed_;
  LawProgress& progress_;
  const std::optional<FactHistory>& given_;
  grammar::SourceFiles files_;
  std::optional<datalog::RuleProgram> program_;
  FactHistory history_;
  std::optional<StatedFacts> model_;
  Expectation now_;  // At the last commit.
  CancelToken cancel_;
  std::optional<vm::ValuePool> pool_;
  MemoryBudget memory_{kMemoryMax};
  std::unique_ptr<Network> network_;
  std::optional<std::size_t> transaction_;
  StandingReport report_;
};

}  // namespace

std::string_view standing_kind_name(compiler::StandingKind kind) {
  switch (kind) {
    case compiler::StandingKind::kCounted:
      return "counted";
    case compiler::StandingKind::kRanked:
      return "ranked";
    case compiler::StandingKind::kReduced:
      return "reduced";
    case compiler::StandingKind::kEquivalence:
      return "equivalence";
    case compiler::StandingKind::kRecomputed:
      return "recomputed";
    case compiler::StandingKind::kRegrouped:
      return "regrouped";
    case compiler::StandingKind::kOrdered:
      return "ordered";
    case compiler::StandingKind::kTimed:
      return "timed";
  }
  return "";
}

StandingReport check_standing_law(const GeneratedProgram& program, std::uint64_t seed,
                                  LawProgress& progress,
                                  const std::optional<FactHistory>& history) {
  return StandingLaw(program, seed, progress, history).check();
}

std::optional<FactHistory> standing_history(const GeneratedProgram& program, std::uint64_t seed) {
  grammar::SourceFiles files;
  std::string message;
  const auto made = lowered(program, files, message);
  if (!made) return std::nullopt;
  return generate_history(*made, seed);
}

std::string print_history(const GeneratedProgram& program, const FactHistory& history) {
  grammar::SourceFiles files;
  std::string message;
  const auto made = lowered(program, files, message);
  if (!made) return message;
  std::set<RelationId> all;
  for (std::size_t i = 0; i < made->relations.size(); ++i) all.insert(static_cast<RelationId>(i));
  const auto form = compiler::standing_form(*made, all, &files);
  return "// stands as\n" + (form ? datalog::print_program(form->program) : form.error().message) +
         "// changed by\n" + to_text(*made, history);
}

}  // namespace entail::testing
