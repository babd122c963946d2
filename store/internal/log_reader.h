// store/internal/log_reader.h - the log read in order, and single heads of records.
//
// Threads: a reader belongs to one thread.

#pragma once

#include <memory>

#include "store/versioned_store.h"
#include "vm/base/kv.h"

namespace entail::store {

// Records of the versions in [from, to]; only their heads where `heads_only`.
std::unique_ptr<LogReader> read_log_records(const Kv& kv, Version from, Version to, bool heads_only,
                                            VersionedStore::Pin pin,
                                            const KvSnapshot* snapshot = nullptr);

Expected<VersionInfo> read_log_head(const Kv& kv, Version version);

}  // namespace entail::store
