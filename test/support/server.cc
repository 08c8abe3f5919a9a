#include "test/support/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace perchild::test {
namespace {

constexpr int start_deadline_ms = 30'000;

::uid_t uid_of(std::size_t site) {
  return uid_a + static_cast<::uid_t>(site);
}

std::string listeners_of(const ServerSpec& spec, std::uint16_t port) {
  const std::string number = std::to_string(port);
  if (spec.listen.empty()) {
    std::string listen = R"([{ "address": "127.0.0.1:)" + number + '"';
    if (!spec.default_host.empty()) listen += R"(, "default": ")" + spec.default_host + '"';
    return listen + " }]";
  }
  std::string listen = spec.listen;
  constexpr std::string_view placeholder = "PORT";
  for (std::size_t at = 0; (at = listen.find(placeholder, at)) != std::string::npos;) {
    listen.replace(at, placeholder.size(), number);
  }
  return listen;
}

std::string configuration_of(const ServerSpec& spec, const std::string& directory,
                             std::uint16_t port) {
  std::ostringstream json;
  json << "{ \"listen\": " << listeners_of(spec, port) << ",\n  \"id_range\": [20000, 20999],\n"
       << "  \"service_ids\": { \"master\": { \"uid\": " << master_uid
       << ", \"gid\": " << master_uid << " }, \"router\": { \"uid\": " << router_uid
       << ", \"gid\": " << router_uid << " }, \"keeper\": { \"uid\": " << keeper_uid
       << ", \"gid\": " << keeper_uid << " }, \"spare\": { \"uid\": " << spare_uid
       << ", \"gid\": " << spare_uid << " } },\n"
       << "  \"runtime_dir\": \"" << directory << "/run\", \"log_dir\": \"" << directory
       << "/log\",\n";
  if (spec.more.find("\"router\"") == std::string::npos) {
    json << "  \"router\": { \"processes\": " << spec.routers << " },\n";
  }
  if (spec.more.find("\"child_groups\"") == std::string::npos) {
    json << "  \"child_groups\": { \"spares\": 0 },\n";
  }
  json << "  \"vhosts\": [";
  for (std::size_t i = 0; i < spec.sites.size(); ++i) {
    json << (i > 0 ? "," : "") << "\n    { \"hosts\": [\"" << spec.sites[i].host << "\"";
    for (const std::string& host : spec.sites[i].other_hosts) json << ", \"" << host << "\"";
    json << "], \"uid\": " << uid_of(i) << ", \"gid\": " << uid_of(i) << ", \"root\": \""
         << directory << "/site" << i << spec.sites[i].root_below << "\"" << spec.sites[i].more
         << " }";
  }
  json << "\n  ]" << spec.more << " }\n";
  return json.str();
}

std::string field_of_status(::pid_t pid, const std::string& name) {
  std::istringstream status(read_file("/proc/" + std::to_string(pid) + "/status"));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
  }
  return {};
}

ProcessFacts facts_of(::pid_t pid) {
  const std::string uid = field_of_status(pid, "Uid");
  return {pid, uid.empty() ? 0 : static_cast<::uid_t>(std::stoul(uid)),
          field_of_status(pid, "Name")};
}

}  // namespace

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void pause_briefly() {
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

std::string bin_directory() {
  const char* other = std::getenv("PERCHILD_BIN_DIRECTORY");
  return other != nullptr ? other : PERCHILD_BIN_DIRECTORY;
}

namespace {

// Binds to a port, or with 0 to one of the kernel's choice, and says which. 0: it is taken.
std::uint16_t bound_for_a_moment(std::uint16_t port) {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::socklen_t length = sizeof address;
  if (::bind(socket.get(), reinterpret_cast<::sockaddr*>(&address), length) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<::sockaddr*>(&address), &length) != 0) {
    return 0;
  }
  return ntohs(address.sin_port);
}

// For as long as this process runs: no other test gets the port between its being found free and
// being bound to. Names of such sockets are the machine's, as ports are.
bool claim_port(std::uint16_t port) {
  static std::vector<UniqueFd> claims;
  UniqueFd claim(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ::sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "perchild-test-port-" + std::to_string(port);
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  if (::bind(claim.get(), reinterpret_cast<::sockaddr*>(&address), sizeof address) != 0) {
    return false;
  }
  claims.push_back(std::move(claim));
  return true;
}

}  // namespace

std::uint16_t free_port() {
  constexpr unsigned first = 10'240;
  constexpr unsigned last = 32'767;  // the kernel's own begin here, unless it is told otherwise
  constexpr int tries = 100;
  std::random_device random;
  std::uniform_int_distribution<unsigned> any(first, last);
  for (int i = 0; i < tries; ++i) {
    const std::uint16_t port = bound_for_a_moment(static_cast<std::uint16_t>(any(random)));
    if (port != 0 && claim_port(port)) return port;
  }
  throw std::runtime_error("no free port");
}

std::uint16_t free_port_of_the_kernels() {
  const std::uint16_t port = bound_for_a_moment(0);
  if (port == 0) throw std::runtime_error("no free port");
  return port;
}

Server::Server(const ServerSpec& spec) : directory_(spec.parent), spec_(spec), port_(free_port()) {
  for (std::size_t i = 0; i < spec.sites.size(); ++i) {
    std::filesystem::create_directory(docroot(i));
    ::chmod(docroot(i).c_str(), 0700);
    if (::chown(docroot(i).c_str(), uid_of(i), uid_of(i)) != 0) throw std::runtime_error("chown");
    for (const auto& [name, contents] : spec.sites[i].files) add_file(i, name, contents);
  }
  write_file(configuration(), configuration_of(spec, directory_.path(), port_));
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  log_pipe_ = UniqueFd(pipe_ends[0]);
  UniqueFd log_end(pipe_ends[1]);
  master_ = ::fork();
  if (master_ == 0) {
    ::dup2(log_end.get(), STDERR_FILENO);
    ::unsetenv("JOURNAL_STREAM");
    ::unsetenv("NOTIFY_SOCKET");
    for (const auto& [name, value] : spec.environment) ::setenv(name.c_str(), value.c_str(), 1);
    if (spec.before_exec) spec.before_exec(directory_.path());
    const std::string command = (spec.bin.empty() ? bin_directory() : spec.bin) + "/perchild";
    ::execl(command.c_str(), "perchild", "serve", "--config", configuration().c_str(), nullptr);
    ::_exit(127);
  }
  pidfd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, master_, 0)));
  log_end.reset();
  if (!wait_for_log("perchild: ready", start_deadline_ms)) {
    stop();
    throw std::runtime_error("the server does not start: " + log_);
  }
}

Server::~Server() {
  if (!stop()) {
    signal(SIGKILL);
    ::waitpid(master_, nullptr, 0);
  }
}

std::string Server::docroot(std::size_t site) const {
  return directory_.path() + "/site" + std::to_string(site);
}

void Server::add_file(std::size_t site, const std::string& name, const std::string& contents,
                      unsigned mode) {
  const std::filesystem::path path = docroot(site) + "/" + name;
  for (std::filesystem::path folder = path.parent_path(); folder != docroot(site);
       folder = folder.parent_path()) {
    if (std::filesystem::exists(folder)) break;
    std::filesystem::create_directories(folder);
  }
  // Complete whenever it is there: a worker may read it at any moment.
  const std::filesystem::path unfinished = path.string() + ".unfinished";
  write_file(unfinished, contents, mode);
  for (std::filesystem::path at = unfinished; at != docroot(site); at = at.parent_path()) {
    if (::chown(at.c_str(), uid_of(site), uid_of(site)) != 0) throw std::runtime_error("chown");
    if (at != unfinished) ::chmod(at.c_str(), 0700);
  }
  std::filesystem::rename(unfinished, path);
}

std::string Server::access_log(std::size_t site) const {
  return read_file(log_directory() + "/" + spec_.sites[site].host + ".access.log");
}

std::string Server::error_log(std::size_t site) const {
  return read_file(log_directory() + "/" + spec_.sites[site].host + ".error.log");
}

std::vector<ProcessFacts> Server::processes() const {
  std::vector<ProcessFacts> all{facts_of(master_)};
  const std::string pid = std::to_string(master_);
  std::istringstream children(read_file("/proc/" + pid + "/task/" + pid + "/children"));
  for (::pid_t child; children >> child;) all.push_back(facts_of(child));
  return all;
}

std::vector<ProcessFacts> Server::children(const std::string& name) const {
  std::vector<ProcessFacts> all = processes();
  std::erase_if(all, [&](const ProcessFacts& process) { return process.name != name; });
  return all;
}

std::vector<ProcessFacts> Server::routers() const {
  return children("perchild-router");
}

std::vector<ProcessFacts> Server::keepers() const {
  return children("perchild-keeper");
}

std::vector<ProcessFacts> Server::workers_of(std::size_t site) const {
  std::vector<ProcessFacts> all = children("perchild-worker");
  std::erase_if(all, [&](const ProcessFacts& process) { return process.uid != uid_of(site); });
  return all;
}

std::vector<ProcessFacts> Server::checkers_of(std::size_t site) const {
  std::vector<ProcessFacts> all = children("perchild-checke");
  std::erase_if(all, [&](const ProcessFacts& process) { return process.uid != uid_of(site); });
  return all;
}

std::vector<ProcessFacts> Server::runners_of(std::size_t site) const {
  std::vector<ProcessFacts> all = children("perchild-runner");
  std::erase_if(all, [&](const ProcessFacts& process) { return process.uid != uid_of(site); });
  return all;
}

std::vector<ProcessFacts> Server::spares() const {
  return children("perchild-spare");
}

bool Server::read_log(int deadline_ms) {
  ::pollfd polled{log_pipe_.get(), POLLIN, 0};
  if (::poll(&polled, 1, deadline_ms) != 1) return true;
  char buffer[65536];
  const ssize_t got = ::read(log_pipe_.get(), buffer, sizeof buffer);
  if (got > 0) log_.append(buffer, static_cast<std::size_t>(got));
  return got != 0;
}

std::string Server::log() {
  for (std::size_t before = log_.size() + 1; before != log_.size();) {
    before = log_.size();
    read_log(0);
  }
  return log_;
}

bool Server::wait_for_log(const std::string& text, int deadline_ms) {
  const std::int64_t end = now_ms() + deadline_ms;
  while (log_.find(text) == std::string::npos) {
    if (now_ms() >= end || !read_log(50)) return false;
  }
  return true;
}

void Server::signal(int number) {
  ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

std::optional<int> Server::stop(int deadline_ms) {
  if (!status_) signal(SIGTERM);
  return wait_until_ended(deadline_ms);
}

std::optional<int> Server::wait_until_ended(int deadline_ms) {
  if (status_) return status_;
  int status = 0;
  const bool ended = eventually(
      [&] {
        log();  // a full pipe would keep it from ending
        return ::waitpid(master_, &status, WNOHANG) == master_;
      },
      deadline_ms);
  if (!ended) return std::nullopt;
  log();
  status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return status_;
}

}  // namespace perchild::test
