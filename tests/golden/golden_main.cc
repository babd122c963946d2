// Catch2's main with one option more: --update, which golden_test.cc finds in the environment.

#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#include <cstdlib>
#include <string_view>
#include <vector>

int main(int count, char** values) {
  std::vector<char*> arguments;
  for (int i = 0; i < count; ++i) {
    if (std::string_view(values[i]) == "--update") {
      setenv("GOLDEN_UPDATE", "1", 1);
    } else {
      arguments.push_back(values[i]);
    }
  }
  return Catch::Session().run(static_cast<int>(arguments.size()), arguments.data());
}
