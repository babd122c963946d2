// The list of lists, and the relations of the schema `entail`.
#include <algorithm>

#include "server/engine/settings.h"
#include "server/engine/system_relation.h"
#include "vm/base/ensure.h"

namespace entail::engine {

namespace oids = sql2datalog::oids;

SystemRows::SystemRows(std::span<const vm::Type> types, vm::ValuePool& pool)
    : types_(types.begin(), types.end()), pool_(pool) {
  std::uint32_t words = 0;
  for (const vm::Type type : types_) {
    first_words_.push_back(words);
    words += vm::words_of(type, true);
  }
  columns_.resize(words);
}

void SystemRows::put(vm::Word word) {
  ENTAIL_ENSURE(position_ < types_.size() && vm::value_words(types_[position_]) == 1);
  columns_[first_words_[position_]].push_back(word);
  columns_[first_words_[position_] + 1].push_back(0);
  ++position_;
}

void SystemRows::add_null() {
  ENTAIL_ENSURE(position_ < types_.size());
  const std::uint32_t words = vm::value_words(types_[position_]);
  for (std::uint32_t w = 0; w < words; ++w) columns_[first_words_[position_] + w].push_back(0);
  columns_[first_words_[position_] + words].push_back(1);
  ++position_;
}

void SystemRows::add_bool(bool value) { put(vm::bool_word(value)); }

void SystemRows::add_int(std::int64_t value) { put(vm::int_word(value)); }

void SystemRows::add_double(double value) {
  const bool is_single =
      position_ < types_.size() && types_[position_].kind == vm::TypeKind::kFloat4;
  put(is_single ? vm::float_word(static_cast<float>(value)) : vm::double_word(value));
}

void SystemRows::add_text(std::string_view value) { put(pool_.intern(value)); }

void SystemRows::add_timestamp(std::int64_t us) { put(vm::int_word(us)); }

void SystemRows::add_ints(std::span<const std::int64_t> values) {
  ENTAIL_ENSURE(position_ < types_.size());
  const vm::Type type = types_[position_];
  if (type.kind != vm::TypeKind::kArray) {  // int2vector, oidvector: "1 2 3".
    std::string text;
    for (const std::int64_t value : values) {
      if (!text.empty()) text.push_back(' ');
      text += std::to_string(value);
    }
    add_text(text);
    return;
  }
  const bool nullable = pool_.types().array_element_nullable(type.detail);
  std::vector<vm::Word> words;
  for (const std::int64_t value : values) {
    words.push_back(vm::int_word(value));
    if (nullable) words.push_back(0);
  }
  put(pool_.intern_record(type.detail, words));
}

void SystemRows::add_texts(std::span<const std::string> values) {
  ENTAIL_ENSURE(position_ < types_.size());
  const vm::Type type = types_[position_];
  if (type.kind != vm::TypeKind::kArray) {
    std::string text = "{";
    for (const std::string& value : values) {
      if (text.size() > 1) text.push_back(',');
      text += value;
    }
    add_text(text + "}");
    return;
  }
  const bool nullable = pool_.types().array_element_nullable(type.detail);
  std::vector<vm::Word> words;
  for (const std::string& value : values) {
    words.push_back(pool_.intern(value));
    if (nullable) words.push_back(0);
  }
  put(pool_.intern_record(type.detail, words));
}

void SystemRows::end_row() {
  while (position_ < types_.size()) add_null();
  position_ = 0;
  ++rows_;
}

// Lists, one for each system_relations_*.cc.
std::vector<SystemRelation> pg_catalog_relations();
std::vector<SystemRelation> entail_relations();

namespace {

Expected<void> settings_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [name, value] : context.settings.all()) {
    rows.add_text(name);
    rows.add_text(value);
    rows.end_row();
  }
  return {};
}

Expected<void> namespace_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [oid, schema] : context.catalog.schemas()) {
    rows.add_int(oid);
    rows.add_text(schema->name);
    rows.add_int(10);
    rows.add_null();
    rows.end_row();
  }
  return {};
}

std::vector<SystemRelation> basic_relations() {
  std::vector<SystemRelation> result;
  result.push_back({kSchemaPgCatalog,
                    "pg_settings",
                    12100,
                    {{"name", oids::kText}, {"setting", oids::kText}},
                    false,
                    settings_rows});
  result.push_back({kSchemaPgCatalog,
                    "pg_namespace",
                    2615,
                    {{"oid", oids::kOid},
                     {"nspname", oids::kName},
                     {"nspowner", oids::kOid},
                     {"nspacl", oids::kText}},
                    false,
                    namespace_rows});
  return result;
}

}  // namespace

// A list that comes later in the row replaces relations of the same name.
const std::vector<SystemRelation>& all_system_relations() {
  static const std::vector<SystemRelation> relations = [] {
    std::vector<SystemRelation> all = basic_relations();
    for (std::vector<SystemRelation>& list :
         std::vector{entail_relations(), pg_catalog_relations()}) {
      for (SystemRelation& relation : list) {
        const auto same = std::find_if(all.begin(), all.end(), [&](const SystemRelation& other) {
          return other.schema == relation.schema && other.name == relation.name;
        });
        if (same == all.end()) {
          all.push_back(std::move(relation));
        } else {
          *same = std::move(relation);
        }
      }
    }
    return all;
  }();
  return relations;
}

}  // namespace entail::engine
