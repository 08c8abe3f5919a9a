#include "daemon/runner/kept_sessions.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "privsep/open_folder.h"
#include "privsep/runner_messages.h"
#include "vhosts/sites/php_sessions.h"

namespace perchild {
namespace {

using std::chrono::nanoseconds;

constexpr std::int64_t in_a_second = 1'000'000'000;
constexpr std::size_t most_looked_at = 65'536;

std::int64_t number_of(const ::timespec& time) {
  return time.tv_sec * in_a_second + time.tv_nsec;
}

struct Found {
  std::int64_t used_at;
  std::string name;
  std::size_t size;
};

// By the time of the last change, as PHP itself judges: it sets that when it has only read one. One
// without anything in it is as good as none.
std::vector<Found> sessions_in(::DIR& folder, std::int64_t since) {
  std::vector<Found> all;
  for (std::size_t looked_at = 0; looked_at < most_looked_at; ++looked_at) {
    const ::dirent* const entry = ::readdir(&folder);
    if (entry == nullptr) break;
    struct ::stat status;
    if (!names_session(entry->d_name) ||
        ::fstatat(::dirfd(&folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(status.st_mode)) {
      continue;
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    const std::int64_t used_at = number_of(status.st_mtim);
    if (size > 0 && size < session_memory && used_at > since) {
      all.push_back({used_at, entry->d_name, size});
    }
  }
  std::sort(all.begin(), all.end(),
            [](const Found& one, const Found& other) { return one.used_at > other.used_at; });
  return all;
}

// "" if it cannot be read.
std::string contents_of(BorrowedFd folder, const Found& session) {
  const UniqueFd file(
      ::openat(folder.get(), session.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.has_value()) return {};
  std::string data(session.size, '\0');
  const ssize_t got = ::read(file.get(), data.data(), data.size());
  return got == static_cast<ssize_t>(data.size()) ? data : std::string();
}

}  // namespace

void keep_sessions(const std::string& folder, nanoseconds lifetime, BorrowedFd memory) {
  const OpenFolder names(::opendir(folder.c_str()));
  if (names == nullptr) return;
  ::timespec now;
  ::clock_gettime(CLOCK_REALTIME, &now);
  PhpSessions kept;
  std::size_t size = 0;
  for (const Found& session : sessions_in(*names, number_of(now) - lifetime.count())) {
    size += session.size;
    if (size > session_memory) break;
    std::string data = contents_of(BorrowedFd(::dirfd(names.get())), session);
    if (!data.empty()) kept.all.push_back({session.name, session.used_at, std::move(data)});
  }
  if (kept.all.empty()) return;
  const std::string packed = kept.pack(session_memory);
  [[maybe_unused]] const auto written = ::pwrite(memory.get(), packed.data(), packed.size(), 0);
}

void take_sessions(BorrowedFd memory, const std::string& folder) {
  std::string packed(session_memory, '\0');
  const ssize_t got = ::pread(memory.get(), packed.data(), packed.size(), 0);
  packed.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  const auto sessions = PhpSessions::unpack(packed);
  if (!sessions) return;
  for (const PhpSession& session : sessions->all) {
    const std::string path = folder + "/" + session.name;
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file.has_value()) continue;
    const ::timespec used_at{session.used_at / in_a_second, session.used_at % in_a_second};
    const ::timespec times[] = {used_at, used_at};
    const bool is_whole = ::write(file.get(), session.data.data(), session.data.size()) ==
                          static_cast<ssize_t>(session.data.size());
    if (!is_whole || ::futimens(file.get(), times) != 0) ::unlink(path.c_str());
  }
}

}  // namespace perchild
