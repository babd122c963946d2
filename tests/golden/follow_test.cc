// Golden scripts of standing results: a program and a transcript of `entail follow` in one .dl file.
//
//     path(x, y) :- edge(x, y).
//
//     //! > +edge(1, 2)         what is typed
//     //! > commit
//     //! # version 2           what is printed
//     //! +path(1,2)
//
// The lines of //! are the transcript of a run with --echo and --on-error=skip: those behind "> " are its
// input, and all of it is its output, complaints included. The first may be `//! options: --number=32`.
// A script may begin with notes in ordinary comments.
//
// `golden_test --update` (or GOLDEN_UPDATE=1 in the environment) rewrites what is printed;
// GOLDEN_ONLY=name runs one script.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "server/cli/follow_command.h"
#include "server/cli/options.h"
#include "server/cli/program_source.h"

namespace {

namespace fs = std::filesystem;
using namespace entail;
using namespace entail::cli;

constexpr std::string_view kMark = "//!";
constexpr std::string_view kOptions = "//! options:";
constexpr std::string_view kInput = "> ";

struct FollowScript {
  std::string name;
  std::string text;                  // The whole file; the transcript is comments.
  std::vector<std::string> program;  // Its lines without the transcript, options included.
  std::vector<std::string> options;
  std::vector<std::string> transcript;  // Without the mark.
};

FollowScript read_follow_script(const fs::path& path) {
  FollowScript script;
  script.name = path.filename().string();
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    script.text += line + "\n";
    const bool are_options = line.starts_with(kOptions);
    if (are_options) {
      std::istringstream words(line.substr(kOptions.size()));
      for (std::string word; words >> word;) script.options.push_back(word);
    }
    if (!line.starts_with(kMark) || are_options) {
      script.program.push_back(line);
      continue;
    }
    script.transcript.push_back(line.substr(std::min(line.size(), kMark.size() + 1)));
  }
  return script;
}

class TextOutput final : public OutputBytes {
 public:
  explicit TextOutput(std::string& text) : text_(text) {}
  Expected<void> write(std::string_view bytes) override {
    text_ += bytes;
    return {};
  }

 private:
  std::string& text_;
};

std::vector<std::string> run_follow_script(const FollowScript& script) {
  std::vector<const char*> arguments = {"follow", "--echo", "--on-error=skip"};
  for (const std::string& option : script.options) arguments.push_back(option.c_str());
  arguments.push_back(script.name.c_str());
  const auto line = parse_command_line(arguments);
  REQUIRE(line);
  const LoadedProgram loaded =
      load_program_text(script.name, script.text, *line, LoadUpTo::kStanding);
  INFO(loaded.diagnostics.render(loaded.files));
  REQUIRE(loaded.rules);

  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> input(std::tmpfile(), &std::fclose);
  REQUIRE(input != nullptr);
  for (const std::string& said : script.transcript) {
    if (!said.starts_with(kInput) && said != ">") continue;
    const std::string typed = said.substr(std::min(said.size(), kInput.size())) + "\n";
    REQUIRE(std::fwrite(typed.data(), 1, typed.size(), input.get()) == typed.size());
  }
  std::rewind(input.get());

  std::string printed;
  TextOutput output(printed);
  std::unique_ptr<NetworkRun> kept;
  const int code = follow(
      *line, loaded,
      {::fileno(input.get()), &output, [&](const std::string& text) { printed += text; }}, kept);
  CHECK(code == 0);
  if (kept) kept->network().verify();
  std::vector<std::string> lines;
  std::istringstream in(printed);
  for (std::string text; std::getline(in, text);) {
    text.erase(text.find_last_not_of(' ') + 1);
    lines.push_back(text);
  }
  return lines;
}

void update_follow_script(const fs::path& path, const FollowScript& script) {
  std::vector<std::string> lines = script.program;
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  lines.emplace_back();
  for (const std::string& said : run_follow_script(script)) {
    lines.push_back(std::string(kMark) + (said.empty() ? "" : " ") + said);
  }
  std::ofstream out(path);
  for (const std::string& line : lines) out << line << "\n";
}

TEST_CASE("each transcript of standing results is what following the program prints") {
  const char* const source = std::getenv("ENTAIL_SOURCE_DIR");
  const char* const only = std::getenv("GOLDEN_ONLY");
  const fs::path root = source == nullptr ? fs::current_path() : fs::path(source);
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(root / "tests" / "golden" / "follow")) {
    if (entry.path().extension() != ".dl") continue;
    if (only != nullptr && entry.path().stem() != only) continue;
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  if (only == nullptr) CHECK_FALSE(paths.empty());
  for (const fs::path& path : paths) {
    FollowScript script = read_follow_script(path);
    INFO(script.name);
    if (std::getenv("GOLDEN_UPDATE") != nullptr) {
      update_follow_script(path, script);
      script = read_follow_script(path);
    }
    CHECK_FALSE(script.transcript.empty());
    CHECK(run_follow_script(script) == script.transcript);
  }
}

}  // namespace
