// vm/type_table.h - the definitions of record, adt, enum and array types.
//
// Types may be recursive, so a definition has two steps: declare a name, which gives the TypeId
// that fields may already mention, then define it, once.
//
//     .type List = [head: number, tail: List]
//         TypeId list = table.declare(TypeKind::kRecord, "List");
//         table.define_record(list, {{"head", Type::number()},
//                                    {"tail", Type::defined(TypeKind::kRecord, list)}});
//
// How the value is laid out behind its handle (vm/value_pool.h)
//     record          its fields' words in order; nil is the word 0 and has no words behind it
//     adt             the branch ordinal, then the branch's fields; when no branch has a field the
//                     value word itself is the ordinal (is_ordinal_adt)
//     array           its elements' words in order
//     enum            the value word is the label's ordinal
// A field takes words_of(field.type, field.nullable) words.
//
// Threads: const members may run concurrently; declare and define need the table to themselves.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vm/type.h"

namespace entail::vm {

struct FieldType {
  std::string name;
  Type type;
  bool nullable = false;
};

struct BranchType {
  std::string name;  // As the program spells it, without the `$`.
  std::vector<FieldType> fields;
};

class TypeTable {
 public:
  // How the words behind a handle are laid out: one for a record, one a branch for an adt (its
  // first word is the ordinal), and for an array that of one element.
  struct Layout {
    std::size_t word_count = 0;
    std::vector<std::uint32_t> field_offsets;   // First word of each field.
    std::vector<std::uint32_t> handle_offsets;  // Words that may hold a handle to own.
  };

  TypeTable();
  ~TypeTable();
  TypeTable(TypeTable&&) noexcept;
  TypeTable& operator=(TypeTable&&) noexcept;
  TypeTable(const TypeTable&) = delete;  // TypeIds are of one table.
  TypeTable& operator=(const TypeTable&) = delete;

  // The same types under the same ids, for a program made from another: what the ids of one table
  // mean they mean in the other, until either declares more.
  TypeTable clone() const;

  // A new type that is not yet defined. `kind` is kRecord, kAdt, kEnum or kArray; names need not
  // be unique.
  TypeId declare(TypeKind kind, std::string name);

  // Each of these completes a declared type, once.
  // REQUIRES: `id` was declared with that kind and is not defined yet. Layouts may be asked for
  // when every type mentioned is defined.
  void define_record(TypeId id, std::vector<FieldType> fields);
  void define_adt(TypeId id, std::vector<BranchType> branches);
  void define_enum(TypeId id, std::vector<std::string> labels);
  void define_array(TypeId id, Type element, bool element_nullable);

  // The array type with this element, declared and defined at first use.
  Type array_of(Type element, bool element_nullable = false);

  bool is_defined(TypeId id) const;
  TypeKind kind(TypeId id) const;
  const std::string& name(TypeId id) const;
  std::size_t size() const;  // Declared types; ids are 0 .. size() - 1.

  // The type whose values the definition describes.
  Type type_of(TypeId id) const { return Type::defined(kind(id), id); }

  // REQUIRES: `id` is defined and of that kind.
  const std::vector<FieldType>& record_fields(TypeId id) const;
  const std::vector<BranchType>& adt_branches(TypeId id) const;
  const std::vector<std::string>& enum_labels(TypeId id) const;
  Type array_element(TypeId id) const;
  bool array_element_nullable(TypeId id) const;

  // The ordinal of a branch or label by name; nothing if there is none.
  std::optional<std::size_t> branch_ordinal(TypeId adt, std::string_view name) const;
  std::optional<std::size_t> label_ordinal(TypeId enumeration, std::string_view label) const;

  // Whether no branch of the adt has a field, so that its values are ordinals, not handles.
  bool is_ordinal_adt(TypeId id) const;

  // Whether the value word of a column of `type` may be a handle, which a stored row retains.
  bool is_handle(Type type) const {
    return may_be_handle(type.kind) &&
           !(type.kind == TypeKind::kAdt && is_ordinal_adt(type.detail));
  }

  // The layout behind a handle. `branch` is the ordinal for an adt, else 0. The reference stays
  // valid as long as the table.
  const Layout& layout(TypeId id, std::size_t branch = 0) const;

  // The type as the program spells it: "number", "unsigned", "symbol" for text is left to callers;
  // here: "text", "decimal(18, 2)", "List", "text[]".
  std::string type_name(Type type) const;

 private:
  struct Definition;
  const Definition& at(TypeId id) const;
  Definition& at(TypeId id);

  void settle_layouts();

  std::vector<std::unique_ptr<Definition>> definitions_;
};

}  // namespace entail::vm
