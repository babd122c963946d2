// PackedSet::insert_with(): the candidates of several buffers, inserted by a team.
//
//     sort out   each worker its piece of the candidates: runs of one partition, chained by partition;
//                candidates that arrive scattered are grouped first
//     divide     the partitions into ranges with the same number of candidates
//     insert     each worker the runs of its range, from all pieces

#include <algorithm>

#include "vm/base/ensure.h"
#include "vm/base/tiny.h"
#include "vm/internal/packed_set_sharing.h"
#include "vm/packed_set.h"

namespace entail::vm {

namespace {

// Smaller tables are not worth dividing: another worker's cache line costs more than the probe.
constexpr std::uint64_t kSharedPartitionBytes = size_or_tiny(std::size_t{24} << 10, 128);
constexpr std::size_t kPartitionsPerWorker = size_or_tiny(8, 2);

}  // namespace

template <typename Key>
template <typename Piece>
void PackedSet<Key>::sort_out(Piece& piece) const {
  const std::size_t partitions = partitions_.size();
  piece.runs.clear();
  piece.first.assign(partitions, Sharing::kNoRun);
  piece.last.assign(partitions, Sharing::kNoRun);
  piece.counts.assign(partitions, 0);
  if (is_scattered(piece.keys, piece.n) &&
      group(piece.keys, piece.n, piece.grouped, piece.places, piece.ends)) {
    piece.keys = piece.grouped.data();
    std::uint32_t begin = 0;
    for (std::size_t p = 0; p < partitions; ++p) {
      if (piece.ends[p] > begin) piece.chain(p, begin, piece.ends[p] - begin);
      begin = piece.ends[p];
    }
    return;
  }
  for (std::size_t i = 0; i < piece.n;) {
    const std::size_t partition = partition_of(piece.keys[i]);
    std::size_t end = i + 1;
    while (end < piece.n && partition_of(piece.keys[end]) == partition) ++end;
    piece.chain(partition, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(end - i));
    i = end;
  }
}

// Whether there are enough partitions to divide.
template <typename Key>
bool PackedSet<Key>::prepare_partitions(ThreadTeam& team) {
  const std::size_t wanted = team.size() * kPartitionsPerWorker;
  while (may_split() &&
         (is_too_big() || (partitions_.size() < wanted &&
                           table_bytes_ > kSharedPartitionBytes * partitions_.size()))) {
    if (!split(team)) break;
  }
  return partitions_.size() >= wanted;
}

template <typename Key>
bool PackedSet<Key>::insert_with(ThreadTeam& team, std::span<const std::span<const Key>> buffers,
                                 std::vector<std::span<const Key>>& fresh, bool* refused) {
  using Piece = typename Sharing::Piece;
  const unsigned workers = team.size();
  if (!prepare_partitions(team)) return false;
  if (sharing_ == nullptr) sharing_ = std::make_unique<Sharing>(budget_);
  Sharing& sharing = *sharing_;

  // A buffer a worker is best, since its keys are in that worker's cache.
  const std::size_t cuts = buffers.size() >= workers ? 1 : workers;
  const std::size_t piece_count = buffers.size() * cuts;
  while (sharing.pieces.size() < piece_count) sharing.pieces.emplace_back(budget_);
  while (sharing.fresh.size() < workers) sharing.fresh.emplace_back(budget_);
  for (std::size_t b = 0; b < buffers.size(); ++b) {
    ENTAIL_ENSURE(buffers[b].size() <= 0xffffffffU);
    for (std::size_t c = 0; c < cuts; ++c) {
      Piece& piece = sharing.pieces[b * cuts + c];
      const std::size_t begin = buffers[b].size() * c / cuts;
      piece.keys = buffers[b].data() + begin;
      piece.n = buffers[b].size() * (c + 1) / cuts - begin;
    }
  }
  const std::span<Piece> pieces(sharing.pieces.data(), piece_count);
  team.run([&](unsigned worker) {
    for (std::size_t i = worker; i < piece_count; i += workers) sort_out(pieces[i]);
  });

  // bounds[w] is where worker w's range begins; a partition goes to the range that has most of it.
  std::size_t total = 0;
  for (const Piece& piece : pieces) total += piece.n;
  std::vector<std::size_t> bounds(workers + 1, partitions_.size());
  std::vector<std::size_t> shares(workers);
  bounds[0] = 0;
  std::size_t before = 0;
  unsigned owner = 0;
  for (std::size_t p = 0; p < partitions_.size(); ++p) {
    std::size_t count = 0;
    for (const Piece& piece : pieces) count += piece.counts[p];
    while (owner + 1 < workers && (before + count / 2) * workers >= total * (owner + 1)) {
      bounds[++owner] = p;
    }
    shares[owner] += count;
    before += count;
  }
  for (unsigned w = 0; w < workers; ++w) {
    if (!sharing.fresh[w].reserve(shares[w])) return false;
  }

  const bool few_each = table_bytes_ > kCacheBytes && total < 256 * partitions_.size();
  std::vector<std::uint8_t> refusals(workers);
  fresh.resize(workers);
  team.run([&](unsigned worker) {
    Key* const keys = sharing.fresh[worker].data();
    std::size_t count = 0;
    bool granted = true;
    for (std::size_t p = bounds[worker]; p < bounds[worker + 1] && granted; ++p) {
      Partition& partition = partitions_[p];
      const bool fetch_ahead = few_each || bytes_of(partition) > kCacheBytes;
      for (const Piece& piece : pieces) {
        for (std::uint32_t r = piece.first[p]; r != Sharing::kNoRun && granted;
             r = piece.runs[r].next) {
          granted = insert_run(partition, piece.keys + piece.runs[r].begin, piece.runs[r].count,
                               fetch_ahead, keys, count);
        }
      }
    }
    refusals[worker] = granted ? 0 : 1;
    fresh[worker] = {keys, count};
  });
  measure();
  *refused = std::any_of(refusals.begin(), refusals.end(), [](std::uint8_t r) { return r != 0; });
  return true;
}

template bool PackedSet<std::uint64_t>::prepare_partitions(ThreadTeam& team);
template bool PackedSet<Uint128>::prepare_partitions(ThreadTeam& team);
template bool PackedSet<std::uint64_t>::insert_with(
    ThreadTeam& team, std::span<const std::span<const std::uint64_t>> buffers,
    std::vector<std::span<const std::uint64_t>>& fresh, bool* refused);
template bool PackedSet<Uint128>::insert_with(ThreadTeam& team,
                                              std::span<const std::span<const Uint128>> buffers,
                                              std::vector<std::span<const Uint128>>& fresh,
                                              bool* refused);

}  // namespace entail::vm
