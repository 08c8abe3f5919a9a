// perchild.socket as systemd has it, compared with "listen": the service has no network by which it
// could bind what is missing there, unless packaging/network.conf gives it one.
//
// Runs in: command. Looks at nothing itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/command/doctor/finding.h"

namespace perchild {

inline constexpr const char* socket_name = "perchild.socket";
inline constexpr const char* socket_properties =
    "LoadState,ActiveState,UnitFileState,FragmentPath,DropInPaths,Listen";

struct SocketUnit {
  bool is_loaded = false;
  bool is_active = false;
  bool is_enabled = false;
  std::vector<std::string> addresses{};  // "0.0.0.0:80"
};
// Of what `systemctl show` says of `socket_properties`.
SocketUnit parse_socket_unit(std::string_view shown);

// `wanted`: the addresses of "listen" that this machine can have.
void check_socket_unit(const SocketUnit& unit, const std::vector<std::string>& wanted,
                       bool service_binds_ports, Diagnosis& diagnosis);

}  // namespace perchild
