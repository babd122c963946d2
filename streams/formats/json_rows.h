// streams/formats/json_rows.h - records that are JSON objects: members by the names of the columns.
//
//     {"id": "p1", "card": "c17", "amount": 12.50, "ts": "2026-01-01T10:00:00Z"}
//
// A member that no column is called is left out; a column without a member, or whose member is null, is null
// where it can be. Numbers keep all their digits. A string is taken as the text of a value of any type; a
// number is no text. Records, arrays and json are read by formats/json_value.h.
//
// Cost: about 0.3 us a record of 150 bytes (simdjson). Threads: one at a time.

#pragma once

#include <memory>

#include "streams/formats/row_decoder.h"

namespace entail::streams {

// What a number is in a column of time.
enum class TimeUnit : std::uint8_t { kNone, kSeconds, kMilliseconds, kMicroseconds };

// Whether the bytes are UTF-8 without a zero byte: what a column of text can hold.
bool is_utf8_text(std::string_view bytes);

std::unique_ptr<RowDecoder> make_json_rows(std::shared_ptr<const RowShape> shape, TimeUnit unit);

}  // namespace entail::streams
