#include "server/engine/internal/checkpoint.h"

#include <elf.h>
#include <fmt/format.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "server/engine/internal/stored_row.h"
#include "server/engine/sql_error.h"
#include "store/derived_state.h"

namespace entail::engine {

namespace {

constexpr std::string_view kBlob = "network";
// Changes that are taken in together when the log is replayed.
constexpr std::size_t kStepChanges = 50'000;

class Sink final : public rete::ImageSink {
 public:
  explicit Sink(store::DerivedStateWriter& writer) : writer_(writer) {}
  Expected<void> append(std::string_view bytes) override { return writer_.append(kBlob, bytes); }

 private:
  store::DerivedStateWriter& writer_;
};

class Source final : public rete::ImageSource {
 public:
  explicit Source(store::DerivedStateReader& reader) : reader_(reader) {}
  Expected<std::string_view> next() override { return reader_.next(); }

 private:
  store::DerivedStateReader& reader_;
};

// Tables and what rules say by their storage, which they keep, what was made beside a view by its place.
rete::RelationNames names_of(const EngineState& state) {
  auto names = std::make_shared<std::map<RelationId, std::string>>();
  for (const auto& [name, deployment] : state.catalog->deployments()) {
    for (std::size_t i = 0; i < deployment->relations.size(); ++i) {
      (*names)[deployment->relations[i]] = fmt::format("deployment {} {}", name, i);
    }
  }
  for (const auto& [oid, table] : state.catalog->tables()) {
    if (!table->holds_rows() || table->temporary) continue;
    (*names)[table->relation] =
        fmt::format("{} {}", static_cast<char>(table->kind), table->storage);
    for (std::size_t i = 0; i < table->auxiliary.size(); ++i) {
      (*names)[table->auxiliary[i]] = fmt::format("beside {} {}", oid, i);
    }
  }
  return [names = std::move(names)](RelationId id) {
    const auto found = names->find(id);
    // Of a transaction that has not committed it, or of a session: no start knows it.
    return found != names->end() ? found->second
                                 : fmt::format("nobody's {}", datalog::index_of(id));
  };
}

int find_build_id(dl_phdr_info* info, std::size_t, void* result) {
  auto& id = *static_cast<std::string*>(result);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    if (header.p_type != PT_NOTE) continue;
    const char* at = reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr);
    const char* const end = at + header.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof note);
      const char* const name = at + sizeof note;
      const char* const value = name + (note.n_namesz + 3U) / 4 * 4;
      if (note.n_type == NT_GNU_BUILD_ID &&
          std::string_view(name, note.n_namesz) == std::string_view("GNU", 4)) {
        for (std::size_t k = 0; k < note.n_descsz; ++k) {
          id += fmt::format("{:02x}", static_cast<unsigned char>(value[k]));
        }
        return 1;
      }
      at = value + (note.n_descsz + 3U) / 4 * 4;
    }
  }
  return 1;  // The program itself comes first.
}

}  // namespace

const std::string& build_id() {
  static const std::string id = [] {
    std::string found;
    dl_iterate_phdr(find_build_id, &found);
    return found;
  }();
  return id;
}

Expected<void> make_checkpoint(EngineState& state) {
  if (state.store == nullptr || build_id().empty() || state.checkpoint_version == state.version) {
    return {};
  }
  state.take_head_back();
  state.changes_since_checkpoint = 0;
  auto writer = state.store->write_derived_state(state.version, build_id());
  if (!writer) return unexpected(std::move(writer).error());
  Sink sink(**writer);
  if (auto saved = state.network->save(sink, names_of(state)); !saved) return saved;
  if (auto finished = (*writer)->finish(); !finished) return finished;
  state.checkpoint_version = state.version;
  return {};
}

bool is_checkpoint_due(EngineState& state, std::size_t changed_rows) {
  if (state.store == nullptr) return false;
  state.changes_since_checkpoint += changed_rows + 1;
  if (state.changes_since_checkpoint < state.options.limits.checkpoint_changes) return false;
  std::uint64_t rows = 0;
  for (std::size_t i = 0; i < state.program.relations.size(); ++i) {
    rows += state.network->row_count(static_cast<RelationId>(i));
  }
  return state.changes_since_checkpoint > rows / 2;
}

void note_unused_checkpoint(const EngineState& state, std::uint64_t version,
                            const std::string& reason) {
  if (!state.options.notice) return;
  const std::string which =
      version == 0 ? "the checkpoint" : fmt::format("the checkpoint of version {}", version);
  state.options.notice(which + " is not used, all that is derived is derived anew: " + reason);
}

Expected<bool> restore_checkpoint(EngineState& state) {
  const auto unused = [&](std::uint64_t version, const std::string& reason) {
    note_unused_checkpoint(state, version, reason);
    return false;
  };
  auto known = state.store->derived_state();
  if (!known) return unused(0, known.error().message);
  if (!*known || build_id().empty()) return false;
  const std::uint64_t version = (*known)->version;
  if ((*known)->build_id != build_id()) return unused(version, "another build of entail made it");
  if (version > state.store->version()) {
    return unused(version, "the log ends before it");
  }
  if (version + 1 < state.store->log_floor()) {
    return unused(version, "the log does not have all that came after it any more");
  }
  auto reader = state.store->read_derived_state(version, kBlob);
  if (!reader) return unused(version, reader.error().message);
  if (auto stratified = state.stratify_program(); !stratified) {
    return unexpected(std::move(stratified).error());
  }
  Source source(**reader);
  auto network =
      rete::Network::restore(state.program, state.network_options(), source, names_of(state));
  if (!network) return unused(version, network.error().message);
  state.network = std::move(*network);
  state.checkpoint_version = version;
  return true;
}

Expected<void> replay_since_checkpoint(EngineState& state, vm::Version& newest) {
  struct Restored {
    const Table* table = nullptr;
    StoredRowCodec codec;
    bool is_bag = false;
  };
  std::map<store::RelationNumber, Restored> restored;
  for (const auto& [oid, table] : state.catalog->tables()) {
    if (!table->holds_rows() || table->kind == TableKind::kMaterializedView) continue;
    if (!state.network->is_restored(table->relation)) continue;
    const datalog::Relation& relation = state.program.relation(table->relation);
    const compiler::RelationLayout& layout = state.layout_of(table->relation);
    restored.emplace(table->storage, Restored{table.get(),
                                              {relation, layout, *state.pool},
                                              relation.collection == datalog::Collection::kBag});
  }
  auto log = state.store->read_log(state.checkpoint_version + 1);
  if (!log) return unexpected(std::move(log).error());
  std::size_t changes = 0;
  std::vector<vm::Word> row;
  while ((*log)->next()) {
    for (const store::RowChange& change : (*log)->record().changes) {
      const auto found = restored.find(change.relation);
      if (found == restored.end()) continue;
      const Restored& of = found->second;
      vm::DurableId id;
      if (of.is_bag && !StoredRowCodec::decode_id(change.key, id)) {
        return sql_error("XX001", "a logged key of \"" + of.table->name + "\" is damaged");
      }
      newest = std::max<vm::Version>(newest, id.source);
      for (const bool deletion : {true, false}) {
        const auto& image = deletion ? change.before : change.after;
        if (!image) continue;
        if (!of.codec.decode_row(image->row, row)) {
          return sql_error("XX001", "a logged row of \"" + of.table->name + "\" is damaged");
        }
        std::vector<const vm::Word*> words;
        for (const vm::Word& word : row) words.push_back(&word);
        const std::int64_t weight = deletion ? -1 : 1;
        rete::FactChanges facts{words, 1, &weight, of.is_bag ? &id : nullptr};
        facts.is_arrival = false;
        auto changed = state.network->change(of.table->relation, facts);
        if (!changed) return changed;
        ++changes;
      }
    }
    if (changes < kStepChanges) continue;
    changes = 0;
    auto stepped = state.network->step(rete::StepKind::kChange, rete::Productions::kWait);
    if (!stepped) return stepped;
  }
  return (*log)->status();
}

}  // namespace entail::engine
