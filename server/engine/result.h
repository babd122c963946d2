// server/engine/result.h - what a statement gives back, and how its values become PostgreSQL's text.
//
// Values cross this edge as words of the engine's pool (vm/word.h) beside their types, so that a wire
// protocol encodes them as it likes, as text or binary, without a copy in between.
//
//     struct Printer : RowSink {
//       void row(const RowView& row) override {
//         for (std::size_t c = 0; c < row.size(); ++c) row.append_text(c, *style, line);
//       }
//     };
//
// Lifetime: a RowView is good during the call that hands it over; a ResultShape as long as its statement.
// Threads: the engine's thread calls sinks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vm/base/expected.h"
#include "vm/type.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::engine {

struct OutputColumn {
  std::string name;
  std::uint32_t type_oid = 25;
  std::int32_t typmod = -1;
  vm::Type type;
  bool nullable = true;
  std::uint32_t table_oid = 0;  // Where the column is one of a table, else 0.
  std::int16_t attribute = 0;   // Its number there, from 1.
};

// The columns of a result and where each begins among the words of a row.
struct ResultShape {
  std::vector<OutputColumn> columns;
  std::vector<std::uint32_t> first_words;
  std::uint32_t word_count = 0;

  void add(OutputColumn column);
};

// What the text of a value depends on besides the value: the session's settings.
struct TextSettings {
  enum class IntervalStyle : std::uint8_t { kPostgres, kPostgresVerbose, kSqlStandard, kIso8601 };
  enum class DateStyle : std::uint8_t { kIso, kPostgres, kSql, kGerman };
  IntervalStyle interval_style = IntervalStyle::kPostgres;
  DateStyle date_style = DateStyle::kIso;
  bool day_first = false;      // DateStyle's DMY.
  int extra_float_digits = 1;  // Above 0: the shortest text that reads back.
  bool bytea_escape = false;   // bytea_output.
  std::string time_zone = "UTC";
};

class RowView {
 public:
  RowView(const ResultShape& shape, const vm::ValuePool& pool, const vm::Word* words)
      : shape_(&shape), pool_(&pool), words_(words) {}

  std::size_t size() const { return shape_->columns.size(); }
  const ResultShape& shape() const { return *shape_; }
  const vm::ValuePool& pool() const { return *pool_; }
  const OutputColumn& column(std::size_t c) const { return shape_->columns[c]; }
  // The value's words, then the null flag of a nullable column.
  const vm::Word* words(std::size_t c) const { return words_ + shape_->first_words[c]; }
  bool is_null(std::size_t c) const {
    const OutputColumn& column = shape_->columns[c];
    return column.nullable && words(c)[vm::value_words(column.type)] != 0;
  }
  // Appends what PostgreSQL's output function of the column's type gives. REQUIRES: not null.
  void append_text(std::size_t c, const TextSettings& settings, std::string& out) const;

 private:
  const ResultShape* shape_;
  const vm::ValuePool* pool_;
  const vm::Word* words_;
};

// One value as PostgreSQL's output function gives it. REQUIRES: not null.
void append_sql_text(const vm::ValuePool& pool, vm::Type type, std::uint32_t type_oid,
                     std::int32_t typmod, const vm::Word* words, const TextSettings& settings,
                     std::string& out);

// Reads what PostgreSQL's input function of the type reads, and fits it to the modifier (22001, 22003).
// Puts value_words(type) words at `out`; what they name is fresh in the pool.
Expected<void> read_sql_text(vm::ValuePool& pool, vm::Type type, std::uint32_t type_oid,
                             std::int32_t typmod, std::string_view text,
                             const TextSettings& settings, vm::Word* out);

enum class Severity : std::uint8_t { kDebug, kLog, kInfo, kNotice, kWarning };
std::string_view severity_name(Severity severity);

// What a client is told beside results: NOTICE, WARNING.
struct Notice {
  Severity severity = Severity::kNotice;
  std::string sqlstate = "00000";
  std::string message, detail, hint;
};

enum class CopyFormat : std::uint8_t { kText, kCsv, kBinary };

// Who receives the rows of a statement, on the engine's thread.
class RowSink {
 public:
  RowSink() = default;
  RowSink(const RowSink&) = delete;
  RowSink& operator=(const RowSink&) = delete;
  virtual ~RowSink() = default;

  // Before the first row of a statement that gives rows.
  virtual void describe(const ResultShape& /*shape*/) {}
  virtual void row(const RowView& row) = 0;
  // COPY … TO STDOUT: its columns, then lines as they go over the wire (line end included).
  virtual void begin_copy_out(CopyFormat /*format*/, std::size_t /*columns*/) {}
  virtual void copy_out(std::string_view /*bytes*/) {}
};

// How far a call came.
enum class Progress : std::uint8_t {
  kDone,       // The statement is complete: `tag` says so to the client.
  kSuspended,  // max_rows were given; run again for more.
  kMustWait,  // A lock is held by somebody else. Call again after SessionOptions::waiter was woken.
  kWaitsForChanges,  // All there is was given. Call again after SessionOptions::waiter was woken.
  kCopyIn,           // COPY … FROM STDIN: feed copy_data(), then copy_done().
};

struct Outcome {
  Progress progress = Progress::kDone;
  std::string tag;         // "INSERT 0 1"; empty for an empty statement.
  std::uint64_t rows = 0;  // Given in this call, or changed.
  // The version that the statement committed, 0: none. What the client is told waits until it is durable
  // (Engine::wait_durable, Engine::when_durable).
  std::uint64_t version = 0;
};

// One statement's whole answer, for callers that want it in one piece: tests, `entail sql`.
struct TextResult {
  std::vector<OutputColumn> columns;
  std::vector<std::vector<std::string>> rows;  // Nulls as `null_text` of the call.
  std::string tag;
};

}  // namespace entail::engine
