#include "daemon/command/upgrade/upgrade.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <ostream>

#include "daemon/command/check/check.h"
#include "daemon/command/check/system_view.h"
#include "daemon/command/control/control_client.h"
#include "daemon/command/serve/serve.h"

namespace perchild {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int exit_refused = 1;
constexpr std::chrono::minutes start_patience{5};

const char* reason_of(TakeOverOutcome outcome) {
  switch (outcome) {
    case TakeOverOutcome::permitted:
      return "";
    case TakeOverOutcome::supervised:
      return "the server was started by a service manager, which has to know the one that serves: "
             "systemctl restart keeps its addresses open too";
    case TakeOverOutcome::busy:
      return "the server is starting or stopping, or somebody else takes over from it";
  }
  return "the server says something else";
}

template <typename... Kinds>
Result<void> ask_for(ControlClient& server, UniqueFd& into, Kinds... kind) {
  auto held = server.ask_held(kind...);
  if (!held) return failure(held.error());
  into = std::move(*held);
  return {};
}

Result<Inheritance> inherit_from(ControlClient& server, const TakeOverAnswer& answer) {
  Inheritance inherited;
  for (const auto& [kind, into] :
       {std::pair(HeldKind::control_socket, &inherited.control),
        std::pair(HeldKind::status_socket, &inherited.status),
        std::pair(HeldKind::log, &inherited.log),
        std::pair(HeldKind::site_cgroups, &inherited.cgroups.directory)}) {
    if (auto asked = ask_for(server, *into, kind); !asked) return failure(asked.error());
  }
  inherited.cgroups.controllers = static_cast<ControllerMask>(answer.cgroup_controllers);
  for (std::uint32_t i = 0; i < answer.listeners; ++i) {
    UniqueFd socket;
    auto asked = ask_for(server, socket, HeldKind::listener, i);
    if (!asked) return failure(asked.error());
    if (socket.has_value()) inherited.listeners.push_back(std::move(socket));
  }
  return inherited;
}

struct Successor {
  ::pid_t pid;
  UniqueFd pidfd;
  UniqueFd notify;  // where it says READY=1
};

// A process that becomes the successor's master, or says on stderr why it cannot.
Result<Successor> start_successor(Configuration& configuration, Inheritance inherited,
                                  const ServerLog& log) {
  // Of a kind that its master tells from a service manager's.
  auto pair = make_channel_pair();
  if (!pair) return failure(pair.error());
  const ::pid_t pid = ::fork();
  if (pid < 0) return failure_from_errno("fork");
  if (pid == 0) {
    pair->first.reset();
    ::setsid();
    inherited.notify = std::move(pair->second);
    log.line(Priority::error, start_service(configuration, std::move(inherited), log).text());
    ::_exit(exit_refused);
  }
  UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.has_value()) {
    const auto error = failure_from_errno("pidfd_open");
    ::kill(pid, SIGKILL);  // not reaped yet, so the number is its own
    return error;
  }
  return Successor{pid, std::move(pidfd), std::move(pair->first)};
}

bool serves(const Successor& successor) {
  const auto until = Clock::now() + start_patience;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    std::array<::pollfd, 2> polled{
        {{successor.notify.get(), POLLIN, 0}, {successor.pidfd.get(), POLLIN, 0}}};
    const int ready =
        left.count() > 0 ? ::poll(polled.data(), polled.size(), static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0 || polled[1].revents != 0) return false;
    std::array<char, 256> state;
    const ssize_t got = ::recv(successor.notify.get(), state.data(), state.size(), MSG_DONTWAIT);
    if (got == 0) return false;
    if (got > 0 && std::string_view(state.data(), static_cast<std::size_t>(got)) == "READY=1") {
      return true;
    }
  }
}

void end(const Successor& successor) {
  ::syscall(SYS_pidfd_send_signal, successor.pidfd.get(), SIGKILL, nullptr, 0);
  while (::waitpid(successor.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// Who is interrupted half-way would leave two services behind.
void block_interruptions() {
  ::sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::sigaddset(&set, signal);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

Result<int> upgrade(Configuration& configuration, std::ostream& out, std::ostream& errors) {
  auto server = ControlClient::connect(configuration.runtime_dir, ControlClient::Versions::any);
  if (!server) return failure(server.error());
  const auto answer = server->take_over();
  if (!answer) return failure(answer.error());
  if (answer->outcome != TakeOverOutcome::permitted) {
    errors << "perchild: " << reason_of(answer->outcome) << "\n";
    return exit_refused;
  }
  auto inherited = inherit_from(*server, *answer);
  if (!inherited) return failure(inherited.error());
  block_interruptions();
  // Its lines go where the server's went, as they are there.
  const ServerLog log("perchild", nullptr);
  const auto successor = start_successor(configuration, std::move(*inherited), log);
  if (!successor) return failure(successor.error());
  if (!serves(*successor)) {
    end(*successor);
    return failure({"start", "the new server: its log says why", 0});
  }
  // From here on there is no way back: visitors are with the new one.
  if (auto given = server->give_way(); !given) {
    errors << "perchild: the server before, pid " << server->server().pid
           << ", does not say that it gives way: " << given.error().text() << "\n";
  }
  out << "perchild " PERCHILD_VERSION " (pid " << successor->pid
      << ") has taken over from perchild " << server->server().version.view() << " (pid "
      << server->server().pid << ")\n";
  return exit_good;
}

}  // namespace

int run_upgrade(const std::string& configuration_path, std::ostream& out, std::ostream& errors) {
  if (::geteuid() != 0) {
    errors << "perchild: upgrade needs root\n";
    return exit_refused;
  }
  ::umask(0022);
  MachineView machine;
  ReadConfiguration read = load_configuration(configuration_path, machine);
  if (!read.configuration || !read.mistakes.empty()) {
    write_findings(configuration_path, read, false, errors);
  }
  int status = read.unreadable.empty() ? exit_refused : exit_unreadable;
  if (read.configuration) {
    const auto done = upgrade(*read.configuration, out, errors);
    status = done ? *done : exit_refused;
    if (!done) errors << "perchild: " << done.error().text() << "\n";
  }
  if (status != exit_good) errors << "perchild: nothing has been changed\n";
  return status;
}

}  // namespace perchild
