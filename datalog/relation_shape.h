// datalog/relation_shape.h - whether two relations have rows of one shape.
#pragma once

#include <algorithm>

#include "datalog/rule_program.h"

namespace entail::datalog {

// Whether the rows of one fit into the other: names and rules may differ. Nothing fits what was dropped.
inline bool same_shape(const Relation& a, const Relation& b) {
  if (a.dropped || b.dropped || a.collection != b.collection || a.key != b.key) return false;
  return std::equal(a.columns.begin(), a.columns.end(), b.columns.begin(), b.columns.end(),
                    [](const Column& one, const Column& other) {
                      return one.type == other.type && one.nullable == other.nullable;
                    });
}

}  // namespace entail::datalog
