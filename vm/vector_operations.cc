// The vector instructions on words: identity, logic, integers, floats, decimals. One loop each, over
// the rows of a batch; the compiler vectorises what the machine can.

#include <cmath>

#include "vm/base/plant.h"
#include "vm/internal/frame.h"

namespace entail::vm {

namespace {

constexpr Word kIntMin = Word{1} << 63;

template <typename Operation>
inline void unary(Frame& frame, const Instruction& in, Operation operation) {
  const std::size_t n = frame.batch_rows[in.d];
  Word* out = frame.word(in.a);
  const Word* b = frame.word(in.b);
  for (std::size_t i = 0; i < n; ++i) out[i] = operation(b[i]);
}

template <typename Operation>
inline void binary(Frame& frame, const Instruction& in, Operation operation) {
  const std::size_t n = frame.batch_rows[in.d];
  Word* out = frame.word(in.a);
  const Word* b = frame.word(in.b);
  const Word* c = frame.word(in.c);
  for (std::size_t i = 0; i < n; ++i) out[i] = operation(b[i], c[i]);
}

template <typename Operation>
inline void binary_float(Frame& frame, const Instruction& in, Operation operation) {
  binary(frame, in,
         [&](Word b, Word c) { return double_word(operation(double_of(b), double_of(c))); });
}

// A division: lanes with divisor 0 get the error and the result 0.
template <typename Operation>
inline void division(Frame& frame, const Instruction& in, Operation operation) {
  Word* errors = frame.word(in.e);
  const std::size_t n = frame.batch_rows[in.d];
  Word* out = frame.word(in.a);
  const Word* b = frame.word(in.b);
  const Word* c = frame.word(in.c);
  for (std::size_t i = 0; i < n; ++i) {
    errors[i] = c[i] == 0 ? kDivisionByZero : kNoLaneError;
    out[i] = c[i] == 0 ? 0 : operation(b[i], c[i]);
  }
}

Word power(Word base, Word exponent) {
  Word result = 1;
  for (; exponent != 0; exponent >>= 1, base *= base) {
    if ((exponent & 1) != 0) result *= base;
  }
  return result;
}

Word power_signed(Word base, Word exponent) {
  if (int_of(exponent) >= 0) return power(base, exponent);
  // 1 / base^n truncates to 0 but for the two units; of 0 it does not exist, and 0 stands for that.
  if (int_of(base) == 1) return 1;
  if (int_of(base) == -1) return (exponent & 1) != 0 ? base : 1;
  return 0;
}

struct WideOperands {
  const Word *left_high, *left_low, *right_high, *right_low;
};

Int128 rounded_quotient(Int128 numerator, Int128 denominator) {
  Int128 quotient = numerator / denominator;
  const Int128 rest = numerator % denominator;
  const Uint128 magnitude = static_cast<Uint128>(rest < 0 ? -rest : rest);
  const Uint128 divisor = static_cast<Uint128>(denominator < 0 ? -denominator : denominator);
  if (magnitude * 2 >= divisor) quotient += (numerator < 0) != (denominator < 0) ? -1 : 1;
  return quotient;
}

Int128 power_of_ten(std::uint32_t digits) {
  Int128 result = 1;
  for (; digits > 0; --digits) result *= 10;
  return result;
}

// |value| < 10^18, or the lane gets the error.
Word decimal_or_error(Int128 value, Word& error) {
  constexpr Int128 kLimit = static_cast<Int128>(1'000'000'000'000'000'000);
  const bool fits = value > -kLimit && value < kLimit;
  error = fits ? kNoLaneError : kDoesNotFit;
  return fits ? int_word(static_cast<std::int64_t>(value)) : 0;
}

void run_wide(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.d];
  const std::uint16_t* items = frame.list(in.e);
  const bool arithmetic = in.op == Opcode::kAddWide || in.op == Opcode::kSubWide;
  const std::size_t first = arithmetic ? 2 : 0;
  const WideOperands o{frame.word(items[first]), frame.word(items[first + 1]),
                       frame.word(items[first + 2]), frame.word(items[first + 3])};
  for (std::size_t i = 0; i < n; ++i) {
    const Int128 left = int128_of(o.left_high[i], o.left_low[i]);
    const Int128 right = int128_of(o.right_high[i], o.right_low[i]);
    if (arithmetic) {
      const Uint128 l = static_cast<Uint128>(left), r = static_cast<Uint128>(right);
      const WordPair pair =
          int128_words(static_cast<Int128>(in.op == Opcode::kAddWide ? l + r : l - r));
      frame.word(items[0])[i] = pair.high;
      frame.word(items[1])[i] = pair.low;
    } else {
      frame.word(in.a)[i] = in.op == Opcode::kLtWide ? left < right : left <= right;
    }
  }
}

void run_decimal(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.d];
  Word* out = frame.word(in.a);
  const Word* b = frame.word(in.b);
  const Word* c = frame.word(in.c);
  Word* errors = frame.word(in.e);
  const Int128 scale = power_of_ten(in.f);
  for (std::size_t i = 0; i < n; ++i) {
    if (in.op == Opcode::kMulDecimal) {
      const Int128 product = static_cast<Int128>(int_of(b[i])) * int_of(c[i]);
      out[i] = decimal_or_error(rounded_quotient(product, scale), errors[i]);
    } else if (c[i] == 0) {
      errors[i] = kDivisionByZero;
      out[i] = 0;
    } else {
      const Int128 numerator = static_cast<Int128>(int_of(b[i])) * scale;
      out[i] = decimal_or_error(rounded_quotient(numerator, int_of(c[i])), errors[i]);
    }
  }
}

bool raise_first(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.d];
  const Word* errors = frame.word(in.a);
  for (std::size_t i = 0; i < n; ++i) {
    if (errors[i] == 0) continue;
    const Place& place = frame.program->places[in.e];
    const ValuePool& pool = frame.functors.pool();
    frame.error = frame.sql_errors ? sql_error(pool, errors[i])
                                   : lane_error(pool, errors[i], place.where, place.text);
    return false;
  }
  return true;
}

}  // namespace

bool run_vector_operation(Frame& frame, const Instruction& in) {
  switch (in.op) {
    case Opcode::kCopy:
      unary(frame, in, [](Word b) { return b; });
      break;
    case Opcode::kEqWord:
      binary(frame, in, [](Word b, Word c) -> Word { return b == c; });
      break;
    case Opcode::kNeWord:
      binary(frame, in, [](Word b, Word c) -> Word { return b != c; });
      break;
    case Opcode::kAnd:
      binary(frame, in, [](Word b, Word c) { return b & c; });
      break;
    case Opcode::kOr:
      binary(frame, in, [](Word b, Word c) { return b | c; });
      break;
    case Opcode::kXor:
      binary(frame, in, [](Word b, Word c) { return b ^ c; });
      break;
    case Opcode::kNot01:
      unary(frame, in, [](Word b) { return 1 - b; });
      break;
    case Opcode::kNonZero:
      unary(frame, in, [](Word b) -> Word { return b != 0; });
      break;
    case Opcode::kComplement:
      unary(frame, in, [](Word b) { return ~b; });
      break;
    case Opcode::kSelect: {
      const Word* condition = frame.word(in.e);
      const std::size_t n = frame.batch_rows[in.d];
      Word* out = frame.word(in.a);
      const Word* b = frame.word(in.b);
      const Word* c = frame.word(in.c);
      for (std::size_t i = 0; i < n; ++i) out[i] = condition[i] != 0 ? b[i] : c[i];
      break;
    }

    case Opcode::kAddI:
      binary(frame, in, [](Word b, Word c) { return b + c; });
      if (ENTAIL_PLANT_BUG(15)) unary(frame, in, [](Word b) { return number_word(int_of(b), 32); });
      break;
    case Opcode::kSubI:
      binary(frame, in, [](Word b, Word c) { return b - c; });
      break;
    case Opcode::kMulI:
      binary(frame, in, [](Word b, Word c) { return b * c; });
      break;
    case Opcode::kDivI:
      division(frame, in, [](Word b, Word c) {
        return c == ~Word{0} ? Word{0} - b : int_word(int_of(b) / int_of(c));
      });
      break;
    case Opcode::kModI:
      division(frame, in, [](Word b, Word c) {
        return c == ~Word{0} ? Word{0} : int_word(int_of(b) % int_of(c));
      });
      break;
    case Opcode::kDivU:
      division(frame, in, [](Word b, Word c) { return b / c; });
      break;
    case Opcode::kModU:
      division(frame, in, [](Word b, Word c) { return b % c; });
      break;
    case Opcode::kPowI:
      binary(frame, in, power_signed);
      break;
    case Opcode::kPowU:
      binary(frame, in, power);
      break;
    case Opcode::kNegI:
      unary(frame, in, [](Word b) { return Word{0} - b; });
      break;
    case Opcode::kShlI: {
      const Word mask = in.e - 1;
      binary(frame, in, [mask](Word b, Word c) { return b << (c & mask); });
      break;
    }
    case Opcode::kShrI: {
      const Word mask = in.e - 1;
      binary(frame, in, [mask](Word b, Word c) { return int_word(int_of(b) >> (c & mask)); });
      break;
    }
    case Opcode::kShrU: {
      const Word mask = in.e - 1;
      const Word width = in.e == 32 ? 0xffffffffU : ~Word{0};
      binary(frame, in, [mask, width](Word b, Word c) { return (b & width) >> (c & mask); });
      break;
    }
    case Opcode::kWrap32I:
      unary(frame, in, [](Word b) { return number_word(int_of(b), 32); });
      break;
    case Opcode::kWrap32U:
      unary(frame, in, [](Word b) { return unsigned_word(b, 32); });
      break;
    // Flipping the sign bit turns signed order into unsigned order.
    case Opcode::kLtI:
      binary(frame, in, [](Word b, Word c) -> Word { return (b ^ kIntMin) < (c ^ kIntMin); });
      if (ENTAIL_PLANT_BUG(30)) binary(frame, in, [](Word b, Word c) -> Word { return b < c; });
      break;
    case Opcode::kLeI:
      binary(frame, in, [](Word b, Word c) -> Word { return (b ^ kIntMin) <= (c ^ kIntMin); });
      break;
    case Opcode::kLtU:
      binary(frame, in, [](Word b, Word c) -> Word { return b < c; });
      break;
    case Opcode::kLeU:
      binary(frame, in, [](Word b, Word c) -> Word { return b <= c; });
      break;
    case Opcode::kMinI:
      binary(frame, in, [](Word b, Word c) { return int_of(b) < int_of(c) ? b : c; });
      break;
    case Opcode::kMaxI:
      binary(frame, in, [](Word b, Word c) { return int_of(b) > int_of(c) ? b : c; });
      break;
    case Opcode::kMinU:
      binary(frame, in, [](Word b, Word c) { return b < c ? b : c; });
      break;
    case Opcode::kMaxU:
      binary(frame, in, [](Word b, Word c) { return b > c ? b : c; });
      break;

    case Opcode::kAddF:
      binary_float(frame, in, [](double b, double c) { return b + c; });
      break;
    case Opcode::kSubF:
      binary_float(frame, in, [](double b, double c) { return b - c; });
      break;
    case Opcode::kMulF:
      binary_float(frame, in, [](double b, double c) { return b * c; });
      break;
    case Opcode::kDivF:
      binary_float(frame, in, [](double b, double c) { return b / c; });
      break;
    case Opcode::kModF:
      binary_float(frame, in, [](double b, double c) { return std::fmod(b, c); });
      break;
    case Opcode::kPowF:
      binary_float(frame, in, [](double b, double c) { return std::pow(b, c); });
      break;
    case Opcode::kNegF:
      unary(frame, in, [](Word b) { return double_word(-double_of(b)); });
      break;
    case Opcode::kLtF:
      binary(frame, in, [](Word b, Word c) -> Word { return double_of(b) < double_of(c); });
      break;
    case Opcode::kLeF:
      binary(frame, in, [](Word b, Word c) -> Word { return double_of(b) <= double_of(c); });
      break;
    case Opcode::kMinF:
      binary_float(frame, in, [](double b, double c) { return c < b ? c : b; });
      break;
    case Opcode::kMaxF:
      binary_float(frame, in, [](double b, double c) { return b < c ? c : b; });
      break;
    case Opcode::kNarrowF32:
      unary(frame, in, [](Word b) { return float_word(static_cast<float>(double_of(b))); });
      break;
    case Opcode::kWidenF32:
      unary(frame, in, [](Word b) { return double_word(static_cast<double>(float_of(b))); });
      break;

    case Opcode::kAddWide:
    case Opcode::kSubWide:
    case Opcode::kLtWide:
    case Opcode::kLeWide:
      run_wide(frame, in);
      break;
    case Opcode::kMulDecimal:
    case Opcode::kDivDecimal:
      run_decimal(frame, in);
      break;

    case Opcode::kMergeErrors:
      binary(frame, in, [](Word b, Word c) { return b != 0 ? b : c; });
      break;
    case Opcode::kRaise:
      return raise_first(frame, in);
    default:
      return run_text_operation(frame, in);
  }
  return true;
}

}  // namespace entail::vm
