// tests/catch_main.cc - the main() that all Catch2 test binaries share.

#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
