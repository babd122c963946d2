// Terms: ClauseBuilder, third part.
#include "datalog/internal/build.h"

#include <utility>

namespace entail::datalog {
namespace {

using grammar::Expr;
using grammar::SourceSpan;

}  // namespace

std::optional<AggregateOp> aggregate_named(const std::string& name) {
  if (name == "count") return AggregateOp::kCount;
  if (name == "count_distinct") return AggregateOp::kCountDistinct;
  if (name == "sum") return AggregateOp::kSum;
  if (name == "min") return AggregateOp::kMin;
  if (name == "max") return AggregateOp::kMax;
  if (name == "mean" || name == "avg") return AggregateOp::kMean;
  if (name == "collect") return AggregateOp::kCollect;
  return std::nullopt;
}

CoreTerm ClauseBuilder::literal(grammar::LiteralKind kind, std::string text, SourceSpan span) {
  CoreTerm made;
  made.kind = TermKind::kLiteral;
  made.span = span;
  made.literal = kind;
  made.text = std::move(text);
  return made;
}

CoreTerm ClauseBuilder::term(const Expr& expr) {
  CoreTerm made;
  made.span = expr.span;
  const auto operation = [&](Functor functor, std::vector<CoreTerm> args) {
    made.kind = TermKind::kCall;
    made.functor = functor;
    made.args = std::move(args);
    return std::move(made);
  };
  if (const auto* node = expr.as<grammar::Literal>())
    return literal(node->kind, node->text, expr.span);
  if (const auto* node = expr.as<grammar::Variable>()) {
    if (!arguments_.empty()) {
      if (const auto found = arguments_.back().find(node->name); found != arguments_.back().end())
        return found->second;
      environment_.diagnostics.error(expr.span,
                                     "'" + node->name + "' is not a parameter of the function");
    }
    return CoreTerm::make_variable(node->name, expr.span);
  }
  if (expr.as<grammar::Wildcard>() != nullptr) return made;
  if (expr.as<grammar::Counter>() != nullptr) {
    made.kind = TermKind::kCounter;
    return made;
  }
  if (const auto* node = expr.as<grammar::Path>()) return path(*node, expr.span);
  if (const auto* node = expr.as<grammar::Unary>()) {
    std::vector<CoreTerm> args;
    args.push_back(term(*node->operand));
    return operation(functor_of(node->op), std::move(args));
  }
  if (const auto* node = expr.as<grammar::Binary>()) {
    std::vector<CoreTerm> args;
    args.push_back(term(*node->left));
    args.push_back(term(*node->right));
    return operation(functor_of(node->op), std::move(args));
  }
  if (const auto* node = expr.as<grammar::Conditional>()) {
    made.kind = TermKind::kIf;
    if (auto condition = boolean(*node->condition)) {
      made.condition.push_back(std::move(*condition));
    } else {
      CoreCondition never;
      made.condition.push_back(std::move(never));
    }
    made.args.push_back(term(*node->then_value));
    made.args.push_back(term(*node->else_value));
    return made;
  }
  if (const auto* node = expr.as<grammar::Call>()) return call(*node, expr.span);
  if (const auto* node = expr.as<grammar::Aggregate>()) return aggregate(*node, expr.span);
  if (const auto* node = expr.as<grammar::RecordInit>()) {
    made.kind = TermKind::kRecord;
    for (const Expr& arg : node->args) made.args.push_back(term(arg));
    return made;
  }
  if (const auto* node = expr.as<grammar::AdtInit>()) {
    made.kind = TermKind::kVariant;
    made.name = node->branch.text;
    for (const Expr& arg : node->args) made.args.push_back(term(arg));
    if (!environment_.branches.contains(made.name)) {
      std::vector<std::string> known;
      for (const auto& [branch, ref] : environment_.branches) known.push_back(branch);
      environment_.diagnostics.error(expr.span, "no type has a branch '" + made.name + "'",
                                     Environment::suggestion(made.name, known));
    }
    return made;
  }
  if (const auto* node = expr.as<grammar::Cast>()) {
    CoreTerm value = term(*node->value);
    const auto type = environment_.types.find(node->type.text);
    if (!type) {
      environment_.diagnostics.error(
          node->type.span, "there is no type '" + node->type.text + "' to read the value as",
          Environment::suggestion(node->type.text, environment_.types.known_names()));
      return value;
    }
    made.kind = TermKind::kCast;
    made.type = *type;
    made.args.push_back(std::move(value));
    return made;
  }
  environment_.diagnostics.error(expr.span, "a range of values can stand only after `in`");
  return made;
}

CoreTerm ClauseBuilder::path(const grammar::Path& path, SourceSpan span) {
  const std::string& text = path.name.text;
  const std::size_t dot = text.find('.');
  const std::string row = text.substr(0, dot);
  const std::string column = text.substr(dot + 1);
  if (const auto found = rows_.find(row); found != rows_.end()) {
    if (environment_.find_column(found->second, {column, span}))
      return CoreTerm::make_variable(text, span);
    return literal(grammar::LiteralKind::kNull, "", span);
  }
  // Tier.GOLD
  const std::size_t last = text.rfind('.');
  const auto type = environment_.types.find(text.substr(0, last));
  if (type && environment_.types.at(*type).type.kind == vm::TypeKind::kEnum) {
    CoreTerm typed;
    typed.kind = TermKind::kTyped;
    typed.span = span;
    typed.type = *type;
    typed.args.push_back(literal(grammar::LiteralKind::kString, text.substr(last + 1), span));
    return typed;
  }
  environment_.diagnostics.error(span, "no row is called '" + row + "' here",
                                 "Name it with `as " + row + "`.");
  return literal(grammar::LiteralKind::kNull, "", span);
}

CoreTerm ClauseBuilder::call(const grammar::Call& call, SourceSpan span) {
  CoreTerm made;
  made.span = span;
  made.kind = TermKind::kCall;
  made.name = call.name.text;
  if (call.user_functor) {
    for (const Expr& arg : call.args) made.args.push_back(term(arg));
    if (!environment_.functors.contains(call.name.text)) {
      std::vector<std::string> known;
      for (const auto& [functor, decl] : environment_.functors) known.push_back(functor);
      environment_.diagnostics.error(span, "there is no functor '@" + call.name.text + "'",
                                     Environment::suggestion(call.name.text, known));
    } else {
      environment_.diagnostics.error(
          span, "user-defined functor '@" + call.name.text + "' is not supported yet");
    }
    return made;
  }
  if (const auto found = environment_.functions.find(call.name.text);
      found != environment_.functions.end()) {
    return inlined(found->second, call, span);
  }
  if (environment_.tables.contains(call.name.text)) {
    environment_.diagnostics.error(
        span,
        "a table is looked up in a condition of its own: `[a, b] = " + call.name.text + "(…)`");
    return made;
  }
  const auto functor = functor_named(call.name.text);
  if (!functor) {
    if (call.name.text == "recursive_iteration_cnt") {
      unsupported(span, "recursive_iteration_cnt() is");
      return made;
    }
    std::vector<std::string> known = functor_names();
    for (const auto& [function, info] : environment_.functions) known.push_back(function);
    environment_.diagnostics.error(call.name.span, "there is no function '" + call.name.text + "'",
                                   Environment::suggestion(call.name.text, known));
    return made;
  }
  made.functor = *functor;
  for (const Expr& arg : call.args) made.args.push_back(term(arg));
  if (*functor == Functor::kMakeTyped && made.args.size() == 1 &&
      made.args[0].kind == TermKind::kLiteral) {
    made.kind = TermKind::kTyped;  // date("2026-01-31") is a constant.
    made.type = *environment_.types.find(call.name.text);
  }
  return made;
}

CoreTerm ClauseBuilder::build_term(const Expr& expr, std::map<std::string, CoreTerm> arguments) {
  arguments_.push_back(std::move(arguments));
  CoreTerm made = term(expr);
  arguments_.pop_back();
  return made;
}

CoreTerm ClauseBuilder::inlined(FunctionInfo& function, const grammar::Call& call,
                                SourceSpan span) {
  // After a mistake: a value that fits anywhere.
  CoreTerm result = literal(grammar::LiteralKind::kNull, "", span);
  if (function.function->external) {
    environment_.diagnostics.error(span,
                                   "extern function '" + call.name.text + "' is not supported yet");
    return result;
  }
  if (function.in_use) {
    environment_.diagnostics.error(span, "function '" + call.name.text + "' calls itself");
    return result;
  }
  if (call.args.size() != function.parameters.size()) {
    environment_.diagnostics.error(span, "function '" + call.name.text + "' takes " +
                                             count_of(function.parameters.size(), "argument") +
                                             ", but " + given(call.args.size()));
    return result;
  }
  const auto typed = [](CoreTerm value, const DeclaredType& type) {
    CoreTerm wrapper;
    wrapper.kind = TermKind::kTyped;
    wrapper.span = value.span;
    wrapper.type = type.source;
    wrapper.exact = type.type;
    wrapper.args.push_back(std::move(value));
    return wrapper;
  };
  std::map<std::string, CoreTerm> arguments;
  for (std::size_t i = 0; i < call.args.size(); ++i) {
    arguments[function.function->parameters[i].name.text] =
        typed(term(call.args[i]), function.parameters[i]);
  }
  function.in_use = true;
  arguments_.push_back(std::move(arguments));
  result = function.function->body ? term(*function.function->body) : result;
  arguments_.pop_back();
  function.in_use = false;
  result = typed(std::move(result), function.result);
  return result;
}

CoreTerm ClauseBuilder::aggregate(const grammar::Aggregate& aggregate, SourceSpan span) {
  CoreTerm made;
  made.span = span;
  made.name = aggregate.function.text;
  if (aggregate.user_defined) {
    unsupported(span, "user-defined aggregate '@@" + aggregate.function.text + "' is");
    return made;
  }
  const auto op = aggregate_named(aggregate.function.text);
  if (!op || *op == AggregateOp::kCollect || *op == AggregateOp::kCountDistinct) {
    environment_.diagnostics.error(aggregate.function.span,
                                   "there is no aggregate '" + aggregate.function.text + "'",
                                   "The aggregates are count, sum, min, max and mean.");
    return made;
  }
  const std::vector<Alternative> inner = alternatives(*aggregate.body, false);
  if (inner.size() != 1) {
    environment_.diagnostics.error(span, "alternatives inside an aggregate are not supported yet",
                                   "Give the alternatives a relation of their own.");
    return made;
  }
  made.kind = TermKind::kAggregate;
  CoreAggregate core;
  core.op = *op;
  CoreBody outer_pending = std::move(pending_);
  pending_.clear();
  core.body = body(inner.front());
  for (const Expr& target : aggregate.target) core.target.push_back(term(target));
  for (CoreCondition& brought : pending_) core.body.push_back(std::move(brought));
  pending_ = std::move(outer_pending);
  made.aggregate = std::move(core);
  return made;
}

}  // namespace entail::datalog
