// A network takes over from another one: what both programs say is kept, what is new is filled from it.
//
// A relation of the form *means* its stratum's rules, over what the relations below mean. Meanings are numbered,
// so that equal ones are found whatever numbers relations and rules have in either form. What is kept is shared
// by both networks until the new one is complete: where that fails, the old one goes on with it.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "compiler/internal/rule_parts.h"
#include "datalog/body_walk.h"
#include "datalog/program_printer.h"
#include "datalog/relation_shape.h"
#include "rete/internal/network_impl.h"
#include "rete/recomputed_stratum.h"
#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/row_scan.h"

namespace entail::rete {

using compiler::FragmentRole;
using compiler::StandingFragment;
using compiler::StandingKind;
using compiler::StandingStratum;
using datalog::RelationId;
using vm::Row;
using vm::Word;

namespace {

constexpr std::size_t kRowsAtOnce = 4096;
// References of a stratum to its own relations; no meaning has such a number.
constexpr std::uint32_t kOwnRelation = 0x80000000;

std::string describe(vm::Type type) {
  return std::to_string(static_cast<int>(type.kind)) + "." + std::to_string(type.width) + "." +
         std::to_string(type.scale) + "." + std::to_string(static_cast<std::uint64_t>(type.detail));
}

// What a relation is, its rules apart.
std::string describe(const datalog::Relation& relation) {
  std::string text = relation.dropped ? "dropped" : "";
  for (const datalog::Column& column : relation.columns) {
    text += " " + describe(column.type) + (column.nullable ? "?" : "");
  }
  text += relation.collection == datalog::Collection::kBag ? " bag" : " set";
  for (const std::uint32_t column : relation.key) text += " key " + std::to_string(column);
  if (relation.equivalence) text += " equivalence";
  if (relation.extremum != datalog::Extremum::kNone) {
    text += " extremum " + std::to_string(static_cast<int>(relation.extremum)) + " of " +
            std::to_string(relation.extremum_column);
  }
  return text;
}

}  // namespace

// ---------------------------------------------------------------------------------------------------
// Meanings

void Network::Impl::find_meanings() {
  if (known_meanings == nullptr) known_meanings = std::make_shared<Meanings>();
  meanings = number_meanings(*known_meanings,
                             [](RelationId id) { return std::to_string(datalog::index_of(id)); });
}

std::vector<std::uint32_t> Network::Impl::number_meanings(Meanings& known,
                                                          const RelationNames& name) const {
  const datalog::RuleProgram& program = state.form.program;
  std::map<RelationId, std::string> productions;
  for (const compiler::StandingProduction& standing : state.form.productions) {
    productions[standing.matches] =
        datalog::print_production(program, program.productions[standing.number]);
  }
  std::vector<std::uint32_t> numbers(program.relations.size(), 0);
  std::map<std::string, std::uint32_t> times;  // Of a text that several strata have.
  for (const StandingStratum& stratum : state.form.strata) {
    std::string text = std::to_string(static_cast<int>(stratum.kind));
    for (const RelationId id : stratum.relations) {
      text += datalog::index_of(id) < relation_count ? "; relation " + name(id) : "; auxiliary";
      if (const auto& of = statement_of[datalog::index_of(id)]; of && *of != id) {
        text += " with statements of " + name(*of);
      }
      text += describe(program.relation(id));
      if (state.recomputed_equivalences.count(id) != 0) text += " equivalence";
      if (const auto found = productions.find(id); found != productions.end()) {
        text += "\n" + found->second;
      }
    }
    if (stratum.kind == StandingKind::kEquivalence) {
      text += "; classes of " + std::to_string(numbers[datalog::index_of(stratum.pairs)]);
    }
    for (const datalog::RuleId id : stratum.rules) {
      if (!is_fact(id)) text += "\n" + meaning_of_rule(stratum, id, numbers);
    }
    text += "\n" + std::to_string(++times[text]);
    for (std::size_t k = 0; k < stratum.relations.size(); ++k) {
      const auto [found, added] = known.numbers.emplace(text + " " + std::to_string(k), known.next);
      if (added) ++known.next;
      numbers[datalog::index_of(stratum.relations[k])] = found->second;
    }
  }
  return numbers;
}

std::string Network::Impl::meaning_of_rule(const StandingStratum& stratum, datalog::RuleId id,
                                           const std::vector<std::uint32_t>& numbers) const {
  const datalog::RuleProgram& program = state.form.program;
  datalog::Rule rule = compiler::internal::compacted(program.rule(id));
  const auto& own = stratum.relations;
  const auto renumbered = [&](RelationId relation) {
    const auto found = std::find(own.begin(), own.end(), relation);
    if (found == own.end()) {
      return static_cast<RelationId>(numbers[datalog::index_of(relation)]);
    }
    return static_cast<RelationId>(kOwnRelation + static_cast<std::uint32_t>(found - own.begin()));
  };
  datalog::walk_rule_matches(rule, [&](datalog::Match& match, datalog::Reading) {
    match.relation = renumbered(match.relation);
  });
  std::string text = std::to_string(datalog::index_of(renumbered(rule.head.relation))) + " <- " +
                     compiler::internal::signature(rule);
  if (!datalog::can_fail(program.rule(id))) return text;
  // The error side names the rule, its place and its variables.
  text += " " + rule.name + " " + datalog::print_rule(program, program.rule(id));
  if (options.files != nullptr) {
    datalog::walk_rule_expressions(program.rule(id), [&](const datalog::Expression& expression) {
      const grammar::SourcePlace place = options.files->locate(expression.span);
      text += " " + place.file_name + ":" + std::to_string(place.line) + ":" +
              std::to_string(place.column);
    });
  }
  return text;
}

// ---------------------------------------------------------------------------------------------------
// Taking over

// What has the same meaning in the old network.
void Network::Impl::keep(Impl& old) {
  std::map<std::uint32_t, RelationId> known;
  for (std::size_t i = 0; i < old.meanings.size(); ++i) {
    known[old.meanings[i]] = static_cast<RelationId>(i);
  }
  std::map<RelationId, RelationId> kept_as;
  for (std::size_t s = 0; s < nodes.size(); ++s) {
    const StandingStratum& stratum = state.form.strata[s];
    nodes[s].is_kept = std::all_of(
        stratum.relations.begin(), stratum.relations.end(),
        [&](RelationId id) { return known.count(meanings[datalog::index_of(id)]) != 0; });
    if (!nodes[s].is_kept) continue;
    for (const RelationId id : stratum.relations) {
      const RelationId before = known[meanings[datalog::index_of(id)]];
      kept_as[before] = id;
      state.at(id).rows = old.state.at(before).rows;
      state.at(id).work = old.state.at(before).work;
      nodes[s].parts = old.nodes[old.state.at(before).node].parts;
    }
  }
  for (ErrorInstance& instance : old.state.errors.instances()) {
    const auto found = kept_as.find(instance.relation);
    if (found == kept_as.end()) continue;
    instance.relation = found->second;
    state.errors.add(instance);
  }
  state.errors.commit();
}

Expected<void> Network::Impl::take_over(Impl& old, const datalog::RuleProgram& program,
                                        Extension& report) {
  known_meanings = old.known_meanings;
  if (auto made = make_form(program); !made) return made;
  ENTAIL_ENSURE(relation_count >= old.relation_count);
  nodes.resize(state.form.strata.size());
  keep(old);
  commits = old.commits;
  steps = old.steps;
  Agenda::KeptProductions kept;
  auto done = finish_making();
  if (done && agenda && old.agenda) {
    std::map<const vm::StandingRelation*, std::uint32_t> known;
    for (std::uint32_t p = 0; p < old.agenda->production_count(); ++p) {
      known[&old.state.rows(old.agenda->matches_of(p))] = p;
    }
    for (std::uint32_t p = 0; p < agenda->production_count(); ++p) {
      const auto found = known.find(&state.rows(agenda->matches_of(p)));
      if (found != known.end()) kept.emplace_back(p, found->second);
    }
    agenda->adopt(*old.agenda, kept);
  }
  if (done) done = fill(old, report);
  if (!done) {
    abort();
    if (agenda && old.agenda) agenda->give_back(*old.agenda, kept);
    old.connect();
    return done;
  }
  const std::set<std::uint32_t> used(meanings.begin(), meanings.end());
  std::erase_if(known_meanings->numbers,
                [&](const auto& known) { return used.count(known.second) == 0; });
  for (std::size_t i = 0; i < meanings.size(); ++i) {
    ++(nodes[state.relations[i].node].is_kept ? report.nodes_kept : report.nodes_made);
  }
  for (std::size_t i = 0; i < old.relation_count; ++i) {
    const bool is_dropped = state.form.program.relations[i].dropped;
    if (!is_dropped && state.relations[i].rows != old.state.relations[i].rows) {
      report.remade.push_back(static_cast<RelationId>(i));
    }
  }
  return {};
}

// In two epochs, so that what is said of the statements is what the texts change in them.
Expected<void> Network::Impl::fill(const Impl& old, Extension& report) {
  begin_transaction();
  if (auto done = carry_statements(old); !done) return done;
  if (auto done = derive_new(/*takes_over=*/true); !done) return done;
  Committed ignored;
  if (agenda) agenda->commit(ignored);
  end_epoch(old.version);
  version = report.version;
  if (auto done = state_difference(old); !done) return done;
  if (!turns.empty()) {
    if (auto done = step(StepKind::kChange, Productions::kWait); !done) return done;
  }
  if (options.states_facts) {
    if (auto allowed = check_denials(); !allowed) return allowed;
  }
  if (options.reports_stated) report.stated = stated_changes(version);
  if (agenda) agenda->commit(ignored);
  end_epoch(version);
  return {};
}

// Relations that other rules derive now hold what was stated in them as before.
Expected<void> Network::Impl::carry_statements(const Impl& old) {
  for (std::size_t i = 0; i < old.relation_count; ++i) {
    const datalog::Relation& relation = state.form.program.relations[i];
    if (!datalog::same_shape(old.original_relations[i], original_relations[i])) continue;
    const RelationId target = state.form.stated_in[i];
    if (nodes[state.at(target).node].is_kept) continue;
    const vm::StandingRelation& from = old.stated_rows(old.state.form.stated_in[i]);
    std::vector<std::vector<Word>> columns(from.column_count());
    std::vector<const Word*> words(columns.size());
    for (vm::RowScan scan(from, kRowsAtOnce); scan.next();) {
      std::vector<Row> stated;
      std::copy_if(scan.rows().begin(), scan.rows().end(), std::back_inserter(stated),
                   [&](Row row) { return from.is_stated(row); });
      if (stated.empty()) continue;
      if (relation.collection != state.form.program.relation(target).collection ||
          declared_words[i] != state.layouts[datalog::index_of(target)].words.size() ||
          original_relations[i].collection == datalog::Collection::kBag) {
        return unexpected(
            ErrorCode::kUnsupported,
            "relation '" + relation.name +
                "' is a bag and has rows that are stated: rules cannot derive others");
      }
      for (std::uint32_t c = 0; c < columns.size(); ++c) {
        columns[c].resize(stated.size());
        from.load(c, stated.data(), stated.size(), columns[c].data());
        words[c] = columns[c].data();
      }
      state_facts(target, words, stated.size(), /*is_deletion=*/false);
    }
  }
  return {};
}

// What rules that are new derive from relations that stand. New relations are empty so far, and as long as they
// are, a rule derives nothing that reads one of them; later it follows their rows as they come. Any other rule
// is given all rows of one of its atoms, as if they had come now.
Expected<void> Network::Impl::derive_new(bool takes_over) {
  std::map<datalog::RuleId, std::optional<std::uint32_t>>
      sources;  // The fragment that is given them.
  vm::ChangeBatch unused;
  for (std::uint32_t i = 0; i < state.code.fragments.size(); ++i) {
    const StandingFragment& fragment = state.code.fragments[i];
    const std::uint32_t target = node_of_rule(fragment.rule);
    if (nodes[target].is_kept) continue;
    const bool is_ranked = state.form.strata[target].kind == StandingKind::kRanked;
    if (fragment.role == FragmentRole::kUnit) {
      wake(target);
      if (is_ranked) continue;
      if (auto done = state.run_given(i, {}, 0, 1, input_of(fragment.rule)); !done) return done;
    }
    // Ranked strata read what is below themselves, but for what fails.
    if (fragment.role != (is_ranked ? FragmentRole::kErrors : FragmentRole::kChange)) continue;
    if (fragment.is_negated) continue;
    const auto [found, added] = sources.emplace(fragment.rule, i);
    if (!nodes[state.at(fragment.source).node].is_kept) {
      found->second.reset();
    } else if (found->second &&
               state.rows(fragment.source).size() <
                   state.rows(state.code.fragments[*found->second].source).size()) {
      found->second = i;
    }
  }
  for (const auto& [rule, source] : sources) {
    if (!source) continue;
    const std::uint32_t target = node_of_rule(rule);
    const bool is_ranked = state.form.strata[target].kind == StandingKind::kRanked;
    vm::ChangeBatch& out = is_ranked ? unused : input_of(rule);
    const vm::StandingRelation& rows = state.rows(state.code.fragments[*source].source);
    for (vm::RowScan scan(rows, kRowsAtOnce); scan.next();) {
      unused.clear();
      if (auto done = state.run(*source, scan.rows(), 1, vm::RunViews::kAsPlanned, out); !done) {
        return done;
      }
    }
    if (!out.empty() && !is_ranked) wake(target);
  }
  for (std::uint32_t s = 0; s < nodes.size(); ++s) {
    const StandingKind kind = state.form.strata[s].kind;
    if (nodes[s].is_kept) continue;
    if (kind == StandingKind::kRecomputed) wake(s);
    const bool derives = kind == StandingKind::kRanked || kind == StandingKind::kRegrouped ||
                         kind == StandingKind::kOrdered || kind == StandingKind::kTimed ||
                         kind == StandingKind::kEquivalence;
    if (!derives || !takes_over) continue;
    wake(s);
    for (const auto& part : nodes[s].parts) part->derive_all();
  }
  if (auto done = propagate(); !done) return done;
  if (agenda) agenda->take(takes_over ? ++steps : steps);
  end_step();
  return {};
}

// Facts that only one of the texts states. One that was stated and deleted since is in both, and stays so.
Expected<void> Network::Impl::state_difference(const Impl& old) {
  if (!options.states_facts) return {};
  using Fact = std::pair<RelationId, std::vector<Word>>;  // Of the original relation.
  std::map<Fact, std::int64_t> balance;
  const auto add = [&](const Impl& impl, std::int64_t sign) {
    std::set<Fact> seen;
    for (const datalog::Rule& rule : impl.state.form.program.rules) {
      auto row = impl.fact_row(rule);
      if (!row) continue;
      const RelationId id = *impl.statement_of[datalog::index_of(rule.head.relation)];
      const std::size_t i = datalog::index_of(id);
      if (sign < 0 && !datalog::same_shape(impl.original_relations[i], original_relations[i]))
        continue;
      Fact fact{id, std::move(*row)};
      const bool is_bag = impl.original_relations[i].collection == datalog::Collection::kBag;
      if (!is_bag && !seen.insert(fact).second) continue;
      balance[std::move(fact)] += sign;
    }
  };
  add(*this, 1);
  add(old, -1);
  // Deletions first: a key may change hands.
  for (const bool is_deletion : {true, false}) {
    for (const auto& [fact, count] : balance) {
      std::vector<const Word*> words;
      for (const Word& word : fact.second) words.push_back(&word);
      const RelationId target = state.form.stated_in[datalog::index_of(fact.first)];
      for (std::int64_t k = 0; k < (is_deletion ? -count : count); ++k) {
        state_facts(target, words, 1, is_deletion);
      }
    }
  }
  return {};
}

Expected<Extension> Network::extend(const datalog::RuleProgram& program,
                                    const ExtendOptions& options) {
  ENTAIL_ENSURE(!in_transaction());
  auto next = std::make_unique<Impl>();
  next->options = impl_->options;
  next->options.files = options.files;
  next->options.watched = options.watched;
  next->options.read_whole = options.read_whole;
  Extension report;
  report.version = options.version == 0 ? impl_->version + 1 : options.version;
  ENTAIL_ENSURE(report.version > impl_->version);
  if (auto done = next->take_over(*impl_, program, report); !done) {
    return unexpected(std::move(done).error());
  }
  for (TimedStream& stream : next->streams) {
    for (const TimedStream& old : impl_->streams) {
      if (old.stream == stream.stream) stream.counts = old.counts;
    }
  }
  impl_ = std::move(next);
  return report;
}

}  // namespace entail::rete
