#include "server/http/event_stream.h"

#include <fmt/format.h>

#include "server/http/request.h"

namespace entail::http {

void EventWriter::begin(std::uint64_t version, bool is_snapshot) {
  is_open_ = true;
  version_ = version;
  is_snapshot_ = is_snapshot;
}

void EventWriter::finish(bool is_complete) {
  output_ += is_snapshot_ ? "event: snapshot\n" : "event: changes\n";
  if (is_complete) output_ += fmt::format("id: {}\n", version_);
  output_ += fmt::format(R"(data: {{"version":{},"complete":{},"{}":[{}]}})", version_, is_complete,
                         is_snapshot_ ? "rows" : "changes", event_);
  output_ += "\n\n";
  event_.clear();
  is_open_ = false;
}

void EventWriter::change(std::uint64_t version, int diff, const engine::RowView& row,
                         bool is_snapshot) {
  if (!is_open_) begin(version, is_snapshot);
  if (!event_.empty()) event_.push_back(',');
  if (is_snapshot) {
    row_.append(row, event_);
  } else {
    event_ += diff > 0 ? R"({"op":"+","row":)" : R"({"op":"-","row":)";
    row_.append(row, event_);
    event_.push_back('}');
  }
  if (event_.size() > kEventBytesMax) finish(false);
}

void EventWriter::end_version(std::uint64_t version, bool is_snapshot) {
  if (!is_open_) begin(version, is_snapshot);
  finish(true);
}

void EventWriter::progress(std::uint64_t version) {
  // The first one tells where the subscription begins: what is there then is yet to come.
  output_ += "event: progress\n";
  if (version > 0 && has_begun_) output_ += fmt::format("id: {}\n", version - 1);
  output_ += fmt::format("data: {{\"version\":{}}}\n\n", version);
  has_begun_ = true;
}

void EventWriter::flush() {
  if (is_open_) finish(false);
}

void EventWriter::end() { output_ += "event: end\ndata: {}\n\n"; }

void EventWriter::error(const Error& error) {
  flush();
  output_ += "event: error\ndata: " + error_json(error) + "\n\n";
}

}  // namespace entail::http
