// tests/property/relation_history.h - random histories of one standing relation, against a model.
//
// A history is a sequence of epochs: weighted insertions and deletions, replacements under a key,
// rows of bags, one epoch in five aborted, the others committed as versions. The model is a std::map.
// After every operation the transitions must be what changed in the model; after every epoch the
// relation must verify, show the model's rows to the writer, and to every pin the rows of its
// version, by scan and by index.
//
// Threads: calls are independent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace entail::testing {

// What went wrong, or nothing.
std::optional<std::string> check_history(std::uint64_t seed);

}  // namespace entail::testing
