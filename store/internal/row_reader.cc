#include "store/internal/row_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "store/internal/bytes.h"
#include "store/internal/keys.h"
#include "store/row_value.h"

namespace entail::store {
namespace {

Expected<std::optional<PointRow>> point_row(KvFamily family, std::string_view stored_key,
                                            std::string_view key, std::string_view value) {
  PointRow row;
  row.bytes.reserve(value.size() + key.size());
  row.bytes.assign(value.begin(), value.end());
  row.bytes.insert(row.bytes.end(), key.begin(), key.end());
  const std::string_view bytes(row.bytes.data(), row.bytes.size());
  auto stored = decode_row_value(family, stored_key, bytes.substr(0, value.size()));
  if (!stored) return unexpected(std::move(stored).error());
  row.stored = *stored;
  row.stored.key = bytes.substr(value.size());
  return std::optional<PointRow>(std::move(row));
}

Error corrupt_key(std::string_view key) {
  return corrupt(fmt::format("the {} has a damaged key", describe_key(kHistory, key))).error();
}

class CurrentScan final : public RowScan {
 public:
  CurrentScan(const Kv& kv, RelationNumber relation, const ScanRange& range) {
    const std::string prefix = relation_prefix(relation);
    KvReadOptions options;
    options.lower = prefix + range.from;
    options.upper = range.to.empty() ? prefix_end(prefix) : prefix + range.to;
    options.bulk = range.from.empty() && range.to.empty();
    iterator_ = kv.iterate(kCurrent, std::move(options));
    iterator_->seek_to_first();
  }

  bool next() override {
    if (started_ && iterator_->valid()) iterator_->next();
    started_ = true;
    if (error_ || !iterator_->valid()) return false;
    const std::string_view key = iterator_->key();
    auto stored = decode_row_value(kCurrent, key, iterator_->value());
    if (!stored) {
      error_ = std::move(stored).error();
      return false;
    }
    row_ = *stored;
    row_.key = key.substr(kRowPrefixBytes);
    return true;
  }
  const StoredRow& row() const override { return row_; }
  Expected<void> status() const override {
    if (error_) return unexpected(*error_);
    return iterator_->status();
  }

 private:
  std::unique_ptr<KvIterator> iterator_;
  StoredRow row_;
  std::optional<Error> error_;
  bool started_ = false;
};

class PastScan final : public RowScan {
 public:
  PastScan(const Kv& kv, RelationNumber relation, const ScanRange& range, Version as_of,
           VersionedStore::Pin pin)
      : pin_(std::move(pin)),
        as_of_(as_of),
        prefix_(relation_prefix(relation)),
        from_(prefix_ + range.from),
        to_(range.to.empty() ? prefix_end(prefix_) : prefix_ + range.to),
        snapshot_(kv.snapshot()) {
    KvReadOptions options;
    options.snapshot = snapshot_.get();
    options.bulk = range.from.empty() && range.to.empty();
    options.lower = from_;
    options.upper = to_;
    current_ = kv.iterate(kCurrent, options);
    // With a version behind it, a key that is the beginning of `to` lies past it, and is wanted.
    options.upper = prefix_end(prefix_);
    history_ = kv.iterate(kHistory, std::move(options));
    current_->seek_to_first();
    history_->seek_to_first();
    while (history_->valid() && row_key_of_history() < from_) history_->next();
  }

  bool next() override {
    if (on_current_) current_->next();
    on_current_ = false;
    while (!error_) {
      const bool has_current = current_->valid();
      const bool has_history = history_->valid() && row_key_of_history() < to_;
      if (!has_current && !has_history) return false;
      int order = 0;  // Negative: the current row's key comes first.
      if (!has_current) {
        order = 1;
      } else {
        order = has_history ? current_->key().compare(row_key_of_history()) : -1;
      }
      if (order <= 0) {
        if (take_current()) {
          if (order == 0) skip_history();
          on_current_ = true;
          return true;
        }
        if (error_) return false;
        current_->next();
      }
      if (order >= 0 && take_history()) return true;
    }
    return false;
  }
  const StoredRow& row() const override { return row_; }
  Expected<void> status() const override {
    if (error_) return unexpected(*error_);
    if (auto status = current_->status(); !status) return status;
    return history_->status();
  }

 private:
  static constexpr int kStepsMax = 8;  // Further entries of a key are passed by a seek.

  std::string_view row_key_of_history() const {
    const std::string_view key = history_->key();
    return key.substr(0, key.size() - std::min(key.size(), kVersionBytes));
  }

  // The current row, if it was born by then.
  bool take_current() {
    auto stored = decode_row_value(kCurrent, current_->key(), current_->value());
    if (!stored) {
      error_ = std::move(stored).error();
      return false;
    }
    if (stored->born > as_of_) return false;
    row_ = *stored;
    row_.key = current_->key().substr(kRowPrefixBytes);
    return true;
  }

  // The row of the key that history is at, as of then; history moves to the next key.
  bool take_history() {
    const std::string key(row_key_of_history());
    bool found = false;
    for (int steps = 0; history_->valid() && row_key_of_history() == key; ++steps) {
      if (steps == kStepsMax) {
        history_->seek_for_prev(history_key(key, as_of_ + 1));
        if (history_->valid() && row_key_of_history() == key) found = hold_history();
        break;
      }
      const auto parts = split_history_key(history_->key());
      if (!parts) {
        error_ = corrupt_key(history_->key());
        return false;
      }
      if (parts->died <= as_of_) break;
      found = hold_history();
      history_->next();
    }
    skip_history_of(key);
    if (!found) return false;
    auto stored = decode_row_value(kHistory, held_key_, held_value_);
    if (!stored) {
      error_ = std::move(stored).error();
      return false;
    }
    if (stored->born > as_of_) return false;
    row_ = *stored;
    row_.key = std::string_view(held_key_).substr(
        kRowPrefixBytes, held_key_.size() - kRowPrefixBytes - kVersionBytes);
    return true;
  }

  bool hold_history() {
    held_key_ = history_->key();
    held_value_ = history_->value();
    return true;
  }

  void skip_history() { skip_history_of(std::string(row_key_of_history())); }
  void skip_history_of(const std::string& key) {
    for (int steps = 0; history_->valid() && row_key_of_history() == key; ++steps) {
      if (steps == kStepsMax) {
        history_->seek(history_key(key, 0) + '\0');
        return;
      }
      history_->next();
    }
  }

  const VersionedStore::Pin pin_;
  const Version as_of_;
  const std::string prefix_, from_, to_;
  std::unique_ptr<KvSnapshot> snapshot_;  // Outlives the iterators.
  std::unique_ptr<KvIterator> current_, history_;
  StoredRow row_;
  std::string held_key_, held_value_;
  bool on_current_ = false;  // row_ points into current_, which moves on at the next call.
  std::optional<Error> error_;
};

}  // namespace

Expected<std::optional<PointRow>> get_current_row(const Kv& kv, RelationNumber relation,
                                                  std::string_view key) {
  const std::string stored_key = row_key(relation, key);
  auto value = kv.get(kCurrent, stored_key);
  if (!value) return unexpected(std::move(value).error());
  if (!*value) return std::optional<PointRow>();
  return point_row(kCurrent, stored_key, key, **value);
}

Expected<std::optional<PointRow>> get_past_row(const Kv& kv, RelationNumber relation,
                                               std::string_view key, Version as_of) {
  const std::string stored_key = row_key(relation, key);
  const auto snapshot = kv.snapshot();
  auto value = kv.get(kCurrent, stored_key, snapshot.get());
  if (!value) return unexpected(std::move(value).error());
  if (*value) {
    auto row = point_row(kCurrent, stored_key, key, **value);
    if (!row || (*row)->stored.born <= as_of) return row;
  }
  KvReadOptions options;
  options.snapshot = snapshot.get();
  options.lower = stored_key;
  const auto history = kv.iterate(kHistory, std::move(options));
  history->seek_for_prev(history_key(stored_key, as_of + 1));
  if (auto status = history->status(); !status) return unexpected(std::move(status).error());
  if (!history->valid()) return std::optional<PointRow>();
  const auto parts = split_history_key(history->key());
  if (!parts || parts->row_key != stored_key) return std::optional<PointRow>();
  auto row = point_row(kHistory, history->key(), key, history->value());
  if (row && (*row)->stored.born > as_of) return std::optional<PointRow>();
  return row;
}

std::unique_ptr<RowScan> scan_current_rows(const Kv& kv, RelationNumber relation, ScanRange range) {
  return std::make_unique<CurrentScan>(kv, relation, range);
}

std::unique_ptr<RowScan> scan_past_rows(const Kv& kv, RelationNumber relation, ScanRange range,
                                        Version as_of, VersionedStore::Pin pin) {
  return std::make_unique<PastScan>(kv, relation, range, as_of, std::move(pin));
}

}  // namespace entail::store
