// Sets of roles, for tables of what holds of which.
#pragma once

#include "policy/role_policy.h"

namespace perchild::test {

constexpr unsigned bit_of(Role role) {
  return 1U << static_cast<unsigned>(role);
}

inline constexpr unsigned of_master = bit_of(Role::master);
inline constexpr unsigned of_router = bit_of(Role::router);
inline constexpr unsigned of_worker = bit_of(Role::worker);
inline constexpr unsigned of_checker = bit_of(Role::checker);
inline constexpr unsigned of_keeper = bit_of(Role::keeper);
inline constexpr unsigned of_exporter = bit_of(Role::exporter);
inline constexpr unsigned of_runner = bit_of(Role::runner);

}  // namespace perchild::test
