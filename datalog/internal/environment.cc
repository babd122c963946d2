#include "datalog/internal/environment.h"

namespace entail::datalog {

RelationId Environment::add_relation(Relation relation, RelationInfo info) {
  const RelationId id{static_cast<std::uint32_t>(program.relations.size())};
  relations.emplace(relation.name, id);
  program.relations.push_back(std::move(relation));
  infos.push_back(std::move(info));
  return id;
}

std::optional<std::uint32_t> Environment::find_column(RelationId id, const grammar::Name& column) {
  return find_column(program.relation(id), column);
}

std::optional<std::uint32_t> Environment::find_column(const Relation& relation,
                                                      const grammar::Name& column) {
  std::vector<std::string> known;
  std::string all;
  for (std::uint32_t i = 0; i < relation.columns.size(); ++i) {
    if (relation.columns[i].name == column.text) return i;
    known.push_back(relation.columns[i].name);
    all += (i == 0 ? "It has " : i + 1 == relation.columns.size() ? " and " : ", ") + known.back();
  }
  const std::string near = suggestion(column.text, known);
  diagnostics.error(column.span, "'" + relation.name + "' has no column '" + column.text + "'",
                    !near.empty() ? near
                    : all.empty() ? all
                                  : all + ".");
  return std::nullopt;
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
