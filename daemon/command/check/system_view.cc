#include "daemon/command/check/system_view.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "daemon/command/check/php_sapi.h"
#include "privsep/result.h"
#include "privsep/unique_fd.h"

namespace perchild {
namespace {

constexpr ::uid_t root_uid = 0;
constexpr ::uid_t leave = static_cast<::uid_t>(-1);

// 0 or an errno. libc's wrappers would change the ids of every thread.
int set_groups(const std::vector<::gid_t>& groups) {
  return ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0 ? 0 : errno;
}
int set_effective_gid(::gid_t gid) {
  return ::syscall(SYS_setresgid, leave, gid, leave) == 0 ? 0 : errno;
}
int set_effective_uid(::uid_t uid) {
  return ::syscall(SYS_setresuid, leave, uid, leave) == 0 ? 0 : errno;
}

// This thread's effective ids, from construction to destruction.
class BorrowedIdentity {
 public:
  BorrowedIdentity(Uid uid, Gid gid, const std::vector<Gid>& groups,
                   const std::vector<::gid_t>& own_groups, ::gid_t own_gid)
      : own_groups_(own_groups), own_gid_(own_gid) {
    std::vector<::gid_t> gids;
    for (Gid group : groups) gids.push_back(group.value);
    // The uid last: with it the right to change the others goes.
    groups_taken_ = set_groups(gids) == 0;
    taken_ =
        groups_taken_ && set_effective_gid(gid.value) == 0 && set_effective_uid(uid.value) == 0;
  }
  BorrowedIdentity(const BorrowedIdentity&) = delete;
  BorrowedIdentity& operator=(const BorrowedIdentity&) = delete;
  // The saved uid is still root's, and getting it back gives the capabilities back. Whoever could
  // not get back must not go on as somebody in between.
  ~BorrowedIdentity() {
    const bool back = set_effective_uid(root_uid) == 0 && set_effective_gid(own_gid_) == 0 &&
                      (!groups_taken_ || set_groups(own_groups_) == 0);
    PERCHILD_ASSERT(back);
    // Every change of the effective uid takes it away (prctl(2), PR_SET_DUMPABLE).
    if (dumpable_ == 1) ::prctl(PR_SET_DUMPABLE, dumpable_, 0, 0, 0);
  }

  bool taken() const { return taken_; }

 private:
  const std::vector<::gid_t>& own_groups_;
  ::gid_t own_gid_;
  int dumpable_ = ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
  bool groups_taken_ = false;
  bool taken_ = false;
};

// O_PATH asks for search permission on the way to a directory but not on itself; the "." behind it
// does.
UniqueFd enter(const std::string& path) {
  return UniqueFd(::open((path + "/.").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

// The first folder on the way to `path`, or itself, that cannot be entered.
std::string first_closed_folder(const std::string& path) {
  for (std::size_t end = path.find('/', 1); end != std::string::npos;
       end = path.find('/', end + 1)) {
    const std::string folder = path.substr(0, end);
    if (!enter(folder).has_value() && errno == EACCES) return folder;
  }
  return path;
}

RootAnswer answer_of(int error, const std::string& path) {
  RootAnswer answer;
  answer.error = error;
  switch (error) {
    case 0:
      answer.kind = RootAnswer::Kind::enterable;
      break;
    case ENOENT:
      answer.kind = RootAnswer::Kind::missing;
      break;
    case ENOTDIR:
      answer.kind = RootAnswer::Kind::not_a_directory;
      break;
    case EACCES:
      answer.kind = RootAnswer::Kind::denied;
      answer.where = first_closed_folder(path);
      break;
    default:
      answer.kind = RootAnswer::Kind::failed;
  }
  return answer;
}

RootAnswer try_to_enter(const std::string& path) {
  const UniqueFd directory = enter(path);
  if (!directory.has_value()) return answer_of(errno, path);
  RootAnswer answer = answer_of(0, path);
  struct ::stat status {};
  // Here and not later: root may be kept out of what the site's user can enter.
  if (::fstat(directory.get(), &status) == 0) answer.device = status.st_dev;
  return answer;
}

RootAnswer look_at(const std::string& path) {
  struct ::stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    if (!S_ISDIR(status.st_mode)) return answer_of(ENOTDIR, path);
  } else if (errno != EACCES) {  // what is closed to us may be open to the site
    return answer_of(errno, path);
  }
  RootAnswer answer;
  answer.device = status.st_dev;
  return answer;
}

std::vector<::gid_t> current_groups() {
  const int count = ::getgroups(0, nullptr);
  std::vector<::gid_t> groups(static_cast<std::size_t>(count > 0 ? count : 0));
  const int got = ::getgroups(static_cast<int>(groups.size()), groups.data());
  PERCHILD_ASSERT(got == count);
  return groups;
}

}  // namespace

MachineView::MachineView()
    : own_groups_(current_groups()), own_gid_(::getegid()), is_root_(::geteuid() == root_uid) {}

Accounts& MachineView::accounts() {
  if (!accounts_) accounts_.emplace();
  return *accounts_;
}

std::optional<Account> MachineView::find_user(const std::string& name) {
  return accounts().find_user(name);
}
std::vector<NamedAccount> MachineView::users_in(IdRange range) {
  return accounts().users_in(range);
}
std::optional<Gid> MachineView::find_group_of(Uid uid) {
  return accounts().find_group_of(uid);
}
std::optional<Gid> MachineView::find_group(const std::string& name) {
  return accounts().find_group(name);
}
std::optional<std::string> MachineView::find_group_name(Gid gid) {
  return accounts().find_group_name(gid);
}

RootAnswer MachineView::try_root(Uid uid, Gid gid, const std::vector<Gid>& groups,
                                 const std::string& path) {
  if (is_root_) {
    const BorrowedIdentity identity(uid, gid, groups, own_groups_, own_gid_);
    if (identity.taken()) return try_to_enter(path);
  }
  return look_at(path);
}

bool MachineView::is_folder_of(Uid uid, const std::string& path) {
  struct ::stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == uid.value;
}

FolderAnswer MachineView::look_at_folder(Uid uid, Gid gid, const std::vector<Gid>& groups,
                                         const std::string& path) {
  FolderAnswer answer;
  struct ::stat status {};
  const auto look = [&] { answer.error = ::lstat(path.c_str(), &status) == 0 ? 0 : errno; };
  bool as_site = false;
  if (is_root_) {
    const BorrowedIdentity identity(uid, gid, groups, own_groups_, own_gid_);
    as_site = identity.taken();
    if (as_site) look();
  }
  if (!as_site) look();
  if (!as_site && answer.error == EACCES) return {};  // it may be open to the site
  if (answer.error == 0) answer.status = status;
  return answer;
}

ProgramAnswer MachineView::look_for_program(const std::string& path) {
  struct ::stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return errno == EACCES ? ProgramAnswer::unchecked : ProgramAnswer::missing;
  }
  if (!S_ISREG(status.st_mode)) return ProgramAnswer::not_a_file;
  return (status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0 ? ProgramAnswer::executable
                                                               : ProgramAnswer::not_executable;
}

bool MachineView::is_php_without_fastcgi(const std::string& path) {
  const auto [known, is_new] = phps_.try_emplace(path, false);
  if (is_new) known->second = perchild::is_php_without_fastcgi(path);
  return known->second;
}

bool MachineView::is_system_call(const std::string& name) {
  return ::seccomp_syscall_resolve_name(name.c_str()) != __NR_SCMP_ERROR;
}

CertificateFacts MachineView::read_certificate(const std::string& chain, const std::string& key) {
  return certificates_.read(chain, key);
}
Certificate MachineView::make_self_signed(const std::vector<HostPattern>& hosts) {
  return make_self_signed_certificate(hosts);
}
std::chrono::sys_seconds MachineView::now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

}  // namespace perchild
