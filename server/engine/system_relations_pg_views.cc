// Relations of the schema pg_catalog that are views in PostgreSQL, or are about the whole server: users,
// databases, settings, and tables as people list them.
#include <algorithm>

#include "server/engine/internal/engine_state.h"
#include "server/engine/internal/session_impl.h"
#include "server/engine/session.h"
#include "server/engine/settings.h"
#include "server/engine/system_schema.h"

namespace entail::engine {

namespace {

std::string_view schema_name(const SystemContext& context, Oid oid) {
  const Schema* const schema = context.catalog.schema(oid);
  return schema == nullptr ? std::string_view() : std::string_view(schema->name);
}

// ------------------------------------------------------------------------------ users

struct Role {
  std::string name;
  Oid oid = 0;
  bool superuser = true, create_role = true, create_db = true, login = true;
  bool has_password = false;
};

// Where nobody was created, whoever connects may do anything.
std::vector<Role> roles_of(const SystemContext& context) {
  std::vector<Role> roles;
  const Owners owners(context);
  for (const auto& [name, oid] : owners.all()) {
    Role role;
    role.name = name;
    role.oid = oid;
    if (const User* const user = context.catalog.user(name)) {
      role.superuser = user->superuser;
      role.create_role = user->create_role || user->superuser;
      role.create_db = user->create_db || user->superuser;
      role.login = user->login;
      role.has_password = !user->verifier.empty();
    }
    roles.push_back(std::move(role));
  }
  return roles;
}

Expected<void> roles_rows(const SystemContext& context, SystemRows& rows) {
  for (const Role& role : roles_of(context)) {
    rows.add_text(role.name);
    rows.add_bool(role.superuser);
    rows.add_bool(true);
    rows.add_bool(role.create_role);
    rows.add_bool(role.create_db);
    rows.add_bool(role.login);
    rows.add_bool(false);
    rows.add_int(-1);
    rows.add_text("********");
    rows.add_null();
    rows.add_bool(role.superuser);
    rows.add_null();
    rows.add_int(role.oid);
    rows.end_row();
  }
  return {};
}

// The verifier itself is shown to nobody.
Expected<void> authid_rows(const SystemContext& context, SystemRows& rows) {
  for (const Role& role : roles_of(context)) {
    rows.add_int(role.oid);
    rows.add_text(role.name);
    rows.add_bool(role.superuser);
    rows.add_bool(true);
    rows.add_bool(role.create_role);
    rows.add_bool(role.create_db);
    rows.add_bool(role.login);
    rows.add_bool(false);
    rows.add_bool(role.superuser);
    rows.add_int(-1);
    if (role.has_password) {
      rows.add_text("********");
    }
    rows.end_row();
  }
  return {};
}

Expected<void> user_rows(const SystemContext& context, SystemRows& rows) {
  for (const Role& role : roles_of(context)) {
    if (!role.login) continue;
    rows.add_text(role.name);
    rows.add_int(role.oid);
    rows.add_bool(role.create_db);
    rows.add_bool(role.superuser);
    rows.add_bool(false);
    rows.add_bool(role.superuser);
    rows.add_text("********");
    rows.end_row();
  }
  return {};
}

// ------------------------------------------------------------------------------ the server

constexpr std::int64_t kUtf8 = 6;

Expected<void> database_rows(const SystemContext& context, SystemRows& rows) {
  // One database a server: whatever name a client gave, it is in it.
  rows.add_int(kOidDatabase);
  rows.add_text(context.database);
  rows.add_int(kOidOwner);
  rows.add_int(kUtf8);
  rows.add_text("c");
  rows.add_bool(false);
  rows.add_bool(true);
  rows.add_int(-1);
  rows.add_int(0);
  rows.add_int(0);
  rows.add_int(kOidDefaultTablespace);
  rows.add_text("C.UTF-8");
  rows.add_text("C.UTF-8");
  rows.end_row();
  return {};
}

Expected<void> am_rows(const SystemContext&, SystemRows& rows) {
  struct Method {
    Oid oid;
    std::string_view name;
    char type;
  };
  for (const Method& method : {Method{kOidHeap, "heap", 't'}, Method{kOidBtree, "btree", 'i'}}) {
    rows.add_int(method.oid);
    rows.add_text(method.name);
    rows.add_int(0);
    rows.add_text(std::string_view(&method.type, 1));
    rows.end_row();
  }
  return {};
}

Expected<void> collation_rows(const SystemContext&, SystemRows& rows) {
  struct Collation {
    Oid oid;
    std::string_view name, provider, locale;
  };
  const Collation collations[] = {{kOidDefaultCollation, "default", "d", ""},
                                  {kOidCCollation, "C", "c", "C"},
                                  {kOidPosixCollation, "POSIX", "c", "POSIX"}};
  for (const Collation& collation : collations) {
    rows.add_int(collation.oid);
    rows.add_text(collation.name);
    rows.add_int(kSchemaPgCatalog);
    rows.add_int(kOidOwner);
    rows.add_text(collation.provider);
    rows.add_bool(true);
    rows.add_int(-1);
    if (collation.locale.empty()) {
      rows.add_null();
      rows.add_null();
    } else {
      rows.add_text(collation.locale);
      rows.add_text(collation.locale);
    }
    rows.end_row();
  }
  return {};
}

Expected<void> tablespace_rows(const SystemContext&, SystemRows& rows) {
  rows.add_int(kOidDefaultTablespace);
  rows.add_text("pg_default");
  rows.add_int(kOidOwner);
  rows.end_row();
  return {};
}

Expected<void> language_rows(const SystemContext&, SystemRows& rows) {
  rows.add_int(kOidInternalLanguage);
  rows.add_text("internal");
  rows.add_int(kOidOwner);
  rows.add_bool(false);
  rows.add_bool(false);
  rows.add_int(0);
  rows.add_int(0);
  rows.add_int(0);
  rows.end_row();
  return {};
}

std::string_view kind_name(SettingInfo::Kind kind) {
  switch (kind) {
    case SettingInfo::Kind::kBool:
      return "bool";
    case SettingInfo::Kind::kInteger:
      return "integer";
    case SettingInfo::Kind::kReal:
      return "real";
    case SettingInfo::Kind::kEnum:
      return "enum";
    case SettingInfo::Kind::kString:
      return "string";
  }
  return "string";
}

Expected<void> settings_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [name, value] : context.settings.all()) {
    const std::vector<SettingInfo>& known = known_settings();
    const std::string_view setting = name;
    const auto found = std::find_if(known.begin(), known.end(), [setting](const SettingInfo& info) {
      return info.name == setting;
    });
    const bool is_default = found != known.end() && found->default_value == value;
    rows.add_text(name);
    rows.add_text(value);
    rows.add_null();
    rows.add_text("Settings");
    rows.add_text("");
    rows.add_null();
    const bool is_fixed = found != known.end() && found->context == SettingInfo::Context::kFixed;
    rows.add_text(is_fixed ? "internal" : "user");
    rows.add_text(found == known.end() ? std::string_view("string") : kind_name(found->kind));
    rows.add_text(is_default ? "default" : "session");
    rows.add_null();
    rows.add_null();
    rows.add_null();
    rows.add_text(found == known.end() ? std::string_view() : found->default_value);
    rows.add_text(found == known.end() ? std::string_view() : found->default_value);
    rows.add_null();
    rows.add_null();
    rows.add_bool(false);
    rows.end_row();
  }
  return {};
}

std::string_view activity_state(TransactionStatus status, bool is_this) {
  if (is_this) return "active";
  switch (status) {
    case TransactionStatus::kIdle:
      return "idle";
    case TransactionStatus::kOpen:
      return "idle in transaction";
    case TransactionStatus::kFailed:
      return "idle in transaction (aborted)";
  }
  return "idle";
}

Expected<void> activity_rows(const SystemContext& context, SystemRows& rows) {
  const Owners owners(context);
  EngineState& state = static_cast<SessionImpl&>(context.session).state();
  for (const auto& [id, session] : state.sessions) {
    const Session& one = *session;
    const SessionOptions& options = one.options();
    rows.add_int(kOidDatabase);
    rows.add_text(options.database);
    rows.add_int(id);
    rows.add_null();
    rows.add_int(owners.oid(options.user));
    rows.add_text(options.user);
    rows.add_text(one.setting("application_name").value_or(std::string()));
    if (options.client_address.empty()) {
      rows.add_null();
    } else {
      rows.add_text(options.client_address);
    }
    for (int unknown = 0; unknown < 8; ++unknown) rows.add_null();
    rows.add_text(activity_state(one.status(), &one == &context.session));
    for (int unknown = 0; unknown < 4; ++unknown) rows.add_null();
    rows.add_text("client backend");
    rows.end_row();
  }
  return {};
}

// ------------------------------------------------------------------------------ tables as lists

Expected<void> tables_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    if (relation_kind(*table) != 'r') continue;
    rows.add_text(schema_name(context, table->schema));
    rows.add_text(table->name);
    rows.add_text(table->owner);
    rows.add_null();
    rows.add_bool(!table->indexes.empty());
    rows.add_bool(false);
    rows.add_bool(has_foreign_keys(context.catalog, *table));
    rows.add_bool(false);
    rows.end_row();
  }
  for (const SystemRelation& relation : all_system_relations()) {
    if (relation.is_function || relation.schema != kSchemaPgCatalog) continue;
    rows.add_text("pg_catalog");
    rows.add_text(relation.name);
    rows.add_text(context.user);
    rows.add_null();
    for (int flag = 0; flag < 4; ++flag) rows.add_bool(false);
    rows.end_row();
  }
  return {};
}

Expected<void> indexes_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    for (const TableIndex& index : table->indexes) {
      rows.add_text(schema_name(context, table->schema));
      rows.add_text(table->name);
      rows.add_text(index.name);
      rows.add_null();
      rows.add_text(index_definition(context.catalog, *table, index));
      rows.end_row();
    }
  }
  return {};
}

Expected<void> views_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    if (relation_kind(*table) != 'v') continue;
    rows.add_text(schema_name(context, table->schema));
    rows.add_text(table->name);
    rows.add_text(table->owner);
    rows.add_text(table->view_text);
    rows.end_row();
  }
  return {};
}

Expected<void> matviews_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, table] : context.catalog.tables()) {
    if (relation_kind(*table) != 'm') continue;
    rows.add_text(schema_name(context, table->schema));
    rows.add_text(table->name);
    rows.add_text(table->owner);
    rows.add_null();
    rows.add_bool(!table->indexes.empty());
    rows.add_bool(true);
    rows.add_text(table->view_text);
    rows.end_row();
  }
  return {};
}

Expected<void> sequences_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, sequence] : context.catalog.sequences()) {
    rows.add_text(schema_name(context, sequence->schema));
    rows.add_text(sequence->name);
    rows.add_text(sequence->owner);
    rows.add_int(sequence->type);
    rows.add_int(sequence->start);
    rows.add_int(sequence->minimum);
    rows.add_int(sequence->maximum);
    rows.add_int(sequence->increment);
    rows.add_bool(sequence->cycle);
    rows.add_int(sequence->cache);
    rows.end_row();
  }
  return {};
}

}  // namespace

void give_pg_view_rows(std::vector<SystemRelation>& list) {
  give_rows(list, "pg_roles", roles_rows);
  give_rows(list, "pg_authid", authid_rows);
  give_rows(list, "pg_user", user_rows);
  give_rows(list, "pg_shadow", user_rows);
  give_rows(list, "pg_database", database_rows);
  give_rows(list, "pg_am", am_rows);
  give_rows(list, "pg_collation", collation_rows);
  give_rows(list, "pg_tablespace", tablespace_rows);
  give_rows(list, "pg_language", language_rows);
  give_rows(list, "pg_settings", settings_rows);
  give_rows(list, "pg_stat_activity", activity_rows);
  give_rows(list, "pg_tables", tables_rows);
  give_rows(list, "pg_indexes", indexes_rows);
  give_rows(list, "pg_views", views_rows);
  give_rows(list, "pg_matviews", matviews_rows);
  give_rows(list, "pg_sequences", sequences_rows);
}

}  // namespace entail::engine
