#include "server/engine/internal/deployment.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "datalog/body_walk.h"
#include "datalog/lower.h"
#include "datalog/stratify.h"
#include "grammar/diagnostics.h"
#include "grammar/parser.h"
#include "server/engine/internal/session_impl.h"
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
std::string prelude_of(const Catalog& catalog, std::string_view text, std::string_view deployment) {
  std::string prelude;
  for (const auto& [oid, table] : catalog.tables()) {
    if (!table->holds_rows() || table->schema != kSchemaPublic || table->deployment == deployment ||
        !mentions(text, table->name) || declares(text, table->name)) {
      continue;
    }
    std::string declaration;
    for (const TableColumn& column : table->columns) {
      const auto type = rule_type(column.type);
      if (!type) {
        declaration.clear();
        break;
      }
      if (!declaration.empty()) declaration += ", ";
      declaration += column.name + ": " + *type + (column.not_null ? "" : "?");
    }
    if (!declaration.empty()) {
      prelude += ".decl " + table->name + "(" + declaration + ")\n";
    }
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

  void rule(datalog::Rule& given) {
    given.head.relation = relation(given.head.relation);
    for (datalog::Variable& variable : given.variables) variable.type = type(variable.type);
    datalog::walk_rule_expressions(given, [&](Expression& node) { expression(node); });
    datalog::walk_rule_matches(given, [&](datalog::Match& match, datalog::Reading) {
      match.relation = relation(match.relation);
    });
  }

 private:
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
                              const std::vector<Table>& known, datalog::RuleProgram& program) {
  grammar::SourceFiles files;
  grammar::Diagnostics diagnostics;
  grammar::NoFiles no_files;
  const std::string prelude = prelude_of(catalog, deployment.text, deployment.name);
  // The prelude stands behind the text, so that places in messages are those of the text.
  grammar::Program tree = grammar::parse_text(deployment.name, deployment.text + "\n" + prelude, {},
                                              no_files, files, diagnostics);
  if (diagnostics.has_errors()) return unexpected(rules_error(diagnostics, files));
  auto rules = datalog::lower(tree, {}, diagnostics);
  if (!rules) return unexpected(rules_error(diagnostics, files));
  if (!datalog::stratify(*rules, diagnostics)) return unexpected(rules_error(diagnostics, files));
  datalog::refuse_unexecuted(*rules, diagnostics, datalog::Execution::kStanding);
  if (diagnostics.has_errors()) return unexpected(rules_error(diagnostics, files));
  if (!rules->productions.empty()) {
    return sql_error("0A000", "productions in deployed rules are not supported yet");
  }
  Merger merger(*rules, program);
  std::vector<Table> tables;
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
    const auto to = static_cast<RelationId>(program.relations.size());
    merger.map_relation(id, to);
    deployment.relations.push_back(to);
    if (!relation.auxiliary) {
      Table table;
      const auto had = std::find_if(known.begin(), known.end(), [&](const Table& candidate) {
        return candidate.name == relation.name;
      });
      table.oid = had != known.end() ? had->oid : catalog.next_oid();
      table.storage = had != known.end() ? had->storage : table.oid;
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
    program.relations.push_back(std::move(relation));
  }
  for (datalog::Rule rule : rules->rules) {
    merger.rule(rule);
    program.rules.push_back(std::move(rule));
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
  return add_deployment(catalog, std::move(deployment), known, state.program);
}

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
  // Stated rows of relations that stay go over to their new relation.
  auto changed = state_.change_program([&](datalog::RuleProgram& program) {
    std::erase_if(program.rules,
                  [&](const datalog::Rule& rule) { return old.count(rule.head.relation) != 0; });
    return add_deployment(*edited, {std::string(name), std::string(text), {}}, known, program);
  });
  if (!changed) {
    Error error = changed.error();
    rollback_transaction();
    return unexpected(std::move(error));
  }
  for (const Table& before : known) {
    const Table* const after = edited->table(before.oid);
    if (after == nullptr) continue;
    const compiler::RelationLayout& layout = state_.layout_of(before.relation);
    const vm::StandingRelation& rows = state_.rows_of(before.relation);
    const bool same = layout.words.size() == state_.layout_of(after->relation).words.size();
    if (!same) continue;
    ChangeChunk chunk{after->relation, false, RowSet(layout, *state_.pool)};
    std::vector<vm::Word> words(layout.words.size());
    vm::Row position = 0, row = 0;
    while (rows.scan(vm::View::kTotal, position, &row, 1) == 1) {
      if (!rows.is_stated(row)) continue;
      for (std::uint32_t c = 0; c < words.size(); ++c) rows.load(c, &row, 1, &words[c]);
      chunk.rows.append(words);
    }
    if (!chunk.rows.empty()) transaction_->changes.push_back(std::move(chunk));
  }
  transaction_->catalog = std::move(edited);
  transaction_->deployment = std::string(name);
  transaction_->cause_detail = std::string(text);
  auto version = commit_transaction();
  if (!version) return unexpected(std::move(version).error());
  ++state_.objects_epoch;
  Outcome outcome;
  outcome.tag = "DEPLOY";
  outcome.version = *version;
  return outcome;
}

}  // namespace entail::engine
