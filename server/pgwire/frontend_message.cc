#include "server/pgwire/frontend_message.h"

#include <fmt/format.h>

#include <string>

namespace entail::pgwire {
namespace {

Unexpected broken(std::string message) {
  return unexpected(ErrorCode::kInvalidArgument, std::move(message),
                    SqlFields{.sqlstate = "08P01"});
}

// Reads fields one after the other; the first that is missing makes all that follow empty, and
// finish() tells.
class BodyReader {
 public:
  explicit BodyReader(std::string_view body) : rest_(body) {}

  std::uint32_t read_uint32() { return read_integer<4>(); }
  std::uint16_t read_uint16() { return static_cast<std::uint16_t>(read_integer<2>()); }
  std::int16_t read_int16() { return static_cast<std::int16_t>(read_uint16()); }

  char read_byte() { return static_cast<char>(read_integer<1>()); }

  std::string_view read_bytes(std::size_t count) {
    if (count > rest_.size()) {
      fail("insufficient data left in message");
      return {};
    }
    const std::string_view bytes = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return bytes;
  }

  // Up to the next zero byte, which is consumed.
  std::string_view read_text() {
    const std::size_t end = rest_.find('\0');
    if (end == std::string_view::npos) {
      fail("invalid string in message");
      return {};
    }
    const std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }

  std::string_view read_rest() {
    const std::string_view rest = rest_;
    rest_ = {};
    return rest;
  }

  std::size_t size_left() const { return rest_.size(); }
  bool failed() const { return fault_ != nullptr; }

  Expected<void> finish() const {
    if (fault_ != nullptr) return broken(fault_);
    if (!rest_.empty()) return broken("invalid message format");
    return {};
  }

 private:
  template <std::size_t kCount>
  std::uint32_t read_integer() {
    const std::string_view bytes = read_bytes(kCount);
    std::uint32_t value = 0;
    for (const char byte : bytes) value = (value << 8U) | static_cast<unsigned char>(byte);
    return value;
  }

  void fail(const char* fault) {
    if (fault_ == nullptr) fault_ = fault;
    rest_ = {};
  }

  std::string_view rest_;
  const char* fault_ = nullptr;
};

template <typename Message>
Expected<FrontendMessage> finished(const BodyReader& reader, Message message) {
  if (auto end = reader.finish(); !end) return unexpected(end.error());
  return FrontendMessage(std::move(message));
}

Expected<FrontendMessage> parse_parse(BodyReader reader) {
  ParseMessage message;
  message.statement = reader.read_text();
  message.text = reader.read_text();
  const std::uint16_t count = reader.read_uint16();
  for (std::uint16_t i = 0; i < count && !reader.failed(); ++i) {
    message.parameter_types.push_back(reader.read_uint32());
  }
  return finished(reader, std::move(message));
}

std::vector<std::int16_t> read_formats(BodyReader& reader) {
  std::vector<std::int16_t> formats;
  const std::uint16_t count = reader.read_uint16();
  for (std::uint16_t i = 0; i < count && !reader.failed(); ++i) {
    formats.push_back(reader.read_int16());
  }
  return formats;
}

Expected<FrontendMessage> parse_bind(BodyReader reader) {
  constexpr std::uint32_t kNullLength = 0xffffffffU;
  BindMessage message;
  message.portal = reader.read_text();
  message.statement = reader.read_text();
  message.parameter_formats = read_formats(reader);
  const std::uint16_t count = reader.read_uint16();
  for (std::uint16_t i = 0; i < count && !reader.failed(); ++i) {
    const std::uint32_t length = reader.read_uint32();
    if (length == kNullLength) {
      message.values.emplace_back();
    } else {
      message.values.emplace_back(reader.read_bytes(length));
    }
  }
  message.result_formats = read_formats(reader);
  if (auto end = reader.finish(); !end) return unexpected(end.error());
  const std::size_t formats = message.parameter_formats.size();
  if (formats > 1 && formats != message.values.size()) {
    return broken(fmt::format("bind message has {} parameter formats but {} parameters", formats,
                              message.values.size()));
  }
  return FrontendMessage(std::move(message));
}

template <typename Message>
Expected<FrontendMessage> parse_named(BodyReader reader, const char* fault) {
  Message message;
  const char kind = reader.read_byte();
  message.name = reader.read_text();
  if (auto end = reader.finish(); !end) return unexpected(end.error());
  if (kind != 'S' && kind != 'P') {
    return broken(fmt::format("invalid {} message subtype {}", fault,
                              static_cast<unsigned>(static_cast<unsigned char>(kind))));
  }
  message.kind = static_cast<NameKind>(kind);
  return FrontendMessage(message);
}

}  // namespace

Expected<StartupPacket> parse_startup(std::string_view body) {
  BodyReader reader(body);
  const std::uint32_t code = reader.read_uint32();
  if (reader.failed()) return broken("invalid length of startup packet");
  switch (code) {
    case kSslRequestCode:
      return StartupPacket(SslRequest{});
    case kGssRequestCode:
      return StartupPacket(GssRequest{});
    case kCancelRequestCode: {
      CancelRequest request;
      request.process_id = reader.read_uint32();
      request.secret = reader.read_uint32();
      if (!reader.finish()) return broken("invalid length of query cancel packet");
      return StartupPacket(request);
    }
    default:
      break;
  }
  StartupMessage message;
  message.protocol = code;
  if (message.major() != 3) return StartupPacket(message);  // Its form is not ours to judge.
  for (;;) {
    const std::string_view name = reader.read_text();
    if (reader.failed()) {
      return broken("invalid startup packet layout: expected terminator as last byte");
    }
    if (name.empty()) break;
    const std::string_view value = reader.read_text();
    message.parameters.emplace_back(name, value);
  }
  if (!reader.finish()) {
    return broken("invalid startup packet layout: expected terminator as last byte");
  }
  return StartupPacket(std::move(message));
}

Expected<FrontendMessage> parse_frontend(char type, std::string_view body) {
  BodyReader reader(body);
  switch (type) {
    case 'Q': {
      const QueryMessage message{reader.read_text()};
      return finished(reader, message);
    }
    case 'P':
      return parse_parse(reader);
    case 'B':
      return parse_bind(reader);
    case 'D':
      return parse_named<DescribeMessage>(reader, "DESCRIBE");
    case 'C':
      return parse_named<CloseMessage>(reader, "CLOSE");
    case 'E': {
      ExecuteMessage message;
      message.portal = reader.read_text();
      const std::uint32_t limit = reader.read_uint32();
      // A negative limit means no limit, as PostgreSQL reads it.
      message.row_limit = limit > 0x7fffffffU ? 0 : limit;
      return finished(reader, message);
    }
    case 'S':
      return finished(reader, SyncMessage{});
    case 'H':
      return finished(reader, FlushMessage{});
    case 'X':
      return FrontendMessage(TerminateMessage{});
    case 'd':
      return FrontendMessage(CopyDataMessage{body});
    case 'c':
      return finished(reader, CopyDoneMessage{});
    case 'f': {
      const CopyFailMessage message{reader.read_text()};
      return finished(reader, message);
    }
    case 'p':
      return FrontendMessage(PasswordMessage{body});
    case 'F':
      return FrontendMessage(FunctionCallMessage{});
    default:
      ENTAIL_UNREACHABLE("FrameReader lets only known types through");
  }
}

Expected<SaslInitialResponse> parse_sasl_initial(std::string_view body) {
  BodyReader reader(body);
  SaslInitialResponse response;
  response.mechanism = reader.read_text();
  const std::uint32_t length = reader.read_uint32();
  constexpr std::uint32_t kNoData = 0xffffffffU;
  if (length != kNoData) response.data = reader.read_bytes(length);
  if (auto end = reader.finish(); !end) return unexpected(end.error());
  return response;
}

Expected<std::string_view> parse_password(std::string_view body) {
  BodyReader reader(body);
  const std::string_view password = reader.read_text();
  if (auto end = reader.finish(); !end) return unexpected(end.error());
  return password;
}

}  // namespace entail::pgwire
