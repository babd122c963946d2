#include "server/cli/change_line.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "datalog/lower.h"
#include "grammar/parser.h"

namespace entail::cli {
namespace {

using datalog::RelationId;
using vm::Word;

constexpr const char* kProgram = R"(
enum Tier { BASIC, SILVER, GOLD }
.type Pair = [first: number, second: symbol]
.type List = [head: number, tail: List]
.type Shape = Dot {} | Circle {radius: number} | Box {width: number, label: symbol}
.type Colour = Red {} | Green {}
.decl edge(x: number, y: number)
.decl yes()
.decl f(x: float)
.decl u(x: unsigned)
.decl s(x: symbol)
.decl pair(p: Pair)
.decl list(l: List)
.decl shape(s: Shape, c: Colour)
.decl mixed(n: number, s: symbol)
relation Small(a: int16, b: int32);
relation Flag(b: bool);
relation Day(d: date, t: time, at: timestamp, z: timestamptz, i: interval);
relation Money(m: decimal(10, 2), n: numeric);
relation Odd(u: uuid, b: bytes, j: json);
relation Tags(t: string[], n: int64[]);
relation Order(id: int64 key, customer: int64, status: string default "NEW", note: string?, tier: Tier default "BASIC");
relation Link(a: int64, b: int64, w: int64?) key (a, b);
)";

// A reader over the program, with one stored row of Order: 7, 1, "HELD", null, GOLD.
class Lines {
 public:
  Lines() : program_(lowered()), pool_(program_.types) {
    reader_.emplace(program_, pool_, [this](RelationId relation, std::span<Word> row) {
      if (program_.relation(relation).name != "Order" || row[0] != 7) return false;
      const std::vector<Word> stored = {7, 1, pool_.intern("HELD"), 0, 1, 2};
      std::copy(stored.begin(), stored.end(), row.begin());
      return true;
    });
  }

  // What a line says, spelled in one way: "+edge(1,2)"; or "3: what is wrong from column 3 on".
  std::string operator()(std::string_view line) {
    if (!reader_->read(line, parsed_)) {
      return fmt::format("{}: {}", reader_->problem().at + 1, reader_->problem().message);
    }
    switch (parsed_.kind) {
      case LineKind::kNothing:
        return "";
      case LineKind::kCommit:
        return "commit";
      case LineKind::kAbort:
        return "abort";
      case LineKind::kQuery:
        return describe(parsed_.query);
      case LineKind::kTick:
        return fmt::format("tick {}{}",
                           parsed_.stream ? program_.relation(*parsed_.stream).name + " " : "",
                           parsed_.time_us);
      case LineKind::kChange:
        break;
    }
    std::string text;
    for (const FactChange& change : parsed_.changes) {
      const RowShape& shape = reader_->shape(change.relation);
      for (std::size_t i = 0; i < change.rows; ++i) {
        std::vector<Word> row;
        for (std::size_t at = i; at < change.words.size(); at += change.rows) {
          row.push_back(change.words[at]);
        }
        if (!text.empty()) text += ' ';
        text += change.is_deletion ? '-' : '+';
        append_fact(pool_, program_.relation(change.relation).name, shape, row.data(), text);
      }
    }
    return text.empty() ? "no change" : text;
  }

 private:
  static datalog::RuleProgram lowered() {
    grammar::SourceFiles files;
    grammar::Diagnostics diagnostics;
    grammar::NoFiles no_files;
    const auto tree = grammar::parse_text("t.dl", kProgram, {}, no_files, files, diagnostics);
    auto program = datalog::lower(tree, {}, diagnostics);
    INFO(diagnostics.render(files));
    REQUIRE(program);
    return std::move(*program);
  }

  // "? edge(=1,#0)": the first column is 1, the second the same as column 0.
  std::string describe(const AtomPattern& pattern) {
    RowShape shape = errors_shape();
    std::string text = "? ";
    if (pattern.relation) shape = reader_->shape(*pattern.relation);
    text += pattern.relation ? program_.relation(*pattern.relation).name : std::string(kErrorsName);
    text += '(';
    for (std::size_t i = 0; i < pattern.terms.size(); ++i) {
      if (i > 0) text += ',';
      const AtomPattern::Term& term = pattern.terms[i];
      if (term.kind == AtomPattern::TermKind::kAnything) text += '_';
      if (term.kind == AtomPattern::TermKind::kSameAs) text += fmt::format("#{}", term.column);
      if (term.kind == AtomPattern::TermKind::kConstant) {
        append_fact_value(pool_, shape.columns[i].type, shape.columns[i].nullable,
                          pattern.constants.data() + shape.word_of_column[i], text);
      }
    }
    return text + ")";
  }

  datalog::RuleProgram program_;
  vm::ValuePool pool_;
  std::optional<ChangeLineReader> reader_;
  ChangeLine parsed_;
};

struct Case {
  const char* line;
  const char* reads;
};

TEST_CASE("lines of text that are accepted") {
  constexpr Case kCases[] = {
      {"", ""},
      {"   ", ""},
      {"// a comment", ""},
      {"commit", "commit"},
      {"  commit  // the end", "commit"},
      {"commit.", "commit"},
      {"abort", "abort"},
      {"+edge(1,2)", "+edge(1,2)"},
      {"-edge(1,2)", "-edge(1,2)"},
      {"  + edge ( 1 , 2 ) . // why", "+edge(1,2)"},
      {"+edge(1,2).", "+edge(1,2)"},
      {"+edge{y: 2, x: 1}", "+edge(1,2)"},
      {"+yes()", "+yes()"},
      {"-yes().", "-yes()"},
      // Numbers in all spellings.
      {"+edge(-9223372036854775808, 9223372036854775807)",
       "+edge(-9223372036854775808,9223372036854775807)"},
      {"+edge(0x1F, 0b101)", "+edge(31,5)"},
      {"+edge(-0x10, 10_000)", "+edge(-16,10000)"},
      {"+edge(0xffffffffffffffff, 10.0.0.1)", "+edge(-1,167772161)"},
      {"+u(18446744073709551615)", "+u(18446744073709551615)"},
      {"+u(5u)", "+u(5)"},
      {"+u(0xffu)", "+u(255)"},
      {"+Small(-32768, 2147483647)", "+Small(-32768,2147483647)"},
      {"+f(1)", "+f(1)"},
      {"+f(-0.25)", "+f(-0.25)"},
      {"+f(1e17)", "+f(1e+17)"},
      {"+f(1.5f)", "+f(1.5)"},
      {"+f(1_000)", "+f(1000)"},
      {"+f(inf)", "+f(inf)"},
      {"+f(-inf)", "+f(-inf)"},
      {"+f(nan)", "+f(nan)"},
      {"+f(0.1)", "+f(0.1)"},
      {"+Money(12.5, 0.00000000000000000000001)", "+Money(12.50,0.00000000000000000000001)"},
      {"+Money(\"12.5\", 3)", "+Money(12.50,3)"},
      {"+Flag(true)", "+Flag(true)"},
      // Texts.
      {R"(+s(""))", R"(+s(""))"},
      {R"(+s("a \"quoted\" \\ word"))", R"(+s("a \"quoted\" \\ word"))"},
      {R"(+s("tab\there\nand\rthere"))", R"(+s("tab\there\nand\rthere"))"},
      {R"(+s("grün, (a) // b"))", R"(+s("grün, (a) // b"))"},
      // Dates and the like, bare where the rule language has a literal.
      {R"(+Day("2026-01-31", "10:00", 2026-01-31T10:00:00, 2026-01-31T10:00:00+01:00, 1h30m))",
       R"(+Day("2026-01-31","10:00:00","2026-01-31T10:00:00","2026-01-31T09:00:00Z","PT1H30M"))"},
      {R"(+Day(date("2026-01-31"), time("10:00"), timestamp("2026-01-31T10:00:00"), "infinity", "P1D"))",
       R"(+Day("2026-01-31","10:00:00","2026-01-31T10:00:00","infinity","P1D"))"},
      {R"(+Odd("00000000-0000-0000-0000-000000000001", "\\x0aff", "{\"a\": [1, null]}"))",
       R"(+Odd("00000000-0000-0000-0000-000000000001","\\x0aff","{\"a\":[1,null]}"))"},
      // What holds other values.
      {R"(+pair([1, "a, ]"]))", R"(+pair([1,"a, ]"]))"},
      {"+pair(nil)", "+pair(nil)"},
      {"+list([1, [2, nil]])", "+list([1,[2,nil]])"},
      {"+shape($Dot, $Green())", "+shape($Dot,$Green)"},
      {R"(+shape($Box(3, "b"), $Red))", R"(+shape($Box(3,"b"),$Red))"},
      {R"(+Tags(["a", "b"], []))", R"(+Tags(["a","b"],[]))"},
      // By column, with what is left out.
      {"+Order{id: 1, customer: 2}", R"(+Order(1,2,"NEW",null,"BASIC"))"},
      {R"(+Order{note: "x", tier: "GOLD", customer: 2, id: 1, status: "S"})",
       R"(+Order(1,2,"S","x","GOLD"))"},
      {R"(+Order(1, 2, "S", null, "GOLD"))", R"(+Order(1,2,"S",null,"GOLD"))"},
      {"-Order{id: 7}", R"(-Order(7,1,"HELD",null,"GOLD"))"},
      {R"(-Order{id: 7, status: "HELD"})", R"(-Order(7,1,"HELD",null,"GOLD"))"},
      {R"(-Order{id: 7, status: "NEW"})", "no change"},
      {"-Order{id: 8}", "no change"},
      // Questions.
      {"? edge(1, x)", "? edge(1,_)"},
      {"? edge(x, x)", "? edge(_,#0)"},
      {"? edge(_, _).", "? edge(_,_)"},
      {"?edge(x,y)", "? edge(_,_)"},
      {R"(? s("a"))", R"(? s("a"))"},
      {"? Flag(true)", "? Flag(true)"},
      {"? pair(nil)", "? pair(nil)"},
      {R"(? Order{status: "NEW", note: null})", R"(? Order(_,_,"NEW",null,_))"},
      {"? Link(a, b, a)", "? Link(_,_,#0)"},
      {R"(? entail.errors(r, _, "m"))", R"(? entail.errors(_,_,"m"))"},
      {"? yes()", "? yes()"},
  };
  Lines lines;
  for (const Case& tried : kCases) {
    INFO(tried.line);
    CHECK(lines(tried.line) == tried.reads);
  }
}

TEST_CASE("what a change reads as is read again as the same") {
  Lines lines;
  for (const char* line :
       {R"(+s("a \"quoted\" \\ word\n"))", "+f(1e+17)", "+f(-inf)", R"(+shape($Box(3,"b"),$Red))",
        R"(+Day("2026-01-31","10:00:00","2026-01-31T10:00:00","infinity","PT1H30M"))",
        R"(+Odd("00000000-0000-0000-0000-000000000001","\\x0aff","{\"a\":[1,null]}"))",
        R"(+Order(1,2,"S",null,"GOLD"))", "+list([1,[2,nil]])", "+Money(12.50,3)"}) {
    CHECK(lines(line) == line);
  }
}

TEST_CASE("lines of text that are refused, and where") {
  constexpr Case kCases[] = {
      {"+", "2: expected the name of a relation"},
      {"+(1)", "2: expected the name of a relation"},
      {"+egde(1,2)", "2: there is no relation 'egde'; did you mean 'edge'?"},
      {"+entail.errors(1)", "2: entail.errors can be asked, not changed"},
      {"+edge", "6: expected '(' behind the relation's name, and the line ends here"},
      {"+edge(1)", "8: 'edge' has 2 columns, not 1"},
      {"+edge()", "7: 'edge' has 2 columns, not 0"},
      {"+edge(1,2,3)", "10: 'edge' has 2 columns, and here is one more value"},
      {"+yes(1)", "6: 'yes' has 0 columns, and here is one more value"},
      {"+edge(1,2", "10: expected ')' behind the last value, and the line ends here"},
      {"+edge(1 2)", "9: expected ',' between two values, not '2'"},
      {"+edge(1,)", "9: column 2 (y): ')' is not a number: expected a whole number"},
      {"+edge(1,\"a\")", "9: column 2 (y): a text is not a number: expected a whole number"},
      {"+edge(1,abc)", "9: column 2 (y): 'abc' is not a number: expected a whole number"},
      {"+edge(1,1.5)", "9: column 2 (y): '1.5' is not a number: expected a whole number"},
      {"+edge(9223372036854775808,1)",
       "7: column 1 (x): 9223372036854775808 does not fit a number of 64 bits"},
      {"+edge(null,1)", "7: column 1 (x): 'null' is not a number: expected a whole number"},
      {"+u(-1)", "4: column 1 (x): -1 does not fit an unsigned of 64 bits"},
      {"+Small(32768, 1)", "8: column 1 (a): 32768 does not fit a number of 16 bits"},
      {"+s(abc)", "4: column 1 (x): 'abc' is not a text: expected a text in double quotes"},
      {"+s(\"abc)", "4: column 1 (x): the text is not closed: expected '\"' before the line ends"},
      {R"(+s("a\qb"))",
       R"(6: column 1 (x): unknown escape '\q' in a text: there are \" \\ \n \t \r \' \a \b \f \v)"},
      {"+Flag(1)", "7: column 1 (b): '1' is not a bool: expected true or false"},
      {"+pair([1])", "9: column 1 (p): expected ',' before the field 'second', not ']'"},
      {"+pair(1)", "7: column 1 (p): '1' is not a Pair: expected a record as in [1, 2], or nil"},
      {"+shape($Sqare, $Red)", "8: column 1 (s): Shape has no branch 'Sqare'"},
      {"+shape($Circel(1), $Red)",
       "8: column 1 (s): Shape has no branch 'Circel'; did you mean 'Circle'?"},
      {"+shape($Circle, $Red)", "15: column 1 (s): expected '(' behind $Circle, not ','"},
      {"+Tags([1], [])", "8: column 1 (t): '1' is not a text: expected a text in double quotes"},
      {R"(+Order(1, 2, "S", null, "GOLF"))",
       "25: column 5 (tier): 'GOLF' is not a value of Tier; did you mean 'GOLD'?"},
      {"+Order{id: 1}", "7: customer is missing: 'Order' has no default for it"},
      {"+Order{}", "7: id, customer are missing: 'Order' has no default for them"},
      {"+Order{id: 1, costumer: 2}",
       "15: 'Order' has no column 'costumer'; did you mean 'customer'?"},
      {"+Order{id: 1, id: 2}", "15: column 1 (id) is given twice"},
      {"-Order{customer: 1}", "7: id is missing: a row of 'Order' is deleted by its key"},
      {"-edge{x: 1}", "6: y is missing: a row of 'edge' is deleted by all its columns"},
      {"+edge(1,2) +edge(2,3)",
       "12: expected the end of the line: each change stands on a line of its own"},
      {"comit",
       "1: a line is +fact(…), -fact(…), ? atom(…), tick TIME, commit, abort, a // comment or a "
       "JSON object; "
       "did you mean commit?"},
      {"edge(1,2)",
       "1: a line is +fact(…), -fact(…), ? atom(…), tick TIME, commit, abort, a // comment or a "
       "JSON object; "
       "to insert this fact write +edge(…), to ask ? edge(…)"},
      {"commit now", "8: expected the end of the line: each change stands on a line of its own"},
      {"? edge(x)", "9: 'edge' has 2 columns, not 1"},
      {"? edge(x,y,z)", "11: 'edge' has 2 columns, and here is one more argument"},
      {"? edge(1,x), edge(x,2)",
       "12: expected the end of the line: a question is one atom, as in ? path(1, x)"},
      {"? mixed(x, x)", "12: x stands for a number and for a text"},
      {"? edge(\"a\", x)", "8: column 1 (x): a text is not a number: expected a whole number"},
      {"+s(\"\xff\")", "5: byte 0xff is not UTF-8"},
      {"+s(\"\xc0\x80\")", "5: byte 0xc0 is not UTF-8"},
      {"+s(\"\xed\xa0\x80\")", "5: byte 0xed is not UTF-8"},
  };
  Lines lines;
  for (const Case& tried : kCases) {
    INFO(tried.line);
    CHECK(lines(tried.line) == tried.reads);
  }
}

TEST_CASE("lines of JSON that are accepted") {
  constexpr Case kCases[] = {
      {R"({"commit": true})", "commit"},
      {R"(  {"abort":true}  )", "abort"},
      {R"j({"query": "edge(1, x)"})j", "? edge(1,_)"},
      {R"({"insert": {"edge": [1, 2]}})", "+edge(1,2)"},
      {R"({"insert": {"edge": {"y": 2, "x": 1}}})", "+edge(1,2)"},
      {R"({"insert": {"edge": [[1, 2], {"x": 2, "y": 3}]}})", "+edge(1,2) +edge(2,3)"},
      {R"({"insert": {"edge": []}})", "no change"},
      {R"({"insert": {"yes": []}})", "+yes()"},
      {R"({"insert": {"yes": [[]]}})", "+yes()"},
      {R"({"delete": {"edge": [1, 2], "s": ["a"]}})", R"(-edge(1,2) -s("a"))"},
      {R"({"insert": {"edge": [1, 2]}, "delete": {"edge": [3, 4]}})", "-edge(3,4) +edge(1,2)"},
      {R"({"delete": {"Order": {"id": 7}}})", R"(-Order(7,1,"HELD",null,"GOLD"))"},
      {R"({"update": {"Order": {"id": 7, "status": "X"}}})", R"(+Order(7,1,"X",null,"GOLD"))"},
      {R"({"insert": {"Order": {"id": 1, "customer": 2}}})", R"(+Order(1,2,"NEW",null,"BASIC"))"},
      {R"({"insert": {"s": ["a\"\\\/\b\f\n\r\t\u00fc\ud83d\ude00"]}})",
       R"(+s("a\"\\/\b\f\n\r\tü😀"))"},
      {R"({"insert": {"f": [[1], [1e17], ["inf"], [-0.5]]}})", "+f(1) +f(1e+17) +f(inf) +f(-0.5)"},
      {R"({"insert": {"u": [18446744073709551615]}})", "+u(18446744073709551615)"},
      // All digits of a number count.
      {R"({"insert": {"Money": [12345678.25, 1234567890123456789012.5]}})",
       "+Money(12345678.25,1234567890123456789012.5)"},
      {R"({"insert": {"Flag": [true]}})", "+Flag(true)"},
      {R"({"insert": {"pair": [[1, "a"]]}})", R"(+pair([1,"a"]))"},
      {R"({"insert": {"pair": [{"second": "a", "first": 1}]}})", R"(+pair([1,"a"]))"},
      {R"({"insert": {"pair": [null]}})", "+pair(nil)"},
      {R"({"insert": {"pair": [[[1, "a"]], [null]]}})", R"(+pair([1,"a"]) +pair(nil))"},
      {R"j({"insert": {"shape": ["$Circle(2)", "$Red"]}})j", "+shape($Circle(2),$Red)"},
      {R"({"insert": {"Tags": [["a"], [1, 2]]}})", R"(+Tags(["a"],[1,2]))"},
      {R"({"insert": {"Tags": [[["a"], []]]}})", R"(+Tags(["a"],[]))"},
      {R"({"insert": {"Odd": ["00000000-0000-0000-0000-000000000001", "\\x0a", {"b": 1, "a": [null]}]}})",
       R"(+Odd("00000000-0000-0000-0000-000000000001","\\x0a","{\"a\":[null],\"b\":1}"))"},
  };
  Lines lines;
  for (const Case& tried : kCases) {
    INFO(tried.line);
    CHECK(lines(tried.line) == tried.reads);
  }
}

TEST_CASE("lines of JSON that are refused, and where") {
  constexpr Case kCases[] = {
      {"{", "2: expected the name of a member in double quotes"},
      {R"({"insert": )", "12: expected a JSON value, and the line ends here"},
      {R"({"insert" {})", "11: expected ':' behind the name of a member"},
      {R"({"insert": {"edge": [1, 2]})",
       "28: expected ',' or '}' in the JSON, and the line ends here"},
      {R"({"insert": {"edge": [1, 2]}} x)",
       "30: expected the end of the line behind the JSON object"},
      {R"({"insert": {"edge": [01, 2]}})", "22: this is no JSON number"},
      {R"({"insert": {"edge": [1., 2]}})", "22: this is no JSON number"},
      {R"({"insert": {"s": ["a\q"]}})", "21: unknown escape in a JSON text"},
      {R"({"insert": {"s": ["\ud800"]}})", "20: half of a surrogate pair"},
      {R"({})",
       "1: an empty object: the members are insert, delete and update, or one of commit, "
       "abort and query"},
      {R"({"inset": {}})", "2: 'inset' is no member of a change; did you mean 'insert'?"},
      {R"({"commit": 1})", R"(12: expected {"commit": true})"},
      {R"({"commit": true, "insert": {}})", "2: 'commit' stands alone on a line"},
      {R"({"insert": {}, "insert": {}})", "16: 'insert' is given twice"},
      {R"({"insert": [1, 2]})", R"(12: expected an object of relations: {"edge": [1, 2]})"},
      {R"({"insert": {"egde": [1, 2]}})", "13: there is no relation 'egde'; did you mean 'edge'?"},
      {R"({"insert": {"edge": 1}})", "21: expected rows of 'edge': an array or an object"},
      {R"({"insert": {"edge": [1]}})", "21: 'edge' has 2 columns, not 1"},
      {R"({"insert": {"edge": [[1, 2], [3]]}})", "30: 'edge' has 2 columns, not 1"},
      {R"({"insert": {"edge": [1, "a"]}})",
       R"(25: column 2 (y): "a" is not a number: expected a whole number)"},
      {R"({"insert": {"edge": [1, 2.0]}})",
       "25: column 2 (y): 2.0 is not a number: expected a whole number"},
      {R"({"insert": {"edge": {"x": 1, "z": 2}}})", "30: 'edge' has no column 'z'; it has x, y"},
      {R"({"insert": {"edge": {"x": 1}}})", "21: y is missing: 'edge' has no default for it"},
      {R"({"insert": {"edge": [1, null]}})",
       "25: column 2 (y): null is not a number: expected a whole number"},
      {R"({"update": {"edge": {"x": 1, "y": 2}}})",
       "21: 'edge' has no key: delete the old row and insert the new one"},
      {R"({"update": {"Order": {"status": "X"}}})", "22: an update names the key: id is missing"},
      {R"({"update": {"Order": {"id": 8, "status": "X"}}})",
       "22: the row with id = 8 is not in 'Order': insert it"},
      {R"({"update": {"Order": [7]}})",
       "22: expected an object: an update names the key and the columns that change"},
      {R"({"insert": {"Order": [[7, 1, "", null, "GOLD"], {"id": 7, "customer": 2}]}})",
       "49: 'Order' is given a second row under the key of this one"},
      {R"({"insert": {"Order": {"id": 7, "customer": 1}}, "update": {"Order": {"id": 7}}})",
       "22: 'Order' is given a second row under the key of this one"},
      {R"j({"query": "egde(1, x)"})j", "12: there is no relation 'egde'; did you mean 'edge'?"},
      {R"({"query": 1})", R"j(11: expected a question as a text: "path(1, x)")j"},
  };
  Lines lines;
  for (const Case& tried : kCases) {
    INFO(tried.line);
    CHECK(lines(tried.line) == tried.reads);
  }
}

TEST_CASE("no line over a nasty alphabet does more than be refused") {
  Lines lines;
  constexpr std::string_view kAlphabet[] = {"+",  "-", "?", "edge", "(", ")", ",", "1", "\"",
                                            "\\", "{", "}", "[",    "]", "$", ":", ".", "x"};
  std::uint64_t state = 1;
  for (int i = 0; i < 20'000; ++i) {
    std::string line;
    for (int k = 0; k < 12; ++k) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      line += kAlphabet[(state >> 33U) % std::size(kAlphabet)];
      if (state % 3 == 0) break;
    }
    static_cast<void>(lines(line));
  }
  SUCCEED();
}

}  // namespace
}  // namespace entail::cli
