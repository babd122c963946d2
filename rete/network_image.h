// rete/network_image.h - the state of a network as bytes, so that another process need not derive it again.
//
// An image holds the rows of relations with all that a relation knows of them: how they are held, weights,
// ranks, durable ids, identities. What nodes keep beside relations is made anew from those rows: groups out of
// their bodies' matches, limits and equivalences out of the relations that they read.
//
// Which relation of a program a saved one is goes by *meaning*: the names of tables, the texts of rules, and the
// meanings of what those read (extend.cc). So an image fits another program as far as that says the same, and
// what is not in it is derived as extend() does. Not saved, with all that rests on them: recomputed strata,
// matches of productions, and relations with instances on the error side.
//
// One stream of frames; numbers v are varints, w words in 8 bytes with the lowest byte first, b a length v and
// bytes:
//
//     frame     | length of the body, 4 bytes, lowest first | body |
//     head      | format 1 (1) | network's version v | types | meanings | relations |
//       types       | count v | description b ... |                 by type id
//       meanings    | count v | text b, number v ... |
//       relations   | count v | number v ... |                      of those that follow
//     relation  | number v | columns v | next identity v | count v | word v ... | rows v |
//               the words: Node::image_words(), of the first relation of its stratum
//     rows      | n v | held | column ... | weights? | ranks? | sources? ordinals? | identities? |   until all are there
//     packed    | least w | bytes each 1 (0, 1, 2, 4, 8) | n differences from the least |   held, columns and the rest
//     handles   | count v | value b ... | packed |     of a column of handles: those are numbers of values, from 1
//
// The bytes are trusted to be those that save() wrote: whoever keeps them checks that, and which program
// may read them.
//
// Threads: one.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "datalog/rule_program.h"
#include "vm/base/expected.h"

namespace entail::rete {

// A name of a relation of the program that says in every process which relation it is.
using RelationNames = std::function<std::string(datalog::RelationId)>;

class ImageSink {
 public:
  ImageSink() = default;
  ImageSink(const ImageSink&) = delete;
  ImageSink& operator=(const ImageSink&) = delete;
  virtual ~ImageSink() = default;
  virtual Expected<void> append(std::string_view bytes) = 0;
};

class ImageSource {
 public:
  ImageSource() = default;
  ImageSource(const ImageSource&) = delete;
  ImageSource& operator=(const ImageSource&) = delete;
  virtual ~ImageSource() = default;
  // The next bytes, as many as there are at hand; empty at the end. Valid until the next call.
  virtual Expected<std::string_view> next() = 0;
};

}  // namespace entail::rete
