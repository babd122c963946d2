// vm/value_pool.cc - see value_pool.h.
//
// Entries are found through one open-addressing table a shard. A slot is the low 28 bits of the
// hash above the 36 bits of the handle, so that growing and deleting never touch an entry; the
// shard is chosen by the top bits of the hash. Readers take no lock: a slot is published with a
// release store after its entry is complete, a table that was outgrown stays readable until the
// step ends, and slots are only ever emptied while the pool is not shared.

#include "vm/value_pool.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/internal/entry_pages.h"

namespace entail::vm {

namespace {

// The word of references: four flags above the count.
constexpr std::uint32_t kPinned = 1U << 31;
constexpr std::uint32_t kListed = 1U << 30;       // On the fresh or released list of its shard.
constexpr std::uint32_t kBuried = 1U << 29;       // Found dead, not yet freed.
constexpr std::uint32_t kReclaimable = 1U << 28;  // Interned since the mark being reclaimed.
constexpr std::uint32_t kCountMask = kReclaimable - 1;
// An entry with this many references is pinned rather than counted on; half of what fits, so that
// threads that pass it together cannot overflow.
constexpr std::uint32_t kCountMax = kCountMask / 2;

constexpr std::uint32_t kWordsBit = 1U << 31;

constexpr Word kHandleMask = (Word{1} << internal::kPlaceBits) - 1;
constexpr unsigned kSlotHashBits = 64 - internal::kPlaceBits;
constexpr std::uint64_t kSlotHashMask = (std::uint64_t{1} << kSlotHashBits) - 1;

constexpr std::size_t kSlotCountMin = 64;

bool is_dead(std::uint32_t references) {
  return (references & (kPinned | kBuried | kCountMask)) == 0;
}

struct Table {
  explicit Table(std::size_t slot_count) : mask(slot_count - 1), slots(slot_count) {}

  std::size_t slot_count() const { return slots.size(); }

  const std::size_t mask;
  std::vector<std::atomic<std::uint64_t>> slots;  // 0: empty.
};

constexpr std::uint64_t slot_hash(std::uint64_t slot) { return slot >> internal::kPlaceBits; }

}  // namespace

struct ValuePool::Shard {
  std::atomic<Table*> table{nullptr};
  std::mutex mutex;  // Guards what follows, and inserting.
  std::size_t entry_count = 0;
  std::vector<Word> fresh;     // In the order of interning.
  std::vector<Word> released;  // Their last reference went in this step.
  std::vector<std::unique_ptr<Table>> outgrown;
  std::unique_ptr<Table> table_owner;
  std::uint64_t created = 0;
  std::uint64_t freed = 0;

  void use_table(std::size_t slot_count) {
    auto larger = std::make_unique<Table>(slot_count);
    if (table_owner != nullptr) {
      for (const std::atomic<std::uint64_t>& slot : table_owner->slots) {
        const std::uint64_t value = slot.load(std::memory_order_relaxed);
        if (value != 0) put(*larger, value);
      }
      outgrown.push_back(std::move(table_owner));
    }
    table_owner = std::move(larger);
    table.store(table_owner.get(), std::memory_order_release);
  }

  static void put(Table& into, std::uint64_t value) {
    std::size_t position = slot_hash(value) & into.mask;
    while (into.slots[position].load(std::memory_order_relaxed) != 0) {
      position = (position + 1) & into.mask;
    }
    into.slots[position].store(value, std::memory_order_release);
  }

  // Closes the gap that `value` leaves by moving back those after it that probe across the gap.
  void remove(std::uint64_t value) {
    Table& from = *table_owner;
    std::size_t gap = slot_hash(value) & from.mask;
    while (from.slots[gap].load(std::memory_order_relaxed) != value) gap = (gap + 1) & from.mask;
    for (std::size_t position = (gap + 1) & from.mask;; position = (position + 1) & from.mask) {
      const std::uint64_t moving = from.slots[position].load(std::memory_order_relaxed);
      if (moving == 0) break;
      const std::size_t home = slot_hash(moving) & from.mask;
      if (((position - home) & from.mask) >= ((position - gap) & from.mask)) {
        from.slots[gap].store(moving, std::memory_order_relaxed);
        gap = position;
      }
    }
    from.slots[gap].store(0, std::memory_order_relaxed);
    --entry_count;
    ++freed;
  }
};

struct ValuePool::Impl {
  Impl() : pages(kShardCount) {}

  static std::size_t shard_of_hash(std::uint64_t hash) {
    static_assert(kShardCount == 16);
    return hash >> 60;
  }

  internal::EntryPages pages;
  std::array<Shard, kShardCount> shards;
  std::vector<Word> buried;     // Found dead in this sweep.
  std::size_t buried_seen = 0;  // How many of them have given up what they own.
};

ValuePool::ValuePool(const TypeTable& types)
    : types_(types), page_bases_(nullptr), impl_(std::make_unique<Impl>()) {
  static_assert(kGranuleBits == internal::kGranuleBits);
  static_assert(kGranuleBytes == internal::kGranuleBytes);
  page_bases_ = impl_->pages.bases();
  for (Shard& shard : impl_->shards) shard.use_table(kSlotCountMin);
}

ValuePool::~ValuePool() = default;

// ------------------------------------------------------------------------------ interning

std::uint64_t ValuePool::hash_of(Content content, std::string_view bytes) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), content == Content::kWords ? 1 : 0);
}

Word ValuePool::find_entry(Content content, std::uint64_t hash, std::string_view bytes) const {
  if (ENTAIL_PLANT_BUG(16) && content == Content::kWords) return 0;
  const Table& table =
      *impl_->shards[Impl::shard_of_hash(hash)].table.load(std::memory_order_acquire);
  const std::uint64_t wanted_hash = hash & kSlotHashMask;
  const auto wanted_size =
      static_cast<std::uint32_t>(bytes.size()) | (content == Content::kWords ? kWordsBit : 0);
  for (std::size_t position = wanted_hash & table.mask;; position = (position + 1) & table.mask) {
    const std::uint64_t slot = table.slots[position].load(std::memory_order_acquire);
    if (slot == 0) return 0;
    if (slot_hash(slot) != wanted_hash) continue;
    const Entry* const e = entry(slot & kHandleMask);
    if (e->size_and_kind == wanted_size &&
        std::memcmp(e->data(), bytes.data(), bytes.size()) == 0) {
      return slot & kHandleMask;
    }
  }
}

Word ValuePool::intern_entry(Content content, std::uint64_t hash, std::string_view bytes) {
  if (const Word known = find_entry(content, hash, bytes); known != 0) return known;

  ENTAIL_ENSURE(bytes.size() < kWordsBit);
  const std::size_t shard_number = Impl::shard_of_hash(hash);
  Shard& shard = impl_->shards[shard_number];
  const std::lock_guard<std::mutex> lock(shard.mutex);
  // Another thread may have been first between the look-up and the lock.
  if (const Word known = find_entry(content, hash, bytes); known != 0) return known;

  // At most three quarters full, so that probe runs stay a few slots long.
  if ((shard.entry_count + 1) * 4 > shard.table_owner->slot_count() * 3) {
    shard.use_table(shard.table_owner->slot_count() * 2);
  }
  const Word handle = impl_->pages.allocate(shard_number, sizeof(Entry) + bytes.size());
  Entry* const e = entry(handle);
  e->references.store(kListed, std::memory_order_relaxed);
  e->size_and_kind =
      static_cast<std::uint32_t>(bytes.size()) | (content == Content::kWords ? kWordsBit : 0);
  std::memcpy(e->data(), bytes.data(), bytes.size());
  if (content == Content::kWords) {
    visit_owned(e, [this](Word owned) { retain(owned); });
  }
  shard.fresh.push_back(handle);
  ++shard.entry_count;
  ++shard.created;
  Shard::put(*shard.table_owner, ((hash & kSlotHashMask) << internal::kPlaceBits) | handle);
  return handle;
}

Word ValuePool::intern_long(std::string_view text) {
  return intern_entry(Content::kBytes, hash_of(Content::kBytes, text), text);
}

void ValuePool::intern_batch(std::span<const std::string_view> texts, std::span<Word> out) {
  ENTAIL_ENSURE(texts.size() == out.size());
  // Three passes over a group: hash and fetch the slot, read the slot and fetch the entry, then
  // intern, by which time both lines are here. 32 is about what the processor keeps in flight.
  constexpr std::size_t kGroup = 32;
  std::array<std::uint64_t, kGroup> hashes;
  for (std::size_t start = 0; start < texts.size(); start += kGroup) {
    const std::size_t count = std::min(kGroup, texts.size() - start);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view text = texts[start + i];
      if (text.size() <= kInlineTextMax) continue;
      hashes[i] = hash_of(Content::kBytes, text);
      const Table& table =
          *impl_->shards[Impl::shard_of_hash(hashes[i])].table.load(std::memory_order_acquire);
      __builtin_prefetch(&table.slots[hashes[i] & kSlotHashMask & table.mask]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (texts[start + i].size() <= kInlineTextMax) continue;
      const Table& table =
          *impl_->shards[Impl::shard_of_hash(hashes[i])].table.load(std::memory_order_acquire);
      const std::uint64_t slot =
          table.slots[hashes[i] & kSlotHashMask & table.mask].load(std::memory_order_acquire);
      if (slot != 0) __builtin_prefetch(entry(slot & kHandleMask));
    }
    for (std::size_t i = 0; i < count; ++i) {
      const std::string_view text = texts[start + i];
      out[start + i] = text.size() <= kInlineTextMax
                           ? inline_text_word(text)
                           : intern_entry(Content::kBytes, hashes[i], text);
    }
  }
}

std::optional<Word> ValuePool::find(std::string_view text) const {
  if (text.size() <= kInlineTextMax) return inline_text_word(text);
  const Word known = find_entry(Content::kBytes, hash_of(Content::kBytes, text), text);
  return known == 0 ? std::nullopt : std::optional<Word>(known);
}

Word ValuePool::ordinal(Word text) {
  TextScratch scratch;
  const Word handle = intern_long(view(text, scratch));
  pin_handle(handle);
  return handle;
}

// ------------------------------------------------------------------------------ records

namespace {

// [type, words…] in one run, on the stack unless it is long.
class WordRun {
 public:
  WordRun(TypeId type, std::span<const Word> head, std::span<const Word> words) {
    const std::size_t count = 1 + head.size() + words.size();
    Word* run = local_.data();
    if (count > local_.size()) {
      heap_.resize(count);
      run = heap_.data();
    }
    run[0] = static_cast<Word>(type);
    std::copy(head.begin(), head.end(), run + 1);
    std::copy(words.begin(), words.end(), run + 1 + head.size());
    bytes_ = {reinterpret_cast<const char*>(run), count * sizeof(Word)};
  }
  WordRun(const WordRun&) = delete;  // bytes() points into it.
  WordRun& operator=(const WordRun&) = delete;

  std::string_view bytes() const { return bytes_; }

 private:
  std::array<Word, 24> local_;
  std::vector<Word> heap_;
  std::string_view bytes_;
};

}  // namespace

// Calls visit(word) for every word of the entry that its layout says may be a handle.
template <typename Visit>
void ValuePool::visit_owned(const Entry* e, const Visit& visit) const {
  const auto* const run = reinterpret_cast<const Word*>(e->data());
  const auto type = static_cast<TypeId>(run[0]);
  const Word* const words = run + 1;
  const std::size_t count = e->size() / sizeof(Word) - 1;
  switch (types_.kind(type)) {
    case TypeKind::kRecord:
      for (const std::uint32_t offset : types_.layout(type).handle_offsets) visit(words[offset]);
      break;
    case TypeKind::kAdt:
      for (const std::uint32_t offset : types_.layout(type, words[0]).handle_offsets) {
        visit(words[offset]);
      }
      break;
    case TypeKind::kArray: {
      const TypeTable::Layout& element = types_.layout(type);
      for (std::size_t start = 0; start < count; start += element.word_count) {
        for (const std::uint32_t offset : element.handle_offsets) visit(words[start + offset]);
      }
      break;
    }
    default:
      ENTAIL_UNREACHABLE("an entry of words is a record, an adt or an array");
  }
}

Word ValuePool::intern_record(TypeId type, std::span<const Word> fields) {
  const std::size_t unit = types_.layout(type).word_count;
  if (types_.kind(type) == TypeKind::kRecord) {
    ENTAIL_ENSURE(fields.size() == unit);
  } else {
    ENTAIL_ENSURE(types_.kind(type) == TypeKind::kArray && fields.size() % unit == 0);
  }
  const WordRun run(type, {}, fields);
  return intern_entry(Content::kWords, hash_of(Content::kWords, run.bytes()), run.bytes());
}

Word ValuePool::intern_adt(TypeId type, std::size_t branch, std::span<const Word> fields) {
  const TypeTable::Layout& layout = types_.layout(type, branch);
  ENTAIL_ENSURE(fields.size() + 1 == layout.word_count);
  const Word ordinal_word = branch;
  if (types_.is_ordinal_adt(type)) return ordinal_word;
  const WordRun run(type, {&ordinal_word, 1}, fields);
  return intern_entry(Content::kWords, hash_of(Content::kWords, run.bytes()), run.bytes());
}

std::optional<Word> ValuePool::find_record(TypeId type, std::span<const Word> fields) const {
  const WordRun run(type, {}, fields);
  const Word known =
      find_entry(Content::kWords, hash_of(Content::kWords, run.bytes()), run.bytes());
  return known == 0 ? std::nullopt : std::optional<Word>(known);
}

// ------------------------------------------------------------------------------ references

void ValuePool::retain_handle(Word word) {
  std::atomic<std::uint32_t>& references = entry(word)->references;
  if ((references.load(std::memory_order_relaxed) & kPinned) != 0) return;
  const std::uint32_t before = references.fetch_add(1, std::memory_order_relaxed);
  if ((before & kCountMask) >= kCountMax) references.fetch_or(kPinned, std::memory_order_relaxed);
}

void ValuePool::release_handle(Word word) {
  std::atomic<std::uint32_t>& references = entry(word)->references;
  if ((references.load(std::memory_order_relaxed) & kPinned) != 0) return;
  const std::uint32_t before = references.fetch_sub(1, std::memory_order_acq_rel);
  ENTAIL_DEBUG_ENSURE((before & kCountMask) != 0);
  if ((before & (kCountMask | kListed)) != 1) return;
  // The last reference is gone: the entry waits on a list for the end of the step. Whoever sets
  // the flag puts it there, so it is on one list, once.
  if ((references.fetch_or(kListed, std::memory_order_relaxed) & kListed) != 0) return;
  Shard& shard = impl_->shards[impl_->pages.shard_of(word)];
  const std::lock_guard<std::mutex> lock(shard.mutex);
  shard.released.push_back(word);
}

void ValuePool::pin_handle(Word word) {
  std::atomic<std::uint32_t>& references = entry(word)->references;
  if ((references.load(std::memory_order_relaxed) & kPinned) != 0) return;
  references.fetch_or(kPinned, std::memory_order_relaxed);
}

namespace {

// Words ahead whose entries are fetched while a column is walked.
constexpr std::size_t kColumnAhead = 12;

}  // namespace

void ValuePool::retain_column(const Word* first, std::size_t count, std::size_t stride) {
  for (std::size_t i = 0; i < count; ++i) {
    if (i + kColumnAhead < count) prefetch(first[(i + kColumnAhead) * stride]);
    retain(first[i * stride]);
  }
}

void ValuePool::release_column(const Word* first, std::size_t count, std::size_t stride) {
  for (std::size_t i = 0; i < count; ++i) {
    if (i + kColumnAhead < count) prefetch(first[(i + kColumnAhead) * stride]);
    release(first[i * stride]);
  }
}

void ValuePool::pin_column(const Word* first, std::size_t count, std::size_t stride) {
  for (std::size_t i = 0; i < count; ++i) {
    if (i + kColumnAhead < count) prefetch(first[(i + kColumnAhead) * stride]);
    pin(first[i * stride]);
  }
}

// ------------------------------------------------------------------------------ the step
//
// Freeing has two parts. First the dead are found and buried: an entry without reference, and then
// what only buried records own. Only when nobody will look at an entry any more is its memory given
// back, since lists still name it until then.

ValuePool::Mark ValuePool::mark() const {
  Mark mark;
  for (std::size_t i = 0; i < kShardCount; ++i) {
    mark.fresh_counts[i] = impl_->shards[i].fresh.size();
  }
  return mark;
}

// Buries a dead entry and, through the records among the dead, all that dies with it.
// An entry that loses its last reference to the sweep dies at once if the sweep covers it; else it
// waits on the released list like any other.
void ValuePool::bury(Word handle, bool only_reclaimable) {
  std::vector<Word>& buried = impl_->buried;
  const auto put = [&](Word dead) {
    std::atomic<std::uint32_t>& references = entry(dead)->references;
    references.store(references.load(std::memory_order_relaxed) | kBuried,
                     std::memory_order_relaxed);
    buried.push_back(dead);
  };
  put(handle);
  for (; impl_->buried_seen < buried.size(); ++impl_->buried_seen) {
    const Entry* const e = entry(buried[impl_->buried_seen]);
    if ((e->size_and_kind & kWordsBit) == 0) continue;
    visit_owned(e, [&](Word owned) {
      if (!is_handle_word(owned)) return;
      std::atomic<std::uint32_t>& references = entry(owned)->references;
      std::uint32_t value = references.load(std::memory_order_relaxed);
      if ((value & kPinned) != 0) return;
      --value;
      references.store(value, std::memory_order_relaxed);
      if (!is_dead(value)) return;
      if (!only_reclaimable || (value & kReclaimable) != 0) {
        put(owned);
      } else if ((value & kListed) == 0) {
        references.store(value | kListed, std::memory_order_relaxed);
        impl_->shards[impl_->pages.shard_of(owned)].released.push_back(owned);
      }
    });
  }
}

// Buries the dead among `handles`.
void ValuePool::sweep(std::span<const Word> handles, bool only_reclaimable) {
  for (std::size_t i = 0; i < handles.size(); ++i) {
    if (i + kColumnAhead < handles.size()) prefetch(handles[i + kColumnAhead]);
    const std::uint32_t value = entry(handles[i])->references.load(std::memory_order_relaxed);
    if (is_dead(value)) bury(handles[i], only_reclaimable);
  }
}

void ValuePool::free_buried() {
  for (const Word handle : impl_->buried) {
    Entry* const e = entry(handle);
    const Content content = (e->size_and_kind & kWordsBit) != 0 ? Content::kWords : Content::kBytes;
    const std::uint64_t hash = hash_of(content, {e->data(), e->size()});
    const std::size_t shard_number = Impl::shard_of_hash(hash);
    impl_->shards[shard_number].remove(((hash & kSlotHashMask) << internal::kPlaceBits) | handle);
    impl_->pages.free(shard_number, handle);
  }
  impl_->buried.clear();
  impl_->buried_seen = 0;
}

namespace {

// Empties a list; one that has grown large gives its memory back, so that one big step does not
// cost for ever.
void clear_list(std::vector<Word>& list) {
  constexpr std::size_t kKeptMax = 4096;
  if (list.capacity() > kKeptMax) {
    std::vector<Word>().swap(list);
  } else {
    list.clear();
  }
}

}  // namespace

void ValuePool::reclaim(const Mark& mark) {
  const auto since_mark = [&](std::size_t shard) {
    const std::span<const Word> fresh = impl_->shards[shard].fresh;
    return fresh.subspan(std::min(mark.fresh_counts[shard], fresh.size()));
  };
  const auto change_flags = [&](std::span<const Word> handles, std::uint32_t clear,
                                std::uint32_t set) {
    for (const Word handle : handles) {
      std::atomic<std::uint32_t>& references = entry(handle)->references;
      const std::uint32_t value = references.load(std::memory_order_relaxed);
      references.store((value & ~clear) | set, std::memory_order_relaxed);
    }
  };

  for (std::size_t i = 0; i < kShardCount; ++i) change_flags(since_mark(i), 0, kReclaimable);
  for (std::size_t i = 0; i < kShardCount; ++i) sweep(since_mark(i), true);
  for (std::size_t i = 0; i < kShardCount; ++i) {
    const std::span<const Word> done = since_mark(i);
    change_flags(done, kReclaimable | kListed, 0);
    std::vector<Word>& fresh = impl_->shards[i].fresh;
    fresh.resize(fresh.size() - done.size());
  }
  free_buried();
}

void ValuePool::end_step() {
  for (Shard& shard : impl_->shards) {
    sweep(shard.fresh, false);
    sweep(shard.released, false);
  }
  for (Shard& shard : impl_->shards) {
    for (std::vector<Word>* const list : {&shard.fresh, &shard.released}) {
      for (const Word handle : *list) {
        std::atomic<std::uint32_t>& references = entry(handle)->references;
        references.store(references.load(std::memory_order_relaxed) & ~kListed,
                         std::memory_order_relaxed);
      }
      clear_list(*list);
    }
  }
  free_buried();
  for (Shard& shard : impl_->shards) {
    // A table that once held far more is made smaller, so that memory follows what lives.
    const std::size_t slot_count = shard.table_owner->slot_count();
    if (slot_count > kSlotCountMin && shard.entry_count * 16 < slot_count) {
      shard.use_table(std::max(kSlotCountMin, std::bit_ceil(shard.entry_count * 4)));
    }
    shard.outgrown.clear();
  }
  clear_list(impl_->buried);
  impl_->pages.trim();
}

// ------------------------------------------------------------------------------ looking in

std::size_t ValuePool::bytes_used() const {
  std::size_t bytes = impl_->pages.bytes_reserved();
  for (Shard& shard : impl_->shards) {
    const std::lock_guard<std::mutex> lock(shard.mutex);
    bytes += shard.table_owner->slot_count() * sizeof(std::uint64_t);
    bytes += (shard.fresh.capacity() + shard.released.capacity()) * sizeof(Word);
  }
  return bytes;
}

ValuePool::Stats ValuePool::stats() const {
  Stats stats;
  for (Shard& shard : impl_->shards) {
    const std::lock_guard<std::mutex> lock(shard.mutex);
    stats.entries_live += shard.entry_count;
    stats.entries_created += shard.created;
    stats.entries_freed += shard.freed;
  }
  stats.bytes_reserved = bytes_used();
  return stats;
}

std::uint32_t ValuePool::reference_count(Word word) const {
  if (!is_handle_word(word)) return std::numeric_limits<std::uint32_t>::max();
  const std::uint32_t value = entry(word)->references.load(std::memory_order_relaxed);
  return (value & kPinned) != 0 ? std::numeric_limits<std::uint32_t>::max() : value & kCountMask;
}

void ValuePool::verify() const {
  std::unordered_set<Word> listed;
  for (const Shard& shard : impl_->shards) {
    for (const std::vector<Word>* const list : {&shard.fresh, &shard.released}) {
      for (const Word handle : *list) ENTAIL_ENSURE(listed.insert(handle).second);
    }
  }
  std::unordered_set<std::string> contents;
  std::vector<std::size_t> live_in_page(impl_->pages.page_count());
  for (std::size_t i = 0; i < kShardCount; ++i) {
    const Shard& shard = impl_->shards[i];
    std::size_t entry_count = 0;
    for (const std::atomic<std::uint64_t>& slot : shard.table_owner->slots) {
      const std::uint64_t value = slot.load(std::memory_order_relaxed);
      if (value == 0) continue;
      ++entry_count;
      const Word handle = value & kHandleMask;
      const Entry* const e = entry(handle);
      const bool words = (e->size_and_kind & kWordsBit) != 0;
      const std::string_view bytes{e->data(), e->size()};
      const std::uint64_t hash = hash_of(words ? Content::kWords : Content::kBytes, bytes);
      // The table finds the entry, and so no other with these bytes: (1).
      ENTAIL_ENSURE(find_entry(words ? Content::kWords : Content::kBytes, hash, bytes) == handle);
      ENTAIL_ENSURE(contents.insert((words ? "w" : "b") + std::string(bytes)).second);
      ENTAIL_ENSURE(Impl::shard_of_hash(hash) == i && impl_->pages.shard_of(handle) == i);
      const std::uint32_t references = e->references.load(std::memory_order_relaxed);
      ENTAIL_ENSURE((references & (kBuried | kReclaimable)) == 0);
      ENTAIL_ENSURE(((references & kListed) != 0) == (listed.count(handle) != 0));
      if (is_dead(references)) ENTAIL_ENSURE((references & kListed) != 0);  // (2)
      ++live_in_page[handle >> kGranuleBits];
    }
    ENTAIL_ENSURE(entry_count == shard.entry_count);
  }
  for (std::size_t page = 1; page < live_in_page.size(); ++page) {
    ENTAIL_ENSURE(live_in_page[page] == impl_->pages.live_in_page(page));  // (3)
  }
}

}  // namespace entail::vm
