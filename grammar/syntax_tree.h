// grammar/syntax_tree.h - a program as data: what was written, with spans, and nothing concluded.
//
// The tree says what stands in the text, not what it means: names are not looked up, numbers are
// kept as spelled (the lowering knows the width), `min(d)` is a call whether it stands in a head or
// a body. Every node is a plain value: copyable (instantiating a component copies its items),
// comparable (two trees are equal when they say the same, wherever it stood), owned by its parent.
//
//     Program
//       items: Facts | Clause | Subsumption | RelationDecl | … (Item is a variant)
//                        |
//                        heads: Atom   body: Formula (variant: Conjunction, Atom, Comparison, …)
//                                 |                      |
//                                 args: Expr (variant: Literal, Variable, Binary, Aggregate, …)
//
// How to read one:  if (const auto* atom = formula.as<Atom>()) …   or std::visit over
// `formula.node`.
//
// Conventions
//   - A Name holds a qualified name with its dots ("shop.core.vat"); a quoted name (`a b`) holds no
//   quotes and
//     cannot contain a dot.
//   - Negative number literals are folded as Souffle does: `-5` is Literal "-5", `-x` is Unary.
//   - Parentheses leave no trace in expressions. In bodies a parenthesised disjunction is a
//   Disjunction; a body of one
//     condition is that condition, without a Conjunction around it.
//   - Doc comments are dropped; annotations are kept on items and clauses.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "grammar/source_span.h"
#include "grammar/syntax_condition.h"

namespace entail::grammar {

// ------------------------------------------------------------------------------------------------
// Types and columns
// ------------------------------------------------------------------------------------------------

struct Column;

// `decimal(18, 2)`, `string[]?`, `map<string, int64>`, `[a: number, b: number]`
struct TypeExpr {
  Name name;                         // Empty for an inline record.
  std::vector<std::string> numbers;  // (18, 2), as spelled.
  std::vector<TypeExpr> arguments;   // <…>
  std::vector<Column> columns;       // The inline record's.
  bool array = false;                // []
  bool nullable = false;             // ?
  NodeSpan span;
  bool operator==(const TypeExpr&) const;
};

// A column of a relation, a field of a record or branch, a parameter.
struct Column {
  Name name;
  TypeExpr type;
  bool lattice = false;  // `name: type <>`
  bool key = false;
  bool unique = false;
  std::optional<Expr> default_value;
  std::optional<Name> ref;          // ref Customer
  std::optional<std::string> from;  // from "column of the source"
  NodeSpan span;
  bool operator==(const Column&) const = default;
};

struct Property {  // `IO=file`, `slot: "rel1"`
  Name name;
  Expr value;  // A Literal, a Variable (a bare word), or any other expression.
  bool operator==(const Property&) const = default;
};

// The text of a property whose value is a literal or a bare word ("true" for kTrue), or nothing for
// other values.
std::optional<std::string> property_text(const Property& property);

struct Annotation {  // `@[key …]`, `@![key …]`
  std::string key;
  std::string
      // What stands between key and the closing bracket, as written, without blanks around it.
      text;
  bool inner = false;
  bool operator==(const Annotation&) const = default;
};

// ------------------------------------------------------------------------------------------------
// Facts and clauses
// ------------------------------------------------------------------------------------------------

// One constant of a fact: what Expr{Literal} holds, smaller.
struct Constant {
  LiteralKind kind = LiteralKind::kNumber;
  std::string text;  // As in Literal.
  NodeSpan span;
  bool operator==(const Constant&) const = default;
};

// A run of facts of one relation with literal constants only, one after the other in the text:
// `edge(1,2). edge(2,3).` All of one arity. A fact with any other argument, with an annotation,
// with several heads or with a plan is a Clause. A run ends where anything else stands between.
struct Facts {
  Name relation;  // As the first fact writes it.
  std::size_t arity = 0;
  std::vector<Constant> constants;  // Row after row: arity * count.
  std::vector<NodeSpan> spans;      // One a fact, with its final dot.
  std::size_t count() const { return spans.size(); }
  bool operator==(const Facts&) const = default;
};

struct PlanOrder {      // `.plan 0: (2, 1)`
  std::string version;  // As spelled, as the positions are.
  std::vector<std::string> positions;
  bool operator==(const PlanOrder&) const = default;
};

struct Clause {
  std::vector<Atom> heads;      // None: a denial rule, `false :- …`.
  std::optional<Formula> body;  // Absent: a fact.
  std::vector<PlanOrder> plan;
  std::vector<Annotation> annotations;
  bool final = false;  // `final R(x) :- …`
  bool operator==(const Clause&) const = default;
};

struct Subsumption {  // `dist(x, d1) <= dist(x, d2) :- d2 < d1.`
  Atom dominated;
  Atom dominating;
  Formula body;
  std::vector<PlanOrder> plan;
  std::vector<Annotation> annotations;
  bool operator==(const Subsumption&) const = default;
};

// ------------------------------------------------------------------------------------------------
// Declarations of Souffle
// ------------------------------------------------------------------------------------------------

// Every tag Souffle has. Which may stand together is the lowering's to say.
enum class RelationTag : std::uint8_t {
  kOverridable,
  kInline,
  kNoInline,
  kMagic,
  kNoMagic,
  kBrie,
  kBtree,
  kBtreeDelete,
  kEqrel,
  kOutput,
  kInput,
  kPrintsize,
};

struct Tag {
  RelationTag tag = RelationTag::kInline;
  NodeSpan span;
  bool operator==(const Tag&) const = default;
};

struct Dependency {  // One of `choice-domain x, (y, z)`: these columns determine the others.
  std::vector<Name> columns;
  bool operator==(const Dependency&) const = default;
};

struct Decl {  // `.decl a, b(x: number) brie choice-domain x` or `.decl d = debug_delta(a)`
  std::vector<Name> names;
  std::vector<Column> columns;
  std::vector<Tag> tags;
  std::vector<Dependency> choice;
  std::optional<Name> debug_delta_of;
  std::vector<Annotation> annotations;
  bool operator==(const Decl&) const = default;
};

struct LatticeOperator {
  Name name;  // Bottom, Top, Lub, Glb, Leq
  Expr value;
  bool operator==(const LatticeOperator&) const = default;
};

struct Lattice {  // `.lattice T<> { Bottom -> …, Lub -> @f(_, _) }`
  Name type;
  std::vector<LatticeOperator> operators;
  std::vector<Annotation> annotations;
  bool operator==(const Lattice&) const = default;
};

struct SubsetType {
  Name base;
  bool operator==(const SubsetType&) const = default;
};  // T <: B; old forms too
struct UnionType {  // T = A | B; one member: an alias
  std::vector<Name> members;
  bool operator==(const UnionType&) const = default;
};
struct RecordType {
  std::vector<Column> fields;
  bool operator==(const RecordType&) const = default;
};
struct AdtBranch {
  Name name;
  std::vector<Column> fields;
  bool operator==(const AdtBranch&) const = default;
};
struct AdtType {
  std::vector<AdtBranch> branches;
  bool operator==(const AdtType&) const = default;
};

struct TypeDecl {  // `.type`, `.number_type`, `.symbol_type`
  Name name;
  std::variant<SubsetType, UnionType, RecordType, AdtType> definition;
  bool deprecated_form = false;  // `.type T`, `.number_type T`, `.symbol_type T`: a SubsetType.
  std::vector<Annotation> annotations;
  bool operator==(const TypeDecl&) const = default;
};

enum class DirectiveKind : std::uint8_t { kInput, kOutput, kPrintsize, kLimitsize };

struct Directive {  // `.output a, b(IO=file, delimiter="\t")`
  DirectiveKind kind = DirectiveKind::kInput;
  std::vector<Name> relations;
  std::vector<Property> properties;
  std::vector<Annotation> annotations;
  bool operator==(const Directive&) const = default;
};

struct
    // `.functor f(x: number, symbol): number stateful`; an unnamed argument's name is empty
    FunctorDecl {
  Name name;
  std::vector<Column> args;
  TypeExpr result;
  bool stateful = false;
  std::vector<Annotation> annotations;
  bool operator==(const FunctorDecl&) const = default;
};

struct Pragma {
  std::string key;
  std::optional<std::string> value;
  std::vector<Annotation> annotations;
  bool operator==(const Pragma&) const = default;
};

struct ComponentType {  // `Graph<T, U>`
  Name name;
  std::vector<Name> params;
  bool operator==(const ComponentType&) const = default;
};

struct Item;

struct Component {  // `.comp Graph<T> : Base<T> { … }`
  ComponentType type;
  std::vector<ComponentType> bases;
  std::vector<Item> items;
  std::vector<Annotation> annotations;
  bool operator==(const Component&) const;
};

struct Init {  // `.init g = Graph<number>`
  Name name;
  ComponentType component;
  std::vector<Annotation> annotations;
  bool operator==(const Init&) const = default;
};

struct Override {  // `.override R`, in a component
  Name relation;
  bool operator==(const Override&) const = default;
};

// ------------------------------------------------------------------------------------------------
// Declarations of ours
// ------------------------------------------------------------------------------------------------

struct ModuleDecl {
  Name name;
  bool operator==(const ModuleDecl&) const = default;
};

struct Import {  // `import shop.core as core;`, `import shop.tax.{Rate, vat};`
  Name module;
  std::optional<Name> alias;
  std::vector<Name> names;
  bool operator==(const Import&) const = default;
};

struct TypeAlias {  // `type Email = string where strlen(value) < 255;`
  Name name;
  TypeExpr type;
  std::optional<Formula> where;
  bool operator==(const TypeAlias&) const = default;
};

struct EnumDecl {
  Name name;
  std::vector<Name> values;
  bool operator==(const EnumDecl&) const = default;
};

struct Endpoint {  // `kafka "payments" { … }`
  Name connector;
  std::string address;
  std::vector<Property> properties;
  NodeSpan span;
  bool operator==(const Endpoint&) const = default;
};

enum class RelationKind : std::uint8_t { kRelation, kStream, kEvent };
enum class LatePolicy : std::uint8_t { kUnstated, kDrop, kSideline };

struct RelationDecl {  // `relation`, `stream`, `event`
  RelationKind kind = RelationKind::kRelation;
  bool final = false;
  Name name;
  std::vector<Column> columns;
  std::vector<std::vector<Name>> keys;  // key (a, b); keys written on columns stay there
  std::vector<std::vector<Name>> indexes;
  std::vector<Endpoint> from;
  std::vector<Endpoint> to;
  bool versioned = false;
  std::optional<Expr> retain;
  std::optional<Expr> expire;
  std::vector<Property> properties;  // with { … }
  std::optional<Name> time_column;
  std::optional<Expr> watermark;
  LatePolicy late = LatePolicy::kUnstated;
  std::optional<Name> sideline;
  std::optional<Name> duration_column;
  bool operator==(const RelationDecl&) const = default;
};

struct Action;
using Block = std::vector<Action>;

struct Assignment {  // `status: "HOLD"`
  Name field;
  Expr value;
  bool operator==(const Assignment&) const = default;
};

enum class ChangeKind : std::uint8_t { kInsert, kUpsert, kDerive, kRetract };

struct ChangeAction {
  ChangeKind kind = ChangeKind::kInsert;
  Atom atom;
  bool operator==(const ChangeAction&) const = default;
};
struct EmitAction {
  Atom atom;
  std::optional<Name> to;
  bool operator==(const EmitAction&) const = default;
};
struct ModifyAction {
  Name row;
  std::vector<Assignment> changes;
  bool operator==(const ModifyAction&) const = default;
};
struct DeleteAction {
  Name row;
  bool operator==(const DeleteAction&) const = default;
};
struct CallAction {
  Expr call;
  std::optional<Name> result;
  bool operator==(const CallAction&) const = default;
};
struct LetAction {
  Name name;
  Expr value;
  bool operator==(const LetAction&) const = default;
};
struct IfAction {
  Formula condition;
  Block then_block;
  Block else_block;
  bool operator==(const IfAction&) const;
};
struct ForAction {
  Formula condition;
  Block block;
  bool operator==(const ForAction&) const;
};
struct ScheduleAction {
  Expr after;
  Block block;
  bool operator==(const ScheduleAction&) const;
};
struct FocusAction {
  Name group;
  bool operator==(const FocusAction&) const = default;
};
struct LogAction {
  std::vector<Expr> args;
  bool operator==(const LogAction&) const = default;
};
struct HaltAction {
  bool operator==(const HaltAction&) const = default;
};

struct Action {
  using Node =
      std::variant<HaltAction, ChangeAction, EmitAction, ModifyAction, DeleteAction, CallAction,
                   LetAction, IfAction, ForAction, ScheduleAction, FocusAction, LogAction>;
  Node node;
  NodeSpan span;
  template <typename T>
  const T* as() const {
    return std::get_if<T>(&node);
  }
  bool operator==(const Action&) const = default;
};

struct RuleDecl {  // `rule name … when body then actions end`
  Name name;
  std::optional<Expr> salience;
  std::optional<Name> group;
  std::optional<Name> exclusive;
  bool no_loop = false;
  bool lock_on_active = false;
  bool auto_focus = false;
  std::optional<Expr> enabled;
  std::optional<Expr> every;
  std::optional<std::string> cron;
  std::optional<Expr> effective_from;
  std::optional<Expr> effective_to;
  std::optional<std::string> doc;
  Formula when;
  Block then;
  std::vector<Annotation> annotations;
  bool operator==(const RuleDecl&) const = default;
};

struct SelectItem {
  Expr value;
  std::optional<Name> alias;
  bool operator==(const SelectItem&) const = default;
};

struct OrderItem {
  Expr value;
  bool descending = false;
  bool operator==(const OrderItem&) const = default;
};

struct Query {  // `query q(p: t) :- body select … order by … limit … as of …;`
  Name name;
  std::vector<Column> parameters;
  Formula body;
  std::vector<SelectItem> select;
  std::vector<OrderItem> order_by;
  std::optional<Expr> limit;
  std::optional<Expr> as_of;
  bool operator==(const Query&) const = default;
};

struct View {  // `view v as sql $$ … $$;`
  Name name;
  bool final = false;
  std::vector<Column> columns;
  std::string sql;    // Between the $$, as written.
  NodeSpan sql_span;  // Of `sql`, so that its errors can be placed.
  bool operator==(const View&) const = default;
};

enum class TablePolicy : std::uint8_t { kFirst, kUnique, kAny, kCollect, kPriority };

struct
    // `<= 5.0` (op, one value), `"AT", "CH"` (values: any of them), `_` (one Wildcard), a Range
    TableCell {
  std::optional<CompareOp> op;
  std::vector<Expr> values;
  bool operator==(const TableCell&) const = default;
};

struct TableRow {
  std::vector<TableCell> cells;
  std::vector<Expr> results;
  NodeSpan span;
  bool operator==(const TableRow&) const = default;
};

struct Table {  // `table t(in…) -> (out…) policy first { rows }`
  Name name;
  std::vector<Column> inputs;
  std::vector<Column> outputs;
  TablePolicy policy = TablePolicy::kFirst;
  std::vector<TableRow> rows;
  bool operator==(const Table&) const = default;
};

struct Function {  // `function f(x: t) -> t = e;` or `… extern "lib:name";`
  Name name;
  std::vector<Column> parameters;
  TypeExpr result;
  std::optional<Expr> body;
  std::optional<std::string> external;
  bool operator==(const Function&) const = default;
};

// Steps of a test's `given` parts.
struct GivenRow {
  std::optional<Expr> at;
  Atom atom;
  bool operator==(const GivenRow&) const = default;
};
struct GivenRetract {
  Atom atom;
  bool operator==(const GivenRetract&) const = default;
};
struct GivenUpdate {
  Atom atom;
  std::vector<Assignment> changes;
  bool operator==(const GivenUpdate&) const = default;
};
struct GivenAdvance {
  Expr by;
  bool operator==(const GivenAdvance&) const = default;
};
struct GivenFire {
  bool operator==(const GivenFire&) const = default;
};

// Steps of its `expect` parts.
struct ExpectCondition {
  Formula condition;
  bool operator==(const ExpectCondition&) const = default;
};
struct ExpectFired {
  Name rule;
  std::optional<Expr> times;
  bool operator==(const ExpectFired&) const = default;
};
struct ExpectEmitted {
  Atom atom;
  bool operator==(const ExpectEmitted&) const = default;
};
struct ExpectDerived {
  Atom atom;
  Name rule;
  bool operator==(const ExpectDerived&) const = default;
};
struct ExpectNoLoop {
  bool operator==(const ExpectNoLoop&) const = default;
};

struct TestStep {
  using Node =
      std::variant<GivenFire, GivenRow, GivenRetract, GivenUpdate, GivenAdvance, ExpectNoLoop,
                   ExpectCondition, ExpectFired, ExpectEmitted, ExpectDerived>;
  Node node;
  NodeSpan span;
  template <typename T>
  const T* as() const {
    return std::get_if<T>(&node);
  }
  bool operator==(const TestStep&) const = default;
};

struct TestRound {  // One `given … expect …`.
  std::vector<TestStep> given;
  std::vector<TestStep> expect;
  bool operator==(const TestRound&) const = default;
};

struct Test {
  Name title;
  std::vector<Name> uses;
  std::vector<TestRound> rounds;
  bool operator==(const Test&) const = default;
};

// ------------------------------------------------------------------------------------------------
// The program
// ------------------------------------------------------------------------------------------------

struct Item {
  // The large and rare ones are boxed, so that a program of a million clauses stays small; as<T>()
  // and visit() look through the Box.
  using Node =
      std::variant<Facts, Clause, Box<Subsumption>, Decl, Lattice, TypeDecl, Directive, FunctorDecl,
                   Pragma, Component, Init, Override, ModuleDecl, Import, Box<TypeAlias>, EnumDecl,
                   Box<RelationDecl>, Box<RuleDecl>, Box<Query>, View, Table, Box<Function>, Test>;
  template <typename T>
  static constexpr bool kIsBoxed = std::is_same_v<T, Subsumption> || std::is_same_v<T, TypeAlias> ||
                                   std::is_same_v<T, RelationDecl> || std::is_same_v<T, RuleDecl> ||
                                   std::is_same_v<T, Query> || std::is_same_v<T, Function>;

  Node node;
  NodeSpan span;

  // The node as a T, or null when it is something else: item.as<RuleDecl>().
  template <typename T>
  const T* as() const {
    if constexpr (kIsBoxed<T>) {
      const auto* box = std::get_if<Box<T>>(&node);
      return box == nullptr ? nullptr : &**box;
    } else {
      return std::get_if<T>(&node);
    }
  }
  template <typename T>
  T* as() {
    return const_cast<T*>(std::as_const(*this).template as<T>());
  }

  // Calls visitor(node) with the node unboxed. Every node type must be accepted.
  template <typename Visitor>
  decltype(auto) visit(Visitor&& visitor) const {
    return std::visit([&](const auto& held) -> decltype(auto) { return visitor(unboxed(held)); },
                      node);
  }

  bool operator==(const Item&) const = default;

 private:
  template <typename T>
  static const T& unboxed(const Box<T>& box) {
    return *box;
  }
  template <typename T>
  static const T& unboxed(const T& plain) {
    return plain;
  }
};

struct Program {
  std::vector<Item> items;  // In source order, included files in place.
  bool operator==(const Program&) const = default;
};

// Equality of the nodes that hold an incomplete type where they are defined.
inline bool TypeExpr::operator==(const TypeExpr&) const = default;
inline bool Component::operator==(const Component&) const = default;
inline bool IfAction::operator==(const IfAction&) const = default;
inline bool ForAction::operator==(const ForAction&) const = default;
inline bool ScheduleAction::operator==(const ScheduleAction&) const = default;

}  // namespace entail::grammar
