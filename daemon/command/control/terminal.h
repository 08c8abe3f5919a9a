// The caller's terminal while a live view has it: keys one by one, an own screen. Left as it was
// found, also when a signal ends the view.
//
// Runs in: command, as the caller.
#pragma once

#include <termios.h>

#include <chrono>
#include <optional>
#include <string>

#include "privsep/result.h"

namespace perchild {

class Terminal {
 public:
  struct Size {
    std::size_t rows, columns;
  };

  // An error if standard input or output is no terminal.
  static Result<Terminal> take();
  Terminal(Terminal&& other) noexcept;
  Terminal& operator=(Terminal&&) = delete;
  ~Terminal();

  Size size() const;
  // The next key; nullopt when the time is over, the size has changed, or it is time to end.
  std::optional<char> key(std::chrono::milliseconds patience) const;
  // Told to end by a signal, or the terminal has gone.
  bool ended() const;
  // Puts `screen` in place of what is shown.
  void show(const std::string& screen) const;

 private:
  explicit Terminal(const ::termios& before) : before_(before), taken_(true) {}
  ::termios before_;
  bool taken_;
};

}  // namespace perchild
