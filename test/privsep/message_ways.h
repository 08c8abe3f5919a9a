// Every message in every direction that it may go, seen as bytes: what a channel is tested with is
// then compiled once, and not once for each message.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "privsep/channel.h"
#include "test/privsep/message_samples.h"

namespace perchild::test {

using Bytes = std::vector<std::byte>;

template <typename M>
Bytes bytes_of(const M& message) {
  const auto encoded = encode(message);
  return {encoded.begin(), encoded.end()};
}

// Of whichever message the variant has.
template <typename... All>
Bytes bytes_of(const std::variant<All...>& message) {
  return std::visit([](const auto& m) { return bytes_of(m); }, message);
}

// What Channel::Received says, of whatever channel.
enum class Outcome : std::uint8_t { message, would_block, peer_gone, out_of_fds, violation };

struct Receipt {
  Outcome outcome;
  std::optional<Bytes> message;  // encoded again
  UniqueFd fd;
};

// A channel: the end that sends, and the end that receives.
class Ends {
 public:
  virtual ~Ends() = default;
  virtual BorrowedFd sender() const = 0;
  virtual Receipt receive() = 0;
  virtual void close_sender() = 0;
  virtual void close_receiver() = 0;
};

struct Decoded {
  bool valid;
  Bytes encoded_again;
};

struct Way {
  std::uint32_t type;
  std::size_t fd_count;
  std::vector<Bytes> valid_samples;
  std::vector<Bytes> invalid_samples;
  std::set<std::uint32_t> permitted;  // the types that go this way
  std::unique_ptr<Ends> (*open)(UniqueFd sender, UniqueFd receiver);
  SendStatus (*send_last_sample)(Ends& ends, BorrowedFd fd);
  std::optional<Decoded> (*decode)(std::span<const std::byte> bytes, std::size_t fd_count);
};

template <typename From, typename To>
class EndsOf final : public Ends {
 public:
  EndsOf(UniqueFd sender, UniqueFd receiver)
      : sender_(std::in_place, std::move(sender)), receiver_(std::in_place, std::move(receiver)) {}

  template <typename M>
  SendStatus send(const M& message, BorrowedFd fd) {
    if constexpr (M::fd_count == 1) {
      return sender_->send(message, fd);
    } else {
      static_cast<void>(fd);
      return sender_->send(message);
    }
  }
  BorrowedFd sender() const override { return sender_->fd(); }

  Receipt receive() override {
    using Status = typename Channel<To, From>::Status;
    static_assert(static_cast<int>(Status::violation) == static_cast<int>(Outcome::violation));
    auto received = receiver_->receive();
    Receipt receipt{static_cast<Outcome>(received.status), std::nullopt, std::move(received.fd)};
    if (received.message) receipt.message = bytes_of(*received.message);
    return receipt;
  }

  void close_sender() override { sender_.reset(); }
  void close_receiver() override { receiver_.reset(); }

 private:
  std::optional<Channel<From, To>> sender_;
  std::optional<Channel<To, From>> receiver_;
};

template <typename From, typename To>
std::unique_ptr<Ends> open_way(UniqueFd sender, UniqueFd receiver) {
  return std::make_unique<EndsOf<From, To>>(std::move(sender), std::move(receiver));
}

template <typename From, typename To>
std::optional<Decoded> decode_on_way(std::span<const std::byte> bytes, std::size_t fd_count) {
  const auto message = Decoder<typename Direction<From, To>::Messages>::decode(bytes, fd_count);
  if (!message) return std::nullopt;
  const bool valid = std::visit([](const auto& m) { return m.valid(); }, *message);
  return Decoded{valid, bytes_of(*message)};
}

template <typename From, typename To, typename M>
Way way_of(const std::set<std::uint32_t>& permitted) {
  Way way{static_cast<std::uint32_t>(M::type),
          M::fd_count,
          {},
          {},
          permitted,
          open_way<From, To>,
          nullptr,
          decode_on_way<From, To>};
  for (const M& message : Samples<M>::valid()) way.valid_samples.push_back(bytes_of(message));
  for (const M& message : Samples<M>::invalid()) way.invalid_samples.push_back(bytes_of(message));
  way.send_last_sample = [](Ends& ends, BorrowedFd fd) {
    return static_cast<EndsOf<From, To>&>(ends).send(Samples<M>::valid().back(), fd);
  };
  return way;
}

template <typename From, typename To, typename... All>
void add_ways(std::vector<Way>& ways, const std::variant<All...>*) {
  const std::set<std::uint32_t> permitted{static_cast<std::uint32_t>(All::type)...};
  (ways.push_back(way_of<From, To, All>(permitted)), ...);
}

// Taken from the directions themselves, so that a new message cannot be forgotten.
template <typename From, typename To>
void add_direction(std::vector<Way>& ways) {
  add_ways<From, To>(ways, static_cast<const typename Direction<From, To>::Messages*>(nullptr));
}
template <typename A, typename B>
void add_both_directions(std::vector<Way>& ways) {
  add_direction<A, B>(ways);
  add_direction<B, A>(ways);
}

}  // namespace perchild::test
