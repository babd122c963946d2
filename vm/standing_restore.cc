// Rows of a standing relation that another process left.

#include <algorithm>

#include "vm/base/ensure.h"
#include "vm/standing_relation.h"

namespace entail::vm {

Expected<void> StandingRelation::restore(const Image& image) {
  ENTAIL_ENSURE(image.columns.size() == column_count() && image.n < kNoRow);
  if (auto fitted = fit_columns(image.columns, image.n); !fitted) return fitted;
  Progress progress = begin_progress(image.n);
  std::uint32_t places[kChunk];
  for (std::size_t first = 0; first < image.n; first += kChunk) {
    const std::size_t count = std::min(kChunk, image.n - first);
    if (auto room = make_room(image.columns, first, count, count, progress); !room) return room;
    if (!options_.bag) {
      members_.find_places(image.columns, first, count, places);
      for (std::size_t k = 0; k < count; ++k) members_.prefetch(places[k]);
    }
    for (std::size_t k = 0; k < count; ++k) {
      const std::size_t i = first + k;
      const auto held = static_cast<std::uint8_t>(((image.held[i] & 1) != 0 ? kStated : 0) |
                                                  ((image.held[i] & 2) != 0 ? kDerived : 0));
      const Row row = give_birth(image.columns, i, options_.ranks ? image.ranks[i] : 0, held,
                                 options_.weights ? image.weights[i] : 1);
      if (image.identities != nullptr) identities_[row] = image.identities[i];
      if (options_.bag) {
        has_given_ids_ = true;
        ids_[row] = image.ids[i];
        link_equal(*indexes_[0].chains, row);
      } else {
        enter_member(row, places[k]);
      }
    }
    flush_links();
    progress.done += count;
    progress.born += count;
  }
  return {};
}

}  // namespace entail::vm
