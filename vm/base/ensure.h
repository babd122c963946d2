// vm/base/ensure.h - stopping at our own mistakes.
//
// ENTAIL_ENSURE(condition) holds in every build: a false condition prints file, line and condition
// and aborts. It is for what only a bug of ours can make false; a bad program gets a diagnostic and
// a bad world an Error (vm/base/expected.h).
//
// ENTAIL_DEBUG_ENSURE(condition) is checked in Debug and sanitizer builds only (ENTAIL_DEBUG); it
// is for hot loops, where one check a row would be felt. Elsewhere the condition is compiled, so
// that it cannot rot, but not evaluated.
//
// ENTAIL_UNREACHABLE("why") ends a path that cannot be taken, such as after a complete switch.
//
// Threads: any.

#pragma once

namespace entail::internal {

// Prints "file:line: ensure failed: condition" to standard error and aborts.
[[noreturn]] void ensure_failed(const char* file, int line, const char* condition) noexcept;

}  // namespace entail::internal

#define ENTAIL_ENSURE(condition) \
  (static_cast<bool>(condition)  \
       ? static_cast<void>(0)    \
       : ::entail::internal::ensure_failed(__FILE__, __LINE__, #condition))

#define ENTAIL_UNREACHABLE(why) \
  ::entail::internal::ensure_failed(__FILE__, __LINE__, "unreachable: " why)

#ifdef ENTAIL_DEBUG
#define ENTAIL_DEBUG_ENSURE(condition) ENTAIL_ENSURE(condition)
#else
#define ENTAIL_DEBUG_ENSURE(condition) static_cast<void>(sizeof(static_cast<bool>(condition)))
#endif
