#include "server/cli/program_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "datalog/lower.h"
#include "datalog/stratify.h"
#include "grammar/parser.h"

namespace entail::cli {
namespace {

constexpr std::string_view kStandardInput = "stdin";

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash + 1);
}

bool is_file(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && !S_ISDIR(status.st_mode);
}

class DiskFiles : public grammar::FileReader {
 public:
  explicit DiskFiles(const std::vector<std::string>& directories) : directories_(directories) {}

  Expected<File> open(const std::string& name, const std::string& including) override {
    std::string path = name;
    if (!including.empty() && !name.starts_with('/')) {
      path = directory_of(including) + name;
      for (const std::string& directory : directories_) {
        if (is_file(path)) break;
        path = directory + "/" + name;
      }
      if (!is_file(path)) path = directory_of(including) + name;
    }
    auto text = read_whole_file(path);
    if (!text) return unexpected(text.error());
    return File{known_name(path), std::move(*text)};
  }

 private:
  // The spelling under which the same file was opened first.
  std::string known_name(const std::string& path) {
    if (path == "-") return std::string(kStandardInput);
    char* const real = ::realpath(path.c_str(), nullptr);
    if (real == nullptr) return path;
    const std::string key = real;
    std::free(real);
    return names_.try_emplace(key, path).first->second;
  }

  const std::vector<std::string>& directories_;
  std::map<std::string, std::string> names_;
};

grammar::ParseOptions parse_options(const CommandLine& line) {
  grammar::ParseOptions options;
  options.program_limit = line.program_limit;
  // As Souffle defines it, so that programs can tell the width; --define may say otherwise.
  options.defines = {{"RAM_DOMAIN_SIZE", std::to_string(line.number_bits)}};
  options.defines.insert(options.defines.end(), line.defines.begin(), line.defines.end());
  return options;
}

void lower_and_check(const CommandLine& line, LoadUpTo goal, grammar::FileReader& reader,
                     const std::string& name, LoadedProgram& loaded) {
  if (goal == LoadUpTo::kTree || loaded.diagnostics.has_errors()) return;
  if (line.query) {
    add_question(*line.query, loaded.tree, loaded.files, loaded.diagnostics);
    if (loaded.diagnostics.has_errors()) return;
  }
  datalog::LowerOptions options;
  options.number_bits = line.number_bits;
  options.import_module = [&](const std::string& module) -> std::optional<grammar::Program> {
    std::string file = module;
    std::replace(file.begin(), file.end(), '.', '/');
    file += ".dl";
    if (!reader.open(file, name)) return std::nullopt;
    // Opened again by the parser, which keeps the text for messages.
    class FromProgram : public grammar::FileReader {
     public:
      FromProgram(grammar::FileReader& below, const std::string& start)
          : below_(below), start_(start) {}
      Expected<File> open(const std::string& wanted, const std::string& including) override {
        return below_.open(wanted, including.empty() ? start_ : including);
      }

     private:
      grammar::FileReader& below_;
      const std::string& start_;
    };
    FromProgram from_program(reader, name);
    return grammar::parse_file(file, parse_options(line), from_program, loaded.files,
                               loaded.diagnostics);
  };
  loaded.rules = datalog::lower(loaded.tree, options, loaded.diagnostics);
  if (!loaded.rules) return;
  if (line.query) loaded.question = settle_question(*loaded.rules, loaded.diagnostics);
  if (goal == LoadUpTo::kExecutable || goal == LoadUpTo::kStanding) {
    datalog::refuse_unexecuted(
        *loaded.rules, loaded.diagnostics,
        goal == LoadUpTo::kStanding ? datalog::Execution::kStanding : datalog::Execution::kOnce);
  }
  datalog::stratify(*loaded.rules, loaded.diagnostics);
  if (loaded.diagnostics.has_errors()) loaded.rules.reset();
}

}  // namespace

Expected<std::string> read_whole_file(const std::string& path) {
  const int descriptor = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    return unexpected(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                      "cannot open " + path + ": " + std::strerror(errno));
  }
  constexpr std::size_t kChunk = std::size_t{256} << 10;
  std::string text;
  for (;;) {
    const std::size_t size = text.size();
    text.resize(size + kChunk);
    const ssize_t got = ::read(descriptor, text.data() + size, kChunk);
    const int error = errno;
    text.resize(size + (got > 0 ? static_cast<std::size_t>(got) : 0));
    if (got > 0 || (got < 0 && error == EINTR)) continue;
    if (descriptor != STDIN_FILENO) ::close(descriptor);
    if (got == 0) return text;
    return unexpected(ErrorCode::kIo, "cannot read " + path + ": " + std::strerror(error));
  }
}

LoadedProgram load_program(const CommandLine& line, LoadUpTo goal) {
  LoadedProgram loaded;
  DiskFiles reader(line.include_directories);
  loaded.tree = grammar::parse_file(line.program, parse_options(line), reader, loaded.files,
                                    loaded.diagnostics);
  lower_and_check(line, goal, reader, line.program, loaded);
  return loaded;
}

LoadedProgram load_program_text(const std::string& name, const std::string& text,
                                const CommandLine& line, LoadUpTo goal) {
  LoadedProgram loaded;
  DiskFiles reader(line.include_directories);
  loaded.tree = grammar::parse_text(name, text, parse_options(line), reader, loaded.files,
                                    loaded.diagnostics);
  lower_and_check(line, goal, reader, name, loaded);
  return loaded;
}

}  // namespace entail::cli
