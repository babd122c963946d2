#include <algorithm>
#include <array>
#include <utility>

#include "grammar/internal/tree_builder.h"

namespace entail::grammar::internal {

namespace {

using P = antlr::DatalogParser;

struct TagWord {
  std::string_view word;
  RelationTag tag;
};

constexpr std::array<TagWord, 12> kTags = {{
    {"overridable", RelationTag::kOverridable},
    {"inline", RelationTag::kInline},
    {"no_inline", RelationTag::kNoInline},
    {"magic", RelationTag::kMagic},
    {"no_magic", RelationTag::kNoMagic},
    {"brie", RelationTag::kBrie},
    {"btree", RelationTag::kBtree},
    {"btree_delete", RelationTag::kBtreeDelete},
    {"eqrel", RelationTag::kEqrel},
    {"output", RelationTag::kOutput},
    {"input", RelationTag::kInput},
    {"printsize", RelationTag::kPrintsize},
}};

}  // namespace

// Names and places --------------------------------------------------------------------------------

NodeSpan TreeBuilder::span(antlr4::ParserRuleContext* context) const {
  antlr4::Token* start = context->getStart();
  antlr4::Token* stop = context->getStop();
  if (start == nullptr) return {};
  const ScannedToken& first = scanned(start);
  if (stop == nullptr || scanned(stop).end < first.end) return scanner_.span(first);
  ScannedToken whole = first;
  // The end-of-file token has no width; the span then ends with the last real token.
  whole.end = scanned(stop).end;
  return scanner_.span(whole);
}

std::string TreeBuilder::word(Terminal* node) const {
  const ScannedToken& from = token(node);
  std::string_view text = scanner_.text_of(from);
  if (from.quoted) {
    text.remove_prefix(1);
    if (text.ends_with('`')) text.remove_suffix(1);
  }
  return std::string(text);
}

std::string TreeBuilder::string(Terminal* node) { return literal(token(node)).text; }

Name TreeBuilder::name(P::NameContext* context) const {
  Name result;
  result.span = span(context);
  for (Terminal* part : context->IDENT()) {
    if (!result.text.empty()) result.text += '.';
    result.text += word(part);
  }
  return result;
}

std::vector<Name> TreeBuilder::names(const std::vector<Terminal*>& nodes) const {
  std::vector<Name> result;
  for (Terminal* node : nodes) result.push_back(name(node));
  return result;
}

void TreeBuilder::error(const NodeSpan& where, std::string message, std::string hint) {
  diagnostics_.error(where, std::move(message), std::move(hint));
}

void TreeBuilder::unknown_word(Terminal* node, const std::string& what,
                               const std::vector<std::string>& known) {
  const std::string near = nearest_name(word(node), known);
  std::string hint = "Did you mean '" + near + "'?";
  if (near.empty()) {
    hint = "It is one of ";
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (i > 0) hint += i + 1 == known.size() ? " and " : ", ";
      hint += known[i];
    }
    hint += ".";
  }
  error(span(node), "unknown " + what + " '" + word(node) + "'", std::move(hint));
}

Annotation TreeBuilder::annotation(const ScannedToken& from) {
  // @[key …] or @![key …]
  std::string_view text = scanner_.text_of(from);
  Annotation result;
  text.remove_prefix(1);
  result.inner = text.starts_with('!');
  text.remove_prefix(std::min(text.size(), text.find('[') + 1));
  if (text.ends_with(']')) text.remove_suffix(1);
  const auto trim = [](std::string_view padded) {
    while (!padded.empty() && static_cast<unsigned char>(padded.front()) <= ' ')
      padded.remove_prefix(1);
    while (!padded.empty() && static_cast<unsigned char>(padded.back()) <= ' ')
      padded.remove_suffix(1);
    return padded;
  };
  text = trim(text);
  std::size_t end = 0;
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '?' || c == '-';
  };
  while (end < text.size() && is_part(text[end])) ++end;
  if (end == 0)
    error(scanner_.span(from), "an annotation begins with a name, as in @[name = value]");
  result.key = text.substr(0, end);
  result.text = trim(text.substr(end));
  return result;
}

// Items -------------------------------------------------------------------------------------------

Item TreeBuilder::build(ItemKind kind, antlr4::ParserRuleContext* context,
                        std::vector<Annotation> annotations) {
  annotations_ = std::move(annotations);
  souffle_item_ = kind < ItemKind::kModule;
  Item item;
  item.span = span(context);
  switch (kind) {
    case ItemKind::kClause:
      item.node = clause(static_cast<P::ClauseItemContext*>(context));
      break;
    case ItemKind::kDecl:
      item.node = decl(static_cast<P::DeclItemContext*>(context));
      break;
    case ItemKind::kTypeDecl:
      item.node = type_decl(static_cast<P::TypeDeclItemContext*>(context));
      break;
    case ItemKind::kLattice:
      item.node = lattice(static_cast<P::LatticeItemContext*>(context));
      break;
    case ItemKind::kDirective:
      item.node = directive(static_cast<P::DirectiveItemContext*>(context));
      break;
    case ItemKind::kFunctor:
      item.node = functor(static_cast<P::FunctorItemContext*>(context));
      break;
    case ItemKind::kPragma:
      item.node = pragma(static_cast<P::PragmaItemContext*>(context));
      break;
    case ItemKind::kComponentHead:
      item.node = component(static_cast<P::ComponentHeadContext*>(context));
      break;
    case ItemKind::kInit: {
      auto* init = static_cast<P::InitItemContext*>(context);
      item.node =
          Init{name(init->IDENT()), component_type(init->componentType()), std::move(annotations_)};
      break;
    }
    case ItemKind::kOverride:
      item.node = Override{name(static_cast<P::OverrideItemContext*>(context)->IDENT())};
      break;
    case ItemKind::kModule:
      item.node = ModuleDecl{name(static_cast<P::ModuleItemContext*>(context)->name())};
      break;
    case ItemKind::kImport:
      item.node = import(static_cast<P::ImportItemContext*>(context));
      break;
    case ItemKind::kTypeAlias:
      item.node = type_alias(static_cast<P::TypeAliasItemContext*>(context));
      break;
    case ItemKind::kEnum: {
      std::vector<Name> values = names(static_cast<P::EnumItemContext*>(context)->IDENT());
      Name enum_name = std::move(values.front());
      values.erase(values.begin());
      item.node = EnumDecl{std::move(enum_name), std::move(values)};
      break;
    }
    case ItemKind::kRelation:
      item.node = relation(static_cast<P::RelationItemContext*>(context));
      break;
    case ItemKind::kRule:
      item.node = rule(static_cast<P::RuleItemContext*>(context));
      break;
    case ItemKind::kQuery:
      item.node = query(static_cast<P::QueryItemContext*>(context));
      break;
    case ItemKind::kView:
      item.node = view(static_cast<P::ViewItemContext*>(context));
      break;
    case ItemKind::kTable:
      item.node = table(static_cast<P::TableItemContext*>(context));
      break;
    case ItemKind::kFunction:
      item.node = function(static_cast<P::FunctionItemContext*>(context));
      break;
    case ItemKind::kTest:
      item.node = test(static_cast<P::TestItemContext*>(context));
      break;
    case ItemKind::kComponentEnd:
    case ItemKind::kStrayPlan:
    case ItemKind::kUnknownDirective:
      ENTAIL_ENSURE(false);
      break;
  }
  return item;
}

Item::Node TreeBuilder::clause(P::ClauseItemContext* context) {
  const std::vector<P::HeadContext*> heads = context->head();
  if (context->LE() != nullptr) {
    Subsumption result;
    result.dominated = atom(heads[0]);
    result.dominating = atom(heads[1]);
    result.body = body(context->body());
    result.plan = plan(context->plan());
    result.annotations = std::move(annotations_);
    if (context->K_FINAL() != nullptr)
      error(span(context->K_FINAL()), "a subsumption cannot be final");
    return Box<Subsumption>(std::move(result));
  }
  Clause result;
  for (P::HeadContext* head : heads) result.heads.push_back(atom(head));
  if (context->body() != nullptr) result.body = body(context->body());
  result.plan = plan(context->plan());
  result.annotations = std::move(annotations_);
  result.final = context->K_FINAL() != nullptr;
  return result;
}

std::vector<PlanOrder> TreeBuilder::plan(P::PlanContext* context) {
  std::vector<PlanOrder> result;
  if (context == nullptr) return result;
  for (P::PlanOrderContext* order : context->planOrder()) {
    PlanOrder built;
    const std::vector<Terminal*> numbers = order->NUMBER();
    built.version = literal(token(numbers.front())).text;
    for (std::size_t i = 1; i < numbers.size(); ++i)
      built.positions.push_back(literal(token(numbers[i])).text);
    result.push_back(std::move(built));
  }
  return result;
}

Item::Node TreeBuilder::decl(P::DeclItemContext* context) {
  Decl result;
  result.annotations = std::move(annotations_);
  std::vector<Terminal*> words = context->IDENT();
  if (context->EQ() != nullptr) {
    result.names.push_back(name(words[0]));
    if (word(words[1]) != "debug_delta") unknown_word(words[1], "relation form", {"debug_delta"});
    result.debug_delta_of = name(context->name());
  } else {
    result.names = names(words);
    result.columns = columns(context->columns());
  }
  for (P::TagContext* tag : context->tag()) {
    const std::string spelling = word(tag->IDENT());
    const auto found = std::find_if(kTags.begin(), kTags.end(),
                                    [&](const TagWord& known) { return known.word == spelling; });
    if (found != kTags.end()) {
      result.tags.push_back({found->tag, span(tag->IDENT())});
      continue;
    }
    std::vector<std::string> known;
    for (const TagWord& candidate : kTags) known.emplace_back(candidate.word);
    unknown_word(tag->IDENT(), "relation qualifier", known);
  }
  if (context->choice() != nullptr) {
    for (P::DependencyContext* dependency : context->choice()->dependency()) {
      result.choice.push_back({names(dependency->IDENT())});
    }
  }
  return result;
}

Item::Node TreeBuilder::type_decl(P::TypeDeclItemContext* context) {
  TypeDecl result;
  result.annotations = std::move(annotations_);
  result.name = name(context->IDENT());
  const bool plain = context->SUBTYPE() == nullptr && context->EQ() == nullptr;
  const bool type_word = context->D_TYPE() != nullptr;
  if (plain) {  // The old forms: a subset of a built-in type.
    result.deprecated_form = true;
    Name base{context->D_NUMBER_TYPE() != nullptr ? "number" : "symbol", result.name.span};
    result.definition = SubsetType{std::move(base)};
    return result;
  }
  if (!type_word)
    error(span(context), "'.number_type' and '.symbol_type' take a name only",
          "Write .type T <: number.");
  if (context->SUBTYPE() != nullptr) {
    result.definition = SubsetType{name(context->name())};
    return result;
  }
  P::TypeBodyContext* body = context->typeBody();
  if (body->LBRACK() != nullptr) {
    result.definition = RecordType{columns(body->columns())};
    return result;
  }
  const std::vector<P::AlternativeContext*> alternatives = body->alternative();
  if (alternatives.front()->LBRACE() == nullptr) {
    UnionType type;
    for (P::AlternativeContext* alternative : alternatives) {
      if (alternative->LBRACE() != nullptr)
        error(span(alternative), "a union of types and a branch with fields do not mix");
      type.members.push_back(name(alternative->name()));
    }
    result.definition = std::move(type);
    return result;
  }
  AdtType type;
  for (P::AlternativeContext* alternative : alternatives) {
    if (alternative->LBRACE() == nullptr) {
      error(span(alternative),
            "a branch needs its fields: '" + name(alternative->name()).text + " {…}'");
    }
    type.branches.push_back({name(alternative->name()), columns(alternative->columns())});
  }
  result.definition = std::move(type);
  return result;
}

Item::Node TreeBuilder::lattice(P::LatticeItemContext* context) {
  Lattice result;
  result.annotations = std::move(annotations_);
  result.type = name(context->IDENT());
  for (P::LatticeOpContext* op : context->latticeOp())
    result.operators.push_back({name(op->IDENT()), expr(op->expr())});
  return result;
}

Item::Node TreeBuilder::directive(P::DirectiveItemContext* context) {
  Directive result;
  result.annotations = std::move(annotations_);
  result.kind = context->D_INPUT() != nullptr       ? DirectiveKind::kInput
                : context->D_OUTPUT() != nullptr    ? DirectiveKind::kOutput
                : context->D_PRINTSIZE() != nullptr ? DirectiveKind::kPrintsize
                                                    : DirectiveKind::kLimitsize;
  for (P::NameContext* relation_name : context->name())
    result.relations.push_back(name(relation_name));
  result.properties = properties(context->properties());
  return result;
}

std::vector<Property> TreeBuilder::properties(P::PropertiesContext* context) {
  std::vector<Property> result;
  if (context == nullptr) return result;
  for (P::PropertyContext* property : context->property()) {
    result.push_back({name(property->IDENT()), expr(property->expr())});
  }
  return result;
}

TypeExpr TreeBuilder::named_type(P::NameContext* context) const {
  TypeExpr type;
  type.name = name(context);
  type.span = type.name.span;
  return type;
}

Item::Node TreeBuilder::functor(P::FunctorItemContext* context) {
  FunctorDecl result;
  result.annotations = std::move(annotations_);
  const std::vector<Terminal*> words = context->IDENT();
  result.name = name(words.front());
  for (P::FunctorArgContext* arg : context->functorArg()) {
    const std::vector<P::NameContext*> parts = arg->name();
    Column column;
    column.span = span(arg);
    if (parts.size() == 2) column.name = name(parts.front());
    column.type = named_type(parts.back());
    result.args.push_back(std::move(column));
  }
  result.result = named_type(context->name());
  if (words.size() > 1) {
    result.stateful = word(words[1]) == "stateful";
    if (!result.stateful) unknown_word(words[1], "functor qualifier", {"stateful"});
  }
  return result;
}

Item::Node TreeBuilder::pragma(P::PragmaItemContext* context) {
  Pragma result;
  result.annotations = std::move(annotations_);
  const std::vector<Terminal*> strings = context->STRING();
  result.key = string(strings.front());
  if (strings.size() > 1) result.value = string(strings[1]);
  return result;
}

ComponentType TreeBuilder::component_type(P::ComponentTypeContext* context) const {
  ComponentType result;
  std::vector<Name> parts = names(context->IDENT());
  result.name = std::move(parts.front());
  parts.erase(parts.begin());
  result.params = std::move(parts);
  return result;
}

Item::Node TreeBuilder::component(P::ComponentHeadContext* context) {
  Component result;
  result.annotations = std::move(annotations_);
  const std::vector<P::ComponentTypeContext*> types = context->componentType();
  result.type = component_type(types.front());
  for (std::size_t i = 1; i < types.size(); ++i) result.bases.push_back(component_type(types[i]));
  return result;
}

Item::Node TreeBuilder::import(P::ImportItemContext* context) {
  Import result;
  result.module = name(context->name());
  if (context->K_AS() != nullptr) {
    result.alias = name(context->IDENT(0));
  } else {
    result.names = names(context->IDENT());
  }
  return result;
}

// Types and columns -------------------------------------------------------------------------------

std::vector<Column> TreeBuilder::columns(P::ColumnsContext* context) {
  std::vector<Column> result;
  if (context == nullptr) return result;
  for (P::ColumnContext* each : context->column()) result.push_back(column(each));
  return result;
}

Column TreeBuilder::column(P::ColumnContext* context) {
  Column result;
  result.span = span(context);
  result.name = name(context->IDENT());
  result.type = type_expr(context->typeExpr(), &result.lattice);
  for (P::ColumnOptionContext* option : context->columnOption()) {
    if (option->K_KEY() != nullptr) result.key = true;
    if (option->K_UNIQUE() != nullptr) result.unique = true;
    if (option->K_DEFAULT() != nullptr) result.default_value = expr(option->expr());
    if (option->K_REF() != nullptr) result.ref = name(option->name());
    if (option->K_FROM() != nullptr) result.from = string(option->STRING());
  }
  return result;
}

TypeExpr TreeBuilder::type_expr(P::TypeExprContext* context, bool* lattice) {
  TypeExpr result;
  result.span = span(context);
  if (context->columns() != nullptr) {
    result.columns = columns(context->columns());
  } else {
    result.name = name(context->name());
    // `?` is a letter of names; behind a type of ours it says that null may stand there.
    if (!souffle_item_ && result.name.text.size() > 1 && result.name.text.ends_with('?')) {
      result.name.text.pop_back();
      result.nullable = true;
    }
  }
  for (Terminal* number : context->NUMBER()) result.numbers.push_back(literal(token(number)).text);
  for (P::TypeExprContext* argument : context->typeExpr())
    result.arguments.push_back(type_expr(argument, nullptr));
  if (context->LT() != nullptr && context->typeExpr().empty()) {
    if (lattice != nullptr) {
      *lattice = true;
    } else {
      error(result.span, "'<>' marks a lattice column and cannot stand here");
    }
  }
  const std::size_t brackets = context->LBRACK().size();
  result.array = brackets > (context->columns() != nullptr ? 1U : 0U);
  if (context->QUESTION() != nullptr) result.nullable = true;
  return result;
}

Item::Node TreeBuilder::type_alias(P::TypeAliasItemContext* context) {
  TypeAlias result;
  result.name = name(context->IDENT());
  result.type = type_expr(context->typeExpr(), nullptr);
  if (context->conjunction() != nullptr) result.where = conjunction(context->conjunction());
  return Box<TypeAlias>(std::move(result));
}

Item::Node TreeBuilder::relation(P::RelationItemContext* context) {
  RelationDecl result;
  result.final = context->K_FINAL() != nullptr;
  result.kind = context->K_RELATION() != nullptr ? RelationKind::kRelation
                : context->K_STREAM() != nullptr ? RelationKind::kStream
                                                 : RelationKind::kEvent;
  result.name = name(context->IDENT());
  result.columns = columns(context->columns());
  for (P::RelationOptionContext* option : context->relationOption())
    relation_option(option, result);
  return Box<RelationDecl>(std::move(result));
}

void TreeBuilder::relation_option(P::RelationOptionContext* option, RelationDecl& decl) {
  const auto once = [&](bool taken) {
    if (taken) error(span(option), "this is said twice");
  };
  switch (scanned(option->getStart()).type) {
    case P::K_KEY:
      decl.keys.push_back(names(option->nameList()->IDENT()));
      break;
    case P::K_INDEX:
      decl.indexes.push_back(names(option->nameList()->IDENT()));
      break;
    case P::K_FROM:
      decl.from.push_back(endpoint(option->endpoint()));
      break;
    case P::K_TO:
      decl.to.push_back(endpoint(option->endpoint()));
      break;
    case P::K_VERSIONED:
      once(decl.versioned);
      decl.versioned = true;
      if (option->expr() != nullptr) decl.retain = expr(option->expr());
      break;
    case P::K_EXPIRE:
      once(decl.expire.has_value());
      decl.expire = expr(option->expr());
      break;
    case P::K_WITH: {
      std::vector<Property> more = properties(option->properties());
      std::move(more.begin(), more.end(), std::back_inserter(decl.properties));
      break;
    }
    case P::K_TIME:
      once(decl.time_column.has_value());
      decl.time_column = name(option->IDENT(0));
      break;
    case P::K_WATERMARK:
      once(decl.watermark.has_value());
      decl.watermark = expr(option->expr());
      break;
    case P::K_DURATION:
      once(decl.duration_column.has_value());
      decl.duration_column = name(option->IDENT(0));
      break;
    case P::K_LATE: {
      once(decl.late != LatePolicy::kUnstated);
      const std::vector<Terminal*> words = option->IDENT();
      const std::string policy = word(words.front());
      if (policy == "drop") {
        decl.late = LatePolicy::kDrop;
        if (words.size() > 1) error(span(words[1]), "'late drop' names no relation");
      } else if (policy == "sideline") {
        decl.late = LatePolicy::kSideline;
        if (words.size() > 1) {
          decl.sideline = name(words[1]);
        } else {
          error(span(option), "'late sideline' names the relation that late rows go to");
        }
      } else if (policy != "apply") {  // Which is what happens where nothing is said.
        unknown_word(words.front(), "policy for late rows", {"apply", "drop", "sideline"});
      }
      break;
    }
    default:
      ENTAIL_ENSURE(false);
  }
}

Endpoint TreeBuilder::endpoint(P::EndpointContext* context) {
  Endpoint result;
  result.connector = name(context->IDENT());
  result.address = string(context->STRING());
  result.properties = properties(context->properties());
  result.span = span(context);
  return result;
}

}  // namespace entail::grammar::internal
