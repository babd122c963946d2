// vm/internal/entry_pages.cc - see entry_pages.h.

#include "vm/internal/entry_pages.h"

#include <sys/mman.h>

#include <bit>
#include <cstring>

#include "vm/base/ensure.h"

namespace entail::vm::internal {

namespace {

constexpr std::size_t kRegionBytes = 16 * kPageBytes;

// Address space that reads as zero and costs memory only where it is touched.
void* reserve(std::size_t bytes) {
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ENTAIL_ENSURE(memory != MAP_FAILED);
  return memory;
}

std::size_t round_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

}  // namespace

EntryPages::EntryPages(std::size_t shard_count)
    : bases_(static_cast<std::atomic<char*>*>(reserve(kPageCountMax * sizeof(std::atomic<char*>)))),
      infos_(static_cast<PageInfo*>(reserve(kPageCountMax * sizeof(PageInfo)))),
      shards_(shard_count) {}

EntryPages::~EntryPages() {
  for (std::uint32_t page = 1; page < next_page_; ++page) {
    if (infos_[page].large_bytes != 0) {
      munmap(bases_[page].load(std::memory_order_relaxed), infos_[page].large_bytes);
    }
  }
  for (char* const region : regions_) munmap(region, kRegionBytes);
  munmap(infos_, kPageCountMax * sizeof(PageInfo));
  munmap(static_cast<void*>(bases_), kPageCountMax * sizeof(std::atomic<char*>));
}

// Up to 16 granules each size is a class; above, four classes a doubling, so that at most a fifth
// of a block is waste.
std::size_t EntryPages::class_of(std::uint32_t granules) {
  if (granules <= 16) return granules - 1;
  const auto doubling = static_cast<std::uint32_t>(std::bit_width(granules - 1)) - 1;
  const std::uint32_t step = (1U << doubling) / 4;
  return 16 + (doubling - 4) * 4 + ((granules - 1) / step - 4);
}

std::uint32_t EntryPages::granules_of(std::size_t size_class) {
  if (size_class < 16) return static_cast<std::uint32_t>(size_class + 1);
  const auto above = static_cast<std::uint32_t>(size_class - 16);
  return (above % 4 + 5) * ((1U << (above / 4 + 4)) / 4);
}

bool EntryPages::has_room(const PageInfo& info) const {
  return info.free_head != kNoBlock ||
         info.unused + granules_of(info.size_class) <= kGranulesOfPage;
}

void EntryPages::link(ShardPages& pages, std::uint32_t page) {
  std::uint32_t& head = pages.with_room[infos_[page].size_class];
  infos_[page].previous = 0;
  infos_[page].next = head;
  if (head != 0) infos_[head].previous = page;
  head = page;
}

void EntryPages::unlink(ShardPages& pages, std::uint32_t page) {
  PageInfo& info = infos_[page];
  if (info.previous != 0) {
    infos_[info.previous].next = info.next;
  } else {
    pages.with_room[info.size_class] = info.next;
  }
  if (info.next != 0) infos_[info.next].previous = info.previous;
  info.previous = 0;
  info.next = 0;
}

// REQUIRES: mutex_ is held.
std::uint32_t EntryPages::take_page_number() {
  if (!spare_numbers_.empty()) {
    const std::uint32_t page = spare_numbers_.back();
    spare_numbers_.pop_back();
    return page;
  }
  ENTAIL_ENSURE(next_page_ < kPageCountMax);
  return next_page_++;
}

std::uint32_t EntryPages::take_page() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++pages_in_use_;
  if (!warm_pages_.empty()) {
    const std::uint32_t page = warm_pages_.back();
    warm_pages_.pop_back();
    return page;
  }
  bytes_reserved_.fetch_add(kPageBytes, std::memory_order_relaxed);
  if (!cold_pages_.empty()) {
    const std::uint32_t page = cold_pages_.back();
    cold_pages_.pop_back();
    return page;
  }
  if (region_next_ == region_end_) {
    region_next_ = static_cast<char*>(reserve(kRegionBytes));
    region_end_ = region_next_ + kRegionBytes;
    regions_.push_back(region_next_);
  }
  const std::uint32_t page = take_page_number();
  bases_[page].store(region_next_, std::memory_order_relaxed);
  region_next_ += kPageBytes;
  return page;
}

std::uint64_t EntryPages::allocate(std::size_t shard, std::size_t bytes) {
  const std::size_t granules = (bytes + kGranuleBytes - 1) / kGranuleBytes;
  if (granules > kBlockGranulesMax) return allocate_large(shard, bytes);

  const std::size_t size_class = class_of(static_cast<std::uint32_t>(granules));
  ShardPages& pages = shards_[shard];
  std::uint32_t page = pages.with_room[size_class];
  if (page == 0) {
    page = take_page();
    infos_[page] = {.live = 0,
                    .unused = 0,
                    .free_head = kNoBlock,
                    .previous = 0,
                    .next = 0,
                    .size_class = static_cast<std::uint16_t>(size_class),
                    .shard = static_cast<std::uint16_t>(shard),
                    .large_bytes = 0};
    link(pages, page);
  }

  PageInfo& info = infos_[page];
  std::uint32_t granule = info.free_head;
  if (granule != kNoBlock) {
    const char* const block =
        bases_[page].load(std::memory_order_relaxed) + granule * kGranuleBytes;
    std::memcpy(&info.free_head, block + sizeof(std::uint64_t), sizeof(info.free_head));
  } else {
    granule = info.unused;
    info.unused += granules_of(size_class);
  }
  ++info.live;
  if (!has_room(info)) unlink(pages, page);
  return (static_cast<std::uint64_t>(page) << kGranuleBits) | granule;
}

void EntryPages::free(std::size_t shard, std::uint64_t place) {
  const auto page = static_cast<std::uint32_t>(place >> kGranuleBits);
  const auto granule = static_cast<std::uint32_t>(place & (kGranulesOfPage - 1));
  PageInfo& info = infos_[page];
  ENTAIL_DEBUG_ENSURE(info.live > 0 && info.shard == shard);
  if (info.size_class == kLargeClass) {
    free_large(page);
    return;
  }

  ShardPages& pages = shards_[shard];
  const bool was_full = !has_room(info);
  // The link lies behind the first 8 bytes: those are the entry's header, which stays readable for
  // checks.
  char* const block = bases_[page].load(std::memory_order_relaxed) + granule * kGranuleBytes;
  std::memcpy(block + sizeof(std::uint64_t), &info.free_head, sizeof(info.free_head));
  info.free_head = granule;
  --info.live;
  if (was_full) link(pages, page);

  // The last page with room stays, so that a block freed and taken in turn costs no page.
  const bool is_only_one = info.previous == 0 && info.next == 0;
  if (info.live == 0 && !is_only_one) {
    unlink(pages, page);
    const std::lock_guard<std::mutex> lock(mutex_);
    warm_pages_.push_back(page);
    --pages_in_use_;
  }
}

std::uint64_t EntryPages::allocate_large(std::size_t shard, std::size_t bytes) {
  const std::size_t mapped = round_up(bytes, 4096);
  char* const memory = static_cast<char*>(reserve(mapped));
  bytes_reserved_.fetch_add(mapped, std::memory_order_relaxed);
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::uint32_t page = take_page_number();
  infos_[page] = {.live = 1,
                  .unused = 0,
                  .free_head = kNoBlock,
                  .previous = 0,
                  .next = 0,
                  .size_class = kLargeClass,
                  .shard = static_cast<std::uint16_t>(shard),
                  .large_bytes = mapped};
  bases_[page].store(memory, std::memory_order_relaxed);
  return static_cast<std::uint64_t>(page) << kGranuleBits;
}

void EntryPages::free_large(std::uint32_t page) {
  PageInfo& info = infos_[page];
  munmap(bases_[page].load(std::memory_order_relaxed), info.large_bytes);
  bytes_reserved_.fetch_sub(info.large_bytes, std::memory_order_relaxed);
  info.live = 0;
  info.large_bytes = 0;
  bases_[page].store(nullptr, std::memory_order_relaxed);
  const std::lock_guard<std::mutex> lock(mutex_);
  spare_numbers_.push_back(page);
}

void EntryPages::trim() {
  const std::lock_guard<std::mutex> lock(mutex_);
  constexpr std::size_t kWarmPagesMin = 64;  // 4 MiB: not worth a call to the system.
  const std::size_t keep = kWarmPagesMin + pages_in_use_ / 4;
  while (warm_pages_.size() > keep) {
    const std::uint32_t page = warm_pages_.back();
    warm_pages_.pop_back();
    madvise(bases_[page].load(std::memory_order_relaxed), kPageBytes, MADV_DONTNEED);
    cold_pages_.push_back(page);
    bytes_reserved_.fetch_sub(kPageBytes, std::memory_order_relaxed);
  }
}

}  // namespace entail::vm::internal
