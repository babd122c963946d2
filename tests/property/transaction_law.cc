#include "tests/property/transaction_law.h"

#include <algorithm>
#include <memory>

#include "server/engine/engine.h"
#include "store/simulated_kv.h"
#include "tests/property/transaction_model.h"
#include "vm/base/random.h"

namespace entail::testing {

namespace {

using engine::Engine;
using engine::Outcome;
using engine::Parameter;
using engine::Portal;
using engine::Prepared;
using engine::Progress;
using engine::Session;

constexpr std::size_t kClients = 6;
constexpr std::int64_t kKeys = 8, kGroups = 3;
constexpr std::uint64_t kTransactions = 30;  // Of a history.
constexpr std::uint64_t kPastReads = 3;  // While others write; afterwards all versions are read.

constexpr const char* kLevelNames[] = {"READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"};

class TextRows final : public engine::RowSink {
 public:
  explicit TextRows(const engine::TextSettings& settings) : settings_(settings) {}
  void row(const engine::RowView& row) override {
    if (!text.empty()) text.push_back(';');
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c > 0) text.push_back(',');
      if (row.is_null(c)) {
        text += "NULL";
      } else {
        row.append_text(c, settings_, text);
      }
    }
  }
  std::string text;

 private:
  const engine::TextSettings& settings_;
};

// What a transaction was answered, to be asked again of the version before its commit.
struct Answered {
  Operation operation;
  ModelWrites own;
  std::string text;
};

struct Savepoint {
  std::string name;
  ModelWrites writes;
};

struct Client final : engine::LockWaiter {
  void wake() override { is_woken = true; }

  std::unique_ptr<Session> session;
  std::map<std::string, std::shared_ptr<const Prepared>> prepared;

  bool in_transaction = false, is_failed = false;
  HistoryLevel level{};
  std::uint64_t snapshot = 0;  // 0: none yet.
  ModelWrites own;
  std::vector<Savepoint> savepoints;
  std::vector<Answered> answered;
  FinishedTransaction record;
  std::uint64_t statements_left = 0;

  // The statement under way.
  std::unique_ptr<Portal> portal;
  std::optional<Operation> operation;  // None: control.
  std::string text;
  bool is_waiting = false, is_woken = false;
};

class History {
 public:
  History(Engine& engine, std::map<std::uint64_t, ModelState>& states,
          std::vector<std::unique_ptr<Client>>& clients, std::uint64_t seed,
          std::int64_t& next_value, TransactionTotals& totals)
      : engine_(engine),
        states_(states),
        clients_(clients),
        seed_(seed),
        random_(seed),
        next_value_(next_value),
        totals_(totals) {}

  bool run(std::string& problem);
  const std::string& log() const { return log_; }

 private:
  const ModelState& newest() const { return states_.rbegin()->second; }
  const ModelState& at(std::uint64_t version) const {
    return std::prev(states_.upper_bound(version))->second;
  }
  void fail(const Client& client, const std::string& why) {
    if (problem_.empty()) problem_ = client.record.name + ": " + why;
  }
  void write_log(const Client& client, const std::string& line) {
    log_ += "  " + client.record.name + ": " + line + "\n";
  }
  HistoryLevel pick_level();
  Operation pick_operation(bool reads_only);
  bool runnable(const Client& client) const { return !client.is_waiting || client.is_woken; }

  void begin(Client& client);
  void start(Client& client, const std::string& text, std::optional<Operation> operation);
  void go_on(Client& client);
  void ended(Client& client, const Expected<Outcome>& outcome, const std::string& answer);
  void judge_answer(Client& client, const std::string& answer, std::uint64_t version);
  void judge_error(Client& client, const Error& error);
  void finish(Client& client, bool committed, std::uint64_t version);
  void next_statement(Client& client);
  void read_past(Client& client);
  void check_commit(Client& client);

  Engine& engine_;
  std::map<std::uint64_t, ModelState>& states_;
  std::vector<std::unique_ptr<Client>>& clients_;
  std::uint64_t seed_;
  Random random_;
  std::int64_t& next_value_;
  TransactionTotals& totals_;
  std::optional<HistoryLevel> one_level_;
  std::vector<FinishedTransaction> finished_;
  std::uint64_t begun_ = 0;
  std::string problem_, log_;
};

HistoryLevel History::pick_level() {
  if (one_level_) return *one_level_;
  return static_cast<HistoryLevel>(random_.below(3));
}

Operation History::pick_operation(bool reads_only) {
  Operation operation;
  do {
    operation.kind = static_cast<OperationKind>(random_.below(kOperationKinds));
  } while (reads_only && (operation.is_write() || operation.kind == OperationKind::kLockKey ||
                          operation.kind == OperationKind::kLockGroup));
  operation.key = random_.between(1, kKeys);
  operation.other_key = random_.between(1, kKeys);
  operation.group = random_.between(0, kGroups - 1);
  if (operation.kind == OperationKind::kReadRange) {
    operation.other_key = std::min(operation.key + 2, kKeys);
  }
  operation.strength = static_cast<std::uint32_t>(random_.below(4));
  operation.wish = static_cast<LockWish>(random_.chance(1, 2) ? 0 : random_.below(3));
  if (operation.is_write()) {
    operation.value = next_value_;
    next_value_ += kKeys + 1;  // A statement writes one value for each key.
  }
  return operation;
}

void History::begin(Client& client) {
  client.record = {};
  client.record.name = "T" + std::to_string(++begun_);
  client.own.clear();
  client.savepoints.clear();
  client.answered.clear();
  client.snapshot = 0;
  client.is_failed = false;
  client.level = pick_level();
  client.in_transaction = true;
  client.statements_left = 1 + random_.below(5);
  ++totals_.transactions;
  start(client,
        std::string("BEGIN ISOLATION LEVEL ") + kLevelNames[static_cast<unsigned>(client.level)],
        std::nullopt);
}

void History::start(Client& client, const std::string& text, std::optional<Operation> operation) {
  client.text = text;
  client.operation = std::move(operation);
  std::shared_ptr<const Prepared>& prepared = client.prepared[text];
  // Once failed, a transaction parses nothing but its end.
  auto parsed = client.session->parse(text, {});
  if (!parsed) {
    ended(client, unexpected(std::move(parsed).error()), {});
    return;
  }
  prepared = *parsed;
  std::vector<Parameter> parameters;
  if (client.operation) {
    for (const std::int64_t value : client.operation->parameters()) {
      parameters.push_back({false, std::to_string(value), {}});
    }
  }
  auto portal = client.session->bind(prepared, std::move(parameters));
  if (!portal) {
    ended(client, unexpected(std::move(portal).error()), {});
    return;
  }
  client.portal = std::move(*portal);
  ++totals_.statements;
  // A snapshot is taken where the first statement begins, however long it waits then.
  if (client.operation && client.snapshot == 0 && client.level != HistoryLevel::kReadCommitted) {
    client.snapshot = states_.rbegin()->first;
  }
  go_on(client);
}

void History::go_on(Client& client) {
  const bool waited = client.is_waiting;
  client.is_woken = false;
  TextRows rows(client.session->text_settings());
  auto outcome = client.portal->run(rows, 0);
  if (outcome && outcome->progress == Progress::kMustWait) {
    if (!waited) {
      ++totals_.waits;
      write_log(client, "waits: " + (client.operation ? client.operation->to_text() : client.text));
    }
    client.is_waiting = true;
    return;
  }
  client.is_waiting = false;
  std::string answer = rows.text;
  if (outcome && client.portal->prepared().shape() == nullptr) answer = outcome->tag;
  ended(client, outcome, answer);
}

void History::ended(Client& client, const Expected<Outcome>& outcome, const std::string& answer) {
  client.portal.reset();
  const std::string text = client.operation ? client.operation->to_text() : client.text;
  write_log(client, text + "   => " +
                        (outcome ? answer
                                 : std::string(outcome.error().sqlstate()) + " " +
                                       outcome.error().message));
  if (!outcome) {
    judge_error(client, outcome.error());
    return;
  }
  if (client.operation) {
    // READ COMMITTED sees the newest version when it ran at last; the others what they saw first.
    judge_answer(client, answer, client.snapshot != 0 ? client.snapshot : states_.rbegin()->first);
    return;
  }
  if (client.text == "COMMIT") {
    finish(client, !client.is_failed, outcome->version);
  } else if (client.text == "ROLLBACK") {
    finish(client, false, 0);
  } else if (client.text.starts_with("SAVEPOINT ")) {
    client.savepoints.push_back({client.text.substr(10), client.own});
  } else if (client.text.starts_with("RELEASE ")) {
    client.savepoints.pop_back();
  } else if (client.text.starts_with("ROLLBACK TO ")) {
    client.own = client.savepoints.back().writes;
    client.is_failed = false;
  }
}

void History::judge_answer(Client& client, const std::string& answer, std::uint64_t version) {
  const Operation& operation = *client.operation;
  const ModelState seen = with_writes(at(version), client.own);
  const ModelAnswer expected = answer_of(operation, seen);
  if (expected.is_duplicate) {
    fail(client, "no 23505: " + operation.to_text());
    return;
  }
  const bool may_skip =
      operation.wish == LockWish::kSkipLocked &&
      (operation.kind == OperationKind::kLockKey || operation.kind == OperationKind::kLockGroup);
  if (may_skip) {
    // Any of the rows.
    std::string rest = ";" + answer + ";";
    for (const auto& [key, row] : seen) {
      const std::string line = ";" + text_of({{key, row}}) + ";";
      if (const std::size_t place = rest.find(line); place != std::string::npos) {
        rest.erase(place, line.size() - 1);
      }
    }
    if (rest != ";" && rest != ";;") {
      fail(client,
           operation.to_text() + "\n    answered " + answer + "\n    of       " + expected.text);
    }
  } else if (answer != expected.text) {
    fail(client, operation.to_text() + "\n    answered " + answer + "\n    expected " +
                     expected.text + " at version " + std::to_string(version));
  }
  if (!may_skip) {
    client.answered.push_back({operation, client.own, answer});
    for (const Predicate& predicate : operation.reads()) {
      ObservedRead read{predicate, version, {}, client.own};
      client.record.reads.push_back(std::move(read));
    }
    // Values as they came, for who wrote them.
    const bool shows_rows = client.operation->sql().starts_with("SELECT k, g, v");
    if (shows_rows && !client.record.reads.empty()) {
      std::size_t start = 0;
      while (start < answer.size()) {
        const std::size_t end = std::min(answer.find(';', start), answer.size());
        const std::string line = answer.substr(start, end - start);
        const std::int64_t key = std::stoll(line);
        const std::int64_t value = std::stoll(line.substr(line.rfind(',') + 1));
        client.record.reads.back().rows[key] = value;
        start = end + 1;
      }
    }
  }
  for (const auto& [key, row] : expected.writes) {
    client.own[key] = row;
    if (row) client.record.all_values.push_back(row->value);
  }
}

void History::judge_error(Client& client, const Error& error) {
  client.is_failed = true;
  const std::string_view state = error.sqlstate();
  const bool at_commit = client.text == "COMMIT";
  const std::uint64_t version = client.snapshot != 0 ? client.snapshot : states_.rbegin()->first;
  if (state == "40001" && client.level != HistoryLevel::kReadCommitted) {
    ++totals_.failures;
    bool is_needed = false;
    const ModelState& then = at(version);
    if (client.operation) {
      for (const Predicate& predicate : client.operation->reads()) {
        client.record.reads.push_back({predicate, version, {}, client.own});
      }
    }
    for (const auto& [later, after] : states_) {
      if (later <= version) continue;
      for (const ObservedRead& read : client.record.reads) {
        for (std::int64_t key = 1; key <= kKeys; ++key) {
          const auto row = [&](const ModelState& state_of) {
            const auto found = state_of.find(key);
            return found == state_of.end() ? std::nullopt : std::optional(found->second);
          };
          is_needed |=
              read.own.count(key) == 0 && read.predicate.tells_apart(key, row(then), row(after));
        }
      }
    }
    const bool of_readings = error.message.find("read/write") != std::string::npos;
    if (of_readings && !is_needed) ++totals_.needless_failures;
  } else if (state == "40P01" && !at_commit) {
    ++totals_.deadlocks;
  } else if (state == "55P03" && client.operation && client.operation->wish == LockWish::kNoWait) {
    ++totals_.refused;
  } else if (state == "23505" && client.operation) {
    ++totals_.duplicates;
    const ModelState seen = with_writes(at(version), client.own);
    // A plain INSERT meets keys that its snapshot does not show, as it does in PostgreSQL.
    const bool is_taken = client.operation->kind == OperationKind::kInsert &&
                          newest().count(client.operation->key) != 0;
    if (!answer_of(*client.operation, seen).is_duplicate && !is_taken) {
      fail(client, "23505 without a duplicate: " + client.operation->to_text());
    }
    for (const Predicate& predicate : client.operation->reads()) {
      client.record.reads.push_back({predicate, version, {}, client.own});
    }
  } else {
    fail(client, "unexpected error " + std::string(state) + " " + error.message + ": " +
                     (client.operation ? client.operation->to_text() : client.text));
  }
  if (at_commit) finish(client, false, 0);
}

void History::check_commit(Client& client) {
  if (client.level != HistoryLevel::kSerializable || client.record.version == 0) return;
  const ModelState before = std::prev(std::prev(states_.end()))->second;
  for (const Answered& answered : client.answered) {
    const ModelAnswer again = answer_of(answered.operation, with_writes(before, answered.own));
    if (again.text == answered.text && !again.is_duplicate) continue;
    fail(client, "committed, but at version " + std::to_string(client.record.version) + " " +
                     answered.operation.to_text() + "\n    would answer " + again.text +
                     "\n    and answered " + answered.text);
  }
}

void History::finish(Client& client, bool committed, std::uint64_t version) {
  client.in_transaction = false;
  client.record.committed = committed;
  client.record.version = version;
  client.record.writes = client.own;
  if (committed) {
    ++totals_.commits;
    // A row that came and went within the transaction has made no version.
    std::erase_if(client.record.writes, [this](const auto& write) {
      return !write.second && newest().count(write.first) == 0;
    });
    if (version != 0) {
      if (version <= states_.rbegin()->first) {
        fail(client, "version " + std::to_string(version) + " is not a new one");
      }
      states_[version] = with_writes(newest(), client.own);
    }
    check_commit(client);
  }
  finished_.push_back(client.record);
}

void History::read_past(Client& client) {
  auto version =
      std::next(states_.begin(), static_cast<std::ptrdiff_t>(random_.below(states_.size())));
  ++totals_.past_reads;
  const std::string as_of = " AS OF VERSION " + std::to_string(version->first);
  const bool of_view = random_.chance(1, 2);
  auto answer = client.session->query(of_view ? "SELECT g, n, s FROM groups" + as_of + " ORDER BY g"
                                              : "SELECT k, g, v FROM t" + as_of + " ORDER BY k");
  if (!answer) {
    fail(client, as_of + ": " + answer.error().message);
    return;
  }
  std::string text;
  for (const auto& row : answer->rows) {
    if (!text.empty()) text.push_back(';');
    text += row[0] + "," + row[1] + "," + row[2];
  }
  const std::string expected = of_view ? sums_of(version->second) : text_of(version->second);
  if (text != expected) {
    fail(client, as_of + " answered " + text + "\n    expected " + expected);
  }
}

void History::next_statement(Client& client) {
  if (client.is_failed) {
    if (!client.savepoints.empty() && random_.chance(1, 2)) {
      start(client, "ROLLBACK TO " + client.savepoints.back().name, std::nullopt);
    } else {
      start(client, random_.chance(3, 4) ? "ROLLBACK" : "COMMIT", std::nullopt);
    }
    return;
  }
  if (client.statements_left == 0) {
    start(client, random_.chance(9, 10) ? "COMMIT" : "ROLLBACK", std::nullopt);
    return;
  }
  --client.statements_left;
  const std::uint64_t chosen = random_.below(20);
  if (chosen == 0) {
    start(client, "SAVEPOINT s" + std::to_string(client.savepoints.size()), std::nullopt);
    ++client.statements_left;
  } else if (chosen == 1 && !client.savepoints.empty()) {
    const bool keeps = random_.chance(1, 2);
    start(client, (keeps ? "RELEASE " : "ROLLBACK TO ") + client.savepoints.back().name,
          std::nullopt);
  } else {
    Operation operation = pick_operation(false);
    const std::string text = operation.sql();
    start(client, text, std::move(operation));
  }
}

bool History::run(std::string& problem) {
  const std::uint64_t kind = random_.below(10);
  if (kind < 5) one_level_ = HistoryLevel::kSerializable;
  if (kind == 5 || kind == 6) one_level_ = HistoryLevel::kRepeatableRead;
  if (kind == 7 || kind == 8) one_level_ = HistoryLevel::kReadCommitted;
  std::vector<Client*> ready;
  std::uint64_t past_reads = 0;
  while (problem_.empty()) {
    ready.clear();
    bool anyone_open = false;
    for (const auto& client : clients_) {
      anyone_open |= client->in_transaction;
      if (!runnable(*client)) continue;
      if (client->in_transaction || begun_ < kTransactions) ready.push_back(client.get());
    }
    if (ready.empty()) {
      if (anyone_open) problem_ = "everybody waits";
      break;
    }
    Client& client = *ready[random_.below(ready.size())];
    if (client.is_waiting) {
      go_on(client);
    } else if (!client.in_transaction) {
      if (past_reads < kPastReads && random_.chance(1, 8)) {
        ++past_reads;
        read_past(client);
      }
      begin(client);
    } else {
      next_statement(client);
    }
  }
  if (!problem_.empty()) {
    problem = "history " + std::to_string(seed_) + ": " + problem_ + "\n" + log_;
    return false;
  }
  ++totals_.histories;
  // A history of several levels keeps what the weakest keeps.
  const HistoryLevel level = one_level_.value_or(HistoryLevel::kReadCommitted);
  for (const Finding& finding : find_phenomena(finished_, states_)) {
    ++totals_.phenomena[static_cast<unsigned>(level)][static_cast<unsigned>(finding.phenomenon)];
    const bool is_allowed =
        (finding.phenomenon == Phenomenon::kG2 && level != HistoryLevel::kSerializable) ||
        (finding.phenomenon == Phenomenon::kGSingle && level == HistoryLevel::kReadCommitted);
    if (is_allowed) continue;
    problem = "history " + std::to_string(seed_) + ": " + phenomenon_name(finding.phenomenon) +
              ": " + finding.text + "\n" + log_;
    return false;
  }
  return true;
}

}  // namespace

void TransactionTotals::add(const TransactionTotals& other) {
  histories += other.histories;
  transactions += other.transactions;
  commits += other.commits;
  statements += other.statements;
  waits += other.waits;
  deadlocks += other.deadlocks;
  failures += other.failures;
  refused += other.refused;
  duplicates += other.duplicates;
  needless_failures += other.needless_failures;
  past_reads += other.past_reads;
  for (std::size_t level = 0; level < phenomena.size(); ++level) {
    for (std::size_t p = 0; p < kPhenomena; ++p) phenomena[level][p] += other.phenomena[level][p];
  }
}

std::string TransactionTotals::to_text() const {
  const auto number = [](const char* what, std::uint64_t count) {
    return std::to_string(count) + " " + what;
  };
  std::string text =
      number("histories, ", histories) + number("transactions, ", transactions) +
      number("commits, ", commits) + number("statements, ", statements) + number("waits, ", waits) +
      number("deadlocks, ", deadlocks) + number("refused locks, ", refused) +
      number("duplicates, ", duplicates) + number("serialization failures (", failures) +
      number("needless), ", needless_failures) + number("readings of the past", past_reads);
  for (std::size_t level = 0; level < phenomena.size(); ++level) {
    text += std::string("\n  ") + kLevelNames[level] + ":";
    for (std::size_t p = 0; p < kPhenomena; ++p) {
      text += std::string(" ") + phenomenon_name(static_cast<Phenomenon>(p)) + " " +
              std::to_string(phenomena[level][p]);
    }
  }
  return text;
}

TransactionReport check_transaction_law(std::uint64_t seed, std::uint64_t count, bool trace) {
  TransactionReport report;
  ManualClock clock(1'700'000'000'000'000);
  auto disk = store::SimulatedDisk::create(seed);
  engine::EngineOptions options;
  options.clock = &clock;
  options.open_kv = disk->opener();
  auto opened = Engine::open(std::move(options));
  if (!opened) {
    report.broken.push_back(opened.error().message);
    return report;
  }
  Engine& engine = **opened;
  std::map<std::uint64_t, ModelState> states;
  std::int64_t next_value = 100;
  const auto problem = [&](const std::string& text) { report.broken.push_back(text); };
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    auto client = std::make_unique<Client>();
    engine::SessionOptions session;
    session.waiter = client.get();
    auto connected = engine.connect(std::move(session));
    if (!connected) {
      problem(connected.error().message);
      return report;
    }
    client->session = std::move(*connected);
    clients.push_back(std::move(client));
  }
  Session& first = *clients.front()->session;
  for (const char* const text :
       {"CREATE TABLE t (k int PRIMARY KEY, g int, v bigint)",
        "CREATE MATERIALIZED VIEW groups AS SELECT g, count(*) AS n, sum(v) AS s FROM t GROUP BY g",
        "CREATE MATERIALIZED VIEW pairs AS SELECT x.k AS a, y.k AS b FROM t x JOIN t y ON x.g = "
        "y.g AND x.k < y.k",
        "CREATE MATERIALIZED VIEW reach AS WITH RECURSIVE r(a, b) AS (SELECT x.k, y.k FROM t x "
        "JOIN t y ON y.k = x.k + 1 AND x.g = y.g UNION SELECT r.a, y.k FROM r JOIN t x ON x.k = "
        "r.b JOIN t y ON y.k = x.k + 1 AND x.g = y.g) SELECT a, b FROM r",
        "CREATE VIEW plain AS SELECT k, g, v FROM t WHERE k > 0"}) {
    if (auto done = first.query(text); !done) {
      problem(std::string(text) + ": " + done.error().message);
      return report;
    }
  }
  ModelState state;
  std::string rows;
  for (std::int64_t key = 1; key <= kKeys; key += 2) {
    state[key] = {key % kGroups, next_value};
    rows += (rows.empty() ? "(" : ", (") + std::to_string(key) + ", " +
            std::to_string(key % kGroups) + ", " + std::to_string(next_value++) + ")";
  }
  if (auto done = first.query("INSERT INTO t VALUES " + rows); !done) {
    problem(done.error().message);
    return report;
  }
  states[engine.version()] = state;
  std::string found;
  for (std::uint64_t i = 0; i < count; ++i) {
    clock.advance_us(1000);
    History history(engine, states, clients, seed + i, next_value, report.totals);
    const bool holds = history.run(found);
    if (trace) problem(history.log());
    if (holds) continue;
    problem(found);
    break;
  }
  if (report.broken.empty()) {
    // Every version, of the table and of what is derived from it.
    for (const auto& [version, expected] : states) {
      ++report.totals.past_reads;
      auto answer = first.query("SELECT k, g, v FROM t AS OF VERSION " + std::to_string(version) +
                                " ORDER BY k");
      std::string text;
      if (answer) {
        for (const auto& row : answer->rows) {
          text += (text.empty() ? "" : ";") + row[0] + "," + row[1] + "," + row[2];
        }
      } else {
        text = answer.error().message;
      }
      if (text == text_of(expected)) continue;
      problem("histories from " + std::to_string(seed) + ": AS OF VERSION " +
              std::to_string(version) + " answers " + text + "\n    expected " + text_of(expected));
      break;
    }
    if (auto checked = engine.check(); !checked) {
      problem("check: " + checked.error().message);
    } else {
      for (const std::string& text : checked->problems) problem("check: " + text);
    }
  }
  clients.clear();
  return report;
}

}  // namespace entail::testing
