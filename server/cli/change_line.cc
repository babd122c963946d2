#include "server/cli/change_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "compiler/constant_rows.h"
#include "server/cli/change_json.h"
#include "vm/base/text.h"

namespace entail::cli {
namespace {

using datalog::index_of;
using datalog::RelationId;
using vm::Word;

constexpr std::string_view kForms =
    "a line is +fact(…), -fact(…), ? atom(…), tick TIME, commit, abort, a // comment or a JSON "
    "object";

std::string column_name(const RowShape& shape, std::size_t column) {
  return fmt::format("column {} ({})", column + 1, shape.columns[column].name);
}

bool has_high_bit(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

bool may_begin_variable(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '?' || c == '`';
}

bool is_constant_word(std::string_view name) {
  return name == "nil" || name == "null" || name == "true" || name == "false";
}

}  // namespace

RowShape errors_shape() {
  RowShape shape;
  for (const char* const name : {"relation", "place", "message"}) {
    shape.columns.push_back({name, vm::Type::text(), false, {}});
    shape.word_of_column.push_back(shape.word_count++);
  }
  return shape;
}

ChangeLineReader::ChangeLineReader(const datalog::RuleProgram& program, vm::ValuePool& pool,
                                   StoredRow stored_row)
    : program_(program),
      pool_(pool),
      stored_row_(std::move(stored_row)),
      text_(pool, problem_),
      errors_shape_(errors_shape()),
      defaults_(program.relations.size()) {
  for (std::size_t i = 0; i < program.relations.size(); ++i) {
    const datalog::Relation& known = program.relations[i];
    shapes_.push_back(row_shape(known));
    if (!known.auxiliary) ids_.emplace(known.name, static_cast<RelationId>(i));
    if (known.stream && known.stream->clock) {
      for (const RelationId id : {*known.stream->clock, *known.stream->partitions})
        clocks_.emplace(program.relation(id).name, id);
    }
    defaults_[i].resize(known.columns.size());
    for (std::size_t column = 0; column < known.defaults.size(); ++column) {
      if (!known.defaults[column]) continue;
      auto words =
          compiler::constant_words(*known.defaults[column], known.columns[column].nullable, pool);
      if (!words) continue;
      if (pool.types().is_handle(known.columns[column].type)) pool.pin(words->front());
      defaults_[i][column] = std::move(*words);
    }
  }
}

bool ChangeLineReader::fail(std::size_t at, std::string message) {
  return text_.fail(at, std::move(message));
}

bool ChangeLineReader::read(std::string_view line, ChangeLine& out) {
  out.kind = LineKind::kNothing;
  if (has_high_bit(line)) {
    if (const std::size_t at = find_bad_utf8(line); at != std::string_view::npos) {
      return fail(at,
                  fmt::format("byte 0x{:02x} is not UTF-8", static_cast<unsigned char>(line[at])));
    }
  }
  text_.start(line);
  if (text_.at_end()) return true;
  const char first = text_.peek();
  if (first == '+' || first == '-') {
    text_.move_to(text_.at() + 1);
    return read_change(first == '-', out);
  }
  if (first == '{') return ChangeJsonReader(*this, json_).read(line, text_.at(), out);
  if (first == '?') {
    text_.move_to(text_.at() + 1);
    return read_query(out);
  }
  const std::size_t begin = text_.at();
  const std::string_view word = text_.take_name();
  if (word == "commit" || word == "abort") {
    out.kind = word == "commit" ? LineKind::kCommit : LineKind::kAbort;
    return finish();
  }
  if (word == "tick") return read_tick(out);
  std::string meant;
  if (ids_.find(word) != ids_.end()) {
    meant = fmt::format("; to insert this fact write +{}(…), to ask ? {}(…)", word, word);
  } else if (const auto nearest =
                 closest_name(word, std::vector<std::string>{"commit", "abort", "tick"})) {
    meant = fmt::format("; did you mean {}?", *nearest);
  }
  return fail(begin, std::string(kForms) + meant);
}

// A full stop, blanks and a comment may follow.
bool ChangeLineReader::finish() {
  text_.take('.');
  if (text_.at_end()) return true;
  return fail(text_.at(), "expected the end of the line: each change stands on a line of its own");
}

std::optional<RelationId> ChangeLineReader::find_relation(std::string_view name, std::size_t at) {
  auto found = ids_.find(name);
  if (found == ids_.end() && name.find('`') != std::string_view::npos) {
    std::string plain(name);
    std::erase(plain, '`');
    found = ids_.find(plain);
  }
  if (found != ids_.end()) return found->second;
  if (name.empty()) {
    fail(at, "expected the name of a relation");
  } else if (name == kErrorsName) {
    fail(at, "entail.errors can be asked, not changed");
  } else {
    std::vector<std::string> names;
    for (const datalog::Relation& known : program_.relations) {
      if (!known.auxiliary) names.push_back(known.name);
    }
    const auto nearest = closest_name(name, names);
    fail(at, fmt::format("there is no relation '{}'{}", name,
                         nearest ? fmt::format("; did you mean '{}'?", *nearest) : ""));
  }
  return std::nullopt;
}

std::optional<RelationId> ChangeLineReader::find_stream(std::string_view name, std::size_t at) {
  const auto id = find_relation(name, at);
  if (id && !(relation(*id).stream && relation(*id).stream->clock)) {
    fail(at, fmt::format("'{}' is no stream with event time, so it has no clock", name));
    return std::nullopt;
  }
  return id;
}

std::optional<std::size_t> ChangeLineReader::find_column(const RowShape& shape,
                                                         std::string_view relation_name,
                                                         std::string_view name, std::size_t at) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < shape.columns.size(); ++i) {
    if (shape.columns[i].name == name) return i;
    names.push_back(shape.columns[i].name);
  }
  const auto nearest = closest_name(name, names);
  fail(at, fmt::format("'{}' has no column '{}'{}", relation_name, name,
                       nearest ? fmt::format("; did you mean '{}'?", *nearest)
                               : fmt::format("; it has {}", join(names, ", "))));
  return std::nullopt;
}

bool ChangeLineReader::read_value(const RowShape& shape, std::size_t column, Word* row) {
  const datalog::Column& described = shape.columns[column];
  if (text_.read(described.type, described.nullable, row + shape.word_of_column[column])) {
    return true;
  }
  problem_.message = column_name(shape, column) + ": " + problem_.message;
  return false;
}

// --- changes ---------------------------------------------------------------------------------------

bool ChangeLineReader::read_change(bool is_deletion, ChangeLine& out) {
  text_.skip_blanks();
  const std::size_t begin = text_.at();
  const auto id = find_relation(text_.take_name(), begin);
  if (!id) return false;
  out.changes.resize(1);
  FactChange& change = out.changes.front();
  change.relation = *id;
  change.is_deletion = is_deletion;
  change.rows = 1;
  change.words.assign(std::max<std::size_t>(shape(*id).word_count, 1), 0);
  const bool is_read = text_.peek() == '{' ? read_named(*id, change) : read_positional(*id, change);
  if (!is_read || !finish()) return false;
  out.kind = LineKind::kChange;
  return true;
}

bool ChangeLineReader::read_positional(RelationId id, FactChange& change) {
  const RowShape& form = shape(id);
  const std::size_t arity = form.columns.size();
  if (!text_.expect('(', "behind the relation's name")) return false;
  for (std::size_t column = 0; column < arity; ++column) {
    if (column > 0 && !text_.take(',')) {
      if (text_.peek() != ')') return text_.expect(',', "between two values");
      return fail(text_.at(), fmt::format("'{}' has {}, not {}", relation(id).name,
                                          count_of(arity, "column"), column));
    }
    if (column == 0 && text_.peek() == ')') {
      return fail(text_.at(),
                  fmt::format("'{}' has {}, not 0", relation(id).name, count_of(arity, "column")));
    }
    if (!read_value(form, column, change.words.data())) return false;
  }
  if (text_.take(')')) return true;
  if (text_.peek() == ',' || (arity == 0 && text_.at() < text_.text().size())) {
    return fail(text_.at(), fmt::format("'{}' has {}, and here is one more value",
                                        relation(id).name, count_of(arity, "column")));
  }
  return text_.expect(')', "behind the last value");
}

bool ChangeLineReader::read_named(RelationId id, FactChange& change) {
  const RowShape& form = shape(id);
  const std::size_t begin = text_.at();
  std::vector<bool> named(form.columns.size());
  if (!text_.expect('{', "behind the relation's name")) return false;
  if (!text_.take('}')) {
    do {
      text_.skip_blanks();
      const std::size_t at = text_.at();
      const auto column = find_column(form, relation(id).name, text_.take_name(), at);
      if (!column) return false;
      if (named[*column]) return fail(at, column_name(form, *column) + " is given twice");
      named[*column] = true;
      if (!text_.expect(':', "between the column and its value")) return false;
      if (!read_value(form, *column, change.words.data())) return false;
    } while (text_.take(','));
    if (!text_.expect('}', "behind the last value")) return false;
  }
  return change.is_deletion ? complete_deletion(id, named, begin, change.words.data(), change.rows)
                            : complete_insertion(id, named, begin, change.words.data());
}

bool ChangeLineReader::complete_insertion(RelationId id, const std::vector<bool>& named,
                                          std::size_t at, Word* row) {
  const RowShape& form = shape(id);
  std::vector<std::string> missing;
  for (std::size_t column = 0; column < named.size(); ++column) {
    if (named[column]) continue;
    const std::vector<Word>& value = defaults_[index_of(id)][column];
    const bool has_default = !relation(id).defaults.empty() && relation(id).defaults[column];
    Word* const place = row + form.word_of_column[column];
    if (!value.empty()) {
      std::copy(value.begin(), value.end(), place);
    } else if (has_default) {
      return fail(at, column_name(form, column) +
                          " has a default that must be computed: give its value here");
    } else if (form.columns[column].nullable) {
      const unsigned words = vm::value_words(form.columns[column].type);
      std::fill(place, place + words, Word{0});
      place[words] = 1;
    } else {
      missing.push_back(form.columns[column].name);
    }
  }
  if (missing.empty()) return true;
  return fail(at, fmt::format("{} {} missing: '{}' has no default for {}", join(missing, ", "),
                              missing.size() == 1 ? "is" : "are", relation(id).name,
                              missing.size() == 1 ? "it" : "them"));
}

bool ChangeLineReader::fetch_under_key(RelationId id, const Word* named_row,
                                       std::vector<Word>& row) {
  row.assign(named_row, named_row + shape(id).word_count);
  return stored_row_(id, row);
}

bool ChangeLineReader::complete_deletion(RelationId id, const std::vector<bool>& named,
                                         std::size_t at, Word* row, std::size_t& row_count) {
  if (std::find(named.begin(), named.end(), false) == named.end()) return true;
  const RowShape& form = shape(id);
  std::vector<std::string> missing;
  const std::vector<std::uint32_t>& key = relation(id).key;
  for (std::size_t column = 0; column < named.size(); ++column) {
    const bool is_needed = key.empty() || std::find(key.begin(), key.end(), column) != key.end();
    if (!named[column] && is_needed) missing.push_back(form.columns[column].name);
  }
  if (!missing.empty()) {
    return fail(at, fmt::format("{} {} missing: a row of '{}' is deleted by {}",
                                join(missing, ", "), missing.size() == 1 ? "is" : "are",
                                relation(id).name, key.empty() ? "all its columns" : "its key"));
  }
  std::vector<Word> stored;
  row_count = 0;
  if (!fetch_under_key(id, row, stored)) return true;
  for (std::size_t column = 0; column < named.size(); ++column) {
    const std::uint32_t first = form.word_of_column[column];
    const unsigned count = vm::words_of(form.columns[column].type, form.columns[column].nullable);
    if (!named[column]) {
      std::copy_n(stored.data() + first, count, row + first);
    } else if (!std::equal(row + first, row + first + count, stored.data() + first)) {
      return true;  // Another row than the one that is meant.
    }
  }
  row_count = 1;
  return true;
}

bool ChangeLineReader::complete_update(RelationId id, const std::vector<bool>& named,
                                       std::size_t at, Word* row) {
  const RowShape& form = shape(id);
  const std::vector<std::uint32_t>& key = relation(id).key;
  if (key.empty()) {
    return fail(at, fmt::format("'{}' has no key: delete the old row and insert the new one",
                                relation(id).name));
  }
  for (const std::uint32_t column : key) {
    if (!named[column]) {
      return fail(at,
                  fmt::format("an update names the key: {} is missing", form.columns[column].name));
    }
  }
  std::vector<Word> stored;
  if (!fetch_under_key(id, row, stored)) {
    std::string fact = "the row";
    for (std::size_t i = 0; i < key.size(); ++i) {
      fact += fmt::format("{} {} = ", i == 0 ? " with" : ",", form.columns[key[i]].name);
      append_fact_value(pool_, form.columns[key[i]].type, form.columns[key[i]].nullable,
                        row + form.word_of_column[key[i]], fact);
    }
    return fail(at, fmt::format("{} is not in '{}': insert it", fact, relation(id).name));
  }
  for (std::size_t column = 0; column < named.size(); ++column) {
    if (named[column]) continue;
    const std::uint32_t first = form.word_of_column[column];
    std::copy_n(stored.data() + first,
                vm::words_of(form.columns[column].type, form.columns[column].nullable),
                row + first);
  }
  return true;
}

// --- ticks -----------------------------------------------------------------------------------------

bool ChangeLineReader::read_tick(ChangeLine& out) {
  out.stream.reset();
  text_.skip_blanks();
  const std::size_t begin = text_.at();
  const char first = text_.peek();
  if (may_begin_variable(first)) {
    out.stream = find_stream(text_.take_name(), begin);
    if (!out.stream) return false;
  }
  return read_time(out) && finish();
}

bool ChangeLineReader::read_time(ChangeLine& out) {
  Word word = 0;
  if (!text_.read(vm::Type::of(vm::TypeKind::kTimestamp), /*nullable=*/false, &word)) return false;
  out.time_us = static_cast<std::int64_t>(word);
  out.kind = LineKind::kTick;
  return true;
}

// --- questions -------------------------------------------------------------------------------------

bool ChangeLineReader::read_query(ChangeLine& out) {
  text_.skip_blanks();
  const std::size_t begin = text_.at();
  const std::string_view name = text_.take_name();
  AtomPattern& pattern = out.query;
  const RowShape* form = &errors_shape_;
  pattern.relation.reset();
  if (name != kErrorsName) {
    const auto clock = clocks_.find(name);
    pattern.relation = clock != clocks_.end() ? clock->second : find_relation(name, begin);
    if (!pattern.relation) return false;
    form = &shape(*pattern.relation);
  }
  pattern.terms.assign(form->columns.size(), {});
  pattern.constants.assign(std::max<std::size_t>(form->word_count, 1), 0);
  variables_.clear();
  const bool is_read = text_.peek() == '{' ? read_named_terms(*form, name, pattern)
                                           : read_terms(*form, name, pattern);
  if (!is_read) return false;
  text_.take('.');
  if (!text_.at_end()) {
    return fail(text_.at(),
                "expected the end of the line: a question is one atom, as in ? path(1, x)");
  }
  out.kind = LineKind::kQuery;
  return true;
}

bool ChangeLineReader::read_terms(const RowShape& form, std::string_view name,
                                  AtomPattern& pattern) {
  const std::size_t arity = form.columns.size();
  if (!text_.expect('(', "behind the relation's name")) return false;
  for (std::size_t column = 0; column < arity; ++column) {
    const bool ends = text_.peek() == ')';
    if (ends || (column > 0 && !text_.take(','))) {
      if (!ends) return text_.expect(',', "between two arguments");
      return fail(text_.at(),
                  fmt::format("'{}' has {}, not {}", name, count_of(arity, "column"), column));
    }
    if (!read_term(form, column, pattern)) return false;
  }
  if (text_.peek() == ',') {
    return fail(text_.at(), fmt::format("'{}' has {}, and here is one more argument", name,
                                        count_of(arity, "column")));
  }
  return text_.expect(')', "behind the last argument");
}

bool ChangeLineReader::read_named_terms(const RowShape& form, std::string_view name,
                                        AtomPattern& pattern) {
  if (!text_.expect('{', "behind the relation's name")) return false;
  if (text_.take('}')) return true;
  std::vector<bool> named(form.columns.size());
  do {
    text_.skip_blanks();
    const std::size_t at = text_.at();
    const auto column = find_column(form, name, text_.take_name(), at);
    if (!column) return false;
    if (named[*column]) return fail(at, column_name(form, *column) + " is given twice");
    named[*column] = true;
    if (!text_.expect(':', "between the column and its value")) return false;
    if (!read_term(form, *column, pattern)) return false;
  } while (text_.take(','));
  return text_.expect('}', "behind the last argument");
}

bool ChangeLineReader::read_term(const RowShape& form, std::size_t column, AtomPattern& pattern) {
  AtomPattern::Term& term = pattern.terms[column];
  const char first = text_.peek();
  const std::size_t begin = text_.at();
  if (may_begin_variable(first)) {
    const std::string_view name = text_.take_name();
    const bool is_value = is_constant_word(name) || text_.peek() == '(';
    if (!is_value && name == "_") return true;
    if (!is_value) {
      const auto [known, is_first] = variables_.emplace(name, column);
      if (is_first) return true;
      const datalog::Column& here = form.columns[column];
      const datalog::Column& there = form.columns[known->second];
      if (here.type != there.type) {
        return fail(begin, fmt::format("{} stands for a {} and for a {}", name,
                                       pool_.types().type_name(there.type),
                                       pool_.types().type_name(here.type)));
      }
      term = {AtomPattern::TermKind::kSameAs, known->second};
      return true;
    }
    text_.move_to(begin);
  }
  term.kind = AtomPattern::TermKind::kConstant;
  return read_value(form, column, pattern.constants.data());
}

}  // namespace entail::cli
