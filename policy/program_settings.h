// The programs of a site: what may be started for it under its uid, or connected to on its behalf.
// Its runner knows them by their numbers, its worker knows no more of them than their protocols.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace perchild {

enum class ProgramKind : std::uint8_t {
  fastcgi_pool,  // `command`, one connection a process, on descriptor 0; started on demand
  cgi,           // one process a request: a script below `directory`
  app,           // `command`, one process with a listening socket, many connections
  backend,       // nothing is started: a socket of the site's own, or a port of this machine
};

// What is spoken on the connection to a program.
enum class ProgramProtocol : std::uint8_t { fastcgi, cgi, http };

inline constexpr std::size_t most_programs = 64;  // of one site

struct ProgramSettings {
  ProgramKind kind = ProgramKind::fastcgi_pool;
  ProgramProtocol protocol = ProgramProtocol::fastcgi;
  std::string name{};                      // "php", for messages
  std::vector<std::string> command{};      // the first is an absolute path; not of cgi and backend
  std::vector<std::string> environment{};  // "NAME=value", besides what every program has
  std::string directory{};                 // in which it is started; absolute
  std::string address{};                   // of a backend: "/run/x.sock" or "127.0.0.1:3000"
  bool forks = false;                      // loaded once: its processes are forked from that one
  std::uint32_t most_processes = 4;        // at once; of cgi too
  std::uint32_t most_requests = 1000;      // of a process, then it is replaced; 0: any
  std::chrono::milliseconds idle{10'000};  // without a request for so long it is ended
  std::chrono::milliseconds request{60'000};  // one that takes longer is ended, and answered 504
  std::chrono::milliseconds queue{10'000};    // how long a request waits for a process
  std::uint32_t longest_queue = 128;          // requests of a worker that wait
  // A session of PHP is kept for so long after its last use (session.gc_maxlifetime). 0: no PHP.
  std::chrono::milliseconds session{0};
  // Of a request's body, which is here before the program is asked for. 0: it is passed on as it
  // comes.
  std::uint64_t most_kept = 1024 * 1024;
};

// Of those of a site.
inline std::chrono::milliseconds longest_session(const std::vector<ProgramSettings>& programs) {
  std::chrono::milliseconds longest{0};
  for (const ProgramSettings& program : programs) longest = std::max(longest, program.session);
  return longest;
}

// The port of a backend that has one; else 0.
inline std::uint16_t port_of(const ProgramSettings& program) {
  const std::string& address = program.address;
  if (program.kind != ProgramKind::backend || address.starts_with('/')) return 0;
  std::uint16_t port = 0;
  std::from_chars(address.data() + address.rfind(':') + 1, address.data() + address.size(), port);
  return port;
}

}  // namespace perchild
