// rete/network_image.h - the state of a network as bytes, so that another process need not derive it again.
//
// An image holds the rows of relations with all that a relation knows of them: how they are held, weights,
// ranks, durable ids, identities. So it does the groups of aggregates: whatever was added to a group and taken
// away, nothing of it is read again. Tables, indexes, limits and equivalences are made anew out of the rows.
//
// Which relation of a program a saved one is goes by *meaning*: the names of tables, the texts of rules, and the
// meanings of what those read (extend.cc). So an image fits another program as far as that says the same, and
// what is not in it is derived as extend() does. Not saved: matches of productions, and what rests on them.
//
// One stream of frames; numbers v are varints, w words in 8 bytes with the lowest byte first, b a length v and
// bytes:
//
//     frame     | length of the body, 4 bytes, lowest first | body |
//     head      | format 1 (2) | network's version v | types | meanings | relations |
//       types       | count v | description b ... |                 by type id
//       meanings    | count v | text b, number v ... |
//       relations   | count v | number v ... |                      of those that follow
//     relation  | number v | errors | | rows |
//       errors      | count v | place b, message b, weight v, 1, SQL's: 0 or 1, code 1, message b, fields ... |
//       rows        | columns v | next identity v | count v | | some rows | ...
//       some rows   | n v | held | column ... | weights? | ranks? | sources? ordinals? | identities? |
//       packed      | least w | bytes each 1 (0, 1, 2, 4, 8) | n differences from the least |   held, columns, the rest
//       handles     | count v | value b ... | packed |   of a column of handles: those are numbers of values, from 1
//     nodes     | number v of its stratum's first relation | parts v | | part | | empty | ... and an empty one
//       part        groups:       | count v | | some groups | ...
//                   recursion:    | work v | rows made v | last rank v |
//                   recomputed:   rows, of what is stated, of each relation
//                   others:       nothing
//       some groups | n v | column of a key ... | packed word ... | beside ... |   by aggregate:
//       beside      | packed sizes | column of values | packed counts | | packed sizes | packed words |   values, sums
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
