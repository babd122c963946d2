#include "server/cli/explain_command.h"

#include <fmt/format.h>

#include <vector>

#include "compiler/emit.h"
#include "compiler/hoist.h"
#include "compiler/index_selection.h"
#include "compiler/layout.h"
#include "compiler/plan.h"
#include "compiler/rule_plan.h"
#include "compiler/statistics.h"
#include "datalog/demand.h"
#include "datalog/program_printer.h"
#include "grammar/printer.h"
#include "server/cli/console.h"
#include "server/cli/network_run.h"
#include "server/cli/program_source.h"
#include "vm/disassembler.h"
#include "vm/opcodes.h"
#include "vm/value_pool.h"

namespace entail::cli {
namespace {

using datalog::index_of;
using datalog::RelationId;
using datalog::RuleProgram;

// A program with all that planning it needs.
class Planned {
 public:
  explicit Planned(RuleProgram& program) : program_(program) {
    compiler::hoist_reductions(program_);
    for (const datalog::Relation& relation : program_.relations) {
      layouts_.push_back(compiler::layout_of(relation, program_.types));
    }
    indexes_.resize(program_.relations.size());
    for (const datalog::Rule& rule : program_.rules) {
      if (rule.body.empty()) cardinalities_.rows_by_relation[rule.head.relation] += 1;
    }
    for (std::size_t i = 0; i < layouts_.size(); ++i) {
      cardinalities_.words_by_relation[static_cast<RelationId>(i)] =
          static_cast<std::uint32_t>(layouts_[i].words.size());
    }
  }

  const std::vector<compiler::RelationLayout>& layouts() const { return layouts_; }

  Expected<compiler::StratumPlan> plan(const datalog::Stratum& stratum) {
    compiler::PlanScope scope;
    scope.program = &program_;
    scope.layouts = &layouts_;
    scope.cardinalities = &cardinalities_;
    auto plan = compiler::plan_stratum(scope, stratum);
    if (!plan) return plan;
    std::vector<compiler::RulePlan*> plans;
    for (auto& rule : plan->base) plans.push_back(&rule);
    for (auto& rule : plan->deltas) plans.push_back(&rule);
    compiler::select_indexes(plans, [this](RelationId relation, const vm::IndexSpec& spec) {
      auto& known = indexes_[index_of(relation)];
      for (std::uint32_t i = 0; i < known.size(); ++i) {
        if (known[i].key == spec.key && known[i].range_column == spec.range_column) return i;
      }
      known.push_back(spec);
      return static_cast<std::uint32_t>(known.size() - 1);
    });
    return plan;
  }

 private:
  RuleProgram& program_;
  std::vector<compiler::RelationLayout> layouts_;
  compiler::FixedCardinalities cardinalities_;
  std::vector<std::vector<vm::IndexSpec>> indexes_;
};

std::string print_rule_plans(const RuleProgram& program, const compiler::StratumPlan& plan,
                             const std::string& relation) {
  std::string text;
  const auto print = [&](const compiler::RulePlan& rule) {
    if (!relation.empty() && program.relation(rule.rule->head.relation).name != relation) return;
    if (rule.rule->body.empty()) return;  // A fact.
    text += datalog::print_rule(program, *rule.rule) + "\n";
    text += "  " + rule.version_name() + "\n";
    text += compiler::print_plan(program, rule, "    ");
  };
  for (const auto& rule : plan.base) print(rule);
  for (const auto& rule : plan.deltas) print(rule);
  return text;
}

Expected<std::string> explain_bytecode(RuleProgram& program, const grammar::SourceFiles& files) {
  Planned planned(program);
  vm::ValuePool pool(program.types);
  compiler::EmitScope scope;
  scope.program = &program;
  scope.layouts = &planned.layouts();
  scope.pool = &pool;
  scope.files = &files;
  std::string text;
  for (std::size_t i = 0; i < program.strata.size(); ++i) {
    auto plan = planned.plan(program.strata[i]);
    if (!plan) return unexpected(plan.error());
    auto code = compiler::emit_stratum(scope, *plan);
    if (!code) return unexpected(code.error());
    text += fmt::format("stratum {}\n{}\n", i, vm::disassemble(code->program));
  }
  return text;
}

// With -F its facts are in it, so that memories and activity show.
Expected<std::string> explain_network(const CommandLine& line, const LoadedProgram& loaded) {
  auto run = NetworkRun::create(*loaded.rules, loaded.files, {});
  if (!run) return unexpected(run.error());
  rete::Network& network = (*run)->network();
  if (line.has_facts_directory) {
    auto facts = (*run)->load_facts(line.facts_directory);
    if (!facts) return unexpected(facts.error());
  }
  auto committed = network.commit();
  if (!committed) return unexpected(committed.error());
  return line.format == OutputFormat::kDot ? network.to_dot() : network.to_text();
}

}  // namespace

std::string explain_plan(RuleProgram& program, const std::string& relation) {
  Planned planned(program);
  std::string text;
  for (std::size_t i = 0; i < program.strata.size(); ++i) {
    auto plan = planned.plan(program.strata[i]);
    const std::string plans =
        plan ? print_rule_plans(program, *plan, relation) : plan.error().message + "\n";
    if (plans.empty()) continue;
    if (relation.empty()) text += fmt::format("stratum {}\n", i);
    text += plans;
  }
  return text;
}

int run_explain(const CommandLine& line) {
  if (line.stage == ExplainStage::kOpcodes) return print_answer_text(vm::opcode_manual());
  const LoadUpTo goal = line.stage == ExplainStage::kTree      ? LoadUpTo::kTree
                        : line.stage == ExplainStage::kRules   ? LoadUpTo::kRules
                        : line.stage == ExplainStage::kNetwork ? LoadUpTo::kStanding
                                                               : LoadUpTo::kExecutable;
  LoadedProgram loaded = load_program(line, goal);
  print_error_text(loaded.diagnostics.render(loaded.files));
  if (loaded.diagnostics.has_errors()) return static_cast<int>(ExitCode::kError);
  if (line.stage == ExplainStage::kTree) {
    return print_answer_text(grammar::print(loaded.tree));
  }
  if (loaded.question) {
    loaded.rules = datalog::demand(std::move(*loaded.rules), loaded.question->demand).program;
  }
  switch (line.stage) {
    case ExplainStage::kRules:
      return print_answer_text(datalog::print_program(*loaded.rules));
    case ExplainStage::kBytecode: {
      auto text = explain_bytecode(*loaded.rules, loaded.files);
      return text ? print_answer_text(*text) : report_failure(text.error());
    }
    case ExplainStage::kNetwork: {
      auto text = explain_network(line, loaded);
      return text ? print_answer_text(*text) : report_failure(text.error());
    }
    default:
      return print_answer_text(explain_plan(*loaded.rules, {}));
  }
}

}  // namespace entail::cli
