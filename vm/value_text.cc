// vm/value_text.cc - see value_text.h; the printing half.

#include "vm/value_text.h"

#include <array>
#include <charconv>
#include <vector>

#include "vm/base/ensure.h"
#include "vm/datetime.h"
#include "vm/numeric.h"

namespace entail::vm {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

template <typename Float>
void put_float(Float value, FloatStyle style, int digits, std::string& out) {
  // %f of the largest double has 309 digits before the point.
  std::array<char, 400> buffer;
  char* const first = buffer.data();
  char* const last = first + buffer.size();
  std::to_chars_result result{};
  switch (style) {
    case FloatStyle::kShortest:
      result = std::to_chars(first, last, value);
      break;
    case FloatStyle::kSouffleIo:
      result = std::to_chars(first, last, value, std::chars_format::general, digits);
      break;
    case FloatStyle::kFixed6:
      result = std::to_chars(first, last, value, std::chars_format::fixed, 6);
      break;
  }
  ENTAIL_DEBUG_ENSURE(result.ec == std::errc());
  out.append(first, result.ptr);
}

void put_hex_byte(unsigned char byte, std::string& out) {
  out.push_back(kHexDigits[byte >> 4]);
  out.push_back(kHexDigits[byte & 15]);
}

void put_uuid(Word high, Word low, std::string& out) {
  for (unsigned i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out.push_back('-');
    const Word half = i < 8 ? high : low;
    put_hex_byte(static_cast<unsigned char>(half >> (8 * (7 - i % 8))), out);
  }
}

void put_quoted(std::string_view text, std::string& out) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

// A value, or a literal piece of text between values, still to be printed.
struct Pending {
  std::string_view literal;
  Type type;
  const Word* words = nullptr;  // Null: a literal.
  bool nullable = false;
};

class Printer {
 public:
  Printer(const ValuePool& pool, const TextStyle& style, std::string& out)
      : pool_(pool), style_(style), out_(out) {}

  // Nested values are kept on a stack of our own: a list of a million elements is a record a
  // million deep.
  void print(Type type, bool nullable, const Word* words) {
    print_one(type, nullable, words, false);
    while (!pending_.empty()) {
      const Pending next = pending_.back();
      pending_.pop_back();
      if (next.words == nullptr) {
        out_ += next.literal;
      } else {
        print_one(next.type, next.nullable, next.words, true);
      }
    }
  }

 private:
  void print_one(Type type, bool nullable, const Word* words, bool nested) {
    if (nullable && words[value_words(type)] != 0) {
      out_ += style_.null_text;
      return;
    }
    const Word word = words[0];
    switch (type.kind) {
      case TypeKind::kBool:
        out_ += word != 0 ? "true" : "false";
        break;
      case TypeKind::kInt2:
      case TypeKind::kInt4:
      case TypeKind::kInt8:
      case TypeKind::kNumber:
        print_int(int_of(word), out_);
        break;
      case TypeKind::kUnsigned:
        print_unsigned(word, out_);
        break;
      case TypeKind::kFloat4:
        print_float(float_of(word), style_.floats, out_);
        break;
      case TypeKind::kFloat8:
        print_double(double_of(word), style_.floats, out_);
        break;
      case TypeKind::kDate:
        print_date(static_cast<std::int32_t>(word), out_);
        break;
      case TypeKind::kTime:
        print_time(int_of(word), out_);
        break;
      case TypeKind::kTimestamp:
      case TypeKind::kTimestampTz:
        print_timestamp(int_of(word), type.kind == TypeKind::kTimestampTz, out_);
        break;
      case TypeKind::kInterval:
        print_interval(interval_of(words[0], words[1]), out_);
        break;
      case TypeKind::kDecimal:
        print_decimal(value_words(type) == 2 ? int128_of(words[0], words[1]) : int_of(word),
                      type.scale, out_);
        break;
      case TypeKind::kUuid:
        put_uuid(words[0], words[1], out_);
        break;
      case TypeKind::kNumeric: {
        TextScratch scratch;
        print_numeric(pool_.view(word, scratch), out_);
        break;
      }
      case TypeKind::kText:
      case TypeKind::kJson: {
        TextScratch scratch;
        const std::string_view text = pool_.view(word, scratch);
        if (nested && style_.quote_nested_text) {
          put_quoted(text, out_);
        } else {
          out_ += text;
        }
        break;
      }
      case TypeKind::kBytes: {
        TextScratch scratch;
        out_ += "\\x";
        for (const char byte : pool_.view(word, scratch)) {
          put_hex_byte(static_cast<unsigned char>(byte), out_);
        }
        break;
      }
      case TypeKind::kEnum:
        out_ += pool_.types().enum_labels(type.detail)[word];
        break;
      case TypeKind::kRecord:
        print_record(type, word);
        break;
      case TypeKind::kAdt:
        print_adt(type, word);
        break;
      case TypeKind::kArray:
        print_array(type, word);
        break;
    }
  }

  void print_record(Type type, Word word) {
    if (word == kNilWord) {
      out_ += "nil";
      return;
    }
    out_ += '[';
    push_fields(pool_.types().record_fields(type.detail),
                pool_.types().layout(type.detail).field_offsets, pool_.fields(word).data(), "]");
  }

  void print_adt(Type type, Word word) {
    const TypeTable& types = pool_.types();
    const bool ordinal = types.is_ordinal_adt(type.detail);
    const Word* const words = ordinal ? nullptr : pool_.fields(word).data();
    const std::size_t branch = ordinal ? word : words[0];
    const BranchType& shape = types.adt_branches(type.detail)[branch];
    out_ += '$';
    out_ += shape.name;
    if (shape.fields.empty()) return;
    out_ += '(';
    push_fields(shape.fields, types.layout(type.detail, branch).field_offsets, words, ")");
  }

  void print_array(Type type, Word word) {
    const TypeTable& types = pool_.types();
    const Type element = types.array_element(type.detail);
    const bool nullable = types.array_element_nullable(type.detail);
    const std::size_t unit = words_of(element, nullable);
    const std::span<const Word> words = pool_.fields(word);
    out_ += '[';
    pending_.push_back({.literal = "]", .type = {}});
    for (std::size_t start = words.size(); start != 0; start -= unit) {
      pending_.push_back({.literal = {},
                          .type = element,
                          .words = words.data() + start - unit,
                          .nullable = nullable});
      if (start != unit) pending_.push_back({.literal = ", ", .type = {}});
    }
  }

  // The last field first, since the stack gives them back in the other order.
  void push_fields(const std::vector<FieldType>& fields, const std::vector<std::uint32_t>& offsets,
                   const Word* words, std::string_view close) {
    pending_.push_back({.literal = close, .type = {}});
    for (std::size_t i = fields.size(); i-- > 0;) {
      pending_.push_back({.literal = {},
                          .type = fields[i].type,
                          .words = words + offsets[i],
                          .nullable = fields[i].nullable});
      if (i != 0) pending_.push_back({.literal = ", ", .type = {}});
    }
  }

  const ValuePool& pool_;
  const TextStyle& style_;
  std::string& out_;
  std::vector<Pending> pending_;
};

}  // namespace

void print_value(const ValuePool& pool, Type type, bool nullable, const Word* words,
                 const TextStyle& style, std::string& out) {
  Printer(pool, style, out).print(type, nullable, words);
}

void print_int(std::int64_t value, std::string& out) {
  std::array<char, 20> buffer;
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), result.ptr);
}

void print_unsigned(std::uint64_t value, std::string& out) {
  std::array<char, 20> buffer;
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), result.ptr);
}

void print_double(double value, FloatStyle style, std::string& out) {
  put_float(value, style, 17, out);
}

void print_float(float value, FloatStyle style, std::string& out) {
  put_float(value, style, 9, out);
}

}  // namespace entail::vm
