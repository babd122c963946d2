// vm/standing_groups.h - groups whose aggregates follow signed changes of their rows.
//
// The state of an aggregate node. Rows go in, each a group's key words and an argument for each
// aggregate, added or taken away; out comes how the groups' *result rows* changed, a result row being
// the key words and the results.
//
//     count, sum v : { order(k, v) } by k
//     apply +1   (7, 5) (7, 6) (9, 1)      take_changes   entered  (7, 2, 11) (9, 1, 1)
//     apply -1   (7, 5) (9, 1)             take_changes   left     (7, 2, 11) (9, 1, 1)
//                                                         entered  (7, 1, 6)
//
// A group has a result row while it has rows and each aggregate has a result: min, max and mean of
// nothing have none. Results are bit for bit those of an AccumulatorSet over the rows that are there
// (vm/aggregates.h); what is kept for that is
//
//     count          a number                    sum, mean      a sum that wraps, one of 128 bits, or
//     count distinct, min, max                                  an exact one (vm/exact_sum.h)
//                    each value and how often (vm/value_multisets.h)
//
// SQL's aggregates (vm/sql_aggregates.h) always have a result, which may be null or an error:
//
//     sum, avg       of integers 128 bits, of floats an exact sum, of numerics one with its scales
//                    (vm/numeric_sum.h), of intervals three sums of 128 bits; and how many values
//     bool_and, or   how many are true, and how many there are         bit_xor    a word
//     min, max       as above                   DISTINCT    each value and how often, before the rest
//
// A group is one run of words, its *record*:
//
//     | key words … | rows and flags | flat state … | handles of multisets and exact sums … |
//
// Epochs. The flat part of a record is copied once, when the epoch first touches the group; changes of
// multisets and of sums beside the record are logged. abort() takes the log back and puts the copies in
// place; both kinds are exact, so every group is as it was at the last commit. Groups without rows stay until the
// commit, which gives their records to new groups.
//
// Values that are handles: a group owns a reference to its key's, and each kept value one. They are
// released at the end of the epoch only, so that words in Changes, and what abort() brings back, can be
// read as long as the pool's end_step() waits for it.
//
// Within a step, rows may be taken away before they are added: counts below 0 are a bug of the caller's
// only when take_changes() finds them.
//
// Errors. An apply() that fails (kLimit) leaves the epoch half done: abort() it. The rest does not fail.
//
// Invariants (verify() checks them; the changes must have been taken)
//   (1) Each record is in the map, under the hash of its key, or on the free list.
//   (2) A group without rows was touched in the open epoch, and all of its state is zero.
//   (3) No count is negative; multisets hold as many values as there are rows that are not null.
//   (4) Every handle kept has a reference.
//
// Cost: a row some tens of ns, O(log n) in a multiset of n values; take_changes() and the end of an
// epoch the groups touched. Threads: one owner.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "vm/base/expected.h"
#include "vm/base/memory_budget.h"
#include "vm/exact_sum.h"
#include "vm/flat_array.h"
#include "vm/internal/sum_store.h"
#include "vm/numeric_sum.h"
#include "vm/program.h"
#include "vm/row_map.h"
#include "vm/sql_aggregates.h"
#include "vm/value_multisets.h"
#include "vm/value_pool.h"
#include "vm/word.h"

namespace entail::vm {

class StandingGroups {
 public:
  struct Options {
    std::uint32_t key_words = 0;                    // 0: one group, of all rows.
    std::vector<bool> key_handles;                  // By key word. Empty: none is a handle.
    std::vector<AggregateKind> kinds;               // At most 255.
    std::vector<std::optional<AggregateSpec>> sql;  // Where not empty, in place of the kind.
    std::vector<bool> argument_handles;             // By aggregate. Empty: none is a handle.
    std::vector<bool>
        argument_nullable;           // Where false, nulls are not read. Empty: all may be null.
    ValuePool* pool = nullptr;       // Required with handles, and to compare texts.
    MemoryBudget* budget = nullptr;  // nullptr: no limit.
  };

  // The net change of result rows: one array per word, key words first and then a word per aggregate;
  // then for each of SQL's the second word of its result, whether it is null, and its error (vm/lane_error.h).
  struct Changes {
    std::vector<std::vector<Word>> left;     // Rows that were results and are no more.
    std::vector<std::vector<Word>> entered;  // Rows that are results now.
    std::size_t left_count = 0;
    std::size_t entered_count = 0;
  };

  // Whether SQL's aggregate can be followed: a value of it can be taken back from what is kept.
  static bool follows(const AggregateSpec& spec, const TypeTable& types);

  // Fails with kUnsupported for more aggregates than a group can have. REQUIRES: follows() all of SQL's.
  static Expected<std::unique_ptr<StandingGroups>> create(Options options);
  ~StandingGroups();
  StandingGroups(const StandingGroups&) = delete;  // Owns references.
  StandingGroups& operator=(const StandingGroups&) = delete;

  // Adds (sign 1) or takes away (sign -1) n rows: one array per key word, and one of values per
  // aggregate, which kCount does not read, then the second words of SQL's arguments that have two. A
  // value is not aggregated where nulls[k] is not nullptr and
  // nulls[k][i] is not 0; its row counts for the group all the same. `nulls` may be empty.
  Expected<void> apply(std::span<const Word* const> keys, std::span<const Word* const> values,
                       std::span<const Word* const> nulls, std::size_t n, int sign);

  // The net change since the last call, in the order in which groups were first touched since then.
  // Keeps the capacity of `out`.
  void take_changes(Changes& out);

  // REQUIRES, for commit: the changes were taken.
  void commit();
  void abort();

  // --- groups of another process

  // Some groups: arrays by group of each word, and what is kept beside their records, one group after the other.
  struct Image {
    struct Beside {
      std::vector<std::uint32_t>
          sizes;  // By group: how many values, or words of a sum; 0: there is none.
      std::vector<Word> words;
      std::vector<std::int64_t> counts;  // Of values: how often each is there.
    };
    std::size_t n = 0;
    std::vector<std::vector<Word>> keys;  // By key word.
    std::vector<std::vector<Word>> flat;  // By word of the flat state: flat_words().
    std::vector<Beside> values;           // By aggregate: nothing in it unless keeps_values().
    std::vector<Beside> sums;             // The same, unless keeps_sums().
  };
  std::size_t flat_words() const { return flat_end_ - rows_at_; }
  bool keeps_values(std::size_t k) const { return aggregates_[k].keeps_values(); }
  bool keeps_sums(std::size_t k) const { return aggregates_[k].sum != 0; }
  // Gives all groups, as many at a time as have about so many words. REQUIRES: no open epoch.
  Expected<void> save(std::size_t words,
                      const std::function<Expected<void>(const Image&)>& give) const;
  // Room for so many; then groups that are none of those that are there, as save() gave them, which are committed.
  // Both fail with kLimit, restore() with kCorrupt where the arrays do not fit each other.
  Expected<void> begin_restore(std::size_t groups);
  Expected<void> restore(const Image& image);

  // Groups with rows, and those that lost theirs in the open epoch.
  std::size_t size() const { return map_.size(); }
  std::uint64_t bytes_used() const;
  std::uint64_t rows_touched() const { return rows_touched_; }
  void verify() const;

 private:
  enum class Form : std::uint8_t {
    kCount,
    kDistinct,
    kSum,      // That wraps.
    kWideSum,  // Of 128 bits.
    kIntervalSum,
    kExactSum,
    kNumericSum,
    kTruths,  // How many are true.
    kXor,
    kExtremum,
  };
  // How words become unsigned numbers in the order of their values.
  enum class KeyOrder : std::uint8_t { kUnsigned, kSigned, kFloat8, kFloat4, kText };
  struct Aggregate {
    const AggregateSpec* spec = nullptr;  // SQL's.
    AggregateKind kind = AggregateKind::kCount;
    Form form = Form::kCount;
    KeyOrder key_order = KeyOrder::kUnsigned;
    bool backwards = false;  // The greatest first.
    bool nullable = true;
    bool owns = false;        // Kept values hold references,
    bool logs_owned = false;  // or those in the log do.
    bool is_mean = false;
    bool is_wide_unsigned = false;
    bool once = false;       // DISTINCT of a sum: values go through a multiset.
    std::uint32_t flat = 0;  // Where in the record its flat state is,
    std::uint32_t flat_words = 0;
    std::uint32_t count =
        0;  // where its number of rows that are not null is (maybe the group's rows),
    std::uint32_t state = 0;  // where the root of its multiset is,
    std::uint32_t sum = 0;    // and the number of its exact or numeric sum.
    std::uint32_t low =
        0;  // Of a value of two words: where among the arrays of values the second is;
    std::uint32_t beside = 0;  // of SQL's, where among the words of results the second is.

    ValueMultisets::Order order() const {
      if (key_order != KeyOrder::kText) return ValueMultisets::Order::kWords;
      return backwards ? ValueMultisets::Order::kTextBackwards : ValueMultisets::Order::kText;
    }
    bool keeps_values() const { return once || form == Form::kDistinct || form == Form::kExtremum; }
  };

  // What a change did to a value of a multiset.
  enum class Transition : std::int8_t { kNone, kAppeared, kDisappeared };
  struct LogEntry {
    Word value;
    std::uint32_t group;
    std::uint8_t aggregate;
    std::int8_t sign;
    Transition transition;
  };
  static_assert(sizeof(LogEntry) == 16);

  // The word of rows and flags: the number of rows in units, the flags in the bits below.
  static constexpr Word kTouchedFlag = 1;  // Since the last take_changes().
  static constexpr Word kSavedFlag = 2;    // In the open epoch.
  static constexpr unsigned kRowsShift = 2;
  static constexpr Word kRowUnit = Word{1} << kRowsShift;

  explicit StandingGroups(Options options);
  void lay_out();
  static void describe(AggregateKind kind, Aggregate& aggregate);
  static void describe_sql(const AggregateSpec& spec, Aggregate& aggregate);

  Word* record(std::uint32_t group) { return records_.data() + std::uint64_t{group} * stride_; }
  const Word* record(std::uint32_t group) const {
    return records_.data() + std::uint64_t{group} * stride_;
  }
  std::int64_t rows_of(const Word* words) const {
    return static_cast<std::int64_t>(words[rows_at_]) >> kRowsShift;
  }
  std::int64_t count_of(const Aggregate& aggregate, const Word* words) const {
    return aggregate.count == rows_at_ ? rows_of(words)
                                       : static_cast<std::int64_t>(words[aggregate.count]);
  }
  static Word multiset_key(const Aggregate& aggregate, Word value);
  static Word multiset_value(const Aggregate& aggregate, Word key);

  std::uint32_t find(std::uint32_t tag, std::span<const Word* const> keys, std::size_t i) const;
  std::uint32_t add_group(std::uint32_t tag, std::span<const Word* const> keys, std::size_t i);
  bool room_to_touch();
  void touch(std::uint32_t group, bool created);
  std::uint32_t tag_of(const Word* words, std::vector<const Word*>& pointers) const;
  void free_group(std::uint32_t group, std::uint32_t tag);

  bool find_groups(std::span<const Word* const> keys, std::size_t n, int sign);
  bool step(std::size_t k, const Word* values, const Word* lows, const Word* nulls, std::size_t n,
            int sign);
  bool change_multiset(std::size_t k, std::uint32_t group, Word value, int sign,
                       Transition& transition);
  // Of one value: the part that is kept in the record, and the sum beside it, logged or not.
  static void add_flat(const Aggregate& aggregate, Word* words, Word value, Word low, int sign);
  bool add_sum(const Aggregate& aggregate, const Word* words, Word value, int sign);
  bool change_sum(std::size_t k, std::uint32_t group, Word value, int sign);
  static Unexpected limit_error();
  std::size_t add_to_image(const Word* words, Image& image) const;
  bool restore_beside(std::size_t k, const Image& image, std::uint32_t first);
  bool room_for_sum(const Aggregate& aggregate, Word* words);

  bool has_results(const Word* words) const;
  Word result_of(const Aggregate& aggregate, const Word* words) const;
  SqlAggregateResult sql_result_of(const Aggregate& aggregate, const Word* words) const;
  Word exact_result(const Aggregate& aggregate, const Word* words) const;
  void fill_results(const Word* words, Word* out) const;

  void end_epoch();
  void release_all();
  std::uint64_t kept_scratch() const;

  const Options options_;
  std::vector<Aggregate> aggregates_;
  std::uint32_t value_arrays_ = 0;  // What apply() is given.
  std::uint32_t result_words_ = 0;
  std::uint32_t rows_at_ = 0;   // Where rows and flags are; what is saved begins here.
  std::uint32_t flat_end_ = 0;  // Where the handles begin.
  std::uint32_t stride_ = 0;
  bool any_key_handle_ = false;

  FlatArray<Word> records_;
  RowMap map_;
  std::uint32_t group_slots_ = 0;
  std::uint32_t free_group_ = RowMap::kNone;  // A free record names the next where its rows were.
  ValueMultisets multisets_;
  internal::SumStore<ExactSum> exacts_;
  internal::SumStore<NumericSum> numerics_;

  FlatArray<Word> touched_;  // Since take_changes: the group, whether it had a row, its results.
  FlatArray<Word> saved_;    // In the epoch: the group, whether it is new, rows, flat state.
  FlatArray<LogEntry> log_;  // In the epoch.

  std::vector<std::uint32_t> tags_;
  std::vector<std::uint32_t> origins_;
  std::vector<const Word*> key_pointers_;
  std::vector<Word> results_;
  std::uint64_t rows_touched_ = 0;
};

}  // namespace entail::vm
