// tests/property/fact_history.h - random changes of a program's stated facts, and what is stated after
// them.
//
// A history is some transactions; a transaction is some steps of signed changes and ends with a commit
// or an abort. Its values are those that occur in the program, so that joins hit; changes often take
// each other back, delete what is not there and state what is stated already.
//
//     generate_history(program, seed) ▸ FactHistory ▸ StatedFacts::apply(change)
//                                                        ▸ program(): the rules, and these facts
//
// Relations are called by name, so that a history fits a shortened program, too.
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "datalog/rule_program.h"
#include "tests/oracle/value.h"

namespace entail::testing {

struct FactChange {
  std::string relation;
  std::vector<datalog::Expression> terms;  // Constants.
  std::int64_t weight = 1;
};

// What is to stop a step half way, so that only abort() is left.
enum class Hindrance : std::uint8_t { kNone, kMemory, kCancel };

struct ChangeStep {
  std::vector<FactChange> changes;
  Hindrance hindrance = Hindrance::kNone;
  std::uint64_t bytes_left = 0;  // kMemory: more than these cannot be had.
  bool is_checked = false;       // The rows are compared after it, in the open transaction.
};

struct FactTransaction {
  std::vector<ChangeStep> steps;
  bool is_aborted = false;
  bool ends_open = false;  // The last changes are not made a step before the end.
};

struct FactHistory {
  std::uint64_t plan_seed = 0;
  double recompute_fraction = 0.5;
  // Not 0: so many rows more than making the network may a transaction touch.
  std::uint64_t rows_touched = 0;
  std::vector<FactTransaction> transactions;
};

// Whether a rule states a fact: no body, and nothing to compute.
bool is_fact(const datalog::Rule& rule);

FactHistory generate_history(const datalog::RuleProgram& program, std::uint64_t seed);
std::string to_text(const datalog::RuleProgram& program, const FactHistory& history);

// The model: what is stated, by the meaning of each kind of relation.
class StatedFacts {
 public:
  // Those that the program states. It outlives this.
  explicit StatedFacts(const datalog::RuleProgram& program);

  void apply(const FactChange& change);
  // The program's rules with these facts in the place of its own; not stratified.
  datalog::RuleProgram program() const;

 private:
  struct Fact {
    oracle::Row row;
    datalog::Rule rule;
  };
  void apply(std::size_t relation, const datalog::Rule& fact, bool is_deletion);

  const datalog::RuleProgram* program_;
  std::map<std::string, std::size_t> numbers_;
  std::vector<std::vector<Fact>> facts_;  // By relation, in the order of their coming.
};

}  // namespace entail::testing
