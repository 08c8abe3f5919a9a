// CGI: a process a request.
//
// Runs in: runner.
#pragma once

#include <map>

#include "daemon/runner/programs.h"

namespace perchild {

class Scripts final : public Program {
 public:
  using Program::Program;

  void release(std::uint32_t instance, bool keep) override;
  void on_end(::pid_t pid) override;

 private:
  void serve() override;
  void start(const Question& question);

  std::map<::pid_t, std::uint32_t> running_;  // with their instances
};

}  // namespace perchild
