// datalog/rule_program.h - the rule program: the one intermediate representation of Entail.
//
// Rules written in Datalog and statements written in SQL both become this: plain data that says which
// relations there are, which rules derive them, and which productions, queries and directives go with
// them. It is independent of text (only spans point back) and of execution (the compiler plans it).
//
//     path(x, z) :- path(x, y), edge(y, z), x != z.
//
//     Rule  head: path [ Variable x, Variable z ]
//           body: Match(path, x, y)  Match(edge, y, z)  Filter(x != z)
//
// Terms
// -----
//   Relation   columns, a *stated* part (facts), a *rule* part, or both; a row is visible while either
//              holds it. A set, or a bag whose rows have durable ids.
//   Literal    one condition of a body. A body is a conjunction; its order has no meaning but one: an
//              expression that can fail runs after the filters that stand before it.
//   Variable   numbered per rule. A variable of an inner body (Absent, Exists, Reduce) that also occurs
//              outside it is the outer one; an inner-only variable has a number of its own and is not
//              exported. A variable repeated means identity, also of nulls.
//
// Invariants (verify_rule_program() checks them)
// ----------------------------------------------
//   (1) Every id names an element that exists; every Match has a term for each column of its relation.
//   (2) The terms of a Match are variables, constants or wildcards; anything else was taken apart into
//       Bind and Filter.
//   (3) Every expression carries its type and whether it can be null, and its arguments fit its operation.
//   (4) Bodies hold no disjunction: alternatives became rules of their own.
//   (5) Head terms are expressions over variables of the body; facts have an empty body.
//
// Sources: Abiteboul, Hull, Vianu, "Foundations of Databases" (1995), chapters 12-15; design.md section 3.
// Threads: plain values; share freely while const.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "datalog/expression.h"
#include "grammar/source_span.h"
#include "vm/type.h"
#include "vm/type_table.h"

namespace entail::datalog {

using grammar::SourceSpan;

// ---------------------------------------------------------------------------------------------------
// Relations

struct Column {
  std::string name;
  vm::Type type;
  bool nullable = false;
  SourceSpan span;
};

enum class Collection : std::uint8_t { kSet, kBag };

// How a relation merges rows that agree on all columns but one. min/max: `dist(y, min(d + c)) :- …`
// keeps one value per group; kNone is an ordinary relation.
enum class Extremum : std::uint8_t { kNone, kMin, kMax };

enum class LatePolicy : std::uint8_t { kApply, kSideline, kDrop };

// What makes a relation a stream: rows carry event time and arrive in any order.
//
// Its clock is facts. The watermark is the highest event time that was seen, less the delay; of several source
// partitions the least of theirs, idle ones excepted. It never goes back. A row below it is late.
//
//     R.clock(at)                         the watermark: one row at most; none before anything was seen
//     R.partitions(partition, high, idle) the highest event time of each source partition; keyed by the first
//     R_late                              late rows that were applied, R's columns
//
// Streams with event time have the first two, and the third where late rows are applied.
struct StreamAttributes {
  std::optional<std::uint32_t> event_time_column;  // A timestamp that is not null.
  std::optional<std::uint32_t> duration_column;
  std::optional<Expression>
      watermark_delay;  // A constant interval without months; so is the expiry.
  LatePolicy late = LatePolicy::kApply;
  std::optional<RelationId> sideline;   // kSideline: where late rows are stated in its place.
  std::optional<RelationId> late_rows;  // kApply: where they are stated beside.
  std::optional<Expression> expire_after;
  std::vector<std::uint32_t> partition_columns;
  std::optional<RelationId> clock;
  std::optional<RelationId> partitions;
};

// Where rows come from or go to: Souffle's directives and the clauses `from` and `to`.
enum class DirectiveKind : std::uint8_t { kInput, kOutput, kPrintSize, kLimitSize, kSource, kSink };

struct Directive {
  DirectiveKind kind = DirectiveKind::kInput;
  RelationId relation{};
  std::string connector;                          // "file", "stdin", "kafka"; empty: not said.
  std::map<std::string, std::string> parameters;  // As spelled; `IO`, `filename`, `delimiter`, …
  SourceSpan span;
};

struct Relation {
  std::string name;  // Qualified as a user would write it: `shop.Order`, `comp.path`.
  std::vector<Column> columns;
  Collection collection = Collection::kSet;
  std::vector<std::uint32_t> key;                   // Keyed relation: its key columns, ascending.
  std::vector<std::vector<std::uint32_t>> indexes;  // Asked for by the author, beside the key.
  bool equivalence = false;             // `eqrel`: closed under symmetry and transitivity.
  Extremum extremum = Extremum::kNone;  // Of the column below; the others are the group.
  std::uint32_t extremum_column = 0;
  bool final_rows = false;  // `final`: keeps what expiry or closing would take.
  bool auxiliary = false;   // Made by lowering or demand; hidden from listings.
  // The text of the denial rule, `false :- …`, whose matches the rows are: no transaction may leave one.
  std::string denial;
  bool dropped = false;  // Only its id is left: no rows, no rules, nobody reads it.
  std::optional<StreamAttributes> stream;
  std::optional<Expression> retain_versions_for;
  std::vector<std::optional<Expression>> defaults;  // Per column; empty when none was given.
  SourceSpan span;
};

// ---------------------------------------------------------------------------------------------------
// Bodies

struct Literal;
using Body = std::vector<Literal>;

// The type of variables that hold a row's identity: a word that no expression computes with.
constexpr vm::Type row_identity_type() { return vm::Type::unsigned_number(64); }

// A row of `relation`. Terms: kVariable, kConstant or kWildcard expressions, one per column.
struct Match {
  RelationId relation{};
  std::vector<Expression> terms;
  // `R{…} as r` in the conditions of a production: the durable identity of the row, for its actions.
  // Rules have no use for it; there `r.column` has become a variable of that column.
  std::optional<VariableId> row;
};

struct Absent {  // No row satisfies the body, given the outer variables.
  Body body;
};

struct Exists {  // Some row does; how many does not matter.
  Body body;
};

struct Filter {  // Kept where the condition is true (not false, not null).
  Expression condition;
};

// `variable` is identical to `value`: binds it where it is not bound yet, compares otherwise. When
// `value` is itself a variable the equation can be read either way.
struct Bind {
  VariableId variable{};
  Expression value;
};

enum class Generator : std::uint8_t { kRange, kElements };

// One row for each value: kRange(from, to[, step]) half open as Souffle's range; kElements(array).
struct Each {
  VariableId variable{};
  Generator generator = Generator::kRange;
  std::vector<Expression> arguments;
};

struct OrderItem {
  Expression value;
  bool descending = false;
  bool nulls_first = false;
};

enum class AggregateOp : std::uint8_t {
  kCount,
  kCountDistinct,
  kSum,
  kMin,
  kMax,
  kMean,
  kCollect,
  kBoolAnd,
  kBoolOr,
  kStringAgg,  // `argument`, `delimiter` before each but the first. Text.
  kArrayAgg,   // The only one that counts null arguments: elements are nullable.
  // SQL's: the result's type is that of the result variable.
  kSqlSum,   // int2, int4 -> int8; int8, numeric -> numeric; float4, float8 -> itself; interval.
  kAverage,  // integers, numeric -> numeric; float4, float8 -> float8; interval.
  kVarPop,
  kVarSamp,
  kStddevPop,
  kStddevSamp,  // integers, numeric -> numeric; float4, float8 -> float8.
  kBitAnd,
  kBitOr,
  kBitXor,  // Integers.
};

// One result of a Reduce. Where there is nothing to aggregate, or the result does not exist:
//   counts give 0 and kSum 0; all others have no result: then a *nullable* result variable is null (SQL),
//   and one that is not nullable makes the binding or the group fail (rules).
// So SQL's ungrouped aggregate is a Reduce for each binding with nothing bound around it, which has
// exactly one row; GROUP BY is one per group.
struct Aggregate {
  AggregateOp op = AggregateOp::kCount;
  VariableId result{};
  std::optional<Expression> argument;   // Over the inner body's variables; absent for count.
  std::optional<Expression> condition;  // FILTER: rows count only where it is true.
  bool distinct = false;                // Identical arguments count once; kNumeric, not displayed.
  std::optional<Expression> delimiter;  // kStringAgg: text, over the inner body.
  // kStringAgg, kArrayAgg: the order of what is put together; ties, and all without an order, by the
  // argument's own order, so that the result is a function of the facts.
  std::vector<OrderItem> order;
};

enum class ReduceForm : std::uint8_t {
  kPerBinding,  // Souffle: one result for each outer binding. Empty: count and sum give 0; min, max and
                // mean have no result, so the outer binding fails.
  kPerGroup,  // SQL, `group … by`: one result for each group that has a row; exports keys and results.
};

struct GroupKey {
  VariableId result{};  // The outer variable that holds the key's value.
  Expression value;     // Over the inner body.
};

struct Reduce {
  ReduceForm form = ReduceForm::kPerBinding;
  std::vector<GroupKey> keys;  // kPerGroup only.
  std::vector<Aggregate> aggregates;
  Body body;
};

// Window functions and top-k: SQL's OVER clause, LIMIT in a subquery, DISTINCT ON.
//
//     OVER (PARTITION BY city ORDER BY age DESC)     partition (city), order (age desc)
//     LIMIT 10 OFFSET 5 ORDER BY age                 order (age), offset 5, limit 10
//     DISTINCT ON (city) … ORDER BY city, age        partition (city), order (age), limit 1
//
// Each match of the body is a row, however often its values occur. Rows whose partition values are
// identical, nulls too, are a partition; it is sorted by `order`, ties by all variables of the body in the
// order of their numbers, so that the result is a function of the facts. Peers are rows that `order` alone
// does not tell apart. Then for each row `functions` are computed, and of each partition those behind the
// first `offset` rows are kept, at most `limit` of them (with_ties: and the peers of the last).
// Exports the body's variables and the results. The body knows nothing of its surroundings: a variable that
// occurs outside too is joined with afterwards, so one ranking for each outer binding (LATERAL … LIMIT) is
// a partition by what the outer body shares with it.
enum class RankFunction : std::uint8_t {
  kRowNumber,
  kRank,
  kDenseRank,
  kLag,         // (value[, how many rows before, or 1[, default, or null]])
  kLead,        // Likewise, behind.
  kFirstValue,  // (value) of the frame's first row; null of an empty frame. So the next two.
  kLastValue,
  kNthValue,  // (value, n)
  kPercentRank,
  kCumeDist,
  kNtile,     // (buckets)
  kAggregate  // `aggregate` of the arguments (none: count of rows) over the rows of the frame.
};
struct RankResult {
  RankFunction function = RankFunction::kRowNumber;
  VariableId result{};
  std::vector<Expression> arguments;
  AggregateOp aggregate = AggregateOp::kCount;  // kAggregate.
  std::optional<Expression> filter;             // kAggregate: only rows for which it is true.
};
// Which rows of its partition a row's frame holds.
enum class FrameMode : std::uint8_t {
  kRange,   // Offsets are added to the one order value: rows whose value lies between.
  kRows,    // Offsets count rows;
  kGroups,  //   groups of peers.
};
enum class FrameBound : std::uint8_t {
  kUnbounded,  // The partition's first row, or last.
  kPreceding,  // `offset` before the current row;
  kCurrent,    //   the current row: its first or last peer, but for kRows;
  kFollowing,  //   `offset` behind it.
};
enum class FrameExclusion : std::uint8_t { kNone, kCurrentRow, kGroup, kTies };
struct FrameEdge {
  FrameBound bound = FrameBound::kUnbounded;
  // kPreceding, kFollowing. Without variables. kRange: whether it is negative, null if it is null.
  std::optional<Expression> offset;
  // kRange with an offset: what the frame reaches to, of each row; null only where the order value is.
  std::optional<Expression> value;
};
struct Frame {
  FrameMode mode = FrameMode::kRange;
  FrameEdge from{FrameBound::kUnbounded, {}, {}};
  FrameEdge to{FrameBound::kCurrent, {}, {}};
  // kRange with an offset: the order value, in the type of the edges' values, and in their order.
  std::optional<Expression> range_value;
  FrameExclusion exclusion = FrameExclusion::kNone;
};
struct Rank {
  std::vector<Expression> partition;
  std::vector<OrderItem> order;
  Frame frame;
  std::vector<RankResult> functions;
  std::optional<Expression> limit, offset;  // Of each partition, bigint, without variables.
  bool with_ties = false;
  Body body;
};

enum class WindowKind : std::uint8_t {
  kTumbling,
  kHopping,
  kSession,
  kCount,
  kOverLast,
  kOverCurrent,
  kLastBefore
};

// The rows of a Match restricted or bucketed by event time; design.md section 6 has the meanings.
//   kTumbling, kHopping, kSession, kCount, kOverLast   in the body of a Reduce per group, one at most
//   kOverCurrent, kLastBefore                          in any body
struct Window {
  WindowKind kind = WindowKind::kTumbling;
  Match match;
  std::vector<Expression> size;         // One duration, or two (size, slide); kCount: of rows.
  std::vector<Expression> partition;    // `by k`: the keys of the Reduce around it.
  std::optional<Expression> reference;  // kLastBefore: the time the row must precede.
  std::optional<VariableId> bucket;
};

// Event patterns: SQL's MATCH_RECOGNIZE, and the sequences of the rule language.
//
//     PATTERN (A B+ C) DEFINE B AS price < PREV(price), C AS price > PREV(price)
//
//         root      concat(A, B[1..*], C)
//         symbols   A; B: _1 < _2; C: _1 > _2            conditions know only `operands`
//         operands  _1 = price of the last row, _2 = price of the row before that
//
// Each match of the body is a row, as for a Rank. Partitions and their order are those of a Rank, too: ties by
// all variables of the body in the order of their numbers. A match begins at a row and gives the rows from
// there on a symbol each, as the tree says; of several ways the one that SQL:2016 prefers counts: of
// alternatives the first, of a greedy repetition the longer, of a reluctant one the shorter.
//
// A *relaxed* concat or repetition lets other rows stand between its parts. A row is passed over only where
// none of the symbols that could come next takes it.
//
// Exports the results of the measures, and nothing else. The body knows nothing of its surroundings.
enum class PatternKind : std::uint8_t {
  kSymbol,
  kConcat,  // Without children: the empty pattern.
  kAlternate,
  kRepeat,
  kPermute,
  kExclude,  // `{- … -}`: of all rows per match these are left out.
  kAbsent,  // A part of a relaxed concat, not the first: no row of the symbol until the next part's.
  kAnchorStart,
  kAnchorEnd
};
struct PatternNode {
  PatternKind kind = PatternKind::kSymbol;
  std::uint32_t symbol = 0;                      // kSymbol, kAbsent: position in Pattern::symbols.
  std::uint32_t repeat_min = 1, repeat_max = 1;  // kRepeat; repeat_max = UINT32_MAX is unbounded.
  bool reluctant = false;
  bool relaxed = false;  // kConcat, kRepeat: other rows may stand between the parts.
  // kAbsent, as the end of the pattern and only there: the first instant that is too late for the symbol, of
  // the row matched before it. The match is there when the watermark has reached it.
  std::optional<Expression> deadline;
  std::vector<PatternNode> children;
};
struct PatternSymbol {
  std::string name;
  std::optional<Expression> condition;  // Over results of `operands`; none: every row.
};
enum class PatternValueKind : std::uint8_t {
  kLabelled,    // `value` of a row of the match: FIRST, LAST, PREV, NEXT.
  kStart,       // `value` of the row at which the match begins, also where the match is empty.
  kRow,         // All rows: `value` of the row that is put out.
  kAggregate,   // Over rows of the match: of `value`, or the count of them.
  kClassifier,  // The symbol that the row has which kLabelled would find; null outside of the match.
  kMatchNumber,  // From 1 in each partition.
};
// What is known of a match: a variable of the rule, and how it comes by its value. Null where there is no such
// row; a variable that cannot be null says that there always is one, and that its value is none. In a condition the match ends with the row in question, which has the symbol already; in measures of all
// rows it ends with the row that is put out, unless `final_rows`.
struct PatternValue {
  PatternValueKind kind = PatternValueKind::kLabelled;
  VariableId result{};
  std::vector<std::uint32_t> symbols;  // Rows with one of these, ascending; none: of any.
  bool from_first = false;       // FIRST: counted from the first such row, else from the last.
  std::uint32_t occurrence = 0;  // So many further in that direction.
  std::int64_t shift = 0;        // Then so many rows down the partition: NEXT; negative: PREV.
  bool final_rows = false;
  std::optional<Expression> value;  // Over the body's variables.
  AggregateOp aggregate = AggregateOp::kCount;
};
enum class AfterMatch : std::uint8_t {
  kPastLastRow,
  kToNextRow,  // Each row is tried; matches share rows.
  kToFirst,    // To the first row with one of `skip_symbols`; to the last.
  kToLast
};
enum class PatternRows : std::uint8_t {
  kOne,           // A row for each match, empty ones too.
  kMatched,       // Each row of each match; an empty one has its first row.
  kNotEmpty,      // Each row of each match; nothing of an empty one.
  kWithUnmatched  // As kMatched, and the rows that no match holds.
};
struct Pattern {
  Body body;
  std::vector<Expression> partition;
  std::vector<OrderItem> order;
  PatternNode root;
  std::vector<PatternSymbol> symbols;
  std::vector<PatternValue> operands;
  std::vector<PatternValue> measures;
  // Event time: a row's, and of the row at which a match begins the first instant that is too late for the
  // rows of the match. Timestamps.
  std::optional<Expression> time, within;
  // Where it is not null the row is no event but the watermark of a stream; the least of them counts. The
  // values of the partition are null there.
  std::optional<Expression> watermark;
  AfterMatch after_match = AfterMatch::kPastLastRow;
  std::vector<std::uint32_t> skip_symbols;
  PatternRows rows = PatternRows::kOne;
  // A match counts only where no row that comes behind those that are there could make it another; else the
  // partition is taken to be complete.
  bool only_decided = false;
};

struct Literal {
  std::variant<Match, Absent, Exists, Filter, Bind, Each, Reduce, Rank, Window, Pattern> node;
  SourceSpan span;
};

// ---------------------------------------------------------------------------------------------------
// Rules

struct Variable {
  std::string name;  // As spelled; what lowering invents has a name that starts with '_'.
  vm::Type type;
  bool nullable = false;
  SourceSpan span;
};

struct Head {
  RelationId relation{};
  std::vector<Expression> terms;
  SourceSpan span;
};

// `.plan`: for each version of a recursive rule the order of its positive atoms, from 1.
struct PlanHint {
  std::map<std::uint32_t, std::vector<std::uint32_t>> orders;
};

struct Rule {
  Head head;
  Body body;
  std::vector<Variable> variables;
  std::optional<PlanHint> plan;
  std::string
      name;  // For messages and statistics; the head's name and a number where none was given.
  SourceSpan span;
};

// ---------------------------------------------------------------------------------------------------
// Procedures, productions, queries

struct Statement;
using Block = std::vector<Statement>;

enum class ChangeKind : std::uint8_t {
  kInsert,
  kUpsert,
  kModify,
  kDelete,
  kRetract,
  kEmit,
  kDerive
};
// A change of stated rows, or an event. `values` has an entry for each column:
//   kInsert, kEmit   every value is there: where none was written the column's default, or null
//   kUpsert          of a keyed relation; every key column is there. An absent one stays as it is when
//                    there is a row under the key, else it is the column's default, or null
//   kModify          of the row `row` of a keyed relation or a bag; an absent one stays as it is
//   kDelete          of the row `row` of a keyed relation or a bag; no values
//   kRetract         of the rows that are identical in the values that are there; of a bag only the
//                    newest of them goes. None there is no mistake
//   kDerive          does not occur in a lowered program: such an action became a Rule
struct Change {
  ChangeKind kind = ChangeKind::kInsert;
  RelationId relation{};
  std::vector<std::optional<Expression>> values;
  std::optional<VariableId> row;  // kModify, kDelete: the `row` of a Match around the action.
};
struct Let {
  VariableId variable{};
  Expression value;
};
struct Branch {
  Body condition;  // Holds when some row satisfies it; what it binds is not visible in the blocks.
  std::shared_ptr<const Block> then_block, else_block;
};
struct ForEach {  // The block for each row of the body, as it is when the activation fires.
  Body body;
  std::shared_ptr<const Block> block;
};
struct CallProcedure {
  std::string procedure;
  std::vector<Expression> arguments;
  std::optional<VariableId> result;
};
struct Schedule {
  Expression delay;
  std::shared_ptr<const Block> block;
};
struct Focus {
  std::string group;
};
struct LogText {
  std::vector<Expression> parts;
};
struct HaltAgenda {};

struct Statement {
  std::variant<Change, Let, Branch, ForEach, CallProcedure, Schedule, Focus, LogText, HaltAgenda>
      node;
  SourceSpan span;
};

struct Procedure {
  std::string name;
  std::vector<Variable> parameters;
  std::vector<Variable> locals;
  Block block;
  SourceSpan span;
};

// A rule with actions: `when` body `then` actions. One match of the body is one activation. Alternatives
// in the conditions make several productions of one name, in the order of the text: who satisfies two of
// them has two activations. `derive` among the actions is a Rule of its own with the same body.
struct Production {
  std::string name;  // Of one `rule` in the text: productions share it only as alternatives.
  Body body;
  std::vector<Variable> variables;     // Of the body, then of the actions: `let`, `for`, rows.
  std::optional<Expression> salience;  // A number, over the body's variables.
  std::string group;
  std::string exclusive_group;
  bool no_loop = false;
  bool lock_on_active = false;
  bool auto_focus = false;
  std::optional<std::string> cron;
  std::string doc;
  Block actions;
  SourceSpan span;
};

struct Query {
  std::string name;
  std::vector<Variable> parameters;  // Variables 0 … n-1 of `rule` are these, in order.
  Rule rule;  // Its head is an auxiliary relation: parameters, then the selection.
  std::vector<std::string> column_names;
  std::vector<OrderItem> order;  // Over the rule's variables.
  std::optional<Expression> limit;
  std::optional<Expression> as_of;
  SourceSpan span;
};

// ---------------------------------------------------------------------------------------------------
// The program

struct Stratum {  // One strongly connected component of relations, dependencies first.
  std::vector<RelationId> relations;
  std::vector<RuleId> rules;
  bool recursive = false;
};

struct RuleProgram {
  vm::TypeTable types;
  std::vector<Relation> relations;
  std::vector<Rule> rules;  // Facts too: rules with an empty body and constant head terms.
  std::vector<Production> productions;
  std::vector<Procedure> procedures;
  std::vector<Query> queries;
  std::vector<Directive> directives;
  std::vector<Stratum> strata;  // Filled by stratify().
  std::map<std::string, std::string> pragmas;
  std::uint8_t number_bits = 64;  // 32 with --number=32.

  const Relation& relation(RelationId id) const { return relations[index_of(id)]; }
  Relation& relation(RelationId id) { return relations[index_of(id)]; }
  const Rule& rule(RuleId id) const { return rules[index_of(id)]; }
};

}  // namespace entail::datalog
