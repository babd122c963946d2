#include "tests/property/production_law.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "datalog/lower.h"
#include "datalog/stratify.h"
#include "datalog/verify.h"
#include "grammar/parser.h"
#include "rete/network.h"
#include "tests/oracle/agenda_interpreter.h"
#include "tests/property/row_lines.h"
#include "vm/base/random.h"
#include "vm/value_text.h"

namespace entail::testing {

namespace {

using datalog::RelationId;
using vm::Word;

constexpr std::uint64_t kFiringsMax = 60;
constexpr std::int64_t kValueMax = 3;  // Of facts.

// ------------------------------------------------------------------------------ programs

struct Shape {
  const char* name;
  unsigned columns;
  bool has_rows;  // That actions name.
  bool is_derived;
};
constexpr Shape kShapes[] = {{"K", 3, true, false},  {"L", 2, true, false},  {"B", 2, true, false},
                             {"s", 2, false, false}, {"t", 1, false, false}, {"d", 2, false, true},
                             {"e", 1, false, true}};

const char* const kDeclarations =
    "relation K(id: number key, a: number, b: number default 2);\n"
    "relation L(id: number key, a: number);\n"
    "relation B(a: number, b: number);\n"
    ".decl s(a: number, b: number)\n"
    ".decl t(a: number)\n"
    ".decl d(a: number, b: number)\n"
    ".decl e(a: number)\n"
    "stream Out(r: symbol, x: number, y: number);\n"
    "d(x, y) :- s(x, z), K(z, y, _).\n"
    "d(x, y) :- d(x, z), s(z, y).\n"
    "e(x) :- L(x, y), !B(y, _).\n";

class ProductionGenerator {
 public:
  explicit ProductionGenerator(std::uint64_t seed) : random_(seed) {}

  std::string run() {
    std::string text = kDeclarations;
    const std::int64_t count = random_.between(2, 5);
    for (std::int64_t i = 0; i < count; ++i) text += production(i);
    return text;
  }

 private:
  std::string production(std::int64_t number) {
    bound_.clear();
    rows_.clear();
    const std::string name = "r" + std::to_string(number);
    std::string conditions;
    const auto add = [&](const std::string& condition) {
      conditions += (conditions.empty() ? "" : ", ") + condition;
    };
    for (std::int64_t i = random_.between(1, 3); i > 0; --i) add(atom());
    if (random_.chance(1, 3)) add("not " + negated());
    if (random_.chance(1, 2)) add(value() + (random_.chance(1, 2) ? " < " : " != ") + value());
    if (random_.chance(1, 10)) {
      add(fmt::format("g = range(0, {})", random_.between(1, 3)));
      bound_.push_back("g");
    }
    std::string head = "rule " + name;
    if (random_.chance(1, 3)) {
      head += fmt::format(" salience {}", random_.between(-1, 2));
    } else if (random_.chance(1, 4)) {
      head += " salience " + value() + " - 1";
    }
    if (random_.chance(1, 8)) head += " group side";
    if (random_.chance(1, 8)) head += " auto_focus";
    if (random_.chance(1, 5)) head += " no_loop";
    std::string actions =
        fmt::format("emit Out{{r: \"{}\", x: {}, y: {}}};", name, value(), value());
    for (std::int64_t i = random_.between(0, 3); i > 0; --i) actions += " " + action(true);
    return head + " when " + conditions + "\n  then " + actions + " end\n";
  }

  std::string value() {
    if (bound_.empty() || random_.chance(1, 5))
      return std::to_string(random_.between(0, kValueMax));
    return random_.pick(bound_);
  }
  // Most of them stay small, so that most programs settle.
  std::string computed() {
    switch (random_.below(6)) {
      case 0:
        return fmt::format("({} + 1) % 4", value());
      case 1:
        return fmt::format("min({} + 1, 4)", value());
      case 2:
        return random_.chance(1, 4) ? fmt::format("6 / {}", value()) : value();
      case 3:
        return random_.chance(1, 2) ? value() + " + 1" : value();
      default:
        return value();
    }
  }

  std::string atom() {
    const Shape& shape = kShapes[random_.below(std::size(kShapes))];
    std::string text = std::string(shape.name) + "(";
    std::vector<std::string> fresh;
    for (unsigned c = 0; c < shape.columns; ++c) {
      if (c > 0) text += ", ";
      const std::uint64_t kind = random_.below(10);
      if (kind == 0) {
        text += "_";
      } else if (kind == 1) {
        text += std::to_string(random_.between(0, kValueMax));
      } else if (kind < 5 && !bound_.empty()) {
        text += random_.pick(bound_);
      } else {
        fresh.push_back("v" + std::to_string(++variables_));
        text += fresh.back();
      }
    }
    bound_.insert(bound_.end(), fresh.begin(), fresh.end());
    text += ")";
    if (!shape.has_rows) return text;
    rows_.push_back({"w" + std::to_string(++variables_), &shape});
    return text + " as " + rows_.back().first;
  }

  std::string negated() {
    const Shape& shape = kShapes[random_.below(std::size(kShapes))];
    std::string text = std::string(shape.name) + "(";
    for (unsigned c = 0; c < shape.columns; ++c) {
      text += (c > 0 ? ", " : "") + (random_.chance(1, 3) ? std::string("_") : value());
    }
    return text + ")";
  }

  std::string action(bool may_nest) {
    switch (random_.below(may_nest ? 11 : 7)) {
      case 0:
      case 1:
      case 2: {
        if (rows_.empty()) return fmt::format("insert t({});", computed());
        const auto& [name, shape] = random_.pick(rows_);
        if (random_.chance(1, 3)) return "delete " + name + ";";
        const bool has_b = shape->columns == 3 || shape->name[0] == 'B';
        return fmt::format("modify {} {{ {}: {} }};", name,
                           has_b && random_.chance(1, 2) ? "b" : "a", computed());
      }
      case 3: {
        const std::string inserted[] = {"K({0}, {1}, {0})", "L({0}, {1})", "s({0}, {1})", "t({0})",
                                        "B({0}, {1})"};
        return "insert " +
               fmt::format(fmt::runtime(inserted[random_.below(5)]), computed(), computed()) + ";";
      }
      case 4:
        return fmt::format("upsert K{{id: {}, a: {}}};", value(), computed());
      case 5: {
        const std::string retracted[] = {"s({0}, {1})", "s({0}, _)", "B({0}, {1})", "B(_, {0})",
                                         "t({0})",      "L(_, {0})", "K({0}, _, _)"};
        return "retract " +
               fmt::format(fmt::runtime(retracted[random_.below(7)]), value(), value()) + ";";
      }
      case 6:
        return fmt::format("emit Out{{r: \"more\", x: {}, y: 0}};", computed());
      case 7: {
        const std::string name = "x" + std::to_string(++variables_);
        const std::string text = fmt::format("let {} = {};", name, computed());
        bound_.push_back(name);
        return text;
      }
      case 8:
      case 9: {
        std::string condition = value() + " < " + value();
        if (random_.chance(1, 2)) condition = negated();
        if (random_.chance(1, 4)) condition = "not " + negated() + ", " + condition;
        return fmt::format("if ({}) {{ {} }} else {{ {} }}", condition, action(false),
                           action(false));
      }
      default:
        if (random_.chance(1, 3)) return "halt;";
        return "focus side;";
    }
  }

  Random random_;
  std::vector<std::string> bound_;
  std::vector<std::pair<std::string, const Shape*>> rows_;
  int variables_ = 0;
};

// ------------------------------------------------------------------------------ one case

class ProductionCase {
 public:
  ProductionCase(std::uint64_t seed, LawProgress& progress)
      : random_(seed * 2 + 1), progress_(progress), text_(generate_productions(seed)) {}

  ProductionReport run() {
    try {
      check();
    } catch (const Broken& broken) {
      report_.outcome = LawOutcome::kBroken;
      report_.message = broken.message + "\n" + text_ + history_;
    } catch (const oracle::Unsupported& refused) {
      report_.outcome = LawOutcome::kBroken;
      report_.message = "the interpreter refuses " + refused.message + "\n" + text_;
    }
    return report_;
  }

 private:
  void check() {
    progress_.stage = "lower";
    grammar::Diagnostics diagnostics;
    grammar::SourceFiles files;
    grammar::NoFiles reader;
    const grammar::Program tree =
        grammar::parse_text("p.dl", text_, {}, reader, files, diagnostics);
    program_ = datalog::lower(tree, {}, diagnostics);
    const bool is_good = program_ && datalog::stratify(*program_, diagnostics);
    if (!is_good) throw Broken{diagnostics.render(files)};
    pool_.emplace(program_->types);
    rete::NetworkOptions options;
    options.pool = &*pool_;
    options.files = &files;
    options.limits.firings = kFiringsMax;
    options.plan_seed = random_.chance(1, 2) ? random_.next() | 1 : 0;
    progress_.stage = "create";
    auto made = rete::Network::create(*program_, options);
    if (!made) throw Broken{made.error().message};
    network_ = std::move(*made);
    interpreter_.emplace(*program_, kFiringsMax);
    for (std::int64_t transactions = random_.between(3, 7); transactions > 0; --transactions) {
      transaction();
    }
    report_.firings = interpreter_->firings();
    interpreter_.reset();
    network_.reset();
    pool_->end_step();
    if (pool_->stats().entries_live != 0) throw Broken{"texts are left in the pool"};
  }

  void transaction() {
    for (std::int64_t steps = random_.between(1, 3); steps > 0; --steps) {
      progress_.stage = "step";
      if (step()) continue;
      history_ += "// does not settle\n";
      ++report_.loops;
      return abort();
    }
    if (random_.chance(1, 5)) return abort();
    history_ += "// commit\n";
    progress_.stage = "commit";
    auto committed = network_->commit();
    if (!committed) throw Broken{committed.error().message};
    const std::vector<std::string> expected = interpreter_->commit();
    std::vector<std::string> emitted;
    for (const rete::EmittedRow& event : committed->emitted) {
      emitted.push_back(line(event.relation, event.words));
    }
    for (std::size_t i = 0; i < std::max(expected.size(), emitted.size()); ++i) {
      const std::string wanted = i < expected.size() ? expected[i] : "nothing";
      const std::string found = i < emitted.size() ? emitted[i] : "nothing";
      if (wanted != found) {
        throw Broken{
            fmt::format("row {} that is emitted is {}, and should be {}", i, found, wanted)};
      }
    }
    compare();
  }

  void abort() {
    history_ += "// abort\n";
    progress_.stage = "abort";
    network_->abort();
    interpreter_->abort();
    ++report_.aborts;
    compare();
  }

  // Whether it settles.
  bool step() {
    std::vector<oracle::FactStatement> statements;
    for (std::int64_t changes = random_.between(0, 8); changes > 0; --changes) {
      const Shape& shape = kShapes[random_.below(std::size(kShapes))];
      oracle::FactStatement statement;
      statement.relation = id(shape.name);
      if (shape.is_derived) continue;
      statement.is_deletion = random_.chance(1, 3);
      std::vector<Word> row;
      for (unsigned c = 0; c < shape.columns; ++c) {
        const std::int64_t value = random_.between(0, kValueMax);
        row.push_back(static_cast<Word>(value));
        statement.row.push_back(value);
      }
      std::vector<const Word*> columns;
      for (const Word& word : row) columns.push_back(&word);
      const std::int64_t weight = statement.is_deletion ? -1 : 1;
      history_ += (statement.is_deletion ? "-" : "+") + line(statement.relation, row) + "\n";
      if (auto done = network_->change(statement.relation, {columns, 1, &weight}); !done) {
        throw Broken{done.error().message};
      }
      statements.push_back(std::move(statement));
    }
    history_ += "// step\n";
    const bool settles = interpreter_->step(statements);
    const auto done = network_->step();
    if (settles != done.has_value()) {
      throw Broken{settles ? done.error().message : "the agenda settles, and should not"};
    }
    if (!settles && done.error().code != ErrorCode::kLimit) throw Broken{done.error().message};
    return settles;
  }

  void compare() {
    network_->verify();
    for (const auto& [name, expected] : interpreter_->rows()) {
      const vm::StandingRelation& relation = network_->relation(id(name));
      Lines found;
      vm::Row position = 0, row = 0;
      while (relation.scan(vm::View::kTotal, position, &row, 1) == 1) {
        std::vector<Word> words(relation.column_count());
        for (std::uint32_t c = 0; c < words.size(); ++c) relation.load(c, &row, 1, &words[c]);
        found.push_back(line(id(name), words));
      }
      std::sort(found.begin(), found.end());
      expect_equal(name, expected, found);
    }
  }

  RelationId id(const std::string& name) const {
    for (std::size_t i = 0; i < program_->relations.size(); ++i) {
      if (program_->relations[i].name == name) return static_cast<RelationId>(i);
    }
    throw Broken{"no relation " + name};
  }

  std::string line(RelationId relation, const std::vector<Word>& row) const {
    std::string text = program_->relation(relation).name;
    const compiler::RelationLayout& layout = network_->layout(relation);
    for (std::size_t c = 0; c < layout.columns.size(); ++c) {
      text += c == 0 ? ' ' : ',';
      const compiler::ColumnLayout& column = layout.columns[c];
      vm::print_value(*pool_, column.type, column.nullable, row.data() + column.first_word, {},
                      text);
    }
    return text;
  }

  Random random_;
  LawProgress& progress_;
  const std::string text_;
  std::string history_;
  ProductionReport report_;
  std::optional<datalog::RuleProgram> program_;
  std::optional<vm::ValuePool> pool_;
  std::unique_ptr<rete::Network> network_;
  std::optional<oracle::AgendaInterpreter> interpreter_;
};

}  // namespace

std::string generate_productions(std::uint64_t seed) { return ProductionGenerator(seed).run(); }

ProductionReport check_production_law(std::uint64_t seed, LawProgress& progress) {
  return ProductionCase(seed, progress).run();
}

}  // namespace entail::testing
