// COPY: rows in from the client's lines, rows out as lines.
#include <algorithm>

#include "server/engine/internal/changer.h"
#include "server/engine/internal/portal_impl.h"
#include "server/engine/internal/row_input.h"
#include "server/engine/internal/session_impl.h"
#include "server/engine/internal/subscription_rows.h"
#include "server/engine/sql_error.h"

namespace entail::engine {

namespace sql = grammar::sql;
using compiler::ParameterValue;
using vm::Word;

// The lines of one COPY … FROM STDIN on their way into the table.
struct CopyTarget {
  std::unique_ptr<RowInput> input;
  std::vector<std::uint32_t> columns;  // Of the table, in the order of the fields.
  std::vector<InputValue> values;      // Of a line, by column of the table.
};

Expected<Outcome> SessionImpl::run_copy(const sql::Copy& copy, Plan& plan, PortalImpl& portal,
                                        RowSink& sink) {
  if (copy.end != sql::CopyEnd::kStandard) {
    return sql_error("0A000",
                     "COPY to or from a file or program of the server is not supported "
                     "yet",
                     {.hint = "Use COPY with STDIN or STDOUT, or psql's \\copy."});
  }
  const auto* const subscribe = copy.query ? copy.query->as<sql::Subscribe>() : nullptr;
  if (subscribe != nullptr && !copy.from) return run_subscribe(*subscribe, plan, portal, sink);
  if (!copy.from) return copy_out(copy, plan, sink);
  if (copy.where) return sql_error("0A000", "COPY … WHERE is not supported yet");
  auto options = CopyOptions::from(copy.options);
  if (!options) return unexpected(std::move(options).error());
  const SessionCatalog names = session_catalog();
  const Table* const table = names.table(*copy.table);
  if (table == nullptr) {
    return sql_error("42P01", "relation \"" + copy.table->last().text + "\" does not exist");
  }
  if (transaction_->read_only) {
    return sql_error("25006", "cannot execute COPY FROM in a read-only transaction");
  }
  auto input = RowInput::create(*this, *table, "copy to");
  if (!input) return unexpected(std::move(input).error());
  auto target = std::make_shared<CopyTarget>();
  target->input = std::move(*input);
  target->values.resize(table->columns.size());
  if (copy.columns.empty()) {
    for (std::uint32_t c = 0; c < table->columns.size(); ++c) target->columns.push_back(c);
  }
  for (const sql::Identifier& column : copy.columns) {
    const auto position = table->find_column(column.text);
    if (!position) {
      return sql_error("42703", "column \"" + column.text + "\" of relation \"" + table->name +
                                    "\" does not exist");
    }
    target->columns.push_back(*position);
  }
  copy_target_ = target;
  const CopyOptions& read = *options;
  portal.copy = std::make_unique<CopyReader>(
      read, target->columns.size(), [target](std::span<const CopyField> fields) -> Expected<void> {
        if (fields.size() < target->columns.size()) {
          const Table& into = target->input->table();
          return sql_error("22P04", "missing data for column \"" +
                                        into.columns[target->columns[fields.size()]].name + "\"");
        }
        for (std::size_t f = 0; f < target->columns.size(); ++f) {
          using Kind = InputValue::Kind;
          target->values[target->columns[f]] = {fields[f].is_null ? Kind::kNull : Kind::kText,
                                                fields[f].text};
        }
        return target->input->add(target->values);
      });
  Outcome outcome;
  outcome.progress = Progress::kCopyIn;
  return outcome;
}

Error SessionImpl::copy_error(const CopyReader& reader, Error error) const {
  error = with_sqlstate(std::move(error));
  SqlFields fields = *error.sql;
  if (fields.detail.empty() && copy_target_ != nullptr) {
    fields.detail = "COPY " + copy_target_->input->table().name + ", line " +
                    std::to_string(reader.line_number());
  }
  error.sql = std::make_shared<const SqlFields>(std::move(fields));
  return error;
}

Expected<Outcome> SessionImpl::finish_copy(PortalImpl& portal) {
  const std::shared_ptr<CopyTarget> target = copy_target_;
  ENTAIL_ENSURE(target != nullptr && transaction_ != nullptr);
  if (auto ended = portal.copy->end(); !ended) {
    Error error = copy_error(*portal.copy, std::move(ended).error());
    copy_target_.reset();
    fail_statement(error);
    return unexpected(std::move(error));
  }
  const StatementMark mark{transaction_->changes.size(), transaction_->catalog};
  const std::uint64_t count = target->input->size();
  is_waiting_ = false;
  auto changed = target->input->change();
  if (!changed) {
    undo_to(mark);
    if (is_must_wait(changed.error())) return wait_outcome();
    copy_target_.reset();
    give_up_waiting();
    Error error = with_sqlstate(std::move(changed).error());
    fail_statement(error);
    return unexpected(std::move(error));
  }
  copy_target_.reset();
  give_up_waiting();
  Outcome outcome;
  outcome.rows = count;
  outcome.tag = "COPY " + std::to_string(count);
  return outcome;
}

Expected<Outcome> SessionImpl::copy_out(const sql::Copy& copy, Plan& plan, RowSink& sink) {
  auto options = CopyOptions::from(copy.options);
  if (!options) return unexpected(std::move(options).error());
  sql::Statement statement;
  if (copy.table) {
    const SessionCatalog names = session_catalog();
    const Table* const table = names.table(*copy.table);
    if (table == nullptr) {
      return sql_error("42P01", "relation \"" + copy.table->last().text + "\" does not exist");
    }
    if (table->kind == TableKind::kView) {
      return sql_error("42809", "cannot copy from view \"" + table->name + "\"",
                       {.hint = "Try the COPY (SELECT ...) TO variant."});
    }
    sql::Select select;
    const auto add = [&](sql::Identifier name) {
      sql::ColumnRef reference;
      reference.parts.push_back(std::move(name));
      sql::SelectItem item;
      item.expression.node = std::move(reference);
      select.items.push_back(std::move(item));
    };
    if (copy.columns.empty()) {
      for (const TableColumn& column : table->columns) add({column.name, true, {}});
    }
    for (const sql::Identifier& column : copy.columns) add(column);
    sql::TableName from;
    from.name = *copy.table;
    sql::TableItem item;
    item.node = std::move(from);
    select.from.push_back(std::move(item));
    sql::SelectStatement made;
    made.query.body = std::move(select);
    statement.node = std::move(made);
  } else {
    statement = *copy.query;
    if (statement.as<sql::SelectStatement>() == nullptr) {
      return sql_error("0A000", "COPY of other statements than SELECT is not supported yet");
    }
  }
  auto query =
      plan_statement(std::make_shared<const sql::Statement>(std::move(statement)), plan.text, {});
  if (!query) return unexpected(std::move(query).error());
  if (auto lent = lend(**query); !lent) return unexpected(std::move(lent).error());
  compiler::QueryResult rows;
  if (auto run = (*query)->query->run(*this, {}, {}, rows); !run) {
    return unexpected(std::move(run).error());
  }
  const ResultShape& shape = (*query)->shape;
  CopyRows lines(*options, text_settings(), sink);
  lines.begin(shape);
  std::vector<Word> words(std::max<std::size_t>(shape.word_count, 1));
  for (std::size_t i = 0; i < rows.row_count(); ++i) {
    for (std::uint32_t w = 0; w < shape.word_count; ++w) words[w] = rows.word(i, w);
    lines.row(RowView(shape, *state_.pool, words.data()));
  }
  Outcome outcome;
  outcome.rows = rows.row_count();
  outcome.tag = "COPY " + std::to_string(rows.row_count());
  return outcome;
}

Expected<void> SessionImpl::append_generated(const Table& table, QueryRunner& generated,
                                             const std::vector<Word>& words, Changer& changer,
                                             RowSet& rows) {
  // The row without its generated columns, as the query is given it: laid out like its given relation.
  const compiler::RelationLayout& layout = generated.given_layout(0);
  RowSet given(layout, *state_.pool);
  std::vector<Word> row;
  std::size_t at = 0;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const std::uint32_t width = vm::value_words(table.columns[c].type);
    const bool is_null = words[at + width] != 0;
    const compiler::ColumnLayout& column = layout.columns[c];
    for (std::uint32_t w = 0; w < width; ++w) row.push_back(is_null ? 0 : words[at + w]);
    if (column.nullable) row.push_back(is_null ? 1 : 0);
    at += width + 1;
  }
  given.append(row);
  const InputRows input{{given.batch(), &layout}};
  compiler::QueryResult answer;
  if (auto run = generated.run(*this, {}, input, answer); !run) return run;
  ENTAIL_ENSURE(answer.row_count() == 1);
  return changer.append_from_answer(answer, generated.layout(), 0, 0, rows);
}

}  // namespace entail::engine
