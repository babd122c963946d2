#include "rete/error_side.h"

#include "vm/base/ensure.h"
#include "vm/base/plant.h"
#include "vm/lane_error.h"
#include "vm/type.h"
#include "vm/value_text.h"

namespace entail::rete {

namespace {

// "division by zero in 'a / q' (a = 5, q = 0)"
std::string message_of(const vm::Place& place, const vm::Diverted& diverted,
                       const vm::ValuePool& pool) {
  std::string message = vm::lane_error_text(pool, diverted.error) + " in '" + place.text + "'";
  std::size_t word = 0;
  for (std::size_t i = 0; i < place.values.size(); ++i) {
    const vm::PlaceValue& value = place.values[i];
    message += i == 0 ? " (" : ", ";
    message += value.name + " = ";
    vm::print_value(pool, value.type, value.nullable, diverted.values.data() + word, {}, message);
    word += vm::words_of(value.type, value.nullable);
  }
  if (!place.values.empty()) message += ")";
  return message;
}

// "a.dl:3:17: " without its end; the rule has no place where no file was given.
std::string place_of(const vm::Place& place) {
  std::string where = place.where;
  while (!where.empty() && (where.back() == ' ' || where.back() == ':')) where.pop_back();
  return where;
}

}  // namespace

void ErrorSide::add(datalog::RelationId relation, const vm::Program& program,
                    const std::vector<vm::Diverted>& diverted, const vm::ValuePool& pool) {
  for (const vm::Diverted& instance : diverted) add(describe(relation, program, instance, pool));
}

ErrorInstance ErrorSide::describe(datalog::RelationId relation, const vm::Program& program,
                                  const vm::Diverted& diverted, const vm::ValuePool& pool) {
  const vm::Place& place = program.places[diverted.place];
  ErrorInstance instance;
  instance.relation = relation;
  instance.place = place_of(place);
  instance.message = message_of(place, diverted, pool);
  instance.weight = diverted.weight;
  instance.as_sql = std::make_shared<const Error>(vm::sql_error(pool, diverted.error));
  return instance;
}

void ErrorSide::add(const Key& key, const Kept& change) {
  Kept& kept = kept_[key];
  kept.weight += change.weight;
  kept.as_sql = change.as_sql;
  if (kept.weight == 0) kept_.erase(key);
}

void ErrorSide::add(const ErrorInstance& instance) {
  undo_.push_back(
      {{instance.relation, instance.place, instance.message}, {instance.weight, instance.as_sql}});
  add(undo_.back().key, undo_.back().change);
}

void ErrorSide::abort() {
  for (; !undo_.empty(); undo_.pop_back()) {
    Undo& undo = undo_.back();
    undo.change.weight = ENTAIL_PLANT_BUG(64) ? 0 : -undo.change.weight;
    add(undo.key, undo.change);
  }
}

std::vector<ErrorInstance> ErrorSide::instances() const {
  std::vector<ErrorInstance> result;
  for (const auto& [key, kept] : kept_) {
    result.push_back(
        {std::get<0>(key), std::get<1>(key), std::get<2>(key), kept.weight, kept.as_sql});
  }
  return result;
}

bool ErrorSide::has(datalog::RelationId relation) const {
  const auto first = kept_.lower_bound({relation, "", ""});
  return first != kept_.end() && std::get<0>(first->first) == relation;
}

std::vector<ErrorInstance> ErrorSide::instances(datalog::RelationId relation) const {
  std::vector<ErrorInstance> result;
  for (auto at = kept_.lower_bound({relation, "", ""});
       at != kept_.end() && std::get<0>(at->first) == relation; ++at) {
    const auto& [key, kept] = *at;
    result.push_back({relation, std::get<1>(key), std::get<2>(key), kept.weight, kept.as_sql});
  }
  return result;
}

std::uint64_t ErrorSide::bytes_used() const {
  std::uint64_t bytes = 0;
  for (const auto& [key, kept] : kept_) {
    bytes += sizeof(key) + sizeof(kept) + 4 * sizeof(void*) + std::get<1>(key).capacity() +
             std::get<2>(key).capacity();
  }
  return bytes;
}

void ErrorSide::verify() const {
  for (const auto& [key, kept] : kept_) ENTAIL_ENSURE(kept.weight > 0);
}

}  // namespace entail::rete
