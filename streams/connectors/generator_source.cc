#include "streams/connectors/generator_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "vm/base/random.h"
#include "vm/value_text.h"

namespace entail::streams {
namespace {

using vm::TypeKind;
using vm::Word;

// Each bit of the result depends on all bits of the argument.
std::uint64_t mixed(std::uint64_t x) { return split_mix64(x); }

struct Range {
  bool is_sequence = false;
  std::int64_t from = 0, to = 999'999;
};

bool read_range(std::string_view text, Range& out) {
  if (text == "sequence") {
    out.is_sequence = true;
    return true;
  }
  const char* const end = text.data() + text.size();
  auto read = std::from_chars(text.data(), end, out.from);
  if (read.ec != std::errc() || end - read.ptr < 3 || read.ptr[0] != '.' || read.ptr[1] != '.') {
    return false;
  }
  read = std::from_chars(read.ptr + 2, end, out.to);
  return read.ec == std::errc() && read.ptr == end && out.from <= out.to;
}

struct ColumnMaker {
  TypeKind kind = TypeKind::kText;
  Range range;
  std::string before, behind;  // Of texts.
};

Error bad_setting(const std::string& name, std::string_view wanted, const std::string& value) {
  return unexpected(ErrorCode::kInvalidArgument,
                    fmt::format("the setting '{}' is {}, not '{}'", name, wanted, value))
      .error();
}

Expected<ColumnMaker> maker_of(const datalog::Column& column, const SettingMap& settings,
                               const vm::TypeTable& types) {
  ColumnMaker made;
  made.kind = column.type.kind;
  switch (column.type.kind) {
    case TypeKind::kNumber:
    case TypeKind::kUnsigned:
    case TypeKind::kInt4:
    case TypeKind::kInt8:
    case TypeKind::kFloat8: {
      const std::string text = setting(settings, column.name, "0..999999");
      if (!read_range(text, made.range)) {
        return unexpected(bad_setting(column.name, "'sequence' or a range as 1..500", text));
      }
      return made;
    }
    case TypeKind::kText: {
      const std::string text = setting(settings, column.name, "v{0..999}");
      const std::size_t open = text.find('{'), close = text.find('}');
      if (open == std::string::npos || close == std::string::npos || close < open ||
          !read_range(std::string_view(text).substr(open + 1, close - open - 1), made.range)) {
        return unexpected(
            bad_setting(column.name, "a text with {sequence} or {1..500} in it", text));
      }
      made.before = text.substr(0, open);
      made.behind = text.substr(close + 1);
      return made;
    }
    case TypeKind::kBool:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampTz:
      if (settings.count(column.name) == 0) return made;
      return unexpected(ErrorCode::kInvalidArgument,
                        "the column '" + column.name + "' of the generator takes no setting");
    default:
      return unexpected(ErrorCode::kUnsupported,
                        fmt::format("the generator makes no values of the column '{}', a {}",
                                    column.name, types.type_name(column.type)));
  }
}

class GeneratorSource final : public Source {
 public:
  GeneratorSource(std::shared_ptr<const RowShape> shape, std::vector<ColumnMaker> makers,
                  const Clock* clock)
      : shape_(std::move(shape)), makers_(std::move(makers)), clock_(clock) {}

  std::uint64_t rows = 0, seed = 1, rate = 0;
  std::int64_t start_us = 0, step_us = 0;

  Expected<void> seek(std::span<const PartitionPosition> positions) override {
    for (const PartitionPosition& known : positions) {
      if (known.partition == kPartition) next_ = known.position.offset;
    }
    paced_from_ = next_;
    if (clock_ != nullptr) paced_since_ns_ = clock_->steady_ns();
    return {};
  }

  Expected<PollState> poll(SourceBatch& batch, const PollLimits& limits,
                           std::int64_t /*wait_us*/) override {
    batch.partitions = {{kPartition, 0}};
    std::uint64_t end = std::min<std::uint64_t>(rows, next_ + limits.rows);
    if (rate != 0 && clock_ != nullptr) {
      const auto passed_us =
          static_cast<std::uint64_t>((clock_->steady_ns() - paced_since_ns_) / 1000);
      constexpr std::uint64_t kMicros = 1'000'000;
      const std::uint64_t due = passed_us / kMicros * rate + passed_us % kMicros * rate / kMicros;
      end = std::min(end, paced_from_ + due);
    }
    if (end <= next_) return next_ >= rows ? PollState::kEnded : PollState::kIdle;
    for (; next_ < end; ++next_) {
      batch.rows.begin_row();
      for (std::size_t c = 0; c < makers_.size(); ++c) set(batch.rows, c);
      RowOrigin origin;
      origin.at = {next_, 0};
      origin.next = {next_ + 1, 0};
      batch.rows.end_row(origin);
    }
    batch.positions = {{kPartition, {next_, 0}}};
    return next_ >= rows ? PollState::kEnded : PollState::kMore;
  }

  std::optional<std::uint64_t> lag() const override { return rows - std::min(rows, next_); }

 private:
  static constexpr const char* kPartition = "0";

  std::int64_t number(std::size_t column) const {
    const Range& range = makers_[column].range;
    if (range.is_sequence) return static_cast<std::int64_t>(next_);
    const std::uint64_t draw = mixed(mixed(seed ^ mixed(column)) ^ next_);
    const auto width =
        static_cast<std::uint64_t>(range.to) - static_cast<std::uint64_t>(range.from);
    const std::uint64_t offset = width == ~std::uint64_t{0} ? draw : draw % (width + 1);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(range.from) + offset);
  }

  void set(EventRows& out, std::size_t column) {
    const ColumnMaker& maker = makers_[column];
    switch (maker.kind) {
      case TypeKind::kText:
        text_ = maker.before;
        vm::print_int(number(column), text_);
        text_ += maker.behind;
        out.set_text(column, text_);
        return;
      case TypeKind::kFloat8:
        out.set_word(column, vm::double_word(static_cast<double>(number(column))));
        return;
      case TypeKind::kBool:
        out.set_word(column, static_cast<Word>(number(column) & 1));
        return;
      case TypeKind::kTimestamp:
      case TypeKind::kTimestampTz:
        out.set_word(column, vm::int_word(start_us + step_us * static_cast<std::int64_t>(next_)));
        return;
      default:
        out.set_word(column, vm::int_word(number(column)));
    }
  }

  std::shared_ptr<const RowShape> shape_;
  std::vector<ColumnMaker> makers_;
  const Clock* clock_;
  std::uint64_t next_ = 0;           // Of the row that comes next.
  std::uint64_t paced_from_ = 0;     // The row that was next when pacing began,
  std::int64_t paced_since_ns_ = 0;  // and when that was.
  std::string text_;
};

}  // namespace

Expected<std::unique_ptr<Source>> make_generator_source(const SettingMap& settings,
                                                        std::shared_ptr<const RowShape> shape,
                                                        const Clock* clock) {
  std::vector<ColumnMaker> makers;
  for (const datalog::Column& column : shape->columns) {
    auto maker = maker_of(column, settings, shape->types);
    if (!maker) return unexpected(std::move(maker).error());
    makers.push_back(std::move(*maker));
  }
  for (const auto& [name, value] : settings) {
    constexpr std::string_view kKnown[] = {"rows", "seed", "rate", "start", "step_ms"};
    const bool is_column =
        std::any_of(shape->columns.begin(), shape->columns.end(),
                    [&](const datalog::Column& column) { return column.name == name; });
    if (!is_column && std::find(std::begin(kKnown), std::end(kKnown), name) == std::end(kKnown)) {
      return unexpected(ErrorCode::kInvalidArgument, "the generator has no setting '" + name +
                                                         "', and '" + shape->relation +
                                                         "' no column of that name");
    }
  }
  if (settings.count("rows") == 0) {
    return unexpected(ErrorCode::kInvalidArgument, "the generator wants the setting 'rows'");
  }
  auto rows = count_setting(settings, "rows", 0), seed = count_setting(settings, "seed", 1),
       rate = count_setting(settings, "rate", 0), step = count_setting(settings, "step_ms", 1000);
  for (auto* const count : {&rows, &seed, &rate, &step}) {
    if (!*count) return unexpected(count->error());
  }
  const std::string start = setting(settings, "start", "2026-01-01T00:00:00");
  vm::ValuePool pool(shape->types);
  Word start_word = 0;
  std::string problem;
  if (!vm::parse_value(pool, vm::Type::of(TypeKind::kTimestamp), start, &start_word, problem)) {
    return unexpected(ErrorCode::kInvalidArgument, "the setting 'start': " + problem);
  }
  auto made = std::make_unique<GeneratorSource>(std::move(shape), std::move(makers), clock);
  made->rows = *rows;
  made->seed = *seed;
  made->rate = *rate;
  made->start_us = vm::int_of(start_word);
  made->step_us = static_cast<std::int64_t>(*step) * 1000;
  return std::unique_ptr<Source>(std::move(made));
}

}  // namespace entail::streams
