// vm/relation.h - where facts live: rows of words in columns, with membership and indexes.
//
// A row is one word a column (vm/word.h), its id the position at which it was appended. Semi-naive
// evaluation joins what is new with what is known, so the rows lie in the order in which they became
// known, and the generations are ranges of row ids; nothing is copied from one to the next:
//
//     row id      0 …                delta_begin …        visible …          …
//                 [ known for longer | the delta          | pending          ]
//     kTotal        ------------------------------------
//     kOld          ------------------
//     kDelta                           -----------------
//
//     merge(candidates)  drops those that are known, appends the others as pending
//     advance()          delta_begin = visible; visible = end; indexes catch up
//     settle()           delta_begin = visible: everything is total, nothing is new
//
// Rounds are strict: scans and indexes never show a pending row; only membership knows it, so that it
// is not derived twice.
//
// Membership is the cheapest that serves the relation:
//   packed rows   a set whose row fits 64 or 128 bits (vm/packed_layout.h): a PackedSet, no row ids
//   row map       wider rows, and where the row must be found: keyed, extremum, ranked relations
//   none          bags: every candidate is a row
// A value that does not fit its column's width or its share of the key widens both, once.
//
// Extremum and keyed relations replace. A candidate that improves its group (or differs under its key)
// becomes a pending row; the row that it supersedes stays visible for the round, and is dead from
// advance() on. Dead rows keep their id until a later advance() finds half of the rows dead and closes
// the gaps; next_rows() and probes never show them.
//
// Invariants (verify() checks them)
//   (1) delta_begin <= visible <= rows; only visible rows are dead, and dead rows are in no index.
//   (2) Membership holds each alive or pending row, and nothing else; a set holds no row twice.
//   (3) A live index holds exactly the alive rows below `visible`.
//   (4) A column is narrow exactly if the packed layout gives it 32 bits or less.
//
// Memory. What merge() needs is reserved from the budget first; a refusal is ErrorCode::kLimit and
// leaves a valid relation with the candidates that came before. advance() and prepare_index() cannot
// be refused: they overdraw, and the next merge() fails.
//
// Handles. Where a column holds handles, each row owns one reference per handle in the value pool, from
// the moment it is pending until it is dead or the relation is destroyed.
//
// Threads: const members may run concurrently with each other; all others need the relation to
// themselves, but merge() shares its work with the team it is given.
// Cost: merge 8 to 12 ns a candidate where keys are dense or arrive in groups, 25 to 40 ns where each is
// a cache miss; 100 ns a row to load 10 M different ones (tests/bench/relation_bench.cc, on a busy
// machine); load and probe a few ns a row; a small round a microsecond and its rows.
// Sources: semi-naive evaluation, Abiteboul, Hull and Vianu, "Foundations of Databases" (1995), 13.1.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vm/base/expected.h"
#include "vm/base/memory_budget.h"
#include "vm/base/thread_team.h"
#include "vm/candidate_buffer.h"
#include "vm/column_store.h"
#include "vm/hash_index.h"
#include "vm/ordered_index.h"
#include "vm/packed_layout.h"
#include "vm/packed_set.h"
#include "vm/posting.h"
#include "vm/row_map.h"
#include "vm/word.h"

namespace entail::vm {

class ValuePool;

struct RowRange {
  Row begin = 0;
  Row end = 0;
  std::size_t size() const { return end - begin; }
};

enum class View : std::uint8_t { kTotal = 0, kDelta = 1, kOld = 2 };

struct ColumnOptions {
  // How words of this column compare; signed ones narrow by sign extension.
  ColumnOrderKind order = ColumnOrderKind::kSigned;
  bool handle = false;  // Rows own a reference in the value pool per word.
};

enum class RelationExtremum : std::uint8_t { kNone, kMin, kMax };

struct RelationOptions {
  std::string name;                    // As the program spells it; appears in messages.
  std::vector<ColumnOptions> columns;  // One per word column; arity 0 is stored as one column of 0.
  bool bag = false;
  std::vector<std::uint32_t> key;  // Keyed: word columns of the key, ascending; empty: none.
  RelationExtremum extremum =
      RelationExtremum::kNone;  // One row for each value of the other columns.
  std::uint32_t extremum_column = 0;
  bool ranks = false;       // Keeps the rank of each row (recursive strata that must stand).
  bool standing = false;    // For a StandingRelation (vm/standing_relation.h); so are the next two:
  bool weights = false;     // Counts derivations; else a row is there or not.
  bool identities = false;  // Numbers rows for identity().
  ValuePool* pool = nullptr;  // Required if a column is a handle or text; outlives the relation.
  MemoryBudget* budget = nullptr;  // Outlives the relation; nullptr: no limit.
};

struct IndexSpec {
  std::vector<std::uint32_t> key;  // Equality columns, in any order (kept ascending).
  std::int32_t range_column = -1;  // >= 0: ordered by this column behind the key.
};

struct MergeResult {
  std::uint64_t candidates = 0;
  std::uint64_t inserted = 0;  // Rows that are new (or improved an extremum).
};

class Relation {
 public:
  // Fails with kInvalidArgument when the options contradict each other; the message says which.
  static Expected<std::unique_ptr<Relation>> create(RelationOptions options);

  // Gives back the references of its rows: O(rows) where a column holds handles.
  virtual ~Relation();
  Relation(const Relation&) = delete;  // Copying a relation is a query, not an assignment.
  Relation& operator=(const Relation&) = delete;

  const RelationOptions& options() const { return options_; }
  const std::string& name() const { return options_.name; }
  std::size_t column_count() const { return options_.columns.size(); }
  MemoryBudget* budget() const { return options_.budget; }

  // --- evaluation: rounds ------------------------------------------------------------------------

  // Drops the candidates that are known, appends the others as pending rows, and empties the buffers.
  // The row order is a function of the buffers and the team's size. Fails with kLimit when the budget
  // refuses or row ids run out, with kData when a keyed relation meets a different row under a key it
  // holds (`strict_keys`; else the later one replaces).
  Expected<MergeResult> merge(std::span<CandidateBuffer* const> buffers, ThreadTeam& team,
                              bool strict_keys);

  // Convenience for facts: the rows become pending. Fails as merge() does.
  Expected<MergeResult> append(std::span<const Word* const> columns, std::size_t n,
                               bool strict_keys = false);

  // Pending rows become the delta; indexes catch up. Whether there is a delta.
  bool advance();

  // The delta becomes empty; total unchanged.
  void settle();

  // Takes all rows out, pending ones too, and keeps the room that they had. Indexes stay prepared.
  void clear();

  RowRange range(View view) const;
  std::size_t size() const { return visible_ - dead_count_; }  // Visible rows that are alive.

  // Rows in `range` that are alive, at most `limit`, into `out`; returns how many and moves
  // range.begin. Most relations have no dead rows: then it is an iota.
  std::size_t next_rows(RowRange& range, Row* out, std::size_t limit) const;

  // --- columns -----------------------------------------------------------------------------------

  // out[i] = the word of rows[i]. Cheapest for consecutive rows.
  void load(std::uint32_t column, const Row* rows, std::size_t n, Word* out) const {
    store_.load(column, rows, n, out);
  }
  // REQUIRES: options().ranks.
  void load_ranks(const Row* rows, std::size_t n, Word* out) const;

  // --- membership and indexes --------------------------------------------------------------------

  // out[i] = 1 when the relation holds the row given by the column arrays, pending rows included.
  // REQUIRES: it is no bag; a bag is asked through an index.
  void contains(std::span<const Word* const> columns, std::size_t n, std::uint8_t* out) const;

  // Registers an index and returns its position; an equal spec is returned again. Costs nothing until
  // prepare_index() builds it to `visible`; from then on advance() keeps it up.
  std::uint32_t add_index(const IndexSpec& spec);
  void prepare_index(std::uint32_t index);

  // For each of n keys (arrays in the order of the spec's ascending key columns): its matches in
  // `view`. REQUIRES: prepared, no range column.
  void probe(std::uint32_t index, View view, std::span<const Word* const> keys, std::size_t n,
             Posting* out) const;

  // Ordered: with bounds on the range column (nullptr: open). A key may have several postings: `out`
  // gets them all, lanes[k] tells whose, ascending. Both are appended to.
  // REQUIRES: prepared, with a range column.
  void probe_range(std::uint32_t index, View view, std::span<const Word* const> keys,
                   const Word* low, bool low_inclusive, const Word* high, bool high_inclusive,
                   std::size_t n, std::vector<Posting>& out,
                   std::vector<std::uint32_t>& lanes) const;

  // Distinct keys of an index: what the planner divides by. 0 when the index is not built.
  std::uint64_t distinct_keys(std::uint32_t index) const;

  // An estimate from a sample of rows, without an index; at least 1 unless the relation is empty.
  std::uint64_t estimate_distinct(std::span<const std::uint32_t> columns) const;

  std::uint64_t bytes_used() const;  // Columns, membership and indexes.
  std::uint64_t bytes_of_indexes() const;

  // Crashes at the first invariant that does not hold. O(rows) and more: for tests.
  void verify() const;

 protected:
  explicit Relation(RelationOptions options);

 private:
  friend class CandidateBuffer;

  enum class Membership : std::uint8_t { kNone, kPacked, kRows };
  struct Index {
    IndexSpec spec;
    std::unique_ptr<HashIndex> hash;
    std::unique_ptr<OrderedIndex> ordered;
    bool is_live = false;
  };

  bool replaces() const {
    return !options_.key.empty() || options_.extremum != RelationExtremum::kNone;
  }
  const std::uint64_t* dead_bits() const { return dead_count_ == 0 ? nullptr : dead_.data(); }
  Unexpected limit_error() const;

  // Merging (relation_merge.cc).
  Expected<void> widen_for(std::span<CandidateBuffer* const> buffers);
  bool rebuild_packed(const PackedLayout& layout);
  bool rebuild_row_map();
  template <typename Key>
  Expected<void> merge_packed(PackedSet<Key>& set, std::span<const std::span<const Key>> buffers,
                              ThreadTeam& team);
  template <typename Key>
  Expected<void> merge_packed_alone(PackedSet<Key>& set, std::span<const Key> keys);
  template <typename Key>
  void store_keys(const Key* keys, std::size_t n, Row first);
  Expected<void> merge_words(const CandidateBuffer& buffer, bool strict_keys);
  Expected<void> merge_word_rows(const Word* const* columns, const std::uint32_t* tags,
                                 const Word* ranks, std::size_t n, bool strict_keys);
  Expected<void> merge_bag(const CandidateBuffer& buffer);
  Expected<bool> replace_row(Row row, const Word* const* columns, std::size_t i, bool strict_keys);
  void store_words(const Word* const* columns, const Word* ranks, std::size_t i, Row row);
  bool same_words(std::span<const std::uint32_t> columns, Row row, const Word* const* words,
                  std::size_t i) const;
  bool widen_columns(const Word* const* columns, std::size_t n);
  void retain_rows(Row first, Row end);
  void release_row(Row row);
  void release_rows();
  std::uint32_t tag_of(Row row) const;

  void bury_superseded();
  void compact();

  RelationOptions options_;
  std::vector<std::uint32_t>
      identity_;  // The columns that make a row one: all, the key, the group.
  ColumnStore store_;
  FlatArray<std::uint32_t> ranks_;
  Row delta_begin_ = 0;
  Row visible_ = 0;

  Membership membership_ = Membership::kNone;
  PackedLayout layout_;
  std::uint64_t layout_version_ = 0;  // Of membership_ and layout_, for the buffers.
  PackedSet<std::uint64_t> narrow_set_;
  PackedSet<Uint128> wide_set_;
  RowMap row_map_;
  FlatArray<Uint128> scratch_;  // New keys of a merge.

  FlatArray<std::uint64_t> dead_;  // A bit for each row; only if there are any.
  std::size_t dead_count_ = 0;
  std::vector<Row> superseded_;    // Visible rows that die at advance().
  std::vector<Row> predecessors_;  // Of pending row visible_ + i: the visible row it supersedes.

  std::vector<Index> indexes_;
};

}  // namespace entail::vm
