// streams/position.h - a place in a partition of a source, from which it can be read again.
//
// What a position counts is the source's affair: bytes of a file (`offset`, and the `line` there, for
// people), records of a generator or of a broker's partition (`offset` alone). Positions of a partition
// grow. The store keeps the text form and does not look inside.
//
//     "1234:57"     byte 1,234 of the text, in line 57
//     "42"          record 42
//
// Threads: values.

#pragma once

#include <charconv>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace entail::streams {

struct Position {
  std::uint64_t offset = 0;
  std::uint64_t line = 0;  // From 1; 0: the source has no lines.

  auto operator<=>(const Position&) const = default;
};

inline std::string to_text(const Position& position) {
  std::string text = std::to_string(position.offset);
  if (position.line != 0) text += ":" + std::to_string(position.line);
  return text;
}

// Nothing where to_text() wrote no such text.
inline std::optional<Position> parse_position(std::string_view text) {
  Position position;
  const char* const end = text.data() + text.size();
  auto read = std::from_chars(text.data(), end, position.offset);
  if (read.ec != std::errc() || text.empty()) return std::nullopt;
  if (read.ptr == end) return position;
  if (*read.ptr != ':') return std::nullopt;
  read = std::from_chars(read.ptr + 1, end, position.line);
  if (read.ec != std::errc() || read.ptr != end || position.line == 0) return std::nullopt;
  return position;
}

}  // namespace entail::streams
