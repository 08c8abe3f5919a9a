#include "daemon/command/site_process/site_process.h"

#include <fcntl.h>
#include <unistd.h>

#include "daemon/command/serve/executables.h"
#include "policy/id_map.h"
#include "privsep/spawn.h"
#include "privsep/user_namespace.h"

namespace perchild {
namespace {

SysError become_site_process(const Configuration& configuration, const Site& site,
                             BorrowedFd executable, const std::string& title,
                             std::vector<PlacedFd> fds) {
  ::setsid();
  const IdMaps maps = make_id_maps(configuration);
  const Identity master{configuration.master.uid, configuration.master.gid, {}};
  if (auto entered = enter_user_namespace(maps.uids, maps.gids, master.uid); !entered) {
    return entered.error();
  }
  if (auto dropped = drop_to_identity(Role::master, master); !dropped) return dropped.error();
  const Identity user{site.uid.uid(), site.gid, site.groups};
  if (auto dropped = drop_to_identity(Role::worker, user); !dropped) return dropped.error();
  const int number = static_cast<int>(fds.size());
  fds.push_back({executable, number});
  if (auto placed = place_fds(fds); !placed) return placed.error();
  if (::fcntl(number, F_SETFD, FD_CLOEXEC) != 0) return SysError::from_errno("F_SETFD");
  return execute(BorrowedFd(number), title, {});
}

}  // namespace

Result<ChildOutput> ask_site_process(const Configuration& configuration, const Site& site,
                                     const SiteProcess& process) {
  const auto executable = open_executable(process.executable);
  if (!executable) return failure(executable.error());
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.has_value()) return failure_from_errno("open", "/dev/null");
  return output_of_child(
      [&](BorrowedFd output) {
        std::vector<PlacedFd> fds{{null.borrow(), STDIN_FILENO},
                                  {output, STDOUT_FILENO},
                                  {output, STDERR_FILENO},
                                  {process.filter, STDERR_FILENO + 1}};
        for (const BorrowedFd fd : process.given) {
          fds.push_back({fd, static_cast<int>(fds.size())});
        }
        const SysError error = become_site_process(configuration, site, executable->borrow(),
                                                   process.executable, std::move(fds));
        const std::string line = "  no answer: " + error.text() + "\n";
        [[maybe_unused]] const ssize_t said = ::write(output.get(), line.data(), line.size());
      },
      process.bounds);
}

}  // namespace perchild
