// law - random programs, each evaluated in many ways, against the reference evaluator.
//
//     law                          20,000 programs from seed 1, and as many histories of relations
//     law --seeds FILE --count 400 the seeds of the file first, then 400
//     law --print 17               the program of a seed
//     law --file p.dl              a program from a file; a last line `// asked: path(1, y)` is its
//                                  query
//     law --productions            the law of productions instead: what fires, and in which order
//     law --clocks                 the law of time: streams, clocks, expiry
//     law --standing               the law of standing results instead: 2,000 programs, each through
//                                  ten transactions of changes; also with --print and --file
//     law --shrink 17              a broken case of it with as little program and changes as break it
//
// Exits with 1 when a program breaks the law, or when the programs of a long run were too poor: too
// few that derive anything, or a pair of constructs that hardly ever met.

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "server/cli/std_thread_team.h"
#include "tests/property/clock_law.h"
#include "tests/property/law.h"
#include "tests/property/production_law.h"
#include "tests/property/program_generator.h"
#include "tests/property/relation_history.h"
#include "tests/property/standing_law.h"
#include "tests/property/standing_totals.h"

namespace {

using namespace entail;
using namespace entail::testing;

constexpr std::uint64_t kDefaultCount = 20'000;
constexpr std::uint64_t kDefaultStandingCount = 2'000;
// What a run of at least kDefaultCount programs must show.
constexpr std::uint64_t kPairMin = 20;
constexpr std::uint64_t kTellingRows = 10;  // At least half of the programs derive as many rows.
constexpr unsigned kWorkersMax = 64;

struct Options {
  std::uint64_t seed = 1;
  std::optional<std::uint64_t> count_asked;
  std::uint64_t count = kDefaultCount;     // As asked, or the usual one.
  std::optional<std::uint64_t> histories;  // As many as programs.
  std::string seeds_file;
  unsigned threads = 1;
  bool report = false;
  bool stop_at_first = false;
  bool generate_only = false;
  bool standing = false;
  bool productions = false;
  bool clocks = false;
  std::optional<std::uint64_t> print, shrink;
  std::string file;
};

// ------------------------------------------------------------------------------ crashes

// The engine ends the process when an invariant of its own is broken. What was being checked is
// kept here, where a signal handler can print it.
struct Slot {
  std::atomic<std::uint64_t> seed{0};
  LawProgress progress;
};
std::array<Slot, kWorkersMax> slots;

void write_text(std::string_view text) {
  if (write(STDOUT_FILENO, text.data(), text.size()) < 0) return;
}

void report_crash(int number) {
  for (const Slot& slot : slots) {
    const std::uint64_t seed = slot.seed.load(std::memory_order_relaxed);
    if (seed == 0) continue;
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, seed).ptr;
    write_text("\nlaw: crashed at seed ");
    write_text({digits, static_cast<std::size_t>(end - digits)});
    write_text(", ");
    write_text(slot.progress.stage);
    write_text("\n");
  }
  signal(number, SIG_DFL);
  raise(number);
}

// ------------------------------------------------------------------------------ options

[[noreturn]] void usage() {
  std::cerr
      << "usage: law [--seed N] [--count N] [--histories N] [--seeds FILE] [--threads N]\n"
         "           [--report] [--stop-at-first] [--generate-only] [--print SEED] [--file FILE]\n"
         "           [--standing] [--productions] [--clocks] [--shrink SEED]\n";
  std::exit(2);
}

Options parse_options(int argc, char** argv) {
  Options options;
  options.threads = std::max(1U, std::thread::hardware_concurrency());
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const auto text = [&]() -> std::string_view {
      if (i + 1 == argc) usage();
      return argv[++i];
    };
    const auto number = [&] {
      const std::string_view digits = text();
      std::uint64_t value = 0;
      const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
      if (result.ec != std::errc() || result.ptr != digits.data() + digits.size()) usage();
      return value;
    };
    if (name == "--seed") {
      options.seed = number();
    } else if (name == "--count") {
      options.count_asked = number();
    } else if (name == "--histories") {
      options.histories = number();
    } else if (name == "--seeds") {
      options.seeds_file = text();
    } else if (name == "--threads") {
      options.threads = static_cast<unsigned>(number());
    } else if (name == "--report") {
      options.report = true;
    } else if (name == "--stop-at-first") {
      options.stop_at_first = true;
    } else if (name == "--generate-only") {
      options.generate_only = true;
    } else if (name == "--file") {
      options.file = text();
    } else if (name == "--standing") {
      options.standing = true;
    } else if (name == "--productions") {
      options.productions = true;
    } else if (name == "--clocks") {
      options.clocks = true;
    } else if (name == "--print") {
      options.print = number();
    } else if (name == "--shrink") {
      options.shrink = number();
    } else {
      usage();
    }
  }
  options.count =
      options.count_asked.value_or(options.standing ? kDefaultStandingCount : kDefaultCount);
  if (options.standing) options.histories = 0;
  options.threads = std::clamp(options.threads, 1U, kWorkersMax);
  return options;
}

// Numbers, one a line; what follows a # is a remark.
std::vector<std::uint64_t> read_seeds(const std::string& path) {
  std::vector<std::uint64_t> seeds;
  std::ifstream in(path);
  if (!in) {
    std::cerr << "law: cannot read " << path << "\n";
    std::exit(2);
  }
  for (std::string line; std::getline(in, line);) {
    std::uint64_t seed = 0;
    const auto result = std::from_chars(line.data(), line.data() + line.size(), seed);
    if (result.ec == std::errc()) seeds.push_back(seed);
  }
  return seeds;
}

// ------------------------------------------------------------------------------ the run

struct Totals {
  std::uint64_t programs = 0;
  std::uint64_t histories = 0;
  std::uint64_t telling = 0;    // Derive kTellingRows rows or more.
  std::uint64_t failing = 0;    // Whose facts make them fail, as the reference says.
  std::uint64_t too_large = 0;  // For the reference.
  std::uint64_t broken = 0;
  StandingTotals standing;
  std::array<std::array<std::uint32_t, kConstructCount>, kConstructCount> pairs{};
};

class Run {
 public:
  explicit Run(const Options& options) : options_(options) {
    if (!options.seeds_file.empty()) first_ = read_seeds(options.seeds_file);
  }

  Totals run() {
    std::vector<std::thread> threads;
    for (unsigned t = 1; t < options_.threads; ++t) threads.emplace_back([this, t] { work(t); });
    work(0);
    for (std::thread& thread : threads) thread.join();
    return totals_;
  }

 private:
  std::optional<std::uint64_t> next_seed() {
    if (stopped_.load(std::memory_order_relaxed)) return std::nullopt;
    const std::uint64_t position = next_.fetch_add(1, std::memory_order_relaxed);
    if (position < first_.size()) return first_[position];
    if (position - first_.size() >= options_.count) return std::nullopt;
    return options_.seed + (position - first_.size());
  }

  void work(unsigned worker) {
    cli::StdThreadTeam team(2);
    Slot& slot = slots[worker];
    // By turns, so that neither waits for the other to be finished.
    for (bool more = true; more;) {
      const bool program = check_program(team, slot);
      const bool history = check_history(slot);
      more = program || history;
    }
  }

  // The next program; false when there is none.
  bool check_program(ThreadTeam& team, Slot& slot) {
    const auto seed = next_seed();
    if (!seed) return false;
    slot.progress.stage = "generate";
    slot.seed.store(*seed, std::memory_order_relaxed);
    const GeneratedProgram program = generate_program(*seed);
    if (options_.standing) {
      const StandingReport report = check_standing_law(program, *seed, slot.progress);
      slot.seed.store(0, std::memory_order_relaxed);
      count_standing(*seed, program, report);
      return true;
    }
    LawReport report;
    if (!options_.generate_only) report = check_law(program, *seed, team, slot.progress);
    slot.seed.store(0, std::memory_order_relaxed);
    count(*seed, program, report);
    return true;
  }

  bool check_history(Slot& slot) {
    const auto seed = next_history();
    if (!seed) return false;
    slot.progress.stage = "history";
    slot.seed.store(*seed, std::memory_order_relaxed);
    count_history(*seed, testing::check_history(*seed));
    slot.seed.store(0, std::memory_order_relaxed);
    return true;
  }

  std::optional<std::uint64_t> next_history() {
    if (stopped_.load(std::memory_order_relaxed) || options_.generate_only) return std::nullopt;
    const std::uint64_t position = next_history_.fetch_add(1, std::memory_order_relaxed);
    if (position >= options_.histories.value_or(options_.count)) return std::nullopt;
    return options_.seed + position;
  }

  void count_history(std::uint64_t seed, const std::optional<std::string>& broken) {
    const std::lock_guard lock(mutex_);
    ++totals_.histories;
    if (!broken) return;
    ++totals_.broken;
    std::cout << fmt::format("law: the history of seed {} is broken: {}\n", seed, *broken)
              << std::flush;
    if (options_.stop_at_first) stopped_.store(true, std::memory_order_relaxed);
  }

  void count(std::uint64_t seed, const GeneratedProgram& program, const LawReport& report) {
    const std::lock_guard lock(mutex_);
    ++totals_.programs;
    if (report.outcome == LawOutcome::kTooLarge) ++totals_.too_large;
    if (report.derived_rows >= kTellingRows) ++totals_.telling;
    if (report.failed_as_expected) ++totals_.failing;
    for (std::size_t a = 0; a < kConstructCount; ++a) {
      if (!program.coverage.test(a)) continue;
      for (std::size_t b = a; b < kConstructCount; ++b) {
        totals_.pairs[a][b] += program.coverage.test(b) ? 1 : 0;
      }
    }
    if (report.outcome == LawOutcome::kBroken) {
      show_broken(seed, program, report.stage + ": " + report.message);
    }
  }

  void count_standing(std::uint64_t seed, const GeneratedProgram& program,
                      const StandingReport& report) {
    const std::lock_guard lock(mutex_);
    totals_.standing.add(program, report);
    if (report.outcome == LawOutcome::kBroken) show_broken(seed, program, report.message);
  }

  void show_broken(std::uint64_t seed, const GeneratedProgram& program,
                   const std::string& message) {
    ++totals_.broken;
    std::cout << fmt::format("law: seed {} breaks the law, {}\n", seed, message);
    if (totals_.broken <= kShownMax) {
      std::cout << "----\n" << program.text;
      if (!program.query.empty()) std::cout << "// asked: " << program.query << "\n";
      std::cout << "----\n";
    }
    std::cout.flush();
    if (options_.stop_at_first) stopped_.store(true, std::memory_order_relaxed);
  }

  static constexpr std::uint64_t kShownMax = 5;  // Programs printed.

  const Options& options_;
  std::vector<std::uint64_t> first_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<std::uint64_t> next_history_{0};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  Totals totals_;
};

// The program of a file, as --print writes it.
GeneratedProgram read_program(const std::string& path) {
  constexpr std::string_view kAsked = "// asked: ";
  GeneratedProgram program;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(kAsked)) {
      program.query = line.substr(kAsked.size());
    } else {
      program.text += line + "\n";
    }
  }
  return program;
}

int check_file(const std::string& path, const Options& options) {
  cli::StdThreadTeam team(2);
  slots[0].seed.store(1, std::memory_order_relaxed);
  if (options.standing) {
    const StandingReport report =
        check_standing_law(read_program(path), options.seed, slots[0].progress);
    std::cout << path << ": " << report.refusal << report.message
              << (report.outcome == LawOutcome::kHolds ? "the law holds\n" : "\n");
    return report.outcome == LawOutcome::kBroken ? 1 : 0;
  }
  const LawReport report = check_law(read_program(path), 1, team, slots[0].progress);
  if (report.outcome == LawOutcome::kBroken) {
    std::cout << path << " breaks the law, " << report.stage << ": " << report.message << "\n";
    return 1;
  }
  std::cout << path
            << (report.outcome == LawOutcome::kHolds ? ": the law holds\n" : ": too large\n");
  return 0;
}

struct Pair {
  std::size_t first = 0, second = 0;
  std::uint32_t count = 0;
};

std::vector<Pair> pairs_by_count(const Totals& totals) {
  std::vector<Pair> pairs;
  for (std::size_t a = 0; a < kConstructCount; ++a) {
    for (std::size_t b = a; b < kConstructCount; ++b) pairs.push_back({a, b, totals.pairs[a][b]});
  }
  std::stable_sort(pairs.begin(), pairs.end(),
                   [](const Pair& x, const Pair& y) { return x.count < y.count; });
  return pairs;
}

// Prints the sums; whether they are good enough.
bool report(const Options& options, const Totals& totals) {
  const auto pairs = pairs_by_count(totals);
  const auto rare = static_cast<std::size_t>(
      std::count_if(pairs.begin(), pairs.end(), [](const Pair& p) { return p.count < kPairMin; }));
  std::cout << fmt::format(
      "law: {} programs and {} histories; {} programs derive {} rows or more, {} fail as they "
      "should, {} too large "
      "for "
      "the reference, {} broken; {} of {} pairs of constructs met less than {} times\n",
      totals.programs, totals.histories, totals.telling, kTellingRows, totals.failing,
      totals.too_large, totals.broken, rare, pairs.size(), kPairMin);
  const bool is_long = totals.programs >= kDefaultCount;
  if (options.report || (is_long && rare > 0)) {
    const std::size_t shown = std::min<std::size_t>(pairs.size(), std::max<std::size_t>(rare, 20));
    for (std::size_t i = 0; i < shown; ++i) {
      std::cout << fmt::format("  {:6}  {} + {}\n", pairs[i].count,
                               construct_name(static_cast<Construct>(pairs[i].first)),
                               construct_name(static_cast<Construct>(pairs[i].second)));
    }
  }
  if (totals.broken > 0) return false;
  if (!is_long) return true;
  const bool telling = options.generate_only || totals.telling * 2 >= totals.programs;
  return telling && totals.too_large * 20 <= totals.programs && rare == 0;
}

// The law of productions, on one thread.
int check_productions(const Options& options) {
  std::uint64_t checked = 0, broken = 0, firings = 0, aborts = 0, loops = 0;
  for (std::uint64_t seed = options.seed; seed < options.seed + options.count; ++seed) {
    slots[0].seed.store(seed, std::memory_order_relaxed);
    const ProductionReport report = check_production_law(seed, slots[0].progress);
    ++checked;
    firings += report.firings;
    aborts += report.aborts;
    loops += report.loops;
    if (report.outcome != LawOutcome::kBroken) continue;
    ++broken;
    std::cout << "law: seed " << seed << ", productions: " << report.message << "\n";
    if (options.stop_at_first) break;
  }
  std::cout << fmt::format(
      "law: {} programs of productions, {} firings, {} transactions aborted, {} of them because "
      "they "
      "do not settle; {} broken\n",
      checked, firings, aborts, loops, broken);
  return broken == 0 ? 0 : 1;
}

// The law of time, on one thread.
int check_clocks(const Options& options) {
  std::uint64_t checked = 0, broken = 0;
  ClockReport all;
  for (std::uint64_t seed = options.seed; seed < options.seed + options.count; ++seed) {
    slots[0].seed.store(seed, std::memory_order_relaxed);
    const ClockReport report = check_clock_law(seed, slots[0].progress);
    ++checked;
    all.commits += report.commits;
    all.aborts += report.aborts;
    all.late += report.late;
    all.expired += report.expired;
    all.kept += report.kept;
    all.emitted += report.emitted;
    if (report.outcome != LawOutcome::kBroken) continue;
    ++broken;
    std::cout << "law: seed " << seed << ", clocks: " << report.message << "\n";
    if (options.stop_at_first) break;
  }
  std::cout << fmt::format(
      "law: {} programs of streams, {} commits, {} aborts; {} rows late, {} expired, {} kept by "
      "final "
      "relations, {} emitted; {} broken\n",
      checked, all.commits, all.aborts, all.late, all.expired, all.kept, all.emitted, broken);
  return broken == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  if (options.print && options.productions) {
    std::cout << generate_productions(*options.print);
    return 0;
  }
  if (options.print && options.clocks) {
    std::cout << generate_clock_program(*options.print);
    return 0;
  }
  if (options.print) {
    const GeneratedProgram program = generate_program(*options.print);
    std::cout << program.text << "// asked: " << program.query << "\n";
    if (const auto history = standing_history(program, *options.print);
        options.standing && history) {
      std::cout << print_history(program, *history);
    }
    return 0;
  }
  if (options.shrink) {
    std::cout << shrink_standing_case(generate_program(*options.shrink), *options.shrink);
    return 0;
  }
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) signal(number, report_crash);
  if (!options.file.empty()) return check_file(options.file, options);
  if (options.productions) return check_productions(options);
  if (options.clocks) return check_clocks(options);
  const Totals totals = Run(options).run();
  if (options.standing) {
    std::cout << totals.standing.to_text(options.report);
    return totals.standing.are_good() ? 0 : 1;
  }
  return report(options, totals) ? 0 : 1;
}
