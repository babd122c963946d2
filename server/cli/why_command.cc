#include "server/cli/why_command.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "server/cli/change_line.h"
#include "server/cli/console.h"
#include "server/cli/fact_json.h"
#include "server/cli/interrupt.h"
#include "server/cli/program_run.h"
#include "server/cli/program_source.h"
#include "server/cli/why_facts.h"
#include "server/cli/why_not.h"
#include "server/cli/why_proof.h"
#include "vm/base/cancel.h"

namespace entail::cli {
namespace {

// The question is read as one of `entail follow`, behind this.
constexpr std::string_view kAsk = "? ";

Unexpected bad_question(const std::string& text, std::size_t at, const std::string& message) {
  return unexpected(ErrorCode::kInvalidArgument,
                    fmt::format("in the question '{}', column {}: {}", text, at + 1, message));
}

Expected<Fact> parse_fact(const std::string& text, const datalog::RuleProgram& program,
                          vm::ValuePool& pool) {
  ChangeLineReader reader(program, pool, [](auto, auto) { return false; });
  ChangeLine line;
  if (!reader.read(std::string(kAsk) + text, line)) {
    const std::size_t at = reader.problem().at;
    return bad_question(text, at < kAsk.size() ? 0 : at - kAsk.size(), reader.problem().message);
  }
  const AtomPattern& atom = line.query;
  if (!atom.relation)
    return bad_question(text, 0, "errors in data are none of the program's facts");
  const datalog::Relation& relation = program.relation(*atom.relation);
  for (std::size_t i = 0; i < atom.terms.size(); ++i) {
    if (atom.terms[i].kind == AtomPattern::TermKind::kConstant) continue;
    return bad_question(text, 0,
                        fmt::format("column '{}' of '{}' needs a value: the question is one fact, "
                                    "without variables and _ (entail run --query finds the rows)",
                                    relation.columns[i].name, relation.name));
  }
  return Fact{*atom.relation, atom.constants};
}

std::string json_text(const std::string& text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

class WhyCommand {
 public:
  explicit WhyCommand(const CommandLine& line) : line_(line), interrupt_(cancel_) {}

  int run(LoadedProgram& loaded) {
    auto fact = evaluate(loaded);
    if (!fact) return report_failure(fact.error());
    KnownFacts known(*run_, loaded.files, stated_);
    auto holds = known.holds(*fact);
    if (!holds) return report_failure(holds.error());
    const bool is_json = line_.format == OutputFormat::kJson;
    const std::string text = known.text(*fact);
    if (line_.command == Command::kWhyNot) {
      if (*holds) {
        return print_answer_text(
            is_json ? fmt::format("{{\"fact\": {}, \"holds\": true}}\n", json_text(text))
                    : text + " holds; entail why shows a proof\n");
      }
      auto failures = why_not(known, *fact);
      if (!failures) return report_failure(failures.error());
      return print_answer_text(is_json ? failure_json(text, *failures)
                                       : failure_text(text, *failures));
    }
    if (!*holds) {
      print_error(text + " does not hold; entail why-not shows what is missing");
      return static_cast<int>(ExitCode::kError);
    }
    auto proof = prove(known, *fact, line_.line_limit);
    if (!proof) return report_failure(proof.error());
    return print_answer_text(is_json ? proof_json(*proof) : proof_text(*proof));
  }

 private:
  Expected<Fact> evaluate(LoadedProgram& loaded) {
    // The question is read twice: before the facts, which it decides about, and into the run's pool.
    vm::ValuePool pool(loaded.rules->types);
    auto asked = parse_fact(line_.question, *loaded.rules, pool);
    if (!asked) return asked;
    datalog::Directive goal;
    goal.kind = datalog::DirectiveKind::kOutput;
    goal.relation = asked->relation;
    loaded.rules->directives.push_back(goal);

    const auto gather = [this](datalog::RelationId relation,
                               std::span<const vm::Word* const> columns, std::size_t rows) {
      if (!run_->is_derived(relation)) return;
      for (std::size_t i = 0; i < rows; ++i) {
        Fact fact{relation, {}};
        for (const vm::Word* column : columns) fact.words.push_back(column[i]);
        stated_.insert(std::move(fact));
      }
    };
    auto run = ProgramRun::create(std::move(*loaded.rules), loaded.files,
                                  {.memory_limit = line_.memory_limit,
                                   .cancel = &cancel_,
                                   .ranks = true,
                                   .watch_facts = gather});
    if (!run) return unexpected(run.error());
    run_ = std::move(*run);
    auto facts = run_->load_facts(line_.facts_directory);
    if (!facts) return unexpected(facts.error());
    if (auto evaluated = run_->evaluate(); !evaluated) return unexpected(evaluated.error());
    auto fact = parse_fact(line_.question, run_->program(), run_->pool());
    if (fact) {
      const auto& words = run_->evaluation().layout(fact->relation).words;
      for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i].handle) run_->pool().retain(fact->words[i]);
      }
    }
    return fact;
  }

  const CommandLine& line_;
  CancelToken cancel_;
  InterruptGuard interrupt_;
  KnownFacts::StatedFacts stated_;
  std::unique_ptr<ProgramRun> run_;
};

}  // namespace

int run_why(const CommandLine& line) {
  LoadedProgram loaded = load_program(line, LoadUpTo::kExecutable);
  print_error_text(loaded.diagnostics.render(loaded.files));
  if (!loaded.rules) return static_cast<int>(ExitCode::kError);
  return WhyCommand(line).run(loaded);
}

}  // namespace entail::cli
