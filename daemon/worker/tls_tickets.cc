#include "daemon/worker/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <cstring>
#include <string_view>

#include "daemon/worker/openssl_site.h"
#include "daemon/worker/openssl_stream.h"

namespace perchild {
namespace {

constexpr long lifetime_seconds = 12L * 60 * 60;
// By a handshake of TLS 1.3. Who opens several connections gets one by each.
constexpr std::size_t tickets_at_once = 1;
constexpr const char* cipher_name = "AES-256-CBC";
constexpr const char* digest_name = "SHA256";

constexpr int failed = -1;
constexpr int not_ours = 0;
constexpr int good = 1;
constexpr int good_but_old = 2;

// Looked up once: for each ticket it would cost as much as the ticket.
const ::EVP_CIPHER* cipher() {
  static const ::EVP_CIPHER* const fetched = ::EVP_CIPHER_fetch(nullptr, cipher_name, nullptr);
  return fetched;
}

bool set_authentication(::EVP_MAC_CTX* mac, const TicketKeys::Key& key) {
  ::OSSL_PARAM parameters[] = {
      ::OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY,
                                          const_cast<unsigned char*>(key.authentication.data()),
                                          key.authentication.size()),
      ::OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(digest_name), 0),
      ::OSSL_PARAM_construct_end()};
  return ::EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

int begin_ticket(const TicketKeys& keys, unsigned char* name, unsigned char* iv,
                 ::EVP_CIPHER_CTX* encryption, ::EVP_MAC_CTX* mac) {
  const TicketKeys::Key& key = keys.current;
  if (::RAND_bytes(iv, ::EVP_CIPHER_get_iv_length(cipher())) != 1 ||
      ::EVP_EncryptInit_ex2(encryption, cipher(), key.cipher.data(), iv, nullptr) != 1 ||
      !set_authentication(mac, key)) {
    return failed;
  }
  std::memcpy(name, key.name.data(), key.name.size());
  return good;
}

int open_ticket(const TicketKeys& keys, const unsigned char* name, const unsigned char* iv,
                ::EVP_CIPHER_CTX* decryption, ::EVP_MAC_CTX* mac) {
  const auto is_named = [name](const TicketKeys::Key& key) {
    return std::memcmp(name, key.name.data(), key.name.size()) == 0;
  };
  const bool is_current = is_named(keys.current);
  if (!is_current && !is_named(keys.previous)) return not_ours;
  const TicketKeys::Key& key = is_current ? keys.current : keys.previous;
  if (::EVP_DecryptInit_ex2(decryption, cipher(), key.cipher.data(), iv, nullptr) != 1 ||
      !set_authentication(mac, key)) {
    return failed;
  }
  return is_current ? good : good_but_old;
}

int on_ticket_key(::SSL* ssl, unsigned char* name, unsigned char* iv,
                  ::EVP_CIPHER_CTX* cipher_context, ::EVP_MAC_CTX* mac, int encrypt) {
  // No handshake begins before they are there.
  const TicketKeys* keys = OpenSslStream::of(ssl).site().keeper().ticket_keys();
  return encrypt == 1 ? begin_ticket(*keys, name, iv, cipher_context, mac)
                      : open_ticket(*keys, name, iv, cipher_context, mac);
}

int on_ticket_made(::SSL* ssl, void*) {
  const std::string_view name = OpenSslStream::of(ssl).server_name_text();
  return ::SSL_SESSION_set1_ticket_appdata(::SSL_get_session(ssl), name.data(), name.size());
}

// A ticket that does not count is no fault: the handshake is a whole one then.
::SSL_TICKET_RETURN on_ticket_opened(::SSL* ssl, ::SSL_SESSION* session, const unsigned char*,
                                     std::size_t, ::SSL_TICKET_STATUS status, void*) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  void* data = nullptr;
  std::size_t length = 0;
  if (::SSL_SESSION_get0_ticket_appdata(session, &data, &length) != 1 ||
      std::string_view(static_cast<const char*>(data), length) !=
          OpenSslStream::of(ssl).server_name_text()) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

}  // namespace

bool use_tickets(::SSL_CTX* context) {
  // Sessions are kept by the clients alone.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_timeout(context, lifetime_seconds);
  return cipher() != nullptr && ::SSL_CTX_set_num_tickets(context, tickets_at_once) == 1 &&
         ::SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &on_ticket_key) == 1 &&
         ::SSL_CTX_set_session_ticket_cb(context, &on_ticket_made, &on_ticket_opened, nullptr) == 1;
}

}  // namespace perchild
