// tests/property/transaction_graph.h - Adya's phenomena, found in what the transactions of a history read and
// wrote.
//
//     ww   a wrote the version of a row that b replaced
//     wr   a wrote what b read: a row, or the absence or match of a row that a predicate asks for
//     rw   a read what b replaced: the version read is not the newest before b
//
//     G0        a cycle of ww
//     G1c       a cycle of ww and wr
//     G-single  a cycle with exactly one rw
//     G2        a cycle with at least one rw
//
// G1a (what was never committed was read) and G1b (what its writer replaced was read) need no graph; a value
// read names its writer. Deletions are versions too.
//
// Source: Adya, "Weak consistency" (1999); Kingsbury and Alvaro, "Elle" (2020). Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/property/transaction_model.h"

namespace entail::testing {

// One reading of a transaction. `version`: the committed state that it was answered from; rows that the
// transaction had written itself are no part of it.
struct ObservedRead {
  Predicate predicate;
  std::uint64_t version = 0;
  std::map<std::int64_t, std::optional<std::int64_t>>
      rows;  // Value by key, as answered. Of kAll only.
  ModelWrites own;
};

struct FinishedTransaction {
  std::string name;
  bool committed = false;
  std::uint64_t version = 0;  // That it made; 0: it wrote nothing, or was rolled back.
  std::vector<ObservedRead> reads;
  ModelWrites writes;                    // Net.
  std::vector<std::int64_t> all_values;  // Everything it ever wrote, by value.
};

enum class Phenomenon : std::uint8_t { kG0, kG1a, kG1b, kG1c, kGSingle, kG2 };
inline constexpr std::size_t kPhenomena = 6;
const char* phenomenon_name(Phenomenon phenomenon);

struct Finding {
  Phenomenon phenomenon{};
  std::string text;
};

// The first of each kind. `states`: what each version holds, the initial one included.
std::vector<Finding> find_phenomena(const std::vector<FinishedTransaction>& transactions,
                                    const std::map<std::uint64_t, ModelState>& states);

}  // namespace entail::testing
