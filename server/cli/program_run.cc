#include "server/cli/program_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "server/cli/fact_form.h"
#include "server/cli/fact_reader.h"
#include "server/cli/relation_use.h"

namespace entail::cli {

ProgramRun::ProgramRun(datalog::RuleProgram program, const Options& options)
    : program_(std::move(program)),
      options_(options),
      team_(options.threads),
      memory_(options.memory_limit) {}

Expected<std::unique_ptr<ProgramRun>> ProgramRun::create(datalog::RuleProgram program,
                                                         const grammar::SourceFiles& files,
                                                         const Options& options) {
  std::unique_ptr<ProgramRun> run(new ProgramRun(std::move(program), options));
  run->pool_ = std::make_unique<vm::ValuePool>(run->program_.types);
  compiler::EvaluationOptions evaluation_options;
  evaluation_options.pool = run->pool_.get();
  evaluation_options.team = &run->team_;
  evaluation_options.files = &files;
  evaluation_options.cancel = options.cancel;
  evaluation_options.clock = options.measure_time ? &run->clock_ : nullptr;
  evaluation_options.progress = &run->progress_;
  evaluation_options.memory = &run->memory_;
  evaluation_options.ranks = options.ranks;
  evaluation_options.starts_clocks = true;
  auto evaluation = compiler::Evaluation::create(run->program_, evaluation_options);
  if (!evaluation) return unexpected(evaluation.error());
  run->evaluation_ = std::move(*evaluation);
  return run;
}

Expected<void> ProgramRun::check_memory() const {
  // Relations ask the budget themselves; texts are counted here.
  const std::uint64_t limit = memory_.limit();
  if (limit == MemoryBudget::kUnlimited) return {};
  if (memory_.used() + pool_->bytes_used() <= limit) return {};
  return unexpected(ErrorCode::kLimit, fmt::format("the facts need more than the {} bytes of "
                                                   "--memory",
                                                   limit));
}

Expected<std::uint64_t> ProgramRun::load_one(const datalog::Directive& directive,
                                             const std::string& directory) {
  const datalog::Relation& relation = program_.relation(directive.relation);
  auto form = input_form(directive, relation, directory);
  if (!form) return unexpected(form.error());
  const RowSink sink = [&](std::span<const vm::Word* const> columns,
                           std::size_t rows) -> Expected<void> {
    if (auto loaded = evaluation_->load(directive.relation, columns, rows); !loaded) return loaded;
    if (options_.watch_facts) options_.watch_facts(directive.relation, columns, rows);
    return check_memory();
  };
  return read_facts(*form, row_shape(relation), *pool_, {.cancel = options_.cancel}, sink);
}

Expected<std::uint64_t> ProgramRun::load_facts(const std::string& directory) {
  const std::vector<RelationUse> uses = relation_uses(program_);
  const bool has_goal = std::any_of(uses.begin(), uses.end(),
                                    [](const RelationUse& use) { return use.leads_to_output; });
  std::uint64_t rows = 0;
  for (const datalog::Directive& directive : program_.directives) {
    if (directive.kind != datalog::DirectiveKind::kInput) continue;
    if (has_goal && !uses[datalog::index_of(directive.relation)].leads_to_output) continue;
    auto loaded = load_one(directive, directory);
    if (!loaded) return loaded;
    rows += *loaded;
  }
  return rows;
}

Expected<void> ProgramRun::evaluate() { return evaluation_->run(); }

std::uint64_t ProgramRun::row_count(datalog::RelationId relation) const {
  return evaluation_->row_count(relation);
}

RowSource ProgramRun::rows(datalog::RelationId relation) const {
  return [cursor = evaluation_->rows(relation)](std::span<vm::Word* const> columns,
                                                std::size_t capacity) mutable {
    return cursor.next(columns, capacity);
  };
}

bool ProgramRun::is_derived(datalog::RelationId relation) const {
  if (program_.relation(relation).equivalence) return true;
  return std::any_of(program_.rules.begin(), program_.rules.end(),
                     [&](const auto& rule) { return rule.head.relation == relation; });
}

}  // namespace entail::cli
