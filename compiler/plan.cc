#include "compiler/plan.h"

#include <cmath>
#include <cstdio>

#include "datalog/program_printer.h"

namespace entail::compiler {

namespace {

std::string rows_text(double rows) {
  char text[32];
  if (rows < 1e6) {
    std::snprintf(text, sizeof text, "~%.0f rows", std::ceil(rows));
  } else {
    std::snprintf(text, sizeof text, "~%.1e rows", rows);
  }
  return text;
}

std::string list_text(const std::vector<std::uint32_t>& positions) {
  std::string text = "{";
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(positions[i]);
  }
  return text + "}";
}

class PlanPrinter {
 public:
  PlanPrinter(const datalog::RuleProgram& program, const RulePlan& plan)
      : program_(program), plan_(plan) {}

  std::string print(const std::vector<Step>& steps, const std::string& indent) const {
    std::string text;
    for (const Step& step : steps) {
      std::string line = indent + describe(step);
      const std::size_t column = indent.size() + 44;
      if (line.size() < column) line.resize(column, ' ');
      text += line + "  " + rows_text(step.rows) + "\n";
      text += print(step.inner, indent + "  | ");
    }
    return text;
  }

 private:
  std::string literal(const Step& step) const {
    return step.literal == nullptr ? ""
                                   : datalog::print_literal(program_, *plan_.rule, *step.literal);
  }
  std::string expression(const datalog::Expression& expression) const {
    return datalog::print_expression(program_, *plan_.rule, expression);
  }

  std::string describe(const Step& step) const {
    const std::string negation = step.negate ? "no " : "";
    const std::string view = step.view == vm::View::kDelta ? "delta "
                             : step.view == vm::View::kOld ? "old "
                                                           : "";
    const std::string by = " by " + list_text(step.given);
    switch (step.kind) {
      case StepKind::kUnit:
        return "unit";
      case StepKind::kScan:
        return "scan " + view + literal(step);
      case StepKind::kProbe:
        return "probe " + view + literal(step) + by;
      case StepKind::kRange: {
        std::string text =
            "range " + view + literal(step) + by + ", column " + std::to_string(step.range_column);
        if (step.low != nullptr)
          text += (step.low_inclusive ? " >= " : " > ") + expression(*step.low);
        if (step.high != nullptr) {
          text += (step.high_inclusive ? " <= " : " < ") + expression(*step.high);
        }
        return text;
      }
      case StepKind::kCross:
        return "cross " + view + literal(step);
      case StepKind::kMember:
        return negation + "member " + view + literal(step);
      case StepKind::kSemi:
        return negation + "match " + view + literal(step) + by;
      case StepKind::kNonEmpty:
        return negation + "row in " + view + literal(step);
      case StepKind::kEqScan:
        return "pairs " + view + literal(step);
      case StepKind::kEqProbe:
        return "equivalents " + view + literal(step) + by;
      case StepKind::kEqCross:
        return "cross pairs " + view + literal(step);
      case StepKind::kEqMember:
        return negation + "equivalent " + view + literal(step);
      case StepKind::kFilter:
        return "filter " + literal(step);
      case StepKind::kBind:
        return "bind " + literal(step);
      case StepKind::kCompare:
        return "compare " + literal(step);
      case StepKind::kEach:
        return "each " + literal(step);
      case StepKind::kMark:
        return negation + "row of " + literal(step);
      case StepKind::kCount:
        return "count matches " + literal(step) + by;
      case StepKind::kReduce:
        return "reduce " + literal(step);
      case StepKind::kGroups:
        return "groups " + literal(step);
      case StepKind::kRanks:
        return "ranks " + literal(step);
    }
    return "";
  }

  const datalog::RuleProgram& program_;
  const RulePlan& plan_;
};

}  // namespace

std::string RulePlan::version_name() const {
  switch (form) {
    case RuleForm::kFull:
      return "full";
    case RuleForm::kDelta:
      return "delta " + std::to_string(version);
    case RuleForm::kBound:
      return "bound";
  }
  return "";
}

std::string print_plan(const datalog::RuleProgram& program, const RulePlan& plan,
                       const std::string& indent) {
  return PlanPrinter(program, plan).print(plan.steps, indent);
}

}  // namespace entail::compiler
