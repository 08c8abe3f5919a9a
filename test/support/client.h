// A client that says exactly what it is told to, byte by byte.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "privsep/unique_fd.h"

namespace perchild::test {

struct HttpResponse {
  int status = 0;                             // 0: none came
  std::map<std::string, std::string> fields;  // names in lower case
  std::string head;
  std::string body;
};

class Client {
 public:
  // `source`: the address to come from, an IPv4 one, if another than the kernel's choice.
  explicit Client(std::uint16_t port, const std::string& address = "127.0.0.1",
                  const std::string& source = {});

  void send(std::string_view bytes);
  void close_sending();

  // One response, its body by Content-Length (`head_only`: none). status 0 if the connection ends
  // before, or after `deadline_ms`.
  HttpResponse receive(bool head_only = false, int deadline_ms = 10'000);
  // All until the server closes; nullopt if it does not within the deadline.
  std::optional<std::string> receive_to_end(int deadline_ms = 10'000);
  // The next bytes, whatever they are; "" at the end or after the deadline.
  std::string receive_some(int deadline_ms = 10'000);
  // Whether the server closes the connection within the deadline without sending anything more.
  bool closed_by_server(int deadline_ms = 10'000);

  BorrowedFd fd() const { return socket_.borrow(); }

 private:
  bool fill(int deadline_ms);  // false at the end, or the deadline
  UniqueFd socket_;
  std::string pending_;
  bool ended_ = false;
};

// GET on a connection of its own.
HttpResponse get(std::uint16_t port, const std::string& host, const std::string& target = "/");

}  // namespace perchild::test
