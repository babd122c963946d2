// store/internal/commit_rows.h - the rows of one commit: what moves to history, what becomes current.
//
// Threads: the writer's.

#pragma once

#include <span>
#include <vector>

#include "store/versioned_store.h"
#include "vm/base/kv.h"

namespace entail::store {

// Puts the changes into `batch`, in key order, which is what the disk likes best, and notes in each
// change which version wrote the row that goes (before_born) and what stood beside it.
// Fails with kCorrupt where a row that should go is not there as `before` says, or one that should
// not be there is (RowChange::check_absent).
Expected<void> stage_row_changes(const Kv& kv, Version version, CauseKind cause,
                                 std::span<RowChange> changes, KvBatch& batch);

}  // namespace entail::store
