#include <utility>

#include "compiler/emit.h"
#include "compiler/internal/emit_body.h"
#include "compiler/internal/emit_pattern.h"
#include "compiler/internal/emit_rank.h"
#include "compiler/internal/fragment_builder.h"
#include "datalog/body_walk.h"
#include "datalog/program_printer.h"
#include "vm/verifier.h"

namespace entail::compiler {

namespace {

using internal::BodyEmitter;
using internal::FragmentBuilder;
using internal::ProgramBuilder;
using vm::Instruction;
using vm::Opcode;

std::set<datalog::VariableId> variables_of_head(const datalog::Rule& rule) {
  std::set<datalog::VariableId> result;
  for (const datalog::Expression& term : rule.head.terms) result.merge(datalog::variables_of(term));
  return result;
}

std::set<datalog::VariableId> variables_of_groups(const datalog::Reduce& reduce) {
  std::set<datalog::VariableId> result;
  for (const datalog::GroupKey& key : reduce.keys) result.merge(datalog::variables_of(key.value));
  for (const datalog::Aggregate& aggregate : reduce.aggregates) {
    result.merge(datalog::variables_of_arguments(aggregate));
  }
  return result;
}

// Whether evaluating the expression may leave values in the pool that no row keeps.
bool makes_values(const datalog::Expression& node) {
  using datalog::ExpressionOp;
  switch (node.op) {
    case ExpressionOp::kVariable:
    case ExpressionOp::kConstant:
    case ExpressionOp::kNull:
    case ExpressionOp::kWildcard:
    case ExpressionOp::kParameter:
    case ExpressionOp::kField:
    case ExpressionOp::kElement:
      return false;
    default:
      return vm::may_be_handle(node.type.kind);
  }
}

class StratumEmitter {
 public:
  explicit StratumEmitter(const EmitScope& scope)
      : scope_(scope), builder_(*scope.program, *scope.pool, scope.files) {}

  // The fragments of a plan; their Run instructions go to `control`.
  void add(const RulePlan& plan, std::vector<Instruction>& control);
  Expected<StratumCode> finish(std::vector<Instruction> control);

  std::uint32_t relation_list(const std::vector<datalog::RelationId>& relations) {
    std::vector<std::uint16_t> operands;
    for (const datalog::RelationId relation : relations) {
      operands.push_back(builder_.operand_of(relation));
    }
    return builder_.program().add_list(operands);
  }
  ProgramBuilder& builder() { return builder_; }

 private:
  void run(std::uint32_t fragment, const std::string& version, std::vector<Instruction>& control) {
    control.push_back({Opcode::kRun, 0, static_cast<std::uint16_t>(fragment), 0, 0, 0, 0, 0});
    code_.versions.push_back(version);
  }
  std::uint32_t emit_groups(const RulePlan& plan, std::uint16_t table);
  std::uint32_t emit_ranks(const RulePlan& plan, const internal::RankLayout& layout,
                           std::uint16_t table);
  internal::RankLayout lay_out(const RulePlan& plan);

  const EmitScope& scope_;
  ProgramBuilder builder_;
  StratumCode code_;
};

std::uint32_t StratumEmitter::emit_groups(const RulePlan& plan, std::uint16_t table) {
  const Step& groups = plan.steps.front();
  const auto& reduce = std::get<datalog::Reduce>(groups.literal->node);
  FragmentBuilder fragment(builder_, plan.id, *plan.rule,
                           datalog::print_rule(*scope_.program, *plan.rule) + "  // groups");
  BodyEmitter body(fragment, *scope_.layouts, scope_.ranked);
  const std::uint32_t kinds = fragment.list(body.group_kinds(reduce));
  fragment.fragment().groups_filled.push_back(table);
  body.run_pipeline(
      groups.inner, variables_of_groups(reduce), [&] { body.step_groups(reduce, table); },
      [&] {
        fragment.emit(Opcode::kGroupBegin, table, BodyEmitter::group_key_words(reduce), 0, 0,
                      kinds);
      });
  return fragment.finish();
}

std::uint32_t StratumEmitter::emit_ranks(const RulePlan& plan, const internal::RankLayout& layout,
                                         std::uint16_t table) {
  const Step& ranks = plan.steps.front();
  FragmentBuilder fragment(builder_, plan.id, *plan.rule,
                           datalog::print_rule(*scope_.program, *plan.rule) + "  // ranks");
  BodyEmitter body(fragment, *scope_.layouts, scope_.ranked);
  const auto variables = internal::variables_of_rows(internal::gathered_body(*ranks.literal));
  body.run_pipeline(ranks.inner, {variables.begin(), variables.end()},
                    [&] { body.emit_values(layout.values, layout.columns, table); });
  fragment.fragment().single_worker = true;  // All rows go into one table.
  return fragment.finish();
}

internal::RankLayout StratumEmitter::lay_out(const RulePlan& plan) {
  const auto& node = plan.steps.front().literal->node;
  if (const auto* rank = std::get_if<datalog::Rank>(&node)) {
    return internal::lay_out_rank(*plan.rule, *rank);
  }
  auto layout =
      internal::lay_out_pattern({scope_.program, scope_.pool, scope_.files, plan.id}, *plan.rule,
                                std::get<datalog::Pattern>(node), code_.retained);
  if (layout) return std::move(*layout);
  builder_.refuse(layout.error().message);
  return {};
}

void StratumEmitter::add(const RulePlan& plan, std::vector<Instruction>& control) {
  internal::RankLayout layout;
  const bool ranked = !plan.steps.empty() && plan.steps.front().kind == StepKind::kRanks;
  std::uint16_t rank_table = 0;
  if (ranked) {
    layout = lay_out(plan);
    code_.rank_tables.push_back(layout.spec);
    rank_table = ++builder_.program().rank_tables;
    run(emit_ranks(plan, layout, rank_table), plan.version_name() + ", ranks", control);
    control.push_back({Opcode::kComputeRanks, 0, rank_table, 0, 0, 0, 0, 0});
  }
  const bool grouped = !plan.steps.empty() && plan.steps.front().kind == StepKind::kGroups;
  std::uint16_t table = 0;
  if (grouped) {
    table = builder_.program().group_tables++;
    run(emit_groups(plan, table), plan.version_name() + ", groups", control);
  }
  FragmentBuilder fragment(
      builder_, plan.id, *plan.rule,
      datalog::print_rule(*scope_.program, *plan.rule) + "  // " + plan.version_name());
  BodyEmitter body(fragment, *scope_.layouts, scope_.ranked);
  const std::set<datalog::VariableId> needed = variables_of_head(*plan.rule);
  auto derive = [&] {
    if (scope_.emitted == plan.rule->head.relation) {
      body.emit_head(plan.rule->head);
    } else {
      body.insert(plan.rule->head);
    }
  };
  if (ranked) {
    body.run_given(layout.handed, layout.handed_columns, layout.handed_words,
                   {plan.steps.begin() + 1, plan.steps.end()}, needed, derive, rank_table);
  } else if (grouped) {
    body.run_groups(plan.steps, table, needed, derive);
  } else {
    body.run_pipeline(plan.steps, needed, derive);
  }
  run(fragment.finish(), plan.version_name(), control);
}

Expected<StratumCode> StratumEmitter::finish(std::vector<Instruction> control) {
  if (builder_.refused()) {
    for (const vm::Word word : builder_.retained()) scope_.pool->release(word);
    for (const vm::Word word : code_.retained) scope_.pool->release(word);
    return unexpected(*builder_.refused());
  }
  builder_.link(std::move(control));
  code_.program = std::move(builder_.program());
  code_.operands = builder_.operands();
  code_.retained.insert(code_.retained.end(), builder_.retained().begin(),
                        builder_.retained().end());
  if (auto verified = vm::verify_program(code_.program); !verified) {
    return unexpected(
        verified.error().code,
        "the compiler made a program that the machine refuses: " + verified.error().message);
  }
  return std::move(code_);
}

bool leaves_values(const std::vector<RulePlan>& plans) {
  bool found = false;
  for (const RulePlan& plan : plans) {
    datalog::walk_rule_expressions(
        *plan.rule, [&](const datalog::Expression& node) { found = found || makes_values(node); });
    walk_steps(plan.steps, [&](const Step& step) {
      const auto look = [&](datalog::VariableId result) {
        const vm::Type type = plan.rule->variables[datalog::index_of(result)].type;
        found = found || vm::may_be_handle(type.kind);
      };
      if (step.literal == nullptr) return;
      if (const auto* reduce = std::get_if<datalog::Reduce>(&step.literal->node)) {
        for (const datalog::Aggregate& aggregate : reduce->aggregates) look(aggregate.result);
      } else if (const auto* rank = std::get_if<datalog::Rank>(&step.literal->node)) {
        for (const datalog::RankResult& function : rank->functions) look(function.result);
      } else if (const auto* pattern = std::get_if<datalog::Pattern>(&step.literal->node)) {
        for (const datalog::PatternValue& measure : pattern->measures) look(measure.result);
      }
    });
  }
  return found;
}

}  // namespace

Expected<StratumCode> emit_stratum(const EmitScope& scope, const StratumPlan& plan) {
  StratumEmitter emitter(scope);
  std::vector<Instruction> control;
  const bool leaves = leaves_values(plan.base) || leaves_values(plan.deltas);
  if (plan.relations.size() == 1 && scope.emitted == plan.relations.front()) {
    // The rows that were handed on still use what was made for them.
    for (const RulePlan& rule : plan.base) emitter.add(rule, control);
    control.push_back({Opcode::kHalt, 0, 0, 0, 0, 0, 0, 0});
    auto code = emitter.finish(std::move(control));
    if (code) code->leaves_values = leaves;
    return code;
  }
  const std::uint32_t relations = emitter.relation_list(plan.relations);
  auto with_list = [&](Opcode op, std::uint16_t a = 0) {
    control.push_back({op, 0, a, 0, 0, 0, relations, 0});
  };
  for (const RulePlan& rule : plan.base) emitter.add(rule, control);
  with_list(Opcode::kAdvance);
  if (!plan.deltas.empty()) {
    const std::size_t to_check = control.size();
    control.push_back({Opcode::kJump, 0, 0, 0, 0, 0, 0, 0});
    const auto top = static_cast<std::uint32_t>(control.size());
    for (const RulePlan& rule : plan.deltas) emitter.add(rule, control);
    with_list(Opcode::kAdvance);
    if (leaves_values(plan.deltas)) control.push_back({Opcode::kReclaim, 0, 0, 0, 0, 0, 0, 0});
    with_list(Opcode::kReplanIfGrew, kReplanGrowth);
    const auto check = static_cast<std::uint32_t>(control.size());
    control[to_check].f = check;
    emitter.builder().program().resume_entry = check;
    with_list(Opcode::kLoopIfGrew);
    control.back().f = top;
  }
  with_list(Opcode::kSettle);
  if (leaves) control.push_back({Opcode::kReclaim, 0, 0, 0, 0, 0, 0, 0});
  control.push_back({Opcode::kHalt, 0, 0, 0, 0, 0, 0, 0});
  auto code = emitter.finish(std::move(control));
  if (code) code->leaves_values = leaves;
  return code;
}

std::vector<std::unique_ptr<vm::GatheringTable>> rank_tables_of(const StratumCode& code,
                                                                vm::ValuePool& pool,
                                                                MemoryBudget* memory) {
  std::vector<std::unique_ptr<vm::GatheringTable>> tables;
  for (const GatheringSpec& spec : code.rank_tables) {
    tables.push_back(gathering_table(spec, pool, memory));
  }
  return tables;
}

Expected<StratumCode> emit_once(const EmitScope& scope, const RulePlan& plan) {
  StratumEmitter emitter(scope);
  std::vector<Instruction> control;
  const std::uint32_t relations = emitter.relation_list({plan.rule->head.relation});
  emitter.add(plan, control);
  control.push_back({Opcode::kAdvance, 0, 0, 0, 0, 0, relations, 0});
  control.push_back({Opcode::kSettle, 0, 0, 0, 0, 0, relations, 0});
  control.push_back({Opcode::kHalt, 0, 0, 0, 0, 0, 0, 0});
  return emitter.finish(std::move(control));
}

}  // namespace entail::compiler
