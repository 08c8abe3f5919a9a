// CGI: a process a request. Its output ends with it, or when it closes it, whoever else has it
// open.
//
// Runs in: runner.
#pragma once

#include <map>

#include "daemon/runner/programs.h"
#include "daemon/runner/script_lookup.h"
#include "privsep/unique_fd.h"

namespace perchild {

class Scripts final : public Program {
 public:
  using Program::Program;

  void release(std::uint32_t instance, ReleaseTo what, std::uint32_t served) override;
  void on_end(::pid_t pid, bool) override;

 private:
  void serve() override;
  void start(const Question& question);
  void refuse_unstarted(const Question& question, const FoundScript& script, const SysError& error);

  struct Running {
    std::uint32_t instance;
    UniqueFd connection;  // the worker has a copy of it
  };
  std::map<::pid_t, Running> running_;
};

}  // namespace perchild
