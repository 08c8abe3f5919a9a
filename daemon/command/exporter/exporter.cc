#include "daemon/command/exporter/exporter.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <optional>
#include <ostream>

#include "daemon/command/control/control_client.h"
#include "daemon/command/exporter/door.h"
#include "daemon/command/exporter/exporter_loop.h"
#include "privsep/lock_down.h"
#include "privsep/syscall_filter.h"

namespace perchild {
namespace {

constexpr int exit_failed = 1;

// Of a name, or a number that is uid and gid. Not root's.
Result<ServiceIds> ids_of(const std::string& user) {
  std::uint32_t number = 0;
  const char* const end = user.data() + user.size();
  const auto read = std::from_chars(user.data(), end, number);
  ServiceIds ids{Uid{number}, Gid{number}};
  if (read.ec != std::errc() || read.ptr != end) {
    const ::passwd* const entry = ::getpwnam(user.c_str());
    if (entry == nullptr) return failure({"find", "user " + user + "; --user names another", 0});
    ids = {Uid{entry->pw_uid}, Gid{entry->pw_gid}};
  }
  if (ids.uid.value == 0 || ids.gid.value == 0) {
    return failure({"run", "as root: --user names somebody else", 0});
  }
  return ids;
}

Result<int> run(const ExporterOptions& options) {
  const auto ids = ids_of(options.user);
  if (!ids) return failure(ids.error());
  // Both while this is root; nothing has been read of the network yet.
  auto server = ControlClient::connect(options.runtime_dir);
  if (!server) return failure(server.error());
  if (auto bound = server->only_ask(); !bound) return failure(bound.error());
  auto door = open_door(options.listen, *ids);
  if (!door) return failure(door.error());
  const auto filter = compile_syscall_filter(Role::exporter);
  if (!filter) return failure(filter.error());
  const Identity identity{ids->uid, ids->gid, {}};
  if (auto dropped = drop_to_identity(Role::exporter, identity); !dropped) {
    return failure(dropped.error());
  }
  const auto proof =
      lock_down<Role::exporter>({.filter = *filter, .landlock = Requirement::if_available});
  if (!proof) return failure(proof.error());
  return failure(ExporterLoop(*proof, std::move(*door), std::move(*server)).run());
}

}  // namespace

int run_exporter(const ExporterOptions& options, std::ostream& errors) {
  if (::geteuid() != 0) {
    errors << "perchild: metrics --listen needs root, to see all sites and to become --user\n";
    return exit_failed;
  }
  const auto ended = run(options);
  errors << "perchild: " << ended.error().text() << "\n";
  return exit_failed;
}

}  // namespace perchild
