// Which files a site's programs may read, write and execute: for Landlock.
//
// Runs in: runner, before its lock-down.
// Trusts: its settings.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "privsep/landlock.h"
#include "vhosts/sites/runner_settings.h"

namespace perchild {

class ProgramPaths {
 public:
  explicit ProgramPaths(const RunnerSettings& settings);

  std::span<const PermittedPath> permitted() const { return permitted_; }
  // Folders of the configuration that cannot be opened, a sentence each.
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  bool permit(const std::string& path, FileAccess access);
  void permit_folder(const std::string& path, FileAccess access);

  std::vector<UniqueFd> fds_;
  std::vector<PermittedPath> permitted_;
  std::vector<std::string> complaints_;
};

// O_PATH.
Result<UniqueFd> open_directory(const std::string& path);

}  // namespace perchild
