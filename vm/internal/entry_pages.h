// vm/internal/entry_pages.h - the memory behind the handles of a ValuePool.
//
// A place is a number: (page << 12) | granule, a granule being 16 bytes. Pages are 64 KiB and hold
// blocks of one size class for one shard; a block too large for that is a page of its own, of its
// own size. Page 0 does not exist, so no place is 0.
//
//     directory          page 7: shard 3, class 2 (48 bytes)
//     7 -> base address  |block|block|free |block|free |  not yet used            |
//                                     ^ linked through the free blocks
//
// Freed blocks are used again by their page; a page whose last block is freed goes back to a pool
// that every shard and class draws from. What that pool holds beyond a quarter of the pages in use
// is handed back to the system. So memory follows the live blocks, whatever the mixture of sizes
// does over time.
//
// Threads: base() any time; allocate() and free() one thread a shard at a time (the caller's lock);
// trim() alone.
// Sources: the page organisation of mimalloc (Leijen, Zorn, de Moura, 2019), without its threads.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace entail::vm::internal {

inline constexpr unsigned kGranuleBits = 12;
inline constexpr std::size_t kGranuleBytes = 16;
inline constexpr std::size_t kPageBytes = kGranuleBytes << kGranuleBits;
inline constexpr unsigned kPlaceBits = 36;  // 2^24 pages: a terabyte of small blocks.
inline constexpr std::size_t kPageCountMax = std::size_t{1} << (kPlaceBits - kGranuleBits);

class EntryPages {
 public:
  explicit EntryPages(std::size_t shard_count);
  ~EntryPages();
  EntryPages(const EntryPages&) = delete;  // Places are of one instance.
  EntryPages& operator=(const EntryPages&) = delete;

  // The base addresses by page number; never moves.
  std::atomic<char*>* bases() const { return bases_; }

  char* at(std::uint64_t place) const {
    return bases_[place >> kGranuleBits].load(std::memory_order_relaxed) +
           (place & (kGranulesOfPage - 1)) * kGranuleBytes;
  }

  // The place of a block of at least `bytes` bytes, aligned to 16. Its contents are arbitrary.
  std::uint64_t allocate(std::size_t shard, std::size_t bytes);

  // Takes back a block; its memory may be handed out again at once. REQUIRES: the block came from
  // allocate() with this shard.
  void free(std::size_t shard, std::uint64_t place);

  std::size_t shard_of(std::uint64_t place) const { return infos_[place >> kGranuleBits].shard; }

  // Blocks handed out and not freed in the page of `place`, and the number of pages ever used.
  std::size_t live_in_page(std::size_t page) const { return infos_[page].live; }
  std::size_t page_count() const { return next_page_; }

  // Gives memory that has long been unused back to the system.
  void trim();

  std::size_t bytes_reserved() const { return bytes_reserved_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::uint32_t kGranulesOfPage = 1U << kGranuleBits;
  static constexpr std::uint32_t kBlockGranulesMax = kGranulesOfPage / 4;
  static constexpr std::size_t kClassCount = 40;
  static constexpr std::uint16_t kLargeClass = 0xffff;
  static constexpr std::uint32_t kNoBlock = 0xffffffffU;

  // Zero bytes are a valid page that is not in use.
  struct PageInfo {
    std::uint32_t live;       // Blocks handed out.
    std::uint32_t unused;     // First granule never handed out.
    std::uint32_t free_head;  // First granule of the first free block, or kNoBlock.
    std::uint32_t previous;   // Neighbours among the shard's pages of this class with room.
    std::uint32_t next;       // 0: none.
    std::uint16_t size_class;
    std::uint16_t shard;
    std::uint64_t large_bytes;  // Of a page for one large block.
  };

  // The pages with room, by class: the first of a list through PageInfo, 0 for none.
  struct ShardPages {
    std::array<std::uint32_t, kClassCount> with_room{};
  };

  static std::size_t class_of(std::uint32_t granules);
  static std::uint32_t granules_of(std::size_t size_class);

  bool has_room(const PageInfo& info) const;
  void link(ShardPages& pages, std::uint32_t page);
  void unlink(ShardPages& pages, std::uint32_t page);
  std::uint32_t take_page();
  std::uint32_t take_page_number();
  std::uint64_t allocate_large(std::size_t shard, std::size_t bytes);
  void free_large(std::uint32_t page);

  std::atomic<char*>* bases_;
  PageInfo* infos_;
  std::vector<ShardPages> shards_;
  std::atomic<std::size_t> bytes_reserved_{0};

  std::mutex mutex_;  // Guards what follows.
  std::uint32_t next_page_ = 1;
  std::size_t pages_in_use_ = 0;              // Small pages with a class.
  std::vector<std::uint32_t> warm_pages_;     // Empty, their memory still here.
  std::vector<std::uint32_t> cold_pages_;     // Empty, their memory given back.
  std::vector<std::uint32_t> spare_numbers_;  // Of large pages that are gone.
  std::vector<char*> regions_;                // What the small pages were cut from.
  char* region_next_ = nullptr;
  char* region_end_ = nullptr;
};

}  // namespace entail::vm::internal
