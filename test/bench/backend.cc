// A backend that answers at once: a proxy that has to wait for one is not busy, and pays for going
// to sleep and waking up.
//
//     backend ADDRESS PORT BYTES
//
// One thread, HTTP/1.1, connections that are kept. Any request without a body is answered 200 with
// a head such as nginx has for a file, and so many bytes.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view end_of_head = "\r\n\r\n";

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

std::string answer_of(const std::string& bytes) {
  return "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Fri, 27 Nov 2026 12:00:00 GMT\r\n"
         "Content-Type: text/html\r\nContent-Length: " +
         std::to_string(bytes.size()) +
         "\r\nLast-Modified: Fri, 27 Nov 2026 12:00:00 GMT\r\nConnection: keep-alive\r\n"
         "ETag: \"69284c71-264\"\r\nAccept-Ranges: bytes\r\n\r\n" +
         bytes;
}

std::string body_of(std::size_t size) {
  std::string body;
  while (body.size() < size) body += "perchild ";
  body.resize(size);
  return body;
}

int listener_at(const char* ip, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = ::htons(port);
  if (::inet_pton(AF_INET, ip, &address.sin_addr) != 1) give_up("not an address");
  if (::bind(fd, reinterpret_cast<::sockaddr*>(&address), sizeof address) != 0) give_up("bind");
  if (::listen(fd, SOMAXCONN) != 0) give_up("listen");
  return fd;
}

// False if the client has gone. What it sends is a few hundred bytes, which come at once.
bool serve(int fd, std::string_view answer) {
  std::array<char, 16 * 1024> input;
  const ssize_t got = ::recv(fd, input.data(), input.size(), 0);
  if (got < 0) return errno == EAGAIN;
  if (got == 0) return false;
  const std::string_view head(input.data(), static_cast<std::size_t>(got));
  if (!head.ends_with(end_of_head)) give_up("a request that does not come at once");
  return ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(answer.size());
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return 2;
  const int listener =
      listener_at(arguments[1], static_cast<std::uint16_t>(std::atoi(arguments[2])));
  const std::string answer = answer_of(body_of(std::strtoul(arguments[3], nullptr, 10)));
  const int epoll = ::epoll_create1(0);
  const auto watch = [epoll](int fd) {
    ::epoll_event event{EPOLLIN, {.fd = fd}};
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) give_up("epoll_ctl");
  };
  watch(listener);
  std::array<::epoll_event, 64> events;
  for (;;) {
    const int ready = ::epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd != listener) {
        if (!serve(fd, answer)) ::close(fd);
        continue;
      }
      const int client = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
      if (client >= 0) watch(client);
    }
  }
}
