// Golden scripts: a program, its facts, its questions and their answers in one .dl file.
//
//     path(x, y) :- edge(x, y).
//
//     //! path("a", _)              a question
//     //! ----
//     //! path("a", "b")            its answers, sorted; (none) when there are none
//
//     big(x) :- !seen(x).           //! error: the message of the error on this line
//     one(1 / 0) :- seen(_).        //! error: also one that evaluation meets
//     odd(x) :- seen(_).            //! warning: of lint
//
//     //! plan path                 the plans of the rules of a relation
//     //! ----
//     //! …
//
// Lines of //! that follow each other are one block; an empty line ends it. The first line of a
// script may be `//! options: --number=32`.
//
// Each script is evaluated with one thread and with two, and each question is asked twice: of the
// whole program, and of the rules that it needs alone (datalog/demand.h). All must agree.
//
// `golden_test --update` (or GOLDEN_UPDATE=1 in the environment) rewrites the expected parts;
// GOLDEN_ONLY=name runs one script.

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "server/cli/explain_command.h"
#include "server/cli/fact_json.h"
#include "server/cli/lint.h"
#include "server/cli/options.h"
#include "server/cli/program_run.h"
#include "server/cli/program_source.h"
#include "server/cli/row_sorter.h"
#include "vm/value_text.h"

namespace {

namespace fs = std::filesystem;
using namespace entail;
using namespace entail::cli;

bool should_update() { return std::getenv("GOLDEN_UPDATE") != nullptr; }

// --- the script -------------------------------------------------------------------------------------

struct Note {            // `//! error: …` at the end of a line.
  std::size_t line = 0;  // From 1.
  std::string text;      // "error: …"
  bool operator<(const Note& other) const {
    return std::tie(line, text) < std::tie(other.line, other.text);
  }
  bool operator==(const Note&) const = default;
};

struct Block {
  std::string question;          // "path(1, _)" or "plan path".
  std::size_t answer_begin = 0;  // Lines of the answer: [begin, end), from 0.
  std::size_t answer_end = 0;
  std::vector<std::string> answer;
};

struct Script {
  std::string name;
  std::vector<std::string> lines;
  std::vector<std::string> options;
  std::vector<Note> notes;
  std::vector<Block> blocks;
};

constexpr std::string_view kMark = "//!";

std::string after_mark(const std::string& line) {
  std::string rest = line.substr(line.find(kMark) + kMark.size());
  return rest.starts_with(' ') ? rest.substr(1) : rest;
}

bool is_block_line(const std::string& line) { return line.starts_with(kMark); }

Script read_script(const fs::path& path) {
  Script script;
  script.name = path.filename().string();
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) script.lines.push_back(line);
  for (std::size_t i = 0; i < script.lines.size();) {
    const std::string& line = script.lines[i];
    if (!is_block_line(line)) {
      for (std::size_t at = line.find(kMark); at != std::string::npos;) {
        const std::size_t next = line.find(kMark, at + 1);
        std::string text = after_mark(line.substr(at, next - at));
        text.erase(text.find_last_not_of(' ') + 1);
        script.notes.push_back({i + 1, text});
        at = next;
      }
      ++i;
      continue;
    }
    const std::string first = after_mark(line);
    if (first.starts_with("options:")) {
      std::istringstream words(first.substr(std::string("options:").size()));
      for (std::string word; words >> word;) script.options.push_back(word);
      ++i;
      continue;
    }
    Block block;
    block.question = first;
    std::size_t next = i + 1;
    INFO(script.name << ":" << next << ": a question is followed by //! ----");
    REQUIRE(next < script.lines.size());
    REQUIRE(after_mark(script.lines[next]) == "----");
    block.answer_begin = ++next;
    while (next < script.lines.size() && is_block_line(script.lines[next])) {
      block.answer.push_back(after_mark(script.lines[next++]));
    }
    block.answer_end = next;
    script.blocks.push_back(std::move(block));
    i = next;
  }
  return script;
}

// --- running it -------------------------------------------------------------------------------------

CommandLine command_line(const Script& script, std::optional<std::string> query) {
  std::vector<const char*> arguments = {"run"};
  for (const std::string& option : script.options) arguments.push_back(option.c_str());
  arguments.push_back(script.name.c_str());
  auto line = parse_command_line(arguments);
  REQUIRE(line);
  line->query = std::move(query);
  return *line;
}

std::string program_text(const Script& script) {
  std::string text;
  for (const std::string& line : script.lines) text += line + "\n";
  return text;
}

// Rows of a relation as facts, in the order of their values.
std::vector<std::string> rows_as_facts(ProgramRun& run, datalog::RelationId relation,
                                       const std::string& name) {
  const RowShape shape = row_shape(run.program().relation(relation));
  const SortedRows sorted(shape, run.pool(), run.rows(relation));
  std::vector<std::vector<vm::Word>> storage(
      std::max<std::size_t>(shape.word_count, 1),
      std::vector<vm::Word>(std::max<std::size_t>(sorted.size(), 1)));
  std::vector<vm::Word*> columns;
  for (auto& column : storage) columns.push_back(column.data());
  const std::size_t count = sorted.size() == 0 ? 0 : sorted.source()(columns, sorted.size());
  vm::TextStyle style;
  style.quote_nested_text = true;
  std::vector<std::string> facts;
  for (std::size_t row = 0; row < count; ++row) {
    std::string fact = name + "(";
    for (std::size_t i = 0; i < shape.columns.size(); ++i) {
      const datalog::Column& column = shape.columns[i];
      vm::Word words[3] = {0, 0, 0};
      for (unsigned w = 0; w < vm::words_of(column.type, column.nullable); ++w) {
        words[w] = storage[shape.word_of_column[i] + w][row];
      }
      if (i > 0) fact += ", ";
      const bool is_text = column.type.kind == vm::TypeKind::kText &&
                           !(column.nullable && words[vm::value_words(column.type)] != 0);
      if (is_text) {
        vm::TextScratch scratch;
        append_json_string(run.pool().view(words[0], scratch), fact);
      } else {
        vm::print_value(run.pool(), column.type, column.nullable, words, style, fact);
      }
    }
    facts.push_back(fact + ")");
  }
  if (facts.empty()) facts.emplace_back("(none)");
  return facts;
}

struct Outcome {
  std::vector<Note> notes;                        // Sorted.
  std::vector<std::vector<std::string>> answers;  // By block.
};

void add_notes(const LoadedProgram& loaded, std::vector<Note>& notes) {
  for (const grammar::Diagnostic& diagnostic : loaded.diagnostics.in_order_of_adding()) {
    if (diagnostic.severity == grammar::Severity::kNote) continue;
    const char* kind = diagnostic.severity == grammar::Severity::kError ? "error: " : "warning: ";
    notes.push_back({loaded.files.locate(diagnostic.span).line, kind + diagnostic.message});
  }
}

// "name:12:5: error: message" -> the note for line 12.
Note runtime_note(const std::string& name, const std::string& message) {
  if (message.starts_with(name + ":")) {
    std::size_t end = 0;
    const std::string rest = message.substr(name.size() + 1);
    const auto line = static_cast<std::size_t>(std::stoul(rest, &end));
    const std::size_t text = rest.find(": ", end);
    return {line, rest.substr(text + 2)};
  }
  return {0, "error: " + message};
}

Outcome evaluate(const Script& script, unsigned threads, bool with_demand) {
  Outcome outcome;
  const std::string text = program_text(script);
  LoadedProgram loaded = load_program_text(script.name, text, command_line(script, std::nullopt),
                                           LoadUpTo::kExecutable);
  if (loaded.rules) lint_tree(loaded.tree, loaded.diagnostics);
  if (loaded.rules) lint_rules(*loaded.rules, loaded.tree, loaded.diagnostics);
  add_notes(loaded, outcome.notes);
  const ProgramRun::Options options{.threads = threads};
  std::unique_ptr<ProgramRun> whole;
  if (loaded.rules) {
    auto run = ProgramRun::create(std::move(*loaded.rules), loaded.files, options);
    REQUIRE(run);
    whole = std::move(*run);
    if (auto done = whole->evaluate(); !done) {
      outcome.notes.push_back(runtime_note(script.name, done.error().message));
      whole.reset();
    }
  }
  std::sort(outcome.notes.begin(), outcome.notes.end());
  for (const Block& block : script.blocks) {
    std::vector<std::string> answer;
    if (!whole) {
      answer.emplace_back("(the program has errors)");
    } else if (block.question.starts_with("plan ")) {
      LoadedProgram planned = load_program_text(
          script.name, text, command_line(script, std::nullopt), LoadUpTo::kExecutable);
      const std::string dump = explain_plan(*planned.rules, block.question.substr(5));
      std::istringstream lines(dump);
      for (std::string line; std::getline(lines, line);) answer.push_back(line);
    } else {
      LoadedProgram asked = load_program_text(
          script.name, text, command_line(script, block.question), LoadUpTo::kExecutable);
      if (!asked.question || !asked.rules) {
        for (const auto& diagnostic : asked.diagnostics.sorted()) {
          answer.push_back("error: " + diagnostic.message);
        }
      } else {
        const std::string name = asked.question->name;
        datalog::RelationId relation = asked.question->answer;
        if (with_demand) {
          auto demanded = datalog::demand(std::move(*asked.rules), asked.question->demand);
          asked.rules = std::move(demanded.program);
          relation = demanded.answer;
        }
        auto run = ProgramRun::create(std::move(*asked.rules), asked.files, options);
        REQUIRE(run);
        const auto done = (*run)->evaluate();
        INFO((done ? std::string() : done.error().message));
        REQUIRE(done);
        answer = rows_as_facts(**run, relation, name);
      }
    }
    outcome.answers.push_back(std::move(answer));
  }
  return outcome;
}

// --- expected against found -------------------------------------------------------------------------

void update(const fs::path& path, const Script& script, const Outcome& outcome) {
  std::vector<std::string> lines = script.lines;
  for (std::string& line : lines) {
    const std::size_t at = line.find(kMark);
    if (is_block_line(line) || at == std::string::npos) continue;
    line.erase(at);
    line.erase(line.find_last_not_of(' ') + 1);
  }
  for (const Note& note : outcome.notes) {
    if (note.line == 0 || note.line > lines.size()) continue;
    std::string& line = lines[note.line - 1];
    line += line.empty() ? std::string(kMark) : "  " + std::string(kMark);
    line += " " + note.text;
  }
  for (std::size_t i = script.blocks.size(); i-- > 0;) {
    const Block& block = script.blocks[i];
    std::vector<std::string> answer;
    for (const std::string& row : outcome.answers[i]) {
      answer.push_back(std::string(kMark) + (row.empty() ? "" : " ") + row);
    }
    const auto begin = lines.begin();
    lines.erase(begin + static_cast<std::ptrdiff_t>(block.answer_begin),
                begin + static_cast<std::ptrdiff_t>(block.answer_end));
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(block.answer_begin), answer.begin(),
                 answer.end());
  }
  std::ofstream out(path);
  for (const std::string& line : lines) out << line << "\n";
}

std::string as_text(const std::vector<Note>& notes) {
  std::string text;
  for (const Note& note : notes) text += fmt::format("line {}: {}\n", note.line, note.text);
  return text;
}

void check(const Script& script, const Outcome& outcome) {
  std::vector<Note> expected = script.notes;
  std::sort(expected.begin(), expected.end());
  CHECK(as_text(outcome.notes) == as_text(expected));
  for (std::size_t i = 0; i < script.blocks.size(); ++i) {
    INFO("question: " << script.blocks[i].question);
    std::vector<std::string> answer = script.blocks[i].answer;
    CHECK(outcome.answers[i] == answer);
  }
}

std::vector<fs::path> script_paths() {
  const char* source = std::getenv("ENTAIL_SOURCE_DIR");
  const fs::path root = source == nullptr ? fs::current_path() : fs::path(source);
  const char* only = std::getenv("GOLDEN_ONLY");
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(root / "tests" / "golden")) {
    if (entry.path().extension() != ".dl") continue;
    if (only != nullptr && entry.path().stem() != only) continue;
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST_CASE("each golden script gives what it says, however it is run") {
  const std::vector<fs::path> paths = script_paths();
  if (std::getenv("GOLDEN_ONLY") == nullptr) CHECK_FALSE(paths.empty());
  for (const fs::path& path : paths) {
    Script script = read_script(path);
    if (should_update()) {
      update(path, script, evaluate(script, 1, false));
      script = read_script(path);
    }
    for (const unsigned threads : {1U, 2U}) {
      for (const bool with_demand : {false, true}) {
        INFO(script.name << ", threads: " << threads << (with_demand ? ", by demand" : ""));
        check(script, evaluate(script, threads, with_demand));
      }
    }
  }
}

}  // namespace
