// compiler/internal/standing_bodies.h - one body of a rule, brought into the counted form
// (compiler/standing_form.h).
//
// A body is a row of *parts*, one for each literal of the text. A part has one case, which is a few
// literals in counted form, or several, of which at most one holds for each binding:
//
//     q(x), n = count : { r(x, _) }
//
//     part 0   q(x)
//     part 1   _group(x, n)   or   !_keys(x), n = 0
//
// In the end the cases are multiplied out into as many bodies, or united in an auxiliary relation.
//
// Threads: none of its own.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compiler/internal/rule_parts.h"
#include "datalog/rule_program.h"
#include "vm/base/expected.h"

namespace entail::compiler::internal {

// On its way out of the rewriting of a stratum: it has to be recomputed.
struct NeedsRecomputation {};

// Likewise: something in a body cannot stand.
struct CannotStand {
  Error error;
};

// Where auxiliary relations come from. Rules have heads of variables, their head's relation is not
// set yet, and their bodies may hold anything.
class AuxiliaryMaker {
 public:
  // The set that the rules derive.
  virtual datalog::RelationId counted(const std::string& stem,
                                      std::vector<datalog::Rule> rules) = 0;
  // The groups of the one Reduce that is the rule's body.
  virtual datalog::RelationId reduced(const std::string& stem, datalog::Rule rule) = 0;
  // The rows of the one Rank or Pattern that is the rule's body.
  virtual datalog::RelationId ordered(const std::string& stem, datalog::Rule rule) = 0;
  // The classes of a standing equivalence, if the relation is one.
  virtual std::optional<datalog::RelationId> classes_of(datalog::RelationId id) const = 0;
  virtual const datalog::RuleProgram& program() const = 0;

 protected:
  ~AuxiliaryMaker() = default;
};

struct BodyForm {
  bool rows_matter = false;  // How many ways there are to match: inside a Reduce.
  bool one_body = false;     // Cases must not become bodies of their own.
};

class BodyRewriter {
 public:
  // Adds variables to the rule. `growing`: the relations of the rule's own stratum, if it is
  // recursive.
  BodyRewriter(AuxiliaryMaker& maker, datalog::Rule& rule,
               const std::set<datalog::RelationId>& growing)
      : maker_(maker), rule_(rule), growing_(growing) {}

  // Bodies in counted form which together hold exactly where the given one does. `outside`: the
  // variables that are used beside it. Throws NeedsRecomputation and CannotStand.
  std::vector<datalog::Body> rewrite(datalog::Body body, const VariableSet& outside, BodyForm form);

  // Whether the last rewriting changed anything.
  bool changed() const { return changed_; }

 private:
  using VariableId = datalog::VariableId;

  struct Part {
    std::vector<datalog::Body> cases;  // None: not rewritten yet.
    // Of several cases: what they need, and what each of them binds.
    std::vector<VariableId> inputs, exports;
  };

  // A column of one atom compared with what is known outside.
  struct Inequality {
    datalog::Literal atom;
    datalog::Expression column;
    datalog::ExpressionOp op = datalog::ExpressionOp::kLess;  // column op limit
    datalog::Expression limit;
    datalog::AggregateOp extremum = datalog::AggregateOp::kMin;
  };
  // The same asked of the extremum of the column.
  struct Compared {
    datalog::Literal group;
    datalog::Expression condition;
    std::vector<VariableId> keys;  // Of the group.
  };
  struct Provision {
    VariableSet needs, gives;
  };

  void flatten();
  bool is_membership(const datalog::Exists& exists, const VariableSet& around) const;
  VariableSet around(const datalog::Body& body, std::size_t position) const;

  bool rewrite_part(std::size_t i);
  bool rewrite_absent(std::size_t i, const datalog::Absent& absent);
  bool rewrite_exists(std::size_t i, const datalog::Exists& exists);
  bool rewrite_reduce(std::size_t i, const datalog::Reduce& reduce);
  void rewrite_rank(std::size_t i, const datalog::Rank& rank);
  void rewrite_pattern(std::size_t i, const datalog::Pattern& pattern);
  void set_case(std::size_t i, datalog::Body body);

  // What an inner body shares with its surroundings, in order of occurrence.
  std::vector<VariableId> shared(std::vector<VariableId> used, const VariableSet& around) const;
  // Which of the shared variables a domain has to give values to.
  std::vector<VariableId> wanting(const datalog::Literal& literal, const datalog::Body& inner,
                                  const std::vector<VariableId>& shared) const;
  // An atom that holds where the body does; nothing while its domain waits for other parts.
  std::optional<datalog::Literal> existence(datalog::Body body,
                                            const std::vector<VariableId>& shared, std::size_t i);
  // What an existence says, if that is an inequality whose limit the atom does not bind.
  bool may_be_null(datalog::VariableId variable) const;
  std::optional<Inequality> inequality(const datalog::Body& body,
                                       const std::vector<VariableId>& shared) const;
  Compared compare(const Inequality& found, const std::vector<VariableId>& known, std::size_t i);

  datalog::Body equivalent(const datalog::Match& match, const datalog::SourceSpan& span);
  bool rewrite_not_equivalent(std::size_t i, const datalog::Match& match);

  // The relation of the reduction's groups: the known variables, its own keys, its results.
  datalog::RelationId grouped(datalog::Reduce reduce, const std::vector<VariableId>& known,
                              const datalog::SourceSpan& span);
  datalog::Literal has_group(const datalog::Literal& group, const std::vector<VariableId>& keys,
                             std::size_t i);

  // An atom of the values that the parts give to the variables; nothing while a part that is needed
  // is not rewritten yet. `guarded`: all parts before `i` count, so that what can fail stays
  // guarded.
  std::optional<datalog::Literal> domain(const std::vector<VariableId>& variables, std::size_t i,
                                         bool guarded);
  std::optional<datalog::Literal> domain_of(const std::vector<VariableId>& variables, std::size_t i,
                                            std::set<std::size_t> chosen,
                                            const std::map<std::size_t, Provision>& available);
  std::map<std::size_t, Provision> provisions(std::size_t without,
                                              std::map<VariableId, std::size_t>& provider) const;
  bool unite_cases(std::size_t i);
  std::vector<datalog::Body> multiplied();

  bool is_match(std::size_t i) const;
  bool reads_growing(std::size_t i) const;
  bool is_ready(std::size_t i, const VariableSet& bound) const;
  VariableSet variables_of_part(std::size_t i) const;
  datalog::Literal atom(datalog::RelationId relation, const std::vector<VariableId>& variables,
                        const datalog::SourceSpan& span) const;
  datalog::Rule auxiliary_rule(const std::vector<VariableId>& head, datalog::Body body,
                               const datalog::SourceSpan& span) const;

  AuxiliaryMaker& maker_;
  datalog::Rule& rule_;
  const std::set<datalog::RelationId>& growing_;
  VariableSet outside_;
  BodyForm form_;
  datalog::Body body_;  // Flattened.
  std::vector<Part> parts_;
  bool changed_ = false;
  bool waives_guards_ = false;
};

// E(a, b) as atoms of its classes. Where rows matter there are as many ways to match as pairs.
datalog::Body class_atoms(const AuxiliaryMaker& maker, datalog::Rule& rule,
                          const datalog::Match& match, bool rows_matter,
                          const datalog::SourceSpan& span);

// The same for all atoms of standing equivalences, inner bodies included.
void replace_equivalences(const AuxiliaryMaker& maker, datalog::Rule& rule);

}  // namespace entail::compiler::internal
