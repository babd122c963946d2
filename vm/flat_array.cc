#include "vm/flat_array.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

namespace entail::vm::internal {

namespace {

constexpr std::size_t kMappedMin = std::size_t{1} << 20;  // Below, the heap wastes less.
constexpr std::size_t kPage = 4096;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kHugeMin = 2 * kHugePage;

bool is_mapped(std::size_t bytes) { return bytes >= kMappedMin; }

// Address space that begins where a huge page may, none of it usable yet.
void* reserve_aligned(std::size_t bytes) {
  auto* const space = static_cast<char*>(mmap(nullptr, bytes + kHugePage, PROT_NONE,
                                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  ENTAIL_ENSURE(space != MAP_FAILED);
  const std::size_t skip = -reinterpret_cast<std::uintptr_t>(space) % kHugePage;
  const std::size_t used = (bytes + kPage - 1) / kPage * kPage;
  if (skip > 0) munmap(space, skip);
  if (used < bytes + kHugePage - skip) munmap(space + skip + used, bytes + kHugePage - skip - used);
  return space + skip;
}

// A wish: without it, or where it is refused, everything works on small pages.
void* advise(void* block, std::size_t bytes) {
  ENTAIL_ENSURE(block != MAP_FAILED);
  if (bytes >= kHugeMin) static_cast<void>(madvise(block, bytes, MADV_HUGEPAGE));
  return block;
}

void* map(std::size_t bytes) {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;
  if (bytes < kHugeMin)
    return advise(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kFlags, -1, 0), 0);
  return advise(
      mmap(reserve_aligned(bytes), bytes, PROT_READ | PROT_WRITE, kFlags | MAP_FIXED, -1, 0),
      bytes);
}

// Moved to where huge pages may begin, they stay huge, and moving one is moving one entry.
void* remap(void* block, std::size_t old_bytes, std::size_t new_bytes) {
  if (void* const same = mremap(block, old_bytes, new_bytes, 0); same != MAP_FAILED) {
    return advise(same, new_bytes);
  }
  if (new_bytes < kHugeMin) return advise(mremap(block, old_bytes, new_bytes, MREMAP_MAYMOVE), 0);
  return advise(mremap(block, old_bytes, new_bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
                       reserve_aligned(new_bytes)),
                new_bytes);
}

}  // namespace

std::size_t whole_pages(std::size_t bytes) {
  return bytes < kHugeMin ? bytes : (bytes + kHugePage - 1) / kHugePage * kHugePage;
}

void* zeroed_block(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  if (is_mapped(bytes)) return map(bytes);
  void* const block = std::calloc(1, bytes);
  ENTAIL_ENSURE(block != nullptr);
  return block;
}

void* resize_block(void* block, std::size_t old_bytes, std::size_t new_bytes) {
  if (is_mapped(old_bytes) && is_mapped(new_bytes)) {
    return remap(block, old_bytes, new_bytes);
  }
  if (!is_mapped(new_bytes) && !is_mapped(old_bytes)) {
    void* const moved = std::realloc(block, new_bytes);
    ENTAIL_ENSURE(moved != nullptr);
    return moved;
  }
  void* const moved = is_mapped(new_bytes) ? map(new_bytes) : std::malloc(new_bytes);
  ENTAIL_ENSURE(moved != nullptr);
  if (block != nullptr) std::memcpy(moved, block, old_bytes < new_bytes ? old_bytes : new_bytes);
  free_block(block, old_bytes);
  return moved;
}

void free_block(void* block, std::size_t bytes) {
  if (is_mapped(bytes)) {
    munmap(block, bytes);
  } else {
    std::free(block);
  }
}

}  // namespace entail::vm::internal
