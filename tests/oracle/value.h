// tests/oracle/value.h - the reference evaluator's own values: plain C++, nothing shared with the
// VM.
//
//     number, int2 … int8, bool, enum, dates and times     std::int64_t
//     unsigned                                             std::uint64_t
//     float4, float8                                       double (float4 already rounded)
//     text, bytes, json                                    std::string
//     record, adt, array                                   Compound, shared and never changed
//     nil, null                                            Nil, Null
//
// Values of one column have one C++ type but for Null and Nil, so that comparing them is comparing
// variants. compare() is a total order: null first, nil next, NaN above all numbers and equal to
// itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "vm/type_table.h"

namespace entail::oracle {

struct Null {};
struct Nil {};
struct Compound;

using Value = std::variant<Null, Nil, std::int64_t, std::uint64_t, double, std::string,
                           std::shared_ptr<const Compound>>;
using Row = std::vector<Value>;

// The parts of a record or array, or a branch of an adt and its fields.
struct Compound {
  std::uint32_t branch = 0;
  std::vector<Value> parts;
};

// A float as every relation holds it: one zero, one NaN.
Value float_value(double value);
Value compound_value(std::uint32_t branch, std::vector<Value> parts);

inline bool is_null(const Value& value) { return std::holds_alternative<Null>(value); }

// Negative, zero, positive. Zero is identity: what a repeated variable means.
int compare(const Value& left, const Value& right);
int compare(const Row& left, const Row& right);

struct RowLess {
  bool operator()(const Row& left, const Row& right) const { return compare(left, right) < 0; }
};

// The shortest text that reads back to the same double (or float).
std::string shortest_text(double value, bool single_precision);

// As Entail prints it; text inside records is bare.
std::string to_text(const vm::TypeTable& types, vm::Type type, const Value& value);

}  // namespace entail::oracle
