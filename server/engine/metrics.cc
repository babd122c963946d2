#include "server/engine/metrics.h"

#include <fmt/format.h>

#include <cmath>

#include "vm/base/ensure.h"

namespace entail::engine {
namespace {

void append_escaped(std::string_view text, bool is_label, std::string& out) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '\\' || (c == '"' && is_label)) out.push_back('\\');
    out.push_back(c);
  }
}

}  // namespace

std::string metric_value(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  constexpr double kExact = 9'007'199'254'740'992;
  if (value == std::floor(value) && std::fabs(value) < kExact) {
    return fmt::format("{}", static_cast<std::int64_t>(value));
  }
  return fmt::format("{}", value);
}

void Metrics::add(std::string_view name, bool is_counter, std::string_view help, double value,
                  Labels labels) {
  if (families_.empty() || families_.back().name != name) {
    for (const Family& family : families_) ENTAIL_ENSURE(family.name != name);
    families_.push_back({std::string(name), std::string(help), is_counter, samples_.size()});
  }
  Sample sample;
  sample.name = fmt::format("{}{}", name, is_counter ? "_total" : "");
  sample.value = value;
  if (labels.size() > 0) {
    char before = '{';
    for (const auto& [label, text] : labels) {
      sample.name.push_back(before);
      sample.name += fmt::format("{}=\"", label);
      append_escaped(text, true, sample.name);
      sample.name.push_back('"');
      before = ',';
    }
    sample.name.push_back('}');
  }
  samples_.push_back(std::move(sample));
}

void Metrics::counter(std::string_view name, std::string_view help, double value, Labels labels) {
  add(name, true, help, value, labels);
}

void Metrics::gauge(std::string_view name, std::string_view help, double value, Labels labels) {
  add(name, false, help, value, labels);
}

std::string Metrics::to_openmetrics() const {
  std::string out;
  for (std::size_t f = 0; f < families_.size(); ++f) {
    const Family& family = families_[f];
    out += fmt::format("# TYPE {} {}\n# HELP {} ", family.name,
                       family.is_counter ? "counter" : "gauge", family.name);
    append_escaped(family.help, false, out);
    out.push_back('\n');
    const std::size_t end = f + 1 < families_.size() ? families_[f + 1].first : samples_.size();
    for (std::size_t s = family.first; s < end; ++s) {
      out += fmt::format("{} {}\n", samples_[s].name, metric_value(samples_[s].value));
    }
  }
  return out + "# EOF\n";
}

}  // namespace entail::engine
