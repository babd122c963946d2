#include "rete/network_image.h"

#include <algorithm>
#include <map>
#include <set>

#include "datalog/body_walk.h"
#include "rete/internal/image_codec.h"
#include "rete/internal/network_impl.h"
#include "rete/internal/relation_image.h"
#include "vm/base/ensure.h"

namespace entail::rete {

using compiler::StandingKind;
using compiler::StandingStratum;
using datalog::RelationId;
using vm::Word;

namespace {

constexpr std::uint8_t kFormat = 2;

// What a type id means: ids are counted in the order in which types were declared.
std::string describe(const vm::TypeTable& types, vm::TypeId id) {
  std::string text = std::to_string(static_cast<int>(types.kind(id))) + " " + types.name(id);
  if (!types.is_defined(id)) return text;
  const auto add = [&](const std::string& name, vm::Type type, bool nullable) {
    text += ";" + name + ":" + types.type_name(type) + (nullable ? "?" : "");
  };
  switch (types.kind(id)) {
    case vm::TypeKind::kRecord:
      for (const vm::FieldType& f : types.record_fields(id)) add(f.name, f.type, f.nullable);
      break;
    case vm::TypeKind::kAdt:
      for (const vm::BranchType& branch : types.adt_branches(id)) {
        text += "|" + branch.name;
        for (const vm::FieldType& f : branch.fields) add(f.name, f.type, f.nullable);
      }
      break;
    case vm::TypeKind::kEnum:
      for (const std::string& label : types.enum_labels(id)) text += ";" + label;
      break;
    default:
      add("", types.array_element(id), types.array_element_nullable(id));
  }
  return text;
}

// ------------------------------------------------------------------------------ errors

void put_error(std::string& out, const ErrorInstance& instance) {
  put_bytes(out, instance.place);
  put_bytes(out, instance.message);
  put_varint(out, static_cast<std::uint64_t>(instance.weight));
  out.push_back(instance.as_sql != nullptr ? 1 : 0);
  if (instance.as_sql == nullptr) return;
  const Error& error = *instance.as_sql;
  out.push_back(static_cast<char>(error.code));
  put_bytes(out, error.message);
  out.push_back(error.sql != nullptr ? 1 : 0);
  if (error.sql == nullptr) return;
  const SqlFields& sql = *error.sql;
  put_varint(out, sql.position);
  for (const std::string* text : {&sql.sqlstate, &sql.detail, &sql.hint, &sql.schema, &sql.table,
                                  &sql.column, &sql.constraint, &sql.type}) {
    put_bytes(out, *text);
  }
}

ErrorInstance take_error(ImageCursor& from) {
  const auto is_there = [&] { return from.bytes(1) == std::string_view("\1", 1); };
  ErrorInstance instance;
  instance.place = from.text();
  instance.message = from.text();
  instance.weight = static_cast<std::int64_t>(from.number());
  if (!is_there()) return instance;
  Error error;
  const std::string_view code = from.bytes(1);
  if (!code.empty()) error.code = static_cast<ErrorCode>(code.front());
  error.message = from.text();
  if (is_there()) {
    SqlFields sql;
    sql.position = static_cast<std::uint32_t>(from.number());
    for (std::string* const text : {&sql.sqlstate, &sql.detail, &sql.hint, &sql.schema, &sql.table,
                                    &sql.column, &sql.constraint, &sql.type}) {
      *text = from.text();
    }
    error.sql = std::make_shared<const SqlFields>(std::move(sql));
  }
  instance.as_sql = std::make_shared<const Error>(std::move(error));
  return instance;
}

}  // namespace

// ---------------------------------------------------------------------------------------------------
// Saving

// By stratum: all but matches of productions, which the agenda knows more of, and what reads them.
std::vector<bool> Network::Impl::strata_to_save() const {
  std::set<RelationId> matches;
  for (const compiler::StandingProduction& standing : state.form.productions) {
    matches.insert(standing.matches);
  }
  std::vector<bool> result(state.form.strata.size(), true);
  for (std::size_t s = 0; s < result.size(); ++s) {
    const StandingStratum& stratum = state.form.strata[s];
    bool saved = true;
    const auto reads = [&](RelationId id) {
      const std::uint32_t node = state.relations[datalog::index_of(id)].node;
      if (node != s && !result[node]) saved = false;
    };
    for (const RelationId id : stratum.relations) {
      if (matches.count(id) != 0) saved = false;
    }
    if (stratum.kind == StandingKind::kEquivalence) reads(stratum.pairs);
    for (const datalog::RuleId id : stratum.rules) {
      datalog::walk_rule_matches(
          state.form.program.rule(id),
          [&](const datalog::Match& match, datalog::Reading) { reads(match.relation); });
    }
    result[s] = saved;
  }
  return result;
}

Expected<void> Network::Impl::save(ImageSink& sink, const RelationNames& name) const {
  ImageWriter to(sink);
  Meanings known;
  const std::vector<std::uint32_t> numbers = number_meanings(known, name);
  const std::vector<bool> saved = strata_to_save();
  std::vector<RelationId> relations;
  for (std::size_t s = 0; s < saved.size(); ++s) {
    if (!saved[s]) continue;
    const auto& own = state.form.strata[s].relations;
    relations.insert(relations.end(), own.begin(), own.end());
  }
  std::string head;
  head.push_back(static_cast<char>(kFormat));
  put_varint(head, version);
  const vm::TypeTable& types = options.pool->types();
  put_varint(head, types.size());
  for (std::uint32_t t = 0; t < types.size(); ++t) {
    put_bytes(head, describe(types, static_cast<vm::TypeId>(t)));
  }
  put_varint(head, known.numbers.size());
  for (const auto& [text, number] : known.numbers) {
    put_bytes(head, text);
    put_varint(head, number);
  }
  put_varint(head, relations.size());
  for (const RelationId id : relations) put_varint(head, numbers[datalog::index_of(id)]);
  if (auto done = to.frame(head); !done) return done;

  for (const RelationId id : relations) {
    std::string body;
    put_varint(body, numbers[datalog::index_of(id)]);
    const std::vector<ErrorInstance> errors = state.errors.instances(id);
    put_varint(body, errors.size());
    for (const ErrorInstance& instance : errors) put_error(body, instance);
    if (auto done = to.frame(body); !done) return done;
    auto done = save_relation(*state.relations[datalog::index_of(id)].rows,
                              state.layouts[datalog::index_of(id)], *options.pool, to);
    if (!done) return done;
  }
  for (std::size_t s = 0; s < saved.size(); ++s) {
    if (!saved[s] || nodes[s].parts.empty()) continue;
    std::string body;
    put_varint(body, numbers[datalog::index_of(state.form.strata[s].relations.front())]);
    put_varint(body, nodes[s].parts.size());
    if (auto done = to.frame(body); !done) return done;
    for (const auto& part : nodes[s].parts) {
      auto done = part->save(state, to);
      if (done) done = to.frame({});
      if (!done) return done;
    }
  }
  return to.frame({});
}

// ---------------------------------------------------------------------------------------------------
// Restoring

Expected<void> Network::Impl::restore(const datalog::RuleProgram& program, ImageSource& source,
                                      const RelationNames& name) {
  if (auto made = make_form(program); !made) return made;
  nodes.resize(state.form.strata.size());
  if (auto made = make_relations(); !made) return made;

  ImageFrames frames(source);
  auto head = frames.next();
  if (!head) return unexpected(std::move(head).error());
  ImageCursor from(*head);
  if (from.bytes(1) != std::string_view(reinterpret_cast<const char*>(&kFormat), 1)) {
    return unexpected(damaged_image("it is of another format"));
  }
  version = from.number();
  const vm::TypeTable& types = options.pool->types();
  const std::size_t type_count = from.count();
  for (std::uint32_t t = 0; t < type_count; ++t) {
    const std::string_view description = from.text();
    if (t < types.size() && description != describe(types, static_cast<vm::TypeId>(t))) {
      return unexpected(ErrorCode::kNotFound, "the types of the program are others");
    }
  }
  Meanings known;
  known.next = 0;
  for (std::size_t i = from.count(); i > 0 && !from.has_failed(); --i) {
    std::string text(from.text());
    const auto number = static_cast<std::uint32_t>(from.number());
    known.next = std::max(known.next, number + 1);
    known.numbers.emplace(std::move(text), number);
  }
  std::vector<std::uint32_t> saved(from.count());
  for (std::uint32_t& number : saved) number = static_cast<std::uint32_t>(from.number());
  if (from.has_failed() || !from.is_at_end()) return unexpected(damaged_image("its head"));

  const std::vector<std::uint32_t> numbers = number_meanings(known, name);
  const std::set<std::uint32_t> is_saved(saved.begin(), saved.end());
  std::map<std::uint32_t, RelationId> wanted;
  std::vector<bool> restored(nodes.size());
  for (std::size_t s = 0; s < nodes.size(); ++s) {
    const auto& own = state.form.strata[s].relations;
    restored[s] = std::all_of(own.begin(), own.end(), [&](RelationId id) {
      return is_saved.count(numbers[datalog::index_of(id)]) != 0;
    });
    if (!restored[s]) continue;
    for (const RelationId id : own) wanted.emplace(numbers[datalog::index_of(id)], id);
  }

  for (const std::uint32_t number : saved) {
    auto body = frames.next();
    if (!body) return unexpected(std::move(body).error());
    ImageCursor of(*body);
    const bool is_it = of.number() == number;
    const auto found = wanted.find(number);
    for (std::size_t i = of.count(); i > 0 && !of.has_failed(); --i) {
      ErrorInstance instance = take_error(of);
      if (found == wanted.end()) continue;
      instance.relation = found->second;
      state.errors.add(instance);
    }
    if (!is_it || of.has_failed() || !of.is_at_end()) {
      return unexpected(damaged_image("what comes before a relation"));
    }
    auto done = found == wanted.end()
                    ? skip_relation(frames)
                    : restore_relation(frames, state.rows(found->second),
                                       state.layouts[datalog::index_of(found->second)],
                                       *options.pool, ++commits);
    if (!done) return done;
  }
  state.errors.commit();
  if (auto made = make_code_and_nodes(); !made) return made;
  for (std::size_t s = 0; s < nodes.size(); ++s) nodes[s].is_kept = restored[s];
  if (auto done = restore_nodes(frames, wanted); !done) return done;

  begin_transaction();
  for (const datalog::Rule& rule : state.form.program.rules) {
    const auto row = options.states_facts && !nodes[state.at(rule.head.relation).node].is_kept
                         ? fact_row(rule)
                         : std::nullopt;
    if (!row) continue;
    std::vector<const Word*> row_words;
    for (const Word& word : *row) row_words.push_back(&word);
    state_facts(rule.head.relation, row_words, 1, /*is_deletion=*/false);
  }
  if (auto done = derive_new(/*takes_over=*/true); !done) return done;
  Committed ignored;
  if (agenda) {
    agenda->settle();
    agenda->commit(ignored);
  }
  end_epoch(version);
  return {};
}

// What nodes keep beside relations, which are numbered in the image.
Expected<void> Network::Impl::restore_nodes(ImageFrames& frames,
                                            const std::map<std::uint32_t, RelationId>& wanted) {
  state.machine->set_rows_left(~std::uint64_t{0});
  const auto end_of_part = [&](bool skips) -> Expected<void> {
    for (;;) {
      auto body = frames.next();
      if (!body) return unexpected(std::move(body).error());
      if (body->empty()) return {};
      if (!skips) return unexpected(damaged_image("what a node keeps"));
    }
  };
  for (;;) {
    auto body = frames.next();
    if (!body) return unexpected(std::move(body).error());
    if (body->empty()) break;
    ImageCursor of(*body);
    const auto found = wanted.find(static_cast<std::uint32_t>(of.number()));
    const std::uint64_t parts = of.number();
    NodeOfStratum* const node =
        found == wanted.end() ? nullptr : &nodes[state.at(found->second).node];
    if (of.has_failed() || !of.is_at_end() || (node != nullptr && node->parts.size() != parts)) {
      return unexpected(damaged_image("a node"));
    }
    for (std::uint64_t i = 0; i < parts; ++i) {
      if (node != nullptr) {
        if (auto done = node->parts[i]->restore(state, frames); !done) return done;
      }
      if (auto done = end_of_part(/*skips=*/node == nullptr); !done) return done;
      options.pool->end_step();
    }
  }
  return frames.end();
}

// ---------------------------------------------------------------------------------------------------
// The public face

Expected<std::unique_ptr<Network>> Network::restore(const datalog::RuleProgram& program,
                                                    NetworkOptions options, ImageSource& image,
                                                    const RelationNames& names) {
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  if (auto made = impl->restore(program, image, names); !made) {
    return unexpected(std::move(made).error());
  }
  return std::unique_ptr<Network>(new Network(std::move(impl)));
}

bool Network::is_restored(RelationId relation) const {
  const RelationId target = impl_->state.form.stated_in[datalog::index_of(relation)];
  return impl_->nodes[impl_->state.at(target).node].is_kept;
}

Expected<void> Network::save(ImageSink& sink, const RelationNames& names) const {
  ENTAIL_ENSURE(!in_transaction());
  return impl_->save(sink, names);
}

}  // namespace entail::rete
