// tests/slt/slt.cc - runs sqllogictest files against the engine, in process.
//
//     slt [--materialized] [--report] [--list] [--stop] [--verbose] FILE|DIR...
//
// Prints for each folder: records, passed, answered 0A000, failed, the slowest statement. --report: the classes of
// failures by SQLSTATE and shape of the message, with an example each. --list: each failure in a line of its
// own. --stop: ends at the first failure.
// --materialized: each SELECT that passes is run again as a materialized view that is declared before its
// tables have data, some tens of views at a time; rows are compared sorted.
//
// Exit code: 0 if all passed, 1 if something failed, 2 if the command line is wrong.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "server/engine/engine.h"
#include "tests/slt/slt_file.h"
#include "vm/base/clock.h"

namespace entail::slt {
namespace {

using engine::Engine;
using engine::Outcome;
using engine::Progress;
using engine::RowView;
using engine::Session;

struct Options {
  bool materialized = false, report = false, list = false, stop = false, verbose = false;
  std::vector<std::string> paths;
};

struct Answer {
  bool ok = false;
  std::string sqlstate, message;
  std::vector<std::vector<std::string>> rows;
  double seconds = 0;
};

class Collector final : public engine::RowSink {
 public:
  Collector(const Session& session, const std::string& types, Answer& answer)
      : session_(session), types_(types), answer_(answer) {}
  void row(const RowView& row) override {
    std::vector<std::string>& out = answer_.rows.emplace_back();
    for (std::size_t c = 0; c < row.size(); ++c) {
      std::string text;
      const bool is_null = row.is_null(c);
      if (!is_null) row.append_text(c, session_.text_settings(), text);
      const char type = c < types_.size() ? types_[c] : 'T';
      // A text asked for as a number is the number that it begins with.
      if (type == 'I' && !is_null && row.column(c).type.kind == vm::TypeKind::kText) {
        text = std::to_string(std::strtoll(text.c_str(), nullptr, 10));
      }
      out.push_back(format_value(type, text, is_null));
    }
  }
  void copy_out(std::string_view bytes) override {
    if (!bytes.empty() && bytes.back() == '\n') bytes.remove_suffix(1);
    answer_.rows.push_back({format_value('T', std::string(bytes), false)});
  }

 private:
  const Session& session_;
  std::string types_;
  Answer& answer_;
};

Answer failure(const Error& error) {
  Answer answer;
  answer.sqlstate = std::string(error.sqlstate());
  answer.message = error.message;
  return answer;
}

Expected<void> run_all(Session& session, const std::string& sql, const std::string& types,
                       const std::string& copy_data, Answer& answer) {
  auto query = session.simple(sql);
  if (!query) return unexpected(query.error());
  while (true) {
    auto more = (*query)->next();
    if (!more) return unexpected(more.error());
    if (!*more) break;
    answer.rows.clear();
    Collector sink(session, types, answer);
    auto outcome = (*query)->portal().run(sink, 0);
    if (!outcome) return unexpected(outcome.error());
    if (outcome->progress == Progress::kCopyIn) {
      if (auto fed = (*query)->portal().copy_data(copy_data); !fed) return fed;
      auto done = (*query)->portal().copy_done();
      if (!done) return unexpected(done.error());
    }
  }
  auto finished = (*query)->finish();
  if (!finished) return unexpected(finished.error());
  return {};
}

Answer ask(Session& session, const std::string& sql, const std::string& types,
           const std::string& copy_data = "") {
  const auto begin = std::chrono::steady_clock::now();
  Answer answer;
  auto done = run_all(session, sql, types, copy_data, answer);
  if (!done) {
    answer = failure(done.error());
  } else {
    answer.ok = true;
  }
  answer.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return answer;
}

struct Tally {
  std::size_t records = 0, passed = 0, unsupported = 0, failed = 0, slow = 0;
  std::size_t views = 0, views_passed = 0, views_refused = 0;
  double slowest = 0;
  std::string slowest_where;

  void operator+=(const Tally& other) {
    records += other.records;
    passed += other.passed;
    unsupported += other.unsupported;
    failed += other.failed;
    slow += other.slow;
    views += other.views;
    views_passed += other.views_passed;
    views_refused += other.views_refused;
    if (other.slowest > slowest) {
      slowest = other.slowest;
      slowest_where = other.slowest_where;
    }
  }
};

struct Class {
  std::size_t count = 0;
  std::string example;
};

// Names and numbers of a message do not matter for its class.
std::string shape_of(const std::string& message) {
  std::string shape;
  bool quoted = false;
  for (std::size_t i = 0; i < message.size() && shape.size() < 100; ++i) {
    const char c = message[i];
    if (c == '"') {
      if (!quoted) shape += "\"…\"";
      quoted = !quoted;
    } else if (!quoted && c >= '0' && c <= '9') {
      if (shape.empty() || shape.back() != '#') shape.push_back('#');
    } else if (!quoted) {
      shape.push_back(c == '\n' ? ' ' : c);
    }
  }
  return shape;
}

bool is_flush(const std::string& sql) {
  return sql == "FLUSH" || sql == "FLUSH;" || sql == "flush";
}

class Runner {
 public:
  explicit Runner(const Options& options) : options_(options) {}

  bool run(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    const SltFile file = parse_slt(path, text.str());
    const std::string folder = std::filesystem::path(path).parent_path().filename().string();
    Tally tally;
    std::vector<bool> passed(file.records.size(), false);
    const bool go_on = run_plainly(file, tally, passed);
    if (options_.materialized) run_materialized(file, passed, tally);
    folders_[folder] += tally;
    if (options_.verbose) print(std::filesystem::path(path).filename().string(), tally);
    return go_on;
  }

  int finish() const {
    Tally all;
    for (const auto& [folder, tally] : folders_) {
      print(folder, tally);
      all += tally;
    }
    if (folders_.size() > 1) print("all", all);
    if (options_.report) {
      std::vector<std::pair<std::string, Class>> sorted(classes_.begin(), classes_.end());
      std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
        return a.second.count > b.second.count;
      });
      for (const auto& [shape, seen] : sorted) {
        std::cout << seen.count << "\t" << shape << "\n\t\t" << seen.example << "\n";
      }
    }
    return all.passed == all.records && all.views == all.views_passed ? 0 : 1;
  }

 private:
  static void print(const std::string& name, const Tally& t) {
    const double percent =
        t.records == 0 ? 100
                       : 100.0 * static_cast<double>(t.passed) / static_cast<double>(t.records);
    std::printf(
        "%-40s records %6zu  passed %6zu (%5.1f %%)  0A000 %5zu  failed %5zu  slowest %.2f s",
        name.c_str(), t.records, t.passed, percent, t.unsupported, t.failed, t.slowest);
    if (t.slow > 0) std::printf("  over 5 s: %zu", t.slow);
    if (t.views > 0) {
      std::printf("  views %zu passed %zu refused %zu", t.views, t.views_passed, t.views_refused);
    }
    std::printf("\n");
    std::fflush(stdout);
  }

  std::unique_ptr<Engine> open() {
    auto opened = Engine::open({.clock = &clock_});
    if (!opened) {
      std::cerr << "slt: " << opened.error().message << "\n";
      std::exit(2);
    }
    return std::move(*opened);
  }

  void settle(Session& session, const std::string& path) {
    if (path.find("pgregress") == std::string::npos) return;
    ask(session,
        "SET timezone = 'PST8PDT'; SET datestyle = 'Postgres, MDY'; "
        "SET intervalstyle = 'postgres_verbose'",
        "");
    const std::filesystem::path setup =
        std::filesystem::path(path).parent_path().parent_path() / "_setup.slt";
    std::ifstream in(setup, std::ios::binary);
    if (!in) return;
    std::stringstream text;
    text << in.rdbuf();
    for (const Record& record : parse_slt(setup.string(), text.str()).records) {
      ask(session, record.sql, record.types, record.copy_data);
    }
  }

  void note(const SltFile& file, const Record& record, const std::string& state,
            const std::string& message) {
    Class& seen = classes_[state + " " + shape_of(message)];
    std::string line;
    if (++seen.count == 1 || options_.list) {
      line = std::filesystem::path(file.path).filename().string() + ":" +
             std::to_string(record.line) + ": " + message + " | " + record.sql.substr(0, 300);
      std::replace(line.begin(), line.end(), '\n', ' ');
    }
    if (options_.list) std::cout << state << " " << line << "\n";
    if (seen.count == 1) seen.example = std::move(line);
  }

  // What is wrong with the answer; empty: nothing.
  static std::string judge(const Record& record, const Answer& answer, SortMode sort) {
    if (record.kind == RecordKind::kStatement) {
      if (record.expects_error == answer.ok) {
        return answer.ok ? "an error was expected" : answer.message;
      }
      if (!answer.ok && !record.sqlstate.empty() && record.sqlstate != answer.sqlstate) {
        return "expected " + record.sqlstate + ": " + answer.message;
      }
      return "";
    }
    if (!answer.ok) return answer.message;
    const std::vector<std::string> values = arrange(answer.rows, sort);
    if (!record.hash.empty()) {
      if (values.size() != record.value_count) {
        return "expected " + std::to_string(record.value_count) + " values, got " +
               std::to_string(values.size());
      }
      return md5_of(values) == record.hash ? "" : "other values than expected (hash)";
    }
    if (values == record.expected) return "";
    if (values.size() != record.expected.size()) {
      return "expected " + std::to_string(record.expected.size()) + " values, got " +
             std::to_string(values.size());
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i] != record.expected[i]) {
        return "other values than expected: \"" + values[i] + "\" for \"" + record.expected[i] +
               "\"";
      }
    }
    return "";
  }

  bool run_plainly(const SltFile& file, Tally& tally, std::vector<bool>& passed) {
    const std::unique_ptr<Engine> engine = open();
    auto session = engine->connect({});
    if (!session) return false;
    settle(**session, file.path);
    for (std::size_t i = 0; i < file.records.size(); ++i) {
      const Record& record = file.records[i];
      ++tally.records;
      if (is_flush(record.sql)) {
        ++tally.passed;
        continue;
      }
      const Answer answer = ask(**session, record.sql, record.types, record.copy_data);
      const std::string wrong = judge(record, answer, record.sort);
      if (answer.seconds > tally.slowest) {
        tally.slowest = answer.seconds;
        tally.slowest_where = file.path + ":" + std::to_string(record.line);
      }
      tally.slow += answer.seconds > 5 ? 1 : 0;
      if (wrong.empty()) {
        ++tally.passed;
        passed[i] = true;
        continue;
      }
      const bool refused = !answer.ok && answer.sqlstate == "0A000";
      ++(refused ? tally.unsupported : tally.failed);
      note(file, record, answer.ok ? "-----" : answer.sqlstate, wrong);
      if (options_.stop) {
        std::cout << file.path << ":" << record.line << ": " << wrong << "\n" << record.sql << "\n";
        for (const auto& row : answer.rows) {
          for (const std::string& value : row) std::cout << "  " << value;
          std::cout << "\n";
        }
        return false;
      }
    }
    return true;
  }

  // " (c1, c2)": a query may name two columns alike, a view may not.
  static std::string column_names(std::size_t columns) {
    if (columns == 0) return "";
    std::string names = " (";
    for (std::size_t c = 0; c < columns; ++c) {
      names += (c > 0 ? ", c" : "c") + std::to_string(c + 1);
    }
    return names + ")";
  }

  static bool is_select(const std::string& sql) {
    std::string head = sql.substr(0, 6);
    for (char& c : head) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return head == "SELECT" || head.starts_with("WITH ") || head == "VALUES";
  }

  // The last statement before a query that drops something, or 0.
  static std::size_t dropped_before(const SltFile& file, std::size_t query) {
    while (query > 0) {
      const Record& record = file.records[--query];
      const std::string head = record.sql.substr(0, 4);
      if (record.kind == RecordKind::kStatement && (head == "DROP" || head == "drop")) return query;
    }
    return 0;
  }

  static bool defines(const std::string& sql) {
    std::string head = sql.substr(0, 6);
    for (char& c : head) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return head == "CREATE" || head.starts_with("DROP");
  }

  // Some tens of views at a time, each time over the whole history of the file.
  void run_materialized(const SltFile& file, const std::vector<bool>& passed, Tally& tally) {
    std::vector<std::size_t> queries;
    for (std::size_t i = 0; i < file.records.size(); ++i) {
      const Record& record = file.records[i];
      if (passed[i] && record.kind == RecordKind::kQuery && is_select(record.sql)) {
        queries.push_back(i);
      }
    }
    constexpr std::size_t kViewsAtOnce = 40;
    for (std::size_t first = 0; first < queries.size(); first += kViewsAtOnce) {
      const std::size_t last = std::min(first + kViewsAtOnce, queries.size());
      run_views(file, passed,
                {queries.begin() + static_cast<std::ptrdiff_t>(first),
                 queries.begin() + static_cast<std::ptrdiff_t>(last)},
                tally);
    }
  }

  void run_views(const SltFile& file, const std::vector<bool>& passed,
                 const std::vector<std::size_t>& queries, Tally& tally) {
    const std::unique_ptr<Engine> engine = open();
    auto session = engine->connect({});
    if (!session) return;
    settle(**session, file.path);
    std::set<std::size_t> waiting(queries.begin(), queries.end()), standing;
    const auto declare = [&](std::size_t now) {
      for (auto query = waiting.begin(); query != waiting.end();) {
        if (now <= dropped_before(file, *query)) {
          ++query;  // The table of that name that it reads is still to come.
          continue;
        }
        std::string text = file.records[*query].sql;
        while (!text.empty() && (text.back() == ';' || text.back() == ' ')) text.pop_back();
        const Answer made = ask(**session,
                                "CREATE MATERIALIZED VIEW slt_view_" + std::to_string(*query) +
                                    column_names(file.records[*query].types.size()) + " AS " + text,
                                "");
        if (!made.ok && made.sqlstate == "42P01") {
          ++query;  // Its tables are not there yet.
          continue;
        }
        if (made.ok) {
          standing.insert(*query);
        } else {
          ++tally.views;
          ++tally.views_refused;
          note(file, file.records[*query], "view " + made.sqlstate, made.message);
        }
        query = waiting.erase(query);
      }
    };
    for (std::size_t i = 0; i <= queries.back(); ++i) {
      const Record& record = file.records[i];
      if (record.kind == RecordKind::kStatement) {
        if (is_flush(record.sql)) continue;
        if (!defines(record.sql)) declare(i);
        const Answer done = ask(**session, record.sql, "", record.copy_data);
        if (passed[i] && done.ok == record.expects_error) {
          ++tally.views;
          note(file, record, "view " + done.sqlstate, "with views standing: " + done.message);
        }
        continue;
      }
      if (standing.count(i) == 0) continue;
      ++tally.views;
      Answer answer = ask(**session, "SELECT * FROM slt_view_" + std::to_string(i), record.types);
      // A view has no order; the rows expected are compared as a sorted list too.
      Record sorted = record;
      std::string wrong;
      if (answer.ok && record.sort == SortMode::kNone && record.hash.empty()) {
        const std::size_t width = std::max<std::size_t>(record.types.size(), 1);
        std::vector<std::vector<std::string>> rows;
        for (std::size_t v = 0; v + width <= record.expected.size(); v += width) {
          rows.emplace_back(record.expected.begin() + static_cast<std::ptrdiff_t>(v),
                            record.expected.begin() + static_cast<std::ptrdiff_t>(v + width));
        }
        sorted.expected = arrange(std::move(rows), SortMode::kRows);
        wrong = judge(sorted, answer, SortMode::kRows);
      } else if (answer.ok && record.sort == SortMode::kNone) {
        const Answer plain = ask(**session, record.sql, record.types);
        wrong = arrange(plain.rows, SortMode::kRows) == arrange(answer.rows, SortMode::kRows)
                    ? ""
                    : "other rows than the query's";
      } else {
        wrong = judge(record, answer, record.sort);
      }
      if (wrong.empty()) {
        ++tally.views_passed;
      } else {
        note(file, record, "view " + (answer.ok ? "-----" : answer.sqlstate), wrong);
      }
      ask(**session, "DROP MATERIALIZED VIEW slt_view_" + std::to_string(i), "");
    }
  }

  const Options& options_;
  ManualClock clock_{1'700'000'000'000'000};
  std::map<std::string, Tally> folders_;
  std::map<std::string, Class> classes_;
};

int run(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--materialized") {
      options.materialized = true;
    } else if (word == "--report") {
      options.report = true;
    } else if (word == "--list") {
      options.list = true;
    } else if (word == "--stop") {
      options.stop = true;
    } else if (word == "--verbose") {
      options.verbose = true;
    } else if (!word.starts_with("--")) {
      options.paths.push_back(word);
    } else {
      options.paths.clear();
      break;
    }
  }
  if (options.paths.empty()) {
    std::cerr
        << "usage: slt [--materialized] [--report] [--list] [--stop] [--verbose] FILE|DIR...\n";
    return 2;
  }
  std::vector<std::string> files;
  for (const std::string& path : options.paths) {
    if (!std::filesystem::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
      const std::string extension = entry.path().extension().string();
      if (entry.is_regular_file() && (extension == ".test" || extension == ".slt")) {
        files.push_back(entry.path().string());
      }
    }
  }
  std::sort(files.begin(), files.end());
  Runner runner(options);
  for (const std::string& file : files) {
    if (!runner.run(file)) break;
  }
  return runner.finish();
}

}  // namespace
}  // namespace entail::slt

int main(int argc, char** argv) { return entail::slt::run(argc, argv); }
