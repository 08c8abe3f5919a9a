#include "policy/held_descriptors.h"

#include <initializer_list>

namespace perchild {
namespace {

using Kind = DescriptorKind;
using Kinds = std::uint32_t;

constexpr Kinds kinds(std::initializer_list<Kind> all) {
  Kinds mask = 0;
  for (const Kind kind : all) mask |= Kinds{1} << static_cast<unsigned>(kind);
  return mask;
}

// Each has its channels, its filter and settings until they are read, and a loop.
constexpr Kinds of_every_child = kinds({Kind::null, Kind::socket, Kind::memory, Kind::event_loop});

constexpr Kinds kinds_of(Role role) {
  switch (role) {
    case Role::master:
      // Executables, the folders of logs and control groups, its children.
      return kinds({Kind::null, Kind::socket, Kind::memory, Kind::event_loop, Kind::signals,
                    Kind::process, Kind::file, Kind::folder});
    case Role::router:
    case Role::keeper:
      return of_every_child | kinds({Kind::folder});  // its root, which is empty
    case Role::worker:
      // Logs, the docroot and files of it; the ends of a script.
      return of_every_child | kinds({Kind::file, Kind::folder, Kind::pipe});
    case Role::checker:
      return of_every_child | kinds({Kind::file, Kind::folder});  // the log, password files
    case Role::runner:
    case Role::spare:
      // What programs may open: it made their Landlock rules of these, and may keep them.
      return of_every_child | kinds({Kind::plain_device, Kind::file, Kind::folder, Kind::pipe,
                                     Kind::process, Kind::signals, Kind::ruleset});
    case Role::exporter:
      return kinds({Kind::null, Kind::socket});
  }
  __builtin_unreachable();
}

}  // namespace

std::string_view name_of(DescriptorKind kind) {
  switch (kind) {
    case Kind::null:
      return "/dev/null";
    case Kind::plain_device:
      return "a device";
    case Kind::socket:
      return "a socket";
    case Kind::pipe:
      return "a pipe";
    case Kind::memory:
      return "a memfd";
    case Kind::event_loop:
      return "an epoll";
    case Kind::signals:
      return "a signalfd";
    case Kind::process:
      return "a pidfd";
    case Kind::ruleset:
      return "a Landlock ruleset";
    case Kind::file:
      return "a file";
    case Kind::folder:
      return "a folder";
    case Kind::other:
      return "something else of the kernel's";
  }
  __builtin_unreachable();
}

bool may_hold(Role role, DescriptorKind kind) {
  return (kinds_of(role) >> static_cast<unsigned>(kind) & 1U) != 0;
}

}  // namespace perchild
