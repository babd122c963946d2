#include "store/log_record.h"

#include <fmt/format.h>

#include <iterator>

#include "store/internal/bytes.h"

namespace entail::store {
namespace {

void append_image(std::string& out, const RowImage& image) {
  fmt::format_to(std::back_inserter(out), " {}", readable(image.row));
  if (image.weight != 1) fmt::format_to(std::back_inserter(out), " x{}", image.weight);
  if (image.time_tag_us) fmt::format_to(std::back_inserter(out), " at {}", *image.time_tag_us);
}

}  // namespace

std::string_view cause_kind_name(CauseKind kind) noexcept {
  switch (kind) {
    case CauseKind::kSession:
      return "session";
    case CauseKind::kSourceBatch:
      return "source batch";
    case CauseKind::kTick:
      return "tick";
    case CauseKind::kExpiry:
      return "expiry";
    case CauseKind::kFiring:
      return "firing";
    case CauseKind::kDeployment:
      return "deployment";
    case CauseKind::kRestore:
      return "restore";
  }
  return "unknown";
}

std::string to_text(const LogRecord& record) {
  const Cause& cause = record.info.cause;
  std::string text =
      fmt::format("version {} time {} {} {} {}", record.info.version, record.info.time_us,
                  cause_kind_name(cause.kind), readable(cause.origin), cause.number);
  if (cause.time_us != 0) text += fmt::format(" at {}", cause.time_us);
  if (!cause.detail.empty()) text += fmt::format(" ({})", readable(cause.detail));
  text += '\n';
  for (const SourcePosition& position : cause.positions) {
    text += fmt::format("  position {}/{} {}\n", readable(position.source),
                        readable(position.partition), readable(position.position));
  }
  for (const CatalogChange& change : record.catalog) {
    text += fmt::format("  catalog {}", readable(change.key));
    if (change.before) text += fmt::format(" -{}", readable(*change.before));
    if (change.value) text += fmt::format(" +{}", readable(*change.value));
    text += '\n';
  }
  for (const RowChange& change : record.changes) {
    text += fmt::format("  relation {} key {}", change.relation, readable(change.key));
    if (change.durable_id != 0) text += fmt::format(" id {}", change.durable_id);
    if (change.before) {
      text += fmt::format(" -born {}", change.before_born);
      append_image(text, *change.before);
    }
    if (change.after) {
      text += " +";
      append_image(text, *change.after);
    }
    if (change.firing != 0) text += fmt::format(" by rule {}", change.firing);
    text += '\n';
  }
  for (const OutboxEntry& entry : record.outbox) {
    text += fmt::format("  outbox {} rule {} {}\n", readable(entry.sink), entry.rule,
                        readable(entry.payload));
  }
  for (const DeadLetter& letter : record.dead_letters) {
    text += fmt::format("  dead letter {}/{} {}: {}: {}\n", readable(letter.source),
                        readable(letter.partition), readable(letter.position),
                        readable(letter.reason), readable(letter.payload));
  }
  return text;
}

}  // namespace entail::store
