#include "daemon/command/doctor/descriptor_checks.h"

#include <algorithm>

#include "daemon/command/doctor/process_texts.h"
#include "daemon/command/doctor/shell_word.h"

namespace perchild {
namespace {

using Sites = std::vector<const ExpectedSite*>;

bool is_within(std::string_view path, std::string_view folder) {
  if (folder == "/") return true;
  return path == folder ||
         (path.starts_with(folder) && path.substr(folder.size()).starts_with('/'));
}

// Rotated ones too, which a worker writes to for a moment longer.
bool is_log_of(const Sites& sites, std::string_view path, const ExpectedService& expected) {
  return std::any_of(sites.begin(), sites.end(), [&](const ExpectedSite* site) {
    return path.starts_with(expected.log_folder + "/" + site->name + ".access.log") ||
           path.starts_with(expected.log_folder + "/" + site->name + ".error.log");
  });
}

bool is_in_root_of(const Sites& sites, std::string_view path) {
  return std::any_of(sites.begin(), sites.end(), [&](const ExpectedSite* site) {
    return site->root.empty() || is_within(path, site->root);
  });
}

// A mount that has no place shows its files as if they lay below /.
bool may_be_a_challenge(std::string_view path, const ExpectedService& expected) {
  return expected.has_challenges && path.find('/', 1) == std::string_view::npos;
}

// "" if it is one that the role has a use for.
std::string objection_to(const HeldDescriptor& held, Role role, const Sites& sites,
                         const ExpectedService& expected) {
  const std::string_view path = without_mark_of_deleted(held.target);
  const bool is_named = held.kind == DescriptorKind::file || held.kind == DescriptorKind::folder;
  const bool is_of_a_site = role == Role::worker || role == Role::checker;
  if (held.kind == DescriptorKind::socket) {
    const bool may_listen = role == Role::master || role == Role::router || role == Role::runner;
    return held.listens && !may_listen ? "listens on a socket" : "";
  }
  if (!is_named) return {};
  if ((role == Role::router || role == Role::keeper) && !expected.empty_root.empty()) {
    return path == expected.empty_root ? "" : "holds another folder than the empty one";
  }
  if (!is_of_a_site || expected.log_folder.empty()) return {};
  if (role == Role::worker && held.is_own_unnamed) return {};  // for bodies, by its runner
  const bool is_log = is_log_of(sites, path, expected);
  if (held.writes && (!is_log || !held.appends)) {
    return is_log ? "can change what its log has" : "can write to what is no log of its site";
  }
  // A checker's lists may lie anywhere.
  if (role == Role::checker || is_log || is_in_root_of(sites, path) ||
      may_be_a_challenge(path, expected)) {
    return {};
  }
  return "holds what is not in its site's root";
}

}  // namespace

void compare_descriptors(const ProcessFacts& process, Role role, const ProcessFacts& master,
                         const std::vector<const ExpectedSite*>& sites,
                         const ExpectedService& expected, std::vector<Difference>& differences) {
  const auto messages = std::find_if(master.held.begin(), master.held.end(),
                                     [](const HeldDescriptor& held) { return held.number == 2; });
  for (const HeldDescriptor& held : process.held) {
    // Where the service's messages go is for who starts it to choose, and its children share it.
    const bool is_messages =
        held.number == 2 && messages != master.held.end() && held.target == messages->target;
    if (is_messages) continue;
    std::string wrong = may_hold(role, held.kind) ? objection_to(held, role, sites, expected)
                                                  : "holds " + std::string(name_of(held.kind));
    if (wrong.empty()) continue;
    differences.push_back(
        {wrong + ", " + shell_word(held.target) + ", as descriptor " + std::to_string(held.number),
         "its role has no use for one, and it may lead out of its walls"});
  }
}

}  // namespace perchild
