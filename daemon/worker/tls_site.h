// What all TLS connections of a worker share: certificates, settings, session tickets.
//
// Runs in: worker.
// Does not trust: clients; a ticket is what this site's keys say it is, or nothing.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <vector>

#include "daemon/worker/keeper_client.h"
#include "privsep/result.h"
#include "vhosts/sites/site_settings.h"

namespace perchild {

class TlsSite {
 public:
  // Before the lock-down: OpenSSL is made ready, and opens nothing from then on. Nullptr where
  // there is no certificate.
  static Result<std::unique_ptr<TlsSite>> make(const std::vector<CertificateChain>& chains);
  TlsSite(const TlsSite&) = delete;
  TlsSite& operator=(const TlsSite&) = delete;

  ::SSL_CTX* context() const { return context_.get(); }
  KeeperClient& keeper() { return keeper_; }

 private:
  TlsSite() = default;
  bool set_up(const std::vector<CertificateChain>& chains);
  bool add_certificate(const CertificateChain& chain, std::uint32_t index);

  struct ContextDeleter {
    void operator()(::SSL_CTX* context) const { ::SSL_CTX_free(context); }
  };

  KeeperClient keeper_;
  std::unique_ptr<::SSL_CTX, ContextDeleter> context_;
};

}  // namespace perchild
