#include "tests/oracle/aggregate.h"

#include <algorithm>

#include "tests/oracle/exact_number.h"
#include "tests/oracle/expression_evaluator.h"

namespace entail::oracle {

namespace {

Value integer_of(vm::Type type, std::uint64_t bits) {
  if (type.kind == vm::TypeKind::kUnsigned) {
    return type.width == 32 ? std::uint64_t{static_cast<std::uint32_t>(bits)} : bits;
  }
  const bool narrow = type.kind == vm::TypeKind::kInt4 || type.width == 32;
  return narrow ? std::int64_t{static_cast<std::int32_t>(bits)} : static_cast<std::int64_t>(bits);
}

ExactNumber exact_sum(const std::vector<Value>& values) {
  ExactNumber sum;
  for (const Value& value : values) {
    if (const auto* number = std::get_if<double>(&value)) {
      sum.add(*number);
    } else if (const auto* signed_number = std::get_if<std::int64_t>(&value)) {
      sum.add_signed(*signed_number);
    } else if (const auto* unsigned_number = std::get_if<std::uint64_t>(&value)) {
      sum.add_unsigned(*unsigned_number);
    } else {
      throw Unsupported{"a sum of this type"};
    }
  }
  return sum;
}

Value rounded(vm::Type type, const ExactNumber& sum, std::uint64_t count) {
  if (type.kind == vm::TypeKind::kFloat4)
    return float_value(static_cast<double>(sum.divided_by_as_float(count)));
  if (type.kind == vm::TypeKind::kFloat8) return float_value(sum.divided_by(count));
  throw Unsupported{"a mean that is no float"};
}

Value wrapping_sum(vm::Type type, const std::vector<Value>& values) {
  std::uint64_t sum = 0;
  for (const Value& value : values) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
      sum += static_cast<std::uint64_t>(*number);
    } else if (const auto* unsigned_number = std::get_if<std::uint64_t>(&value)) {
      sum += *unsigned_number;
    } else {
      throw Unsupported{"a sum of this type"};
    }
  }
  return integer_of(type, sum);
}

bool is_float(vm::TypeKind kind) {
  return kind == vm::TypeKind::kFloat4 || kind == vm::TypeKind::kFloat8;
}

}  // namespace

std::optional<Value> aggregate_value(datalog::AggregateOp op, vm::Type result,
                                     const std::vector<Value>& all) {
  using datalog::AggregateOp;
  std::vector<Value> values;
  std::copy_if(all.begin(), all.end(), std::back_inserter(values),
               [](const Value& v) { return !is_null(v); });
  const auto less = [](const Value& a, const Value& b) { return compare(a, b) < 0; };
  switch (op) {
    case AggregateOp::kCount:
      return integer_of(result, values.size());
    case AggregateOp::kCountDistinct: {
      std::sort(values.begin(), values.end(), less);
      const auto end =
          std::unique(values.begin(), values.end(),
                      [](const Value& a, const Value& b) { return compare(a, b) == 0; });
      return integer_of(result, static_cast<std::uint64_t>(end - values.begin()));
    }
    case AggregateOp::kSum:
      if (is_float(result.kind)) return rounded(result, exact_sum(values), 1);
      return wrapping_sum(result, values);
    case AggregateOp::kMean:
      if (values.empty()) return std::nullopt;
      return rounded(result, exact_sum(values), values.size());
    case AggregateOp::kMin:
      if (values.empty()) return std::nullopt;
      return *std::min_element(values.begin(), values.end(), less);
    case AggregateOp::kMax:
      if (values.empty()) return std::nullopt;
      return *std::max_element(values.begin(), values.end(), less);
    case AggregateOp::kCollect:
      std::sort(values.begin(), values.end(), less);
      return compound_value(0, std::move(values));
    default:
      throw Unsupported{"this aggregate"};
  }
}

}  // namespace entail::oracle
