// Binds the configured addresses.
//
// Runs in: command, as root.
// Trusts: the configuration, checked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/command/serve/inheritance.h"
#include "policy/configuration.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// "0.0.0.0:80", "[::1]:8080"; empty for an address that is none.
std::string text_of(const ListenAddress& address);

// Nullopt if its family is optional and the kernel has not got it.
Result<std::optional<UniqueFd>> bind_listener(const Listener& listener,
                                              std::chrono::milliseconds head_deadline);

// One listening socket for each of `listeners`, in their order: of those that are passed or
// inherited the one that has the address, which is taken out of there, else one that is bound, or,
// where that cannot be, an error that names all. A listener of an optional family that the kernel
// has not got is taken out of `listeners`.
Result<std::vector<UniqueFd>> bind_listeners(std::vector<Listener>& listeners,
                                             std::chrono::milliseconds head_deadline,
                                             Inheritance& from, bool binds_ports);

// The address that a socket is bound to, as text_of() writes it; empty if it is none of ours.
std::string bound_address_of(BorrowedFd socket);
std::vector<std::string> bound_addresses_of(const std::vector<UniqueFd>& sockets);

}  // namespace perchild
