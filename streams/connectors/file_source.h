// streams/connectors/file_source.h - a file of records, read once through, or followed while it grows.
//
// A position is the byte of the text and its line; of a packed file, of the text that is in it, so that
// going on there unpacks what stands before again. There is one partition, "0".
//
// A record ends with its line end. The last one may lack it; where the file is followed (`tail`) that one is
// not complete yet. A record of more than 16 MiB is a dead letter that keeps its first 64 KiB.
//
// Errors: kData where a followed file is shorter than what was read of it, or a packed one is broken.
// Threads: one at a time.

#pragma once

#include <memory>
#include <string>

#include "streams/file_access.h"
#include "streams/formats/row_decoder.h"
#include "streams/source.h"

namespace entail::streams {

struct FileSourceOptions {
  std::string path;
  bool tail = false;
  bool gzip = false;
};

std::unique_ptr<Source> make_file_source(FileSourceOptions options, FileAccess& files,
                                         std::shared_ptr<const RowShape> shape,
                                         std::unique_ptr<RowDecoder> decoder);

}  // namespace entail::streams
