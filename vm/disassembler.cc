#include "vm/disassembler.h"

#include <fmt/format.h>

#include "vm/opcodes.h"

namespace entail::vm {

namespace {

constexpr std::string_view kAggregateNames[] = {
    "count",    "count_distinct", "sum_i",  "sum_u",  "sum_f",  "sum_f32",
    "min_i",    "max_i",          "min_u",  "max_u",  "min_f",  "max_f",
    "min_text", "max_text",       "mean_i", "mean_u", "mean_f", "mean_f32"};

std::string list_text(const Program& program, ListKind kind, std::uint32_t position) {
  std::string out = "(";
  for (std::uint16_t i = 0; i < program.lists[position]; ++i) {
    const std::uint16_t item = program.lists[position + 1 + i];
    if (i > 0) out += ' ';
    if (kind == ListKind::kRelations) {
      out += program.relation_names[item];
    } else if (kind == ListKind::kAggregates) {
      out += kAggregateNames[item];
    } else {
      out += item == kNoRegister ? "-" : fmt::format("r{}", item);
    }
  }
  return out + ")";
}

std::string flag_text(const Instruction& in) {
  std::string out;
  const auto view = in.flags & kViewMask;
  if (view == kViewDelta) out += " delta";
  if (view == kViewOld) out += " old";
  if ((in.flags & kNegate) != 0) out += " not";
  if ((in.flags & kLowInclusive) != 0) out += " low<=";
  if ((in.flags & kHighInclusive) != 0) out += " high<=";
  if ((in.flags & kRangeUnsigned) != 0) out += " unsigned";
  if ((in.flags & kRangeFloat) != 0) out += " float";
  return out;
}

}  // namespace

std::string disassemble(const Program& program, const Instruction& in) {
  const OpcodeInfo& info = opcode_info(in.op);
  std::string out = fmt::format("{:<15}", info.name);
  for (std::size_t i = 0; i < info.operands.size(); ++i) {
    const std::uint32_t value = operand(in, i);
    switch (info.operands[i]) {
      case '-':
        break;
      case 'r':
        out += fmt::format(" r{}", value);
        break;
      case 'x':
        out += value == kNoRegister ? std::string() : fmt::format(" rank=r{}", value);
        break;
      case 'y':
        out += value == kNoRegister ? std::string() : fmt::format(" rows=l{}", value);
        break;
      case 'E':
        out += fmt::format(" err=r{}", value);
        break;
      case 'l':
        out += fmt::format(" l{}", value);
        break;
      case 'b':
        out += fmt::format(" b{}", value);
        break;
      case 'c':
        out += fmt::format(" c{}", value);
        break;
      case 'R':
        out += " " + program.relation_names[value];
        break;
      case 'I':
        out += fmt::format(" index{}", value);
        break;
      case 'j':
        out += fmt::format(" ->{}", value);
        break;
      case 'L':
        out += " " + list_text(program, list_kind(in.op), value);
        break;
      case 'F':
        out += fmt::format(" fragment{}", value);
        break;
      case 'A':
        out += fmt::format(" acc{}", value);
        break;
      case 'K':
        if (value > 0) out += fmt::format(" ranks{}", value);
        break;
      case 'G':
        out += fmt::format(" groups{}", value);
        break;
      default:
        out += fmt::format(" {}", value);
    }
  }
  return out + flag_text(in);
}

std::string disassemble(const Program& program) {
  std::string out = "control:\n";
  std::vector<std::string> titles(program.code.size());
  for (std::size_t i = 0; i < program.fragments.size(); ++i) {
    const Fragment& f = program.fragments[i];
    titles[f.entry] =
        fmt::format("fragment{} {}  [{} registers, {} row registers, {} batches, {} cursors]\n", i,
                    f.name, f.registers, f.row_registers, f.batches, f.cursors);
    for (const ConstantRegister& constant : program.constants) {
      if (constant.fragment != i) continue;
      titles[f.entry] +=
          fmt::format("       r{} = {:#x}\n", constant.register_number, constant.word);
    }
  }
  for (const ParameterRegister& parameter : program.parameters) {
    titles[program.fragments[parameter.fragment].entry] +=
        fmt::format("       r{} = word {} of parameter {}\n", parameter.register_number,
                    parameter.word, parameter.parameter + 1);
  }
  for (std::size_t position = 0; position < program.code.size(); ++position) {
    out += titles[position];
    const bool entered = position == program.entry || position == program.resume_entry;
    out += fmt::format("{} {:4} {}\n", entered && is_control(program.code[position].op) ? '>' : ' ',
                       position, disassemble(program, program.code[position]));
  }
  return out;
}

}  // namespace entail::vm
