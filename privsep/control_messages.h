// What is said over the sockets that the master answers on, in the runtime directory: `control`,
// which root alone can connect to, and `status`, which every local user can. The rules of
// messages.h hold.
//
// Runs in: master, command.
// Does not trust: local users. What one may say is less than what root may, and the master shows
// him his own sites only: by the kernel's word for who he is.
//
// Here the two ends may be of different builds: an old server runs on while its package is
// replaced. So the first message, Greeting, never changes, and who does not know its `protocol`
// says no more.
#pragma once

#include "privsep/fixed_text.h"
#include "privsep/messages.h"

namespace perchild {

// Names of who connects.
struct Command;    // to `control`: root, by whom the socket's mode lets connect
struct LocalUser;  // to `status`: anybody

inline constexpr const char* control_socket_name = "control";
inline constexpr const char* status_socket_name = "status";

// To be raised with any change of the messages below.
inline constexpr std::uint32_t control_protocol = 1;

// master → whoever has connected. The first message, always of this form.
struct Greeting {
  static constexpr MessageType type = MessageType::greeting;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t protocol;
  std::uint32_t pid;  // the master's
  FixedText<24> version;
  bool valid() const { return protocol != 0 && pid > 1 && version.valid(); }
};

// → master. The sites from this number on: answered by some SiteStatus and one StatusEnd.
struct StatusQuery {
  static constexpr MessageType type = MessageType::status_query;
  static constexpr std::size_t fd_count = 0;
  SiteId first;
  bool valid() const { return first.value < max_sites; }
};

// → master. The site of this name, its first host: answered by one SiteStatus, or none if there is
// no such site or it is not the asker's, and one StatusEnd.
struct FindSite {
  static constexpr MessageType type = MessageType::find_site;
  static constexpr std::size_t fd_count = 0;
  FixedText<256> name;
  bool valid() const { return name.valid() && !name.view().empty(); }
};

enum class SiteState : std::uint32_t {
  idle,  // no process, until somebody asks for it
  starting,
  serving,
  draining,       // the last ones have been told to leave
  crash_looping,  // its processes keep dying: they are started again later and later
  suspended,      // answered 503 by the routers
};
inline constexpr std::uint32_t site_states = 6;
inline constexpr std::uint32_t max_processes = 1 << 22;  // of one site; the kernel's own bound

// master →.
struct SiteStatus {
  static constexpr MessageType type = MessageType::site_status;
  static constexpr std::size_t fd_count = 0;
  SiteId site;
  std::uint32_t uid;
  SiteState state;
  std::uint32_t processes;
  std::uint64_t restarts;  // after a process of the site had died
  FixedText<256> name;
  FixedText<160> last_error;
  bool valid() const {
    return site.value < max_sites && static_cast<std::uint32_t>(state) < site_states &&
           processes <= max_processes && name.valid() && !name.view().empty() && last_error.valid();
  }
};

// master →. The answer is complete; the rest begins with `next`, unless `is_last`.
struct StatusEnd {
  static constexpr MessageType type = MessageType::status_end;
  static constexpr std::size_t fd_count = 0;
  SiteId next;
  std::uint32_t is_last;
  bool valid() const { return next.value <= max_sites && is_last <= 1; }
};

template <>
struct Direction<Command, Master> {
  using Messages = std::variant<StatusQuery, FindSite>;
};
template <>
struct Direction<Master, Command> {
  using Messages = std::variant<Greeting, SiteStatus, StatusEnd>;
};
template <>
struct Direction<LocalUser, Master> {
  using Messages = std::variant<StatusQuery, FindSite>;
};
template <>
struct Direction<Master, LocalUser> {
  using Messages = std::variant<Greeting, SiteStatus, StatusEnd>;
};

}  // namespace perchild
