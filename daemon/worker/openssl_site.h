// What all TLS connections of a worker share: certificates, settings, session tickets.
//
// Runs in: worker.
// Does not trust: clients; a ticket is what this site's keys say it is, or nothing.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/worker/keeper_client.h"
#include "daemon/worker/tls.h"

namespace perchild {

// What OpenSSL says of an error. The first one waits for all texts to be made ready.
std::string reason_of(unsigned long error);

class OpenSslSite final : public TlsSite {
 public:
  OpenSslSite() = default;
  OpenSslSite(const OpenSslSite&) = delete;
  OpenSslSite& operator=(const OpenSslSite&) = delete;
  // OpenSSL is made ready, and opens nothing from then on. False: its error queue says why.
  bool set_up(const SiteSettings& settings);

  // As ALPN calls it (RFC 9113, 3.1).
  static constexpr std::string_view http2 = "h2";

  std::unique_ptr<TlsStream> accept(Connection& connection) override;
  void attach_keeper(UniqueFd fd) override { keeper_.attach(std::move(fd)); }
  KeeperState on_keeper_readable() override { return keeper_.on_readable(); }
  void end_turn() override { keeper_.end_turn(); }

  ::SSL_CTX* context() const { return context_.get(); }
  bool offers_http2() const { return offers_http2_; }
  KeeperClient& keeper() { return keeper_; }

 private:
  bool set_protocol(const TlsSettings& settings);
  bool add_certificate(const CertificateChain& chain, std::uint32_t index);

  struct ContextDeleter {
    void operator()(::SSL_CTX* context) const { ::SSL_CTX_free(context); }
  };

  KeeperClient keeper_;
  bool offers_http2_ = false;
  std::unique_ptr<::SSL_CTX, ContextDeleter> context_;
};

}  // namespace perchild
