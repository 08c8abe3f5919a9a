// What a program says on its standard error, in lines of the site's error log.
//
// Runs in: worker.
// Does not trust: the program. The log escapes what it says, and has a bound for lines.
#pragma once

#include <string>
#include <string_view>

#include "daemon/worker/request.h"

namespace perchild {

class ProgramStderr {
 public:
  explicit ProgramStderr(const Request& request) : request_(request) {}
  ProgramStderr(const ProgramStderr&) = delete;
  ProgramStderr& operator=(const ProgramStderr&) = delete;
  ~ProgramStderr() { end_line(); }

  void add(std::string_view bytes);

 private:
  void end_line();

  const Request& request_;
  std::string line_;
};

}  // namespace perchild
