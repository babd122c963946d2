#include "server/engine/engine.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "datalog/stratify.h"
#include "grammar/diagnostics.h"
#include "server/engine/internal/checkpoint.h"
#include "server/engine/internal/engine_state.h"
#include "server/engine/internal/persistence.h"
#include "server/engine/internal/replay.h"
#include "server/engine/internal/session_impl.h"
#include "server/engine/internal/upkeep.h"
#include "server/engine/sql_error.h"
#include "store/rocks_kv.h"

namespace entail::engine {

// What of the engine others than its thread may touch: who waits for which version to be durable.
struct Engine::Impl {
  explicit Impl(EngineOptions options) : state(std::move(options)) {}

  void durable_up_to(std::uint64_t version) {
    std::vector<std::function<void(Expected<void>)>> ready;
    {
      const std::lock_guard lock(mutex);
      while (!waiting.empty() && waiting.begin()->first <= version) {
        ready.push_back(std::move(waiting.begin()->second));
        waiting.erase(waiting.begin());
      }
    }
    for (const auto& done : ready) done({});
    if (state.has_subscriptions.load(std::memory_order_acquire) && state.options.on_durable) {
      state.options.on_durable();
    }
  }

  void failed(const Error& error) {
    std::multimap<std::uint64_t, std::function<void(Expected<void>)>> all;
    {
      const std::lock_guard lock(mutex);
      all.swap(waiting);
    }
    for (const auto& [version, done] : all) done(unexpected(error));
  }

  EngineState state;
  std::mutex mutex;
  std::multimap<std::uint64_t, std::function<void(Expected<void>)>> waiting;
  std::uint64_t asked_for = 0;  // The newest version that somebody waits for; the engine's thread.
  bool flusher_runs = false;    // Guarded by the mutex.
};

EngineState::EngineState(EngineOptions given)
    : options(std::move(given)),
      clock(options.clock != nullptr ? options.clock : &still_clock),
      memory(options.limits.memory_bytes),
      catalog(std::make_shared<const Catalog>()),
      random(static_cast<std::uint64_t>(clock->now_us())) {
  pool = std::make_unique<vm::ValuePool>(program.types);
}

EngineState::~EngineState() {
  plans.clear();
  kept.clear();
}

Expected<void> EngineState::stratify_program() {
  grammar::Diagnostics diagnostics;
  if (datalog::stratify(program, diagnostics)) return {};
  return sql_error("XX000", "the catalog's rules cannot be stratified");
}

Expected<void> EngineState::make_network() {
  if (auto stratified = stratify_program(); !stratified) return stratified;
  auto created = rete::Network::create(program, network_options());
  if (!created) return unexpected(with_sqlstate(std::move(created).error()));
  network = std::move(*created);
  return {};
}

Expected<std::string> EngineState::position_of(const std::string& source) const {
  if (store == nullptr) {
    const auto found = positions.find(source);
    return found != positions.end() ? found->second : std::string();
  }
  auto known = store->positions(source);
  if (!known) return unexpected(std::move(known).error());
  for (const store::SourcePosition& position : *known) {
    if (position.source == source) return position.position;
  }
  return std::string();
}

EngineState& state_of(Engine& engine) { return engine.impl().state; }

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Engine::~Engine() {
  if (impl_ == nullptr) return;
  stop_flusher();
  ENTAIL_ENSURE(impl_->state.sessions.empty());
  if (impl_->state.store != nullptr) {
    // A clean end leaves nothing that is not durable. Where the disk refuses, the next start has more to do.
    auto synced = impl_->state.store->sync();
    if (synced && impl_->state.network != nullptr) static_cast<void>(checkpoint());
  }
}

Expected<std::unique_ptr<Engine>> Engine::open(EngineOptions options) {
  std::unique_ptr<Engine> engine(new Engine(std::make_unique<Impl>(std::move(options))));
  EngineState& state = engine->impl_->state;
  state.engine = engine.get();
  if (!state.options.directory.empty() || state.options.open_kv) {
    store::VersionedStore::Options stored;
    stored.clock = state.clock;
    if (state.options.open_kv) {
      stored.open_kv = state.options.open_kv;
    } else {
      store::RocksKvOptions rocks;
      rocks.directory = state.options.directory;
      stored.open_kv = store::rocks_kv_opener(rocks);
    }
    auto opened = store::VersionedStore::open(std::move(stored));
    if (!opened) return unexpected(std::move(opened).error());
    state.store = std::move(*opened);
    Impl& impl = *engine->impl_;
    store::GroupFlusher::Options flusher;
    flusher.on_durable = [&impl](store::Version version) { impl.durable_up_to(version); };
    flusher.on_failed = [&impl](const Error& error) { impl.failed(error); };
    state.flusher = std::make_unique<store::GroupFlusher>(*state.store, std::move(flusher));
    if (auto loaded = load_from_store(state); !loaded) {
      return unexpected(with_sqlstate(std::move(loaded).error()));
    }
  } else if (auto made = state.make_network(); !made) {
    return unexpected(std::move(made).error());
  }
  return engine;
}

Expected<std::unique_ptr<Session>> Engine::connect(SessionOptions options) {
  EngineState& state = impl_->state;
  if (state.sessions.size() >= state.options.limits.sessions) {
    return sql_error("53300", "sorry, too many clients already");
  }
  if (!state.catalog->users().empty()) {
    const User* const user = state.catalog->user(options.user);
    if (user == nullptr) {
      return sql_error("28000", "role \"" + options.user + "\" does not exist");
    }
    if (!user->login) {
      return sql_error("28000", "role \"" + options.user + "\" is not permitted to log in");
    }
  }
  auto session = std::make_unique<SessionImpl>(state, std::move(options), state.next_session++);
  const SessionOptions& given = session->options();
  if (!given.application_name.empty()) {
    auto set = session->settings().set_default("application_name", given.application_name);
    if (!set) return unexpected(std::move(set).error());
  }
  for (const auto& [name, value] : given.settings) {
    if (auto set = session->settings().set_default(name, value); !set) {
      return unexpected(std::move(set).error());
    }
  }
  session->note_limits();
  return std::unique_ptr<Session>(std::move(session));
}

// ---------------------------------------------------------------------------------------------------
// Durability

std::uint64_t Engine::version() const { return impl_->state.version; }

void Engine::run_flusher() {
  if (impl_->state.flusher == nullptr) return;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->flusher_runs = true;
  }
  impl_->state.flusher->run();
  const std::lock_guard lock(impl_->mutex);
  impl_->flusher_runs = false;
}

void Engine::stop_flusher() {
  if (impl_->state.flusher != nullptr) impl_->state.flusher->stop();
}

Expected<void> Engine::wait_durable(std::uint64_t version) {
  EngineState& state = impl_->state;
  if (version == 0 || state.store == nullptr || state.store->durable_version() >= version ||
      state.options.durability == Durability::kAsync) {
    return {};
  }
  bool runs = false;
  {
    const std::lock_guard lock(impl_->mutex);
    runs = impl_->flusher_runs;
  }
  if (runs) return state.flusher->wait(version);
  auto synced = state.store->sync();
  if (!synced) return unexpected(std::move(synced).error());
  impl_->durable_up_to(*synced);
  return {};
}

void Engine::when_durable(std::uint64_t version, std::function<void(Expected<void>)> done) {
  EngineState& state = impl_->state;
  if (version == 0 || state.store == nullptr || state.store->durable_version() >= version) {
    done({});
    return;
  }
  if (state.options.durability == Durability::kAsync) {
    state.flusher->nudge();
    done({});
    return;
  }
  bool runs = false;
  {
    const std::lock_guard lock(impl_->mutex);
    runs = impl_->flusher_runs;
    if (runs) impl_->waiting.emplace(version, std::move(done));
  }
  if (!runs) {
    done(wait_durable(version));
    return;
  }
  impl_->asked_for = version;
  // It may have become durable between the look and the note.
  if (state.store->durable_version() >= version) {
    impl_->durable_up_to(state.store->durable_version());
  }
}

void Engine::deliver() {
  EngineState& state = impl_->state;
  state.has_subscriptions.store(!state.feeds.feeds().empty(), std::memory_order_release);
  state.feeds.deliver();
}

void Engine::flush() {
  // Subscribers wait for the disk like whoever made the commit, if he did not.
  if (impl_->state.feeds.wants_durable()) impl_->asked_for = impl_->state.version;
  if (const std::uint64_t version = std::exchange(impl_->asked_for, 0); version != 0) {
    impl_->state.flusher->flush(version);
  }
}

// ---------------------------------------------------------------------------------------------------
// Time, users, upkeep

std::vector<std::uint32_t> Engine::tick() {
  std::vector<std::uint32_t> closing;
  const std::int64_t now = impl_->state.now_us();
  for (const auto& [id, session] : impl_->state.sessions) {
    if (session->tick(now)) closing.push_back(id);
  }
  return closing;
}

std::int64_t Engine::next_deadline_us() const {
  std::int64_t next = 0;
  // Whoever waits for a lock or idles in a block has a transaction.
  for (const auto& [id, transaction] : impl_->state.transactions) {
    const std::int64_t at =
        impl_->state.sessions.find(transaction->session)->second->next_deadline_us();
    if (at != 0 && (next == 0 || at < next)) next = at;
  }
  return next;
}

bool Engine::has_users() const { return !impl_->state.catalog->users().empty(); }

Expected<std::string> Engine::scram_verifier(std::string_view user) const {
  const User* const found = impl_->state.catalog->user(user);
  if (found == nullptr) {
    return sql_error("28000", "role \"" + std::string(user) + "\" does not exist");
  }
  return found->verifier;
}

Expected<std::uint64_t> Engine::tick_clocks(std::string_view stream, std::int64_t time_us) {
  EngineState& state = impl_->state;
  auto tick = state.clock_tick(stream, time_us);
  if (!tick) return unexpected(std::move(tick).error());
  Transaction transaction;
  transaction.id = state.next_transaction++;
  transaction.tick = *tick;
  return state.commit(transaction, "", [](const std::vector<rete::StatedChange>& /*stated*/) {
    return Expected<void>();
  });
}

Expected<CheckReport> Engine::check() { return check_engine(impl_->state); }
Expected<CheckReport> Engine::replay_check() { return replay_engine(impl_->state); }

Expected<void> Engine::checkpoint() {
  if (impl_->state.store == nullptr) return {};
  auto synced = impl_->state.store->sync();
  if (!synced) return unexpected(std::move(synced).error());
  return make_checkpoint(impl_->state);
}

Expected<void> Engine::backup(const std::string& directory) {
  if (impl_->state.store == nullptr) {
    return sql_error("55000", "an engine in memory has nothing to back up");
  }
  return impl_->state.store->backup(directory);
}

}  // namespace entail::engine
