// server/engine/metrics.h - figures of a running database: counters and gauges, as a relation and as text.
//
//     Metrics metrics;
//     metrics.counter("entail_commits", "Versions made.", 17);
//     metrics.gauge("entail_relation_rows", "Rows that a relation has.", 3, {{"relation", "t"}});
//     metrics.to_openmetrics();
//
// What is shown at /metrics and what `SELECT * FROM entail.metrics` gives is the same, collected when it is asked for:
// Engine::metrics(). Whoever has figures of his own registers a function by Engine::add_metrics().
//
// Threads: the engine's. Source: OpenMetrics 1.0.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace entail::engine {

class Metrics {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // `name`: without the suffix _total, which counters' samples get. All samples of a name follow one another.
  void counter(std::string_view name, std::string_view help, double value, Labels labels = {});
  void gauge(std::string_view name, std::string_view help, double value, Labels labels = {});

  struct Sample {
    std::string name;  // With its labels: entail_relation_rows{relation="t"}.
    double value = 0;
  };
  const std::vector<Sample>& samples() const { return samples_; }
  // The text of an exposition, its end included.
  std::string to_openmetrics() const;

 private:
  struct Family {
    std::string name, help;
    bool is_counter = false;
    std::size_t first = 0;  // Of its samples.
  };
  void add(std::string_view name, bool is_counter, std::string_view help, double value,
           Labels labels);

  std::vector<Family> families_;
  std::vector<Sample> samples_;
};

// "17", "0.25": the shortest text that reads back.
std::string metric_value(double value);

}  // namespace entail::engine
