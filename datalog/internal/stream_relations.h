// datalog/internal/stream_relations.h - the relations that go with a stream's event time.
//
//     stream Payment(card: symbol, ts: timestamp) time ts;
//
//         Payment.clock(at: timestamp)
//         Payment.partitions(partition: int64, high: timestamp, idle: bool) key (partition)
//         Payment_late(card: symbol, ts: timestamp)        unless the program declares it
//
// rule_program.h (StreamAttributes) says what they hold.
#pragma once

#include "datalog/internal/environment.h"

namespace entail::datalog {

// Once all relations of the text are declared: a relation `R_late` of the text is meant by its name.
void declare_stream_relations(Environment& environment);

}  // namespace entail::datalog
