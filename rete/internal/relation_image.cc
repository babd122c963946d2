#include "rete/internal/relation_image.h"

#include <algorithm>
#include <span>

#include "vm/row_scan.h"

namespace entail::rete {

using vm::Row;
using vm::Word;

namespace {

constexpr std::size_t kFrameRows = 16'384;

// The type whose values a word column holds, where those may be handles.
std::vector<std::optional<vm::Type>> handle_types(const compiler::RelationLayout& layout) {
  std::vector<std::optional<vm::Type>> types(layout.words.size());
  for (const compiler::ColumnLayout& column : layout.columns) {
    if (layout.words[column.first_word].handle) types[column.first_word] = column.type;
  }
  return types;
}

// A frame of rows, in memory.
struct RowsFrame {
  std::vector<std::vector<Word>> columns;
  std::vector<std::uint8_t> held;
  std::vector<std::int64_t> weights;
  std::vector<std::uint32_t> ranks;
  std::vector<Word> sources, ordinals;
  std::vector<vm::DurableId> ids;
  std::vector<std::uint64_t> identities;
};

std::string rows_frame(const vm::StandingRelation& relation, std::span<const Row> rows,
                       const vm::ValuePool& pool, const std::vector<std::optional<vm::Type>>& types,
                       RowsFrame& scratch) {
  const vm::RelationOptions& options = relation.options();
  const std::size_t n = rows.size();
  std::string body;
  put_varint(body, n);
  scratch.held.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    scratch.held[i] = static_cast<std::uint8_t>((relation.is_stated(rows[i]) ? 1 : 0) |
                                                (relation.is_derived(rows[i]) ? 2 : 0));
  }
  put_packed(body, scratch.held.data(), n);
  std::vector<Word> words(n);
  for (std::uint32_t c = 0; c < relation.column_count(); ++c) {
    relation.load(c, rows.data(), n, words.data());
    put_column(body, pool, types[c], words);
  }
  if (options.weights) {
    scratch.weights.resize(n);
    for (std::size_t i = 0; i < n; ++i) scratch.weights[i] = relation.weight(rows[i]);
    put_packed(body, scratch.weights.data(), n);
  }
  if (options.ranks) {
    scratch.ranks.resize(n);
    for (std::size_t i = 0; i < n; ++i) scratch.ranks[i] = relation.rank(rows[i]);
    put_packed(body, scratch.ranks.data(), n);
  }
  if (options.bag) {
    scratch.sources.resize(n);
    scratch.ordinals.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      const vm::DurableId id = relation.durable_id(rows[i]);
      scratch.sources[i] = id.source;
      scratch.ordinals[i] = id.ordinal;
    }
    put_packed(body, scratch.sources.data(), n);
    put_packed(body, scratch.ordinals.data(), n);
  }
  if (options.identities) {
    scratch.identities.resize(n);
    for (std::size_t i = 0; i < n; ++i) scratch.identities[i] = relation.identity(rows[i]);
    put_packed(body, scratch.identities.data(), n);
  }
  return body;
}

Expected<std::size_t> take_rows(std::string_view body, vm::StandingRelation& relation,
                                std::uint64_t room, bool has_identities, vm::ValuePool& pool,
                                const std::vector<std::optional<vm::Type>>& types,
                                RowsFrame& scratch) {
  const vm::RelationOptions& options = relation.options();
  ImageCursor from(body);
  const std::size_t n = from.number();
  if (n == 0 || n > kFrameRows) return unexpected(damaged_image("a frame has no rows"));
  bool is_damaged = false;
  take_packed(from, n, scratch.held);
  scratch.columns.resize(types.size());
  for (std::size_t c = 0; c < types.size() && !from.has_failed() && !is_damaged; ++c) {
    take_column(from, pool, types[c], n, scratch.columns[c], is_damaged);
  }
  if (options.weights) take_packed(from, n, scratch.weights);
  if (options.ranks) take_packed(from, n, scratch.ranks);
  if (options.bag) {
    take_packed(from, n, scratch.sources);
    take_packed(from, n, scratch.ordinals);
    scratch.ids.resize(n);
    for (std::size_t i = 0; i < n; ++i) scratch.ids[i] = {scratch.sources[i], scratch.ordinals[i]};
  }
  if (has_identities) take_packed(from, n, scratch.identities);
  const bool none_held = std::any_of(scratch.held.begin(), scratch.held.end(),
                                     [](std::uint8_t held) { return held == 0 || held > 3; });
  if (is_damaged || none_held || from.has_failed() || !from.is_at_end()) {
    return unexpected(damaged_image("the rows of " + options.name));
  }
  std::vector<const Word*> columns;
  for (const std::vector<Word>& column : scratch.columns) columns.push_back(column.data());
  vm::StandingRelation::Image image;
  image.columns = columns;
  image.n = n;
  image.held = scratch.held.data();
  image.weights = scratch.weights.data();
  image.ranks = scratch.ranks.data();
  image.ids = scratch.ids.data();
  if (has_identities && options.identities) image.identities = scratch.identities.data();
  if (n > room) return unexpected(damaged_image("a number of rows"));
  if (auto done = relation.restore(image); !done) return unexpected(std::move(done).error());
  return n;
}

// What comes before the rows.
struct RelationHead {
  std::uint64_t columns = 0, next_identity = 0, rows = 0;
};

Expected<RelationHead> take_head(ImageFrames& from) {
  auto body = from.next();
  if (!body) return unexpected(std::move(body).error());
  ImageCursor cursor(*body);
  RelationHead head;
  head.columns = cursor.number();
  head.next_identity = cursor.number();
  head.rows = cursor.number();
  if (cursor.has_failed() || !cursor.is_at_end()) return unexpected(damaged_image("a relation"));
  return head;
}

}  // namespace

Expected<void> save_relation(const vm::StandingRelation& relation,
                             const compiler::RelationLayout& layout, const vm::ValuePool& pool,
                             ImageWriter& to) {
  std::string head;
  put_varint(head, relation.column_count());
  put_varint(head, relation.options().identities ? relation.next_identity() : 0);
  put_varint(head, relation.size());
  if (auto done = to.frame(head); !done) return done;
  const auto types = handle_types(layout);
  RowsFrame scratch;
  for (vm::RowScan scan(relation, kFrameRows); scan.next();) {
    if (auto done = to.frame(rows_frame(relation, scan.rows(), pool, types, scratch)); !done) {
      return done;
    }
  }
  return {};
}

Expected<void> restore_relation(ImageFrames& from, vm::StandingRelation& relation,
                                const compiler::RelationLayout& layout, vm::ValuePool& pool,
                                vm::Version version) {
  auto head = take_head(from);
  if (!head) return unexpected(std::move(head).error());
  if (relation.column_count() != head->columns) {
    return unexpected(damaged_image("the columns of " + relation.options().name));
  }
  if (auto room = relation.begin_restore(head->rows); !room) return room;
  const bool has_identities = head->next_identity != 0;
  const auto types = handle_types(layout);
  RowsFrame scratch;
  for (std::uint64_t left = head->rows; left > 0;) {
    auto rows = from.next();
    if (!rows) return unexpected(std::move(rows).error());
    auto taken = take_rows(*rows, relation, left, has_identities, pool, types, scratch);
    if (!taken) return unexpected(std::move(taken).error());
    left -= *taken;
  }
  if (has_identities && relation.options().identities) {
    relation.set_next_identity(head->next_identity);
  }
  if (auto done = relation.end_restore(version); !done) return done;
  pool.end_step();
  return {};
}

Expected<void> skip_relation(ImageFrames& from) {
  auto head = take_head(from);
  if (!head) return unexpected(std::move(head).error());
  for (std::uint64_t left = head->rows; left > 0;) {
    auto rows = from.next();
    if (!rows) return unexpected(std::move(rows).error());
    const std::uint64_t n = ImageCursor(*rows).number();
    if (n == 0 || n > left) return unexpected(damaged_image("a number of rows"));
    left -= n;
  }
  return {};
}

}  // namespace entail::rete
