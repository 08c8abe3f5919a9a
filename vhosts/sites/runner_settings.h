// What a site's runner knows: the site's programs. Packed by the command, carried through the
// master unread, unpacked by the runner.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/configuration.h"
#include "policy/program_settings.h"

namespace perchild {

struct RunnerSettings {
  std::string root;  // the docroot: scripts are below it
  std::vector<ProgramSettings> programs;
  std::vector<std::string> writable;    // folders that programs may write, besides the docroot
  std::vector<std::string> executable;  // folders to execute from, besides the system's
  std::string tmp{};  // a folder of the site's user's that is their /tmp; empty: memory
  // TCP ports that programs and the runner may connect to; nullopt: any.
  std::optional<std::vector<std::uint16_t>> connect_ports{};
  SiteQuota quota;
  std::uint64_t most_log_bytes = 0;  // SiteLimits::log
  Requirement landlock = Requirement::required;
  std::optional<MailSettings> mail{};
  std::string sendmail{};     // the program by which programs send it; absolute
  std::string fork_server{};  // what is loaded into programs that fork; absolute
  // System-call filters: what takes the place of that of all runners, and what programs have on top
  // of their runner's. Empty: nothing.
  std::string filter{};
  std::string refusals{};

  std::string pack() const;
  static std::optional<RunnerSettings> unpack(std::string_view bytes);
};

}  // namespace perchild
