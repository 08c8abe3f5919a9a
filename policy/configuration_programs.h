// What the configuration says of programs: PHP, CGI scripts, FastCGI, applications and proxies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/configuration_content.h"

namespace perchild {

// The keys "php", "cgi", "fastcgi", "proxy" and "app" of `object`, a vhost, "defaults" or a
// location. `folder`: of a location that is a prefix, that prefix; its CGI scripts are the files in
// it.
void read_programs(Report& report, JsonValue object, std::string_view folder,
                   std::vector<HandlerSetting>& handlers, OperatorsPart& operators);

// An array of absolute paths, in place of what is inherited.
void take_folders(Report& report, JsonValue object, std::string_view key,
                  std::vector<std::string>& folders);

// "connect_ports", an array of numbers, in place of what is inherited.
void read_ports(Report& report, JsonValue value, std::optional<std::vector<std::uint16_t>>& ports);

// Leaves out the programs that `content` does not name, and numbers the others anew. Those that
// have no folder of their own are started in `root`.
void finish_programs(Content& content, std::vector<ProgramSettings>& programs,
                     const std::string& root);

}  // namespace perchild
