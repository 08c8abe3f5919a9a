#include "daemon/master/site_channels.h"

#include <array>
#include <cstdint>

namespace perchild {

Result<SiteChannels> SiteChannels::make() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.has_value()) return failure_from_errno("epoll_create1");
  return SiteChannels(std::move(epoll));
}

Result<void> SiteChannels::watch(SiteId site, BorrowedFd channel) {
  const auto fd = static_cast<std::uint32_t>(channel.get());
  ::epoll_event event{EPOLLIN, {.u64 = std::uint64_t{site.value} << 32 | fd}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, channel.get(), &event) != 0) {
    return failure_from_errno("epoll_ctl");
  }
  return {};
}

std::vector<SiteChannels::Readable> SiteChannels::readable() const {
  std::array<::epoll_event, most_at_once> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), most_at_once, 0);
  std::vector<Readable> found;
  for (int i = 0; i < count; ++i) {
    const std::uint64_t token = events[static_cast<std::size_t>(i)].data.u64;
    found.push_back({SiteId{static_cast<std::uint32_t>(token >> 32)},
                     static_cast<int>(static_cast<std::uint32_t>(token))});
  }
  return found;
}

}  // namespace perchild
