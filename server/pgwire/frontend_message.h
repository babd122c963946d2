// server/pgwire/frontend_message.h - what clients say: the bodies of their messages as values.
//
// Texts and values are views into the frame's body: valid as long as the frame is. A body that ends
// early, has bytes left over or a text without its end is refused with SQLSTATE 08P01 and
// PostgreSQL's words; no body, however odd, does anything else.
//
// Threads: pure functions.
// Source: PostgreSQL 15 documentation, section 55.7, "Message Formats".

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "vm/base/expected.h"

namespace entail::pgwire {

// The codes that stand where the start-up message has its protocol version.
inline constexpr std::uint32_t kCancelRequestCode = (1234U << 16U) | 5678U;
inline constexpr std::uint32_t kSslRequestCode = (1234U << 16U) | 5679U;
inline constexpr std::uint32_t kGssRequestCode = (1234U << 16U) | 5680U;

struct SslRequest {};
struct GssRequest {};
struct CancelRequest {
  std::uint32_t process_id = 0;
  std::uint32_t secret = 0;
};
struct StartupMessage {
  std::uint32_t protocol = 0;  // Major version << 16 | minor version.
  std::vector<std::pair<std::string_view, std::string_view>> parameters;

  std::uint32_t major() const { return protocol >> 16U; }
  std::uint32_t minor() const { return protocol & 0xffffU; }
};
using StartupPacket = std::variant<SslRequest, GssRequest, CancelRequest, StartupMessage>;

Expected<StartupPacket> parse_startup(std::string_view body);

// ------------------------------------------------------------------------------ after start-up

struct QueryMessage {
  std::string_view text;
};
struct ParseMessage {
  std::string_view statement;  // Its name; empty: the unnamed one.
  std::string_view text;
  std::vector<std::uint32_t> parameter_types;  // OIDs; 0: not said.
};
struct BindMessage {
  std::string_view portal, statement;
  std::vector<std::int16_t> parameter_formats;  // None: all text; one: of all; else one each.
  std::vector<std::optional<std::string_view>> values;
  std::vector<std::int16_t> result_formats;  // As parameter_formats.
};
enum class NameKind : char { kStatement = 'S', kPortal = 'P' };
struct DescribeMessage {
  NameKind kind = NameKind::kStatement;
  std::string_view name;
};
struct CloseMessage {
  NameKind kind = NameKind::kStatement;
  std::string_view name;
};
struct ExecuteMessage {
  std::string_view portal;
  std::uint32_t row_limit = 0;  // 0: all.
};
struct SyncMessage {};
struct FlushMessage {};
struct TerminateMessage {};
struct CopyDataMessage {
  std::string_view bytes;
};
struct CopyDoneMessage {};
struct CopyFailMessage {
  std::string_view reason;
};
struct PasswordMessage {  // A password or an answer of SASL, whichever was asked for.
  std::string_view body;
};
struct FunctionCallMessage {};

using FrontendMessage =
    std::variant<QueryMessage, ParseMessage, BindMessage, DescribeMessage, CloseMessage,
                 ExecuteMessage, SyncMessage, FlushMessage, TerminateMessage, CopyDataMessage,
                 CopyDoneMessage, CopyFailMessage, PasswordMessage, FunctionCallMessage>;

// REQUIRES: `type` is one that FrameReader lets through.
Expected<FrontendMessage> parse_frontend(char type, std::string_view body);

// The first answer of SASL: the mechanism's name and its data.
struct SaslInitialResponse {
  std::string_view mechanism;
  std::string_view data;
};
Expected<SaslInitialResponse> parse_sasl_initial(std::string_view body);

// The password of a PasswordMessage that holds one.
Expected<std::string_view> parse_password(std::string_view body);

}  // namespace entail::pgwire
