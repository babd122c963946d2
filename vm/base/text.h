// vm/base/text.h - small help with words for people: counts, lists, "did you mean".
//
// Everything here is for messages and reports; none of it is on a hot path.
//
// Threads: any.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace entail {

// 1234567 -> "1,234,567".
std::string with_thousands(std::uint64_t count);
std::string with_thousands(std::int64_t count);

// (1, "row") -> "1 row"; (1500, "row") -> "1,500 rows". The plural is the noun with an s unless
// another is given: (2, "entry", "entries").
std::string count_of(std::uint64_t count, std::string_view noun, std::string_view plural = {});

// {"a", "b", "c"} with ", " -> "a, b, c".
std::string join(std::span<const std::string> parts, std::string_view separator);

// Single edits (insert, delete, replace, swap of neighbours) from `a` to `b`, each byte changed at
// most once: the optimal string alignment distance. O(|a| * |b|).
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate that `name` was probably meant to be: the nearest one, at most a third of the
// name's length away (a difference of letter case only always qualifies), the earliest among
// equals.
std::optional<std::string> closest_name(std::string_view name,
                                        std::span<const std::string> candidates);

}  // namespace entail
