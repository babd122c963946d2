// datalog/internal/environment.h - what the passes of lowering share: names, types, the growing program.
//
// Threads: one lowering, one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "datalog/internal/core.h"
#include "datalog/internal/source_types.h"
#include "datalog/lower.h"
#include "datalog/rule_program.h"
#include "grammar/diagnostics.h"
#include "vm/base/text.h"

namespace entail::datalog {

// A column's type as declared: its name-level type, its values and whether they may be null.
struct DeclaredType {
  SourceTypeId source = kNoSourceType;
  vm::Type type;
  bool nullable = false;
};

// What lowering knows of a relation beside its Relation.
struct RelationInfo {
  std::vector<SourceTypeId> column_types;
  std::vector<std::optional<grammar::Expr>> defaults;  // By column.
  std::optional<grammar::Expr> watermark, expire, retain;
  std::optional<grammar::Name> sideline;
  bool inlined = false;            // `inline`
  bool has_io = false;             // Some directive reads or writes it.
  bool declared_relation = false;  // By `relation`, not by `.decl`.
  bool has_rules = false;
  bool has_facts = false;
};

struct BranchRef {
  SourceTypeId type = kNoSourceType;
  std::size_t ordinal = 0;
};

struct FunctionInfo {
  const grammar::Function* function = nullptr;
  std::vector<DeclaredType> parameters;
  DeclaredType result;
  bool in_use = false;  // While it is being inlined: a second time is recursion.
};

struct TableInfo {
  const grammar::Table* table = nullptr;
  std::vector<DeclaredType> inputs;
  std::vector<DeclaredType> outputs;
  std::optional<RelationId> rows;  // (row, outputs…) of a small table, made at its first use.
  std::optional<RelationId>
      look_up;  // (inputs…, outputs…) of a large one: inline, see decision_tables.h.
};

struct Environment {
  Environment(const LowerOptions& lower_options, grammar::Diagnostics& sink)
      : options(lower_options), diagnostics(sink), types(lower_options.number_bits) {
    program.number_bits = lower_options.number_bits;
  }

  const LowerOptions& options;
  grammar::Diagnostics& diagnostics;
  SourceTypes types;
  RuleProgram program;
  std::map<std::string, RelationId> relations;
  std::vector<RelationInfo> infos;  // By RelationId.
  std::map<std::string, DeclaredType>
      aliases;  // `type Money = decimal(18, 2)`: more than a SourceType says.
  std::map<std::string, BranchRef> branches;
  std::map<std::string, FunctionInfo> functions;
  std::map<std::string, TableInfo> tables;
  std::map<std::string, const grammar::FunctorDecl*> functors;
  std::vector<CoreClause> extra_clauses;  // Made while building others: decision tables.
  std::uint32_t invented = 0;             // Numbers for invented names.

  RelationInfo& info(RelationId id) { return infos[index_of(id)]; }
  RelationId add_relation(Relation relation, RelationInfo info);
  // A name no program can spell, for variables and relations that lowering invents.
  std::string invent(const std::string& hint) {
    return "_" + hint + "#" + std::to_string(invented++);
  }

  // The column of that name; nothing, and an error that lists those there are, if there is none.
  std::optional<std::uint32_t> find_column(RelationId id, const grammar::Name& column);
  std::optional<std::uint32_t> find_column(const Relation& relation, const grammar::Name& column);

  // "Did you mean 'x'?", or nothing.
  static std::string suggestion(const std::string& name, const std::vector<std::string>& known);
  std::vector<std::string> relation_names() const;
};

// "1 is given", "3 are given".
inline std::string given(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " is given" : " are given");
}

}  // namespace entail::datalog
