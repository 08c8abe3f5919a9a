// A site with certificates, whose keys are here as in a keeper, and visitors that speak TLS to it.
// Their OpenSSL is one apart from the worker's, which has no more than a worker needs.
#pragma once

#include <openssl/ssl.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "policy/configuration.h"
#include "privsep/keeper_messages.h"
#include "privsep/unique_fd.h"

namespace perchild::fuzz {

using TicketName = std::array<unsigned char, 16>;

constexpr std::uint32_t key_count = 3;  // one of each kind that visitors ask for
// The certificate of a key.
CertificateChain certificate_of(std::uint32_t key);
// As an honest keeper answers.
Signature signature_to(const Sign& request);

class TlsVisitor {
 public:
  enum class Kind : std::uint8_t {
    tls_1_3,
    of_ed25519,
    tls_1_2,
    back,
    of_rsa,
    of_rsa_tls_1_2,
    http2,
    kinds
  };

  // By a socket that does not block. Who comes back has the last ticket that anybody got.
  TlsVisitor(UniqueFd socket, Kind kind);
  TlsVisitor(const TlsVisitor&) = delete;
  TlsVisitor& operator=(const TlsVisitor&) = delete;
  ~TlsVisitor();

  // Says and hears what it can. Whether that was anything.
  bool go_on();

  bool has_shaken_hands() const { return has_shaken_hands_; }
  // By which key's ticket it was known again. None: by a whole handshake.
  const TicketName* known_by() const;
  // Its request, which it sends at once, in the protocol that it has offered besides HTTP/1, if
  // any; whether by a page or a refusal is not looked at.
  bool is_answered() const { return is_answered_; }
  bool is_over() const { return is_over_; }

  // Nobody has been here before.
  static void forget_tickets();
  // The name of the key by which a ticket has come; each once.
  static std::optional<TicketName> take_new_ticket();

 private:
  void speak();
  bool send_request();
  void hear(std::string_view bytes);

  struct SslDeleter {
    void operator()(::SSL* ssl) const { ::SSL_free(ssl); }
  };

  UniqueFd socket_;
  const bool is_http2_;
  std::string heard_;  // by HTTP/2
  std::unique_ptr<::SSL, SslDeleter> ssl_;
  TicketName offered_{};
  bool has_shaken_hands_ = false;
  bool is_answered_ = false;
  bool is_over_ = false;
};

}  // namespace perchild::fuzz
