// server/cli/why_facts.h - the facts of an evaluation, as `why` and `why-not` ask for them.
//
//     KnownFacts known(run, files);
//     known.text({path, words})                    "path(1, 5)"
//     known.holds(fact), known.rank(fact), known.stated_at(fact)
//     known.instances(question, given)             the ways to satisfy a body
//     known.with_values(rule, literal, bindings)   "1 != 5"
//
// Bodies are asked of the engine itself (Evaluation::answer), so that negation, aggregates and functions
// mean here what they mean there.
//
// Threads: one at a time.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compiler/evaluate.h"
#include "datalog/rule_program.h"
#include "grammar/source_span.h"
#include "server/cli/fact_form.h"
#include "server/cli/program_run.h"
#include "vm/base/expected.h"
#include "vm/word.h"

namespace entail::cli {

struct Fact {
  datalog::RelationId relation{};
  std::vector<vm::Word> words;  // One at least.

  bool operator<(const Fact& other) const {
    return relation != other.relation ? relation < other.relation : words < other.words;
  }
};

// The words of each variable that has a value.
using Bindings = std::map<datalog::VariableId, std::vector<vm::Word>>;

class KnownFacts {
 public:
  // Rows that load_facts() read, of relations that have rules, too. Handed over as they are read.
  using StatedFacts = std::set<Fact>;

  // All outlive the object; the run is evaluated.
  KnownFacts(ProgramRun& run, const grammar::SourceFiles& files, const StatedFacts& stated);

  const datalog::RuleProgram& program() const { return run_.program(); }
  compiler::Evaluation& evaluation() { return run_.evaluation(); }
  vm::ValuePool& pool() { return run_.pool(); }
  const RowShape& shape(datalog::RelationId id) const { return shapes_[datalog::index_of(id)]; }

  std::string text(const Fact& fact) const;
  std::string json_row(const Fact& fact) const;  // [1, 5]
  std::string value_text(const datalog::Variable& variable,
                         const std::vector<vm::Word>& words) const;
  std::string place(const grammar::SourceSpan& span) const;  // "closure.dl:5"

  // The literal with the values of its variables in their place.
  std::string with_values(const datalog::Rule& rule, const datalog::Literal& literal,
                          const Bindings& bindings) const;

  Expected<bool> holds(const Fact& fact);
  // Whether the fact was given: an empty text, or the place in the program. Nothing when it was not.
  std::optional<std::string> stated_at(const Fact& fact);
  // All that stated_at() knows of an equivalence relation.
  std::vector<Fact> stated_of(datalog::RelationId relation);
  // The rules of the relation; facts that were loaded as such are none.
  std::vector<datalog::RuleId> rules_of(datalog::RelationId relation) const;

  // 0 where the relation carries no ranks.
  vm::Word rank(const Fact& fact) { return evaluation().rank_of(fact.relation, fact.words); }
  bool has_ranks(datalog::RelationId relation) const;
  std::size_t stratum(datalog::RelationId relation) const {
    return stratum_[datalog::index_of(relation)];
  }
  bool is_recursive(datalog::RelationId relation) const {
    return program().strata[stratum(relation)].recursive;
  }

  // The ways to satisfy the body of `question`, whose first literal matches the given row: the values of
  // the variables that its literals bind, in a fixed order. `given` describes that row.
  Expected<std::vector<Bindings>> instances(const datalog::Rule& question,
                                            const std::vector<datalog::Column>& given,
                                            const std::vector<vm::Word>& row);

  // The row that a match stands for under the bindings; all its variables have values.
  Fact row_of(const datalog::Match& match, const datalog::Rule& rule, const Bindings& bindings);

 private:
  ProgramRun& run_;
  const grammar::SourceFiles& files_;
  const StatedFacts& stated_;
  std::vector<RowShape> shapes_;
  std::vector<std::size_t> stratum_;
};

// `Exists` becomes part of the body, wildcards become variables: each match then stands for a row.
void open_body(datalog::Rule& rule, const datalog::RuleProgram& program);

// An expression that is the variable.
datalog::Expression variable_term(const datalog::Rule& rule, datalog::VariableId id);

}  // namespace entail::cli
