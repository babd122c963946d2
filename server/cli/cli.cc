#include "server/cli/cli.h"

#include <csignal>
#include <string>

#include "server/cli/console.h"
#include "server/cli/explain_command.h"
#include "server/cli/follow_command.h"
#include "server/cli/lint.h"
#include "server/cli/options.h"
#include "server/cli/program_source.h"
#include "server/cli/run_command.h"
#include "server/cli/serve_command.h"
#include "server/cli/sql_command.h"
#include "server/cli/upkeep_command.h"
#include "server/cli/why_command.h"

namespace entail::cli {
namespace {

int run_lint(const CommandLine& line) {
  LoadedProgram loaded = load_program(line, LoadUpTo::kRules);
  // Where there are errors, warnings would say the same again.
  if (loaded.rules) lint_tree(loaded.tree, loaded.diagnostics);
  if (loaded.rules) lint_rules(*loaded.rules, loaded.tree, loaded.diagnostics);
  const int printed = print_answer_text(loaded.diagnostics.render(loaded.files));
  if (printed != static_cast<int>(ExitCode::kOk)) return printed;
  return static_cast<int>(loaded.diagnostics.has_errors() ? ExitCode::kError : ExitCode::kOk);
}

}  // namespace

int run_command_line(std::span<const char* const> arguments) {
  // A closed pipe shows as an error of write(), in every command.
  std::signal(SIGPIPE, SIG_IGN);
  const auto line = parse_command_line(arguments);
  if (!line) {
    print_error(line.error().message);
    print_error_text("Try 'entail --help'.\n");
    return static_cast<int>(ExitCode::kUsage);
  }
  switch (line->command) {
    case Command::kHelp:
      return print_answer_text(help_text(line->help_topic));
    case Command::kVersion:
      return print_answer_text(version_text());
    case Command::kRun:
      return run_program(*line);
    case Command::kFollow:
      return run_follow(*line);
    case Command::kExplain:
      return run_explain(*line);
    case Command::kWhy:
    case Command::kWhyNot:
      return run_why(*line);
    case Command::kLint:
      return run_lint(*line);
    case Command::kServe:
      return run_serve(*line);
    case Command::kSql:
      return run_sql(*line);
    case Command::kCheck:
    case Command::kReplay:
    case Command::kBackup:
      return run_upkeep(*line);
  }
  return static_cast<int>(ExitCode::kUsage);
}

}  // namespace entail::cli
