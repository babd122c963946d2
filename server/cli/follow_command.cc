#include "server/cli/follow_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/cli/change_line.h"
#include "server/cli/console.h"
#include "server/cli/follow_output.h"
#include "server/cli/interrupt.h"
#include "server/cli/line_reader.h"
#include "server/cli/network_run.h"
#include "server/cli/output_bytes.h"
#include "server/cli/program_source.h"
#include "server/cli/text_table.h"
#include "server/runtime/system_clock.h"
#include "vm/base/clock.h"
#include "vm/base/text.h"

namespace entail::cli {
namespace {

using vm::Word;

constexpr std::size_t kFlushBytes = std::size_t{64} << 10U;

// The column that a person counts: characters, from 1.
std::size_t column_of(std::string_view line, std::size_t at) {
  std::size_t column = 1;
  for (std::size_t i = 0; i < std::min(at, line.size()); ++i) {
    if ((static_cast<unsigned char>(line[i]) & 0xc0U) != 0x80) ++column;
  }
  return column;
}

std::string format_statistics(const rete::NetworkStatistics& statistics) {
  TextTable nodes(true);
  nodes.add({"node", "activations", "touched", "probed", "changed", "rows", "bytes"});
  for (const rete::NodeStatistics& node : statistics.nodes) {
    nodes.add({node.node, with_thousands(node.activations), with_thousands(node.rows_touched),
               with_thousands(node.rows_probed), with_thousands(node.rows_changed),
               with_thousands(node.rows), with_thousands(node.bytes)});
  }
  nodes.add({"(all)", "", with_thousands(statistics.rows_touched),
             with_thousands(statistics.rows_probed), "", "", with_thousands(statistics.bytes)});
  std::string text;
  nodes.print("", false, text);
  text += fmt::format("{}, {}, {}\n", count_of(statistics.steps, "step"),
                      count_of(statistics.ignored_deletions, "deletion") + " of what was not there",
                      count_of(statistics.strata_recomputed, "stratum", "strata") + " recomputed");
  for (const rete::StreamStatistics& stream : statistics.streams) {
    text += fmt::format("{}: {}, {} of them dropped, {} expired\n", stream.name,
                        count_of(stream.late, "late row"), with_thousands(stream.dropped),
                        with_thousands(stream.expired));
  }
  return text;
}

class FollowCommand {
 public:
  FollowCommand(const CommandLine& line, const LoadedProgram& loaded, const FollowStreams& streams)
      : line_(line),
        loaded_(loaded),
        streams_(streams),
        simulated_clock_(line.clock_us.value_or(0)),
        interrupt_(cancel_) {}

  int run() {
    auto done = follow_lines();
    if (done) done = flush();
    if (!done && run_) run_->network().abort();
    // What was said before the end is still true, and is printed.
    if (!done) static_cast<void>(flush());
    if (run_ && line_.stats) streams_.complain(format_statistics(run_->network().statistics()));
    if (done) return static_cast<int>(ExitCode::kOk);
    if (done.error().code == ErrorCode::kCancelled) {
      if (const auto signal = interrupt_.signal()) {
        streams_.complain("entail: interrupted; the open transaction is aborted\n");
        constexpr int kSignalBase = 128;
        return kSignalBase + *signal;
      }
      return static_cast<int>(ExitCode::kClosedPipe);
    }
    return report_failure(done.error());
  }

  // What holds the relations, if it came to that.
  std::unique_ptr<NetworkRun> take_run() { return std::move(run_); }

 private:
  Expected<void> follow_lines() {
    if (auto made = make_network(); !made) return made;
    if (line_.snapshot) output_->add_snapshot();
    if (auto flushed = flush(); !flushed) return flushed;
    LineReader lines(streams_.input, cancel_, [this] { return flush(); });
    for (;;) {
      auto text = lines.next();
      if (!text) return unexpected(text.error());
      if (!*text) break;
      line_number_ = lines.line_number();
      if (auto taken = take(**text); !taken) return taken;
      if (output_->text().size() < kFlushBytes) continue;
      if (auto flushed = flush(); !flushed) return flushed;
    }
    return is_open_ ? commit() : Expected<void>{};
  }

  Expected<void> make_network() {
    const Clock& clock =
        line_.clock_us ? static_cast<const Clock&>(simulated_clock_) : system_clock_;
    auto run = NetworkRun::create(*loaded_.rules, loaded_.files,
                                  {.memory_limit = line_.memory_limit,
                                   .cancel = &cancel_,
                                   .clock = &clock,
                                   .stopwatch = line_.stats ? &system_clock_ : nullptr});
    if (!run) return unexpected(run.error());
    run_ = std::move(*run);
    if (line_.has_facts_directory) {
      auto loaded = run_->load_facts(line_.facts_directory);
      if (!loaded) return unexpected(loaded.error());
    }
    auto committed = run_->network().commit();
    if (!committed) return unexpected(committed.error());
    output_ = std::make_unique<FollowOutput>(*run_, line_.format == OutputFormat::kJson);
    reader_ = std::make_unique<ChangeLineReader>(
        *loaded_.rules, run_->pool(), [this](datalog::RelationId relation, std::span<Word> row) {
          return run_->complete_by_key(relation, row);
        });
    report_errors_in_data();
    return {};
  }

  Expected<void> take(std::string_view line) {
    if (line_.echo) output_->echo(line);
    if (!reader_->read(line, parsed_)) return refuse_line(line);
    switch (parsed_.kind) {
      case LineKind::kNothing:
        return {};
      case LineKind::kChange:
        return is_ignoring_ ? Expected<void>{} : change();
      case LineKind::kTick:
        return is_ignoring_ ? Expected<void>{} : tick();
      case LineKind::kQuery:
        output_->add_answers(parsed_.query);
        run_->pool().end_step();  // What only the question named: there may be no step for long.
        return {};
      case LineKind::kCommit:
        return std::exchange(is_ignoring_, false) ? Expected<void>{} : commit();
      case LineKind::kAbort:
        is_ignoring_ = is_open_ = false;
        run_->network().abort();
        return {};
    }
    return {};
  }

  Expected<void> change() {
    is_open_ = true;
    rete::Network& network = run_->network();
    for (const FactChange& change : parsed_.changes) {
      if (change.rows == 0) continue;
      columns_.clear();
      for (std::size_t at = 0; at < change.words.size(); at += change.rows) {
        columns_.push_back(change.words.data() + at);
      }
      if (change.is_deletion) weights_.assign(change.rows, -1);
      auto changed = network.change(
          change.relation, {columns_, change.rows, change.is_deletion ? weights_.data() : nullptr});
      if (!changed) return fail_transaction(changed.error(), true);
    }
    if (auto stepped = network.step(); !stepped) return fail_transaction(stepped.error(), true);
    return {};
  }

  Expected<void> tick() {
    is_open_ = true;
    if (line_.clock_us && parsed_.time_us > simulated_clock_.now_us())
      simulated_clock_.set_us(parsed_.time_us);
    auto ticked = run_->network().tick(parsed_.stream, parsed_.time_us);
    if (!ticked) return fail_transaction(ticked.error(), true);
    return {};
  }

  Expected<void> commit() {
    is_open_ = false;
    auto committed = run_->network().commit();
    if (!committed) return fail_transaction(committed.error(), false);
    output_->add_commit(*committed);
    if (auto flushed = flush(); !flushed) return flushed;
    for (const std::string& line : committed->logged) streams_.complain(line + "\n");
    report_errors_in_data();
    return {};
  }

  Expected<void> refuse_line(std::string_view line) {
    const TextProblem& problem = reader_->problem();
    std::string message = fmt::format("<stdin>:{}:{}: error: {}", line_number_,
                                      column_of(line, problem.at), problem.message);
    if (line_.on_error == OnError::kStop) return unexpected(ErrorCode::kData, std::move(message));
    run_->pool().end_step();
    if (auto flushed = flush(); !flushed) return flushed;
    streams_.complain(message + "\n");
    return {};
  }

  // `has_rest`: lines of the transaction may still come.
  Expected<void> fail_transaction(const Error& error, bool has_rest) {
    if (error.code == ErrorCode::kCancelled) return unexpected(error);
    std::string message =
        fmt::format("line {}: transaction aborted: {}", line_number_, error.message);
    // A failure in data would be printed bare, as a place in a file.
    const ErrorCode code =
        error.code == ErrorCode::kData ? ErrorCode::kInvalidArgument : error.code;
    if (line_.on_error == OnError::kStop) return unexpected(code, std::move(message));
    run_->network().abort();
    is_open_ = false;
    is_ignoring_ = has_rest;
    if (auto flushed = flush(); !flushed) return flushed;
    streams_.complain("entail: " + message + "\n");
    return {};
  }

  void report_errors_in_data() {
    std::vector<rete::ErrorInstance> now = run_->network().errors();
    if (now.empty() && errors_.empty()) return;
    const std::string changes = describe_error_changes(run_->network().program(), errors_, now);
    if (!changes.empty()) streams_.complain(changes);
    errors_ = std::move(now);
  }

  Expected<void> flush() {
    if (!output_ || output_->text().empty()) return {};
    auto written = streams_.output->write(output_->text());
    output_->text().clear();
    return written;
  }

  const CommandLine& line_;
  const LoadedProgram& loaded_;
  const FollowStreams& streams_;
  runtime::SystemClock system_clock_;
  ManualClock simulated_clock_;
  CancelToken cancel_;
  InterruptGuard interrupt_;
  std::unique_ptr<NetworkRun> run_;
  std::unique_ptr<FollowOutput> output_;
  std::unique_ptr<ChangeLineReader> reader_;
  ChangeLine parsed_;
  std::uint64_t line_number_ = 0;
  bool is_open_ = false;      // Something changed since the last commit.
  bool is_ignoring_ = false;  // The rest of a transaction that was aborted.
  std::vector<const Word*> columns_;
  std::vector<std::int64_t> weights_;
  std::vector<rete::ErrorInstance> errors_;
};

}  // namespace

int run_follow(const CommandLine& line) {
  // As in `entail run`: what the run holds is kept, reachable, and left to the system.
  static std::vector<std::unique_ptr<LoadedProgram>>* const programs =
      new std::vector<std::unique_ptr<LoadedProgram>>();
  static std::vector<std::unique_ptr<NetworkRun>>* const runs =
      new std::vector<std::unique_ptr<NetworkRun>>();
  programs->push_back(std::make_unique<LoadedProgram>(load_program(line, LoadUpTo::kStanding)));
  const LoadedProgram& loaded = *programs->back();
  print_error_text(loaded.diagnostics.render(loaded.files));
  if (!loaded.rules) return static_cast<int>(ExitCode::kError);
  StandardOutput output;
  const FollowStreams streams{STDIN_FILENO, &output, print_error_text};
  return follow(line, loaded, streams, runs->emplace_back());
}

int follow(const CommandLine& line, const LoadedProgram& loaded, const FollowStreams& streams,
           std::unique_ptr<NetworkRun>& kept) {
  FollowCommand command(line, loaded, streams);
  const int code = command.run();
  kept = command.take_run();
  return code;
}

}  // namespace entail::cli
