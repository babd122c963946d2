// The inner pipelines of a body: existence tests and reductions, per outer row and per group.

#include <algorithm>
#include <utility>

#include "compiler/internal/aggregate_kinds.h"
#include "compiler/internal/emit_body.h"
#include "datalog/body_walk.h"
#include "vm/base/ensure.h"

namespace entail::compiler::internal {

namespace {

using vm::AggregateKind;
using vm::kNoRegister;
using vm::Opcode;
using vm::TypeKind;

bool is_text(TypeKind kind) {
  return kind == TypeKind::kText || kind == TypeKind::kBytes || kind == TypeKind::kJson ||
         kind == TypeKind::kNumeric;
}

bool is_float(TypeKind kind) { return kind == TypeKind::kFloat4 || kind == TypeKind::kFloat8; }

std::vector<datalog::VariableId> merged(std::vector<datalog::VariableId> live,
                                        const std::vector<datalog::VariableId>& more) {
  live.insert(live.end(), more.begin(), more.end());
  std::sort(live.begin(), live.end());
  live.erase(std::unique(live.begin(), live.end()), live.end());
  return live;
}

std::set<datalog::VariableId> wanted_by(const datalog::Reduce& reduce) {
  std::set<datalog::VariableId> result;
  for (const datalog::Aggregate& aggregate : reduce.aggregates) {
    result.merge(datalog::variables_of_arguments(aggregate));
  }
  return result;
}

}  // namespace

// Whether it is computed as SQL does, with null where there is nothing to aggregate.
bool BodyEmitter::is_sql(const datalog::Aggregate& aggregate) const {
  return is_sql_aggregate(aggregate, f_.rule().variables[datalog::index_of(aggregate.result)]);
}

std::uint16_t BodyEmitter::sql_aggregate_kind(const datalog::Aggregate& aggregate) {
  auto& specs = f_.owner().program().aggregates;
  specs.push_back(
      sql_aggregate_spec(aggregate, f_.rule().variables[datalog::index_of(aggregate.result)]));
  return static_cast<std::uint16_t>(vm::kSqlAggregate + specs.size() - 1);
}

void BodyEmitter::run_inner(const std::function<void()>& inside,
                            const std::function<void()>& at_end) {
  ENTAIL_ENSURE(condition_ == kNoRegister);
  const Environment outer = environment_;
  const Live outer_before = live_before_, outer_after = live_after_;
  const std::optional<std::uint32_t> outer_next = innermost_next_;
  std::vector<std::uint32_t> outer_exits = std::move(exits_);
  const RegisterPool::Snapshot words = f_.words().snapshot();
  const RegisterPool::Snapshot rows = f_.rows().snapshot();
  // The outer batch goes on behind the pipeline: what it holds must stay.
  for (std::uint16_t i = 0; i < f_.words().count(); ++i) f_.words().freeze(i);
  for (std::uint16_t i = 0; i < f_.rows().count(); ++i) f_.rows().freeze(i);

  environment_.rank = kNoRegister;  // What is asked inside is no premise of the stratum.
  environment_.origin = f_.rows().allocate();
  f_.emit(Opcode::kIota, environment_.origin, environment_.batch);
  live_before_.clear();
  for (const auto& [variable, slot] : environment_.slots) live_before_.push_back(variable);
  innermost_next_.reset();
  exits_.clear();
  inside();
  at_end();
  drop_temporaries();
  close_loops();

  f_.words().restore(words);
  f_.rows().restore(rows);
  environment_ = outer;
  live_before_ = outer_before;
  live_after_ = outer_after;
  innermost_next_ = outer_next;
  exits_ = std::move(outer_exits);
}

void BodyEmitter::mark_pipeline(bool negate, const Live& live,
                                const std::function<void()>& inside) {
  const std::uint16_t marks = f_.accumulator();
  f_.emit(Opcode::kMarkBegin, marks, 0, environment_.batch);
  run_inner(inside,
            [&] { f_.emit(Opcode::kMark, marks, environment_.origin, environment_.batch); });
  const std::uint16_t lanes = f_.rows().allocate();
  const std::uint16_t batch = f_.batch();
  f_.emit(Opcode::kMarkEnd, marks, lanes, environment_.batch, batch, 0, 0,
          negate ? vm::kNegate : 0);
  contract(lanes, batch, live);
  f_.rows().release(lanes);
}

void BodyEmitter::emit_mark(const Step& step) {
  flush();
  mark_pipeline(step.negate, live_after_, [&] { run_steps(step.inner, {}); });
}

// ---------------------------------------------------------------------------------------------------
// Aggregates

std::uint16_t BodyEmitter::aggregate_kind(const datalog::Aggregate& aggregate) {
  using datalog::AggregateOp;
  const vm::Type type = aggregate.argument ? aggregate.argument->type : vm::Type::number();
  auto kind = [](AggregateKind of) { return static_cast<std::uint16_t>(of); };
  auto by_type = [&](AggregateKind i, AggregateKind u, AggregateKind f, AggregateKind f32) {
    switch (type.kind) {
      case TypeKind::kUnsigned:
        return kind(u);
      case TypeKind::kFloat8:
        return kind(f);
      case TypeKind::kFloat4:
        return kind(f32);
      default:
        return kind(i);
    }
  };
  auto refuse = [&](const std::string& what) {
    f_.owner().refuse(what + " in rule '" + f_.rule().name + "' is not executed yet");
    return kind(AggregateKind::kCount);
  };
  if (is_sql(aggregate)) return sql_aggregate_kind(aggregate);
  const bool summable = vm::is_numeric_kind(type.kind) && type.kind != TypeKind::kNumeric;
  if (aggregate.argument && vm::value_words(type) == 2 && aggregate.op != AggregateOp::kCount) {
    return refuse("an aggregate of a 16-byte value");
  }
  switch (aggregate.op) {
    case AggregateOp::kCount:
      return kind(aggregate.distinct ? AggregateKind::kCountDistinct : AggregateKind::kCount);
    case AggregateOp::kCountDistinct:
      return kind(AggregateKind::kCountDistinct);
    case AggregateOp::kSum:
      if (!summable) return refuse("a sum of this type");
      return by_type(AggregateKind::kSumI, AggregateKind::kSumU, AggregateKind::kSumF,
                     AggregateKind::kSumF32);
    case AggregateOp::kMean:
      if (!summable || type.kind == TypeKind::kDecimal) return refuse("a mean of this type");
      return by_type(AggregateKind::kMeanI, AggregateKind::kMeanU, AggregateKind::kMeanF,
                     AggregateKind::kMeanF32);
    case AggregateOp::kMin:
    case AggregateOp::kMax: {
      const bool least = aggregate.op == AggregateOp::kMin;
      if (!has_word_order(type) && type.kind != TypeKind::kFloat4) {
        return refuse("a minimum or maximum of this type");
      }
      if (is_text(type.kind))
        return kind(least ? AggregateKind::kMinText : AggregateKind::kMaxText);
      // A float4 is widened before and narrowed after: exact both ways.
      return least ? by_type(AggregateKind::kMinI, AggregateKind::kMinU, AggregateKind::kMinF,
                             AggregateKind::kMinF)
                   : by_type(AggregateKind::kMaxI, AggregateKind::kMaxU, AggregateKind::kMaxF,
                             AggregateKind::kMaxF);
    }
    default:
      return refuse("this aggregate");
  }
}

void BodyEmitter::append_arguments(const datalog::Aggregate& aggregate,
                                   std::vector<std::uint16_t>& list) {
  std::uint16_t dropped = kNoRegister;  // By FILTER: 2 in the null flag.
  if (aggregate.condition) {
    const Value condition = evaluate(*aggregate.condition);
    dropped = f_.temporary();
    f_.emit(Opcode::kSelect, dropped, f_.constant(0), f_.constant(2), environment_.batch,
            condition.words[0]);
  }
  const auto flag_of = [&](std::uint16_t null) {
    if (dropped == kNoRegister) return null;
    if (null == kNoRegister) return dropped;
    const std::uint16_t both = f_.temporary();
    f_.emit(Opcode::kOr, both, null, dropped, environment_.batch);
    return both;
  };
  if (!aggregate.argument) {
    list.push_back(kNoRegister);
    list.push_back(flag_of(kNoRegister));
    return;
  }
  const Value value = evaluate(*aggregate.argument);
  if (is_sql(aggregate)) {
    list.push_back(value.words[0]);
    list.push_back(flag_of(value.null));
    append_extras(aggregate, value);
    return;
  }
  std::uint16_t word = value.words[0];
  const bool ordered =
      aggregate.op == datalog::AggregateOp::kMin || aggregate.op == datalog::AggregateOp::kMax;
  if (ordered && value.type.kind == TypeKind::kFloat4) {
    word = f_.temporary();
    f_.emit(Opcode::kWidenF32, word, value.words[0], 0, environment_.batch);
  }
  list.push_back(word);
  list.push_back(flag_of(value.null));
}

void BodyEmitter::append_extras(const datalog::Aggregate& aggregate, const Value& value) {
  const auto flag = [&](std::uint16_t null) { return null == kNoRegister ? f_.constant(0) : null; };
  if (value.word_count() == 2) extras_.push_back(value.words[1]);
  if (aggregate.op == datalog::AggregateOp::kStringAgg) {
    if (aggregate.delimiter) {
      const Value delimiter = evaluate(*aggregate.delimiter);
      extras_.push_back(delimiter.words[0]);
      extras_.push_back(flag(delimiter.null));
    } else {
      extras_.push_back(f_.constant(0));
      extras_.push_back(f_.constant(1));
    }
  }
  for (const datalog::OrderItem& item : aggregate.order) {
    const Value key = evaluate(item.value);
    extras_.push_back(key.words[0]);
    if (vm::value_words(item.value.type) == 2) extras_.push_back(key.words[1]);
    if (item.value.nullable) extras_.push_back(flag(key.null));
  }
}

std::vector<std::uint16_t> BodyEmitter::step_arguments(const datalog::Reduce& reduce) {
  std::vector<std::uint16_t> list;
  extras_.clear();
  for (const datalog::Aggregate& aggregate : reduce.aggregates) append_arguments(aggregate, list);
  list.insert(list.end(), extras_.begin(), extras_.end());
  return list;
}

std::vector<Value> BodyEmitter::result_registers(const datalog::Reduce& reduce,
                                                 std::vector<std::uint16_t>& list) {
  std::vector<Value> results;
  std::vector<std::uint16_t> beside;
  for (const datalog::Aggregate& aggregate : reduce.aggregates) {
    const datalog::Variable& variable = f_.rule().variables[datalog::index_of(aggregate.result)];
    Value value;
    value.type = variable.type;
    value.words[0] = f_.words().allocate();
    list.push_back(value.words[0]);
    if (is_sql(aggregate)) {
      if (vm::value_words(value.type) == 2) value.words[1] = f_.words().allocate();
      if (variable.nullable) value.null = f_.words().allocate();
      value.error = f_.words().allocate();
      beside.insert(beside.end(), {value.words[1], value.null, value.error});
    }
    results.push_back(value);
  }
  list.insert(list.end(), beside.begin(), beside.end());
  return results;
}

void BodyEmitter::bind_results(const datalog::Reduce& reduce, const std::vector<Value>& results) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    const datalog::Aggregate& aggregate = reduce.aggregates[i];
    Value value = results[i];
    if (is_sql(aggregate)) {
      // What fails is the aggregate, whose argument's variables are out of sight here.
      datalog::Expression place;
      place.op = datalog::ExpressionOp::kCallExtern;
      place.text = f_.rule().variables[datalog::index_of(aggregate.result)].name;
      place.type = value.type;
      place.span = aggregate.argument->span;
      const std::uint16_t error = value.error;
      value = raise(place, value);
      f_.words().release(error);
    } else {
      value = aggregate_result(aggregate, value.words[0]);
    }
    own(value);
    bind_or_compare(aggregate.result, value);
  }
}

Value BodyEmitter::aggregate_result(const datalog::Aggregate& aggregate, std::uint16_t word) {
  using datalog::AggregateOp;
  Value value;
  value.type = f_.rule().variables[datalog::index_of(aggregate.result)].type;
  value.words[0] = word;
  const vm::Type from = aggregate.argument ? aggregate.argument->type : vm::Type::number();
  auto convert = [&](Opcode op) {
    const std::uint16_t result = f_.words().allocate();
    f_.emit(op, result, word, 0, environment_.batch);
    f_.words().release(word);
    value.words[0] = result;
  };
  const bool ordered = aggregate.op == AggregateOp::kMin || aggregate.op == AggregateOp::kMax;
  const bool mean_of_integers = aggregate.op == AggregateOp::kMean && !is_float(from.kind);
  if (value.type.kind == TypeKind::kFloat4 && (ordered || mean_of_integers)) {
    convert(Opcode::kNarrowF32);
  } else if (value.type.kind == TypeKind::kFloat8 && from.kind == TypeKind::kFloat4 && !ordered) {
    convert(Opcode::kWidenF32);
  } else if (value.type.width == 32 && value.type.kind == TypeKind::kNumber && !ordered) {
    convert(Opcode::kWrap32I);
  } else if (value.type.width == 32 && value.type.kind == TypeKind::kUnsigned && !ordered) {
    convert(Opcode::kWrap32U);
  }
  return value;
}

void BodyEmitter::emit_count(const Step& step) {
  flush();
  const datalog::Aggregate& aggregate =
      std::get<datalog::Reduce>(step.literal->node).aggregates.front();
  std::vector<std::uint16_t> null_free;
  const std::vector<std::uint16_t> keys = given_words(step, null_free);
  const std::uint16_t count = f_.words().allocate();
  f_.emit(Opcode::kCountMatches, count, f_.owner().operand_of(step.match->relation),
          environment_.batch, 0, step.index, f_.list(keys), view_flags_of(step));
  for (const std::uint16_t flag :
       null_free) {  // A null has no match in a column that cannot hold it.
    f_.emit(Opcode::kSelect, count, f_.constant(0), count, environment_.batch, flag);
  }
  drop_temporaries();
  bind_or_compare(aggregate.result, aggregate_result(aggregate, count));
}

void BodyEmitter::emit_reduce(const Step& step) {
  flush();
  const auto& reduce = std::get<datalog::Reduce>(step.literal->node);
  std::vector<std::uint16_t> kinds;
  for (const datalog::Aggregate& aggregate : reduce.aggregates) {
    kinds.push_back(aggregate_kind(aggregate));
  }
  const std::uint16_t set = f_.accumulator();
  f_.emit(Opcode::kAggBegin, set, 0, environment_.batch, 0, f_.list(kinds));
  const std::set<VariableId> wanted = wanted_by(reduce);
  run_inner([&] { run_steps(step.inner, Live(wanted.begin(), wanted.end())); },
            [&] {
              f_.emit(Opcode::kAggStep, set, environment_.origin, environment_.batch, 0,
                      f_.list(step_arguments(reduce)));
            });
  std::vector<std::uint16_t> list;
  const std::vector<Value> results = result_registers(reduce, list);
  std::vector<VariableId> compared;
  for (const datalog::Aggregate& aggregate : reduce.aggregates) {
    if (is_bound(aggregate.result)) compared.push_back(aggregate.result);
  }
  const std::uint16_t lanes = f_.rows().allocate();
  const std::uint16_t batch = f_.batch();
  f_.emit(Opcode::kAggEnd, set, lanes, environment_.batch, batch, f_.list(list));
  contract(lanes, batch, merged(live_after_, compared));
  f_.rows().release(lanes);
  bind_results(reduce, results);
}

std::vector<std::uint16_t> BodyEmitter::group_kinds(const datalog::Reduce& reduce) {
  std::vector<std::uint16_t> kinds;
  for (const datalog::Aggregate& aggregate : reduce.aggregates) {
    kinds.push_back(aggregate_kind(aggregate));
  }
  return kinds;
}

std::uint16_t BodyEmitter::group_key_words(const datalog::Reduce& reduce) {
  unsigned words = 0;
  for (const datalog::GroupKey& key : reduce.keys) {
    words += vm::words_of(key.value.type, key.value.nullable);
  }
  return static_cast<std::uint16_t>(words);
}

void BodyEmitter::collect_group_keys(const datalog::Reduce& reduce,
                                     std::vector<std::uint16_t>& words,
                                     std::vector<std::uint16_t>& null_free) {
  for (const datalog::GroupKey& key : reduce.keys) {
    ColumnLayout column;
    column.type = key.value.type;
    column.nullable = key.value.nullable;
    column.value_words = vm::value_words(key.value.type);
    append_column_words(evaluate(key.value), column, words, null_free);
  }
}

void BodyEmitter::step_groups(const datalog::Reduce& reduce, std::uint16_t group_table) {
  std::vector<std::uint16_t> keys, null_free;
  collect_group_keys(reduce, keys, null_free);
  ENTAIL_ENSURE(null_free.empty());
  f_.emit(Opcode::kGroupStep, group_table, 0, environment_.batch, 0, f_.list(keys),
          f_.list(step_arguments(reduce)));
}

}  // namespace entail::compiler::internal
