// What comes by each channel, towards each receiver: a message of that direction in its one form,
// or a violation. The first byte chooses the direction, the second how many descriptors come along.
#include <array>
#include <cstring>

#include "privsep/channel.h"
#include "privsep/checker_messages.h"
#include "privsep/control_messages.h"
#include "privsep/keeper_messages.h"
#include "privsep/runner_messages.h"
#include "privsep/spare_messages.h"
#include "test/fuzz/fuzz_driver.h"

namespace perchild {
namespace {

using fuzz::check;

template <typename From, typename To>
void decode(std::span<const std::byte> bytes, std::size_t fd_count) {
  const auto message = Decoder<typename Direction<From, To>::Messages>::decode(bytes, fd_count);
  if (!message) return;
  std::visit(
      [&](const auto& decoded) {
        using M = std::decay_t<decltype(decoded)>;
        check(decoded.valid(), "only what is valid is decoded");
        check(fd_count == M::fd_count, "with as many descriptors as it has");
        const auto again = encode(decoded);
        check(again.size() == bytes.size() &&
                  std::memcmp(again.data(), bytes.data(), bytes.size()) == 0,
              "there is one form of it");
      },
      *message);
}

using Decode = void (*)(std::span<const std::byte>, std::size_t);
constexpr std::array<Decode, 24> directions{
    decode<Master, Router>,    decode<Router, Master>,  decode<Router, Worker>,
    decode<Worker, Router>,    decode<Master, Worker>,  decode<Worker, Master>,
    decode<Master, Checker>,   decode<Checker, Master>, decode<Worker, Checker>,
    decode<Checker, Worker>,   decode<Master, Keeper>,  decode<Keeper, Master>,
    decode<Worker, Keeper>,    decode<Keeper, Worker>,  decode<Master, Runner>,
    decode<Runner, Master>,    decode<Worker, Runner>,  decode<Runner, Worker>,
    decode<Command, Master>,   decode<Master, Command>, decode<LocalUser, Master>,
    decode<Master, LocalUser>, decode<Master, Spare>,   decode<Spare, Master>,
};

}  // namespace
}  // namespace perchild

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t chosen = 2;
  if (size < chosen) return 0;
  const auto bytes = std::as_bytes(std::span(data, size)).subspan(chosen);
  perchild::directions[data[0] % perchild::directions.size()](bytes, data[1] % 4);
  return 0;
}
