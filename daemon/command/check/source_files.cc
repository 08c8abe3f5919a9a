#include "daemon/command/check/source_files.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "privsep/unique_fd.h"

namespace perchild {
namespace {

constexpr std::string_view remedy = "chown root and chmod go-w it";

// With its '/' at the end; empty for the working directory.
std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/') + 1);
}

std::string resolve(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  return real ? std::string(real.get()) : std::string();
}

std::string escape_for_glob(const std::string& path) {
  std::string escaped;
  for (char c : path) {
    if (std::strchr("*?[\\", c) != nullptr) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

Mistake objection_about(const std::string& name, std::string_view what, std::string sentence,
                        Severity severity) {
  Mistake mistake;
  mistake.file = name;
  mistake.severity = severity;
  mistake.sentence = std::string(what) + " " + std::move(sentence);
  mistake.hint = remedy;
  return mistake;
}

OpenedSource unreadable(std::string problem) {
  OpenedSource opened;
  opened.problem = std::move(problem);
  return opened;
}

}  // namespace

void SourceFiles::check_ancestors(const std::string& folder, std::vector<Mistake>& objections) {
  for (std::size_t end = folder.rfind('/'); end != std::string::npos && !folder.empty();
       end = end == 0 ? std::string::npos : folder.rfind('/', end - 1)) {
    const std::string ancestor = folder.substr(0, std::max<std::size_t>(end, 1));
    if (ancestor == folder || !checked_folders_.insert(ancestor + "/").second) return;
    struct ::stat status {};
    if (::stat(ancestor.c_str(), &status) != 0) return;
    if (auto objection = objection_to_ancestor(status, Uid{::geteuid()})) {
      objections.push_back(objection_about(ancestor, "this folder", *objection, Severity::warning));
    }
  }
}

void SourceFiles::check_folder(const std::string& folder, const struct ::stat& status,
                               std::vector<Mistake>& objections) {
  if (!checked_folders_.insert(folder).second) return;
  if (auto objection = objection_to_folder(status, Uid{::geteuid()})) {
    objections.push_back(objection_about(folder, what_ + "'s folder", *objection, Severity::error));
  }
  check_ancestors(folder, objections);
}

OpenedSource SourceFiles::open(const std::string& path) {
  // A link may lead elsewhere; then both the folder of the link and that of the file count.
  const std::string real = resolve(path);
  if (real.empty()) return unreadable(std::strerror(errno));
  const std::string real_folder = real.substr(0, std::max<std::size_t>(real.rfind('/'), 1));
  const std::string link_folder = resolve(folder_of(path) + ".");

  const UniqueFd folder(::open(real_folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct ::stat status {};
  if (!folder.has_value() || ::fstat(folder.get(), &status) != 0) {
    return unreadable(std::strerror(errno));
  }
  OpenedSource opened;
  check_folder(real_folder, status, opened.objections);
  if (link_folder != real_folder && ::stat(link_folder.c_str(), &status) == 0) {
    check_folder(link_folder, status, opened.objections);
  }

  // O_NONBLOCK: a FIFO must not hold us up.
  const std::string name = real == "/" ? "." : real.substr(real.rfind('/') + 1);
  const UniqueFd file(::openat(folder.get(), name.c_str(),
                               O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.has_value() || ::fstat(file.get(), &status) != 0) {
    return unreadable(std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) return unreadable("it is not a regular file");
  if (auto objection = objection_to_file(status, Uid{::geteuid()})) {
    opened.objections.push_back(objection_about(path, what_, *objection, Severity::error));
  }
  ReadText read = read_source(file.get());
  opened.text = std::move(read.text);
  opened.problem = std::move(read.problem);
  return opened;
}

std::vector<std::string> SourceFiles::matching(const std::string& pattern,
                                               const std::string& from) {
  const std::string whole =
      pattern.starts_with('/') ? pattern : escape_for_glob(folder_of(from)) + pattern;
  ::glob_t found{};
  std::vector<std::string> paths;
  if (::glob(whole.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  std::sort(paths.begin(), paths.end());  // by bytes, in every locale
  return paths;
}

}  // namespace perchild
