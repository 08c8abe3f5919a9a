#include "test/system/applications/chromium.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "test/support/command.h"
#include "test/support/server.h"

namespace perchild::test {
namespace {

using nlohmann::json;

constexpr int patience_ms = 60'000;
constexpr int first_error_status = 400;
// Where --remote-debugging-pipe reads commands, and writes what comes of them.
constexpr int commands_fd = 3;
constexpr int answers_fd = 4;

[[noreturn]] void become_chromium(int commands, int answers, const std::string& folder,
                                  const std::string& host) {
  // Its processes are ended together.
  ::setpgid(0, 0);
  // Neither is to lie where the other is to go.
  const int high_commands = ::fcntl(commands, F_DUPFD_CLOEXEC, answers_fd + 1);
  const int high_answers = ::fcntl(answers, F_DUPFD_CLOEXEC, answers_fd + 1);
  ::dup2(high_commands, commands_fd);
  ::dup2(high_answers, answers_fd);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
  ::setenv("HOME", folder.c_str(), 1);
  const std::string profile = "--user-data-dir=" + folder + "/profile";
  const std::string names = "--host-resolver-rules=MAP " + host + " 127.0.0.1, MAP * ~NOTFOUND";
  ::execlp("chromium", "chromium", "--headless", "--no-sandbox", "--disable-gpu",
           "--disable-dev-shm-usage", "--window-size=1280,900", "--remote-debugging-pipe",
           profile.c_str(), names.c_str(), nullptr);
  ::_exit(127);
}

struct Pipe {
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    read = UniqueFd(ends[0]);
    write = UniqueFd(ends[1]);
  }
  UniqueFd read, write;
};

}  // namespace

Chromium::Chromium(const std::string& host) : host_(host) {
  Pipe commands;
  Pipe answers;
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) {
    become_chromium(commands.read.get(), answers.write.get(), folder_.path(), host);
  }
  to_ = std::move(commands.write);
  from_ = std::move(answers.read);
  const json target = call("Target.createTarget", {{"url", "about:blank"}});
  session_ = call("Target.attachToTarget", {{"targetId", target.at("targetId")}, {"flatten", true}})
                 .at("sessionId");
  for (const char* domain : {"Page", "Network", "Runtime"}) {
    call(domain + std::string(".enable"), json::object());
  }
}

Chromium::~Chromium() {
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);  // before it leads its group
  ::waitpid(pid_, nullptr, 0);
}

// Messages end in a NUL.
json Chromium::receive() {
  for (;;) {
    const std::size_t end = received_.find('\0');
    if (end != std::string::npos) {
      json message = json::parse(received_.substr(0, end));
      received_.erase(0, end + 1);
      return message;
    }
    ::pollfd polled{from_.get(), POLLIN, 0};
    char bytes[65536];
    const ssize_t got =
        ::poll(&polled, 1, patience_ms) == 1 ? ::read(from_.get(), bytes, sizeof bytes) : 0;
    if (got <= 0) throw std::runtime_error("chromium says nothing");
    received_.append(bytes, static_cast<std::size_t>(got));
  }
}

json Chromium::call(const std::string& method, const json& parameters) {
  json message{{"id", ++last_call_}, {"method", method}, {"params", parameters}};
  if (!session_.empty()) message["sessionId"] = session_;
  const std::string text = message.dump() + '\0';
  if (::write(to_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error("chromium takes no commands");
  }
  for (;;) {
    const json answer = receive();
    // A page that is left takes what was asked of it along.
    if (answer.value("id", 0) == last_call_) return answer.value("result", json::object());
    if (answer.contains("method")) on_event(answer);
  }
}

bool Chromium::is_of_host(const std::string& url) const {
  const std::string start = "http://" + host_;
  return url.starts_with(start + ":") || url.starts_with(start + "/");
}

void Chromium::add_problem(const std::string& problem) {
  problems_ += problem + "\n";
}

void Chromium::on_event(const json& event) {
  const std::string method = event.at("method");
  const json& what = event.at("params");
  const auto answered = [this](const json& response) {
    if (!is_of_host(response.at("url"))) return;
    ++answers_;
    const int status = response.at("status");
    if (status < first_error_status) return;
    add_problem(std::to_string(status) + " " + std::string(response.at("url")));
  };
  if (method == "Page.loadEventFired") {
    is_loaded_ = true;
  } else if (method == "Page.frameNavigated" && !what.at("frame").contains("parentId")) {
    // Nobody says what becomes of what the page before had asked for.
    std::erase_if(on_their_way_, [&](const std::string& request) {
      return request != what.at("frame").at("loaderId");
    });
  } else if (method == "Network.requestWillBeSent") {
    if (what.contains("redirectResponse")) answered(what.at("redirectResponse"));
    if (is_of_host(what.at("request").at("url"))) on_their_way_.insert(what.at("requestId"));
  } else if (method == "Network.responseReceived") {
    answered(what.at("response"));
  } else if (method == "Network.loadingFinished") {
    on_their_way_.erase(what.at("requestId"));
  } else if (method == "Network.loadingFailed") {
    const bool was_wanted = on_their_way_.erase(what.at("requestId")) != 0;
    // Who leaves a page does not wait for the rest of it.
    if (was_wanted && !what.value("canceled", false)) add_problem(what.at("errorText"));
  } else if (method == "Runtime.exceptionThrown") {
    add_problem(what.dump());
  }
}

void Chromium::open(const std::string& url) {
  is_loaded_ = false;
  call("Page.navigate", {{"url", url}});
  while (!is_loaded_) {
    const json message = receive();
    if (message.contains("method")) on_event(message);
  }
}

json Chromium::evaluate(const std::string& expression) {
  const json answer =
      call("Runtime.evaluate",
           {{"expression", expression}, {"awaitPromise", true}, {"returnByValue", true}});
  if (answer.contains("exceptionDetails")) return nullptr;
  return answer.value("result", json::object()).value("value", json());
}

bool Chromium::shows(const std::string& expression) {
  return eventually([&] { return evaluate(expression) == true && on_their_way_.empty(); },
                    patience_ms);
}

void Chromium::keep_screenshot(const std::string& name) {
  const char* const folder = std::getenv("PERCHILD_SCREENSHOTS");
  if (folder == nullptr) return;
  const std::string encoded = folder_.path() + "/screenshot";
  write_file(encoded, call("Page.captureScreenshot", json::object()).at("data"));
  run_command(
      {"sh", "-c", R"(base64 -d <"$0" >"$1")", encoded, folder + std::string("/") + name + ".png"});
}

}  // namespace perchild::test
