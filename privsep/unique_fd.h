// A file descriptor and who owns it.
//
// Runs in: every process.
// Trusts: nobody; a number is not a descriptor until the kernel has said so.
#pragma once

#include <unistd.h>

#include <optional>
#include <utility>

namespace perchild {

// A descriptor that somebody else owns and keeps open for as long as this is used.
class BorrowedFd {
 public:
  constexpr explicit BorrowedFd(int fd) : fd_(fd) {}
  constexpr int get() const { return fd_; }
  friend bool operator==(BorrowedFd, BorrowedFd) = default;

 private:
  int fd_;
};

// The one owner of a descriptor, or of none. Closes it when it goes.
class UniqueFd {
 public:
  constexpr UniqueFd() = default;
  constexpr explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  bool has_value() const { return fd_ >= 0; }
  BorrowedFd borrow() const { return BorrowedFd(fd_); }
  std::optional<BorrowedFd> borrow_if_any() const {
    return has_value() ? std::optional(borrow()) : std::nullopt;
  }
  int get() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

  // close(2) releases the descriptor whatever it returns; a second close would hit another's.
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace perchild
