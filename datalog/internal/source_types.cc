#include "datalog/internal/source_types.h"

#include <algorithm>

#include "vm/base/ensure.h"

namespace entail::datalog {
namespace {

struct Builtin {
  const char* name;
  const char* canonical;  // The spelling under which the type is kept.
};

// Names of the rule language's own types; Souffle's four are always there.
constexpr Builtin kBuiltins[] = {
    {"bool", "bool"},         {"boolean", "bool"},        {"int2", "int16"},
    {"int16", "int16"},       {"smallint", "int16"},      {"int4", "int32"},
    {"int32", "int32"},       {"int", "int32"},           {"integer", "int32"},
    {"int8", "int64"},        {"int64", "int64"},         {"bigint", "int64"},
    {"uint64", "uint64"},     {"float4", "float32"},      {"float32", "float32"},
    {"real", "float32"},      {"float8", "double"},       {"float64", "double"},
    {"double", "double"},     {"decimal", "decimal"},     {"numeric", "numeric"},
    {"string", "symbol"},     {"text", "symbol"},         {"varchar", "symbol"},
    {"bytes", "bytes"},       {"uuid", "uuid"},           {"date", "date"},
    {"time", "time"},         {"timestamp", "timestamp"}, {"timestamptz", "timestamptz"},
    {"interval", "interval"}, {"json", "json"},
};

const char* canonical_builtin(const std::string& name) {
  for (const Builtin& builtin : kBuiltins) {
    if (name == builtin.name) return builtin.canonical;
  }
  return nullptr;
}

}  // namespace

SourceTypeSet SourceTypeSet::of(std::vector<SourceTypeId> types) {
  SourceTypeSet set;
  set.all = false;
  for (const SourceTypeId type : types) set.insert(type);
  return set;
}

void SourceTypeSet::insert(SourceTypeId type) {
  all = false;
  const auto place = std::lower_bound(types.begin(), types.end(), type);
  if (place == types.end() || *place != type) types.insert(place, type);
}

SourceTypes::SourceTypes(std::uint8_t number_bits) : number_bits_(number_bits) {
  const bool wide = number_bits == 64;
  const RootTraits whole{.whole = true, .arithmetic = true, .integral = true, .ordered = true};
  add_root("symbol", vm::Type::text(), {.text = true, .ordered = true});
  add_root("number", vm::Type::number(number_bits), whole);
  add_root("unsigned", vm::Type::unsigned_number(number_bits), whole);
  add_root("float", vm::Type::of(wide ? vm::TypeKind::kFloat8 : vm::TypeKind::kFloat4),
           {.whole = true, .fraction = true, .arithmetic = true, .ordered = true});
  // Records, variants and arrays have no literals of their own, so no constant type either.
  for (int i = 0; i < 3; ++i) {
    traits_.push_back({});
    constants_.push_back(kNoSourceType);
    primitives_.push_back(kNoSourceType);
  }
  literal_roots_ = {Root::kNumber, Root::kUnsigned, Root::kFloat, Root::kSymbol};
}

SourceTypeId SourceTypes::add(SourceType type) {
  types_.push_back(std::move(type));
  return SourceTypeId{static_cast<std::uint32_t>(types_.size() - 1)};
}

SourceTypeId SourceTypes::add_root(const std::string& root_name, vm::Type type, RootTraits traits) {
  const Root root{static_cast<std::uint32_t>(traits_.size())};
  traits_.push_back(traits);
  const SourceTypeId constant =
      add({.name = root_name, .form = SourceForm::kConstant, .root = root, .type = type});
  const SourceTypeId primitive = add({.name = root_name,
                                      .form = SourceForm::kPrimitive,
                                      .root = root,
                                      .type = type,
                                      .base = constant});
  constants_.push_back(constant);
  primitives_.push_back(primitive);
  literal_roots_.push_back(root);
  names_[root_name] = primitive;
  return primitive;
}

bool SourceTypes::is_builtin_name(const std::string& builtin_name) const {
  return builtin_name == "number" || builtin_name == "unsigned" || builtin_name == "float" ||
         builtin_name == "symbol";
}

std::optional<SourceTypeId> SourceTypes::find(const std::string& type_name) {
  if (const auto found = names_.find(type_name); found != names_.end()) return found->second;
  const char* const canonical = canonical_builtin(type_name);
  if (canonical == nullptr) return std::nullopt;
  const std::string spelling = canonical;
  if (const auto found = names_.find(spelling); found != names_.end()) {
    names_[type_name] = found->second;
    return found->second;
  }
  const bool wide = number_bits_ == 64;
  const RootTraits whole{.whole = true, .arithmetic = true, .integral = true, .ordered = true};
  const RootTraits real{.whole = true, .fraction = true, .arithmetic = true, .ordered = true};
  const RootTraits textual{.text = true, .ordered = true};
  SourceTypeId id = kNoSourceType;
  using vm::TypeKind;
  if (spelling == "int64") {
    id = wide ? primitive_of(Root::kNumber) : add_root(spelling, vm::Type::number(64), whole);
  } else if (spelling == "uint64") {
    id = wide ? primitive_of(Root::kUnsigned)
              : add_root(spelling, vm::Type::unsigned_number(64), whole);
  } else if (spelling == "double") {
    id = wide ? primitive_of(Root::kFloat) : add_root(spelling, vm::Type::float8(), real);
  } else if (spelling == "float32") {
    id = wide ? add_root(spelling, vm::Type::of(TypeKind::kFloat4), real)
              : primitive_of(Root::kFloat);
  } else if (spelling == "bool") {
    id = add_root(spelling, vm::Type::boolean(), {.ordered = true});
  } else if (spelling == "int16") {
    id = add_root(spelling, vm::Type::of(TypeKind::kInt2), whole);
  } else if (spelling == "int32") {
    id = add_root(spelling, vm::Type::of(TypeKind::kInt4), whole);
  } else if (spelling == "decimal") {
    id = add_root(spelling, vm::Type::decimal(18, 6), real);
  } else if (spelling == "numeric") {
    id = add_root(spelling, vm::Type::of(TypeKind::kNumeric), real);
  } else if (spelling == "bytes") {
    id = add_root(spelling, vm::Type::of(TypeKind::kBytes), textual);
  } else if (spelling == "uuid") {
    id = add_root(spelling, vm::Type::of(TypeKind::kUuid), textual);
  } else if (spelling == "date") {
    id = add_root(spelling, vm::Type::of(TypeKind::kDate), textual);
  } else if (spelling == "time") {
    id = add_root(spelling, vm::Type::of(TypeKind::kTime), textual);
  } else if (spelling == "timestamp") {
    id = add_root(spelling, vm::Type::of(TypeKind::kTimestamp), textual);
  } else if (spelling == "timestamptz") {
    id = add_root(spelling, vm::Type::of(TypeKind::kTimestampTz), textual);
  } else if (spelling == "interval") {
    id = add_root(spelling, vm::Type::of(TypeKind::kInterval), textual);
  } else if (spelling == "json") {
    id = add_root(spelling, vm::Type::of(TypeKind::kJson), textual);
  } else {
    id = primitive_of(Root::kSymbol);
  }
  names_[spelling] = id;
  names_[type_name] = id;
  return id;
}

std::vector<std::string> SourceTypes::known_names() const {
  std::vector<std::string> known;
  for (const auto& [known_name, id] : names_) known.push_back(known_name);
  return known;
}

SourceTypeId SourceTypes::array_of(SourceTypeId element, vm::Type type) {
  const std::string array_name = at(element).name + "[]";
  if (const auto found = names_.find(array_name); found != names_.end()) return found->second;
  const SourceTypeId id = add({.name = array_name,
                               .form = SourceForm::kArray,
                               .root = Root::kArray,
                               .type = type,
                               .element = element});
  names_[array_name] = id;
  return id;
}

bool SourceTypes::is_subtype(SourceTypeId a, SourceTypeId b) const {
  if (a == b) return true;
  const SourceType& from = at(a);
  if (from.base != kNoSourceType && is_subtype(from.base, b)) return true;
  if (from.form == SourceForm::kUnion) {
    return !from.members.empty() && std::all_of(from.members.begin(), from.members.end(),
                                                [&](SourceTypeId m) { return is_subtype(m, b); });
  }
  const SourceType& to = at(b);
  return to.form == SourceForm::kUnion &&
         std::any_of(to.members.begin(), to.members.end(),
                     [&](SourceTypeId m) { return is_subtype(a, m); });
}

SourceTypeSet SourceTypes::common_subtypes(SourceTypeId a, SourceTypeId b) const {
  if (is_subtype(a, b)) return SourceTypeSet::of({a});
  if (is_subtype(b, a)) return SourceTypeSet::of({b});
  SourceTypeSet result = SourceTypeSet::of({});
  if (at(a).form != SourceForm::kUnion || at(b).form != SourceForm::kUnion) return result;
  for (const SourceTypeId member : at(a).members) {
    if (is_subtype(member, b)) {
      result.insert(member);
    } else if (at(member).form == SourceForm::kUnion) {
      for (const SourceTypeId inner : common_subtypes(member, b).types) result.insert(inner);
    }
  }
  return result;
}

SourceTypeSet SourceTypes::common_subtypes(const SourceTypeSet& a, const SourceTypeSet& b) const {
  if (a.empty() || b.all) return a;
  if (b.empty() || a.all) return b;
  SourceTypeSet result = SourceTypeSet::of({});
  for (const SourceTypeId x : a.types) {
    for (const SourceTypeId y : b.types) {
      for (const SourceTypeId z : common_subtypes(x, y).types) result.insert(z);
    }
  }
  return result;
}

SourceTypeId SourceTypes::base_of(SourceTypeId id) const {
  const SourceType& type = at(id);
  return type.base == kNoSourceType ? id : base_of(type.base);
}

bool SourceTypes::has_root(const SourceTypeSet& set, Root root) const {
  return !set.all && !set.types.empty() &&
         std::all_of(set.types.begin(), set.types.end(),
                     [&](SourceTypeId t) { return at(t).root == root; });
}

std::string SourceTypes::spelled(SourceTypeId id) const { return at(id).name; }

}  // namespace entail::datalog
