// server/pgwire/conversation_extended.cc - Parse, Bind, Describe, Execute, Close and Sync; see
// conversation.h.

#include <fmt/format.h>

#include <utility>

#include "server/pgwire/binary_value.h"
#include "server/pgwire/conversation.h"
#include "server/pgwire/utf8.h"

namespace entail::pgwire {
namespace {

Error error_of(std::string sqlstate, std::string message) {
  return unexpected(ErrorCode::kInvalidArgument, std::move(message),
                    SqlFields{.sqlstate = std::move(sqlstate)})
      .error();
}

Error no_such_statement(std::string_view name) {
  return error_of("26000", name.empty()
                               ? "unnamed prepared statement does not exist"
                               : fmt::format("prepared statement \"{}\" does not exist", name));
}

Error no_such_portal(std::string_view name) {
  return error_of("34000", fmt::format("portal \"{}\" does not exist", name));
}

// What a message says of formats, for `count` values: one each. Nothing where all are text.
Expected<std::vector<std::int16_t>> spread_formats(std::span<const std::int16_t> said,
                                                   std::size_t count) {
  bool has_binary = false;
  for (const std::int16_t format : said) {
    if (format != 0 && format != 1) {
      return unexpected(error_of("22023", fmt::format("unsupported format code: {}", format)));
    }
    has_binary = has_binary || format == 1;
  }
  if (!has_binary) return std::vector<std::int16_t>();
  if (said.size() == 1) return std::vector<std::int16_t>(count, said[0]);
  return std::vector<std::int16_t>(said.begin(), said.end());
}

}  // namespace

bool Conversation::handle(const ParseMessage& message) {
  if (auto valid = check_utf8(message.text); !valid) return fail(valid.error());
  if (message.statement.empty()) {
    statements_.erase("");
  } else if (statements_.find(message.statement) != statements_.end()) {
    return fail(error_of(
        "42P05", fmt::format("prepared statement \"{}\" already exists", message.statement)));
  }
  auto prepared = session_->parse(message.text, message.parameter_types);
  send_notices();
  if (!prepared) return fail(prepared.error());
  statements_[std::string(message.statement)] = {std::move(*prepared)};
  writer_.parse_complete();
  return true;
}

Expected<std::vector<engine::Parameter>> Conversation::parameters_of(
    const BindMessage& message, const engine::Prepared& prepared) {
  const std::span<const std::uint32_t> oids = prepared.parameter_oids();
  if (message.values.size() != oids.size()) {
    return unexpected(error_of(
        "08P01", fmt::format("bind message supplies {} parameters, but prepared statement \"{}\" "
                             "requires {}",
                             message.values.size(), message.statement, oids.size())));
  }
  auto formats = spread_formats(message.parameter_formats, oids.size());
  if (!formats) return unexpected(formats.error());
  std::vector<engine::Parameter> parameters(oids.size());
  for (std::size_t i = 0; i < oids.size(); ++i) {
    if (!message.values[i]) continue;
    const std::string_view bytes = *message.values[i];
    if (!formats->empty() && (*formats)[i] == 1) {
      auto parameter = parameter_of_binary(oids[i], bytes, i + 1);
      if (!parameter) return unexpected(parameter.error());
      if (auto valid = check_utf8(parameter->text); !valid) return unexpected(valid.error());
      parameters[i] = std::move(*parameter);
    } else {
      if (auto valid = check_utf8(bytes); !valid) return unexpected(valid.error());
      parameters[i].is_null = false;
      parameters[i].text = bytes;
    }
  }
  return parameters;
}

bool Conversation::handle(const BindMessage& message) {
  const auto statement = statements_.find(message.statement);
  if (statement == statements_.end()) return fail(no_such_statement(message.statement));
  const std::shared_ptr<const engine::Prepared> prepared = statement->second.prepared;
  auto parameters = parameters_of(message, *prepared);
  if (!parameters) return fail(parameters.error());

  const engine::ResultShape* const shape = prepared->shape();
  const std::size_t columns = shape == nullptr ? 0 : shape->columns.size();
  if (message.result_formats.size() > 1 && message.result_formats.size() != columns) {
    return fail(
        error_of("08P01", fmt::format("bind message has {} result formats but query has {} columns",
                                      message.result_formats.size(), columns)));
  }
  auto formats = spread_formats(message.result_formats, columns);
  if (!formats) return fail(formats.error());

  if (message.portal.empty()) {
    portals_.erase("");
  } else if (portals_.find(message.portal) != portals_.end()) {
    return fail(error_of("42P03", fmt::format("cursor \"{}\" already exists", message.portal)));
  }
  auto portal = session_->bind(prepared, std::move(*parameters));
  send_notices();
  if (!portal) return fail(portal.error());
  portals_[std::string(message.portal)] = {std::move(*portal), std::move(*formats), false};
  writer_.bind_complete();
  return true;
}

bool Conversation::handle(const DescribeMessage& message) {
  const engine::ResultShape* shape = nullptr;
  std::span<const std::int16_t> formats;
  if (message.kind == NameKind::kStatement) {
    const auto found = statements_.find(message.name);
    if (found == statements_.end()) return fail(no_such_statement(message.name));
    writer_.parameter_description(found->second.prepared->parameter_oids());
    shape = found->second.prepared->shape();
  } else {
    const auto found = portals_.find(message.name);
    if (found == portals_.end()) return fail(no_such_portal(message.name));
    shape = found->second.portal->prepared().shape();
    formats = found->second.formats;
  }
  if (shape == nullptr) {
    writer_.no_data();
  } else {
    write_row_description(*shape, formats, writer_);
  }
  return true;
}

bool Conversation::handle(const CloseMessage& message) {
  // Closing what does not exist is no error.
  if (message.kind == NameKind::kStatement) {
    if (const auto found = statements_.find(message.name); found != statements_.end()) {
      statements_.erase(found);
    }
  } else if (const auto found = portals_.find(message.name); found != portals_.end()) {
    portals_.erase(found);
  }
  writer_.close_complete();
  return true;
}

bool Conversation::handle(const ExecuteMessage& message) {
  const auto found = portals_.find(message.portal);
  if (found == portals_.end()) return fail(no_such_portal(message.portal));
  OpenPortal& open = found->second;
  is_extended_ = true;
  if (open.is_finished) {
    if (open.portal->prepared().shape() == nullptr) {
      return fail(error_of("55000", fmt::format("portal \"{}\" cannot be run", message.portal)));
    }
    writer_.command_complete("SELECT 0");
    return true;
  }
  if (deallocates_own(open.portal->prepared().text())) {
    open.is_finished = true;
    writer_.command_complete("DEALLOCATE");
    return true;
  }
  running_name_ = message.portal;
  row_limit_ = message.row_limit;
  begin_running(open.formats, false);
  return run_execute();
}

bool Conversation::run_execute() {
  activity_ = Activity::kExecute;
  OpenPortal& open = portals_.find(running_name_)->second;
  switch (run_portal(*open.portal, row_limit_)) {
    case Ran::kDone:
      break;
    case Ran::kSuspended:
      writer_.portal_suspended();
      activity_ = Activity::kNone;
      return true;
    case Ran::kStopped:
      return false;
    case Ran::kCopying:
      activity_ = Activity::kNone;
      return true;
    case Ran::kFailed:
      open.is_finished = true;
      is_skipping_ = true;
      activity_ = Activity::kNone;
      return true;
  }
  activity_ = Activity::kNone;
  open.is_finished = true;
  if (tag_.empty()) {
    writer_.empty_query_response();
    return true;
  }
  writer_.command_complete(tag_);
  // What ends a transaction ends its portals; what forgets everything forgets ours, too.
  if (tag_ == "DISCARD ALL" || tag_ == "DEALLOCATE ALL") statements_.clear();
  if (tag_ == "COMMIT" || tag_ == "ROLLBACK" || tag_ == "DISCARD ALL") {
    drop_portals_after_transaction();
  }
  return true;
}

bool Conversation::handle(const SyncMessage&) {
  is_skipping_ = false;
  return run_sync();
}

bool Conversation::run_sync() {
  activity_ = Activity::kSync;
  auto outcome = session_->sync();
  send_notices();
  if (!outcome) {
    report(outcome.error());
  } else if (outcome->progress == engine::Progress::kMustWait) {
    stop(Next::kMustWait);
    return false;
  } else {
    note_version(*outcome);
  }
  activity_ = Activity::kNone;
  ready();
  return true;
}

}  // namespace entail::pgwire
