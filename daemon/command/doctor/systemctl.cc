#include "daemon/command/doctor/systemctl.h"

#include <unistd.h>

#include <array>
#include <chrono>

#include "daemon/command/site_process/child_output.h"

namespace perchild {

std::optional<std::string> show_unit(const std::string& unit, const std::string& properties) {
  auto shown = output_of_child(
      [&](BorrowedFd output) {
        ::dup2(output.get(), STDOUT_FILENO);
        std::string program = "systemctl", show = "show", plain = "--no-pager";
        std::string asked = "--property=" + properties, name = unit;
        const std::array<char*, 6> arguments{program.data(), show.data(), plain.data(),
                                             asked.data(),   name.data(), nullptr};
        std::string locale = "LC_ALL=C";
        const std::array<char*, 2> environment{locale.data(), nullptr};
        ::execve("/usr/bin/systemctl", arguments.data(), environment.data());
      },
      {.most = 1024 * 1024, .patience = std::chrono::seconds(60)});
  if (!shown || shown->is_cut) return std::nullopt;
  return std::move(shown->text);
}

}  // namespace perchild
