// server/pgwire/scram.h - SCRAM-SHA-256: how a user proves a password that the server never sees.
//
// What is stored of a password is its verifier, in PostgreSQL's form:
//
//     SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>          all three in base64
//
// The exchange, as one ScramServer sees it:
//
//     client-first   n,,n=ann,r=<client nonce>              -> answer_first()
//     server-first   r=<both nonces>,s=<salt>,i=4096
//     client-final   c=biws,r=<both nonces>,p=<proof>       -> answer_final()
//     server-final   v=<signature>                          the client knows us, too
//
// Of a user that does not exist or has no password the exchange goes on with an invented verifier,
// the same each time, so that nobody learns from it who exists. Channel binding is not offered.
//
// Threads: one owner; the functions are pure.
// Sources: RFC 5802, RFC 7677; PostgreSQL 15's forms of verifier and nonce.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "vm/base/expected.h"

namespace entail::pgwire {

inline constexpr unsigned kScramIterations = 4096;
inline constexpr std::string_view kScramMechanism = "SCRAM-SHA-256";

// Bytes nobody can guess, from the operating system's source.
std::string random_bytes(std::size_t count);

std::string base64_encode(std::string_view bytes);
// Nothing but whole groups of the standard alphabet is accepted.
Expected<std::string> base64_decode(std::string_view text);

// What is stored of a password. REQUIRES: iterations > 0.
std::string make_scram_verifier(std::string_view password, std::string_view salt,
                                unsigned iterations = kScramIterations);

// Whether the password is the one that the verifier was made of; for doors that are sent passwords themselves.
bool is_password_of(std::string_view verifier, std::string_view password);

class ScramServer {
 public:
  // `verifier`: what is stored; empty or of another form: nobody can pass. `server_nonce` and
  // `invented_secret` are unguessable; the latter is the same for the life of the server.
  ScramServer(std::string_view verifier, std::string_view user, std::string_view server_nonce,
              std::string_view invented_secret);

  // Both fail with kInvalidArgument: 08P01 for a message out of form, 28P01 for a wrong proof.
  Expected<std::string> answer_first(std::string_view client_first);
  Expected<std::string> answer_final(std::string_view client_final);

 private:
  std::string user_;
  std::string server_nonce_;
  bool is_real_ = false;  // Else no proof is good.
  unsigned iterations_ = kScramIterations;
  std::string salt_, stored_key_, server_key_;
  std::string channel_header_, nonce_, client_first_bare_, server_first_;
};

}  // namespace entail::pgwire
