// A load of TLS handshakes, each on a connection of its own: the generators that are packaged
// either keep their connections or do not say which of them were resumed.
//
//     handshakes PORT HOST SECONDS CONNECTIONS full|resumed nothing|request
//
// `request`: asks for "/" after the handshake, and wants 200. As browsers do, it puts AES-128
// first, offers X25519 and has TCP_NODELAY. Prints a line of JSON. Exit status 1 unless every
// handshake was of the wanted kind and every connection was ended by the server.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Deleter {
  void operator()(::SSL_CTX* context) const { ::SSL_CTX_free(context); }
  void operator()(::SSL* ssl) const { ::SSL_free(ssl); }
  void operator()(::SSL_SESSION* session) const { ::SSL_SESSION_free(session); }
};

struct Load {
  std::uint16_t port;
  std::string host;
  std::string request;  // empty: none
  std::unique_ptr<::SSL_CTX, Deleter> context;
  std::unique_ptr<::SSL_SESSION, Deleter> session;  // that is resumed
  int epoll = -1;
};

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "handshakes: %s\n", what);
  std::exit(1);
}

int take_session(::SSL* ssl, ::SSL_SESSION* session) {
  static_cast<Load*>(SSL_get_app_data(ssl))->session.reset(session);
  return 1;
}

class Client {
 public:
  // `index`: by which its events are known.
  void begin(Load& load, std::uint32_t index) {
    shaken_ = said_ = false;
    resumes_ = load.session != nullptr;
    answer_.clear();
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ::sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(load.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int yes = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    // It is queued at once, or refused.
    static_cast<void>(::connect(fd_, reinterpret_cast<::sockaddr*>(&address), sizeof address));
    ssl_.reset(::SSL_new(load.context.get()));
    SSL_set_app_data(ssl_.get(), &load);
    SSL_set_tlsext_host_name(ssl_.get(), load.host.c_str());
    if (resumes_) ::SSL_set_session(ssl_.get(), load.session.get());
    ::SSL_set_fd(ssl_.get(), fd_);
    ::SSL_set_connect_state(ssl_.get());
    ::epoll_event event{EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.u32 = index}};
    ::epoll_ctl(load.epoll, EPOLL_CTL_ADD, fd_, &event);
  }

  // True when the connection is over, and has been closed.
  bool go_on(Load& load) {
    if (!shaken_) {
      const int result = ::SSL_do_handshake(ssl_.get());
      if (result != 1) return must_wait(result);
      shaken_ = true;
      if (resumes_ != (::SSL_session_reused(ssl_.get()) == 1)) {
        give_up("a handshake is of the other kind");
      }
    }
    if (!said_) {
      said_ = true;
      if (load.request.empty()) {
        ::SSL_shutdown(ssl_.get());
        ::shutdown(fd_, SHUT_WR);
      } else if (::SSL_write(ssl_.get(), load.request.data(),
                             static_cast<int>(load.request.size())) <= 0) {
        give_up("a request is not taken");
      }
    }
    return read_to_end(load);
  }

 private:
  bool must_wait(int result) {
    const int error = ::SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
    give_up("a handshake fails");
  }

  bool read_to_end(Load& load) {
    std::array<char, 16384> bytes;
    for (;;) {
      int got = 0;
      if (load.request.empty()) {
        // Tickets, maybe, and the end. Whoever has said close_notify need not decrypt them.
        got = static_cast<int>(::recv(fd_, bytes.data(), bytes.size(), 0));
        if (got < 0 && errno == EAGAIN) return false;
      } else {
        got = ::SSL_read(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
        if (got <= 0) {
          const int error = ::SSL_get_error(ssl_.get(), got);
          if (error == SSL_ERROR_WANT_READ) return false;
          if (error != SSL_ERROR_ZERO_RETURN) give_up("a connection does not end as it should");
        }
      }
      if (got <= 0) break;
      if (answer_.size() < 16)
        answer_.append(bytes.data(), std::min<std::size_t>(16, static_cast<std::size_t>(got)));
    }
    if (!load.request.empty() && !answer_.starts_with("HTTP/1.1 200 ")) give_up("not answered 200");
    // Else OpenSSL takes the session for a bad one.
    ::SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    ssl_.reset();
    ::close(fd_);
    return true;
  }

  std::unique_ptr<::SSL, Deleter> ssl_;
  std::string answer_;
  int fd_ = -1;
  bool shaken_ = false;
  bool said_ = false;
  bool resumes_ = false;
};

// How many connections have come to their end in the time; those under way are brought to theirs,
// and count.
unsigned long run(Load& load, std::size_t connections, Clock::duration time) {
  std::vector<Client> clients(connections);
  unsigned long done = 0;
  std::size_t open = connections;
  for (std::uint32_t i = 0; i < connections; ++i) clients[i].begin(load, i);
  const Clock::time_point end = Clock::now() + time;
  std::array<::epoll_event, 64> events;
  while (open > 0) {
    const int count = ::epoll_wait(load.epoll, events.data(), events.size(), 10'000);
    if (count <= 0) give_up("nothing comes any more");
    for (int i = 0; i < count; ++i) {
      const std::uint32_t index = events[static_cast<std::size_t>(i)].data.u32;
      Client& client = clients[index];
      if (!client.go_on(load)) continue;
      ++done;
      if (Clock::now() < end) {
        client.begin(load, index);
      } else {
        --open;
      }
    }
  }
  return done;
}

}  // namespace

int main(int count, char** words) {
  if (count != 7) give_up("usage: PORT HOST SECONDS CONNECTIONS full|resumed nothing|request");
  Load load{.port = static_cast<std::uint16_t>(std::atoi(words[1])),
            .host = words[2],
            .request = {},
            .context = nullptr,
            .session = nullptr};
  const std::string request =
      "GET / HTTP/1.1\r\nHost: " + load.host + "\r\nConnection: close\r\n\r\n";
  load.epoll = ::epoll_create1(EPOLL_CLOEXEC);
  load.context.reset(::SSL_CTX_new(::TLS_client_method()));
  ::SSL_CTX* context = load.context.get();
  ::SSL_CTX_set_ciphersuites(context,
                             "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                             "TLS_CHACHA20_POLY1305_SHA256");
  SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384");
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  if (std::string_view(words[5]) == "resumed") {
    // One whole handshake, for its ticket, which comes before the answer to a request.
    load.request = request;
    ::SSL_CTX_sess_set_new_cb(context, &take_session);
    run(load, 1, {});
    // It stays the one that is resumed.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (load.session == nullptr) give_up("there is no ticket to be resumed by");
  }
  load.request = std::string_view(words[6]) == "request" ? request : std::string();
  const Clock::time_point begin = Clock::now();
  const unsigned long done = run(load, static_cast<std::size_t>(std::atoi(words[4])),
                                 std::chrono::duration_cast<Clock::duration>(
                                     std::chrono::duration<double>(std::atof(words[3]))));
  const std::chrono::duration<double> taken = Clock::now() - begin;
  std::printf("{\"requests\":%lu,\"seconds\":%.6f}\n", done, taken.count());
  return 0;
}
