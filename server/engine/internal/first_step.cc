#include "server/engine/internal/first_step.h"

#include <algorithm>
#include <map>

#include "server/engine/internal/changer.h"
#include "server/engine/internal/constraints.h"
#include "server/engine/internal/persistence.h"
#include "server/engine/internal/session_impl.h"
#include "server/engine/internal/stored_row.h"
#include "server/engine/sql_error.h"
#include "vm/base/varint.h"

namespace entail::engine {

using vm::Word;

namespace {

constexpr std::string_view kFormat = "S1";

// Of the transaction's chunks, in their order, what is left of them in the net.
std::vector<ChangeChunk> net_in_order(const EngineState& state, const Transaction& transaction,
                                      const std::vector<rete::StatedChange>& net) {
  struct Key {
    RelationId relation{};
    bool is_deletion = false;
    std::vector<Word> words;
    auto operator<=>(const Key&) const = default;
  };
  std::map<Key, std::uint64_t> left;  // How often.
  std::vector<Word> words;
  for (const rete::StatedChange& change : net) {
    for (std::size_t i = 0; i < change.size(); ++i) {
      words.clear();
      for (const std::vector<Word>& column : change.columns) words.push_back(column[i]);
      ++left[{change.relation, change.signs[i] < 0, words}];
    }
  }
  std::vector<ChangeChunk> result;
  const auto add = [&](RelationId relation, bool is_deletion, std::span<const Word> row) {
    if (result.empty() || result.back().relation != relation ||
        result.back().deletion != is_deletion) {
      result.push_back({relation, is_deletion, RowSet(state.layout_of(relation), *state.pool)});
    }
    result.back().rows.append(row);
  };
  for (const ChangeChunk& chunk : transaction.changes) {
    for (std::size_t i = 0; i < chunk.rows.size(); ++i) {
      chunk.rows.copy_row(i, words);
      const auto found = left.find({chunk.relation, chunk.deletion, words});
      if (found == left.end() || found->second == 0) continue;
      --found->second;
      add(chunk.relation, chunk.deletion, words);
    }
  }
  // A row that lost its key to another one was not deleted by name.
  for (const auto& [key, times] : left) {
    for (std::uint64_t i = 0; i < times; ++i) add(key.relation, key.is_deletion, key.words);
  }
  return result;
}

}  // namespace

std::string FirstStep::encode(const EngineState& state, const Catalog& catalog) const {
  std::string bytes(kFormat);
  std::vector<std::vector<Word>> columns;
  for (const ChangeChunk& chunk : changes) {
    const std::uint32_t storage = storage_of(state, catalog, chunk.relation);
    if (storage == 0) continue;
    const StoredRowCodec codec(state.program.relation(chunk.relation),
                               state.layout_of(chunk.relation), *state.pool);
    columns.clear();
    for (std::size_t c = 0; c < chunk.rows.width(); ++c) columns.push_back(chunk.rows.column(c));
    for (std::size_t i = 0; i < chunk.rows.size(); ++i) {
      bytes.push_back(chunk.deletion ? '-' : '+');
      put_varint(bytes, storage);
      const std::string row = codec.value(columns, i);
      put_varint(bytes, row.size());
      bytes += row;
    }
  }
  return bytes;
}

bool decode_first_step(std::string_view detail,
                       const std::function<void(bool is_deletion, std::uint32_t storage,
                                                std::string_view row)>& take) {
  if (!detail.starts_with(kFormat)) return false;
  detail.remove_prefix(kFormat.size());
  while (!detail.empty()) {
    const char sign = detail.front();
    detail.remove_prefix(1);
    std::uint64_t storage = 0, size = 0;
    if ((sign != '+' && sign != '-') || !take_varint(detail, storage) ||
        !take_varint(detail, size) || size > detail.size()) {
      return false;
    }
    take(sign == '-', static_cast<std::uint32_t>(storage), detail.substr(0, size));
    detail.remove_prefix(size);
  }
  return true;
}

Expected<ClockTick> EngineState::clock_tick(std::string_view stream, std::int64_t time_us) const {
  ClockTick tick;
  tick.time_us = time_us;
  if (stream.empty()) return tick;
  const Table* const table = catalog->table(kSchemaPublic, stream);
  if (table == nullptr)
    return sql_error("42P01", "relation \"" + std::string(stream) + "\" does not exist");
  const auto& declared = program.relation(table->relation).stream;
  if (!declared || !declared->clock) {
    return sql_error("42809", "\"" + std::string(stream) + "\" is not a stream with event time");
  }
  tick.stream = table->relation;
  return tick;
}

bool EngineState::has_arrivals(const Transaction& transaction) const {
  return std::any_of(transaction.changes.begin(), transaction.changes.end(),
                     [this](const ChangeChunk& chunk) {
                       const auto& stream = program.relation(chunk.relation).stream;
                       return !chunk.rows.empty() && stream && stream->clock;
                     });
}

Expected<void> EngineState::fire_productions(Transaction& transaction, FirstStep& first,
                                             const AdmitFirings& admit) {
  take_head_back();
  if (transaction.tick) {
    auto ticked = network->tick(transaction.tick->stream, transaction.tick->time_us);
    if (!ticked) return ticked;
    return admit(network->stated_changes());
  }
  if (has_arrivals(transaction)) {
    // Rows of streams arrive in their order, whatever became of them: the net does not tell it.
    const Catalog& names = transaction.catalog != nullptr ? *transaction.catalog : *catalog;
    std::vector<Word> words;
    for (const ChangeChunk& chunk : transaction.changes) {
      if (chunk.rows.empty() || names.table_of(chunk.relation) == nullptr) continue;
      first.changes.push_back(
          {chunk.relation, chunk.deletion, RowSet(layout_of(chunk.relation), *pool)});
      for (std::size_t i = 0; i < chunk.rows.size(); ++i) {
        chunk.rows.copy_row(i, words);
        first.changes.back().rows.append(words);
      }
    }
  } else {
    if (auto lent = lend_head_for_commit(transaction); !lent) return lent;
    first.changes = net_in_order(*this, transaction, network->stated_changes());
  }
  // The net alone, as one step: how often the head was lent meanwhile is not to be seen in what fires.
  take_head_back();
  for (const ChangeChunk& chunk : first.changes) {
    std::vector<std::int64_t> weights;
    if (chunk.deletion) weights.assign(chunk.rows.size(), -1);
    auto changed = network->change(chunk.relation, {chunk.rows.arrays(), chunk.rows.size(),
                                                    chunk.deletion ? weights.data() : nullptr});
    if (!changed) return changed;
  }
  if (auto stepped = network->step(); !stepped) return stepped;
  const std::vector<rete::StatedChange> stated = network->stated_changes();
  for (const rete::StatedChange& change : stated) {
    for (const std::uint32_t firing : change.firings) first.was_changed |= firing != 0;
  }
  std::uint64_t rows = 0, rows_of_first = 0;
  for (const rete::StatedChange& change : stated) rows += change.size();
  for (const ChangeChunk& chunk : first.changes) rows_of_first += chunk.rows.size();
  first.was_changed |= rows != rows_of_first;
  return first.was_changed ? admit(stated) : Expected<void>();
}

// The whole net is looked at: a row that the session changed first and a production then took away left under
// neither's name.
Expected<void> SessionImpl::admit_firings(const std::vector<rete::StatedChange>& stated) {
  const std::size_t first = transaction_->changes.size();
  const auto admit = [&]() -> Expected<void> {
    for (const rete::StatedChange& change : stated) {
      const Table* const table = catalog().table_of(change.relation);
      if (table == nullptr) continue;
      Changer changer(*this, *table);
      ChangeChunk deleted{change.relation, true, changer.make_rows()};
      ChangeChunk inserted{change.relation, false, changer.make_rows()};
      std::vector<Word> words;
      for (std::size_t i = 0; i < change.size(); ++i) {
        words.clear();
        for (const std::vector<Word>& column : change.columns) words.push_back(column[i]);
        (change.signs[i] < 0 ? deleted : inserted).rows.append(words);
      }
      if (auto admitted = changer.admit(deleted.rows, inserted.rows); !admitted) return admitted;
      if (!deleted.rows.empty()) transaction_->changes.push_back(std::move(deleted));
      if (!inserted.rows.empty()) transaction_->changes.push_back(std::move(inserted));
    }
    if (!catalog().has_references()) return {};
    if (auto held = check_foreign_keys(*this, first, false); !held) return held;
    return check_foreign_keys(*this, first, true);
  };
  auto admitted = admit();
  // They were there for the foreign keys to look at: the network has them.
  transaction_->changes.erase(transaction_->changes.begin() + static_cast<std::ptrdiff_t>(first),
                              transaction_->changes.end());
  return admitted;
}

}  // namespace entail::engine
