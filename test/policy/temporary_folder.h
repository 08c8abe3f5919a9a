// A folder that only its maker can write, for as long as a test runs.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace perchild::test {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = "/tmp/perchild-policy-XXXXXX";
    path_ = ::mkdtemp(name.data()) == nullptr ? std::string() : name;
    EXPECT_FALSE(path_.empty());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string& path() const { return path_; }

  std::string write(std::string_view name, std::string_view text, ::mode_t mode = 0644) const {
    const std::string file = path(name);
    std::ofstream(file) << text;
    EXPECT_EQ(::chmod(file.c_str(), mode), 0);
    return file;
  }
  std::string make_folder(std::string_view name, ::mode_t mode = 0755) const {
    const std::string folder = path(name);
    EXPECT_EQ(::mkdir(folder.c_str(), 0755), 0);
    EXPECT_EQ(::chmod(folder.c_str(), mode), 0);
    return folder;
  }

 private:
  std::string path_;
};

}  // namespace perchild::test
