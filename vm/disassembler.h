// vm/disassembler.h - a program as text, one line an instruction.
//
// For people, tests and diffs: `entail explain --stage=bytecode`. Stable: the same program gives the
// same text.
#pragma once

#include <string>

#include "vm/program.h"

namespace entail::vm {

// Control code, then each fragment under its name with the sizes of its frame.
std::string disassemble(const Program& program);
std::string disassemble(const Program& program, const Instruction& instruction);

}  // namespace entail::vm
