#include "server/cli/network_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "server/cli/fact_reader.h"
#include "vm/row_scan.h"

namespace entail::cli {
namespace {

using datalog::RelationId;
using vm::Row;
using vm::View;
using vm::Word;

constexpr std::size_t kRowsAtOnce = 1024;

// Whether row `row` of the columns agrees with the pattern.
bool agrees(const AtomPattern& pattern, const RowShape& shape, std::span<Word* const> columns,
            std::size_t row) {
  for (std::size_t column = 0; column < pattern.terms.size(); ++column) {
    const AtomPattern::Term& term = pattern.terms[column];
    const std::uint32_t first = shape.word_of_column[column];
    const vm::Type type = shape.columns[column].type;
    const bool nullable = shape.columns[column].nullable;
    switch (term.kind) {
      case AtomPattern::TermKind::kAnything:
        break;
      case AtomPattern::TermKind::kConstant:
        for (unsigned w = 0; w < vm::words_of(type, nullable); ++w) {
          if (columns[first + w][row] != pattern.constants[first + w]) return false;
        }
        break;
      case AtomPattern::TermKind::kSameAs: {
        // A null equals a null; a column that cannot be null never does.
        const std::uint32_t other = shape.word_of_column[term.column];
        const unsigned words = vm::value_words(type);
        const Word flag = nullable ? columns[first + words][row] : 0;
        const Word other_flag =
            shape.columns[term.column].nullable ? columns[other + words][row] : 0;
        if (flag != other_flag) return false;
        for (unsigned w = 0; w < words; ++w) {
          if (columns[first + w][row] != columns[other + w][row]) return false;
        }
        break;
      }
    }
  }
  return true;
}

}  // namespace

Expected<std::unique_ptr<NetworkRun>> NetworkRun::create(const datalog::RuleProgram& program,
                                                         const grammar::SourceFiles& files,
                                                         const Options& options) {
  std::unique_ptr<NetworkRun> run(new NetworkRun(program, options));
  rete::NetworkOptions network_options;
  network_options.pool = &run->pool_;
  network_options.files = &files;
  network_options.cancel = options.cancel;
  network_options.clock = options.stopwatch;
  if (options.clock != nullptr) {
    network_options.start_time = [clock = options.clock] { return clock->now_us(); };
  }
  network_options.memory = &run->memory_;
  auto network = rete::Network::create(program, std::move(network_options));
  if (!network) return unexpected(network.error());
  run->network_ = std::move(*network);
  return run;
}

Expected<std::uint64_t> NetworkRun::load_facts(const std::string& directory) {
  std::uint64_t rows_read = 0;
  for (const datalog::Directive& directive : program_.directives) {
    if (directive.kind != datalog::DirectiveKind::kInput) continue;
    const datalog::Relation& relation = program_.relation(directive.relation);
    auto form = input_form(directive, relation, directory);
    if (!form) return unexpected(form.error());
    if (form->medium == Medium::kStandard) {
      return unexpected(ErrorCode::kUnsupported,
                        fmt::format("{}: standard input carries the changes; .input of a program "
                                    "that is followed reads files",
                                    relation.name));
    }
    const RowSink sink = [&](std::span<const Word* const> columns,
                             std::size_t rows) -> Expected<void> {
      rete::FactChanges facts{columns, rows};
      facts.is_arrival = false;
      return network_->change(directive.relation, facts);
    };
    auto loaded = read_facts(*form, row_shape(relation), pool_, {.cancel = options_.cancel}, sink);
    if (!loaded) return loaded;
    rows_read += *loaded;
  }
  network_->start_clocks();
  return rows_read;
}

RowSource NetworkRun::rows(RelationId id) const {
  const vm::StandingRelation& relation = network_->relation(id);
  return [&relation, position = Row{0}, found = std::vector<Row>()](std::span<Word* const> columns,
                                                                    std::size_t capacity) mutable {
    found.resize(capacity);
    const std::size_t count = relation.scan(View::kTotal, position, found.data(), capacity);
    for (std::uint32_t c = 0; c < columns.size(); ++c) {
      relation.load(c, found.data(), count, columns[c]);
    }
    return count;
  };
}

RowSource NetworkRun::matches(const AtomPattern& pattern, const RowShape& shape) const {
  const RelationId id = *pattern.relation;
  const vm::StandingRelation& relation = network_->relation(id);
  const bool is_row = !relation.options().bag && !pattern.terms.empty() &&
                      std::all_of(pattern.terms.begin(), pattern.terms.end(), [](const auto& term) {
                        return term.kind == AtomPattern::TermKind::kConstant;
                      });
  if (is_row) {  // Is it there? Its place need not be looked for row by row.
    return [&relation, &pattern, is_done = false](std::span<Word* const> columns,
                                                  std::size_t) mutable -> std::size_t {
      if (std::exchange(is_done, true)) return 0;
      std::vector<const Word*> words;
      for (const Word& word : pattern.constants) words.push_back(&word);
      Row row = vm::kNoRow;
      relation.find(View::kTotal, words, 1, &row);
      if (row == vm::kNoRow) return 0;
      for (std::size_t c = 0; c < columns.size(); ++c) *columns[c] = pattern.constants[c];
      return 1;
    };
  }
  return [&pattern, &shape, all = rows(id)](std::span<Word* const> columns,
                                            std::size_t capacity) mutable {
    for (;;) {
      const std::size_t count = all(columns, std::min(capacity, kRowsAtOnce));
      if (count == 0) return count;
      std::size_t kept = 0;
      for (std::size_t row = 0; row < count; ++row) {
        if (!agrees(pattern, shape, columns, row)) continue;
        for (Word* const column : columns) column[kept] = column[row];
        ++kept;
      }
      if (kept > 0) return kept;
    }
  };
}

bool NetworkRun::complete_by_key(RelationId id, std::span<Word> row) const {
  const vm::StandingRelation& relation = network_->relation(id);
  const std::vector<std::uint32_t> key =
      network_->layout(id).words_of_columns(program_.relation(id).key);
  Row found = vm::kNoRow;
  if (relation.options().key == key) {
    std::vector<const Word*> words;
    for (const std::uint32_t word : key) words.push_back(&row[word]);
    std::vector<Row> rows;
    std::vector<std::uint32_t> lanes;
    constexpr std::uint32_t kKeyIndex = 0;  // Keyed relations have it first.
    relation.probe(kKeyIndex, View::kTotal, words, 1, rows, lanes);
    if (!rows.empty()) found = rows.front();
  } else {
    for (vm::RowScan scan(relation); found == vm::kNoRow && scan.next();) {
      const auto is_it = [&](Row candidate) {
        return std::all_of(key.begin(), key.end(), [&](std::uint32_t word) {
          Word value = 0;
          relation.load(word, &candidate, 1, &value);
          return value == row[word];
        });
      };
      const auto at = std::find_if(scan.rows().begin(), scan.rows().end(), is_it);
      if (at != scan.rows().end()) found = *at;
    }
  }
  if (found == vm::kNoRow) return false;
  for (std::uint32_t word = 0; word < row.size(); ++word)
    relation.load(word, &found, 1, &row[word]);
  return true;
}

}  // namespace entail::cli
