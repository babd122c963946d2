#include "server/cli/sql_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fcntl.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "server/cli/console.h"
#include "server/cli/serve_command.h"
#include "server/cli/sql_printer.h"
#include "server/cli/sql_script.h"
#include "server/engine/engine.h"
#include "server/runtime/system_clock.h"

namespace entail::cli {
namespace {

// Lines of a file descriptor, as they come.
class Input {
 public:
  explicit Input(int descriptor) : descriptor_(descriptor) {}

  // More text for the script; false at the end.
  bool read_into(SqlScript& script) {
    std::array<char, 65'536> bytes;
    for (;;) {
      const ssize_t count = ::read(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      script.add({bytes.data(), static_cast<std::size_t>(count)});
      return true;
    }
  }

 private:
  int descriptor_;
};

// "ERROR:  relation "t" does not exist", the line with a caret, DETAIL and HINT, as psql shows them.
std::string error_text(const Error& error, std::string_view statement) {
  std::string text = fmt::format("ERROR:  {}\n", error.message);
  if (error.sql == nullptr) return text;
  if (error.sql->position > 0) {
    // Positions count characters; the line is found in bytes.
    std::size_t at = 0;
    std::size_t begin = 0;
    std::size_t line_number = 1;
    std::size_t column = 0;
    for (std::uint32_t characters = 1; at < statement.size() && characters < error.sql->position;
         ++characters) {
      if (statement[at] == '\n') {
        begin = at + 1;
        ++line_number;
        column = 0;
      } else {
        ++column;
      }
      ++at;
      while (at < statement.size() &&
             (static_cast<unsigned char>(statement[at]) & 0xc0U) == 0x80U) {
        ++at;
      }
    }
    const std::string_view line = statement.substr(begin, statement.find('\n', begin) - begin);
    const std::string prefix = fmt::format("LINE {}: ", line_number);
    text += fmt::format("{}{}\n{}^\n", prefix, line, std::string(prefix.size() + column, ' '));
  }
  if (!error.sql->detail.empty()) text += fmt::format("DETAIL:  {}\n", error.sql->detail);
  if (!error.sql->hint.empty()) text += fmt::format("HINT:  {}\n", error.sql->hint);
  return text;
}

class SqlRun {
 public:
  SqlRun(const CommandLine& line, engine::Engine& engine, engine::Session& session)
      : engine_(engine),
        session_(session),
        printer_(line.format.value_or(OutputFormat::kTable), session.text_settings()) {}

  // The exit code of what was printed so far; not kOk: nobody reads it.
  int printed() const { return printed_; }

  // Runs the statements of a text; `input` and `script` give a COPY its lines. Whether all went well.
  bool run(const std::string& text, SqlScript* script, Input* input) {
    auto query = session_.simple(text);
    if (!query) return fail(query.error(), text);
    bool is_well = true;
    std::optional<std::string> tag;
    for (;;) {
      auto next = (*query)->next();
      say_notices();
      if (!next) {
        is_well = fail(next.error(), text);
        break;
      }
      if (tag) print(*tag);
      tag.reset();
      if (!*next) break;
      auto outcome = run_portal((*query)->portal(), script, input);
      say_notices();
      if (!outcome) {
        printer_.abandon();
        is_well = fail(outcome.error(), text);
        break;
      }
      wait_for(*outcome);
      tag = std::move(outcome->tag);
    }
    auto finished = (*query)->finish();
    say_notices();
    if (!finished) {
      printer_.abandon();
      return is_well && fail(finished.error(), text);
    }
    wait_for(*finished);
    if (tag) print(*tag);
    flush();
    return is_well && !lost_;
  }

 private:
  Expected<engine::Outcome> run_portal(engine::Portal& portal, SqlScript* script, Input* input) {
    constexpr std::uint64_t kSliceRows = 10'000;
    for (;;) {
      auto outcome = portal.run(printer_, kSliceRows);
      if (!outcome) return outcome;
      switch (outcome->progress) {
        case engine::Progress::kDone:
          return outcome;
        case engine::Progress::kSuspended:
          flush();
          break;
        case engine::Progress::kMustWait:
          ENTAIL_UNREACHABLE("one session alone waits for no lock");
        case engine::Progress::kWaitsForChanges:
          return unexpected(ErrorCode::kUnsupported,
                            "SUBSCRIBE waits for changes, and nobody else makes any here: ask a "
                            "server that runs");
        case engine::Progress::kCopyIn:
          return copy_in(portal, script, input);
      }
    }
  }

  Expected<engine::Outcome> copy_in(engine::Portal& portal, SqlScript* script, Input* input) {
    if (script == nullptr) {
      return unexpected(portal.copy_fail("COPY FROM STDIN has no lines behind it with -c"));
    }
    script->skip_line();
    for (;;) {
      std::optional<std::string> line = script->next_line();
      if (!line) {
        if (input != nullptr && input->read_into(*script)) continue;
        std::string last = script->take_all();
        if (!last.empty() && last != "\\.") {
          if (auto taken = portal.copy_data(last); !taken) return unexpected(taken.error());
        }
        return portal.copy_done();
      }
      if (*line == "\\.\n" || *line == "\\.\r\n") return portal.copy_done();
      if (auto taken = portal.copy_data(*line); !taken) return unexpected(taken.error());
    }
  }

  void wait_for(const engine::Outcome& outcome) {
    if (outcome.version == 0) return;
    if (auto durable = engine_.wait_durable(outcome.version); !durable) {
      print_error(durable.error().message);
      lost_ = true;
    }
  }

  void print(const std::string& tag) {
    printer_.finish(tag);
    flush();
  }

  void flush() {
    const std::string text = printer_.take_text();
    if (!text.empty() && printed_ == static_cast<int>(ExitCode::kOk)) {
      printed_ = print_answer_text(text);
    }
  }

  bool fail(const Error& error, const std::string& text) {
    flush();
    print_error_text(error_text(error, text));
    return false;
  }

  void say_notices() {
    for (const engine::Notice& notice : session_.take_notices()) {
      std::string text =
          fmt::format("{}:  {}\n", engine::severity_name(notice.severity), notice.message);
      if (!notice.detail.empty()) text += fmt::format("DETAIL:  {}\n", notice.detail);
      if (!notice.hint.empty()) text += fmt::format("HINT:  {}\n", notice.hint);
      print_error_text(text);
    }
  }

  engine::Engine& engine_;
  engine::Session& session_;
  SqlPrinter printer_;
  int printed_ = static_cast<int>(ExitCode::kOk);
  bool lost_ = false;
};

// Whether the text is a backslash command by itself; \q ends the script.
bool is_quit(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) {
    text.remove_suffix(1);
  }
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) {
    text.remove_prefix(1);
  }
  return text == "\\q";
}

// Statements of a file or of standard input. Whether all went well.
bool run_script(SqlRun& run, int descriptor, bool is_interactive) {
  Input input(descriptor);
  SqlScript script;
  bool is_well = true;
  const auto prompt = [&] {
    if (is_interactive) print_answer_text(script.is_inside() ? "entail-> " : "entail=> ");
  };
  prompt();
  for (;;) {
    while (std::optional<std::string> statement = script.next()) {
      if (!run.run(*statement, &script, &input)) {
        if (!is_interactive) return false;
      }
      if (run.printed() != static_cast<int>(ExitCode::kOk)) return is_well;
    }
    if (is_interactive || script.is_inside()) {
      // A backslash command has a line for itself.
      SqlScript look = script;
      if (const auto rest = look.rest(); rest && is_quit(*rest)) return is_well;
    }
    prompt();
    if (!input.read_into(script)) break;
  }
  if (const auto rest = script.rest(); rest && !is_quit(*rest)) {
    is_well = run.run(*rest, &script, nullptr);
  }
  return is_well;
}

}  // namespace

int run_sql(const CommandLine& line) {
  const runtime::SystemClock clock;
  auto engine = engine::Engine::open(engine_options_of(line, &clock));
  if (!engine) return report_failure(engine.error());
  // Whoever may read the files needs no password.
  auto session = (*engine)->connect({.application_name = "entail sql"});
  if (!session) return report_failure(session.error());
  SqlRun run(line, **engine, **session);
  bool is_well = true;
  if (line.sql_inputs.empty()) {
    is_well = run_script(run, STDIN_FILENO, ::isatty(STDIN_FILENO) != 0);
  }
  for (const SqlInput& input : line.sql_inputs) {
    if (!is_well) break;
    if (!input.is_file) {
      is_well = run.run(input.text, nullptr, nullptr);
      continue;
    }
    if (input.text == "-") {
      is_well = run_script(run, STDIN_FILENO, false);
      continue;
    }
    const int descriptor = ::open(input.text.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
      print_error(fmt::format("{}: {}", input.text, std::strerror(errno)));
      is_well = false;
      break;
    }
    is_well = run_script(run, descriptor, false);
    ::close(descriptor);
  }
  if (run.printed() != static_cast<int>(ExitCode::kOk)) return run.printed();
  return static_cast<int>(is_well ? ExitCode::kOk : ExitCode::kError);
}

}  // namespace entail::cli
