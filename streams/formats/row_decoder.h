// streams/formats/row_decoder.h - bytes of records -> rows of a stream's columns, or dead letters.
//
// Threads: one at a time.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "streams/event_rows.h"
#include "streams/source.h"
#include "vm/base/expected.h"

namespace entail::streams {

// So many bytes behind a record can be read, whatever they are.
inline constexpr std::size_t kDecoderPadding = 64;

class RowDecoder {
 public:
  RowDecoder() = default;
  RowDecoder(const RowDecoder&) = delete;
  RowDecoder& operator=(const RowDecoder&) = delete;
  virtual ~RowDecoder() = default;

  // Before the records of a batch.
  virtual void begin_batch() = 0;
  // Adds a row to the batch, or a dead letter; nothing for a record without any content. The record has its
  // padding behind it and no line end.
  virtual void decode(std::string_view record, const RowOrigin& origin, SourceBatch& batch) = 0;

  // --- texts of many records
  // Where the line end of the first record stands; npos: it is not there.
  virtual std::size_t record_end(std::string_view text) const { return text.find('\n'); }
  // Whether the first record of a text names the columns, and is given to read_header().
  virtual bool has_header() const { return false; }
  virtual Expected<void> read_header(std::string_view /*record*/) { return {}; }
};

// Settings that decoders know; each takes its own.
//     format      json | csv
//     time_unit   json: s | ms | us, what a number is in a column of time; else such numbers are refused
//     header, delimiter, null      csv
Expected<std::unique_ptr<RowDecoder>> make_decoder(
    const std::map<std::string, std::string>& settings, std::shared_ptr<const RowShape> shape);
bool is_decoder_setting(std::string_view name);

}  // namespace entail::streams
