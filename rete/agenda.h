// rete/agenda.h - the activations of productions, in the order in which they fire.
//
//     rule hold salience 10 when Order{id, total: t > 1000} as o, not Review{order: id}
//     then insert Review{order: id}; modify o { status: "HOLD" }; emit Alert{id}; end
//
//     step: +Order(7, 2000, "NEW")
//       match (o = 1, id = 7) enters        an activation; it fires, which is the next step:
//     step: +Review(7), Order(7, …) replaced by one that is on hold, ! Alert(7)
//       match (o = 1, id = 7) leaves        the match has gone, and with it what was known of it
//
// The network keeps the complete matches of each production in a relation of their own
// (compiler/standing_form.h). A row that enters is an activation; a row that leaves takes it back. What has
// fired is marked on the row, so refraction lasts as long as the match does. A row that an action modified
// is a new row, and what it matches are new matches.
//
// The order, total and independent of hashing, threads and join orders:
//     focus       activations of the group on top of the focus stack; a group that has none left is popped
//     salience    higher ones first; what the expression gave when the match was made
//     depth       activations of later steps first
//     text        productions in the order of the program
//     facts       the columns of the match relation: identities of stated rows, which are numbered as they
//                 came, then values
//
// no_loop. While a production with no_loop fires, what it changes activates no production of its name.
// auto_focus. An activation pushes the group of its production on the focus stack.
// halt. Nothing fires any more before the next step that is no firing.
//
// Firing. The actions of one activation read the relations as they are before it. They take effect together
// or, where an expression fails, not at all: then the instance goes to the error side for as long as the
// match lives, and counts as fired. Actions on one row build on each other in the order of the text.
//
// Cost: O(log n) an activation. Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rete/error_side.h"
#include "rete/internal/network_state.h"
#include "rete/network.h"
#include "vm/base/expected.h"
#include "vm/standing_relation.h"

namespace entail::rete {

// A stated fact that a firing changes.
struct FactChange {
  datalog::RelationId relation{};  // Of the form.
  std::vector<vm::Word> words;
  bool is_deletion = false;
  std::uint64_t identity = 0;  // Of a bag's row that is deleted; 0: the newest of its equals.
};

class Agenda {
 public:
  // Adds the indexes that the actions ask for. REQUIRES: the code is compiled.
  static Expected<std::unique_ptr<Agenda>> create(NetworkState& state);
  ~Agenda();
  Agenda(const Agenda&) = delete;  // Owns references to texts.
  Agenda& operator=(const Agenda&) = delete;

  // The fragments have other positions from now on.
  void rebind(const NetworkState& state) { actions_ = &state.code.actions; }

  // Productions that are the same in two networks: their numbers here and there.
  using KeptProductions = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  // Takes over what is known of the matches of productions that are kept: what waits, what has fired.
  // give_back() undoes it, when the epoch has been taken back.
  void adopt(Agenda& other, const KeptProductions& kept);
  void give_back(Agenda& other, const KeptProductions& kept);
  datalog::RelationId matches_of(std::uint32_t production) const {
    return rules_[production].standing->matches;
  }
  std::uint32_t production_count() const { return static_cast<std::uint32_t>(rules_.size()); }

  // The activations that the open step made and took back. Before the step ends.
  void take(std::uint64_t step);
  // A step that is no firing begins: what `halt` stopped goes on.
  void resume() { halted_ = false; }
  bool has_next();
  // The next activation fires: what it changes, in order. `time`: of now(), microseconds. Fails with
  // kLimit or kCancelled. REQUIRES: has_next().
  Expected<std::vector<FactChange>> fire(std::int64_t time);
  // What waits counts as fired.
  void settle();
  // While a firing's step runs.
  std::optional<std::uint32_t> firing() const { return firing_; }
  // The step of the firing has been taken.
  void end_firing() { firing_.reset(); }

  // "'hold', 'release'": the rules that fired last, each once.
  std::string last_fired() const;

  // Moves what was emitted and logged into the result, whose words are good until the next commit or
  // abort.
  void commit(Committed& committed);
  // Before the relations are: their rows are still to be read.
  void abort();

  std::uint64_t waiting() const;
  std::uint64_t bytes_used() const;
  // Every row of a match relation waits or has fired, and nothing else does.
  void verify() const;

 private:
  enum class Status : std::uint8_t { kNone, kWaiting, kFired };
  // Of a row of a match relation.
  struct Activation {
    std::uint64_t step = 0;
    Status status = Status::kNone;
    bool in_epoch = false;
  };
  struct Waiting {
    std::int64_t salience = 0;
    std::uint64_t step = 0;
    std::uint32_t production = 0;
    vm::Row row = 0;
  };
  struct FiresBefore {
    const Agenda* agenda;
    bool operator()(const Waiting& a, const Waiting& b) const { return agenda->before(a, b); }
  };
  using Heap = std::set<Waiting, FiresBefore>;
  struct Rule {
    const datalog::Production* production = nullptr;
    const compiler::StandingProduction* standing = nullptr;
    std::uint32_t group = 0;
    std::int64_t salience = 0;            // Where it is a constant.
    std::vector<Activation> activations;  // By row.
  };
  struct Saved {
    std::uint32_t production = 0;
    vm::Row row = 0;
    Activation activation;
  };
  using Match = std::pair<std::uint32_t, vm::Row>;  // Production and row.
  struct SavedFailure {
    Match match;
    std::optional<ErrorInstance> failure;
  };

  explicit Agenda(NetworkState& state) : state_(state) {}

  Expected<void> make();
  std::uint32_t group_of(const std::string& name);
  const vm::StandingRelation& matches(std::uint32_t production) const;
  vm::Word word(std::uint32_t production, std::uint32_t column, vm::Row row) const;
  int compare(std::uint32_t production, std::uint32_t column, vm::Row a, vm::Row b) const;
  bool before(const Waiting& a, const Waiting& b) const;
  Waiting key(std::uint32_t production, vm::Row row) const;

  Activation& change(std::uint32_t production, vm::Row row);
  void enter(std::uint32_t production, vm::Row row, std::uint64_t step);
  void leave(std::uint32_t production, vm::Row row);
  void put_failure(Match match, std::optional<ErrorInstance> failure);
  void emit(datalog::RelationId relation, std::vector<vm::Word> words);
  void release(std::vector<EmittedRow>& rows);

  NetworkState& state_;
  const std::vector<std::vector<compiler::ActionCode>>* actions_ = nullptr;
  std::vector<Rule> rules_;
  std::map<datalog::RelationId, std::uint32_t> production_of_;  // By match relation.
  std::map<std::string, std::uint32_t> group_by_name_;
  std::vector<Heap> heaps_;  // By group.
  std::map<std::pair<std::uint32_t, std::size_t>, std::uint32_t> retract_indexes_;

  std::vector<std::uint32_t> focus_{0};
  std::vector<std::uint32_t> committed_focus_{0};
  bool halted_ = false, committed_halted_ = false;
  std::optional<std::uint32_t> firing_;  // Its production, while its step runs.
  std::vector<std::uint32_t> fired_;     // The last ones.

  std::map<Match, ErrorInstance> failures_;
  std::vector<Saved> saved_;  // Rows as the epoch found them.
  std::vector<SavedFailure> saved_failures_;
  std::vector<EmittedRow> emitted_;
  std::vector<std::string> logged_;
  std::vector<EmittedRow> delivered_;  // Of the last commit: their texts are kept.
};

}  // namespace entail::rete
