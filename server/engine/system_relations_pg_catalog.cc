// Relations of the schema pg_catalog that clients ask for.
#include "server/engine/system_relation.h"

namespace entail::engine {

std::vector<SystemRelation> pg_catalog_relations() { return {}; }

}  // namespace entail::engine
