#include "test/hostile/replaced_role.h"

#include <sys/stat.h>

#include <filesystem>
#include <sstream>
#include <stdexcept>

namespace perchild::test {

ReplacedRole::ReplacedRole(Role role) {
  std::filesystem::copy_file(bin_directory() + "/perchild", bin() + "/perchild");
  for (const Role each : {Role::master, Role::router, Role::worker, Role::checker, Role::keeper,
                          Role::runner, Role::spare}) {
    const std::string name(executable_of(each));
    const std::string original = each == role ? "hostile-" + std::string(name_of(each)) : name;
    std::filesystem::copy_file(bin_directory() + "/" + original, bin() + "/" + name);
  }
  const std::string fork_server = "perchild-fork-server.so";
  std::filesystem::copy_file(bin_directory() + "/" + fork_server, bin() + "/" + fork_server);
  std::filesystem::copy_file(
      bin_directory() + "/" + (role == Role::worker ? "hostile-worker" : tls_worker_executable),
      bin() + "/" + tls_worker_executable);
}

void ReplacedRole::write(const std::string& name, const std::string& contents,
                         unsigned mode) const {
  // Complete whenever it is there: the double may read it at any moment.
  const std::string unfinished = folder_.write("." + name, contents, mode);
  std::filesystem::rename(unfinished, bin() + "/" + name);
}

void ReplacedRole::remove(const std::string& name) const {
  std::filesystem::remove(bin() + "/" + name);
}

void ReplacedRole::add_setuid_program() const {
  const std::string path = bin() + "/setuid-id";
  std::filesystem::copy_file("/usr/bin/id", path);
  if (::chmod(path.c_str(), 04755) != 0) throw std::runtime_error("chmod");
}

std::map<std::string, int> reported_attacks(const std::string& text) {
  std::map<std::string, int> results;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t start = line.find("attack ");
    const std::size_t colon = line.rfind(": ");
    if (start == std::string::npos || colon == std::string::npos || colon < start) continue;
    results[line.substr(start + 7, colon - start - 7)] = std::stoi(line.substr(colon + 2));
  }
  return results;
}

}  // namespace perchild::test
