#include "tests/property/law.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "compiler/evaluate.h"
#include "compiler/standing_form.h"
#include "datalog/demand.h"
#include "datalog/lower.h"
#include "datalog/program_printer.h"
#include "datalog/stratify.h"
#include "datalog/verify.h"
#include "grammar/parser.h"
#include "tests/oracle/expression_evaluator.h"
#include "tests/oracle/reference_evaluator.h"
#include "tests/property/pattern_generator.h"
#include "tests/property/row_lines.h"
#include "vm/base/random.h"

namespace entail::testing {

namespace {

using datalog::RelationId;
using vm::Word;

using Answer = std::map<std::string, Lines>;  // By relation; sorted.

// Enough for every program whose reference answer is known, and an end for those that run away.
constexpr std::uint64_t kOracleStepsMax = 400'000;
constexpr std::uint64_t kRowsTouchedMax = 40'000'000;
constexpr std::uint64_t kRowsDerivedMax = 2'000'000;

// The relation that the query's atom is attached to; it never reaches an evaluation.
constexpr const char* kQuestion = "law_question";

// All rows of a relation, by word column.
std::vector<std::vector<Word>> words_of(const compiler::Evaluation& evaluation, RelationId id) {
  constexpr std::size_t kAtOnce = 7;  // Odd and small: cursors must go on where they were.
  const std::size_t count = evaluation.layout(id).words.size();
  std::vector<std::vector<Word>> result(count), part(count, std::vector<Word>(kAtOnce));
  std::vector<Word*> pointers;
  for (auto& column : part) pointers.push_back(column.data());
  compiler::RowCursor cursor = evaluation.rows(id);
  while (const std::size_t n = cursor.next(pointers, kAtOnce)) {
    for (std::size_t c = 0; c < count; ++c) {
      result[c].insert(result[c].end(), part[c].begin(),
                       part[c].begin() + static_cast<std::ptrdiff_t>(n));
    }
  }
  return result;
}

Lines lines_of(const compiler::Evaluation& evaluation, RelationId id) {
  const datalog::Relation& relation = evaluation.program().relation(id);
  const auto words = words_of(evaluation, id);
  Lines lines;
  for (std::size_t row = 0; row < words[0].size(); ++row) {
    lines.push_back(line_of(relation, evaluation.layout(id), evaluation.pool(), words, row));
  }
  std::sort(lines.begin(), lines.end());
  if (lines.size() != evaluation.row_count(id)) {
    throw Broken{"'" + relation.name + "' counts " + std::to_string(evaluation.row_count(id)) +
                 " rows and shows " + std::to_string(lines.size())};
  }
  return lines;
}

class Law {
 public:
  Law(const GeneratedProgram& generated, std::uint64_t seed, ThreadTeam& team,
      LawProgress& progress)
      : generated_(generated), seed_(seed), team_(team), progress_(progress) {}

  LawReport check() {
    LawReport report;
    try {
      read();
      if (!ask_reference()) {
        report.outcome = LawOutcome::kTooLarge;
        return report;
      }
      report.derived_rows = derived_rows_;
      report.failed_as_expected = fails_;
      for (const auto& [stage, options] : ways()) {
        progress_.stage = stage;
        evaluate(options);
      }
      check_standing_form();
      progress_.stage = "demand";
      if (question_ && !fails_) ask_demanded();
    } catch (Broken& broken) {
      report.outcome = LawOutcome::kBroken;
      report.stage = progress_.stage;
      report.message = std::move(broken.message);
    }
    return report;
  }

 private:
  struct Way {
    bool share = false;           // Two threads.
    std::uint64_t plan_seed = 0;  // 0: the planner's own plans.
    bool bound_forms = false;
  };

  std::vector<std::pair<const char*, Way>> ways() const {
    return {{"one thread", {.bound_forms = true}},
            {"two threads", {.share = true}},
            {"other plans", {.plan_seed = 2 * seed_ + 1}},
            {"other plans, two threads", {.share = true, .plan_seed = 2 * seed_ + 2}}};
  }

  void read() {
    std::string text = generated_.text;
    if (!generated_.query.empty()) {
      text += std::string(".decl ") + kQuestion + "()\n" + kQuestion + "() :- " + generated_.query +
              ".\n";
    }
    progress_.stage = "parse";
    grammar::Diagnostics diagnostics;
    grammar::NoFiles no_files;
    tree_ = grammar::parse_text("law.dl", std::move(text), {}, no_files, files_, diagnostics);
    if (diagnostics.has_errors()) throw Broken{diagnostics.render(files_)};
    progress_.stage = "lower";
    std::optional<datalog::DemandQuery> question;
    program_.emplace(lowered(question));
    question_ = std::move(question);
  }

  // A stratified program of its own for each evaluation, which changes it.
  datalog::RuleProgram lowered(std::optional<datalog::DemandQuery>& question) const {
    grammar::Diagnostics diagnostics;
    std::optional<datalog::RuleProgram> program = datalog::lower(tree_, {}, diagnostics);
    if (!program) throw Broken{diagnostics.render(files_)};
    datalog::refuse_unexecuted(*program, diagnostics);
    if (diagnostics.has_errors()) throw Broken{diagnostics.render(files_)};
    question = take_question(*program);
    verify(*program);
    if (!datalog::stratify(*program, diagnostics)) throw Broken{diagnostics.render(files_)};
    if (seed_ % 3 == 0) add_patterns(*program);
    verify(*program);
    return std::move(*program);
  }

  // The generator writes text, in which most patterns cannot be said: in some cases some rules get one.
  void add_patterns(datalog::RuleProgram& program) const {
    Random random(seed_);
    for (const datalog::Stratum& stratum : program.strata) {
      for (const datalog::RuleId id : stratum.rules) {
        datalog::Rule& rule = program.rules[datalog::index_of(id)];
        const datalog::Relation& relation = program.relation(rule.head.relation);
        if (rule.body.empty() || stratum.recursive || relation.equivalence ||
            relation.extremum != datalog::Extremum::kNone) {
          continue;
        }
        if (random.chance(1, 3)) add_pattern(rule, random);
      }
    }
    grammar::Diagnostics diagnostics;
    if (!datalog::stratify(program, diagnostics)) throw Broken{diagnostics.render(files_)};
  }

  bool may_fail() const { return fails_ || generated_.may_fail; }

  static void verify(const datalog::RuleProgram& program) {
    if (auto sound = datalog::verify_rule_program(program); !sound) {
      throw Broken{sound.error().message};
    }
  }

  // The query's atom was lowered as the body of a rule; the rule goes.
  static std::optional<datalog::DemandQuery> take_question(datalog::RuleProgram& program) {
    for (std::size_t i = 0; i < program.rules.size(); ++i) {
      const datalog::Rule& rule = program.rules[i];
      if (program.relation(rule.head.relation).name != kQuestion) continue;
      const auto* match = std::get_if<datalog::Match>(&rule.body.front().node);
      if (match == nullptr || rule.body.size() != 1) throw Broken{"the query is not one atom"};
      datalog::DemandQuery question;
      question.relation = match->relation;
      for (const datalog::Expression& term : match->terms) {
        const bool constant = term.op == datalog::ExpressionOp::kConstant;
        question.arguments.push_back(constant ? std::optional(term) : std::nullopt);
      }
      program.rules.erase(program.rules.begin() + static_cast<std::ptrdiff_t>(i));
      return question;
    }
    return std::nullopt;
  }

  bool ask_reference() {
    progress_.stage = "reference";
    auto answer = oracle::evaluate(*program_, {}, {.steps_max = kOracleStepsMax});
    if (!answer) {
      if (answer.error().code == ErrorCode::kLimit) return false;
      throw Broken{answer.error().message};
    }
    expected_ = std::move(answer->rows);
    fails_ = !answer->errors.empty();
    std::map<std::string, std::size_t> facts;
    std::map<std::string, bool> derived;
    for (const datalog::Rule& rule : program_->rules) {
      const std::string& name = program_->relation(rule.head.relation).name;
      if (rule.body.empty()) {
        ++facts[name];
      } else {
        derived[name] = true;
      }
    }
    for (const auto& [name, is_derived] : derived) {
      derived_rows_ += expected_[name].size() - std::min(facts[name], expected_[name].size());
    }
    return true;
  }

  compiler::EvaluationOptions options_for(const Way& way, vm::ValuePool& pool) const {
    compiler::EvaluationOptions options;
    options.pool = &pool;
    options.limits.rows_touched = kRowsTouchedMax;
    options.limits.rows_derived = kRowsDerivedMax;
    options.plan_seed = way.plan_seed;
    if (way.share) {
      options.team = &team_;
      options.parallel_rows_min = 1;
    }
    return options;
  }

  void evaluate(const Way& way) const {
    std::optional<datalog::DemandQuery> question;
    datalog::RuleProgram program = lowered(question);
    evaluate(program, way, {});
  }

  // What the program, or one made from it, gives for its relations, but for those left out.
  void evaluate(datalog::RuleProgram& program, const Way& way,
                const std::set<RelationId>& left_out) const {
    vm::ValuePool pool(program.types);
    {
      auto made = compiler::Evaluation::create(program, options_for(way, pool));
      if (!made) {
        if (may_fail() && made.error().code == ErrorCode::kData) return;
        throw Broken{"making it: " + made.error().message};
      }
      compiler::Evaluation& evaluation = **made;
      const auto done = evaluation.run();
      verify_relations(evaluation);
      if (!done) {
        if (may_fail() && done.error().code == ErrorCode::kData) return;
        throw Broken{"running it: " + done.error().message};
      }
      if (fails_) throw Broken{"it runs, though the reference reports an error of the data"};
      for (std::size_t i = 0; i < program_->relations.size(); ++i) {
        const std::string& name = program_->relations[i].name;
        if (name == kQuestion || left_out.count(static_cast<RelationId>(i)) != 0) continue;
        expect_equal(name, expected_.at(name), lines_of(evaluation, static_cast<RelationId>(i)));
      }
      if (way.bound_forms) check_bound_forms(evaluation);
      pool.verify();
    }
    pool.end_step();
    pool.verify();
  }

  // The rules that a network maintains, evaluated from scratch.
  void check_standing_form() const {
    progress_.stage = "standing form";
    std::optional<datalog::DemandQuery> question;
    const datalog::RuleProgram original = lowered(question);
    std::set<RelationId> all, equivalences;
    for (std::size_t i = 0; i < original.relations.size(); ++i) {
      all.insert(static_cast<RelationId>(i));
      if (original.relations[i].equivalence) equivalences.insert(static_cast<RelationId>(i));
    }
    const bool reads_equivalences = seed_ % 2 == 0;
    auto form = compiler::standing_form(original, reads_equivalences ? all : std::set<RelationId>{},
                                        &files_);
    if (!form) throw Broken{form.error().message};
    verify(form->program);
    compiler::verify_standing_form(*form);
    define_classes(*form);
    datalog::RuleProgram& program = form->program;
    grammar::Diagnostics diagnostics;
    if (!datalog::stratify(program, diagnostics)) throw Broken{diagnostics.render(files_)};
    verify(program);
    for (const compiler::StandingStratum& stratum : form->strata) {
      if (stratum.kind != compiler::StandingKind::kRecomputed) continue;
      for (const RelationId id : stratum.relations) equivalences.erase(id);
    }
    try {
      evaluate(program, {}, reads_equivalences ? std::set<RelationId>{} : equivalences);
    } catch (Broken& broken) {
      broken.message += "\n" + datalog::print_program(program);
      throw;
    }
  }

  // What the network's node would keep: of each class its least element.
  static void define_classes(compiler::StandingForm& form) {
    datalog::RuleProgram& program = form.program;
    for (const compiler::StandingStratum& stratum : form.strata) {
      if (stratum.kind != compiler::StandingKind::kEquivalence) continue;
      const RelationId classes = stratum.relations.front();
      const auto closure = static_cast<RelationId>(program.relations.size());
      datalog::Relation relation = program.relation(stratum.pairs);
      relation.name += "_closed";
      relation.equivalence = true;
      program.relations.push_back(relation);

      datalog::Rule rule;
      std::vector<datalog::Expression> terms;
      for (const datalog::Column& column : relation.columns) {
        datalog::Expression term;
        term.op = datalog::ExpressionOp::kVariable;
        term.type = column.type;
        term.nullable = column.nullable;
        term.variable = static_cast<datalog::VariableId>(rule.variables.size());
        terms.push_back(term);
        rule.variables.push_back({column.name, column.type, column.nullable, {}});
      }
      rule.head = {closure, terms, {}};
      rule.body.push_back({datalog::Match{stratum.pairs, terms, {}}, {}});
      program.rules.push_back(rule);

      datalog::Aggregate least;
      least.op = datalog::AggregateOp::kMin;
      least.argument = terms[1];
      datalog::Reduce reduce;
      reduce.form = datalog::ReduceForm::kPerGroup;
      reduce.body.push_back({datalog::Match{closure, terms, {}}, {}});
      for (std::size_t i = 0; i < 2; ++i) {
        rule.head.terms[i].variable = static_cast<datalog::VariableId>(rule.variables.size());
        rule.variables.push_back(rule.variables[i]);
      }
      reduce.keys.push_back({rule.head.terms[0].variable, terms[0]});
      least.result = rule.head.terms[1].variable;
      reduce.aggregates.push_back(std::move(least));
      rule.head.relation = classes;
      rule.body.assign(1, {std::move(reduce), {}});
      program.rules.push_back(std::move(rule));
    }
  }

  static void verify_relations(const compiler::Evaluation& evaluation) {
    for (std::size_t i = 0; i < evaluation.program().relations.size(); ++i) {
      const auto id = static_cast<RelationId>(i);
      if (evaluation.relation(id) != nullptr) evaluation.relation(id)->verify();
      if (evaluation.equivalence(id) != nullptr) evaluation.equivalence(id)->verify();
    }
  }

  // Rows of each relation, and as many mixed from them that are mostly no rows of it, against the
  // bound forms of its rules.
  void check_bound_forms(compiler::Evaluation& evaluation) const {
    progress_.stage = "bound form";
    for (std::size_t i = 0; i < program_->relations.size(); ++i) {
      const auto id = static_cast<RelationId>(i);
      const datalog::Relation& relation = program_->relations[i];
      if (relation.equivalence || relation.extremum != datalog::Extremum::kNone ||
          relation.collection == datalog::Collection::kBag || !relation.key.empty()) {
        continue;
      }
      std::vector<datalog::RuleId> rules;
      bool stated = false, has_pattern = false;
      for (std::size_t r = 0; r < program_->rules.size(); ++r) {
        if (program_->rules[r].head.relation != id) continue;
        stated = stated || program_->rules[r].body.empty();
        for (const datalog::Literal& literal : program_->rules[r].body) {
          has_pattern = has_pattern || std::holds_alternative<datalog::Pattern>(literal.node);
        }
        rules.push_back(static_cast<datalog::RuleId>(r));
      }
      // The matches of a pattern do not follow from what the head says.
      if (rules.empty() || has_pattern) continue;
      check_bound_forms(evaluation, id, rules, stated);
    }
  }

  void check_bound_forms(compiler::Evaluation& evaluation, RelationId id,
                         const std::vector<datalog::RuleId>& rules, bool stated) const {
    constexpr std::size_t kRowsMax = 60;
    const datalog::Relation& relation = program_->relation(id);
    auto words = words_of(evaluation, id);
    const std::size_t known = std::min(words[0].size(), kRowsMax);
    const compiler::RelationLayout layout = evaluation.layout(id);  // A copy: layouts move.
    const std::size_t first_words = layout.columns.empty() ? 1 : layout.columns[0].word_count();
    for (std::size_t c = 0; c < words.size(); ++c) {
      words[c].resize(known);
      // The first column is taken from the next row.
      for (std::size_t row = 0; row < known; ++row) {
        words[c].push_back(words[c][c < first_words ? (row + 1) % known : row]);
      }
    }
    const std::size_t count = words[0].size();
    if (count == 0) return;
    std::vector<const Word*> columns;
    for (const auto& column : words) columns.push_back(column.data());
    std::vector<bool> derivable(count, false);
    for (const datalog::RuleId rule : rules) {
      if (program_->rule(rule).body.empty()) continue;
      auto answer = evaluation.derivable(rule, columns, count);
      if (!answer) throw Broken{answer.error().message};
      for (std::size_t row = 0; row < count; ++row) {
        derivable[row] = derivable[row] || (*answer)[row];
      }
    }
    const Lines& expected = expected_.at(relation.name);
    for (std::size_t row = 0; row < count; ++row) {
      const std::string line = line_of(relation, layout, evaluation.pool(), words, row);
      const bool holds = std::binary_search(expected.begin(), expected.end(), line);
      if (derivable[row] ? holds : (!holds || stated)) continue;
      throw Broken{"'" + relation.name + "': the row " + line + " is " +
                   (derivable[row] ? "derivable" : "not derivable") + ", and " +
                   (holds ? "holds" : "does not hold")};
    }
  }

  // The rows of the reference's answer that agree with the query's constants.
  Lines selected_rows() const {
    const datalog::Relation& relation = program_->relation(question_->relation);
    std::vector<std::optional<std::string>> wanted;
    for (std::size_t i = 0; i < question_->arguments.size(); ++i) {
      wanted.emplace_back();
      if (!question_->arguments[i]) continue;
      const oracle::Value value = oracle::constant_value(program_->types, *question_->arguments[i]);
      wanted.back() = oracle::to_text(program_->types, relation.columns[i].type, value);
    }
    Lines selected;
    for (const std::string& line : expected_.at(relation.name)) {
      bool agrees = true;
      std::size_t begin = 0;
      for (const auto& text : wanted) {
        const std::size_t end = std::min(line.find('\t', begin), line.size());
        agrees = agrees && (!text || line.compare(begin, end - begin, *text) == 0);
        begin = std::min(end + 1, line.size());
      }
      if (agrees) selected.push_back(line);
    }
    return selected;
  }

  void ask_demanded() const {
    for (const bool share : {false, true}) {
      std::optional<datalog::DemandQuery> question;
      datalog::RuleProgram whole = lowered(question);
      datalog::DemandedProgram demanded = datalog::demand(std::move(whole), *question);
      datalog::RuleProgram& program = demanded.program;
      verify(program);
      vm::ValuePool pool(program.types);
      auto made = compiler::Evaluation::create(program, options_for({.share = share}, pool));
      if (!made) throw Broken{"making it: " + made.error().message};
      const auto done = (*made)->run();
      verify_relations(**made);
      if (!done && done.error().code == ErrorCode::kData && generated_.may_fail) return;
      if (!done) throw Broken{"running it: " + done.error().message};
      Lines found = lines_of(**made, demanded.answer);
      // Where nothing was specialised the answer is the relation itself, whole.
      if (demanded.answer == question_->relation) {
        expect_equal(generated_.query, expected_.at(program_->relation(question_->relation).name),
                     found);
      } else {
        expect_equal(generated_.query, selected_rows(), found);
      }
    }
  }

  const GeneratedProgram& generated_;
  std::uint64_t seed_;
  ThreadTeam& team_;
  LawProgress& progress_;
  grammar::SourceFiles files_;
  grammar::Program tree_;
  std::optional<datalog::RuleProgram> program_;
  std::optional<datalog::DemandQuery> question_;
  Answer expected_;
  bool fails_ = false;
  std::uint64_t derived_rows_ = 0;
};

}  // namespace

LawReport check_law(const GeneratedProgram& program, std::uint64_t seed, ThreadTeam& team,
                    LawProgress& progress) {
  return Law(program, seed, team, progress).check();
}

}  // namespace entail::testing
