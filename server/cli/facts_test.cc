// What fact files mean: reading, writing, and the message for each thing that can be wrong.

#include <fmt/format.h>
#include <zlib.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "server/cli/fact_form.h"
#include "server/cli/fact_reader.h"
#include "server/cli/fact_writer.h"
#include "vm/base/temporary_folder.h"
#include "vm/type_table.h"

namespace entail::cli {
namespace {

namespace fs = std::filesystem;
using datalog::Directive;
using datalog::DirectiveKind;
using vm::Type;
using vm::TypeKind;

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_gzip(const std::string& path, const std::string& text) {
  const gzFile file = gzopen(path.c_str(), "wb");
  REQUIRE(file != nullptr);
  REQUIRE(gzwrite(file, text.data(), static_cast<unsigned>(text.size())) ==
          static_cast<int>(text.size()));
  REQUIRE(gzclose(file) == Z_OK);
}

using Parameters = std::map<std::string, std::string>;

// A relation `r` whose columns are given by kinds, and a pool to hold its values.
struct Fixture {
  explicit Fixture(const std::vector<Type>& column_types, bool nullable = false) : pool(types) {
    relation.name = "r";
    for (const Type& type : column_types) {
      datalog::Column column;
      column.name = std::string(1, static_cast<char>('x' + relation.columns.size()));
      column.type = type;
      column.nullable = nullable;
      relation.columns.push_back(column);
    }
  }

  // Rows of the file as the lines that writing them with tabs gives; or "error: …".
  std::string read(const std::string& text, const Parameters& parameters = {},
                   std::size_t buffer_bytes = 16) {
    write_file(directory / "r.facts", text);
    return read_stored(parameters, buffer_bytes);
  }

  std::string read_stored(const Parameters& parameters, std::size_t buffer_bytes = 16) {
    Directive directive;
    directive.kind = DirectiveKind::kInput;
    directive.parameters = parameters;
    const auto form = input_form(directive, relation, directory.path());
    if (!form) return "error: " + form.error().message;
    rows.assign(std::max<std::size_t>(row_shape(relation).word_count, 1), {});
    const auto read = read_facts(*form, row_shape(relation), pool, {nullptr, buffer_bytes},
                                 [&](auto columns, std::size_t count) -> Expected<void> {
                                   for (std::size_t i = 0; i < columns.size(); ++i) {
                                     rows[i].insert(rows[i].end(), columns[i], columns[i] + count);
                                   }
                                   return {};
                                 });
    if (!read) {
      std::string message = read.error().message;
      const std::string place = directory.path() + "/";
      for (std::size_t at; (at = message.find(place)) != std::string::npos;) {
        message.erase(at, place.size());
      }
      return "error: " + message;
    }
    CHECK(*read == rows[0].size());
    return write({});
  }

  // The rows read last, written with these parameters; the content of the file.
  std::string write(const Parameters& parameters) {
    Directive directive;
    directive.kind = DirectiveKind::kOutput;
    directive.parameters = parameters;
    const auto form = output_form(directive, relation, directory.path());
    REQUIRE(form);
    auto file = OutputFile::create(form->path, form->gzip);
    REQUIRE(file);
    std::size_t next = 0;
    const auto source = [&](std::span<vm::Word* const> columns, std::size_t capacity) {
      const std::size_t count = std::min(capacity, rows[0].size() - next);
      for (std::size_t i = 0; i < columns.size(); ++i) {
        std::copy_n(rows[i].begin() + static_cast<std::ptrdiff_t>(next), count, columns[i]);
      }
      next += count;
      return count;
    };
    REQUIRE(write_facts(*form, row_shape(relation), pool, {}, rows[0].size(), source, **file));
    REQUIRE((*file)->finish());
    CHECK_FALSE(fs::exists(form->path));
    REQUIRE((*file)->commit());
    const std::string text = read_file(form->path);
    fs::remove(form->path);
    return text;
  }

  TemporaryFolder directory;
  vm::TypeTable types;
  vm::ValuePool pool;
  datalog::Relation relation;
  std::vector<std::vector<vm::Word>> rows;
};

const Type kNumber = Type::number(64);
const Type kText = Type::text();

TEST_CASE("a fact file's rows are read as they stand") {
  struct Case {
    std::vector<Type> columns;
    std::string text;
    std::string rows;
    Parameters parameters;
  };
  const std::string long_text = "a text that does not fit a word";
  const Case cases[] = {
      {{kNumber, kNumber}, "1\t2\n-3\t40\n", "1\t2\n-3\t40\n", {}},
      {{kNumber, kNumber}, "1\t2\n3\t4", "1\t2\n3\t4\n", {}},  // The last line has no end.
      {{kNumber, kNumber}, "", "", {}},
      {{kNumber, kNumber}, "1\t2\r\n3\t4\r\n", "1\t2\n3\t4\n", {}},
      {{kNumber, kNumber},
       "\xef\xbb\xbf"
       "1\t2\n",
       "1\t2\n",
       {}},
      {{kNumber, kNumber}, " 1\t+2\n", "1\t2\n", {}},  // As Souffle's numbers.
      {{kNumber},
       "-9223372036854775808\n9223372036854775807\n",
       "-9223372036854775808\n9223372036854775807\n",
       {}},
      {{Type::number(32)}, "-2147483648\n2147483647\n", "-2147483648\n2147483647\n", {}},
      {{Type::unsigned_number(64)},
       "0x1F\n0b101\n18446744073709551615\n",
       "31\n5\n18446744073709551615\n",
       {}},
      {{Type::float8()}, "0.5\n-1e3\n", "0.5\n-1000\n", {}},
      {{kText, kText}, "a\t" + long_text + "\n\tb c\n", "a\t" + long_text + "\n\tb c\n", {}},
      {{kText}, "one\n\ntwo\r\n", "one\n\ntwo\n", {}},  // An empty line is an empty text.
      {{kText, kNumber}, "a,1\nb,2\n", "a\t1\nb\t2\n", {{"delimiter", ","}}},
      {{kText, kText}, "a(b,c\n", "a(b\tc\n", {{"delimiter", ","}}},
      {{kText, kText}, "[a,b],c\n", "[a,b]\tc\n", {{"delimiter", ","}}},
      {{kText, kNumber}, "a, 1\nb, 2\n", "a\t1\nb\t2\n", {{"delimiter", ", "}}},
      {{kText, kNumber}, "a::1\n", "a\t1\n", {{"delimiter", "::"}}},
      {{kNumber, kNumber}, "x\ty\n1\t2\n", "1\t2\n", {{"headers", "true"}}},
      {{kNumber, kNumber}, "1\t2\t3\n4\t5\t6\n", "3\t1\n6\t4\n", {{"columns", "2:0"}}},
      {{kText, kNumber},
       "\"a,\"\"b\"\"\",1\nplain,2\n",
       "a,\"b\"\t1\nplain\t2\n",
       {{"rfc4180", "true"}}},
      {{kText, kNumber},
       "\"two\nlines\",1\r\n\"\",2\r\n",
       "two\nlines\t1\n\t2\n",
       {{"rfc4180", "true"}}},
      {{kText, kText},
       "\"\r\n\r\n\";x\n",
       "\r\n\r\n\tx\n",
       {{"rfc4180", "true"}, {"delimiter", ";"}}},
      {{}, "()\n()\n", "()\n()\n", {}},
  };
  for (const Case& row : cases) {
    for (const std::size_t buffer_bytes : {16U, 4096U}) {
      INFO(row.text << " in a buffer of " << buffer_bytes);
      Fixture fixture(row.columns);
      const std::string read = fixture.read(row.text, row.parameters, buffer_bytes);
      if (row.columns.empty()) {
        CHECK(fixture.rows[0].size() == 2);
      } else {
        CHECK(read == row.rows);
      }
    }
  }
}

TEST_CASE("a mistake in a fact file is one line that names file, line and column") {
  struct Case {
    std::vector<Type> columns;
    std::string text;
    std::string error;
    Parameters parameters;
  };
  const std::vector<Type> numbers = {kNumber, kNumber};
  const Case cases[] = {
      {numbers, "1\t2\n1\tabc\n", "r.facts:2: column 2 (y): 'abc' is not a number", {}},
      {numbers, "1\t2\n1\t2x\n", "r.facts:2: column 2 (y): '2x' is not a number", {}},
      {numbers, "1\t\n", "r.facts:1: column 2 (y): '' is not a number", {}},
      {numbers, "1\t2\n1\n", "r.facts:2: column 2 (y) is missing: the line has 1 field", {}},
      {numbers, "1\t2\t3\n", "r.facts:1: 3 fields where r has 2 columns", {}},
      {{kText, kText}, "a\tb\tc\n", "r.facts:1: 3 fields where r has 2 columns", {}},
      {{kText, kText}, "a\n", "r.facts:1: column 2 (y) is missing: the line has 1 field", {}},
      {{kText, kText},
       "a,b,c\n",
       "r.facts:1: 3 fields where r has 2 columns",
       {{"delimiter", ","}}},
      {{Type::number(32)},
       "99999999999\n",
       "r.facts:1: column 1 (x): 99999999999 does not fit a 32-bit number",
       {}},
      {numbers,
       "x\ty\n1\n3\t4\n",
       "r.facts:2: column 2 (y) is missing: the line has 1 field",
       {{"headers", "true"}}},
      {{kText}, "\"a\nb\n", "r.facts:1: column 1: the quote is not closed", {{"rfc4180", "true"}}},
      {{kText, kText},
       "\"a\"b,c\n",
       "r.facts:1: column 1: the closing quote is followed by 'b,c', not by the delimiter",
       {{"rfc4180", "true"}}},
      {numbers, "1\t2\n", "r.facts:1: 2 fields where columns=… asks for 4", {{"columns", "3:0"}}},
      {numbers,
       "1\t2\n",
       "r: columns=\"0:0\" must give a different field, counted from 0, for each of the 2 "
       "columns, as in \"1:0\"",
       {{"columns", "0:0"}}},
      {numbers,
       "",
       "r: IO=sqlite is not built in; .input knows file, stdin, jsonfile and json",
       {{"IO", "sqlite"}}},
      {numbers,
       "",
       "Cannot open fact file none.facts: No such file or directory",
       {{"filename", "none.facts"}}},
  };
  for (const Case& row : cases) {
    INFO(row.text);
    // The buffer of 16 bytes is smaller than some of the lines.
    Fixture fixture(row.columns);
    CHECK(fixture.read(row.text, row.parameters) == "error: " + row.error);
  }
  Fixture overflow({kNumber});
  CHECK(overflow.read("9223372036854775808\n").find("9223372036854775808 does not fit") !=
        std::string::npos);
}

TEST_CASE("a packed file is unpacked whatever its name is") {
  Fixture fixture({kNumber, kNumber});
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += fmt::format("{}\t{}\n", i, i * 7);
  write_gzip(fixture.directory / "r.facts", text);
  CHECK(fixture.read_stored({}) == text);
  // Two members are one file.
  const std::string member = read_file(fixture.directory / "r.facts");
  write_file(fixture.directory / "r.facts", member + member);
  CHECK(fixture.read_stored({}) == text + text);
  write_file(fixture.directory / "r.facts", member.substr(0, member.size() / 2));
  CHECK(fixture.read_stored({}) == "error: r.facts: the gzip data ends too early");
  write_file(fixture.directory / "r.gz", "1\t2\n");
  CHECK(fixture.read_stored({{"filename", "r.gz"}}) == "error: r.gz: not a gzip file");
  std::string damaged = member;
  for (std::size_t i = 100; i < 200; ++i) damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
  write_file(fixture.directory / "r.facts", damaged);
  CHECK(fixture.read_stored({}).find("the gzip data is damaged") != std::string::npos);
}

TEST_CASE("rows longer than a batch and texts across buffers keep their order") {
  Fixture fixture({kText, kNumber});
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += fmt::format("name number {}\t{}\n", i % 999, i);
  CHECK(fixture.read(text, {}, 1000) == text);
}

TEST_CASE("outputs look as Souffle's do") {
  Fixture fixture({kText, kNumber});
  fixture.read("a b\t1\nsay \"no\"\t-2\n");
  CHECK(fixture.write({}) == "a b\t1\nsay \"no\"\t-2\n");
  CHECK(fixture.write({{"delimiter", "BOB"}, {"headers", "true"}}) ==
        "xBOBy\na bBOB1\nsay \"no\"BOB-2\n");
  CHECK(fixture.write({{"rfc4180", "true"}}) == "\"a b\",1\n\"say \"\"no\"\"\",-2\n");
  CHECK(fixture.write({{"IO", "jsonfile"}}) == "[[\"a b\", 1],\n[\"say \\\"no\\\"\", -2]]\n");
  CHECK(fixture.write({{"IO", "jsonfile"}, {"format", "object"}}) ==
        "[{\"x\": \"a b\", \"y\": 1},\n{\"x\": \"say \\\"no\\\"\", \"y\": -2}]\n");
}

TEST_CASE("what is written with gzip is read again") {
  Fixture fixture({kNumber, kNumber});
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += fmt::format("{}\t{}\n", i, -i);
  fixture.read(text, {}, 1U << 20U);
  const std::string packed = fixture.write({{"compress", "true"}});
  CHECK(packed.size() < text.size() / 2);
  write_file(fixture.directory / "r.facts", packed);
  CHECK(fixture.read_stored({}, 1U << 20U) == text);
}

TEST_CASE("JSON rows are arrays or objects, and mistakes name the row") {
  Fixture fixture({kText, kNumber});
  const Parameters form = {{"IO", "jsonfile"}, {"filename", "r.facts"}};
  CHECK(fixture.read(R"([["a", 1], {"y": 2, "x": "b"}])", form) == "a\t1\nb\t2\n");
  CHECK(fixture.read(R"([["a", 1], ["b"]])", form) ==
        "error: r.facts: row 2: 1 value where there should be 2");
  CHECK(fixture.read(R"([["a", "q"]])", form) ==
        "error: r.facts: row 1: column 2 (y): 'q' is not a number");
  CHECK(fixture.read("[[", form).starts_with("error: r.facts: not JSON: "));
}

TEST_CASE("records are read back from every form they are written in") {
  Fixture fixture({kNumber});
  const vm::TypeId list = fixture.types.declare(TypeKind::kRecord, "List");
  const Type list_type = Type::defined(TypeKind::kRecord, list);
  fixture.types.define_record(list, {{"head", kText}, {"tail", list_type}});
  fixture.relation.columns[0].type = list_type;
  const std::string text = "[a, [b, nil]]\nnil\n[c, nil]\n";
  CHECK(fixture.read(text) == text);
  CHECK(fixture.write({{"IO", "jsonfile"}}) ==
        "[[[\"a\", [\"b\", null]]],\n[null],\n[[\"c\", null]]]\n");
  CHECK(fixture.write({{"IO", "jsonfile"}, {"format", "object"}})
            .starts_with(
                "[{\"x\": {\"head\": \"a\", \"tail\": {\"head\": \"b\", \"tail\": null}}},\n"));
  const std::string quoted = fixture.write({{"rfc4180", "true"}});
  CHECK(quoted == "\"[\"\"a\"\", [\"\"b\"\", nil]]\"\n\"nil\"\n\"[\"\"c\"\", nil]\"\n");
  CHECK(fixture.read(quoted, {{"rfc4180", "true"}}) == text);
}

TEST_CASE("a nullable column reads and writes null") {
  Fixture fixture({kNumber, kText}, true);
  CHECK(fixture.read("1\ta\nnull\tnull\n\t\n") == "1\ta\nnull\tnull\nnull\t\n");
}

TEST_CASE("an output that is not committed leaves nothing behind") {
  TemporaryFolder directory;
  write_file(directory / "old.csv", "old");
  {
    auto file = OutputFile::create(directory / "old.csv", false);
    REQUIRE(file);
    REQUIRE((*file)->write("new"));
    REQUIRE((*file)->finish());
  }
  CHECK(read_file(directory / "old.csv") == "old");
  CHECK(std::distance(fs::directory_iterator(directory.path()), fs::directory_iterator()) == 1);

  const auto missing = OutputFile::create(directory / "no/where.csv", false);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message ==
        "cannot write " + directory.path() + "/no/where.csv: No such file or directory");
}

TEST_CASE("a link stays a link when its file is replaced") {
  TemporaryFolder directory;
  write_file(directory / "real.csv", "old");
  fs::create_symlink(directory / "real.csv", directory / "link.csv");
  auto file = OutputFile::create(directory / "link.csv", false);
  REQUIRE(file);
  REQUIRE((*file)->write("new"));
  REQUIRE((*file)->finish());
  REQUIRE((*file)->commit());
  CHECK(fs::is_symlink(directory / "link.csv"));
  CHECK(read_file(directory / "real.csv") == "new");
}

}  // namespace
}  // namespace entail::cli
