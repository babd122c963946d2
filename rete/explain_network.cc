// What a network is made of and what it has done, as text and as a graph.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "datalog/body_walk.h"
#include "datalog/program_printer.h"
#include "rete/internal/network_impl.h"

namespace entail::rete {

namespace {

using compiler::FragmentRole;
using compiler::StandingKind;
using datalog::RelationId;

const char* name_of(StandingKind kind) {
  switch (kind) {
    case StandingKind::kCounted:
      return "counted";
    case StandingKind::kRanked:
      return "ranked";
    case StandingKind::kReduced:
      return "groups";
    case StandingKind::kEquivalence:
      return "classes";
    case StandingKind::kRecomputed:
      return "recomputed";
    case StandingKind::kRegrouped:
      return "regrouped";
    case StandingKind::kOrdered:
      return "ordered";
    case StandingKind::kTimed:
      return "timed";
  }
  return "";
}

// Fragment names are rules, and what of them the fragment follows behind two slashes.
std::string rule_part(const std::string& name) { return name.substr(0, name.find("  // ")); }
std::string version_part(const std::string& name) {
  const std::size_t slashes = name.find("  // ");
  return slashes == std::string::npos ? std::string() : name.substr(slashes + 5);
}

std::string dot_text(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

}  // namespace

NetworkStatistics Network::statistics() const {
  const Impl& impl = *impl_;
  NetworkStatistics result;
  for (const TimedStream& stream : impl.streams) {
    result.streams.push_back({impl.original_relations[datalog::index_of(stream.stream)].name,
                              stream.counts.late, stream.counts.dropped, stream.counts.expired});
  }
  const auto& counters = impl.state.machine->counters();
  for (std::uint32_t s = 0; s < impl.state.form.strata.size(); ++s) {
    for (const auto& part : impl.nodes[s].parts) {
      NodeStatistics node = part->work;
      node.node =
          std::string(name_of(impl.state.form.strata[s].kind)) + " " +
          impl.state.form.program.relation(impl.state.form.strata[s].relations.front()).name;
      node.bytes = part->bytes_used();
      result.nodes.push_back(std::move(node));
    }
    for (std::size_t i = 0; i < impl.state.code.fragments.size(); ++i) {
      const compiler::StandingFragment& fragment = impl.state.code.fragments[i];
      if (impl.node_of_rule(fragment.rule) != s) continue;
      const vm::FragmentCounters& work = counters[fragment.number];
      NodeStatistics node;
      node.node = "rule " + impl.state.code.program.fragments[fragment.number].name;
      node.activations = work.runs;
      node.rows_touched = work.rows_scanned + work.rows_matched;
      node.rows_probed = work.rows_probed;
      node.rows_changed = work.candidates;
      result.nodes.push_back(std::move(node));
    }
    for (const RelationId id : impl.state.form.strata[s].relations) {
      const RelationNode& relation = impl.state.relations[datalog::index_of(id)];
      NodeStatistics node = relation.work;
      node.rows = relation.rows->size();
      node.bytes = relation.rows->bytes_used() + relation.derived.bytes_used() +
                   relation.readers.bytes_used();
      for (const StatedRun& run : relation.stated) node.bytes += run.bytes_used();
      result.ignored_deletions += relation.rows->ignored_deletions();
      result.nodes.push_back(std::move(node));
    }
  }
  if (impl.agenda) {
    NodeStatistics agenda;
    agenda.node = "agenda";
    agenda.rows = impl.agenda->waiting();
    agenda.bytes = impl.agenda->bytes_used();
    result.nodes.push_back(std::move(agenda));
  }
  NodeStatistics errors;
  errors.node = "errors";
  errors.rows = impl.state.errors.instances().size();
  errors.bytes = impl.state.errors.bytes_used();
  result.nodes.push_back(std::move(errors));
  NodeStatistics machine;
  machine.node = "machine";
  machine.bytes = impl.state.machine->bytes_used();
  result.nodes.push_back(std::move(machine));
  NodeStatistics values;
  values.node = "texts and records";
  values.bytes = impl.options.pool->bytes_used();
  result.nodes.push_back(std::move(values));
  for (const NodeStatistics& node : result.nodes) {
    result.rows_touched += node.rows_touched;
    result.rows_probed += node.rows_probed;
    result.bytes += node.bytes;
  }
  for (const NodeOfStratum& node : impl.nodes) {
    for (const auto& part : node.parts) {
      if (const auto* ranked = dynamic_cast<const RankedStratum*>(part.get())) {
        result.strata_recomputed += ranked->times_recomputed();
      }
    }
  }
  result.steps = impl.steps;
  return result;
}

std::string Network::to_text() const {
  const Impl& impl = *impl_;
  const datalog::RuleProgram& program = impl.state.form.program;
  const auto& counters = impl.state.machine->counters();
  std::string out;
  for (std::uint32_t s = 0; s < impl.state.form.strata.size(); ++s) {
    const compiler::StandingStratum& stratum = impl.state.form.strata[s];
    out += fmt::format("node {}  {}\n", s, name_of(stratum.kind));
    for (const RelationId id : stratum.relations) {
      const RelationNode& relation = impl.state.relations[datalog::index_of(id)];
      out += fmt::format("  memory {}  {} rows, {} bytes\n", program.relation(id).name,
                         relation.rows->size(), relation.rows->bytes_used());
    }
    for (const datalog::RuleId id : stratum.rules) {
      if (program.rule(id).body.empty()) continue;
      out += "  " + datalog::print_rule(program, program.rule(id)) + "\n";
      for (std::size_t i = 0; i < impl.state.code.fragments.size(); ++i) {
        const compiler::StandingFragment& fragment = impl.state.code.fragments[i];
        if (fragment.rule != id) continue;
        const vm::FragmentCounters& work = counters[fragment.number];
        const std::string version =
            version_part(impl.state.code.program.fragments[fragment.number].name);
        out += fmt::format("    {}", version);
        if (fragment.role == FragmentRole::kChange) {
          out += fmt::format(" of {}{}", fragment.is_negated ? "not " : "",
                             program.relation(fragment.source).name);
        }
        out += fmt::format("  {} runs, {} rows touched, {} derived\n", work.runs,
                           work.rows_scanned + work.rows_matched, work.candidates);
        std::string_view plan = impl.state.code.plans[i];
        while (!plan.empty()) {
          const std::size_t end = std::min(plan.find('\n'), plan.size() - 1);
          out += "    " + std::string(plan.substr(0, end + 1));
          plan.remove_prefix(end + 1);
        }
      }
    }
  }
  return out;
}

std::string Network::to_dot() const {
  const Impl& impl = *impl_;
  const datalog::RuleProgram& program = impl.state.form.program;
  const auto& counters = impl.state.machine->counters();
  std::string out = "digraph network {\n  rankdir=LR;\n  node [fontname=\"monospace\"];\n";
  for (std::size_t i = 0; i < impl.state.relations.size(); ++i) {
    const RelationNode& relation = impl.state.relations[i];
    out += fmt::format("  r{} [shape=box, label=\"{}\\n{} rows\"];\n", i,
                       dot_text(program.relations[i].name), relation.rows->size());
  }
  std::set<datalog::RuleId> drawn;
  for (const compiler::StandingFragment& fragment : impl.state.code.fragments) {
    const auto rule = datalog::index_of(fragment.rule);
    if (drawn.insert(fragment.rule).second) {
      const auto head = datalog::index_of(program.rule(fragment.rule).head.relation);
      out += fmt::format(
          "  j{} [shape=ellipse, label=\"{}\"];\n  j{} -> r{};\n", rule,
          dot_text(rule_part(impl.state.code.program.fragments[fragment.number].name)), rule, head);
    }
    if (fragment.role != FragmentRole::kChange) continue;
    out += fmt::format("  r{} -> j{} [label=\"{}\"{}];\n", datalog::index_of(fragment.source), rule,
                       counters[fragment.number].runs, fragment.is_negated ? ", style=dashed" : "");
  }
  for (const compiler::StandingStratum& stratum : impl.state.form.strata) {
    if (stratum.kind == StandingKind::kEquivalence) {
      out += fmt::format("  r{} -> r{} [label=\"classes\"];\n", datalog::index_of(stratum.pairs),
                         datalog::index_of(stratum.relations.front()));
    }
    if (stratum.kind == StandingKind::kTimed) {
      for (const RelationId from : {stratum.timer.source, stratum.timer.clock}) {
        out += fmt::format("  r{} -> r{} [label=\"timed\"];\n", datalog::index_of(from),
                           datalog::index_of(stratum.relations.front()));
      }
    }
    if (stratum.kind != StandingKind::kRecomputed) continue;
    const auto own = datalog::index_of(stratum.relations.front());
    for (const datalog::RuleId id : stratum.rules) {
      datalog::walk_rule_matches(program.rule(id),
                                 [&](const datalog::Match& match, datalog::Reading) {
                                   out += fmt::format("  r{} -> r{} [label=\"recomputed\"];\n",
                                                      datalog::index_of(match.relation), own);
                                 });
    }
  }
  return out + "}\n";
}

}  // namespace entail::rete
