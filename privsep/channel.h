// A typed channel to one peer. `send(M)` exists only for messages that go that way; `receive()`
// decodes only those that come the other way.
//
// Runs in: master, router, worker.
// Does not trust: the peer. Whatever is not exactly one permitted message is a `violation`; the
// caller then ends the peer (see SECURITY.md), it never carries on.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>

#include "privsep/fd_passing.h"
#include "privsep/messages.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

template <typename M, typename Variant>
inline constexpr bool is_alternative = false;
template <typename M, typename... All>
inline constexpr bool is_alternative<M, std::variant<All...>> = (std::is_same_v<M, All> || ...);

template <typename M, typename From, typename To>
concept Goes = is_alternative<M, typename Direction<From, To>::Messages>;

template <typename Variant>
inline constexpr std::size_t largest_message = 0;
template <typename... All>
inline constexpr std::size_t largest_message<std::variant<All...>> =
    sizeof(MessageType) + std::max({sizeof(All)...});

// Reads one message of the alternatives out of exactly `bytes` and `fd_count`. Nullopt for anything
// else.
template <typename Variant>
struct Decoder;
template <typename... All>
struct Decoder<std::variant<All...>> {
  static_assert((std::has_unique_object_representations_v<All> && ...), "no padding on the wire");

  static std::optional<std::variant<All...>> decode(std::span<const std::byte> bytes,
                                                    std::size_t fd_count) {
    MessageType type;
    if (bytes.size() < sizeof type) return std::nullopt;
    std::memcpy(&type, bytes.data(), sizeof type);
    std::optional<std::variant<All...>> message;
    (try_one<All>(type, bytes.subspan(sizeof type), fd_count, message) || ...);
    return message;
  }

 private:
  template <typename M>
  static bool try_one(MessageType type, std::span<const std::byte> body, std::size_t fd_count,
                      std::optional<std::variant<All...>>& message) {
    if (type != M::type) return false;
    if (body.size() != sizeof(M) || fd_count != M::fd_count) return true;
    M decoded;
    std::memcpy(&decoded, body.data(), sizeof decoded);
    if (decoded.valid()) message = decoded;
    return true;
  }
};

template <typename M>
std::array<std::byte, sizeof(MessageType) + sizeof(M)> encode(const M& message) {
  std::array<std::byte, sizeof(MessageType) + sizeof(M)> bytes;
  std::memcpy(bytes.data(), &M::type, sizeof(MessageType));
  std::memcpy(bytes.data() + sizeof(MessageType), &message, sizeof message);
  return bytes;
}

template <typename Self, typename Peer>
class Channel {
 public:
  using Incoming = typename Direction<Peer, Self>::Messages;

  enum class Status : std::uint8_t { message, would_block, peer_gone, out_of_fds, violation };

  struct Received {
    Status status;
    std::optional<Incoming> message;  // with Status::message
    UniqueFd fd;                      // with a message that carries one
  };

  explicit Channel(UniqueFd socket) : socket_(std::move(socket)) {}

  BorrowedFd fd() const { return socket_.borrow(); }
  // For a peer that from here on is another.
  UniqueFd take_socket() && { return std::move(socket_); }

  template <Goes<Self, Peer> M>
  requires(M::fd_count == 0) [[nodiscard]] SendStatus send(const M& message) {
    return send_with_fds(socket_.borrow(), encode(message), {});
  }

  template <Goes<Self, Peer> M>
  requires(M::fd_count == 1) [[nodiscard]] SendStatus send(const M& message, BorrowedFd fd) {
    return send_with_fds(socket_.borrow(), encode(message), std::span(&fd, 1));
  }

  // At most max_batch messages, the i-th with `fds[i]`.
  template <Goes<Self, Peer> M>
  requires(M::fd_count == 1) [[nodiscard]] BatchSent
      send_batch(std::span<const M> messages, std::span<const BorrowedFd> fds) {
    std::array<decltype(encode(messages[0])), max_batch> encoded;
    std::array<std::span<const std::byte>, max_batch> bytes;
    PERCHILD_ASSERT(messages.size() <= max_batch && fds.size() == messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) bytes[i] = encoded[i] = encode(messages[i]);
    return send_batch_with_fds(socket_.borrow(), std::span(bytes).first(messages.size()), fds);
  }

  [[nodiscard]] Received receive() {
    std::array<std::byte, largest_message<Incoming>> buffer;
    ReceivedBytes raw = receive_with_fds(socket_.borrow(), buffer);
    switch (raw.status) {
      case ReceiveStatus::would_block:
        return {Status::would_block, std::nullopt, UniqueFd()};
      case ReceiveStatus::peer_gone:
        return {Status::peer_gone, std::nullopt, UniqueFd()};
      case ReceiveStatus::out_of_fds:
        return {Status::out_of_fds, std::nullopt, UniqueFd()};
      case ReceiveStatus::malformed:
      case ReceiveStatus::failed:
        return {Status::violation, std::nullopt, UniqueFd()};
      case ReceiveStatus::message:
        break;
    }
    auto message = Decoder<Incoming>::decode(std::span(buffer).first(raw.length), raw.fd_count);
    if (!message) return {Status::violation, std::nullopt, UniqueFd()};
    return {Status::message, std::move(message), std::move(raw.fds[0])};
  }

 private:
  static_assert(max_passed_fds > 1, "a surplus descriptor must be seen");
  UniqueFd socket_;
};

struct SocketPair {
  UniqueFd first;
  UniqueFd second;
};

// Both ends of a new channel: SEQPACKET, non-blocking, close-on-exec.
Result<SocketPair> make_channel_pair();

}  // namespace perchild
