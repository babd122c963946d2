// compiler/internal/emit_body.h - the steps of a plan as nested resumable loops over batches.
//
//     scan a; filter f; probe b; insert          0  ScanOpen            source
//                                                1  ScanNext  else End  <---------+
//                                                   Filter                        |
//                                                   ProbeOpen                     |
//                                                2  ProbeNext else 1  <---+       |
//                                                   Insert                |       |
//                                                   Jump 2  --------------+ ------+
//
// Terms
//   environment   what is known of each live variable in the current batch: registers, or the row it can
//                 be loaded from (*lazy*; loaded where it is first needed)
//   contraction   a new batch with fewer rows: live values are taken through the lanes kept
//   expansion     a loop over the matches of the batch; registers that the loop reads again are frozen
//   rank          the highest rank among the ranked premises read so far, a register beside the variables
//
// Conditions wait as one flag register and are filtered together before the next step that costs more.
//
// Threads: one.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "compiler/internal/emit_expression.h"
#include "compiler/internal/fragment_builder.h"
#include "compiler/plan.h"

namespace entail::compiler::internal {

struct Slot {
  bool loaded = false;
  Value value;            // Loaded.
  std::uint16_t row = 0;  // Lazy: a row register, and the column of the relation it names rows of.
  datalog::RelationId relation{};
  std::uint32_t column = 0;
};

struct Environment {
  std::uint16_t batch = 0;
  std::map<datalog::VariableId, Slot> slots;
  std::uint16_t origin = vm::kNoRegister;  // Row register: which outer row this one belongs to.
  std::uint16_t rank = vm::kNoRegister;    // None: no ranked premise so far.
};

// What a body is emitted for.
enum class EmitFor : std::uint8_t {
  kOnce,      // One-shot evaluation: an expression that fails ends the run.
  kStanding,  // A standing program: what fails goes to the error side, its row goes no further.
  kBound,  // Likewise; the source is given rows of the head, which are no premises, and each row tells
           // which of them it came from.
};

class BodyEmitter {
 public:
  BodyEmitter(FragmentBuilder& fragment, const std::vector<RelationLayout>& layouts,
              const std::set<datalog::RelationId>& ranked, EmitFor purpose = EmitFor::kOnce)
      : f_(fragment), layouts_(layouts), ranked_(ranked), purpose_(purpose) {}

  // The whole pipeline: source, steps, then `at_end` in the innermost loop; behind it every exit. `needed`
  // is what at_end asks for, `after_source_open` runs behind the source's first instruction.
  void run_pipeline(const std::vector<Step>& steps, const std::set<datalog::VariableId>& needed,
                    const std::function<void()>& at_end,
                    const std::function<void()>& after_source_open = {});
  // The same over the groups of a table, which take the place of the first step; without a table, over
  // groups that the run is given.
  void run_groups(const std::vector<Step>& steps, std::optional<std::uint16_t> group_table,
                  const std::set<datalog::VariableId>& needed, const std::function<void()>& at_end);

  // The same over rows that the run is given: words of the variables, laid out like `columns`. `words`: how
  // many there are.
  // `rank_table`: from 1, where the rows are those of a rank table.
  void run_given(const std::vector<datalog::VariableId>& variables,
                 const std::vector<ColumnLayout>& columns, std::uint32_t words,
                 const std::vector<Step>& steps, const std::set<datalog::VariableId>& needed,
                 const std::function<void()>& at_end, std::uint16_t rank_table = 0);

  // Evaluates an expression in the current batch; raises its errors. The result's registers are
  // temporaries or belong to a variable.
  Value evaluate(const datalog::Expression& expression);
  // Derives a row of the relation from the head's terms.
  void insert(const datalog::Head& head);
  // Standing: hands the head's row on, with its rank where the relation is ranked.
  void emit_head(const datalog::Head& head);
  // Standing: hands on key words, then for each aggregate with an argument its value and its null flag.
  void emit_group_input(const datalog::Reduce& reduce);
  // Standing: hands on the values, laid out like `columns`.
  void emit_values(const std::vector<datalog::Expression>& values,
                   const std::vector<ColumnLayout>& columns, std::uint16_t rank_table = 0);
  // Standing, bound: hands on which given row is derived, with the rank of the derivation.
  void emit_origin();
  // Adds the rows of the batch to the groups: keys, then values.
  void step_groups(const datalog::Reduce& reduce, std::uint16_t group_table);
  std::vector<std::uint16_t> group_kinds(const datalog::Reduce& reduce);
  static std::uint16_t group_key_words(const datalog::Reduce& reduce);

  // The words a value has in a column; `must_be_null_free` collects null flags of values that the column
  // cannot hold.
  void append_column_words(const Value& value, const ColumnLayout& column,
                           std::vector<std::uint16_t>& words,
                           std::vector<std::uint16_t>& must_be_null_free);

 private:
  using VariableId = datalog::VariableId;
  using Live = std::vector<VariableId>;

  static std::uint16_t view_flags_of(const Step& step) {
    return static_cast<std::uint16_t>(step.view);
  }

  const RelationLayout& layout(datalog::RelationId id) const {
    return layouts_[datalog::index_of(id)];
  }

  void run_steps(const std::vector<Step>& steps, const Live& final_live);
  void run_step(const Step& step);

  void emit_source(const Step& step);
  void emit_probe(const Step& step);
  void emit_equivalence(const Step& step);
  void emit_member(const Step& step);
  void emit_test(const Step& step, const std::vector<std::uint16_t>& words, bool negate);
  void emit_filter(const Step& step);
  void emit_bind(const Step& step);
  void emit_each(const Step& step);
  void emit_mark(const Step& step);
  void emit_count(const Step& step);
  void emit_reduce(const Step& step);

  // Runs the inner steps over the current batch as origins, `at_end` innermost; the environment and the
  // registers of the outer batch are as before when it returns.
  void run_inner(const std::function<void()>& inside, const std::function<void()>& at_end);
  void mark_pipeline(bool negate, const Live& live, const std::function<void()>& inside);

  // Loops.
  void open_loop(std::uint32_t next_instruction);  // Sets where it goes when nothing is left.
  void close_loops();                              // Jumps back; patches the exits to what follows.

  // Batches.
  void add_condition(std::uint16_t flag);
  void flush();  // Filters by the waiting condition.
  void contract(std::uint16_t lanes, std::uint16_t batch, const Live& live);
  // Prepares the outer batch for a loop in which `live` is taken through lanes.
  void prepare_expansion(const Live& live);
  void expand(std::uint16_t lanes, std::uint16_t batch, const Live& live);
  void release_dead(const Environment& before, const Environment& after);

  // Values.
  Value variable_value(VariableId variable);
  bool is_bound(VariableId variable) const { return environment_.slots.count(variable) != 0; }
  // Gives the variable its value, or compares where it has one.
  void bind_or_compare(VariableId variable, const Value& value);
  Value load_column(std::uint16_t row, datalog::RelationId relation, std::uint32_t column);
  // The columns of a match that the step did not compare, behind a row register.
  void bind_match(const Step& step, std::uint16_t row, bool compare_given);
  // The row's rank counts among those of the premises, if its relation carries ranks.
  void join_rank(datalog::RelationId relation, std::uint16_t row);
  ExpressionEmitter expressions();
  Value raise(const datalog::Expression& expression, Value value);
  void divert(const datalog::Expression& expression, std::uint16_t error);
  // Evaluates; if that left conditions (null flags, errors), filters by them and evaluates again what is
  // left. `collect` fills null flags that must be 0.
  void settle(const std::function<void(std::vector<std::uint16_t>& null_free)>& collect);
  void collect_group_keys(const datalog::Reduce& reduce, std::vector<std::uint16_t>& words,
                          std::vector<std::uint16_t>& null_free);
  std::uint16_t next_rank();  // Of what is derived here.
  void collect_head(const datalog::Head& head, std::vector<std::uint16_t>& words,
                    std::vector<std::uint16_t>& null_free);
  // Filters by null flags that must be 0.
  void require_null_free(const std::vector<std::uint16_t>& flags);
  std::vector<std::uint16_t> given_words(const Step& step, std::vector<std::uint16_t>& null_free);
  void own(Value& value);  // Makes the registers of a temporary value the environment's.
  bool is_live(VariableId variable) const;
  void drop_temporaries() { f_.keep_temporaries(0, {}); }

  std::uint16_t aggregate_kind(const datalog::Aggregate& aggregate);
  void append_arguments(const datalog::Aggregate& aggregate, std::vector<std::uint16_t>& list);
  Value aggregate_result(const datalog::Aggregate& aggregate, std::uint16_t word);
  bool is_sql(const datalog::Aggregate& aggregate) const;
  std::uint16_t sql_aggregate_kind(const datalog::Aggregate& aggregate);
  void append_extras(const datalog::Aggregate& aggregate, const Value& value);
  // The list of AggStep and GroupStep; that of results, appended, and what the results are; and their
  // variables.
  std::vector<std::uint16_t> step_arguments(const datalog::Reduce& reduce);
  std::vector<Value> result_registers(const datalog::Reduce& reduce,
                                      std::vector<std::uint16_t>& list);
  void bind_results(const datalog::Reduce& reduce, const std::vector<Value>& results);

  FragmentBuilder& f_;
  const std::vector<RelationLayout>& layouts_;
  const std::set<datalog::RelationId>& ranked_;
  EmitFor purpose_;
  std::vector<std::uint16_t>
      extras_;               // Of the step under construction: what SQL's aggregates need beside.
  bool is_settled_ = false;  // Errors and nulls of what is evaluated now are filtered already.
  Environment environment_;
  std::uint16_t condition_ = vm::kNoRegister;
  Live live_before_;  // What the step that runs now and those behind it need.
  Live live_after_;   // What those behind it need.
  std::optional<std::uint32_t> innermost_next_;
  std::vector<std::uint32_t> exits_;  // Instructions that leave the pipeline.
  std::function<void()> after_source_open_;
};

}  // namespace entail::compiler::internal
