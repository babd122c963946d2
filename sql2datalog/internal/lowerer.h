// sql2datalog/internal/lowerer.h - one statement on its way to rules.
//
// Everything below makes one of these, which lives as long as the lowering of one statement.
//
// Variables are numbered through the whole statement, not by rule: a literal can then move from one rule to
// another, or stand in several, and keeps its meaning. Each has the depth of the query it was made in: what
// a body uses of smaller depth than the query's own is an *outer* variable, and the query is correlated.
//
//     SELECT * FROM o WHERE o.n > (SELECT count(*) FROM l WHERE l.o = o.id)
//        depth 0: o.id, o.n                          depth 1: l.o
//
// A body with outer variables can stand inside the outer body (Exists, Absent, Reduce for each binding).
// Where it must become a relation (grouped, limited, united), that relation has the outer variables as its
// first columns, and its rules begin with the *domain*: the values that the outer body gives them.
//
// make_relation() does both, so whoever lowers a construct need not think about correlation.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "datalog/rule_program.h"
#include "grammar/sql_tree.h"
#include "sql2datalog/internal/lowering_error.h"
#include "sql2datalog/internal/overloads.h"
#include "sql2datalog/internal/typed.h"
#include "sql2datalog/lower_statement.h"
#include "sql2datalog/sql_catalog.h"
#include "vm/scalar_functions.h"

namespace entail::sql2datalog::internal {

namespace ast = grammar::sql;
using datalog::Body;
using datalog::Collection;
using datalog::Expression;
using datalog::ExpressionOp;
using datalog::Literal;
using datalog::Match;
using datalog::RelationId;
using datalog::VariableId;

// ---------------------------------------------------------------------------------------------------
// Scopes

struct ScopeColumn {
  std::string name;
  Typed value;
  Oid table = 0;
  std::uint32_t attribute = 0;
};

// One item of FROM, as its alias shows it.
struct ScopeItem {
  std::string alias;
  std::string schema;  // Where `schema.table.column` may be said.
  std::vector<ScopeColumn> columns;
  const TableDescription* table = nullptr;
  bool scalar_function = false;  // Its alias alone names its one column.
};

// A column that can be said without its item: those of all items, but for columns merged by USING.
struct VisibleColumn {
  ScopeColumn column;
  std::uint32_t item = 0;  // Of the items; kMerged for one that USING made.
};
inline constexpr std::uint32_t kMerged = UINT32_MAX;

// A function that returns rows and has none, because there are no partitions.
inline constexpr std::string_view kFunctionWithoutRows = "pg_partition_ancestors";

struct Scope {
  std::vector<ScopeItem> items;
  std::vector<VisibleColumn> visible;  // In the order of `*`.
  const Scope* outer = nullptr;        // Names that are not here are looked for there.
  const Scope* enclosing = nullptr;    // The same for a subquery that is not LATERAL.
};

// ---------------------------------------------------------------------------------------------------
// Queries

struct OrderKey {
  Typed value;
  bool descending = false;
  bool nulls_first = false;
};

// The rows of a query: for each match of the body one, with these columns.
struct Rows {
  Body body;
  std::vector<ScopeColumn> columns;
  // Of the outermost query only; elsewhere they became rankings.
  std::vector<OrderKey> order;
  std::optional<Expression> limit, offset;
  bool distinct = false;     // Rows that are equal count once; so far the body does not do it.
  bool exactly_one = false;  // There is always one row.
  bool at_most_one = false;
  std::vector<LockingRequest> locking;
  std::vector<std::vector<Typed>> locked_rows;
};

struct AggregateCall {
  datalog::Aggregate aggregate;
  SqlType type;
};

struct WindowCall {
  std::vector<Typed> partition;
  std::vector<OrderKey> order;
  datalog::Frame frame;
  datalog::RankResult result;
};

struct GroupingCall {  // GROUPING(a, b)
  std::vector<Expression> arguments;
  VariableId result{};
};

// A function that returns rows; see set_functions.cc.
struct SetFunction {
  std::string name;
  std::vector<std::pair<VariableId, Expression>> binds;  // What its rows are computed from.
  std::vector<Expression> needed;                        // No rows where one of these is null.
  Expression count;                                      // bigint
  std::vector<ScopeColumn> columns;                      // Of the row at a position.
  std::vector<VariableId> results;  // By column, where they have a name already.
  bool named_columns = false;       // Their names are the function's, whatever its alias.
  // A series of integers that stands alone.
  std::optional<datalog::Each> range;
  std::optional<Typed> alone;
};

// What a block collects while its expressions are lowered.
struct Collector {
  bool grouped = false;
  std::vector<AggregateCall> aggregates;
  std::vector<GroupingCall> groupings;
  std::vector<WindowCall> windows;
  std::vector<SetFunction> set_functions;
  VariableId position{};  // Of a row of theirs.
  const std::vector<ast::NamedWindow>* named_windows = nullptr;
};

// Where an expression stands.
struct Place {
  const Scope* scope = nullptr;
  Body* out = nullptr;             // Gets the literals of subqueries; null: none are allowed.
  Body* domain = nullptr;          // The body whose rows the expression is computed for.
  Collector* collector = nullptr;  // Null: neither aggregates nor window functions.
  const char* clause = "WHERE";
  bool in_aggregate = false;
  bool in_window = false;
  bool one_row = false;  // Evaluated once: nextval() and random() may be session values.
};

// A WITH query that is in scope.
struct CommonTable {
  std::string name;
  RelationId relation{};
  std::vector<VariableId> outer;     // Its first columns.
  std::vector<ScopeColumn> columns;  // Values: of `fresh` variables, one a column, to be renamed.
  std::uint32_t hidden = 0;          // Columns behind `outer` that serve the recursion alone.
  bool recursive_use = false;        // While its own recursive term is lowered.
  std::uint32_t uses = 0;
};

// A rule in the statement's numbering.
struct PendingRule {
  RelationId head{};
  std::vector<Expression> terms;
  Body body;
};

struct Alternative {
  Body body;
  std::vector<Expression> terms;
};

struct MadeRelation {
  RelationId relation{};
  std::vector<VariableId> outer;
  std::vector<datalog::Column> columns;  // Those behind `outer`.
};

struct ChangeTarget;  // changes.h

class Lowerer {
 public:
  explicit Lowerer(const LoweringContext& context);

  // --- whole statements (lower_query.cc)
  LoweredQuery query(const ast::Query& query);
  // Makes `rows` the answer. Columns behind `visible` are not the client's.
  LoweredQuery finish(Rows rows, std::size_t visible);
  LoweredView view(Rows rows, bool materialized);
  void take_parameter_types();

  // --- queries (select.cc, set_operations.cc, with.cc)
  Rows rows_of(const ast::Query& query, const Scope* outer, bool outermost);
  Rows rows_of_select(const ast::Query& query, const ast::Select& select, const Scope* outer,
                      bool outermost);
  Rows rows_of_values(const ast::Query& query, const ast::Values& values, const Scope* outer);
  Rows rows_of_set_operation(const ast::Query& query, const ast::SetOperation& operation,
                             const Scope* outer);
  void take_limit(Rows& rows, const ast::Query& query, const Scope* outer);
  // Ranks: keeps the rows that ORDER BY, LIMIT and OFFSET say.
  void cut(Rows& rows, bool with_ties);
  void cut_partitions(Rows& rows, std::vector<Expression> partition, bool with_ties);
  // Rows of no columns can be ranked too: one partition, named by a variable.
  void stand_on_something(datalog::Rank& ranking);
  void make_distinct(Rows& rows);
  void resolve_unknowns(Rows& rows);
  void declare_common_tables(const ast::With& with, const Scope* outer);
  void declare_recursive(const ast::CommonTable& table, const Scope* outer);
  Rows combine(ast::SetOperator op, bool all, Rows left, Rows right, ast::Span span);
  void common_columns(std::vector<Rows*> operands, std::string_view construct, ast::Span span);

  // The columns of a select list, stars expanded.
  std::vector<ScopeColumn> select_items(const std::vector<ast::SelectItem>& items,
                                        const Scope& scope, Place& place);

  // --- changes (lower_change.cc)
  // The new row of an UPDATE: `old` with the assignments, of the columns' machine types.
  std::vector<Typed> assigned_row(const ChangeTarget& target,
                                  const std::vector<ast::Assignment>& assignments,
                                  const ScopeItem& item, const std::vector<Expression>& old,
                                  Place& place, std::vector<std::uint32_t>& assigned,
                                  std::vector<InsertColumn>& from);

  // --- FROM (from.cc, joins.cc)
  void from_items(const std::vector<ast::TableItem>& items, Scope& scope, Body& body);
  // `alone`: nothing else stands in FROM.
  void from_item(const ast::TableItem& item, bool alone, Scope& scope, Body& body);
  void from_table(const ast::TableName& table, ast::Span span, Scope& scope, Body& body);
  void from_query(const ast::DerivedTable& derived, ast::Span span, Scope& scope, Body& body);
  void from_join(const ast::Join& join, ast::Span span, Scope& scope, Body& body);
  ScopeItem table_item(const TableDescription& table, RelationId relation, Body& body);
  // The items of a view, its query lowered under its own search path.
  ScopeItem view_item(const TableDescription& view, Body& body, ast::Span span);
  RelationId given_relation(const TableDescription& table, GivenKind kind,
                            const ast::TimeTravel* travel);
  void add_item(Scope& scope, ScopeItem item, const std::optional<ast::Alias>& alias,
                ast::Span span);
  ScopeItem item_of_rows(Rows rows, Body& body);

  // --- functions that return rows (set_functions.cc)
  static bool is_set_function(const ast::FunctionCall& call);
  void refuse_set_functions(const ast::Expression& e, std::string_view place) const;
  SetFunction set_function(const ast::FunctionCall& call, const Expression& position,
                           ast::Span span, Place& place);
  void series(SetFunction& function, std::vector<Typed> arguments, const Expression& position,
              ast::Span span);
  void rows_of_array(SetFunction& function, Typed array, SqlType element,
                     const Expression& position, std::string_view column);
  Expression given_to(SetFunction& function, Typed value, std::string_view name);
  // Their rows side by side, as literals: the columns' values are variables then. `numbered`: the position
  // is asked for.
  void spread(std::vector<SetFunction>& functions, VariableId position, bool numbered, Body& body);
  Typed set_function_value(const ast::FunctionCall& call, ast::Span span, Place& place);
  void from_function(const ast::TableFunction& from, bool alone, ast::Span span, Scope& scope,
                     Body& body);
  std::set<VariableId> outer_variables_before(const Body& body) const;

  // --- names (scopes.cc)
  const ScopeColumn& resolve_column(const ast::ColumnRef& name, const Scope* scope, ast::Span span);
  const ScopeColumn* find_column(const ast::ColumnRef& name, const Scope* scope, ast::Span span);
  void expand_star(const ast::ColumnRef& star, const Scope& scope, ast::Span span,
                   std::vector<ScopeColumn>& out);
  DeclaredType declared_type(const ast::TypeName& name);

  // --- expressions (expressions.cc, operators.cc, calls.cc, literals.cc)
  Typed expression(const ast::Expression& e, Place& place);
  Typed literal(const ast::Literal& literal, ast::Span span);
  Typed interval_literal(const ast::TypedLiteral& node, ast::Span span) const;
  Typed column(const ast::ColumnRef& name, ast::Span span, Place& place);
  Typed parameter(const ast::Parameter& parameter, ast::Span span);
  Typed unary(const ast::Unary& unary, ast::Span span, Place& place);
  Typed operation(const ast::OperatorName& op, Typed left, Typed right, ast::Span span);
  Typed apply_candidate(const Candidate& candidate, std::vector<Typed> arguments, ast::Span span);
  Typed comparison(std::string_view symbol, Typed left, Typed right, ast::Span span);
  Typed row_comparison(std::string_view symbol, const std::vector<Typed>& left,
                       const std::vector<Typed>& right, ast::Span span);
  std::vector<Typed> row_fields(const ast::Expression& e, Place& place);
  Typed boolean(const ast::Expression& e, Place& place, std::string_view construct);
  Typed case_of(const ast::Case& c, ast::Span span, Place& place);
  Typed call(const ast::FunctionCall& call, ast::Span span, Place& place);
  void add_text_parts(const Expression& value, const std::string& function, ast::Span span,
                      std::vector<TextPart>& parts);
  std::optional<Typed> special_function(const ast::FunctionCall& call, std::string_view name,
                                        ast::Span span, Place& place);
  Typed scalar_call(std::string_view name, std::vector<Typed> arguments, ast::Span span);
  // "lower(text)", as messages name a call. A star is no argument.
  std::string call_text(std::string_view name, std::span<const Typed> arguments) const;
  [[noreturn]] void no_function(std::string_view name, std::span<const Typed> arguments,
                                ast::Span span) const;
  Typed invoke(const vm::ScalarSignature& signature, std::vector<Typed> arguments, ast::Span span);
  Typed session_value(SessionValue value, SqlType type, ast::Span span, const Place& place,
                      bool per_row);
  Typed value_function(const ast::ValueFunction& function, ast::Span span, Place& place);
  Typed aggregate_call(const ast::FunctionCall& call, ast::Span span, Place& place);
  Typed window_call(const ast::FunctionCall& call, ast::Span span, Place& place);
  // The window's clauses, with those of the windows that it refines.
  void take_window(const ast::Window& window, WindowCall& call, ast::Span span, Place& place);
  void take_frame(const ast::Frame& frame, WindowCall& call, Place& place);
  Typed special_call(const ast::SpecialCall& call, ast::Span span, Place& place);
  Typed array_of(std::vector<Typed> elements, ast::Span span);
  Typed subscript(const ast::Subscript& s, ast::Span span, Place& place);
  Typed like(const ast::Like& like, ast::Span span, Place& place);
  Typed between(const ast::Between& b, ast::Span span, Place& place);
  Typed in_list(const ast::InList& in, ast::Span span, Place& place);
  Typed conjunction(ast::LogicalOp op, std::vector<Typed> operands);

  // --- subqueries (subqueries.cc)
  // The rows of a subquery and the number of its depth. Where it uses nothing from around it becomes a
  // relation, if `settle` says so: of its values, or with one row if there is any.
  enum class Settle : std::uint8_t { kNever, kExistence, kValues };
  struct Inner {
    Rows rows;
    std::uint32_t depth = 0;
    bool correlated = false;
  };
  Inner subquery_rows(const ast::Query& query, Place& place, Settle settle);
  bool mentions_before(const Rows& rows, std::uint32_t depth) const;
  // A copy whose inner variables are others: a body may stand in a rule once.
  Body renewed(const Body& body, std::vector<Typed>& columns, std::uint32_t depth);
  Typed subquery(const ast::Subquery& subquery, ast::Span span, Place& place);
  // The columns of its only row, each as a value.
  std::vector<Typed> subquery_columns(const ast::Query& query, Place& place);
  Typed quantified(const ast::Quantified& q, ast::Span span, Place& place);
  Typed in_query(const ast::InQuery& in, ast::Span span, Place& place);
  // `x op ANY (rows)`, or ALL, as a value.
  Typed any_of(const std::vector<Typed>& left, std::string_view symbol, bool all, Inner inner,
               ast::Span span, Place& place);
  // A condition that rows must meet, put into place.out as literals.
  void condition(const ast::Expression& e, Place& place);
  bool subquery_condition(const ast::Expression& e, bool negated, Place& place);
  std::vector<Typed> matching_columns(const std::vector<Typed>& left, Rows& rows, ast::Span span);
  // The value of the only row of `rows`, null where there is none, an error where there are several (if
  // `checked`).
  Typed single_value(Inner inner, Place& place, bool checked);
  Typed catalog_function(const TableDescription& table, const ast::FunctionCall& node,
                         ast::Span span, Place& place);
  // Variables of `depth` and above are the reduction's own.
  void add_reduce(Place& place, datalog::Reduce reduce, std::uint32_t depth);

  // --- types (coerce.cc)
  enum class CastContext : std::uint8_t { kImplicit, kAssignment, kExplicit };
  bool can_coerce(Oid from, Oid to, CastContext context) const;
  // As far as types go; the typmod is applied as well.
  Typed coerce(Typed value, SqlType to, CastContext context, ast::Span span);
  // The same for an assignment, with its own message.
  Typed assign(Typed value, const ColumnDescription& column, ast::Span span);
  Typed cast(Typed value, SqlType to, ast::Span span);
  Typed unknown_to(Typed value, SqlType to, ast::Span span);
  // Fails as the type's input does where the text is none of its values.
  void check_literal(vm::Type type, const std::string& text, ast::Span span) const;
  Typed apply_typmod(Typed value, SqlType to, bool explicit_cast);
  SqlType common_type(const std::vector<Typed>& values, std::string_view construct, ast::Span span);
  std::vector<Typed> to_common_type(std::vector<Typed> values, std::string_view construct,
                                    ast::Span span);
  vm::Type machine(SqlType type);
  std::string type_name(SqlType type) const;
  char category(Oid oid) const;
  bool preferred(Oid oid) const;
  void set_parameter_type(std::uint32_t number, SqlType type, ast::Span span);
  Typed resolved(Typed value, ast::Span span);  // An unknown becomes text.

  // --- blocks (grouping.cc)
  // A SELECT while it is put together.
  struct Key {  // Of GROUP BY.
    Typed value;
    VariableId result{};
  };
  struct Block {
    Scope scope;
    Body body;  // FROM and WHERE; after grouping the groups.
    Body post;  // What comes after grouping: HAVING, and subqueries of the select list.
    Collector collector;
    std::vector<ScopeColumn> items;
    std::vector<OrderKey> order;
    std::vector<Typed> distinct_on;
    std::vector<Key> keys;
    std::vector<std::vector<std::size_t>> sets;  // GROUPING SETS, as positions in `keys`.
    std::vector<std::vector<Typed>*> more;       // Further expressions over the groups.
  };
  void take_grouping(Block& block, const ast::Select& select, Place& place);
  // What keys need of the literals behind the grouping goes before it.
  void move_up(Block& block);
  void group(Block& block);
  void rank(Block& block);
  void spread_rows(Block& block);  // Functions that return rows, in the select list.
  void each_value(Block& block, const std::function<void(Typed&)>& f);
  OrderKey order_key(const ast::SortItem& item, Typed value) const;
  Typed order_value(const ast::Expression& e, Block& block, Place& place, bool group_by);
  AggregateCall make_aggregate(const ast::FunctionCall& call, ast::Span span, Place& place);
  void refuse_outer(const AggregateCall& call, ast::Span span) const;
  // Aggregates that are a value computed from others (composed_aggregates.cc): `inside` is where their
  // arguments stand, `place` where they do themselves; `add` takes each of the others.
  using AddAggregate = std::function<Typed(AggregateCall)>;
  static bool is_composed_aggregate(std::string_view name);
  Typed composed_aggregate(const ast::FunctionCall& call, ast::Span span, Place& inside,
                           Place& place, const AddAggregate& add);
  bool has_aggregate(const ast::Expression& e) const;
  bool has_window(const ast::Expression& e) const;
  bool is_aggregate_name(const ast::FunctionCall& call) const;

  // --- bodies and relations (relations.cc)
  VariableId new_variable(std::string_view name, vm::Type type, bool nullable);
  Expression mention(VariableId id) const;
  RelationId new_relation(std::string_view hint, std::vector<datalog::Column> columns,
                          Collection collection);
  // A relation with a rule for each alternative.
  MadeRelation make_relation(std::string_view hint, Collection collection,
                             std::vector<Alternative> alternatives);
  // Reads it: fresh variables for its columns; nothing where a column is not wanted.
  std::vector<VariableId> read_relation(const MadeRelation& made, Body& body);
  // Moves the rows of a body into a relation, unless it is one match already. Its variables keep their
  // numbers.
  void stage(Body& body);
  void domain_literals(const std::set<VariableId>& outer, Body& body);
  std::set<VariableId> outer_variables(const Body& body, std::span<const Expression> terms) const;
  void add_rule(RelationId head, std::vector<Expression> terms, Body body);
  Rows materialized(Rows rows, std::string_view hint, Collection collection);
  // The expression with other variables; what is strict of a null is null.
  static void rename(Expression& e, const std::map<VariableId, VariableId>& to,
                     const std::vector<datalog::Variable>& variables);
  void tell_position(VariableId variable, ast::Span span) { mentions_[variable] = span; }

  // --- the program (program.cc)
  datalog::RuleProgram assemble(RelationId answer);

  // --- errors
  std::uint32_t position(ast::Span span) const;
  [[noreturn]] void fail(std::string_view sqlstate, std::string message, ast::Span span,
                         std::string hint = {}, std::string detail = {}) const;
  [[noreturn]] void unsupported(std::string construct, ast::Span span) const;

  // NOLINTBEGIN(readability-identifier-naming): one state, whose functions stand in many files.
  const LoweringContext& context_;
  const SqlCatalog& catalog_;
  std::vector<std::string> search_path_;
  std::uint32_t catalog_relations_ = 0;
  std::vector<datalog::Relation> relations_;  // Behind those of the catalog.
  std::vector<PendingRule> rules_;
  std::vector<datalog::Variable> variables_;
  std::vector<std::uint32_t> depths_;               // By variable.
  std::map<VariableId, std::string> column_names_;  // "t.a", for messages.
  std::map<VariableId, ast::Span> mentions_;        // Where a column was last mentioned.
  std::uint32_t depth_ = 0;
  // Each query gets a number of its own, larger than those of all before it: a body that took over a lateral
  // subquery has variables of both, and what is nested in it sees both as outer ones.
  std::uint32_t deepest_ = 0;
  struct Frame {
    Body* body = nullptr;  // Of the query around.
    std::uint32_t depth = 0;
  };
  std::vector<Frame> frames_;
  std::vector<SqlType> parameters_;
  std::vector<SessionValue> session_values_;
  std::vector<GivenRelation> given_;
  std::set<RelationId> reads_;
  std::vector<CommonTable> common_tables_;
  std::uint32_t view_depth_ = 0;
  bool parameters_known_ = true;  // Else a parameter without a type may get one from another query.
                                  // NOLINTEND(readability-identifier-naming)

 private:
  Typed inner_expression(const ast::Expression& e, Place& place);
};

// One deeper in the nest of queries, while it lives.
class Deeper {
 public:
  Deeper(Lowerer& lowerer, Body* domain) : lowerer_(lowerer) {
    lowerer_.frames_.push_back({domain, lowerer_.depth_});
    lowerer_.depth_ = ++lowerer_.deepest_;
  }
  ~Deeper() {
    lowerer_.depth_ = lowerer_.frames_.back().depth;
    lowerer_.frames_.pop_back();
  }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  Lowerer& lowerer_;
};

}  // namespace entail::sql2datalog::internal
