// Opens the configuration's files, and looks at who else could write them.
//
// Runs in: command, as the caller.
// Trusts: files and folders that only root or the caller can write; it says which others it met.
#pragma once

#include <sys/stat.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "policy/configuration_source.h"

namespace perchild {

class SourceFiles final : public ConfigurationFiles {
 public:
  // `what`: what such a file is called in sentences.
  explicit SourceFiles(std::string what = "the configuration") : what_(std::move(what)) {}
  OpenedSource open(const std::string& path) override;
  std::vector<std::string> matching(const std::string& pattern, const std::string& from) override;

 private:
  void check_folder(const std::string& folder, const struct ::stat& status,
                    std::vector<Mistake>& objections);
  void check_ancestors(const std::string& folder, std::vector<Mistake>& objections);

  const std::string what_;
  // Each is objected to once; an ancestor, which may be a file's own folder too, ends in '/'.
  std::set<std::string> checked_folders_;
};

}  // namespace perchild
