#include "store/internal/commit_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "store/internal/bytes.h"
#include "store/internal/keys.h"
#include "store/row_value.h"
#include "vm/base/ensure.h"
#include "vm/base/tiny.h"

namespace entail::store {
namespace {

// Looked up together: enough to share the work of a read, few enough to hold their rows.
constexpr std::size_t kChunkRows = size_or_tiny(1024, 3);

bool needs_look_up(const RowChange& change) { return change.before || change.check_absent; }

auto order_of(const RowChange& change) { return std::tie(change.relation, change.key); }

// The positions of `changes` in key order.
std::vector<std::uint32_t> sorted_positions(std::span<const RowChange> changes) {
  std::vector<std::uint32_t> positions(changes.size());
  std::iota(positions.begin(), positions.end(), 0U);
  const auto before = [&](std::uint32_t left, std::uint32_t right) {
    return order_of(changes[left]) < order_of(changes[right]);
  };
  if (!std::is_sorted(positions.begin(), positions.end(), before)) {
    std::sort(positions.begin(), positions.end(), before);
  }
  for (std::size_t i = 1; i < positions.size(); ++i) {
    ENTAIL_ENSURE(order_of(changes[positions[i - 1]]) < order_of(changes[positions[i]]));
  }
  return positions;
}

class Stager {
 public:
  Stager(const Kv& kv, Version version, CauseKind cause, KvBatch& batch)
      : kv_(kv), version_(version), cause_(cause), batch_(batch) {}

  Expected<void> stage(std::span<RowChange> changes, std::span<const std::uint32_t> chunk) {
    keys_.clear();
    for (const std::uint32_t position : chunk) {
      const RowChange& change = changes[position];
      ENTAIL_ENSURE(change.before || change.after);
      if (needs_look_up(change)) keys_.push_back(row_key(change.relation, change.key));
    }
    std::vector<std::optional<std::string>> stored;
    if (!keys_.empty()) {
      auto found = kv_.get_many(kCurrent, keys_);
      if (!found) return unexpected(std::move(found).error());
      stored = *std::move(found);
    }
    std::size_t next = 0;
    for (const std::uint32_t position : chunk) {
      RowChange& change = changes[position];
      row_key_into(change.relation, change.key, key_);
      if (needs_look_up(change)) {
        if (auto moved = move_to_history(change, stored[next++]); !moved) return moved;
      }
      if (change.after) {
        encode_row_value(kCurrent, key_,
                         {.image = *change.after, .born = version_, .cause = cause_}, value_);
        batch_.put(kCurrent, key_, value_);
      } else {
        batch_.erase(kCurrent, key_);
      }
    }
    return {};
  }

 private:
  Expected<void> move_to_history(RowChange& change, const std::optional<std::string>& stored) {
    if (!change.before) {
      if (!stored) return {};
      return disagreement(change, "is there already");
    }
    if (!stored) return disagreement(change, "is not there");
    auto old = decode_row_value(kCurrent, key_, *stored);
    if (!old) return unexpected(std::move(old).error());
    if (old->image.row != change.before->row) return disagreement(change, "is another one");
    change.before_born = old->born;
    change.before->weight = old->image.weight;
    const std::string history = history_key(key_, version_);
    encode_row_value(kHistory, history, *old, value_);
    batch_.put(kHistory, history, value_);
    return {};
  }

  Unexpected disagreement(const RowChange& change, const char* what) const {
    return corrupt(fmt::format("the {} {}, unlike what the commit of version {} expects",
                               describe_key(kCurrent, row_key(change.relation, change.key)), what,
                               version_));
  }

  const Kv& kv_;
  const Version version_;
  const CauseKind cause_;
  KvBatch& batch_;
  std::vector<std::string> keys_;
  std::string key_, value_;
};

}  // namespace

Expected<void> stage_row_changes(const Kv& kv, Version version, CauseKind cause,
                                 std::span<RowChange> changes, KvBatch& batch) {
  const std::vector<std::uint32_t> positions = sorted_positions(changes);
  Stager stager(kv, version, cause, batch);
  for (std::size_t begin = 0; begin < positions.size(); begin += kChunkRows) {
    const std::size_t count = std::min(kChunkRows, positions.size() - begin);
    if (auto staged = stager.stage(changes, std::span(positions).subspan(begin, count)); !staged) {
      return staged;
    }
  }
  return {};
}

}  // namespace entail::store
