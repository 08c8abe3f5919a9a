// What a spare is told, and says, until it has a site; from then on it is a runner
// (runner_messages.h). The rules of messages.h hold.
//
// Runs in: spare, master.
// Trusts: nobody.
#pragma once

#include "privsep/messages.h"

namespace perchild {

// spare → master. Its program is loaded: it can be given to a site. The first message.
struct SpareLoaded {
  static constexpr MessageType type = MessageType::spare_loaded;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t pid;  // its own, in its namespace, as a mere check of the wiring
  bool valid() const { return pid == 1; }
};

enum class SparePart : std::uint32_t {
  log = 1,   // the site's error log
  cgroup,    // cgroup.procs of the site's control group, to be written to; or /dev/null
  identity,  // sealed memory: privsep/identity_memory.h; the ids are there from now on
  settings,  // sealed memory: RunnerSettings
};

// master → spare. What a runner has from its start on, in this order. With the last of them the
// spare is the runner of that site.
struct TakePart {
  static constexpr MessageType type = MessageType::take_part;
  static constexpr std::size_t fd_count = 1;
  SparePart part;
  bool valid() const { return part >= SparePart::log && part <= SparePart::settings; }
};

template <>
struct Direction<Master, Spare> {
  using Messages = std::variant<TakePart>;
};
template <>
struct Direction<Spare, Master> {
  using Messages = std::variant<SpareLoaded>;
};

}  // namespace perchild
