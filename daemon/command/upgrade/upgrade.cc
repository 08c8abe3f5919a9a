#include "daemon/command/upgrade/upgrade.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ostream>

#include "daemon/command/check/check.h"
#include "daemon/command/check/system_view.h"
#include "daemon/command/control/control_client.h"
#include "daemon/command/upgrade/successor.h"

namespace perchild {
namespace {

constexpr int exit_refused = 1;

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

// Who is interrupted half-way would leave two services behind.
void block_interruptions() {
  ::sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::sigaddset(&set, signal);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace

Result<int> take_over(Configuration& configuration, std::ostream& out, std::ostream& errors) {
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
    end_successor(*successor);
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
    const auto done = take_over(*read.configuration, out, errors);
    status = done ? *done : exit_refused;
    if (!done) errors << "perchild: " << done.error().text() << "\n";
  }
  if (status != exit_good) errors << "perchild: nothing has been changed\n";
  return status;
}

}  // namespace perchild
