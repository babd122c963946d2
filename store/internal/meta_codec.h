// store/internal/meta_codec.h - the values of the families `meta` and `outbox`.
//
//     meta  "format"       | "entail store " | format 1 | checksum 4 |
//           floors         | format 1 | version v | checksum 4 |
//           position       | format 1 | position, up to the checksum | checksum 4 |
//     outbox  entry        | format 1 | rule v | sink b | payload b | checksum 4 |
//             dead letter  | format 1 | source b | partition b | position b | reason b | payload b |
//                                                                                      checksum 4 |
//
// Threads: pure functions.

#pragma once

#include <string>
#include <string_view>

#include "store/log_record.h"
#include "vm/base/expected.h"

namespace entail::store {

// The format of the whole: which families there are and what their keys look like.
inline constexpr std::uint8_t kStoreFormat = 1;

std::string format_value();
// Fails with kUnsupported where it is the format of another program.
Expected<void> check_format_value(std::string_view value);

std::string floor_value(std::string_view key, Version floor);
Expected<Version> read_floor_value(std::string_view key, std::string_view value);

std::string position_value(std::string_view key, std::string_view position);
Expected<SourcePosition> read_position(std::string_view key, std::string_view value);

std::string outbox_value(std::string_view key, const OutboxEntry& entry);
Expected<OutboxEntry> read_outbox_value(std::string_view key, std::string_view value);
std::string dead_letter_value(std::string_view key, const DeadLetter& letter);
Expected<DeadLetter> read_dead_letter_value(std::string_view key, std::string_view value);

}  // namespace entail::store
