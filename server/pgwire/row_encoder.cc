#include "server/pgwire/row_encoder.h"

#include <utility>

#include "server/pgwire/binary_value.h"

namespace entail::pgwire {

void RowEncoder::begin(std::vector<std::int16_t> formats, bool describes,
                       const engine::TextSettings& settings) {
  formats_ = std::move(formats);
  describes_ = describes;
  is_copying_out_ = false;
  settings_ = &settings;
  failure_.reset();
}

void RowEncoder::describe(const engine::ResultShape& shape) {
  if (!describes_) return;
  describes_ = false;
  write_row_description(shape, formats_, writer_);
}

void RowEncoder::row(const engine::RowView& row) {
  if (failure_) return;
  writer_.begin_row(row.size());
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (row.is_null(c)) {
      writer_.null_value();
      continue;
    }
    writer_.begin_value();
    if (!formats_.empty() && formats_[c] == 1) {
      if (auto done = append_binary(row, c, *settings_, writer_.bytes()); !done) {
        failure_ = done.error();
        writer_.abandon_row();
        return;
      }
    } else {
      row.append_text(c, *settings_, writer_.bytes());
    }
    writer_.end_value();
  }
  writer_.end_row();
}

void RowEncoder::begin_copy_out(engine::CopyFormat format, std::size_t columns) {
  if (is_copying_out_) return;
  is_copying_out_ = true;
  writer_.copy_out_response(format == engine::CopyFormat::kBinary, columns);
}

void RowEncoder::copy_out(std::string_view bytes) { writer_.copy_data(bytes); }

void write_row_description(const engine::ResultShape& shape, std::span<const std::int16_t> formats,
                           BackendWriter& writer) {
  std::vector<ColumnDescription> columns;
  columns.reserve(shape.columns.size());
  for (std::size_t c = 0; c < shape.columns.size(); ++c) {
    const engine::OutputColumn& column = shape.columns[c];
    columns.push_back({.name = column.name,
                       .table_oid = column.table_oid,
                       .attribute_number = column.attribute,
                       .type_oid = column.type_oid,
                       .type_size = type_size(column.type_oid),
                       .type_modifier = column.typmod,
                       .format = formats.empty() ? std::int16_t{0} : formats[c]});
  }
  writer.row_description(columns);
}

}  // namespace entail::pgwire
