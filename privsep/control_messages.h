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
inline constexpr std::uint32_t control_protocol = 3;

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

// root → master. From now on this connection only asks: nothing that changes anything is permitted
// on it any more, and it may be silent for as long as it likes. For a process that reads the
// network.
struct OnlyAsk {
  static constexpr MessageType type = MessageType::only_ask;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// root → master. The files of the logs have been moved away: open them anew. Answered by
// LogsReopened.
struct ReopenLogs {
  static constexpr MessageType type = MessageType::reopen_logs;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// master → root.
struct LogsReopened {
  static constexpr MessageType type = MessageType::logs_reopened;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t sites;   // whose workers have been given new files
  std::uint32_t failed;  // where that was not possible; the server's log says why
  bool valid() const { return sites <= max_sites && failed <= max_sites; }
};

// → master. The server as a whole: answered by one ServerStatus.
struct ServerQuery {
  static constexpr MessageType type = MessageType::server_query;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// master →. What is about all sites reads 0 for a local user.
struct ServerStatus {
  static constexpr MessageType type = MessageType::server_status;
  static constexpr std::size_t fd_count = 0;
  std::uint64_t uptime_seconds;
  std::uint32_t sites;
  std::uint32_t routers;             // that serve
  std::uint32_t landlock_abi;        // of the kernel; 0: it has none
  std::uint32_t user_namespace;      // 1: nothing of the service is mapped to root
  std::uint32_t seccomp_filters;     // on the master
  std::uint32_t cgroup_controllers;  // a ControllerMask; 0: sites have no control groups
  std::uint64_t accepted;            // these: see RouterReport
  std::uint64_t handed_over;
  std::uint64_t refused;
  std::uint64_t dropped;
  std::uint64_t held;
  std::uint32_t spares;         // that a site can be given
  std::uint32_t spares_wanted;  // by the configuration
  bool valid() const {
    return sites <= max_sites && routers <= max_routers && cgroup_controllers <= 15;
  }
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
  std::uint32_t connections;  // open in its workers
  std::uint32_t waiting;      // in routers
  std::uint64_t refused;      // by routers: no worker, or too many waited
  std::uint64_t restarts;     // after a process of the site had died
  std::uint64_t cpu_us;       // of all its processes so far
  std::uint64_t memory;       // bytes, of those that run: anonymous, resident
  // Of its control group, since that was made: processes killed for want of memory, forks refused,
  // and how long it was kept from the processors.
  std::uint64_t killed;
  std::uint64_t forks_refused;
  std::uint64_t throttled_us;
  Traffic traffic;
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

// A reload, root's alone: the command asks for the table that the service runs by, gives every site
// and listener of the new configuration its number, offers the tables that this makes and the
// listeners that are new, and asks for all of it at once.

// command → master. Answered by RunningTable.
struct AskTable {
  static constexpr MessageType type = MessageType::ask_table;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// master → command. The packed SiteTable, sealed.
struct RunningTable {
  static constexpr MessageType type = MessageType::running_table;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t generation;
  bool valid() const { return generation != 0; }
};

enum class TableKind : std::uint32_t { sites, routes, router_settings, keys };
inline constexpr std::uint32_t table_kinds = 4;

// command → master. Sealed memory. Nothing happens before Reload.
struct OfferTable {
  static constexpr MessageType type = MessageType::offer_table;
  static constexpr std::size_t fd_count = 1;
  TableKind kind;
  bool valid() const { return static_cast<std::uint32_t>(kind) < table_kinds; }
};

// command → master. A bound and listening socket, for the listener of this number.
struct OfferListener {
  static constexpr MessageType type = MessageType::offer_listener;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t index;
  bool valid() const { return index < max_listeners; }
};

// command → master. Go by what has been offered, which was made from the table of this generation.
// Answered by ReloadDone.
struct Reload {
  static constexpr MessageType type = MessageType::reload;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t based_on;
  bool valid() const { return based_on != 0; }
};

enum class ReloadOutcome : std::uint32_t {
  done,         // and every router goes by it
  not_current,  // another reload came between
  stopping,     // the service is being stopped
  incomplete,   // something was not offered, or is not what it should be
};
inline constexpr std::uint32_t reload_outcomes = 4;

// master → command.
struct ReloadDone {
  static constexpr MessageType type = MessageType::reload_done;
  static constexpr std::size_t fd_count = 0;
  ReloadOutcome outcome;
  bool valid() const { return static_cast<std::uint32_t>(outcome) < reload_outcomes; }
};

// An upgrade, root's alone: the command of another version asks for what the service holds and a
// successor cannot make for itself, starts the successor, and when that serves tells this one to
// give way. Until then nothing has changed here, but that no further command is let in. The two
// ends are of different builds: like Greeting, these messages never change.

// command → master. Answered by TakeOverAnswer.
struct TakeOver {
  static constexpr MessageType type = MessageType::take_over;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

enum class TakeOverOutcome : std::uint32_t {
  permitted,
  supervised,  // a service manager has started it, and would start it again
  busy,        // it has not started yet, is stopping, or somebody else takes over
};
inline constexpr std::uint32_t take_over_outcomes = 3;

// master → command.
struct TakeOverAnswer {
  static constexpr MessageType type = MessageType::take_over_answer;
  static constexpr std::size_t fd_count = 0;
  TakeOverOutcome outcome;
  std::uint32_t listeners;           // their numbers are below this one
  std::uint32_t cgroup_controllers;  // of HeldKind::site_cgroups: a ControllerMask
  bool valid() const {
    return static_cast<std::uint32_t>(outcome) < take_over_outcomes && listeners <= max_listeners &&
           cgroup_controllers <= 15;
  }
};

enum class HeldKind : std::uint32_t { control_socket, status_socket, listener, log, site_cgroups };
inline constexpr std::uint32_t held_kinds = 5;

// command → master, after a TakeOver that is permitted. Answered by Held or NotHeld.
struct AskHeld {
  static constexpr MessageType type = MessageType::ask_held;
  static constexpr std::size_t fd_count = 0;
  HeldKind kind;
  std::uint32_t index;  // of a listener; else 0
  bool valid() const {
    return static_cast<std::uint32_t>(kind) < held_kinds && index < max_listeners &&
           (index == 0 || kind == HeldKind::listener);
  }
};

// master → command.
struct Held {
  static constexpr MessageType type = MessageType::held;
  static constexpr std::size_t fd_count = 1;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};
struct NotHeld {
  static constexpr MessageType type = MessageType::not_held;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// command → master, likewise. The successor serves: accept nothing more, finish what has begun.
// Answered by GivingWay.
struct GiveWay {
  static constexpr MessageType type = MessageType::give_way;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// master → command.
struct GivingWay {
  static constexpr MessageType type = MessageType::giving_way;
  static constexpr std::size_t fd_count = 0;
  std::uint32_t reserved;
  bool valid() const { return reserved == 0; }
};

// What an OnlyAsk leaves: the messages that change nothing.
template <typename M>
inline constexpr bool only_asks =
    std::is_same_v<M, ServerQuery> || std::is_same_v<M, StatusQuery> || std::is_same_v<M, FindSite>;

template <>
struct Direction<Command, Master> {
  using Messages = std::variant<ServerQuery, StatusQuery, FindSite, OnlyAsk, ReopenLogs, AskTable,
                                OfferTable, OfferListener, Reload, TakeOver, AskHeld, GiveWay>;
};
template <>
struct Direction<Master, Command> {
  using Messages = std::variant<Greeting, ServerStatus, SiteStatus, StatusEnd, LogsReopened,
                                RunningTable, ReloadDone, TakeOverAnswer, Held, NotHeld, GivingWay>;
};
template <>
struct Direction<LocalUser, Master> {
  using Messages = std::variant<ServerQuery, StatusQuery, FindSite>;
};
template <>
struct Direction<Master, LocalUser> {
  using Messages = std::variant<Greeting, ServerStatus, SiteStatus, StatusEnd>;
};

}  // namespace perchild
