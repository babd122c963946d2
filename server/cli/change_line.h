// server/cli/change_line.h - one line of changes, as `entail follow` takes them.
//
//     +edge(1, 2)                    insert a fact; a `.` behind it and a // comment are welcome
//     +Order{id: 1, customer: 2}     by column: those not named get their default, or null
//     -edge(1, 2)                    delete a fact
//     -Order{id: 1}                  of a keyed relation: the row under the key, if it agrees with all
//                                    columns that are named
//     ? path(1, x)                   ask: constants, variables (repeated ones are equal), _
//     ? Order{status: "NEW"}         by column: those not named may be anything
//     tick 2026-01-01T10:00:00Z      it is so late: streams' clocks move, whether rows come or not
//     tick Login 2026-01-01T10:00:00Z                  the clock of one stream
//     commit    abort                the end of a transaction
//     {"insert": {"edge": [1, 2]}}   the same as JSON: change_json.h
//
// Values are spelled as in facts of the rule language (fact_text.h). A relation that rules derive may be
// stated, too. Relations that the program does not name cannot be changed; `entail.errors`, the errors in
// data, and the clocks of streams can be asked: ? Login.clock(x).
//
// A line is read against the state before it: what it says about the row under a key means the row that
// is there then.
//
// Cost: below a microsecond for a few numbers or short texts. Threads: one at a time.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "datalog/rule_program.h"
#include "server/cli/fact_form.h"
#include "server/cli/fact_text.h"
#include "server/cli/json_tree.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::cli {

// Rows of one relation that are inserted or deleted.
struct FactChange {
  datalog::RelationId relation{};
  bool is_deletion = false;
  std::size_t rows = 0;
  std::vector<vm::Word> words;  // By word column: word c of row i is words[c * rows + i].
};

// The rows of a relation that agree with a pattern.
struct AtomPattern {
  // What a column must hold.
  enum class TermKind : std::uint8_t { kAnything, kConstant, kSameAs };
  struct Term {
    TermKind kind = TermKind::kAnything;
    std::size_t column = 0;  // kSameAs: the earlier column.
  };
  std::optional<datalog::RelationId> relation;  // Nothing: entail.errors.
  std::vector<Term> terms;                      // By column.
  std::vector<vm::Word> constants;              // A row of words; those of constants are set.
};

enum class LineKind : std::uint8_t { kNothing, kChange, kTick, kCommit, kAbort, kQuery };

struct ChangeLine {
  LineKind kind = LineKind::kNothing;
  std::vector<FactChange> changes;  // kChange: one step.
  AtomPattern query;                // kQuery.
  // kTick: when it is, and of which stream the clock moves, or of all.
  std::int64_t time_us = 0;
  std::optional<datalog::RelationId> stream;
};

// The errors in data as a relation that can be asked.
inline constexpr std::string_view kErrorsName = "entail.errors";
RowShape errors_shape();

class ChangeLineReader {
 public:
  // Completes a row of a keyed relation whose key words are set; false if there is none under the key.
  using StoredRow = std::function<bool(datalog::RelationId relation, std::span<vm::Word> row)>;

  // Program and pool must outlive the reader. Keeps the defaults of columns in the pool.
  ChangeLineReader(const datalog::RuleProgram& program, vm::ValuePool& pool, StoredRow stored_row);

  // Reads a line without its end. False: problem() says what is wrong with it. The words in `out` are
  // fresh (vm/value_pool.h): they are good until the step ends.
  [[nodiscard]] bool read(std::string_view line, ChangeLine& out);
  const TextProblem& problem() const { return problem_; }

  const RowShape& shape(datalog::RelationId id) const { return shapes_[datalog::index_of(id)]; }

 private:
  friend class ChangeJsonReader;

  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  using Names = std::unordered_map<std::string, datalog::RelationId, TextHash, std::equal_to<>>;

  bool read_change(bool is_deletion, ChangeLine& out);
  bool read_positional(datalog::RelationId id, FactChange& change);
  bool read_named(datalog::RelationId id, FactChange& change);
  bool read_tick(ChangeLine& out);
  bool read_time(ChangeLine& out);
  bool read_query(ChangeLine& out);
  bool read_terms(const RowShape& shape, std::string_view name, AtomPattern& pattern);
  bool read_named_terms(const RowShape& shape, std::string_view name, AtomPattern& pattern);
  bool read_term(const RowShape& shape, std::size_t column, AtomPattern& pattern);
  bool read_value(const RowShape& shape, std::size_t column, vm::Word* row);
  bool finish();

  // Shared with the JSON form.
  std::optional<datalog::RelationId> find_relation(std::string_view name, std::size_t at);
  std::optional<datalog::RelationId> find_stream(std::string_view name, std::size_t at);
  std::optional<std::size_t> find_column(const RowShape& shape, std::string_view relation,
                                         std::string_view name, std::size_t at);
  bool complete_insertion(datalog::RelationId id, const std::vector<bool>& named, std::size_t at,
                          vm::Word* row);
  // `row_count` becomes 0 where nothing is to be deleted.
  bool complete_deletion(datalog::RelationId id, const std::vector<bool>& named, std::size_t at,
                         vm::Word* row, std::size_t& row_count);
  bool complete_update(datalog::RelationId id, const std::vector<bool>& named, std::size_t at,
                       vm::Word* row);
  bool fetch_under_key(datalog::RelationId id, const vm::Word* named_row,
                       std::vector<vm::Word>& row);
  bool fail(std::size_t at, std::string message);
  const datalog::Relation& relation(datalog::RelationId id) const { return program_.relation(id); }

  const datalog::RuleProgram& program_;
  vm::ValuePool& pool_;
  StoredRow stored_row_;
  TextProblem problem_;
  FactTextReader text_;
  std::vector<RowShape> shapes_;
  Names ids_;
  Names clocks_;  // Relations that can be asked only.
  RowShape errors_shape_;
  // Words of defaults, by relation and column; empty where there is none that is a constant.
  std::vector<std::vector<std::vector<vm::Word>>> defaults_;
  JsonTree json_;                                              // Kept for its memory.
  std::map<std::string, std::size_t, std::less<>> variables_;  // Of a question: first column.
};

}  // namespace entail::cli
