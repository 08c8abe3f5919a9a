#include "daemon/worker/openssl_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "daemon/worker/connection.h"
#include "daemon/worker/openssl_site.h"
#include "daemon/worker/worker_loop.h"
#include "privsep/result.h"
#include "vhosts/tls/client_hello.h"

namespace perchild {

// The socket as OpenSSL sees it. Not BIO_s_socket: a read that was short has emptied the socket,
// and another one would be a system call for nothing.
struct SocketBio {
  static OpenSslStream& stream_of(::BIO* bio) {
    return *static_cast<OpenSslStream*>(::BIO_get_data(bio));
  }
  static int read(::BIO* bio, char* into, int size) {
    ::BIO_clear_retry_flags(bio);
    const int got = stream_of(bio).receive(into, size);
    if (got < 0 && errno == EAGAIN) ::BIO_set_retry_read(bio);
    return got;
  }
  static int write(::BIO* bio, const char* bytes, int size) {
    ::BIO_clear_retry_flags(bio);
    const int sent = stream_of(bio).send(bytes, size);
    if (sent < 0 && errno == EAGAIN) ::BIO_set_retry_write(bio);
    return sent;
  }
  static long control(::BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return stream_of(bio).peer_closed_ ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }
  static const ::BIO_METHOD* method() {
    static ::BIO_METHOD* const made = [] {
      ::BIO_METHOD* fresh = ::BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "socket");
      ::BIO_meth_set_read(fresh, &read);
      ::BIO_meth_set_write(fresh, &write);
      ::BIO_meth_set_ctrl(fresh, &control);
      return fresh;
    }();
    return made;
  }
};

OpenSslStream::OpenSslStream(OpenSslSite& site, Connection& connection)
    : site_(site), connection_(connection), ssl_(::SSL_new(site.context())) {
  ::BIO* bio = ::BIO_new(SocketBio::method());
  PERCHILD_ASSERT(ssl_ != nullptr && bio != nullptr);  // out of memory
  ::BIO_set_data(bio, this);
  ::BIO_set_init(bio, 1);
  ::SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), this);
  ::SSL_set_accept_state(ssl_.get());
  // Until the handshake is over; a job for every read and write would cost more than these.
  SSL_set_mode(ssl_.get(), SSL_MODE_ASYNC);
}

OpenSslStream::~OpenSslStream() {
  finish_job();
}

OpenSslStream& OpenSslStream::of(const ::SSL* ssl) {
  return *static_cast<OpenSslStream*>(SSL_get_app_data(ssl));
}

int OpenSslStream::receive(char* into, int size) {
  if (!readable_) {
    errno = EAGAIN;
    return -1;
  }
  const ssize_t got =
      ::recv(connection_.fd().get(), into, static_cast<std::size_t>(size), MSG_DONTWAIT);
  if (got > 0) {
    // The end of the stream may have come with the bytes, and has no edge of its own.
    if (got < size && !peer_closed_) readable_ = false;
  } else if (got == 0) {
    peer_closed_ = true;
  } else if (errno == EAGAIN) {
    readable_ = false;
  }
  return static_cast<int>(got);
}

// Tickets of TLS 1.3, which come behind the handshake. They go together; where a request is here
// already, or the client has said that it goes, with the answer to that.
bool OpenSslStream::is_sending_tickets() const {
  return ::SSL_get_state(ssl_.get()) == TLS_ST_SW_SESSION_TICKET &&
         ::SSL_version(ssl_.get()) == TLS1_3_VERSION;
}

int OpenSslStream::send(const char* bytes, int size) {
  const auto count = static_cast<std::size_t>(size);
  if (is_sending_tickets()) {
    tickets_.append(bytes, count);
    return size;
  }
  ::iovec parts[2] = {{tickets_.data(), tickets_.size()}, {const_cast<char*>(bytes), count}};
  ::msghdr message{};
  message.msg_iov = tickets_.empty() ? parts + 1 : parts;
  message.msg_iovlen = tickets_.empty() ? 1 : 2;
  const ssize_t sent = ::sendmsg(connection_.fd().get(), &message,
                                 MSG_DONTWAIT | MSG_NOSIGNAL | (more_ ? MSG_MORE : 0));
  if (sent < 0 || tickets_.empty()) return static_cast<int>(sent);
  const std::size_t of_tickets = std::min(tickets_.size(), static_cast<std::size_t>(sent));
  tickets_.erase(0, of_tickets);
  const auto rest = static_cast<int>(sent - static_cast<ssize_t>(of_tickets));
  if (rest > 0) return rest;
  errno = EAGAIN;
  return -1;
}

// Before anything is waited for: the client may hold back its request until what it has sent before
// is acknowledged (Nagle), and that is late unless it goes with something.
void OpenSslStream::send_tickets() {
  if (!tickets_.empty()) send(nullptr, 0);
}

TlsStep OpenSslStream::step_of(int result) {
  switch (::SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_NONE:
      return TlsStep::done;
    case SSL_ERROR_WANT_READ:
      return TlsStep::want_read;
    case SSL_ERROR_WANT_WRITE:
      return TlsStep::want_write;
    case SSL_ERROR_WANT_ASYNC:
      return TlsStep::want_answer;
    case SSL_ERROR_WANT_ASYNC_JOB:
      return TlsStep::want_job;
    case SSL_ERROR_ZERO_RETURN:
      return TlsStep::closed;
    default:
      break;
  }
  broken_ = true;
  const unsigned long error = ::ERR_peek_last_error();
  // Without an entry it is the socket's error, most likely a reset.
  if (error == 0 || ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return TlsStep::closed;
  }
  problem_ = reason_of(error);
  return TlsStep::failed;
}

TlsStep OpenSslStream::shake_hands() {
  // A client's ticket cannot be read before its key is there.
  if (site_.keeper().ticket_keys() == nullptr) return TlsStep::want_job;
  ::ERR_clear_error();
  site_.keeper().serve(connection_);
  const TlsStep step = step_of(::SSL_do_handshake(ssl_.get()));
  waits_for_answer_ = step == TlsStep::want_answer;
  if (step == TlsStep::done) {
    SSL_clear_mode(ssl_.get(), SSL_MODE_ASYNC);
    if (!has_more()) send_tickets();
  }
  return step;
}

void OpenSslStream::stand_in_line() {
  site_.keeper().stand_in_line(connection_);
}

// OpenSSL cannot take back a job that stands still: it is led to its end, which is a failure.
void OpenSslStream::finish_job() {
  site_.keeper().forget(connection_);
  if (!waits_for_answer_) return;
  waits_for_answer_ = false;
  broken_ = true;
  ::SSL_do_handshake(ssl_.get());
}

TlsStep OpenSslStream::read(std::span<char> into, std::size_t& count) {
  ::ERR_clear_error();
  const TlsStep step = step_of(::SSL_read_ex(ssl_.get(), into.data(), into.size(), &count));
  if (step == TlsStep::want_read) send_tickets();
  return step;
}

TlsStep OpenSslStream::write(std::string_view bytes, bool more, std::size_t& count) {
  count = 0;
  TlsStep step = TlsStep::done;
  while (count < bytes.size() && step == TlsStep::done) {
    std::size_t written = 0;
    more_ = more || bytes.size() - count > SSL3_RT_MAX_PLAIN_LENGTH;  // it writes a record a call
    ::ERR_clear_error();
    step =
        step_of(::SSL_write_ex(ssl_.get(), bytes.data() + count, bytes.size() - count, &written));
    count += written;
  }
  return step;
}

void OpenSslStream::end_sending() {
  if (broken_ || ::SSL_is_init_finished(ssl_.get()) != 1) return;
  more_ = false;
  broken_ = true;  // this is the last that is said
  ::ERR_clear_error();
  ::SSL_shutdown(ssl_.get());
}

bool OpenSslStream::has_chosen_http2() const {
  const unsigned char* chosen = nullptr;
  unsigned int length = 0;
  ::SSL_get0_alpn_selected(ssl_.get(), &chosen, &length);
  return std::string_view(reinterpret_cast<const char*>(chosen), length) == OpenSslSite::http2;
}

bool OpenSslStream::look_at_hello(int& alert) {
  const unsigned char* data = nullptr;
  std::size_t length = 0;
  alert = SSL_AD_UNRECOGNIZED_NAME;
  if (::SSL_client_hello_get0_ext(ssl_.get(), TLSEXT_TYPE_server_name, &data, &length) == 1) {
    server_name_ = tls::server_name_of({reinterpret_cast<const char*>(data), length});
    if (!server_name_) return false;
  }
  // The router has looked at it too. It is the worker that answers for it.
  return connection_.by_default || (server_name_ && connection_.loop().serves(*server_name_));
}

}  // namespace perchild
