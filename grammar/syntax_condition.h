// grammar/syntax_condition.h - the conditions and expressions of a program, as data.
//
// The half of syntax_tree.h that bodies are made of; its conventions hold here.
//
//     path(x, z), z > x + 1          Conjunction{ Atom{path, x, z}, Comparison{>, z, Binary{+, x,
//     1}} }
//
// Box and Maybe give recursive nodes the manners of plain values: copied and compared deeply, moved
// cheaply.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "grammar/source_span.h"

namespace entail::grammar {

// The span of a node. Any two are equal, so that comparing trees compares what they say.
struct NodeSpan : SourceSpan {
  NodeSpan() = default;
  NodeSpan(const SourceSpan& span) : SourceSpan(span) {}  // NOLINT: a span is a node's span.
  bool operator==(const NodeSpan&) const { return true; }
};

// One T on the heap that behaves like a T: copies and compares deeply, is never empty (but after a
// move).
template <typename T>
class Box {
 public:
  Box() : value_(std::make_unique<T>()) {}
  Box(T value)
      : value_(std::make_unique<T>(std::move(value))) {}  // NOLINT: a value is boxed freely.
  Box(const Box& other) : value_(std::make_unique<T>(*other.value_)) {}
  Box(Box&&) noexcept = default;
  Box& operator=(const Box& other) {
    if (this != &other) value_ = std::make_unique<T>(*other.value_);
    return *this;
  }
  Box& operator=(Box&&) noexcept = default;
  ~Box() = default;

  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  bool operator==(const Box& other) const { return *value_ == *other.value_; }

 private:
  std::unique_ptr<T> value_;
};

// A Box that may be empty: std::optional<T> for parts that are large and rare.
template <typename T>
class Maybe {
 public:
  Maybe() = default;
  Maybe(T value) : value_(std::make_unique<T>(std::move(value))) {}  // NOLINT: as std::optional.
  Maybe(const Maybe& other) : value_(other ? std::make_unique<T>(*other.value_) : nullptr) {}
  Maybe(Maybe&&) noexcept = default;
  Maybe& operator=(const Maybe& other) {
    if (this != &other) value_ = other ? std::make_unique<T>(*other.value_) : nullptr;
    return *this;
  }
  Maybe& operator=(Maybe&&) noexcept = default;
  ~Maybe() = default;

  explicit operator bool() const { return value_ != nullptr; }
  bool has_value() const { return value_ != nullptr; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  bool operator==(const Maybe& other) const {
    return has_value() == other.has_value() && (!has_value() || *value_ == *other.value_);
  }

 private:
  std::unique_ptr<T> value_;
};

struct Name {
  std::string text;
  NodeSpan span;
  bool operator==(const Name&) const = default;
};

struct Expr;
struct Formula;

// ------------------------------------------------------------------------------------------------
// Expressions
// ------------------------------------------------------------------------------------------------

enum class LiteralKind : std::uint8_t {
  kNumber,     // As spelled, without digit separators: "42", "-7", "0x1F", "0b101".
  kUnsigned,   // The same, without the final u.
  kFloat,      // "1.5", "-2.0e9".
  kString,     // Decoded: escapes resolved, no quotes. Bytes as in the file.
  kDuration,   // As spelled: "1h30m", "250ms".
  kTimestamp,  // As spelled: "2026-01-01T10:00:00Z".
  kIpv4,       // As spelled: "10.0.0.1"; a number to Souffle.
  kNil,
  kTrue,
  kFalse,
  kNull,
};

struct Literal {
  LiteralKind kind = LiteralKind::kNumber;
  std::string text;  // Empty for kNil, kTrue, kFalse, kNull.
  bool operator==(const Literal&) const = default;
};

struct Variable {
  std::string name;
  bool operator==(const Variable&) const = default;
};

struct Wildcard {  // `_`
  bool operator==(const Wildcard&) const = default;
};

struct Counter {  // `$` and `autoinc()`
  bool operator==(const Counter&) const = default;
};

// `s.ts`: a column of the row that `as s` named, or a qualified constant; at least two parts.
struct Path {
  Name name;
  bool operator==(const Path&) const = default;
};

enum class UnaryOp : std::uint8_t { kMinus, kBitNot, kLogicalNot };

enum class BinaryOp : std::uint8_t {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMod,
  kPow,  // + - * / % ^
  kBitAnd,
  kBitOr,
  kBitXor,  // band bor bxor
  kShiftLeft,
  kShiftRight,
  kShiftRightUnsigned,  // bshl bshr bshru
  kLogicalAnd,
  kLogicalOr,
  kLogicalXor,  // land lor lxor
};

struct Unary {
  UnaryOp op = UnaryOp::kMinus;
  Box<Expr> operand;
  bool operator==(const Unary&) const;
};

struct Binary {
  BinaryOp op = BinaryOp::kAdd;
  Box<Expr> left;
  Box<Expr> right;
  bool operator==(const Binary&) const;
};

// `if condition then a else b`
struct Conditional {
  Box<Formula> condition;
  Box<Expr> then_value;
  Box<Expr> else_value;
  bool operator==(const Conditional&) const;
};

// `f(x, …)`: an intrinsic functor (cat, ord, range, to_number, min of two or more,
// recursive_iteration_cnt, …), a function of the program, a decision table; in heads and `group`
// results also an aggregate of one argument: `min(d + c)`, `count()`. `@f(x)` is a user-defined
// functor (`.functor`).
struct Call {
  Name name;
  std::vector<Expr> args;
  bool user_functor = false;
  bool operator==(const Call&) const;
};

// `sum x : { body }`, `count : R(_)`, and the user-defined `@@name init : target, { body }`.
struct Aggregate {
  Name function;  // count, sum, min, max, mean, or the name after @@.
  bool user_defined = false;
  std::vector<Expr> target;   // What is aggregated: none for count, else one.
  std::vector<Expr> initial;  // User-defined only: the arguments before the colon.
  Box<Formula> body;
  bool operator==(const Aggregate&) const;
};

// `[a, b]`: a record; the right side of `in`, and array columns, read it as a list.
struct RecordInit {
  std::vector<Expr> args;
  bool operator==(const RecordInit&) const;
};

struct AdtInit {  // `$Branch(x, …)`; `$Branch` alone has no arguments.
  Name branch;
  std::vector<Expr> args;
  bool operator==(const AdtInit&) const;
};

struct Cast {  // `as(e, type)`
  Box<Expr> value;
  Name type;
  bool operator==(const Cast&) const;
};

struct Range {  // `[a..b]`, `(a..b]`, …
  Box<Expr> low;
  Box<Expr> high;
  bool low_included = true;
  bool high_included = true;
  bool operator==(const Range&) const;
};

struct Expr {
  using Node = std::variant<Literal, Variable, Wildcard, Counter, Path, Unary, Binary, Conditional,
                            Call, Aggregate, RecordInit, AdtInit, Cast, Range>;
  Node node;
  NodeSpan span;

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&node);
  }
  template <typename T>
  T* as() {
    return std::get_if<T>(&node);
  }
  bool operator==(const Expr&) const = default;
};

// ------------------------------------------------------------------------------------------------
// Conditions: bodies of rules, `when` parts, queries
// ------------------------------------------------------------------------------------------------

enum class CompareOp : std::uint8_t {
  kEqual,  // `=` and `==`
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
};

enum class FieldOp : std::uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kMatches,
};

struct FieldConstraint {
  FieldOp op = FieldOp::kEqual;
  Expr value;
  bool operator==(const FieldConstraint&) const = default;
};

// One entry of `R{…}`:
//     id                 pun: value and constraint are absent; the variable `id` is the column
//     total: t           value t: binds or equates
//     px: p1 > p0        value p1, constraint (>, p0) on the column
//     status in [..]     constraint alone; binds no variable
struct FieldPattern {
  Name field;
  std::optional<Expr> value;
  std::optional<FieldConstraint> constraint;
  bool is_pun() const { return !value && !constraint; }
  bool operator==(const FieldPattern&) const = default;
};

enum class WindowKind : std::uint8_t {
  kLast,        // over last 10m: the frame that ends at each row
  kLastEvents,  // over last 100 events
  kCurrent,     // over current 10m: follows the stream's clock
  kTumbling,    // over tumbling 1h
  kHopping,     // over hopping 1h, 10m
  kSession,     // over session 30m
};

struct Window {
  WindowKind kind = WindowKind::kLast;
  Expr size;
  std::optional<Expr> slide;  // kHopping, kTumbling: the second expression, if any.
  NodeSpan span;
  bool operator==(const Window&) const = default;
};

// `R(x, …)` or `R{field, …}`, with what may follow it in a body. A name that is no relation may be
// a function that gives a bool: the tree cannot know.
struct Atom {
  Name relation;
  bool named = false;  // R{…}: `fields`; else R(…): `args`.
  std::vector<Expr> args;
  std::vector<FieldPattern> fields;
  Maybe<Window> window;  // over …
  Maybe<Name> alias;     // as o
  NodeSpan span;
  bool operator==(const Atom&) const = default;
};

struct Conjunction {
  std::vector<Formula> parts;  // At least two.
  bool operator==(const Conjunction&) const;
};

struct Disjunction {
  std::vector<Formula> parts;  // At least two.
  bool operator==(const Disjunction&) const;
};

struct Negation {  // `!c`, `not c`
  Box<Formula> operand;
  bool operator==(const Negation&) const;
};

struct Comparison {
  CompareOp op = CompareOp::kEqual;
  Expr left;
  Expr right;
  bool operator==(const Comparison&) const = default;
};

enum class AllenRelation : std::uint8_t {
  kBefore,
  kAfter,
  kMeets,
  kMetBy,
  kOverlaps,
  kOverlappedBy,
  kDuring,
  kIncludes,
  kStarts,
  kStartedBy,
  kFinishes,
  kFinishedBy,
  kCoincides,
};

struct Allen {  // `a during b`, `c after [0s, 5m] a`
  AllenRelation relation = AllenRelation::kBefore;
  Expr left;
  Expr right;
  std::vector<Expr> bounds;  // None, one, or two.
  bool operator==(const Allen&) const = default;
};

struct Membership {  // `x in e`: e a Range, a RecordInit (a list) or a list-valued expression
  Expr value;
  Expr collection;
  bool operator==(const Membership&) const = default;
};

struct NullTest {  // `e is null`, `e is not null`
  Expr value;
  bool negated = false;
  bool operator==(const NullTest&) const = default;
};

struct BooleanTest {  // `if e`; match(p, s) and contains(n, h), which Souffle reserves, as a Call
  Expr value;
  bool operator==(const BooleanTest&) const = default;
};

struct BooleanConstant {  // `true`, `false`
  bool value = true;
  bool operator==(const BooleanConstant&) const = default;
};

struct Exists {  // `exists { body }`
  Box<Formula> body;
  bool operator==(const Exists&) const;
};

struct Forall {  // `forall { body } => { body }`
  Box<Formula> condition;
  Box<Formula> consequence;
  bool operator==(const Forall&) const;
};

struct NamedExpr {  // `n: count()`
  Name name;
  Expr value;
  bool operator==(const NamedExpr&) const = default;
};

struct Group {  // `group { body } by k => { n: count(), … }`
  Box<Formula> body;
  std::vector<Expr> keys;
  std::vector<NamedExpr> results;
  bool operator==(const Group&) const;
};

struct AsOfMatch {  // `last R{…} before x`
  Atom atom;
  Expr before;
  bool operator==(const AsOfMatch&) const = default;
};

enum class Connector : std::uint8_t {
  kStart,          // The first step.
  kFollowedBy,     // `->`: the next row that fits
  kFollowedByAny,  // `->>`: every later row that fits
  kNext,           // `next`: the row right after
};

struct Quantifier {  // `[3..*]`, `[2..5]`, `[3]`
  Expr min;
  std::optional<Expr> max;  // Absent for `*`; equal to min for `[3]`.
  bool operator==(const Quantifier&) const = default;
};

struct SequencePattern;

// One step: an atom, or alternatives in parentheses.
struct SequenceStep {
  Connector connector = Connector::kStart;
  bool negated = false;
  std::optional<Atom> atom;
  std::vector<SequencePattern> alternatives;  // When `atom` is absent: at least one.
  std::optional<Quantifier> quantifier;
  std::optional<Expr> within;
  Maybe<Atom> until;
  NodeSpan span;
  bool operator==(const SequenceStep&) const;
};

struct SequencePattern {
  std::vector<SequenceStep> steps;
  bool operator==(const SequencePattern&) const = default;
};

enum class SkipPolicy : std::uint8_t { kUnstated, kPastLast, kToNext, kNone };

struct Sequence {  // `sequence( … ) within 5m by user skip past_last`
  SequencePattern pattern;
  std::optional<Expr> within;
  std::vector<Expr> keys;
  SkipPolicy skip = SkipPolicy::kUnstated;
  bool operator==(const Sequence&) const = default;
};

struct Formula {
  using Node =
      std::variant<BooleanConstant, Conjunction, Disjunction, Negation, Atom, Comparison, Allen,
                   Membership, NullTest, BooleanTest, Exists, Forall, Group, AsOfMatch, Sequence>;
  Node node;
  NodeSpan span;

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&node);
  }
  template <typename T>
  T* as() {
    return std::get_if<T>(&node);
  }
  bool operator==(const Formula&) const = default;
};

// Equality of the nodes that hold an incomplete type where they are defined.
inline bool Unary::operator==(const Unary&) const = default;
inline bool Binary::operator==(const Binary&) const = default;
inline bool Conditional::operator==(const Conditional&) const = default;
inline bool Call::operator==(const Call&) const = default;
inline bool Aggregate::operator==(const Aggregate&) const = default;
inline bool RecordInit::operator==(const RecordInit&) const = default;
inline bool AdtInit::operator==(const AdtInit&) const = default;
inline bool Cast::operator==(const Cast&) const = default;
inline bool Range::operator==(const Range&) const = default;
inline bool Conjunction::operator==(const Conjunction&) const = default;
inline bool Disjunction::operator==(const Disjunction&) const = default;
inline bool Negation::operator==(const Negation&) const = default;
inline bool Exists::operator==(const Exists&) const = default;
inline bool Forall::operator==(const Forall&) const = default;
inline bool Group::operator==(const Group&) const = default;
inline bool SequenceStep::operator==(const SequenceStep&) const = default;

}  // namespace entail::grammar
