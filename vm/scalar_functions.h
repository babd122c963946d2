// vm/scalar_functions.h - SQL's functions of values: which there are, and what they take.
//
// The list is vm/scalar_functions.def. The instruction CallScalar runs one of them on the rows of a
// batch; who lowers SQL finds the candidates of a name here, operators included.
//
// Threads: pure data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "vm/type.h"
#include "vm/type_table.h"

namespace entail::vm {

enum class ScalarFunction : std::uint16_t {
#define SCALAR_FUNCTION(id, name, arguments, result, flags) id,
#include "vm/scalar_functions.def"
#undef SCALAR_FUNCTION
};

inline constexpr std::size_t kScalarFunctionCount = 0
#define SCALAR_FUNCTION(id, name, arguments, result, flags) +1
#include "vm/scalar_functions.def"
#undef SCALAR_FUNCTION
    ;

struct ScalarSignature {
  ScalarFunction function{};
  std::string_view name;       // SQL's: "lower", "||".
  std::string_view arguments;  // A letter each; see the list.
  char result = 'x';
  bool can_fail = false;
  bool can_be_null = false;  // Though no argument is null.
  bool strict = true;        // Null if an argument is.
  bool variadic = false;     // The last letter repeats.
};

const ScalarSignature& scalar_signature(ScalarFunction function);

// All of them, those of one name together, in the list's order.
std::span<const ScalarSignature> scalar_signatures_by_name();
std::span<const ScalarSignature> scalar_signatures_of(std::string_view name);

// Whether a value of the type is what the letter stands for; `a`, `e` and `x` fit any (`a`: any array).
bool fits_letter(char letter, Type type);

// Whether a cast between the types may fail for some value; both exist (can_cast()).
bool cast_can_fail(Type from, Type to);

// Whether there is a cast from one to the other at all. Arrays cast as their elements do.
bool can_cast(const TypeTable& types, Type from, Type to);

}  // namespace entail::vm
