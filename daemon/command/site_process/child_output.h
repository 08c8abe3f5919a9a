// What a child of the command has to say, bounded in length and time.
//
// Runs in: command.
// Does not trust: the child.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {

struct OutputBounds {
  std::size_t most = 64 * 1024;
  std::chrono::seconds patience{10};
};

struct ChildOutput {
  std::string text;
  bool is_cut = false;  // it had more to say, or took too long
};

// Forks and runs `body` in the child, which becomes something else or returns and so ends it; its
// output goes to the descriptor that it is given. Whatever it does, it has ended afterwards.
Result<ChildOutput> output_of_child(const std::function<void(BorrowedFd output)>& body,
                                    const OutputBounds& bounds);

}  // namespace perchild
