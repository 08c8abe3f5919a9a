// Makes one process of a FastCGI program, loaded once, into as many as are asked for. The runner
// has the loader put it into the program (LD_PRELOAD), where it takes the place of accept(2): at
// the first connection the program forks a process for that, and from then on waits for what its
// runner wants forked. It runs no request itself. A program that it does not suit goes on as if it
// were not there.
//
// A spare has it put into a program that is nobody's yet. That is a fork server without having had
// a connection, once it has become a site's (adoption.h).
//
// Runs in: a site's PHP, or such as has no site yet.
// Trusts: the runner; the spare, which becomes it.
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>

#include "daemon/fork_server/adoption.h"
#include "privsep/fd_passing.h"
#include "privsep/fork_messages.h"

namespace perchild {
namespace {

constexpr int listener = STDIN_FILENO;
constexpr std::size_t name_size = 16;  // PR_SET_NAME

enum class Phase : unsigned char {
  unasked,  // nobody has come yet
  serves,   // a fork server
  member,   // of a fork server: it has its one connection
  none,     // a program like any other
};

Phase phase = Phase::unasked;
int control = -1;
char name[name_size];  // the program's

int accept_really(int socket, ::sockaddr* address, ::socklen_t* length, int flags) {
  return static_cast<int>(::syscall(SYS_accept4, socket, address, length, flags));
}

// What the program starts is none of this.
int take_control() {
  const char* const number = ::getenv(fork_server_variable);
  const int fd = number == nullptr ? -1 : ::atoi(number);
  ::unsetenv(fork_server_variable);
  ::unsetenv("LD_PRELOAD");
  return fd;
}

// fork(2) leaves all other threads behind, with the locks that they hold. A folder of proc(5) has a
// link more for each folder in it.
bool has_one_thread() {
  constexpr ::nlink_t links_of_one = 3;
  struct ::stat status;
  return ::stat("/proc/self/task", &status) == 0 && status.st_nlink == links_of_one;
}

void report(std::uint32_t number, ::pid_t pid, int error) {
  const ForkReport said{number, pid, error};
  static_cast<void>(send_with_fds(BorrowedFd(control), std::as_bytes(std::span(&said, 1)), {}));
}

void become_member(std::uint32_t number, const UniqueFd& errors, ::pid_t between) {
  ::setsid();
  // A shutdown in good order would touch, and so copy, more of the server's memory than all that it
  // has served.
  ::signal(SIGTERM, SIG_DFL);
  if (errors.has_value()) ::dup2(errors.get(), STDERR_FILENO);
  ::prctl(PR_SET_NAME, name);
  // The runner believes it of its own children alone.
  while (::getppid() == between) ::sched_yield();
  report(number, ::getpid(), 0);
  ::close(control);
  phase = Phase::member;
}

enum class Forked : unsigned char { parent, child };

// By a process between the two, so that the child is the runner's: PID 1 is given whoever has no
// parent any more, and is told of his end. That process lives on this one's memory, which is copied
// for the child alone.
Forked make_member(std::uint32_t number, const UniqueFd& errors, int& error) {
  const ::pid_t between = ::vfork();
  if (between < 0) {
    error = errno;
    return Forked::parent;
  }
  if (between == 0) {
    const ::pid_t own = ::getpid();
    const ::pid_t pid = ::fork();
    if (pid != 0) ::_exit(pid < 0 ? errno : 0);
    become_member(number, errors, own);
    return Forked::child;
  }
  int status = 0;
  while (::waitpid(between, &status, 0) < 0 && errno == EINTR) {
  }
  error = WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
  return Forked::parent;
}

// As accept(2) does.
int give(int connection, ::sockaddr* address, ::socklen_t* length) {
  if (address != nullptr && length != nullptr && *length >= sizeof address->sa_family) {
    address->sa_family = AF_UNIX;
    *length = sizeof address->sa_family;
  }
  return connection;
}

struct Asked {
  ReceiveStatus status;
  std::uint32_t number = 0;
  UniqueFd errors{}, connection{};
};

Asked receive_request() {
  ForkRequest request;
  const auto room = std::as_writable_bytes(std::span(&request, 1));
  ReceivedBytes received = receive_with_fds(BorrowedFd(control), room);
  if (received.status != ReceiveStatus::message) return {received.status};
  const std::size_t expected =
      request.number == 0 ? ForkRequest::fd_count_of_first : ForkRequest::fd_count;
  if (received.length != sizeof request || received.fd_count != expected) {
    return {ReceiveStatus::malformed};
  }
  return {received.status, request.number, std::move(received.fds[0]), std::move(received.fds[1])};
}

int wait_for_message() {
  ::pollfd polled{control, POLLIN, 0};
  // A signal is for the program to see.
  return ::poll(&polled, 1, -1) < 0 ? -1 : 0;
}

// One message of the adoption, and what it asks for. 0, or an errno.
template <typename Message>
int adopt_step() {
  if (wait_for_message() != 0) return errno;
  Message message;
  const auto room = std::as_writable_bytes(std::span(&message, 1));
  const ReceivedBytes received = receive_with_fds(BorrowedFd(control), room);
  if (received.status != ReceiveStatus::message || received.length != sizeof message ||
      received.fd_count != Message::fd_count) {
    return EINVAL;
  }
  return take_step(message, received.fds);
}

// Nobody's until here: with an error, or when the spare has gone, it ends.
void become_server_of_a_site() {
  ::prctl(PR_GET_NAME, name);
  ::prctl(PR_SET_NAME, "perchild-fork");
  ::signal(SIGTERM, SIG_DFL);
  report(0, ::getpid(), 0);
  int error = adopt_step<AdoptionPlace>();
  // In the site's own /proc, which is there by now.
  if (error == 0 && !has_one_thread()) error = EINVAL;
  if (error == 0) error = adopt_step<AdoptionWalls>();
  report(0, error == 0 ? ::getpid() : 0, error);
  if (error != 0) ::_exit(1);
  phase = Phase::serves;
}

int serve(::sockaddr* address, ::socklen_t* length) {
  for (;;) {
    if (wait_for_message() != 0) return -1;
    const Asked asked = receive_request();
    if (asked.status == ReceiveStatus::would_block || asked.status == ReceiveStatus::out_of_fds) {
      continue;
    }
    if (asked.status != ReceiveStatus::message || asked.number == 0) {
      errno = EINVAL;  // the end
      return -1;
    }
    int error = 0;
    if (make_member(asked.number, asked.errors, error) == Forked::child) {
      // Without FD_CLOEXEC, as accept(2) gives it.
      return give(::dup(asked.connection.get()), address, length);
    }
    if (error != 0) report(asked.number, 0, error);
  }
}

int serve_first(::sockaddr* address, ::socklen_t* length, int flags) {
  if (::getenv(spare_variable) != nullptr) {
    ::unsetenv(spare_variable);
    control = take_control();
    if (control < 0) ::_exit(1);
    become_server_of_a_site();
    return serve(address, length);
  }
  const int connection = accept_really(listener, address, length, flags);
  if (connection < 0) return connection;
  control = take_control();
  int error = 0;
  if (control < 0 || !has_one_thread()) {
    error = EINVAL;
  } else {
    ::prctl(PR_GET_NAME, name);
    const Asked first = receive_request();
    if (make_member(0, first.errors, error) == Forked::child) return connection;
  }
  if (error != 0) {
    if (control >= 0) {
      report(0, 0, error);
      ::close(control);
    }
    phase = Phase::none;
    return connection;
  }
  ::close(connection);
  phase = Phase::serves;
  ::signal(SIGTERM, SIG_DFL);
  ::prctl(PR_SET_NAME, "perchild-fork");
  return serve(address, length);
}

int accept_for(int socket, ::sockaddr* address, ::socklen_t* length, int flags) {
  if (socket == listener && phase != Phase::none) {
    switch (phase) {
      case Phase::unasked:
        return serve_first(address, length, flags);
      case Phase::serves:
        return serve(address, length);
      case Phase::member:  // its connection has ended
        ::_exit(0);
      case Phase::none:
        break;
    }
  }
  return accept_really(socket, address, length, flags);
}

}  // namespace
}  // namespace perchild

extern "C" {

[[gnu::visibility("default")]] int accept(int socket, ::sockaddr* address, ::socklen_t* length) {
  return perchild::accept_for(socket, address, length, 0);
}

[[gnu::visibility("default")]] int accept4(int socket, ::sockaddr* address, ::socklen_t* length,
                                           int flags) {
  return perchild::accept_for(socket, address, length, flags);
}
}
