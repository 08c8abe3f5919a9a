#include "daemon/command/explain/site_answer.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "daemon/command/serve/executables.h"
#include "daemon/command/serve/tables.h"
#include "policy/id_map.h"
#include "privsep/detached_mount.h"
#include "privsep/inherited_fds.h"
#include "privsep/sealed_memory.h"
#include "privsep/spawn.h"
#include "privsep/user_namespace.h"
#include "vhosts/sites/site_settings.h"

namespace perchild {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t longest_answer = 64 * 1024;
constexpr std::chrono::seconds patience{10};

// What the process says until it has ended, or is ended for its length or time.
std::string read_answer(BorrowedFd output) {
  std::string text;
  std::array<char, 4096> bytes;
  const auto until = Clock::now() + patience;
  while (text.size() < longest_answer) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    ::pollfd polled{output.get(), POLLIN, 0};
    const int ready = left.count() > 0 ? ::poll(&polled, 1, static_cast<int>(left.count())) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return text + "  no answer: it takes too long\n";
    const ssize_t got = ::read(output.get(), bytes.data(), bytes.size());
    if (got <= 0) return text;
    text.append(bytes.data(), static_cast<std::size_t>(got));
  }
  return text;
}

// A file's name, or a rule of the site's owner, must not speak to root's terminal.
std::string printable(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string safe;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n' || (byte >= ' ' && byte < 0x7F)) {
      safe += c;
    } else {
      safe.append({'\\', 'x', hex[byte >> 4], hex[byte & 15]});
    }
  }
  return safe;
}

// The way that a worker comes to be: by way of the master's place in the service's user namespace.
SysError become_explainer(const Configuration& configuration, const Site& site,
                          BorrowedFd executable, std::vector<PlacedFd> fds) {
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
  return execute(BorrowedFd(number), "perchild-explainer", {});
}

}  // namespace

Result<std::string> ask_site(const Configuration& configuration, SiteId id,
                             const AddressBytes& client, const std::string& request_head) {
  const Site& site = configuration.sites[id.value];
  const auto executable = open_executable("perchild-explainer");
  if (!executable) return failure(executable.error());
  const auto settings =
      make_sealed_memory("settings", site_settings_of(configuration)[id.value].pack());
  if (!settings) return failure(settings.error());
  const auto request =
      make_sealed_memory("request", std::string(client.begin(), client.end()) + request_head);
  if (!request) return failure(request.error());
  const auto filters = make_filters();
  if (!filters) return failure(filters.error());
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.has_value()) return failure_from_errno("open", "/dev/null");
  UniqueFd acme;
  if (!configuration.acme_webroot.empty()) {
    auto detached = detach_directory(configuration.acme_webroot);
    if (!detached) return failure(detached.error());
    acme = std::move(*detached);
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return failure_from_errno("pipe");
  const UniqueFd output(ends[0]);
  UniqueFd input(ends[1]);
  const ::pid_t child = ::fork();
  if (child < 0) return failure_from_errno("fork");
  if (child == 0) {
    const SysError error = become_explainer(
        configuration, site, executable->borrow(),
        {{null.borrow(), STDIN_FILENO},
         {input.borrow(), STDOUT_FILENO},
         {input.borrow(), STDERR_FILENO},
         {filters->worker.borrow(), ExplainerFds::filter},
         {settings->borrow(), ExplainerFds::settings},
         {request->borrow(), ExplainerFds::request},
         {acme.has_value() ? acme.borrow() : null.borrow(), ExplainerFds::acme_webroot}});
    const std::string line = "  no answer: " + error.text() + "\n";
    ::_exit(::write(input.get(), line.data(), line.size()) < 0 ? 2 : 1);
  }
  input.reset();
  std::string answer = printable(read_answer(output.borrow()));
  // A child of ours that nobody else reaps: the number means no other process.
  ::kill(child, SIGKILL);
  while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
  }
  return answer;
}

}  // namespace perchild
