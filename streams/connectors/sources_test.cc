#include <zlib.h>

#include <catch2/catch.hpp>
#include <string>

#include "streams/connector.h"
#include "streams/internal/memory_files.h"
#include "vm/value_pool.h"
#include "vm/value_text.h"

namespace entail::streams {
namespace {

// id, card, amount (nullable), ok (nullable), at (nullable), tags (array of text, nullable), more (json, nullable).
std::shared_ptr<const RowShape> payments() {
  datalog::Relation relation;
  vm::TypeTable types;
  relation.name = "Payment";
  const auto add = [&](const char* name, vm::Type type, bool nullable) {
    relation.columns.push_back({name, type, nullable, {}});
  };
  add("id", vm::Type::of(vm::TypeKind::kInt8), false);
  add("card", vm::Type::text(), false);
  add("amount", vm::Type::decimal(18, 2), true);
  add("ok", vm::Type::boolean(), true);
  add("at", vm::Type::of(vm::TypeKind::kTimestamp), true);
  add("tags", types.array_of(vm::Type::text(), false), true);
  add("more", vm::Type::of(vm::TypeKind::kJson), true);
  return RowShape::of(relation, types);
}

// Rows as text, then the dead letters, then the positions.
std::string text_of(SourceBatch& batch) {
  const RowShape& shape = batch.rows.shape();
  vm::ValuePool pool(shape.types);
  batch.rows.intern(pool);
  std::string out;
  for (std::size_t i = 0; i < batch.rows.size(); ++i) {
    for (std::size_t c = 0; c < shape.columns.size(); ++c) {
      const compiler::ColumnLayout& column = shape.layout.columns[c];
      if (c > 0) out += ",";
      if (column.nullable && batch.rows.words(column.null_word())[i] != 0) continue;
      vm::Word words[2] = {batch.rows.words(column.first_word)[i], 0};
      if (column.value_words > 1) words[1] = batch.rows.words(column.first_word + 1)[i];
      vm::print_value(pool, column.type, false, words, {}, out);
    }
    out += "\n";
  }
  for (const BadRow& bad : batch.dead) {
    out += "dead " + to_text(bad.origin.at) + " " + bad.reason + " <" +
           std::string(batch.raw_of(bad.origin)) + ">\n";
  }
  for (const PartitionPosition& p : batch.positions) {
    out += "@" + p.partition + "=" + to_text(p.position) + "\n";
  }
  return out;
}

struct Reading {
  explicit Reading(ConnectorSpec given) : spec(std::move(given)) {}

  // Everything from the position on, in polls of at most so many rows.
  std::string all(std::vector<PartitionPosition> from = {}, PollLimits limits = {}) {
    auto checked = check_source(spec, shape);
    INFO((checked ? std::string() : checked.error().message));
    REQUIRE(checked);
    source = *make_source(spec, shape, {&files, nullptr});
    auto sought = source->seek(from);
    if (!sought) return "!" + sought.error().message;
    return more(limits);
  }
  std::string more(PollLimits limits = {}) {
    std::string out;
    for (;;) {
      SourceBatch batch(shape);
      auto state = source->poll(batch, limits, 0);
      if (!state) return out + "!" + state.error().message;
      out += text_of(batch);
      if (!batch.positions.empty()) last = batch.positions;
      if (*state != PollState::kMore) return out;
    }
  }

  ConnectorSpec spec;
  MemoryFiles files;
  std::shared_ptr<const RowShape> shape = payments();
  std::unique_ptr<Source> source;
  std::vector<PartitionPosition> last;
};

std::string refusal(ConnectorSpec spec) {
  auto checked = check_source(spec, payments());
  return checked ? "" : checked.error().message;
}

TEST_CASE("Objects of JSON become rows by the names of their members", "[streams]") {
  Reading reading({"file", "in", {}});
  reading.files.at("in") =
      R"({"id": 1, "card": "a card with a long number", "amount": 12.50, "ok": true, "at": "2026-01-02T03:04:05"}
{"card":"c","unknown":{"x":[1]},"id":"2","amount":null,"tags":["a","b longer than seven"],"more":{"b":1,"a":"\u00e4"}}

{"id":3,"card":"\u00e4\n","amount":"0.10","more":[1,2]}
)";
  CHECK(reading.all() ==
        "1,a card with a long number,12.50,true,2026-01-02T03:04:05,,\n"
        "2,c,,,,[a, b longer than seven],{\"a\":\"\u00e4\",\"b\":1}\n"
        "3,\u00e4\n,0.10,,,,[1,2]\n"
        "@0=281:5\n");
}

TEST_CASE("What is no row is a dead letter with its place, its bytes and the reason", "[streams]") {
  Reading reading({"file", "in", {}});
  reading.files.at("in") =
      "{\"id\":1.5,\"card\":\"c\"}\n"
      "{\"id\":1}\n"
      "nonsense\n"
      "{\"id\":1,\"card\":7}\n"
      "{\"id\":1,\"card\":\"c\",\"at\":17}\n"
      "{\"id\":1,\"card\":\"c\"\n"
      "{\"id\":1,\"card\":\"c\"} {}\n"
      "{\"id\":1,\"id\":2,\"card\":\"c\"}\n"
      "{\"id\":null,\"card\":\"c\"}\n"
      "{\"id\":9,\"card\":\"good\",\"amount\":1}\n"
      "{\"id\":9,\"card\":\"c\",\"amount\":1e}";
  const std::string text = reading.all();
  INFO(text);
  CHECK(text.starts_with("9,good,1.00,,,,\ndead 0:1 column 'id': '1.5' is not a"));
  for (const char* reason :
       {"dead 22:2 column 'card' is missing <{\"id\":1}>", "dead 31:3 it is not a JSON object",
        "column 'card': 7 is not a", "column 'at': 17 is not a text of a time",
        "dead 86:6 it is not a JSON object", "there is more behind the JSON object",
        "column 'id': it is there twice", "column 'id': it may not be null",
        "column 'amount': '1e' is not"}) {
    INFO(reason);
    CHECK(text.find(reason) != std::string::npos);
  }
  CHECK(reading.last[0].position.line == 12);
}

TEST_CASE("A source that is made anew goes on behind its position, however polls cut the rows",
          "[streams]") {
  for (const char* const suffix : {"in", "in.gz"}) {
    Reading whole({"file", suffix, {}});
    std::string text;
    for (int i = 0; i < 50; ++i) {
      text += "{\"id\":" + std::to_string(i) + ",\"card\":\"" + std::string(i % 20, 'x') + "\"}\n";
    }
    if (std::string(suffix) == "in.gz") {
      std::string packed(4096, '\0');
      z_stream stream{};
      REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
      stream.next_in = reinterpret_cast<Bytef*>(text.data());
      stream.avail_in = static_cast<uInt>(text.size());
      stream.next_out = reinterpret_cast<Bytef*>(packed.data());
      stream.avail_out = static_cast<uInt>(packed.size());
      REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
      packed.resize(packed.size() - stream.avail_out);
      deflateEnd(&stream);
      text = packed;
    }
    whole.files.at(suffix) = text;
    const auto without_positions = [](const std::string& given) {
      std::string out, line;
      for (const char c : given) {
        line.push_back(c);
        if (c != '\n') continue;
        if (line[0] != '@') out += line;
        line.clear();
      }
      return out;
    };
    const std::string expected = without_positions(whole.all());
    for (const std::size_t rows : {1, 3, 7, 49, 50, 51}) {
      Reading reading({"file", suffix, {}});
      reading.files.at(suffix) = text;
      std::string got;
      std::vector<PartitionPosition> from;
      for (;;) {  // A source of its own for each poll.
        reading.source = *make_source(reading.spec, reading.shape, {&reading.files, nullptr});
        REQUIRE(reading.source->seek(from));
        SourceBatch batch(reading.shape);
        auto state = reading.source->poll(batch, {rows, 64}, 0);
        REQUIRE(state);
        got += without_positions(text_of(batch));
        if (!batch.positions.empty()) from = batch.positions;
        if (*state == PollState::kEnded) break;
      }
      CHECK(got == expected);
    }
  }
}

TEST_CASE("A followed file gives whole lines only, and more of them as it grows", "[streams]") {
  Reading reading({"file", "in", {{"tail", "true"}}});
  reading.files.at("in") = "{\"id\":1,\"card\":\"a\"}\n{\"id\":2,\"ca";
  CHECK(reading.all() == "1,a,,,,,\n@0=20:2\n");
  CHECK(reading.more().empty());
  reading.files.at("in") += "rd\":\"b\"}\n";
  CHECK(reading.more() == "2,b,,,,,\n@0=40:3\n");
  CHECK(reading.source->lag() == 0);
  reading.files.at("in") = "short";
  CHECK(reading.more().find("it has 5 bytes, and 40 were read before") != std::string::npos);
  CHECK(reading.all({{"0", {40, 3}}}).find("it has 5 bytes") != std::string::npos);
}

TEST_CASE("Lines of CSV are rows, with quotes, a header, and nulls", "[streams]") {
  Reading reading({"file", "in", {{"format", "csv"}, {"header", "true"}, {"delimiter", ";"}}});
  reading.files.at("in") =
      "card;x;id;amount\r\n\"a;\"\"b\"\"\nc\";?;1;2.5\r\nd;?;2;\r\ne;?;x;1\nf;1\n\"g;?;1;1\n";
  CHECK(reading.all() ==
        "1,a;\"b\"\nc,2.50,,,,\n"
        "2,d,,,,,\n"
        "dead 47:5 column 'id': 'x' is not a number <e;?;x;1>\n"
        "dead 55:6 2 fields where there should be 4 <f;1>\n"
        "dead 59:7 a quoted field does not end <\"g;?;1;1\n>\n"
        "@0=68:9\n");
  CHECK(reading.all({{"0", {47, 5}}}).starts_with("dead 47:5 "));
}

TEST_CASE("Settings that make no sense are refused by name", "[streams]") {
  CHECK(refusal({"file", "", {}}) == "the connector 'file' wants the path of a file");
  CHECK(refusal({"file", "x", {{"tial", "true"}}}) == "the connector 'file' has no setting 'tial'");
  CHECK(refusal({"file", "x", {{"tail", "yes"}}}) ==
        "the setting 'tail' is true or false, not 'yes'");
  CHECK(refusal({"file", "x", {{"format", "avro"}}}) ==
        "the format 'avro' is not supported yet: there are json and csv");
  CHECK(refusal({"file", "x", {{"header", "true"}}}) == "the format json has no setting 'header'");
  CHECK(refusal({"file", "x.gz", {{"tail", "true"}}}) == "a packed file cannot be followed (tail)");
  CHECK(refusal({"carrier_pigeon", "x", {}}) ==
        "the connector 'carrier_pigeon' is not supported yet as a source: there are file and "
        "generator");
  CHECK(refusal({"generator", "", {{"rows", "5"}}})
            .starts_with("the generator makes no values of the column 'amount'"));
}

TEST_CASE("The generator's rows are a function of the seed and their number", "[streams]") {
  datalog::Relation relation;
  vm::TypeTable types;
  relation.name = "r";
  relation.columns = {{"id", vm::Type::of(vm::TypeKind::kInt8), false, {}},
                      {"card", vm::Type::text(), false, {}},
                      {"at", vm::Type::of(vm::TypeKind::kTimestamp), false, {}}};
  Reading reading({"generator",
                   "",
                   {{"rows", "5"}, {"id", "sequence"}, {"card", "card {1..9}"}, {"seed", "4"}}});
  reading.shape = RowShape::of(relation, types);
  const std::string all = reading.all();
  INFO(all);
  CHECK(all.find("\n4,card ") != std::string::npos);
  CHECK(all.find(",2026-01-01T00:00:04\n@0=5\n") != std::string::npos);
  CHECK(reading.all({{"0", {3, 0}}}) == all.substr(all.find("3,card")));
  reading.spec.settings["seed"] = "5";
  CHECK(reading.all() != all);
}

}  // namespace
}  // namespace entail::streams
