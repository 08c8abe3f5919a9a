#include "daemon/worker/held_response.h"

#include <unistd.h>

#include <algorithm>
#include <span>
#include <utility>

namespace perchild {
namespace {

constexpr std::uint64_t block_bytes = KeptBodies::block_bytes;

}  // namespace

void HeldResponse::move_to_file(std::uint64_t to_come) {
  if (to_come > most_in_file || written_ + in_memory_.size() + to_come > most_in_file) return;
  const std::size_t count = write(in_memory_);
  in_memory_.erase(0, count);
}

std::size_t HeldResponse::write(std::string_view bytes) {
  std::size_t count = 0;
  while (count < bytes.size()) {
    const std::uint64_t in_block = written_ % block_bytes;
    if (in_block == 0) {
      const auto block = bodies_.take_for_response();
      if (!block) break;
      blocks_.push_back(*block);
    }
    const std::string_view part = bytes.substr(count, block_bytes - in_block);
    const ssize_t written =
        ::pwrite64(bodies_.file().get(), part.data(), part.size(),
                   static_cast<::off64_t>(blocks_.back() * block_bytes + in_block));
    if (written <= 0) {
      if (in_block == 0) {
        bodies_.give_back_unwritten(blocks_.back());
        blocks_.pop_back();
      }
      break;
    }
    written_ += static_cast<std::uint64_t>(written);
    count += static_cast<std::size_t>(written);
  }
  return count;
}

bool HeldResponse::take(std::string& piece) {
  if (!has_file_part()) {
    std::swap(piece, in_memory_);
    in_memory_.clear();
    return true;
  }
  const std::uint64_t in_block = read_ % block_bytes;
  piece.resize(std::min(written_ - read_, block_bytes - in_block));
  const std::uint64_t block = blocks_[read_ / block_bytes];
  const ssize_t got = ::pread64(bodies_.file().get(), piece.data(), piece.size(),
                                static_cast<::off64_t>(block * block_bytes + in_block));
  if (got <= 0) return false;
  piece.resize(static_cast<std::size_t>(got));
  const std::uint64_t at = read_ + static_cast<std::uint64_t>(got);
  // A block that is not full is not filled up: held until the response's end, it would keep the
  // file from being replaced by an empty one.
  give_back_to(at == written_ ? written_ = blocks_.size() * block_bytes : at);
  return true;
}

void HeldResponse::give_back_to(std::uint64_t at) {
  const auto first = static_cast<std::size_t>(read_ / block_bytes);
  const auto end = static_cast<std::size_t>(at / block_bytes);
  bodies_.give_back_of_response(std::span(blocks_).subspan(first, end - first));
  read_ = at;
}

void HeldResponse::drop() {
  in_memory_.clear();
  give_back_to(written_ = blocks_.size() * block_bytes);
}

}  // namespace perchild
