#include "daemon/runner/program_paths.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

namespace perchild {
namespace {

constexpr const char* of_programs[] = {"/usr",   "/bin",   "/sbin",   "/lib",
                                       "/lib32", "/lib64", "/libx32", "/opt"};
// /run: sockets of databases and of the resolver, each with an owner and a mode.
constexpr const char* to_be_read[] = {"/etc", "/run", "/proc"};
constexpr const char* of_everybody[] = {"/dev/null",   "/dev/zero",    "/dev/full",
                                        "/dev/random", "/dev/urandom", "/dev/tty"};
// The site's own by a mount, but for PHP's: a folder that keeps everybody's from each other by its
// mode, and outlives a runner.
constexpr const char* to_be_written[] = {"/tmp", "/var/tmp", "/dev/shm", "/var/lib/php/sessions"};

}  // namespace

ProgramPaths::ProgramPaths(const RunnerSettings& settings) {
  // What a machine has not got of these is nothing to complain of.
  for (const char* path : of_programs) permit(path, FileAccess::execute);
  for (const char* path : to_be_read) permit(path, FileAccess::read);
  for (const char* path : of_everybody) permit(path, FileAccess::write);
  for (const char* path : to_be_written) permit(path, FileAccess::write);
  if (settings.mail) permit(settings.sendmail, FileAccess::execute);
  if (!settings.fork_server.empty()) permit(settings.fork_server, FileAccess::execute);
  permit_folder(settings.root, FileAccess::write_and_execute);
  for (const std::string& path : settings.writable) permit_folder(path, FileAccess::write);
  for (const std::string& path : settings.executable) permit_folder(path, FileAccess::execute);
}

bool ProgramPaths::permit(const std::string& path, FileAccess access) {
  UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!fd.has_value()) return false;
  permitted_.push_back({fd.borrow(), access});
  fds_.push_back(std::move(fd));
  return true;
}

void ProgramPaths::permit_folder(const std::string& path, FileAccess access) {
  if (permit(path, access)) return;
  complaints_.push_back("programs cannot use the folder " + path + ": " + std::strerror(errno));
}

Result<UniqueFd> open_directory(const std::string& path) {
  UniqueFd root(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.has_value()) return failure_from_errno("open", path);
  return root;
}

}  // namespace perchild
