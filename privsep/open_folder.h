// A folder whose names are read one after the other, until this goes.
//
// Runs in: every process.
#pragma once

#include <dirent.h>

#include <memory>

namespace perchild {

struct CloseFolder {
  void operator()(::DIR* folder) const { ::closedir(folder); }
};
using OpenFolder = std::unique_ptr<::DIR, CloseFolder>;

}  // namespace perchild
