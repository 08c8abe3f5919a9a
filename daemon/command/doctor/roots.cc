#include "daemon/command/doctor/roots.h"

#include <algorithm>
#include <map>
#include <set>

#include "daemon/command/doctor/path_checks.h"
#include "daemon/command/doctor/shell_word.h"
#include "daemon/command/serve/tables.h"
#include "daemon/command/site_process/site_process.h"
#include "privsep/sealed_memory.h"

namespace perchild {
namespace {

constexpr std::chrono::seconds start_and_end{10};  // besides the walk itself

struct TroubleText {
  Trouble trouble;
  Severity severity;
  const char* wrong;
  const char* why;
  const char* command;  // as the site's user; the path follows
};
constexpr TroubleText texts[] = {
    {Trouble::written_by_others, Severity::error, "may be written by every user",
     "whoever has a shell or a job on the machine can change what the site serves and runs",
     "chmod o-w --"},
    {Trouble::written_by_group, Severity::warning,
     "may be written by a group that is not the site's alone",
     "its members can change what the site serves and runs", "chmod g-w --"},
    {Trouble::secret_is_read, Severity::error, "holds secrets that every user can read",
     "perchild hides such names from visitors and keeps other sites' programs out, but not other "
     "users' logins, jobs and services; its own worker needs no more than 0600",
     "chmod go-rwx --"},
    {Trouble::secret_is_read_by_group, Severity::warning,
     "holds secrets that a group can read which is not the site's alone",
     "its members have the site's passwords or keys", "chmod go-rwx --"},
    {Trouble::setuid, Severity::warning, "is setuid or setgid",
     "in perchild it is inert, but who executes it elsewhere becomes the site's user by it",
     "chmod ug-s --"},
    {Trouble::of_another_user, Severity::note, "belongs to another user",
     "that user can read and change it, and the site's programs perhaps cannot",
     "sh -c 'cp -p -- \"$0\" \"$0.own\" && mv -T -- \"$0.own\" \"$0\"'"},
    {Trouble::shared_name, Severity::warning,
     "is another user's file, which has a name elsewhere, too",
     "a link(2) into the root serves what its owner never meant to publish, and a chown or chmod "
     "of "
     "the root by root changes it",
     "rm --"},
    {Trouble::leads_out, Severity::note, "is a link that leads out of the root",
     "visitors get 403, for a worker does not follow it; the site's programs do where their walls "
     "let them",
     "rm --"},
};

// A command of the site's user. One of root's could be led to another file by who changes a folder
// on the way to a link meanwhile.
std::string as_user(const Site& site, const std::string& command, const std::string& path) {
  const std::string uid = std::to_string(site.uid.uid().value);
  const std::string gid = std::to_string(site.gid.value);
  return "setpriv --reuid=" + uid + " --regid=" + gid + " --clear-groups -- " + command + " " +
         shell_word(path);
}

std::string whole(const Site& site, const std::string& path) {
  return (site.root.ends_with('/') ? site.root : site.root + "/") + path;
}

bool is_absent(const std::string& answer) {
  return answer.find("no answer: ") != std::string::npos && answer.size() < 4096;
}

void check_ends(const Site& site, const RootReport& report, const WalkBounds& bounds,
                Diagnosis& diagnosis) {
  const std::string root = "roots: " + shell_word(site.root);
  if (report.end == RootReport::End::names) {
    diagnosis.cannot_look(root + " beyond its first " + std::to_string(report.names) +
                          " names; --names sets another bound");
  }
  if (report.end == RootReport::End::time) {
    diagnosis.cannot_look(root + " beyond the " + std::to_string(report.names) + " names of " +
                          std::to_string(bounds.seconds_in_a_root) + " s");
  }
  if (report.closed != 0) {
    diagnosis.cannot_look(root + ": " + std::to_string(report.closed) +
                          " folders in it that its own user may not look into");
  }
}

std::uint64_t examine(const Configuration& configuration, const Site& site,
                      const RootExamination& examination, BorrowedFd filter,
                      const WalkBounds& bounds, Diagnosis& diagnosis) {
  const std::string root = "roots: " + shell_word(site.root) + ": ";
  const auto memory = make_sealed_memory("examination", examination.pack());
  const auto answer =
      memory
          ? ask_site_process(
                configuration, site,
                {.executable = "perchild-examiner",
                 .filter = filter,
                 .given = {memory->borrow()},
                 .bounds = {.patience = std::chrono::seconds(examination.seconds) + start_and_end}})
          : Result<ChildOutput>(failure(memory.error()));
  if (!answer) {
    diagnosis.cannot_look(root + answer.error().text());
    return 0;
  }
  const auto report = RootReport::unpack(answer->text);
  if (!report) {
    diagnosis.cannot_look(root + (is_absent(answer->text) ? shell_word(answer->text)
                                                          : "its examiner says nonsense, or "
                                                            "nothing in time"));
    return 0;
  }
  check_root(site, *report, bounds, diagnosis);
  return report->names;
}

}  // namespace

Passage passage_of(const PathFacts& way) {
  Passage passage;
  for (const PathStep& step : way.steps) {
    if (!S_ISDIR(step.status.st_mode)) continue;
    const bool others_pass = (step.status.st_mode & S_IXOTH) != 0;
    passage.others &= others_pass;
    passage.groups &= others_pass || (step.status.st_mode & S_IXGRP) != 0;
  }
  return passage;
}

void check_openness(const Site& site, const PathFacts& way, Diagnosis& diagnosis) {
  // What is behind a folder that nobody passes is open to nobody.
  for (const PathStep& step : way.steps) {
    const ::mode_t mode = step.status.st_mode;
    if (!S_ISDIR(mode)) continue;
    if ((mode & (S_IXOTH | S_IROTH)) == 0) return;
    if (step.status.st_uid != site.uid.uid().value) continue;
    diagnosis.add({Severity::warning, "roots", shell_word(step.path),
                   "is open to every user (mode " + mode_text(mode) + ")",
                   "the site's worker is its user's own process and needs no opening; what lies "
                   "behind is read by whoever knows or lists its names",
                   as_user(site, "chmod o-rwx --", step.path)});
    return;
  }
}

void check_root(const Site& site, const RootReport& report, const WalkBounds& bounds,
                Diagnosis& diagnosis) {
  bool is_good = true;
  for (const TroubleText& text : texts) {
    const RootReport::Found& found = report.found[static_cast<std::size_t>(text.trouble)];
    for (const TroubledFile& file : found.examples) {
      is_good = false;
      const std::string path = whole(site, file.path);
      const std::string command = as_user(site, text.command, path);
      std::string wrong = std::string(text.wrong) + " (mode " + mode_text(file.mode) + ")";
      if (found.count > found.examples.size()) {
        wrong += "; it is one of " + std::to_string(found.count) + " in this root";
      }
      diagnosis.add({text.severity, "roots", shell_word(path), wrong, text.why, command});
    }
  }
  check_ends(site, report, bounds, diagnosis);
  if (is_good) {
    diagnosis.is_in_order("roots: " + std::to_string(report.names) + " names in " +
                          shell_word(site.root));
  }
}

void check_roots(const Configuration& configuration, const WalkBounds& bounds,
                 Diagnosis& diagnosis) {
  const auto filters = make_filters();
  if (!filters) {
    diagnosis.cannot_look("roots: " + filters.error().text());
    return;
  }
  std::map<std::uint32_t, std::set<std::uint32_t>> uids_by_gid;
  for (const Site& site : configuration.sites) {
    uids_by_gid[site.gid.value].insert(site.uid.uid().value);
  }
  std::uint64_t left = bounds.names;
  for (const Site& site : configuration.sites) {
    const PathFacts way = look_along(site.root);
    check_openness(site, way, diagnosis);
    const Passage passage = passage_of(way);
    if (left == 0) {
      diagnosis.cannot_look("roots: " + shell_word(site.root) + ": " +
                            std::to_string(bounds.names) + " names have been looked at");
      continue;
    }
    left -= examine(configuration, site,
                    {.most_names = std::min(left, bounds.names_in_a_root),
                     .seconds = bounds.seconds_in_a_root,
                     .others_come = passage.others,
                     .groups_come = passage.groups,
                     .shares_group = uids_by_gid[site.gid.value].size() > 1,
                     .needs_landlock = configuration.mechanisms.landlock == Requirement::required,
                     .root = site.root},
                    filters->worker.borrow(), bounds, diagnosis);
  }
}

}  // namespace perchild
