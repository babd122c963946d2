#include "server/cli/run_command.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "datalog/demand.h"
#include "server/cli/console.h"
#include "server/cli/fact_form.h"
#include "server/cli/fact_writer.h"
#include "server/cli/interrupt.h"
#include "server/cli/output_bytes.h"
#include "server/cli/program_run.h"
#include "server/cli/program_source.h"
#include "server/cli/progress_line.h"
#include "server/cli/result_printer.h"
#include "server/cli/row_sorter.h"
#include "server/cli/stats_report.h"
#include "vm/base/text.h"

namespace entail::cli {
namespace {

using datalog::DirectiveKind;
using datalog::RelationId;

struct Output {
  RelationId relation{};
  FactForm form;
};

// Souffle's check: the directory is there before anything is done.
Expected<void> check_directory(const std::string& directory) {
  struct stat status{};
  if (::stat(directory.c_str(), &status) != 0) {
    return unexpected(ErrorCode::kNotFound,
                      fmt::format("the output directory {} does not exist", directory));
  }
  if (!S_ISDIR(status.st_mode)) {
    return unexpected(ErrorCode::kNotFound,
                      fmt::format("{} is not a directory for outputs", directory));
  }
  return {};
}

Expected<std::vector<Output>> outputs_of(const datalog::RuleProgram& program,
                                         const std::string& directory) {
  std::vector<Output> outputs;
  for (const datalog::Directive& directive : program.directives) {
    if (directive.kind != DirectiveKind::kOutput && directive.kind != DirectiveKind::kPrintSize) {
      continue;
    }
    auto form = output_form(directive, program.relation(directive.relation), directory);
    if (!form) return unexpected(form.error());
    outputs.push_back({directive.relation, std::move(*form)});
  }
  return outputs;
}

class RunCommand {
 public:
  explicit RunCommand(const CommandLine& line) : line_(line), interrupt_(cancel_) {}

  int run(LoadedProgram& loaded, std::int64_t start_ns) {
    add_phase("program", start_ns, std::nullopt);
    auto done = evaluate_and_write(loaded);
    if (done) {
      if (line_.stats) print_error_text(format_report(report(), run_->program()));
      return static_cast<int>(ExitCode::kOk);
    }
    if (done.error().code == ErrorCode::kCancelled) {
      if (const auto signal = interrupt_.signal()) {
        print_error("interrupted; nothing was written");
        constexpr int kSignalBase = 128;
        return kSignalBase + *signal;
      }
      return static_cast<int>(ExitCode::kClosedPipe);
    }
    return report_failure(done.error());
  }

  // What holds the relations, if it came to that.
  std::unique_ptr<ProgramRun> take_run() { return std::move(run_); }

 private:
  Expected<void> evaluate_and_write(LoadedProgram& loaded) {
    const bool to_files = !line_.query && line_.output_directory != "-";
    if (to_files) {
      if (auto found = check_directory(line_.output_directory); !found) return found;
    }
    RelationId answer{};
    if (line_.query) {
      auto demanded = datalog::demand(std::move(*loaded.rules), loaded.question->demand);
      answer = demanded.answer;
      loaded.rules = std::move(demanded.program);
    } else {
      auto outputs = outputs_of(*loaded.rules, line_.output_directory);
      if (!outputs) return unexpected(outputs.error());
      outputs_ = std::move(*outputs);
    }
    if (auto evaluated = evaluate(loaded); !evaluated) return evaluated;
    const std::int64_t start = clock_.steady_ns();
    auto written = line_.query ? print_answer(answer) : write_outputs();
    add_phase("outputs", start, rows_written_);
    return written;
  }

  Expected<void> evaluate(LoadedProgram& loaded) {
    std::int64_t start = clock_.steady_ns();
    auto run = ProgramRun::create(std::move(*loaded.rules), loaded.files,
                                  {.threads = line_.threads,
                                   .memory_limit = line_.memory_limit,
                                   .cancel = &cancel_,
                                   .measure_time = line_.stats});
    if (!run) return unexpected(run.error());
    run_ = std::move(*run);
    const ProgressLine progress([this] { return describe_progress(); });
    auto facts = run_->load_facts(line_.facts_directory);
    if (!facts) return unexpected(facts.error());
    add_phase("facts", start, *facts);
    start = clock_.steady_ns();
    is_evaluating_.store(true, std::memory_order_release);
    auto evaluated = run_->evaluate();
    add_phase("evaluation", start, run_->evaluation().statistics().rows_derived);
    return evaluated;
  }

  // Called by the thread of the progress line; strata do not change while it lives.
  std::string describe_progress() const {
    if (!is_evaluating_.load(std::memory_order_acquire)) return "reading facts";
    const vm::Progress& progress = run_->progress();
    const auto stratum = progress.stratum.load(std::memory_order_relaxed);
    const auto rounds = progress.rounds.load(std::memory_order_relaxed);
    const auto rows = progress.rows_derived.load(std::memory_order_relaxed);
    const auto& strata = run_->program().strata;
    std::string name;
    if (stratum < strata.size() && !strata[stratum].relations.empty()) {
      name = run_->program().relation(strata[stratum].relations.front()).name;
    }
    return fmt::format("stratum {} of {} ({}), round {}, {}", stratum + 1, strata.size(), name,
                       with_thousands(rounds), count_of(rows, "row"));
  }

  // The rows in the order in which they are shown; `sorted` owns them where they had to be sorted.
  RowSource shown_rows(RelationId relation, const RowShape& shape,
                       std::unique_ptr<SortedRows>& sorted) {
    if (!run_->is_derived(relation)) return run_->rows(relation);
    sorted = std::make_unique<SortedRows>(shape, run_->pool(), run_->rows(relation));
    return sorted->source();
  }

  Expected<void> write_one(const Output& output, OutputBytes& out) {
    const RowShape shape = row_shape(run_->program().relation(output.relation));
    const std::uint64_t count = run_->row_count(output.relation);
    rows_written_ += count;
    std::unique_ptr<SortedRows> sorted;
    const bool is_result = line_.format.has_value() && output.form.medium == Medium::kStandard;
    if (is_result) {
      sorted = std::make_unique<SortedRows>(shape, run_->pool(), run_->rows(output.relation));
      return print_result(
          {*line_.format, wants_colours(), output.form.title}, shape, run_->pool(),
          [&] { return sorted->source(); }, out);
    }
    RowSource source;
    if (output.form.medium != Medium::kPrintSize) {
      source = shown_rows(output.relation, shape, sorted);
    }
    auto written = write_facts(output.form, shape, run_->pool(), {&cancel_}, count, source, out);
    if (!written) return unexpected(written.error());
    return {};
  }

  Expected<void> write_outputs() {
    std::vector<std::unique_ptr<OutputFile>> files;
    for (const Output& output : outputs_) {
      if (output.form.medium != Medium::kFile) continue;
      auto file = OutputFile::create(output.form.path, output.form.gzip);
      if (!file) return unexpected(file.error());
      if (auto written = write_one(output, **file); !written) return written;
      if (auto finished = (*file)->finish(); !finished) return finished;
      files.push_back(std::move(*file));
    }
    for (const auto& file : files) {
      if (auto committed = file->commit(); !committed) return committed;
    }
    StandardOutput out;
    for (const Output& output : outputs_) {
      if (output.form.medium == Medium::kFile) continue;
      if (auto written = write_one(output, out); !written) return written;
    }
    return {};
  }

  Expected<void> print_answer(RelationId answer) {
    const RowShape shape = row_shape(run_->program().relation(answer));
    const SortedRows sorted(shape, run_->pool(), run_->rows(answer));
    rows_written_ = sorted.size();
    StandardOutput out;
    return print_result(
        {line_.format.value_or(OutputFormat::kTable), wants_colours(), {}}, shape, run_->pool(),
        [&] { return sorted.source(); }, out);
  }

  void add_phase(const char* name, std::int64_t start_ns, std::optional<std::uint64_t> rows) {
    phases_.push_back({name, clock_.steady_ns() - start_ns, rows});
  }

  RunReport report() const {
    RunReport report;
    report.phases = phases_;
    report.evaluation = run_->evaluation().statistics();
    const auto& relations = run_->program().relations;
    for (std::size_t i = 0; i < relations.size(); ++i) {
      const auto id = static_cast<RelationId>(i);
      report.relations.push_back({relations[i].name, run_->row_count(id),
                                  run_->evaluation().bytes_used(id),
                                  run_->evaluation().bytes_of_indexes(id)});
    }
    report.pool_bytes = run_->pool().bytes_used();
    return report;
  }

  const CommandLine& line_;
  runtime::SystemClock clock_;
  CancelToken cancel_;
  InterruptGuard interrupt_;
  std::vector<Output> outputs_;
  std::unique_ptr<ProgramRun> run_;
  std::atomic<bool> is_evaluating_{false};
  std::vector<PhaseTime> phases_;
  std::uint64_t rows_written_ = 0;
};

}  // namespace

int run_program(const CommandLine& line) {
  const runtime::SystemClock clock;
  const std::int64_t start_ns = clock.steady_ns();
  // The process ends with the command, and the system takes gigabytes back faster at once than page
  // by page: what a run holds is kept, reachable, instead of destroyed.
  static std::vector<std::unique_ptr<LoadedProgram>>* const programs =
      new std::vector<std::unique_ptr<LoadedProgram>>();
  static std::vector<std::unique_ptr<ProgramRun>>* const runs =
      new std::vector<std::unique_ptr<ProgramRun>>();
  programs->push_back(std::make_unique<LoadedProgram>(load_program(line, LoadUpTo::kExecutable)));
  LoadedProgram& loaded = *programs->back();
  print_error_text(loaded.diagnostics.render(loaded.files));
  if (!loaded.rules) return static_cast<int>(ExitCode::kError);
  RunCommand command(line);
  const int code = command.run(loaded, start_ns);
  runs->push_back(command.take_run());
  return code;
}

}  // namespace entail::cli
