#include "daemon/command/doctor/doctor.h"

#include <unistd.h>

#include <algorithm>
#include <ostream>

#include "daemon/command/doctor/disk_checks.h"
#include "daemon/command/doctor/id_checks.h"
#include "daemon/command/doctor/installation.h"
#include "daemon/command/doctor/kernel_checks.h"
#include "daemon/command/doctor/linked_openssl.h"
#include "daemon/command/doctor/port_checks.h"
#include "daemon/command/doctor/report.h"
#include "daemon/command/doctor/roots.h"
#include "daemon/command/doctor/running.h"
#include "daemon/command/doctor/shell_word.h"
#include "daemon/command/doctor/unit_checks.h"
#include "daemon/command/serve/listeners.h"
#include "daemon/command/serve/passed_ports.h"
#include "daemon/command/serve/program_walls.h"
#include "daemon/command/serve/tables.h"
#include "policy/configuration_json.h"
#include "privsep/cgroup.h"

namespace perchild {
namespace {

constexpr int exit_in_order = 0;
constexpr int exit_findings = 1;
constexpr int exit_not_looked = 2;

KernelNeeds needs_of(const Configuration& configuration) {
  const auto any = [&](auto question) {
    return std::any_of(configuration.sites.begin(), configuration.sites.end(), question);
  };
  return {
      .landlock_is_required = configuration.mechanisms.landlock == Requirement::required,
      .has_programs = any([](const Site& site) { return !site.programs.empty(); }),
      .names_ports =
          any([](const Site& site) { return !site.programs.empty() && site.connect_ports; }),
      .has_quotas = any([](const Site& site) { return controllers_of(site.limits.quota) != 0; }),
      .cgroup_is_required = configuration.mechanisms.cgroup == Requirement::required};
}

std::vector<BackendPort> ports_of(const Configuration& configuration) {
  std::vector<BackendPort> ports;
  for (const Site& site : configuration.sites) {
    for (const ProgramSettings& program : site.programs) {
      if (const std::uint16_t port = port_of(program); port != 0) {
        ports.push_back({name_of(site), port});
      }
    }
  }
  return ports;
}

std::vector<std::string> addresses_of(const Configuration& configuration) {
  std::vector<std::string> addresses;
  for (const Listener& listener : configuration.listeners) {
    if (!is_beyond_kernel(listener)) addresses.push_back(text_of(listener.address));
  }
  return addresses;
}

void check_mistakes(const std::string& path, const ReadConfiguration& read, Diagnosis& diagnosis) {
  const std::string word = shell_word(path);
  for (const Severity severity : {Severity::error, Severity::warning}) {
    const std::size_t count = count_of(read.mistakes, severity);
    if (count == 0) continue;
    const bool is_error = severity == Severity::error;
    diagnosis.add({is_error ? Severity::error : Severity::note, "configuration", word,
                   "has " + std::to_string(count) + (is_error ? " mistakes" : " warnings"),
                   is_error ? "the service does not start with it"
                            : "it is used, but may not mean what it should",
                   "perchild check --config " + word});
  }
}

// What needs a configuration that is good.
void check_service(const DoctorOptions& options, const Configuration& configuration,
                   SystemView& machine, PathChecks& paths, Diagnosis& diagnosis) {
  check_runtime_folder(configuration, paths, diagnosis);
  check_logs(configuration, paths, diagnosis);
  check_ways_to_roots(configuration, paths);
  check_roots(configuration, {.names_in_a_root = options.names_in_a_root}, diagnosis);
  check_ids(look_at_ids(configuration, machine), diagnosis);
  check_disks(look_at_disks(configuration), diagnosis);
  const KernelNeeds needs = needs_of(configuration);
  const KernelFacts kernel = look_at_kernel();
  check_kernel(kernel, needs, diagnosis);
  check_ports(kernel, ports_of(configuration), diagnosis);
  check_unit(paths,
             {.programs = needs.has_programs,
              .challenges = !configuration.acme_webroot.empty(),
              .calls = calls_allowed_in(configuration),
              .network = !named_sites(configuration, needs_network).empty(),
              .addresses = addresses_of(configuration)},
             diagnosis);
  check_running_service(options.config_path, configuration, diagnosis);
}

}  // namespace

int run_doctor(const DoctorOptions& options, std::ostream& out, std::ostream& errors) {
  if (::geteuid() != 0) {
    errors << "perchild: doctor needs root, to look at what only root can see\n";
    return exit_not_looked;
  }
  ExaminedFiles files;
  ExaminedMachine machine;
  const ReadConfiguration read = read_configuration(options.config_path, files, machine);
  if (!read.unreadable.empty()) {
    errors << "perchild: " << options.config_path << " cannot be read: " << read.unreadable << "\n";
    return exit_not_looked;
  }
  Diagnosis diagnosis;
  PathChecks paths(diagnosis);
  check_mistakes(options.config_path, read, diagnosis);
  check_configuration_files(files, paths);
  check_keys(machine.keys(), paths);
  check_executables(paths, diagnosis);
  check_linked_openssl(diagnosis);
  if (read.configuration) {
    check_service(options, *read.configuration, machine, paths, diagnosis);
  } else {
    diagnosis.cannot_look("sites, ids and processes: the configuration has mistakes");
  }
  write_report(diagnosis, {options.config_path, options.json, options.verbose}, out);
  if (!read.configuration) return exit_not_looked;
  return needs_attention(diagnosis) ? exit_findings : exit_in_order;
}

}  // namespace perchild
