// sql2datalog/lower_statement.h - from the syntax tree of a statement to rules that answer it.
//
//     auto parsed = grammar::parse_sql(text);
//     LoweringContext context{.catalog = &catalog, .text = text};
//     Expected<LoweredQuery> query = lower_query(select.query, context);
//     // query->program: a datalog::QueryProgram for compiler::PreparedQuery.
//
// A LoweredQuery is a pure function of the tree, the catalog and the context; it can be kept and run until the
// catalog changes. What changes between two runs are its parameters and the rows of its given relations:
//
//     parameters   [0, statement_parameters)  the statement's $1 … $n
//                  then one for each of `session_values`: now(), current_user, nextval('s'), which the
//                  engine computes once a run. A function that must be computed for each row (nextval, random
//                  in a query with FROM) is refused: 0A000.
//     given        system relations, AS OF snapshots, rows of RETURNING, CHECK and ON CONFLICT
//
// Changes. Lowering makes no changes; it makes the queries that say what is to be changed:
//
//     INSERT   source yields the values of the listed columns, converted; columns_from says for each column
//              of the table where its value is: in the source, a sequence, or null
//     UPDATE   source yields old row, new row, then RETURNING's values
//     DELETE   source yields old row, then RETURNING's values
//
// A row of a bag is told by its value alone: deleting it removes the newest equal row. An UPDATE … FROM may
// meet an old row twice; the first in the order of the answer is meant, as many as there are equal rows.
// Not-null, checks, keys and foreign keys are the engine's to test, on the new rows: lower_check.
//
// Errors carry SQLSTATE, PostgreSQL's words and the position, in characters of `text` from 1. What is not
// lowered is 0A000, "… is not supported yet", naming the construct.
//
// Terms: scope, block, aux relation: sql2datalog.h. Cost: linear in the statement, with the declarations of
// the relations it reads. Threads: the engine's, for the catalog's types may grow.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "datalog/query_program.h"
#include "grammar/sql_tree.h"
#include "sql2datalog/sql_catalog.h"
#include "sql2datalog/sql_type.h"
#include "vm/base/expected.h"

namespace entail::sql2datalog {

struct LoweringContext {
  const SqlCatalog* catalog = nullptr;
  std::string_view text;  // The whole text that was parsed: for positions.
  // Types of $1 … $n where the client or PREPARE declared them; oid 0 or missing: found out.
  std::span<const SqlType> parameter_types;
};

struct OutputColumn {
  std::string name;
  SqlType type;
  std::string type_name;        // Of a type of users.
  Oid table = 0;                // Where it is a column of a table as it stands, else 0.
  std::uint32_t attribute = 0;  // Its number there, from 1.
};

enum class SessionValueKind : std::uint8_t {
  kNow,             // timestamptz: the transaction's start. now(), current_timestamp
  kStatementTime,   // timestamptz: statement_timestamp(), clock_timestamp()
  kLocalTimestamp,  // timestamp: the start in the session's time zone.
  kLocalDate,       // date
  kLocalTime,       // time
  kCurrentUser,     // name; also session_user, user, current_role
  kCurrentDatabase,
  kCurrentSchema,   // name, null where the search path has none
  kCurrentSchemas,  // name[], `argument` "t" or "f": with implicit schemas
  kVersion,         // text
  kBackendPid,      // int4
  kTransactionId,   // int8: txid_current()
  kSetting,         // text, `argument`: its name. current_setting('x')
  kSetSetting,      // text: set_config(argument, value, local); sets it
  kNextValue,       // int8, `argument`: the sequence; takes a number
  kCurrentValue,    // int8: currval
  kLastValue,       // int8: lastval
  kSetValue,        // int8: setval(argument, value[, called])
  kRandom,          // float8
  kRandomUuid,      // uuid: gen_random_uuid()
  kSleep,           // void: pg_sleep(value), 0A000 if the engine cannot wait
};

// A piece of a text that is put together when the statement runs.
struct TextPart {
  enum class Kind : std::uint8_t { kText, kSetting, kParameter };
  Kind kind = Kind::kText;
  std::string text;             // Or the setting's name.
  std::uint32_t parameter = 0;  // Of the statement, from 0; a text.
  bool operator==(const TextPart&) const = default;
};

struct SessionValue {
  SessionValueKind kind = SessionValueKind::kNow;
  std::string argument;  // See the kinds.
  std::string value;     // kSetSetting, kSetValue, kSleep: as text.
  bool flag = true;      // kSetSetting: local; kSetValue: is_called.
  vm::Type type;
  std::vector<TextPart> parts =
      {};  // kSetSetting: what the value is put together of, if it is no constant.

  bool operator==(const SessionValue&) const = default;
};

enum class GivenKind : std::uint8_t {
  kSystem,    // All rows of the system relation `table`.
  kSnapshot,  // The rows of `table` (a table, materialized view or rule relation) as of `as_of`.
  kInput,     // What the function that made the query says.
};

struct GivenRelation {
  datalog::RelationId relation{};  // As in QueryProgram::given, at the same position.
  GivenKind kind = GivenKind::kInput;
  const TableDescription* table = nullptr;
  grammar::sql::TimeTravelKind travel = grammar::sql::TimeTravelKind::kVersion;
  // kSnapshot: over parameters and constants only; a bigint version or a timestamptz.
  std::optional<datalog::Expression> as_of;
};

struct LockingRequest {
  grammar::sql::LockStrength strength = grammar::sql::LockStrength::kUpdate;
  grammar::sql::LockWait wait = grammar::sql::LockWait::kBlock;
  const TableDescription* table = nullptr;
  // The answer's columns behind answer_columns that hold the locked row, the table's columns in order;
  // nulls in all of them: no row (an outer join).
  std::uint32_t first_column = 0;
};

struct LoweredQuery {
  datalog::QueryProgram program;
  std::vector<OutputColumn> columns;  // One for each of the first answer_columns.
  std::vector<SqlType> parameters;    // Of $1 … $n.
  std::vector<SessionValue> session_values;
  std::vector<GivenRelation> given;
  std::vector<LockingRequest> locking;
  // SKIP LOCKED with LIMIT or OFFSET: which rows count is known when they are locked, so the answer is not cut.
  // The answer's columns, behind answer_columns, that hold the bounds in each row, bigint or null.
  std::optional<std::uint32_t> limit_column, offset_column;
  std::vector<datalog::RelationId> reads;  // Relations of the catalog, ascending.
};

Expected<LoweredQuery> lower_query(const grammar::sql::Query& query,
                                   const LoweringContext& context);

// -----------------------------------------------------------------------------------------------------
// Changes

enum class ValueOrigin : std::uint8_t { kSource, kSequence, kNull };

struct InsertColumn {
  ValueOrigin origin = ValueOrigin::kNull;
  std::uint32_t source = 0;  // kSource: the answer's column.
  std::string sequence;      // kSequence: its qualified name.
};

enum class ConflictAction : std::uint8_t { kNone, kNothing, kUpdate };

struct LoweredInsert {
  const TableDescription* table = nullptr;
  LoweredQuery source;
  std::vector<InsertColumn> columns_from;  // By column of the table.
  // GENERATED … STORED columns: given (0) the row without them, yields the whole row.
  std::optional<LoweredQuery> generated;

  ConflictAction on_conflict = ConflictAction::kNone;
  // The keys (positions in table->keys) that are meant; of DO NOTHING without a target: all.
  std::vector<std::uint32_t> conflict_keys;
  // DO UPDATE: given (0) rows of the existing row's columns, then the proposed row's; yields those that WHERE
  // lets through: the existing row's columns, then the new row's.
  std::optional<LoweredQuery> conflict_update;

  // Given (0) rows of the table as inserted or updated.
  std::optional<LoweredQuery> returning;
};

struct LoweredUpdate {
  const TableDescription* table = nullptr;
  LoweredQuery source;                     // Old row, new row, then `returning` more columns.
  std::vector<std::uint32_t> assigned;     // Columns of the table, ascending.
  std::vector<InsertColumn> columns_from;  // kSequence for SET c = DEFAULT of such; else kSource.
  std::vector<OutputColumn> returning;
  bool has_returning = false;
};

struct LoweredDelete {
  const TableDescription* table = nullptr;
  LoweredQuery source;  // Old row, then `returning` more columns.
  std::vector<OutputColumn> returning;
  bool has_returning = false;
};

// One statement with RETURNING's columns in LoweredQuery::columns, at the end.
Expected<LoweredInsert> lower_insert(const grammar::sql::Insert& insert,
                                     const LoweringContext& context);
Expected<LoweredUpdate> lower_update(const grammar::sql::Update& update,
                                     const LoweringContext& context);
Expected<LoweredDelete> lower_delete(const grammar::sql::Delete& remove,
                                     const LoweringContext& context);

// -----------------------------------------------------------------------------------------------------
// Definitions

// A condition over a table's columns: CHECK, COPY … WHERE. Given (0) rows of the table; yields those for
// which the condition is false (`violations`) or true.
Expected<LoweredQuery> lower_check(const TableDescription& table,
                                   const grammar::sql::Expression& condition, bool violations,
                                   const LoweringContext& context);

// A value for a column of the type, without columns: DEFAULT. Yields one row of one column. Defaults that
// take from a sequence are told by default_sequence().
Expected<LoweredQuery> lower_default(const grammar::sql::Expression& value, SqlType type,
                                     std::string_view column_name, const LoweringContext& context);
// The sequence, if the expression is nextval('…') or a cast of it.
std::optional<std::string> default_sequence(const grammar::sql::Expression& value,
                                            const LoweringContext& context);

// ALTER COLUMN … TYPE … USING: given (0) rows of the table, yields them with `column` converted.
Expected<LoweredQuery> lower_column_change(const TableDescription& table, std::uint32_t column,
                                           SqlType type, const grammar::sql::Expression* value,
                                           const LoweringContext& context);

// The type that a column declaration names; serial types have `sequence`.
struct DeclaredType {
  SqlType type;
  vm::Type machine;
  std::string type_name;  // Of a type of users.
  bool serial = false;
};
Expected<DeclaredType> resolve_type(const grammar::sql::TypeName& name,
                                    const LoweringContext& context);

// A view's columns, and for a materialized one the rules that derive it. The relations follow those of the
// catalog program, the first of them is the view's own, named by the caller; given relations, parameters
// and session values are refused (0A000).
struct LoweredView {
  std::vector<OutputColumn> columns;
  std::vector<vm::Type> machine;
  std::vector<bool> nullable;
  std::vector<datalog::Relation> relations;
  std::vector<datalog::Rule> rules;
  std::vector<datalog::RelationId> reads;
};
Expected<LoweredView> lower_view(const grammar::sql::Query& query,
                                 std::span<const grammar::sql::Identifier> column_names,
                                 const LoweringContext& context);
Expected<LoweredView> lower_materialized_view(
    const grammar::sql::Query& query, std::span<const grammar::sql::Identifier> column_names,
    const LoweringContext& context);

}  // namespace entail::sql2datalog
