// server/pgwire/conversation_startup.cc - from the start-up packet to the first ReadyForQuery; see
// conversation.h.

#include <fmt/format.h>

#include <array>
#include <utility>

#include "server/pgwire/conversation.h"
#include "server/pgwire/utf8.h"

namespace entail::pgwire {
namespace {

constexpr std::size_t kServerNonceBytes = 18;

Error error_of(std::string sqlstate, std::string message) {
  return unexpected(ErrorCode::kInvalidArgument, std::move(message),
                    SqlFields{.sqlstate = std::move(sqlstate)})
      .error();
}

using Settings = std::vector<std::pair<std::string, std::string>>;

// The start-up parameter `options`: "-c name=value --name=value", a backslash before a space that
// belongs to a value. False where it is something else.
bool read_options(std::string_view text, Settings& settings) {
  std::vector<std::string> words;
  bool is_inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ' || c == '\t' || c == '\n') {
      is_inside = false;
      continue;
    }
    if (!is_inside) words.emplace_back();
    is_inside = true;
    if (c == '\\' && i + 1 < text.size()) ++i;
    words.back() += text[i];
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (word == "-c") {
      if (++i == words.size()) return false;
      word = words[i];
    } else if (word.starts_with("-c") || word.starts_with("--")) {
      word.remove_prefix(2);
    } else {
      return false;
    }
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) return false;
    std::string name(word.substr(0, equals));
    for (char& c : name) c = c == '-' ? '_' : c;
    settings.emplace_back(std::move(name), word.substr(equals + 1));
  }
  return true;
}

}  // namespace

bool Conversation::refuse(const Error& error) {
  terminate(error);
  return true;
}

bool Conversation::handle_startup(std::string_view body) {
  auto packet = parse_startup(body);
  if (!packet) return refuse(packet.error());
  const StartupMessage* const message = std::get_if<StartupMessage>(&*packet);
  if (message == nullptr) {
    // Whoever owns the connection answers the other requests, before there is a conversation.
    return refuse(error_of("08P01", "invalid length of startup packet"));
  }
  if (message->major() != 3) {
    return refuse(error_of(
        "0A000", fmt::format("unsupported frontend protocol {}.{}: server supports 3.0 to 3.0",
                             message->major(), message->minor())));
  }
  session_options_ = {};
  session_options_.client_address = options_.client_address;
  session_options_.waiter = options_.waiter;
  std::string user;
  std::string database;
  std::vector<std::string_view> unknown_options;
  for (const auto& [name, value] : message->parameters) {
    if (auto valid = check_utf8(value); !valid) return refuse(valid.error());
    if (name == "user") {
      user = value;
    } else if (name == "database") {
      database = value;
    } else if (name == "options") {
      if (!read_options(value, session_options_.settings)) {
        return refuse(error_of(
            "42601", fmt::format("invalid command-line argument for server process: {}", value)));
      }
    } else if (name == "replication") {
      if (value != "false" && value != "off" && value != "no" && value != "0") {
        return refuse(error_of("0A000", "replication connections are not supported"));
      }
    } else if (name.starts_with("_pq_.")) {
      unknown_options.push_back(name);
    } else {
      if (name == "application_name") session_options_.application_name = value;
      session_options_.settings.emplace_back(name, value);
    }
  }
  if (user.empty()) {
    return refuse(error_of("28000", "no PostgreSQL user name specified in startup packet"));
  }
  session_options_.database = database.empty() ? user : std::move(database);
  session_options_.user = std::move(user);
  if (message->minor() > 0 || !unknown_options.empty()) {
    writer_.negotiate_protocol_version(0, unknown_options);
  }
  if (!host_.has_users()) return welcome();

  const auto verifier = host_.scram_verifier(session_options_.user);
  scram_.emplace(verifier ? std::string_view(*verifier) : std::string_view(), session_options_.user,
                 random_bytes(kServerNonceBytes), host_.invented_secret());
  writer_.authentication_sasl(std::array{kScramMechanism});
  phase_ = Phase::kSaslFirst;
  return true;
}

bool Conversation::handle_sasl_first(std::string_view body) {
  auto response = parse_sasl_initial(body);
  if (!response) return refuse(response.error());
  if (response->mechanism != kScramMechanism) {
    return refuse(error_of("08P01", "client selected an invalid SASL authentication mechanism"));
  }
  auto answer = scram_->answer_first(response->data);
  if (!answer) return refuse(answer.error());
  writer_.authentication_sasl_continue(*answer);
  phase_ = Phase::kSaslFinal;
  return true;
}

bool Conversation::handle_sasl_final(std::string_view body) {
  auto answer = scram_->answer_final(body);
  if (!answer) return refuse(answer.error());
  writer_.authentication_sasl_final(*answer);
  scram_.reset();
  return welcome();
}

bool Conversation::welcome() {
  auto session = host_.connect(std::move(session_options_));
  if (!session) return refuse(session.error());
  session_ = std::move(*session);
  phase_ = Phase::kReady;
  writer_.authentication_ok();
  send_settings();
  writer_.backend_key_data(session_->id(), options_.cancel_secret);
  send_notices();
  writer_.ready_for_query(TransactionStatus::kIdle);
  return true;
}

}  // namespace entail::pgwire
