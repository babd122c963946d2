// sql2datalog/internal/test_catalog.h - a catalog in memory, for tests of lowering.
//
//     TestCatalog catalog;
//     catalog.table("t", "a int not null, b text, c numeric(8,2)", {0});
//
// Threads: one.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "grammar/sql_parser.h"
#include "sql2datalog/sql_catalog.h"
#include "vm/base/ensure.h"

namespace entail::sql2datalog::internal {

class TestCatalog final : public SqlCatalog {
 public:
  // Columns as "name type [not null], …"; types by one word, with a modifier where they have one.
  TableDescription& table(const std::string& name, std::string_view columns,
                          std::vector<std::uint32_t> key = {}) {
    auto made = std::make_unique<TableDescription>();
    TableDescription& table = *made;
    table.oid = static_cast<Oid>(oids::kFirstUser + tables_.size());
    table.schema = "public";
    table.name = name;
    table.relation = static_cast<datalog::RelationId>(program_.relations.size());
    datalog::Relation relation;
    relation.name = name;
    relation.collection = key.empty() ? datalog::Collection::kBag : datalog::Collection::kSet;
    relation.key = key;
    auto create = grammar::sql::parse_sql("CREATE TABLE t (" + std::string(columns) + ")");
    ENTAIL_ENSURE(create.has_value());
    const auto& declared = *create->front().as<grammar::sql::CreateTable>();
    for (const auto& element : declared.elements) {
      const auto* const constraint = std::get_if<grammar::sql::Constraint>(&element);
      if (constraint == nullptr || constraint->kind != grammar::sql::ConstraintKind::kPrimaryKey) {
        continue;
      }
      for (const auto& name_of : constraint->columns) {
        std::uint32_t number = 0;
        for (const auto& other : declared.elements) {
          const auto* const column = std::get_if<grammar::sql::ColumnDeclaration>(&other);
          if (column == nullptr) continue;
          if (column->name.text == name_of.text) key.push_back(number);
          ++number;
        }
      }
      std::sort(key.begin(), key.end());
      relation.key = key;
      relation.collection = datalog::Collection::kSet;
    }
    for (const auto& element : declared.elements) {
      const auto* const found = std::get_if<grammar::sql::ColumnDeclaration>(&element);
      if (found == nullptr) continue;
      const grammar::sql::ColumnDeclaration& column = *found;
      ColumnDescription description;
      description.name = column.name.text;
      const TypeInfo* const info = find_type(column.type.name.last().text);
      ENTAIL_ENSURE(info != nullptr);
      description.type.oid = info->oid;
      if (column.type.array_dimensions > 0) description.type.oid = info->array;
      const auto& modifiers = column.type.modifiers;
      if (info->oid == oids::kNumeric && !modifiers.empty()) {
        description.type.typmod =
            numeric_typmod(static_cast<std::int32_t>(modifiers[0]),
                           modifiers.size() > 1 ? static_cast<std::int32_t>(modifiers[1]) : 0);
      } else if (!modifiers.empty()) {
        description.type.typmod = length_typmod(static_cast<std::int32_t>(modifiers[0]));
      }
      description.machine = *machine_type(description.type, types_);
      for (const auto& constraint : column.constraints) {
        if (constraint.kind == grammar::sql::ConstraintKind::kNotNull) description.not_null = true;
        if (constraint.kind == grammar::sql::ConstraintKind::kPrimaryKey) {
          description.not_null = true;
          key = {static_cast<std::uint32_t>(table.columns.size())};
          relation.key = key;
          relation.collection = datalog::Collection::kSet;
        }
        if (constraint.kind == grammar::sql::ConstraintKind::kDefault) {
          description.default_value =
              std::make_shared<const grammar::sql::Expression>(*constraint.expression);
        }
      }
      for (const std::uint32_t k : key) {
        if (k == table.columns.size()) description.not_null = true;
      }
      relation.columns.push_back(
          {description.name, description.machine, !description.not_null, {}});
      table.columns.push_back(std::move(description));
    }
    if (!key.empty()) table.keys.push_back({name + "_pkey", key, true, true});
    program_.relations.push_back(std::move(relation));
    tables_.push_back(std::move(made));
    return table;
  }

  void drop(const std::string& name) {
    for (auto& table : tables_) {
      if (table->name == name) table->name.clear();
    }
  }

  void view(const std::string& name, std::vector<ColumnDescription> columns,
            grammar::sql::Query query) {
    auto made = std::make_unique<TableDescription>();
    made->schema = "public";
    made->name = name;
    made->kind = TableKind::kView;
    made->columns = std::move(columns);
    made->view_query = std::make_shared<const grammar::sql::Query>(std::move(query));
    made->view_search_path = search_path_;
    tables_.push_back(std::move(made));
  }

  const datalog::RuleProgram& program() const override { return program_; }
  vm::TypeTable& types() const override { return types_; }
  const TableDescription* find_table(std::string_view schema, std::string_view name, bool,
                                     std::span<const std::string>) const override {
    for (const auto& table : tables_) {
      if (table->name == name && (schema.empty() || table->schema == schema)) return table.get();
    }
    return nullptr;
  }
  std::span<const std::string> search_path() const override { return search_path_; }
  bool has_schema(std::string_view schema) const override { return schema == "public"; }
  const EnumDescription* find_enum(std::string_view, std::string_view) const override {
    return nullptr;
  }
  const EnumDescription* find_enum(Oid) const override { return nullptr; }
  std::optional<std::string> find_sequence(std::string_view, std::string_view name) const override {
    if (name == "s") return "public.s";
    return std::nullopt;
  }
  const TableDescription* function_table(std::string_view, std::size_t) const override {
    return nullptr;
  }
  std::optional<Oid> find_object(Oid, std::string_view) const override { return std::nullopt; }
  std::string setting(std::string_view name) const override {
    return name == "timezone" ? "UTC" : "";
  }

 private:
  datalog::RuleProgram program_;
  mutable vm::TypeTable types_;
  std::vector<std::unique_ptr<TableDescription>> tables_;
  std::vector<std::string> search_path_{"public"};
};

}  // namespace entail::sql2datalog::internal
