#include "store/versioned_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "store/derived_state.h"
#include "store/internal/bytes.h"
#include "store/internal/commit_rows.h"
#include "store/internal/keys.h"
#include "store/internal/log_codec.h"
#include "store/internal/log_reader.h"
#include "store/internal/meta_codec.h"
#include "store/internal/retention.h"
#include "store/internal/row_reader.h"
#include "vm/base/ensure.h"

namespace entail::store {
namespace {

KvLayout make_layout(const std::shared_ptr<RetentionFloors>& floors) {
  KvLayout layout;
  layout.families.resize(6);
  const auto family = [&](KvFamily which) -> KvFamilyOptions& {
    KvFamilyOptions& options = layout.families[which.position()];
    options.name = family_name(which);
    return options;
  };
  family(kCurrent).point_reads = true;
  family(kHistory).may_drop = [floors](std::string_view key, std::string_view) {
    return floors->may_drop_history(key);
  };
  KvFamilyOptions& log = family(kLog);
  log.large_values = true;
  log.may_drop = [floors](std::string_view key, std::string_view) {
    return floors->may_drop_log(key);
  };
  family(kOutbox);
  family(kMeta);
  family(kDerived).large_values = true;
  return layout;
}

// Catalog keys hold no zero byte, so that a zero ends them and none is the beginning of another.
std::string catalog_row_key(std::string_view key) {
  ENTAIL_ENSURE(key.find('\0') == std::string_view::npos);
  return std::string(key) + '\0';
}

}  // namespace

// --- Opening --------------------------------------------------------------------------------------

Expected<std::unique_ptr<VersionedStore>> VersionedStore::open(Options options) {
  ENTAIL_ENSURE(options.open_kv != nullptr && options.clock != nullptr);
  std::unique_ptr<VersionedStore> store(new VersionedStore());
  store->clock_ = options.clock;
  store->floors_ = std::make_shared<RetentionFloors>();
  auto kv = options.open_kv(make_layout(store->floors_));
  if (!kv) return unexpected(std::move(kv).error());
  store->kv_ = *std::move(kv);
  store->batch_ = store->kv_->new_batch();
  if (auto loaded = store->load(); !loaded) return unexpected(std::move(loaded).error());
  return store;
}

VersionedStore::~VersionedStore() = default;

Expected<void> VersionedStore::load() {
  auto format = kv_->get(kMeta, kFormatKey);
  if (!format) return unexpected(std::move(format).error());
  if (*format) {
    if (auto checked = check_format_value(**format); !checked) return checked;
  } else {
    if (auto empty = check_empty(); !empty) return empty;
    batch_->put(kMeta, kFormatKey, format_value());
    if (auto written = kv_->write(*batch_, true); !written) return written;
    batch_->clear();
  }
  if (auto loaded = load_floors(); !loaded) return loaded;
  return load_newest_version();
}

Expected<void> VersionedStore::check_empty() const {
  for (const KvFamily family : {kCurrent, kHistory, kLog, kOutbox, kMeta, kDerived}) {
    const auto iterator = kv_->iterate(family, {});
    iterator->seek_to_first();
    if (auto status = iterator->status(); !status) return status;
    if (iterator->valid()) {
      return corrupt(fmt::format("the format entry of family meta is missing, and there is the {}",
                                 describe_key(family, iterator->key())));
    }
  }
  return {};
}

Expected<void> VersionedStore::load_floors() {
  KvReadOptions options;
  options.lower = kFloorPrefix;
  options.upper = prefix_end(std::string(kFloorPrefix));
  const auto iterator = kv_->iterate(kMeta, std::move(options));
  for (iterator->seek_to_first(); iterator->valid(); iterator->next()) {
    const std::string_view key = iterator->key();
    auto floor = read_floor_value(key, iterator->value());
    if (!floor) return unexpected(std::move(floor).error());
    if (key.size() != kFloorPrefix.size() + 4) {
      return corrupt(fmt::format("the {} names no relation", describe_key(kMeta, key)));
    }
    floors_->relations[big_endian_32(key.substr(kFloorPrefix.size()))].declared = *floor;
  }
  if (auto status = iterator->status(); !status) return status;
  auto log_floor = kv_->get(kMeta, kLogFloorKey);
  if (!log_floor) return unexpected(std::move(log_floor).error());
  if (*log_floor) {
    auto floor = read_floor_value(kLogFloorKey, **log_floor);
    if (!floor) return unexpected(std::move(floor).error());
    floors_->log.declared = *floor;
  }
  const std::lock_guard lock(floors_->mutex);
  floors_->let_go();
  return {};
}

Expected<void> VersionedStore::load_newest_version() {
  const auto iterator = kv_->iterate(kLog, {});
  iterator->seek_to_last();
  if (auto status = iterator->status(); !status) return status;
  if (!iterator->valid()) return {};
  const auto parts = split_log_key(iterator->key());
  if (!parts) {
    return corrupt(fmt::format("the {} has a damaged key", describe_key(kLog, iterator->key())));
  }
  auto info = read_log_head(*kv_, parts->version);
  if (!info) return unexpected(std::move(info).error());
  version_ = durable_ = info->version;
  time_us_ = info->time_us;
  return {};
}

// --- Writing --------------------------------------------------------------------------------------

Expected<Version> VersionedStore::commit(CommitBatch batch, Durability durability) {
  if (failed_) {
    if (auto resumed = kv_->resume(); !resumed) return unexpected(std::move(resumed).error());
    failed_ = false;
    raise_durable(version_);
  }
  VersionInfo info;
  info.version = version_ + 1;
  info.time_us = std::max(batch.time_us != 0 ? batch.time_us : clock_->now_us(), time_us_ + 1);
  info.cause = std::move(batch.cause);

  batch_->clear();
  auto done = stage_commit(info, batch);
  if (done) {
    done = kv_->write(*batch_, durability == Durability::kSync);
    if (!done) failed_ = true;
  }
  batch_->clear();
  if (!done) return unexpected(std::move(done).error());
  time_us_.store(info.time_us, std::memory_order_release);
  version_.store(info.version, std::memory_order_release);
  if (!batch.dropped.empty()) {
    const std::lock_guard lock(floors_->mutex);
    for (const RelationNumber relation : batch.dropped) {
      floors_->relations[relation] = {RetentionFloors::kDropped, RetentionFloors::kDropped};
    }
  }
  if (durability == Durability::kSync) raise_durable(info.version);
  return info.version;
}

Expected<void> VersionedStore::stage_commit(const VersionInfo& info, CommitBatch& batch) {
  if (auto staged = stage_catalog(info, batch.catalog); !staged) return staged;
  if (auto staged = stage_row_changes(*kv_, info.version, info.cause.kind, batch.changes, *batch_);
      !staged) {
    return staged;
  }
  for (const RelationNumber relation : batch.dropped) {
    const std::string begin = relation_prefix(relation), end = prefix_end(begin);
    batch_->erase_range(kCurrent, begin, end);
    batch_->erase_range(kHistory, begin, end);
    const std::string key = floor_key(relation);
    batch_->put(kMeta, key, floor_value(key, RetentionFloors::kDropped));
  }
  LogRecordWriter log(*batch_, info);
  for (const CatalogChange& change : batch.catalog) log.add(change);
  for (const RowChange& change : batch.changes) log.add(change);
  for (const OutboxEntry& entry : batch.outbox) log.add(entry);
  for (const DeadLetter& letter : batch.dead_letters) log.add(letter);
  log.finish();

  for (std::uint32_t ordinal = 0; ordinal < batch.outbox.size(); ++ordinal) {
    const std::string key = outbox_key(kOutboxEntryKind, info.version, ordinal);
    batch_->put(kOutbox, key, outbox_value(key, batch.outbox[ordinal]));
  }
  for (std::uint32_t ordinal = 0; ordinal < batch.dead_letters.size(); ++ordinal) {
    const std::string key = outbox_key(kDeadLetterKind, info.version, ordinal);
    batch_->put(kOutbox, key, dead_letter_value(key, batch.dead_letters[ordinal]));
  }
  for (const SourcePosition& position : info.cause.positions) {
    const std::string key = position_key(position.source, position.partition);
    batch_->put(kMeta, key, position_value(key, position.position));
  }
  if (batch_->bytes() > kCommitBytesMax) {
    return unexpected(ErrorCode::kLimit,
                      fmt::format("a commit of {} bytes is too large: the limit is {}",
                                  batch_->bytes(), kCommitBytesMax),
                      {.sqlstate = "54000", .hint = "Commit the rows in several transactions."});
  }
  return {};
}

// Catalog entries are rows of a relation of the store's own; what stands there is looked up here,
// since the caller need not know it.
Expected<void> VersionedStore::stage_catalog(const VersionInfo& info,
                                             std::vector<CatalogChange>& changes) {
  std::vector<RowChange> rows;
  std::vector<std::string> keys;
  keys.reserve(changes.size());
  for (CatalogChange& change : changes) {
    keys.push_back(catalog_row_key(change.key));
    auto before = get_current_row(*kv_, kCatalogRelation, keys.back());
    if (!before) return unexpected(std::move(before).error());
    change.before.reset();
    if (*before) {
      change.before = std::string((*before)->stored.image.row);
      change.before_born = (*before)->stored.born;
    }
    if (!change.before && !change.value) continue;
    RowChange& row = rows.emplace_back();
    row.relation = kCatalogRelation;
    row.key = keys.back();
    if (change.before) row.before = RowImage{.row = *change.before};
    if (change.value) row.after = RowImage{.row = *change.value};
  }
  return stage_row_changes(*kv_, info.version, info.cause.kind, rows, *batch_);
}

Expected<Version> VersionedStore::sync() {
  const Version version = version_.load(std::memory_order_acquire);
  if (version <= durable_version()) return version;
  auto synced = failed_ ? kv_->resume() : kv_->sync();
  if (!synced) {
    failed_ = true;
    return unexpected(std::move(synced).error());
  }
  failed_ = false;
  raise_durable(version);
  return version;
}

void VersionedStore::raise_durable(Version version) {
  Version known = durable_.load(std::memory_order_relaxed);
  while (known < version &&
         !durable_.compare_exchange_weak(known, version, std::memory_order_release)) {
  }
}

// --- Rows -----------------------------------------------------------------------------------------

Expected<VersionedStore::Pin> VersionedStore::pin_readable(RelationNumber relation,
                                                           Version as_of) const {
  if (as_of > version()) {
    return unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("version {} does not exist: the newest is {}", as_of, version()),
                      {.sqlstate = "22023"});
  }
  const std::lock_guard lock(floors_->mutex);
  const auto found = floors_->relations.find(relation);
  const bool kept = found == floors_->relations.end() || as_of >= found->second.declared;
  // Somebody else's pin of just this version will do as well.
  if (!kept && found->second.declared == RetentionFloors::kDropped) {
    return unexpected(ErrorCode::kNotFound, fmt::format("relation {} was dropped", relation),
                      {.sqlstate = "72000"});
  }
  if (!kept && (as_of < found->second.dropped_below || !floors_->pins.contains(as_of))) {
    return unexpected(ErrorCode::kNotFound,
                      fmt::format("version {} of relation {} is no longer kept: the oldest kept "
                                  "version is {}",
                                  as_of, relation, found->second.declared),
                      {.sqlstate = "72000"});
  }
  return Pin(floors_, as_of);
}

Expected<std::optional<PointRow>> VersionedStore::get(RelationNumber relation, std::string_view key,
                                                      std::optional<Version> as_of) const {
  if (!as_of) return get_current_row(*kv_, relation, key);
  const auto held = pin_readable(relation, *as_of);
  if (!held) return unexpected(held.error());
  return get_past_row(*kv_, relation, key, *as_of);
}

Expected<std::unique_ptr<RowScan>> VersionedStore::scan(RelationNumber relation,
                                                        std::optional<Version> as_of,
                                                        ScanRange range) const {
  if (!as_of) return scan_current_rows(*kv_, relation, std::move(range));
  auto held = pin_readable(relation, *as_of);
  if (!held) return unexpected(std::move(held).error());
  return scan_past_rows(*kv_, relation, std::move(range), *as_of, *std::move(held));
}

// --- Catalog area ---------------------------------------------------------------------------------

Expected<std::optional<std::string>> VersionedStore::catalog_get(
    std::string_view key, std::optional<Version> as_of) const {
  auto row = get(kCatalogRelation, catalog_row_key(key), as_of);
  if (!row) return unexpected(std::move(row).error());
  if (!*row) return std::optional<std::string>();
  return std::optional<std::string>((*row)->stored.image.row);
}

Expected<std::vector<std::pair<std::string, std::string>>> VersionedStore::catalog_list(
    std::string_view prefix, std::optional<Version> as_of) const {
  auto rows = scan(kCatalogRelation, as_of,
                   {.from = std::string(prefix), .to = prefix_end(std::string(prefix))});
  if (!rows) return unexpected(std::move(rows).error());
  std::vector<std::pair<std::string, std::string>> entries;
  while ((*rows)->next()) {
    const StoredRow& row = (*rows)->row();
    entries.emplace_back(row.key.substr(0, row.key.size() - 1), row.image.row);
  }
  if (auto status = (*rows)->status(); !status) return unexpected(std::move(status).error());
  return entries;
}

// --- Versions and the log -------------------------------------------------------------------------

Expected<void> VersionedStore::check_logged(Version version) const {
  if (version == 0 || version > this->version()) {
    return unexpected(
        ErrorCode::kInvalidArgument,
        fmt::format("version {} does not exist: the newest is {}", version, this->version()),
        {.sqlstate = "22023"});
  }
  const Version floor = log_floor();
  if (version >= floor) return {};
  return unexpected(ErrorCode::kNotFound,
                    fmt::format("the log of version {} is no longer kept: the oldest kept version "
                                "is {}",
                                version, floor),
                    {.sqlstate = "72000"});
}

Expected<std::unique_ptr<LogReader>> VersionedStore::read_log(Version from) const {
  const Version to = version();
  Pin held = pin(from);
  if (from <= to) {
    if (auto logged = check_logged(std::max<Version>(from, 1)); !logged) {
      return unexpected(std::move(logged).error());
    }
  }
  return read_log_records(*kv_, std::max<Version>(from, 1), to, false, std::move(held));
}

Expected<VersionInfo> VersionedStore::version_info(Version version) const {
  if (auto logged = check_logged(version); !logged) return unexpected(std::move(logged).error());
  return read_log_head(*kv_, version);
}

Expected<std::vector<VersionInfo>> VersionedStore::versions(Version from, Version to,
                                                            std::size_t limit) const {
  to = std::min(to, version());
  Pin held = pin(from);
  from = std::max({from, log_floor(), Version{1}});
  std::vector<VersionInfo> infos;
  if (from > to) return infos;
  const auto reader = read_log_records(*kv_, from, to, true, std::move(held));
  while (infos.size() < limit && reader->next()) infos.push_back(reader->record().info);
  if (auto status = reader->status(); !status) return unexpected(std::move(status).error());
  return infos;
}

Expected<Version> VersionedStore::version_at(std::int64_t time_us) const {
  // Versions from `low` on may be later than the time; those before it are not.
  Version low = std::max<Version>(log_floor(), 1);
  const Version first = low;
  Version high = version() + 1;
  while (low < high) {
    const Version middle = low + (high - low) / 2;
    auto info = read_log_head(*kv_, middle);
    if (!info) return unexpected(std::move(info).error());
    if (info->time_us <= time_us) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == first && first > 1) {
    return unexpected(
        ErrorCode::kNotFound,
        fmt::format("that time is no longer kept: the oldest kept version is {}", first),
        {.sqlstate = "72000"});
  }
  return low - 1;
}

Expected<std::vector<SourcePosition>> VersionedStore::positions(std::string_view source) const {
  KvReadOptions options;
  options.lower = source.empty() ? std::string(kPositionPrefix) : position_key(source, "");
  options.upper = prefix_end(options.lower);
  const auto iterator = kv_->iterate(kMeta, std::move(options));
  std::vector<SourcePosition> positions;
  for (iterator->seek_to_first(); iterator->valid(); iterator->next()) {
    auto position = read_position(iterator->key(), iterator->value());
    if (!position) return unexpected(std::move(position).error());
    positions.push_back(*std::move(position));
  }
  if (auto status = iterator->status(); !status) return unexpected(std::move(status).error());
  return positions;
}

// --- Outbox and dead letters ----------------------------------------------------------------------

namespace {

template <typename Entry, typename Read>
Expected<std::vector<Entry>> kept_entries(const Kv& kv, std::uint8_t kind, EntryId after,
                                          std::size_t limit, Read read) {
  KvReadOptions options;
  const bool from_first = after == EntryId{};
  options.lower = outbox_key(kind, after.version, after.ordinal) + (from_first ? "" : "\x01");
  options.upper = outbox_key(static_cast<std::uint8_t>(kind + 1), 0, 0);
  const auto iterator = kv.iterate(kOutbox, std::move(options));
  std::vector<Entry> entries;
  for (iterator->seek_to_first(); iterator->valid() && entries.size() < limit; iterator->next()) {
    const std::string_view key = iterator->key();
    auto value = read(key, iterator->value());
    if (!value) return unexpected(std::move(value).error());
    if (key.size() != outbox_key(0, 0, 0).size()) {
      return corrupt(fmt::format("the {} has a damaged key", describe_key(kOutbox, key)));
    }
    entries.push_back(
        {{big_endian_64(key.substr(5)), big_endian_32(key.substr(13))}, *std::move(value)});
  }
  if (auto status = iterator->status(); !status) return unexpected(std::move(status).error());
  return entries;
}

}  // namespace

Expected<std::vector<KeptOutboxEntry>> VersionedStore::outbox(EntryId after,
                                                              std::size_t limit) const {
  return kept_entries<KeptOutboxEntry>(*kv_, kOutboxEntryKind, after, limit, read_outbox_value);
}

Expected<std::vector<KeptDeadLetter>> VersionedStore::dead_letters(EntryId after,
                                                                   std::size_t limit) const {
  return kept_entries<KeptDeadLetter>(*kv_, kDeadLetterKind, after, limit, read_dead_letter_value);
}

Expected<void> VersionedStore::forget_entries(std::uint8_t kind, const std::vector<EntryId>& ids) {
  batch_->clear();
  for (const EntryId& id : ids) batch_->erase(kOutbox, outbox_key(kind, id.version, id.ordinal));
  auto written = kv_->write(*batch_, false);
  if (!written) failed_ = true;
  batch_->clear();
  return written;
}

Expected<void> VersionedStore::acknowledge_outbox(const std::vector<EntryId>& ids) {
  return forget_entries(kOutboxEntryKind, ids);
}

Expected<void> VersionedStore::discard_dead_letters(const std::vector<EntryId>& ids) {
  return forget_entries(kDeadLetterKind, ids);
}

// --- Retention ------------------------------------------------------------------------------------

Expected<void> VersionedStore::raise_floor(RelationNumber relation, bool of_log, Version floor) {
  floor = std::min(floor, version());
  if (floor <= (of_log ? log_floor() : this->floor(relation))) return {};
  // Durable before anything is dropped: a floor that a crash takes back must not have had effects.
  const std::string key = of_log ? std::string(kLogFloorKey) : floor_key(relation);
  batch_->clear();
  batch_->put(kMeta, key, floor_value(key, floor));
  const Version written_version = version();
  auto written = kv_->write(*batch_, true);
  batch_->clear();
  if (!written) {
    failed_ = true;
    return written;
  }
  raise_durable(written_version);
  const std::lock_guard lock(floors_->mutex);
  (of_log ? floors_->log : floors_->relations[relation]).declared = floor;
  floors_->let_go();
  return {};
}

Expected<void> VersionedStore::set_floor(RelationNumber relation, Version floor) {
  return raise_floor(relation, false, floor);
}

Expected<void> VersionedStore::set_log_floor(Version floor) { return raise_floor(0, true, floor); }

Version VersionedStore::floor(RelationNumber relation) const {
  return floors_->of(relation).declared;
}

Version VersionedStore::log_floor() const {
  const std::lock_guard lock(floors_->mutex);
  return floors_->log.declared;
}

Expected<void> VersionedStore::prune() {
  if (auto tidied = kv_->compact(kHistory, {}, {}); !tidied) return tidied;
  return kv_->compact(kLog, {}, {});
}

VersionedStore::Pin VersionedStore::pin(Version version) const {
  const std::lock_guard lock(floors_->mutex);
  return Pin(floors_, version);
}

VersionedStore::Pin::Pin(std::shared_ptr<RetentionFloors> floors, Version version)
    : floors_(std::move(floors)), version_(version) {
  floors_->pins.insert(version);
}

VersionedStore::Pin::Pin(Pin&& other) noexcept
    : floors_(std::move(other.floors_)), version_(other.version_) {}

VersionedStore::Pin& VersionedStore::Pin::operator=(Pin&& other) noexcept {
  std::swap(floors_, other.floors_);
  std::swap(version_, other.version_);
  return *this;
}

VersionedStore::Pin::~Pin() {
  if (floors_ == nullptr) return;
  const std::lock_guard lock(floors_->mutex);
  floors_->pins.erase(floors_->pins.find(version_));
  floors_->let_go();
}

// --- Care -----------------------------------------------------------------------------------------

Expected<void> VersionedStore::backup(const std::string& path) const {
  return kv_->checkpoint(path);
}

}  // namespace entail::store
