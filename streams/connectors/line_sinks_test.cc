#include <catch2/catch.hpp>
#include <string>

#include "streams/connector.h"
#include "streams/internal/memory_files.h"

namespace entail::streams {
namespace {

const SinkEntry kEntries[] = {{{3, 0}, R"({"op":"+","row":{"a":1}})"},
                              {{3, 1}, R"({"op":"-","row":{"a":1}})"},
                              {{7, 0}, R"({"op":"+","row":{"a":"two"}})"}};

TEST_CASE("A file sink tells from its file what was delivered, and cuts what is torn",
          "[streams]") {
  const ConnectorSpec spec{"file", "out", {}};
  REQUIRE(check_sink(spec));
  std::string whole;
  {
    MemoryFiles files;
    auto sink = make_sink(spec, {&files, nullptr});
    REQUIRE(sink);
    CHECK(*(*sink)->open() == std::nullopt);
    REQUIRE((*sink)->deliver(kEntries));
    whole = files.at("out");
  }
  CHECK(whole.starts_with("{\"version\":3,\"ordinal\":0,\"op\":\"+\",\"row\":{\"a\":1}}\n{"));
  // Wherever it was cut, the same file comes about.
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    MemoryFiles files;
    files.at("out") = whole.substr(0, size);
    auto sink = make_sink(spec, {&files, nullptr});
    auto there = (*sink)->open();
    INFO("cut at " << size << " of " << whole);
    REQUIRE(there);
    std::size_t first = 0;
    while (first < 3 && *there && kEntries[first].place <= **there) ++first;
    REQUIRE((*sink)->deliver(std::span(kEntries).subspan(first)));
    CHECK(files.at("out") == whole);
  }
}

TEST_CASE("A file that no sink has written is left alone", "[streams]") {
  MemoryFiles files;
  files.at("out") = "letters\nto somebody\n";
  auto sink = make_sink({"file", "out", {}}, {&files, nullptr});
  auto there = (*sink)->open();
  REQUIRE_FALSE(there);
  CHECK(there.error().message == "out: its last line was not written by a sink");
  CHECK(files.at("out") == "letters\nto somebody\n");
}

TEST_CASE("The console shows entries in the envelope that was asked for", "[streams]") {
  MemoryFiles files;
  const ConnectorSpec spec{"console", "", {{"envelope", "plain"}}};
  REQUIRE(check_sink(spec));
  auto sink = make_sink(spec, {&files, nullptr});
  const SinkEntry entry{{1, 0}, R"({"a":1})"};
  REQUIRE((*sink)->deliver({&entry, 1}));
  CHECK(files.printed == "{\"a\":1}\n");
}

TEST_CASE("Sinks refuse settings that make no sense", "[streams]") {
  const auto refusal = [](ConnectorSpec spec) { return check_sink(spec).error().message; };
  CHECK(refusal({"file", "x", {{"envelope", "plain"}}})
            .starts_with("the file sink needs an envelope"));
  CHECK(refusal({"file", "x", {{"envelope", "debezium"}}}) ==
        "the setting 'envelope' is changelog, upsert or plain, not 'debezium'");
  CHECK(refusal({"smoke", "x", {}}) ==
        "the connector 'smoke' is not supported yet as a sink: there are file and console");
}

}  // namespace
}  // namespace entail::streams
