// What an operation on the environment gives back: a value, or which operation failed on what, and
// why.
//
// Runs in: every process.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace perchild {

// Reads "bind 0.0.0.0:443: Permission denied".
struct SysError {
  std::string operation;  // the system call, or what was attempted
  std::string subject;    // what it was done to; may be empty
  int error = 0;          // an errno; 0 where `operation` says it all

  std::string text() const;

  // Takes errno as it is now.
  static SysError from_errno(std::string_view operation, std::string_view subject = {}) {
    const int error = errno;
    return {std::string(operation), std::string(subject), error};
  }
};

template <typename T>
class [[nodiscard]] Result : public tl::expected<T, SysError> {
 public:
  using tl::expected<T, SysError>::expected;
};

inline tl::unexpected<SysError> failure(SysError error) {
  return tl::unexpected<SysError>(std::move(error));
}
inline tl::unexpected<SysError> failure_from_errno(std::string_view operation,
                                                   std::string_view subject = {}) {
  return tl::unexpected<SysError>(SysError::from_errno(operation, subject));
}

// Our own bug, or memory that we can no longer trust: says where, and aborts, in release too.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace perchild

#define PERCHILD_ASSERT(expression)                     \
  (static_cast<bool>(expression) ? static_cast<void>(0) \
                                 : ::perchild::assertion_failed(#expression, __FILE__, __LINE__))
