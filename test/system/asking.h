// What `perchild status` says of a server under test.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "test/support/command.h"
#include "test/system/requests.h"

namespace perchild::test {

inline std::string runtime_dir(const Server& server) {
  return server.directory().path() + "/run";
}

// `perchild COMMAND --runtime-dir ... ARGUMENTS`.
inline CommandEnd ask_server(const Server& server, const std::string& command,
                             const std::vector<std::string>& arguments = {},
                             std::optional<::uid_t> as = std::nullopt) {
  std::vector<std::string> all{bin_directory() + "/perchild", command, "--runtime-dir",
                               runtime_dir(server)};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_command(all, as);
}

inline CommandEnd status(const Server& server, const std::vector<std::string>& arguments = {},
                         std::optional<::uid_t> as = std::nullopt) {
  return ask_server(server, "status", arguments, as);
}

inline nlohmann::json status_of_all(const Server& server) {
  return nlohmann::json::parse(status(server, {"--json"}).output);
}

inline nlohmann::json status_of_site(const Server& server, const std::string& site) {
  return nlohmann::json::parse(status(server, {site, "--json"}).output).at("sites").at(0);
}

}  // namespace perchild::test
