#include "vhosts/files/directory.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

namespace perchild::files {
namespace {

// getdents64(2): inode, offset, length of the entry, type, then the name with its NUL.
constexpr std::size_t length_offset = 16;
constexpr std::size_t name_offset = 19;

}  // namespace

std::string_view Directory::next() {
  for (;;) {
    if (at_ == filled_) {
      const long got = ::syscall(SYS_getdents64, fd_.get(), entries_.data(), entries_.size());
      if (got <= 0) return {};
      at_ = 0;
      filled_ = static_cast<std::size_t>(got);
    }
    const char* const entry = entries_.data() + at_;
    std::uint16_t length = 0;
    std::memcpy(&length, entry + length_offset, sizeof length);
    at_ += length;
    const std::string_view name(entry + name_offset);
    if (name != "." && name != "..") return name;
  }
}

}  // namespace perchild::files
