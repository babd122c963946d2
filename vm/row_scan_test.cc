#include "vm/row_scan.h"

#include <catch2/catch.hpp>

namespace entail::vm {
namespace {

// Rows (i, 10 i) for i below `count`, of which those that 3 divides have gone in the open epoch.
std::unique_ptr<StandingRelation> make(std::size_t count) {
  RelationOptions options;
  options.name = std::string("r");
  options.columns.resize(2);
  auto relation = std::move(StandingRelation::create(std::move(options), nullptr)).value();
  std::vector<Word> first, second;
  std::vector<std::int64_t> weights;
  const auto apply = [&] {
    const Word* const columns[2] = {first.data(), second.data()};
    REQUIRE(relation->apply({columns, first.size(), weights.data()}, Counting::kStated));
    first.clear();
    second.clear();
    weights.clear();
  };
  for (Word i = 0; i < count; ++i) {
    first.push_back(i);
    second.push_back(10 * i);
    weights.push_back(1);
  }
  apply();
  relation->commit(1);
  for (Word i = 0; i < count; i += 3) {
    first.push_back(i);
    second.push_back(10 * i);
    weights.push_back(-1);
  }
  apply();
  return relation;
}

}  // namespace

TEST_CASE("all rows that are there come at once") {
  const auto relation = make(10);
  std::vector<Word> values;
  for (const Row row : visible_rows(*relation)) {
    Word value = 0;
    relation->load(0, &row, 1, &value);
    values.push_back(value);
  }
  CHECK(values == std::vector<Word>{1, 2, 4, 5, 7, 8});
  CHECK(visible_rows(*make(0)).empty());
}

TEST_CASE("a scan gives the rows a part at a time, with their words") {
  const auto relation = make(10);
  std::vector<Row> rows;
  std::vector<std::size_t> parts;
  std::vector<Word> first, second;
  for (RowScan scan(*relation, 4); scan.next();) {
    const std::size_t n = scan.rows().size();
    parts.push_back(n);
    rows.insert(rows.end(), scan.rows().begin(), scan.rows().end());
    const auto words = scan.load_words();
    REQUIRE(words.size() == 2);
    first.insert(first.end(), words[0], words[0] + n);
    second.insert(second.end(), words[1], words[1] + n);
  }
  CHECK(parts == std::vector<std::size_t>{4, 2});
  CHECK(rows == visible_rows(*relation));
  CHECK(first == std::vector<Word>{1, 2, 4, 5, 7, 8});
  CHECK(second == std::vector<Word>{10, 20, 40, 50, 70, 80});
}

TEST_CASE("a scan of an empty relation ends at once") {
  const auto relation = make(0);
  RowScan scan(*relation);
  CHECK_FALSE(scan.next());
  CHECK(scan.rows().empty());
}

}  // namespace entail::vm
