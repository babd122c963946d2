// compiler/prepared_query.h - one question, compiled once and answered often, over relations that stand.
//
//     auto query = PreparedQuery::create(std::move(program), {.pool = &pool, .bind = …});
//     QueryResult rows;
//     (*query)->run({.parameters = values}, rows);          // microseconds for a look-up by key
//     while (RowBatch portion = rows.next(100)) …           // a portal: portion by portion
//
// A query reads the relations of the catalog where they stand (vm::StandingRelation, as they are now, the open
// transaction included), rows that the caller hands in, and temporaries of its own, which are emptied and
// filled again by each run. It changes nothing but them.
//
//     create   equalities become look-ups, every stratum is planned and compiled
//     run      parameters into registers ▸ given rows ▸ strata in order ▸ answer ▸ sort, limit ▸ sink
//
// The rows of an answer that is a bag go to the sink as they are found, without being stored, unless they
// are sorted first; those of a set when all are known. A stratum is planned again when what it reads has
// become far larger or smaller than what the plan was made for.
//
// Order: by the sort keys, ties by the values of the row. Without sort keys in no order that means anything,
// but the same one for the same history of facts; a limit then stops the search early.
//
// Errors: kUnsupported at create() for a construct that is not executed, naming it (SQLSTATE 0A000). At run():
// kData where an expression fails, with PostgreSQL's words and SQLSTATE; kLimit (54000, 53200) when a budget
// is used up; kCancelled (57014). After a failed run the query can be run again.
//
// Cost: a look-up by key 1 to 2 microseconds (tests/bench/query_bench.cc); no allocation once the buffers have
// grown to what runs need.
// Lifetime: the pool, the standing relations and whatever else the options name outlive the query. Nothing of
// a relation's shape may change; that it has more indexes is fine.
// Threads: one, the writer of the standing relations.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "compiler/layout.h"
#include "datalog/query_program.h"
#include "vm/base/cancel.h"
#include "vm/base/clock.h"
#include "vm/base/expected.h"
#include "vm/base/memory_budget.h"
#include "vm/interpreter.h"
#include "vm/standing_relation.h"
#include "vm/value_pool.h"

namespace entail::compiler {

struct PreparedQueryOptions {
  vm::ValuePool* pool = nullptr;  // Required; over a TypeTable that has all types of the program.
  // What stands for a relation of the catalog. Asked once for each that the query reads; null only for
  // relations that it does not read. Required where it reads any.
  std::function<const vm::StandingRelation*(datalog::RelationId)> bind;
  // Makes an index on a relation of the catalog and returns its number there, or declines: then the rows
  // are read without. Asked once for each index that a plan would use and that does not exist. None: declines.
  std::function<std::optional<std::uint32_t>(datalog::RelationId, const vm::IndexSpec&)> add_index;
  const CancelToken* cancel = nullptr;
  const Clock* clock = nullptr;    // For times in the statistics; else they are 0.
  MemoryBudget* memory = nullptr;  // nullptr: no limit.
  vm::MachineLimits limits;        // Of one run.
};

// A value of a parameter: the words that it has in a column of its type, 0 for a null.
struct ParameterValue {
  vm::Word words[2] = {0, 0};
  bool null = false;
};

// Rows as one array for each word column of a layout.
struct RowBatch {
  std::span<const vm::Word* const> columns;
  std::size_t n = 0;

  explicit operator bool() const { return n > 0; }
};

struct QueryArguments {
  std::span<const ParameterValue> parameters;  // One for each of QueryProgram::parameters.
  // One for each of QueryProgram::given, laid out like that relation (layout_of).
  std::span<const RowBatch> given;
};

// Takes the rows of an answer, in order.
class RowSink {
 public:
  virtual ~RowSink() = default;
  // Up to vm::kBatchRows rows, laid out like PreparedQuery::layout(). The arrays are good during the call, and
  // so are texts and records that the query made: retain() what is kept. Returns whether more is wanted.
  virtual Expected<bool> take(const RowBatch& rows) = 0;
};

// An answer that is kept: a portal. Holds a reference to each text and record, so that it stays readable
// whatever happens to the facts.
class QueryResult final : public RowSink {
 public:
  QueryResult() = default;
  ~QueryResult() override;
  QueryResult(QueryResult&& other) noexcept;
  QueryResult& operator=(QueryResult&& other) noexcept;

  // Empties it and makes it ready for rows of the layout; run() does so.
  void begin(const RelationLayout& layout, vm::ValuePool& pool, MemoryBudget* memory);
  Expected<bool> take(const RowBatch& rows) override;
  void clear();

  std::size_t row_count() const { return rows_; }
  vm::Word word(std::size_t row, std::size_t word_column) const {
    return columns_[word_column][row];
  }
  // The next rows, at most `max_rows`; none at the end. Good until the result is changed.
  RowBatch next(std::size_t max_rows);
  void rewind() { position_ = 0; }
  bool at_end() const { return position_ == rows_; }

 private:
  vm::ValuePool* pool_ = nullptr;
  MemoryBudget* memory_ = nullptr;
  std::uint64_t booked_ = 0;
  std::vector<std::uint32_t> handle_columns_;
  std::vector<std::vector<vm::Word>> columns_;
  std::vector<const vm::Word*> portion_;
  std::size_t rows_ = 0;
  std::size_t position_ = 0;
};

// What the last run has cost.
struct QueryCounters {
  std::uint64_t rows_scanned = 0;   // Read one after the other.
  std::uint64_t rows_probed = 0;    // Keys looked up.
  std::uint64_t rows_matched = 0;   // Found by looking up.
  std::uint64_t rows_found = 0;     // Of the answer, before sorting and limiting.
  std::uint64_t rows_returned = 0;  // Handed to the sink.
  std::uint64_t rounds = 0;         // Of recursion.
  std::uint64_t plans = 0;          // Strata that were planned again.
  std::int64_t nanoseconds = 0;     // With a clock.

  std::uint64_t rows_touched() const { return rows_scanned + rows_matched; }
};

class PreparedQuery {
 public:
  // Fails with kUnsupported, naming the construct, or where the program is no query (query_program.h).
  static Expected<std::unique_ptr<PreparedQuery>> create(datalog::QueryProgram program,
                                                         PreparedQueryOptions options);
  ~PreparedQuery();
  PreparedQuery(const PreparedQuery&) = delete;  // Owns relations.
  PreparedQuery& operator=(const PreparedQuery&) = delete;

  // The answer's columns, those that only sort excluded.
  const RelationLayout& layout() const;
  std::span<const datalog::Column> columns() const;
  const RelationLayout& given_layout(std::size_t position) const;

  Expected<void> run(const QueryArguments& arguments, RowSink& sink);
  Expected<void> run(const QueryArguments& arguments, QueryResult& result);

  const QueryCounters& counters() const;
  std::uint64_t bytes_used() const;

  // The plans as text, a line a step: EXPLAIN. `analyze`: with the counters of the last run.
  std::string explain(bool analyze = false) const;
  std::string bytecode() const;  // For people who look deeper.

 private:
  struct Impl;
  explicit PreparedQuery(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace entail::compiler
