// vm/functors_test.cc - see functors.h.

#include "vm/functors.h"

#include <string>

#include <catch2/catch.hpp>

namespace entail::vm {
namespace {

struct World {
  TypeTable types;
  ValuePool pool{types};
  Functors functors{pool};

  Word word(std::string_view text) { return pool.intern(text); }
  std::string text(Word word) const {
    TextScratch scratch;
    return std::string(pool.view(word, scratch));
  }
  std::string substr(std::string_view whole, std::int64_t position, std::int64_t length) {
    Word out = 0;
    const FunctorError error = functors.substr(word(whole), position, length, out);
    return text(out) + (error == FunctorError::kPositionOutside ? "!" : "");
  }
  std::string match(std::string_view pattern, std::string_view whole) {
    bool out = true;
    if (functors.match(word(pattern), word(whole), out) == FunctorError::kBadPattern) return "bad";
    return out ? "yes" : "no";
  }
  std::string number(std::string_view whole, unsigned width) {
    Word out = 1;
    const FunctorError error = functors.to_number(word(whole), width, out);
    if (error != FunctorError::kNone) {
      CHECK(out == 0);
      return std::string(functor_error_text(error));
    }
    return std::to_string(int_of(out));
  }
};

const std::string kNotANumber = "the text is not a number";
const std::string kOutOfRange = "the number does not fit its type";

TEST_CASE("cat joins, substr cuts by bytes and warns outside") {
  World world;
  CHECK(world.text(world.functors.cat(world.word("abc"), world.word("def"))) == "abcdef");
  CHECK(world.text(world.functors.cat(world.word("abcdefgh"), world.word("ij"))) == "abcdefghij");
  CHECK(world.functors.cat({}) == kEmptyText);
  CHECK(world.substr("a long text of bytes", 2, 4) == "long");
  CHECK(world.substr("abc", 1, 99) == "bc");
  CHECK(world.substr("abc", 1, -1) == "bc");
  CHECK(world.substr("abc", 3, 1) == "");
  CHECK(world.substr("abc", 4, 1) == "!");
  CHECK(world.substr("abc", -1, 1) == "!");
}

TEST_CASE("text is changed and searched") {
  World world;
  CHECK(world.functors.strlen(world.word("12345678")) == 8);
  CHECK(world.functors.contains(world.word("ell"), world.word("hello")));
  CHECK_FALSE(world.functors.contains(world.word("hello"), world.word("ell")));
  CHECK(world.functors.starts_with(world.word("hello"), world.word("he")));
  CHECK(world.functors.ends_with(world.word("hello"), world.word("llo")));
  CHECK(world.text(world.functors.upper(world.word("h\xc3\xa9llo, World"))) ==
        "H\xc3\xa9LLO, WORLD");
  CHECK(world.text(world.functors.lower(world.word("HeLLo"))) == "hello");
  CHECK(world.text(world.functors.trim(world.word(" \t a b \n"))) == "a b");
  CHECK(world.text(world.functors.replace(world.word("aaa.b"), world.word("aa"),
                                          world.word("x"))) == "xa.b");
  CHECK(world.text(world.functors.replace(world.word("abc"), world.word(""), world.word("x"))) ==
        "abc");
}

TEST_CASE("match is of the whole text, and a bad pattern matches nothing") {
  World world;
  CHECK(world.match("a.*", "abc") == "yes");
  CHECK(world.match("b", "abc") == "no");
  CHECK(world.match("[0-9]+(\\.[0-9]+)?", "12.5") == "yes");
  CHECK(world.match("a.c", "a\nc") == "no");
  CHECK(world.match("..", "\xc3\xa9") == "yes");  // Two bytes.
  CHECK(world.match("(", "(") == "bad");
  CHECK(world.match("(", "(") == "bad");
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 1'000; ++i) {
      const std::string text = std::to_string(i);
      REQUIRE(world.match(text + "x?", text) == "yes");
    }
  }
}

TEST_CASE("to_number reads what begins the text, as Souffle does") {
  World world;
  CHECK(world.number("12", 32) == "12");
  CHECK(world.number("  -12abc", 32) == "-12");
  CHECK(world.number("0x1f", 32) == "31");
  CHECK(world.number("-0x1f", 32) == "-31");
  CHECK(world.number("0b102", 32) == "2");
  CHECK(world.number("0xg", 32) == "0");
  CHECK(world.number("-2147483648", 32) == "-2147483648");
  CHECK(world.number("2147483648", 32) == kOutOfRange);
  CHECK(world.number("2147483648", 64) == "2147483648");
  CHECK(world.number("99999999999999999999", 64) == kOutOfRange);
  CHECK(world.number("", 32) == kNotANumber);
  CHECK(world.number("abc", 32) == kNotANumber);
  CHECK(world.number("0b", 32) == kNotANumber);
  CHECK(world.number("- 1", 32) == kNotANumber);

  Word out = 1;
  CHECK(world.functors.to_unsigned(world.word("4294967295"), 32, out) == FunctorError::kNone);
  CHECK(out == 4294967295U);
  CHECK(world.functors.to_unsigned(world.word("4294967296"), 32, out) == FunctorError::kOutOfRange);
  CHECK(world.functors.to_unsigned(world.word("-1"), 32, out) == FunctorError::kNotANumber);
  CHECK(world.functors.to_float8(world.word(" 1.5e3x"), out) == FunctorError::kNone);
  CHECK(double_of(out) == 1500.0);
  CHECK(world.functors.to_float4(world.word("0.1"), out) == FunctorError::kNone);
  CHECK(float_of(out) == 0.1F);
  CHECK(world.functors.to_float8(world.word("x"), out) == FunctorError::kNotANumber);
  CHECK(world.functors.to_float4(world.word("1e99"), out) == FunctorError::kOutOfRange);
  CHECK(world.functors.to_float8(world.word("1e-320"), out) == FunctorError::kNone);
}

TEST_CASE("to_text gives Souffle's forms") {
  World world;
  CHECK(world.text(world.functors.number_to_text(-7)) == "-7");
  CHECK(world.text(world.functors.unsigned_to_text(18446744073709551615U)) ==
        "18446744073709551615");
  CHECK(world.text(world.functors.double_to_text(1.5)) == "1.500000");
  const Word half = float_word(0.5F);
  CHECK(world.text(world.functors.to_text(Type::of(TypeKind::kFloat4), &half)) == "0.500000");
  const Word day = 0;
  CHECK(world.text(world.functors.to_text(Type::of(TypeKind::kDate), &day)) == "1970-01-01");
}

TEST_CASE("ord tells texts apart, whatever their length") {
  World world;
  const Word a = world.functors.ord(world.word("a"), 32);
  CHECK(a == world.functors.ord(world.word("a"), 32));
  CHECK(a != world.functors.ord(world.word("b"), 32));
  CHECK(a != world.functors.ord(world.word("a long text"), 32));
}

}  // namespace
}  // namespace entail::vm
