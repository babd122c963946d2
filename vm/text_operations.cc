// The instructions on text, records and conversions: a call of vm/functors.h for each row of a batch.

#include <array>
#include <cmath>
#include <limits>

#include "vm/base/ensure.h"
#include "vm/datetime.h"
#include "vm/internal/frame.h"
#include "vm/internal/integer_width.h"

namespace entail::vm {

namespace {

std::int64_t floor_divide(std::int64_t value, std::int64_t divisor) {
  const std::int64_t quotient = value / divisor;
  return quotient - ((value % divisor != 0) && ((value < 0) != (divisor < 0)) ? 1 : 0);
}

Word date_part(DatePart part, TypeKind kind, Word word) {
  std::int64_t days = 0, us = 0;
  if (kind == TypeKind::kDate) {
    days = int_of(word);
  } else if (kind == TypeKind::kTime) {
    us = int_of(word);
  } else {
    days = floor_divide(int_of(word), kMicrosPerDay);
    us = int_of(word) - days * kMicrosPerDay;
  }
  switch (part) {
    case DatePart::kYear:
      return int_word(civil_of(days).year);
    case DatePart::kMonth:
      return civil_of(days).month;
    case DatePart::kDay:
      return civil_of(days).day;
    case DatePart::kHour:
      return int_word(us / 3'600'000'000);
    case DatePart::kMinute:
      return int_word(us / 60'000'000 % 60);
    case DatePart::kSecond:
      return int_word(us / 1'000'000 % 60);
    case DatePart::kWeekday:
      return int_word(((days + 4) % 7 + 7) % 7);  // 0 is Sunday.
  }
  ENTAIL_UNREACHABLE("a date part that does not exist");
}

bool is_signed_integer(TypeKind kind) {
  return kind == TypeKind::kNumber || kind == TypeKind::kInt2 || kind == TypeKind::kInt4 ||
         kind == TypeKind::kInt8 || kind == TypeKind::kBool || kind == TypeKind::kEnum;
}

// A number of the rule language wraps; a fixed-width integer that the value leaves is an error.
Word to_integer(std::int64_t value, Type to, Word& error) {
  if (to.kind == TypeKind::kNumber) return number_word(value, to.width);
  if (to.kind == TypeKind::kUnsigned) return unsigned_word(static_cast<Word>(value), to.width);
  const unsigned width = integer_width(to);
  if (width < 64 &&
      (value < -(std::int64_t{1} << (width - 1)) || value >= std::int64_t{1} << (width - 1))) {
    error = kDoesNotFit;
    return 0;
  }
  return int_word(value);
}

Word float_to_integer(double value, Type to, Word& error) {
  const bool to_unsigned = to.kind == TypeKind::kUnsigned;
  const double low = to_unsigned ? -1.0 : -std::ldexp(1.0, 63);
  const double high = to_unsigned ? std::ldexp(1.0, 64) : std::ldexp(1.0, 63);
  const bool inside = to_unsigned ? value > low && value < high : value >= low && value < high;
  if (!inside) {
    error = kDoesNotFit;
    return 0;
  }
  if (to_unsigned) return unsigned_word(static_cast<std::uint64_t>(value), to.width);
  return to_integer(static_cast<std::int64_t>(value), to, error);
}

Word convert_text(Functors& functors, Type to, Word word, Word& error) {
  Word out = 0;
  FunctorError failed = FunctorError::kNone;
  switch (to.kind) {
    case TypeKind::kNumber:
      failed = functors.to_number(word, to.width, out);
      break;
    case TypeKind::kUnsigned:
      failed = functors.to_unsigned(word, to.width, out);
      break;
    case TypeKind::kFloat8:
      failed = functors.to_float8(word, out);
      break;
    case TypeKind::kFloat4:
      failed = functors.to_float4(word, out);
      break;
    default: {
      TextScratch scratch;
      std::string reason;
      if (!parse_value(functors.pool(), to, functors.pool().view(word, scratch), &out, reason)) {
        failed = FunctorError::kOutOfRange;
      }
    }
  }
  error = static_cast<Word>(failed);
  return out;
}

Word convert(Functors& functors, Type from, Type to, Word word, Word& error) {
  if (from == to) return word;
  if (to.kind == TypeKind::kText) return functors.to_text(from, &word);
  if (from.kind == TypeKind::kText) return convert_text(functors, to, word, error);
  const bool from_float = from.kind == TypeKind::kFloat8 || from.kind == TypeKind::kFloat4;
  const bool to_float = to.kind == TypeKind::kFloat8 || to.kind == TypeKind::kFloat4;
  if (from.kind == TypeKind::kDecimal || to.kind == TypeKind::kDecimal) {
    const auto power = [](unsigned digits) {
      std::int64_t p = 1;
      for (; digits > 0; --digits) p *= 10;
      return p;
    };
    const std::int64_t from_scale = power(from.kind == TypeKind::kDecimal ? from.scale : 0);
    const std::int64_t to_scale = power(to.kind == TypeKind::kDecimal ? to.scale : 0);
    if (to_float) {
      const double value = static_cast<double>(int_of(word)) / static_cast<double>(from_scale);
      return to.kind == TypeKind::kFloat8 ? double_word(value)
                                          : float_word(static_cast<float>(value));
    }
    Int128 unscaled = 0;
    if (from_float) {
      const double value =
          from.kind == TypeKind::kFloat8 ? double_of(word) : double_of(double_word(float_of(word)));
      const double scaled = std::round(value * static_cast<double>(to_scale));
      if (!(std::fabs(scaled) < 1e18)) {
        error = kDoesNotFit;
        return 0;
      }
      unscaled = static_cast<Int128>(scaled);
    } else {
      const Int128 numerator = static_cast<Int128>(int_of(word)) * to_scale;
      const Int128 half = numerator < 0 ? -static_cast<Int128>(from_scale) / 2
                                        : static_cast<Int128>(from_scale) / 2;
      // A decimal becomes an integer by truncation, as a float does; another decimal by rounding.
      unscaled = (to.kind == TypeKind::kDecimal && from_scale > 1 ? numerator + half : numerator) /
                 from_scale;
    }
    if (to.kind == TypeKind::kDecimal) {
      const Int128 limit = power(to.width > 18 ? 18 : to.width);
      if (unscaled <= -limit || unscaled >= limit) {
        error = kDoesNotFit;
        return 0;
      }
      return int_word(static_cast<std::int64_t>(unscaled));
    }
    return to_integer(static_cast<std::int64_t>(unscaled), to, error);
  }
  if (from_float) {
    const double value =
        from.kind == TypeKind::kFloat8 ? double_of(word) : static_cast<double>(float_of(word));
    if (to.kind == TypeKind::kFloat8) return double_word(value);
    if (to.kind == TypeKind::kFloat4) return float_word(static_cast<float>(value));
    return float_to_integer(value, to, error);
  }
  if (to_float) {
    const double value = is_signed_integer(from.kind) ? static_cast<double>(int_of(word))
                                                      : static_cast<double>(word);
    if (to.kind == TypeKind::kFloat8) return double_word(value);
    return float_word(static_cast<float>(value));
  }
  if (to.kind == TypeKind::kBool) return word != 0;
  if (to.kind == TypeKind::kTimestamp && from.kind == TypeKind::kDate)
    return word * static_cast<Word>(kMicrosPerDay);
  if (to.kind == TypeKind::kDate &&
      (from.kind == TypeKind::kTimestamp || from.kind == TypeKind::kTimestampTz)) {
    return int_word(floor_divide(int_of(word), kMicrosPerDay));
  }
  return to_integer(int_of(word), to, error);
}

Word call_text(Functors& functors, TextFunction function, std::span<const Word* const> arguments,
               std::size_t i) {
  switch (function) {
    case TextFunction::kLower:
      return functors.lower(arguments[0][i]);
    case TextFunction::kUpper:
      return functors.upper(arguments[0][i]);
    case TextFunction::kTrim:
      return functors.trim(arguments[0][i]);
    case TextFunction::kReplace:
      return functors.replace(arguments[0][i], arguments[1][i], arguments[2][i]);
    case TextFunction::kStartsWith:
      return functors.starts_with(arguments[0][i], arguments[1][i]) ? 1 : 0;
    case TextFunction::kEndsWith:
      return functors.ends_with(arguments[0][i], arguments[1][i]) ? 1 : 0;
  }
  ENTAIL_UNREACHABLE("a text function that does not exist");
}

void make_records(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.d];
  Word* out = frame.word(in.a);
  const auto fields = frame.arrays(in.e);
  const auto type = static_cast<TypeId>(in.f);
  ValuePool& pool = frame.functors.pool();
  const bool variant = pool.types().kind(type) == TypeKind::kAdt;
  frame.record_words.resize(fields.size());
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < fields.size(); ++k) frame.record_words[k] = fields[k][i];
    const std::span<const Word> words(frame.record_words);
    out[i] = variant ? pool.intern_adt(type, words[0], words.subspan(1))
                     : pool.intern_record(type, words);
  }
}

}  // namespace

bool run_text_operation(Frame& frame, const Instruction& in) {
  const std::size_t n = frame.batch_rows[in.d];
  Functors& functors = frame.functors;
  ValuePool& pool = functors.pool();
  Word* out = frame.word(in.a);
  const Word* b = frame.word(in.b);
  const Word* c = frame.word(in.c);
  switch (in.op) {
    case Opcode::kCompareText:
      for (std::size_t i = 0; i < n; ++i) {
        const int order = pool.compare_text(b[i], c[i]);
        out[i] = in.e == 0 ? order < 0 : order <= 0;
      }
      break;
    case Opcode::kMinText:
      for (std::size_t i = 0; i < n; ++i) out[i] = pool.compare_text(b[i], c[i]) <= 0 ? b[i] : c[i];
      break;
    case Opcode::kMaxText:
      for (std::size_t i = 0; i < n; ++i) out[i] = pool.compare_text(b[i], c[i]) >= 0 ? b[i] : c[i];
      break;
    case Opcode::kConcat: {
      const auto parts = frame.arrays(in.e);
      frame.record_words.resize(parts.size());
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t k = 0; k < parts.size(); ++k) frame.record_words[k] = parts[k][i];
        out[i] = functors.cat(std::span<const Word>(frame.record_words));
      }
      break;
    }
    case Opcode::kTextLength:
      for (std::size_t i = 0; i < n; ++i) out[i] = functors.strlen(b[i]);
      break;
    case Opcode::kSubstring: {
      // Out of range is the empty text, as in Souffle: a result, not an error.
      const auto bounds = frame.arrays(in.e);
      for (std::size_t i = 0; i < n; ++i) {
        static_cast<void>(
            functors.substr(b[i], int_of(bounds[0][i]), int_of(bounds[1][i]), out[i]));
      }
      break;
    }
    case Opcode::kTextContains:
      for (std::size_t i = 0; i < n; ++i) out[i] = functors.contains(b[i], c[i]) ? 1 : 0;
      break;
    case Opcode::kTextMatches: {
      Word* errors = frame.word(in.e);
      for (std::size_t i = 0; i < n; ++i) {
        bool matched = false;
        errors[i] = static_cast<Word>(functors.match(b[i], c[i], matched));
        out[i] = matched ? 1 : 0;
      }
      break;
    }
    case Opcode::kTextCall: {
      const auto arguments = frame.arrays(in.e);
      for (std::size_t i = 0; i < n; ++i) {
        out[i] = call_text(functors, static_cast<TextFunction>(in.f), arguments, i);
      }
      break;
    }
    case Opcode::kOrdinalOf:
      for (std::size_t i = 0; i < n; ++i) out[i] = functors.ord(b[i], 64);
      break;
    case Opcode::kConvert: {
      const Type from = frame.program->types[in.e], to = frame.program->types[in.f];
      Word* errors = frame.word(in.c);
      for (std::size_t i = 0; i < n; ++i) {
        Word error = kNoLaneError;
        out[i] = convert(functors, from, to, b[i], error);
        errors[i] = error;
      }
      break;
    }
    case Opcode::kMakeRecord:
      make_records(frame, in);
      break;
    case Opcode::kRecordField:
      for (std::size_t i = 0; i < n; ++i) {
        const auto fields = pool.fields(b[i]);
        out[i] = in.e < fields.size() ? fields[in.e] : 0;
      }
      break;
    case Opcode::kArrayElement: {
      Word* errors = frame.word(in.e);
      for (std::size_t i = 0; i < n; ++i) {
        const auto elements = pool.fields(b[i]);
        const bool inside = c[i] < elements.size();
        out[i] = inside ? elements[c[i]] : 0;
        errors[i] = inside ? kNoLaneError : kNoSuchElement;
      }
      break;
    }
    case Opcode::kDatePart: {
      const TypeKind kind = frame.program->types[in.f].kind;
      for (std::size_t i = 0; i < n; ++i)
        out[i] = date_part(static_cast<DatePart>(in.e), kind, b[i]);
      break;
    }
    case Opcode::kAutoIncrement:
      for (std::size_t i = 0; i < n; ++i) out[i] = (*frame.next_auto_increment)++;
      break;
    default:
      return run_sql_operation(frame, in);
  }
  return true;
}

}  // namespace entail::vm
