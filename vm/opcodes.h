// vm/opcodes.h - what opcodes.def says, as a table to look things up in.
//
// The verifier checks operands by it, the disassembler prints by it, and it is the manual page.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "vm/program.h"

namespace entail::vm {

struct OpcodeInfo {
  std::string_view name;
  std::string_view
      operands;  // One letter for each of the fields a … f; opcodes.def has the letters.
  std::string_view effect;
  std::string_view sentence;
};

const OpcodeInfo& opcode_info(Opcode op);

// What the elements of an instruction's list operands are.
enum class ListKind : std::uint8_t { kRegisters, kRelations, kAggregates };
ListKind list_kind(Opcode op);

// Whether the instruction belongs to control code, to fragments, or to both (Jump).
bool is_control(Opcode op);
bool is_fragment(Opcode op);

// The value of the field that operand letter `position` (0 is a) describes.
std::uint32_t operand(const Instruction& instruction, std::size_t position);

// Every opcode with its operands, effect and sentence: `entail explain --stage=opcodes`.
std::string opcode_manual();

}  // namespace entail::vm
