#include "daemon/command/doctor/running.h"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <set>

#include "daemon/command/control/control_client.h"
#include "daemon/command/doctor/process_checks.h"
#include "daemon/command/doctor/shell_word.h"
#include "daemon/command/serve/tables.h"
#include "privsep/sealed_memory.h"
#include "privsep/site_table.h"
#include "vhosts/sites/runner_settings.h"

namespace perchild {
namespace {

using Steady = std::chrono::steady_clock;

// A child differs from its policy until its lock-down is complete.
constexpr std::chrono::seconds patience{5};
constexpr int between_looks_ms = 100;

std::string without_links(const std::string& path) {
  std::array<char, PATH_MAX> real;
  return ::realpath(path.c_str(), real.data()) != nullptr ? real.data() : std::string();
}

Identity identity_of(ServiceIds ids) {
  return {ids.uid, ids.gid, {}};
}

// As links of /proc name it. Empty if the configuration has no such site any more.
std::string root_of(const Configuration& configuration, const std::string& name) {
  for (const Site& site : configuration.sites) {
    if (name_of(site) == name) return without_links(site.root);
  }
  return {};
}

bool refuses_calls(const SiteRecord& site) {
  const auto settings = RunnerSettings::unpack(site.runner_settings);
  return settings && !settings->refusals.empty();
}

ExpectedService expected_of(const Configuration& configuration, const SiteTable& table) {
  ExpectedService expected{.master = identity_of(configuration.master),
                           .router = identity_of(table.router)};
  if (table.keeper) expected.keeper = identity_of(*table.keeper);
  if (table.spare) expected.spare = identity_of(*table.spare);
  for (const SiteRecord& site : table.sites) {
    if (site.is_hole()) continue;
    expected.sites.push_back({site.name,
                              {site.uid.uid(), site.gid, site.groups},
                              root_of(configuration, site.name),
                              refuses_calls(site)});
  }
  expected.empty_root = without_links(configuration.runtime_dir + "/empty");
  expected.log_folder = without_links(configuration.log_dir);
  expected.has_challenges = !configuration.acme_webroot.empty();
  std::array<char, 64> own{};
  if (::readlink("/proc/self/ns/user", own.data(), own.size() - 1) > 0) {
    expected.users_of_host = own.data();
  }
  return expected;
}

std::set<::pid_t> those_that_differ(const std::vector<ProcessFacts>& processes,
                                    const ExpectedService& expected) {
  std::set<::pid_t> pids;
  for (const ProcessFacts& process : processes) {
    if (!differences_of(process, processes.front(), expected).empty()) pids.insert(process.pid);
  }
  return pids;
}

// The processes, without those that differ only as one does that starts.
Result<std::vector<ProcessFacts>> look_until_settled(::pid_t master,
                                                     const ExpectedService& expected) {
  auto processes = look_at_service(master);
  if (!processes) return failure(processes.error());
  std::set<::pid_t> differed = those_that_differ(*processes, expected);
  const auto until = Steady::now() + patience;
  std::set<::pid_t> differ = differed;
  while (!differ.empty() && Steady::now() < until) {
    ::poll(nullptr, 0, between_looks_ms);
    processes = look_at_service(master);
    if (!processes) return failure(processes.error());
    differ.clear();
    for (const ::pid_t pid : those_that_differ(*processes, expected)) {
      if (differed.count(pid) != 0) differ.insert(pid);
    }
  }
  for (const ::pid_t pid : those_that_differ(*processes, expected)) {
    if (differ.count(pid) != 0) continue;
    std::erase_if(*processes, [&](const ProcessFacts& process) { return process.pid == pid; });
  }
  return processes;
}

// Under systemd the service is started by it again; else its successor is started beside it.
std::string restart_command(const std::string& config_path) {
  struct ::stat status {};
  if (::stat("/run/systemd/system", &status) == 0) return "systemctl restart perchild.service";
  return "perchild upgrade --config " + shell_word(config_path);
}

Result<void> check(const std::string& config_path, const Configuration& configuration,
                   Diagnosis& diagnosis) {
  auto client = ControlClient::connect(configuration.runtime_dir);
  if (!client) return failure(client.error());
  const auto memory = client->running_table();
  if (!memory) return failure(memory.error());
  const auto mapping = SealedMapping::map(memory->borrow());
  if (!mapping) return failure(mapping.error());
  const auto table = SiteTable::unpack(mapping->bytes());
  if (!table) return failure({"read", "the table that the server runs by", 0});
  const ExpectedService expected = expected_of(configuration, *table);
  const auto master = static_cast<::pid_t>(client->server().pid);
  const auto processes = look_until_settled(master, expected);
  if (!processes) return failure(processes.error());
  check_processes(*processes, expected, restart_command(config_path), diagnosis);
  std::vector<std::uint32_t> uids;
  for (const ExpectedSite& site : expected.sites) uids.push_back(site.identity.uid.value);
  check_strangers(look_for_strangers(uids, *processes), expected, diagnosis);
  return {};
}

}  // namespace

void check_running_service(const std::string& config_path, const Configuration& configuration,
                           Diagnosis& diagnosis) {
  const auto checked = check(config_path, configuration, diagnosis);
  if (!checked) diagnosis.cannot_look("processes: " + checked.error().text());
}

}  // namespace perchild
