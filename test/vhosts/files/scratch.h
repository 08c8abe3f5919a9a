// What tests of files need: a folder of their own, other uids, and time that passes.
#pragma once

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "privsep/unique_fd.h"

namespace perchild::test {

class Scratch {
 public:
  Scratch() {
    std::string name = "/tmp/perchild-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::terminate();
    path_ = name;
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (::getpid() != owner_) return;
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string path(std::string_view name = {}) const {
    return name.empty() ? path_ : path_ + "/" + std::string(name);
  }
  void write(std::string_view name, std::string_view content) const {
    std::filesystem::create_directories(std::filesystem::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary | std::ios::trunc) << content;
  }
  std::string read(std::string_view name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void make_directory(std::string_view name) const {
    std::filesystem::create_directories(path(name));
  }
  void link(std::string_view target, std::string_view name) const {
    std::filesystem::create_symlink(target, path(name));
  }

 private:
  std::string path_;
  ::pid_t owner_ = ::getpid();  // a forked child's copy removes nothing
};

// Runs `body` in a process of its own, and says whether it returned true and nothing in it failed.
template <typename Body>
[[nodiscard]] bool holds_in_child(Body body) {
  const ::pid_t child = ::fork();
  if (child == 0) ::_exit(body() && !::testing::Test::HasFailure() ? 0 : 1);
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// As holds_in_child, under another uid and without groups.
template <typename Body>
[[nodiscard]] bool holds_as(::uid_t uid, Body body) {
  return holds_in_child([&] {
    return ::setgroups(0, nullptr) == 0 && ::setresgid(uid, uid, uid) == 0 &&
           ::setresuid(uid, uid, uid) == 0 && body();
  });
}

// A process that runs `step` again and again for as long as this lives.
class Disturber {
 public:
  template <typename Step>
  explicit Disturber(Step step) : child_(::fork()) {
    while (child_ == 0) step();
  }
  Disturber(const Disturber&) = delete;
  Disturber& operator=(const Disturber&) = delete;
  ~Disturber() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }

 private:
  ::pid_t child_;
};

// Returns when the file's ctime lies long enough in the past for a cache to trust it.
inline void wait_until_settled(const std::string& path) {
  struct ::stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  const UniqueFd timer(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC));
  ::itimerspec when{};
  when.it_value = status.st_ctim;
  when.it_value.tv_nsec += 130'000'000;
  if (when.it_value.tv_nsec >= 1'000'000'000) {
    when.it_value.tv_nsec -= 1'000'000'000;
    ++when.it_value.tv_sec;
  }
  ASSERT_EQ(::timerfd_settime(timer.get(), TFD_TIMER_ABSTIME, &when, nullptr), 0);
  std::uint64_t expirations = 0;
  ASSERT_EQ(::read(timer.get(), &expirations, sizeof expirations),
            static_cast<::ssize_t>(sizeof expirations));
}

}  // namespace perchild::test
