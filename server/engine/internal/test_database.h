// server/engine/internal/test_database.h - what the engine's tests share: a database, and answers as text.
//
// Threads: one.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/engine/engine.h"
#include "store/simulated_kv.h"

namespace entail::engine {

class Database {
 public:
  Database() : Database(EngineOptions{}) {}
  explicit Database(EngineOptions options) {
    options.clock = &clock_;
    auto opened = Engine::open(std::move(options));
    INFO((opened ? std::string() : opened.error().message));
    REQUIRE(opened);
    engine_ = std::move(*opened);
  }

  Engine& engine() { return *engine_; }
  ManualClock& clock() { return clock_; }
  std::unique_ptr<Session> connect() {
    auto session = engine_->connect({});
    REQUIRE(session);
    return std::move(*session);
  }

 private:
  ManualClock clock_{1'700'000'000'000'000};
  std::unique_ptr<Engine> engine_;
};

inline EngineOptions on(const std::shared_ptr<store::SimulatedDisk>& disk) {
  EngineOptions options;
  options.open_kv = disk->opener();
  return options;
}

// The answer as text: "1,a;2,b", a tag, or "!23505 message".
inline std::string ask(Session& session, const std::string& text) {
  auto answer = session.query(text);
  if (!answer) return "!" + std::string(answer.error().sqlstate()) + " " + answer.error().message;
  if (answer->columns.empty()) return answer->tag;
  std::string out;
  for (const std::vector<std::string>& row : answer->rows) {
    if (!out.empty()) out.push_back(';');
    for (std::size_t c = 0; c < row.size(); ++c) out += (c > 0 ? "," : "") + row[c];
  }
  return out;
}

inline std::string state_of(Session& session, const std::string& text) {
  const std::string answer = ask(session, text);
  return answer.starts_with("!") ? answer.substr(1, 5) : "ok";
}

// A statement that may have to wait for a lock, stepped by hand.
class Waiting {
 public:
  Waiting(Session& session, const std::string& text) : session_(session) {
    auto query = session.simple(text);
    REQUIRE(query);
    query_ = std::move(*query);
    auto more = query_->next();
    REQUIRE(more);
    REQUIRE(*more);
    go_on();
  }

  // Tries again, as who was woken does.
  void go_on() {
    Rows rows(session_);
    auto outcome = is_run_ ? Expected<Outcome>(Outcome()) : query_->portal().run(rows, 0);
    if (outcome && !is_run_ && outcome->progress != Progress::kMustWait) {
      is_run_ = true;
      answer_ = rows.text.empty() ? outcome->tag : rows.text;
    }
    if (outcome && is_run_) outcome = query_->finish();
    waits_ = outcome && outcome->progress == Progress::kMustWait;
    if (!outcome) {
      answer_ = "!" + std::string(outcome.error().sqlstate()) + " " + outcome.error().message;
    }
  }
  bool waits() const { return waits_; }
  const std::string& answer() const { return answer_; }

 private:
  struct Rows final : RowSink {
    explicit Rows(Session& given) : session(given) {}
    void row(const RowView& row) override {
      if (!text.empty()) text.push_back(';');
      for (std::size_t c = 0; c < row.size(); ++c) {
        if (c > 0) text.push_back(',');
        if (row.is_null(c)) {
          text += "NULL";
        } else {
          row.append_text(c, session.text_settings(), text);
        }
      }
    }
    Session& session;
    std::string text;
  };

  Session& session_;
  std::unique_ptr<SimpleQuery> query_;
  bool waits_ = false, is_run_ = false;
  std::string answer_;
};

}  // namespace entail::engine
