// In place of the openssl_*.cc where no site has a certificate.
#include <cerrno>

#include "daemon/worker/tls.h"

namespace perchild {

Result<std::unique_ptr<TlsSite>> TlsSite::make(const SiteSettings& settings) {
  if (settings.certificates.empty()) return std::unique_ptr<TlsSite>();
  return failure({"prepare TLS", "in a worker that has none", ENOTSUP});
}

}  // namespace perchild
