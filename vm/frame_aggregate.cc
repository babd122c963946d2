#include "vm/frame_aggregate.h"

#include <numeric>

namespace entail::vm {

namespace {

constexpr std::uint32_t kFew = 16;

}  // namespace

FrameAggregate::FrameAggregate(const AggregateSpec& spec, std::vector<std::vector<Word>> columns,
                               std::vector<Word> flags, ValuePool& pool)
    : spec_(spec),
      columns_(std::move(columns)),
      flags_(std::move(flags)),
      pool_(pool),
      running_(spec),
      origins_(flags_.size(), 0) {
  running_.grow(1);
}

const SqlAggregateResult& FrameAggregate::over(const RowFrame& frame) {
  if (last_ && *last_ == frame) return result_;
  const auto one = [](const RowFrame& f) { return f.end() - f.begin() == 1; };
  if (last_ && one(*last_) && one(frame) && last_->begin()->from == frame.begin()->from &&
      last_->begin()->to < frame.begin()->to) {
    add_rows(last_->begin()->to, frame.begin()->to);
  } else {
    running_.reset(0);
    const bool few = frame.rows() <= kFew || !running_.merges_at_once();
    for (const RowFrame::Stretch& stretch : frame) {
      if (few) {
        add_rows(stretch.from, stretch.to);
      } else {
        merge_rows(stretch.from, stretch.to);
      }
    }
  }
  last_ = frame;
  result_ = running_.result(0, pool_);
  return result_;
}

void FrameAggregate::add_rows(std::uint32_t from, std::uint32_t to) {
  const std::size_t extra = spec_.extra_words();
  const std::size_t first = columns_.size() - extra;  // 0: it has no value.
  std::vector<const Word*> extras;
  for (std::size_t c = first; c < columns_.size(); ++c) extras.push_back(columns_[c].data() + from);
  running_.step(origins_.data(), first == 0 ? nullptr : columns_[0].data() + from,
                flags_.data() + from, extras, to - from, pool_);
}

void FrameAggregate::build_tree() {
  const std::size_t n = flags_.size();
  tree_.emplace(spec_);
  tree_->grow(2 * n);
  std::vector<std::uint32_t> leaves(n);
  std::iota(leaves.begin(), leaves.end(), static_cast<std::uint32_t>(n));
  const std::size_t first = columns_.size() - spec_.extra_words();
  std::vector<const Word*> extras;
  for (std::size_t c = first; c < columns_.size(); ++c) extras.push_back(columns_[c].data());
  tree_->step(leaves.data(), first == 0 ? nullptr : columns_[0].data(), flags_.data(), extras, n,
              pool_);
  for (std::size_t k = n; k-- > 1;) {
    tree_->merge_lane(k, *tree_, 2 * k, pool_);
    tree_->merge_lane(k, *tree_, 2 * k + 1, pool_);
  }
}

void FrameAggregate::merge_rows(std::uint32_t from, std::uint32_t to) {
  if (!tree_) build_tree();
  const std::size_t n = flags_.size();
  for (std::size_t left = from + n, right = to + n; left < right; left /= 2, right /= 2) {
    if (left % 2 != 0) running_.merge_lane(0, *tree_, left++, pool_);
    if (right % 2 != 0) running_.merge_lane(0, *tree_, --right, pool_);
  }
}

}  // namespace entail::vm
