// vm/standing_versions.h - what a standing relation keeps for readers on other threads: when each row was
// born and died, hash indexes that they may walk, and what must stay until they have gone.
//
// A relation without a PinRegistry has none of it. The writer's own structures are never read by others;
// this side changes at commit() only.
//
// The life of a row slot
//
//     free ──commit v──► alive ──commit w──► dead ──► unlinked ──► free
//           born = v            died = w     no pin sees   no reader
//           died = never                     version < w   is near it
//
//     a reader at version p sees the slot when  born <= p < died
//
// Indexes are chains: each bucket's head and each slot's link are atomic. A row is linked when it is
// committed and unlinked when no pin sees it; its link stays as it was until no reader can stand on it.
// Tables that grow are copied, published with a release store, and the old ones retired; so are the
// directories and widened columns that vm/row_columns.h hands out. Pages never move.
//
// Why readers are safe. Words of a slot are written while the slot is invisible to every pin, and
// published by the release store of `born`. A slot used again has `born` stored before `died`, and a
// reader loads `died` before `born` (acquire): it cannot combine the old birth with the new life. A
// reader looks at words only of slots that it sees.
//
// Invariants (verify() checks them)
//   (1) A chain holds the linked slots of its bucket, each once.
//
// Threads: methods with a ReadPin from any thread; all others from the one writer.
// Cost: 16 bytes a row and 16 an index; a reader's look a cache miss a row and column.
// Source: epoch-based reclamation, Fraser 2004.

#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "vm/base/expected.h"
#include "vm/paged_array.h"
#include "vm/read_pin.h"
#include "vm/row_columns.h"
#include "vm/row_table.h"

namespace entail::vm {

class StandingVersions {
 public:
  static constexpr std::size_t kIndexesMax = 64;

  // Both outlive it. `name`: the relation's, for messages.
  StandingVersions(PinRegistry& pins, const RowColumns& columns, std::string name);

  // --- the writer

  std::uint64_t growth(std::size_t rows) const;
  void reserve(std::size_t rows);
  // Index number `index`, over the committed rows.
  void add_index(std::uint32_t index, std::vector<std::uint32_t> key);
  bool has_index(std::uint32_t index) const { return indexes_[index] != nullptr; }
  // What is replaced while readers are near.
  RetiredMemory& retired_memory() { return retiring_.memory; }
  void retire_bytes(std::uint64_t bytes) { retiring_.bytes += bytes; }

  // The version's rows; `rows`: ids ever used. REQUIRES: newer than what the registry has published.
  void commit(Version version, std::span<const Row> born, std::span<const Row> died, Row rows);
  // Frees memory that no reader can be near; slots are appended to `freed`.
  void reclaim(std::vector<Row>& freed);
  // Retired memory, and the slots of dead rows at so many bytes each.
  std::uint64_t bytes_held(std::uint64_t bytes_per_slot) const;
  std::uint64_t retired_bytes() const;
  std::uint64_t bytes() const;  // Of lives and indexes.
  // Sets the bits of slots that are dead and not free again yet.
  void mark_quarantined(std::vector<bool>& quarantined) const;
  void verify() const;

  // --- readers, at the version that they pinned. All fail with kLimit once the pin was revoked.

  Expected<std::size_t> scan(const ReadPin& pin, Row& position, Row* out, std::size_t limit) const;
  Expected<void> load(const ReadPin& pin, std::uint32_t column, const Row* rows, std::size_t n,
                      Word* out) const;
  Expected<void> probe(const ReadPin& pin, std::uint32_t index, std::span<const Word* const> keys,
                       std::size_t n, std::vector<Row>& rows,
                       std::vector<std::uint32_t>& lanes) const;

 private:
  struct Life {
    std::atomic<Version> born{kNever};
    std::atomic<Version> died{kNever};
  };
  struct Link {
    std::atomic<Row> next{kNoRow};
    Row previous = kNoRow;  // The writer's; kNoRow: the bucket's head.
    std::uint32_t tag = 0;
  };
  struct Chains {
    explicit Chains(std::size_t capacity) : heads(capacity), links(capacity) {
      for (std::atomic<Row>& head : heads) head.store(kNoRow, std::memory_order_relaxed);
    }
    std::vector<std::atomic<Row>> heads;  // As many as there may be rows.
    std::vector<Link> links;              // By row.
    std::size_t bucket(std::uint32_t tag) const { return std::uint64_t{tag} * heads.size() >> 32; }
  };
  // Replaced as a whole when it grows.
  template <typename T>
  struct Shared {
    std::shared_ptr<T> owned;
    std::atomic<const T*> shared{nullptr};
    void publish(std::shared_ptr<T> next) {
      owned = std::move(next);
      shared.store(owned.get(), std::memory_order_release);
    }
  };
  struct Index {
    std::vector<std::uint32_t> key;
    Shared<Chains> chains;
  };
  struct Dead {
    Version died;
    Row row;
  };
  // Unlinked, and free once no reader can be near.
  struct Retired {
    std::uint64_t clock = 0;
    std::uint64_t bytes = 0;  // Of the memory.
    std::vector<Row> rows;
    RetiredMemory memory;
  };

  static constexpr Version kNever = ~Version{0};

  // A column of lives as readers see it; the writer's way in is lives_.
  struct LifePages {
    const Life* const* pages = nullptr;
    const Life& at(Row row) const { return pages[row >> kPageShift][row & (kPageRows - 1)]; }
  };
  static std::uint64_t chain_bytes(std::size_t capacity) {
    return capacity * (sizeof(Link) + sizeof(std::atomic<Row>));
  }
  std::shared_ptr<Chains> linked_anew(const Index& index, const Chains* from,
                                      std::size_t capacity) const;
  void link(Row row);
  void unlink(Row row);
  Unexpected too_old(const ReadPin& pin) const;

  PinRegistry& pins_;
  const RowColumns& columns_;
  const std::string name_;
  PagedArray<Life> lives_{true};
  std::vector<bool> linked_;  // By row, the writer's.
  std::size_t capacity_ = 0;  // Of chains, at least that of lives_.
  Shared<LifePages> life_pages_;
  std::atomic<Row> end_{0};  // No row from here on was ever committed.
  std::array<std::unique_ptr<Index>, kIndexesMax> indexes_;  // Fixed: readers look while it fills.
  std::deque<Dead> dead_;                                    // Ascending by version.
  Retired retiring_;                                         // Unlinked since the last tick.
  std::deque<Retired> retired_;                              // Ascending by clock.
};

}  // namespace entail::vm
