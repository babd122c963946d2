// vm/type_table.cc - see type_table.h.

#include "vm/type_table.h"

#include <algorithm>
#include <utility>

#include "vm/base/ensure.h"

namespace entail::vm {

struct TypeTable::Definition {
  TypeKind kind;
  std::string name;
  bool defined = false;
  bool settled = false;  // Its layouts are known: every adt its fields mention is defined.
  bool ordinal = false;  // An adt none of whose branches has a field.

  std::vector<FieldType> fields;     // Of a record; of an array, its one element.
  std::vector<BranchType> branches;  // Of an adt.
  std::vector<std::string> labels;   // Of an enum.
  std::vector<Layout> layouts;       // One; of an adt, one a branch.
};

TypeTable::TypeTable() = default;
TypeTable::~TypeTable() = default;
TypeTable::TypeTable(TypeTable&&) noexcept = default;
TypeTable& TypeTable::operator=(TypeTable&&) noexcept = default;

TypeTable TypeTable::clone() const {
  TypeTable result;
  for (const auto& definition : definitions_)
    result.definitions_.push_back(std::make_unique<Definition>(*definition));
  return result;
}

const TypeTable::Definition& TypeTable::at(TypeId id) const {
  const auto position = static_cast<std::size_t>(id);
  ENTAIL_ENSURE(position < definitions_.size());
  return *definitions_[position];
}

TypeTable::Definition& TypeTable::at(TypeId id) {
  const auto position = static_cast<std::size_t>(id);
  ENTAIL_ENSURE(position < definitions_.size());
  return *definitions_[position];
}

TypeId TypeTable::declare(TypeKind kind, std::string name) {
  ENTAIL_ENSURE(kind == TypeKind::kRecord || kind == TypeKind::kAdt || kind == TypeKind::kEnum ||
                kind == TypeKind::kArray);
  auto definition = std::make_unique<Definition>();
  definition->kind = kind;
  definition->name = std::move(name);
  definitions_.push_back(std::move(definition));
  return static_cast<TypeId>(definitions_.size() - 1);
}

void TypeTable::define_record(TypeId id, std::vector<FieldType> fields) {
  Definition& definition = at(id);
  ENTAIL_ENSURE(definition.kind == TypeKind::kRecord && !definition.defined);
  definition.fields = std::move(fields);
  definition.defined = true;
  settle_layouts();
}

void TypeTable::define_adt(TypeId id, std::vector<BranchType> branches) {
  Definition& definition = at(id);
  ENTAIL_ENSURE(definition.kind == TypeKind::kAdt && !definition.defined);
  ENTAIL_ENSURE(!branches.empty());
  definition.ordinal = std::all_of(branches.begin(), branches.end(),
                                   [](const BranchType& branch) { return branch.fields.empty(); });
  definition.branches = std::move(branches);
  definition.defined = true;
  settle_layouts();
}

void TypeTable::define_enum(TypeId id, std::vector<std::string> labels) {
  Definition& definition = at(id);
  ENTAIL_ENSURE(definition.kind == TypeKind::kEnum && !definition.defined);
  definition.labels = std::move(labels);
  definition.defined = true;
  definition.settled = true;
}

void TypeTable::define_array(TypeId id, Type element, bool element_nullable) {
  Definition& definition = at(id);
  ENTAIL_ENSURE(definition.kind == TypeKind::kArray && !definition.defined);
  definition.fields = {FieldType{"element", element, element_nullable}};
  definition.defined = true;
  settle_layouts();
}

Type TypeTable::array_of(Type element, bool element_nullable) {
  for (std::size_t position = 0; position < definitions_.size(); ++position) {
    const Definition& known = *definitions_[position];
    if (known.kind == TypeKind::kArray && known.defined && known.fields[0].type == element &&
        known.fields[0].nullable == element_nullable) {
      return Type::defined(TypeKind::kArray, static_cast<TypeId>(position));
    }
  }
  const TypeId id =
      declare(TypeKind::kArray, type_name(element) + (element_nullable ? "?[]" : "[]"));
  define_array(id, element, element_nullable);
  return Type::defined(TypeKind::kArray, id);
}

bool TypeTable::is_defined(TypeId id) const { return at(id).defined; }
TypeKind TypeTable::kind(TypeId id) const { return at(id).kind; }
const std::string& TypeTable::name(TypeId id) const { return at(id).name; }
std::size_t TypeTable::size() const { return definitions_.size(); }

const std::vector<FieldType>& TypeTable::record_fields(TypeId id) const {
  const Definition& definition = at(id);
  ENTAIL_ENSURE(definition.kind == TypeKind::kRecord && definition.defined);
  return definition.fields;
}

const std::vector<BranchType>& TypeTable::adt_branches(TypeId id) const {
  const Definition& definition = at(id);
  ENTAIL_ENSURE(definition.kind == TypeKind::kAdt && definition.defined);
  return definition.branches;
}

const std::vector<std::string>& TypeTable::enum_labels(TypeId id) const {
  const Definition& definition = at(id);
  ENTAIL_ENSURE(definition.kind == TypeKind::kEnum && definition.defined);
  return definition.labels;
}

Type TypeTable::array_element(TypeId id) const {
  const Definition& definition = at(id);
  ENTAIL_ENSURE(definition.kind == TypeKind::kArray && definition.defined);
  return definition.fields[0].type;
}

bool TypeTable::array_element_nullable(TypeId id) const {
  const Definition& definition = at(id);
  ENTAIL_ENSURE(definition.kind == TypeKind::kArray && definition.defined);
  return definition.fields[0].nullable;
}

std::optional<std::size_t> TypeTable::branch_ordinal(TypeId adt, std::string_view name) const {
  const std::vector<BranchType>& branches = adt_branches(adt);
  for (std::size_t ordinal = 0; ordinal < branches.size(); ++ordinal) {
    if (branches[ordinal].name == name) return ordinal;
  }
  return std::nullopt;
}

std::optional<std::size_t> TypeTable::label_ordinal(TypeId enumeration,
                                                    std::string_view label) const {
  const std::vector<std::string>& labels = enum_labels(enumeration);
  for (std::size_t ordinal = 0; ordinal < labels.size(); ++ordinal) {
    if (labels[ordinal] == label) return ordinal;
  }
  return std::nullopt;
}

bool TypeTable::is_ordinal_adt(TypeId id) const {
  const Definition& definition = at(id);
  ENTAIL_ENSURE(definition.kind == TypeKind::kAdt && definition.defined);
  return definition.ordinal;
}

const TypeTable::Layout& TypeTable::layout(TypeId id, std::size_t branch) const {
  const Definition& definition = at(id);
  ENTAIL_ENSURE(definition.settled && branch < definition.layouts.size());
  return definition.layouts[branch];
}

// Whether a field is a handle depends on adts that may be defined later, so each definition works
// out the layouts of all that had to wait for it.
void TypeTable::settle_layouts() {
  const auto mentions_undefined = [this](const std::vector<FieldType>& fields) {
    return std::any_of(fields.begin(), fields.end(), [this](const FieldType& field) {
      return field.type.kind == TypeKind::kAdt && !at(field.type.detail).defined;
    });
  };
  const auto layout_of = [this](std::size_t first_word, const std::vector<FieldType>& fields) {
    Layout layout;
    layout.word_count = first_word;
    for (const FieldType& field : fields) {
      const auto offset = static_cast<std::uint32_t>(layout.word_count);
      layout.field_offsets.push_back(offset);
      if (is_handle(field.type)) layout.handle_offsets.push_back(offset);
      layout.word_count += words_of(field.type, field.nullable);
    }
    return layout;
  };

  for (const std::unique_ptr<Definition>& definition : definitions_) {
    if (!definition->defined || definition->settled) continue;
    if (definition->kind == TypeKind::kAdt) {
      const bool waits =
          std::any_of(definition->branches.begin(), definition->branches.end(),
                      [&](const BranchType& branch) { return mentions_undefined(branch.fields); });
      if (waits) continue;
      for (const BranchType& branch : definition->branches) {
        definition->layouts.push_back(layout_of(1, branch.fields));
      }
    } else {
      if (mentions_undefined(definition->fields)) continue;
      definition->layouts.push_back(layout_of(0, definition->fields));
    }
    definition->settled = true;
  }
}

std::string TypeTable::type_name(Type type) const {
  switch (type.kind) {
    case TypeKind::kDecimal:
      return "decimal(" + std::to_string(type.width) + ", " + std::to_string(type.scale) + ")";
    case TypeKind::kEnum:
    case TypeKind::kRecord:
    case TypeKind::kAdt:
    case TypeKind::kArray:
      return name(type.detail);
    default:
      return std::string(type_kind_name(type.kind));
  }
}

}  // namespace entail::vm
