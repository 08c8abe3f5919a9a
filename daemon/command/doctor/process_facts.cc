#include "daemon/command/doctor/process_facts.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "daemon/command/doctor/path_facts.h"
#include "policy/configuration_source.h"
#include "privsep/unique_fd.h"

namespace perchild {
namespace {

// A site's programs may be many; a fork bomb below a runner ends the look, not the doctor.
constexpr std::size_t most_processes = 100'000;

std::string folder_of(::pid_t pid) {
  return "/proc/" + std::to_string(pid);
}

Result<std::string> read_link(const std::string& path) {
  std::array<char, PATH_MAX> target;
  const ssize_t length = ::readlink(path.c_str(), target.data(), target.size());
  if (length < 0) return failure_from_errno("readlink", path);
  return std::string(target.data(), static_cast<std::size_t>(length));
}

Result<std::string> read_text(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.has_value()) return failure_from_errno("open", path);
  ReadText text = read_source(file.get());
  if (!text.problem.empty()) return failure({"read", path + ": " + text.problem, 0});
  return std::move(text.text);
}

std::optional<int> pid_in(const std::string& name) {
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

std::vector<HeldDescriptor> descriptors_of(const std::string& folder, ::uid_t user) {
  std::vector<HeldDescriptor> all;
  for (const FolderEntry& entry : look_into(folder + "/fd")) {
    const auto number = pid_in(entry.name);
    const std::string path = folder + "/fd/" + entry.name;
    const auto target = read_link(path);
    struct ::stat status {};
    // Through the link, which opens nothing.
    if (!number || !target || ::stat(path.c_str(), &status) != 0) continue;
    HeldDescriptor held{*number, kind_of_descriptor(*target, status.st_mode), *target};
    held.is_own_unnamed = S_ISREG(status.st_mode) && status.st_nlink == 0 && status.st_uid == user;
    if (const auto text = read_text(folder + "/fdinfo/" + entry.name)) {
      const int flags = open_flags_of(*text).value_or(0);
      held.writes = (flags & O_ACCMODE) != O_RDONLY && (flags & O_PATH) == 0;
      held.appends = (flags & O_APPEND) != 0;
    }
    all.push_back(std::move(held));
  }
  return all;
}

// As targets of descriptors name them, "socket:[17]". Of the network that the doctor is in, from
// which listeners come.
std::set<std::string> listening_sockets() {
  std::set<std::string> all;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    if (const auto text = read_text(path)) add_listening_sockets(*text, all);
  }
  return all;
}

std::vector<::pid_t> children_of(::pid_t pid) {
  std::vector<::pid_t> all;
  const auto text = read_text(folder_of(pid) + "/task/" + std::to_string(pid) + "/children");
  if (!text) return all;
  for (std::size_t start = 0; start < text->size();) {
    const std::size_t end = std::min(text->find(' ', start), text->size());
    if (const auto child = pid_in(text->substr(start, end - start))) all.push_back(*child);
    start = end + 1;
  }
  return all;
}

}  // namespace

Result<ProcessFacts> look_at_process(::pid_t pid) {
  const std::string folder = folder_of(pid);
  ProcessFacts facts{.pid = pid};
  auto status = read_process_status(pid);
  if (!status) return failure(status.error());
  facts.status = std::move(*status);
  const auto executable = read_link(folder + "/exe");
  if (!executable) return failure(executable.error());
  facts.executable = executable_name(*executable);
  struct ::stat owner {};
  // Of what is not dumpable root is the owner, but for the folder itself (proc(5)).
  if (::stat((folder + "/stat").c_str(), &owner) != 0) return failure_from_errno("stat", folder);
  facts.is_dumpable = owner.st_uid != 0;
  for (const auto& [name, into] :
       {std::pair("/ns/user", &facts.namespaces.user), std::pair("/ns/pid", &facts.namespaces.pid),
        std::pair("/ns/mnt", &facts.namespaces.mount), std::pair("/ns/ipc", &facts.namespaces.ipc),
        std::pair("/ns/net", &facts.namespaces.net)}) {
    auto link = read_link(folder + name);
    if (!link) return failure(link.error());
    *into = std::move(*link);
  }
  facts.held = descriptors_of(folder, facts.status.uids[1]);
  const auto limits_text = read_text(folder + "/limits");
  if (!limits_text) return failure(limits_text.error());
  const auto limits = parse_process_limits(*limits_text);
  if (!limits) return failure({"understand", folder + "/limits", 0});
  facts.limits = *limits;
  if (const auto text = read_text(folder + "/cgroup")) facts.cgroup = cgroup_of(*text);
  return facts;
}

Result<std::vector<ProcessFacts>> look_at_service(::pid_t master) {
  auto first = look_at_process(master);
  if (!first) return failure(first.error());
  const std::set<std::string> listening = listening_sockets();
  std::vector<ProcessFacts> all{std::move(*first)};
  for (std::size_t i = 0; i < all.size() && all.size() < most_processes; ++i) {
    for (const ::pid_t child : children_of(all[i].pid)) {
      auto facts = look_at_process(child);
      if (!facts) continue;
      facts->parent = all[i].pid;
      facts->depth = all[i].depth + 1;
      all.push_back(std::move(*facts));
    }
  }
  for (ProcessFacts& process : all) {
    for (HeldDescriptor& held : process.held) held.listens = listening.count(held.target) != 0;
  }
  return all;
}

std::map<std::uint32_t, std::vector<::pid_t>> look_for_strangers(
    const std::vector<std::uint32_t>& uids, const std::vector<ProcessFacts>& ours) {
  const std::set<std::uint32_t> wanted(uids.begin(), uids.end());
  std::set<::pid_t> known;
  for (const ProcessFacts& process : ours) known.insert(process.pid);
  std::map<std::uint32_t, std::vector<::pid_t>> found;
  for (const FolderEntry& entry : look_into("/proc")) {
    const auto pid = pid_in(entry.name);
    if (!pid || known.count(*pid) != 0) continue;
    const auto status = read_process_status(*pid);
    if (!status || wanted.count(status->uids[0]) == 0) continue;
    found[status->uids[0]].push_back(*pid);
  }
  return found;
}

}  // namespace perchild
