// What the master finds at its start, and what commands offer it later.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "privsep/sealed_memory.h"
#include "privsep/site_table.h"
#include "privsep/unique_fd.h"

namespace perchild::fuzz {

inline constexpr std::uint32_t table_variants = 4;
inline constexpr std::uint32_t least_sites = 6;  // in each of them
inline constexpr std::uint32_t starts_a_second = 5;

// The sites of a table, each with a uid of its own. The first variant is what the service starts
// with; the others change some sites, and have one where there was none before.
std::string packed_table(std::uint32_t generation, std::uint32_t variant);
// "a.example" has the first one.
inline constexpr std::uint32_t first_uid = 20001;

// The descriptors of MasterFds, under their numbers: what they lead to is of no interest, but for
// these. Once for all runs.
void place_fds_of_master();

// Those that are the master's own, for one run.
class OwnFds {
 public:
  OwnFds();
  ~OwnFds();
  OwnFds(const OwnFds&) = delete;
  OwnFds& operator=(const OwnFds&) = delete;

  // Addresses of the two sockets.
  std::string control, status;
};

UniqueFd connect_to_door(const std::string& address);
UniqueFd memory_of(const std::string& bytes);

}  // namespace perchild::fuzz
