#include "vhosts/logs/log_buffer.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "privsep/result.h"

namespace perchild::logs {

std::span<char> LogBuffer::reserve(std::size_t longest) {
  // While writing fails, one attempt a turn is enough.
  if (size_ > flush_above && !failing_) flush();
  if (longest > capacity - size_) {
    ++lost_;
    return {};
  }
  return {memory_->data() + size_, longest};
}

void LogBuffer::commit(std::size_t size) {
  size_ += size;
}

void LogBuffer::flush() {
  if (size_ == 0) return;
  full_ = is_full();
  if (full_) {
    failing_ = true;
    return;
  }
  full_is_said_ = false;
  const ::ssize_t written = ::write(file_.get(), memory_->data(), size_);
  const std::size_t done = written > 0 ? static_cast<std::size_t>(written) : 0;
  if (done > 0) torn_ = (*memory_)[done - 1] != '\n';
  failing_ = done < size_;
  size_ -= done;
  std::memmove(memory_->data(), memory_->data() + done, size_);
}

void LogBuffer::flush_at_rate(Clock::time_point now) {
  if (size_ == 0 || now < flushed_at_ + flush_interval) return;
  flush();
  flushed_at_ = now;
}

std::optional<Clock::time_point> LogBuffer::flush_due(Clock::time_point now) const {
  if (size_ == 0) return std::nullopt;
  return failing_ ? now + retry_interval : flushed_at_ + flush_interval;
}

void LogBuffer::begin_new_file() {
  failing_ = false;
  if (!std::exchange(torn_, false)) return;
  const void* end = std::memchr(memory_->data(), '\n', size_);
  PERCHILD_ASSERT(end != nullptr);  // only whole lines are committed
  const auto rest = static_cast<std::size_t>(static_cast<const char*>(end) - memory_->data()) + 1;
  size_ -= rest;
  std::memmove(memory_->data(), memory_->data() + rest, size_);
  ++lost_;
}

// Others write to the file as well, so its size is asked for. By number, since libc's fstat() is
// newfstatat with an empty path.
bool LogBuffer::is_full() const {
  struct ::stat status;
  return most_bytes_ != 0 && ::syscall(SYS_fstat, file_.get(), &status) == 0 &&
         static_cast<std::uint64_t>(status.st_size) >= most_bytes_;
}

bool LogBuffer::take_full() {
  return full_ && !std::exchange(full_is_said_, true);
}

std::uint64_t LogBuffer::take_lost() {
  if (failing_) return 0;
  const std::uint64_t lost = lost_;
  lost_ = 0;
  return lost;
}

}  // namespace perchild::logs
