#include "server/cli/options.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "vm/base/text.h"
#include "vm/datetime.h"

namespace entail::cli {
namespace {

constexpr unsigned kThreadsMax = 256;

Unexpected usage(std::string message) {
  return unexpected(ErrorCode::kInvalidArgument, std::move(message));
}

struct CommandName {
  std::string_view name;
  Command command;
};
constexpr CommandName kCommands[] = {
    {"run", Command::kRun},       {"follow", Command::kFollow},  {"explain", Command::kExplain},
    {"why", Command::kWhy},       {"why-not", Command::kWhyNot}, {"lint", Command::kLint},
    {"serve", Command::kServe},   {"sql", Command::kSql},        {"check", Command::kCheck},
    {"replay", Command::kReplay}, {"backup", Command::kBackup}};

std::string_view name_of(Command command) {
  for (const CommandName& known : kCommands) {
    if (known.command == command) return known.name;
  }
  return "";
}

enum class OptionId : std::uint8_t {
  kFacts,
  kOutputs,
  kJobs,
  kInclude,
  kDefine,
  kNumber,
  kMemory,
  kQuery,
  kFormat,
  kStats,
  kSnapshot,
  kEcho,
  kOnError,
  kClock,
  kProgramLimit,
  kStage,
  kLimit,
  kData,
  kRules,
  kListen,
  kHttp,
  kTlsCertificate,
  kTlsKey,
  kDurability,
  kCommand,
  kFile,
  kTo,
  kCheck,
  kHelp,
  kVersion
};

constexpr unsigned kForRun = 1;
constexpr unsigned kForExplain = 2;
constexpr unsigned kForLint = 4;
constexpr unsigned kForFollow = 8;
constexpr unsigned kForWhy = 16;
constexpr unsigned kForWhyNot = 32;
constexpr unsigned kForBothWhys = kForWhy | kForWhyNot;
// Those about a program, and those about a database.
constexpr unsigned kForPrograms = kForRun | kForExplain | kForLint | kForFollow | kForBothWhys;
constexpr unsigned kForServe = 64;
constexpr unsigned kForSql = 128;
constexpr unsigned kForCheck = 256;
constexpr unsigned kForReplay = 512;
constexpr unsigned kForBackup = 1024;
constexpr unsigned kForDatabases = kForServe | kForSql | kForCheck | kForReplay | kForBackup;
constexpr unsigned kForAll = kForPrograms | kForDatabases;

struct OptionName {
  OptionId id;
  char letter;  // 0: none.
  std::string_view name;
  bool has_value;
  unsigned commands;
};
constexpr OptionName kOptions[] = {
    {OptionId::kFacts, 'F', "fact-dir", true, kForRun | kForFollow | kForExplain | kForBothWhys},
    {OptionId::kOutputs, 'D', "output-dir", true, kForRun},
    {OptionId::kJobs, 'j', "jobs", true, kForRun},
    {OptionId::kMemory, 0, "memory", true, kForRun | kForFollow | kForBothWhys | kForDatabases},
    {OptionId::kQuery, 0, "query", true, kForRun | kForExplain},
    {OptionId::kFormat, 0, "format", true,
     kForRun | kForFollow | kForExplain | kForBothWhys | kForSql},
    {OptionId::kStats, 0, "stats", false, kForRun | kForFollow},
    {OptionId::kSnapshot, 0, "snapshot", false, kForFollow},
    {OptionId::kEcho, 0, "echo", false, kForFollow},
    {OptionId::kOnError, 0, "on-error", true, kForFollow},
    {OptionId::kClock, 0, "clock", true, kForFollow},
    {OptionId::kStage, 0, "stage", true, kForExplain},
    {OptionId::kLimit, 0, "limit", true, kForWhy},
    {OptionId::kInclude, 'I', "include-dir", true, kForPrograms | kForServe},
    {OptionId::kDefine, 'M', "define", true, kForPrograms | kForServe},
    {OptionId::kNumber, 0, "number", true, kForPrograms},
    {OptionId::kProgramLimit, 0, "program-limit", true, kForPrograms | kForServe},
    {OptionId::kData, 0, "data", true, kForDatabases},
    {OptionId::kRules, 0, "rules", true, kForServe},
    {OptionId::kListen, 0, "listen", true, kForServe},
    {OptionId::kHttp, 0, "http", true, kForServe},
    {OptionId::kTlsCertificate, 0, "tls-cert", true, kForServe},
    {OptionId::kTlsKey, 0, "tls-key", true, kForServe},
    {OptionId::kDurability, 0, "durability", true, kForServe | kForSql},
    {OptionId::kCommand, 'c', "command", true, kForSql},
    {OptionId::kFile, 'f', "file", true, kForSql},
    {OptionId::kTo, 0, "to", true, kForBackup},
    {OptionId::kCheck, 0, "check", false, kForReplay},
    {OptionId::kHelp, 'h', "help", false, kForAll},
    {OptionId::kVersion, 0, "version", false, kForAll},
};

unsigned bit_of(Command command) {
  switch (command) {
    case Command::kRun:
      return kForRun;
    case Command::kFollow:
      return kForFollow;
    case Command::kExplain:
      return kForExplain;
    case Command::kWhy:
      return kForWhy;
    case Command::kWhyNot:
      return kForWhyNot;
    case Command::kLint:
      return kForLint;
    case Command::kServe:
      return kForServe;
    case Command::kSql:
      return kForSql;
    case Command::kCheck:
      return kForCheck;
    case Command::kReplay:
      return kForReplay;
    case Command::kBackup:
      return kForBackup;
    default:
      return 0;
  }
}

std::optional<unsigned> parse_count(std::string_view text) {
  unsigned count = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return count;
}

struct FormatName {
  std::string_view name;
  OutputFormat format;
  unsigned commands;
};
constexpr FormatName kFormats[] = {
    {"table", OutputFormat::kTable, kForRun | kForSql},
    {"csv", OutputFormat::kCsv, kForRun | kForSql},
    {"text", OutputFormat::kText, kForFollow | kForExplain | kForBothWhys},
    {"json", OutputFormat::kJson, kForRun | kForFollow | kForBothWhys | kForSql},
    {"dot", OutputFormat::kDot, kForExplain}};

// "table, csv or json".
std::string alternatives(const std::vector<std::string>& names) {
  std::string text = names.front();
  for (std::size_t i = 1; i < names.size(); ++i) {
    text += (i + 1 == names.size() ? " or " : ", ") + names[i];
  }
  return text;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const CommandName& known : kCommands) names.emplace_back(known.name);
  return names;
}

Expected<void> apply_format(std::string_view value, CommandLine& line) {
  std::vector<std::string> names;
  for (const FormatName& known : kFormats) {
    if ((known.commands & bit_of(line.command)) == 0) continue;
    names.emplace_back(known.name);
    if (known.name != value) continue;
    line.format = known.format;
    return {};
  }
  return usage(fmt::format("--format is {}, not '{}'", alternatives(names), value));
}

Expected<void> apply_clock(std::string_view value, CommandLine& line) {
  std::int64_t micros = 0;
  if (vm::parse_timestamp(value, true, micros) != vm::DateTimeError::kNone ||
      micros == vm::kTimestampInfinity || micros == vm::kTimestampMinusInfinity) {
    return usage(
        fmt::format("--clock takes a timestamp as in 2026-01-01T10:00:00Z, not '{}'", value));
  }
  line.clock_us = micros;
  return {};
}

Expected<void> apply(OptionId id, std::string_view value, CommandLine& line) {
  switch (id) {
    case OptionId::kFacts:
      line.facts_directory = value;
      line.has_facts_directory = true;
      return {};
    case OptionId::kOutputs:
      line.output_directory = value;
      return {};
    case OptionId::kInclude:
      line.include_directories.emplace_back(value);
      return {};
    case OptionId::kDefine: {
      const std::size_t equals = value.find('=');
      line.defines.emplace_back(value.substr(0, equals), equals == std::string_view::npos
                                                             ? std::string_view()
                                                             : value.substr(equals + 1));
      return {};
    }
    case OptionId::kJobs: {
      const auto count = parse_count(value);
      if (!count || *count == 0 || *count > kThreadsMax) {
        return usage(
            fmt::format("-j takes a number of threads from 1 to {}, not '{}'", kThreadsMax, value));
      }
      line.threads = *count;
      return {};
    }
    case OptionId::kNumber:
      if (value != "32" && value != "64") {
        return usage(fmt::format("--number is 32 or 64, not '{}'", value));
      }
      line.number_bits = value == "32" ? 32 : 64;
      return {};
    case OptionId::kMemory:
    case OptionId::kProgramLimit: {
      const auto size = parse_size(value);
      if (!size || *size == 0) {
        return usage(fmt::format("--{} takes a size as in 200M, not '{}'",
                                 id == OptionId::kMemory ? "memory" : "program-limit", value));
      }
      (id == OptionId::kMemory ? line.memory_limit : line.program_limit) = *size;
      return {};
    }
    case OptionId::kQuery:
      line.query = value;
      return {};
    case OptionId::kFormat:
      return apply_format(value, line);
    case OptionId::kSnapshot:
      line.snapshot = true;
      return {};
    case OptionId::kEcho:
      line.echo = true;
      return {};
    case OptionId::kOnError:
      if (value != "stop" && value != "skip") {
        return usage(fmt::format("--on-error is stop or skip, not '{}'", value));
      }
      line.on_error = value == "stop" ? OnError::kStop : OnError::kSkip;
      return {};
    case OptionId::kClock:
      return apply_clock(value, line);
    case OptionId::kStats:
      line.stats = true;
      return {};
    case OptionId::kStage: {
      constexpr std::pair<std::string_view, ExplainStage> kStages[] = {
          {"tree", ExplainStage::kTree},       {"rules", ExplainStage::kRules},
          {"plan", ExplainStage::kPlan},       {"bytecode", ExplainStage::kBytecode},
          {"network", ExplainStage::kNetwork}, {"opcodes", ExplainStage::kOpcodes}};
      for (const auto& [name, stage] : kStages) {
        if (value != name) continue;
        line.stage = stage;
        return {};
      }
      return usage(fmt::format(
          "--stage is tree, rules, plan, bytecode, network or opcodes, not '{}'", value));
    }
    case OptionId::kLimit: {
      const auto count = parse_count(value);
      if (!count || *count == 0) {
        return usage(fmt::format("--limit takes a number of lines, 1 or more, not '{}'", value));
      }
      line.line_limit = *count;
      return {};
    }
    case OptionId::kData:
      line.data_directory = value;
      return {};
    case OptionId::kRules:
      line.rule_files.emplace_back(value);
      return {};
    case OptionId::kListen:
      line.listen = value;
      return {};
    case OptionId::kHttp:
      line.http = value;
      return {};
    case OptionId::kTlsCertificate:
      line.tls_certificate = value;
      return {};
    case OptionId::kTlsKey:
      line.tls_key = value;
      return {};
    case OptionId::kDurability:
      if (value == "group") {
        line.durability = CommitDurability::kGroup;
      } else if (value == "sync") {
        line.durability = CommitDurability::kSync;
      } else if (value == "async") {
        line.durability = CommitDurability::kAsync;
      } else {
        return usage(fmt::format("--durability is group, sync or async, not '{}'", value));
      }
      return {};
    case OptionId::kCommand:
      line.sql_inputs.push_back({.is_file = false, .text = std::string(value)});
      return {};
    case OptionId::kFile:
      line.sql_inputs.push_back({.is_file = true, .text = std::string(value)});
      return {};
    case OptionId::kTo:
      line.backup_directory = value;
      return {};
    case OptionId::kCheck:
      line.replay_checks = true;
      return {};
    case OptionId::kHelp:
      line.help_topic = line.command;
      line.command = Command::kHelp;
      return {};
    case OptionId::kVersion:
      line.command = Command::kVersion;
      return {};
  }
  return {};
}

// The option that `argument` (which starts with '-') names, and the value attached to it.
struct Named {
  const OptionName* option = nullptr;
  std::optional<std::string_view> value;
};

Named option_of(std::string_view argument) {
  Named named;
  if (argument.starts_with("--")) {
    const std::string_view body = argument.substr(2);
    const std::size_t equals = body.find('=');
    for (const OptionName& option : kOptions) {
      if (option.name == body.substr(0, equals)) named.option = &option;
    }
    if (equals != std::string_view::npos) named.value = body.substr(equals + 1);
    return named;
  }
  for (const OptionName& option : kOptions) {
    if (option.letter != 0 && option.letter == argument[1]) named.option = &option;
  }
  if (argument.size() > 2) named.value = argument.substr(2);
  return named;
}

Unexpected unknown_option(std::string_view argument, Command command) {
  std::vector<std::string> known;
  for (const OptionName& option : kOptions) {
    if ((option.commands & bit_of(command)) != 0) known.push_back(fmt::format("--{}", option.name));
  }
  const std::string spelled(argument.substr(0, argument.find('=')));
  const auto nearest = closest_name(spelled, known);
  return usage(fmt::format("entail {} has no option '{}'{}", name_of(command), spelled,
                           nearest ? fmt::format("; did you mean {}?", *nearest) : ""));
}

// What the commands about a database need, and take together.
Expected<CommandLine> check_database_command(CommandLine line) {
  const std::string_view name = name_of(line.command);
  if (!line.program.empty()) {
    return usage(fmt::format("entail {} takes no file: '{}'", name, line.program));
  }
  if (line.data_directory.empty()) {
    return usage(fmt::format("entail {} needs the directory of a database: --data DIR", name));
  }
  if (line.tls_certificate.empty() != line.tls_key.empty()) {
    return usage("--tls-cert and --tls-key go together");
  }
  if (line.command == Command::kBackup && line.backup_directory.empty()) {
    return usage("entail backup needs a directory to write to: --to DIR");
  }
  if (line.command == Command::kReplay && !line.replay_checks) {
    return usage("entail replay proves the log, and says so: entail replay --data DIR --check");
  }
  return line;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) {
  std::uint64_t size = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc{}) return std::nullopt;
  const std::string_view suffix(stop, static_cast<std::size_t>(text.data() + text.size() - stop));
  unsigned shift = 0;
  if (suffix == "k" || suffix == "K") {
    shift = 10;
  } else if (suffix == "m" || suffix == "M") {
    shift = 20;
  } else if (suffix == "g" || suffix == "G") {
    shift = 30;
  } else if (!suffix.empty()) {
    return std::nullopt;
  }
  if (size > (std::numeric_limits<std::uint64_t>::max() >> shift)) return std::nullopt;
  return size << shift;
}

Expected<CommandLine> parse_command_line(std::span<const char* const> arguments) {
  CommandLine line;
  if (arguments.empty())
    return usage(fmt::format("a command is missing: {}", alternatives(command_names())));
  const std::string_view first = arguments[0];
  if (first == "--help" || first == "-h" || first == "help") {
    if (arguments.size() > 1) {
      for (const CommandName& known : kCommands) {
        if (known.name == arguments[1]) line.help_topic = known.command;
      }
    }
    return line;
  }
  if (first == "--version") {
    line.command = Command::kVersion;
    return line;
  }
  bool is_known = false;
  for (const CommandName& known : kCommands) {
    if (known.name != first) continue;
    line.command = known.command;
    is_known = true;
  }
  if (!is_known) {
    const auto nearest = closest_name(std::string(first), command_names());
    return usage(fmt::format("there is no command '{}'{}", first,
                             nearest ? fmt::format("; did you mean {}?", *nearest)
                                     : fmt::format("; it is {}", alternatives(command_names()))));
  }

  const Command command = line.command;
  const bool asks_for_fact = command == Command::kWhy || command == Command::kWhyNot;
  bool options_ended = false;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (options_ended || argument == "-" || !argument.starts_with('-')) {
      if (asks_for_fact && line.question.empty()) {
        if (argument.empty()) return usage("the question is empty");
        line.question = argument;
        continue;
      }
      if (!line.program.empty()) {
        return usage(fmt::format("one program at a time: '{}' and '{}'", line.program, argument));
      }
      if (argument.empty()) return usage("the program's name is empty");
      line.program = argument;
      continue;
    }
    if (argument == "--") {
      options_ended = true;
      continue;
    }
    const Named named = option_of(argument);
    if (named.option == nullptr || (named.option->commands & bit_of(command)) == 0) {
      return unknown_option(argument, command);
    }
    std::string_view value;
    if (named.option->has_value) {
      if (named.value) {
        value = *named.value;
      } else if (i + 1 < arguments.size()) {
        value = arguments[++i];
      } else {
        return usage(fmt::format("{} needs a value", argument));
      }
      if (value.empty()) return usage(fmt::format("{} needs a value", argument));
    } else if (named.value) {
      return usage(fmt::format("--{} takes no value", named.option->name));
    }
    if (auto applied = apply(named.option->id, value, line); !applied) {
      return unexpected(applied.error());
    }
    if (line.command != command) return line;  // Help or version: the rest does not matter.
  }
  if ((bit_of(command) & kForDatabases) != 0) return check_database_command(std::move(line));
  const bool needs_program =
      !(line.command == Command::kExplain && line.stage == ExplainStage::kOpcodes);
  if (asks_for_fact && line.program.empty()) {
    return usage(
        fmt::format("entail {0} needs a fact and the file of a program, as in entail {0} "
                    "'path(1, 5)' closure.dl",
                    name_of(command)));
  }
  if (needs_program && line.program.empty()) {
    return usage(fmt::format("entail {} needs the file of a program", name_of(command)));
  }
  if (command == Command::kFollow && line.program == "-") {
    return usage("entail follow reads changes from standard input, so FILE cannot be -");
  }
  const bool is_about_network = line.has_facts_directory || line.format;
  if (command == Command::kExplain && line.stage != ExplainStage::kNetwork && is_about_network) {
    return usage("-F and --format go with --stage=network");
  }
  return line;
}

}  // namespace entail::cli
