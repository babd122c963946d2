// streams/connector_spec.h - what a clause `from …` or `to …` says, or CREATE SOURCE and CREATE SINK.
//
//     from file "pay.ndjson" { format: "json", tail: true }       connector "file", address "pay.ndjson"
//
// Threads: values.

#pragma once

#include <map>
#include <string>

namespace entail::streams {

struct ConnectorSpec {
  std::string connector;                        // "file"
  std::string address;                          // "pay.ndjson"
  std::map<std::string, std::string> settings;  // As spelled.

  bool operator==(const ConnectorSpec&) const = default;
};

}  // namespace entail::streams
