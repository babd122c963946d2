#include "vm/pattern_matcher.h"

#include <algorithm>
#include <array>
#include <string>

#include "vm/base/ensure.h"
#include "vm/lane_error.h"

namespace entail::vm {

namespace {

using Kind = PatternTransition::Kind;

// Conditions are asked of so many rows at once where they do not depend on the match.
constexpr std::uint32_t kRowsAhead = 1024;
// So many steps may an attempt take for each row of the partition, where the threads of a state differ in what
// conditions ask of them; and as many to begin with.
constexpr std::uint64_t kStepsPerRow = 10'000;
constexpr std::uint64_t kStepsAtLeast = 100'000'000;
constexpr std::size_t kDeadWordsMax = std::size_t{1} << 27;

enum : std::uint8_t { kUnknown, kNo, kYes, kFails };

bool is_same_place(const PatternPlace& a, const PatternPlace& b) {
  return a.any == b.any && a.symbols == b.symbols && a.from_first == b.from_first &&
         a.occurrence == b.occurrence;
}

Unexpected data_error(std::string message, std::string sqlstate) {
  SqlFields fields;
  fields.sqlstate = std::move(sqlstate);
  return unexpected(ErrorCode::kData, std::move(message), std::move(fields));
}

}  // namespace

PatternMatcher::PatternMatcher(const PatternSpec& spec, const PatternColumns& columns,
                               ValuePool& pool)
    : spec_(spec),
      columns_(columns),
      pool_(pool),
      values_(spec, columns, pool),
      machine_({.pool = &pool, .cancel = nullptr}) {
  if (spec_.conditions) machine_.bind(*spec_.conditions, {});
  plan_registers();
  newest_.resize(spec_.states.size());
  stamps_.resize(spec_.states.size());
  local_.resize(spec_.symbols.size());
  const bool waits_for_time =
      spec_.within_word ||
      std::any_of(spec_.states.begin(), spec_.states.end(), [](const PatternState& state) {
        return std::any_of(state.transitions.begin(), state.transitions.end(),
                           [](const PatternTransition& t) { return t.kind == Kind::kDue; });
      });
  shares_failures_ = registers_ == 0 && !waits_for_time;
}

// What conditions read of other rows than those around the row in question.
void PatternMatcher::plan_registers() {
  anchor_of_.resize(spec_.operands.size());
  for (const PatternSymbolSpec& symbol : spec_.symbols) {
    if (symbol.is_local) continue;
    for (const std::uint32_t o : symbol.operands) {
      const PatternValueSpec& operand = spec_.operands[o];
      if (operand.kind != PatternValueSpec::Kind::kLabelled) {
        path_counts_ = true;
        continue;
      }
      if (anchor_of_[o]) continue;
      const auto known = std::find_if(anchors_.begin(), anchors_.end(), [&](const Anchor& anchor) {
        return is_same_place(anchor.place, operand.place);
      });
      anchor_of_[o] = static_cast<std::uint32_t>(known - anchors_.begin());
      if (known != anchors_.end()) continue;
      anchors_.push_back({operand.place, registers_});
      // Of a first row how many were seen and which it is; of a last one all behind it, too.
      registers_ += operand.place.from_first ? 2 : operand.place.occurrence + 1;
    }
  }
  if (path_counts_) ++registers_;
}

void PatternMatcher::update(std::uint32_t* registers, std::uint32_t symbol,
                            std::uint32_t position) const {
  for (const Anchor& anchor : anchors_) {
    const PatternPlace& place = anchor.place;
    if (!place.any && !place.symbols[symbol]) continue;
    std::uint32_t* const mine = registers + anchor.first_register;
    if (place.from_first) {
      if (mine[0] > place.occurrence) continue;
      if (mine[0]++ == place.occurrence) mine[1] = position;
    } else {
      std::copy_backward(mine, mine + place.occurrence, mine + place.occurrence + 1);
      mine[0] = position;
    }
  }
}

std::vector<LabelledRow> PatternMatcher::rows_of(std::uint32_t path) const {
  std::vector<LabelledRow> rows;
  for (; path != kNoPath; path = paths_[path].before) rows.push_back(paths_[path].row);
  std::reverse(rows.begin(), rows.end());
  return rows;
}

// ---------------------------------------------------------------------------------------------------
// Conditions

void PatternMatcher::gather(std::uint32_t word, std::uint32_t lane, const Word* words) {
  if (given_[word].size() <= lane) given_[word].resize(lane + 1);
  given_[word][lane] = *words;
}

Expected<void> PatternMatcher::run_condition(const PatternSymbolSpec& symbol, std::size_t lanes) {
  held_.clear();
  diverted_.clear();
  std::size_t words = 1;
  for (const std::uint32_t o : symbol.operands) words += spec_.operands[o].words;
  std::vector<const Word*> given;
  for (std::size_t w = 0; w < words; ++w) given.push_back(given_[w].data());
  StandingRun run;
  run.fragment = *symbol.condition;
  run.given = given;
  run.given_rows = lanes;
  run.out = &held_;
  run.diverted = &diverted_;
  return machine_.run(run);
}

Expected<bool> PatternMatcher::holds_locally(std::uint32_t number, std::uint32_t position) {
  const PatternSymbolSpec& symbol = spec_.symbols[number];
  std::vector<std::uint8_t>& known = local_[number];
  if (known[position] == kUnknown) {
    const auto end = static_cast<std::uint32_t>(
        std::min<std::size_t>(partition_.size(), std::size_t{position} + kRowsAhead));
    std::array<Word, 4> words{};
    given_.resize(std::max<std::size_t>(given_.size(), 1));
    given_[0].clear();
    for (std::uint32_t p = position; p < end; ++p) given_[0].push_back(p - position);
    std::size_t first = 1;
    for (const std::uint32_t o : symbol.operands) {
      const PatternValueSpec& operand = spec_.operands[o];
      given_.resize(std::max<std::size_t>(given_.size(), first + operand.words));
      for (std::uint32_t w = 0; w < operand.words; ++w) given_[first + w].resize(end - position);
      for (std::uint32_t p = position; p < end; ++p) {
        values_.put_row(operand, std::int64_t{p} + operand.place.shift, words.data());
        for (std::uint32_t w = 0; w < operand.words; ++w)
          given_[first + w][p - position] = words[w];
      }
      first += operand.words;
    }
    if (auto done = run_condition(symbol, end - position); !done) {
      return unexpected(std::move(done).error());
    }
    std::fill(known.begin() + position, known.begin() + end, kFails);
    for (std::size_t i = 0; i < held_.n; ++i) {
      const bool null = held_.columns.size() > 2 && held_.columns[2][i] != 0;
      known[position + held_.columns[0][i]] = !null && held_.columns[1][i] != 0 ? kYes : kNo;
    }
  }
  if (known[position] != kFails) return known[position] == kYes;
  // Once more for this row alone, to have its error.
  std::size_t first = 1;
  std::array<Word, 4> words{};
  gather(0, 0, words.data());
  for (const std::uint32_t o : symbol.operands) {
    const PatternValueSpec& operand = spec_.operands[o];
    values_.put_row(operand, std::int64_t{position} + operand.place.shift, words.data());
    for (std::uint32_t w = 0; w < operand.words; ++w) {
      gather(static_cast<std::uint32_t>(first + w), 0, &words[w]);
    }
    first += operand.words;
  }
  if (auto done = run_condition(symbol, 1); !done) return unexpected(std::move(done).error());
  ENTAIL_ENSURE(!diverted_.empty());
  const Diverted& failed = diverted_.front();
  const Place& place = spec_.conditions->places[failed.place];
  return unexpected(lane_error(pool_, failed.error, place.where, place.text));
}

// `registers` and `path` hold the row already, with the symbol.
Expected<bool> PatternMatcher::holds(std::uint32_t number, const std::uint32_t* registers,
                                     std::uint32_t path, std::uint32_t position) {
  const PatternSymbolSpec& symbol = spec_.symbols[number];
  if (!symbol.condition) return true;
  if (symbol.is_local) return holds_locally(number, position);
  std::array<Word, 4> words{};
  std::uint32_t word = 0;
  given_.resize(std::max<std::size_t>(given_.size(), 1));
  gather(word++, 0, words.data());
  for (const std::uint32_t o : symbol.operands) {
    const PatternValueSpec& operand = spec_.operands[o];
    if (anchor_of_[o]) {
      const Anchor& anchor = anchors_[*anchor_of_[o]];
      const std::uint32_t found =
          registers[anchor.first_register +
                    (anchor.place.from_first ? 1 : anchor.place.occurrence)];
      if (found == kNoPosition) {
        values_.put_null(operand, words.data());
      } else {
        values_.put_row(operand, std::int64_t{found} + operand.place.shift, words.data());
      }
    } else if (auto done = values_.put(operand, rows_of(path), words.data()); !done) {
      return unexpected(std::move(done).error());
    }
    given_.resize(std::max<std::size_t>(given_.size(), word + operand.words));
    for (std::uint32_t w = 0; w < operand.words; ++w) gather(word++, 0, &words[w]);
  }
  if (auto done = run_condition(symbol, 1); !done) return unexpected(std::move(done).error());
  if (held_.n == 0) {
    ENTAIL_ENSURE(!diverted_.empty());
    const Diverted& failed = diverted_.front();
    const Place& place = spec_.conditions->places[failed.place];
    return unexpected(lane_error(pool_, failed.error, place.where, place.text));
  }
  const bool null = held_.columns.size() > 2 && held_.columns[2][0] != 0;
  return !null && held_.columns[1][0] != 0;
}

// ---------------------------------------------------------------------------------------------------
// An attempt

bool PatternMatcher::push(std::uint32_t state, std::uint32_t path, const std::uint32_t* registers,
                          std::uint32_t position, bool waits) {
  if (shares_failures_) {
    std::uint64_t& word = dead_[std::size_t{position} * dead_words_ + state / 64];
    const std::uint64_t bit = std::uint64_t{1} << state % 64;
    if ((word & bit) != 0) return false;
    word |= bit;
    visited_.emplace_back(position, state);
  } else {
    std::uint32_t other = stamps_[state] == stamp_ ? newest_[state] : kNoPosition;
    for (; other != kNoPosition; other = older_[other]) {
      if (std::equal(registers, registers + registers_,
                     next_.registers.begin() + std::ptrdiff_t{other} * registers_)) {
        return false;
      }
      ++steps_;
    }
    older_.push_back(stamps_[state] == stamp_ ? newest_[state] : kNoPosition);
    newest_[state] = static_cast<std::uint32_t>(next_.threads.size());
    stamps_[state] = stamp_;
  }
  next_.threads.push_back({state, path});
  next_.registers.insert(next_.registers.end(), registers, registers + registers_);
  if (waits) return false;  // It was here before.
  for (const PatternTransition& transition : spec_.states[state].transitions) {
    if (transition.kind != Kind::kMatch) continue;
    if (transition.at_start && position != 0) continue;
    if (transition.at_end && position != partition_.size()) continue;
    has_match_ = true;
    match_path_ = path;
    match_end_ = position;
    return true;
  }
  return false;
}

// Whether the thread's transition takes the row; returns whether a match was reached by that.
Expected<bool> PatternMatcher::takes(const PatternTransition& transition, std::uint32_t thread,
                                     std::uint32_t position, bool& taken) {
  taken = false;
  if (transition.at_end || (transition.at_start && position != 0)) return false;
  ++steps_;
  const std::uint32_t* const before = now_.registers.data() + std::size_t{thread} * registers_;
  scratch_.assign(before, before + registers_);
  const LabelledRow row{position, transition.symbol, transition.excluded};
  auto path = static_cast<std::uint32_t>(paths_.size());
  update(scratch_.data(), transition.symbol, position);
  if (path_counts_) {
    paths_.push_back({now_.threads[thread].path, row});
    scratch_.back() = path;
  }
  auto held = holds(transition.symbol, scratch_.data(), path, position);
  if (!held || !*held) return held;
  taken = true;
  if (!path_counts_) paths_.push_back({now_.threads[thread].path, row});
  return push(transition.target, path, scratch_.data(), position + 1, /*waits=*/false);
}

// Every thread goes on over the row, or ends. False: nothing less preferred counts any more.
Expected<bool> PatternMatcher::step(std::uint32_t position) {
  next_.clear();
  older_.clear();
  ++stamp_;
  const bool too_late = spec_.within_word &&
                        word_at(position, *spec_.time_word) >= word_at(start_, *spec_.within_word);
  for (std::uint32_t t = 0; t < now_.threads.size(); ++t) {
    const Thread thread = now_.threads[t];
    const PatternState& state = spec_.states[thread.state];
    const std::uint32_t* const registers = now_.registers.data() + std::size_t{t} * registers_;
    bool taken = false, is_due = false, waits_for_time = false;
    for (const PatternTransition& transition : state.transitions) {
      if (transition.kind == Kind::kDue) {
        waits_for_time = true;
        is_due = is_due || word_at(position, *spec_.time_word) >=
                               word_at(paths_[thread.path].row.position, transition.due_word);
      }
      if (transition.kind != Kind::kConsume || too_late || is_due) continue;
      bool took = false;
      auto matched = takes(transition, t, position, took);
      if (!matched) return matched;
      taken = taken || took;
      if (*matched) return false;
    }
    if (taken) continue;
    if (is_due) {
      push(thread.state, thread.path, registers, position + 1, /*waits=*/true);
      continue;
    }
    if (too_late && !waits_for_time) continue;
    for (const PatternWait& wait : state.waits) {
      bool refused = false;
      for (const std::uint32_t symbol : wait.forbidden) {
        scratch_.assign(registers, registers + registers_);
        auto path = static_cast<std::uint32_t>(paths_.size());
        update(scratch_.data(), symbol, position);
        if (path_counts_) paths_.push_back({thread.path, {position, symbol, false}});
        auto held = holds(symbol, scratch_.data(), path, position);
        if (!held) return held;
        refused = refused || *held;
      }
      if (!refused) push(wait.state, thread.path, registers, position + 1, /*waits=*/true);
    }
  }
  return true;
}

void PatternMatcher::note_instant(std::int64_t instant) {
  if (!next_instant_ || instant < *next_instant_) next_instant_ = instant;
}

// What the attempt comes to, the watermark being where it is.
PatternMatcher::Outcome PatternMatcher::finish(bool all_rows_seen) {
  const Outcome otherwise = has_match_ ? Outcome::kMatch : Outcome::kNone;
  if (!spec_.only_decided || !all_rows_seen) return otherwise;
  for (const Thread& thread : now_.threads) {
    const PatternState& state = spec_.states[thread.state];
    bool goes_on = !state.waits.empty();
    for (const PatternTransition& transition : state.transitions) {
      goes_on = goes_on || transition.kind == Kind::kConsume;
      if (transition.kind != Kind::kDue) continue;
      const std::int64_t due = word_at(paths_[thread.path].row.position, transition.due_word);
      if (!watermark_ || *watermark_ < due) {
        note_instant(due);
        return Outcome::kUndecided;
      }
      match_path_ = thread.path;
      match_end_ = paths_[thread.path].row.position + 1;
      return Outcome::kMatch;
    }
    if (!goes_on) continue;
    if (!spec_.within_word) return Outcome::kUndecided;
    const std::int64_t end = word_at(start_, *spec_.within_word);
    if (watermark_ && *watermark_ >= end) continue;
    note_instant(end);
    return Outcome::kUndecided;
  }
  return otherwise;
}

// States at rows up to there may lead to a match after all.
void PatternMatcher::forget_after(std::uint32_t position) {
  for (const auto& [at, state] : visited_) {
    if (at > position) continue;
    dead_[std::size_t{at} * dead_words_ + state / 64] &= ~(std::uint64_t{1} << state % 64);
  }
  visited_.clear();
}

Expected<PatternMatcher::Outcome> PatternMatcher::attempt(std::uint32_t start) {
  start_ = start;
  paths_.clear();
  visited_.clear();
  has_match_ = false;
  next_.clear();
  older_.clear();
  ++stamp_;
  scratch_.assign(registers_, kNoPosition);
  for (const Anchor& anchor : anchors_) {
    if (anchor.place.from_first) scratch_[anchor.first_register] = 0;
  }
  push(0, kNoPath, scratch_.data(), start, /*waits=*/false);
  std::swap(now_, next_);
  std::uint32_t position = start;
  for (; position < partition_.size() && !now_.threads.empty(); ++position) {
    auto going = step(position);
    if (!going) return unexpected(std::move(going).error());
    std::swap(now_, next_);
    if (registers_ > 0 && steps_ > kStepsAtLeast + kStepsPerRow * partition_.size()) {
      return data_error(
          "matching the pattern takes too many steps: its conditions tell too many "
          "ways to match apart",
          "54000");
    }
  }
  const Outcome outcome = finish(position == partition_.size());
  if (outcome == Outcome::kUndecided) {
    forget_after(kNoPosition);
  } else if (outcome == Outcome::kMatch) {
    forget_after(match_end_);
  }
  return outcome;
}

// ---------------------------------------------------------------------------------------------------
// A partition

Expected<std::uint32_t> PatternMatcher::next_start(const PatternMatch& match) const {
  if (match.rows.empty() || spec_.skip == PatternSkip::kToNextRow) return match.start + 1;
  if (spec_.skip == PatternSkip::kPastLastRow) return match.rows.back().position + 1;
  const auto is_target = [&](const LabelledRow& row) { return spec_.skip_symbols[row.symbol]; };
  std::uint32_t target = 0;
  if (spec_.skip == PatternSkip::kToFirst) {
    const auto found = std::find_if(match.rows.begin(), match.rows.end(), is_target);
    target = found == match.rows.end() ? kNoPosition : found->position;
  } else {
    const auto found = std::find_if(match.rows.rbegin(), match.rows.rend(), is_target);
    target = found == match.rows.rend() ? kNoPosition : found->position;
  }
  if (target == kNoPosition) {
    return data_error("AFTER MATCH SKIP to a pattern variable that no row of the match has",
                      "2202K");
  }
  if (target == match.start) {
    return data_error("AFTER MATCH SKIP to the first row of the match", "2202L");
  }
  return target;
}

Expected<void> PatternMatcher::run(std::span<const std::uint32_t> rows,
                                   std::optional<std::int64_t> watermark,
                                   std::vector<PatternMatch>& matches) {
  partition_ = rows;
  values_.set_partition(rows);
  watermark_ = watermark;
  next_instant_.reset();
  steps_ = 0;
  for (std::size_t s = 0; s < local_.size(); ++s) {
    if (spec_.symbols[s].condition && spec_.symbols[s].is_local) {
      local_[s].assign(rows.size(), kUnknown);
    }
  }
  if (registers_ == 0) {
    dead_words_ = (spec_.states.size() + 63) / 64;
    const std::size_t words = (rows.size() + 1) * dead_words_;
    const bool could = !spec_.within_word && words <= kDeadWordsMax;
    shares_failures_ = shares_failures_ && could;
    if (shares_failures_) dead_.assign(words, 0);
  }
  std::int64_t number = 0;
  for (std::uint32_t start = 0; start < rows.size();) {
    auto outcome = attempt(start);
    if (!outcome) return unexpected(std::move(outcome).error());
    if (*outcome == Outcome::kMatch) {
      PatternMatch match{start, ++number, rows_of(match_path_)};
      auto next = next_start(match);
      if (!next) return unexpected(std::move(next).error());
      start = *next;
      matches.push_back(std::move(match));
      continue;
    }
    // Where a match takes rows away from others, those wait until it is decided.
    if (*outcome == Outcome::kUndecided && spec_.skip != PatternSkip::kToNextRow) break;
    ++start;
  }
  return {};
}

}  // namespace entail::vm
