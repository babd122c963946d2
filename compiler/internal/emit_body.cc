#include "compiler/internal/emit_body.h"

#include <algorithm>
#include <utility>

#include "datalog/body_walk.h"
#include "vm/base/ensure.h"

namespace entail::compiler::internal {

namespace {

using datalog::Expression;
using datalog::ExpressionOp;
using vm::kNoRegister;
using vm::Opcode;

}  // namespace

// ---------------------------------------------------------------------------------------------------
// Pipelines and loops

void BodyEmitter::run_pipeline(const std::vector<Step>& steps, const std::set<VariableId>& needed,
                               const std::function<void()>& at_end,
                               const std::function<void()>& after_source_open) {
  after_source_open_ = after_source_open;
  run_steps(steps, Live(needed.begin(), needed.end()));
  at_end();
  drop_temporaries();
  close_loops();
}

void BodyEmitter::run_groups(const std::vector<Step>& steps,
                             std::optional<std::uint16_t> group_table,
                             const std::set<VariableId>& needed,
                             const std::function<void()>& at_end) {
  const auto& reduce = std::get<datalog::Reduce>(steps.front().literal->node);
  const std::uint16_t cursor = f_.cursor();
  environment_.batch = f_.batch();
  std::vector<std::uint16_t> registers;
  for (const datalog::GroupKey& key : reduce.keys) {
    Slot slot;
    slot.loaded = true;
    slot.value.type = key.value.type;
    slot.value.words[0] = f_.words().allocate();
    registers.push_back(slot.value.words[0]);
    if (vm::value_words(key.value.type) == 2) {
      slot.value.words[1] = f_.words().allocate();
      registers.push_back(slot.value.words[1]);
    }
    if (key.value.nullable) {
      slot.value.null = f_.words().allocate();
      registers.push_back(slot.value.null);
    }
    environment_.slots[key.result] = slot;
  }
  const std::vector<Value> results = result_registers(reduce, registers);
  if (group_table) {
    f_.emit(Opcode::kGroupScanOpen, cursor, *group_table);
  } else {
    f_.emit(Opcode::kGivenOpen, cursor);
  }
  open_loop(f_.emit(group_table ? Opcode::kGroupScanNext : Opcode::kGivenNext, cursor,
                    environment_.batch, 0, 0, f_.list(registers)));
  bind_results(reduce, results);
  live_after_ = steps.front().live;
  std::vector<Step> rest(steps.begin() + 1, steps.end());
  live_before_ = steps.front().live;
  run_steps(rest, Live(needed.begin(), needed.end()));
  at_end();
  drop_temporaries();
  close_loops();
}

void BodyEmitter::run_given(const std::vector<VariableId>& variables,
                            const std::vector<ColumnLayout>& columns, std::uint32_t words,
                            const std::vector<Step>& steps, const std::set<VariableId>& needed,
                            const std::function<void()>& at_end, std::uint16_t rank_table) {
  const std::uint16_t cursor = f_.cursor();
  environment_.batch = f_.batch();
  std::vector<std::uint16_t> registers;
  for (std::uint32_t word = 0; word < words; ++word) registers.push_back(f_.words().allocate());
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const ColumnLayout& column = columns[i];
    Slot slot;
    slot.loaded = true;
    slot.value.type = column.type;
    slot.value.words[0] = registers[column.first_word];
    if (column.value_words == 2) slot.value.words[1] = registers[column.first_word + 1];
    if (column.nullable) slot.value.null = registers[column.null_word()];
    environment_.slots[variables[i]] = slot;
    live_before_.push_back(variables[i]);
  }
  std::sort(live_before_.begin(), live_before_.end());
  f_.emit(Opcode::kGivenOpen, cursor, rank_table);
  open_loop(f_.emit(Opcode::kGivenNext, cursor, environment_.batch, 0, 0, f_.list(registers)));
  run_steps(steps, Live(needed.begin(), needed.end()));
  at_end();
  drop_temporaries();
  close_loops();
}

void BodyEmitter::open_loop(std::uint32_t next_instruction) {
  if (innermost_next_) {
    f_.at(next_instruction).f = *innermost_next_;
  } else {
    exits_.push_back(next_instruction);
  }
  innermost_next_ = next_instruction;
}

void BodyEmitter::close_loops() {
  if (innermost_next_) f_.emit(Opcode::kJump, 0, 0, 0, 0, 0, *innermost_next_);
  for (const std::uint32_t exit : exits_) f_.at(exit).f = f_.position();
  exits_.clear();
  innermost_next_.reset();
}

void BodyEmitter::run_steps(const std::vector<Step>& steps, const Live& final_live) {
  for (const Step& step : steps) {
    live_after_ = step.live;
    run_step(step);
    drop_temporaries();
    live_before_ = step.live;
  }
  live_after_ = live_before_ = final_live;
  flush();
}

void BodyEmitter::run_step(const Step& step) {
  switch (step.kind) {
    case StepKind::kUnit:
    case StepKind::kScan:
    case StepKind::kEqScan:
      return emit_source(step);
    case StepKind::kProbe:
    case StepKind::kRange:
    case StepKind::kCross:
      return emit_probe(step);
    case StepKind::kEqProbe:
    case StepKind::kEqCross:
      return emit_equivalence(step);
    case StepKind::kMember:
    case StepKind::kSemi:
    case StepKind::kNonEmpty:
    case StepKind::kEqMember:
      return emit_member(step);
    case StepKind::kFilter:
      return emit_filter(step);
    case StepKind::kBind:
    case StepKind::kCompare:
      return emit_bind(step);
    case StepKind::kEach:
      return emit_each(step);
    case StepKind::kMark:
      return emit_mark(step);
    case StepKind::kCount:
      return emit_count(step);
    case StepKind::kReduce:
      return emit_reduce(step);
    case StepKind::kGroups:
    case StepKind::kRanks:
      ENTAIL_UNREACHABLE("groups and ranks are the source of a fragment of their own");
  }
}

// ---------------------------------------------------------------------------------------------------
// Values

ExpressionEmitter BodyEmitter::expressions() {
  return ExpressionEmitter(f_, environment_.batch,
                           [this](VariableId variable) { return variable_value(variable); });
}

Value BodyEmitter::load_column(std::uint16_t row, datalog::RelationId relation,
                               std::uint32_t column) {
  const ColumnLayout& placed = layout(relation).columns[column];
  const std::uint16_t operand = f_.owner().operand_of(relation);
  auto load = [&](std::uint32_t word) {
    const std::uint16_t number = f_.words().allocate();
    f_.emit(Opcode::kLoad, number, row, operand, environment_.batch, word);
    return number;
  };
  Value value;
  value.type = placed.type;
  value.words[0] = load(placed.first_word);
  if (placed.value_words == 2) value.words[1] = load(placed.first_word + 1);
  if (placed.nullable) value.null = load(placed.null_word());
  return value;
}

Value BodyEmitter::variable_value(VariableId variable) {
  const auto found = environment_.slots.find(variable);
  if (found == environment_.slots.end()) {
    const datalog::Variable& wanted = f_.rule().variables[datalog::index_of(variable)];
    f_.owner().refuse("a subquery or group in rule '" + f_.rule().name +
                      "' that needs the value of '" + wanted.name +
                      "' before it is known is not executed yet");
    Value value;
    value.type = wanted.type;
    value.words[0] = f_.words().allocate();
    if (vm::value_words(wanted.type) == 2) value.words[1] = f_.words().allocate();
    return value;
  }
  Slot& slot = found->second;
  if (!slot.loaded) {
    slot.value = load_column(slot.row, slot.relation, slot.column);
    slot.loaded = true;
  }
  return slot.value;
}

void BodyEmitter::own(Value& value) {
  for (const std::uint16_t number : {value.words[0], value.words[1], value.null}) {
    if (number != kNoRegister) f_.adopt(number);
  }
  value.error = kNoRegister;
}

Value BodyEmitter::raise(const Expression& expression, Value value) {
  if (value.error != kNoRegister && !is_settled_) {
    if (purpose_ == EmitFor::kOnce) {
      f_.emit(Opcode::kRaise, value.error, 0, 0, environment_.batch,
              f_.owner().place_of(f_.rule_id(), f_.rule(), expression));
    } else {
      divert(expression, value.error);
    }
  }
  value.error = kNoRegister;
  return value;
}

void BodyEmitter::divert(const Expression& expression, std::uint16_t error) {
  const std::uint32_t place = f_.owner().place_of(f_.rule_id(), f_.rule(), expression);
  std::vector<std::uint16_t> registers;
  for (const VariableId variable : datalog::variables_of(expression)) {
    const Value value = variable_value(variable);
    const datalog::Variable& described = f_.rule().variables[datalog::index_of(variable)];
    f_.owner().program().places[place].values.push_back(
        {described.name, described.type, value.null != kNoRegister});
    for (const std::uint16_t number : {value.words[0], value.words[1], value.null}) {
      if (number != kNoRegister) registers.push_back(number);
    }
  }
  f_.emit(Opcode::kDivert, error, 0, 0, environment_.batch, place, f_.list(registers));
  const std::uint16_t failed = f_.temporary();
  f_.emit(Opcode::kNonZero, failed, error, 0, environment_.batch);
  add_condition(expressions().invert(failed));
}

void BodyEmitter::settle(
    const std::function<void(std::vector<std::uint16_t>& null_free)>& collect) {
  std::vector<std::uint16_t> null_free;
  collect(null_free);
  require_null_free(null_free);
  if (condition_ == kNoRegister) return;
  flush();
  drop_temporaries();
  null_free.clear();
  is_settled_ = true;
  collect(null_free);
  is_settled_ = false;
}

Value BodyEmitter::evaluate(const Expression& expression) {
  return raise(expression, expressions().emit(expression));
}

bool BodyEmitter::is_live(VariableId variable) const {
  return std::binary_search(live_after_.begin(), live_after_.end(), variable);
}

void BodyEmitter::bind_or_compare(VariableId variable, const Value& value) {
  if (is_bound(variable)) {
    add_condition(expressions().identical(variable_value(variable), value));
    return;
  }
  Slot slot;
  slot.loaded = true;
  slot.value = value;
  environment_.slots[variable] = slot;
}

void BodyEmitter::append_column_words(const Value& value, const ColumnLayout& column,
                                      std::vector<std::uint16_t>& words,
                                      std::vector<std::uint16_t>& must_be_null_free) {
  words.push_back(value.words[0]);
  if (column.value_words == 2) words.push_back(value.words[1]);
  if (column.nullable) {
    words.push_back(value.null == kNoRegister ? f_.constant(0) : value.null);
  } else if (value.null != kNoRegister) {
    must_be_null_free.push_back(value.null);
  }
}

std::vector<std::uint16_t> BodyEmitter::given_words(const Step& step,
                                                    std::vector<std::uint16_t>& null_free) {
  std::vector<std::uint16_t> words;
  const RelationLayout& placed = layout(step.match->relation);
  for (const std::uint32_t column : step.given) {
    const Value value = expressions().emit(step.match->terms[column]);
    append_column_words(value, placed.columns[column], words, null_free);
  }
  if (placed.columns.empty()) words.push_back(f_.constant(0));
  return words;
}

void BodyEmitter::require_null_free(const std::vector<std::uint16_t>& flags) {
  for (const std::uint16_t flag : flags) add_condition(expressions().invert(flag));
}

// ---------------------------------------------------------------------------------------------------
// Batches

void BodyEmitter::add_condition(std::uint16_t flag) {
  const std::uint16_t merged =
      condition_ == kNoRegister ? flag : expressions().both(condition_, flag);
  if (condition_ != kNoRegister && condition_ != merged) f_.words().release(condition_);
  f_.adopt(merged);
  condition_ = merged;
}

void BodyEmitter::flush() {
  if (condition_ == kNoRegister) return;
  const std::uint16_t lanes = f_.rows().allocate();
  const std::uint16_t batch = f_.batch();
  f_.emit(Opcode::kFilter, lanes, condition_, environment_.batch, batch);
  // A condition may be a variable's own register; then the variable's owner frees it.
  bool shared = false;
  for (const auto& [variable, slot] : environment_.slots) {
    shared = shared || (slot.loaded && slot.value.words[0] == condition_);
  }
  if (!shared) f_.words().release(condition_);
  condition_ = kNoRegister;
  contract(lanes, batch, live_before_);
  f_.rows().release(lanes);
}

void BodyEmitter::release_dead(const Environment& before, const Environment& after) {
  std::set<std::uint16_t> words, rows;
  auto collect = [](const Environment& environment, std::set<std::uint16_t>& word_set,
                    std::set<std::uint16_t>& row_set) {
    for (const auto& [variable, slot] : environment.slots) {
      if (slot.loaded) {
        for (const std::uint16_t number :
             {slot.value.words[0], slot.value.words[1], slot.value.null}) {
          if (number != kNoRegister) word_set.insert(number);
        }
      } else {
        row_set.insert(slot.row);
      }
    }
    if (environment.origin != kNoRegister) row_set.insert(environment.origin);
    if (environment.rank != kNoRegister) word_set.insert(environment.rank);
  };
  std::set<std::uint16_t> kept_words, kept_rows;
  collect(before, words, rows);
  collect(after, kept_words, kept_rows);
  for (const std::uint16_t number : words) {
    if (kept_words.count(number) == 0) f_.words().release(number);
  }
  for (const std::uint16_t number : rows) {
    if (kept_rows.count(number) == 0) f_.rows().release(number);
  }
}

void BodyEmitter::contract(std::uint16_t lanes, std::uint16_t batch, const Live& live) {
  Environment next;
  next.batch = batch;
  std::map<std::uint16_t, std::uint16_t> taken_words, taken_rows;
  auto take_word = [&](std::uint16_t number) {
    if (number == kNoRegister) return number;
    const auto [place, added] = taken_words.emplace(number, kNoRegister);
    if (added) {
      place->second = f_.words().allocate();
      f_.emit(Opcode::kTake, place->second, number, lanes, batch);
    }
    return place->second;
  };
  auto take_row = [&](std::uint16_t number) {
    const auto [place, added] = taken_rows.emplace(number, kNoRegister);
    if (added) {
      place->second = f_.rows().allocate();
      f_.emit(Opcode::kTakeRows, place->second, number, lanes, batch);
    }
    return place->second;
  };
  for (const auto& [variable, slot] : environment_.slots) {
    const bool uniform = slot.loaded && slot.value.uniform;
    if (!uniform && !std::binary_search(live.begin(), live.end(), variable)) continue;
    Slot moved = slot;
    if (!slot.loaded) {
      moved.row = take_row(slot.row);
    } else if (!uniform) {
      moved.value.words[0] = take_word(slot.value.words[0]);
      moved.value.words[1] = take_word(slot.value.words[1]);
      moved.value.null = take_word(slot.value.null);
    }
    next.slots[variable] = moved;
  }
  if (environment_.origin != kNoRegister) next.origin = take_row(environment_.origin);
  next.rank = take_word(environment_.rank);
  const Environment before = std::move(environment_);
  environment_ = std::move(next);
  release_dead(before, environment_);
}

void BodyEmitter::prepare_expansion(const Live& live) {
  Environment kept;
  kept.batch = environment_.batch;
  kept.origin = environment_.origin;
  kept.rank = environment_.rank;
  for (auto& [variable, slot] : environment_.slots) {
    const bool uniform = slot.loaded && slot.value.uniform;
    if (!uniform && !std::binary_search(live.begin(), live.end(), variable)) continue;
    variable_value(variable);  // Loaded here once, not once for each match.
    kept.slots[variable] = slot;
  }
  const Environment before = std::move(environment_);
  environment_ = std::move(kept);
  release_dead(before, environment_);
}

void BodyEmitter::expand(std::uint16_t lanes, std::uint16_t batch, const Live& live) {
  for (const auto& [variable, slot] : environment_.slots) {
    if (slot.value.uniform) continue;
    for (const std::uint16_t number : {slot.value.words[0], slot.value.words[1], slot.value.null}) {
      if (number != kNoRegister) f_.words().freeze(number);
    }
  }
  if (environment_.origin != kNoRegister) f_.rows().freeze(environment_.origin);
  if (environment_.rank != kNoRegister) f_.words().freeze(environment_.rank);
  contract(lanes, batch, live);
  f_.rows().release(lanes);
}

// ---------------------------------------------------------------------------------------------------
// Atoms

void BodyEmitter::bind_match(const Step& step, std::uint16_t row, bool compare_given) {
  const datalog::Match& match = *step.match;
  auto is_given = [&](std::uint32_t column) {
    return std::find(step.given.begin(), step.given.end(), column) != step.given.end();
  };
  for (std::uint32_t column = 0; column < match.terms.size(); ++column) {
    const Expression& term = match.terms[column];
    if (term.op == ExpressionOp::kWildcard) continue;
    const bool is_variable = term.op == ExpressionOp::kVariable;
    if (is_given(column) || !is_variable) {
      if (!compare_given && is_given(column)) continue;
      Value loaded = load_column(row, match.relation, column);
      add_condition(expressions().identical(loaded, expressions().emit(term)));
      for (const std::uint16_t number : {loaded.words[0], loaded.words[1], loaded.null}) {
        if (number != kNoRegister) f_.words().release(number);
      }
      continue;
    }
    if (is_bound(term.variable)) {  // p(x, x)
      Value loaded = load_column(row, match.relation, column);
      add_condition(expressions().identical(variable_value(term.variable), loaded));
      for (const std::uint16_t number : {loaded.words[0], loaded.words[1], loaded.null}) {
        if (number != kNoRegister) f_.words().release(number);
      }
      continue;
    }
    const bool repeated =
        std::count_if(match.terms.begin(), match.terms.end(), [&](const Expression& other) {
          return other.op == ExpressionOp::kVariable && other.variable == term.variable;
        }) > 1;
    if (!repeated && !is_live(term.variable)) continue;
    Slot slot;
    slot.row = row;
    slot.relation = match.relation;
    slot.column = column;
    environment_.slots[term.variable] = slot;
  }
  if (match.row && is_live(*match.row)) {
    Value identity;
    identity.type = f_.rule().variables[datalog::index_of(*match.row)].type;
    identity.words[0] = f_.words().allocate();
    f_.emit(Opcode::kLoadRowIdentity, identity.words[0], row, f_.owner().operand_of(match.relation),
            environment_.batch);
    bind_or_compare(*match.row, identity);
  }
}

void BodyEmitter::join_rank(datalog::RelationId relation, std::uint16_t row) {
  if (ranked_.count(relation) == 0) return;
  const std::uint16_t loaded = f_.words().allocate();
  f_.emit(Opcode::kLoadRank, loaded, row, f_.owner().operand_of(relation), environment_.batch);
  const std::uint16_t known = environment_.rank;
  environment_.rank = loaded;
  if (known == kNoRegister) return;
  environment_.rank = f_.words().allocate();
  f_.emit(Opcode::kMaxU, environment_.rank, known, loaded, environment_.batch);
  f_.words().release(known);
  f_.words().release(loaded);
}

void BodyEmitter::emit_source(const Step& step) {
  const std::uint16_t cursor = f_.cursor();
  environment_.batch = f_.batch();
  auto opened = [&] {
    if (after_source_open_) after_source_open_();
    after_source_open_ = {};
  };
  if (step.kind == StepKind::kUnit) {
    f_.emit(Opcode::kUnitOpen, cursor);
    opened();
    open_loop(f_.emit(Opcode::kUnitNext, cursor, environment_.batch));
    return;
  }
  const std::uint16_t relation = f_.owner().operand_of(step.match->relation);
  if (step.kind == StepKind::kScan) {
    const std::uint16_t row = f_.rows().allocate();
    f_.emit(Opcode::kScanOpen, cursor, relation, 0, 0, 0, 0, view_flags_of(step));
    opened();
    open_loop(f_.emit(Opcode::kScanNext, cursor, environment_.batch, row));
    if (purpose_ == EmitFor::kBound) {
      environment_.origin = row;
      bind_match(step, row, /*compare_given=*/true);
      return;
    }
    bind_match(step, row, /*compare_given=*/true);
    join_rank(step.match->relation, row);
    return;
  }
  const std::uint16_t left = f_.words().allocate();
  const std::uint16_t right = f_.words().allocate();
  f_.emit(Opcode::kEqScanOpen, cursor, relation, 0, 0, 0, 0, view_flags_of(step));
  opened();
  open_loop(f_.emit(Opcode::kEqScanNext, cursor, environment_.batch, left, right));
  const std::uint16_t members[2] = {left, right};
  for (std::uint32_t column = 0; column < 2; ++column) {
    const Expression& term = step.match->terms[column];
    if (term.op != ExpressionOp::kVariable) continue;
    Value value;
    value.type = term.type;
    value.words[0] = members[column];
    bind_or_compare(term.variable, value);
  }
}

void BodyEmitter::emit_probe(const Step& step) {
  flush();
  std::vector<std::uint16_t> keys;
  std::uint16_t low = kNoRegister, high = kNoRegister;
  settle([&](std::vector<std::uint16_t>& null_free) {
    keys = given_words(step, null_free);
    for (const bool is_low : {true, false}) {
      const Expression* const bound = is_low ? step.low : step.high;
      if (bound == nullptr) continue;
      const Value value = evaluate(*bound);
      (is_low ? low : high) = value.words[0];
      if (value.null != kNoRegister)
        null_free.push_back(value.null);  // Nothing compares with null.
    }
  });
  const std::uint16_t cursor = f_.cursor();
  const std::uint16_t relation = f_.owner().operand_of(step.match->relation);
  const std::uint16_t outer = environment_.batch;
  if (step.kind == StepKind::kCross) {
    f_.emit(Opcode::kCrossOpen, cursor, relation, outer, 0, 0, 0, view_flags_of(step));
  } else if (step.kind == StepKind::kRange || step.open_range) {
    std::uint16_t flags = view_flags_of(step);
    if (step.low_inclusive) flags |= vm::kLowInclusive;
    if (step.high_inclusive) flags |= vm::kHighInclusive;
    keys.push_back(low);
    keys.push_back(high);
    f_.emit(Opcode::kRangeOpen, cursor, relation, outer, 0, step.index, f_.list(keys), flags);
  } else {
    f_.emit(Opcode::kProbeOpen, cursor, relation, outer, 0, step.index, f_.list(keys),
            view_flags_of(step));
  }
  drop_temporaries();
  // What is known and not looked up is compared behind the loop's head.
  Live live = live_after_;
  for (std::uint32_t column = 0; column < step.match->terms.size(); ++column) {
    const Expression& term = step.match->terms[column];
    if (term.op != ExpressionOp::kVariable || !is_bound(term.variable)) continue;
    if (std::find(step.given.begin(), step.given.end(), column) != step.given.end()) continue;
    const auto place = std::lower_bound(live.begin(), live.end(), term.variable);
    if (place == live.end() || *place != term.variable) live.insert(place, term.variable);
  }
  prepare_expansion(live);
  const std::uint16_t batch = f_.batch();
  const std::uint16_t lanes = f_.rows().allocate();
  const std::uint16_t row = f_.rows().allocate();
  open_loop(f_.emit(Opcode::kProbeNext, cursor, batch, lanes, row));
  expand(lanes, batch, live);
  bind_match(step, row, /*compare_given=*/false);
  join_rank(step.match->relation, row);
}

void BodyEmitter::emit_equivalence(const Step& step) {
  flush();
  const std::uint16_t cursor = f_.cursor();
  const std::uint16_t relation = f_.owner().operand_of(step.match->relation);
  const std::uint16_t outer = environment_.batch;
  const bool cross = step.kind == StepKind::kEqCross;
  if (cross) {
    f_.emit(Opcode::kEqCrossOpen, cursor, relation, outer, 0, 0, 0, view_flags_of(step));
  } else {
    const Value given = expressions().emit(step.match->terms[step.given.front()]);
    f_.emit(Opcode::kEqProbeOpen, cursor, relation, outer, given.words[0]);
    drop_temporaries();
  }
  prepare_expansion(live_after_);
  const std::uint16_t batch = f_.batch();
  const std::uint16_t lanes = f_.rows().allocate();
  std::array<std::uint16_t, 2> members{};
  if (cross) {
    members = {f_.words().allocate(), f_.words().allocate()};
    open_loop(f_.emit(Opcode::kEqCrossNext, cursor, batch, lanes, members[0], members[1]));
  } else {
    members[1 - step.given.front()] = f_.words().allocate();
    open_loop(f_.emit(Opcode::kEqProbeNext, cursor, batch, lanes, members[1 - step.given.front()]));
  }
  expand(lanes, batch, live_after_);
  for (std::uint32_t column = 0; column < 2; ++column) {
    const Expression& term = step.match->terms[column];
    const bool given = !cross && column == step.given.front();
    if (given || term.op != ExpressionOp::kVariable) continue;
    Value value;
    value.type = term.type;
    value.words[0] = members[column];
    bind_or_compare(term.variable, value);
  }
}

void BodyEmitter::emit_test(const Step& step, const std::vector<std::uint16_t>& words,
                            bool negate) {
  const std::uint16_t relation = f_.owner().operand_of(step.match->relation);
  const std::uint16_t lanes = f_.rows().allocate();
  const std::uint16_t batch = f_.batch();
  const std::uint16_t outer = environment_.batch;
  const auto flags = static_cast<std::uint16_t>(view_flags_of(step) | (negate ? vm::kNegate : 0));
  switch (step.kind) {
    case StepKind::kMember:
      f_.emit(Opcode::kContains, lanes, relation, outer, batch, f_.list(words), 0, flags);
      break;
    case StepKind::kSemi:
      f_.emit(Opcode::kContainsKey, lanes, relation, outer, batch, step.index, f_.list(words),
              flags);
      break;
    case StepKind::kEqMember:
      // One side given: is it in any class, which is to be equivalent to itself.
      f_.emit(Opcode::kEqContains, lanes, relation, outer, batch,
              f_.list({words[0], words.size() > 1 ? words[1] : words[0]}), 0, flags);
      break;
    default:
      f_.emit(Opcode::kNonEmpty, lanes, relation, outer, batch, 0, 0, flags);
      break;
  }
  contract(lanes, batch, live_after_);
  f_.rows().release(lanes);
}

void BodyEmitter::emit_member(const Step& step) {
  flush();
  std::vector<std::uint16_t> null_free;
  std::vector<std::uint16_t> words;
  if (step.kind != StepKind::kNonEmpty) words = given_words(step, null_free);
  if (null_free.empty()) return emit_test(step, words, step.negate);
  // A null is in no column that cannot hold one.
  auto positive = [&, this] {
    std::vector<std::uint16_t> flags;
    given_words(step, flags);
    require_null_free(flags);
    flush();
    drop_temporaries();
    flags.clear();
    emit_test(step, given_words(step, flags), false);
  };
  drop_temporaries();
  if (!step.negate) return positive();
  mark_pipeline(true, live_after_, positive);
}

// ---------------------------------------------------------------------------------------------------
// Expressions

void BodyEmitter::emit_filter(const Step& step) {
  const Expression& condition = std::get<datalog::Filter>(step.literal->node).condition;
  if (datalog::can_fail(condition)) flush();
  const Value value = evaluate(condition);
  std::uint16_t flag = value.words[0];
  // The condition's register is consumed, so a variable's own must not be it.
  if (!f_.is_temporary(flag)) {
    flag = f_.temporary();
    f_.emit(Opcode::kCopy, flag, value.words[0], 0, environment_.batch);
  }
  add_condition(flag);
}

void BodyEmitter::emit_bind(const Step& step) {
  const auto& bind = std::get<datalog::Bind>(step.literal->node);
  const VariableId target = step.reversed ? bind.value.variable : bind.variable;
  if (step.kind == StepKind::kBind && bind.value.op == ExpressionOp::kVariable) {
    const VariableId source = step.reversed ? bind.variable : bind.value.variable;
    environment_.slots[target] = environment_.slots.at(source);
    return;
  }
  if (datalog::can_fail(bind.value)) flush();
  if (step.kind == StepKind::kCompare) {
    const Value value = evaluate(bind.value);
    add_condition(expressions().identical(variable_value(bind.variable), value));
    return;
  }
  if (bind.value.op != ExpressionOp::kConstant && bind.value.op != ExpressionOp::kNull &&
      bind.value.op != ExpressionOp::kParameter) {
    flush();
  }
  Value value = evaluate(bind.value);
  own(value);
  Slot slot;
  slot.loaded = true;
  slot.value = value;
  environment_.slots[target] = slot;
}

void BodyEmitter::emit_each(const Step& step) {
  flush();
  const auto& each = std::get<datalog::Each>(step.literal->node);
  const vm::Type type = f_.rule().variables[datalog::index_of(each.variable)].type;
  std::vector<std::uint16_t> registers;
  settle(
      [&](std::vector<std::uint16_t>& null_free) {  // Of a null there is no range and no element.
        registers.clear();
        for (const Expression& argument : each.arguments) {
          const Value value = evaluate(argument);
          registers.push_back(value.words[0]);
          if (value.null != kNoRegister) null_free.push_back(value.null);
        }
      });
  const std::uint16_t cursor = f_.cursor();
  const std::uint16_t outer = environment_.batch;
  if (each.generator == datalog::Generator::kElements) {
    const vm::TypeTable& types = f_.owner().rules().types;
    const vm::TypeId array = each.arguments.front().type.detail;
    if (vm::words_of(types.array_element(array), types.array_element_nullable(array)) != 1) {
      f_.owner().refuse("elements of more than one word in rule '" + f_.rule().name + "'");
    }
    f_.emit(Opcode::kElementsOpen, cursor, 0, outer, registers.front());
  } else {
    std::uint16_t flags = vm::kRangeSigned;
    if (type.kind == vm::TypeKind::kUnsigned) flags = vm::kRangeUnsigned;
    if (type.kind == vm::TypeKind::kFloat8) flags = vm::kRangeFloat;
    if (type.kind == vm::TypeKind::kFloat4) {
      // Counted as float8; the values are narrowed.
      flags = vm::kRangeFloat;
      for (std::uint16_t& bound : registers) {
        const std::uint16_t wide = f_.temporary();
        f_.emit(Opcode::kWidenF32, wide, bound, 0, outer);
        bound = wide;
      }
    }
    if (registers.size() == 2) registers.push_back(kNoRegister);
    f_.emit(Opcode::kRangeGenOpen, cursor, 0, outer, 0, 0, f_.list(registers), flags);
  }
  drop_temporaries();
  // The variable may be bound already; then the values are compared with it in the loop.
  Live live = live_after_;
  if (is_bound(each.variable) && !is_live(each.variable)) {
    live.insert(std::upper_bound(live.begin(), live.end(), each.variable), each.variable);
  }
  prepare_expansion(live);
  const std::uint16_t batch = f_.batch();
  const std::uint16_t lanes = f_.rows().allocate();
  Value value;
  value.type = type;
  value.words[0] = f_.words().allocate();
  open_loop(f_.emit(Opcode::kGenNext, cursor, batch, lanes, value.words[0]));
  expand(lanes, batch, live);
  if (type.kind == vm::TypeKind::kFloat4 && each.generator == datalog::Generator::kRange) {
    const std::uint16_t narrow = f_.words().allocate();
    f_.emit(Opcode::kNarrowF32, narrow, value.words[0], 0, environment_.batch);
    f_.words().release(value.words[0]);
    value.words[0] = narrow;
  }
  bind_or_compare(each.variable, value);
}

// ---------------------------------------------------------------------------------------------------
// Heads

void BodyEmitter::collect_head(const datalog::Head& head, std::vector<std::uint16_t>& words,
                               std::vector<std::uint16_t>& null_free) {
  const RelationLayout& placed = layout(head.relation);
  words.clear();
  for (std::uint32_t i = 0; i < head.terms.size(); ++i) {
    append_column_words(evaluate(head.terms[i]), placed.columns[i], words, null_free);
  }
  if (words.empty()) words.push_back(f_.constant(0));
}

std::uint16_t BodyEmitter::next_rank() {
  const std::uint16_t one = f_.constant(1);
  if (environment_.rank == kNoRegister) return one;
  const std::uint16_t next = f_.temporary();
  f_.emit(Opcode::kAddI, next, environment_.rank, one, environment_.batch);
  return next;
}

void BodyEmitter::insert(const datalog::Head& head) {
  std::vector<std::uint16_t> words;
  settle([&](std::vector<std::uint16_t>& null_free) { collect_head(head, words, null_free); });
  const std::uint16_t rank = ranked_.count(head.relation) != 0 ? next_rank() : kNoRegister;
  f_.emit(Opcode::kInsert, f_.owner().operand_of(head.relation), environment_.batch, rank, 0,
          f_.list(words));
}

void BodyEmitter::emit_head(const datalog::Head& head) {
  std::vector<std::uint16_t> words;
  settle([&](std::vector<std::uint16_t>& null_free) { collect_head(head, words, null_free); });
  const std::uint16_t rank = ranked_.count(head.relation) != 0 ? next_rank() : kNoRegister;
  f_.emit(Opcode::kEmit, 0, environment_.batch, rank, kNoRegister, f_.list(words));
}

void BodyEmitter::emit_group_input(const datalog::Reduce& reduce) {
  std::vector<std::uint16_t> words;
  settle([&](std::vector<std::uint16_t>& null_free) {
    words.clear();
    collect_group_keys(reduce, words, null_free);
    for (const datalog::Aggregate& aggregate : reduce.aggregates) {
      if (!aggregate.argument && !aggregate.condition) continue;
      extras_.clear();
      const std::size_t first = words.size();
      append_arguments(aggregate, words);
      words.insert(words.end(), extras_.begin(), extras_.end());  // A second word.
      for (std::size_t i = first; i < words.size(); ++i) {
        if (words[i] == kNoRegister) words[i] = f_.constant(0);
      }
    }
  });
  if (words.empty()) words.push_back(f_.constant(0));  // A count of everything.
  f_.emit(Opcode::kEmit, 0, environment_.batch, kNoRegister, kNoRegister, f_.list(words));
}

void BodyEmitter::emit_values(const std::vector<Expression>& values,
                              const std::vector<ColumnLayout>& columns, std::uint16_t rank_table) {
  std::vector<std::uint16_t> words;
  settle([&](std::vector<std::uint16_t>& null_free) {
    words.clear();
    for (std::size_t i = 0; i < values.size(); ++i) {
      append_column_words(evaluate(values[i]), columns[i], words, null_free);
    }
  });
  if (words.empty()) words.push_back(f_.constant(0));
  f_.emit(Opcode::kEmit, rank_table, environment_.batch, kNoRegister, kNoRegister, f_.list(words));
}

void BodyEmitter::emit_origin() {
  f_.emit(Opcode::kEmit, 0, environment_.batch, next_rank(), environment_.origin, f_.list({}));
}

}  // namespace entail::compiler::internal
