// Every folder and link on the way to a file, with its owner and mode.
//
// Runs in: command, as root.
// Does not trust: the names on the way. Each is looked at through the descriptor of the one before
// it, and nothing is opened for reading.
#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

namespace perchild {

struct PathStep {
  std::string path;
  struct ::stat status {};
};

struct PathFacts {
  std::vector<PathStep> steps;  // from "/" on; a link and what it leads to are two
  int error = 0;                // an errno: why it goes no further
};

// `path` is absolute.
PathFacts look_along(const std::string& path);

struct FolderEntry {
  std::string name;
  struct ::stat status {};
};

// What is in a folder, by name, links themselves; at most `most` of them.
std::vector<FolderEntry> look_into(const std::string& folder, std::size_t most = 100'000);

}  // namespace perchild
