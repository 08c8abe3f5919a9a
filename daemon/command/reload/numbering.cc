#include "daemon/command/reload/numbering.h"

#include <algorithm>
#include <unordered_map>

#include "daemon/command/serve/listeners.h"
#include "daemon/command/serve/quotas.h"
#include "daemon/command/serve/tables.h"
#include "policy/id_map.h"

namespace perchild {
namespace {

// For each of `wanted` its place among `running`: where it is already, else a place that was empty,
// else behind the last.
std::vector<std::uint32_t> places_of(const std::vector<std::string>& running,
                                     const std::vector<std::string>& wanted) {
  std::unordered_map<std::string_view, std::uint32_t> known;
  std::vector<std::uint32_t> unused;
  for (std::uint32_t i = 0; i < running.size(); ++i) {
    if (running[i].empty()) {
      unused.push_back(i);
    } else {
      known.emplace(running[i], i);
    }
  }
  auto next = static_cast<std::uint32_t>(running.size());
  std::vector<std::uint32_t> places;
  for (const std::string& name : wanted) {
    if (const auto found = known.find(name); found != known.end()) {
      places.push_back(found->second);
    } else if (!unused.empty()) {
      places.push_back(unused.back());
      unused.pop_back();
    } else {
      places.push_back(next++);
    }
  }
  return places;
}

template <typename T>
std::vector<T> put_in_place(std::vector<T> things, const std::vector<std::uint32_t>& places,
                            std::size_t least, const T& nothing) {
  std::size_t size = least;
  for (const std::uint32_t place : places) size = std::max<std::size_t>(size, place + 1);
  std::vector<T> placed(size, nothing);
  for (std::size_t i = 0; i < things.size(); ++i) placed[places[i]] = std::move(things[i]);
  return placed;
}

bool all_within(const std::vector<IdRange>& wanted, const std::vector<IdRange>& mapped) {
  return std::all_of(wanted.begin(), wanted.end(), [&](IdRange range) {
    return std::any_of(mapped.begin(), mapped.end(), [&](IdRange extent) {
      return extent.contains(range.first) && extent.contains(range.last);
    });
  });
}

}  // namespace

void number_like(const SiteTable& running, Configuration& configuration) {
  std::vector<std::string> names;
  std::vector<std::string> wanted;
  for (const SiteRecord& site : running.sites) names.push_back(site.name);
  for (const Site& site : configuration.sites) wanted.push_back(name_of(site));
  const std::vector<std::uint32_t> sites = places_of(names, wanted);
  for (Listener& listener : configuration.listeners) {
    if (listener.default_site) {
      listener.default_site = SiteId{sites[listener.default_site->value]};
    }
  }
  Site nobody = configuration.sites.front();
  nobody.hosts.clear();
  configuration.sites =
      put_in_place(std::move(configuration.sites), sites, running.sites.size(), nobody);

  std::vector<std::string> addresses;
  for (const Listener& listener : configuration.listeners) {
    addresses.push_back(text_of(listener.address));
  }
  const std::vector<std::uint32_t> listeners = places_of(running.listeners, addresses);
  configuration.listeners = put_in_place(std::move(configuration.listeners), listeners,
                                         running.listeners.size(), Listener{});
}

std::vector<std::string> reasons_to_restart(const SiteTable& running, const SiteTable& wanted,
                                            const Configuration& configuration) {
  std::vector<std::string> reasons;
  for (std::size_t i = 0; i < running.fixed.size() && i < wanted.fixed.size(); ++i) {
    const FixedFact& is = running.fixed[i];
    const FixedFact& wants = wanted.fixed[i];
    if (is.value != wants.value) {
      reasons.push_back("\"" + is.name + "\" is " + is.value + " and cannot become " + wants.value +
                        " while the service runs: restart it");
    }
  }
  const IdMaps maps = make_id_maps(configuration);
  if (!all_within(maps.uids.extents(), running.uids) ||
      !all_within(maps.gids.extents(), running.gids)) {
    reasons.emplace_back(
        "\"id_range\" or \"groups\" name ids that do not exist in the running service: restart it");
  }
  std::string lacking;
  for (const std::string& call : calls_allowed_in(configuration)) {
    const auto& known = running.allowable_calls;
    if (std::find(known.begin(), known.end(), call) == known.end()) lacking += " " + call;
  }
  if (!lacking.empty()) {
    reasons.push_back("\"system_calls\" of sites allow what the running service cannot pass on:" +
                      lacking + ": restart it");
  }
  const ControllerMask needed = controllers_needed_by(configuration);
  const bool has_all = running.has_cgroups && (needed & ~running.controllers) == 0;
  if (needed != 0 && !has_all && configuration.mechanisms.cgroup == Requirement::required) {
    reasons.emplace_back(
        "\"limits\" of sites need control groups that the running service has not got: restart it");
  }
  if (const std::string root = root_without_disk(configuration);
      !root.empty() && configuration.mechanisms.cgroup == Requirement::required) {
    reasons.push_back(root + " lies on no disk of which \"io\" could be limited");
  }
  return reasons;
}

SiteChanges compare_sites(const SiteTable& running, const SiteTable& wanted) {
  SiteChanges changes;
  for (std::size_t i = 0; i < wanted.sites.size(); ++i) {
    const SiteRecord& now = wanted.sites[i];
    const bool ran = i < running.sites.size() && !running.sites[i].is_hole();
    if (now.is_hole()) {
      if (ran) changes.removed.push_back(running.sites[i].name);
    } else if (!ran) {
      changes.added.push_back(now.name);
    } else if (now.generation != running.sites[i].generation) {
      changes.changed.push_back(now.name);
    } else {
      ++changes.unchanged;
    }
  }
  return changes;
}

}  // namespace perchild
