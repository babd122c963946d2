// rete/internal/network_impl.h - the inside of a Network: nodes, the open transaction.
#pragma once

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

namespace entail::rete {

// A stratum of the standing form: its relations, and what has a state beside them.
struct NodeOfStratum {
  std::vector<std::unique_ptr<Node>> parts;
  bool in_epoch = false;
};

struct Network::Impl {
  NetworkOptions options;
  NetworkState state;
  std::vector<NodeOfStratum> nodes;  // By stratum: topological.
  NodeOfStratum none;
  std::map<datalog::RuleId, GroupNode*> group_of_rule;
  std::vector<RankedStratum*> ranked_nodes;
  std::unique_ptr<Agenda> agenda;  // None where the program has no productions.
  std::set<datalog::RelationId> watched;
  std::size_t relation_count = 0;  // Of the original program.
  std::vector<std::uint64_t> planned_sizes;

  // The step: nodes that wait for their turn, as a heap with the lowest first.
  std::vector<std::uint32_t> turns;
  std::vector<bool> nodes_awake;
  std::vector<datalog::RelationId> pending;  // Relations with stated changes.
  std::vector<const vm::Word*> arrays;       // Scratch of change().

  // The transaction.
  std::vector<std::uint32_t> epoch_nodes;
  std::uint64_t steps_in_transaction = 0;
  std::uint64_t firings_in_a_row = 0;            // Since the last step that was no firing.
  std::optional<Error> failed;                   // The transaction can only be aborted.
  std::optional<std::int64_t> transaction_time;  // Of now(), once it was asked for.

  vm::Version version = 0;
  vm::Version commits = 0;  // Versions of relations: one more for each that commits.
  std::uint64_t steps = 0;

  Expected<void> make(const datalog::RuleProgram& program);
  Expected<void> make_relations();
  Expected<void> compile();
  Expected<void> make_nodes();
  void connect();
  Expected<void> load_program();

  std::uint32_t node_of_rule(datalog::RuleId rule) const;
  vm::ChangeBatch& input_of(datalog::RuleId rule);
  void state_facts(datalog::RelationId id, std::span<const vm::Word* const> columns, std::size_t n,
                   bool is_deletion);
  static void open_run(RelationNode& node);
  void wake(std::uint32_t node);
  Expected<void> propagate();
  Expected<void> turn(std::uint32_t number);
  Expected<void> settle(datalog::RelationId id);
  Expected<void> hand_on(datalog::RelationId id);
  void end_step();
  Expected<void> step(StepKind kind);
  Expected<void> take_step();
  Expected<void> fire();
  void retract_row(FactChange change);
  Unexpected fail(Error error);
  Expected<void> plan_again_if_outgrown();

  Expected<Committed> commit();
  NetChange net_change(datalog::RelationId id);
  void abort();
  void begin_transaction();
};

}  // namespace entail::rete
