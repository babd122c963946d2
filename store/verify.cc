// VersionedStore::verify(): everything is read once, in three passes that share one summary.
//
// That the log and the rows agree is checked without holding either in memory. A row's life has two
// events: it was born in version b, it died in version d. The log tells both, and so do `current`
// (born) and `history` (born and died). Each event is hashed, and the hashes of a relation are
// summed, once from the log and once from the rows: the sums are equal if the events are. Only when
// a sum is wrong is one relation's log read again into memory, to name the row.
//
// Retention hides events from one side or the other, so both leave out the same ones: deaths up to
// what may have been dropped, births before the log's floor, and births of rows whose death is left
// out.

#include <fmt/format.h>
#include <xxhash.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/derived_state.h"
#include "store/internal/bytes.h"
#include "store/internal/derived_manifest.h"
#include "store/internal/keys.h"
#include "store/internal/log_reader.h"
#include "store/internal/meta_codec.h"
#include "store/internal/retention.h"
#include "store/row_value.h"
#include "store/versioned_store.h"

namespace entail::store {
namespace {

enum class EventKind : std::uint8_t { kBorn = 1, kDied = 2 };

struct EventSum {
  std::uint64_t low = 0, high = 0;

  void add(XXH128_hash_t hash) {
    high += hash.high64;
    low += hash.low64;
  }
  void remove(XXH128_hash_t hash) {
    high -= hash.high64;
    low -= hash.low64;
  }
  bool operator==(const EventSum&) const = default;
};

// What both sides say about a row: never its place, which the sides have in different forms.
std::string event_key(EventKind kind, std::string_view key, Version version) {
  std::string out(1, static_cast<char>(kind));
  put_bytes(out, key);
  put_varint(out, version);
  return out;
}

XXH128_hash_t event_hash(EventKind kind, std::string_view key, Version version,
                         const RowImage& image, std::string& scratch) {
  scratch.clear();
  scratch.push_back(static_cast<char>(kind));
  put_bytes(scratch, key);
  put_varint(scratch, version);
  put_zigzag(scratch, image.weight);
  scratch.append(image.row);
  return XXH3_128bits(scratch.data(), scratch.size());
}

class Verifier {
 public:
  // The caller holds back retention meanwhile.
  Verifier(const Kv& kv, const RetentionFloors& floors) : kv_(kv), snapshot_(kv.snapshot()) {
    const std::lock_guard lock(floors.mutex);
    log_floor_ = std::max<Version>(1, floors.log.declared);
    for (const auto& [relation, floor] : floors.relations) {
      dropped_below_[relation] = floor.dropped_below;
      if (floor.declared == RetentionFloors::kDropped) dropped_relations_.insert(relation);
    }
  }

  Expected<VerifyReport> run() {
    for (const auto pass :
         {&Verifier::read_files, &Verifier::read_log, &Verifier::read_rows, &Verifier::compare_sums,
          &Verifier::read_meta, &Verifier::read_outbox, &Verifier::read_derived}) {
      if (auto done = (this->*pass)(); !done) return unexpected(std::move(done).error());
    }
    return report_;
  }

 private:
  struct Sums {
    EventSum log, rows;
  };

  Expected<void> read_files() {
    if (auto read = kv_.verify_files(); !read) return read;
    const auto newest = kv_.iterate(kLog, {.snapshot = snapshot_.get()});
    newest->seek_to_last();
    if (auto status = newest->status(); !status) return status;
    if (!newest->valid()) return {};
    const auto parts = split_log_key(newest->key());
    if (!parts) return damaged_key(kLog, newest->key());
    newest_ = parts->version;
    return {};
  }

  // Births that both sides know of, deaths that both have kept.
  bool counts_born(Version born) const { return born >= log_floor_; }
  bool counts_died(RelationNumber relation, Version died) const {
    const auto found = dropped_below_.find(relation);
    return died >= log_floor_ && (found == dropped_below_.end() || died > found->second);
  }
  bool is_dropped(RelationNumber relation, Version died) const {
    const auto found = dropped_below_.find(relation);
    return found != dropped_below_.end() && died <= found->second;
  }

  // Calls use(+1 or -1, kind, version, image) for what the log's change says of rows that count.
  template <typename Use>
  void events_of(const RowChange& change, Version version, Use use) const {
    if (change.before) {
      if (counts_died(change.relation, version)) {
        use(1, EventKind::kDied, version, *change.before);
      } else if (is_dropped(change.relation, version) && counts_born(change.before_born)) {
        use(-1, EventKind::kBorn, change.before_born, *change.before);
      }
    }
    if (change.after) use(1, EventKind::kBorn, version, *change.after);
  }

  // Catalog changes too, as the rows that they are.
  template <typename Use>
  static void changes_of(const LogRecord& record, Use use) {
    for (const RowChange& change : record.changes) use(change);
    for (const CatalogChange& change : record.catalog) {
      const std::string key = change.key + '\0';
      RowChange row;
      row.relation = kCatalogRelation;
      row.key = key;
      row.before_born = change.before_born;
      if (change.before) row.before = RowImage{.row = *change.before};
      if (change.value) row.after = RowImage{.row = *change.value};
      use(row);
    }
  }

  std::unique_ptr<LogReader> log_reader() const {
    return read_log_records(kv_, log_floor_, newest_, false, {}, snapshot_.get());
  }

  Expected<void> read_log() {
    const auto reader = log_reader();
    std::int64_t last_time_us = INT64_MIN;
    while (reader->next()) {
      const LogRecord& record = reader->record();
      if (record.info.time_us <= last_time_us) {
        return corrupt(
            fmt::format("the time of version {} is not later than that of the version "
                        "before it",
                        record.info.version));
      }
      last_time_us = record.info.time_us;
      ++report_.versions;
      for (const SourcePosition& position : record.info.cause.positions) {
        positions_[position_key(position.source, position.partition)] = position.position;
      }
      changes_of(record, [&](const RowChange& change) {
        ++report_.log_changes;
        if (dropped_relations_.contains(change.relation)) return;
        EventSum& sum = sums_[change.relation].log;
        events_of(change, record.info.version,
                  [&](int sign, EventKind kind, Version version, const RowImage& image) {
                    const auto hash = event_hash(kind, change.key, version, image, scratch_);
                    sign > 0 ? sum.add(hash) : sum.remove(hash);
                  });
      });
    }
    return reader->status();
  }

  // Calls use(kind, key, version, image) for the events that stored rows stand for, and
  // checks what can be seen row by row.
  template <typename Use>
  Expected<void> each_row_event(std::optional<RelationNumber> only, Use use) {
    KvReadOptions options;
    options.snapshot = snapshot_.get();
    options.bulk = true;
    if (only) {
      options.lower = relation_prefix(*only);
      options.upper = prefix_end(options.lower);
    }
    const auto current = kv_.iterate(kCurrent, options);
    const auto history = kv_.iterate(kHistory, std::move(options));
    current->seek_to_first();
    history->seek_to_first();
    std::string last_key;  // Of current or history, without a version.
    Version younger_born = UINT64_MAX;
    while (current->valid() || history->valid()) {
      std::optional<HistoryKeyParts> past;
      if (history->valid()) {
        past = split_history_key(history->key());
        if (!past) return damaged_key(kHistory, history->key());
      }
      const bool is_current =
          current->valid() && (!past || current->key().compare(past->row_key) <= 0);
      const std::string_view key = is_current ? current->key() : past->row_key;
      const auto parts = split_row_key(key);
      if (!parts) return damaged_key(kCurrent, key);
      if (dropped_relations_.contains(parts->relation)) {
        return corrupt(fmt::format("the {} belongs to a relation that was dropped",
                                   describe_key(is_current ? kCurrent : kHistory, key)));
      }
      const bool same_key = key == last_key;
      if (!same_key && !last_key.empty() && key.starts_with(last_key)) {
        return corrupt(fmt::format("the key of the {} is the beginning of another one",
                                   describe_key(kCurrent, last_key)));
      }
      if (!same_key) younger_born = UINT64_MAX;

      const KvFamily family = is_current ? kCurrent : kHistory;
      const KvIterator& place = is_current ? *current : *history;
      auto row = decode_row_value(family, place.key(), place.value());
      if (!row) return unexpected(std::move(row).error());
      const Version end = is_current ? UINT64_MAX : past->died;
      if (!only) ++(is_current ? report_.current_rows : report_.history_rows);
      const Version newest = is_current ? row->born : end;
      if (row->born == 0 || row->born >= end || newest > newest_ ||
          (!is_current && end > younger_born)) {
        return corrupt(fmt::format("the {} was born by version {}, which cannot be",
                                   describe_key(family, place.key()), row->born));
      }
      younger_born = row->born;
      if (is_current || !is_dropped(parts->relation, end)) {
        if (counts_born(row->born)) use(EventKind::kBorn, *parts, row->born, row->image);
        if (!is_current && end >= log_floor_) use(EventKind::kDied, *parts, end, row->image);
      }
      last_key = key;
      is_current ? current->next() : history->next();
    }
    if (auto status = current->status(); !status) return status;
    return history->status();
  }

  Expected<void> read_rows() {
    return each_row_event(
        {}, [&](EventKind kind, const RowKeyParts& key, Version version, const RowImage& image) {
          sums_[key.relation].rows.add(event_hash(kind, key.key, version, image, scratch_));
        });
  }

  Expected<void> compare_sums() {
    for (const auto& [relation, sums] : sums_) {
      if (sums.log != sums.rows) return name_difference(relation);
    }
    return {};
  }

  // The sums of `relation` differ: finds the first row that only one side has.
  Expected<void> name_difference(RelationNumber relation) {
    std::map<std::string, EventSum> events;  // What the log has and the rows have not.
    const auto reader = log_reader();
    while (reader->next()) {
      changes_of(reader->record(), [&](const RowChange& change) {
        if (change.relation != relation) return;
        events_of(change, reader->record().info.version,
                  [&](int sign, EventKind kind, Version version, const RowImage& image) {
                    EventSum& sum = events[event_key(kind, change.key, version)];
                    const auto hash = event_hash(kind, change.key, version, image, scratch_);
                    sign > 0 ? sum.add(hash) : sum.remove(hash);
                  });
      });
    }
    if (auto status = reader->status(); !status) return status;
    auto read = each_row_event(relation, [&](EventKind kind, const RowKeyParts& key,
                                             Version version, const RowImage& image) {
      events[event_key(kind, key.key, version)].remove(
          event_hash(kind, key.key, version, image, scratch_));
    });
    if (!read) return read;
    for (const auto& [event, sum] : events) {
      if (sum == EventSum{}) continue;
      std::string_view rest = event;
      std::uint8_t kind = 0;
      std::string_view key;
      Version version = 0;
      if (!take_byte(rest, kind) || !take_bytes(rest, key) || !take_varint(rest, version)) break;
      return corrupt(fmt::format(
          "the log and the rows of relation {} disagree about key {} in version {}: a row that {} "
          "then is missing or is another one",
          relation, readable(key), version,
          static_cast<EventKind>(kind) == EventKind::kBorn ? "was written" : "went"));
    }
    return corrupt(fmt::format("the log and the rows of relation {} disagree", relation));
  }

  Expected<void> read_meta() {
    const auto iterator = kv_.iterate(kMeta, {.snapshot = snapshot_.get()});
    std::map<std::string, std::string> missing = std::move(positions_);
    for (iterator->seek_to_first(); iterator->valid(); iterator->next()) {
      const std::string_view key = iterator->key(), value = iterator->value();
      Expected<void> checked;
      if (key == kFormatKey) {
        checked = check_format_value(value);
      } else if (key.starts_with(kFloorPrefix) || key == kLogFloorKey) {
        if (auto floor = read_floor_value(key, value); !floor) checked = unexpected(floor.error());
      } else if (key.starts_with(kPositionPrefix)) {
        auto position = read_position(key, value);
        const auto logged = missing.find(std::string(key));
        if (!position) {
          checked = unexpected(position.error());
        } else if (logged != missing.end() && logged->second == position->position) {
          missing.erase(logged);
        }
      } else {
        return damaged_key(kMeta, key);
      }
      if (!checked) return checked;
    }
    if (auto status = iterator->status(); !status) return status;
    if (missing.empty()) return {};
    return corrupt(fmt::format("the {} is not the one that the log has last",
                               describe_key(kMeta, missing.begin()->first)));
  }

  Expected<void> read_outbox() {
    const auto iterator = kv_.iterate(kOutbox, {.snapshot = snapshot_.get()});
    for (iterator->seek_to_first(); iterator->valid(); iterator->next()) {
      const std::string_view key = iterator->key(), value = iterator->value();
      const std::size_t size = outbox_key(0, 0, 0).size();
      if (key.size() != size) return damaged_key(kOutbox, key);
      if (key[4] == kOutboxEntryKind) {
        if (auto entry = read_outbox_value(key, value); !entry) return unexpected(entry.error());
      } else if (key[4] == kDeadLetterKind) {
        auto letter = read_dead_letter_value(key, value);
        if (!letter) return unexpected(std::move(letter).error());
      } else {
        return damaged_key(kOutbox, key);
      }
    }
    return iterator->status();
  }

  // Chunks come before manifests; those of a checkpoint that is being written have none yet.
  Expected<void> read_derived() {
    struct Blob {
      std::uint64_t bytes = 0;
      std::uint32_t chunks = 0;
    };
    std::map<std::string, Blob, std::less<>> blobs;  // By the key of chunk 0, without its number.
    const auto iterator = kv_.iterate(kDerived, {.snapshot = snapshot_.get(), .bulk = true});
    for (iterator->seek_to_first(); iterator->valid(); iterator->next()) {
      const std::string_view key = iterator->key();
      auto body = unseal(kDerived, key, iterator->value());
      if (!body) return unexpected(std::move(body).error());
      report_.derived_bytes += body->size();
      if (key.front() == kDerivedChunkKind && key.size() > kVersionBytes + 5) {
        Blob& blob = blobs[std::string(key.substr(0, key.size() - 4))];
        blob.bytes += body->size() - 1;
        ++blob.chunks;
        continue;
      }
      if (key.front() != kDerivedManifestKind) return damaged_key(kDerived, key);
      auto manifest = decode_derived_manifest(key, iterator->value());
      if (!manifest) return unexpected(std::move(manifest).error());
      const Version version = big_endian_64(key.substr(1));
      for (const DerivedManifest::Blob& named : manifest->blobs) {
        std::string place = derived_chunk_key(version, named.name, 0);
        place.resize(place.size() - 4);
        const Blob& blob = blobs[place];
        if (blob.bytes == named.bytes && blob.chunks == named.chunks) continue;
        return corrupt(fmt::format("the derived state {} of version {} is not whole",
                                   readable(named.name), version));
      }
    }
    return iterator->status();
  }

  Unexpected damaged_key(KvFamily family, std::string_view key) const {
    return corrupt(fmt::format("the {} has a damaged key", describe_key(family, key)));
  }

  const Kv& kv_;
  const std::unique_ptr<KvSnapshot> snapshot_;
  Version newest_ = 0;
  Version log_floor_ = 1;
  std::map<RelationNumber, Version> dropped_below_;
  std::set<RelationNumber> dropped_relations_;
  std::map<RelationNumber, Sums> sums_;
  std::map<std::string, std::string> positions_;
  std::string scratch_;
  VerifyReport report_;
};

}  // namespace

Expected<VerifyReport> VersionedStore::verify() const {
  const Pin everything = pin(0);
  return Verifier(*kv_, *floors_).run();
}

}  // namespace entail::store
