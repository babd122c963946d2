#include "tests/oracle/agenda_interpreter.h"

#include <algorithm>

#include "datalog/body_walk.h"

namespace entail::oracle {

using datalog::Body;
using datalog::Change;
using datalog::ChangeKind;
using datalog::Expression;
using datalog::ExpressionOp;
using datalog::index_of;
using datalog::Literal;
using datalog::Match;
using datalog::Production;
using datalog::RelationId;
using datalog::VariableId;

AgendaInterpreter::AgendaInterpreter(const datalog::RuleProgram& program, std::uint64_t firings_max)
    : program_(program), firings_max_(firings_max), expressions_(program.types) {
  for (const datalog::Rule& rule : program.rules) {
    if (rule.body.empty()) throw Unsupported{"a fact of the program"};
    derived_.insert(rule.head.relation);
  }
  for (const datalog::Relation& relation : program.relations) {
    if (relation.equivalence || relation.extremum != datalog::Extremum::kNone) {
      throw Unsupported{"this kind of relation"};
    }
  }
  for (const Production& production : program.productions) {
    if (production.lock_on_active) throw Unsupported{"lock_on_active"};
  }
  state_.stated.resize(program.relations.size());
  settle(nullptr);
  committed_ = state_;
}

// ---------------------------------------------------------------------------------------------------
// Facts

Row AgendaInterpreter::key_of(RelationId id, const Row& row) const {
  Row key;
  for (const std::uint32_t column : relation(id).key) key.push_back(row[column]);
  return key;
}

// A fact that was there when the step began and comes back in it is the same fact.
std::uint64_t AgendaInterpreter::number_for(RelationId id, const Row& row) {
  if (relation(id).collection == datalog::Collection::kSet) {
    for (const Fact& fact : before_[index_of(id)]) {
      if (compare(fact.row, row) == 0) return fact.number;
    }
  }
  return state_.next_number++;
}

void AgendaInterpreter::state(RelationId id, const Row& row) {
  std::vector<Fact>& facts = state_.stated[index_of(id)];
  if (relation(id).collection == datalog::Collection::kSet) {
    for (std::size_t i = 0; i < facts.size(); ++i) {
      if (compare(facts[i].row, row) == 0) return;
      if (relation(id).key.empty() || compare(key_of(id, facts[i].row), key_of(id, row)) != 0) {
        continue;
      }
      facts.erase(facts.begin() + static_cast<std::ptrdiff_t>(i));
      break;
    }
  }
  facts.push_back({row, number_for(id, row)});
}

// Of equal facts the newest goes.
void AgendaInterpreter::unstate(RelationId id, const Row& row) {
  std::vector<Fact>& facts = state_.stated[index_of(id)];
  auto newest = facts.end();
  for (auto fact = facts.begin(); fact != facts.end(); ++fact) {
    if (compare(fact->row, row) == 0 && (newest == facts.end() || fact->number > newest->number)) {
      newest = fact;
    }
  }
  if (newest != facts.end()) facts.erase(newest);
}

void AgendaInterpreter::derive_all() {
  state_.visible = state_.stated;
  for (const datalog::Stratum& stratum : program_.strata) {
    for (bool grew = true; grew;) {
      grew = false;
      for (const datalog::RuleId id : stratum.rules) {
        const datalog::Rule& rule = program_.rule(id);
        std::vector<Row> heads;
        Environment values(rule.variables.size());
        solve(rule.body, std::vector<bool>(rule.body.size()), values, [&] {
          Row head;
          for (const Expression& term : rule.head.terms) {
            head.push_back(expressions_.evaluate(term, values));
          }
          heads.push_back(std::move(head));
        });
        std::vector<Fact>& rows = state_.visible[index_of(rule.head.relation)];
        for (Row& head : heads) {
          const bool is_known = std::any_of(rows.begin(), rows.end(), [&](const Fact& fact) {
            return compare(fact.row, head) == 0;
          });
          if (is_known) continue;
          rows.push_back({std::move(head), 0});
          grew = true;
        }
      }
    }
  }
}

// ---------------------------------------------------------------------------------------------------
// Bodies

bool AgendaInterpreter::is_ready(const Literal& literal, const Body& body, std::size_t at,
                                 const std::vector<bool>&, const Environment& values) const {
  const auto is_bound = [&](VariableId variable) { return values[index_of(variable)].has_value(); };
  const auto all_bound = [&](const Expression& expression) {
    const std::set<VariableId> variables = datalog::variables_of(expression);
    return std::all_of(variables.begin(), variables.end(), is_bound);
  };
  if (std::holds_alternative<Match>(literal.node)) return true;
  if (const auto* filter = std::get_if<datalog::Filter>(&literal.node)) {
    return all_bound(filter->condition);
  }
  if (const auto* bind = std::get_if<datalog::Bind>(&literal.node)) {
    return all_bound(bind->value) ||
           (bind->value.op == ExpressionOp::kVariable && is_bound(bind->variable));
  }
  if (const auto* each = std::get_if<datalog::Each>(&literal.node)) {
    return std::all_of(each->arguments.begin(), each->arguments.end(), all_bound);
  }
  for (const VariableId variable : datalog::variables_of(literal)) {
    bool is_shared = false;
    for (std::size_t i = 0; i < body.size(); ++i) {
      is_shared = is_shared || (i != at && datalog::variables_of(body[i]).count(variable) != 0);
    }
    if (is_shared && !is_bound(variable)) return false;
  }
  return true;
}

void AgendaInterpreter::solve(const Body& body, std::vector<bool> done, Environment& values,
                              const std::function<void()>& found) {
  std::optional<std::size_t> chosen;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (done[i] || !is_ready(body[i], body, i, done, values)) continue;
    const bool is_loop = std::holds_alternative<Match>(body[i].node) ||
                         std::holds_alternative<datalog::Each>(body[i].node);
    if (!chosen || !is_loop) chosen = i;
    if (!is_loop) break;
  }
  if (!chosen) {
    if (std::count(done.begin(), done.end(), false) > 0) throw Unsupported{"an unbound variable"};
    return found();
  }
  done[*chosen] = true;
  solve_literal(body[*chosen], values, [&] { solve(body, done, values, found); });
}

bool AgendaInterpreter::holds(const Body& body, const Environment& values) {
  Environment inner = values;
  bool is_found = false;
  const auto outer = chosen_;
  solve(body, std::vector<bool>(body.size()), inner, [&] { is_found = true; });
  chosen_ = outer;
  return is_found;
}

void AgendaInterpreter::solve_literal(const Literal& literal, Environment& values,
                                      const std::function<void()>& found) {
  if (const auto* match = std::get_if<Match>(&literal.node)) {
    for (const Fact& fact : state_.visible[index_of(match->relation)]) {
      const Environment outer = values;
      bool is_equal = true;
      for (std::size_t c = 0; c < match->terms.size() && is_equal; ++c) {
        const Expression& term = match->terms[c];
        if (term.op == ExpressionOp::kWildcard) continue;
        if (term.op == ExpressionOp::kVariable && !values[index_of(term.variable)]) {
          values[index_of(term.variable)] = fact.row[c];
          continue;
        }
        is_equal = compare(expressions_.evaluate(term, values), fact.row[c]) == 0;
      }
      if (is_equal) {
        chosen_[&literal] = fact;
        found();
      }
      values = outer;
    }
  } else if (const auto* absent = std::get_if<datalog::Absent>(&literal.node)) {
    if (!holds(absent->body, values)) found();
  } else if (const auto* exists = std::get_if<datalog::Exists>(&literal.node)) {
    if (holds(exists->body, values)) found();
  } else if (const auto* filter = std::get_if<datalog::Filter>(&literal.node)) {
    if (expressions_.holds(filter->condition, values)) found();
  } else if (const auto* bind = std::get_if<datalog::Bind>(&literal.node)) {
    const Environment outer = values;
    std::optional<Value>& target = values[index_of(bind->variable)];
    if (bind->value.op == ExpressionOp::kVariable && !values[index_of(bind->value.variable)]) {
      values[index_of(bind->value.variable)] = target;
      found();
    } else {
      const Value value = expressions_.evaluate(bind->value, values);
      const bool is_equal = !target || compare(*target, value) == 0;
      target = value;
      if (is_equal) found();
    }
    values = outer;
  } else if (const auto* each = std::get_if<datalog::Each>(&literal.node)) {
    if (each->generator != datalog::Generator::kRange || each->arguments.size() != 2) {
      throw Unsupported{"this generator"};
    }
    const Environment outer = values;
    const auto from = std::get<std::int64_t>(expressions_.evaluate(each->arguments[0], values));
    const auto to = std::get<std::int64_t>(expressions_.evaluate(each->arguments[1], values));
    for (std::int64_t i = from; i < to; ++i) {
      values = outer;
      std::optional<Value>& target = values[index_of(each->variable)];
      if (target && compare(*target, Value{i}) != 0) continue;
      target = i;
      found();
    }
    values = outer;
  } else {
    throw Unsupported{"this condition"};
  }
}

// ---------------------------------------------------------------------------------------------------
// Steps

// The step's changes are stated: matches come and go.
void AgendaInterpreter::settle(const Production* firing) {
  derive_all();
  std::map<MatchKey, Activation> found;
  for (std::uint32_t p = 0; p < program_.productions.size(); ++p) {
    const Production& production = program_.productions[p];
    Environment values(production.variables.size());
    chosen_.clear();
    solve(production.body, std::vector<bool>(production.body.size()), values, [&] {
      MatchKey key{p, {}};
      Activation activation;
      for (const Literal& literal : production.body) {
        if (const auto* match = std::get_if<Match>(&literal.node)) {
          const Fact& fact = chosen_.at(&literal);
          if (derived_.count(match->relation) != 0) {
            key.parts.insert(key.parts.end(), fact.row.begin(), fact.row.end());
          } else {
            key.parts.push_back(fact.number);
          }
          if (match->row) activation.facts[*match->row] = fact;
        } else if (const auto* each = std::get_if<datalog::Each>(&literal.node)) {
          key.parts.push_back(*values[index_of(each->variable)]);
        }
      }
      activation.values = values;
      activation.step = state_.steps;
      if (production.salience) {
        activation.salience =
            std::get<std::int64_t>(expressions_.evaluate(*production.salience, values));
      }
      found.emplace(std::move(key), std::move(activation));
    });
  }
  for (auto& [key, activation] : found) {
    const auto known = state_.activations.find(key);
    if (known != state_.activations.end()) {
      activation = known->second;
      continue;
    }
    const Production& production = program_.productions[key.production];
    if (firing != nullptr && production.no_loop && production.name == firing->name) {
      activation.has_fired = true;
    } else if (production.auto_focus && state_.focus.back() != production.group) {
      state_.focus.push_back(production.group);
    }
  }
  state_.activations = std::move(found);
}

bool AgendaInterpreter::step(const std::vector<FactStatement>& statements) {
  state_.is_halted = false;
  ++state_.steps;
  before_ = state_.stated;
  for (const FactStatement& statement : statements) {
    if (statement.is_deletion) {
      unstate(statement.relation, statement.row);
    } else {
      state(statement.relation, statement.row);
    }
  }
  settle(nullptr);
  std::uint64_t in_a_row = 0;
  while (const auto key = next()) {
    if (++in_a_row > firings_max_) return false;
    fire(*key);
  }
  return true;
}

std::optional<AgendaInterpreter::MatchKey> AgendaInterpreter::next() {
  if (state_.is_halted) return std::nullopt;
  for (;; state_.focus.pop_back()) {
    std::optional<MatchKey> best;
    for (const auto& [key, activation] : state_.activations) {
      if (activation.has_fired) continue;
      if (program_.productions[key.production].group != state_.focus.back()) continue;
      if (best) {
        const Activation& other = state_.activations.at(*best);
        if (activation.salience < other.salience) continue;
        if (activation.salience == other.salience && activation.step <= other.step) continue;
      }
      best = key;
    }
    if (best || state_.focus.size() == 1) return best;
  }
}

void AgendaInterpreter::fire(const MatchKey& key) {
  const Production& production = program_.productions[key.production];
  state_.activations.at(key).has_fired = true;
  ++state_.firings;
  ++state_.steps;
  before_ = state_.stated;
  const State unchanged = state_;
  try {
    Firing firing;
    firing.first_number = state_.next_number;
    const Activation activation = state_.activations.at(key);
    carry_out(production.actions, activation.values, activation, firing);
    state_.emitted.insert(state_.emitted.end(), firing.emitted.begin(), firing.emitted.end());
    state_.focus.insert(state_.focus.end(), firing.focused.begin(), firing.focused.end());
    state_.is_halted = firing.halts;
  } catch (const RowError&) {
    state_ = unchanged;
  }
  settle(&production);
}

void AgendaInterpreter::carry_out(const datalog::Block& block, Environment values,
                                  const Activation& activation, Firing& firing) {
  for (const datalog::Statement& statement : block) {
    if (const auto* changes = std::get_if<Change>(&statement.node)) {
      change(*changes, values, activation, firing);
    } else if (const auto* let = std::get_if<datalog::Let>(&statement.node)) {
      values[index_of(let->variable)] = expressions_.evaluate(let->value, values);
    } else if (const auto* branch = std::get_if<datalog::Branch>(&statement.node)) {
      const auto& chosen =
          holds(branch->condition, values) ? branch->then_block : branch->else_block;
      if (chosen) carry_out(*chosen, values, activation, firing);
    } else if (const auto* focus = std::get_if<datalog::Focus>(&statement.node)) {
      firing.focused.push_back(focus->group == "MAIN" ? "" : focus->group);
    } else if (const auto* log = std::get_if<datalog::LogText>(&statement.node)) {
      for (const Expression& part : log->parts) expressions_.evaluate(part, values);
    } else if (std::holds_alternative<datalog::HaltAgenda>(statement.node)) {
      firing.halts = true;
    } else {
      throw Unsupported{"this action"};
    }
  }
}

void AgendaInterpreter::change(const Change& change, const Environment& values,
                               const Activation& activation, Firing& firing) {
  if (change.row) return change_fact(change, values, activation, firing);
  const RelationId id = change.relation;
  std::vector<Fact>& facts = state_.stated[index_of(id)];
  Row row(change.values.size());
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (change.values[c]) row[c] = expressions_.evaluate(*change.values[c], values);
  }
  // What this firing inserted is only taken away by a retraction that says all of it.
  const bool is_whole = std::all_of(change.values.begin(), change.values.end(),
                                    [](const auto& value) { return value.has_value(); });
  const auto is_meant = [&](const Fact& fact) {
    if (!is_whole && fact.number >= firing.first_number) return false;
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (change.values[c] && compare(fact.row[c], row[c]) != 0) return false;
    }
    return true;
  };
  switch (change.kind) {
    case ChangeKind::kEmit:
      firing.emitted.push_back(line(id, row));
      break;
    case ChangeKind::kInsert:
      state(id, row);
      break;
    case ChangeKind::kUpsert: {
      const auto known = std::find_if(facts.begin(), facts.end(), [&](const Fact& fact) {
        return compare(key_of(id, fact.row), key_of(id, row)) == 0;
      });
      for (std::size_t c = 0; c < row.size(); ++c) {
        if (change.values[c]) continue;
        if (known != facts.end()) {
          row[c] = known->row[c];
        } else if (c < relation(id).defaults.size() && relation(id).defaults[c]) {
          row[c] = expressions_.evaluate(*relation(id).defaults[c], values);
        }
      }
      state(id, row);
      break;
    }
    case ChangeKind::kRetract:
      if (relation(id).collection == datalog::Collection::kSet) {
        std::erase_if(facts, is_meant);
      } else {
        auto newest = facts.end();
        for (auto fact = facts.begin(); fact != facts.end(); ++fact) {
          if (!is_meant(*fact)) continue;
          if (newest == facts.end() || fact->number > newest->number) newest = fact;
        }
        if (newest != facts.end()) facts.erase(newest);
      }
      break;
    default:
      throw Unsupported{"this change"};
  }
}

// Modifies or deletes a fact that the match is made of.
void AgendaInterpreter::change_fact(const Change& change, const Environment& values,
                                    const Activation& activation, Firing& firing) {
  const RelationId id = change.relation;
  std::vector<Fact>& facts = state_.stated[index_of(id)];
  const Fact& matched = activation.facts.at(*change.row);
  Row given(change.values.size());  // An expression fails even where the fact is gone.
  for (std::size_t c = 0; c < given.size(); ++c) {
    if (change.values[c]) given[c] = expressions_.evaluate(*change.values[c], values);
  }
  auto found = facts.end();
  if (relation(id).collection == datalog::Collection::kBag) {
    const auto moved = firing.moved.find(matched.number);
    if (moved != firing.moved.end() && !moved->second) return;
    const std::uint64_t number = moved == firing.moved.end() ? matched.number : *moved->second;
    found = std::find_if(facts.begin(), facts.end(),
                         [&](const Fact& fact) { return fact.number == number; });
  } else {
    found = std::find_if(facts.begin(), facts.end(), [&](const Fact& fact) {
      return compare(key_of(id, fact.row), key_of(id, matched.row)) == 0;
    });
  }
  if (found == facts.end()) return;
  Row row = found->row;
  for (std::size_t c = 0; c < given.size(); ++c) {
    if (change.values[c]) row[c] = given[c];
  }
  if (change.kind == ChangeKind::kModify && compare(found->row, row) == 0) return;
  facts.erase(found);
  firing.moved[matched.number] = std::nullopt;
  if (change.kind == ChangeKind::kDelete) return;
  firing.moved[matched.number] = state_.next_number;
  state(id, row);
}

// ---------------------------------------------------------------------------------------------------
// What is seen of it

std::vector<std::string> AgendaInterpreter::commit() {
  std::vector<std::string> emitted = std::move(state_.emitted);
  state_.emitted.clear();
  committed_ = state_;
  return emitted;
}

std::string AgendaInterpreter::line(RelationId id, const Row& row) const {
  std::string text = relation(id).name;
  for (std::size_t c = 0; c < row.size(); ++c) {
    text += c == 0 ? ' ' : ',';
    text += to_text(program_.types, relation(id).columns[c].type, row[c]);
  }
  return text;
}

std::map<std::string, std::vector<std::string>> AgendaInterpreter::rows() const {
  std::map<std::string, std::vector<std::string>> result;
  for (std::size_t i = 0; i < program_.relations.size(); ++i) {
    std::vector<std::string>& lines = result[program_.relations[i].name];
    for (const Fact& fact : state_.visible[i]) {
      lines.push_back(line(static_cast<RelationId>(i), fact.row));
    }
    std::sort(lines.begin(), lines.end());
  }
  return result;
}

}  // namespace entail::oracle
