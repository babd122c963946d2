// server/engine/internal/read_set.h - what a serializable transaction has read, for its validation.
//
//     SELECT v FROM t WHERE k = $1 AND v > 3
//
//     reading    t: k = parameter 0, v > 3         of the query, found once when it is compiled
//     range      t: k = 17, v > 3                  of one run, kept as bytes in memcmp order
//     commit     whoever changed a row of t, before or after, that lies in the range, was first: 40001
//
// A reading holds at least the rows that can matter to the query: what is no comparison of a column with a
// constant or parameter is left out, and a query that compares nothing has read the whole relation. Equations
// between variables hand comparisons on (t JOIN u ON t.k = u.k WHERE t.k = 1 reads one key of u).
//
// Points (equality alone) are kept in hash tables by their columns; validation costs a look-up for each of these
// and each changed row, and a comparison for each range.
//
// Threads: the engine's.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "compiler/layout.h"
#include "compiler/prepared_query.h"
#include "datalog/query_program.h"
#include "server/engine/internal/row_set.h"
#include "vm/value_pool.h"

namespace entail::engine {

using datalog::RelationId;

// A column of a relation against a constant or a parameter; op: kEqual or an order.
struct ReadComparison {
  std::uint32_t column = 0;
  datalog::ExpressionOp op = datalog::ExpressionOp::kEqual;
  datalog::Expression value;
};

struct Reading {
  RelationId relation{};
  std::vector<ReadComparison> comparisons;  // By column; all hold for the rows that matter.
};

// One for each match of a relation of the catalog.
std::vector<Reading> readings_of(const datalog::QueryProgram& query);

class ReadSet {
 public:
  // `parameters`: of the run. `layout`: of the relation.
  void add(const Reading& reading, std::span<const compiler::ParameterValue> parameters,
           const compiler::RelationLayout& layout, vm::ValuePool& pool);
  // The rows that have the values of `rows[row]` in the columns, none of them null.
  void add_point(RelationId relation, const std::vector<std::uint32_t>& columns, const RowSet& rows,
                 std::size_t row, const KeyEncoder& encoder);

  // Whether one of the rows lies in what was read.
  bool holds_one_of(RelationId relation, const RowSet& rows,
                    const compiler::RelationLayout& layout) const;

 private:
  struct Bound {
    std::uint32_t column = 0;
    datalog::ExpressionOp op = datalog::ExpressionOp::kEqual;
    std::string value;
    auto operator<=>(const Bound&) const = default;
  };
  using Range = std::vector<Bound>;
  struct OfRelation {
    bool whole = false;
    std::map<std::vector<std::uint32_t>, std::unordered_set<std::string>> points;
    std::set<Range> ranges;
  };
  std::map<RelationId, OfRelation> relations_;
};

}  // namespace entail::engine
