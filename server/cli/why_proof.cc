#include "server/cli/why_proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include "compiler/rule_plan.h"
#include "datalog/body_walk.h"
#include "server/cli/fact_json.h"
#include "vm/base/text.h"

namespace entail::cli {
namespace {

using datalog::index_of;
using datalog::Literal;
using datalog::Match;
using datalog::Reduce;
using datalog::RelationId;
using datalog::Rule;
using datalog::RuleId;
using datalog::VariableId;
using vm::Word;

// So many rows of an aggregate are shown.
constexpr std::size_t kAggregateRows = 5;

// What is still to be printed: a fact with its proof, or a line that is ready.
struct Item {
  std::size_t depth = 0;
  std::optional<Fact> fact;
  ProofLine line;
};

// A rule, ready to be asked for its instances.
struct OpenRule {
  Rule bound;                      // compiler::bound_rule, its body opened.
  std::vector<std::size_t> shown;  // Positions of its literals that are premises.
};

struct Instance {
  RuleId rule{};
  Bindings bindings;
  Word highest_rank = 0;  // Of its premises in the head's stratum.
};

class Prover {
 public:
  Prover(KnownFacts& known, std::size_t line_limit) : known_(known), line_limit_(line_limit) {}

  Expected<Proof> run(const Fact& fact) {
    todo_.push_back({0, fact, {}});
    while (!todo_.empty()) {
      if (proof_.lines.size() >= line_limit_) {
        proof_.is_cut = true;
        break;
      }
      Item item = std::move(todo_.back());
      todo_.pop_back();
      if (!item.fact) {
        item.line.depth = item.depth;
        proof_.lines.push_back(std::move(item.line));
        continue;
      }
      if (auto explained = explain(*item.fact, item.depth); !explained) {
        return unexpected(explained.error());
      }
    }
    return std::move(proof_);
  }

 private:
  ProofLine line_of(const Fact& fact, std::size_t depth, ProofLine::Kind kind) {
    ProofLine line;
    line.kind = kind;
    line.depth = depth;
    line.text = known_.text(fact);
    line.relation = known_.program().relation(fact.relation).name;
    line.json_row = known_.json_row(fact);
    if (known_.has_ranks(fact.relation)) line.rank = known_.rank(fact);
    return line;
  }

  Expected<void> explain(const Fact& fact, std::size_t depth) {
    const datalog::Relation& relation = known_.program().relation(fact.relation);
    const auto stated = known_.stated_at(fact);
    // A fact of the input is as short to print again as to refer to.
    if (stated) {
      ProofLine line = line_of(fact, depth, ProofLine::Kind::kStated);
      line.place = *stated;
      line.rank = 0;
      proof_.lines.push_back(std::move(line));
      return {};
    }
    if (!relation.auxiliary && !proved_.insert(fact).second) {
      proof_.lines.push_back(line_of(fact, depth, ProofLine::Kind::kAbove));
      return {};
    }
    if (known_.is_recursive(fact.relation) && !known_.has_ranks(fact.relation)) {
      return add_unexplained(fact, depth,
                             relation.equivalence
                                 ? "pairs of a recursive equivalence relation carry no ranks"
                                 : "rows of a recursive bag carry no ranks");
    }
    auto instance = best_instance(fact);
    if (!instance) return unexpected(instance.error());
    if (*instance) return add_derivation(fact, depth, **instance);
    if (relation.equivalence) return add_path(fact, depth);
    return add_unexplained(fact, depth,
                           relation.extremum != datalog::Extremum::kNone
                               ? "the rows that gave this value have been improved since"
                               : "no instance of a rule rests on rows that were known before");
  }

  Expected<void> add_unexplained(const Fact& fact, std::size_t depth, std::string why) {
    ProofLine line = line_of(fact, depth, ProofLine::Kind::kUnexplained);
    line.note = std::move(why);
    proof_.lines.push_back(std::move(line));
    return {};
  }

  const OpenRule& open(RuleId id) {
    const auto [known, is_new] = open_rules_.try_emplace(id);
    OpenRule& open = known->second;
    if (!is_new) return open;
    const Rule& rule = known_.program().rule(id);
    open.bound = compiler::bound_rule(rule, known_.evaluation().given_id(),
                                      known_.evaluation().answers_id());
    open_body(open.bound, known_.program());
    // A rule of groups is asked with a copy of what it groups; the aggregate says it all.
    const bool has_groups = std::any_of(rule.body.begin(), rule.body.end(), [](const Literal& l) {
      const auto* reduce = std::get_if<Reduce>(&l.node);
      return reduce != nullptr && reduce->form == datalog::ReduceForm::kPerGroup;
    });
    for (std::size_t i = 1; i < open.bound.body.size(); ++i) {
      const bool is_aggregate = std::holds_alternative<Reduce>(open.bound.body[i].node);
      if (!has_groups || is_aggregate) open.shown.push_back(i);
    }
    return open;
  }

  // The instance of the lowest rank; nothing when none rests on rows known before the fact.
  Expected<std::optional<Instance>> best_instance(const Fact& fact) {
    const bool is_ranked = known_.has_ranks(fact.relation);
    const Word rank = is_ranked ? known_.rank(fact) : 0;
    std::optional<Instance> best;
    for (const RuleId id : known_.rules_of(fact.relation)) {
      const OpenRule& rule = open(id);
      auto found = known_.instances(rule.bound, known_.program().relation(fact.relation).columns,
                                    fact.words);
      if (!found) return unexpected(found.error());
      for (Bindings& bindings : *found) {
        const Word highest = is_ranked ? highest_rank(rule, bindings, fact.relation) : 0;
        if (is_ranked && highest >= rank) continue;
        if (best && best->highest_rank <= highest) continue;
        best = Instance{id, std::move(bindings), highest};
        if (!is_ranked) return best;
      }
    }
    return best;
  }

  Word highest_rank(const OpenRule& rule, const Bindings& bindings, RelationId head) {
    Word highest = 0;
    for (const std::size_t i : rule.shown) {
      const auto* match = std::get_if<Match>(&rule.bound.body[i].node);
      if (match == nullptr || known_.stratum(match->relation) != known_.stratum(head)) continue;
      if (!known_.has_ranks(match->relation)) continue;
      highest = std::max(highest, known_.rank(known_.row_of(*match, rule.bound, bindings)));
    }
    return highest;
  }

  Expected<void> add_derivation(const Fact& fact, std::size_t depth, const Instance& instance) {
    const OpenRule& rule = open(instance.rule);
    // What the compiler made up is replaced by what it rests on.
    const bool is_shown = !known_.program().relation(fact.relation).auxiliary;
    if (is_shown) {
      const bool is_fact = known_.program().rule(instance.rule).body.empty();
      ProofLine line =
          line_of(fact, depth, is_fact ? ProofLine::Kind::kStated : ProofLine::Kind::kDerived);
      line.place = known_.place(known_.program().rule(instance.rule).span);
      if (is_fact) line.rank = 0;
      proof_.lines.push_back(std::move(line));
      if (is_fact) return {};
    }
    std::vector<Item> premises;
    for (const std::size_t i : rule.shown) {
      auto added = add_premise(rule.bound, rule.bound.body[i], instance.bindings,
                               is_shown ? depth + 1 : depth, premises);
      if (!added) return added;
    }
    push(std::move(premises));
    return {};
  }

  void push(std::vector<Item> items) {
    std::move(items.rbegin(), items.rend(), std::back_inserter(todo_));
  }

  Expected<void> add_premise(const Rule& rule, const Literal& literal, const Bindings& bindings,
                             std::size_t depth, std::vector<Item>& items) {
    if (const auto* match = std::get_if<Match>(&literal.node)) {
      items.push_back({depth, known_.row_of(*match, rule, bindings), {}});
      return {};
    }
    Item item{depth, std::nullopt, {}};
    item.line.text = known_.with_values(rule, literal, bindings);
    const auto* reduce = std::get_if<Reduce>(&literal.node);
    if (reduce == nullptr) {
      const bool is_absence = std::holds_alternative<datalog::Absent>(literal.node);
      item.line.note = is_absence ? "no such row" : "holds";
      items.push_back(std::move(item));
      return {};
    }
    return add_aggregate(rule, *reduce, bindings, std::move(item), items);
  }

  // The line of the aggregate, and the first of the rows that it goes over.
  Expected<void> add_aggregate(const Rule& rule, const Reduce& reduce, const Bindings& bindings,
                               Item item, std::vector<Item>& items) {
    Rule question;
    question.variables = rule.variables;
    question.body = reduce.body;
    open_body(question, known_.program());
    Match given;
    given.relation = known_.evaluation().given_id();
    std::vector<datalog::Column> columns;
    std::vector<Word> words;
    for (const VariableId id : datalog::variables_of(question.body)) {
      const auto value = bindings.find(id);
      if (value == bindings.end()) continue;
      const datalog::Variable& variable = rule.variables[index_of(id)];
      columns.push_back({variable.name, variable.type, variable.nullable, {}});
      given.terms.push_back(variable_term(rule, id));
      words.insert(words.end(), value->second.begin(), value->second.end());
    }
    if (words.empty()) words.push_back(0);
    question.body.insert(question.body.begin(), Literal{std::move(given), {}});
    auto found = known_.instances(question, columns, words);
    if (!found) return unexpected(found.error());

    const std::size_t depth = item.depth + 1;
    item.line.note = "over " + count_of(found->size(), "row");
    items.push_back(std::move(item));
    for (std::size_t i = 0; i < std::min(found->size(), kAggregateRows); ++i) {
      for (const Literal& literal : question.body) {
        const auto* match = std::get_if<Match>(&literal.node);
        if (match == nullptr || match->relation == known_.evaluation().given_id()) continue;
        items.push_back({depth, known_.row_of(*match, question, (*found)[i]), {}});
      }
    }
    if (found->size() > kAggregateRows) {
      Item more{depth, std::nullopt, {}};
      more.line.kind = ProofLine::Kind::kMore;
      more.line.text =
          fmt::format("… and {} more", count_of(found->size() - kAggregateRows, "row"));
      items.push_back(std::move(more));
    }
    return {};
  }

  // --- equivalence relations ---------------------------------------------------------------------

  using Element = std::vector<Word>;

  // The pairs that were stated or that a rule derives, in both directions.
  Expected<void> find_pairs(RelationId relation) {
    if (!neighbours_.try_emplace(relation).second) return {};
    auto& pairs = neighbours_[relation];
    auto add = [&](const Element& left, const Element& right, bool is_forward) {
      pairs[left].emplace(right, is_forward);
    };
    auto add_fact = [&](const std::vector<Word>& words) {
      const auto middle = words.begin() + static_cast<std::ptrdiff_t>(words.size() / 2);
      const Element left(words.begin(), middle);
      const Element right(middle, words.end());
      add(left, right, true);
      add(right, left, false);
    };
    for (const Fact& fact : known_.stated_of(relation)) add_fact(fact.words);
    for (const RuleId id : known_.rules_of(relation)) {
      // The rule's own instances: its head in the place of a given row.
      Rule question = known_.program().rule(id);
      open_body(question, known_.program());
      Match given;
      given.relation = known_.evaluation().given_id();
      question.body.insert(question.body.begin(), Literal{std::move(given), {}});
      Match head;
      for (const datalog::Expression& term : question.head.terms) {
        const auto variable = static_cast<VariableId>(question.variables.size());
        question.variables.push_back({"_head", term.type, term.nullable, term.span});
        question.body.push_back({datalog::Bind{variable, term}, term.span});
        head.terms.push_back(variable_term(question, variable));
      }
      head.relation = relation;
      auto found = known_.instances(question, {}, {0});
      if (!found) return unexpected(found.error());
      for (const Bindings& bindings : *found) {
        add_fact(known_.row_of(head, question, bindings).words);
      }
    }
    return {};
  }

  Expected<void> add_path(const Fact& fact, std::size_t depth) {
    if (auto found = find_pairs(fact.relation); !found) return found;
    const auto& pairs = neighbours_[fact.relation];
    const auto middle = fact.words.begin() + static_cast<std::ptrdiff_t>(fact.words.size() / 2);
    const Element from(fact.words.begin(), middle);
    const Element to(middle, fact.words.end());

    std::map<Element, std::pair<Element, bool>> came_from;
    std::deque<Element> front{from};
    while (!front.empty() && !came_from.contains(to)) {
      const Element here = std::move(front.front());
      front.pop_front();
      const auto next = pairs.find(here);
      if (next == pairs.end()) continue;
      for (const auto& [element, is_forward] : next->second) {
        if (came_from.try_emplace(element, here, is_forward).second) front.push_back(element);
      }
    }
    if (!came_from.contains(to)) {
      return add_unexplained(fact, depth, "no pairs that were stated or derived connect it");
    }
    std::vector<Item> steps;
    Element at = to;
    do {
      const auto& [before, is_forward] = came_from.at(at);
      Fact step{fact.relation, is_forward ? before : at};
      const Element& second = is_forward ? at : before;
      step.words.insert(step.words.end(), second.begin(), second.end());
      steps.push_back({depth + 1, std::move(step), {}});
      at = before;
    } while (at != from);
    proof_.lines.push_back(line_of(fact, depth, ProofLine::Kind::kClosed));
    std::move(steps.begin(), steps.end(), std::back_inserter(todo_));
    return {};
  }

  KnownFacts& known_;
  std::size_t line_limit_;
  Proof proof_;
  std::vector<Item> todo_;  // The next one last.
  std::set<Fact> proved_;
  std::map<RuleId, OpenRule> open_rules_;
  // By element: those it forms a pair with, and whether the pair is (element, neighbour).
  std::map<RelationId, std::map<Element, std::map<Element, bool>>> neighbours_;
};

// What follows the fact or condition in its line.
std::string remark(const ProofLine& line) {
  std::string text;
  switch (line.kind) {
    case ProofLine::Kind::kStated:
      return line.place.empty() ? "stated" : "stated at " + line.place;
    case ProofLine::Kind::kDerived:
      text = "rule at " + line.place;
      break;
    case ProofLine::Kind::kClosed:
      return "equivalence, closed over";
    case ProofLine::Kind::kAbove:
      return "(above)";
    case ProofLine::Kind::kUnexplained:
      return "not explained: " + line.note;
    case ProofLine::Kind::kCondition:
    case ProofLine::Kind::kMore:
      return line.note;
  }
  if (line.rank != 0) text += fmt::format("   rank {}", line.rank);
  return text;
}

std::string json_text(std::string_view text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

// The object of a line, without what it rests on and without its end.
std::string json_head(const ProofLine& line) {
  constexpr const char* kNames[] = {"stated", "rule",      "equivalence", "above",
                                    "none",   "condition", "more"};
  const char* const name = kNames[static_cast<std::size_t>(line.kind)];
  if (line.relation.empty()) {
    std::string out = fmt::format("{{\"{}\": {}", name, json_text(line.text));
    if (!line.note.empty()) out += ", \"note\": " + json_text(line.note);
    return out;
  }
  std::string out =
      fmt::format("{{\"fact\": {}, \"relation\": {}, \"row\": {}, \"by\": \"{}\"",
                  json_text(line.text), json_text(line.relation), line.json_row, name);
  if (!line.place.empty()) out += ", \"place\": " + json_text(line.place);
  if (line.rank != 0) out += fmt::format(", \"rank\": {}", line.rank);
  if (!line.note.empty()) out += ", \"note\": " + json_text(line.note);
  return out;
}

}  // namespace

Expected<Proof> prove(KnownFacts& known, const Fact& fact, std::size_t line_limit) {
  return Prover(known, line_limit).run(fact);
}

std::string proof_text(const Proof& proof) {
  std::string out;
  for (const ProofLine& line : proof.lines) {
    out.append(2 * line.depth, ' ');
    out += line.text;
    const std::string more = remark(line);
    if (!more.empty()) out += "   " + more;
    out += '\n';
  }
  if (proof.is_cut) {
    out +=
        fmt::format("… cut after {}; --limit N shows more\n", count_of(proof.lines.size(), "line"));
  }
  return out;
}

std::string proof_json(const Proof& proof) {
  std::string out;
  for (std::size_t i = 0; i < proof.lines.size(); ++i) {
    const ProofLine& line = proof.lines[i];
    if (i == 0) {
      out += json_head(line);
      if (proof.is_cut) out += ", \"cut\": true";
      continue;
    }
    const std::size_t before = proof.lines[i - 1].depth;
    if (line.depth > before) {
      out += ", \"premises\": [";
    } else {
      out += "}";
      for (std::size_t d = before; d > line.depth; --d) out += "]}";
      out += ", ";
    }
    out += json_head(line);
  }
  if (proof.lines.empty()) return "{}\n";
  out += "}";
  for (std::size_t d = proof.lines.back().depth; d > 0; --d) out += "]}";
  return out + "\n";
}

}  // namespace entail::cli
