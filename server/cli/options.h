// server/cli/options.h - the command line as a value, and the help pages that describe it.
//
//     entail run -Ffacts -D- -j2 closure.dl
//         CommandLine{command = kRun, program = "closure.dl", facts_directory = "facts", …}
//
// Options stand before or behind the file. A short option takes its value attached or as the next
// argument (-Fdir, -F dir), a long one after `=` or as the next argument; `--` ends the options.
// Souffle's long spellings --fact-dir, --output-dir, --jobs and --include-dir are taken, too.
//
// Threads: pure functions.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vm/base/expected.h"
#include "vm/base/memory_budget.h"

namespace entail::cli {

// What the process answers; printed by --help and in the README.
enum class ExitCode : int {
  kOk = 0,
  kError = 1,  // In the program or the data, or the system refused.
  kUsage = 2,  // The command line makes no sense.
  kLimit = 3,  // --memory or another budget is used up.
  kInterrupted = 130,
  kClosedPipe = 141,  // Whoever read our output stopped reading.
};

enum class Command : std::uint8_t {
  kRun,
  kFollow,
  kExplain,
  kWhy,
  kWhyNot,
  kLint,
  kServe,
  kSql,
  kCheck,
  kReplay,
  kBackup,
  kHelp,
  kVersion
};

// run, sql: table, csv, json; follow, why, why-not: text, json; explain: text, dot.
enum class OutputFormat : std::uint8_t { kTable, kCsv, kJson, kText, kDot };

enum class ExplainStage : std::uint8_t { kTree, kRules, kPlan, kBytecode, kNetwork, kOpcodes };

// What waits for a commit's bytes to be on disk.
enum class CommitDurability : std::uint8_t {
  kGroup,  // The client; commits that come together share a sync.
  kSync,   // The engine: each commit has a sync of its own.
  kAsync,  // Nobody: a crash may lose the last of them.
};

// A piece of SQL that entail sql runs.
struct SqlInput {
  bool is_file = false;
  std::string text;  // Or the file's name.
};

// What a line of changes that is wrong does to the run.
enum class OnError : std::uint8_t { kStop, kSkip };

struct CommandLine {
  Command command = Command::kHelp;
  std::optional<Command> help_topic;  // With kHelp: of one command, or of the program.

  std::string program;  // The file; "-" is standard input.
  std::string facts_directory = ".";
  bool has_facts_directory = false;    // It was given.
  std::string output_directory = ".";  // "-": all outputs to standard output.
  std::vector<std::string> include_directories;
  std::vector<std::pair<std::string, std::string>> defines;
  std::uint8_t number_bits = 64;
  std::uint64_t program_limit = std::uint64_t{16} << 20U;  // Bytes.

  // run
  unsigned threads = 1;
  std::uint64_t memory_limit = MemoryBudget::kUnlimited;  // Bytes.
  std::optional<std::string> query;
  std::optional<OutputFormat> format;
  bool stats = false;

  // follow; memory_limit, format and stats, too
  bool snapshot = false;
  bool echo = false;
  OnError on_error = OnError::kStop;
  std::optional<std::int64_t> clock_us;  // Where the simulated clock starts.

  // why, why-not; memory_limit and format, too
  std::string question;           // A fact; stands before the program.
  std::size_t line_limit = 1000;  // Of a proof.

  // serve, sql, check, replay, backup
  std::string data_directory;
  std::vector<std::string> rule_files;                     // serve
  std::string listen = "127.0.0.1:5433";                   // serve
  std::string http;                                        // serve; empty: no HTTP.
  std::string tls_certificate, tls_key;                    // serve
  CommitDurability durability = CommitDurability::kGroup;  // serve, sql
  std::vector<SqlInput> sql_inputs;  // sql, in their order; none: standard input.
  std::string backup_directory;      // backup
  bool replay_checks = false;        // replay

  // explain
  ExplainStage stage = ExplainStage::kPlan;
};

// `arguments` are those behind the program's name. Fails with kInvalidArgument; the message says
// what would be accepted.
Expected<CommandLine> parse_command_line(std::span<const char* const> arguments);

// The help page of a command, or of the program.
std::string help_text(std::optional<Command> topic);
std::string version_text();

// "200M" -> 209715200; nothing when it is no size. Suffixes k, M, G (powers of 1024, either case).
std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace entail::cli
