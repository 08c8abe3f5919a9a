#include "vhosts/sites/spare_settings.h"

#include "policy/packed.h"

namespace perchild {

std::string SpareSettings::pack() const {
  PackedWriter writer;
  writer.put_texts(command);
  writer.put_texts(environment);
  writer.put_text(fork_server);
  writer.put(static_cast<std::uint8_t>(landlock));
  return writer.take();
}

std::optional<SpareSettings> SpareSettings::unpack(std::string_view bytes) {
  PackedReader reader(bytes);
  SpareSettings settings;
  settings.command = reader.get_texts();
  settings.environment = reader.get_texts();
  settings.fork_server = reader.get_text();
  settings.landlock = static_cast<Requirement>(reader.get<std::uint8_t>());
  const bool plausible =
      reader.done() && !settings.command.empty() && settings.command.front().starts_with('/') &&
      settings.fork_server.starts_with('/') && settings.landlock <= Requirement::if_available;
  return plausible ? std::optional(std::move(settings)) : std::nullopt;
}

}  // namespace perchild
