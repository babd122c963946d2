#include "grammar/internal/sql_large_stack.h"

#include <boost/context/fiber.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

namespace entail::grammar::internal {

namespace {

// Address space; pages are used as they are touched. Sanitizers make frames several times larger.
constexpr std::size_t kStackBytes = std::size_t{64} << 20;

}  // namespace

bool run_on_large_stack(const std::function<void()>& work) {
  try {
    boost::context::fiber aside(std::allocator_arg,
                                boost::context::protected_fixedsize_stack(kStackBytes),
                                [&work](boost::context::fiber&& caller) {
                                  work();
                                  return std::move(caller);
                                });
    aside = std::move(aside).resume();
    return true;
  } catch (const std::bad_alloc&) {  // No address space for the stack.
    return false;
  }
}

}  // namespace entail::grammar::internal
