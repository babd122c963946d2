// store/internal/log_codec.h - log records to pieces and back; store/log_record.h draws the bytes.
//
// Threads: a writer has one owner; reading is pure.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/log_record.h"
#include "vm/base/expected.h"
#include "vm/base/kv.h"

namespace entail::store {

inline constexpr std::uint8_t kLogFormat = 1;

// Puts the pieces of one record into a batch: the constructor writes the head, then entries in any
// number, then finish().
class LogRecordWriter {
 public:
  LogRecordWriter(KvBatch& batch, const VersionInfo& info);

  void add(const RowChange& change);
  void add(const CatalogChange& change);
  void add(const OutboxEntry& entry);
  void add(const DeadLetter& letter);
  void finish() { flush(true); }

 private:
  void flush(bool last);
  void end_entry();

  KvBatch& batch_;
  Version version_;
  std::uint32_t piece_ = 0;
  std::string value_;
};

// Decodes one piece into `record`; piece 0 sets its info. The bytes of `value` are kept in
// record.bytes, where the views point. With `head_only`, only the info is taken and nothing kept.
// Sets `last` where this is the record's last piece.
Expected<void> read_log_piece(std::string_view key, std::string_view value, bool head_only,
                              LogRecord& record, bool& last);

}  // namespace entail::store
