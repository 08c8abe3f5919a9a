#include "daemon/command/serve/passed_ports.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "daemon/command/serve/listeners.h"
#include "daemon/command/serve/program_walls.h"

namespace perchild {

bool can_bind_ports() {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return socket.has_value() || errno != EAFNOSUPPORT;
}

bool is_beyond_kernel(const Listener& listener) {
  return listener.optional_family && ::access("/proc/self/net/if_inet6", F_OK) != 0;
}

std::optional<SysError> why_not_served(const std::vector<const Listener*>& lacking,
                                       bool any_is_passed) {
  if (lacking.empty()) return std::nullopt;
  std::string addresses, lines;
  for (const Listener* listener : lacking) {
    const std::string address = text_of(listener->address);
    addresses += (addresses.empty() ? "" : ", ") + address;
    lines += (lines.empty() ? "ListenStream=" : ", ListenStream=") + address;
  }
  const std::string remedy =
      any_is_passed ? "add " + lines + " to perchild.socket, and systemctl restart perchild.socket"
                    : "systemctl enable perchild.socket && systemctl restart perchild";
  return SysError{lacking.front()->place + ": perchild.socket has not bound " + addresses +
                      ", and this service has no network to bind anything in: " + remedy +
                      " (or install packaging/network.conf)",
                  "", 0};
}

std::optional<std::string> warning_of_unserved(const std::vector<UniqueFd>& passed) {
  std::string addresses;
  for (const std::string& address : bound_addresses_of(passed)) {
    addresses += (addresses.empty() ? "" : ", ") + address;
  }
  if (addresses.empty()) return std::nullopt;
  return "perchild.socket listens at " + addresses +
         ", which \"listen\" does not have: who connects there is not answered";
}

bool needs_network(const Site& site) {
  return (site.mail && !site.programs.empty()) ||
         std::any_of(site.programs.begin(), site.programs.end(),
                     [](const ProgramSettings& program) { return port_of(program) != 0; });
}

std::optional<std::string> warning_of_network(const Configuration& configuration,
                                              bool binds_ports) {
  if (binds_ports) return std::nullopt;
  const std::string sites = named_sites(configuration, needs_network);
  if (sites.empty()) return std::nullopt;
  return "backends at ports, or the mail, of " + sites +
         " are out of reach: the service has no network (under systemd, packaging/network.conf "
         "permits it, from the next restart on)";
}

}  // namespace perchild
