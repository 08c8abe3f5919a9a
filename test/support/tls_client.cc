#include "test/support/tls_client.h"

#include <openssl/err.h>

#include <algorithm>

namespace perchild::test {
namespace {

constexpr int exchange_deadline_ms = 10'000;

}  // namespace

TlsClient::TlsClient(std::uint16_t port, const TlsOptions& options)
    : context_(::SSL_CTX_new(::TLS_client_method())),
      raw_(port),
      in_(::BIO_new(::BIO_s_mem())),
      out_(::BIO_new(::BIO_s_mem())) {
  // What is offered is the test's matter.
  ::SSL_CTX_set_security_level(context_.get(), 0);
  ssl_.reset(::SSL_new(context_.get()));
  ::SSL_set_bio(ssl_.get(), in_, out_);
  ::SSL_set_connect_state(ssl_.get());
  if (!options.server_name.empty()) {
    // SSL_set_tlsext_host_name, without its cast.
    ::SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               const_cast<char*>(options.server_name.c_str()));
  }
  if (options.version != 0) {
    SSL_set_min_proto_version(ssl_.get(), options.version);
    SSL_set_max_proto_version(ssl_.get(), options.version);
  }
  if (!options.protocols.empty()) {
    ::SSL_set_alpn_protos(ssl_.get(),
                          reinterpret_cast<const unsigned char*>(options.protocols.data()),
                          static_cast<unsigned>(options.protocols.size()));
  }
  if (!options.ciphers.empty()) ::SSL_set_cipher_list(ssl_.get(), options.ciphers.c_str());
  if (!options.algorithms.empty()) {
    SSL_set1_sigalgs_list(ssl_.get(), options.algorithms.c_str());
  }
  if (options.session != nullptr) ::SSL_set_session(ssl_.get(), options.session);
  const auto shake_hands = [&] {
    const int result = ::SSL_do_handshake(ssl_.get());
    if (result == 1 && !options.request.empty()) {
      ::SSL_write(ssl_.get(), options.request.data(), static_cast<int>(options.request.size()));
    }
    return result;
  };
  connected_ = drive(shake_hands, options.piece) == 1;
}

// Else OpenSSL takes the session for a bad one, and resumes it no more.
TlsClient::~TlsClient() {
  ::SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

// What OpenSSL has to say, to the server.
void TlsClient::flush(std::size_t piece) {
  char* data = nullptr;
  const auto length = static_cast<std::size_t>(BIO_get_mem_data(out_, &data));
  const std::string bytes(data, length);
  BIO_reset(out_);
  if (piece == 0) piece = bytes.size();
  for (std::size_t at = 0; at < bytes.size(); at += piece) raw_.send(bytes.substr(at, piece));
}

bool TlsClient::fill() {
  const std::string bytes = raw_.receive_some(exchange_deadline_ms);
  if (bytes.empty()) {
    BIO_set_mem_eof_return(in_, 0);
    return false;
  }
  ::BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
  return true;
}

// Calls `operation` until it says 1, or nothing more can come.
template <typename Operation>
int TlsClient::drive(Operation operation, std::size_t piece) {
  bool ended = false;
  for (;;) {
    ::ERR_clear_error();
    const int result = operation();
    const int error = ::SSL_get_error(ssl_.get(), result);
    const unsigned long reason = ::ERR_peek_last_error();
    flush(piece);
    if (result > 0 || error != SSL_ERROR_WANT_READ || ended) {
      if (result <= 0 && reason != 0) problem_ = ::ERR_reason_error_string(reason);
      if (result <= 0 && reason == 0) problem_ = "closed";
      return result;
    }
    ended = !fill();
  }
}

std::string TlsClient::certificate() const {
  const std::unique_ptr<::X509, decltype(&::X509_free)> peer(
      ::SSL_get1_peer_certificate(ssl_.get()), &::X509_free);
  if (peer == nullptr) return {};
  std::string der(static_cast<std::size_t>(::i2d_X509(peer.get(), nullptr)), '\0');
  auto* at = reinterpret_cast<unsigned char*>(der.data());
  ::i2d_X509(peer.get(), &at);
  return der;
}

std::string TlsClient::protocol() const {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  ::SSL_get0_alpn_selected(ssl_.get(), &name, &length);
  return std::string(reinterpret_cast<const char*>(name), length);
}

void TlsClient::send(const std::string& bytes) {
  drive([&] { return ::SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())); });
}

void TlsClient::close_sending() {
  ::SSL_shutdown(ssl_.get());
  flush();
  raw_.close_sending();
}

std::string TlsClient::receive_some() {
  char buffer[16384];
  const int got = drive([&] { return ::SSL_read(ssl_.get(), buffer, sizeof buffer); });
  return std::string(buffer, static_cast<std::size_t>(std::max(got, 0)));
}

std::string TlsClient::receive_until(const std::string& end) {
  std::string all;
  while (end.empty() || all.find(end) == std::string::npos) {
    const std::string some = receive_some();
    if (some.empty()) break;
    all.append(some);
  }
  return all;
}

std::string TlsClient::receive_to_end() {
  return receive_until("");
}

::SSL_SESSION* TlsClient::session() {
  session_.reset(::SSL_get1_session(ssl_.get()));
  return session_.get();
}

bool TlsClient::renegotiate() {
  if (::SSL_renegotiate(ssl_.get()) != 1) return false;
  return drive([this] { return ::SSL_do_handshake(ssl_.get()); }) == 1;
}

std::string tls_get(std::uint16_t port, const std::string& host, const TlsOptions& options,
                    const std::string& target) {
  TlsClient client(port, options);
  if (!client.connected()) return "problem: " + client.problem();
  client.send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
  return client.receive_to_end();
}

}  // namespace perchild::test
