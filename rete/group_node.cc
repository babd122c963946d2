#include "rete/group_node.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <string>

#include "rete/internal/image_codec.h"
#include "vm/base/ensure.h"
#include "vm/base/plant.h"

namespace entail::rete {

using vm::Word;

namespace {

// Of groups that make a frame of an image, and what is kept beside them.
constexpr std::size_t kFrameWords = 65'536;

}  // namespace

Expected<std::unique_ptr<GroupNode>> GroupNode::create(const NetworkState& state,
                                                       const compiler::StandingStratum& stratum,
                                                       std::size_t position) {
  std::unique_ptr<GroupNode> node(new GroupNode(position));
  node->rebind(state, stratum);
  vm::StandingGroups::Options options;
  options.key_words = node->shape_.key_words;
  options.key_handles = node->shape_.key_handles;
  options.kinds = node->shape_.kinds;
  options.sql = node->shape_.sql;
  options.argument_handles = node->shape_.argument_handles;
  options.pool = state.pool;
  options.budget = state.memory;
  auto groups = vm::StandingGroups::create(std::move(options));
  if (!groups) return unexpected(std::move(groups).error());
  node->groups_ = std::move(*groups);
  return node;
}

void GroupNode::rebind(const NetworkState& state, const compiler::StandingStratum& stratum) {
  rule_ = stratum.rules[position_];
  for (const compiler::GroupShape& shape : state.code.groups) {
    if (shape.rule == rule_) shape_ = shape;
  }
  for (std::uint32_t i = 0; i < state.code.fragments.size(); ++i) {
    const compiler::StandingFragment& fragment = state.code.fragments[i];
    if (fragment.rule == rule_ && fragment.role == compiler::FragmentRole::kResult) result_ = i;
  }
}

// The rows of the input that have this sign, added or taken away.
Expected<void> GroupNode::apply(std::int64_t sign) {
  part_.resize(input_.columns.size());
  std::size_t n = input_.n;
  const bool is_whole = std::all_of(input_.weights.begin(), input_.weights.end(),
                                    [sign](std::int64_t weight) { return weight == sign; });
  if (!is_whole) {
    n = 0;
    for (std::vector<Word>& column : part_) column.clear();
    for (std::size_t i = 0; i < input_.n; ++i) {
      if (input_.weights[i] != sign) continue;
      ++n;
      for (std::size_t c = 0; c < part_.size(); ++c) part_[c].push_back(input_.columns[c][i]);
    }
  }
  if (n == 0) return {};
  const auto& columns = is_whole ? input_.columns : part_;
  keys_.clear();
  values_.clear();
  nulls_.clear();
  lows_.clear();
  std::size_t next = 0;
  while (next < shape_.key_words) keys_.push_back(columns[next++].data());
  for (const std::uint8_t words : shape_.argument_words) {
    values_.push_back(words > 0 ? columns[next].data() : nullptr);
    nulls_.push_back(words > 0 ? columns[next + 1].data() : nullptr);
    if (words > 2) lows_.push_back(columns[next + 2].data());
    next += words;
  }
  values_.insert(values_.end(), lows_.begin(), lows_.end());
  return groups_->apply(keys_, values_, nulls_, n, static_cast<int>(sign));
}

Expected<void> GroupNode::turn(NetworkState& state) {
  if (input_.empty()) return {};
  if (auto done = apply(-1); !done) return done;
  if (auto done = apply(1); !done) return done;
  work.rows_touched += input_.n;
  input_.clear();
  groups_->take_changes(changes_);
  const datalog::RelationId head = state.form.program.rule(rule_).head.relation;
  auto hand_on = [&](const std::vector<std::vector<Word>>& rows, std::size_t n,
                     std::int64_t weight) -> Expected<void> {
    if (n == 0) return {};
    keys_.clear();
    for (const std::vector<Word>& column : rows) keys_.push_back(column.data());
    return state.run_given(result_, keys_, n, weight, state.at(head).derived);
  };
  const bool forgets = ENTAIL_PLANT_BUG(60) && changes_.entered_count == 0;
  if (auto done = hand_on(changes_.left, forgets ? 0 : changes_.left_count, -1); !done) return done;
  return hand_on(changes_.entered, changes_.entered_count, 1);
}

void GroupNode::abort(NetworkState&) {
  input_.clear();
  if (ENTAIL_PLANT_BUG(61)) return groups_->commit();
  groups_->abort();
}

// ------------------------------------------------------------------------------ images

std::optional<vm::Type> GroupNode::handle_type_of_key(std::size_t word) const {
  if (!shape_.key_handles[word]) return std::nullopt;
  return shape_.key_types[word];
}

std::optional<vm::Type> GroupNode::handle_type_of_argument(std::size_t aggregate) const {
  if (!shape_.argument_handles[aggregate]) return std::nullopt;
  return shape_.argument_types[aggregate];
}

Expected<void> GroupNode::save(const NetworkState& state, ImageWriter& to) const {
  std::string head;
  put_varint(head, groups_->size());
  if (auto done = to.frame(head); !done) return done;
  return groups_->save(kFrameWords, [&](const vm::StandingGroups::Image& image) {
    std::string body;
    put_varint(body, image.n);
    std::vector<Word> scratch;
    for (std::size_t w = 0; w < image.keys.size(); ++w) {
      scratch = image.keys[w];
      put_column(body, *state.pool, handle_type_of_key(w), scratch);
    }
    for (const std::vector<Word>& words : image.flat) put_packed(body, words.data(), image.n);
    for (std::size_t k = 0; k < image.values.size(); ++k) {
      if (groups_->keeps_values(k)) {
        const auto& [sizes, words, counts] = image.values[k];
        put_packed(body, sizes.data(), image.n);
        scratch = words;
        put_column(body, *state.pool, handle_type_of_argument(k), scratch);
        put_packed(body, counts.data(), counts.size());
      }
      if (groups_->keeps_sums(k)) {
        const auto& [sizes, words, counts] = image.sums[k];
        put_packed(body, sizes.data(), image.n);
        put_packed(body, words.data(), words.size());
      }
    }
    return to.frame(body);
  });
}

Expected<void> GroupNode::restore(NetworkState& state, ImageFrames& from) {
  auto head = from.next();
  if (!head) return unexpected(std::move(head).error());
  std::uint64_t left = ImageCursor(*head).number();
  if (auto room = groups_->begin_restore(left); !room) return room;
  vm::StandingGroups::Image image;
  image.keys.resize(shape_.key_words);
  image.flat.resize(groups_->flat_words());
  image.values.resize(shape_.kinds.size());
  image.sums.resize(shape_.kinds.size());
  while (left > 0) {
    auto body = from.next();
    if (!body) return unexpected(std::move(body).error());
    ImageCursor cursor(*body);
    image.n = cursor.number();
    if (image.n == 0 || image.n > left) return unexpected(damaged_image("a number of groups"));
    left -= image.n;
    bool is_damaged = false;
    for (std::size_t w = 0; w < image.keys.size(); ++w) {
      take_column(cursor, *state.pool, handle_type_of_key(w), image.n, image.keys[w], is_damaged);
    }
    for (std::vector<Word>& words : image.flat) take_packed(cursor, image.n, words);
    const auto take_sizes = [&](std::vector<std::uint32_t>& sizes) {
      take_packed(cursor, image.n, sizes);
      return std::accumulate(sizes.begin(), sizes.end(), std::size_t{0});
    };
    for (std::size_t k = 0; k < image.values.size() && !is_damaged; ++k) {
      if (groups_->keeps_values(k)) {
        auto& [sizes, words, counts] = image.values[k];
        const std::size_t n = take_sizes(sizes);
        take_column(cursor, *state.pool, handle_type_of_argument(k), n, words, is_damaged);
        take_packed(cursor, n, counts);
      }
      if (groups_->keeps_sums(k)) {
        auto& [sizes, words, counts] = image.sums[k];
        take_packed(cursor, take_sizes(sizes), words);
      }
    }
    if (is_damaged || cursor.has_failed() || !cursor.is_at_end()) {
      return unexpected(damaged_image("groups"));
    }
    if (auto done = groups_->restore(image); !done) return done;
    state.pool->end_step();
  }
  return {};
}

std::uint64_t GroupNode::bytes_used() const {
  std::uint64_t bytes = groups_->bytes_used() + input_.bytes_used();
  for (const std::vector<Word>& column : part_) bytes += column.capacity() * sizeof(Word);
  return bytes;
}

}  // namespace entail::rete
