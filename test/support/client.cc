#include "test/support/client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace perchild::test {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

void parse_fields(HttpResponse& response) {
  std::size_t line = response.head.find("\r\n") + 2;
  while (line < response.head.size()) {
    const std::size_t end = response.head.find("\r\n", line);
    const std::size_t colon = response.head.find(": ", line);
    if (end == line || colon == std::string::npos || colon > end) break;
    response.fields[lower(response.head.substr(line, colon - line))] =
        response.head.substr(colon + 2, end - colon - 2);
    line = end + 2;
  }
}

}  // namespace

Client::Client(std::uint16_t port, const std::string& address, const std::string& source) {
  const bool v6 = address.find(':') != std::string::npos;
  socket_ = UniqueFd(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::sockaddr_storage storage{};
  ::socklen_t length;
  if (v6) {
    ::sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(port);
    ::inet_pton(AF_INET6, address.c_str(), &to.sin6_addr);
    std::memcpy(&storage, &to, length = sizeof to);
  } else {
    ::sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    ::inet_pton(AF_INET, address.c_str(), &to.sin_addr);
    std::memcpy(&storage, &to, length = sizeof to);
  }
  ::sockaddr_in from{};
  from.sin_family = AF_INET;
  if (!source.empty() &&
      (::inet_pton(AF_INET, source.c_str(), &from.sin_addr) != 1 ||
       ::bind(socket_.get(), reinterpret_cast<::sockaddr*>(&from), sizeof from) != 0)) {
    throw std::runtime_error("bind: " + source);
  }
  if (::connect(socket_.get(), reinterpret_cast<::sockaddr*>(&storage), length) != 0) {
    throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
  }
}

void Client::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // the server has closed; what it said is still to be read
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void Client::close_sending() {
  ::shutdown(socket_.get(), SHUT_WR);
}

bool Client::fill(int deadline_ms) {
  ::pollfd polled{socket_.get(), POLLIN, 0};
  if (ended_ || ::poll(&polled, 1, deadline_ms) != 1) return false;
  char buffer[65536];
  const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, 0);
  if (got <= 0) {
    ended_ = true;
    return false;
  }
  pending_.append(buffer, static_cast<std::size_t>(got));
  return true;
}

HttpResponse Client::receive(bool head_only, int deadline_ms) {
  HttpResponse response;
  std::size_t end;
  while ((end = pending_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill(deadline_ms)) return response;
  }
  response.head = pending_.substr(0, end + 4);
  pending_.erase(0, end + 4);
  if (!response.head.starts_with("HTTP/1.1 ")) return response;
  parse_fields(response);
  const auto length = response.fields.find("content-length");
  const std::size_t size =
      head_only || length == response.fields.end() ? 0 : std::stoull(length->second);
  while (pending_.size() < size) {
    if (!fill(deadline_ms)) return response;
  }
  response.body = pending_.substr(0, size);
  pending_.erase(0, size);
  response.status = std::stoi(response.head.substr(9, 3));
  return response;
}

std::optional<std::string> Client::receive_to_end(int deadline_ms) {
  while (fill(deadline_ms)) {
  }
  if (!ended_) return std::nullopt;
  return std::exchange(pending_, {});
}

std::string Client::receive_some(int deadline_ms) {
  if (pending_.empty()) fill(deadline_ms);
  return std::exchange(pending_, {});
}

bool Client::closed_by_server(int deadline_ms) {
  const auto rest = receive_to_end(deadline_ms);
  return rest && rest->empty();
}

HttpResponse get(std::uint16_t port, const std::string& host, const std::string& target) {
  Client client(port);
  client.send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
  return client.receive();
}

}  // namespace perchild::test
