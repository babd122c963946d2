#include "streams/sink.h"

#include <fmt/format.h>

#include <charconv>

namespace entail::streams {

namespace {

constexpr std::string_view kVersion = "{\"version\":", kOrdinal = ",\"ordinal\":";

template <typename Number>
bool take_number(std::string_view& text, Number& out) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), out);
  if (read.ec != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  return true;
}

}  // namespace

void append_entry(const SinkEntry& entry, Envelope envelope, std::string& out) {
  if (envelope == Envelope::kPlain) {
    out.append(entry.payload);
    return;
  }
  fmt::format_to(std::back_inserter(out), "{}{}{}{},", kVersion, entry.place.version, kOrdinal,
                 entry.place.ordinal);
  out.append(entry.payload.substr(1));
}

std::optional<EntryPlace> place_of_entry(std::string_view line) {
  EntryPlace place;
  if (!line.starts_with(kVersion) || !line.ends_with('}')) return std::nullopt;
  line.remove_prefix(kVersion.size());
  if (!take_number(line, place.version) || !line.starts_with(kOrdinal)) return std::nullopt;
  line.remove_prefix(kOrdinal.size());
  if (!take_number(line, place.ordinal) || !line.starts_with(',')) return std::nullopt;
  return place;
}

}  // namespace entail::streams
