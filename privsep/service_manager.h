// sd_notify(3) by hand: libsystemd would bring four libraries into a privileged process.
//
// Runs in: command (connects, while it can still reach the socket), master (says).
// Trusts: the service manager that started us.
#pragma once

#include <string_view>

#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

// A datagram socket connected to $NOTIFY_SOCKET; none if there is no service manager.
Result<UniqueFd> connect_service_manager(const char* notify_socket);

// Sends one state, such as "READY=1". A service manager that does not listen is no reason to stop
// serving: whatever goes wrong is not reported.
void tell_service_manager(BorrowedFd socket, std::string_view state);

}  // namespace perchild
