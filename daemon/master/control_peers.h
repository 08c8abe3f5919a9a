// Who is connected to the master's sockets: commands of root's on `control`, of any local user on
// `status`.
//
// Runs in: master.
// Trusts: the kernel, for who is at the other end.
// Does not trust: local users. So many are served at once, in all and of one uid; each must say
// something from time to time and read what it is answered, or its connection is closed. Nobody is
// ever waited for.
#pragma once

#include <poll.h>

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "policy/ids.h"
#include "privsep/channel.h"
#include "privsep/control_messages.h"
#include "privsep/local_socket.h"
#include "vhosts/deadline_list.h"

namespace perchild {

// What a reload is to go by, as far as it has been sent.
struct OfferedTables {
  std::array<UniqueFd, table_kinds> tables;
  std::map<std::uint32_t, UniqueFd> listeners;  // by number

  BorrowedFd of(TableKind kind) const { return tables[static_cast<std::size_t>(kind)].borrow(); }
};

class ControlPeer {
 public:
  using OfRoot = Channel<Master, Command>;
  using OfUser = Channel<Master, LocalUser>;

  ControlPeer(std::variant<OfRoot, OfUser> channel, Uid uid, Clock::time_point until)
      : channel_(std::move(channel)), uid_(uid), deadline(until) {}

  bool is_root() const { return std::holds_alternative<OfRoot>(channel_); }
  Uid uid() const { return uid_; }
  // Whether it is shown what belongs to this user. Who has no name here has no site either.
  bool may_see(Uid owner) const { return is_root() || (uid_ == owner && owner != unmapped_uid); }

  std::variant<OfRoot, OfUser>& channel() { return channel_; }
  // See OnlyAsk.
  void only_ask() { only_asks_ = true; }
  bool only_asks() const { return only_asks_; }
  // When it has been silent for too long, if it may not be for ever.
  std::optional<Clock::time_point> overdue_at() const {
    if (only_asks_) return std::nullopt;
    return deadline + (takes_over ? start_patience : Clock::duration::zero());
  }
  bool is_overdue(Clock::time_point now) const {
    const auto at = overdue_at();
    return at && *at <= now;
  }

  BorrowedFd fd() const {
    return std::visit([](const auto& channel) { return channel.fd(); }, channel_);
  }

  // One that does not take what it is told is told no more.
  template <typename M, typename... Fd>
  void send(const M& message, Fd... fd) {
    auto* root = std::get_if<OfRoot>(&channel_);
    const SendStatus status = root != nullptr ? send_on(*root, message, fd...)
                                              : send_on(std::get<OfUser>(channel_), message, fd...);
    if (status != SendStatus::sent) closed = true;
  }

 private:
  // A successor of very many sites, which are checked once more, takes its time to start.
  static constexpr std::chrono::minutes start_patience{10};

  template <typename Peers, typename M, typename... Fd>
  static SendStatus send_on(Peers& channel, const M& message, Fd... fd) {
    if constexpr (requires { channel.send(message, fd...); }) {
      return channel.send(message, fd...);
    } else {
      return SendStatus::failed;  // root's alone
    }
  }

  std::variant<OfRoot, OfUser> channel_;
  Uid uid_;
  bool only_asks_ = false;

 public:
  Clock::time_point deadline;  // to say something by
  bool closed = false;         // is forgotten when the turn is over
  OfferedTables offer;
  bool takes_over = false;  // see TakeOver
  bool reopening = false;   // is to be told when all logs are open
  bool reloading = false;   // is to be told when all routers go by what it has offered
};

class ControlPeers {
 public:
  static constexpr std::size_t most_of_root = 32;
  static constexpr std::size_t most_users = 64;
  static constexpr std::size_t most_of_one_user = 4;
  static constexpr std::chrono::seconds patience{30};  // between two messages of a peer

  // Two listening sockets.
  ControlPeers(UniqueFd control, UniqueFd status)
      : control_(std::move(control)), status_(std::move(status)) {}

  // Appends what is to be waited for, and takes from the same entries who has something to say.
  void append_polled(std::vector<::pollfd>& polled, Clock::time_point now) const;
  std::vector<ControlPeer*> readable(std::span<const ::pollfd> polled, Clock::time_point now);
  // Then: lets those in who have connected, each of whom is told `greeting`.
  void accept(std::span<const ::pollfd> polled, const Greeting& greeting, Clock::time_point now);

  // While somebody takes over, nobody else is let in: he waits for the successor, or the end of it.
  bool somebody_takes_over() const;
  // From now on it is for the successor to let in whoever comes.
  void close_doors() {
    control_.reset();
    status_.reset();
  }
  BorrowedFd control() const { return control_.borrow(); }
  BorrowedFd status() const { return status_.borrow(); }

  template <typename Act>
  void for_each(Act act) {
    for (const auto& peer : peers_) act(*peer);
  }

  // When somebody has been silent for too long, or connections can be taken again.
  std::optional<Clock::time_point> next_deadline(Clock::time_point now) const;
  void forget_closed(Clock::time_point now);

 private:
  enum class Door : bool { control, status };
  void accept(Door door, const Greeting& greeting, Clock::time_point now);
  bool has_room(Door door, Uid uid) const;

  UniqueFd control_;
  UniqueFd status_;
  std::vector<std::unique_ptr<ControlPeer>> peers_;
  Clock::time_point accept_again_at_{};  // out of descriptors until then
};

}  // namespace perchild
