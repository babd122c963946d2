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
    {"overridable", RelationTag::kOverridable}, {"inline", RelationTag::kInline}, {"no_inline", RelationTag::kNoInline},
    {"magic", RelationTag::kMagic}, {"no_magic", RelationTag::kNoMagic}, {"brie", RelationTag::kBrie},
    {"btree", RelationTag::kBtree}, {"btree_delete", RelationTag::kBtreeDelete}, {"eqrel", RelationTag::kEqrel},
    {"output", RelationTag::kOutput}, {"input", RelationTag::kInput}, {"printsize", RelationTag::kPrintsize},
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

void TreeBuilder::unknown_word(Terminal* node, const std::string& what, const std::vector<std::string>& known) {
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
    while (!padded.empty() && static_cast<unsigned char>(padded.front()) <= ' ') padded.remove_prefix(1);
    while (!padded.empty() && static_cast<unsigned char>(padded.back()) <= ' ') padded.remove_suffix(1);
    return padded;
  };
  text = trim(text);
  std::size_t end = 0;
  const auto is_part = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '?' || c == '-';
  };
  while (end < text.size() && is_part(text[end])) ++end;
  if (end == 0) error(scanner_.span(from), "an annotation begins with a name, as in @[name = value]");
  result.key = text.substr(0, end);
  result.text = trim(text.substr(end));
  return result;
}

// Items -------------------------------------------------------------------------------------------

Item TreeBuilder::build(ItemKind kind, antlr4::ParserRuleContext* context, std::vector<Annotation> annotations) {
  annotations_ = std::move(annotations);
  souffle_item_ = kind < ItemKind::kModule;
  Item item;
  item.span = span(context);
  switch (kind) {
    case ItemKind::kClause: item.node = clause(static_cast<P::ClauseItemContext*>(context)); break;
    case ItemKind::kDecl: item.node = decl(static_cast<P::DeclItemContext*>(context)); break;
    case ItemKind::kTypeDecl: item.node = type_decl(static_cast<P::TypeDeclItemContext*>(context)); break;
    case ItemKind::kLattice: item.node = lattice(static_cast<P::LatticeItemContext*>(context)); break;
    case ItemKind::kDirective: item.node = directive(static_cast<P::DirectiveItemContext*>(context)); break;
    case ItemKind::kFunctor: item.node = functor(static_cast<P::FunctorItemContext*>(context)); break;
    case ItemKind::kPragma: item.node = pragma(static_cast<P::PragmaItemContext*>(context)); break;
    case ItemKind::kComponentHead: item.node = component(static_cast<P::ComponentHeadContext*>(context)); break;
    case ItemKind::kInit: {
      auto* init = static_cast<P::InitItemContext*>(context);
      item.node = Init{name(init->IDENT()), component_type(init->componentType()), std::move(annotations_)};
      break;
    }
    case ItemKind::kOverride: item.node = Override{name(static_cast<P::OverrideItemContext*>(context)->IDENT())}; break;
    case ItemKind::kModule: item.node = ModuleDecl{name(static_cast<P::ModuleItemContext*>(context)->name())}; break;
    case ItemKind::kImport: item.node = import(static_cast<P::ImportItemContext*>(context)); break;
    case ItemKind::kTypeAlias: item.node = type_alias(static_cast<P::TypeAliasItemContext*>(context)); break;
    case ItemKind::kEnum: {
      std::vector<Name> values = names(static_cast<P::EnumItemContext*>(context)->IDENT());
      Name enum_name = std::move(values.front());
      values.erase(values.begin());
      item.node = EnumDecl{std::move(enum_name), std::move(values)};
      break;
    }
    case ItemKind::kRelation: item.node = relation(static_cast<P::RelationItemContext*>(context)); break;
    case ItemKind::kRule: item.node = rule(static_cast<P::RuleItemContext*>(context)); break;
    case ItemKind::kQuery: item.node = query(static_cast<P::QueryItemContext*>(context)); break;
    case ItemKind::kView: item.node = view(static_cast<P::ViewItemContext*>(context)); break;
    case ItemKind::kTable: item.node = table(static_cast<P::TableItemContext*>(context)); break;
    case ItemKind::kFunction: item.node = function(static_cast<P::FunctionItemContext*>(context)); break;
    case ItemKind::kTest: item.node = test(static_cast<P::TestItemContext*>(context)); break;
    case ItemKind::kComponentEnd: case ItemKind::kStrayPlan: case ItemKind::kUnknownDirective: ENTAIL_ENSURE(false); break;
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
    if (context->K_FINAL() != nullptr) error(span(context->K_FINAL()), "a subsumption cannot be final");
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
    for (std::size_t i = 1; i < numbers.size(); ++i) built.positions.push_back(literal(token(numbers[i])).text);
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
    const auto found = std::find_if(kTags.begin(), kTags.end(), [&](const TagWord& known) { return known.word == spelling; });
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
  if (!type_word) error(span(context), "'.number_type' and '.symbol_type' take a name only", "Write .type T <: number.");
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
      if (alternative->LBRACE() != nullptr) error(span(alternative), "a union of types and a branch with fields do not mix");
      type.members.push_back(name(alternative->name()));
    }
    result.definition = std::move(type);
    return result;
  }
  AdtType type;
  for (P::AlternativeContext* alternative : alternatives) {
    if (alternative->LBRACE() == nullptr) {
      error(span(alternative), "a branch needs its fields: '" + name(alternative->name()).text + " {…}'");
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
  for (P::LatticeOpContext* op : context->latticeOp()) result.operators.push_back({name(op->IDENT()), expr(op->expr())});
  return result;
}

Item::Node TreeBuilder::directive(P::DirectiveItemContext* context) {
  Directive result;
  result.annotations = std::move(annotations_);
  result.kind = context->D_INPUT() != nullptr       ? DirectiveKind::kInput
                : context->D_OUTPUT() != nullptr    ? DirectiveKind::kOutput
                : context->D_PRINTSIZE() != nullptr ? DirectiveKind::kPrintsize
                                                    : DirectiveKind::kLimitsize;
  for (P::NameContext* relation_name : context->name()) result.relations.push_back(name(relation_name));
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
  for (P::TypeExprContext* argument : context->typeExpr()) result.arguments.push_back(type_expr(argument, nullptr));
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
  for (P::RelationOptionContext* option : context->relationOption()) relation_option(option, result);
  return Box<RelationDecl>(std::move(result));
}

void TreeBuilder::relation_option(P::RelationOptionContext* option, RelationDecl& decl) {
  const auto once = [&](bool taken) {
    if (taken) error(span(option), "this is said twice");
  };
  switch (scanned(option->getStart()).type) {
    case P::K_KEY: decl.keys.push_back(names(option->nameList()->IDENT())); break;
    case P::K_INDEX: decl.indexes.push_back(names(option->nameList()->IDENT())); break;
    case P::K_FROM: decl.from.push_back(endpoint(option->endpoint())); break;
    case P::K_TO: decl.to.push_back(endpoint(option->endpoint())); break;
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
      } else {
        unknown_word(words.front(), "policy for late rows", {"drop", "sideline"});
      }
      break;
    }
    default: ENTAIL_ENSURE(false);
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

// Productions -------------------------------------------------------------------------------------

Name TreeBuilder::rule_name(P::RuleNameContext* context) {
  if (context->name() != nullptr) return name(context->name());
  return {string(context->STRING()), span(context->STRING())};
}

Item::Node TreeBuilder::rule(P::RuleItemContext* context) {
  RuleDecl result;
  result.annotations = std::move(annotations_);
  result.name = rule_name(context->ruleName());
  for (P::RuleOptionContext* option : context->ruleOption()) rule_option(option, result);
  result.when = body(context->body());
  result.then = block(context->action());
  return Box<RuleDecl>(std::move(result));
}

void TreeBuilder::rule_option(P::RuleOptionContext* option, RuleDecl& rule) {
  switch (scanned(option->getStart()).type) {
    case P::K_SALIENCE: rule.salience = expr(option->expr(0)); break;
    case P::K_GROUP: rule.group = name(option->IDENT()); break;
    case P::K_EXCLUSIVE: rule.exclusive = name(option->IDENT()); break;
    case P::K_NO_LOOP: rule.no_loop = true; break;
    case P::K_LOCK_ON_ACTIVE: rule.lock_on_active = true; break;
    case P::K_AUTO_FOCUS: rule.auto_focus = true; break;
    case P::K_ENABLED: rule.enabled = expr(option->expr(0)); break;
    case P::K_EVERY: rule.every = expr(option->expr(0)); break;
    case P::K_CRON: rule.cron = string(option->STRING()); break;
    case P::K_EFFECTIVE:
      rule.effective_from = expr(option->expr(0));
      rule.effective_to = expr(option->expr(1));
      break;
    case P::K_DOC: rule.doc = string(option->STRING()); break;
    default: ENTAIL_ENSURE(false);
  }
}

Block TreeBuilder::block(const std::vector<P::ActionContext*>& actions) {
  Block result;
  for (P::ActionContext* each : actions) result.push_back(action(each));
  return result;
}

std::vector<Assignment> TreeBuilder::assignments(P::AssignmentsContext* context) {
  std::vector<Assignment> result;
  for (P::AssignmentContext* each : context->assignment()) result.push_back({name(each->IDENT()), expr(each->expr())});
  return result;
}

Action TreeBuilder::action(P::ActionContext* context) {
  Action result;
  result.span = span(context);
  switch (scanned(context->getStart()).type) {
    case P::K_INSERT: result.node = ChangeAction{ChangeKind::kInsert, atom(context->head())}; break;
    case P::K_UPSERT: result.node = ChangeAction{ChangeKind::kUpsert, atom(context->head())}; break;
    case P::K_DERIVE: result.node = ChangeAction{ChangeKind::kDerive, atom(context->head())}; break;
    case P::K_RETRACT: result.node = ChangeAction{ChangeKind::kRetract, atom(context->head())}; break;
    case P::K_EMIT: {
      EmitAction emit;
      emit.atom = atom(context->head());
      if (context->K_TO() != nullptr) emit.to = name(context->name());
      result.node = std::move(emit);
      break;
    }
    case P::K_MODIFY: result.node = ModifyAction{name(context->IDENT()), assignments(context->assignments())}; break;
    case P::K_DELETE: result.node = DeleteAction{name(context->IDENT())}; break;
    case P::K_CALL: {
      CallAction call;
      call.call.span = result.span;
      call.call.node = Call{name(context->name()), args(context->args()), false};
      if (context->K_AS() != nullptr) call.result = name(context->IDENT());
      result.node = std::move(call);
      break;
    }
    case P::K_LET: result.node = LetAction{name(context->IDENT()), expr(context->expr())}; break;
    case P::K_IF: {
      IfAction branch;
      branch.condition = body(context->body());
      branch.then_block = block(context->block(0)->action());
      if (context->K_ELSE() != nullptr) branch.else_block = block(context->block(1)->action());
      result.node = std::move(branch);
      break;
    }
    case P::K_FOR: result.node = ForAction{body(context->body()), block(context->block(0)->action())}; break;
    case P::K_SCHEDULE: result.node = ScheduleAction{moment(context->moment()), block(context->block(0)->action())}; break;
    case P::K_FOCUS: result.node = FocusAction{name(context->IDENT())}; break;
    case P::K_LOG: result.node = LogAction{args(context->args())}; break;
    default: result.node = HaltAction{}; break;
  }
  return result;
}

// Queries, views, tables, functions ---------------------------------------------------------------

Item::Node TreeBuilder::query(P::QueryItemContext* context) {
  Query result;
  result.name = name(context->IDENT());
  result.parameters = columns(context->columns());
  result.body = body(context->body());
  for (P::SelectedContext* selected : context->selected()) {
    SelectItem item;
    item.value = expr(selected->expr());
    if (selected->K_AS() != nullptr) item.alias = name(selected->IDENT());
    result.select.push_back(std::move(item));
  }
  for (P::OrderedContext* ordered : context->ordered()) {
    result.order_by.push_back({expr(ordered->expr()), ordered->K_DESC() != nullptr});
  }
  std::vector<Expr> rest = exprs(context->expr());
  if (context->K_AS_OF() != nullptr) {
    result.as_of = std::move(rest.back());
    rest.pop_back();
  }
  if (context->K_LIMIT() != nullptr) result.limit = std::move(rest.front());
  return Box<Query>(std::move(result));
}

Item::Node TreeBuilder::view(P::ViewItemContext* context) {
  View result;
  const std::vector<Terminal*> words = context->IDENT();
  result.name = name(words[0]);
  result.final = context->K_FINAL() != nullptr;
  result.columns = columns(context->columns());
  if (word(words[1]) != "sql") unknown_word(words[1], "language of a view", {"sql"});
  ScannedToken inside = token(context->SQL());
  inside.begin += 2;
  inside.end = std::max(inside.begin, inside.end - 2);
  result.sql = scanner_.text_of(inside);
  result.sql_span = scanner_.span(inside);
  return result;
}

Item::Node TreeBuilder::table(P::TableItemContext* context) {
  Table result;
  const std::vector<Terminal*> words = context->IDENT();
  result.name = name(words[0]);
  result.inputs = columns(context->columns(0));
  result.outputs = columns(context->columns(1));
  const std::vector<std::string> policies = {"first", "unique", "any", "collect", "priority"};
  const auto found = std::find(policies.begin(), policies.end(), word(words[1]));
  if (found == policies.end()) {
    unknown_word(words[1], "table policy", policies);
  } else {
    result.policy = static_cast<TablePolicy>(found - policies.begin());
  }
  for (P::RowContext* row : context->row()) {
    TableRow built;
    built.span = span(row);
    for (P::CellContext* cell : row->cell()) {
      TableCell tested;
      if (cell->compareOp() != nullptr) tested.op = compare_op(cell->compareOp());
      tested.values = exprs(cell->expr());
      built.cells.push_back(std::move(tested));
    }
    built.results = exprs(row->expr());
    result.rows.push_back(std::move(built));
  }
  return result;
}

Item::Node TreeBuilder::function(P::FunctionItemContext* context) {
  Function result;
  result.name = name(context->IDENT());
  result.parameters = columns(context->columns());
  result.result = type_expr(context->typeExpr(), nullptr);
  if (context->K_EXTERN() != nullptr) {
    result.external = string(context->STRING());
  } else {
    result.body = expr(context->expr());
  }
  return Box<Function>(std::move(result));
}

// Tests -------------------------------------------------------------------------------------------

Item::Node TreeBuilder::test(P::TestItemContext* context) {
  Test result;
  result.title = {string(context->STRING()), span(context->STRING())};
  for (P::NameContext* used : context->name()) result.uses.push_back(name(used));
  for (P::RoundContext* round : context->round()) {
    TestRound built;
    for (P::GivenContext* step : round->given()) built.given.push_back(given(step));
    for (P::ExpectedContext* step : round->expected()) built.expect.push_back(expected(step));
    result.rounds.push_back(std::move(built));
  }
  return result;
}

TestStep TreeBuilder::given(P::GivenContext* context) {
  TestStep result;
  result.span = span(context);
  switch (scanned(context->getStart()).type) {
    case P::K_RETRACT: result.node = GivenRetract{atom(context->head())}; break;
    case P::K_UPDATE: result.node = GivenUpdate{atom(context->head()), assignments(context->assignments())}; break;
    case P::K_ADVANCE: result.node = GivenAdvance{expr(context->expr())}; break;
    case P::K_FIRE: result.node = GivenFire{}; break;
    default: {
      GivenRow row;
      if (context->K_AT() != nullptr) row.at = moment(context->moment());
      row.atom = atom(context->head());
      result.node = std::move(row);
    }
  }
  return result;
}

TestStep TreeBuilder::expected(P::ExpectedContext* context) {
  TestStep result;
  result.span = span(context);
  switch (scanned(context->getStart()).type) {
    case P::K_FIRED: {
      ExpectFired fired;
      fired.rule = rule_name(context->ruleName());
      if (context->NUMBER() != nullptr) fired.times = literal_expr(context->NUMBER());
      result.node = std::move(fired);
      break;
    }
    case P::K_EMITTED: result.node = ExpectEmitted{atom(context->head())}; break;
    case P::K_DERIVED: result.node = ExpectDerived{atom(context->head()), rule_name(context->ruleName())}; break;
    case P::K_NO: result.node = ExpectNoLoop{}; break;
    default: result.node = ExpectCondition{term(context->term())}; break;
  }
  return result;
}

}  // namespace entail::grammar::internal
