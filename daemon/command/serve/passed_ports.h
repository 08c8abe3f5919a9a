// Where systemd binds the ports (packaging/perchild.socket), since the service has no network to
// bind any in (packaging/perchild.service): whether that is so, and what to say where the two files
// of addresses differ.
//
// Runs in: command (serve, reload).
// Trusts: the configuration, checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "policy/configuration.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// By trying: RestrictAddressFamilies= is a filter to which every kernel looks as if it had no IPv4.
bool can_bind_ports();

// Whether the listener stands for an address of a family that this kernel has not got, which is no
// reason not to start. (Where the family is only forbidden, socket(2) says the same.)
bool is_beyond_kernel(const Listener& listener);

// Of a service that cannot bind ports: those of "listen" that it has not been passed, and what to
// do about it, which is less if it has been passed any. Nullopt if `lacking` is empty.
std::optional<SysError> why_not_served(const std::vector<const Listener*>& lacking,
                                       bool any_is_passed);

// Of sockets that "listen" has no address for. Whoever connects there is kept waiting by the
// kernel.
std::optional<std::string> warning_of_unserved(const std::vector<UniqueFd>& passed);

// Whether the site has backends at ports, or sends mail.
bool needs_network(const Site& site);
// Of sites that do, where the service cannot.
std::optional<std::string> warning_of_network(const Configuration& configuration, bool binds_ports);

}  // namespace perchild
