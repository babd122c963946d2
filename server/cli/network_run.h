// server/cli/network_run.h - a program that stands, with everything it needs: pool, budget, facts.
//
//     auto run = NetworkRun::create(*rules, files, {.memory_limit = 200 << 20});
//     (*run)->load_facts("facts");
//     (*run)->network().commit();
//     RowSource rows = (*run)->rows(path);
//
// Threads: one drives it.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "datalog/rule_program.h"
#include "grammar/source_span.h"
#include "rete/network.h"
#include "server/cli/change_line.h"
#include "server/cli/fact_writer.h"
#include "vm/base/cancel.h"
#include "vm/base/clock.h"
#include "vm/base/expected.h"
#include "vm/base/memory_budget.h"
#include "vm/value_pool.h"

namespace entail::cli {

class NetworkRun {
 public:
  struct Options {
    std::uint64_t memory_limit = MemoryBudget::kUnlimited;  // Bytes.
    const CancelToken* cancel = nullptr;
    const Clock* clock = nullptr;      // For now().
    const Clock* stopwatch = nullptr;  // For times in the statistics.
  };

  // What is named must outlive the run. REQUIRES: the program is stratified.
  static Expected<std::unique_ptr<NetworkRun>> create(const datalog::RuleProgram& program,
                                                      const grammar::SourceFiles& files,
                                                      const Options& options);

  // Reads what the .input directives name, as changes of the open step; returns the number of rows
  // read. Standard input is refused: it carries the changes.
  Expected<std::uint64_t> load_facts(const std::string& directory);

  rete::Network& network() { return *network_; }
  const datalog::RuleProgram& program() const { return program_; }
  vm::ValuePool& pool() { return pool_; }

  // The rows of a relation as they are now, in no order; valid until the next change.
  RowSource rows(datalog::RelationId relation) const;
  // Those that agree with a pattern over a relation.
  RowSource matches(const AtomPattern& pattern, const RowShape& shape) const;
  // As ChangeLineReader::StoredRow.
  bool complete_by_key(datalog::RelationId relation, std::span<vm::Word> row) const;

 private:
  NetworkRun(const datalog::RuleProgram& program, const Options& options)
      : program_(program), options_(options), memory_(options.memory_limit), pool_(program.types) {}

  const datalog::RuleProgram& program_;
  Options options_;
  MemoryBudget memory_;
  vm::ValuePool pool_;
  std::unique_ptr<rete::Network> network_;
};

}  // namespace entail::cli
