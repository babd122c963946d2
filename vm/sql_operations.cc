// The instructions of SQL's expressions: arithmetic that fails where a result does not fit, orders, and
// calls of functions (vm/scalar_functions.def).

#include <cmath>

#include "vm/base/ensure.h"
#include "vm/internal/frame.h"
#include "vm/value_codec.h"

namespace entail::vm {

namespace {

using ScalarBody = void (*)(ScalarCall&);

constexpr ScalarBody kBodies[kScalarFunctionCount] = {
#define SCALAR_FUNCTION(id, name, arguments, result, flags) &scalar::id,
#include "vm/scalar_functions.def"
#undef SCALAR_FUNCTION
};

LaneError out_of_range(std::uint32_t bits) {
  return bits == 16 ? kSmallintOutOfRange : bits == 32 ? kIntegerOutOfRange : kBigintOutOfRange;
}

// `wide` computes in 64 bits what cannot overflow them for narrower operands; `builtin` tells whether it
// did for 64-bit ones.
template <typename Wide, typename Builtin>
void checked(Frame& frame, const Instruction& in, Wide wide, Builtin builtin) {
  const std::size_t n = frame.batch_rows[in.d];
  Word* out = frame.word(in.a);
  Word* errors = frame.word(in.e);
  const Word* b = frame.word(in.b);
  const Word* c = frame.word(in.c);
  const Word code = out_of_range(in.f);
  if (in.f == 64) {
    for (std::size_t i = 0; i < n; ++i) {
      std::int64_t result = 0;
      const bool failed = builtin(int_of(b[i]), int_of(c[i]), result);
      errors[i] = failed ? code : Word{0};
      out[i] = failed ? Word{0} : int_word(result);
    }
    return;
  }
  const Word half = Word{1} << (in.f - 1);
  const Word limit = half * 2;
  for (std::size_t i = 0; i < n; ++i) {
    const Word result = wide(b[i], c[i]);
    const bool fits = result + half < limit;
    errors[i] = fits ? Word{0} : code;
    out[i] = fits ? result : Word{0};
  }
}

void divide_checked(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.d];
  Word* out = frame.word(in.a);
  Word* errors = frame.word(in.e);
  const Word* b = frame.word(in.b);
  const Word* c = frame.word(in.c);
  const bool modulo = in.op == Opcode::kModChecked;
  const std::int64_t least = in.f == 16   ? std::numeric_limits<std::int16_t>::min()
                             : in.f == 32 ? std::numeric_limits<std::int32_t>::min()
                                          : std::numeric_limits<std::int64_t>::min();
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t left = int_of(b[i]), right = int_of(c[i]);
    errors[i] = 0;
    if (right == 0) {
      errors[i] = kSqlDivisionByZero;
      out[i] = 0;
    } else if (right == -1) {
      if (!modulo && left == least) errors[i] = out_of_range(in.f);
      out[i] = modulo || left == least ? 0 : int_word(-left);
    } else {
      out[i] = int_word(modulo ? left % right : left / right);
    }
  }
}

void negate_checked(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.d];
  Word* out = frame.word(in.a);
  Word* errors = frame.word(in.e);
  const Word* b = frame.word(in.b);
  const Word least = ~Word{0} << (in.f - 1);
  for (std::size_t i = 0; i < n; ++i) {
    errors[i] = b[i] == least ? out_of_range(in.f) : kNoLaneError;
    out[i] = b[i] == least ? 0 : Word{0} - b[i];
  }
}

template <typename Float, typename Operation>
Word float_result(Float left, Float right, Operation operation, bool product, Word& error) {
  const Float result = operation(left, right);
  error = 0;
  if (std::isinf(result) && !std::isinf(left) && !std::isinf(right)) {
    error = kFloatOverflow;
    return 0;
  }
  if (product && result == Float{0} && left != Float{0} && right != Float{0} &&
      !std::isinf(right)) {
    error = kFloatUnderflow;
    return 0;
  }
  if constexpr (sizeof(Float) == 8) {
    return double_word(result);
  } else {
    return float_word(result);
  }
}

template <typename Float>
void float_checked(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.d];
  Word* out = frame.word(in.a);
  Word* errors = frame.word(in.e);
  const Word* b = frame.word(in.b);
  const Word* c = frame.word(in.c);
  const auto of = [](Word word) {
    if constexpr (sizeof(Float) == 8) {
      return double_of(word);
    } else {
      return float_of(word);
    }
  };
  const auto each = [&](bool product, auto operation) {
    for (std::size_t i = 0; i < n; ++i) {
      out[i] = float_result(of(b[i]), of(c[i]), operation, product, errors[i]);
    }
  };
  switch (in.f & 3) {
    case 0:
      return each(false, [](Float x, Float y) { return x + y; });
    case 1:
      return each(false, [](Float x, Float y) { return x - y; });
    case 2:
      return each(true, [](Float x, Float y) { return x * y; });
    default:
      each(true, [](Float x, Float y) { return y == Float{0} ? Float{0} : x / y; });
      for (std::size_t i = 0; i < n; ++i) {
        if (of(c[i]) != Float{0}) continue;
        const bool nan = of(b[i]) != of(b[i]);  // NaN / 0 is NaN, as in PostgreSQL.
        errors[i] = nan ? kNoLaneError : kSqlDivisionByZero;
        out[i] = nan ? b[i] : 0;
      }
  }
}

// NaN is above all and equal to itself.
bool less_total(double a, double b) { return a == a && (b != b || a < b); }

void order_floats(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.d];
  Word* out = frame.word(in.a);
  const Word* b = frame.word(in.b);
  const Word* c = frame.word(in.c);
  for (std::size_t i = 0; i < n; ++i) {
    const double x = double_of(b[i]), y = double_of(c[i]);
    out[i] = in.e == 0 ? less_total(x, y) : !less_total(y, x);
  }
}

void compare_wholes(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.d];
  const std::uint16_t* items = frame.list(in.e);
  const Type type = frame.program->types[in.f];
  const ValuePool& pool = frame.functors.pool();
  Word* out = frame.word(in.a);
  const auto array = [&](std::size_t k) {
    return items[k] == kNoRegister ? nullptr : frame.word(items[k]);
  };
  const Word *left = array(0), *left_low = array(1), *right = array(2), *right_low = array(3);
  for (std::size_t i = 0; i < n; ++i) {
    const Word l[2] = {left[i], left_low != nullptr ? left_low[i] : 0};
    const Word r[2] = {right[i], right_low != nullptr ? right_low[i] : 0};
    // The words of a null are no value; its flag decides elsewhere.
    const bool absent = may_be_handle(type.kind) && (l[0] == 0 || r[0] == 0);
    const int order = absent ? 0 : compare_values(pool, type, false, l, r);
    switch (in.b) {
      case 0:
        out[i] = order < 0;
        break;
      case 1:
        out[i] = order <= 0;
        break;
      case 2:
        out[i] = order == 0;
        break;
      default:
        out[i] = order != 0;
    }
  }
}

void call_scalar(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.d];
  const ScalarCallSite& site = frame.program->calls[in.f];
  const bool cast = site.function == kCastCall;
  const bool strict = cast || scalar_signature(static_cast<ScalarFunction>(site.function)).strict;
  const ScalarBody body = cast ? &run_cast : kBodies[site.function];
  const std::uint16_t* items = frame.list(in.e);
  const auto array = [&](std::size_t k) {
    return items[k] == kNoRegister ? nullptr : frame.word(items[k]);
  };
  Word* const out = frame.word(in.a);
  Word *const low = array(0), *const nulls = array(1), *const errors = array(2);
  ScalarCall call(frame.scalars, site.result, site.arguments);
  const std::size_t count = site.arguments.size();
  struct Source {
    const Word *word, *low, *null;
  };
  std::vector<Source> sources(count);
  for (std::size_t k = 0; k < count; ++k) {
    sources[k] = {array(3 + 3 * k), array(4 + 3 * k), array(5 + 3 * k)};
  }
  for (std::size_t i = 0; i < n; ++i) {
    bool absent = false, failed = false;
    for (std::size_t k = 0; k < count; ++k) {
      ScalarCall::Argument& argument = call.arguments()[k];
      argument.word = sources[k].word[i];
      argument.low = sources[k].low != nullptr ? sources[k].low[i] : 0;
      argument.null = sources[k].null != nullptr && sources[k].null[i] != 0;
      absent = absent || argument.null;
      // The word of no value: what the argument is made by has failed for this row, and says so itself.
      failed =
          failed || (argument.word == 0 && !argument.null && may_be_handle(argument.type.kind) &&
                     argument.type.kind != TypeKind::kRecord);
    }
    call.clear();
    if (failed || (strict && absent)) {
      call.give_null();
    } else {
      body(call);
    }
    const bool nothing = call.null || call.error != 0;
    out[i] = nothing ? 0 : call.word;
    if (low != nullptr) low[i] = nothing ? 0 : call.low;
    if (nulls != nullptr) nulls[i] = call.null && call.error == 0;
    if (errors != nullptr) errors[i] = call.error;
  }
}

}  // namespace

bool run_sql_operation(Frame& frame, const Instruction& in) {
  switch (in.op) {
    case Opcode::kAddChecked:
      checked(
          frame, in, [](Word b, Word c) { return b + c; },
          [](std::int64_t b, std::int64_t c, std::int64_t& result) {
            return __builtin_add_overflow(b, c, &result);
          });
      break;
    case Opcode::kSubChecked:
      checked(
          frame, in, [](Word b, Word c) { return b - c; },
          [](std::int64_t b, std::int64_t c, std::int64_t& result) {
            return __builtin_sub_overflow(b, c, &result);
          });
      break;
    case Opcode::kMulChecked:
      checked(
          frame, in, [](Word b, Word c) { return b * c; },
          [](std::int64_t b, std::int64_t c, std::int64_t& result) {
            return __builtin_mul_overflow(b, c, &result);
          });
      break;
    case Opcode::kDivChecked:
    case Opcode::kModChecked:
      divide_checked(frame, in);
      break;
    case Opcode::kNegChecked:
      negate_checked(frame, in);
      break;
    case Opcode::kFloatChecked:
      if ((in.f & 4) != 0) {
        float_checked<float>(frame, in);
      } else {
        float_checked<double>(frame, in);
      }
      break;
    case Opcode::kOrderF:
      order_floats(frame, in);
      break;
    case Opcode::kCompareValues:
      compare_wholes(frame, in);
      break;
    case Opcode::kCallScalar:
      call_scalar(frame, in);
      break;
    default:
      ENTAIL_UNREACHABLE("the verifier let an unknown instruction pass");
  }
  return true;
}

}  // namespace entail::vm
