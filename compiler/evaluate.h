// compiler/evaluate.h - a rule program, evaluated from scratch on loaded facts.
//
//     auto evaluation = Evaluation::create(program, {.team = &team, .pool = &pool});
//     (*evaluation)->load(edge, columns, n);            // facts, as often as there are batches
//     (*evaluation)->run();
//     RowCursor rows = (*evaluation)->rows(path);
//     while (std::size_t n = rows.next(columns, capacity)) …
//
// Strata run in order. Each is planned when all below it are complete, from the sizes they really have,
// and planned again when a recursive relation outgrows what the plan was made for.
//
// Errors: kData where the facts make an expression fail, with the rule's place first ("a.dl:3:17: error:
// division by zero in '10 / x'"); kLimit when a budget is used up; kCancelled; kUnsupported for a construct that is
// not executed yet. After a failed run the relations hold what had been derived.
//
// Ranks, with that option: rows of recursive strata carry one, 1 + the highest among the row's premises in
// the same stratum when it was first derived, 1 for loaded facts and where there is no such premise
// (relation(id)->load_ranks). So each row of a plain set has a derivation whose premises in the stratum
// have lower ranks. Equivalence relations carry none, and a pair of one counts for nothing as a premise;
// under a minimum or maximum a better row takes the place of the one it improves, with its own rank.
//
// Lifetime: program, pool, team, files and whatever else the options name outlive the evaluation.
// Threads: one drives it; the team's threads work inside run().
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "compiler/emit.h"
#include "compiler/layout.h"
#include "compiler/rule_plan.h"
#include "compiler/statistics.h"
#include "datalog/rule_program.h"
#include "grammar/source_span.h"
#include "vm/base/cancel.h"
#include "vm/base/clock.h"
#include "vm/base/expected.h"
#include "vm/base/memory_budget.h"
#include "vm/base/thread_team.h"
#include "vm/equivalence_relation.h"
#include "vm/interpreter.h"
#include "vm/relation.h"
#include "vm/value_pool.h"

namespace entail::compiler {

namespace internal {
class MeasuredCardinalities;
class InventedCardinalities;
}  // namespace internal

struct EvaluationOptions {
  vm::ValuePool* pool = nullptr;                // Over program.types; nullptr: one of its own.
  ThreadTeam* team = nullptr;                   // nullptr: the calling thread alone.
  const grammar::SourceFiles* files = nullptr;  // For the places in messages.
  const CancelToken* cancel = nullptr;
  const Clock* clock = nullptr;  // For times in the statistics; else they are 0.
  vm::Progress* progress = nullptr;
  vm::MachineLimits limits;
  MemoryBudget* memory = nullptr;  // nullptr: no limit.
  // Whether the clock of a stream in whose clock nothing is stated holds the highest event time of its rows, less
  // the delay. Else it has not begun.
  bool starts_clocks = false;
  bool ranks = false;                 // Rows of recursive strata carry ranks.
  bool keep_explanations = false;     // Keep plans and bytecode as text, for explain.
  std::uint64_t plan_seed = 0;        // Not 0: plan with sizes made up from it (tests).
  std::size_t parallel_rows_min = 0;  // Not 0: share fragments from so many source rows on.
};

// The rows of a relation in the order they became known; an equivalence relation's are its pairs.
// Valid while the evaluation lives and is not run or loaded.
class RowCursor {
 public:
  // The next rows, at most `capacity`, into one array a word column; how many. 0 at the end.
  std::size_t next(std::span<vm::Word* const> columns, std::size_t capacity);

 private:
  friend class Evaluation;
  const vm::Relation* relation_ = nullptr;
  const vm::EquivalenceRelation* equivalence_ = nullptr;
  vm::RowRange range_;
  vm::EquivalenceRelation::PairCursor pairs_;
  std::vector<vm::Row> ids_;
};

// What explain prints of a stratum: text of each plan, and of the program, in the order they were made.
struct StratumExplanation {
  std::uint32_t stratum = 0;
  std::string plan;
  std::string bytecode;
};

class Evaluation {
 public:
  // Hoists reductions out of the program (compiler/hoist.h), then makes its relations and loads the facts
  // that the program states. REQUIRES: the program is stratified.
  static Expected<std::unique_ptr<Evaluation>> create(datalog::RuleProgram& program,
                                                      EvaluationOptions options);
  ~Evaluation();
  Evaluation(const Evaluation&) = delete;  // Owns relations.
  Evaluation& operator=(const Evaluation&) = delete;

  // Takes n facts, given as one array a word column (layout(relation)). Before run().
  Expected<void> load(datalog::RelationId relation, std::span<const vm::Word* const> columns,
                      std::size_t n);

  // Evaluates all strata. Once. Fails with kData where a denial rule has a match.
  Expected<void> run();

  const datalog::RuleProgram& program() const { return program_; }
  vm::ValuePool& pool() const { return *options_.pool; }
  const RelationLayout& layout(datalog::RelationId id) const {
    return layouts_[datalog::index_of(id)];
  }
  std::uint64_t row_count(datalog::RelationId id) const;
  RowCursor rows(datalog::RelationId id) const;

  // What holds the rows: exactly one of the two.
  const vm::Relation* relation(datalog::RelationId id) const {
    return relations_[datalog::index_of(id)].get();
  }
  const vm::EquivalenceRelation* equivalence(datalog::RelationId id) const {
    return equivalences_[datalog::index_of(id)].get();
  }
  std::uint64_t bytes_used(datalog::RelationId id) const;
  std::uint64_t bytes_of_indexes(datalog::RelationId id) const;

  const EvaluationStatistics& statistics() const { return statistics_; }
  const std::vector<StratumExplanation>& explanations() const { return explanations_; }

  // Which of the given rows of the rule's head relation the rule derives from what is known now: the
  // bound form. One bool a row. After run().
  Expected<std::vector<bool>> derivable(datalog::RuleId rule,
                                        std::span<const vm::Word* const> columns, std::size_t n);

  // A question to what is known: given rows are joined with a body. Its first literal matches the relation
  // given_id(), its head is a row of the relation answers_id(); both exist for the time of the call.
  struct Question {
    datalog::Rule rule;
    std::vector<datalog::Column> given;    // Of given_id().
    std::vector<datalog::Column> answers;  // Of answers_id().
  };
  datalog::RelationId given_id() const {
    return static_cast<datalog::RelationId>(program_.relations.size());
  }
  datalog::RelationId answers_id() const {
    return static_cast<datalog::RelationId>(program_.relations.size() + 1);
  }
  // The answers as rows of words, each once. After run(). `n` rows are given, one array a word column.
  // What the rows hold of texts and records stays in the pool for the pool's life.
  Expected<std::vector<std::vector<vm::Word>>> answer(const Question& question,
                                                      std::span<const vm::Word* const> columns,
                                                      std::size_t n);

  // The rank of the row in a relation that carries ranks; 0 where it holds no such row. Makes an index of
  // all columns the first time.
  vm::Word rank_of(datalog::RelationId id, const std::vector<vm::Word>& row);

 private:
  Evaluation(datalog::RuleProgram& program, EvaluationOptions options);

  // Evaluates the plan of `rule` on the rows given, with two relations of these shapes behind the
  // program's, and hands the one with the answers to `use` before both go.
  template <typename Use>
  Expected<void> ask(const datalog::Rule& rule, datalog::RuleId id, datalog::Relation given,
                     datalog::Relation answers, std::span<const vm::Word* const> columns,
                     std::size_t n, Use&& use);

  Expected<void> make_relations();
  Expected<void> start_clocks();
  Expected<void> load_program_facts();
  Expected<void> run_stratum(std::uint32_t number);
  Expected<void> check_denials() const;
  Expected<StratumCode> compile_stratum(const datalog::Stratum& stratum, StratumPlan& plan);
  void build_indexes(const std::vector<RulePlan*>& plans);
  // Of what is evaluated outside the strata; a stratum's know its ranked relations too.
  EmitScope emit_scope() const;
  PlanScope plan_scope() const;
  std::set<datalog::RelationId> ranked_relations(const datalog::Stratum& stratum) const;
  std::vector<vm::RelationBinding> bindings_of(const StratumCode& code) const;
  void count_work(const StratumCode& code, StratumStatistics& into) const;
  void release_constants(const StratumCode& code);
  void explain(std::uint32_t number, const StratumPlan& plan, const StratumCode& code);

  datalog::RuleProgram& program_;
  EvaluationOptions options_;
  std::unique_ptr<vm::ValuePool> own_pool_;
  std::unique_ptr<SerialTeam> own_team_;
  std::vector<RelationLayout> layouts_;
  std::vector<std::unique_ptr<vm::Relation>> relations_;  // By relation; null for equivalences.
  std::vector<std::unique_ptr<vm::EquivalenceRelation>> equivalences_;
  // With starts_clocks, by relation that is a stream with event time: the highest that was loaded.
  std::map<datalog::RelationId, std::int64_t> highest_times_;
  std::set<datalog::RelationId> loaded_;  // With starts_clocks: what has rows.
  std::vector<bool> rule_is_loaded_;      // By rule: a fact that went into its relation directly.
  std::unique_ptr<internal::MeasuredCardinalities> cardinalities_;
  std::unique_ptr<internal::InventedCardinalities> invented_;  // With a plan seed.
  std::unique_ptr<vm::Machine> machine_;
  EvaluationStatistics statistics_;
  std::vector<StratumExplanation> explanations_;
};

}  // namespace entail::compiler
