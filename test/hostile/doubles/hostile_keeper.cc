// In place of perchild-keeper. The file "keeper-order" beside the executable says how it behaves:
//
//   (none)              as the real one, whose loop it is linked with
//   tell_master WHAT    sends the master what a keeper may not, once it has been given a channel
//   tell_worker WHAT    sends the first worker of which it hears what a keeper may not
//   lie                 answers each request with what is no signature
//   use_keys            signs a text of its own with the key of each of two sites, and says so
//
// Else it locks itself down and serves as the real one does.
#include <openssl/evp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <sstream>
#include <string>
#include <vector>

#include "daemon/keeper/keeper_loop.h"
#include "privsep/inherited_fds.h"
#include "privsep/sealed_memory.h"
#include "test/hostile/doubles/tries.h"

namespace perchild::test {
namespace {

struct Order {
  std::string manner, what;
};

Order read_order() {
  Order order;
  std::istringstream(read_beside_executable("keeper-order")) >> order.manner >> order.what;
  return order;
}

void send_bytes(BorrowedFd socket, std::span<const std::byte> bytes, bool with_descriptor = false) {
  const std::vector<BorrowedFd> passed(with_descriptor ? 1 : 0, BorrowedFd(ChildFds::log));
  static_cast<void>(send_with_fds(socket, bytes, passed));
}

void misbehave(BorrowedFd socket, const std::string& what, std::uint32_t channel) {
  const std::array<std::byte, 7> garbage{std::byte{9}, std::byte{9}};
  const LockDownComplete complete{static_cast<std::uint32_t>(::getpid())};
  const Signature unasked{.number = 1000, .length = 8, .bytes = {}};
  if (what == "garbage") send_bytes(socket, garbage);
  if (what == "wake") send_bytes(socket, encode(Wake{{0}}));
  if (what == "give_keys") send_bytes(socket, encode(TakeKeys{0}), true);
  if (what == "lock_down_twice") send_bytes(socket, encode(complete));
  if (what == "lock_down_descriptor") send_bytes(socket, encode(complete), true);
  if (what == "violation_on_no_channel") send_bytes(socket, encode(PeerViolation{1000}));
  if (what == "violation_on_channel_0") send_bytes(socket, encode(PeerViolation{0}));
  if (what == "accuse") send_bytes(socket, encode(PeerViolation{channel}));
  if (what == "unasked") send_bytes(socket, encode(unasked));
  if (what == "descriptor") send_bytes(socket, encode(unasked), true);
  if (what == "question") send_bytes(socket, encode(Sign{1, 0, 0x0403, 1, {}}));
  if (what == "too_long") {
    Signature signature = unasked;
    signature.length = max_signature + 1;
    send_bytes(socket, encode(signature));
  }
  if (what == "one_ticket_key") send_bytes(socket, encode(TicketKeys{}));
}

// Nothing asks what a key is used for but SiteKeys, which who has been taken over need not call.
int sign_anything(SealedMapping& memory, SiteId site) {
  const auto ring = tls::KeyRing::unpack(memory.bytes());
  if (!ring || ring->keys_of(site).empty()) return ENOENT;
  const std::string_view packed = ring->keys_of(site).front();
  const auto* at = reinterpret_cast<const unsigned char*>(packed.data());
  const Key key(::d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(packed.size())));
  ::EVP_MD_CTX* const context = ::EVP_MD_CTX_new();
  std::array<unsigned char, max_signature> signature;
  std::size_t length = signature.size();
  const bool made = ::EVP_DigestSignInit_ex(context, nullptr, "SHA256", nullptr, nullptr, key.get(),
                                            nullptr) == 1 &&
                    ::EVP_DigestSign(context, signature.data(), &length,
                                     reinterpret_cast<const unsigned char*>("I owe you"), 9) == 1;
  ::EVP_MD_CTX_free(context);
  return made ? 0 : EIO;
}

void use_keys(BorrowedFd fd) {
  auto memory = SealedMapping::map(fd);
  for (const std::uint32_t site : {0U, 1U}) {
    const int result = memory ? sign_anything(*memory, SiteId{site}) : EBADF;
    const std::string line =
        "attack use_key " + std::to_string(site) + ": " + std::to_string(result) + "\n";
    [[maybe_unused]] const ssize_t said = ::write(ChildFds::log, line.data(), line.size());
  }
}

// The real one's work, for few workers.
class TakenOverKeeper {
 public:
  TakenOverKeeper(Channel<Keeper, Master> master, UniqueFd epoll, Order order)
      : master_(std::move(master)), epoll_(std::move(epoll)), order_(std::move(order)) {
    watch(master_.fd());
  }

  [[noreturn]] void run() {
    for (;;) {
      ::epoll_event event;
      ::epoll_wait(epoll_.get(), &event, 1, -1);
      hear_master();
      for (Signer& signer : signers_) answer(signer);
    }
  }

 private:
  struct Signer {
    std::shared_ptr<SiteKeys> keys;
    Channel<Keeper, Worker> channel;
  };

  void watch(BorrowedFd fd) {
    ::epoll_event event{EPOLLIN, {}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event);
  }

  void hear_master() {
    auto received = master_.receive();
    if (received.status == Channel<Keeper, Master>::Status::peer_gone) ::_exit(1);
    if (received.status != Channel<Keeper, Master>::Status::message) return;
    if (std::holds_alternative<TakeKeys>(*received.message)) {
      keys_.load(received.fd.borrow());
      if (order_.manner == "use_keys") use_keys(received.fd.borrow());
    } else {
      attach(std::get<AttachSigner>(*received.message), std::move(received.fd));
    }
  }

  void attach(const AttachSigner& message, UniqueFd fd) {
    watch(fd.borrow());
    signers_.push_back({keys_.open(message.site), Channel<Keeper, Worker>(std::move(fd))});
    auto& channel = signers_.back().channel;
    static_cast<void>(channel.send(tickets_.of(message.site, Generation{message.generation})));
    if (signers_.size() > 1) return;
    if (order_.manner == "tell_master") misbehave(master_.fd(), order_.what, message.channel);
    if (order_.manner == "tell_worker") misbehave(channel.fd(), order_.what, message.channel);
  }

  void answer(Signer& signer) {
    const auto received = signer.channel.receive();
    if (received.status == Channel<Keeper, Worker>::Status::peer_gone) {
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, signer.channel.fd().get(), nullptr);
    }
    if (received.status != Channel<Keeper, Worker>::Status::message) return;
    const auto& request = std::get<Sign>(*received.message);
    Signature signature{.number = request.number, .length = 70, .bytes = {}};
    if (order_.manner != "lie") static_cast<void>(signer.keys->sign(request, signature));
    static_cast<void>(signer.channel.send(signature));
  }

  Channel<Keeper, Master> master_;
  UniqueFd epoll_;
  const Order order_;
  KeyStore keys_;
  TicketKeyStore tickets_{Clock::now()};
  std::vector<Signer> signers_;
};

int run() {
  if (!warm_up_signing()) return 3;
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  const auto filter = SealedMapping::map(BorrowedFd(ChildFds::filter));
  if (!filter) return 3;
  Order order = read_order();
  const LockDownPlan plan{.filter = filter->bytes(), .new_root = BorrowedFd(ChildFds::keeper_root)};
  try_attacks(Role::keeper, plan);
  const auto proof = lock_down<Role::keeper>(plan);
  if (!proof) return 3;
  Channel<Keeper, Master> master{UniqueFd(ChildFds::control)};
  const auto pid = static_cast<std::uint32_t>(::getpid());
  static_cast<void>(master.send(LockDownComplete{order.manner == "wrong_pid" ? pid + 1 : pid}));
  if (order.manner.empty()) return KeeperLoop(*proof, std::move(master), std::move(epoll)).run();
  TakenOverKeeper(std::move(master), std::move(epoll), std::move(order)).run();
}

}  // namespace
}  // namespace perchild::test

int main() {
  ::prctl(PR_SET_NAME, "perchild-keeper");
  return perchild::test::run();
}
