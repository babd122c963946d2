// vm/json_text.h - the one text of a JSON value.
//
// Members sorted by name (the last of equal names counts), no white space, numbers as the shortest
// text: integers of up to 64 bits exactly, all others as doubles, those that are
// whole numbers up to 2^53 as integers. So equal documents are equal
// bytes, as every type of the VM needs. Documents nested deeper than 1,000 are refused, since they
// are read and written by recursion.
//
// Threads: pure.

#pragma once

#include <string>
#include <string_view>

namespace entail::vm {

// The canonical text of the JSON document `text`; false if it is none, not UTF-8, or nested
// too deeply.
[[nodiscard]] bool canonical_json(std::string_view text, std::string& out);

// The order in which jsonb keeps members: by the length of their names first, then by their bytes.
bool comes_first_in_jsonb(std::string_view name, std::string_view other);

// A canonical text as SQL prints jsonb: a blank behind each colon and comma, members in jsonb's order.
std::string printed_json(std::string_view canonical);

}  // namespace entail::vm
