// rete/internal/network_impl.h - the inside of a Network: nodes, the open transaction.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "rete/agenda.h"
#include "rete/group_node.h"
#include "rete/internal/network_state.h"
#include "rete/network.h"
#include "rete/node.h"
#include "rete/ranked_stratum.h"
#include "rete/stream_clock.h"
#include "rete/timer_node.h"

namespace entail::rete {

// A stratum of the standing form: its relations, and what has a state beside them.
struct NodeOfStratum {
  std::vector<std::shared_ptr<Node>> parts;  // Shared like RelationNode::rows.
  bool in_epoch = false;
  bool is_kept = false;  // From the network that this one took over from.
};

// A stream with event time.
struct TimedStream {
  datalog::RelationId stream{};  // Of the original program, as all relations here.
  datalog::RelationId clock_rows{}, partition_rows{};
  std::uint32_t time_word = 0;
  datalog::LatePolicy late = datalog::LatePolicy::kApply;
  std::optional<datalog::RelationId> late_rows;  // Where late rows go, in its place or beside.
  std::int64_t delay = 0;
  std::optional<std::int64_t> expire_after;
  std::uint32_t time_index = 0;  // With an expiry: of the stream, by the time.

  StreamClock clock{0};
  bool is_known = false;  // Else `clock` is to be read from what is stated.
  std::optional<std::int64_t> stated_watermark;
  StreamClock::Partitions stated_partitions;

  // What a tick step must come before: the least time at which something is due that the last step left, and the
  // least that the open step's own rows make. Only kept where somebody can see steps.
  std::vector<const TimerNode*> timers;  // That go by its clock.
  bool has_other_readers = false;        // Of its clock, that tell nothing of when they are due.
  std::optional<std::int64_t> row_due_after;  // Something is due so long after a row of its own.
  bool due_is_known = false;
  std::optional<std::int64_t> due;
  std::optional<std::int64_t> open_due;

  struct Counts {
    std::uint64_t late = 0, dropped = 0, expired = 0;
  };
  Counts counts, open_counts;  // Up to the last commit, and of the open transaction.
};

// Rows of a stream that wait for a tick step.
struct Arrivals {
  std::size_t stream = 0;
  std::int64_t partition = 0;
  bool are_deletions = false;
  vm::ChangeBatch rows;
  std::vector<vm::DurableId> ids;  // Of each, or none.
};

struct Network::Impl {
  Impl() = default;
  ~Impl();
  Impl(const Impl&) = delete;  // Nodes call it back.
  Impl& operator=(const Impl&) = delete;

  NetworkOptions options;
  NetworkState state;
  std::vector<NodeOfStratum> nodes;  // By stratum: topological.
  std::map<datalog::RuleId, GroupNode*> group_of_rule;
  std::unique_ptr<Agenda> agenda;  // None where the program has no productions.
  std::set<datalog::RelationId> watched, outputs;
  std::size_t relation_count = 0;             // Of the original program.
  std::vector<std::uint32_t> declared_words;  // By original relation.
  std::vector<std::optional<datalog::RelationId>>
      statement_of;  // By relation: whose facts it takes.
  // By original relation: itself, and the auxiliary relations that its rules go through.
  std::vector<std::vector<datalog::RelationId>> made_for;
  std::vector<datalog::Relation> original_relations;
  std::vector<datalog::RelationId> denials;  // Those that no transaction may leave a row in.
  std::vector<std::uint32_t> meanings;  // By relation: what it is and what it holds (extend.cc).
  struct Meanings {
    std::map<std::string, std::uint32_t> numbers;
    std::uint32_t next = 1;
  };
  std::shared_ptr<Meanings> known_meanings;  // Of all networks in a row.
  std::vector<std::uint64_t> planned_sizes;

  // The step: nodes that wait for their turn, as a heap with the lowest first.
  std::vector<std::uint32_t> turns;
  std::vector<bool> nodes_awake;
  std::vector<datalog::RelationId> pending;  // Relations with stated changes.
  std::vector<const vm::Word*> arrays;       // Scratch of change().

  // Time (network_time.cc).
  std::vector<TimedStream> streams;
  std::vector<std::int32_t> stream_of, stream_of_clock;  // By original relation; -1.
  bool steps_are_seen = false;    // By productions and final relations: what is due ends a step.
  std::deque<Arrivals> arrivals;  // In the order in which they came.
  bool step_is_full = false;      // What arrives now comes in a later step.
  bool may_expire = false;        // A clock moved, or rows arrived, in the open step.
  bool is_expiring = false;       // The step holds expiries only.

  // What firings changed of what is stated, and which production did it last, from 1.
  std::map<std::pair<datalog::RelationId, std::vector<vm::Word>>, std::uint32_t> fired_changes;

  // The transaction.
  std::vector<std::uint32_t> epoch_nodes;
  std::uint64_t steps_in_transaction = 0;
  bool has_held = false;                         // A step let productions wait.
  std::uint64_t firings_in_a_row = 0;            // Since the last step that was no firing.
  std::optional<Error> failed;                   // The transaction can only be aborted.
  std::optional<std::int64_t> transaction_time;  // Of now(), once it was asked for.

  vm::Version version = 0;
  std::optional<vm::Version> next_version;
  vm::Version commits = 0;  // Versions of relations: one more for each that commits.
  std::uint64_t steps = 0;

  Expected<void> make(const datalog::RuleProgram& program);
  // The same, keeping what is the same in `old`; then what is new is filled from what stands.
  Expected<void> take_over(Impl& old, const datalog::RuleProgram& program, Extension& report);
  Expected<void> make_form(const datalog::RuleProgram& program);
  void find_meanings();
  // By relation. `name`: of original relations.
  std::vector<std::uint32_t> number_meanings(Meanings& known, const RelationNames& name) const;
  std::string meaning_of_rule(const compiler::StandingStratum& stratum, datalog::RuleId id,
                              const std::vector<std::uint32_t>& numbers) const;
  void find_owners();
  void keep(Impl& old);
  Expected<void> finish_making();
  Expected<void> make_code_and_nodes();
  Expected<void> carry_statements(const Impl& old);
  Expected<void> fill(const Impl& old, Extension& report);
  Expected<void> derive_new(bool takes_over);
  Expected<void> state_difference(const Impl& old);
  bool is_fact(datalog::RuleId id) const;
  std::optional<std::vector<vm::Word>> fact_row(const datalog::Rule& rule) const;
  Expected<void> make_relations();
  Expected<void> compile();
  Expected<std::uint32_t> add_index(datalog::RelationId id, const vm::IndexSpec& spec);
  Expected<void> make_nodes();
  void connect();
  Expected<void> load_program();
  // Into relations that are made and empty, before there is any code; network_image.cc.
  Expected<void> save(ImageSink& sink, const RelationNames& name) const;
  std::vector<bool> strata_to_save() const;
  Expected<void> restore(const datalog::RuleProgram& program, ImageSource& source,
                         const RelationNames& name);
  Expected<void> restore_nodes(ImageFrames& frames,
                               const std::map<std::uint32_t, datalog::RelationId>& wanted);

  std::uint32_t node_of_rule(datalog::RuleId rule) const;
  vm::ChangeBatch& input_of(datalog::RuleId rule);
  void state_facts(datalog::RelationId id, std::span<const vm::Word* const> columns, std::size_t n,
                   bool is_deletion, const vm::DurableId* ids = nullptr);
  Expected<void> load(datalog::RelationId id, const FactChanges& rows);
  Expected<void> end_load(vm::Version made);
  static void open_run(RelationNode& node);
  void wake(std::uint32_t node);
  Expected<void> propagate();
  Expected<void> turn(std::uint32_t number);
  Expected<void> settle(datalog::RelationId id);
  Expected<void> hand_on(datalog::RelationId id);
  void end_step();
  Expected<void> step(StepKind kind, Productions productions);
  Expected<void> take_step();
  Expected<void> fire();
  void retract_row(FactChange change);
  Unexpected fail(Error error);
  Expected<void> plan_again_if_outgrown();

  Expected<void> check_denials() const;
  Expected<Committed> commit();
  NetChange net_change(datalog::RelationId id);
  const vm::StandingRelation& stated_rows(datalog::RelationId id) const;
  std::vector<StatedChange> stated_changes(vm::Word source) const;
  void end_epoch(vm::Word source);
  void abort();
  void begin_transaction();

  Expected<void> make_streams();
  void find_due_readers();
  void start_clocks();
  Expected<void> change(datalog::RelationId relation, const FactChanges& changes);
  void state_rows(datalog::RelationId relation, std::span<const vm::Word* const> columns,
                  std::size_t n, bool is_deletion, const vm::DurableId* ids);
  void arrive(std::size_t stream, std::span<const vm::Word* const> columns, std::size_t n,
              bool is_deletion, const vm::DurableId* ids, std::int64_t partition);
  std::size_t take_arrivals(std::size_t stream, std::span<const vm::Word* const> columns,
                            std::size_t n, const vm::DurableId* ids, std::int64_t partition);
  Expected<void> take_next_arrivals(Productions productions);
  Expected<void> run_step(Productions productions);
  Expected<void> tick(std::optional<datalog::RelationId> stream, std::int64_t time,
                      Productions productions);
  Expected<void> expire();
  Expected<void> keep_final_rows(datalog::RelationId id);
  void know(TimedStream& stream);
  void state_clocks();
  bool is_due(TimedStream& stream, std::int64_t watermark, bool has_open_rows);
  void forget_clocks();
  void verify_clocks() const;
};

}  // namespace entail::rete
