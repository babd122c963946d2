#include "store/simulated_kv.h"

#include <fmt/format.h>

#include <utility>

#include "store/internal/bytes.h"
#include "vm/base/ensure.h"

namespace entail::store {

class SimulatedBatch final : public KvBatch {
 public:
  explicit SimulatedBatch(std::vector<std::string> names) : names_(std::move(names)) {}

  void put(KvFamily family, std::string_view key, std::string_view value) override {
    add({SimulatedDisk::Operation::Kind::kPut, names_.at(family.position()), std::string(key),
         std::string(value)});
  }
  void erase(KvFamily family, std::string_view key) override {
    add({SimulatedDisk::Operation::Kind::kErase,
         names_.at(family.position()),
         std::string(key),
         {}});
  }
  void erase_range(KvFamily family, std::string_view begin, std::string_view end) override {
    add({SimulatedDisk::Operation::Kind::kEraseRange, names_.at(family.position()),
         std::string(begin), std::string(end)});
  }
  std::size_t bytes() const override { return pending.bytes; }
  void clear() override { pending = {}; }

  SimulatedDisk::Pending pending;

 private:
  void add(SimulatedDisk::Operation operation) {
    constexpr std::size_t kFrameBytes = 12;  // As the log of a real disk would add.
    pending.bytes += operation.key.size() + operation.value.size() + kFrameBytes;
    pending.operations.push_back(std::move(operation));
  }

  const std::vector<std::string> names_;
};

namespace {

using Entries = std::map<std::string, std::string, std::less<>>;

class SimulatedSnapshot final : public KvSnapshot {
 public:
  explicit SimulatedSnapshot(std::vector<std::shared_ptr<Entries>> held)
      : families(std::move(held)) {}

  const std::vector<std::shared_ptr<Entries>> families;
};

class SimulatedIterator final : public KvIterator {
 public:
  SimulatedIterator(std::shared_ptr<Entries> entries, KvReadOptions options)
      : entries_(std::move(entries)), options_(std::move(options)) {}

  void seek(std::string_view key) override {
    place_ = entries_->lower_bound(std::max(key, std::string_view(options_.lower)));
    keep_in_bounds();
  }
  void seek_for_prev(std::string_view key) override {
    place_ = entries_->upper_bound(key);
    step_back_below_upper();
  }
  void seek_to_first() override { seek(options_.lower); }
  void seek_to_last() override {
    place_ = entries_->end();
    step_back_below_upper();
  }
  void next() override {
    ENTAIL_ENSURE(valid_);
    ++place_;
    keep_in_bounds();
  }
  bool valid() const override { return valid_; }
  std::string_view key() const override { return place_->first; }
  std::string_view value() const override { return place_->second; }
  Expected<void> status() const override { return {}; }

 private:
  void keep_in_bounds() {
    valid_ =
        place_ != entries_->end() && (options_.upper.empty() || place_->first < options_.upper);
  }
  void step_back_below_upper() {
    if (!options_.upper.empty()) {
      const auto bound = entries_->lower_bound(options_.upper);
      if (place_ == entries_->end() || place_->first >= options_.upper) place_ = bound;
    }
    valid_ = place_ != entries_->begin();
    if (!valid_) return;
    --place_;
    valid_ = place_->first >= options_.lower;
  }

  const std::shared_ptr<Entries> entries_;
  const KvReadOptions options_;
  Entries::const_iterator place_;
  bool valid_ = false;
};

// What an iterator is where the disk is gone.
class FailedIterator final : public KvIterator {
 public:
  explicit FailedIterator(Error error) : error_(std::move(error)) {}
  void seek(std::string_view) override {}
  void seek_for_prev(std::string_view) override {}
  void seek_to_first() override {}
  void seek_to_last() override {}
  void next() override {}
  bool valid() const override { return false; }
  std::string_view key() const override { return {}; }
  std::string_view value() const override { return {}; }
  Expected<void> status() const override { return unexpected(error_); }

 private:
  const Error error_;
};

}  // namespace

class SimulatedKv final : public Kv {
 public:
  SimulatedKv(std::shared_ptr<SimulatedDisk> disk, KvLayout layout)
      : disk_(std::move(disk)), layout_(std::move(layout)) {
    for (const KvFamilyOptions& family : layout_.families) names_.push_back(family.name);
  }
  ~SimulatedKv() override {
    const std::lock_guard lock(disk_->mutex_);
    disk_->open_ = false;
  }

  std::unique_ptr<KvBatch> new_batch() override { return std::make_unique<SimulatedBatch>(names_); }

  Expected<void> write(KvBatch& batch, bool durable) override {
    if (durable) run_sync_hook();
    const std::lock_guard lock(disk_->mutex_);
    if (auto entered = disk_->enter_call("write"); !entered) return entered;
    auto& pending = static_cast<SimulatedBatch&>(batch).pending;
    SimulatedDisk::apply(pending.operations, disk_->live_);
    disk_->pending_.push_back(pending);
    ++disk_->writes_;
    if (durable) disk_->make_durable();
    return {};
  }

  Expected<void> sync() override {
    run_sync_hook();
    const std::lock_guard lock(disk_->mutex_);
    if (auto entered = disk_->enter_call("sync"); !entered) return entered;
    disk_->make_durable();
    return {};
  }

  Expected<void> resume() override { return sync(); }

  Expected<std::optional<std::string>> get(KvFamily family, std::string_view key,
                                           const KvSnapshot* snapshot) const override {
    const std::lock_guard lock(disk_->mutex_);
    if (auto alive = disk_->check_alive(); !alive) return unexpected(alive.error());
    const std::shared_ptr<Entries> entries = entries_of(family, snapshot);
    const auto found = entries->find(key);
    if (found == entries->end()) return std::optional<std::string>();
    return std::optional<std::string>(found->second);
  }

  Expected<std::vector<std::optional<std::string>>> get_many(
      KvFamily family, std::span<const std::string> keys) const override {
    std::vector<std::optional<std::string>> values;
    for (const std::string& key : keys) {
      auto value = get(family, key, nullptr);
      if (!value) return unexpected(std::move(value).error());
      values.push_back(*std::move(value));
    }
    return values;
  }

  std::unique_ptr<KvIterator> iterate(KvFamily family, KvReadOptions options) const override {
    const std::lock_guard lock(disk_->mutex_);
    if (auto alive = disk_->check_alive(); !alive) {
      return std::make_unique<FailedIterator>(alive.error());
    }
    auto entries = entries_of(family, options.snapshot);
    return std::make_unique<SimulatedIterator>(std::move(entries), std::move(options));
  }

  std::unique_ptr<KvSnapshot> snapshot() const override {
    const std::lock_guard lock(disk_->mutex_);
    std::vector<std::shared_ptr<Entries>> families;
    for (const std::string& name : names_) families.push_back(disk_->live_.at(name));
    return std::make_unique<SimulatedSnapshot>(std::move(families));
  }

  Expected<void> compact(KvFamily family, std::string_view begin, std::string_view end) override {
    const std::lock_guard lock(disk_->mutex_);
    if (auto alive = disk_->check_alive(); !alive) return alive;
    const KvDropFilter& may_drop = layout_.families.at(family.position()).may_drop;
    if (!may_drop) return {};
    // Rewriting files makes what they hold durable.
    disk_->make_durable();
    for (auto* families : {&disk_->durable_, &disk_->live_}) {
      Entries& entries = SimulatedDisk::writable(*families, names_.at(family.position()));
      auto place = entries.lower_bound(begin);
      while (place != entries.end() && (end.empty() || place->first < end)) {
        place = may_drop(place->first, place->second) ? entries.erase(place) : std::next(place);
      }
    }
    return {};
  }

  Expected<void> checkpoint(const std::string& path) override {
    const std::lock_guard lock(disk_->mutex_);
    if (auto entered = disk_->enter_call("checkpoint"); !entered) return entered;
    if (disk_->copies_.contains(path)) {
      return unexpected(ErrorCode::kInvalidArgument, fmt::format("{} exists already", path));
    }
    auto copy = SimulatedDisk::create(disk_->random_.next());
    copy->durable_ = SimulatedDisk::copy_of(disk_->live_);
    copy->live_ = copy->durable_;
    disk_->copies_.emplace(path, std::move(copy));
    return {};
  }

  Expected<void> verify_files() const override {
    const std::lock_guard lock(disk_->mutex_);
    return disk_->check_alive();
  }

 private:
  void run_sync_hook() {
    std::function<void()> hook;
    {
      const std::lock_guard lock(disk_->mutex_);
      hook = disk_->sync_hook_;
    }
    if (hook) hook();
  }

  std::shared_ptr<Entries> entries_of(KvFamily family, const KvSnapshot* snapshot) const {
    if (snapshot != nullptr) {
      return static_cast<const SimulatedSnapshot*>(snapshot)->families.at(family.position());
    }
    return disk_->live_.at(names_.at(family.position()));
  }

  const std::shared_ptr<SimulatedDisk> disk_;
  const KvLayout layout_;
  std::vector<std::string> names_;
};

// --- The disk -------------------------------------------------------------------------------------

std::shared_ptr<SimulatedDisk> SimulatedDisk::create(std::uint64_t seed) {
  return std::shared_ptr<SimulatedDisk>(new SimulatedDisk(seed));
}

Expected<std::unique_ptr<Kv>> SimulatedDisk::open(const KvLayout& layout) {
  const std::lock_guard lock(mutex_);
  if (open_) {
    return unexpected(ErrorCode::kIo, "the simulated disk is in use: another store has it open",
                      {.sqlstate = "55006"});
  }
  open_ = true;
  crashed_ = false;
  make_durable();
  for (const KvFamilyOptions& family : layout.families) {
    for (Families* families : {&durable_, &live_}) {
      auto& entries = (*families)[family.name];
      if (entries == nullptr) entries = std::make_shared<Entries>();
    }
  }
  return std::unique_ptr<Kv>(std::make_unique<SimulatedKv>(shared_from_this(), layout));
}

KvOpener SimulatedDisk::opener() {
  return [self = shared_from_this()](const KvLayout& layout) { return self->open(layout); };
}

SimulatedDisk::Entries& SimulatedDisk::writable(Families& families, const std::string& family) {
  std::shared_ptr<Entries>& entries = families[family];
  if (entries == nullptr) {
    entries = std::make_shared<Entries>();
  } else if (entries.use_count() > 1) {
    entries = std::make_shared<Entries>(*entries);
  }
  return *entries;
}

void SimulatedDisk::apply(const std::vector<Operation>& operations, Families& families) {
  for (const Operation& operation : operations) {
    Entries& entries = writable(families, operation.family);
    switch (operation.kind) {
      case Operation::Kind::kPut:
        entries.insert_or_assign(operation.key, operation.value);
        break;
      case Operation::Kind::kErase:
        entries.erase(operation.key);
        break;
      case Operation::Kind::kEraseRange:
        if (operation.key < operation.value) {
          entries.erase(entries.lower_bound(operation.key), entries.lower_bound(operation.value));
        }
        break;
    }
  }
}

SimulatedDisk::Families SimulatedDisk::copy_of(const Families& families) {
  Families copy;
  for (const auto& [name, entries] : families) copy[name] = std::make_shared<Entries>(*entries);
  return copy;
}

Expected<void> SimulatedDisk::check_alive() const {
  if (!crashed_) return {};
  return unexpected(ErrorCode::kIo, "the simulated disk has no power", {.sqlstate = "58030"});
}

Expected<void> SimulatedDisk::enter_call(const char* what) {
  if (auto alive = check_alive(); !alive) return alive;
  ++calls_;
  if (crash_at_ != 0 && calls_ >= crash_at_) {
    cut_power();
    return check_alive();
  }
  if (fault_at_ == 0 || calls_ < fault_at_) return {};
  switch (fault_) {
    case Fault::kNone:
      return {};
    case Fault::kError:
      return unexpected(ErrorCode::kIo,
                        fmt::format("could not {} to the simulated disk: input/output error", what),
                        {.sqlstate = "58030"});
    case Fault::kNoSpace:
      return unexpected(
          ErrorCode::kLimit,
          fmt::format("could not {} to the simulated disk: no space left on device", what),
          {.sqlstate = "53100"});
  }
  return {};
}

void SimulatedDisk::make_durable() {
  for (const Pending& pending : pending_) apply(pending.operations, durable_);
  pending_.clear();
  ++syncs_;
}

void SimulatedDisk::cut_power() {
  std::uint64_t total = 0;
  for (const Pending& pending : pending_) total += pending.bytes;
  const std::uint64_t cut = random_.below(total + 1);
  std::uint64_t written = 0;
  for (const Pending& pending : pending_) {
    written += pending.bytes;
    if (written > cut) break;  // Torn: its checksum would be wrong, and the log ends here.
    apply(pending.operations, durable_);
  }
  pending_.clear();
  live_ = copy_of(durable_);
  crashed_ = true;
  crash_at_ = 0;
}

void SimulatedDisk::crash() {
  const std::lock_guard lock(mutex_);
  cut_power();
}

void SimulatedDisk::fail_after(std::uint64_t calls, Fault fault) {
  const std::lock_guard lock(mutex_);
  fault_at_ = calls_ + calls;
  fault_ = fault;
}

void SimulatedDisk::crash_after(std::uint64_t calls) {
  const std::lock_guard lock(mutex_);
  crash_at_ = calls_ + calls;
}

void SimulatedDisk::heal() {
  const std::lock_guard lock(mutex_);
  fault_at_ = crash_at_ = 0;
  fault_ = Fault::kNone;
}

bool SimulatedDisk::crashed() const {
  const std::lock_guard lock(mutex_);
  return crashed_;
}

void SimulatedDisk::on_sync(std::function<void()> hook) {
  const std::lock_guard lock(mutex_);
  sync_hook_ = std::move(hook);
}

std::optional<std::string> SimulatedDisk::flip_bit(std::uint64_t entry, bool in_key,
                                                   std::uint64_t bit) {
  const std::lock_guard lock(mutex_);
  make_durable();
  std::uint64_t count = 0;
  for (const auto& [name, entries] : durable_) count += entries->size();
  if (count == 0) return std::nullopt;
  std::uint64_t left = entry % count;
  for (auto& [name, shared] : durable_) {
    if (left >= shared->size()) {
      left -= shared->size();
      continue;
    }
    Entries& entries = writable(durable_, name);
    auto place = std::next(entries.begin(), static_cast<std::ptrdiff_t>(left));
    auto node = entries.extract(place);
    const std::string place_name = fmt::format("{}/{}", name, readable(node.key()));
    std::string& bytes = in_key ? node.key() : node.mapped();
    if (!bytes.empty()) {
      char& byte = bytes[bit / 8 % bytes.size()];
      byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << (bit % 8)));
    }
    const bool flipped = !bytes.empty();
    entries.insert(std::move(node));
    live_ = copy_of(durable_);
    return flipped ? std::optional(place_name) : std::nullopt;
  }
  return std::nullopt;
}

std::shared_ptr<SimulatedDisk> SimulatedDisk::copy_at(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = copies_.find(path);
  return found == copies_.end() ? nullptr : found->second;
}

std::uint64_t SimulatedDisk::writes() const {
  const std::lock_guard lock(mutex_);
  return writes_;
}

std::uint64_t SimulatedDisk::syncs() const {
  const std::lock_guard lock(mutex_);
  return syncs_;
}

std::uint64_t SimulatedDisk::entries() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t count = 0;
  for (const auto& [name, entries] : live_) count += entries->size();
  return count;
}

}  // namespace entail::store
