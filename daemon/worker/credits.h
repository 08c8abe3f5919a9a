// How many connections the worker takes, and what of that it has promised to which router.
//
// Runs in: worker.
#pragma once

#include <algorithm>
#include <cstdint>

#include "privsep/messages.h"

namespace perchild {

// Room of the whole worker. One connection a router is allowed beyond the limit, so that what is
// promised to idle routers cannot be all there is.
class Room {
 public:
  explicit Room(std::uint32_t most) : most_(most) {}

  std::uint32_t open() const { return open_; }
  std::uint32_t free(std::size_t routers) const {
    const std::size_t used = std::size_t{open_} + promised_;
    const std::size_t all = most_ + routers;
    return static_cast<std::uint32_t>(used < all ? all - used : 0);
  }
  void add_open() { ++open_; }
  void remove_open() { --open_; }
  void promise(std::uint32_t count) { promised_ += count; }
  void unpromise(std::uint32_t count) { promised_ -= count; }

  // No more than half of the room goes into promises, so that one router's unused ones do not
  // starve another's clients.
  std::uint32_t window(std::size_t routers) const {
    const auto share = static_cast<std::uint32_t>(most_ / (2 * std::max<std::size_t>(routers, 1)));
    return std::clamp<std::uint32_t>(share, 1, max_credits);
  }

 private:
  std::uint32_t most_;
  std::uint32_t open_ = 0;
  std::uint32_t promised_ = 0;
};

// The credits of one router's channel: granted, and not used yet.
class Credits {
 public:
  // A connection has come.
  void use(Room& room) {
    if (held_ == 0) return;  // more than was granted: the router is not to be trusted
    --held_;
    room.unpromise(1);
  }

  // What to grant now: nothing while at least half of the window is still with the router, so that
  // grants go in batches.
  std::uint32_t due(const Room& room, std::size_t routers) const {
    const std::uint32_t window = room.window(routers);
    if (held_ > window / 2) return 0;
    return std::min(window - held_, room.free(routers));
  }
  void granted(Room& room, std::uint32_t count) {
    held_ += count;
    room.promise(count);
  }

  void give_up(Room& room) {
    room.unpromise(held_);
    held_ = 0;
  }

 private:
  std::uint32_t held_ = 0;
};

}  // namespace perchild
