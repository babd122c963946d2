// vm/verifier.h - whether a program may run.
//
// Every operand of every instruction is checked by its letter in opcodes.def: registers, batches and
// cursors exist in the fragment's frame, relations and lists in the program, jumps stay inside the
// fragment (or control code) they start in, constants are not written. What passes cannot make the
// interpreter read or write outside its frame.
#pragma once

#include "vm/base/expected.h"
#include "vm/program.h"

namespace entail::vm {

// kInvalidArgument with the position and the reason at the first instruction that is wrong.
// Cost: linear in the code.
Expected<void> verify_program(const Program& program);

}  // namespace entail::vm
