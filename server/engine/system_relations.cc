// The list of lists.
#include <set>
#include <string>

#include "server/engine/system_relation.h"
#include "vm/base/ensure.h"

namespace entail::engine {

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

// The lists share no relation.
const std::vector<SystemRelation>& all_system_relations() {
  static const std::vector<SystemRelation> relations = [] {
    std::vector<SystemRelation> all = entail_relations();
    for (SystemRelation& relation : pg_catalog_relations()) all.push_back(std::move(relation));
    std::set<std::string> names;
    for (const SystemRelation& relation : all) {
      // Functions may share a name where they differ in the number of arguments.
      std::string name = std::to_string(relation.schema) + "." + relation.name;
      if (relation.is_function) name += "/" + std::to_string(relation.columns.size());
      ENTAIL_ENSURE(names.insert(name).second);
    }
    return all;
  }();
  return relations;
}

}  // namespace entail::engine
