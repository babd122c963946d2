#include "tests/property/transaction_graph.h"

#include <algorithm>
#include <array>

namespace entail::testing {

namespace {

enum Edge : std::uint8_t { kWw = 1, kWr = 2, kRw = 4 };

class Graph {
 public:
  explicit Graph(std::size_t n) : n_(n), edges_(n * n, 0) {}

  void add(std::size_t from, std::size_t to, Edge edge) {
    if (from != to) edges_[from * n_ + to] |= edge;
  }
  std::uint8_t edge(std::size_t from, std::size_t to) const { return edges_[from * n_ + to]; }

  // The way from one to another over edges of the kinds, shortest first; empty: none.
  std::vector<std::size_t> way(std::size_t from, std::size_t to, unsigned kinds) const {
    std::vector<std::size_t> before(n_, n_), queue{from};
    for (std::size_t at = 0; at < queue.size(); ++at) {
      for (std::size_t next = 0; next < n_; ++next) {
        if ((edge(queue[at], next) & kinds) == 0 || before[next] != n_) continue;
        before[next] = queue[at];
        if (next == to) {
          std::vector<std::size_t> way{to};
          while (way.size() == 1 || way.back() != from) way.push_back(before[way.back()]);
          std::reverse(way.begin(), way.end());
          return way;
        }
        queue.push_back(next);
      }
    }
    return {};
  }

 private:
  std::size_t n_;
  std::vector<std::uint8_t> edges_;
};

}  // namespace

const char* phenomenon_name(Phenomenon phenomenon) {
  constexpr std::array<const char*, kPhenomena> kNames{"G0", "G1a", "G1b", "G1c", "G-single", "G2"};
  return kNames[static_cast<std::size_t>(phenomenon)];
}

std::vector<Finding> find_phenomena(const std::vector<FinishedTransaction>& all,
                                    const std::map<std::uint64_t, ModelState>& states) {
  std::vector<Finding> findings;
  const auto found = [&](Phenomenon phenomenon, std::string text) {
    const bool is_known = std::any_of(findings.begin(), findings.end(),
                                      [&](const Finding& f) { return f.phenomenon == phenomenon; });
    if (!is_known) findings.push_back({phenomenon, std::move(text)});
  };

  std::vector<const FinishedTransaction*> committed;
  std::map<std::int64_t, const FinishedTransaction*> writer_of;  // By value.
  for (const FinishedTransaction& transaction : all) {
    if (transaction.committed) committed.push_back(&transaction);
    for (const std::int64_t value : transaction.all_values) writer_of[value] = &transaction;
  }
  const std::size_t n = committed.size();
  std::map<const FinishedTransaction*, std::size_t> number_of;
  std::vector<std::size_t> writers;  // In the order of their versions.
  for (std::size_t i = 0; i < n; ++i) {
    number_of[committed[i]] = i;
    if (committed[i]->version != 0) writers.push_back(i);
  }
  std::sort(writers.begin(), writers.end(), [&](std::size_t a, std::size_t b) {
    return committed[a]->version < committed[b]->version;
  });
  const auto row_before = [&](std::uint64_t version, std::int64_t key) -> std::optional<ModelRow> {
    const auto state = std::prev(states.lower_bound(version));
    const auto row = state->second.find(key);
    return row == state->second.end() ? std::nullopt : std::optional(row->second);
  };

  Graph graph(n);
  std::map<std::int64_t, std::size_t> last_writer;
  for (const std::size_t writer : writers) {
    for (const auto& [key, row] : committed[writer]->writes) {
      const auto last = last_writer.find(key);
      if (last != last_writer.end()) graph.add(last->second, writer, kWw);
      last_writer[key] = writer;
    }
  }
  for (std::size_t reader = 0; reader < n; ++reader) {
    for (const ObservedRead& read : committed[reader]->reads) {
      for (const auto& [key, value] : read.rows) {
        if (!value) continue;
        const auto writer = writer_of.find(*value);
        if (writer == writer_of.end() || writer->second == committed[reader]) continue;
        const std::string text = committed[reader]->name + " read " + std::to_string(*value) +
                                 " under " + std::to_string(key) + ", of " + writer->second->name;
        if (!writer->second->committed) {
          found(Phenomenon::kG1a, text);
          continue;
        }
        const auto kept = writer->second->writes.find(key);
        if (kept == writer->second->writes.end() || !kept->second ||
            kept->second->value != *value) {
          found(Phenomenon::kG1b, text);
          continue;
        }
        graph.add(number_of[writer->second], reader, kWr);
      }
      for (const std::size_t writer : writers) {
        if (writer == reader) continue;
        const FinishedTransaction& other = *committed[writer];
        for (const auto& [key, row] : other.writes) {
          if (read.own.count(key) != 0) continue;
          if (!read.predicate.tells_apart(key, row_before(other.version, key), row)) continue;
          graph.add(other.version <= read.version ? writer : reader,
                    other.version <= read.version ? reader : writer,
                    other.version <= read.version ? kWr : kRw);
        }
      }
    }
  }

  const auto describe = [&](const std::vector<std::size_t>& way) {
    std::string text;
    for (std::size_t i = 0; i < way.size(); ++i) {
      if (i > 0) {
        const std::uint8_t edge = graph.edge(way[i - 1], way[i]);
        text += std::string(" -") + ((edge & kWw) != 0 ? "w" : "") +
                ((edge & kWr) != 0 ? "r" : "") + ((edge & kRw) != 0 ? "a" : "") + "-> ";
      }
      text += committed[way[i]]->name;
    }
    return text;
  };
  for (std::size_t i = 0; i < n; ++i) {
    if (const auto way = graph.way(i, i, kWw); !way.empty()) found(Phenomenon::kG0, describe(way));
    if (const auto way = graph.way(i, i, kWw | kWr); !way.empty()) {
      found(Phenomenon::kG1c, describe(way));
    }
    for (std::size_t j = 0; j < n; ++j) {
      if ((graph.edge(i, j) & kRw) == 0) continue;
      const auto single = graph.way(j, i, kWw | kWr);
      if (!single.empty()) found(Phenomenon::kGSingle, describe(single) + " -a-> it");
      const auto any = graph.way(j, i, kWw | kWr | kRw);
      if (!any.empty()) found(Phenomenon::kG2, describe(any) + " -a-> it");
    }
  }
  return findings;
}

}  // namespace entail::testing
