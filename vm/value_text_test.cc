// vm/value_text_test.cc - see value_text.h.

#include "vm/value_text.h"

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "vm/base/random.h"

namespace entail::vm {
namespace {

struct World {
  TypeTable types;
  Type list;
  Type color;
  Type shape;
  Type tier;
  Type numbers;
  Type row;

  World() {
    const TypeId list_id = types.declare(TypeKind::kRecord, "List");
    list = Type::defined(TypeKind::kRecord, list_id);
    types.define_record(list_id, {{"head", Type::number()}, {"tail", list}});
    const TypeId color_id = types.declare(TypeKind::kAdt, "Color");
    color = Type::defined(TypeKind::kAdt, color_id);
    types.define_adt(color_id, {{"Red", {}}, {"Green", {}}});
    const TypeId shape_id = types.declare(TypeKind::kAdt, "Shape");
    shape = Type::defined(TypeKind::kAdt, shape_id);
    types.define_adt(shape_id, {{"Point", {}},
                                {"Circle", {{"r", Type::float8()}, {"color", color}}},
                                {"Group", {{"name", Type::text()}, {"first", shape}}}});
    const TypeId tier_id = types.declare(TypeKind::kEnum, "Tier");
    tier = Type::defined(TypeKind::kEnum, tier_id);
    types.define_enum(tier_id, {"BASIC", "GOLD"});
    numbers = types.array_of(Type::number(), true);
    const TypeId row_id = types.declare(TypeKind::kRecord, "Row");
    row = Type::defined(TypeKind::kRecord, row_id);
    types.define_record(row_id, {{"name", Type::text()}, {"id", Type::of(TypeKind::kUuid), true}});
  }
};

// What the text reads as, printed again; or the message.
std::string again(ValuePool& pool, Type type, std::string_view text, TextStyle style = {}) {
  std::array<Word, 2> words{};
  std::string error;
  if (!parse_value(pool, type, text, words.data(), error)) return error;
  std::string out;
  print_value(pool, type, false, words.data(), style, out);
  return out;
}

TEST_CASE("numbers read in decimal, hexadecimal and binary, and wrap never") {
  const World world;
  ValuePool pool(world.types);
  const Type n32 = Type::number(32);
  const Type n64 = Type::number(64);
  CHECK(again(pool, n32, "-12") == "-12");
  CHECK(again(pool, n32, "+7") == "7");
  CHECK(again(pool, n32, " 7") == "7");
  CHECK(again(pool, n32, "0x1F") == "31");
  CHECK(again(pool, n32, "-0b101") == "-5");
  CHECK(again(pool, n32, "007") == "7");
  CHECK(again(pool, n32, "-2147483648") == "-2147483648");
  CHECK(again(pool, n64, "-9223372036854775808") == "-9223372036854775808");
  CHECK(again(pool, n64, "-0x8000000000000000") == "-9223372036854775808");
  CHECK(again(pool, n32, "99999999999") == "99999999999 does not fit a 32-bit number");
  CHECK(again(pool, n32, "2147483648") == "2147483648 does not fit a 32-bit number");
  CHECK(again(pool, n64, "9223372036854775808") ==
        "9223372036854775808 does not fit a 64-bit number");
  CHECK(again(pool, n64, "99999999999999999999999") ==
        "99999999999999999999999 does not fit a 64-bit number");
  for (const std::string text : {"12a", "", "-", "0x", "0b2", "1 ", "--1", "+-1", "1.5"}) {
    CHECK(again(pool, n32, text) == "'" + text + "' is not a number");
  }
}

TEST_CASE("unsigned numbers refuse a minus") {
  const World world;
  ValuePool pool(world.types);
  const Type u32 = Type::unsigned_number(32);
  CHECK(again(pool, u32, "4294967295") == "4294967295");
  CHECK(again(pool, u32, "0b11") == "3");
  CHECK(again(pool, u32, "4294967296") == "4294967296 does not fit a 32-bit unsigned");
  CHECK(again(pool, u32, "-1") == "'-1' is not an unsigned number");
  CHECK(again(pool, Type::unsigned_number(), "18446744073709551615") == "18446744073709551615");
  CHECK(again(pool, Type::unsigned_number(), "18446744073709551616") ==
        "18446744073709551616 does not fit a 64-bit unsigned");
}

TEST_CASE("floats print in three styles") {
  const World world;
  ValuePool pool(world.types);
  const Type f8 = Type::float8();
  const Type f4 = Type::of(TypeKind::kFloat4);
  const TextStyle io{.floats = FloatStyle::kSouffleIo};
  const TextStyle fixed{.floats = FloatStyle::kFixed6};
  CHECK(again(pool, f8, "0.1") == "0.1");
  CHECK(again(pool, f8, "0.1", io) == "0.10000000000000001");
  CHECK(again(pool, f4, "0.1", io) == "0.100000001");
  CHECK(again(pool, f4, "1.5", io) == "1.5");
  CHECK(again(pool, f4, "3", io) == "3");
  CHECK(again(pool, f4, "1e10", io) == "1e+10");
  CHECK(again(pool, f8, "0.1", fixed) == "0.100000");
  CHECK(again(pool, f8, "-1e300", fixed).size() == 309);
  CHECK(again(pool, f8, "-0.0") == "0");
  CHECK(again(pool, f8, "NaN") == "nan");
  CHECK(again(pool, f8, "-nan") == "nan");
  CHECK(again(pool, f8, "-inf") == "-inf");
  CHECK(again(pool, f8, "0x1p4") == "16");
  CHECK(again(pool, f8, "1e-400") == "0");
  CHECK(again(pool, f8, "1e400") == "1e400 does not fit a 64-bit float");
  CHECK(again(pool, f4, "1e40") == "1e40 does not fit a 32-bit float");
  CHECK(again(pool, f8, "1.5x") == "'1.5x' is not a number");
  CHECK(again(pool, f8, "") == "'' is not a number");
}

TEST_CASE("every float reads back from its shortest and its %.17g form") {
  Random random(2);
  for (int i = 0; i < 20'000; ++i) {
    const Word word = double_word(double_of(random.next()));
    const Word small = float_word(float_of(random.next() & 0xffffffffU));
    for (const FloatStyle style : {FloatStyle::kShortest, FloatStyle::kSouffleIo}) {
      std::string text;
      print_double(double_of(word), style, text);
      Word read = 1;
      std::string error;
      INFO(text);
      REQUIRE(parse_double(text, read, error));
      REQUIRE(read == word);
      text.clear();
      print_float(float_of(small), style, text);
      REQUIRE(parse_float(text, read, error));
      REQUIRE(read == small);
    }
  }
}

TEST_CASE("scalars of every other kind read and print") {
  const World world;
  ValuePool pool(world.types);
  CHECK(again(pool, Type::boolean(), "true") == "true");
  CHECK(again(pool, Type::boolean(), "yes") == "'yes' is not a bool: expected true or false");
  CHECK(again(pool, Type::of(TypeKind::kInt2), "40000") == "40000 does not fit an int16");
  CHECK(again(pool, Type::of(TypeKind::kDate), "2026-01-31") == "2026-01-31");
  CHECK(again(pool, Type::of(TypeKind::kDate), "2026-02-30") ==
        "'2026-02-30' is not a date that exists");
  CHECK(again(pool, Type::of(TypeKind::kDate), "today") ==
        "'today' is not a date: expected yyyy-mm-dd");
  CHECK(again(pool, Type::of(TypeKind::kTimestamp), "2026-01-31T10:00:00+01") ==
        "'2026-01-31T10:00:00+01' has a time zone, which a timestamp has not");
  CHECK(again(pool, Type::of(TypeKind::kInterval), "P1DT2H") == "P1DT2H");
  CHECK(again(pool, Type::decimal(8, 2), "12.5") == "12.50");
  CHECK(again(pool, Type::decimal(30, 10), "-12345678901234567890.5") ==
        "-12345678901234567890.5000000000");
  CHECK(again(pool, Type::decimal(4, 2), "123") == "123 does not fit decimal(4, 2)");
  CHECK(again(pool, Type::of(TypeKind::kNumeric), "1.500") == "1.5");
  CHECK(again(pool, Type::of(TypeKind::kUuid), "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11") ==
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11");
  CHECK(again(pool, Type::of(TypeKind::kUuid), "a0eebc99") ==
        "'a0eebc99' is not a uuid: expected 32 hexadecimal digits, as 8-4-4-4-12");
  CHECK(again(pool, Type::of(TypeKind::kBytes), "\\x00FF") == "\\x00ff");
  CHECK(again(pool, Type::of(TypeKind::kBytes), "\\x0") ==
        "'\\x0' is not bytes: expected \\x and pairs of hexadecimal digits");
  CHECK(again(pool, Type::of(TypeKind::kJson), R"( { "b": [1, 2.50], "a": "x" } )") ==
        R"({"a":"x","b":[1,2.5]})");
  CHECK(again(pool, Type::of(TypeKind::kJson), "{") == "'{' is not JSON");
  CHECK(again(pool, world.tier, "GOLD") == "GOLD");
  CHECK(again(pool, world.tier, "GOLDD") == "'GOLDD' is not a value of Tier; did you mean 'GOLD'?");
  CHECK(again(pool, Type::text(), " as it is\t") == " as it is\t");
}

TEST_CASE("records, adts and arrays read and print as Souffle has them") {
  const World world;
  ValuePool pool(world.types);
  CHECK(again(pool, world.list, "nil") == "nil");
  CHECK(again(pool, world.list, " [1,[ 2 , nil]]") == "[1, [2, nil]]");
  CHECK(again(pool, world.color, "$Green") == "$Green");
  CHECK(again(pool, world.shape, "$Point") == "$Point");
  CHECK(again(pool, world.shape, "$Circle( 1.5 ,$Red)") == "$Circle(1.5, $Red)");
  CHECK(again(pool, world.shape, "$Group(a long name, $Group(b,$Point))") ==
        "$Group(a long name, $Group(b, $Point))");
  CHECK(again(pool, world.numbers, "[]") == "[]");
  CHECK(again(pool, world.numbers, "[1, null, 3]") == "[1, null, 3]");
  CHECK(again(pool, world.row, "[x, null]") == "[x, null]");

  const TextStyle quoted{.quote_nested_text = true};
  CHECK(again(pool, world.row, R"(["a, \"b\" \\ ]", null])", quoted) ==
        R"(["a, \"b\" \\ ]", null])");
}

TEST_CASE("a nested value that does not read says where") {
  const World world;
  ValuePool pool(world.types);
  CHECK(again(pool, world.list, "[1, nil") ==
        "expected ']' at position 8 of '[1, nil', which ends there");
  CHECK(again(pool, world.list, "[1; nil]") == "'1; nil' is not a number");
  CHECK(again(pool, world.list, "[1, nil] x") ==
        "expected nothing more at position 10 of '[1, nil] x', found 'x'");
  CHECK(again(pool, world.list, "(1, nil)") ==
        "expected '[' at position 1 of '(1, nil)', found '('");
  CHECK(again(pool, world.list, "[x, nil]") == "'x' is not a number");
  CHECK(again(pool, world.shape, "$Circl(1, $Red)") ==
        "'$Circl(1, $Red)' is not a value of Shape: it has no branch 'Circl'; did you mean "
        "'Circle'?");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "[1,";
  CHECK(again(pool, world.list, deep) == "the value is nested deeper than 4000");
}

TEST_CASE("a list of a million elements prints") {
  const World world;
  ValuePool pool(world.types);
  Word word = kNilWord;
  for (int i = 0; i < 1'000'000; ++i) {
    const Word fields[] = {1, word};
    word = pool.intern_record(world.list.detail, fields);
  }
  std::string out;
  print_value(pool, world.list, false, &word, {}, out);
  CHECK(out.size() == 3 + 5 * 1'000'000);
}

TEST_CASE("a null prints as the style says") {
  const World world;
  ValuePool pool(world.types);
  const Word words[] = {0, 1};
  std::string out;
  print_value(pool, Type::text(), true, words, {.null_text = "NULL"}, out);
  CHECK(out == "NULL");
}

}  // namespace
}  // namespace entail::vm
