// tests/property/standing_shrink.cc - makes a broken case of the standing law small enough to read.

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <functional>
#include <iostream>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/property/standing_law.h"

namespace entail::testing {

namespace {

constexpr unsigned kSecondsMax = 20;

struct Case {
  std::vector<std::string> lines;  // Of the program.
  FactHistory history;
};

GeneratedProgram program_of(const Case& tried, bool may_fail) {
  GeneratedProgram program;
  for (const std::string& line : tried.lines) program.text += line + "\n";
  program.may_fail = may_fail;
  return program;
}

// In a process of its own, which says how if `says_how`.
bool is_broken(const Case& tried, bool may_fail, std::uint64_t seed, bool says_how = false) {
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    alarm(kSecondsMax);
    if (freopen("/dev/null", "w", stderr) == nullptr) _exit(0);
    LawProgress progress;
    const StandingReport report =
        check_standing_law(program_of(tried, may_fail), seed, progress, tried.history);
    if (says_how) std::cout << "// breaks " << report.message << std::endl;
    const bool is_program = std::string_view(progress.stage) != "lower";
    _exit(report.outcome == LawOutcome::kBroken && is_program ? 1 : 0);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return false;
  if (WIFSIGNALED(status)) return WTERMSIG(status) != SIGALRM;
  return WEXITSTATUS(status) != 0;
}

// Leaves out parts of a sequence, large ones first, as long as that keeps the case broken.
template <typename Sequence>
bool leave_out(Sequence& sequence, const std::function<bool()>& still_broken) {
  bool smaller = false;
  for (std::size_t part = std::max<std::size_t>(sequence.size() / 2, 1); part > 0; part /= 2) {
    for (std::size_t at = sequence.size(); at-- > 0;) {
      if (at + part > sequence.size()) continue;
      const Sequence whole = sequence;
      sequence.erase(sequence.begin() + static_cast<std::ptrdiff_t>(at),
                     sequence.begin() + static_cast<std::ptrdiff_t>(at + part));
      if (still_broken()) {
        smaller = true;
      } else {
        sequence = whole;
      }
    }
  }
  return smaller;
}

}  // namespace

std::string shrink_standing_case(const GeneratedProgram& program, std::uint64_t seed) {
  Case tried;
  std::string line;
  for (const char c : program.text) {
    if (c != '\n') {
      line += c;
      continue;
    }
    tried.lines.push_back(std::exchange(line, {}));
  }
  auto history = standing_history(program, seed);
  if (!history) return "the program cannot be lowered\n";
  tried.history = std::move(*history);
  auto still_broken = [&] { return is_broken(tried, program.may_fail, seed); };
  if (!still_broken()) return "the law holds\n";
  for (bool smaller = true; smaller;) {
    smaller = leave_out(tried.history.transactions, still_broken);
    for (FactTransaction& transaction : tried.history.transactions) {
      smaller |= leave_out(transaction.steps, still_broken);
      for (ChangeStep& step : transaction.steps) smaller |= leave_out(step.changes, still_broken);
    }
    smaller |= leave_out(tried.lines, still_broken);
  }
  is_broken(tried, program.may_fail, seed, /*says_how=*/true);
  const GeneratedProgram small = program_of(tried, program.may_fail);
  return small.text + print_history(small, tried.history);
}

}  // namespace entail::testing
