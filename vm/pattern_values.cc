// What is known of a match: PatternValues of vm/pattern_matcher.h.
#include <algorithm>

#include "vm/base/ensure.h"
#include "vm/lane_error.h"
#include "vm/pattern_matcher.h"

namespace entail::vm {

namespace {

bool has_symbol(const PatternPlace& place, std::uint32_t symbol) {
  return place.any || place.symbols[symbol];
}

// The row that the place means, before its shift.
const LabelledRow* find_row(const PatternPlace& place, std::span<const LabelledRow> rows) {
  std::uint32_t left = place.occurrence;
  const auto counts = [&](const LabelledRow& row) {
    return has_symbol(place, row.symbol) && left-- == 0;
  };
  if (place.from_first) {
    const auto found = std::find_if(rows.begin(), rows.end(), counts);
    return found == rows.end() ? nullptr : &*found;
  }
  const auto found = std::find_if(rows.rbegin(), rows.rend(), counts);
  return found == rows.rend() ? nullptr : &*found;
}

}  // namespace

void PatternValues::put_null(const PatternValueSpec& value, Word* out) const {
  std::fill_n(out, value.words, 0);
  if (value.nullable) out[value.words - 1] = 1;
}

void PatternValues::put_row(const PatternValueSpec& value, std::int64_t position, Word* out) const {
  if (position < 0 || position >= static_cast<std::int64_t>(partition_.size())) {
    return put_null(value, out);
  }
  const std::uint32_t row = partition_[static_cast<std::size_t>(position)];
  const SortColumn& column = *value.value;
  const std::uint32_t words = value_words(column.type);
  if (column.nullable && columns_[column.word + words][row] != 0) return put_null(value, out);
  for (std::uint32_t w = 0; w < words; ++w) out[w] = columns_[column.word + w][row];
  if (value.nullable) out[words] = 0;
}

void PatternValues::put_classifier(const PatternValueSpec& value, std::span<const LabelledRow> rows,
                                   std::int64_t position, Word* out) const {
  // A row that PREV or NEXT leads to has a symbol only within the match.
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const LabelledRow& row) {
    return std::int64_t{row.position} == position;
  });
  if (found == rows.end()) return put_null(value, out);
  out[0] = spec_.symbols[found->symbol].name;
  if (value.nullable) out[1] = 0;
}

Expected<void> PatternValues::put_aggregate(const PatternValueSpec& value,
                                            std::span<const LabelledRow> rows, Word* out) const {
  SqlAccumulator sum(value.aggregate);
  sum.grow(1);
  // The row's value, its second word, its null flag, and for what depends on an order the row's place.
  std::vector<Word> words, second, nulls, places;
  for (const LabelledRow& row : rows) {
    if (!has_symbol(value.place, row.symbol)) continue;
    const std::uint32_t number = partition_[row.position];
    if (value.value) {
      const SortColumn& column = *value.value;
      const std::uint32_t count = value_words(column.type);
      words.push_back(columns_[column.word][number]);
      if (count == 2) second.push_back(columns_[column.word + 1][number]);
      nulls.push_back(column.nullable ? columns_[column.word + count][number] : 0);
    } else {
      nulls.push_back(0);
    }
    places.push_back(row.position);
  }
  const std::vector<std::uint32_t> origins(nulls.size(), 0);
  std::vector<const Word*> extras;
  if (value.value && value_words(value.value->type) == 2) extras.push_back(second.data());
  if (!value.aggregate.order.empty()) extras.push_back(places.data());
  ENTAIL_DEBUG_ENSURE(extras.size() == value.aggregate.extra_words());
  sum.step(origins.data(), value.value ? words.data() : nullptr, nulls.data(), extras, nulls.size(),
           pool_);
  const SqlAggregateResult result = sum.result(0, pool_);
  if (result.error != 0) return unexpected(sql_error(pool_, result.error));
  if (result.null) {
    put_null(value, out);
    return {};
  }
  const std::uint32_t count = value_words(value.type);
  for (std::uint32_t w = 0; w < count; ++w) out[w] = result.words[w];
  if (value.nullable) out[count] = 0;
  return {};
}

Expected<void> PatternValues::put(const PatternValueSpec& value, std::span<const LabelledRow> rows,
                                  Word* out) const {
  if (value.kind == PatternValueSpec::Kind::kAggregate) return put_aggregate(value, rows, out);
  const LabelledRow* const found = find_row(value.place, rows);
  if (found == nullptr) {
    put_null(value, out);
    return {};
  }
  const std::int64_t position = std::int64_t{found->position} + value.place.shift;
  if (value.kind == PatternValueSpec::Kind::kClassifier) {
    put_classifier(value, rows, position, out);
  } else {
    put_row(value, position, out);
  }
  return {};
}

}  // namespace entail::vm
