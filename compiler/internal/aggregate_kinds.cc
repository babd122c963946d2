#include "compiler/internal/aggregate_kinds.h"

namespace entail::compiler::internal {

namespace {

vm::SqlAggregate sql_operation(datalog::AggregateOp op) {
  using datalog::AggregateOp;
  switch (op) {
    case AggregateOp::kSum:
    case AggregateOp::kSqlSum:
      return vm::SqlAggregate::kSum;
    case AggregateOp::kAverage:
      return vm::SqlAggregate::kAverage;
    case AggregateOp::kMin:
      return vm::SqlAggregate::kMin;
    case AggregateOp::kMax:
      return vm::SqlAggregate::kMax;
    case AggregateOp::kBoolAnd:
      return vm::SqlAggregate::kBoolAnd;
    case AggregateOp::kBoolOr:
      return vm::SqlAggregate::kBoolOr;
    case AggregateOp::kBitAnd:
      return vm::SqlAggregate::kBitAnd;
    case AggregateOp::kBitOr:
      return vm::SqlAggregate::kBitOr;
    case AggregateOp::kBitXor:
      return vm::SqlAggregate::kBitXor;
    case AggregateOp::kVarPop:
      return vm::SqlAggregate::kVarPop;
    case AggregateOp::kVarSamp:
      return vm::SqlAggregate::kVarSamp;
    case AggregateOp::kStddevPop:
      return vm::SqlAggregate::kStddevPop;
    case AggregateOp::kStddevSamp:
      return vm::SqlAggregate::kStddevSamp;
    case AggregateOp::kStringAgg:
      return vm::SqlAggregate::kStringAgg;
    case AggregateOp::kArrayAgg:
      return vm::SqlAggregate::kArrayAgg;
    default:
      return vm::SqlAggregate::kCount;
  }
}

}  // namespace

bool is_sql_aggregate(const datalog::Aggregate& aggregate, const datalog::Variable& result) {
  using datalog::AggregateOp;
  switch (aggregate.op) {
    case AggregateOp::kCount:
    case AggregateOp::kCountDistinct:
      return aggregate.argument.has_value() &&
             (aggregate.distinct || aggregate.op == AggregateOp::kCountDistinct) &&
             (vm::value_words(aggregate.argument->type) == 2 ||
              aggregate.argument->type == vm::Type::displayed_numeric());
    case AggregateOp::kMean:
    case AggregateOp::kCollect:
      return false;
    case AggregateOp::kSum:
    case AggregateOp::kMin:
    case AggregateOp::kMax:
      return result.nullable || aggregate.distinct ||
             vm::value_words(aggregate.argument->type) == 2;
    default:
      return true;
  }
}

vm::AggregateSpec sql_aggregate_spec(const datalog::Aggregate& aggregate,
                                     const datalog::Variable& result) {
  vm::AggregateSpec spec;
  spec.op = sql_operation(aggregate.op);
  spec.argument = aggregate.argument->type;
  spec.result = result.type;
  spec.distinct = aggregate.distinct || aggregate.op == datalog::AggregateOp::kCountDistinct;
  for (const datalog::OrderItem& item : aggregate.order) {
    spec.order.push_back({item.value.type, item.value.nullable, item.descending, item.nulls_first});
  }
  return spec;
}

vm::AggregateSpec frame_aggregate_spec(const datalog::RankResult& function,
                                       const datalog::Variable& result) {
  vm::AggregateSpec spec;
  spec.op = sql_operation(function.aggregate);
  spec.argument = function.arguments.empty() ? vm::Type::number() : function.arguments[0].type;
  spec.result = result.type;
  if (spec.op == vm::SqlAggregate::kStringAgg || spec.op == vm::SqlAggregate::kArrayAgg) {
    spec.order.push_back({vm::Type::number(), false, false, false});
  }
  return spec;
}

}  // namespace entail::compiler::internal
