// A program that runs beside a test, and ends with this object at the latest.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "test/support/temporary_directory.h"

namespace perchild::test {

class BackgroundCommand {
 public:
  explicit BackgroundCommand(const std::vector<std::string>& arguments,
                             const std::map<std::string, std::string>& environment = {});
  ~BackgroundCommand() { end(SIGKILL); }
  BackgroundCommand(const BackgroundCommand&) = delete;
  BackgroundCommand& operator=(const BackgroundCommand&) = delete;

  // What it has said so far, on stdout and stderr.
  std::string output() const { return read_file(output_); }
  // Waits until it says `text`.
  bool says(const std::string& text) const;
  // Sends it `number` and waits until it has ended.
  void end(int number);

 private:
  TemporaryDirectory folder_;
  std::string output_ = folder_.path() + "/output";
  ::pid_t pid_;
};

}  // namespace perchild::test
