#include "datalog/internal/stream_relations.h"

#include <string>
#include <utility>
#include <vector>

namespace entail::datalog {
namespace {

struct NamedType {
  const char* name;
  const char* type;
};

std::optional<RelationId> declare(Environment& environment, const std::string& name,
                                  const std::vector<NamedType>& columns, grammar::SourceSpan span) {
  if (const auto taken = environment.relations.find(name); taken != environment.relations.end()) {
    environment.diagnostics.error(environment.program.relation(taken->second).span,
                                  "'" + name + "' is the name of a clock");
    environment.diagnostics.note(span, "the stream it belongs to");
    return std::nullopt;
  }
  Relation relation;
  RelationInfo info;
  relation.name = name;
  relation.span = span;
  relation.auxiliary = true;
  for (const NamedType& column : columns) {
    const SourceTypeId type = *environment.types.find(column.type);
    relation.columns.push_back({column.name, environment.types.at(type).type, false, span});
    info.column_types.push_back(type);
  }
  return environment.add_relation(std::move(relation), std::move(info));
}

// The relation that late rows are copied to.
RelationId late_relation(Environment& environment, RelationId stream) {
  const std::string name = environment.program.relation(stream).name + "_late";
  if (const auto declared = environment.relations.find(name);
      declared != environment.relations.end()) {
    return declared->second;
  }
  Relation relation;
  RelationInfo info;
  relation.name = name;
  relation.span = environment.program.relation(stream).span;
  relation.columns = environment.program.relation(stream).columns;
  relation.collection = Collection::kBag;
  info.column_types = environment.info(stream).column_types;
  return environment.add_relation(std::move(relation), std::move(info));
}

void declare_for(Environment& environment, RelationId id) {
  const Relation relation = environment.program.relation(id);
  const auto error = [&](grammar::SourceSpan span, const std::string& message) {
    environment.diagnostics.error(span, message);
  };
  if (!relation.stream->event_time_column) {
    const RelationInfo& info = environment.info(id);
    const char* const hint = "Declare its event time: `time` and the column.";
    for (const auto* part : {&info.watermark, &info.expire}) {
      if (!*part) continue;
      environment.diagnostics.error((*part)->span, "'" + relation.name + "' has no event time",
                                    hint);
    }
    return;
  }
  const Column& time = relation.columns[*relation.stream->event_time_column];
  if (time.type.kind != vm::TypeKind::kTimestamp || time.nullable) {
    error(time.span, "the event time of '" + relation.name +
                         "' is a timestamp that is not null, and '" + time.name + "' is none");
    return;
  }
  const auto clock =
      declare(environment, relation.name + ".clock", {{"at", "timestamp"}}, relation.span);
  const auto partitions =
      declare(environment, relation.name + ".partitions",
              {{"partition", "int64"}, {"high", "timestamp"}, {"idle", "bool"}}, relation.span);
  if (!clock || !partitions) return;
  environment.program.relation(*partitions).key = {0};
  std::optional<RelationId> late;
  if (relation.stream->late == LatePolicy::kApply) late = late_relation(environment, id);
  StreamAttributes& stream = *environment.program.relation(id).stream;
  stream.clock = clock;
  stream.partitions = partitions;
  stream.late_rows = late;
}

}  // namespace

void declare_stream_relations(Environment& environment) {
  const std::size_t count = environment.program.relations.size();
  for (std::size_t i = 0; i < count; ++i) {
    if (environment.program.relations[i].stream)
      declare_for(environment, static_cast<RelationId>(i));
  }
}

}  // namespace entail::datalog
