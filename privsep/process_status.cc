#include "privsep/process_status.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "privsep/unique_fd.h"

namespace perchild {
namespace {

// The text behind "Name:" on its own line.
std::optional<std::string_view> line_of(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':')) {
      return line.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

// Numbers between blanks; false for anything else.
template <typename Number>
bool parse_numbers(std::string_view text, int base, std::vector<Number>& numbers) {
  for (;;) {
    const std::size_t start = text.find_first_not_of(" \t");
    if (start == std::string_view::npos) return true;
    text.remove_prefix(start);
    Number number;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc()) return false;
    numbers.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.empty() && text.front() != ' ' && text.front() != '\t') return false;
  }
}

template <typename Number>
bool parse_line(std::string_view text, std::string_view name, int base, std::size_t count,
                std::vector<Number>& numbers) {
  const auto line = line_of(text, name);
  return line && parse_numbers(*line, base, numbers) && (count == 0 || numbers.size() == count);
}

template <typename Number>
bool parse_one(std::string_view text, std::string_view name, int base, Number& number) {
  std::vector<Number> numbers;
  if (!parse_line(text, name, base, 1, numbers)) return false;
  number = numbers.front();
  return true;
}

std::optional<std::string> differs(std::string_view what, std::uint64_t is,
                                   std::uint64_t expected) {
  if (is == expected) return std::nullopt;
  return std::string(what) + " is " + std::to_string(is) + ", not " + std::to_string(expected);
}

bool all_are(const std::vector<std::uint32_t>& ids, std::uint32_t expected) {
  return std::all_of(ids.begin(), ids.end(), [&](std::uint32_t id) { return id == expected; });
}

std::string status_path(::pid_t pid) {
  return "/proc/" + std::to_string(pid) + "/status";
}

Result<std::string> read_status_file(::pid_t pid) {
  const std::string path = status_path(pid);
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.has_value()) return failure_from_errno("open", path);
  // 65,536 supplementary groups are possible, but not in a table of ours; a cut line does not
  // parse.
  std::array<char, 16 * 1024> text;
  std::size_t length = 0;
  while (length < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + length, text.size() - length);
    if (got < 0) return failure_from_errno("read", path);
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  return std::string(text.data(), length);
}

}  // namespace

std::optional<std::chrono::microseconds> cpu_time_of(::pid_t pid) {
  // clock_getcpuclockid(3) makes the same number, and a system call of its own to test it. 2 is the
  // kernel's CPUCLOCK_SCHED: what the scheduler has measured, of all threads.
  const auto clock = static_cast<::clockid_t>(~static_cast<unsigned>(pid) << 3 | 2);
  ::timespec time{};
  if (::clock_gettime(clock, &time) != 0) return std::nullopt;
  return std::chrono::seconds(time.tv_sec) + std::chrono::duration_cast<std::chrono::microseconds>(
                                                 std::chrono::nanoseconds(time.tv_nsec));
}

std::optional<ProcessStatus> parse_process_status(std::string_view text) {
  ProcessStatus status;
  const bool complete = parse_line(text, "Uid", 10, 4, status.uids) &&
                        parse_line(text, "Gid", 10, 4, status.gids) &&
                        parse_line(text, "Groups", 10, 0, status.groups) &&
                        parse_one(text, "CapInh", 16, status.inheritable) &&
                        parse_one(text, "CapPrm", 16, status.permitted) &&
                        parse_one(text, "CapEff", 16, status.effective) &&
                        parse_one(text, "CapBnd", 16, status.bounding) &&
                        parse_one(text, "CapAmb", 16, status.ambient) &&
                        parse_one(text, "Threads", 10, status.threads) &&
                        parse_one(text, "NoNewPrivs", 10, status.no_new_privs) &&
                        parse_one(text, "Seccomp", 10, status.seccomp_mode) &&
                        parse_one(text, "Seccomp_filters", 10, status.seccomp_filters);
  if (!complete) return std::nullopt;
  if (line_of(text, "NSpid") && !parse_line(text, "NSpid", 10, 0, status.pids)) return std::nullopt;
  std::sort(status.groups.begin(), status.groups.end());
  return status;
}

std::optional<std::uint64_t> parse_anonymous_memory(std::string_view text) {
  constexpr std::string_view unit = " kB";
  auto line = line_of(text, "RssAnon");
  std::vector<std::uint64_t> numbers;
  if (!line || !line->ends_with(unit)) return std::nullopt;
  line->remove_suffix(unit.size());
  if (!parse_numbers(*line, 10, numbers) || numbers.size() != 1) return std::nullopt;
  constexpr std::uint64_t bytes_per_unit = 1024;
  return numbers.front() * bytes_per_unit;
}

std::optional<std::uint64_t> anonymous_memory_of(::pid_t pid) {
  const auto text = read_status_file(pid);
  return text ? parse_anonymous_memory(*text) : std::nullopt;
}

Result<ProcessStatus> read_process_status(::pid_t pid) {
  const auto text = read_status_file(pid);
  if (!text) return failure(text.error());
  auto status = parse_process_status(*text);
  if (!status) return failure({"understand", status_path(pid), 0});
  return std::move(*status);
}

std::optional<std::string> difference_from_policy(const ProcessStatus& status, Role role,
                                                  const Identity& identity,
                                                  std::uint32_t seccomp_filters) {
  const RolePolicy& policy = policy_of(role);
  if (!all_are(status.uids, identity.uid.value)) {
    return "a uid is not " + std::to_string(identity.uid.value);
  }
  if (!all_are(status.gids, identity.gid.value)) {
    return "a gid is not " + std::to_string(identity.gid.value);
  }
  std::vector<std::uint32_t> groups;
  for (Gid gid : identity.groups) groups.push_back(gid.value);
  std::sort(groups.begin(), groups.end());
  if (groups != status.groups) return "its supplementary groups are others";
  if (policy.own_namespaces && (status.pids.size() < 2 || status.pids.back() != 1)) {
    return "it is not the first process of a namespace of its own";
  }
  for (const auto& difference :
       {differs("CapPrm", status.permitted, policy.capabilities),
        differs("CapEff", status.effective, policy.capabilities),
        differs("CapInh", status.inheritable, policy.capabilities),
        differs("CapAmb", status.ambient, policy.capabilities),
        differs("CapBnd", status.bounding, policy.bounding_set),
        differs("Threads", status.threads, 1), differs("NoNewPrivs", status.no_new_privs, 1),
        differs("Seccomp", status.seccomp_mode, 2),
        differs("Seccomp_filters", status.seccomp_filters, seccomp_filters)}) {
    if (difference) return difference;
  }
  return std::nullopt;
}

}  // namespace perchild
