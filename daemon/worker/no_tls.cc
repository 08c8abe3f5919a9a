// In place of the openssl_*.cc, and of HTTP/2, where no site needs them.
#include <cerrno>

#include "daemon/worker/session.h"
#include "daemon/worker/tls.h"

namespace perchild {

Result<std::unique_ptr<TlsSite>> TlsSite::make(const SiteSettings& settings) {
  if (settings.certificates.empty()) return std::unique_ptr<TlsSite>();
  return failure({"prepare TLS", "in a worker that has none", ENOTSUP});
}

Http2Server find_http2_server() {
  return nullptr;
}

}  // namespace perchild
