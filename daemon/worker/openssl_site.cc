#include "daemon/worker/openssl_site.h"

#include <openssl/async.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#include <algorithm>
#include <string_view>

#include "daemon/worker/keeper_provider.h"
#include "daemon/worker/openssl_stream.h"
#include "daemon/worker/tls_algorithms.h"
#include "daemon/worker/tls_tickets.h"

// libcrypto.a's own, as ossl_default_provider_init (tls_algorithms.cc).
extern "C" int ossl_err_load_crypto_strings();

namespace perchild {
namespace {

constexpr int security_level = 2;  // 112 bits: RSA of 2048 bits, no SHA-1

constexpr std::uint64_t options = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                  // Whoever puts ChaCha20 first has no fast AES.
                                  SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA;

// RELEASE_BUFFERS: an idle connection keeps none. NO_AUTO_CHAIN: else, for a certificate that
// stands alone, each handshake would look for what could stand above it. The rest: a write that
// found no room is tried again with the same bytes, wherever these are by then.
constexpr long modes = SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN |
                       SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER;

struct CertificateDeleter {
  void operator()(::X509* certificate) const { ::X509_free(certificate); }
};
using X509Ptr = std::unique_ptr<::X509, CertificateDeleter>;

X509Ptr parse(const std::string& der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  return X509Ptr(::d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

void add_to_list(std::string& list, std::string_view name) {
  list.append(list.empty() ? "" : ":").append(name);
}

std::string names_of_groups() {
  std::string names;
  for (const std::string_view group : tls_groups) add_to_list(names, group);
  return names;
}

// The ciphers of `version` that the site has chosen, or all that there are, as OpenSSL reads them.
std::string names_of(const TlsSettings& settings, TlsVersion version) {
  std::string names;
  const auto add = [&](const TlsCipher& cipher) {
    if (cipher.version == version) add_to_list(names, cipher.name);
  };
  for (const std::uint8_t index : settings.ciphers) add(tls_ciphers[index]);
  if (names.empty()) std::for_each(tls_ciphers.begin(), tls_ciphers.end(), add);
  return names;
}

// The site's first visitor waits for this, so without all that OpenSSL would have at hand: the
// texts of all errors (reason_of() loads them), ciphers and digests by the names of OpenSSL 1.1. By
// these it looks for the digests of certificates' signatures alone.
bool make_ready() {
  return ::OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
                                OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS,
                            nullptr) == 1 &&
         ::EVP_add_digest(::EVP_sha224()) == 1 && ::EVP_add_digest(::EVP_sha256()) == 1 &&
         ::EVP_add_digest(::EVP_sha384()) == 1 && ::EVP_add_digest(::EVP_sha512()) == 1 &&
         load_tls_algorithms();
}

// RFC 7301: the client's list, each name behind its length. Which of its names is taken is for the
// server to say.
int choose_protocol(::SSL* ssl, const unsigned char** chosen, unsigned char* chosen_length,
                    const unsigned char* list, unsigned int list_length, void*) {
  constexpr std::string_view http_1_1 = "http/1.1";
  const bool offers_http2 = OpenSslStream::of(ssl).site().offers_http2();
  int result = SSL_TLSEXT_ERR_ALERT_FATAL;
  for (unsigned int at = 0; at < list_length; at += 1U + list[at]) {
    const std::string_view name(reinterpret_cast<const char*>(list) + at + 1, list[at]);
    const bool is_http2 = offers_http2 && name == OpenSslSite::http2;
    if (!is_http2 && name != http_1_1) continue;
    *chosen = list + at + 1;
    *chosen_length = list[at];
    result = SSL_TLSEXT_ERR_OK;
    if (is_http2) break;
  }
  return result;
}

int look_at_hello(::SSL* ssl, int* alert, void*) {
  return OpenSslStream::of(ssl).look_at_hello(*alert) ? SSL_CLIENT_HELLO_SUCCESS
                                                      : SSL_CLIENT_HELLO_ERROR;
}

}  // namespace

std::string reason_of(unsigned long error) {
  // SSL_CTX_new() has loaded libssl's own.
  [[maybe_unused]] static const int loaded = ::ossl_err_load_crypto_strings();
  const char* reason = ::ERR_reason_error_string(error);
  return reason != nullptr ? reason : "unknown error";
}

Result<std::unique_ptr<TlsSite>> TlsSite::make(const SiteSettings& settings) {
  if (settings.certificates.empty()) return std::unique_ptr<TlsSite>();
  auto site = std::make_unique<OpenSslSite>();
  if (!site->set_up(settings)) {
    return failure({"prepare TLS", reason_of(::ERR_get_error()), 0});
  }
  return Result<std::unique_ptr<TlsSite>>(std::move(site));
}

std::unique_ptr<TlsStream> OpenSslSite::accept(Connection& connection) {
  return std::make_unique<OpenSslStream>(*this, connection);
}

bool OpenSslSite::set_up(const SiteSettings& settings) {
  offers_http2_ = settings.http2;
  unsigned char byte = 0;
  if (!make_ready() || !load_keeper_provider() || ::RAND_bytes(&byte, 1) != 1 ||
      ::ASYNC_init_thread(max_signatures, 0) != 1) {
    return false;
  }
  context_.reset(::SSL_CTX_new(::TLS_server_method()));
  ::SSL_CTX* context = context_.get();
  if (context == nullptr || !set_protocol(settings.tls)) return false;
  ::SSL_CTX_set_security_level(context, security_level);
  ::SSL_CTX_set_options(context, options);
  SSL_CTX_set_mode(context, modes);
  SSL_CTX_set_read_ahead(context, 1);
  ::SSL_CTX_set_client_hello_cb(context, &look_at_hello, nullptr);
  ::SSL_CTX_set_alpn_select_cb(context, &choose_protocol, nullptr);
  if (!use_tickets(context)) return false;
  for (std::uint32_t i = 0; i < settings.certificates.size(); ++i) {
    if (!add_certificate(settings.certificates[i], i)) return false;
  }
  return true;
}

bool OpenSslSite::set_protocol(const TlsSettings& settings) {
  const bool has_tls_1_2 = settings.least == TlsVersion::tls_1_2;
  const std::string tls_1_2 = names_of(settings, TlsVersion::tls_1_2);
  const std::string tls_1_3 = names_of(settings, TlsVersion::tls_1_3);
  return SSL_CTX_set_min_proto_version(context(), has_tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION) ==
             1 &&
         ::SSL_CTX_set_cipher_list(context(), tls_1_2.c_str()) == 1 &&
         ::SSL_CTX_set_ciphersuites(context(), tls_1_3.c_str()) == 1 &&
         SSL_CTX_set1_groups_list(context(), names_of_groups().c_str()) == 1;
}

bool OpenSslSite::add_certificate(const CertificateChain& chain, std::uint32_t index) {
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const X509Ptr certificate = parse(chain[i]);
    if (certificate == nullptr) return false;
    if (i > 0) {
      // What follows belongs to the certificate that was set last.
      if (SSL_CTX_add1_chain_cert(context(), certificate.get()) != 1) return false;
      continue;
    }
    const KeeperKey key = make_keeper_key(*certificate, index, keeper_);
    if (key == nullptr || ::SSL_CTX_use_certificate(context(), certificate.get()) != 1 ||
        ::SSL_CTX_use_PrivateKey(context(), key.get()) != 1) {
      return false;
    }
  }
  return true;
}

}  // namespace perchild
