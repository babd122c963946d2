#include "server/cli/follow_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "server/cli/fact_json.h"
#include "server/cli/fact_text.h"
#include "server/cli/row_sorter.h"
#include "vm/value_text.h"

namespace entail::cli {
namespace {

using datalog::RelationId;
using vm::Word;

// Columns of rows that a sorter reads, or that it gives.
RowSource source_of(const std::vector<std::vector<Word>>& columns, std::size_t size) {
  return [&columns, size, next = std::size_t{0}](std::span<Word* const> out,
                                                 std::size_t capacity) mutable {
    const std::size_t count = std::min(capacity, size - next);
    for (std::size_t c = 0; c < out.size(); ++c) {
      std::copy_n(columns[c].begin() + static_cast<std::ptrdiff_t>(next), count, out[c]);
    }
    next += count;
    return count;
  };
}

std::vector<std::vector<Word>> all_rows(const SortedRows& rows, std::size_t width) {
  std::vector<std::vector<Word>> columns(width, std::vector<Word>(rows.size()));
  std::vector<Word*> place;
  for (auto& column : columns) place.push_back(column.data());
  if (rows.size() > 0) static_cast<void>(rows.source()(place, rows.size()));
  return columns;
}

std::string printed_name(const datalog::RuleProgram& program, RelationId id) {
  return program.relation(id).name;
}

}  // namespace

FollowOutput::FollowOutput(NetworkRun& run, bool as_json)
    : run_(run), as_json_(as_json), errors_shape_(errors_shape()) {
  for (const datalog::Relation& relation : run.program().relations) {
    shapes_.push_back(row_shape(relation));
  }
}

const RowShape& FollowOutput::shape(RelationId id) { return shapes_[datalog::index_of(id)]; }

void FollowOutput::echo(std::string_view line) {
  text_ += "> ";
  text_ += line;
  text_ += '\n';
}

FollowOutput::SignedRows FollowOutput::sorted(const rete::NetChange& change) {
  const RowShape& form = shape(change.relation);
  SignedRows rows;
  rows.relation = change.relation;
  rows.size = change.size();
  rows.columns = change.columns;
  rows.columns.resize(form.word_count);  // A relation without columns has a word all the same.
  std::vector<Word>& signs = rows.columns.emplace_back();
  for (const std::int8_t sign : change.signs) signs.push_back(vm::int_word(sign));
  if (rows.size < 2) return rows;
  RowShape with_sign = form;
  with_sign.columns.push_back({"sign", vm::Type::number(), false, {}});
  with_sign.word_of_column.push_back(with_sign.word_count++);
  const SortedRows in_order(with_sign, run_.pool(), source_of(rows.columns, rows.size));
  rows.columns = all_rows(in_order, with_sign.word_count);
  return rows;
}

void FollowOutput::add_commit(const rete::Committed& committed) {
  std::vector<SignedRows> changes;
  for (const rete::NetChange& change : committed.changes) {
    if (change.size() > 0) changes.push_back(sorted(change));
  }
  std::stable_sort(changes.begin(), changes.end(), [](const SignedRows& a, const SignedRows& b) {
    return a.relation < b.relation;
  });
  print(committed.version, changes, committed.emitted);
}

void FollowOutput::add_snapshot() {
  std::vector<RelationId> outputs;
  for (const datalog::Directive& directive : run_.program().directives) {
    if (directive.kind == datalog::DirectiveKind::kOutput ||
        directive.kind == datalog::DirectiveKind::kPrintSize) {
      outputs.push_back(directive.relation);
    }
  }
  std::sort(outputs.begin(), outputs.end());
  outputs.erase(std::unique(outputs.begin(), outputs.end()), outputs.end());
  std::vector<SignedRows> changes;
  for (const RelationId id : outputs) {
    const SortedRows in_order(shape(id), run_.pool(), run_.rows(id));
    SignedRows rows;
    rows.relation = id;
    rows.size = in_order.size();
    rows.columns = all_rows(in_order, std::max<std::size_t>(shape(id).word_count, 1));
    rows.columns.resize(shape(id).word_count);
    rows.columns.emplace_back(rows.size, vm::int_word(1));
    if (rows.size > 0) changes.push_back(std::move(rows));
  }
  print(run_.network().version(), changes, {});
}

void FollowOutput::print(vm::Version version, const std::vector<SignedRows>& changes,
                         const std::vector<rete::EmittedRow>& emitted) {
  if (as_json_) return print_json(version, changes, emitted);
  text_ += "# version ";
  vm::print_unsigned(version, text_);
  text_ += '\n';
  std::vector<Word> row;
  for (const SignedRows& rows : changes) {
    const std::string name = printed_name(run_.program(), rows.relation);
    const RowShape& form = shape(rows.relation);
    row.resize(form.word_count);
    for (std::size_t i = 0; i < rows.size; ++i) {
      for (std::size_t c = 0; c < row.size(); ++c) row[c] = rows.columns[c][i];
      text_ += vm::int_of(rows.columns.back()[i]) < 0 ? '-' : '+';
      append_fact(run_.pool(), name, form, row.data(), text_);
      text_ += '\n';
    }
  }
  for (const rete::EmittedRow& event : emitted) {
    text_ += "! ";
    append_fact(run_.pool(), printed_name(run_.program(), event.relation), shape(event.relation),
                event.words.data(), text_);
    text_ += '\n';
  }
}

void FollowOutput::append_json_row(const RowShape& form, const Word* row) {
  text_ += '[';
  for (std::size_t i = 0; i < form.columns.size(); ++i) {
    if (i > 0) text_ += ',';
    append_json_value(run_.pool(), form.columns[i].type, form.columns[i].nullable,
                      row + form.word_of_column[i], false, text_);
  }
  text_ += ']';
}

void FollowOutput::append_json_object(const RowShape& form, const Word* row) {
  text_ += '{';
  for (std::size_t i = 0; i < form.columns.size(); ++i) {
    if (i > 0) text_ += ',';
    append_json_string(form.columns[i].name, text_);
    text_ += ':';
    append_json_value(run_.pool(), form.columns[i].type, form.columns[i].nullable,
                      row + form.word_of_column[i], false, text_);
  }
  text_ += '}';
}

void FollowOutput::print_json(vm::Version version, const std::vector<SignedRows>& changes,
                              const std::vector<rete::EmittedRow>& emitted) {
  text_ += "{\"version\":";
  vm::print_unsigned(version, text_);
  text_ += ",\"changes\":[";
  bool is_first = true;
  const auto begin_row = [&](RelationId id) {
    if (!std::exchange(is_first, false)) text_ += ',';
    text_ += "{\"relation\":";
    append_json_string(printed_name(run_.program(), id), text_);
  };
  std::vector<Word> row;
  for (const SignedRows& rows : changes) {
    const RowShape& form = shape(rows.relation);
    row.resize(form.word_count);
    for (std::size_t i = 0; i < rows.size; ++i) {
      for (std::size_t c = 0; c < row.size(); ++c) row[c] = rows.columns[c][i];
      begin_row(rows.relation);
      text_ +=
          vm::int_of(rows.columns.back()[i]) < 0 ? ",\"sign\":-1,\"row\":" : ",\"sign\":1,\"row\":";
      append_json_row(form, row.data());
      text_ += '}';
    }
  }
  text_ += "],\"emitted\":[";
  is_first = true;
  for (const rete::EmittedRow& event : emitted) {
    begin_row(event.relation);
    text_ += ",\"row\":";
    append_json_row(shape(event.relation), event.words.data());
    text_ += '}';
  }
  text_ += "]}\n";
}

void FollowOutput::add_answer(std::string_view name, const RowShape& form, const Word* row) {
  if (as_json_) {
    append_json_object(form, row);
  } else {
    append_fact(run_.pool(), name, form, row, text_);
  }
  text_ += '\n';
}

void FollowOutput::add_answers(const AtomPattern& pattern) {
  if (pattern.relation) {
    const RowShape& form = shape(*pattern.relation);
    const SortedRows rows(form, run_.pool(), run_.matches(pattern, form));
    const auto columns = all_rows(rows, std::max<std::size_t>(form.word_count, 1));
    std::vector<Word> row(columns.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t c = 0; c < row.size(); ++c) row[c] = columns[c][i];
      add_answer(printed_name(run_.program(), *pattern.relation), form, row.data());
    }
    return;
  }
  const std::vector<rete::ErrorInstance> errors = run_.network().errors();
  for (const rete::ErrorInstance& error : errors) {
    const Word row[] = {run_.pool().intern(printed_name(run_.network().program(), error.relation)),
                        run_.pool().intern(error.place), run_.pool().intern(error.message)};
    bool agrees = true;
    for (std::size_t column = 0; column < pattern.terms.size(); ++column) {
      const AtomPattern::Term& term = pattern.terms[column];
      if (term.kind == AtomPattern::TermKind::kConstant) {
        agrees = agrees && row[column] == pattern.constants[column];
      } else if (term.kind == AtomPattern::TermKind::kSameAs) {
        agrees = agrees && row[column] == row[term.column];
      }
    }
    if (agrees) add_answer(kErrorsName, errors_shape_, row);
  }
}

std::string describe_error_changes(const datalog::RuleProgram& program,
                                   std::span<const rete::ErrorInstance> before,
                                   std::span<const rete::ErrorInstance> now) {
  const auto key = [](const rete::ErrorInstance& error) {
    return std::tie(error.relation, error.place, error.message);
  };
  std::string text;
  const auto add = [&](const rete::ErrorInstance& error, std::string_view what) {
    const std::string name = datalog::index_of(error.relation) < program.relations.size()
                                 ? printed_name(program, error.relation)
                                 : std::string("a rule");
    text += fmt::format("{}: {}{} {}: {}\n", kErrorsName, what, name, error.place, error.message);
  };
  std::size_t old = 0;
  for (const rete::ErrorInstance& error : now) {
    while (old < before.size() && key(before[old]) < key(error)) add(before[old++], "withdrawn: ");
    if (old < before.size() && key(before[old]) == key(error)) {
      ++old;
    } else {
      add(error, "");
    }
  }
  while (old < before.size()) add(before[old++], "withdrawn: ");
  return text;
}

}  // namespace entail::cli
