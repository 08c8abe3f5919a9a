#include "test/fuzz/states/tls_visitors.h"

#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "test/fuzz/fuzz_driver.h"
#include "vhosts/tls/signature_scheme.h"

namespace perchild::fuzz {
namespace {

struct Deleter {
  void operator()(::X509* certificate) const { ::X509_free(certificate); }
  void operator()(::EVP_MD_CTX* context) const { ::EVP_MD_CTX_free(context); }
  void operator()(::SSL_SESSION* session) const { ::SSL_SESSION_free(session); }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

::OSSL_LIB_CTX* library() {
  static ::OSSL_LIB_CTX* const made = [] {
    ::OSSL_LIB_CTX* fresh = ::OSSL_LIB_CTX_new();
    check(::OSSL_PROVIDER_load(fresh, "default") != nullptr, "there is an OpenSSL for visitors");
    return fresh;
  }();
  return made;
}

::EVP_PKEY* key_of(std::uint32_t key) {
  static const std::array<::EVP_PKEY*, key_count> made{
      ::EVP_PKEY_Q_keygen(library(), nullptr, "ED25519"),
      ::EVP_PKEY_Q_keygen(library(), nullptr, "EC", "P-256"),
      ::EVP_PKEY_Q_keygen(library(), nullptr, "RSA", std::size_t{2048})};
  return made[key];
}

// The last that any visitor was given.
Owned<::SSL_SESSION>& session() {
  static Owned<::SSL_SESSION> last;
  return last;
}
bool session_is_new = false;

TicketName name_of(const ::SSL_SESSION& session) {
  const unsigned char* ticket = nullptr;
  std::size_t length = 0;
  ::SSL_SESSION_get0_ticket(&session, &ticket, &length);
  TicketName name;
  check(length > name.size(), "a ticket has the name of its key");
  std::copy_n(ticket, name.size(), name.begin());
  return name;
}

int take_session(::SSL*, ::SSL_SESSION* given) {
  session().reset(given);
  session_is_new = true;
  return 1;  // it is ours
}

::SSL_CTX* context() {
  static ::SSL_CTX* const made = [] {
    ::SSL_CTX* fresh = ::SSL_CTX_new_ex(library(), nullptr, ::TLS_client_method());
    check(fresh != nullptr, "visitors speak TLS");
    SSL_CTX_set_session_cache_mode(fresh, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    ::SSL_CTX_sess_set_new_cb(fresh, &take_session);
    return fresh;
  }();
  return made;
}

}  // namespace

CertificateChain certificate_of(std::uint32_t key) {
  const Owned<::X509> certificate(::X509_new_ex(library(), nullptr));
  ::X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  ::X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 1L << 30);
  ::X509_set_pubkey(certificate.get(), key_of(key));
  const ::EVP_MD* digest = ::EVP_PKEY_is_a(key_of(key), "ED25519") == 1 ? nullptr : ::EVP_sha256();
  check(::X509_sign(certificate.get(), key_of(key), digest) > 0, "a certificate is signed");
  std::string der(static_cast<std::size_t>(::i2d_X509(certificate.get(), nullptr)), '\0');
  auto* at = reinterpret_cast<unsigned char*>(der.data());
  ::i2d_X509(certificate.get(), &at);
  return {der};
}

Signature signature_to(const Sign& request) {
  const tls::SignatureScheme& scheme = *tls::find_scheme(request.scheme);
  const std::string digest(scheme.digest);
  const Owned<::EVP_MD_CTX> context(::EVP_MD_CTX_new());
  ::EVP_PKEY_CTX* of_key = nullptr;
  Signature answer{.number = request.number, .length = 0, .bytes = {}};
  std::size_t length = answer.bytes.size();
  const bool is_ready =
      ::EVP_DigestSignInit_ex(context.get(), &of_key, digest.empty() ? nullptr : digest.c_str(),
                              library(), nullptr, key_of(request.key), nullptr) == 1 &&
      // RFC 8446, 4.2.3: the salt is as long as the digest.
      (scheme.padding != tls::Padding::pss ||
       (::EVP_PKEY_CTX_set_rsa_padding(of_key, RSA_PKCS1_PSS_PADDING) == 1 &&
        ::EVP_PKEY_CTX_set_rsa_pss_saltlen(of_key, RSA_PSS_SALTLEN_DIGEST) == 1));
  check(is_ready && ::EVP_DigestSign(context.get(),
                                     reinterpret_cast<unsigned char*>(answer.bytes.data()), &length,
                                     reinterpret_cast<const unsigned char*>(request.content.data()),
                                     request.length) == 1,
        "the key that is asked for can sign so");
  answer.length = static_cast<std::uint32_t>(length);
  return answer;
}

TlsVisitor::TlsVisitor(UniqueFd socket, Kind kind)
    : socket_(std::move(socket)), is_http2_(kind == Kind::http2), ssl_(::SSL_new(context())) {
  ::SSL_set_fd(ssl_.get(), socket_.get());
  ::SSL_set_connect_state(ssl_.get());
  // SSL_set_tlsext_host_name, without its cast.
  ::SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>("a.example"));
  if (kind == Kind::tls_1_2 || kind == Kind::of_rsa_tls_1_2) {
    SSL_set_max_proto_version(ssl_.get(), TLS1_2_VERSION);
  }
  if (kind == Kind::of_ed25519) SSL_set1_sigalgs_list(ssl_.get(), "ed25519");
  if (kind == Kind::of_rsa) SSL_set1_sigalgs_list(ssl_.get(), "rsa_pss_rsae_sha256");
  if (kind == Kind::of_rsa_tls_1_2) SSL_set1_sigalgs_list(ssl_.get(), "rsa_pkcs1_sha256");
  if (is_http2_) {
    static constexpr unsigned char offered[] = "\x02h2\x08http/1.1";
    ::SSL_set_alpn_protos(ssl_.get(), offered, sizeof offered - 1);
  }
  if (kind == Kind::back && session() != nullptr) {
    offered_ = name_of(*session());
    ::SSL_set_session(ssl_.get(), session().get());
  }
}

// Else OpenSSL takes the session for a bad one.
TlsVisitor::~TlsVisitor() {
  ::SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

bool TlsVisitor::go_on() {
  if (is_over_) return false;
  const auto moved = [this] {
    return ::BIO_number_read(::SSL_get_rbio(ssl_.get())) +
           ::BIO_number_written(::SSL_get_wbio(ssl_.get()));
  };
  const std::uint64_t before = moved();
  ::ERR_clear_error();
  speak();
  return moved() != before;
}

bool TlsVisitor::send_request() {
  static constexpr std::string_view by_http1 = "GET /nothing HTTP/1.1\r\nHost: a.example\r\n\r\n";
  // RFC 9113, 3.4 and 6.5; 6.2, with RFC 7541's static table and two literals.
  static constexpr std::string_view by_http2(
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
      "\0\0\0\4\0\0\0\0\0"
      "\0\0\x17\1\5\0\0\0\1"
      "\x82\x87\4\x08/nothing\1\x09"
      "a.example",
      24 + 9 + 9 + 23);
  if (is_http2_) {
    const unsigned char* chosen = nullptr;
    unsigned int length = 0;
    ::SSL_get0_alpn_selected(ssl_.get(), &chosen, &length);
    check(length == 2 && chosen[0] == 'h' && chosen[1] == '2', "who offers HTTP/2 has it");
  }
  const std::string_view request = is_http2_ ? by_http2 : by_http1;
  return ::SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size())) > 0;
}

// By HTTP/2, the answer's frame is behind others.
void TlsVisitor::hear(std::string_view bytes) {
  is_answered_ = is_answered_ || !is_http2_;
  if (!is_http2_) return;
  constexpr std::size_t head = 9;
  constexpr char headers = 1;
  heard_ += bytes;
  while (heard_.size() >= head) {
    const auto byte = [this](std::size_t at) {
      return std::size_t{static_cast<unsigned char>(heard_[at])};
    };
    const std::size_t whole = head + (byte(0) << 16U | byte(1) << 8U | byte(2));
    if (heard_.size() < whole) return;
    is_answered_ = is_answered_ || heard_[3] == headers;
    heard_.erase(0, whole);
  }
}

void TlsVisitor::speak() {
  int result = 1;
  if (!has_shaken_hands_) {
    result = ::SSL_do_handshake(ssl_.get());
    has_shaken_hands_ = result == 1;
    if (has_shaken_hands_ && !send_request()) result = -1;
  }
  std::array<char, 4096> answer;
  while (result > 0) {
    result = ::SSL_read(ssl_.get(), answer.data(), answer.size());
    if (result > 0) hear({answer.data(), static_cast<std::size_t>(result)});
  }
  const int error = ::SSL_get_error(ssl_.get(), result);
  is_over_ = error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
}

const TicketName* TlsVisitor::known_by() const {
  return ::SSL_session_reused(ssl_.get()) == 1 ? &offered_ : nullptr;
}

void TlsVisitor::forget_tickets() {
  session().reset();
  session_is_new = false;
}

std::optional<TicketName> TlsVisitor::take_new_ticket() {
  if (!std::exchange(session_is_new, false)) return std::nullopt;
  return name_of(*session());
}

}  // namespace perchild::fuzz
