#include "test/hostile/lenient_backend.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace perchild::test {
namespace {

// A name for what it might mean: in lower case, without blanks, "_" for "-".
std::string name_of(const std::string& text) {
  std::string name;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    name += c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return name;
}

struct Framing {
  std::size_t length = 0;
  bool is_chunked = false;
};

// A CR alone ends a line, too.
Framing framing_of(std::string head, bool prefers_length) {
  std::replace(head.begin(), head.end(), '\r', '\n');
  Framing framing;
  bool has_length = false;
  std::istringstream lines(head);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string name = name_of(line.substr(0, colon)), value = line.substr(colon + 1);
    if (name == "content-length") {
      framing.length = std::strtoul(value.c_str(), nullptr, 0);
      has_length = true;
    }
    framing.is_chunked |= name == "transfer-encoding" && value.find("chunked") != std::string::npos;
  }
  if (has_length && prefers_length) framing.is_chunked = false;
  return framing;
}

class Reader {
 public:
  explicit Reader(int fd) : fd_(fd) {}

  // Up to and with the LF; nullopt at the end.
  std::optional<std::string> line() {
    std::size_t end;
    while ((end = bytes_.find('\n')) == std::string::npos) {
      if (!fill()) return std::nullopt;
    }
    std::string text = bytes_.substr(0, end + 1);
    bytes_.erase(0, end + 1);
    return text;
  }
  bool skip(std::size_t count) {
    while (bytes_.size() < count) {
      if (!fill()) return false;
    }
    bytes_.erase(0, count);
    return true;
  }

 private:
  bool fill() {
    char some[4096];
    const ssize_t got = ::read(fd_, some, sizeof some);
    if (got > 0) bytes_.append(some, static_cast<std::size_t>(got));
    return got > 0;
  }
  int fd_;
  std::string bytes_;
};

bool is_empty(const std::string& line) {
  return line == "\n" || line == "\r\n";
}

std::optional<std::string> read_head(Reader& reader) {
  std::string head;
  while (const auto line = reader.line()) {
    if (is_empty(*line) && !head.empty()) return head;
    if (!is_empty(*line)) head += *line;
  }
  return std::nullopt;
}

bool skip_chunks(Reader& reader) {
  for (;;) {
    const auto size_line = reader.line();
    if (!size_line) return false;
    const std::size_t size = std::strtoul(size_line->c_str(), nullptr, 16);
    if (size != 0 && (!reader.skip(size) || !reader.line())) return false;
    if (size != 0) continue;
    for (auto line = reader.line(); line; line = reader.line()) {
      if (is_empty(*line)) return true;
    }
    return false;
  }
}

}  // namespace

LenientBackend::LenientBackend(Prefers prefers)
    : prefers_(prefers), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<::sockaddr*>(&address);
  ::socklen_t length = sizeof address;
  if (::bind(listener_.get(), generic, length) != 0 || ::listen(listener_.get(), 64) != 0 ||
      ::getsockname(listener_.get(), generic, &length) != 0) {
    throw std::runtime_error("listen");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { run(); });
}

LenientBackend::~LenientBackend() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
    ::shutdown(listener_.get(), SHUT_RDWR);
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  acceptor_.join();
  for (std::thread& server : servers_) server.join();
}

std::string LenientBackend::settings() const {
  return R"(, "proxy": {"to": "http://127.0.0.1:)" + std::to_string(port_) + R"("})";
}

std::vector<std::string> LenientBackend::heads() const {
  const std::lock_guard lock(mutex_);
  return heads_;
}

bool LenientBackend::was_asked_for(const std::string& path) const {
  const std::vector<std::string> all = heads();
  return std::any_of(all.begin(), all.end(), [&](const std::string& head) {
    return head.substr(head.find(' ') + 1).starts_with(path + " ");
  });
}

std::size_t LenientBackend::shared_connections() const {
  const std::lock_guard lock(mutex_);
  return shared_;
}

void LenientBackend::run() {
  for (;;) {
    UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.has_value()) return;
    const std::lock_guard lock(mutex_);
    if (ends_) return;
    open_.push_back(client.get());
    servers_.emplace_back([this, fd = std::move(client)]() mutable { serve(std::move(fd)); });
  }
}

void LenientBackend::serve(UniqueFd client) {
  Reader reader(client.get());
  for (int requests = 1;; ++requests) {
    const auto head = read_head(reader);
    if (!head) break;
    {
      const std::lock_guard lock(mutex_);
      heads_.push_back(*head);
      if (requests == 2) ++shared_;
    }
    const Framing framing = framing_of(*head, prefers_ == Prefers::length);
    if (!(framing.is_chunked ? skip_chunks(reader) : reader.skip(framing.length))) break;
    const std::string body = "asked: " + head->substr(0, head->find_first_of("\r\n"));
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
                               "\r\n\r\n" + (head->starts_with("HEAD ") ? "" : body);
    if (::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
  }
  const std::lock_guard lock(mutex_);
  std::erase(open_, client.get());
  client.reset();
}

}  // namespace perchild::test
