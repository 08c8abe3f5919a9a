// sd_notify(3) by hand: libsystemd would bring four libraries into a privileged process.
//
// Runs in: command (connects, while it can still reach the socket; takes what is passed), master
// (says).
// Trusts: the service manager that started us.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// A datagram socket connected to $NOTIFY_SOCKET; none if there is no service manager.
Result<UniqueFd> connect_service_manager(const char* notify_socket);

// Sends one state, such as "READY=1". A service manager that does not listen is no reason to stop
// serving: whatever goes wrong is not reported.
void tell_service_manager(BorrowedFd socket, std::string_view state);

// Whether `notify` leads to a service manager. (What leads to `perchild upgrade` is of another
// kind.)
bool is_service_manager(BorrowedFd notify);

// Has the service manager keep a listening socket of this address ("0.0.0.0:80") beyond the end of
// the service, for its next start. False if it cannot be told.
[[nodiscard]] bool store_listener(BorrowedFd socket, const std::string& address,
                                  BorrowedFd listener);
void forget_listener(BorrowedFd socket, const std::string& address);

// The sockets that listen among the descriptors that a service manager has passed.
struct PassedListeners {
  std::vector<UniqueFd> bound;   // by itself, and kept by it whatever we do
  std::vector<UniqueFd> stored;  // by store_listener()
};

// They are this process's own now. $LISTEN_PID, $LISTEN_FDS and $LISTEN_FDNAMES as
// sd_listen_fds_with_names(3) says; one without a name is bound.
PassedListeners take_passed_listeners(const char* pid, const char* count, const char* names);

}  // namespace perchild
