// server/engine/push.h - rows that a client pushes as lines of JSON, each batch once.
//
//     {"id": 1, "card": "c9", "amount": 12.50}
//     {"id": 2, "card": "c9"}                      what is not named takes its default
//
// A batch is one transaction: all of its lines or none. Its cause in the log is a source batch of the source
// `http/<client>`, with the sequence number as its position, written in the same commit. So a client that did not
// hear the answer sends the batch again under the same number: it is told the version of the first time, and
// nothing changes. The last kPushesRemembered numbers of a client are remembered.
//
// Values: a string is read as SQL reads the text of the column's type, numbers and truth values likewise; arrays
// are arrays; a column of JSON takes anything.
//
// Threads: the engine's. Source: JSON Lines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/engine/result.h"
#include "vm/base/expected.h"

namespace entail::engine {

inline constexpr std::size_t kPushesRemembered = 32;

struct PushBatch {
  std::string relation;  // "name" or "schema.name".
  std::string client;
  std::optional<std::uint64_t> sequence;  // None: nobody remembers the batch.
  std::string_view lines;
};

struct LineError {
  std::uint64_t line = 0;  // From 1.
  Error error;
};

struct PushOutcome {
  Progress progress = Progress::kDone;  // Or kMustWait: call again after the wake.
  std::uint64_t version = 0;            // To wait for: it holds the rows.
  std::uint64_t rows = 0;
  bool is_repeated = false;  // The version is that of the first time.
  std::vector<LineError>
      errors;  // Not empty: nothing was changed. The first of them, if there are many.
};

}  // namespace entail::engine
