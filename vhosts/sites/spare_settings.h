// What a spare loads before it has a site. Packed by the command, carried through the master
// unread, unpacked by the spare. Two that pack to the same are of one kind.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/configuration.h"
#include "policy/program_settings.h"

namespace perchild {

struct SpareSettings {
  std::vector<std::string> command;      // the first is an absolute path
  std::vector<std::string> environment;  // besides what every program has
  std::string fork_server;               // what is loaded into it; absolute
  Requirement landlock = Requirement::required;

  // Whether `program`, once it is loaded, is this. In which directory it is can be said later.
  bool is_good_for(const ProgramSettings& program) const {
    return program.forks && program.command == command && program.environment == environment;
  }

  std::string pack() const;
  static std::optional<SpareSettings> unpack(std::string_view bytes);
};

}  // namespace perchild
