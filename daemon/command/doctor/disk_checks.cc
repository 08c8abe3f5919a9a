#include "daemon/command/doctor/disk_checks.h"

#include <fcntl.h>
#include <linux/dqblk_xfs.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>

#include "daemon/command/serve/tables.h"
#include "privsep/unique_fd.h"

namespace perchild {
namespace {

// Open to nothing but such questions: see open(2), O_PATH.
UniqueFd place(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_PATH | O_CLOEXEC));
}

std::optional<std::uint64_t> disk_of(const UniqueFd& path) {
  struct ::stat status;
  if (!path.has_value() || ::fstat(path.get(), &status) != 0) return std::nullopt;
  return status.st_dev;
}

bool ask_quota(const UniqueFd& path, int command, Uid uid, void* answer) {
  return ::syscall(SYS_quotactl_fd, path.get(), command, uid.value, answer) == 0;
}

// That limits are set is not enough: ext4 counts, and does not refuse, unless it is mounted with
// "usrquota". Those of groups and projects are not asked for a number: whoever has switched them on
// knows what for.
bool has_quota(const UniqueFd& path, Uid uid) {
  constexpr unsigned others = FS_QUOTA_GDQ_ENFD | FS_QUOTA_PDQ_ENFD;
  ::fs_quota_statv state{};
  state.qs_version = FS_QSTATV_VERSION1;
  if (!ask_quota(path, QCMD(Q_XGETQSTATV, USRQUOTA), Uid{0}, &state)) return false;
  if ((state.qs_flags & others) != 0) return true;
  ::dqblk quota{};
  return (state.qs_flags & FS_QUOTA_UDQ_ENFD) != 0 &&
         ask_quota(path, QCMD(Q_GETQUOTA, USRQUOTA), uid, &quota) && quota.dqb_bhardlimit != 0 &&
         quota.dqb_ihardlimit != 0;
}

bool is_shared(const SiteOnDisk& site, const DiskFacts& facts) {
  const auto& machine = facts.of_the_machine;
  return std::find(machine.begin(), machine.end(), site.disk) != machine.end() ||
         std::any_of(facts.sites.begin(), facts.sites.end(), [&](const SiteOnDisk& other) {
           return other.disk == site.disk && other.uid != site.uid;
         });
}

}  // namespace

DiskFacts look_at_disks(const Configuration& configuration) {
  DiskFacts facts;
  for (const std::string& path : {std::string("/"), configuration.log_dir}) {
    if (const auto disk = disk_of(place(path))) facts.of_the_machine.push_back(*disk);
  }
  for (const Site& site : configuration.sites) {
    if (site.programs.empty()) continue;
    for (const std::string& path : {site.root, site.tmp}) {
      if (path.empty()) continue;
      const UniqueFd folder = place(path);
      if (const auto disk = disk_of(folder)) {
        facts.sites.push_back(
            {name_of(site), site.uid.uid(), *disk, has_quota(folder, site.uid.uid())});
      }
    }
  }
  return facts;
}

void check_disks(const DiskFacts& facts, Diagnosis& diagnosis) {
  std::vector<std::string> without;
  for (const SiteOnDisk& site : facts.sites) {
    if (site.has_quota || !is_shared(site, facts)) continue;
    if (without.empty() || without.back() != site.site) without.push_back(site.site);
  }
  if (without.empty()) {
    diagnosis.is_in_order("disks: no site's programs can fill one that is others' too");
    return;
  }
  const std::string others =
      without.size() == 1 ? "" : " and " + std::to_string(without.size() - 1) + " more";
  diagnosis.add({Severity::note, "disks", without.front() + others,
                 "may write as much as there is room for, on a disk that is others' too",
                 "no quota is in force there for the space and the files of the site's user "
                 "(quota(1), setquota(8)): one site's programs can fill it for all",
                 ""});
}

}  // namespace perchild
