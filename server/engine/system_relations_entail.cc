// Relations of the schema `entail`: versions, errors in data, what waits to be sent, deployed rules, subscriptions,
// figures.
#include <algorithm>

#include "server/engine/internal/engine_state.h"
#include "server/engine/internal/subscription_impl.h"
#include "server/engine/system_relation.h"

namespace entail::engine {

namespace oids = sql2datalog::oids;

namespace {

constexpr std::size_t kListedMax = 1'000'000;

Expected<void> version_rows(const SystemContext& context, SystemRows& rows) {
  const EngineState& state = state_of(context.engine);
  if (state.store == nullptr) return {};
  auto versions = state.store->versions(std::max<store::Version>(1, state.store->log_floor()),
                                        state.store->version(), kListedMax);
  if (!versions) return unexpected(std::move(versions).error());
  for (const store::VersionInfo& info : *versions) {
    rows.add_int(static_cast<std::int64_t>(info.version));
    rows.add_timestamp(info.time_us);
    rows.add_text(store::cause_kind_name(info.cause.kind));
    rows.add_text(info.cause.origin);
    rows.end_row();
  }
  return {};
}

Expected<void> error_rows(const SystemContext& context, SystemRows& rows) {
  const EngineState& state = state_of(context.engine);
  for (const rete::ErrorInstance& error : state.network->errors()) {
    const Table* const table = context.catalog.table_of(error.relation);
    rows.add_text(table != nullptr ? table->name : state.program.relation(error.relation).name);
    rows.add_text(error.place);
    rows.add_text(error.message);
    rows.add_int(error.weight);
    rows.end_row();
  }
  return {};
}

Expected<void> outbox_rows(const SystemContext& context, SystemRows& rows) {
  const EngineState& state = state_of(context.engine);
  if (state.store == nullptr) return {};
  auto entries = state.store->outbox({}, kListedMax);
  if (!entries) return unexpected(std::move(entries).error());
  for (const store::KeptOutboxEntry& kept : *entries) {
    rows.add_int(static_cast<std::int64_t>(kept.id.version));
    rows.add_int(kept.id.ordinal);
    rows.add_text(kept.entry.sink);
    rows.add_text(kept.entry.payload);
    rows.end_row();
  }
  return {};
}

Expected<void> deployment_rows(const SystemContext& context, SystemRows& rows) {
  for (const auto& [name, deployment] : context.catalog.deployments()) {
    rows.add_text(name);
    rows.add_text(deployment->text);
    rows.end_row();
  }
  return {};
}

Expected<void> subscription_rows(const SystemContext& context, SystemRows& rows) {
  const EngineState& state = state_of(context.engine);
  std::vector<const SubscriptionImpl*> readers;
  for (const auto& [relation, feed] : state.feeds.feeds()) {
    readers.insert(readers.end(), feed->readers.begin(), feed->readers.end());
  }
  std::sort(readers.begin(), readers.end(),
            [](const auto* a, const auto* b) { return a->id() < b->id(); });
  for (const SubscriptionImpl* const reader : readers) {
    rows.add_int(reader->id());
    rows.add_int(reader->session());
    rows.add_text(reader->name());
    rows.add_int(static_cast<std::int64_t>(reader->begun_at()));
    rows.add_int(static_cast<std::int64_t>(reader->position()));
    rows.add_text(reader->is_waiting() ? "waiting" : "reading");
    rows.add_int(static_cast<std::int64_t>(reader->rows_given()));
    rows.end_row();
  }
  return {};
}

Expected<void> metric_rows(const SystemContext& context, SystemRows& rows) {
  const Metrics metrics = context.engine.metrics();
  for (const Metrics::Sample& sample : metrics.samples()) {
    rows.add_text(sample.name);
    rows.add_double(sample.value);
    rows.end_row();
  }
  return {};
}

}  // namespace

std::vector<SystemRelation> entail_relations() {
  std::vector<SystemRelation> result;
  result.push_back({kSchemaEntail,
                    "versions",
                    13100,
                    {{"version", oids::kInt8},
                     {"time", oids::kTimestampTz},
                     {"cause", oids::kText},
                     {"origin", oids::kText}},
                    false,
                    version_rows});
  result.push_back({kSchemaEntail,
                    "errors",
                    13101,
                    {{"relation", oids::kText},
                     {"place", oids::kText},
                     {"message", oids::kText},
                     {"instances", oids::kInt8}},
                    false,
                    error_rows});
  result.push_back({kSchemaEntail,
                    "outbox",
                    13102,
                    {{"version", oids::kInt8},
                     {"ordinal", oids::kInt8},
                     {"relation", oids::kText},
                     {"payload", oids::kText}},
                    false,
                    outbox_rows});
  result.push_back({kSchemaEntail,
                    "deployments",
                    13103,
                    {{"name", oids::kText}, {"text", oids::kText}},
                    false,
                    deployment_rows});
  result.push_back({kSchemaEntail,
                    "subscriptions",
                    13104,
                    {{"id", oids::kInt8},
                     {"pid", oids::kInt8},
                     {"relation", oids::kText},
                     {"began_at", oids::kInt8},
                     {"version", oids::kInt8},
                     {"state", oids::kText},
                     {"rows", oids::kInt8}},
                    false,
                    subscription_rows});
  result.push_back({kSchemaEntail,
                    "metrics",
                    13105,
                    {{"name", oids::kText}, {"value", oids::kFloat8}},
                    false,
                    metric_rows});
  return result;
}

}  // namespace entail::engine
