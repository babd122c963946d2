// grammar/sql_expression.h - SQL's expressions and queries as data.
//
// The half of the SQL syntax tree that everything else is made of; sql_tree.h holds the statements
// and the conventions. A node says what was written: names are not looked up, numbers are kept as
// spelled, and nothing has a type yet.
//
//     SELECT a + 1 FROM t WHERE b IN (1, 2)
//
//     Query
//       body: Select
//               items: SelectItem{ Binary{+, ColumnRef{a}, Literal{1}} }
//               from:  TableItem{ TableName{t} }
//               where: InList{ ColumnRef{b}, Literal{1}, Literal{2} }
//
// How to read one:  if (const auto* call = expression.as<FunctionCall>()) ...  or std::visit over
// `expression.node`.
//
// Source: PostgreSQL 15, "SQL Syntax" and the reference pages of SELECT and its parts.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "grammar/syntax_condition.h"

namespace entail::grammar::sql {

// A range of bytes in the text that was parsed. Any two are equal, so that comparing trees compares
// what they say.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;  // One past the last byte.
  bool operator==(const Span&) const { return true; }
};

struct Expression;
struct Query;
struct Statement;

// ------------------------------------------------------------------------------------------------
// Names and types
// ------------------------------------------------------------------------------------------------

// A name as the catalog spells it: unquoted ones are folded to lower case.
struct Identifier {
  std::string text;
  bool quoted = false;
  Span span;
  bool operator==(const Identifier&) const = default;
};

// `schema.table`: at least one part.
struct QualifiedName {
  std::vector<Identifier> parts;
  Span span;
  const Identifier& last() const { return parts.back(); }
  bool operator==(const QualifiedName&) const = default;
};

// `+`, `~~*`, `OPERATOR(pg_catalog.+)`. `!=` is spelled `<>`.
struct OperatorName {
  std::vector<Identifier> schema;  // Empty as a rule.
  std::string symbol;
  Span span;
  bool operator==(const OperatorName&) const = default;
};

// A type as written, but for synonyms that are keywords, which become one spelling: smallint,
// integer, bigint, real, double precision, numeric, boolean, character, character varying, bit, bit
// varying, time, time with time zone, timestamp, timestamp with time zone, interval. These are one
// unquoted part; all others (int4, text, "char", s.t) stand as written.
struct TypeName {
  QualifiedName name;
  std::vector<std::int64_t> modifiers;  // (10, 2); time(3)
  std::string interval_fields;          // "day to second"; empty: all.
  std::uint32_t array_dimensions = 0;   // int[][] and int ARRAY
  bool set_of = false;
  Span span;
  bool operator==(const TypeName&) const = default;
};

// ------------------------------------------------------------------------------------------------
// Leaves
// ------------------------------------------------------------------------------------------------

enum class LiteralKind : std::uint8_t {
  kInteger,    // Digits only, as spelled; may exceed every integer type.
  kNumeric,    // With a dot or an exponent, as spelled.
  kString,     // Decoded: quotes, doubled quotes, escapes, dollar tags resolved.
  kBitString,  // B'101': the digits.
  kHexString,  // X'1F': the digits.
  kTrue,
  kFalse,
  kNull,
};

struct Literal {
  LiteralKind kind = LiteralKind::kNull;
  std::string text;  // Empty for kTrue, kFalse, kNull.
  bool operator==(const Literal&) const = default;
};

struct TypedLiteral {  // `date '2026-01-01'`, `interval '1' day`
  TypeName type;
  std::string text;
  bool operator==(const TypedLiteral&) const = default;
};

struct ColumnRef {  // `a`, `t.a`, `s.t.a`, `*`, `t.*`
  std::vector<Identifier> parts;
  bool star = false;  // `*` after the parts, which may then be none.
  bool operator==(const ColumnRef&) const = default;
};

struct Parameter {  // $1
  std::uint32_t number = 0;
  bool operator==(const Parameter&) const = default;
};

struct DefaultValue {  // DEFAULT in VALUES and SET
  bool operator==(const DefaultValue&) const = default;
};

struct CurrentOf {  // WHERE CURRENT OF cursor
  Identifier cursor;
  bool operator==(const CurrentOf&) const = default;
};

enum class ValueFunctionKind : std::uint8_t {
  kCurrentDate,
  kCurrentTime,
  kCurrentTimestamp,
  kLocaltime,
  kLocaltimestamp,
  kCurrentUser,
  kCurrentRole,
  kSessionUser,
  kUser,
  kCurrentCatalog,
  kCurrentSchema,
};

struct ValueFunction {  // Functions without brackets.
  ValueFunctionKind kind = ValueFunctionKind::kCurrentDate;
  std::optional<std::uint32_t> precision;
  bool operator==(const ValueFunction&) const = default;
};

// ------------------------------------------------------------------------------------------------
// Operators
// ------------------------------------------------------------------------------------------------

// `- x`, `@ x`. A minus before a number is not folded into it.
struct Unary {
  OperatorName op;
  Box<Expression> operand;
  bool operator==(const Unary&) const;
};

// All operators that are spelled with symbols: arithmetic, comparisons, `||`, `~`, `->`.
// Chains lean to the left; their depth is bounded (kMaxDepth in sql_parser.h).
struct Binary {
  OperatorName op;
  Box<Expression> left;
  Box<Expression> right;
  bool operator==(const Binary&) const;
};

enum class LogicalOp : std::uint8_t { kAnd, kOr };

struct Logical {  // `a AND b AND c` is one node with three operands.
  LogicalOp op = LogicalOp::kAnd;
  std::vector<Expression> operands;  // At least two.
  bool operator==(const Logical&) const;
};

struct Not {
  Box<Expression> operand;
  bool operator==(const Not&) const;
};

enum class IsKind : std::uint8_t { kNull, kTrue, kFalse, kUnknown };

struct IsTest {  // `x IS NOT NULL`, `x ISNULL`, `x IS TRUE`
  IsKind kind = IsKind::kNull;
  bool negated = false;
  Box<Expression> operand;
  bool operator==(const IsTest&) const;
};

struct IsDistinct {  // `a IS [NOT] DISTINCT FROM b`
  bool negated = false;
  Box<Expression> left;
  Box<Expression> right;
  Span op_span;
  bool operator==(const IsDistinct&) const;
};

struct Between {
  bool negated = false;
  bool symmetric = false;
  Box<Expression> operand;
  Box<Expression> low;
  Box<Expression> high;
  Span op_span;
  bool operator==(const Between&) const;
};

struct InList {  // `x IN (1, 2)`
  bool negated = false;
  Box<Expression> operand;
  std::vector<Expression> list;
  Span op_span;
  bool operator==(const InList&) const;
};

struct InQuery {  // `x IN (SELECT ...)`; x may be a Row.
  bool negated = false;
  Box<Expression> operand;
  Box<Query> query;
  Span op_span;
  bool operator==(const InQuery&) const;
};

enum class LikeKind : std::uint8_t { kLike, kIlike, kSimilar };

struct Like {
  LikeKind kind = LikeKind::kLike;
  bool negated = false;
  Box<Expression> operand;
  Box<Expression> pattern;
  Maybe<Expression> escape;
  Span op_span;
  bool operator==(const Like&) const;
};

// `x = ANY (SELECT ...)`, `x < ALL (array)`. `x LIKE ANY` has PostgreSQL's operator: `~~`, `!~~`,
// `~~*`, `!~~*`. Exactly one of query and array is there.
struct Quantified {
  OperatorName op;
  bool all = false;
  Box<Expression> left;
  Maybe<Query> query;
  Maybe<Expression> array;
  bool operator==(const Quantified&) const;
};

struct Cast {  // CAST(x AS t) and x::t
  Box<Expression> operand;
  TypeName type;
  bool operator==(const Cast&) const;
};

struct Collate {
  Box<Expression> operand;
  QualifiedName collation;
  bool operator==(const Collate&) const;
};

struct AtTimeZone {
  Box<Expression> operand;
  Box<Expression> zone;
  bool operator==(const AtTimeZone&) const;
};

struct SubscriptPart {  // [i], [low:high], [:], [low:]
  bool slice = false;   // Without a colon the index is `upper`.
  Maybe<Expression> lower;
  Maybe<Expression> upper;
  bool operator==(const SubscriptPart&) const;
};

struct Subscript {  // `a[1][2:3]`
  Box<Expression> operand;
  std::vector<SubscriptPart> parts;
  bool operator==(const Subscript&) const;
};

struct FieldSelection {  // `(e).f`, `(e).*`
  Box<Expression> operand;
  Identifier field;  // Without text when star.
  bool star = false;
  bool operator==(const FieldSelection&) const;
};

// ------------------------------------------------------------------------------------------------
// Calls and constructors
// ------------------------------------------------------------------------------------------------

enum class SortDirection : std::uint8_t { kDefault, kAscending, kDescending, kUsing };
enum class NullsOrder : std::uint8_t { kDefault, kFirst, kLast };

struct SortItem {
  Box<Expression> expression;
  SortDirection direction = SortDirection::kDefault;
  std::optional<OperatorName> using_operator;  // With kUsing.
  NullsOrder nulls = NullsOrder::kDefault;
  bool operator==(const SortItem&) const;
};

enum class FrameMode : std::uint8_t { kRows, kRange, kGroups };
enum class FrameBoundKind : std::uint8_t {
  kUnboundedPreceding,
  kPreceding,  // offset PRECEDING
  kCurrentRow,
  kFollowing,  // offset FOLLOWING
  kUnboundedFollowing,
};
enum class FrameExclusion : std::uint8_t { kNone, kCurrentRow, kGroup, kTies };

struct FrameBound {
  FrameBoundKind kind = FrameBoundKind::kUnboundedPreceding;
  Maybe<Expression> offset;
  bool operator==(const FrameBound&) const;
};

struct Frame {
  FrameMode mode = FrameMode::kRange;
  FrameBound start;
  std::optional<FrameBound> end;  // Absent: without BETWEEN, that is the current row.
  FrameExclusion exclusion = FrameExclusion::kNone;
  Span span;
  bool operator==(const Frame&) const;
};

struct Window {            // OVER w, OVER (w PARTITION BY ...), and the definitions of WINDOW
  bool reference = false;  // OVER w: only `base` is there.
  std::optional<Identifier> base;  // The window that this one refines.
  std::vector<Expression> partition_by;
  std::vector<SortItem> order_by;
  Maybe<Frame> frame;
  Span span;
  bool operator==(const Window&) const;
};

struct Argument {
  std::optional<Identifier> name;  // `name => value`, `name := value`
  bool variadic = false;           // VARIADIC value: the last one.
  Box<Expression> value;
  bool operator==(const Argument&) const;
};

// What SQL writes in a syntax of its own becomes the call PostgreSQL makes of it:
//   EXTRACT(f FROM x)            extract('f', x)
//   SUBSTRING(x FROM a FOR b)    substring(x, a, b); FOR b alone: substring(x, 1, b)
//   SUBSTRING(x SIMILAR p ESCAPE e)  substring(x, p, e)
//   POSITION(a IN b)             position(b, a)
//   TRIM(BOTH c FROM x)          btrim(x, c), ltrim, rtrim
//   OVERLAY(x PLACING y FROM a FOR b)  overlay(x, y, a, b)
//   (a, b) OVERLAPS (c, d)       overlaps(a, b, c, d)
//   NORMALIZE(x, NFC)            normalize(x, 'NFC')
struct FunctionCall {
  QualifiedName name;
  std::vector<Argument> arguments;
  bool star = false;               // count(*)
  bool distinct = false;           // f(DISTINCT x)
  std::vector<SortItem> order_by;  // f(x ORDER BY y), or that of WITHIN GROUP.
  bool within_group = false;
  Maybe<Expression> filter;
  Maybe<Window> over;
  bool operator==(const FunctionCall&) const;
};

enum class SpecialKind : std::uint8_t { kCoalesce, kNullif, kGreatest, kLeast, kGrouping };

struct SpecialCall {
  SpecialKind kind = SpecialKind::kCoalesce;
  std::vector<Expression> arguments;
  bool operator==(const SpecialCall&) const;
};

struct CaseBranch {
  Box<Expression> condition;  // A value to compare with, if the CASE has an operand.
  Box<Expression> result;
  bool operator==(const CaseBranch&) const;
};

struct Case {
  Maybe<Expression> operand;
  std::vector<CaseBranch> branches;
  Maybe<Expression> otherwise;
  bool operator==(const Case&) const;
};

struct Row {  // ROW(...), or two or more expressions in brackets
  std::vector<Expression> fields;
  bool explicit_row = false;
  bool operator==(const Row&) const;
};

struct ArrayConstructor {  // ARRAY[...]; an inner [...] is an ArrayConstructor too.
  std::vector<Expression> elements;
  bool operator==(const ArrayConstructor&) const;
};

enum class SubqueryKind : std::uint8_t { kScalar, kExists, kArray };

struct Subquery {  // (SELECT ...), EXISTS (SELECT ...), ARRAY(SELECT ...)
  SubqueryKind kind = SubqueryKind::kScalar;
  Box<Query> query;
  bool operator==(const Subquery&) const;
};

using ExpressionNode =
    std::variant<Literal, TypedLiteral, ColumnRef, Parameter, DefaultValue, CurrentOf,
                 ValueFunction, Unary, Binary, Logical, Not, IsTest, IsDistinct, Between, InList,
                 InQuery, Like, Quantified, Cast, Collate, AtTimeZone, Subscript, FieldSelection,
                 FunctionCall, SpecialCall, Case, Row, ArrayConstructor, Subquery>;

struct Expression {
  ExpressionNode node;
  Span span;  // Brackets around it are not in it.

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&node);
  }
  template <typename T>
  T* as() {
    return std::get_if<T>(&node);
  }
  bool operator==(const Expression&) const;
};

// ------------------------------------------------------------------------------------------------
// FROM
// ------------------------------------------------------------------------------------------------

struct ColumnDefinition {  // f(...) AS t(a int, b text)
  Identifier name;
  TypeName type;
  bool operator==(const ColumnDefinition&) const = default;
};

struct Alias {      // AS t(a, b)
  Identifier name;  // Without text: only column definitions stand after AS.
  std::vector<Identifier> columns;
  std::vector<ColumnDefinition> definitions;  // Of a function's record; then columns are none.
  bool operator==(const Alias&) const = default;
};

enum class TimeTravelKind : std::uint8_t { kVersion, kTimestamp };

// `AS OF VERSION n`, `AS OF TIMESTAMP e`, `FOR SYSTEM_TIME AS OF e` (a timestamp).
struct TimeTravel {
  TimeTravelKind kind = TimeTravelKind::kVersion;
  Box<Expression> value;
  Span span;
  bool operator==(const TimeTravel&) const;
};

struct TableSample {
  QualifiedName method;
  std::vector<Expression> arguments;
  Maybe<Expression> repeatable;
  Span span;
  bool operator==(const TableSample&) const;
};

struct TableName {
  QualifiedName name;
  bool only = false;  // ONLY t
  Maybe<TimeTravel> as_of;
  std::optional<Alias> alias;
  Maybe<TableSample> sample;
  bool operator==(const TableName&) const;
};

struct TableFunctionPart {
  Box<Expression> call;  // A FunctionCall, or what a function in FROM may be written as.
  std::vector<ColumnDefinition> definitions;  // ROWS FROM (f() AS (a int))
  bool operator==(const TableFunctionPart&) const;
};

struct TableFunction {  // f(...), ROWS FROM (f(...), g(...))
  std::vector<TableFunctionPart> functions;
  bool rows_from = false;
  bool ordinality = false;
  bool lateral = false;
  std::optional<Alias> alias;
  bool operator==(const TableFunction&) const;
};

struct DerivedTable {  // (SELECT ...) AS t, (VALUES ...) AS t
  Box<Query> query;
  bool lateral = false;
  std::optional<Alias> alias;
  bool operator==(const DerivedTable&) const;
};

struct TableItem;

enum class JoinKind : std::uint8_t { kInner, kLeft, kRight, kFull, kCross };

struct Join {
  JoinKind kind = JoinKind::kInner;
  bool natural = false;
  Box<TableItem> left;
  Box<TableItem> right;
  std::vector<Identifier> using_columns;
  std::optional<Identifier> using_alias;  // USING (...) AS j
  Maybe<Expression> condition;
  std::optional<Alias> alias;  // (a JOIN b ON ...) AS j
  bool operator==(const Join&) const;
};

struct TableItem {
  std::variant<TableName, TableFunction, DerivedTable, Join> node;
  Span span;

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&node);
  }
  template <typename T>
  T* as() {
    return std::get_if<T>(&node);
  }
  bool operator==(const TableItem&) const;
};

// ------------------------------------------------------------------------------------------------
// Queries
// ------------------------------------------------------------------------------------------------

struct SelectItem {
  Expression expression;  // A ColumnRef with a star: all columns.
  std::optional<Identifier> alias;
  bool operator==(const SelectItem&) const = default;
};

enum class GroupingKind : std::uint8_t { kExpression, kEmpty, kRollup, kCube, kSets };

// `a`, `()`, `ROLLUP (a, b)`, `GROUPING SETS (...)`. (a, b) is an expression: a Row.
struct GroupingItem {
  GroupingKind kind = GroupingKind::kExpression;
  std::vector<Expression> expressions;  // One for kExpression; the operands of ROLLUP and CUBE.
  std::vector<GroupingItem> sets;       // kSets
  Span span;
  bool operator==(const GroupingItem&) const;
};

struct NamedWindow {
  Identifier name;
  Window window;
  bool operator==(const NamedWindow&) const = default;
};

struct Select {
  bool distinct = false;
  std::vector<Expression> distinct_on;  // With distinct.
  std::vector<SelectItem> items;        // May be none.
  std::optional<QualifiedName> into;    // SELECT ... INTO t
  std::vector<TableItem> from;
  Maybe<Expression> where;
  bool group_distinct = false;  // GROUP BY DISTINCT
  std::vector<GroupingItem> group_by;
  Maybe<Expression> having;
  std::vector<NamedWindow> windows;
  bool operator==(const Select&) const = default;
};

struct Values {
  std::vector<std::vector<Expression>> rows;
  bool operator==(const Values&) const = default;
};

enum class SetOperator : std::uint8_t { kUnion, kIntersect, kExcept };

// `a UNION ALL b UNION ALL c` is one node with three operands, to be taken from left to right; where
// the operator or ALL changes, or brackets stand, a new node begins.
struct SetOperation {
  SetOperator op = SetOperator::kUnion;
  bool all = false;
  std::vector<Query> operands;  // At least two.
  Span op_span;                 // Of the first operator.
  bool operator==(const SetOperation&) const;
};

enum class Materialization : std::uint8_t { kDefault, kAlways, kNever };

struct CommonTable {  // WITH name(columns) AS [NOT MATERIALIZED] (...)
  Identifier name;
  std::vector<Identifier> columns;
  Materialization materialization = Materialization::kDefault;
  Maybe<Query> query;       // Exactly one of these two is there:
  Maybe<Statement> change;  // an INSERT, UPDATE, DELETE or MERGE.
  bool operator==(const CommonTable&) const;
};

struct With {
  bool recursive = false;
  std::vector<CommonTable> tables;
  Span span;
  bool operator==(const With&) const = default;
};

enum class LockStrength : std::uint8_t { kUpdate, kNoKeyUpdate, kShare, kKeyShare };
enum class LockWait : std::uint8_t { kBlock, kNowait, kSkipLocked };

struct Locking {  // FOR UPDATE OF t NOWAIT
  LockStrength strength = LockStrength::kUpdate;
  std::vector<QualifiedName> tables;
  LockWait wait = LockWait::kBlock;
  Span span;
  bool operator==(const Locking&) const = default;
};

// `TABLE t` is `SELECT * FROM t`.
struct Query {
  Maybe<With> with;
  std::variant<Select, Values, SetOperation> body;
  std::vector<SortItem> order_by;
  Maybe<Expression> limit;  // LIMIT ALL is none, as LIMIT NULL is a NULL literal.
  Maybe<Expression> offset;
  bool with_ties = false;  // FETCH FIRST n ROWS WITH TIES
  std::vector<Locking> locking;
  Span span;

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&body);
  }
  template <typename T>
  T* as() {
    return std::get_if<T>(&body);
  }
  bool operator==(const Query&) const;
};

}  // namespace entail::grammar::sql
