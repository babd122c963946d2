#include "vm/rank_table.h"

#include <algorithm>
#include <array>

#include "vm/base/ensure.h"
#include "vm/lane_error.h"

namespace entail::vm {

namespace {

std::vector<SortColumn> sort_columns(const RankSpec& spec) {
  std::vector<SortColumn> columns = spec.partition;
  columns.insert(columns.end(), spec.order.begin(), spec.order.end());
  columns.insert(columns.end(), spec.ties.begin(), spec.ties.end());
  return columns;
}

Unexpected sql_error(ErrorCode code, std::string message, std::string sqlstate) {
  SqlFields fields;
  fields.sqlstate = std::move(sqlstate);
  return unexpected(code, std::move(message), std::move(fields));
}

}  // namespace

// Positions [begin, end).
struct RankTable::Partition {
  std::uint32_t begin = 0, end = 0;
  std::uint32_t size() const { return end - begin; }
};

RankTable::RankTable(RankSpec spec, ValuePool& pool, MemoryBudget* memory)
    : spec_(std::move(spec)),
      pool_(pool),
      memory_(memory),
      columns_(spec_.words),
      sorter_(sort_columns(spec_), pool) {
  std::size_t words = 0;
  for (const RankFunctionSpec& function : spec_.functions) words += function.result_words;
  results_.resize(words);
}

RankTable::~RankTable() {
  if (memory_ != nullptr) memory_->release(booked_);
}

void RankTable::clear() {
  rows_ = 0;
  for (auto& column : columns_) column.clear();
  kept_.clear();
  if (memory_ != nullptr) memory_->release(booked_);
  booked_ = 0;
  refused_ = false;
}

bool RankTable::receive(std::span<const Word* const> columns, std::size_t n) {
  ENTAIL_DEBUG_ENSURE(columns.size() == columns_.size());
  if (memory_ != nullptr) {
    // Rows, and what sorting them takes.
    const std::uint64_t bytes = n * (columns_.size() + results_.size() + 5) * sizeof(Word);
    if (!memory_->reserve(bytes)) {
      refused_ = true;
      return false;
    }
    booked_ += bytes;
  }
  for (std::size_t c = 0; c < columns.size(); ++c) {
    columns_[c].insert(columns_[c].end(), columns[c], columns[c] + n);
  }
  rows_ += n;
  return true;
}

std::size_t RankTable::next(std::uint64_t& position, std::span<Word* const> out,
                            std::size_t capacity) const {
  const std::size_t n = std::min<std::size_t>(capacity, kept_.size() - position);
  for (std::size_t c = 0; c < out.size(); ++c) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint32_t place = kept_[position + i];
      out[c][i] = c < spec_.kept_words ? columns_[c][sorted_[place]]
                                       : results_[c - spec_.kept_words][place];
    }
  }
  position += n;
  return n;
}

Expected<void> RankTable::compute() {
  if (refused_) {
    return sql_error(ErrorCode::kLimit,
                     "the memory budget of " + std::to_string(memory_->limit()) +
                         " bytes is used up by a ranking",
                     "53200");
  }
  sorter_.sort(columns_, rows_, rows_, sorted_);
  peers_.resize(rows_);
  ends_.resize(rows_);
  groups_.resize(rows_);
  for (auto& column : results_) column.assign(rows_, 0);
  kept_.clear();
  const std::size_t by_partition = spec_.partition.size();
  const std::size_t by_order = by_partition + spec_.order.size();
  for (std::uint32_t begin = 0; begin < rows_;) {
    Partition partition{begin, begin + 1};
    while (partition.end < rows_ && sorter_.compare(columns_, sorted_[partition.end - 1],
                                                    sorted_[partition.end], 0, by_partition) == 0) {
      ++partition.end;
    }
    std::uint32_t group = 0;
    for (std::uint32_t p = partition.begin; p < partition.end; ++group) {
      std::uint32_t end = p + 1;
      while (end < partition.end && sorter_.compare(columns_, sorted_[end - 1], sorted_[end],
                                                    by_partition, by_order) == 0) {
        ++end;
      }
      for (std::uint32_t i = p; i < end; ++i) {
        peers_[i] = p;
        ends_[i] = end;
        groups_[i] = group;
      }
      p = end;
    }
    if (auto done = compute_partition(partition); !done) return done;
    begin = partition.end;
  }
  return {};
}

Expected<void> RankTable::check_edges(const Partition& partition) const {
  const RankEdge* const edges[] = {&spec_.from, &spec_.to};
  for (std::size_t e = 0; e < 2; ++e) {
    if (!edges[e]->offset_word) continue;
    const std::string which =
        std::string("frame ") + (e == 0 ? "starting" : "ending") + " offset must not be ";
    if (at(partition.begin, *edges[e]->offset_word + 1) != 0) {
      return sql_error(ErrorCode::kData, which + "null", "22004");
    }
    const Word offset = at(partition.begin, *edges[e]->offset_word);
    if (spec_.mode == RankFrameMode::kRange ? offset != 0 : int_of(offset) < 0) {
      return sql_error(ErrorCode::kData,
                       spec_.mode == RankFrameMode::kRange
                           ? "invalid preceding or following size in window function"
                           : which + "negative",
                       "22013");
    }
  }
  return {};
}

Expected<void> RankTable::compute_partition(const Partition& partition) {
  const auto needs_frame = [](const RankFunctionSpec& function) {
    return function.kind == RankKind::kFirstValue || function.kind == RankKind::kLastValue ||
           function.kind == RankKind::kNthValue || function.kind == RankKind::kAggregate;
  };
  if (std::any_of(spec_.functions.begin(), spec_.functions.end(), needs_frame)) {
    if (auto done = check_edges(partition); !done) return done;
    find_frames(partition);
  }
  for (std::size_t f = 0; f < spec_.functions.size(); ++f) {
    auto done = spec_.functions[f].kind == RankKind::kAggregate ? aggregate(partition, f)
                                                                : compute_function(partition, f);
    if (!done) return done;
  }
  std::uint64_t first = 0, most = partition.size();
  if (spec_.offset_word && at(partition.begin, *spec_.offset_word + 1) == 0) {
    const std::int64_t offset = int_of(at(partition.begin, *spec_.offset_word));
    if (offset < 0) return sql_error(ErrorCode::kData, "OFFSET must not be negative", "2201X");
    first = static_cast<std::uint64_t>(offset);
  }
  if (spec_.limit_word && at(partition.begin, *spec_.limit_word + 1) == 0) {
    const std::int64_t limit = int_of(at(partition.begin, *spec_.limit_word));
    if (limit < 0) return sql_error(ErrorCode::kData, "LIMIT must not be negative", "2201W");
    most = static_cast<std::uint64_t>(limit);
  }
  if (first >= partition.size() || most == 0) return {};
  std::uint64_t end =
      std::min<std::uint64_t>(partition.size(), first + std::min<std::uint64_t>(most, rows_));
  if (spec_.with_ties) end = ends_[partition.begin + end - 1] - partition.begin;
  for (std::uint64_t i = first; i < end; ++i) {
    kept_.push_back(partition.begin + static_cast<std::uint32_t>(i));
  }
  return {};
}

void RankTable::find_frames(const Partition& partition) {
  from_.resize(rows_);
  to_.resize(rows_);
  std::vector<std::uint32_t> group_begins;
  if (spec_.mode == RankFrameMode::kGroups) {
    for (std::uint32_t p = partition.begin; p < partition.end; p = ends_[p]) {
      group_begins.push_back(p);
    }
    group_begins.push_back(partition.end);
  }
  // Where rows begin that stand `distance` rows, or groups, behind position p; clamped to the partition.
  const auto shifted = [&](std::uint32_t p, std::int64_t distance, bool end) -> std::uint32_t {
    const std::int64_t here =
        spec_.mode == RankFrameMode::kGroups ? groups_[p] : p - partition.begin;
    const std::int64_t count = spec_.mode == RankFrameMode::kGroups
                                   ? static_cast<std::int64_t>(group_begins.size()) - 1
                                   : partition.size();
    const std::int64_t target =
        std::clamp<std::int64_t>(here + (end ? distance + 1 : distance), 0, count);
    return spec_.mode == RankFrameMode::kGroups
               ? group_begins[static_cast<std::size_t>(target)]
               : partition.begin + static_cast<std::uint32_t>(target);
  };
  const auto edge = [&](const RankEdge& which, std::uint32_t p, bool end) -> std::uint32_t {
    if (which.bound == RankBound::kUnbounded) return end ? partition.end : partition.begin;
    if (which.bound == RankBound::kCurrent) {
      if (spec_.mode == RankFrameMode::kRows) return end ? p + 1 : p;
      return end ? ends_[p] : peers_[p];
    }
    if (spec_.mode == RankFrameMode::kRange) return reached(partition, p, *which.value, end);
    // More than there are rows is as good as all of them.
    const std::int64_t offset = std::min<std::int64_t>(
        int_of(at(partition.begin, *which.offset_word)), static_cast<std::int64_t>(rows_) + 1);
    return shifted(p, which.bound == RankBound::kPreceding ? -offset : offset, end);
  };
  for (std::uint32_t p = partition.begin; p < partition.end; ++p) {
    from_[p] = edge(spec_.from, p, false);
    to_[p] = std::max(from_[p], edge(spec_.to, p, true));
  }
}

std::uint32_t RankTable::reached(const Partition& partition, std::uint32_t p,
                                 const SortColumn& edge, bool end) const {
  // A null is as far from everything as from nothing: its frame is its peers.
  if (is_null(p, *spec_.range_value)) return end ? ends_[p] : peers_[p];
  const auto words_at = [&](std::uint32_t position, const SortColumn& column,
                            std::array<Word, 3>& words) {
    const std::uint32_t count = value_words(column.type);
    for (std::uint32_t w = 0; w < count; ++w) words[w] = at(position, column.word + w);
    words[count] = column.nullable ? at(position, column.word + count) : 0;
  };
  const SortStyle style = spec_.order.front().style;
  std::array<Word, 3> target{}, other{};
  words_at(p, edge, target);
  std::uint32_t first = partition.begin, last = partition.end;
  while (first < last) {
    const std::uint32_t middle = first + (last - first) / 2;
    words_at(middle, *spec_.range_value, other);
    const int order =
        compare_values(pool_, edge.type, /*nullable=*/true, other.data(), target.data(), style);
    if (end ? order <= 0 : order < 0) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  return first;
}

RowFrame RankTable::frame_of(std::uint32_t p) const {
  RowFrame frame;
  const std::uint32_t from = from_[p], to = to_[p];
  switch (spec_.exclusion) {
    case RankExclusion::kNone:
      frame.add(from, to);
      break;
    case RankExclusion::kCurrentRow:
      frame.add(from, std::min(to, p));
      frame.add(std::max(from, p + 1), to);
      break;
    case RankExclusion::kTies:
    case RankExclusion::kGroup:
      frame.add(from, std::min(to, peers_[p]));
      if (spec_.exclusion == RankExclusion::kTies) {
        frame.add(std::max(from, p), std::min(to, p + 1));
      }
      frame.add(std::max(from, ends_[p]), to);
      break;
  }
  return frame;
}

void RankTable::put(std::size_t function, std::size_t position, std::span<const Word> words) {
  std::size_t first = 0;
  for (std::size_t f = 0; f < function; ++f) first += spec_.functions[f].result_words;
  for (std::size_t w = 0; w < words.size(); ++w) results_[first + w][position] = words[w];
}

// The function's first argument at another position, or null.
void RankTable::put_value(std::size_t function, std::size_t position,
                          std::optional<std::size_t> from) {
  const SortColumn& argument = spec_.functions[function].arguments.front();
  const std::uint32_t count = value_words(argument.type);
  std::array<Word, 3> words{};
  words[count] = 1;
  if (from && !is_null(*from, argument)) {
    for (std::uint32_t w = 0; w < count; ++w) words[w] = at(*from, argument.word + w);
    words[count] = 0;
  }
  put(function, position, std::span(words).first(count + 1));
}

Expected<void> RankTable::compute_function(const Partition& partition, std::size_t number) {
  const RankFunctionSpec& function = spec_.functions[number];
  const auto put_word = [&](std::uint32_t p, Word word) {
    put(number, p, std::span<const Word>(&word, 1));
  };
  for (std::uint32_t p = partition.begin; p < partition.end; ++p) {
    const std::uint32_t place = p - partition.begin;
    switch (function.kind) {
      case RankKind::kRowNumber:
        put_word(p, place + 1);
        break;
      case RankKind::kRank:
        put_word(p, peers_[p] - partition.begin + 1);
        break;
      case RankKind::kDenseRank:
        put_word(p, groups_[p] + 1);
        break;
      case RankKind::kPercentRank:
        put_word(p, double_word(partition.size() == 1
                                    ? 0.0
                                    : static_cast<double>(peers_[p] - partition.begin) /
                                          static_cast<double>(partition.size() - 1)));
        break;
      case RankKind::kCumeDist:
        put_word(p, double_word(static_cast<double>(ends_[p] - partition.begin) /
                                static_cast<double>(partition.size())));
        break;
      case RankKind::kNtile: {
        const SortColumn& argument = function.arguments.front();
        if (is_null(partition.begin, argument)) {
          const Word null[2] = {0, 1};
          put(number, p, null);
          break;
        }
        const std::int64_t buckets = int_of(at(partition.begin, argument.word));
        if (buckets <= 0) {
          return sql_error(ErrorCode::kData, "argument of ntile must be greater than zero",
                           "22014");
        }
        // The first `more` buckets have one row more than the others.
        const std::int64_t each = partition.size() / buckets, more = partition.size() % buckets;
        const std::int64_t bucket = place < more * (each + 1)
                                        ? place / (each + 1)
                                        : more + (place - more * (each + 1)) / each;
        const Word words[2] = {int_word(bucket + 1), 0};
        put(number, p, words);
        break;
      }
      case RankKind::kLag:
      case RankKind::kLead: {
        std::int64_t distance = 1;
        if (function.arguments.size() > 1) {
          if (is_null(p, function.arguments[1])) {
            put_value(number, p, std::nullopt);
            break;
          }
          distance = int_of(at(p, function.arguments[1].word));
        }
        const std::int64_t count = partition.size();
        distance = std::clamp<std::int64_t>(distance, -count, count);
        const std::int64_t target =
            std::int64_t{place} + (function.kind == RankKind::kLead ? distance : -distance);
        if (target >= 0 && target < count) {
          put_value(number, p, partition.begin + static_cast<std::size_t>(target));
        } else if (function.arguments.size() > 2 && !is_null(p, function.arguments[2])) {
          const SortColumn& other = function.arguments[2];
          std::array<Word, 3> words{};
          for (std::uint32_t w = 0; w < value_words(other.type); ++w) {
            words[w] = at(p, other.word + w);
          }
          put(number, p, std::span(words).first(value_words(other.type) + 1));
        } else {
          put_value(number, p, std::nullopt);
        }
        break;
      }
      case RankKind::kFirstValue:
        put_value(number, p, frame_of(p).nth(0));
        break;
      case RankKind::kLastValue: {
        const RowFrame frame = frame_of(p);
        put_value(number, p,
                  frame.rows() > 0 ? frame.nth(frame.rows() - std::uint64_t{1}) : std::nullopt);
        break;
      }
      case RankKind::kNthValue: {
        const SortColumn& nth = function.arguments[1];
        if (is_null(p, nth)) {
          put_value(number, p, std::nullopt);
          break;
        }
        const std::int64_t n = int_of(at(p, nth.word));
        if (n <= 0) {
          return sql_error(ErrorCode::kData, "argument of nth_value must be greater than zero",
                           "22016");
        }
        put_value(number, p, frame_of(p).nth(static_cast<std::uint64_t>(n) - 1));
        break;
      }
      case RankKind::kAggregate:
        ENTAIL_UNREACHABLE("aggregates have a way of their own");
    }
  }
  return {};
}

Expected<void> RankTable::aggregate(const Partition& partition, std::size_t number) {
  const RankFunctionSpec& function = spec_.functions[number];
  const std::size_t n = partition.size();
  std::vector<std::vector<Word>> columns;
  const auto take = [&](std::uint32_t word) -> std::vector<Word>& {
    std::vector<Word>& column = columns.emplace_back(n);
    for (std::size_t i = 0; i < n; ++i) column[i] = at(partition.begin + i, word);
    return column;
  };
  // The value's first word, its null flag; then what AggregateSpec::extra_words() says.
  std::vector<Word> flags(n, 0);
  if (!function.arguments.empty()) {
    const SortColumn& argument = function.arguments.front();
    const std::uint32_t count = value_words(argument.type);
    for (std::uint32_t w = 0; w < count; ++w) take(argument.word + w);
    for (std::size_t i = 0; i < n; ++i) flags[i] = is_null(partition.begin + i, argument) ? 1 : 0;
  }
  if (function.filter) {
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t p = partition.begin + i;
      if (is_null(p, *function.filter) || at(p, function.filter->word) == 0) flags[i] |= 2;
    }
  }
  if (function.arguments.size() > 1) {
    const SortColumn& delimiter = function.arguments[1];
    take(delimiter.word);
    std::vector<Word>& nulls = columns.emplace_back(n);
    for (std::size_t i = 0; i < n; ++i) nulls[i] = is_null(partition.begin + i, delimiter) ? 1 : 0;
  }
  if (!function.aggregate.order.empty()) {  // What is put together is so in the order of the rows.
    std::vector<Word>& places = columns.emplace_back(n);
    for (std::size_t i = 0; i < n; ++i) places[i] = i;
  }
  FrameAggregate aggregate(function.aggregate, std::move(columns), std::move(flags), pool_);
  for (std::uint32_t p = partition.begin; p < partition.end; ++p) {
    RowFrame frame = frame_of(p);
    frame.move(partition.begin);
    const SqlAggregateResult& result = aggregate.over(frame);
    if (result.error != 0) return unexpected(vm::sql_error(pool_, result.error));
    std::array<Word, 3> words{};
    const std::uint32_t count = value_words(function.aggregate.result);
    if (!result.null) std::copy_n(result.words.begin(), count, words.begin());
    words[count] = result.null ? 1 : 0;
    put(number, p, std::span(words).first(function.result_words));
  }
  return {};
}

}  // namespace entail::vm
