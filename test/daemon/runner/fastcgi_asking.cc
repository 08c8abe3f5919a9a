#include "test/daemon/runner/fastcgi_asking.h"

#include <sys/socket.h>

namespace perchild::test {

void send_request(const AskingWorker::Answer& answer, const std::string& script) {
  const auto record = [](int type, const std::string& content) {
    const auto length = static_cast<unsigned>(content.size());
    std::string header{'\1', static_cast<char>(type), '\0', '\1'};
    header += static_cast<char>(length >> 8);
    header += static_cast<char>(length & 0xff);
    return header + std::string(2, '\0') + content;
  };
  const auto pair = [](const std::string& name, const std::string& value) {
    return std::string{static_cast<char>(name.size()), static_cast<char>(value.size())} + name +
           value;
  };
  const std::string begin{'\0', '\1', '\1', '\0', '\0', '\0', '\0', '\0'};  // keep the connection
  const std::string request =
      record(1, begin) +
      record(4, pair("SCRIPT_FILENAME", script) + pair("REQUEST_METHOD", "GET") +
                    pair("REDIRECT_STATUS", "200")) +
      record(4, "") + record(5, "");
  ::send(answer.connection.get(), request.data(), request.size(), MSG_NOSIGNAL);
}

std::string fastcgi(const AskingWorker::Answer& answer, const std::string& script) {
  send_request(answer, script);
  std::string all;
  const std::int64_t end = now_ms() + 10'000;
  char part[4096];
  while (now_ms() < end && all.find(std::string{'\1', '\3', '\0', '\1'}) == std::string::npos) {
    const ssize_t got = ::recv(answer.connection.get(), part, sizeof part, 0);
    if (got > 0) all.append(part, static_cast<std::size_t>(got));
    if (got == 0) break;
    if (got < 0) pause_briefly();
  }
  return all;
}

}  // namespace perchild::test
