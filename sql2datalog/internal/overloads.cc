#include "sql2datalog/internal/overloads.h"

#include <algorithm>

#include "sql2datalog/internal/lowerer.h"

namespace entail::sql2datalog::internal {

namespace {

constexpr Oid kInt4Array{1007};

using datalog::ExpressionOp;

// Arithmetic of numbers: an operator for each pair of types, computed in the wider.
struct NumberOperator {
  std::string_view symbol;
  ExpressionOp op;
  bool floats;
  bool numeric;
};
constexpr NumberOperator kNumberOperators[] = {
    {"+", ExpressionOp::kAddChecked, true, true},
    {"-", ExpressionOp::kSubtractChecked, true, true},
    {"*", ExpressionOp::kMultiplyChecked, true, true},
    {"/", ExpressionOp::kDivideChecked, true, true},
    {"%", ExpressionOp::kModuloChecked, false, true},
    {"&", ExpressionOp::kBitAnd, false, false},
    {"|", ExpressionOp::kBitOr, false, false},
    {"#", ExpressionOp::kBitXor, false, false},
};
constexpr Oid kIntegers[] = {oids::kInt2, oids::kInt4, oids::kInt8};
constexpr Oid kFloats[] = {oids::kFloat4, oids::kFloat8};

bool is_polymorphic(Oid oid) {
  return oid == oids::kAny || oid == oids::kAnyElement || oid == oids::kAnyArray;
}

// Whether the polymorphic arguments agree: what anyelement is, anyarray is an array of.
bool polymorphic_fit(const Lowerer& lowerer, const Candidate& candidate,
                     const std::vector<Oid>& types) {
  Oid element = oids::kUnknown;
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (candidate.arguments[i] == oids::kAnyArray) {
      if (types[i] == oids::kUnknown) continue;
      const TypeInfo* const info = find_type(types[i]);
      if (info == nullptr || info->element == 0) return false;
      if (element == oids::kUnknown) element = info->element;
    }
  }
  if (element == oids::kUnknown) return true;
  return std::all_of(types.begin(), types.end(), [&](const Oid& type) {
    const std::size_t i = static_cast<std::size_t>(&type - types.data());
    return candidate.arguments[i] != oids::kAnyElement ||
           lowerer.can_coerce(type, element, Lowerer::CastContext::kImplicit);
  });
}

}  // namespace

Oid oid_of_letter(char letter) {
  switch (letter) {
    case 'b':
      return oids::kBool;
    case 'h':
      return oids::kInt2;
    case 'i':
      return oids::kInt4;
    case 'l':
      return oids::kInt8;
    case 'f':
      return oids::kFloat4;
    case 'd':
      return oids::kFloat8;
    case 'n':
      return oids::kNumeric;
    case 't':
      return oids::kText;
    case 'y':
      return oids::kBytea;
    case 'D':
      return oids::kDate;
    case 'T':
      return oids::kTime;
    case 'S':
      return oids::kTimestamp;
    case 'Z':
      return oids::kTimestampTz;
    case 'V':
      return oids::kInterval;
    case 'u':
      return oids::kUuid;
    case 'j':
      return oids::kJsonb;
    case 'e':
      return oids::kAnyElement;
    case 'a':
      return oids::kAnyArray;
    case 'I':
      return kInt4Array;
    default:
      return oids::kAny;
  }
}

std::vector<Candidate> function_candidates(std::string_view name, std::size_t count) {
  std::vector<Candidate> found;
  for (const vm::ScalarSignature& signature : vm::scalar_signatures_of(name)) {
    const std::size_t least = signature.arguments.size();
    if (count != least && !(signature.variadic && count > least)) continue;
    Candidate candidate;
    candidate.function = signature.function;
    candidate.result = oid_of_letter(signature.result);
    for (std::size_t i = 0; i < count; ++i) {
      candidate.arguments.push_back(oid_of_letter(signature.arguments[std::min(i, least - 1)]));
    }
    found.push_back(std::move(candidate));
  }
  return found;
}

std::vector<Candidate> operator_candidates(std::string_view symbol, std::size_t arguments) {
  std::vector<Candidate> found = function_candidates(symbol, arguments);
  // Those of numerics are in the table below with all other numbers.
  found.erase(std::remove_if(found.begin(), found.end(),
                             [](const Candidate& candidate) {
                               return candidate.arguments ==
                                          std::vector<Oid>{oids::kNumeric, oids::kNumeric} &&
                                      candidate.result == oids::kNumeric &&
                                      candidate.function != vm::ScalarFunction::kCaretNumeric;
                             }),
              found.end());
  for (const NumberOperator& row : kNumberOperators) {
    if (row.symbol != symbol || arguments != 2) continue;
    auto add = [&](Oid left, Oid right, Oid computed) {
      found.push_back({{left, right}, computed, std::nullopt, row.op, computed});
    };
    for (const Oid left : kIntegers) {
      for (const Oid right : kIntegers) {
        const bool bits = !row.numeric;
        if ((bits || symbol == "%") && left != right) continue;
        const Oid wider = left == oids::kInt8 || right == oids::kInt8   ? Oid{oids::kInt8}
                          : left == oids::kInt4 || right == oids::kInt4 ? Oid{oids::kInt4}
                                                                        : Oid{oids::kInt2};
        add(left, right, wider);
      }
    }
    if (row.floats) {
      for (const Oid left : kFloats) {
        for (const Oid right : kFloats) {
          add(left, right,
              left == oids::kFloat4 && right == oids::kFloat4 ? Oid{oids::kFloat4}
                                                              : Oid{oids::kFloat8});
        }
      }
    }
    if (row.numeric) add(oids::kNumeric, oids::kNumeric, oids::kNumeric);
  }
  return found;
}

const Candidate* find_exact(const std::vector<Candidate>& candidates,
                            const std::vector<Oid>& types) {
  for (const Candidate& candidate : candidates) {
    if (candidate.arguments == types) return &candidate;
  }
  return nullptr;
}

const Candidate* choose_candidate(const Lowerer& lowerer, const std::vector<Candidate>& candidates,
                                  const std::vector<Oid>& types, bool& ambiguous) {
  using Pointers = std::vector<const Candidate*>;
  ambiguous = false;
  Pointers left;
  for (const Candidate& candidate : candidates) {
    bool fits = polymorphic_fit(lowerer, candidate, types);
    for (std::size_t i = 0; fits && i < types.size(); ++i) {
      const Oid wanted = candidate.arguments[i];
      fits = is_polymorphic(wanted) ||
             lowerer.can_coerce(types[i], wanted, Lowerer::CastContext::kImplicit) ||
             (wanted == oids::kJsonb && types[i] == oids::kJson) ||
             (wanted == oids::kText && is_string_type(types[i]));
    }
    if (fits) left.push_back(&candidate);
  }
  if (left.size() <= 1) return left.empty() ? nullptr : left.front();

  // Keeps those with the highest score, if any scores.
  auto keep_best = [&](auto&& score, bool even_none) {
    int best = 0;
    for (const Candidate* candidate : left) best = std::max(best, score(*candidate));
    if (best == 0 && !even_none) return;
    Pointers kept;
    for (const Candidate* candidate : left) {
      if (score(*candidate) == best) kept.push_back(candidate);
    }
    left = std::move(kept);
  };
  auto base = [](Oid oid) { return oid == oids::kVarchar ? Oid{oids::kText} : oid; };
  auto exact = [&](const Candidate& candidate) {
    int matches = 0;
    for (std::size_t i = 0; i < types.size(); ++i) {
      if (types[i] != oids::kUnknown && base(types[i]) == candidate.arguments[i]) ++matches;
    }
    return matches;
  };
  keep_best(exact, true);
  if (left.size() == 1) return left.front();
  auto preferring = [&](const Candidate& candidate) {
    int matches = 0;
    for (std::size_t i = 0; i < types.size(); ++i) {
      if (types[i] == oids::kUnknown) continue;
      const Oid wanted = candidate.arguments[i];
      if (base(types[i]) == wanted ||
          (lowerer.category(types[i]) == lowerer.category(wanted) && lowerer.preferred(wanted))) {
        ++matches;
      }
    }
    return matches;
  };
  keep_best(preferring, true);
  if (left.size() == 1) return left.front();

  // Unknown literals: a string if any candidate takes one there, else the category all agree on.
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (types[i] != oids::kUnknown) continue;
    char category = '\0';
    bool agreed = true, string = false;
    for (const Candidate* candidate : left) {
      const char mine = lowerer.category(candidate->arguments[i]);
      string = string || mine == 'S';
      if (category == '\0') category = mine;
      agreed = agreed && category == mine;
    }
    if (string) {
      category = 'S';
    } else if (!agreed) {
      continue;
    }
    Pointers kept;
    bool any_preferred = false;
    for (const Candidate* candidate : left) {
      if (lowerer.category(candidate->arguments[i]) != category) continue;
      kept.push_back(candidate);
      any_preferred = any_preferred || lowerer.preferred(candidate->arguments[i]);
    }
    if (any_preferred) {
      kept.erase(std::remove_if(kept.begin(), kept.end(),
                                [&](const Candidate* candidate) {
                                  return !lowerer.preferred(candidate->arguments[i]);
                                }),
                 kept.end());
    }
    if (!kept.empty()) left = std::move(kept);
  }
  if (left.size() == 1) return left.front();

  // All known arguments of one type: unknown ones are of it too.
  Oid known = oids::kUnknown;
  for (const Oid type : types) {
    if (type == oids::kUnknown) continue;
    if (known != oids::kUnknown && known != type) known = 0;
    if (known == oids::kUnknown) known = type;
  }
  if (known != oids::kUnknown && known != 0) {
    Pointers kept;
    for (const Candidate* candidate : left) {
      const bool fits =
          std::all_of(candidate->arguments.begin(), candidate->arguments.end(), [&](Oid wanted) {
            return wanted == base(known) ||
                   lowerer.can_coerce(known, wanted, Lowerer::CastContext::kImplicit);
          });
      if (fits) kept.push_back(candidate);
    }
    if (kept.size() == 1) return kept.front();
  }
  ambiguous = true;
  return nullptr;
}

}  // namespace entail::sql2datalog::internal
