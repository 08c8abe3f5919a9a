#include "daemon/command/serve/quotas.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fstream>

#include "daemon/command/check/system_view.h"

namespace perchild {
namespace {

constexpr const char* remedy = R"(; "mechanisms": {"cgroup": "if-available"} would serve without)";

std::string problem_of(const Result<DelegatedCgroup>& delegated, ControllerMask needed) {
  if (!delegated) return delegated.error().text();
  const auto missing = static_cast<ControllerMask>(needed & ~delegated->controllers);
  return missing == 0 ? "" : "cgroup v2 has no controller here for: " + names_of(missing);
}

Result<DelegatedCgroup> join_inherited(DelegatedCgroup inherited) {
  if (auto joined = join_service_group(inherited.directory.borrow()); !joined) {
    return failure(joined.error());
  }
  return inherited;
}

}  // namespace

ControllerMask controllers_needed_by(const Configuration& configuration) {
  unsigned needed = 0;
  for (const Site& site : configuration.sites) needed |= controllers_of(site.limits.quota);
  return static_cast<ControllerMask>(needed);
}

Result<DelegatedCgroup> prepare_quotas(const Configuration& configuration,
                                       DelegatedCgroup inherited, const ServerLog& log) {
  const ControllerMask needed = controllers_needed_by(configuration);
  auto delegated = inherited.directory.has_value()
                       ? join_inherited(std::move(inherited))
                       : delegate_own_cgroup(configuration.master.gid, needed != 0);
  std::string problem = problem_of(delegated, needed);
  if (const std::string root = root_without_disk(configuration); problem.empty() && !root.empty()) {
    problem = root + " lies on no disk of which \"io\" could be limited";
  }
  if (needed == 0 || problem.empty()) {
    return delegated ? std::move(delegated) : Result<DelegatedCgroup>(DelegatedCgroup{});
  }
  const std::string sentence = "limits of sites cannot be kept: " + problem;
  if (configuration.mechanisms.cgroup == Requirement::required) {
    return failure({sentence + remedy, "", 0});
  }
  log.line(Priority::warning, sentence);
  return delegated ? std::move(delegated) : Result<DelegatedCgroup>(DelegatedCgroup{});
}

BlockDevice disk_of(const Site& site) {
  if (site.limits.quota.io == 0) return {};
  // As the site's user: its home is closed to a root without CAP_DAC_READ_SEARCH.
  const std::uint64_t number =
      MachineView().try_root(site.uid.uid(), site.gid, site.groups, site.root).device;
  if (major(number) == 0) return {};
  const std::string device =
      "/sys/dev/block/" + std::to_string(major(number)) + ":" + std::to_string(minor(number));
  struct ::stat facts;
  // A partition lies in the folder of its disk.
  const bool is_partition = ::stat((device + "/partition").c_str(), &facts) == 0;
  std::ifstream numbers(device + (is_partition ? "/../dev" : "/dev"));
  BlockDevice disk;
  char colon = 0;
  if (!(numbers >> disk.major >> colon >> disk.minor) || colon != ':') return {};
  return disk;
}

std::string root_without_disk(const Configuration& configuration) {
  for (const Site& site : configuration.sites) {
    if (site.limits.quota.io != 0 && disk_of(site) == BlockDevice{}) return site.root;
  }
  return {};
}

}  // namespace perchild
