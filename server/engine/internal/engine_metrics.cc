// The engine's own figures.
#include <algorithm>

#include "server/engine/internal/engine_state.h"
#include "server/engine/internal/subscription_impl.h"
#include "server/engine/metrics.h"

namespace entail::engine {
namespace {

void add_versions(const EngineState& state, Metrics& metrics) {
  metrics.counter("entail_commits", "Versions made since the start.",
                  static_cast<double>(state.commits));
  metrics.counter("entail_rows_changed", "Stated rows that commits added or took away.",
                  static_cast<double>(state.rows_changed));
  metrics.counter("entail_rows_pushed", "Rows that clients pushed.",
                  static_cast<double>(state.rows_pushed));
  metrics.gauge("entail_version", "The newest version.", static_cast<double>(state.version));
  metrics.gauge("entail_durable_version", "The newest version that outlives a power cut.",
                static_cast<double>(state.durable_version()));
  metrics.gauge("entail_checkpoint_version", "The version of the newest checkpoint.",
                static_cast<double>(state.checkpoint_version));
  if (state.flusher != nullptr) {
    metrics.counter("entail_syncs", "Times that the log was made durable.",
                    static_cast<double>(state.flusher->syncs()));
  }
}

void add_sessions(const EngineState& state, Metrics& metrics) {
  metrics.gauge("entail_sessions", "Clients that are connected.",
                static_cast<double>(state.sessions.size()));
  metrics.gauge("entail_transactions", "Transactions that are open.",
                static_cast<double>(state.transactions.size()));
  metrics.gauge("entail_memory_bytes", "Of rows, indexes and running statements.",
                static_cast<double>(state.memory.used()));
  metrics.gauge("entail_text_bytes", "Of texts and other values beside rows.",
                static_cast<double>(state.pool->bytes_used()));
}

void add_relations(const EngineState& state, Metrics& metrics) {
  const auto each = [&](const auto& add) {
    for (const auto& [oid, table] : state.catalog->tables()) {
      if (!table->holds_rows()) continue;
      const Schema* const schema = state.catalog->schema(table->schema);
      const bool is_public = schema == nullptr || schema->oid == kSchemaPublic;
      add(*table, is_public ? table->name : schema->name + "." + table->name);
    }
  };
  each([&](const Table& table, const std::string& name) {
    metrics.gauge("entail_relation_rows", "Rows that a relation has.",
                  static_cast<double>(state.network->row_count(table.relation)),
                  {{"relation", name}});
  });
  each([&](const Table& table, const std::string& name) {
    metrics.gauge("entail_relation_bytes", "Of a relation's rows and indexes.",
                  static_cast<double>(state.rows_of(table.relation).bytes_used()),
                  {{"relation", name}});
  });
}

void add_subscriptions(const EngineState& state, Metrics& metrics) {
  std::vector<const SubscriptionImpl*> readers;
  for (const auto& [relation, feed] : state.feeds.feeds()) {
    readers.insert(readers.end(), feed->readers.begin(), feed->readers.end());
  }
  std::uint64_t rows = state.feeds.rows_of_ended(), lag = 0;
  for (const SubscriptionImpl* const reader : readers) {
    rows += reader->rows_given();
    if (!reader->is_waiting()) lag = std::max(lag, state.version - reader->position());
  }
  metrics.gauge("entail_subscriptions", "Subscriptions that go on.",
                static_cast<double>(readers.size()));
  metrics.gauge("entail_subscription_lag_versions",
                "How far the slowest subscription that is being read is behind the newest version.",
                static_cast<double>(lag));
  metrics.counter("entail_subscription_rows", "Rows given to subscribers.",
                  static_cast<double>(rows));
  metrics.gauge("entail_subscription_bytes", "Of changes kept for subscribers.",
                static_cast<double>(state.feeds.bytes()));
}

}  // namespace

Metrics Engine::metrics() {
  const EngineState& state = state_of(*this);
  Metrics metrics;
  add_versions(state, metrics);
  add_sessions(state, metrics);
  add_relations(state, metrics);
  add_subscriptions(state, metrics);
  for (const auto& more : state.more_metrics) more(metrics);
  return metrics;
}

void Engine::add_metrics(std::function<void(Metrics&)> more) {
  state_of(*this).more_metrics.push_back(std::move(more));
}

}  // namespace entail::engine
