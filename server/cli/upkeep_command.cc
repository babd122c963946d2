#include "server/cli/upkeep_command.h"

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "server/cli/console.h"
#include "server/cli/serve_command.h"
#include "server/engine/engine.h"
#include "server/pgwire/server.h"
#include "server/runtime/control_socket.h"
#include "server/runtime/system_clock.h"
#include "vm/base/text.h"

namespace entail::cli {
namespace {

int print_report(const engine::CheckReport& report, std::string_view what) {
  if (report.problems.empty()) {
    return print_answer_text(
        fmt::format("{}: {}, {}, {}\n", what, count_of(report.relations, "relation"),
                    count_of(report.rows, "row"), count_of(report.records, "log record")));
  }
  std::string text;
  for (const std::string& problem : report.problems) text += problem + "\n";
  print_answer_text(text);
  print_error(fmt::format("{} found", count_of(report.problems.size(), "problem")));
  return static_cast<int>(ExitCode::kError);
}

}  // namespace

int run_upkeep(const CommandLine& line) {
  // Opening makes a database where there is none; here that would only hide a misspelled name.
  std::error_code ignored;
  if (!std::filesystem::is_directory(line.data_directory, ignored)) {
    print_error(fmt::format("there is no database '{}'", line.data_directory));
    return static_cast<int>(ExitCode::kError);
  }
  if (line.command == Command::kBackup) {
    // A server that runs copies it itself, without stopping.
    const std::string to = std::filesystem::absolute(line.backup_directory).string();
    const auto answer =
        runtime::ask_control_socket(pgwire::control_path(line.data_directory), "backup " + to);
    if (!answer) return report_failure(answer.error());
    if (*answer == "ok")
      return print_answer_text(fmt::format("copied to {}\n", line.backup_directory));
    if (*answer) {
      print_error((*answer)->substr((*answer)->find(' ') + 1));
      return static_cast<int>(ExitCode::kError);
    }
  }
  const runtime::SystemClock clock;
  auto engine = engine::Engine::open(engine_options_of(line, &clock));
  if (!engine) return report_failure(engine.error());
  if (line.command == Command::kBackup) {
    if (auto copied = (*engine)->backup(line.backup_directory); !copied) {
      return report_failure(copied.error());
    }
    return print_answer_text(fmt::format("copied to {}\n", line.backup_directory));
  }
  const bool is_check = line.command == Command::kCheck;
  const auto report = is_check ? (*engine)->check() : (*engine)->replay_check();
  if (!report) return report_failure(report.error());
  return print_report(*report, is_check ? "all is well" : "the log leads to what is stored");
}

}  // namespace entail::cli
