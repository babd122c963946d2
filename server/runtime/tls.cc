#include "server/runtime/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <utility>

namespace entail::runtime {
namespace {

constexpr std::size_t kChunkBytes = std::size_t{16} << 10U;  // A record of TLS.

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPointer = std::unique_ptr<SSL_CTX, FreeContext>;

// The newest of OpenSSL's complaints; the others are forgotten.
std::string ssl_complaint() {
  char text[256] = "unknown reason";
  if (const unsigned long code = ERR_get_error(); code != 0) {
    ERR_error_string_n(code, text, sizeof text);
  }
  ERR_clear_error();
  return text;
}

class TlsStream final : public ByteStream {
 public:
  TlsStream(SSL* ssl, std::unique_ptr<ByteStream> below) : ssl_(ssl), below_(std::move(below)) {
    incoming_ = BIO_new(BIO_s_mem());
    outgoing_ = BIO_new(BIO_s_mem());
    ENTAIL_ENSURE(incoming_ != nullptr && outgoing_ != nullptr);
    SSL_set_bio(ssl_.get(), incoming_, outgoing_);  // They are its own now.
  }

  Expected<void> handshake() {
    for (;;) {
      const int done = SSL_do_handshake(ssl_.get());
      const int reason = SSL_get_error(ssl_.get(), done);
      if (auto sent = send_outgoing(); !sent) return sent;
      if (done == 1) return {};
      if (reason != SSL_ERROR_WANT_READ) return failure("a TLS handshake failed");
      auto more = receive();
      if (!more) return unexpected(more.error());
      if (!*more) return unexpected(ErrorCode::kIo, "a peer left during the TLS handshake");
    }
  }

  Expected<bool> read(std::string& into) override {
    for (;;) {
      const std::size_t before = into.size();
      into.resize(before + kChunkBytes);
      const int count = SSL_read(ssl_.get(), into.data() + before, static_cast<int>(kChunkBytes));
      into.resize(before + static_cast<std::size_t>(count > 0 ? count : 0));
      if (count > 0) return true;
      const int reason = SSL_get_error(ssl_.get(), count);
      if (auto sent = send_outgoing(); !sent) return unexpected(sent.error());
      if (reason == SSL_ERROR_ZERO_RETURN) return false;
      if (reason != SSL_ERROR_WANT_READ) return unexpected(failure("TLS failed").error());
      into.shrink_to_fit();  // The wait may be long.
      auto more = receive();
      if (!more) return more;
      if (!*more) return false;
    }
  }

  Expected<void> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::size_t chunk = std::min(bytes.size(), kChunkBytes);
      const int count = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(chunk));
      if (count <= 0) return failure("TLS failed");
      if (auto sent = send_outgoing(); !sent) return sent;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }

  void interrupt() override { below_->interrupt(); }

  void abandon() override { below_->abandon(); }

  void close() override {
    // Said without waiting for the answer.
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
    static_cast<void>(send_outgoing().has_value());
    below_->close();
  }

 private:
  static Unexpected failure(const char* what) {
    return unexpected(ErrorCode::kIo, fmt::format("{}: {}", what, ssl_complaint()));
  }

  Expected<void> send_outgoing() {
    char* bytes = nullptr;
    const long count = BIO_get_mem_data(outgoing_, &bytes);
    if (count <= 0) return {};
    const std::string sent(bytes, static_cast<std::size_t>(count));
    BIO_reset(outgoing_);
    return below_->write(sent);
  }

  Expected<bool> receive() {
    std::string bytes;
    auto more = below_->read(bytes);
    if (!more || !*more) return more;
    const int taken = BIO_write(incoming_, bytes.data(), static_cast<int>(bytes.size()));
    ENTAIL_ENSURE(taken == static_cast<int>(bytes.size()));
    return true;
  }

  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::unique_ptr<ByteStream> below_;
  BIO* incoming_ = nullptr;
  BIO* outgoing_ = nullptr;
};

Expected<std::unique_ptr<ByteStream>> shake_hands(SSL_CTX* context, bool is_server,
                                                  std::unique_ptr<ByteStream> below) {
  SSL* const ssl = SSL_new(context);
  if (ssl == nullptr) return unexpected(ErrorCode::kIo, "TLS: " + ssl_complaint());
  auto stream = std::make_unique<TlsStream>(ssl, std::move(below));
  if (is_server) {
    SSL_set_accept_state(ssl);
  } else {
    SSL_set_connect_state(ssl);
  }
  if (auto shaken = stream->handshake(); !shaken) return unexpected(shaken.error());
  return std::unique_ptr<ByteStream>(std::move(stream));
}

ContextPointer make_context(const SSL_METHOD* method) {
  ContextPointer context(SSL_CTX_new(method));
  if (context == nullptr) return context;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  // An idle connection keeps no buffers.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
  return context;
}

}  // namespace

struct TlsContext::Impl {
  ContextPointer context;
};

Expected<std::unique_ptr<TlsContext>> TlsContext::load(const std::string& certificate_file,
                                                       const std::string& key_file) {
  auto impl = std::make_unique<Impl>();
  impl->context = make_context(TLS_server_method());
  SSL_CTX* const context = impl->context.get();
  if (context == nullptr) return unexpected(ErrorCode::kIo, "TLS: " + ssl_complaint());
  const auto complain = [](const std::string& file) {
    return unexpected(ErrorCode::kInvalidArgument, fmt::format("{}: {}", file, ssl_complaint()));
  };
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1) {
    return complain(certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return complain(key_file);
  }
  if (SSL_CTX_check_private_key(context) != 1) return complain(key_file);
  return std::unique_ptr<TlsContext>(new TlsContext(std::move(impl)));
}

TlsContext::TlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsContext::~TlsContext() = default;

Expected<std::unique_ptr<ByteStream>> TlsContext::accept(std::unique_ptr<ByteStream> below) {
  return shake_hands(impl_->context.get(), true, std::move(below));
}

Expected<std::unique_ptr<ByteStream>> TlsContext::connect(std::unique_ptr<ByteStream> below) {
  const ContextPointer context = make_context(TLS_client_method());
  if (context == nullptr) return unexpected(ErrorCode::kIo, "TLS: " + ssl_complaint());
  return shake_hands(context.get(), false, std::move(below));
}

}  // namespace entail::runtime
