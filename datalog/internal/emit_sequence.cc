// Sequences of events: Emitter, the part for them.
//
//     sequence( Login{user, ok: false} as f [3..*] -> Login{user, ok: true} as s ) within 5m by user skip past_last
//
//         "sequence#7"(1, time, row, null, user, user, ok, ts) :- Login(user, ok, ts) as row.
//         "sequence#7"(0, at, 0, at, null, null, null, null) :- "Login.clock"(at).
//         body:  sequence { "sequence#7"(…) } by (user) order (time, row) … => { user = …, f.ts = … }
//
// The events of all streams that the steps name are one relation: the number of the stream from 1, event time, row,
// the keys, and each stream's columns, null where the event is of another. Watermarks are rows of it, too, so that
// time is facts here as everywhere.
//
// What is settled
//     ->, next     `->` passes over rows that no step which could come next takes; the first row that one takes
//                  is taken. `next` is the row right behind, of all rows of the steps' streams with the same keys.
//     [n..m]       as many as there are, at most m; between them rows are passed over as between the steps: not
//                  where `next` stands before it (at the first step: behind it).
//     skip         none: each event is tried as the first one, and matches share events. past_last: the next match
//                  begins behind the last event of the one before. to_next: as none.
//     variables    what a step binds is its event's value, of a repeated one the last event's; a step that mentions
//                  it again asks for the same value. What all steps mention as a column is the same in all events of
//                  a match; so are the variables of `by`, which also say which events are side by side.
//     absence      `-> not X -> b`: no X up to the b. At the end, `a -> not X within d`: no X at less than d
//                  behind a, and the watermark has come that far. An event at exactly d is too late.
//     within       the events of a match lie less than that behind the first.
//     order        event time, then the row's identity.
#include <algorithm>
#include <charconv>
#include <utility>

#include "datalog/body_walk.h"
#include "datalog/event_time.h"
#include "datalog/internal/emitter.h"

namespace entail::datalog {

namespace {

using grammar::Connector;
using grammar::SequencePattern;
using grammar::SequenceStep;
using grammar::SourceSpan;

constexpr vm::Type kMicroseconds = vm::Type::number();

// Columns of the events' relation before the keys.
enum : std::uint32_t { kInput, kTime, kRow, kWatermark, kFirstKey };

struct Step {
  const SequenceStep* text = nullptr;
  std::size_t input = 0;
  Match match;
  Body rest;  // Filters and equations.
  SourceSpan span;
  // Which alternatives and optional parts it stands in, outermost first.
  std::vector<std::pair<const void*, std::size_t>> inside;
};

std::optional<std::uint32_t> count_of(const grammar::Expr& expr) {
  const auto* literal = expr.as<grammar::Literal>();
  if (literal == nullptr || literal->kind != grammar::LiteralKind::kNumber) return std::nullopt;
  std::uint32_t value = 0;
  const std::string& text = literal->text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_variable(const Expression& term) { return term.op == ExpressionOp::kVariable; }

}  // namespace

// What takes the steps apart and puts the pattern together.
class SequenceMaker {
 public:
  SequenceMaker(Emitter& emitter, const grammar::Sequence& sequence, SourceSpan span)
      : emitter_(emitter), sequence_(sequence), span_(span) {}

  void add_step(Match match, Body rest, SourceSpan span) {
    Step step;
    step.match = std::move(match);
    step.rest = std::move(rest);
    step.span = span;
    steps_.push_back(std::move(step));
  }
  void set_within(std::optional<Expression> within) { within_ = std::move(within); }
  void add_deadline(std::size_t step, Expression within) {
    deadlines_.emplace(step, std::move(within));
  }

  void run() {
    std::size_t number = 0;
    std::vector<std::pair<const void*, std::size_t>> inside;
    visit(sequence_.pattern, number, inside);
    if (number != steps_.size()) return;  // Mistakes were reported.
    find_inputs();
    find_owners();
    find_keys();
    make_events();
    pattern_.root = concat(sequence_.pattern, number = 0);
    for (std::size_t s = 0; s < steps_.size(); ++s) add_symbol(s);
    pattern_.only_decided = true;
    pattern_.after_match = sequence_.skip == grammar::SkipPolicy::kPastLast
                               ? AfterMatch::kPastLastRow
                               : AfterMatch::kToNextRow;
    pattern_.time = event(kTime);
    if (within_) {
      if (auto end = later(*within_)) pattern_.within = std::move(end);
    }
    export_variables();
    emitter_.put(std::move(pattern_), span_);
    for (Literal& row : rows_) emitter_.out_->push_back(std::move(row));
  }

 private:
  void error(SourceSpan span, std::string message) {
    emitter_.environment_.diagnostics.error(span, std::move(message));
  }
  Rule& rule() { return emitter_.rule_; }

  void visit(const SequencePattern& pattern, std::size_t& number,
             std::vector<std::pair<const void*, std::size_t>>& inside) {
    for (const SequenceStep& step : pattern.steps) {
      const bool optional = step.quantifier && count_of(step.quantifier->min) == 0U;
      if (optional) inside.emplace_back(&step, 0);
      if (step.atom) {
        if (number < steps_.size()) {
          steps_[number].text = &step;
          steps_[number].inside = inside;
        }
        ++number;
      }
      for (std::size_t a = 0; a < step.alternatives.size(); ++a) {
        if (step.alternatives.size() > 1) inside.emplace_back(&step.alternatives, a);
        visit(step.alternatives[a], number, inside);
        if (step.alternatives.size() > 1) inside.pop_back();
      }
      if (optional) inside.pop_back();
    }
  }

  // --- the tree

  PatternNode concat(const SequencePattern& pattern, std::size_t& number) {
    // Strict runs side by side, with other rows between them.
    PatternNode relaxed;
    relaxed.kind = PatternKind::kConcat;
    relaxed.relaxed = true;
    for (std::size_t i = 0; i < pattern.steps.size(); ++i) {
      const SequenceStep& step = pattern.steps[i];
      const bool strict =
          i == 0 ? pattern.steps.size() > 1 && pattern.steps[1].connector == Connector::kNext
                 : step.connector == Connector::kNext;
      PatternNode node = part(step, number, !strict, i + 1 == pattern.steps.size());
      if (i > 0 && step.connector == Connector::kNext) {
        const bool beside_absence = step.negated || pattern.steps[i - 1].negated;
        if (beside_absence) {
          error(step.span, "an absence stands between `->`: `next` leaves no room for events");
        }
        PatternNode& before = relaxed.children.back();
        if (before.kind != PatternKind::kConcat || before.relaxed) {
          PatternNode run;
          run.kind = PatternKind::kConcat;
          run.children.push_back(std::move(before));
          before = std::move(run);
        }
        before.children.push_back(std::move(node));
      } else {
        relaxed.children.push_back(std::move(node));
      }
    }
    if (relaxed.children.size() == 1) {
      PatternNode only = std::move(relaxed.children.front());
      return only;
    }
    return relaxed;
  }

  PatternNode part(const SequenceStep& step, std::size_t& number, bool relaxed, bool last) {
    PatternNode node;
    if (step.atom) {
      node.kind = step.negated ? PatternKind::kAbsent : PatternKind::kSymbol;
      node.symbol = static_cast<std::uint32_t>(number);
      if (step.negated) set_deadline(step, number, last, node);
      ++number;
    } else {
      std::vector<PatternNode> alternatives;
      for (const SequencePattern& alternative : step.alternatives) {
        alternatives.push_back(concat(alternative, number));
      }
      if (alternatives.size() == 1) {
        node = std::move(alternatives.front());
      } else {
        node.kind = PatternKind::kAlternate;
        node.children = std::move(alternatives);
      }
    }
    if (!step.quantifier) return node;
    PatternNode repeat;
    repeat.kind = PatternKind::kRepeat;
    repeat.relaxed = relaxed;
    const auto least = count_of(step.quantifier->min);
    const auto most = step.quantifier->max ? count_of(*step.quantifier->max)
                                           : std::optional<std::uint32_t>(UINT32_MAX);
    if (!least || !most || *least > *most || *most == 0) {
      error(step.span, "a step is repeated [n], [n..m] or [n..*] times, where n is not above m");
      return node;
    }
    repeat.repeat_min = *least;
    repeat.repeat_max = *most;
    repeat.children.push_back(std::move(node));
    return repeat;
  }

  void set_deadline(const SequenceStep& step, std::size_t number, bool last, PatternNode& node) {
    const bool ends = last && steps_[number].inside.empty() && is_last_step(number);
    const auto own = deadlines_.find(number);
    if (!ends) {
      if (own != deadlines_.end()) {
        error(step.span,
              "only an absence that ends the sequence has a `within`: another one lasts "
              "until the next step's event");
      } else if (last) {
        error(step.span, "an absence ends the whole sequence, or stands between two steps");
      }
      return;
    }
    const bool behind_first = number == 1 && steps_.front().text != nullptr &&
                              !steps_.front().text->quantifier && steps_.front().inside.empty();
    const Expression* within = nullptr;
    if (own != deadlines_.end()) {
      within = &own->second;
    } else if (within_ && behind_first) {
      within = &*within_;
    }
    if (within == nullptr) {
      error(step.span, "until when is there to be none? An absence at the end has a `within`");
      return;
    }
    node.deadline = later(*within);
  }
  bool is_last_step(std::size_t number) const { return number + 1 == steps_.size(); }

  // Event time and so much more.
  std::optional<Expression> later(const Expression& within) {
    const auto length = constant_duration(within);
    if (!length || *length <= 0) {
      error(within.span, "`within` takes a constant duration: 5m, 48h");
      return std::nullopt;
    }
    Expression sum;
    sum.op = ExpressionOp::kAdd;
    sum.type = kMicroseconds;
    sum.arguments = {event(kTime), number(*length)};
    sum.span = within.span;
    return sum;
  }

  // --- inputs, variables, keys

  void find_inputs() {
    for (Step& step : steps_) {
      const auto known = std::find(inputs_.begin(), inputs_.end(), step.match.relation);
      step.input = static_cast<std::size_t>(known - inputs_.begin());
      if (known == inputs_.end()) inputs_.push_back(step.match.relation);
    }
  }

  struct Place {
    std::size_t step = 0;
    std::size_t column = 0;
  };

  void find_owners() {
    for (std::size_t s = 0; s < steps_.size(); ++s) {
      const Step& step = steps_[s];
      for (std::size_t c = 0; c < step.match.terms.size(); ++c) {
        if (!is_variable(step.match.terms[c])) continue;
        const VariableId variable = step.match.terms[c].variable;
        own_[s].emplace(variable, c);
        if (!is_negated(s)) owners_.try_emplace(variable, Place{s, c});
      }
    }
    // Equations that say what a variable is.
    for (std::size_t s = 0; s < steps_.size(); ++s) {
      for (const Literal& literal : steps_[s].rest) {
        const auto* bind = std::get_if<Bind>(&literal.node);
        if (bind == nullptr) continue;
        if (!is_known(s, bind->variable)) {
          definitions_.emplace(bind->variable, bind->value);
          defining_.insert(&literal);
        } else if (is_variable(bind->value) && !is_known(s, bind->value.variable)) {
          Expression value = emitter_.read(bind->variable, literal.span);
          definitions_.emplace(bind->value.variable, std::move(value));
          defining_.insert(&literal);
        }
      }
    }
  }
  bool is_negated(std::size_t step) const { return steps_[step].text->negated; }
  bool is_known(std::size_t step, VariableId variable) const {
    const auto own = own_.find(step);
    return owners_.contains(variable) || definitions_.contains(variable) ||
           (own != own_.end() && own->second.contains(variable));
  }

  // The column of the variable in every step; nothing where one has none.
  std::optional<std::vector<std::size_t>> columns_of(VariableId variable) const {
    std::vector<std::size_t> result;
    for (std::size_t s = 0; s < steps_.size(); ++s) {
      const auto own = own_.find(s);
      if (own == own_.end()) return std::nullopt;
      const auto found = own->second.find(variable);
      if (found == own->second.end()) return std::nullopt;
      result.push_back(found->second);
    }
    for (std::size_t s = 0; s < steps_.size(); ++s) {
      for (std::size_t t = 0; t < s; ++t) {
        if (steps_[s].input == steps_[t].input && result[s] != result[t]) return std::nullopt;
      }
    }
    return result;
  }

  void find_keys() {
    for (const grammar::Expr& key : sequence_.keys) {
      const auto* word = key.as<grammar::Variable>();
      if (word == nullptr) continue;  // Reported.
      std::optional<VariableId> found;
      for (const auto& [variable, place] : owners_) {
        if (rule().variables[index_of(variable)].name == word->name) found = variable;
      }
      if (!found || !columns_of(*found)) {
        error(key.span,
              "'" + word->name +
                  "' is no key: every step has to mention it, at one column of its events");
        continue;
      }
      add_key(*found);
    }
    if (sequence_.skip == grammar::SkipPolicy::kPastLast || has_next(sequence_.pattern)) return;
    // Rows are passed over anyway: those of other values may as well lie in partitions of their own.
    for (const auto& [variable, place] : owners_) {
      if (columns_of(variable)) add_key(variable);
    }
  }
  void add_key(VariableId variable) {
    if (std::find(keys_.begin(), keys_.end(), variable) == keys_.end()) keys_.push_back(variable);
  }
  static bool has_next(const SequencePattern& pattern) {
    return std::any_of(pattern.steps.begin(), pattern.steps.end(), [](const SequenceStep& step) {
      return step.connector == Connector::kNext ||
             std::any_of(step.alternatives.begin(), step.alternatives.end(), has_next);
    });
  }

  // --- the relation of the events

  static Expression null_of(vm::Type type) {
    Expression null;
    null.op = ExpressionOp::kNull;
    null.type = type;
    null.nullable = true;
    return null;
  }
  static Expression number(std::int64_t value) {
    Expression result;
    result.op = ExpressionOp::kConstant;
    result.type = kMicroseconds;
    result.words[0] = vm::int_word(value);
    return result;
  }
  static Expression microseconds(Expression time) {
    Expression result;
    result.op = ExpressionOp::kReinterpret;
    result.type = kMicroseconds;
    result.nullable = time.nullable;
    result.span = time.span;
    result.arguments.push_back(std::move(time));
    return result;
  }

  void make_events() {
    RuleProgram& program = emitter_.environment_.program;
    Relation events;
    events.name = "sequence#" + std::to_string(program.relations.size());
    events.auxiliary = true;
    events.span = span_;
    const vm::Type identity = row_identity_type();
    events.columns = {{"input", kMicroseconds, false, span_},
                      {"time", kMicroseconds, false, span_},
                      {"row", identity, false, span_},
                      {"watermark", kMicroseconds, true, span_}};
    std::vector<std::size_t> key_columns;
    for (const VariableId key : keys_) {
      const Place& place = owners_.at(key);
      Column column = program.relation(steps_[place.step].match.relation).columns[place.column];
      column.nullable = true;
      events.columns.push_back(std::move(column));
    }
    for (const RelationId input : inputs_) {
      first_column_.push_back(static_cast<std::uint32_t>(events.columns.size()));
      for (Column column : program.relation(input).columns) {
        column.nullable = true;
        events.columns.push_back(std::move(column));
      }
    }
    RelationInfo info;
    info.has_rules = true;
    info.column_types.assign(events.columns.size(), kNoSourceType);
    const std::vector<Column> columns = events.columns;
    const RelationId id = emitter_.environment_.add_relation(std::move(events), std::move(info));
    for (std::size_t k = 0; k < inputs_.size(); ++k) {
      add_events(id, columns, k);
      add_watermarks(id, columns, k);
    }
    Match match;
    match.relation = id;
    for (const Column& column : columns) {
      events_.push_back(
          emitter_.fresh("event_" + column.name, column.type, column.nullable, span_));
      match.terms.push_back(emitter_.read(events_.back(), span_));
    }
    pattern_.body.push_back({std::move(match), span_});
    pattern_.watermark = event(kWatermark);
    for (std::size_t k = 0; k < keys_.size(); ++k) {
      pattern_.partition.push_back(event(kFirstKey + static_cast<std::uint32_t>(k)));
    }
    pattern_.order = {{event(kTime), false, false}, {event(kRow), false, false}};
  }

  static Expression variable_of(Rule& made, const std::string& name, vm::Type type, bool nullable,
                                SourceSpan span) {
    Variable variable;
    variable.name = name;
    variable.type = type;
    variable.nullable = nullable;
    variable.span = span;
    made.variables.push_back(variable);
    Expression result;
    result.op = ExpressionOp::kVariable;
    result.type = type;
    result.nullable = nullable;
    result.variable = VariableId{static_cast<std::uint32_t>(made.variables.size() - 1)};
    return result;
  }

  void add_events(RelationId id, const std::vector<Column>& columns, std::size_t input) {
    RuleProgram& program = emitter_.environment_.program;
    const Relation& stream = program.relation(inputs_[input]);
    Rule made;
    made.name = program.relation(id).name + "#" + std::to_string(input + 1);
    made.span = made.head.span = span_;
    made.head.relation = id;
    Match match;
    match.relation = inputs_[input];
    for (const Column& column : stream.columns) {
      match.terms.push_back(variable_of(made, column.name, column.type, column.nullable, span_));
    }
    const std::optional<std::uint32_t> time =
        stream.stream ? stream.stream->event_time_column : std::nullopt;
    if (!time) return;  // Reported.
    const Expression row = variable_of(made, "_row", row_identity_type(), false, span_);
    match.row = row.variable;
    std::vector<Expression> terms{number(static_cast<std::int64_t>(input) + 1),
                                  microseconds(match.terms[*time]), row, null_of(kMicroseconds)};
    for (const VariableId key : keys_) {
      const std::size_t step =
          static_cast<std::size_t>(std::find_if(steps_.begin(), steps_.end(),
                                                [&](const Step& s) { return s.input == input; }) -
                                   steps_.begin());
      terms.push_back(match.terms[own_.at(step).at(key)]);
    }
    for (std::size_t k = 0; k < inputs_.size(); ++k) {
      const std::size_t count = program.relation(inputs_[k]).columns.size();
      for (std::size_t c = 0; c < count; ++c) {
        terms.push_back(k == input ? match.terms[c] : null_of(columns[terms.size()].type));
      }
    }
    made.head.terms = std::move(terms);
    made.body.push_back({std::move(match), span_});
    program.rules.push_back(std::move(made));
  }

  void add_watermarks(RelationId id, const std::vector<Column>& columns, std::size_t input) {
    RuleProgram& program = emitter_.environment_.program;
    const Relation& stream = program.relation(inputs_[input]);
    if (!stream.stream || !stream.stream->clock) return;
    const Column at_column = program.relation(*stream.stream->clock).columns.front();
    Rule made;
    made.name = program.relation(id).name + "#clock" + std::to_string(input + 1);
    made.span = made.head.span = span_;
    made.head.relation = id;
    const Expression at = variable_of(made, "at", at_column.type, at_column.nullable, span_);
    Match match;
    match.relation = *stream.stream->clock;
    match.terms.push_back(at);
    Expression none;
    none.op = ExpressionOp::kConstant;
    none.type = row_identity_type();
    // Told apart by the stream: two clocks may stand at one time.
    none.words[0] = input;
    std::vector<Expression> terms{number(0), microseconds(at), none, microseconds(at)};
    while (terms.size() < columns.size()) terms.push_back(null_of(columns[terms.size()].type));
    made.head.terms = std::move(terms);
    made.body.push_back({std::move(match), span_});
    program.rules.push_back(std::move(made));
  }

  Expression event(std::uint32_t column) const { return emitter_.read(events_[column], span_); }

  // --- conditions

  // The column of an event: of the one in question, or of the last one of a step before it.
  Expression operand(std::optional<std::size_t> of_step, std::size_t input, std::size_t column,
                     VariableId like) {
    const std::uint32_t place = first_column_[input] + static_cast<std::uint32_t>(column);
    const auto key = std::make_pair(of_step, place);
    auto known = operands_.find(key);
    if (known == operands_.end()) {
      const Variable described = rule().variables[index_of(like)];
      PatternValue value;
      value.result = emitter_.fresh("of_" + described.name, described.type, described.nullable,
                                    described.span);
      if (of_step) value.symbols = {static_cast<std::uint32_t>(*of_step)};
      value.value = event(place);
      known = operands_.emplace(key, value.result).first;
      pattern_.operands.push_back(std::move(value));
    }
    return emitter_.read(known->second, span_);
  }

  // What the variable is where the event in question is of step s.
  std::optional<Expression> value_at(std::size_t s, VariableId variable, SourceSpan span) {
    if (const auto own = own_.find(s); own != own_.end()) {
      if (const auto found = own->second.find(variable); found != own->second.end()) {
        return operand(std::nullopt, steps_[s].input, found->second, variable);
      }
    }
    if (const auto owner = owners_.find(variable); owner != owners_.end()) {
      const Step& from = steps_[owner->second.step];
      if (owner->second.step > s || !is_around(from, steps_[s])) {
        error(span, "'" + rule().variables[index_of(variable)].name +
                        "' has no value here: no step that always comes before gives it one");
        return std::nullopt;
      }
      return operand(owner->second.step, from.input, owner->second.column, variable);
    }
    if (const auto defined = definitions_.find(variable); defined != definitions_.end()) {
      return resolved(s, defined->second);
    }
    error(span, "'" + rule().variables[index_of(variable)].name +
                    "' is bound by no step of the sequence");
    return std::nullopt;
  }
  static bool is_around(const Step& outer, const Step& inner) {
    return outer.inside.size() <= inner.inside.size() &&
           std::equal(outer.inside.begin(), outer.inside.end(), inner.inside.begin());
  }

  std::optional<Expression> resolved(std::size_t s, const Expression& expression) {
    if (is_variable(expression)) return value_at(s, expression.variable, expression.span);
    Expression result = expression;
    for (Expression& argument : result.arguments) {
      auto value = resolved(s, argument);
      if (!value) return std::nullopt;
      argument = std::move(*value);
    }
    return result;
  }

  void add_symbol(std::size_t s) {
    Step& step = steps_[s];
    PatternSymbol symbol;
    symbol.name =
        step.text->atom->alias ? (*step.text->atom->alias).text : step.text->atom->relation.text;
    std::vector<Expression> parts;
    std::set<VariableId> seen;
    for (std::size_t c = 0; c < step.match.terms.size(); ++c) {
      const Expression& term = step.match.terms[c];
      if (term.op == ExpressionOp::kWildcard) continue;
      const Column column = emitter_.environment_.program.relation(step.match.relation).columns[c];
      if (!is_variable(term)) {
        parts.push_back(
            Emitter::compared(ExpressionOp::kIdentical, column_of(s, c, column), term, term.span));
        continue;
      }
      const VariableId variable = term.variable;
      if (!seen.insert(variable).second) {  // Twice in one step.
        parts.push_back(Emitter::compared(ExpressionOp::kIdentical, column_of(s, c, column),
                                          column_of(s, own_.at(s).at(variable), column),
                                          term.span));
        continue;
      }
      const bool is_key = std::find(keys_.begin(), keys_.end(), variable) != keys_.end();
      const auto owner = owners_.find(variable);
      if (is_key || owner == owners_.end() || owner->second.step == s) continue;
      const Step& from = steps_[owner->second.step];
      if (owner->second.step > s || !is_around(from, step)) {
        error(term.span, "'" + rule().variables[index_of(variable)].name +
                             "' has no value here: no step that always comes before gives it one");
        continue;
      }
      parts.push_back(Emitter::compared(
          ExpressionOp::kIdentical, column_of(s, c, column),
          operand(owner->second.step, from.input, owner->second.column, variable), term.span));
    }
    for (const Literal& literal : step.rest) {
      if (defining_.contains(&literal)) continue;
      if (const auto* filter = std::get_if<Filter>(&literal.node)) {
        if (auto condition = resolved(s, filter->condition)) parts.push_back(std::move(*condition));
      } else if (const auto* bind = std::get_if<Bind>(&literal.node)) {
        auto left = value_at(s, bind->variable, literal.span);
        auto right = resolved(s, bind->value);
        if (left && right) {
          parts.push_back(Emitter::compared(ExpressionOp::kIdentical, std::move(*left),
                                            std::move(*right), literal.span));
        }
      } else {
        error(literal.span, "the conditions of a step compare values, nothing else");
      }
    }
    std::optional<Expression> condition;
    for (Expression& part : parts) {
      condition = condition ? Emitter::joined(ExpressionOp::kAnd, {*condition, part}, part.span)
                            : std::move(part);
    }
    if (inputs_.size() > 1) {
      Expression here =
          Emitter::compared(ExpressionOp::kEqual, input_of(),
                            number(static_cast<std::int64_t>(step.input) + 1), step.span);
      if (condition) {
        // Of events of other streams the columns are null, and nothing is asked of them.
        Expression both;
        both.op = ExpressionOp::kIf;
        both.type = vm::Type::boolean();
        both.nullable = condition->nullable;
        both.span = step.span;
        both.arguments = {std::move(here), std::move(*condition),
                          Emitter::constant_bool(false, step.span)};
        condition = std::move(both);
      } else {
        condition = std::move(here);
      }
    }
    symbol.condition = std::move(condition);
    pattern_.symbols.push_back(std::move(symbol));
  }

  Expression input_of() {
    if (!input_operand_) {
      PatternValue value;
      value.result = emitter_.fresh("of_input", kMicroseconds, false, span_);
      value.value = event(kInput);
      input_operand_ = value.result;
      pattern_.operands.push_back(std::move(value));
    }
    return emitter_.read(*input_operand_, span_);
  }

  // A column of the event in question, in its own type.
  Expression column_of(std::size_t s, std::size_t c, const Column& column) {
    const std::uint32_t place = first_column_[steps_[s].input] + static_cast<std::uint32_t>(c);
    const auto key = std::make_pair(std::optional<std::size_t>(), place);
    auto known = operands_.find(key);
    if (known == operands_.end()) {
      PatternValue value;
      value.result = emitter_.fresh("of_" + column.name, column.type, column.nullable, span_);
      value.value = event(place);
      known = operands_.emplace(key, value.result).first;
      pattern_.operands.push_back(std::move(value));
    }
    return emitter_.read(known->second, span_);
  }

  // --- what others see

  void export_variables() {
    for (const auto& [variable, place] : owners_) {
      const Step& step = steps_[place.step];
      PatternValue value;
      value.result = variable;
      value.symbols = {static_cast<std::uint32_t>(place.step)};
      value.value = event(first_column_[step.input] + static_cast<std::uint32_t>(place.column));
      if (!step.inside.empty()) emitter_.may_be_missing_.insert(variable);
      pattern_.measures.push_back(std::move(value));
    }
    for (std::size_t s = 0; s < steps_.size(); ++s) {
      if (!steps_[s].match.row || is_negated(s)) continue;
      PatternValue value;
      value.result = *steps_[s].match.row;
      value.symbols = {static_cast<std::uint32_t>(s)};
      value.value = event(kRow);
      if (!steps_[s].inside.empty()) emitter_.may_be_missing_.insert(value.result);
      pattern_.measures.push_back(std::move(value));
      // An action changes the row: it is looked up, by what the sequence knows of it.
      Match match = steps_[s].match;
      for (std::size_t c = 0; c < match.terms.size(); ++c) {
        const bool own = is_variable(match.terms[c]) && owners_.contains(match.terms[c].variable) &&
                         owners_.at(match.terms[c].variable).step == s &&
                         owners_.at(match.terms[c].variable).column == c;
        if (own) continue;
        const Column column = emitter_.environment_.program.relation(match.relation).columns[c];
        match.terms[c] = Expression();
        match.terms[c].type = column.type;
        match.terms[c].nullable = column.nullable;
        match.terms[c].span = span_;
      }
      rows_.push_back({std::move(match), span_});
    }
    for (const auto& [variable, value] : definitions_) {
      static_cast<void>(value);
      emitter_.may_be_missing_.insert(variable);
    }
  }

  Emitter& emitter_;
  const grammar::Sequence& sequence_;
  const SourceSpan span_;
  std::vector<Step> steps_;
  std::optional<Expression> within_;
  std::map<std::size_t, Expression> deadlines_;  // By step.
  std::vector<RelationId> inputs_;
  std::map<std::size_t, std::map<VariableId, std::size_t>> own_;  // By step: variables, and where.
  std::map<VariableId, Place> owners_;                            // Which step gives it its value.
  std::map<VariableId, Expression> definitions_;
  std::set<const Literal*> defining_;
  std::vector<VariableId> keys_;
  std::vector<std::uint32_t> first_column_;  // By input, in the events' relation.
  std::vector<VariableId> events_;           // By column.
  std::map<std::pair<std::optional<std::size_t>, std::uint32_t>, VariableId> operands_;
  std::optional<VariableId> input_operand_;
  std::vector<Literal> rows_;
  Pattern pattern_;
};

void Emitter::sequence(std::span<const CoreCondition> steps,
                       std::span<const Direction> directions) {
  const grammar::Sequence& text = *steps.front().sequence;
  const SourceSpan span = steps.front().span;
  SequenceMaker maker(*this, text, span);
  const auto duration = [&](const CoreTerm& term) { return expression(term); };
  if (text.within) maker.set_within(duration(steps.front().keys.back()));
  std::size_t number = 0;
  for (std::size_t i = 0; i < steps.size(); ++number) {
    Body made;
    Body* const outer = std::exchange(out_, &made);
    const std::uint32_t step = steps[i].step;
    const SourceSpan at = steps[i].span;
    for (; i < steps.size() && steps[i].step == step; ++i) {
      if (steps[i].kind == ConditionKind::kAbsent) {
        made = inner(steps[i].body);
        if (!steps[i].keys.empty()) maker.add_deadline(number, duration(steps[i].keys.front()));
      } else {
        condition(steps[i], directions[i]);
      }
    }
    out_ = outer;
    // Equations of constants and the like may stand before the event.
    const auto found = std::find_if(made.begin(), made.end(), [](const Literal& literal) {
      return std::holds_alternative<Match>(literal.node);
    });
    if (found == made.end()) return;  // A mistake that was reported.
    Match match = std::get<Match>(found->node);
    made.erase(found);
    maker.add_step(std::move(match), std::move(made), at);
  }
  maker.run();
}

// Values that nobody asks for are not handed on; those that a match need not have cannot be asked for.
void Emitter::prune_sequences(Body& body, const std::set<VariableId>& used_elsewhere) {
  for (std::size_t i = 0; i < body.size(); ++i) {
    auto* pattern = std::get_if<Pattern>(&body[i].node);
    if (pattern == nullptr) continue;
    std::set<VariableId> used = used_elsewhere;
    for (std::size_t k = 0; k < body.size(); ++k) {
      if (k != i) used.merge(variables_of(body[k]));
    }
    std::erase_if(pattern->measures,
                  [&](const PatternValue& measure) { return used.count(measure.result) == 0; });
    for (const VariableId variable : used) {
      if (may_be_missing_.count(variable) == 0) continue;
      environment_.diagnostics.error(
          body[i].span,
          "'" + rule_.variables[index_of(variable)].name +
              "' has no value where its step is left out, or it is computed inside of "
              "the sequence: it cannot be used outside of it");
    }
  }
}

}  // namespace entail::datalog
