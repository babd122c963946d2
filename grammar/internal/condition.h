// grammar/internal/condition.h - the arithmetic of `#if`.
//
// C's integer expressions without assignment: ?: || && | ^ & == != < <= > >= << >> + - * / % ! ~ -
// + and parentheses, 64-bit and wrapping. A word that is no macro counts 0, as in C.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace entail::grammar::internal {

// The value of `text`, or nothing and a reason in `problem`.
std::optional<std::int64_t> evaluate_condition(std::string_view text, std::string& problem);

}  // namespace entail::grammar::internal
