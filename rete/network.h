// rete/network.h - a rule program that stands: its relations follow every change of the facts.
//
//     auto network = Network::create(program, {.pool = &pool});
//     (*network)->change(edge, {columns, n, weights});    // as often as the step has changes
//     (*network)->step();                                 // propagated to the fixpoint, agenda included
//     auto committed = (*network)->commit();              // a version, and the net change of what is watched
//
// Transactions and steps. A transaction is a sequence of steps; it begins with the first change after a
// commit or abort. change() collects; step() makes what was collected one consolidated batch, passes it
// through every node once in topological order, and lets the agenda fire, each firing a further step of
// the same transaction. commit() makes the transaction a version; abort() leaves no trace of it.
//
// Reading own writes. step(kChange, Productions::kWait) propagates a transaction's changes through all that is
// derived, but fires nothing: sessions that lend each other the relations take turns by such steps and abort().
// commit() lets fire what waits.
//
// Change of the program. extend() brings another program in force, between transactions: relations and rules
// that are the same in both keep all they hold (rows, weights, ranks, groups, indexes, what has fired), what is
// new is filled from what stands, what is gone is let go. The cost is that of the new part, and of compiling.
//
//     relation     kept      the same columns, and rules that say the same over kept relations
//                  remade    other rules: its stated rows are carried over, the rest is derived anew
//                  dropped   Relation::dropped: the id stays reserved, nothing is in it
//
// Derived bags. A bag that rules derive stands as a set, with columns behind the declared ones that tell its
// rows' derivations apart: declared_words(id) words of a row are what a reader sees, once per derivation
// (compiler/standing_form.h).
//
// Durable ids. A bag's row has the id (version that committed it, number in it) as long as it lives; whoever
// restores rows gives them the ids that they had (FactChanges::ids).
//
// Time. A stream with event time has a clock (datalog/rule_program.h, StreamAttributes), which is stated like
// other facts: by the network itself when rows arrive, and by tick(). Rows inserted by change() arrive in order:
// each is late if it is below the watermark as it stands, and then moves the watermark. Where a timer or an
// expiry is due before a row, and somebody can see steps, the step ends there and a step for the clock comes
// first, as if each row had come alone. Rows past their expiry are deleted in steps that hold nothing else;
// what a final relation would lose in one becomes a stated row of it. A partition is idle when its row of
// R.partitions says so: who knows that states it, and the next arrival or tick goes by it. Restored and loaded rows, and what
// productions insert, do not arrive.
//
// Errors. A step that fails (kLimit: firings, rows or memory; kData: a rule derives a second row under a key;
// kCancelled), or a commit (kData: a denial rule has a match) leaves the transaction half done: abort() it, and
// the network is as it was before. An expression that fails on some row stops nothing: its instance goes to the
// error side (errors()).
//
// The law: after each commit every relation holds what evaluating the program from scratch on the stated
// facts gives (compiler/evaluate.h); tests/property/ holds it.
//
// Lifetime: the pool and what else the options name outlive the network. Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "compiler/layout.h"
#include "datalog/rule_program.h"
#include "grammar/source_span.h"
#include "rete/error_side.h"
#include "rete/network_image.h"
#include "rete/network_statistics.h"
#include "vm/base/cancel.h"
#include "vm/base/clock.h"
#include "vm/base/expected.h"
#include "vm/base/memory_budget.h"
#include "vm/standing_relation.h"
#include "vm/value_pool.h"

namespace entail::rete {

enum class StepKind : std::uint8_t { kChange, kFiring, kTick, kExpiry };

// Whether a step lets productions fire. What waits fires in the next step that lets it, or at commit().
enum class Productions : std::uint8_t { kFire, kWait };

struct NetworkLimits {
  std::uint64_t firings = 100'000;  // In a row: an agenda that does not settle ends there.
  std::uint64_t rows_touched = ~std::uint64_t{0};  // Of one transaction.
};

struct NetworkOptions {
  vm::ValuePool* pool = nullptr;                // Over program.types; required.
  const grammar::SourceFiles* files = nullptr;  // For the places in messages.
  const CancelToken* cancel = nullptr;
  const Clock* clock = nullptr;  // For times in the statistics; else they are 0.
  // Microseconds since 1970, asked for when a transaction needs it first: the value of now() in all of it.
  // None: 0.
  std::function<std::int64_t()> start_time;
  MemoryBudget* memory = nullptr;  // nullptr: no limit.
  NetworkLimits limits;
  // Relations whose net changes commit() reports; the program's outputs are always among them.
  std::set<datalog::RelationId> watched;
  // Equivalences whose pairs somebody reads by relation(); those that are watched are among them.
  std::set<datalog::RelationId> read_whole;
  // Whether the facts of the programs' texts are stated; not where somebody else states what they say.
  bool states_facts = true;
  bool reports_stated = false;  // Whether commit() says what changed of what is stated.
  vm::Version version = 0;      // The last one committed, before this network was made.
  std::uint64_t plan_seed = 0;  // Not 0: plan with sizes made up from it (tests).
  // Of a full evaluation's work: beyond it a stratum is recomputed, if it is not small. 0: always.
  double recompute_fraction = 1;
};

// Signed changes of stated facts, one array of words per word column (layout()).
struct FactChanges {
  std::span<const vm::Word* const> columns;
  std::size_t n = 0;
  const std::int64_t* weights =
      nullptr;  // nullptr: all 1. Only the sign counts, once per unit in bags.
  // Bags: which rows they are: an insertion gets this id, a deletion takes the row that has it, or none.
  // nullptr: insertions get new ids, deletions take the newest equal row. The weights are 1 and -1 then.
  const vm::DurableId* ids = nullptr;
  // Arrivals in a stream with event time: the part of the source that they come from, which has a watermark
  // of its own.
  std::int64_t partition = 0;
  // Whether rows inserted in a stream with event time arrive: late ones are told apart, and the clock moves.
  // Else they are stated like any others, by whoever knows what happened to them.
  bool is_arrival = true;
};

// The net change of one relation over a transaction: rows that were not there and are, or the reverse.
struct NetChange {
  datalog::RelationId relation{};
  std::vector<std::vector<vm::Word>> columns;  // By word column.
  std::vector<std::int8_t> signs;              // 1: appeared; -1: disappeared.
  std::size_t size() const { return signs.size(); }
};

// The net change of what is stated of one relation: what a log keeps to be able to state it again. A row that is
// derived as well may have been there before, or stay.
struct StatedChange {
  datalog::RelationId relation{};
  std::vector<std::vector<vm::Word>> columns;  // By word column.
  std::vector<std::int8_t> signs;  // 1: is stated now; -1: is stated no more. Those first.
  // Bags. A row of the open transaction has the source kOpenSource, until commit() knows its version.
  std::vector<vm::DurableId> ids;
  // Whose firing changed the row last: the production's number, from 1; 0: it was changed from outside. Empty:
  // nothing fired.
  std::vector<std::uint32_t> firings;
  std::size_t size() const { return signs.size(); }
  static constexpr vm::Word kOpenSource = vm::StandingRelation::kOpenSource;
};

// One row that a production emitted, in the order of emission.
struct EmittedRow {
  datalog::RelationId relation{};
  std::vector<vm::Word> words;
  std::uint32_t production = 0;  // Its number, from 1.
};

struct Committed {
  vm::Version version = 0;
  std::vector<NetChange>
      changes;  // Of watched relations that changed, by relation. Rows in no order.
  std::vector<StatedChange>
      stated;  // By relation, what productions changed included (reports_stated).
  std::vector<EmittedRow> emitted;
  std::vector<std::string> logged;  // Lines, in the order of the firings.
  std::uint64_t steps = 0;
};

struct ExtendOptions {
  const grammar::SourceFiles* files = nullptr;  // Of the new program.
  std::set<datalog::RelationId> watched;        // In the place of what was.
  std::set<datalog::RelationId> read_whole;
  vm::Version version = 0;  // That it makes; 0: the one after the last.
};

// What extend() has done.
struct Extension {
  vm::Version version = 0;
  // Facts of the new program's text that the old one did not state, and those that only the old one did.
  std::vector<StatedChange> stated;  // With reports_stated.
  // Relations of both programs that are other objects now: whoever holds on to relation(id) asks again.
  std::vector<datalog::RelationId> remade;
  // Relations with all that is kept beside them, auxiliary ones included.
  std::uint64_t nodes_kept = 0;
  std::uint64_t nodes_made = 0;
};

class Network {
 public:
  // Compiles the program and evaluates it on the facts that it states: version 0, not committed yet, so
  // that facts changed before the first commit() are part of version 1. Fails with kUnsupported, naming
  // it, at what does not stand yet.
  static Expected<std::unique_ptr<Network>> create(const datalog::RuleProgram& program,
                                                   NetworkOptions options);
  // The same, where another process has left an image of a network (rete/network_image.h): relations that
  // mean the same in both have their rows, stated ones included, and is_restored(); what is stated in the
  // others is yet to be loaded. Fails with kCorrupt where the image is none.
  static Expected<std::unique_ptr<Network>> restore(const datalog::RuleProgram& program,
                                                    NetworkOptions options, ImageSource& image,
                                                    const RelationNames& names);
  ~Network();
  Network(const Network&) = delete;  // Owns relations.
  Network& operator=(const Network&) = delete;

  // --- another program ------------------------------------------------------------------------------

  // The program is in force from now on. Relations have the ids that they had, new ones ids behind them;
  // its type table has the types of the old one under the same ids. A relation with other columns, or
  // another collection or key, is a new one: its rows are gone. Productions that are new have activations
  // that wait until the next commit().
  // Fails like create(), or with kLimit, kData or kCancelled when what is new is filled: then the network is as it was.
  // REQUIRES: no transaction is open.
  Expected<Extension> extend(const datalog::RuleProgram& program,
                             const ExtendOptions& options = {});

  // --- at the start -----------------------------------------------------------------------------------

  // States rows that were stated when the process ended: like change(), without taking copies, many
  // thousands at once at best.
  Expected<void> load(datalog::RelationId relation, const FactChanges& rows);
  // What was loaded is what `version` left: everything is derived from it. Activations count as fired:
  // they had their turn before the process ended.
  Expected<void> end_load(vm::Version version);

  // The clocks of streams in which nothing arrived yet are as far as the rows that the open step states, as those
  // of the program's text are.
  void start_clocks();

  // Whether the stated rows of the relation were in the image that the network was made from.
  bool is_restored(datalog::RelationId relation) const;
  // The state of the last commit, for restore(). REQUIRES: no transaction is open.
  Expected<void> save(ImageSink& sink, const RelationNames& names) const;

  // --- a transaction --------------------------------------------------------------------------------

  // Adds to the open step. Inserting a fact that is stated already, or deleting one that is not, changes
  // nothing (and is counted). Keyed: an insertion takes the place of the row under its key.
  Expected<void> change(datalog::RelationId relation, const FactChanges& changes);
  // What was collected becomes a step; productions fire until the agenda is empty.
  Expected<void> step(StepKind kind = StepKind::kChange,
                      Productions productions = Productions::kFire);
  // It is so late, whether rows come or not: the clock of the stream, or of all, is moved to `time` less its
  // delay, if it is not there yet. A step of its own, behind one for what was collected; what expires follows in
  // a step that holds nothing else, and then productions fire.
  Expected<void> tick(std::optional<datalog::RelationId> stream, std::int64_t time,
                      Productions productions = Productions::kFire);
  // Ends the transaction, with a step for what is still collected, and for activations that have waited
  // since the program was loaded. The result's words are good until the next transaction begins.
  Expected<Committed> commit();
  // Fails with kData where a denial rule has a match. commit() asks, and extend() does where it states the
  // facts of the text itself; else whoever does asks when they are stated.
  Expected<void> check_denials() const;
  // Everything is as it was at the last commit: weights, ranks, groups, refraction, text memory.
  // O(what the transaction changed).
  void abort();
  // The net of what the open transaction changed of what is stated, by relation; good until it goes on.
  std::vector<StatedChange> stated_changes() const;
  // Whether anything was changed since the last commit or abort.
  bool in_transaction() const;
  // The relations whose net changes commit() reports, in the place of NetworkOptions::watched; at any time.
  // REQUIRES: equivalences among them were among read_whole.
  void set_watched(std::set<datalog::RelationId> relations);
  // The version that the next commit() makes, if that is not the one after the last. REQUIRES: newer than the last.
  void set_next_version(vm::Version version);

  // --- reading, the open transaction included -----------------------------------------------------------

  vm::Version version() const;  // The last committed one.
  const datalog::RuleProgram& program() const;
  const compiler::RelationLayout& layout(datalog::RelationId id) const;
  std::uint64_t row_count(datalog::RelationId id) const;
  // The relation's rows; an equivalence relation's are the pairs of its closure.
  const vm::StandingRelation& relation(datalog::RelationId id) const;
  // So many word columns of relation(id) are the declared ones: all but for derived bags.
  std::uint32_t declared_words(datalog::RelationId id) const;
  // An index for reading, kept up from now on, also when extend() keeps the relation. At any time between
  // steps. Answers vm::kMembershipIndex where a set can do without.
  Expected<std::uint32_t> add_index(datalog::RelationId id, const vm::IndexSpec& spec);
  // Sorted by relation, place, message.
  std::vector<ErrorInstance> errors() const;
  // Of the rules of one relation, and of what was made to compute it. Asking whether there are any costs
  // next to nothing.
  bool has_errors(datalog::RelationId id) const;
  std::vector<ErrorInstance> errors(datalog::RelationId id) const;

  // --- upkeep --------------------------------------------------------------------------------------------

  NetworkStatistics statistics() const;  // Work and bytes by node.
  void verify() const;          // Every node; crashes at the first invariant that does not hold.
  std::string to_text() const;  // `explain --stage=network`.
  std::string to_dot() const;

 private:
  struct Impl;
  explicit Network(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace entail::rete
