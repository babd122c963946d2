#include "vm/opcodes.h"

namespace entail::vm {

namespace {

constexpr std::array<OpcodeInfo, kOpcodeCount> kInfo = {{
#define OPCODE(name, operands, effect, sentence) {#name, operands, effect, sentence},
#include "vm/opcodes.def"
#undef OPCODE
}};

constexpr bool operands_are_well_formed() {
  for (const OpcodeInfo& info : kInfo) {
    if (info.operands.size() != 6) return false;
    for (const char letter : info.operands) {
      if (std::string_view("rlbcRIjL#FAGKExy-").find(letter) == std::string_view::npos)
        return false;
    }
  }
  return true;
}
static_assert(operands_are_well_formed(), "opcodes.def: six operand letters each");

}  // namespace

const OpcodeInfo& opcode_info(Opcode op) { return kInfo[static_cast<std::size_t>(op)]; }

bool is_control(Opcode op) { return op <= Opcode::kHalt; }
bool is_fragment(Opcode op) { return op == Opcode::kJump || op > Opcode::kHalt; }

ListKind list_kind(Opcode op) {
  if (is_control(op)) return ListKind::kRelations;
  if (op == Opcode::kAggBegin || op == Opcode::kGroupBegin) return ListKind::kAggregates;
  return ListKind::kRegisters;
}

std::uint32_t operand(const Instruction& in, std::size_t position) {
  switch (position) {
    case 0:
      return in.a;
    case 1:
      return in.b;
    case 2:
      return in.c;
    case 3:
      return in.d;
    case 4:
      return in.e;
    default:
      return in.f;
  }
}

std::string opcode_manual() {
  std::string out =
      "Instructions: name, operands a to f (vm/opcodes.def has the letters), effect\n";
  for (const OpcodeInfo& info : kInfo) {
    std::string line = "  ";
    line += info.name;
    line.append(line.size() < 20 ? 20 - line.size() : 1, ' ');
    line += info.operands;
    line += "  ";
    line += info.effect;
    if (!info.sentence.empty()) {
      line += "\n                            ";
      line += info.sentence;
    }
    out += line + "\n";
  }
  return out;
}

}  // namespace entail::vm
