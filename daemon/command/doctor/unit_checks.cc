#include "daemon/command/doctor/unit_checks.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "daemon/command/doctor/shell_word.h"
#include "daemon/command/doctor/socket_checks.h"
#include "daemon/command/doctor/systemctl.h"

namespace perchild {
namespace {

constexpr const char* why_capabilities =
    "the command is root for a moment, and what it cannot do a bug in it cannot either";
constexpr const char* why_files = "what is the system's is not the service's to change";
constexpr const char* why_kernel = "it is a way to change the machine that the service never needs";

constexpr UnitRule rules_of_unit[] = {
    {"User", "", "root", false, "serve needs root, to give each site its user"},
    {"NoNewPrivileges", "yes", "", false,
     "setuid programs would gain something where sites' programs run"},
    {"CapabilityBoundingSet", "CAP_SETUID CAP_SETGID", "", true, why_capabilities, nullptr, false,
     false, "CAP_NET_BIND_SERVICE"},
    {"AmbientCapabilities", "", "", true, why_capabilities},
    {"ProtectSystem", "strict", "", false, why_files, "full"},
    {"ProtectHome", "read-only", "yes tmpfs", false, "no role of the service writes files of users",
     "no"},
    {"PrivateTmp", "yes", "connected disconnected", false,
     "other services' files in /tmp would be in reach"},
    {"PrivateMounts", "yes", "", false, "a mount of the service's would show on the machine"},
    {"PrivateDevices", "yes", "", false, "devices would be in reach of who has their group"},
    {"DevicePolicy", "closed", "strict", false, "devices would be in reach of who has their group"},
    {"ProtectKernelTunables", "yes", "", false, why_kernel, "no", true},
    {"ProtectKernelLogs", "yes", "", false, why_kernel, "no", true},
    {"ProcSubset", "pid", "", false, "of /proc the service needs the processes alone", "all", true},
    {"ProtectKernelModules", "yes", "", false, why_kernel},
    {"ProtectControlGroups", "yes", "private strict", false,
     "the limits of the machine's other services would be in reach"},
    {"ProtectClock", "yes", "", false, why_kernel},
    {"ProtectHostname", "yes", "private", false, why_kernel},
    {"RestrictNamespaces", "user", "yes", true,
     "other namespaces than those that the service makes open more of the kernel",
     "user mnt pid ipc", true, true},
    {"PrivateIPC", "yes", "", false, "System V IPC of other services would be in reach"},
    {"PrivateNetwork", "yes", "", false, "who takes over a process could connect to others",
     nullptr, false, false, "no"},
    {"RestrictAddressFamilies", "AF_UNIX", "", true,
     "other families of sockets open more of the kernel", "AF_NETLINK", false, false,
     "AF_INET AF_INET6"},
    {"LockPersonality", "yes", "", false, why_kernel},
    {"MemoryDenyWriteExecute", "yes", "", false,
     "who takes over a process could bring code of his own", "no"},
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

// Which drop-ins there are to be.
struct DropIns {
  bool programs = false;
  bool network = false;
};

// As the packaged unit says it with these drop-ins.
std::string wanted_by(const UnitRule& rule, DropIns drop_ins) {
  std::string wanted = rule.wanted;
  for (const auto& [is_there, value] : {std::pair(drop_ins.programs, rule.with_programs),
                                        std::pair(drop_ins.network, rule.with_network)}) {
    if (!is_there || value == nullptr) continue;
    wanted = rule.is_list ? wanted + " " + value : value;
  }
  return wanted;
}

// Whether `value` is what is wanted, as good, or, of a list, within it.
bool is_met(const UnitRule& rule, DropIns drop_ins, const std::string& value) {
  const std::string wanted = wanted_by(rule, drop_ins);
  if (value == wanted) return true;
  const auto permitted = words_of(wanted + " " + rule.also);
  const auto words = words_of(value);
  if (!rule.is_list) return words.size() == 1 && permitted.count(*words.begin()) != 0;
  // No word at all stands for no restriction in some, and for nothing permitted in others.
  return !words.empty() &&
         std::includes(permitted.begin(), permitted.end(), words.begin(), words.end());
}

bool suffices_for_programs(const UnitRule& rule, const std::string& value) {
  const auto needed = words_of(rule.with_programs);
  const auto words = words_of(value);
  return std::includes(words.begin(), words.end(), needed.begin(), needed.end());
}

const std::string folder_of_drop_ins = "/etc/systemd/system/" + std::string(unit_name) + ".d";
const std::string taking_effect =
    " && systemctl daemon-reload && systemctl restart " + std::string(unit_name);

std::string writing_drop_in(const std::string& name, const std::string& lines) {
  return "mkdir -p " + folder_of_drop_ins + " && printf '%s\\n' '[Service]'" + lines + " > " +
         folder_of_drop_ins + "/" + name + ".conf" + taking_effect;
}

std::string line_of(const UnitRule& rule, const std::string& value) {
  return " " + shell_word(std::string(rule.property) + "=" + value);
}

// A list is emptied first, since further lines add to it.
std::string lines_of(const UnitRule& rule, const std::string& wanted) {
  return (rule.is_list && !wanted.empty() ? line_of(rule, "") : "") + line_of(rule, wanted);
}

// What packaging/programs.conf says.
std::string adding_what_programs_need() {
  std::string lines;
  for (const UnitRule& rule : rules_of_unit) {
    if (rule.with_programs != nullptr) lines += line_of(rule, rule.with_programs);
  }
  return writing_drop_in("programs", lines + " 'SystemCallFilter=mount @resources'");
}

// What packaging/network.conf says.
std::string adding_a_network() {
  std::string lines;
  for (const UnitRule& rule : rules_of_unit) {
    if (rule.with_network != nullptr) lines += line_of(rule, rule.with_network);
  }
  return writing_drop_in("network", lines + " IPAddressDeny=");
}

std::string listed(const std::vector<const char*>& names) {
  std::string text;
  for (const char* name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

// What differs from the packaged unit as packaging/programs.conf makes it differ, and should not;
// or does not, and should.
void check_drop_in_of_programs(const std::vector<const char*>& loosened,
                               const std::vector<const char*>& lacking, Diagnosis& diagnosis) {
  if (!lacking.empty()) {
    diagnosis.add({Severity::error, "unit", std::string(unit_name) + ": " + listed(lacking),
                   "are as for sites without programs",
                   "the programs that sites have do not start: their runner cannot make its walls",
                   adding_what_programs_need()});
  }
  if (!loosened.empty()) {
    diagnosis.add({Severity::warning, "unit", std::string(unit_name) + ": " + listed(loosened),
                   "are as sites with programs need them, and there is none",
                   "what nothing uses is open all the same",
                   "rm -f " + folder_of_drop_ins + "/programs.conf" + taking_effect});
  }
}

void check_drop_in_of_network(bool has_network, const UnitNeeds& needs, Diagnosis& diagnosis) {
  const std::string unit = std::string(unit_name) + ": PrivateNetwork, RestrictAddressFamilies";
  if (!has_network && needs.network) {
    diagnosis.add({Severity::error, "unit", unit, "leave the service without a network",
                   "backends at ports, and the hosts that send sites' mail, are out of reach",
                   adding_a_network()});
  } else if (!has_network && needs.programs) {
    diagnosis.add(
        {Severity::note, "unit", unit, "leave sites' programs without a network",
         "they reach databases at paths alone, and fetch nothing; for those that have to, "
         "packaging/network.conf gives them one",
         ""});
  } else if (has_network && !needs.network && !needs.programs) {
    diagnosis.add({Severity::note, "unit", unit, "give the service a network",
                   "perchild.socket can bind its ports; who takes over a process then connects to "
                   "nobody",
                   "rm -f " + folder_of_drop_ins +
                       "/network.conf && systemctl daemon-reload && systemctl stop " + unit_name +
                       " && systemctl enable --now " + unit_name});
  }
}

// What packaging/acme.conf says: programs.conf permits the namespace too, but not the calls.
constexpr const char* namespaces_with_challenges = "user mnt";
constexpr const char* calls_of_challenges = "open_tree mount_setattr";

bool are_within(const std::string& words, const char* permitted) {
  const auto all = words_of(permitted), some = words_of(words);
  return std::includes(all.begin(), all.end(), some.begin(), some.end());
}

void check_drop_in_of_challenges(const UnitProperties& properties, bool has_challenges,
                                 Diagnosis& diagnosis) {
  const auto namespaces = properties.find("RestrictNamespaces");
  const auto filter = properties.find("SystemCallFilter");
  if (namespaces == properties.end() || filter == properties.end()) return;
  const bool has_namespace =
      namespaces->second == "no" || are_within("mnt", namespaces->second.c_str());
  // One that lists what is forbidden, or nothing, is another matter.
  const bool is_list = !filter->second.empty() && filter->second.front() != '~';
  const bool has_calls = is_list && are_within(calls_of_challenges, filter->second.c_str());
  const std::string unit = std::string(unit_name) + ": RestrictNamespaces, SystemCallFilter";
  if (has_challenges && (!has_namespace || (is_list && !has_calls))) {
    diagnosis.add(
        {Severity::error, "unit", unit, "are as without \"acme_webroot\"",
         "the service does not start with it: the folder cannot be made a mount by itself",
         writing_drop_in("acme", std::string(" RestrictNamespaces=mnt 'SystemCallFilter=") +
                                     calls_of_challenges + "'")});
  }
  const bool is_mount_alone =
      has_namespace && are_within(namespaces->second, namespaces_with_challenges);
  if (!has_challenges && (has_calls || is_mount_alone)) {
    diagnosis.add({Severity::warning, "unit", unit,
                   "are as \"acme_webroot\" needs them, and there is none",
                   "what nothing uses is open all the same",
                   "rm -f " + folder_of_drop_ins + "/acme.conf" + taking_effect});
  }
}

// What sites allow, this does not, and counts for more.
void check_calls_of_programs(const std::string& filter, const std::vector<std::string>& calls,
                             Diagnosis& diagnosis) {
  std::string lacking;
  for (const std::string& call : calls) {
    if (!are_within(call, filter.c_str())) lacking += (lacking.empty() ? "" : " ") + call;
  }
  if (lacking.empty()) return;
  diagnosis.add({Severity::warning, "unit", std::string(unit_name) + ": SystemCallFilter",
                 "has not what \"system_calls\" of sites allow: " + lacking,
                 "their programs are refused it all the same",
                 writing_drop_in("system-calls", " " + shell_word("SystemCallFilter=" + lacking))});
}

}  // namespace

std::span<const UnitRule> unit_rules() {
  return rules_of_unit;
}

bool binds_ports(const UnitProperties& properties) {
  const auto network = properties.find("PrivateNetwork");
  const auto families = properties.find("RestrictAddressFamilies");
  const bool is_private = network != properties.end() && network->second == "yes";
  // None is no restriction; a list of what is forbidden begins with "~".
  const bool has_family = families == properties.end() || families->second.empty() ||
                          families->second.front() == '~' ||
                          are_within("AF_INET", families->second.c_str());
  return !is_private && has_family;
}

void check_unit_properties(const UnitProperties& properties, const UnitNeeds& needs,
                           Diagnosis& diagnosis) {
  const std::size_t before = diagnosis.findings.size();
  const bool has_network = binds_ports(properties);
  const DropIns strict{.network = has_network};
  const DropIns with_programs{.programs = true, .network = has_network};
  std::vector<const char*> loosened, lacking;
  for (const UnitRule& rule : rules_of_unit) {
    const auto found = properties.find(rule.property);
    if (found == properties.end()) continue;  // of another version of systemd's
    const std::string& value = found->second;
    // That of challenges has a check of its own.
    const bool is_strict = is_met(rule, {}, value) || is_met(rule, strict, value) ||
                           (rule.has_more_with_challenges && value != "" &&
                            are_within(value, namespaces_with_challenges));
    const bool is_for_programs = is_met(rule, with_programs, value);
    if (!is_strict && !is_for_programs) {
      const std::string wanted =
          wanted_by(rule, {.programs = needs.programs, .network = has_network});
      // Behind all others.
      diagnosis.add({Severity::warning, "unit", std::string(unit_name) + ": " + rule.property,
                     "is " + shell_word(value) + ", not " + shell_word(wanted), rule.why,
                     writing_drop_in(std::string("zz-") + rule.property, lines_of(rule, wanted))});
    } else if (!is_strict && !needs.programs) {
      loosened.push_back(rule.property);
    } else if (needs.programs && rule.is_needed_by_programs &&
               !suffices_for_programs(rule, value)) {
      lacking.push_back(rule.property);
    }
  }
  check_drop_in_of_network(has_network, needs, diagnosis);
  check_drop_in_of_programs(loosened, lacking, diagnosis);
  check_drop_in_of_challenges(properties, needs.challenges, diagnosis);
  const auto filter = properties.find("SystemCallFilter");
  if (filter != properties.end() && filter->second.empty()) {
    diagnosis.add({Severity::warning, "unit", std::string(unit_name) + ": SystemCallFilter",
                   "is empty", "the command that is root has no system-call filter",
                   "grep SystemCallFilter /usr/lib/systemd/system/" + std::string(unit_name)});
  }
  if (filter != properties.end() && !filter->second.empty() && filter->second.front() != '~') {
    check_calls_of_programs(filter->second, needs.calls, diagnosis);
  }
  if (diagnosis.findings.size() == before) {
    diagnosis.is_in_order("unit: " + std::string(unit_name) + " is as strict as the packaged one");
  }
}

void check_unit(PathChecks& paths, const UnitNeeds& needs, Diagnosis& diagnosis) {
  struct ::stat status {};
  if (::stat("/run/systemd/system", &status) != 0) {
    diagnosis.cannot_look("unit: systemd does not run this machine");
    return;
  }
  std::string names = "LoadState,FragmentPath,DropInPaths,SystemCallFilter";
  for (const UnitRule& rule : rules_of_unit) names += std::string(",") + rule.property;
  const auto shown = show_unit(unit_name, names);
  const auto socket = show_unit(socket_name, socket_properties);
  if (!shown || !socket) {
    diagnosis.cannot_look("unit: systemd does not answer");
    return;
  }
  const auto properties = parse_unit_properties(*shown);
  const auto state = properties.find("LoadState");
  if (state == properties.end() || state->second != "loaded") {
    diagnosis.cannot_look("unit: systemd has no " + std::string(unit_name));
    return;
  }
  const PathTrust trust{"unit", "a file of the unit", "whoever writes it is root"};
  for (const UnitProperties& unit : {properties, parse_unit_properties(*socket)}) {
    for (const char* name : {"FragmentPath", "DropInPaths"}) {
      const auto found = unit.find(name);
      if (found == unit.end()) continue;
      std::istringstream stream{found->second};
      for (std::string path; stream >> path;) paths.check_writers(path, look_along(path), trust);
    }
  }
  check_unit_properties(properties, needs, diagnosis);
  check_socket_unit(parse_socket_unit(*socket), needs.addresses, binds_ports(properties),
                    diagnosis);
}

}  // namespace perchild
