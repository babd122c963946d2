// server/http/event_stream.h - what a subscription gives as server-sent events.
//
//     event: snapshot            the rows at the version; in several events where they are many
//     id: 17                     on the last of them only: who comes back with Last-Event-ID: 17 has them all
//     data: {"version":17,"complete":true,"rows":[{"id":1},{"id":2}]}
//
//     event: changes             of one version
//     id: 18
//     data: {"version":18,"complete":true,"changes":[{"op":"-","row":{"id":1}},{"op":"+","row":{"id":3}}]}
//
//     event: progress            with progress=true: nothing more comes of versions below this one
//     id: 20
//     data: {"version":21}
//
//     event: end                 UP TO was reached; event: error says in its data why it is over
//
// Threads: the engine's. Source: the WHATWG's HTML standard, "Server-sent events".
#pragma once

#include <cstdint>
#include <string>

#include "server/engine/subscription.h"
#include "server/http/json_row.h"

namespace entail::http {

inline constexpr std::size_t kEventBytesMax = std::size_t{32} << 10U;

class EventWriter final : public engine::ChangeSink {
 public:
  EventWriter(const engine::ResultShape& shape, const engine::TextSettings& settings)
      : row_(shape, settings) {}

  // What was made so far; whoever sends it clears it.
  std::string& output() { return output_; }

  void change(std::uint64_t version, int diff, const engine::RowView& row,
              bool is_snapshot) override;
  void end_version(std::uint64_t version, bool is_snapshot) override;
  void progress(std::uint64_t version) override;

  // An event that is not finished is sent as far as it is: the rest comes in another one.
  void flush();
  void end();
  void error(const Error& error);

 private:
  void begin(std::uint64_t version, bool is_snapshot);
  void finish(bool is_complete);

  JsonRow row_;
  std::string output_;
  std::string event_;  // Its list so far; empty: none is open.
  bool is_open_ = false, is_snapshot_ = false;
  bool has_begun_ = false;  // Progress was told.
  std::uint64_t version_ = 0;
};

}  // namespace entail::http
