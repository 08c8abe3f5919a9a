#include "daemon/runner/private_view.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <string_view>

#include "daemon/runner/folders_of_others.h"
#include "daemon/runner/sockets.h"
#include "policy/own_folder.h"
#include "privsep/unique_fd.h"

namespace perchild {
namespace {

constexpr const char* usual_sendmail = "/usr/sbin/sendmail";
constexpr unsigned long no_privilege = MS_NOSUID | MS_NODEV;
constexpr const char* emptiness = "mode=0755,nr_inodes=4096,size=4k";
constexpr std::uint64_t bytes_a_file = 4096;  // an empty one costs memory too
constexpr std::uint64_t largest_tmp = 256ULL << 20;
constexpr std::uint64_t largest_shared = 64ULL << 20;

struct PrivateFolder {
  const char* path;
  std::uint64_t largest;  // bytes
};
constexpr std::array<PrivateFolder, 3> private_folders{
    {{"/tmp", largest_tmp}, {"/var/tmp", largest_shared}, {"/dev/shm", largest_shared}}};

struct Kept {
  std::string path;
  UniqueFd folder;
};

std::string folder_of(const std::string& path) {
  return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
}

// Each by the name that the site has for it, and by the one that has no links in it.
std::vector<std::string> used_folders(const RunnerSettings& settings) {
  std::vector<std::string> paths = settings.writable;
  paths.insert(paths.end(), settings.executable.begin(), settings.executable.end());
  paths.push_back(settings.root);
  if (settings.mail) paths.push_back(folder_of(settings.sendmail));
  if (!settings.fork_server.empty()) paths.push_back(folder_of(settings.fork_server));
  for (const ProgramSettings& program : settings.programs) {
    if (!program.directory.empty()) paths.push_back(program.directory);
    if (program.address.starts_with('/')) paths.push_back(folder_of(program.address));
  }
  for (std::size_t i = paths.size(); i-- > 0;) {
    std::array<char, PATH_MAX> real;
    if (::realpath(paths[i].c_str(), real.data()) != nullptr) paths.emplace_back(real.data());
  }
  // Those further up first: a mount of one would hide another's below it.
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

// One that cannot be opened is missing from the view: who needs it says so.
std::vector<Kept> folders_to_keep(const std::vector<std::string>& used,
                                  const std::vector<std::string>& hidden) {
  std::vector<Kept> kept;
  for (const std::string& path : used) {
    if (std::none_of(hidden.begin(), hidden.end(),
                     [&](const std::string& folder) { return path.starts_with(folder + "/"); })) {
      continue;
    }
    UniqueFd folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (folder.has_value()) kept.push_back({path, std::move(folder)});
  }
  return kept;
}

// The memory counts as the site's: no more of it than half of what the site may have.
std::uint64_t size_of(const PrivateFolder& folder, std::uint64_t memory_of_site) {
  return memory_of_site == 0 ? folder.largest : std::min(folder.largest, memory_of_site / 2);
}

Result<void> mount_in_memory(const char* path, const std::string& options) {
  if (::mount("tmpfs", path, "tmpfs", no_privilege, options.c_str()) == 0) return {};
  return failure_from_errno("mount", path);
}

// None if it is to be memory. Its user may have put anything there since the command looked. Links
// before its last name are followed, as on the way to the root: whose it is counts, and whatever is
// in it stays what this user can reach.
Result<UniqueFd> open_own_tmp(const RunnerSettings& settings) {
  if (settings.tmp.empty()) return UniqueFd();
  UniqueFd folder(::open(settings.tmp.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct ::stat status;
  if (!folder.has_value() || ::fstat(folder.get(), &status) != 0) {
    return failure_from_errno("use", settings.tmp + " as /tmp");
  }
  if (auto objection = objection_to_own_folder(status, Uid{::geteuid()})) {
    return failure({"use", settings.tmp + " as /tmp, which " + *objection, 0});
  }
  return folder;
}

Result<void> bind(const UniqueFd& folder, const std::string& path) {
  // "." is the folder whatever has been mounted over its path.
  if (::fchdir(folder.get()) != 0) return failure_from_errno("fchdir", path);
  if (::mount(".", path.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
    return failure_from_errno("bind", path);
  }
  return {};
}

bool is_place_of_tmp(const PrivateFolder& folder) {
  return std::find(std::begin(places_of_tmp), std::end(places_of_tmp), folder.path) !=
         std::end(places_of_tmp);
}

Result<void> fill(const PrivateFolder& folder, const UniqueFd& own_tmp,
                  std::uint64_t memory_of_site) {
  struct ::stat status;
  if (::stat(folder.path, &status) != 0) return {};  // not every machine has them all
  if (own_tmp.has_value() && is_place_of_tmp(folder)) return bind(own_tmp, folder.path);
  const std::uint64_t size = size_of(folder, memory_of_site);
  return mount_in_memory(folder.path, "mode=1777,size=" + std::to_string(size) +
                                          ",nr_inodes=" + std::to_string(size / bytes_a_file));
}

Result<void> make_read_only(const std::string& path) {
  constexpr unsigned long read_only = MS_REMOUNT | MS_BIND | MS_RDONLY | no_privilege;
  if (::mount(nullptr, path.c_str(), nullptr, read_only, nullptr) == 0) return {};
  return failure_from_errno("make read-only", path);
}

Result<void> mount_socket_folder() {
  if (::mkdir(SocketFolder::path, 0700) != 0)
    return failure_from_errno("mkdir", SocketFolder::path);
  return mount_in_memory(SocketFolder::path, "mode=0700,nr_inodes=4096,size=1m");
}

// A name that is always the same. And an MTA's own is inert where no program changes its ids: where
// there is one, the site's takes its place.
Result<void> put_sendmail_in_place(const RunnerSettings& settings) {
  const char* const program = settings.sendmail.c_str();
  if (::symlink(program, sendmail_path) != 0) return failure_from_errno("symlink", sendmail_path);
  struct ::stat there, client;
  if (::stat(usual_sendmail, &there) != 0) return {};
  // It may be a link to the client itself, which is needed as it is.
  const bool is_client = ::stat(smtp_client, &client) == 0 && client.st_dev == there.st_dev &&
                         client.st_ino == there.st_ino;
  if (is_client || ::mount(program, usual_sendmail, nullptr, MS_BIND, nullptr) == 0) return {};
  return failure_from_errno("bind", usual_sendmail);
}

Result<void> mount_proc() {
  if (::mount("proc", "/proc", "proc", no_privilege | MS_NOEXEC, nullptr) == 0) return {};
  if (errno != EPERM) return failure_from_errno("mount", "/proc");
  return mount_in_memory("/proc", "mode=0555,size=4k");
}

Result<void> put_back(const Kept& kept, bool has_own_tmp) {
  if (has_own_tmp && !tmp_that_hides(kept.path).empty()) {
    return failure({"show", kept.path + ", in whose place is the site's own /tmp", 0});
  }
  for (std::size_t end = kept.path.find('/', 1); end != std::string::npos;
       end = kept.path.find('/', end + 1)) {
    const std::string folder = kept.path.substr(0, end);
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
      return failure_from_errno("mkdir", folder);
    }
  }
  if (::mkdir(kept.path.c_str(), 0700) != 0 && errno != EEXIST) {
    return failure_from_errno("mkdir", kept.path);
  }
  return bind(kept.folder, kept.path);
}

struct Most {
  const char* path;
  std::string_view number;
};
// In the site's own user namespace. What its users have the kernel counts as the service's as
// well: no site is to use up what is for all of them.
constexpr Most most_of_a_site[] = {
    // The filter forbids these too; this also holds for what is not a system call of ours to see.
    {"/proc/sys/user/max_user_namespaces", "0"},
    {"/proc/sys/user/max_inotify_instances", "8"},
    {"/proc/sys/user/max_inotify_watches", "4096"},
};

Result<void> bound_what_is_counted() {
  for (const Most& most : most_of_a_site) {
    const UniqueFd file(::open(most.path, O_WRONLY | O_CLOEXEC));
    if (!file.has_value() && errno == ENOENT) continue;
    if (!file.has_value()) return failure_from_errno("open", most.path);
    const auto written = ::write(file.get(), most.number.data(), most.number.size());
    if (written != static_cast<ssize_t>(most.number.size())) {
      return failure_from_errno("write", most.path);
    }
  }
  return {};
}

}  // namespace

Result<void> make_private_view(const RunnerSettings& settings) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return failure_from_errno("mount", "/ as slave");
  }
  const auto own_tmp = open_own_tmp(settings);
  if (!own_tmp) return failure(own_tmp.error());
  const std::vector<std::string> used = used_folders(settings);
  const std::vector<std::string> of_others = folders_of_others(used);
  std::vector<std::string> hidden = of_others;
  for (const PrivateFolder& folder : private_folders) hidden.emplace_back(folder.path);
  const std::vector<Kept> kept = folders_to_keep(used, hidden);
  if (auto mounted = mount_proc(); !mounted) return mounted;
  if (auto bounded = bound_what_is_counted(); !bounded) return bounded;
  for (const PrivateFolder& folder : private_folders) {
    if (auto filled = fill(folder, *own_tmp, settings.quota.memory); !filled) return filled;
  }
  for (const std::string& folder : of_others) {
    if (auto mounted = mount_in_memory(folder.c_str(), emptiness); !mounted) return mounted;
  }
  if (auto mounted = mount_socket_folder(); !mounted) return mounted;
  for (const Kept& folder : kept) {
    if (auto put = put_back(folder, own_tmp->has_value()); !put) return put;
  }
  if (settings.mail) {
    if (auto put = put_sendmail_in_place(settings); !put) return put;
  }
  for (const std::string& folder : of_others) {
    if (auto sealed = make_read_only(folder); !sealed) return sealed;
  }
  if (::chdir("/") != 0) return failure_from_errno("chdir", "/");
  return {};
}

}  // namespace perchild
