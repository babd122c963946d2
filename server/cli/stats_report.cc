#include "server/cli/stats_report.h"

#include <fmt/format.h>

#include "datalog/program_printer.h"
#include "server/cli/text_table.h"
#include "vm/base/text.h"

namespace entail::cli {
namespace {

constexpr double kNanosecondsPerSecond = 1e9;

std::string seconds(std::int64_t nanoseconds) {
  return fmt::format("{:.3f}", static_cast<double>(nanoseconds) / kNanosecondsPerSecond);
}

void add_stratum(const compiler::StratumStatistics& stratum, const datalog::RuleProgram& program,
                 std::string& out) {
  std::string title = fmt::format("stratum {}", stratum.stratum);
  if (stratum.stratum < program.strata.size()) {
    const datalog::Stratum& described = program.strata[stratum.stratum];
    std::vector<std::string> names;
    for (const datalog::RelationId id : described.relations) {
      names.push_back(program.relation(id).name);
    }
    title += ": " + join(names, ", ");
    if (described.recursive) title += ", recursive";
  }
  out += fmt::format("{}, {}, {} s\n", title, count_of(stratum.rounds, "round"),
                     seconds(stratum.nanoseconds));
  if (stratum.rules.empty()) return;
  TextTable table(false);
  table.add({"seconds", "scanned", "matched", "derived", "new", "rule"});
  for (const compiler::RuleStatistics& rule : stratum.rules) {
    std::string text = rule.version;
    if (datalog::index_of(rule.rule) < program.rules.size()) {
      text += "  " + datalog::print_rule(program, program.rule(rule.rule));
    }
    table.add({seconds(rule.nanoseconds), with_thousands(rule.rows_scanned),
               with_thousands(rule.rows_matched), with_thousands(rule.candidates),
               with_thousands(rule.rows_inserted), text});
  }
  table.print("  ", true, out);
}

}  // namespace

std::string format_report(const RunReport& report, const datalog::RuleProgram& program) {
  std::string out;
  TextTable phases(true);
  phases.add({"phase", "seconds", "rows"});
  for (const PhaseTime& phase : report.phases) {
    phases.add({phase.name, seconds(phase.nanoseconds),
                phase.rows ? with_thousands(*phase.rows) : std::string()});
  }
  phases.print("", false, out);
  out += "\n";
  for (const compiler::StratumStatistics& stratum : report.evaluation.strata) {
    if (stratum.rules.empty()) continue;  // Facts only.
    add_stratum(stratum, program, out);
  }
  out += "\n";
  TextTable relations(true);
  relations.add({"relation", "rows", "bytes", "in indexes"});
  std::uint64_t bytes = report.pool_bytes;
  for (const RelationSize& relation : report.relations) {
    bytes += relation.bytes;
    relations.add({relation.name, with_thousands(relation.rows), with_thousands(relation.bytes),
                   with_thousands(relation.index_bytes)});
  }
  relations.add({"(texts and records)", "", with_thousands(report.pool_bytes), ""});
  relations.add({"(all)", with_thousands(report.evaluation.rows_derived) + " derived",
                 with_thousands(bytes), ""});
  relations.print("", false, out);
  return out;
}

}  // namespace entail::cli
