// streams/connector.h - which connectors there are, their settings, and how sources and sinks are made.
//
//     from file "pay.ndjson" { format: "json", tail: true }       connector "file", address "pay.ndjson"
//     to console "" { envelope: "plain" }
//
// Connectors and their settings, each with its default:
//
//     file, in     format json | csv; tail false: whether more may be written to it; compression none |
//                  gzip, by default as the name ends; csv: header false, delimiter ",", null "".
//                  json: one object a line, members by the names of the columns (formats/json_rows.h)
//     file, out    envelope changelog | upsert. Each entry exactly once: the last line of the file says
//                  what is there, a torn one is cut off
//     generator    rows (required), seed 1, rate 0: rows a second, 0: as fast as they are taken
//                  (connectors/generator_source.h)
//     console      out: envelope changelog | upsert | plain. At least once
//
// A setting that a connector does not know is an error, as is a connector that there is not.
//
// Threads: the functions are pure, but for what they make.

#pragma once

#include <memory>
#include <string>

#include "streams/connector_spec.h"
#include "streams/event_rows.h"
#include "streams/file_access.h"
#include "streams/sink.h"
#include "streams/source.h"
#include "vm/base/clock.h"
#include "vm/base/expected.h"

namespace entail::streams {

// What connectors need of the world.
struct World {
  FileAccess* files = nullptr;
  const Clock* clock = nullptr;
};

// Whether the settings make sense for rows of that shape: kUnsupported for what there is not,
// kInvalidArgument for the rest. Opens nothing.
Expected<void> check_source(const ConnectorSpec& spec, std::shared_ptr<const RowShape> shape);
Expected<void> check_sink(const ConnectorSpec& spec);

// REQUIRES: the check passed.
Expected<std::unique_ptr<Source>> make_source(const ConnectorSpec& spec,
                                              std::shared_ptr<const RowShape> shape, World world);
Expected<std::unique_ptr<Sink>> make_sink(const ConnectorSpec& spec, World world);

Envelope envelope_of(const ConnectorSpec& spec);

}  // namespace entail::streams
