#include "datalog/internal/declarations.h"

#include <algorithm>
#include <set>

#include "datalog/internal/stream_relations.h"

namespace entail::datalog {
namespace {

using grammar::Item;
using grammar::RelationTag;

std::optional<unsigned> small_number(const std::string& text) {
  if (text.empty() || text.size() > 4 ||
      !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  return static_cast<unsigned>(std::stoul(text));
}

// ---------------------------------------------------------------------------------------------------
// Types

class TypeDeclarations {
 public:
  TypeDeclarations(const std::vector<Item>& items, Environment& environment)
      : environment_(environment),
        types_(environment.types),
        diagnostics_(environment.diagnostics) {
    for (const Item& item : items) {
      if (const auto* decl = item.as<grammar::TypeDecl>()) {
        enter(decl->name, {.decl = decl, .span = item.span});
      } else if (const auto* alias = item.as<grammar::TypeAlias>()) {
        enter(alias->name, {.alias = alias, .span = item.span});
      } else if (const auto* enumeration = item.as<grammar::EnumDecl>()) {
        enter(enumeration->name, {.enumeration = enumeration, .span = item.span});
      }
    }
  }

  void declare() {
    for (const std::string& name : order_) {
      if (is_circular(name)) {
        diagnostics_.error(declared_.at(name).span,
                           "the definition of type '" + name + "' leads back to itself");
      }
    }
    for (const std::string& name : order_) create(name);
    for (const std::string& name : order_) complete(name);
    check_branches();
  }

 private:
  struct Declared {
    const grammar::TypeDecl* decl = nullptr;
    const grammar::TypeAlias* alias = nullptr;
    const grammar::EnumDecl* enumeration = nullptr;
    grammar::SourceSpan span;
  };

  void enter(const grammar::Name& name, Declared declared) {
    if (types_.is_builtin_name(name.text)) {
      diagnostics_.error(name.span,
                         "type '" + name.text + "' is built in and cannot be defined again");
      return;
    }
    const auto [place, fresh] = declared_.emplace(name.text, declared);
    if (!fresh) {
      diagnostics_.error(name.span, "type '" + name.text + "' is declared twice");
      diagnostics_.note(place->second.span, "first declared here");
      return;
    }
    order_.push_back(name.text);
  }

  // Names that the type is made of by subset, union or alias: a circle of them has no values.
  std::vector<grammar::Name> parts(const Declared& declared) const {
    if (declared.decl != nullptr) {
      if (const auto* subset = std::get_if<grammar::SubsetType>(&declared.decl->definition))
        return {subset->base};
      if (const auto* of = std::get_if<grammar::UnionType>(&declared.decl->definition))
        return of->members;
    }
    if (declared.alias != nullptr && declared.alias->type.columns.empty())
      return {declared.alias->type.name};
    return {};
  }

  bool is_circular(const std::string& name) const {
    std::set<std::string> seen;
    std::vector<std::string> open{name};
    while (!open.empty()) {
      const std::string current = open.back();
      open.pop_back();
      const auto found = declared_.find(current);
      if (found == declared_.end()) continue;
      for (const grammar::Name& part : parts(found->second)) {
        if (part.text == name) return true;
        if (seen.insert(part.text).second) open.push_back(part.text);
      }
    }
    return false;
  }

  std::optional<SourceTypeId> lookup(const std::string& name) {
    if (declared_.contains(name)) return create(name);
    return types_.find(name);
  }

  void undefined(const grammar::Name& name, const std::string& owner) {
    std::vector<std::string> known = order_;
    for (const std::string& builtin : types_.known_names()) known.push_back(builtin);
    diagnostics_.error(name.span, "there is no type '" + name.text + "', which " + owner + " names",
                       Environment::suggestion(name.text, known));
  }

  std::optional<SourceTypeId> create(const std::string& name) {
    if (const auto made = made_.find(name); made != made_.end()) return made->second;
    made_[name] = std::nullopt;  // What leads back here meanwhile is circular, and reported.
    const Declared& declared = declared_.at(name);
    std::optional<SourceTypeId> id;
    if (declared.enumeration != nullptr) {
      const vm::TypeId type = environment_.program.types.declare(vm::TypeKind::kEnum, name);
      id = types_.add_root(name, vm::Type::defined(vm::TypeKind::kEnum, type),
                           {.text = true, .ordered = true});
    } else if (declared.alias != nullptr) {
      id = create_alias(name, declared);
    } else {
      id = std::visit([&](const auto& definition) { return create(name, declared, definition); },
                      declared.decl->definition);
    }
    made_[name] = id;
    if (id) types_.name(name, *id);
    return id;
  }

  std::optional<SourceTypeId> create_alias(const std::string& name, const Declared& declared) {
    const grammar::TypeAlias& alias = *declared.alias;
    if (alias.where) {
      diagnostics_.error(alias.where->span,
                         "the condition of type '" + name + "' is not supported yet",
                         "Declare the type without `where`, and test the values in rules.");
    }
    if (alias.type.columns.empty() && !alias.type.name.text.empty()) {
      if (!lookup(alias.type.name.text) && !is_circular(name)) {
        undefined(alias.type.name, "type '" + name + "'");
        return std::nullopt;
      }
    }
    const auto resolved = resolve_type(alias.type, "type '" + name + "'", environment_);
    if (!resolved) return std::nullopt;
    environment_.aliases[name] = *resolved;
    return resolved->source;
  }

  std::optional<SourceTypeId> create(const std::string& name, const Declared& declared,
                                     const grammar::SubsetType& subset) {
    const auto base = lookup(subset.base.text);
    if (!base) {
      if (!is_circular(name) && !declared_.contains(subset.base.text))
        undefined(subset.base, "type '" + name + "'");
      return std::nullopt;
    }
    const SourceType& above = types_.at(*base);
    if (above.form == SourceForm::kUnion || above.form == SourceForm::kRecord) {
      const char* const what = above.form == SourceForm::kUnion ? "union" : "record";
      diagnostics_.error(declared.span, "type '" + name + "' cannot be a subset of the " + what +
                                            " '" + subset.base.text + "'");
      return std::nullopt;
    }
    return types_.add({.name = name,
                       .form = SourceForm::kSubset,
                       .root = above.root,
                       .type = above.type,
                       .base = *base,
                       .span = declared.span});
  }

  std::optional<SourceTypeId> create(const std::string& name, const Declared& declared,
                                     const grammar::UnionType& of) {
    if (is_circular(name)) return std::nullopt;
    std::vector<SourceTypeId> members;
    bool complete_union = true;
    for (const grammar::Name& member : of.members) {
      const auto id = lookup(member.text);
      if (!id) {
        if (!declared_.contains(member.text)) undefined(member, "type '" + name + "'");
        complete_union = false;
        continue;
      }
      members.push_back(*id);
    }
    if (!complete_union) return std::nullopt;
    if (members.size() == 1) return members.front();
    const Root root = types_.at(members.front()).root;
    for (std::size_t i = 0; i < members.size(); ++i) {
      const SourceType& member = types_.at(members[i]);
      if (member.form == SourceForm::kRecord || member.form == SourceForm::kVariant) {
        diagnostics_.error(of.members[i].span, "the union '" + name + "' contains '" +
                                                   of.members[i].text +
                                                   "', which is not based on a primitive type");
        return std::nullopt;
      }
      if (member.root != root) {
        diagnostics_.error(declared.span,
                           "the union '" + name + "' mixes '" +
                               types_.spelled(types_.primitive_of(root)) + "' and '" +
                               types_.spelled(types_.primitive_of(member.root)) + "'",
                           "The members of a union have one primitive type.");
        return std::nullopt;
      }
    }
    return types_.add({.name = name,
                       .form = SourceForm::kUnion,
                       .root = root,
                       .type = types_.at(members.front()).type,
                       .members = members,
                       .span = declared.span});
  }

  std::optional<SourceTypeId> create(const std::string& name, const Declared& declared,
                                     const grammar::RecordType&) {
    const vm::TypeId id = environment_.program.types.declare(vm::TypeKind::kRecord, name);
    return types_.add({.name = name,
                       .form = SourceForm::kRecord,
                       .root = Root::kRecord,
                       .type = vm::Type::defined(vm::TypeKind::kRecord, id),
                       .span = declared.span});
  }

  std::optional<SourceTypeId> create(const std::string& name, const Declared& declared,
                                     const grammar::AdtType&) {
    const vm::TypeId id = environment_.program.types.declare(vm::TypeKind::kAdt, name);
    return types_.add({.name = name,
                       .form = SourceForm::kVariant,
                       .root = Root::kVariant,
                       .type = vm::Type::defined(vm::TypeKind::kAdt, id),
                       .span = declared.span});
  }

  // Fields of records and branches, once every name has its type.
  void complete(const std::string& name) {
    const auto id = made_[name];
    if (!id) return;
    const Declared& declared = declared_.at(name);
    if (declared.enumeration != nullptr) {
      std::vector<std::string> labels;
      for (const grammar::Name& value : declared.enumeration->values) {
        if (std::find(labels.begin(), labels.end(), value.text) != labels.end()) {
          diagnostics_.error(value.span,
                             "the value '" + value.text + "' of '" + name + "' is listed twice");
          continue;
        }
        labels.push_back(value.text);
      }
      environment_.program.types.define_enum(types_.at(*id).type.detail, std::move(labels));
      return;
    }
    if (declared.decl == nullptr) return;
    if (const auto* record = std::get_if<grammar::RecordType>(&declared.decl->definition)) {
      std::vector<SourceField> fields = fields_of(record->fields, name);
      environment_.program.types.define_record(types_.at(*id).type.detail, vm_fields(fields));
      types_.at(*id).fields = std::move(fields);
    } else if (const auto* variant = std::get_if<grammar::AdtType>(&declared.decl->definition)) {
      std::vector<vm::BranchType> vm_branches;
      std::vector<SourceBranch> branches;
      for (const grammar::AdtBranch& branch : variant->branches) {
        SourceBranch made{branch.name.text, fields_of(branch.fields, branch.name.text)};
        vm_branches.push_back({branch.name.text, vm_fields(made.fields)});
        branches.push_back(std::move(made));
      }
      environment_.program.types.define_adt(types_.at(*id).type.detail, std::move(vm_branches));
      types_.at(*id).branches = std::move(branches);
    }
  }

  std::vector<SourceField> fields_of(const std::vector<grammar::Column>& columns,
                                     const std::string& owner) {
    std::vector<SourceField> fields;
    for (const grammar::Column& column : columns) {
      for (const SourceField& before : fields) {
        if (before.name == column.name.text) {
          diagnostics_.error(
              column.span, "field '" + column.name.text + "' of '" + owner + "' is defined twice");
        }
      }
      SourceField field{column.name.text, types_.primitive_of(Root::kNumber), column.type.nullable};
      if (const auto type = resolve_type(
              column.type, "field '" + column.name.text + "' of '" + owner + "'", environment_)) {
        field.type = type->source;
      }
      fields.push_back(std::move(field));
    }
    return fields;
  }

  std::vector<vm::FieldType> vm_fields(const std::vector<SourceField>& fields) const {
    std::vector<vm::FieldType> result;
    for (const SourceField& field : fields)
      result.push_back({field.name, types_.at(field.type).type, field.nullable});
    return result;
  }

  void check_branches() {
    std::map<std::string, grammar::SourceSpan> seen;
    for (const std::string& name : order_) {
      const Declared& declared = declared_.at(name);
      if (declared.decl == nullptr) continue;
      const auto* variant = std::get_if<grammar::AdtType>(&declared.decl->definition);
      if (variant == nullptr) continue;
      for (std::size_t i = 0; i < variant->branches.size(); ++i) {
        const grammar::Name& branch = variant->branches[i].name;
        const auto [place, fresh] = seen.emplace(branch.text, branch.span);
        if (!fresh) {
          diagnostics_.error(branch.span,
                             "the branch '" + branch.text + "' is defined more than once");
          diagnostics_.note(place->second, "first defined here");
        }
        if (made_[name]) environment_.branches.emplace(branch.text, BranchRef{*made_[name], i});
      }
    }
  }

  Environment& environment_;
  SourceTypes& types_;
  grammar::Diagnostics& diagnostics_;
  std::map<std::string, Declared> declared_;
  std::vector<std::string> order_;
  std::map<std::string, std::optional<SourceTypeId>> made_;
};

// ---------------------------------------------------------------------------------------------------
// Relations

class RelationDeclarations {
 public:
  explicit RelationDeclarations(Environment& environment)
      : environment_(environment), diagnostics_(environment.diagnostics) {}

  void declare(const grammar::Decl& decl, grammar::SourceSpan span) {
    if (decl.debug_delta_of) {
      diagnostics_.error(span, "debug_delta relations are not supported yet");
    }
    if (!decl.choice.empty()) {
      diagnostics_.error(span,
                         "choice-domain of '" + decl.names.front().text + "' is not supported yet");
      check_choice(decl);
    }
    for (const grammar::Name& name : decl.names) {
      Relation relation;
      RelationInfo info;
      relation.name = name.text;
      relation.span = name.span;
      add_columns(decl.columns, relation, info);
      apply_tags(decl, name, relation, info);
      add(name, std::move(relation), std::move(info), decl);
    }
  }

  void declare(const grammar::RelationDecl& decl) {
    Relation relation;
    RelationInfo info;
    info.declared_relation = true;
    relation.name = decl.name.text;
    relation.span = decl.name.span;
    relation.final_rows = decl.final;
    add_columns(decl.columns, relation, info);
    for (std::uint32_t i = 0; i < decl.columns.size(); ++i) {
      if (decl.columns[i].key) relation.key.push_back(i);
      if (decl.columns[i].unique) relation.indexes.push_back({i});
    }
    for (const std::vector<grammar::Name>& names : decl.keys) {
      for (const std::uint32_t position : positions(names, relation))
        relation.key.push_back(position);
    }
    std::sort(relation.key.begin(), relation.key.end());
    relation.key.erase(std::unique(relation.key.begin(), relation.key.end()), relation.key.end());
    for (const std::vector<grammar::Name>& names : decl.indexes)
      relation.indexes.push_back(positions(names, relation));
    // Without a key equal rows are two rows; a relation that rules derive becomes a set later.
    relation.collection = relation.key.empty() ? Collection::kBag : Collection::kSet;
    for (const std::uint32_t position : relation.key) {
      if (relation.columns[position].nullable) {
        diagnostics_.error(
            relation.columns[position].span,
            "the key column '" + relation.columns[position].name + "' may not be null");
      }
    }
    info.watermark = decl.watermark;
    info.expire = decl.expire;
    info.retain = decl.retain;
    info.sideline = decl.sideline;
    if (decl.versioned && !decl.retain) {
      diagnostics_.error(decl.name.span,
                         "'" + relation.name + "' is versioned, but not for how long",
                         "Write `versioned retain` and a duration.");
    }
    if (decl.expire && decl.kind == grammar::RelationKind::kRelation) {
      diagnostics_.error(decl.expire->span,
                         "'" + relation.name + "' is no stream, so its rows do not expire");
    }
    if (decl.kind != grammar::RelationKind::kRelation) {
      StreamAttributes stream;
      if (decl.time_column)
        stream.event_time_column = environment_.find_column(relation, *decl.time_column);
      if (decl.duration_column)
        stream.duration_column = environment_.find_column(relation, *decl.duration_column);
      stream.late = decl.late == grammar::LatePolicy::kDrop       ? LatePolicy::kDrop
                    : decl.late == grammar::LatePolicy::kSideline ? LatePolicy::kSideline
                                                                  : LatePolicy::kApply;
      relation.stream = std::move(stream);
      relation.collection = Collection::kBag;
    }
    const RelationId id{static_cast<std::uint32_t>(environment_.program.relations.size())};
    if (!add(decl.name, std::move(relation), std::move(info), grammar::Decl{})) return;
    endpoints(decl.from, DirectiveKind::kSource, id);
    endpoints(decl.to, DirectiveKind::kSink, id);
  }

  void apply(const grammar::Directive& directive, grammar::SourceSpan span) {
    for (const grammar::Name& name : directive.relations) {
      const auto found = environment_.relations.find(name.text);
      if (found == environment_.relations.end()) {
        diagnostics_.error(name.span, "there is no relation '" + name.text + "'",
                           Environment::suggestion(name.text, environment_.relation_names()));
        continue;
      }
      Directive made;
      switch (directive.kind) {
        case grammar::DirectiveKind::kInput:
          made.kind = DirectiveKind::kInput;
          break;
        case grammar::DirectiveKind::kOutput:
          made.kind = DirectiveKind::kOutput;
          break;
        case grammar::DirectiveKind::kPrintsize:
          made.kind = DirectiveKind::kPrintSize;
          break;
        case grammar::DirectiveKind::kLimitsize:
          made.kind = DirectiveKind::kLimitSize;
          break;
      }
      made.relation = found->second;
      made.span = span;
      if (made.kind == DirectiveKind::kPrintSize || made.kind == DirectiveKind::kLimitSize) {
        for (const Directive& before : environment_.program.directives) {
          if (before.kind != made.kind || before.relation != made.relation) continue;
          diagnostics_.error(name.span, "this directive for '" + name.text + "' is written twice");
          diagnostics_.note(before.span, "first written here");
          break;
        }
      }
      properties(directive.properties, made);
      environment_.program.directives.push_back(std::move(made));
      mark_io(found->second, name.span);
    }
  }

 private:
  void add_columns(const std::vector<grammar::Column>& columns, Relation& relation,
                   RelationInfo& info) {
    bool has_defaults = false;
    for (const grammar::Column& column : columns) {
      for (const Column& before : relation.columns) {
        if (before.name == column.name.text) {
          diagnostics_.error(column.span, "column '" + column.name.text + "' of '" + relation.name +
                                              "' is declared twice");
        }
      }
      if (column.lattice) {
        diagnostics_.error(column.span,
                           "the lattice column '" + column.name.text + "' is not supported yet");
      }
      Column made;
      made.name = column.name.text;
      made.span = column.span;
      SourceTypeId source = environment_.types.primitive_of(Root::kNumber);
      made.type = environment_.types.at(source).type;
      if (const auto type = resolve_type(
              column.type, "column '" + made.name + "' of '" + relation.name + "'", environment_)) {
        source = type->source;
        made.type = type->type;
        made.nullable = type->nullable;
      } else {
        source = kNoSourceType;
      }
      relation.columns.push_back(std::move(made));
      info.column_types.push_back(source);
      info.defaults.push_back(column.default_value);
      has_defaults |= column.default_value.has_value();
    }
    if (!has_defaults) info.defaults.clear();
  }

  void check_choice(const grammar::Decl& decl) {
    for (const grammar::Dependency& dependency : decl.choice) {
      for (const grammar::Name& column : dependency.columns) {
        const bool known =
            std::any_of(decl.columns.begin(), decl.columns.end(),
                        [&](const grammar::Column& c) { return c.name.text == column.text; });
        if (!known) {
          diagnostics_.error(
              column.span, "'" + decl.names.front().text + "' has no column '" + column.text + "'");
        }
      }
    }
  }

  void apply_tags(const grammar::Decl& decl, const grammar::Name& name, Relation& relation,
                  RelationInfo& info) {
    std::optional<RelationTag> layout;
    std::set<RelationTag> seen;
    for (const grammar::Tag& tag : decl.tags) {
      if (!seen.insert(tag.tag).second) {
        diagnostics_.error(tag.span, "a qualifier of '" + name.text + "' is written twice");
        continue;
      }
      switch (tag.tag) {
        case RelationTag::kInline:
          info.inlined = true;
          if (seen.contains(RelationTag::kNoInline)) {
            diagnostics_.error(tag.span, "'" + name.text + "' cannot be both inline and no_inline");
          }
          break;
        case RelationTag::kNoInline:
          if (seen.contains(RelationTag::kInline)) {
            diagnostics_.error(tag.span, "'" + name.text + "' cannot be both inline and no_inline");
          }
          break;
        case RelationTag::kMagic:
        case RelationTag::kNoMagic:
          if (seen.contains(RelationTag::kMagic) && seen.contains(RelationTag::kNoMagic)) {
            diagnostics_.error(tag.span, "'" + name.text + "' cannot be both magic and no_magic");
          }
          break;
        case RelationTag::kBrie:
        case RelationTag::kBtree:
        case RelationTag::kBtreeDelete:
        case RelationTag::kEqrel:
          if (layout) {
            diagnostics_.error(tag.span, "'" + name.text + "' has two representations");
          }
          layout = tag.tag;
          if (tag.tag == RelationTag::kEqrel) make_equivalence(name, relation, info);
          if (tag.tag == RelationTag::kBtreeDelete && relation.columns.empty()) {
            diagnostics_.error(
                tag.span, "'" + name.text + "' has no columns, so nothing in it can be subsumed");
          }
          break;
        case RelationTag::kOverridable:
        case RelationTag::kOutput:
        case RelationTag::kInput:
        case RelationTag::kPrintsize:
          break;
      }
    }
  }

  void make_equivalence(const grammar::Name& name, Relation& relation, const RelationInfo& info) {
    if (relation.columns.size() != 2) {
      diagnostics_.error(name.span, "the equivalence relation '" + name.text + "' has " +
                                        count_of(relation.columns.size(), "column") +
                                        "; it needs two");
    } else if (info.column_types[0] != info.column_types[1]) {
      diagnostics_.error(name.span, "the two columns of the equivalence relation '" + name.text +
                                        "' have different types");
    } else {
      relation.equivalence = true;
    }
  }

  bool add(const grammar::Name& name, Relation relation, RelationInfo info,
           const grammar::Decl& decl) {
    if (const auto before = environment_.relations.find(name.text);
        before != environment_.relations.end()) {
      diagnostics_.error(name.span, "relation '" + name.text + "' is declared twice");
      diagnostics_.note(environment_.program.relation(before->second).span, "first declared here");
      return false;
    }
    if (environment_.types.find(name.text) && taken_by_type(name.text)) {
      diagnostics_.error(name.span, "relation '" + name.text + "' has the name of a type");
    }
    const RelationId id = environment_.add_relation(std::move(relation), std::move(info));
    for (const grammar::Tag& tag : decl.tags) {
      const auto directive = [&](DirectiveKind kind) {
        Directive made;
        made.kind = kind;
        made.relation = id;
        made.span = tag.span;
        environment_.program.directives.push_back(std::move(made));
        mark_io(id, tag.span);
      };
      if (tag.tag == RelationTag::kInput) directive(DirectiveKind::kInput);
      if (tag.tag == RelationTag::kOutput) directive(DirectiveKind::kOutput);
      if (tag.tag == RelationTag::kPrintsize) directive(DirectiveKind::kPrintSize);
    }
    return true;
  }

  // Built-in names are no obstacle: a relation may be called `date`.
  bool taken_by_type(const std::string& name) const {
    const auto id = environment_.types.find(name);
    return id && environment_.types.at(*id).span.file != grammar::kNoFile;
  }

  void mark_io(RelationId id, grammar::SourceSpan span) {
    environment_.info(id).has_io = true;
    if (environment_.info(id).inlined) {
      diagnostics_.error(span, "'" + environment_.program.relation(id).name +
                                   "' is inline, so it has no rows to read or write");
    }
  }

  std::vector<std::uint32_t> positions(const std::vector<grammar::Name>& names,
                                       const Relation& relation) {
    std::vector<std::uint32_t> result;
    for (const grammar::Name& name : names) {
      if (const auto found = environment_.find_column(relation, name)) result.push_back(*found);
    }
    return result;
  }

  static void properties(const std::vector<grammar::Property>& list, Directive& directive) {
    for (const grammar::Property& property : list) {
      const auto text = grammar::property_text(property);
      if (!text) continue;
      directive.parameters[property.name.text] = *text;
      if (property.name.text == "IO") directive.connector = *text;
    }
  }

  void endpoints(const std::vector<grammar::Endpoint>& list, DirectiveKind kind, RelationId id) {
    for (const grammar::Endpoint& endpoint : list) {
      Directive made;
      made.kind = kind;
      made.relation = id;
      made.connector = endpoint.connector.text;
      made.span = endpoint.span;
      properties(endpoint.properties, made);
      made.parameters["address"] = endpoint.address;
      environment_.program.directives.push_back(std::move(made));
      mark_io(id, endpoint.span);
    }
  }

  Environment& environment_;
  grammar::Diagnostics& diagnostics_;
};

std::vector<DeclaredType> resolve_columns(const std::vector<grammar::Column>& columns,
                                          const std::string& owner, Environment& environment) {
  std::vector<DeclaredType> result;
  for (const grammar::Column& column : columns) {
    const auto type =
        resolve_type(column.type, "'" + column.name.text + "' of " + owner, environment);
    const SourceTypeId number = environment.types.primitive_of(Root::kNumber);
    result.push_back(type.value_or(DeclaredType{number, environment.types.at(number).type, false}));
  }
  return result;
}

void declare_callables(const std::vector<Item>& items, Environment& environment) {
  const auto enter = [&](auto& map, const grammar::Name& name, auto value) {
    if (environment.functions.contains(name.text) || environment.tables.contains(name.text)) {
      environment.diagnostics.error(name.span, "'" + name.text + "' is declared twice");
      return;
    }
    map.emplace(name.text, std::move(value));
  };
  for (const Item& item : items) {
    if (const auto* function = item.as<grammar::Function>()) {
      const std::string owner = "function '" + function->name.text + "'";
      FunctionInfo info;
      info.function = function;
      info.parameters = resolve_columns(function->parameters, owner, environment);
      // After a mistake it is a number, so that its uses can be checked all the same.
      const SourceTypeId number = environment.types.primitive_of(Root::kNumber);
      info.result = resolve_type(function->result, "the result of " + owner, environment)
                        .value_or(DeclaredType{number, environment.types.at(number).type, false});
      enter(environment.functions, function->name, std::move(info));
    } else if (const auto* table = item.as<grammar::Table>()) {
      const std::string owner = "table '" + table->name.text + "'";
      TableInfo info;
      info.table = table;
      info.inputs = resolve_columns(table->inputs, owner, environment);
      info.outputs = resolve_columns(table->outputs, owner, environment);
      enter(environment.tables, table->name, std::move(info));
    } else if (const auto* functor = item.as<grammar::FunctorDecl>()) {
      if (!environment.functors.emplace(functor->name.text, functor).second) {
        environment.diagnostics.error(functor->name.span,
                                      "functor '" + functor->name.text + "' is declared twice");
      }
      resolve_columns(functor->args, "functor '" + functor->name.text + "'", environment);
      resolve_type(functor->result, "the result of functor '" + functor->name.text + "'",
                   environment);
    }
  }
}

}  // namespace

std::optional<DeclaredType> resolve_type(const grammar::TypeExpr& type_expr,
                                         const std::string& owner, Environment& environment) {
  SourceTypes& types = environment.types;
  grammar::Diagnostics& diagnostics = environment.diagnostics;
  DeclaredType result;
  result.nullable = type_expr.nullable;
  if (!type_expr.arguments.empty() || type_expr.name.text == "map") {
    diagnostics.error(type_expr.span, "the type of " + owner + " is not supported yet");
    return std::nullopt;
  }
  if (!type_expr.columns.empty() || type_expr.name.text.empty()) {
    std::vector<SourceField> fields;
    std::vector<vm::FieldType> vm_fields;
    for (const grammar::Column& column : type_expr.columns) {
      const auto field =
          resolve_type(column.type, "field '" + column.name.text + "' of " + owner, environment);
      if (!field) return std::nullopt;
      fields.push_back({column.name.text, field->source, field->nullable});
      vm_fields.push_back({column.name.text, field->type, field->nullable});
    }
    const vm::TypeId id = environment.program.types.declare(vm::TypeKind::kRecord, "record");
    environment.program.types.define_record(id, std::move(vm_fields));
    result.type = vm::Type::defined(vm::TypeKind::kRecord, id);
    result.source = types.add({.name = "[…]",
                               .form = SourceForm::kRecord,
                               .root = Root::kRecord,
                               .type = result.type,
                               .fields = std::move(fields),
                               .span = type_expr.span});
  } else {
    const auto found = types.find(type_expr.name.text);
    if (!found) {
      diagnostics.error(type_expr.name.span,
                        "there is no type '" + type_expr.name.text + "', which " + owner + " names",
                        Environment::suggestion(type_expr.name.text, types.known_names()));
      return std::nullopt;
    }
    result.source = *found;
    result.type = types.at(*found).type;
    if (const auto alias = environment.aliases.find(type_expr.name.text);
        alias != environment.aliases.end()) {
      result.type = alias->second.type;
      result.nullable |= alias->second.nullable;
    }
    if (!type_expr.numbers.empty() && (result.type.kind == vm::TypeKind::kDecimal ||
                                       result.type.kind == vm::TypeKind::kNumeric)) {
      const auto precision = small_number(type_expr.numbers.front());
      const auto scale = type_expr.numbers.size() > 1 ? small_number(type_expr.numbers[1])
                                                      : std::optional<unsigned>(0);
      if (!precision || !scale || *precision < 1 || *precision > vm::kDecimalDigitsMax ||
          *scale > *precision) {
        diagnostics.error(
            type_expr.span,
            "a decimal of " + owner + " has 1 to 38 digits, and no more of them behind the point");
        return std::nullopt;
      }
      result.source = types.decimal();
      result.type = vm::Type::decimal(*precision, *scale);
    }
  }
  if (type_expr.array) {
    const vm::Type array = environment.program.types.array_of(result.type);
    result.source = types.array_of(result.source, array);
    result.type = array;
  }
  return result;
}

void declare_all(const std::vector<Item>& items, Environment& environment) {
  TypeDeclarations(items, environment).declare();
  declare_callables(items, environment);
  RelationDeclarations relations(environment);
  for (const Item& item : items) {
    if (const auto* decl = item.as<grammar::Decl>()) {
      relations.declare(*decl, item.span);
    } else if (const auto* relation = item.as<grammar::RelationDecl>()) {
      relations.declare(*relation);
    }
  }
  declare_stream_relations(environment);
  for (const Item& item : items) {
    if (const auto* directive = item.as<grammar::Directive>()) {
      relations.apply(*directive, item.span);
    } else if (const auto* pragma = item.as<grammar::Pragma>()) {
      environment.program.pragmas[pragma->key] = pragma->value.value_or("");
    } else if (const auto* lattice = item.as<grammar::Lattice>()) {
      environment.diagnostics.error(item.span,
                                    ".lattice '" + lattice->type.text + "' is not supported yet");
    }
  }
}

}  // namespace entail::datalog
