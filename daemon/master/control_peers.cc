#include "daemon/master/control_peers.h"

#include <algorithm>
#include <cerrno>

namespace perchild {
namespace {

constexpr std::size_t doors = 2;  // come first among what is polled
constexpr std::chrono::seconds out_of_descriptors_pause{1};
constexpr int accepts_at_once = 16;

}  // namespace

void ControlPeers::append_polled(std::vector<::pollfd>& polled, Clock::time_point now) const {
  // poll(2) passes over negative descriptors.
  const bool accepts = accept_again_at_ <= now && !somebody_takes_over();
  for (const UniqueFd* door : {&control_, &status_}) {
    polled.push_back({accepts ? door->get() : -1, POLLIN, 0});
  }
  for (const auto& peer : peers_) polled.push_back({peer->fd().get(), POLLIN, 0});
}

std::vector<ControlPeer*> ControlPeers::readable(std::span<const ::pollfd> polled,
                                                 Clock::time_point now) {
  std::vector<ControlPeer*> ready;
  PERCHILD_ASSERT(polled.size() == doors + peers_.size());
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    if (polled[doors + i].revents == 0) continue;
    peers_[i]->deadline = now + patience;
    ready.push_back(peers_[i].get());
  }
  return ready;
}

bool ControlPeers::somebody_takes_over() const {
  return std::any_of(peers_.begin(), peers_.end(),
                     [](const auto& peer) { return peer->takes_over && !peer->closed; });
}

void ControlPeers::accept(std::span<const ::pollfd> polled, const Greeting& greeting,
                          Clock::time_point now) {
  if (polled[0].revents != 0) accept(Door::control, greeting, now);
  if (polled[1].revents != 0) accept(Door::status, greeting, now);
}

void ControlPeers::accept(Door door, const Greeting& greeting, Clock::time_point now) {
  for (int i = 0; i < accepts_at_once; ++i) {
    auto accepted = accept_local(door == Door::control ? control_.borrow() : status_.borrow());
    if (!accepted) {
      // The connection stays queued, and would be reported for ever.
      if (accepted.error().error != EAGAIN) accept_again_at_ = now + out_of_descriptors_pause;
      return;
    }
    const auto uid = peer_uid(accepted->borrow());
    if (!uid || !has_room(door, *uid)) continue;  // sees its connection close
    const Clock::time_point until = now + patience;
    peers_.push_back(
        door == Door::control
            ? std::make_unique<ControlPeer>(ControlPeer::OfRoot(std::move(*accepted)), *uid, until)
            : std::make_unique<ControlPeer>(ControlPeer::OfUser(std::move(*accepted)), *uid,
                                            until));
    peers_.back()->send(greeting);
  }
}

bool ControlPeers::has_room(Door door, Uid uid) const {
  std::size_t same_door = 0;
  std::size_t same_user = 0;
  for (const auto& peer : peers_) {
    if (peer->is_root() != (door == Door::control)) continue;
    ++same_door;
    if (peer->uid() == uid) ++same_user;
  }
  if (door == Door::control) return same_door < most_of_root;
  return same_door < most_users && same_user < most_of_one_user;
}

std::optional<Clock::time_point> ControlPeers::next_deadline(Clock::time_point now) const {
  std::optional<Clock::time_point> first;
  if (accept_again_at_ > now) first = accept_again_at_;
  for (const auto& peer : peers_) {
    const auto at = peer->overdue_at();
    if (at && (!first || *at < *first)) first = at;
  }
  return first;
}

void ControlPeers::forget_closed(Clock::time_point now) {
  std::erase_if(peers_, [&](const auto& peer) { return peer->closed || peer->is_overdue(now); });
}

}  // namespace perchild
