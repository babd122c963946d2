// tests/oracle/agenda_interpreter.h - what productions do, by a program too simple to be wrong.
//
// After each step all rules are evaluated and all productions matched from scratch, by nested loops over
// whole relations. What has fired is a set of matches; the next to fire is the least of the others. A
// transaction that is aborted is a copy that is thrown away. Nothing is shared with rete/ or the compiler.
//
// A match is what tells it from another: for each condition the number of the fact, if no rule derives its
// relation, else the values of the row; and the values that generators give.
//
// What it refuses (kUnsupported): bodies with aggregates, windows and patterns, eqrel, extrema, `for`,
// calls, schedules, lock_on_active.
//
// Threads: none of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "datalog/rule_program.h"
#include "tests/oracle/expression_evaluator.h"
#include "tests/oracle/value.h"

namespace entail::oracle {

struct FactStatement {
  datalog::RelationId relation{};
  Row row;
  bool is_deletion = false;
};

class AgendaInterpreter {
 public:
  // REQUIRES: stratify() has filled the program's strata. Throws Unsupported.
  AgendaInterpreter(const datalog::RuleProgram& program, std::uint64_t firings_max);

  // One step, and the firings after it. False: they do not settle; abort() is due.
  bool step(const std::vector<FactStatement>& statements);
  // What was emitted, in order: "Out 1,2".
  std::vector<std::string> commit();
  void abort() { state_ = committed_; }

  // By name of relation: a line for each row, sorted.
  std::map<std::string, std::vector<std::string>> rows() const;
  std::uint64_t firings() const { return state_.firings; }

 private:
  struct Fact {
    Row row;
    std::uint64_t number = 0;  // In the order of coming.
  };
  struct MatchKey {
    std::uint32_t production = 0;
    Row parts;
    friend bool operator<(const MatchKey& a, const MatchKey& b) {
      if (a.production != b.production) return a.production < b.production;
      return compare(a.parts, b.parts) < 0;
    }
  };
  struct Activation {
    Environment values;
    std::map<datalog::VariableId, Fact> facts;  // By row variable.
    std::int64_t salience = 0;
    std::uint64_t step = 0;
    bool has_fired = false;
  };
  using Facts =
      std::vector<std::vector<Fact>>;  // By relation: what is stated, in the order of coming.
  struct State {
    Facts stated;
    std::vector<std::vector<Fact>> visible;  // With what the rules derive.
    std::map<MatchKey, Activation> activations;
    std::vector<std::string> focus{""};
    std::vector<std::string> emitted;
    std::uint64_t next_number = 1;
    std::uint64_t steps = 0;
    std::uint64_t firings = 0;
    bool is_halted = false;
  };
  struct Firing {  // Where the facts that it was given are now; nothing: they are gone.
    std::map<std::uint64_t, std::optional<std::uint64_t>> moved;
    std::uint64_t first_number = 0;  // Of the facts that it makes.
    std::vector<std::string> emitted, focused;
    bool halts = false;
  };

  const datalog::Relation& relation(datalog::RelationId id) const { return program_.relation(id); }
  Row key_of(datalog::RelationId id, const Row& row) const;

  void state(datalog::RelationId id, const Row& row);
  void unstate(datalog::RelationId id, const Row& row);
  std::uint64_t number_for(datalog::RelationId id, const Row& row);
  void settle(const datalog::Production* firing);
  void derive_all();

  void solve(const datalog::Body& body, std::vector<bool> done, Environment& values,
             const std::function<void()>& found);
  void solve_literal(const datalog::Literal& literal, Environment& values,
                     const std::function<void()>& found);
  bool holds(const datalog::Body& body, const Environment& values);
  bool is_ready(const datalog::Literal& literal, const datalog::Body& body, std::size_t at,
                const std::vector<bool>& done, const Environment& values) const;

  std::optional<MatchKey> next();
  void fire(const MatchKey& key);
  void carry_out(const datalog::Block& block, Environment values, const Activation& activation,
                 Firing& firing);
  void change(const datalog::Change& change, const Environment& values,
              const Activation& activation, Firing& firing);
  void change_fact(const datalog::Change& change, const Environment& values,
                   const Activation& activation, Firing& firing);
  std::string line(datalog::RelationId id, const Row& row) const;

  const datalog::RuleProgram& program_;
  const std::uint64_t firings_max_;
  ExpressionEvaluator expressions_;
  std::set<datalog::RelationId> derived_;
  State state_, committed_;
  Facts before_;  // The stated facts when the open step began.
  // The facts that the solution which is being made has for top-level conditions.
  std::map<const datalog::Literal*, Fact> chosen_;
};

}  // namespace entail::oracle
