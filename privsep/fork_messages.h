// What a runner or a spare and a fork server say to each other, on a SEQPACKET socket: a message is
// one struct, as it lies in memory.
//
// Runs in: runner; spare; a site's PHP, or such as has no site yet.
// Trusts: nobody.
#pragma once

#include <cstddef>
#include <cstdint>

namespace perchild {

// Says a program which of its descriptors the socket is.
inline constexpr const char* fork_server_variable = "PERCHILD_FORK_SERVER";

// Says a program, besides, that it has no site yet: no connection is there when it runs. It reports
// number 0, and its own pid, when it is loaded; and again when it has become the site's.
inline constexpr const char* spare_variable = "PERCHILD_SPARE";

// What makes a program that is loaded a site's, in two messages; the first one: where it lives.
struct AdoptionPlace {
  static constexpr std::size_t fd_count = 1;  // cgroup.procs, or /dev/null
  std::uint64_t processes;                    // RLIMIT_NPROC
  std::uint64_t memory;                       // RLIMIT_DATA, bytes; 0: none
};

// And who it is, and what it may do: as its runner.
struct AdoptionWalls {
  // Its directory; sealed memory: its runner's system-call filter, and what it has on top of that;
  // the ruleset.
  static constexpr std::size_t fd_count = 4;
  static constexpr std::size_t most_groups = 64;
  std::uint32_t uid;
  std::uint32_t gid;
  std::uint32_t has_refusals;  // else the descriptor of it is none
  std::uint32_t has_ruleset;   // likewise
  std::uint32_t group_count;
  std::uint32_t groups[most_groups];
};

// Number 0 is of the connection that comes by the listener, and is there before the program runs.
struct ForkRequest {
  static constexpr std::size_t fd_count = 2;           // what is to be the stderr; a connection
  static constexpr std::size_t fd_count_of_first = 1;  // the stderr
  std::uint32_t number;
};

struct ForkReport {
  std::uint32_t number;
  std::int32_t pid;    // which says this itself, as the leader of its session; 0 if there is none
  std::int32_t error;  // an errno, if there is none
};

}  // namespace perchild
