// rete/network_statistics.h - what a network has done and what it holds, by node.
//
// Work is counted in rows, so that it is the same on every machine: a test can say that a change of one
// fact touches a handful of rows whatever the size of the relations.
//
// Threads: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace entail::rete {

struct NodeStatistics {
  std::string
      node;  // "relation edge", "rule path(x, z) :- …", "group _sales_group3", "index edge {0}".
  std::uint64_t activations = 0;   // How often it had something to do.
  std::uint64_t rows_touched = 0;  // Rows read: sources and matches.
  std::uint64_t rows_probed = 0;   // Look-ups.
  std::uint64_t rows_changed = 0;  // Rows that appeared or disappeared in it.
  std::uint64_t rows = 0;          // It holds now; 0 for what holds none.
  std::uint64_t bytes = 0;
};

// Of a stream with event time, committed transactions only.
struct StreamStatistics {
  std::string name;
  std::uint64_t late = 0;     // Rows that came too late, whatever became of them.
  std::uint64_t dropped = 0;  // Those of them that are nowhere.
  std::uint64_t expired = 0;
};

struct NetworkStatistics {
  std::vector<NodeStatistics> nodes;  // In topological order.
  std::vector<StreamStatistics> streams;
  std::uint64_t steps = 0;
  std::uint64_t rows_touched = 0;
  std::uint64_t rows_probed = 0;
  std::uint64_t ignored_deletions = 0;
  std::uint64_t strata_recomputed = 0;  // How often the guard chose recomputing.
  std::uint64_t bytes = 0;              // Of all nodes, the value pool and the machine.
};

}  // namespace entail::rete
