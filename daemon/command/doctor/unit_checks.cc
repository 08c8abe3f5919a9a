#include "daemon/command/doctor/unit_checks.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "daemon/command/doctor/shell_word.h"
#include "daemon/command/site_process/child_output.h"

namespace perchild {
namespace {

constexpr const char* why_capabilities =
    "the command is root for a moment, and what it cannot do a bug in it cannot either";
constexpr const char* why_files = "what is the system's is not the service's to change";
constexpr const char* why_kernel = "it is a way to change the machine that the service never needs";

constexpr UnitRule rules_of_unit[] = {
    {"User", "", "root", false, "serve needs root, to bind ports and to give each site its user"},
    {"NoNewPrivileges", "yes", "", false,
     "setuid programs would gain something where sites' programs run"},
    {"CapabilityBoundingSet", "CAP_NET_BIND_SERVICE CAP_SETUID CAP_SETGID CAP_CHOWN", "", true,
     why_capabilities},
    {"AmbientCapabilities", "", "", true, why_capabilities},
    {"ProtectSystem", "full", "strict", false, why_files},
    {"PrivateTmp", "yes", "connected disconnected", false,
     "other services' files in /tmp would be in reach"},
    {"PrivateMounts", "yes", "", false, "a mount of the service's would show on the machine"},
    {"PrivateDevices", "yes", "", false, "devices would be in reach of who has their group"},
    {"DevicePolicy", "closed", "strict", false, "devices would be in reach of who has their group"},
    {"ProtectKernelModules", "yes", "", false, why_kernel},
    {"ProtectClock", "yes", "", false, why_kernel},
    {"ProtectHostname", "yes", "private", false, why_kernel},
    {"RestrictNamespaces", "user mnt pid ipc", "yes", true,
     "other namespaces than those that the service makes open more of the kernel"},
    {"PrivateIPC", "yes", "", false, "System V IPC of other services would be in reach"},
    {"RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK", "", true,
     "other families of sockets open more of the kernel to sites' programs"},
    {"LockPersonality", "yes", "", false, why_kernel},
    {"RestrictRealtime", "yes", "", false, "a program could keep a processor for itself"},
    {"KeyringMode", "private", "", false, "keyrings of other services would be in reach"},
    {"SystemCallArchitectures", "native", "", false,
     "calls of another architecture open more of the kernel"},
    {"LimitCORE", "0", "", false, "a core would hold what the process knew"},
    {"UMask", "0077", "", false, "files that the service makes would be open to others"},
};

std::set<std::string> words_of(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::set<std::string> words;
  for (std::string word; stream >> word;) {
    // systemctl(1) shows capabilities in lower case.
    std::transform(word.begin(), word.end(), word.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    });
    words.insert(std::move(word));
  }
  return words;
}

bool is_met(const UnitRule& rule, const std::string& value) {
  if (value == rule.wanted) return true;
  const auto permitted = words_of(std::string(rule.wanted) + " " + rule.also);
  const auto words = words_of(value);
  if (!rule.is_list) return words.size() == 1 && permitted.count(*words.begin()) != 0;
  // No word at all stands for no restriction in some, and for nothing permitted in others.
  return !words.empty() &&
         std::includes(permitted.begin(), permitted.end(), words.begin(), words.end());
}

// A drop-in behind all others. A list is emptied first, since further lines add to it.
std::string mending(const UnitRule& rule) {
  const std::string name = rule.property;
  const std::string folder = "/etc/systemd/system/" + std::string(unit_name) + ".d";
  std::string lines = "'[Service]'";
  if (rule.is_list && *rule.wanted != '\0') lines += " " + shell_word(name + "=");
  lines += " " + shell_word(name + "=" + rule.wanted);
  return "mkdir -p " + folder + " && printf '%s\\n' " + lines + " > " + folder + "/zz-" + name +
         ".conf && systemctl daemon-reload && systemctl restart " + unit_name;
}

Result<ChildOutput> show_unit() {
  std::string names = "LoadState,FragmentPath,DropInPaths,SystemCallFilter";
  for (const UnitRule& rule : rules_of_unit) names += std::string(",") + rule.property;
  const std::string property = "--property=" + names;
  return output_of_child(
      [&](BorrowedFd output) {
        ::dup2(output.get(), STDOUT_FILENO);
        std::string program = "systemctl", show = "show", unit = unit_name;
        std::string asked = property, plain = "--no-pager";
        const std::array<char*, 6> arguments{program.data(), show.data(), plain.data(),
                                             asked.data(),   unit.data(), nullptr};
        std::string locale = "LC_ALL=C";
        const std::array<char*, 2> environment{locale.data(), nullptr};
        ::execve("/usr/bin/systemctl", arguments.data(), environment.data());
      },
      {.most = 1024 * 1024});
}

}  // namespace

std::span<const UnitRule> unit_rules() {
  return rules_of_unit;
}

void check_unit_properties(const UnitProperties& properties, Diagnosis& diagnosis) {
  const std::size_t before = diagnosis.findings.size();
  for (const UnitRule& rule : rules_of_unit) {
    const auto found = properties.find(rule.property);
    // Of another version of systemd's.
    if (found == properties.end() || is_met(rule, found->second)) continue;
    diagnosis.add({Severity::warning, "unit", std::string(unit_name) + ": " + rule.property,
                   "is " + shell_word(found->second) + ", not " + shell_word(rule.wanted), rule.why,
                   mending(rule)});
  }
  const auto filter = properties.find("SystemCallFilter");
  if (filter != properties.end() && filter->second.empty()) {
    diagnosis.add({Severity::warning, "unit", std::string(unit_name) + ": SystemCallFilter",
                   "is empty", "the command that is root has no system-call filter",
                   "grep SystemCallFilter /usr/lib/systemd/system/" + std::string(unit_name)});
  }
  if (diagnosis.findings.size() == before) {
    diagnosis.is_in_order("unit: " + std::string(unit_name) + " is as strict as the packaged one");
  }
}

void check_unit(PathChecks& paths, Diagnosis& diagnosis) {
  struct ::stat status {};
  if (::stat("/run/systemd/system", &status) != 0) {
    diagnosis.cannot_look("unit: systemd does not run this machine");
    return;
  }
  const auto shown = show_unit();
  const auto properties = shown ? parse_unit_properties(shown->text) : UnitProperties();
  const auto state = properties.find("LoadState");
  if (state == properties.end() || state->second != "loaded") {
    diagnosis.cannot_look("unit: systemd has no " + std::string(unit_name));
    return;
  }
  const PathTrust trust{"unit", "a file of the unit", "whoever writes it is root"};
  for (const char* name : {"FragmentPath", "DropInPaths"}) {
    const auto found = properties.find(name);
    if (found == properties.end()) continue;
    std::istringstream stream{found->second};
    for (std::string path; stream >> path;) paths.check_writers(path, look_along(path), trust);
  }
  check_unit_properties(properties, diagnosis);
}

}  // namespace perchild
