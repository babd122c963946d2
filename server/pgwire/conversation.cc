#include "server/pgwire/conversation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "server/pgwire/binary_value.h"
#include "server/pgwire/utf8.h"
#include "vm/base/ascii.h"

namespace entail::pgwire {
namespace {

constexpr std::size_t kOutputMax = 64 << 10;  // Bytes after which a long answer is sent on.
constexpr std::uint64_t kFirstSliceRows = 256;
constexpr std::uint64_t kSliceRowsMax = 65'536;

Error protocol_error(std::string message) {
  return unexpected(ErrorCode::kInvalidArgument, std::move(message), SqlFields{.sqlstate = "08P01"})
      .error();
}

Severity severity_of(engine::Severity severity) {
  switch (severity) {
    case engine::Severity::kDebug:
      return Severity::kDebug;
    case engine::Severity::kLog:
      return Severity::kLog;
    case engine::Severity::kInfo:
      return Severity::kInfo;
    case engine::Severity::kNotice:
      return Severity::kNotice;
    case engine::Severity::kWarning:
      return Severity::kWarning;
  }
  ENTAIL_UNREACHABLE("every severity is one of these");
}

// The name in "DEALLOCATE [PREPARE] name [;]"; nothing where the text is something else.
std::optional<std::string> deallocated_name(std::string_view text) {
  const auto skip_space = [&text] {
    while (!text.empty() && (text[0] == ' ' || text[0] == '\n' || text[0] == '\t')) {
      text.remove_prefix(1);
    }
  };
  const auto take_word = [&](std::string_view word) {
    skip_space();
    if (text.size() < word.size()) return false;
    for (std::size_t i = 0; i < word.size(); ++i) {
      if ((text[i] | 0x20) != word[i]) return false;
    }
    const char after = text.size() == word.size() ? ' ' : text[word.size()];
    if (after != ' ' && after != '\n' && after != '\t' && after != '"') return false;
    text.remove_prefix(word.size());
    return true;
  };
  if (!take_word("deallocate")) return std::nullopt;
  take_word("prepare");
  skip_space();
  while (!text.empty() && (text.back() == ';' || text.back() == ' ' || text.back() == '\n')) {
    text.remove_suffix(1);
  }
  std::string name;
  if (text.size() >= 2 && text[0] == '"' && text.back() == '"') {
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
      if (text[i] == '"' && text[i + 1] == '"') ++i;
      name += text[i];
    }
    return name;
  }
  return ascii_lower(text);
}

}  // namespace

Conversation::Conversation(ConversationHost& host, ConversationOptions options)
    : host_(host), options_(std::move(options)) {}

Conversation::~Conversation() = default;

void Conversation::close_session() {
  // A portal ends before the session that it runs in.
  simple_.reset();
  portals_.clear();
  statements_.clear();
  session_.reset();
}

Conversation::Step Conversation::advance() {
  version_ = 0;
  pending_ = Next::kNeedsInput;
  bool going = activity_ == Activity::kNone || go_on();
  while (going) {
    if (phase_ == Phase::kClosed) {
      pending_ = Next::kClosed;
      break;
    }
    auto frame =
        phase_ == Phase::kStartup ? reader_.next_startup() : reader_.next(phase_ == Phase::kReady);
    if (!frame) {
      terminate(frame.error());
      pending_ = Next::kClosed;
      break;
    }
    if (!*frame) break;
    going = handle_frame(**frame);
    if (going && output_.size() > kOutputMax) {
      pending_ = Next::kHasOutput;
      break;
    }
  }
  if (phase_ == Phase::kClosed) pending_ = Next::kClosed;
  return {pending_, version_};
}

bool Conversation::go_on() {
  switch (activity_) {
    case Activity::kNone:
      return true;
    case Activity::kSimpleQuery:
      return run_simple();
    case Activity::kSimpleFinish:
      return finish_simple();
    case Activity::kExecute:
      return run_execute();
    case Activity::kSync:
      return run_sync();
    case Activity::kCopyDone:
      return run_copy_done();
  }
  ENTAIL_UNREACHABLE("every activity goes on");
}

bool Conversation::handle_frame(const Frame& frame) {
  switch (phase_) {
    case Phase::kStartup:
      return handle_startup(frame.body);
    case Phase::kSaslFirst:
    case Phase::kSaslFinal:
      if (frame.type == 'X') {
        phase_ = Phase::kClosed;
        return true;
      }
      if (frame.type != 'p') {
        return refuse(protocol_error(fmt::format("expected password response, got message type {}",
                                                 static_cast<int>(frame.type))));
      }
      return phase_ == Phase::kSaslFirst ? handle_sasl_first(frame.body)
                                         : handle_sasl_final(frame.body);
    case Phase::kReady:
      break;
    case Phase::kClosed:
      return true;
  }
  if (is_skipping_ && frame.type != 'S' && frame.type != 'X') return true;
  auto message = parse_frontend(frame.type, frame.body);
  if (!message) {
    const bool ends_by_itself = frame.type == 'Q' || frame.type == 'F' || frame.type == 'S';
    if (copying_ != nullptr) return copy_failed(message.error());
    if (ends_by_itself) {
      report(message.error());
      ready();
      return true;
    }
    return fail(message.error());
  }
  if (copying_ != nullptr) {
    const bool is_of_copy = frame.type == 'd' || frame.type == 'c' || frame.type == 'f' ||
                            frame.type == 'H' || frame.type == 'S' || frame.type == 'X';
    if (!is_of_copy) {
      return copy_failed(protocol_error(
          fmt::format("unexpected message type 0x{:02X} during COPY from stdin", frame.type)));
    }
    // A client that does not notice the COPY sends its Sync at once; it means nothing yet.
    if (frame.type == 'S') return true;
  }
  return std::visit([this](const auto& known) { return handle(known); }, *message);
}

// ------------------------------------------------------------------------------ the simple protocol

bool Conversation::handle(const QueryMessage& message) {
  // A simple query ends the unnamed statement and the unnamed portal.
  portals_.erase("");
  statements_.erase("");
  is_extended_ = false;
  if (auto valid = check_utf8(message.text); !valid) {
    report(valid.error());
    ready();
    return true;
  }
  simple_text_ = message.text;
  auto simple = session_->simple(simple_text_);
  send_notices();
  if (!simple) {
    report(simple.error());
    ready();
    return true;
  }
  simple_ = std::move(*simple);
  has_statement_ = had_statement_ = false;
  held_tag_.reset();
  activity_ = Activity::kSimpleQuery;
  return run_simple();
}

bool Conversation::run_simple() {
  activity_ = Activity::kSimpleQuery;
  for (;;) {
    if (!has_statement_) {
      auto next = simple_->next();
      send_notices();
      if (!next) {
        release_held_tag();
        report(next.error());
        return finish_simple();
      }
      if (!*next) {
        if (!had_statement_) writer_.empty_query_response();
        return finish_simple();
      }
      release_held_tag();
      has_statement_ = had_statement_ = true;
      if (deallocates_own(simple_->portal().prepared().text())) {
        held_tag_ = "DEALLOCATE";
        has_statement_ = false;
        continue;
      }
      begin_running({}, true);
    }
    switch (run_portal(simple_->portal(), 0)) {
      case Ran::kDone:
        held_tag_ = std::move(tag_);
        has_statement_ = false;
        break;
      case Ran::kSuspended:
        ENTAIL_UNREACHABLE("a run without limit is not suspended");
      case Ran::kStopped:
        return false;
      case Ran::kCopying:
        activity_ = Activity::kNone;
        return true;
      case Ran::kFailed:
        has_statement_ = false;
        return finish_simple();
    }
  }
}

bool Conversation::finish_simple() {
  activity_ = Activity::kSimpleFinish;
  auto outcome = simple_->finish();
  send_notices();
  if (!outcome) {
    held_tag_.reset();
    report(outcome.error());
  } else if (outcome->progress == engine::Progress::kMustWait) {
    stop(Next::kMustWait);
    return false;
  } else {
    note_version(*outcome);
    release_held_tag();
  }
  return end_simple();
}

bool Conversation::end_simple() {
  activity_ = Activity::kNone;
  simple_.reset();
  ready();
  return true;
}

void Conversation::release_held_tag() {
  if (!held_tag_) return;
  if (held_tag_->empty()) {
    writer_.empty_query_response();
  } else {
    writer_.command_complete(*held_tag_);
  }
  held_tag_.reset();
}

// ------------------------------------------------------------------------------ running a portal

void Conversation::begin_running(std::vector<std::int16_t> formats, bool describes) {
  encoder_.begin(std::move(formats), describes, session_->text_settings());
  rows_given_ = 0;
  slices_ = 0;
  slice_rows_ = kFirstSliceRows;
}

Conversation::Ran Conversation::run_portal(engine::Portal& portal, std::uint64_t row_limit) {
  for (;;) {
    std::uint64_t rows = slice_rows_;
    if (row_limit > 0) rows = std::min(rows, row_limit - rows_given_);
    const std::size_t bytes_before = output_.size();
    auto outcome = portal.run(encoder_, rows);
    send_notices();
    if (outcome && encoder_.failure()) outcome = unexpected(*encoder_.failure());
    if (!outcome) {
      report(outcome.error());
      return Ran::kFailed;
    }
    switch (outcome->progress) {
      case engine::Progress::kDone:
        note_version(*outcome);
        rows_given_ += outcome->rows;
        tag_ = std::move(outcome->tag);
        // The client is told what this message gave, in however many slices we took it.
        if (slices_ > 0 && tag_.starts_with("SELECT "))
          tag_ = fmt::format("SELECT {}", rows_given_);
        if (encoder_.is_copying_out()) writer_.copy_done();
        return Ran::kDone;
      case engine::Progress::kMustWait:
        stop(Next::kMustWait);
        return Ran::kStopped;
      case engine::Progress::kWaitsForChanges:
        rows_given_ += outcome->rows;
        if (row_limit > 0 && rows_given_ >= row_limit) return Ran::kSuspended;
        stop(Next::kWatches);
        return Ran::kStopped;
      case engine::Progress::kCopyIn:
        writer_.copy_in_response(portal.copy_format() == engine::CopyFormat::kBinary,
                                 portal.copy_columns());
        copying_ = &portal;
        return Ran::kCopying;
      case engine::Progress::kSuspended:
        break;
    }
    ++slices_;
    rows_given_ += outcome->rows;
    if (row_limit > 0 && rows_given_ >= row_limit) return Ran::kSuspended;
    // The next slice fills what is sent in one go.
    const std::size_t row_bytes =
        (output_.size() - bytes_before) / std::max<std::uint64_t>(outcome->rows, 1) + 1;
    slice_rows_ = std::clamp<std::uint64_t>(kOutputMax / row_bytes, 1, kSliceRowsMax);
    if (output_.size() > kOutputMax) {
      stop(Next::kHasOutput);
      return Ran::kStopped;
    }
  }
}

// Statements that came by Parse are ours; the engine knows those of PREPARE.
bool Conversation::deallocates_own(std::string_view text) {
  if (statements_.empty()) return false;
  const auto name = deallocated_name(text);
  return name && !name->empty() && statements_.erase(*name) > 0;
}

// ------------------------------------------------------------------------------ COPY FROM STDIN

bool Conversation::handle(const CopyDataMessage& message) {
  // Behind an error of a COPY its data still comes, and is nobody's.
  if (copying_ == nullptr) return true;
  if (auto taken = copying_->copy_data(message.bytes); !taken) return copy_failed(taken.error());
  return true;
}

bool Conversation::handle(const CopyDoneMessage&) {
  if (copying_ == nullptr) return true;
  return run_copy_done();
}

bool Conversation::handle(const CopyFailMessage& message) {
  if (copying_ == nullptr) return true;
  return copy_failed(copying_->copy_fail(message.reason));
}

bool Conversation::run_copy_done() {
  activity_ = Activity::kCopyDone;
  auto outcome = copying_->copy_done();
  send_notices();
  if (!outcome) return copy_failed(outcome.error());
  if (outcome->progress == engine::Progress::kMustWait) {
    stop(Next::kMustWait);
    return false;
  }
  note_version(*outcome);
  copying_ = nullptr;
  activity_ = Activity::kNone;
  if (is_extended_) {
    writer_.command_complete(outcome->tag);
    if (const auto found = portals_.find(running_name_); found != portals_.end()) {
      found->second.is_finished = true;
    }
    return true;
  }
  held_tag_ = std::move(outcome->tag);
  has_statement_ = false;
  return run_simple();
}

// Ends the COPY with the error, whoever's it is.
bool Conversation::copy_failed(const Error& error) {
  // Where the engine reported the error the statement has ended, and this ends nothing more.
  static_cast<void>(copying_->copy_fail(error.message));
  copying_ = nullptr;
  activity_ = Activity::kNone;
  if (is_extended_) return fail(error);
  report(error);
  has_statement_ = false;
  return finish_simple();
}

// ------------------------------------------------------------------------------ the rest

bool Conversation::handle(const TerminateMessage&) {
  phase_ = Phase::kClosed;
  return true;
}

bool Conversation::handle(const PasswordMessage&) {
  return refuse(protocol_error("invalid frontend message type 112"));
}

bool Conversation::handle(const FunctionCallMessage&) {
  report(unexpected(ErrorCode::kUnsupported, "the function call protocol is not supported",
                    SqlFields{.sqlstate = "0A000",
                              .hint = "Call the function in a SELECT, with the extended protocol."})
             .error());
  ready();
  return true;
}

void Conversation::terminate(const Error& error) {
  writer_.error_response(Severity::kFatal, error);
  phase_ = Phase::kClosed;
}

void Conversation::report(const Error& error) { writer_.error_response(Severity::kError, error); }

bool Conversation::fail(const Error& error) {
  report(error);
  is_skipping_ = true;
  activity_ = Activity::kNone;
  return true;
}

void Conversation::send_notices() {
  for (engine::Notice& notice : session_->take_notices()) {
    const Error text = unexpected(ErrorCode::kInvalidArgument, std::move(notice.message),
                                  SqlFields{.sqlstate = std::move(notice.sqlstate),
                                            .detail = std::move(notice.detail),
                                            .hint = std::move(notice.hint)})
                           .error();
    writer_.notice_response(severity_of(notice.severity), text);
  }
}

void Conversation::send_settings() {
  for (const auto& [name, value] : session_->take_reported_settings()) {
    writer_.parameter_status(name, value);
  }
}

void Conversation::ready() {
  drop_portals_after_transaction();
  send_settings();
  writer_.ready_for_query(static_cast<TransactionStatus>(session_->status()));
}

void Conversation::note_version(const engine::Outcome& outcome) {
  version_ = std::max(version_, outcome.version);
}

// Portals live as long as the transaction that opened them.
void Conversation::drop_portals_after_transaction() {
  if (session_->status() == engine::TransactionStatus::kIdle) portals_.clear();
}

}  // namespace entail::pgwire
