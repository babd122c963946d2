#include "datalog/internal/environment.h"

namespace entail::datalog {

RelationId Environment::add_relation(Relation relation, RelationInfo info) {
  const RelationId id{static_cast<std::uint32_t>(program.relations.size())};
  relations.emplace(relation.name, id);
  program.relations.push_back(std::move(relation));
  infos.push_back(std::move(info));
  return id;
}

std::string Environment::suggestion(const std::string& name,
                                    const std::vector<std::string>& known) {
  const std::string near = grammar::nearest_name(name, known);
  return near.empty() ? std::string() : "Did you mean '" + near + "'?";
}

std::vector<std::string> Environment::relation_names() const {
  std::vector<std::string> names;
  for (const Relation& relation : program.relations) {
    if (!relation.auxiliary) names.push_back(relation.name);
  }
  return names;
}

}  // namespace entail::datalog
