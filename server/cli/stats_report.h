// server/cli/stats_report.h - --stats: where the time and the memory of a run went, as a table.
//
//     phase      seconds        rows
//     program      0.002
//     facts        0.231  10,000,000
//     …
//     stratum 1, recursive, 12 rounds, 0.120 s
//        seconds     scanned     matched     derived         new  rule
//          0.118   1,200,000   3,000,000   3,000,000   1,000,000  delta 1  path(x, z) :- …
//     relation        rows       bytes   in indexes
//     path       1,000,000  12,000,000    8,000,000
//
// Derived counts rows known already, new does not. Threads: pure.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/statistics.h"
#include "datalog/rule_program.h"

namespace entail::cli {

struct PhaseTime {
  std::string name;
  std::int64_t nanoseconds = 0;
  std::optional<std::uint64_t> rows;
};

struct RelationSize {
  std::string name;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t index_bytes = 0;
};

struct RunReport {
  std::vector<PhaseTime> phases;
  compiler::EvaluationStatistics evaluation;
  std::vector<RelationSize> relations;
  std::uint64_t pool_bytes = 0;  // Texts and records.
};

std::string format_report(const RunReport& report, const datalog::RuleProgram& program);

}  // namespace entail::cli
