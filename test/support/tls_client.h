// A client that speaks TLS, of which every part can be chosen.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>

#include "test/support/client.h"

namespace perchild::test {

struct TlsOptions {
  std::string server_name;           // empty: none is sent
  int version = 0;                   // TLS1_2_VERSION alone, for example; 0: what OpenSSL offers
  std::string protocols = {};        // ALPN: each behind its length
  std::string ciphers = {};          // of TLS 1.2
  std::string algorithms = {};       // of signatures
  ::SSL_SESSION* session = nullptr;  // to be resumed
  std::size_t piece = 0;             // bytes a write(2) in the handshake; 0: all at once
  std::string request = {};          // sent at once with the end of the handshake
};

class TlsClient {
 public:
  TlsClient(std::uint16_t port, const TlsOptions& options);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // Whether the handshake was finished; if not, why: OpenSSL's reason.
  bool connected() const { return connected_; }
  const std::string& problem() const { return problem_; }
  bool resumed() const { return ::SSL_session_reused(ssl_.get()) == 1; }
  std::string certificate() const;  // of the server, DER
  std::string protocol() const;     // that ALPN chose
  std::string cipher() const { return ::SSL_get_cipher_name(ssl_.get()); }

  void send(const std::string& bytes);
  void close_sending();  // close_notify, and the end of the stream
  // What comes until it holds `end`, or the server closes; "" at an error.
  std::string receive_until(const std::string& end);
  std::string receive_to_end();
  // The next bytes, whatever they are; "" at the end or at an error.
  std::string receive_some();
  // Whether the server said that it has finished, and did not just hang up.
  bool ended_properly() const {
    return (::SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  // A session that can be resumed; after something has been received. Owned by the client.
  ::SSL_SESSION* session();
  bool renegotiate();

 private:
  void flush(std::size_t piece = 0);
  bool fill();
  template <typename Operation>
  int drive(Operation operation, std::size_t piece = 0);

  struct Deleter {
    void operator()(::SSL_CTX* context) const { ::SSL_CTX_free(context); }
    void operator()(::SSL* ssl) const { ::SSL_free(ssl); }
    void operator()(::SSL_SESSION* session) const { ::SSL_SESSION_free(session); }
  };
  std::unique_ptr<::SSL_CTX, Deleter> context_;
  std::unique_ptr<::SSL, Deleter> ssl_;
  std::unique_ptr<::SSL_SESSION, Deleter> session_;
  Client raw_;
  ::BIO* in_;
  ::BIO* out_;
  bool connected_ = false;
  std::string problem_;
};

// The response to GET on a connection of its own, or "problem: " and why there is none.
std::string tls_get(std::uint16_t port, const std::string& host, const TlsOptions& options,
                    const std::string& target = "/");

}  // namespace perchild::test
