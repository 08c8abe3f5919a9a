// A folder that goes with its owner, in which every uid may walk.
#pragma once

#include <string>

namespace perchild::test {

class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::string& parent = "/tmp");
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }
  // Writes `contents` to `name` below the folder, making the folders in between (mode 0755).
  std::string write(const std::string& name, const std::string& contents,
                    unsigned mode = 0644) const;

 private:
  std::string path_;
};

void write_file(const std::string& path, const std::string& contents, unsigned mode = 0644);
std::string read_file(const std::string& path);  // "" if it cannot be read

}  // namespace perchild::test
