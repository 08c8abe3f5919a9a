#include "test/fuzz/states/stage.h"

#include <dirent.h>
#include <poll.h>
#include <sys/epoll.h>

#include <algorithm>
#include <set>
#include <string>

#include "privsep/lock_down.h"
#include "privsep/server_log.h"
#include "test/fuzz/fuzz_driver.h"

// Names that the linker gives to what a loop calls (ld(1), --wrap).
extern "C" {
int __real_ppoll(::pollfd*, ::nfds_t, const ::timespec*, const ::sigset_t*);
int __wrap_ppoll(::pollfd*, ::nfds_t, const ::timespec*, const ::sigset_t*);
int __real_epoll_wait(int, ::epoll_event*, int, int);
int __wrap_epoll_wait(int, ::epoll_event*, int, int);
}

namespace perchild::fuzz {
namespace {

// More than any step can lead to: who is heard in parts is heard in so many.
constexpr int most_turns = 2000;

Stage* playing = nullptr;

}  // namespace

// ---- in the place of others, under the names that ld(1), --wrap, gives these

Clock::time_point now_double() __asm__("__wrap__ZNSt6chrono3_V212steady_clock3nowEv");
Clock::time_point now_double() {
  return playing != nullptr ? playing->now() : Clock::time_point{};
}

Result<void> lock_down_double(Role, const LockDownPlan&) __asm__(
    "__wrap__ZN8perchild12lock_down_asENS_4RoleERKNS_12LockDownPlanE");
Result<void> lock_down_double(Role, const LockDownPlan&) {
  return {};
}

// For who looks at an input: PERCHILD_FUZZ_LOG=1.
void line_double(const ServerLog*, Priority, std::string_view text) __asm__(
    "__wrap__ZNK8perchild9ServerLog4lineENS_8PriorityESt17basic_string_viewIcSt11char_traitsIcEE");
void line_double(const ServerLog*, Priority, std::string_view text) {
  static const bool is_wanted = std::getenv("PERCHILD_FUZZ_LOG") != nullptr;
  if (is_wanted) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
  }
}

// ----

Stage::Stage() {
  playing = this;
}

Stage::~Stage() {
  playing = nullptr;
}

Stage& Stage::current() {
  check(playing != nullptr, "nobody waits off the stage");
  return *playing;
}

int Stage::wait(const std::function<int()>& poll, std::optional<Clock::duration> timeout) {
  for (;;) {
    check(++turns_ < most_turns, "a step comes to rest");
    const int ready = poll();
    if (ready != 0 || timeout == Clock::duration::zero()) return ready;
    if (to_pass_ > Clock::duration::zero()) {
      const bool is_due = timeout && *timeout <= to_pass_;
      // Where it would wake up all the time, it comes late.
      const Clock::duration passed =
          is_due ? std::min(std::max(*timeout, least_sleep_), to_pass_) : to_pass_;
      now_ += passed;
      to_pass_ -= passed;
      if (timeout) *timeout -= passed;
      turns_ = 0;
      if (is_due) return 0;
    }
    turns_ = 0;
    on_quiet();
  }
}

namespace {

std::set<std::string> open_descriptors() {
  std::set<std::string> numbers;
  ::DIR* directory = ::opendir("/proc/self/fd");
  while (const ::dirent* entry = ::readdir(directory)) numbers.insert(entry->d_name);
  ::closedir(directory);
  return numbers;
}

void play_and_count(Script script) {
  const auto before = open_descriptors();
  play(script);
  const auto after = open_descriptors();
  for (const std::string& number : before) {
    if (!after.contains(number)) std::fprintf(stderr, "%s has been closed\n", number.c_str());
  }
  for (const std::string& number : after) {
    if (!before.contains(number)) std::fprintf(stderr, "%s has been left open\n", number.c_str());
  }
  check(before == after, "every descriptor is closed, and no other's");
}

}  // namespace

}  // namespace perchild::fuzz

int __wrap_ppoll(::pollfd* fds, ::nfds_t count, const ::timespec* timeout, const ::sigset_t*) {
  using namespace std::chrono;
  std::optional<perchild::Clock::duration> wait;
  if (timeout != nullptr) wait = seconds(timeout->tv_sec) + nanoseconds(timeout->tv_nsec);
  return perchild::fuzz::Stage::current().wait(
      [&] {
        const ::timespec at_once{};
        return __real_ppoll(fds, count, &at_once, nullptr);
      },
      wait);
}

int __wrap_epoll_wait(int epoll, ::epoll_event* events, int most, int timeout) {
  std::optional<perchild::Clock::duration> wait;
  if (timeout >= 0) wait = std::chrono::milliseconds(timeout);
  return perchild::fuzz::Stage::current().wait(
      [&] { return __real_epoll_wait(epoll, events, most, 0); }, wait);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  perchild::fuzz::play_and_count(perchild::fuzz::Script(data, size));
  return 0;
}
