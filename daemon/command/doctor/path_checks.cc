#include "daemon/command/doctor/path_checks.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <optional>

#include "daemon/command/doctor/shell_word.h"
#include "policy/configuration_source.h"

namespace perchild {
namespace {

bool belongs_to_others(const PathStep& step, Uid owner) {
  return step.status.st_uid != 0 && step.status.st_uid != owner.value;
}

std::optional<std::string> objection_to(const PathStep& step, const PathTrust& trust,
                                        bool is_last) {
  struct ::stat status = step.status;
  // A link's mode says nothing; where it may be replaced, its folder says.
  if (S_ISLNK(status.st_mode)) status.st_mode = S_IFLNK;
  if (trust.own_group && trust.own_group->value == status.st_gid) {
    status.st_mode &= ~::mode_t{S_IWGRP};
  }
  return is_last && trust.end_is_strict ? objection_to_file(status, trust.owner)
                                        : objection_to_ancestor(status, trust.owner);
}

// What belongs to a site's user is his to mend: on a way that he can change, root could be led to
// another file.
std::string mending_writers(const PathStep& step, const PathTrust& trust) {
  const std::string word = shell_word(step.path);
  if (belongs_to_others(step, trust.owner)) return "chown -h root " + word;
  if (step.status.st_uid == 0) return "chmod go-w " + word;
  return "setpriv --reuid=" + std::to_string(step.status.st_uid) +
         " --regid=" + std::to_string(step.status.st_gid) + " --clear-groups -- chmod go-w " + word;
}

}  // namespace

std::string mode_text(::mode_t mode) {
  std::array<char, 8> text;
  std::snprintf(text.data(), text.size(), "%04o", static_cast<unsigned>(mode & 07777U));
  return text.data();
}

void PathChecks::check_writers(const std::string& path, const PathFacts& facts,
                               const PathTrust& trust) {
  if (facts.error != 0) {
    diagnosis_.cannot_look(trust.what + ", " + shell_word(path) + ": " +
                           std::strerror(facts.error));
  }
  bool is_good = facts.error == 0;
  for (std::size_t i = 0; i < facts.steps.size(); ++i) {
    const PathStep& step = facts.steps[i];
    const bool is_last = facts.error == 0 && i + 1 == facts.steps.size();
    const auto objection = objection_to(step, trust, is_last);
    if (!objection) continue;
    is_good = false;
    if (first_time(step.path + "\n" + *objection)) {
      diagnosis_.add({Severity::error, trust.area, shell_word(step.path), *objection, trust.why,
                      mending_writers(step, trust)});
    }
    // What is behind it may be another thing by the time that a command is called.
    break;
  }
  if (is_good && first_time(path)) {
    diagnosis_.is_in_order(trust.area + ": " + shell_word(path) +
                           " and the way to it can be written by nobody else");
  }
}

void PathChecks::check_readers(const std::string& path, const PathFacts& facts,
                               const PathTrust& trust) {
  if (facts.error != 0 || facts.steps.empty()) return;  // check_writers has said so
  const struct ::stat& status = facts.steps.back().status;
  // A folder on the way that others cannot pass is as good as the file's own mode.
  const bool is_reachable =
      std::all_of(facts.steps.begin(), facts.steps.end() - 1, [](const PathStep& step) {
        return !S_ISDIR(step.status.st_mode) || (step.status.st_mode & S_IXOTH) != 0;
      });
  const bool by_all = (status.st_mode & S_IROTH) != 0 && is_reachable;
  const bool by_group = (status.st_mode & S_IRGRP) != 0 && status.st_gid != 0;
  const std::string word = shell_word(facts.steps.back().path);
  if (by_all) {
    diagnosis_.add({Severity::error, trust.area, word,
                    "can be read by every user (mode " + mode_text(status.st_mode) + ")", trust.why,
                    "chmod o-rwx " + word});
  } else if (by_group) {
    diagnosis_.add({Severity::warning, trust.area, word,
                    "can be read by the members of group " + std::to_string(status.st_gid),
                    trust.why, "chgrp root " + word});
  } else if (first_time("read\n" + path)) {
    diagnosis_.is_in_order(trust.area + ": " + word + " can be read by nobody else");
  }
}

}  // namespace perchild
