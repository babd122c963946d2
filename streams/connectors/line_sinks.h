// streams/connectors/line_sinks.h - sinks that write an entry a line: into a file, or to the standard output.
//
// The file sink delivers each entry once. Each line says which entry it is (version and ordinal), so that the
// last whole line tells what is there; a line that was cut off by a crash is taken away, and what follows it
// is written again. deliver() returns when the bytes would survive a power cut. The file is its own: what
// does not end in such a line is no file of a sink, and open() fails with kData.
//
// Whoever reads the console may see an entry twice, after a crash: it keeps nothing.
//
// Threads: one at a time.

#pragma once

#include <memory>
#include <string>

#include "streams/file_access.h"
#include "streams/sink.h"

namespace entail::streams {

std::unique_ptr<Sink> make_file_sink(std::string path, Envelope envelope, FileAccess& files);
std::unique_ptr<Sink> make_console_sink(Envelope envelope, FileAccess& files);

}  // namespace entail::streams
