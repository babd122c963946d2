#include "store/internal/log_codec.h"

#include <fmt/format.h>

#include "store/internal/bytes.h"
#include "store/internal/keys.h"
#include "vm/base/ensure.h"
#include "vm/base/tiny.h"

namespace entail::store {
namespace {

// An ordinary value for the disk below, and few enough a commit that their keys cost nothing.
constexpr std::size_t kPieceBytes = size_or_tiny(std::size_t{256} << 10U, 64);

enum class EntryTag : std::uint8_t { kRow = 1, kCatalog = 2, kOutbox = 3, kDeadLetter = 4 };

constexpr std::uint8_t kLastPiece = 1;
constexpr std::uint8_t kHasBefore = 1, kHasAfter = 2, kHasFiring = 4, kHasDurableId = 8;

bool take_cause(std::string_view& in, Cause& cause) {
  std::uint8_t kind = 0;
  std::uint64_t count = 0;
  if (!take_byte(in, kind) || !take_string(in, cause.origin) || !take_varint(in, cause.number) ||
      !take_zigzag(in, cause.time_us) || !take_string(in, cause.detail) ||
      !take_varint(in, count) || count > in.size()) {
    return false;
  }
  cause.kind = static_cast<CauseKind>(kind);
  cause.positions.resize(count);
  for (SourcePosition& position : cause.positions) {
    if (!take_string(in, position.source) || !take_string(in, position.partition) ||
        !take_string(in, position.position)) {
      return false;
    }
  }
  return true;
}

bool take_row_change(std::string_view& in, RowChange& change) {
  std::uint8_t flags = 0;
  if (!take_byte(in, flags) || !take_varint_32(in, change.relation) ||
      !take_bytes(in, change.key)) {
    return false;
  }
  if ((flags & kHasBefore) != 0) {
    RowImage& before = change.before.emplace();
    if (!take_varint(in, change.before_born) || !take_zigzag(in, before.weight) ||
        !take_bytes(in, before.row)) {
      return false;
    }
  }
  if ((flags & kHasAfter) != 0) {
    RowImage& after = change.after.emplace();
    std::uint8_t has_time_tag = 0;
    if (!take_varint_32(in, after.schema_version) || !take_zigzag(in, after.weight) ||
        !take_byte(in, has_time_tag)) {
      return false;
    }
    if (has_time_tag != 0) {
      std::int64_t tag = 0;
      if (!take_zigzag(in, tag)) return false;
      after.time_tag_us = tag;
    }
    if (!take_bytes(in, after.row)) return false;
  }
  if ((flags & kHasFiring) != 0 && !take_varint_32(in, change.firing)) return false;
  return (flags & kHasDurableId) == 0 || take_varint(in, change.durable_id);
}

bool take_catalog_change(std::string_view& in, CatalogChange& change) {
  std::uint8_t flags = 0;
  if (!take_byte(in, flags) || !take_string(in, change.key)) return false;
  if ((flags & kHasBefore) != 0 &&
      (!take_varint(in, change.before_born) || !take_string(in, change.before.emplace()))) {
    return false;
  }
  return (flags & kHasAfter) == 0 || take_string(in, change.value.emplace());
}

bool take_outbox_entry(std::string_view& in, OutboxEntry& entry) {
  return take_varint_32(in, entry.rule) && take_string(in, entry.sink) &&
         take_string(in, entry.payload);
}

bool take_dead_letter(std::string_view& in, DeadLetter& letter) {
  return take_string(in, letter.source) && take_string(in, letter.partition) &&
         take_string(in, letter.position) && take_string(in, letter.reason) &&
         take_string(in, letter.payload);
}

bool take_entry(std::string_view& in, LogRecord& record) {
  std::uint8_t tag = 0;
  if (!take_byte(in, tag)) return false;
  switch (static_cast<EntryTag>(tag)) {
    case EntryTag::kRow:
      return take_row_change(in, record.changes.emplace_back());
    case EntryTag::kCatalog:
      return take_catalog_change(in, record.catalog.emplace_back());
    case EntryTag::kOutbox:
      return take_outbox_entry(in, record.outbox.emplace_back());
    case EntryTag::kDeadLetter:
      return take_dead_letter(in, record.dead_letters.emplace_back());
  }
  return false;
}

}  // namespace

LogRecordWriter::LogRecordWriter(KvBatch& batch, const VersionInfo& info)
    : batch_(batch), version_(info.version) {
  value_.push_back(static_cast<char>(kLogFormat));
  value_.push_back(0);
  put_zigzag(value_, info.time_us);
  const Cause& cause = info.cause;
  value_.push_back(static_cast<char>(cause.kind));
  put_bytes(value_, cause.origin);
  put_varint(value_, cause.number);
  put_zigzag(value_, cause.time_us);
  put_bytes(value_, cause.detail);
  put_varint(value_, cause.positions.size());
  for (const SourcePosition& position : cause.positions) {
    put_bytes(value_, position.source);
    put_bytes(value_, position.partition);
    put_bytes(value_, position.position);
  }
}

void LogRecordWriter::add(const RowChange& change) {
  std::uint8_t flags = 0;
  if (change.before) flags |= kHasBefore;
  if (change.after) flags |= kHasAfter;
  if (change.firing != 0) flags |= kHasFiring;
  if (change.durable_id != 0) flags |= kHasDurableId;
  value_.push_back(static_cast<char>(EntryTag::kRow));
  value_.push_back(static_cast<char>(flags));
  put_varint(value_, change.relation);
  put_bytes(value_, change.key);
  if (change.before) {
    put_varint(value_, change.before_born);
    put_zigzag(value_, change.before->weight);
    put_bytes(value_, change.before->row);
  }
  if (change.after) {
    put_varint(value_, change.after->schema_version);
    put_zigzag(value_, change.after->weight);
    value_.push_back(change.after->time_tag_us ? 1 : 0);
    if (change.after->time_tag_us) put_zigzag(value_, *change.after->time_tag_us);
    put_bytes(value_, change.after->row);
  }
  if (change.firing != 0) put_varint(value_, change.firing);
  if (change.durable_id != 0) put_varint(value_, change.durable_id);
  end_entry();
}

void LogRecordWriter::add(const CatalogChange& change) {
  std::uint8_t flags = 0;
  if (change.before) flags |= kHasBefore;
  if (change.value) flags |= kHasAfter;
  value_.push_back(static_cast<char>(EntryTag::kCatalog));
  value_.push_back(static_cast<char>(flags));
  put_bytes(value_, change.key);
  if (change.before) {
    put_varint(value_, change.before_born);
    put_bytes(value_, *change.before);
  }
  if (change.value) put_bytes(value_, *change.value);
  end_entry();
}

void LogRecordWriter::add(const OutboxEntry& entry) {
  value_.push_back(static_cast<char>(EntryTag::kOutbox));
  put_varint(value_, entry.rule);
  put_bytes(value_, entry.sink);
  put_bytes(value_, entry.payload);
  end_entry();
}

void LogRecordWriter::add(const DeadLetter& letter) {
  value_.push_back(static_cast<char>(EntryTag::kDeadLetter));
  put_bytes(value_, letter.source);
  put_bytes(value_, letter.partition);
  put_bytes(value_, letter.position);
  put_bytes(value_, letter.reason);
  put_bytes(value_, letter.payload);
  end_entry();
}

void LogRecordWriter::end_entry() {
  if (value_.size() >= kPieceBytes) flush(false);
}

void LogRecordWriter::flush(bool last) {
  if (last) value_[1] = static_cast<char>(kLastPiece);
  const std::string key = log_key(version_, piece_);
  seal(kLog, key, value_);
  batch_.put(kLog, key, value_);
  ++piece_;
  value_.clear();
  value_.push_back(static_cast<char>(kLogFormat));
  value_.push_back(0);
}

Expected<void> read_log_piece(std::string_view key, std::string_view value, bool head_only,
                              LogRecord& record, bool& last) {
  auto checked = unseal(kLog, key, value);
  if (!checked) return unexpected(std::move(checked).error());
  const auto parts = split_log_key(key);
  if (!parts) return corrupt(fmt::format("the {} has no log key", describe_key(kLog, key)));
  std::string_view in = *checked;
  if (!head_only) in = record.bytes.emplace_back(in);
  std::uint8_t format = 0, flags = 0;
  if (!take_byte(in, format) || format != kLogFormat) {
    return corrupt(fmt::format("the {} has format {}, and this program reads format {}",
                               describe_key(kLog, key), format, kLogFormat));
  }
  bool whole = take_byte(in, flags);
  last = (flags & kLastPiece) != 0;
  if (whole && parts->piece == 0) {
    record.info.version = parts->version;
    whole = take_zigzag(in, record.info.time_us) && take_cause(in, record.info.cause);
  }
  while (whole && !head_only && !in.empty()) whole = take_entry(in, record);
  if (!whole) return corrupt(fmt::format("the {} is cut short", describe_key(kLog, key)));
  return {};
}

}  // namespace entail::store
