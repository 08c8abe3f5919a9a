// Finds the heads of a client's frames in its bytes (RFC 9113, 3.4 and 4.1), however these are cut,
// before anything is made of them: for what is counted, and to know whether a head is half there.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace perchild::http2 {

enum class FrameType : std::uint8_t {
  data = 0,
  headers = 1,
  priority = 2,
  rst_stream = 3,
  settings = 4,
  push_promise = 5,
  ping = 6,
  goaway = 7,
  window_update = 8,
  continuation = 9,
  priority_update = 16,  // RFC 9218, 7.1
};

struct FrameHead {
  static constexpr std::uint8_t end_stream = 1;
  static constexpr std::uint8_t end_headers = 4;

  std::uint32_t length = 0;
  FrameType type{};
  std::uint8_t flags = 0;
  std::int32_t stream = 0;
};

class FrameWalk {
 public:
  // Calls fn(FrameHead) for each frame that begins in `bytes`, which follow those of the last call.
  // Stops, and returns false, where that does.
  template <typename Fn>
  [[nodiscard]] bool feed(std::string_view bytes, Fn fn) {
    while (!bytes.empty()) {
      if (to_skip_ > 0) {
        const std::size_t skipped = std::min(to_skip_, bytes.size());
        to_skip_ -= skipped;
        bytes.remove_prefix(skipped);
        continue;
      }
      head_[have_++] = static_cast<std::uint8_t>(bytes.front());
      bytes.remove_prefix(1);
      if (have_ < head_.size()) continue;
      have_ = 0;
      const FrameHead frame = parsed();
      to_skip_ = frame.length;
      is_of_head_ = frame.type == FrameType::headers || frame.type == FrameType::continuation;
      if (is_of_head_) in_block_ = (frame.flags & FrameHead::end_headers) == 0;
      if (frame.type == FrameType::headers) ++heads_;
      if (!fn(frame)) return false;
    }
    return true;
  }

  // A block of fields is half there, or what a connection begins with.
  bool is_in_head() const { return in_block_ || (is_of_head_ && to_skip_ > 0); }
  // How many blocks have begun.
  std::uint64_t heads() const { return heads_; }

 private:
  FrameHead parsed() const {
    return {.length = std::uint32_t{head_[0]} << 16 | std::uint32_t{head_[1]} << 8 | head_[2],
            .type = static_cast<FrameType>(head_[3]),
            .flags = head_[4],
            .stream = static_cast<std::int32_t>(std::uint32_t{head_[5] & 0x7fU} << 24 |
                                                std::uint32_t{head_[6]} << 16 |
                                                std::uint32_t{head_[7]} << 8 | head_[8])};
  }

  static constexpr std::size_t length_of_preface = 24;  // "PRI * HTTP/2.0", and so on
  std::array<std::uint8_t, 9> head_{};
  std::size_t have_ = 0;  // bytes of head_
  std::size_t to_skip_ = length_of_preface;
  std::uint64_t heads_ = 0;
  bool is_of_head_ = true;  // what is skipped
  bool in_block_ = false;
};

}  // namespace perchild::http2
