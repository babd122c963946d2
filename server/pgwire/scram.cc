#include "server/pgwire/scram.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <charconv>
#include <optional>

namespace entail::pgwire {
namespace {

constexpr std::size_t kSaltBytes = 16;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string hmac(std::string_view key, std::string_view text) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  unsigned size = 0;
  ENTAIL_ENSURE(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text),
                     text.size(), bytes_of(out), &size) != nullptr);
  return out;
}

std::string sha256(std::string_view text) {
  std::string out(SHA256_DIGEST_LENGTH, '\0');
  ENTAIL_ENSURE(
      EVP_Digest(text.data(), text.size(), bytes_of(out), nullptr, EVP_sha256(), nullptr) == 1);
  return out;
}

Unexpected malformed(std::string detail) {
  return unexpected(ErrorCode::kInvalidArgument, "malformed SCRAM message",
                    SqlFields{.sqlstate = "08P01", .detail = std::move(detail)});
}

// Takes "x=value" with the attribute asked for from the front of a message, and the comma behind.
std::optional<std::string_view> take_attribute(std::string_view& rest, char attribute) {
  if (rest.size() < 2 || rest[0] != attribute || rest[1] != '=') return std::nullopt;
  const std::size_t end = rest.find(',');
  const std::string_view value = rest.substr(2, end == std::string_view::npos ? end : end - 2);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return value;
}

bool is_printable_nonce(std::string_view nonce) {
  if (nonce.empty()) return false;
  for (const char c : nonce) {
    if (c < '!' || c > '~' || c == ',') return false;
  }
  return true;
}

struct Verifier {
  unsigned iterations = 0;
  std::string salt, stored_key, server_key;
};

std::optional<Verifier> parse_verifier(std::string_view text) {
  const auto take_until = [&text](char end) -> std::optional<std::string_view> {
    const std::size_t at = text.find(end);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view part = text.substr(0, at);
    text.remove_prefix(at + 1);
    return part;
  };
  const auto mechanism = take_until('$');
  if (!mechanism || *mechanism != kScramMechanism) return std::nullopt;
  const auto iterations = take_until(':');
  const auto salt = take_until('$');
  const auto stored_key = take_until(':');
  if (!iterations || !salt || !stored_key) return std::nullopt;
  Verifier verifier;
  const char* const end = iterations->data() + iterations->size();
  const auto [stop, fault] = std::from_chars(iterations->data(), end, verifier.iterations);
  if (fault != std::errc() || stop != end || verifier.iterations == 0) return std::nullopt;
  auto salt_bytes = base64_decode(*salt);
  auto stored_bytes = base64_decode(*stored_key);
  auto server_bytes = base64_decode(text);
  if (!salt_bytes || !stored_bytes || !server_bytes) return std::nullopt;
  verifier.salt = std::move(*salt_bytes);
  verifier.stored_key = std::move(*stored_bytes);
  verifier.server_key = std::move(*server_bytes);
  if (verifier.stored_key.size() != SHA256_DIGEST_LENGTH ||
      verifier.server_key.size() != SHA256_DIGEST_LENGTH) {
    return std::nullopt;
  }
  return verifier;
}

}  // namespace

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  ENTAIL_ENSURE(RAND_bytes(bytes_of(bytes), static_cast<int>(count)) == 1);
  return bytes;
}

std::string base64_encode(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(bytes_of(out), bytes_of(bytes), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

Expected<std::string> base64_decode(std::string_view text) {
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  const bool has_odd_byte =
      text.substr(0, text.size() - padding)
          .find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") !=
      std::string_view::npos;
  if (text.size() % 4 != 0 || has_odd_byte) {
    return unexpected(ErrorCode::kData, "this is not base64");
  }
  std::string out(text.size() / 4 * 3, '\0');
  if (text.empty()) return out;
  const int size = EVP_DecodeBlock(bytes_of(out), bytes_of(text), static_cast<int>(text.size()));
  if (size < 0) return unexpected(ErrorCode::kData, "this is not base64");
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

std::string make_scram_verifier(std::string_view password, std::string_view salt,
                                unsigned iterations) {
  ENTAIL_ENSURE(iterations > 0);
  std::string salted(SHA256_DIGEST_LENGTH, '\0');
  ENTAIL_ENSURE(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                                  bytes_of(salt), static_cast<int>(salt.size()),
                                  static_cast<int>(iterations), EVP_sha256(), SHA256_DIGEST_LENGTH,
                                  bytes_of(salted)) == 1);
  const std::string stored_key = sha256(hmac(salted, "Client Key"));
  const std::string server_key = hmac(salted, "Server Key");
  return fmt::format("{}${}:{}${}:{}", kScramMechanism, iterations, base64_encode(salt),
                     base64_encode(stored_key), base64_encode(server_key));
}

bool is_password_of(std::string_view verifier, std::string_view password) {
  const auto parsed = parse_verifier(verifier);
  // Of who does not exist the answer takes as long.
  const std::string made =
      make_scram_verifier(password, parsed ? parsed->salt : std::string(kSaltBytes, '\0'),
                          parsed ? parsed->iterations : kScramIterations);
  const auto offered = parse_verifier(made);
  return parsed && offered &&
         CRYPTO_memcmp(parsed->stored_key.data(), offered->stored_key.data(),
                       SHA256_DIGEST_LENGTH) == 0;
}

ScramServer::ScramServer(std::string_view verifier, std::string_view user,
                         std::string_view server_nonce, std::string_view invented_secret)
    : user_(user), server_nonce_(base64_encode(server_nonce)) {
  if (auto parsed = parse_verifier(verifier)) {
    is_real_ = true;
    iterations_ = parsed->iterations;
    salt_ = std::move(parsed->salt);
    stored_key_ = std::move(parsed->stored_key);
    server_key_ = std::move(parsed->server_key);
  } else {
    salt_ = hmac(invented_secret, user).substr(0, kSaltBytes);
    stored_key_.assign(SHA256_DIGEST_LENGTH, '\0');
    server_key_.assign(SHA256_DIGEST_LENGTH, '\0');
  }
}

Expected<std::string> ScramServer::answer_first(std::string_view client_first) {
  // gs2-header: whether the client can bind channels, and on whose behalf it speaks.
  const std::size_t flag_end = client_first.find(',');
  const std::size_t header_end =
      flag_end == std::string_view::npos ? flag_end : client_first.find(',', flag_end + 1);
  if (header_end == std::string_view::npos) {
    return malformed("The message does not begin with a GS2 header.");
  }
  const std::string_view flag = client_first.substr(0, flag_end);
  if (flag != "n" && flag != "y") {
    if (flag.starts_with("p")) {
      return unexpected(
          ErrorCode::kInvalidArgument,
          "client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes "
          "channel binding data",
          SqlFields{.sqlstate = "08P01"});
    }
    return malformed(fmt::format("Unexpected channel-binding flag \"{}\".", flag));
  }
  if (header_end != flag_end + 1) {
    return unexpected(ErrorCode::kUnsupported,
                      "client uses authorization identity, but it is not supported",
                      SqlFields{.sqlstate = "0A000"});
  }
  channel_header_ = client_first.substr(0, header_end + 1);
  client_first_bare_ = client_first.substr(header_end + 1);

  std::string_view rest = client_first_bare_;
  if (rest.starts_with("m=")) {
    return unexpected(ErrorCode::kUnsupported, "client requires an unsupported SCRAM extension",
                      SqlFields{.sqlstate = "0A000"});
  }
  // The name is the start-up packet's; the one here is ignored, as PostgreSQL does.
  const auto name = take_attribute(rest, 'n');
  const auto client_nonce = take_attribute(rest, 'r');
  if (!name || !client_nonce) return malformed("The attribute \"r\" or \"n\" is missing.");
  if (!is_printable_nonce(*client_nonce)) {
    return unexpected(ErrorCode::kInvalidArgument, "non-printable characters in SCRAM nonce",
                      SqlFields{.sqlstate = "08P01"});
  }
  nonce_ = std::string(*client_nonce) + server_nonce_;
  server_first_ = fmt::format("r={},s={},i={}", nonce_, base64_encode(salt_), iterations_);
  return server_first_;
}

Expected<std::string> ScramServer::answer_final(std::string_view client_final) {
  std::string_view rest = client_final;
  const auto channel = take_attribute(rest, 'c');
  if (!channel) return malformed("The attribute \"c\" is missing.");
  if (*channel != base64_encode(channel_header_)) {
    return unexpected(ErrorCode::kInvalidArgument,
                      "unexpected SCRAM channel-binding attribute in client-final-message",
                      SqlFields{.sqlstate = "08P01"});
  }
  const auto nonce = take_attribute(rest, 'r');
  if (!nonce || *nonce != nonce_) {
    return unexpected(ErrorCode::kInvalidArgument, "invalid SCRAM response",
                      SqlFields{.sqlstate = "08P01", .detail = "Nonce does not match."});
  }
  // Extensions may stand before the proof, which is last.
  const std::size_t proof_at = client_final.rfind(",p=");
  if (proof_at == std::string_view::npos) return malformed("The attribute \"p\" is missing.");
  const auto proof = base64_decode(client_final.substr(proof_at + 3));
  if (!proof || proof->size() != SHA256_DIGEST_LENGTH) return malformed("Malformed proof.");

  const std::string message =
      fmt::format("{},{},{}", client_first_bare_, server_first_, client_final.substr(0, proof_at));
  std::string client_key = hmac(stored_key_, message);
  for (std::size_t i = 0; i < client_key.size(); ++i) {
    client_key[i] = static_cast<char>(client_key[i] ^ (*proof)[i]);
  }
  const std::string offered_key = sha256(client_key);
  const bool is_same =
      CRYPTO_memcmp(offered_key.data(), stored_key_.data(), SHA256_DIGEST_LENGTH) == 0;
  if (!is_same || !is_real_) {
    return unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("password authentication failed for user \"{}\"", user_),
                      SqlFields{.sqlstate = "28P01"});
  }
  return "v=" + base64_encode(hmac(server_key_, message));
}

}  // namespace entail::pgwire
