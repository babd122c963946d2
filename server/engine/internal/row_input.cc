#include "server/engine/internal/row_input.h"

#include "server/engine/sql_error.h"

namespace entail::engine {

using compiler::ParameterValue;
using vm::Word;

RowInput::RowInput(SessionImpl& session, const Table& table)
    : session_(session),
      table_(session.catalog().shared_table(table.oid)),
      changer_(session, *table_),
      rows_(std::make_unique<RowSet>(changer_.make_rows())),
      first_words_(nullable_first_words(*table_)),
      defaults_(table_->columns.size()) {
  words_.resize(first_words_.back());
}

Expected<std::unique_ptr<RowInput>> RowInput::create(SessionImpl& session, const Table& table,
                                                     std::string_view verb) {
  if (auto writable = session.check_writable(table, verb); !writable) {
    return unexpected(std::move(writable).error());
  }
  for (const TableColumn& column : table.columns) {
    if (column.generated) {
      return sql_error("0A000", "cannot " + std::string(verb) + " \"" + table.name +
                                    "\": generated columns are not supported there yet");
    }
  }
  std::unique_ptr<RowInput> input(new RowInput(session, table));
  auto checks = session.checks_of(*input->table_);
  if (!checks) return unexpected(std::move(checks).error());
  input->checks_ = std::move(*checks);
  return input;
}

Expected<void> RowInput::add_default(std::uint32_t c) {
  const TableColumn& column = table_->columns[c];
  ParameterValue value{{0, 0}, true};
  if (const Sequence* const sequence = session_.catalog().sequence(column.sequence)) {
    auto next = session_.next_value(session_.catalog().qualified_name(*sequence));
    if (!next) return unexpected(std::move(next).error());
    value = {{vm::int_word(*next), 0}, false};
  } else if (column.default_value != nullptr) {
    if (!defaults_[c]) {
      auto made = session_.default_value(*table_, c);
      if (!made) return unexpected(std::move(made).error());
      defaults_[c] = *made;
      vm::ValuePool& pool = *session_.state().pool;
      if (!made->null && pool.types().is_handle(column.type)) pool.pin(made->words[0]);
    }
    value = *defaults_[c];
  }
  const std::uint32_t at = first_words_[c], width = vm::value_words(column.type);
  for (std::uint32_t w = 0; w < width; ++w) words_[at + w] = value.words[w];
  words_[at + width] = value.null ? 1 : 0;
  return {};
}

Expected<void> RowInput::add(std::span<const InputValue> values) {
  ENTAIL_ENSURE(values.size() == table_->columns.size());
  for (std::uint32_t c = 0; c < values.size(); ++c) {
    const TableColumn& column = table_->columns[c];
    if (values[c].kind == InputValue::Kind::kDefault) {
      if (auto added = add_default(c); !added) return added;
      continue;
    }
    const std::uint32_t at = first_words_[c], width = vm::value_words(column.type);
    const bool is_null = values[c].kind == InputValue::Kind::kNull;
    for (std::uint32_t w = 0; w < width; ++w) words_[at + w] = 0;
    words_[at + width] = is_null ? 1 : 0;
    if (is_null) continue;
    auto read = read_sql_text(*session_.state().pool, column.type, column.sql_type.oid,
                              column.sql_type.typmod, values[c].text, session_.text_settings(),
                              &words_[at]);
    if (!read) return read;
  }
  return changer_.append_row(words_, *rows_);
}

Expected<void> RowInput::change() {
  EngineState& state = session_.state();
  if (auto lent = state.lend_head(session_.transaction()); !lent) return lent;
  if (auto held = changer_.check(checks_, *rows_); !held) return held;
  RowSet rows = changer_.make_rows();
  rows.append(rows_->batch());
  return changer_.change(changer_.make_rows(), std::move(rows), false);
}

}  // namespace entail::engine
