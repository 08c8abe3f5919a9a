// What a process that has been taken over may send by a channel, made of the input: messages of its
// own with any numbers in them, and what is no message; with descriptors, as many as it likes.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "privsep/channel.h"
#include "test/fuzz/fuzz_driver.h"
#include "test/fuzz/states/stage.h"

namespace perchild::fuzz {

struct Letter {
  std::vector<std::byte> bytes;
  std::size_t fd_count = 0;
};

template <typename M>
Letter letter_of(const M& message) {
  const auto encoded = encode(message);
  return {{encoded.begin(), encoded.end()}, M::fd_count};
}

// A message with these numbers in it, word by word; others where it has more.
template <typename M>
M message_of(Script& script) {
  std::array<std::byte, sizeof(M)> bytes{};
  for (std::size_t at = 0; at < bytes.size() && !script.over(); at += sizeof(std::uint32_t)) {
    const std::uint32_t number = script.number();
    std::memcpy(bytes.data() + at, &number, std::min(sizeof number, bytes.size() - at));
  }
  M message;
  std::memcpy(&message, bytes.data(), sizeof message);
  return message;
}

template <typename Messages>
struct LetterBox;
template <typename... All>
struct LetterBox<std::variant<All...>> {
  static Letter write(Script& script) {
    static constexpr std::array<Letter (*)(Script&), sizeof...(All)> makers{
        [](Script& s) { return letter_of(message_of<All>(s)); }...};
    Letter letter = makers[script.below(makers.size())](script);
    damage(letter, script);
    return letter;
  }

 private:
  static void damage(Letter& letter, Script& script) {
    switch (script.byte()) {
      case 1:
        letter.bytes.resize(script.byte());
        break;
      case 2:
        letter.bytes.push_back(std::byte{0});
        break;
      case 3:
        letter.fd_count = script.below(2 * max_passed_fds);
        break;
      case 4:
        letter.bytes.resize(sizeof(MessageType));
        letter.bytes[0] = std::byte{script.byte()};
        break;
      default:
        break;
    }
  }
};

template <typename From, typename To>
Letter write_letter(Script& script) {
  return LetterBox<typename Direction<From, To>::Messages>::write(script);
}

template <typename From, typename To>
std::optional<typename Direction<From, To>::Messages> read_letter(const Letter& letter) {
  return Decoder<typename Direction<From, To>::Messages>::decode(letter.bytes, letter.fd_count);
}

// With as many copies of `fd`. False if the other end has no room or is closed.
inline bool post(BorrowedFd socket, const Letter& letter, BorrowedFd fd) {
  std::array<int, 2 * max_passed_fds> fds;
  fds.fill(fd.get());
  ::iovec part{const_cast<std::byte*>(letter.bytes.data()), letter.bytes.size()};
  alignas(::cmsghdr) std::array<char, CMSG_SPACE(sizeof fds)> control{};
  ::msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (letter.fd_count > 0) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(sizeof(int) * letter.fd_count);
    ::cmsghdr* first = CMSG_FIRSTHDR(&header);
    first->cmsg_level = SOL_SOCKET;
    first->cmsg_type = SCM_RIGHTS;
    first->cmsg_len = CMSG_LEN(sizeof(int) * letter.fd_count);
    std::memcpy(CMSG_DATA(first), fds.data(), sizeof(int) * letter.fd_count);
  }
  return ::sendmsg(socket.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

// All that has come by a channel: each is a message, and `take` is called with it and its
// descriptor. False if the other end has been closed.
template <typename Self, typename Peer, typename Take>
bool read_all(Channel<Self, Peer>& channel, Take take) {
  using Status = typename Channel<Self, Peer>::Status;
  for (;;) {
    auto received = channel.receive();
    check(received.status != Status::violation, "what a process of ours sends is a message");
    if (received.status != Status::message) return received.status == Status::would_block;
    std::visit([&](const auto& message) { take(message, std::move(received.fd)); },
               *received.message);
  }
}

}  // namespace perchild::fuzz
