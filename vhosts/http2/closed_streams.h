// Streams that are no more, as far as they are remembered: what comes for one of them is on its way
// since before the client knew, or must not come at all (RFC 9113, 5.1).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace perchild::http2 {

enum class ClosedBy : std::uint8_t {
  client,   // it has said that nothing more comes
  server,   // it has been reset while something was still to come
  unknown,  // long ago, or it has never been opened
};

class ClosedStreams {
 public:
  void remember(std::int32_t id, ClosedBy who) {
    entries_[next_] = {id, who};
    next_ = (next_ + 1) % entries_.size();
  }
  ClosedBy who_closed(std::int32_t id) const {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [id](const Entry& entry) { return entry.id == id; });
    return found == entries_.end() ? ClosedBy::unknown : found->who;
  }

 private:
  struct Entry {
    std::int32_t id = 0;  // 0: none
    ClosedBy who = ClosedBy::unknown;
  };
  // More than twice those that can be open at once.
  std::array<Entry, 256> entries_{};
  std::size_t next_ = 0;
};

}  // namespace perchild::http2
