// "tmp": the folder of a site's user that is /tmp of the site's programs, in place of memory.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/configuration.h"
#include "policy/configuration_identities.h"
#include "policy/configuration_report.h"
#include "policy/system_view.h"

namespace perchild {

// As it is written, in a vhost or in "defaults": "{1}" stands for the name of the site's user.
struct WrittenTmp {
  std::string path;
  JsonValue place;
};

// `false` where it is inherited: memory.
void read_tmp(Report& report, JsonValue object, std::optional<WrittenTmp>& tmp);

// A folder that is none; no sentence if it can be /tmp.
struct TmpProblem {
  std::string sentence;
  std::string hint;
};
TmpProblem problem_of_tmp(SystemView& system, const SiteIdentity& identity, const std::string& path,
                          const std::string& root);

// The vhost's own; empty for memory. Says what is wrong with it.
std::string take_tmp(Report& report, SystemView& system, JsonValue vhost,
                     const SiteIdentity& identity, const std::string& root,
                     const std::optional<WrittenTmp>& tmp);

// Whether one lies in the root of a site, where visitors could ask for sessions.
void check_tmp_of_all(Report& report, const std::vector<Site>& sites,
                      const std::vector<std::pair<std::size_t, JsonValue>>& places);

}  // namespace perchild
