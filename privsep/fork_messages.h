// What a runner and a fork server say to each other, on a SEQPACKET socket: a message is one
// struct, as it lies in memory.
//
// Runs in: runner; a site's PHP.
// Trusts: nobody.
#pragma once

#include <cstddef>
#include <cstdint>

namespace perchild {

// Says a program which of its descriptors the socket is.
inline constexpr const char* fork_server_variable = "PERCHILD_FORK_SERVER";

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
