#include "server/cli/serve_command.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <filesystem>
#include <set>
#include <string>
#include <utility>

#include "grammar/printer.h"
#include "server/cli/console.h"
#include "server/cli/program_source.h"
#include "server/pgwire/server.h"

namespace entail::cli {
namespace {

engine::Durability durability_of(CommitDurability durability) {
  switch (durability) {
    case CommitDurability::kGroup:
      return engine::Durability::kGroup;
    case CommitDurability::kSync:
      return engine::Durability::kSync;
    case CommitDurability::kAsync:
      return engine::Durability::kAsync;
  }
  ENTAIL_UNREACHABLE("every durability is one of these");
}

// The text of a rule file with what it includes: of one that includes nothing, as it is written.
// Where it is no program, the diagnostics are printed, and there is nothing.
std::optional<pgwire::RuleFile> read_rules(const std::string& path, const CommandLine& line) {
  CommandLine program_line = line;
  program_line.program = path;
  const LoadedProgram loaded = load_program(program_line, LoadUpTo::kTree);
  if (loaded.diagnostics.has_errors()) {
    print_error_text(loaded.diagnostics.render(loaded.files));
    return std::nullopt;
  }
  pgwire::RuleFile file;
  file.name = std::filesystem::path(path).filename().string();
  const bool is_one_file = loaded.files.size() == 1 && line.defines.empty();
  if (is_one_file) {
    auto text = read_whole_file(path);
    if (!text) {
      report_failure(text.error());
      return std::nullopt;
    }
    file.text = std::move(*text);
  } else {
    file.text = grammar::print(loaded.tree);
  }
  return file;
}

// Each client has a descriptor, as has each file of the store; the usual limit of 1,024 is for programs that
// wait with select().
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

engine::EngineOptions engine_options_of(const CommandLine& line, const Clock* clock) {
  engine::EngineOptions options;
  options.directory = line.data_directory;
  options.clock = clock;
  options.durability = durability_of(line.durability);
  options.limits.memory_bytes = line.memory_limit;
  options.notice = print_error;
  return options;
}

int run_serve(const CommandLine& line) {
  pgwire::ServerOptions options;
  options.engine = engine_options_of(line, nullptr);
  options.tls_certificate = line.tls_certificate;
  options.tls_key = line.tls_key;
  auto listen = runtime::parse_listen_address(line.listen);
  if (!listen) {
    print_error(listen.error().message);
    return static_cast<int>(ExitCode::kUsage);
  }
  options.listen = std::move(*listen);
  if (!line.http.empty()) {
    auto http = runtime::parse_listen_address(line.http);
    if (!http) {
      print_error(http.error().message);
      return static_cast<int>(ExitCode::kUsage);
    }
    options.http = std::move(*http);
  }
  std::set<std::string> names;
  for (const std::string& path : line.rule_files) {
    auto file = read_rules(path, line);
    if (!file) return static_cast<int>(ExitCode::kError);
    if (!names.insert(file->name).second) {
      print_error(
          fmt::format("two rule files are named {}: a deployment has its file's name", file->name));
      return static_cast<int>(ExitCode::kError);
    }
    options.rules.push_back(std::move(*file));
  }
  raise_descriptor_limit();
  const bool has_http = options.http.has_value();
  auto server = pgwire::Server::start(std::move(options));
  if (!server) return report_failure(server.error());
  std::string ready = fmt::format("entail: ready on {}\n", (*server)->address());
  if (has_http) ready += fmt::format("entail: http on {}\n", (*server)->http_address());
  const int printed = print_answer_text(ready);
  // Nobody has to listen to that.
  static_cast<void>(printed);
  (*server)->wait();
  return static_cast<int>(ExitCode::kOk);
}

}  // namespace entail::cli
