#include "rete/internal/changed_keys.h"

#include <algorithm>

#include "vm/row_scan.h"

namespace entail::rete {

using vm::Row;
using vm::Word;

ChangedKeys changed_keys(vm::StandingRelation& rows, std::size_t key_words, bool of_all) {
  ChangedKeys result;
  std::vector<Row> changed;
  if (of_all) {
    changed = vm::visible_rows(rows);
  } else {
    changed.assign(rows.left().begin(), rows.left().end());
    changed.insert(changed.end(), rows.entered().begin(), rows.entered().end());
  }
  result.rows = changed.size();
  if (changed.empty()) return result;
  std::vector<std::vector<Word>> columns(key_words, std::vector<Word>(changed.size()));
  for (std::uint32_t c = 0; c < key_words; ++c) {
    rows.load(c, changed.data(), changed.size(), columns[c].data());
  }
  std::vector<std::size_t> order(changed.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto compare = [&](std::size_t a, std::size_t b) {
    for (const std::vector<Word>& column : columns) {
      if (column[a] != column[b]) return column[a] < column[b] ? -1 : 1;
    }
    return 0;
  };
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return compare(a, b) < 0; });
  order.erase(std::unique(order.begin(), order.end(),
                          [&](std::size_t a, std::size_t b) { return compare(a, b) == 0; }),
              order.end());
  result.n = order.size();
  result.words.resize(key_words);
  for (std::size_t c = 0; c < key_words; ++c) {
    for (const std::size_t i : order) result.words[c].push_back(columns[c][i]);
    result.arrays.push_back(result.words[c].data());
  }
  return result;
}

}  // namespace entail::rete
