#include "server/engine/internal/persistence.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "grammar/sql_parser.h"
#include "server/engine/internal/checkpoint.h"
#include "server/engine/internal/deployment.h"
#include "server/engine/internal/session_catalog.h"
#include "server/engine/internal/stored_row.h"
#include "server/engine/sql_error.h"
#include "sql2datalog/lower_statement.h"
#include "vm/value_text.h"

namespace entail::engine {

using nlohmann::json;
namespace sql = grammar::sql;

namespace {

bool is_temporary(const Catalog& catalog, Oid schema) {
  const Schema* const owner = catalog.schema(schema);
  return owner != nullptr && owner->name.starts_with("pg_temp_");
}

json to_json(const Schema& schema) {
  return {{"oid", schema.oid}, {"name", schema.name}, {"owner", schema.owner}};
}

json to_json(const Sequence& s) {
  return {{"oid", s.oid},
          {"schema", s.schema},
          {"name", s.name},
          {"owner", s.owner},
          {"type", s.type},
          {"start", s.start},
          {"increment", s.increment},
          {"minimum", s.minimum},
          {"maximum", s.maximum},
          {"cache", s.cache},
          {"cycle", s.cycle},
          {"owned_by", s.owned_by},
          {"attribute", s.owned_by_attribute},
          {"identity", s.identity}};
}

json to_json(const UserType& t) {
  return {{"oid", t.oid},
          {"array_oid", t.array_oid},
          {"schema", t.schema},
          {"name", t.name},
          {"labels", t.labels}};
}

json to_json(const User& u) {
  return {{"oid", u.oid},          {"name", u.name},           {"superuser", u.superuser},
          {"login", u.login},      {"create_db", u.create_db}, {"create_role", u.create_role},
          {"verifier", u.verifier}};
}

json to_json(const Table& table) {
  json columns = json::array();
  for (const TableColumn& c : table.columns) {
    columns.push_back({{"name", c.name},
                       {"type", c.sql_type.oid},
                       {"typmod", c.sql_type.typmod},
                       {"attribute", c.attribute},
                       {"not_null", c.not_null},
                       {"default", c.default_text},
                       {"generated", c.generated},
                       {"identity", static_cast<int>(c.identity)},
                       {"sequence", c.sequence}});
  }
  json constraints = json::array();
  for (const TableConstraint& c : table.constraints) {
    constraints.push_back({{"oid", c.oid},
                           {"name", c.name},
                           {"type", std::string(1, static_cast<char>(c.type))},
                           {"columns", c.columns},
                           {"check", c.check_text},
                           {"index", c.index},
                           {"referenced", c.referenced},
                           {"referenced_columns", c.referenced_columns},
                           {"on_delete", static_cast<int>(c.on_delete)},
                           {"on_update", static_cast<int>(c.on_update)},
                           {"match", static_cast<int>(c.match)},
                           {"deferrable", c.deferrable},
                           {"deferred", c.initially_deferred}});
  }
  json indexes = json::array();
  for (const TableIndex& i : table.indexes) {
    indexes.push_back({{"oid", i.oid},
                       {"name", i.name},
                       {"columns", i.columns},
                       {"unique", i.unique},
                       {"primary", i.primary},
                       {"nulls_not_distinct", i.nulls_not_distinct},
                       {"constraint", i.constraint},
                       {"definition", i.definition}});
  }
  return {{"oid", table.oid},
          {"schema", table.schema},
          {"name", table.name},
          {"kind", std::string(1, static_cast<char>(table.kind))},
          {"owner", table.owner},
          {"columns", columns},
          {"primary_key", table.primary_key},
          {"constraints", constraints},
          {"indexes", indexes},
          {"view", table.view_text},
          {"view_columns", table.view_columns},
          {"path", table.view_search_path},
          {"depends_on", table.depends_on},
          {"deployment", table.deployment},
          {"writable", table.writable},
          {"last_attribute", table.last_attribute},
          {"storage", table.storage},
          {"former", table.former == nullptr ? json() : to_json(*table.former)},
          {"comment", table.comment}};
}

json to_json(const Deployment& deployment) {
  return {{"name", deployment.name}, {"text", deployment.text}};
}

template <typename Map, typename Kept>
void add_differences(const Map& before, const Map& after, const std::string& prefix, Kept kept,
                     std::vector<store::CatalogChange>& changes) {
  const auto key_of = [&](const auto& key) {
    if constexpr (std::is_convertible_v<decltype(key), std::string>) {
      return prefix + std::string(key);
    } else {
      return prefix + std::to_string(key);
    }
  };
  for (const auto& [key, object] : before) {
    if (after.count(key) == 0 && kept(*object)) {
      changes.push_back({key_of(key), std::nullopt, std::nullopt});
    }
  }
  for (const auto& [key, object] : after) {
    const auto old = before.find(key);
    if (old != before.end() && old->second == object) continue;
    if (!kept(*object)) continue;
    std::string text = to_json(*object).dump();
    if (old != before.end() && kept(*old->second) && to_json(*old->second).dump() == text) continue;
    changes.push_back({key_of(key), std::move(text), std::nullopt});
  }
}

Error damaged(const std::string& key, const std::string& why) {
  return make_sql_error("XX001", "the catalog's entry '" + key + "' is damaged: " + why);
}

}  // namespace

std::vector<store::CatalogChange> catalog_changes(const Catalog& before, const Catalog& after) {
  std::vector<store::CatalogChange> changes;
  const auto in_kept_schema = [&](const auto& object) {
    return !is_temporary(after, object.schema) && !is_temporary(before, object.schema);
  };
  const auto always = [](const auto&) { return true; };
  add_differences(
      before.schemas(), after.schemas(), "schema/",
      [](const Schema& schema) {
        return schema.oid >= 16384 && !schema.name.starts_with("pg_temp_");
      },
      changes);
  add_differences(before.types(), after.types(), "type/", in_kept_schema, changes);
  add_differences(before.tables(), after.tables(), "table/", in_kept_schema, changes);
  add_differences(before.sequences(), after.sequences(), "sequence/", in_kept_schema, changes);
  add_differences(before.users(), after.users(), "user/", always, changes);
  add_differences(before.deployments(), after.deployments(), "deployment/", always, changes);
  for (const auto& [oid, sequence] : before.sequences()) {
    if (after.sequence(oid) == nullptr && in_kept_schema(*sequence)) {
      changes.push_back({"state/" + std::to_string(oid), std::nullopt, std::nullopt});
    }
  }
  changes.push_back({"engine", json{{"next_oid", after.peek_oid()}}.dump(), std::nullopt});
  return changes;
}

std::vector<std::uint32_t> dropped_storages(const Catalog& before, const Catalog& after) {
  std::set<std::uint32_t> kept;
  for (const auto& [oid, table] : after.tables()) {
    for (const Table* form = table.get(); form != nullptr; form = form->former.get()) {
      kept.insert(form->storage);
    }
  }
  std::vector<std::uint32_t> dropped;
  for (const auto& [oid, table] : before.tables()) {
    const bool has_rows = table->kind == TableKind::kTable || table->kind == TableKind::kRules;
    if (!has_rows || table->temporary || is_temporary(before, table->schema)) continue;
    for (const Table* form = table.get(); form != nullptr; form = form->former.get()) {
      if (kept.count(form->storage) == 0) dropped.push_back(form->storage);
    }
  }
  return dropped;
}

store::CatalogChange sequence_change(Oid sequence, const std::map<Oid, SequenceState>& sequences) {
  const auto found = sequences.find(sequence);
  store::CatalogChange change;
  change.key = "state/" + std::to_string(sequence);
  if (found != sequences.end()) {
    change.value = json{{"last", found->second.last}, {"called", found->second.is_called}}.dump();
  }
  return change;
}

store::OutboxEntry outbox_entry(const EngineState& state, const rete::EmittedRow& row) {
  const datalog::Relation& relation = state.program.relation(row.relation);
  const compiler::RelationLayout& layout = state.layout_of(row.relation);
  json payload = json::object();
  for (std::size_t c = 0; c < relation.columns.size(); ++c) {
    const compiler::ColumnLayout& column = layout.columns[c];
    if (column.nullable && row.words[column.null_word()] != 0) {
      payload[relation.columns[c].name] = nullptr;
      continue;
    }
    std::string text;
    vm::print_value(*state.pool, column.type, false, &row.words[column.first_word], {}, text);
    payload[relation.columns[c].name] = text;
  }
  store::OutboxEntry entry;
  entry.sink = relation.name;
  entry.rule = row.production;
  entry.payload = payload.dump();
  return entry;
}

Expected<const Table*> form_at(const EngineState& state, const Table& table,
                               std::uint64_t version) {
  if (table.former == nullptr) return &table;
  const std::string key = "table/" + std::to_string(table.oid);
  auto stored = state.store->catalog_get(key, version);
  if (!stored) return unexpected(std::move(stored).error());
  if (!*stored) return nullptr;
  const json object = json::parse(**stored, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object() || !object.contains("storage")) {
    return unexpected(damaged(key, "it is no table"));
  }
  for (const Table* form = &table; form != nullptr; form = form->former.get()) {
    if (form->storage == object["storage"]) return form;
  }
  return unexpected(damaged(key, "its rows are nowhere"));
}

std::uint32_t storage_of(const EngineState& /*state*/, const Catalog& catalog,
                         RelationId relation) {
  const Table* const table = catalog.table_of(relation);
  if (table == nullptr || table->temporary || is_temporary(catalog, table->schema)) return 0;
  return table->storage;
}

// ---------------------------------------------------------------------------------------------------
// The start

namespace {

class Loader {
 public:
  explicit Loader(EngineState& state) : state_(state) {}

  Expected<void> run() {
    auto listed = state_.store->catalog_list("");
    if (!listed) return unexpected(std::move(listed).error());
    std::map<std::string, std::string> entries(listed->begin(), listed->end());
    if (state_.options.catalog_overlay != nullptr) {
      for (const store::CatalogChange& change : *state_.options.catalog_overlay) {
        entries.erase(change.key);
        if (change.value) entries[change.key] = *change.value;
      }
      state_.options.catalog_overlay = nullptr;
    }
    Catalog catalog;
    std::vector<json> tables;
    std::vector<Deployment> deployments;
    for (const auto& [key, value] : entries) {
      const json object = json::parse(value, nullptr, false);
      if (object.is_discarded()) return unexpected(damaged(key, "it is no JSON"));
      try {
        if (key == "engine") {
          catalog.reserve_oids(object.at("next_oid").get<Oid>());
        } else if (key.starts_with("schema/")) {
          catalog.put(Schema{object.at("oid"), object.at("name"), object.at("owner")});
        } else if (key.starts_with("type/")) {
          read_type(object, catalog);
        } else if (key.starts_with("table/")) {
          tables.push_back(object);
        } else if (key.starts_with("sequence/")) {
          read_sequence(object, catalog);
        } else if (key.starts_with("user/")) {
          read_user(object, catalog);
        } else if (key.starts_with("deployment/")) {
          deployments.push_back({object.at("name"), object.at("text"), {}});
        } else if (key.starts_with("state/")) {
          const auto oid = static_cast<Oid>(std::stoul(key.substr(6)));
          state_.sequences[oid] = {object.at("last"), object.at("called")};
        }
      } catch (const std::exception& failure) {
        return unexpected(damaged(key, failure.what()));
      }
    }
    std::sort(tables.begin(), tables.end(),
              [](const json& a, const json& b) { return a.at("oid") < b.at("oid"); });
    // Tables first, then what is derived, in the order in which it was made.
    for (const json& object : tables) {
      try {
        const std::string kind = object.at("kind");
        auto table = read_table(object, catalog);
        if (!table) return unexpected(std::move(table).error());
        if (table->kind == TableKind::kTable) {
          table->relation = add_relation(*table, catalog);
          catalog.put(std::move(*table));
        } else {
          derived_.push_back(std::move(*table));
        }
      } catch (const std::exception& failure) {
        return unexpected(damaged("table/" + object.value("oid", json(0)).dump(), failure.what()));
      }
    }
    for (Table& table : derived_) {
      if (table.kind == TableKind::kView) {
        catalog.put(std::move(table));
      } else if (table.kind == TableKind::kMaterializedView) {
        if (auto made = add_view(std::move(table), catalog); !made) return made;
      }
    }
    for (Deployment& deployment : deployments) {
      std::vector<Table> own;
      for (const Table& table : derived_) {
        if (table.kind == TableKind::kRules && table.deployment == deployment.name) {
          own.push_back(table);
        }
      }
      if (auto made = restore_deployment(state_, catalog, std::move(deployment), own); !made) {
        return made;
      }
    }
    state_.catalog = std::make_shared<const Catalog>(std::move(catalog));
    return load_rows();
  }

 private:
  void read_type(const json& object, Catalog& catalog) {
    UserType type;
    type.oid = object.at("oid");
    type.array_oid = object.at("array_oid");
    type.schema = object.at("schema");
    type.name = object.at("name");
    type.labels = object.at("labels").get<std::vector<std::string>>();
    vm::TypeTable& types = state_.program.types;
    const vm::TypeId id = types.declare(vm::TypeKind::kEnum, type.name);
    types.define_enum(id, type.labels);
    type.type = vm::Type::defined(vm::TypeKind::kEnum, id);
    catalog.put(std::move(type));
  }

  void read_sequence(const json& object, Catalog& catalog) {
    Sequence s;
    s.oid = object.at("oid");
    s.schema = object.at("schema");
    s.name = object.at("name");
    s.owner = object.at("owner");
    s.type = object.at("type");
    s.start = object.at("start");
    s.increment = object.at("increment");
    s.minimum = object.at("minimum");
    s.maximum = object.at("maximum");
    s.cache = object.at("cache");
    s.cycle = object.at("cycle");
    s.owned_by = object.at("owned_by");
    s.owned_by_attribute = object.at("attribute");
    s.identity = object.at("identity");
    catalog.put(std::move(s));
  }

  void read_user(const json& object, Catalog& catalog) {
    User user;
    user.oid = object.at("oid");
    user.name = object.at("name");
    user.superuser = object.at("superuser");
    user.login = object.at("login");
    user.create_db = object.at("create_db");
    user.create_role = object.at("create_role");
    user.verifier = object.at("verifier");
    catalog.put(std::move(user));
  }

  Expected<Table> read_table(const json& object, const Catalog& catalog) {
    Table table;
    table.oid = object.at("oid");
    table.schema = object.at("schema");
    table.name = object.at("name");
    table.kind = static_cast<TableKind>(object.at("kind").get<std::string>().at(0));
    table.owner = object.at("owner");
    for (const json& c : object.at("columns")) {
      TableColumn column;
      column.name = c.at("name");
      column.sql_type = {c.at("type"), c.at("typmod")};
      column.attribute = c.at("attribute");
      column.not_null = c.at("not_null");
      column.default_text = c.at("default");
      column.generated = c.at("generated");
      column.identity = static_cast<Identity>(c.at("identity").get<int>());
      column.sequence = c.at("sequence");
      const auto builtin = sql2datalog::machine_type(column.sql_type, state_.program.types);
      const UserType* const user_type = catalog.type(column.sql_type.oid);
      if (builtin) {
        column.type = *builtin;
      } else if (user_type != nullptr) {
        column.type = user_type->oid == column.sql_type.oid
                          ? user_type->type
                          : state_.program.types.array_of(user_type->type, true);
      } else {
        column.type = vm::Type::text();
      }
      if (!column.default_text.empty() && (column.sequence == 0 || column.generated)) {
        auto parsed = sql::parse_sql_expression(column.default_text);
        if (!parsed) return unexpected(std::move(parsed).error());
        column.default_value = std::make_shared<const sql::Expression>(std::move(*parsed));
      }
      table.columns.push_back(std::move(column));
    }
    table.primary_key = object.at("primary_key").get<std::vector<std::uint32_t>>();
    for (const json& c : object.at("constraints")) {
      TableConstraint constraint;
      constraint.oid = c.at("oid");
      constraint.name = c.at("name");
      constraint.type = static_cast<ConstraintType>(c.at("type").get<std::string>().at(0));
      constraint.columns = c.at("columns").get<std::vector<std::uint32_t>>();
      constraint.check_text = c.at("check");
      constraint.index = c.at("index");
      constraint.referenced = c.at("referenced");
      constraint.referenced_columns = c.at("referenced_columns").get<std::vector<std::uint32_t>>();
      constraint.on_delete = static_cast<sql::ReferenceAction>(c.at("on_delete").get<int>());
      constraint.on_update = static_cast<sql::ReferenceAction>(c.at("on_update").get<int>());
      constraint.match = static_cast<sql::MatchKind>(c.at("match").get<int>());
      constraint.deferrable = c.at("deferrable");
      constraint.initially_deferred = c.at("deferred");
      if (!constraint.check_text.empty()) {
        auto parsed = sql::parse_sql_expression(constraint.check_text);
        if (!parsed) return unexpected(std::move(parsed).error());
        constraint.check = std::make_shared<const sql::Expression>(std::move(*parsed));
      }
      table.constraints.push_back(std::move(constraint));
    }
    for (const json& i : object.at("indexes")) {
      TableIndex index;
      index.oid = i.at("oid");
      index.name = i.at("name");
      index.columns = i.at("columns").get<std::vector<std::uint32_t>>();
      index.unique = i.at("unique");
      index.primary = i.at("primary");
      index.nulls_not_distinct = i.at("nulls_not_distinct");
      index.constraint = i.at("constraint");
      index.definition = i.at("definition");
      table.indexes.push_back(std::move(index));
    }
    table.view_text = object.at("view");
    table.view_columns = object.at("view_columns").get<std::vector<std::string>>();
    table.view_search_path = object.at("path").get<std::vector<std::string>>();
    table.depends_on = object.at("depends_on").get<std::vector<Oid>>();
    table.deployment = object.at("deployment");
    table.writable = object.at("writable");
    table.last_attribute = object.at("last_attribute");
    table.storage = object.at("storage");
    if (!object.at("former").is_null()) {
      auto former = read_table(object.at("former"), catalog);
      if (!former) return unexpected(std::move(former).error());
      table.former = std::make_shared<const Table>(std::move(*former));
    }
    table.comment = object.at("comment");
    if (!table.view_text.empty()) {
      auto parsed = sql::parse_sql(table.view_text);
      if (!parsed) return unexpected(std::move(parsed).error());
      const auto* const select =
          parsed->size() == 1 ? parsed->front().as<sql::SelectStatement>() : nullptr;
      if (select == nullptr) {
        return unexpected(damaged("table/" + std::to_string(table.oid), "its query is none"));
      }
      table.view_query = std::make_shared<const sql::Query>(select->query);
    }
    return table;
  }

  RelationId add_relation(const Table& table, const Catalog& catalog) {
    datalog::Relation relation = relation_of(table, catalog);
    state_.program.relations.push_back(std::move(relation));
    return static_cast<RelationId>(state_.program.relations.size() - 1);
  }

  Expected<void> add_view(Table view, Catalog& catalog) {
    Settings settings;
    std::string path;
    for (const std::string& schema : view.view_search_path) {
      path += (path.empty() ? "" : ", ") + ("\"" + schema + "\"");
    }
    if (auto set = settings.set("search_path", path, false); !set) return set;
    const SessionCatalog names(state_, catalog, settings, view.owner, "");
    sql2datalog::LoweringContext context;
    context.catalog = &names;
    context.text = view.view_text;
    std::vector<sql::Identifier> columns;
    for (const std::string& column : view.view_columns) columns.push_back({column, true, {}});
    auto lowered = sql2datalog::lower_materialized_view(*view.view_query, columns, context);
    if (!lowered) return unexpected(std::move(lowered).error());
    const std::size_t first = state_.program.relations.size();
    view.relation = static_cast<RelationId>(first);
    lowered->relations.front().name = view.name;
    for (std::size_t i = 0; i < lowered->relations.size(); ++i) {
      if (i > 0) view.auxiliary.push_back(static_cast<RelationId>(first + i));
      state_.program.relations.push_back(std::move(lowered->relations[i]));
    }
    for (datalog::Rule& rule : lowered->rules) state_.program.rules.push_back(std::move(rule));
    for (std::size_t c = 0; c < view.columns.size(); ++c) {
      view.columns[c].type = lowered->machine[c];
    }
    catalog.put(std::move(view));
    return {};
  }

  // From the checkpoint, if there is one and all of it is right; else everything is loaded and derived.
  Expected<void> load_rows() {
    auto restored = restore_checkpoint(state_);
    if (!restored) return unexpected(std::move(restored).error());
    if (*restored) {
      auto loaded = load_into_network(/*is_restored=*/true);
      if (loaded) return {};
      note_unused_checkpoint(state_, state_.checkpoint_version, loaded.error().message);
      state_.checkpoint_version = 0;
      state_.network.reset();
    }
    if (auto made = state_.make_network(); !made) return made;
    return load_into_network(/*is_restored=*/false);
  }

  Expected<void> load_into_network(bool is_restored) {
    vm::Version newest = std::max<vm::Version>(state_.store->version(), state_.network->version());
    for (const auto& [oid, table] : state_.catalog->tables()) {
      if (!table->holds_rows() || table->kind == TableKind::kMaterializedView) continue;
      if (is_restored && state_.network->is_restored(table->relation)) continue;
      if (auto loaded = load_table(*table, newest); !loaded) return loaded;
    }
    if (is_restored) {
      if (auto replayed = replay_since_checkpoint(state_, newest); !replayed) return replayed;
    }
    if (auto ended = state_.network->end_load(newest); !ended) return ended;
    state_.version = state_.store->version();
    return {};
  }

  Expected<void> load_table(const Table& table, vm::Version& newest) {
    constexpr std::size_t kBatchRows = 16'384;
    const datalog::Relation& relation = state_.program.relation(table.relation);
    const compiler::RelationLayout& layout = state_.layout_of(table.relation);
    const StoredRowCodec codec(relation, layout, *state_.pool);
    const bool is_bag = relation.collection == datalog::Collection::kBag;
    auto scan = state_.store->scan(table.storage);
    if (!scan) return unexpected(std::move(scan).error());
    std::vector<std::vector<vm::Word>> columns(layout.words.size());
    std::vector<vm::DurableId> ids;
    const auto give = [&]() -> Expected<void> {
      if (columns[0].empty()) return {};
      std::vector<const vm::Word*> arrays;
      for (const std::vector<vm::Word>& column : columns) arrays.push_back(column.data());
      rete::FactChanges rows{arrays, columns[0].size(), nullptr, is_bag ? ids.data() : nullptr};
      if (auto loaded = state_.network->load(table.relation, rows); !loaded) return loaded;
      for (std::vector<vm::Word>& column : columns) column.clear();
      ids.clear();
      return {};
    };
    while ((*scan)->next()) {
      const store::StoredRow& row = (*scan)->row();
      if (!codec.decode(row.image.row, columns)) {
        return sql_error("XX001", "a stored row of \"" + table.name + "\" is damaged");
      }
      if (is_bag) {
        vm::DurableId id;
        if (!StoredRowCodec::decode_id(row.key, id)) {
          return sql_error("XX001", "a stored key of \"" + table.name + "\" is damaged");
        }
        newest = std::max<vm::Version>(newest, id.source);
        ids.push_back(id);
      }
      if (columns[0].size() >= kBatchRows) {
        if (auto given = give(); !given) return given;
      }
    }
    if (auto status = (*scan)->status(); !status) return status;
    return give();
  }

  EngineState& state_;
  std::vector<Table> derived_;
};

}  // namespace

Expected<void> load_from_store(EngineState& state) { return Loader(state).run(); }

}  // namespace entail::engine
