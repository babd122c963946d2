#include "datalog/verify.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "datalog/body_walk.h"
#include "datalog/event_time.h"
#include "datalog/internal/expression_typing.h"
#include "datalog/program_printer.h"

namespace entail::datalog {

namespace {

using Complaint = std::optional<std::string>;

class Verifier {
 public:
  explicit Verifier(const RuleProgram& program) : program_(program) {}

  Complaint run() {
    for (const Relation& relation : program_.relations) {
      if (Complaint bad = check_relation(relation))
        return "relation '" + relation.name + "': " + *bad;
    }
    for (const Directive& directive : program_.directives) {
      if (!exists(directive.relation)) return "a directive names a relation that does not exist";
    }
    for (std::size_t i = 0; i < program_.rules.size(); ++i) {
      if (Complaint bad = check_rule(program_.rules[i])) {
        return "rule " + std::to_string(i) + ": " + *bad + describe(program_.rules[i]);
      }
    }
    for (const Query& query : program_.queries) {
      if (Complaint bad = check_query(query)) return "query '" + query.name + "': " + *bad;
    }
    for (const Production& production : program_.productions) {
      if (Complaint bad = check_production(production)) {
        return "production '" + production.name + "': " + *bad;
      }
    }
    return check_strata();
  }

 private:
  // Where printing is safe, the rule itself helps most.
  std::string describe(const Rule& rule) const {
    return ids_are_sound_ ? " in " + print_rule(program_, rule) : "";
  }

  bool exists(RelationId id) const { return index_of(id) < program_.relations.size(); }

  Complaint check_relation(const Relation& relation) {
    const std::size_t count = relation.columns.size();
    auto columns_exist = [&](const std::vector<std::uint32_t>& columns) {
      return std::all_of(columns.begin(), columns.end(),
                         [&](auto column) { return column < count; });
    };
    if (relation.name.empty()) return "it has no name";
    if (!columns_exist(relation.key)) return "a key column does not exist";
    if (!std::is_sorted(relation.key.begin(), relation.key.end())) return "its key does not ascend";
    for (const auto& index : relation.indexes) {
      if (index.empty() || !columns_exist(index)) return "an index column does not exist";
    }
    if (relation.equivalence &&
        (count != 2 || !(relation.columns[0].type == relation.columns[1].type))) {
      return "an equivalence needs two columns of one type";
    }
    if (relation.extremum != Extremum::kNone && relation.extremum_column >= count) {
      return "its extremum's column does not exist";
    }
    if (relation.defaults.size() > count) return "it has more defaults than columns";
    for (std::size_t i = 0; i < relation.defaults.size(); ++i) {
      if (!relation.defaults[i]) continue;
      if (Complaint bad = check_expression(*relation.defaults[i])) return bad;
      if (!(relation.defaults[i]->type == relation.columns[i].type))
        return "a default has another type";
    }
    if (relation.stream) {
      const StreamAttributes& stream = *relation.stream;
      if (stream.event_time_column.value_or(0) >= std::max<std::size_t>(count, 1) ||
          stream.duration_column.value_or(0) >= std::max<std::size_t>(count, 1) ||
          !columns_exist(stream.partition_columns)) {
        return "a stream column does not exist";
      }
      if (Complaint bad = check_stream(relation, stream)) return bad;
    }
    return {};
  }

  Complaint check_stream(const Relation& relation, const StreamAttributes& stream) {
    for (const auto& copy : {stream.sideline, stream.late_rows}) {
      if (!copy) continue;
      if (!exists(*copy)) return "the relation of its late rows does not exist";
      const std::vector<Column>& columns = program_.relation(*copy).columns;
      const bool fits = std::equal(columns.begin(), columns.end(), relation.columns.begin(),
                                   relation.columns.end(), [](const Column& a, const Column& b) {
                                     return a.type == b.type && a.nullable == b.nullable;
                                   });
      if (!fits) return "the relation of its late rows has other columns";
    }
    for (const auto& duration : {stream.watermark_delay, stream.expire_after}) {
      if (duration && !constant_duration(*duration)) return "a duration of it is no constant";
    }
    const bool is_timed = stream.event_time_column.has_value();
    if (stream.clock.has_value() != is_timed || stream.partitions.has_value() != is_timed)
      return "a clock goes with an event time";
    if (!is_timed) return {};
    const vm::Type time = vm::Type::of(vm::TypeKind::kTimestamp);
    const Column& column = relation.columns[*stream.event_time_column];
    if (!(column.type == time) || column.nullable) return "its event time is no timestamp";
    if (!exists(*stream.clock) || !exists(*stream.partitions)) return "its clock does not exist";
    const std::vector<Column>& clock = program_.relation(*stream.clock).columns;
    const std::vector<Column>& partitions = program_.relation(*stream.partitions).columns;
    if (clock.size() != 1 || !(clock[0].type == time)) return "its clock holds no timestamp";
    if (partitions.size() != 3 || !(partitions[1].type == time))
      return "its partitions have other columns";
    return {};
  }

  Complaint check_rule(const Rule& rule) {
    variables_ = &rule.variables;
    ids_are_sound_ = false;
    if (!exists(rule.head.relation)) return "(1) its head's relation does not exist";
    bool sound = true;
    walk_rule_matches(rule, [&](const Match& match, Reading) { sound &= exists(match.relation); });
    if (!sound) return "(1) a match's relation does not exist";
    walk_rule_variables(rule,
                        [&](VariableId id) { sound &= index_of(id) < rule.variables.size(); });
    if (!sound) return "(1) a variable does not exist";
    ids_are_sound_ = true;

    const Relation& head = program_.relation(rule.head.relation);
    if (rule.head.terms.size() != head.columns.size())
      return "(1) its head lacks terms or has too many";
    for (std::size_t i = 0; i < rule.head.terms.size(); ++i) {
      if (Complaint bad = check_head_term(rule.head.terms[i], head.columns[i])) return bad;
    }
    if (Complaint bad = check_body(rule.body)) return bad;
    // (5) A head's variable must get its value somewhere in the body.
    std::set<VariableId> given;
    for (const Literal& literal : rule.body) given.merge(exported_variables(literal));
    for (const Expression& term : rule.head.terms) {
      for (const VariableId variable : variables_of(term)) {
        if (given.count(variable) == 0) {
          return "(5) the body gives no value to '" + rule.variables[index_of(variable)].name + "'";
        }
      }
    }
    return {};
  }

  Complaint check_head_term(const Expression& term, const Column& column) {
    if (term.op == ExpressionOp::kWildcard) return "(5) a wildcard in the head";
    if (Complaint bad = check_expression(term)) return bad;
    return check_fit(term, column);
  }

  Complaint check_fit(const Expression& term, const Column& column) const {
    if (!(term.type == column.type)) {
      return "(3) a term of type " + type_name(term.type) + " for column '" + column.name +
             "' of type " + type_name(column.type);
    }
    if (term.nullable && !column.nullable) {
      return "(3) a term that can be null for column '" + column.name + "', which cannot";
    }
    return {};
  }

  Complaint check_match(const Match& match) {
    const Relation& relation = program_.relation(match.relation);
    if (match.terms.size() != relation.columns.size()) {
      return "(1) a match of '" + relation.name + "' lacks terms or has too many";
    }
    for (std::size_t i = 0; i < match.terms.size(); ++i) {
      const Expression& term = match.terms[i];
      switch (term.op) {
        case ExpressionOp::kWildcard:
          continue;
        case ExpressionOp::kVariable:
        case ExpressionOp::kConstant:
        case ExpressionOp::kNull:
          break;
        default:
          return "(2) a term of a match is neither variable, constant nor wildcard";
      }
      if (Complaint bad = check_expression(term)) return bad;
      // A variable may be wider than the column in nulls: identity decides.
      if (!(term.type == relation.columns[i].type)) return check_fit(term, relation.columns[i]);
    }
    return {};
  }

  Complaint check_body(const Body& body) {
    for (const Literal& literal : body) {
      if (Complaint bad = check_literal(literal)) return bad;
    }
    return {};
  }

  Complaint check_all(const std::vector<Expression>& expressions) {
    for (const Expression& expression : expressions) {
      if (Complaint bad = check_expression(expression)) return bad;
    }
    return {};
  }

  Complaint check_literal(const Literal& literal) {
    if (const auto* match = std::get_if<Match>(&literal.node)) return check_match(*match);
    if (const auto* absent = std::get_if<Absent>(&literal.node)) return check_body(absent->body);
    if (const auto* exist = std::get_if<Exists>(&literal.node)) return check_body(exist->body);
    if (const auto* filter = std::get_if<Filter>(&literal.node)) {
      if (!(filter->condition.type == vm::Type::boolean()))
        return "(3) a filter that is not a bool";
      return check_expression(filter->condition);
    }
    if (const auto* bind = std::get_if<Bind>(&literal.node)) {
      if (Complaint bad = check_expression(bind->value)) return bad;
      return check_result(bind->variable, bind->value.type, bind->value.nullable);
    }
    if (const auto* each = std::get_if<Each>(&literal.node)) return check_each(*each);
    if (const auto* reduce = std::get_if<Reduce>(&literal.node)) return check_reduce(*reduce);
    if (const auto* rank = std::get_if<Rank>(&literal.node)) return check_rank(*rank);
    if (const auto* window = std::get_if<Window>(&literal.node)) return check_window(*window);
    return check_pattern(std::get<Pattern>(literal.node));
  }

  // Expressions of a pattern's rows that compare with each other: timestamps of one type.
  Complaint check_instant(const Pattern& pattern, const std::optional<Expression>& instant) {
    if (!instant) return {};
    if (!pattern.time || !(pattern.time->type == instant->type)) {
      return "(3) an instant of a pattern that does not compare with its time";
    }
    if (vm::value_words(instant->type) != 1) return "(3) a pattern whose time is no timestamp";
    return check_expression(*instant);
  }

  Complaint check_pattern(const Pattern& pattern) {
    if (Complaint bad = check_body(pattern.body)) return bad;
    if (Complaint bad = check_all(pattern.partition)) return bad;
    for (const OrderItem& item : pattern.order) {
      if (Complaint bad = check_expression(item.value)) return bad;
    }
    for (const auto* instant : {&pattern.time, &pattern.within, &pattern.watermark}) {
      if (Complaint bad = check_instant(pattern, *instant)) return bad;
    }
    if (Complaint bad = check_pattern_node(pattern, pattern.root, /*is_part=*/false, true))
      return bad;
    std::set<VariableId> known;
    for (const PatternValue& operand : pattern.operands) {
      if (Complaint bad = check_pattern_value(pattern, operand)) return bad;
      known.insert(operand.result);
    }
    for (const PatternSymbol& symbol : pattern.symbols) {
      if (!symbol.condition) continue;
      if (Complaint bad = check_expression(*symbol.condition)) return bad;
      if (!(symbol.condition->type == vm::Type::boolean()))
        return "(3) a condition that is not a bool";
      for (const VariableId variable : variables_of(*symbol.condition)) {
        if (known.count(variable) == 0) return "a condition of a pattern over what is no operand";
      }
    }
    for (const PatternValue& measure : pattern.measures) {
      if (Complaint bad = check_pattern_value(pattern, measure)) return bad;
      if (measure.kind == PatternValueKind::kRow && pattern.rows == PatternRows::kOne)
        return "a value of each row in a pattern with one row for each match";
    }
    const bool skips_to_symbol =
        pattern.after_match == AfterMatch::kToFirst || pattern.after_match == AfterMatch::kToLast;
    if (skips_to_symbol == pattern.skip_symbols.empty())
      return "a skip to no symbol, or symbols without a skip";
    return check_symbols(pattern, pattern.skip_symbols);
  }

  Complaint check_symbols(const Pattern& pattern, const std::vector<std::uint32_t>& symbols) const {
    for (const std::uint32_t symbol : symbols) {
      if (symbol >= pattern.symbols.size()) return "(1) a symbol that the pattern does not have";
    }
    return {};
  }

  Complaint check_pattern_value(const Pattern& pattern, const PatternValue& value) {
    if (Complaint bad = check_symbols(pattern, value.symbols)) return bad;
    switch (value.kind) {
      case PatternValueKind::kLabelled:
      case PatternValueKind::kStart:
      case PatternValueKind::kRow:
        if (!value.value) return "a value of a row without an expression";
        if (Complaint bad = check_expression(*value.value)) return bad;
        return check_result(value.result, value.value->type,
                            value.value->nullable && value.kind != PatternValueKind::kLabelled);
      case PatternValueKind::kAggregate:
        return value.value ? check_expression(*value.value) : Complaint{};
      case PatternValueKind::kClassifier:
        return check_result(value.result, vm::Type::text(), true);
      case PatternValueKind::kMatchNumber:
        return check_result(value.result, vm::Type::of(vm::TypeKind::kInt8),
                            pattern.rows == PatternRows::kWithUnmatched);
    }
    return {};
  }

  // `is_part`: of a relaxed concat, and not its first; `ends`: nothing comes behind it.
  Complaint check_pattern_node(const Pattern& pattern, const PatternNode& node, bool is_part,
                               bool ends) {
    const bool has_symbol = node.kind == PatternKind::kSymbol || node.kind == PatternKind::kAbsent;
    if (has_symbol && node.symbol >= pattern.symbols.size())
      return "(1) a symbol that the pattern does not have";
    if (node.kind == PatternKind::kAbsent && !is_part)
      return "an absence that is no part of a relaxed sequence, or its first";
    if (node.deadline.has_value() != (node.kind == PatternKind::kAbsent && ends))
      return "an absence at the end without a deadline, or another part with one";
    if (Complaint bad = check_instant(pattern, node.deadline)) return bad;
    if (node.kind == PatternKind::kRepeat && node.repeat_min > node.repeat_max)
      return "a repetition of at least more than at most";
    const bool one_child = node.kind == PatternKind::kRepeat || node.kind == PatternKind::kExclude;
    if (one_child && node.children.size() != 1) return "a repetition of several parts, or of none";
    const bool keeps_end = node.kind == PatternKind::kConcat ||
                           node.kind == PatternKind::kAlternate ||
                           node.kind == PatternKind::kExclude;
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      const bool last = node.kind != PatternKind::kConcat || i + 1 == node.children.size();
      const bool behind = node.kind == PatternKind::kConcat && node.relaxed && i > 0;
      if (Complaint bad =
              check_pattern_node(pattern, node.children[i], behind, ends && keeps_end && last)) {
        return bad;
      }
    }
    return {};
  }

  // Of an edge or a limit: bigint, the same for every row.
  Complaint check_uniform(const std::optional<Expression>& expression) {
    if (!expression) return {};
    if (!variables_of(*expression).empty()) return "a bound of a ranking that depends on the row";
    return check_expression(*expression);
  }

  Complaint check_rank(const Rank& rank) {
    if (Complaint bad = check_body(rank.body)) return bad;
    if (Complaint bad = check_all(rank.partition)) return bad;
    for (const OrderItem& item : rank.order) {
      if (Complaint bad = check_expression(item.value)) return bad;
    }
    for (const FrameEdge* edge : {&rank.frame.from, &rank.frame.to}) {
      const bool counts =
          edge->bound == FrameBound::kPreceding || edge->bound == FrameBound::kFollowing;
      if (counts != edge->offset.has_value())
        return "an edge of a frame without an offset, or with";
      if (Complaint bad = check_uniform(edge->offset)) return bad;
      const bool reaches = counts && rank.frame.mode == FrameMode::kRange;
      if (reaches != edge->value.has_value()) return "an edge of a frame without a value, or with";
      if (!reaches) continue;
      if (!rank.frame.range_value || rank.order.size() != 1 ||
          !(rank.frame.range_value->type == edge->value->type)) {
        return "(3) a frame whose edges do not compare with its order value";
      }
      if (Complaint bad = check_expression(*edge->value)) return bad;
      if (Complaint bad = check_expression(*rank.frame.range_value)) return bad;
    }
    if (Complaint bad = check_uniform(rank.limit)) return bad;
    if (Complaint bad = check_uniform(rank.offset)) return bad;
    for (const RankResult& result : rank.functions) {
      if (Complaint bad = check_all(result.arguments)) return bad;
      if (Complaint bad = check_rank_function(result)) return bad;
      if (!result.filter) continue;
      if (result.function != RankFunction::kAggregate) return "a filter on what is no aggregate";
      if (!(result.filter->type == vm::Type::boolean())) return "(3) a filter that is not a bool";
      if (Complaint bad = check_expression(*result.filter)) return bad;
    }
    return {};
  }

  Complaint check_rank_function(const RankResult& result) const {
    std::size_t least = 0, most = 0;
    bool of_value = false;
    switch (result.function) {
      case RankFunction::kRowNumber:
      case RankFunction::kRank:
      case RankFunction::kDenseRank:
      case RankFunction::kPercentRank:
      case RankFunction::kCumeDist:
        break;
      case RankFunction::kNtile:
        least = most = 1;
        break;
      case RankFunction::kLag:
      case RankFunction::kLead:
        least = 1;
        most = 3;
        of_value = true;
        break;
      case RankFunction::kFirstValue:
      case RankFunction::kLastValue:
        least = most = 1;
        of_value = true;
        break;
      case RankFunction::kNthValue:
        least = most = 2;
        of_value = true;
        break;
      case RankFunction::kAggregate:
        most = 2;
        break;
    }
    if (result.arguments.size() < least || result.arguments.size() > most) {
      return "(3) a window function with another number of arguments";
    }
    return of_value ? check_result(result.result, result.arguments.front().type, true)
                    : Complaint{};
  }

  Complaint check_window(const Window& window) {
    if (Complaint bad = check_match(window.match)) return bad;
    if (Complaint bad = check_all(window.size)) return bad;
    if (Complaint bad = check_all(window.partition)) return bad;
    const bool before = window.kind == WindowKind::kLastBefore;
    if (before != window.reference.has_value()) return "a window without a reference, or with one";
    if (before != window.size.empty()) return "a window without a size, or with one";
    return before ? check_expression(*window.reference) : Complaint{};
  }

  Complaint check_result(VariableId id, vm::Type type, bool nullable) const {
    const Variable& variable = (*variables_)[index_of(id)];
    if (!(variable.type == type)) {
      return "(3) '" + variable.name + "' is " + type_name(variable.type) + " and is given a " +
             type_name(type);
    }
    if (nullable && !variable.nullable)
      return "(3) '" + variable.name + "' cannot hold the null it is given";
    return {};
  }

  Complaint check_each(const Each& each) {
    if (Complaint bad = check_all(each.arguments)) return bad;
    if (each.generator == Generator::kElements) {
      if (each.arguments.size() != 1 || each.arguments[0].type.kind != vm::TypeKind::kArray) {
        return "(3) elements of what is no array";
      }
      const vm::TypeId array = each.arguments[0].type.detail;
      return check_result(each.variable, program_.types.array_element(array),
                          program_.types.array_element_nullable(array));
    }
    if (each.arguments.size() < 2 || each.arguments.size() > 3)
      return "(3) a range needs two or three bounds";
    for (const Expression& bound : each.arguments) {
      if (Complaint bad = check_result(each.variable, bound.type, false)) return bad;
    }
    return {};
  }

  Complaint check_reduce(const Reduce& reduce) {
    if (reduce.form == ReduceForm::kPerBinding && !reduce.keys.empty()) {
      return "(3) keys in a reduction for each binding";
    }
    for (const GroupKey& key : reduce.keys) {
      if (Complaint bad = check_expression(key.value)) return bad;
      if (Complaint bad = check_result(key.result, key.value.type, key.value.nullable)) return bad;
    }
    for (const Aggregate& aggregate : reduce.aggregates) {
      if (aggregate.argument) {
        if (Complaint bad = check_expression(*aggregate.argument)) return bad;
      } else if (aggregate.op != AggregateOp::kCount) {
        return "(3) an aggregate without an argument";
      }
      const vm::Type result = (*variables_)[index_of(aggregate.result)].type;
      const bool of_argument =
          aggregate.op == AggregateOp::kMin || aggregate.op == AggregateOp::kMax;
      if (of_argument && !(result == aggregate.argument->type)) {
        return "(3) a minimum or maximum of another type than its argument";
      }
      const bool number = aggregate.op == AggregateOp::kCount ||
                          aggregate.op == AggregateOp::kCountDistinct ||
                          aggregate.op == AggregateOp::kSum || aggregate.op == AggregateOp::kMean;
      if (number && !vm::is_numeric_kind(result.kind) && result.kind != vm::TypeKind::kInterval) {
        return "(3) an aggregate whose result is no number";
      }
      if (aggregate.op == AggregateOp::kCollect && result.kind != vm::TypeKind::kArray) {
        return "(3) collect gives an array";
      }
    }
    return check_body(reduce.body);
  }

  Complaint check_expression(const Expression& expression) const {
    Complaint bad = internal::check_typing(program_.types, *variables_, expression);
    if (bad) return "(3) " + *bad;
    return {};
  }

  Complaint check_query(const Query& query) {
    if (query.parameters.size() > query.rule.variables.size())
      return "parameters are not variables";
    if (!exists(query.rule.head.relation)) return "(1) its relation does not exist";
    for (std::size_t i = 0; i < query.parameters.size(); ++i) {
      if (!(query.parameters[i].type == query.rule.variables[i].type)) {
        return "a parameter is not the variable of its position";
      }
    }
    variables_ = &query.rule.variables;
    if (Complaint bad = check_ids(query.rule.body, query.rule.variables.size())) return bad;
    return check_body(query.rule.body);
  }

  Complaint check_production(const Production& production) {
    variables_ = &production.variables;
    if (Complaint bad = check_ids(production.body, production.variables.size())) return bad;
    if (Complaint bad = check_body(production.body)) return bad;
    if (production.salience) {
      if (Complaint bad = check_expression(*production.salience)) return bad;
      if (!vm::is_numeric_kind(production.salience->type.kind))
        return "(3) its salience is no number";
    }
    return check_block(production.actions);
  }

  Complaint check_block(const Block& block) {
    for (const Statement& statement : block) {
      if (Complaint bad =
              std::visit([&](const auto& node) { return check_statement(node); }, statement.node)) {
        return bad;
      }
    }
    return {};
  }

  Complaint check_blocks(const std::shared_ptr<const Block>& block) {
    return block ? check_block(*block) : Complaint{};
  }

  Complaint check_statement(const Change& change) {
    if (!exists(change.relation)) return "(1) a changed relation does not exist";
    const Relation& relation = program_.relation(change.relation);
    if (change.values.size() != relation.columns.size()) return "a change lacks columns";
    const bool by_row = change.kind == ChangeKind::kModify || change.kind == ChangeKind::kDelete;
    if (by_row != change.row.has_value())
      return "a change of a row without the row, or the reverse";
    if (change.row && (index_of(*change.row) >= variables_->size() ||
                       !((*variables_)[index_of(*change.row)].type == row_identity_type()))) {
      return "(1) a changed row is no row";
    }
    const bool whole = change.kind == ChangeKind::kInsert || change.kind == ChangeKind::kEmit;
    for (std::size_t i = 0; i < change.values.size(); ++i) {
      if (!change.values[i]) {
        if (whole) return "a row to insert lacks column '" + relation.columns[i].name + "'";
        continue;
      }
      if (change.kind == ChangeKind::kDelete) return "a deletion has values";
      if (Complaint bad = check_expression(*change.values[i])) return bad;
      if (!(change.values[i]->type == relation.columns[i].type) ||
          change.kind != ChangeKind::kRetract) {
        if (Complaint bad = check_fit(*change.values[i], relation.columns[i])) return bad;
      }
    }
    return {};
  }

  Complaint check_statement(const Let& let) {
    if (index_of(let.variable) >= variables_->size()) return "(1) a variable does not exist";
    if (Complaint bad = check_expression(let.value)) return bad;
    return check_result(let.variable, let.value.type, let.value.nullable);
  }

  Complaint check_statement(const Branch& branch) {
    if (Complaint bad = check_ids(branch.condition, variables_->size())) return bad;
    if (Complaint bad = check_body(branch.condition)) return bad;
    if (Complaint bad = check_blocks(branch.then_block)) return bad;
    return check_blocks(branch.else_block);
  }

  Complaint check_statement(const ForEach& each) {
    if (Complaint bad = check_ids(each.body, variables_->size())) return bad;
    if (Complaint bad = check_body(each.body)) return bad;
    return check_blocks(each.block);
  }

  Complaint check_statement(const CallProcedure& call) { return check_all(call.arguments); }
  Complaint check_statement(const Schedule& schedule) {
    if (Complaint bad = check_expression(schedule.delay)) return bad;
    return check_blocks(schedule.block);
  }
  Complaint check_statement(const LogText& log) { return check_all(log.parts); }
  Complaint check_statement(const Focus&) { return {}; }
  Complaint check_statement(const HaltAgenda&) { return {}; }

  Complaint check_ids(const Body& body, std::size_t variable_count) const {
    bool sound = true;
    for (const Literal& literal : body) {
      walk_matches(literal, [&](const Match& match, Reading) { sound &= exists(match.relation); });
      walk_variables(literal, [&](VariableId id) { sound &= index_of(id) < variable_count; });
    }
    if (!sound) return "(1) a relation or variable does not exist";
    return {};
  }

  Complaint check_strata() const {
    if (program_.strata.empty()) return {};
    constexpr std::size_t kNowhere = SIZE_MAX;
    std::vector<std::size_t> stratum_of(program_.relations.size(), kNowhere);
    std::vector<bool> placed(program_.rules.size(), false);
    for (std::size_t i = 0; i < program_.strata.size(); ++i) {
      for (const RelationId id : program_.strata[i].relations) {
        if (!exists(id) || stratum_of[index_of(id)] != kNowhere)
          return "a relation is not in one stratum";
        stratum_of[index_of(id)] = i;
      }
    }
    if (std::count(stratum_of.begin(), stratum_of.end(), kNowhere) > 0)
      return "a relation is in no stratum";
    for (std::size_t i = 0; i < program_.strata.size(); ++i) {
      for (const RuleId id : program_.strata[i].rules) {
        if (index_of(id) >= program_.rules.size() || placed[index_of(id)])
          return "a rule is not in one stratum";
        placed[index_of(id)] = true;
        if (stratum_of[index_of(program_.rule(id).head.relation)] != i) {
          return "a rule is not in the stratum of its head";
        }
        bool ordered = true;
        walk_rule_matches(program_.rule(id), [&](const Match& match, Reading reading) {
          const std::size_t read = stratum_of[index_of(match.relation)];
          ordered &= read < i || (read == i && reading == Reading::kPositive);
          ordered &= read != i || program_.strata[i].recursive;
        });
        if (!ordered) return "rule " + std::to_string(index_of(id)) + " reads what is not complete";
      }
    }
    if (std::count(placed.begin(), placed.end(), false) > 0) return "a rule is in no stratum";
    return {};
  }

  std::string type_name(vm::Type type) const { return program_.types.type_name(type); }

  const RuleProgram& program_;
  const std::vector<Variable>* variables_ = &no_variables_;
  std::vector<Variable> no_variables_;
  bool ids_are_sound_ = false;
};

}  // namespace

Expected<void> verify_rule_program(const RuleProgram& program) {
  if (Complaint bad = Verifier(program).run()) {
    return unexpected(ErrorCode::kInvalidArgument, std::move(*bad));
  }
  return {};
}

}  // namespace entail::datalog
