// store/internal/row_reader.h - one row or many, now or AS OF a version.
//
// A scan of the past merges two iterators that are both in key order:
//
//     current   a(born 3)            c(born 9)
//     history             b,~7 b,~4  c,~9 c,~8        AS OF 5: a; b's with died 7; c's with died 8
//
// Threads: a scan belongs to one thread.

#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "store/versioned_store.h"
#include "vm/base/kv.h"

namespace entail::store {

Expected<std::optional<PointRow>> get_current_row(const Kv& kv, RelationNumber relation,
                                                  std::string_view key);
Expected<std::optional<PointRow>> get_past_row(const Kv& kv, RelationNumber relation,
                                               std::string_view key, Version as_of);

std::unique_ptr<RowScan> scan_current_rows(const Kv& kv, RelationNumber relation, ScanRange range);
// The pin is held by the scan.
std::unique_ptr<RowScan> scan_past_rows(const Kv& kv, RelationNumber relation, ScanRange range,
                                        Version as_of, VersionedStore::Pin pin);

}  // namespace entail::store
