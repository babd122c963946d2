// store/derived_state.h - checkpoints of what was computed, so that a restart need not compute it.
//
// A checkpoint is a set of named blobs, tagged with the version they were derived from and the
// build of the program that understands them. Both directions stream: no blob is in memory whole.
//
//     auto writer = store.write_derived_state(version, build_id);
//     (*writer)->append("join 7", bytes);   (*writer)->append("join 7", more);  ...
//     (*writer)->finish();                  // Durable; older checkpoints are forgotten.
//
// Family `derived`, numbers big-endian:
//
//     "c" version 8, name, 0, chunk 4  -> | format 1 | bytes... | checksum 4 |
//     "f" version 8                    -> | format 1 | build id b | count v | blobs | checksum 4 |
//           blob                          | name b | bytes v | chunks v | hash 8 |
//
// The checksum covers key and value; the hash (XXH3) covers the blob. A checkpoint without its "f"
// entry was not finished and is dropped when the next one begins.
//
// Threads: a writer or a reader belongs to one thread, which need not be the store's writer.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "store/versioned_store.h"
#include "vm/base/expected.h"

namespace entail::store {

class DerivedStateWriter {
 public:
  virtual ~DerivedStateWriter() = default;

  // Appends to the blob `name`, which begins with its first bytes. Names hold no zero byte.
  virtual Expected<void> append(std::string_view name, std::string_view bytes) = 0;

  // From now on this is the checkpoint that derived_state() finds. Without it nothing changes.
  virtual Expected<void> finish() = 0;
};

class DerivedStateReader {
 public:
  virtual ~DerivedStateReader() = default;

  // The next bytes of the blob, a megabyte at most; empty at its end, where its hash was right.
  // Valid until the next call.
  virtual Expected<std::string_view> next() = 0;
};

}  // namespace entail::store
