// datalog/internal/source_types.h - types as a program names them, and which is part of which.
//
// Souffle's types are nominal: `.type Person <: symbol` and `symbol` have the same values but not the
// same type. So typing works on SourceTypes; vm::Type is what their values look like.
//
//     constant(number)        what a literal may be; the root of everything of that kind
//       number                primitive
//         Age <: number       subset
//     A | B                   union: A and B are its subtypes
//     [x: number], {…}        records and variants stand alone
//
// Root    the kind that decides operations: number, unsigned, float, symbol, bool, date, …
//
// Aliases (`.type A = B`) are second names for one SourceType.
// Threads: plain value.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "grammar/source_span.h"
#include "vm/type.h"

namespace entail::datalog {

enum class SourceTypeId : std::uint32_t {};
inline constexpr SourceTypeId kNoSourceType{0xffffffffU};

// What a literal of the text may stand for.
struct RootTraits {
  bool whole = false;       // 42
  bool fraction = false;    // 1.5
  bool text = false;        // "abc"
  bool arithmetic = false;  // + - * /
  bool integral = false;    // %, bitwise operations
  bool ordered = false;     // < and its like, min, max
};

enum class Root : std::uint32_t {
  kSymbol,
  kNumber,
  kUnsigned,
  kFloat,  // The order in which overloads are preferred.
  kRecord,
  kVariant,
  kArray,
  kFirstOther,  // bool, int32, date, each enum, …: in order of first use.
};

enum class SourceForm : std::uint8_t {
  kConstant,
  kPrimitive,
  kSubset,
  kUnion,
  kRecord,
  kVariant,
  kArray
};

struct SourceField {
  std::string name;
  SourceTypeId type = kNoSourceType;
  bool nullable = false;
};

struct SourceBranch {
  std::string name;
  std::vector<SourceField> fields;
};

struct SourceType {
  std::string name;
  SourceForm form = SourceForm::kPrimitive;
  Root root = Root::kNumber;
  vm::Type type;
  SourceTypeId base = kNoSourceType;        // kPrimitive, kSubset.
  std::vector<SourceTypeId> members = {};   // kUnion.
  std::vector<SourceField> fields = {};     // kRecord.
  std::vector<SourceBranch> branches = {};  // kVariant.
  SourceTypeId element = kNoSourceType;
  grammar::SourceSpan span = {};
};

// A set of candidate types of a term. `all` is "nothing known yet".
struct SourceTypeSet {
  bool all = true;
  std::vector<SourceTypeId> types;  // Ascending.

  static SourceTypeSet of(std::vector<SourceTypeId> types);
  bool empty() const { return !all && types.empty(); }
  bool single() const { return !all && types.size() == 1; }
  void insert(SourceTypeId type);
  bool operator==(const SourceTypeSet&) const = default;
};

class SourceTypes {
 public:
  explicit SourceTypes(std::uint8_t number_bits);

  std::uint8_t number_bits() const { return number_bits_; }
  const SourceType& at(SourceTypeId id) const { return types_[static_cast<std::size_t>(id)]; }
  SourceType& at(SourceTypeId id) { return types_[static_cast<std::size_t>(id)]; }
  std::size_t size() const { return types_.size(); }

  SourceTypeId add(SourceType type);
  void name(const std::string& name, SourceTypeId id) { names_[name] = id; }
  // The type of that name; built-in types of the rule language come into being at first use.
  std::optional<SourceTypeId> find(const std::string& name);
  bool is_builtin_name(const std::string& name) const;
  std::vector<std::string> known_names() const;

  // A new root with its constant and its primitive type; gives the primitive.
  SourceTypeId add_root(const std::string& name, vm::Type type, RootTraits traits);
  SourceTypeId decimal() { return *find("decimal"); }
  SourceTypeId array_of(SourceTypeId element, vm::Type type);

  const RootTraits& traits(Root root) const { return traits_[static_cast<std::size_t>(root)]; }
  SourceTypeId constant_of(Root root) const { return constants_[static_cast<std::size_t>(root)]; }
  SourceTypeId primitive_of(Root root) const { return primitives_[static_cast<std::size_t>(root)]; }
  std::size_t root_count() const { return traits_.size(); }
  // Roots that have constants, in order of preference: number, unsigned, float, symbol, others.
  const std::vector<Root>& literal_roots() const { return literal_roots_; }

  bool is_subtype(SourceTypeId a, SourceTypeId b) const;
  SourceTypeSet common_subtypes(SourceTypeId a, SourceTypeId b) const;
  SourceTypeSet common_subtypes(const SourceTypeSet& a, const SourceTypeSet& b) const;
  // The constant type above a primitive or subset; the type itself otherwise.
  SourceTypeId base_of(SourceTypeId id) const;
  bool has_root(const SourceTypeSet& set,
                Root root) const;  // Not empty, known, and all of that root.

  // "number", "symbol", "List": as the program spells it; "a number" for constants.
  std::string spelled(SourceTypeId id) const;

 private:
  std::uint8_t number_bits_;
  std::vector<SourceType> types_;
  std::map<std::string, SourceTypeId> names_;
  std::vector<RootTraits> traits_;
  std::vector<SourceTypeId> constants_;
  std::vector<SourceTypeId> primitives_;
  std::vector<Root> literal_roots_;
};

}  // namespace entail::datalog
