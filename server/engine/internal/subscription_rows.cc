#include "server/engine/internal/subscription_rows.h"

#include <algorithm>

#include "sql2datalog/sql_type.h"
#include "vm/word.h"

namespace entail::engine {

namespace oids = sql2datalog::oids;
using vm::Word;

namespace {

OutputColumn bigint_column(std::string name, bool nullable) {
  OutputColumn column;
  column.name = std::move(name);
  column.type_oid = oids::kInt8;
  column.type = vm::Type::of(vm::TypeKind::kInt8);
  column.nullable = nullable;
  return column;
}

}  // namespace

ResultShape subscription_shape(const ResultShape& relation, bool has_progress) {
  ResultShape shape;
  shape.add(bigint_column("version", false));
  if (has_progress) {
    OutputColumn progressed;
    progressed.name = "progressed";
    progressed.type_oid = oids::kBool;
    progressed.type = vm::Type::boolean();
    progressed.nullable = false;
    shape.add(std::move(progressed));
  }
  shape.add(bigint_column("diff", has_progress));
  for (OutputColumn column : relation.columns) {
    column.nullable = column.nullable || has_progress;
    shape.add(std::move(column));
  }
  return shape;
}

SubscriptionRows::SubscriptionRows(const ResultShape& shape, bool has_progress,
                                   const vm::ValuePool& pool, RowSink& sink)
    : shape_(shape), has_progress_(has_progress), pool_(pool), sink_(sink) {}

void SubscriptionRows::give() {
  sink_.row(RowView(shape_, pool_, words_.data()));
  ++rows_;
}

void SubscriptionRows::change(std::uint64_t version, int diff, const RowView& row,
                              bool /*is_snapshot*/) {
  words_.clear();
  words_.push_back(vm::int_word(static_cast<std::int64_t>(version)));
  if (has_progress_) words_.push_back(vm::bool_word(false));
  words_.push_back(vm::int_word(diff));
  if (has_progress_) words_.push_back(0);
  for (std::size_t c = 0; c < row.size(); ++c) {
    const OutputColumn& column = row.column(c);
    const std::uint32_t width = vm::value_words(column.type);
    words_.insert(words_.end(), row.words(c), row.words(c) + width);
    if (column.nullable || has_progress_) words_.push_back(row.is_null(c) ? 1 : 0);
  }
  give();
}

void SubscriptionRows::progress(std::uint64_t version) {
  words_.assign(shape_.word_count, 0);
  words_[0] = vm::int_word(static_cast<std::int64_t>(version));
  words_[shape_.first_words[1]] = vm::bool_word(true);
  for (std::size_t c = 2; c < shape_.columns.size(); ++c) {
    words_[shape_.first_words[c] + vm::value_words(shape_.columns[c].type)] = 1;
  }
  give();
}

void CopyRows::begin(const ResultShape& shape) {
  sink_.begin_copy_out(writer_.options().format, shape.columns.size());
  if (!writer_.options().header) return;
  line_.clear();
  writer_.header(shape, line_);
  sink_.copy_out(line_);
}

void CopyRows::row(const RowView& row) {
  line_.clear();
  writer_.begin_line();
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (row.is_null(c)) {
      writer_.field(std::nullopt, row.column(c).name, line_);
      continue;
    }
    value_.clear();
    row.append_text(c, settings_, value_);
    writer_.field(value_, row.column(c).name, line_);
  }
  writer_.end_line(line_);
  sink_.copy_out(line_);
}

}  // namespace entail::engine
