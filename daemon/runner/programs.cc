#include "daemon/runner/programs.h"

#include <fcntl.h>

#include <algorithm>

#include "daemon/runner/app.h"
#include "daemon/runner/backend.h"
#include "daemon/runner/pool.h"
#include "daemon/runner/scripts.h"

namespace perchild {

bool Program::withdraw(std::uint32_t client, std::uint32_t number) {
  return std::erase_if(waiting_, [&](const Question& one) {
           return one.client == client && one.number == number;
         }) != 0;
}

void Program::forget(std::uint32_t client) {
  std::erase_if(waiting_, [&](const Question& one) { return one.client == client; });
}

void Program::say_not_started(const SysError& error) {
  const std::string text = name() + " cannot be started: " + error.text();
  parts_.log.add({.message = text});
}

Result<::pid_t> Program::start_command(const std::vector<std::string>& command,
                                       const std::vector<std::string>& environment,
                                       BorrowedFd input, std::optional<BorrowedFd> listener,
                                       std::optional<BorrowedFd> fork_control) {
  const bool in_root = settings_.directory.empty();
  const UniqueFd folder(
      in_root ? -1 : ::open(settings_.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!in_root && !folder.has_value()) {
    const auto failed = failure_from_errno("open", settings_.directory);
    say_not_started(failed.value());
    return failed;
  }
  auto pid = parts_.processes.start({.command = command,
                                     .environment = environment,
                                     .directory = in_root ? parts_.root : folder.borrow(),
                                     .input = input,
                                     .output = parts_.null,
                                     .listener = listener,
                                     .fork_control = fork_control,
                                     .walls = parts_.walls},
                                    *this);
  if (!pid) say_not_started(pid.error());
  return pid;
}

std::unique_ptr<Program> make_program(std::uint32_t number, const ProgramSettings& settings,
                                      RunnerParts& parts) {
  switch (settings.kind) {
    case ProgramKind::fastcgi_pool:
      return std::make_unique<Pool>(number, settings, parts);
    case ProgramKind::cgi:
      return std::make_unique<Scripts>(number, settings, parts);
    case ProgramKind::app:
      return std::make_unique<App>(number, settings, parts);
    case ProgramKind::backend:
      return std::make_unique<Backend>(number, settings, parts);
  }
  __builtin_unreachable();
}

}  // namespace perchild
