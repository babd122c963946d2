// store/internal/testing.h - what the tests of the store share: a model, random commits.
//
// The model is a map for every version; a commit copies the last one. Keys are two letters, so that
// none is the beginning of another, and few, so that rows come, go and come back all the time.
//
// Threads: one.

#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/rocks_kv.h"
#include "store/simulated_kv.h"
#include "store/versioned_store.h"
#include "vm/base/clock.h"
#include "vm/base/random.h"
#include "vm/base/temporary_folder.h"

namespace entail::store::testing {

// Small buffers: flushes and compactions happen in a test's few rows.
inline KvOpener small_rocks(const std::string& directory,
                            std::shared_ptr<DiskFaults> faults = nullptr) {
  return rocks_kv_opener({.directory = directory,
                          .cache_bytes = std::size_t{4} << 20U,
                          .write_buffer_bytes = std::size_t{512} << 10U,
                          .faults = std::move(faults)});
}

inline std::unique_ptr<VersionedStore> open_store(const KvOpener& opener, const Clock& clock) {
  auto store = VersionedStore::open({.open_kv = opener, .clock = &clock});
  INFO((store ? std::string() : store.error().message));
  REQUIRE(store.has_value());
  return *std::move(store);
}

using ModelKey = std::pair<RelationNumber, std::string>;
using ModelRows = std::map<ModelKey, std::string>;

// One commit as values, from which batches are made as often as wanted.
struct ModelCommit {
  struct Change {
    ModelKey key;
    std::optional<std::string> before, after;
  };
  std::vector<Change> changes;
  std::vector<std::pair<std::string, std::optional<std::string>>> catalog;
  std::string position;
  std::vector<std::string> emitted;

  CommitBatch batch() const {
    CommitBatch batch;
    batch.cause.kind = CauseKind::kSourceBatch;
    batch.cause.origin = "orders";
    batch.cause.positions = {{"orders", "0", position}};
    for (const Change& change : changes) {
      RowChange& row = batch.changes.emplace_back();
      row.relation = change.key.first;
      row.key = change.key.second;
      if (change.before) row.before = RowImage{.row = *change.before};
      if (change.after) row.after = RowImage{.row = *change.after};
    }
    for (const auto& [key, value] : catalog) {
      CatalogChange& entry = batch.catalog.emplace_back();
      entry.key = key;
      entry.value = value;
    }
    for (const std::string& payload : emitted) batch.outbox.push_back({"alerts", 3, payload});
    return batch;
  }
};

class Model {
 public:
  explicit Model(std::uint64_t seed) : random_(seed) {}

  static constexpr RelationNumber kRelations = 3;

  Version version() const { return rows_.size() - 1; }
  const ModelRows& rows(Version version) const { return rows_.at(version); }
  const std::map<std::string, std::string>& catalog(Version version) const {
    return catalog_.at(version);
  }
  const ModelCommit& commit(Version version) const { return commits_.at(version - 1); }
  Random& random() { return random_; }

  // A commit that fits the newest version, not yet made.
  ModelCommit propose(std::size_t changes_max = 6) {
    ModelCommit commit;
    std::map<ModelKey, bool> taken;
    const std::uint64_t count = random_.below(changes_max + 1);
    for (std::uint64_t i = 0; i < count; ++i) {
      const ModelKey key{
          static_cast<RelationNumber>(1 + random_.below(kRelations)),
          {static_cast<char>('a' + random_.below(4)), static_cast<char>('a' + random_.below(5))}};
      if (!taken.emplace(key, true).second) continue;
      ModelCommit::Change change{key, {}, {}};
      const auto found = rows_.back().find(key);
      if (found != rows_.back().end()) change.before = found->second;
      if (!change.before || random_.chance(2, 3)) {
        change.after = "row " + std::to_string(random_.below(1000));
        if (random_.chance(1, 10)) change.after->append(random_.below(400), 'x');
      }
      commit.changes.push_back(std::move(change));
    }
    if (random_.chance(1, 4)) {
      const std::string key = "table " + std::to_string(random_.below(12));
      if (random_.chance(1, 3)) {
        commit.catalog.emplace_back(key, std::nullopt);
      } else {
        commit.catalog.emplace_back(key, "definition " + std::to_string(random_.below(100)));
      }
    }
    commit.position = std::to_string(version() + 1);
    if (random_.chance(1, 3)) commit.emitted.push_back("alert " + commit.position);
    return commit;
  }

  void apply(const ModelCommit& commit) {
    ModelRows rows = rows_.back();
    for (const ModelCommit::Change& change : commit.changes) {
      rows.erase(change.key);
      if (change.after) rows[change.key] = *change.after;
    }
    std::map<std::string, std::string> catalog = catalog_.back();
    for (const auto& [key, value] : commit.catalog) {
      catalog.erase(key);
      if (value) catalog[key] = *value;
    }
    rows_.push_back(std::move(rows));
    catalog_.push_back(std::move(catalog));
    commits_.push_back(commit);
  }

  // A crash took the newest versions.
  void fall_back_to(Version version) {
    rows_.resize(version + 1);
    catalog_.resize(version + 1);
    commits_.resize(version);
  }

 private:
  Random random_;
  std::vector<ModelRows> rows_{1};
  std::vector<std::map<std::string, std::string>> catalog_{1};
  std::vector<ModelCommit> commits_;
};

inline ModelRows rows_of(const VersionedStore& store, std::optional<Version> as_of,
                         Version floor_by_relation[Model::kRelations + 1] = nullptr) {
  ModelRows rows;
  for (RelationNumber relation = 1; relation <= Model::kRelations; ++relation) {
    if (floor_by_relation != nullptr && as_of && *as_of < floor_by_relation[relation]) continue;
    auto scan = store.scan(relation, as_of);
    INFO((scan ? std::string() : scan.error().message));
    REQUIRE(scan.has_value());
    std::string last;
    while ((*scan)->next()) {
      const StoredRow& row = (*scan)->row();
      CHECK(last < row.key);
      last = row.key;
      rows[{relation, std::string(row.key)}] = row.image.row;
    }
    const auto status = (*scan)->status();
    INFO((status ? std::string() : status.error().message));
    CHECK(status.has_value());
  }
  return rows;
}

// Everything that can be asked of `version` is as in the model.
inline void check_version(const VersionedStore& store, const Model& model, Version version) {
  INFO("as of version " << version);
  CHECK(rows_of(store, version) == model.rows(version));
  for (char first = 'a'; first < 'e'; ++first) {
    const ModelKey key{1 + static_cast<RelationNumber>(version) % Model::kRelations,
                       {first, static_cast<char>('a' + version % 5)}};
    auto row = store.get(key.first, key.second, version);
    REQUIRE(row.has_value());
    const auto expected = model.rows(version).find(key);
    REQUIRE(row->has_value() == (expected != model.rows(version).end()));
    if (*row) {
      CHECK((*row)->stored.image.row == expected->second);
      CHECK((*row)->stored.key == key.second);
      CHECK((*row)->stored.born <= version);
    }
  }
  auto catalog = store.catalog_list("", version);
  REQUIRE(catalog.has_value());
  CHECK(std::map<std::string, std::string>(catalog->begin(), catalog->end()) ==
        model.catalog(version));
}

inline void check_verifies(const VersionedStore& store) {
  auto report = store.verify();
  INFO((report ? std::string() : report.error().message));
  CHECK(report.has_value());
}

}  // namespace entail::store::testing
