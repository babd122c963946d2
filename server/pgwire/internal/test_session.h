// server/pgwire/internal/test_session.h - a stand-in for the engine, for the tests of this folder.
//
// It knows a handful of texts, so that each way of an answer can be had when it is wanted:
//
//     ROWS n      n rows of one bigint: 1, 2, …        WAIT     waits for a lock once
//     COPYIN      takes what it is sent                 BAD      fails
//     BEGIN, COMMIT                                     anything else: its own tag
//
// Threads: one at a time.

#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "server/engine/session.h"
#include "server/pgwire/conversation.h"

namespace entail::pgwire::test {

using engine::Outcome;
using engine::Progress;

inline Unexpected sql_error(std::string sqlstate, std::string message) {
  return unexpected(ErrorCode::kData, std::move(message),
                    SqlFields{.sqlstate = std::move(sqlstate)});
}

struct World {
  vm::TypeTable types;
  vm::ValuePool pool{types};
  std::uint64_t versions = 0;
  std::string copied;
};

struct TestPrepared final : engine::Prepared {
  std::string sql;
  engine::ResultShape rows_shape;
  std::vector<std::uint32_t> oids;
  std::vector<vm::Type> types;

  const std::string& text() const override { return sql; }
  std::span<const std::uint32_t> parameter_oids() const override { return oids; }
  std::span<const vm::Type> parameter_types() const override { return types; }
  const engine::ResultShape* shape() const override {
    return sql.starts_with("ROWS") ? &rows_shape : nullptr;
  }
};

struct TestSession;

struct TestPortal final : engine::Portal {
  TestPortal(TestSession& owner, std::shared_ptr<const TestPrepared> what)
      : session(owner), statement(std::move(what)) {}

  const engine::Prepared& prepared() const override { return *statement; }
  Expected<Outcome> run(engine::RowSink& sink, std::uint64_t max_rows) override;
  engine::CopyFormat copy_format() const override { return engine::CopyFormat::kText; }
  std::size_t copy_columns() const override { return 2; }
  Expected<void> copy_data(std::string_view bytes) override;
  Expected<Outcome> copy_done() override;
  Error copy_fail(std::string_view message) override {
    return sql_error("57014", "COPY from stdin failed: " + std::string(message)).error();
  }

  TestSession& session;
  std::shared_ptr<const TestPrepared> statement;
  std::uint64_t given = 0;
  bool has_waited = false;
};

struct TestSession final : engine::Session {
  TestSession(World& shared, engine::SessionOptions given)
      : world(shared), session_options(std::move(given)) {}

  std::shared_ptr<TestPrepared> prepare(std::string_view text) {
    auto prepared = std::make_shared<TestPrepared>();
    prepared->sql = text;
    while (prepared->sql.ends_with(";")) prepared->sql.pop_back();
    prepared->rows_shape.columns.push_back({.name = "n",
                                            .type_oid = 20,
                                            .type = vm::Type::of(vm::TypeKind::kInt8),
                                            .nullable = false});
    prepared->rows_shape.first_words = {0};
    prepared->rows_shape.word_count = 1;
    if (prepared->sql.find("$1") != std::string::npos) {
      prepared->oids = {20};
      prepared->types = {vm::Type::of(vm::TypeKind::kInt8)};
    }
    return prepared;
  }
  Expected<std::shared_ptr<const engine::Prepared>> parse(std::string_view text,
                                                          std::span<const std::uint32_t>) override {
    if (text == "NOPARSE") return sql_error("42601", "syntax error");
    return std::shared_ptr<const engine::Prepared>(prepare(text));
  }
  Expected<std::unique_ptr<engine::Portal>> bind(
      std::shared_ptr<const engine::Prepared> prepared,
      std::vector<engine::Parameter> parameters) override {
    auto copy = std::make_shared<TestPrepared>(static_cast<const TestPrepared&>(*prepared));
    if (!parameters.empty()) {
      const std::string value = parameters[0].words.empty()
                                    ? parameters[0].text
                                    : fmt::format("{}", vm::int_of(parameters[0].words[0]));
      copy->sql.replace(copy->sql.find("$1"), 2, parameters[0].is_null ? "0" : value);
    }
    return std::unique_ptr<engine::Portal>(std::make_unique<TestPortal>(*this, std::move(copy)));
  }
  Expected<Outcome> sync() override {
    if (state == engine::TransactionStatus::kFailed && !is_block) {
      state = engine::TransactionStatus::kIdle;
    }
    return Outcome{.version = ++world.versions};
  }
  struct Simple final : engine::SimpleQuery {
    TestSession* session = nullptr;
    std::vector<std::string> texts;
    std::size_t at = 0;
    std::unique_ptr<TestPortal> current;
    Expected<bool> next() override {
      if (at == texts.size()) return false;
      if (texts[at] == "NOPARSE") return sql_error("42601", "syntax error");
      current = std::make_unique<TestPortal>(*session, session->prepare(texts[at++]));
      return true;
    }
    engine::Portal& portal() override { return *current; }
    Expected<Outcome> finish() override {
      if (session->fails_to_commit) return sql_error("40001", "could not serialize access");
      return Outcome{.version = ++session->world.versions};
    }
  };
  Expected<std::unique_ptr<engine::SimpleQuery>> simple(std::string_view text) override {
    auto query = std::make_unique<Simple>();
    query->session = this;
    while (!text.empty()) {
      const std::size_t end = text.find(';');
      query->texts.emplace_back(text.substr(0, end));
      text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
    return std::unique_ptr<engine::SimpleQuery>(std::move(query));
  }
  Expected<std::vector<engine::TextResult>> query_all(std::string_view, std::string_view) override {
    return sql_error("0A000", "not here");
  }
  Expected<engine::TextResult> query(std::string_view, std::string_view) override {
    return sql_error("0A000", "not here");
  }
  Expected<engine::PushOutcome> push(const engine::PushBatch&) override {
    return sql_error("0A000", "not here");
  }
  Expected<std::unique_ptr<engine::Subscription>> subscribe(std::string_view,
                                                            engine::LockWaiter*) override {
    return sql_error("0A000", "not here");
  }
  Expected<Outcome> deploy(std::string_view, std::string_view) override {
    return sql_error("0A000", "not here");
  }
  std::uint32_t id() const override { return 77; }
  engine::TransactionStatus status() const override { return state; }
  const engine::SessionOptions& options() const override { return session_options; }
  const engine::TextSettings& text_settings() const override { return style; }
  Expected<std::string> setting(std::string_view) const override { return std::string(); }
  std::vector<engine::Notice> take_notices() override { return {}; }
  std::vector<std::pair<std::string, std::string>> take_reported_settings() override {
    return std::exchange(reported, {});
  }
  void cancel() override {}
  std::int64_t stop_if_late() override { return 0; }

  World& world;
  engine::SessionOptions session_options;
  engine::TransactionStatus state = engine::TransactionStatus::kIdle;
  bool is_block = false;
  bool fails_to_commit = false;
  engine::TextSettings style;
  std::vector<std::pair<std::string, std::string>> reported{{"server_version", "15.0"}};
};

inline Expected<Outcome> TestPortal::run(engine::RowSink& sink, std::uint64_t max_rows) {
  const std::string& sql = statement->sql;
  if (sql == "BAD") return sql_error("22012", "division by zero");
  if (sql == "WAIT" && !has_waited) {
    has_waited = true;
    return Outcome{.progress = Progress::kMustWait};
  }
  if (sql == "COPYIN") return Outcome{.progress = Progress::kCopyIn};
  if (sql == "BEGIN") session.state = engine::TransactionStatus::kOpen;
  if (sql == "COMMIT") session.state = engine::TransactionStatus::kIdle;
  if (!sql.starts_with("ROWS ")) return Outcome{.tag = sql};
  std::uint64_t total = 0;
  std::from_chars(sql.data() + 5, sql.data() + sql.size(), total);
  total = std::min<std::uint64_t>(total, 100'000);
  sink.describe(statement->rows_shape);
  Outcome outcome;
  while (given < total && (max_rows == 0 || outcome.rows < max_rows)) {
    const vm::Word word = vm::int_word(static_cast<std::int64_t>(++given));
    sink.row(engine::RowView(statement->rows_shape, session.world.pool, &word));
    ++outcome.rows;
  }
  outcome.progress =
      max_rows != 0 && outcome.rows == max_rows ? Progress::kSuspended : Progress::kDone;
  outcome.tag = fmt::format("SELECT {}", given);
  return outcome;
}

inline Expected<void> TestPortal::copy_data(std::string_view bytes) {
  if (bytes == "bad") return sql_error("22P04", "missing data for column");
  session.world.copied += bytes;
  return {};
}

inline Expected<Outcome> TestPortal::copy_done() { return Outcome{.tag = "COPY 1"}; }

struct TestHost final : ConversationHost {
  World world;
  TestSession* last = nullptr;
  std::string verifier;

  Expected<std::unique_ptr<engine::Session>> connect(engine::SessionOptions options) override {
    if (options.user == "refused") return sql_error("28000", "role \"refused\" does not exist");
    auto session = std::make_unique<TestSession>(world, std::move(options));
    last = session.get();
    return std::unique_ptr<engine::Session>(std::move(session));
  }
  bool has_users() const override { return !verifier.empty(); }
  Expected<std::string> scram_verifier(std::string_view) const override { return verifier; }
  std::string_view invented_secret() const override { return "secret"; }
};

}  // namespace entail::pgwire::test
