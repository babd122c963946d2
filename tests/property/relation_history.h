// tests/property/relation_history.h - random histories of one standing relation, against a model.
//
// A history is a sequence of epochs of several steps: weighted insertions and deletions, replacements
// under a key, rows of bags, one epoch in five aborted, the others committed as versions. The model is a
// std::map. After every operation both views must be the model's, now and at the step's beginning, by scan,
// membership and index, and their difference what entered and left; after every epoch the relation must
// verify, and show to every pin the rows of its version.
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
