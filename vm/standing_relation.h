// vm/standing_relation.h - a relation that stands: rows with weights and versions, an epoch that can be
// taken back, and readers that never wait.
//
// One writer changes it in an open *epoch*, which commit(version) makes a version and abort() undoes. Any
// number of readers look at the versions that they have pinned (vm/read_pin.h), at the same time.
//
// The life of a row slot
//
//     free ──apply──► pending ──commit v──► alive ──apply──► leaving ──commit w──► dead ──► unlinked ──► free
//          born = never      born = v           died = leaving     died = w      no pin sees   no reader
//          died = never                                                          version < w   is near it
//
//     a reader at version p sees the slot when  born <= p < died
//     the writer sees it when                   died is `never`
//
// Sets count: a row's weight is the sum of what was applied to it, and only the steps between 0 and more
// are visible (Counting::kDerived); stated facts are there or not (kStated). Deleting what is not there
// changes nothing and is counted. A row that comes back in the epoch in which it left is the same slot.
// Bags keep a row for each insertion, with a durable id; deleting a value removes the newest equal row.
// A keyed relation holds one row for each key; replace() takes the old one out.
//
// Indexes are chains: each bucket's head and each slot's link are atomic. A row is linked before it is
// committed and unlinked when no pin sees it; its link stays as it was until no reader can stand on it.
// Tables and columns that grow are copied, published with a release store, and the old ones retired.
//
// Why readers are safe. Words of a slot are written while the slot is unreachable or invisible to every
// pin, and published by the release store of `born`. A slot used again has `born` stored before `died`,
// and a reader loads `died` before `born` (acquire): it cannot combine the old birth with the new life.
// A reader looks at words only of slots that it sees.
//
// Errors. An operation that fails (kLimit: the budget; kData: a second row under a key) leaves the epoch
// half done: abort() it. commit() and abort() do not fail.
//
// Invariants (verify() checks them, between epochs)
//   (1) Each slot is free, linked in every index, or quarantined; free and quarantined ones are not alive.
//   (2) A chain holds the linked slots of its bucket, each once.
//   (3) In a set no two alive rows are equal, in a keyed relation none have the same key.
//   (4) An alive row has a positive weight, a row that is not alive has none.
//   (5) size() counts the alive rows.
//
// Threads: methods with a ReadPin from any thread; all others from the one writer.
// Cost: apply of one row well below a microsecond; a read a cache miss a row and column.
// Sources: Z-sets and their distinct, Budiu et al. 2023; epoch-based reclamation, Fraser 2004.

#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "vm/base/expected.h"
#include "vm/read_pin.h"
#include "vm/relation.h"
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
  // Signed changes, one array of words per column. Equal rows are summed first in sets; in bags they
  // are taken in order.
  struct Batch {
    std::span<const Word* const> columns;
    std::size_t n = 0;
    const std::int64_t* weights = nullptr;  // nullptr: all 1.
    const std::uint32_t* ranks = nullptr;   // Required where the relation keeps ranks.
    const DurableId* ids = nullptr;  // Bags: nullptr: (version of the commit, ordinal in it).
  };

  // What became visible or went, as values: slots may be used again.
  struct Transitions {
    std::vector<std::vector<Word>> columns;
    std::vector<std::int64_t> weights;  // 1: appeared; -1: disappeared.
    std::vector<DurableId> ids;         // Bags.
    std::uint64_t ignored_deletions = 0;
    std::size_t size() const { return weights.size(); }
  };

  // Fails with kInvalidArgument when the options contradict each other. `pins` outlives the relation.
  static Expected<std::unique_ptr<StandingRelation>> create(RelationOptions options,
                                                            PinRegistry& pins);
  ~StandingRelation();
  StandingRelation(const StandingRelation&) = delete;
  StandingRelation& operator=(const StandingRelation&) = delete;

  const RelationOptions& options() const { return options_; }
  std::size_t column_count() const { return column_count_; }

  // --- the open epoch ----------------------------------------------------------------------------

  // Applies signed changes. REQUIRES: a keyed relation is given no row whose key another alive row has
  // (else kData).
  Expected<Transitions> apply(const Batch& batch, Counting counting = Counting::kDerived);

  // Keyed: each row takes the place of the one under its key, if that differs. Weights are ignored.
  Expected<Transitions> replace(const Batch& batch);

  // The epoch becomes `version`, for readers once the registry publishes it.
  // REQUIRES: version is newer than the last and than what the registry has published.
  void commit(Version version);
  // Everything is as it was when the epoch began: rows, weights, ranks, references.
  void abort();
  bool has_open_changes() const { return !undo_.empty(); }

  // --- the writer's view: the open epoch included ---------------------------------------------------

  std::size_t size() const { return alive_; }
  // Alive rows from `position` on, at most `limit`; moves it. 0 at the end.
  std::size_t scan(Row& position, Row* out, std::size_t limit) const;
  void load(std::uint32_t column, const Row* rows, std::size_t n, Word* out) const;
  // Matches of n keys (arrays in the order of the spec's key columns) are appended to `rows`, with the
  // number of the key in `lanes`. Newer rows of a key come first.
  void probe(std::uint32_t index, std::span<const Word* const> keys, std::size_t n,
             std::vector<Row>& rows, std::vector<std::uint32_t>& lanes) const;
  // out[i] = the weight of row i of the columns, 0 if it is absent. Bags: how many rows are equal.
  void weights(std::span<const Word* const> columns, std::size_t n, std::int64_t* out) const;
  std::uint32_t rank(Row row) const { return ranks_[row]; }
  // Gives an alive row another rank; undone by abort(). REQUIRES: options().ranks.
  void set_rank(Row row, std::uint32_t rank);
  DurableId durable_id(Row row) const;

  // Fills and keeps up an index from now on; readers may use it. An equal spec is returned again.
  // REQUIRES: no range column. Fails with kLimit.
  Expected<std::uint32_t> add_index(const IndexSpec& spec);

  // --- readers, at the version that they pinned -----------------------------------------------------
  // All fail with kLimit once the pin was revoked. Rows are good until the pin is let go.

  Expected<std::size_t> scan(const ReadPin& pin, Row& position, Row* out, std::size_t limit) const;
  Expected<void> load(const ReadPin& pin, std::uint32_t column, const Row* rows, std::size_t n,
                      Word* out) const;
  Expected<void> probe(const ReadPin& pin, std::uint32_t index, std::span<const Word* const> keys,
                       std::size_t n, std::vector<Row>& rows,
                       std::vector<std::uint32_t>& lanes) const;

  // --- upkeep ----------------------------------------------------------------------------------------

  // Frees what no pin can see. commit() and abort() do it too; call it when readers have left.
  void reclaim();
  // Dead rows and retired memory that only pins still hold: what a cap on pins goes by.
  std::uint64_t bytes_held_by_pins() const;
  std::uint64_t bytes_used() const;
  void verify() const;

 private:
  // What readers may look into is replaced as a whole when it grows: the new one is published through
  // the atomic pointer, the old one retired.
  template <typename T>
  struct Published {
    std::shared_ptr<T> owned;
    std::atomic<const T*> shared{nullptr};
    const T& read() const { return *shared.load(std::memory_order_acquire); }
    void publish(std::shared_ptr<T> next) {
      owned = std::move(next);
      shared.store(owned.get(), std::memory_order_release);
    }
  };
  struct Column {
    bool is_signed = false;
    std::vector<std::uint32_t> narrow;  // One of the two, by is_narrow.
    std::vector<Word> wide;
    bool is_narrow = true;
    Word at(Row row) const {
      if (!is_narrow) return wide[row];
      return is_signed ? int_word(static_cast<std::int32_t>(narrow[row])) : Word{narrow[row]};
    }
  };
  struct Life {
    std::atomic<Version> born{kNever};
    std::atomic<Version> died{kNever};
  };
  using Lives = std::vector<Life>;
  struct Link {
    std::atomic<Row> next{kEnd};
    Row previous = kEnd;  // The writer's; kEnd: the bucket's head.
    std::uint32_t tag = 0;
  };
  struct Chains {
    explicit Chains(std::size_t capacity) : heads(capacity), links(capacity) {
      for (std::atomic<Row>& head : heads) head.store(kEnd, std::memory_order_relaxed);
    }
    std::vector<std::atomic<Row>> heads;  // As many as there may be rows.
    std::vector<Link> links;              // By row.
    std::size_t bucket(std::uint32_t tag) const { return std::uint64_t{tag} * heads.size() >> 32; }
  };
  struct Index {
    std::vector<std::uint32_t> key;
    Published<Chains> chains;
  };
  enum class SlotState : std::uint8_t { kFree, kLinked, kQuarantined };
  enum class UndoKind : std::uint8_t { kBirth, kDeath, kRevival, kWeight, kRank };
  struct Undo {
    UndoKind kind;
    Row row;
    std::int64_t weight;  // Before.
    std::uint32_t rank;   // Before.
  };
  struct Event {
    Row row;
    std::int64_t weight;
  };
  struct Dead {
    Version died;
    Row row;
  };
  // Unlinked, and free once no reader can be near.
  struct Retired {
    std::uint64_t clock = 0;
    std::uint64_t bytes = 0;  // Of the memory.
    std::vector<Row> rows;
    std::vector<std::shared_ptr<const void>> memory;
  };

  static constexpr Version kNever = ~Version{0};
  static constexpr Version kLeaving = kNever - 1;
  static constexpr Row kEnd = 0xffffffffU;
  static constexpr std::size_t kIndexesMax = 64;
  static constexpr std::size_t kMembership = 0;  // The index on the identity columns.

  StandingRelation(RelationOptions options, PinRegistry& pins);

  // Storage (standing_storage.cc).
  Expected<void> make_room(const Batch& batch, std::size_t rows);
  bool grow(std::size_t capacity);
  bool widen(Published<Column>& column);
  std::shared_ptr<Chains> linked_anew(const Index& index, const Chains* from,
                                      std::size_t capacity) const;
  std::uint64_t bytes_per_slot() const;
  bool book(std::uint64_t bytes);
  template <typename T>
  void retire(std::shared_ptr<T> memory, std::uint64_t bytes);
  Row take_slot();
  void put(std::size_t column, Row row, Word word);
  void link(Row row);
  void unlink(Row row);
  void release_slots(const std::vector<Row>& rows);
  std::uint32_t tag_of(std::span<const std::uint32_t> key, Row row) const;
  Unexpected limit_error() const;

  Word word_at(std::size_t column, Row row) const { return columns_[column].owned->at(row); }
  Life& life(Row row) { return (*lives_.owned)[row]; }
  const Life& life(Row row) const { return (*lives_.owned)[row]; }
  // As the writer sees it.
  bool is_alive(Row row) const {
    return states_[row] == SlotState::kLinked &&
           life(row).died.load(std::memory_order_relaxed) == kNever;
  }

  // Changes (standing_relation.cc).
  struct Found {
    Row alive = kEnd;    // Has the same identity.
    Row leaving = kEnd;  // Left in this epoch, and is equal in every column.
  };
  Found find(const Batch& batch, std::size_t i, std::uint32_t tag) const;
  Row newest_equal(const Batch& batch, std::size_t i, std::uint32_t tag) const;
  bool equals(Row row, std::span<const std::uint32_t> columns, const Batch& batch,
              std::size_t i) const;
  void give_birth(const Batch& batch, std::size_t i, std::int64_t weight, DurableId id);
  void revive(Row row, std::int64_t weight, std::uint32_t rank);
  void bury(Row row);
  Expected<void> change_set(const Batch& batch, std::size_t i, std::int64_t weight,
                            std::uint32_t tag, Counting counting, Transitions& out);
  void change_bag(const Batch& batch, std::size_t i, std::uint32_t tag, Transitions& out);
  std::vector<std::uint32_t> tags_of(const Batch& batch) const;
  Transitions take_events(Transitions out);
  void drop(Row row);

  template <typename Sees>
  void probe_chains(const Index& index, std::span<const Word* const> keys, std::size_t n, Sees sees,
                    std::vector<Row>& rows, std::vector<std::uint32_t>& lanes) const;

  RelationOptions options_;
  PinRegistry& pins_;
  std::size_t column_count_;  // Without the two of the durable id.
  std::vector<std::uint32_t> all_columns_;
  std::vector<Published<Column>> columns_;
  Published<Lives> lives_;
  std::atomic<Row> slot_count_{0};  // Slots ever used; published after they are prepared.
  std::array<std::unique_ptr<Index>, kIndexesMax> indexes_;  // Fixed: readers look while it fills.
  std::uint32_t index_count_ = 0;

  // The writer's.
  std::vector<std::int64_t> weights_;
  std::vector<std::uint32_t> ranks_;
  std::vector<SlotState> states_;
  std::size_t capacity_ = 0;
  std::vector<Row> free_;
  std::size_t alive_ = 0;
  Version last_version_ = 0;
  Word next_ordinal_ = 0;
  std::vector<Undo> undo_;
  std::vector<Event> events_;    // Of the operation that runs.
  std::deque<Dead> dead_;        // Ascending by version.
  Retired retiring_;             // Unlinked since the last tick.
  std::deque<Retired> retired_;  // Ascending by clock.
  std::uint64_t booked_ = 0;     // Bytes reserved from the budget.
};

}  // namespace entail::vm
