// What a child says, heard by the master: so many messages at a time, and the first that is none,
// or is not permitted now, is its last.
//
// Runs in: master.
// Does not trust: the child.
#pragma once

#include <optional>
#include <variant>

#include "daemon/master/children.h"

namespace perchild {

enum class Offence : std::uint8_t {
  no_message,     // what it sent is none of its messages
  not_permitted,  // one of them, but not now
};
constexpr const char* text_of(Offence offence) {
  return offence == Offence::no_message ? "sent what is no message"
                                        : "sent what it may not send now";
}

// `most`: messages, so that a child that floods keeps nobody from being heard. `is_permitted` is
// asked of each, and acts on it; `punish` is told of an offence, and ends the child: first that,
// then its channel, or the child would see the channel's end and could leave of its own accord.
template <typename Peer, typename IsPermitted, typename Punish>
void hear(std::optional<Channel<Master, Peer>>& control, Child& child, Clock::time_point now,
          int most, IsPermitted is_permitted, Punish punish) {
  using Status = typename Channel<Master, Peer>::Status;
  const auto end = [&](Offence offence) {
    punish(offence);
    control.reset();
  };
  for (int i = 0; i < most && control; ++i) {
    const auto received = control->receive();
    switch (received.status) {
      case Status::would_block:
        return;
      case Status::peer_gone:
        child.hung_up_at = now;  // its death follows by SIGCHLD, or else
        return control.reset();
      case Status::violation:
      case Status::out_of_fds:  // nothing that a child sends has one
        return end(Offence::no_message);
      case Status::message:
        break;
    }
    if (!std::visit(is_permitted, *received.message)) return end(Offence::not_permitted);
  }
}

}  // namespace perchild
