// server/pgwire/row_encoder.h - rows of the engine as DataRow messages, lines of COPY as CopyData.
//
// The engine hands rows to a RowSink on its own thread, while their words are good; they are encoded
// there and then, straight into the bytes that will be sent.
//
// Threads: one owner.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "server/engine/result.h"
#include "server/pgwire/backend_message.h"

namespace entail::pgwire {

class RowEncoder final : public engine::RowSink {
 public:
  // `writer` must outlive the encoder.
  explicit RowEncoder(BackendWriter& writer) : writer_(writer) {}

  // For the next statement. `formats`: one a column, or empty for all text. `describes`: whether
  // RowDescription goes before the rows. `settings` must stay good while the statement runs.
  void begin(std::vector<std::int16_t> formats, bool describes,
             const engine::TextSettings& settings);

  // A value that could not be encoded; the rows after it were dropped.
  const std::optional<Error>& failure() const { return failure_; }
  bool is_copying_out() const { return is_copying_out_; }

  void describe(const engine::ResultShape& shape) override;
  void row(const engine::RowView& row) override;
  void begin_copy_out(engine::CopyFormat format, std::size_t columns) override;
  void copy_out(std::string_view bytes) override;

 private:
  BackendWriter& writer_;
  std::vector<std::int16_t> formats_;
  bool describes_ = false;
  bool is_copying_out_ = false;
  const engine::TextSettings* settings_ = nullptr;
  std::optional<Error> failure_;
};

// Appends RowDescription. `formats` as RowEncoder::begin() takes them.
void write_row_description(const engine::ResultShape& shape, std::span<const std::int16_t> formats,
                           BackendWriter& writer);

}  // namespace entail::pgwire
