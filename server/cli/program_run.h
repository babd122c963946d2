// server/cli/program_run.h - one evaluation with everything it needs: pool, threads, budget, facts.
//
//     auto run = ProgramRun::create(std::move(program), files, {.threads = 2});
//     (*run)->load_facts("facts");
//     (*run)->evaluate();
//     RowSource rows = (*run)->rows(path);
//
// Threads: one drives it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "compiler/evaluate.h"
#include "datalog/rule_program.h"
#include "grammar/source_span.h"
#include "server/cli/fact_writer.h"
#include "server/cli/std_thread_team.h"
#include "server/runtime/system_clock.h"
#include "vm/base/cancel.h"
#include "vm/base/expected.h"
#include "vm/base/memory_budget.h"
#include "vm/interpreter.h"
#include "vm/value_pool.h"

namespace entail::cli {

class ProgramRun {
 public:
  struct Options {
    unsigned threads = 1;
    std::uint64_t memory_limit = MemoryBudget::kUnlimited;  // Bytes.
    const CancelToken* cancel = nullptr;
    bool measure_time = false;  // For statistics.
    bool ranks = false;         // Rows of recursive strata carry ranks.
    // Sees the rows that load_facts() reads.
    std::function<void(datalog::RelationId relation, std::span<const vm::Word* const> columns,
                       std::size_t rows)>
        watch_facts = {};
  };

  // Makes the relations and loads the facts that stand in the program. `files` must outlive the run.
  // REQUIRES: the program is stratified.
  static Expected<std::unique_ptr<ProgramRun>> create(datalog::RuleProgram program,
                                                      const grammar::SourceFiles& files,
                                                      const Options& options);

  // Reads what the .input directives name, but for relations that lead to no output where others
  // do; returns the number of rows read. Before evaluate().
  Expected<std::uint64_t> load_facts(const std::string& directory);
  Expected<void> evaluate();

  const datalog::RuleProgram& program() const { return program_; }
  vm::ValuePool& pool() { return *pool_; }
  const compiler::Evaluation& evaluation() const { return *evaluation_; }
  compiler::Evaluation& evaluation() { return *evaluation_; }
  const vm::Progress& progress() const { return progress_; }

  std::uint64_t row_count(datalog::RelationId relation) const;
  // The rows in the order they became known; valid as long as the run.
  RowSource rows(datalog::RelationId relation) const;
  // Whether facts of the program or rules give rows of it, so that their order is an accident.
  bool is_derived(datalog::RelationId relation) const;

 private:
  explicit ProgramRun(datalog::RuleProgram program, const Options& options);

  Expected<std::uint64_t> load_one(const datalog::Directive& directive,
                                   const std::string& directory);
  Expected<void> check_memory() const;

  datalog::RuleProgram program_;
  Options options_;
  runtime::SystemClock clock_;
  StdThreadTeam team_;
  MemoryBudget memory_;
  vm::Progress progress_;
  std::unique_ptr<vm::ValuePool> pool_;
  std::unique_ptr<compiler::Evaluation> evaluation_;
};

}  // namespace entail::cli
