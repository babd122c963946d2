// server/cli/follow_output.h - what `entail follow` prints: versions, answers, errors in data.
//
//     # version 3                     {"version":3,"changes":[{"relation":"path","sign":-1,"row":[2,3]},
//     -path(2,3)                       {"relation":"path","sign":1,"row":[1,2]}],
//     +path(1,2)                       "emitted":[{"relation":"alert","row":["late"]}]}
//     ! alert("late")
//
// Changes are in the order of the relations in the program, then of the rows' values, `-` before `+`.
// As text they are spelled as `entail follow` reads them. Answers to a question are facts, one a line, or
// objects by column.
//
// Nothing is written here: callers take text() when they flush. Threads: one.

#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rete/network.h"
#include "server/cli/fact_form.h"
#include "server/cli/network_run.h"

namespace entail::cli {

class FollowOutput {
 public:
  // The run must outlive the output.
  FollowOutput(NetworkRun& run, bool as_json);

  void echo(std::string_view line);
  void add_commit(const rete::Committed& committed);
  // The version and every row of the outputs as appearing.
  void add_snapshot();
  void add_answers(const AtomPattern& pattern);

  // What has gathered and is not taken yet.
  std::string& text() { return text_; }

 private:
  // Sorted rows with their signs.
  struct SignedRows {
    datalog::RelationId relation{};
    std::vector<std::vector<vm::Word>> columns;  // The row's words, then the sign.
    std::size_t size = 0;
  };

  const RowShape& shape(datalog::RelationId id);
  SignedRows sorted(const rete::NetChange& change);
  void print(vm::Version version, const std::vector<SignedRows>& changes,
             const std::vector<rete::EmittedRow>& emitted);
  void print_json(vm::Version version, const std::vector<SignedRows>& changes,
                  const std::vector<rete::EmittedRow>& emitted);
  void append_json_row(const RowShape& shape, const vm::Word* row);
  void append_json_object(const RowShape& shape, const vm::Word* row);
  void add_answer(std::string_view name, const RowShape& shape, const vm::Word* row);

  NetworkRun& run_;
  bool as_json_;
  std::string text_;
  std::vector<RowShape> shapes_;
  RowShape errors_shape_;
};

// What changed between two lists of errors in data, a line each; empty if nothing did.
//     entail.errors: path a.dl:3:17: division by zero in 'a / b' (a = 5, b = 0)
//     entail.errors: withdrawn: path a.dl:3:17: division by zero in …
std::string describe_error_changes(const datalog::RuleProgram& program,
                                   std::span<const rete::ErrorInstance> before,
                                   std::span<const rete::ErrorInstance> now);

}  // namespace entail::cli
