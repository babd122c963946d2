// What does a version cost, beside RocksDB writing the same bytes without one?
//
//   durable      16 clients, each commits one row and waits until it is durable. Peer: 16 threads
//                that write the same two entries (row and log record) with RocksDB's own group
//                commit. Expected: about the same; both wait for the same disk.
//   bulk         1 M rows of 100 bytes, as one commit and as commits of 1,000 rows. Peer: the same
//                keys and values in plain sorted WriteBatches of 1,000 rows. Expected: 0.6 or more;
//                encoding, checksums and the log's framing are what is added.
//   scan         all rows of a relation with ten versions each, beside one version each. Expected:
//                the same, for the past lies elsewhere.
//
// Each line is a rate, the peer's, and their ratio. The first argument is the folder to work in
// (default: the current one); it should be on a real disk.

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "store/group_flusher.h"
#include "store/internal/bytes.h"
#include "store/internal/keys.h"
#include "store/internal/rocks_options.h"
#include "store/rocks_kv.h"
#include "store/versioned_store.h"

namespace {

namespace fs = std::filesystem;
using namespace entail;
using namespace entail::store;

double seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

class WallClock final : public Clock {
 public:
  std::int64_t now_us() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
  std::int64_t steady_ns() const override {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
  }
};

const WallClock kClock;

std::unique_ptr<VersionedStore> open_store(const std::string& directory) {
  fs::remove_all(directory);
  auto store = VersionedStore::open(
      {.open_kv = rocks_kv_opener({.directory = directory}), .clock = &kClock});
  if (!store) fmt::print(stderr, "{}\n", store.error().message);
  return *std::move(store);
}

// RocksDB as the store sets it up, with nothing on top.
struct Peer {
  explicit Peer(const std::string& directory) {
    fs::remove_all(directory);
    const RocksKvOptions options{.directory = directory};
    const auto cache = rocksdb::NewLRUCache(options.cache_bytes);
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    const auto add = [&](const char* name, const KvFamilyOptions& family) {
      families.emplace_back(name, make_family_options(family, cache, options.write_buffer_bytes));
    };
    add("current", {.name = "current", .point_reads = true});
    add("log", {.name = "log", .large_values = true});
    add("default", {});
    rocksdb::DB* opened = nullptr;
    check(rocksdb::DB::Open(make_db_options(options), directory, families, &handles, &opened));
    db.reset(opened);
  }
  ~Peer() {
    for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
  }
  static void check(const rocksdb::Status& status) {
    if (!status.ok()) fmt::print(stderr, "{}\n", status.ToString());
  }

  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
};

std::string key_of(std::uint64_t number) {
  std::string key;
  put_big_endian_64(key, number);
  return key;
}

// Of 100 bytes; half of them compress well.
std::string row_of(std::uint64_t number, std::uint64_t version) {
  std::string row;
  std::uint64_t state = number * 31 + version;
  for (int i = 0; i < 6; ++i) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    put_big_endian_64(row, state);
  }
  row.resize(100, 'r');
  return row;
}

void report(const std::string& what, double ours, double peers, double ratio) {
  fmt::print("{:<32} {:>12.0f}/s {:>12.0f}/s   ratio {:.2f}\n", what, ours, peers, ratio);
}

// --- durable ----------------------------------------------------------------------------------------

constexpr int kClients = 16, kCommitsEach = 400;

double durable_commits(const std::string& directory, double& commits_per_sync) {
  auto store = open_store(directory);
  GroupFlusher flusher(*store, {});
  std::thread flushing([&] { flusher.run(); });
  std::mutex writer;
  const double took = seconds([&] {
    std::vector<std::thread> clients;
    for (int client = 0; client < kClients; ++client) {
      clients.emplace_back([&, client] {
        for (int i = 0; i < kCommitsEach; ++i) {
          const std::string key = key_of(static_cast<std::uint64_t>(client) << 32U | i);
          const std::string row = row_of(static_cast<std::uint64_t>(i), 1);
          CommitBatch batch;
          RowChange& change = batch.changes.emplace_back();
          change.relation = 1;
          change.key = key;
          change.after = RowImage{.row = row};
          Version version = 0;
          {
            const std::lock_guard lock(writer);
            version = store->commit(std::move(batch)).value();
          }
          flusher.wait(version).value();
        }
      });
    }
    for (std::thread& client : clients) client.join();
  });
  commits_per_sync = kClients * kCommitsEach / static_cast<double>(flusher.syncs());
  flusher.stop();
  flushing.join();
  return kClients * kCommitsEach / took;
}

double durable_peer(const std::string& directory) {
  Peer peer(directory);
  std::atomic<std::uint64_t> version{0};
  const double took = seconds([&] {
    std::vector<std::thread> clients;
    for (int client = 0; client < kClients; ++client) {
      clients.emplace_back([&, client] {
        for (int i = 0; i < kCommitsEach; ++i) {
          const std::string key = row_key(1, key_of(static_cast<std::uint64_t>(client) << 32U | i));
          const std::string row = row_of(static_cast<std::uint64_t>(i), 1) + "0123456789";
          rocksdb::WriteBatch batch;
          Peer::check(batch.Put(peer.handles[0], key, row));
          Peer::check(batch.Put(peer.handles[1], log_key(++version, 0), row + key + "0123456789"));
          rocksdb::WriteOptions options;
          options.sync = true;
          Peer::check(peer.db->Write(options, &batch));
        }
      });
    }
    for (std::thread& client : clients) client.join();
  });
  return kClients * kCommitsEach / took;
}

// --- bulk -------------------------------------------------------------------------------------------

constexpr std::uint64_t kRows = 1'000'000, kBatchRows = 1000;

struct Rows {
  std::vector<std::string> keys, rows;

  explicit Rows(std::uint64_t version) {
    for (std::uint64_t i = 0; i < kRows; ++i) {
      keys.push_back(key_of(i));
      rows.push_back(row_of(i, version));
    }
  }
};

// Inserts the rows, or replaces `before` by them.
double bulk_commit(VersionedStore& store, const Rows& rows, const Rows* before,
                   std::uint64_t batch_rows) {
  const double took = seconds([&] {
    for (std::uint64_t begin = 0; begin < kRows; begin += batch_rows) {
      CommitBatch batch;
      batch.changes.resize(batch_rows);
      for (std::uint64_t i = 0; i < batch_rows; ++i) {
        RowChange& change = batch.changes[i];
        change.relation = 1;
        change.key = rows.keys[begin + i];
        change.after = RowImage{.row = rows.rows[begin + i]};
        if (before != nullptr) change.before = RowImage{.row = before->rows[begin + i]};
      }
      store.commit(std::move(batch)).value();
    }
    store.sync().value();
  });
  return kRows / took;
}

double bulk_peer(const std::string& directory, const Rows& rows) {
  Peer peer(directory);
  const double took = seconds([&] {
    std::uint64_t version = 0;
    for (std::uint64_t begin = 0; begin < kRows; begin += kBatchRows) {
      rocksdb::WriteBatch batch;
      std::string record;
      for (std::uint64_t i = begin; i < begin + kBatchRows; ++i) {
        Peer::check(
            batch.Put(peer.handles[0], row_key(1, rows.keys[i]), rows.rows[i] + "01234567"));
        record += rows.keys[i] + rows.rows[i] + "01234567";
      }
      Peer::check(batch.Put(peer.handles[1], log_key(++version, 0), record));
      Peer::check(peer.db->Write(rocksdb::WriteOptions(), &batch));
    }
    Peer::check(peer.db->SyncWAL());
  });
  return kRows / took;
}

// --- scan -------------------------------------------------------------------------------------------

double scan_rate(const VersionedStore& store) {
  double best = 0;
  for (int i = 0; i < 8; ++i) {
    std::uint64_t count = 0, bytes = 0;
    const double took = seconds([&] {
      auto scan = store.scan(1);
      while ((*scan)->next()) {
        ++count;
        bytes += (*scan)->row().image.row.size();
      }
    });
    if (count == 0 || bytes == 0) return 0;
    best = std::max(best, static_cast<double>(count) / took);
  }
  return best;
}

// A relation of `rows` rows with ten versions each, made by updates of random rows.
double scan_after_updates(const std::string& directory, std::uint64_t rows, int versions) {
  auto store = open_store(directory);
  std::vector<std::string> keys, values;
  for (std::uint64_t i = 0; i < rows; ++i) {
    keys.push_back(key_of(i));
    values.push_back(row_of(i, 0));
  }
  for (int version = 0; version < versions; ++version) {
    for (std::uint64_t begin = 0; begin < rows; begin += kBatchRows) {
      CommitBatch batch;
      std::vector<std::string> fresh;
      fresh.reserve(kBatchRows);
      for (std::uint64_t i = begin; i < std::min(rows, begin + kBatchRows); ++i) {
        RowChange& change = batch.changes.emplace_back();
        change.relation = 1;
        change.key = keys[i];
        fresh.push_back(row_of(i, static_cast<std::uint64_t>(version)));
        change.after = RowImage{.row = fresh.back()};
        if (version > 0) change.before = RowImage{.row = values[i]};
      }
      store->commit(std::move(batch)).value();
      for (std::uint64_t i = begin; i < std::min(rows, begin + kBatchRows); ++i) {
        values[i] = fresh[i - begin];
      }
    }
  }
  return scan_rate(*store);
}

}  // namespace

int main(int argc, char** argv) {
  const fs::path folder = fs::path(argc > 1 ? argv[1] : ".") / "store_bench_data";
  const std::string only = argc > 2 ? argv[2] : "";
  fs::create_directories(folder);
  const std::string ours = (folder / "ours").string(), peers = (folder / "peers").string();
  fmt::print("{:<32} {:>14} {:>14}\n", "", "store", "peer");

  if (only.empty() || only == "durable") {
    for (int round = 0; round < 3; ++round) {
      double commits_per_sync = 0;
      const double rate = durable_commits(ours, commits_per_sync);
      const double peer = durable_peer(peers);
      report("durable, 16 clients", rate, peer, rate / peer);
      fmt::print("    {:.1f} commits per fsync\n", commits_per_sync);
    }
  }
  if (only.empty() || only == "bulk") {
    const Rows rows(0);
    const double peer = bulk_peer(peers, rows);
    for (const std::uint64_t batch_rows : {kRows, kBatchRows}) {
      auto store = open_store(ours);
      const double rate = bulk_commit(*store, rows, nullptr, batch_rows);
      report(fmt::format("bulk, commits of {} rows", batch_rows), rate, peer, rate / peer);
    }
    auto store = open_store(ours);
    bulk_commit(*store, rows, nullptr, kBatchRows);
    const Rows newer(1);
    const double rate = bulk_commit(*store, newer, &rows, kBatchRows);
    report("replacing all rows", rate, peer, rate / peer);
  }
  if (only.empty() || only == "scan") {
    for (const std::uint64_t rows : {std::uint64_t{20'000}, std::uint64_t{200'000}, kRows}) {
      const double one = scan_after_updates(peers, rows, 1);
      const double ten = scan_after_updates(ours, rows, 10);
      report(fmt::format("scan of {} rows, 10 versions: 1", rows), ten, one, one / ten);
    }
  }
  fs::remove_all(folder);
  return 0;
}
