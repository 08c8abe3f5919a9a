// Which kinds of descriptors each role may hold, as data. privsep/inherited_fds.h says under which
// numbers they come; this is for who looks at a live process from outside.
#pragma once

#include <cstdint>
#include <string_view>

#include "policy/role_policy.h"

namespace perchild {

enum class DescriptorKind : std::uint8_t {
  null,          // /dev/null
  plain_device,  // others that every program uses: /dev/zero, full, random, urandom, tty
  socket,        // of any kind
  pipe,          // and FIFOs
  memory,        // memfd_create(2)
  event_loop,    // epoll
  signals,       // signalfd
  process,       // pidfd
  ruleset,       // Landlock's
  file,          // a regular file
  folder,
  other,  // another device, io_uring, a namespace, bpf, perf, userfaultfd, ...
};

std::string_view name_of(DescriptorKind kind);  // "a socket"

bool may_hold(Role role, DescriptorKind kind);

}  // namespace perchild
