#include "vm/standing_machine.h"

#include <algorithm>
#include <utility>

#include "vm/base/ensure.h"
#include "vm/internal/frame.h"

namespace entail::vm {

namespace {
constexpr std::uint32_t kNoFragment = 0xffffffff;
}  // namespace

struct StandingMachine::Impl {
  explicit Impl(ValuePool& pool) : frame(pool) {}

  const Program* program = nullptr;
  std::vector<RelationBinding> bindings;
  std::vector<std::vector<ConstantRegister>> constants;  // By fragment.
  Frame frame;
  std::vector<GroupTable> groups;
  SharedSource source;
  std::uint64_t next_auto_increment = 0;
  std::uint32_t fragment = kNoFragment;  // Whose constants are in the registers.
};

StandingMachine::StandingMachine(Options options)
    : options_(options), impl_(std::make_unique<Impl>(*options.pool)) {}

StandingMachine::~StandingMachine() = default;

void StandingMachine::bind(const Program& program, std::vector<RelationBinding> bindings) {
  ENTAIL_ENSURE(bindings.size() == program.relation_names.size());
  impl_->program = &program;
  impl_->bindings = std::move(bindings);
  impl_->constants.assign(program.fragments.size(), {});
  for (const ConstantRegister& constant : program.constants) {
    impl_->constants[constant.fragment].push_back(constant);
  }
  impl_->fragment = kNoFragment;
  Frame& frame = impl_->frame;
  Fragment needed;
  for (const Fragment& fragment : program.fragments) {
    needed.registers = std::max(needed.registers, fragment.registers);
    needed.row_registers = std::max(needed.row_registers, fragment.row_registers);
    needed.batches = std::max(needed.batches, fragment.batches);
    needed.cursors = std::max(needed.cursors, fragment.cursors);
    needed.accumulators = std::max(needed.accumulators, fragment.accumulators);
  }
  frame.words.reserve(needed.registers);
  frame.rows.reserve(needed.row_registers);
  frame.batch_rows.resize(needed.batches);
  frame.cursors.resize(needed.cursors);
  frame.accumulators.resize(needed.accumulators);
  frame.marks.resize(needed.accumulators);
  impl_->groups.resize(program.group_tables);
  frame.program = impl_->program;
  frame.bindings = &impl_->bindings;
  frame.groups = &impl_->groups;
  frame.source = &impl_->source;
  frame.source_is_shared = false;
  frame.next_auto_increment = &impl_->next_auto_increment;
  frame.cancel = options_.cancel;
  frame.flags.resize(kBatchRows);
  counters_.assign(program.fragments.size(), {});
}

Expected<void> StandingMachine::run(StandingRun run) {
  Frame& frame = impl_->frame;
  const Fragment& fragment = impl_->program->fragments[run.fragment];
  frame.constants = &impl_->constants[run.fragment];
  if (impl_->fragment != run.fragment) {
    fill_constants(frame, kSmallLanes);
    impl_->fragment = run.fragment;
  }
  frame.position = frame.fragment_entry = fragment.entry;
  frame.run = &run;
  frame.counters = {};
  frame.counters.runs = 1;
  frame.rows_touched_limit = rows_left_;
  impl_->source.unit_taken.store(false, std::memory_order_relaxed);
  const FrameStatus status = run_frame(frame);
  frame.run = nullptr;
  counters_[run.fragment].add(frame.counters);
  const std::uint64_t touched = frame.counters.rows_scanned + frame.counters.rows_matched;
  rows_left_ -= std::min(rows_left_, touched);
  if (status == FrameStatus::kCancelled) return unexpected(ErrorCode::kCancelled, "interrupted");
  if (status == FrameStatus::kError) return unexpected(std::move(frame.error));
  ENTAIL_ENSURE(status == FrameStatus::kDone);
  return {};
}

std::uint64_t StandingMachine::bytes_used() const {
  const Frame& frame = impl_->frame;
  std::uint64_t bytes = frame.words.count() * kBatchRows * sizeof(Word) +
                        frame.rows.count() * kBatchRows * sizeof(Row);
  for (const Cursor& cursor : frame.cursors) {
    bytes += sizeof(Cursor) + cursor.postings.capacity() * sizeof(Posting) +
             (cursor.matches.capacity() + cursor.cross_rows.capacity()) * sizeof(Row) +
             (cursor.match_lanes.capacity() + cursor.lanes.capacity()) * sizeof(std::uint32_t);
  }
  const Program& program = *impl_->program;
  return bytes + program.code.capacity() * sizeof(Instruction) +
         program.lists.capacity() * sizeof(std::uint16_t) +
         program.fragments.capacity() * sizeof(Fragment);
}

}  // namespace entail::vm
