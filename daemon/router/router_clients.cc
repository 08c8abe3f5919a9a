// The router's side towards clients: accept, peek, refuse.
//
// Runs in: router.
// Does not trust: clients. Every byte is looked at by http1::HeadParser or tls::ClientHelloParser
// and by nothing else, but for a listed proxy's header, which proxy_protocol::read_header() looks
// at and which is taken out, and the fixed bytes that HTTP/2 begins with.
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "daemon/router/router.h"
#include "daemon/router/tokens.h"
#include "vhosts/http2/client_preface.h"

namespace perchild {
namespace {

constexpr int accepts_per_wake_up = 64;

struct Client {
  Address address{};
  std::uint16_t port = 0;
};

Client client_of(const ::sockaddr_storage& storage) {
  Client client;
  if (storage.ss_family == AF_INET) {
    ::sockaddr_in v4;
    std::memcpy(&v4, &storage, sizeof v4);
    client.address[10] = client.address[11] = 0xff;
    std::memcpy(&client.address[12], &v4.sin_addr, sizeof v4.sin_addr);
    client.port = ntohs(v4.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    ::sockaddr_in6 v6;
    std::memcpy(&v6, &storage, sizeof v6);
    std::memcpy(client.address.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
    client.port = ntohs(v6.sin6_port);
  }
  return client;
}

void set_low_water_mark(BorrowedFd fd, std::size_t bytes) {
  const int mark = static_cast<int>(bytes);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof mark);
}

}  // namespace

void RouterLoop::on_listener_readable(std::uint16_t listener) {
  for (int i = 0; i < accepts_per_wake_up; ++i) {
    if (!accept_one(listener)) return;
  }
}

// False if there is nothing more to accept for now.
bool RouterLoop::accept_one(std::uint16_t listener) {
  if (!listeners_[listener].has_value()) return false;
  ::sockaddr_storage storage{};
  ::socklen_t length = sizeof storage;
  UniqueFd fd(::accept4(listeners_[listener].get(), reinterpret_cast<::sockaddr*>(&storage),
                        &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd.has_value()) {
    if (errno == EMFILE || errno == ENFILE) {
      shed_one(listener);
      return false;
    }
    // accept(2): errors of the connection itself are reported here too; the next one is another's.
    return errno != EAGAIN && errno != EINVAL && errno != EBADF && errno != ENOMEM &&
           errno != ENOBUFS;
  }
  ++reporter_.counts.accepted;
  const Client client = client_of(storage);
  // A proxy has many clients, each of which is counted once its address is known.
  const bool header_due = table_.is_proxy(listener, client.address);
  if (!header_due && is_crowded(client.address)) return true;
  Stranger* stranger = take_stranger();
  if (stranger == nullptr) {
    ++reporter_.counts.dropped;
    return true;
  }
  stranger->fd = std::move(fd);
  stranger->address = client.address;
  stranger->port = client.port;
  stranger->listener = listener;
  stranger->header_due = header_due;
  if (!header_due) count(*stranger);
  stranger->encrypted = table_.speaks_tls(listener);
  peeking_.set(stranger->deadline, now_);
  peek(*stranger);
  return true;
}

bool RouterLoop::is_crowded(const Address& address) {
  if (addresses_.count(address) < settings_.limits.per_address) return false;
  log_limited(Priority::notice, text_of(address) + ": too many connections at once");
  ++reporter_.counts.dropped;
  return true;
}

void RouterLoop::count(Stranger& stranger) {
  addresses_.add(stranger.address);
  stranger.counted = true;
}

// Out of descriptors, the kernel would report the same connection for ever: the reserve lets one be
// accepted and closed, and the oldest stranger makes room.
void RouterLoop::shed_one(std::uint16_t listener) {
  log_limited(Priority::error, "accept: out of file descriptors");
  reserve_.reset();
  UniqueFd(::accept4(listeners_[listener].get(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
  evict_oldest();
  reserve_.reset(::dup(epoll_.get()));
}

Stranger* RouterLoop::take_stranger() {
  if (held_ >= settings_.limits.connections) evict_oldest();
  if (held_ >= settings_.limits.connections) return nullptr;
  if (unused_.empty()) {
    unused_.push_back(static_cast<std::uint32_t>(pool_.size()));
    pool_.push_back(std::make_unique<Stranger>(unused_.back()));
  }
  Stranger* stranger = pool_[unused_.back()].get();
  unused_.pop_back();
  ++held_;
  stranger->state = Stranger::State::peeking;
  stranger->peeked = 0;
  stranger->by_default = stranger->head_request = stranger->watched = stranger->counted = false;
  stranger->over_tls = stranger->http2 = false;
  stranger->parser.reset();
  stranger->hello_parser.reset();
  return stranger;
}

// Refused ones first, which have had their answer; then who has been nameless for longest; then who
// has waited for longest, most likely for a site that is stuck.
void RouterLoop::evict_oldest() {
  Stranger* oldest = refused_.oldest();
  if (oldest == nullptr) oldest = peeking_.oldest();
  if (oldest == nullptr) oldest = waiting_.oldest();
  if (oldest == nullptr) return;
  log_limited(Priority::warning, text_of(oldest->address) + ": evicted, too many connections");
  ++reporter_.counts.dropped;
  if (oldest->state == Stranger::State::waiting) {
    SiteQueue& site = queue_of(oldest->site);
    site.remove(*oldest);
    reporter_.note_length(site);
  }
  release(*oldest);
}

void RouterLoop::release(Stranger& stranger) {
  if (stranger.counted) addresses_.remove(stranger.address);
  stranger.deadline.unlink();
  unwatch(stranger);
  stranger.fd.reset();
  stranger.state = Stranger::State::unused;
  stranger.generation = (stranger.generation + 1) & Token::generation_mask;
  unused_.push_back(stranger.index);
  --held_;
}

// The open file lives on in the worker, so only an explicit removal ends epoll's interest. The
// worker waits for a single byte again.
void RouterLoop::unwatch(Stranger& stranger) {
  if (!stranger.watched) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, stranger.fd.get(), nullptr);
  set_low_water_mark(stranger.fd.borrow(), 1);
  stranger.watched = false;
}

void RouterLoop::peek(Stranger& stranger) {
  const ssize_t got =
      ::recv(stranger.fd.get(), peek_buffer_.data(), peek_buffer_.size(), MSG_PEEK | MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    wait_for_more(stranger, stranger.peeked + 1);
    return;
  }
  if (got <= 0) {
    release(stranger);
    return;
  }
  const std::string_view bytes(peek_buffer_.data(), static_cast<std::size_t>(got));
  // Readable below its low-water mark: the client has closed its side.
  const bool nothing_new = bytes.size() <= stranger.peeked;
  stranger.peeked = static_cast<std::uint32_t>(bytes.size());
  if (stranger.header_due) {
    read_proxy_header(stranger, bytes, nothing_new);
  } else if (stranger.encrypted) {
    read_hello(stranger, bytes, nothing_new);
  } else {
    read_head(stranger, bytes, nothing_new);
  }
}

void RouterLoop::read_head(Stranger& stranger, std::string_view bytes, bool nothing_new) {
  if (table_.takes_http2(stranger.listener)) {
    if (bytes.starts_with(http2::client_preface)) {
      stranger.http2 = true;
      on_name(stranger, std::nullopt);  // which is compressed, and for the worker to read
      return;
    }
    if (http2::client_preface.starts_with(bytes) && !nothing_new) {
      wait_for_more(stranger, http2::client_preface.size());
      return;
    }
  }
  const http1::HeadParser::State state = stranger.parser.parse(bytes);
  const http1::RequestHead head = stranger.parser.head(bytes);
  stranger.head_request = head.method == http1::Method::head;
  switch (state) {
    case http1::HeadParser::State::incomplete:
      if (nothing_new) {
        refuse(stranger, 400, "the head ends early");
      } else {
        wait_for_more(stranger, bytes.size() + 1);
      }
      break;
    case http1::HeadParser::State::rejected:
      refuse(stranger, http1::status_of(stranger.parser.reason()),
             proxy_protocol::begins_like_header(bytes)
                 ? "a PROXY header from an address that \"proxy_protocol\" does not list"
                 : http1::text_of(stranger.parser.reason()));
      break;
    case http1::HeadParser::State::complete:
      on_name(stranger, head.host);
      break;
  }
}

// The proxy is not told what is wrong: no client of its has asked for anything yet.
void RouterLoop::read_proxy_header(Stranger& stranger, std::string_view bytes, bool nothing_new) {
  using proxy_protocol::Reading;
  const Reading reading = proxy_protocol::read_header(bytes);
  if (reading.state == Reading::State::complete) {
    take_proxy_header(stranger, reading.header);
  } else if (reading.state == Reading::State::incomplete && !nothing_new) {
    wait_for_more(stranger, reading.at_least);
  } else {
    const std::string_view problem = reading.state == Reading::State::incomplete
                                         ? "the PROXY header ends early"
                                         : proxy_protocol::text_of(reading.reason);
    log_limited(Priority::warning,
                "proxy " + text_of(stranger.address) + ": closed: " + std::string(problem));
    release(stranger);
  }
}

// The one thing that a router ever consumes: what follows is the client's, from its first byte on.
void RouterLoop::take_proxy_header(Stranger& stranger, const proxy_protocol::Header& header) {
  // tcp(7): with MSG_TRUNC the bytes are dropped without being copied.
  const ssize_t taken =
      ::recv(stranger.fd.get(), peek_buffer_.data(), header.length, MSG_TRUNC | MSG_DONTWAIT);
  if (taken != static_cast<ssize_t>(header.length)) {
    release(stranger);
    return;
  }
  stranger.header_due = false;
  stranger.over_tls = header.over_tls;
  stranger.peeked = 0;
  if (header.source) {
    stranger.address = header.source->address;
    stranger.port = header.source->port;
    if (is_crowded(stranger.address)) {
      release(stranger);
      return;
    }
    count(stranger);
  }
  peek(stranger);
}

void RouterLoop::read_hello(Stranger& stranger, std::string_view bytes, bool nothing_new) {
  tls::ClientHello hello;
  switch (stranger.hello_parser.parse(bytes, hello)) {
    case tls::ClientHelloParser::State::incomplete:
      if (nothing_new) {
        refuse(stranger, tls::Alert::decode_error, "the ClientHello ends early");
      } else {
        wait_for_more(stranger, stranger.hello_parser.needed());
      }
      break;
    case tls::ClientHelloParser::State::plain_text:
      // Whoever wrote it can read an answer of the same kind, and no alert.
      stranger.encrypted = false;
      refuse(stranger, 400, "not TLS, on an address that speaks TLS");
      break;
    case tls::ClientHelloParser::State::rejected:
      refuse(stranger, stranger.hello_parser.alert(), stranger.hello_parser.reason());
      break;
    case tls::ClientHelloParser::State::complete:
      on_name(stranger, hello.server_name);
      break;
  }
}

// What has been peeked at stays readable, so epoll is to wait for more than that.
void RouterLoop::wait_for_more(Stranger& stranger, std::size_t bytes) {
  set_low_water_mark(stranger.fd.borrow(), bytes);
  if (stranger.watched) return;
  stranger.watched = watch(stranger.fd.borrow(), token_of(stranger), EPOLLIN | EPOLLRDHUP);
  if (!stranger.watched) release(stranger);
}

void RouterLoop::on_name(Stranger& stranger, const std::optional<HostName>& host) {
  const auto route = table_.route(host, stranger.listener);
  if (route) {
    stranger.site = route->site;
    stranger.by_default = route->by_default;
    enqueue(stranger);
  } else if (host) {
    refuse(stranger, 421, "no site is named " + std::string(host->view()));
  } else {
    refuse(stranger, 400, "no host is named, and the listener has no default site");
  }
}

}  // namespace perchild
