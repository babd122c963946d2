#include "compiler/internal/fragment_builder.h"

#include <algorithm>
#include <utility>

#include "datalog/program_printer.h"
#include "vm/base/ensure.h"
#include "vm/opcodes.h"

namespace entail::compiler::internal {

// ---------------------------------------------------------------------------------------------------
// RegisterPool

std::uint16_t RegisterPool::allocate() {
  const auto free = std::find(states_.begin(), states_.end(), kFree);
  if (free != states_.end()) {
    *free = kUsed;
    return static_cast<std::uint16_t>(free - states_.begin());
  }
  ENTAIL_ENSURE(states_.size() < vm::kNoRegister);
  states_.push_back(kUsed);
  return static_cast<std::uint16_t>(states_.size() - 1);
}

std::uint16_t RegisterPool::allocate_pinned() {
  ENTAIL_ENSURE(states_.size() < vm::kNoRegister);
  states_.push_back(kPinned);
  return static_cast<std::uint16_t>(states_.size() - 1);
}

void RegisterPool::release(std::uint16_t number) {
  if (states_[number] == kUsed) states_[number] = kFree;
}

void RegisterPool::freeze(std::uint16_t number) {
  if (states_[number] == kUsed) states_[number] = kFrozen;
}

void RegisterPool::restore(const Snapshot& snapshot) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    if (states_[i] == kPinned) continue;
    states_[i] = i < snapshot.size() ? snapshot[i] : static_cast<std::uint8_t>(kFree);
  }
}

// ---------------------------------------------------------------------------------------------------
// ProgramBuilder

std::uint16_t ProgramBuilder::operand_of(datalog::RelationId relation) {
  const auto [place, added] =
      operand_by_relation_.emplace(relation, static_cast<std::uint16_t>(operands_.size()));
  if (added) {
    operands_.push_back(relation);
    program_.relation_names.push_back(rules_.relation(relation).name);
  }
  return place->second;
}

vm::Word ProgramBuilder::text_constant(const std::string& text) {
  const vm::Word word = pool_.intern(text);
  pool_.retain(word);
  retained_.push_back(word);
  return word;
}

std::uint32_t ProgramBuilder::type_position(vm::Type type) {
  const auto found = std::find(program_.types.begin(), program_.types.end(), type);
  const auto position = static_cast<std::uint32_t>(found - program_.types.begin());
  if (found == program_.types.end()) program_.types.push_back(type);
  return position;
}

std::uint32_t ProgramBuilder::call_site(vm::ScalarCallSite site) {
  auto& calls = program_.calls;
  const auto found = std::find(calls.begin(), calls.end(), site);
  if (found == calls.end()) {
    calls.push_back(std::move(site));
    return static_cast<std::uint32_t>(calls.size() - 1);
  }
  return static_cast<std::uint32_t>(found - calls.begin());
}

std::uint32_t ProgramBuilder::place_of(datalog::RuleId rule_id, const datalog::Rule& rule,
                                       const datalog::Expression& expression) {
  vm::Place place;
  place.rule = static_cast<std::uint32_t>(rule_id);
  if (files_ != nullptr) {
    const grammar::SourceSpan& span =
        expression.span.file == grammar::kNoFile ? rule.span : expression.span;
    place.where = files_->place_prefix(span);
    if (!place.where.empty()) place.text = files_->text_of(span);
  }
  if (place.text.empty()) place.text = datalog::print_expression(rules_, rule, expression);
  program_.places.push_back(std::move(place));
  return static_cast<std::uint32_t>(program_.places.size() - 1);
}

std::uint32_t ProgramBuilder::add_fragment(vm::Fragment fragment,
                                           std::vector<vm::Instruction> code) {
  program_.fragments.push_back(std::move(fragment));
  codes_.push_back(std::move(code));
  return static_cast<std::uint32_t>(program_.fragments.size() - 1);
}

void ProgramBuilder::link(std::vector<vm::Instruction> control) {
  program_.code = std::move(control);
  for (std::size_t i = 0; i < codes_.size(); ++i) {
    const auto base = static_cast<std::uint32_t>(program_.code.size());
    program_.fragments[i].entry = base;
    for (vm::Instruction instruction : codes_[i]) {
      if (vm::opcode_info(instruction.op).operands[5] == 'j') instruction.f += base;
      program_.code.push_back(instruction);
    }
  }
  codes_.clear();
}

void ProgramBuilder::refuse(std::string message) {
  if (!refused_) refused_ = Error{ErrorCode::kUnsupported, std::move(message)};
}

// ---------------------------------------------------------------------------------------------------
// FragmentBuilder

FragmentBuilder::FragmentBuilder(ProgramBuilder& owner, datalog::RuleId rule_id,
                                 const datalog::Rule& rule, std::string name)
    : owner_(owner), rule_id_(rule_id), rule_(rule) {
  fragment_.rule = static_cast<std::uint32_t>(rule_id);
  fragment_.name = std::move(name);
}

std::uint32_t FragmentBuilder::emit(vm::Instruction instruction) {
  code_.push_back(instruction);
  return position() - 1;
}

std::uint32_t FragmentBuilder::emit(vm::Opcode op, std::uint16_t a, std::uint16_t b,
                                    std::uint16_t c, std::uint16_t d, std::uint32_t e,
                                    std::uint32_t f, std::uint16_t flags) {
  return emit(vm::Instruction{op, flags, a, b, c, d, e, f});
}

std::uint32_t FragmentBuilder::list(const std::vector<std::uint16_t>& elements) {
  return owner_.program().add_list(elements);
}

std::uint16_t FragmentBuilder::constant(vm::Word word) {
  const auto found = constants_.find(word);
  if (found != constants_.end()) return found->second;
  const std::uint16_t number = words_.allocate_pinned();
  constants_.emplace(word, number);
  return number;
}

std::uint16_t FragmentBuilder::parameter(std::uint32_t number, std::uint16_t word) {
  const auto found = parameters_.find({number, word});
  if (found != parameters_.end()) return found->second;
  const std::uint16_t place = words_.allocate_pinned();
  parameters_.emplace(std::pair(number, word), place);
  return place;
}

std::uint16_t FragmentBuilder::temporary() {
  const std::uint16_t number = words_.allocate();
  temporaries_.push_back(number);
  return number;
}

void FragmentBuilder::keep_temporaries(std::size_t mark, const std::vector<std::uint16_t>& kept) {
  std::size_t end = mark;
  for (std::size_t i = mark; i < temporaries_.size(); ++i) {
    const std::uint16_t number = temporaries_[i];
    if (std::find(kept.begin(), kept.end(), number) != kept.end()) {
      temporaries_[end++] = number;
    } else {
      words_.release(number);
    }
  }
  temporaries_.resize(end);
}

void FragmentBuilder::adopt(std::uint16_t number) {
  temporaries_.erase(std::remove(temporaries_.begin(), temporaries_.end(), number),
                     temporaries_.end());
}

bool FragmentBuilder::is_temporary(std::uint16_t number) const {
  return std::find(temporaries_.begin(), temporaries_.end(), number) != temporaries_.end();
}

std::uint32_t FragmentBuilder::finish() {
  emit(vm::Opcode::kEnd);
  fragment_.registers = words_.count();
  fragment_.row_registers = rows_.count();
  const auto number = static_cast<std::uint32_t>(owner_.program().fragments.size());
  for (const auto& [word, register_number] : constants_) {
    owner_.program().constants.push_back({number, register_number, word});
  }
  for (const auto& [parameter, register_number] : parameters_) {
    owner_.program().parameters.push_back(
        {number, register_number, parameter.second, parameter.first});
  }
  return owner_.add_fragment(std::move(fragment_), std::move(code_));
}

}  // namespace entail::compiler::internal
