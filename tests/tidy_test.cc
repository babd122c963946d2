// tests/tidy_test.cc - the house rules, held by a test so that nobody needs to remember them.
//
// The test reads the files of the source tree (ENTAIL_SOURCE_DIR, or the current directory) and
// compares them with the tables below, which the README prints. Each failure names the file and the
// line, and says what to do instead.

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

// --- The tables
// -----------------------------------------------------------------------------------

// A folder includes itself and folders of a lower rank, nothing else. Folders of equal rank do not
// know each other.
struct Layer {
  std::string_view folder;
  int rank;
  std::string_view name;    // As the README and the design number it.
  std::string_view advice;  // What to do where a folder beside or below wants to include it.
};

constexpr Layer kLayers[] = {
    {"vm/base", 0, "0", "everything may include vm/base"},
    {"vm", 1, "1", "hand values in as plain types of vm/base, or translate one layer up"},
    {"grammar", 1, "1", "let datalog or sql2datalog translate the syntax tree"},
    {"store", 1, "1", "use the interface Kv or RowSource of vm/base; the server hands one in"},
    {"datalog", 2, "2a", "move what both need down, or let the compiler hand it over"},
    {"sql2datalog", 3, "2b", "work on the rule program (datalog) instead of on SQL"},
    {"compiler", 4, "3", "take the compiled program as a value, or move the shared type to vm"},
    {"rete", 5, "4", "take a callback, or return the changes and let the caller go on"},
    {"streams", 6, "5", "take batches of changes as values; streams feeds them in"},
    {"server", 7, "6", "pass the callback, the clock or the connection in"},
    {"tests", 8, "tests", "move the helper into the module that it is about"},
};

constexpr std::string_view kTopLevel[] = {
    "CMakeLists.txt", "LICENSE", "README.md", "compiler", "datalog",     "dev",
    "examples",       "grammar", "rete",      "server",   "sql2datalog", "store",
    "streams",        "tests",   "vm",
};

constexpr std::size_t kLinesMax = 900;  // In a .h or .cc; a reader finishes it in a sitting.
constexpr std::uintmax_t kBytesMax = 1U << 20U;  // In any file; bigger ones are made, not kept.

// --- Reading the tree
// -----------------------------------------------------------------------------

fs::path root() {
  const char* directory = std::getenv("ENTAIL_SOURCE_DIR");
  return directory == nullptr ? fs::current_path() : fs::path(directory);
}

bool is_build_output(const fs::path& top) {
  const std::string name = top.filename().string();
  return name == "build" || name.starts_with("build-") || name == "__pycache__" ||
         name == "compile_commands.json";
}

// Every file of the tree, as a sorted path from the root; build directories and .git left out.
std::vector<std::string> all_files() {
  std::vector<std::string> files;
  for (fs::recursive_directory_iterator it(root()), end; it != end; ++it) {
    const fs::path path = it->path().lexically_relative(root());
    if (path == ".git" || (it.depth() == 0 && is_build_output(path)) ||
        path.filename() == "__pycache__") {
      if (it->is_directory()) it.disable_recursion_pending();
      continue;
    }
    if (it->is_regular_file()) files.push_back(path.generic_string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string read_file(const std::string& path) {
  std::ifstream in(root() / path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

bool is_cpp(std::string_view path) { return path.ends_with(".h") || path.ends_with(".cc"); }

std::vector<std::string> cpp_files() {
  std::vector<std::string> files = all_files();
  std::erase_if(files, [](const std::string& path) { return !is_cpp(path); });
  return files;
}

// The layer with the longest folder that `path` lies in; none for a file outside the layers.
const Layer* layer_of(std::string_view path) {
  const Layer* best = nullptr;
  for (const Layer& layer : kLayers) {
    const bool inside =
        path.starts_with(layer.folder) && path.substr(layer.folder.size()).starts_with('/');
    if (inside && (best == nullptr || layer.folder.size() > best->folder.size())) best = &layer;
  }
  return best;
}

struct Include {
  std::string target;
  std::size_t line_number = 0;
};

std::vector<Include> quoted_includes(const std::string& text) {
  static const std::regex form(R"rx(^\s*#\s*include\s*"([^"]+)")rx");
  std::vector<Include> includes;
  const std::vector<std::string> lines = lines_of(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::smatch match;
    if (std::regex_search(lines[i], match, form)) includes.push_back({match[1], i + 1});
  }
  return includes;
}

// Why `path` may not include `target`; nothing when it may.
std::optional<std::string> include_fault(const std::string& path, const Include& include) {
  const std::string where = fmt::format("{}:{}: ", path, include.line_number);
  const Layer* from = layer_of(path);
  const Layer* to = layer_of(include.target);
  if (from == nullptr) return where + "C++ lives in the folders of the include table";
  // What ANTLR writes has no folder; only the parser may see it.
  if (include.target.find('/') == std::string::npos) {
    if (from->folder == "grammar" &&
        (include.target.starts_with("Datalog") || include.target.starts_with("Sql")))
      return std::nullopt;
    return where + "spell the include from the root of the repository: \"folder/" + include.target +
           "\"";
  }
  if (to == nullptr) {
    return where + "\"" + include.target + "\" is in no folder of the include table";
  }
  if (from != to && to->rank >= from->rank) {
    return fmt::format("{}{} may not include {}: {}", where, from->folder, include.target,
                       to->advice);
  }
  if (!fs::exists(root() / include.target)) return where + include.target + " does not exist";
  return std::nullopt;
}

// The include table as the README prints it.
std::string include_table() {
  std::string table = "| layer | folder | may include |\n|---|---|---|\n";
  for (const Layer& layer : kLayers) {
    std::string below;
    std::string_view last;
    for (const Layer& other : kLayers) {
      if (other.rank >= layer.rank || other.name == last) continue;
      last = other.name;
      below += fmt::format("{}{}", below.empty() ? "" : ", ", other.name);
    }
    table += fmt::format("| {} | `{}` | {} |\n", layer.name, layer.folder,
                         below.empty() ? "nothing" : below);
  }
  return table;
}

// What stands in the README between `<!-- name -->` and `<!-- end of name -->`.
std::string readme_section(const std::string& name) {
  const std::string text = read_file("README.md");
  const std::string opening = "<!-- " + name + " -->\n";
  const std::size_t begin = text.find(opening);
  const std::size_t end = text.find("<!-- end of " + name + " -->");
  if (begin == std::string::npos || end == std::string::npos || end < begin) return {};
  return text.substr(begin + opening.size(), end - begin - opening.size());
}

void check_none(const std::vector<std::string>& faults) {
  for (const std::string& fault : faults) FAIL_CHECK(fault);
  CHECK(faults.empty());
}

// --- The rules
// ------------------------------------------------------------------------------------

TEST_CASE("a folder includes only folders below it") {
  std::vector<std::string> faults;
  for (const std::string& path : cpp_files()) {
    for (const Include& include : quoted_includes(read_file(path))) {
      if (auto fault = include_fault(path, include)) faults.push_back(*fault);
    }
  }
  check_none(faults);
}

TEST_CASE("the include rule finds what it is for") {
  CHECK(include_fault("vm/a.cc", {"server/server.h", 3})->find("vm may not include") !=
        std::string::npos);
  CHECK(include_fault("vm/base/a.cc", {"vm/vm.h", 1}).has_value());
  CHECK(include_fault("grammar/a.cc", {"vm/vm.h", 1}).has_value());
  CHECK(include_fault("vm/a.cc", {"ensure.h", 1}).has_value());
  CHECK_FALSE(include_fault("vm/a.cc", {"vm/base/ensure.h", 1}).has_value());
  CHECK(quoted_includes("#include <vector>\n  #include \"a/b.h\"\n").front().line_number == 2);
}

TEST_CASE("a file of C++ is at most 900 lines long") {
  for (const std::string& path : cpp_files()) {
    const std::size_t lines = lines_of(read_file(path)).size();
    INFO(path << " has " << lines << " lines: make two chapters of it");
    CHECK(lines <= kLinesMax);
  }
}

TEST_CASE("a header opens with its path and a sentence, and is read once") {
  for (const std::string& path : cpp_files()) {
    if (!path.ends_with(".h")) continue;
    const std::string text = read_file(path);
    INFO(path << " must begin with \"// " << path << " - what it is\" and hold #pragma once");
    CHECK(text.starts_with("// " + path + " - "));
    CHECK(text.find("\n#pragma once\n") != std::string::npos);
  }
}

TEST_CASE("each module has a header that tells its story") {
  for (const Layer& layer : kLayers) {
    if (layer.folder == "vm/base" || layer.folder == "tests") continue;
    const std::string story = fmt::format("{0}/{0}.h", layer.folder);
    INFO("the story of " << layer.folder << " belongs in " << story);
    CHECK(fs::exists(root() / story));
  }
}

TEST_CASE("the top level holds what was agreed and nothing else") {
  std::set<std::string> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(root())) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with('.') && !is_build_output(entry.path())) found.insert(name);
  }
  CHECK(found == std::set<std::string>(std::begin(kTopLevel), std::end(kTopLevel)));
}

TEST_CASE("the README's map names the folders that exist") {
  static const std::regex folder_line(R"(^([a-z0-9_]+)/\s)");
  std::set<std::string> mapped;
  for (const std::string& line : lines_of(readme_section("map"))) {
    std::smatch match;
    if (std::regex_search(line, match, folder_line)) mapped.insert(match[1]);
  }
  std::set<std::string> folders;
  for (const std::string_view name : kTopLevel) {
    if (fs::is_directory(root() / name)) folders.emplace(name);
  }
  CHECK(mapped == folders);
}

TEST_CASE("the README's reading order and map name files that exist") {
  static const std::regex name_form(R"(`([a-z0-9_./]+\.(h|cc|def|g4|dl|py|sh))`)");
  const std::string text = read_file("README.md");
  for (std::sregex_iterator it(text.begin(), text.end(), name_form), end; it != end; ++it) {
    const std::string path = (*it)[1];
    if (path.find('/') == std::string::npos) continue;  // A name, not a place.
    INFO("README.md names " << path);
    CHECK(fs::exists(root() / path));
  }
}

TEST_CASE("the README prints the include table that this test holds") {
  INFO("the table between the marks in README.md should read:\n" << include_table());
  CHECK(readme_section("include table") == include_table());
}

TEST_CASE("the programs that the README prints are the examples that run") {
  static const std::regex mark(R"(<!-- (program: ([a-z0-9_./]+)) -->)");
  const std::string text = read_file("README.md");
  std::size_t programs = 0;
  for (std::sregex_iterator it(text.begin(), text.end(), mark), end; it != end; ++it, ++programs) {
    INFO("copy " << (*it)[2] << " into README.md");
    CHECK(readme_section((*it)[1]) == "```\n" + read_file((*it)[2]) + "```\n");
  }
  CHECK(programs > 0);
}

TEST_CASE("no file is bigger than a megabyte or names a place on one machine") {
  // Put together here, so that this file does not contain them.
  const std::string places[] = {std::string("/wo") + "rk/", std::string("/ro") + "ot/",
                                std::string("/tm") + "p/entail", std::string("/ho") + "me/"};
  for (const std::string& path : all_files()) {
    INFO(path);
    CHECK(fs::file_size(root() / path) <= kBytesMax);
    const std::string text = read_file(path);
    for (const std::string& place : places) {
      INFO("take the path from an option or an environment variable instead of " << place);
      CHECK(text.find(place) == std::string::npos);
    }
  }
}

TEST_CASE("only the server and the tests read the real clock or ask for real randomness") {
  static const std::regex world(
      R"(\b(system_clock|steady_clock|high_resolution_clock|random_device|gettimeofday)\b)");
  for (const std::string& path : cpp_files()) {
    if (path.starts_with("server/") || path.starts_with("tests/")) continue;
    if (path.ends_with("_test.cc")) continue;
    const std::vector<std::string> lines = lines_of(read_file(path));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (!std::regex_search(lines[i], world)) continue;
      FAIL_CHECK(path << ":" << i + 1 << ": take a Clock (vm/base/clock.h) or a Random instead");
    }
  }
}

TEST_CASE("no comment puts work off") {
  const std::string marks[] = {std::string("TO") + "DO", std::string("FIX") + "ME"};
  for (const std::string& path : cpp_files()) {
    const std::string text = read_file(path);
    for (const std::string& mark : marks) {
      INFO(path << ": do it, or refuse it with a diagnostic");
      CHECK(text.find(mark) == std::string::npos);
    }
  }
}

}  // namespace
