#include "rete/network_image.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstring>
#include <limits>
#include <map>
#include <set>

#include "datalog/body_walk.h"
#include "rete/group_node.h"
#include "rete/internal/network_impl.h"
#include "vm/base/ensure.h"
#include "vm/value_codec.h"

namespace entail::rete {

using compiler::FragmentRole;
using compiler::StandingFragment;
using compiler::StandingKind;
using compiler::StandingStratum;
using datalog::RelationId;
using vm::Row;
using vm::Word;

namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kFrameRows = 16'384;
constexpr std::size_t kFrameBytesMax = std::size_t{1} << 30U;
// Rows that are given to the fragments of a group at once.
constexpr std::size_t kGroupRows = 4096;

Error damaged(const std::string& what) {
  return {ErrorCode::kCorrupt, "the image of derived state is damaged: " + what};
}

// ------------------------------------------------------------------------------ bytes

void put_number(std::string& out, std::uint64_t number) {
  while (number >= 0x80) {
    out.push_back(static_cast<char>(number | 0x80));
    number >>= 7U;
  }
  out.push_back(static_cast<char>(number));
}

void put_bytes(std::string& out, std::string_view bytes) {
  put_number(out, bytes.size());
  out += bytes;
}

void put_words(std::string& out, std::uint64_t word, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out.push_back(static_cast<char>(word >> (8 * i)));
}

// The body of a frame, read from the front. What is asked for and not there leaves it failed.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : bytes_(bytes) {}

  bool has_failed() const { return has_failed_; }
  bool is_at_end() const { return bytes_.empty(); }

  std::uint64_t number() {
    std::uint64_t result = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) break;
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      result |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) return result;
    }
    has_failed_ = true;
    return 0;
  }
  // Of things that take a byte each at least.
  std::size_t count() {
    const std::uint64_t result = number();
    if (result > bytes_.size()) has_failed_ = true;
    return has_failed_ ? 0 : result;
  }
  std::string_view bytes(std::size_t size) {
    if (size > bytes_.size()) has_failed_ = true;
    if (has_failed_) return {};
    const std::string_view result = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return result;
  }
  std::string_view text() { return bytes(number()); }

 private:
  std::string_view bytes_;
  bool has_failed_ = false;
};

template <typename T>
void put_packed(std::string& out, const T* values, std::size_t n) {
  std::int64_t least = n == 0 ? 0 : static_cast<std::int64_t>(values[0]);
  std::int64_t greatest = least;
  for (std::size_t i = 0; i < n; ++i) {
    least = std::min(least, static_cast<std::int64_t>(values[i]));
    greatest = std::max(greatest, static_cast<std::int64_t>(values[i]));
  }
  const std::uint64_t range =
      static_cast<std::uint64_t>(greatest) - static_cast<std::uint64_t>(least);
  const std::size_t width = range == 0            ? 0
                            : range <= 0xff       ? 1
                            : range <= 0xffff     ? 2
                            : range <= 0xffffffff ? 4
                                                  : 8;
  put_words(out, static_cast<std::uint64_t>(least), 8);
  out.push_back(static_cast<char>(width));
  const std::size_t first = out.size();
  out.resize(first + n * width);
  char* at = out.data() + first;
  for (std::size_t i = 0; i < n && width > 0; ++i, at += width) {
    const std::uint64_t difference =
        static_cast<std::uint64_t>(values[i]) - static_cast<std::uint64_t>(least);
    std::memcpy(at, &difference, width);  // Little-endian, as vm/value_pool.h asserts.
  }
}

template <typename T>
void take_packed(Cursor& from, std::size_t n, std::vector<T>& values) {
  values.assign(n, T());
  std::uint64_t least = 0;
  const std::string_view head = from.bytes(9);
  if (from.has_failed()) return;
  std::memcpy(&least, head.data(), 8);
  const auto width = static_cast<unsigned char>(head[8]);
  const std::string_view differences = from.bytes(width > 8 ? ~std::size_t{0} : n * width);
  if (from.has_failed()) return;
  const char* at = differences.data();
  for (std::size_t i = 0; i < n; ++i, at += width) {
    std::uint64_t difference = 0;
    std::memcpy(&difference, at, width);
    values[i] = static_cast<T>(least + difference);
  }
}

// ------------------------------------------------------------------------------ values

// The type whose values a word column holds, where those may be handles.
std::vector<std::optional<vm::Type>> handle_types(const compiler::RelationLayout& layout) {
  std::vector<std::optional<vm::Type>> types(layout.words.size());
  for (const compiler::ColumnLayout& column : layout.columns) {
    if (layout.words[column.first_word].handle) types[column.first_word] = column.type;
  }
  return types;
}

void put_column(std::string& out, const vm::ValuePool& pool, const std::optional<vm::Type>& type,
                std::vector<Word>& words) {
  if (type) {
    boost::unordered_flat_map<Word, Word> numbers;
    std::string values;
    for (Word& word : words) {
      if (!vm::is_handle_word(word)) continue;
      const auto [found, added] = numbers.try_emplace(word, numbers.size() + 1);
      if (added) {
        std::string value;
        vm::encode_value(pool, *type, false, &word, {}, value);
        put_bytes(values, value);
      }
      word = found->second;
    }
    put_number(out, numbers.size());
    out += values;
  }
  put_packed(out, words.data(), words.size());
}

void take_column(Cursor& from, vm::ValuePool& pool, const std::optional<vm::Type>& type,
                 std::size_t n, std::vector<Word>& words, bool& is_damaged) {
  std::vector<Word> values;
  if (type) {
    values.resize(from.count());
    for (Word& value : values) {
      std::string_view bytes = from.text();
      Word out[3] = {0, 0, 0};
      if (!vm::decode_value(pool, *type, false, {}, bytes, out) || !bytes.empty()) {
        is_damaged = true;
        return;
      }
      value = out[0];
    }
  }
  take_packed(from, n, words);
  if (!type) return;
  for (Word& word : words) {
    if (!vm::is_handle_word(word)) continue;
    if (word > values.size()) {
      is_damaged = true;
      return;
    }
    word = values[word - 1];
  }
}

// What a type id means: ids are counted in the order in which types were declared.
std::string describe(const vm::TypeTable& types, vm::TypeId id) {
  std::string text = std::to_string(static_cast<int>(types.kind(id))) + " " + types.name(id);
  if (!types.is_defined(id)) return text;
  const auto add = [&](const std::string& name, vm::Type type, bool nullable) {
    text += ";" + name + ":" + types.type_name(type) + (nullable ? "?" : "");
  };
  switch (types.kind(id)) {
    case vm::TypeKind::kRecord:
      for (const vm::FieldType& f : types.record_fields(id)) add(f.name, f.type, f.nullable);
      break;
    case vm::TypeKind::kAdt:
      for (const vm::BranchType& branch : types.adt_branches(id)) {
        text += "|" + branch.name;
        for (const vm::FieldType& f : branch.fields) add(f.name, f.type, f.nullable);
      }
      break;
    case vm::TypeKind::kEnum:
      for (const std::string& label : types.enum_labels(id)) text += ";" + label;
      break;
    default:
      add("", types.array_element(id), types.array_element_nullable(id));
  }
  return text;
}

// ------------------------------------------------------------------------------ frames

Expected<void> put_frame(ImageSink& sink, const std::string& body) {
  std::string length;
  put_words(length, body.size(), 4);
  if (auto done = sink.append(length); !done) return done;
  return sink.append(body);
}

class Frames {
 public:
  explicit Frames(ImageSource& source) : source_(source) {}

  // The body of the next one, valid until the next call.
  Expected<std::string_view> next() {
    body_.clear();
    if (auto done = take(4); !done) return unexpected(std::move(done).error());
    std::uint32_t length = 0;
    std::memcpy(&length, body_.data(), 4);
    if (length > kFrameBytesMax) return unexpected(damaged("a frame is too long"));
    body_.clear();
    if (auto done = take(length); !done) return unexpected(std::move(done).error());
    return std::string_view(body_);
  }

  // Behind the last one there is nothing.
  Expected<void> end() {
    if (!left_.empty()) return unexpected(damaged("it goes on behind its end"));
    auto more = source_.next();
    if (!more) return unexpected(std::move(more).error());
    if (!more->empty()) return unexpected(damaged("it goes on behind its end"));
    return {};
  }

 private:
  Expected<void> take(std::size_t size) {
    while (body_.size() < size) {
      if (left_.empty()) {
        auto more = source_.next();
        if (!more) return unexpected(std::move(more).error());
        if (more->empty()) return unexpected(damaged("it ends early"));
        left_ = *more;
      }
      const std::size_t n = std::min(size - body_.size(), left_.size());
      body_ += left_.substr(0, n);
      left_.remove_prefix(n);
    }
    return {};
  }

  ImageSource& source_;
  std::string body_;
  std::string_view left_;
};

// ------------------------------------------------------------------------------ relations

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
  put_number(body, n);
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

// Reads the frame; into the relation, unless there is none.
Expected<std::size_t> take_rows(std::string_view body, vm::StandingRelation& relation,
                                bool has_identities, vm::ValuePool& pool,
                                const std::vector<std::optional<vm::Type>>& types,
                                RowsFrame& scratch) {
  const vm::RelationOptions& options = relation.options();
  Cursor from(body);
  const std::size_t n = from.number();
  if (n == 0 || n > kFrameRows) return unexpected(damaged("a frame has no rows"));
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
    return unexpected(damaged("the rows of " + options.name));
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
  if (auto done = relation.restore(image); !done) return unexpected(std::move(done).error());
  return n;
}

}  // namespace

// ---------------------------------------------------------------------------------------------------
// Saving

// By stratum: whether its rows and those of all that it reads tell everything of its state.
std::vector<bool> Network::Impl::strata_to_save() const {
  std::set<RelationId> matches;
  for (const compiler::StandingProduction& standing : state.form.productions) {
    matches.insert(standing.matches);
  }
  std::vector<bool> result(state.form.strata.size(), true);
  for (std::size_t s = 0; s < result.size(); ++s) {
    const StandingStratum& stratum = state.form.strata[s];
    bool saved = stratum.kind != StandingKind::kRecomputed;
    const auto reads = [&](RelationId id) {
      const std::uint32_t node = state.relations[datalog::index_of(id)].node;
      if (node != s && !result[node]) saved = false;
    };
    for (const RelationId id : stratum.relations) {
      if (matches.count(id) != 0 || state.errors.has(id)) saved = false;
    }
    if (stratum.kind == StandingKind::kEquivalence) reads(stratum.pairs);
    for (const datalog::RuleId id : stratum.rules) {
      datalog::walk_rule_matches(
          state.form.program.rule(id),
          [&](const datalog::Match& match, datalog::Reading) { reads(match.relation); });
    }
    result[s] = saved;
  }
  return result;
}

Expected<void> Network::Impl::save(ImageSink& sink, const RelationNames& name) const {
  Meanings known;
  const std::vector<std::uint32_t> numbers = number_meanings(known, name);
  const std::vector<bool> saved = strata_to_save();
  std::vector<RelationId> relations;
  for (std::size_t s = 0; s < saved.size(); ++s) {
    if (!saved[s]) continue;
    const auto& own = state.form.strata[s].relations;
    relations.insert(relations.end(), own.begin(), own.end());
  }
  std::string head;
  head.push_back(static_cast<char>(kFormat));
  put_number(head, version);
  const vm::TypeTable& types = options.pool->types();
  put_number(head, types.size());
  for (std::uint32_t t = 0; t < types.size(); ++t) {
    put_bytes(head, describe(types, static_cast<vm::TypeId>(t)));
  }
  put_number(head, known.numbers.size());
  for (const auto& [text, number] : known.numbers) {
    put_bytes(head, text);
    put_number(head, number);
  }
  put_number(head, relations.size());
  for (const RelationId id : relations) put_number(head, numbers[datalog::index_of(id)]);
  if (auto done = put_frame(sink, head); !done) return done;

  RowsFrame scratch;
  std::vector<Row> rows;
  for (const RelationId id : relations) {
    const RelationNode& node = state.relations[datalog::index_of(id)];
    const vm::StandingRelation& relation = *node.rows;
    std::string body;
    put_number(body, numbers[datalog::index_of(id)]);
    put_number(body, relation.column_count());
    put_number(body, relation.options().identities ? relation.next_identity() : 0);
    std::vector<std::uint64_t> words;
    if (state.form.strata[node.node].relations.front() == id) {
      for (const auto& part : nodes[node.node].parts) {
        const std::vector<std::uint64_t> own = part->image_words();
        words.insert(words.end(), own.begin(), own.end());
      }
    }
    put_number(body, words.size());
    for (const std::uint64_t word : words) put_number(body, word);
    put_number(body, relation.size());
    if (auto done = put_frame(sink, body); !done) return done;
    const auto column_types = handle_types(state.layouts[datalog::index_of(id)]);
    Row position = 0;
    rows.resize(kFrameRows);
    while (const std::size_t n =
               relation.scan(vm::View::kTotal, position, rows.data(), rows.size())) {
      const std::string frame =
          rows_frame(relation, {rows.data(), n}, *options.pool, column_types, scratch);
      if (auto done = put_frame(sink, frame); !done) return done;
    }
  }
  return {};
}

// ---------------------------------------------------------------------------------------------------
// Restoring

Expected<void> Network::Impl::restore(const datalog::RuleProgram& program, ImageSource& source,
                                      const RelationNames& name) {
  if (auto made = make_form(program); !made) return made;
  nodes.resize(state.form.strata.size());
  if (auto made = make_relations(); !made) return made;

  Frames frames(source);
  auto head = frames.next();
  if (!head) return unexpected(std::move(head).error());
  Cursor from(*head);
  if (from.bytes(1) != std::string_view(reinterpret_cast<const char*>(&kFormat), 1)) {
    return unexpected(damaged("it is of another format"));
  }
  version = from.number();
  const vm::TypeTable& types = options.pool->types();
  const std::size_t type_count = from.count();
  for (std::uint32_t t = 0; t < type_count; ++t) {
    const std::string_view description = from.text();
    if (t < types.size() && description != describe(types, static_cast<vm::TypeId>(t))) {
      return unexpected(ErrorCode::kNotFound, "the types of the program are others");
    }
  }
  Meanings known;
  known.next = 0;
  for (std::size_t i = from.count(); i > 0 && !from.has_failed(); --i) {
    std::string text(from.text());
    const auto number = static_cast<std::uint32_t>(from.number());
    known.next = std::max(known.next, number + 1);
    known.numbers.emplace(std::move(text), number);
  }
  std::vector<std::uint32_t> saved(from.count());
  for (std::uint32_t& number : saved) number = static_cast<std::uint32_t>(from.number());
  if (from.has_failed() || !from.is_at_end()) return unexpected(damaged("its head"));

  const std::vector<std::uint32_t> numbers = number_meanings(known, name);
  const std::set<std::uint32_t> is_saved(saved.begin(), saved.end());
  std::map<std::uint32_t, RelationId> wanted;
  std::vector<bool> restored(nodes.size());
  for (std::size_t s = 0; s < nodes.size(); ++s) {
    const auto& own = state.form.strata[s].relations;
    restored[s] = std::all_of(own.begin(), own.end(), [&](RelationId id) {
      return is_saved.count(numbers[datalog::index_of(id)]) != 0;
    });
    if (!restored[s]) continue;
    for (const RelationId id : own) wanted.emplace(numbers[datalog::index_of(id)], id);
  }

  std::map<std::uint32_t, std::vector<std::uint64_t>> image_words;
  RowsFrame scratch;
  for (const std::uint32_t number : saved) {
    auto body = frames.next();
    if (!body) return unexpected(std::move(body).error());
    Cursor of(*body);
    const bool is_it = of.number() == number;
    const std::uint64_t columns = of.number(), next_identity = of.number();
    std::vector<std::uint64_t> words(of.count());
    for (std::uint64_t& word : words) word = of.number();
    std::uint64_t left = of.number();
    if (!is_it || of.has_failed() || !of.is_at_end()) return unexpected(damaged("a relation"));
    const auto found = wanted.find(number);
    const RelationNode* const node = found == wanted.end() ? nullptr : &state.at(found->second);
    if (node != nullptr && node->rows->column_count() != columns) {
      return unexpected(damaged("the columns of " + node->rows->options().name));
    }
    if (node != nullptr && !words.empty()) image_words[node->node] = std::move(words);
    const auto column_types = node == nullptr
                                  ? std::vector<std::optional<vm::Type>>()
                                  : handle_types(state.layouts[datalog::index_of(found->second)]);
    while (left > 0) {
      auto rows = frames.next();
      if (!rows) return unexpected(std::move(rows).error());
      std::uint64_t n = Cursor(*rows).number();
      if (node != nullptr) {
        auto taken =
            take_rows(*rows, *node->rows, next_identity != 0, *options.pool, column_types, scratch);
        if (!taken) return unexpected(std::move(taken).error());
        n = *taken;
      }
      if (n == 0 || n > left) return unexpected(damaged("a number of rows"));
      left -= n;
    }
    if (node == nullptr) continue;
    if (next_identity != 0 && node->rows->options().identities) {
      node->rows->set_next_identity(next_identity);
    }
    node->rows->commit(++commits, version);
    options.pool->end_step();
  }
  if (auto ended = frames.end(); !ended) return ended;
  if (auto made = make_code_and_nodes(); !made) return made;
  for (std::size_t s = 0; s < nodes.size(); ++s) nodes[s].is_kept = restored[s];
  if (auto done = restore_nodes(image_words); !done) return done;

  begin_transaction();
  for (const datalog::Rule& rule : state.form.program.rules) {
    const auto row = options.states_facts && !nodes[state.at(rule.head.relation).node].is_kept
                         ? fact_row(rule)
                         : std::nullopt;
    if (!row) continue;
    std::vector<const Word*> row_words;
    for (const Word& word : *row) row_words.push_back(&word);
    state_facts(rule.head.relation, row_words, 1, /*is_deletion=*/false);
  }
  if (auto done = derive_new(/*takes_over=*/true); !done) return done;
  Committed ignored;
  if (agenda) {
    agenda->settle();
    agenda->commit(ignored);
  }
  end_epoch(version);
  return {};
}

Expected<void> Network::Impl::restore_nodes(
    const std::map<std::uint32_t, std::vector<std::uint64_t>>& image_words) {
  state.machine->set_rows_left(~std::uint64_t{0});
  for (std::uint32_t s = 0; s < nodes.size(); ++s) {
    if (!nodes[s].is_kept) continue;
    if (state.form.strata[s].kind == StandingKind::kReduced) {
      if (auto done = refill_groups(s); !done) return done;
    }
    const auto words = image_words.find(s);
    for (const auto& part : nodes[s].parts) {
      part->restore(state,
                    words == image_words.end() ? std::vector<std::uint64_t>() : words->second);
    }
  }
  return {};
}

// A rule's groups are given all matches of its body, by all rows of one of its atoms.
Expected<void> Network::Impl::refill_groups(std::uint32_t stratum) {
  for (const datalog::RuleId rule : state.form.strata[stratum].rules) {
    GroupNode& groups = *group_of_rule.at(rule);
    std::optional<std::uint32_t> smallest;
    for (std::uint32_t i = 0; i < state.code.fragments.size(); ++i) {
      const StandingFragment& fragment = state.code.fragments[i];
      if (fragment.rule != rule) continue;
      if (fragment.role == FragmentRole::kUnit) {
        if (auto done = state.run_given(i, {}, 0, 1, groups.input()); !done) return done;
      }
      if (fragment.role != FragmentRole::kChange || fragment.is_negated) continue;
      if (!smallest || state.rows(fragment.source).size() <
                           state.rows(state.code.fragments[*smallest].source).size()) {
        smallest = i;
      }
    }
    if (auto done = groups.take_in(); !done) return done;
    if (!smallest) continue;
    const vm::StandingRelation& source = state.rows(state.code.fragments[*smallest].source);
    std::vector<Row> rows(kGroupRows);
    Row position = 0;
    while (const std::size_t n =
               source.scan(vm::View::kTotal, position, rows.data(), rows.size())) {
      auto done =
          state.run(*smallest, {rows.data(), n}, 1, vm::RunViews::kAsPlanned, groups.input());
      if (done) done = groups.take_in();
      if (!done) return done;
      options.pool->end_step();
    }
  }
  return {};
}

// ---------------------------------------------------------------------------------------------------
// The public face

Expected<std::unique_ptr<Network>> Network::restore(const datalog::RuleProgram& program,
                                                    NetworkOptions options, ImageSource& image,
                                                    const RelationNames& names) {
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  if (auto made = impl->restore(program, image, names); !made) {
    return unexpected(std::move(made).error());
  }
  return std::unique_ptr<Network>(new Network(std::move(impl)));
}

bool Network::is_restored(RelationId relation) const {
  const RelationId target = impl_->state.form.stated_in[datalog::index_of(relation)];
  return impl_->nodes[impl_->state.at(target).node].is_kept;
}

Expected<void> Network::save(ImageSink& sink, const RelationNames& names) const {
  ENTAIL_ENSURE(!in_transaction());
  return impl_->save(sink, names);
}

}  // namespace entail::rete
