#include "compiler/explain.h"

#include <algorithm>
#include <map>
#include <utility>

#include "compiler/emit.h"
#include "compiler/evaluate.h"
#include "compiler/hoist.h"
#include "compiler/index_selection.h"
#include "datalog/program_printer.h"
#include "vm/disassembler.h"

namespace entail::compiler {

namespace {

using datalog::RelationId;

std::string stratum_title(const datalog::RuleProgram& program, std::uint32_t number) {
  const datalog::Stratum& stratum = program.strata[number];
  std::string text = "stratum " + std::to_string(number) + ":";
  for (std::size_t i = 0; i < stratum.relations.size(); ++i) {
    text += (i == 0 ? " " : ", ") + program.relation(stratum.relations[i]).name;
  }
  return text + (stratum.recursive ? " (recursive)\n" : "\n");
}

std::string work_text(const RuleStatistics& work) {
  return "  " + std::to_string(work.runs) + " runs: " + std::to_string(work.rows_scanned) +
         " scanned, " + std::to_string(work.rows_probed) + " probed, " +
         std::to_string(work.rows_matched) + " matched, " + std::to_string(work.candidates) +
         " derived, " + std::to_string(work.rows_inserted) + " new\n";
}

// Plans each stratum with guessed sizes and gives plan and code to `take`.
template <typename Take>
Expected<void> plan_all(datalog::RuleProgram& program, vm::ValuePool& pool, Take&& take) {
  hoist_reductions(program);
  std::vector<RelationLayout> layouts;
  FixedCardinalities cardinalities;
  for (std::size_t i = 0; i < program.relations.size(); ++i) {
    layouts.push_back(layout_of(program.relations[i], program.types));
    cardinalities.words_by_relation[static_cast<RelationId>(i)] =
        static_cast<std::uint32_t>(layouts.back().words.size());
  }
  for (const datalog::Rule& rule : program.rules) {
    if (!rule.body.empty()) continue;
    const auto fact = cardinalities.rows_by_relation.emplace(rule.head.relation, 0).first;
    fact->second += 1;
  }
  PlanScope scope;
  scope.program = &program;
  scope.layouts = &layouts;
  scope.cardinalities = &cardinalities;
  const EmitScope emit{&program, &layouts, &pool, nullptr};
  std::map<RelationId, std::vector<vm::IndexSpec>> indexes;
  for (std::uint32_t number = 0; number < program.strata.size(); ++number) {
    datalog::Stratum stratum = program.strata[number];
    stratum.rules.erase(
        std::remove_if(stratum.rules.begin(), stratum.rules.end(),
                       [&](datalog::RuleId id) { return program.rule(id).body.empty(); }),
        stratum.rules.end());
    if (stratum.rules.empty()) continue;
    auto plan = plan_stratum(scope, stratum);
    if (!plan) return unexpected(std::move(plan).error());
    std::vector<RulePlan*> all;
    for (RulePlan& rule : plan->base) all.push_back(&rule);
    for (RulePlan& rule : plan->deltas) all.push_back(&rule);
    select_indexes(all, [&](RelationId id, const vm::IndexSpec& spec) {
      std::vector<vm::IndexSpec>& known = indexes[id];
      const auto found = std::find_if(known.begin(), known.end(), [&](const vm::IndexSpec& other) {
        return other.key == spec.key && other.range_column == spec.range_column;
      });
      const auto position = static_cast<std::uint32_t>(found - known.begin());
      if (found == known.end()) known.push_back(spec);
      return position;
    });
    auto code = emit_stratum(emit, *plan);
    if (!code) return unexpected(std::move(code).error());
    take(number, *plan, *code);
    for (const vm::Word word : code->retained) pool.release(word);
  }
  return {};
}

}  // namespace

std::string print_stratum_plan(const datalog::RuleProgram& program, const StratumPlan& plan,
                               const StratumStatistics* work) {
  std::string text;
  for (const std::vector<RulePlan>* plans : {&plan.base, &plan.deltas}) {
    for (const RulePlan& rule : *plans) {
      text += datalog::print_rule(program, *rule.rule) + "  // " + rule.version_name() + "\n";
      text += print_plan(program, rule);
      if (work == nullptr) continue;
      for (const RuleStatistics& done : work->rules) {
        if (done.rule == rule.id && done.version == rule.version_name()) text += work_text(done);
      }
    }
  }
  return text;
}

Expected<std::string> explain_plan(datalog::RuleProgram& program) {
  vm::ValuePool pool(program.types);
  std::string text;
  auto planned = plan_all(
      program, pool, [&](std::uint32_t number, const StratumPlan& plan, const StratumCode&) {
        text += stratum_title(program, number) + print_stratum_plan(program, plan);
      });
  if (!planned) return unexpected(std::move(planned).error());
  return text;
}

Expected<std::string> explain_bytecode(datalog::RuleProgram& program) {
  vm::ValuePool pool(program.types);
  std::string text;
  auto planned = plan_all(program, pool,
                          [&](std::uint32_t number, const StratumPlan&, const StratumCode& code) {
                            text += stratum_title(program, number) + vm::disassemble(code.program);
                          });
  if (!planned) return unexpected(std::move(planned).error());
  return text;
}

std::string explain_plan(const Evaluation& evaluation) {
  std::string text;
  const auto& explanations = evaluation.explanations();
  for (std::size_t i = 0; i < explanations.size(); ++i) {
    const std::uint32_t number = explanations[i].stratum;
    const bool again = i > 0 && explanations[i - 1].stratum == number;
    text += again ? "planned again\n" : stratum_title(evaluation.program(), number);
    text += explanations[i].plan;
    const bool last = i + 1 == explanations.size() || explanations[i + 1].stratum != number;
    if (!last) continue;
    for (const StratumStatistics& work : evaluation.statistics().strata) {
      if (work.stratum != number) continue;
      text += "work of stratum " + std::to_string(number) + ": " + std::to_string(work.rounds) +
              " rounds, " + std::to_string(work.rows_touched) + " rows touched\n";
      for (const RuleStatistics& done : work.rules) {
        text += "  rule " + std::to_string(datalog::index_of(done.rule)) + ", " + done.version +
                "," + work_text(done);
      }
    }
  }
  return text;
}

std::string explain_bytecode(const Evaluation& evaluation) {
  std::string text;
  for (const StratumExplanation& explanation : evaluation.explanations()) {
    text += stratum_title(evaluation.program(), explanation.stratum) + explanation.bytecode;
  }
  return text;
}

}  // namespace entail::compiler
