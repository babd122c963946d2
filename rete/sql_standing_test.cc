// rete/sql_standing_test.cc - views of SQL stand: after each step they hold what evaluating them anew gives.

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/evaluate.h"
#include "compiler/internal/derived_bags.h"
#include "datalog/stratify.h"
#include "datalog/verify.h"
#include "grammar/sql_parser.h"
#include "rete/network.h"
#include "sql2datalog/internal/test_catalog.h"
#include "sql2datalog/lower_statement.h"
#include "vm/base/random.h"
#include "vm/value_codec.h"
#include "vm/value_text.h"

namespace entail::rete {
namespace {

using datalog::RelationId;
using vm::Word;
using Lines = std::vector<std::string>;
using Cells = std::vector<std::optional<std::string>>;  // As the text of a literal; none: null.

class View {
 public:
  View(const std::string& query, std::uint64_t seed) : random_(seed) {
    catalog_.table("t", "k int primary key, g int, a smallint, n bigint, b bool, s text");
    catalog_.table("u", "g int, x float8, r real, d numeric, i interval, e date, m int[]");
    auto parsed = grammar::sql::parse_sql("CREATE MATERIALIZED VIEW v AS " + query);
    INFO(query);
    REQUIRE(parsed.has_value());
    const auto& create = *parsed->front().as<grammar::sql::CreateMaterializedView>();
    sql2datalog::LoweringContext context;
    context.catalog = &catalog_;
    context.text = query;
    // Columns have names of their own: many are called like their function.
    const auto counted = sql2datalog::lower_query(create.query, context);
    if (!counted) FAIL(counted.error().message);
    std::vector<grammar::sql::Identifier> names(counted->columns.size());
    for (std::size_t c = 0; c < names.size(); ++c) names[c].text = "c" + std::to_string(c);
    auto lowered = sql2datalog::lower_materialized_view(create.query, names, context);
    if (!lowered) FAIL(lowered.error().message);
    program_ = compiler::internal::copy_of(catalog_.program());
    program_.types = catalog_.types().clone();
    view_ = static_cast<RelationId>(program_.relations.size());
    for (datalog::Relation& relation : lowered->relations) {
      if (relation.name.empty()) relation.name = "v" + std::to_string(program_.relations.size());
      program_.relations.push_back(std::move(relation));
    }
    for (datalog::Rule& rule : lowered->rules) program_.rules.push_back(std::move(rule));
    grammar::Diagnostics diagnostics;
    REQUIRE(datalog::stratify(program_, diagnostics));
    auto verified = datalog::verify_rule_program(program_);
    if (!verified) FAIL(verified.error().message);
    pool_.emplace(program_.types);
    auto made = Network::create(program_, options());
    if (!made) FAIL(made.error().message);
    network_ = std::move(*made);
  }
  ~View() {
    network_.reset();
    pool_->end_step();
    CHECK(pool_->stats().entries_live == pinned_);
  }

  std::string to_text() const { return network_->to_text(); }

  void run(int transactions) {
    for (int t = 0; t < transactions; ++t) {
      const auto committed = rows_;
      for (std::uint64_t steps = 1 + random_.below(2); steps > 0; --steps) {
        for (std::uint64_t changes = 1 + random_.below(t == 0 ? 30 : 4); changes > 0; --changes) {
          change();
        }
        auto done = network_->step();
        if (!done) FAIL(done.error().message);
        compare();
      }
      if (random_.chance(1, 3)) {
        network_->abort();
        rows_ = committed;
      } else {
        REQUIRE(network_->commit().has_value());
        if (random_.chance(1, 2)) restart();
      }
      network_->verify();
      compare();
    }
  }

  // Thousands of rows of u, which go in the order of d mostly.
  void run_large() {
    const auto place = [](const Cells& row) {
      const double number = row[3] ? std::strtod(row[3]->c_str(), nullptr) : 1e10;
      return std::isnan(number) ? 1e9 : number;
    };
    for (int t = 0; t < 24; ++t) {
      std::vector<Cells>& rows = rows_[1];
      const auto committed = rows;
      if (t % 12 == 0) {
        while (rows.size() < 5000) insert_into(1);
      } else {
        std::sort(rows.begin(), rows.end(),
                  [&](const Cells& a, const Cells& b) { return place(a) < place(b); });
        for (int i = 0; i < 400; ++i) {
          const std::size_t at = random_.chance(3, 4) ? 0 : random_.below(rows.size());
          apply(1, rows[at], -1);
          rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(at));
        }
        for (int i = 0; i < 20; ++i) insert_into(1);
      }
      auto done = network_->step();
      if (!done) FAIL(done.error().message);
      compare();
      if (t % 12 != 0 && random_.chance(1, 3)) {
        network_->abort();
        rows = committed;
      } else {
        REQUIRE(network_->commit().has_value());
        if (random_.chance(1, 4)) restart();
      }
      network_->verify();
      compare();
    }
  }

 private:
  // An image in memory.
  class Image final : public ImageSink, public ImageSource {
   public:
    Expected<void> append(std::string_view bytes) override {
      bytes_ += bytes;
      return {};
    }
    Expected<std::string_view> next() override { return std::exchange(left_, {}); }
    void rewind() { left_ = bytes_; }

   private:
    std::string bytes_;
    std::string_view left_;
  };

  NetworkOptions options() {
    NetworkOptions options;
    options.pool = &*pool_;
    options.watched = {view_};
    return options;
  }

  // Another process goes on with an image of the network, in a pool of its own, where nothing is derived anew.
  void restart() {
    const RelationNames names = [](RelationId id) { return std::to_string(datalog::index_of(id)); };
    Image image;
    REQUIRE(network_->save(image, names));
    const vm::Version version = network_->version();
    network_.reset();
    pool_->end_step();
    CHECK(pool_->stats().entries_live == pinned_);
    pool_.emplace(program_.types);
    // Words mean other values than in the pool before.
    for (std::uint64_t n = random_.below(5); n > 0; --n) {
      pool_->pin(pool_->intern("a text that shifts the others " + std::to_string(n)));
    }
    pinned_ = pool_->stats().entries_live;
    image.rewind();
    auto made = Network::restore(program_, options(), image, names);
    if (!made) FAIL(made.error().message);
    network_ = std::move(*made);
    for (std::size_t i = 0; i < program_.relations.size(); ++i) {
      CHECK(network_->is_restored(static_cast<RelationId>(i)));
    }
    REQUIRE(network_->end_load(version));
  }

  std::optional<std::string> cell(const datalog::Column& column) {
    if (column.nullable && random_.chance(1, 5)) return std::nullopt;
    const auto number = [&](std::uint64_t below) { return std::to_string(random_.below(below)); };
    switch (column.type.kind) {
      case vm::TypeKind::kBool:
        return random_.chance(1, 2) ? "true" : "false";
      case vm::TypeKind::kText:
        return random_.chance(1, 2) ? "s" + number(4) : "a text longer than a word " + number(4);
      case vm::TypeKind::kFloat8:
      case vm::TypeKind::kFloat4:
        if (random_.chance(1, 20)) return random_.chance(1, 2) ? "nan" : "inf";
        return number(5) + "." + number(10);
      case vm::TypeKind::kNumeric:
        if (random_.chance(1, 20)) return random_.chance(1, 2) ? "nan" : "-inf";
        return (random_.chance(1, 2) ? "-" : "") + number(3) +
               (random_.chance(1, 2) ? "" : "." + number(2000));
      case vm::TypeKind::kArray:
        return random_.chance(1, 4) ? "[]" : "[" + number(3) + ", " + number(3) + ", null]";
      case vm::TypeKind::kInterval:
        return "P" + number(3) + "DT" + number(3) + "H";
      case vm::TypeKind::kDate:
        return "2020-01-0" + std::to_string(1 + random_.below(5));
      case vm::TypeKind::kInt8:
        return random_.chance(1, 8) ? "9223372036854775807" : number(9);
      default:
        return column.name == "k" ? number(40) : number(4);
    }
  }

  std::vector<Word> words_of(std::size_t relation, const Cells& cells, vm::ValuePool& pool) {
    const compiler::RelationLayout layout =
        compiler::layout_of(program_.relations[relation], program_.types);
    std::vector<Word> words(layout.words.size());
    for (std::size_t c = 0; c < cells.size(); ++c) {
      const compiler::ColumnLayout& column = layout.columns[c];
      if (!cells[c]) {
        words[column.null_word()] = 1;
        continue;
      }
      std::string error;
      const bool parsed =
          vm::parse_value(pool, column.type, *cells[c], &words[column.first_word], error);
      INFO(*cells[c] << ": " << error);
      REQUIRE(parsed);
    }
    return words;
  }

  void apply(std::size_t relation, const Cells& cells, std::int64_t weight) {
    const std::vector<Word> words = words_of(relation, cells, *pool_);
    std::vector<const Word*> columns;
    for (const Word& word : words) columns.push_back(&word);
    auto done = network_->change(static_cast<RelationId>(relation), {columns, 1, &weight});
    if (!done) FAIL(done.error().message);
  }

  void change() {
    const std::size_t relation = random_.below(2);
    std::vector<Cells>& rows = rows_[relation];
    if (!rows.empty() && random_.chance(2, 5)) {
      const std::size_t at = random_.below(rows.size());
      apply(relation, rows[at], -1);
      rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(at));
      return;
    }
    insert_into(relation);
  }

  void insert_into(std::size_t relation) {
    std::vector<Cells>& rows = rows_[relation];
    Cells cells;
    for (const datalog::Column& column : program_.relations[relation].columns) {
      cells.push_back(cell(column));
    }
    if (relation == 0) {  // One row for each key.
      const auto same = std::find_if(rows.begin(), rows.end(),
                                     [&](const Cells& row) { return row[0] == cells[0]; });
      if (same != rows.end()) {
        apply(relation, *same, -1);
        rows.erase(same);
      }
    }
    apply(relation, cells, 1);
    rows.push_back(std::move(cells));
  }

  std::string line(const vm::ValuePool& pool, const compiler::RelationLayout& layout,
                   const std::vector<Word>& row) const {
    std::string text;
    for (std::size_t c = 0; c < program_.relation(view_).columns.size(); ++c) {
      const compiler::ColumnLayout& column = layout.columns[c];
      if (!text.empty()) text += '|';
      vm::print_value(pool, column.type, column.nullable, row.data() + column.first_word, {}, text);
    }
    return text;
  }

  // Nothing where an expression fails.
  std::optional<Lines> anew() {
    datalog::RuleProgram program = compiler::internal::copy_of(program_);
    vm::ValuePool pool(program.types);
    Lines lines;
    {
      compiler::EvaluationOptions options;
      options.pool = &pool;
      auto made = compiler::Evaluation::create(program, options);
      if (!made) FAIL(made.error().message);
      for (std::size_t relation = 0; relation < 2; ++relation) {
        for (const Cells& cells : rows_[relation]) {
          const std::vector<Word> words = words_of(relation, cells, pool);
          std::vector<const Word*> columns;
          for (const Word& word : words) columns.push_back(&word);
          REQUIRE((*made)->load(static_cast<RelationId>(relation), columns, 1).has_value());
        }
      }
      auto done = (*made)->run();
      if (!done && done.error().code == ErrorCode::kData) return std::nullopt;
      if (!done) FAIL(done.error().message);
      const compiler::RelationLayout& layout = (*made)->layout(view_);
      std::vector<Word> row(layout.words.size());
      std::vector<Word*> columns;
      for (Word& word : row) columns.push_back(&word);
      compiler::RowCursor cursor = (*made)->rows(view_);
      while (cursor.next(columns, 1) == 1) lines.push_back(line(pool, layout, row));
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  void compare() {
    const vm::StandingRelation& relation = network_->relation(view_);
    Lines found;
    vm::Row position = 0, row = 0;
    while (relation.scan(vm::View::kTotal, position, &row, 1) == 1) {
      std::vector<Word> words(relation.column_count());
      for (std::uint32_t c = 0; c < words.size(); ++c) relation.load(c, &row, 1, &words[c]);
      found.push_back(line(*pool_, network_->layout(view_), words));
    }
    std::sort(found.begin(), found.end());
    const std::optional<Lines> wanted = anew();
    INFO(network_->to_text());
    REQUIRE(wanted.has_value() == network_->errors().empty());
    if (wanted) REQUIRE(found == *wanted);
  }

  Random random_;
  sql2datalog::internal::TestCatalog catalog_;
  datalog::RuleProgram program_;
  RelationId view_{};
  std::optional<vm::ValuePool> pool_;
  std::unique_ptr<Network> network_;
  std::array<std::vector<Cells>, 2> rows_;
  std::uint64_t pinned_ = 0;  // Entries of the pool that stay.
};

void check(const std::vector<std::string>& queries, bool follows = false) {
  for (const std::string& query : queries) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      INFO(query << ", seed " << seed);
      View view(query, seed);
      if (follows) CHECK(view.to_text().find("  regrouped") == std::string::npos);
      view.run(12);
    }
  }
}

TEST_CASE("SQL's aggregates follow their rows as if they were computed anew") {
  check(
      {
          "SELECT g, count(*), count(a), sum(a), avg(a), min(a), max(a) FROM t GROUP BY g",
          "SELECT g, sum(n), avg(n), min(n), max(n) FROM t GROUP BY g",
          "SELECT g, bool_and(b), bool_or(b), every(b), bit_xor(a), min(s), max(s) FROM t GROUP BY "
          "g",
          "SELECT g, sum(x), avg(x), min(x), max(x), sum(r), avg(r), min(r), max(r) FROM u GROUP "
          "BY g",
          "SELECT g, sum(d), avg(d), min(d), max(d), min(e), max(e) FROM u GROUP BY g",
          "SELECT g, sum(i), avg(i) FROM u GROUP BY g",
          "SELECT count(*), sum(a), avg(n), bool_or(b) FROM t",
          "SELECT count(d), sum(d), avg(x), max(e) FROM u",
          "SELECT g, b, count(*) FROM t GROUP BY g, b",
      },
      /*follows=*/true);
}

TEST_CASE("aggregates of what is distinct and of what a filter lets through follow") {
  check(
      {
          "SELECT g, count(DISTINCT a), sum(DISTINCT a), avg(DISTINCT n) FROM t GROUP BY g",
          "SELECT g, sum(DISTINCT d), avg(DISTINCT d), sum(DISTINCT x), count(DISTINCT d) FROM u "
          "GROUP BY g",
          "SELECT g, count(*) FILTER (WHERE a > 1), sum(n) FILTER (WHERE b), min(s) FILTER (WHERE "
          "a "
          "< 2), count(DISTINCT s) FILTER (WHERE b) FROM t GROUP BY g",
          "SELECT sum(DISTINCT a) FILTER (WHERE b), count(*) FILTER (WHERE s IS NULL) FROM t",
          "SELECT t.g, sum(t.a * u.g), count(*), max(u.d) FROM t JOIN u ON t.g = u.g GROUP BY t.g",
          "SELECT g FROM t GROUP BY g HAVING count(*) > 1 AND sum(a) < 6",
          "SELECT g, sum(a + 1) FROM t WHERE b IS NOT NULL GROUP BY g",
      },
      /*follows=*/true);
}

TEST_CASE("aggregates that no state follows are computed anew for the groups that changed") {
  check({
      "SELECT g, string_agg(s, ',' ORDER BY k DESC), array_agg(a ORDER BY k) FROM t GROUP BY g",
      "SELECT g, string_agg(s, ','), count(*), sum(n) FROM t GROUP BY g",
      "SELECT string_agg(DISTINCT s, '/'), array_agg(g) FROM t",
      "SELECT g, min(i), max(i), count(DISTINCT i) FROM u GROUP BY g",
      "SELECT g, var_pop(a), stddev(n), bit_and(a), bit_or(a) FROM t GROUP BY g",
      "SELECT g, variance(x), stddev_pop(d) FROM u GROUP BY g",
      "SELECT g, e, array_agg(d ORDER BY x DESC NULLS LAST, d) FROM u GROUP BY g, e",
  });
}

TEST_CASE("limits and rankings follow") {
  check({
      "SELECT k, s FROM t ORDER BY s, k LIMIT 5",
      "SELECT a FROM t ORDER BY a DESC LIMIT 4 OFFSET 2",
      "SELECT d FROM u ORDER BY d LIMIT 6",
      "SELECT g, x FROM u LIMIT 3",
      "SELECT k FROM t ORDER BY n NULLS FIRST, k DESC OFFSET 3",
      "SELECT k FROM t ORDER BY k LIMIT 0 OFFSET 2",
      "SELECT FROM t LIMIT 4",
      "SELECT r, x FROM u ORDER BY r DESC NULLS LAST, x LIMIT 4 OFFSET 1",
      "SELECT DISTINCT ON (g) g, k, a FROM t ORDER BY g, a DESC, k",
      "SELECT g, k, row_number() OVER (PARTITION BY g ORDER BY a, k) FROM t",
      "SELECT g, a, rank() OVER (PARTITION BY g ORDER BY a), dense_rank() OVER (ORDER BY n) FROM t",
      "SELECT k, lag(a) OVER (ORDER BY k), lead(s, 2) OVER (PARTITION BY b ORDER BY k) FROM t",
      "SELECT g, d, row_number() OVER (ORDER BY d DESC) FROM u",
      "SELECT g, count(*), sum(a) FROM (SELECT g, a FROM t ORDER BY n LIMIT 6) q GROUP BY g",
      "SELECT a FROM t ORDER BY a FETCH FIRST 3 ROWS WITH TIES",
      "SELECT q.g, q.r FROM (SELECT g, row_number() OVER (PARTITION BY g ORDER BY k) AS r FROM t) "
      "q WHERE q.r <= 2",
      "SELECT ntile(3) OVER (ORDER BY k), first_value(a) OVER (PARTITION BY g ORDER BY k) FROM t",
      "SELECT x.g, y.k FROM (SELECT DISTINCT g FROM u) x, LATERAL (SELECT k FROM t WHERE t.g = x.g "
      "ORDER BY k LIMIT 2) y",
  });
}

TEST_CASE("limits over many rows follow what leaves at the front") {
  for (const char* query : {
           "SELECT d, x FROM u ORDER BY d, x LIMIT 5 OFFSET 2",
           "SELECT d FROM u ORDER BY d DESC LIMIT 3",
           "SELECT x.g, y.d FROM (SELECT DISTINCT g FROM u) x, LATERAL (SELECT d FROM u WHERE u.g "
           "= "
           "x.g ORDER BY d LIMIT 2) y",
       }) {
    INFO(query);
    View(query, 1).run_large();
  }
}

TEST_CASE("bags of SQL stand") {
  check({
      "SELECT g, a FROM t",
      "SELECT d FROM u UNION ALL SELECT a FROM t",
      "SELECT t.g, u.d FROM t, u WHERE t.g = u.g",
      "SELECT t.k, u.x FROM t LEFT JOIN u ON t.g = u.g AND u.x > 1",
      "SELECT g FROM t UNION SELECT g FROM u",
      "SELECT g FROM t EXCEPT ALL SELECT g FROM u",
      "SELECT g FROM t INTERSECT SELECT g FROM u",
      "SELECT k FROM t WHERE NOT EXISTS (SELECT FROM u WHERE u.g = t.g)",
      "SELECT k FROM t WHERE a IN (SELECT g FROM u)",
      "SELECT k, (SELECT max(d) FROM u WHERE u.g = t.g) FROM t",
      "SELECT g, w FROM u, unnest(m) AS w",
      "SELECT g, count(*), sum(w) FROM u, unnest(m) AS w GROUP BY g",
      "SELECT w FROM u, unnest(m) AS w ORDER BY w LIMIT 4",
      "SELECT g, array_agg(w ORDER BY w) FROM u, unnest(m) AS w GROUP BY g",
  });
}

}  // namespace
}  // namespace entail::rete
