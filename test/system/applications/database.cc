#include "test/system/applications/database.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "test/support/server.h"

namespace perchild::test {
namespace {

constexpr ::uid_t database_uid = 19010;
constexpr int start_deadline_ms = 60'000;

[[noreturn]] void become_database(const std::string& folder, const std::string& socket) {
  const std::string data = "--datadir=" + folder;
  const std::string at = "--socket=" + socket;
  const std::string first = "--init-file=" + folder + "/first.sql";
  const int log = ::open((folder + "/log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  if (::setgroups(0, nullptr) == 0 && ::setresgid(database_uid, database_uid, database_uid) == 0 &&
      ::setresuid(database_uid, database_uid, database_uid) == 0) {
    ::execl("/usr/sbin/mariadbd", "mariadbd", "--no-defaults", data.c_str(), at.c_str(),
            first.c_str(), "--skip-networking", "--skip-grant-tables", "--skip-log-bin",
            "--innodb-buffer-pool-size=16M", "--innodb-log-file-size=4M",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0",
            "--performance-schema=off", nullptr);
  }
  ::_exit(127);
}

}  // namespace

Database::Database(const std::vector<std::string>& names) {
  std::string pattern = "/run/perchild-test-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  folder_ = pattern;
  socket_ = folder_ + "/socket";
  ::chmod(folder_.c_str(), 0711);
  std::string first;
  for (const std::string& name : names) first += "CREATE DATABASE " + name + ";\n";
  write_file(folder_ + "/first.sql", first);
  if (::chown(folder_.c_str(), database_uid, database_uid) != 0) throw std::runtime_error("chown");
  pid_ = ::fork();
  if (pid_ == 0) become_database(folder_, socket_);
  const bool ready = eventually(
      [&] { return log().find("ready for connections") != std::string::npos; }, start_deadline_ms);
  if (!ready) throw std::runtime_error("mariadbd does not start: " + log());
}

Database::~Database() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string Database::log() const {
  return read_file(folder_ + "/log");
}

}  // namespace perchild::test
