#include "daemon/command/serve/serve.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "daemon/command/check/check.h"
#include "daemon/command/check/system_view.h"
#include "daemon/command/serve/directories.h"
#include "daemon/command/serve/executables.h"
#include "daemon/command/serve/listeners.h"
#include "daemon/command/serve/passed_ports.h"
#include "daemon/command/serve/program_walls.h"
#include "daemon/command/serve/quotas.h"
#include "daemon/command/serve/tables.h"
#include "privsep/control_messages.h"
#include "privsep/detached_mount.h"
#include "privsep/inherited_fds.h"
#include "privsep/local_socket.h"
#include "privsep/server_log.h"
#include "privsep/service_manager.h"
#include "privsep/spawn.h"
#include "privsep/user_namespace.h"

namespace perchild {
namespace {

constexpr int exit_failed = 1;

// As much as the master may hand on: descriptors, and locked memory for the keeper. The other roles
// lower theirs.
void raise_limits() {
  const ResourceLimits& limits = policy_of(Role::master).limits;
  const ::rlimit files{limits.open_files, limits.open_files};
  const ::rlimit locked{limits.locked_memory, limits.locked_memory};
  // Without CAP_SYS_RESOURCE (a container) what there is has to do.
  ::setrlimit(RLIMIT_NOFILE, &files);
  ::setrlimit(RLIMIT_MEMLOCK, &locked);
}

// Everything that the master finds open, in the order of MasterFds.
struct MasterParts {
  UniqueFd notify;
  SiteTables tables;
  Filters filters;
  UniqueFd master, router, worker, tls_worker, checker, keeper, runner, spare;  // executables
  UniqueFd empty_root;
  UniqueFd log_directory;
  UniqueFd control, status;  // sockets for commands
  UniqueFd log;              // if it is another than stderr
  DelegatedCgroup cgroups;
  UniqueFd acme_webroot;  // if there is one
  UniqueFd mail_ledger;
  UniqueFd null;
  std::vector<UniqueFd> listeners;

  std::vector<PlacedFd> placed() const {
    std::vector<PlacedFd> fds{
        {null.borrow(), STDIN_FILENO},
        {null.borrow(), STDOUT_FILENO},
        {log.has_value() ? log.borrow() : BorrowedFd(STDERR_FILENO), STDERR_FILENO},
        {notify.has_value() ? notify.borrow() : null.borrow(), MasterFds::notify},
        {tables.sites.borrow(), MasterFds::site_table},
        {tables.routes.borrow(), MasterFds::route_table},
        {tables.router_settings.borrow(), MasterFds::router_settings},
        {filters.master.borrow(), MasterFds::master_filter},
        {filters.router.borrow(), MasterFds::router_filter},
        {filters.worker.borrow(), MasterFds::worker_filter},
        {filters.keeper.borrow(), MasterFds::keeper_filter},
        {router.borrow(), MasterFds::router_executable},
        {worker.borrow(), MasterFds::worker_executable},
        {tls_worker.borrow(), MasterFds::tls_worker_executable},
        {keeper.borrow(), MasterFds::keeper_executable},
        {empty_root.borrow(), MasterFds::empty_root},
        {log_directory.borrow(), MasterFds::log_directory},
        {tables.keys.borrow(), MasterFds::keys},
        {control.borrow(), MasterFds::control_socket},
        {status.borrow(), MasterFds::status_socket},
        {cgroups.directory.has_value() ? cgroups.directory.borrow() : null.borrow(),
         MasterFds::site_cgroups},
        {acme_webroot.has_value() ? acme_webroot.borrow() : null.borrow(), MasterFds::acme_webroot},
        {filters.checker.borrow(), MasterFds::checker_filter},
        {checker.borrow(), MasterFds::checker_executable},
        {filters.runner.borrow(), MasterFds::runner_filter},
        {runner.borrow(), MasterFds::runner_executable},
        {mail_ledger.borrow(), MasterFds::mail_ledger},
        {spare.borrow(), MasterFds::spare_executable}};
    for (std::size_t i = 0; i < listeners.size(); ++i) {
      fds.push_back({listeners[i].borrow(), MasterFds::first_listener + static_cast<int>(i)});
    }
    return fds;
  }
};

template <typename T>
bool take(T& into, Result<T> made, SysError& error) {
  if (!made) {
    error = made.error();
    return false;
  }
  into = std::move(*made);
  return true;
}

// What a unit may keep the command from, and what lets it.
template <typename T>
Result<T> permitted_by(const char* file, Result<T> done) {
  if (!done && done.error().error == EPERM) {
    done.error().subject += std::string(" (under systemd: ") + file + ")";
  }
  return done;
}

// The sockets for commands: those that are there, or such as nobody listens on yet.
bool prepare_doors(MasterParts& parts, Inheritance& inherited, BorrowedFd runtime_dir,
                   const std::string& path, SysError& error) {
  if (inherited.control.has_value() && inherited.status.has_value()) {
    parts.control = std::move(inherited.control);
    parts.status = std::move(inherited.status);
    return true;
  }
  // Who may connect is for the mode to say: in the service's namespace root has no name.
  return take(parts.control, listen_local(runtime_dir, path, control_socket_name, 0600), error) &&
         take(parts.status, listen_local(runtime_dir, path, status_socket_name, 0666), error);
}

// Root's alone, and never read here. Who starts next finds it again.
Result<UniqueFd> open_mail_ledger(BorrowedFd runtime_dir) {
  constexpr const char* name = "mail-sent";
  UniqueFd file(::openat(runtime_dir.get(), name,
                         O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.has_value()) return failure_from_errno("open", name);
  return file;
}

Result<MasterParts> prepare(Configuration& configuration, Inheritance& inherited,
                            const ServerLog& log) {
  const StartFacts start{why_programs_cannot_start(), can_bind_ports(),
                         bound_addresses_of(inherited.passed)};
  for (const auto& warning : {warning_of_programs(configuration, start.no_programs),
                              warning_of_network(configuration, start.binds_ports)}) {
    if (warning) log.line(Priority::error, *warning);
  }
  MasterParts parts;
  parts.notify = std::move(inherited.notify);
  parts.log = std::move(inherited.log);
  SysError error;
  const ServiceIds root{Uid{0}, Gid{0}};
  // Its group is root's, so that a command without CAP_DAC_READ_SEARCH can open it again.
  const ServiceIds log_owner{configuration.master.uid, Gid{0}};
  const std::string& runtime = configuration.runtime_dir;
  UniqueFd runtime_dir;
  const bool complete =
      take(runtime_dir, prepare_directory(runtime, root, 0755), error) &&
      prepare_doors(parts, inherited, runtime_dir.borrow(), runtime, error) &&
      take(parts.mail_ledger, open_mail_ledger(runtime_dir.borrow()), error) &&
      take(parts.empty_root, prepare_directory(runtime + "/empty", root, 0555), error) &&
      take(parts.log_directory,
           permitted_by("systemd-tmpfiles --create perchild.conf",
                        prepare_directory(configuration.log_dir, log_owner, 0750)),
           error) &&
      take(parts.master, open_executable(Role::master), error) &&
      take(parts.router, open_executable(Role::router), error) &&
      take(parts.worker, open_executable(Role::worker), error) &&
      take(parts.tls_worker, open_executable(tls_worker_executable), error) &&
      take(parts.checker, open_executable(Role::checker), error) &&
      take(parts.keeper, open_executable(Role::keeper), error) &&
      take(parts.runner, open_executable(Role::runner), error) &&
      take(parts.spare, open_executable(Role::spare), error) &&
      take(parts.listeners,
           bind_listeners(configuration.listeners, configuration.router_limits.head, inherited,
                          start.binds_ports),
           error) &&
      take(parts.cgroups, prepare_quotas(configuration, std::move(inherited.cgroups), log),
           error) &&
      // After the listeners, of which some may turn out not to exist here.
      take(parts.tables, make_site_tables(configuration, parts.cgroups, start), error) &&
      take(parts.filters, make_filters(calls_allowed_in(configuration)), error);
  if (!complete) return failure(error);
  // Of listeners that the configuration has no more.
  for (const UniqueFd& socket : inherited.listeners) {
    if (!parts.notify.has_value()) break;
    forget_listener(parts.notify.borrow(), bound_address_of(socket.borrow()));
  }
  if (const auto warning = warning_of_unserved(inherited.passed)) {
    log.line(Priority::warning, *warning);
  }
  const std::string& webroot = configuration.acme_webroot;
  if (!webroot.empty() &&
      !take(parts.acme_webroot, permitted_by("packaging/acme.conf", detach_directory(webroot)),
            error)) {
    return failure(error);
  }
  parts.null = UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!parts.null.has_value()) return failure_from_errno("open", "/dev/null");
  return parts;
}

// From here on there is no way back: root is left, and then this program.
SysError become_master(const Configuration& configuration, const MasterParts& parts,
                       const ServerLog& log) {
  std::vector<PlacedFd> fds = parts.placed();
  const int executable = static_cast<int>(fds.size());
  fds.push_back({parts.master.borrow(), executable});
  std::vector<std::string> environment;
  if (!log.environment().empty()) environment.push_back(log.environment());

  const IdMaps maps = make_id_maps(configuration);
  const Identity identity{configuration.master.uid, configuration.master.gid, {}};
  if (auto entered = enter_user_namespace(maps.uids, maps.gids, identity.uid); !entered) {
    return entered.error();
  }
  if (auto dropped = drop_to_identity(Role::master, identity); !dropped) return dropped.error();
  // No program of the whole tree gains anything by an exec, setuid or not.
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return SysError::from_errno("PR_SET_NO_NEW_PRIVS");
  }
  if (auto placed = place_fds(fds); !placed) return placed.error();
  if (::fcntl(executable, F_SETFD, FD_CLOEXEC) != 0) return SysError::from_errno("F_SETFD");
  return execute(BorrowedFd(executable), "perchild-master", environment);
}

// What is stored is of a service that has bound its ports. One that cannot is not to live on them:
// it would not start once they are gone, and perchild.socket cannot bind while they are there.
void forget_what_is_in_the_way(std::vector<UniqueFd>& stored, BorrowedFd notify) {
  if (can_bind_ports()) return;
  for (const UniqueFd& socket : std::exchange(stored, {})) {
    forget_listener(notify, bound_address_of(socket.borrow()));
  }
}

}  // namespace

SysError start_service(Configuration& configuration, Inheritance inherited, const ServerLog& log) {
  raise_limits();
  auto parts = prepare(configuration, inherited, log);
  return parts ? become_master(configuration, *parts, log) : parts.error();
}

int run_serve(const std::string& configuration_path) {
  // Before anything else is opened, which might get their numbers.
  PassedListeners passed = take_passed_listeners(::getenv("LISTEN_PID"), ::getenv("LISTEN_FDS"),
                                                 ::getenv("LISTEN_FDNAMES"));
  const ServerLog log("perchild", ::getenv("JOURNAL_STREAM"));
  if (::geteuid() != 0) {
    log.line(Priority::error, "serve needs root, to bind ports and to give each site its user");
    return exit_failed;
  }
  ::umask(0022);
  MachineView machine;
  ReadConfiguration read = load_configuration(configuration_path, machine);
  if (!read.configuration || !read.mistakes.empty()) {
    write_findings(configuration_path, read, false, std::cerr);
  }
  if (!read.configuration) return read.unreadable.empty() ? exit_mistakes : exit_unreadable;
  auto notify = connect_service_manager(::getenv("NOTIFY_SOCKET"));
  if (notify) forget_what_is_in_the_way(passed.stored, notify->borrow());
  const SysError error = notify ? start_service(*read.configuration,
                                                {.notify = std::move(*notify),
                                                 .listeners = std::move(passed.stored),
                                                 .passed = std::move(passed.bound)},
                                                log)
                                : notify.error();
  log.line(Priority::error, error.text());
  return exit_failed;
}

}  // namespace perchild
