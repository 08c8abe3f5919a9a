#include "policy/configuration_tmp.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <unordered_set>

#include "policy/account_pattern.h"
#include "policy/configuration_values.h"
#include "policy/own_folder.h"

namespace perchild {
namespace {

// In a path that is written otherwise, what is its last name could be a link behind which the
// kernel looks all the same ("x/"), and no text says what lies in what.
bool is_plain(std::string_view path) {
  if (path.size() < 2) return false;
  for (std::size_t start = 1; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string_view name = path.substr(start, end - start);
    if (name.empty() || name == "." || name == "..") return false;
    start = end + 1;
  }
  return true;
}

std::string without_end(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

void read_tmp(Report& report, JsonValue object, std::optional<WrittenTmp>& tmp) {
  const auto value = object.find("tmp");
  if (!value) return;
  tmp.reset();
  if (value->is(JsonKind::boolean) && value->text() == "false") return;
  const auto path = read_absolute_path(report, *value);
  if (!path) return;
  if (is_plain(*path)) {
    tmp = {*path, *value};
  } else {
    report.error(*value, R"("tmp" must be the path of a folder without "//", ".", ".." and an end )"
                         R"(in "/")");
  }
}

TmpProblem problem_of_tmp(SystemView& system, const SiteIdentity& identity, const std::string& path,
                          const std::string& root) {
  if (const std::string_view hiding = tmp_that_hides(root); !hiding.empty()) {
    return {"the root " + in_quotes(root) + " lies in " + std::string(hiding) +
                ", which \"tmp\" takes the place of",
            {}};
  }
  const FolderAnswer answer =
      system.look_at_folder(identity.uid.uid(), identity.gid, identity.groups, path);
  const std::string folder = "the \"tmp\" " + in_quotes(path) + " of " + identity.text + " ";
  if (answer.error == ENOENT) {
    return {folder + "does not exist", "install -d -m 700 -o " +
                                           std::to_string(identity.uid.uid().value) + " -g " +
                                           std::to_string(identity.gid.value) + " " + path};
  }
  if (answer.error != 0) {
    return {folder + "cannot be looked at: " + std::strerror(answer.error), {}};
  }
  if (!answer.status) return {};  // nobody but root can ask
  if (auto objection = objection_to_own_folder(*answer.status, identity.uid.uid())) {
    return {folder + *objection, "it must be the site's user's own, mode 0700"};
  }
  return {};
}

std::string take_tmp(Report& report, SystemView& system, JsonValue vhost,
                     const SiteIdentity& identity, const std::string& root,
                     const std::optional<WrittenTmp>& tmp) {
  if (!tmp) return {};
  std::string path = tmp->path;
  if (path.find(account_name) != std::string::npos) {
    const auto user = vhost.find("user");
    if (!user) {
      report.error(identity.place,
                   R"("{1}" in "tmp" stands for the name of a user, and this vhost )"
                   R"(has none)",
                   R"(give it a "user", or a "tmp" of its own)");
      return {};
    }
    path = with_account_name(std::move(path), user->text());
  }
  TmpProblem problem = problem_of_tmp(system, identity, path, root);
  if (problem.sentence.empty()) return path;
  report.error(tmp->place, std::move(problem.sentence), std::move(problem.hint));
  return {};
}

void check_tmp_of_all(Report& report, const std::vector<Site>& sites,
                      const std::vector<std::pair<std::size_t, JsonValue>>& places) {
  if (places.empty()) return;
  std::unordered_set<std::string> roots;
  for (const Site& site : sites) roots.insert(without_end(site.root));
  for (const auto& [site, place] : places) {
    const std::string& path = sites[site].tmp;
    for (std::size_t end = path.size(); end != std::string::npos && end != 0;
         end = path.rfind('/', end - 1)) {
      const auto root = roots.find(path.substr(0, end));
      if (root == roots.end()) continue;
      report.error(place, "the \"tmp\" " + in_quotes(path) + " lies in the root " +
                              in_quotes(*root) + ", where visitors can ask for what is in it");
      break;
    }
  }
}

}  // namespace perchild
