// vm/value_codec.cc - see value_codec.h.
//
// Nested values are walked with a stack of our own, since a list of a million elements is a record
// a million deep.

#include "vm/value_codec.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <vector>

#include "vm/base/ensure.h"
#include "vm/datetime.h"
#include "vm/numeric.h"

namespace entail::vm {

namespace {

constexpr unsigned char kNullFirst = 0;
constexpr unsigned char kValue = 1;
constexpr unsigned char kNullLast = 2;
constexpr unsigned char kNil = 0;
constexpr unsigned char kRecordFollows = 1;
constexpr unsigned char kArrayEnd = 0;
constexpr unsigned char kElementFollows = 1;
constexpr unsigned kOrdinalBytes = 4;

constexpr Word kSignBit = Word{1} << 63;

// The bytes of a scalar of one word, and the word as an unsigned number of that many bytes whose
// order is the order of the values; and back.
unsigned ordered_bytes(Type type) {
  switch (type.kind) {
    case TypeKind::kBool:
      return 1;
    case TypeKind::kInt2:
      return 2;
    case TypeKind::kInt4:
    case TypeKind::kDate:
    case TypeKind::kFloat4:
    case TypeKind::kEnum:
      return 4;
    case TypeKind::kNumber:
    case TypeKind::kUnsigned:
      return type.width == 32 ? 4 : 8;
    default:
      return 8;
  }
}

bool is_unsigned_order(TypeKind kind) {
  return kind == TypeKind::kBool || kind == TypeKind::kUnsigned || kind == TypeKind::kEnum;
}

Word to_ordered(Type type, Word word) {
  if (type.kind == TypeKind::kFloat8) {
    return (word & kSignBit) != 0 ? ~word : word ^ kSignBit;
  }
  if (type.kind == TypeKind::kFloat4) {
    constexpr Word kSign = Word{1} << 31;
    return (word & kSign) != 0 ? ~word & 0xffffffffU : word ^ kSign;
  }
  if (is_unsigned_order(type.kind)) return word;
  const unsigned bits = 8 * ordered_bytes(type);
  const Word flipped = word ^ (Word{1} << (bits - 1));
  return bits == 64 ? flipped : flipped & ((Word{1} << bits) - 1);
}

Word from_ordered(Type type, Word ordered) {
  if (type.kind == TypeKind::kFloat8) {
    return (ordered & kSignBit) != 0 ? ordered ^ kSignBit : ~ordered;
  }
  if (type.kind == TypeKind::kFloat4) {
    constexpr Word kSign = Word{1} << 31;
    return (ordered & kSign) != 0 ? ordered ^ kSign : ~ordered & 0xffffffffU;
  }
  if (is_unsigned_order(type.kind)) return ordered;
  const unsigned unused = 64 - 8 * ordered_bytes(type);
  const Word flipped = ordered ^ (Word{1} << (63 - unused));
  return int_word(static_cast<std::int64_t>(flipped << unused) >> unused);  // Sign-extended.
}

void put_big_endian(Word value, unsigned bytes, std::string& out) {
  const Word swapped = __builtin_bswap64(value << (64 - 8 * bytes));
  std::array<char, 8> buffer;
  std::memcpy(buffer.data(), &swapped, sizeof(swapped));
  out.append(buffer.data(), bytes);
}

void put_text(std::string_view text, std::string& out) {
  for (std::size_t zero = text.find('\0'); zero != std::string_view::npos; zero = text.find('\0')) {
    out.append(text.data(), zero + 1);
    out.push_back('\xff');
    text.remove_prefix(zero + 1);
  }
  out += text;
  out.append(2, '\0');
}

// What lies behind a value of words: the fields of a record or of an adt's branch.
struct Fields {
  const std::vector<FieldType>* types = nullptr;
  const std::vector<std::uint32_t>* offsets = nullptr;
  const Word* words = nullptr;
};

Fields fields_of(const ValuePool& pool, Type type, Word word) {
  const TypeTable& types = pool.types();
  const Word* const words = pool.fields(word).data();
  if (type.kind == TypeKind::kRecord) {
    return {&types.record_fields(type.detail), &types.layout(type.detail).field_offsets, words};
  }
  const std::size_t branch = words[0];
  return {&types.adt_branches(type.detail)[branch].fields,
          &types.layout(type.detail, branch).field_offsets, words};
}

std::size_t branch_of(const ValuePool& pool, Type type, Word word) {
  return pool.types().is_ordinal_adt(type.detail) ? word : pool.fields(word)[0];
}

// ------------------------------------------------------------------------------ encoding

class Encoder {
 public:
  Encoder(const ValuePool& pool, std::string& out) : pool_(pool), out_(out) {}

  void encode(Type type, const Word* words) {
    encode_one(type, words);
    while (!pending_.empty()) {
      const Pending next = pending_.back();
      pending_.pop_back();
      if (next.words == nullptr) {
        out_.push_back(next.byte);
        continue;
      }
      if (next.nullable) {
        const bool is_null = next.words[value_words(next.type)] != 0;
        out_.push_back(static_cast<char>(is_null ? kNullLast : kValue));
        if (is_null) continue;
      }
      encode_one(next.type, next.words);
    }
  }

 private:
  struct Pending {
    Type type;
    const Word* words = nullptr;  // Null: a byte.
    bool nullable = false;
    char byte = 0;
  };

  void encode_one(Type type, const Word* words) {
    switch (type.kind) {
      case TypeKind::kInterval: {
        const Interval interval = interval_of(words[0], words[1]);
        const WordPair measure = int128_words(interval_measure(interval));
        put_big_endian(measure.high ^ kSignBit, 8, out_);
        put_big_endian(measure.low, 8, out_);
        put_big_endian(to_ordered(Type::of(TypeKind::kInt4), int_word(interval.months)), 4, out_);
        put_big_endian(to_ordered(Type::of(TypeKind::kInt4), int_word(interval.days)), 4, out_);
        break;
      }
      case TypeKind::kUuid:
        put_big_endian(words[0], 8, out_);
        put_big_endian(words[1], 8, out_);
        break;
      case TypeKind::kDecimal:
        put_big_endian(words[0] ^ kSignBit, 8, out_);
        if (value_words(type) == 2) put_big_endian(words[1], 8, out_);
        break;
      case TypeKind::kNumeric: {
        TextScratch scratch;
        out_ += numeric_value_bytes(pool_.view(words[0], scratch));
        break;
      }
      case TypeKind::kText:
      case TypeKind::kBytes:
      case TypeKind::kJson: {
        TextScratch scratch;
        put_text(pool_.view(words[0], scratch), out_);
        break;
      }
      case TypeKind::kRecord:
        if (words[0] == kNilWord) {
          out_.push_back(kNil);
        } else {
          out_.push_back(kRecordFollows);
          push_fields(fields_of(pool_, type, words[0]));
        }
        break;
      case TypeKind::kAdt:
        put_big_endian(branch_of(pool_, type, words[0]), kOrdinalBytes, out_);
        if (!pool_.types().is_ordinal_adt(type.detail)) {
          push_fields(fields_of(pool_, type, words[0]));
        }
        break;
      case TypeKind::kArray:
        push_elements(type, words[0]);
        break;
      default:
        put_big_endian(to_ordered(type, words[0]), ordered_bytes(type), out_);
        break;
    }
  }

  void push_fields(const Fields& fields) {
    for (std::size_t i = fields.types->size(); i-- > 0;) {
      const FieldType& field = (*fields.types)[i];
      pending_.push_back({field.type, fields.words + (*fields.offsets)[i], field.nullable, 0});
    }
  }

  void push_elements(Type type, Word word) {
    const Type element = pool_.types().array_element(type.detail);
    const bool nullable = pool_.types().array_element_nullable(type.detail);
    const std::size_t unit = words_of(element, nullable);
    const std::span<const Word> words = pool_.fields(word);
    pending_.push_back({{}, nullptr, false, kArrayEnd});
    for (std::size_t start = words.size(); start != 0; start -= unit) {
      pending_.push_back({element, words.data() + start - unit, nullable, 0});
      pending_.push_back({{}, nullptr, false, kElementFollows});
    }
  }

  const ValuePool& pool_;
  std::string& out_;
  std::vector<Pending> pending_;
};

// ------------------------------------------------------------------------------ decoding

class Decoder {
 public:
  // `mask` is ff for descending encodings: every byte is read through it.
  Decoder(ValuePool& pool, std::string_view bytes, unsigned char mask)
      : pool_(pool), bytes_(bytes), mask_(mask) {}

  std::string_view rest() const { return bytes_.substr(at_); }

  // Reads a value that is not null into value_words(type) words.
  bool decode(Type type, Word* out) {
    Value value;
    Want want{type, false};
    for (;;) {
      bool complete = false;
      if (!begin(want, value, complete)) return false;
      // Give a complete value to what it is part of, until something more is wanted.
      for (;;) {
        if (complete) {
          if (frames_.empty()) {
            std::copy(value.words.begin(), value.words.begin() + value.count, out);
            return true;
          }
          std::vector<Word>& words = frames_.back().words;
          words.insert(words.end(), value.words.begin(), value.words.begin() + value.count);
        }
        bool more = false;
        if (!next_part(want, more)) return false;
        if (more) break;
        finish_frame(value);
        complete = true;
      }
    }
  }

 private:
  struct Want {
    Type type;
    bool nullable;
  };
  struct Value {
    std::array<Word, 3> words{};
    std::size_t count = 0;
  };
  // A record, adt or array whose parts are being read.
  struct Frame {
    Want want;
    std::size_t branch = 0;
    std::size_t next = 0;
    std::vector<Word> words;
  };

  bool byte(unsigned char& out) {
    if (at_ == bytes_.size()) return false;
    out = static_cast<unsigned char>(bytes_[at_++]) ^ mask_;
    return true;
  }

  bool big_endian(unsigned count, Word& out) {
    out = 0;
    for (unsigned i = 0; i < count; ++i) {
      unsigned char next = 0;
      if (!byte(next)) return false;
      out = (out << 8) | next;
    }
    return true;
  }

  // Reads a whole scalar, or opens a frame.
  bool begin(const Want& want, Value& value, bool& complete) {
    value = {};
    const unsigned value_count = value_words(want.type);
    value.count = words_of(want.type, want.nullable);
    if (want.nullable) {
      unsigned char flag = 0;
      if (!byte(flag) || (flag != kValue && flag != kNullLast)) return false;
      if (flag == kNullLast) {
        value.words[value_count] = 1;
        complete = true;
        return true;
      }
    }
    switch (want.type.kind) {
      case TypeKind::kRecord: {
        unsigned char head = 0;
        if (!byte(head) || (head != kNil && head != kRecordFollows)) return false;
        if (head == kNil) {
          complete = true;
        } else {
          frames_.push_back({want, 0, 0, {}});
        }
        return true;
      }
      case TypeKind::kAdt: {
        Word ordinal = 0;
        if (!big_endian(kOrdinalBytes, ordinal)) return false;
        if (ordinal >= pool_.types().adt_branches(want.type.detail).size()) return false;
        if (pool_.types().is_ordinal_adt(want.type.detail)) {
          value.words[0] = ordinal;
          complete = true;
        } else {
          frames_.push_back({want, ordinal, 0, {}});
        }
        return true;
      }
      case TypeKind::kArray:
        frames_.push_back({want, 0, 0, {}});
        return true;
      default:
        complete = true;
        return scalar(want.type, value.words.data());
    }
  }

  // What the innermost frame reads next; `more` is false when it has all its parts.
  bool next_part(Want& want, bool& more) {
    Frame& frame = frames_.back();
    const TypeTable& types = pool_.types();
    const TypeId detail = frame.want.type.detail;
    if (frame.want.type.kind == TypeKind::kArray) {
      unsigned char head = 0;
      if (!byte(head) || (head != kArrayEnd && head != kElementFollows)) return false;
      more = head == kElementFollows;
      want = {types.array_element(detail), types.array_element_nullable(detail)};
      return true;
    }
    const std::vector<FieldType>& fields = frame.want.type.kind == TypeKind::kRecord
                                               ? types.record_fields(detail)
                                               : types.adt_branches(detail)[frame.branch].fields;
    more = frame.next < fields.size();
    if (more) {
      want = {fields[frame.next].type, fields[frame.next].nullable};
      ++frame.next;
    }
    return true;
  }

  void finish_frame(Value& value) {
    const Frame& frame = frames_.back();
    value = {};
    value.count = words_of(frame.want.type, frame.want.nullable);
    value.words[0] = frame.want.type.kind == TypeKind::kAdt
                         ? pool_.intern_adt(frame.want.type.detail, frame.branch, frame.words)
                         : pool_.intern_record(frame.want.type.detail, frame.words);
    frames_.pop_back();
  }

  bool scalar(Type type, Word* out) {
    switch (type.kind) {
      case TypeKind::kInterval: {
        WordPair measure;
        Word months = 0;
        Word days = 0;
        if (!big_endian(8, measure.high) || !big_endian(8, measure.low) || !big_endian(4, months) ||
            !big_endian(4, days)) {
          return false;
        }
        Interval interval;
        interval.months =
            static_cast<std::int32_t>(int_of(from_ordered(Type::of(TypeKind::kInt4), months)));
        interval.days =
            static_cast<std::int32_t>(int_of(from_ordered(Type::of(TypeKind::kInt4), days)));
        // The measure without months and days is what the microseconds were.
        interval.micros = static_cast<std::int64_t>(
            int128_of(measure.high ^ kSignBit, measure.low) - interval_measure(interval));
        const WordPair words = interval_words(interval);
        out[0] = words.high;
        out[1] = words.low;
        return true;
      }
      case TypeKind::kUuid:
        return big_endian(8, out[0]) && big_endian(8, out[1]);
      case TypeKind::kDecimal:
        if (!big_endian(8, out[0])) return false;
        out[0] ^= kSignBit;
        return value_words(type) == 1 || big_endian(8, out[1]);
      case TypeKind::kNumeric:
        return numeric(out);
      case TypeKind::kText:
      case TypeKind::kBytes:
      case TypeKind::kJson:
        return text(out);
      default:
        if (!big_endian(ordered_bytes(type), *out)) return false;
        *out = from_ordered(type, *out);
        if (type.kind == TypeKind::kBool) return *out <= 1;
        if (type.kind == TypeKind::kEnum) {
          return *out < pool_.types().enum_labels(type.detail).size();
        }
        return true;
    }
  }

  bool text(Word* out) {
    std::string text;
    for (;;) {
      unsigned char next = 0;
      if (!byte(next)) return false;
      if (next == 0) {
        unsigned char after = 0;
        if (!byte(after)) return false;
        if (after == 0) break;
        if (after != 0xff) return false;
      }
      text.push_back(static_cast<char>(next));
    }
    *out = pool_.intern(text);
    return true;
  }

  bool numeric(Word* out) {
    std::string unmasked(bytes_.substr(at_));
    if (mask_ != 0) {
      for (char& c : unmasked) c = static_cast<char>(~c);
    }
    const std::size_t size = numeric_prefix_size(unmasked);
    if (size == 0) return false;
    *out = pool_.intern(std::string_view(unmasked).substr(0, size));
    at_ += size;
    return true;
  }

  ValuePool& pool_;
  std::string_view bytes_;
  std::size_t at_ = 0;
  unsigned char mask_;
  std::vector<Frame> frames_;
};

// ------------------------------------------------------------------------------ comparing

template <typename T>
int three_way(const T& left, const T& right) {
  return left < right ? -1 : left == right ? 0 : 1;
}

class Comparer {
 public:
  explicit Comparer(const ValuePool& pool) : pool_(pool) {}

  int compare(Type type, const Word* left, const Word* right) {
    int result = compare_one(type, left, right);
    while (result == 0 && !pending_.empty()) {
      const Pending next = pending_.back();
      pending_.pop_back();
      if (next.left == nullptr) {
        result = next.result;
        continue;
      }
      if (next.nullable) {
        const unsigned flag = value_words(next.type);
        result = three_way(next.left[flag], next.right[flag]);
        if (result != 0 || next.left[flag] != 0) continue;
      }
      result = compare_one(next.type, next.left, next.right);
    }
    return result;
  }

 private:
  struct Pending {
    Type type;
    const Word* left = nullptr;  // Null: `result` decides, if all before it was equal.
    const Word* right = nullptr;
    bool nullable = false;
    int result = 0;
  };

  int compare_one(Type type, const Word* left, const Word* right) {
    if (left[0] == right[0] && value_words(type) == 1) return 0;
    switch (type.kind) {
      case TypeKind::kInterval: {
        const auto order =
            compare_intervals(interval_of(left[0], left[1]), interval_of(right[0], right[1]));
        return order < 0 ? -1 : order > 0 ? 1 : 0;
      }
      case TypeKind::kUuid:
        return left[0] != right[0] ? three_way(left[0], right[0]) : three_way(left[1], right[1]);
      case TypeKind::kDecimal:
        return value_words(type) == 1
                   ? three_way(int_of(left[0]), int_of(right[0]))
                   : three_way(int128_of(left[0], left[1]), int128_of(right[0], right[1]));
      case TypeKind::kNumeric: {
        if (left[0] == right[0]) return 0;
        TextScratch left_scratch, right_scratch;
        return numeric_value_bytes(pool_.view(left[0], left_scratch))
            .compare(numeric_value_bytes(pool_.view(right[0], right_scratch)));
      }
      case TypeKind::kText:
      case TypeKind::kBytes:
      case TypeKind::kJson:
        return pool_.compare_text(left[0], right[0]);
      case TypeKind::kRecord:
        if (left[0] == kNilWord || right[0] == kNilWord) return left[0] == kNilWord ? -1 : 1;
        push_fields(fields_of(pool_, type, left[0]), fields_of(pool_, type, right[0]));
        return 0;
      case TypeKind::kAdt: {
        const int branches =
            three_way(branch_of(pool_, type, left[0]), branch_of(pool_, type, right[0]));
        if (branches != 0 || pool_.types().is_ordinal_adt(type.detail)) return branches;
        push_fields(fields_of(pool_, type, left[0]), fields_of(pool_, type, right[0]));
        return 0;
      }
      case TypeKind::kArray:
        push_elements(type, pool_.fields(left[0]), pool_.fields(right[0]));
        return 0;
      default:
        return three_way(to_ordered(type, left[0]), to_ordered(type, right[0]));
    }
  }

  void push_fields(const Fields& left, const Fields& right) {
    for (std::size_t i = left.types->size(); i-- > 0;) {
      const FieldType& field = (*left.types)[i];
      const std::uint32_t offset = (*left.offsets)[i];
      pending_.push_back(
          {field.type, left.words + offset, right.words + offset, field.nullable, 0});
    }
  }

  void push_elements(Type type, std::span<const Word> left, std::span<const Word> right) {
    const Type element = pool_.types().array_element(type.detail);
    const bool nullable = pool_.types().array_element_nullable(type.detail);
    const std::size_t unit = words_of(element, nullable);
    pending_.push_back({{}, nullptr, nullptr, false, three_way(left.size(), right.size())});
    for (std::size_t start = std::min(left.size(), right.size()); start != 0; start -= unit) {
      pending_.push_back(
          {element, left.data() + start - unit, right.data() + start - unit, nullable, 0});
    }
  }

  const ValuePool& pool_;
  std::vector<Pending> pending_;
};

}  // namespace

void encode_value(const ValuePool& pool, Type type, bool nullable, const Word* words,
                  const SortStyle& style, std::string& out) {
  if (nullable) {
    const bool is_null = words[value_words(type)] != 0;
    const unsigned char null_flag = style.nulls_first ? kNullFirst : kNullLast;
    out.push_back(static_cast<char>(is_null ? null_flag : kValue));
    if (is_null) return;
  }
  const std::size_t start = out.size();
  Encoder(pool, out).encode(type, words);
  if (style.descending) {
    for (std::size_t at = start; at < out.size(); ++at) out[at] = static_cast<char>(~out[at]);
  }
}

bool decode_value(ValuePool& pool, Type type, bool nullable, const SortStyle& style,
                  std::string_view& bytes, Word* out) {
  if (nullable) {
    if (bytes.empty()) return false;
    const auto flag = static_cast<unsigned char>(bytes[0]);
    const unsigned char null_flag = style.nulls_first ? kNullFirst : kNullLast;
    if (flag != kValue && flag != null_flag) return false;
    bytes.remove_prefix(1);
    const unsigned count = value_words(type);
    out[count] = flag == kValue ? 0 : 1;
    if (flag != kValue) {
      std::fill(out, out + count, Word{0});
      return true;
    }
  }
  Decoder decoder(pool, bytes, style.descending ? 0xff : 0);
  if (!decoder.decode(type, out)) return false;
  bytes = decoder.rest();
  return true;
}

int compare_values(const ValuePool& pool, Type type, bool nullable, const Word* left,
                   const Word* right, const SortStyle& style) {
  if (nullable) {
    const unsigned flag = value_words(type);
    if (left[flag] != right[flag]) return (left[flag] != 0) == style.nulls_first ? -1 : 1;
    if (left[flag] != 0) return 0;
  }
  const int result = Comparer(pool).compare(type, left, right);
  return style.descending ? three_way(0, result) : result;
}

}  // namespace entail::vm
