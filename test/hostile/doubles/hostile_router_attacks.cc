#include "test/hostile/doubles/hostile_router_attacks.h"

#include <arpa/inet.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "privsep/channel.h"
#include "privsep/fd_passing.h"
#include "privsep/inherited_fds.h"
#include "privsep/messages.h"

namespace perchild::test {
namespace {

constexpr BorrowedFd master(ChildFds::control);
constexpr int highest_descriptor = 64;

struct Stolen {
  int connection;
  int listener;
};

void send_bytes(BorrowedFd socket, std::span<const std::byte> bytes,
                const std::vector<BorrowedFd>& fds = {}) {
  static_cast<void>(send_with_fds(socket, bytes, fds));
}

// The sites' channels are found by trial: which descriptors they are, only the loop knows. An
// attacker would have the same question, and this answer.
void send_to_workers(const Stolen& stolen, std::span<const std::byte> bytes,
                     const std::vector<BorrowedFd>& fds = {}) {
  for (int fd = ChildFds::control + 1; fd < highest_descriptor; ++fd) {
    // On anything else that is no channel to a worker this fails.
    if (fd != stolen.connection) send_bytes(BorrowedFd(fd), bytes, fds);
  }
}

constexpr HandOver hand_over{
    {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}, 12345, 0, 0, 0, 7};

constexpr HandOver hand_over_of_http2 = [] {
  HandOver message = hand_over;
  message.http2 = 1;
  return message;
}();

constexpr HandOver hand_over_of_tls = [] {
  HandOver message = hand_over;
  message.encrypted = 1;
  return message;
}();

// Whoever has been taken over does not leave because its master has.
[[noreturn]] void stay() {
  std::uint32_t never = 0;
  for (;;) ::syscall(SYS_futex, &never, FUTEX_WAIT, 0, nullptr, nullptr, 0);
}

void connect_out(const Stolen&) {
  ::sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::sendto(master.get(), "x", 1, MSG_FASTOPEN | MSG_DONTWAIT | MSG_NOSIGNAL,
           reinterpret_cast<::sockaddr*>(&to), sizeof to);
}

using Deed = std::function<void(const Stolen&)>;
const std::map<std::string, Deed, std::less<>> deeds{
    {"unknown_site", [](const Stolen&) { send_bytes(master, encode(Wake{{1000}})); }},
    {"impossible_site", [](const Stolen&) { send_bytes(master, encode(Wake{{~0U}})); }},
    {"wake_twice",
     [](const Stolen&) {
       send_bytes(master, encode(Wake{{1}}));
       send_bytes(master, encode(Wake{{1}}));
     }},
    {"wake_flood",
     [](const Stolen&) {
       for (int i = 0; i < 100'000; ++i) send_bytes(master, encode(Wake{{0}}));
     }},
    {"report_flood",
     [](const Stolen&) {
       for (int i = 0; i < 10; ++i) send_bytes(master, encode(RouterReport{}));
     }},
    {"queue_report_flood",
     [](const Stolen&) {
       for (int i = 0; i < 100; ++i) send_bytes(master, encode(QueueReport{{0}, 1, 0}));
     }},
    {"queue_report_of_no_site",
     [](const Stolen&) {
       send_bytes(master, encode(QueueReport{{1000}, 1, 0}));
     }},
    {"garbage", [](const Stolen&) { send_bytes(master, std::array<std::byte, 5>{std::byte{6}}); }},
    {"wrong_direction", [](const Stolen&) { send_bytes(master, encode(Drain{0})); }},
    {"extra_descriptor",
     [](const Stolen& stolen) {
       send_bytes(master, encode(Wake{{0}}), {BorrowedFd(stolen.connection)});
     }},
    {"many_descriptors",
     [](const Stolen& stolen) {
       send_bytes(master, encode(Wake{{0}}),
                  std::vector<BorrowedFd>(max_passed_fds, BorrowedFd(stolen.connection)));
     }},
    {"violation_on_no_channel",
     [](const Stolen&) {
       send_bytes(master, encode(WorkerViolation{{0}, 0, 1000, 0}));
     }},
    {"violation_on_channel_0",
     [](const Stolen&) {
       send_bytes(master, encode(WorkerViolation{{0}, 0, 0, 0}));
     }},
    {"violation_of_a_sleeping_site",
     [](const Stolen&) {
       send_bytes(master, encode(WorkerViolation{{1}, 0, 1, 0}));
     }},
    {"accuse_a_worker",
     [](const Stolen&) {
       for (std::uint32_t channel = 1; channel < 8; ++channel) {
         send_bytes(master, encode(WorkerViolation{{0}, 0, channel, 0}));
       }
     }},
    {"queue_of_an_unknown_site",
     [](const Stolen&) { send_bytes(master, encode(QueueStands{{1000}})); }},
    {"routes_of_no_reload", [](const Stolen&) { send_bytes(master, encode(RoutesTaken{1})); }},
    {"routes_of_the_future", [](const Stolen&) { send_bytes(master, encode(RoutesTaken{9})); }},
    {"silence_on_no_channel",
     [](const Stolen&) {
       send_bytes(master, encode(WorkerSilent{{0}, 1000}));
     }},
    {"workers_silent",
     [](const Stolen&) {
       for (int i = 0; i < 10'000; ++i) send_bytes(master, encode(WorkerSilent{{0}, 1}));
     }},
    {"some_queues_stand",
     [](const Stolen&) {
       for (std::uint32_t i = 0; i < 500; ++i) send_bytes(master, encode(QueueStands{{i % 2}}));
     }},
    {"queues_stand",
     [](const Stolen&) {
       for (std::uint32_t i = 0; i < 1'000'000; ++i) {
         send_bytes(master, encode(QueueStands{{i % 2}}));
       }
     }},
    {"second_lock_down", [](const Stolen&) { send_bytes(master, encode(LockDownComplete{2})); }},
    {"empty_message",
     [](const Stolen&) {
       send_bytes(master, {});
       stay();
     }},
    {"hang_up",
     [](const Stolen&) {
       ::shutdown(master.get(), SHUT_WR);
       stay();
     }},
    {"close_the_listener", [](const Stolen& stolen) { ::shutdown(stolen.listener, SHUT_RD); }},
    {"connect_out", connect_out},
    {"hand_over_memory",
     [](const Stolen& stolen) {
       send_to_workers(stolen, encode(hand_over), {BorrowedFd(ChildFds::filter)});
     }},
    {"hand_over_listener",
     [](const Stolen& stolen) {
       send_to_workers(stolen, encode(hand_over), {BorrowedFd(stolen.listener)});
     }},
    {"hand_over_to_all",
     [](const Stolen& stolen) {
       send_to_workers(stolen, encode(hand_over), {BorrowedFd(stolen.connection)});
     }},
    {"hand_over_http2",
     [](const Stolen& stolen) {
       send_to_workers(stolen, encode(hand_over_of_http2), {BorrowedFd(stolen.connection)});
     }},
    {"hand_over_tls",
     [](const Stolen& stolen) {
       send_to_workers(stolen, encode(hand_over_of_tls), {BorrowedFd(stolen.connection)});
     }},
    {"hand_over_two",
     [](const Stolen& stolen) {
       const BorrowedFd connection(stolen.connection);
       send_to_workers(stolen, encode(hand_over), {connection, connection});
     }},
    {"hand_over_garbage",
     [](const Stolen& stolen) { send_to_workers(stolen, std::array<std::byte, 5>{std::byte{8}}); }},
    {"hand_over_flood",
     [](const Stolen& stolen) {
       for (int i = 0; i < 2000; ++i) {
         send_to_workers(stolen, encode(hand_over), {BorrowedFd(stolen.connection)});
       }
     }},
};

}  // namespace

void attack_as_router(std::string_view name, int connection, int listener) {
  const auto found = deeds.find(name);
  if (found != deeds.end()) found->second({connection, listener});
}

}  // namespace perchild::test
