#include "vm/interpreter.h"

#include <algorithm>
#include <optional>

#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/gathering_table.h"
#include "vm/internal/frame.h"

namespace entail::vm {

namespace {

// Rows that a worker takes from the shared source at a time: several batches, so that the counter is
// rarely touched; fewer where the source is small, so that the last morsels even out the load.
std::uint64_t morsel_rows(std::uint64_t rows, std::uint64_t workers) {
  return std::clamp<std::uint64_t>(rows / (4 * workers), 1, 4 * kBatchRows);
}

}  // namespace

void FragmentCounters::add(const FragmentCounters& other) {
  runs += other.runs;
  rows_scanned += other.rows_scanned;
  rows_probed += other.rows_probed;
  rows_matched += other.rows_matched;
  candidates += other.candidates;
  rows_inserted += other.rows_inserted;
  nanoseconds += other.nanoseconds;
}

struct LoadedProgram::Buffers {
  std::vector<std::unique_ptr<CandidateBuffer>> candidates;  // By relation operand.
  std::vector<std::vector<Word>> pairs;                      // Likewise, of equivalences.
};

LoadedProgram::LoadedProgram(const Program& program, std::vector<RelationBinding> bindings,
                             std::vector<GatheringTable*> rank_tables)
    : program_(program), bindings_(std::move(bindings)), rank_tables_(std::move(rank_tables)) {
  ENTAIL_ENSURE(bindings_.size() == program.relation_names.size());
  ENTAIL_ENSURE(rank_tables_.size() == program.rank_tables);
  constants_.resize(program.fragments.size());
  for (const ConstantRegister& constant : program.constants) {
    constants_[constant.fragment].push_back(constant);
  }
  for (const ParameterRegister& place : program.parameters) {
    auto& constants = constants_[place.fragment];
    parameters_.push_back({place.parameter, place.fragment,
                           static_cast<std::uint32_t>(constants.size()), place.word});
    constants.push_back({place.fragment, place.register_number, 0});
  }
}

LoadedProgram::~LoadedProgram() = default;

void LoadedProgram::set_parameter(std::uint32_t parameter, std::span<const Word> words) {
  for (const ParameterPlace& place : parameters_) {
    if (place.parameter != parameter) continue;
    constants_[place.fragment][place.position].word = words[place.word];
  }
}

struct Machine::Worker {
  explicit Worker(ValuePool& pool) : frame(pool) {}

  Frame frame;
  std::vector<GroupTable> groups;
  // Whose constants are in the registers; no longer so when a run begins.
  std::uint32_t fragment = kNoFragment;
  FrameStatus status = FrameStatus::kDone;

  static constexpr std::uint32_t kNoFragment = 0xffffffff;
};

struct Machine::Impl {
  LoadedProgram* loaded = nullptr;
  const Program* program = nullptr;
  const std::vector<RelationBinding>* bindings = nullptr;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<CandidateBuffer*> filled;  // Scratch of merge().
  SharedSource source;
  std::uint64_t next_auto_increment = 0;
  std::optional<ValuePool::Mark> mark;

  void enter(std::size_t number, std::uint32_t fragment_number, bool shared,
             const Machine::Options& options, std::uint64_t rows_touched_left);
  std::size_t workers_for(const Fragment& fragment, std::size_t team_size, std::uint64_t rows_min);
};

// Makes the worker's frame ready for the first instruction of a fragment.
void Machine::Impl::enter(std::size_t number, std::uint32_t fragment_number, bool shared,
                          const Machine::Options& options, std::uint64_t rows_touched_left) {
  const Fragment& fragment = program->fragments[fragment_number];
  Worker& worker = *workers[number];
  Frame& frame = worker.frame;
  const std::size_t had = frame.words.count();
  frame.words.reserve(fragment.registers);
  frame.rows.reserve(fragment.row_registers);
  frame.constants = &loaded->constants_[fragment_number];
  if (worker.fragment != fragment_number || had != frame.words.count()) {
    if (!ENTAIL_PLANT_BUG(27) || worker.fragment == Worker::kNoFragment) {
      fill_constants(frame, kSmallLanes);
    }
    worker.fragment = fragment_number;
  }
  if (frame.batch_rows.size() < fragment.batches) frame.batch_rows.resize(fragment.batches);
  if (frame.cursors.size() < fragment.cursors) frame.cursors.resize(fragment.cursors);
  if (frame.accumulators.size() < fragment.accumulators) {
    frame.accumulators.resize(fragment.accumulators);
    frame.marks.resize(fragment.accumulators);
  }
  if (worker.groups.size() < program->group_tables) worker.groups.resize(program->group_tables);
  frame.program = program;
  frame.bindings = bindings;
  frame.position = frame.fragment_entry = fragment.entry;
  frame.groups = &worker.groups;
  frame.buffers = &loaded->buffers_[number]->candidates;
  frame.equivalence_pairs = &loaded->buffers_[number]->pairs;
  frame.rank_tables = loaded->rank_tables_;
  frame.receiver = options.receiver;
  frame.sql_errors = options.sql_errors;
  frame.source = &source;
  frame.source_is_shared = shared;
  frame.next_auto_increment = &next_auto_increment;
  frame.cancel = options.cancel;
  frame.counters = {};
  frame.rows_touched_limit = rows_touched_left;
  frame.flags.resize(kBatchRows);
  worker.status = FrameStatus::kBufferFull;  // Has work to do.
}

// How many workers a fragment is worth; sets up the shared source.
std::size_t Machine::Impl::workers_for(const Fragment& fragment, std::size_t team_size,
                                       std::uint64_t rows_min) {
  source.unit_taken.store(false, std::memory_order_relaxed);
  const Instruction& first = program->code[fragment.entry];
  if (team_size < 2 || fragment.single_worker || first.op != Opcode::kScanOpen) return 1;
  if ((*bindings)[first.b].relation == nullptr) return 1;
  const Relation& relation = *(*bindings)[first.b].relation;
  const RowRange range = relation.range(static_cast<View>(first.flags & kViewMask));
  if (range.size() < rows_min) return 1;
  source.next.store(range.begin, std::memory_order_relaxed);
  source.end = range.end;
  source.morsel = morsel_rows(range.size(), team_size);
  return team_size;
}

Machine::Machine(Options options) : options_(options), impl_(std::make_unique<Impl>()) {
  ENTAIL_ENSURE(options_.pool != nullptr && options_.team != nullptr);
  for (unsigned i = 0; i < options_.team->size(); ++i) {
    impl_->workers.push_back(std::make_unique<Worker>(*options_.pool));
  }
}

Machine::~Machine() = default;

// Merges what the workers derived. REQUIRES: no worker runs.
Expected<void> Machine::merge(FragmentCounters& counters) {
  std::vector<CandidateBuffer*>& filled = impl_->filled;
  for (std::size_t r = 0; r < impl_->bindings->size(); ++r) {
    const RelationBinding& binding = (*impl_->bindings)[r];
    if (binding.standing != nullptr) continue;
    if (binding.equivalence != nullptr) {
      for (auto& buffers : impl_->loaded->buffers_) {
        auto& pairs = buffers->pairs[r];
        if (pairs.empty()) continue;
        auto merged = binding.equivalence->insert_pairs(pairs);
        pairs.clear();
        if (!merged) return unexpected(std::move(merged).error());
        counters.rows_inserted += *merged;
      }
      continue;
    }
    filled.clear();
    for (auto& buffers : impl_->loaded->buffers_) {
      const auto& buffer = buffers->candidates[r];
      if (buffer && buffer->size() > 0) filled.push_back(buffer.get());
    }
    if (filled.empty()) continue;
    auto merged = binding.relation->merge(filled, *options_.team, /*strict_keys=*/true);
    if (!merged) return unexpected(std::move(merged).error());
    counters.rows_inserted += merged->inserted;
    rows_derived_ += merged->inserted;
    if (options_.progress != nullptr) {
      options_.progress->rows_derived.store(rows_derived_, std::memory_order_relaxed);
    }
  }
  if (rows_derived_ > options_.limits.rows_derived) {
    return unexpected(ErrorCode::kLimit, "the budget of " +
                                             std::to_string(options_.limits.rows_derived) +
                                             " derived rows is used up");
  }
  if (options_.memory != nullptr && options_.memory->limit() != MemoryBudget::kUnlimited) {
    const std::uint64_t texts = options_.pool->bytes_used();
    if (texts >
        options_.memory->limit() - std::min(options_.memory->limit(), options_.memory->used())) {
      return unexpected(ErrorCode::kLimit, "texts and records hold " + std::to_string(texts) +
                                               " bytes: the memory budget of " +
                                               std::to_string(options_.memory->limit()) +
                                               " bytes is used up");
    }
  }
  return {};
}

Expected<bool> Machine::run_fragment(std::uint32_t number) {
  const Fragment& fragment = impl_->program->fragments[number];
  FragmentCounters counters;
  counters.runs = 1;
  const std::int64_t started = options_.clock != nullptr ? options_.clock->steady_ns() : 0;
  const std::size_t workers =
      impl_->workers_for(fragment, impl_->workers.size(), options_.parallel_rows_min);
  const std::uint64_t limit = options_.limits.rows_touched;
  const std::uint64_t left = limit > rows_touched_ ? limit - rows_touched_ : 0;
  for (std::size_t w = 0; w < workers; ++w) {
    impl_->enter(w, number, workers > 1, options_, left);
  }
  // Workers stop when a buffer is full; the merge empties all buffers, and those with work go on.
  bool running = true;
  bool enough = false;
  while (running) {
    if (workers == 1) {
      impl_->workers[0]->status = run_frame(impl_->workers[0]->frame);
    } else {
      options_.team->run([&](unsigned w) {
        Worker& worker = *impl_->workers[w];
        if (worker.status == FrameStatus::kBufferFull) worker.status = run_frame(worker.frame);
      });
    }
    running = false;
    for (std::size_t w = 0; w < workers; ++w) {
      Worker& worker = *impl_->workers[w];
      if (worker.status == FrameStatus::kCancelled)
        return unexpected(ErrorCode::kCancelled, "interrupted");
      if (worker.status == FrameStatus::kError) return unexpected(worker.frame.error);
      if (worker.status == FrameStatus::kEnough) enough = true;
      if (ENTAIL_PLANT_BUG(25)) continue;
      running = running || worker.status == FrameStatus::kBufferFull;
    }
    if (auto merged = merge(counters); !merged) return unexpected(std::move(merged).error());
  }
  for (std::size_t w = 0; w < workers; ++w) counters.add(impl_->workers[w]->frame.counters);
  if (impl_->program->code[fragment.entry].op != Opcode::kGroupScanOpen) {
    for (std::size_t w = 1; w < workers; ++w) {
      if (ENTAIL_PLANT_BUG(14)) break;
      auto& own = impl_->workers[0]->groups;
      auto& other = impl_->workers[w]->groups;
      for (std::size_t g = 0; g < fragment.groups_filled.size(); ++g) {
        const std::uint16_t table = fragment.groups_filled[g];
        own[table].merge(other[table], *options_.pool);
      }
    }
  }
  if (options_.clock != nullptr) counters.nanoseconds = options_.clock->steady_ns() - started;
  rows_touched_ += counters.rows_scanned + counters.rows_matched;
  counters_[number].add(counters);
  return !enough;
}

Expected<Outcome> Machine::run(const Program& program, std::uint32_t entry,
                               const std::vector<RelationBinding>& bindings,
                               const std::vector<std::uint64_t>& planned_sizes) {
  LoadedProgram loaded(program, bindings);
  return run(loaded, entry, planned_sizes);
}

void Machine::begin_run(bool makes_values) {
  ENTAIL_ENSURE(options_.shares_pool);
  rows_touched_ = rows_derived_ = rounds_ = 0;
  if (makes_values) {
    impl_->mark = options_.pool->mark();
  } else {
    impl_->mark.reset();
  }
}

void Machine::end_run() {
  if (impl_->mark) options_.pool->reclaim(*impl_->mark);
  impl_->mark.reset();
}

Expected<Outcome> Machine::run(LoadedProgram& loaded, std::uint32_t entry,
                               const std::vector<std::uint64_t>& planned_sizes) {
  const Program& program = loaded.program_;
  const std::vector<RelationBinding>& bindings = loaded.bindings_;
  impl_->loaded = &loaded;
  impl_->program = &program;
  impl_->bindings = &bindings;
  while (loaded.buffers_.size() < impl_->workers.size()) {
    loaded.buffers_.push_back(std::make_unique<LoadedProgram::Buffers>());
    loaded.buffers_.back()->candidates.resize(bindings.size());
    loaded.buffers_.back()->pairs.resize(bindings.size());
  }
  for (auto& buffers : loaded.buffers_) {
    // A run that failed may have left something.
    for (auto& buffer : buffers->candidates) {
      if (buffer && buffer->size() > 0) buffer->clear();
    }
    for (auto& pairs : buffers->pairs) pairs.clear();
  }
  for (auto& worker : impl_->workers) worker->fragment = Worker::kNoFragment;
  counters_.assign(program.fragments.size(), {});

  const auto list = [&](const Instruction& in) {
    return std::span<const std::uint16_t>(program.lists.data() + in.e + 1, program.lists[in.e]);
  };
  const auto has_delta = [&](std::uint16_t r) {
    return bindings[r].equivalence != nullptr
               ? bindings[r].equivalence->has_delta()
               : bindings[r].relation->range(View::kDelta).size() > 0;
  };
  const auto size_of = [&](std::uint16_t r) -> std::uint64_t {
    return bindings[r].equivalence != nullptr ? bindings[r].equivalence->size()
                                              : bindings[r].relation->size();
  };
  for (std::uint32_t position = entry;;) {
    const Instruction& in = program.code[position++];
    switch (in.op) {
      case Opcode::kRun:
        if (auto more = run_fragment(in.a); !more) {
          return unexpected(std::move(more).error());
        } else if (!*more) {
          return Outcome::kEnough;
        }
        break;
      case Opcode::kComputeRanks:
        if (auto done = loaded.rank_tables_[in.a - 1U]->compute(); !done) {
          return unexpected(std::move(done).error());
        }
        break;
      case Opcode::kAdvance:
        for (const std::uint16_t r : list(in)) {
          if (bindings[r].equivalence != nullptr) {
            bindings[r].equivalence->advance();
          } else {
            bindings[r].relation->advance();
          }
        }
        ++rounds_;
        if (options_.progress != nullptr)
          options_.progress->rounds.store(rounds_, std::memory_order_relaxed);
        if (options_.cancel != nullptr && options_.cancel->cancelled()) {
          return unexpected(ErrorCode::kCancelled, "interrupted");
        }
        break;
      case Opcode::kSettle:
        for (const std::uint16_t r : list(in)) {
          if (bindings[r].equivalence != nullptr) {
            bindings[r].equivalence->settle();
          } else {
            bindings[r].relation->settle();
          }
        }
        break;
      case Opcode::kLoopIfGrew: {
        const auto relations = list(in);
        if (std::any_of(relations.begin(), relations.end(), has_delta)) position = in.f;
        break;
      }
      case Opcode::kReplanIfGrew:
        for (const std::uint16_t r : list(in)) {
          const std::uint64_t size = size_of(r);
          // Small relations are planned well enough by any plan.
          if (size >= 1024 && size / in.a > planned_sizes[r]) return Outcome::kReplan;
        }
        break;
      case Opcode::kReclaim:
        if (!options_.shares_pool) {
          options_.pool->end_step();
        } else if (impl_->mark) {
          options_.pool->reclaim(*impl_->mark);
        }
        break;
      case Opcode::kJump:
        position = in.f;
        break;
      case Opcode::kHalt:
        return Outcome::kDone;
      default:
        ENTAIL_UNREACHABLE("the verifier let a fragment instruction into control code");
    }
  }
}

}  // namespace entail::vm
