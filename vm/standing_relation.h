// vm/standing_relation.h - a relation that stands: rows that come and go in steps, in an epoch that can be
// taken back, beside readers that never wait.
//
// One writer changes it. Changes belong to the open *step*; steps follow one another in the open *epoch*,
// which commit(version) makes a version and abort() undoes.
//
//     epoch   ├── step ──┬── step ──┬── step ──┤ commit(v)
//                        │          │
//                    end_step() end_step()
//
//     kTotal   the rows as they are now            entered()   in kTotal and not in kOld
//     kOld     the rows as the step found them     left()      in kOld and not in kTotal
//
// When a row is there. Three ways to hold a row, each with its own bookkeeping; it is visible while any of
// them does:
//     stated     apply(kStated), replace(): a fact is stated or not, however often it was said
//     weight     apply(kDerived): how many derivations there are. Without options().weights 0 or 1
//     ranked     insert_ranked(), remove(): a weight of 1 and the rank of the derivation that made it
// Sets hold a row once. Bags hold one for each insertion, with a durable id; deleting a value takes the
// newest equal row (the greatest id) that was held in the same way. A keyed relation holds one row under
// each key; replace() takes the old one out.
//
// Where a row lies
//
//     columns, ranks, weights, flags      pages by row id (vm/paged_array.h)
//     membership of sets                  vm/row_table.h, by all columns: where a row is, or was in this epoch
//     hash indexes                        vm/row_chains.h: a chain a key, newest first
//     ordered indexes                     vm/row_tree.h
//     the readers' side                   vm/standing_versions.h, only with a PinRegistry
//
//     chain of a key      [ entered … | there all the time … | left … ]
//
// A row that left stays in the indexes until the step ends, marked, at the end of its chains: views differ
// by a bit a row, are told apart only while the step has changed something, and whether a key has any row
// is asked of one end of its chain. It keeps slot and words until the epoch ends, so that it comes back as
// the same row and abort() needs no copy of it; only what it was when the epoch began is noted down, once.
//
// Identity. durable_id() is that of bags. identity() numbers rows in the order of their coming, and a row
// that comes back in a later step than it left is a new one; what refraction goes by.
//
// Errors. An operation that fails (kLimit: the budget; kData: a second row under a key) leaves the epoch
// half done: abort() it. commit(), abort() and end_step() do not fail.
//
// Invariants (verify() checks them)
//   (1) Each slot is free, in use, or waits for readers to leave.
//   (2) The indexes hold the rows of either view, each once; the membership table those of the epoch.
//   (3) In a set no two rows are equal, in a keyed relation no two visible ones have the same key.
//   (4) A row is visible exactly if it is stated or has a weight.
//   (5) size() counts the visible rows.
//
// Cost, measured on a busy machine (tests/bench/relation_bench.cc, standing): an epoch of one row 180 ns,
// each index 90 more, versions 270 more an index; a million ranked rows of two columns with an index 180 ns
// a row, born in batches, and 34 bytes a row with all slack (versions: 16 more, and 16 an index); a
// look-up out of the cache 60 to 100 ns; a million rows under one key 4 ns a match, and 230 ns to take one
// out of a hash and an ordered index.
//
// Threads: methods with a ReadPin from any thread, where there is a PinRegistry; all others from the one
// writer.
// Sources: Z-sets and their distinct, Budiu et al. 2023; ranks, design.md section 5.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "vm/base/expected.h"
#include "vm/member_table.h"
#include "vm/paged_array.h"
#include "vm/read_pin.h"
#include "vm/relation.h"
#include "vm/row_chains.h"
#include "vm/row_columns.h"
#include "vm/row_tree.h"
#include "vm/standing_versions.h"
#include "vm/word.h"

namespace entail::vm {

// Identity of a bag's row that outlasts its slot: where it came from and its number there.
struct DurableId {
  Word source = 0;
  Word ordinal = 0;
  friend auto operator<=>(const DurableId&, const DurableId&) = default;
};

enum class Counting : std::uint8_t { kDerived, kStated };

class StandingRelation {
 public:
  static constexpr Word kOpenSource = ~Word{0};  // Of an id that waits for the version's number.

  // Signed changes, one array of words per column. Equal rows are summed first in sets; in bags they
  // are taken in order.
  struct Batch {
    std::span<const Word* const> columns;
    std::size_t n = 0;
    const std::int64_t* weights = nullptr;  // nullptr: all 1.
    const std::uint32_t* ranks = nullptr;   // Where the relation keeps ranks; nullptr: all 0.
    // Bags: of each row; a deletion takes the row that has the id, if it is equal. nullptr: (source of the
    // commit, ordinal in it), and deletions take the newest.
    const DurableId* ids = nullptr;
  };

  // Fails with kInvalidArgument when the options contradict each other. `pins` outlives the relation;
  // without it there are no versions to read.
  static Expected<std::unique_ptr<StandingRelation>> create(RelationOptions options,
                                                            PinRegistry* pins = nullptr);
  ~StandingRelation();
  StandingRelation(const StandingRelation&) = delete;
  StandingRelation& operator=(const StandingRelation&) = delete;

  const RelationOptions& options() const { return options_; }
  std::size_t column_count() const { return options_.columns.size(); }

  // --- changing: the open step ---------------------------------------------------------------------

  // kStated: only the sign of a row's sum counts; deleting what is not stated changes nothing and is
  // counted (ignored_deletions). kDerived: weights add up; a sum below 0 is a bug. In bags a weight is so
  // many rows, and deleting what is not there is ignored either way.
  // Fails with kData when a keyed relation would show a second row under a key.
  Expected<void> apply(const Batch& batch, Counting counting = Counting::kDerived);

  // Keyed: each row takes the place of the one under its key, if that differs. Weights are ignored.
  // Fails with kData when the one under its key is held in the other way.
  Expected<void> replace(const Batch& batch, Counting counting = Counting::kStated);

  // Rows leave whatever their weight. REQUIRES: they are visible, each once, not stated; no bag.
  void remove(std::span<const Row> rows);

  // Bags: this row is not stated any more, whatever rows are equal to it. REQUIRES: it is visible and stated.
  void retract(Row row);

  // Rows that are not there are born (or, if they were there in this epoch, come back) with a weight of 1
  // and the given rank, and are appended to `fresh`. Rows that are there are left as they are: a stated
  // one keeps the weight 0 and goes with its statement. ranks: nullptr unless the relation keeps them.
  Expected<void> insert_ranked(std::span<const Word* const> columns, std::size_t n,
                               const std::uint32_t* ranks, std::vector<Row>& fresh);

  // Gives a visible row another rank; undone by abort(). REQUIRES: options().ranks.
  void set_rank(Row row, std::uint32_t rank);

  // The net of the open step: a row that left and came back is in neither. Valid until the next change;
  // the rows can be loaded until the epoch ends.
  std::span<const Row> entered();
  std::span<const Row> left();

  // kOld becomes kTotal. O(changes of the step).
  void end_step();

  // --- the epoch -----------------------------------------------------------------------------------

  // The net of the open epoch, for reporting it before commit().
  std::vector<Row> epoch_entered() const;
  std::vector<Row> epoch_left() const;
  // Of what is stated: rows that are and were not when the epoch began, and the reverse.
  void epoch_stated(std::vector<Row>& gained, std::vector<Row>& lost) const;

  // Ends the step; the epoch becomes `version`, for readers once the registry publishes it. Rows of bags
  // without an id get (source, ordinal).
  // REQUIRES: version is newer than the last and than what the registry has published.
  void commit(Version version, Word source);
  void commit(Version version) { commit(version, version); }
  // Everything is as it was when the epoch began: rows, weights, ranks, ids, references.
  void abort();
  bool has_open_changes() const { return !born_.empty() || !saved_.empty(); }

  // --- rows of another process ----------------------------------------------------------------------

  // Rows as a relation of the same options had them, one array of words per column and one entry of the
  // rest per row. Row number i of all that come lies in slot i.
  struct Image {
    std::span<const Word* const> columns;
    std::size_t n = 0;
    const std::uint8_t* held = nullptr;         // 1: stated; 2: derived; 3: both.
    const std::int64_t* weights = nullptr;      // With options().weights.
    const std::uint32_t* ranks = nullptr;       // With options().ranks.
    const DurableId* ids = nullptr;             // Of bags.
    const std::uint64_t* identities = nullptr;  // With options().identities; nullptr: new ones.
  };
  // Between begin_restore() and end_restore(), which makes them rows of that version, nothing else is done with
  // the relation: tables and indexes are made of all rows at once. Both fail with kLimit.
  // REQUIRES: it never had a row; `rows` is how many come; none of them equals another one, but in bags.
  Expected<void> begin_restore(std::size_t rows);
  Expected<void> restore(const Image& image);
  Expected<void> end_restore(Version version);
  // What next_identity() of the other relation was, once all its rows are restored.
  std::uint64_t next_identity() const { return next_identity_; }
  void set_next_identity(std::uint64_t next) { next_identity_ = epoch_identity_ = next; }

  // Deletions of what was not there, over the relation's life; abort() does not take them back.
  std::uint64_t ignored_deletions() const { return ignored_deletions_; }

  // --- the writer's reads: kTotal or kOld --------------------------------------------------------------

  std::size_t size() const { return visible_; }  // In kTotal.
  // Visible rows from `position` on, at most `limit`; moves it. 0 at the end.
  std::size_t scan(View view, Row& position, Row* out, std::size_t limit) const;

  void load(std::uint32_t column, const Row* rows, std::size_t n, Word* out) const {
    columns_.load(column, rows, n, out);
  }
  // REQUIRES: options().ranks.
  void load_ranks(const Row* rows, std::size_t n, Word* out) const;
  std::uint32_t rank(Row row) const { return ranks_[row]; }

  bool is_stated(Row row) const { return (flags_[row] & kStated) != 0; }
  bool is_derived(Row row) const { return (flags_[row] & kDerived) != 0; }
  std::int64_t weight(Row row) const;   // Of derivations; 0 or 1 where weights are not kept.
  DurableId durable_id(Row row) const;  // REQUIRES: options().bag.
  // REQUIRES: options().identities.
  std::uint64_t identity(Row row) const { return identities_[row]; }
  // Identities are kept from now on; the rows that are there are numbered in the order of their slots.
  // REQUIRES: no open changes.
  void keep_identities();

  // out[i] = the row that equals row i of the columns, or kNoRow. Bags: the newest of them.
  void find(View view, std::span<const Word* const> columns, std::size_t n, Row* out) const;

  // Fills and keeps up an index from now on. An equal spec is returned again. Fails with kLimit.
  Expected<std::uint32_t> add_index(const IndexSpec& spec);

  // The number of the index that add_index() would return without making one. A spec with a range column is
  // served by no other.
  std::optional<std::uint32_t> find_index(const IndexSpec& spec) const;
  std::size_t index_count() const { return indexes_.size(); }
  const IndexSpec& index_spec(std::size_t index) const { return indexes_[index].spec; }

  // Matches of n keys (arrays in the order of the spec's ascending key columns) are appended to `rows`,
  // with the number of the key in `lanes`, which ascends. REQUIRES: no range column.
  void probe(std::uint32_t index, View view, std::span<const Word* const> keys, std::size_t n,
             std::vector<Row>& rows, std::vector<std::uint32_t>& lanes) const;
  // out[i] = 1 if key i has a visible row, else 0. REQUIRES: no range column.
  void probe_any(std::uint32_t index, View view, std::span<const Word* const> keys, std::size_t n,
                 std::uint8_t* out) const;
  // With bounds on the range column (nullptr: open). Rows of a key come in the order of the range column.
  // REQUIRES: a range column.
  void probe_range(std::uint32_t index, View view, std::span<const Word* const> keys,
                   const Word* low, bool low_inclusive, const Word* high, bool high_inclusive,
                   std::size_t n, std::vector<Row>& rows, std::vector<std::uint32_t>& lanes) const;

  // The first visible row whose range column is above `low`, or at it; kNoRow if there is none.
  // REQUIRES: a range column and no key.
  Row first_in_range(std::uint32_t index, View view, const Word* low, bool low_inclusive) const;

  // Distinct keys of an index: what the planner divides by. Estimated for ordered ones.
  std::uint64_t distinct_keys(std::uint32_t index) const;
  // An estimate from a sample of rows, without an index; at least 1 unless the relation is empty.
  std::uint64_t estimate_distinct(std::span<const std::uint32_t> columns) const;

  // --- readers, at the version that they pinned ------------------------------------------------------
  // All fail with kLimit once the pin was revoked. Rows are good until the pin is let go.
  // REQUIRES: created with a PinRegistry.

  Expected<std::size_t> scan(const ReadPin& pin, Row& position, Row* out, std::size_t limit) const {
    return versions_->scan(pin, position, out, limit);
  }
  Expected<void> load(const ReadPin& pin, std::uint32_t column, const Row* rows, std::size_t n,
                      Word* out) const {
    return versions_->load(pin, column, rows, n, out);
  }
  // Newer rows of a key come first. REQUIRES: no range column.
  Expected<void> probe(const ReadPin& pin, std::uint32_t index, std::span<const Word* const> keys,
                       std::size_t n, std::vector<Row>& rows,
                       std::vector<std::uint32_t>& lanes) const {
    return versions_->probe(pin, index, keys, n, rows, lanes);
  }

  // --- upkeep ----------------------------------------------------------------------------------------

  // Frees what no pin can see. commit() and abort() do it too; call it when readers have left.
  void reclaim();
  // Dead rows and retired memory that only pins still hold: what a cap on pins goes by.
  std::uint64_t bytes_held_by_pins() const;
  std::uint64_t bytes_used() const;  // What is allocated, slack included.
  std::uint64_t bytes_of_indexes() const;
  void verify() const;

 private:
  // Of a row. Rows of either view are in the indexes (kLinked).
  enum Flag : std::uint8_t {
    kInUse = 1,      // Not free, and not left to readers.
    kPresent = 2,    // In kTotal.
    kWasThere = 4,   // In kOld.
    kStated = 8,     // Held by a statement …
    kDerived = 16,   // … or by a weight above 0.
    kLinked = 32,    // In the indexes.
    kInStep = 64,    // In step_.
    kInEpoch = 128,  // In born_ or saved_.
  };
  // Neither chains nor tree: a set's membership table answers.
  struct Index {
    IndexSpec spec;
    std::unique_ptr<RowChains> chains;
    std::unique_ptr<RowTree> tree;
  };
  // A row as the epoch found it; it was visible.
  struct Saved {
    std::uint64_t weight_and_stated = 0;
    Row row = 0;
    std::uint32_t rank = 0;
  };
  // One row of a batch that is applied.
  struct Change {
    std::uint32_t i = 0;
    std::int64_t weight = 1;
  };
  // How a large batch has fared so far: what tables grow by.
  struct Progress {
    std::size_t rows = 0;
    std::size_t done = 0;
    std::size_t born = 0;
    std::vector<std::uint64_t> keys;  // Of each index, when it began.
    std::size_t expect(std::uint64_t grown_by) const;
  };

  static constexpr std::size_t kChunk = size_or_tiny(256, 5);

  StandingRelation(RelationOptions options, PinRegistry* pins);

  // Storage (standing_storage.cc).
  Expected<void> fit_columns(std::span<const Word* const> columns, std::size_t n);
  Expected<void> make_room(std::size_t births, const Progress& progress);
  Expected<void> make_room(std::span<const Word* const> columns, std::size_t first, std::size_t n,
                           std::size_t births, const Progress& progress);
  Expected<void> cover(std::span<const Word* const> columns, std::size_t first, std::size_t n);
  std::uint64_t growth(std::size_t slots, std::size_t births, const Progress& progress) const;
  void grow(std::size_t slots, std::size_t births, const Progress& progress);
  bool book(std::uint64_t bytes);
  void settle_budget();
  Row take_slot();
  void link_equal(RowChains& chains, Row row);
  void link_again(Row row);
  void flush_links();
  void unlink(Row row);
  void erase_members(std::span<const Row> rows);
  void unlink_all(std::span<const Row> rows);
  // So large a part of a table that making it anew is cheaper than taking out one by one.
  static bool is_most(std::size_t part, std::size_t whole) {
    return part >= size_or_tiny(1024, 4) && part > whole / 2;
  }
  void free_slot(Row row);
  void release_handles(Row row);
  void put_weight(Row row, std::int64_t weight);
  Expected<void> fill(Index& index);
  Expected<void> link_rows(Index& index, std::vector<Row> rows);
  Expected<std::uint32_t> make_index(const IndexSpec& spec);
  std::uint64_t bytes_per_slot() const;
  std::uint64_t bytes_of_scratch() const;
  void trim_scratch();
  Unexpected limit_error() const;
  Unexpected key_error() const;

  // Changes (standing_relation.cc).
  bool has(Row row, std::uint8_t flag) const { return (flags_[row] & flag) != 0; }
  bool equals(Row row, std::span<const Word* const> columns, std::size_t i) const {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (columns_.at(c, row) != columns[c][i]) return false;
    }
    return true;
  }
  Row member(std::span<const Word* const> columns, std::size_t i, std::uint32_t place) const;
  void prefetch_members(const std::uint32_t* places, std::size_t n) const;
  Row under_key(std::span<const Word* const> columns, std::size_t i) const;
  std::vector<Change> net_changes(const Batch& batch, const std::uint32_t* hashes);
  Expected<void> apply_to_set(const Batch& batch, std::span<const Change> changes,
                              const std::uint32_t* hashes, Counting counting);
  bool find_places(const Batch& batch, std::span<const Change> changes, const std::uint32_t* hashes,
                   std::uint32_t* places) const;
  Expected<void> change_set(const Batch& batch, Change change, std::uint32_t place,
                            Counting counting);
  Expected<void> apply_to_bag(const Batch& batch, Counting counting);
  Row newest(const Batch& batch, std::size_t i, std::uint8_t held) const;
  Row with_id(const Batch& batch, std::size_t i, std::uint8_t held) const;
  Progress begin_progress(std::size_t rows) const;

  Row give_birth(std::span<const Word* const> columns, std::size_t i, std::uint32_t rank,
                 std::uint8_t held, std::int64_t weight);
  void enter_member(Row row, std::uint32_t place) { members_.insert(place, row); }
  void revive(Row row, std::uint32_t rank, std::uint8_t held, std::int64_t weight);
  void leave(Row row);
  void save(Row row);
  void touch(Row row);
  void find_net();
  void name_sources(Word source);

  // Reads (standing_reads.cc).
  static std::uint8_t flag_of(View view);
  // Whether the indexes hold rows that the view does not show.
  bool hides_rows(View view) const { return (view == View::kTotal ? leaving_ : entering_) > 0; }
  Row newest_in_chain(Row head, View view) const;

  RelationOptions options_;
  std::vector<std::uint32_t> all_columns_;
  std::vector<std::uint32_t> handle_columns_;
  RowColumns columns_;
  PagedArray<std::uint8_t> flags_;
  PagedArray<std::uint32_t> ranks_;
  PagedArray<std::int32_t> weights_;
  PagedArray<std::int64_t> wide_weights_;  // In their place, once a weight needs it.
  bool has_wide_weights_ = false;
  PagedArray<DurableId> ids_;
  PagedArray<std::uint64_t> identities_;
  std::size_t capacity_ = 0;
  Row slot_count_ = 0;  // Slots ever used.
  std::vector<Row> free_;

  MemberTable members_;  // Sets: rows in use.
  std::vector<Index>
      indexes_;  // The first one of bags is by all columns, of keyed relations by the key.
  std::unique_ptr<StandingVersions> versions_;

  std::size_t visible_ = 0;
  std::size_t departed_ = 0;  // In use and not visible.
  // The step.
  std::vector<Row> step_;      // Rows that came or went.
  std::size_t entering_ = 0;   // In kTotal only.
  std::size_t leaving_ = 0;    // In kOld only.
  bool chains_mixed_ = false;  // Rows came back: kOld ones may stand before entered ones.
  std::vector<Row> unlinked_;  // Born in the running operation, not in the indexes yet.
  bool net_is_known_ = false;
  std::vector<Row> entered_;
  std::vector<Row> left_;
  // The epoch.
  std::vector<Row> born_;
  std::vector<Saved> saved_;
  std::vector<std::uint64_t> saved_identities_;
  std::uint64_t next_identity_ = 1;
  std::uint64_t epoch_identity_ = 1;
  Word next_ordinal_ = 0;
  bool has_given_ids_ = false;
  Version last_version_ = 0;

  std::uint64_t ignored_deletions_ = 0;
  std::uint64_t booked_ = 0;  // Bytes reserved from the budget.
};

}  // namespace entail::vm
