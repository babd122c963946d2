// server/engine/system_relation.h - relations whose rows come from the engine itself: pg_catalog,
// information_schema, entail.
//
// A SystemRelation is data: a name, columns, and a function that puts its rows into a builder when a
// statement reads it. To SQL it is a table; a query gets its rows as a given relation (query_program.h), made at
// the start of each run. It is never changed by statements.
//
//     SystemRelation versions{kSchemaEntail, "versions", 13100,
//         {{"version", oids::kInt8}, {"time", oids::kTimestampTz}, {"cause", oids::kText}},
//         [](const SystemContext& context, SystemRows& rows) { … rows.add_int(7); … rows.end_row(); return … }};
//
// Lists of them are registered by system_relations_*.cc, each a function that returns a list;
// all_system_relations() (system_relations.cc) puts them together.
//
// Threads: the engine's.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/engine/catalog.h"
#include "vm/base/expected.h"
#include "vm/value_pool.h"

namespace entail::engine {

class Engine;
class Session;
class Settings;

struct SystemColumn {
  std::string name;
  Oid type =
      sql2datalog::oids::kText;  // int2vector, oidvector, name[] …: arrays and texts alike as text.
};

// What rows may depend on.
struct SystemContext {
  const Catalog& catalog;  // As the session's transaction sees it.
  Engine& engine;
  Session& session;
  const Settings& settings;
  std::string_view user;
  std::string_view database;
};

// Rows under construction: values from left to right, then end_row(). Every column can be null.
class SystemRows {
 public:
  SystemRows(std::span<const vm::Type> types, vm::ValuePool& pool);

  void add_null();
  void add_bool(bool value);
  void add_int(std::int64_t value);  // All integer and oid types.
  void add_double(double value);
  void add_text(std::string_view value);  // text, name, "char", json, pg_node_tree …
  void add_timestamp(std::int64_t us);    // timestamp, timestamptz.
  // Arrays of integers or texts.
  void add_ints(std::span<const std::int64_t> values);
  void add_texts(std::span<const std::string> values);
  // Column number `c` and on to the end are null.
  void end_row();

  std::size_t row_count() const { return rows_; }
  // One array for each word column: value words, then the null flag.
  const std::vector<std::vector<vm::Word>>& columns() const { return columns_; }

 private:
  void put(vm::Word word);

  std::vector<vm::Type> types_;
  vm::ValuePool& pool_;
  std::vector<std::uint32_t> first_words_;
  std::vector<std::vector<vm::Word>> columns_;
  std::size_t position_ = 0;  // Of the next value in its row.
  std::size_t rows_ = 0;
};

struct SystemRelation {
  Oid schema = kSchemaPgCatalog;
  std::string name;
  Oid oid = 0;  // PostgreSQL's where it has one.
  std::vector<SystemColumn> columns;
  // A function of the catalog as a relation: columns for its arguments, then the result (sql_catalog.h).
  bool is_function = false;
  std::function<Expected<void>(const SystemContext& context, SystemRows& rows)> rows;
};

// Of all lists, by schema and name.
const std::vector<SystemRelation>& all_system_relations();

}  // namespace entail::engine
