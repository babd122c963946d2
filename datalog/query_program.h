// datalog/query_program.h - one question to a catalog of relations, as rules.
//
// What a statement that asks becomes, whichever language it was written in: rules that derive one relation,
// the answer, from relations that stand somewhere else, from rows that the caller hands in, and from
// auxiliary relations of its own.
//
//     SELECT name FROM customer WHERE city = $1 ORDER BY age
//
//     answer(name, age) :- customer(_, name, age, city), city = $1.       order by column 1
//     answer_columns = 1, parameters = (text)
//
// Invariants
//   (1) relations [0, catalog_relations) of `program` are those of the catalog, with its ids; no rule
//       has one of them as head.
//   (2) `answer` and what `given` lists are relations behind those.
//   (3) Sort keys name columns of `answer`; the columns from answer_columns on serve only them.
//   (4) `program` is stratified.
//
// Order: rows come sorted by `order`, ties by their values. Where a limit chooses and nothing sorts, which
// rows come is the executor's choice.
// Threads: a plain value; share freely while const.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "datalog/expression.h"
#include "datalog/rule_program.h"
#include "vm/type.h"

namespace entail::datalog {

struct SortKey {
  std::uint32_t column = 0;  // Of the answer.
  bool descending = false;
  bool nulls_first = false;
};

struct QueryProgram {
  RuleProgram program;
  std::uint32_t catalog_relations = 0;
  RelationId answer{};
  std::uint32_t answer_columns = 0;
  std::vector<SortKey> order;
  // Over parameters and constants only, bigint. Null or absent: all rows, from the first on.
  std::optional<Expression> limit, offset;
  std::vector<vm::Type> parameters;  // kParameter expressions refer to these by number.
  std::vector<RelationId> given;     // The caller hands in their rows.
};

}  // namespace entail::datalog
