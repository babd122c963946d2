// grammar/sql_tree.h - SQL statements as data: what was written, with spans, and nothing concluded.
//
// Every node is a plain value: copyable, comparable (two trees are equal when they say the same,
// wherever it stood), owned by its parent. Expressions and queries are in sql_expression.h.
//
//     Statement
//       node: SelectStatement | Insert | Update | CreateTable | Begin | ... (a variant)
//       span: the statement's own text, without the semicolon
//
// How to read one:  if (const auto* insert = statement.as<Insert>()) ...  or std::visit over
// `statement.node`.
//
// Conventions
//   - Spans are byte offsets in the whole text that was parsed, also in its second statement.
//   - Unquoted names are folded to lower case; `Identifier::quoted` remembers who was not.
//   - Brackets leave no trace but in Row and where a Query is an operand of its own.
//   - Option lists (WITH (...), COPY's, CREATE ROLE's) keep their values as text in the order
//     written; what they mean is the engine's to say.
//   - Statements that Entail does not know keep their words (OtherStatement), so that the refusal
//     can name them.
//
// Source: PostgreSQL 15's reference of SQL commands; SUBSCRIBE is ours.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "grammar/sql_expression.h"

namespace entail::grammar::sql {

// `name`, `name = value`, `name value`. The name may have a namespace: "toast.fillfactor".
struct Option {
  std::string name;                  // Folded to lower case.
  std::optional<std::string> value;  // A string's contents, a number or words as spelled (folded).
  bool quoted = false;               // The value was a string.
  std::vector<std::string> list;     // A bracketed value: FORCE_QUOTE (a, b); `*` is "*".
  Span span;
  bool operator==(const Option&) const = default;
};

enum class DropBehavior : std::uint8_t { kDefault, kCascade, kRestrict };

// ------------------------------------------------------------------------------------------------
// Rows: SELECT, INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY
// ------------------------------------------------------------------------------------------------

struct SelectStatement {
  Query query;
  bool operator==(const SelectStatement&) const = default;
};

// A column that is assigned: `a`, `a[1]`, `a.field`.
struct AssignmentTarget {
  Identifier column;
  std::vector<SubscriptPart> subscripts;
  std::vector<Identifier> fields;
  bool operator==(const AssignmentTarget&) const = default;
};

// `a = e`: one target. `(a, b) = (e, f)`, `= ROW(e, f)`, `= (SELECT ...)`: several, one value.
struct Assignment {
  std::vector<AssignmentTarget> targets;
  bool multiple = false;  // Written with brackets, even around one.
  Expression value;       // May be a DefaultValue, also inside a Row.
  Span span;
  bool operator==(const Assignment&) const = default;
};

enum class Overriding : std::uint8_t { kNone, kUserValue, kSystemValue };

struct IndexElement {     // Of CREATE INDEX and ON CONFLICT
  Expression expression;  // A ColumnRef of one part, or any other.
  std::optional<QualifiedName> collation;
  std::optional<QualifiedName> operator_class;
  SortDirection direction = SortDirection::kDefault;
  NullsOrder nulls = NullsOrder::kDefault;
  Span span;
  bool operator==(const IndexElement&) const = default;
};

struct OnConflict {
  std::vector<IndexElement> target;      // (a, b)
  Maybe<Expression> target_where;        // (a) WHERE p
  std::optional<Identifier> constraint;  // ON CONSTRAINT c
  bool do_update = false;
  std::vector<Assignment> assignments;
  Maybe<Expression> where;
  Span span;
  bool operator==(const OnConflict&) const = default;
};

struct Insert {
  Maybe<With> with;
  QualifiedName table;
  std::optional<Identifier> alias;
  std::vector<AssignmentTarget> columns;
  Overriding overriding = Overriding::kNone;
  Maybe<Query> source;  // Absent: DEFAULT VALUES. Its Values may hold DefaultValue.
  Maybe<OnConflict> on_conflict;
  std::vector<SelectItem> returning;
  bool operator==(const Insert&) const = default;
};

struct Update {
  Maybe<With> with;
  QualifiedName table;
  bool only = false;
  std::optional<Identifier> alias;
  std::vector<Assignment> assignments;
  std::vector<TableItem> from;
  Maybe<Expression> where;
  std::vector<SelectItem> returning;
  bool operator==(const Update&) const = default;
};

struct Delete {
  Maybe<With> with;
  QualifiedName table;
  bool only = false;
  std::optional<Identifier> alias;
  std::vector<TableItem> using_items;
  Maybe<Expression> where;
  std::vector<SelectItem> returning;
  bool operator==(const Delete&) const = default;
};

enum class MergeAction : std::uint8_t { kUpdate, kDelete, kInsert, kNothing };

struct MergeBranch {
  bool matched = false;  // WHEN [NOT] MATCHED
  Maybe<Expression> condition;
  MergeAction action = MergeAction::kNothing;
  std::vector<Assignment> assignments;    // kUpdate
  std::vector<AssignmentTarget> columns;  // kInsert
  Overriding overriding = Overriding::kNone;
  std::vector<Expression> values;  // kInsert; none: DEFAULT VALUES.
  Span span;
  bool operator==(const MergeBranch&) const = default;
};

struct Merge {
  Maybe<With> with;
  QualifiedName table;
  bool only = false;
  std::optional<Identifier> alias;
  TableItem source;
  Expression condition;
  std::vector<MergeBranch> branches;
  bool operator==(const Merge&) const = default;
};

struct Truncate {
  std::vector<QualifiedName> tables;
  bool restart_identity = false;
  DropBehavior behavior = DropBehavior::kDefault;
  bool operator==(const Truncate&) const = default;
};

enum class CopyEnd : std::uint8_t { kStandard, kFile, kProgram };  // STDIN or STDOUT, by direction.

struct Copy {
  std::optional<QualifiedName> table;  // Either this
  std::vector<Identifier> columns;
  Maybe<Statement> query;  // or this: COPY (SELECT ...) TO; also a change or SUBSCRIBE.
  bool from = false;       // FROM, else TO.
  CopyEnd end = CopyEnd::kStandard;
  std::string file;             // The file, or the program.
  std::vector<Option> options;  // Old syntax arrives as if written new: CSV HEADER DELIMITER ';'
                                // is format csv, header, delimiter ';'.
  Maybe<Expression> where;
  bool operator==(const Copy&) const = default;
};

// ------------------------------------------------------------------------------------------------
// CREATE TABLE and its parts
// ------------------------------------------------------------------------------------------------

enum class ReferenceAction : std::uint8_t { kNoAction, kRestrict, kCascade, kSetNull, kSetDefault };
enum class MatchKind : std::uint8_t { kSimple, kFull, kPartial };
enum class GeneratedKind : std::uint8_t { kAlways, kByDefault };

struct Deferral {
  std::optional<bool> deferrable;          // DEFERRABLE, NOT DEFERRABLE
  std::optional<bool> initially_deferred;  // INITIALLY DEFERRED, INITIALLY IMMEDIATE
  bool not_valid = false;                  // NOT VALID
  bool no_inherit = false;                 // NO INHERIT
  bool operator==(const Deferral&) const = default;
};

struct Reference {  // REFERENCES t (a)
  QualifiedName table;
  std::vector<Identifier> columns;
  MatchKind match = MatchKind::kSimple;
  ReferenceAction on_delete = ReferenceAction::kNoAction;
  ReferenceAction on_update = ReferenceAction::kNoAction;
  std::vector<Identifier> on_delete_columns;  // ON DELETE SET NULL (a)
  bool operator==(const Reference&) const = default;
};

enum class ConstraintKind : std::uint8_t {
  kNotNull,
  kNull,
  kDefault,  // expression
  kCheck,    // expression
  kUnique,   // columns (of a table's constraint), include, options
  kPrimaryKey,
  kForeignKey,  // columns, reference
  kGenerated,   // expression: GENERATED ALWAYS AS (e) STORED
  kIdentity,    // generated, sequence_options
  kExclude,     // text
};

// A constraint of a column (columns are none then) or of a table.
struct Constraint {
  ConstraintKind kind = ConstraintKind::kNotNull;
  std::optional<Identifier> name;
  Maybe<Expression> expression;
  std::vector<Identifier> columns;
  std::vector<Identifier> include;
  bool nulls_not_distinct = false;
  std::optional<Identifier> using_index;  // UNIQUE USING INDEX i, in ALTER TABLE.
  std::optional<Reference> reference;
  GeneratedKind generated = GeneratedKind::kAlways;
  std::vector<Option> sequence_options;
  std::vector<Option> options;
  std::string text;  // kExclude: as written.
  Deferral deferral;
  Span span;
  bool operator==(const Constraint&) const = default;
};

struct ColumnDeclaration {
  Identifier name;
  TypeName type;
  std::optional<QualifiedName> collation;
  std::vector<Constraint> constraints;
  Span span;
  bool operator==(const ColumnDeclaration&) const = default;
};

struct LikeTable {  // LIKE t INCLUDING ALL
  QualifiedName table;
  std::vector<std::pair<bool, std::string>> options;  // (including, "defaults")
  Span span;
  bool operator==(const LikeTable&) const = default;
};

enum class OnCommit : std::uint8_t { kDefault, kPreserveRows, kDeleteRows, kDrop };

using TableElement = std::variant<ColumnDeclaration, Constraint, LikeTable>;

struct CreateTable {
  bool temporary = false;
  bool unlogged = false;
  bool if_not_exists = false;
  QualifiedName table;
  std::vector<TableElement> elements;
  std::vector<QualifiedName> inherits;
  std::string partitioning;  // PARTITION BY ..., PARTITION OF ...: as written; empty: none.
  std::vector<Option> options;
  OnCommit on_commit = OnCommit::kDefault;
  bool operator==(const CreateTable&) const = default;
};

struct CreateTableAs {  // Also SELECT ... INTO, which keeps its own shape in Select::into.
  bool temporary = false;
  bool unlogged = false;
  bool if_not_exists = false;
  QualifiedName table;
  std::vector<Identifier> columns;
  std::vector<Option> options;
  OnCommit on_commit = OnCommit::kDefault;
  Maybe<Statement> source;  // A SelectStatement or an Execute.
  bool with_data = true;
  bool operator==(const CreateTableAs&) const = default;
};

// ------------------------------------------------------------------------------------------------
// Other definitions
// ------------------------------------------------------------------------------------------------

struct CreateIndex {
  bool unique = false;
  bool concurrently = false;
  bool if_not_exists = false;
  std::optional<Identifier> name;
  QualifiedName table;
  bool only = false;
  std::optional<Identifier> method;  // USING btree
  std::vector<IndexElement> elements;
  std::vector<Identifier> include;
  bool nulls_not_distinct = false;
  std::vector<Option> options;
  Maybe<Expression> where;
  bool operator==(const CreateIndex&) const = default;
};

enum class CheckOption : std::uint8_t { kNone, kLocal, kCascaded };

struct CreateView {
  bool or_replace = false;
  bool temporary = false;
  bool recursive = false;
  QualifiedName view;
  std::vector<Identifier> columns;
  std::vector<Option> options;
  Query query;
  CheckOption check = CheckOption::kNone;
  bool operator==(const CreateView&) const = default;
};

struct CreateMaterializedView {
  bool or_replace = false;
  bool if_not_exists = false;
  QualifiedName view;
  std::vector<Identifier> columns;
  std::vector<Option> options;
  Query query;
  bool with_data = true;
  bool operator==(const CreateMaterializedView&) const = default;
};

struct RefreshMaterializedView {
  bool concurrently = false;
  QualifiedName view;
  bool with_data = true;
  bool operator==(const RefreshMaterializedView&) const = default;
};

// Options: as, start, increment, minvalue, maxvalue, cache, cycle, owned by, restart, sequence name.
// `NO MINVALUE` is minvalue without a value and with the name "no minvalue"; so for maxvalue, cycle.
struct CreateSequence {
  bool temporary = false;
  bool if_not_exists = false;
  QualifiedName sequence;
  std::vector<Option> options;
  bool operator==(const CreateSequence&) const = default;
};

struct AlterSequence {
  bool if_exists = false;
  QualifiedName sequence;
  std::vector<Option> options;
  bool operator==(const AlterSequence&) const = default;
};

struct CreateSchema {
  bool if_not_exists = false;
  std::optional<Identifier> name;  // Absent: that of the role.
  std::optional<Identifier> authorization;
  std::vector<Statement> elements;  // CREATE SCHEMA s CREATE TABLE ...
  bool operator==(const CreateSchema&) const;
};

struct CreateEnum {
  QualifiedName type;
  std::vector<std::string> labels;
  bool operator==(const CreateEnum&) const = default;
};

struct CreateCompositeType {
  QualifiedName type;
  std::vector<ColumnDeclaration> fields;  // Without constraints.
  bool operator==(const CreateCompositeType&) const = default;
};

struct CreateDomain {
  QualifiedName domain;
  TypeName type;
  std::optional<QualifiedName> collation;
  std::vector<Constraint> constraints;
  bool operator==(const CreateDomain&) const = default;
};

struct CreateRole {
  std::string kind;  // "role", "user", "group"
  Identifier name;
  std::vector<Option> options;  // superuser, nologin, password 'x', connection limit 3, in role a
  bool operator==(const CreateRole&) const = default;
};

struct AlterRole {
  std::string kind;
  Identifier name;
  std::vector<Option> options;
  bool operator==(const AlterRole&) const = default;
};

// DROP TABLE a, b CASCADE: kind is "table", "view", "materialized view", "index", "sequence",
// "schema", "type", "domain", "role", "user", "group". What else can be dropped is an
// OtherStatement.
struct Drop {
  std::string kind;
  bool if_exists = false;
  bool concurrently = false;
  std::vector<QualifiedName> names;
  DropBehavior behavior = DropBehavior::kDefault;
  bool operator==(const Drop&) const = default;
};

enum class AlterActionKind : std::uint8_t {
  kAddColumn,           // column_declaration, if_exists (IF NOT EXISTS)
  kDropColumn,          // column, if_exists, behavior
  kSetDefault,          // column, expression
  kDropDefault,         // column
  kSetNotNull,          // column
  kDropNotNull,         // column
  kSetType,             // column, type, collation, expression (USING)
  kAddIdentity,         // column, constraint
  kSetIdentity,         // column, options
  kDropIdentity,        // column, if_exists
  kDropExpression,      // column, if_exists
  kAddConstraint,       // constraint
  kDropConstraint,      // name, if_exists, behavior
  kValidateConstraint,  // name
  kAlterConstraint,     // name, deferral
  kRenameColumn,        // column, name
  kRenameConstraint,    // column (the old name), name
  kRename,              // name
  kSetSchema,           // name
  kOwnerTo,             // name
  kSetOptions,          // options
  kResetOptions,        // options
  kOther,               // text: what is parsed and not understood (ENABLE TRIGGER, INHERIT, ...)
};

struct AlterAction {
  AlterActionKind kind = AlterActionKind::kOther;
  Identifier column;
  Identifier name;
  bool if_exists = false;
  DropBehavior behavior = DropBehavior::kDefault;
  std::optional<ColumnDeclaration> column_declaration;
  std::optional<Constraint> constraint;
  std::optional<TypeName> type;
  std::optional<QualifiedName> collation;
  Maybe<Expression> expression;
  std::vector<Option> options;
  Deferral deferral;
  std::string text;
  Span span;
  bool operator==(const AlterAction&) const = default;
};

// ALTER TABLE, and ALTER of what takes the same actions: "table", "view", "materialized view",
// "index", "sequence" (its rename, owner and schema), "schema", "type", "domain".
struct Alter {
  std::string kind;
  bool if_exists = false;
  bool only = false;
  QualifiedName name;
  std::vector<AlterAction> actions;
  bool operator==(const Alter&) const = default;
};

struct AlterEnum {  // ALTER TYPE t ADD VALUE 'x' BEFORE 'y'; RENAME VALUE 'x' TO 'y'
  QualifiedName type;
  bool if_not_exists = false;
  bool rename = false;
  std::string label;
  std::string neighbor;  // The neighbour, or the new label; empty: at the end.
  bool before = false;
  bool operator==(const AlterEnum&) const = default;
};

struct Comment {     // COMMENT ON kind name IS 'text' | NULL
  std::string kind;  // "table", "column", ...
  QualifiedName name;
  std::optional<Identifier> on_table;  // CONSTRAINT c ON t; TRIGGER and RULE alike.
  std::optional<std::string> text;
  bool operator==(const Comment&) const = default;
};

struct Grant {  // GRANT and REVOKE, ALTER DEFAULT PRIVILEGES: as written.
  bool revoke = false;
  std::string text;
  bool operator==(const Grant&) const = default;
};

// What is well-formed to PostgreSQL and has no node here. `words` names it: "CREATE FUNCTION",
// "DROP TRIGGER", "LISTEN".
struct OtherStatement {
  std::string words;
  std::string text;  // As written.
  bool operator==(const OtherStatement&) const = default;
};

// CREATE SOURCE name ..., CREATE SINK name ...: the rest as written.
struct CreateConnector {
  bool sink = false;
  bool if_not_exists = false;
  QualifiedName name;
  std::string text;  // What follows the name.
  Span text_span;
  bool operator==(const CreateConnector&) const = default;
};

// ------------------------------------------------------------------------------------------------
// Transactions and sessions
// ------------------------------------------------------------------------------------------------

enum class IsolationLevel : std::uint8_t {
  kReadUncommitted,
  kReadCommitted,
  kRepeatableRead,
  kSerializable,
};

struct TransactionModes {
  std::optional<IsolationLevel> isolation;
  std::optional<bool> read_only;
  std::optional<bool> deferrable;
  bool operator==(const TransactionModes&) const = default;
};

struct Begin {
  bool start_transaction = false;  // The command's tag differs.
  TransactionModes modes;
  bool operator==(const Begin&) const = default;
};

struct Commit {
  bool chain = false;
  bool operator==(const Commit&) const = default;
};

struct Rollback {
  bool chain = false;
  bool operator==(const Rollback&) const = default;
};

enum class SavepointAction : std::uint8_t { kSave, kRelease, kRollbackTo };

struct Savepoint {
  SavepointAction action = SavepointAction::kSave;
  Identifier name;
  bool operator==(const Savepoint&) const = default;
};

struct SetTransaction {
  bool session = false;  // SET SESSION CHARACTERISTICS AS TRANSACTION
  std::optional<std::string> snapshot;
  TransactionModes modes;
  bool operator==(const SetTransaction&) const = default;
};

struct SettingValue {
  std::string text;  // A string's contents, a number or word as spelled (words folded).
  bool quoted = false;
  bool operator==(const SettingValue&) const = default;
};

// SET name = a, b. TIME ZONE x is timezone; NAMES x is client_encoding; ROLE x is role;
// SESSION AUTHORIZATION x is session_authorization; SCHEMA x is search_path.
struct Set {
  bool local = false;
  std::string name;                  // With its dots.
  std::vector<SettingValue> values;  // None: SET ... TO DEFAULT.
  bool operator==(const Set&) const = default;
};

struct Show {
  std::string name;  // "all" for ALL.
  bool operator==(const Show&) const = default;
};

struct Reset {
  std::string name;  // "all" for ALL.
  bool operator==(const Reset&) const = default;
};

struct Discard {
  std::string what;  // "all", "plans", "sequences", "temp"
  bool operator==(const Discard&) const = default;
};

struct SetConstraints {
  std::vector<QualifiedName> names;  // None: ALL.
  bool deferred = false;
  bool operator==(const SetConstraints&) const = default;
};

struct LockTable {
  std::vector<QualifiedName> tables;
  std::string mode;  // "access exclusive", ... ; the default is that too.
  bool nowait = false;
  bool operator==(const LockTable&) const = default;
};

struct Explain {
  std::vector<Option> options;  // analyze, verbose, format json, ...; old syntax alike.
  Box<Statement> statement;
  bool operator==(const Explain&) const;
};

struct Prepare {
  Identifier name;
  std::vector<TypeName> types;
  Box<Statement> statement;
  bool operator==(const Prepare&) const;
};

struct Execute {
  Identifier name;
  std::vector<Expression> arguments;
  bool operator==(const Execute&) const = default;
};

struct Deallocate {
  std::optional<Identifier> name;  // Absent: ALL.
  bool operator==(const Deallocate&) const = default;
};

struct DeclareCursor {
  Identifier name;
  bool binary = false;
  std::optional<bool> scroll;  // SCROLL, NO SCROLL
  std::optional<bool> insensitive;
  bool with_hold = false;
  Box<Statement> statement;  // A SelectStatement or a Subscribe.
  bool operator==(const DeclareCursor&) const;
};

enum class FetchDirection : std::uint8_t { kForward, kBackward, kAbsolute, kRelative };

// NEXT is one forward, PRIOR one backward, FIRST absolute 1, LAST absolute -1.
struct Fetch {
  bool move = false;  // MOVE
  FetchDirection direction = FetchDirection::kForward;
  std::optional<std::int64_t> count;  // Absent: ALL.
  Identifier cursor;
  std::vector<Option> options;  // WITH (TIMEOUT = '1s'): of cursors for SUBSCRIBE.
  bool operator==(const Fetch&) const = default;
};

struct CloseCursor {
  std::optional<Identifier> name;  // Absent: ALL.
  bool operator==(const CloseCursor&) const = default;
};

struct Maintenance {    // VACUUM, ANALYZE, CHECKPOINT, REINDEX, CLUSTER
  std::string command;  // "VACUUM", ...
  std::vector<Option> options;
  std::vector<QualifiedName> tables;
  bool operator==(const Maintenance&) const = default;
};

struct Notify {  // LISTEN c, UNLISTEN c | *, NOTIFY c, 'payload'
  std::string command;
  std::optional<Identifier> channel;  // Absent: *.
  std::string payload;
  bool operator==(const Notify&) const = default;
};

struct Call {
  FunctionCall call;
  bool operator==(const Call&) const = default;
};

// SUBSCRIBE [TO] view | (query) [AS OF v] [UP TO v] [WITH (SNAPSHOT, PROGRESS)]
//   [ENVELOPE UPSERT (KEY (a, b)) | ENVELOPE DEBEZIUM (KEY (a)) | WITHIN TIMESTAMP ORDER BY ...]
struct Subscribe {
  std::optional<QualifiedName> relation;  // Either this or `query`.
  Maybe<Query> query;
  Maybe<Expression> as_of;
  Maybe<Expression> up_to;
  std::vector<Option> options;
  std::string envelope;  // "upsert", "debezium"; empty: version, diff, columns.
  std::vector<Identifier> key;
  std::vector<SortItem> order_by;
  bool operator==(const Subscribe&) const = default;
};

// ------------------------------------------------------------------------------------------------
// The statement
// ------------------------------------------------------------------------------------------------

using StatementNode =
    std::variant<SelectStatement, Insert, Update, Delete, Merge, Truncate, Copy, CreateTable,
                 CreateTableAs, CreateIndex, CreateView, CreateMaterializedView,
                 RefreshMaterializedView, CreateSequence, AlterSequence, CreateSchema, CreateEnum,
                 CreateCompositeType, CreateDomain, CreateRole, AlterRole, Drop, Alter, AlterEnum,
                 Comment, Grant, OtherStatement, CreateConnector, Begin, Commit, Rollback,
                 Savepoint, SetTransaction, Set, Show, Reset, Discard, SetConstraints, LockTable,
                 Explain, Prepare, Execute, Deallocate, DeclareCursor, Fetch, CloseCursor,
                 Maintenance, Notify, Call, Subscribe>;

struct Statement {
  StatementNode node;
  Span span;
  std::uint32_t parameter_count = 0;  // The highest $n in it.

  template <typename T>
  const T* as() const {
    return std::get_if<T>(&node);
  }
  template <typename T>
  T* as() {
    return std::get_if<T>(&node);
  }
  bool operator==(const Statement&) const = default;
};

}  // namespace entail::grammar::sql
