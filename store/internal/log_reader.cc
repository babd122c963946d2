#include "store/internal/log_reader.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "store/internal/bytes.h"
#include "store/internal/keys.h"
#include "store/internal/log_codec.h"

namespace entail::store {
namespace {

class Reader final : public LogReader {
 public:
  Reader(const Kv& kv, Version from, Version to, bool heads_only, VersionedStore::Pin pin,
         const KvSnapshot* snapshot)
      : pin_(std::move(pin)), next_(from), to_(to), heads_only_(heads_only) {
    KvReadOptions options;
    options.snapshot = snapshot;
    options.lower = log_key(from, 0);
    options.upper = log_key(to + 1, 0);
    options.bulk = to - from > kBulkVersions;
    iterator_ = kv.iterate(kLog, std::move(options));
    iterator_->seek_to_first();
  }

  bool next() override {
    if (error_ || next_ > to_) return false;
    record_ = LogRecord();
    auto read = read_record();
    if (!read) {
      error_ = std::move(read).error();
      return false;
    }
    ++next_;
    return true;
  }
  const LogRecord& record() const override { return record_; }
  Expected<void> status() const override {
    if (error_) return unexpected(*error_);
    return {};
  }

 private:
  static constexpr Version kBulkVersions = 1000;

  // Every version must be there, and every piece of it.
  Expected<void> read_record() {
    bool last = false;
    for (std::uint32_t piece = 0; !last; ++piece) {
      if (!iterator_->valid()) {
        if (auto status = iterator_->status(); !status) return status;
        return missing(piece);
      }
      const auto parts = split_log_key(iterator_->key());
      if (!parts || parts->version != next_ || parts->piece != piece) return missing(piece);
      if (auto read =
              read_log_piece(iterator_->key(), iterator_->value(), heads_only_, record_, last);
          !read) {
        return read;
      }
      if (heads_only_ && !last) {
        iterator_->seek(log_key(next_ + 1, 0));
        return {};
      }
      iterator_->next();
    }
    return {};
  }

  Unexpected missing(std::uint32_t piece) const {
    return corrupt(fmt::format("the {} is missing", describe_key(kLog, log_key(next_, piece))));
  }

  const VersionedStore::Pin pin_;
  Version next_;
  const Version to_;
  const bool heads_only_;
  std::unique_ptr<KvIterator> iterator_;
  LogRecord record_;
  std::optional<Error> error_;
};

}  // namespace

std::unique_ptr<LogReader> read_log_records(const Kv& kv, Version from, Version to, bool heads_only,
                                            VersionedStore::Pin pin, const KvSnapshot* snapshot) {
  return std::make_unique<Reader>(kv, from, to, heads_only, std::move(pin), snapshot);
}

Expected<VersionInfo> read_log_head(const Kv& kv, Version version) {
  const std::string key = log_key(version, 0);
  auto value = kv.get(kLog, key);
  if (!value) return unexpected(std::move(value).error());
  if (!*value) return corrupt(fmt::format("the {} is missing", describe_key(kLog, key)));
  LogRecord record;
  bool last = false;
  if (auto read = read_log_piece(key, **value, true, record, last); !read) {
    return unexpected(std::move(read).error());
  }
  return std::move(record.info);
}

}  // namespace entail::store
