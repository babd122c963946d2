// vm/value_codec_test.cc - see value_codec.h.

#include "vm/value_codec.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "vm/base/random.h"
#include "vm/datetime.h"
#include "vm/numeric.h"
#include "vm/value_text.h"

namespace entail::vm {
namespace {

struct World {
  TypeTable types;
  std::vector<Type> all;

  World() {
    for (const TypeKind kind :
         {TypeKind::kBool, TypeKind::kInt2, TypeKind::kInt4, TypeKind::kInt8, TypeKind::kFloat4,
          TypeKind::kFloat8, TypeKind::kDate, TypeKind::kTime, TypeKind::kTimestamp,
          TypeKind::kTimestampTz, TypeKind::kInterval, TypeKind::kNumeric, TypeKind::kUuid,
          TypeKind::kText, TypeKind::kBytes}) {
      all.push_back(Type::of(kind));
    }
    for (const unsigned width : {32U, 64U}) {
      all.push_back(Type::number(width));
      all.push_back(Type::unsigned_number(width));
    }
    all.push_back(Type::decimal(9, 2));
    all.push_back(Type::decimal(38, 6));
    const TypeId tier = types.declare(TypeKind::kEnum, "Tier");
    types.define_enum(tier, {"BASIC", "SILVER", "GOLD"});
    all.push_back(types.type_of(tier));
    const TypeId color = types.declare(TypeKind::kAdt, "Color");
    types.define_adt(color, {{"Red", {}}, {"Green", {}}, {"Blue", {}}});
    all.push_back(types.type_of(color));
    const TypeId list = types.declare(TypeKind::kRecord, "List");
    types.define_record(list, {{"head", Type::text()}, {"tail", types.type_of(list)}});
    all.push_back(types.type_of(list));
    const TypeId row = types.declare(TypeKind::kRecord, "Row");
    types.define_record(row, {{"id", Type::of(TypeKind::kInterval), true},
                              {"color", types.type_of(color)},
                              {"note", Type::text(), true}});
    all.push_back(types.type_of(row));
    const TypeId tree = types.declare(TypeKind::kAdt, "Tree");
    types.define_adt(tree, {{"Leaf", {}},
                            {"Node",
                             {{"left", types.type_of(tree)},
                              {"value", Type::number(), true},
                              {"right", types.type_of(tree)}}}});
    all.push_back(types.type_of(tree));
    all.push_back(types.array_of(Type::of(TypeKind::kNumeric), true));
    all.push_back(types.array_of(types.type_of(list)));
  }
};

// Values from few bits, or at the limits, so that equal and neighbouring ones are common.
std::int64_t random_int(Random& random, std::int64_t low, std::int64_t high) {
  switch (random.below(5)) {
    case 0:
      return random.pick(std::array<std::int64_t, 3>{low, high, 0 < low ? low : 0});
    case 1:
      return random.between(low, high);
    default:
      return std::max(low, std::min(high, random.between(-2, 2)));
  }
}

template <typename Int>
Word random_word(Random& random) {
  return int_word(
      random_int(random, std::numeric_limits<Int>::min(), std::numeric_limits<Int>::max()));
}

std::string random_text(Random& random) {
  static constexpr std::array<char, 5> kLetters{'\0', '\x01', 'a', 'b', '\xff'};
  std::string text(random.below(random.chance(1, 4) ? 30 : 4), 'a');
  for (char& c : text) c = random.pick(kLetters);
  return text;
}

Int128 random_int128(Random& random) {
  Int128 value = random_int(random, std::numeric_limits<std::int64_t>::min(),
                            std::numeric_limits<std::int64_t>::max());
  if (random.chance(1, 2)) value *= random_int(random, -1'000'000'000, 1'000'000'000);
  return value;
}

void random_value(Random& random, ValuePool& pool, Type type, int depth, Word* out);

void random_field(Random& random, ValuePool& pool, const FieldType& field, int depth,
                  std::vector<Word>& words) {
  std::array<Word, 3> value{};
  const unsigned count = value_words(field.type);
  if (field.nullable && random.chance(1, 4)) {
    value[count] = 1;
  } else {
    random_value(random, pool, field.type, depth + 1, value.data());
  }
  words.insert(words.end(), value.begin(), value.begin() + words_of(field.type, field.nullable));
}

void random_value(Random& random, ValuePool& pool, Type type, int depth, Word* out) {
  const TypeTable& types = pool.types();
  switch (type.kind) {
    case TypeKind::kBool:
      *out = random.below(2);
      break;
    case TypeKind::kInt2:
      *out = random_word<std::int16_t>(random);
      break;
    case TypeKind::kInt4:
    case TypeKind::kDate:
      *out = random_word<std::int32_t>(random);
      break;
    case TypeKind::kInt8:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
      *out = random_word<std::int64_t>(random);
      break;
    case TypeKind::kTime:
      *out = int_word(random_int(random, 0, kMicrosPerDay));
      break;
    case TypeKind::kNumber:
      *out = number_word(int_of(random_word<std::int64_t>(random)), type.width);
      break;
    case TypeKind::kUnsigned:
      *out = unsigned_word(random_word<std::int64_t>(random), type.width);
      break;
    case TypeKind::kFloat4:
      *out = float_word(random.chance(1, 2) ? static_cast<float>(random.between(-3, 3))
                                            : float_of(random.next()));
      break;
    case TypeKind::kFloat8:
      *out = double_word(random.chance(1, 2) ? static_cast<double>(random.between(-3, 3))
                                             : double_of(random.next()));
      break;
    case TypeKind::kInterval: {
      const WordPair words = interval_words(
          {static_cast<std::int32_t>(random_int(random, -2'147'483'648LL, 2'147'483'647)),
           static_cast<std::int32_t>(random_int(random, -2'147'483'648LL, 2'147'483'647)),
           random_int(random, std::numeric_limits<std::int64_t>::min(),
                      std::numeric_limits<std::int64_t>::max())});
      out[0] = words.high;
      out[1] = words.low;
      break;
    }
    case TypeKind::kDecimal:
      if (value_words(type) == 2) {
        const WordPair words = int128_words(random_int128(random));
        out[0] = words.high;
        out[1] = words.low;
      } else {
        *out = int_word(random_int(random, -999'999'999, 999'999'999));
      }
      break;
    case TypeKind::kNumeric: {
      std::string bytes;
      decimal_to_numeric(random_int128(random), static_cast<unsigned>(random.below(30)), bytes);
      *out = pool.intern(bytes);
      break;
    }
    case TypeKind::kUuid:
      out[0] = random_word<std::int64_t>(random);
      out[1] = random_word<std::int64_t>(random);
      break;
    case TypeKind::kText:
    case TypeKind::kBytes:
    case TypeKind::kJson:
      *out = pool.intern(random_text(random));
      break;
    case TypeKind::kEnum:
      *out = random.below(types.enum_labels(type.detail).size());
      break;
    case TypeKind::kRecord: {
      *out = kNilWord;
      if (depth > 4 || random.chance(1, 4)) break;
      std::vector<Word> words;
      for (const FieldType& field : types.record_fields(type.detail)) {
        random_field(random, pool, field, depth, words);
      }
      *out = pool.intern_record(type.detail, words);
      break;
    }
    case TypeKind::kAdt: {
      const auto& branches = types.adt_branches(type.detail);
      const std::size_t branch =
          depth > 3 && !types.is_ordinal_adt(type.detail) ? 0 : random.below(branches.size());
      std::vector<Word> words;
      for (const FieldType& field : branches[branch].fields) {
        random_field(random, pool, field, depth, words);
      }
      *out = pool.intern_adt(type.detail, branch, words);
      break;
    }
    case TypeKind::kArray: {
      const FieldType element{"", types.array_element(type.detail),
                              types.array_element_nullable(type.detail)};
      std::vector<Word> words;
      for (std::uint64_t i = random.below(4); i > 0; --i) {
        random_field(random, pool, element, depth, words);
      }
      *out = pool.intern_record(type.detail, words);
      break;
    }
  }
}

int sign(int value) { return value < 0 ? -1 : value > 0 ? 1 : 0; }

using Value = std::array<Word, 3>;

TEST_CASE("the order of encodings is the order of values, and both know equality of words") {
  const World world;
  ValuePool pool(world.types);
  Random random(21);
  for (const Type type : world.all) {
    INFO(world.types.type_name(type));
    for (int i = 0; i < 3'000; ++i) {
      const bool nullable = random.chance(1, 2);
      const SortStyle style{.descending = random.chance(1, 2), .nulls_first = random.chance(1, 2)};
      std::array<Value, 2> values{};
      std::array<std::string, 2> keys;
      for (std::size_t side = 0; side < 2; ++side) {
        if (nullable && random.chance(1, 5)) {
          values[side][value_words(type)] = 1;
        } else {
          random_value(random, pool, type, 0, values[side].data());
        }
        encode_value(pool, type, nullable, values[side].data(), style, keys[side]);
      }
      const int compared =
          compare_values(pool, type, nullable, values[0].data(), values[1].data(), style);
      REQUIRE(sign(compared) == sign(keys[0].compare(keys[1])));
      REQUIRE((compared == 0) == (values[0] == values[1]));
      // No encoding begins another, so that columns after it cannot change the order.
      if (compared != 0) {
        REQUIRE_FALSE(keys[0].starts_with(keys[1]));
        REQUIRE_FALSE(keys[1].starts_with(keys[0]));
      }

      std::string row = keys[0] + keys[1];
      std::string_view rest = row;
      for (std::size_t side = 0; side < 2; ++side) {
        Value decoded{};
        REQUIRE(decode_value(pool, type, nullable, style, rest, decoded.data()));
        REQUIRE(decoded == values[side]);
      }
      REQUIRE(rest.empty());
    }
  }
}

TEST_CASE("cut or foreign bytes do not decode, and never crash") {
  const World world;
  ValuePool pool(world.types);
  Random random(22);
  for (const Type type : world.all) {
    for (int i = 0; i < 300; ++i) {
      Value value{};
      random_value(random, pool, type, 0, value.data());
      std::string key;
      encode_value(pool, type, false, value.data(), {}, key);
      const std::string cut = key.substr(0, random.below(key.size()));
      std::string_view rest = cut;
      Value decoded{};
      INFO(world.types.type_name(type));
      REQUIRE_FALSE(decode_value(pool, type, false, {}, rest, decoded.data()));
      std::string noise(random.below(40), ' ');
      for (char& c : noise) c = static_cast<char>(random.below(random.chance(1, 2) ? 3 : 256));
      rest = noise;
      static_cast<void>(decode_value(pool, type, random.chance(1, 2), {}, rest, decoded.data()));
    }
  }
}

TEST_CASE("every value reads back from its text") {
  const World world;
  ValuePool pool(world.types);
  Random random(23);
  const TextStyle style{.quote_nested_text = true};
  for (const Type type : world.all) {
    for (int i = 0; i < 1'000; ++i) {
      Value value{};
      random_value(random, pool, type, 0, value.data());
      std::string text;
      print_value(pool, type, false, value.data(), style, text);
      Value again{};
      std::string error;
      const bool worked = parse_value(pool, type, text, again.data(), error);
      INFO(world.types.type_name(type) << " " << text << " " << error);
      REQUIRE(worked);
      REQUIRE(again == value);
    }
  }
}

TEST_CASE("a known order of each direction and null place") {
  const World world;
  ValuePool pool(world.types);
  const auto key = [&](std::string_view text, SortStyle style) {
    const Word words[] = {text == "null" ? 0 : pool.intern(text), text == "null" ? 1U : 0U};
    std::string out;
    encode_value(pool, Type::text(), true, words, style, out);
    return out;
  };
  CHECK(key("a", {}) < key("ab", {}));
  CHECK(key("ab", {}) < key("b", {}));
  CHECK(key("b", {}) < key("null", {}));
  CHECK(key("null", {.nulls_first = true}) < key("", {.nulls_first = true}));
  CHECK(key("b", {.descending = true}) < key("a", {.descending = true}));
  CHECK(key("a", {.descending = true}) < key("null", {.descending = true}));
  CHECK(key(std::string_view("a\0", 2), {}) == std::string("\x01"
                                                           "a\0\xff\0\0",
                                                           6));
}

TEST_CASE("a list of 200,000 elements is encoded, compared and decoded") {
  const World world;
  ValuePool pool(world.types);
  Type list;
  for (const Type type : world.all) {
    if (type.kind == TypeKind::kRecord && world.types.name(type.detail) == "List") list = type;
  }
  const auto make = [&](std::string_view last) {
    const Word innermost[] = {pool.intern(last), kNilWord};
    Word word = pool.intern_record(list.detail, innermost);
    for (int i = 0; i < 200'000; ++i) {
      const Word fields[] = {pool.intern("x"), word};
      word = pool.intern_record(list.detail, fields);
    }
    return word;
  };
  const Word a = make("a");
  const Word b = make("b");
  CHECK(compare_values(pool, list, false, &a, &b) < 0);
  std::string key;
  encode_value(pool, list, false, &a, {}, key);
  std::string_view rest = key;
  Word decoded = 0;
  CHECK(decode_value(pool, list, false, {}, rest, &decoded));
  CHECK(decoded == a);
}

}  // namespace
}  // namespace entail::vm
