// In place of perchild-worker. The file "order" in the site's folder says how it behaves:
//
//   serve                       as the real one, whose loop it is linked with
//   locked NAME ARGUMENT        makes an attack of attacks.h after the real lock-down, under the
//   real
//                               filter, once the master has believed it
//   unlocked NAME ARGUMENT      the same where the lock-down is left out
//   tell_master WHAT            sends the master what a worker may not
//   tell_router WHAT            sends each router what a worker may not
//   tell_checker WHAT           sends its checker what a worker may not
//   tell_keeper WHAT            asks the keeper for what it may not have, or for as much as it may
//   tell_keeper ticket_keys     says which it is given
//
// Before, it makes the attacks of "attacks" (tries.h).
//
// Results go to the site's error log, as "attack NAME ARGUMENT: ERRNO".
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>

#include "daemon/worker/tls.h"
#include "daemon/worker/worker_loop.h"
#include "privsep/identity_memory.h"
#include "privsep/inherited_fds.h"
#include "privsep/keeper_messages.h"
#include "privsep/sealed_memory.h"
#include "test/hostile/attacks.h"
#include "test/hostile/doubles/tries.h"

namespace perchild::test {
namespace {

struct Order {
  std::string manner, name, argument;
};

Order read_order(const std::string& folder) {
  Order order;
  std::ifstream(folder + "/order") >> order.manner >> order.name >> order.argument;
  return order;
}

void report(const Order& order, int result) {
  const std::string line = "attack " + order.manner + " " + order.name + " " + order.argument +
                           ": " + std::to_string(result) + "\n";
  [[maybe_unused]] const ssize_t said = ::write(ChildFds::log, line.data(), line.size());
}

void send_bytes(BorrowedFd socket, std::span<const std::byte> bytes, std::size_t fds = 0) {
  const std::vector<BorrowedFd> passed(fds, BorrowedFd(ChildFds::log));
  static_cast<void>(send_with_fds(socket, bytes, passed));
}

void misbehave(BorrowedFd socket, const std::string& what, std::uint32_t pid) {
  const std::array<std::byte, 7> garbage{std::byte{9}, std::byte{9}};
  if (what == "garbage") send_bytes(socket, garbage);
  if (what == "empty") send_bytes(socket, {});
  if (what == "descriptor_alone") send_bytes(socket, {}, 1);
  if (what == "extra_descriptor") send_bytes(socket, encode(Credit{1, 7}), 1);
  if (what == "extra_descriptors") send_bytes(socket, encode(Credit{1, 7}), max_passed_fds);
  if (what == "lock_down_descriptor") send_bytes(socket, encode(LockDownComplete{pid}), 1);
  if (what == "lock_down_twice") send_bytes(socket, encode(LockDownComplete{pid}));
  if (what == "wake") send_bytes(socket, encode(Wake{{0}}));
  if (what == "busy_without_idle") send_bytes(socket, encode(Busy{0}));
  if (what == "pong_without_ping") send_bytes(socket, encode(Pong{0}));
  if (what == "report_flood") {
    for (std::uint32_t i = 0; i < 10; ++i) send_bytes(socket, encode(WorkerReport{{}, i, 0}));
  }
  if (what == "routers_report") send_bytes(socket, encode(RouterReport{}));
  if (what == "idle_twice") {
    send_bytes(socket, encode(Idle{0}));
    send_bytes(socket, encode(Idle{0}));
  }
  if (what == "hand_over") send_bytes(socket, encode(HandOver{{}, 1, 0, 0, 0, 7}), 1);
  if (what == "peer_violation") send_bytes(socket, encode(PeerViolation{7}));
  if (what == "list_of_nobody") send_bytes(socket, encode(CheckPassword{1, 9, 0, 0, {}, {}}));
  if (what == "no_credit") send_bytes(socket, encode(Credit{0, 7}));
  if (what == "too_many_credits") send_bytes(socket, encode(Credit{max_credits + 1, 7}));
  if (what == "credits_beyond") {
    // The first may have been used in part before the second is read.
    send_bytes(socket, encode(Credit{max_credits, 7}));
    send_bytes(socket, encode(Credit{max_credits, 7}));
  }
}

std::string handshake_content() {
  std::string content = std::string(64, ' ') + "TLS 1.3, server CertificateVerify";
  content.resize(content.size() + 1 + 32);
  return content;
}

// By the first of the site's keys, which is of kind EC.
Sign request_to_sign(const std::string& content) {
  Sign request{.number = 1, .key = 0, .scheme = 0x0403, .length = 0, .content = {}};
  request.length =
      static_cast<std::uint32_t>(content.copy(request.content.data(), max_signed_content));
  return request;
}

// Of the keeper. The site has one key.
void ask_for_what_it_may_not_have(BorrowedFd socket, const std::string& what) {
  Sign request =
      request_to_sign(what == "sign_document" ? "I owe you everything" : handshake_content());
  if (what == "sign_with_another_key") request.key = 1;
  if (what == "sign_by_sha1") request.scheme = 0x0203;
  if (what == "sign_nothing") request.length = 0;
  if (what == "sign_beyond_all_keys") request.key = max_keys;
  const bool is_message = what.starts_with("sign_");
  if (is_message) send_bytes(socket, encode(request), what == "sign_with_descriptor" ? 1 : 0);
  for (int i = 0; what == "sign_without_reading" && i < 100'000; ++i) {
    if (send_with_fds(socket, encode(request), {}) == SendStatus::peer_gone) return;
  }
  if (!is_message) misbehave(socket, what, 0);
}

void watch(BorrowedFd epoll, BorrowedFd fd) {
  ::epoll_event event{EPOLLIN, {}};
  ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &event);
}

// The clock that the tests look at.
int milliseconds() {
  ::timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int>(now.tv_sec % 1'000'000 * 1000 + now.tv_nsec / 1'000'000);
}

// Has as many requests with the keeper as it may: once, or ("flood") for ever. Reports when these
// have been answered, each time.
void ask_for_many(Channel<Worker, Keeper> keeper, BorrowedFd epoll, const Order& order) {
  Sign request = request_to_sign(handshake_content());
  if (order.argument == "rsa") request.scheme = 0x0804;
  const auto say = [&](const char* what) {
    report({order.manner, order.name, what}, milliseconds());
  };
  watch(epoll, keeper.fd());
  for (unsigned i = 0; i < max_signatures; ++i) static_cast<void>(keeper.send(request));
  say("asked");
  for (unsigned answers = 0;;) {
    const auto received = keeper.receive();
    if (received.status == Channel<Worker, Keeper>::Status::would_block) {
      ::epoll_event event;
      ::epoll_wait(epoll.get(), &event, 1, -1);
      continue;
    }
    if (received.status != Channel<Worker, Keeper>::Status::message) return;
    if (!std::holds_alternative<Signature>(*received.message)) continue;
    if (++answers % max_signatures == 0) say("answered");
    if (order.name == "flood") static_cast<void>(keeper.send(request));
  }
}

void report_ticket_keys(Channel<Worker, Keeper> keeper, BorrowedFd epoll) {
  watch(epoll, keeper.fd());
  for (;;) {
    const auto received = keeper.receive();
    if (received.status == Channel<Worker, Keeper>::Status::would_block) {
      ::epoll_event event;
      ::epoll_wait(epoll.get(), &event, 1, -1);
    } else if (received.status == Channel<Worker, Keeper>::Status::message) {
      const TicketKeys::Key& key = std::get<TicketKeys>(*received.message).current;
      std::string line = "ticket keys";
      for (const auto part :
           {std::span<const unsigned char>(key.name), std::span<const unsigned char>(key.cipher),
            std::span<const unsigned char>(key.authentication)}) {
        line += ' ';
        for (const unsigned char byte : part) {
          line += "0123456789abcdef"[byte / 16];
          line += "0123456789abcdef"[byte % 16];
        }
      }
      line += '\n';
      [[maybe_unused]] const ssize_t said = ::write(ChildFds::log, line.data(), line.size());
      return;
    }
  }
}

// Takes messages of the master until it is killed; in the manner of tell_router answers each new
// channel so.
[[noreturn]] void obey(Channel<Worker, Master>& master, BorrowedFd epoll, const Order& order) {
  std::vector<UniqueFd> kept;
  for (;;) {
    auto received = master.receive();
    if (received.status == Channel<Worker, Master>::Status::would_block) {
      ::epoll_event event;
      ::epoll_wait(epoll.get(), &event, 1, -1);
      continue;
    }
    if (received.status != Channel<Worker, Master>::Status::message) {
      // Whoever has been taken over does not leave because its master has.
      ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, master.fd().get(), nullptr);
      ::epoll_event event;
      for (;;) ::epoll_wait(epoll.get(), &event, 1, -1);
    }
    if (order.manner == "tell_router" && std::holds_alternative<AttachRouter>(*received.message)) {
      misbehave(received.fd.borrow(), order.name, 0);
    }
    if (order.manner == "tell_checker" &&
        std::holds_alternative<AttachChecker>(*received.message)) {
      misbehave(received.fd.borrow(), order.name, 0);
    }
    if (order.manner == "tell_keeper" && std::holds_alternative<AttachKeeper>(*received.message)) {
      if (order.name == "flood" || order.name == "once") {
        ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, master.fd().get(), nullptr);
        ask_for_many(Channel<Worker, Keeper>(std::move(received.fd)), epoll, order);
        continue;
      }
      if (order.name == "ticket_keys") {
        report_ticket_keys(Channel<Worker, Keeper>(std::move(received.fd)), epoll);
        continue;
      }
      ask_for_what_it_may_not_have(received.fd.borrow(), order.name);
    }
    kept.push_back(std::move(received.fd));
  }
}

UniqueFd wait_for_access_log(Channel<Worker, Master>& master, BorrowedFd epoll) {
  for (;;) {
    auto received = master.receive();
    if (received.status == Channel<Worker, Master>::Status::message) return std::move(received.fd);
    if (received.status != Channel<Worker, Master>::Status::would_block) return UniqueFd();
    ::epoll_event event;
    ::epoll_wait(epoll.get(), &event, 1, -1);
  }
}

int serve(LockedDown<Role::worker> proof, SiteSettings settings, UniqueFd root,
          const UniqueFd& access_log, Channel<Worker, Master> master, UniqueFd epoll,
          std::unique_ptr<TlsSite> tls) {
  ServedSite site(std::move(settings), files::Docroot(std::move(root)), BorrowedFd(ChildFds::log),
                  access_log.borrow(), 1);
  return WorkerLoop(proof, site, std::move(master), std::move(epoll),
                    static_cast<std::uint32_t>(::getpid()), std::move(tls), find_http2_server())
      .run();
}

int run() {
  if (!take_identity(Role::worker, UniqueFd(ChildFds::identity))) return 3;
  const auto packed = SealedMapping::map(BorrowedFd(ChildFds::settings));
  const auto filter = SealedMapping::map(BorrowedFd(ChildFds::filter));
  if (!packed || !filter) return 3;
  auto settings = SiteSettings::unpack(packed->bytes());
  const Order order = read_order(settings->root);
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  Channel<Worker, Master> master{UniqueFd(ChildFds::control)};
  const auto pid = static_cast<std::uint32_t>(::getpid());
  watch(epoll.borrow(), master.fd());
  if (order.manner == "unlocked") {
    report(order, attack(order.name, order.argument));
    obey(master, epoll.borrow(), order);
  }
  if (order.manner == "not_locked_down") {
    static_cast<void>(master.send(LockDownComplete{pid}));
    obey(master, epoll.borrow(), order);
  }
  logs::LogClock::load();
  auto tls = TlsSite::make(*settings);
  if (!tls) return 3;
  UniqueFd root(::open(settings->root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const LockDownPlan plan{
      .filter = filter->bytes(), .new_root = root.borrow(), .root_is_readable = true};
  try_attacks(Role::worker, plan);
  const auto proof = lock_down<Role::worker>(plan);
  if (!proof) return 3;
  const std::uint32_t claimed = order.name == "wrong_pid" ? pid + 1 : pid;
  static_cast<void>(master.send(LockDownComplete{claimed}));
  if (order.manner == "tell_master") misbehave(master.fd(), order.name, pid);
  const UniqueFd access_log = wait_for_access_log(master, epoll.borrow());
  if (order.manner == "locked") report(order, attack(order.name, order.argument));
  if (order.manner == "serve") {
    ::epoll_ctl(epoll.get(), EPOLL_CTL_DEL, master.fd().get(), nullptr);
    return serve(*proof, std::move(*settings), std::move(root), access_log, std::move(master),
                 std::move(epoll), std::move(*tls));
  }
  obey(master, epoll.borrow(), order);
}

}  // namespace
}  // namespace perchild::test

int main() {
  ::prctl(PR_SET_NAME, "perchild-worker");
  return perchild::test::run();
}
