#include "server/engine/internal/scram_verifier.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>

#include "server/engine/sql_error.h"

namespace entail::engine {
namespace {

constexpr int kIterations = 4096;
using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

std::string base64(const unsigned char* bytes, std::size_t n) {
  std::string out(4 * ((n + 2) / 3) + 1, '\0');
  const int written =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes, static_cast<int>(n));
  out.resize(static_cast<std::size_t>(written));
  return out;
}

Digest hmac(const Digest& key, std::string_view text) {
  Digest out{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data(), &size);
  return out;
}

}  // namespace

Expected<std::string> make_scram_verifier(std::string_view password) {
  // A salt is a secret's companion: it comes from the system, not from the engine's seed.
  std::array<unsigned char, 16> salt{};
  Digest salted{};
  if (RAND_bytes(salt.data(), static_cast<int>(salt.size())) != 1 ||
      PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt.data(),
                        static_cast<int>(salt.size()), kIterations, EVP_sha256(),
                        static_cast<int>(salted.size()), salted.data()) != 1) {
    return sql_error("XX000", "could not make a password verifier");
  }
  const Digest client = hmac(salted, "Client Key");
  Digest stored{};
  SHA256(client.data(), client.size(), stored.data());
  const Digest server = hmac(salted, "Server Key");
  return "SCRAM-SHA-256$" + std::to_string(kIterations) + ":" + base64(salt.data(), salt.size()) +
         "$" + base64(stored.data(), stored.size()) + ":" + base64(server.data(), server.size());
}

}  // namespace entail::engine
