// store/internal/retention.h - which versions of what may be forgotten.
//
//     dropped below   floor            version()
//     ------|-----------|------------------|
//     gone  | kept for  | readable by all
//           | pins only |
//
// A floor is what was declared; what may be dropped lags behind it while a reader pins an older
// version. Both only rise. The disk asks may_drop_*() from its own threads.
//
// Threads: any; a mutex guards it.

#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <string_view>

#include "store/internal/keys.h"
#include "store/log_record.h"

namespace entail::store {

struct RetentionFloors {
  // Of a relation that was dropped: no version of it is kept, and it has no rows.
  static constexpr Version kDropped = ~Version{0};

  struct Floor {
    Version declared = 0;
    Version dropped_below = 0;
  };

  mutable std::mutex mutex;
  std::map<RelationNumber, Floor> relations;
  Floor log;
  std::multiset<Version> pins;

  // The caller holds the mutex, here and in the next.
  void let_go(Floor& floor) const {
    const Version bound = pins.empty() ? floor.declared : std::min(floor.declared, *pins.begin());
    floor.dropped_below = std::max(floor.dropped_below, bound);
  }
  void let_go() {
    for (auto& [relation, floor] : relations) let_go(floor);
    let_go(log);
  }

  Floor of(RelationNumber relation) const {
    const std::lock_guard lock(mutex);
    const auto found = relations.find(relation);
    return found == relations.end() ? Floor{} : found->second;
  }

  // A row replaced by version `died` was last seen in version died - 1.
  bool may_drop_history(std::string_view key) const {
    const auto parts = split_history_key(key);
    return parts && parts->died <= of(parts->relation).dropped_below;
  }
  bool may_drop_log(std::string_view key) const {
    const auto parts = split_log_key(key);
    const std::lock_guard lock(mutex);
    return parts && parts->version < log.dropped_below;
  }
};

}  // namespace entail::store
