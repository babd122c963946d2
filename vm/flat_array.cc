#include "vm/flat_array.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

namespace entail::vm::internal {

namespace {

constexpr std::size_t kMappedMin = std::size_t{1} << 20;  // Below, the heap wastes less.
constexpr std::size_t kHugeMin = std::size_t{4} << 20;    // Two huge pages fit for sure.

bool is_mapped(std::size_t bytes) { return bytes >= kMappedMin; }

void* advise(void* block, std::size_t bytes) {
  ENTAIL_ENSURE(block != MAP_FAILED);
  // A wish: without it, or where it is refused, everything works on small pages.
  if (bytes >= kHugeMin) static_cast<void>(madvise(block, bytes, MADV_HUGEPAGE));
  return block;
}

void* map(std::size_t bytes) {
  return advise(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
                bytes);
}

}  // namespace

void* zeroed_block(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  if (is_mapped(bytes)) return map(bytes);
  void* const block = std::calloc(1, bytes);
  ENTAIL_ENSURE(block != nullptr);
  return block;
}

void* resize_block(void* block, std::size_t old_bytes, std::size_t new_bytes) {
  if (is_mapped(old_bytes) && is_mapped(new_bytes)) {
    return advise(mremap(block, old_bytes, new_bytes, MREMAP_MAYMOVE), new_bytes);
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
