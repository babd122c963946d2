// server/cli/relation_use.h - what each relation of a program is for.
//
// A relation *leads to output* when an output, a query, a sink or a production reads it, or reads
// what is derived from it. Facts of others need not be read: Souffle does not open their files, and
// programs rely on it.
//
// Cost: linear in the program. Threads: pure.

#pragma once

#include <vector>

#include "datalog/rule_program.h"

namespace entail::cli {

struct RelationUse {
  bool has_facts = false;  // In the program.
  bool has_rules = false;
  bool is_input = false;
  bool is_output = false;
  bool is_read = false;
  bool leads_to_output = false;
};

// By relation.
std::vector<RelationUse> relation_uses(const datalog::RuleProgram& program);

}  // namespace entail::cli
