// How a process that the command has asked something tells its answer, on its standard output.
//
// Runs in: explainer, examiner.
#pragma once

#include <sys/prctl.h>
#include <unistd.h>

#include <string_view>

#include "privsep/result.h"

namespace perchild {

inline void answer_command(std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(STDOUT_FILENO, text.data(), text.size());
    if (wrote <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

// The whole of its main(): `run` answers, or why it could not is the answer.
inline int answer_command_by(const char* name, Result<void> (*run)()) {
  ::prctl(PR_SET_NAME, name);
  const auto done = run();
  if (done) return 0;
  answer_command("  no answer: " + done.error().text() + "\n");
  return 1;
}

}  // namespace perchild
