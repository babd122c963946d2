// streams/connectors/generator_source.h - made-up rows: a function of the seed and the row's number.
//
//     from generator "" { rows: "1000000", seed: "7", id: "sequence", card: "c{1..500}", amount: "1..9000" }
//
//     rows         how many
//     seed         1
//     rate         rows a second; 0, the default: as fast as they are taken
//     start, step_ms      of columns of time: 2026-01-01T00:00:00 and 1000; row n is at start + n steps
//     and by the names of columns:
//       integers, floats    "sequence", the row's number from 0; or "1..500", any number from 1 to 500 with
//                           equal chance. By default 0..999999
//       texts               anything with one {sequence} or {1..500} in it. By default v{0..999}
//
// A position is a row's number. Columns of other types are refused. The same rows come on every machine.
//
// Threads: one at a time.

#pragma once

#include <memory>

#include "streams/settings.h"
#include "streams/source.h"
#include "vm/base/clock.h"

namespace entail::streams {

Expected<std::unique_ptr<Source>> make_generator_source(const SettingMap& settings,
                                                        std::shared_ptr<const RowShape> shape,
                                                        const Clock* clock);

}  // namespace entail::streams
