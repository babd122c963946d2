// compiler/internal/fragment_builder.h - bytecode under construction: a program, and one fragment of it.
//
// Registers hold 8 KB each, so the fewer a fragment uses, the more of its frame stays in the cache. A
// register is *used* while something may read it, *frozen* while an enclosing loop reads it again for each
// batch of an inner one, and *pinned* for the whole fragment when it holds a constant.
//
// Jumps inside a fragment are relative to its first instruction until ProgramBuilder::add_fragment()
// moves it to its place.
//
// Threads: one.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/layout.h"
#include "datalog/rule_program.h"
#include "grammar/source_span.h"
#include "vm/base/expected.h"
#include "vm/program.h"
#include "vm/value_pool.h"

namespace entail::compiler::internal {

class RegisterPool {
 public:
  std::uint16_t allocate();            // The lowest free one.
  std::uint16_t allocate_pinned();     // Never used before, never freed.
  void release(std::uint16_t number);  // Nothing if it is frozen or pinned.
  void freeze(std::uint16_t number);
  std::uint16_t count() const { return static_cast<std::uint16_t>(states_.size()); }

  // The states now, and a return to them: what was allocated since is free, but for constants.
  using Snapshot = std::vector<std::uint8_t>;
  Snapshot snapshot() const { return states_; }
  void restore(const Snapshot& snapshot);

 private:
  enum State : std::uint8_t { kFree, kUsed, kFrozen, kPinned };
  std::vector<std::uint8_t> states_;
};

// A value in registers of the current batch.
struct Value {
  vm::Type type;
  std::array<std::uint16_t, 2> words{vm::kNoRegister, vm::kNoRegister};
  std::uint16_t null = vm::kNoRegister;   // None: never null.
  std::uint16_t error = vm::kNoRegister;  // None: cannot fail. 0 where there is no error.
  bool uniform = false;                   // Constant registers: the same in every batch.

  unsigned word_count() const { return words[1] == vm::kNoRegister ? 1 : 2; }
};

// What all fragments of a program share.
class ProgramBuilder {
 public:
  // `types` are the program's; `files`, which tells lines and columns, may be null.
  ProgramBuilder(const datalog::RuleProgram& rules, vm::ValuePool& pool,
                 const grammar::SourceFiles* files)
      : rules_(rules), pool_(pool), files_(files) {}

  vm::Program& program() { return program_; }
  const datalog::RuleProgram& rules() const { return rules_; }
  vm::ValuePool& pool() { return pool_; }

  // The operand that stands for the relation in this program.
  std::uint16_t operand_of(datalog::RelationId relation);
  const std::vector<datalog::RelationId>& operands() const { return operands_; }

  // The word of a text, bytes, json or numeric constant, with a reference that the program keeps.
  vm::Word text_constant(const std::string& text);
  const std::vector<vm::Word>& retained() const { return retained_; }

  std::uint32_t type_position(vm::Type type);
  std::uint32_t call_site(vm::ScalarCallSite site);  // Position in Program::calls.
  std::uint32_t place_of(datalog::RuleId rule_id, const datalog::Rule& rule,
                         const datalog::Expression& expression);

  // Appends a finished fragment's code behind what is there; control code comes first, so all
  // fragments are added by link().
  std::uint32_t add_fragment(vm::Fragment fragment, std::vector<vm::Instruction> code);
  // Puts `control` before the fragments and fixes every jump. Jumps in control are positions in it.
  void link(std::vector<vm::Instruction> control);

  // The first construct that cannot be emitted; emission goes on and its result is dropped.
  void refuse(std::string message);
  const std::optional<Error>& refused() const { return refused_; }

 private:
  const datalog::RuleProgram& rules_;
  vm::ValuePool& pool_;
  const grammar::SourceFiles* files_;
  vm::Program program_;
  std::vector<std::vector<vm::Instruction>> codes_;  // By fragment, until link().
  std::vector<datalog::RelationId> operands_;
  std::map<datalog::RelationId, std::uint16_t> operand_by_relation_;
  std::optional<Error> refused_;
  std::vector<vm::Word> retained_;
};

class FragmentBuilder {
 public:
  FragmentBuilder(ProgramBuilder& owner, datalog::RuleId rule_id, const datalog::Rule& rule,
                  std::string name);

  ProgramBuilder& owner() { return owner_; }
  const datalog::Rule& rule() const { return rule_; }
  datalog::RuleId rule_id() const { return rule_id_; }

  std::uint32_t position() const { return static_cast<std::uint32_t>(code_.size()); }
  // Appends an instruction and returns its position.
  std::uint32_t emit(vm::Instruction instruction);
  std::uint32_t emit(vm::Opcode op, std::uint16_t a = 0, std::uint16_t b = 0, std::uint16_t c = 0,
                     std::uint16_t d = 0, std::uint32_t e = 0, std::uint32_t f = 0,
                     std::uint16_t flags = 0);
  vm::Instruction& at(std::uint32_t position) { return code_[position]; }
  std::uint32_t list(const std::vector<std::uint16_t>& elements);

  RegisterPool& words() { return words_; }
  RegisterPool& rows() { return rows_; }
  std::uint16_t batch() { return fragment_.batches++; }
  std::uint16_t cursor() { return fragment_.cursors++; }
  std::uint16_t accumulator() { return fragment_.accumulators++; }
  std::uint16_t constant(vm::Word word);
  // A word of a value that the run is given; its null flag is behind its value words.
  std::uint16_t parameter(std::uint32_t number, std::uint16_t word);
  vm::Fragment& fragment() { return fragment_; }

  // Temporaries: registers of an expression's intermediate results. keep_temporaries() frees all those
  // taken since `mark` but the ones in `kept`, which stay temporaries; adopt() makes a temporary a
  // register that its new owner releases.
  std::size_t temporaries() const { return temporaries_.size(); }
  std::uint16_t temporary();
  void keep_temporaries(std::size_t mark, const std::vector<std::uint16_t>& kept);
  void adopt(std::uint16_t number);
  bool is_temporary(std::uint16_t number) const;

  // Ends the fragment and gives it to the program; returns its number.
  std::uint32_t finish();

 private:
  ProgramBuilder& owner_;
  datalog::RuleId rule_id_;
  const datalog::Rule& rule_;
  vm::Fragment fragment_;
  std::vector<vm::Instruction> code_;
  RegisterPool words_;
  RegisterPool rows_;
  std::map<vm::Word, std::uint16_t> constants_;
  std::map<std::pair<std::uint32_t, std::uint16_t>, std::uint16_t> parameters_;
  std::vector<std::uint16_t> temporaries_;
};

}  // namespace entail::compiler::internal
