#include "vm/base/cancel.h"

#include <catch2/catch.hpp>
#include <thread>

namespace entail {
namespace {

TEST_CASE("a token stays cancelled until it is reset") {
  CancelToken token;
  CHECK_FALSE(token.cancelled());
  token.cancel();
  token.cancel();
  CHECK(token.cancelled());
  token.reset();
  CHECK_FALSE(token.cancelled());
}

TEST_CASE("a loop in another thread sees the request and ends") {
  CancelToken token;
  std::thread worker([&token] {
    while (!token.cancelled()) std::this_thread::yield();
  });
  token.cancel();
  worker.join();
  CHECK(token.cancelled());
}

}  // namespace
}  // namespace entail
