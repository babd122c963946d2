// Rows of a standing relation that another process left.

#include <algorithm>
#include <numeric>

#include "vm/base/ensure.h"
#include "vm/standing_relation.h"
#include "vm/value_pool.h"

namespace entail::vm {

Expected<void> StandingRelation::begin_restore(std::size_t rows) {
  ENTAIL_ENSURE(slot_count_ == 0 && !has_open_changes());
  if (rows >= kNoRow) return limit_error();
  if (rows <= capacity_) return {};
  const std::size_t slots = flags_.rounded(rows);
  if (!book(growth(slots, 0, {}))) return limit_error();
  grow(slots, 0, {});
  settle_budget();
  return {};
}

Expected<void> StandingRelation::restore(const Image& image) {
  const std::size_t n = image.n;
  ENTAIL_ENSURE(image.columns.size() == column_count() && slot_count_ + n <= capacity_);
  if (auto fitted = fit_columns(image.columns, n); !fitted) return fitted;
  const Row first = slot_count_;
  for (std::size_t c = 0; c < image.columns.size(); ++c) {
    columns_.put_run(c, first, image.columns[c], n);
  }
  for (const std::uint32_t column : handle_columns_) {
    options_.pool->retain_column(image.columns[column], n);
  }
  slot_count_ += static_cast<Row>(n);  // Those whose weights are kept when weights widen.
  visible_ += n;
  for (std::size_t i = 0; i < n; ++i) {
    const Row row = first + static_cast<Row>(i);
    flags_[row] = static_cast<std::uint8_t>(kInUse | kPresent | kWasThere | kLinked |
                                            ((image.held[i] & 1) != 0 ? kStated : 0) |
                                            ((image.held[i] & 2) != 0 ? kDerived : 0));
    if (options_.ranks) ranks_[row] = image.ranks[i];
    if (options_.weights) put_weight(row, image.weights[i]);
    if (options_.bag) ids_[row] = image.ids[i];
    if (!options_.identities) continue;
    identities_[row] = image.identities != nullptr ? image.identities[i] : next_identity_++;
  }
  return {};
}

Expected<void> StandingRelation::end_restore(Version version) {
  ENTAIL_ENSURE(version > last_version_);
  std::vector<Row> rows(slot_count_);
  std::iota(rows.begin(), rows.end(), Row{0});
  if (rows.empty()) {
    // Nothing is made before there is a row.
  } else if (!options_.bag) {
    if (!book(members_.build_bytes(rows.size()))) return limit_error();
    members_.build(rows.size());
  } else {
    has_given_ids_ = true;
    // Of equal rows the newest one stands first.
    const auto is_older = [this](Row a, Row b) { return ids_[a] < ids_[b]; };
    if (!std::is_sorted(rows.begin(), rows.end(), is_older)) {
      std::sort(rows.begin(), rows.end(), is_older);
    }
  }
  for (Index& index : indexes_) {
    if (index.chains == nullptr || rows.empty()) continue;
    if (auto linked = link_rows(index, rows); !linked) return linked;
  }
  if (versions_ != nullptr) versions_->commit(version, rows, {}, slot_count_);
  epoch_identity_ = next_identity_;
  last_version_ = version;
  settle_budget();
  return {};
}

}  // namespace entail::vm
