#include "tests/property/fact_history.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <utility>

#include "datalog/body_walk.h"
#include "tests/oracle/expression_evaluator.h"
#include "vm/base/random.h"

namespace entail::testing {

using datalog::Expression;
using datalog::ExpressionOp;
using datalog::RelationId;
using datalog::Rule;

namespace {

constexpr std::size_t kTransactions = 10;

bool is_constant(const Expression& expression) {
  switch (expression.op) {
    case ExpressionOp::kConstant:
    case ExpressionOp::kNull:
      return true;
    case ExpressionOp::kMakeRecord:
    case ExpressionOp::kMakeVariant:
    case ExpressionOp::kMakeArray:
      return std::all_of(expression.arguments.begin(), expression.arguments.end(), is_constant);
    default:
      return false;
  }
}

class HistoryGenerator {
 public:
  HistoryGenerator(const datalog::RuleProgram& program, std::uint64_t seed)
      : program_(program), random_(seed ^ 0x5354414e44494e47U), known_(program.relations.size()) {
    for (const Rule& rule : program.rules) {
      datalog::walk_rule_expressions(rule, [this](const Expression& e) { note_value(e); });
      if (!is_fact(rule)) continue;
      const std::size_t relation = datalog::index_of(rule.head.relation);
      known_[relation].push_back(rule.head.terms);
      if (!is_derived(relation)) bases_.push_back(relation);
    }
    // A relation that has no facts yet may get its first.
    for (std::size_t i = 0; i < program.relations.size(); ++i) {
      if (is_derived(i)) {
        derived_.push_back(i);
      } else if (known_[i].empty()) {
        bases_.push_back(i);
      }
    }
    states_derived_ = random_.chance(2, 3);
  }

  FactHistory run() {
    FactHistory history;
    if (random_.chance(1, 4)) history.plan_seed = random_.next() | 1U;
    if (random_.chance(1, 4)) history.recompute_fraction = 0;
    if (random_.chance(1, 8)) history.rows_touched = 1 + random_.below(60);
    for (std::size_t i = 0; i < kTransactions; ++i) history.transactions.push_back(transaction());
    return history;
  }

 private:
  void note_value(const Expression& expression) {
    if (expression.op == ExpressionOp::kNull || !is_constant(expression)) return;
    auto type = std::find_if(values_.begin(), values_.end(), [&](const auto& values) {
      return values.front().type == expression.type;
    });
    if (type == values_.end()) type = values_.insert(values_.end(), std::vector<Expression>());
    type->push_back(expression);
  }

  bool is_derived(std::size_t relation) const {
    return std::any_of(program_.rules.begin(), program_.rules.end(), [&](const Rule& rule) {
      return datalog::index_of(rule.head.relation) == relation && !is_fact(rule);
    });
  }

  std::optional<Expression> value(const datalog::Column& column) {
    if (column.nullable && random_.chance(1, 4)) {
      Expression null;
      null.op = ExpressionOp::kNull;
      null.type = column.type;
      null.nullable = true;
      return null;
    }
    for (const std::vector<Expression>& values : values_) {
      if (values.front().type == column.type) return random_.pick(values);
    }
    return std::nullopt;
  }

  std::optional<std::vector<Expression>> random_row(std::size_t relation) {
    std::vector<Expression> row;
    for (const datalog::Column& column : program_.relations[relation].columns) {
      auto drawn = value(column);
      if (!drawn) return std::nullopt;
      row.push_back(std::move(*drawn));
    }
    return row;
  }

  // Half new: the value of one column of a known row is another.
  std::optional<std::vector<Expression>> row_like_known(std::size_t relation) {
    if (known_[relation].empty()) return random_row(relation);
    std::vector<Expression> row = random_.pick(known_[relation]);
    if (row.empty() || random_.chance(1, 2)) return row;
    const auto column = static_cast<std::size_t>(random_.below(row.size()));
    if (auto drawn = value(program_.relations[relation].columns[column])) row[column] = *drawn;
    return row;
  }

  std::optional<FactChange> change() {
    const bool is_derived =
        bases_.empty() || (states_derived_ && !derived_.empty() && random_.chance(1, 4));
    if (is_derived && derived_.empty()) return std::nullopt;
    const std::size_t relation = is_derived ? random_.pick(derived_) : random_.pick(bases_);
    FactChange made;
    made.relation = program_.relations[relation].name;
    const auto draw = random_.below(20);
    std::optional<std::vector<Expression>> row;
    if (draw < 8) {
      row = random_.chance(1, 2) ? random_row(relation) : row_like_known(relation);
    } else if (draw < 10) {
      row = row_like_known(relation);
    } else {
      made.weight = -1;
      row = draw < 19 && !known_[relation].empty() ? random_.pick(known_[relation])
                                                   : row_like_known(relation);
    }
    if (!row) return std::nullopt;
    made.terms = std::move(*row);
    if (random_.chance(1, 12)) made.weight *= 2;
    if (made.weight > 0) known_[relation].push_back(made.terms);
    return made;
  }

  ChangeStep step(std::vector<FactChange>& of_transaction) {
    ChangeStep made;
    const auto count = 1 + random_.below(8);
    for (std::uint64_t i = 0; i < count; ++i) {
      std::optional<FactChange> next;
      if (!of_transaction.empty() && random_.chance(1, 5)) {
        next = random_.pick(of_transaction);  // Taken back.
        next->weight = -next->weight;
      } else {
        next = change();
      }
      if (!next) continue;
      of_transaction.push_back(*next);
      made.changes.push_back(std::move(*next));
    }
    if (random_.chance(1, 25)) {
      made.hindrance = Hindrance::kMemory;
      made.bytes_left = random_.below(1 + (std::uint64_t{1} << random_.below(18)));
    } else if (random_.chance(1, 60)) {
      made.hindrance = Hindrance::kCancel;
    }
    made.is_checked = random_.chance(1, 8);
    return made;
  }

  FactTransaction transaction() {
    FactTransaction made;
    std::vector<FactChange> changes;
    const auto steps = 1 + random_.below(4);
    for (std::uint64_t i = 0; i < steps && !made.is_aborted; ++i) {
      made.steps.push_back(step(changes));
      made.is_aborted = random_.chance(1, 5);
    }
    made.ends_open = random_.chance(1, 4);
    return made;
  }

  const datalog::RuleProgram& program_;
  Random random_;
  std::vector<std::vector<Expression>> values_;              // By type.
  std::vector<std::vector<std::vector<Expression>>> known_;  // Rows, by relation.
  std::vector<std::size_t> bases_;    // Without rules; one with many facts is often among them.
  std::vector<std::size_t> derived_;  // With rules.
  bool states_derived_ = false;
};

std::string text_of(const datalog::RuleProgram& program, const FactChange& change) {
  std::string text = change.weight > 0 ? "+" : "-";
  if (std::abs(change.weight) != 1) text += std::to_string(std::abs(change.weight));
  text += change.relation + "(";
  oracle::ExpressionEvaluator evaluator(program.types);
  for (std::size_t i = 0; i < change.terms.size(); ++i) {
    if (i > 0) text += ", ";
    text += oracle::to_text(program.types, change.terms[i].type,
                            evaluator.evaluate(change.terms[i], {}));
  }
  return text + ")";
}

}  // namespace

bool is_fact(const Rule& rule) {
  return rule.body.empty() &&
         std::all_of(rule.head.terms.begin(), rule.head.terms.end(), is_constant);
}

FactHistory generate_history(const datalog::RuleProgram& program, std::uint64_t seed) {
  return HistoryGenerator(program, seed).run();
}

std::string to_text(const datalog::RuleProgram& program, const FactHistory& history) {
  std::string text = "// plan seed " + std::to_string(history.plan_seed) + ", recompute fraction " +
                     std::to_string(history.recompute_fraction) + ", rows touched " +
                     std::to_string(history.rows_touched) + "\n";
  for (const FactTransaction& transaction : history.transactions) {
    for (std::size_t i = 0; i < transaction.steps.size(); ++i) {
      const ChangeStep& step = transaction.steps[i];
      for (const FactChange& change : step.changes) text += text_of(program, change) + " ";
      const bool is_open = transaction.ends_open && i + 1 == transaction.steps.size();
      if (step.hindrance == Hindrance::kMemory)
        text += "memory " + std::to_string(step.bytes_left) + " ";
      if (step.hindrance == Hindrance::kCancel) text += "cancel ";
      if (!is_open) text += step.is_checked ? "step, checked\n" : "step\n";
    }
    text += transaction.is_aborted ? "abort\n" : "commit\n";
  }
  return text;
}

// ---------------------------------------------------------------------------------------------------
// The model

StatedFacts::StatedFacts(const datalog::RuleProgram& program)
    : program_(&program), facts_(program.relations.size()) {
  for (std::size_t i = 0; i < program.relations.size(); ++i) {
    numbers_.emplace(program.relations[i].name, i);
  }
  for (const Rule& rule : program.rules) {
    if (is_fact(rule)) apply(datalog::index_of(rule.head.relation), rule, /*is_deletion=*/false);
  }
}

void StatedFacts::apply(const FactChange& change) {
  const auto relation = numbers_.find(change.relation);
  if (relation == numbers_.end()) return;
  Rule fact;
  fact.name = change.relation;
  fact.head.relation = static_cast<RelationId>(relation->second);
  fact.head.terms = change.terms;
  for (std::int64_t i = 0; i < std::abs(change.weight); ++i) {
    apply(relation->second, fact, change.weight < 0);
  }
}

void StatedFacts::apply(std::size_t number, const Rule& rule, bool is_deletion) {
  const datalog::Relation& relation = program_->relations[number];
  std::vector<Fact>& facts = facts_[number];
  oracle::ExpressionEvaluator evaluator(program_->types);
  Fact fact{{}, rule};
  for (const Expression& term : rule.head.terms) fact.row.push_back(evaluator.evaluate(term, {}));
  auto equal = std::find_if(facts.rbegin(), facts.rend(), [&](const Fact& known) {
    return oracle::compare(known.row, fact.row) == 0;
  });
  if (is_deletion) {
    if (equal != facts.rend()) facts.erase(std::next(equal).base());
    return;
  }
  if (!relation.key.empty()) {
    const auto under_key = std::find_if(facts.begin(), facts.end(), [&](const Fact& known) {
      return std::all_of(relation.key.begin(), relation.key.end(), [&](std::uint32_t column) {
        return oracle::compare(known.row[column], fact.row[column]) == 0;
      });
    });
    if (under_key != facts.end()) facts.erase(under_key);
  } else if (relation.collection == datalog::Collection::kSet && equal != facts.rend()) {
    return;
  }
  facts.push_back(std::move(fact));
}

datalog::RuleProgram StatedFacts::program() const {
  datalog::RuleProgram made;
  made.types = program_->types.clone();
  made.relations = program_->relations;
  made.directives = program_->directives;
  made.pragmas = program_->pragmas;
  made.number_bits = program_->number_bits;
  for (const Rule& rule : program_->rules) {
    if (!is_fact(rule)) made.rules.push_back(rule);
  }
  for (const std::vector<Fact>& facts : facts_) {
    for (const Fact& fact : facts) made.rules.push_back(fact.rule);
  }
  return made;
}

}  // namespace entail::testing
