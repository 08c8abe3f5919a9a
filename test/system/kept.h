// What a site's worker keeps of bodies, and a disk that is soon full of them.
#pragma once

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>

#include "test/support/own_mounts.h"
#include "test/support/server.h"
#include "test/support/temporary_directory.h"

namespace perchild::test {

// What the site's worker keeps, in bytes.
struct Kept {
  std::size_t in_memory = 0;
  std::size_t on_disk = 0;
  std::string file;  // where it can be opened
  bool has_file() const { return !file.empty(); }
};
inline Kept kept_by_worker(const Server& server) {
  Kept kept;
  const std::string folder = "/proc/" + std::to_string(server.workers_of(0).at(0).pid) + "/fd";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    struct ::stat facts;
    if (::stat(entry.path().c_str(), &facts) != 0 || !S_ISREG(facts.st_mode)) continue;
    const std::size_t bytes = static_cast<std::size_t>(facts.st_blocks) * 512;
    const std::string target = std::filesystem::read_symlink(entry.path()).string();
    if (target.starts_with("/memfd:body")) {
      kept.in_memory += bytes;
    } else if (facts.st_nlink == 0 && !target.starts_with("/memfd:")) {
      kept.file = entry.path();
      kept.on_disk += bytes;
    }
  }
  return kept;
}

// For ServerSpec::before_exec: the first site's docroot is of that size, and has these files alone.
inline std::function<void(const std::string&)> small_disk(
    const std::string& size, const std::map<std::string, std::string>& files) {
  return [=](const std::string& folder) {
    const std::string docroot = folder + "/site0", owner = std::to_string(uid_a);
    const std::string options = "size=" + size + ",mode=700,uid=" + owner + ",gid=" + owner;
    const auto give_away = [](const std::string& path) {
      if (::chmod(path.c_str(), 0700) != 0 || ::chown(path.c_str(), uid_a, uid_a) != 0) {
        throw std::runtime_error("chown " + path);
      }
    };
    if (!have_own_mounts() || ::mount("tmpfs", docroot.c_str(), "tmpfs", 0, options.c_str()) != 0) {
      throw std::runtime_error("mount " + docroot);
    }
    for (const auto& [name, text] : files) {
      const std::filesystem::path path = docroot + "/" + name;
      if (std::filesystem::create_directories(path.parent_path())) give_away(path.parent_path());
      write_file(path, text);
      give_away(path);
    }
  };
}

}  // namespace perchild::test
