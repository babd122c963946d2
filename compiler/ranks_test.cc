#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "compiler/evaluate.h"
#include "datalog/lower.h"
#include "datalog/stratify.h"
#include "grammar/parser.h"

namespace entail::compiler {
namespace {

using datalog::RelationId;
using Row = std::vector<vm::Word>;

class TwoThreads final : public ThreadTeam {
 public:
  unsigned size() const override { return 2; }
  void run(const std::function<void(unsigned worker)>& work) override {
    std::thread other([&work] { work(1); });
    work(0);
    other.join();
  }
};

// Rules simple enough to be checked by trying all instances: atoms over variables named by letters.
struct Atom {
  std::string relation;
  std::string variables;
};

struct SimpleRule {
  Atom head;
  std::vector<Atom> body;
};

struct Family {
  std::string name;
  std::map<std::string, int>
      columns;  // By relation; all but e are derived in one recursive stratum.
  std::vector<SimpleRule> rules;
};

const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      {"linear",
       {{"e", 2}, {"p", 2}},
       {{{"p", "xy"}, {{"e", "xy"}}}, {{"p", "xz"}, {{"p", "xy"}, {"e", "yz"}}}}},
      {"non-linear",
       {{"e", 2}, {"p", 2}},
       {{{"p", "xy"}, {{"e", "xy"}}}, {{"p", "xz"}, {{"p", "xy"}, {"p", "yz"}}}}},
      {"mutual",
       {{"e", 2}, {"p", 2}, {"q", 2}},
       {{{"p", "xy"}, {{"e", "xy"}}},
        {{"q", "xz"}, {{"p", "xy"}, {"e", "yz"}}},
        {{"p", "xz"}, {{"q", "xy"}, {"e", "yz"}}},
        {{"q", "xz"}, {{"q", "xy"}, {"p", "yz"}}}}},
      {"with premises that are given wholly, or asked only whether they exist",
       {{"e", 2}, {"p", 2}, {"q", 1}, {"t", 0}},
       {{{"p", "xy"}, {{"e", "xy"}}},
        {{"p", "xz"}, {{"e", "xy"}, {"p", "yz"}, {"p", "zy"}}},
        {{"p", "yx"}, {{"p", "xy"}, {"q", "x"}, {"q", "y"}}},
        {{"q", "x"}, {{"p", "xx"}}},
        {{"q", "x"}, {{"e", "xy"}, {"p", "yz"}, {"q", "w"}}},
        {{"t", ""}, {{"q", "x"}, {"p", "xy"}}},
        {{"p", "yx"}, {{"t", ""}, {"e", "xy"}}},
        {{"q", "y"}, {{"t", ""}, {"q", "x"}, {"e", "yx"}}}}},
  };
  return all;
}

std::string text_of(const Atom& atom) {
  std::string text = atom.relation + "(";
  for (std::size_t i = 0; i < atom.variables.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::string(1, atom.variables[i]);
  }
  return text + ")";
}

struct Graph {
  std::vector<Row> edges;
  std::vector<Row> stated;  // Facts of p itself.
};

std::string text_of(const Family& family, const Graph& graph) {
  std::string text;
  for (const auto& [name, columns] : family.columns) {
    text += ".decl " + name + "(";
    for (int i = 0; i < columns; ++i) {
      text += (i == 0 ? "" : ", ") + ("c" + std::to_string(i)) + ": number";
    }
    text += ")\n";
  }
  for (const Row& row : graph.edges) {
    text += "e(" + std::to_string(row[0]) + ", " + std::to_string(row[1]) + ").\n";
  }
  for (const Row& row : graph.stated) {
    text += "p(" + std::to_string(row[0]) + ", " + std::to_string(row[1]) + ").\n";
  }
  for (const SimpleRule& rule : family.rules) {
    text += text_of(rule.head) + " :- ";
    for (std::size_t i = 0; i < rule.body.size(); ++i) {
      text += (i == 0 ? "" : ", ") + text_of(rule.body[i]);
    }
    text += ".\n";
  }
  return text;
}

// The rows of each relation with their ranks, 0 where it carries none.
using Ranked = std::map<std::string, std::map<Row, vm::Word>>;

struct Run {
  Run(const std::string& text, EvaluationOptions options) {
    grammar::Diagnostics diagnostics;
    grammar::NoFiles reader;
    const grammar::Program tree = grammar::parse_text("t.dl", text, {}, reader, files, diagnostics);
    program = datalog::lower(tree, {}, diagnostics);
    const bool good = program && datalog::stratify(*program, diagnostics);
    INFO(diagnostics.render(files));
    REQUIRE(good);
    options.files = &files;
    auto made = Evaluation::create(*program, options);
    REQUIRE(made.has_value());
    evaluation = std::move(*made);
    auto done = evaluation->run();
    INFO((done ? std::string() : done.error().message));
    REQUIRE(done.has_value());
  }

  Ranked rows(const Family& family) const {
    Ranked result;
    for (const auto& [name, columns] : family.columns) {
      std::map<Row, vm::Word>& into = result[name];
      for (std::size_t i = 0; i < program->relations.size(); ++i) {
        if (program->relations[i].name != name) continue;
        const vm::Relation& relation = *evaluation->relation(static_cast<RelationId>(i));
        vm::RowRange range = relation.range(vm::View::kTotal);
        std::vector<vm::Row> ids(relation.size());
        REQUIRE(relation.next_rows(range, ids.data(), ids.size()) == ids.size());
        std::vector<vm::Word> word(1), rank(1);
        for (const vm::Row id : ids) {
          Row row;
          for (int column = 0; column < columns; ++column) {
            relation.load(static_cast<std::uint32_t>(column), &id, 1, word.data());
            row.push_back(word[0]);
          }
          if (relation.options().ranks) relation.load_ranks(&id, 1, rank.data());
          into[row] = rank[0];
        }
      }
    }
    return result;
  }

  grammar::SourceFiles files;
  std::optional<datalog::RuleProgram> program;
  std::unique_ptr<Evaluation> evaluation;
};

// The ranks that the instances of the rule give to a row: 1 + the highest of the premises in the stratum.
std::set<vm::Word> ranks_by(const SimpleRule& rule, const Row& row, const Ranked& known) {
  std::set<vm::Word> result;
  std::map<char, vm::Word> values;
  // Gives the atom's variables the row's values; false if one has another value already.
  auto unify = [&values](const Atom& atom, const Row& with) {
    for (std::size_t i = 0; i < with.size(); ++i) {
      if (values.emplace(atom.variables[i], with[i]).first->second != with[i]) return false;
    }
    return true;
  };
  if (!unify(rule.head, row)) return result;
  const std::function<void(std::size_t, vm::Word)> match = [&](std::size_t i, vm::Word highest) {
    if (i == rule.body.size()) {
      result.insert(highest + 1);
      return;
    }
    for (const auto& [premise, rank] : known.at(rule.body[i].relation)) {
      const std::map<char, vm::Word> before = values;
      if (unify(rule.body[i], premise)) match(i + 1, std::max(highest, rank));
      values = before;
    }
  };
  match(0, 0);
  return result;
}

void check_ranks(const Family& family, const Graph& graph, const Ranked& known) {
  for (const auto& [name, rows] : known) {
    for (const auto& [row, rank] : rows) {
      if (name == "e") {
        CHECK(rank == 0);
        continue;
      }
      const bool stated = name == "p" && std::find(graph.stated.begin(), graph.stated.end(), row) !=
                                             graph.stated.end();
      std::set<vm::Word> possible;
      if (stated) possible.insert(1);
      for (const SimpleRule& rule : family.rules) {
        if (rule.head.relation == name) possible.merge(ranks_by(rule, row, known));
      }
      INFO(name << " has a row of rank " << rank);
      CHECK(possible.count(rank) == 1);
      if (stated) CHECK(rank == 1);
    }
  }
}

std::map<std::string, std::set<Row>> without_ranks(const Ranked& known) {
  std::map<std::string, std::set<Row>> result;
  for (const auto& [name, rows] : known) {
    for (const auto& [row, rank] : rows) result[name].insert(row);
  }
  return result;
}

Graph random_graph(std::mt19937& random) {
  Graph graph;
  const unsigned nodes = 3 + random() % 6;
  const unsigned edges = 1 + random() % (2 * nodes);
  for (unsigned i = 0; i < edges; ++i) graph.edges.push_back({random() % nodes, random() % nodes});
  for (unsigned i = random() % 3; i > 0; --i) {
    graph.stated.push_back({random() % nodes, random() % nodes});
  }
  return graph;
}

void check_family(const Family& family, unsigned seeds, ThreadTeam* team) {
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    std::mt19937 random(seed);
    const Graph graph = random_graph(random);
    const std::string text = text_of(family, graph);
    INFO("seed " << seed << ", " << family.name << "\n" << text);
    EvaluationOptions options;
    options.team = team;
    options.plan_seed = seed % 3 == 0 ? 0 : seed;
    if (team != nullptr) options.parallel_rows_min = 1;
    const Ranked plain = Run(text, options).rows(family);
    options.ranks = true;
    const Ranked ranked = Run(text, options).rows(family);
    CHECK(without_ranks(ranked) == without_ranks(plain));
    check_ranks(family, graph, ranked);
  }
}

TEST_CASE("with ranks the same rows are derived, and each rests on premises of lower ranks") {
  for (const Family& family : families()) check_family(family, 60, nullptr);
}

TEST_CASE("two threads rank as well as one") {
  TwoThreads team;
  for (const Family& family : families()) check_family(family, 20, &team);
}

TEST_CASE("ranks outlast a loop's being planned again") {
  Graph chain;
  constexpr vm::Word kNodes = 150;
  for (vm::Word i = 0; i + 1 < kNodes; ++i) chain.edges.push_back({i, i + 1});
  const Family& family = families()[1];  // Non-linear.
  EvaluationOptions options;
  options.ranks = true;
  const Run run(text_of(family, chain), options);
  CHECK(run.evaluation->statistics().strata.back().plans > 1);
  const Ranked known = run.rows(family);
  const std::map<Row, vm::Word>& paths = known.at("p");
  CHECK(paths.size() == kNodes * (kNodes - 1) / 2);
  std::size_t without_derivation = 0;
  for (const auto& [row, rank] : paths) {
    bool derived = row[0] + 1 == row[1] && rank == 1;
    for (vm::Word y = row[0] + 1; y < row[1] && !derived; ++y) {
      derived = rank == 1 + std::max(paths.at({row[0], y}), paths.at({y, row[1]}));
    }
    without_derivation += derived ? 0 : 1;
  }
  CHECK(without_derivation == 0);
}

std::string bytecode_of(const std::string& text, bool ranks) {
  EvaluationOptions options;
  options.keep_explanations = true;
  options.ranks = ranks;
  const Run run(text, options);
  std::string code;
  for (const StratumExplanation& explanation : run.evaluation->explanations()) {
    code += explanation.plan + explanation.bytecode;
  }
  return code;
}

TEST_CASE("loops load the ranks of their recursive premises only when asked to") {
  const std::string text =
      ".decl e(x: number, y: number)\n.decl p(x: number, y: number)\n"
      "e(1, 2). e(2, 3).\n"
      "p(x, y) :- e(x, y).\n"
      "p(x, z) :- p(x, y), p(y, z), p(z, x).\n";
  const std::string plain = bytecode_of(text, false);
  CHECK(plain.find("LoadRank") == std::string::npos);
  CHECK(plain.find("rank=") == std::string::npos);
  CHECK(plain.find("member") != std::string::npos);
  const std::string ranked = bytecode_of(text, true);
  CHECK(ranked.find("LoadRank") != std::string::npos);
  CHECK(ranked.find("MaxU") != std::string::npos);
  CHECK(ranked.find("rank=") != std::string::npos);
  CHECK(ranked.find("member") == std::string::npos);
}

}  // namespace
}  // namespace entail::compiler
