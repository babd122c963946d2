#include "server/cli/options.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace entail::cli {
namespace {

Expected<CommandLine> parse(const std::vector<const char*>& arguments) {
  return parse_command_line(arguments);
}

TEST_CASE("options stand before or behind the file, attached or apart") {
  const std::vector<std::vector<const char*>> forms = {
      {"run", "-Fin", "-Dout", "-j2", "a.dl"},
      {"run", "a.dl", "-F", "in", "-D", "out", "-j", "2"},
      {"run", "--fact-dir=in", "a.dl", "--output-dir", "out", "--jobs=2"},
  };
  for (const auto& form : forms) {
    const auto line = parse(form);
    REQUIRE(line);
    CHECK(line->command == Command::kRun);
    CHECK(line->program == "a.dl");
    CHECK(line->facts_directory == "in");
    CHECK(line->output_directory == "out");
    CHECK(line->threads == 2);
  }
}

TEST_CASE("what is not said has its default") {
  const auto line = parse({"run", "a.dl"});
  REQUIRE(line);
  CHECK(line->facts_directory == ".");
  CHECK(line->output_directory == ".");
  CHECK(line->threads == 1);
  CHECK(line->number_bits == 64);
  CHECK(line->memory_limit == MemoryBudget::kUnlimited);
  CHECK_FALSE(line->query.has_value());
  CHECK_FALSE(line->format.has_value());
  CHECK_FALSE(line->stats);
}

TEST_CASE("a lone dash is standard input or output, and -- ends the options") {
  CHECK(parse({"run", "-"})->program == "-");
  CHECK(parse({"run", "-D-", "a.dl"})->output_directory == "-");
  CHECK(parse({"run", "-D", "-", "a.dl"})->output_directory == "-");
  CHECK(parse({"run", "--", "-odd.dl"})->program == "-odd.dl");
}

TEST_CASE("defines take a value, or none") {
  const auto line = parse({"run", "-MA=1", "--define", "B", "a.dl"});
  REQUIRE(line);
  REQUIRE(line->defines.size() == 2);
  CHECK(line->defines[0] == std::pair<std::string, std::string>("A", "1"));
  CHECK(line->defines[1] == std::pair<std::string, std::string>("B", ""));
}

TEST_CASE("sizes have suffixes") {
  CHECK(parse_size("17") == 17U);
  CHECK(parse_size("1k") == 1024U);
  CHECK(parse_size("200M") == std::uint64_t{200} << 20U);
  CHECK(parse_size("3G") == std::uint64_t{3} << 30U);
  for (const char* bad : {"", "M", "12x", "-1", "1.5G", "99999999999G", "1 k"}) {
    INFO(bad);
    CHECK_FALSE(parse_size(bad).has_value());
  }
}

TEST_CASE("help and version win over what is missing") {
  CHECK(parse({"run", "--help"})->help_topic == Command::kRun);
  CHECK(parse({"lint", "-h"})->help_topic == Command::kLint);
  CHECK(parse({"help", "explain"})->help_topic == Command::kExplain);
  CHECK(parse({"run", "--version"})->command == Command::kVersion);
  CHECK(parse({"explain", "--stage=opcodes"}));
  CHECK_FALSE(parse({"explain", "--stage=plan"}));
}

TEST_CASE("follow has options of its own") {
  const auto plain = parse({"follow", "a.dl"});
  REQUIRE(plain);
  CHECK(plain->command == Command::kFollow);
  CHECK_FALSE(plain->has_facts_directory);
  CHECK_FALSE(plain->snapshot);
  CHECK_FALSE(plain->echo);
  CHECK(plain->on_error == OnError::kStop);
  CHECK_FALSE(plain->clock_us.has_value());
  const auto line = parse({"follow", "-Fin", "--snapshot", "--echo", "--on-error=skip", "--format",
                           "json", "--clock=1970-01-02T00:00:00Z", "--memory=1k", "a.dl"});
  REQUIRE(line);
  CHECK(line->has_facts_directory);
  CHECK(line->facts_directory == "in");
  CHECK(line->snapshot);
  CHECK(line->echo);
  CHECK(line->on_error == OnError::kSkip);
  CHECK(line->format == OutputFormat::kJson);
  CHECK(line->clock_us == std::int64_t{86'400'000'000});
  CHECK(line->memory_limit == 1024U);
}

TEST_CASE("why and why-not take a fact before the file") {
  const auto line = parse({"why", "-Fin", "p(1)", "--limit=7", "a.dl"});
  REQUIRE(line);
  CHECK(line->command == Command::kWhy);
  CHECK(line->question == "p(1)");
  CHECK(line->program == "a.dl");
  CHECK(line->line_limit == 7);
  CHECK(parse({"why-not", "p(1)", "a.dl"})->command == Command::kWhyNot);
  CHECK_FALSE(parse({"why", "p(1)"}));
  CHECK_FALSE(parse({"why", "", "a.dl"}));
  CHECK_FALSE(parse({"why-not", "--limit=7", "p(1)", "a.dl"}));
}

TEST_CASE("each command has its formats") {
  CHECK(parse({"run", "--format=table", "a.dl"}));
  CHECK(parse({"follow", "--format=text", "a.dl"}));
  CHECK(parse({"explain", "--stage=network", "--format=dot", "a.dl"})->format ==
        OutputFormat::kDot);
  CHECK_FALSE(parse({"run", "--format=dot", "a.dl"}));
  CHECK_FALSE(parse({"follow", "--format=table", "a.dl"}));
  CHECK_FALSE(parse({"explain", "--stage=plan", "--format=dot", "a.dl"}));
}

}  // namespace
}  // namespace entail::cli
