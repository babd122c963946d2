#include "rete/recomputed_stratum.h"

#include <algorithm>
#include <set>
#include <utility>

#include "compiler/constant_rows.h"
#include "compiler/evaluate.h"
#include "datalog/body_walk.h"
#include "rete/internal/relation_image.h"
#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/row_scan.h"

namespace entail::rete {

using datalog::RelationId;
using vm::Row;
using vm::View;
using vm::Word;

namespace {

constexpr std::size_t kChunkRows = 1024;

}  // namespace

Expected<std::unique_ptr<RecomputedStratum>> RecomputedStratum::create(
    const NetworkState& state, const compiler::StandingStratum& stratum,
    const grammar::SourceFiles* files) {
  std::unique_ptr<RecomputedStratum> node(new RecomputedStratum());
  node->files_ = files;
  const std::set<RelationId> own(stratum.relations.begin(), stratum.relations.end());
  std::set<RelationId> inputs;
  node->program_.types = state.form.program.types.clone();
  node->program_.relations = state.form.program.relations;
  for (const RelationId id : stratum.relations) {
    node->program_.relation(id).equivalence = state.recomputed_equivalences.count(id) != 0;
  }
  node->program_.number_bits = state.form.program.number_bits;
  datalog::Stratum rules;
  rules.relations = stratum.relations;
  rules.recursive = true;
  for (const datalog::RuleId id : stratum.rules) {
    const datalog::Rule& rule = state.form.program.rule(id);
    if (rule.body.empty() &&
        compiler::constant_row(rule, state.layouts[datalog::index_of(rule.head.relation)],
                               *state.pool)) {
      continue;  // A stated fact.
    }
    if (datalog::can_fail(rule)) {
      return unexpected(ErrorCode::kUnsupported,
                        "rule '" + rule.name +
                            "' has an expression that can fail, in recursion through a minimum, a "
                            "maximum or an equivalence: it does not stand yet");
    }
    datalog::walk_rule_matches(rule, [&](const datalog::Match& match, datalog::Reading) {
      if (own.count(match.relation) == 0) inputs.insert(match.relation);
    });
    rules.rules.push_back(static_cast<datalog::RuleId>(node->program_.rules.size()));
    node->program_.rules.push_back(rule);
  }
  node->inputs_.assign(inputs.begin(), inputs.end());
  // What is loaded is there for the rules once a stratum of its own is done.
  node->program_.strata.push_back({node->inputs_, {}, /*recursive=*/false});
  node->program_.strata.push_back(std::move(rules));
  for (const RelationId id : stratum.relations) {
    Member member;
    member.id = id;
    vm::RelationOptions options;
    options.name = state.form.program.relation(id).name;
    options.columns = state.layouts[datalog::index_of(id)].words;
    options.standing = true;
    options.pool = state.pool;
    options.budget = state.memory;
    auto stated = vm::StandingRelation::create(std::move(options));
    if (!stated) return unexpected(std::move(stated).error());
    member.stated = std::move(*stated);
    node->members_.push_back(std::move(member));
  }
  return node;
}

void RecomputedStratum::share_stated(const RecomputedStratum& other) {
  for (std::size_t m = 0; m < members_.size(); ++m) members_[m].stated = other.members_[m].stated;
  version_ = other.version_;
}

const vm::StandingRelation& RecomputedStratum::stated(RelationId id) const {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [id](const Member& member) { return member.id == id; });
  ENTAIL_ENSURE(found != members_.end());
  return *found->stated;
}

Expected<void> RecomputedStratum::state_facts(NetworkState& state) {
  for (Member& member : members_) {
    RelationNode& node = state.at(member.id);
    for (std::size_t r = 0; r < node.stated_runs; ++r) {
      for (const vm::ChangeBatch* rows : {&node.stated[r].deleted, &node.stated[r].inserted}) {
        if (rows->empty()) continue;
        auto done = member.stated->apply(
            {rows->arrays(state.scratch), rows->n, rows->weights.data()}, vm::Counting::kStated);
        if (!done) return done;
      }
    }
    node.stated_runs = 0;
    member.stated->end_step();
  }
  return {};
}

// Makes the relation hold what `next` delivers: what is missing is inserted, what is too much removed.
Expected<void> RecomputedStratum::compare(
    NetworkState& state, RelationId id,
    const std::function<std::size_t(std::span<Word* const>)>& next) {
  vm::StandingRelation& relation = state.rows(id);
  const std::size_t width = relation.column_count();
  std::vector<std::vector<Word>> columns(width, std::vector<Word>(kChunkRows));
  std::vector<Word*> arrays;
  std::vector<const Word*> constant_arrays;
  for (std::vector<Word>& column : columns) {
    arrays.push_back(column.data());
    constant_arrays.push_back(column.data());
  }
  std::vector<Row> kept, found(kChunkRows), fresh;
  vm::ChangeBatch missing;
  while (const std::size_t n = next(arrays)) {
    relation.find(View::kTotal, constant_arrays, n, found.data());
    work.rows_probed += n;
    for (std::size_t i = 0; i < n; ++i) {
      if (found[i] != vm::kNoRow) {
        kept.push_back(found[i]);
        continue;
      }
      missing.columns.resize(width);
      for (std::size_t c = 0; c < width; ++c) missing.columns[c].push_back(columns[c][i]);
      ++missing.n;
    }
  }
  std::sort(kept.begin(), kept.end());
  std::vector<Row> gone;
  for (vm::RowScan scan(relation); scan.next();) {
    for (const Row row : scan.rows()) {
      if (!std::binary_search(kept.begin(), kept.end(), row)) gone.push_back(row);
    }
  }
  if (gone.empty() && missing.empty()) return {};
  state.touch(id);
  if (!ENTAIL_PLANT_BUG(66)) relation.remove(gone);
  std::vector<const Word*> scratch;
  if (missing.empty()) return {};
  return relation.insert_ranked(missing.arrays(scratch), missing.n, nullptr, fresh);
}

Expected<void> RecomputedStratum::turn(NetworkState& state) {
  if (auto done = state_facts(state); !done) return done;
  compiler::EvaluationOptions options;
  options.pool = state.pool;
  options.files = files_;
  options.cancel = state.cancel;
  options.memory = state.memory;
  options.limits.rows_touched = state.machine->rows_left();
  auto evaluation = compiler::Evaluation::create(program_, options);
  if (!evaluation) return unexpected(std::move(evaluation).error());
  auto load = [&](RelationId id, const vm::StandingRelation& from) -> Expected<void> {
    for (vm::RowScan scan(from); scan.next();) {
      const std::size_t n = scan.rows().size();
      work.rows_touched += n;
      if (auto done = (*evaluation)->load(id, scan.load_words(), n); !done) return done;
    }
    return {};
  };
  for (const RelationId id : inputs_) {
    if (auto done = load(id, state.rows(id)); !done) return done;
  }
  for (const Member& member : members_) {
    if (ENTAIL_PLANT_BUG(65)) break;
    if (auto done = load(member.id, *member.stated); !done) return done;
  }
  if (auto done = (*evaluation)->run(); !done) return done;
  const std::uint64_t touched = (*evaluation)->statistics().rows_touched;
  work.rows_touched += touched;
  state.machine->set_rows_left(state.machine->rows_left() -
                               std::min(state.machine->rows_left(), touched));
  for (const Member& member : members_) {
    compiler::RowCursor cursor = (*evaluation)->rows(member.id);
    auto next = [&](std::span<Word* const> columns) { return cursor.next(columns, kChunkRows); };
    if (auto done = compare(state, member.id, next); !done) return done;
  }
  return {};
}

void RecomputedStratum::commit() {
  ++version_;
  for (Member& member : members_) member.stated->commit(version_);
}

void RecomputedStratum::abort(NetworkState&) {
  for (Member& member : members_) member.stated->abort();
}

Expected<void> RecomputedStratum::save(const NetworkState& state, ImageWriter& to) const {
  for (const Member& member : members_) {
    auto done =
        save_relation(*member.stated, state.layouts[datalog::index_of(member.id)], *state.pool, to);
    if (!done) return done;
  }
  return {};
}

Expected<void> RecomputedStratum::restore(NetworkState& state, ImageFrames& from) {
  ++version_;
  for (Member& member : members_) {
    auto done = restore_relation(from, *member.stated, state.layouts[datalog::index_of(member.id)],
                                 *state.pool, version_);
    if (!done) return done;
  }
  return {};
}

std::uint64_t RecomputedStratum::bytes_used() const {
  std::uint64_t bytes = 0;
  for (const Member& member : members_) bytes += member.stated->bytes_used();
  return bytes;
}

void RecomputedStratum::verify(const NetworkState&) const {
  for (const Member& member : members_) member.stated->verify();
}

}  // namespace entail::rete
