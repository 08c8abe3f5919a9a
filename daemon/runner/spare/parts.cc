#include "daemon/runner/spare/parts.h"

#include <poll.h>

#include <array>

namespace perchild {

Result<UniqueFd> wait_for(SparePart part, Channel<Spare, Master>& master,
                          const LoadedProgram& loaded) {
  using MasterChannel = Channel<Spare, Master>;
  std::array<::pollfd, 2> polled{
      {{master.fd().get(), POLLIN, 0}, {loaded.server.fd().get(), POLLIN, 0}}};
  for (;;) {
    auto received = master.receive();
    if (received.status == MasterChannel::Status::message) {
      const auto& take = std::get<TakePart>(*received.message);
      if (take.part != part) return failure({"take", "what comes in another order", 0});
      return std::move(received.fd);
    }
    if (received.status != MasterChannel::Status::would_block) {
      return failure({"hear", "the master", 0});
    }
    ::poll(polled.data(), polled.size(), -1);
    // It has nothing to say until it is asked.
    if (polled[1].revents != 0) return failure({"keep", loaded.settings.command.front(), 0});
  }
}

}  // namespace perchild
