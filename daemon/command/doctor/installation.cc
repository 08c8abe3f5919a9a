#include "daemon/command/doctor/installation.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <map>
#include <set>

#include "daemon/command/doctor/shell_word.h"
#include "daemon/command/serve/executables.h"
#include "daemon/command/serve/tables.h"
#include "privsep/control_messages.h"

namespace perchild {
namespace {

constexpr const char* started[] = {
    "perchild-master",    "perchild-router",   "perchild-worker",        "perchild-tls-worker",
    "perchild-checker",   "perchild-keeper",   "perchild-runner",        "perchild-spare",
    "perchild-explainer", "perchild-sendmail", "perchild-fork-server.so"};

std::string absolute(const std::string& path) {
  std::array<char, PATH_MAX> here{};
  if (path.starts_with('/') || ::getcwd(here.data(), here.size()) == nullptr) return path;
  return std::string(here.data()) + "/" + path;
}

std::string own_executable() {
  std::array<char, PATH_MAX> self{};
  return ::readlink("/proc/self/exe", self.data(), self.size() - 1) < 0 ? "" : self.data();
}

bool is_log(const std::string& name) {
  return name.ends_with(".access.log") || name.ends_with(".error.log");
}

// Nullopt if the log is the master's own file.
std::optional<Finding> objection_to_log(const FolderEntry& entry, const std::string& path,
                                        Uid master) {
  const std::string word = shell_word(path);
  const struct ::stat& status = entry.status;
  Finding finding{Severity::warning,
                  "logs",
                  word,
                  "",
                  "the master does not open it, so the site does not start",
                  ""};
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1) {
    finding.wrong = S_ISREG(status.st_mode) ? "has other names" : "is no regular file";
    finding.command = "mv -T -- " + word + " " + shell_word(path + ".old");
  } else if (status.st_uid != master.value) {
    finding.wrong = "belongs to uid " + std::to_string(status.st_uid) + ", not to the master's";
    finding.command = "chown -h " + std::to_string(master.value) + " -- " + word;
  } else if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    finding.wrong = "may be written by others (mode " + mode_text(status.st_mode) + ")";
    finding.why = "its lines may be anybody's";
    finding.command = "chmod go-w -- " + word;
  } else {
    return std::nullopt;
  }
  return finding;
}

}  // namespace

OpenedSource ExaminedFiles::open(const std::string& path) {
  opened_.push_back(absolute(path));
  OpenedSource source = files_.open(path);
  source.objections.clear();
  return source;
}

std::vector<std::string> ExaminedFiles::matching(const std::string& pattern,
                                                 const std::string& from) {
  const std::string whole =
      pattern.starts_with('/') ? pattern : from.substr(0, from.rfind('/') + 1) + pattern;
  const std::string folder = absolute(whole.substr(0, whole.rfind('/') + 1));
  if (folder.find_first_of("*?[") == std::string::npos) folders_.push_back(folder);
  return files_.matching(pattern, from);
}

CertificateFacts ExaminedMachine::read_certificate(const std::string& chain,
                                                   const std::string& key) {
  keys_.push_back(key);
  return MachineView::read_certificate(chain, key);
}

void check_configuration_files(const ExaminedFiles& files, PathChecks& checks) {
  const PathTrust trust{
      .area = "configuration",
      .what = "the configuration",
      .why = "whoever writes it says what runs under which uid, and reads all keys"};
  for (const auto* list : {&files.opened(), &files.folders()}) {
    for (const std::string& path : *list) checks.check_writers(path, look_along(path), trust);
  }
}

void check_keys(const std::vector<std::string>& keys, PathChecks& checks) {
  const PathTrust trust{"keys", "a private key",
                        "whoever has a site's private key can speak in its name"};
  for (const std::string& key : keys) {
    const PathFacts facts = look_along(key);
    checks.check_writers(key, facts, trust);
    checks.check_readers(key, facts, trust);
  }
}

void check_executables(PathChecks& checks, Diagnosis& diagnosis) {
  const PathTrust trust{"executables", "an executable",
                        "root, the master or a site's user executes it"};
  std::vector<std::string> paths{own_executable()};
  for (const char* name : started) {
    const auto path = find_executable(name);
    if (path) {
      paths.push_back(*path);
    } else {
      diagnosis.cannot_look("executables: " + path.error().text());
    }
  }
  for (const std::string& path : paths) checks.check_writers(path, look_along(path), trust);
}

void check_runtime_folder(const Configuration& configuration, PathChecks& checks,
                          Diagnosis& diagnosis) {
  const std::string& folder = configuration.runtime_dir;
  const PathFacts facts = look_along(folder);
  if (facts.error == ENOENT) {
    diagnosis.cannot_look("runtime: " + shell_word(folder) + " is made when the service starts");
    return;
  }
  checks.check_writers(folder, facts,
                       {"runtime", "the folder of the sockets",
                        "whoever writes there can answer commands in the master's place"});
  for (const FolderEntry& entry : look_into(folder)) {
    const std::string word = shell_word(folder + "/" + entry.name);
    const ::mode_t mode = entry.status.st_mode & 07777U;
    if (entry.name == control_socket_name && (entry.status.st_uid != 0 || (mode & 077U) != 0)) {
      diagnosis.add({Severity::error, "runtime", word,
                     "is open to others than root (uid " + std::to_string(entry.status.st_uid) +
                         ", mode " + mode_text(mode) + ")",
                     "who can connect to it can reload, upgrade and stop the service",
                     "chown root:root -- " + word + " && chmod 0600 -- " + word});
    }
  }
  for (const FolderEntry& entry : look_into(folder + "/empty")) {
    diagnosis.add({Severity::error, "runtime", shell_word(folder + "/empty/" + entry.name),
                   "lies in what is the empty root of routers and other processes",
                   "a process that is taken over would find something there",
                   "rm -rf -- " + shell_word(folder + "/empty/" + entry.name)});
  }
}

void check_logs(const Configuration& configuration, PathChecks& checks, Diagnosis& diagnosis) {
  const std::string& folder = configuration.log_dir;
  const PathFacts facts = look_along(folder);
  if (facts.error == ENOENT) {
    diagnosis.cannot_look("logs: " + shell_word(folder) + " is made when the service starts");
    return;
  }
  checks.check_writers(
      folder, facts,
      {"logs", "the folder of the logs",
       "a link there would have the master write to another's file, and logs could "
       "be forged or taken away",
       configuration.master.uid});
  if (facts.error != 0) return;
  const ::mode_t mode = facts.steps.back().status.st_mode;
  if ((mode & S_IRWXO) != 0) {
    const std::string word = shell_word(folder);
    diagnosis.add({Severity::warning, "logs", word,
                   "is open to every user (mode " + mode_text(mode) + ")",
                   "who may list it sees which sites there are, and logs name all visitors",
                   "chmod o-rwx -- " + word});
  }
  std::size_t good = 0;
  for (const FolderEntry& entry : look_into(folder)) {
    if (!is_log(entry.name)) continue;
    auto finding = objection_to_log(entry, folder + "/" + entry.name, configuration.master.uid);
    if (finding) {
      diagnosis.add(std::move(*finding));
    } else {
      ++good;
    }
  }
  diagnosis.is_in_order("logs: " + std::to_string(good) + " files are the master's alone");
}

void check_ways_to_roots(const Configuration& configuration, PathChecks& checks) {
  std::map<std::uint32_t, std::set<std::uint32_t>> uids_by_gid;
  for (const Site& site : configuration.sites) {
    uids_by_gid[site.gid.value].insert(site.uid.uid().value);
  }
  for (const Site& site : configuration.sites) {
    PathTrust trust{.area = "roots",
                    .what = "the root of " + name_of(site),
                    .why = "another can put other files in the place of the site's",
                    .owner = site.uid.uid()};
    if (uids_by_gid[site.gid.value].size() == 1) trust.own_group = site.gid;
    checks.check_writers(site.root, look_along(site.root), trust);
  }
}

}  // namespace perchild
