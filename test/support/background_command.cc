#include "test/support/background_command.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "test/support/server.h"

namespace perchild::test {
namespace {

constexpr int patience_ms = 60'000;

[[noreturn]] void become(std::vector<std::string> arguments,
                         const std::map<std::string, std::string>& environment,
                         const std::string& output) {
  const int fd = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  ::dup2(fd, STDOUT_FILENO);
  ::dup2(fd, STDERR_FILENO);
  for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  ::execvp(pointers.front(), pointers.data());
  ::_exit(127);
}

}  // namespace

BackgroundCommand::BackgroundCommand(const std::vector<std::string>& arguments,
                                     const std::map<std::string, std::string>& environment)
    : pid_(::fork()) {
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) become(arguments, environment, output_);
}

bool BackgroundCommand::says(const std::string& text) const {
  return eventually([&] { return output().find(text) != std::string::npos; }, patience_ms);
}

void BackgroundCommand::end(int number) {
  if (pid_ <= 0) return;
  ::kill(pid_, number);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

}  // namespace perchild::test
