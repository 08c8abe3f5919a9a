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

#include "policy/host_name.h"
#include "privsep/unique_fd.h"

namespace perchild {

class Connection;
class TlsSite;

// How far a call has come.
enum class TlsStep : std::uint8_t {
  done,
  want_read,
  want_write,
  want_answer,  // from the keeper
  want_job,     // too many handshakes wait for the keeper, or it is not there: stand in line
  closed,       // by the client, in an orderly way or not
  failed,       // problem() says why
};

class TlsStream {
 public:
  TlsStream(TlsSite& site, Connection& connection);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;
  static TlsStream& of(const ::SSL* ssl);

  TlsStep shake_hands();
  std::string problem() const { return problem_; }

  // Bytes to `into`, and how many to `count`.
  TlsStep read(std::span<char> into, std::size_t& count);
  // Whether there can be more to read without a word from epoll.
  bool has_more() const { return readable_ || ::SSL_has_pending(ssl_.get()) == 1; }
  // All of it, unless there is no room: then what was not taken is to be given again. `more`: other
  // bytes follow at once.
  TlsStep write(std::string_view bytes, bool more, std::size_t& count);
  // Says that nothing more will be sent (close_notify), if that is possible.
  void end_sending();

  // epoll has said so.
  void on_readable(bool peer_closed) {
    readable_ = true;
    peer_closed_ = peer_closed_ || peer_closed;
  }

  TlsSite& site() const { return site_; }
  // The name that the client asked for in its ClientHello.
  const std::optional<HostName>& server_name() const { return server_name_; }
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

  struct SslDeleter {
    void operator()(::SSL* ssl) const { ::SSL_free(ssl); }
  };

  TlsSite& site_;
  Connection& connection_;
  std::unique_ptr<::SSL, SslDeleter> ssl_;
  std::optional<HostName> server_name_;
  std::string problem_;
  bool readable_ = true;  // as far as is known; see Connection::may_read()
  bool peer_closed_ = false;
  bool more_ = false;
  bool waits_for_answer_ = false;
  bool broken_ = false;  // nothing can be said any more
};

}  // namespace perchild
