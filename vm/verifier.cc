#include "vm/verifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "vm/disassembler.h"
#include "vm/opcodes.h"

namespace entail::vm {

namespace {

// A stretch of code that jumps may not leave.
struct Section {
  std::uint32_t begin = 0, end = 0;
  const Fragment* fragment = nullptr;  // Null for control code.
};

class Verifier {
 public:
  explicit Verifier(const Program& program) : program_(program) {}

  Expected<void> run() {
    std::vector<Section> sections = find_sections();
    if (program_.entry >= sections[0].end ||
        program_.resume_entry >= std::max(sections[0].end, 1U)) {
      return unexpected(ErrorCode::kInvalidArgument, "the entry is not in control code");
    }
    for (const ConstantRegister& constant : program_.constants) {
      if (constant.fragment >= program_.fragments.size() ||
          constant.register_number >= program_.fragments[constant.fragment].registers) {
        return unexpected(ErrorCode::kInvalidArgument, "a constant register that does not exist");
      }
    }
    for (const ParameterRegister& parameter : program_.parameters) {
      if (parameter.fragment >= program_.fragments.size() ||
          parameter.register_number >= program_.fragments[parameter.fragment].registers) {
        return unexpected(ErrorCode::kInvalidArgument, "a parameter register that does not exist");
      }
    }
    for (const Section& section : sections) {
      for (std::uint32_t position = section.begin; position < section.end; ++position) {
        if (std::string reason = check(section, position); !reason.empty()) {
          return unexpected(ErrorCode::kInvalidArgument,
                            fmt::format("instruction {} ({}): {}", position,
                                        opcode_info(program_.code[position].op).name, reason));
        }
      }
      const Opcode last =
          section.begin == section.end ? Opcode::kHalt : program_.code[section.end - 1].op;
      const Opcode wanted = section.fragment == nullptr ? Opcode::kHalt : Opcode::kEnd;
      if (section.begin == section.end || (last != wanted && last != Opcode::kJump)) {
        return unexpected(ErrorCode::kInvalidArgument,
                          fmt::format("the code before {} runs off its end", section.end));
      }
    }
    return {};
  }

 private:
  std::vector<Section> find_sections() const {
    std::vector<const Fragment*> fragments;
    for (const Fragment& fragment : program_.fragments) fragments.push_back(&fragment);
    std::sort(fragments.begin(), fragments.end(),
              [](const Fragment* a, const Fragment* b) { return a->entry < b->entry; });
    std::vector<Section> sections{{0, static_cast<std::uint32_t>(program_.code.size()), nullptr}};
    for (const Fragment* fragment : fragments) {
      sections.back().end = fragment->entry;
      sections.push_back(
          {fragment->entry, static_cast<std::uint32_t>(program_.code.size()), fragment});
    }
    return sections;
  }

  std::string check(const Section& section, std::uint32_t position) const {
    const Instruction& in = program_.code[position];
    if (static_cast<std::size_t>(in.op) >= kOpcodeCount) return "no such opcode";
    const bool control = section.fragment == nullptr;
    if (control ? !is_control(in.op) : !is_fragment(in.op))
      return control ? "not a control instruction" : "not a fragment instruction";
    const OpcodeInfo& info = opcode_info(in.op);
    for (std::size_t i = 0; i < info.operands.size(); ++i) {
      if (std::string reason = check_operand(section, in, info.operands[i], operand(in, i));
          !reason.empty()) {
        return fmt::format("operand {}: {}", static_cast<char>('a' + i), reason);
      }
    }
    // The first value operand of a vector operation is its target.
    if (!control && !info.operands.empty() && info.operands[0] == 'r' &&
        is_constant(section, in.a)) {
      return "writes a constant register";
    }
    return {};
  }

  bool is_constant(const Section& section, std::uint32_t number) const {
    const auto fragment = static_cast<std::uint32_t>(section.fragment - program_.fragments.data());
    const auto is_it = [&](const auto& filled) {
      return filled.fragment == fragment && filled.register_number == number;
    };
    return std::any_of(program_.constants.begin(), program_.constants.end(), is_it) ||
           std::any_of(program_.parameters.begin(), program_.parameters.end(), is_it);
  }

  std::string check_operand(const Section& section, const Instruction& in, char letter,
                            std::uint32_t value) const {
    const Fragment none;
    const Fragment& f = section.fragment != nullptr ? *section.fragment : none;
    const auto below = [&](std::size_t limit, const char* what) {
      return value < limit ? std::string() : fmt::format("{} {} of {}", what, value, limit);
    };
    switch (letter) {
      case 'r':
      case 'E':
        return below(f.registers, "register");
      case 'x':
        return value == kNoRegister ? std::string() : below(f.registers, "register");
      case 'y':
        return value == kNoRegister ? std::string() : below(f.row_registers, "row register");
      case 'l':
        return below(f.row_registers, "row register");
      case 'b':
        return below(f.batches, "batch");
      case 'c':
        return below(f.cursors, "cursor");
      case 'A':
        return below(f.accumulators, "accumulator");
      case 'R':
        return below(program_.relation_names.size(), "relation");
      case 'F':
        return below(program_.fragments.size(), "fragment");
      case 'G':
        return below(program_.group_tables, "group table");
      case 'K':
        return below(program_.rank_tables + std::size_t{1}, "rank table");
      case 'j':
        return value >= section.begin && value < section.end ? std::string()
                                                             : fmt::format("jump to {}", value);
      case 'L':
        return check_list(section, in, value);
      default:
        return {};
    }
  }

  std::string check_list(const Section& section, const Instruction& in, std::uint32_t list) const {
    if (list >= program_.lists.size() || list + program_.lists[list] >= program_.lists.size())
      return "no such list";
    const ListKind kind = list_kind(in.op);
    std::size_t limit = kind == ListKind::kRelations ? program_.relation_names.size()
                        : kind == ListKind::kAggregates
                            ? static_cast<std::size_t>(AggregateKind::kMeanF32) + 1
                            : section.fragment->registers;
    for (std::uint16_t i = 0; i < program_.lists[list]; ++i) {
      const std::uint16_t item = program_.lists[list + 1 + i];
      if (kind == ListKind::kAggregates && item >= kSqlAggregate) {
        if (static_cast<std::size_t>(item - kSqlAggregate) >= program_.aggregates.size())
          return "no such aggregate";
        continue;
      }
      if (kind == ListKind::kRegisters && item == kNoRegister) continue;
      if (item >= limit) return fmt::format("list element {} of {}", item, limit);
    }
    return {};
  }

  const Program& program_;
};

}  // namespace

Expected<void> verify_program(const Program& program) { return Verifier(program).run(); }

}  // namespace entail::vm
