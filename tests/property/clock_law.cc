#include "tests/property/clock_law.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "compiler/evaluate.h"
#include "datalog/lower.h"
#include "datalog/stratify.h"
#include "grammar/parser.h"
#include "rete/network.h"
#include "tests/oracle/present.h"
#include "tests/oracle/reference_evaluator.h"
#include "tests/property/fact_history.h"
#include "tests/property/row_lines.h"
#include "vm/base/random.h"
#include "vm/row_scan.h"

namespace entail::testing {

namespace {

using datalog::RelationId;
using vm::Word;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kStart = 1'000 * kSecond;
constexpr std::uint64_t kOracleStepsMax = 400'000;

// ------------------------------------------------------------------------------ programs

// `$` becomes a few seconds, another number each time.
constexpr const char* kRules[] = {
    ".decl cur(n: number, k: number)\ncur(n, k) :- A{n, k} over current $.\n",
    ".decl pair(n: number, m: number)\n"
    "pair(n, m) :- A{n, k} over current $, B{n: m, k} over current $.\n",
    ".decl recent(n: number)\nrecent(n) :- A{n, ts}, ts > now() - $.\n",
    ".decl kept(n: number)\nkept(n) :- B{n, ts}, ts >= now() - $, ts < now().\n",
    ".decl old(n: number)\nold(n) :- A{n, ts}, now() - $ >= ts.\n",
    ".decl older(n: number)\nolder(n) :- B{n, ts}, ts + $ < now().\n",
    ".decl both(n: number)\nboth(n) :- A{n, k, ts}, B{k}, ts <= now() - $.\n",
    ".decl missing(n: number)\n"
    "missing(n) :- A{n, k, ts}, A.clock(at), at >= ts + $, !(B{k, ts: b}, b >= ts, b < ts + $).\n",
    ".decl alone(n: number)\nalone(n) :- A{n, k}, !(B{k} over current $).\n",
    ".decl counts(k: number, c: number)\n"
    "counts(k, c) :- group { A{n, k} over current $ } by k => { c: count() }.\n",
    ".decl many(c: number)\nmany(c) :- c = count : { A{} over current $ }.\n",
    ".decl best(m: number)\nbest(m) :- m = max n : { B{n, ts}, ts <= now() - $ }.\n",
    ".decl reach(x: number, y: number)\n"
    "reach(x, y) :- e(x, y), A{n: x} over current $.\nreach(x, z) :- reach(x, y), e(y, z).\n",
    ".decl walk(x: number, y: number)\n"
    "walk(x, y) :- e(x, y).\nwalk(x, z) :- walk(x, y), B{n: y, k: z} over current $.\n",
    ".decl at(t: timestamp)\nat(t) :- A.clock(t).\n",
    ".decl tardy(n: number)\ntardy(n) :- A{n, ts}, A.clock(at), ts < at, e(n, _).\n",
};
constexpr const char* kFinals[] = {
    "final relation f(n: number, k: number);\nf(n, k) :- A{n, k}.\n",
    "final relation g(n: number, m: number);\ng(n, m) :- A{n, k}, B{n: m, k}.\n",
    "final relation h(n: number);\nh(n) :- A{n, k}, !B(_, k, _).\n.decl above(n: number)\n"
    "above(n) :- h(n), !e(n, _).\n",
    "final relation i(k: number, c: number);\n"
    "i(k, c) :- group { B{n, k} } by k => { c: count() }.\n",
};
constexpr const char* kProductions[] = {
    "rule p@ when A{n, ts}, ts <= now() - $ then emit Out{n}; end\n",
    "rule p@ when A{n, k} over current $, B{n: m, k} over current $ then emit Out{n: m}; end\n",
    "rule p@ when A{n, k}, B{k} then emit Out{n}; end\n",
    "rule p@ when A{n, k, ts}, A.clock(at), at >= ts + $, not B{k} then emit Out{n}; end\n",
};

class ProgramText {
 public:
  explicit ProgramText(std::uint64_t seed) : random_(seed) {}

  std::string run() {
    stream("A");
    stream("B");
    text_ += ".decl e(x: number, y: number)\ne(1, 2).\n";
    for (const char* const rule : kRules) {
      if (random_.chance(1, 4)) add(rule);
    }
    for (const char* const rule : kFinals) {
      if (random_.chance(1, 4)) add(rule);
    }
    if (random_.chance(1, 2)) {
      text_ += "stream Out(n: number);\n";
      for (const char* const rule : kProductions) {
        if (random_.chance(1, 2)) add(rule);
      }
    }
    return text_;
  }

 private:
  void stream(const std::string& name) {
    static constexpr const char* kLate[] = {"", " late apply", " late sideline X", " late drop"};
    const std::string late = kLate[random_.below(4)];
    text_ += "stream " + name + "(n: number, k: number, ts: timestamp) time ts";
    if (random_.chance(2, 3)) text_ += fmt::format(" watermark {}s", random_.between(0, 4));
    text_ += late.ends_with('X') ? late + name : late;
    if (random_.chance(1, 2)) text_ += fmt::format(" expire {}s", random_.between(0, 12));
    text_ += ";\n";
    if (late.ends_with('X'))
      text_ += "relation X" + name + "(n: number, k: number, ts: timestamp);\n";
  }

  void add(std::string rule) {
    ++rules_;
    for (std::size_t i = 0; i < rule.size(); ++i) {
      if (rule[i] == '$') rule.replace(i, 1, fmt::format("{}s", random_.between(0, 9)));
      if (rule[i] == '@') rule.replace(i, 1, std::to_string(rules_));
    }
    text_ += rule;
  }

  Random random_;
  std::string text_;
  int rules_ = 0;
};

// ------------------------------------------------------------------------------ the model

struct Event {
  std::array<std::int64_t, 3> values{};  // n, k, time.
  std::int64_t partition = 0;
};

// Streams as their declarations say, an event at a time; what they state goes into the facts.
class Model {
 public:
  struct Stream {
    std::string name, late_name;
    datalog::LatePolicy late = datalog::LatePolicy::kApply;
    std::int64_t delay = 0;
    std::optional<std::int64_t> expire;
    std::optional<std::int64_t> watermark;
    std::map<std::int64_t, std::int64_t> highs;  // By partition.
    std::vector<std::array<std::int64_t, 3>> rows;
  };

  Model(const datalog::RuleProgram& program, ClockReport& report)
      : program_(&program), report_(&report), facts_(program) {
    for (const datalog::Relation& relation : program.relations) {
      if (!relation.stream || !relation.stream->clock) {
        if (relation.final_rows) finals_.push_back(relation.name);
        continue;
      }
      const datalog::StreamAttributes& declared = *relation.stream;
      Stream stream;
      stream.name = relation.name;
      stream.late = declared.late;
      if (declared.sideline) stream.late_name = program.relation(*declared.sideline).name;
      if (declared.late_rows) stream.late_name = program.relation(*declared.late_rows).name;
      const auto micros = [](const datalog::Expression& e) {
        return static_cast<std::int64_t>(e.words[1]);
      };
      if (declared.watermark_delay) stream.delay = micros(*declared.watermark_delay);
      if (declared.expire_after) stream.expire = micros(*declared.expire_after);
      streams_.push_back(std::move(stream));
    }
  }

  std::vector<Stream>& streams() { return streams_; }

  void arrive(std::size_t number, const Event& event) {
    Stream& stream = streams_[number];
    const std::int64_t time = event.values[2];
    const bool is_late = stream.watermark && time < *stream.watermark;
    std::int64_t& high = stream.highs.emplace(event.partition, time).first->second;
    high = std::max(high, time);
    change(stream.name + ".partitions", {event.partition, high, 0}, 1, {1});
    std::int64_t least = high;
    for (const auto& [partition, other] : stream.highs) least = std::min(least, other);
    move(stream, least - stream.delay);
    report_->late += is_late ? 1 : 0;
    if (is_late && !stream.late_name.empty())
      change(stream.late_name, to_row(event.values), 1, {2});
    if (is_late && stream.late != datalog::LatePolicy::kApply) return;
    stream.rows.push_back(event.values);
    change(stream.name, to_row(event.values), 1, {2});
    expire(stream);
  }

  void erase(std::size_t number, const std::array<std::int64_t, 3>& values) {
    Stream& stream = streams_[number];
    const auto found = std::find(stream.rows.rbegin(), stream.rows.rend(), values);
    if (found != stream.rows.rend()) stream.rows.erase(std::next(found).base());
    change(stream.name, to_row(values), -1, {2});
  }

  void tick(std::optional<std::size_t> only, std::int64_t time) {
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      if (!only || *only == i) advance(streams_[i], time - streams_[i].delay);
    }
    expire_all();
  }

  // `times`: which of the values are timestamps.
  void change(const std::string& relation, const std::vector<std::int64_t>& values,
              std::int64_t weight, const std::set<std::size_t>& times) {
    FactChange made;
    made.relation = relation;
    made.weight = weight;
    for (std::size_t i = 0; i < values.size(); ++i) {
      datalog::Expression term;
      term.op = datalog::ExpressionOp::kConstant;
      term.type = times.count(i) != 0 ? vm::Type::of(vm::TypeKind::kTimestamp) : vm::Type::number();
      if (relation.ends_with(".partitions") && i == 2) term.type = vm::Type::boolean();
      term.words[0] = static_cast<Word>(values[i]);
      made.terms.push_back(std::move(term));
    }
    facts_.apply(made);
  }

  // From scratch, by the reference.
  std::map<std::string, Lines> rows() const {
    datalog::RuleProgram program = oracle::with_present(facts_.program());
    grammar::Diagnostics diagnostics;
    if (!datalog::stratify(program, diagnostics)) throw Broken{"the reference does not stratify"};
    auto answer = oracle::evaluate(program, {}, {.steps_max = kOracleStepsMax});
    if (!answer) throw Broken{answer.error().message};
    return std::move(answer->rows);
  }

  const StatedFacts& facts() const { return facts_; }

 private:
  static std::vector<std::int64_t> to_row(const std::array<std::int64_t, 3>& values) {
    return {values.begin(), values.end()};
  }

  // The clock's own step comes before the row that moved it.
  void move(Stream& stream, std::int64_t watermark) {
    advance(stream, watermark);
    expire(stream);
  }

  void advance(Stream& stream, std::int64_t watermark) {
    if (stream.watermark && *stream.watermark >= watermark) return;
    if (stream.watermark) change(stream.name + ".clock", {*stream.watermark}, -1, {0});
    stream.watermark = watermark;
    change(stream.name + ".clock", {watermark}, 1, {0});
  }

  bool is_past(const Stream& stream, const std::array<std::int64_t, 3>& values) const {
    return stream.expire && stream.watermark && values[2] + *stream.expire <= *stream.watermark;
  }

  void expire(Stream& stream) {
    const bool any = std::any_of(stream.rows.begin(), stream.rows.end(),
                                 [&](const auto& values) { return is_past(stream, values); });
    if (any) expire_all();
  }

  void expire_all() {
    std::map<std::string, Lines> before;
    if (!finals_.empty()) before = rows();
    for (Stream& stream : streams_) {
      for (std::size_t i = 0; i < stream.rows.size();) {
        if (!is_past(stream, stream.rows[i])) {
          ++i;
          continue;
        }
        change(stream.name, to_row(stream.rows[i]), -1, {2});
        stream.rows.erase(stream.rows.begin() + static_cast<std::ptrdiff_t>(i));
        ++report_->expired;
      }
    }
    if (finals_.empty()) return;
    keep_finals(before);
  }

  // What final relations lost becomes stated. One may rest on another, so it goes by layers.
  void keep_finals(const std::map<std::string, Lines>& before) {
    for (const std::string& name : finals_) {
      const std::map<std::string, Lines> after = rows();
      for (const std::string& line : before.at(name)) {
        if (std::binary_search(after.at(name).begin(), after.at(name).end(), line)) continue;
        std::vector<std::int64_t> values;
        for (std::size_t at = 0; at != std::string::npos;) {
          values.push_back(std::stoll(line.substr(at)));
          at = line.find('\t', at);
          if (at != std::string::npos) ++at;
        }
        change(name, values, 1, {});
        ++report_->kept;
      }
    }
  }

  const datalog::RuleProgram* program_;
  ClockReport* report_;
  StatedFacts facts_;
  std::vector<Stream> streams_;
  std::vector<std::string> finals_;
};

// ------------------------------------------------------------------------------ one case

class ClockCase {
 public:
  ClockCase(std::uint64_t seed, LawProgress& progress)
      : random_(seed * 2 + 1), progress_(progress), text_(ProgramText(seed).run()) {}

  ClockReport run() {
    try {
      check();
    } catch (const Broken& broken) {
      report_.outcome = LawOutcome::kBroken;
      report_.message =
          std::string(progress_.stage) + ": " + broken.message + "\n" + text_ + history_;
    }
    return report_;
  }

 private:
  struct Side {
    std::unique_ptr<rete::Network> network;
    std::vector<std::string> emitted;
  };

  datalog::RuleProgram lowered(bool expands_time) {
    grammar::Diagnostics diagnostics;
    grammar::NoFiles reader;
    const grammar::Program tree =
        grammar::parse_text("c.dl", text_, {}, reader, files_, diagnostics);
    datalog::LowerOptions options;
    options.expands_time = expands_time;
    auto program = datalog::lower(tree, options, diagnostics);
    if (program && expands_time) {
      datalog::refuse_unexecuted(*program, diagnostics, datalog::Execution::kStanding);
      if (!diagnostics.has_errors()) static_cast<void>(datalog::stratify(*program, diagnostics));
    }
    if (!program || diagnostics.has_errors()) throw Broken{diagnostics.render(files_)};
    return std::move(*program);
  }

  void check() {
    progress_.stage = "lower";
    program_.emplace(lowered(true));
    written_.emplace(lowered(false));
    pool_.emplace(program_->types);
    progress_.stage = "create";
    for (Side& side : sides_) make(side, true);
    model_.emplace(*written_, report_);
    committed_.emplace(*model_);
    now_ = kStart;
    compare();
    for (std::int64_t transactions = random_.between(4, 8); transactions > 0; --transactions) {
      transaction();
      if (random_.chance(1, 6)) restart();
    }
    for (Side& side : sides_) side.network.reset();
    pool_->end_step();
    if (pool_->stats().entries_live != 0) throw Broken{"texts are left in the pool"};
  }

  void make(Side& side, bool states_facts) {
    rete::NetworkOptions options;
    options.pool = &*pool_;
    options.files = &files_;
    options.states_facts = states_facts;
    options.reports_stated = true;
    options.plan_seed = random_.chance(1, 2) ? random_.next() | 1 : 0;
    options.recompute_fraction = random_.chance(1, 3) ? 0 : 0.5;
    auto made = rete::Network::create(*program_, options);
    if (!made) throw Broken{made.error().message};
    side.network = std::move(*made);
  }

  void transaction() {
    progress_.stage = "step";
    for (std::int64_t steps = random_.between(1, 4); steps > 0; --steps) step();
    if (random_.chance(1, 5)) {
      progress_.stage = "abort";
      history_ += "// abort\n";
      for (Side& side : sides_) side.network->abort();
      model_ = committed_;
      ++report_.aborts;
    } else {
      progress_.stage = "commit";
      history_ += "// commit\n";
      for (Side& side : sides_) commit(side);
      committed_ = model_;
      ++report_.commits;
      if (sides_[0].emitted != sides_[1].emitted) {
        throw Broken{fmt::format("emitted are {}, and one by one {}",
                                 fmt::join(sides_[0].emitted, " "),
                                 fmt::join(sides_[1].emitted, " "))};
      }
      report_.emitted += sides_[0].emitted.size();
    }
    compare();
  }

  void commit(Side& side) {
    auto committed = side.network->commit();
    if (!committed) throw Broken{committed.error().message};
    side.emitted.clear();
    for (const rete::EmittedRow& event : committed->emitted)
      side.emitted.push_back(fmt::format("{}:{}", event.production, event.words[0]));
    // Within a step newer matches fire first, so that the order is that of the batches.
    std::sort(side.emitted.begin(), side.emitted.end());
  }

  void step() {
    const std::uint64_t kind = random_.below(10);
    if (kind < 6) return arrivals();
    if (kind < 8) return tick();
    if (kind == 8) return correction();
    const std::vector<std::int64_t> row{random_.between(0, 3), random_.between(0, 3)};
    change("e", row, random_.chance(1, 3) ? -1 : 1);
  }

  // Some rows of one stream, or of both: one batch, or an event at a time.
  void arrivals() {
    for (std::int64_t batches = random_.between(1, 2); batches > 0; --batches) {
      const std::size_t stream = random_.below(2);
      std::vector<Event> events;
      const std::int64_t partition = random_.chance(1, 4) ? 1 : 0;
      for (std::int64_t n = random_.between(1, 6); n > 0; --n) {
        if (random_.chance(1, 2)) now_ += random_.between(0, 4) * kSecond;
        std::int64_t time = now_ + random_.between(-2, 1) * kSecond;
        if (random_.chance(1, 8)) time -= random_.between(3, 15) * kSecond;
        events.push_back({{random_.between(0, 3), random_.between(0, 2), time}, partition});
      }
      for (const Event& event : events) {
        history_ += fmt::format("// +{}({}, {}, {}) of {}\n", name_of(stream), event.values[0],
                                event.values[1], shown(event.values[2]), partition);
        model_->arrive(stream, event);
        send(sides_[1], stream, {event});
        step(sides_[1]);
      }
      send(sides_[0], stream, events);
    }
    history_ += "// step\n";
    step(sides_[0]);
  }

  void tick() {
    now_ += random_.between(0, 6) * kSecond;
    std::optional<std::size_t> only;
    if (random_.chance(1, 2)) only = random_.below(2);
    history_ += fmt::format("// tick {} {}\n", only ? name_of(*only) : "", shown(now_));
    model_->tick(only, now_);
    for (Side& side : sides_) {
      std::optional<RelationId> id;
      if (only) id = this->id(name_of(*only));
      if (auto done = side.network->tick(id, now_); !done) throw Broken{done.error().message};
    }
  }

  void correction() {
    const std::size_t stream = random_.below(2);
    const auto& rows = model_->streams()[stream].rows;
    if (rows.empty()) return;
    const std::array<std::int64_t, 3> values = rows[random_.below(rows.size())];
    history_ += fmt::format("// -{}({}, {}, {})\n", name_of(stream), values[0], values[1],
                            shown(values[2]));
    model_->erase(stream, values);
    for (Side& side : sides_) {
      change(side, name_of(stream), {values.begin(), values.end()}, -1);
      step(side);
    }
  }

  void change(const std::string& relation, const std::vector<std::int64_t>& row,
              std::int64_t weight) {
    history_ +=
        fmt::format("// {}{}({})\n", weight < 0 ? '-' : '+', relation, fmt::join(row, ", "));
    model_->change(relation, row, weight, {});
    for (Side& side : sides_) {
      change(side, relation, row, weight);
      step(side);
    }
  }

  void change(Side& side, const std::string& relation, const std::vector<std::int64_t>& row,
              std::int64_t weight) {
    std::vector<Word> words(row.begin(), row.end());
    std::vector<const Word*> columns;
    for (const Word& word : words) columns.push_back(&word);
    if (auto done = side.network->change(id(relation), {columns, 1, &weight}); !done)
      throw Broken{done.error().message};
  }

  void send(Side& side, std::size_t stream, const std::vector<Event>& events) {
    std::array<std::vector<Word>, 3> words;
    for (const Event& event : events) {
      for (std::size_t c = 0; c < 3; ++c) words[c].push_back(static_cast<Word>(event.values[c]));
    }
    const Word* const columns[] = {words[0].data(), words[1].data(), words[2].data()};
    rete::FactChanges changes{columns, events.size()};
    changes.partition = events.front().partition;
    if (auto done = side.network->change(id(name_of(stream)), changes); !done)
      throw Broken{done.error().message};
  }

  static void step(Side& side) {
    if (auto done = side.network->step(); !done) throw Broken{done.error().message};
  }

  // Another process goes on from what was stated.
  void restart() {
    progress_.stage = "restart";
    history_ += "// restart\n";
    for (Side& side : sides_) {
      std::vector<std::pair<RelationId, std::vector<std::vector<Word>>>> stated;
      for (std::size_t i = 0; i < program_->relations.size(); ++i) {
        const auto relation = static_cast<RelationId>(i);
        const vm::StandingRelation& rows = side.network->relation(relation);
        std::vector<vm::Row> found;
        for (const vm::Row row : vm::visible_rows(rows)) {
          if (rows.is_stated(row)) found.push_back(row);
        }
        if (found.empty()) continue;
        std::vector<std::vector<Word>> columns(rows.column_count(),
                                               std::vector<Word>(found.size()));
        for (std::uint32_t c = 0; c < columns.size(); ++c)
          rows.load(c, found.data(), found.size(), columns[c].data());
        stated.emplace_back(relation, std::move(columns));
      }
      const vm::Version version = side.network->version();
      side.network.reset();
      make(side, false);
      for (const auto& [relation, words] : stated) {
        std::vector<const Word*> columns;
        for (const auto& column : words) columns.push_back(column.data());
        if (auto done = side.network->load(relation, {columns, words[0].size()}); !done)
          throw Broken{done.error().message};
      }
      if (auto done = side.network->end_load(version); !done) throw Broken{done.error().message};
    }
    compare();
  }

  void compare() {
    const std::map<std::string, Lines> expected = model_->rows();
    evaluate(expected);
    for (Side& side : sides_) {
      side.network->verify();
      for (std::size_t i = 0; i < program_->relations.size(); ++i) {
        const auto relation = static_cast<RelationId>(i);
        const std::string& name = program_->relations[i].name;
        const vm::StandingRelation& rows = side.network->relation(relation);
        const std::vector<vm::Row> visible = vm::visible_rows(rows);
        std::vector<std::vector<Word>> columns(rows.column_count(),
                                               std::vector<Word>(visible.size()));
        for (std::uint32_t c = 0; c < columns.size(); ++c)
          rows.load(c, visible.data(), visible.size(), columns[c].data());
        Lines found;
        for (std::size_t row = 0; row < visible.size(); ++row) {
          found.push_back(line_of(program_->relations[i], side.network->layout(relation), *pool_,
                                  columns, row));
        }
        std::sort(found.begin(), found.end());
        expect_equal((&side == &sides_[1] ? "one by one, " : "") + name, expected.at(name), found);
      }
    }
  }

  // From scratch, by the compiler.
  void evaluate(const std::map<std::string, Lines>& expected) {
    datalog::RuleProgram program = model_->facts().program();
    std::erase_if(program.rules, [](const datalog::Rule& rule) { return !is_fact(rule); });
    for (const datalog::Rule& rule : program_->rules) {
      if (!is_fact(rule)) program.rules.push_back(rule);
    }
    grammar::Diagnostics diagnostics;
    if (!datalog::stratify(program, diagnostics)) throw Broken{diagnostics.render(files_)};
    compiler::EvaluationOptions options;
    options.pool = &*pool_;
    auto evaluation = compiler::Evaluation::create(program, options);
    if (!evaluation) throw Broken{evaluation.error().message};
    if (auto done = (*evaluation)->run(); !done) throw Broken{done.error().message};
    for (std::size_t i = 0; i < program_->relations.size(); ++i) {
      const auto relation = static_cast<RelationId>(i);
      const compiler::RelationLayout& layout = (*evaluation)->layout(relation);
      std::vector<std::vector<Word>> columns(layout.words.size(), std::vector<Word>(64));
      std::vector<Word*> arrays;
      for (auto& column : columns) arrays.push_back(column.data());
      Lines found;
      compiler::RowCursor rows = (*evaluation)->rows(relation);
      while (const std::size_t n = rows.next(arrays, 64)) {
        for (std::size_t row = 0; row < n; ++row)
          found.push_back(line_of(program_->relations[i], layout, *pool_, columns, row));
      }
      std::sort(found.begin(), found.end());
      expect_equal("from scratch, " + program_->relations[i].name,
                   expected.at(program_->relations[i].name), found);
    }
  }

  std::string name_of(std::size_t stream) const { return stream == 0 ? "A" : "B"; }
  static std::string shown(std::int64_t time) {
    return fmt::format("{}", (time - kStart) / kSecond);
  }
  RelationId id(const std::string& name) const {
    for (std::size_t i = 0; i < program_->relations.size(); ++i) {
      if (program_->relations[i].name == name) return static_cast<RelationId>(i);
    }
    throw Broken{"no relation " + name};
  }

  Random random_;
  LawProgress& progress_;
  const std::string text_;
  std::string history_;
  ClockReport report_;
  grammar::SourceFiles files_;
  std::optional<datalog::RuleProgram> program_;  // As it is executed,
  std::optional<datalog::RuleProgram> written_;  // and as it is written.
  std::optional<vm::ValuePool> pool_;
  std::array<Side, 2> sides_;  // In batches; an event a step.
  std::optional<Model> model_, committed_;
  std::int64_t now_ = 0;
};

}  // namespace

std::string generate_clock_program(std::uint64_t seed) { return ProgramText(seed).run(); }

ClockReport check_clock_law(std::uint64_t seed, LawProgress& progress) {
  return ClockCase(seed, progress).run();
}

}  // namespace entail::testing
