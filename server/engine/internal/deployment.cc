#include "server/engine/internal/deployment.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "compiler/constant_rows.h"
#include "datalog/body_walk.h"
#include "datalog/lower.h"
#include "datalog/relation_shape.h"
#include "datalog/stratify.h"
#include "grammar/diagnostics.h"
#include "grammar/parser.h"
#include "server/engine/internal/session_impl.h"
#include "server/engine/internal/stored_row.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

using datalog::Expression;

namespace {

// A type of SQL as rules spell it; nothing: rules have no name for it.
std::optional<std::string> rule_type(vm::Type type) {
  switch (type.kind) {
    case vm::TypeKind::kBool:
      return "bool";
    case vm::TypeKind::kInt2:
      return "int16";
    case vm::TypeKind::kInt4:
      return "int32";
    case vm::TypeKind::kInt8:
      return "int64";
    case vm::TypeKind::kFloat4:
      return "float32";
    case vm::TypeKind::kFloat8:
      return "double";
    case vm::TypeKind::kDate:
      return "date";
    case vm::TypeKind::kTime:
      return "time";
    case vm::TypeKind::kTimestamp:
      return "timestamp";
    case vm::TypeKind::kTimestampTz:
      return "timestamptz";
    case vm::TypeKind::kInterval:
      return "interval";
    case vm::TypeKind::kNumeric:
      return "numeric";
    case vm::TypeKind::kUuid:
      return "uuid";
    case vm::TypeKind::kText:
      return "symbol";
    case vm::TypeKind::kBytes:
      return "bytes";
    case vm::TypeKind::kJson:
      return "json";
    default:
      return std::nullopt;
  }
}

// bigint is `number` to rules: the same words, and the column keeps its own type.
bool same_in_rules(vm::Type rule, vm::Type column) {
  return rule == column || (rule == vm::Type::number(64) && column.kind == vm::TypeKind::kInt8);
}

bool mentions(std::string_view text, std::string_view word) {
  const auto is_part = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
  };
  for (std::size_t at = text.find(word); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    const bool begins = at == 0 || !is_part(text[at - 1]);
    const std::size_t end = at + word.size();
    if (begins && (end == text.size() || !is_part(text[end]))) return true;
  }
  return false;
}

bool declares(std::string_view text, const std::string& name) {
  for (const std::string_view word : {".decl ", "relation ", "stream "}) {
    const std::string wanted = std::string(word) + name;
    const std::size_t at = text.find(wanted);
    if (at == std::string_view::npos) continue;
    const std::size_t end = at + wanted.size();
    if (end >= text.size() ||
        !(std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) {
      return true;
    }
  }
  return false;
}

// Declarations of the tables of SQL that the text mentions and does not declare itself.
std::string prelude_of(const Catalog& catalog, const datalog::RuleProgram& program,
                       std::string_view text, std::string_view deployment) {
  std::string prelude;
  for (const auto& [oid, table] : catalog.tables()) {
    if (!table->holds_rows() || table->schema != kSchemaPublic || table->deployment == deployment ||
        !mentions(text, table->name) || declares(text, table->name)) {
      continue;
    }
    std::string declaration;
    for (std::uint32_t c = 0; c < table->columns.size(); ++c) {
      const TableColumn& column = table->columns[c];
      const auto type = rule_type(column.type);
      if (!type) {
        declaration.clear();
        break;
      }
      if (!declaration.empty()) declaration += ", ";
      const std::vector<std::uint32_t>& key = program.relation(table->relation).key;
      const bool is_key = std::find(key.begin(), key.end(), c) != key.end();
      declaration += column.name + ": " + *type + (column.not_null ? "" : "?");
      if (is_key) declaration += " key";
    }
    if (declaration.empty()) continue;
    const datalog::Relation& relation = program.relation(table->relation);
    const bool is_set = relation.collection == datalog::Collection::kSet && relation.key.empty();
    prelude += is_set ? ".decl " + table->name + "(" + declaration + ")\n"
                      : "relation " + table->name + "(" + declaration + ");\n";
  }
  return prelude;
}

// Types and relations of one program as those of another.
class Merger {
 public:
  Merger(const datalog::RuleProgram& from, datalog::RuleProgram& into)
      : from_(from), into_(into), types_(from.types.size()) {}

  vm::Type type(vm::Type given) {
    if (given.detail == vm::kNoTypeId) return given;
    const auto position = static_cast<std::size_t>(given.detail);
    if (!types_[position]) define(given.detail);
    vm::Type mapped = given;
    mapped.detail = *types_[position];
    return mapped;
  }

  void map_relation(RelationId relation, RelationId to) { relations_[relation] = to; }
  RelationId relation(RelationId id) const { return relations_.at(id); }

  void expression(Expression& node) { node.type = type(node.type); }

  // The relations that go with a stream.
  void stream(datalog::Relation& given) {
    if (!given.stream) return;
    for (auto* const part : {&given.stream->clock, &given.stream->partitions,
                             &given.stream->sideline, &given.stream->late_rows}) {
      if (*part) *part = relation(**part);
    }
  }

  void rule(datalog::Rule& given) {
    given.head.relation = relation(given.head.relation);
    for (datalog::Variable& variable : given.variables) variable.type = type(variable.type);
    datalog::walk_rule_expressions(given, [&](Expression& node) { expression(node); });
    datalog::walk_rule_matches(given, [&](datalog::Match& match, datalog::Reading) {
      match.relation = relation(match.relation);
    });
  }

  // `used`: what it reads and changes, in the program that it goes to.
  void production(datalog::Production& given, std::set<RelationId>& used) {
    for (datalog::Variable& variable : given.variables) variable.type = type(variable.type);
    body(given.body, used);
    if (given.salience) whole_expression(*given.salience);
    block(given.actions, used);
  }

 private:
  void whole_expression(Expression& node) {
    expression(node);
    for (Expression& argument : node.arguments) whole_expression(argument);
  }

  void body(datalog::Body& given, std::set<RelationId>& used) {
    for (datalog::Literal& literal : given) {
      datalog::walk_expressions(literal, [&](Expression& node) { expression(node); });
      datalog::walk_matches(literal, [&](datalog::Match& match, datalog::Reading) {
        match.relation = relation(match.relation);
        used.insert(match.relation);
      });
    }
  }

  void block(datalog::Block& given, std::set<RelationId>& used) {
    const auto shared = [&](std::shared_ptr<const datalog::Block>& inner) {
      if (inner == nullptr) return;
      datalog::Block copy = *inner;
      block(copy, used);
      inner = std::make_shared<const datalog::Block>(std::move(copy));
    };
    for (datalog::Statement& statement : given) {
      if (auto* const change = std::get_if<datalog::Change>(&statement.node)) {
        change->relation = relation(change->relation);
        used.insert(change->relation);
        for (std::optional<Expression>& value : change->values) {
          if (value) whole_expression(*value);
        }
      } else if (auto* const let = std::get_if<datalog::Let>(&statement.node)) {
        whole_expression(let->value);
      } else if (auto* const branch = std::get_if<datalog::Branch>(&statement.node)) {
        body(branch->condition, used);
        shared(branch->then_block);
        shared(branch->else_block);
      } else if (auto* const each = std::get_if<datalog::ForEach>(&statement.node)) {
        body(each->body, used);
        shared(each->block);
      } else if (auto* const call = std::get_if<datalog::CallProcedure>(&statement.node)) {
        for (Expression& argument : call->arguments) whole_expression(argument);
      } else if (auto* const schedule = std::get_if<datalog::Schedule>(&statement.node)) {
        whole_expression(schedule->delay);
        shared(schedule->block);
      } else if (auto* const text = std::get_if<datalog::LogText>(&statement.node)) {
        for (Expression& part : text->parts) whole_expression(part);
      }
    }
  }

  std::vector<vm::FieldType> fields(const std::vector<vm::FieldType>& given) {
    std::vector<vm::FieldType> mapped = given;
    for (vm::FieldType& field : mapped) field.type = type(field.type);
    return mapped;
  }

  void define(vm::TypeId id) {
    const auto position = static_cast<std::size_t>(id);
    const vm::TypeTable& from = from_.types;
    vm::TypeTable& to = into_.types;
    const vm::TypeKind kind = from.kind(id);
    if (kind == vm::TypeKind::kArray) {
      types_[position] =
          to.array_of(type(from.array_element(id)), from.array_element_nullable(id)).detail;
      return;
    }
    // Declared before its fields are looked at: types may be recursive.
    types_[position] = to.declare(kind, from.name(id));
    const vm::TypeId made = *types_[position];
    if (kind == vm::TypeKind::kRecord) {
      to.define_record(made, fields(from.record_fields(id)));
    } else if (kind == vm::TypeKind::kAdt) {
      std::vector<vm::BranchType> branches = from.adt_branches(id);
      for (vm::BranchType& branch : branches) branch.fields = fields(branch.fields);
      to.define_adt(made, std::move(branches));
    } else {
      to.define_enum(made, from.enum_labels(id));
    }
  }

  const datalog::RuleProgram& from_;
  datalog::RuleProgram& into_;
  std::vector<std::optional<vm::TypeId>> types_;
  std::map<RelationId, RelationId> relations_;
};

Error rules_error(const grammar::Diagnostics& diagnostics, const grammar::SourceFiles& files) {
  return make_sql_error("42601", "the rules have errors", {.detail = diagnostics.render(files)});
}

}  // namespace

Expected<void> add_deployment(Catalog& catalog, Deployment deployment,
                              const std::vector<Table>& known, KnownTables known_tables,
                              datalog::RuleProgram& program) {
  grammar::SourceFiles files;
  grammar::Diagnostics diagnostics;
  grammar::NoFiles no_files;
  const std::string prelude = prelude_of(catalog, program, deployment.text, deployment.name);
  // The prelude stands behind the text, so that places in messages are those of the text.
  grammar::Program tree = grammar::parse_text(deployment.name, deployment.text + "\n" + prelude, {},
                                              no_files, files, diagnostics);
  if (diagnostics.has_errors()) return unexpected(rules_error(diagnostics, files));
  auto rules = datalog::lower(tree, {}, diagnostics);
  if (!rules) return unexpected(rules_error(diagnostics, files));
  if (!datalog::stratify(*rules, diagnostics)) return unexpected(rules_error(diagnostics, files));
  datalog::refuse_unexecuted(*rules, diagnostics, datalog::Execution::kStanding);
  if (diagnostics.has_errors()) return unexpected(rules_error(diagnostics, files));
  for (const datalog::Production& production : rules->productions) {
    for (const auto& [name, other] : catalog.deployments()) {
      if (name == deployment.name || std::find(other->productions.begin(), other->productions.end(),
                                               production.name) == other->productions.end()) {
        continue;
      }
      return sql_error("42710",
                       "rule \"" + production.name + "\" exists already, in \"" + name + "\"");
    }
    if (deployment.productions.empty() || deployment.productions.back() != production.name) {
      deployment.productions.push_back(production.name);
    }
  }
  Merger merger(*rules, program);
  std::vector<Table> tables;
  // Clocks are facts that are stored like others.
  std::set<RelationId> clocks;
  for (const datalog::Relation& relation : rules->relations) {
    if (!relation.stream || !relation.stream->clock) continue;
    clocks.insert(*relation.stream->clock);
    clocks.insert(*relation.stream->partitions);
  }
  std::set<RelationId> derived;
  for (const datalog::Rule& rule : rules->rules) derived.insert(rule.head.relation);
  for (std::size_t i = 0; i < rules->relations.size(); ++i) {
    const auto id = static_cast<RelationId>(i);
    datalog::Relation relation = rules->relations[i];
    for (datalog::Column& column : relation.columns) column.type = merger.type(column.type);
    const Table* const existing = catalog.table(kSchemaPublic, relation.name);
    if (existing != nullptr && existing->deployment != deployment.name) {
      const bool same =
          existing->holds_rows() &&
          std::equal(relation.columns.begin(), relation.columns.end(), existing->columns.begin(),
                     existing->columns.end(), [](const datalog::Column& a, const TableColumn& b) {
                       return same_in_rules(a.type, b.type) && a.nullable == !b.not_null;
                     });
      if (!same) {
        return sql_error("42P07", "relation \"" + relation.name +
                                      "\" exists with other columns than the rules declare");
      }
      if (derived.count(id) != 0) {
        return sql_error("0A000", "rules that derive rows of the table \"" + relation.name +
                                      "\" are not supported yet");
      }
      merger.map_relation(id, existing->relation);
      continue;
    }
    auto to = static_cast<RelationId>(program.relations.size());
    if (!relation.auxiliary || clocks.count(id) != 0) {
      Table table;
      const auto had = std::find_if(known.begin(), known.end(), [&](const Table& candidate) {
        return candidate.name == relation.name;
      });
      table.oid = had != known.end() ? had->oid : catalog.next_oid();
      table.storage = had != known.end() ? had->storage : table.oid;
      if (had != known.end() && known_tables == KnownTables::kRunning) {
        // Rows that fit stay where they are; others go with their storage.
        if (datalog::same_shape(program.relation(had->relation), relation)) {
          to = had->relation;
        } else {
          table.storage = catalog.next_oid();
        }
      }
      table.name = relation.name;
      table.owner = "entail";
      table.kind = TableKind::kRules;
      table.deployment = deployment.name;
      table.relation = to;
      for (const datalog::Column& column : relation.columns) {
        TableColumn made;
        made.name = column.name;
        made.type = column.type;
        made.sql_type = sql2datalog::sql_type_of(column.type, program.types);
        made.not_null = !column.nullable;
        made.attribute = ++table.last_attribute;
        table.columns.push_back(std::move(made));
      }
      tables.push_back(std::move(table));
    }
    merger.map_relation(id, to);
    deployment.relations.push_back(to);
    if (datalog::index_of(to) < program.relations.size()) {
      program.relation(to) = std::move(relation);
    } else {
      program.relations.push_back(std::move(relation));
    }
  }
  for (const RelationId id : deployment.relations) merger.stream(program.relation(id));
  for (datalog::Rule rule : rules->rules) {
    merger.rule(rule);
    program.rules.push_back(std::move(rule));
  }
  std::set<RelationId> used;
  for (datalog::Production production : rules->productions) {
    merger.production(production, used);
    program.productions.push_back(std::move(production));
  }
  for (const RelationId relation : used) {
    const Table* const table = catalog.table_of(relation);
    if (table != nullptr) deployment.depends_on.push_back(table->oid);
  }
  // What each derived relation reads, for DROP.
  for (Table& table : tables) {
    for (const datalog::Rule& rule : program.rules) {
      if (rule.head.relation != table.relation) continue;
      datalog::walk_rule_matches(rule, [&](const datalog::Match& match, datalog::Reading) {
        const Table* const read = catalog.table_of(match.relation);
        if (read != nullptr) table.depends_on.push_back(read->oid);
      });
    }
  }
  for (Table& table : tables) catalog.put(std::move(table));
  catalog.put(std::move(deployment));
  return {};
}

Expected<void> restore_deployment(EngineState& state, Catalog& catalog, Deployment deployment,
                                  const std::vector<Table>& known) {
  return add_deployment(catalog, std::move(deployment), known, KnownTables::kStored, state.program);
}

namespace {

// What the text of a deployment states, as stored rows.
using Facts = std::map<Oid, std::set<std::string>>;

Facts facts_of(const EngineState& state, const Catalog& catalog, std::string_view deployment) {
  Facts facts;
  for (const datalog::Rule& rule : state.program.rules) {
    if (!rule.body.empty()) continue;
    const Table* const table = catalog.table_of(rule.head.relation);
    if (table == nullptr || table->deployment != deployment) continue;
    const compiler::RelationLayout& layout = state.layout_of(table->relation);
    const auto row = compiler::constant_row(rule, layout, *state.pool);
    if (!row) continue;
    std::vector<std::vector<vm::Word>> columns;
    for (const vm::Word word : *row) columns.push_back({word});
    const StoredRowCodec codec(state.program.relation(table->relation), layout, *state.pool);
    facts[table->oid].insert(codec.value(columns, 0));
  }
  return facts;
}

// Adds the facts of the first that the second has not.
void add_difference(const EngineState& state, const Catalog& catalog, const Facts& facts,
                    const Facts& others, bool deletion, Transaction& transaction) {
  for (const auto& [oid, rows] : facts) {
    const Table* const table = catalog.table(oid);
    if (table == nullptr) continue;
    const compiler::RelationLayout& layout = state.layout_of(table->relation);
    const StoredRowCodec codec(state.program.relation(table->relation), layout, *state.pool);
    const auto other = others.find(oid);
    ChangeChunk chunk{table->relation, deletion, RowSet(layout, *state.pool)};
    std::vector<vm::Word> words;
    for (const std::string& row : rows) {
      if (other != others.end() && other->second.count(row) != 0) continue;
      if (codec.decode_row(row, words)) chunk.rows.append(words);
    }
    if (!chunk.rows.empty()) transaction.changes.push_back(std::move(chunk));
  }
}

}  // namespace

Expected<Outcome> SessionImpl::deploy(std::string_view name, std::string_view text) {
  if (transaction_ != nullptr) {
    return sql_error("25001", "rules are deployed outside of transaction blocks");
  }
  const Deployment* const running = catalog().deployment(name);
  if (running != nullptr && running->text == text) return Outcome{};
  ensure_transaction();
  LockName lock_name;
  lock_name.key = "catalog";
  if (auto locked = lock(lock_name, LockMode::kTableAccessExclusive); !locked) {
    rollback_transaction();
    return sql_error("55P03", "another transaction changes the catalog");
  }
  auto edited = std::make_shared<Catalog>(catalog());
  std::vector<Table> known;
  std::set<RelationId> old;
  if (running != nullptr) {
    old.insert(running->relations.begin(), running->relations.end());
    for (const auto& [oid, table] : catalog().tables()) {
      if (table->deployment == name) known.push_back(*table);
    }
    for (const Table& table : known) edited->drop_table(table.oid);
    edited->drop_deployment(std::string(name));
  }
  Facts before = facts_of(state_, catalog(), name);
  const std::vector<datalog::Relation> old_relations = state_.program.relations;
  const std::vector<datalog::Rule> old_rules = state_.program.rules;
  const std::vector<datalog::Production> old_productions = state_.program.productions;
  auto changed = state_.change_program([&](datalog::RuleProgram& program) {
    std::erase_if(program.rules,
                  [&](const datalog::Rule& rule) { return old.count(rule.head.relation) != 0; });
    if (running != nullptr) {
      std::erase_if(program.productions, [&](const datalog::Production& production) {
        return std::find(running->productions.begin(), running->productions.end(),
                         production.name) != running->productions.end();
      });
    }
    Deployment deployment;
    deployment.name = std::string(name);
    deployment.text = std::string(text);
    return add_deployment(*edited, std::move(deployment), known, KnownTables::kRunning, program);
  });
  if (!changed) {
    Error error = changed.error();
    rollback_transaction();
    return unexpected(std::move(error));
  }
  // Facts that the text states now and did not, and the reverse; of relations that are new, all.
  for (const Table& table : known) {
    const Table* const after = edited->table(table.oid);
    if (after == nullptr || after->relation != table.relation) before.erase(table.oid);
  }
  const Facts after = facts_of(state_, *edited, name);
  add_difference(state_, *edited, before, after, /*deletion=*/true, *transaction_);
  add_difference(state_, *edited, after, before, /*deletion=*/false, *transaction_);
  transaction_->catalog = std::move(edited);
  transaction_->deployment = std::string(name);
  transaction_->cause_detail = std::string(text);
  auto version = commit_transaction();
  ++state_.objects_epoch;
  if (!version) {
    // What ran before runs again; relations that were new are dropped by now.
    auto restored = state_.change_program([&](datalog::RuleProgram& program) {
      std::copy(old_relations.begin(), old_relations.end(), program.relations.begin());
      program.rules = old_rules;
      program.productions = old_productions;
      return Expected<void>();
    });
    ENTAIL_ENSURE(restored.has_value());
    return unexpected(std::move(version).error());
  }
  Outcome outcome;
  outcome.tag = "DEPLOY";
  outcome.version = *version;
  return outcome;
}

}  // namespace entail::engine
