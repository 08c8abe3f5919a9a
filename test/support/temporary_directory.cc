#include "test/support/temporary_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace perchild::test {

TemporaryDirectory::TemporaryDirectory(const std::string& parent) {
  std::string pattern = parent + "/perchild-test-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  ::chmod(pattern.c_str(), 0755);
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryDirectory::write(const std::string& name, const std::string& contents,
                                      unsigned mode) const {
  const std::string path = path_ + "/" + name;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  write_file(path, contents, mode);
  return path;
}

void write_file(const std::string& path, const std::string& contents, unsigned mode) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << contents;
  file.close();
  if (!file || ::chmod(path.c_str(), mode) != 0) throw std::runtime_error("cannot write " + path);
}

std::string read_file(const std::string& path) {
  // The size is a hint: files of /proc have none.
  std::error_code none;
  const std::uintmax_t hint = std::filesystem::file_size(path, none);
  std::string contents;
  if (!none) contents.reserve(hint + 1);
  std::array<char, 64 * 1024> buffer;
  std::ifstream file(path, std::ios::binary);
  do {
    file.read(buffer.data(), buffer.size());
    contents.append(buffer.data(), static_cast<std::size_t>(file.gcount()));
  } while (file);
  return contents;
}

}  // namespace perchild::test
