// TLS on one connection: OpenSSL between the session and the socket.
//
// Runs in: worker.
// Does not trust: the client.
#pragma once

#include <openssl/ssl.h>
#include <sys/types.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/worker/tls.h"

namespace perchild {

class OpenSslSite;

class OpenSslStream final : public TlsStream {
 public:
  OpenSslStream(OpenSslSite& site, Connection& connection);
  ~OpenSslStream() override;
  OpenSslStream(const OpenSslStream&) = delete;
  OpenSslStream& operator=(const OpenSslStream&) = delete;
  static OpenSslStream& of(const ::SSL* ssl);

  TlsStep shake_hands() override;
  void stand_in_line() override;
  std::string problem() const override { return problem_; }
  TlsStep read(std::span<char> into, std::size_t& count) override;
  bool has_more() const override { return readable_ || ::SSL_has_pending(ssl_.get()) == 1; }
  TlsStep write(std::string_view bytes, bool more, std::size_t& count) override;
  void end_sending() override;
  void on_readable(bool peer_closed) override {
    readable_ = true;
    peer_closed_ = peer_closed_ || peer_closed;
  }
  const std::optional<HostName>& server_name() const override { return server_name_; }
  bool has_chosen_http2() const override;

  OpenSslSite& site() const { return site_; }
  std::string_view server_name_text() const {
    return server_name_ ? server_name_->view() : std::string_view();
  }
  // Called by OpenSSL before it looks at anything else. False, with the alert, if the name that is
  // asked for is not the site's.
  bool look_at_hello(int& alert);

 private:
  TlsStep step_of(int result);
  void finish_job();

  friend struct SocketBio;
  int receive(char* into, int size);
  int send(const char* bytes, int size);
  bool is_sending_tickets() const;
  void send_tickets();

  struct SslDeleter {
    void operator()(::SSL* ssl) const { ::SSL_free(ssl); }
  };

  OpenSslSite& site_;
  Connection& connection_;
  std::unique_ptr<::SSL, SslDeleter> ssl_;
  std::optional<HostName> server_name_;
  std::string problem_;
  std::string tickets_;   // encrypted; not sent yet
  bool readable_ = true;  // as far as is known; see Connection::may_read()
  bool peer_closed_ = false;
  bool more_ = false;
  bool waits_for_answer_ = false;
  bool broken_ = false;  // nothing can be said any more
};

}  // namespace perchild
