#include "privsep/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <optional>

namespace perchild {
namespace {

constexpr int open_directory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::uint64_t period_us = 100'000;  // of cpu.max; the kernel's own
constexpr std::uint64_t us_of_percent = period_us / 100;

// A host can be called like a file of the group, "memory.max"; with this in front it cannot.
std::string group_of(std::string_view site) {
  return "site-" + std::string(site);
}

// "max" for 0.
std::string limit_text(std::uint64_t limit) {
  return limit == 0 ? "max" : std::to_string(limit);
}

Result<void> write_file(BorrowedFd group, const char* name, const std::string& text) {
  const UniqueFd file(::openat(group.get(), name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.has_value()) return failure_from_errno("open", name);
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return failure_from_errno("write", std::string(name) + ": " + text);
  }
  return {};
}

std::string io_text(const CgroupLimits& limits) {
  const std::string limit = limit_text(limits.quota.io);
  return std::to_string(limits.device.major) + ":" + std::to_string(limits.device.minor) +
         " rbps=" + limit + " wbps=" + limit;
}

Result<void> set_limits(BorrowedFd group, const CgroupLimits& limits, ControllerMask controllers) {
  const SiteQuota& quota = limits.quota;
  if ((controllers & memory_controller) != 0) {
    if (auto r = write_file(group, "memory.max", limit_text(quota.memory)); !r) return r;
  }
  if ((controllers & pids_controller) != 0) {
    if (auto r = write_file(group, "pids.max", limit_text(quota.processes)); !r) return r;
  }
  if ((controllers & cpu_controller) != 0) {
    const std::string text =
        limit_text(quota.cpu_percent * us_of_percent) + " " + std::to_string(period_us);
    if (auto r = write_file(group, "cpu.max", text); !r) return r;
  }
  if ((controllers & io_controller) != 0 && limits.device != BlockDevice{}) {
    if (auto r = write_file(group, "io.max", io_text(limits)); !r) return r;
  }
  return {};
}

// Empty if the group has no such file: its controller is missing.
std::string read_file(BorrowedFd group, const char* name) {
  std::string text;
  const UniqueFd file(::openat(group.get(), name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.has_value()) return text;
  std::array<char, 4096> part;
  for (ssize_t got = 0; (got = ::read(file.get(), part.data(), part.size())) > 0;) {
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  return text;
}

std::uint64_t number_at(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// The sum of all numbers that stand behind `name` and one of " =": "usage_usec 12", "rbytes=7".
std::uint64_t sum_of(std::string_view text, std::string_view name) {
  std::uint64_t sum = 0;
  for (std::size_t at = text.find(name); at != std::string_view::npos;
       at = text.find(name, at + 1)) {
    const bool begins = at == 0 || text[at - 1] == '\n' || text[at - 1] == ' ';
    const std::string_view rest = text.substr(at + name.size());
    if (begins && (rest.starts_with(' ') || rest.starts_with('=')))
      sum += number_at(rest.substr(1));
  }
  return sum;
}

}  // namespace

ControllerMask controllers_of(const SiteQuota& quota) {
  unsigned mask = 0;
  if (quota.cpu_percent != 0) mask |= cpu_controller;
  if (quota.io != 0) mask |= io_controller;
  if (quota.memory != 0) mask |= memory_controller;
  if (quota.processes != 0) mask |= pids_controller;
  return static_cast<ControllerMask>(mask);
}

std::string names_of(ControllerMask controllers) {
  std::string names;
  const auto add = [&](ControllerMask controller, const char* name) {
    if ((controllers & controller) != 0) names.append(names.empty() ? "" : ", ").append(name);
  };
  add(cpu_controller, "cpu");
  add(io_controller, "io");
  add(memory_controller, "memory");
  add(pids_controller, "pids");
  return names;
}

Result<UniqueFd> make_site_cgroup(BorrowedFd directory, std::string_view site,
                                  const CgroupLimits& limits, ControllerMask controllers) {
  const std::string name = group_of(site);
  // The mode says nothing of umask's: the files in it are the kernel's.
  if (::mkdirat(directory.get(), name.c_str(), 0755) != 0 && errno != EEXIST) {
    return failure_from_errno("mkdir cgroup", name);
  }
  UniqueFd group(::openat(directory.get(), name.c_str(), open_directory));
  if (!group.has_value()) return failure_from_errno("open cgroup", name);
  if (auto set = set_limits(group.borrow(), limits, controllers); !set) {
    return failure({set.error().operation, name + "/" + set.error().subject, set.error().error});
  }
  return group;
}

Result<void> join_cgroup(BorrowedFd group) {
  return write_file(group, "cgroup.procs", "0");
}

Result<UniqueFd> open_cgroup_procs(BorrowedFd group) {
  UniqueFd file(::openat(group.get(), "cgroup.procs", O_WRONLY | O_CLOEXEC));
  if (!file.has_value()) return failure_from_errno("open", "cgroup.procs");
  return file;
}

Result<void> move_to_cgroup(BorrowedFd group, ::pid_t pid) {
  return write_file(group, "cgroup.procs", std::to_string(pid));
}

bool remove_site_cgroup(BorrowedFd directory, std::string_view site) {
  return ::unlinkat(directory.get(), group_of(site).c_str(), AT_REMOVEDIR) == 0;
}

Result<CgroupUsage> read_cgroup_usage(BorrowedFd directory, std::string_view site) {
  const std::string name = group_of(site);
  const UniqueFd group(::openat(directory.get(), name.c_str(), open_directory));
  if (!group.has_value()) return failure_from_errno("open cgroup", name);
  const auto file = [&group](const char* of) { return read_file(group.borrow(), of); };
  const std::string memory_events = file("memory.events");
  const std::string cpu = file("cpu.stat");
  const std::string io = file("io.stat");
  return CgroupUsage{.memory = number_at(file("memory.current")),
                     .memory_at_max = sum_of(memory_events, "max"),
                     .killed = sum_of(memory_events, "oom_kill"),
                     .processes = number_at(file("pids.current")),
                     .forks_refused = sum_of(file("pids.events"), "max"),
                     .cpu_us = sum_of(cpu, "usage_usec"),
                     .periods_throttled = sum_of(cpu, "nr_throttled"),
                     .throttled_us = sum_of(cpu, "throttled_usec"),
                     .read_bytes = sum_of(io, "rbytes"),
                     .written_bytes = sum_of(io, "wbytes")};
}

}  // namespace perchild
