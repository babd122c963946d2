// Expected values are PostgreSQL 15's.

#include "vm/scalar_functions.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "vm/internal/scalar_call.h"
#include "vm/program.h"
#include "vm/sql_text.h"

namespace entail::vm {
namespace {

using Body = void (*)(ScalarCall&);
constexpr Body kBodies[] = {
#define SCALAR_FUNCTION(id, name, arguments, result, flags) &scalar::id,
#include "vm/scalar_functions.def"
#undef SCALAR_FUNCTION
};

Type type_of(char letter) {
  switch (letter) {
    case 'b':
      return Type::boolean();
    case 'h':
      return Type::of(TypeKind::kInt2);
    case 'i':
      return Type::of(TypeKind::kInt4);
    case 'l':
      return Type::of(TypeKind::kInt8);
    case 'f':
      return Type::of(TypeKind::kFloat4);
    case 'd':
      return Type::float8();
    case 'n':
      return Type::displayed_numeric();
    case 'D':
      return Type::of(TypeKind::kDate);
    case 'T':
      return Type::of(TypeKind::kTime);
    case 'S':
      return Type::of(TypeKind::kTimestamp);
    case 'V':
      return Type::of(TypeKind::kInterval);
    default:
      return Type::text();
  }
}

class Calls {
 public:
  // The printed result, "null", or SQLSTATE and message. kCastCall casts.
  std::string run(std::uint16_t function, const std::string& letters, char result,
                  const std::vector<std::string>& texts) {
    std::vector<Type> argument_types;
    for (const char letter : letters) argument_types.push_back(type_of(letter));
    ScalarCall call(context_, type_of(result), argument_types);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      Word words[2] = {0, 0};
      SqlTextError error;
      REQUIRE(read_sql_value(pool_, argument_types[i], texts[i], words, error));
      call.arguments()[i].word = words[0];
      call.arguments()[i].low = words[1];
    }
    (function == kCastCall ? &run_cast : kBodies[function])(call);
    if (call.error != 0) {
      const Error error = sql_error(pool_, call.error);
      return std::string(error.sqlstate()) + " " + error.message;
    }
    if (call.null) return "null";
    const Word words[2] = {call.word, call.low};
    std::string out;
    print_sql_value(pool_, type_of(result), words, out);
    return out;
  }
  std::string call(ScalarFunction function, const std::vector<std::string>& texts) {
    const ScalarSignature& signature = scalar_signature(function);
    return run(static_cast<std::uint16_t>(function), std::string(signature.arguments),
               signature.result, texts);
  }
  std::string cast(char from, char to, const std::string& text) {
    return run(kCastCall, std::string(1, from), to, {text});
  }

 private:
  TypeTable types_;
  ValuePool pool_{types_};
  ScalarContext context_{pool_};
};

using enum ScalarFunction;

}  // namespace

TEST_CASE("Arithmetic on numerics has PostgreSQL's values and scales", "[sql]") {
  Calls c;
  CHECK(c.call(kAddNumeric, {"1.50", "2.5"}) == "4.00");
  CHECK(c.call(kMultiplyNumeric, {"12.50", "3.0"}) == "37.500");
  CHECK(c.call(kDivideNumeric, {"1", "3"}) == "0.33333333333333333333");
  CHECK(c.call(kDivideNumeric, {"10.0", "4"}) == "2.5000000000000000");
  CHECK(c.call(kDivideNumeric, {"1", "1"}) == "1.00000000000000000000");
  CHECK(c.call(kDivideNumeric, {"1", "0"}) == "22012 division by zero");
  CHECK(c.call(kSqrtNumeric, {"2"}) == "1.414213562373095");
  CHECK(c.call(kExpNumeric, {"1"}) == "2.7182818284590452");
  CHECK(c.call(kLnNumeric, {"10"}) == "2.3025850929940457");
  CHECK(c.call(kPowerNumeric, {"2", "3"}) == "8.0000000000000000");
  CHECK(c.call(kPowerNumeric, {"0.657", "-20"}) == "4453.4092701187940846");
  CHECK(c.call(kPowerNumeric, {"3", "2.5"}) == "15.588457268119896");
  CHECK(c.call(kPowerNumeric, {"225864.555492034", "9999.9999"}) ==
        "22003 value overflows numeric format");
  CHECK(c.call(kCoerceNumeric, {"123.456", "4", "2"}) == "22003 numeric field overflow");
  CHECK(c.call(kCoerceNumeric, {"1.005", "4", "2"}) == "1.01");
}

TEST_CASE("Functions of text count characters", "[sql]") {
  Calls c;
  CHECK(c.call(kLength, {"héllo"}) == "5");
  CHECK(c.call(kSubstrFor, {"héllo", "2", "3"}) == "éll");
  CHECK(c.call(kSubstrFor, {"abc", "1", "-1"}) == "22011 negative substring length not allowed");
  CHECK(c.call(kLike, {"banana", "%an_"}) == "t");
  CHECK(c.call(kLike, {"x", "\\"}) == "22025 LIKE pattern must not end with escape character");
  CHECK(c.call(kSplitPart, {"a,b,c", ",", "-1"}) == "c");
  CHECK(c.call(kRegexpReplaceFlags, {"foobar", "o", "<\\&>", "g"}) == "f<o><o>bar");
  CHECK(c.call(kCoerceVarchar, {"abcd", "3"}) ==
        "22001 value too long for type character varying(3)");
  CHECK(c.call(kCoerceVarchar, {"abc  ", "3"}) == "abc");
}

TEST_CASE("Dates, times and intervals compute as PostgreSQL's do", "[sql]") {
  Calls c;
  CHECK(c.call(kDatePlusInterval, {"2024-01-31", "1 mon"}) == "2024-02-29 00:00:00");
  CHECK(c.call(kTimestampMinusTimestamp, {"2024-03-01", "2024-02-01 12:00"}) == "28 days 12:00:00");
  CHECK(c.call(kExtractTimestamp, {"second", "2024-01-01 00:00:05.5"}) == "5.500000");
  CHECK(c.call(kExtractDate, {"week", "2021-01-03"}) == "53");
  CHECK(c.call(kDateTruncTimestamp, {"quarter", "2024-05-17 10:00"}) == "2024-04-01 00:00:00");
  CHECK(c.call(kToCharTimestamp, {"2024-05-07 15:04:05", "FMDay, DD Mon YYYY HH12:MI PM"}) ==
        "Tuesday, 07 May 2024 03:04 PM");
  CHECK(c.call(kMakeDate, {"2023", "2", "30"}) ==
        "22008 date field value out of range: 2023-02-30");
  CHECK(c.call(kIntervalTimes, {"1 mon 3 days", "1.5"}) == "1 mon 19 days 12:00:00");
}

TEST_CASE("Casts read and print as PostgreSQL does", "[sql]") {
  Calls c;
  CHECK(c.cast('t', 'i', "abc") == "22P02 invalid input syntax for type integer: \"abc\"");
  CHECK(c.cast('t', 'i', "99999999999") ==
        "22003 value \"99999999999\" is out of range for type integer");
  CHECK(c.cast('d', 'i', "2.5") == "2");
  CHECK(c.cast('d', 'i', "3.5") == "4");
  CHECK(c.cast('n', 'i', "2.5") == "3");
  CHECK(c.cast('l', 'i', "3000000000") == "22003 integer out of range");
  CHECK(c.cast('b', 't', "t") == "true");
  CHECK(c.cast('t', 'D', "2024-02-30") ==
        "22008 date/time field value out of range: \"2024-02-30\"");
  CHECK(c.cast('t', 'V', "1 year 2 mons -3 days 04:05:06.5") ==
        "1 year 2 mons -3 days +04:05:06.5");
  CHECK(c.cast('d', 't', "1e20") == "1e+20");
}

TEST_CASE("A name has all its signatures", "[sql]") {
  CHECK(scalar_signatures_of("abs").size() == 6);
  CHECK(scalar_signatures_of("no such function").empty());
}

}  // namespace entail::vm
