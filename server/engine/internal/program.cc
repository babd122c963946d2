// The catalog program and the network change together.
#include <algorithm>

#include "datalog/body_walk.h"
#include "datalog/stratify.h"
#include "grammar/diagnostics.h"
#include "server/engine/internal/engine_state.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

using datalog::RelationId;

namespace {

struct ProgramParts {
  std::vector<datalog::Relation> relations;
  std::vector<datalog::Rule> rules;
  std::vector<datalog::Production> productions;
  std::vector<datalog::Procedure> procedures;
  std::vector<datalog::Directive> directives;
  std::vector<datalog::Stratum> strata;
};

ProgramParts parts_of(const datalog::RuleProgram& program) {
  return {program.relations,  program.rules,      program.productions,
          program.procedures, program.directives, program.strata};
}

void restore(datalog::RuleProgram& program, ProgramParts parts) {
  program.relations = std::move(parts.relations);
  program.rules = std::move(parts.rules);
  program.productions = std::move(parts.productions);
  program.procedures = std::move(parts.procedures);
  program.directives = std::move(parts.directives);
  program.strata = std::move(parts.strata);
}

// Those whose rows the network does not keep unless somebody reads them: SQL may.
std::set<RelationId> relations_read_whole(const datalog::RuleProgram& program) {
  std::set<RelationId> result;
  for (std::size_t i = 0; i < program.relations.size(); ++i) {
    if (program.relations[i].equivalence) result.insert(static_cast<RelationId>(i));
  }
  return result;
}

}  // namespace

rete::NetworkOptions EngineState::side_network_options() {
  rete::NetworkOptions made;
  made.pool = pool.get();
  made.memory = &memory;
  made.clock = clock;
  made.states_facts = false;  // A deployment does, and its rows are stored.
  made.read_whole = relations_read_whole(program);
  return made;
}

rete::NetworkOptions EngineState::network_options() {
  rete::NetworkOptions made = side_network_options();
  made.cancel = &cancel;
  made.start_time = [this] { return clock->now_us(); };
  made.limits.firings = options.limits.firings;
  made.reports_stated = true;
  return made;
}

std::set<RelationId> EngineState::watched_relations() const { return feeds.watched(); }

Expected<void> EngineState::change_program(const ProgramEdit& edit,
                                           const grammar::SourceFiles* files) {
  take_head_back();
  ProgramParts before = parts_of(program);
  if (auto edited = edit(program); !edited) {
    restore(program, std::move(before));
    return edited;
  }
  grammar::Diagnostics diagnostics;
  if (!datalog::stratify(program, diagnostics)) {
    std::string message = "the rules cannot be stratified";
    if (!diagnostics.empty()) message = diagnostics.sorted().front().message;
    restore(program, std::move(before));
    return sql_error("42P20", std::move(message));
  }
  rete::ExtendOptions extend;
  extend.files = files;
  extend.read_whole = relations_read_whole(program);
  extend.watched = watched_relations();
  auto extension = network->extend(program, extend);
  if (!extension) {
    restore(program, std::move(before));
    return unexpected(with_sqlstate(std::move(extension).error()));
  }
  if (!extension->remade.empty()) ++objects_epoch;
  feeds.program_changed(extension->remade);
  return {};
}

datalog::Relation relation_of(const Table& table, const Catalog& catalog) {
  datalog::Relation relation;
  const Schema* const schema = catalog.schema(table.schema);
  relation.name = schema == nullptr || schema->oid == kSchemaPublic
                      ? table.name
                      : schema->name + "." + table.name;
  for (const TableColumn& column : table.columns) {
    relation.columns.push_back({column.name, column.type, !column.not_null, {}});
  }
  relation.defaults.resize(relation.columns.size());
  relation.key = table.primary_key;
  std::sort(relation.key.begin(), relation.key.end());
  relation.collection =
      relation.key.empty() ? datalog::Collection::kBag : datalog::Collection::kSet;
  return relation;
}

Expected<RelationId> EngineState::add_table_relation(const Table& table) {
  const auto id = static_cast<RelationId>(program.relations.size());
  auto done = change_program([&](datalog::RuleProgram& edited) {
    edited.relations.push_back(relation_of(table, *catalog));
    return Expected<void>();
  });
  if (!done) return unexpected(std::move(done).error());
  return id;
}

void EngineState::add_base_relations(RelationId relation, std::set<RelationId>& out) const {
  if (!out.insert(relation).second) return;
  for (const datalog::Rule& rule : program.rules) {
    if (rule.head.relation != relation) continue;
    datalog::walk_rule_matches(rule, [&](const datalog::Match& match, datalog::Reading) {
      add_base_relations(match.relation, out);
    });
  }
}

void EngineState::drop_unnamed_relations() {
  std::set<RelationId> named = feeds.views();
  std::set<std::string> named_productions;
  const auto note = [&](const Catalog& noted) {
    for (const auto& [oid, table] : noted.tables()) {
      if (table->holds_rows()) named.insert(table->relation);
      named.insert(table->auxiliary.begin(), table->auxiliary.end());
    }
    for (const auto& [name, deployment] : noted.deployments()) {
      named.insert(deployment->relations.begin(), deployment->relations.end());
      named_productions.insert(deployment->productions.begin(), deployment->productions.end());
    }
  };
  note(*catalog);
  for (const auto& [id, transaction] : transactions) {
    if (transaction->catalog != nullptr) note(*transaction->catalog);
    for (const SavepointState& savepoint : transaction->savepoints) {
      if (savepoint.catalog != nullptr) note(*savepoint.catalog);
    }
  }
  std::set<RelationId> unnamed;
  for (std::size_t i = 0; i < program.relations.size(); ++i) {
    const auto id = static_cast<RelationId>(i);
    if (!program.relations[i].dropped && named.count(id) == 0) unnamed.insert(id);
  }
  if (unnamed.empty()) return;
  auto done = change_program([&](datalog::RuleProgram& edited) {
    std::erase_if(edited.rules, [&](const datalog::Rule& rule) {
      return unnamed.count(rule.head.relation) != 0;
    });
    std::erase_if(edited.productions, [&](const datalog::Production& production) {
      return named_productions.count(production.name) == 0;
    });
    std::erase_if(edited.directives, [&](const datalog::Directive& directive) {
      return unnamed.count(directive.relation) != 0;
    });
    for (const RelationId id : unnamed) edited.relation(id).dropped = true;
    return Expected<void>();
  });
  // Letting go needs no memory and evaluates nothing; who still reads such a relation goes with it.
  ENTAIL_ENSURE(done.has_value());
}

}  // namespace entail::engine
