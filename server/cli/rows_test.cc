// Rows on their way out: sorted, and printed for people and programs.

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "server/cli/result_printer.h"
#include "server/cli/row_sorter.h"
#include "vm/base/random.h"
#include "vm/type_table.h"
#include "vm/value_text.h"

namespace entail::cli {
namespace {

using vm::Type;
using vm::TypeKind;
using vm::Word;

class Text : public OutputBytes {
 public:
  Expected<void> write(std::string_view bytes) override {
    text += bytes;
    return {};
  }
  std::string text;
};

struct Fixture {
  explicit Fixture(const std::vector<Type>& types_of_columns, bool nullable = false) : pool(types) {
    for (const Type& type : types_of_columns) {
      datalog::Column column;
      column.name = std::string(1, static_cast<char>('a' + relation.columns.size()));
      column.type = type;
      column.nullable = nullable;
      relation.columns.push_back(column);
    }
    shape = row_shape(relation);
    words.resize(std::max<std::size_t>(shape.word_count, 1));
  }

  void add(const std::vector<std::string>& texts) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      Word value[3] = {0, 0, 0};
      std::string message;
      const datalog::Column& column = relation.columns[i];
      const bool is_null = column.nullable && texts[i] == "null";
      if (!is_null) REQUIRE(vm::parse_value(pool, column.type, texts[i], value, message));
      if (column.nullable) value[vm::value_words(column.type)] = is_null ? 1 : 0;
      for (unsigned w = 0; w < vm::words_of(column.type, column.nullable); ++w) {
        words[shape.word_of_column[i] + w].push_back(value[w]);
      }
    }
  }

  RowSource source() const {
    return [this, next = std::size_t{0}](std::span<Word* const> columns,
                                         std::size_t capacity) mutable {
      // A few rows at a time, so that boundaries occur.
      const std::size_t count = std::min({capacity, words[0].size() - next, std::size_t{5}});
      for (std::size_t i = 0; i < columns.size(); ++i) {
        std::copy_n(words[i].begin() + static_cast<std::ptrdiff_t>(next), count, columns[i]);
      }
      next += count;
      return count;
    };
  }

  std::string print(OutputFormat format, bool sorted = true) const {
    const SortedRows rows(shape, pool, source());
    Text out;
    REQUIRE(print_result(
        {format, false, {}}, shape, pool, [&] { return sorted ? rows.source() : source(); }, out));
    return out.text;
  }

  vm::TypeTable types;
  vm::ValuePool pool;
  datalog::Relation relation;
  RowShape shape;
  std::vector<std::vector<Word>> words;
};

TEST_CASE("rows are sorted as their values compare") {
  Fixture numbers({Type::number(64), Type::number(64)});
  for (const char* x : {"3", "-1", "10", "-20", "3"}) numbers.add({x, "0"});
  numbers.add({"3", "-5"});
  CHECK(numbers.print(OutputFormat::kCsv) == "a,b\n-20,0\n-1,0\n3,-5\n3,0\n3,0\n10,0\n");

  Fixture texts({Type::text(), Type::number(64)});
  for (const char* x : {"b", "a long text that is interned", "a long text that is", "", "B"}) {
    texts.add({x, "1"});
    texts.add({x, "-1"});
  }
  CHECK(texts.print(OutputFormat::kCsv) ==
        "a,b\n\"\",-1\n\"\",1\nB,-1\nB,1\na long text that is,-1\na long text that is,1\n"
        "a long text that is interned,-1\na long text that is interned,1\nb,-1\nb,1\n");

  Fixture floats({Type::float8()});
  for (const char* x : {"1.5", "-inf", "0", "inf", "-1.5", "nan"}) floats.add({x});
  CHECK(floats.print(OutputFormat::kCsv) == "a\n-inf\n-1.5\n0\n1.5\ninf\nnan\n");

  Fixture nulls({Type::number(64)}, true);
  for (const char* x : {"1", "null", "-1"}) nulls.add({x});
  CHECK(nulls.print(OutputFormat::kCsv) == "a\n\n-1\n1\n");

  Fixture unsigned_numbers({Type::unsigned_number(64)});
  for (const char* x : {"18446744073709551615", "0", "1"}) unsigned_numbers.add({x});
  CHECK(unsigned_numbers.print(OutputFormat::kCsv) == "a\n0\n1\n18446744073709551615\n");
}

TEST_CASE("sorting random rows gives what std::sort gives") {
  Random random(7);
  for (const std::int64_t spread : {3, 1000, 1'000'000'000}) {
    Fixture fixture({Type::number(64), Type::number(64), Type::number(64)});
    std::vector<std::tuple<std::int64_t, std::int64_t, std::int64_t>> expected;
    for (int i = 0; i < 2000; ++i) {
      const auto value = [&] { return random.between(-spread, spread); };
      expected.emplace_back(value(), value(), value());
      fixture.words[0].push_back(vm::int_word(std::get<0>(expected.back())));
      fixture.words[1].push_back(vm::int_word(std::get<1>(expected.back())));
      fixture.words[2].push_back(vm::int_word(std::get<2>(expected.back())));
    }
    std::sort(expected.begin(), expected.end());
    const SortedRows sorted(fixture.shape, fixture.pool, fixture.source());
    REQUIRE(sorted.size() == expected.size());
    std::vector<Word> a(2000), b(2000), c(2000);
    Word* columns[] = {a.data(), b.data(), c.data()};
    REQUIRE(sorted.source()(columns, 2000) == 2000);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      REQUIRE(std::tuple(vm::int_of(a[i]), vm::int_of(b[i]), vm::int_of(c[i])) == expected[i]);
    }
  }
}

TEST_CASE("a table is aligned by the width of characters") {
  Fixture fixture({Type::number(64), Type::text()});
  fixture.add({"7", "grün"});
  fixture.add({"-1200", "two\nlines"});
  CHECK(fixture.print(OutputFormat::kTable) ==
        "     a | b\n-------+------------\n -1200 | two\\nlines\n     7 | grün\n(2 rows)\n");
  CHECK(display_width("grün") == 4);
  CHECK(display_width("日本") == 4);
  CHECK(display_width("e\xcc\x81") == 1);
}

TEST_CASE("CSV quotes what needs it, and JSON is one object a line") {
  Fixture fixture({Type::text(), Type::boolean()});
  fixture.add({"a,b", "true"});
  fixture.add({"say \"no\"", "false"});
  fixture.add({"", "true"});
  CHECK(fixture.print(OutputFormat::kCsv) ==
        "a,b\n\"\",true\n\"a,b\",true\n\"say \"\"no\"\"\",false\n");
  CHECK(fixture.print(OutputFormat::kJson) ==
        "{\"a\": \"\", \"b\": true}\n{\"a\": \"a,b\", \"b\": true}\n"
        "{\"a\": \"say \\\"no\\\"\", \"b\": false}\n");
}

TEST_CASE("a proposition is a row without columns") {
  Fixture fixture({});
  fixture.words[0] = {0};
  CHECK(fixture.print(OutputFormat::kTable) == " ()\n(1 row)\n");
  CHECK(fixture.print(OutputFormat::kJson) == "{}\n");
}

}  // namespace
}  // namespace entail::cli
