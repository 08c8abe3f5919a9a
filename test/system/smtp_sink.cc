#include "test/system/smtp_sink.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <stdexcept>
#include <string_view>

#include "test/support/server.h"

namespace perchild::test {
namespace {

void say(BorrowedFd client, std::string_view line) {
  const std::string text = std::string(line) + "\r\n";
  static_cast<void>(::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL));
}

// "MAIL FROM:<a@b> SIZE=1": a@b.
std::string address_in(const std::string& line) {
  const std::size_t begin = line.find('<') + 1;
  return line.substr(begin, line.find('>') - begin);
}

class Lines {
 public:
  explicit Lines(BorrowedFd client) : client_(client) {}
  // Without its end.
  std::optional<std::string> next() {
    std::size_t end;
    while ((end = pending_.find("\r\n")) == std::string::npos) {
      char bytes[4096];
      const ssize_t got = ::recv(client_.get(), bytes, sizeof bytes, 0);
      if (got <= 0) return std::nullopt;
      pending_.append(bytes, static_cast<std::size_t>(got));
    }
    std::string line = pending_.substr(0, end);
    pending_.erase(0, end + 2);
    return line;
  }

 private:
  BorrowedFd client_;
  std::string pending_;
};

}  // namespace

SmtpSink::SmtpSink(bool refuses)
    : refuses_(refuses),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<::sockaddr*>(&address);
  ::socklen_t length = sizeof address;
  if (::bind(listener_.get(), generic, length) != 0 || ::listen(listener_.get(), 8) != 0) {
    throw std::runtime_error("listen");
  }
  ::getsockname(listener_.get(), generic, &length);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

SmtpSink::~SmtpSink() {
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

void SmtpSink::run() {
  for (;;) {
    ::pollfd polled[2] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    ::poll(polled, 2, -1);
    if (polled[1].revents != 0) return;
    const UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const ::timeval patience{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(client.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    serve(client.borrow());
  }
}

void SmtpSink::serve(BorrowedFd client) {
  Lines lines(client);
  ReceivedMail one;
  say(client, "220 sink.example ESMTP");
  while (const auto line = lines.next()) {
    if (line->starts_with("MAIL FROM:")) {
      one = {address_in(*line), {}, {}};
      say(client, refuses_ ? "550 not from you" : "250 ok");
    } else if (line->starts_with("RCPT TO:")) {
      one.recipients.push_back(address_in(*line));
      say(client, "250 ok");
    } else if (*line == "DATA") {
      say(client, "354 go on");
      std::optional<std::string> text;
      while ((text = lines.next()) && *text != ".") {
        one.text += text->starts_with('.') ? text->substr(1) + "\n" : *text + "\n";
      }
      {
        const std::lock_guard lock(mutex_);
        mail_.push_back(one);
      }
      say(client, "250 ok");
    } else if (*line == "QUIT") {
      return say(client, "221 bye");
    } else {
      say(client, "250 ok");
    }
  }
}

std::vector<ReceivedMail> SmtpSink::mail() {
  const std::lock_guard lock(mutex_);
  return mail_;
}

ReceivedMail SmtpSink::wait_for(std::size_t number) {
  eventually([&] { return mail().size() >= number; });
  const auto all = mail();
  return all.size() >= number ? all[number - 1] : ReceivedMail{};
}

}  // namespace perchild::test
